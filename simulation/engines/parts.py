"""Draws in parts that stay in the cache."""

from __future__ import annotations

from collections.abc import Iterator

AT_ONCE = 2048  # draws


def parts(draws: int) -> Iterator[slice]:
    """Slices of at most `AT_ONCE` draws, in order.

    >>> [(part.start, part.stop) for part in parts(3000)]
    [(0, 2048), (2048, 3000)]
    """
    for start in range(0, draws, AT_ONCE):
        yield slice(start, min(start + AT_ONCE, draws))
