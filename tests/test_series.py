"""A fund's yearly table: what is read, what is refused and where, the template, and the bundled series."""
import csv
import hashlib
import io
import re
import time
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from simulation.columns import ALIASES, COLUMNS, NEEDED, QUANTITIES, UNIT_WORDS, compact, heading, split_heading
from simulation.reading import read_yaml
from simulation.series import bundled, bundled_as, load_series, read_series
from simulation.template import template
from simulation.terms import LANGUAGES, BadInput
from simulation.writing import FORMULA, harmless

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
DESCRIBED = {entry["path"]: entry for entry in read_yaml((DATA / "sources.yaml").read_text(encoding="utf-8"),
                                                         "sources.yaml")["series"]}
CHINESE = re.compile("[\u4e00-\u9fff]")
# A county of 300,000 that takes in 800 yuan a person and spends 750: round numbers that no check minds.
YEARS = range(2017, 2023)
PLAIN = [["year", "enrolment", "income", "spending", "stays", "visits", "balance"],
         *[[year, 300_000, 240_000_000, 225_000_000, 45_000, 510_000, 15_000_000 * (n + 1)]
           for n, year in enumerate(YEARS)]]


def as_csv(rows, separator=",", encoding="utf-8"):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue().encode(encoding)


def as_xlsx(*sheets):
    book = Workbook()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def part_changed(content, part, change):
    """A workbook with one of its parts rewritten."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        assert part in old.namelist()
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return file.getvalue()


def changed(row, column, value, rows=PLAIN):
    """The plain table with one cell changed; rows and columns count from 0."""
    rows = [list(cells) for cells in rows]
    rows[row][column] = value
    return rows


def refused(content, place="fund.csv"):
    """The faults of a table that must be refused, each told in both languages on one line."""
    with pytest.raises(BadInput) as caught:
        read_series(content, place)
    for fault in caught.value.faults:
        assert fault.place.startswith(place)
        assert CHINESE.search(fault.what.zh) and CHINESE.search(fault.remedy.zh)
        assert fault.what.en and fault.remedy.en
        assert "\n" not in fault.sentence("zh") + fault.sentence("en")
    return caught.value.faults


def same_numbers(a, b):
    assert a.years == b.years
    for key in QUANTITIES:
        np.testing.assert_array_equal(a.values[key], b.values[key])


# ---- what is read ------------------------------------------------------------------------------

def test_a_plain_table_is_read_as_it_stands():
    series = read_series(as_csv(PLAIN), "fund.csv")
    assert series.name == "fund" and series.years == tuple(YEARS)
    assert set(series.values) == set(QUANTITIES)
    assert series.values["visits"].tolist() == [510_000] * 6
    assert np.isnan(series.values["individual_income"]).all()
    assert series.cells == 36 and series.count("stays") == 6 and series.lacking() == ()
    assert series.ignored == () and series.notes == ()
    assert series.sha256 == hashlib.sha256(as_csv(PLAIN)).hexdigest()
    assert series.per_head("spending").tolist() == [750] * 6


@pytest.mark.parametrize("content", [
    as_csv(PLAIN, ";"), as_csv(PLAIN, "\t"), as_csv(PLAIN, encoding="utf-8-sig"), as_csv(PLAIN, encoding="utf-16"),
    as_csv(PLAIN, encoding="gb18030"), as_xlsx(PLAIN), as_xlsx([["a note"], [1, 2]], PLAIN),
    as_csv([["Fund of a county, 2017 to 2022"], [], *PLAIN]), as_csv([PLAIN[0], *reversed(PLAIN[1:])]),
    as_csv([row[::-1] for row in PLAIN]), as_csv([[*row, "", ""] for row in PLAIN]),
    as_csv([PLAIN[0], [], *PLAIN[1:], [], ["Source: the county's bureau"], ["注：不含职工医保"]]),
    as_csv(PLAIN).replace(b"\r\n", b"\n"), as_csv(PLAIN).replace(b"\r\n", b"\r"),
], ids=["semicolons", "tabs", "mark", "utf-16", "gb18030", "xlsx", "second sheet", "title", "order of years",
        "order of columns", "empty columns", "blank lines and footnotes", "lf", "cr"])
def test_the_form_of_a_file_changes_nothing(content):
    same_numbers(read_series(content, "fund"), read_series(as_csv(PLAIN), "fund"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_headings_and_units_in_every_encoding(encoding):
    rows = [["年份", "参保人数（万人）", "基金收入（单位：万元）", "基金支出[亿元]", "住院人次/万人次",
             "普通门诊人次（万）", "累计结余 ( 百万元 )"],
            *[[f"{year}年", "30", "24,000", "2.25", "4.5", "５１", 15 * (n + 1)] for n, year in enumerate(YEARS)]]
    same_numbers(read_series(as_csv(rows, encoding=encoding), "fund"), read_series(as_csv(PLAIN), "fund"))


def test_english_units():
    rows = [["Fiscal year", "Insured (10k persons)", "Revenue, million yuan", "fund_expenditure [100m yuan]",
             "Discharges (thousands of cases)", "outpatient visits / 1,000 visits",
             "Cumulative balance (in 10,000 RMB)"],
            *[[year, 30, 240, 2.25, 45, 510, 1500 * (n + 1)] for n, year in enumerate(YEARS)]]
    same_numbers(read_series(as_csv(rows), "fund"), read_series(as_csv(PLAIN), "fund"))


@pytest.mark.parametrize("missing", ["", " ", "-", "—", "——", "－", "–", "..", "…", "……", "缺", "无", "未统计", "n/a",
                                     "N/A", "NA", "nan", "/", "null"])
def test_a_missing_cell_is_missing_and_not_nothing(missing):
    series = read_series(as_csv(changed(3, 2, missing)), "fund")
    assert np.isnan(series.values["income"]).tolist() == [False, False, True, False, False, False]
    assert series.cells == 35


@pytest.mark.parametrize("written", ["300,000", "300 000", "３００，０００", "300000.0", "3e5", "+300000",
                                     "300\u00a0000", " 300000 ", "'300000", "3.0E+05"])
def test_ways_to_write_a_number(written):
    assert read_series(as_csv(changed(1, 1, written)), "fund").values["enrolment"][0] == 300_000


@pytest.mark.parametrize("minus", ["-", "−", "－"])
def test_only_the_balance_may_be_negative(minus):
    series = read_series(as_csv(changed(1, 6, f"{minus}1,000,000")), "fund")
    assert series.values["balance"][0] == -1_000_000


def test_decimals_are_scaled_exactly():
    """1,309.2 times a hundred million in binary fractions would miss the last yuan."""
    rows = [["year", "income (100m yuan)"], [2008, "1309.2"], [2009, "0.07"], [2010, "944.35"]]
    assert read_series(as_csv(rows), "fund").values["income"].tolist() == [130_920_000_000, 7_000_000, 94_435_000_000]


def test_a_left_out_year_is_a_row_without_numbers():
    series = read_series(as_csv([PLAIN[0], *PLAIN[1:3], *PLAIN[4:]]), "fund")
    assert series.years == tuple(YEARS)
    assert all(np.isnan(series.values[key][2]) for key in QUANTITIES) and series.cells == 30


def test_years_without_a_number_at_the_ends_are_left_out_and_said():
    series = read_series(as_csv([*PLAIN, [2023], [2024, "", "-"]]), "fund")
    assert series.years == tuple(YEARS)
    assert [note.en for note in series.notes] == ["2023, 2024: no figures, left out."]


def test_unknown_columns_are_told_and_not_used():
    rows = [[*row, extra, "x"] for row, extra in zip(PLAIN, ["当期结余", *range(6)], strict=True)]
    rows[0][-1] = "remarks"
    series = read_series(as_csv(rows), "fund")
    assert series.ignored == ("当期结余", "remarks")
    same_numbers(series, read_series(as_csv(PLAIN), "fund"))


def test_what_is_short_of_a_forecast_is_said():
    rows = [["year", "enrolment", "spending"], *[[year, 300_000, 225_000_000] for year in (2019, 2020, 2021)]]
    series = read_series(as_csv(rows), "fund")
    assert series.lacking() == NEEDED
    assert "enrolment has 3 numbers; a forecast needs at least 4." in [note.en for note in series.notes]
    assert "基金收入只有 0 个数字，预测至少需要 4 个。" in [note.zh for note in series.notes]


@pytest.mark.parametrize("balance, noted", [(45_000_000 + 47_900_000, False), (45_000_000 + 48_100_000, True)])
def test_a_balance_that_moves_apart_is_noted_from_a_fifth_of_the_income(balance, noted):
    """The income is 240 million, so 48 million; the year after is as far off the other way."""
    notes = read_series(as_csv(changed(3, 6, balance)), "fund").notes
    assert [note.en.partition(":")[0] for note in notes] == (["2019", "2020"] if noted else [])


def test_care_in_another_unit_is_noted():
    rows = [[*row[:4], row[4] if n == 0 else 4.5, row[5] if n == 0 else 51e6, row[6]] for n, row in enumerate(PLAIN)]
    notes = [note.en for note in read_series(as_csv(rows), "fund").notes]
    assert notes == ["2017: stays come to 1.5e-05 a person; check the unit.",
                     "2017: visits come to 170 a person; check the unit."]


def test_a_series_as_known_at_a_cut_off():
    series = read_series(as_csv(PLAIN), "fund")
    known = series.upto(2019)
    assert known.years == (2017, 2018, 2019) and known.cells == 18 and known.sha256 == series.sha256
    assert series.upto(2010).years == () and series.upto(2010).cells == 0
    same_numbers(series.upto(2050), series)


def test_a_series_cannot_be_written_to():
    series = read_series(as_csv(PLAIN), "fund")
    for array in (*series.values.values(), *series.upto(2019).values.values()):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_stored_results_of_formulas_are_read_and_formulas_are_not_run():
    stored = part_changed(as_xlsx(PLAIN), "xl/worksheets/sheet1.xml", lambda xml: xml.replace(
        b"<v>300000</v>", b"<f>WEBSERVICE(\"http://localhost/\")</f><v>300000</v>"))
    same_numbers(read_series(stored, "fund"), read_series(as_csv(PLAIN), "fund"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_and_unit_that_is_offered_is_understood(language):
    for column in COLUMNS:
        assert split_heading(heading(column, language))[0] == column.key
        for name in (column.key, *column.aliases):
            assert split_heading(name) == (column.key, None)
        units = UNIT_WORDS[column.kind][1][language]
        for unit in re.split("[、,] ?", units) if column.kind != "year" else ():
            rows = changed(0, 0, "year")
            position = [name.replace(" ", "_") for name in PLAIN[0]]
            if column.key in position:
                n = position.index(column.key)
                rows[0][n] = f"{column.title[language]}（{unit}）"
                for row in rows[1:]:
                    row[n] /= {"1": 1, "k": 1e4, "万": 1e4, "million": 1e6, "亿": 1e8, "100m": 1e8}[
                        next((mark for mark in ("100m", "million", "亿", "万") if mark in unit),
                             "k" if "10k" in unit else "1")]
                same_numbers(read_series(as_csv(rows), "fund"), read_series(as_csv(PLAIN), "fund"))


def test_no_name_means_two_columns():
    names = [compact(name) for column in COLUMNS for name in {column.key, *column.aliases}]
    claims = {name: {column.key for column in COLUMNS
                     if name in map(compact, (column.key, column.title.zh, column.title.en, *column.aliases))}
              for name in names}
    assert all(len(keys) == 1 for keys in claims.values()) and set(names) <= set(ALIASES)


# ---- what is refused, and where ----------------------------------------------------------------

BAD = {  # name: content, place of the first fault, a part of what it says
    "text": (as_csv(changed(2, 2, "about 2")), "C3 income", "not a number"),
    "unit in the cell": (as_csv(changed(2, 1, "30万")), "B3 enrolment", "not a number"),
    "percentage": (as_csv(changed(4, 4, "15%")), "E5 stays", "percentage"),
    "full-width percentage": (as_csv(changed(4, 4, "15％")), "E5 stays", "percentage"),
    "footnote mark": (as_csv(changed(3, 2, "15①")), "C4 income", "not a number"),  # no 151
    "raised mark": (as_csv(changed(3, 2, "15²")), "C4 income", "not a number"),
    "two points": (as_csv(changed(6, 3, "2.2.5")), "D7 spending", "not a number"),
    "broken thousands": (as_csv(changed(1, 1, "3000,00")), "B2 enrolment", "not a number"),
    "brackets": (as_csv(changed(1, 6, "(100)")), "G2 balance", "not a number"),
    "infinite": (as_csv(changed(1, 6, "inf")), "G2 balance", "not a number"),
    "exponent alone": (as_csv(changed(1, 6, "e5")), "G2 balance", "not a number"),
    "huge": (as_csv(changed(1, 6, "1e300")), "G2 balance", "too large"),
    "beyond a float": (as_csv(changed(1, 6, "1e999")), "G2 balance", "too large"),
    "many digits": (as_csv(changed(1, 6, "9" * 5000)), "G2 balance", "too large"),
    "spreadsheet error": (as_csv(changed(1, 6, "#REF!")), "G2 balance", "not a number"),
    "formula in text": (as_csv(changed(1, 6, "=B2*2")), "G2 balance", "not a number"),
    "negative enrolment": (as_csv(changed(2, 1, -300_000)), "B3 enrolment", "negative"),
    "negative income": (as_csv(changed(2, 2, -5)), "C3 income", "negative"),
    "negative spending": (as_csv(changed(2, 3, "-5")), "D3 spending", "negative"),
    "negative stays": (as_csv(changed(2, 4, "－5")), "E3 stays", "negative"),
    "negative visits": (as_csv(changed(2, 5, "−5")), "F3 visits", "negative"),
    "repeated year": (as_csv(changed(4, 0, 2018)), "A5 year", "the year 2018 is repeated"),
    "short year": (as_csv(changed(2, 0, "18")), "A3 year", "not a year"),
    "span of years": (as_csv(changed(2, 0, "2018-2019")), "A3 year", "not a year"),
    "half a year": (as_csv(changed(2, 0, "2018.5")), "A3 year", "not a year"),
    "total": (as_csv([*PLAIN, ["total", *[1] * 6]]), "A8 year", "not a year"),
    "early year": (as_csv(changed(1, 0, 1979)), "A2 year", "outside 1980 to 2100"),
    "late year": (as_csv(changed(6, 0, 2101)), "A7 year", "outside 1980 to 2100"),
    "no year": (as_csv(changed(3, 0, "")), "A4 year", "the year is missing"),
    "two rows": (as_csv(PLAIN[:3]), "", "2 years with figures are too few"),
    "no rows": (as_csv(PLAIN[:1]), "", "hold no number"),
    "years alone": (as_csv([PLAIN[0], *[[year] for year in YEARS]]), "", "hold no number"),
    "nothing needed": (as_csv([row[:1] + row[4:] for row in PLAIN]), "", "enrolment, income and spending are missing"),
    "no heading row": (as_csv(PLAIN[1:]), "", "no heading row"),
    "no year column": (as_csv([row[1:] for row in PLAIN]), "", "no heading row"),
    "misspelt": (as_csv([["year", "incme", "x"], *[[year, 1, 2] for year in YEARS]]), "", "are missing"),
    "sideways": (as_csv(zip(*PLAIN, strict=True)), "", "side by side"),
    "column twice": (as_csv([["year", "stays", "income", "出院人次"], *[[y, 1, 2, 3] for y in YEARS]]), "D 出院人次",
                     "is stays once more"),
    "unknown unit": (as_csv(changed(0, 2, "income (dollars)")), "C income (dollars)", "unknown unit 'dollars'"),
    "unit of another kind": (as_csv(changed(0, 1, "参保人数（万元）")), "B 参保人数（万元）", "unknown unit '万元'"),
    "amount per head": (as_csv(changed(0, 3, "基金支出（元/人）")), "D 基金支出（元/人）", "unknown unit '元/人'"),
    "unit above": (as_csv([["单位：万元、万人"], *PLAIN]), "B enrolment", "the unit stands above"),
    "too few insured": (as_csv([row[:1] + [30 if n else row[1]] + row[2:] for n, row in enumerate(PLAIN)]),
                        "B enrolment", "2017 has only 30 persons"),
    "income per head": (as_csv(changed(3, 2, 24_000)), "C income", "2019 comes to 0.08 yuan a person"),
    "spending per head": (as_csv(changed(4, 3, 225e11)), "D spending", "2020 comes to 7.5e+07 yuan a person"),
    "thousands unquoted": (as_csv(PLAIN).replace(b"510000,15000000\r\n", b"510000,15,000,000\r\n"), "H2",
                           "outside the headings"),
    "quotation mark": (as_csv(PLAIN) + b'2023,"300000,2\n', "line 8", "quotation marks"),
    "mark within": (as_csv(PLAIN) + b'2023,"300"000,2\n', "line 8", "quotation marks"),
    "empty": (b"", "", "the file is empty"),
    "blank": (b"\xef\xbb\xbf \r\n", "", "the file is empty"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "", "not UTF-8"),
    "web page": (b"<html><table><tr><td>year</td></tr></table></html>", "", "web page"),
    "old excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "", "old or encrypted"),
    "too long": (as_csv([*PLAIN, *[[""]] * 300, [2030, 1]][:160] + PLAIN[1:] * 10), "", "more than 200 rows"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_refused_at_its_place(name):
    content, where, what = BAD[name]
    faults = refused(content)
    assert faults[0].place == f"fund.csv: {where}".removesuffix(": ")
    assert what in faults[0].what.en


XLSX_BAD = {
    "text": (as_xlsx(changed(2, 2, "many")), "C3 income", "not a number"),
    "truth": (as_xlsx(changed(2, 2, True)), "C3 income", "not a number"),
    "error": (as_xlsx(changed(2, 2, "#DIV/0!")), "C3 income", "not a number"),
    "second sheet": (as_xlsx([["no table here"]], changed(5, 6, "?")), "G6 balance", "not a number"),
    "formula without a result": (as_xlsx(changed(2, 2, "=1+1")), "C3 income", "the formula has no stored result"),
    "no table": (as_xlsx([["a"]], [["b"]]), "", "no heading row"),
    "too long": (as_xlsx([*PLAIN, *[[""]] * 194, [2030, 1]]), "", "more than 200 rows"),
    "cut short": (as_xlsx(PLAIN)[:-300], "", "damaged"),
    "damaged sheet": (part_changed(as_xlsx(PLAIN), "xl/worksheets/sheet1.xml", lambda xml: xml[:-40]), "", "damaged"),
    "another zip": (part_changed(as_xlsx(PLAIN), "xl/workbook.xml", bytes).replace(b"xl/workbook", b"ab/workbook"), "",
                    "not an XLSX workbook"),
    "entities": (part_changed(as_xlsx(PLAIN), "xl/worksheets/sheet1.xml",
                              lambda xml: b'<!DOCTYPE a [<!ENTITY b "c">]>' + xml), "", "entities"),
    "bomb": (part_changed(as_xlsx(PLAIN), "xl/worksheets/sheet1.xml", lambda xml: xml + b" " * 20_000_000), "",
             "unpacks to more than 20 MB"),
    "too many cells": (part_changed(as_xlsx(PLAIN), "xl/worksheets/sheet1.xml", lambda xml: xml.replace(
        b"</row>", b"<c/>" * 100_001 + b"</row>", 1)), "", "too many cells"),
    "too many sheets": (part_changed(as_xlsx(PLAIN), "xl/workbook.xml", lambda xml: xml.replace(
        b"</sheets>", b'<sheet name="a" sheetId="9" r:id="rId1"/>' * 300 + b"</sheets>")), "", "too many cells"),
    "too many formats": (part_changed(as_xlsx(PLAIN), "xl/styles.xml", lambda xml: xml.replace(
        b"</cellXfs>", b'<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>' * 20_000 + b"</cellXfs>")), "",
        "too many cells"),
}


@pytest.mark.parametrize("name", XLSX_BAD)
def test_a_bad_workbook_is_refused_at_its_place_and_soon(name):
    content, where, what = XLSX_BAD[name]
    begun = time.process_time()
    faults = refused(content, "fund.xlsx")
    assert time.process_time() - begun < 2  # seconds; openpyxl alone would take minutes over some of them
    assert faults[0].place == f"fund.xlsx: {where}".removesuffix(": ")
    assert what in faults[0].what.en


def test_percentages_and_dates_of_a_workbook_are_no_amounts():
    book = load_workbook(io.BytesIO(as_xlsx(PLAIN)))
    book.active["C3"].number_format = "0.0%"
    book.active["A2"].number_format = "yyyy-mm-dd"  # a spreadsheet shows the year 2017 as a day of 1905
    file = io.BytesIO()
    book.save(file)
    faults = refused(file.getvalue(), "fund.xlsx")
    assert [fault.place for fault in faults] == ["fund.xlsx: A2 year", "fund.xlsx: C3 income"]
    assert "not a year" in faults[0].what.en and "percentage" in faults[1].what.en


def test_faults_come_row_by_row_twenty_of_them_and_how_many_more():
    rows = [PLAIN[0], *[["x", "?", "?", "?", "?", "?", "?"] for _ in YEARS]]
    faults = refused(as_csv(rows))
    assert [fault.place.split()[1] for fault in faults[:9]] == [*(f"{c}2" for c in "ABCDEFG"), "A3", "B3"]
    assert len(faults) == 21
    assert faults[-1].sentence() == "fund.csv: and 22 more; put those above right first"
    assert faults[-1].sentence("zh").startswith("fund.csv：另有 22 处问题")


def test_a_file_may_have_two_megabytes_and_no_more():
    content = as_csv(PLAIN)
    padding = b"\n" * (2_000_000 - len(content))
    assert read_series(content + padding, "fund").cells == 36
    assert refused(content + padding + b"\n")[0].what.en == "the file is larger than 2 MB"


def test_sixty_columns_are_read():
    wide = [[row[0], *["x"] * 58, row[1]] for row in PLAIN]
    assert read_series(as_csv(wide), "fund").count("enrolment") == 6
    assert "are missing" in refused(as_csv([[row[0], *["x"] * 59, row[1]] for row in PLAIN]))[0].what.en


def test_a_misspelt_heading_is_guessed():
    assert "'incme'" in refused(BAD["misspelt"][0])[0].remedy.en


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=400), st.text(max_size=400).map(lambda text: text.encode("utf-8", "ignore")),
                 st.lists(st.lists(st.one_of(st.text(max_size=8), st.integers(), st.floats(), st.none()), max_size=8),
                          max_size=8).map(lambda rows: as_csv([PLAIN[0], *rows], encoding="utf-8-sig"))))
def test_whatever_is_uploaded_is_read_or_refused(content):
    try:
        series = read_series(content, "fund.csv")
    except BadInput as bad:
        assert bad.faults
    else:
        assert len(series.years) >= 3 and series.cells >= 3


BOOK = as_xlsx(PLAIN)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_workbook_with_a_damaged_byte_is_read_or_refused(position, flip):
    content = bytearray(BOOK)
    content[position % len(content)] ^= flip
    try:
        read_series(bytes(content), "fund.xlsx")
    except BadInput as bad:
        assert bad.faults


# ---- the template ------------------------------------------------------------------------------

def filled(content, form):
    """A template with the plain table's numbers typed into the cells of their columns, from the first year on."""
    if form == "csv":
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        for row, numbers in zip(rows[1:], PLAIN[1:], strict=True):
            row[1:7] = numbers[1:]
        return as_csv(rows, encoding="utf-8-sig")
    book = load_workbook(io.BytesIO(content))
    for r, numbers in enumerate(PLAIN[1:], 2):
        for c, number in enumerate(numbers[1:], 2):
            book.worksheets[0].cell(r, c, number)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_template_filled_in_is_read(form, language):
    series = read_series(filled(template(form, language), form), f"t.{form}")
    plain = read_series(as_csv(PLAIN), "fund")
    assert series.years == tuple(range(2019, 2025)) and series.ignored == ()
    for key in QUANTITIES:
        np.testing.assert_array_equal(series.values[key], plain.values[key])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_empty_template_says_what_is_wanted(form, language):
    assert "hold no number" in refused(template(form, language), f"t.{form}")[0].what.en


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_workbook_explains_each_column(language):
    book = load_workbook(io.BytesIO(template("xlsx", language)))
    table, guide = book.worksheets
    heads = [cell.value for cell in table[1]]
    explained = [row for row in guide.iter_rows(min_row=2, values_only=True) if row[1]]
    assert [row[0] for row in explained] == heads == [heading(column, language) for column in COLUMNS]
    assert all(all(row[:4]) for row in explained)
    assert table.max_row == 7 and guide.max_row > len(explained) + 1
    assert not any(isinstance(cell.value, str) and cell.value.startswith(FORMULA)
                   for sheet in book for row in sheet.iter_rows() for cell in row)


def test_the_csv_template_opens_in_a_spreadsheet():
    content = template("csv", "zh")
    assert content.startswith(b"\xef\xbb\xbf") and content.count(b"\r\n") == 7


@pytest.mark.parametrize("cell, written", [("=1", "'=1"), ("+1", "'+1"), ("-1", "'-1"), ("@a", "'@a"),
                                           ("\t=1", "'\t=1"), ("年份", "年份"), (-1, -1), (None, None)])
def test_no_text_acts_as_a_formula(cell, written):
    assert harmless(cell) == written


# ---- the bundled series ------------------------------------------------------------------------

SCALE = {"100m persons": 10**8, "10k persons": 10**4, "100m yuan": 10**8, "10k person-times": 10**4, "100m": 10**8}
TABLES = {}
for name in ("national_funds.csv", "resident_benefits.csv"):
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        TABLES[name] = list(csv.DictReader(file))


def figure(take, year):
    """The published figure that a cell takes, in persons, yuan or counts: one row, and never one from memory."""
    rows = [row for row in TABLES[take["table"]] if row["year"] == str(year) and row["variable"] == take["variable"]
            and not row["source"].startswith("MEMORY")]
    rows = [row for row in rows if row["source"].startswith(take.get("source", ""))]
    assert len(rows) == 1, (take["variable"], year, len(rows))
    assert "budget" not in rows[0]["variable"]
    return Decimal(rows[0]["value"]) * SCALE[rows[0]["unit"]]


def test_every_bundled_series_is_described():
    assert {f"series/{path.name}" for path in bundled().values()} == set(DESCRIBED)
    assert set(bundled()) == {"national_nrcms", "national_resident", "resident_all"}


@pytest.mark.parametrize("path", DESCRIBED)
def test_every_cell_is_computed_again_from_the_tables(path):
    entry, series = DESCRIBED[path], load_series(Path(path).stem)
    assert series.sha256 == entry["sha256"] and len(series.years) == entry["rows"]
    assert entry["title"].keys() == set(LANGUAGES) and entry["scope"].strip()
    expected = {}
    for key, takes in entry["takes"].items():
        for take in takes:
            for year in take["years"]:
                expected[key, year] = expected.get((key, year), 0) + figure(take, year)
    found = {(key, year): value for key, array in series.values.items()
             for year, value in zip(series.years, array, strict=True) if np.isfinite(value)}
    assert found == {place: float(value) for place, value in expected.items()}
    assert series.cells == len(expected)


@pytest.mark.parametrize("name", bundled())
def test_a_bundled_series_is_fit_for_a_back_test(name):
    series = load_series(name)
    assert len(series.years) >= 6 and series.lacking() == () and series.ignored == () and series.notes == ()


def taken(entry):
    """The figures a series takes: variable and year."""
    return {(take["variable"], year) for takes in entry["takes"].values() for take in takes for year in take["years"]}


def test_overlaps_are_named():
    """Series that share published figures are no independent witnesses."""
    for path, entry in DESCRIBED.items():
        for other, its in DESCRIBED.items():
            if other != path and taken(entry) & taken(its):
                assert other in entry.get("overlaps", []) or path in its.get("overlaps", [])


def test_the_two_accounts_of_2010_count_the_same_people():
    """What `resident_all` rests on: NRCMS and URBMI published apart against the final accounts of both.

    Within 2 %: the NRCMS sums are rounded products of people and funding per head.
    """
    def of(variable):
        return float(figure({"table": "national_funds.csv", "variable": variable}, 2010))

    assert of("NRCMS_fund_raised_DERIVED") + of("URBMI_fund_income") == pytest.approx(
        of("RESIDENT_ALL_fund_income_DERIVED"), rel=0.02)
    assert of("NRCMS_fund_expenditure") + of("URBMI_fund_expenditure") == pytest.approx(
        of("RESIDENT_ALL_fund_expenditure_DERIVED"), rel=0.02)


def test_load_series_takes_a_name_or_a_path(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes(as_csv(PLAIN))
    assert load_series(str(path)).name == "mine"
    assert load_series("national_resident").years[0] == 2017


def test_a_bundled_series_is_known_by_its_content_and_not_by_its_name():
    for name, path in bundled().items():
        assert bundled_as(read_series(path.read_bytes(), "copy.csv")) == name
        assert bundled_as(read_series(as_csv(PLAIN), path.name)) == ""


@pytest.mark.parametrize("name", ["nowhere.csv", ".", "a\0b", "national_nrcm", "x" * 5000])
def test_load_series_refuses_what_is_not_there(name):
    with pytest.raises(BadInput) as caught:
        load_series(name)
    (fault,) = caught.value.faults
    assert fault.what.en == "there is no such file" and "national_" in fault.remedy.en


# ---- the documented format ---------------------------------------------------------------------

@pytest.mark.parametrize("page, language", [("series.md", "en"), ("series.zh.md", "zh")])
def test_the_page_of_the_format_says_what_is_read(page, language):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in text.splitlines() if line.startswith("| ")}
    for column in COLUMNS:
        line = rows[column.title[language]]
        assert UNIT_WORDS[column.kind][1][language] in line and column.help[language] in line
        named = re.split(", |、", line.rstrip("| ").rsplit(" | ", 1)[1])
        assert set(named) == {alias for alias in column.aliases
                              if alias.isascii() == (language == "en")} - {column.title[language]}
    example = text.split("```\n")[3]
    known = load_series("national_nrcms")
    shown = read_series(example.encode(), "example")
    assert len(shown.years) == 6 and shown.cells == 19
    for key in ("enrolment", "income", "spending", "stays"):
        np.testing.assert_array_equal(shown.values[key], known.values[key][1:])
    assert all(f"`{name}`" in text for name in bundled())
    for bound in ("2 MB", "20 MB", "100,000", "200", "60", "1980", "2100", "20 %"):
        assert bound in text
