"""Presets: named sets of edits that one click makes or takes away. They are data, in data/presets.yaml."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from report.text import plain
from simulation.estimates import Interval, stated
from simulation.reading import build, read_text, read_yaml
from simulation.scenario import Name, Scenario, clause, find_lever
from simulation.terms import OFF, BadInput, Document, Fault, Record, Source, Words, refuse, words
from ui import state
from ui.packages import moved, packages
from ui.register import assumed
from ui.text import language, t
from ui.view import View, known, number, view_of, with_edits, without

FILE = Path(__file__).resolve().parent.parent / "data" / "presets.yaml"


class Preset(Record):
    """One set of edits: its words, what it moves, and what its size rests on."""

    title: Words
    about: Words
    source: Source
    quick: dict[str, float] = {}
    levers: dict[str, Any] = {}
    times: dict[str, float] = {}
    plus: dict[str, float] = {}
    include: tuple[Name, ...] = ()


class Presets(Record):
    """The file of presets with the documents it cites."""

    documents: dict[str, Document]
    presets: dict[Name, Preset]


@lru_cache
def offered() -> Presets:
    """The presets that come with the project."""
    return build(Presets, read_yaml(read_text(FILE), FILE.name), FILE.name, check)


def check(presets: Presets, place: str) -> list[Fault]:
    """Faults of a file of presets: documents and presets that are not there."""
    faults = []
    for name, preset in presets.presets.items():
        if preset.source.document not in (None, *presets.documents):
            faults.append(Fault(f"{place}: {name}.source", words("没有列出这份文件", "this document is not listed"),
                                words("请列在 documents 下", "list it under documents")))
        if any(other not in presets.presets or presets.presets[other].include for other in preset.include):
            faults.append(Fault(f"{place}: {name}.include", words("只能包含别的单项", "includes what is no single one"),
                                words("请改正名称", "correct the names")))
    return faults


def edits_of(preset: Preset, base: Scenario, since: int) -> list[tuple[str, Any]]:
    """The edits that a preset makes of a scenario from a year on; refused where the scenario lacks what it moves.

    >>> edits_of(offered().presets["deferred_care"], known("benxi_2008"), 2008)[0]
    ('utilisation.admissions', Interval(low=0.7735, median=0.91, high=1.0738, reason=''))
    """
    found: list[tuple[str, Any]] = []
    for other in preset.include:
        found += edits_of(offered().presets[other], base, since)
    on_offer = {package.name: package for package in packages(base, since)}
    for name, amount in preset.quick.items():
        if name not in on_offer or not on_offer[name].start:
            raise lacking(preset, base)
        found += moved(on_offer[name], amount)
    for lever, value in preset.levers.items():
        if not base.has(find_lever(lever)[3].where):
            raise lacking(preset, base)
        found.append((lever, value))
    used = [name for name in preset.times if assumed(base, name).source != OFF]
    if preset.times and not used:
        raise lacking(preset, base)
    return found + [(name, Interval(*(number(point * preset.times.get(name, 1) + preset.plus.get(name, 0))
                                      for point in stated(assumed(base, name))[:3])))
                    for name in dict.fromkeys([*used, *preset.plus])]


def lacking(preset: Preset, base: Scenario) -> BadInput:
    """The refusal of a preset by a scenario that has not what it moves."""
    return refuse(preset.title.en, words(f"“{base.title.zh}”没有它要调整的内容",
                                         f"'{base.title.en}' has nothing for it to move"),
                  words("请换一个情景", "choose another scenario"))


@lru_cache(maxsize=256)
def canonical(name: str, scenario: str, since: int) -> tuple[tuple[str, Any], ...] | BadInput:
    """The edits of a preset as a view would hold them, or why a scenario refuses it."""
    try:
        return view_of(scenario, since, edits_of(offered().presets[name], known(scenario), since)).edits
    except BadInput as bad:
        return bad


def in_force(view: View, edits: tuple[tuple[str, Any], ...]) -> bool:
    """Whether a view has all of some edits; the reason given for an interval makes no difference."""
    bare = lambda value: value[:3] if isinstance(value, Interval) else value  # noqa: E731 - used twice
    present = dict(view.edits)
    return bool(edits) and all(name in present and bare(present[name]) == bare(value) for name, value in edits)


def choices(view: View) -> None:
    """A box to tick for each preset; one that the scenario refuses says why."""
    lang, file = language(), offered()
    st.subheader(t("presets.title"), help=t("presets.help"))
    with st.container(gap="xsmall"):
        for name, preset in file.presets.items():
            edits, key = canonical(name, view.scenario, view.since), f"preset.{name}"
            refused = isinstance(edits, BadInput)
            on = not refused and in_force(view, edits)
            state.show(key, on)
            said = [plain(preset.about[lang]), plain(clause(file, preset.source, lang))]
            if refused:
                said.append(plain(edits.faults[0].what[lang]))
            st.checkbox(preset.title[lang], on, key=key, help="\n\n".join(said), disabled=refused or not edits,
                        on_change=state.ask, args=(key, chosen, name))


def chosen(name: str) -> None:
    """Make the edits of a preset, or take them away."""
    state.look(back=False)  # the present edits are added to, not those looked at
    view, preset = state.view(), offered().presets[name]

    def wanted() -> View:
        edits = edits_of(preset, known(view.scenario), view.since)
        if not st.session_state[f"preset.{name}"]:
            return without(view, *(each for each, _ in edits))
        reason = preset.title[language()]
        return with_edits(view, [(each, value._replace(reason=reason) if isinstance(value, Interval) else value)
                                 for each, value in edits])

    state.take(wanted)
