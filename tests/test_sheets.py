"""A frame as a file: the same figures in every form, its columns explained, and nothing in it that acts."""

import doctest
import importlib
import io
import shutil

import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

from report import tables
from report.answers import told
from report.sheets import AS_BEFORE, DATA, DICTIONARY, MIME, csv, dictionary, meaning, number_format, outputs, sheet
from report.tables import Drawn
from simulation import load_scenario, simulate
from simulation.__main__ import main
from simulation.loading import LIBRARY
from simulation.measures import RATIOS
from simulation.results import ALONG, EVENTS, MORE, QUANTITIES
from simulation.terms import LANGUAGES

HOSTILE = ["=1+1", "+x", "-y", "@z", "\t=1", "\r=1", "plain"]


@pytest.fixture(scope="module")
def run():
    return told(simulate("benxi_2008", 64, engine="table"))


def drawings(run, language):
    return [tables.fan(run, "balance_ratio", language, run), tables.fan(run, "reserve_months", language),
            tables.chance(run, language), tables.spending(run, load_scenario("benxi_2008"), language)[0],
            tables.wide(run, ["income", "balance_ratio", "enrolled"], "p50", language),
            tables.everything(run, language)]


def book_of(content):
    return openpyxl.load_workbook(io.BytesIO(content))


def typed(content):
    return pq.read_table(io.BytesIO(content))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_form_holds_the_very_frame(run, language):
    for drawn in drawings(run, language):
        numbers = drawn.frame.select_dtypes("number").to_numpy(float)
        from_csv = pd.read_csv(io.BytesIO(sheet(drawn, "csv")), comment="#")
        rows = list(book_of(sheet(drawn, "xlsx"))[DATA].values)
        table = typed(sheet(drawn, "parquet")).to_pandas()
        assert from_csv.columns.tolist() == list(rows[0]) == [drawn.heads[name] for name in drawn.frame.columns]
        assert table.columns.tolist() == drawn.frame.columns.tolist()
        from_book = pd.DataFrame(rows[1:]).select_dtypes("number").to_numpy(float)
        assert from_csv.select_dtypes("number").to_numpy() == pytest.approx(numbers, rel=1e-15)  # as text
        assert from_book == pytest.approx(numbers, rel=1e-15)  # a workbook keeps sixteen figures
        assert np.array_equal(table.select_dtypes("number").to_numpy(float), numbers)  # Parquet keeps every bit
        assert table.dtypes.tolist() == drawn.frame.dtypes.tolist()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_workbook_reads_like_the_screen(run, language):
    book = book_of(sheet(tables.fan(run, "balance_ratio", language), "xlsx", "=title", {"note": "=cmd"}))
    data, guide = book[DATA], book[DICTIONARY]
    assert data.freeze_panes == "B2" and data["A1"].font.bold
    assert [cell.number_format for cell in data[2]] == ["0", *["0.0%"] * 6]
    lines = [[cell.value for cell in row] for row in guide.iter_rows()]
    assert [line[0] for line in lines[1:8]] == ["year", "p05", "p25", "p50", "p75", "p95", "line"]
    assert "年末累计结余 ÷ 当年基金收入" in lines[2][3] and "balance at the end ÷ income of the year" in lines[2][4]
    facts_told = {line[0]: line[1] for line in lines[9:]}
    assert facts_told["指纹 fingerprint"] == run.facts["fingerprint"]
    assert facts_told["模拟次数 draws"] == 64 and facts_told["来源情景 source scenario"] == "benxi_2008"
    assert facts_told["标题 title"] == "'=title" and facts_told["note"] == "'=cmd"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_frame_of_a_run_knows_its_run(run, language):
    for drawn in drawings(run, language):
        assert drawn.facts["fingerprint"] == run.facts["fingerprint"] and drawn.facts["draws"] == 64


def test_a_column_is_as_wide_as_what_it_holds_within_reason():
    drawn = Drawn(pd.DataFrame({"a": ["x" * 500], "b": ["居民医保基金支出"]}), {"a": "a", "b": "b"})
    width = {name: size.width for name, size in book_of(sheet(drawn, "xlsx"))[DATA].column_dimensions.items()}
    assert 16 < width["B"] < width["A"] < 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_parquet_says_of_every_column_what_it_is(run, language):
    drawn = tables.wide(run, ["income", "balance_ratio", "enrolled"], "p50", language)
    schema = typed(sheet(drawn, "parquet", "table")).schema
    assert schema.metadata[b"fingerprint"].decode() == run.facts["fingerprint"] and schema.metadata[b"seed"]
    for name in drawn.frame.columns:
        about = {key.decode(): text.decode() for key, text in schema.field(name).metadata.items()}
        assert about["name"] == drawn.heads[name] and about["definition_zh"] and about["definition_en"]
    unit = schema.field("income").metadata[b"unit"].decode()
    assert unit in drawn.heads["income"] and unit in ("万元", "million yuan")


def test_no_text_in_any_form_acts_as_a_formula():
    drawn = Drawn(pd.DataFrame({"=a": HOSTILE, "b": [-1.5, 0, 1, 2, 3, 4, 5]}), {"=a": "=HYPERLINK(1)", "b": "b"})
    lines = csv(drawn).decode("utf-8-sig").split("\r\n")
    assert lines[0] == "'=HYPERLINK(1),b" and lines[1] == "'=1+1,-1.5"
    book = book_of(sheet(drawn, "xlsx", "=1", {"=f": "=g"}))
    cells = [cell for page in book for row in page.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    # A file of typed columns has no formulas: its text stands as it is.
    assert typed(sheet(drawn, "parquet")).column("=a").to_pylist() == HOSTILE
    assert [row[0] for row in book[DATA].values][1:5] == ["'=1+1", "'+x", "'-y", "'@z"]


def test_what_a_sheet_cannot_hold_is_left_out_and_nothing_else():
    frame = pd.DataFrame({"a": [np.nan, np.inf, 2.5], "b": ["x\x00\x07y", None, "z"], "c": [1, "two", None],
                          2026: [1, 2, 3], "d": pd.array([1, None, 3], dtype="Int64"), "e": [True, False, True]})
    drawn = Drawn(frame, {"a": "a"})
    rows = list(book_of(sheet(drawn, "xlsx"))[DATA].values)
    assert rows[1:] == [(None, "xy", 1, 1, 1, True), ("inf", None, "two", 2, None, False), (2.5, "z", None, 3, 3, True)]
    assert typed(sheet(drawn, "parquet")).column("c").to_pylist() == ["1", "two", None]
    assert typed(sheet(drawn, "parquet")).column("2026").to_pylist() == [1, 2, 3]


@pytest.mark.parametrize("form", MIME)
def test_a_frame_of_no_rows_is_still_a_file(form):
    assert sheet(Drawn(pd.DataFrame({"year": pd.Series([], dtype=int)}), {"year": "Year"}), form)


def test_every_name_of_the_model_is_explained_in_both_languages():
    for code in [*QUANTITIES, *MORE, *ALONG, *EVENTS, *(f"{event}_se" for event in EVENTS)]:
        made = meaning(code)
        assert made and made.zh and made.en and made.zh != made.en, code
    assert meaning("no_such_thing") is None


def test_the_ratios_of_the_methods_are_those_of_the_model():
    """The dictionary reads them there: every ratio of the settlement is told, and nothing that is not of a run."""
    for language in LANGUAGES:
        assert set(RATIOS) <= set(outputs(language)) <= set(QUANTITIES | MORE | ALONG)
        assert all("÷" in made and made.partition(" ÷ ")[0] not in AS_BEFORE for made in outputs(language).values())


def test_a_fraction_says_so():
    frame = pd.DataFrame({"year": [2026], "x": [0.5], "y": [3.0], "z": ["a"]})
    drawn = Drawn(frame, {"year": "Year", "x": "X", "y": "Y（万元）", "z": "Z"}, {"y": "%,.1f"})
    assert [line.unit for line in dictionary(drawn)] == ["", "比例 share", "万元", ""]


@pytest.mark.parametrize("form, written", [("percent", "0.0%"), ("%,d", "#,##0"), ("%,.0f", "#,##0"), ("%.1f", "0.0"),
                                           ("%+.1f", "+0.0;-0.0;0.0"), ("%.4g", "General"), ("?", "General")])
def test_a_workbook_shows_a_figure_as_a_table_does(form, written):
    assert number_format(form) == written


def test_examples_in_docstrings_hold():
    failed, tried = doctest.testmod(importlib.import_module("report.sheets"))
    assert tried and not failed


def test_no_text_in_a_table_of_the_command_line_acts_as_a_formula(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    named, usual = "=1+1.yaml", "henan_nrcms_2011"
    shutil.copy(LIBRARY / f"{usual}.yaml", named)
    assert main(["compare", named, usual, "--draws", "16", "--out", "out.csv"]) == 0
    table = pd.read_csv("out.csv")
    assert set(table["against"]) == {f"'{named}"} and set(table["scenario"]) == {usual}
