"""What `settle_year` does, as a list without what changes nothing: for arrays of claim histories.

`settle_year` is run once on symbols (see `settling.py`) for each form of rules and bills. Left out is what has no
effect there: a limit that nobody reaches, a band without an end, what is added and taken away again.
"""

from __future__ import annotations

from collections import Counter
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from simulation.engines.settling import SHARED, STRUCTURE, Entry, Listing, Symbol
from simulation.records import Rules
from simulation.steps.benefits import ASSISTANCE, BASIC, COMMERCIAL, CRITICAL, settle_year

LAYERS = (CRITICAL, ASSISTANCE, COMMERCIAL)
SIGNS = ("+", "-", "*", "/", "max", "min")
# How many last axes of a field are read by tier, cell or status, and of the ceiling: all at once.
READ_BY = {"first": 1, "step": 1, "lower": 1, "upper": 1, "rate": 2, "fee": 1, "fee_price": 1, "waived": 1,
           "assistance_rate": 1, "commercial_rate": 1, "ceiling": 1}


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
        where = (n.at if isinstance(n, Symbol) else ("number", n) for n in at)
        return self.listing.write(Entry("field", (self.name, *where), SHARED))


class Claims(NamedTuple):
    """The bills at a price; each is written down when it is asked for, so that sums run in time order."""

    listing: Listing

    def __getitem__(self, bill: int) -> Symbol:
        return self.listing.given("claim", bill) * self.listing.given("price")


class Pruned(Listing):
    """A list without what is plain: infinite limits, amounts that are never below zero, sums that come to less.

    What is added and taken away again is left out, so that of a layer reckoned for the year so far only the year's end
    counts, unless something asks for more.
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
        if entry.operation == "field" or entry.operation in SIGNS and all(
                kind == "number" or at in self.fixed for kind, at in entry.arguments):
            self.fixed.add(symbol.at)
        if entry.operation not in SIGNS:
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
        if (operation, arguments[0]) != ("min", ("at", a.at)):
            return None
        less = self.known.get(Entry("-", arguments, varies))
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

    The shape leaves out the axes of `READ_BY`; a value stands for all along these, or is None.
    """
    found = []
    for name, value in zip(rules._fields, rules, strict=True):
        plain = lambda x, name=name: x in (0.0, np.inf) or name in STRUCTURE  # noqa: E731
        shape = np.shape(value)[:np.ndim(value) - READ_BY.get(name, 0)]
        if name in READ_BY:
            rows = value.reshape(int(np.prod(shape)), -1)
            alike = (rows == rows[:, :1]).all(axis=1)
            values = [x if same and plain(x) else None for x, same in zip(rows[:, 0].tolist(), alike, strict=True)]
        else:
            values = [float(x) if plain(x) else None for x in (value.tolist() if shape else [value])]
        found.append((name, shape, tuple(values)))
    return tuple(found)


def pruned(form: Form) -> tuple[Pruned, list[Any]]:
    """The list of a form, and what is asked of it: the basic payment of each bill and in all, then layers in reach."""
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
    return listing, [*paid[0], *whole]
