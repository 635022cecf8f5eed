"""A scenario at another size, and what its run hands to an engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulation.model import simulate
from simulation.records import Care, Conditions, Costs, Rules
from simulation.scenario import Scenario
from simulation.trees import multiplied

SEED = 20080101
Inputs = tuple[list[Rules], list[Care], list[Costs], np.ndarray, np.ndarray, Conditions, int]  # of `spend`, in order


def insured_at_first(scenario: Scenario) -> float:
    """Persons insured in the first year at the central assumptions."""
    over = ("group", "status")
    insured = scenario.value("people", "residents", over) * scenario.value("people", "take_up", over)
    return float(insured.sum())


def scaled(scenario: Scenario, insured: float) -> Scenario:
    """The scenario with its residents scaled so that about `insured` persons are insured in the first year.

    Nothing else moves, the opening balance included: no engine reads it.

    >>> from simulation import load_scenario
    >>> round(insured_at_first(scaled(load_scenario("benxi_2008"), 5000)))
    5000
    """
    people = scenario.assumptions.people
    tree = multiplied(people.residents.value, insured / insured_at_first(scenario))
    people = people.model_copy(update={"residents": people.residents.model_copy(update={"value": tree})})
    assumptions = scenario.assumptions.model_copy(update={"people": people})
    return scenario.model_copy(update={"assumptions": assumptions})


class Caught(Exception):
    """Carries an engine's arguments out of a run."""


def inputs_of(scenario: Scenario, draws: int, seed: int = SEED) -> Inputs:
    """What `simulate` hands to an engine, caught on the way: a copy of its steps here could drift from it."""
    def catch(*arguments: Any) -> None:
        raise Caught(*arguments)

    try:
        simulate(scenario, draws, seed, engine="table", spend=catch)
    except Caught as caught:
        return caught.args
    raise RuntimeError("the run never reached its engine")


def of_draws(inputs: Inputs, part: Any) -> Inputs:
    """The inputs of some draws only; `part` is a slice or an array of draw numbers, which may repeat."""
    rules, care, costs, insured, thresholds, conditions, seed = inputs
    by_draw = ("price", "chronic_price", "frequency", "chronic", "tilt", "noise")
    return rules, care, costs, insured[part], thresholds, conditions._replace(
        **{name: getattr(conditions, name)[part] for name in by_draw}), seed
