"""The page that says why: what is shown is what the model found, in both languages, and long parts wait to be asked."""

import re

import pytest

from report.sheets import csv
from report.text import phrases
from simulation.drivers import drivers
from simulation.information import PRESENT, information
from simulation.results import EVENTS
from simulation.sensitivity import sensitivity
from simulation.terms import LANGUAGES
from tests.coarse import coarse
from tests.frames import explained, handed, names_its_runs  # noqa: F401 - a fixture
from tests.screen import app, words_of
from ui import reasons, runs
from ui.view import scenario_of, view_of

HAN = "[\u4e00-\u9fff]"
OLD, FEW = "benxi_2008", 32
AMOUNTS = {"contribution": 60, "primary": 5}
fewer = pytest.fixture(autouse=True, scope="module")(coarse)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few draws: what is compared does not depend on how many there are."""
    for module, name, value in ((reasons, "DRAWS", FEW), (reasons, "FUTURES", 256), (runs, "QUICK", 256),
                                (runs, "STABLE", 256)):
        monkeypatch.setattr(module, name, value)


def page(language, *asked, **query):
    """The page with some of its parts asked for."""
    at = app(language, **query)
    for name in asked:
        at.session_state[f"why.ask.{name}"] = True
    return at.switch_page("ui/pages/why.py").run(timeout=240)


def test_the_year_stays_while_its_reader_is_elsewhere():
    at = page("en")
    at.selectbox(key=f"why.year.{OLD}").set_value(2010).run(timeout=240)
    at.switch_page("ui/pages/methods.py").run(timeout=240)
    at.switch_page("ui/pages/why.py").run(timeout=240)
    assert not at.exception and at.selectbox(key=f"why.year.{OLD}").value == 2010


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_opens_with_what_goes_with_each_chance_and_waits_to_be_asked(language):
    at = page(language)
    assert not at.exception and not at.error
    said, names = words_of(at), phrases(language)
    for head in ("drivers", "tornado", "sobol", "variance", "information"):
        assert names[f"why.head.{head}"] in said
    assert len(at.get("plotly_chart")) == 1 and len(at.get("toggle")) >= 4
    chart = at.get("plotly_chart")[0].proto
    assert names["why.drivers_one"].format(year=2017) in said and "2017" in chart.alt
    told = next(box for box in at.expander if box.label == names["why.in_words"])
    assert len(told.markdown) == len(EVENTS) and not told.proto.expanded  # in words where they are asked for
    outside = [text.value for text in at.markdown if text.value not in [inside.value for inside in told.markdown]]
    assert len(outside) == 7  # the scenario, its question, one line of the chart, and one of each part to be asked for
    assert [note.value for note in at.caption if "256" in note.value and "95%" in note.value]
    if language == "en":
        assert not [text for text in said if re.search(HAN, text)]


def test_every_part_that_is_asked_for_is_drawn_and_handed_out(handed):  # noqa: F811 - the fixture
    at = page("en", "tornado", "sobol", "variance", "information")
    assert not at.exception and not at.error
    for name, (drawn, _) in handed.items():
        explained(name, drawn)
    names_its_runs("options", *handed["options"])
    assert all(drawn.facts or facts for drawn, facts in handed.values())
    charts = at.get("plotly_chart")
    assert len(charts) >= 4 and all(chart.proto.alt for chart in charts)
    keys = {button.key for button in at.get("download_button")}
    assert {"csv.drivers_2017", "csv.tornado_balance_end_2017", "csv.sobol_balance_end_2017",
            "csv.why_variance_expenditure", "csv.why_options"} <= keys
    rests = "It now rests on"  # documents go by their own titles, which are Chinese
    assert not [text for text in words_of(at) if re.search(HAN, text.split(rests)[0])]


def test_without_an_alternative_the_page_asks_for_one():
    at = app("zh")
    at.session_state["why.ask.information"] = True
    at.session_state["why.move.contribution"] = at.session_state["why.move.primary"] = 0
    at = at.switch_page("ui/pages/why.py").run(timeout=240)
    assert not at.exception and phrases("zh")["why.no_option"] in [info.value for info in at.info]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_chart_of_chances_draws_the_strongest_drivers_of_each(language):
    found = drivers(OLD, draws=256, engine="table")
    found = found._replace(frame=found.frame[found.frame["year"] == 2017])
    drawn = reasons.goes_with(found, language)
    figure = reasons.thirds(drawn, "t", dict.fromkeys(("low", "high", "difference", "share"), "n"))
    _, low, high = figure.data
    strongest = found.frame[found.frame["told"] & (found.frame["rank"] <= reasons.MOST)]
    assert list(low.x) == strongest["low"].tolist() and list(high.x) == strongest["high"].tolist()
    assert len(strongest) == len(set(low.y)) > 0  # a driver of two events has two rows
    rows = figure.layout.yaxis.categoryarray
    heads = [row for row in rows if row.startswith("<b>")]
    assert len(heads) == strongest["event"].nunique() and len(rows) == len(heads) + len(strongest)
    assert figure.layout.yaxis.range == (-0.5, len(rows) - 0.5)  # the first heading included


@pytest.fixture(scope="module")
def found():
    return sensitivity(OLD, "balance_end", 2009, draws=FEW)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tornado_draws_shows_and_files_the_models_bars(found, language):
    drawn, unit = reasons.bars(found, language)
    moved = found.tornado[found.tornado["swing"] != 0]
    assert drawn.frame["factor"].tolist() == moved[f"title_{language}"].tolist()
    divisor = {"万元": 1e4, "亿元": 1e8, "million yuan": 1e6, "billion yuan": 1e9}[unit]
    assert (drawn.frame["swing"] * divisor).to_numpy() == pytest.approx(moved["swing"].to_numpy())
    figure = reasons.tornado(drawn, "t", {"low": "a", "high": "b", "swing": "c"}, unit)
    for trace, end in zip(figure.data, ("low", "high"), strict=True):
        reached = [base + length for base, length in zip(trace.base, trace.x, strict=True)]
        assert reached == pytest.approx(drawn.frame[end].tolist())
    assert len({trace.marker.pattern.shape for trace in figure.data}) == 2  # told apart without colour
    assert csv(drawn).decode("utf-8-sig").count("\r\n") == len(drawn.frame) + 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_indices_are_drawn_with_their_intervals(found, language):
    drawn = reasons.shares(found, language)
    moved = found.indices[found.indices["total"] > 0]
    assert drawn.frame["total"].tolist() == moved["total"].tolist() and set(drawn.heads) == set(drawn.frame)
    figure = reasons.indices(drawn, "t", {"first": "f", "total": "s"})
    total = next(trace for trace in figure.data if trace.name == "s")
    assert [x + up for x, up in zip(total.x, total.error_x.array, strict=True)] == pytest.approx(
        drawn.frame["total_high"].tolist())
    assert len(figure.layout.yaxis.categoryarray) == len(set(figure.layout.yaxis.categoryarray)) == len(drawn.frame)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_worth_knowing_is_what_the_model_found(language):
    view = view_of(OLD)
    offered = reasons.alternatives(view, AMOUNTS)
    assert set(offered) == {"contribution", "primary"} and not reasons.alternatives(view, {})
    result = information(scenario_of(view), {name: scenario_of(other) for name, (other, _) in offered.items()},
                         draws=512)
    names = {name: title for name, (_, title) in offered.items()}
    drawn, _ = reasons.values(result, language)
    assert len(drawn.frame) == result.values["told"].sum() > 0
    figure = reasons.ranking(drawn, "t", "u")
    assert sum(len(trace.x) for trace in figure.data) == len(drawn.frame)
    options, _ = reasons.choices(result, names, language)
    assert options.frame["option"].tolist() == [reasons.option_name(name, names, language)
                                                for name in (PRESENT, "contribution", "primary")]
    assert options.frame["best"].tolist() == result.options["best"].tolist()
    assert set(options.heads) == set(options.frame)


def test_edits_can_be_taken_back_as_an_option():
    edited = view_of(OLD, edits=[("benefits.ceiling", 60000)])
    offered = reasons.alternatives(edited, {})
    assert list(offered) == ["original"] and offered["original"][0] == view_of(OLD)
