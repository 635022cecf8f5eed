"""From a change of a rule to the frames that charts draw, and the price of each step on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from statistics import median
from time import perf_counter
from typing import Any

from bench.engines import rule_books
from bench.pool import scaled
from bench.timing import Row, typical
from simulation import load_scenario, model, simulate
from simulation.engines import histories
from simulation.measures import chances, spending_by_tier, summary
from simulation.scenario import Scenario

SHOWN, AT_REST = 1024, 16_384  # draws while a control is being moved, and at rest
TARGETS = {SHOWN: 0.060, AT_REST: 0.200}  # seconds
REFERENCE = "benxi_2008"
POLICY = ("urrbmi_county_2026", "nanning_family_doctor_2019", "county_community_2024", "henan_nrcms_2011")
LEVER = "benefits.rate.inpatient"  # the last of its leaves is moved
ROOMS = ("simulation.stages.", "simulation.results")  # whose functions the model calls one after the other


def chart_data(scenario: Scenario, draws: int) -> None:
    """Everything from a changed scenario to the frames that charts draw."""
    result = simulate(scenario, draws=draws)
    summary(result), chances(result), spending_by_tier(result)


def time_chart(books: Iterator[Scenario], draws: int, runs: int) -> float:
    """Seconds from a rule change to chart data, each run with another rule; making the change counts too."""
    histories.KEPT.clear()  # what an earlier line settled; the warm-up settles the years before the change
    chart_data(next(books), draws)
    return typical(lambda: chart_data(next(books), draws), runs)


def rate_of(scenario: Scenario) -> str:
    """The lever that is moved: what the fund pays of a stay at the last place there is."""
    return [name for name, *_ in scenario.levers() if name.startswith(LEVER)][-1]


def jobs() -> Iterator[tuple[str, Scenario, str, int]]:
    """What is timed: name, scenario, lever and the year from which it moves."""
    benxi = scaled(load_scenario(REFERENCE), 100_000)
    # A change in the first year leaves one rule book to settle, a later one two.
    for year in (benxi.first_year, benxi.first_year + benxi.years // 2):
        yield f"{REFERENCE}, 100,000 people, a rate from {year} on", benxi, rate_of(benxi), year
    for name in POLICY:
        scenario = load_scenario(name)
        yield f"{name}, a rate from {scenario.first_year} on", scenario, rate_of(scenario), scenario.first_year


def measured(runs: int, runs_at_rest: int) -> Iterator[Row]:
    """From a rule change to chart data, at both numbers of draws."""
    for name, scenario, lever, year in jobs():
        books = rule_books(scenario, lever, year)
        for draws, often in ((SHOWN, runs), (AT_REST, runs_at_rest)):
            took = time_chart(books, draws, often)
            yield Row(f"{name}, to chart data, {draws:,} draws", often, took,
                      target=f"<= {1000 * TARGETS[draws]:.0f} ms", met=took <= TARGETS[draws])


class Clock:
    """Times functions by standing in for them; what one takes inside another counts for the inner one alone."""

    def __init__(self) -> None:
        self.taken: dict[str, float] = {}
        self.inside = 0.0  # seconds spent in functions timed within the one that runs

    def timed(self, name: str, function: Callable) -> Callable:
        """The function, timed."""
        @wraps(function)
        def run(*arguments: Any, **named: Any) -> Any:
            before, self.inside = self.inside, 0.0
            start = perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                took = perf_counter() - start
                self.taken[name] = self.taken.get(name, 0.0) + took - self.inside
                self.inside = before + took
        return run


def steps_of_the_model() -> dict[str, Callable]:
    """The functions that make up a run, as the model names them."""
    return {name: value for name, value in vars(model).items() if callable(value) and not isinstance(value, type)
            and getattr(value, "__module__", "").startswith(ROOMS)} | {"futures_of": model.futures_of}


def priced(books: Iterator[Scenario], draws: int, runs: int) -> dict[str, float]:
    """Seconds of each step of a run and of the frames after it, medians, most expensive first.

    Every function of the model is replaced by itself with a clock around it, so none is left out and none copied.
    """
    chart_data(next(books), draws)
    kept, found = steps_of_the_model(), []
    try:
        for _ in range(runs):
            clock = Clock()
            for name, function in kept.items():
                setattr(model, name, clock.timed(name, function))
            scenario = next(books)
            result = clock.timed("the model between its steps", simulate)(
                scenario, draws=draws, engine="table", spend=clock.timed("spend", histories.spend))
            clock.timed("frames", lambda of=result: (summary(of), chances(of), spending_by_tier(of)))()
            found.append(clock.taken)
    finally:
        for name, function in kept.items():
            setattr(model, name, function)
    middle = {name: median(taken.get(name, 0.0) for taken in found) for name in set().union(*found)}
    return dict(sorted(middle.items(), key=lambda step: -step[1]))


def prices(runs: int) -> Iterator[Row]:
    """The price of each step, for every policy scenario."""
    for name in POLICY:
        scenario = load_scenario(name)
        lever = rate_of(scenario)
        for draws in (SHOWN, AT_REST):
            steps = priced(rule_books(scenario, lever, scenario.first_year), draws, runs)
            whole = sum(steps.values())
            yield Row(f"{name}, {draws:,} draws, by step", runs, whole)
            for step, took in steps.items():
                yield Row(f"    {step}", runs, took, took / whole, "of it")
