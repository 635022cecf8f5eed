"""The yardstick: every insured person of every draw and year, in plain numpy, as one would first write it.

Nobody is skipped, nothing is compiled and nothing is kept between years. Slow, and short enough to
be checked by eye; the engines must agree with it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulation.records import Care, Costs, Futures, Rules, Spending
from simulation.steps.benefits import ASSISTANCE, BASIC, CRITICAL, settle_year
from simulation.streams import stream

CHRONIC, INPATIENT = 1, 0  # kinds of bill, in the order of the scenario's axis


class People(NamedTuple):
    """One group's insured persons of one year and their bills: special-disease care first, then the stays."""

    status: np.ndarray  # (n,) index
    years: np.ndarray  # (n,) full contribution years
    stays: np.ndarray  # (n,) number of admissions
    tier: np.ndarray  # (j, n) index of each bill's tier; row 0 is special-disease care
    expense: np.ndarray  # (j, n) yuan; 0 where the person has no such bill


def whole(rng: np.random.Generator, persons: np.ndarray) -> np.ndarray:
    """Whole persons, rounded up as often as the fraction says so that the mean stays what it was.

    >>> whole(np.random.default_rng(1), np.array([3.0, 0.0])).tolist()
    [3, 0]
    """
    return np.floor(persons + rng.random(persons.shape)).astype(int)


def lognormal(mean: np.ndarray, log_sd: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Lognormal amounts of a given mean from standard normals.

    >>> lognormal(2.0, 0.0, np.zeros(1)).tolist()
    [2.0]
    """
    return mean * np.exp(log_sd * z - log_sd**2 / 2)


def people_of(rng: np.random.Generator, persons: np.ndarray, group: int, care: Care, costs: Costs,
              price: float, frequency: float, chronic: float) -> People:
    """Everyone of a group with everything that befalls them in a year; `persons` (s,) by status."""
    count = whole(rng, persons)
    n = count.sum()
    ill = rng.random(n) < care.chronic_share[group] * care.covered[group] * chronic
    mean = care.admissions[group] * care.covered[group] * frequency
    stays = rng.negative_binomial(costs.dispersion, costs.dispersion / (costs.dispersion + mean), n)
    most = int(stays.max(initial=0))
    tier = rng.choice(care.mix.shape[1], size=(most, n), p=care.mix[group])
    expense = lognormal(costs.expense[tier] * price, costs.log_sd[tier], rng.standard_normal((most, n)))
    special = lognormal(costs.chronic_expense * price, costs.chronic_log_sd, rng.standard_normal(n))
    return People(
        status=np.repeat(np.arange(len(count)), count),
        years=rng.choice(len(care.years), size=n, p=care.years),
        stays=stays,
        tier=np.vstack([np.zeros((1, n), int), tier]),
        expense=np.vstack([ill * special, (np.arange(most)[:, None] < stays) * expense]),
    )


def settled(rules: Rules, costs: Costs, group: int, people: People, threshold: float) -> dict:
    """One group-year's totals, under the names of `Spending`; `threshold` in yuan."""
    bills = len(people.tier)
    kind = [CHRONIC] + [INPATIENT] * (bills - 1)
    eligible = people.expense * costs.eligible[np.array(kind)[:, None], people.tier]
    out: dict[tuple[int, int], np.ndarray] = {}
    settle_year(rules, group, people.status, people.years, kind, people.tier, [0.0] * bills, eligible,
                [0.0] * len(rules.annual), out)
    nothing = np.zeros(len(people.stays))
    of = lambda amount: np.array([out.get((j, amount), nothing) for j in range(bills)])  # noqa: E731
    basic, critical, assistance = of(BASIC), of(CRITICAL), of(ASSISTANCE)
    left = (people.expense - basic - critical - assistance).sum(axis=0)
    return {
        "basic": basic.sum(),
        "by_tier": np.bincount(people.tier[1:].ravel(), basic[1:].ravel(), minlength=len(costs.expense)),
        "chronic": basic[0].sum(),
        "expense": people.expense.sum(),
        "eligible": eligible.sum(),
        "critical": critical.sum(),
        "assistance": assistance.sum(),
        "out_of_pocket": left.sum(),
        "catastrophic": (left > threshold).sum(),
        "stays": people.stays.sum(),
    }


def spend(rules: list[Rules], care: list[Care], costs: Costs, insured: np.ndarray, thresholds: np.ndarray,
          futures: Futures, seed: int) -> Spending:
    """What each draw-year's care costs, person by person; same arguments as the engines."""
    draws, horizon, groups, _ = insured.shape
    total = {name: np.zeros((draws, horizon)) for name in Spending._fields}
    total["by_tier"] = np.zeros((draws, horizon, len(costs.expense)))
    for d in range(draws):
        for t in range(horizon):
            rng = stream(seed, f"plain {d} {t}")
            for g in range(groups):
                people = people_of(rng, insured[d, t, g], g, care[t], costs, futures.price[d, t],
                                   futures.frequency[d, t], futures.chronic[d, t])
                for name, amount in settled(rules[t], costs, g, people, thresholds[t]).items():
                    total[name][d, t] += amount
    return Spending(**total)
