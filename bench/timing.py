"""What a line of the benchmark says, and how long a piece of work takes."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import NamedTuple

import numpy as np

NORMAL = 7.5e-9  # seconds numpy took for a standard normal on the machine for which the targets in time were set


class Row(NamedTuple):
    """One line of the answer; times are medians."""

    what: str
    runs: int
    seconds: float | None
    ratio: float | None = None
    of: str = ""  # what the ratio is
    target: str = ""
    met: bool | None = None


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def typical(work: Callable[[], object], runs: int) -> float:
    """The median time of some work, in seconds."""
    return median(seconds(work) for _ in range(runs))


def in_turn(works: dict[str, Callable[[], object]], runs: int) -> dict[str, list[float]]:
    """Times of several works, taken in turn so that other work on the machine slows them alike."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(runs):
        for name, work in works.items():
            taken[name].append(seconds(work))
    return taken


def ratio_of(taken: dict[str, list[float]], slow: str, fast: str) -> float:
    """How many times faster one work is than another, as the median over turns.

    >>> ratio_of({"a": [2.0, 4.0, 90.0], "b": [1.0, 2.0, 3.0]}, "a", "b")
    2.0
    """
    return median(a / b for a, b in zip(taken[slow], taken[fast], strict=True))


def normal_time(runs: int = 5, many: int = 1000, room: int = 4096) -> float:
    """Seconds numpy takes for one standard normal here: a yardstick of the machine."""
    generator, into = np.random.Generator(np.random.SFC64(1)), np.empty(room)
    return typical(lambda: [generator.standard_normal(out=into) for _ in range(many)], runs) / many / room


def duration(took: float) -> str:
    """A duration in the unit that reads best.

    >>> duration(7.1e-9), duration(0.0441), duration(2.61), duration(541.0)
    ('7.1 ns', '44.1 ms', '2.61 s', '541 s')
    """
    if took < 1e-6:
        return f"{1e9 * took:.1f} ns"
    if took < 1:
        return f"{1000 * took:.1f} ms"
    return f"{took:.2f} s" if took < 100 else f"{took:.0f} s"


def times(ratio: float) -> str:
    """A ratio with as many digits as it deserves.

    >>> times(1.834), times(17.2), times(3812.0)
    ('1.83', '17.2', '3,812')
    """
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}" if ratio < 100 else f"{ratio:,.0f}"


def line(row: Row) -> str:
    """One row as text.

    >>> line(Row("table engine", 9, 0.05, 3000.0, "times plain", ">= 2,500 times", True)).split("  ")[-1]
    'met'
    """
    took = "" if row.seconds is None else duration(row.seconds)
    ratio = "" if row.ratio is None else f"{times(row.ratio)} {row.of}"
    verdict = {True: "met", False: "missed", None: ""}[row.met]
    return f"{row.what:<66}  {row.runs or '':>4}  {took:>9}  {ratio:<26}  {row.target:<14}  {verdict}".rstrip()
