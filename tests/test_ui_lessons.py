"""The page of lessons: a lesson is opened, done and left in both languages, and a file of one's own is read."""

import io
import re

import pytest

from report.lessons import file_of, lessons
from report.text import say
from simulation.scenario import find_lever
from simulation.terms import LANGUAGES
from tests.coarse import coarse
from tests.screen import app, few_draws, keys_of, words_of
from ui import runs
from ui.learning import right_answers, solved_view, start_view
from ui.lesson_levers import scopes, together
from ui.packages import position
from ui.view import known, scenario_of, view_of
from ui.widgets import part

HAN = "[\u4e00-\u9fff]"

fewer_histories = pytest.fixture(scope="module", autouse=True)(coarse)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few draws: what is tested is the page, not the figures."""
    few_draws(monkeypatch, 128)
    monkeypatch.setattr(runs, "at_rest", lambda page, *views: True)


def page(language="zh", **query):
    """The page at a link."""
    return app(language, scenario=query.pop("scenario", None), **query).switch_page("ui/pages/lessons.py").run()


def clicked(at, key):
    """The page after a button."""
    at.button(key=key).click().run()
    assert not at.exception
    return at


def states(at):
    """The marks before the verdicts."""
    return re.findall(r":material/(check_circle|cancel|help|radio_button_unchecked): ", "\n".join(
        element.value for element in at.markdown))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_lesson_is_on_the_list_and_opens_at_its_start(language):
    at = page(language)
    said = " ".join(words_of(at)).replace("\\", "")
    for name, lesson in lessons().items():
        assert lesson.title[language] in said and lesson.purpose[language] in said
        assert at.button(key=f"lesson.go.{name}")
    at = clicked(at, "lesson.go.who_joins")
    assert at.session_state["view"] == start_view(lessons()["who_joins"])
    assert lessons()["who_joins"].title[language] in [element.value.replace("\\", "") for element in at.title]
    assert "quick.contribution" in {slider.key for slider in at.slider}
    if language == "en":
        assert not re.search(HAN, " ".join(words_of(at)).replace("中文", ""))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_learner_fails_takes_hints_and_passes_with_a_worked_solution(language):
    at = page(language, lesson="who_joins.3")
    lesson = lessons()["who_joins"]
    assert at.session_state["lesson.open"] == ("who_joins", 2)
    at = clicked(at, "lesson.check")
    assert states(at) == ["cancel", "cancel"] and at.warning and not at.success
    for _ in lesson.steps[2].hints:
        at = clicked(at, "lesson.hint")
    assert len(at.info) == len(lesson.steps[2].hints) and not [b for b in at.button if b.key == "lesson.hint"]
    at = clicked(clicked(at, "lesson.explain"), "lesson.solution")
    assert at.session_state["view"] == solved_view(lesson, 2)
    at = clicked(at, "lesson.check")
    assert states(at) == ["check_circle", "check_circle"] and at.success
    assert at.session_state["lesson.done"]["who_joins"] == {2}
    at = clicked(clicked(at, "lesson.next"), "undo_last")
    assert at.session_state["lesson.open"] == ("who_joins", 3)
    assert at.session_state["view"] == start_view(lesson)


def test_a_question_is_answered_and_each_answer_explained():
    at = page("en", lesson="ageing.1")
    at = clicked(at, "lesson.check")
    assert states(at) == ["radio_button_unchecked"]
    options = lessons()["ageing"].steps[0].checks[0].question.options
    for chosen, option in enumerate(options):
        at.radio[0].set_value(chosen).run()
        at = clicked(at, "lesson.check")
        assert states(at) == ["check_circle" if option.right else "cancel"]
    assert at.session_state["lesson.done"]["ageing"] == {0}


def test_verdicts_do_not_outlive_the_view_they_are_about():
    at = clicked(page("en", lesson="two_lines.2"), "lesson.check")
    at.slider(key="quick.contribution").set_value(20.0).run()
    assert not states(at) and any("check again" in caption.value for caption in at.caption)


def test_another_scenario_is_not_judged_and_there_is_a_way_back():
    at = page("en", lesson="two_lines.2")
    at.selectbox(key="scenario").set_value("benxi_2008").run()
    assert not [button for button in at.button if button.key == "lesson.check"] and at.warning
    at = clicked(at, "lesson.back")
    assert at.session_state["view"] == start_view(lessons()["two_lines"])


@pytest.mark.parametrize("asked", ["nothing", "two_lines.99", "two_lines.0", "two_lines.x", "../x", "a" * 500, ""])
def test_a_link_to_a_lesson_never_fails(asked):
    at = page("en", lesson=asked)
    assert not at.exception and "lesson" not in at.query_params
    if asked.startswith("two_lines"):
        assert at.session_state["lesson.open"][0] == "two_lines"
    else:
        assert "lesson.open" not in at.session_state


@pytest.mark.parametrize("name, number", [(name, n) for name, lesson in lessons().items()
                                         for n, step in enumerate(lesson.steps) if step.on_runs])
def test_a_step_s_worked_solution_can_be_moved_where_the_step_is_read(name, number):
    """By few moves: a slider for all values of a parameter counts as one. Drawers of single values may be opened."""
    lesson = lessons()[name]
    base = scenario_of(start_view(lesson))
    wanted = scopes(lesson.steps[number].levers, [lever for lever, *_ in base.levers(start_view(lesson).since)])
    edits = solved_view(lesson, number).levers
    assert {part(lever, 2) for lever, _ in edits} <= set(wanted)
    alone, start = dict(edits), start_view(lesson)
    for whole, inside in wanted.items():
        for scope in inside:
            package = together(known(start.scenario), start, scope, find_lever(whole)[3])
            if package and position(package, dict(edits)):
                for lever in package.start:
                    alone.pop(lever, None)
    assert len(alone) <= 5, alone


def test_one_slider_moves_all_values_and_says_so():
    at = page("en", lesson="two_lines.2")
    slider = at.slider(key="together.benefits.rate.inpatient")
    assert "all together (percentage points)" in slider.label
    slider.set_value(13.0).run()
    assert not at.exception and at.session_state["view"].edits == solved_view(lessons()["two_lines"], 1).edits
    at = clicked(at, "undo_last")
    assert at.slider(key="together.benefits.rate.inpatient").value == 0
    at.session_state["of.benefits.rate"] = True  # the drawer of each
    at.run()
    at.slider(key="benefits.rate.inpatient.adult.county").set_value(0.9).run()
    assert say("en", "panel.quick_mixed") in [caption.value for caption in at.caption]


def test_levers_of_a_step_that_do_not_move_together_stand_open_and_all_others_are_at_hand():
    at = page("zh", lesson="global_budgets.1")
    assert {"payment.method.fee_for_service", "payment.method.global_budget", "payment.overspend_share"} <= {
        slider.key for slider in at.slider}
    for drawer in ("lesson.others", "in.care", "of.care.referral_required"):
        at.session_state[drawer] = True
    at.run()
    assert not at.exception and "care.referral_required" in keys_of(at)
    at = page("zh", lesson="ageing.1")  # a step that asks for an answer alone
    assert not [slider for slider in at.slider if slider.key.startswith("together.")]


def test_a_lesson_that_names_a_lever_twice_is_shown():
    text = file_of("ageing").read_text(encoding="utf-8").replace("name: ageing", "name: mine").replace(
        "levers: [financing.contribution_step, financing.subsidy_step, financing.contribution, benefits.rate]",
        "levers: [benefits.rate, benefits.rate, benefits.rate.inpatient, benefits.rate.chronic.adult, payment]")
    at = upload(page("en"), "mine.yaml", text.encode())
    at = clicked(at, "lesson.next")
    assert [slider.key for slider in at.slider if slider.key.startswith("together.")] == [
        "together.benefits.rate", "together.benefits.rate.inpatient"]


def upload(at, name, content):
    """The page after a lesson file has been given."""
    at.session_state["lesson.own_drawer"] = True
    at.run()
    at.file_uploader(key="lesson.upload").upload(name, content, "application/yaml").run()
    return at


def test_a_file_of_one_s_own_is_opened_proved_and_kept_in_the_session():
    text = file_of("ageing").read_text(encoding="utf-8").replace("name: ageing", "name: mine")
    at = upload(page("en"), "mine.yaml", io.BytesIO(text.encode()).getvalue())
    assert at.session_state["lesson.open"] == ("mine", 0) and not at.exception
    at = clicked(at, "lesson.prove")
    assert len(re.findall("worked solution", "\n".join(element.value for element in at.markdown))) >= 2
    assert "mine" not in lessons()


def test_a_corrected_file_of_one_s_own_begins_anew_and_the_same_one_goes_on():
    text = file_of("two_lines").read_text(encoding="utf-8").replace("name: two_lines", "name: mine")
    at = upload(page("en"), "mine.yaml", text.encode())
    right = right_answers(at.session_state["lesson.own"]["mine"], 0)
    for n, option in right.items():
        at.radio(key=f"lesson.answer.mine.0.{n}").set_value(option)
    at = clicked(clicked(at.run(), "lesson.check"), "lesson.hint")
    assert learning_done(at) == {0}
    for content, done, answers in ((text, {0}, list(right.values())),
                                   (re.sub("minutes: .*", "minutes: 99", text), set(), [None] * len(right))):
        at = upload(clicked(at, "lesson.close"), "mine.yaml", content.encode())
        assert learning_done(at) == done and not at.exception
        assert [at.radio(key=f"lesson.answer.mine.0.{n}").value for n in right] == answers
        assert (("mine", 0) in at.session_state["lesson.shown"]) == bool(done)
        assert bool(at.success) == bool(done)


def learning_done(at):
    """The steps done of the lesson called mine."""
    return at.session_state["lesson.done"].get("mine", set())


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a: 1", b"x" * 70_000, b"name: !!python/name:os.system x"])
def test_a_bad_file_is_answered_in_a_sentence_and_loses_nothing(content):
    at = page("en", scenario="benxi_2008")
    at = upload(at, "bad.yaml", content)
    assert not at.exception and at.warning and at.session_state["view"] == view_of("benxi_2008")
    assert "lesson.open" not in at.session_state
