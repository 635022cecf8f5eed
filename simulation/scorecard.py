"""The standards scorecard: each threshold of the service standards met or missed, year by year (digest P5)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from simulation.model import futures_of
from simulation.reading import build, read_text, read_yaml
from simulation.results import Result
from simulation.steps.fund import ratio
from simulation.terms import Document, Record, Words
from simulation.trees import dense

STANDARDS = Path(__file__).resolve().parent.parent / "data" / "standards.yaml"
SERVICES = ("satisfaction", "chronic_managed", "rational_drugs", "adverse_events", "general_practitioners", "nurses",
            "minutes_town", "minutes_village", "list_overlap", "facility_use")  # no fund account shows these


class Standard(Record):
    """One threshold: what is measured, against what, from which year, and the clause."""

    id: str
    title: Words
    measure: str
    threshold: float
    direction: Literal["at_least", "at_most"]
    from_year: int
    unit: str
    clause: str


class Standards(Record):
    """The scorecard's thresholds and the document they come from."""

    document: Document
    standards: tuple[Standard, ...]


@lru_cache(maxsize=1)
def standards() -> Standards:
    """The thresholds of `data/standards.yaml`.

    >>> standards().standards[0].threshold
    0.7
    """
    return build(Standards, read_yaml(read_text(STANDARDS), STANDARDS.name), STANDARDS.name)


def scorecard(result: Result) -> pd.DataFrame:
    """Every standard in every year in which it holds: median value and the share of draws that meet it.

    Columns id, title_zh, title_en, year, unit, direction, threshold, value, met, clause. With a later standard
    on the same measure the earlier one ends.
    """
    rows = []
    known = standards().standards
    for standard in known:
        draws = measured(result, standard.measure)
        later = [other.from_year for other in known
                 if other.measure == standard.measure and other.from_year > standard.from_year]
        for t, year in enumerate(result.scenario.horizon()):
            if not standard.from_year <= year < min(later, default=9999):
                continue
            met = draws[:, t] >= standard.threshold - 1e-9 if standard.direction == "at_least" \
                else draws[:, t] <= standard.threshold + 1e-9
            rows.append({"id": standard.id, "title_zh": standard.title.zh, "title_en": standard.title.en, "year": year,
                         "unit": standard.unit, "direction": standard.direction, "threshold": standard.threshold,
                         "value": float(np.median(draws[:, t])), "met": float(met.mean()), "clause": standard.clause})
    return pd.DataFrame(rows, columns=["id", "title_zh", "title_en", "year", "unit", "direction", "threshold", "value",
                                       "met", "clause"])


def measured(result: Result, measure: str) -> np.ndarray:
    """A standard's measure in every draw and year, (d, t)."""
    data, scenario = result.data, result.scenario
    axes, policies = scenario.axes.members(), scenario.policies()
    draws = data.sizes["draw"]
    of = lambda name: data[name].values[:, :, 0]  # noqa: E731
    lever = lambda section, name, over=(): np.stack(  # noqa: E731
        [dense(getattr(getattr(policy, section), name).value, over, axes) for policy in policies])
    stated = lambda path: np.broadcast_to(path, (draws, len(policies)))  # noqa: E731 - decided, the same in every draw
    primary = [tier in scenario.axes.primary for tier in axes["tier"]]
    if measure == "primary_in_policy_ratio":
        return np.average(of("in_policy_by_tier")[..., primary], axis=2,
                          weights=np.maximum(of("stays_by_tier")[..., primary], 1e-9))
    if measure == "contracted_rate_bonus":
        return stated(lever("contracts", "rate_bonus", ("tier",))[:, primary].mean(axis=1))
    if measure == "contract_coverage":
        return ratio(of("contracted"), of("enrolled"))
    if measure == "key_contract_coverage":  # the oldest group stands for the key populations
        return stated(lever("contracts", "coverage", ("group",))[:, -1])
    if measure == "poor_contribution":
        paid = np.stack([dense(scenario.policy_in(year).financing.contribution.value, ("group", "status"), axes)
                         for year in scenario.horizon()])
        poor = paid[:, :, 1:] if paid.shape[2] > 1 else paid  # the first status is the ordinary one
        return stated(poor.max(axis=(1, 2)))
    if measure in SERVICES:
        return service(result, measure)
    section = {"quality_coefficient": "payment", "special_fund_growth": "care", "awareness": "enrolment"}.get(measure)
    return stated(lever(section, measure)) if section else of(
        {"primary_fund_share": "primary_share"}.get(measure, measure))


def service(result: Result, name: str) -> np.ndarray:
    """A service indicator in every draw and year: it moves towards its standard by the yearly improvement.

    Shares close a part of the gap to all, counts grow, and what should be small shrinks, by as much again for each
    point of growth of the special fund.
    """
    scenario, data = result.scenario, result.data
    futures = futures_of(scenario.model_copy(update={"changes": ()}).text(), data.sizes["draw"],
                         result.manifest["seed"], tuple(scenario.axes.area)[0] if len(scenario.axes.area) > 1 else None)
    growth = np.array([policy.care.special_fund_growth.value for policy in scenario.policies()])
    better = futures.drawn["services.improvement"][:, None] + growth
    steps = np.concatenate([np.zeros((len(better), 1)), np.cumsum(better[:, 1:], axis=1)], axis=1)
    first = futures.drawn[f"services.{name}"][:, None]
    asked = next(item for item in standards().standards if item.measure == name)
    if asked.direction == "at_most":
        return first * np.exp(-steps)
    return 1 - (1 - np.minimum(first, 1.0)) * np.exp(-steps) if asked.unit == "share" else first * np.exp(steps)
