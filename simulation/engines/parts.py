"""Draws in parts that stay in the cache."""

from __future__ import annotations

from collections.abc import Iterator

AT_ONCE = 4096  # draws


def parts(draws: int) -> Iterator[slice]:
    """Slices of at most `AT_ONCE` draws, in order.

    >>> [(part.start, part.stop) for part in parts(6000)]
    [(0, 4096), (4096, 6000)]
    """
    for start in range(0, draws, AT_ONCE):
        yield slice(start, min(start + AT_ONCE, draws))
