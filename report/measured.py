"""What one run says of some quantities: each statistic by year, with its standard error over halves of the draws.

A change from another run is taken draw by draw on the same futures, so its error is smaller.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from report.cards import Dealt, played, under
from report.lesson import DERIVED, STATISTICS
from simulation.measures import QUANTILES, chances, happened, standard_error
from simulation.results import ALONG, EVENTS, QUANTITIES, Result
from simulation.scenario import Scenario
from simulation.streams import error_of_halves, halves


class Evidence(NamedTuple):
    """What one run says of some quantities: each statistic by year, from all draws and from each half."""

    scenario: Scenario
    draws: int
    years: tuple[int, ...]
    names: tuple[str, ...]
    whole: np.ndarray  # (quantity, statistic, t), in the quantity's unit
    halves: np.ndarray  # (half, quantity, statistic, t)

    def value(self, name: str, statistic: str, year: int) -> tuple[float, float]:
        """A figure and its standard error, which is never below what one further draw could change of a chance."""
        at = self.at(name, statistic, year)
        least = 1 / self.draws if name in EVENTS else 0.0
        return float(self.whole[at]), float(error_of_halves(self.halves[(slice(None), *at)], least))

    def change(self, start: Evidence, name: str, statistic: str, year: int) -> tuple[float, float]:
        """The change of a figure from another run on the same draws, and its standard error."""
        here, there = self.at(name, statistic, year), start.at(name, statistic, year)
        apart = self.halves[(slice(None), *here)] - start.halves[(slice(None), *there)]
        change = float(self.whole[here] - start.whole[there])
        return change, float(error_of_halves(apart, 1 / self.draws if name in EVENTS and change else 0.0))

    def chance(self, event: str, year: int) -> tuple[float, float]:
        """The probability of an event and its standard error."""
        return self.value(event, "mean", year)

    def at(self, name: str, statistic: str, year: int) -> tuple[int, int, int]:
        """Where a figure stands."""
        return self.names.index(name), STATISTICS.index(statistic), self.years.index(year)


def evident(scenario: Scenario, draws: int, seed: int, names: tuple[str, ...], dealt: tuple[Dealt, ...]) -> Evidence:
    """The evidence of a scenario's run, of some quantities or of all; under cards where some have been dealt."""
    result = under(scenario, dealt, draws, seed)
    return evidence(result, names) if names else evidence(result)


def evidence(result: Result, names: Iterable[str] = tuple(QUANTITIES)) -> Evidence:
    """What a run says of some quantities and of every event, for checks and for the places of a text."""
    names, events = tuple(dict.fromkeys(names)), happened(result)
    draws = np.stack([*(values(result, name) for name in names),
                      *(events[event].astype(float) for event in EVENTS)])  # (quantity, d, t)
    years = tuple(int(year) for year in result.data["year"].values)
    return Evidence(result.scenario, draws.shape[1], years, (*names, *EVENTS), statistics(draws),
                    np.stack([statistics(half.swapaxes(0, 1)) for half in halves(draws.swapaxes(0, 1))]))


def values(result: Result, name: str) -> np.ndarray:
    """A quantity in every draw and year, (d, t); one that varies along an axis is named with a member."""
    if name in DERIVED:
        return derived(result, name)
    quantity, _, member = name.partition(".")
    found = result.data[quantity].isel(area=0)
    return (found.sel({ALONG[quantity][2]: member}) if member else found).transpose("draw", "year").values


def derived(result: Result, name: str) -> np.ndarray:
    """A quantity made of several others in every draw and year, (d, t)."""
    if name == "counties_short":
        counties = result.data["surplus"].isel(area=slice(1, None)).transpose("draw", "year", "area").values
        return (counties < 0).sum(axis=2).astype(float)
    if name == "margin_ratio":
        margin = result.data["provider_margin"].isel(area=0).sum("tier").transpose("draw", "year").values
        return margin / np.maximum(values(result, "provider_payment"), 1e-9)
    part = {"spending_per_head": "expenditure", "own_per_head": "out_of_pocket"}[name]
    return values(result, part) / np.maximum(values(result, "enrolled"), 1e-9)


def statistics(draws: np.ndarray) -> np.ndarray:
    """Mean and quantiles (quantity, statistic, t) of draws (quantity, d, t)."""
    quantiles = np.quantile(draws, list(QUANTILES.values()), axis=1)
    return np.concatenate([draws.mean(axis=1)[:, None], np.moveaxis(quantiles, 0, 1)], axis=1)


def came_to(scenario: Scenario, dealt: tuple[Dealt, ...], draws: int, seed: int) -> dict[str, Any]:
    """The outcome of a scenario's run under the cards dealt."""
    return outcome(played(scenario, dealt, draws, seed))


def outcome(result: Result) -> dict[str, Any]:
    """What is kept of a run: every measure, the standard errors of the chances, and two courses by year.

    Chances are shares of draws; `own_share` is what residents bear of all expense over the years; `contribution` is
    the individual contributions of the last year over the insured, in yuan.
    """
    data, frame, hits = result.data.isel(area=0), chances(result), happened(result)
    of = lambda event: frame[frame["event"] == event]["value"].to_numpy()  # noqa: E731
    error = lambda event: frame[frame["event"] == event]["se"].to_numpy()  # noqa: E731
    years = [int(year) for year in data["year"].values]
    mean = lambda name: data[name].mean("draw").values  # noqa: E731
    medians = data["balance_ratio"].median("draw").values
    worst, fullest = int(of("p_deficit").argmax()), int(of("p_surplus_over").argmax())
    return {
        "measures": {
            "deficit": float(of("p_deficit")[worst]), "insolvent": float(of("p_insolvent")[-1]),
            "surplus_over": float(of("p_surplus_over")[fullest]), "balance_over": float(of("p_balance_over")[-1]),
            "balance_ratio": float(medians[-1]),
            "own_share": float(mean("out_of_pocket").sum() / mean("expense").sum()),
            "contribution": float(mean("individual_income")[-1] / mean("enrolled")[-1]),
            "take_up": float(mean("enrolled")[-1] / mean("residents")[-1])},
        "errors": {"deficit": float(error("p_deficit")[worst]), "insolvent": float(error("p_insolvent")[-1]),
                   "surplus_over": float(error("p_surplus_over")[fullest]),
                   "balance_over": float(error("p_balance_over")[-1]),
                   "deficit_years": float(standard_error(hits["p_deficit"].sum(axis=1)[:, None])[0])},
        "years": years, "line": float(data["balance_line"].values[-1]),
        "balance_ratio": [float(value) for value in medians], "p_deficit": [float(value) for value in of("p_deficit")]}
