"""Moves: one lever, a whole branch of it, or several together, in whole steps from where they stand.

Position 0 is the present; a lever that reaches a bound stays there while the others move on.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor, isfinite
from typing import Any, NamedTuple

from simulation.scenario import Change, Scenario, find_lever, lever_value
from simulation.terms import Source, Term, refuse, words
from simulation.trees import leaves

SOUGHT = Source(status="assumption", note=words("目标求解得出", "found by goal seeking"))


class Leaf(NamedTuple):
    """One value that moves in a year: where it stands and how far it goes for each unit of the move."""

    lever: str
    year: int  # from which it stands so
    start: Any  # a number, a choice, or None for no limit
    weight: float
    term: Term
    fixed: bool = False  # stays as it is

    def at(self, amount: float, position: int) -> Any:
        """The value at a position, the move there being an amount; in whole steps of its own, within its bounds."""
        term = self.term
        if self.fixed or position == 0:
            return self.start
        if term.choices:
            place = term.choices.index(self.start) + position
            return term.choices[min(max(place, 0), len(term.choices) - 1)]
        # From no limit downwards the first value is the highest there is.
        start, moved = (term.high, amount * self.weight + term.step) if self.start is None else (
            self.start, amount * self.weight)
        return tidy(min(max(start + floor(moved / term.step + 0.5) * term.step, term.low), term.high))

    def room(self, up: bool) -> float:
        """How far the leaf can go in the direction of its weight, or against it, in its own unit."""
        rising = up == (self.weight > 0)
        if self.start is None:
            return 0.0 if rising else self.term.high - self.term.low + self.term.step
        return self.term.high - self.start if rising else self.start - self.term.low


class Moves(NamedTuple):
    """Levers that move together, and the positions they can take."""

    levers: dict[str, float]  # as asked for, with weights
    since: int  # the year from which a move holds
    leaves: tuple[Leaf, ...]  # as they stand in that year
    later: tuple[Leaf, ...]  # what the scenario itself makes of them in later years, moved by as much
    unit: float  # what one position is in the move's amount
    low: int  # positions from the present, both ends included
    high: int

    def amount(self, position: int) -> float:
        """How far the levers have moved at a position; a lever moves by this times its weight."""
        return tidy(position * self.unit)

    def edits(self, position: int) -> tuple[tuple[str, int, Any], ...]:
        """What to set at a position: lever, year and value."""
        amount = self.amount(position)
        return tuple((leaf.lever, leaf.year, leaf.at(amount, position)) for leaf in (*self.leaves, *self.later)
                     if position)

    def value(self, position: int) -> Any:
        """The value of the first lever at a position; of a branch, of its first leaf that moves."""
        return self.leaves[0].at(self.amount(position), position)

    def values(self, position: int) -> str:
        """The same of every lever, in the order asked for."""
        return " / ".join(str(leaf.at(self.amount(position), position)) for leaf in self.firsts.values())

    @property
    def firsts(self) -> dict[str, Leaf]:
        """The leaf that stands for each lever: of a branch the first that moves."""
        return {name: next(leaf for leaf in self.leaves if f"{leaf.lever}.".startswith(f"{name}."))
                for name in self.levers}

    @property
    def planned(self) -> tuple[int, ...]:
        """The later years in which the scenario itself sets what moves."""
        return tuple(sorted({leaf.year for leaf in self.later}))


def moves(scenario: Scenario, lever: str | Mapping[str, float], since: int) -> Moves:
    """How a lever, or several with weights, can move from the values that hold from a year on.

    What the scenario itself sets in later years moves by as much. A branch moves all its leaves by the same amount; of
    them, what is nothing (a contribution nobody pays, a tier without cover) and what has no limit stay as they are,
    as in every yearly rise. With weights each lever goes its weight times the amount, to the nearest of its own steps.
    From no limit a lever moves down from its highest value. A choice moves from word to word as they are declared, and
    holds over what is planned.

    >>> from simulation import load_scenario
    >>> found = moves(load_scenario("benxi_2008"), "benefits.ceiling", 2008)
    >>> found.value(-1) - found.value(0), found.low
    (-1000, -30)
    """
    levers = {lever: 1.0} if isinstance(lever, str) else {name: float(weight) for name, weight in lever.items()}
    if not levers or not all(weight and isfinite(weight) for weight in levers.values()):
        raise refuse("weights", words("权重为 0 或没有参数", "no lever is named, or one has no weight"),
                     words("请给每个参数一个不为 0 的权重", "give each lever a weight other than 0"))
    here, later = [], []
    for name, weight in levers.items():
        check_lever(scenario, name, since)
        found = moving(scenario, name, weight, since)
        here += [leaf for leaf in found if not leaf.fixed]
        for year in planned(scenario, name, since) if not found[0].term.choices else ():
            later += moving(scenario, name, weight, year)
    if len({leaf.lever for leaf in here}) < len(here):
        raise refuse(", ".join(levers), words("同一项参数出现两次", "the same lever comes twice"),
                     words("请只写一次", "name it once"))
    plain = [leaf for leaf in here if leaf.term.choices or leaf.start is None]
    if plain and len(here) > 1:
        raise refuse(plain[0].lever, words("不是数字，不能与其他参数按比例同动",
                                           "has no number, so it cannot move in proportion with others"),
                     words("请单独求解，或先设一个数", "seek with it alone, or set a number first"))
    if here[0].term.choices:
        place, count = here[0].term.choices.index(here[0].start), len(here[0].term.choices)
        return Moves(levers, since, tuple(here), tuple(later), 1.0, -place, count - 1 - place)
    unit = min(leaf.term.step / abs(leaf.weight) for leaf in here)
    down, up = (max(ceil(leaf.room(up) / (unit * abs(leaf.weight)) - 1e-9) for leaf in here) for up in (False, True))
    return Moves(levers, since, tuple(here), tuple(later), unit, -down, up)


def moved_by(scenario: Scenario, lever: str, since: int, by: Any) -> tuple[tuple[str, int, Any], ...]:
    """What to set so that a lever or a branch moves by any amount from a year on, and by as much where it is planned.

    >>> from simulation import load_scenario
    >>> moved_by(load_scenario("city_pooling_2012"), "financing.subsidy", 2020, -30)
    (('financing.subsidy', 2020, 520), ('financing.subsidy', 2021, 550))
    """
    check_lever(scenario, lever, since)
    for year in (since, *planned(scenario, lever, since)):
        for leaf in moving(scenario, lever, 1.0, year):
            if leaf.term.choices or leaf.start is None and not leaf.fixed:
                raise refuse(f"{leaf.lever}@{year}",
                             words("现值不是数字，不能增减", "stands at no number to move from"),
                             words("请用 = 设定数值", "set a value with ="))
    if isinstance(by, str) or by is None or not isfinite(by):
        raise refuse(lever, words("增减的数量不是数字", "is to move by what is no number"),
                     words(f"例如 {lever}+=10", f"write for example {lever}+=10"))
    found = moves(scenario, lever, since)
    low, high = -max(leaf.room(False) for leaf in found.leaves), max(leaf.room(True) for leaf in found.leaves)
    if not low <= by <= high:
        raise refuse(lever, words(f"增减 {by:g} 超出范围", f"cannot move by {by:g} within its bounds"),
                     words(f"请用 {low:g} 到 {high:g}", f"use {low:g} to {high:g}"))
    return tuple((leaf.lever, leaf.year, tidy(min(max(leaf.start + by, leaf.term.low), leaf.term.high)))
                 for leaf in (*found.leaves, *found.later) if by and not leaf.fixed)


def check_lever(scenario: Scenario, lever: str, since: int) -> None:
    """Refuse a lever or year that is not there, and a lever that does nothing in the scenario."""
    term = find_lever(lever)[3]
    probe = term.choices[0] if term.choices else term.low
    scenario.changed([Change(lever=lever, year=since, value=probe, source=SOUGHT)])
    if not scenario.has(term.where):
        raise refuse(lever, words("在这个情景里不起作用", "does nothing in this scenario"),
                     words("可用的参数见 levers 命令", "the command levers lists those that act"))


def moving(scenario: Scenario, lever: str, weight: float, year: int) -> list[Leaf]:
    """The leaves of a lever, or of a branch, as they stand in a year."""
    term = find_lever(lever)[3]
    found = list(leaves(lever_value(scenario, lever, year), lever))
    branch = len(found) > 1 and not term.choices and any(value for _, value in found)
    return [Leaf(name, year, value, weight, term, fixed=branch and not value) for name, value in found]


def planned(scenario: Scenario, lever: str, since: int) -> list[int]:
    """The later years in which the scenario itself sets a lever, its branch or a part of it."""
    return sorted({change.year for change in scenario.changes if change.year > since and (
        f"{change.lever}.".startswith(f"{lever}.") or f"{lever}.".startswith(f"{change.lever}."))})


def tidy(value: float) -> int | float:
    """A number without the noise of binary fractions, whole numbers as such.

    >>> tidy(0.6100000000000001), tidy(45.0)
    (0.61, 45)
    """
    value = round(float(value), 9)
    return int(value) if value.is_integer() else value
