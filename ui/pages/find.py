"""Find a policy: the smallest change that keeps some chances, and the policies that no other beats."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from report.text import in_percent, plain, say, unit_text
from simulation.calibration import as_file
from simulation.results import EVENTS
from simulation.search import said
from simulation.sought import sentences
from simulation.terms import BadInput
from ui import searching, seeking, state
from ui.figures import card, download, table
from ui.runs import named
from ui.text import language, t
from ui.view import scenario_of
from ui.widgets import sidebar

view, lang = state.view(), language()
scenario = scenario_of(view)


def asking(name: str) -> object:
    """The question this reader has last asked for an answer to, in one half of the page."""
    return st.session_state.get(f"find.{name}.asked")


def ask(name: str, question: object) -> None:
    """Ask a question, or no longer: a calculation under way ends."""
    st.session_state[f"find.{name}.asked"] = question


def buttons(name: str, question: object, allowed: bool) -> None:
    """Begin, and stop."""
    with st.container(horizontal=True):
        st.button(t(f"find.{name}.go"), key=f"find.{name}.go", type="primary", on_click=ask, args=(name, question),
                  disabled=not allowed, icon=":material/search:")
        st.button(t("find.stop"), key=f"find.{name}.stop", on_click=ask, args=(name, ("stopped", question)),
                  disabled=asking(name) != question or told(name) == question, icon=":material/stop_circle:")


def within(key: str, low: float, high: float) -> str:
    """The key of a range whose bounds may have moved since it was chosen; what it kept is drawn into them."""
    if key in st.session_state:
        st.session_state[key] = tuple(min(max(end, low), high) for end in st.session_state[key])
    return key


def told(name: str) -> object:
    """The question whose answer, or refusal, this reader has seen last."""
    return st.session_state.get(f"find.{name}.told")


def answered(name: str, question: object, answer: Callable[[tuple], Any]) -> Any:
    """The answer to a question, or None where there is none and the page has said why."""
    found, faults = None, []
    try:
        found = answer(question)
    except BadInput as bad:
        faults = bad.faults
    if told(name) != question:  # there is nothing to stop any more, and the button above is drawn
        st.session_state[f"find.{name}.told"] = question
        st.rerun()
    for fault in faults:
        st.error(plain(fault.sentence(lang)), icon=":material/error:")
    return found


def waiting(name: str, question: object, what: str) -> None:
    """What a calculation does, before it is asked for; and that an answer was to another question."""
    st.caption(what)
    if asking(name) == ("stopped", question):
        st.info(t("find.ended"), icon=":material/stop_circle:")
    elif asking(name) not in (None, question) and told(name) == asking(name):
        st.info(t("find.other"), icon=":material/info:")


# --- the smallest change -----------------------------------------------------------------------------

def goal() -> tuple:
    """What is asked for: the lever, the limits of chances and the years."""
    terms = seeking.parameters(view)
    left, right = st.columns(2)
    parameter = left.selectbox(t("find.lever"), list(terms), key="find.lever", persist_state="session",
                               format_func=lambda name: plain(terms[name].title[lang]))
    offered = seeking.parts(view, parameter)
    lever = right.selectbox(
        t("find.part"), offered, key=f"find.part.{parameter}", help=t("find.part_help"), persist_state="session",
        format_func=lambda name: say(lang, "find.whole") if name == parameter and len(offered) > 1
        else scenario.lever_names(name, lang))
    *columns, last_column = st.columns(len(seeking.TARGETS) + 1)
    limits = {event: column.slider(t(f"find.limit.{event}"), 0, 100, start, 1, "%d%%", key=f"find.limit.{event}",
                                   help=t("find.limit_help"), persist_state="session")
              for column, (event, start) in zip(columns, seeking.TARGETS.items(), strict=True)}
    last = scenario.horizon()[-1]
    years = (last, last) if view.since == last else last_column.slider(
        t("find.years"), view.since, last, (view.since, last), help=t("find.years_help"), persist_state="session",
        key=within(f"find.years.{view.scenario}.{view.since}", view.since, last))
    return seeking.question(view, lever, seeking.targets_of(limits), years)


def seek() -> None:
    """The half of the page that seeks a goal."""
    question = goal()
    *_, targets, _, draws = question
    if not targets:
        st.info(t("find.no_target"), icon=":material/info:")
    buttons("seek", question, bool(targets))
    if asking("seek") != question or not targets:
        waiting("seek", question, t("find.seek.what", draws=f"{draws:,}"))
        return
    found = answered("seek", question, seeking.answer)
    if found is None:
        return
    said = sentences(found, scenario)
    with st.container(border=True):
        st.markdown(f"**{plain(said[0][lang])}**")
        st.markdown("\n".join(f"- {plain(sentence[lang])}" for sentence in said[1:]))
        becomes = seeking.outcomes(found, scenario, lang)
        st.markdown(t("find.outcome.title"))
        st.table(becomes.frame.map(plain).rename(columns=becomes.heads), hide_index=True, border="horizontal",
                 alt=t("find.outcome.title"))
        st.caption(t("find.outcome.read", first=found.years[0], last=found.years[-1], draws=f"{draws:,}"))
        over(found)
    drawn = seeking.course(found, lang)
    card("goal_seek", seeking.figure(drawn, found, lang), drawn, seeking.told(lang, said),
         named({t("find.present"): scenario, t("find.answer" if found.reached else "find.closest"):
                seeking.moved_scenario(found, scenario, found.position)}, draws, "table", rests=t("find.rests.seek")))
    st.caption(t("find.chart_read"))
    st.markdown(f"**{t('find.neighbours')}**")
    table(seeking.neighbours(found, lang), t("find.neighbours"))
    st.caption(t("find.neighbours_read"))


def over(found: object) -> None:
    """Take over what is advised: as edits of the view, or as a file where a view cannot hold it."""
    if not found.advised:
        return
    if edits := seeking.edits(found):
        st.button(t("find.take"), key="find.take", on_click=state.ask, args=("find.take", state.edit, edits),
                  help=t("find.take_help"), icon=":material/check:")
    else:
        st.caption(t("find.planned", years=t("record.comma").join(map(str, found.moves.planned))))
        st.download_button(t("find.file"), as_file(seeking.moved_scenario(found, scenario, found.advised)),
                           f"{view.scenario}_found.yaml", "application/yaml", key="find.file", on_click="ignore",
                           icon=":material/download:")


# --- several levers at once ---------------------------------------------------------------------------

def search() -> None:
    """The half of the page that searches over several levers."""
    terms, ranges = seeking.parameters(view), searching.ranges(view)
    names = st.multiselect(t("find.levers"), list(ranges), [name for name in searching.FIRST if name in ranges],
                           key=f"find.levers.{view.scenario}", max_selections=4, persist_state="session",
                           format_func=lambda name: plain(terms[name].title[lang]),
                           help=t("find.levers_help"))
    wanted = {}
    for column, name in zip(st.columns(max(len(names), 1)), names, strict=False):
        one, times = ranges[name], 100.0 if in_percent(terms[name]) else 1.0
        label = t("find.added" if one.name != name else "find.set", name=plain(terms[name].title[lang]),
                  unit="%" if in_percent(terms[name]) and one.name == name else t("find.points")
                  if in_percent(terms[name]) else unit_text(terms[name].unit, lang))
        ends = [float(round(times * value, 6)) for value in (one.low, one.high)]
        low, high = column.slider(
            label, *ends, tuple(float(round(times * value, 6)) for value in one.start),
            float(round(times * one.step, 6)), "%g", key=within(f"find.range.{view.scenario}.{name}", *ends),
            persist_state="session")
        wanted[one.name] = round(low / times, 9), round(high / times, 9)
    policies = st.slider(t("find.policies"), searching.LEAST, searching.MOST, searching.OFTEN, 20,
                         key="find.policies", persist_state="session",
                         help=t("find.policies_help", draws=searching.DRAWS))
    allowed = len(names) >= 2 and all(low < high for low, high in wanted.values())
    if not allowed:
        st.info(t("find.two_levers"), icon=":material/info:")
    question = searching.question(view, wanted, policies)
    buttons("search", question, allowed)
    if not allowed:
        return
    if asking("search") == question:
        front = answered("search", question, searching.answer)
        if front is None:
            return
    elif (front := searching.partial(question)) is None:
        waiting("search", question, t("find.search.what"))
        return
    else:
        st.warning(t("find.stopped", count=len(front.policies), asked=policies), icon=":material/stop_circle:")
    policies_found(question, front)


def policies_found(question: tuple, front: searching.Front) -> None:
    """The policies that no other beats, and the one that is chosen of them."""
    sentences_of = [sentence[lang] for sentence in said(front)]
    st.markdown("\n".join(f"- {plain(sentence)}" for sentence in sentences_of))
    drawn = searching.policies(front, lang)
    offered = [int(number) for number in drawn.frame["policy"] if number]
    place = st.container()
    chosen = st.selectbox(t("find.choose"), offered, key=f"find.choose.{hash(question)}",
                          format_func=lambda number: searching.called(front, number, lang)) if offered else None
    with place:
        card("front", searching.figure(drawn, front, chosen, lang), drawn,
             f"{t('find.front')}: {' '.join(sentences_of)}",
             named({t("find.present"): scenario}, front.draws, "table", rests=t("find.rests.search")))
        st.caption(t("find.front_read"))
    if chosen is not None:
        policy(question, front, chosen)


def policy(question: tuple, front: searching.Front, chosen: int) -> None:
    """Take a policy over, and the futures in which it fails."""
    if years := searching.planned(scenario, front):
        st.caption(t("find.gives_way", years=t("record.comma").join(map(str, years))))
    st.button(t("find.take"), key="find.take_policy", on_click=state.ask, help=t("find.take_help"),
              args=("find.take_policy", state.edit, list(front.edits(chosen))), icon=":material/check:")
    events = list(EVENTS)
    event = st.selectbox(t("find.fails_by"), [None, *events], key="find.fails_by", format_func=lambda name: say(
        lang, "find.not_asked" if name is None else f"event.{name}"), help=t("find.fails_help"))
    if event is None:
        return
    try:
        found = searching.rules(question, front, chosen, event)
    except BadInput as bad:
        for fault in bad.faults:
            st.error(plain(fault.sentence(lang)), icon=":material/error:")
        return
    st.markdown("\n".join(f"- {plain(sentence[lang])}" for sentence in found.sentences))
    if len(found.limits):
        drawn = searching.limits(found, lang)
        table(drawn, t("find.rules"))
        download("csv.rules", t("chart.csv"), drawn, "rules", facts=named(
            {"": front.policy(chosen)}, searching.RULE_DRAWS, "table"))
        st.caption(t("find.rules_read", draws=f"{searching.RULE_DRAWS:,}"))


# --- the page ----------------------------------------------------------------------------------------

st.title(t("page.find"))
st.markdown(f"**{plain(scenario.title[lang])}**")
st.markdown(t("find.question"))
state.warn()
with st.sidebar:
    sidebar()
st.header(t("find.head.seek"))
seek()
st.header(t("find.head.search"))
search()
