"""The yearly settlement of the fund, as bureaus lay it out, with who bears what beside it."""

import streamlit as st

from report import diagrams
from report.tables import FORMS, tier_name
from report.text import plain, unit_text
from ui import ledger, state, studies
from ui.figures import beside, card, download
from ui.runs import at_rest, draws_for
from ui.text import language, t
from ui.view import scenario_of
from ui.widgets import sidebar

SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

view, lang = state.view(), language()
scenario = scenario_of(view)
years = scenario.horizon()
st.title(t("page.account"))
st.markdown(f"**{plain(scenario.title[lang])}**")
st.markdown(t("account.question"))
facts = st.empty()
state.warn()

settled = at_rest("study", view)
found = studies.study(view, draws_for(view, settled))
facts.caption(studies.facts(found, scenario, settled))

areas = list(found.settlements)
names = {area: t("account.whole") for area in areas[:1]} | {
    area: plain(name[lang]) for area, name in scenario.axes.area.items()}
area = areas[0]
if len(areas) > 1:
    area = st.selectbox(t("account.area"), areas, 0, format_func=names.get, width=320,
                        key=f"account.area.{view.scenario}")
everything = st.toggle(t("account.everything"), key="account.everything", persist_state="session")

account = ledger.sheet(found.settlements[area], lang, everything)
unit = t(f"unit.{ledger.LEDGER[lang][1]}")
st.subheader(t("account.table", first=years[0], last=years[-1]))
st.caption(t("account.units", unit=unit))
st.dataframe(ledger.printed(account, lang), hide_index=True, height="content", placeholder="",
             column_config={name: st.column_config.Column(pinned=name == account.heads["title"], width=pixels)
                            for name, pixels in ledger.widths(account, lang).items()},
             alt=t("account.alt", first=years[0], last=years[-1], unit=unit))
notes = [scenario.title[lang], names[area] if len(areas) > 1 else "", studies.facts(found, scenario, settled),
         t("account.means")]
with st.container(horizontal=True):
    download("csv.account", t("account.csv"), ledger.filed(account), "account", facts=found.facts)
    st.download_button(t("account.xlsx"), lambda: ledger.workbook(account, [note for note in notes if note]),
                       f"{view.scenario}_settlement_{lang}.xlsx", SHEET, key="book.account", on_click="ignore",
                       icon=":material/table_view:")
st.caption(t("account.means"))

for column, section in zip(beside(2), ("income", "expenditure"), strict=True):
    drawn, items, unit = ledger.flows(found.settlements[area], section, lang)
    first, last = (f"{drawn.frame[list(items)].sum(axis=1).iloc[n]:,.1f}" for n in (0, -1))
    alt = t(f"account.{section}_alt", unit=unit, begins=years[0], ends=years[-1], first=first, last=last)
    figure = diagrams.around_zero(drawn, t(f"account.{section}", unit=unit), items, unit)
    with column:
        card(f"account_{section}", figure, drawn, alt, found.facts)

st.subheader(t("account.who"))
if len(areas) > 1:
    st.caption(t("account.who_whole"))
groups = {name: text[lang] for name, text in scenario.axes.group.items()}
shown = (("out_of_pocket", unit_text("yuan_person_year", lang), FORMS["yuan"], ",.0f"),
         ("catastrophic", unit_text("share", lang), FORMS["share"], ".1%"))
for column, (name, unit, form, tick) in zip(beside(2), shown, strict=True):
    drawn = ledger.by_year(found.groups, "group", name, groups, unit, lang, form)
    ends = drawn.frame.iloc[[0, -1]]
    told = t("account.comma").join(f"{title} {format(ends[group].iloc[0], tick)}→{format(ends[group].iloc[1], tick)}"
                                   for group, title in groups.items())
    alt = t(f"account.{name}_alt", begins=years[0], ends=years[-1], told=told)
    with column:
        card(f"account_{name}", diagrams.courses(drawn, t(f"account.{name}"), groups, tick), drawn, alt, found.facts)

drawn, tiers, unit = ledger.margins(found, scenario, lang)
last = drawn.frame.iloc[-1]
told = t("account.comma").join(f"{tier_name(scenario, tier, lang)} {last[tier]:,.1f}" for tier in tiers)
card("account_margins", diagrams.around_zero(drawn, t("account.margins", unit=unit), tiers, unit), drawn,
     t("account.margins_alt", unit=unit, year=years[-1], told=told), found.facts)
st.caption(t("account.margins_read"))

with st.sidebar:
    sidebar()

studies.settle("study", view, settled)
