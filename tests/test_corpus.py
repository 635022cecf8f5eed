"""The corpus of bad input: every case is refused in plain words at its place; what Chinese offices produce is read."""

import csv
import io
import re
import resource
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from report.sheets import sheet
from report.tables import Drawn
from simulation.terms import LANGUAGES
from tests.bad import made
from tests.bad.cases import answered, declared
from tests.bad.parsers import PARSERS, good

ROOT = Path(__file__).resolve().parent.parent
CASES = [*declared(), *made.cases()]
HAN = re.compile("[\u4e00-\u9fff]")
SOON = 3.0  # seconds of this process: the answer takes one at most, the rest is for a slow machine that does more
MEMORY = 600_000  # kilobytes more than before, at most: fifty megabytes as bytes, as text and as rows of a table


@pytest.fixture(scope="module", autouse=True)
def before():
    """Kilobytes held before any case has been read; what other tests have held is forgotten, where it can be."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_the_corpus_is_large_and_no_case_stands_twice():
    assert len(CASES) >= 300 and {case.parser for case in CASES} == set(PARSERS)
    assert len({(case.parser, case.what) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("parser", PARSERS)
def test_what_is_good_is_read(parser):
    assert answered(PARSERS[parser], good()[parser]) is None


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parser}: {case.what}")
def test_a_bad_input_is_answered_with_place_and_remedy_in_both_languages(case):
    content = case.content()
    begun = time.process_time()
    refused = answered(PARSERS[case.parser], content)
    assert time.process_time() - begun < SOON
    assert refused, "it was read"
    fault = refused.faults[0]
    assert case.place in fault.place and case.says in fault.sentence("en")
    told = made.SERIES if case.parser in ("workbook", "run") else content[:100_000].decode("utf-8", "ignore")
    for fault in refused.faults:
        assert HAN.search(fault.what.zh) and HAN.search(fault.remedy.zh)
        assert set(HAN.findall(fault.sentence("en"))) <= set(HAN.findall(f"{told} 数"))  # what the user wrote, no more
        assert all(len(fault.sentence(language)) < 600 for language in LANGUAGES)


def test_nothing_of_the_corpus_takes_much_memory(before):
    """Runs after the cases above, in the same process; on its own it says nothing."""
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY


# --- what Chinese offices produce -------------------------------------------------------------------

REMARK = {"scenario": "# 本溪市新农合\n", "bills": "# 参合农民结算单\n", "family": "# 一家人的结算单\n",
          "changes": "# 调整方案\n", "lesson": "# 课程\n"}
ENCODED = {
    "UTF-8 with its mark": lambda text: text.encode("utf-8-sig"),
    "GB18030": lambda text: text.encode("gb18030"),
    "GB18030 with its mark": lambda text: ("\ufeff" + text).encode("gb18030"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16, the other end first": lambda text: ("\ufeff" + text).encode("utf-16-be"),
    "lines of Windows": lambda text: text.replace("\n", "\r\n").encode("gb18030"),
    "lines of an old Mac": lambda text: text.replace("\n", "\r").encode("utf-8"),
}
TEXTS = ("scenario", "bills", "family", "changes", "lesson", "series", "library", "areas", "policies")


def same(one, other):
    """Whether two parsers' results are the same, for records and for series."""
    if hasattr(one, "sha256"):
        return one.years == other.years and all(
            np.array_equal(one.values[key], other.values[key], equal_nan=True) for key in one.values)
    return one == other


@pytest.mark.parametrize("encoding", ENCODED)
@pytest.mark.parametrize("parser", TEXTS)
def test_a_text_is_read_in_every_encoding_of_an_office(parser, encoding):
    text = REMARK.get(parser, "") + good()[parser].decode()
    read = PARSERS[parser]
    assert HAN.search(text) or parser == "policies"
    assert same(read(ENCODED[encoding](text)), read(good()[parser]))


@pytest.mark.parametrize("parser, old, new", [
    ("bills", "3000", "３０００"), ("bills", "3000", "3，000"), ("bills", "3000", "３，０００．０"),
    ("bills", "contribution_years: 3", "contribution_years: ３"),
    ("family", "  - {kind: inpatient, tier: level_1, expense: 3000, eligible: 2200}\n",
     "  - kind: inpatient\n    tier: level_1\n    expense: 3,000\n    eligible: ２,２００\n"),
    ("changes", "40000", "４００００"), ("changes", "40000", "40，000"), ("changes", "year: 2010", "year: ２０１０"),
    ("lesson", "value: 20000", "value: ２００００"), ("lesson", "at_most: 0.05", "at_most: ０．０５"),
    ("scenario", "first_year: 2008", "first_year: ２００８"), ("scenario", "years: 10\n", "years: １０\n"),
    ("series", "2017,30,24000", "２０１７年,３０,\"24,000\""), ("series", "2017,30,24000", "2017, 30 ,24 000"),
    ("series", ",", "，"), ("series", ",", "\t"), ("series", "（万元）", "(万元)"), ("series", "万人", "万 人"),
    ("areas", "480000", "４８００００"), ("areas", "480000", '"480,000"'), ("areas", "0.05", "０．０５"),
    ("policies", "40000", "４００００"), ("policies", "40000", '"40,000"'),
    ("options", "40000", "４０，０００"), ("link", "40000", "４００００")])
def test_figures_as_input_methods_and_spreadsheets_write_them_are_read(parser, old, new):
    text = good()[parser].decode()
    assert old in text
    assert same(PARSERS[parser](text.replace(old, new).encode()), PARSERS[parser](good()[parser]))


def test_bytes_of_a_user_become_text_in_one_place():
    """Elsewhere only what this program has written itself is decoded."""
    own = {"simulation/compare.py", "simulation/runs.py", "report/html.py", "simulation/reading.py"}
    found = {path.relative_to(ROOT).as_posix() for room in ("simulation", "report", "store", "ui")
             for path in (ROOT / room).rglob("*.py")
             if re.search(r"^(?! *>>>).*\.decode\(", path.read_text(encoding="utf-8"), re.MULTILINE)}
    assert "simulation/reading.py" in found and found <= own


# --- what goes out again ----------------------------------------------------------------------------

ACTIVE = ["=1+1", "+1", "-1+1", "@SUM(1)", "＝1+1", "＋1", "－1+1", "＠SUM(1)", "\t=1+1", "\r=1+1", "\n=1+1",
          "=HYPERLINK(\"http://127.0.0.1\")", "=cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0"]
HARMLESS = ["甲队", "A team = the best", "3-1", "a@b", "北县－南县", ""]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_sheet_runs_nothing_that_a_user_has_written(form):
    """Names of teams and areas, notes and titles: as cells, as headings, and as what stands beside a frame."""
    names = ACTIVE + HARMLESS
    drawn = Drawn(pd.DataFrame({"team": names, **{f"x{n}": [-1.5] * len(names) for n in range(len(ACTIVE))}}),
                  {"team": "＝team", **{f"x{n}": name for n, name in enumerate(ACTIVE)}})
    content = sheet(drawn, form, "=title", {"note": "@note"})
    if form == "csv":
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    else:
        book = openpyxl.load_workbook(io.BytesIO(content))
        assert not [cell for page in book for row in page.iter_rows() for cell in row if cell.data_type == "f"]
        rows = [[cell for cell in row if isinstance(cell, str)] for page in book for row in page.values]
    cells = [cell for row in rows for cell in row if cell != "-1.5"]
    assert not [cell for cell in cells if cell[:1] in set("=+-@＝＋－＠\t\r\n")]
    held = {" ".join(cell.split()) for cell in cells}  # a workbook may write the end of a line in its own way
    assert all(" ".join(f"'{name}".split()) in held for name in ACTIVE) and set(HARMLESS) - {""} <= held


# --- whatever comes ---------------------------------------------------------------------------------

ODD = st.sampled_from([b"\0", b"\xff", b"&a ", b"*a", b"!!x ", b".nan", b".inf", b"-", b"1e999", b"9" * 400, b"{", b"[",
                       b'"', b"'", b"\n", b"\r", b"\t", b",", b": ", "９，".encode(), "年".encode("gb18030"), b"=",
                       b"\xef\xbb\xbf", b"\xff\xfe", b"PK\x03\x04", b"../", b"null", b"true", b"? ", b"<<: ", b"%00"])


def spoilt(content):
    """The good input with some of it cut out and something odd in its place, at up to four places; or any bytes."""
    def put(cuts):
        bad = content
        for at, length, odd in cuts:
            start = at % (len(bad) + 1)
            bad = bad[:start] + odd + bad[start + length:]
        return bad

    cuts = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 40), ODD), min_size=1, max_size=4)
    return st.one_of(cuts.map(put), cuts.map(put), st.binary(max_size=300),
                     st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))


# Fewer where one input takes longer, so that each takes a second or two.
EXAMPLES = {"scenario": 20, "run": 40, "workbook": 40}


@pytest.mark.parametrize("parser", PARSERS)
def test_whatever_is_given_is_read_or_refused(parser):
    @settings(max_examples=EXAMPLES.get(parser, 80), derandomize=True, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))
    @given(spoilt(good()[parser]))
    def one(content):
        answered(PARSERS[parser], content)

    one()
