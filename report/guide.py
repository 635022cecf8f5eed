"""The facilitator's guide as a paper to print: the text of `docs/`, and the shock cards as they are in the data."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pandas as pd

from report.cards import basis, deck
from report.paper import Brief, Heading, Paragraph, Section, Table
from report.tables import Drawn
from report.text import say

DOCS = Path(__file__).resolve().parent.parent / "docs"
FILES = {"zh": "facilitator.zh.md", "en": "facilitator.md"}
BULLET = "· "


def text(language: str) -> str:
    """The guide as it stands in `docs/`, without its pictures: of the board, which is on the screen."""
    lines = (DOCS / FILES[language]).read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("!["))


@lru_cache(maxsize=2)
def guide(language: str) -> Brief:
    """The guide as a paper: a section under each heading, and the cards in an annex.

    >>> guide("en").sections[0].title
    'What the class does'
    """
    title, sections = "", []
    for line in filter(None, map(str.strip, text(language).splitlines())):
        mark, _, rest = line.partition(" ")
        if mark == "#":
            title = rest
        elif mark == "##":
            sections.append(Section(rest, ()))
        else:
            part = Heading(rest) if mark == "###" else Paragraph(BULLET + rest if mark == "-" else line)
            sections[-1] = sections[-1]._replace(parts=(*sections[-1].parts, part))
    annex = Section(say(language, "room.all_cards"), (Table(say(language, "room.cards_read"), cards(language)),),
                    say(language, "room.annex"))
    return Brief(language, (title,), tuple(sections), (annex,), (), f"facilitator_{language}")


def cards(language: str) -> Drawn:
    """Every card: what it does, what to ask, and what its size rests on."""
    frame = pd.DataFrame([{"card": one.title[language], "does": one.text[language], "ask": one.ask[language],
                           "basis": basis(name, language)} for name, one in deck().cards.items()])
    return Drawn(frame, {name: say(language, f"room.card_{name}") for name in frame.columns})
