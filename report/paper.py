"""A paper of sections, paragraphs, tables and charts, as plain records, and what every layout asks of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go

from report.prints import printed
from report.sheets import form_of
from report.tables import Drawn
from report.text import percent

NOTHING = "—"
LOOSE, MINUS = re.compile(r"(?<=\d) %"), re.compile(r"(?<![\w.)%-])-(?=\d)")  # a space before %, a hyphen for a minus
PIXELS, TALL = 640, 310  # of a chart, and how high it is unless it says so
LONG, SHORT, ACROSS = 110, 14, 84  # letters: a cell no longer counts, one that stays whole, a line across the page
HEAD_LINES, EDGES, MOST = 3, 0.034, 0.95  # lines of a heading; shares of the width: a column's edges, words kept whole


class Heading(NamedTuple):
    """A heading inside a section."""

    text: str


class Paragraph(NamedTuple):
    """A paragraph of text."""

    text: str


class Listing(NamedTuple):
    """Lines to be typed as they stand."""

    lines: tuple[str, ...]


class Table(NamedTuple):
    """A frame under its caption, with a note below."""

    caption: str
    drawn: Drawn
    note: str = ""


@dataclass(frozen=True)
class Chart:
    """A figure over its caption: what is drawn, the frame behind it, and its words for who cannot see it."""

    caption: str
    figure: go.Figure
    drawn: Drawn
    alt: str
    note: str = ""

    @property
    def shape(self) -> float:
        """Height over width."""
        return (self.figure.layout.height or TALL) / PIXELS

    @cached_property
    def image(self) -> bytes:
        """The figure as a PNG, drawn once for every layout."""
        return printed(self.figure, "png", PIXELS, round(self.shape * PIXELS))


Part = Heading | Paragraph | Listing | Table | Chart


class Section(NamedTuple):
    """A numbered section, or an annex under its mark."""

    title: str
    parts: tuple[Part, ...]
    mark: str = ""  # of an annex


class Brief(NamedTuple):
    """A policy brief in one language."""

    language: str
    title: tuple[str, ...]  # its lines
    sections: tuple[Section, ...]
    annexes: tuple[Section, ...]
    annexed: tuple[str, ...]  # the list of annexes below the text
    name: str  # of a file, without its ending


def printable(text: Any) -> str:
    """Text on one line that every kind of file can hold, whoever wrote it.

    >>> printable("a\\x07b \\n <c>")
    'ab <c>'
    """
    return " ".join("".join(letter for letter in str(text) if letter.isprintable() or letter.isspace()).split())


def clean(text: Any) -> str:
    """The same with its percentages and negative numbers in the form of this paper; dates and ranges stay.

    >>> clean("5 % in 2026-07-13: -1.2 points")
    '5% in 2026-07-13: −1.2 points'
    """
    return MINUS.sub("−", LOOSE.sub("%", printable(text)))


def cells(drawn: Drawn, digits: int = 1) -> list[list[str]]:
    """The rows of a table as text, each number in its column's form; percentages with so many digits."""
    return [[cell(value, form_of(name, drawn), digits) for name, value in zip(drawn.frame.columns, row, strict=True)]
            for row in drawn.frame.itertuples(index=False)]


def cell(value: Any, form: str, digits: int = 1) -> str:
    """A value in the form of its column, a percentage with so many digits.

    >>> cell(0.5, "percent"), cell(0.9, "percent", 0), cell(-1234.5, "%,.1f"), cell(2026, "%d"), cell("<b>", "")
    ('50.0%', '90%', '−1,234.5', '2026', '<b>')
    >>> cell(-0.01, "%+.1f"), cell(float("nan"), "%d")
    ('+0.0', '—')
    """
    if isinstance(value, str):
        return clean(value)
    if pd.isna(value):
        return NOTHING
    if form == "percent":
        return percent(value, digits)
    sign, rest = ("+", form[2:]) if form[1] == "+" else ("", form[1:])
    return f"{value:{sign}{'z' * rest.endswith('f')}{rest}}".replace("-", "−")  # z: nothing has no sign


def heads(drawn: Drawn) -> list[str]:
    """The names of a table's columns."""
    return [clean(drawn.heads.get(name, name)) for name in drawn.frame.columns]


def numeric(drawn: Drawn) -> list[bool]:
    """Which columns hold figures, and are set flush right."""
    return [pd.api.types.is_numeric_dtype(drawn.frame[name]) for name in drawn.frame.columns]


def shares(drawn: Drawn) -> list[float]:
    """The share of a table's width that each column gets: what it holds wraps where long, short cells and words do not.

    >>> [round(share, 2) for share in shares(Drawn(pd.DataFrame({"a": ["xx " * 40], "b": ["y" * 8]}), {}))]
    [0.87, 0.13]
    """
    names, rows = heads(drawn), cells(drawn)
    columns = [[row[n] for row in rows] for n in range(len(names))]
    wants = [min(max(*map(breadth, texts), breadth(name) / HEAD_LINES, 4), LONG) ** 0.75
             for name, texts in zip(names, columns, strict=True)]
    least = [max(longest(name, 4), *(longest(text, SHORT) for text in texts)) / ACROSS + EDGES
             for name, texts in zip(names, columns, strict=True)]
    scale = min(1.0, MOST / sum(least))
    found = [max(want / sum(wants), scale * low) for want, low in zip(wants, least, strict=True)]
    spare = [share - scale * low for share, low in zip(found, least, strict=True)]
    over = (sum(found) - 1) / sum(spare) if sum(spare) else 0.0
    return [share - over * free for share, free in zip(found, spare, strict=True)]


def longest(text: str, short: int) -> int:
    """The breadth of what stays on one line: a short text whole, of others the longest word.

    >>> longest("5.1% ± 0.6%", 14), longest("a long sentence of words", 14), longest("参保人数（人）", 4)
    (11, 8, 4)
    """
    if breadth(text) <= short:
        return breadth(text)
    return min(max(len(word) if word.isascii() else 4 for word in text.split()), SHORT)


def breadth(text: str) -> int:
    """How many letters wide a text is; a Chinese character is as wide as two."""
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in text)


def lines(paper: Brief) -> Iterator[str]:
    """Every line of text in reading order, tables and listings apart."""
    yield from paper.title
    for section in (*paper.sections, None, *paper.annexes):
        if section is None:
            yield from paper.annexed
            continue
        yield from filter(None, (section.mark, section.title))
        for part in section.parts:
            match part:
                case Heading(text) | Paragraph(text):
                    yield text
                case Listing(typed):
                    yield from typed
                case Table(caption, _, note) | Chart(caption, _, _, _, note):
                    yield caption
                    yield from filter(None, (note,))


def tables(paper: Brief) -> Iterator[tuple[str, Drawn]]:
    """The caption and frame of every table and chart."""
    for section in (*paper.sections, *paper.annexes):
        for part in section.parts:
            if isinstance(part, Table | Chart):
                yield part.caption, part.drawn
