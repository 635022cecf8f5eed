"""One future of a run and what made it: its shocks, and the tiers and groups behind its closing balance.

A future is looked up by where its closing balance stands among the draws of a run. It is held against the middle one:
the mean of the draws whose closing balance lies between the 45 % and 55 % quantiles, so that no single draw's luck is
called usual. Amounts are effects on the closing balance, in yuan, and add up to the difference.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulation.engines import histories, individual
from simulation.model import futures_of, simulate
from simulation.records import Spending
from simulation.results import Result
from simulation.scenario import Scenario

PERCENTILES = range(1, 100)
MIDDLE = (0.45, 1 - 0.45)  # quantiles of the closing balance
SHOCKS = ("price", "frequency", "insured", "funding")
ROUNDING = 1e-3  # yuan: what only rounding has made
UNUSUAL = 0.25  # of all futures at most lie beyond a departure that is unusual


class Story(NamedTuple):
    """What the futures at each percentile (p,) of the closing balance hold, beside the middle one; money in yuan."""

    years: tuple[int, ...]
    closing: np.ndarray  # (p,)
    middle: float  # closing balance
    parts: dict[str, np.ndarray]  # effect on the balance, (p, t): opening, items of income and expenditure
    middle_parts: dict[str, np.ndarray]  # (t,)
    groups: dict[str, np.ndarray]  # of it what stays and special diseases of each group cost the fund, (p, t)
    middle_groups: dict[str, np.ndarray]  # (t,)
    insured: dict[str, np.ndarray]  # persons of each group, (p, t)
    middle_insured: dict[str, np.ndarray]  # (t,)
    shocks: dict[str, np.ndarray]  # departure from the year's median as a fraction of it, (p, t)
    ranks: dict[str, np.ndarray]  # share of all futures that are lower in that year, (p, t)


def told(scenario: Scenario, draws: int, seed: int) -> Story:
    """The futures of a scenario."""
    return story_of(*with_groups(scenario, draws, seed), seed)


def with_groups(scenario: Scenario, draws: int, seed: int) -> tuple[Result, np.ndarray]:
    """A run as `simulate` makes it, and what all layers pay for stays and special diseases of each group, (d, t, g)."""
    engine = simulate(scenario, 16, seed).manifest["engine"]
    paid: dict[int, np.ndarray] = {}  # by the seed of a county

    def spend(*given: Any) -> Spending:
        found = {"table": histories, "exact": individual}[engine].spend(*given)
        cells = found.paid_by_cell
        paid.setdefault(given[-1], cells.reshape(*cells.shape[:2], -1, len(scenario.axes.group)).sum(axis=2))
        return found

    result = simulate(scenario, draws, seed, engine, spend)
    return result, sum(paid.values())


def story_of(result: Result, paid: np.ndarray, seed: int) -> Story:
    """The futures of a run; `paid` (d, t, g) as `with_groups` gives it."""
    scenario, data = result.scenario, result.data.isel(area=0)
    closing = data["balance_end"].values[:, -1]
    ends = np.quantile(closing, MIDDLE)
    inside = (closing >= ends[0]) & (closing <= ends[1])
    wanted = np.quantile(closing, np.array(PERCENTILES) / 100)
    chosen = np.abs(closing[:, None] - wanted).argmin(axis=0)
    parts = parts_of(result)
    care = parts_of_care(result)
    share = paid / np.maximum(paid.sum(axis=2, keepdims=True), 1e-9)
    groups = {name: care * share[:, :, n] for n, name in enumerate(scenario.axes.group)}
    insured = {name: data["insured_by_group"].values[:, :, n] for n, name in enumerate(scenario.axes.group)}
    departures = shocks_of(result, seed)
    ordered = {name: np.sort(values, axis=0) for name, values in departures.items()}
    ranks = {name: np.stack([np.searchsorted(values[:, t], departures[name][chosen, t]) / len(values)
                             for t in range(values.shape[1])], axis=1) for name, values in ordered.items()}
    pick = lambda some: {name: values[chosen] for name, values in some.items()}  # noqa: E731
    mean = lambda some: {name: values[inside].mean(axis=0) for name, values in some.items()}  # noqa: E731
    return Story(tuple(scenario.horizon()), closing[chosen], float(closing[inside].mean()), pick(parts), mean(parts),
                 pick(groups), mean(groups), pick(insured), mean(insured), pick(departures), ranks)


def parts_of(result: Result) -> dict[str, np.ndarray]:
    """The items whose sum over the years is the closing balance, (d, t) in yuan: what raises it is positive."""
    data = result.data.isel(area=0)
    of = lambda name: data[name].values  # noqa: E731
    opening = np.zeros_like(of("surplus"))
    opening[:, 0] = of("opening_balance")[:, 0]
    owed = of("inpatient_paid") + of("chronic") + of("outpatient")
    found = {"opening": opening, "individual": of("individual_income"), "assisted": of("assisted_income"),
             "subsidy": of("subsidy_income"),
             "other": of("other_income") - of("account_in"), "interest": of("interest")}
    found |= {f"tier.{tier}": -of("basic_by_tier")[:, :, n] for n, tier in enumerate(data["tier"].values)}
    found |= {"chronic": -of("chronic"), "outpatient": -of("outpatient"),
              "payment": owed - of("provider_payment") + of("recovered") + of("review_saving"),
              "premium": -of("premium"), "contract": -data["contract_fee_by_payer"].sel(payer="fund").values,
              "transfer": of("transfer")}
    return {name: values for name, values in found.items() if np.abs(values).max() > ROUNDING}


def parts_of_care(result: Result) -> np.ndarray:
    """What stays and special diseases take from the balance, (d, t) in yuan."""
    data = result.data.isel(area=0)
    return -(data["inpatient_paid"].values + data["chronic"].values)


def shocks_of(result: Result, seed: int) -> dict[str, np.ndarray]:
    """How far each draw and year departs from the year's median, as fractions (d, t).

    The price of care and the frequency of stays before any response, the insured, and funding beside the rule book; of
    a city's counties the geometric mean.
    """
    scenario = result.scenario
    text = scenario.model_copy(update={"changes": ()}).text()
    areas = list(scenario.axes.area) if len(scenario.axes.area) > 1 else [None]
    draws = result.data.sizes["draw"]
    counties = [futures_of(text, draws, seed, area) for area in areas]
    mean = lambda name: np.exp(np.mean([np.log(getattr(one, name)) for one in counties], axis=0))  # noqa: E731
    found = {name: mean(name) for name in ("price", "frequency", "funding")}
    found["insured"] = result.data["enrolled"].isel(area=0).values
    return {name: np.broadcast_to(found[name] / np.median(found[name], axis=0) - 1, found["insured"].shape)
            for name in SHOCKS}


def differences(found: Story, at: int) -> pd.Series:
    """Each part's effect on the closing balance beside the middle future, yuan; they add up to the difference.

    >>> from simulation import load_scenario
    >>> found = told(load_scenario("benxi_2008"), 64, 1)
    >>> bool(abs(differences(found, 5).sum() - (found.closing[4] - found.middle)) < 1.0)
    True
    """
    n = at - PERCENTILES[0]
    return pd.Series({name: float(values[n].sum() - found.middle_parts[name].sum())
                      for name, values in found.parts.items()})


def unusual(found: Story, at: int) -> list[tuple[str, int, float, float]]:
    """The shocks that departed most, each in its most unusual year: name, year, departure, share of futures lower."""
    n, rows = at - PERCENTILES[0], []
    for name in SHOCKS:
        ranks = found.ranks[name][n]
        t = int(np.abs(ranks - 0.5).argmax())
        if min(ranks[t], 1 - ranks[t]) <= UNUSUAL and found.shocks[name].any():
            rows.append((name, found.years[t], float(found.shocks[name][n, t]), float(ranks[t])))
    return sorted(rows, key=lambda row: -abs(row[3] - 0.5))
