"""The page that finds a policy: what it asks is what the model answers, and an answer is taken over as it stands."""

import doctest
import importlib
import re

import pandas as pd
import pytest

from report.text import people, percent, phrases, say
from simulation import goal_seek, load_scenario
from simulation.calibration import as_file
from simulation.loading import parse_scenario
from simulation.results import EVENTS
from simulation.search import search
from simulation.sought import sentences
from simulation.terms import LANGUAGES
from tests.coarse import coarse
from tests.frames import explained, handed, names_its_runs, numbers_in_one_style  # noqa: F401 - a fixture
from tests.screen import app, words_of
from ui import runs, searching, seeking
from ui.view import scenario_of, view_of

FEW = 64  # draws: what is compared does not depend on how many there are
STEP = "financing.contribution_step"  # one value, without a plan; a change settles no bill anew
HAN = "[\u4e00-\u9fff]"

fewer_histories = pytest.fixture(scope="module", autouse=True)(coarse)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few draws and few policies."""
    for module, name, value in ((runs, "QUICK", FEW), (runs, "FEWEST", FEW), (searching, "DRAWS", FEW),
                                (searching, "FIRST", ("financing.contribution", "financing.subsidy")),
                                (searching, "LEAST", 20),
                                (searching, "OFTEN", 20), (searching, "RULE_DRAWS", 256)):
        monkeypatch.setattr(module, name, value)


def page(language="zh", scenario="benxi_2008", **query):
    """The page at a link."""
    return app(language, scenario=scenario, **query).switch_page("ui/pages/find.py").run(timeout=120)


def asked(at, **values):
    """The page with some widgets moved and the first half's question put."""
    for key, value in values.items():
        kind = at.slider if isinstance(value, int | tuple) else at.selectbox
        kind(key=f"find.{key.replace('__', '.')}").set_value(value).run(timeout=120)
    return at.button(key="find.seek.go").click().run(timeout=120)


@pytest.mark.parametrize("name", ["seeking"])
def test_examples_in_docstrings_hold(name):
    failed, tried = doctest.testmod(importlib.import_module(f"ui.{name}"))
    assert tried and not failed


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_the_model_found_and_takes_it_over(handed, language):  # noqa: F811 - the fixture
    at = asked(page(language), lever="financing.subsidy", limit__p_deficit=30)
    assert not at.exception
    explained("goal_seek", handed["goal_seek"][0])
    names_its_runs("goal_seek", *handed["goal_seek"])
    numbers_in_one_style(at)
    base = load_scenario("benxi_2008")
    found = goal_seek(base, "financing.subsidy", ["p_deficit<=0.3"], draws=FEW, engine="table")
    said = " ".join(words_of(at)).replace("\\", "")
    for sentence in sentences(found, base):
        assert sentence[language] in said
    assert language == "zh" or not re.search(HAN, said.replace("中文", ""))
    becomes = next(table.value for table in at.table if percent(found.outcomes["check"][0]) in table.value.to_string())
    text = becomes.to_string()
    for row in found.outcomes[found.outcomes["what"].isin(seeking.TARGETS)].itertuples():
        assert all(f"{percent(value)} ± {percent(se, 2)}" in text for value, se in (
            (row.now, row.now_se), (row.then, row.then_se), (row.check, row.check_se)))
    enrolled = found.outcomes.set_index("what").loc["enrolled"]
    assert all(people(enrolled[at], language) in text for at in ("now", "then", "check"))
    assert "15%" in text and "25%" in text
    assert at.button(key="find.seek.stop").disabled  # what is done cannot be stopped
    other = say(language, "find.other")
    assert other not in [info.value for info in at.info]
    at.button(key="find.take").click().run(timeout=120)
    assert other in [info.value for info in at.info]
    taken = {lever: value for lever, value in at.session_state["view"].edits}
    assert taken == {lever: value for lever, _, value in found.moves.edits(found.advised)}
    again = goal_seek(scenario_of(at.session_state["view"]), "financing.subsidy", ["p_deficit<=0.3"], draws=FEW,
                      engine="table")
    assert again.already


def test_a_question_stays_as_it_was_asked_while_its_reader_is_elsewhere():
    at = page("en")
    at.selectbox(key="find.lever").set_value("benefits.rate").run(timeout=120)
    part, years, levers = "find.part.benefits.rate", "find.years.benxi_2008.2008", "find.levers.benxi_2008"
    span = "find.range.benxi_2008.financing.subsidy"
    low, high = at.slider(key=span).min, at.slider(key=span).max
    at.selectbox(key=part).select_index(2)
    at.slider(key=years).set_value((2009, 2010))
    at.slider(key=span).set_value((low, high))
    at.slider(key="find.policies").set_value(40)
    at.multiselect(key=levers).set_value(at.multiselect(key=levers).value[::-1]).run(timeout=120)
    asked = {key: at.session_state[key] for key in (part, years, levers, span, "find.policies")}
    at.switch_page("ui/pages/methods.py").run(timeout=120)
    at.switch_page("ui/pages/find.py").run(timeout=120)
    assert not at.exception and {key: at.session_state[key] for key in asked} == asked

    at.switch_page("ui/pages/methods.py").run(timeout=120)
    at.session_state[span] = low - 8.0, high + 8.0  # as if its bounds had been others
    at.switch_page("ui/pages/find.py").run(timeout=120)
    assert not at.exception and at.slider(key=span).value == (low, high)


def test_after_a_stop_the_page_says_so():
    at = asked(page("en"), lever="financing.subsidy", limit__p_deficit=30)
    assert not at.info
    at.session_state["find.seek.asked"] = "stopped", at.session_state["find.seek.told"]
    at.run(timeout=120)
    assert [info.value for info in at.info] == [say("en", "find.ended")]
    assert at.button(key="find.seek.stop").disabled and not at.button(key="find.seek.go").disabled


def test_what_cannot_be_reached_is_said_in_the_reader_s_language():
    at = asked(page("zh"), lever=STEP, limit__p_deficit=100, limit__p_balance_over=1)
    assert any("达不到" in text for text in words_of(at))
    at = asked(page("en"), lever=STEP, limit__p_deficit=100, limit__p_balance_over=1)
    assert any("cannot be reached" in text for text in words_of(at))


def test_every_line_has_a_limit_of_its_own_that_is_asked_for():
    at = asked(page("en"), limit__p_deficit=100, limit__p_surplus_over=40)
    assert {"p_deficit", "p_surplus_over", "p_balance_over"} == {
        slider.key.removeprefix("find.limit.") for slider in at.slider if slider.key.startswith("find.limit.")}
    assert any(EVENTS["p_surplus_over"].en.lower() in text.lower() for text in words_of(at)) and not at.exception


def test_without_a_target_nothing_can_be_asked():
    at = page("en")
    at.slider(key="find.limit.p_deficit").set_value(100).run(timeout=120)
    assert at.button(key="find.seek.go").disabled and at.info


def test_an_answer_that_moves_later_years_comes_as_a_file():
    at = asked(page("en", "hunan_nrcms_2008"), limit__p_deficit=5)
    assert not at.exception and not [button for button in at.button if button.key == "find.take"]
    view = view_of("hunan_nrcms_2008")
    base = scenario_of(view)
    found = goal_seek(base, "financing.contribution", ["p_deficit<=0.05"], draws=FEW, engine="table")
    moved = parse_scenario(as_file(seeking.moved_scenario(found, base, found.advised)), "found.yaml")
    assert found.moves.planned and goal_seek(moved, "financing.contribution", ["p_deficit<=0.05"], draws=FEW,
                                             engine="table").already
    assert seeking.edits(found) == []


def test_what_is_taken_over_is_the_safe_value_where_the_check_denies_the_answer():
    found = goal_seek(load_scenario("benxi_2008"), STEP, ["p_deficit<=0.3"], draws=FEW, engine="table")
    denied = found._replace(neighbours=found.neighbours.assign(holds=found.neighbours["seed"] == found.seed))
    assert seeking.edits(found) == [(STEP, found.value)]
    assert seeking.edits(denied) == [(STEP, found.interval.farther.value)] != seeking.edits(found)


def test_outcomes_leave_out_what_is_not_known_and_name_what_they_are_of():
    base = load_scenario("benxi_2008")
    found = goal_seek(base, STEP, ["p_deficit<=0.3"], draws=FEW, engine="table")

    def heads(of):
        drawn = seeking.outcomes(of, base, "en")
        return [drawn.heads[name] for name in drawn.frame]

    assert heads(found) == ["", "Now", "With the answer", "In the check", "Year"]
    denied = found._replace(neighbours=found.neighbours.assign(holds=found.neighbours["seed"] == found.seed))
    assert "With the safe value" in heads(denied)
    known = found.beside[found.beside["seed"] == found.seed]
    assert "In the check" not in heads(denied._replace(beside=known))
    held = goal_seek(base, STEP, ["p_deficit<=0.99"], draws=FEW, engine="table")
    assert held.already and "Now" not in heads(held)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_chart_is_the_frame_and_marks_the_answer(language):
    base = load_scenario("benxi_2008")
    found = goal_seek(base, STEP, ["p_deficit<=0.3", "p_balance_over<=0.9"], draws=FEW, engine="table")
    drawn = seeking.course(found, language)
    figure = seeking.figure(drawn, found, language)
    assert len(figure.data) == 2 and sum(len(trace.x) for trace in figure.data) == len(drawn.frame)
    assert len({(trace.line.dash, trace.marker.symbol) for trace in figure.data}) == 2
    limits = {shape.y0 for shape in figure.layout.shapes if shape.y0 == shape.y1}
    assert limits == {0.3, 0.9}
    upright = [shape.x0 for shape in figure.layout.shapes if shape.x0 == shape.x1]
    assert upright == [pytest.approx(found.value)]
    assert set(drawn.heads) == set(drawn.frame.columns)
    near = seeking.neighbours(found, language)
    assert len(near.frame) == len(found.neighbours) and set(near.heads) == set(near.frame.columns)


def test_levers_that_wait_or_are_lines_are_not_offered():
    offered = seeking.parameters(view_of("benxi_2008"))
    assert "financing.contribution" in offered and "lines.deficit_subsidy" in offered
    assert not {"lines.balance_ratio", "responses.demand", "payment.growth", "pooling.method"} & set(offered)
    assert seeking.parts(view_of("benxi_2008"), "benefits.ceiling") == ["benefits.ceiling"]


# --- several levers at once ----------------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
def test_the_search_shows_what_no_policy_beats_and_takes_one_over(handed, language):  # noqa: F811 - the fixture
    at = page(language)
    at.button(key="find.search.go").click().run(timeout=200)
    assert not at.exception
    explained("front", handed["front"][0])
    numbers_in_one_style(at)
    view = view_of("benxi_2008")
    wanted = {one.name: one.start for name, one in searching.ranges(view).items() if name in searching.FIRST}
    front = search("benxi_2008", wanted, policies=20, draws=FEW, engine="table")
    drawn = searching.policies(front, language)
    pd.testing.assert_series_equal(
        drawn.frame["policy"].sort_values(ignore_index=True),
        front.policies.loc[~front.policies["dominated"] | (front.policies["policy"] == 0), "policy"], check_index=False)
    box = next(box for box in at.selectbox if box.key.startswith("find.choose"))
    assert box.options == [searching.called(front, n, language) for n in drawn.frame["policy"] if n]
    chosen = box.value
    at.selectbox(key="find.fails_by").set_value("p_deficit").run(timeout=200)
    assert not at.exception
    at.button(key="find.take_policy").click().run(timeout=120)
    assert at.session_state["view"] == view_of("benxi_2008", edits=front.edits(chosen))


def test_the_chart_of_policies_tells_hoarding_by_sign_and_every_policy_once():
    view = view_of("benxi_2008")
    wanted = {one.name: one.start for name, one in searching.ranges(view).items() if name in searching.FIRST}
    front = search("benxi_2008", wanted, policies=20, draws=FEW, engine="table")
    drawn = searching.policies(front, "en")
    figure = searching.figure(drawn, front, None, "en")
    assert sum(len(trace.x) for trace in figure.data) == len(front.policies)
    symbols = [trace.marker.symbol for trace in figure.data]
    assert len(set(symbols)) == len(symbols)
    assert set(drawn.heads) == set(drawn.frame.columns)


@pytest.mark.parametrize("names", [["financing.subsidy"], []])
def test_two_levers_are_needed_for_a_search(names):
    at = page("en")
    at.multiselect[0].set_value(names).run(timeout=120)
    assert at.button(key="find.search.go").disabled and not at.exception
    assert phrases("en")["find.two_levers"] in [info.value for info in at.info]
