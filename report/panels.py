"""The charts of one run: each with the frame it draws, its title, and its words for who cannot see it."""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go

from report import charts, tables
from report.answers import Run
from report.findings import limit_text, sentences
from report.tables import Drawn
from report.text import number, percent, say
from simulation.results import EVENTS
from simulation.scenario import Scenario, clause

# Each fan by its name: the quantity it shows, and what its line at zero is called.
FANS = {"balance": ("balance_ratio", "zero"), "surplus": ("surplus_ratio", "deficit"),
        "months": ("reserve_months", "zero")}


class Panel(NamedTuple):
    """A chart of a run, and the figures of its alternative text as a document may use them, too."""

    title: str
    figure: go.Figure
    drawn: Drawn
    alt: str
    told: dict[str, str | int]


def panel(name: str, run: Run, scenario: Scenario, language: str, before: Run | None = None) -> Panel:
    """A chart by its name: `balance`, `surplus`, `months`, `chances` or `spending`; `before` is drawn in the fans."""
    if name == "chances":
        return chances(run, language)
    return spending(run, scenario, language) if name == "spending" else fan(name, run, scenario, language, before)


def fan(name: str, run: Run, scenario: Scenario, language: str, before: Run | None = None) -> Panel:
    """The median and bands of a fan's quantity with its line, and the median before the edits if there are any."""
    quantity, zero = FANS[name]
    months, title = quantity == "reserve_months", say(language, f"chart.{name}")
    drawn, limit = tables.fan(run, quantity, language, before), limit_text(run, quantity, language)
    end = drawn.frame.iloc[-1]
    last = int(end["year"])
    told = {"year": last, "limit": limit} | {
        place: number(end[at]) if months else percent(end[at])
        for place, at in (("median", "p50"), ("low", "p05"), ("high", "p95"))}
    names = {column: say(language, f"label.{column}") for column in ("p05", "p25", "p50", "p75", "p95", "before")}
    rule = getattr(scenario.policy_in(last).lines, quantity).source
    bound = charts.Limit(say(language, "label.warning" if months else "label.limit", limit=limit),
                         clause(scenario, rule, language))
    under = charts.Limit(say(language, f"label.{zero}_line"), say(language, f"chart.{zero}_clause"))
    return Panel(title, charts.fan(drawn, title, names, bound, under, "f" if months else "%"), drawn,
                 say(language, f"chart.{name}_alt", title=title, **told), told)


def chances(run: Run, language: str) -> Panel:
    """The chance of each event by year."""
    drawn, title = tables.chance(run, language), say(language, "chart.chances")
    names = {event: say(language, f"event.{event}") for event in EVENTS}
    found = " ".join(sentences(run, language)).replace("*", "")
    return Panel(title, charts.chances(drawn, title, names), drawn,
                 say(language, "chart.chances_alt", finding=found), {"finding": found})


def spending(run: Run, scenario: Scenario, language: str) -> Panel:
    """Mean fund spending by tier and year."""
    drawn, tiers, unit = tables.spending(run, scenario, language)
    title, years = say(language, "chart.spending", unit=unit), drawn.frame["year"]
    start, end = (number(total) for total in drawn.frame[list(tiers)].sum(axis=1).iloc[[0, -1]])
    told = {"last": int(years.iloc[-1])}
    told["course"] = say(language, "chart.course_one" if len(years) == 1 else "chart.course", **told, unit=unit,
                         first=int(years.iloc[0]), start=start, end=end)
    return Panel(title, charts.stacked(drawn, title, tiers, unit), drawn,
                 say(language, "chart.spending_alt", **told), told)
