"""Where the uncertainty of an answer comes from: what is not known, what befalls everybody, chance between people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from simulation.model import simulate
from simulation.results import MORE, QUANTITIES
from simulation.scenario import Scenario
from simulation.steps.utilisation import SOURCES
from simulation.streams import REPLICATES, jackknifed
from simulation.terms import Words, refuse, words

# The parts of a variance, in order: the sources alone and what they make together beyond that.
PARTS: dict[str, Words] = {
    "parameters": words("参数：假设的取值没有确知", "Parameters: assumptions that are not known for certain"),
    "shocks": words("系统性冲击：逐年影响所有人的波动", "Systematic shocks: yearly movements that befall everybody"),
    "chance": words("个体偶然：谁生病、花多少的运气", "Chance between people: who falls ill and what it costs"),
    "together": words("共同作用：几项相互放大或抵消的部分", "Together: what they add to or take from one another"),
}
SHARES = ("year", "quantity", "source", "share", "se", "sd")
ROUNDING = 1e-9  # of a quantity's size: a spread below it is of the arithmetic, and no uncertainty


class Split(NamedTuple):
    """The variance of a quantity in parts, each array (part, t) in the order of `PARTS`."""

    share: np.ndarray  # of the variance with every source on
    se: np.ndarray  # standard error of the share
    sd: np.ndarray  # with that source alone; last, with every source


def shares(scenario: Scenario | str, of: tuple[str, ...] = tuple(QUANTITIES), draws: int = 1024,
           seed: int = 20080101) -> pd.DataFrame:
    """Each source's share of the variance of quantities of the fund: columns `SHARES`, a row a year, quantity, source.

    A source's share is the variance with that source alone, the others at their medians, over the variance with all
    three; `together` is the rest, which may be negative, so that shares add up to 1. `sd` is the standard
    deviation with that source alone and, at `together`, with all three, in the quantity's unit; `se` the standard error
    of the share. What does not vary at all has shares 0, and they add up to 0. Of several counties, the whole city.
    Every run is of the history table, in which alone chance stands apart (see `simulate`).

    >>> found = shares("benxi_2008", ("opening_balance",), draws=64)
    >>> found[["year", "source", "share"]].head(4).values.tolist()
    [[2008, 'parameters', 1.0], [2008, 'shocks', 0.0], [2008, 'chance', 0.0], [2008, 'together', 0.0]]
    """
    check_names(of)
    years, found = [], {}
    for source in (*SOURCES, "together"):
        without = tuple(other for other in SOURCES if other != source) if source in SOURCES else ()
        data = simulate(scenario, draws, seed, engine="table", without=without).data
        years = data["year"].values
        found[source] = {name: data[name].values[:, :, 0] for name in of}
    rows = []
    for name in of:
        parts = split({source: found[source][name] for source in SOURCES}, found["together"][name])
        rows.append(pd.DataFrame({
            "year": np.repeat(years, len(PARTS)), "quantity": name, "source": list(PARTS) * len(years),
            **{column: values.T.ravel() for column, values in parts._asdict().items()}}))
    return pd.concat(rows, ignore_index=True)[list(SHARES)]


def check_names(of: Iterable[str], known: Collection[str] = (*QUANTITIES, *MORE)) -> None:
    """Refuse no quantity and those that are not known: by default, what a run does not hold for the whole fund."""
    of = tuple(of)
    if not of:
        raise refuse("of", words("没有指定指标", "no quantity is named"), words("请至少给一个", "name at least one"))
    for n, name in enumerate(of):
        if name in of[:n]:
            raise refuse("of", words(f"{name} 给了两次", f"{name} is named twice"), words("请只写一次", "name it once"))
        if name not in known:
            raise refuse("of", words(f"没有名为 {name} 的指标", f"there is no quantity {name}"),
                         words(f"可选：{'、'.join(known)}", f"choose from {', '.join(known)}"))


def split(alone: Mapping[str, np.ndarray], whole: np.ndarray) -> Split:
    """The parts of a variance, from draws (d, t) with each source alone and with all of them.

    The standard error is the jackknife's over the independent scramblings of the draws.

    >>> tossed = np.array([[-1.0], [1.0]] * 8)
    >>> split({"parameters": 3 * tossed, "shocks": 0 * tossed, "chance": 4 * tossed}, 5 * tossed).share.ravel().tolist()
    [0.36, 0.0, 0.64, 0.0]
    """
    every = np.stack([*alone.values(), whole])  # (part, d, t): the last is the whole
    # one in so many draws left out at a time, a scrambling each
    left_out = [np.delete(every, np.s_[r::REPLICATES], axis=1) for r in range(REPLICATES)]
    spread = np.stack([of_whole(sources) for sources in left_out])
    se = jackknifed(spread)
    return Split(of_whole(every), se, np.sqrt(variance(every)))


def of_whole(every: np.ndarray) -> np.ndarray:
    """Shares (part, t) of the last one's variance, from draws (part, d, t); the last share is the rest."""
    by_part = variance(every)
    total = by_part[-1]
    share = np.divide(by_part[:-1], total, out=np.zeros_like(by_part[:-1]), where=total > 0)
    return np.vstack([share, np.where(total > 0, 1 - share.sum(axis=0), 0.0)])


def variance(every: np.ndarray) -> np.ndarray:
    """The variance (part, t) of draws (part, d, t), none where it is within rounding of the quantity's size."""
    found = every.var(axis=1, ddof=1)
    size = np.abs(every).max(axis=(0, 1))
    return np.where(found > (ROUNDING * size) ** 2, found, 0.0)
