"""The inner loops of the exact engine, as machine code; imported only when that engine runs.

People with the same number of bills are taken in blocks: their costs are drawn, their bills settled and the amounts
added up, each in turn for the whole block. Where things stand is explained in `machine`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from simulation.engines.individual import MOST_STAYS
from simulation.engines.lanes import (
    LOG2E,
    UNSEEN,
    WHOLE,
    binomial,
    costs,
    costs_of_each,
    either,
    inner,
    jit,
    key_of,
    mark,
    pick,
    uniform,
    uniforms,
    whole,
    within,
)
from simulation.engines.machine import (
    BILL,
    BLOCK,
    CELL,
    EACH,
    FIRST_ROW,
    LANE,
    LINKED,
    STATUS,
    TIER,
    YEARS_ROW,
    follow,
    row,
    rows,
    settle_at,
)
from simulation.steps.benefits import ASSISTANCE, BASIC, COMMERCIAL, CRITICAL

SIZES = (1, 2, 3, 7, MOST_STAYS + 1)  # bills there is room for,
SPECIAL = (0, 0, 1, 1, 1)  # and how many of them, the first, are for special-disease care
# How many stays those who go together have at most, without special-disease care and with it, and their size.
UP_TO = ((0, 1, 2, 6, MOST_STAYS), (0, 2, 6, MOST_STAYS, MOST_STAYS))
ROOMS = ((0, 0, 1, 3, 4), (0, 2, 3, 4, 4))
MANY = len(SIZES) - 1  # those whose bills are settled by following the list
COUNT, COST, WHERE, YEARS, ASSISTED, LINK = range(6)  # purposes of random numbers; those of a bill go by its place
PURPOSES = 8  # room for the purposes of a bill
START, NEXT = FIRST_ROW * LANE, EACH * LANE  # where bills begin, and the next one
AT_YEARS, AT_CELL, AT_STATUS, AT_TIER = (at * LANE for at in (YEARS_ROW, CELL, STATUS, TIER))
AT_BILL, AT_LINK, AT_BASIC, AT_CRITICAL, AT_ASSISTANCE, AT_COMMERCIAL = (
    at * LANE for at in (BILL, LINKED, BASIC, CRITICAL, ASSISTANCE, COMMERCIAL))  # within a bill
CHANCE, SD, SCALE, SHARE, COSTS = (at * LANE for at in range(5))  # in the scratch room; a row a bill from COSTS on

summing = numba.njit(**UNSEEN, fastmath={"reassoc", "nsz"})  # sums in any order


class Year(NamedTuple):
    """What one year's care is like for everyone; as `Care` and `Costs`, in the form the loops read."""

    admissions: np.ndarray  # (c,) stays a person
    chronic_share: np.ndarray  # (c,)
    mix: np.ndarray  # (c, k)
    years: np.ndarray  # (y,) marks of cumulative shares,
    statuses: np.ndarray  # (c, s) and these
    log_expense: np.ndarray  # (k + 1,) log of the median at first-year prices; the last is special-disease care
    log_sd: np.ndarray  # (k + 1,)
    eligible: np.ndarray  # (i, k)
    primary: np.ndarray  # (k,)
    bend: float
    wider: float  # by how much the spread beyond the bend is larger
    dispersion: float
    referral: float
    threshold: float  # yuan left to the patient that are catastrophic
    has_bonus: bool  # whether contribution years matter,
    has_status: bool  # status,
    has_credit: bool  # and referral,
    has_more: bool  # and whether a layer follows the critical-illness layer


class Room(NamedTuple):
    """Room to work in, all of it nought at first."""

    numbers: tuple[np.ndarray, ...]  # for each of `SIZES`: bills, amounts, and what the rules say of a person
    what: tuple[np.ndarray, ...]  # cell, status and tiers
    scratch: np.ndarray
    values: np.ndarray  # of the lines of a list


def room_for(looked_up: int, lines: int) -> Room:
    """Room for a block of people, whose rules say so many things of each and whose list has so many lines."""
    return Room(tuple(rows(row(size, looked_up)) for size in SIZES),
                tuple(rows(TIER + size, np.int64) for size in SIZES),
                rows(COSTS // LANE + SIZES[MANY]), rows(lines))


@inner
def draw_person(year, cell, numbers, what, key, first, n):
    """Contribution years and status, where the rules ask for them."""
    if year.has_bonus:
        pick(numbers, AT_YEARS, year.years, key_of(key, YEARS), first, n)
    if year.has_status:
        pick(what, AT_STATUS, year.statuses[cell], key_of(key, ASSISTED), first, n)


@summing
def sums(scratch, numbers, first, bills, n, threshold):
    """Expense, in-policy expense, the layers in turn, and how many are left with more than the threshold."""
    spent, admitted, basic, critical, assistance, commercial, over = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(first, first + bills):
        cost, bill = scratch[COSTS + j * LANE:], numbers[START + j * NEXT:]
        for p in range(n):
            b, c, a, s = bill[AT_BASIC + p], bill[AT_CRITICAL + p], bill[AT_ASSISTANCE + p], bill[AT_COMMERCIAL + p]
            spent += cost[p]
            admitted += bill[AT_BILL + p]
            basic += b
            critical += c
            assistance += a
            commercial += s
            left = cost[p] - (b + c + a + s)
            scratch[CHANCE + p] = left if j == first else scratch[CHANCE + p] + left
    for p in range(n):
        over += 1.0 if scratch[CHANCE + p] > threshold else 0.0
    return spent, admitted, basic, critical, assistance, commercial, over


@summing
def sums_of_one(scratch, numbers, n, threshold):
    """The same where everyone has one bill and no further layers."""
    cost, bill = scratch[COSTS:], numbers[START:]
    spent, admitted, basic, critical, over = 0.0, 0.0, 0.0, 0.0, 0.0
    for p in range(n):
        b, c = bill[AT_BASIC + p], bill[AT_CRITICAL + p]
        spent += cost[p]
        admitted += bill[AT_BILL + p]
        basic += b
        critical += c
        over += 1.0 if cost[p] - (b + c) > threshold else 0.0
    return spent, admitted, basic, critical, 0.0, 0.0, over


@inner
def add(found, total, by_cell):
    """Add a block's sums to a draw's."""
    spent, admitted, basic, critical, assistance, commercial, over = found
    total[0] += basic
    total[2] += spent
    total[3] += admitted
    total[4] += critical
    total[5] += assistance
    total[6] += commercial
    by_cell[0] += basic + critical + assistance + commercial
    by_cell[1] += spent
    by_cell[2] += over


@within
def one_bill(settle, rules, year, kind, tier, cell, people, price, key, room, total, by_tier, by_cell):
    """People with one bill each: a stay at a tier, or special-disease care."""
    numbers, what, scratch = room.numbers[0], room.what[0], room.scratch
    shape = tier if kind == 0 else len(year.log_sd) - 1
    share, scale = year.eligible[kind, tier], year.log_expense[shape] + price
    bend = year.bend if kind == 0 else np.inf
    for first in range(0, people, BLOCK):
        n = min(BLOCK, people - first)
        costs(scratch[COSTS:], numbers[START + AT_BILL:], year.log_sd[shape], scale, share, bend, year.wider,
              key_of(key, COST), first, n)
        draw_person(year, cell, numbers, what, key, first, n)
        settle_at(settle, rules, cell, tier, what, numbers, whole(n))
        if year.has_more:
            found = sums(scratch, numbers, 0, 1, whole(n), year.threshold)
        else:
            found = sums_of_one(scratch, numbers, whole(n), year.threshold)
        add(found, total, by_cell)
        if kind == 0:
            by_tier[0, tier] += found[2]
            by_tier[2, tier] += found[0]
        else:
            total[1] += found[2]
            total[8] += found[0]
    if kind == 0:
        by_tier[1, tier] += people
        total[7] += people


@inner
def one_of(k, a, b, c, d, e):
    """The value of a number from nought to four."""
    return either(k > 3, e, either(k > 2, d, either(k > 1, c, either(k > 0, b, a))))


@inner
def shapes_by_tier(year, price, tier, scratch, n):
    """Spread, scale and share of each person's bill by its tier; of a few by comparing, which goes for several at once.

    Spread and scale are of the logarithm to base 2.
    """
    last = len(year.primary) - 1
    sd, scale, share = scratch[SD:], scratch[SCALE:], scratch[SHARE:]
    if last < 5:
        m1, m2, m3, m4 = min(1, last), min(2, last), min(3, last), min(4, last)
        x, y, z = year.log_sd, year.log_expense, year.eligible[0]
        x0, x1, x2, x3, x4 = x[0], x[m1], x[m2], x[m3], x[m4]
        y0, y1, y2, y3, y4 = y[0], y[m1], y[m2], y[m3], y[m4]
        z0, z1, z2, z3, z4 = z[0], z[m1], z[m2], z[m3], z[m4]
        for p in range(whole(n)):
            k = tier[p]
            sd[p] = LOG2E * one_of(k, x0, x1, x2, x3, x4)
            scale[p] = LOG2E * (one_of(k, y0, y1, y2, y3, y4) + price)
            share[p] = one_of(k, z0, z1, z2, z3, z4)
    else:
        for p in range(whole(n)):
            k = np.uint64(tier[p])  # without a sign there is no end to count from
            sd[p] = LOG2E * year.log_sd[k]
            scale[p] = LOG2E * (year.log_expense[k] + price)
            share[p] = year.eligible[0, k]


@within
def draw_bills(year, ill, since, special, bills, numbers, what, scratch, price, chronic_price, mix, key, first, n):
    """Tiers, costs and referrals of a block of people; where there is no bill it is nought.

    `since[k]`: the first person with more than k stays; people stand in the order of their stays. `special`: how many
    of the `bills` there is room for are for special-disease care.
    """
    last = len(year.log_sd) - 1
    for j in range(bills):
        at, stay = COSTS + j * LANE, j - special  # stays are counted from nought; below it special-disease care
        cost, bill = scratch[at:], numbers[START + j * NEXT + AT_BILL:]
        own = key_of(key, PURPOSES * (stay + 2))
        if stay < 0 and ill == 1:
            costs(cost, bill, year.log_sd[last], year.log_expense[last] + chronic_price, year.eligible[1, 0], np.inf,
                  year.wider, key_of(own, COST), first, n)
            continue
        without = n if stay < 0 else min(max(since[stay] - first, 0), n)  # so many of them, the first
        if without < n:
            begin = without // WHOLE * WHOLE
            tier, start, rest = what[AT_TIER + j * LANE + begin:], first + begin, n - begin
            pick(tier, 0, mix, key_of(own, WHERE), start, rest)
            shapes_by_tier(year, price, tier, scratch, rest)
            costs_of_each(cost[begin:], bill[begin:], scratch[SD:], scratch[SCALE:], scratch[SHARE:], year.bend,
                          year.wider, key_of(own, COST), start, rest)
            if year.has_credit and stay > 0:  # a first stay follows none
                linked = numbers[START + j * NEXT + AT_LINK + begin:]
                uniforms(scratch, CHANCE, key_of(own, LINK), start, whole(rest))
                for p in range(whole(rest)):
                    linked[p] = 1.0 if scratch[CHANCE + p] < year.referral else 0.0
        for p in range(without if without < n else whole(n)):
            cost[p] = 0.0
            bill[p] = 0.0


@inner
def some_bills(size, settles, lines, ends, rules, year, ill, since, people, cell, price, chronic_price, mix, key, room,
               total, by_tier, by_cell):
    """People with several bills; `since` as in `draw_bills`, `mix` (k,) marks."""
    numbers, what, scratch, special = room.numbers[size], room.what[size], room.scratch, SPECIAL[size]
    for first in range(0, people, BLOCK):
        n = min(BLOCK, people - first)
        stays = 0
        while stays < len(since) and since[stays] < first + n:
            stays += 1
        draw_bills(year, ill, since, special, SIZES[size], numbers, what, scratch, price, chronic_price, mix, key,
                   first, n)
        draw_person(year, cell, numbers, what, key, first, n)
        begin, end, settled = special - ill, special + stays, whole(n)  # the bills there are
        if size == MANY:  # few people, and slow: nobody is settled to fill a place
            settled = n
            for p in range(n):
                what[AT_CELL + p] = cell
            follow(lines, ends[end - 1], rules, what, numbers, room.values, n)
        else:
            settle_at(settles[size + 1], rules, cell, 0, what, numbers, settled)
        add(sums(scratch, numbers, begin, end - begin, settled, year.threshold), total, by_cell)
        if ill:
            for p in range(n):
                total[1] += numbers[START + AT_BASIC + p]
                total[8] += scratch[COSTS + p]
        for j in range(special, end):
            without = max(since[j - special] - first, 0)
            basic, cost = numbers[START + j * NEXT + AT_BASIC:], scratch[COSTS + j * LANE:]
            tiers = what[AT_TIER + j * LANE:]
            total[7] += n - without
            for p in range(without, n):
                tier = np.uint64(tiers[p])
                by_tier[0, tier] += basic[p]
                by_tier[1, tier] += 1.0
                by_tier[2, tier] += cost[p]


@inner
def one_each(settles, rules, year, ill, cell, people, price, share, key, room, total, by_tier, by_cell):
    """People with one bill: for special-disease care, all at one place; or for a stay, and so many at each tier."""
    part, tiers = 1.0, 1 if ill else len(share)
    for tier in range(tiers):
        n = people
        if tier < tiers - 1:
            n = binomial(uniform(key, tier), people, min(share[tier] / max(part, 1e-12), 1.0))
        one_bill(settles[ill], rules, year, ill, tier, cell, n, price, key_of(key, tier), room, total, by_tier, by_cell)
        people -= n
        part -= share[tier]


@inner
def people_of_cell(settles, lines, ends, rules, year, key, cell, people, admissions, ill_share, price, chronic_price,
                   share, mix, since, room, total, by_tier, by_cell):
    """Everyone of one cell, draw and year: how many have what, and what it costs.

    `share`, `mix` (k,): shares by tier, and their marks; `since`: room to work in, (MOST_STAYS,).
    """
    size = year.dispersion
    none = (size / (size + admissions)) ** size
    counts = key_of(key, COUNT)
    ill_people = binomial(uniform(counts, 0), people, ill_share)
    for ill in (1, 0):  # those with a special disease, then the others who have a stay
        own = key_of(key, 1 + ill)
        left, stays, chance, beyond, at = ill_people, 0, none, 1.0, 0
        if ill == 0:
            left = binomial(uniform(counts, 1), people - ill_people, 1.0 - none)
            stays, chance, beyond, at = 1, none * size * admissions / (size + admissions), 1.0 - none, 1
        while left > 0 and at < len(UP_TO[0]):
            # Those with up to so many stays go together.
            together = 0
            for k in range(stays):
                since[k] = 0
            while stays <= UP_TO[ill][at]:
                n = left
                if stays < MOST_STAYS and chance < beyond:
                    n = binomial(uniform(own, stays), left, chance / beyond)
                together += n
                left -= n
                beyond -= chance
                chance *= (stays + size) / (stays + 1.0) * admissions / (size + admissions)
                if stays < MOST_STAYS:
                    since[stays] = together
                stays += 1
            purpose = key_of(own, PURPOSES * MOST_STAYS + at)
            if at == 1 - ill:
                one_each(settles, rules, year, ill, cell, together, chronic_price if ill else price, share, purpose,
                         room, total, by_tier, by_cell)
            elif together > 0:
                some_bills(ROOMS[ill][at], settles, lines, ends, rules, year, ill, since[:stays], together, cell, price,
                           chronic_price, mix, purpose, room, total, by_tier, by_cell)
            at += 1


@jit
def year_of_care(settles, lines, ends, room, rules, year, keys, persons, price, chronic_price, frequency, chronic, tilt,
                 total, by_tier, by_cell):
    """One year of some draws: adds to `total` (d, item), `by_tier` (d, item, k) and `by_cell` (d, c, item).

    `settles` (n,) addresses for a stay, for special-disease care and for the `SIZES` in between; `lines` and `ends` are
    the list for the largest. `keys`, `persons`, `frequency` (d, c); prices, `chronic`, `tilt` (d,).
    """
    tiers = year.mix.shape[1]
    share, mix, since = np.zeros(tiers), np.zeros(tiers, np.uint64), np.zeros(MOST_STAYS, np.int64)
    for d in range(len(price)):
        for c in range(persons.shape[1]):
            whole = below = 0.0
            for k in range(tiers):  # the cell's mix, leaning to primary care by the draw's tilt
                share[k] = year.mix[c, k] * math.exp(tilt[d] * year.primary[k])
                whole += share[k]
            for k in range(tiers):
                below += share[k]
                mix[k] = mark(below / whole)
                share[k] /= whole
            people_of_cell(settles, lines, ends, rules, year, keys[d, c], c, int(persons[d, c] + 0.5),
                           year.admissions[c] * frequency[d, c], min(year.chronic_share[c] * chronic[d], 1.0),
                           math.log(price[d]), math.log(chronic_price[d]), share, mix, since, room, total[d],
                           by_tier[d], by_cell[d, c])
