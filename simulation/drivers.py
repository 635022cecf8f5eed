"""What goes with crossing a line: of everything nobody decides, what each year's chances hang together with.

A driver is an uncertain assumption, or a kind of yearly shock up to the year in question. What is told is which
futures cross, not what would happen if a driver were changed: for that there is the waterfall of levers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from simulation import measures
from simulation.assumptions import ASSUMED, uncertain
from simulation.comparable import Item, entry_of
from simulation.compare import SEED
from simulation.model import simulate
from simulation.results import EVENTS
from simulation.scenario import Scenario
from simulation.sensitivity import FAMILIES
from simulation.steps.utilisation import SHOCKS, correlated, normals_of
from simulation.streams import REPLICATES, jackknifed, with_left_out
from simulation.terms import Words, refuse, words

BEHIND = {"p_surplus_over": "surplus_ratio", "p_balance_over": "balance_ratio", "p_deficit": "surplus_ratio",
          "p_insolvent": "balance_ratio", "p_warning": "reserve_months"}  # the quantity whose line an event is about
FEWEST = 256  # draws: sixteen in each scrambling, five in each third of it
LEVEL = 0.95  # at which a driver is told from chance, for all drivers of an event and year together
DRIVERS = ("year", "event", "driver", "kind", "chance", "chance_se", "low", "high", "difference", "se", "share",
           "share_se", "told", "rank")


class Drivers(NamedTuple):
    """What goes with each year's events; see `drivers`."""

    name: str
    frame: pd.DataFrame  # `DRIVERS`
    titles: dict[str, Words]  # of the drivers
    facts: dict[str, Any]  # draws, seed, engine, level


def drivers(item: Item, events: Sequence[str] = tuple(EVENTS), draws: int = 4096, seed: int = SEED,
            engine: str = "auto") -> Drivers:
    """What goes with crossing each line in each year, a row a year, event and driver, the strongest first.

    `low` and `high` are the chances of the event in the thirds of futures in which the driver is lowest and highest,
    `difference` is high less low with its standard error `se`; `share` is the part of the variance of the quantity
    behind the event (`BEHIND`) that goes with the driver in a straight line. Shares of correlated assumptions overlap.
    A driver is `told` where its difference is beyond what the draws leave to chance. A `Result`, made of Sobol points
    with every source of uncertainty, is taken as it is; a kept run is made again. Raises `BadInput` for too few draws.

    >>> found = drivers("benxi_2008", ("p_deficit",), draws=256, engine="table").frame
    >>> first = found[(found["year"] == 2017) & (found["rank"] == 1)]
    >>> first["driver"].item(), bool(first["told"].item())
    ('utilisation.admission_growth', True)
    """
    for event in events:
        if event not in BEHIND:
            raise refuse("events", words(f"没有名为 {event} 的事件", f"there is no event {event}"),
                         words(f"可选：{'、'.join(BEHIND)}", f"choose from {', '.join(BEHIND)}"))
    entry = entry_of(item)
    result = entry.result or simulate(entry.scenario, draws, seed, engine)
    made = result.manifest
    if made["draws"] < FEWEST:
        raise refuse("draws", words(f"{made['draws']} 次太少", f"{made['draws']} draws are too few"),
                     words(f"请用 {FEWEST} 次以上", f"use at least {FEWEST}"))
    known, z = standard(result.scenario, made["draws"], made["seed"])
    names = [*known, *SHOCKS]
    hits, years = measures.happened(result), list(result.scenario.horizon())
    reach = stdtrit(REPLICATES - 1, 1 - (1 - LEVEL) / 2 / len(names))  # all drivers together: Bonferroni
    given, found, fitted = z[:, : len(known)], [], np.isin(names, SHOCKS)
    always = outer_thirds(given)
    for t, year in enumerate(years):
        for quantity in dict.fromkeys(BEHIND[event] for event in events):
            values = result.data[quantity].values[:, t, 0]
            shocks = of_shocks(z, len(known), t, values)
            share, share_se = shares(np.concatenate([given, shocks], axis=1), values, fitted)
            thirds = np.concatenate([always, outer_thirds(shocks)], axis=2)
            for event in (event for event in events if BEHIND[event] == quantity):
                found.append(pd.DataFrame({"year": year, "event": event, "driver": names, "share": share,
                                           "share_se": share_se} | in_thirds(hits[event][:, t], thirds, reach, fitted)))
    frame = pd.concat(found, ignore_index=True)
    frame["kind"] = np.where(frame["driver"].isin(SHOCKS), "shock", "assumption")
    order = frame.assign(size=frame["difference"].abs(), event_order=frame["event"].map(list(events).index))
    order = order.sort_values(["event_order", "year", "told", "size"], ascending=[True, True, False, False])
    order["rank"] = order.groupby(["event", "year"]).cumcount() + 1
    return Drivers(entry.name, order[list(DRIVERS)].reset_index(drop=True), titles_of(names),
                   {name: made[name] for name in ("draws", "seed", "engine")} | {"level": LEVEL})


def titles_of(names: Sequence[str]) -> dict[str, Words]:
    """Drivers in words: an assumption by its title."""
    return {name: FAMILIES[name] if name in FAMILIES else
            ASSUMED[name.split(".")[0]].terms()[name.split(".")[1]].title for name in names}


def standard(scenario: Scenario, draws: int, seed: int) -> tuple[list[str], np.ndarray]:
    """The uncertain assumptions; and all standard normals (d, dimension): theirs, correlated, then the shocks'."""
    known = list(uncertain(scenario.assumptions))
    z = np.array(normals_of(scenario, draws, seed))
    z[:, :len(known)] = correlated(scenario, known, z)
    return known, z


def of_shocks(z: np.ndarray, known: int, t: int, values: np.ndarray) -> np.ndarray:
    """How high each kind of shock stands in each draw up to year t, shape (d, shock), from normals (d, dimension).

    The straight line in its years that goes best with the values (d,); each half of the scramblings is scored by the
    line of the other, so that fitting finds nothing where there is nothing.
    """
    years = (z.shape[1] - known) // len(SHOCKS)
    even = np.arange(len(z)) % 2 == 0  # scramblings of even number
    columns = []
    for n in range(len(SHOCKS)):
        path = z[:, known + n * years: known + n * years + t + 1]
        weights = [line(path[half], values[half]) for half in (even, ~even)]
        upwards = np.sign(sum(weights).sum()) or 1.0  # a high score is one of high shocks
        columns.append(upwards * np.where(even, path @ weights[1], path @ weights[0]))
    return np.stack(columns, axis=1)


def line(path: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weights of the straight line in independent columns (d, column) that goes best with values (d,).

    >>> line(np.array([[1.0], [-1.0], [3.0]]), np.array([2.0, -2.0, 6.0])).tolist()
    [2.0]
    """
    centred = path - path.mean(axis=0)
    return np.linalg.solve(centred.T @ centred, centred.T @ (values - values.mean()))


def outer_thirds(scores: np.ndarray) -> np.ndarray:
    """Whether a draw is in the lowest, or in the highest, third of each driver, 1 or 0: shape (2, d, driver).

    >>> outer_thirds(np.array([[1.0], [3.0], [2.0]]))[:, :, 0].tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    third = len(scores) // 3
    ranked = np.partition(scores, (third - 1, len(scores) - third), axis=0)
    return np.stack([scores <= ranked[third - 1], scores >= ranked[len(scores) - third]]).astype(float)


def in_thirds(hit: np.ndarray, thirds: np.ndarray, reach: float, fitted: np.ndarray) -> dict[str, Any]:
    """Chances of an event (d,) in both thirds of each driver, their difference, its error, and whether it is told."""
    count = np.stack([sums(third) for third in thirds], axis=1)  # (scrambling, 2, driver)
    crossed = np.stack([sums(third, hit.astype(float)) for third in thirds], axis=1)
    (low, high), left_out = (of / number for of, number in zip(with_left_out(crossed), with_left_out(count),
                                                              strict=True))
    se = np.maximum(errors(left_out[:, 1] - left_out[:, 0], fitted), 1 / count[:, 0].sum(axis=0))  # one further draw
    return {"chance": hit.mean(), "chance_se": float(measures.standard_error(hit[:, None])[0]), "low": low,
            "high": high, "difference": high - low, "se": se, "told": np.abs(high - low) > reach * se}


def errors(left_out: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Standard errors of answers (driver,) from those (scrambling, driver) with one scrambling left out at a time.

    Where a score is `fitted` each half of the scramblings is scored by the other. What the halves say hangs on one
    product of both, so that where there is nothing they err together, and their errors are added up, not squared.

    >>> errors(np.array([[1.0, 1.0], [-1.0, -1.0]] * 8), np.array([False, True])).round(2).tolist()
    [3.87, 5.48]
    """
    off = left_out - left_out.mean(axis=0)
    halves = [np.sqrt((off[half::2] ** 2).sum(axis=0)) for half in (0, 1)]
    return np.where(fitted, np.sqrt(1 - 1 / REPLICATES) * sum(halves), jackknifed(left_out))


def shares(scores: np.ndarray, values: np.ndarray, fitted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The part of the variance of values (d,) that goes with each score (d, driver) in a straight line, and its error.

    >>> shares(np.array([[1.0], [-1.0]] * 16), np.array([2.0, 0.0] * 16), np.array([False]))[0].tolist()
    [1.0]
    """
    s, v = scores - scores.mean(axis=0), values - values.mean()
    one = np.ones((len(v), 1))
    moments = [sums(one), sums(s), sums(v[:, None]), sums(s**2), sums(v[:, None]**2), sums(s, v)]
    whole, left_out = (of_moments(*of) for of in zip(*map(with_left_out, moments), strict=True))
    return whole, errors(left_out, fitted)


def of_moments(n: np.ndarray, s: np.ndarray, v: np.ndarray, ss: np.ndarray, vv: np.ndarray,
               sv: np.ndarray) -> np.ndarray:
    """Squared correlations from a number and sums of two variables, of their squares and of their product."""
    spread = np.maximum(ss - s**2 / n, 0.0) * np.maximum(vv - v**2 / n, 0.0)
    return np.divide((sv - s * v / n) ** 2, spread, out=np.zeros_like(spread), where=spread > 0)


def sums(of: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Sums over draws (d, driver), weighted if asked for, by scrambling: shape (scrambling, driver)."""
    return np.stack([of[r::REPLICATES].sum(axis=0) if weight is None else weight[r::REPLICATES] @ of[r::REPLICATES]
                     for r in range(REPLICATES)])
