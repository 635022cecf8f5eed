"""How one yearly quantity strays from its trend, and what a short series says of the years ahead.

One small model serves both. The log of a quantity is a line plus a departure that fades: y = a + g t + u, with
u(t) = persistence u(t - 1) + sd e(t), stationary at the start. The level a is flat; the growth g of a series comes from
a normal around the mean growth of the quantity; e is Student t of unit variance. Years may lack a figure. What is
normal about it is fitted and conditioned on exactly; heavy tails enter when the years ahead are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import gammaln

MOST = 0.95  # the highest persistence a fit may take; short series cannot tell more from a change of trend
FREEDOM = (3.0, 1000.0)  # bounds of the degrees of freedom; from 1000 on a normal
USUAL = 0.05  # a year: where the weak prior of a standard deviation has its mode
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
