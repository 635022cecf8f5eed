"""How the expense of one bill is distributed: a lognormal, whose dear end may spread wider.

Log expense is a standard normal times `log_sd`, and beyond the bend of the tail times `log_sd * spread`. It keeps
every moment finite and every mean in closed form, and `spread = 1` is the lognormal.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from simulation.records import Tail

NO_TAIL = Tail()


def log_mean(log_sd, tail: Tail = NO_TAIL):
    """Log of the mean before it is scaled to 1, for numbers or arrays of `log_sd`.

    >>> round(float(log_mean(1.0)), 6), round(float(log_mean(1.0, Tail(1.2816, 1.5))), 3)
    (0.5, 0.672)
    """
    log_sd, bend = np.asarray(log_sd, float), tail.bend
    if tail.spread == 1 or np.isinf(bend):
        return log_sd**2 / 2
    wide = log_sd * tail.spread
    body = log_sd**2 / 2 + np.log(ndtr(bend - log_sd))
    return np.logaddexp(body, (log_sd - wide) * bend + wide**2 / 2 + np.log(ndtr(wide - bend)))


def relative(z: np.ndarray, log_sd: np.ndarray, tail: Tail = NO_TAIL) -> np.ndarray:
    """Expense beside its mean at standard normal points; shapes of `z` and `log_sd` go together.

    >>> relative(np.array([0.0]), np.array([1.0])).round(4).tolist()
    [0.6065]
    """
    beyond = (tail.spread - 1) * np.maximum(z - tail.bend, 0.0) if tail.spread != 1 else 0.0
    return np.exp(log_sd * (z + beyond) - log_mean(log_sd, tail))


def bin_means(edges: np.ndarray, log_sd: float, tail: Tail = NO_TAIL) -> np.ndarray:
    """Means between standard normal edges of an expense of mean 1, shape (n - 1,).

    A schedule is linear between its kinks, so a bin's mean stands for the whole bin exactly.

    >>> bin_means(np.array([-np.inf, 0.0, np.inf]), 1.0).mean().round(12)
    np.float64(1.0)
    >>> edges = np.array([-np.inf, 0.0, 1.5, np.inf])
    >>> (bin_means(edges, 0.9, Tail(1.28, 1.6)) @ np.diff(ndtr(edges))).round(12)
    np.float64(1.0)
    """
    return partial(edges, log_sd, tail) / np.diff(ndtr(edges))


def partial(edges: np.ndarray, log_sd: float, tail: Tail = NO_TAIL) -> np.ndarray:
    """What lies between standard normal edges as shares of the mean, (n - 1,); they add up to 1."""
    if tail.spread == 1 or np.isinf(tail.bend):
        return np.diff(ndtr(edges - log_sd))
    wide, scale = log_sd * tail.spread, log_mean(log_sd, tail)
    below, above = np.minimum(edges, tail.bend), np.maximum(edges, tail.bend)
    body = np.exp(log_sd**2 / 2 - scale) * np.diff(ndtr(below - log_sd))
    # Far out both values of the distribution are nearly 1: the upper tail keeps the digits.
    dear = np.exp((log_sd - wide) * tail.bend + wide**2 / 2 - scale) * -np.diff(ndtr(wide - above))
    return body + dear
