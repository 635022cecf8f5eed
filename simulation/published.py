"""Published figures: one row of a table in `data/`, in persons, yuan, counts or fractions, with its source."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from simulation.terms import refuse, short, words
from simulation.trees import nearest

DATA = Path(__file__).resolve().parent.parent / "data"
TIMES = {"10k persons": 1e4, "100m persons": 1e8, "10k person-times": 1e4, "100m yuan": 1e8, "10k yuan": 1e4,
         "100m": 1e8, "10k": 1e4, "%": 0.01, "per 100": 0.01, "万人次": 1e4, "亿人次": 1e8, "亿元": 1e8}
MEMORY = "MEMORY"  # written down from memory: no parameter, calibration or test rests on it


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
    found = [row for row in rows(table) if row["year"] == str(year) and row["variable"] == variable and row["value"]
             and MEMORY not in row["confidence"] and row["source"]]
    if not found:
        near = nearest(variable, sorted({row["variable"] for row in rows(table)}))
        raise refuse(f"{table}: {short(variable)} {year}", words("没有已公布的数值", "no published figure"),
                     words(f"是否为：{near}", f"did you mean {near}"))
    row = min(found, key=lambda row: (not row["confidence"].startswith("high"), "prelim" in row["confidence"]))
    derived = row["confidence"].startswith("derived") or variable.startswith("derived") or "DERIVED" in variable
    return Figure(float(row["value"]) * TIMES.get(row["unit"], 1.0), row["unit"], row["source"], derived)
