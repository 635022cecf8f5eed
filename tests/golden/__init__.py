"""Headline numbers of every scenario: a page a reviewer can read, written by `run.py golden` alone."""

from __future__ import annotations

import json
from pathlib import Path

from bench.pool import scaled
from simulation import load_scenario, simulate
from simulation.loading import library
from simulation.measures import chances, summary

FILE = Path(__file__).with_name("headline.json")
SHOWN = ("enrolled", "income", "expenditure", "surplus_ratio", "balance_ratio", "effective_ratio",
         "primary_share", "catastrophic")


def headline() -> dict:
    """Means and chances of the first, middle and last year of each scenario, by both engines, to six figures.

    The exact engine takes each scenario with twenty thousand people: a province's would take minutes.
    """
    found: dict = {}
    for name in library():
        scenario = load_scenario(name)
        years = scenario.horizon()
        for engine, draws in (("table", 1024), ("exact", 16)):
            result = simulate(scenario if engine == "table" else scaled(scenario, 20_000), draws, engine=engine)
            means, events = summary(result, SHOWN), chances(result)
            for year in (years[0], years[len(years) // 2], years[-1]):
                figures = {row.quantity: float(f"{row.mean:.6g}") for row in means[means["year"] == year].itertuples()}
                figures |= {row.event: float(f"{row.value:.6g}") for row in events[events["year"] == year].itertuples()}
                found.setdefault(name, {}).setdefault(engine, {})[str(year)] = figures
    return found


def write() -> None:
    """Set the headline numbers to today's; the changelog says which changed and why."""
    FILE.write_text(json.dumps(headline(), indent=1) + "\n", encoding="utf-8")
