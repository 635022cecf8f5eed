"""What an answer hangs on: a tornado of its uncertain assumptions and shocks, and Sobol indices with confidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtrit
from scipy.stats import sobol_indices

from simulation.assumptions import ASSUMED, Z95, drawn, uncertain
from simulation.compare import check_of, error
from simulation.estimates import find_assumption
from simulation.loading import load_scenario, parsed
from simulation.measures import happened
from simulation.model import check_run, most_draws, simulate
from simulation.results import EVENTS, Result
from simulation.scenario import Scenario, check_year
from simulation.steps.utilisation import SHOCKS, correlations, dimensions, normals_of
from simulation.streams import (
    REPLICATES,
    correlation_root,
    jackknifed,
    scramblings,
    sobol_normals,
    with_left_out,
)
from simulation.terms import Mapper, Progress, Words, refuse, words
from simulation.variance import ROUNDING

DRAWS = 1024  # points of each of the two samples whose mixtures are run
ENDS = 512  # draws at each end of a bar of the tornado
FEWEST = 16  # draws, one a scrambling, that depart from the usual value: of fewer no share of variance is told
SEED = 20080101
METHODS = ("tornado", "sobol")
KINDS = ("assumption", "shock", "chance")
CONFIDENCE = 0.95
FAMILIES: dict[str, Words] = {  # every normal of all years is one family
    "noise": words("个体偶然（谁生病、花多少）", "Chance between people (who falls ill, what it costs)"),
    "cost": words("费用冲击", "Shocks to unit cost"),
    "admissions": words("就医冲击", "Shocks to the use of care"),
    "enrolment": words("参保冲击", "Shocks to enrolment"),
    "funding": words("筹资冲击", "Shocks to funding"),
}
BY_SOURCE: dict[str, Words] = {"parameters": words("全部假设", "All assumptions"),
                               "shocks": words("全部系统性冲击", "All systematic shocks"), "chance": FAMILIES["noise"]}
TORNADO = ("of", "year", "factor", "title_zh", "title_en", "kind", "low_at", "high_at", "low", "high", "base", "swing",
           "se")
INDICES = ("of", "year", "factor", "title_zh", "title_en", "kind", "first", "first_low", "first_high", "total",
           "total_low", "total_high")


class Factor(NamedTuple):
    """Something uncertain whose normals are moved together."""

    name: str
    title: Words
    kind: str  # of `KINDS`
    columns: tuple[int, ...]  # of the normals of a draw, as `utilisation.dimensions` orders them


class Estimate(NamedTuple):
    """Sobol indices with their standard errors, each (factor,)."""

    first: np.ndarray  # share of the variance that a factor brings by itself
    total: np.ndarray  # share that would be lost if it alone stood still
    first_se: np.ndarray
    total_se: np.ndarray


class Sensitivity(NamedTuple):
    """What some outputs of a year hang on.

    `tornado`: columns `TORNADO`, the longest bar of an output first. `low_at` and `high_at` are the assumption's 5 %
    and 95 % ends, in its unit or, where its value varies over groups, as multiples of it; for a family of shocks the
    normal points. `low`, `high` and `base` are the mean of the output, or the probability of the event, with the
    factor at either end and as it is drawn; `swing` is high less low with its standard error `se`.
    `indices`: columns `INDICES`, the largest total first, the interval of 95 %, all missing where the output departs
    from its usual value in fewer than `FEWEST` draws. A frame that was not asked for is empty.
    """

    scenario: str
    year: int
    of: tuple[str, ...]
    tornado: pd.DataFrame
    indices: pd.DataFrame


def sensitivity(scenario: Scenario | str, of: str | Sequence[str] = "balance_end", year: int | None = None,
                draws: int = DRAWS, seed: int = SEED, methods: Sequence[str] = METHODS, by: str = "assumption",
                mapped: Mapper = map, progress: Progress | None = None) -> Sensitivity:
    """What quantities (means) or events (probabilities) of a year, the last unless said, hang on.

    Every run is of the history table on standard normals given to it. `by` is `assumption`, where assumptions that
    are correlated make one factor of the Sobol indices, or `source`: all assumptions, all shocks, chance. A number
    of `draws` that is no sixteenfold power of two is raised to the next. `mapped` runs the tasks, in order; what
    `progress` raises ends the work.

    >>> found = sensitivity("benxi_2008", "opening_balance", 2008, draws=512, methods=["sobol"], by="source").indices
    >>> found[["factor", "first", "total"]].round(1).values.tolist()
    [['parameters', 1.0, 1.0], ['shocks', 0.0, 0.0], ['chance', 0.0, 0.0]]
    """
    scenario = load_scenario(scenario) if not isinstance(scenario, Scenario) else scenario
    of = (of,) if isinstance(of, str) else tuple(of)
    year = scenario.horizon()[-1] if year is None else year
    check(scenario, of, year, draws, seed, methods, by)
    draws = whole_scramblings(draws, most_draws(scenario))
    asked = {"scenario": scenario.text(), "of": list(of), "year": year, "seed": seed}
    bars = singles(scenario, year) if "tornado" in methods else []
    tasks = [asked | {"draws": min(draws, ENDS), "hold": held} for held in ends(bars)]
    factors = factors_of(scenario, by) if "sobol" in methods else []
    few = len(tasks)
    tasks += [asked | {"draws": draws} | mixture for mixture in mixtures(scenario, factors)]
    runs = list(counted(mapped(outcomes, tasks), len(tasks), progress))
    return Sensitivity(scenario.name, year, of, tornado(scenario, bars, of, year, runs[:few]),
                       indices(factors, of, year, runs[few:]))


def check(scenario: Scenario, of: Sequence[str], year: int, draws: int, seed: int, methods: Sequence[str],
          by: str) -> None:
    """Refuse what cannot be asked, with the remedy."""
    check_run(draws, seed, "table")
    check_of(of)
    check_year(scenario, year, f"year {year}")
    for given, choices, place in ((by, ("assumption", "source"), "by"), *((name, METHODS, "method")
                                                                         for name in methods)):
        if given not in choices:
            raise refuse(place, words(f"没有 {given} 这一选项", f"there is no {given}"),
                         words(f"可选：{'、'.join(choices)}", f"choose from {', '.join(choices)}"))


def whole_scramblings(draws: int, most: int) -> int:
    """The draws asked for, so many more that each scrambling has a power of two of them, as Sobol points need.

    Raises `BadInput` where those are more than `most`.

    >>> whole_scramblings(1000, 4096), whole_scramblings(1024, 4096)
    (1024, 1024)
    """
    each = max(-(-draws // REPLICATES), 2)
    whole = REPLICATES << (each - 1).bit_length()
    if whole > most:
        most = 1 << most.bit_length() - 1
        raise refuse("draws", words(f"{draws} 次超出内存", f"{draws} draws do not fit in memory"),
                     words(f"请用至多 {most} 次", f"use at most {most}"))
    return whole


def counted(results: Iterable, tasks: int, progress: Progress | None) -> Iterator:
    """Results as they come, with the share of the work that is done told after each."""
    for done, result in enumerate(results, 1):
        if progress:
            progress(done / tasks)
        yield result


# --- what is uncertain ------------------------------------------------------------------------------

def singles(scenario: Scenario, upto: int | None = None) -> list[Factor]:
    """Every uncertain assumption by itself and every family of shocks, chance first, with its years up to one."""
    names = dimensions(scenario)
    years = [year for year in scenario.horizon() if upto is None or year <= upto]
    alone = [assumed(list(uncertain(scenario.assumptions)), (n,)) for n in range(len(uncertain(scenario.assumptions)))]
    return alone + [Factor(f"shocks.{shock}", FAMILIES[shock], KINDS[2] if shock == "noise" else KINDS[1],
                           tuple(names.index(f"{shock} {year}") for year in years)) for shock in SHOCKS]


def factors_of(scenario: Scenario, by: str = "assumption") -> list[Factor]:
    """The factors of a scenario: each assumption, or those correlated with one another together, and the shocks."""
    known = list(uncertain(scenario.assumptions))
    chance, *shocks = singles(scenario)[len(known):]
    if by == "assumption":
        return [*(assumed(known, block) for block in blocks(scenario)), *shocks, chance]
    columns = tuple(range(len(known))), tuple(n for shock in shocks for n in shock.columns), chance.columns
    return [Factor(name, title, kind, of)
            for (name, title), kind, of in zip(BY_SOURCE.items(), KINDS, columns, strict=True)]


def blocks(scenario: Scenario) -> list[tuple[int, ...]]:
    """The uncertain assumptions by number, those that are correlated, directly or through others, together.

    >>> [block for block in blocks(load_scenario("benxi_2008")) if len(block) > 1]
    [(0, 6, 9, 10)]
    """
    tied = correlations(scenario, list(uncertain(scenario.assumptions))) != 0
    reach = np.linalg.matrix_power(tied.astype(float), max(len(tied), 1)) > 0  # through any number of others
    return list(dict.fromkeys(tuple(np.flatnonzero(row).tolist()) for row in reach))


def assumed(known: Sequence[str], block: tuple[int, ...]) -> Factor:
    """Assumptions as one factor, by name: of several, their names joined."""
    titles = [title_of(known[number]) for number in block]
    return Factor("+".join(known[number] for number in block), words(
        "、".join(title.zh for title in titles), "; ".join(title.en for title in titles)), KINDS[0], block)


def title_of(name: str) -> Words:
    """An assumption's name in words.

    >>> title_of("account.opening_balance").en
    'Opening balance'
    """
    section, _, field = name.partition(".")
    return ASSUMED[section].terms()[field].title


# --- the runs ---------------------------------------------------------------------------------------

def outcomes(task: dict) -> dict[str, list[float]]:
    """The outputs of a task's year in every draw; an event is 1 where it happened. Plain data in and out."""
    scenario = parsed(task["scenario"])
    at, luck = points_held(task, scenario) if "hold" in task else points_mixed(task, scenario)
    usual = standards(task["scenario"], task["draws"], luck) if "hold" in task else None
    return values(simulate(scenario, task["draws"], luck, "table", at=at, usual=usual), task["of"], task["year"])


@lru_cache(maxsize=4)
def standards(text: str, draws: int, seed: int) -> dict:
    """What the standards of payment are made of with nothing held: an end that is held moves no budget."""
    usual: dict = {}
    simulate(parsed(text), draws, seed, "table", usual=usual)
    return usual


def values(result: Result, of: Sequence[str], year: int) -> dict[str, list[float]]:
    """Quantities and events of a year in every draw, of the whole fund."""
    t = result.scenario.horizon().index(year)
    events = happened(result) if set(of) & set(EVENTS) else {}
    return {name: (events[name] if name in events else result.data[name].values[:, :, 0])[:, t].astype(float).tolist()
            for name in of}


def points_mixed(task: dict, scenario: Scenario) -> tuple[np.ndarray, int]:
    """One sample of normals with some columns of the other in their place, and the seed of what is not in them."""
    at = mixed(len(dimensions(scenario)), task["draws"], task["seed"], task["swapped"])
    return at, task["seed"] + task["other_luck"]


def mixed(wide: int, draws: int, seed: int, swapped: Sequence[int]) -> np.ndarray:
    """The first of two independent samples of normals, (draw, column), with some columns taken from the second.

    >>> first, one = mixed(2, 64, 1, []), mixed(2, 64, 1, [1])
    >>> (first == one).mean(axis=0).tolist()
    [1.0, 0.0]
    """
    both = sobol_normals(2 * wide, draws, seed)
    at = both[:, :wide].copy()
    at[:, list(swapped)] = both[:, wide:][:, list(swapped)]
    return at


def mixtures(scenario: Scenario, factors: Sequence[Factor]) -> list[dict]:
    """The runs Sobol indices are estimated from: either sample, and for each factor the first with its columns swapped.

    What chance draws beside the normals given, from named streams, moves with the factor of chance.
    """
    if not factors:
        return []
    every = list(range(len(dimensions(scenario))))
    return [{"swapped": [], "other_luck": 0}, {"swapped": every, "other_luck": 1},
            *({"swapped": list(factor.columns), "other_luck": int(factor.kind == KINDS[2])} for factor in factors)]


def ends(bars: Sequence[Factor]) -> list[list]:
    """The runs of a tornado: nothing held, and every bar held at either end.

    None is passed over by trying a few draws: what acts in rare futures alone may yet do most.
    """
    return [[[], 0.0], *([list(bar.columns), end] for bar in bars for end in (-Z95, Z95))] if bars else []


def points_held(task: dict, scenario: Scenario) -> tuple[np.ndarray, int]:
    """The draws with one assumption or family of shocks held at a point, and their seed."""
    at = normals_of(scenario, task["draws"], task["seed"])
    return held(scenario, at, *task["hold"]), task["seed"]


def held(scenario: Scenario, at: np.ndarray, columns: Sequence[int], point: float) -> np.ndarray:
    """Normals with one assumption or family of shocks held at a point of its normal, everything else as drawn.

    Those correlated with an assumption stay where they were drawn. Of a family the mean over its years is held at the
    point of its own distribution, and the years keep their departures from it.
    """
    known, at, columns = list(uncertain(scenario.assumptions)), at.copy(), list(columns)
    if columns and columns[0] < len(known):
        root = correlation_root(correlations(scenario, known))
        correlated = at[:, :len(known)] @ root.T
        correlated[:, columns] = point
        at[:, :len(known)] = np.linalg.solve(root, correlated.T).T
    elif columns:
        at[:, columns] += point / np.sqrt(len(columns)) - at[:, columns].mean(axis=1, keepdims=True)
    return at


# --- what the runs say ------------------------------------------------------------------------------

def tornado(scenario: Scenario, bars: Sequence[Factor], of: Sequence[str], year: int,
            runs: Sequence[dict]) -> pd.DataFrame:
    """The bars of every output, from runs in the order of `ends`: columns `TORNADO`.

    What arithmetic alone makes is no swing.
    """
    rows = []
    known = uncertain(scenario.assumptions)
    for name in of if runs else ():
        base, *found = (np.array(run[name]) for run in runs)
        rounding = ROUNDING * np.abs(base).max()
        for bar, *pair in zip(bars, found[::2], found[1::2], strict=True):
            low, high = (np.where(np.abs(end - base) > rounding, end, base) for end in pair)
            points = drawn(known[bar.name], np.array([-Z95, Z95]), find_assumption(bar.name)[2]) \
                if bar.name in known else (-Z95, Z95)
            rows.append((name, year, bar.name, bar.title.zh, bar.title.en, bar.kind, *(round(
                float(point), 12) + 0.0 for point in points), low.mean(), high.mean(), base.mean(),
                high.mean() - low.mean(), error((high - low)[None, :, None], [name]).item()))
    return ranked(pd.DataFrame(rows, columns=list(TORNADO)), of, "swing")


def indices(factors: Sequence[Factor], of: Sequence[str], year: int, runs: Sequence[dict]) -> pd.DataFrame:
    """Sobol indices of every output, from runs in the order of `mixtures`: columns `INDICES`."""
    rows = []
    wide = float(stdtrit(REPLICATES - 1, (1 + CONFIDENCE) / 2))
    for name in of if runs else ():
        first, second, *swapped = (np.array(run[name]) for run in runs)
        found = estimate(first, second, np.stack(swapped), name in EVENTS)
        for factor, first, total, first_se, total_se in zip(factors, *found, strict=True):
            rows.append((name, year, factor.name, factor.title.zh, factor.title.en, factor.kind,
                         first, first - wide * first_se, first + wide * first_se,
                         total, total - wide * total_se, total + wide * total_se))
    return ranked(pd.DataFrame(rows, columns=list(INDICES)), of, "total")


def estimate(first: np.ndarray, second: np.ndarray, swapped: np.ndarray, event: bool = False) -> Estimate:
    """Sobol indices of factors from outputs (n,) at two samples and (factor, n) at the first with a factor swapped.

    Estimated by SciPy (Saltelli and others 2010) from all scramblings together, each index one ratio of sums; the
    standard error is the jackknife's of that ratio over the scramblings, that of an event never below what one further
    draw could change. Indices are missing where fewer than `FEWEST` draws
    depart from the usual value: a share of a variance that was hardly seen is none.

    >>> z = mixed(2, 256, 1, [0, 1]).T, mixed(2, 256, 1, []).T
    >>> f = lambda x: 3 * x[0] + 4 * x[1]
    >>> estimate(f(z[1]), f(z[0]), np.stack([f(mixed(2, 256, 1, [n]).T) for n in (0, 1)])).total.round(1).tolist()
    [0.4, 0.6]
    """
    both = np.stack([first, second])
    rounding = ROUNDING * np.abs(both).max()
    if (np.abs(both - np.median(both)) > rounding).sum() < FEWEST:
        return Estimate(*np.full((4, len(swapped)), np.nan))
    swapped = np.where(np.abs(swapped - first) > rounding, swapped, first)
    asked = np.concatenate([swapped, first[None]])  # with a factor of nothing, as SciPy takes no single one
    found = sobol_indices(func={"f_A": first[None].copy(), "f_B": second[None].copy(), "f_AB": asked[:, None]},
                          n=len(first))  # which centres what it is given in place
    a, b = both - both.mean()
    moved = (swapped - first).T
    tops = np.stack([b[:, None] * moved, moved**2 / 2], axis=1)  # (n, 2, factor)
    _, tops_left = with_left_out(np.stack([part.sum(axis=0) for part in scramblings(tops)]))
    spread, spreads_left = with_left_out(np.array([part.sum() for part in scramblings((a**2 + b**2) / 2)]))
    least = np.array([[1.0], [0.5]]) / spread if event else 0.0
    se = np.maximum(jackknifed(tops_left / spreads_left[:, None, None]), least)
    return Estimate(found.first_order[:-1], found.total_order[:-1], *se)


def ranked(frame: pd.DataFrame, of: Sequence[str], column: str) -> pd.DataFrame:
    """Rows by output as asked for, the largest first."""
    order = frame.assign(place=frame["of"].map({name: n for n, name in enumerate(of)}), size=-frame[column].abs())
    return frame.loc[order.sort_values(["place", "size"], kind="stable").index].reset_index(drop=True)
