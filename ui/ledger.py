"""The yearly settlement of a fund as bureaus keep it: on the screen, in a file, in a workbook, and by item."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from report.sheets import Entry, explained, harmless, meaning
from report.studies import Study
from report.tables import FORMS, Drawn, tier_name
from report.text import say, unit_text
from simulation.measures import SECTIONS
from simulation.scenario import Scenario
from simulation.terms import words

LEDGER = {"zh": (1e4, "wan_yuan"), "en": (1e6, "million_yuan")}  # in what a settlement is kept, whatever its size
TOTALS = ("income", "expenditure", "surplus", "balance_end")
PLACES = {"share": 1, "months": 1, "persons": 0, "visits": 0, "stays": 0}  # decimals of what is no money
LARGE = 10_000  # in the ledger's unit: from here on money has no decimals
NOTHING = 1e-3  # yuan, or the unit of what is no money


def sheet(settled: pd.DataFrame, language: str, everything: bool) -> Drawn:
    """The settlement in the unit bureaus keep it in, a row an item and a column a year; shares in per cent.

    Without `everything`, items that are nothing in every year are left out.
    """
    years = [column for column in settled.columns if isinstance(column, int)]
    divisor, unit = LEDGER[language]
    frame = settled.copy()
    if not everything:
        frame = frame[(frame[years].abs() > NOTHING).any(axis=1) | frame["item"].isin(TOTALS)]
    is_money = frame["unit"].isin(("yuan", "yuan_year"))
    is_share = frame["unit"] == "share"
    frame[years] = frame[years].div(is_money.map({True: divisor, False: 1.0}) / is_share.map({True: 100, False: 1}),
                                    axis=0)
    frame["title"] = frame[f"title_{language}"]
    frame["section"] = [SECTIONS[name][language] for name in frame["section"]]
    decimals = 0 if frame.loc[is_money, years].abs().max(axis=None) >= LARGE else 1
    frame["digits"] = [PLACES.get(name, decimals) for name in frame["unit"]]
    frame["unit"] = [say(language, f"unit.{unit}") if money else "%" if share else unit_text(name, language)
                     for name, money, share in zip(frame["unit"], is_money, is_share, strict=True)]
    columns = ["section", "item", "title", "unit", "digits", *years]
    heads = {name: say(language, f"account.column.{name}") for name in ("section", "item", "title", "unit", "digits")}
    return Drawn(frame[columns].reset_index(drop=True), heads | {year: str(year) for year in years})


def filed(drawn: Drawn) -> Drawn:
    """The settlement for a file: without what only the screen needs."""
    frame = drawn.frame.drop(columns=["item", "digits"])
    return Drawn(frame, {name: drawn.heads[name] for name in frame.columns},
                 {name: FORMS["number"] for name in frame.columns if isinstance(name, int)})


def printed(drawn: Drawn, language: str) -> pd.io.formats.style.Styler:
    """The settlement for the screen: each section under its name, totals in bold, figures as people write them.

    The unit of money stands above the table, any other behind the item.
    """
    years = [name for name in drawn.frame.columns if isinstance(name, int)]
    rows, digits, heavy, section = [], [], [], None
    for item in drawn.frame.to_dict("records"):
        if item["section"] != section:
            section = item["section"]
            rows.append([section, *[None] * len(years)])
            digits.append(0)
            heavy.append(True)
        rows.append([titled(item, language), *(item[year] for year in years)])
        digits.append(item["digits"])
        heavy.append(item["item"] in TOTALS)
    names = list(map(str, years))
    frame = pd.DataFrame(rows, columns=[drawn.heads["title"], *names]).astype(
        dict.fromkeys(names, float))
    weights = [["font-weight: 700" if bold else ""] * len(frame.columns) for bold in heavy]
    style = frame.style.apply(lambda _: np.array(weights), axis=None)
    for places in set(digits):
        part = pd.IndexSlice[[n for n, own in enumerate(digits) if own == places], names]
        style = style.format(lambda value, places=places: number(value, places), subset=part, na_rep="")
    return style


def titled(item: Mapping[str, Any], language: str) -> str:
    """An item's title, with its unit where that is not the table's unit of money, or months, as the title says."""
    if item["unit"] in (say(language, f"unit.{LEDGER[language][1]}"), unit_text("months", language)):
        return item["title"]
    return say(language, "column.share", what=item["title"], unit=item["unit"])


def widths(drawn: Drawn, language: str) -> dict[str, int]:
    """The pixels each column of the screen takes: two letters' width for a Chinese character, half for a point."""
    frame = drawn.frame
    letters = lambda text: sum(2 if ord(letter) > 0x2E80 else 0.5 if letter in ",. " else 1 for letter in text)  # noqa: E731
    pixels = lambda texts: 17 + math.ceil(7 * max(map(letters, texts)))  # noqa: E731
    years = [name for name in frame.columns if isinstance(name, int)]
    figures = [number(value, digits) for year in years
               for value, digits in zip(frame[year], frame["digits"], strict=True)]
    return {drawn.heads["title"]: pixels([titled(item, language) for item in frame.to_dict("records")]),
            **dict.fromkeys(map(str, years), pixels(figures))}


def number(value: float, digits: int) -> str:
    """A figure of the settlement; what rounds to nothing has no sign.

    >>> number(-1234.56, 1), number(-0.01, 1)
    ('−1,234.6', '0.0')
    """
    text = f"{value:,.{digits}f}"
    return (text.removeprefix("-") if not text.strip("-0.,") else text).replace("-", "−")


def flows(settled: pd.DataFrame, section: str, language: str) -> tuple[Drawn, dict[str, str], str]:
    """Items of income or of expenditure by year that are not nothing, a column an item; their names and the unit."""
    years = [column for column in settled.columns if isinstance(column, int)]
    part = settled[(settled["section"] == section) & ~settled["item"].isin(TOTALS)]
    part = part[(part[years].abs() > NOTHING).any(axis=1)]
    divisor, unit = LEDGER[language]
    names = dict(zip(part["item"], part[f"title_{language}"], strict=True))
    frame = pd.DataFrame({"year": years} | {row["item"]: [row[year] / divisor for year in years]
                                            for row in part.to_dict("records")})
    unit = say(language, f"unit.{unit}")
    heads = {item: say(language, "column.share", what=name, unit=unit) for item, name in names.items()}
    drawn = Drawn(frame, {"year": say(language, "column.year")} | heads, dict.fromkeys(names, FORMS["yuan"]))
    return drawn, names, unit


def by_year(frame: pd.DataFrame, axis: str, value: str, names: Mapping[str, str], unit: str, language: str,
            form: str) -> Drawn:
    """A tidy frame spread over its axis: a row a year and a column a member."""
    wide = frame.pivot(index="year", columns=axis, values=value)[list(names)]
    heads = {name: say(language, "column.share", what=title, unit=unit) for name, title in names.items()}
    return Drawn(wide.reset_index().rename_axis(columns=None), {"year": say(language, "column.year")} | heads,
                 dict.fromkeys(names, form))


def margins(study: Study, scenario: Scenario, language: str) -> tuple[Drawn, dict[str, str], str]:
    """Providers' margin by tier and year; the tiers' names and the unit."""
    divisor, phrase = LEDGER[language]
    unit = say(language, f"unit.{phrase}")
    names = {tier: tier_name(scenario, tier, language) for tier in scenario.axes.tier}
    frame = study.margins.assign(amount=study.margins["amount"] / divisor)
    return by_year(frame, "tier", "amount", names, unit, language, FORMS["yuan"]), names, unit


def workbook(drawn: Drawn, notes: list[str]) -> bytes:
    """The settlement as an Excel file: figures as figures, totals in bold, what was run under the table.

    A second sheet says what each item is.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill

    book = Workbook()
    sheet = book.active
    years = [name for name in drawn.frame.columns if isinstance(name, int)]
    sheet.append([harmless(drawn.heads["title"]), drawn.heads["unit"], *years])
    bold, band = Font(bold=True), PatternFill("solid", fgColor="F1F5F9")
    section = None
    for item in drawn.frame.to_dict("records"):
        if item["section"] != section:
            section = item["section"]
            sheet.append([section])
            for cell in sheet[sheet.max_row]:
                cell.font, cell.fill = bold, band
        sheet.append([harmless(item["title"]), item["unit"], *(float(item[year]) for year in years)])
        for cell in sheet[sheet.max_row][2:]:
            cell.number_format = "#,##0" + (".0" if item["digits"] else "")
        if item["item"] in TOTALS:
            for cell in sheet[sheet.max_row]:
                cell.font = bold
    for cell in sheet[1]:
        cell.font, cell.alignment = bold, Alignment(horizontal="right" if cell.column > 2 else "left")
    sheet.append([])
    for note in notes:
        sheet.append([harmless(note)])
    sheet.freeze_panes = "C2"
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 34, 14
    for n in range(len(years)):
        sheet.column_dimensions[sheet.cell(1, n + 3).column_letter].width = 13
    return explained(book, (Entry(item["item"], item["title"], item["unit"],
                                  meaning(item["item"].partition(".")[0]) or words(item["title"], item["title"]))
                            for item in drawn.frame.to_dict("records")))
