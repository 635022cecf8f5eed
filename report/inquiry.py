"""What a policy brief rests on: the runs before and after a change of levers, and all that is asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from report.answers import Run, told
from simulation import __version__
from simulation.backtest import TEMPLATE, Record, backtest
from simulation.compare import SEED, Comparison, compare
from simulation.drivers import FEWEST, Drivers, drivers
from simulation.estimates import Estimate
from simulation.explain import Waterfall, differing, in_groups, waterfall
from simulation.model import simulate
from simulation.results import LIBRARIES, Result
from simulation.scenario import Change, Scenario, lever_value
from simulation.series import load_series
from simulation.terms import Source, Term

# What the brief tells of a change in sentences, in their order.
TOLD = ("p_deficit", "p_balance_over", "p_surplus_over", "balance_ratio", "out_of_pocket")
PARTED = "balance_ratio"  # whose change is shared out among the levers
FEW = 1024  # draws for that: it takes a run for every set of levers
MOST = 4  # groups of levers of which every set is run, sixteen at most; of more, some orders are sampled
ORDERS = 4
TESTED = "resident_all"  # the published series of which an ordinary brief states the track record


class Moved(NamedTuple):
    """One value of a lever that differs, from a year on."""

    lever: str
    year: int
    before: Any
    after: Any
    term: Term
    source: Source  # of the value before


class Inquiry(NamedTuple):
    """Everything a brief is written from; without a change `before` and what compares them are missing."""

    named: str  # the scenario as a command line names it
    scenario: Scenario
    edits: tuple[Change, ...]  # as they were asked for
    estimates: tuple[Estimate, ...]  # assumptions taken otherwise than the scenario does
    base: Scenario
    moved: tuple[Moved, ...]  # what the edits change, value by value
    result: Result
    now: Run
    before_result: Result | None
    before: Run | None
    comparison: Comparison | None  # named "0" before and "1" after
    parts: Waterfall | None
    drivers: Drivers | None  # missing where there are too few draws to tell any
    record: Record  # of a published series, or of the fund's own

    @property
    def changed(self) -> bool:
        """Whether anything is asked for that the scenario does not say."""
        return bool(self.moved or self.estimates)


def inquire(base: Scenario, edits: Sequence[Change] = (), estimates: Sequence[Estimate] = (), draws: int = FEW,
            seed: int = SEED, engine: str = "auto", series: str = TESTED, named: str = "") -> Inquiry:
    """Run a scenario, and beside it the same with levers changed and assumptions taken otherwise, on the same futures.

    `named` is how the command line names the scenario where it is a file; `series` the yearly table whose back-test
    grades the outputs. Edits that change nothing are no edits.

    >>> from simulation import load_scenario
    >>> change = Change(lever="benefits.ceiling", year=2010, value=60000, source=Source(status="assumption"))
    >>> [(moved.before, moved.after) for moved in moves(load_scenario("benxi_2008"), [change])]
    [(30000, 60000)]
    """
    moved = tuple(moves(base, edits))
    edits = tuple(edits) if moved else ()
    scenario = base.changed(edits).assuming(estimates)
    result = simulate(scenario, draws, seed, engine)
    engine, before, comparison, parts = result.manifest["engine"], None, None, None
    if edits or estimates:
        before = simulate(base, draws, seed, engine)
        comparison = compare({"0": before, "1": result}, draws, seed, of=TOLD)
        parts = shared_out(before, result)
    found = drivers(result, ("p_deficit", "p_balance_over")) if draws >= FEWEST else None
    return Inquiry(named or base.name, scenario, edits, tuple(estimates), base, moved, result, told(result), before,
                   told(before) if before else None, comparison, parts, found, record_of(series))


def moves(base: Scenario, edits: Sequence[Change]) -> list[Moved]:
    """The values that edits change, in the order of the regulation, each from its year on."""
    scenario, found = base.changed(edits), []
    for year in sorted({edit.year for edit in edits}):
        levers = tuple(edit.lever for edit in edits if edit.year == year)
        inside = lambda name: any(f"{name}.".startswith(f"{lever}.") for lever in levers)  # noqa: E731, B023
        for name, value, term, _ in scenario.levers(year):
            if inside(name) and (was := lever_value(base, name, year)) != value:
                section, field, *_ = name.split(".")
                source = getattr(getattr(base.policy_in(year), section), field).source
                found.append(Moved(name, year, was, value, term, source))
    return found


def shared_out(before: Result, after: Result) -> Waterfall | None:
    """The change by lever, the assumptions together; nothing where the two say the same."""
    first, last = before.scenario, after.scenario
    if not (levers := differing(first, last)):
        return None
    by = "lever" if len(levers) <= MOST else "section"
    many = len(in_groups(levers, by)) > MOST
    draws, made = min(after.manifest["draws"], FEW), after.manifest["draws"] <= FEW
    return waterfall(before if made else first, after if made else last, PARTED, groups=by, draws=draws,
                     seed=after.manifest["seed"], engine=after.manifest["engine"], orders=ORDERS if many else None)


@lru_cache(maxsize=4)
def record_of(series: str, template: str = TEMPLATE) -> Record:
    """The track record of a yearly table: some seconds the first time."""
    return backtest(load_series(series), template)


def facts(inquiry: Inquiry) -> dict[str, Any]:
    """What identifies the run."""
    return {**inquiry.now.facts, "model": __version__, **LIBRARIES}
