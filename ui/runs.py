"""Runs of the model for the pages: kept small, kept for everybody, and never too many at once."""

from __future__ import annotations

import os
import threading
from typing import Any

import pandas as pd
import streamlit as st

from report.answers import Run, told
from simulation import simulate
from simulation.measures import unresponsive
from ui.view import View, known, scenario_of, view_of

QUICK, STABLE = 1024, 16384  # draws while a lever moves, and at rest
FEWEST = 256  # where a scenario's many counties leave no time for more: sixteen in each scrambling
SEED = 20080101
KEPT = 512  # runs, of some tens of kilobytes each


@st.cache_resource(show_spinner=False)
def gate() -> threading.Semaphore:
    """As many runs at once as there are processors: more would only make everybody wait longer."""
    return threading.Semaphore(os.cpu_count() or 1)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def answers(scenario: str, edits: tuple[tuple[str, Any], ...], since: int, draws: int, seed: int) -> Run:
    """The answers for a view. Arguments are plain, so that equal views share one run."""
    with gate():
        result = simulate(scenario_of(View(scenario, since, edits)), draws=draws, seed=seed)
        return told(result)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def closing(scenario: str, edits: tuple[tuple[str, Any], ...], since: int, off: tuple[str, ...], draws: int,
            seed: int) -> pd.DataFrame:
    """Closing balance and surplus ratio of the last year, a row a draw, with some responses switched off."""
    with gate():
        asked = scenario_of(View(scenario, since, edits))
        last = simulate(unresponsive(asked, *off) if off else asked, draws=draws, seed=seed).data.isel(year=-1, area=0)
        return pd.DataFrame({name: last[name].values for name in ("balance_end", "surplus_ratio")})


def draws_for(view: View, settled: bool) -> int:
    """How many draws a view is given, while a lever moves or at rest: each further county takes as long again."""
    counties = max(len(known(view.scenario).axes.area), 1)
    return max((STABLE if settled else QUICK) >> (counties - 1).bit_length(), FEWEST)


@st.cache_resource(show_spinner=False)
def seen() -> dict[str, tuple]:
    """The views that some session has seen at rest: their stable answers are there at once."""
    return {"at rest": ()}


def run(view: View, draws: int) -> Run:
    """The answers for a view at so many draws."""
    answer = answers(*key(view), draws, SEED)
    if draws == draws_for(view, settled=True) and not at_rest(view):
        # Replaced in one step, for sessions run side by side; far fewer than the answers kept.
        seen()["at rest"] = (*seen()["at rest"], key(view))[-KEPT // 4:]
    return answer


def at_rest(view: View) -> bool:
    """Whether the stable answers of a view are at hand."""
    return key(view) in seen()["at rest"]


def key(view: View) -> tuple[str, tuple, int]:
    """What tells views apart; without edits, the year they begin in makes no difference."""
    return view.scenario, view.edits, view.since if view.edits else view_of(view.scenario).since
