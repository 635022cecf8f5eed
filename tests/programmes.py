"""What the tests of programmes share: runs with and without one, and what they read off them."""

from functools import lru_cache

import numpy as np
import xarray as xr

from simulation import load_scenario, simulate
from simulation.results import MORE, QUANTITIES
from simulation.scenario import Change, Scenario
from simulation.terms import Source

STATED = Source(status="assumption")
DRAWS, SEED = 64, 1
COUNTY = load_scenario("urrbmi_county_2026")
EXTENSIVE = [name for name, (_, unit) in (QUANTITIES | MORE).items() if unit not in ("share", "months")]


def run(scenario: Scenario, draws: int = DRAWS, engine: str = "table") -> xr.Dataset:
    return simulate(scenario, draws, seed=SEED, engine=engine).data


@lru_cache(maxsize=4)
def programme(name: str) -> xr.Dataset:
    """A scenario of the library as its file has it."""
    return run(load_scenario(name))


@lru_cache(maxsize=4)
def before(name: str) -> xr.Dataset:
    """The same without any of its dated changes."""
    return run(without(load_scenario(name)))


def without(scenario: Scenario, *levers: str) -> Scenario:
    """The scenario less its dated changes of some levers, or less all of them."""
    return scenario.model_copy(update={"changes": tuple(
        change for change in scenario.changes if levers and not change.lever.startswith(levers))})


def changes_of(scenario: Scenario, *levers: str) -> Scenario:
    """The scenario with its dated changes of some levers only."""
    return scenario.model_copy(update={"changes": tuple(
        change for change in scenario.changes if change.lever.startswith(levers))})


def moved(scenario: Scenario, settings: dict[str, object], year: int | None = None) -> Scenario:
    """The scenario with levers moved in a year, the first one where none is named."""
    return scenario.changed(Change(lever=lever, year=year or scenario.first_year, value=value, source=STATED)
                            for lever, value in settings.items())


def rebuilt(scenario: Scenario, settings: dict[str, object]) -> Scenario:
    """The scenario whose base policy, to which everybody is used, has these settings; no dated changes."""
    first = moved(without(scenario), settings)
    return first.model_copy(update={"policy": first.policy_in(scenario.first_year), "changes": ()})


def assumed(scenario: Scenario, section: str, name: str, **fields: object) -> Scenario:
    """The scenario with one assumption changed."""
    part = getattr(scenario.assumptions, section)
    part = part.model_copy(update={name: getattr(part, name).model_copy(update=fields)})
    return scenario.model_copy(update={"assumptions": scenario.assumptions.model_copy(update={section: part})})


def mean(data: xr.Dataset, name: str) -> xr.DataArray:
    """A quantity's mean over draws by year, of the whole pool."""
    return data[name].isel(area=0).mean("draw")


def ratio(after: xr.Dataset, first: xr.Dataset, name: str) -> xr.DataArray:
    """By year, a quantity's mean beside what it would have been."""
    return mean(after, name) / mean(first, name)


def a_head(data: xr.Dataset, name: str) -> xr.DataArray:
    return mean(data, name) / mean(data, "enrolled")


def mix(data: xr.Dataset, name: str) -> xr.DataArray:
    """Shares of tiers by year."""
    by_tier = mean(data, name)
    return by_tier / by_tier.sum("tier")


def between(values: xr.DataArray, low: float, high: float) -> None:
    assert bool(((values >= low) & (values <= high)).all()), (low, high, np.round(values.values, 5))


def nothing(left: xr.DataArray, scale: xr.DataArray) -> bool:
    return float(np.abs(left).max()) <= 1e-9 * max(float(np.abs(scale).max()), 1.0)


def payers(data: xr.Dataset) -> xr.DataArray:
    """What everybody but the patient pays for care, in yuan; what providers are paid beside it is no care."""
    return sum(data[part] for part in ("inpatient_paid", "chronic", "outpatient", "critical", "assistance",
                                       "commercial", "account_paid"))
