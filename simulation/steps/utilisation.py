"""Care is used: how often people fall ill, where they go and what it costs, before any rule."""

from __future__ import annotations

import numpy as np

from simulation.assumptions import ASSUMED, drawn, uncertain
from simulation.records import Care, Futures
from simulation.scenario import Scenario
from simulation.streams import correlation_root, normals, sobol_normals

SHOCKS = ("noise", "cost", "admissions", "enrolment")  # one normal a year each


def futures(scenario: Scenario, draws: int, seed: int, area: str | None = None) -> Futures:
    """Everything nobody decides, for every draw and year (see `Futures`); no lever changes it.

    With an `area`, a county of several: its shocks are partly the city's and partly its own.
    """
    years = scenario.years
    known = uncertain(scenario.assumptions)
    z = sobol_normals(len(known) + years * len(SHOCKS), draws, seed)
    parameter = z[:, : len(known)] @ correlation_root(correlations(scenario, list(known))).T
    shocks = z[:, len(known):].reshape(draws, len(SHOCKS), years)
    if area is not None:
        common = float(scenario.value("areas", "correlation"))
        own = normals((draws, len(SHOCKS), years), seed, f"shocks of {area}")
        weight = np.array([0.0 if name == "noise" else common for name in SHOCKS])[:, None]
        shocks = np.sqrt(weight) * shocks + np.sqrt(1 - weight) * own
    shock = {name: shocks[:, n] for n, name in enumerate(SHOCKS)}
    drawn_of = {name: drawn(given, parameter[:, n]) for n, (name, given) in enumerate(known.items())}

    def of(section: str, name: str) -> np.ndarray:
        if f"{section}.{name}" in known:
            return drawn_of[f"{section}.{name}"]
        given = getattr(getattr(scenario.assumptions, section), name).value
        return np.full(draws, given if isinstance(given, int | float) else 1.0, dtype=float)

    fixed = {name: float(scenario.value("shocks", name)) for name in type(scenario.assumptions.shocks).model_fields}
    t = np.arange(years)
    log_price = np.log(of("utilisation", "expense"))[:, None] + t * np.log1p(of("utilisation", "cost_growth"))[:, None]
    median_growth = scenario.assumptions.utilisation.admission_growth.value
    drift = np.log1p(of("utilisation", "admission_growth")) - np.log1p(median_growth)
    epidemic = np.exp(fixed["admission_sd"] * shock["admissions"])
    return Futures(
        price=np.exp(log_price + fixed["cost_sd"] * autoregressive(shock["cost"], fixed["cost_persistence"])),
        frequency=of("utilisation", "admissions")[:, None] * np.exp(t * drift[:, None]) * epidemic,
        chronic=np.repeat(of("utilisation", "chronic_share")[:, None], years, axis=1),
        visits=of("utilisation", "outpatient_visits")[:, None] * epidemic
        * np.exp(t * np.log1p(of("utilisation", "outpatient_growth"))[:, None]),
        take_up=fixed["enrolment_sd"] * np.cumsum(shock["enrolment"], axis=1),
        opening=of("account", "opening_balance"),
        noise=shock["noise"],
        drawn={f"{section}.{name}": of(section, name)
               for section in ("people", "utilisation", "behaviour", "providers", "services", "account")
               for name in ASSUMED[section].model_fields},
    )


def autoregressive(steps: np.ndarray, persistence: float) -> np.ndarray:
    """AR(1) departures with unit steps, shape (d, t).

    >>> autoregressive(np.array([[1.0, 0.0, 0.0]]), 0.5).tolist()
    [[1.0, 0.5, 0.25]]
    """
    path = np.array(steps)
    for t in range(1, path.shape[1]):
        path[:, t] += persistence * path[:, t - 1]
    return path


def correlations(scenario: Scenario, names: list[str]) -> np.ndarray:
    """The correlation matrix of the uncertain assumptions, in the order of their names."""
    matrix = np.eye(len(names))
    for pair in scenario.assumptions.correlations:
        i, j = (names.index(name) for name in pair.between)
        matrix[i, j] = matrix[j, i] = pair.value
    return matrix


def care_in(scenario: Scenario, t: int, covered: np.ndarray, years: np.ndarray, ageing: np.ndarray,
            mix: np.ndarray) -> Care:
    """The care of year t at the median draw, by cell; `covered` and `ageing` (g,), `mix` (c, k).

    The share `covered` of the year is past the waiting period; `years` (y,): shares of the insured by full
    contribution years.
    """
    growth = 1 + scenario.assumptions.utilisation.admission_growth.value
    by_cell = lambda of_group: np.resize(of_group, len(mix))  # noqa: E731 - contracted cells repeat the groups
    return Care(
        admissions=by_cell(scenario.value("utilisation", "admissions", ("group",)) * growth**t * ageing),
        chronic_share=by_cell(scenario.value("utilisation", "chronic_share", ("group",))),
        covered=by_cell(covered), mix=mix, years=years)
