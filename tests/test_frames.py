"""Every frame that a page hands out: what each column is, in both languages, and which runs its figures rest on."""

import csv
import io

import pytest

from report import answers, standings
from report.panels import FANS, panel
from simulation import load_scenario, simulate
from simulation.terms import LANGUAGES
from tests.coarse import coarse
from tests.frames import above, explained, handed, names_its_runs, numbers_in_one_style  # noqa: F401 - a fixture
from tests.screen import CEILING, OLD, RATE, app, few_draws
from ui import board, figures, incidence

FEW = 256
EDITS = {"from": "2010", CEILING: "60000", RATE: "0.7"}
CITY = {"scenario": "city_pooling_2012"}
LATE = {"scenario": "primary_standards_2025"}
# Pages with what has to be asked for to see every frame, and how many files there are then at least. Those that say
# why and find a policy take their time, and are looked at where their other tests have the answers.
PAGES = {"overview": (EDITS, {}, 8), "compare": (EDITS, {"compare.ask_drivers": True}, 4),
         "family": (EDITS, {"people.part": "family"}, 2), "winners": (EDITS, {"people.part": "winners"}, 2),
         "burden": (EDITS, {"people.part": "burden"}, 3), "future": (EDITS, {"people.part": "future"}, 2),
         "standards": (LATE, {}, 1), "areas": (CITY, {}, 5), "account": (EDITS, {}, 6), "levers": (EDITS, {}, 1),
         "methods": (EDITS, {}, 2), "record": (EDITS, {"record.ask.shape": True}, 6)}
# What is handed out there rests on declarations and on a fund's published table, and not on a run of the view.
NO_RUN = ("levers", "methods", "record")
fewer = pytest.fixture(autouse=True, scope="module")(coarse)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few draws: what a file says of its runs does not depend on how many there are."""
    few_draws(monkeypatch, FEW)
    monkeypatch.setattr(incidence, "DRAWS", 64)


def opened(page, language, handed):  # noqa: F811 - the fixture
    """A page with everything asked for."""
    query, asked, least = PAGES[page]
    at = app(language, **query)
    for key, value in asked.items():
        at.session_state[key] = value
    name = "people" if page in ("family", "winners", "burden", "future") else page
    handed.clear()  # of the first page
    at.switch_page(f"ui/pages/{name}.py").run(timeout=240)
    assert not at.exception and len(handed) >= least, list(handed)
    return at


# A definition is in both languages whatever the page's; one page after another is opened in either.
@pytest.mark.parametrize(("page", "language"), list(zip(PAGES, LANGUAGES * len(PAGES), strict=False)))
def test_every_column_is_explained_and_every_file_names_its_runs(handed, page, language, monkeypatch):  # noqa: F811
    if page == "areas":
        few_draws(monkeypatch, 32)  # eight counties
    at = opened(page, language, handed)
    if page != "methods":  # it shows the chapters of METHODS as they are
        numbers_in_one_style(at)
    found = {}
    for name, (drawn, facts) in handed.items():
        explained(name, drawn)
        if page == "areas":  # three more runs of every county: that they are named is enough
            assert drawn.facts or facts
        elif page == "family":
            assert any("rests on" in fact for fact in above(name, drawn, facts))
        elif page not in NO_RUN:
            found[id(facts)] = facts() if callable(facts) and id(facts) not in found else found.get(id(facts), facts)
            names_its_runs(name, drawn, found[id(facts)])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_frames_of_lessons_and_of_a_class_are_explained_too(language):
    run = answers.told(simulate(OLD, 16, engine="table"))
    for name in (*FANS, "chances", "spending"):
        explained(f"lesson_{name}", panel(name, run, load_scenario(OLD), language).drawn)
    explained("room.x.course_of", standings.courses([], {"years": [2026], "p_deficit": [0.5]}, "p_deficit", language))
    for name, drawn in (("room.x.balance", standings.balance([], None, language)), ("class_1", board.history(())),
                        ("class_1", standings.standings([], None, "deficit", language))):
        explained(name, drawn)


def test_a_csv_file_reads_back_without_its_lines_about_the_run(handed):  # noqa: F811
    opened("compare", "en", handed)
    drawn, facts = handed["compare_balance_ratio"]
    text = figures.written(drawn, "csv", "", {"view": "?a=1,2\n=3"}, facts, "compare_balance_ratio").decode("utf-8-sig")
    lines = text.split("\r\n")
    count = sum(line.startswith("#") for line in lines)
    assert lines[:count] == [line for line in lines if line.startswith("#")] and count > 4
    assert not any("," in line for line in lines[:count])  # one cell, so that nothing in it begins a formula
    head, *rows = csv.reader(io.StringIO("\n".join(lines[count:])))
    assert head == [drawn.heads[name] for name in drawn.frame] and len(rows) == len(drawn.frame)
