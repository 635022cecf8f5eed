"""Counties that share risk: who pays whom, and how each fares under each way of pooling."""

from __future__ import annotations

import pandas as pd

from report.studies import Study
from report.tables import FORMS, Drawn, money_unit
from report.text import say
from simulation.results import MORE, QUANTITIES
from simulation.scenario import Scenario
from ui.studies import METHODS


def transfers(study: Study, scenario: Scenario, language: str) -> tuple[Drawn, dict[str, str], str]:
    """Mean transfer of each county by year, received positive; with it the counties' names and the unit."""
    wide = study.counties.pivot(index="year", columns="area", values="transfer")
    names = {area: name[language] for area, name in scenario.axes.area.items()}
    wide = wide[list(names)]
    divisor, unit = money_unit(wide.abs().max(axis=None), language)
    frame = (wide / divisor).round(9).reset_index().rename_axis(columns=None)
    heads = {area: say(language, "column.share", what=name, unit=unit) for area, name in names.items()}
    drawn = Drawn(frame, {"year": say(language, "column.year")} | heads, dict.fromkeys(names, FORMS["yuan"]))
    return drawn, names, unit


def adjustment(study: Study, language: str) -> tuple[Drawn, str]:
    """The balance of the adjustment fund by year, and its unit."""
    frame = study.adjustment[["year", "p05", "p50", "p95"]].reset_index(drop=True)
    divisor, unit = money_unit(frame["p95"].max(), language)
    frame[["p05", "p50", "p95"]] /= divisor
    heads = {name: say(language, "column.share", what=say(language, f"column.{name}"), unit=unit)
             for name in ("p05", "p50", "p95")}
    return Drawn(frame, {"year": say(language, "column.year")} | heads, dict.fromkeys(heads, FORMS["yuan"])), unit


SHOWN = ("county", "method", "p_deficit", "p_deficit_se", "p_insolvent", "balance_ratio", "transfer", "income",
         "expenditure", "balance_end", "enrolled")  # of one year, what is asked first


def sheet(found: pd.DataFrame, scenario: Scenario, language: str, year: int | None = None) -> Drawn:
    """The counties under each way of pooling in one year, or in all of them; money in the unit of the heads."""
    frame = found if year is None else found[found["year"] == year]
    columns = ["year", "county", "method", "enrolled", "income", "expenditure", "transfer", "balance_end",
               "balance_ratio", "p_deficit", "p_deficit_se", "p_insolvent"]
    money = ["income", "expenditure", "transfer", "balance_end"]
    divisor, unit = money_unit(found[money].abs().max(axis=None), language)
    frame = frame.assign(
        county=frame["area"].map({area: name[language] for area, name in scenario.axes.area.items()}),
        method=frame["method"].map({name: say(language, f"choice.{name}") for name in METHODS}),
        **{name: (frame[name] / divisor).round(9) for name in money})
    named = {name: say(language, "column.share", what=(QUANTITIES | MORE)[name][0][language], unit=unit)
             if name in money else say(language, f"areas.column.{name}") for name in columns}
    forms = {"year": FORMS["year"], "enrolled": FORMS["persons"], **dict.fromkeys(money, FORMS["yuan"])}
    return Drawn(frame[columns].reset_index(drop=True), named, forms)
