"""Runs for the pages beside the first: the scorecard, the settlement, people and providers, and the counties.

As on the first page a quick answer comes before the stable one, and equal views share one run.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pandas as pd
import streamlit as st

from report import studies
from report.studies import Study
from simulation.scenario import Scenario
from ui.runs import QUICK, SEED, claimed, draws_for, key, made, note, rest
from ui.text import t
from ui.view import View, changes, scenario_of

MOST = 1024  # draws of a comparison between ways of pooling: it is three further runs of every county
METHODS = ("separate", "adjustment", "full")  # of pooling, from no shared risk to all of it
KEPT = 512  # studies, of some tens of kilobytes each


def counties(scenario: Scenario) -> bool:
    """Whether a scenario has several pools."""
    return scenario.has("areas")


def study(view: View, draws: int) -> Study:
    """The answers for a view at so many draws."""
    with claimed(studied, key(view), draws) if draws > QUICK else nullcontext():
        return studied(*key(view), draws, SEED)


def compared(view: View, draws: int) -> pd.DataFrame:
    """The counties under each way of pooling from the view's year on: the method, and `report.studies.counties`.

    The same draws for all, `MOST` at most, so that nothing but the way of pooling differs.
    """
    draws = min(draws, MOST)
    return pd.concat([pooled(*key(view), view.since, method, draws, SEED) for method in METHODS], ignore_index=True)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def studied(scenario: str, edits: tuple[tuple[str, Any], ...], since: int, draws: int, seed: int) -> Study:
    """The study of a view. Arguments are plain, so that equal views share one run."""
    return made(studies.study, scenario_of(View(scenario, since, edits)), draws, seed, patient=draws > QUICK)


@st.cache_data(show_spinner=False, max_entries=KEPT * len(METHODS))
def pooled(scenario: str, edits: tuple[tuple[str, Any], ...], since: int, year: int, method: str, draws: int,
           seed: int) -> pd.DataFrame:
    """The counties of a view under one way of pooling from a year on."""
    frame = made(studies.counties, pooled_as(View(scenario, since, edits), method, year), draws, seed)
    frame.insert(0, "method", method)
    return frame


def pooled_as(view: View, method: str, year: int | None = None) -> Scenario:
    """A view's scenario with one way of pooling from a year on, that of the view unless it is given."""
    return scenario_of(view).changed(changes([("pooling.method", method)], view.since if year is None else year))


# --- first quick, then stable -----------------------------------------------------------------------

def settle(page: str, view: View, settled: bool, make: Callable[[View, int], object] = study) -> None:
    """Note that a page's stable answers for a view are at hand; or `make` them, now that the quick ones are on it."""
    if settled:
        note(page, view)
    else:
        rest(view, lambda: make(view, draws_for(view, settled=True)))


def facts(found: Study, scenario: Scenario, settled: bool) -> str:
    """What was run, on one line."""
    return " · ".join([
        t("facts.stable" if settled else "facts.quick", draws=f"{found.facts['draws']:,}"),
        t("facts.years", first=scenario.first_year, last=scenario.horizon()[-1]), t("facts.seed", seed=SEED),
        t(f"engine.{found.facts['engine']}"), t("facts.fingerprint", fingerprint=found.facts["fingerprint"][:8])])
