"""Draws and years in parts that stay in the cache."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

AT_ONCE = 8192  # draws
SMALL = 1_000_000  # multiplications of a product of matrices up to which OpenBLAS has a way that is twice as fast


def parts(draws: int) -> Iterator[slice]:
    """Slices of at most `AT_ONCE` draws, in order.

    >>> [(part.start, part.stop) for part in parts(12_000)]
    [(0, 8192), (8192, 12000)]
    """
    for start in range(0, draws, AT_ONCE):
        yield slice(start, min(start + AT_ONCE, draws))


def several(years: int, draws: int) -> Iterator[slice]:
    """Slices of as many years as have about `AT_ONCE` draws together, in order, at least one a time.

    >>> [(part.start, part.stop) for part in several(5, 4096)], len(list(several(5, 12_000)))
    ([(0, 2), (2, 4), (4, 5)], 5)
    """
    many = max(AT_ONCE // draws, 1)
    for start in range(0, years, many):
        yield slice(start, min(start + many, years))


def weighed(weight: np.ndarray, x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Sums (m, t, d) of amounts (k, t, d), by each year's weights (t, m, k).

    >>> weighed(np.array([[[0.5, 0.5]]]), np.array([[[1.0, 2.0]], [[3.0, 4.0]]])).tolist()
    [[[2.0, 3.0]]]
    """
    if out is None:
        out = np.empty((weight.shape[1], *x.shape[1:]))
    many = max(SMALL // max(weight[0].size, 1), 1)
    for start in range(0, x.shape[-1], many):
        draws = (..., slice(start, start + many))
        np.matmul(weight, x[draws].swapaxes(0, 1), out=out[draws].swapaxes(0, 1))
    return out
