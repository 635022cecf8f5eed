"""What people type, letter by letter: what counts as the same, and what no database keeps."""

from __future__ import annotations

import unicodedata

from simulation.terms import Fault, short, words


def folded(text: str) -> str:
    """A text as it is compared, whatever its capitals and widths. Databases differ in this, so none of them is asked.

    >>> folded("Ａ县Ⅱ型"), folded("ÜBER Straße")
    ('a县ii型', 'über strasse')
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def shown(text: str) -> str:
    """A text for a sentence, short and without what cannot be shown.

    >>> shown("a\\ud800")
    'a?'
    """
    return short("".join("?" if "\ud800" <= letter <= "\udfff" else letter for letter in text))


def fault_in(text: str, place: str, most: int) -> Fault | None:
    """What is wrong with a text that is to be kept, or nothing.

    >>> fault_in("a" * 11, "title", 10).what.en
    'has 11 characters'
    """
    if len(text) > most:
        return Fault(place, words(f"有 {len(text)} 个字", f"has {len(text)} characters"),
                     words(f"最多 {most} 个字", f"use at most {most}"))
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a pair of code units, which JSON can spell
        return Fault(place, words("含有不成字的编码", "holds half a character"), words("请删去", "remove it"))
    if "\0" in text:
        return Fault(place, words("含有空字符", "holds a null character"), words("请删去", "remove it"))
    return None
