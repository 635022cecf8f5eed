"""The engines against plain numpy, against each other's threads and sizes, and against their random numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from statistics import median
from typing import NamedTuple

import numpy as np

from bench import plain
from bench.pool import Inputs, inputs_of, of_draws, scaled
from bench.timing import Row, in_turn, ratio_of, seconds, typical
from simulation import load_scenario
from simulation.engines import histories, individual
from simulation.scenario import Change, Scenario, lever_value
from simulation.terms import Source

SCENARIO, SMALL, LARGE = "benxi_2008", 100_000, 1_000_000
LEVER = "benefits.rate.inpatient.adult.level_2"
TABLE_TIMES, EXACT_TIMES, EXACT_TIMES_LARGE, THREADS_TIMES, SIZE_TIMES, BOUND = 2500, 150, 200, 1.8, 1.1, 0.30
FEWER = 16  # times fewer draws for ten times the people: an exact run takes as long as there are people
BLOCK, BLOCKS = 256, 4096  # random numbers as an engine would take them: a block that stays in the nearest cache


class Repeats(NamedTuple):
    """How often each thing is timed."""

    plain: int
    table: int
    exact: int


def rule_books(scenario: Scenario, lever: str, year: int, start: int = 1) -> Iterator[Scenario]:
    """The scenario with one lever moved a little further each time, so that no answer can be reused."""
    base, source = lever_value(scenario, lever), Source(status="assumption")
    for n in count(start):
        yield scenario.changed([Change(lever=lever, year=year, value=round(base + n / 1000, 3), source=source)])


def time_plain(inputs: Inputs, runs: int) -> float:
    """Seconds plain numpy needs for one draw, all years: the median over a few draws."""
    return median(seconds(lambda d=d: plain.spend(*of_draws(inputs, [d]))) for d in range(runs))


def drawn(inputs: Inputs) -> tuple[float, float]:
    """How many normals and how many uniform numbers the exact engine draws in all, in the mean.

    One normal a bill; and where the rules ask for it one uniform number a person with bills for contribution years and
    one for status. Of people with several bills each stay takes one for its tier and perhaps one for referral. How many
    people have what takes a handful a cell, which is left out.
    """
    rules, care, costs, insured, _, conditions, _ = inputs
    people, normals, uniforms = insured.sum(axis=3), 0.0, 0.0
    for t, (rule, year, cost) in enumerate(zip(rules, care, costs, strict=True)):
        mean = year.admissions * year.covered * conditions.frequency[:, t]
        ill = np.minimum(year.chronic_share * year.covered * conditions.chronic[:, t, None], 1.0)
        none = (cost.dispersion / (cost.dispersion + mean)) ** cost.dispersion
        once = none * cost.dispersion * mean / (cost.dispersion + mean)
        holders = people[:, t] * (ill + (1 - ill) * (1 - none))
        several = people[:, t] * (mean - (1 - ill) * once)  # stays of people with several bills
        normals += (people[:, t] * (mean + ill)).sum()
        uniforms += holders.sum() * (bool(rule.bonus) + bool(rule.has_assistance))
        uniforms += several.sum() * (1 + bool(rule.credit))
    return float(normals), float(uniforms)


def time_of_numbers(runs: int) -> tuple[float, float]:
    """Seconds the fastest generator at hand takes for a normal and for a uniform number, blocks in the cache."""
    import numba

    from simulation.engines import lanes

    @numba.njit(nogil=True)
    def normals(room, blocks):
        for n in range(blocks):
            lanes.normals(room, 0, np.uint64(7), BLOCK * n, BLOCK)

    @numba.njit(nogil=True)
    def uniforms(room, blocks):
        for n in range(blocks):
            lanes.uniforms(room, 0, np.uint64(7), BLOCK * n, BLOCK)

    room, of_numpy = np.zeros(BLOCK), np.random.Generator(np.random.SFC64(1))
    found = []
    for ours, theirs in ((normals, of_numpy.standard_normal), (uniforms, of_numpy.random)):
        ours(room, 1)
        found.append(min(typical(lambda of=ours: of(room, BLOCKS), runs) / BLOCKS,
                         typical(lambda of=theirs: [of(out=room) for _ in range(256)], runs) / 256) / BLOCK)
    return found[0], found[1]


def exact_rows(inputs: Inputs, insured: int, a_draw: float, target: int, runs: int) -> Iterator[Row]:
    """The exact engine at one size."""
    draws = len(inputs[3])
    individual.spend(*of_draws(inputs, slice(16)), threads=1)  # compiled
    taken = in_turn({"one": lambda: individual.spend(*inputs, threads=1),
                     "two": lambda: individual.spend(*inputs, threads=2)}, runs)
    one, two = median(taken["one"]), median(taken["two"])
    what = f"exact engine, {insured:,} people, {draws:,} draws"
    yield Row(f"{what}, one thread", runs, one, a_draw * draws / one, "times plain", f">= {target} times",
              a_draw * draws >= target * one)
    ratio = ratio_of(taken, "one", "two")
    yield Row("    two threads", runs, two, ratio, "times one thread", f">= {THREADS_TIMES} times",
              ratio >= THREADS_TIMES)
    normals, uniforms = drawn(inputs)
    a_normal, a_uniform = time_of_numbers(max(runs, 3))
    bound = normals * a_normal + uniforms * a_uniform
    yield Row(f"    its {normals / draws:,.0f} normals and {uniforms / draws:,.0f} uniforms a draw, alone", runs, bound,
              bound / one, "of its time", f">= {BOUND:.2f}", bound >= BOUND * one)


def measured(draws: int, repeats: Repeats) -> Iterator[Row]:
    """Every line; each is timed when it is asked for."""
    small, large = (scaled(load_scenario(SCENARIO), insured) for insured in (SMALL, LARGE))
    inputs, many = inputs_of(small, draws), inputs_of(large, max(draws // FEWER, 16))
    a_draw = time_plain(inputs, repeats.plain)
    yield Row(f"plain numpy, {SMALL:,} people, {draws:,} draws (scaled up from {repeats.plain})", repeats.plain,
              a_draw * draws)

    histories.KEPT.clear()
    # The rules do not depend on how many people there are: each size has rule books of its own.
    books = [rule_books(small, LEVER, small.first_year), rule_books(large, LEVER, small.first_year, 101)]
    for each in books:
        histories.spend(*inputs_of(next(each), draws))  # claim histories stand ready, as in use
    given = [iter([inputs_of(next(each), draws) for _ in range(repeats.table)]) for each in books]
    taken = in_turn({"small": lambda: histories.spend(*next(given[0])),
                     "large": lambda: histories.spend(*next(given[1]))}, repeats.table)
    took = median(taken["small"])
    yield Row(f"table engine, {SMALL:,} people, {draws:,} draws", repeats.table, took, a_draw * draws / took,
              "times plain", f">= {TABLE_TIMES:,} times", a_draw * draws >= TABLE_TIMES * took)
    ratio = ratio_of(taken, "large", "small")
    yield Row(f"    {LARGE:,} people", repeats.table, median(taken["large"]), ratio, f"times {SMALL:,}",
              f"<= {SIZE_TIMES} times", ratio <= SIZE_TIMES)

    yield from exact_rows(inputs, SMALL, a_draw, EXACT_TIMES, repeats.exact)
    a_draw = time_plain(many, max(repeats.plain // 4, 1))
    yield Row(f"plain numpy, {LARGE:,} people, {len(many[3]):,} draws (scaled up)", max(repeats.plain // 4, 1),
              a_draw * len(many[3]))
    yield from exact_rows(many, LARGE, a_draw, EXACT_TIMES_LARGE, repeats.exact)
