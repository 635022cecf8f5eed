"""How a draw's stays spread over the tiers, and how many of them there are: shared by both engines."""

from __future__ import annotations

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


def care_totals(people: np.ndarray, care: Care, costs: Costs, conditions: Conditions, t: int) -> dict[str, np.ndarray]:
    """Mean expense, in-policy expense (yuan) and stays of a year: (d,), and by tier (d, k) and cell (d, c)."""
    stays = people * (care.admissions * care.covered) * conditions.frequency[:, t]
    ill = people * ill_share(care, conditions, t)
    price = conditions.price[:, t, None]
    tilt = conditions.tilt[:, t]
    if tilt.any():
        mix = tilted(care.mix, costs.primary, tilt)
        stays_by_tier = np.einsum("dc,dck->dk", stays, mix)
        of_stays = stays * (mix @ costs.expense)
    else:
        stays_by_tier = stays @ care.mix
        of_stays = stays * (care.mix @ costs.expense)
    expense_by_tier = stays_by_tier * costs.expense * price
    chronic = ill.sum(axis=1) * costs.chronic_expense * price[:, 0]
    return {
        "stays": stays.sum(axis=1), "stays_by_tier": stays_by_tier, "expense_by_tier": expense_by_tier,
        "chronic_expense": chronic, "expense": expense_by_tier.sum(axis=1) + chronic,
        "eligible": expense_by_tier @ costs.eligible[0] + chronic * costs.eligible[1, 0],
        "expense_by_cell": (of_stays + ill * costs.chronic_expense) * price,
    }
