"""Reconciliation of two runs: how much of a change comes from the code, data, assumptions, rules, and chance.

Old code cannot be run again, so its part stands first and apart: what today's code makes of a kept run, less what was
kept. The other parts are mixed with today's code in every combination and shared out whatever their order (see
`explain`), so that all parts add up exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from simulation import measures
from simulation.assumptions import ASSUMED, Assumptions, uncertain
from simulation.explain import shapley
from simulation.loading import parsed
from simulation.model import simulate
from simulation.results import EVENTS, QUANTITIES, Result
from simulation.runs import Manifest, scenario_of
from simulation.scenario import Scenario
from simulation.terms import Mapper, refuse, words

PARTS = {
    "code": words("程序版本", "Code"),
    "data": words("数据", "Data"),
    "assumptions": words("假设", "Assumptions"),
    "rules": words("政策规则", "Policy rules"),
    "chance": words("模拟次数、种子与引擎", "Chance: draws, seed, engine"),
}
MIXED = tuple(PARTS)[1:]  # the parts that today's code can mix
PUBLISHED = ("law", "bulletin")  # a value of such a source is data, one of another is an assumption
FIGURES = (*QUANTITIES, *EVENTS)
NOTHING = 1e-9  # of a figure: a smaller part of its change is how computers round
TOGETHER = words("两次运行的人群、机构划分或年份不同：数据与假设的变化并入政策规则",
                 "The two runs divide people or providers differently or cover other years: the change of data and "
                 "assumptions stands with the rules")


class Kept(NamedTuple):
    """A run as a folder keeps it."""

    manifest: Manifest
    figures: dict


def reconcile(previous: Manifest, figures: dict, present: Result | Kept, mapped: Mapper = map,
              progress: Callable[[float], None] | None = None) -> pd.DataFrame:
    """From a kept run to a present or another kept one: a row a year and quantity, columns previous, `PARTS`, present.

    Quantities are means in their unit, events probabilities; the five parts add up to present less previous. An
    assumption that is not the same in both is data where its source today is a law or a bulletin. Of two kept runs,
    `code` is what today's code would change in both. Raises `BadInput` where the two have no year in common.

    >>> from simulation import simulate
    >>> run = simulate("benxi_2008", draws=16, engine="table")
    >>> same = reconcile(Manifest(**run.manifest), measures.report(run), run)
    >>> float(same[list(PARTS)].abs().to_numpy().max())
    0.0
    """
    later = present.manifest if isinstance(present, Kept) else Manifest(**present.manifest)
    old, new = scenario_of(previous), scenario_of(later) if isinstance(present, Kept) else present.scenario
    years = sorted(set(old.horizon()) & set(new.horizon()))
    if not years:
        raise refuse(new.name, words("两次运行没有共同的年份", "the two runs have no year in common"),
                     words("请选择年份重叠的运行", "choose runs whose years overlap"))
    players = moving(old, new, previous, later)
    made = {} if isinstance(present, Kept) else {(1 << len(players)) - 1: told(measures.report(present), years)}
    left = [coalition for coalition in range(1 << len(players)) if coalition not in made]
    tasks = [task(old, new, previous, later, [player for n, player in enumerate(players) if coalition >> n & 1], years)
             for coalition in left]
    for coalition, answer in zip(left, mapped(figures_of, tasks), strict=True):
        made[coalition] = np.array(answer)
        if progress:
            progress(len(made) / (1 << len(players)))
    before, renewed = told(figures, years), made[(1 << len(players)) - 1]
    after = told(present.figures, years) if isinstance(present, Kept) else renewed
    parts = dict.fromkeys(MIXED, np.zeros_like(before))
    parts |= dict(zip(players, shapley(len(players), made), strict=True)) if players else {}
    parts["code"] = (made[0] - before) + (after - renewed)
    frame = {"year": np.tile(years, len(FIGURES)), "quantity": np.repeat(FIGURES, len(years)), "previous": before}
    return pd.DataFrame(frame | {part: parts[part] for part in PARTS} | {"present": after})


def moved(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a reconciliation in which something moved a figure, with nothing for a part that is only rounding.

    >>> row = {"previous": 1e6, **dict.fromkeys(PARTS, 0.0), "present": 1e6}
    >>> found = moved(pd.DataFrame([row, row | {"code": 1e-7}, row | {"code": 1e-7, "rules": 5.0}]))
    >>> found[["code", "rules"]].to_dict()
    {'code': {2: 0.0}, 'rules': {2: 5.0}}
    """
    size, parts = table[["previous", "present"]].abs().max(axis=1), table[list(PARTS)]
    parts = parts.mask(parts.abs().le(NOTHING * size, axis=0), 0.0)
    return table.assign(**parts)[(parts != 0).any(axis=1)]


def moving(old: Scenario, new: Scenario, previous: Manifest, later: Manifest) -> list[str]:
    """The parts that differ between two runs, beside the code; what cannot be told apart stands with the rules."""
    ran = lambda made: (made.draws, made.seed, made.engine)  # noqa: E731
    chance = ["chance"] if ran(previous) != ran(later) else []
    if not alike(old, new):
        return ["rules", *chance]
    return [part for part in MIXED[:-1] if mix(old, new, [part]) != mix(old, new, [])] + chance


def task(old: Scenario, new: Scenario, previous: Manifest, later: Manifest, parts: Sequence[str],
         years: Sequence[int]) -> dict:
    """One run of today's code as plain data: the old one with some parts of the new."""
    made = later if "chance" in parts else previous
    both = new if "rules" in parts and not alike(old, new) else mix(old, new, parts)
    return {"scenario": both.text(), "draws": made.draws, "seed": made.seed, "engine": made.engine,
            "years": list(years)}


def figures_of(task: dict) -> list[float]:
    """A run's means and probabilities in some years, in the order of `FIGURES`."""
    result = simulate(parsed(task["scenario"]), task["draws"], task["seed"], task["engine"])
    return told(measures.report(result), task["years"]).tolist()


def alike(old: Scenario, new: Scenario) -> bool:
    """Whether the assumptions of one scenario fit into the other: the same axes and the same years."""
    a, b = old.axes, new.axes
    return (a.names, a.ages, old.horizon()) == (b.names, b.ages, new.horizon())


def mix(old: Scenario, new: Scenario, parts: Sequence[str]) -> Scenario:
    """The old scenario with the rules, the data or the assumptions of the new; with all, the new one."""
    if {"rules", "data", "assumptions"} <= set(parts):
        return new
    book = new if "rules" in parts else old
    return book.model_copy(update={
        "name": old.name, "title": old.title, "story": old.story, "provisions": old.provisions,
        "documents": {**old.documents, **new.documents},
        "assumptions": with_assumptions(old.assumptions, new.assumptions, parts)})


def with_assumptions(old: Assumptions, new: Assumptions, parts: Sequence[str]) -> Assumptions:
    """The old assumptions with those of the new that are data, that are not, or both; correlations are not data."""
    sections = {}
    for section, model in ASSUMED.items():
        was, now = getattr(old, section), getattr(new, section)
        taken = {name: getattr(now, name) for name in model.model_fields
                 if ("data" if getattr(now, name).source.status in PUBLISHED else "assumptions") in parts
                 and unlike(getattr(was, name), getattr(now, name))}
        sections[section] = was.model_copy(update=taken)
    mixed = old.model_copy(update=sections)
    known = uncertain(mixed)  # a correlation is of assumptions that are uncertain
    pairs = (new if "assumptions" in parts else old).correlations
    return mixed.model_copy(update={"correlations": tuple(
        pair for pair in pairs if set(pair.between) <= set(known))})


def unlike(was: object, now: object) -> bool:
    """Whether two assumptions differ in more than where they come from."""
    return was.model_dump(exclude={"source"}) != now.model_dump(exclude={"source"})


def told(report: dict, years: Sequence[int]) -> np.ndarray:
    """The means and probabilities of a report, year by year within each of `FIGURES`."""
    return np.array([figure(report, year, name) for name in FIGURES for year in years])


def figure(report: dict, year: int, name: str) -> float:
    """A mean, or a probability, of a year; missing where an older version did not report it, or the file is damaged."""
    try:
        (row,) = [row for row in report["years"] if row["year"] == year]
        return float(row[name]["value" if name in EVENTS else "mean"])
    except (KeyError, TypeError, ValueError):
        return float("nan")
