"""The cases of bad input: those declared in `cases.yaml`, and the large and binary ones of `made.py`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from simulation.terms import BadInput
from tests.bad.parsers import good

FILE = Path(__file__).with_name("cases.yaml")


class Case(NamedTuple):
    """One bad input: for which parser, its bytes, and what the first fault's place and its sentence must hold."""

    parser: str
    what: str
    content: Callable[[], bytes]
    place: str
    says: str


def spoilt(parser: str, entry: dict[str, Any]) -> bytes:
    """The bytes of a declared case: a text as it stands, or the good one with `of` replaced by `by` or `add` put after.

    `as` names the encoding they are written in; `broken` is UTF-8 that has lost a byte of its first character.
    """
    if "text" in entry:
        text = entry["text"]
    else:
        text = good()[parser].decode()
        assert entry.get("of", "") in text, (parser, entry)
        text = text.replace(entry["of"], entry["by"], 1) if "of" in entry else text + entry.get("add", "")
    if entry.get("as") == "broken":
        return re.sub(rb"[\x80-\xff]", b"", text.encode(), count=1)
    return text.encode(entry.get("as", "utf-8"))


@lru_cache(maxsize=1)
def declared() -> list[Case]:
    """The cases of the table, in its order."""
    table = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return [Case(parser, entry["case"], lambda parser=parser, entry=entry: spoilt(parser, entry), entry["at"],
                 entry["says"]) for parser, entries in table.items() for entry in entries]


def answered(parse: Callable[[bytes], Any], content: bytes) -> BadInput | None:
    """The refusal of an input, None where it was read; a refusal must be whole in both languages."""
    try:
        parse(content)
    except BadInput as bad:
        assert bad.faults
        for fault in bad.faults:
            for language in ("zh", "en"):
                assert fault.place and fault.what[language].strip() and fault.remedy[language].strip()
                assert "\n" not in fault.sentence(language)
        return bad
    return None
