"""The year is financed: contributions, arrears and subsidies, and which level of government bears them."""

from __future__ import annotations

import numpy as np

LEAST_USED = 1e-12  # of what leaves family accounts: where all of it leaks, the whole balance goes with what is used


def individual_income(insured, contribution, subsidy, returner_share, arrears_share) -> np.ndarray:
    """Paid by people, yuan (d, t): this year's contribution, and arrears of returners with the missed
    subsidy, which nobody else makes good (Benxi 第十二条). Rates in yuan of shape (t, g, s); `arrears_share` (t,).
    """
    arrears = returner_share * arrears_share[:, None, None] * (contribution + subsidy)
    return paid_in_all(insured, (contribution + arrears)[..., None])[:, :, 0]


def subsidy_by_level(insured, subsidy, weights, school_weights, school_share) -> np.ndarray:
    """Subsidy due from each level of government, yuan (d, t, l).

    `weights` and `school_weights` (t, l) in parts; `school_share` (g,) of each group follows the rule for
    schools that no county funds (Benxi 第八条).
    """
    share, school = in_parts(weights), in_parts(school_weights)
    split = (1 - school_share)[None, :, None] * share[:, None, :] + school_share[None, :, None] * school[:, None, :]
    return paid_in_all(insured, subsidy[..., None] * split[:, :, None])


def in_parts(weights: np.ndarray) -> np.ndarray:
    """Shares (t, l) of parts (t, l): equal ones while all parts are 0, so that nothing is left unpaid.

    >>> in_parts(np.array([[60, 40], [0, 0]])).tolist()
    [[0.6, 0.4], [0.5, 0.5]]
    """
    parts = np.where(weights.any(axis=1, keepdims=True), weights, 1.0)
    return parts / parts.sum(axis=1, keepdims=True)


def paid_in_all(insured: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """What rates (t, g, s, l) come to for the insured (d, t, g, s): (d, t, l), the draws of a year side by side."""
    draws, years = insured.shape[:2]
    people = insured.T.reshape(-1, years, draws)
    rates = rates.T.reshape(rates.shape[-1], -1, years)
    paid = np.empty((len(rates), years, draws))
    for t in range(years):
        np.matmul(rates[:, :, t], people[:, t], out=paid[:, t])
    return paid.T


def received(due: np.ndarray, late: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """What arrives of the subsidy due (d, t, l): part of it a year late, part of it never; shares (t, l).

    >>> due = np.array([[[100.0], [100.0]]])
    >>> received(due, np.array([[0.2], [0.0]]), np.zeros((2, 1)))[0, :, 0].tolist()
    [80.0, 120.0]
    """
    on_time = due * (1 - np.minimum(late + missing, 1.0))
    behind = due * np.minimum(late, 1 - missing)
    on_time[:, 1:] += behind[:, :-1]
    return on_time


def accounts(paid_in: np.ndarray, wanted, opening: np.ndarray, leakage: float, stranded: float):
    """Family accounts year by year: used for care, leaked, stranded and left over, each (d, t) in yuan.

    `paid_in` (d, t); `wanted(t, balance)` gives what care takes of a balance (d,); `leakage` is the part of what
    leaves the accounts that buys no care, `stranded` the part of balances lost each year. Source: digest P13.

    >>> used, leaked, lost, left = accounts(np.array([[100.0]]), lambda t, b: b / 2, np.array([0.0]), 0.2, 0.1)
    >>> float(used[0, 0]), float(leaked[0, 0]), float(lost[0, 0]), float(left[0, 0])
    (50.0, 12.5, 3.75, 33.75)
    """
    used, leaked, lost, left = (np.zeros_like(paid_in) for _ in range(4))
    balance = opening
    for t in range(paid_in.shape[1]):
        balance = balance + paid_in[:, t]
        used[:, t] = wanted(t, balance)
        leaked[:, t] = np.minimum(used[:, t] * leakage / np.maximum(1 - leakage, LEAST_USED), balance - used[:, t])
        lost[:, t] = stranded * (balance - used[:, t] - leaked[:, t])
        balance = left[:, t] = balance - used[:, t] - leaked[:, t] - lost[:, t]
    return used, leaked, lost, left
