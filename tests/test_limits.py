"""The line for long calculations: who comes next, what a flood gets, and what a reader sees of it."""

import doctest
import threading
import time

import pytest

from simulation.terms import LANGUAGES, BadInput
from tests.screen import app, few_draws
from ui import limits, tracks
from ui.limits import WINDOW, Limits, Line


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def line(clock, **granted):
    return Line(Limits(**granted), clock)


def served(one, tickets):
    """The order in which all that wait are served, one after the other."""
    order, left = [], list(tickets)
    while left:
        ticket = next(ticket for ticket in left if not one.ahead(ticket))
        one.leave(ticket)
        left.remove(ticket)
        order.append(ticket.person)
    return order


def test_examples_hold():
    assert not doctest.testmod(limits).failed


def test_first_come_is_first_served_and_everybody_sees_how_many_are_before_him(clock):
    one = line(clock)
    first, second, third = (one.ask(name, name) for name in "abc")
    assert [one.ahead(ticket) for ticket in (third, second, first)] == [2, 1, 0]
    assert [one.ahead(ticket) for ticket in (second, third)] == [1, 2]
    one.leave(first)
    assert [one.ahead(ticket) for ticket in (third, second)] == [1, 0]


def test_no_more_run_at_once_than_are_granted(clock):
    one = line(clock, at_once=2)
    tickets = [one.ask(str(n), n) for n in range(4)]
    assert [one.ahead(ticket) for ticket in tickets] == [0, 0, 2, 3]


def test_a_flood_from_one_reader_lets_others_through(clock):
    one = line(clock)
    flood = [one.ask("flood", n) for n in range(20)]
    assert not one.ahead(flood[0])
    late = one.ask("late", "late")
    assert one.ahead(late) == 1  # only the one under way, not the nineteen that have waited longer
    one.leave(flood[0])
    assert "late" in served(one, [*flood[1:], late])[:2]  # they take turns


def test_who_has_used_up_his_share_goes_behind_for_a_while_and_is_never_refused(clock):
    one = line(clock, share=100)
    long = one.ask("long", 0)
    assert not one.ahead(long)
    clock.now = 101.0
    one.leave(long)
    assert one.over("long") and not one.over("other")
    earlier, later = one.ask("long", 1), one.ask("other", 2)
    assert served(one, [earlier, later]) == ["other", "long"]
    clock.now += WINDOW + 1
    earlier, later = one.ask("long", 1), one.ask("other", 2)
    assert not one.over("long") and served(one, [earlier, later]) == ["long", "other"]


def test_a_full_line_refuses_in_one_sentence_and_whoever_leaves_makes_room(clock):
    one = line(clock, in_line=2)
    tickets = [one.ask(name, name) for name in "ab"]
    with pytest.raises(BadInput) as told:
        one.ask("c", "c")
    zh, en = (told.value.faults[0].sentence(language) for language in LANGUAGES)
    assert "2 项计算在排队" in zh and "2 calculations are waiting" in en
    one.leave(tickets[0])
    one.ask("c", "c")


def test_a_place_is_found_again_by_its_number(clock):
    one = line(clock)
    first, second, third = (one.ask(name, name) for name in "abc")
    assert not one.ahead(first)
    one.leave(second)
    assert one.ahead(third) == 1
    again = one.ask("b", "b", second.number)
    assert [one.ahead(again), one.ahead(third)] == [1, 2]


def test_the_same_work_is_not_begun_twice(clock):
    one = line(clock, at_once=2)
    first, twin, other = one.ask("a", "same"), one.ask("b", "same"), one.ask("c", "other")
    assert [one.ahead(ticket) for ticket in (first, twin)] == [0, 1]
    one.leave(first)
    assert [one.ahead(ticket) for ticket in (twin, other)] == [0, 0]


def test_what_is_kept_of_people_does_not_grow(clock):
    one = line(clock)
    for n in range(50):
        ticket = one.ask(str(n), n)
        assert not one.ahead(ticket)
        clock.now += WINDOW / 2
        one.leave(ticket)
    assert len(one._used) <= 2 and not one._running and not one._waiting


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "１", "99999999999999", "1e3"])
def test_what_is_no_limit_is_refused_by_the_name_of_its_variable(text):
    with pytest.raises(BadInput, match="SANDBOX_LONG_IN_LINE"):
        limits.limits({"SANDBOX_LONG_IN_LINE": text})


# --- on a page ----------------------------------------------------------------------------------------

@pytest.fixture
def busy(monkeypatch):
    """The line of the pages with room for one, and somebody else's calculation under way."""
    one = Line(Limits(in_line=1))
    monkeypatch.setattr(tracks, "line", lambda: one)
    monkeypatch.setattr(tracks, "WAIT", 0.05)
    other = one.ask("somebody else", "something else")
    assert not one.ahead(other)
    return one, other


def asked(language, monkeypatch, name="p_deficit"):
    """The page on which a policy is sought, few draws, ready to be asked."""
    few_draws(monkeypatch, 64)
    at = app(language).switch_page("ui/pages/find.py").run()
    at.slider(key=f"find.limit.{name}").set_value(50).run()
    return at.button(key="find.seek.go").click()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_full_line_is_told_on_the_page_and_the_question_stays(busy, language, monkeypatch):
    one, other = busy
    one.ask("a third", "a third thing")
    at = asked(language, monkeypatch).run()
    assert not at.exception
    assert any("1 项计算在排队" in error.value if language == "zh" else "1 calculations are waiting" in error.value
               for error in at.error)
    assert at.slider(key="find.limit.p_deficit").value == 50
    assert len(one._waiting) == 1  # the page left nothing behind


def test_a_reader_who_waits_is_served_when_the_other_has_finished(busy, monkeypatch):
    one, other = busy
    seen = []
    monkeypatch.setattr(tracks, "t", lambda key, **values: seen.append((key, values.get("ahead"))) or key)

    def finish():
        while ("queue.ahead", 1) not in seen:
            time.sleep(0.02)
        one.leave(other)

    thread = threading.Thread(target=finish, daemon=True)
    thread.start()
    at = asked("en", monkeypatch).run()
    thread.join(20)
    assert not at.exception and not at.error and not thread.is_alive()
    assert at.get("plotly_chart")
    assert not one._running and not one._waiting
