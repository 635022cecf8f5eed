"""Lessons on a page: the views they begin with, what a run says for their checks, and how far a reader has come."""

from __future__ import annotations

from typing import Any

import streamlit as st

from report import measured
from report.answers import Run, answered
from report.cards import Dealt
from report.judging import Verdict, asked, done, judged_step, needed
from report.lesson import Edit, Lesson, Step, solved
from report.lessons import lessons
from report.measured import Evidence
from simulation.scenario import Scenario
from ui import state
from ui.runs import SEED, draws_for, key, made, run
from ui.view import View, scenario_of, view_of

KEPT = 96  # runs with all that lessons ask of them, of some hundred kilobytes each


# --- views -------------------------------------------------------------------------------------------

def start_view(lesson: Lesson) -> View:
    """The view a lesson begins with."""
    return view_of(lesson.start.base, lesson.start.year, pairs(lesson.start.changes))


def solved_view(lesson: Lesson, step: int) -> View:
    """The view of a step's worked solution."""
    edits = solved(lesson, step)
    since = edits[0].year if edits else lesson.start.year
    return view_of(lesson.start.base, since, [*pairs(lesson.start.changes), *pairs(edits)])


def pairs(edits: tuple[Edit, ...]) -> list[tuple[str, Any]]:
    """Edits as the pages hold them."""
    return [(edit.lever, edit.value) for edit in edits]


# --- runs --------------------------------------------------------------------------------------------

def evidence_of(view: View, draws: int, names: tuple[str, ...] = (), dealt: tuple[Dealt, ...] = ()) -> Evidence:
    """What a view's run says of some quantities, or of those of the account; under some shock cards if any."""
    return evident(*key(view), draws, SEED, names, dealt)


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def evident(scenario: str, edits: tuple[tuple[str, Any], ...], since: int, draws: int, seed: int,
            names: tuple[str, ...], dealt: tuple[Dealt, ...]) -> Evidence:
    """The evidence of a view, which nobody changes. Arguments are plain, so that equal views share one run."""
    return made(measured.evident, scenario_of(View(scenario, since, edits)), draws, seed, names, dealt)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def under_cards(scenario: str, edits: tuple[tuple[str, Any], ...], since: int, draws: int, seed: int,
                dealt: tuple[Dealt, ...]) -> Run:
    """The answers for a view under the cards of a step."""
    return made(answered, scenario_of(View(scenario, since, edits)), draws, seed, dealt)


def answers_of(view: View, draws: int, step: Step | None) -> Run:
    """The answers for a view as a step has them."""
    return under_cards(*key(view), draws, SEED, step.dealt) if step and step.cards else run(view, draws)


def started(lesson: Lesson, step: Step | None = None) -> Evidence:
    """What the starting run says, at the draws of a view at rest and under a step's cards."""
    return own(lesson, step, start_view(lesson))


def own(lesson: Lesson, step: Step | None, view: View) -> Evidence:
    """What a view's run says, on the same draws."""
    return evidence_of(view, draws_for(view, settled=True), needed(lesson), step.dealt if step else ())


def verdicts(lesson: Lesson, step: int, view: View, answers: dict[int, int], lang: str) -> list[Verdict]:
    """A verdict for every check of a step, for a view of the lesson's scenario."""
    one = lesson.steps[step]
    return judged_step(one, own(lesson, one, view), started(lesson, one), lang, answers)


def right_answers(lesson: Lesson, step: int) -> dict[int, int]:
    """The right option of every question of a step."""
    return {n: next(m for m, option in enumerate(check.question.options) if option.right)
            for n, check in enumerate(lesson.steps[step].checks) if check.kind == "question"}


def proved(lesson: Lesson, lang: str) -> list[tuple[bool, list[Verdict]]]:
    """For every step: whether the start fails it, and what its worked solution reaches."""
    found = []
    for n, step in enumerate(lesson.steps):
        begins = verdicts(lesson, n, start_view(lesson), right_answers(lesson, n), lang)
        found.append((not step.on_runs or not done(begins),
                      verdicts(lesson, n, solved_view(lesson, n), right_answers(lesson, n), lang)))
    return found


def goals(step: Step, scenario: Scenario, lang: str) -> list[str]:
    """What a step's checks ask of the run, in words."""
    return [asked(check, scenario, lang) for check in step.checks if check.kind != "question"]


# --- a session ---------------------------------------------------------------------------------------

def shelf() -> dict[str, Lesson]:
    """The lessons a reader can open: the project's, and those of files given in this session."""
    return {**lessons(), **st.session_state.get("lesson.own", {})}


def take_link() -> None:
    """Note the lesson a link asks for and take it out of the address, which then is the view's again."""
    asked = st.query_params.get("lesson")
    if asked is not None:
        st.session_state["lesson.link"] = asked
        del st.query_params["lesson"]


def opened() -> tuple[Lesson, int] | None:
    """The lesson that is open and its step, or nothing."""
    name, step = st.session_state.get("lesson.open", (None, 0))
    return (shelf()[name], step) if name in shelf() else None


def open_lesson(name: str, step: int = 0) -> None:
    """Open a lesson at a step and go to its starting view; what was looked at before can be had back by undo."""
    lesson = shelf()[name]
    st.session_state["lesson.open"] = name, min(max(step, 0), len(lesson.steps) - 1)
    state.take(lambda: start_view(lesson))


def turn_to(step: int) -> None:
    """Go to another step of the lesson that is open; levers stay as they are."""
    name, _ = st.session_state["lesson.open"]
    st.session_state["lesson.open"] = name, step


def close() -> None:
    """Back to the list."""
    st.session_state.pop("lesson.open", None)


def follow_link() -> bool:
    """Open what a link has asked for, `name` or `name.step`; says whether there was one to open."""
    asked = st.session_state.pop("lesson.link", None)
    if asked is None:
        return False
    name, _, step = asked.partition(".")
    if name not in shelf():
        st.session_state["lesson.unknown"] = True
        return False
    open_lesson(name, int(step) - 1 if step.isdecimal() and len(step) < 3 else 0)
    return True


def forget(name: str) -> None:
    """Let go what a reader has done in a lesson: its file has been corrected, and another may be right now."""
    kept = st.session_state
    kept.get("lesson.done", {}).pop(name, None)
    kept["lesson.shown"] = {place: how for place, how in kept.get("lesson.shown", {}).items() if place[0] != name}
    if (kept.get("lesson.checked") or (None,))[0] == name:
        del kept["lesson.checked"]
    for box in list(kept):
        if str(box).startswith(f"lesson.answer.{name}."):
            del kept[box]


def passed(name: str) -> set[int]:
    """The steps of a lesson this reader has done."""
    return st.session_state.setdefault("lesson.done", {}).setdefault(name, set())
