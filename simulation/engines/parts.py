"""Draws and years in parts that stay in the cache."""

from __future__ import annotations

from collections.abc import Iterator

AT_ONCE = 8192  # draws


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
