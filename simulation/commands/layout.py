"""How the text of a command is laid out: tables under headings, and numbers with no more digits than are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan
from unicodedata import east_asian_width

NONE = "–"


def laid(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table as lines: the first column to the left, the others to the right, each as wide as its widest cell.

    >>> laid(["a", "b"], [["人", "12"]])
    ['a    b', '人  12']
    """
    table = [heads, *rows]
    widths = [max(map(wide, column)) for column in zip(*table, strict=True)]
    pad = lambda cell, width: " " * (width - wide(cell))  # noqa: E731 - used twice
    return ["  ".join([first + pad(first, widths[0]), *(pad(cell, width) + cell for cell, width in zip(
        others, widths[1:], strict=True))]).rstrip() for first, *others in table]


def wide(text: str) -> int:
    """How many columns a text takes: Chinese letters take two.

    >>> wide("参保 a")
    6
    """
    return len(text) + sum(east_asian_width(letter) in "WF" for letter in text)


def figure(value: float | None, sign: str = "") -> str:
    """A number as it is read: whole from a thousand on, else four digits; a dash where there is none.

    >>> figure(1234567.891), figure(0.0412345), figure(None), figure(float("nan")), figure(2.5, "+")
    ('1,234,568', '0.04123', '–', '–', '+2.5')
    """
    if value is None or isnan(value):
        return NONE
    return f"{value:{sign},.0f}" if abs(value) >= 1000 else f"{value:{sign}.4g}"
