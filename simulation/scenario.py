"""A scenario: a dated rule book, the assumptions it rests on, and a list of dated changes.

Baseline, reform, an edit in the browser and an export are one list of `Change`s. Files are read by
a safe loader that refuses repeated keys; every fault is one sentence with its remedy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from simulation.assumptions import ASSUMED, Assumptions, uncertain
from simulation.policy import SECTIONS, Given, Policy
from simulation.reading import build, read_text, read_yaml
from simulation.records import Rules
from simulation.terms import BadInput, Document, Fault, Record, Source, Term, Words, check_leaf, refuse, short, words
from simulation.trees import Axes, at, check_tree, dense, dense_bands, leaves, nearest, replaced

LIBRARY = Path(__file__).resolve().parent.parent / "scenarios"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Change(Record):
    """One lever set to a value from a year on, with its source."""

    lever: str
    year: Annotated[int, Field(strict=True)]
    value: Any
    source: Source


class Provision(Record):
    """What a rule book says without a number, and how the sandbox takes it."""

    text: Words
    source: Source


class AxisNames(Record):
    """The members of every axis with their names in both languages, in the order used throughout."""

    group: dict[Name, Words]
    status: dict[Name, Words]
    kind: dict[Name, Words]
    tier: dict[Name, Words]
    level: dict[Name, Words]
    primary: tuple[Name, ...]  # the tiers that count as primary care

    def members(self) -> Axes:
        """Axis name to its members."""
        return {axis: tuple(getattr(self, axis)) for axis in ("group", "status", "kind", "tier", "level")}


class Scenario(Record):
    """A rule book with its people, prices and uncertainty."""

    name: Name
    title: Words
    story: Words
    first_year: Annotated[int, Field(ge=1990, le=2100, strict=True)]
    years: Annotated[int, Field(ge=1, le=60, strict=True)]
    documents: dict[str, Document]
    axes: AxisNames
    policy: Policy
    assumptions: Assumptions
    changes: tuple[Change, ...] = ()
    provisions: tuple[Provision, ...] = ()

    def horizon(self) -> range:
        """The calendar years simulated."""
        return range(self.first_year, self.first_year + self.years)

    def policy_in(self, year: int) -> Policy:
        """The levers as they stand in a year: the file's, with every change dated up to then."""
        policy = self.policy
        for change in sorted(self.changes, key=lambda c: c.year):
            if change.year <= year:
                policy = self._with(policy, change)
        return policy

    def policies(self) -> list[Policy]:
        """The levers of every year of the horizon; years between two changes share one object."""
        found: list[Policy] = []
        for year in self.horizon():
            moved = not found or any(change.year == year for change in self.changes)
            found.append(self.policy_in(year) if moved else found[-1])
        return found

    def _with(self, policy: Policy, change: Change) -> Policy:
        section, name, path, term = find_lever(change.lever)
        part = getattr(policy, section)
        given = getattr(part, name)
        tree = replaced(given.value, path, change.value, term, self.axes.members(), f"{section}.{name}")
        new = part.model_copy(update={name: given.model_copy(update={"value": tree, "source": change.source})})
        return policy.model_copy(update={section: new})

    def changed(self, changes: Iterable[Change]) -> Scenario:
        """The scenario with further changes, checked one by one."""
        changes = tuple(changes)
        for change in changes:
            self._check(change)
        return self.model_copy(update={"changes": self.changes + changes})

    def _check(self, change: Change) -> None:
        if change.year not in self.horizon():
            raise refuse(f"{change.lever}@{change.year}", words("年份不在模拟期内", "the year is not simulated"),
                         words(f"请用 {self.first_year} 到 {self.horizon()[-1]}",
                               f"use {self.first_year} to {self.horizon()[-1]}"))
        try:
            section, name, path, term = find_lever(change.lever)
            if faults := check_leaf(term, change.value, change.lever):
                raise BadInput(faults)
            given = getattr(getattr(self.policy, section), name)
            replaced(given.value, path, change.value, term, self.axes.members(), f"{section}.{name}")
        except BadInput as bad:
            raise BadInput([Fault(change.lever, fault.what, self._hint(change.lever) or fault.remedy)
                            if fault.what.en == "unknown name" else fault for fault in bad.faults]) from None

    def _hint(self, lever: str) -> Words:
        near = nearest(lever, [name for name, *_ in self.levers()])
        return words(f"是否为：{near}", f"did you mean {near}")

    def levers(self, year: int | None = None) -> list[tuple[str, Any, Term, Source]]:
        """Dotted name, value, term and source of every lever leaf as it stands in a year."""
        policy = self.policy_in(year or self.first_year)
        found = []
        for section, model in SECTIONS.items():
            for name, term in model.terms().items():
                given = getattr(getattr(policy, section), name)
                found += [(leaf, value, term, given.source)
                          for leaf, value in leaves(given.value, f"{section}.{name}")]
        return found

    def lever_names(self, lever: str, language: str) -> str:
        """The name of a lever leaf in words, such as 支付比例 · 住院 · 成年居民 · 一级.

        >>> load_scenario("benxi_2008").lever_names("benefits.rate.inpatient.child.level_1", "en")
        'Reimbursement rate · Inpatient · Students and under 18 · Level 1'
        """
        _, _, path, term = find_lever(lever)
        members = [getattr(self.axes, axis)[key][language] if axis != "band" else key.removeprefix("from_") + "+"
                   for axis, key in zip(term.axes, path, strict=False)]
        return " · ".join([term.title[language], *members])

    def value(self, section: str, name: str, names: tuple[str, ...] = ()) -> np.ndarray:
        """An assumption's central value as an array over the named axes."""
        return dense(getattr(getattr(self.assumptions, section), name).value, names, self.axes.members())

    def text(self) -> str:
        """The scenario as one line of JSON, from which it can be built again; the order of axes is kept."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False)


def find_lever(lever: str) -> tuple[str, str, list[str], Term]:
    """Section, field, remaining path and term of a dotted lever name.

    >>> find_lever("lines.surplus_ratio")[:3]
    ('lines', 'surplus_ratio', [])
    """
    section, _, rest = lever.partition(".")
    name, *path = rest.split(".")
    model = SECTIONS.get(section)
    if model is None or name not in model.model_fields:
        known = [f"{s}.{n}" for s, m in SECTIONS.items() for n in m.model_fields]
        near = nearest(".".join(lever.split(".")[:2]), known)
        raise refuse(short(lever), words("不认识的名称", "unknown name"),
                     words(f"是否为：{near}", f"did you mean {near}"))
    return section, name, path, model.terms()[name]


def compile_rules(scenario: Scenario, policy: Policy) -> Rules:
    """The benefit rules of a year's policy as arrays (see `Rules` for shapes and units)."""
    axes = scenario.axes.members()
    b = policy.benefits
    first = dense(b.deductible.value, ("kind", "tier"), axes)
    lower, upper, rate = dense_bands(b.rate.value, "group", ("kind", "tier"), axes)
    critical_lower, critical_upper, critical_rate = dense_bands(b.critical_rate.value, None, (), axes)
    assistance_rate = dense(b.assistance_rate.value, ("status",), axes)
    unlimited = lambda given: np.inf if given.value is None else float(given.value)  # noqa: E731
    return Rules(
        first=first,
        annual=np.array([0.0 if kind == "inpatient" else 1.0 for kind in axes["kind"]]),
        step=dense(b.deductible_step.value, ("tier",), axes),
        floor=float(b.deductible_floor.value),
        lower=lower, upper=upper, rate=rate,
        bonus=float(b.contribution_bonus.value),
        limit=float(b.rate_limit.value),
        ceiling=unlimited(b.ceiling),
        credit=float(b.referral_credit.value),
        has_critical=bool(critical_rate.any()),
        above_ceiling=float(b.critical_base.value == "above_ceiling"),
        critical_due=float(b.critical_deductible.value),
        critical_lower=critical_lower, critical_upper=critical_upper, critical_rate=critical_rate[:, 0].copy(),
        critical_ceiling=unlimited(b.critical_ceiling),
        has_assistance=bool(assistance_rate.any()),
        assistance_rate=assistance_rate,
        assistance_due=float(b.assistance_deductible.value),
        assistance_ceiling=unlimited(b.assistance_ceiling),
    )


def parse_scenario(text: str, place: str) -> Scenario:
    """A checked scenario from its YAML text; raises `BadInput` with every fault found."""
    data = read_yaml(text, place)
    if not isinstance(data, Mapping):
        raise refuse(place, words("内容不是一个情景", "this is not a scenario"),
                     words("请从 name、title 开始", "begin with name and title"))
    return build(Scenario, data, place, check_scenario)


def check_scenario(scenario: Scenario, place: str) -> list[Fault]:
    """Every fault of a scenario's values: trees, bounds, intervals, documents, changes, sums."""
    axes = scenario.axes.members()
    faults: list[Fault] = []

    def check_source(source: Source, where: str) -> None:
        if source.document is not None and source.document not in scenario.documents:
            near = nearest(source.document, list(scenario.documents))
            faults.append(Fault(f"{where}.source.document", words("没有列出这份文件", "this document is not listed"),
                                words(f"是否为：{near}", f"did you mean {near}")))
        if source.status in ("law", "bulletin") and not source.document:
            faults.append(Fault(f"{where}.source", words("缺少文件", "no document is named"),
                                words("请写 document,或改为 assumption",
                                      "name its document, or call it an assumption")))

    def check_given(given: Given, term: Term, where: str) -> None:
        faults.extend(check_tree(term, given.value, axes, where))
        check_source(given.source, where)

    for section, model in SECTIONS.items():
        for name, term in model.terms().items():
            check_given(getattr(getattr(scenario.policy, section), name), term, f"{place}: policy.{section}.{name}")
    for section, model in ASSUMED.items():
        for name, term in model.terms().items():
            given = getattr(getattr(scenario.assumptions, section), name)
            where = f"{place}: assumptions.{section}.{name}"
            check_given(given, term, where)
            faults.extend(check_interval(given, term, where))
    if faults:
        return faults
    known = list(uncertain(scenario.assumptions))
    for n, correlation in enumerate(scenario.assumptions.correlations):
        if correlation.between[0] == correlation.between[1]:
            faults.append(Fault(f"{place}: assumptions.correlations.{n}",
                                words("与自身相关", "goes from one to itself"),
                                words("请写两个不同的假设", "name two different assumptions")))
        for name in correlation.between:
            if name not in known:
                near = nearest(name, known)
                faults.append(Fault(f"{place}: assumptions.correlations.{n}", words(f"{short(name)} 没有区间",
                                                                                    f"{short(name)} has no interval"),
                                    words(f"是否为：{near}", f"did you mean {near}")))
    mix = scenario.value("utilisation", "tier_mix", ("group", "tier")).sum(axis=1)
    for group, total in zip(axes["group"], mix, strict=True):
        if abs(total - 1) > 1e-6:
            faults.append(Fault(f"{place}: assumptions.utilisation.tier_mix.{group}", words(f"合计为 {total:g}",
                                                                                            f"adds up to {total:g}"),
                                words("请使合计为 1", "make it add up to 1")))
    for tier in scenario.axes.primary:
        if tier not in axes["tier"]:
            faults.append(Fault(f"{place}: axes.primary.{tier}", words("不认识的名称", "unknown name"),
                                words(f"是否为：{nearest(tier, axes['tier'])}",
                                      f"did you mean {nearest(tier, axes['tier'])}")))
    if axes["kind"] != ("inpatient", "chronic"):
        faults.append(Fault(f"{place}: axes.kind",
                            words("应为住院和门诊特殊病种", "these are not the kinds that are simulated"),
                            words("请依次写 inpatient 和 chronic", "write inpatient, then chronic")))
    for n, provision in enumerate(scenario.provisions):
        check_source(provision.source, f"{place}: provisions.{n}")
    for n, change in enumerate(scenario.changes):
        try:
            scenario._check(change)
            check_source(change.source, f"{place}: changes.{n}")
        except BadInput as bad:
            faults += [Fault(f"{place}: changes.{n}: {fault.place}", fault.what, fault.remedy) for fault in bad.faults]
    return faults


def check_interval(given: Any, term: Term, where: str) -> list[Fault]:
    """Faults of an interval: both ends in order around the value, inside the term's bounds."""
    faults = []
    if given.range and given.factor:
        faults.append(Fault(where, words("range 与 factor 只能写一个", "has both a range and a factor"),
                            words("请删去一个", "remove one")))
    if given.range:
        low, high = given.range
        plain = isinstance(given.value, int | float)
        if not plain or not term.low <= low <= given.value <= high <= term.high:
            faults.append(Fault(f"{where}.range", words("区间应在界限内并包含中值",
                                                        "the ends do not enclose the value within bounds"),
                                words("请写 [低, 高]", "write [low, high] around it")))
    if given.factor and not 0.01 <= given.factor[0] <= 1 <= given.factor[1] <= 100:
        faults.append(Fault(f"{where}.factor", words("倍数区间应包含 1", "the multipliers do not enclose 1"),
                            words("例如 [0.9, 1.1]", "for example [0.9, 1.1]")))
    return faults


def library() -> list[str]:
    """The names of the scenarios that come with the project."""
    return sorted(path.stem for path in LIBRARY.glob("*.yaml"))


@lru_cache(maxsize=64)
def _library_scenario(name: str) -> Scenario:
    return parse_scenario(read_text(LIBRARY / f"{name}.yaml"), f"{name}.yaml")


def load_scenario(name_or_path: str | Path) -> Scenario:
    """A scenario of the library by name, or one from a file.

    >>> load_scenario("benxi_2008").first_year
    2008
    """
    name = str(name_or_path)
    if name in library():
        return _library_scenario(name)
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml") and not path.exists():
        near = nearest(name, library())
        raise refuse(short(name), words("没有这个情景", "no such scenario"), words(f"是否为：{near}",
                                                                                   f"did you mean {near}"))
    return parse_scenario(read_text(path), path.name)


def clause(scenario: Scenario, source: Source, language: str = "en") -> str:
    """The provenance of a value on one line.

    >>> s = load_scenario("benxi_2008")
    >>> clause(s, s.policy.benefits.ceiling.source, "zh").split(" ")[-1]
    '第十八条'
    """
    status = STATUS[source.status][language]
    document = scenario.documents[source.document].title if source.document else ""
    note = source.note[language] if source.note else ""
    return " ".join(part for part in (f"[{status}]", note, document, source.clause) if part)


STATUS = {"law": words("法规", "law"), "bulletin": words("公报", "bulletin"),
          "estimate": words("估计", "estimate"), "assumption": words("假设", "assumption")}


def lever_value(scenario: Scenario, lever: str, year: int | None = None) -> Any:
    """The value of a lever, a leaf or spread out from above, in a year.

    >>> lever_value(load_scenario("benxi_2008"), "benefits.ceiling")
    30000
    """
    section, name, path, _ = find_lever(lever)
    policy = scenario.policy_in(year or scenario.first_year)
    return at(getattr(getattr(policy, section), name).value, path)


def value_from_text(text: str) -> Any:
    """A lever's value from text: a number, null, or a word for levers that are choices.

    >>> value_from_text("0.6"), value_from_text("none"), value_from_text("out_of_pocket")
    (0.6, None, 'out_of_pocket')
    """
    text = text.strip()
    if text.lower() in ("none", "null"):
        return None
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "e" not in text.lower() and "." not in text else number
