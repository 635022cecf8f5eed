"""The answers of one run beside those of the first page: the scorecard, the settlement, people, providers, counties."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from report.answers import facts_of
from simulation import simulate
from simulation.measures import along, by_area, settlement, standard_error, summary
from simulation.results import Result
from simulation.scenario import Scenario
from simulation.scorecard import scorecard

COLUMNS = ("enrolled", "income", "expenditure", "transfer", "balance_end", "balance_ratio")


class Study(NamedTuple):
    """The answers of one run: tidy frames, and the facts that identify it."""

    scorecard: pd.DataFrame  # as `simulation.scorecard` gives it
    settlements: dict[str, pd.DataFrame]  # by area, the whole first; as `measures.settlement` gives it
    groups: pd.DataFrame  # year, group, out_of_pocket (yuan an insured person), catastrophic (share)
    margins: pd.DataFrame  # year, tier, amount (yuan)
    counties: pd.DataFrame  # year, area and the columns of `COLUMNS`; empty where there is one pool
    adjustment: pd.DataFrame  # year, mean, p05, p50, p95: the balance of the adjustment fund
    facts: dict[str, Any]


class Burden(NamedTuple):
    """What people bear over the years."""

    groups: pd.DataFrame  # year, group, out_of_pocket (yuan an insured person), catastrophic (share)
    tiers: pd.DataFrame  # year, tier, left: yuan of a stay that the basic fund does not pay
    facts: dict[str, Any]  # of the run


def study(scenario: Scenario, draws: int, seed: int) -> Study:
    """The study of a scenario."""
    result = simulate(scenario, draws=draws, seed=seed)
    areas = list(result.data["area"].values)
    return Study(scorecard(result), {area: settlement(result, area) for area in areas}, groups(result),
                 along(result, "provider_margin")[["year", "tier", "mean"]].rename(columns={"mean": "amount"}),
                 of_counties(result) if scenario.has("areas") else pd.DataFrame(columns=["year", "area", *COLUMNS]),
                 summary(result, ("adjustment_balance",)).drop(columns="quantity"), facts_of(result))


def burden(scenario: Scenario, draws: int, seed: int) -> Burden:
    """What people bear under a scenario."""
    return burden_of(simulate(scenario, draws=draws, seed=seed))


def burden_of(result: Result) -> Burden:
    """What people bear in a run: out-of-pocket spending by group, and what a stay leaves by tier."""
    data = result.data.isel(area=0)
    mean = lambda name: data[name].values.mean(axis=0)  # noqa: E731
    stays = mean("stays_by_tier")
    left = (mean("expense_by_tier") - mean("basic_by_tier")) / np.maximum(stays, 1e-9)
    tiers = along(result, "stays_by_tier")[["year", "tier"]].assign(left=np.where(stays > 0, left, np.nan).ravel())
    return Burden(groups(result), tiers, facts_of(result))


def counties(scenario: Scenario, draws: int, seed: int) -> pd.DataFrame:
    """Year, area and the columns of `COLUMNS` of a scenario of several counties, and the chance of a deficit's error.
    """
    return of_counties(simulate(scenario, draws=draws, seed=seed))


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
