"""Why: what goes with each chance, what an answer hangs on, and which statistic would be worth collecting next."""

import streamlit as st

from report.text import number, percent, plain
from simulation.information import WEIGHED, advice
from simulation.results import EVENTS
from simulation.sensitivity import ENDS, FEWEST
from simulation.sentences import crossing
from ui import reasons, state
from ui.comparisons import AMOUNTS
from ui.figures import card, download, table
from ui.packages import packages
from ui.runs import draws_for, key, named
from ui.text import language, t
from ui.view import scenario_of
from ui.widgets import sidebar

view, lang = state.view(), language()
scenario = scenario_of(view)
years = list(scenario.horizon())


def asked(name: str) -> bool:
    """Whether the reader has asked for a part that takes its time."""
    return st.toggle(t(f"why.ask.{name}"), key=f"why.ask.{name}", persist_state="session")


def goes_with() -> None:
    """What goes with each event of the year: the chart, and every event in a sentence."""
    with st.spinner(t("record.working")):
        found = reasons.behind(*key(view), year, max(draws_for(view, settled=False), 256))
    drawn = reasons.goes_with(found, lang)
    draws, told = found.facts["draws"], len(drawn.frame) > 0
    if told:
        st.markdown(t("why.drivers_one", year=year))
        names = {name: drawn.heads[name] for name in ("low", "high", "difference", "share")}
        first = drawn.frame.iloc[0]
        said = t("why.drivers_alt", year=year, event=first.event, factor=first.factor, low=percent(first.low),
                 high=percent(first.high), count=len(drawn.frame))
        card(f"drivers_{year}", reasons.thirds(drawn, t("why.drivers_titled", year=year), names), drawn, said,
             named({"": scenario}, draws, "table"))
    with st.expander(t("why.in_words"), not told):
        for event in EVENTS:
            rows = found.frame[found.frame["event"] == event]
            st.markdown(f"- {plain(crossing(rows, found.titles, draws)[lang])}")
    st.caption(t("why.drivers_read", draws=f"{draws:,}", level=percent(found.facts["level"], 0)))


def tornado() -> None:
    """The tornado of the output asked about."""
    found = reasons.hangs_on(key(view), of, year, "tornado")
    drawn, unit = reasons.bars(found, lang)
    if drawn.frame.empty:
        st.info(t("why.still", what=title, year=year))
        return
    first = drawn.frame.iloc[0]
    said = t("why.tornado_told", what=title, year=year, base=number(first.base, ",.2f"), unit=unit, factor=first.factor,
             low=number(first.low, ",.2f"), high=number(first.high, ",.2f"), count=len(drawn.frame))
    st.markdown(plain(said))
    names = {name: t(f"why.end.{name}") for name in ("low", "high", "swing")}
    headed = t("column.share", what=t("why.titled", what=title, year=year), unit=unit)
    card(f"tornado_{of}_{year}", reasons.tornado(drawn, headed, names, unit), drawn, said,
         named({"": scenario}, min(reasons.DRAWS, ENDS), "table", rests=t("why.rests.tornado")))
    st.caption(t("why.tornado_read"))


def indices() -> None:
    """The Sobol indices of the output asked about."""
    found = reasons.hangs_on(key(view), of, year, "sobol")
    drawn = reasons.shares(found, lang)
    if drawn.frame.empty:
        st.info(t("why.seldom", what=title, year=year, fewest=FEWEST))
        return
    first, sums = drawn.frame.iloc[0], drawn.frame["first"].sum()
    said = t("why.sobol_told", what=title, year=year, factor=first.factor, total=percent(first.total, 0),
             first=percent(first["first"], 0), sum=percent(sums, 0))
    st.markdown(plain(said))
    names = {name: t(f"why.index.{name}") for name in ("first", "total")}
    card(f"sobol_{of}_{year}", reasons.indices(drawn, t("why.sobol_titled", what=title, year=year), names), drawn,
         said, named({"": scenario}, reasons.DRAWS, "table", rests=t("why.rests.sobol")))
    st.caption(t("why.sobol_read"))


def information() -> None:
    """What is worth knowing before choosing between the view and what could be done instead."""
    amounts = {}
    with st.container(horizontal=True):
        for package in packages(scenario, view.since):
            amounts[package.name] = st.number_input(
                t(f"why.move.{package.name}"), package.low, package.high, AMOUNTS[package.name], package.step,
                key=f"why.move.{package.name}", width=260)
    offered = reasons.alternatives(view, amounts)
    if not offered:
        st.info(t("why.no_option"))
        return
    names = {name: title for name, (_, title) in offered.items()}
    found = reasons.worth(view, tuple(offered), amounts)
    facts = named({t("why.present"): scenario} | {name[lang]: scenario_of(other) for other, name in offered.values()},
                  reasons.FUTURES, "table")
    for line in advice(found, names):
        st.markdown(plain(line[lang]))
    drawn, unit = reasons.values(found, lang)
    if not drawn.frame.empty:
        said = t("why.worth_alt", count=len(drawn.frame), factor=drawn.frame["factor"].iloc[0],
                 value=number(drawn.frame["value"].iloc[0], ",.2f"), unit=unit)
        card("information", reasons.ranking(drawn, t("column.share", what=t("why.worth_title"), unit=unit), unit),
             drawn, said, facts)
    options, unit = reasons.choices(found, names, lang)
    st.markdown(f"**{t('why.options_title', unit=unit)}**")
    table(options, t("why.options_title", unit=unit))
    download("csv.why_options", t("table.csv"), options, "options", facts=facts)
    st.caption(t("why.worth_read", weights=WEIGHED.note[lang]))


st.title(t("page.why"))
st.markdown(f"**{plain(scenario.title[lang])}**")
st.markdown(t("why.question"))
state.warn()
left, right = st.columns([3, 1])
of = left.selectbox(t("why.of"), reasons.OF, key="why.of", persist_state="session",
                    format_func=lambda name: reasons.output(name, lang)[0])
year = right.selectbox(t("why.year"), years[::-1], key=f"why.year.{view.scenario}", persist_state="session")
title = reasons.output(of, lang)[0]

st.header(t("why.head.drivers"))
place = {"drivers": st.container()}
for name in ("tornado", "sobol", "variance", "information"):
    st.header(t(f"why.head.{name}"))
    st.markdown(t(f"why.text.{name}"))
    place[name] = st.container()
with st.sidebar:
    sidebar()
# What is quick comes first; what takes its time fills the place kept for it.
with place["drivers"]:
    goes_with()
for name, fill in (("variance", lambda: reasons.variance(view, "why_variance")), ("tornado", tornado),
                   ("sobol", indices), ("information", information)):
    with place[name]:
        if asked(name):
            fill()
