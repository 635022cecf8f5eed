"""The levers of a lesson's step, within the lesson and beside its chart; all values of a parameter by one slider."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import streamlit as st

from report.judging import lever_name
from report.text import in_percent, lever_text, plain, unit_text
from simulation.scenario import Scenario, lever_value
from simulation.terms import Term
from ui import state
from ui.packages import Package, moved, position
from ui.text import language, t
from ui.view import View, known, scenario_of
from ui.widgets import drawer, group, notes, parameter, part, widget

FEW = 6  # levers that stand open where they do not move together
POINTS, STEPS = 30, 20  # how far a slider for many levers goes: percentage points, or steps of a sum


def levers(view: View, names: Sequence[str]) -> None:
    """The parameters a step names, then all others in a drawer."""
    base, offered = known(view.scenario), scenario_of(view).levers(view.since)
    wanted = scopes(names, [lever for lever, *_ in offered])
    for whole, inside in wanted.items():
        one_parameter(base, view, whole, inside, [leaf for leaf in offered if part(leaf[0], 2) == whole])
    with drawer("lesson.others", t("lessons.others"), "compact") as others:
        if others.open:
            rest = [leaf for leaf in offered if part(leaf[0], 2) not in wanted]
            for section, inside in groupby(rest, key=lambda leaf: part(leaf[0], 1)):
                group(base, view, section, list(inside))


def scopes(names: Sequence[str], offered: Sequence[str]) -> dict[str, list[str]]:
    """The parameters that some names stand for, each with the parts of it that are named; itself where it is whole.

    >>> scopes(["benefits.rate.inpatient", "lines"], ["benefits.rate.inpatient.adult", "lines.a.x", "lines.a.y"])
    {'benefits.rate': ['benefits.rate.inpatient'], 'lines.a': ['lines.a']}
    """
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        for lever in offered:
            if lever == name or lever.startswith(f"{name}."):
                whole = part(lever, 2)
                inside = found.setdefault(whole, [])
                scope = name if name.startswith(whole) else whole
                if scope not in inside:
                    inside.append(scope)
    return found


def one_parameter(base: Scenario, view: View, whole: str, inside: Sequence[str], leaves: list[tuple]) -> None:
    """A parameter of one value as its widget; one of many as a slider for all that are named, and a drawer of each."""
    lever, value, term, _ = leaves[0]
    if len(leaves) > 1:
        packages = [package for scope in inside if (package := together(base, view, scope, term))]
        for package in packages:
            slider(base, package, view, term)
        if not packages and len(leaves) <= FEW:
            st.session_state.setdefault("opened", {}).setdefault(f"of.{whole}", True)
        parameter(base, view, term, leaves)
        return
    for note in notes(base, view, whole, term):
        st.caption(note)
    widget(base, view, lever, value, term, plain(lever_name(base, lever, language())))
    with st.container():  # always there, so that nothing below changes its place
        if lever in dict(view.edits):
            st.caption(t("lever.changed", was=lever_text(lever_value(base, lever, view.since), term, language())))


def together(base: Scenario, view: View, scope: str, term: Term) -> Package | None:
    """All values under a name as one move; what is nothing, as the contribution of who pays none, stays nothing.

    Weights, such as those of ways of payment, are parts of one whole and do not move together.

    >>> from simulation.scenario import find_lever
    >>> from ui.view import view_of
    >>> view = view_of("benxi_2008")
    >>> package = together(known("benxi_2008"), view, "benefits.rate", find_lever("benefits.rate")[3])
    >>> package.low, package.high, package.step
    (-30.0, 30.0, 1.0)
    """
    if term.choices or term.unit == "weight":
        return None
    start = {lever: value for lever, value, *_ in base.levers(view.since)
             if lever.startswith(f"{scope}.") and isinstance(value, int | float) and value}
    if len(start) < 2:
        return None
    step, most, scale = (max(1.0, 100 * term.step), POINTS, 100) if in_percent(term) else (
        term.step, STEPS * term.step, 1)
    return Package(scope, start, -float(most), float(most), float(step), scale)


def slider(base: Scenario, package: Package, view: View, term: Term) -> None:
    """One slider for all values under a name."""
    key, stands = f"together.{package.name}", position(package, dict(view.edits))
    unit = t("lessons.points") if in_percent(term) else unit_text(term.unit, language())
    state.show(key, stands or 0.0)
    st.slider(t("lessons.together", lever=plain(lever_name(base, package.name, language())), unit=unit), package.low,
              package.high, stands or 0.0, package.step, format="%+g", key=key, on_change=state.ask,
              args=(key, move, package), help=t("lessons.together_help", count=len(package.start)))
    with st.container():
        if stands is None:
            st.caption(t("panel.quick_mixed"))


def move(package: Package) -> None:
    """Carry out a move of all values under a name."""
    state.edit(moved(package, st.session_state[f"together.{package.name}"]))
