"""Runs for the pages beside the first: the scorecard, the settlement, people and providers, and the counties.

As on the first page a quick answer comes before the stable one, and equal views share one run.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from report.answers import facts_of
from simulation import simulate
from simulation.measures import along, by_area, settlement, standard_error, summary
from simulation.results import Result
from simulation.scenario import Scenario
from simulation.scorecard import scorecard
from ui.runs import QUICK, SEED, claimed, gate, key
from ui.text import t
from ui.view import View, changes, scenario_of

MOST = 1024  # draws of a comparison between ways of pooling: it is three further runs of every county
METHODS = ("separate", "adjustment", "full")  # of pooling, from no shared risk to all of it
KEPT = 512  # studies, of some tens of kilobytes each


class Study(NamedTuple):
    """The answers of one run: tidy frames, and the facts that identify it."""

    scorecard: pd.DataFrame  # as `simulation.scorecard` gives it
    settlements: dict[str, pd.DataFrame]  # by area, the whole first; as `measures.settlement` gives it
    groups: pd.DataFrame  # year, group, out_of_pocket (yuan an insured person), catastrophic (share)
    margins: pd.DataFrame  # year, tier, amount (yuan)
    counties: pd.DataFrame  # year, area and the columns of `COLUMNS`; empty where there is one pool
    adjustment: pd.DataFrame  # year, mean, p05, p50, p95: the balance of the adjustment fund
    facts: dict[str, Any]


COLUMNS = ("enrolled", "income", "expenditure", "transfer", "balance_end", "balance_ratio")


def counties(scenario: Scenario) -> bool:
    """Whether a scenario has several pools."""
    return scenario.has("areas")


def study(view: View, draws: int) -> Study:
    """The answers for a view at so many draws."""
    with claimed(studied, key(view), draws) if draws > QUICK else nullcontext():
        return studied(*key(view), draws, SEED)


def compared(view: View, draws: int) -> pd.DataFrame:
    """The counties under each way of pooling from the view's year on: columns method, year, area and `COLUMNS`.

    The same draws for all, `MOST` at most, so that nothing but the way of pooling differs.
    """
    draws = min(draws, MOST)
    return pd.concat([pooled(*key(view), view.since, method, draws, SEED) for method in METHODS], ignore_index=True)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def studied(scenario: str, edits: tuple[tuple[str, Any], ...], since: int, draws: int, seed: int) -> Study:
    """The study of a view. Arguments are plain, so that equal views share one run."""
    with gate(patient=draws > QUICK):
        result = simulate(scenario_of(View(scenario, since, edits)), draws=draws, seed=seed)
        several = counties(result.scenario)
        areas = list(result.data["area"].values)
        return Study(scorecard(result), {area: settlement(result, area) for area in areas}, groups(result),
                     along(result, "provider_margin")[["year", "tier", "mean"]].rename(columns={"mean": "amount"}),
                     of_counties(result) if several else pd.DataFrame(columns=["year", "area", *COLUMNS]),
                     summary(result, ("adjustment_balance",)).drop(columns="quantity"),
                     facts_of(result))


@st.cache_data(show_spinner=False, max_entries=KEPT * len(METHODS))
def pooled(scenario: str, edits: tuple[tuple[str, Any], ...], since: int, year: int, method: str, draws: int,
           seed: int) -> pd.DataFrame:
    """The counties of a view under one way of pooling from a year on."""
    with gate():
        result = simulate(pooled_as(View(scenario, since, edits), method, year), draws=draws, seed=seed)
        frame = of_counties(result)
        frame.insert(0, "method", method)
        return frame


def pooled_as(view: View, method: str, year: int | None = None) -> Scenario:
    """A view's scenario with one way of pooling from a year on, that of the view unless it is given."""
    return scenario_of(view).changed(changes([("pooling.method", method)], view.since if year is None else year))


def of_counties(result: Result) -> pd.DataFrame:
    """Means by year and county without the whole city, and the chance of a deficit with its standard error."""
    frame = by_area(result, COLUMNS)
    short = result.data["surplus"].values < 0  # (d, t, a)
    frame["p_deficit_se"] = np.stack([standard_error(hit) for hit in np.moveaxis(short, 2, 0)], axis=1).ravel()
    return frame[frame["area"] != result.data["area"].values[0]].reset_index(drop=True)


def groups(result: Result) -> pd.DataFrame:
    """What insured people bear themselves: mean yuan a person, and the share with catastrophic spending."""
    people, paid, ruined = (along(result, f"{name}_by_group") for name in ("insured", "out_of_pocket", "catastrophic"))
    insured = np.maximum(people["mean"], 1e-9)
    return people[["year", "group"]].assign(out_of_pocket=paid["mean"] / insured, catastrophic=ruined["mean"] / insured)


# --- first quick, then stable -----------------------------------------------------------------------

def at_rest(view: View, page: str) -> bool:
    """Whether a page has already given its quick answer for a view in this session."""
    return key(view) in st.session_state.get(f"settled.{page}", ())


def settle(view: View, page: str) -> None:
    """Note that the quick answer is on the page, and run again for the stable one."""
    before: Iterable = st.session_state.get(f"settled.{page}", ())
    st.session_state[f"settled.{page}"] = (*before, key(view))[-KEPT:]
    st.rerun()


def facts(found: Study, scenario: Scenario, settled: bool) -> str:
    """What was run, on one line."""
    return " · ".join([
        t("facts.stable" if settled else "facts.quick", draws=f"{found.facts['draws']:,}"),
        t("facts.years", first=scenario.first_year, last=scenario.horizon()[-1]), t("facts.seed", seed=SEED),
        t(f"engine.{found.facts['engine']}"), t("facts.fingerprint", fingerprint=found.facts["fingerprint"][:8])])
