"""Care is used: how often people fall ill, where they go and what it costs, before any rule."""

from __future__ import annotations

import numpy as np

from simulation.assumptions import drawn, uncertain
from simulation.records import Care, Futures
from simulation.scenario import Scenario
from simulation.streams import correlation_root, sobol_normals

SHOCKS = ("noise", "cost", "admissions", "enrolment")  # one normal a year each


def futures(scenario: Scenario, draws: int, seed: int) -> Futures:
    """Everything nobody decides, for every draw and year (see `Futures`); no lever changes it."""
    years = scenario.years
    known = uncertain(scenario.assumptions)
    z = sobol_normals(len(known) + years * len(SHOCKS), draws, seed)
    parameter = z[:, : len(known)] @ correlation_root(correlations(scenario, list(known))).T
    shocks = z[:, len(known):].reshape(draws, len(SHOCKS), years)
    shock = {name: shocks[:, n] for n, name in enumerate(SHOCKS)}

    def of(section: str, name: str) -> np.ndarray:
        dotted = f"{section}.{name}"
        if dotted in known:
            return drawn(known[dotted], parameter[:, list(known).index(dotted)])
        given = getattr(getattr(scenario.assumptions, section), name)
        return np.full(draws, given.value if isinstance(given.value, int | float) else 1.0, dtype=float)

    fixed = {name: float(scenario.value("shocks", name)) for name in type(scenario.assumptions.shocks).model_fields}
    t = np.arange(years)
    log_price = np.log(of("utilisation", "expense"))[:, None] + t * np.log1p(of("utilisation", "cost_growth"))[:, None]
    median_growth = scenario.assumptions.utilisation.admission_growth.value
    drift = np.log1p(of("utilisation", "admission_growth")) - np.log1p(median_growth)
    return Futures(
        price=np.exp(log_price + fixed["cost_sd"] * autoregressive(shock["cost"], fixed["cost_persistence"])),
        frequency=of("utilisation", "admissions")[:, None] * np.exp(
            t * drift[:, None] + fixed["admission_sd"] * shock["admissions"]),
        chronic=np.repeat(of("utilisation", "chronic_share")[:, None], years, axis=1),
        take_up=fixed["enrolment_sd"] * np.cumsum(shock["enrolment"], axis=1),
        elasticity=of("people", "contribution_elasticity"),
        opening=of("account", "opening_balance"),
        noise=shock["noise"],
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


def care_in(scenario: Scenario, t: int, covered: np.ndarray, years: np.ndarray) -> Care:
    """The care of year t at the median draw; the share `covered` (g,) of the year is past the waiting period.

    `years` (y,): shares of the insured by full contribution years.
    """
    growth = 1 + scenario.assumptions.utilisation.admission_growth.value
    return Care(
        admissions=scenario.value("utilisation", "admissions", ("group",)) * growth**t,
        chronic_share=scenario.value("utilisation", "chronic_share", ("group",)),
        covered=covered,
        mix=scenario.value("utilisation", "tier_mix", ("group", "tier")),
        years=years,
    )
