"""Whether a learner's run does what a lesson asks: figures with their standard errors, and verdicts in words.

A figure within two standard errors of its limit is too close to tell, and nobody is told "reached" or "missed" by
the luck of the draws.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from report.lesson import DERIVED, PLACE, Check, Lesson, Place, Step, leaves_of, place_of, recorded, texts
from report.measured import Evidence
from report.tables import money_unit
from report.text import lever_text, number, people, percent, points, say, unit_text
from simulation.assumptions import ASSUMED
from simulation.columns import COLUMNS
from simulation.results import ALONG, EVENTS, MORE, QUANTITIES
from simulation.scenario import Scenario, clause, find_lever, lever_value
from simulation.series import load_series
from simulation.terms import Words

SURE = 2.0  # standard errors between a figure and its limit before either is said
# What a learner may not move to reach a goal: the lines themselves, and how people and providers behave.
FIXED = ("lines.surplus_ratio", "lines.balance_ratio", "lines.reserve_months", "responses")

RISES = ("financing.contribution_step", "financing.subsidy_step")  # move amounts of later years by themselves


class Verdict(NamedTuple):
    """What one check found: met, open (too close to tell), missed, or none (nothing answered yet); and in words."""

    state: str
    words: str


def needed(lesson: Lesson) -> tuple[str, ...]:
    """Every quantity that a lesson's checks and texts speak of."""
    checked = [check.quantity for step in lesson.steps for check in step.checks if check.quantity]
    said = [place.name for place in places(lesson) if place.kind == "run" and place.name not in EVENTS]
    return tuple(dict.fromkeys([*checked, *said])) or ("balance_ratio",)


def places(lesson: Lesson) -> list[Place]:
    """Every place of a lesson's texts."""
    return [place_of(inside) for _, text in texts(lesson) for inside in PLACE.findall(text.zh + text.en)]


# --- words -------------------------------------------------------------------------------------------

def named(name: str, scenario: Scenario) -> tuple[Words, str]:
    """The name of a quantity or an event, with its member, and its unit."""
    if name in EVENTS:
        return EVENTS[name], "share"
    quantity, _, member = name.partition(".")
    if member:
        title, unit, axis = ALONG[quantity]
        who = scenario.axes.named(axis)[member]
        return Words(zh=f"{title.zh}（{who.zh}）", en=f"{title.en} ({who.en})"), unit
    return (QUANTITIES | MORE | DERIVED)[quantity]


def amount(value: float, unit: str, language: str, change: bool = False) -> str:
    """A figure as people read it: percentages, 万元 or million yuan, people; a change with its sign.

    >>> amount(0.25, "share", "zh"), amount(-0.031, "share", "en", change=True)
    ('25.0%', '−3.1 pp')
    >>> amount(24_700_000, "yuan_year", "en"), amount(223_917, "persons", "zh")
    ('24.7 million yuan', '22.4 万人')
    >>> amount(-400, "yuan", "en", change=True), error_text(400, "yuan", "en")
    ('0.0 million yuan', '<0.1 million yuan')
    """
    if unit in ("share", "rate", "per_year"):
        return points(value, language) if change else percent(value)
    sign = "+" if change else ""
    if unit in ("yuan", "yuan_year"):
        divisor, name = money_unit(abs(value), language)
        return f"{number(value / divisor, f'{sign},.1f')} {name}"
    if unit == "persons":
        return sign * (value >= 0.5) + "−" * (value <= -0.5) + people(abs(value), language)
    if unit == "number":
        return number(value, f"{sign},.2f")
    digits = 1 if unit in ("months", "yuan_person_year") else 0
    return f"{number(value, f'{sign},.{digits}f')} {unit_text(unit, language)}"


def error_text(error: float, unit: str, language: str) -> str:
    """A standard error: of a share in percentage points, of small amounts with a digit more than the figure."""
    fine = lambda value: "<0.01" if 0 < value < 0.005 else f"{value:.2f}"  # noqa: E731 - used twice
    if unit == "share":
        return say(language, "number.points", value=fine(100 * error))
    if unit in ("yuan_person_year", "number", "months"):
        return fine(error)
    text = amount(error, unit, language)
    return text.replace("0.0", "<0.1", 1) if error and text.startswith("0.0 ") else text


def limits(check: Check, unit: str, language: str) -> str:
    """The limits of a check in words."""
    change = check.against is not None
    said = [say(language, f"lessons.{side}", limit=amount(limit, unit, language, change))
            for side, limit in (("at_least", check.at_least), ("at_most", check.at_most)) if limit is not None]
    return say(language, "lessons.and").join(said)


def asked(check: Check, scenario: Scenario, language: str) -> str:
    """What a check asks for, in words, before any run."""
    if check.kind == "question":
        return say(language, "lessons.ask.question")
    if check.kind == "lever":
        return say(language, f"lessons.ask.{lever_form(check)}", lever=lever_name(scenario, check.lever, language),
                   limit=lever_goal(check, language))
    title, unit = named(getattr(check, check.kind), scenario)
    what = title[language] if check.kind == "chance" else say(
        language, "lessons.of", what=title[language], statistic=say(language, f"column.{check.statistic}"))
    when = say(language, "lessons.in_year", year=check.year) if check.year else say(
        language, f"lessons.{check.years}_years")
    return say(language, "lessons.ask.change" if check.against else "lessons.ask.figure", what=what, when=when,
               limit=limits(check, unit, language))


def lever_form(check: Check) -> str:
    """How a check of a lever is worded."""
    return check.moved or ("set_to" if check.set_to else "lever_change" if check.against else "lever")


def lever_goal(check: Check, language: str) -> str:
    """What a lever is to be, in words."""
    term = find_lever(check.lever)[3] if "." in check.lever else None
    if check.set_to:
        return say(language, f"choice.{check.set_to}") if check.set_to in getattr(term, "choices", ()) else ""
    return say(language, "lessons.and").join(
        say(language, f"lessons.{side}", limit=lever_number(limit, term, language))
        for side, limit in (("at_least", check.at_least), ("at_most", check.at_most)) if limit is not None)


def lever_number(value: Any, term: Any, language: str) -> str:
    """A lever's value with its unit."""
    text = lever_text(value, term, language)
    bare = value is None or term.choices or term.unit in ("rate", "share", "per_year", "choice", "number", "weight")
    return text if bare else f"{text} {unit_text(term.unit, language)}"


def lever_name(scenario: Scenario, lever: str, language: str) -> str:
    """A lever, a parameter or a whole section as the sidebar names it."""
    section, _, rest = lever.partition(".")
    name = say(language, f"section.{section}")
    return f"{name} › {scenario.lever_names(lever, language)}" if rest else name


# --- verdicts ----------------------------------------------------------------------------------------

def judged(check: Check, now: Evidence, start: Evidence | None, language: str, answer: int | None = None) -> Verdict:
    """Whether a run, or an answer, does what a check asks; `start` is the run the lesson begins with."""
    if check.kind == "question":
        return answered(check, start or now, now, language, answer)
    if check.kind == "lever":
        return of_lever(check, now.scenario, start.scenario if start else now.scenario, language)
    years = now.years if check.year is None else (check.year,)
    found = [(*gap(check, now, start, year), year) for year in years]
    worst = (min if check.years != "any" else max)(found)  # by distance from the limit in standard errors
    distance, value, error, year = worst
    state = "met" if distance >= SURE or distance >= 0 and not error else "missed" if distance <= -SURE else "open"
    title, unit = named(getattr(check, check.kind), now.scenario)
    said = say(language, "lessons.found_change" if check.against else "lessons.found",
               what=asked(check, now.scenario, language), year=year,
               value=amount(value, unit, language, check.against is not None),
               error=error_text(error, unit, language))
    return Verdict(state, joined(language, said, say(language, f"lessons.state.{state}", draws=f"{now.draws:,}")))


def joined(language: str, *sentences: str) -> str:
    """Sentences one after another: Chinese ones need no space between."""
    return ("" if language == "zh" else " ").join(sentences)


def gap(check: Check, now: Evidence, start: Evidence | None, year: int) -> tuple[float, float, float]:
    """How far inside its limits a figure is, in standard errors; the figure; its standard error."""
    name, statistic = getattr(check, check.kind), "mean" if check.kind == "chance" else check.statistic
    value, error = now.change(start, name, statistic, year) if check.against else now.value(name, statistic, year)
    rooms = [*([check.at_most - value] if check.at_most is not None else []),
             *([value - check.at_least] if check.at_least is not None else [])]
    room = min(rooms)
    return room / error if error else np.copysign(np.inf, room) if room else 0.0, value, error


def answered(check: Check, start: Evidence, now: Evidence, language: str, answer: int | None) -> Verdict:
    """Whether the option chosen is right, and why it is or is not."""
    if answer is None:
        return Verdict("none", say(language, "lessons.unanswered"))
    option = check.question.options[answer]
    state = "met" if option.right else "missed"
    return Verdict(state, joined(language, say(language, f"lessons.answer.{state}"),
                                 filled(option.why, start, now, language)))


def of_lever(check: Check, now: Scenario, start: Scenario, language: str) -> Verdict:
    """Whether a lever stands, or has moved, as asked; in the last year unless one is named.

    What is to stand as it was does so in every year.
    """
    pairs = standing(check.lever, check.year or now.horizon()[-1], start, now)
    moved = [(leaf, was, stands) for leaf, was, stands in pairs if was != stands]
    if check.moved == "none" and not check.year:
        moved = departures(check.lever, start, now)
    size = lambda value: np.inf if value is None else value  # noqa: E731 - no limit is more than any number
    if check.moved in ("up", "down"):
        sign = 1 if check.moved == "up" else -1
        met = bool(moved) and all(not isinstance(was, str) and sign * (size(stands) - size(was)) > 0
                                  for _, was, stands in moved)
    elif check.moved:
        met = bool(moved) == (check.moved == "some")
    elif check.set_to:
        met = all(stands == check.set_to for _, _, stands in pairs)
    else:
        amounts = [size(stands) - size(was) if check.against else size(stands) for _, was, stands in pairs]
        met = all((check.at_most is None or value <= check.at_most + 1e-9)
                  and (check.at_least is None or value >= check.at_least - 1e-9) for value in amounts)
    shown = [say(language, "lessons.moved", lever=now.lever_names(leaf, language),
                 was=lever_number(was, find_lever(leaf)[3], language),
                 now=lever_number(stands, find_lever(leaf)[3], language)) for leaf, was, stands in moved[:2]]
    more = [say(language, "lessons.moved_more", count=len(moved) - 2)] if len(moved) > 2 else []
    what = asked(check, now, language)
    found = say(language, "lessons.semicolon").join([*shown, *more]) or say(language, "lessons.unmoved")
    state = "met" if met else "missed"
    return Verdict(state, joined(language, say(language, "lessons.found_lever", what=what, found=found),
                                 say(language, f"lessons.state.{state}")))


def standing(lever: str, year: int, start: Scenario, now: Scenario) -> list[tuple[str, Any, Any]]:
    """Every value that a lever's name stands for in a year, at the start and now; as fine as the finer of the two."""
    names = dict.fromkeys(leaf for one in (start, now) for leaf in leaves_of(one, lever, year))
    pairs = [(leaf, *(lever_value(one, leaf, year) for one in (start, now))) for leaf in names]
    return [pair for pair in pairs if not any(isinstance(value, Mapping) for value in pair)]


def departures(lever: str, start: Scenario, now: Scenario) -> list[tuple[str, Any, Any]]:
    """The values that a lever's name stands for which differ in any year, each as in the first of those.

    What another yearly rise makes of an amount is a move of the rise alone.
    """
    found: dict[str, tuple[str, Any, Any]] = {}
    risen = start.model_copy(update={"changes": (*(each for each in start.changes if each.lever not in RISES),
                                                 *(each for each in now.changes if each.lever in RISES))})
    for year in now.horizon():
        for leaf, was, stands in standing(lever, year, risen, now):
            was = lever_value(start, leaf, year) if leaf in RISES else was
            if was != stands:
                found.setdefault(leaf, (leaf, was, stands))
    return list(found.values())


def judged_step(step: Step, now: Evidence, start: Evidence, language: str,
                answers: Mapping[int, int]) -> list[Verdict]:
    """A verdict for every check of a step, and one more if something was moved that must stand."""
    found = [judged(check, now, start, language, answers.get(n)) for n, check in enumerate(step.checks)]
    if now.scenario.assumptions != start.scenario.assumptions:
        found.append(Verdict("missed", say(language, "lessons.assumed")))
    for lever in FIXED:
        if departures(lever, start.scenario, now.scenario):
            found.append(Verdict("missed", say(language, "lessons.must_stand",
                                               lever=lever_name(now.scenario, lever, language))))
    return found


def done(verdicts: Sequence[Verdict]) -> bool:
    """Whether every check of a step is met."""
    return all(verdict.state == "met" for verdict in verdicts)


# --- the places of a text ----------------------------------------------------------------------------

def filled(text: Words, start: Evidence, now: Evidence, language: str) -> str:
    """A text of a lesson with its figures: of the starting run, of the learner's own, of the law, of a statistic."""
    whole = re.sub(PLACE, lambda found: figure(place_of(found[1]), start, now, language), text[language])
    return re.sub("(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])", "", whole)  # after a unit in Chinese


def figure(place: Place, start: Evidence, now: Evidence, language: str) -> str:
    """One figure of a text."""
    if place.kind == "record":
        return of_record(place, language)
    one = now if place.own else start
    if place.kind == "run":
        _, unit = named(place.name, one.scenario)
        values = [one.value(place.name, place.statistic, year)[0] for year in place.years]
        if len(values) == 2:
            return percent(values[1] / values[0] - 1) if unit != "share" else points(values[1] - values[0], language)
        return amount(values[0], unit, language)
    if place.kind == "assumption":
        section, _, name = place.name.partition(".")
        value = getattr(getattr(one.scenario.assumptions, section), name).value
        return lever_number(value, ASSUMED[section].terms()[name], language)
    section, name, _, term = find_lever(place.name)
    year = place.years[0] if place.years else one.scenario.first_year
    if place.kind == "clause":
        return clause(one.scenario, getattr(getattr(one.scenario.policy_in(year), section), name).source, language)
    return lever_number(lever_value(one.scenario, place.name, year), term, language)


def of_record(place: Place, language: str) -> str:
    """A published figure, or between two years its relative change."""
    table, _, column = place.name.rpartition(".")
    values = [recorded(load_series(table), column, year) for year in place.years]
    if len(values) == 2:
        return percent(values[1] / values[0] - 1)
    kind = next(one.kind for one in COLUMNS if one.key == column)
    unit = {"yuan": "yuan", "persons": "persons"}.get(kind)
    if unit:
        return amount(values[0], unit, language)
    return (f"{values[0] / 1e4:,.0f} 万人次" if language == "zh" else f"{values[0] / 1e6:,.1f} million")
