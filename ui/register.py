"""The register of every lever and assumption: what it is, what it may be, what it moves, what it rests on."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from report.text import choice_text, lever_text, phrases, say, unit_text
from simulation.assumptions import ASSUMED, Assumed
from simulation.estimates import Interval, by_multiplier, find_assumption, stated
from simulation.results import ALONG, EVENTS, MORE, QUANTITIES
from simulation.scenario import Scenario, clause, find_lever, lever_value
from simulation.terms import Source, Term
from simulation.trees import leaves
from ui.view import View, known, scenario_of

COLUMNS = ("title", "value", "was", "unit", "clause", "low", "high", "interval", "acts", "name", "kind",
           "section")


class Moved(NamedTuple):
    """One thing that a view changes, lever or assumption alike, in words."""

    name: str
    title: str
    old: str
    new: str
    clause: str  # of the value before
    reason: str  # given for the change; levers carry none


def moved(view: View, language: str) -> list[Moved]:
    """All that a view changes: levers in the order of the regulation, then assumptions.

    >>> from ui.view import view_of
    >>> moved(view_of("benxi_2008", edits=[("benefits.ceiling", 40000)]), "en")[0][1:4]
    ('Yearly ceiling', '30,000', '40,000')
    """
    base, found = known(view.scenario), []
    policy = base.policy_in(view.since)
    for lever, value in view.levers:
        section, field, _, term = find_lever(lever)
        found.append(Moved(lever, base.lever_names(lever, language),
                           lever_text(lever_value(base, lever, view.since), term, language),
                           lever_text(value, term, language),
                           clause(base, getattr(getattr(policy, section), field).source, language), ""))
    for name, interval_now in view.assumed:
        given, term = assumed(base, name), find_assumption(name)[2]
        found.append(Moved(name, term.title[language], interval_text(stated(given), given, term, language),
                           interval_text(interval_now, given, term, language),
                           clause(base, given.source, language), interval_now.reason))
    return found


def assumed(scenario: Scenario, name: str) -> Assumed:
    """What a scenario says of an assumption."""
    section, field, _ = find_assumption(name)
    return getattr(getattr(scenario.assumptions, section), field)


def interval_text(interval: Interval, given: Assumed, term: Term, language: str) -> str:
    """An interval as a policy officer writes it: its ends and its median, or its one value.

    >>> given = Assumed(value=0.06, range=(0.02, 0.09), source=Source(status="estimate"))
    >>> interval_text(stated(given), given, find_assumption("utilisation.cost_growth")[2], "en")
    '2% to 9%, median 6%'
    """
    if by_multiplier(given):
        low, middle, high = (f"× {point:.4g}" for point in interval[:3])
    else:
        low, middle, high = (lever_text(point, term, language) for point in interval[:3])
    key = "register.one_value" if interval.low == interval.high else "register.ends"
    return say(language, key, low=low, middle=middle, high=high).replace("-", "−")


def register(view: View, language: str) -> pd.DataFrame:
    """One row a lever, then one row an assumption; numbers as numbers, in the model's units."""
    base, scenario = known(view.scenario), scenario_of(view)
    edits, others = dict(view.levers), dict(view.assumed)
    rows, untouched = [], {name: source for name, *_, source in base.levers(view.since)}
    for name, value, term, source in scenario.levers(view.since):
        source = source if name in edits else untouched.get(name, source)  # an edit moves one value of a table
        was = shown(lever_value(base, name, view.since), language) if name in edits else None
        rows.append(row(scenario, "lever", name, value, (term, source), language)
                    | {"title": scenario.lever_names(name, language), "was": was})
    for section, model in ASSUMED.items():
        for field, term in model.terms().items():
            given = getattr(getattr(scenario.assumptions, section), field)
            was = dict(leaves(assumed(base, f"{section}.{field}").value, f"{section}.{field}"))
            for name, value in leaves(given.value, f"{section}.{field}"):
                title = " · ".join([term.title[language], *members(scenario, term, name, language)])
                rows.append(row(scenario, "assumption", name, value, (term, given.source), language)
                            | {"title": title, "interval": interval(given, language),
                               "was": was[name] if f"{section}.{field}" in others else None})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def row(scenario: Scenario, kind: str, name: str, value: Any, given: tuple[Term, Source], language: str) -> dict:
    """What levers and assumptions have in common; the caller adds the title."""
    (term, source), bounded, section = given, not given[0].choices, name.split(".")[0]
    return {"kind": say(language, f"register.{kind}"), "section": say(language, f"section.{section}"),
            "name": name, "value": shown(value, language), "unit": unit_text(term.unit, language),
            "low": term.low if bounded else None, "high": term.high if bounded else None,
            "acts": acts(term, language), "clause": clause(scenario, source, language)}


def shown(value: Any, language: str) -> Any:
    """A value as it stands in the register: numbers as they are, the rest in words."""
    if value is None:
        return say(language, "lever.no_limit")
    return choice_text(value, language) if isinstance(value, str) else value


def number_text(value: Any) -> Any:
    """A number as text for a column that also holds words; 0.6 and 30,000 rather than 0.600000.

    >>> number_text(30000), number_text(0.6)
    ('30,000', '0.6')
    """
    if value is None or value != value:  # an empty cell of a column of numbers is not a number
        return None
    return f"{value:,.10g}" if isinstance(value, int | float) else value


def members(scenario: Scenario, term: Term, name: str, language: str) -> list[str]:
    """The names of what an assumption's leaf applies to."""
    path = name.split(".")[2:]
    return [scenario.axes.named(axis)[key][language] for axis, key in zip(term.axes, path, strict=False)]


def interval(given: Assumed, language: str) -> str | None:
    """The 5 % to 95 % interval of an assumption in words."""
    if given.range:
        return f"~ {given.range[0]:,g} … {given.range[1]:,g}"
    if given.factor:
        return "~ " + say(language, "register.times", low=f"{given.factor[0]:g}", high=f"{given.factor[1]:g}")
    return None


def acts(term: Term, language: str) -> str:
    """Which outputs a rise of a lever moves directly, and which way."""
    ways = {name: "register.raises" if sign > 0 else "register.lowers" for name, sign in term.acts.items()}
    between = "；" if language == "zh" else "; "
    return between.join(say(language, way, output=output(name, language)) for name, way in ways.items())


def output(name: str, language: str) -> str:
    """An output's name in words."""
    if name in EVENTS:
        return EVENTS[name][language]
    named = QUANTITIES | MORE | ALONG
    return phrases(language).get(f"output.{name}") or (named[name][0][language] if name in named else name)


def matching(frame: pd.DataFrame, text: str, kind: str | None) -> pd.DataFrame:
    """The rows of one kind in which every word of a text occurs.

    >>> frame = pd.DataFrame({"kind": ["a", "b"], "title": ["Ceiling", "Rate"]})
    >>> matching(frame, "ceil", None)["kind"].tolist()
    ['a']
    """
    kept = pd.Series(True, index=frame.index) if kind is None else frame["kind"] == kind
    everything = pd.Series([" ".join(cell for cell in cells if isinstance(cell, str)).lower()
                            for cells in frame.to_numpy()], index=frame.index)
    for word in text.lower().split():
        kept &= everything.str.contains(word, regex=False)
    return frame[kept]
