"""The answers of one run as the frames that words, charts and files are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd

from report.cards import Dealt, under
from simulation import simulate
from simulation.measures import chances, median_error, spending_by_tier, staying, summary
from simulation.results import QUANTITIES, Result
from simulation.scenario import Scenario

# What comes in, as shares of the fund's income; what care costs, as shares of total expense. Each adds up to its whole.
SOURCES = {"individual_income": ("individual_income",), "assisted_income": ("assisted_income",),
           "subsidy_income": ("subsidy_income",), "other": ("other_income", "interest"), "set_aside": ("account_in",)}
BEARERS = {"fund": ("inpatient_paid", "chronic", "outpatient"), "critical": ("critical",),
           "assistance": ("assistance",), "commercial": ("commercial",), "account": ("account_paid",),
           "out_of_pocket": ("out_of_pocket",)}
TAKEN_OFF = ("account_in",)  # from what comes in
# What is told of each insured person; government adds what medical assistance pays in.
EACH = {"individual_income": ("individual_income",), "subsidy_income": ("subsidy_income", "assisted_income"),
        "out_of_pocket": ("out_of_pocket",), "provider_payment": ("provider_payment",)}
WHOLES = {"income": SOURCES, "expense": BEARERS}


class Bearing(NamedTuple):
    """Means over the draws of what comes in and what care costs, yuan, with the insured, in two years."""

    years: tuple[int, int]  # the first and the last
    first: dict[str, float]
    last: dict[str, float]


class Run(NamedTuple):
    """The answers of one run: tidy frames, and the facts that identify it."""

    summary: pd.DataFrame  # year, quantity, mean, p05, p25, p50, p75, p95
    chances: pd.DataFrame  # year, event, value, se
    spending: pd.DataFrame  # year, tier, amount, share
    lines: pd.DataFrame  # year, surplus_ratio, balance_ratio, reserve_months: the lines in force
    median_se: pd.DataFrame  # year, balance_ratio: standard error of the median
    facts: dict[str, Any]
    staying: pd.DataFrame  # what, value, se: the chance of keeping to it in every year
    bears: Bearing

    def chance(self, event: str) -> pd.DataFrame:
        """Value and standard error of one event by year."""
        # Asked so often that selecting from the frame would be slow.
        found = {name: column.to_numpy() for name, column in self.chances.items()}
        here = found["event"] == event
        return pd.DataFrame({name: found[name][here] for name in ("value", "se")}, index=found["year"][here])


def answered(scenario: Scenario, draws: int, seed: int, dealt: tuple[Dealt, ...] = ()) -> Run:
    """The frames of a scenario's run; under cards where some have been dealt."""
    return told(under(scenario, dealt, draws, seed))


def ends(scenario: Scenario, draws: int, seed: int) -> pd.DataFrame:
    """Closing balance and surplus ratio of a scenario's last year, a row a draw."""
    last = simulate(scenario, draws=draws, seed=seed).data.isel(year=-1, area=0)
    return pd.DataFrame({name: last[name].values for name in ("balance_end", "surplus_ratio")})


def headlines(scenario: Scenario, draws: int, seed: int, engine: str) -> Result:
    """A scenario's run with nothing but the headline quantities and their lines: an eighth of its size."""
    result = simulate(scenario, draws=draws, seed=seed, engine=engine)
    lines = [name for name, values in result.data.items() if values.dims == ("year",)]
    return replace(result, data=result.data[[*QUANTITIES, *lines]])


def told(result: Result) -> Run:
    """The frames of a run."""
    data = result.data
    lines = pd.DataFrame({"year": data["year"].values} | {
        name: data[f"{name.removesuffix('_ratio')}_line"].values
        for name in ("surplus_ratio", "balance_ratio", "reserve_months")})
    return Run(summary(result), chances(result), spending_by_tier(result), lines,
               median_error(result, "balance_ratio"), facts_of(result), staying(result), bearing(result))


def bearing(result: Result) -> Bearing:
    """The means of the first and last year of the whole fund."""
    names = {name for of in (*WHOLES.values(), EACH) for parts in of.values() for name in parts} | {*WHOLES, "enrolled"}
    data = result.data.variables
    of = lambda at: {name: float(data[name].values[:, at, 0].mean()) * (-1 if name in TAKEN_OFF else 1)  # noqa: E731
                     for name in names}
    return Bearing((result.scenario.first_year, result.scenario.horizon()[-1]), of(0), of(-1))


def facts_of(result: Result) -> dict[str, Any]:
    """What tells a run from every other, and by which version it was made."""
    return {name: result.manifest[name] for name in ("scenario", "seed", "draws", "engine", "model")} | {
        "fingerprint": result.fingerprint}


def together(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The facts of several runs by their names: once where all have them in common, else of each.

    >>> together({"A": {"draws": 64, "fingerprint": "1f"}, "B": {"draws": 64, "fingerprint": "2e"}})
    {'draws': 64, 'fingerprint A': '1f', 'fingerprint B': '2e'}
    """
    found: dict[str, Any] = {}
    for fact in next(iter(runs.values()), {}):
        if len({facts[fact] for facts in runs.values()}) == 1:
            found[fact] = next(iter(runs.values()))[fact]
        else:
            found |= {f"{fact} {name}": facts[fact] for name, facts in runs.items()}
    return found
