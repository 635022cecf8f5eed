"""The command that writes a brief, and the buttons of the page: the same view gives the same file."""

import json
import re
import shlex

import pandas as pd
import pytest

from report.text import say
from simulation import load_scenario
from simulation.__main__ import main
from simulation.commands.reporting import FORMATS
from simulation.terms import LANGUAGES
from tests.coarse import coarse
from tests.screen import ROOT, app, few_draws
from ui import futures, papers, runs, tracks
from ui.view import view_of

NAME, DRAWS = "urrbmi_county_2026", "64"
BEGINS = {"docx": b"PK", "xlsx": b"PK", "pdf": b"%PDF-", "html": b"<!DOCTYPE html>"}

fewer_histories = pytest.fixture(scope="module", autouse=True)(coarse)


def report(*arguments):
    return main(["report", NAME, "--draws", DRAWS, *map(str, arguments)])


@pytest.mark.parametrize("form", FORMATS)
def test_the_command_writes_the_file_and_says_where_and_what(form, tmp_path, capsys):
    out = tmp_path / f"brief.{form}"
    assert report("--out", out, "--lang", "zh", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert out.read_bytes().startswith(BEGINS[form])
    assert (told["file"], told["format"], told["language"]) == (str(out), form, "zh")
    assert (told["bytes"], told["draws"], told["scenario"]) == (out.stat().st_size, int(DRAWS), NAME)
    assert "警戒线" in told["title"]
    assert main(["run", NAME, "--draws", DRAWS, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fingerprint"] == told["fingerprint"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_cannot_be_done_is_said_in_one_sentence(language, tmp_path, capsys):
    out = tmp_path / "brief.docx"
    for arguments, wanted in (
            (("--out", tmp_path / "brief.odt"), "--format odt"), (("--out", tmp_path / "brief"), "--format"),
            (("--out", out, "--format", "rtf"), "--format rtf"),
            (("--out", tmp_path / "no" / "brief.pdf"), "brief.pdf"),
            (("--out", tmp_path, "--format", "pdf"), str(tmp_path)), ((), "--out"),
            (("--out", out, "--set", "benefits.celing=1"), "benefits.ceiling"),
            (("--out", out, "--series", "nowhere.csv"), "nowhere.csv")):
        assert report(*arguments, "--lang", language) == 2, arguments
        said = capsys.readouterr().err.strip()
        assert wanted in said and "\n" not in said and "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_the_commands_in_the_brief_make_its_run_again(tmp_path, capsys):
    """Years, null and fractions of edits survive the way through a command line, and so does the very fingerprint."""
    edits = ["benefits.ceiling@2028=none", "benefits.rate.inpatient.adult.primary@2029=0.85"]
    assert report("--out", tmp_path / "brief.html", *(word for edit in edits for word in ("--set", edit)),
                  "--json") == 0
    told = json.loads(capsys.readouterr().out)
    page = (tmp_path / "brief.html").read_text(encoding="utf-8")
    typed = [shlex.split(text) for text in re.findall("<pre>(.*?)</pre>", page)]
    assert [words[:4] for words in typed] == [["python", "-m", "simulation", "run"],
                                              ["python", "-m", "simulation", "report"]]
    assert main(typed[0][3:]) == 0
    assert json.loads(capsys.readouterr().out)["fingerprint"] == told["fingerprint"]
    again = tmp_path / "again.html"
    assert main([*typed[1][3:-1], str(again)]) == 0
    assert again.read_text(encoding="utf-8") == page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_writes_on_request_what_the_command_line_writes(language, tmp_path, monkeypatch):
    """Nothing is computed before it is asked for; then both files are on offer, in the reader's language."""
    few_draws(monkeypatch, int(DRAWS))
    at = app(language, scenario=NAME, **{"benefits.ceiling": "200000", "from": "2028"})
    keys = lambda: {button.key for button in at.get("download_button") if button.key.startswith("brief.")}  # noqa: E731
    assert not at.exception
    if language == LANGUAGES[0]:  # afterwards the answer is there for everybody
        assert not keys() and at.button(key="brief.stop").disabled
        at.button(key="brief.make").click().run(timeout=120)
    assert not at.exception and keys() == {"brief.word", "brief.pdf"}
    view = view_of(NAME, 2028, [("benefits.ceiling", 200000)])
    found = tracks.shared()["brief", *runs.key(view), int(DRAWS)]
    paper = papers.written(found, language)
    assert paper() is paper()
    assert report("--out", tmp_path / "brief.docx", "--set", "benefits.ceiling@2028=200000", "--lang", language) == 0
    assert papers.maker(paper, "word", runs.gate())() == (tmp_path / "brief.docx").read_bytes()
    assert papers.maker(paper, "pdf", runs.gate())().startswith(BEGINS["pdf"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_parts_of_a_bad_future_are_told_so_that_they_add_up(language):
    """To the last decimal shown: those towards the difference less those against it are the difference itself."""
    scenario = load_scenario(NAME)
    gap = pd.Series({"payment": 4.04, "opening": -3.33, "chronic": 0.04} | {
        f"tier.{tier}": -10.07 - n for n, tier in enumerate(scenario.axes.tier)})
    shown = futures.rounded(1.23, gap)
    whole = shown.sum()
    assert whole == pytest.approx(round(1.23 + gap.sum(), 1) - round(1.23, 1), abs=1e-9)
    told = futures.made(shown, scenario, "亿元", language)
    numbers = [float(text.replace("−", "-")) for text in re.findall(r"[+−][\d.]+", told)]
    first, towards, *rest = numbers
    against = rest[len([value for value in rest if value < 0])]
    assert first == pytest.approx(whole) and towards + against == pytest.approx(whole)
    assert sum(value for value in rest if value < 0) == pytest.approx(towards)
    assert sum(value for value in rest if value > 0) - against == pytest.approx(against)
    assert say(language, "people.part.payment") in told


def test_a_brief_can_be_graded_by_a_fund_s_own_table(tmp_path, capsys):
    """Named by its file alone: no path of anybody's machine stands in a paper."""
    series = tmp_path / "our_fund.csv"
    bundled = (ROOT / "data" / "series" / "national_resident.csv").read_bytes()
    series.write_bytes(bundled.replace(b"7534.13", b"7534.14"))  # one figure is another than in the bundled one
    assert report("--out", tmp_path / "brief.html", "--series", series) == 0
    page = (tmp_path / "brief.html").read_text(encoding="utf-8")
    assert "our_fund" in page and str(tmp_path) not in page
