"""What a session keeps: undo, redo, the look at what was before, and links to saved views."""

from types import SimpleNamespace

import pytest

from report.text import phrases
from simulation.estimates import find_assumption, stated
from simulation.terms import LANGUAGES
from tests.screen import CEILING, CONTRIBUTION, OLD, app, figures_of
from ui import replay, runs, state
from ui.register import assumed, interval_text
from ui.view import FIRST, Interval, known, view_of

COST = "utilisation.cost_growth"


@pytest.fixture(autouse=True)
def smaller_runs(monkeypatch):
    """Few draws at rest, to be quick."""
    monkeypatch.setattr(runs, "STABLE", 1024)


def moved():
    """The old scheme after three changes: a quick move, a range, and another scenario."""
    at = app("en")
    at.slider(key="quick.contribution").set_value(20).run()
    at.session_state["in.assumptions"] = at.session_state["of.assumptions.utilisation"] = True
    at.run()
    at.slider(key=f"range.{COST}").set_value((0.03, 0.05)).run()
    at.selectbox(key="scenario").set_value(FIRST).run()
    return at


def views_of(at):
    """The views reached by pressing a button until it is off."""
    def pressed(key):
        found = [at.session_state["view"]]
        while not at.button(key=key).disabled:
            at.button(key=key).click().run()
            found.append(at.session_state["view"])
        return found
    return pressed


def test_undo_and_redo_walk_through_levers_assumptions_and_scenarios():
    at = moved()
    back = views_of(at)("undo_last")
    assert [view.scenario for view in back] == [FIRST, OLD, OLD, OLD]
    assert [len(view.assumed) for view in back] == [0, 1, 0, 0]
    assert back[1].assumed[0][1] == Interval(0.03, 0.04, 0.05) and back[-1] == view_of(OLD)
    assert views_of(at)("redo_last") == back[::-1]
    assert not at.exception and not at.warning


def test_a_new_change_ends_what_could_be_redone():
    at = moved()
    at.button(key="undo_last").click().run()
    at.slider(key="quick.primary").set_value(5).run()
    assert at.button(key="redo_last").disabled
    assert at.session_state["view"].scenario == OLD and at.session_state["view"].assumed


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_charts_before_the_last_change_are_shown_again_and_left(language):
    at = app(language)
    assert at.segmented_control(key="replay").disabled
    before = figures_of(at)
    at.slider(key="quick.contribution").set_value(20).run()
    after, view = figures_of(at), at.session_state["view"]
    assert after != before and not at.info
    at.segmented_control(key="replay").set_value("before").run()
    assert figures_of(at) == before and at.session_state["view"] == view_of(OLD)
    [said] = [info.value for info in at.info]
    assert "40 → 60" in said  # the first of those who pay
    assert at.slider(key="quick.contribution").value == 0
    at.segmented_control(key="replay").set_value("after").run()
    assert figures_of(at) == after and at.session_state["view"] == view and not at.info
    assert at.segmented_control(key="replay").value == "after"


def test_a_look_back_loses_nothing():
    at = app("en")
    at.slider(key="quick.contribution").set_value(20).run()
    view = at.session_state["view"]
    at.segmented_control(key="replay").set_value("before").run()
    at.slider(key="quick.primary").set_value(5).run()  # is made to the present view, not to the one before
    edits = dict(at.session_state["view"].edits)
    assert edits[CONTRIBUTION] == 275 and any(name.startswith("benefits.rate") for name in edits)
    assert at.segmented_control(key="replay").value == "after"
    at.button(key="undo_last").click().run()
    assert at.session_state["view"] == view


@pytest.mark.parametrize("kind, key, value", [("selectbox", "since", 2010), ("checkbox", "preset.primary_5", True),
                                              ("checkbox", f"uncertain.{COST}", False)])
def test_no_widget_moved_during_a_look_back_drops_the_last_change(kind, key, value):
    at = app("en")
    at.session_state["in.assumptions"] = at.session_state["of.assumptions.utilisation"] = True
    at.run()
    at.slider(key=f"range.{COST}").set_value((0.03, 0.05)).run()
    at.segmented_control(key="replay").set_value("before").run()
    next(widget for widget in at.get(kind) if widget.key == key).set_value(value).run()
    view = at.session_state["view"]
    assert dict(view.edits)[COST].median == 0.04 and view != view_of(OLD, edits=[(COST, (0.03, 0.04, 0.05))])


def test_what_stays_behind_is_counted_after_a_look_back():
    at = app("en", **{CEILING: "40000"})
    at.button(key="reset_all").click().run()
    at.segmented_control(key="replay").set_value("before").run()
    at.selectbox(key="scenario").set_value(FIRST).run()
    assert at.session_state["view"] == view_of(FIRST) and at.session_state["notice"] is None


@pytest.mark.parametrize("button", ["undo_last", "redo_last"])
def test_buttons_pressed_while_looking_back_act_on_the_present_view(button):
    at = app("en")
    at.slider(key="quick.contribution").set_value(20).run()
    view = at.session_state["view"]
    at.segmented_control(key="replay").set_value("before").run()
    at.button(key=button).click().run()
    assert at.session_state["view"] == {"undo_last": view_of(OLD), "redo_last": view}[button]
    assert not at.info  # either way the look is over
    assert at.button(key="redo_last").disabled == (button == "redo_last")


def turned(at, monkeypatch, address):
    """The browser gone back or forward to an address."""
    at.query_params.clear()
    at.query_params.update(address)
    with monkeypatch.context() as patch:
        patch.setattr(state, "get_script_run_ctx", lambda: SimpleNamespace(is_history_navigation=True))
        return at.run()


def test_back_and_forward_in_the_browser_are_an_undo_and_a_redo(monkeypatch):
    at = app("en", **{CEILING: "40000"})
    edited, before = at.session_state["view"], dict(at.query_params)
    at.selectbox(key="scenario").set_value(FIRST).run()
    after = dict(at.query_params)
    assert len(at.info) == 1  # what stays behind
    turned(at, monkeypatch, before)
    assert at.session_state["view"] == edited and not at.info  # nothing is left behind any more
    assert at.button(key="undo_last").disabled and not at.button(key="redo_last").disabled
    turned(at, monkeypatch, after)
    assert at.session_state["view"] == view_of(FIRST) and at.button(key="redo_last").disabled
    at.button(key="undo_last").click().run()
    assert at.session_state["view"] == edited


def test_back_over_several_changes_can_be_undone_and_back_to_the_same_view_changes_nothing(monkeypatch):
    at = app("en")
    first = dict(at.query_params)
    at.slider(key="quick.contribution").set_value(20).run()
    at.slider(key="quick.primary").set_value(5).run()
    view = at.session_state["view"]
    at.button(key="undo_last").click().run()
    turned(at, monkeypatch, dict(at.query_params))
    at.button(key="redo_last").click().run()
    assert at.session_state["view"] == view
    turned(at, monkeypatch, first)
    assert at.session_state["view"] == view_of(OLD)
    at.button(key="undo_last").click().run()
    assert at.session_state["view"] == view


def test_what_was_moved_is_told_in_words():
    base = view_of(OLD)
    both = view_of(OLD, edits=[(CEILING, 40000), (COST, (0.03, None, 0.05))])
    was = interval_text(stated(assumed(known(OLD), COST)), assumed(known(OLD), COST), find_assumption(COST)[2], "en")
    assert replay.told(base, both, "en") == [
        "Yearly ceiling: 30,000 → 40,000", f"Growth of unit cost: {was} → 3% to 5%, median 4%"]
    assert replay.told(both, base, "en")[0] == "Yearly ceiling: 40,000 → 30,000"
    assert replay.told(both, both, "en") == []
    assert replay.told(base, view_of(OLD, 2010), "en") == ["2008 → 2010"]
    assert len(replay.told(base, view_of(FIRST), "zh")) == 1
    reason = view_of(OLD, edits=[(CEILING, 40000), (COST, (0.03, None, 0.05, "survey"))])
    assert len(replay.told(both, reason, "en")) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_link_to_nothing_saved_is_one_sentence_and_the_rest_of_it_stands(language):
    at = app(language, saved="nothing-there", **{CEILING: "40000"})
    assert not at.exception
    assert len(at.warning) == 1
    assert dict(at.session_state["view"].edits) == {CEILING: 40000}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_way_back_is_a_button_with_a_name(language):
    at = app(language)
    for key in ("undo", "redo", "reset"):
        assert phrases(language)[f"panel.{key}"] in [button.label for button in at.button]
