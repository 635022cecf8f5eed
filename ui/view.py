"""What a user looks at: a scenario, the levers moved, and the year from which they hold.

Pure data. The address bar, the difference file and the undo list are three forms of the same `View`,
and the model's own checks decide what is a fault.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from simulation import load_scenario
from simulation.scenario import Change, Scenario, build, lever_value, library, read_yaml
from simulation.terms import LANGUAGES, BadInput, Fault, Record, Source, refuse, short, words
from simulation.trees import nearest

FIRST = "urrbmi_county_2026"  # the scenario the app opens with
EDITED = Source(status="assumption", note=words("在网页上调整", "edited in the browser"))
NO_LIMIT = "none"
MOST = 500  # levers read from one link; no scenario has so many
# What messengers and advertisers append to any link that is passed on; it is not about this page.
FOREIGN = ("utm_", "isappinstalled", "nsukey", "fbclid", "gclid")
FOREIGN_FROM = ("singlemessage", "groupmessage", "timeline")


@dataclass(frozen=True)
class View:
    """A scenario by name, and the levers that differ from it from the year `since` on."""

    scenario: str
    since: int
    edits: tuple[tuple[str, Any], ...] = ()


class Edit(Record):
    """One line of a difference file."""

    lever: str
    year: int
    value: Any


class Difference(Record):
    """A difference file: the scenario it starts from and what it changes."""

    base: str
    changes: tuple[Edit, ...] = ()


@lru_cache(maxsize=64)
def known(name: str) -> Scenario:
    """A scenario of the library. A link must not open a file by its path, so names only."""
    if name not in library():
        near = nearest(name, library())
        raise refuse(f"scenario={short(name)}", words("没有这个情景", "no such scenario"),
                     words(f"是否为：{near}", f"did you mean {near}"))
    return load_scenario(name)


def offered() -> list[str]:
    """The scenarios of the library that can be read: the opening one, then by year and name."""
    found = {}
    for name in library():
        try:
            found[name] = known(name)
        except BadInput:  # a file being written: the others stay on offer
            continue
    return sorted(found, key=lambda name: (name != FIRST, found[name].first_year, name))


def number(value: Any) -> Any:
    """A number in the one form used everywhere: whole numbers as int, no noise of binary fractions.

    >>> number(45.0), number(0.6100000000000001), number("abc")
    (45, 0.61, 'abc')
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    try:
        value = round(float(value), 9)
    except OverflowError:  # an integer too long for a float is far outside every bound
        return float("inf")
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def changes(edits: Iterable[tuple[str, Any]], since: int) -> list[Change]:
    """Edits as the dated changes of the model."""
    return [Change(lever=lever, year=since, value=number(value), source=EDITED) for lever, value in edits]


@lru_cache(maxsize=128)
def scenario_of(view: View) -> Scenario:
    """The scenario with the edits of a view, each in force from its year on (see `Scenario.changed`)."""
    return known(view.scenario).changed(changes(view.edits, view.since))


def baseline(view: View) -> View:
    """The same scenario without any edit."""
    return view_of(view.scenario)


def view_of(name: str, since: int | None = None, edits: Iterable[tuple[str, Any]] = ()) -> View:
    """A view in its one canonical form: only the leaves that differ, in the order of the regulation.

    >>> view_of("benxi_2008", edits=[("benefits.ceiling", 40000.0), ("lines.surplus_ratio", 0.15)]).edits
    (('benefits.ceiling', 40000),)
    """
    base = known(name)
    since = base.first_year if since is None else since
    check_year(base, since)
    if not (edits := tuple(edits)):
        return View(name, since)
    edited = base.changed(changes(edits, since))
    return View(name, since, tuple((lever, value) for lever, value, *_ in edited.levers(since)
                                   if value != lever_value(base, lever, since)))


def check_year(base: Scenario, year: int) -> None:
    """Refuse a year that is not simulated."""
    if year not in base.horizon():
        first, last = base.first_year, base.horizon()[-1]
        raise refuse(f"from={year}", words("年份不在模拟期内", "the year is not simulated"),
                     words(f"请用 {first} 到 {last}", f"use {first} to {last}"))


def with_edits(view: View, edits: Iterable[tuple[str, Any]]) -> View:
    """The view with further levers set; one set to its old value is no longer an edit."""
    return view_of(view.scenario, view.since, [*view.edits, *edits])


def without(view: View, lever: str) -> View:
    """The view with one lever back at the scenario's value."""
    return view_of(view.scenario, view.since, [edit for edit in view.edits if edit[0] != lever])


# --- the address bar --------------------------------------------------------------------------------

def to_query(view: View, language: str) -> dict[str, str]:
    """The view as the parameters of a link.

    >>> to_query(view_of("benxi_2008", 2010, [("benefits.ceiling", 40000)]), "zh")
    {'scenario': 'benxi_2008', 'lang': 'zh', 'benefits.ceiling': '40000', 'from': '2010'}
    """
    levers = {lever: NO_LIMIT if value is None else str(value) for lever, value in view.edits}
    return {"scenario": view.scenario, "lang": language, **levers, "from": str(view.since)}


def from_query(parameters: Mapping[str, Sequence[str]]) -> tuple[View, str | None, list[Fault]]:
    """The view a link asks for, its language if it names one, and a fault for each part it cannot have."""
    faults: list[Fault] = []
    rest = {name: values for name, values in parameters.items() if values and not name.startswith(FOREIGN)}
    language = rest.pop("lang", [None])[0]
    if language not in (None, *LANGUAGES):
        faults.append(Fault(f"lang={short(language)}", words("没有这种语言", "there is no such language"),
                            words("请用 zh 或 en", "use zh or en")))
        language = None
    try:
        base = known(rest.pop("scenario", [FIRST])[0])
    except BadInput as bad:
        faults += bad.faults
        base = known(FIRST)
    since = base.first_year
    try:
        since = year_of(base, rest.pop("from", []))
    except BadInput as bad:
        faults += bad.faults
    edits = []
    for lever, values in islice(rest.items(), MOST):
        edit = (lever, parsed(values[0]))
        try:
            base.changed(changes([edit], since))
            edits.append(edit)
        except BadInput as bad:
            faults += bad.faults
    return view_of(base.name, since, edits), language, faults


def year_of(base: Scenario, texts: Sequence[str]) -> int:
    """The year a link names, past anything a messenger has put beside it."""
    texts = [text for text in texts if text not in FOREIGN_FROM]
    if not texts:
        return base.first_year
    year = parsed(texts[0])
    if not isinstance(year, int):
        raise refuse(f"from={short(texts[0])}", words("不是年份", "not a year"),
                     words(f"例如 from={base.first_year}", f"for example from={base.first_year}"))
    check_year(base, year)
    return year


def parsed(text: str) -> Any:
    """The value a link's text stands for; text that is no number is left for the model to judge.

    >>> parsed("40000"), parsed("0.65"), parsed("none"), parsed("above_ceiling")
    (40000, 0.65, None, 'above_ceiling')
    """
    if text == NO_LIMIT:
        return None
    try:
        return number(float(text))
    except ValueError:
        return text


# --- the difference file ----------------------------------------------------------------------------

def to_file(view: View) -> str:
    """The view as the text of a difference file.

    >>> print(to_file(view_of("benxi_2008", 2010, [("benefits.ceiling", None)])), end="")
    base: benxi_2008
    changes:
      - {lever: benefits.ceiling, year: 2010, value: null}
    """
    lines = [f"  - {{lever: {lever}, year: {view.since}, value: {json.dumps(value)}}}"
             for lever, value in view.edits]
    return "\n".join([f"base: {view.scenario}", "changes:" if lines else "changes: []", *lines, ""])


def from_file(content: bytes, place: str) -> View:
    """The view a difference file holds; raises `BadInput` with every fault found."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refuse(place, words("不是 UTF-8 文本", "not UTF-8 text"),
                     words("请另存为 UTF-8", "save it as UTF-8")) from None
    data = read_yaml(text, place)
    if not isinstance(data, Mapping):
        raise refuse(place, words("内容不是差异文件", "this is not a difference file"),
                     words("请从 base 和 changes 开始", "begin with base and changes"))
    difference: Difference = build(Difference, data, place)
    for lever, times in Counter(edit.lever for edit in difference.changes).items():
        if times > 1:
            raise refuse(f"{place}: {short(lever)}", words("调整了不止一次", "is changed more than once"),
                         words("请只保留一次", "keep one of them"))
    years = sorted({edit.year for edit in difference.changes})
    if len(years) > 1:
        raise refuse(f"{place}: changes", words("起始年份不止一个", "they begin in different years"),
                     words("本页的调整都从同一年起生效，请改为同一年",
                           "edits of this page begin in one year: give them the same"))
    edits = [(edit.lever, edit.value) for edit in difference.changes]
    return view_of(difference.base, years[0] if years else None, edits)
