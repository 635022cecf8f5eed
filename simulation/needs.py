"""Levers that do nothing by themselves: what each waits for, and which edits of a scenario wait in vain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from simulation.policy import SECTIONS, Policy
from simulation.scenario import Change, Scenario, find_lever, lever_value
from simulation.terms import Given, Term
from simulation.trees import at, leaves


def acts(policy: Policy, section: str, field: str, needed: Any = None) -> bool:
    """Whether a lever does something that it does not do when it is off; a choice, whether it is the one needed."""
    value = getattr(getattr(policy, section), field).value
    default = SECTIONS[section].model_fields[field].default
    off = default.value if isinstance(default, Given) else 0
    if needed is not None and SECTIONS[section].terms()[field].choices:
        return value == needed
    if needed is not None and off and not isinstance(off, Mapping):
        return bool(value)  # it has a value of its own even where nobody set it
    return any(leaf != at(off, path.split(".")[1:]) and (needed is None or leaf) for path, leaf in leaves(value))


def waiting(books: Iterable[Policy], term: Term) -> list[str]:
    """The levers without which a term does nothing and which are off in all of some policies."""
    return [lever for lever, value in term.needs.items()
            if not any(acts(book, *find_lever(lever)[:2], value) for book in books)]


def distinct(policies: Iterable[Policy]) -> list[Policy]:
    """Policies without the repeats of years that share one."""
    return list({id(policy): policy for policy in policies}.values())


def idle(scenario: Scenario, edits: Sequence[Change]) -> dict[str, list[str]]:
    """The levers that edits of a scenario move to no effect from their year on, each with the levers it waits for.

    >>> from simulation import load_scenario
    >>> from simulation.terms import Source
    >>> edit = Change(lever="contracts.rate_bonus", year=2026, value=0.1, source=Source(status="assumption"))
    >>> idle(load_scenario("urrbmi_county_2026"), [edit])
    {'contracts.rate_bonus': ['contracts.coverage']}
    """
    after, found = scenario.changed(edits), {}
    policies = after.policies()
    for edit in edits:
        term = find_lever(edit.lever)[3]
        moved = lever_value(after, edit.lever, edit.year) != lever_value(scenario, edit.lever, edit.year)
        if moved and term.needs and (names := waiting(distinct(policies[edit.year - scenario.first_year:]), term)):
            found[edit.lever] = names
    return found
