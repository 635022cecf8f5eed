"""Care is used: how often people fall ill, where they go and what it costs, before any rule."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import ndtr, stdtrit

from simulation.assumptions import ASSUMED, drawn, uncertain
from simulation.estimates import find_assumption
from simulation.records import Care, Futures
from simulation.scenario import Scenario
from simulation.streams import correlation_root, normals, orthogonal, sobol_normals

SHOCKS = ("noise", "cost", "admissions", "enrolment", "funding")  # one normal a year each
SOURCES = ("parameters", "shocks", "chance")  # of uncertainty, as `without` names them
LEAST = 0.01  # of a level: no draw of an interval falls lower
STEEPEST = -0.9  # a year: no draw of an interval falls faster
FARTHEST = 5.0  # standard normals of a shock: one in 1.7 million lies beyond
NORMAL = 1000  # degrees of freedom from which a shock is a normal
# Where the first two Sobol axes point, the most evenly spread: what raised spending up to the last year, less the
# opening balance, in two scenarios (benxi_2008, urrbmi_county_2026), regression of the final balance on the normals of
# plain draws, rounded; the drift of funding likewise from national_nrcms_2005 and national_resident_2018. A shock's
# weight is of all its years. They are weights of a sampling plan alone: any others leave the law of the draws as it is.
LEADING: tuple[dict[str, float], ...] = (
    {"utilisation.admission_growth": 0.72, "utilisation.cost_growth": 0.4, "utilisation.admissions": 0.45,
     "utilisation.expense": 0.25, "utilisation.chronic_share": 0.15, "account.opening_balance": -0.05,
     "account.funding_trend": -0.25, "admissions": 0.2, "cost": 0.1, "enrolment": -0.05},
    {"utilisation.admission_growth": 0.25, "utilisation.cost_growth": 0.72, "utilisation.admissions": 0.4,
     "utilisation.expense": 0.4, "utilisation.chronic_share": 0.1, "account.opening_balance": -0.15,
     "account.funding_trend": -0.25, "people.contribution_elasticity": -0.05, "admissions": 0.3, "cost": 0.2},
)
LASTING = 0.75  # of a shock is taken to be left a year later, where its years are weighed in `LEADING`


def futures(scenario: Scenario, draws: int, seed: int, area: str | None = None,
            without: tuple[str, ...] = (), at: np.ndarray | None = None) -> Futures:
    """Everything nobody decides, for every draw and year (see `Futures`); no lever changes it.

    With an `area`, a county of several: its shocks are partly the city's and partly its own. `without` any of
    `SOURCES` leaves out that part of the uncertainty: every draw then has its median. Standard normals `at`, (draw,
    dimension) in the order of `dimensions`, stand in for those of the run (`normals_of`).
    """
    years = scenario.years
    known = uncertain(scenario.assumptions)
    z = normals_of(scenario, draws, seed) if at is None else at
    parameter = correlated(scenario, list(known), z)
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
    drawn_of = {name: drawn(given, parameter[:, n], find_assumption(name)[2])
                for n, (name, given) in enumerate(known.items())}

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


def normals_of(scenario: Scenario, draws: int, seed: int) -> np.ndarray:
    """The standard normals of a run, shape (draw, dimension) in the order of `dimensions`. Read-only.

    Sobol points, turned: they depend on the names of the dimensions alone, so no lever and no interval moves a draw.
    """
    return turned(tuple(dimensions(scenario)), draws, seed)


@lru_cache(maxsize=8)
def turned(names: tuple[str, ...], draws: int, seed: int) -> np.ndarray:
    """Sobol normals (draw, dimension) of named dimensions, along their `axes`. Read-only."""
    z = sobol_normals(len(names), draws, seed) @ axes(names).T
    z.flags.writeable = False
    return z


@lru_cache(maxsize=32)
def axes(names: tuple[str, ...]) -> np.ndarray:
    """What each Sobol axis stands for: an orthogonal matrix (dimension, axis), first what matters most to the balance.

    First `LEADING`; then the years' shocks to use and to cost as a whole; the assumptions named in `LEADING`; those
    shocks year by year; then the rest, each where it is new.

    >>> axes(("account.opening_balance", "noise 2008", "cost 2008", "admissions 2008", "enrolment 2008",
    ...       "funding 2008"))[:, 0].round(2).tolist()
    [-0.21, 0.0, 0.43, 0.85, -0.21, 0.0]
    """
    unit = dict(zip(names, np.eye(len(names)), strict=True))
    by_year = {shock: np.stack([unit[name] for name in names if name.startswith(f"{shock} ")]) for shock in SHOCKS}
    lasting = np.cumsum(LASTING ** np.arange(len(by_year["cost"])))[::-1]  # of each year's step, up to the last year
    along = unit | {shock: lasting @ years / np.linalg.norm(lasting) for shock, years in by_year.items()}
    return orthogonal(np.array([
        *(sum(weight * along[name] for name, weight in leading.items() if name in along) for leading in LEADING),
        by_year["admissions"].sum(axis=0), by_year["cost"].sum(axis=0),
        *(unit[name] for leading in LEADING for name in leading if name in unit),
        *np.stack([by_year["admissions"], by_year["cost"]], axis=1).reshape(-1, len(names)),
        *unit.values()]))


def heavy(z: np.ndarray, freedom: float) -> np.ndarray:
    """Standard normals turned into t variables of unit variance; from `NORMAL` degrees of freedom, as they are.

    What a t variable is the logarithm of has no mean, so none counts from beyond `FARTHEST`.

    >>> heavy(np.array([0.0, 3.0]), 4.0).round(2).tolist(), heavy(np.array([3.0]), 1000.0).tolist()
    ([0.0, 4.68], [3.0])
    """
    if freedom >= NORMAL:
        return z
    return stdtrit(freedom, ndtr(np.clip(z, -FARTHEST, FARTHEST))) * np.sqrt((freedom - 2) / freedom)


def autoregressive(steps: np.ndarray, persistence: float) -> np.ndarray:
    """AR(1) departures with unit steps, shape (d, t).

    >>> autoregressive(np.array([[1.0, 0.0, 0.0]]), 0.5).tolist()
    [[1.0, 0.5, 0.25]]
    """
    path = np.array(steps)
    for t in range(1, path.shape[1]):
        path[:, t] += persistence * path[:, t - 1]
    return path


def correlated(scenario: Scenario, names: list[str], z: np.ndarray) -> np.ndarray:
    """The normals (d, name) of the uncertain assumptions, from independent ones of which theirs (d, ...) come first."""
    return z[:, :len(names)] @ correlation_root(correlations(scenario, names)).T


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
