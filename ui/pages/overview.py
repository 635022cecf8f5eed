"""The first page: the fund year by year, its lines and its chances, under the levers of the sidebar."""

import streamlit as st

from report import charts, tables
from report.findings import behaviour, doubt, figures, limit_text, responds, sentences
from report.text import people, percent, plain, say
from simulation.measures import RESPONSES
from simulation.results import EVENTS, QUANTITIES
from simulation.scenario import clause
from ui import state
from ui.figures import card, download, metric, table
from ui.futures import lead
from ui.papers import brief_downloads
from ui.runs import SEED, at_rest, closing, draws_for, key, run
from ui.take import take_away
from ui.text import language, t
from ui.view import baseline, scenario_of
from ui.widgets import sidebar

SHOWN = ["enrolled", "income", "expenditure", "surplus", "balance_end", "surplus_ratio", "balance_ratio"]
STATISTICS = ["p50", "mean", "p05", "p25", "p75", "p95"]
FANS = (("balance", "balance_ratio", "zero"), ("surplus", "surplus_ratio", "deficit"),
        ("months", "reserve_months", "zero"))

view, lang = state.view(), language()
scenario = scenario_of(view)
first, last = scenario.first_year, scenario.horizon()[-1]
st.title(plain(scenario.title[lang]))
st.markdown(plain(scenario.story[lang]))
facts = st.empty()
state.warn()

settled = st.session_state.get("settled") == view or at_rest(view)
draws = draws_for(view, settled)
now = run(view, draws)
before = run(baseline(view), draws) if view.edits else None
found = sentences(now, lang)

enrolled = now.summary[now.summary["quantity"] == "enrolled"]["p50"].iloc[0]
facts.caption(" · ".join([
    t("facts.stable" if settled else "facts.quick", draws=f"{draws:,}"),
    t("facts.years", first=first, last=last), t("facts.seed", seed=SEED), t(f"engine.{now.facts['engine']}"),
    t("facts.insured", people=people(enrolled, lang)),
    t("facts.fingerprint", fingerprint=now.facts["fingerprint"][:8]),
    *([t("facts.city", count=len(scenario.axes.area))] if len(scenario.axes.area) > 1 else [])]))

with st.container(border=True):
    st.markdown("  \n".join(found))
    st.caption(doubt(now, lang))
for column, figure in zip(st.columns(3), figures(now, before, lang), strict=True):
    with column:
        metric(figure)

lines = scenario.policy_in(last).lines
names = {column: t(f"label.{column}") for column in ("p05", "p25", "p50", "p75", "p95", "before")}
(first_row, second_row, third_row) = [st.columns(2) for _ in range(3)]
for column, (name, quantity, zero) in zip([*first_row, second_row[0]], FANS, strict=True):
    drawn, title = tables.fan(now, quantity, lang, before), t(f"chart.{name}")
    end, limit = drawn.frame.iloc[-1], limit_text(now, quantity, lang)
    months = quantity == "reserve_months"
    written = {place: f"{end[at]:.1f}" if months else percent(end[at])
               for place, at in (("median", "p50"), ("low", "p05"), ("high", "p95"))}
    bound = charts.Limit(t("label.warning" if months else "label.limit", limit=limit),
                         clause(scenario, getattr(lines, quantity).source, lang))
    under = charts.Limit(t(f"label.{zero}_line"), t(f"chart.{zero}_clause"))
    alt = t(f"chart.{name}_alt", title=title, limit=limit, year=last, **written)
    with column:
        card(name, charts.fan(drawn, title, names, bound, under, "f" if months else "%"), drawn, alt)

with first_row[0]:
    lead()
with second_row[1]:
    drawn, events = tables.chance(now, lang), {event: t(f"event.{event}") for event in EVENTS}
    alt = t("chart.chances_alt", finding=" ".join(found).replace("*", ""))
    card("chances", charts.chances(drawn, t("chart.chances"), events), drawn, alt)
with third_row[0]:
    drawn, tiers, unit = tables.spending(now, scenario, lang)
    start, end = (f"{total:,.1f}" for total in drawn.frame[list(tiers)].sum(axis=1).iloc[[0, -1]])
    alt = t("chart.spending_alt", first=first, last=last, unit=unit, start=start, end=end)
    card("spending", charts.stacked(drawn, t("chart.spending", unit=unit), tiers, unit), drawn, alt)
with third_row[1], st.container(border=True):
    st.markdown(f"**{t('behaviour.title')}**")
    answer = st.empty()
    answer.caption(t("behaviour.waiting" if responds(scenario) else "behaviour.none"))

st.caption(t("chart.read"))

st.header(t("table.title"))
chosen, statistic = st.columns([3, 1])
quantities = chosen.multiselect(
    t("table.quantities"), list(QUANTITIES), SHOWN, key="quantities",
    format_func=lambda name: QUANTITIES[name][0][lang], placeholder=t("table.empty"), persist_state="session")
kind = statistic.selectbox(t("table.statistic"), STATISTICS, key="statistic",
                           format_func=lambda name: say(lang, f"column.{name}"), persist_state="session")
if quantities:
    drawn = tables.wide(now, quantities, kind, lang)
    table(drawn, t("table.alt"))
    with st.container(horizontal=True):
        download("csv.table", t("table.csv"), drawn, "results")
        download("csv.summary", t("table.all_csv"), tables.everything(now, lang), "summary")

brief_downloads(view, lang)
take_away(view, now)

# Last, because the levers stay as they are while the figures change: so the figures come sooner.
with st.sidebar:
    sidebar()

if settled and responds(scenario):
    # Six more runs, so after everything else and with few draws; a lever that moves cuts them short.
    few, ends = draws_for(view, settled=False), {}
    for off in ((), RESPONSES, *((response,) for response in RESPONSES)):
        ends[off] = closing(*key(view), off, few, SEED)
        answer.caption(t("behaviour.waiting"))
    told = behaviour(ends, last, lang)
    with answer.container():
        st.markdown(told.sentence)
        table(told.drawn, t("behaviour.alt"))
        st.caption(t("behaviour.read", year=last, draws=f"{few:,}"))
        download("csv.behaviour", t("table.csv"), told.drawn, "behaviour")
if not settled:
    # The quick answer is on the page: now make the stable one, unless a lever moves first.
    st.session_state["settled"] = view
    st.rerun()
