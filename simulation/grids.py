"""The bytes of a CSV or XLSX file into cells, bounded before anything is unpacked or read."""

from __future__ import annotations

import csv
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from simulation.cells import FORMULA_CELL, PERCENT_CELL, Grid
from simulation.columns import known_headings
from simulation.reading import decoded
from simulation.terms import BadInput, refuse, words

MAX_BYTES = 2_000_000
MAX_UNPACKED = 20_000_000  # bytes of a workbook once unpacked
MAX_PART = 1_000_000  # bytes of a part that is read whole: styles, lists of sheets
MAX_CELLS = 100_000  # of a workbook
MAX_SHEETS = 10  # of a workbook, looked at for a heading row
MAX_ROWS, MAX_COLUMNS = 200, 60  # of a table
SEEN_ROWS = 5 * MAX_ROWS  # so far a table is looked at, to say that it is too long
ALONE = words("请把年度表单独另存为 XLSX 或 CSV", "save the yearly table alone as XLSX or CSV")
LARGE_PARTS = ("xl/worksheets/", "xl/sharedStrings.xml", "xl/media/", "xl/embeddings/")  # not read whole, or not at all


def grids(content: bytes, place: str) -> Iterable[Grid]:
    """The sheets of a file, told apart by its content and not by its name."""
    if content.startswith(b"PK"):
        return workbook_grids(content, place)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise refuse(place, words("是旧版或加密的 Excel 文件", "is an old or encrypted Excel file"),
                     words("请去掉密码并另存为 XLSX 或 CSV", "take off the password and save it as XLSX or CSV"))
    return text_grids(text_of(content, place), place)


def text_of(content: bytes, place: str) -> str:
    """The text of a CSV file, if it is a table at all."""
    text = decoded(content, place, MAX_BYTES)
    if not text.strip():
        raise refuse(place, words("文件是空的", "the file is empty"), words("请使用模板填写", "fill in the template"))
    if text.lstrip().startswith("<"):
        raise refuse(place, words("是网页或 XML，不是表格", "is a web page or XML, not a table"),
                     words("请另存为 CSV 或 XLSX", "save it as CSV or XLSX"))
    return text


def text_grids(text: str, place: str) -> list[Grid]:
    """The table of a text, split by the separator that shows the most known headings."""
    split = [text_grid(text, separator) for separator in ",;\t，；"]
    grid, broken = max(split, key=lambda found: max(map(known_headings, found[0]), default=0))
    if broken:
        raise refuse(f"{place}: line {broken}", words("引号没有配对，或一格过长",
                                                       "the quotation marks do not match, or a cell is too long"),
                     words("请检查这一行的引号", "check the quotation marks of this line"))
    return [grid]


def text_grid(text: str, separator: str) -> tuple[Grid, int | None]:
    """The rows of a text up to the first one that cannot be split, and that one's line."""
    reader, grid = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), []
    try:
        for row in reader:
            grid.append(row[:MAX_COLUMNS])
            if len(grid) == SEEN_ROWS:
                break
    except csv.Error:
        return grid, reader.line_num
    return grid, None


def workbook_grids(content: bytes, place: str) -> Iterator[Grid]:
    """The sheets of a workbook one by one, after its own list of parts says that it is small and plain."""
    from openpyxl import load_workbook  # only who brings a workbook waits for its reader

    formulas = check_parts(content, place)
    try:
        books = [load_workbook(io.BytesIO(content), read_only=True, data_only=stored, keep_links=False)
                 for stored in ((True, False) if formulas else (True,))]
        for sheets in zip(*(book.worksheets[:MAX_SHEETS] for book in books), strict=True):
            yield sheet_grid(*sheets)
    except Exception:  # a damaged workbook breaks its reader in any way it likes; none of them helps a user
        raise damaged(place) from None


def check_parts(content: bytes, place: str) -> bool:
    """Refuse a workbook that is large once unpacked or holds entities; else say whether it has formulas."""
    size, texts = unpacked(content)
    if size is None:
        raise damaged(place)
    if size > MAX_UNPACKED:
        raise refuse(place, words("解压后超过 20 MB", "unpacks to more than 20 MB"), ALONE)
    if "xl/workbook.xml" not in texts:
        raise refuse(place, words("不是 XLSX 工作簿", "is not an XLSX workbook"),
                     words("请另存为 XLSX 或 CSV", "save it as XLSX or CSV"))
    if any(b"<!DOCTYPE" in text or b"<!ENTITY" in text for text in texts.values()):
        raise refuse(place, words("工作簿含有实体定义", "the workbook defines entities"),
                     words("请在表格软件中重新保存", "save it anew in a spreadsheet"))
    # Counted before the reader starts: a few kilobytes of a zip can keep it busy for minutes.
    many = (sum(len(re.findall(rb"<(?:\w+:)?c[ >/]", text)) for text in texts.values()) > MAX_CELLS
            or len(re.findall(rb"<(?:\w+:)?sheet\s", texts["xl/workbook.xml"])) > MAX_ROWS
            or any(len(text) > MAX_PART for name, text in texts.items() if not name.startswith(LARGE_PARTS)))
    if many:
        raise refuse(place, words("单元格、工作表或格式过多", "the workbook has too many cells, sheets or formats"),
                     ALONE)
    return any(re.search(rb"<(?:\w+:)?f[ >/]", text) for text in texts.values())


def unpacked(content: bytes) -> tuple[int | None, dict[str, bytes]]:
    """The size a workbook says it unpacks to, and its parts if that is small; no size where it is damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            size = sum(part.file_size for part in parts.infolist())
            if size > MAX_UNPACKED:
                return size, {}
            # Without null bytes, so that text in UTF-16 is searched as well.
            return size, {name: parts.read(name).replace(b"\0", b"") for name in parts.namelist()}
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, OSError, EOFError,
            ValueError):
        return None, {}


def damaged(place: str) -> BadInput:
    """The refusal of a workbook that cannot be opened."""
    return refuse(place, words("工作簿已损坏", "the workbook is damaged"),
                  words("请重新保存，或另存为 CSV", "save it again, or save it as CSV"))


def sheet_grid(sheet: Any, formulas: Any = None) -> Grid:
    """The stored values of a sheet; formulas are looked at only to tell an unsaved result from an empty cell."""
    bounds = {"min_row": 1, "max_row": SEEN_ROWS, "min_col": 1, "max_col": MAX_COLUMNS}
    grid = [[PERCENT_CELL if isinstance(cell.value, int | float) and "%" in (cell.number_format or "") else cell.value
             for cell in row] for row in sheet.iter_rows(**bounds)]
    if formulas:
        for row, written in zip(grid, formulas.iter_rows(**bounds, values_only=True), strict=False):
            for n, cell in enumerate(written):
                if row[n] is None and isinstance(cell, str) and cell.startswith("="):
                    row[n] = FORMULA_CELL
    return grid
