"""Designated providers are supervised: sampling, suspension and termination, and automatic review of claims."""

from __future__ import annotations

import numpy as np
from scipy.stats import beta

FASTEST = 0.01  # months: no draw of an interval learns faster, or backwards
BAN = 2  # years without designation after termination (Guangxi 2017)


def above(mean: np.ndarray, spread: float, threshold: float) -> np.ndarray:
    """Share of providers whose non-compliant part exceeds a threshold, by their mean (k,); beta distributed.

    >>> above(np.array([0.0, 0.1]), 0.04, 0.1).round(2).tolist()
    [0.0, 0.45]
    """
    inside = (mean > 0) & (mean < 1)
    m = np.where(inside, mean, 0.5)
    spread = np.minimum(spread, 0.99 * np.sqrt(m * (1 - m)))
    size = m * (1 - m) / spread**2 - 1
    return np.where(inside, beta.sf(threshold, m * size, (1 - m) * size), (mean > threshold).astype(float))


def suspended(chance: np.ndarray, providers: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Share of providers (d, k) found out in a year: a binomial count as a bounded normal; `z` (d, k), chance (k,).

    >>> suspended(np.array([0.2]), np.array([100.0]), np.array([[0.0], [1.0]])).round(2).tolist()
    [[0.2], [0.24]]
    """
    return np.clip(chance + np.sqrt(chance * (1 - chance) / providers) * z, 0.0, 1.0)


def absent(found: np.ndarray, again: np.ndarray, months: np.ndarray) -> np.ndarray:
    """Share of a tier's year lost to suspensions and terminations, (d, t, k).

    `found` (d, t, k) suspended for `months` (t,); `again` (t, k) chance of a second time in the year, which ends
    designation for the rest of the year and `BAN` years. Source: digest P6.
    """
    ended = found * again
    lost = found * months[:, None] / 12 + ended * np.maximum(0.5 - months[:, None] / 12, 0.0)
    for years in range(1, BAN + 1):
        lost[:, years:] += ended[:, :-years]
    return np.minimum(lost, 0.9)


def learnt(since: np.ndarray, start: float, end: float, months: float) -> np.ndarray:
    """A share's mean over each year of learning, `since` (t,) years after the review began; negative: not yet.

    `start`, `end` and `months` are numbers, or (d, 1) for an answer (d, t).

    >>> learnt(np.array([-1, 0, 9]), 0.34, 0.15, 2.0).round(3).tolist()
    [0.34, 0.182, 0.15]
    """
    years = np.maximum(months, FASTEST) / 12
    faded = years * (np.exp(-np.maximum(since, 0) / years) - np.exp(-(np.maximum(since, 0) + 1) / years))
    return np.where(since < 0, start, end + (start - end) * faded)
