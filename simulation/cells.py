"""What a cell of a yearly table says: a number, a year, nothing, or why it cannot be read."""

from __future__ import annotations

import re
from decimal import Decimal
from string import ascii_uppercase
from typing import Any, NamedTuple

from simulation.reading import half_width
from simulation.terms import Words, short, words

LARGEST = 1e16  # persons, yuan or counts: above what any country's fund reaches
MISSING = {"", "-", "--", "—", "——", "–", "..", "...", "......", "/", "\\", "*", "n/a", "na", "nan", "null", "none",
           "缺", "缺失", "缺数据", "无", "无数据", "未统计", "未公布", "不详", "missing", "not available"}
NUMBER = re.compile(r"[+-]?(?=\.?\d)(\d{1,3}([, ]\d{3})+|\d+)?(\.\d*)?([eE][+-]?\d{1,3})?")
YEAR = re.compile(r"(\d{4})(?:\.0+)?\s*(?:年|年度)?")


class Unread(NamedTuple):
    """A cell that holds no number a reader may take, and why."""

    what: Words
    remedy: Words


Grid = list[list[Any]]  # rows of cells as they stand, the first row of the sheet first
FORMULA_CELL = Unread(words("公式没有保存结果", "the formula has no stored result"),
                      words("请在表格软件中打开并保存，或改为数值",
                            "open and save it in a spreadsheet, or paste the value"))
PERCENT_CELL = Unread(words("是百分数", "is a percentage"), words("请填写数量", "give the amount itself"))


def letters(n: int) -> str:
    """The letters of a column in a spreadsheet.

    >>> letters(0), letters(27)
    ('A', 'AB')
    """
    high, low = divmod(n, 26)
    return (ascii_uppercase[high - 1] if high else "") + ascii_uppercase[low]


def is_missing(cell: Any) -> bool:
    """Whether a cell says that there is no figure.

    >>> is_missing(" — "), is_missing("缺"), is_missing(0)
    (True, True, False)
    """
    return cell is None or isinstance(cell, str) and plain(cell).casefold() in MISSING


def plain(text: str) -> str:
    """Text as numbers are read: half-width, spaces single, without the apostrophe that marks text."""
    return " ".join(half_width(text).replace("−", "-").replace("\ufeff", "").split()).lstrip("'")


def year_of(cell: Any) -> int | None:
    """The year a cell names, if it names one; whether it is a sensible year is not asked here.

    >>> year_of("２０１９年"), year_of(2020.0), year_of("19")
    (2019, 2020, None)
    """
    if isinstance(cell, str):
        found = YEAR.fullmatch(plain(cell))
        return int(found[1]) if found else None
    whole = isinstance(cell, int | float) and not isinstance(cell, bool) and cell == cell // 1
    return int(cell) if whole and 1000 <= cell <= 9999 else None


def number_of(cell: Any, factor: int) -> float | Unread:
    """The number of a cell times its unit, or why there is none; never a missing cell.

    >>> number_of("1,234.5", 10_000), number_of("１２ 345", 1)
    (12345000.0, 12345.0)
    >>> number_of("12 %", 1).what.en, number_of("20①", 1).what.en
    ("'12 %' is a percentage", "'20①' is not a number")
    """
    if isinstance(cell, Unread):
        return cell
    text = plain(cell) if isinstance(cell, str) else repr(cell)
    shown = short(cell)
    if isinstance(cell, str) and "%" in text:
        return Unread(words(f"“{shown}”是百分数", f"'{shown}' is a percentage"), PERCENT_CELL.remedy)
    if not NUMBER.fullmatch(text):
        return Unread(words(f"“{shown}”不是数字", f"'{shown}' is not a number"),
                      words("请填写数字，单位写在表头；没有数据请留空",
                            "give a number, its unit in the heading; leave the cell empty if there is none"))
    value = float(Decimal(text.replace(",", "").replace(" ", "")) * factor)  # exact, as 0.1 times 10,000 is
    if abs(value) >= LARGEST:
        return Unread(words(f"“{shown}”过大", f"'{shown}' is too large"),
                      words("请检查数字和单位", "check the number and unit"))
    return value


def spilt(cell: Any) -> bool:
    """Whether a cell outside the headings holds a number, and not a remark."""
    return not is_missing(cell) and isinstance(number_of(cell, 1), float)
