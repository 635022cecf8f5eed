"""Goal seeking: the smallest change of a lever with which stated chances hold in every year, and how sure that is.

Every candidate is run on the same draws, so that two of them differ by the lever alone. A lever moves in whole steps
of its own, so the answer is one of finitely many positions and is found exactly, not to a tolerance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import stdtrit

from simulation.loading import load_scenario, parsed
from simulation.model import check_run, most_draws, simulate
from simulation.moves import SOUGHT, Moves, moves
from simulation.needs import idle
from simulation.results import EVENTS
from simulation.scenario import Change, Scenario
from simulation.streams import REPLICATES
from simulation.targets import Target, margins, measured, read_targets
from simulation.terms import Mapper, refuse, words

TARGETS = ("p_deficit<=0.05", "p_balance_over<=0.5")
DRAWS, SEED = 1024, 20080101
FARTHEST = 16  # a stretch that is looked into by its ends alone is at most the lever's whole range over this
REFINED = 14  # runs that look for the nearest miss where nothing holds
SURE = float(stdtrit(REPLICATES - 1, 0.975))  # standard errors either side: 95 %, from the spread of the scramblings
CHECKED = 4  # times as many draws, of another seed, in the check
PATH = ("change", "value", "target", "year", "found", "se", "limit", "margin", "holds")
PEOPLE = ("enrolled", "take_up")
BESIDE = (*(Target(event, None, True, 1.0) for event in EVENTS),  # what else every run is asked
          *(Target(people, "mean", False, 0.0) for people in PEOPLE))
ELSE = ("change", "draws", "seed", "what", "year", "found", "se")
OUTCOMES = ("what", "year", "now", "now_se", "then", "then_se", "check", "check_se")
NEIGHBOURS = ("which", "draws", "seed", "change", "value", "target", "year", "found", "se", "margin", "holds")


class End(NamedTuple):
    """One end of an interval: a change and the first lever's value there."""

    change: float
    value: Any


class Interval(NamedTuple):
    """Between which changes the answer lies at 95 %, by the number of draws alone; an end that is open is none."""

    nearer: End | None  # with every chance SURE standard errors kinder
    farther: End | None  # with every chance SURE standard errors harder


class Binding(NamedTuple):
    """The target and year that decide the answer, and what was found there."""

    target: str
    year: int
    found: float
    se: float
    margin: float


class Found(NamedTuple):
    """The answer, or how close it gets. Frames have a row a position, target and year; units are the levers' own."""

    scenario: str
    moves: Moves
    targets: tuple[Target, ...]
    years: tuple[int, ...]  # in which the targets must hold
    draws: int
    seed: int
    engine: str
    reached: bool
    already: bool  # nothing need change
    position: int  # of the answer, else of the nearest miss, in steps from the present
    interval: Interval
    binding: Binding  # one step short of the answer; else at the nearest miss, or at the present
    margins: pd.DataFrame  # at the answer or the nearest miss: columns `PATH`
    path: pd.DataFrame  # every position tried: columns `PATH`
    neighbours: pd.DataFrame  # the worst target a step less, at the answer, a step more, then the check: `NEIGHBOURS`
    beside: pd.DataFrame  # the chance of every event and enrolment, at the present, the answer, either end: `ELSE`

    @property
    def change(self) -> float:
        """How far the levers move, times their weights."""
        return self.moves.amount(self.position)

    @property
    def value(self) -> Any:
        """The first lever's value."""
        return self.moves.value(self.position)

    @property
    def edits(self) -> tuple[tuple[str, int, Any], ...]:
        """What to set: lever, year and value."""
        return self.moves.edits(self.position)

    def at(self, position: int) -> dict[str, Any]:
        """A position as plain data: how far the levers move, the first one's value, and what to set."""
        return {"change": self.moves.amount(position), "value": self.moves.value(position), "edits": [
            {"lever": lever, "year": year, "value": value} for lever, year, value in self.moves.edits(position)]}

    @property
    def confirmed(self) -> bool:
        """Whether the check on other and more draws says the same of the answer: that it holds, or does not."""
        check = self.neighbours[(self.neighbours["which"] == "answer") & (self.neighbours["seed"] != self.seed)]
        return bool((check["holds"] == self.reached).all())

    @property
    def doubted(self) -> bool:
        """Whether the answer holds on its own draws alone, the check having found that it does not."""
        return self.reached and not self.confirmed

    @property
    def advised(self) -> int:
        """The position to take: the answer; where it is doubted, the safe end of the interval if there is one."""
        farther = self.interval.farther
        return round(farther.change / self.moves.unit) if self.doubted and farther else self.position

    @property
    def settled(self) -> bool:
        """Whether what is advised can be relied on: the check bears the answer out, or it gave way to a safe end."""
        return self.reached and (self.confirmed or self.advised != self.position)

    @property
    def outcomes(self) -> pd.DataFrame:
        """What becomes of each chance in its worst year, and of enrolment in the last, where it is advised to go.

        Columns `OUTCOMES`: at the present, as advised, both on the draws of the search, and as advised on those of the
        check (nothing where it was not checked). The year is that of what is advised; the present has a worst of its
        own.
        """
        rows = []
        for what in self.beside["what"].unique():
            now, then, check = (self.worst(what, position, seed) for position, seed in (
                (0, self.seed), (self.advised, self.seed), (self.advised, self.seed + 1)))
            rows.append((what, then["year"], now["found"], now["se"], then["found"], then["se"], check["found"],
                         check["se"]))
        return pd.DataFrame(rows, columns=list(OUTCOMES))

    def worst(self, what: str, position: int, seed: int) -> Mapping[str, Any]:
        """A row of `beside`: of a chance that of its worst year, of enrolment that of the last; nothing if not run."""
        rows = self.beside[(self.beside["what"] == what) & (self.beside["seed"] == seed)
                           & (self.beside["change"] == self.moves.amount(position))]
        if rows.empty:
            return dict.fromkeys(ELSE, np.nan)
        return rows.loc[rows["found"].idxmax()] if what in EVENTS else rows.iloc[-1]


def goal_seek(scenario: Scenario | str, lever: str | Mapping[str, float], targets: Iterable[str] = TARGETS,
              years: Iterable[int] | None = None, draws: int = DRAWS, seed: int = SEED, engine: str = "table",
              since: int | None = None, mapped: Mapper = map,
              progress: Callable[[float], None] | None = None) -> Found:
    """The smallest change of a lever, or of several in given weights, with which every target holds in every year.

    The change holds from `since` (the first year); targets hold in `years` (all from `since`). Both directions are
    searched within the lever's bounds. Two positions near each other are taken to have no further turn of any one
    target between them; nothing is assumed of targets together, nor of distant positions. All are run by one engine.
    Raises `BadInput` for what cannot be asked. `progress` is told the share of the work done, at the most.

    >>> found = goal_seek("benxi_2008", "financing.subsidy", ["p_deficit<=0.05"], years=[2008], draws=64)
    >>> found.already, found.change
    (True, 0)
    """
    scenario = load_scenario(scenario) if isinstance(scenario, str) else scenario
    check_run(draws, seed, engine)
    since = scenario.first_year if since is None else since
    found = moves(scenario, lever, since)
    check_acts(scenario, found)
    wanted = read_targets(targets)
    asked = checked_years(scenario, years, since)
    trials = Trials(scenario.text(), found, wanted, asked, draws, seed, engine, mapped, progress)

    answer = nearest(trials, 0, (1, -1), 0.0)
    position = closest(trials) if answer is None else answer
    if answer is None and (answer := inside(trials, (1, -1), 0.0)) is not None:
        position = answer
    ends = interval(trials, answer)
    checks = trials.with_draws(min(CHECKED * trials.draws, most_draws(scenario)), trials.seed + 1)
    around = neighbours(trials, checks, position)
    shown = dict.fromkeys([0, position, *(round(end.change / found.unit) for end in ends if end)])
    if progress:
        progress(1.0)
    deciding = position if answer in (None, 0) else position - np.sign(position)
    return Found(scenario.name, found, wanted, asked, draws, seed, trials.engine, answer is not None, answer == 0,
                 position, ends, binding(trials, int(deciding)), trials.table([position]),
                 trials.table(sorted(trials.kept)), around,
                 pd.DataFrame([*trials.beside(shown), *checks.beside(shown)], columns=list(ELSE)))


def check_acts(scenario: Scenario, found: Moves) -> None:
    """Refuse a lever that waits, wherever the search would take it, for another that is off."""
    ends = [idle(scenario, changed(found.edits(end))) for end in (found.low, found.high) if end]
    for lever, needed in ends[0].items() if ends else ():
        if all(lever in end for end in ends):
            raise refuse(lever, words(f"要在设定 {'、'.join(needed)} 之后才起作用",
                                      f"does nothing until {' and '.join(needed)} is set"),
                         words("请先设定，或改用其他参数求解", "set that first, or seek with another lever"))


def checked_years(scenario: Scenario, years: Iterable[int] | None, since: int) -> tuple[int, ...]:
    """The years in which targets must hold, all of them simulated and none before the change."""
    asked = tuple(range(since, scenario.horizon()[-1] + 1)) if years is None else tuple(sorted(set(years)))
    if not asked or not set(asked) <= set(scenario.horizon()):
        raise refuse("years", words("年份不在模拟期内", "they are not all simulated"),
                     words(f"请用 {scenario.first_year} 到 {scenario.horizon()[-1]}",
                           f"use {scenario.first_year} to {scenario.horizon()[-1]}"))
    if asked[0] < since:
        raise refuse("years", words(f"{asked[0]} 年在变动开始的 {since} 年之前，变动改变不了它",
                                    f"{asked[0]} is before {since}, from which the change holds, and cannot be moved"),
                     words("请用从变动开始之年起的年份，或让变动更早开始",
                           "use years from then on, or let the change begin earlier"))
    return asked


# --- running -----------------------------------------------------------------------------------------

def changed(edits: Iterable[tuple[str, int, Any]]) -> list[Change]:
    """Edits as dated changes."""
    return [Change(lever=lever, year=year, value=value, source=SOUGHT) for lever, year, value in edits]


def tried(task: Mapping[str, Any]) -> dict[str, list]:
    """What one candidate gives for each target, then for `BESIDE`, and year, with its standard error, and the engine.

    Plain data in and out.
    """
    scenario = parsed(task["scenario"])
    result = simulate(scenario.changed(changed(task["edits"])), task["draws"], task["seed"], task["engine"])
    at = [list(scenario.horizon()).index(year) for year in task["years"]]
    found, errors = measured(result, [*read_targets(task["targets"]), *BESIDE])
    return {"found": found[:, at].tolist(), "se": errors[:, at].tolist(), "engine": result.manifest["engine"]}


class Trials:
    """Every position tried so far; each is run once."""

    def __init__(self, text: str, found: Moves, targets: tuple[Target, ...], years: tuple[int, ...], draws: int,
                 seed: int, engine: str, mapped: Mapper, progress: Callable[[float], None] | None):
        """Nothing is run yet."""
        self.moves, self.targets, self.years, self.draws, self.seed = found, targets, years, draws, seed
        self.engine, self.text, self.mapped, self.progress = engine, text, mapped, progress
        self.kept: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # position -> found, se: (target + beside, t)
        self.most = 2 * (len(list(offsets(found))) + REFINED)  # a scan of everything, and as much again to refine

    def task(self, position: int) -> dict[str, Any]:
        """A candidate as plain data."""
        return {"scenario": self.text, "edits": self.moves.edits(position),
                "targets": [target.text for target in self.targets], "years": self.years, "draws": self.draws,
                "seed": self.seed, "engine": self.engine}

    def run(self, positions: Iterable[int]) -> None:
        """Run the positions that have not been run."""
        new = [position for position in dict.fromkeys(positions) if position not in self.kept]
        for position, answer in zip(new, self.mapped(tried, [self.task(position) for position in new]), strict=True):
            self.kept[position] = np.array(answer["found"]), np.array(answer["se"])
            if self.engine == "auto":  # what suits the present, which is run first, serves every position
                self.engine = answer["engine"]
            if self.progress:
                self.progress(min(len(self.kept) / self.most, 0.99))

    def margins(self, position: int, doubt: float = 0.0) -> np.ndarray:
        """How far each target is kept in each year, (target, t), less so many standard errors."""
        self.run([position])
        found, se = (of[:len(self.targets)] for of in self.kept[position])
        scale = np.array([target.scale for target in self.targets])[:, None]
        return margins(self.targets, found) - doubt * se / scale

    def fails(self, position: int, doubt: float) -> np.ndarray:
        """Which targets are missed in which years, (target, t)."""
        return self.margins(position, doubt) < 0

    def table(self, positions: Iterable[int]) -> pd.DataFrame:
        """Positions tried, a row each and target and year: columns `PATH`."""
        rows = []
        for position in positions:
            kept, (found, se) = self.margins(position), self.kept[position]
            rows += [(self.moves.amount(position), self.moves.value(position), target.text, year, found[n, t], se[n, t],
                      target.limit, kept[n, t] * target.scale, bool(kept[n, t] >= 0))
                     for n, target in enumerate(self.targets) for t, year in enumerate(self.years)]
        return pd.DataFrame(rows, columns=list(PATH))

    def beside(self, positions: Iterable[int]) -> list[tuple]:
        """What else was found at those of some positions that have been run: columns `ELSE`."""
        return [(self.moves.amount(position), self.draws, self.seed, one.of, year, found[t], se[t])
                for position in positions if position in self.kept for one, found, se in zip(
                    BESIDE, *(of[len(self.targets):] for of in self.kept[position]), strict=False)
                for t, year in enumerate(self.years)]

    def with_draws(self, draws: int, seed: int) -> Trials:
        """The same candidates on other draws."""
        return Trials(self.text, self.moves, self.targets, self.years, draws, seed, self.engine, self.mapped, None)


# --- searching ---------------------------------------------------------------------------------------

def offsets(found: Moves, farthest: int = FARTHEST) -> Iterator[int]:
    """Distances at which a move is tried: doubling, until the stretch between two is as long as it may be.

    >>> from simulation import load_scenario
    >>> list(offsets(moves(load_scenario("benxi_2008"), "benefits.class_b_first_pay", 2008)))[:7]
    [1, 2, 4, 8, 14, 20, 26]
    """
    end, longest, at = max(found.high, -found.low), max((found.high - found.low) // farthest, 1), 1
    while at < end:
        yield at
        at += min(at, longest)
    if end:
        yield end


def nearest(trials: Trials, start: int, sides: tuple[int, ...], doubt: float, whole: bool = True) -> int | None:
    """The position nearest to a start, on some sides of it, at which no target is missed; none if there is none.

    Looks into one stretch after another, the nearest first. Between two positions there can be one that holds only if
    no target misses the same year at both. Not the `whole` range: gives up where the plain targets no longer hold.
    """
    if not trials.fails(start, doubt).any():
        return start
    before = dict.fromkeys(sides, start)
    for distance in offsets(trials.moves):
        ends = {side: min(max(start + side * distance, trials.moves.low), trials.moves.high) for side in sides}
        trials.run(ends.values())
        held = [hit for side, end in ends.items() if end != before[side]
                and (hit := between(trials, before[side], end, doubt)) is not None]
        if held:
            return min(held, key=lambda position: abs(position - start))
        if not whole and any(trials.fails(end, 0.0).any() for end in ends.values()):
            return None
        before = ends
    return None


def inside(trials: Trials, sides: tuple[int, ...], doubt: float) -> int | None:
    """Of the positions tried on some sides, the nearest at which no target is missed; none if there is none.

    It stands where the lever turns twice within a stretch, so that its ends miss the same: a ceiling of nothing, say.
    """
    held = [position for position in trials.kept if np.sign(position) in sides
            and not trials.fails(position, doubt).any()]
    if not held:
        return None
    first = min(held, key=abs)
    before = max((position for position in trials.kept if 0 <= position / first < 1), key=abs)
    return between(trials, before, first, doubt)


def between(trials: Trials, near: int, far: int, doubt: float) -> int | None:
    """The position nearest to `near` up to `far` at which no target is missed, `near` itself missing some.

    What is missed at `near` is followed by bisection to where it is missed no more; if something else is missed
    there already, nothing in the stretch holds.
    """
    missed = trials.fails(near, doubt)
    if (missed & trials.fails(far, doubt)).any():
        return None
    while abs(far - near) > 1:
        middle = (near + far) // 2
        if (missed & trials.fails(middle, doubt)).any():
            near = middle
        else:
            far = middle
    return None if trials.fails(far, doubt).any() else far


def closest(trials: Trials) -> int:
    """Where the worst target is missed by least: the best position tried, then refined between its neighbours."""
    worst = lambda position: float(trials.margins(position).min())  # noqa: E731 - used three times
    order = sorted(trials.kept)
    best = max(order, key=lambda position: (worst(position), -abs(position)))
    place = order.index(best)
    low, high = order[max(place - 1, 0)], order[min(place + 1, len(order) - 1)]
    if high - low <= REFINED:
        trials.run(range(low, high + 1))
    else:
        minimize_scalar(lambda at: -worst(round(at)), bounds=(low, high), method="bounded",
                        options={"maxiter": REFINED, "xatol": 0.5})
    return max(trials.kept, key=lambda position: (worst(position), -abs(position)))


def interval(trials: Trials, answer: int | None) -> Interval:
    """Between which positions the answer lies, every chance moved by `SURE` standard errors down and up."""
    end = lambda at: None if at is None else End(trials.moves.amount(at), trials.moves.value(at))  # noqa: E731
    if answer == 0:
        return Interval(end(0), end(nearest(trials, 0, (1, -1), SURE)))
    sides = (1, -1) if answer is None else (int(np.sign(answer)),)
    kind = nearest(trials, 0, sides, -SURE)
    return Interval(end(inside(trials, sides, -SURE) if kind is None else kind), None if answer is None else end(
        nearest(trials, answer, sides, SURE, whole=False)))


def binding(trials: Trials, position: int) -> Binding:
    """The target and year missed by most, or kept by least, at a position."""
    kept, (found, se) = trials.margins(position), trials.kept[position]
    n, t = np.unravel_index(kept.argmin(), kept.shape)
    return Binding(trials.targets[n].text, trials.years[t], float(found[n, t]), float(se[n, t]),
                   float(kept[n, t] * trials.targets[n].scale))


def neighbours(trials: Trials, checks: Trials, position: int) -> pd.DataFrame:
    """The answer, a step nearer the present and a step farther, on these draws and on others: columns `NEIGHBOURS`."""
    side = -1 if position < 0 else 1
    around = {"less": position - side if position else None, "answer": position, "more": position + side}
    rows = []
    for on in (trials, checks):
        places = {which: at for which, at in around.items()
                  if at is not None and trials.moves.low <= at <= trials.moves.high}
        on.run(places.values())
        for which, at in places.items():
            worst = binding(on, at)
            rows.append((which, on.draws, on.seed, on.moves.amount(at), on.moves.value(at), worst.target, worst.year,
                         worst.found, worst.se, worst.margin, worst.margin >= 0))
    return pd.DataFrame(rows, columns=list(NEIGHBOURS))
