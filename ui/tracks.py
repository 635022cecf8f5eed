"""Long answers: each is made once, when its turn has come (`ui/limits.py`), under a bar that shows how far it is.

Answers about the sandbox's own series are kept for everybody, those about an uploaded table in its session alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from simulation import backtest, concentration, load_scenario, variance
from simulation.backtest import DRAWS, HORIZON, TEMPLATE, Record
from simulation.calibration import TARGETS, Fit, calibrate, read_targets
from simulation.series import Series
from simulation.template import template
from simulation.terms import BadInput
from ui import access, funds, logs
from ui.limits import WINDOW, Line, limits
from ui.runs import SEED, at_length, made
from ui.text import t
from ui.view import View, known, offered, scenario_of

YEARS = 10  # of a fund's own scenario
FORESEEN = 0.04  # share of the work from which the rest can be foreseen
WAIT = 0.5  # seconds between looks at whether a reader is still there
GRACE = 30.0  # seconds for which a place is kept for a reader who moves something else on the page
KEPT = 128  # answers, of some hundred kilobytes each
SPLIT = ("expenditure", "balance_ratio")  # of which the variance is told apart

Progress = Callable[[float], None]


@st.cache_resource(show_spinner=False)
def shared() -> dict[tuple, Any]:
    """What is kept for everybody."""
    return {}


@st.cache_resource(show_spinner=False)
def line() -> Line:
    """The line in which all sessions of this server wait for long answers."""
    return Line(limits())


def once(key: tuple, make: Callable[[Progress], Any], uploaded: bool = False) -> Any:
    """The answer under a key, made if it is not kept; a refusal is kept, too, and raised again.

    Raises `BadInput` as well where too many are waiting: that is not kept.
    """
    kept: MutableMapping[tuple, Any] = st.session_state.setdefault("tracks", {}) if uploaded else shared()
    if key not in kept:
        bar = st.progress(0.0, t("record.working"))
        with in_turn(key, bar):
            if key not in kept:
                began = time.monotonic()
                try:
                    with logs.working(key[0]):
                        kept[key] = make(lambda share: advance(bar, share, time.monotonic() - began))
                except BadInput as bad:
                    kept[key] = BadInput(bad.faults)
                for old in list(kept)[:-KEPT]:
                    kept.pop(old, None)
        bar.empty()
    answer = kept[key]
    if isinstance(answer, BadInput):
        raise answer
    return answer


@contextmanager
def in_turn(key: Hashable, bar: Any) -> Iterator[None]:
    """Wait for one's turn; moving the bar now and then lets go a reader who has left or asks for something else.

    His place is kept for a while, so that a page that is drawn anew does not send him to the end.
    """
    asked, number, seen = st.session_state.get("tracks.place", (None, None, 0.0))
    person = access.person() or get_script_run_ctx().session_id
    try:
        ticket = line().ask(person, key, number if asked == key and time.monotonic() - seen < GRACE else None)
    except BadInput:
        bar.empty()
        raise
    try:
        while ahead := line().ahead(ticket):
            st.session_state["tracks.place"] = key, ticket.number, time.monotonic()
            behind = "queue.behind" if line().over(person) else "queue.ahead"
            bar.progress(0.0, t(behind, ahead=ahead, minutes=round(WINDOW / 60)))
            time.sleep(WAIT)
        yield
    finally:
        line().leave(ticket)


def advance(bar: Any, share: float, seconds: float = 0.0) -> None:
    """Move a bar to the share of the work done in some seconds, and say how long the rest will take at that pace."""
    share = min(max(share, 0.0), 1.0)
    left = seconds / share - seconds if share > FORESEEN else 0.0
    bar.progress(share, t("record.left", seconds=max(round(left), 1)) if left else t("record.working"))


def record(series: Series, base: str, uploaded: bool) -> Record:
    """The track record of a series by a template scenario."""
    return once(("record", series.sha256, series.name, base, HORIZON, DRAWS), lambda progress: at_length(
        {"progress": progress}, backtest, series, base, HORIZON, DRAWS), uploaded)


def own(series: Series, base: str, uploaded: bool) -> funds.Own:
    """A fund's own scenario for the years after its table."""
    return once(("own", series.sha256, series.name, base, DRAWS), lambda progress: at_length(
        {"progress": progress}, funds.own, series, base, YEARS, DRAWS, SEED), uploaded)


def fit(scenario: str) -> Fit:
    """A library scenario calibrated to its published figures."""
    return once(("fit", scenario), lambda progress: at_length(
        {"progress": progress}, calibrate, load_scenario(scenario), read_targets(scenario)))


def calibrated() -> list[str]:
    """The scenarios that have published figures to be calibrated to."""
    return sorted(name for name in offered() if (TARGETS / f"{name}.yaml").is_file())


def bases() -> list[str]:
    """The scenarios whose rules a fund can be given: those of one pool."""
    return sorted((name for name in offered() if not known(name).has("areas")),
                  key=lambda name: name != TEMPLATE)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def parts(scenario: str, edits: tuple[tuple[str, Any], ...], since: int, draws: int) -> pd.DataFrame:
    """Where the variance of a view's expenditure and balance ratio comes from."""
    return made(variance.shares, scenario_of(View(scenario, since, edits)), SPLIT, draws, SEED)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def shape(scenario: str, edits: tuple[tuple[str, Any], ...], since: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How unevenly a view's spending falls: the measures beside published ones, and the Lorenz curves."""
    return made(concentration.shape_of, scenario_of(View(scenario, since, edits)))


@st.cache_data(show_spinner=False)
def empty_table(form: str, language: str) -> bytes:
    """The table to fill in, as a file."""
    return template(form, language)
