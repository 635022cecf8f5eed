"""A scenario: a dated rule book, the assumptions it rests on, and a list of dated changes.

Baseline, reform, an edit in the browser and an export are one list of `Change`s.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field

from simulation import cited
from simulation.assumptions import Assumptions
from simulation.estimates import Estimate, check_estimate, check_interval, estimated, find_assumption
from simulation.policy import SECTIONS, Policy
from simulation.reading import numeral
from simulation.terms import (
    BadInput,
    Document,
    Fault,
    Record,
    Source,
    Term,
    Words,
    check_leaf,
    refuse,
    short,
    words,
)
from simulation.trees import Axes, at, check_tree, dense, leaves, nearest, replaced

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Age = Annotated[int, Field(ge=0, le=120, strict=True)]


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


class LocalRule(Record):
    """A lever of one county that differs from the city's, while each county keeps its own rules."""

    area: str
    lever: str
    value: Any
    source: Source


# Axes whose members are the same in every scenario.
METHODS = {"fee_for_service": words("按项目付费",
                                    "Fee for service"), "global_budget": words("总额预算", "Global budget"),
           "capitation": words("按人头付费", "Capitation"), "case_payment": words("按病种（分值）付费", "Case payment")}
PAYERS = {"public_health": words("公共卫生经费", "Public-health funds"), "fund": words("医保基金", "Insurance fund"),
          "person": words("个人", "Resident")}


class AxisNames(Record):
    """The members of every axis with their names in both languages, in the order used throughout."""

    group: dict[Name, Words]
    status: dict[Name, Words]
    kind: dict[Name, Words]
    tier: dict[Name, Words]
    level: dict[Name, Words]
    area: dict[Name, Words] = {}  # the counties of a city; empty where the scenario is one pool
    primary: tuple[Name, ...]  # the tiers that count as primary care
    away: tuple[Name, ...] = ()  # the tiers outside the county
    ages: dict[Name, tuple[Age, Age]] = {}  # first and last age of each group, for the ageing of the population

    def named(self, axis: str) -> dict[str, Words]:
        """The members of an axis with their names."""
        return {"method": METHODS, "payer": PAYERS}.get(axis) or getattr(self, axis)

    @cached_property
    def names(self) -> Axes:
        """Axis name to its members."""
        return {axis: tuple(self.named(axis))
                for axis in ("group", "status", "kind", "tier", "level", "area", "method", "payer")}

    def members(self) -> Axes:
        """Axis name to its members."""
        return self.names

    def model_copy(self, **changed: Any) -> AxisNames:
        """A copy, which names its members anew."""
        copy = super().model_copy(**changed)
        copy.__dict__.pop("names", None)
        return copy


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
    local_rules: tuple[LocalRule, ...] = ()
    provisions: tuple[Provision, ...] = ()

    def horizon(self) -> range:
        """The calendar years simulated."""
        return range(self.first_year, self.first_year + self.years)

    def policy_in(self, year: int) -> Policy:
        """The levers as they stand in a year: the file's, with every change dated up to then and every yearly rise."""
        return once(POLICIES, (id(self), year), self, lambda: self._policy_in(year))

    def _policy_in(self, year: int) -> Policy:
        policy = self._stated(year)
        part = policy.financing
        steps = {name: self._steps(name) for name in ("contribution", "subsidy")}
        risen = {name: getattr(part, name).model_copy(update={"value": self.risen(policy, name, year, rises)})
                 for name, rises in steps.items() if any(rises)}
        return policy.model_copy(update={"financing": part.model_copy(update=risen)}) if risen else policy

    def _stated(self, year: int) -> Policy:
        policy = self.policy
        for change in sorted(self.changes, key=lambda c: c.year):
            if change.year <= year:
                policy = self._with(policy, change)
        return policy

    def base_policy(self, area: str | None = None) -> Policy:
        """The rule book before any dated change, with a county's own rules where the city's are not unified."""
        policy = self.policy
        if area is not None and policy.pooling.unified.value == "no":
            for change in self._own(area):
                policy = self._with(policy, change)
        return policy

    def _own(self, area: str | None) -> list[Change]:
        return [Change(lever=rule.lever, year=self.first_year, value=rule.value, source=rule.source)
                for rule in self.local_rules if rule.area == area]

    def policies(self, area: str | None = None, base: Policy | None = None) -> list[Policy]:
        """The levers of every year of the horizon; years between two changes share one object.

        With an `area`, a county's own rules hold in the years in which the city's are not unified.
        """
        found: list[Policy] = []
        stated = self.policy
        for year in self.horizon():
            due = [change for change in self.changes if change.year == year or change.year < year and not found]
            if found and not due:
                found.append(found[-1])
                continue
            for change in sorted(due, key=lambda change: change.year):  # sections that no change moves stay the same
                stated = self._with(stated, change)
            policy = base if stated is self.policy and base else stated
            if policy is not base and policy.pooling.unified.value == "no":
                for change in self._own(area):
                    policy = self._with(policy, change)
            found.append(policy)
        return found

    def risen(self, policy: Policy, name: str, year: int, steps: Sequence[float], area: str | None = None) -> Any:
        """The contribution or subsidy of a year as a tree: each value has risen every year since it was set.

        `steps` are the yearly rises of the horizon, each felt in the year after. Who pays nothing still pays nothing.
        What an `area` sets itself, where the city's rules are not unified, no change of the city sets anew.
        """
        own = [rule.lever for rule in self._own(area)] if policy.pooling.unified.value == "no" else []
        under = lambda path, lever: f"{path}.".startswith(f"{lever}.")  # noqa: E731 - used twice

        def grown(branch: Any, path: str) -> Any:
            if isinstance(branch, Mapping):
                return {member: grown(below, f"{path}.{member}") for member, below in branch.items()}
            dates = [change.year for change in self.changes if change.year <= year and under(path, change.lever)
                     and not any(under(path, lever) for lever in own)]
            since = max(dates, default=self.first_year)
            return branch + sum(steps[since - self.first_year:year - self.first_year]) if branch else branch

        tree = getattr(policy.financing, name).value
        return grown(tree, f"financing.{name}") if any(steps) else tree

    def _steps(self, name: str) -> list[float]:
        """The yearly rise of the contribution or the subsidy as stated for every year of the horizon."""
        set_in = {change.year: change.value for change in self.changes if change.lever == f"financing.{name}_step"}
        steps = [getattr(self.policy.financing, f"{name}_step").value]
        for year in self.horizon():
            steps.append(set_in.get(year, steps[-1]))
        return steps[1:]

    def _with(self, policy: Policy, change: Change) -> Policy:
        section, name, path, term = find_lever(change.lever)
        part = getattr(policy, section)
        given = getattr(part, name)
        tree = replaced(given.value, path, change.value, term, self.axes.members(), f"{section}.{name}")
        new = part.model_copy(update={name: given.model_copy(update={"value": tree, "source": change.source})})
        return policy.model_copy(update={section: new})

    def source_of(self, section: str, name: str, year: int, applies: Mapping[str, str],
                  area: str | None = None) -> Source:
        """Where a parameter's value in a year comes from, for what `applies` names on some of its axes.

        A county's own rule, else the last change that reaches it, else the file: a cell that nobody has touched keeps
        its clause.
        """
        axes, source = self.axes.members(), getattr(getattr(self.policy, section), name).source
        over = [axis for axis in SECTIONS[section].terms()[name].axes if axis in applies]
        apart = self.policy_in(year).pooling.unified.value == "no"
        for change in [*sorted(self.changes, key=lambda change: change.year), *(self._own(area) if apart else ())]:
            of, parameter, *cell = change.lever.split(".")
            elsewhere = any(member in axes[axis] and member != applies[axis] for member in cell for axis in over)
            if (of, parameter) == (section, name) and change.year <= year and not elsewhere:
                source = change.source
        return source

    def changed(self, changes: Iterable[Change]) -> Scenario:
        """The scenario with further changes, checked one by one; each holds from its year on.

        What the scenario says of the same lever for later years gives way; where it sets a whole branch later, the
        change is said again.
        """
        kept = list(self.changes)
        for change in changes:
            self.check(change)
            inside = f"{change.lever}."
            kept = [old for old in kept
                    if old.year < change.year or not (old.lever == change.lever or old.lever.startswith(inside))]
            again = {old.year for old in kept if old.year > change.year and change.lever.startswith(f"{old.lever}.")}
            kept += [change.model_copy(update={"year": year}) for year in (change.year, *sorted(again))]
        return self.model_copy(update={"changes": tuple(kept)})

    def assuming(self, estimates: Iterable[Estimate]) -> Scenario:
        """The scenario with other intervals of its assumptions, checked one by one; no other draw is moved.

        >>> from simulation import load_scenario
        >>> cost = Estimate(name="utilisation.cost_growth", low=0.02, high=0.06, source=Source(status="assumption"))
        >>> load_scenario("benxi_2008").assuming([cost]).assumptions.utilisation.cost_growth.range
        (0.02, 0.06)
        """
        changed, seen = self.assumptions, set()
        for estimate in estimates:
            section, name, term = find_assumption(estimate.name)
            if estimate.name in seen:
                raise refuse(estimate.name, words("给出了不止一次", "is given more than once"),
                             words("请只保留一次", "keep one of them"))
            seen.add(estimate.name)
            part = getattr(changed, section)
            given = getattr(part, name)
            check_estimate(given, term, estimate)
            new = estimated(given, estimate)
            if faults := check_tree(term, new.value, self.axes.members(), estimate.name) or check_interval(
                    new, term, estimate.name):
                raise BadInput(faults)
            changed = changed.model_copy(update={section: part.model_copy(update={name: new})})
        scenario = self.model_copy(update={"assumptions": changed}) if seen else self
        if faults := check_shares(scenario, self.name) if seen else []:
            raise BadInput(faults)
        return scenario

    def check(self, change: Change) -> None:
        """Refuse a change of a lever there is none of, in a year not simulated or to a value it cannot take."""
        check_year(self, change.year, f"{change.lever[:100]}@{short(change.year)}")
        try:
            section, name, path, term = find_lever(change.lever)
            if faults := check_leaf(term, change.value, change.lever):
                raise BadInput(faults)
            given = getattr(getattr(self.policy, section), name)
            replaced(given.value, path, change.value, term, self.axes.members(), f"{section}.{name}")
        except BadInput as bad:
            raise BadInput([Fault(change.lever[:100] or "''", fault.what, self._hint(change.lever) or fault.remedy)
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
                if not self.has(term.where):
                    continue
                given = getattr(getattr(policy, section), name)
                found += [(leaf, value, term, given.source)
                          for leaf, value in leaves(given.value, f"{section}.{name}")]
        return found

    def has(self, where: str) -> bool:
        """Whether the scenario has what some levers need before they can act, as `Term.where` names it."""
        return not where or {
            "outpatient": "outpatient" in self.axes.kind,
            "areas": len(self.axes.area) > 1,
            "away": bool(self.axes.away),
            "statuses": len(self.axes.status) > 1,
            "city_schools": any(value for _, value in leaves(self.assumptions.people.city_school_share.value)),
        }[where]

    def lever_names(self, lever: str, language: str) -> str:
        """The name of a lever leaf in words, such as 支付比例 · 住院 · 成年居民 · 一级.

        >>> from simulation import load_scenario
        >>> load_scenario("benxi_2008").lever_names("benefits.rate.inpatient.child.level_1", "en")
        'Reimbursement rate · Inpatient · Students and under 18 · Level 1'
        """
        _, _, path, term = find_lever(lever)
        members = [self.axes.named(axis)[key][language] if axis != "band" else key.removeprefix("from_") + "+"
                   for axis, key in zip(term.axes, path, strict=False)]
        return " · ".join([term.title[language], *members])

    def value(self, section: str, name: str, names: tuple[str, ...] = ()) -> np.ndarray:
        """An assumption's central value as an array over the named axes."""
        return dense(getattr(getattr(self.assumptions, section), name).value, names, self.axes.members())

    def marked(self, name: str) -> np.ndarray:
        """1 for the tiers named as `primary` or `away`, else 0, shape (k,)."""
        return np.array([float(tier in getattr(self.axes, name)) for tier in self.axes.tier])

    def income_per_head(self, year: int | None = None) -> float:
        """Disposable income a head in a year, yuan."""
        growth = 1 + self.assumptions.account.income_growth.value
        return float(self.assumptions.account.income_per_head.value * growth ** ((year or self.first_year)
                                                                                 - self.first_year))

    def eligible(self, policy: Policy) -> np.ndarray:
        """In-policy share of expense (i, k): class A, and class B after its first payment.

        A least share of class A turns part of what is not into it, in proportion (Guangxi 2017).
        """
        a = self.value("utilisation", "class_a_share", ("kind", "tier"))
        c = self.value("utilisation", "class_c_share", ("kind", "tier"))
        least = dense(policy.supervision.class_a_minimum.value, ("tier",), self.axes.members())
        left = 1 - np.maximum(least - a, 0.0) / np.maximum(1 - a, 1e-9)
        b, c = (1 - a - c) * left, c * left
        return 1 - c - b * float(policy.benefits.class_b_first_pay.value)

    def text(self) -> str:
        """The scenario as one line of JSON, from which it can be built again; the order of axes is kept."""
        return "{" + ", ".join(f'"{name}": {field_text(self, name)}' for name in type(self).model_fields) + "}"


class GivenUp(NamedTuple):
    """A value planned for a later year that no longer comes to hold."""

    lever: str
    year: int
    value: Any  # as planned
    by: str  # the lever of the edit it gives way to


def given_up(base: Scenario, edits: Sequence[Change]) -> list[GivenUp]:
    """What the scenario itself plans for years after edits and gives up for them, where the value really differs.

    What the edits set for the very year is no loss.

    >>> from simulation import load_scenario
    >>> edit = Change(lever="financing.subsidy", year=2012, value=240, source=Source(status="assumption"))
    >>> [found[:3] for found in given_up(load_scenario("city_pooling_2012"), [edit])][:2]
    [('financing.subsidy', 2013, 280), ('financing.subsidy', 2014, 320)]
    """
    after, found = base.changed(edits), {}
    for plan in base.changes:
        names = {leaf for each in (base, after) for leaf, _ in leaves(lever_value(each, plan.lever, plan.year),
                                                                      plan.lever)}
        for leaf in sorted(names):
            over = [edit for edit in edits if edit.year <= plan.year and f"{leaf}.".startswith(f"{edit.lever}.")]
            coarse = any(name.startswith(f"{leaf}.") for name in names)  # the same again is there leaf by leaf
            if not coarse and over and over[-1].year < plan.year and lever_value(
                    base, leaf, plan.year) != lever_value(after, leaf, plan.year):
                lever = max(plan.lever, over[-1].lever, key=len)
                found[lever, plan.year] = GivenUp(lever, plan.year, plan.value, over[-1].lever)
    return sorted(found.values(), key=lambda each: (each.by, each.year))


def years_given_up(found: Iterable[GivenUp]) -> dict[str, tuple[int, ...]]:
    """The years in which each edit gives up what is planned."""
    years: dict[str, set[int]] = {}
    for each in found:
        years.setdefault(each.by, set()).add(each.year)
    return {lever: tuple(sorted(of)) for lever, of in years.items()}


KEPT = 512  # of each of these, so that what is asked for again and again is made once
TEXTS: dict[tuple[str, int], tuple[Any, str]] = {}  # fields and their JSON: an edit shares all but its changes
POLICIES: dict[tuple[int, int], tuple[Scenario, Policy]] = {}  # scenarios, and their rules in a year


def once(kept: dict[Any, tuple[Any, Any]], key: Any, of: Any, make: Callable[[], Any]) -> Any:
    """What is made of a record that never changes, by a key that holds its identity."""
    found = kept.get(key)  # with the record itself, so that no other takes its place
    if found is None:
        if len(kept) >= KEPT:
            kept.clear()
        found = kept[key] = of, make()
    return found[1]


def field_text(scenario: Scenario, name: str) -> str:
    """A field of a scenario as JSON, made once for each value."""
    value = getattr(scenario, name)
    return once(TEXTS, (name, id(value)), value, lambda: json.dumps(
        scenario.model_dump(mode="json", include={name})[name], ensure_ascii=False))


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
        raise refuse(short(lever) or "''", words("不认识的名称", "unknown name"),
                     words(f"是否为：{near}", f"did you mean {near}"))
    return section, name, path, model.terms()[name]


def check_shares(scenario: Scenario, place: str) -> list[Fault]:
    """Faults of shares that do not add up: the mixes of tiers, and the classes of the catalogue."""
    faults = []

    def wrong(name: str, member: str, total: float, remedy: Words) -> None:
        faults.append(Fault(f"{place}: assumptions.utilisation.{name}.{member}",
                            words(f"合计为 {total:g}", f"adds up to {total:g}"), remedy))

    for name in ("tier_mix", *(("outpatient_mix",) if scenario.has("outpatient") else ())):
        totals = scenario.value("utilisation", name, ("group", "tier")).sum(axis=1)
        for group, total in zip(scenario.axes.group, totals, strict=True):
            if abs(total - 1) > 1e-6:
                wrong(name, group, total, words("请使合计为 1", "make it add up to 1"))
    classes = (scenario.value("utilisation", "class_a_share", ("kind", "tier"))
               + scenario.value("utilisation", "class_c_share", ("kind", "tier"))).max(axis=1)
    for kind, total in zip(scenario.axes.kind, classes, strict=True):
        if total > 1 + 1e-9:
            wrong("class_a_share", kind, total, words("甲类与目录外合计不应超过 1",
                                                      "class A and what is outside must not exceed 1"))
    return faults


def check_parts(scenario: Scenario, place: str) -> list[Fault]:
    """Levers whose parts divide a whole and are all 0, so that nothing says who pays or how: the first such year.

    >>> from simulation import load_scenario
    >>> nothing = Change(lever="payment.method.fee_for_service", year=2010, value=0, source=Source(status="assumption"))
    >>> check_parts(load_scenario("benxi_2008").changed([nothing]), "--set")[0].what.en
    'from 2010 on all parts are 0'
    """
    books = [book for area in (None, *scenario.axes.area)
             for book in zip(scenario.horizon(), scenario.policies(area), strict=True)]
    parted = [(f"{section}.{name}", term) for section, model in SECTIONS.items()
              for name, term in model.terms().items() if term.unit == "weight" and scenario.has(term.where)]
    return [fault for lever, term in parted if (fault := nothing_given(scenario, books, lever, term, place))]


def nothing_given(scenario: Scenario, books: Sequence[tuple[int, Policy]], lever: str, term: Term,
                  place: str) -> Fault | None:
    """That all parts of a lever are 0 in the first such of some years' rule books, and where."""
    whole, *others = term.axes
    members, seen = scenario.axes.members(), set()
    for year, policy in books:
        value = value_in(policy, lever)
        if id(value) in seen:
            continue
        seen.add(id(value))
        nothing = dense(value, term.axes, members).sum(axis=0) <= 0
        if nothing.any():
            named = [list(scenario.axes.named(axis).values())[n]
                     for axis, n in zip(others, np.argwhere(nothing)[0], strict=True) if not nothing.all()]
            at_ = words(*("".join(f" · {title[language]}" for title in named) for language in ("zh", "en")))
            return Fault(f"{place}: {lever}",
                         words(f"{year} 年起各份数都为 0{at_.zh}", f"from {year} on all parts are 0{at_.en}"),
                         words(f"请给其中一份大于 0 的数，例如 {lever}.{members[whole][0]}=1",
                               f"give one of them parts above 0, such as {lever}.{members[whole][0]}=1"))
    return None


def check_year(scenario: Scenario, year: int, place: str) -> None:
    """Refuse a year that is not simulated."""
    if year not in scenario.horizon():
        raise BadInput([year_fault(scenario, place)])


def year_fault(scenario: Scenario, place: str) -> Fault:
    """A year that is not simulated, and those that are.

    >>> from simulation import load_scenario
    >>> year_fault(load_scenario("benxi_2008"), "year 2007").sentence()
    'year 2007: the year is not simulated; use 2008 to 2017'
    """
    first, last = scenario.first_year, scenario.horizon()[-1]
    return Fault(place, words("年份不在模拟期内", "the year is not simulated"),
                 words(f"请用 {first} 到 {last}", f"use {first} to {last}"))


def clause(scenario: Scenario, source: Source, language: str = "en") -> str:
    """The provenance of a value on one line.

    >>> from simulation import load_scenario
    >>> s = load_scenario("benxi_2008")
    >>> clause(s, s.policy.benefits.ceiling.source, "zh").split(" ")[-1]
    '第十八条'
    """
    status = STATUS[source.status][language]
    document = scenario.documents[source.document].title if source.document else ""
    note = source.note[language] if source.note else ""
    named = cited.place(document, source.clause, language)
    between = ("；" if language == "zh" else "; ") if note and named else ""
    return f"[{status}] {note}{between}{named}".strip()


STATUS = {"law": words("法规", "law"), "bulletin": words("公报", "bulletin"),
          "estimate": words("估计", "estimate"), "assumption": words("假设", "assumption")}


def lever_value(scenario: Scenario, lever: str, year: int | None = None) -> Any:
    """The value of a lever, a leaf or spread out from above, in a year.

    >>> from simulation import load_scenario
    >>> lever_value(load_scenario("benxi_2008"), "benefits.ceiling")
    30000
    """
    return value_in(scenario.policy_in(year or scenario.first_year), lever)


def value_in(policy: Policy, lever: str) -> Any:
    """The value of a lever in one year's rules."""
    section, name, path, _ = find_lever(lever)
    return at(getattr(getattr(policy, section), name).value, path)


def value_from_text(text: str) -> Any:
    """A lever's value from text: a number, null, or a word for levers that are choices.

    >>> [value_from_text(text) for text in ("0.6", "none", "out_of_pocket", "１２,０００")]
    [0.6, None, 'out_of_pocket', 12000]
    """
    text = numeral(text.strip())
    if text.lower() in ("none", "null"):
        return None
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "e" not in text.lower() and "." not in text else number
