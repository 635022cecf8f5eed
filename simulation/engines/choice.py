"""How a draw's stays spread over the tiers, and how many of them there are."""

from __future__ import annotations

from functools import reduce

import numpy as np

from simulation.records import Care, Conditions, Costs


def tilted(mix: np.ndarray, primary: np.ndarray, tilt: np.ndarray) -> np.ndarray:
    """Mixes (..., c, k) leaning to primary care by `tilt` (...) log odds.

    >>> tilted(np.array([[0.5, 0.5]]), np.array([1.0, 0.0]), np.array([np.log(3.0)])).round(2).tolist()
    [[[0.75, 0.25]]]
    """
    weight = mix * np.exp(np.asarray(tilt)[..., None] * primary)[..., None, :]
    return weight / weight.sum(axis=-1, keepdims=True)


def ill_share(care: Care, conditions: Conditions, t: int) -> np.ndarray:
    """Special-disease patients among the insured of each draw and cell, (d, c)."""
    return np.minimum(care.chronic_share * care.covered * conditions.chronic[:, t, None], 1.0)


def care_totals(people: np.ndarray, care: Care, costs: Costs, conditions: Conditions, t: int,
                part: slice) -> dict[str, np.ndarray]:
    """Mean expense, in-policy expense (yuan) and stays of a year in part of the draws.

    Shapes (d,), by tier (k, d) and by cell (c, d); `people` (c, d) of these draws.
    """
    frequency, price, tilt = (of[part, t].T for of in (conditions.frequency, conditions.price, conditions.tilt))
    stays = people * ((care.admissions * care.covered)[:, None] * frequency)
    ill = people * ill_share(care, conditions, t)[part].T
    if tilt.any():
        mix = np.moveaxis(tilted(care.mix, costs.primary, tilt), 0, -1)  # (c, k, d)
        stays_by_tier = reduce(np.add, stays[:, None] * mix)
        of_stays = stays * np.tensordot(mix, costs.expense, (1, 0))
    else:
        stays_by_tier = care.mix.T @ stays
        of_stays = stays * (care.mix @ costs.expense)[:, None]
    expense_by_tier = stays_by_tier * costs.expense[:, None] * price
    chronic = reduce(np.add, ill) * costs.chronic_expense * price
    return {
        "stays": reduce(np.add, stays), "stays_by_tier": stays_by_tier, "expense_by_tier": expense_by_tier,
        "chronic_expense": chronic, "expense": reduce(np.add, expense_by_tier) + chronic,
        "eligible": costs.eligible[0] @ expense_by_tier + chronic * costs.eligible[1, 0],
        "expense_by_cell": (of_stays + ill * costs.chronic_expense) * price,
    }
