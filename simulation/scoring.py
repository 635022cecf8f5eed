"""How good probabilistic forecasts turned out to be: scores, naive rivals, grades, chances of crossing a line."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from simulation.terms import Words, refuse, words

TESTED = 0.05  # the chance of refuting a right coverage that a test takes
NEVER = 1e-9  # of another's score: below it a rival's is of rounding
LEAST_FORECASTS = 4  # below, no grade
MANY_FORECASTS = 12  # from here, the best grade is open
MANY_CUTOFFS = 6  # and from here: of five cut-offs or fewer, no outcome would refute a 50 % coverage
LARGEST_LOG = 300.0  # exp(300) is beyond any fund's figure and every sum of such figures is finite
BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # of stated probabilities

JUDGED = ("quantity", "horizon", "n", "cutoffs", "cover50", "cover90", "crps", "skill_drift", "skill_trend", "bias",
          "grade")
CROSSED = ("event", "n", "cutoffs", "probability", "frequency", "brier", "brier_half", "brier_base")
RELIABLE = ("low", "high", "n", "probability", "frequency")

GRADES: dict[str, Words] = {
    "A": words(
        "可靠：至少 12 次预测、6 个截止年；90% 和 50% 区间的命中率都未被检验否定；比两种简单外推都准。",
        "Reliable: at least 12 forecasts from 6 cut-off years, neither the 90% nor the 50% intervals refuted by "
        "how often they held, and closer than both simple extrapolations."),
    "B": words(
        "可用：区间命中率未被否定，且至少比一种简单外推准；或两种都胜过但预测次数还不够评 A。",
        "Usable: the intervals are not refuted, and closer than at least one of the two simple extrapolations, or "
        "than both with too few forecasts for an A."),
    "C": words(
        "区间可信但无优势：区间命中率未被否定，但不比两种简单外推更准。",
        "Honest but no better: the intervals are not refuted, but neither simple extrapolation is beaten."),
    "D": words(
        "不可靠：实际值落在 90% 或 50% 区间内的次数与所称不符，请勿相信区间宽度。",
        "Not reliable: the 90% or the 50% intervals held too seldom or too often; do not trust their width."),
    "–": words("次数太少：不足 4 次预测，无法评价。", "Too few: fewer than 4 forecasts, so nothing can be said."),
}


# --- one forecast ------------------------------------------------------------------------------------

def crps(draws: np.ndarray, actual: float) -> float:
    """Continuous ranked probability score of draws (d,) against what happened, in their unit; less is better.

    The empirical form: the exact score of the step distribution that the draws are (Gneiting and Raftery 2007,
    JASA 102, equation 21). The "fair" form divides by d (d - 1) and is right for independent draws alone; the
    model's Sobol points and the quantile points of the naive forecasts are evenly spread, and there it would
    flatter. Of d independent draws the empirical form is too large by their mean distance over 2 d.

    >>> crps(np.array([3.0]), 5.0), crps(np.array([1.0, 3.0]), 2.0)
    (2.0, 0.5)
    """
    x = np.sort(np.asarray(draws, dtype=float))
    n = len(x)
    # half the mean distance between two draws: each sorted draw counts for how many lie below less how many above
    spread = x @ (2 * np.arange(n) + 1 - n) / n**2
    return float(np.abs(x - actual).mean() - spread)


def inside(draws: np.ndarray, actual: float, share: float) -> bool:
    """Whether what happened lies in the central interval that holds this share of the draws, its ends included.

    >>> inside(np.arange(101.0), 95.0, 0.9), inside(np.arange(101.0), 96.0, 0.9)
    (True, False)
    """
    low, high = np.quantile(draws, [(1 - share) / 2, (1 + share) / 2])
    return bool(low <= actual <= high)


def pit(draws: np.ndarray, actual: float) -> float:
    """Where in the forecast what happened lies, strictly between 0 and 1: uniform if the forecasts are right.

    The share of draws below it, those equal to it counted half, as if one more draw stood at it.

    >>> pit(np.array([1.0, 2.0, 3.0]), 2.0), pit(np.array([1.0, 2.0, 3.0]), 9.0)
    (0.5, 0.875)
    """
    draws = np.asarray(draws)
    return float((np.sum(draws < actual) + (np.sum(draws == actual) + 1) / 2) / (len(draws) + 1))


# --- naive rivals ------------------------------------------------------------------------------------

class Seen(NamedTuple):
    """The observed part of a series on the scale it is forecast on."""

    year: np.ndarray  # (n,) counted from the first of the series
    value: np.ndarray  # (n,) log values if `log`
    log: bool
    ahead: np.ndarray  # (h,) the years to forecast, counted the same way


def drift(values: np.ndarray, horizons: int, points: np.ndarray, log: bool | None = None) -> np.ndarray:
    """Naive forecast by the last value plus the mean yearly change, draws (points, horizons) for 1 to `horizons`.

    A random walk with drift: s sqrt(h (1 + h / T)) is its spread h years on, after T yearly changes, with s the
    standard deviation of the changes around the drift (Hyndman and Athanasopoulos, Forecasting, 3rd ed., table
    5.2). `values` (t,) are consecutive years to the cut-off; a change across missing years is the sum of theirs,
    and after missing last years h counts from the last value. `points` are standard normal. With Student's t the
    intervals of a few years would be right, but the score worse and of a logarithm without a mean: the normal is the
    harder rival. `log` is the scale: by default logarithms where every value is positive. Of two values alone s is
    the absolute change over the root of its years, a walk whose drift is not known.

    >>> drift(np.array([10.0, 12.0, 13.0, 15.0, 16.0]), 2, np.array([0.0]), log=False).tolist()
    [[17.5, 19.0]]
    """
    seen = observed(values, horizons, log)
    gaps, changes = np.diff(seen.year), np.diff(seen.value)
    span = seen.year[-1] - seen.year[0]
    mean = changes.sum() / span
    if len(changes) > 1:
        spread = np.sqrt(np.sum((changes - gaps * mean) ** 2 / gaps) / (len(changes) - 1))
    else:
        spread = abs(changes[0]) / np.sqrt(gaps[0])
    steps = seen.ahead - seen.year[-1]
    return drawn(seen, seen.value[-1] + mean * steps, spread * np.sqrt(steps * (1 + steps / span)), points)


def trend(values: np.ndarray, horizons: int, points: np.ndarray, log: bool | None = None) -> np.ndarray:
    """Naive forecast by the least squares line on the year, draws (points, horizons) for 1 to `horizons`.

    Its spread is that of the line's prediction interval: s sqrt(1 + 1/n + (year - mean year)² / sum of squares),
    with s the residual standard deviation on n - 2 degrees of freedom. Arguments, scale and the choice of the normal
    as in `drift`. Two values lie on their line: s is then their own standard deviation, absolute change over root 2.

    >>> trend(np.array([10.0, np.nan, 14.0, 16.0]), 2, np.array([0.0]), log=False).round(6).tolist()
    [[18.0, 20.0]]
    """
    seen = observed(values, horizons, log)
    n, centred = len(seen.value), seen.year - seen.year.mean()
    squares = centred @ centred
    slope = centred @ seen.value / squares
    left = seen.value - seen.value.mean() - slope * centred
    spread = np.sqrt(left @ left / (n - 2)) if n > 2 else seen.value.std(ddof=1)
    away = seen.ahead - seen.year.mean()
    return drawn(seen, seen.value.mean() + slope * away, spread * np.sqrt(1 + 1 / n + away**2 / squares), points)


def observed(values: np.ndarray, horizons: int, log: bool | None) -> Seen:
    """The values there are of a series (t,) with gaps, on their scale; refuses fewer than two."""
    values = np.asarray(values, dtype=float)
    there = np.isfinite(values)
    if there.sum() < 2:
        raise refuse("values", words("截止年以前不足两个数值", "there are fewer than two values up to the cut-off"),
                     words("请提供更多年份或推后截止年", "give more years or a later cut-off"))
    log = bool((values[there] > 0).all()) if log is None else log
    return Seen(np.flatnonzero(there).astype(float), np.log(values[there]) if log else values[there], log,
                len(values) + np.arange(horizons, dtype=float))


def drawn(seen: Seen, centre: np.ndarray, spread: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Draws (points, horizons) around a forecast's centre and spread (h,), back from logarithms."""
    draws = centre + spread * np.asarray(points, dtype=float)[:, None]
    return np.exp(np.clip(draws, -LARGEST_LOG, LARGEST_LOG)) if seen.log else draws


# --- many forecasts ----------------------------------------------------------------------------------

def judge(forecasts: pd.DataFrame) -> pd.DataFrame:
    """How good forecasts were, by quantity and horizon, and with horizon 0 over all horizons: columns `JUDGED`.

    One row a quantity, cut-off and horizon comes in: quantity, cutoff, horizon, actual, in50, in90, pit, crps,
    crps_drift, crps_trend and error, the median less what happened over its size, or in points of a ratio. What has
    no actual is not judged; a skill is over the forecasts that its rival made too, one less the ratio of the mean
    scores, 1 for perfect, 0 for no better, and missing if the rival was never wrong. The rule of the grade is
    `grade`'s.
    """
    told = complete(forecasts, ("quantity", "horizon", "actual", "crps"))
    rows = []
    for quantity, of in told.groupby("quantity", sort=False):
        rows += [judged(quantity, int(horizon), part) for horizon, part in of.groupby("horizon")]
        rows.append(judged(quantity, 0, of))
    return pd.DataFrame(rows, columns=list(JUDGED))


def judged(quantity: str, horizon: int, forecasts: pd.DataFrame) -> dict:
    """One row of `judge`."""
    cutoffs = forecasts["cutoff"].nunique()
    cover = {name: float(forecasts[name].astype(float).mean()) for name in ("in50", "in90")}
    skills = {rival: skill(forecasts["crps"], forecasts[f"crps_{rival}"]) for rival in ("drift", "trend")}
    beaten = sum(beats(forecasts["crps"], forecasts[f"crps_{rival}"]) for rival in skills)
    return {"quantity": quantity, "horizon": horizon, "n": len(forecasts), "cutoffs": cutoffs,
            "cover50": cover["in50"], "cover90": cover["in90"], "crps": float(forecasts["crps"].mean()),
            "skill_drift": skills["drift"], "skill_trend": skills["trend"], "bias": float(forecasts["error"].mean()),
            "grade": grade(len(forecasts), cutoffs, cover["in50"], cover["in90"], beaten)}


def skill(score: pd.Series, rival: pd.Series) -> float:
    """One less the ratio of mean scores where both are; missing where the rival has none or, but for rounding, was
    never wrong.

    >>> skill(pd.Series([1.0, 2.0, 9.0]), pd.Series([2.0, 4.0, np.nan]))
    0.5
    """
    both = rival.notna()
    own, against = score[both].sum(), rival[both].sum()
    return float(1 - own / against) if against > NEVER * own else float("nan")


def beats(score: pd.Series, rival: pd.Series) -> bool:
    """Whether the mean score is the smaller one where both are."""
    both = rival.notna()
    return bool(score[both].sum() < rival[both].sum())


def grade(n: int, cutoffs: int, cover50: float, cover90: float, beaten: int) -> str:
    """The reliability grade of n forecasts from some cut-off years that beat 0, 1 or 2 of the naive forecasts.

    A: at least 12 forecasts from at least 6 cut-offs; neither the 90 % nor the 50 % coverage is refuted; both naive
    forecasts are beaten. B: neither coverage is refuted and at least one naive forecast is beaten. C: neither
    coverage is refuted, none is beaten. D: a coverage is refuted, by intervals too narrow or too wide. –: fewer
    than 4 forecasts, nothing can be said. To beat is to have the smaller mean score; a coverage is refuted by
    `refuted`. With few cut-offs little can be refuted, and a B or C is the benefit of the doubt: of 4 cut-offs half
    of the forecasts with intervals of 0.3 times the right width stand, of 11 one in a hundred; right ones of 4 to 25
    are refuted in 1 to 9 of a hundred series at one year ahead, and up to 14 at three, where they overlap.

    >>> grade(30, 10, 0.5, 0.9, 2), grade(30, 10, 0.5, 0.9, 1), grade(30, 10, 0.1, 0.4, 2), grade(3, 3, 0.5, 0.9, 2)
    ('A', 'B', 'D', '–')
    """
    if n < LEAST_FORECASTS:
        return "–"
    if refuted(cover90, cutoffs, 0.9) or refuted(cover50, cutoffs, 0.5):
        return "D"
    if beaten == 2 and n >= MANY_FORECASTS and cutoffs >= MANY_CUTOFFS:
        return "A"
    return "B" if beaten else "C"


def refuted(cover: float, cutoffs: int, share: float) -> bool:
    """Whether intervals that held what happened in a share `cover` of cases can be `share` intervals: no if True.

    A two-sided exact binomial test at 5 %. Forecasts from one cut-off miss together and those at long horizons overlap,
    so that they are fewer than they look: the test takes the number of distinct cut-offs for the number of cases, and
    the nearest whole number of hits among them.

    >>> refuted(0.5, 10, 0.9), refuted(0.8, 10, 0.9), refuted(1.0, 5, 0.5), refuted(1.0, 6, 0.5)
    (True, False, False, True)
    """
    return bool(binomtest(int(cover * cutoffs + 0.5), cutoffs, share).pvalue < TESTED)


# --- chances of crossing a line ----------------------------------------------------------------------

def events(frame: pd.DataFrame) -> pd.DataFrame:
    """How good the chances of crossing each line were, one row an event: columns `CROSSED`.

    One row an event, cut-off and horizon comes in: event, cutoff, horizon, probability, happened. The Brier
    score is the mean squared distance of the probability from what happened (0 or 1). Beside it stands what always
    saying 50 % gets, and what always saying the observed frequency gets, which nobody could have known beforehand.

    >>> told = pd.DataFrame({"event": "deficit", "cutoff": [2010, 2011], "horizon": 1, "probability": [0.2, 0.8],
    ...                      "happened": [False, True]})
    >>> events(told)[["n", "brier", "brier_half", "brier_base"]].round(2).values.tolist()
    [[2.0, 0.04, 0.25, 0.25]]
    """
    rows = []
    for event, of in complete(frame, ("event", "probability", "happened")).groupby("event", sort=False):
        stated, came = of["probability"].to_numpy(float), of["happened"].to_numpy(float)
        frequency = came.mean()
        rows.append((event, len(of), of["cutoff"].nunique(), stated.mean(), frequency, ((stated - came) ** 2).mean(),
                     ((0.5 - came) ** 2).mean(), frequency * (1 - frequency)))
    return pd.DataFrame(rows, columns=list(CROSSED))


def reliability(frame: pd.DataFrame) -> pd.DataFrame:
    """Stated chances beside how often it happened, in fifths from 0 to 100 %: columns `RELIABLE`, five rows.

    Takes rows as `events` does, of one event or of all; a chance on a bound belongs to the upper fifth, 1 to the
    last. A fifth in which nothing was stated has n 0 and no mean.

    >>> told = pd.DataFrame({"probability": [0.1, 0.9, 1.0], "happened": [False, True, True]})
    >>> reliability(told)["n"].tolist()
    [1, 0, 0, 0, 2]
    """
    told = complete(frame, ("probability", "happened"))
    stated, came = told["probability"].to_numpy(float), told["happened"].to_numpy(float)
    fifth = np.clip(np.searchsorted(BINS, stated, side="right") - 1, 0, len(BINS) - 2)
    n = np.bincount(fifth, minlength=len(BINS) - 1)
    mean_of = lambda of: np.where(n > 0, np.bincount(fifth, of, len(n)) / np.maximum(n, 1), np.nan)  # noqa: E731
    return pd.DataFrame(dict(zip(RELIABLE, (BINS[:-1], BINS[1:], n, mean_of(stated), mean_of(came)), strict=True)))


def complete(frame: pd.DataFrame, needed: tuple[str, ...]) -> pd.DataFrame:
    """The rows that have all that is needed; a frame without rows may come without columns."""
    return frame.dropna(subset=list(needed)) if len(frame) else frame.reindex(columns=list(needed))
