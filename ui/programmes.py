"""What a scenario makes of its levers: programmes it has not, levers that wait for others, changes it plans."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from simulation.moves import planned
from simulation.needs import acts, distinct, waiting
from simulation.policy import SECTIONS, Policy
from simulation.scenario import Scenario, lever_value
from simulation.terms import Given, Term
from ui.view import View, known, scenario_of

# Sections every lever of which may be left out. Responses are no programme: they are on where nothing is said.
PROGRAMMES = tuple(name for name, model in SECTIONS.items() if name != "responses"
                   and all(isinstance(field.default, Given) for field in model.model_fields.values()))


@lru_cache(maxsize=64)
def policies_of(view: View) -> tuple[Policy, ...]:
    """The policy of every year of a view; equal years share one."""
    return tuple(scenario_of(view).policies())


@lru_cache(maxsize=64)
def unused(name: str) -> frozenset[str]:
    """The programmes that a scenario has off from its first year to its last.

    >>> sorted(unused("benxi_2008"))
    ['care', 'contracts', 'payment', 'pooling', 'supervision']
    """
    view = View(name, known(name).first_year)
    books = distinct(policies_of(view))
    return frozenset(section for section in PROGRAMMES if not any(
        acts(book, section, field) and not waiting(books, term)
        for book in books for field, term in SECTIONS[section].terms().items()))


def waits_for(view: View, term: Term) -> list[str]:
    """The levers that a term of a view waits for, from the year its edits begin."""
    if not term.needs:
        return []
    return waiting(distinct(policies_of(view)[view.since - known(view.scenario).first_year:]), term)


def plan(base: Scenario, lever: str, since: int) -> list[tuple[int, Any]]:
    """The later years in which a lever's value changes in a scenario, with the value from then on."""
    steps, value = [], lever_value(base, lever, since)
    for year in planned(base, lever, since):
        new = lever_value(base, lever, year)
        if new != value:
            steps.append((year, new))
        value = new
    return steps


def local(view: View, lever: str) -> list[str]:
    """The counties that set a lever themselves in a year from which an edit would hold."""
    base = known(view.scenario)
    areas = {rule.area for rule in base.local_rules
             if f"{rule.lever}.".startswith(f"{lever}.") or f"{lever}.".startswith(f"{rule.lever}.")}
    if not areas:
        return []
    apart = any(book.pooling.unified.value == "no" for book in policies_of(view)[view.since - base.first_year:])
    return [area for area in base.axes.area if area in areas and apart]
