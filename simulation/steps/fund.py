"""The fund closes its year: interest, surplus, balance and the lines."""

from __future__ import annotations

import numpy as np


def surplus(income: np.ndarray, expenditure: np.ndarray, transfer: np.ndarray) -> np.ndarray:
    """What a year leaves, after what other counties paid or received, in yuan; any shape.

    >>> float(surplus(np.array(52.0), np.array(40.0), np.array(-2.0)))
    10.0
    """
    return income - expenditure + transfer


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """A ratio of flows, zero where the whole is nothing or less: there a deficit would pass for a surplus.

    >>> ratio(np.array([1.0, 1.0, -1.0]), np.array([4.0, 0.0, -2.0])).tolist()
    [0.25, 0.0, 0.0]
    """
    some = whole > 1e-9
    return part / whole if some.all() else np.divide(part, whole, out=np.zeros_like(part, dtype=float), where=some)
