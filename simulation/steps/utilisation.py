"""Care is used: how often people fall ill, where they go and what it costs, before any rule."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, stdtrit

from simulation.assumptions import ASSUMED, drawn, uncertain
from simulation.records import Care, Futures
from simulation.scenario import Scenario
from simulation.streams import correlation_root, normals, sobol_normals

SHOCKS = ("noise", "cost", "admissions", "enrolment", "funding")  # one normal a year each
SOURCES = ("parameters", "shocks", "chance")  # of uncertainty, as `without` names them
LEAST = 0.01  # of a level: no draw of an interval falls lower
STEEPEST = -0.9  # a year: no draw of an interval falls faster
NORMAL = 1000  # degrees of freedom from which a shock is a normal


def futures(scenario: Scenario, draws: int, seed: int, area: str | None = None,
            without: tuple[str, ...] = (), at: np.ndarray | None = None) -> Futures:
    """Everything nobody decides, for every draw and year (see `Futures`); no lever changes it.

    With an `area`, a county of several: its shocks are partly the city's and partly its own. `without` any of
    `SOURCES` leaves out that part of the uncertainty: every draw then has its median. Standard normals `at`, (draw,
    dimension) in the order of `dimensions`, stand in for the Sobol points.
    """
    years = scenario.years
    known = uncertain(scenario.assumptions)
    z = sobol_normals(len(known) + years * len(SHOCKS), draws, seed) if at is None else at
    parameter = z[:, : len(known)] @ correlation_root(correlations(scenario, list(known))).T
    shocks = z[:, len(known):].reshape(draws, len(SHOCKS), years)
    if area is not None:
        common = float(scenario.value("areas", "correlation"))
        own = normals((draws, len(SHOCKS), years), seed, f"shocks of {area}")
        weight = np.array([0.0 if name == "noise" else common for name in SHOCKS])[:, None]
        shocks = np.sqrt(weight) * shocks + np.sqrt(1 - weight) * own
    fixed = {name: float(scenario.value("shocks", name)) for name in type(scenario.assumptions.shocks).model_fields}
    plain = dict(zip(SHOCKS, shocks.swapaxes(0, 1), strict=True))
    with_others = np.array([fixed["cost_with_funding"], fixed["cost_with_use"]])
    with_others = with_others / max(1.0, float(np.linalg.norm(with_others)))  # no more than all of it
    alone = np.sqrt(max(1 - float(with_others @ with_others), 0.0))
    plain["cost"] = with_others[0] * plain["funding"] + with_others[1] * plain["admissions"] + alone * plain["cost"]
    shock = {name: heavy(z, fixed["freedom"]) * ("shocks" not in without) for name, z in plain.items()}
    chance = float("chance" not in without)
    parameter = parameter * ("parameters" not in without)
    drawn_of = {name: drawn(given, parameter[:, n]) for n, (name, given) in enumerate(known.items())}

    def of(section: str, name: str) -> np.ndarray:
        if f"{section}.{name}" in known:
            return drawn_of[f"{section}.{name}"]
        given = getattr(getattr(scenario.assumptions, section), name).value
        return np.full(draws, 1.0 if ASSUMED[section].terms()[name].axes else given, dtype=float)

    t = np.arange(years)
    level = lambda section, name: np.maximum(of(section, name), LEAST)[:, None]  # noqa: E731
    trend = lambda section, name: t * np.log1p(np.maximum(of(section, name), STEEPEST))[:, None]  # noqa: E731

    def departure(name: str) -> np.ndarray:
        """Log departure from trend: what is left of the first year's, and what every year adds."""
        persistence = fixed.get(f"{name}_persistence", 0.0)
        start = of("shocks", f"{name}_start")[:, None] if f"{name}_start" in fixed else 0.0
        steps = shock["admissions" if name == "admission" else name]
        return fixed[f"{name}_sd"] * autoregressive(steps, persistence) - start * (1 - persistence**t)

    median_growth = scenario.assumptions.utilisation.admission_growth.value
    use, walk = np.exp(departure("admission")), np.cumsum(shock["enrolment"], axis=1)
    growth = np.exp(trend("utilisation", "admission_growth") - t * np.log1p(median_growth))
    visits = of("utilisation", "outpatient_visits")[:, None] * np.exp(trend("utilisation", "outpatient_growth"))
    return Futures(
        price=of("utilisation", "expense")[:, None] * np.exp(trend("utilisation", "cost_growth") + departure("cost")),
        frequency=of("utilisation", "admissions")[:, None] * growth * use,
        chronic=of("utilisation", "chronic_share")[:, None] * np.exp(trend("utilisation", "chronic_growth")),
        visits=visits * use,
        take_up=fixed["enrolment_sd"] * walk,
        opening=of("account", "opening_balance"),
        noise=chance * plain["noise"],
        drawn={f"{section}.{name}": of(section, name)
               for section in ("people", "utilisation", "behaviour", "providers", "services", "account")
               for name in ASSUMED[section].model_fields},
        people=level("people", "enrolment_level") * np.exp(trend("people", "enrolment_trend")
                                                           + fixed["people_sd"] * walk),
        funding=level("account", "funding_level") * np.exp(trend("account", "funding_trend") + departure("funding")),
        chance=chance,
    )


def dimensions(scenario: Scenario) -> list[str]:
    """What each standard normal of a draw moves: an uncertain assumption, or a shock and its year.

    Correlated assumptions share theirs: one moves with its own and with those of the ones before it.
    """
    return [*uncertain(scenario.assumptions), *(f"{shock} {year}" for shock in SHOCKS for year in scenario.horizon())]


def heavy(z: np.ndarray, freedom: float) -> np.ndarray:
    """Standard normals turned into t variables of unit variance; from `NORMAL` degrees of freedom, as they are.

    >>> heavy(np.array([0.0, 3.0]), 4.0).round(2).tolist(), heavy(np.array([3.0]), 1000.0).tolist()
    ([0.0, 4.68], [3.0])
    """
    if freedom >= NORMAL:
        return z
    return stdtrit(freedom, ndtr(z)) * np.sqrt((freedom - 2) / freedom)


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
