"""Lessons: every start fails and every worked solution passes, figures are the model's, and bad files are refused."""

import re
from functools import cache

import numpy as np
import pytest

from report.judging import FIXED, amount, done, figure, filled, judged, judged_step, named, needed, places
from report.lesson import KINDS, STATISTICS, Check, edited, place_of, texts
from report.lessons import FOLDER, check_check, file_of, lessons, read_lesson
from report.measured import Evidence, evidence, evident
from simulation import load_scenario, simulate
from simulation.measures import chances, median_error, summary
from simulation.reading import build
from simulation.scenario import Change, lever_value
from simulation.series import load_series
from simulation.terms import LANGUAGES, BadInput, Source, Words
from tests.bad.parsers import LESSON as SMALL
from ui.learning import right_answers, solved_view, start_view
from ui.runs import draws_for
from ui.view import scenario_of

SEEDS = (20080101, 7)
LESSONS = lessons()
STEPS = [(name, n) for name, lesson in LESSONS.items() for n, step in enumerate(lesson.steps) if step.on_runs]
HAN = "[\u4e00-\u9fff]"


@cache
def found(name: str, number: int, seed: int) -> tuple[Evidence, Evidence]:
    """What the start and the worked solution of a step say."""
    lesson = LESSONS[name]
    views = start_view(lesson), solved_view(lesson, number)
    draws = draws_for(views[0], settled=False)  # what a moving control is given; at rest there are many more
    return tuple(evident(scenario_of(view), draws, seed, needed(lesson), lesson.steps[number].dealt)
                 for view in views)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name,number", STEPS)
def test_every_start_fails_and_every_worked_solution_passes(name, number, seed):
    lesson = LESSONS[name]
    start, solved = found(name, number, seed)
    answers, step = right_answers(lesson, number), lesson.steps[number]
    assert not done(judged_step(step, start, start, "en", answers))
    reached = judged_step(step, solved, start, "en", answers)
    assert done(reached), [verdict.words for verdict in reached]


def test_there_are_lessons_enough_and_each_is_named_as_its_file():
    assert len(LESSONS) >= 8
    assert [file_of(name) for name in LESSONS] == sorted(FOLDER.glob("*.yaml"))
    assert len({lesson.start.base for lesson in LESSONS.values()}) >= 6


@pytest.mark.parametrize("name", LESSONS)
def test_every_text_is_in_both_languages_with_the_same_figures(name):
    for where, text in texts(LESSONS[name]):
        chinese, english = (sorted(re.findall(r"\{([^{}]*)\}", text[language])) for language in LANGUAGES)
        assert chinese == english, where
        assert re.search(HAN, text.zh) and not re.search(HAN, text.en), where
        assert not re.search(rf"{HAN}[,;!?:(]", text.zh), where


@pytest.mark.parametrize("name", LESSONS)
def test_every_figure_of_a_text_is_the_model_s_the_law_s_or_the_record_s(name):
    lesson = LESSONS[name]
    number = next((n for one, n in STEPS if one == name), 0)
    start, solved = found(name, number, SEEDS[0])
    for place in places(lesson):
        shown = figure(place, start, solved, "en")
        if place.kind == "run" and len(place.years) == 1:
            one = solved if place.own else start
            value = one.value(place.name, place.statistic, place.years[0])[0]
            assert shown == amount(value, named(place.name, one.scenario)[1], "en")
        assert shown and "nan" not in shown


def test_a_published_figure_is_read_from_its_table():
    series = load_series("national_resident")
    stays = {year: series.values["stays"][series.years.index(year)] for year in (2019, 2020)}
    start, _ = found("two_lines", 1, SEEDS[0])
    change = filled(Words(zh="x", en="{record:national_resident.stays:2019-2020}"), start, start, "en")
    assert change == f"−{-100 * (stays[2020] / stays[2019] - 1):.1f}%"


# --- evidence and verdicts ---------------------------------------------------------------------------

@pytest.fixture(scope="module")
def runs():
    base = load_scenario("benxi_2008")
    source = Source(status="assumption")
    changed = base.changed([Change(lever="benefits.ceiling", year=2008, value=60000, source=source)])
    return [simulate(scenario, draws=256, seed=3) for scenario in (base, changed)]


def test_evidence_says_what_the_measures_say(runs):
    result = runs[0]
    one, table, events = evidence(result), summary(result), chances(result)
    for row in table[table["year"] == 2014].itertuples():
        for statistic in ("mean", "p05", "p50", "p95"):
            assert one.value(row.quantity, statistic, 2014)[0] == pytest.approx(getattr(row, statistic))
    for row in events.itertuples():
        assert one.chance(row.event, row.year) == pytest.approx((row.value, row.se))
    error = median_error(result, "balance_ratio").set_index("year")["balance_ratio"]
    assert one.value("balance_ratio", "p50", 2014)[1] == pytest.approx(error[2014], rel=1e-9)


def test_the_error_of_a_changed_quantile_is_as_large_as_its_spread():
    """Within sixteen draws of a scrambling it was a quarter of it."""
    base = load_scenario("benxi_2008").model_copy(update={"years": 3})
    lever = next(name for name, *_ in base.levers() if name.startswith("benefits.rate.inpatient"))
    less = base.changed([Change(lever=lever, year=2008, value=0.1, source=Source(status="assumption"))])
    told = []
    for seed in range(24):
        now, start = (evidence(simulate(one, 256, seed, "table"), ["balance_end"]) for one in (less, base))
        told.append([now.change(start, "balance_end", name, 2010) for name in ("p05", "p50", "p95")])
    found, se = np.moveaxis(told, 2, 0)
    ratio = np.sqrt((se**2).mean(axis=0)) / found.std(axis=0, ddof=1)  # 24 runs leave 15 % on a standard deviation
    assert (ratio > 0.55).all() and (ratio < 1.8).all()


def test_a_change_is_paired_so_its_error_is_smaller(runs):
    start, now = (evidence(result) for result in runs)
    change, error = now.change(start, "expenditure", "mean", 2012)
    assert change > 0
    apart = np.hypot(now.value("expenditure", "mean", 2012)[1], start.value("expenditure", "mean", 2012)[1])
    assert error < apart / 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_figure_at_its_limit_is_too_close_to_tell(runs, language):
    one = evidence(runs[0])
    value, error = one.chance("p_deficit", 2013)
    for off, state in ((0, "open"), (1.9, "open"), (2.1, "met"), (-1.9, "open"), (-2.1, "missed")):
        check = Check(chance="p_deficit", year=2013, at_most=value + off * error)
        verdict = judged(check, one, None, language)
        assert verdict.state == state
        assert f"{100 * value:.1f}%" in verdict.words and f"{100 * error:.2f}" in verdict.words
        assert (str(one.draws) in verdict.words) == (state == "open")


def certain(values):
    """What a run without any chance would say of its income, by year from 2008."""
    whole = np.broadcast_to(np.array(values), (1, len(STATISTICS), len(values)))
    return Evidence(load_scenario("benxi_2008"), 64, tuple(range(2008, 2008 + len(values))), ("income",), whole,
                    np.stack([whole] * 8))


def test_a_certain_figure_is_inside_its_limits_up_to_the_very_limit():
    one = certain([3e6])
    for limits, state in (({"at_most": 3e6}, "met"), ({"at_least": 3e6}, "met"), ({"at_most": 3e6 - 1}, "missed"),
                          ({"at_least": 2e6, "at_most": 4e6}, "met"), ({"at_least": 2e6, "at_most": 2.5e6}, "missed"),
                          ({"at_least": 3.5e6, "at_most": 4e6}, "missed")):
        assert judged(Check(quantity="income", year=2008, **limits), one, None, "en").state == state, limits


def test_the_error_of_a_changed_chance_is_never_below_what_one_draw_could_change(runs):
    start, now = (evidence(result) for result in runs)
    assert start.change(start, "p_deficit", "mean", 2012) == (0, 0)
    alike = now._replace(halves=start.halves)  # as if every half had moved by the same
    moved = [alike.change(start, "p_deficit", "mean", year) for year in start.years]
    assert any(change for change, _ in moved)
    assert all(error == (1 / now.draws if change else 0) for change, error in moved)


def test_what_people_bear_and_the_fund_spends_a_head_are_over_the_insured(runs):
    data = runs[0].data.isel(area=0)
    for name, part in (("own_per_head", "out_of_pocket"), ("spending_per_head", "expenditure")):
        expected = (data[part] / data["enrolled"]).mean("draw").values
        one = evidence(runs[0], [name])
        assert [one.value(name, "mean", year)[0] for year in one.years] == pytest.approx(expected.tolist())


def test_a_text_tells_a_change_between_years_and_a_lever_as_it_stands_in_a_year(runs):
    one, two = certain([2e6, 3e6]), evidence(runs[0])
    risen = two._replace(scenario=two.scenario.changed([
        Change(lever="benefits.ceiling", year=2010, value=70000, source=Source(status="assumption"))]))
    tell = lambda text, run: filled(Words(zh="无", en=text), run, run, "en")  # noqa: E731
    assert tell("{income:2008-2009}", one) == "50.0%"
    first, last = (two.chance("p_deficit", year)[0] for year in (2008, 2017))
    assert tell("{p_deficit:2008-2017}", two) == f"+{100 * (last - first):.1f} pp"
    assert tell("{lever:benefits.ceiling:2010}", risen).startswith("70,000 yuan")
    assert tell("{lever:benefits.ceiling}", risen) == tell("{lever:benefits.ceiling:2009}", risen) == tell(
        "{lever:benefits.ceiling:2010}", two)


def test_of_many_levers_moved_two_are_named_and_the_rest_counted(runs):
    start = evidence(runs[0])
    leaves = [name for name, *_ in start.scenario.levers() if name.startswith("benefits.rate.inpatient.adult")]
    for count, said in ((2, None), (3, "and 1 more")):
        now = start._replace(scenario=start.scenario.changed(
            Change(lever=leaf, year=2008, value=0.1, source=Source(status="assumption")) for leaf in leaves[:count]))
        told = judged(Check(lever="benefits.rate", moved="down"), now, start, "en").words
        assert told.count("→") == 2 and ("more" in told) == bool(said) and (said or "") in told


def test_all_years_are_as_bad_as_the_worst_and_any_year_as_good_as_the_best(runs):
    one = evidence(runs[0])
    at = [one.chance("p_deficit", year)[0] for year in one.years]
    limit = (min(at) + max(at)) / 2
    assert judged(Check(chance="p_deficit", years="all", at_most=limit), one, None, "en").state == "missed"
    assert judged(Check(chance="p_deficit", years="any", at_most=limit), one, None, "en").state == "met"


@pytest.mark.parametrize("check,state", [
    ({"lever": "benefits.ceiling", "moved": "up"}, "met"), ({"lever": "benefits.ceiling", "moved": "down"}, "missed"),
    ({"lever": "benefits", "moved": "some"}, "met"), ({"lever": "benefits", "moved": "none"}, "missed"),
    ({"lever": "financing", "moved": "none"}, "met"), ({"lever": "benefits.ceiling", "at_most": 50000}, "missed"),
    ({"lever": "benefits.ceiling", "against": "start", "at_most": 30000}, "met"),
    ({"lever": "benefits.critical_base", "set_to": "above_ceiling"}, "met"),
    ({"lever": "benefits.critical_base", "set_to": "out_of_pocket"}, "missed")])
def test_levers_are_judged_against_the_start(runs, check, state):
    start, now = (evidence(result) for result in runs)
    for language in LANGUAGES:
        assert judged(Check(**check), now, start, language).state == state


@pytest.mark.parametrize("lever", FIXED)
def test_whoever_moves_the_measure_is_told(lever):
    lesson = read_lesson(SMALL, "small.yaml")
    base = load_scenario("benxi_2008")
    leaf, value = ("responses.demand", 0) if lever == "responses" else (lever, 0.9)
    moved = base.changed([Change(lever=leaf, year=2008, value=value, source=Source(status="assumption"))])
    start, now = (evidence(simulate(scenario, draws=64, seed=3)) for scenario in (base, moved))
    assert len(judged_step(lesson.steps[0], now, start, "en", {})) == 2
    assert len(judged_step(lesson.steps[0], start, start, "en", {})) == 1


@pytest.mark.parametrize("lever", ["financing.contribution", "benefits.ceiling", "lines.balance_ratio"])
def test_what_must_stand_stands_in_every_year(runs, lever):
    """A lever moved for some years in the middle has moved, and so has one that is moved for some of its people."""
    start = evidence(runs[0])
    base = start.scenario
    leaf = next(name for name, *_ in base.levers() if name.startswith(lever))
    old = lever_value(base, leaf, 2009)
    now = start._replace(scenario=base.changed([
        Change(lever=leaf, year=year, value=value, source=Source(status="assumption"))
        for year, value in ((2009, old * 1.2), (2010, old))]))
    check = Check(lever=lever, moved="none")
    assert judged(check, now, start, "en").state == "missed" and judged(check, start, start, "en").state == "met"
    if lever in FIXED:
        step = read_lesson(SMALL, "small.yaml").steps[0]
        assert len(judged_step(step, now, start, "en", {})) == 1 + len(judged_step(step, start, start, "en", {}))


# --- files ---------------------------------------------------------------------------------------------

def test_a_small_lesson_is_read_and_its_solution_is_a_scenario():
    lesson = read_lesson(SMALL, "small.yaml")
    assert edited(load_scenario("benxi_2008"), lesson.steps[0].solution).policy_in(2010).benefits.ceiling.value == 20000


@pytest.mark.parametrize("old,new,said", [
    ("minutes: 5", "minutes: 5\ncolour: red", "unknown key"),
    ("minutes: 5", "minutes: 0", "at least 1"),
    ("base: benxi_2008", "base: ../benxi_2008", "no such scenario"),
    ("base: benxi_2008", "base: benxi_2008, since: 1999", "not simulated"),
    ("{zh: 起始, en: Start}", "{zh: 起始}", "is missing"),
    ("en: Start}", "en: '{balance:2010}'}", "unknown name; did you mean"),
    ("en: Start}", "en: '{p_deficit}'}", "cannot be filled"),
    ("en: Start}", "en: '{p_deficit:1999}'}", "not simulated"),
    ("en: Start}", "en: '{lever:benefits.sealing}'}", "unknown name"),
    ("en: Start}", "en: '{lever:benefits.rate}'}", "not one lever"),
    ("en: Start}", "en: '{record:national_resident.stays:1950}'}", "no published figure"),
    ("en: Start}", "en: '{record:../x.stays:2019}'}", "no such table"),
    ("en: Start}", "en: '{assumption:shocks.cost}'}", "no such assumption"),
    ("en: Start}", f"en: '{'long ' * 400}'}}", "must have 1 to"),
    ("chance: p_deficit, year: 2012", "chance: p_defecit, year: 2012", "did you mean p_deficit"),
    ("chance: p_deficit, year: 2012", "chance: p_deficit, quantity: income, year: 2012", "one of quantity"),
    ("chance: p_deficit, year: 2012", "chance: p_deficit", "year"),
    ("year: 2012, at_most: 0.05", "year: 2012", "at_most or at_least"),
    ("year: 2012, at_most: 0.05", "year: 2012, moved: up, at_most: 0.05", "does not go with chance"),
    ("year: 2012, at_most: 0.05", "year: 2012, at_most: .nan", "finite"),
    ("checks: [{", "look: [nowhere]\n    checks: [{", "no such page"),
    ("checks: [{", "levers: [benefits.sealing]\n    checks: [{", "no such lever"),
    ("checks: [{", "cards: [{card: plague, year: 2010}]\n    checks: [{", "no such card"),
    ("checks: [{", "cards: [{card: epidemic, year: 1999}]\n    checks: [{", "not simulated"),
    ("value: 20000}", "value: lots}", "benefits.ceiling"),
    ("    solution: [{lever: benefits.ceiling, year: 2008, value: 20000}]\n", "", "worked solution is missing"),
    ("name: small", "name: !!python/object:os.system x", "tags are not read"),
    ("name: small", "name: small\nname: other", "repeated")])
def test_a_bad_lesson_is_answered_in_one_clear_sentence(old, new, said):
    assert old in SMALL
    with pytest.raises(BadInput) as bad:
        read_lesson(SMALL.replace(old, new, 1), "small.yaml")
    fault = bad.value.faults[0]
    assert said in fault.sentence("en") and fault.place.startswith("small.yaml")
    assert re.search(HAN, fault.what.zh) and "\n" not in fault.sentence("zh")


@pytest.mark.parametrize("text", ["", "[]", "a: [", "x" * 70_000, "{" * 60, "\x00"])
def test_what_is_no_lesson_is_refused(text):
    with pytest.raises(BadInput):
        read_lesson(text, "x.yaml")


def test_no_lesson_lets_a_lever_that_must_stand_move_in_some_years():
    assert not [check for lesson in LESSONS.values() for step in lesson.steps for check in step.checks
                if check.moved == "none" and check.year]


def test_one_option_is_right():
    option = {"text": Words(zh="甲", en="A"), "why": Words(zh="因", en="w")}
    question = {"text": Words(zh="问", en="Q"), "options": [option, option]}
    with pytest.raises(BadInput, match="one option must be right"):
        build(Check, {"question": question}, "x", check_check)
    assert len(KINDS) == 4 and place_of("now.p_deficit:2012").own
