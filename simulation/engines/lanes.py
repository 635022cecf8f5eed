"""Random numbers and elementary functions for a block of people at once.

Everything here is plain arithmetic without a branch, so that the compiler takes several people in one instruction. A
random number depends on a key and a place alone (SplitMix64's finaliser of a counter), never on what was drawn before.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

jit = numba.njit(nogil=True, error_model="numpy")
# What is called by other machine code alone needs no wrapper, and counts no references: its caller holds the arrays.
UNSEEN = {"nogil": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}
inner = numba.njit(**UNSEEN)
within = numba.njit(**UNSEEN, forceinline=True)  # called at one place: what it is given need not be handed on
series = numba.njit(nogil=True, error_model="numpy", _nrt=False, fastmath={"contract"})  # rounded once

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1, MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
S30, S27, S31, S11, S24 = (np.uint64(n) for n in (30, 27, 31, 11, 24))
ANGLE, SIGN_1, SIGN_2 = np.uint64(0x3FFFFF), np.uint64(22), np.uint64(23)  # of a word's low 24 bits
ONE, NEVER = np.uint64(1), np.uint64(0xFFFFFFFFFFFFFFFF)
WHOLE = 16  # places are filled so many at a time: what were left over would be reckoned one by one
FEW = 16  # things that happen, or do not: their ways are counted one by one
LN2, LOG2E = math.log(2.0), 1.0 / math.log(2.0)
TERMS = tuple(LN2**n / math.factorial(n) for n in range(10))  # of the series of 2 to the x
ROUNDING = 6755399441055744.0  # added, it leaves a whole number in the low bits
FRACTION, NOUGHT = np.int64(0x000FFFFFFFFFFFFF), np.int64(0x3FF0000000000000)


@intrinsic
def bits_of(context: Any, number: Any) -> tuple:
    """The 64 bits of a number as an integer."""
    return types.int64(types.float64), lambda c, builder, s, given: builder.bitcast(given[0], c.get_value_type(
        types.int64))


@intrinsic
def of_bits(context: Any, bits: Any) -> tuple:
    """The number whose 64 bits these are."""
    return types.float64(types.int64), lambda c, builder, s, given: builder.bitcast(given[0], c.get_value_type(
        types.float64))


@intrinsic
def either(context: Any, there: Any, one: Any, other: Any) -> tuple:
    """One of two numbers, without a branch: the compiler would make branches of a row of conditions on one number."""
    return types.float64(types.boolean, types.float64, types.float64), lambda c, builder, s, given: builder.select(
        builder.trunc(given[0], ir.IntType(1)), given[1], given[2])


@series
def power(x):
    """2 to the x, to 1e-11 of it, for |x| below 1000."""
    shifted = x + ROUNDING
    r = x - (shifted - ROUNDING)  # at most a half either way
    q = r * r  # two short chains of sums do not wait for each other
    even = 1.0 + q * (TERMS[2] + q * (TERMS[4] + q * (TERMS[6] + q * TERMS[8])))
    odd = TERMS[1] + q * (TERMS[3] + q * (TERMS[5] + q * (TERMS[7] + q * TERMS[9])))
    return of_bits(bits_of(even + r * odd) + (bits_of(shifted) << np.int64(52)))


@series
def exponential(x):
    """e to the x, to 1e-11 of it, for |x| below 700."""
    return power(x * LOG2E)


@series
def logarithm(x):
    """The natural logarithm of a positive number, to 1e-12 of it or of 1."""
    bits = bits_of(x)
    fraction = of_bits((bits & FRACTION) | NOUGHT)  # from 1 up to 2
    half = fraction > 1.4142135623730951
    fraction = 0.5 * fraction if half else fraction
    power = float((bits >> np.int64(52)) - np.int64(1023)) + (1.0 if half else 0.0)
    s = (fraction - 1.0) / (fraction + 1.0)
    q = s * s
    series = 1.0 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11 + q * (1 / 13 + q * (1 / 15)))))))
    return power * LN2 + 2.0 * s * series


@jit
def scrambled(x):
    """A 64-bit counter turned into 64 random bits."""
    x = (x ^ (x >> S30)) * MIX_1
    x = (x ^ (x >> S27)) * MIX_2
    return x ^ (x >> S31)


@jit
def key_of(key, purpose):
    """The key of a purpose under another key."""
    return scrambled(key + (np.uint64(purpose) + ONE) * MIX_2)


@jit
def word(key, at):
    """The 64 random bits at a place."""
    return scrambled(key + (np.uint64(at) + ONE) * GOLDEN)


@jit
def uniform(key, at):
    """The uniform number at a place, strictly between 0 and 1."""
    return (float(np.int64(word(key, at) >> S11)) + 0.5) * 1.1102230246251565e-16


@inner
def uniforms(numbers, at, key, first, n):
    """The n uniform numbers from place `first` on, written from `at` on."""
    row = numbers[at:]
    for p in range(n):
        row[p] = uniform(key, first + p)


@series
def normals(numbers, at, key, first, n):
    """The n standard normals from place `first` (even) on, written from `at` on; one more if n is odd.

    Two from each word (Box and Muller): 40 bits for how far, at most 7.5, 22 for the angle within a quarter of the
    circle, and a sign for each.
    """
    row = numbers[at:]  # from its own beginning: the compiler then knows that no place is counted from the end
    start = np.uint64(first // 2)
    for q in range((n + 1) // 2):
        word = scrambled(key + (start + np.uint64(q) + ONE) * GOLDEN)
        far = math.sqrt(-2.0 * logarithm((float(np.int64(word >> S24)) + 0.5) * 9.094947017729282e-13))
        y = (float(np.int64(word & ANGLE)) + 0.5) * (1.5707963267948966 / 4194304.0) - 0.7853981633974483
        v = y * y
        sine = y * (1.0 + v * (-1 / 6 + v * (1 / 120 + v * (-1 / 5040 + v * (1 / 362880 - v * (1 / 39916800))))))
        cosine = 1.0 + v * (-1 / 2 + v * (1 / 24 + v * (-1 / 720 + v * (1 / 40320 + v * (
            -1 / 3628800 + v * (1 / 479001600))))))
        far = far * 0.7071067811865476
        one, other = far * (cosine + sine), far * (cosine - sine)
        row[2 * q] = one if (word >> SIGN_1) & ONE else -one
        row[2 * q + 1] = other if (word >> SIGN_2) & ONE else -other


@inner
def excess(n):
    """How far log n! is above Stirling's (n + 1/2) log n - n + log(2 pi) / 2, to 1e-14 from `FEW` on."""
    one = 1.0 / n
    two = one * one
    return one * (1 / 12 - two * (1 / 360 - two * (1 / 1260 - two / 1680)))


@inner
def chance_of(up, n, p):
    """The chance that `up` of n things happen, where that is about as likely as can be."""
    down = n - up
    if min(up, down) >= FEW:  # near what is expected, so that both logarithms are small
        height = up * logarithm(n * p / up) + down * logarithm(n * (1.0 - p) / down)
        height += excess(n) - excess(up) - excess(down)
        return exponential(height) * math.sqrt(n / (2 * math.pi * up * float(down)))
    ways = 1.0
    for k in range(min(up, down)):
        ways *= (n - k) / (k + 1.0)
    return ways * math.exp(up * math.log(p) + down * math.log1p(-p))


@jit
def binomial(u, n, p):
    """How many of n things happen, each with chance p: by inversion, from the likeliest number outwards."""
    if n <= 0 or p <= 0.0:
        return 0
    if p >= 1.0:
        return n
    odds, up = p / (1.0 - p), min(int((n + 1) * p), n)
    above = below = chance_of(up, n, p)
    u -= above
    if u < 0.0:
        return up
    more, fewer, free, taken = up + 1.0, n - up + 1.0, float(n - up), float(up)  # of the next number either way
    while above > 0.0 or below > 0.0:
        share = 1.0 / (more * fewer * odds)  # one division for both
        above *= free * fewer * odds * odds * share  # nought beyond n, and below nought
        u -= above
        if u < 0.0:
            return int(more)
        below *= taken * more * share
        u -= below
        if u < 0.0:
            return int(taken) - 1
        more, fewer, free, taken = more + 1.0, fewer + 1.0, free - 1.0, taken - 1.0
    return int((n + 1) * p)  # what rounding left over: less than one chance in 10^9


@inner
def whole(n):
    """The places that n people of a block take up; those beyond n have no cost."""
    return (n + WHOLE - 1) // WHOLE * WHOLE


@jit
def mark(share):
    """The first word whose uniform number reaches a cumulative share; none does if the share is one."""
    return np.uint64(math.ceil(share * 9007199254740992.0 - 0.5)) << S11 if share < 1.0 else NEVER


def marks_of(shares):
    """The marks of some cumulative shares."""
    return np.array([mark.py_func(share) for share in shares.ravel()], np.uint64).reshape(shares.shape)


@inner
def mark_at(marks, m):
    """A mark, or where there is none one that is never passed."""
    return marks[m] if m < len(marks) - 1 else NEVER


@inner
def passed(bits, before, number, a, b, c, d):
    """How many marks a word has passed: of these four, which rise from a certain number on, or else those before."""
    found = number + 1 if bits >= a else before
    found = number + 2 if bits >= b else found
    found = number + 3 if bits >= c else found
    return number + 4 if bits >= d else found


@inner
def pick(numbers, at, marks, key, first, n):
    """A number for each person, from 0 up, by the marks of cumulative shares; written from `at` on.

    The last mark is never passed, nor are those of shares that reach one before: they are not asked.
    """
    row, asked, nought = numbers[at:], 0, numbers.dtype.type(0)
    while asked < len(marks) - 1 and marks[asked] < NEVER:
        asked += 1
    if asked == 0:
        for p in range(whole(n)):
            row[p] = 0
        return
    a, b, c, d = mark_at(marks, 0), mark_at(marks, 1), mark_at(marks, 2), mark_at(marks, 3)
    start = key + np.uint64(first) * GOLDEN
    if asked <= 4:
        for p in range(whole(n)):
            start += GOLDEN
            row[p] = passed(scrambled(start), nought, nought, a, b, c, d)
        return
    e, f, g, h = mark_at(marks, 4), mark_at(marks, 5), mark_at(marks, 6), mark_at(marks, 7)
    for p in range(whole(n)):
        start += GOLDEN
        bits = scrambled(start)
        row[p] = passed(bits, passed(bits, nought, nought, a, b, c, d), nought + 4, e, f, g, h)
    for m in range(8, asked):
        for p in range(whole(n)):
            row[p] += 1 if word(key, first + p) >= marks[m] else 0


@series
def costs(cost, bill, sd, scale, share, bend, wider, key, first, n):
    """Yuan of bills that are distributed alike, and what of them is in policy.

    Lognormal, and wider beyond the bend; `scale` is the log median.
    """
    normals(cost, 0, key, first, whole(n))
    sd, scale = sd * LOG2E, scale * LOG2E
    wider *= sd
    for p in range(whole(n)):
        cost[p] = power((sd * cost[p] + scale) + wider * max(cost[p] - bend, 0.0))
        bill[p] = cost[p] * share
    for p in range(n, whole(n)):
        cost[p] = 0.0
        bill[p] = 0.0


@series
def costs_of_each(cost, bill, sd, scale, share, bend, wider, key, first, n):
    """The same where each bill has its own spread, scale and share, spread and scale of the logarithm to base 2."""
    normals(cost, 0, key, first, whole(n))
    for p in range(whole(n)):
        cost[p] = power(sd[p] * (cost[p] + wider * max(cost[p] - bend, 0.0)) + scale[p])
        bill[p] = cost[p] * share[p]
    for p in range(n, whole(n)):
        cost[p] = 0.0
        bill[p] = 0.0
