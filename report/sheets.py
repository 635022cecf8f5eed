"""A frame as a file: CSV, Parquet or a workbook, with a dictionary of what each column holds.

Names, units and definitions are read where they are declared: the register of columns, the quantities of a run, the
table of outputs in METHODS. Every file names the runs that its figures rest on: a CSV file in lines that begin with #,
the others beside the dictionary.
"""

from __future__ import annotations

import csv as lines_of
import io
import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import pandas as pd

from report.columns import made_as
from report.tables import FORMS, Drawn
from report.text import say, unit_text
from simulation.reference import chapters, methods
from simulation.results import ALONG, EVENTS, MORE, QUANTITIES
from simulation.terms import LANGUAGES, Words, words
from simulation.writing import disarmed, harmless

MIME = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
AS_BEFORE = ("同上", "the same")  # in a table of METHODS: the numerator of the row above
DATA, DICTIONARY = "数据 data", "数据字典 dictionary"  # the sheets of a workbook
COLUMNS = ("代码 code", "名称 name", "单位 unit", "含义和算法", "what it is and how it is made")
FACTS = {"scenario": words("来源情景", "source scenario"), "fingerprint": words("指纹", "fingerprint"),
         "draws": words("模拟次数", "draws"), "seed": words("随机种子", "seed"), "engine": words("引擎", "engine"),
         "model": words("模型版本", "model version"), "view": words("视图链接", "link to the view"),
         "rests": words("依据", "rests on"), "runs": words("运行次数", "runs")}
WIDEST = 44  # letters a column of a workbook takes at most
UNIT = re.compile(r"[（(]([^（()）]*)[)）]$")
BREAKS = re.compile(r"[\s,;]+")  # what would begin a new cell or line in a CSV file
CHANGE = re.compile(r"[+-]\d[\d.,]*%? [^=@|!'\"]+")  # a signed figure in words: no formula
FORM = re.compile(r"%(\+?)(,?)(?:\.(\d+))?([dfg])")


class Entry(NamedTuple):
    """A line of the dictionary."""

    code: str
    name: str
    unit: str
    made: Words


def sheet(drawn: Drawn, form: str, title: str = "", facts: Mapping[str, Any] = {}, name: str = "") -> bytes:
    """A frame as the bytes of a `csv`, `parquet` or `xlsx` file; `facts` add to those of the run it comes from.

    `name` is that of the file in the register of columns.

    >>> drawn = Drawn(pd.DataFrame({"year": [2026], "income": [1.5]}), {"year": "Year", "income": "Income (m yuan)"})
    >>> sheet(drawn, "csv").decode("utf-8-sig").splitlines()
    ['Year,Income (m yuan)', '2026,1.5']
    """
    facts = {**drawn.facts, **facts}
    if form == "csv":
        return csv(drawn, facts)
    if form == "parquet":
        return parquet(drawn.frame, dictionary(drawn, name), {"title": title, **facts})
    return workbook(drawn, title, facts, name)


def csv(drawn: Drawn, facts: Mapping[str, Any] = {}) -> bytes:
    """The frame as a file that a spreadsheet opens in any language, and where no text acts as a formula.

    Facts stand above it in lines that begin with #, as `read_csv(comment="#")` skips them; text is then in quotes, so
    that no # in it is taken for one.

    >>> drawn = Drawn(pd.DataFrame({"year": [2026]}), {"year": "Year"})
    >>> csv(drawn, {"seed": 1}).decode("utf-8-sig").splitlines()
    ['# 随机种子 seed: 1', '"Year"', '2026']
    """
    frame = disarmed(drawn.frame.rename(columns=drawn.heads))
    above = "".join(f"# {BREAKS.sub(' ', f'{head}: {value}')}\r\n" for head, value in told("", facts))
    quoting = lines_of.QUOTE_NONNUMERIC if facts else lines_of.QUOTE_MINIMAL
    return (above + frame.to_csv(index=False, lineterminator="\r\n", quoting=quoting)).encode("utf-8-sig")


# --- the dictionary ---------------------------------------------------------------------------------

def dictionary(drawn: Drawn, file: str = "") -> list[Entry]:
    """What each column of a frame holds: its code, its name and unit as shown, and how it is made."""
    return [entry(name, drawn, file) for name in drawn.frame.columns]


def entry(name: Any, drawn: Drawn, file: str = "") -> Entry:
    """One column; a fraction stands as such in the file, whatever a screen shows."""
    head = drawn.heads.get(name, str(name))
    found = UNIT.search(head)
    if found:
        unit = found[1]
    elif pd.api.types.is_numeric_dtype(drawn.frame[name]) and form_of(name, drawn) == FORMS["share"]:
        unit = " ".join(unit_text("share", language) for language in LANGUAGES)
    else:
        unit = ""
    return Entry(str(name), head, unit, made(str(name), drawn, file) or words(head, head))


def made(code: str, drawn: Drawn, file: str) -> Words | None:
    """How a column is made: of which quantity, and which statistic of it."""
    quantity = meaning(code) if drawn.statistic else meaning(drawn.of)
    part = made_as(file, drawn.statistic if quantity and drawn.statistic else code)
    if quantity and part and code != "year":
        return words(f"{quantity.zh}；{part.zh}", f"{quantity.en}; {part.en}")
    return part or meaning(code)


def meaning(code: str) -> Words | None:
    """What a quantity or event of the model stands for and how it is made, in both languages; nothing for other names.

    >>> meaning("take_up").en, meaning("p_deficit_se").en
    ('Take-up: insured ÷ residents entitled to join', 'Chance of a deficit in the year: standard error (share)')
    """
    if code.endswith("_se") and (event := meaning(code.removesuffix("_se"))):
        return words(*(say(language, "column.se", what=event[language]) for language in LANGUAGES))
    declared = {name: title for name, (title, *_) in (ALONG | MORE | QUANTITIES).items()} | EVENTS
    if title := declared.get(code):
        how = {language: outputs(language).get(code) for language in LANGUAGES}
        return words(f"{title.zh}：{how['zh']}" if how["zh"] else title.zh,
                     f"{title.en}: {how['en']}" if how["en"] else title.en)
    return None


@lru_cache
def outputs(language: str) -> dict[str, str]:
    """How each ratio of a run is made, by its code: the table of outputs in METHODS, which a reader holds true.

    >>> outputs("en")["balance_ratio"]
    'balance at the end ÷ income of the year'
    """
    told = next(part.body for part in chapters(methods(language))[1] if part.anchor == "outputs")
    found, above = {}, ""
    for names, over, under in re.findall(r"^\| (`.*`) \| (.+) \| (.+) \|$", told, re.MULTILINE):
        above, codes = above if over in AS_BEFORE else over, re.findall(r"`(\w+)`", names)
        wholes = re.split("[;；] ?", under) if len(codes) > 1 else [under]
        found |= {code: f"{above} ÷ {whole}" for code, whole in zip(codes, wholes, strict=True)}
    return found


# --- Parquet ----------------------------------------------------------------------------------------

def parquet(frame: pd.DataFrame, lines: Iterable[Entry], facts: Mapping[str, Any]) -> bytes:
    """A frame with typed columns under their codes; names, units and definitions stand beside each field."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = frame.rename(columns=str)
    for name in frame.columns:
        if pd.api.types.is_object_dtype(frame[name]):  # a column of more than one kind is a column of words
            frame[name] = [None if pd.isna(cell) else str(cell) for cell in frame[name]]
    table = pa.Table.from_pandas(frame, preserve_index=False)
    fields = [field.with_metadata({"name": line.name, "unit": line.unit, "definition_zh": line.made.zh,
                                   "definition_en": line.made.en})
              for field, line in zip(table.schema, lines, strict=True)]
    about = {name.encode(): str(value).encode() for name, value in facts.items()}
    file = io.BytesIO()
    pq.write_table(table.cast(pa.schema(fields, {**table.schema.metadata, **about})), file)
    return file.getvalue()


# --- workbooks --------------------------------------------------------------------------------------

def workbook(drawn: Drawn, title: str, facts: Mapping[str, Any], name: str = "") -> bytes:
    """The frame as a workbook: figures as figures under frozen headings, and a second sheet, the dictionary."""
    from openpyxl import Workbook

    book = Workbook()
    data = book.active
    data.title = DATA
    data.append([cell_of(drawn.heads.get(name, str(name))) for name in drawn.frame.columns])
    for row in drawn.frame.itertuples(index=False):
        data.append([cell_of(value) for value in row])
    for cells, code in zip(data.iter_cols(min_row=2), drawn.frame.columns, strict=True):
        for cell in cells if pd.api.types.is_numeric_dtype(drawn.frame[code]) else ():
            cell.number_format = number_format(form_of(code, drawn))
    laid_out(data, "B2" if drawn.frame.columns[0] == "year" else "A2")
    return explained(book, dictionary(drawn, name), title, facts)


def explained(book: Any, lines: Iterable[Entry], title: str = "", facts: Mapping[str, Any] = {}) -> bytes:
    """A workbook as bytes, with the dictionary as its last sheet and what was run under it."""
    guide = book.create_sheet(DICTIONARY)
    guide.append(list(COLUMNS))
    for line in lines:
        guide.append([cell_of(text) for text in (line.code, line.name, line.unit, line.made.zh, line.made.en)])
    guide.append([])
    for head, value in told(title, facts):
        guide.append([cell_of(head), cell_of(value)])
    laid_out(guide, "A2")
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def told(title: str, facts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The title and the facts of the runs under their names; one of several runs is named behind the fact."""
    named = []
    for name, value in facts.items():
        fact, _, run = name.partition(" ")
        head = f"{FACTS[fact].zh} {FACTS[fact].en}" if fact in FACTS else fact
        named.append((f"{head}: {run}" if run else head, value))
    return [("标题 title", title), *named] if title else named


def laid_out(page: Any, corner: str) -> None:
    """Headings in bold that stay in sight, columns as wide as what they hold; `corner` is the first cell that moves."""
    from openpyxl.styles import Alignment, Font

    page.freeze_panes = corner
    for column in page.iter_cols():
        widest = max(breadth(cell.value) for cell in column[1:]) if len(column) > 1 else 0
        head = column[0]
        head.font, head.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
        page.column_dimensions[head.column_letter].width = min(max(widest, min(breadth(head.value), 22), 8) + 2, WIDEST)


def breadth(value: Any) -> int:
    """How many letters wide a cell is; a Chinese character is as wide as two, and a figure is shown short."""
    if isinstance(value, int | float):
        return min(len(f"{value:,.1f}"), 20)
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in str(value or ""))


def cell_of(value: Any) -> Any:
    """A value as a workbook can hold it: no formula, no unseen control character, nothing where there is no figure.

    >>> cell_of("=1+1"), cell_of("+1.5 pp"), cell_of(float("nan")), cell_of(2.5)
    ("'=1+1", '+1.5 pp', None, 2.5)
    """
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if value is None or value is pd.NA or value is pd.NaT:
        return None
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, int | float):
        return value
    text = ILLEGAL_CHARACTERS_RE.sub("", str(value))
    return text if CHANGE.fullmatch(text) else harmless(text)


def form_of(name: Any, drawn: Drawn) -> str:
    """How a table shows a column: a year as a year, a figure of which nothing is said as a percentage."""
    return {"year": FORMS["year"], **drawn.forms}.get(name, FORMS["share"])


def number_format(form: str) -> str:
    """A workbook's format for how a table shows a column.

    >>> number_format("percent"), number_format("%,.1f"), number_format("%d"), number_format("%+.1f")
    ('0.0%', '#,##0.0', '0', '+0.0;-0.0;0.0')
    """
    if form == "percent":
        return "0.0%"
    found = FORM.fullmatch(form)
    if not found or found[4] == "g":
        return "General"
    sign, comma, places, _ = found.groups()
    digits = ("#,##0" if comma else "0") + (f".{'0' * int(places)}" if int(places or 0) else "")
    return f"+{digits};-{digits};{digits}" if sign else digits
