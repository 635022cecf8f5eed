"""A fund's own scenario and its run, made without the screen: a process of its own has only the model to load."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from report.answers import Run, told
from simulation import load_scenario, simulate
from simulation.adapted import adapted
from simulation.calibration import as_file
from simulation.scenario import Scenario
from simulation.series import Series


class Own(NamedTuple):
    """A scenario made of a fund's table, its run, and the file that makes it again."""

    scenario: Scenario
    run: Run
    text: str


def own(series: Series, base: str, years: int, draws: int, seed: int, progress: Callable[[float], object]) -> Own:
    """A fund's own scenario for some years after its table, by the rules of another."""
    scenario = adapted(series, load_scenario(base), years)
    progress(0.8)
    head = f"# {series.name} {series.years[0]}-{series.years[-1]}, SHA-256 {series.sha256}\n# {base}\n"
    return Own(scenario, told(simulate(scenario, draws, seed, "table")), head + as_file(scenario))
