"""Quick moves: one slider that edits many levers by the same amount. They are edits like any other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from simulation.scenario import Scenario, find_lever, lever_value
from simulation.trees import leaves


class Package(NamedTuple):
    """Levers that move together: their names, the values they start from, and the slider's travel."""

    name: str
    start: dict[str, float]
    low: float
    high: float
    step: float  # of the slider
    scale: float  # slider units in one unit of the levers: 100 for percentage points


def packages(scenario: Scenario, since: int) -> list[Package]:
    """The quick moves of a scenario, from the values that hold in a year."""
    paying = {lever: value for lever, value in leaves(lever_value(scenario, "financing.contribution", since),
                                                      "financing.contribution") if value > 0}
    kind = next(iter(scenario.axes.kind))  # inpatient stands first in every scenario
    primary: dict[str, float] = {}
    for group in scenario.axes.group:
        for tier in scenario.axes.primary:
            lever = f"benefits.rate.{kind}.{group}.{tier}"
            primary |= dict(leaves(lever_value(scenario, lever, since), lever))
    return [Package("contribution", paying, -100, 300, 5, 1), Package("primary", primary, -30, 30, 1, 100)]


def moved(package: Package, amount: float) -> list[tuple[str, float]]:
    """The edits a quick move makes, each within its lever's bounds.

    >>> rates = {"benefits.rate.inpatient": 0.6, "benefits.rate.chronic": 0.9}
    >>> moved(Package("primary", rates, -30, 30, 1, 100), 20)
    [('benefits.rate.inpatient', 0.8), ('benefits.rate.chronic', 1)]
    """
    edits = []
    for lever, start in package.start.items():
        term = find_lever(lever)[3]
        edits.append((lever, min(max(round(start + amount / package.scale, 9), term.low), term.high)))
    return edits


def position(package: Package, edits: Mapping[str, Any]) -> float | None:
    """Where the slider stands for a set of edits; None where they are not one quick move.

    >>> package = Package("primary", {"benefits.rate.inpatient": 0.6}, -30, 30, 1, 100)
    >>> position(package, {"benefits.rate.inpatient": 0.65})
    5.0
    """
    now = {lever: edits.get(lever, start) for lever, start in package.start.items()}
    if now == package.start:
        return 0.0
    # A lever stopped by a bound has moved less than the slider, so the largest move is the slider's.
    moves = [round((now[lever] - start) * package.scale, 6) for lever, start in package.start.items()]
    amount = max(moves, key=abs)
    fits = package.low <= amount <= package.high and dict(moved(package, amount)) == now
    return float(amount) if fits else None
