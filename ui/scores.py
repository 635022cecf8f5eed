"""The scorecard of the service standards as a page shows it: what counts as met, and what each measure rests on."""

from __future__ import annotations

from typing import Any

import pandas as pd

from report.diagrams import STATES
from report.studies import Study
from report.tables import Drawn
from report.text import number, percent, say, unit_text
from simulation import cited
from simulation.scenario import Scenario
from simulation.scorecard import SERVICES, standards
from simulation.terms import OFF

SURE = 0.95  # share of draws from which a standard counts as met; below 1 - SURE it counts as missed
# Levers that a standard is held against: the same in every draw.
DECIDED = ("contracted_rate_bonus", "key_contract_coverage", "poor_contribution", "quality_coefficient",
           "special_fund_growth", "awareness")
BASES = ("model", "rule", "assumption")  # what a standard's measure rests on


def basis(measure: str) -> str:
    """What a standard's measure rests on: the fund model, a rule of the policy, or a stated assumption.

    >>> basis("take_up"), basis("awareness"), basis("nurses")
    ('model', 'rule', 'assumption')
    """
    return "assumption" if measure in SERVICES else "rule" if measure in DECIDED else "model"


def state(met: float) -> str:
    """Whether a standard counts as met, open or missed, by the share of draws that meet it.

    >>> state(0.99), state(0.5), state(0.0)
    ('met', 'open', 'missed')
    """
    return "met" if met >= SURE else "missed" if met <= 1 - SURE else "open"


def defaults(scenario: Scenario) -> int:
    """How many of the stated assumptions the scenario does not state itself, so that the model's defaults stand in."""
    return sum(getattr(scenario.assumptions.services, name).source == OFF for name in SERVICES)


def sheet(study: Study, language: str) -> Drawn:
    """The scorecard in words, a row a standard and year, by what it rests on; values in the standard's unit."""
    measures = {item.id: item.measure for item in standards().standards}
    frame = study.scorecard.copy()
    frame["basis"] = [basis(measures[name]) for name in frame["id"]]
    frame["title"] = frame[f"title_{language}"]
    frame["clause"] = [cited.article(text, language) for text in frame["clause"]]
    frame["state"] = [state(met) for met in frame["met"]]
    frame["told"] = [
        say(language, "standards.told", threshold=threshold(item, language), clause=item.clause,
            value=measure_text(item.value, item.unit, language)) for item in frame.itertuples()]
    frame["unit"] = [unit_text(unit, language) for unit in frame["unit"]]
    order = {name: n for n, name in enumerate(BASES)}
    frame = frame.sort_values("basis", key=lambda names: names.map(order), kind="stable").reset_index(drop=True)
    columns = ["basis", "title", "year", "direction", "threshold", "unit", "value", "met", "state", "clause", "told"]
    return Drawn(frame[columns], {name: say(language, f"standards.column.{name}") for name in columns})


def in_year(study: Study, year: int, language: str) -> Drawn:
    """The scorecard of one year as a table of words, in the order of the grid."""
    measures = {item.id: item.measure for item in standards().standards}
    rows = [{"basis": say(language, f"standards.basis.{basis(measures[item.id])}"),
             "title": getattr(item, f"title_{language}"), "threshold": threshold(item, language),
             "value": measure_text(item.value, item.unit, language),
             "met": percent(item.met), "state": state_text(state(item.met), language),
             "clause": cited.article(item.clause, language), "order": BASES.index(basis(measures[item.id]))}
            for item in study.scorecard[study.scorecard["year"] == year].itertuples()]
    frame = pd.DataFrame(rows).sort_values("order", kind="stable").drop(columns="order").reset_index(drop=True)
    return Drawn(frame, {name: say(language, f"standards.column.{name}") for name in frame.columns})


def in_words(drawn: Drawn, language: str) -> Drawn:
    """The scorecard for a file: codes of basis, direction and state as words, and no text of a hover label."""
    frame = drawn.frame.drop(columns="told")
    for column, phrase in (("basis", "standards.basis."), ("direction", "standards."), ("state", "standards.state.")):
        frame[column] = [say(language, f"{phrase}{code}") for code in frame[column]]
    return Drawn(frame, {name: drawn.heads[name] for name in frame.columns})


def state_text(name: str, language: str) -> str:
    """A state with its mark."""
    return f"{STATES[name][0]}\u00a0{say(language, f'standards.state.{name}')}"


def threshold(item: Any, language: str) -> str:
    """A standard's threshold with its direction."""
    return say(language, f"standards.{item.direction}") + measure_text(item.threshold, item.unit, language)


def measure_text(value: float, unit: str, language: str) -> str:
    """A measure as people write it.

    >>> measure_text(0.001, "share", "en"), measure_text(14.6, "minutes", "zh"), measure_text(1.1, "number", "en")
    ('0.1%', '14.6 分钟', '1.1')
    """
    if unit in ("share", "rate", "per_year"):
        return f"{number(100 * value, '.3g')}%"
    text = number(value, ",.3g")
    return text if unit == "number" else f"{text} {unit_text(unit, language)}"
