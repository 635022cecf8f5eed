"""Plans against one another on the same futures: what differs, how sure that is, and which lever does it."""

from functools import reduce

import streamlit as st

from report import contrasts, tables
from report.text import number, plain
from simulation import sentences
from simulation.results import EVENTS
from ui import comparisons, state
from ui.comparisons import AT_ONCE, MOST, SHOWN, Plan
from ui.figures import card, download, table
from ui.runs import named
from ui.text import language, t
from ui.view import View, known, scenario_of
from ui.widgets import sidebar

KEEP = 12  # views a session keeps to compare

view, lang = state.view(), language()
scenario = scenario_of(view)
years = list(scenario.horizon())
kept: tuple[View, ...] = st.session_state.setdefault("plans", ())


def keep(each: View) -> None:
    """Keep a view, to compare it with later ones."""
    st.session_state["plans"] = (*(other for other in st.session_state["plans"] if other != each), each)[-KEEP:]


def remembered(key: str, offered: list[Plan]) -> bool:
    """Bring what a widget holds up to what is on offer now; whether it has anything to hold, be it an empty choice."""
    was = st.session_state.get(key)
    if was is None or was == []:
        return was == []
    several = isinstance(was, list)
    now = comparisons.renewed(was if several else [was], offered)
    if not now:
        del st.session_state[key]
    elif now != (was if several else [was]):
        st.session_state[key] = now if several else now[0]
    return bool(now)


def chosen_plans() -> tuple[Plan, list[Plan]]:
    """What is compared with, and what is compared."""
    offered = comparisons.plans(view, kept)
    names = comparisons.labels(offered, lang)
    left, right = st.columns([2, 3])
    remembered("compare.base", offered)
    base = left.selectbox(t("compare.against"), offered, key="compare.base", format_func=names.__getitem__,
                          persist_state="session")
    rest = [plan for plan in offered if plan != base]
    usual = [plan for plan in rest if plan.kind == "now"] or [
        plan for plan in rest if plan.kind in ("first_year", *comparisons.AMOUNTS)][:2]
    # What nobody has chosen follows the edits: the first lever that is moved is shown at once.
    if st.session_state.get("compare.plans") == st.session_state.get("compare.usual"):
        st.session_state["compare.plans"] = usual
    st.session_state["compare.usual"] = usual
    plans = right.multiselect(t("compare.plans"), rest, None if remembered("compare.plans", rest) else usual,
                              key="compare.plans", format_func=names.__getitem__, max_selections=MOST,
                              placeholder=t("compare.empty"), persist_state="session")
    return base, plans


st.title(t("page.compare"))
st.markdown(f"**{plain(known(view.scenario).title[lang])}**")
st.markdown(t("compare.intro"))
state.warn()
base, plans = chosen_plans()
if view.edits and view not in kept:
    st.button(t("compare.keep", what=comparisons.edited(view, lang)), key="compare.keep", on_click=keep, args=(view,),
              icon=":material/bookmark_add:")
elif not view.edits:
    st.caption(t("compare.no_edits"))

names = comparisons.labels([base, *plans], lang)
left, right = st.columns([2, 3])
quantity = left.selectbox(t("compare.figure"), SHOWN, key="compare.figure", persist_state="session",
                          format_func=lambda name: sentences.title_of(name)[lang])
year = right.select_slider(t("compare.year"), years, years[-1], key=f"compare.year.{years[0]}.{years[-1]}",
                           persist_state="session") if len(years) > 1 else years[0]

if not plans:
    st.info(t("compare.none"), icon=":material/compare_arrows:")
else:
    found = comparisons.compared((base, *plans))
    by_place = {str(n): plain(names[plan]) for n, plan in enumerate([base, *plans])}
    st.caption(t("compare.facts", draws=f"{found.facts['draws']:,}", seed=found.facts["seed"],
                 engine=t(f"engine.{found.facts['engine']}"), level=f"{100 * found.facts['level']:.0f}"))
    quoted = "“{}”" if lang == "zh" else "'{}'"
    for note in found.notes:
        st.caption(reduce(lambda said, at: said.replace(f"“{at}”", quoted.format(by_place[at])), by_place,
                          plain(note[lang])))

    st.header(t("compare.head.verdicts", year=year))
    with st.container(border=True):
        for plan, said in comparisons.verdicts(found, year, by_place, lang).items():
            st.markdown("\n".join([f"**{by_place['0']} → {plan}**", "", *(f"- {text}" for text in said)]))
    drawn, unit = comparisons.differences(found, quantity, {place: names[plan] for place, plan in zip(
        by_place, [base, *plans], strict=True)}, lang)
    title = t("compare.chart", what=sentences.title_of(quantity)[lang], unit=unit)
    last = drawn.frame[drawn.frame["year"] == year]
    alt = t("compare.chart_alt", title=title, year=year, told=t("compare.comma").join(
        t("compare.part", plan=row.plan, value=number(row.difference, "+,.2f"), verdict=row.verdict)
        for row in last.itertuples()))
    words = {name: t(f"compare.{name}") for name in ("estimate", "interval", "futures")}
    facts = comparisons.runs_of({plan: names[plan] for plan in (base, *plans)})
    card(f"compare_{quantity}", contrasts.contrast(drawn, title, words, quantity not in EVENTS), drawn, alt, facts)
    st.caption(t("compare.read_event" if quantity in EVENTS else "compare.read"))
    with st.expander(t("compare.all", year=year)):
        whole = comparisons.in_year(found, year, {place: names[plan] for place, plan in zip(
            by_place, [base, *plans], strict=True)}, lang)
        table(whole, t("compare.all", year=year))
    download("csv.compare", t("compare.csv"), whole, f"compare_{year}", facts=facts)

    st.header(t("compare.head.waterfall", year=year))
    remembered("compare.to", plans)
    target = st.selectbox(t("compare.to"), plans, key="compare.to", format_func=names.__getitem__) \
        if len(plans) > 1 else plans[0]
    groups = comparisons.apart(base, target)
    if not groups:
        st.info(t("compare.same"))
    elif groups <= AT_ONCE or st.toggle(t("compare.ask", groups=groups), key="compare.ask",
                                        persist_state="session"):
        told = comparisons.explained(base, target)
        ends = (names[base], names[target])
        steps, unit = tables.steps(told, quantity, year, ends, lang)
        said = comparisons.story(told, quantity, year, ends, lang)
        title = t("compare.waterfall", what=sentences.title_of(quantity)[lang], year=year, unit=unit)
        facts = comparisons.runs_of({base: names[base], target: names[target]})
        card(f"waterfall_{quantity}", contrasts.stairs(steps, title, t("compare.alone", value="{value}")), steps,
             " ".join(said), facts | {"runs": told.facts["runs"]})
        st.markdown("\n".join(f"- {plain(text)}" for text in said))
        st.caption(t("compare.waterfall_read"))

st.header(t("compare.head.drivers", year=year))
st.markdown(t("compare.drivers_text", plan=plain(names[base])))
if st.toggle(t("compare.ask_drivers"), key="compare.ask_drivers", persist_state="session"):
    said, drawn = comparisons.of_crossing(comparisons.driven(base), year, lang)
    st.markdown("\n".join(f"- {plain(text)}" for text in said))
    if len(drawn.frame):
        with st.expander(t("compare.drivers_table")):
            table(drawn, t("compare.drivers_table"))
        download("csv.drivers", t("table.csv"), drawn, f"drivers_{year}",
                 facts=named({names[base]: comparisons.book(base)}, comparisons.driven(base).facts["draws"]))

with st.sidebar:
    sidebar()
