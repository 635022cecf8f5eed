"""Targets: what a policy must keep, such as `p_deficit<=0.05`, read from text and held against a run, year by year."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from simulation.measures import QUANTILES, happened, quantile_error, standard_error
from simulation.reading import half_width
from simulation.results import EVENTS, MORE, QUANTITIES, Result
from simulation.streams import error_of, scramblings
from simulation.terms import BadInput, Words, refuse, short, words
from simulation.trees import nearest

WRITTEN = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(<=|>=)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*(%?)\s*$")
SIGNS = (("≤", "<="), ("≦", "<="), ("⩽", "<="), ("≥", ">="), ("≧", ">="), ("⩾", ">="), ("=<", "<="), ("=>", ">="))
STATISTICS = ("mean", *QUANTILES)
ROUNDING = 1e-12  # a margin below it is of the arithmetic, and keeps the target
FRACTIONS = ("share", "rate", "per_year")  # units read as percentages


class Target(NamedTuple):
    """One thing a policy must keep in every year that is asked about."""

    of: str  # an event of `EVENTS`, or a quantity of a run
    statistic: str | None  # of a quantity: mean or a quantile; none for the chance of an event
    at_most: bool  # else at least
    limit: float  # a fraction for chances, else in the quantity's unit

    @property
    def text(self) -> str:
        """The target as it is written, such as `p_deficit<=0.05`."""
        return f"{self.name}{'<=' if self.at_most else '>='}{self.limit:.12g}"

    @property
    def name(self) -> str:
        """What is held against the limit."""
        return f"{self.of}.{self.statistic}" if self.statistic else self.of

    @property
    def unit(self) -> str:
        """The unit of the limit; a chance is a share."""
        return "share" if self.statistic is None else (QUANTITIES | MORE)[self.of][1]

    @property
    def scale(self) -> float:
        """What makes margins of different units comparable: fractions stand as they are."""
        return 1.0 if self.unit in FRACTIONS else abs(self.limit) or 1.0

    @property
    def title(self) -> Words:
        """What is held against the limit, in words."""
        if self.statistic is None:
            return EVENTS[self.of]
        title, how = (QUANTITIES | MORE)[self.of][0], STATISTIC_NAMES[self.statistic]
        return words(f"{title.zh}（{how.zh}）", f"{title.en} ({how.en})")


STATISTIC_NAMES = {"mean": words("均值", "mean"), "p05": words("5% 分位数", "5% quantile"),
                   "p25": words("25% 分位数", "25% quantile"), "p50": words("中位数", "median"),
                   "p75": words("75% 分位数", "75% quantile"), "p95": words("95% 分位数", "95% quantile")}


def read_target(text: str) -> Target:
    """A target from its text; signs may be full width or ≤ and ≥, and a limit may be a percentage.

    Raises `BadInput` where the text is no target or names nothing that a run holds.

    >>> read_target("p_deficit ＜＝ 5％").text, read_target("balance_ratio.p05≥0").text
    ('p_deficit<=0.05', 'balance_ratio.p05>=0')
    """
    plain = half_width(str(text))
    for written, meant in SIGNS:
        plain = plain.replace(written, meant)
    match = WRITTEN.fullmatch(plain)
    if match is None:
        raise refuse(short(text), words("不是“事件<=数值”这样的目标", "is not a target"),
                     words("请写 p_deficit<=0.05 或 balance_ratio.p05>=0",
                           "write p_deficit<=0.05 or balance_ratio.p05>=0"))
    name, sign, number, percent = match.groups()
    of, _, statistic = name.partition(".")
    limit = float(number) / (100 if percent else 1)
    if of in EVENTS and not statistic:
        if not 0 <= limit <= 1:
            raise refuse(short(text), words(f"概率不会是 {limit:g}", f"a chance cannot be {limit:g}"),
                         words(f"请用 0 到 1，或写 {limit:g}%", f"use 0 to 1, or write {limit:g}%"))
        return Target(of, None, sign == "<=", limit)
    if of in QUANTITIES | MORE and statistic in STATISTICS:
        return Target(of, statistic, sign == "<=", limit)
    if of in QUANTITIES | MORE:
        raise refuse(short(text), words("没有说明取哪个统计量", "does not say which statistic"),
                     words(f"请写 {of}.mean，或 {of}.p05 到 {of}.p95", f"write {of}.mean, or {of}.p05 to {of}.p95"))
    known = [*EVENTS, *(f"{quantity}.{statistic or 'mean'}" for quantity in QUANTITIES | MORE)]
    near = nearest(name, known)
    raise refuse(short(text), words(f"没有“{short(name)}”", f"there is no '{short(name)}'"),
                 words(f"是否为：{near}", f"did you mean {near}"))


def read_targets(texts: str | Iterable[str]) -> tuple[Target, ...]:
    """Every target given; all faults at once, and none given is one."""
    faults, found = [], []
    for text in [texts] if isinstance(texts, str) else texts:
        try:
            found.append(text if isinstance(text, Target) else read_target(text))
        except BadInput as bad:
            faults += bad.faults
    if faults:
        raise BadInput(faults)
    if not found:
        raise refuse("targets", words("没有给出目标", "no target is given"),
                     words("请至少写一个，例如 p_deficit<=0.05", "write at least one, such as p_deficit<=0.05"))
    return tuple(dict.fromkeys(found))


def measured(result: Result, targets: Iterable[Target]) -> tuple[np.ndarray, np.ndarray]:
    """What a run gives for each target and year, and its standard error: two arrays (target, t).

    Errors come from the spread between the independent scramblings of the draws, those of quantiles between halves.
    """
    events = happened(result)
    found, errors = [], []
    for target in targets:
        if target.statistic is None:
            hit = events[target.of]
            found.append(hit.mean(axis=0))
            errors.append(standard_error(hit))
        else:
            draws = result.data[target.of].values[:, :, 0]
            found.append(statistic(draws, target.statistic))
            errors.append(error_of([part.mean(axis=0) for part in scramblings(draws)]) if target.statistic == "mean"
                          else quantile_error(draws, QUANTILES[target.statistic]))
    return np.array(found), np.array(errors)


def statistic(draws: np.ndarray, name: str) -> np.ndarray:
    """A statistic (t,) of draws (d, t).

    >>> statistic(np.array([[1.0], [2.0], [6.0]]), "mean").tolist()
    [3.0]
    """
    return draws.mean(axis=0) if name == "mean" else np.quantile(draws, QUANTILES[name], axis=0)


def margins(targets: tuple[Target, ...], found: np.ndarray) -> np.ndarray:
    """How far each target is kept, (target, t), negative where it is missed; in its unit over its scale."""
    sign = np.array([1.0 if target.at_most else -1.0 for target in targets])[:, None]
    limit = np.array([target.limit for target in targets])[:, None]
    scale = np.array([target.scale for target in targets])[:, None]
    kept = sign * (limit - found) / scale
    return np.where(np.abs(kept) < ROUNDING, 0.0, kept)
