"""Counties share risk: each for itself, through a city adjustment fund, or in one city fund (digest P8)."""

from __future__ import annotations

import numpy as np


def settle(method: str, income: np.ndarray, expenditure: np.ndarray, held: np.ndarray, rate: float, cover: float,
           own: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Transfers to counties, paid in and paid out, each (a, d), and what the adjustment fund then holds (d,).

    `income` and `expenditure` (a, d) of a year, `held` (d,) by the adjustment fund before, in yuan. A county pays in
    `rate` of its income; its deficit, beyond its `own` share, is covered to `cover` while money lasts; what the fund
    holds earns nothing. In one city fund every county ends with the city's surplus in proportion to its income, or
    with an equal part where no county has any.

    >>> income, spent = np.array([[100.0], [100.0]]), np.array([[60.0], [130.0]])
    >>> settle("full", income, spent, np.zeros(1), 0, 0, 0)[0].tolist()
    [[-35.0], [35.0]]
    >>> settle("full", 0 * income, spent, np.zeros(1), 0, 0, 0)[0].tolist()
    [[-35.0], [35.0]]
    """
    nothing = np.zeros_like(income)
    if method == "separate":
        return nothing, nothing, nothing, held
    if method == "full":
        earned = np.maximum(income, 0.0)  # family accounts may take more than comes in
        total = earned.sum(axis=0)
        share = np.where(total > 0, earned / np.where(total > 0, total, 1.0), 1 / len(income))
        city = (income - expenditure).sum(axis=0) + held
        return share * city - (income - expenditure), nothing, nothing, np.zeros_like(held)
    paid_in = rate * income
    claim = cover * (1 - own) * np.maximum(expenditure - income + paid_in, 0.0)
    whole = claim.sum(axis=0)
    held = held + paid_in.sum(axis=0)
    paid_out = claim * np.minimum(1.0, held / np.maximum(whole, 1e-9))
    return paid_out - paid_in, paid_in, paid_out, held - paid_out.sum(axis=0)
