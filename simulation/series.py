"""A fund's yearly table: what its columns mean, how it is read, and every fault in it in plain words.

The table is the one that `docs/series.md` describes. Nothing of it is run, kept or written: bytes go in,
numbers in persons, yuan and counts come out.
"""

from __future__ import annotations

import csv
import hashlib
import io
import lzma
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from pathlib import Path
from string import ascii_uppercase
from typing import Any, NamedTuple

import numpy as np

from simulation.reading import decoded
from simulation.terms import BadInput, Fault, Words, refuse, short, words
from simulation.trees import meant, nearest
from simulation.writing import harmless

FOLDER = Path(__file__).resolve().parent.parent / "data" / "series"
MAX_BYTES = 2_000_000
MAX_UNPACKED = 20_000_000  # bytes of a workbook once unpacked
MAX_PART = 1_000_000  # bytes of a part that is read whole: styles, lists of sheets
MAX_CELLS = 100_000  # of a workbook
MAX_SHEETS = 10  # of a workbook, looked at for a heading row
MAX_ROWS, MAX_COLUMNS, MAX_FAULTS = 200, 60, 20
SEEN_ROWS = 5 * MAX_ROWS  # so far a table is looked at, to say that it is too long
FIRST_YEAR, LAST_YEAR = 1980, 2100
MIN_YEARS = 3  # with a figure; fewer show no change of a change
MIN_NUMBERS = 4  # of a needed column, for a forecast
MIN_ENROLMENT = 100  # fewer insured than this is a number in another unit, not a fund
LARGEST = 1e16  # persons, yuan or counts: above what any country's fund reaches
GAP = 0.2  # of the income: how far the balance may move apart from the surplus before it is worth a note
TEMPLATE_YEARS = range(2019, 2025)
PER_HEAD = {"income": (1, 100_000), "spending": (1, 100_000)}  # yuan a person a year, refused outside
RARE_PER_HEAD = {"stays": (0.001, 2), "visits": (0.001, 100)}  # a person a year, noted outside


class Column(NamedTuple):
    """One column of the table: its name, what its numbers count, how else it may be headed."""

    key: str
    title: Words
    kind: str  # year, persons, yuan, stays or visits: which units its heading may carry
    needed: bool  # for a forecast
    help: Words
    aliases: tuple[str, ...]


COLUMNS = (
    Column("year", words("年份", "year"), "year", True,
           words("公历年度，四位数字。", "The calendar year, four digits."), (
        "年份", "年度", "年", "会计年度", "统计年度", "所属年度", "year", "years", "calendar year", "fiscal year")),
    Column("enrolment", words("参保人数", "enrolment"), "persons", True,
           words("当年参保（参合）人数。", "People insured in the year."), (
        "参保人数", "年末参保人数", "参保总人数", "实际参保人数", "参保人口", "参保", "参合人数", "参合人口",
        "参合农民", "参合农民人数", "enrolment", "enrollment", "enrolled", "enrolees", "enrollees", "insured",
        "insured persons",
        "insured people", "insured population", "persons insured", "people insured", "persons enrolled",
        "people enrolled", "members", "membership", "participants")),
    Column("income", words("基金收入", "income"), "yuan", True,
           words("基金当年收入合计：个人缴费、财政补助、利息和其他收入。",
                 "All income of the fund in the year: contributions, subsidies, interest and other."), (
        "基金收入", "收入", "总收入", "收入合计", "基金总收入", "基金收入合计", "当年收入", "本年收入", "当年基金收入",
        "本年基金收入", "筹资总额", "基金筹资总额", "当年筹资总额", "income", "fund income", "total income", "revenue",
        "fund revenue", "total revenue", "receipts", "fund receipts", "fund raised")),
    Column("spending", words("基金支出", "spending"), "yuan", True,
           words("基金当年支出合计，不是医疗总费用。",
                 "All expenditure of the fund in the year, not the patients' bills."), (
        "基金支出", "支出", "总支出", "支出合计", "基金总支出", "基金支出合计", "当年支出", "本年支出",
        "当年基金支出", "本年基金支出", "spending", "fund spending", "total spending", "expenditure", "expenditures",
        "fund expenditure", "fund expenditures", "total expenditure", "outlays")),
    Column("stays", words("住院人次", "stays"), "stays", False,
           words("当年住院（出院）人次。", "Inpatient stays of the year, counted at admission or discharge."), (
        "住院人次", "住院人次数", "住院次数", "住院例数", "住院结算人次", "住院补偿人次", "出院人次",
        "出院人数", "入院人次", "入院人数", "stays", "inpatient stays", "hospital stays", "admissions",
        "inpatient admissions",
        "hospital admissions", "discharges", "inpatient discharges", "hospital discharges", "inpatient",
        "inpatient cases", "inpatient episodes")),
    Column("visits", words("普通门诊人次", "visits"), "visits", False,
           words("当年享受待遇的普通门诊人次，不含门诊慢特病。",
                 "Ordinary outpatient visits paid for in the year, chronic and special disease left out."), (
        "普通门诊人次", "普通门诊人次数", "门诊人次", "门诊人次数", "门急诊人次", "门诊统筹人次", "门诊就诊人次",
        "门诊结算人次", "门诊补偿人次", "visits", "outpatient", "outpatient visits", "ordinary outpatient visits",
        "clinic visits")),
    Column("balance", words("累计结余", "balance"), "yuan", False,
           words("年末累计结余，可以为负数。", "What the fund holds at the end of the year; may be negative."), (
        "累计结余", "基金累计结余", "年末累计结余", "期末累计结余", "滚存结余", "基金滚存结余", "年末滚存结余",
        "期末滚存结余", "年末结余", "期末结余", "balance", "balance end", "end balance", "closing balance",
        "year end balance", "fund balance", "cumulative", "cumulative balance", "cumulative surplus",
        "accumulated balance", "accumulated surplus")),
    Column("individual_income", words("个人缴费收入", "individual income"), "yuan", False,
           words("基金收入中个人缴费的部分。", "The part of the income that insured people paid themselves."), (
        "个人缴费收入", "个人缴费", "个人缴费总额", "居民个人缴费", "居民缴费", "individual income",
        "individual contribution", "individual contributions", "personal contributions", "contribution income")),
    Column("inpatient_expense", words("住院医疗费用", "inpatient expense"), "yuan", False,
           words("住院医疗总费用，含个人负担。", "Total medical expense of the stays, the patients' part included."), (
        "住院医疗费用", "住院医疗总费用", "住院总费用", "住院费用", "inpatient expense", "inpatient expenses",
        "inpatient cost", "inpatient costs", "inpatient medical expense")),
    Column("outpatient_expense", words("普通门诊医疗费用", "outpatient expense"), "yuan", False,
           words("普通门诊医疗总费用，含个人负担。",
                 "Total medical expense of the ordinary outpatient visits, the patients' part included."), (
        "普通门诊医疗费用", "普通门诊费用", "门诊医疗费用", "门诊医疗总费用", "门诊总费用", "门诊费用",
        "outpatient expense", "outpatient expenses", "outpatient cost", "outpatient costs",
        "outpatient medical expense")),
)
BY_KEY = {column.key: column for column in COLUMNS}
QUANTITIES = tuple(column.key for column in COLUMNS if column.key != "year")
NEEDED = tuple(column.key for column in COLUMNS if column.needed and column.key != "year")

# A unit is a scale and what is counted, in either order of writing: 万元, 10k yuan, million persons, (万).
SCALES = {
    "": 1, "千": 10**3, "万": 10**4, "十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8, "十亿": 10**9,
    "thousand": 10**3, "thousands of": 10**3, "k": 10**3, "1000": 10**3, "10k": 10**4, "10 thousand": 10**4,
    "ten thousand": 10**4, "10000": 10**4, "million": 10**6, "millions of": 10**6, "m": 10**6, "mn": 10**6,
    "1000000": 10**6, "10m": 10**7, "100m": 10**8, "100 million": 10**8, "hundred million": 10**8,
    "100000000": 10**8, "billion": 10**9, "billions of": 10**9, "bn": 10**9,
}
COUNTED = {
    "persons": ("人", "名", "persons", "person", "people"),
    "yuan": ("元", "圆", "元人民币", "人民币元", "yuan", "rmb", "cny", "rmb yuan"),
    "stays": ("人次", "次", "例", "人", "stays", "admissions", "discharges", "cases", "times", "person times"),
    "visits": ("人次", "次", "例", "人", "visits", "cases", "times", "person times"),
}
UNIT_WORDS = {  # as a heading and a remedy write them: unit by itself, then the larger ones
    "year": (words("年", "year"), words("四位数字，如 2019", "four digits such as 2019")),
    "persons": (words("人", "persons"), words("人、万人", "persons, 10k persons, million persons")),
    "yuan": (words("元", "yuan"), words("元、万元、亿元", "yuan, 10k yuan, million yuan, 100m yuan")),
    "stays": (words("人次", "stays"), words("人次、万人次", "stays, 10k stays, million stays")),
    "visits": (words("人次", "visits"), words("人次、万人次", "visits, 10k visits, million visits")),
}
SHEETS = (words("年度数据", "yearly table"), words("填写说明", "how to fill in"))
EMPTY = {
    "year": words("不可留空", "no"),
    "needed": words("可缺几年；预测至少需要 4 个数字", "some years; a forecast needs 4 numbers"),
    "optional": words("可以整列留空", "yes, the whole column"),
}
GUIDE = (
    words("每年一行；年份可以改，也可以增减行。建议不少于 6 年。",
          "One row a year; change the years and add or remove rows as needed. Six years or more are best."),
    words("没有数字的格子留空，不要填 0。", "Leave a cell without a figure empty; do not write 0."),
    words("换单位时只改表头括号里的单位，如“（万元）”。",
          "To use another unit, change the one in the heading's brackets, such as (10k yuan)."),
    words("只填合计数，不要填写任何个人信息。", "Totals only; write nothing about a person."),
)
MISSING = {"", "-", "--", "—", "——", "–", "..", "...", "......", "/", "\\", "*", "n/a", "na", "nan", "null", "none",
           "缺", "缺失", "缺数据", "无", "无数据", "未统计", "未公布", "不详", "missing", "not available"}
NUMBER = re.compile(r"[+-]?(?=\.?\d)(\d{1,3}([, ]\d{3})+|\d+)?(\.\d*)?([eE][+-]?\d{1,3})?")
YEAR = re.compile(r"(\d{4})(?:\.0+)?\s*(?:年|年度)?")
UNIT_TOLD = re.compile(r"单位\s*[:：]\s*[十百千万亿]*(元|人次|人(?!民|力))|\bunits?\s*[:=]", re.IGNORECASE)
FOOTNOTE = re.compile(r"(注|备注|说明|资料来源|数据来源|note|source|remark)", re.IGNORECASE)


def compact(text: str) -> str:
    """A word as headings are compared: half-width, lower case, without spaces and joints.

    >>> compact("Fund_Income "), compact("１０ｋ　yuan")
    ('fundincome', '10kyuan')
    """
    return re.sub(r"[\s_\-–—.,'’\"“”:]+", "", unicodedata.normalize("NFKC", text).casefold())


ALIASES = {compact(alias): column.key for column in COLUMNS
           for alias in (column.key, column.title.zh, column.title.en, *column.aliases)}
FACTORS = {kind: {compact(scale + word): factor for (scale, factor), word in product(SCALES.items(), ("", *counted))}
           for kind, counted in COUNTED.items()}


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


# ---- the table to fill in ----------------------------------------------------------------------

def template(form: str, language: str) -> bytes:
    """An empty table to fill in: headings with units and six years, as the bytes of a `csv` or `xlsx` file.

    >>> template("csv", "en").decode("utf-8-sig").split(",")[:2]
    ['year', 'enrolment (persons)']
    """
    heads = [harmless(heading(column, language)) for column in COLUMNS]
    rows = [heads, *([year, *[None] * len(QUANTITIES)] for year in TEMPLATE_YEARS)]
    if form == "csv":
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(rows)
        return text.getvalue().encode("utf-8-sig")  # the mark tells a spreadsheet that it is UTF-8
    return template_workbook(rows, language)


def heading(column: Column, language: str) -> str:
    """A column's heading with its unit."""
    if column.kind == "year":
        return column.title[language]
    return words(f"{column.title.zh}（{UNIT_WORDS[column.kind][0].zh}）",
                 f"{column.title.en} ({UNIT_WORDS[column.kind][0].en})")[language]


def template_workbook(rows: Sequence[Sequence[Any]], language: str) -> bytes:
    """The empty table as a workbook, with a second sheet that explains each column."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font

    book = Workbook()
    table, guide = book.active, book.create_sheet(SHEETS[1][language])
    table.title = SHEETS[0][language]
    for row in rows:
        table.append(row)
    for row in guide_rows(language):
        guide.append([harmless(text) for text in row])
    for sheet, widths in ((table, [10] + [22] * len(QUANTITIES)), (guide, [30, 34, 30, 70])):
        for n, width in enumerate(widths):
            sheet.column_dimensions[letters(n)].width = width
        for cell in sheet[1]:
            cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
        sheet.freeze_panes = "B2"
    for cells in table.iter_rows(min_row=2, min_col=2):
        for cell in cells:
            cell.number_format = "#,##0.##"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def guide_rows(language: str) -> list[list[str]]:
    """What each column means, the units its heading may name, and whether it may stay empty."""
    head = (words("列名", "column"), words("可用单位", "units"), words("可否留空", "may it stay empty"),
            words("含义", "meaning"))
    rows = [[text[language] for text in head]]
    for column in COLUMNS:
        empty = EMPTY["year" if column.kind == "year" else "needed" if column.needed else "optional"]
        rows.append([heading(column, language), UNIT_WORDS[column.kind][1][language], empty[language],
                     column.help[language]])
    return [*rows, *([text[language]] for text in GUIDE)]


# ---- bytes into cells --------------------------------------------------------------------------

class Unread(NamedTuple):
    """A cell that holds no number a reader may take, and why."""

    what: Words
    remedy: Words


ALONE = words("请把年度表单独另存为 XLSX 或 CSV", "save the yearly table alone as XLSX or CSV")
LARGE_PARTS = ("xl/worksheets/", "xl/sharedStrings.xml", "xl/media/", "xl/embeddings/")  # not read whole, or not at all
Grid = list[list[Any]]  # rows of cells as they stand, the first row of the sheet first
FORMULA_CELL = Unread(words("公式没有保存结果", "the formula has no stored result"),
                      words("请在表格软件中打开并保存，或改为数值",
                            "open and save it in a spreadsheet, or paste the value"))
PERCENT_CELL = Unread(words("是百分数", "is a percentage"), words("请填写数量", "give the amount itself"))


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


def letters(n: int) -> str:
    """The letters of a column in a spreadsheet.

    >>> letters(0), letters(27)
    ('A', 'AB')
    """
    high, low = divmod(n, 26)
    return (ascii_uppercase[high - 1] if high else "") + ascii_uppercase[low]


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


def known_headings(row: Sequence[Any]) -> int:
    """How many declared columns a row names; none without the year.

    >>> known_headings(["Year", "Enrolment (10k persons)", "weather"]), known_headings(["income", "spending"])
    (2, 0)
    """
    keys = {split_heading(cell)[0] for cell in row if isinstance(cell, str)} - {None}
    return len(keys) if "year" in keys else 0


def sideways(row: Sequence[Any]) -> bool:
    """Whether a row is a line of years."""
    return sum(isinstance(year_of(cell), int) for cell in row) >= MIN_YEARS


def split_heading(text: str) -> tuple[str | None, str | None]:
    """The declared column a heading means, if any, and the unit it carries, if any.

    >>> split_heading("基金收入（单位：万元）"), split_heading("insured / 10k persons"), split_heading("天气")
    (('income', '万元'), ('enrolment', '10k persons'), (None, None))
    """
    text = unicodedata.normalize("NFKC", text).translate(str.maketrans("【】〔〕{}", "[][][]")).strip()
    if compact(text) in ALIASES:
        return ALIASES[compact(text)], None
    inside = re.findall(r"[(\[]([^()\[\]]*)[)\]]", text)
    name, unit = re.sub(r"[(\[][^()\[\]]*[)\]]", "", text), inside[-1] if inside else None
    if not inside:
        name, _, unit = max((text.partition(mark) for mark in "/,:"), key=lambda parts: compact(parts[0]) in ALIASES)
    unit = re.sub(r"^\s*(单位|计量单位|unit|units|in)\s*[:\s]\s*", "", unit or "", flags=re.IGNORECASE).strip()
    key = ALIASES.get(compact(name))
    return (key, unit or None) if key else (None, None)


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


# ---- cells into numbers ------------------------------------------------------------------------

def is_missing(cell: Any) -> bool:
    """Whether a cell says that there is no figure.

    >>> is_missing(" — "), is_missing("缺"), is_missing(0)
    (True, True, False)
    """
    return cell is None or isinstance(cell, str) and plain(cell).casefold() in MISSING


def plain(text: str) -> str:
    """Text as numbers are read: half-width, spaces single, without the apostrophe that marks text."""
    return " ".join(unicodedata.normalize("NFKC", text).replace("−", "-").replace("\ufeff", "").split()).lstrip("'")


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
    >>> number_of("12 %", 1).what.en
    "'12 %' is a percentage"
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
