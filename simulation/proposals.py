"""Policies of a sweep: lists of changes from a file, or a grid or a sample over the ranges of some levers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field
from scipy.stats import qmc

from simulation.areas import read_table
from simulation.reading import build, read_text, read_yaml
from simulation.scenario import Change, Scenario, value_from_text
from simulation.streams import stream
from simulation.terms import BadInput, Fault, Record, Source, refuse, short, words
from simulation.writing import harmless

MOST = 10_000  # policies of one sweep
DESIGNS = ("sobol", "latin")
STATED = Source(status="assumption", note=words("批量推演的政策", "a policy of a sweep"))


class Edit(Record):
    """A lever set to a value, from the first year simulated or from a later one."""

    lever: str
    value: Any
    year: Annotated[int, Field(strict=True)] | None = None


class Proposal(Record):
    """A policy to try."""

    name: Annotated[str, Field(min_length=1, max_length=2000)]
    changes: Annotated[tuple[Edit, ...], Field(max_length=200)] = ()


class Proposals(Record):
    """A file of policies."""

    policies: Annotated[tuple[Proposal, ...], Field(min_length=1, max_length=MOST)]


class Varied(NamedTuple):
    """A lever that runs over a range."""

    lever: str
    year: int | None
    low: float
    high: float
    count: int  # values of a grid

    @property
    def label(self) -> str:
        """The lever as it is written, with its year if it has one."""
        return f"{self.lever}@{self.year}" if self.year else self.lever


BASE = Proposal(name="base")  # the scenario as it stands


def under(scenario: Scenario, proposal: Proposal) -> Scenario:
    """A scenario under a policy; raises `BadInput` where it cannot have it.

    >>> from simulation import load_scenario
    >>> from simulation.scenario import lever_value
    >>> higher = Proposal(name="higher", changes=(Edit(lever="benefits.ceiling", value=40000),))
    >>> lever_value(under(load_scenario("benxi_2008"), higher), "benefits.ceiling")
    40000
    """
    return scenario.changed(
        Change(lever=edit.lever, year=scenario.first_year if edit.year is None else edit.year, value=edit.value,
               source=STATED) for edit in proposal.changes)


def check(proposals: Sequence[Proposal], scenarios: Sequence[Scenario]) -> None:
    """Refuse repeated names, and policies that one of the scenarios cannot have, each with its fault."""
    names = [proposal.name for proposal in proposals]
    if not 1 <= len(names) <= MOST:
        raise refuse("policies", words(f"有 {len(names)} 个政策", f"there are {len(names)} policies"),
                     words(f"请用 1 到 {MOST} 个", f"give 1 to {MOST}"))
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise refuse(short(twice), words("政策名称重复", "two policies have this name"), words("请改名", "rename one"))
    for scenario in scenarios:
        for proposal in proposals:
            try:
                under(scenario, proposal)
            except BadInput as bad:
                raise BadInput([Fault(f"{short(proposal.name)}: {scenario.name}: {fault.place}", fault.what,
                                      fault.remedy) for fault in bad.faults]) from None


def read_proposals(path: Path) -> tuple[Proposal, ...]:
    """The policies of a YAML file (`policies`, each with a name and changes) or of a CSV table.

    In a table, column `policy` names a row's policy; every other column is LEVER or LEVER@YEAR, blank where unchanged.
    """
    if path.suffix.lower() in (".yaml", ".yml"):
        return build(Proposals, read_yaml(read_text(path), path.name), path.name, check_names).policies
    heads, rows = read_table(path, ("policy",), MOST)
    levers = {head: lever_and_year(head, path.name) for head in heads}
    found = [{"name": row["policy"], "changes": [
        {"lever": lever, "year": year, "value": value_from_text(row[head])}
        for head, (lever, year) in levers.items() if row[head]]} for _, row in rows]
    return build(Proposals, {"policies": found}, path.name, check_names).policies


def check_names(found: Proposals, place: str) -> list[Fault]:
    """The names that a spreadsheet would run: they stand in the tables of a sweep."""
    return [Fault(f"{place}: policies.{n}.name", words(f"“{short(one.name)}”不能作为名称",
                                                       f"'{short(one.name)}' cannot be a name"),
                  words("请不要以 = + - @ 或空白开头", "begin it with none of = + - @ and no blank"))
            for n, one in enumerate(found.policies) if harmless(one.name) != one.name]


def lever_and_year(text: str, place: str) -> tuple[str, int | None]:
    """A lever and the year it holds from, of `LEVER` or `LEVER@YEAR`.

    >>> lever_and_year("benefits.ceiling@2010", "x")
    ('benefits.ceiling', 2010)
    """
    lever, at, year = text.partition("@")
    if at and not (year.isdecimal() and len(year) == 4):
        raise refuse(f"{place}: {short(text)}", words("@ 之后不是年份", "what follows @ is no year"),
                     words("请写 LEVER@2010", "write LEVER@2010"))
    return lever, int(year) if at else None


def varied(text: str, sampled: bool = False) -> Varied:
    """A range from `LEVER=low:high:n`; of a sample, `LEVER=low:high`.

    >>> varied("benefits.ceiling=30000:50000:3").count
    3
    """
    name, equals, ends = text.partition("=")
    parts = ends.split(":")
    try:
        low, high = float(parts[0]), float(parts[1])
        count = int(parts[2]) if len(parts) == 3 else 0
        good = bool(equals and name) and len(parts) == (2 if sampled else 3) and isfinite(high - low) and low < high
        good &= sampled or 2 <= count <= MOST
    except (ValueError, IndexError):
        good = False
    if not good:
        raise refuse(f"--vary {short(text)}", words("不是“参数=低:高:个数”", "is not a lever and its range"),
                     words("请写 LEVER=低:高（--sample 定个数）" if sampled else "请写 LEVER=低:高:个数（至少 2）",
                           "write LEVER=low:high, --sample says how many" if sampled else
                           "write LEVER=low:high:n, n from 2"))
    return Varied(*lever_and_year(name, "--vary"), low, high, count)


def check_once(levers: Sequence[Varied]) -> None:
    """Refuse no lever, and one that is varied twice: the second would hold over the first."""
    labels = [lever.label for lever in levers]
    if not labels or len(set(labels)) < len(labels):
        twice = next((label for n, label in enumerate(labels) if label in labels[:n]), "--vary")
        raise refuse(f"--vary {short(twice)}", words("没有给出，或给了两次", "is not given, or twice"),
                     words("每个参数请给一次范围", "give each lever one range"))


def grid(levers: Sequence[Varied]) -> tuple[Proposal, ...]:
    """Every combination of the levers' values, the present policy first.

    Benefit rules vary slowest, so that policies with the same ones, which share their tables, stand together.

    >>> [proposal.name for proposal in grid([Varied("benefits.ceiling", None, 30000, 50000, 2)])]
    ['base', 'benefits.ceiling=30000', 'benefits.ceiling=50000']
    """
    check_once(levers)
    size = np.prod([float(lever.count) for lever in levers])
    if size >= MOST:
        raise refuse("--vary", words(f"有 {size:,.0f} 种组合", f"makes {size:,.0f} combinations"),
                     words(f"请少于 {MOST}，或用 --sample 抽样", f"stay below {MOST}, or draw some with --sample"))
    order = sorted(range(len(levers)), key=lambda n: not levers[n].lever.startswith("benefits."))
    values = [np.linspace(levers[n].low, levers[n].high, levers[n].count) for n in order]
    points = [dict(zip(order, point, strict=True)) for point in product(*values)]
    return BASE, *(proposal_of(levers, [point[n] for n in range(len(levers))]) for point in points)


def sample(levers: Sequence[Varied], count: int, seed: int, design: str = "sobol") -> tuple[Proposal, ...]:
    """So many policies spread evenly over all levers at once, after the present one: Sobol points or a Latin hypercube.

    >>> len(sample([Varied("benefits.ceiling", None, 30000, 50000, 0)], 5, 1))
    6
    """
    if design not in DESIGNS or not 1 <= count < MOST:
        raise refuse("--sample", words(f"不能抽取 {count} 个（{short(design)}）",
                                       f"cannot draw {count} ({short(design)})"),
                     words(f"个数用 1 到 {MOST - 1}，方法用 {'、'.join(DESIGNS)}",
                           f"give a number from 1 to {MOST - 1}, by {' or '.join(DESIGNS)}"))
    check_once(levers)
    rng = stream(seed, f"policies {design}")
    if design == "sobol":
        points = qmc.Sobol(len(levers), rng=rng).random_base2(int(count - 1).bit_length())[:count]
    else:
        points = qmc.LatinHypercube(len(levers), rng=rng).random(count)
    return BASE, *(proposal_of(levers, [lever.low + u * (lever.high - lever.low)
                                        for lever, u in zip(levers, point, strict=True)]) for point in points)


def proposal_of(levers: Sequence[Varied], values: Sequence[float]) -> Proposal:
    """A policy named after its values, which have eight figures."""
    rounded = [float(f"{value:.8g}") for value in values]
    rounded = [int(value) if value.is_integer() else value for value in rounded]
    return Proposal(name=" ".join(f"{lever.label}={value}" for lever, value in zip(levers, rounded, strict=True)),
                    changes=tuple(Edit(lever=lever.lever, year=lever.year, value=value)
                                  for lever, value in zip(levers, rounded, strict=True)))
