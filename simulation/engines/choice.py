"""How a draw's stays spread over the tiers, and how many of them there are."""

from __future__ import annotations

from functools import reduce

import numpy as np

from simulation.records import Care, Costs


def tilted(mix: np.ndarray, primary: np.ndarray, tilt: np.ndarray) -> np.ndarray:
    """Mixes (..., c, k) leaning to primary care by `tilt` (...) log odds.

    >>> tilted(np.array([[0.5, 0.5]]), np.array([1.0, 0.0]), np.array([np.log(3.0)])).round(2).tolist()
    [[[0.75, 0.25]]]
    """
    weight = mix * np.exp(np.asarray(tilt)[..., None] * primary)[..., None, :]
    return weight / weight.sum(axis=-1, keepdims=True)


def mean_in(mix: np.ndarray, primary: np.ndarray, tilt: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    """The mean (d, c) of amounts (k,) over the stays of a year, whose mix (c, k) leans by `tilt` (d,) as in `tilted`.

    >>> mean_in(np.array([[0.5, 0.5]]), np.array([1.0, 0.0]), np.array([np.log(3.0)]), np.array([10.0, 20.0])).tolist()
    [[12.5]]
    """
    lean = np.exp(tilt)
    weight = lambda of: np.multiply.outer(mix @ (primary * of), lean) + (mix @ ((1 - primary) * of))[:, None]  # noqa: E731
    return (weight(amounts) / weight(1.0)).T  # draws side by side


def ill_share(care: Care, chronic: np.ndarray) -> np.ndarray:
    """Special-disease patients among the insured of each cell, year and draw, (c, t, d); prevalence `chronic` (t, d)
    relative to `care`, whose arrays have years first."""
    return np.minimum((care.chronic_share * care.covered).T[:, :, None] * chronic, 1.0)


def care_totals(stays: np.ndarray, ill: np.ndarray, price: np.ndarray, chronic_price: np.ndarray, tilt: np.ndarray,
                mix: np.ndarray, costs: Costs) -> dict[str, np.ndarray]:
    """Mean expense, in-policy expense (yuan) and stays of some years and draws.

    Shapes (t, d), by tier (k, t, d) and by cell (c, t, d). `stays` and `ill` (c, t, d) persons, prices and `tilt`
    (t, d), `mix` (t, c, k); the arrays of `costs` have years first.
    """
    expense, eligible = costs.expense, costs.eligible
    lean = np.exp(costs.primary.T[:, :, None] * tilt)  # as in `tilted`
    even = stays / weighed(mix, lean)
    stays_by_tier = weighed(mix.swapaxes(1, 2), even) * lean
    expense_by_tier = stays_by_tier * (expense.T[:, :, None] * price)
    each = costs.chronic_expense[:, None] * chronic_price
    chronic = reduce(np.add, ill) * each
    return {
        "stays": reduce(np.add, stays), "stays_by_tier": stays_by_tier, "expense_by_tier": expense_by_tier,
        "chronic_expense": chronic, "expense": reduce(np.add, expense_by_tier) + chronic,
        "eligible": weighed(eligible[:, :1], expense_by_tier)[0] + chronic * eligible[:, 1, :1],
        "expense_by_cell": even * weighed(mix * expense[:, None], lean) * price + ill * each,
    }


def weighed(weight: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Sums (m, t, d) of amounts (k, t, d), by each year's weights (t, m, k).

    >>> weighed(np.array([[[0.5, 0.5]]]), np.array([[[1.0, 2.0]], [[3.0, 4.0]]])).tolist()
    [[[2.0, 3.0]]]
    """
    out = np.empty((weight.shape[1], *x.shape[1:]))
    np.matmul(weight, x.swapaxes(0, 1), out=out.swapaxes(0, 1))
    return out
