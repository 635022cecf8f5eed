"""The controls: every lever as the widget its declaration asks for, and the sidebar they stand in.

A section is a drawer and so is each of its parameters; what is in a closed drawer is not built, which keeps a
lever's move quick however many levers there are. A drawer's label never changes while it is used: to the
browser another label is another drawer, and whoever is moving a slider in it would lose hold of it.

Every widget is given the view's value as its default too: one that the browser has to build anew starts
from its default, and would otherwise send its lowest value as if the user had asked for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby, takewhile
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from report.text import choice_text, in_percent, lever_text, plain, say, unit_text, years_of
from simulation.moves import planned
from simulation.policy import SECTIONS
from simulation.reference import joined
from simulation.scenario import Scenario, clause, find_lever, lever_value
from simulation.terms import Term
from ui import presets, programmes, ranges, replay, state
from ui.packages import Package, packages, position
from ui.packages import moved as moved_by
from ui.register import moved
from ui.text import language, t
from ui.view import KEPT, View, from_file, known, offered, scenario_of, to_file, to_query, view_of

LISTED = 12  # levers moved that the sidebar lists; the page of levers has them all
FINE = 200  # a slider has at most so many steps; beyond, a number is typed
MEGABYTES = 1


def sidebar(levers: bool = True) -> None:
    """Everything that can be moved, in the order of the regulation; without the levers, what moves many at once."""
    view = state.view()
    base = known(view.scenario)
    scenario_choice(view)
    presets.choices(view)
    quick_moves(base, view)
    changes_made(base, view)
    if levers:
        for section, inside in groupby(scenario_of(view).levers(view.since), key=lambda lever: part(lever[0], 1)):
            group(base, view, section, list(inside))
        assumptions(base, view)
    share(view)


def assumptions(base: Scenario, view: View) -> None:
    """What nobody decides: a drawer with a drawer for the assumptions of each section."""
    with drawer("in.assumptions", t("ranges.title")) as inside:
        if inside.open:
            for section, names in ranges.sections(base, view).items():
                with drawer(f"of.assumptions.{section}", t(f"section.{section}"), "compact") as below:
                    if below.open:
                        for name in names:
                            ranges.editor(base, view, name)
                count_note([name for name, _ in view.assumed if part(name, 1) == section])
    count_note([name for name, _ in view.assumed])


def part(lever: str, depth: int) -> str:
    """The first names of a dotted lever: its section, or its section and parameter.

    >>> part("benefits.rate.inpatient.child", 2)
    'benefits.rate'
    """
    return ".".join(lever.split(".")[:depth])


def drawer(key: str, label: str, kind: str = "default") -> Any:
    """A drawer that remembers whether it is open, also when it is away for a while or speaks another language."""
    opened = st.session_state.setdefault("opened", {})
    if key in st.session_state:
        opened[key] = st.session_state[key]
    st.session_state[key] = opened.get(key, False)
    return st.expander(label, key=key, on_change="rerun", type=kind)


def group(base: Scenario, view: View, section: str, levers: list[tuple]) -> None:
    """One section of the regulation: a drawer with a drawer for each of its parameters."""
    name = t(f"section.{section}")
    idle = section in programmes.unused(view.scenario)
    edited = [lever for lever, _ in view.edits if part(lever, 1) == section]
    with drawer(f"in.{section}", t("panel.unused", section=name) if idle else name) as inside:
        if inside.open:
            for parameter_name, leaves in groupby(levers, key=lambda lever: part(lever[0], 2)):
                term = SECTIONS[section].terms()[parameter_name.split(".")[1]]
                parameter(base, view, term, list(leaves))
    count_note(edited)


def count_note(edited: list[str]) -> None:
    """How many levers of a drawer have been moved, below it; the place is there even when nothing is said."""
    with st.container():
        if edited:
            st.caption(t("panel.section_changed", count=len(edited)))


def scenario_choice(view: View) -> None:
    """The scenarios of the library, once there is more than one."""
    names, lang = list(dict.fromkeys([*offered(), view.scenario])), language()  # one kept in the library, too
    if len(names) > 1:
        state.show("scenario", view.scenario)
        st.selectbox(t("panel.scenario"), names, key="scenario", index=names.index(view.scenario),
                     format_func=lambda name: scenario_name(name, lang),
                     on_change=state.ask, args=("scenario", change_scenario))


def scenario_name(name: str, language: str) -> str:
    """A scenario by its title; one kept in the library with its entry and version, as its title may be another's."""
    title, kept = known(name).title[language], KEPT.fullmatch(name)
    return say(language, "panel.kept", title=title, code=kept[1], number=kept[2]) if kept else title


def change_scenario() -> None:
    """Go to the scenario chosen, as it stands, and say what stays behind."""
    state.look(back=False)  # what stays behind is what is then left, not what was looked at
    behind = len(state.view().edits)
    state.take(lambda: view_of(st.session_state["scenario"]))
    if behind:
        st.session_state["notice"] = "panel.behind", {"count": behind}


def quick_moves(base: Scenario, view: View) -> None:
    """One slider for many levers."""
    st.subheader(t("panel.quick"), help=t("panel.quick_help"))
    edits = dict(view.edits)
    for package in packages(base, view.since):
        if not package.start:
            continue
        key, stands = f"quick.{package.name}", position(package, edits)
        state.show(key, stands or 0.0)
        tiers = joined([base.axes.tier[tier][language()] for tier in base.axes.primary], language())
        st.slider(t(f"panel.{package.name}"), float(package.low), float(package.high), stands or 0.0, format="%+g",
                  step=float(package.step), key=key, on_change=state.ask, args=(key, move, package),
                  help=t(f"panel.{package.name}_help", count=len(package.start), tiers=tiers))
        with st.container():  # always there, so that nothing below changes its place
            if stands is None:
                st.caption(t("panel.quick_mixed"))
            if years := later(base, view, package.start):
                st.caption(t("panel.quick_planned", years=years))


def later(base: Scenario, view: View, levers: Iterable[str]) -> str:
    """The years after the edits begin in which a scenario itself changes some levers, or nothing."""
    years = {year for lever in levers for year, _ in programmes.plan(base, lever, view.since)}
    return years_of(years, language()) if years else ""


def move(package: Package) -> None:
    """Carry out a quick move."""
    state.edit(moved_by(package, st.session_state[f"quick.{package.name}"]))


def changes_made(base: Scenario, view: View) -> None:
    """From when the edits hold, how many there are, and the way back."""
    state.show("since", view.since)
    st.selectbox(t("panel.since"), list(base.horizon()), base.horizon().index(view.since),
                 key="since", help=t("panel.since_help"),
                 on_change=state.ask, args=("since", begin_in))
    count = len(view.edits)
    st.caption(count_text(view))
    with st.container(gap="xsmall"):
        if count:
            displaced = [lever for lever, _ in view.levers if programmes.plan(base, lever, view.since)]
            if displaced:
                st.caption(t("panel.displaced", count=len(displaced), year=view.since,
                             years=later(base, view, displaced)))
            with drawer("in.changes", t("panel.changes"), "compact") as inside:
                if inside.open:
                    edits_made(view)
    replay.controls(view)


def count_text(view: View) -> str:
    """How many levers have been moved, and how many assumptions are taken otherwise."""
    said = [t("panel.some", count=len(view.levers), year=view.since)] if view.levers else []
    said += [t("ranges.some", count=len(view.assumed))] if view.assumed else []
    return (" " if language() == "en" else "").join(said) or t("panel.none")


def edits_made(view: View) -> None:
    """The levers and assumptions moved, each with its old and its new value."""
    for each in moved(view, language())[:LISTED]:
        st.caption(plain(f"{each.title}　{each.old} → {each.new}"))
    if len(view.edits) > LISTED:
        st.caption(t("panel.more_changes", count=len(view.edits) - LISTED))


def begin_in() -> None:
    """Let the edits begin in the year chosen, and say which of them the scenario's own values there undo or outdo."""
    state.look(back=False)  # the present edits are moved, not those looked at
    view, since = state.view(), st.session_state["since"]
    state.take(lambda: view_of(view.scenario, since, view.edits))
    if state.view().since != since:
        return
    kept = dict(state.view().levers)
    gone = [lever for lever, _ in view.levers if lever not in kept]
    turned = [lever for lever, value in kept.items()
              if way(view.scenario, lever, value, view.since) * way(view.scenario, lever, value, since) < 0]
    if gone or turned:
        st.session_state["notice"] = "panel.moved_on", {"year": since, "gone": len(gone), "turned": len(turned)}


def way(scenario: str, lever: str, value: Any, year: int) -> float:
    """How far an edit is above what a scenario itself says in a year; nothing for what is no number."""
    own = lever_value(known(scenario), lever, year)
    return value - own if isinstance(value, int | float) and isinstance(own, int | float) else 0.0


def parameter(base: Scenario, view: View, term: Term, leaves: list[tuple]) -> None:
    """One parameter of the regulation: a drawer with its levers under the names of what they apply to."""
    edits, whole = dict(view.edits), part(leaves[0][0], 2)
    with drawer(f"of.{whole}", plain(term.title[language()]), "compact") as inside:
        if inside.open:
            for note in notes(base, view, whole, term):
                st.caption(note)
            heading = None
            for lever, value, *_ in leaves:
                *above, member = base.lever_names(lever, language()).split(" · ")
                if above[1:] and above[1:] != heading:
                    heading = above[1:]
                    st.markdown("**" + plain(" · ".join(heading)) + "**")
                widget(base, view, lever, value, term, plain(member))
                if lever in edits:
                    was = lever_text(lever_value(base, lever, view.since), term, language())
                    note, back = st.columns([3, 1], vertical_alignment="center", gap="xsmall")
                    note.caption(t("lever.changed", was=was))
                    back.button(t("lever.reset"), key=f"reset.{lever}", type="tertiary",
                                on_click=state.ask, args=(f"reset.{lever}", state.reset, lever))
    count_note([lever for lever, *_ in leaves if lever in edits])


def notes(base: Scenario, view: View, whole: str, term: Term) -> list[str]:
    """What a reader should know before moving a parameter: that it waits, is planned, or is the counties' own."""
    found = []
    if names := waits(view, term):
        found.append(names)
    if years := planned(base, whole, view.since):
        found.append(t("lever.planned", years=years_of(years, language()), since=view.since))
    if areas := programmes.local(view, whole):
        names = [base.axes.area[area][language()] for area in areas]
        found.append(t("lever.local", areas=plain((", " if language() == "en" else "、").join(names))))
    return found


def waits(view: View, term: Term) -> str:
    """The sentence that a lever does nothing until others are set, or nothing."""
    needed = []
    for lever in programmes.waits_for(view, term):
        other = find_lever(lever)[3]
        key = "lever.waits_for_choice" if other.choices else "lever.waits_for"
        needed.append(t(key, name=plain(other.title[language()]), choice=choice_text(term.needs[lever], language())
                        if other.choices else ""))
    return t("lever.waits", names=t("lever.waits_and").join(needed)) if needed else ""


def widget(base: Scenario, view: View, lever: str, value: Any, term: Term, name: str) -> None:
    """One lever as a slider, a number box or a choice, as its unit and bounds ask for."""
    unit = unit_text(term.unit, language())
    common = {"key": lever, "on_change": state.ask, "args": (lever, changed, lever),
              "help": help_text(base, view, lever, term)}
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
    state.look(back=False)
    base = known(state.view().scenario)
    views = [state.view(), *reversed(st.session_state["undo"])]
    same = takewhile(lambda view: view.scenario == views[0].scenario, views)  # another's number is not its own
    earlier = [dict(view.edits).get(lever, lever_value(base, lever, view.since)) for view in same]
    numbers = [*earlier, lever_value(base, lever, views[0].since), find_lever(lever)[3].low]
    lifted = st.session_state[f"unlimited.{lever}"]
    state.edit([(lever, None if lifted else next(number for number in numbers if number is not None))])


def help_text(base: Scenario, view: View, lever: str, term: Term) -> str:
    """What a lever means, what it may be, what it waits for, and the clause its value rests on."""
    section, name, *_ = find_lever(lever)
    policy = programmes.policies_of(View(view.scenario, base.first_year))[view.since - base.first_year]
    source = getattr(getattr(policy, section), name).source
    if term.choices:
        named = [choice_text(name, language()) for name in term.choices]
        bounds = t("panel.choices", choices=joined(named, language()))
    else:
        low, high = (lever_text(value, term, language()) for value in (term.low, term.high))
        bounds = t("panel.limits", low=low, high=high, unit=unit_text(term.unit, language()))
    parts = [waits(view, term), *(plain(part) for part in (term.help[language()], bounds)),
             plan_text(base, view, lever, term), plain(clause(base, source, language()))]
    return "\n\n".join(filter(None, parts))


def plan_text(base: Scenario, view: View, lever: str, term: Term) -> str:
    """What the scenario itself makes of a lever in later years, or nothing."""
    steps = [t("lever.plan_step", year=year, value=t("lever.plan_several") if isinstance(value, Mapping)
               else lever_text(value, term, language())) for year, value in programmes.plan(base, lever, view.since)]
    return plain(t("lever.plan", steps=(", " if language() == "en" else "，").join(steps))) if steps else ""


def share(view: View) -> None:
    """The view as a link and as a file."""
    st.subheader(t("share.title"))
    if st.session_state["class"]:  # the address bar also leads to a seat, which is one reader's alone
        st.caption(t("share.link_in_class"))
        st.code(f"{st.context.url or ''}?{urlencode(to_query(view, language()))}", language=None, wrap_lines=True)
    else:
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
