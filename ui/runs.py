"""Runs of the model for the pages: kept small, kept for everybody, and never too many at once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from report.answers import Run, answered, ends, facts_of, together
from simulation import simulate
from simulation.measures import unresponsive
from simulation.scenario import Scenario
from ui.hands import Hands
from ui.turns import Claims, Drawing, Places, Turn, count
from ui.view import View, known, scenario_of, view_of

QUICK, STABLE = 1024, 16384  # draws while a lever moves, and at rest
FEWEST = 256  # where a scenario's many counties leave no time for more: sixteen in each scrambling
SEED = 20080101
KEPT = 512  # runs, of some tens of kilobytes each


@st.cache_resource(show_spinner=False)
def places() -> Places:
    """As many runs at once as there are processors: more would only make everybody wait longer."""
    return Places(os.cpu_count() or 1)


def gate(patient: bool = False) -> Turn:
    """A turn at the processors, to be used with `with`; patient work lets those go first who move a lever."""
    return Turn(places(), look if patient else None)


@st.cache_resource(show_spinner=False)
def claims() -> Claims:
    """Who makes which patient answer."""
    return Claims()


def claimed(*what: Any) -> AbstractContextManager[None]:
    """To be used with `with` around patient work that others may ask for at the same time."""
    return claims().of(what, look, aside)


@st.cache_resource(show_spinner=False)
def hands() -> list[Hands]:
    """The processes that make runs, once the server has begun them; in its absence a page makes its own."""
    return []


def made(function: Callable, *arguments: Any, patient: bool = False, **named: Any) -> Any:
    """What a function of the model gives, made by a process of its own where there are some, else when it is our turn.
    """
    if not hands():
        with gate(patient):
            return function(*arguments, **named)
    began = time.monotonic()
    with aside():
        done = hands()[0].do(patient, look, partial(function, **named), *arguments)
    count(time.monotonic() - began - done.took)
    return done.answer


def at_length(heard: Mapping[str, Callable[[Any], object]], function: Callable, *arguments: Any, **named: Any) -> Any:
    """What a long calculation gives; `heard` are functions it calls by name meanwhile, such as `progress`."""
    if not hands():
        return function(*arguments, **named, **heard)
    with aside():
        return hands()[0].alone(look, heard, function, *arguments, **named)


@st.cache_resource(show_spinner=False)
def drawing() -> Drawing:
    """Who draws a page."""
    return Drawing()


@contextmanager
def aside() -> Iterator[None]:
    """To be used with `with` while a page waits."""
    drawing().pause()
    try:
        yield
    finally:
        drawing().go_on()


def drawn(view: View) -> AbstractContextManager[None]:
    """To be used with `with` around a page that is drawn."""
    st.session_state["rests"] = st.session_state.pop("resting", None) == view
    return drawing().page(st.session_state["rests"])


def rest(view: View, make: Callable[[], object]) -> None:
    """The quick answers are on the page: make the stable ones and draw it again, unless a lever moves first.

    The front end drops what a run has drawn and not yet sent when the next begins: so all waiting is before that.
    """
    make()
    drawing().wait(look)
    st.session_state["resting"] = view
    st.rerun()


def look() -> None:
    """Let go a reader who asks for something else by now: reading the state of the session is where that is noticed."""
    if get_script_run_ctx(suppress_warning=True) is not None:
        st.session_state.get("view")


@st.cache_data(show_spinner=False, max_entries=KEPT)
def answers(scenario: str, edits: tuple[tuple[str, Any], ...], since: int, draws: int, seed: int) -> Run:
    """The answers for a view. Arguments are plain, so that equal views share one run, also while it is made."""
    return made(answered, scenario_of(View(scenario, since, edits)), draws, seed, patient=draws > QUICK)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def closing(scenario: str, edits: tuple[tuple[str, Any], ...], since: int, off: tuple[str, ...], draws: int,
            seed: int) -> pd.DataFrame:
    """Closing balance and surplus ratio of the last year, a row a draw, with some responses switched off."""
    asked = scenario_of(View(scenario, since, edits))
    return made(ends, unresponsive(asked, *off) if off else asked, draws, seed, patient=True)  # after all else there


def draws_for(view: View, settled: bool) -> int:
    """How many draws a view is given, while a lever moves or at rest: each further county takes as long again."""
    counties = max(len(known(view.scenario).axes.area), 1)
    return max((STABLE if settled else QUICK) >> (counties - 1).bit_length(), FEWEST)


@st.cache_resource(show_spinner=False)
def seen() -> dict[str, tuple]:
    """The views that some session has seen at rest, by page: their stable answers are there at once."""
    return {}


def note(page: str, view: View) -> None:
    """Note that a page's stable answers for a view are at hand."""
    if key(view) not in seen().get(page, ()):
        # Replaced in one step, for sessions run side by side; far fewer than the answers kept.
        seen()[page] = (*seen().get(page, ()), key(view))[-KEPT // 4:]


def run(view: View, draws: int) -> Run:
    """The answers for a view at so many draws."""
    with claimed(answers, key(view), draws) if draws > QUICK else nullcontext():
        answer = answers(*key(view), draws, SEED)
    if draws == draws_for(view, settled=True):
        note("run", view)
    return answer


def at_rest(page: str, *views: View) -> bool:
    """Whether a page shows the stable answers of some views: it has just made them, or they are at hand."""
    return st.session_state.get("rests") or all(key(view) in seen().get(page, ()) for view in views)


def key(view: View) -> tuple[str, tuple, int]:
    """What tells views apart; without edits, the year they begin in makes no difference."""
    return view.scenario, view.edits, view.since if view.edits else view_of(view.scenario).since


def named(scenarios: Mapping[str, Scenario], draws: int, engine: str = "auto", **more: Any) -> Callable[[], dict]:
    """What finds the facts of the runs of some scenarios, each by its name, and says `more` of them.

    For a file that rests on them. A file is made when it is asked for, outside the page's run; the runs are made then.
    """
    waiting = gate()  # nothing of Streamlit can be asked for there

    def found() -> dict:
        with waiting:
            return together({name: facts_of(simulate(scenario, draws, SEED, engine))
                             for name, scenario in scenarios.items()}) | more

    return found
