"""People age and move: how many are entitled to join, year by year."""

from __future__ import annotations

import numpy as np


def residents(first: np.ndarray, growth: np.ndarray, years: int) -> np.ndarray:
    """Entitled residents of shape (t, g, s) from the first year's (g, s) and each group's growth (g,).

    >>> residents(np.array([[1000.0]]), np.array([0.1]), 3)[:, 0, 0].round().tolist()
    [1000.0, 1100.0, 1210.0]
    """
    factor = (1 + growth) ** np.arange(years)[:, None]
    return factor[:, :, None] * first
