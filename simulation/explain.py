"""Why two scenarios differ: the change of a figure shared among the levers that differ, whatever their order.

The rule books are mixed lever by lever, each mix is simulated on the same draws, and a lever's part is its Shapley
value: what it adds on average over every order in which the levers could be moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from math import factorial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulation import __version__
from simulation.comparable import Entry, Item, check_alike, entered, unlike_assumptions, years_alike
from simulation.compare import (
    SEED,
    by_scrambling,
    check_of,
    error,
    measured,
    packed,
    reading_error,
    shared,
    tidy,
    unpacked,
)
from simulation.loading import parsed
from simulation.model import simulate
from simulation.policy import Policy, policy_terms
from simulation.reference import TITLES
from simulation.results import Result
from simulation.scenario import Scenario, check_year, find_lever
from simulation.streams import error_of, stream
from simulation.terms import Mapper, Words, refuse, words

MANY = 6  # groups, above which not all orders are run: twice the runs for each further one
ORDERS = 16  # sampled where there are more groups, half of them the other half backwards
ASSUMPTIONS = "assumptions"
PARTS = ("year", "quantity", "unit", "group", "part", "se", "se_orders", "alone", "interaction")
TOTALS = ("year", "quantity", "unit", "first", "last", "change", "se", "interaction")
PAIRS = ("year", "quantity", "unit", "first", "second", "interaction")


class Waterfall(NamedTuple):
    """From one scenario to another by groups of levers; see `waterfall`."""

    names: tuple[str, str]
    groups: dict[str, tuple[str, ...]]  # the levers of each group
    titles: dict[str, Words]  # of the groups
    totals: pd.DataFrame  # `TOTALS`
    parts: pd.DataFrame  # `PARTS`
    pairs: pd.DataFrame  # `PAIRS`: what two groups do together alone; empty where orders are sampled
    facts: dict[str, Any]  # draws, seed, engine, model, runs, orders (missing: all of them)


def waterfall(a: Item, b: Item, of: str | Sequence[str] = "balance_end", year: int | None = None,
              groups: str | Mapping[str, Sequence[str]] | None = None, draws: int = 1024, seed: int = SEED,
              engine: str = "auto", orders: int | None = None, mapped: Mapper = map,
              progress: Callable[[float], None] | None = None) -> Waterfall:
    """What each lever does to a figure on the way from one scenario to another, whatever the order.

    `of` names quantities and events; `year` one year, else every year. `groups` is "lever", "section" or a mapping of
    a name to levers or sections; without it, levers where at most `MANY` differ, else sections. In `parts`, `part` is
    a group's Shapley value, `se` its standard error for the draws and `se_orders` for the orders sampled (0 where all
    are run, as with up to `MANY` groups and without `orders`, an odd number of which is raised to the next); `alone` is
    what the group does by itself to the first scenario, `interaction` the rest of its part. In `totals`, parts add up
    to `change`, and `interaction` is the change less what the groups do alone. Assumptions that differ are a group of
    their own. Raises `BadInput` where the scenarios cannot be compared, or do not differ.

    >>> from simulation import load_scenario
    >>> from simulation.scenario import Change
    >>> from simulation.terms import Source
    >>> old = load_scenario("benxi_2008")
    >>> higher = Change(lever="benefits.ceiling", year=2009, value=60000, source=Source(status="assumption"))
    >>> found = waterfall(old, old.changed([higher]), "expenditure", 2010, draws=16, engine="table")
    >>> bool(found.parts["part"].sum() == found.totals["change"].sum() > 0), list(found.groups)
    (True, ['benefits.ceiling'])
    """
    names = (of,) if isinstance(of, str) else tuple(of)
    check_of(names)
    entries = entered([a, b])
    check_alike(entries, draws, seed, engine)
    first, last = (entry.scenario for entry in entries)
    check_axes(entries)
    if year is not None:
        check_year(first, year, f"year {year}")
    grouped = in_groups(differing(first, last), groups)
    if orders is not None and not 1 <= orders <= 1000:
        raise refuse("orders", words("次序数应为 1 到 1000", "there can be 1 to 1000 orders"),
                     words("例如 16", "give one such as 16"))
    sampled = orders or (None if len(grouped) <= MANY else ORDERS)
    sampled = sampled and sampled + sampled % 2  # an order without itself backwards is a poorer sample than a pair
    if sampled and sampled >= factorial(len(grouped)):
        sampled = None  # there are no more
    paths = every_order(len(grouped)) if sampled is None else some_orders(len(grouped), sampled, seed)
    wanted = sorted({coalition for path in paths for coalition in path} | {1 << n for n in range(len(grouped))})
    made = {coalition: entry.result for coalition, entry in zip((0, max(wanted)), entries, strict=True) if entry.result}
    worth, engine = worths(first, last, grouped, wanted, names, (draws, seed, engine), made, mapped, progress)
    years = [year] if year is not None else list(first.horizon())
    kept = [list(first.horizon()).index(each) for each in years]
    same = years_alike(first, last)
    worth = {coalition: shared(worth[0], values, same)[:, :, kept] for coalition, values in worth.items()}
    return Waterfall(
        (entries[0].name, entries[1].name), grouped, {name: titled(name) for name in grouped},
        *frames(worth, list(grouped), paths if sampled else None, names, years, draws, engine),
        {"draws": draws, "seed": seed, "engine": engine, "model": __version__, "runs": len(worth), "orders": sampled})


# --- what differs -----------------------------------------------------------------------------------

def differing(a: Scenario, b: Scenario) -> list[str]:
    """The levers whose value differs in some year or county, in the order of the regulation; last the assumptions."""
    areas = tuple(a.axes.area) or (None,)
    books = [[(s.base_policy(area), *s.policies(area)) for area in areas] for s in (a, b)]
    found = []
    for section, name, term in policy_terms():
        lever = f"{section}.{name}"
        if said(a, lever) == said(b, lever):
            continue
        # A contribution set anew to what it was rises from then on, so that its dates matter as well.
        dated = name in ("contribution", "subsidy") and said(a, lever)[1:] != said(b, lever)[1:]
        ways = [[spread_out(getattr(getattr(policy, section), name).value, term.axes, a) for of_area in of
                 for policy in of_area] for of in books]
        if dated or ways[0] != ways[1]:
            found.append(lever)
    return found + ([ASSUMPTIONS] if unlike_assumptions(a, b) else [])


def said(scenario: Scenario, lever: str) -> tuple:
    """All that a scenario says of a lever: its value, its dated changes and the counties' own rules."""
    section, name = lever.split(".")
    return (getattr(getattr(scenario.policy, section), name).value,
            [(change.lever, change.year, change.value) for change in scenario.changes if of_lever(change, lever)],
            [(rule.area, rule.lever, rule.value) for rule in scenario.local_rules if of_lever(rule, lever)])


def of_lever(change: Any, lever: str) -> bool:
    """Whether a change or a county's rule is of a lever or of a leaf of it."""
    return f"{change.lever}.".startswith(f"{lever}.")


def spread_out(tree: Any, axes: Sequence[str], scenario: Scenario) -> Any:
    """A tree with every member written out, so that equal rules look equal however they were written."""
    if not axes:
        return tree
    if axes[0] == "band":
        bands = tree if isinstance(tree, Mapping) else {"from_0": tree}
        return {key: spread_out(branch, axes[1:], scenario) for key, branch in bands.items()}
    return {member: spread_out(tree[member] if isinstance(tree, Mapping) else tree, axes[1:], scenario)
            for member in scenario.axes.members()[axes[0]]}


def check_axes(entries: Sequence[Entry]) -> None:
    """Refuse rule books that divide people or providers differently: their levers cannot be mixed."""
    a, b = (entry.scenario.axes for entry in entries)
    if (a.names, a.ages, a.primary, a.away) != (b.names, b.ages, b.primary, b.away):
        raise refuse(entries[1].name, words(f"人群或机构的划分与 {entries[0].name} 不同，规则无法逐项替换",
                                            f"divides people or providers otherwise than {entries[0].name}, so that "
                                            "levers cannot be replaced one by one"),
                     words("请用由同一情景改出的方案", "use reforms of one scenario"))


def in_groups(levers: Sequence[str], groups: str | Mapping[str, Sequence[str]] | None) -> dict[str, tuple[str, ...]]:
    """The levers that differ, in groups; one that no group names is a group by itself.

    >>> in_groups(["benefits.rate", "benefits.ceiling", "financing.subsidy"], {"care": ["benefits"]})
    {'care': ('benefits.rate', 'benefits.ceiling'), 'financing.subsidy': ('financing.subsidy',)}
    """
    if not levers:
        raise refuse("scenarios", words("两个情景的规则和假设完全相同", "the two have the same rules and assumptions"),
                     words("请选择不同的情景", "choose two that differ"))
    if isinstance(groups, str) and groups not in ("lever", "section"):
        raise refuse("groups", words(f"没有“{groups}”这种分组", f"there is no grouping by '{groups}'"),
                     words("请用 lever 或 section", "use lever or section"))
    by_name = groups if isinstance(groups, Mapping) else {}
    known = {ASSUMPTIONS} | {name for section, lever, _ in policy_terms() for name in (section, f"{section}.{lever}")}
    if unknown := [one for inside in by_name.values() for one in inside if one not in known]:
        raise refuse(f"groups: {unknown[0]}", words("不是参数或章节", "is no lever or section"),
                     words("请写整个参数或章节的名称，如 benefits.rate",
                           "name a whole lever or section, as benefits.rate"))
    by_section = groups == "section" or groups is None and len(levers) > MANY
    found: dict[str, tuple[str, ...]] = {}
    for lever in levers:
        named = [name for name, inside in by_name.items() if any(f"{lever}.".startswith(f"{one}.") for one in inside)]
        if len(named) > 1:
            raise refuse(f"groups: {lever}", words("列入了不止一组", "is in more than one group"),
                         words("请只列入一组", "leave it in one"))
        name = named[0] if named else lever.split(".")[0] if by_section else lever
        found[name] = (*found.get(name, ()), lever)
    return found


def mixed(a: Scenario, b: Scenario, taken: Sequence[str]) -> Scenario:
    """The first scenario with some levers, or the assumptions, of the second: values, changes and counties' rules."""
    policy: Policy = a.policy
    for lever in taken:
        if lever != ASSUMPTIONS:
            section, name = lever.split(".")
            part = getattr(policy, section).model_copy(update={name: getattr(getattr(b.policy, section), name)})
            policy = policy.model_copy(update={section: part})
    ours = lambda item: not any(of_lever(item, lever) for lever in taken)  # noqa: E731
    changes, rules = ([*filter(ours, old), *(item for item in new if not ours(item))] for old, new in (
        (a.changes, b.changes), (a.local_rules, b.local_rules)))
    return a.model_copy(update={
        "policy": policy, "changes": tuple(changes), "local_rules": tuple(rules),
        "documents": {**a.documents, **b.documents},
        "assumptions": b.assumptions if ASSUMPTIONS in taken else a.assumptions})


def titled(group: str) -> Words:
    """A group in words: its lever's name, its section's, or the name it was given."""
    if group == ASSUMPTIONS:
        return words("假设", "Assumptions")
    if group in TITLES:
        return TITLES[group]
    return find_lever(group)[3].title if "." in group else words(group, group)


# --- coalitions -------------------------------------------------------------------------------------
# A coalition is the set of groups that have moved, as the bits of a whole number.

def every_order(groups: int) -> list[tuple[int, ...]]:
    """All coalitions, which hold every order."""
    return [tuple(range(1 << groups))]


def some_orders(groups: int, orders: int, seed: int) -> list[tuple[int, ...]]:
    """Sampled orders as the coalitions they pass through, from none to all; every other one is the last backwards.

    >>> some_orders(2, 2, 1)[0][::3] == some_orders(2, 2, 1)[1][::3], len(some_orders(5, 16, 1))
    (True, 16)
    """
    shuffle = stream(seed, "orders of a waterfall").permutation
    drawn: list[np.ndarray] = []
    while len(drawn) < orders:
        order = shuffle(groups)
        drawn += [order, order[::-1]]
    return [(0, *(int(sum(1 << int(g) for g in order[: n + 1])) for n in range(groups))) for order in drawn[:orders]]


def worths(first: Scenario, last: Scenario, groups: Mapping[str, Sequence[str]], wanted: Sequence[int],
           of: Sequence[str], run: tuple[int, int, str], made: Mapping[int, Result], mapped: Mapper,
           progress: Callable[[float], None] | None) -> tuple[dict[int, np.ndarray], str]:
    """The means (1 + scrambling, quantity, t) of every coalition wanted, the overall mean first; and the engine.

    Coalitions that are `made` already, the first scenario or the second, are not run again.
    """
    draws, seed, engine = run
    inside = list(groups.values())

    def task(coalition: int) -> dict:
        taken = [lever for n, levers in enumerate(inside) if coalition >> n & 1 for lever in levers]
        return {"scenario": mixed(first, last, taken).text(), "draws": draws, "seed": seed, "engine": engine,
                "of": list(of)}

    found = {coalition: means(measured(result, of)) for coalition, result in made.items()}
    engine = next((result.manifest["engine"] for result in made.values()), engine)
    left = [coalition for coalition in wanted if coalition not in found]
    while left:
        turn = left[:1] if engine == "auto" else left  # the first alone, to see which engine all are to use
        for coalition, answer in zip(turn, mapped(means_of, map(task, turn)), strict=True):
            found[coalition], engine = unpacked(answer["means"]), answer["engine"]
            if progress:
                progress(len(found) / len(wanted))
        left = left[len(turn):]
    return found, engine


def means_of(task: dict) -> dict:
    """A run as plain data: the engine used, and the means of its quantities and events over all and each scrambling."""
    result = simulate(parsed(task["scenario"]), task["draws"], task["seed"], task["engine"])
    return {"engine": result.manifest["engine"], "means": packed(means(measured(result, task["of"])))}


def means(values: np.ndarray) -> np.ndarray:
    """Means (1 + scrambling, quantity, t) of draws (quantity, d, t): over all of them, and over each scrambling."""
    return np.concatenate([values.mean(axis=1)[None], by_scrambling(values)])


def shapley(groups: int, worth: Mapping[int, np.ndarray]) -> np.ndarray:
    """Each group's Shapley value (group, ...) from the worth of every coalition.

    >>> shapley(2, {0: np.array(0.0), 1: np.array(1.0), 2: np.array(2.0), 3: np.array(5.0)}).tolist()
    [2.0, 3.0]
    """
    def steps(group: int) -> Iterator[np.ndarray]:
        for coalition in range(1 << groups):
            if not coalition >> group & 1:
                size = coalition.bit_count()
                weight = factorial(size) * factorial(groups - size - 1) / factorial(groups)
                yield weight * (worth[coalition | 1 << group] - worth[coalition])
    return np.stack([sum(steps(group)) for group in range(groups)])


def along_orders(groups: int, worth: Mapping[int, np.ndarray], paths: Sequence[tuple[int, ...]]) -> np.ndarray:
    """What each group adds in each order: shape (order, group, ...)."""
    found = np.zeros((len(paths), groups, *worth[0].shape))
    for n, path in enumerate(paths):
        for before, after in zip(path, path[1:], strict=False):
            found[n, (after ^ before).bit_length() - 1] = worth[after] - worth[before]
    return found


def frames(worth: Mapping[int, np.ndarray], groups: list[str], paths: Sequence[tuple[int, ...]] | None,
           of: Sequence[str], years: Sequence[int], draws: int,
           engine: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Totals, parts and pairs from the worth (1 + scrambling, quantity, t) of coalitions in so many draws."""
    count, nothing = len(groups), worth[0]
    least = error(np.zeros((len(of), draws, 1)), of)  # of what was never seen to differ
    whole = worth[(1 << count) - 1] - nothing
    alone = np.stack([worth[1 << n] - nothing for n in range(count)])
    spread = np.zeros_like(alone[:, 0])
    if paths is None:
        part = shapley(count, worth)
    else:
        added = along_orders(count, worth, paths)
        part = added.mean(axis=0)
        if len(paths) > 2:  # an order and itself backwards are one sample
            halves = np.stack([added[n:n + 2, :, 0].mean(axis=0) for n in range(0, len(paths), 2)])
            spread = error_of(halves)
        else:
            spread = np.full_like(spread, np.nan)
    open_ = lambda worth: np.where(worth.any(axis=0), np.hypot(  # noqa: E731
        error_of(worth[1:], least), reading_error(worth[0], of, engine)), least)
    totals = tidy(of, years, first=nothing[0], last=nothing[0] + whole[0], change=whole[0], se=open_(whole),
                  interaction=(whole - alone.sum(axis=0))[0])
    parts = [tidy(of, years, part=part[n, 0], se=open_(part[n]), se_orders=spread[n], alone=alone[n, 0],
                  interaction=(part[n] - alone[n])[0]).assign(group=name) for n, name in enumerate(groups)]
    pairs = [tidy(of, years, interaction=(worth[1 << i | 1 << j] - worth[1 << i] - worth[1 << j] + nothing)[0]).assign(
        first=groups[i], second=groups[j]) for i, j in combinations(range(count), 2)] if paths is None else []
    return (totals[list(TOTALS)], pd.concat(parts, ignore_index=True)[list(PARTS)],
            pd.concat(pairs, ignore_index=True)[list(PAIRS)] if pairs else pd.DataFrame(columns=list(PAIRS)))
