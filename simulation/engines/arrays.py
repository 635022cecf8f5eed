"""Arrays of histories settled by the one `settle_year`, without temporary arrays or operations that change nothing.

`settle_year` is run once on symbols (see `settling.py`) for each form of rules and bills. What has no effect there is
left out: a limit that nobody reaches, bands without ends, amounts nobody asks for. The lines that remain are carried out
on numpy arrays; what depends on a bill's tier alone is reckoned by tier, and the large arrays take turns in a few buffers.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import numpy as np

from simulation.engines.settling import OPTIONAL, STRUCTURE, Entry, Listing, Symbol
from simulation.records import Rules
from simulation.steps.benefits import ASSISTANCE, BASIC, COMMERCIAL, CRITICAL, settle_year

LAYERS = (CRITICAL, ASSISTANCE, COMMERCIAL)
READ_BY = {"first": 1, "step": 1, "lower": 1, "upper": 1, "rate": 2, "fee": 1, "fee_price": 1, "waived": 1,
           "assistance_rate": 1, "commercial_rate": 1, "ceiling": 1}  # how many last axes of a field are settled at once
ORDER = "cusph"  # of axes: ceiling, status, schedule, price, history
AXES = {"years": "s", "price": "p", "claim": "h", "continued": "h"}  # of what is given
UFUNCS = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "max": np.maximum, "min": np.minimum}


class Reach(NamedTuple):
    """Which limits and layers some histories can reach."""

    ceiling: bool
    kind_ceiling: tuple[bool, ...]  # (i,)
    critical: bool
    assistance: bool
    commercial: bool


class Form(NamedTuple):
    """All that decides which lines there are; the rest only decides their amounts."""

    known: tuple[tuple[str, tuple[int, ...], tuple[float | None, ...]], ...]  # as `known` gives it
    reach: Reach
    chronic: int  # bills of special-disease care, which come first
    bills: int
    linked: bool  # whether stays may continue the one before


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


class Field(NamedTuple):
    """A field of the rules; reading it is written down, unless what is read is known."""

    listing: Pruned
    name: str
    values: np.ndarray  # None where unknown; without the axes that are read by tier, cell or status

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, at: Any) -> Any:
        at = at if isinstance(at, tuple) else (at,)
        value = self.values[at[:self.values.ndim]]
        if value is not None:
            return value
        return self.listing.write(Entry("field", (self.name, *(n.at if isinstance(n, Symbol) else ("number", n)
                                                               for n in at)), 0))


class Claims(NamedTuple):
    """The bills at a price; each is written down when it is asked for, so that sums run in time order."""

    listing: Listing

    def __getitem__(self, bill: int) -> Symbol:
        return self.listing.given("claim", bill) * self.listing.given("price")


class Pruned(Listing):
    """A list without what is plain: limits that are infinite, amounts that are never below zero, sums that come to less.

    What is added and taken away again is left out, so that of a layer reckoned for the year so far only the year's end
    counts unless something asks for more.
    """

    def __init__(self) -> None:
        super().__init__((), choosing=False)
        self.positive: set[int] = set()  # places of what is never below zero: all rules, all bills, and what follows
        self.fixed: set[int] = set()  # places of what the rules alone decide
        self.terms: dict[int, tuple] = {}  # of sums: places of what is added, and of what is taken away, in order
        self.sums: dict[tuple, Symbol] = {}  # of places

    def write(self, entry: Entry) -> Symbol:
        """A line at the end, or the place where it stands already."""
        symbol = super().write(entry)
        if entry.operation == "field" or entry.operation in UFUNCS and all(
                kind == "number" or at in self.fixed for kind, at in entry.arguments):
            self.fixed.add(symbol.at)
        if entry.operation not in UFUNCS:
            self.positive.add(symbol.at)
        elif entry.operation != "-":
            signs = [value >= 0 if kind == "number" else value in self.positive for kind, value in entry.arguments]
            if any(signs) if entry.operation == "max" else all(signs):
                self.positive.add(symbol.at)
        return symbol

    def add(self, operation: str, a: Any, b: Any) -> Any:
        """A line as `Listing` writes it, or what it comes to."""
        if operation in ("max", "min") and not isinstance(a, Symbol):
            a, b = b, a
        if not isinstance(a, Symbol):
            return a if operation == "-" and a == np.inf else super().add(operation, a, b)
        if not isinstance(b, Symbol):
            plain = (operation == "max" and b == 0.0 and a.at in self.positive) or (operation == "min" and b == np.inf)
            return a if plain else super().add(operation, a, b)
        if operation in ("max", "min") and a.at == b.at:
            return a
        if operation == "*" and b.at < a.at:
            a, b = b, a  # so that a product stands once
        if operation not in ("+", "-") or {a.at, b.at} & self.fixed:
            return super().add(operation, a, b)
        there = self.beyond(a, b) if operation == "-" else None
        return there or self.total(a, b, operation)

    def beyond(self, a: Symbol, b: Symbol) -> Symbol | None:
        """a - min(a, x) as max(a - x, 0), where that is written down."""
        operation, arguments, varies = self.entries[b.at]
        less = self.known.get(Entry("-", arguments, varies)) if (operation, arguments[0]) == ("min", ("at", a.at)) else None
        return less and self.known.get(Entry("max", (("at", less.at), ("number", 0.0)), varies))

    def total(self, a: Symbol, b: Symbol, operation: str) -> Any:
        """The sum or difference of two sums: what is added less what is taken away, each in order."""
        alone = lambda symbol: ((symbol.at,), ())  # noqa: E731
        (plus, minus), others = self.terms.get(a.at, alone(a)), self.terms.get(b.at, alone(b))
        more, less = others if operation == "+" else others[::-1]
        plus, minus = Counter(plus + more), Counter(minus + less)
        terms = tuple(sorted((plus - minus).elements())), tuple(sorted((minus - plus).elements()))
        if not terms[1]:
            return self.chain(terms[0])
        symbol = super().add("-", self.chain(terms[0]), self.chain(terms[1]))
        self.terms[symbol.at] = terms
        return symbol

    def chain(self, places: tuple[int, ...]) -> Any:
        """The sum of some places, made from the sum of all but the last."""
        if len(places) < 2:
            return Symbol(self, places[0]) if places else 0.0
        if places not in self.sums:
            self.sums[places] = super().add("+", self.chain(places[:-1]), Symbol(self, places[-1]))
            self.terms[self.sums[places].at] = places, ()
        return self.sums[places]


def known(rules: Rules) -> tuple[tuple[str, tuple[int, ...], tuple[float | None, ...]], ...]:
    """Of each field its name, shape and values where they decide which lines there are: 0, infinity and structure.

    The shape leaves out the axes that are read by tier, cell or status; a value stands for all of these, or is None.
    """
    found = []
    for name, value in zip(rules._fields, rules, strict=True):
        plain = lambda x, name=name: x in (0.0, np.inf) or name in STRUCTURE  # noqa: E731
        shape = np.shape(value)[:np.ndim(value) - READ_BY.get(name, 0)]
        if name in READ_BY:
            rows = value.reshape(int(np.prod(shape)), -1)
            values = [x if plain(x) and (row == x).all() else None for x, row in zip(rows[:, 0].tolist(), rows, strict=True)]
        else:
            values = [float(x) if plain(x) else None for x in (value.tolist() if shape else [value])]
        found.append((name, shape, tuple(values)))
    return tuple(found)


@lru_cache(maxsize=512)
def program(form: Form) -> Program:
    """What to do to settle histories of a form."""
    listing, each = Pruned(), range(form.bills)
    fields: dict[str, Any] = {}
    for name, shape, values in form.known:
        table = np.empty(shape, object)
        table.ravel()[:] = values
        field = Field(listing, name, table)
        fields[name] = field if shape or name in READ_BY and name != "ceiling" else field[()]
    reach = form.reach
    fields |= {"has_critical": reach.critical, "has_assistance": reach.assistance, "has_commercial": reach.commercial,
               "has_kind_ceiling": any(reach.kind_ceiling), "kind_ceiling": [
                   fields["kind_ceiling"][i] if reached else np.inf for i, reached in enumerate(reach.kind_ceiling)]}
    if not reach.ceiling:
        fields["ceiling"] = np.inf
    nothing = [0.0] * form.bills
    settle_year(Rules(**fields), listing.given("cell"), listing.given("status"), listing.given("years"),
                [1] * form.chronic + [0] * (form.bills - form.chronic), [listing.given("tier", j) for j in each],
                [listing.given("continued", j) for j in each] if form.linked else nothing, nothing,
                Claims(listing), [0.0, 0.0], [0.0, 0.0], listing.amounts)
    paid = [[listing.amounts[j, amount] for j in each if (j, amount) in listing.amounts] for amount in (BASIC, *LAYERS)]
    there = (True, reach.critical, reach.assistance, reach.commercial)
    whole = [reduce(lambda a, b: a + b, amounts, 0.0) for amounts, some in zip(paid, there, strict=True) if some]
    alike = "csph" if reach.ceiling else "sph"
    later = ORDER if reach.ceiling and reach.assistance else "usph" if reach.assistance else alike
    return arranged(listing, [*paid[0], *whole], [alike] * (form.bills + 1 + reach.critical) +
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
    needed = sorted(needed_by(listing, asked))
    same = alike_by_tier(listing, axes, needed)
    calls: list[tuple] = []  # function, left, right, at
    start: list[float | None] = [None] * len(entries)
    places: dict[Any, int] = {}  # of numbers, and of values by tier once they are by history

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
    found = [place("at", x.at) if isinstance(x, Symbol) else place("number", x) for x in asked]
    last = {n: when for when, (_, left, right, _) in enumerate(calls) for n in (left, right)}
    large = {at for *_, at in calls if at < len(entries) and axes[at] >= {"p", "h"}}
    direct = {at: n for n, (at, form) in reversed(list(enumerate(zip(found, wanted, strict=True))))
              if at in large and axes[at] == frozenset(form)}
    last |= {at: len(calls) for at in found}
    buffers, idle, taken, lines = list(wanted), [], dict(direct), []
    for when, (function, left, right, at) in enumerate(calls):
        idle += [taken[n] for n in {left, right} if n in taken and n not in direct and last[n] == when]
        if at in large and at not in taken:
            form = "".join(sorted(axes[at], key=ORDER.index))
            taken[at] = next((n for n in idle if buffers[n] == form), len(buffers))
            if taken[at] == len(buffers):
                buffers.append(form)
            else:
                idle.remove(taken[at])
        lines.append(Line(function, left, right, at, taken.get(at)))
    read = {n for _, *places_of in calls for n in places_of}
    given = [(at, *entry.arguments) for at, entry in enumerate(entries) if entry.operation == "input" and at in read]
    fields = [(at, entry.arguments[0], tuple(slice(None) if isinstance(n, int) else n[1] for n in entry.arguments[1:]),
               axes[at]) for at, entry in enumerate(entries) if entry.operation == "field" and at in read]
    return Program(tuple(start), tuple(given), tuple(fields), tuple(lines), tuple(buffers),
                   tuple((n, at) for n, at in enumerate(found) if direct.get(at) != n))


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

    `asked`: arrays (c, u, s, p, h), of size 1 where nothing varies; `given`: tier, claim, continued (j, h), price (p, 1),
    years (s, 1, 1); `sizes` of the axes.
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
