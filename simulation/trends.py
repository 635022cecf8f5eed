"""How far the published yearly quantities stray from their trend, and what moves together.

`data/volatility.yaml` lists which published rows make the series; `python -m simulation.trends` fits them and writes
the default shocks, `scenarios/parts/shocks.yaml`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simulation.dynamics import USUAL, Dynamics, freedom_of, one_step_errors, pooled
from simulation.published import DATA, in_units
from simulation.reading import read_text, read_yaml
from simulation.terms import Words, refuse, words

PART = Path(__file__).resolve().parent.parent / "scenarios" / "parts" / "shocks.yaml"

QUANTITIES = ("cost", "use", "funding", "enrolment", "spending")
SHOCKED = QUANTITIES[:4]  # of which shocks are drawn; spending follows from them
WALK = "enrolment"  # take-up has no level to return to: its persistence is 1
MATURE = 0.95  # an assumption: take-up of a scheme that most have joined, where only heads are published


class Series(NamedTuple):
    """One published series: values on consecutive years from `first`, NaN where there is none."""

    name: str
    quantity: str
    first: int
    values: np.ndarray  # (t,) log, or logit
    status: str
    note: Words

    @property
    def steps(self) -> int:
        """From how many figures to the next one known.

        >>> Series("x", "cost", 2020, np.array([1.0, np.nan, 1.1]), "bulletin", words("", "")).steps
        1
        """
        return int(np.isfinite(self.values).sum()) - 1


# ---- the published series --------------------------------------------------------------------------

def table(path: Path) -> list[dict[str, str]]:
    """The rows of a published table; the two names for what is counted and for its unit become one."""
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file, strict=True))
    return [row | {"variable": row.get("variable") or row["quantity"], "unit": row.get("unit") or row["unit_or_ci"]}
            for row in found]


def row_of(rows: Sequence[Mapping[str, str]], variable: str, year: str | None, source: str, place: str) -> Mapping:
    """The one row of a variable and year, from the source named; figures from memory or of low confidence do not count.

    >>> rows = [{"year": "2019", "variable": "x", "source": "a", "confidence": "high"},
    ...         {"year": "2019", "variable": "x", "source": "MEMORY, unverified", "confidence": "MEMORY, unverified"}]
    >>> row_of(rows, "x", "2019", "", "table")["source"]
    'a'
    """
    found = [row for row in rows if row["variable"] == variable and year in (None, row.get("year"))
             and source in row["source"] and row["source"].strip()
             and not row["confidence"].lower().startswith(("memory", "low"))]
    if len(found) != 1:
        raise refuse(f"{place}: {variable} {year or ''}".rstrip(),
                     words(f"找到 {len(found)} 行可用数据，应为 1 行", f"{len(found)} usable rows, where one belongs"),
                     words("请核对名称、年份和来源", "check name, year and source"))
    return found[0]


def years_of(piece: Mapping) -> list[int]:
    """The years of a piece of a series: listed, or from one to another.

    >>> years_of({"from": 2019, "to": 2021}), years_of({"years": [2010, 2012]})
    ([2019, 2020, 2021], [2010, 2012])
    """
    return list(piece["years"]) if "years" in piece else list(range(piece["from"], piece["to"] + 1))


def rows_in(piece: Mapping, year: int, folder: Path) -> dict[str, Mapping[str, str]]:
    """The rows of one year of a piece: of the variable, and of what it is divided by and multiplied by."""
    rows = tabled(folder, piece["table"])
    at = None if piece["table"] == "behaviour.csv" else str(piece.get("row", year))
    return {role: row_of(rows, piece[role], at, piece.get("source", "") if role == "variable" else "", piece["table"])
            for role in ("variable", "per", "times") if role in piece}


@lru_cache(maxsize=16)
def tabled(folder: Path, name: str) -> list[dict[str, str]]:
    """A table of a folder, read once."""
    return table(folder / name)


def figure(piece: Mapping, year: int, folder: Path) -> float:
    """The figure of one year of a piece, in persons, yuan, shares or their quotient."""
    rows = rows_in(piece, year, folder)
    text = rows["variable"][piece.get("column", "value")]
    if "pattern" in piece:
        found = re.search(piece["pattern"].replace("YEAR", str(year)), text)
        if not found:
            raise refuse(f"{piece['table']}: {piece['variable']}",
                         words(f"单元格中没有 {year} 年的数字", f"the cell has no figure of {year}"),
                         words("请核对 pattern", "check the pattern"))
        text = found[1]
    values = {role: float(text if role == "variable" else row["value"]) * in_units(row["unit"])
              for role, row in rows.items()}
    return values["variable"] / values.get("per", 1.0) * values.get("times", 1.0)


def scaled_log(values: np.ndarray, scale: str) -> np.ndarray:
    """Figures on the scale of their model: logs; logits of take-up; logs of heads as steps of the logit of take-up.

    >>> scaled_log(np.array([0.5]), "logit").tolist(), np.diff(scaled_log(np.array([1.0, 1.01]), "mature")).round(3)
    ([0.0], array([0.199]))
    """
    if scale == "logit":
        return np.log(values / (1 - values))
    return np.log(values) / (1 - MATURE if scale == "mature" else 1)


def series_of(entry: Mapping, folder: Path) -> Series:
    """The series that an entry of `volatility.yaml` describes."""
    found: dict[int, float] = {}
    for piece in entry["rows"]:
        for year in years_of(piece):
            found[year] = figure(piece, year, folder) + (found[year - 1] if piece.get("changes") else 0)
    first, last = min(found), max(found)
    figures = np.array([found.get(year, np.nan) for year in range(first, last + 1)])
    values = scaled_log(figures, entry.get("scale", "log"))
    values.flags.writeable = False  # shared by all who ask
    return Series(entry["name"], entry["quantity"], first, values, entry["status"], Words(**entry["note"]))


@lru_cache(maxsize=4)
def published(folder: Path = DATA) -> tuple[Series, ...]:
    """Every series that `volatility.yaml` of a folder lists, with values read from its tables.

    >>> {one.quantity for one in published()} == set(QUANTITIES)
    True
    """
    listed = read_yaml(read_text(folder / "volatility.yaml"), "volatility.yaml")
    return tuple(series_of(entry, folder) for entry in listed["series"])


def kept(series: Sequence[Series], without: str | tuple[str, ...]) -> list[Series]:
    """The series but those named, by their own name or by the fund or place it begins with.

    >>> [one.name for one in kept(published(), "nrcms") if one.name.startswith("nrcms")]
    []
    """
    out = (without,) if isinstance(without, str) else without
    unknown = [name for name in out if name and all(not named(one, name) for one in series)]
    if unknown:
        raise refuse("without", words(f"没有名为“{unknown[0]}”的序列", f"there is no series '{unknown[0]}'"),
                     words("请见 data/volatility.yaml", "see data/volatility.yaml"))
    return [one for one in series if not any(name and named(one, name) for name in out)]


def named(series: Series, name: str) -> bool:
    """Whether a series has this name or belongs to the fund or place of this name."""
    return series.name == name or series.name.startswith(f"{name}_")


@lru_cache(maxsize=64)
def fitted(folder: Path = DATA, without: str | tuple[str, ...] = ()) -> dict[str, Dynamics]:
    """The dynamics of every quantity, fitted on a folder's published series, with one freedom for all.

    `without` leaves out series by name (`nrcms_funding`) or all of a fund or place (`nrcms`, `resident`): a back-test
    of a published series must not use shocks that have seen it.

    >>> tuple(fitted()) == QUANTITIES, fitted()["enrolment"].persistence
    (True, 1.0)
    """
    series = kept(published(folder), without)
    of = {quantity: [one.values for one in series if one.quantity == quantity and one.steps] for quantity in QUANTITIES}
    found = {quantity: pooled(values, 1.0 if quantity == WALK else None) for quantity, values in of.items()}
    freedom = freedom_of(np.concatenate([one_step_errors(of[quantity], found[quantity]) for quantity in SHOCKED]))
    return {quantity: dynamics._replace(freedom=freedom) for quantity, dynamics in found.items()}


# ---- what moves together --------------------------------------------------------------------------

PAIRS = {
    "funding_and_spending": (("nrcms_funding", "nrcms_spending"), ("urbmi_income", "urbmi_spending"),
                             ("all_schemes_income", "all_schemes_spending"), ("resident_income", "resident_spending")),
    "use_and_cost": (("resident_stays", "resident_cost_per_stay"), ("resident_visits", "resident_cost_per_visit"),
                     ("resident_chronic_visits", "resident_cost_per_chronic_visit"))}


class Together(NamedTuple):
    """How two quantities of the same fund go together."""

    correlation: float  # of what each year adds to one and to the other
    apart: float  # standard deviation, between funds, of the yearly growth of the second over that of the first
    steps: int  # between years, behind it


@lru_cache(maxsize=64)
def together(pair: str, without: str | tuple[str, ...] = (), folder: Path = DATA) -> Together:
    """How the two quantities of `PAIRS` went together in the published series that give both in three years or more.

    Where the series left out were the only ones, nothing is known: no correlation.

    >>> -1 < together("use_and_cost").correlation < 0 < together("funding_and_spending").correlation < 1
    True
    """
    known = {series.name: series for series in kept(published(folder), without)}
    first, second, apart = [], [], []
    for names in PAIRS[pair]:
        if not set(names) <= set(known):
            continue
        rises, gaps = rises_in_both(*(known[name] for name in names))
        if len(gaps) > 1:
            growth = rises.sum(axis=1) / gaps.sum()
            added = (rises - growth[:, None] * gaps) / np.sqrt(gaps)
            first, second = [*first, *added[0]], [*second, *added[1]]
            apart.append(growth[1] - growth[0])
    if not first:
        return Together(0.0, USUAL, 0)
    product = np.dot(first, second) / np.sqrt(np.dot(first, first) * np.dot(second, second))
    return Together(float(product), float(np.sqrt(np.mean(np.square(apart)))), len(first))


@lru_cache(maxsize=64)
def ratio_of(pair: str, without: str | tuple[str, ...] = (), folder: Path = DATA) -> Dynamics | None:
    """How the second quantity of a pair strays from the first: the dynamics of their log ratio, where they are known.

    >>> 0 < ratio_of("funding_and_spending").sd < fitted()["spending"].sd
    True
    """
    known = {series.name: series for series in kept(published(folder), without)}
    found = []
    for names in PAIRS[pair]:
        if set(names) <= set(known):
            one, other = (known[name] for name in names)
            start, stop = max(one.first, other.first), min(one.first + len(one.values), other.first + len(other.values))
            of = [series.values[start - series.first:stop - series.first] for series in (one, other)]
            found.append(of[1] - of[0])
    return pooled(found) if any(np.isfinite(values).sum() > 1 for values in found) else None


def rises_in_both(one: Series, other: Series) -> tuple[np.ndarray, np.ndarray]:
    """Rises between the years in which two series have a figure, (2, n), and the years between these, (n,)."""
    start = max(one.first, other.first)
    values = [series.values[start - series.first:] for series in (one, other)]
    both = np.stack([of[:min(map(len, values))] for of in values])
    known = np.flatnonzero(np.isfinite(both).all(axis=0))
    return np.diff(both[:, known], axis=1), np.diff(known).astype(float)


# ---- the default shocks ------------------------------------------------------------------------------

# What the terms of `simulation.assumptions.Shocks` take: the quantity and the parameter of its dynamics. Not funding:
# its published movements are decisions of governments, which in a scenario the levers state.
TERMS = {"cost_sd": ("cost", "sd"), "cost_persistence": ("cost", "persistence"),
         "admission_sd": ("use", "sd"), "admission_persistence": ("use", "persistence"),
         "enrolment_sd": ("enrolment", "sd")}
WEAK = {  # known weaknesses of what a term rests on
    "sd": words("全国序列的波动小于单个县，用于一县偏窄", "national series vary less than one county's"),
    "persistence": words("序列短，数值很不确定，受弱先验影响",
                         "short series leave it very uncertain, a weak prior leans on it")}
OF = {
    "cost": words("次均费用", "expense a stay or visit"),
    "use": words("人均住院和门诊，含 2020 和 2023 年及待遇扩大",
                 "stays and visits a head, with 2020, 2023 and wider benefits"),
    "enrolment": words("参保率（logit），随机游走", "logit of take-up, a walk")}


def part(folder: Path = DATA) -> str:
    """The text of `scenarios/parts/shocks.yaml`, fitted on a folder's series.

    >>> part().splitlines()[0]
    '# Written by `python -m simulation.trends` from data/volatility.yaml; do not edit.'
    """
    series, dynamics = published(folder), fitted(folder)
    first, last = min(one.first for one in series), max(one.first + len(one.values) - 1 for one in series)

    def behind(quantities: Sequence[str]) -> tuple[int, int]:
        of = [one for one in series if one.quantity in quantities]
        return len(of), sum(one.steps for one in of)

    def term(name: str, value: float, zh: str, en: str) -> list[str]:
        return [f"    {name}:", f"      value: {float(f'{value:.3g}')}",
                f'      source: {{status: estimate, document: volatility, note: {{zh: {zh}, en: "{en}"}}}}']

    lines = ["# Written by `python -m simulation.trends` from data/volatility.yaml; do not edit.",
             "documents:",
             f'  volatility: {{title: 公开年度数据逐年波动的拟合（data/volatility.yaml）, publisher: 本项目, '
             f'date: "{first}-{last}"}}',
             "", "assumptions:", "  shocks:"]
    for name, (quantity, parameter) in TERMS.items():
        n, steps = behind([quantity])
        lines += term(name, getattr(dynamics[quantity], parameter),
                      f"{OF[quantity].zh}：{n} 个序列、{steps} 个年际变化；{WEAK[parameter].zh}",
                      f"{OF[quantity].en}: {n} series, {steps} steps between years; {WEAK[parameter].en}")
    against = together("use_and_cost", folder=folder)
    lines += term("cost_with_use", against.correlation,
                  f"居民住院、门诊、慢特病的人均次数与次均费用：{against.steps} 个年际变化；序列短，数值很不确定",
                  f"stays, visits and chronic care a head beside their unit cost: {against.steps} steps between years, "
                  "so very uncertain")
    n, steps = behind(SHOCKED)
    lines += term("freedom", dynamics["cost"].freedom,
                  f"全部 {n} 个序列、{steps} 个年际变化的标准化预测误差；去掉一组序列即有明显变动",
                  f"standardised forecast errors of all {n} series, {steps} steps between years; "
                  "it moves visibly when a group of series is left out")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PART.write_text(part(), encoding="utf-8")
    print(PART.name)
