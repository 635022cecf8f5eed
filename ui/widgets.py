"""The controls: every lever as the widget its declaration asks for, and the sidebar they stand in.

Every widget is given the view's value as its default too: one that the browser has to build anew starts
from its default, and would otherwise send its lowest value as if the user had asked for it.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import streamlit as st

from simulation.policy import SECTIONS
from simulation.scenario import Scenario, clause, find_lever, lever_value, library
from simulation.terms import BadInput, Term
from ui import state
from ui.packages import Package, moved, packages, position
from ui.text import choice_text, in_percent, language, lever_text, plain, t, unit_text
from ui.view import View, from_file, known, scenario_of, to_file, view_of

FINE = 200  # a slider has at most so many steps; beyond, a number is typed
MEGABYTES = 1


def sidebar() -> None:
    """Everything that can be moved, in the order of the regulation."""
    view = state.view()
    base = known(view.scenario)
    scenario_choice(view)
    quick_moves(base, view)
    changes_made(base, view)
    edited = scenario_of(view)
    for section, levers in groupby(edited.levers(view.since), key=lambda lever: lever[0].split(".")[0]):
        st.subheader(t(f"section.{section}"))
        with st.container(gap="xsmall"):
            for name, leaves in groupby(levers, key=lambda lever: lever[0].split(".")[1]):
                parameter(base, view, SECTIONS[section].terms()[name], list(leaves))
    share(view)


def scenario_choice(view: View) -> None:
    """The scenarios of the library, once there is more than one."""
    titles = {name: title for name in library() if (title := title_of(name, language()))}
    if len(titles) > 1:
        state.show("scenario", view.scenario)
        st.selectbox(t("panel.scenario"), list(titles), format_func=titles.get, key="scenario",
                     index=list(titles).index(view.scenario) if view.scenario in titles else 0,
                     on_change=state.ask, args=("scenario", change_scenario))


def title_of(name: str, language: str) -> str:
    """A scenario's title, or nothing if its file cannot be read."""
    try:
        return known(name).title[language]
    except BadInput:
        return ""


def change_scenario() -> None:
    """Go to the scenario chosen, as it stands."""
    state.take(lambda: view_of(st.session_state["scenario"]))


def quick_moves(base: Scenario, view: View) -> None:
    """One slider for many levers."""
    st.subheader(t("panel.quick"), help=t("panel.quick_help"))
    edits = dict(view.edits)
    for package in packages(base, view.since):
        if not package.start:
            continue
        key, stands = f"quick.{package.name}", position(package, edits)
        state.show(key, stands or 0.0)
        tiers = ", ".join(base.axes.tier[tier][language()] for tier in base.axes.primary)
        st.slider(t(f"panel.{package.name}"), float(package.low), float(package.high), stands or 0.0, format="%+g",
                  step=float(package.step), key=key, on_change=state.ask, args=(key, move, package),
                  help=t(f"panel.{package.name}_help", count=len(package.start), tiers=tiers))
        with st.container():  # always there, so that nothing below changes its place
            if stands is None:
                st.caption(t("panel.quick_mixed"))


def move(package: Package) -> None:
    """Carry out a quick move."""
    state.edit(moved(package, st.session_state[f"quick.{package.name}"]))


def changes_made(base: Scenario, view: View) -> None:
    """From when the edits hold, how many there are, and the way back."""
    state.show("since", view.since)
    st.selectbox(t("panel.since"), list(base.horizon()), base.horizon().index(view.since),
                 key="since", help=t("panel.since_help"),
                 on_change=state.ask, args=("since", begin_in))
    count = len(view.edits)
    st.caption(t("panel.some", count=count, year=view.since) if count else t("panel.none"))
    left, right = st.columns(2, gap="small")
    left.button(t("panel.undo"), key="undo_last", on_click=state.ask, args=("undo_last", state.undo),
                disabled=not st.session_state["undo"], width="stretch")
    right.button(t("panel.reset"), key="reset_all", on_click=state.ask, args=("reset_all", state.reset),
                 disabled=not count, width="stretch")


def begin_in() -> None:
    """Let the edits begin in the year chosen."""
    view = state.view()
    state.take(lambda: view_of(view.scenario, st.session_state["since"], view.edits))


def parameter(base: Scenario, view: View, term: Term, leaves: list[tuple]) -> None:
    """One parameter of the regulation: a drawer with its levers under the names of what they apply to."""
    name, edits = plain(term.title[language()]), dict(view.edits)
    count = sum(lever in edits for lever, *_ in leaves)
    label = t("lever.changed_count", title=name, count=count) if count else name
    key = "of." + ".".join(leaves[0][0].split(".")[:2])
    with st.expander(label, key=key):
        heading = None
        for lever, value, *_ in leaves:
            *above, member = base.lever_names(lever, language()).split(" · ")
            if above[1:] and above[1:] != heading:
                heading = above[1:]
                st.markdown("**" + plain(" · ".join(heading)) + "**")
            widget(base, lever, value, term, plain(member))
            if lever in edits:
                was = lever_text(lever_value(base, lever, view.since), term, language())
                note, back = st.columns([3, 1], vertical_alignment="center", gap="xsmall")
                note.caption(t("lever.changed", was=was))
                back.button(t("lever.reset"), key=f"reset.{lever}", type="tertiary",
                            on_click=state.ask, args=(f"reset.{lever}", state.reset, lever))


def widget(base: Scenario, lever: str, value: Any, term: Term, name: str) -> None:
    """One lever as a slider, a number box or a choice, as its unit and bounds ask for."""
    unit = unit_text(term.unit, language())
    common = {"key": lever, "on_change": state.ask, "args": (lever, changed, lever),
              "help": help_text(base, lever, term)}
    if term.choices:
        lang = language()
        state.show(lever, value)
        st.selectbox(name, term.choices, term.choices.index(value),
                     format_func=lambda choice: choice_text(choice, lang), **common)
        return
    state.show(lever, None if value is None else float(value))
    if (term.high - term.low) / term.step <= FINE:
        form = "percent" if in_percent(term) else f"%g {unit}"
        st.slider(name, float(term.low), float(term.high), float(value), step=float(term.step),
                  format=form, **common)
        return
    if term.optional:
        box = f"unlimited.{lever}"
        state.show(box, value is None)
        st.checkbox(t("lever.no_limit"), value is None, key=box, on_change=state.ask, args=(box, unlimited, lever))
    st.number_input(t("lever.with_unit", name=name, unit=unit), float(term.low), float(term.high),
                    value=None if value is None else float(value), step=float(term.step), format="%g",
                    placeholder=t("lever.no_limit") if term.optional else None, **common)


def changed(lever: str) -> None:
    """Take over what a lever's widget shows."""
    state.edit([(lever, st.session_state[lever])])


def unlimited(lever: str) -> None:
    """Lift a ceiling, or bring back the number it had."""
    base = known(state.view().scenario)
    earlier = [dict(view.edits).get(lever) for view in reversed(st.session_state["undo"])]
    numbers = [*earlier, lever_value(base, lever, state.view().since), find_lever(lever)[3].low]
    lifted = st.session_state[f"unlimited.{lever}"]
    state.edit([(lever, None if lifted else next(number for number in numbers if number is not None))])


def help_text(base: Scenario, lever: str, term: Term) -> str:
    """What a lever means, what it may be, and the clause its value rests on."""
    section, name, *_ = find_lever(lever)
    source = getattr(getattr(base.policy, section), name).source
    if term.choices:
        bounds = t("panel.choices", choices=", ".join(choice_text(name, language()) for name in term.choices))
    else:
        low, high = (lever_text(value, term, language()) for value in (term.low, term.high))
        bounds = t("panel.limits", low=low, high=high, unit=unit_text(term.unit, language()))
    parts = (term.help[language()], bounds, clause(base, source, language()))
    return "\n\n".join(plain(part) for part in parts)


def share(view: View) -> None:
    """The view as a link and as a file."""
    st.subheader(t("share.title"))
    st.caption(t("share.link"))
    file = f"{view.scenario}.changes.yaml"
    st.download_button(t("share.download"), to_file(view), file, "application/yaml", key="download_changes",
                       icon=":material/download:", on_click="ignore", width="stretch")
    st.file_uploader(t("share.upload"), type=["yaml", "yml"], key="upload_changes", max_upload_size=MEGABYTES,
                     on_change=state.ask, args=("upload_changes", uploaded), help=t("share.upload_help"))


def uploaded() -> None:
    """Go to the view of a file just given; a file taken away again changes nothing."""
    if file := st.session_state["upload_changes"]:
        state.take(lambda: from_file(file.getvalue(), file.name))
