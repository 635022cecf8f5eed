"""Trends: how far yearly quantities stray from their trend, and what a short series says of the years ahead.

One small model serves both. The log of a quantity is a line plus a departure that fades: y = a + g t + u, with
u(t) = persistence u(t - 1) + sd e(t), stationary at the start. The level a is flat; the growth g of a series comes from
a normal around the mean growth of the quantity; e is Student t of unit variance. Years may lack a figure. What is
normal about it is fitted and conditioned on exactly; heavy tails enter when the years ahead are drawn.

`data/volatility.yaml` lists which published rows make the series; `python -m simulation.trends` fits them and writes
the default shocks, `scenarios/parts/shocks.yaml`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import gammaln

from simulation.published import DATA, in_units
from simulation.reading import read_text, read_yaml
from simulation.terms import Words, refuse, words

PART = Path(__file__).resolve().parent.parent / "scenarios" / "parts" / "shocks.yaml"

QUANTITIES = ("cost", "use", "funding", "enrolment", "spending")
SHOCKED = QUANTITIES[:4]  # of which shocks are drawn; spending follows from them
WALK = "enrolment"  # take-up has no level to return to: its persistence is 1
MOST = 0.95  # the highest persistence a fit may take; short series cannot tell more from a change of trend
FREEDOM = (3.0, 1000.0)  # bounds of the degrees of freedom; from 1000 on a normal
USUAL = 0.05  # a year: where the weak prior of a standard deviation has its mode
MATURE = 0.95  # an assumption: take-up of a scheme that most have joined, where only heads are published
HORIZONS = np.arange(1, 6)  # years after the first forecast at which the spread is matched
SHORT = 0.02  # of a variance, by which the spread of a path may at most be too narrow: 1 % of its interval


class Dynamics(NamedTuple):
    """How one quantity moves from year to year, on the log scale; enrolment on the logit scale of take-up."""

    sd: float  # of what a year adds to the departure from trend
    persistence: float  # how much of a departure stays in the next year
    growth: float  # mean of the trends, a year
    growth_sd: float  # how they differ between series
    freedom: float  # of the Student t of a year's addition


class Outlook(NamedTuple):
    """What a series says of a first forecast year F, on the scale of its values.

    The path is level + k growth - start (1 - persistence^k) + an AR(1) of the additions of F, F + 1, ... in year F + k.
    """

    level: float  # expected value in F, without what F itself adds
    level_sd: float
    growth: float  # a year
    growth_sd: float
    start: float  # the departure from trend that is left in F, before what F adds
    start_sd: float  # as if independent of level and growth
    correlation: float  # of level and growth


class Series(NamedTuple):
    """One published series: values on consecutive years from `first`, NaN where there is none."""

    name: str
    quantity: str
    first: int
    values: np.ndarray  # (t,) log, or logit
    status: str
    note: Words

    @property
    def steps(self) -> int:
        """From how many figures to the next one known.

        >>> Series("x", "cost", 2020, np.array([1.0, np.nan, 1.1]), "bulletin", words("", "")).steps
        1
        """
        return int(np.isfinite(self.values).sum()) - 1


# ---- the model of one quantity ---------------------------------------------------------------------

def covariance(years: np.ndarray, persistence: float) -> np.ndarray:
    """The covariance of departures in given years, shape (..., t), for unit additions, shape (..., t, t).

    A walk has no stationary spread: it is counted from year 0, which a flat level leaves free.

    >>> covariance(np.array([0, 1]), 0.0).tolist(), covariance(np.array([0, 2, 3]), 1.0)[1].tolist()
    ([[1.0, 0.0], [0.0, 1.0]], [0.0, 2.0, 2.0])
    """
    rows, columns = years[..., :, None], years[..., None, :]
    if persistence == 1:
        return np.minimum(rows, columns).astype(float)
    return persistence ** np.abs(rows - columns) / (1 - persistence**2)


class Steps(NamedTuple):
    """Figures of several series as rises from the first of each: taking it away integrates a flat level out."""

    years: np.ndarray  # (s, n + 1) since the first figure of the series, that one included
    rises: np.ndarray  # (s, n), 0 after the last
    real: np.ndarray  # (s, n) whether there is a figure; short series are filled up


def steps_of(series: Sequence[np.ndarray]) -> Steps:
    """The rises of the figures that are known.

    >>> found = steps_of([np.array([np.nan, 1.0, np.nan, 1.5]), np.array([3.0])])
    >>> found.years.tolist(), found.rises.tolist(), found.real.tolist()
    ([[0, 2], [0, 0]], [[0.5], [0.0]], [[True], [False]])
    """
    known = [np.flatnonzero(np.isfinite(values)) for values in series]
    years = np.zeros((len(known), max(map(len, known))), dtype=int)
    rises = np.zeros(years[:, 1:].shape)
    real = np.arange(1, years.shape[1]) < np.array([len(at) for at in known])[:, None]
    for row, (values, at) in enumerate(zip(series, known, strict=True)):
        years[row, : len(at)] = at - at[0]
        rises[row, : len(at) - 1] = values[at[1:]] - values[at[0]]
    return Steps(years, rises, real)


def scaled(steps: Steps, sd: float, persistence: float, growth_sd: float) -> tuple[np.ndarray, np.ndarray, float]:
    """One-step prediction errors at no growth, their slope in the mean growth, and the log of their scales' product."""
    departures = covariance(steps.years, persistence)
    rises = departures[:, 1:, 1:] - departures[:, 1:, :1] - departures[:, :1, 1:] + departures[:, :1, :1]
    since = steps.years[:, 1:]
    spread = sd**2 * rises + growth_sd**2 * since[:, :, None] * since[:, None, :]
    both_real = steps.real[:, :, None] & steps.real[:, None, :]
    root = np.linalg.cholesky(np.where(both_real, spread, np.eye(since.shape[1])))
    found = np.linalg.solve(root, np.stack([steps.rises, since], axis=2))[steps.real]
    return found[:, 0], found[:, 1], float(np.log(np.diagonal(root, axis1=1, axis2=2)).sum())


def log_prior(sd: float) -> float:
    """A weak prior of a standard deviation: none at 0, most at `USUAL`, and a heavy tail.

    >>> log_prior(0.05) > log_prior(0.01), round(log_prior(0.05) - log_prior(0.2), 1)
    (True, 0.7)
    """
    return float(np.log(sd) - 3 * np.log(2 * USUAL + sd))


def pooled(series: Sequence[np.ndarray], persistence: float | None = None) -> Dynamics:
    """The dynamics that all series of a quantity share, by marginal likelihood with weak priors; tails still normal.

    Each series holds values on consecutive years, shape (t,), NaN where missing. Levels and the mean growth are
    integrated out (restricted likelihood). A few short series cannot pin down a persistence, nor how far trends
    differ. So the persistence p has the prior p (0.95 - p), symmetric and off both bounds, and `log_prior` holds for
    both standard deviations (cf. Chung et al., Psychometrika 2013;78:685). A given `persistence` is kept. Series
    count as independent: what they share in a year makes the fit look surer than it is, but not smaller.

    >>> even = pooled([np.array([0.0, 0.1, 0.2, 0.3])] * 5)
    >>> round(even.growth, 3), even.sd < 0.02, even.growth_sd < 0.02
    (0.1, True, True)
    """
    useful = [values for values in series if np.isfinite(values).sum() > 1]
    if not useful:
        raise ValueError("no series has two figures")
    steps = steps_of(useful)

    def unlikely(free: np.ndarray) -> float:
        sd, growth_sd = np.exp(free[:2])
        stays = free[2] if persistence is None else persistence
        errors, slopes, scales = scaled(steps, sd, stays, growth_sd)
        information = slopes @ slopes
        misfit = errors @ errors - (slopes @ errors) ** 2 / information
        prior = log_prior(sd) + log_prior(growth_sd)
        prior += np.log(stays * (MOST - stays)) if persistence is None else 0
        return float(scales + 0.5 * misfit + 0.5 * np.log(information) - prior)

    near = 1e-4  # of the bounds of the persistence, where its prior has no logarithm
    bounds = [(np.log(1e-4), np.log(2.0))] * 2 + [(near, MOST - near)] * (persistence is None)
    starts = [[np.log(USUAL), np.log(USUAL), stays][: len(bounds)] for stays in (0.2, 0.8)]
    best = min((minimize(unlikely, start, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-13, "gtol": 1e-7})
                for start in starts), key=lambda fit: fit.fun)
    sd, growth_sd = (float(value) for value in np.exp(best.x[:2]))
    stays = float(best.x[2]) if persistence is None else persistence
    errors, slopes, _ = scaled(steps, sd, stays, growth_sd)
    return Dynamics(sd, stays, float(slopes @ errors / (slopes @ slopes)), growth_sd, FREEDOM[1])


def one_step_errors(series: Sequence[np.ndarray], dynamics: Dynamics) -> np.ndarray:
    """How far each figure lay from its forecast by the earlier ones, in standard deviations of that forecast.

    >>> one_step_errors([np.array([0.0, 0.1])], Dynamics(0.1, 1.0, 0.0, 0.0, 1000)).round(3).tolist()
    [1.0]
    """
    errors, slopes, _ = scaled(steps_of(series), dynamics.sd, dynamics.persistence, dynamics.growth_sd)
    return errors - dynamics.growth * slopes


def freedom_of(errors: np.ndarray) -> float:
    """The degrees of freedom of a Student t of unit variance that fit standardised errors best, within `FREEDOM`.

    >>> freedom_of(np.linspace(-1.5, 1.5, 99)) > 100
    True
    """
    def unlikely(log_freedom: float) -> float:
        n = np.exp(log_freedom)
        density = gammaln((n + 1) / 2) - gammaln(n / 2) - 0.5 * np.log(n - 2)
        return float(-(density - (n + 1) / 2 * np.log1p(errors**2 / (n - 2))).sum())

    best = minimize_scalar(unlikely, bounds=tuple(np.log(FREEDOM)), method="bounded", options={"xatol": 1e-8})
    return float(np.clip(np.exp(best.x), *FREEDOM))


# ---- looking ahead -----------------------------------------------------------------------------------

def joint(values: np.ndarray, years_to_first: int, dynamics: Dynamics) -> tuple[np.ndarray, np.ndarray]:
    """The exact normal posterior of (level, growth, start) as mean (3,) and covariance (3, 3); see `Outlook`.

    For a walk, start is counted from the first figure: level alone has a meaning then.
    """
    if not np.isfinite(values).any():
        raise ValueError("no figure in the series")
    if years_to_first < 1:
        raise ValueError("the first forecast year comes after the last year of the series")
    known = np.flatnonzero(np.isfinite(values))
    first, n = known[0], len(known)
    ahead_of = len(values) - 1 + years_to_first - first  # the first forecast year, counted from the first figure
    years = np.append(known - first, ahead_of - 1)
    # What is random before any figure is seen: growth, the departures of the years with figures, that of F - 1.
    spread = np.zeros((n + 2, n + 2))
    spread[0, 0] = dynamics.growth_sd**2
    spread[1:, 1:] = dynamics.sd**2 * covariance(years, dynamics.persistence)
    of = np.eye(n + 2)
    start = dynamics.persistence * of[-1]
    sought = np.array([ahead_of * of[0] + start - of[1], of[0], start])  # level as a rise from the first figure
    seen = years[1:-1, None] * of[0] + of[2:-1] - of[1]
    mean = dynamics.growth * of[0]
    gain = sought @ spread @ seen.T @ np.linalg.inv(seen @ spread @ seen.T) if n > 1 else np.zeros((3, 0))
    errors = values[known[1:]] - values[first] - seen @ mean
    centre = np.array([values[first], 0, 0]) + sought @ mean + gain @ errors
    left = sought - gain @ seen
    return centre, left @ spread @ left.T


def ahead(values: np.ndarray, years_to_first: int, dynamics: Dynamics) -> Outlook:
    """What figures on consecutive years, shape (t,), NaN where missing, say of a year so many years after the last.

    Level and growth are those of the exact posterior. There the start is tied to both, while an `Outlook` draws it
    apart: its spread is the least with which no variance of the path one to five years on falls short of the exact one
    by more than `SHORT`. A walk keeps all of its departure, so its start is 0.

    >>> ahead(np.array([1.0, np.nan]), 1, Dynamics(0.1, 1.0, 0.02, 0.0, 1000))[:4]
    (1.04, 0.1, 0.02, 0.0)
    """
    centre, spread = joint(np.asarray(values, dtype=float), years_to_first, dynamics)
    level_sd, growth_sd, _ = np.sqrt(np.diag(spread))
    correlation = spread[0, 1] / (level_sd * growth_sd) if level_sd * growth_sd > 0 else 0.0
    faded = 1 - dynamics.persistence**HORIZONS
    start, start_sd = 0.0, 0.0
    if dynamics.persistence < 1:
        added = dynamics.sd**2 * (1 - dynamics.persistence ** (2 * HORIZONS + 2)) / (1 - dynamics.persistence**2)
        apart = spread[0, 0] + 2 * HORIZONS * spread[0, 1] + HORIZONS**2 * spread[1, 1] + added
        tied = spread[2, 2] * faded**2 - 2 * faded * (spread[0, 2] + HORIZONS * spread[1, 2])
        lacking = (tied - SHORT * (apart + tied)) / faded**2
        start, start_sd = centre[2], np.sqrt(max(lacking.max(), 0.0))
    return Outlook(*(float(value) for value in (
        centre[0], level_sd, centre[1], growth_sd, start, start_sd, correlation)))


# ---- the published series --------------------------------------------------------------------------

def table(path: Path) -> list[dict[str, str]]:
    """The rows of a published table; the two names for what is counted and for its unit become one."""
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file, strict=True))
    return [row | {"variable": row.get("variable") or row["quantity"], "unit": row.get("unit") or row["unit_or_ci"]}
            for row in found]


def row_of(rows: Sequence[Mapping[str, str]], variable: str, year: str | None, source: str, place: str) -> Mapping:
    """The one row of a variable and year, from the source named; figures from memory or of low confidence do not count.

    >>> rows = [{"year": "2019", "variable": "x", "source": "a", "confidence": "high"},
    ...         {"year": "2019", "variable": "x", "source": "MEMORY, unverified", "confidence": "MEMORY, unverified"}]
    >>> row_of(rows, "x", "2019", "", "table")["source"]
    'a'
    """
    found = [row for row in rows if row["variable"] == variable and year in (None, row.get("year"))
             and source in row["source"] and row["source"].strip()
             and not row["confidence"].lower().startswith(("memory", "low"))]
    if len(found) != 1:
        raise refuse(f"{place}: {variable} {year or ''}".rstrip(),
                     words(f"找到 {len(found)} 行可用数据，应为 1 行", f"{len(found)} usable rows, where one belongs"),
                     words("请核对名称、年份和来源", "check name, year and source"))
    return found[0]


def rows_behind(entry: Mapping, folder: Path) -> list[Mapping[str, str]]:
    """Every row of the tables that an entry of `volatility.yaml` rests on."""
    return [row for piece in entry["rows"] for year in years_of(piece) for row in rows_in(piece, year, folder).values()]


def years_of(piece: Mapping) -> list[int]:
    """The years of a piece of a series: listed, or from one to another.

    >>> years_of({"from": 2019, "to": 2021}), years_of({"years": [2010, 2012]})
    ([2019, 2020, 2021], [2010, 2012])
    """
    return list(piece["years"]) if "years" in piece else list(range(piece["from"], piece["to"] + 1))


def rows_in(piece: Mapping, year: int, folder: Path) -> dict[str, Mapping[str, str]]:
    """The rows of one year of a piece: of the variable, and of what it is divided by and multiplied by."""
    rows = tabled(folder, piece["table"])
    at = None if piece["table"] == "behaviour.csv" else str(piece.get("row", year))
    return {role: row_of(rows, piece[role], at, piece.get("source", "") if role == "variable" else "", piece["table"])
            for role in ("variable", "per", "times") if role in piece}


@lru_cache(maxsize=16)
def tabled(folder: Path, name: str) -> list[dict[str, str]]:
    """A table of a folder, read once."""
    return table(folder / name)


def figure(piece: Mapping, year: int, folder: Path) -> float:
    """The figure of one year of a piece, in persons, yuan, shares or their quotient."""
    rows = rows_in(piece, year, folder)
    text = rows["variable"][piece.get("column", "value")]
    if "pattern" in piece:
        found = re.search(piece["pattern"].replace("YEAR", str(year)), text)
        if not found:
            raise refuse(f"{piece['table']}: {piece['variable']}",
                         words(f"单元格中没有 {year} 年的数字", f"the cell has no figure of {year}"),
                         words("请核对 pattern", "check the pattern"))
        text = found[1]
    values = {role: float(text if role == "variable" else row["value"]) * in_units(row["unit"])
              for role, row in rows.items()}
    return values["variable"] / values.get("per", 1.0) * values.get("times", 1.0)


def scaled_log(values: np.ndarray, scale: str) -> np.ndarray:
    """Figures on the scale of their model: logs; logits of take-up; logs of heads as steps of the logit of take-up.

    >>> scaled_log(np.array([0.5]), "logit").tolist(), np.diff(scaled_log(np.array([1.0, 1.01]), "mature")).round(3)
    ([0.0], array([0.199]))
    """
    if scale == "logit":
        return np.log(values / (1 - values))
    return np.log(values) / (1 - MATURE if scale == "mature" else 1)


def series_of(entry: Mapping, folder: Path) -> Series:
    """The series that an entry of `volatility.yaml` describes."""
    found: dict[int, float] = {}
    for piece in entry["rows"]:
        for year in years_of(piece):
            found[year] = figure(piece, year, folder) + (found[year - 1] if piece.get("changes") else 0)
    first, last = min(found), max(found)
    figures = np.array([found.get(year, np.nan) for year in range(first, last + 1)])
    values = scaled_log(figures, entry.get("scale", "log"))
    values.flags.writeable = False  # shared by all who ask
    return Series(entry["name"], entry["quantity"], first, values, entry["status"], Words(**entry["note"]))


@lru_cache(maxsize=4)
def published(folder: Path = DATA) -> tuple[Series, ...]:
    """Every series that `volatility.yaml` of a folder lists, with values read from its tables.

    >>> {one.quantity for one in published()} == set(QUANTITIES)
    True
    """
    listed = read_yaml(read_text(folder / "volatility.yaml"), "volatility.yaml")
    return tuple(series_of(entry, folder) for entry in listed["series"])


def kept(series: Sequence[Series], without: str | tuple[str, ...]) -> list[Series]:
    """The series but those named, by their own name or by the fund or place it begins with.

    >>> [one.name for one in kept(published(), "nrcms") if one.name.startswith("nrcms")]
    []
    """
    out = (without,) if isinstance(without, str) else without
    unknown = [name for name in out if name and all(not named(one, name) for one in series)]
    if unknown:
        raise refuse("without", words(f"没有名为“{unknown[0]}”的序列", f"there is no series '{unknown[0]}'"),
                     words("请见 data/volatility.yaml", "see data/volatility.yaml"))
    return [one for one in series if not any(name and named(one, name) for name in out)]


def named(series: Series, name: str) -> bool:
    """Whether a series has this name or belongs to the fund or place of this name."""
    return series.name == name or series.name.startswith(f"{name}_")


@lru_cache(maxsize=64)
def fitted(folder: Path = DATA, without: str | tuple[str, ...] = ()) -> dict[str, Dynamics]:
    """The dynamics of every quantity, fitted on a folder's published series, with one freedom for all.

    `without` leaves out series by name (`nrcms_funding`) or all of a fund or place (`nrcms`, `resident`): a back-test
    of a published series must not use shocks that have seen it.

    >>> tuple(fitted()) == QUANTITIES, fitted()["enrolment"].persistence
    (True, 1.0)
    """
    series = kept(published(folder), without)
    of = {quantity: [one.values for one in series if one.quantity == quantity and one.steps] for quantity in QUANTITIES}
    found = {quantity: pooled(values, 1.0 if quantity == WALK else None) for quantity, values in of.items()}
    freedom = freedom_of(np.concatenate([one_step_errors(of[quantity], found[quantity]) for quantity in SHOCKED]))
    return {quantity: dynamics._replace(freedom=freedom) for quantity, dynamics in found.items()}


# ---- what moves together --------------------------------------------------------------------------

PAIRS = {
    "funding_and_spending": (("nrcms_funding", "nrcms_spending"), ("urbmi_income", "urbmi_spending"),
                             ("all_schemes_income", "all_schemes_spending"), ("resident_income", "resident_spending")),
    "use_and_cost": (("resident_stays", "resident_cost_per_stay"), ("resident_visits", "resident_cost_per_visit"),
                     ("resident_chronic_visits", "resident_cost_per_chronic_visit"))}


class Together(NamedTuple):
    """How two quantities of the same fund go together."""

    correlation: float  # of what each year adds to one and to the other
    apart: float  # standard deviation, between funds, of the yearly growth of the second over that of the first
    steps: int  # between years, behind it


@lru_cache(maxsize=64)
def together(pair: str, without: str | tuple[str, ...] = (), folder: Path = DATA) -> Together:
    """How the two quantities of `PAIRS` went together in the published series that give both in three years or more.

    Where the series left out were the only ones, nothing is known: no correlation.

    >>> -1 < together("use_and_cost").correlation < 0 < together("funding_and_spending").correlation < 1
    True
    """
    known = {series.name: series for series in kept(published(folder), without)}
    first, second, apart = [], [], []
    for names in PAIRS[pair]:
        if not set(names) <= set(known):
            continue
        rises, gaps = rises_in_both(*(known[name] for name in names))
        if len(gaps) > 1:
            growth = rises.sum(axis=1) / gaps.sum()
            added = (rises - growth[:, None] * gaps) / np.sqrt(gaps)
            first, second = [*first, *added[0]], [*second, *added[1]]
            apart.append(growth[1] - growth[0])
    if not first:
        return Together(0.0, USUAL, 0)
    product = np.dot(first, second) / np.sqrt(np.dot(first, first) * np.dot(second, second))
    return Together(float(product), float(np.sqrt(np.mean(np.square(apart)))), len(first))


@lru_cache(maxsize=64)
def ratio_of(pair: str, without: str | tuple[str, ...] = (), folder: Path = DATA) -> Dynamics | None:
    """How the second quantity of a pair strays from the first: the dynamics of their log ratio, where they are known.

    >>> 0 < ratio_of("funding_and_spending").sd < fitted()["spending"].sd
    True
    """
    known = {series.name: series for series in kept(published(folder), without)}
    found = []
    for names in PAIRS[pair]:
        if set(names) <= set(known):
            one, other = (known[name] for name in names)
            start, stop = max(one.first, other.first), min(one.first + len(one.values), other.first + len(other.values))
            of = [series.values[start - series.first:stop - series.first] for series in (one, other)]
            found.append(of[1] - of[0])
    return pooled(found) if any(np.isfinite(values).sum() > 1 for values in found) else None


def rises_in_both(one: Series, other: Series) -> tuple[np.ndarray, np.ndarray]:
    """Rises between the years in which two series have a figure, (2, n), and the years between these, (n,)."""
    start = max(one.first, other.first)
    values = [series.values[start - series.first:] for series in (one, other)]
    both = np.stack([of[:min(map(len, values))] for of in values])
    known = np.flatnonzero(np.isfinite(both).all(axis=0))
    return np.diff(both[:, known], axis=1), np.diff(known).astype(float)


# ---- the default shocks ------------------------------------------------------------------------------

# What the terms of `simulation.assumptions.Shocks` take: the quantity and the parameter of its dynamics. Not funding:
# its published movements are decisions of governments, which in a scenario the levers state.
TERMS = {"cost_sd": ("cost", "sd"), "cost_persistence": ("cost", "persistence"),
         "admission_sd": ("use", "sd"), "admission_persistence": ("use", "persistence"),
         "enrolment_sd": ("enrolment", "sd")}
WEAK = {  # known weaknesses of what a term rests on
    "sd": words("全国序列的波动小于单个县，用于一县偏窄", "national series vary less than one county's"),
    "persistence": words("序列短，数值很不确定，受弱先验影响",
                         "short series leave it very uncertain, a weak prior leans on it")}
OF = {
    "cost": words("次均费用", "expense a stay or visit"),
    "use": words("人均住院和门诊，含 2020 和 2023 年及待遇扩大",
                 "stays and visits a head, with 2020, 2023 and wider benefits"),
    "enrolment": words("参保率（logit），随机游走", "logit of take-up, a walk")}


def part(folder: Path = DATA) -> str:
    """The text of `scenarios/parts/shocks.yaml`, fitted on a folder's series.

    >>> part().splitlines()[0]
    '# Written by `python -m simulation.trends` from data/volatility.yaml; do not edit.'
    """
    series, dynamics = published(folder), fitted(folder)
    first, last = min(one.first for one in series), max(one.first + len(one.values) - 1 for one in series)

    def behind(quantities: Sequence[str]) -> tuple[int, int]:
        of = [one for one in series if one.quantity in quantities]
        return len(of), sum(one.steps for one in of)

    def term(name: str, value: float, zh: str, en: str) -> list[str]:
        return [f"    {name}:", f"      value: {float(f'{value:.3g}')}",
                f'      source: {{status: estimate, document: volatility, note: {{zh: {zh}, en: "{en}"}}}}']

    lines = ["# Written by `python -m simulation.trends` from data/volatility.yaml; do not edit.",
             "documents:",
             f'  volatility: {{title: 公开年度数据逐年波动的拟合（data/volatility.yaml）, publisher: 本项目, '
             f'date: "{first}-{last}"}}',
             "", "assumptions:", "  shocks:"]
    for name, (quantity, parameter) in TERMS.items():
        n, steps = behind([quantity])
        lines += term(name, getattr(dynamics[quantity], parameter),
                      f"{OF[quantity].zh}：{n} 个序列、{steps} 个年际变化；{WEAK[parameter].zh}",
                      f"{OF[quantity].en}: {n} series, {steps} steps between years; {WEAK[parameter].en}")
    against = together("use_and_cost", folder=folder)
    lines += term("cost_with_use", against.correlation,
                  f"居民住院、门诊、慢特病的人均次数与次均费用：{against.steps} 个年际变化；序列短，数值很不确定",
                  f"stays, visits and chronic care a head beside their unit cost: {against.steps} steps between years, "
                  "so very uncertain")
    n, steps = behind(SHOCKED)
    lines += term("freedom", dynamics["cost"].freedom,
                  f"全部 {n} 个序列、{steps} 个年际变化的标准化预测误差；去掉一组序列即有明显变动",
                  f"standardised forecast errors of all {n} series, {steps} steps between years; "
                  "it moves visibly when a group of series is left out")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PART.write_text(part(), encoding="utf-8")
    print(PART.name)
