"""A sweep: every area under every policy, as one tidy frame; a county, or a whole country.

Runs go out in tasks that share what they can. A task's areas differ in nothing but how many people they have and what
their funds hold, and stand under one policy after the other, so that a benefit rule is settled once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulation.areas import Area, area_of, built
from simulation.loading import parsed
from simulation.measures import chances, summary
from simulation.model import check_run, simulate
from simulation.proposals import BASE, Proposal, check, under
from simulation.scenario import Scenario
from simulation.terms import Mapper, refuse, short, words
from simulation.variance import check_names

OF = ("income", "expenditure", "balance_end", "surplus_ratio", "balance_ratio")
POINTS = ("p05", "p50", "p95")
COLUMNS = ("area", "policy", "year", "quantity", "mean", "se", *POINTS)
AT_ONCE = 8  # runs in a task: some seconds, so that handing it out costs little and losing it too
SIZES = ("residents", "people.residents", "account.opening_balance")  # columns that no settled table knows


class Sweep(NamedTuple):
    """The answers of a sweep, and what was asked."""

    table: pd.DataFrame  # `COLUMNS`: see `sweep`
    areas: tuple[str, ...]
    policies: tuple[Proposal, ...]


def sweep(scenarios: Sequence[Scenario | Area | str], policies: Sequence[Proposal] = (BASE,), draws: int = 1024,
          seed: int = 20080101, engine: str = "table", of: tuple[str, ...] = OF, mapped: Mapper = map,
          progress: Callable[[float], None] | None = None) -> Sweep:
    """Every area under every policy: a row an area, policy, year and quantity or event.

    `mean`, `p05`, `p50` and `p95` of a quantity in its unit; of an event, such as `p_deficit`, its chance as `mean`
    with its standard error as `se`, and no quantiles. All areas have the same draws: what two differ by is theirs, but
    the yearly shocks of all move together, so that intervals of areas must not be added up. Of a city of several
    counties, the whole city. Rows come task by task (`tasks_of`), in one order however the tasks are `mapped`.

    >>> found = sweep(["benxi_2008"], draws=64, of=("balance_end",))
    >>> found.table[["policy", "quantity"]].iloc[0].tolist(), len(found.table)
    (['base', 'balance_end'], 60)
    """
    areas = areas_of(scenarios)
    pieces = list(frames(areas, policies, draws, seed, engine, of, mapped, progress))
    return Sweep(pd.concat(pieces, ignore_index=True), tuple(area.name for area in areas), tuple(policies))


def areas_of(scenarios: Sequence[Scenario | Area | str]) -> list[Area]:
    """Scenarios and areas as areas, each with a name of its own."""
    areas = [given if isinstance(given, Area) else area_of(given) for given in scenarios]
    names = [area.name for area in areas]
    if not names:
        raise refuse("areas", words("没有地区", "there is no area"), words("请给出情景或地区表",
                                                                           "name scenarios or a table of areas"))
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise refuse(short(twice), words("地区名称重复", "two areas have this name"), words("请改名", "rename one"))
    return areas


def frames(areas: Sequence[Area], policies: Sequence[Proposal], draws: int, seed: int, engine: str, of: tuple[str, ...],
           mapped: Mapper, progress: Callable[[float], None] | None = None) -> Iterator[pd.DataFrame]:
    """The table of a sweep in pieces, one a task, so that none need hold it whole."""
    check_run(draws, seed, engine)
    check_names(of)
    check(policies, [parsed(text) for text in dict.fromkeys(area.template for area in areas)])
    total, done = len(areas) * len(policies), 0
    if progress:
        progress(0.0)
    for answers in mapped(answered, (task | {"draws": draws, "seed": seed, "engine": engine, "of": list(of)}
                                     for task in tasks_of(areas, policies))):
        yield pd.concat([frame_of(answer) for answer in answers], ignore_index=True)
        done += len(answers)
        if progress:
            progress(done / total)


def tasks_of(areas: Sequence[Area], policies: Sequence[Proposal]) -> Iterator[dict[str, Any]]:
    """What to run, `AT_ONCE` runs a task at most: areas with the same prices and care together, else policies.

    >>> county = Area("a", "text")
    >>> [len(task["policies"]) for task in tasks_of([county], [BASE] * 20)]
    [8, 8, 4]
    >>> others = [county._replace(name=str(n), values=(("residents", n),)) for n in range(20)]
    >>> [(len(task["areas"]), len(task["policies"])) for task in tasks_of(others, [BASE] * 2)]
    [(8, 1), (8, 1), (8, 1), (8, 1), (4, 2)]
    """
    groups: dict[tuple, list[Area]] = {}
    for area in areas:
        priced = tuple((column, value) for column, value in area.values if not column.startswith(SIZES))
        groups.setdefault((area.template, priced), []).append(area)
    for (template, _), group in groups.items():
        for block in blocks(group, AT_ONCE):
            for some in blocks(policies, AT_ONCE // len(block)):
                yield {"template": template, "areas": [[area.name, area.values] for area in block],
                       "policies": [proposal.model_dump(mode="json") for proposal in some]}


def blocks(of: Sequence, most: int) -> list[Sequence]:
    """A sequence cut into parts of so many."""
    return [of[start:start + most] for start in range(0, len(of), most)]


def answered(task: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers of a task, area by area: `figures` (mean and `POINTS`, t) and `events` (value and se, t), by name.

    Made policy by policy, so that the areas use one rule book's tables while they are at hand.
    """
    found = {}
    for p, policy in enumerate(task["policies"]):
        for a, (name, values) in enumerate(task["areas"]):
            area = Area(name, task["template"], tuple((column, value) for column, value in values))
            run = simulate(under(built(area), Proposal.model_validate(policy)), task["draws"], task["seed"],
                           task["engine"])
            figures, events = summary(run, tuple(task["of"])), chances(run)
            found[a, p] = {
                "area": name, "policy": policy["name"], "years": list(run.scenario.horizon()),
                "figures": {quantity: own[["mean", *POINTS]].T.values.tolist()
                            for quantity, own in figures.groupby("quantity", sort=False)},
                "events": {event: own[["value", "se"]].T.values.tolist()
                           for event, own in events.groupby("event", sort=False)}}
    return [found[at] for at in sorted(found)]


def frame_of(answer: dict[str, Any]) -> pd.DataFrame:
    """One run's answer as rows of `COLUMNS`."""
    years, figures, events = answer["years"], answer["figures"], answer["events"]
    nothing = np.full((len(events), len(years)), np.nan)
    of = np.array(list(figures.values())).transpose(1, 0, 2)  # (mean and points, quantity, t)
    chance = np.array(list(events.values())).transpose(1, 0, 2)
    columns = {"mean": (of[0], chance[0]), "se": (np.full(of[0].shape, np.nan), chance[1]),
               **{point: (values, nothing) for point, values in zip(POINTS, of[1:], strict=True)}}
    return pd.DataFrame({
        "area": answer["area"], "policy": answer["policy"], "year": np.tile(years, len(figures) + len(events)),
        "quantity": np.repeat([*figures, *events], len(years)),
        **{name: np.concatenate(both).ravel() for name, both in columns.items()}})[list(COLUMNS)]
