"""Reconciliation with the previous run: how much of a change comes from the code, assumptions, rules, and draws.

One thing is replaced after the other, in that order, so the parts add up exactly; another order would share what
they do together differently.
"""

from __future__ import annotations

from itertools import pairwise

import pandas as pd

from simulation import measures
from simulation.model import simulate
from simulation.results import EVENTS, QUANTITIES, Result
from simulation.runs import Manifest, scenario_of
from simulation.scenario import Scenario
from simulation.terms import refuse, words

PARTS = {
    "code": words("程序版本", "Code"),
    "assumptions": words("数据与假设", "Data and assumptions"),
    "rules": words("政策规则", "Policy rules"),
    "draws": words("模拟次数与种子", "Draws and seed"),
}
TOGETHER = words("两次运行的人群、机构划分或年份不同：数据与假设的变化并入政策规则",
                 "The two runs divide people or providers differently or cover other years: the change of assumptions "
                 "stands with the rules")


def reconcile(previous: Manifest, figures: dict, present: Result) -> pd.DataFrame:
    """From a kept run to the present one: a row a year and quantity or event, with columns previous, `PARTS`, present.

    Quantities are means in their unit, events probabilities; the four parts add up to present less previous. Raises
    `BadInput` where the two have no year in common.

    >>> from simulation import simulate
    >>> run = simulate("benxi_2008", draws=16, engine="table")
    >>> same = reconcile(Manifest(**run.manifest), measures.report(run), run)
    >>> float(same[list(PARTS)].abs().to_numpy().max())
    0.0
    """
    old, new = scenario_of(previous), present.scenario
    years = sorted(set(old.horizon()) & set(new.horizon()))
    if not years:
        raise refuse(new.name, words("两次运行没有共同的年份", "the two runs have no year in common"),
                     words("请选择年份重叠的运行", "choose runs whose years overlap"))

    def again(scenario: Scenario) -> dict:
        return measures.report(simulate(scenario, previous.draws, previous.seed, previous.engine))

    renewed = again(old)
    assumed = again(with_assumptions(old, new)) if alike(old, new) else renewed
    stages = [figures, renewed, assumed, again(new), measures.report(present)]
    rows = []
    for name in (*QUANTITIES, *EVENTS):
        for year in years:
            steps = [figure(stage, year, name) for stage in stages]
            rows.append({"year": year, "quantity": name, "previous": steps[0], **{
                part: after - before for part, (before, after) in zip(PARTS, pairwise(steps), strict=True)},
                "present": steps[-1]})
    return pd.DataFrame(rows)


def alike(old: Scenario, new: Scenario) -> bool:
    """Whether the assumptions of one scenario fit into the other: the same axes and the same years."""
    return old.axes.names == new.axes.names and old.axes.ages == new.axes.ages and old.horizon() == new.horizon()


def with_assumptions(old: Scenario, new: Scenario) -> Scenario:
    """The old rule book on the new assumptions."""
    return old.model_copy(update={"assumptions": new.assumptions, "documents": {**old.documents, **new.documents}})


def figure(report: dict, year: int, name: str) -> float:
    """A mean, or a probability, of a year; missing where an older version did not report it, or the file is damaged."""
    try:
        (row,) = [row for row in report["years"] if row["year"] == year]
        return float(row[name]["value" if name in EVENTS else "mean"])
    except (KeyError, TypeError, ValueError):
        return float("nan")
