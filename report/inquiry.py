"""What a policy brief rests on: the runs before and after a change of levers, and all that is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
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
from simulation.scenario import Change, GivenUp, Scenario, given_up, lever_value
from simulation.series import load_series
from simulation.terms import Source, Term

# What the brief tells of a change in sentences, in their order.
TOLD = ("p_deficit", "p_balance_over", "p_surplus_over", "balance_ratio", "out_of_pocket")
PARTED = "balance_ratio"  # whose change is shared out among the levers
FEW = 1024  # draws for that: it takes a run for every set of levers
MOST = 4  # groups of levers of which every set is run, sixteen at most; of more, some orders are sampled
ORDERS = 4
TESTED = "resident_all"  # the published series of which an ordinary brief states the track record
# The parts of the work that can be kept by themselves, and how much of the time each takes.
WORK = {"record": 0.5, "runs": 0.2, "parts": 0.3}

Progress = Callable[[float], None]
RECORDS: dict[tuple[str, str], Record] = {}  # of the ordinary series, made in this process


class Moved(NamedTuple):
    """One value of a lever that differs, from a year on."""

    lever: str
    year: int
    before: Any
    after: Any
    term: Term
    source: Source  # of the value before


class Runs(NamedTuple):
    """The answers of the run, and of that before the change with what compares the two; small enough to be kept."""

    now: Run
    before: Run | None
    comparison: Comparison | None  # named "0" before and "1" after
    drivers: Drivers | None  # missing where there are too few draws to tell any


class Inquiry(NamedTuple):
    """Everything a brief is written from; without a change `before` and what compares them are missing."""

    named: str  # the scenario as a command line names it
    scenario: Scenario
    edits: tuple[Change, ...]  # as they were asked for
    estimates: tuple[Estimate, ...]  # assumptions taken otherwise than the scenario does
    base: Scenario
    moved: tuple[Moved, ...]  # what the edits change, value by value
    runs: Runs
    parts: Waterfall | None
    record: Record  # of a published series, or of the fund's own

    @property
    def changed(self) -> bool:
        """Whether anything is asked for that the scenario does not say."""
        return bool(self.moved or self.estimates)

    @property
    def given_up(self) -> list[GivenUp]:
        """What the scenario itself plans for later years and the edits put out of force."""
        return given_up(self.base, self.edits)

    @property
    def now(self) -> Run:
        """The run that is asked about."""
        return self.runs.now

    @property
    def before(self) -> Run | None:
        """The run before the change."""
        return self.runs.before


def inquire(base: Scenario, edits: Sequence[Change] = (), estimates: Sequence[Estimate] = (), draws: int = FEW,
            seed: int = SEED, engine: str = "auto", series: str = TESTED, named: str = "",
            kept: Mapping[str, Any] | None = None, progress: Progress | None = None,
            keep: Callable[[tuple[str, Any]], object] | None = None) -> Inquiry:
    """Run a scenario, and beside it the same with levers changed and assumptions taken otherwise, on the same futures.

    `named` is how the command line names the scenario where it is a file; `series` the yearly table whose back-test
    grades the outputs. Edits that change nothing are no edits. `progress` is told the share of the work done, `keep`
    each finished part of it, with its name in `WORK`: whoever breaks off gives it again as `kept`.

    >>> from simulation import load_scenario
    >>> change = Change(lever="benefits.ceiling", year=2010, value=60000, source=Source(status="assumption"))
    >>> [(moved.before, moved.after) for moved in moves(load_scenario("benxi_2008"), [change])]
    [(30000, 60000)]
    """
    moved = tuple(moves(base, edits))
    edits = tuple(edits) if moved else ()
    # Unchanged it is the very scenario, as a copy would be run and told beside itself.
    scenario = base.changed(edits).assuming(estimates) if edits or estimates else base
    kept = dict(kept or {})
    made: list[Result] = []
    left = {name: share for name, share in WORK.items() if name not in kept and (name != "parts" or edits or estimates)}

    def part(name: str, make: Callable[[Progress], Any]) -> Any:
        if name in left:
            begun, whole, share = sum(list(left.values())[:list(left).index(name)]), sum(left.values()), left[name]
            tell = lambda done: progress((begun + share * done) / whole) if progress else None  # noqa: E731
            tell(0.0)
            kept[name] = make(tell)
            if keep:
                keep((name, kept[name]))
        return kept.get(name)

    record = part("record", lambda tell: record_of(series, progress=tell))
    runs: Runs = part("runs", lambda tell: ran(base, scenario, draws, seed, engine, made, tell))
    parts = part("parts", lambda tell: shared_out(made or [base, scenario], runs.now.facts, tell))
    return Inquiry(named or base.name, scenario, edits, tuple(estimates), base, moved, runs, parts, record)


def ran(base: Scenario, scenario: Scenario, draws: int, seed: int, engine: str, made: list[Result],
        tell: Progress) -> Runs:
    """The answers of both runs; those of few draws are left in `made` for whatever else they are good for."""
    result = simulate(scenario, draws, seed, engine)
    tell(0.4)
    engine, before, comparison = result.manifest["engine"], None, None
    if scenario is not base:
        before = simulate(base, draws, seed, engine)
        tell(0.7)
        comparison = compare({"0": before, "1": result}, draws, seed, of=TOLD)
        if draws <= FEW:
            made += [before, result]
    found = drivers(result, ("p_deficit", "p_balance_over")) if draws >= FEWEST else None
    tell(0.9)
    return Runs(told(result), told(before) if before else None, comparison, found)


def moves(base: Scenario, edits: Sequence[Change]) -> list[Moved]:
    """The values that edits change, in the order of the years and of the regulation, each from its year on.

    An edit that says what holds anyway, but in place of what is planned for later years, is told from the first of
    those in which it makes a difference. One that ends an earlier edit is told from what that one had set.
    """
    scenario = base.changed(edits)

    def moved(year: int, levers: Iterable[str], but: Container[str] = ()) -> list[Moved]:
        levers, found = tuple(levers), []
        for name, value, term, _ in scenario.levers(year):
            inside = name not in but and any(f"{name}.".startswith(f"{lever}.") for lever in levers)
            if not inside:
                continue
            old, of = base, year
            if lever_value(base, name, year) == value:
                old, of = scenario, max(year - 1, base.first_year)
            was = lever_value(old, name, of)
            if was != value and (old is base or was != lever_value(base, name, of)):
                section, field, *_ = name.split(".")
                source = getattr(getattr(old.policy_in(of), section), field).source
                found.append(Moved(name, year, was, value, term, source))
        return found

    found = [each for year in sorted({edit.year for edit in edits})
             for each in moved(year, (edit.lever for edit in edits if edit.year == year))]
    lost = given_up(base, edits)
    for year in sorted({plan.year for plan in lost}):
        told = {each.lever for each in found}
        found += moved(year, (plan.lever for plan in lost if plan.year == year), told)
    return sorted(found, key=lambda each: each.year)


def shared_out(ends: Sequence[Result | Scenario], given: dict[str, Any], tell: Progress) -> Waterfall | None:
    """The change by lever, the assumptions together; nothing where the two say the same."""
    first, last = (end if isinstance(end, Scenario) else end.scenario for end in ends)
    if not (levers := differing(first, last)):
        return None
    by = "lever" if len(levers) <= MOST else "section"
    many = len(in_groups(levers, by)) > MOST
    return waterfall(*ends, PARTED, groups=by, draws=min(given["draws"], FEW), seed=given["seed"],
                     engine=given["engine"], orders=ORDERS if many else None, progress=tell)


def record_of(series: str, template: str = TEMPLATE, progress: Progress | None = None) -> Record:
    """The track record of a yearly table: some seconds, for the ordinary one the first time alone."""
    if (series, template) in RECORDS:
        return RECORDS[series, template]
    found = backtest(load_series(series), template, progress=progress)
    if series == TESTED:
        RECORDS[series, template] = found
    return found


def facts(inquiry: Inquiry) -> dict[str, Any]:
    """What identifies the run."""
    return {**inquiry.now.facts, "model": __version__, **LIBRARIES}
