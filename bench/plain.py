"""The yardstick: every insured person of every draw and year, in plain numpy, as one would first write it.

Nobody is skipped, nothing is compiled and nothing is kept between years. Slow, and short enough to
be checked by eye; the engines must agree with it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulation.engines.choice import tilted
from simulation.records import Care, Conditions, Costs, Rules, Spending
from simulation.steps.benefits import ASSISTANCE, BASIC, COMMERCIAL, CRITICAL, settle_year
from simulation.streams import stream

CHRONIC, INPATIENT = 1, 0  # kinds of bill, in the order of the scenario's axis


class People(NamedTuple):
    """One group's insured persons of one year and their bills: special-disease care first, then the stays."""

    status: np.ndarray  # (n,) index
    years: np.ndarray  # (n,) full contribution years
    stays: np.ndarray  # (n,) number of admissions
    tier: np.ndarray  # (j, n) index of each bill's tier; row 0 is special-disease care
    continued: np.ndarray  # (j, n) 1 where a stay follows the one before by referral
    expense: np.ndarray  # (j, n) yuan; 0 where the person has no such bill


def whole(rng: np.random.Generator, persons: np.ndarray) -> np.ndarray:
    """Whole persons, rounded up as often as the fraction says so that the mean stays what it was.

    >>> whole(np.random.default_rng(1), np.array([3.0, 0.0])).tolist()
    [3, 0]
    """
    return np.floor(persons + rng.random(persons.shape)).astype(int)


def stretched(z: np.ndarray, costs: Costs) -> np.ndarray:
    """Standard normals of stays, beyond the bend of the tail further out."""
    return np.where(z > costs.tail.bend, costs.tail.bend + costs.tail.spread * (z - costs.tail.bend), z)


def relative_means(costs: Costs) -> np.ndarray:
    """Means of the shapes before scaling, of stays at each tier and last of special-disease care, by quadrature."""
    z = np.linspace(-9, 12, 20_001)
    density = np.exp(-z**2 / 2) / np.sqrt(2 * np.pi)
    shapes = [np.exp(sd * stretched(z, costs)) for sd in costs.log_sd] + [np.exp(costs.chronic_log_sd * z)]
    return np.trapezoid(np.array(shapes) * density, z)


def people_of(rng: np.random.Generator, persons: np.ndarray, group: int, care: Care, costs: Costs,
              price: float, chronic_price: float, frequency: float, chronic: float, tilt: float) -> People:
    """Everyone of a cell with everything that befalls them in a year; `persons` (s,) by status."""
    count = whole(rng, persons)
    n = count.sum()
    ill = rng.random(n) < care.chronic_share[group] * care.covered[group] * chronic
    mean = care.admissions[group] * care.covered[group] * frequency
    stays = rng.negative_binomial(costs.dispersion, costs.dispersion / (costs.dispersion + mean), n)
    most = int(stays.max(initial=0))
    mix = tilted(care.mix, costs.primary, tilt)[group]
    tier = rng.choice(len(mix), size=(most, n), p=mix)
    mean = relative_means(costs)
    expense = costs.expense[tier] * price / mean[:-1][tier] * np.exp(
        costs.log_sd[tier] * stretched(rng.standard_normal((most, n)), costs))
    special = costs.chronic_expense * chronic_price / mean[-1] * np.exp(costs.chronic_log_sd * rng.standard_normal(n))
    return People(
        status=np.repeat(np.arange(len(count)), count),
        years=rng.choice(len(care.years), size=n, p=care.years),
        stays=stays,
        tier=np.vstack([np.zeros((1, n), int), tier]),
        continued=np.vstack([np.zeros((min(most + 1, 2), n)), rng.random((max(most - 1, 0), n)) < costs.referral]),
        expense=np.vstack([ill * special, (np.arange(most)[:, None] < stays) * expense]),
    )


def settled(rules: Rules, costs: Costs, group: int, people: People, threshold: float) -> dict:
    """One group-year's totals, under the names of `Spending`; `threshold` in yuan."""
    bills = len(people.tier)
    kind = [CHRONIC] + [INPATIENT] * (bills - 1)
    eligible = people.expense * costs.eligible[np.array(kind)[:, None], people.tier]
    out: dict[tuple[int, int], np.ndarray] = {}
    settle_year(rules, group, people.status, people.years, kind, people.tier, people.continued, [0.0] * bills, eligible,
                [0.0] * len(rules.annual), [0.0] * len(rules.annual), out)
    nothing = np.zeros(len(people.stays))
    of = lambda amount: np.array([out.get((j, amount), nothing) for j in range(bills)])  # noqa: E731
    basic, critical, assistance, commercial = of(BASIC), of(CRITICAL), of(ASSISTANCE), of(COMMERCIAL)
    paid = basic + critical + assistance + commercial
    left = (people.expense - paid).sum(axis=0)
    by_tier = lambda amount: np.bincount(people.tier[1:].ravel(), amount.ravel(), len(costs.expense))  # noqa: E731
    return {
        "basic": basic.sum(), "chronic": basic[0].sum(), "expense": people.expense.sum(), "eligible": eligible.sum(),
        "critical": critical.sum(), "assistance": assistance.sum(), "commercial": commercial.sum(),
        "catastrophic": (left > threshold).sum(), "stays": people.stays.sum(), "paid_by_tier": by_tier(basic[1:]),
        "stays_by_tier": by_tier((np.arange(bills - 1)[:, None] < people.stays).astype(float)),
        "expense_by_tier": by_tier(people.expense[1:]), "chronic_expense": people.expense[0].sum(),
        "claims_by_tier": by_tier(people.expense[1:]), "chronic_claims": people.expense[0].sum(),
        "paid_by_cell": paid.sum(), "expense_by_cell": people.expense.sum(),
        "catastrophic_by_cell": (left > threshold).sum(),
    }


def spend(rules: list[Rules], care: list[Care], costs: list[Costs], insured: np.ndarray, thresholds: np.ndarray,
          conditions: Conditions, seed: int) -> Spending:
    """What each draw-year's care costs, person by person; same arguments as the engines."""
    draws, horizon, cells, _ = insured.shape
    total = Spending.empty(draws, horizon, care[0].mix.shape[1], cells)._asdict()
    for d in range(draws):
        for t in range(horizon):
            rng = stream(seed, f"plain {d} {t}")
            for c in range(cells):
                people = people_of(rng, insured[d, t, c], c, care[t], costs[t], conditions.price[d, t],
                                   conditions.chronic_price[d, t], conditions.frequency[d, t, c],
                                   conditions.chronic[d, t], conditions.tilt[d, t])
                for name, amount in settled(rules[t], costs[t], c, people, thresholds[t]).items():
                    total[name][(d, t, c) if name.endswith("cell") else (d, t)] += amount
    return Spending(**total)
