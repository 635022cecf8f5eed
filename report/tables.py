"""The frames the pages draw, show and hand out: one frame for chart, table and file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from report.answers import Run
from report.text import say, unit_text
from simulation.explain import Waterfall
from simulation.explain import titled as group_title
from simulation.measures import QUANTILES
from simulation.results import EVENTS, QUANTITIES
from simulation.scenario import Scenario
from simulation.sentences import unit_of

# Where the figures of a chart get large, people count in these: size from which, divisor, phrase.
MONEY = {"zh": ((1e9, 1e8, "yi_yuan"), (0, 1e4, "wan_yuan")),
         "en": ((1e10, 1e9, "billion_yuan"), (0, 1e6, "million_yuan"))}
# How a table shows a unit.
FORMS = {"year": "%d", "share": "percent", "yuan": "%,.1f", "yuan_year": "%,.1f", "persons": "%,.0f",
         "months": "%.1f", "number": "%.10g"}


class Drawn(NamedTuple):
    """A frame with its columns named in words: what a chart draws, a table shows and a file holds."""

    frame: pd.DataFrame
    heads: dict[str, str]  # column -> name with unit
    forms: dict[str, str] = {}  # column -> how a table shows it; a percentage unless said
    of: str = ""  # the quantity all its figures are of, where no column is named after it
    facts: Mapping[str, Any] = {}  # which run they come from
    statistic: str = ""  # over the draws, of columns named after quantities: mean, p05 and so on


def money_unit(largest: float, language: str) -> tuple[float, str]:
    """The divisor and name of the unit in which a sum of yuan is best read.

    >>> money_unit(24_700_000, "zh"), money_unit(24_700_000, "en")
    ((10000.0, '万元'), (1000000.0, 'million yuan'))
    """
    _, divisor, key = next(unit for unit in MONEY[language] if largest >= unit[0])
    return divisor, say(language, f"unit.{key}")


def fan(run: Run, quantity: str, language: str, before: Run | None = None) -> Drawn:
    """Quantiles of a quantity by year with its line, and the median before the edits if there are any."""
    of = lambda run: run.summary[run.summary["quantity"] == quantity]  # noqa: E731 - used twice
    frame = of(run)[["year", *QUANTILES]].reset_index(drop=True)
    frame["line"] = run.lines[quantity].to_numpy()
    if before is not None:
        frame["before"] = of(before)["p50"].to_numpy()
    unit = unit_text(QUANTITIES[quantity][1], language)
    named = {"line": "warning"} if quantity == "reserve_months" else {}  # below it a fund is thin; others are limits
    heads = {name: say(language, "column.share", what=say(language, f"column.{named.get(name, name)}"), unit=unit)
             for name in frame.columns if name != "year"}
    forms = {name: FORMS[QUANTITIES[quantity][1]] for name in heads}
    return Drawn(frame, {"year": say(language, "column.year"), **heads}, forms, quantity, run.facts)


def chance(run: Run, language: str) -> Drawn:
    """Probability and standard error of each event by year."""
    columns, heads = {"year": run.lines["year"].to_numpy()}, {"year": say(language, "column.year")}
    for event, title in EVENTS.items():
        found = run.chance(event)
        columns |= {event: found["value"].to_numpy(), f"{event}_se": found["se"].to_numpy()}
        heads |= {event: title[language], f"{event}_se": say(language, "column.se", what=title[language])}
    return Drawn(pd.DataFrame(columns), heads, facts=run.facts)


def spending(run: Run, scenario: Scenario, language: str) -> tuple[Drawn, dict[str, str], str]:
    """Mean fund spending by tier and year; with it the tiers' names and the unit."""
    wide = run.spending.pivot(index="year", columns="tier", values="amount")
    wide = wide[list(dict.fromkeys(run.spending["tier"]))]
    divisor, unit = money_unit(wide.sum(axis=1).max(), language)
    frame = (wide / divisor).reset_index().rename_axis(columns=None)
    tiers = {tier: tier_name(scenario, tier, language) for tier in wide.columns}
    heads = {tier: say(language, "column.share", what=name, unit=unit) for tier, name in tiers.items()}
    drawn = Drawn(frame, {"year": say(language, "column.year"), **heads}, dict.fromkeys(heads, FORMS["yuan"]),
                  facts=run.facts)
    return drawn, tiers, unit


def tier_name(scenario: Scenario, tier: str, language: str) -> str:
    """A tier in words; special-disease care, which has none, by its kind."""
    names = {**scenario.axes.kind, **scenario.axes.tier}
    return names[tier][language] if tier in names else tier


def wide(run: Run, quantities: list[str], statistic: str, language: str) -> Drawn:
    """One statistic of several quantities, a row a year."""
    table = run.summary.pivot(index="year", columns="quantity", values=statistic)
    frame = pd.DataFrame({"year": table.index.to_numpy()})
    heads, forms = {"year": say(language, "column.year")}, {}
    for quantity in quantities:
        title, unit = QUANTITIES[quantity]
        column, name = table[quantity], unit_text(unit, language)
        if unit in ("yuan", "yuan_year"):
            divisor, name = money_unit(column.abs().max(), language)
            column = column / divisor
        frame[quantity] = column.to_numpy()
        heads[quantity] = say(language, "column.share", what=title[language], unit=name)
        forms[quantity] = FORMS[unit]
    return Drawn(frame, heads, forms, facts=run.facts, statistic=statistic)


def everything(run: Run, language: str) -> Drawn:
    """The whole summary as the model gives it, in the model's units."""
    frame = run.summary.copy()
    frame["quantity"] = [f"{QUANTITIES[name][0][language]} ({name})" for name in frame["quantity"]]
    frame.insert(2, "unit", [unit_text(QUANTITIES[name][1], language) for name in run.summary["quantity"]])
    heads = {name: say(language, f"column.{name}") for name in frame.columns}
    return Drawn(frame, heads, dict.fromkeys(("mean", *QUANTILES), FORMS["number"]), facts=run.facts)


# --- plans held against one another ------------------------------------------------------------------

def scale(values: pd.Series | pd.DataFrame, quantity: str, language: str, change: bool = True) -> tuple[float, str]:
    """By what a figure is divided to be read, and its unit then; the change of a share is in points."""
    unit = unit_of(quantity)
    if unit in ("yuan", "yuan_year"):
        return money_unit(float(values.abs().to_numpy().max()), language)
    if unit == "share":
        return 0.01, say(language, "compare.points") if change else "%"
    return 1.0, say(language, f"compare.unit.{unit}")


def steps(found: Waterfall, quantity: str, year: int, ends: tuple[str, str], language: str) -> tuple[Drawn, str]:
    """A waterfall as a frame: the first plan, each group's part from the largest, the last plan."""
    of = lambda frame: frame[(frame["quantity"] == quantity) & (frame["year"] == year)]  # noqa: E731
    total, parts = of(found.totals).iloc[0], of(found.parts)
    parts = parts.iloc[parts["part"].abs().to_numpy().argsort()[::-1]]
    divisor, unit = scale(total[["first", "last"]].astype(float), quantity, language, change=False)
    rows = [{"step": ends[0], "kind": "absolute", "value": total["first"]}]
    rows += [{"step": found.titles[row.group][language], "kind": "relative", "value": row.part, "se": row.se,
              "alone": row.alone, "interaction": row.interaction, "levers": say(language, "compare.comma").join(
                  group_title(lever)[language] for lever in found.groups[row.group])} for row in parts.itertuples()]
    rows.append({"step": ends[1], "kind": "total", "value": total["last"]})
    frame = pd.DataFrame(rows)
    counted = [name for name in ("value", "se", "alone", "interaction") if name in frame]
    frame[counted] = frame[counted].astype(float) / divisor
    frame["kind"] = [say(language, f"compare.kind.{kind}") for kind in frame["kind"]]
    frame["levers"] = frame["levers"].fillna("")
    heads = {name: say(language, f"compare.column.{name}") for name in frame.columns}
    heads |= {name: say(language, "column.share", what=heads[name], unit=unit) for name in counted}
    return Drawn(frame, heads, dict.fromkeys(counted, "%,.2f")), unit
