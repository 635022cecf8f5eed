"""Machine code for several people at a time; imported only when it is needed, for it brings the compiler.

People are taken in blocks. A block's numbers stand in rows of one long array, a row for each quantity: the layout from
which the compiler makes instructions that work on several people at once. Random numbers depend on a key and a place
alone, so no block waits for another.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from simulation.engines.lanes import jit
from simulation.engines.settling import LOOKED_UP, OWN, SHARED, Listing
from simulation.steps.benefits import AMOUNTS

BLOCK = 352  # people taken at once: their numbers stay in the nearest cache
LANE = 360  # room of a row; not a power of two, or rows would fight for the same places of the cache
LINE = 64  # bytes of a line of the cache
CELL, STATUS, TIER = 0, 1, 2  # rows of what people are; a row a bill from TIER on
KIND_ROWS = {"cell": CELL, "status": STATUS, "tier": TIER}


DOUBLE, INTEGER = ir.DoubleType(), ir.IntType(64)
NUMBERS, PLACES = types.CPointer(types.float64), types.CPointer(types.int64)
SETTLE = types.void(NUMBERS, types.int64, types.int64, PLACES, NUMBERS, types.int64)


# ---- where things stand ------------------------------------------------------------------------

YEARS_ROW, FIRST_ROW = 0, 1  # contribution years, then for each bill in turn:
EACH = AMOUNTS + 3  # rows a bill: its amounts, numbered as in `settle_year`, and
BILL, LINKED, VISITS = AMOUNTS, AMOUNTS + 1, AMOUNTS + 2  # what of it is in policy, whether by referral, consultations
OWN_ROWS = {"bill": BILL, "continued": LINKED, "visits": VISITS}


def row(bill: int, what: int) -> int:
    """The row of something of a bill.

    >>> row(0, BILL), row(1, 0)
    (7, 10)
    """
    return FIRST_ROW + bill * EACH + what


def kind_row(name: str, bill: int) -> int:
    """The row of what a person is, or of a bill's tier."""
    return KIND_ROWS[name] + bill


def figure_row(name: str, bill: int) -> int:
    """The row of a person's own figure."""
    return YEARS_ROW if name == "years" else row(bill, OWN_ROWS[name])


def rows(many: int, kind: type = float) -> np.ndarray:
    """So many rows of noughts, each from the beginning of a line of the cache on.

    >>> rows(2).ctypes.data % LINE, len(rows(2)) == 2 * LANE
    (0, True)
    """
    room = np.zeros(many * LANE + LINE // 8, kind)
    skipped = -room.ctypes.data % LINE // 8
    return room[skipped:skipped + many * LANE]


# ---- from the list of what `settle_year` does to machine code -----------------------------------

def settler(listing: Listing, bills: int, amounts: tuple[int, ...]) -> Any:
    """Machine code for `settle_at`, which takes its `address`; it lives as long as what is returned.

    Only the `amounts` asked for are written to their rows.
    """
    entries, asked = listing.entries, {at: symbol for at, symbol in listing.amounts.items() if at[1] in amounts}
    looked_up = [n for n, entry in enumerate(entries) if entry.operation == "read" and entry.varies == LOOKED_UP]
    row_of = {n: row(bills, place) for place, n in enumerate(looked_up)}
    needed = {n for entry in entries if entry.varies == OWN and entry.operation not in ("input", "choose")
              for kind, n in entry.arguments if kind == "at"}
    needed |= {n for entry in entries if entry.operation == "choose" for n in entry.arguments[1:]}
    needed |= {symbol.at for symbol in asked.values() if hasattr(symbol, "at")}
    shared = [n for n in sorted(needed) if entries[n].varies == SHARED]

    @intrinsic
    def for_all(context: Any, rules: Any, cell: Any, tier: Any) -> tuple:
        """What is the same for everyone, as one tuple."""
        def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            values: dict = {}
            data = given[0]
            own = {("cell", 0): given[1], ("tier", 0): given[2]}
            for n, entry in enumerate(entries):
                if entry.varies == SHARED:
                    if entry.operation == "input":
                        values[n] = own[entry.arguments]
                    elif entry.operation == "read":
                        values[n] = read(builder, data, entry.arguments, values)
                    else:
                        values[n] = reckoned(builder, entry.operation, entry.arguments, values)
            found = [values[n] for n in shared] or [ir.Constant(DOUBLE, 0.0)]
            return context.make_tuple(builder, signature.return_type, found)
        return types.UniTuple(types.float64, max(len(shared), 1))(rules, cell, tier), code

    @intrinsic
    def look_up(context: Any, rules: Any, cell: Any, tier: Any, what: Any, numbers: Any, person: Any) -> tuple:
        """What the rules say of one person, into that person's place of the rows."""
        def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            table, people, numbers = given[0], given[3], given[4]
            values: dict = {}
            for n, entry in enumerate(entries):
                if entry.operation == "input" and entry.varies == LOOKED_UP:
                    values[n] = builder.load(place(builder, people, kind_row(*entry.arguments), given[5]))
                elif entry.operation == "input" and entry.varies == SHARED:
                    values[n] = given[1] if entry.arguments[0] == "cell" else given[2]
            for n in looked_up:
                builder.store(read(builder, table, entries[n].arguments, values),
                              place(builder, numbers, row_of[n], given[5]))
            return context.get_dummy_value()
        return types.void(rules, cell, tier, what, numbers, person), code

    @intrinsic
    def settle_one(context: Any, common: Any, what: Any, numbers: Any, person: Any) -> tuple:
        """The sums of one person."""
        def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            people, data, person = given[1:]
            values = {n: builder.extract_value(given[0], m) for m, n in enumerate(shared)}
            for n, entry in enumerate(entries):
                if entry.varies == LOOKED_UP and entry.operation == "read":
                    values[n] = builder.load(place(builder, data, row_of[n], person))
                elif entry.varies == LOOKED_UP:
                    values[n] = builder.load(place(builder, people, kind_row(*entry.arguments), person))
                elif entry.varies == OWN and entry.operation == "input":
                    values[n] = builder.load(place(builder, data, figure_row(*entry.arguments), person))
                elif entry.operation == "choose":
                    values[n] = chosen(builder, entry.arguments, values)
                elif entry.varies == OWN:
                    values[n] = reckoned(builder, entry.operation, entry.arguments, values)
            for (bill, amount), symbol in asked.items():
                value = values[symbol.at] if hasattr(symbol, "at") else ir.Constant(DOUBLE, symbol)
                builder.store(value, place(builder, data, row(bill, amount), person))
            return context.get_dummy_value()
        return types.void(common, what, numbers, person), code

    reads = bool(looked_up)

    def settle(rules, cell, tier, what, numbers, n):
        common = for_all(rules, cell, tier)
        if reads:
            for person in range(n):
                look_up(rules, cell, tier, what, numbers, person)
        for person in range(n):
            settle_one(common, what, numbers, person)

    return numba.cfunc(SETTLE, error_model="numpy")(settle)


@intrinsic
def settle_at(context: Any, address: Any, rules: Any, cell: Any, tier: Any, what: Any, numbers: Any, n: Any) -> tuple:
    """Settle n people, at most a block: amounts go to their rows of `numbers`.

    `rules` packed; `cell` and `tier` count where everyone is alike, else the rows of `what` do.
    """
    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        data = lambda n: context.make_array(signature.args[n])(context, builder, given[n]).data  # noqa: E731
        arguments = [data(1), given[2], given[3], data(4), data(5), given[6]]
        kind = ir.FunctionType(ir.VoidType(), [argument.type for argument in arguments])
        builder.call(builder.inttoptr(given[0], kind.as_pointer()), arguments)
        return context.get_dummy_value()
    whole = types.int64
    return types.void(whole, rules, whole, whole, what, numbers, whole), code


def place(builder: Any, data: Any, row: int, person: Any) -> Any:
    """A person's place in a row."""
    at = builder.add(person, ir.Constant(INTEGER, row * LANE), flags=["nsw"])
    return builder.gep(data, [at], inbounds=True)


def read(builder: Any, data: Any, arguments: tuple, values: dict) -> Any:
    """A value of the packed rules."""
    start, moving = arguments
    at = ir.Constant(INTEGER, start)
    for n, step in moving:
        at = builder.add(at, builder.mul(values[n], ir.Constant(INTEGER, step)))
    return builder.load(builder.gep(data, [at], inbounds=True))


def chosen(builder: Any, arguments: tuple, values: dict) -> Any:
    """One of a few values, by number."""
    which, first, *others = (values[n] for n in arguments)
    for number, value in enumerate(others, start=1):
        first = builder.select(builder.icmp_signed("==", which, ir.Constant(INTEGER, number)), value, first)
    return first


def reckoned(builder: Any, operation: str, arguments: tuple, values: dict) -> Any:
    """A sum, product, quotient, minimum or maximum."""
    a, b = (values[x] if kind == "at" else ir.Constant(DOUBLE, x) for kind, x in arguments)
    if operation in ("max", "min"):
        return builder.select(builder.fcmp_ordered(">" if operation == "max" else "<", a, b), a, b)
    return {"+": builder.fadd, "-": builder.fsub, "*": builder.fmul, "/": builder.fdiv}[operation](a, b)


# ---- the same list followed line by line, for the few people with many bills --------------------

CODES = {"+": 0, "-": 1, "*": 2, "/": 3, "max": 4, "min": 5, "number": 6, "read": 7, "figure": 8, "kind": 9, "out": 10}


def lines_of(listing: Listing, bills: int) -> tuple[np.ndarray, np.ndarray]:
    """The list as numbers, (line, 6): a code and its arguments; and how many lines settle each bill, (bill,).

    To follow it takes longer than machine code, but nothing to compile however many bills there are.
    """
    lines: list[tuple] = []
    at: dict[tuple, int] = {}  # the line of an entry or a number
    ends = np.zeros(bills, np.int64)
    wanted: dict[int, list[tuple[int, int]]] = {}
    for amount, symbol in listing.amounts.items():
        if hasattr(symbol, "at"):  # the others are nought
            wanted.setdefault(symbol.at, []).append(amount)

    def line(code: str, *arguments: float) -> int:
        lines.append((CODES[code], *arguments, *[0.0] * (5 - len(arguments))))
        return len(lines) - 1

    for n, (operation, arguments, _) in enumerate(listing.entries):
        if operation == "input":
            of_kind = arguments[0] in KIND_ROWS
            at["at", n] = line("kind", kind_row(*arguments)) if of_kind else line("figure", figure_row(*arguments))
        elif operation == "read":
            start, moving = arguments
            at["at", n] = line("read", start, *[x for m, step in moving for x in (at["at", m], step)])
        else:
            for argument in arguments:
                if argument not in at:  # a number
                    at[argument] = line("number", argument[1])
            at["at", n] = line(operation, *(at[argument] for argument in arguments))
        for bill, amount in wanted.get(n, ()):
            line("out", at["at", n], row(bill, amount))
            ends[bill] = len(lines)
    return np.array(lines), np.maximum.accumulate(ends)


@jit
def follow(lines, stop, rules, what, numbers, values, n):
    """Do what the first `stop` lines say for n people; the same rows as in `settler`, `values` a row a line."""
    for at in range(stop):
        code, to = int(lines[at, 0]), at * LANE
        a, b = int(lines[at, 1]) * LANE, int(lines[at, 2]) * LANE
        for p in range(n):
            if code == 0:
                values[to + p] = values[a + p] + values[b + p]
            elif code == 1:
                values[to + p] = values[a + p] - values[b + p]
            elif code == 2:
                values[to + p] = values[a + p] * values[b + p]
            elif code == 3:
                values[to + p] = values[a + p] / values[b + p]
            elif code == 4:
                values[to + p] = max(values[a + p], values[b + p])
            elif code == 5:
                values[to + p] = min(values[a + p], values[b + p])
            elif code == 6:
                values[to + p] = lines[at, 1]
            elif code == 7:
                second = int(lines[at, 4]) * LANE
                values[to + p] = rules[int(lines[at, 1] + values[b + p] * lines[at, 3]
                                           + values[second + p] * lines[at, 5])]
            elif code == 8:
                values[to + p] = numbers[a + p]
            elif code == 9:
                values[to + p] = what[a + p]
            else:
                numbers[b + p] = values[a + p]


# ---- arrays in, arrays out -----------------------------------------------------------------------

@jit
def copy(given, to):
    """Numbers from one place to another."""
    for p in range(len(given)):
        to[p] = given[p]


@jit
def through(address, rules, cell, status, years, tier, continued, visits, eligible, out, places, height, start, stop):
    """Settle people from arrays into arrays, block by block; `places` are the rows of `out`, `height` that of all."""
    numbers = np.zeros(height * LANE)
    what = np.zeros((TIER + len(eligible)) * LANE, np.int64)
    for first in range(start, stop, BLOCK):
        n, end = min(BLOCK, stop - first), min(first + BLOCK, stop)
        copy(cell[first:end], what[CELL * LANE:])
        copy(status[first:end], what[STATUS * LANE:])
        copy(years[first:end], numbers[YEARS_ROW * LANE:])
        for j in range(len(eligible)):
            bill = numbers[(FIRST_ROW + j * EACH) * LANE:]
            copy(tier[j, first:end], what[(TIER + j) * LANE:])
            copy(eligible[j, first:end], bill[BILL * LANE:])
            if len(continued) > 0:
                copy(continued[j, first:end], bill[LINKED * LANE:])
            if len(visits) > 0:
                copy(visits[j, first:end], bill[VISITS * LANE:])
        settle_at(address, rules, 0, 0, what, numbers, n)
        for m in range(len(out)):
            copy(numbers[places[m] * LANE:places[m] * LANE + n], out[m, first:end])
