"""Many people's bills settled at machine speed, by the one `settle_year`.

`settle_year` is run once on symbols instead of numbers; what it does to them is written down as a flat list of sums,
products, minima and maxima, and that list becomes machine code which takes several people at a time. Rules of the same
form (the same layers, as many bands) share the code: rates and amounts are read when it runs. No rule is written a
second time, and every amount is the one numpy gives.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from simulation.records import Rules
from simulation.steps.benefits import ASSISTANCE, BASIC, COMMERCIAL, CRITICAL, settle_year
from simulation.terms import refuse, words

PAYMENTS = (BASIC, CRITICAL, ASSISTANCE, COMMERCIAL)
STRUCTURE = ("counts", "annual", "has_kind_ceiling", "has_fee", "has_critical", "above_ceiling", "has_assistance",
             "has_commercial")  # what decides which sums there are; the rest only decides their amounts
OPTIONAL = ("credit", "bonus")  # part of the structure where they are zero
OPERATIONS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "maximum": "max", "minimum": "min"}
CHOICES = 8  # values of a table among which one is chosen by comparing
SHARED, LOOKED_UP, OWN = range(3)  # how a number varies: the same for everyone, read for each person, reckoned for each
SETTLED_AT_ONCE = 32_768  # people: a thread's piece of work


class Form(NamedTuple):
    """Everything about rules and bills that the machine code depends on."""

    shapes: tuple[tuple[str, tuple[int, ...]], ...]  # of every field of the rules
    structure: tuple[tuple[str, tuple[float, ...]], ...]  # values of `STRUCTURE`, and of `OPTIONAL` where zero
    kinds: tuple[int, ...]  # of the bills, in time order
    shared: tuple[str, ...] = ()  # what everyone has in common: cell, tier


class Symbol:
    """A number that is not known yet: a place in the list of what `settle_year` does."""

    def __init__(self, listing: Listing, at: int) -> None:
        self.listing, self.at = listing, at

    def __array_ufunc__(self, function: np.ufunc, method: str, *arguments: Any) -> Any:
        return self.listing.add(OPERATIONS[function.__name__], *arguments)

    def __gt__(self, other: float) -> bool:
        return True  # asked of `OPTIONAL` alone, which are symbols only where they are above zero

    def __add__(self, other: Any) -> Any:
        return self.listing.add("+", self, other)

    def __radd__(self, other: Any) -> Any:
        return self.listing.add("+", other, self)

    def __sub__(self, other: Any) -> Any:
        return self.listing.add("-", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.listing.add("-", other, self)

    def __mul__(self, other: Any) -> Any:
        return self.listing.add("*", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self.listing.add("*", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self.listing.add("/", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.listing.add("/", other, self)


class Table(NamedTuple):
    """A field of the rules: reading it is written down too."""

    listing: Listing
    start: int  # where it begins in the packed rules
    shape: tuple[int, ...]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, at: Any) -> Any:
        return self.listing.read(self.start, self.shape, at if isinstance(at, tuple) else (at,))


class Entry(NamedTuple):
    """One line of the list: an operation and its arguments, places in the list or numbers."""

    operation: str  # "input", "read", "choose" or a sign
    arguments: tuple
    varies: int


class Listing:
    """What `settle_year` does, line by line; a line that stands there already is not written again."""

    def __init__(self, shared: tuple[str, ...], choosing: bool = True) -> None:
        self.shared, self.choosing = shared, choosing
        self.entries: list[Entry] = []
        self.known: dict[Entry, Symbol] = {}
        self.amounts: dict[tuple[int, int], Any] = {}  # (bill, amount): a symbol or a number

    def write(self, entry: Entry) -> Symbol:
        """A line at the end, or the place where it stands already."""
        if entry not in self.known:
            self.known[entry] = Symbol(self, len(self.entries))
            self.entries.append(entry)
        return self.known[entry]

    def given(self, name: str, bill: int = 0) -> Symbol:
        """A person's own figure."""
        looked_up = name in ("cell", "tier", "status")
        varies = SHARED if name in self.shared else LOOKED_UP if looked_up else OWN
        return self.write(Entry("input", (name, bill), varies))

    def read(self, start: int, shape: tuple[int, ...], at: tuple) -> Symbol:
        """A value of a table, at numbers or symbols; out of a few values by comparing, which is faster than reading."""
        own = [n for n, symbol in enumerate(at) if isinstance(symbol, Symbol)
               and self.entries[symbol.at].varies == LOOKED_UP]
        if self.choosing and len(own) == 1 and shape[own[0]] <= CHOICES:
            n = own[0]
            values = [self.read(start, shape, (*at[:n], value, *at[n + 1:])).at for value in range(shape[n])]
            return self.write(Entry("choose", (at[n].at, *values), OWN)) if len(values) > 1 else Symbol(self, values[0])
        steps = [int(np.prod(shape[n + 1:])) for n in range(len(shape))]
        start += sum(int(n) * step for n, step in zip(at, steps, strict=True) if not isinstance(n, Symbol))
        moving = tuple((n.at, step) for n, step in zip(at, steps, strict=True) if isinstance(n, Symbol))
        varies = max((self.entries[n].varies for n, _ in moving), default=SHARED)
        return self.write(Entry("read", (start, moving), varies))

    def add(self, operation: str, a: Any, b: Any) -> Any:
        """A sum, product, quotient, minimum or maximum; what is plainly nothing is left out."""
        number = lambda x: None if isinstance(x, Symbol) else float(x)  # noqa: E731
        left, right = number(a), number(b)
        if left is not None and right is not None:
            return {"+": left + right, "-": left - right, "*": left * right, "max": max(left, right),
                    "min": min(left, right)}[operation]
        if operation == "*" and 0.0 in (left, right):
            return 0.0
        if (operation, left) in (("+", 0.0), ("*", 1.0)):
            return b
        if (operation, right) in (("+", 0.0), ("-", 0.0), ("*", 1.0)):
            return a
        if (operation, left) == ("/", 0.0):
            return 0.0
        of = lambda x: ("at", x.at) if isinstance(x, Symbol) else ("number", float(x))  # noqa: E731
        shared = all(not isinstance(x, Symbol) or self.entries[x.at].varies == SHARED for x in (a, b))
        return self.write(Entry(operation, (of(a), of(b)), SHARED if shared else OWN))


@cache
def listed(form: Form, choosing: bool = True) -> Listing:
    """What `settle_year` does to one person's bills under rules of a form."""
    listing = Listing(form.shared, choosing)
    structure, starts = dict(form.structure), offsets(form)
    fields = {}
    for name, shape in form.shapes:
        if name in structure:
            fields[name] = np.array(structure[name]).reshape(shape) if shape else structure[name][0]
        else:
            fields[name] = Table(listing, starts[name], shape) if shape else listing.read(starts[name], (), ())
    kinds, rules = len(form.kinds), Rules(**fields)
    years = 0.0 if "bonus" in structure else listing.given("years")
    settle_year(
        rules, listing.given("cell"), listing.given("status"), years, list(form.kinds),
        [listing.given("tier", j) for j in range(kinds)],
        [listing.given("continued", j) if "credit" not in structure else 0.0 for j in range(kinds)],
        [listing.given("visits", j) if structure["has_fee"][0] else 0.0 for j in range(kinds)],
        [listing.given("bill", j) for j in range(kinds)], [0.0] * len(rules.annual), [0.0] * len(rules.annual),
        listing.amounts)
    return listing


def looked_up_in(listing: Listing) -> int:
    """How many values of the rules are read for each person."""
    return sum(entry.operation == "read" and entry.varies == LOOKED_UP for entry in listing.entries)


def offsets(form: Form) -> dict[str, int]:
    """Where each field of the rules begins once they are packed."""
    ends = np.cumsum([int(np.prod(shape)) for _, shape in form.shapes])
    return dict(zip((name for name, _ in form.shapes), [0, *ends[:-1].tolist()], strict=True))


def form_of(rules: Rules, kinds: tuple[int, ...], shared: tuple[str, ...] = ()) -> Form:
    """The form of some rules for bills of some kinds."""
    numbers = lambda name: tuple(float(x) for x in np.ravel(getattr(rules, name)))  # noqa: E731
    fixed = [*STRUCTURE, *(name for name in OPTIONAL if getattr(rules, name) == 0)]
    return Form(tuple((name, np.shape(value)) for name, value in rules._asdict().items()),
                tuple((name, numbers(name)) for name in fixed), tuple(int(kind) for kind in kinds), shared)


def packed(rules: Rules) -> np.ndarray:
    """All of the rules as one row of numbers."""
    return np.concatenate([np.ravel(np.asarray(value, float)) for value in rules])


@cache
def settler(form: Form, amounts: tuple[int, ...]) -> Any:
    """Machine code for rules of a form and the amounts asked for; see `machine.settler`.

    Made afresh in each process, from `settle_year`.
    Kept for good, because its address is handed on; there are only so many forms.
    """
    from simulation.engines import machine

    return machine.settler(listed(form), len(form.kinds), amounts)


def settle_people(rules: Rules, cell: np.ndarray, status: np.ndarray, years: np.ndarray, kinds: tuple[int, ...],
                  tier: np.ndarray, eligible: np.ndarray, continued: np.ndarray | None = None,
                  visits: np.ndarray | None = None, amounts: tuple[int, ...] = PAYMENTS,
                  threads: int = 1) -> dict[tuple[int, int], np.ndarray]:
    """Settle a year's bills of many people, each with bills of the same kinds: {(bill, amount): (n,) yuan}.

    `cell`, `status`, `years` (n,) or one number; `tier`, `eligible` (in-policy expense, yuan), `continued` and `visits`
    (bill, n), in time order; a bill of zero yuan changes nothing, so people with fewer bills are padded. Arguments and
    amounts are those of `settle_year`, and so are the results, to the last digit. The winners and losers of a reform
    are the difference of two calls. With `eligible` in single precision the amounts are too; `years` are whole. Numbers
    out of range raise `BadInput`.

    >>> from simulation import load_scenario
    >>> from simulation.stages.book import book_of
    >>> from simulation.steps.benefits import BASIC
    >>> rules = book_of(load_scenario("benxi_2008"), None).rules[0]
    >>> bills = np.array([[500.0, 5000.0, 50000.0]])
    >>> settle_people(rules, 0, 0, 0.0, (0,), np.ones((1, 3), int), bills)[0, BASIC].round().tolist()
    [130.0, 3055.0, 30000.0]
    """
    from simulation.engines import machine

    people = np.shape(eligible)[1]
    for name, given, size in (("cell", cell, rules.rate.shape[3]), ("tier", tier, rules.rate.shape[2]),
                              ("status", status, len(rules.assistance_rate))):
        if np.size(given) and not 0 <= np.min(given) <= np.max(given) < size:
            raise refuse(name, words(f"有编号不在 0 到 {size - 1} 之间", f"a number lies outside 0 to {size - 1}"),
                         words("请按情景中的次序从 0 编号", "count from 0 in the scenario's order"))
    if continued is None:
        rules = rules._replace(credit=0.0)
    if visits is None:
        rules = rules._replace(has_fee=False)
    form = form_of(rules, kinds)
    address, listing = settler(form, tuple(amounts)).address, listed(form)
    money = np.float32 if np.asarray(eligible).dtype == np.float32 else np.float64
    row = lambda values, kind: np.ascontiguousarray(np.broadcast_to(np.asarray(values, kind), people))  # noqa: E731
    table = lambda values, kind: np.ascontiguousarray(  # noqa: E731
        np.zeros((0, people)) if values is None
        else np.broadcast_to(np.asarray(values, kind), (len(form.kinds), people)))
    found = sorted(at for at in listing.amounts if at[1] in amounts)
    out = np.empty((len(found), people), money)
    given = (packed(rules), row(cell, np.uint8), row(status, np.uint8), row(years, np.float32), table(tier, np.uint8),
             table(continued, float), table(visits, float), table(eligible, money), out,
             np.array([machine.row(*at) for at in found]), machine.row(len(form.kinds), looked_up_in(listing)))
    edges = range(0, people, SETTLED_AT_ONCE)
    work = lambda start: machine.through(address, *given, start, min(start + SETTLED_AT_ONCE, people))  # noqa: E731
    if threads == 1:
        machine.through(address, *given, 0, people)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, edges))
    return dict(zip(found, out, strict=True))
