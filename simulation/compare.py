"""Scenarios compared on the same futures: every difference is paired by draw and comes with what is known of it.

Two things are kept apart. Over the *futures* a difference has a range: what a change does is not the same in a good
and in a bad future. The *estimate* of its mean, or of a difference of chances, has a confidence interval: more draws
narrow it, and a verdict rests on it.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from simulation import __version__, measures
from simulation.comparable import Entry, Item, check_alike, entered, notes, years_alike
from simulation.loading import parsed
from simulation.model import simulate
from simulation.results import EVENTS, LIBRARIES, MORE, QUANTITIES, Result
from simulation.sentences import MOST, unit_of
from simulation.streams import REPLICATES, error_of
from simulation.terms import Mapper, Words, refuse, words
from simulation.variance import ROUNDING, check_names

EVERYTHING = (*QUANTITIES, *EVENTS)
SEED, LEVEL = 20080101, 0.9
CLOSE = 1e-5  # of a quantity's size: no further apart than where the table's nodes stand can put one and the same rule
# What the table's interpolation leaves open of a difference, of its largest in any year: measured over several seeds,
# scenarios and levers. Of amounts of yuan it is lost in the error of the draws; more draws do not narrow it.
READ = {"catastrophic": 0.05, "primary_share": 0.01, "in_policy_ratio": 0.005, "effective_ratio": 0.003}
VALUES = ("scenario", "year", "quantity", "unit", "value", "se", "p05", "p50", "p95")
DIFFERENCES = ("against", "scenario", "year", "quantity", "unit", "base", "value", "difference", "se", "ci_low",
               "ci_high", "p05", "p50", "p95", "up", "down", "verdict", "needed")


class Comparison(NamedTuple):
    """Scenarios on the same futures: what each gives, and every difference."""

    names: tuple[str, ...]  # the first is what the rest are compared with
    values: pd.DataFrame  # `VALUES`: mean or chance, its standard error, quantiles over futures
    differences: pd.DataFrame  # `DIFFERENCES`: see `compare`
    notes: tuple[Words, ...]  # what a reader has to know beside the figures
    facts: dict[str, Any]  # draws, seed, engine, level, model


def compare(scenarios: Sequence[Item] | Mapping[str, Item], draws: int = 1024, seed: int = SEED, engine: str = "auto",
            of: Sequence[str] = EVERYTHING, level: float = LEVEL, every_pair: bool = False, mapped: Mapper = map,
            progress: Callable[[float], None] | None = None) -> Comparison:
    """Two or more scenarios on the same futures; the first is what the rest, or `every_pair`, are compared with.

    A scenario is a name, a file, a `Scenario`, a `Result`, or a kept run (folder or zip), which this version must be
    able to make again. `of` names quantities and events. In `differences`, a row a pair, year and quantity: `base` and
    `value` are means or chances, `difference` is value less base; `se`, `ci_low` and `ci_high` are of that estimate,
    from the independent scramblings (at `level` for all pairs together); `p05`, `p50` and `p95` are the difference
    over futures, and `up` and `down` the shares of them in which it is above and below zero; `verdict` is one of
    `VERDICTS`; `needed` is the number of draws at which a difference as seen could be told apart, missing where it
    is told, close or where none was seen. Raises `BadInput` where the runs are not comparable.

    >>> found = compare(["benxi_2008", "benxi_2008"], draws=16, engine="table", of=("income", "p_deficit"))
    >>> found.differences.groupby("quantity")["verdict"].first().to_dict()
    {'income': 'same', 'p_deficit': 'untold'}
    """
    check_of(of)
    if not 0.5 <= level < 1:
        raise refuse("level", words(f"置信水平 {level} 不可用", f"a level of {level} will not do"),
                     words("请用 0.5 以上、1 以下", "use one from 0.5 and below 1"))
    entries = entered(scenarios)
    check_alike(entries, draws, seed, engine)
    values, engine = run_all(entries, draws, seed, engine, tuple(of), mapped, progress)
    pairs = list(combinations(range(len(entries)), 2)) if every_pair else [(0, n) for n in range(1, len(entries))]
    reach = stdtrit(REPLICATES - 1, 1 - (1 - level) / 2 / len(pairs))  # all pairs together: Bonferroni
    names, years = [entry.name for entry in entries], list(entries[0].scenario.horizon())
    return Comparison(
        tuple(names),
        pd.concat([described(values[n], of, years).assign(scenario=name) for n, name in enumerate(names)],
                  ignore_index=True)[list(VALUES)],
        pd.concat([paired(values[a], shared(values[a], values[b], same), of, years, reach, engine).assign(
            against=names[a], scenario=names[b]) for a, b in pairs
            for same in [years_alike(entries[a].scenario, entries[b].scenario)]], ignore_index=True)[list(DIFFERENCES)],
        tuple(notes(entries)),
        {"draws": draws, "seed": seed, "engine": engine, "level": level, "model": __version__, **LIBRARIES})


# --- what is compared -------------------------------------------------------------------------------

def check_of(of: Sequence[str]) -> None:
    """Refuse no output, and those that are no quantity or event of the whole fund."""
    check_names(of, (*QUANTITIES, *EVENTS, *MORE))


# --- runs -------------------------------------------------------------------------------------------

def run_all(entries: Sequence[Entry], draws: int, seed: int, engine: str, of: tuple[str, ...], mapped: Mapper,
            progress: Callable[[float], None] | None) -> tuple[list[np.ndarray], str]:
    """The draws (quantity, d, t) of every entry by one engine: that of a run already made, or what suits the first."""
    values: dict[int, np.ndarray] = {n: measured(entry.result, of) for n, entry in enumerate(entries) if entry.result}
    if engine == "auto" and values:
        engine = next(entry.result.manifest["engine"] for entry in entries if entry.result)
    left = [n for n in range(len(entries)) if n not in values]
    while left:
        turn = left[:1] if engine == "auto" else left  # the first alone, to see which engine it is
        tasks = [{"scenario": entries[n].scenario.text(), "draws": draws, "seed": seed, "engine": engine,
                  "of": list(of)} for n in turn]
        for n, answer in zip(turn, mapped(draws_of, tasks), strict=True):
            values[n], engine = unpacked(answer["values"]), answer["engine"]
            if progress:
                progress(len(values) / len(entries))
        left = left[len(turn):]
    return [values[n] for n in range(len(entries))], engine


def draws_of(task: dict) -> dict:
    """A run as plain data: the engine used, and the draws of its quantities and events."""
    result = simulate(parsed(task["scenario"]), task["draws"], task["seed"], task["engine"])
    return {"engine": result.manifest["engine"], "values": packed(measured(result, task["of"]))}


def measured(result: Result, of: Sequence[str]) -> np.ndarray:
    """Draws of quantities, and of events as 0 and 1, of the whole fund: shape (quantity, d, t)."""
    events, data = measures.happened(result), result.data
    return np.stack([events[name] if name in EVENTS else data[name].values[:, :, 0] for name in of]).astype(float)


def packed(values: np.ndarray) -> dict:
    """An array as plain data, bit by bit.

    >>> unpacked(packed(np.array([[0.1, 2.0]]))).tolist()
    [[0.1, 2.0]]
    """
    return {"shape": list(values.shape), "float64": b64encode(values.astype("<f8").tobytes()).decode("ascii")}


def unpacked(data: dict) -> np.ndarray:
    """The array that `packed` made plain."""
    return np.frombuffer(b64decode(data["float64"]), "<f8").reshape(data["shape"])


# --- figures ----------------------------------------------------------------------------------------

def shared(first: np.ndarray, other: np.ndarray, years: int) -> np.ndarray:
    """The other's draws (..., t), in its first so many years those of the first.

    No year knows of a later one's rules; but the table's nodes span all years, which moves what is read off between
    them by some hundred-thousandths.
    """
    return np.concatenate([first[..., :years], other[..., years:]], axis=-1)


def by_scrambling(values: np.ndarray) -> np.ndarray:
    """Means (scrambling, quantity, t) of draws (quantity, d, t)."""
    return np.stack([values[:, r::REPLICATES].mean(axis=1) for r in range(REPLICATES)])


def error(values: np.ndarray, of: Sequence[str]) -> np.ndarray:
    """Standard error (quantity, t) of the means of draws (quantity, d, t).

    That of a chance is never below what a single further draw could change.
    """
    least = np.array([1 / values.shape[1] if name in EVENTS else 0.0 for name in of])
    return error_of(by_scrambling(values), least[:, None])


def reading_error(mean: np.ndarray, of: Sequence[str], engine: str) -> np.ndarray:
    """What the table's interpolation leaves open of mean differences (quantity, t), one for all years: `READ`."""
    read = np.array([READ.get(name, 0.0) if engine == "table" else 0.0 for name in of])[:, None]
    return read * np.abs(mean).max(axis=1, keepdims=True)


def described(values: np.ndarray, of: Sequence[str], years: Sequence[int]) -> pd.DataFrame:
    """Mean, its standard error and quantiles over futures of draws (quantity, d, t)."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95], axis=1)
    return tidy(of, years, value=values.mean(axis=1), se=error(values, of), p05=low, p50=middle, p95=high)


def paired(first: np.ndarray, other: np.ndarray, of: Sequence[str], years: Sequence[int], reach: float,
           engine: str) -> pd.DataFrame:
    """The differences of two sets of draws (quantity, d, t) with their errors and verdicts; `reach` in errors."""
    gap = other - first
    size = np.maximum(np.abs(first), np.abs(other)).max(axis=1, keepdims=True)
    gap = np.where(np.abs(gap) > ROUNDING * size, gap, 0.0)  # what arithmetic alone makes is no difference
    mean, by_chance, draws = gap.mean(axis=1), error(gap, of), gap.shape[1]
    by_reading = reading_error(mean, of, engine)
    se = np.hypot(by_chance, np.where(gap.any(axis=1), by_reading, 0.0))
    event = np.array([name in EVENTS for name in of])[:, None]
    same = ~gap.any(axis=1) & ~event  # an event that was not seen to differ may yet
    close = (np.abs(gap) <= CLOSE * size).all(axis=1) & ~event
    told = np.abs(mean) > reach * se
    verdict = np.select([same, close, ~told, mean > 0], ["same", "close", "untold", "higher"], "lower")
    low, middle, high = np.quantile(gap, [0.05, 0.5, 0.95], axis=1)
    frame = tidy(of, years, base=first.mean(axis=1), value=other.mean(axis=1), difference=mean, se=se,
                 ci_low=mean - reach * se, ci_high=mean + reach * se, p05=low, p50=middle, p95=high,
                 up=(gap > 0).mean(axis=1), down=(gap < 0).mean(axis=1), verdict=verdict,
                 needed=np.where(told | close, np.nan, needed(mean, by_chance, by_reading, draws, reach)))
    return frame.astype({"needed": "Int64"})


def needed(mean: np.ndarray, by_chance: np.ndarray, by_reading: np.ndarray, draws: int, reach: float) -> np.ndarray:
    """How many draws make a difference as large as the one seen tell, `MOST` at most; missing where none was seen.

    The error by chance is taken to fall with the root of the number of draws; that of these draws falls no slower.

    >>> needed(np.array([1.0, 0.0, 1.0]), np.ones(3), np.array([0.0, 0.0, 0.5]), 1024, 2.0).tolist()
    [4096.0, nan, 1000000000.0]
    """
    left = np.maximum(mean**2 - (reach * by_reading) ** 2, 0.0)
    times = np.divide((reach * by_chance) ** 2, left, out=np.full_like(mean, np.inf), where=left > 0)
    return np.where(mean == 0, np.nan, np.minimum(REPLICATES * np.ceil(draws * times / REPLICATES), MOST))


def tidy(of: Sequence[str], years: Sequence[int], **columns: np.ndarray) -> pd.DataFrame:
    """Arrays (quantity, t) as one frame, a row a quantity and year."""
    return pd.DataFrame({"year": np.tile(list(years), len(of)), "quantity": np.repeat(list(of), len(years)),
                         "unit": np.repeat([unit_of(name) for name in of], len(years))}
                        | {name: values.ravel() for name, values in columns.items()})
