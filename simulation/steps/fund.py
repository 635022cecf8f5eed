"""The fund closes its year: interest, surplus, balance and the lines."""

from __future__ import annotations

import numpy as np


def account(opening: np.ndarray, receipts: np.ndarray, expenditure: np.ndarray, interest_rate: float):
    """Income with interest, surplus and closing balance, each (d, t) in yuan.

    `opening` (d,), `receipts` (contributions, subsidies, other) and `expenditure` (d, t). Interest is
    earned on the opening balance of the year while it is positive.

    >>> income, surplus, balance = account(np.array([100.0]), np.array([[50.0]]), np.array([[40.0]]), 0.02)
    >>> float(income[0, 0]), float(surplus[0, 0]), float(balance[0, 0])
    (52.0, 12.0, 112.0)
    """
    income, balance = np.empty_like(receipts), np.empty_like(receipts)
    before = opening
    for t in range(receipts.shape[1]):
        income[:, t] = receipts[:, t] + interest_rate * np.maximum(before, 0.0)
        before = balance[:, t] = before + income[:, t] - expenditure[:, t]
    return income, income - expenditure, balance


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """A ratio of flows, zero where the whole is nothing.

    >>> ratio(np.array([1.0, 1.0]), np.array([4.0, 0.0])).tolist()
    [0.25, 0.0]
    """
    return np.divide(part, whole, out=np.zeros_like(part, dtype=float), where=np.abs(whole) > 1e-9)
