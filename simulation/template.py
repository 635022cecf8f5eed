"""The yearly table to fill in: headings with units, and what each column means."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from simulation.cells import letters
from simulation.columns import COLUMNS, QUANTITIES, UNIT_WORDS, heading
from simulation.terms import words
from simulation.writing import harmless

TEMPLATE_YEARS = range(2019, 2025)
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
