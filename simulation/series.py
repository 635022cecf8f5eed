"""A fund's yearly table: how it is read, and every fault in it in plain words.

The table is the one that `docs/series.md` describes. Nothing of it is run, kept or written: bytes go in,
numbers in persons, yuan and counts come out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simulation.cells import Grid, Unread, is_missing, letters, number_of, plain, spilt, year_of
from simulation.columns import (
    ALIASES,
    BY_KEY,
    FACTORS,
    NEEDED,
    QUANTITIES,
    UNIT_WORDS,
    compact,
    known_headings,
    split_heading,
)
from simulation.grids import MAX_BYTES, MAX_ROWS, grids
from simulation.terms import BadInput, Fault, Words, refuse, short, words
from simulation.trees import meant, nearest

FOLDER = Path(__file__).resolve().parent.parent / "data" / "series"
MAX_FAULTS = 20  # told at once
FIRST_YEAR, LAST_YEAR = 1980, 2100
MIN_YEARS = 3  # with a figure; fewer show no change of a change
MIN_NUMBERS = 4  # of a needed column, for a forecast
MIN_ENROLMENT = 100  # fewer insured than this is a number in another unit, not a fund
GAP = 0.2  # of the income: how far the balance may move apart from the surplus before it is worth a note
PER_HEAD = {"income": (1, 100_000), "spending": (1, 100_000)}  # yuan a person a year, refused outside
RARE_PER_HEAD = {"stays": (0.001, 2), "visits": (0.001, 100)}  # a person a year, noted outside
UNIT_TOLD = re.compile(r"单位\s*[:：]\s*[十百千万亿]*(元|人次|人(?!民|力))|\bunits?\s*[:=]", re.IGNORECASE)
FOOTNOTE = re.compile(r"(注|备注|说明|资料来源|数据来源|note|source|remark)", re.IGNORECASE)


# ---- the record --------------------------------------------------------------------------------

@dataclass(frozen=True, eq=False)
class Series:
    """A fund's years as read: arrays (n,) over `years`, in persons, yuan and counts a year; nan where missing.

    `ignored` are the headings of columns that were not used, `notes` what is odd but no fault, and `sha256`
    that of the file's bytes.
    """

    name: str
    years: tuple[int, ...]  # without gaps
    values: dict[str, np.ndarray]  # every key of QUANTITIES
    sha256: str
    ignored: tuple[str, ...] = ()
    notes: tuple[Words, ...] = ()

    @property
    def cells(self) -> int:
        """How many numbers the table holds, the years themselves left out."""
        return sum(self.count(key) for key in QUANTITIES)

    def count(self, key: str) -> int:
        """How many years have a number of this quantity."""
        return int(np.isfinite(self.values[key]).sum())

    def lacking(self) -> tuple[str, ...]:
        """The quantities a forecast needs and of which there are fewer than four numbers."""
        return tuple(key for key in NEEDED if self.count(key) < MIN_NUMBERS)

    def upto(self, year: int) -> Series:
        """The same fund as known at the end of a year."""
        kept = sum(y <= year for y in self.years)
        return replace(self, years=self.years[:kept],
                       values={key: frozen(array[:kept]) for key, array in self.values.items()})

    def per_head(self, key: str) -> np.ndarray:
        """A quantity for each insured person a year, (n,)."""
        return self.values[key] / self.values["enrolment"]


def frozen(array: np.ndarray) -> np.ndarray:
    """A copy that cannot be written to, so that a frozen record stays as it was read."""
    array = np.array(array, float)
    array.setflags(write=False)
    return array


# ---- where series come from --------------------------------------------------------------------

def bundled() -> dict[str, Path]:
    """The series that come with the sandbox, by name; `data/sources.yaml` says what each cell rests on."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.csv"))}


def bundled_as(series: Series) -> str:
    """The bundled series that a table is, by its figures, however the file is called or written; else nothing.

    >>> bundled_as(load_series("national_nrcms"))
    'national_nrcms'
    """
    return next((name for name, own in bundled_series(FOLDER).items() if own.years == series.years and all(
        np.array_equal(values, series.values[quantity], equal_nan=True) for quantity, values in own.values.items())),
        "")


@cache
def bundled_series(folder: Path) -> dict[str, Series]:
    """Every bundled series of a folder by name."""
    return {path.stem: read_series(path.read_bytes(), path.name) for path in sorted(folder.glob("*.csv"))}


def load_series(name: str) -> Series:
    """A bundled series by its name, or a file by its path, for the command line.

    >>> load_series("national_nrcms").years[:2]
    (2004, 2005)
    """
    path = bundled().get(name) or Path(name)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError):  # a path with a null character is a ValueError
        near = nearest(name, list(bundled()))
        raise refuse(short(name), words("没有这个文件", "there is no such file"),
                     words(f"请给出 CSV 或 XLSX 文件，或自带数据的名称：{near}",
                           f"give a CSV or XLSX file, or a bundled series such as {near}")) from None
    return read_series(content, path.name)


def read_series(content: bytes, place: str) -> Series:
    r"""A fund's yearly table from the bytes of a CSV or XLSX file; every fault at its cell.

    `place` is the file's name as faults show it; it is never opened.

    >>> table = "年份,参保人数（万人）,基金支出（万元）\n2019,20,9000\n2020,21,\n2021,21,9900\n"
    >>> series = read_series(table.encode(), "county.csv")
    >>> float(series.values["enrolment"][0]), series.cells, series.lacking()
    (200000.0, 5, ('enrolment', 'income', 'spending'))
    """
    place = short(place)
    if len(content) > MAX_BYTES:
        raise refuse(place, words("文件超过 2 MB", "the file is larger than 2 MB"),
                     words("请只保留年度汇总表", "keep only the yearly table in it"))
    table = find_table(grids(content, place), place)
    faults: list[Fault] = []
    columns = read_headings(table, faults)
    rows = read_rows(table, columns, faults)
    stop_at(faults, place)  # what the numbers say together is judged only where each of them could be read
    years, values, notes = lay_out(rows)
    stop_at(check_amount(years, values, place) or check_size(years, values, table, columns), place)
    series = Series(Path(place).stem, years, values, hashlib.sha256(content).hexdigest(), table.unused(columns))
    return replace(series, notes=(*notes, *remarks(series)))


def stop_at(faults: Sequence[Fault], place: str) -> None:
    """Refuse a table that has faults: the first twenty, and how many more there are."""
    more = len(faults) - MAX_FAULTS
    if more > 0:
        faults = [*faults[:MAX_FAULTS], Fault(place, words(f"另有 {more} 处问题", f"and {more} more"),
                                              words("请先改正以上各处", "put those above right first"))]
    if faults:
        raise BadInput(list(faults))


# ---- cells into columns ------------------------------------------------------------------------

class Table(NamedTuple):
    """A sheet with its heading row found."""

    place: str
    grid: Grid
    head: int  # index of the heading row

    def heading(self, n: int) -> str:
        """The heading of a column as it stands, on one line."""
        head = self.grid[self.head]
        return short(head[n]) if n < len(head) and not is_missing(head[n]) else ""

    def at(self, row: int, n: int) -> str:
        """A cell the way a spreadsheet names it, with the heading of its column."""
        return f"{self.place}: {letters(n)}{row + 1} {self.heading(n)}".rstrip()

    def column(self, n: int) -> str:
        """A column the way a spreadsheet names it, with its heading."""
        return f"{self.place}: {letters(n)} {self.heading(n)}"

    def unused(self, columns: dict[str, Heading]) -> tuple[str, ...]:
        """The headings of the columns that were not read."""
        used = {heading.n for heading in columns.values()}
        return tuple(self.heading(n) for n, cell in enumerate(self.grid[self.head])
                     if n not in used and not is_missing(cell))


class Heading(NamedTuple):
    """Where a column of the declared ones stands, and what one of its numbers is worth."""

    n: int
    factor: int
    stated: bool  # whether the heading names its unit


def find_table(grids: Iterable[Grid], place: str) -> Table:
    """The first sheet with a heading row: one that names the year and something else."""
    sheets = list(grids)
    for least in (2, 1):  # a lone year is a heading row whose other names are misspelt
        for grid in sheets:
            head = next((r for r, row in enumerate(grid) if known_headings(row) >= least and not sideways(row)), None)
            if head is None:
                continue
            if any(not is_missing(cell) for row in grid[MAX_ROWS:] for cell in row):
                raise refuse(place, words(f"表格超过 {MAX_ROWS} 行", f"the table has more than {MAX_ROWS} rows"),
                             words("请每年只留一行", "keep one row a year"))
            return Table(place, grid, head)
    if any(sideways(row) for grid in sheets for row in grid):
        raise refuse(place, words("年份排在各列", "the years stand side by side"),
                     words("请转置，每年一行（选择性粘贴、转置）",
                           "turn the table: one row a year (paste special, transpose)"))
    raise refuse(place, words("找不到表头", "no heading row is found"),
                 words("首行应有“年份”，以及参保人数、基金收入、基金支出中的至少一项",
                       "the first row needs 'year' and at least one of enrolment, income, spending"))


def sideways(row: Sequence[Any]) -> bool:
    """Whether a row is a line of years."""
    return sum(isinstance(year_of(cell), int) for cell in row) >= MIN_YEARS


def read_headings(table: Table, faults: list[Fault]) -> dict[str, Heading]:
    """Where each declared column stands and in which unit; faults are added to the list."""
    columns: dict[str, Heading] = {}
    for n, cell in enumerate(table.grid[table.head]):
        key, unit = split_heading(cell) if isinstance(cell, str) else (None, None)
        if key is None:
            continue
        if key in columns:
            faults.append(Fault(table.column(n), words("与另一列重复", f"is {key} once more"),
                                words(f"与“{table.heading(columns[key].n)}”只保留一列",
                                      f"keep this one or '{table.heading(columns[key].n)}'")))
            continue
        kind = BY_KEY[key].kind
        factor = 1 if kind == "year" or unit is None else FACTORS[kind].get(compact(unit))
        if factor is None:
            choices = UNIT_WORDS[kind][1]
            faults.append(Fault(table.column(n), words(f"不认识的单位“{short(unit)}”", f"unknown unit '{short(unit)}'"),
                                words(f"请写：{choices.zh}", f"write one of {choices.en}")))
        columns[key] = Heading(n, factor or 1, unit is not None)
    faults += check_headings(table, columns)
    return columns


def check_headings(table: Table, columns: dict[str, Heading]) -> list[Fault]:
    """Faults of the heading row as a whole: nothing to work with, or units told elsewhere."""
    faults = []
    if not columns.keys() & set(NEEDED):
        near = {heading: meant(compact(heading), list(ALIASES)) for heading in table.unused(columns)}
        hint = next((heading for heading, alias in near.items() if ALIASES.get(alias or "") in NEEDED), None)
        remedy = words("请至少给出其中一列", "give at least one of these columns")
        if hint:
            remedy = words(f"“{hint}”若是其中之一，请按模板命名",
                           f"if '{hint}' is one of them, name it as the template does")
        faults.append(Fault(table.place, words("没有参保人数、基金收入或基金支出",
                                               "enrolment, income and spending are missing"), remedy))
    above = [cell for row in table.grid[:table.head] for cell in row if isinstance(cell, str)]
    unitless = [key for key, heading in columns.items() if key != "year" and not heading.stated]
    told = next((cell for cell in above if UNIT_TOLD.search(cell)), None)
    if told and unitless:
        faults.append(Fault(table.column(columns[unitless[0]].n),
                            words("单位写在表头之外", "the unit stands above the heading row"),
                            words(f"请把“{short(told)}”写进各列表头的括号里",
                                  f"put '{short(told)}' into each heading it is meant for, in brackets")))
    return faults


Row = tuple[int, dict[str, float]]  # year, numbers by key


def read_rows(table: Table, columns: dict[str, Heading], faults: list[Fault]) -> list[Row]:
    """The years and their numbers, in order of year; faults are added to the list row by row."""
    rows, seen = [], {}
    width = max(n for n, cell in enumerate(table.grid[table.head]) if not is_missing(cell)) + 1
    for r, cells in enumerate(table.grid[table.head + 1:MAX_ROWS], table.head + 1):
        # A comma within a number shifts the numbers after it to the right, and the last one out of the table.
        over = next((n for n in range(width, len(cells)) if spilt(cells[n])), None)
        if over is not None:
            faults.append(Fault(table.at(r, over), words(f"“{short(cells[over])}”在表头之外",
                                                         f"'{short(cells[over])}' stands outside the headings"),
                                words("数字里的千分位逗号请去掉，或给数字加引号",
                                      "take the commas out of numbers, or quote the numbers")))
        cell = {key: cells[heading.n] if heading.n < len(cells) else None for key, heading in columns.items()}
        given = [key for key in cell if key != "year" and not is_missing(cell[key])]
        stated = cell["year"]
        if is_missing(stated) and not given:
            continue
        if isinstance(stated, str) and FOOTNOTE.match(plain(stated)) and not given:
            continue
        year = year_of(stated)
        where = table.at(r, columns["year"].n)
        if fault := check_year(stated, year, seen, where):
            faults.append(fault)
        else:
            seen[year] = r
        numbers = {}
        for key in given:
            value = number_of(cell[key], columns[key].factor)
            where = table.at(r, columns[key].n)
            if isinstance(value, Unread):
                faults.append(Fault(where, *value))
            elif value < 0 and key != "balance":
                shown = short(cell[key])
                faults.append(Fault(where, words(f"{shown} 是负数", f"{shown} is negative"),
                                    words("只有累计结余可以为负，请改正",
                                          "only the balance may be negative, put it right")))
            else:
                numbers[key] = value
        rows.append((year or 0, numbers))
    return sorted(rows, key=lambda row: row[0])


def check_year(cell: Any, year: int | None, seen: dict[int, int], where: str) -> Fault | None:
    """What is wrong with the year of a row, if anything."""
    remedy = words(f"请填写 {FIRST_YEAR} 到 {LAST_YEAR} 的四位年份",
                   f"give four digits from {FIRST_YEAR} to {LAST_YEAR}")
    if is_missing(cell):
        return Fault(where, words("缺少年份", "the year is missing"), remedy)
    if isinstance(cell, Unread):
        return Fault(where, *cell)
    if year is None:
        return Fault(where, words(f"“{short(cell)}”不是年份", f"'{short(cell)}' is not a year"), remedy)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return Fault(where, words(f"{year} 超出 {FIRST_YEAR} 到 {LAST_YEAR}",
                                  f"{year} is outside {FIRST_YEAR} to {LAST_YEAR}"), remedy)
    if year in seen:
        return Fault(where, words(f"{year} 年重复", f"the year {year} is repeated"),
                     words(f"第 {seen[year] + 1} 行已有这一年，请只保留一行",
                           f"row {seen[year] + 1} has it already; keep one of the two"))
    return None


def lay_out(rows: Sequence[Row]) -> tuple[tuple[int, ...], dict[str, np.ndarray], list[Words]]:
    """Years without gaps and an array for each quantity; years without any number at the ends are left off."""
    full = [year for year, numbers in rows if numbers]
    years = tuple(range(full[0], full[-1] + 1)) if full else ()
    values = {key: np.full(len(years), np.nan) for key in QUANTITIES}
    for year, numbers in rows:
        for key, number in numbers.items():
            values[key][year - years[0]] = number
    dropped = [year for year, _ in rows if year not in years]
    named = ", ".join(map(str, dropped))
    note = words(f"{named.replace(', ', '、')} 年没有数据，未计入。", f"{named}: no figures, left out.")
    return years, {key: frozen(array) for key, array in values.items()}, [note] if dropped else []


# ---- what the numbers say together -------------------------------------------------------------

Values = dict[str, np.ndarray]


def check_amount(years: Sequence[int], values: Values, place: str) -> list[Fault]:
    """Too few years, or none of the needed quantities."""
    full = sum(any(np.isfinite(values[key][n]) for key in QUANTITIES) for n in range(len(years)))
    if not any(np.isfinite(values[key]).any() for key in NEEDED):
        return [Fault(place, words("参保人数、基金收入、基金支出都没有数字",
                                   "enrolment, income and spending hold no number"),
                      words("请至少填写其中一列", "fill in at least one of these columns"))]
    if full < MIN_YEARS:
        have = words(f"只有 {full} 个年份有数据", f"{full} years with figures are too few" if full > 1
                     else "one year with figures is too few")
        return [Fault(place, have, words(f"至少需要 {MIN_YEARS} 年，回测需要 6 年以上",
                                         f"give at least {MIN_YEARS}, and 6 or more for a back-test"))]
    return []


def check_size(years: Sequence[int], values: Values, table: Table, columns: dict[str, Heading]) -> list[Fault]:
    """Numbers that can only be in another unit than the heading says, one fault a column."""
    def unit_fault(key: str, what: Words) -> Fault:
        choices = UNIT_WORDS[BY_KEY[key].kind][1]
        return Fault(table.column(columns[key].n), what,
                     words(f"请检查单位并写进表头，如：{choices.zh}",
                           f"check the unit and put it into the heading, such as {choices.en}"))

    enrolment = values["enrolment"]
    for n in np.flatnonzero(enrolment < MIN_ENROLMENT)[:1]:
        return [unit_fault("enrolment", words(f"{years[n]} 年只有 {enrolment[n]:,.12g} 人",  # per head would repeat it
                                              f"{years[n]} has only {enrolment[n]:,.12g} persons"))]
    faults = []
    for key, (low, high) in PER_HEAD.items():
        each = values[key] / enrolment
        for n in np.flatnonzero((each > 0) & (each < low) | (each > high))[:1]:
            faults.append(unit_fault(key, words(f"{years[n]} 年人均 {each[n]:,.3g} 元，不合情理",
                                                f"{years[n]} comes to {each[n]:,.3g} yuan a person")))
    return faults


def remarks(series: Series) -> list[Words]:
    """What is odd or short without being a fault."""
    found = []
    for key in series.lacking():
        title, count = BY_KEY[key].title, series.count(key)
        found.append(words(f"{title.zh}只有 {count} 个数字，预测至少需要 {MIN_NUMBERS} 个。",
                           f"{title.en} has {count} numbers; a forecast needs at least {MIN_NUMBERS}."))
    for key, (low, high) in RARE_PER_HEAD.items():
        each = series.per_head(key)
        odd = np.flatnonzero((each < low) | (each > high))
        if odd.size:
            year, title = series.years[odd[0]], BY_KEY[key].title
            found.append(words(f"{year} 年{title.zh}为人均 {each[odd[0]]:,.3g} 次，请检查单位。",
                               f"{year}: {title.en} come to {each[odd[0]]:,.3g} a person; check the unit."))
    values = series.values
    moved, surplus = np.diff(values["balance"]), (values["income"] - values["spending"])[1:]
    for n in np.flatnonzero(np.abs(moved - surplus) > GAP * values["income"][1:]) + 1:
        gap = moved[n - 1] - surplus[n - 1]
        found.append(words(
            f"{series.years[n]} 年累计结余的变动与收支结余相差 {gap:,.0f} 元，可能有利息或调整，也可能是误填。",
            f"{series.years[n]}: the balance moved {gap:,.0f} yuan more than income less spending; interest, a "
            f"restatement or a slip may be the reason."))
    return found
