"""Who pays: for the fund, and for the care of the insured."""

from __future__ import annotations

import pandas as pd

from report.tables import Drawn, money_unit
from report.text import say
from simulation.results import Result

# What comes in, as shares of the fund's income; what care costs, as shares of total expense. Each adds up to its whole.
SOURCES = {"individual_income": ("individual_income",), "subsidy_income": ("subsidy_income",),
           "other": ("other_income", "interest")}
BEARERS = {"fund": ("inpatient_paid", "chronic", "outpatient"), "critical": ("critical",),
           "assistance": ("assistance",), "commercial": ("commercial",), "out_of_pocket": ("out_of_pocket",)}
WHOLES = {"income": SOURCES, "expense": BEARERS}


def means(result: Result, at: int) -> dict[str, float]:
    """Mean of every item of a year of the whole fund, yuan; `at` counts the years."""
    names = {name for of in WHOLES.values() for parts in of.values() for name in parts} | set(WHOLES) | {"enrolled"}
    return {name: float(result.data[name].isel(year=at, area=0).mean()) for name in names}


def table(result: Result, before: Result | None, language: str) -> tuple[Drawn, str]:
    """Amounts and shares of who pays in the first and last year, and shares of the last year before a change."""
    years = result.data["year"].values
    first, last = means(result, 0), means(result, -1)
    old = means(before, -1) if before is not None else None
    divisor, unit = money_unit(max(last["expense"], last["income"]), language)
    rows = []
    for whole, items in WHOLES.items():
        for item, parts in items.items():
            amount = {name: sum(of[part] for part in parts) for name, of in (
                ("first", first), ("last", last), *((("old", old),) if old else ()))}
            if not any(amount.values()):
                continue
            row = {"of": say(language, f"brief.payer.of_{whole}"), "payer": say(language, f"brief.payer.{item}"),
                   "first": amount["first"] / divisor, "first_share": amount["first"] / first[whole],
                   "last": amount["last"] / divisor, "last_share": amount["last"] / last[whole]}
            if old:
                row["old_share"] = amount["old"] / old[whole]
            rows.append(row)
    frame = pd.DataFrame(rows)
    heads = {name: say(language, f"brief.payer.column.{name}", first=years[0], last=years[-1], unit=unit)
             for name in frame.columns}
    return Drawn(frame, heads, dict.fromkeys(("first", "last"), "%,.2f")), unit


def sentence(result: Result, language: str) -> str:
    """What an insured person pays in contributions and out of pocket, and what government adds, yuan a year."""
    year, last = int(result.data["year"].values[-1]), means(result, -1)
    head = {name: f"{last[name] / last['enrolled']:,.0f}"
            for name in ("individual_income", "subsidy_income", "out_of_pocket")}
    return say(language, "brief.payers", year=year, **head)
