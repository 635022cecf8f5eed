"""Who pays: for the fund, and for the care of the insured."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from report.tables import Drawn, money_unit
from report.text import say
from simulation.results import Result

# What comes in, as shares of the fund's income; what care costs, as shares of total expense. Each adds up to its whole.
SOURCES = {"individual_income": ("individual_income",), "subsidy_income": ("subsidy_income",),
           "other": ("other_income", "interest")}
BEARERS = {"fund": ("inpatient_paid", "chronic", "outpatient"), "critical": ("critical",),
           "assistance": ("assistance",), "commercial": ("commercial",), "out_of_pocket": ("out_of_pocket",)}
EACH = ("individual_income", "subsidy_income", "out_of_pocket")
WHOLES = {"income": SOURCES, "expense": BEARERS}


class Bearing(NamedTuple):
    """Means over the draws of what comes in and what care costs, yuan, with the insured, in two years."""

    years: tuple[int, int]  # the first and the last
    first: dict[str, float]
    last: dict[str, float]


def bearing(result: Result) -> Bearing:
    """The means of the first and last year of the whole fund."""
    names = {name for of in WHOLES.values() for parts in of.values() for name in parts} | set(WHOLES) | {"enrolled"}
    of = lambda at: {name: float(result.data[name].isel(year=at, area=0).mean()) for name in names}  # noqa: E731
    return Bearing((result.scenario.first_year, result.scenario.horizon()[-1]), of(0), of(-1))


def table(now: Bearing, before: Bearing | None, language: str) -> tuple[Drawn, str]:
    """Amounts and shares of who pays in the first and last year, and shares of the last year before a change."""
    years, old = {"first": now.years[0], "last": now.years[1]}, before.last if before is not None else None
    divisor, unit = money_unit(max(now.last["expense"], now.last["income"]), language)
    rows = []
    for whole, items in WHOLES.items():
        for item, parts in items.items():
            amount = {name: sum(of[part] for part in parts) for name, of in (
                ("first", now.first), ("last", now.last), *((("old", old),) if old else ()))}
            if not any(amount.values()):
                continue
            row = {"of": say(language, f"brief.payer.of_{whole}"), "payer": say(language, f"brief.payer.{item}"),
                   "first": amount["first"] / divisor, "first_share": amount["first"] / now.first[whole],
                   "last": amount["last"] / divisor, "last_share": amount["last"] / now.last[whole]}
            if old:
                row["old_share"] = amount["old"] / old[whole]
            rows.append(row)
    frame = pd.DataFrame(rows)
    heads = {name: say(language, f"brief.payer.column.{name}", unit=unit, **years)
             for name in frame.columns}
    return Drawn(frame, heads, dict.fromkeys(("first", "last"), "%,.2f")), unit


def sentence(now: Bearing, before: Bearing | None, language: str) -> str:
    """What an insured person pays in contributions and out of pocket, and what government adds, yuan a year."""
    told = {name: each(now, name, language) for name in EACH}
    if before is not None:
        told = {name: say(language, "finding.was", now=text, before=each(before, name, language))
                for name, text in told.items()}
    return say(language, "brief.payers", year=now.years[1], **told)


def each(bears: Bearing, name: str, language: str) -> str:
    """A mean of the last year for each insured person."""
    return say(language, "brief.yuan", amount=f"{bears.last[name] / bears.last['enrolled']:,.0f}")
