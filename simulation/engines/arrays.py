"""Arrays of histories settled by the one `settle_year`: its list carried out without temporary arrays.

What depends on a bill's tier alone is reckoned by tier, and the large arrays take turns in a few buffers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from simulation.engines.pruned import SIGNS, Form, pruned
from simulation.engines.settling import Listing, Symbol
from simulation.records import Rules

ORDER = "cusph"  # of axes: ceiling, status, schedule, price, history
AXES = {"years": "s", "price": "p", "claim": "h", "continued": "h"}  # of what is given
UFUNCS = dict(zip(SIGNS, (np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum), strict=True))


class Line(NamedTuple):
    """One operation: values by their places."""

    function: Any
    left: int
    right: int
    at: int
    buffer: int | None  # of `Program.buffers`; without one numpy makes a new array


class Program(NamedTuple):
    """The lines of a form, and where their values stand."""

    start: tuple[float | None, ...]  # numbers where they are known
    given: tuple[tuple[int, str, int], ...]  # place, name, bill
    fields: tuple[tuple[int, str, tuple, frozenset], ...]  # place, field of the rules, where in it, axes
    lines: tuple[Line, ...]
    buffers: tuple[str, ...]  # axes of each; the first ones are what is asked for
    late: tuple[tuple[int, int], ...]  # buffers that are filled at the end, from a place


@lru_cache(maxsize=512)
def program(form: Form) -> Program:
    """What to do to settle histories of a form."""
    (listing, asked), reach = pruned(form), form.reach
    alike = "csph" if reach.ceiling else "sph"
    later = ORDER if reach.ceiling and reach.assistance else "usph" if reach.assistance else alike
    return arranged(listing, asked, [alike] * (form.bills + 1 + reach.critical) +
                    [later] * (reach.assistance + reach.commercial))


def axes_of(listing: Listing) -> list[frozenset]:
    """On which axes each value of a list varies: those of `ORDER`, or with the tier of a bill, its number."""
    found: list[frozenset] = []
    for operation, arguments, _ in listing.entries:
        if operation == "input":
            name, bill = arguments
            axes = frozenset({"tier": {bill}, "cell": "s", "status": "u"}.get(name, AXES.get(name)))
        elif operation == "field":
            axes = frozenset("c" if arguments == ("ceiling",) else "").union(
                *(found[n] for n in arguments[1:] if isinstance(n, int)))
        else:
            axes = whole_of(frozenset().union(*(found[n] for kind, n in arguments if kind == "at")))
        found.append(axes)
    return found


def whole_of(axes: frozenset) -> frozenset:
    """Axes where values by tier of one bill meet no other value of a history, or else by history.

    >>> sorted(whole_of(frozenset({1, "s"})), key=str), sorted(whole_of(frozenset({1, 2})))
    ([1, 's'], ['h'])
    """
    by_tier = {axis for axis in axes if isinstance(axis, int)}
    return axes - by_tier | {"h"} if by_tier and (len(by_tier) > 1 or axes & {"p", "h"}) else axes


def arranged(listing: Listing, asked: list[Any], wanted: list[str]) -> Program:
    """The lines of a list that what is asked for needs, in order, with buffers for what is large.

    `wanted`: axes of the arrays that take what is asked for.
    """
    axes, entries = axes_of(listing), listing.entries
    calls, start, found = calls_of(listing, asked, axes)
    lines, buffers, direct = in_buffers(calls, found, wanted, axes)
    used = {n for _, left, right, _ in calls for n in (left, right)}
    given = [(at, *entry.arguments) for at, entry in enumerate(entries) if entry.operation == "input" and at in used]
    fields = [(at, name, tuple(slice(None) if isinstance(n, int) else n[1] for n in where), axes[at])
              for at, (operation, (name, *where), _) in enumerate(entries) if operation == "field" and at in used]
    return Program(tuple(start), tuple(given), tuple(fields), tuple(lines), tuple(buffers),
                   tuple((n, at) for n, at in enumerate(found) if direct.get(at) != n))


def calls_of(listing: Listing, asked: list[Any], axes: list[frozenset]) -> tuple[list[tuple], list, list[int]]:
    """What to call in which order (function, places of arguments, place), values known at the start, and the places of
    what is asked for.
    """
    entries, needed = listing.entries, sorted(needed_by(listing, asked))
    same = alike_by_tier(listing, axes, needed)
    calls: list[tuple] = []
    start: list[float | None] = [None] * len(entries)
    places: dict[tuple, int] = {}  # of numbers, and of values by tier once they are by history

    def place(kind: str, value: Any, by_history: bool = False) -> int:
        """Where an argument stands, after what is read by tier is read off for every history."""
        tiers = [axis for axis in axes[value] if isinstance(axis, int)] if kind == "at" and by_history else []
        value = same.get(value, value) if kind == "at" else value
        if kind == "at" and not tiers:
            return value
        if (kind, value, *tiers) not in places:
            places[kind, value, *tiers] = len(start)
            start.append(value if kind == "number" else None)
            if tiers:
                calls.append((at_tiers, value, listing.given("tier", tiers[0]).at, len(start) - 1))
        return places[kind, value, *tiers]

    for at in needed:
        operation, arguments, _ = entries[at]
        if operation in UFUNCS and same.get(at, at) == at:
            calls.append((UFUNCS[operation], *(place(*of, "h" in axes[at]) for of in arguments), at))
    return calls, start, [place("at", x.at) if isinstance(x, Symbol) else place("number", x) for x in asked]


def in_buffers(calls: list[tuple], found: list[int], wanted: list[str],
               axes: list[frozenset]) -> tuple[list[Line], list[str], dict[int, int]]:
    """Calls with a buffer for each large value, axes of the buffers, and which value stands where it is wanted.

    A buffer is free for another value of the same axes, even of the same call, once no later call needs what it holds.
    """
    large = {at for *_, at in calls if at < len(axes) and axes[at] >= {"p", "h"}}
    direct: dict[int, int] = {}
    for n, (at, form) in enumerate(zip(found, wanted, strict=True)):
        if at in large and axes[at] == frozenset(form):
            direct.setdefault(at, n)
    last = {n: when for when, (_, left, right, _) in enumerate(calls) for n in (left, right)}
    last |= {at: len(calls) for at in found}
    buffers, idle, taken, lines = list(wanted), [], dict(direct), []
    for when, (function, left, right, at) in enumerate(calls):
        idle += [taken[n] for n in {left, right} if n in taken and last[n] == when]
        if at in large and at not in taken:
            form = "".join(sorted(axes[at], key=ORDER.index))
            free = [n for n in idle if buffers[n] == form]
            taken[at] = free[0] if free else len(buffers)
            if free:
                idle.remove(free[0])
            else:
                buffers.append(form)
        lines.append(Line(function, left, right, at, taken.get(at)))
    return lines, buffers, direct


def needed_by(listing: Listing, asked: list[Any]) -> set[int]:
    """Places of all values that some symbols are made of."""
    needed: set[int] = set()
    rest = [symbol.at for symbol in asked if isinstance(symbol, Symbol)]
    while rest:
        at = rest.pop()
        if at not in needed:
            needed.add(at)
            operation, arguments, _ = listing.entries[at]
            rest += [n for kind, n in arguments if kind == "at"] if operation in UFUNCS else []
    return needed


def alike_by_tier(listing: Listing, axes: list[frozenset], needed: list[int]) -> dict[int, int]:
    """For values by tier, the first that is reckoned alike: only the bill whose tier it is read at may differ."""
    same: dict[int, int] = {}
    first: dict[tuple, int] = {}
    for at in needed:
        if any(isinstance(axis, int) for axis in axes[at]):
            operation, arguments, _ = listing.entries[at]
            key = tuple(None if isinstance(n, int) else n for n in arguments) if operation == "field" else tuple(
                (kind, same.get(n, n) if kind == "at" else n) for kind, n in arguments)
            same[at] = first.setdefault((operation, key), at)
    return same


def at_tiers(values: np.ndarray, tier: np.ndarray) -> np.ndarray:
    """Values (..., k) by tier, for each history (..., h)."""
    return values.take(tier, axis=-1)


def read(rules: Rules, name: str, where: tuple, axes: frozenset) -> Any:
    """What stands in a field of the rules, broadcast against (c, u, s, p, h) or, by tier, (c, u, s, p, k)."""
    value = getattr(rules, name)
    if "c" in axes:
        return value[:, None, None, None, None]
    value = value[where] if where else value
    if "u" in axes:
        return value[:, None, None, None]
    return value.T[:, None] if "s" in axes else value


def carry_out(program: Program, rules: Rules, given: dict[str, np.ndarray], sizes: dict[str, int],
              asked: list[np.ndarray]) -> None:
    """Fill in what is asked for, with `rules` whose cells are those of the schedules.

    `asked`: arrays (c, u, s, p, h), of size 1 where nothing varies; `given`: tier, claim, continued (j, h), price
    (p, 1), years (s, 1, 1); `sizes` of the axes.
    """
    values = list(program.start)
    for at, name, bill in program.given:
        values[at] = given[name] if name in ("price", "years") else given[name][bill]
    for at, name, where, axes in program.fields:
        values[at] = read(rules, name, where, axes)
    buffers = []
    for n, form in enumerate(program.buffers):
        first = ORDER.index(form[0])
        buffers.append(asked[n][(0,) * first] if n < len(asked) else
                       np.empty([sizes[axis] if axis in form else 1 for axis in ORDER[first:]]))
    for function, left, right, at, buffer in program.lines:
        if buffer is None:
            values[at] = function(values[left], values[right])
        else:
            values[at] = function(values[left], values[right], out=buffers[buffer])
    for n, at in program.late:
        asked[n][...] = values[at]
