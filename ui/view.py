"""What a user looks at: a scenario, the levers moved from a year on, and the assumptions taken otherwise.

Pure data. The address bar, the difference file and the undo list are three forms of the same `View`,
and the model's own checks decide what is a fault. Levers and assumptions stand in one list of edits, for no two have
the same name; what a lever is set to is its value, what an assumption is taken to be is an `Interval`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from simulation import load_scenario
from simulation.assumptions import ASSUMED, Number
from simulation.estimates import (
    SET_BY_HAND,
    Estimate,
    Interval,
    because,
    estimate_from_text,
    estimate_text,
    find_assumption,
    median_of,
    reason_of,
    stated,
)
from simulation.loading import library
from simulation.reading import build, decoded, read_yaml
from simulation.scenario import Change, Scenario, check_year, find_lever, value_in
from simulation.terms import LANGUAGES, BadInput, Fault, Record, refuse, short, words
from simulation.trees import nearest

FIRST = "urrbmi_county_2026"  # the scenario the app opens with
KEPT = re.compile(r"kept_([0-9a-f]{10})_([1-9]\d{0,8})")  # a scenario file kept on the page Library: entry and version
NO_LIMIT = "none"
MOST = 500  # levers read from one link; no scenario has so many
# What messengers and advertisers append to any link that is passed on; it is not about this page.
FOREIGN = ("utm_", "isappinstalled", "nsukey", "fbclid", "gclid")
FOREIGN_FROM = ("singlemessage", "groupmessage", "timeline")


@dataclass(frozen=True)
class View:
    """A scenario by name, the levers that differ from it from the year `since` on, and assumptions of other intervals.

    `edits` holds both: levers in the order of the regulation, then assumptions in the order declared.
    """

    scenario: str
    since: int
    edits: tuple[tuple[str, Any], ...] = ()

    @property
    def levers(self) -> tuple[tuple[str, Any], ...]:
        """The levers moved, with their values."""
        return tuple(edit for edit in self.edits if not is_assumption(edit[0]))

    @property
    def assumed(self) -> tuple[tuple[str, Interval], ...]:
        """The assumptions taken otherwise, with their intervals."""
        return tuple(edit for edit in self.edits if is_assumption(edit[0]))


class Edit(Record):
    """One lever of a difference file."""

    lever: str
    year: int
    value: Any


class Otherwise(Record):
    """One assumption of a difference file."""

    assumption: str
    low: Number
    high: Number
    median: Number | None = None
    reason: str = ""


class Difference(Record):
    """A difference file: the scenario it starts from and what it changes."""

    base: str
    changes: tuple[Edit, ...] = ()
    assumptions: tuple[Otherwise, ...] = ()


@lru_cache(maxsize=64)
def known(name: str) -> Scenario:
    """A scenario of the sandbox or one kept in its database. A link must not open a file by its path: names only."""
    if kept := KEPT.fullmatch(name):
        from ui import shelf  # only such a name needs the database
        return shelf.scenario_in(kept[1], int(kept[2]))
    if name not in library():
        near = nearest(name, library())
        raise refuse(f"scenario={short(name)}", words("没有这个情景", "no such scenario"),
                     words(f"是否为：{near}", f"did you mean {near}"))
    return load_scenario(name)


def in_commands(name: str) -> str:
    """What the command line calls a scenario: its name, or the file that the page Library hands out.

    >>> in_commands("benxi_2008"), in_commands("kept_0123456789_2")
    ('benxi_2008', 'kept_0123456789_2.yaml')
    """
    return f"{name}.yaml" if KEPT.fullmatch(name) else name


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


def is_assumption(name: str) -> bool:
    """Whether a dotted name is an assumption's rather than a lever's.

    >>> is_assumption("utilisation.cost_growth"), is_assumption("benefits.ceiling")
    (True, False)
    """
    return name.partition(".")[0] in ASSUMED


def estimates(edits: Iterable[tuple[str, Interval]]) -> list[Estimate]:
    """Assumptions taken otherwise as the model's estimates, the reason as the note of the source."""
    return [Estimate(name=name, low=low, high=high, median=median, source=because(reason, SET_BY_HAND))
            for name, (low, median, high, reason) in edits]


def changes(edits: Iterable[tuple[str, Any]], since: int) -> list[Change]:
    """Levers moved as the dated changes of the model."""
    return [Change(lever=lever, year=since, value=number(value), source=SET_BY_HAND) for lever, value in edits]


@lru_cache(maxsize=128)
def scenario_of(view: View) -> Scenario:
    """The scenario with the edits of a view: levers in force from its year on, assumptions throughout."""
    return known(view.scenario).changed(changes(view.levers, view.since)).assuming(estimates(view.assumed))


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
    check_year(base, since, f"from={since}")
    if not (edits := tuple(edits)):
        return View(name, since)
    edited = base.changed(changes([edit for edit in edits if not is_assumption(edit[0])], since))
    before = base.policy_in(since)
    moved = tuple((lever, value) for lever, value, *_ in edited.levers(since) if value != value_in(before, lever))
    return View(name, since, moved + otherwise(base, [edit for edit in edits if is_assumption(edit[0])]))


def otherwise(base: Scenario, edits: Iterable[tuple[str, Iterable[Any]]]) -> tuple[tuple[str, Interval], ...]:
    """Intervals other than the scenario's, in the order declared; of an assumption named twice, the last.

    Without a median, it is where the model takes it to be.
    """
    found = {}
    for name, interval in edits:
        low, median, high, *reason = interval
        section, field, _ = find_assumption(name)
        given = getattr(getattr(base.assumptions, section), field)
        wanted, = estimates([(name, Interval(number(low), median, number(high)))])
        found[name] = Interval(number(low), number(median_of(given, wanted)), number(high),
                               reason_of(*reason, name) if reason else "")
        if found[name][:3] == tuple(map(number, stated(given)[:3])):
            del found[name]
    base.assuming(estimates(found.items()))
    order = {f"{section}.{name}": n for n, (section, name) in enumerate(
        (section, name) for section, model in ASSUMED.items() for name in model.model_fields)}
    return tuple(sorted(found.items(), key=lambda edit: order[edit[0]]))


def with_edits(view: View, edits: Iterable[tuple[str, Any]]) -> View:
    """The view with further levers or assumptions set; one set to its old value is no longer an edit."""
    return view_of(view.scenario, view.since, [*view.edits, *edits])


def without(view: View, *names: str) -> View:
    """The view with some levers or assumptions back at what the scenario says."""
    return view_of(view.scenario, view.since, [edit for edit in view.edits if edit[0] not in names])


# --- the address bar --------------------------------------------------------------------------------

def to_query(view: View, language: str) -> dict[str, str]:
    """The view as the parameters of a link.

    >>> to_query(view_of("benxi_2008", 2010, [("benefits.ceiling", 40000)]), "zh")
    {'scenario': 'benxi_2008', 'lang': 'zh', 'benefits.ceiling': '40000', 'from': '2010'}
    """
    levers = {lever: NO_LIMIT if value is None else str(value) for lever, value in view.levers}
    assumed = {name: estimate_text(*interval) for name, interval in view.assumed}
    return {"scenario": view.scenario, "lang": language, **levers, **assumed, "from": str(view.since)}


def from_query(parameters: Mapping[str, Sequence[str]]) -> tuple[View, str | None, list[Fault]]:
    """The view a link asks for, its language if it names one, and a fault for each part it cannot have."""
    faults: list[Fault] = []
    rest = {name: values for name, values in parameters.items() if values and not name.startswith(FOREIGN)}
    language = rest.pop("lang", [None])[0]
    if language not in (None, *LANGUAGES):
        faults.append(Fault(f"lang={short(language)}", words("没有这种语言", "there is no such language"),
                            words("请用 zh 或 en", "use zh or en")))
        language = None
    name = rest.pop("scenario", [FIRST])[0]
    try:
        base = known(name)
    except BadInput as bad:
        faults += bad.faults
        name, base = FIRST, known(FIRST)
    since = base.first_year
    try:
        since = year_of(base, rest.pop("from", []))
    except BadInput as bad:
        faults += bad.faults
    edits: list[tuple[str, Any]] = []
    for moved, values in islice(rest.items(), MOST):
        try:
            if is_assumption(moved):
                edit = (moved, interval_of(moved, values[0]))
                otherwise(base, [*(edit for edit in edits if is_assumption(edit[0])), edit])
            else:
                edit = (moved, parsed(values[0]))
                base.changed(changes([edit], since))
            edits.append(edit)
        except BadInput as bad:
            faults += bad.faults
    return view_of(name, since, edits), language, faults


def year_of(base: Scenario, texts: Sequence[str]) -> int:
    """The year a link names, past anything a messenger has put beside it."""
    texts = [text for text in texts if text not in FOREIGN_FROM]
    if not texts:
        return base.first_year
    year = parsed(texts[0])
    if not isinstance(year, int):
        raise refuse(f"from={short(texts[0])}", words("不是年份", "not a year"),
                     words(f"例如 from={base.first_year}", f"for example from={base.first_year}"))
    check_year(base, year, f"from={year}")
    return year


def interval_of(name: str, text: str) -> Interval:
    """The interval a link's text stands for; its median is left open where the text names none."""
    found = estimate_from_text(name, text, SET_BY_HAND)
    reason = found.source.note.zh if found.source != SET_BY_HAND else ""
    return Interval(found.low, found.median, found.high, reason)


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
             for lever, value in view.levers]
    lines = ["changes:" if lines else "changes: []", *lines]
    if view.assumed:
        lines += ["assumptions:", *(
            f"  - {{assumption: {name}, low: {low}, median: {median}, high: {high}, "
            f"reason: {json.dumps(reason, ensure_ascii=False)}}}"
            for name, (low, median, high, reason) in view.assumed)]
    return "\n".join([f"base: {view.scenario}", *lines, ""])


def from_file(content: bytes, place: str) -> View:
    """The view a difference file holds; raises `BadInput` with every fault found."""
    data = read_yaml(decoded(content, place), place)
    if not isinstance(data, Mapping):
        raise refuse(place, words("内容不是差异文件", "this is not a difference file"),
                     words("请从 base 和 changes 开始", "begin with base and changes"))
    difference: Difference = build(Difference, data, place)
    named = [*(edit.lever for edit in difference.changes), *(edit.assumption for edit in difference.assumptions)]
    for name, times in Counter(named).items():
        if times > 1:
            raise refuse(f"{place}: {short(name)}", words("调整了不止一次", "is changed more than once"),
                         words("请只保留一次", "keep one of them"))
    years = sorted({edit.year for edit in difference.changes})
    if len(years) > 1:
        raise refuse(f"{place}: changes", words("起始年份不止一个", "they begin in different years"),
                     words("本页的调整都从同一年起生效，请改为同一年",
                           "edits of this page begin in one year: give them the same"))
    for edit in difference.changes:
        find_lever(edit.lever)
    for edit in difference.assumptions:
        find_assumption(edit.assumption)
    edits = [*((edit.lever, edit.value) for edit in difference.changes),
             *((edit.assumption, Interval(edit.low, edit.median, edit.high, edit.reason))
               for edit in difference.assumptions)]
    return view_of(difference.base, years[0] if years else None, edits)
