"""A paper as a workbook: its text on the first sheet, then the frame of every table and chart, figures as figures."""

from __future__ import annotations

import io

from report.paper import Brief, heads, lines, numeric, tables
from report.sheets import MIME as KINDS
from report.sheets import cell_of, form_of, laid_out, number_format

MIME = KINDS["xlsx"]
LONGEST = 31  # letters of a sheet's name
BARRED = str.maketrans("[]:*?/\\'", "        ")


def book(paper: Brief) -> bytes:
    """The paper as the bytes of an .xlsx file."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font

    made = Workbook()
    front = made.active
    front.title = titled(0, " ".join(paper.title))
    for line in lines(paper):
        front.append([cell_of(line)])
    front.column_dimensions["A"].width = 100
    for (cell,) in front.iter_rows():
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    for (cell,) in front.iter_rows(max_row=len(paper.title)):
        cell.font = Font(bold=True)
    for n, (caption, drawn) in enumerate(tables(paper), 1):
        sheet = made.create_sheet(titled(n, caption))
        sheet.append([cell_of(head) for head in heads(drawn)])
        for row in drawn.frame.itertuples(index=False):
            sheet.append([cell_of(value) for value in row])
        for cells, name, figures in zip(sheet.iter_cols(min_row=2), drawn.frame.columns, numeric(drawn), strict=True):
            for cell in cells if figures else ():
                cell.number_format = number_format(form_of(name, drawn))
        laid_out(sheet, "B2" if drawn.frame.columns[0] == "year" else "A2")
        sheet.oddHeader.center.text = cell_of(caption).replace("&", "&&")
        sheet.append([])
        sheet.append([cell_of(caption)])
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def titled(n: int, caption: str) -> str:
    """The name of a sheet: its number, and as much of a caption as a workbook takes.

    >>> titled(2, "Table 1. Income / expenditure of the fund by year")
    '2 Table 1. Income expenditure o'
    """
    return " ".join(f"{n} {caption}".translate(BARRED).split())[:LONGEST].rstrip()
