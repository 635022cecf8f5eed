"""Published figures: one row of a table in `data/`, in persons, yuan, counts or fractions, with its source."""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from simulation.terms import refuse, short, words
from simulation.trees import nearest

DATA = Path(__file__).resolve().parent.parent / "data"
MEMORY = "MEMORY"  # written down from memory: no parameter, calibration or test rests on it


UNIT = re.compile(r"(100m|亿)|(10k|万)|(%)")


def in_units(unit: str) -> float:
    """What one of a table's unit is in persons, yuan or plain shares.

    >>> in_units("100m yuan"), in_units("万人次"), in_units("%"), in_units("yuan")
    (100000000.0, 10000.0, 0.01, 1.0)
    """
    found = UNIT.match(unit)
    return (1.0, 1e8, 1e4, 0.01)[found.lastindex if found else 0]


class Figure(NamedTuple):
    """One published number."""

    value: float  # persons, yuan, counts or a fraction
    unit: str  # as published
    source: str
    derived: bool  # computed from other published figures


@lru_cache(maxsize=32)
def rows(table: str) -> tuple[dict[str, str], ...]:
    """The rows of a table in `data/` by name; refuses a name that is not there."""
    known = {path.stem: path for path in DATA.glob("*.csv")}
    if table not in known:
        near = nearest(table, sorted(known))
        raise refuse(short(table), words("没有这个数据表", "there is no such table"), words(f"是否为：{near}",
                                                                                            f"did you mean {near}"))
    with known[table].open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def figure(table: str, year: int | str, variable: str) -> Figure:
    """The firmest published value of a variable in a year: published before derived, final before preliminary.

    Refuses a variable or a year that has none, and rows from memory.

    >>> figure("national_funds", 2021, "URRBMI_enrolment").value
    1008660000.0
    """
    found = [row for row in rows(table) if row.get("year") == str(year) and row.get("variable") == variable
             and row["value"] and MEMORY not in row["confidence"] and row["source"]]
    if not found:
        near = nearest(variable, sorted({row.get("variable", "") for row in rows(table)}))
        raise refuse(f"{table}: {short(variable)} {year}", words("没有已公布的数值", "no published figure"),
                     words(f"是否为：{near}", f"did you mean {near}"))
    row = min(found, key=lambda row: (not row["confidence"].startswith("high"), "prelim" in row["confidence"]))
    derived = row["confidence"].startswith("derived") or variable.startswith("derived") or "DERIVED" in variable
    return Figure(float(row["value"]) * in_units(row["unit"]), row["unit"], row["source"], derived)
