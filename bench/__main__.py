"""Time the engines against plain numpy: `python -m bench [--draws N] [--quick] [--json]`.

One run on one machine, so that every ratio compares like with like. A missed target is printed, not
raised: machines are noisy, and the reader should see the number.
"""

from __future__ import annotations

import os

# As the app runs it: threads inside a millisecond of work only queue for the cores.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from itertools import count  # noqa: E402
from statistics import median  # noqa: E402
from time import perf_counter  # noqa: E402
from typing import NamedTuple  # noqa: E402

import numpy as np  # noqa: E402

from bench import plain  # noqa: E402
from bench.pool import inputs_of, of_draws, scaled  # noqa: E402
from simulation import load_scenario, simulate  # noqa: E402
from simulation.engines import histories, individual  # noqa: E402
from simulation.measures import chances, spending_by_tier, summary  # noqa: E402
from simulation.scenario import Change, Scenario, lever_value  # noqa: E402
from simulation.terms import Source  # noqa: E402

SCENARIO, INSURED = "benxi_2008", 100_000
LEVER = "benefits.rate.inpatient.adult.level_2"
TABLE_TIMES, EXACT_TIMES, CHART_SECONDS = 1000, 60, 0.100
SHOWN, AT_REST = 1024, 16_384  # draws while a control is being moved, and at rest


class Repeats(NamedTuple):
    """How often each thing is timed."""

    plain: int
    table: int
    exact: int
    chart: int
    at_rest: int


FULL, QUICK = Repeats(8, 11, 3, 15, 5), Repeats(2, 3, 1, 3, 1)


class Row(NamedTuple):
    """One line of the answer; seconds are medians."""

    what: str
    runs: int
    seconds: float
    times_plain: float
    target: str
    met: bool | None


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def rule_books(scenario: Scenario, year: int) -> Iterator[Scenario]:
    """The scenario with one rate moved a little further each time, so that no answer can be reused."""
    base, source = lever_value(scenario, LEVER), Source(status="assumption")
    for n in count(1):
        value = round(base + n / 1000, 3)
        yield scenario.changed([Change(lever=LEVER, year=year, value=value, source=source)])


def chart_data(scenario: Scenario, draws: int) -> None:
    """Everything from a changed scenario to the frames that charts draw."""
    result = simulate(scenario, draws=draws)
    summary(result), chances(result), spending_by_tier(result)


def time_plain(scenario: Scenario, draws: int, runs: int) -> float:
    """Seconds that plain numpy needs for one draw, all years: the median over a few draws."""
    inputs = inputs_of(scenario, draws)
    return median(seconds(lambda d=d: plain.spend(*of_draws(inputs, [d]))) for d in range(runs))


def time_table(books: Iterator[Scenario], draws: int, runs: int) -> float:
    """Seconds of the history table, each run with another rule; claim histories stand ready, as in use."""
    histories.KEPT.clear()
    histories.spend(*inputs_of(next(books), draws))
    given = [inputs_of(next(books), draws) for _ in range(runs)]
    return median(seconds(lambda inputs=inputs: histories.spend(*inputs)) for inputs in given)


def time_exact(scenario: Scenario, draws: int, runs: int, threads: int) -> float:
    """Seconds of the exact engine once it is compiled."""
    inputs = inputs_of(scenario, draws)
    individual.spend(*of_draws(inputs, slice(16)), threads=threads)
    return median(seconds(lambda: individual.spend(*inputs, threads=threads)) for _ in range(runs))


def time_chart(books: Iterator[Scenario], draws: int, runs: int) -> float:
    """Seconds from a rule change to chart data, each run with another rule; making the change counts too."""
    histories.KEPT.clear()  # what an earlier line settled; the warm-up settles the years before the change
    chart_data(next(books), draws)
    return median(seconds(lambda: chart_data(next(books), draws)) for _ in range(runs))


def measured(draws: int, repeats: Repeats) -> Iterator[Row]:
    """Every line, in order; each is timed when it is asked for."""
    scenario = scaled(load_scenario(SCENARIO), INSURED)
    first, middle = scenario.first_year, scenario.first_year + scenario.years // 2
    a_draw = time_plain(scenario, draws, repeats.plain)
    yield Row(f"plain numpy, {draws:,} draws (scaled up from {repeats.plain})", repeats.plain, a_draw * draws,
              1.0, "", None)

    def against(what: str, runs: int, n: int, took: float, times: int) -> Row:
        ratio = a_draw * n / took
        return Row(f"{what}, {n:,} draws", runs, took, ratio, f">= {times:,} times", ratio >= times)

    took = time_table(rule_books(scenario, first), draws, repeats.table)
    yield against("table engine", repeats.table, draws, took, TABLE_TIMES)
    for threads in sorted({1, os.cpu_count() or 1}):
        took = time_exact(scenario, draws, repeats.exact, threads)
        what = f"exact engine, {threads} thread{'s' * (threads > 1)}"
        yield against(what, repeats.exact, draws, took, EXACT_TIMES)

    # A change in the first year leaves one rule book to settle, a later one two.
    for year in (first, middle):
        books, what = rule_books(scenario, year), f"rule changed from {year} on, to chart data"
        took = time_chart(books, SHOWN, repeats.chart)
        yield Row(f"{what}, {SHOWN:,} draws", repeats.chart, took, a_draw * SHOWN / took,
                  f"<= {1000 * CHART_SECONDS:.0f} ms", took <= CHART_SECONDS)
        took = time_chart(books, AT_REST, repeats.at_rest)
        yield Row(f"{what}, {AT_REST:,} draws", repeats.at_rest, took, a_draw * AT_REST / took, "", None)


def load() -> float | None:
    """How busy the machine was before this run: processes wanting to run over the last minute."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def duration(took: float) -> str:
    """A duration in the unit that reads best.

    >>> duration(0.0441), duration(2.61), duration(541.0)
    ('44.1 ms', '2.61 s', '541 s')
    """
    if took < 1:
        return f"{1000 * took:.1f} ms"
    return f"{took:.2f} s" if took < 100 else f"{took:.0f} s"


def line(row: Row) -> str:
    """One row as text.

    >>> line(Row("table engine", 9, 0.05, 9000.0, ">= 1,000 times", True)).split("  ")[-1]
    'met'
    """
    verdict = {True: "met", False: "missed", None: ""}[row.met]
    return (f"{row.what:<58}  {row.runs:>4}  {duration(row.seconds):>9}  {row.times_plain:>11,.0f}  "
            f"{row.target:>14}  {verdict}").rstrip()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=1000, metavar="N", help="of the engines (default 1000)")
    parser.add_argument("--quick", action="store_true", help="a look: fewer runs of each")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    options = parser.parse_args()
    rows = measured(options.draws, QUICK if options.quick else FULL)
    about = {"scenario": SCENARIO, "insured": INSURED, "years": load_scenario(SCENARIO).years,
             "draws": options.draws, "python": platform.python_version(), "numpy": np.__version__,
             "cpus": os.cpu_count(), "load": load()}
    if options.json:
        print(json.dumps(about | {"rows": [row._asdict() for row in rows]}, indent=2))
        return
    print("{scenario}, {insured:,} insured, {years} years; Python {python}, numpy {numpy}, {cpus} processors, "
          "load {load} (other work on the machine blurs every line)".format(**about))
    print(f"{'what':<58}  {'runs':>4}  {'median':>9}  {'times plain':>11}  {'target':>14}")
    for row in rows:
        print(line(row), flush=True)


if __name__ == "__main__":
    main()
