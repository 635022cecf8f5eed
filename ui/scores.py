"""The scorecard of the service standards as a page shows it: what counts as met, and what each measure rests on."""

from __future__ import annotations

from typing import Any

import pandas as pd

from report.diagrams import STATES, SURE, chance
from report.studies import Study
from report.tables import Drawn
from report.text import number, say, unit_text
from simulation import cited
from simulation.scenario import Scenario
from simulation.scorecard import SERVICES, standards
from simulation.terms import OFF

# Measures that are levers, the same in every draw, and the lever of each; without the lever there is no measure.
DECIDED = {"contracted_rate_bonus": "contracts.rate_bonus", "key_contract_coverage": "contracts.coverage",
           "poor_contribution": "financing.contribution", "quality_coefficient": "payment.quality_coefficient",
           "special_fund_growth": "care.special_fund_growth", "awareness": "enrolment.awareness"}
LEVERS = DECIDED | {"contract_coverage": "contracts.coverage"}
NONE = "—"
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


def is_set(scenario: Scenario, measure: str) -> bool:
    """Whether the scenario states in any year the lever that a measure needs, if it needs one."""
    section, _, name = LEVERS.get(measure, "").partition(".")
    return not name or any(getattr(getattr(policy, section), name).source != OFF for policy in scenario.policies())


def judged(study: Study, scenario: Scenario, language: str) -> pd.DataFrame:
    """The scorecard with what each standard rests on and its state; no chance where the scenario has no such lever."""
    measures = {item.id: item.measure for item in standards().standards}
    frame = study.scorecard.copy()
    known = [is_set(scenario, measures[name]) for name in frame["id"]]
    frame["basis"] = [basis(measures[name]) for name in frame["id"]]
    frame["title"] = frame[f"title_{language}"]
    frame["clause"] = [cited.article(text, language) for text in frame["clause"]]
    frame["state"] = [state(met) if one else "unset" for met, one in zip(frame["met"], known, strict=True)]
    frame["met"] = frame["met"].where(known)
    return frame.sort_values("basis", key=lambda names: names.map(BASES.index), kind="stable").reset_index(drop=True)


def sheet(study: Study, scenario: Scenario, language: str) -> Drawn:
    """The scorecard in words, a row a standard and year, by what it rests on; values in the standard's unit."""
    frame = judged(study, scenario, language)
    frame["told"] = [
        say(language, "standards.told", threshold=threshold(item, language), clause=item.clause,
            value=measure_text(item.value, item.unit, language)) for item in frame.itertuples()]
    frame["unit"] = [unit_text(unit, language) for unit in frame["unit"]]
    columns = ["basis", "title", "year", "direction", "threshold", "unit", "value", "met", "state", "clause", "told"]
    return Drawn(frame[columns], {name: say(language, f"standards.column.{name}") for name in columns})


def in_year(study: Study, scenario: Scenario, year: int, language: str) -> Drawn:
    """The scorecard of one year as a table of words, in the order of the grid."""
    frame = judged(study, scenario, language)
    rows = [{"basis": say(language, f"standards.basis.{item.basis}"), "title": item.title,
             "threshold": threshold(item, language), "value": measure_text(item.value, item.unit, language),
             "met": NONE if item.state == "unset" else chance(item.met, item.state),
             "state": state_text(item.state, language), "clause": item.clause}
            for item in frame[frame["year"] == year].itertuples()]
    frame = pd.DataFrame(rows)
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
    >>> measure_text(0.05, "points", "zh")
    '5 个百分点'
    """
    if unit in ("share", "rate", "per_year"):
        return f"{number(100 * value, '.3g')}%"
    text = number(100 * value if unit == "points" else value, ",.3g")
    return text if unit == "number" else f"{text} {unit_text(unit, language)}"
