"""Which policies over several levers are worth having: those that no other beats on risk, people's and public money."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulation.loading import load_scenario
from simulation.model import check_run
from simulation.moves import Leaf, moves
from simulation.objectives import OBJECTIVES, beats, changed, judge, means
from simulation.refining import GENERATION, generated
from simulation.scenario import Scenario, check_year, find_lever, lever_value
from simulation.streams import error_of
from simulation.terms import Mapper, Words, check_leaf, refuse, short, words
from simulation.trees import leaves

FEWEST, MOST, WIDEST = 4, 5_000, 12  # policies, and levers
LEAVES = 0.01  # of the residents: so many fewer insured than at present are pointed out


class Lever(NamedTuple):
    """A lever and the values a search may give it: from `low` to `high` in steps, or one of some words."""

    name: str
    low: float = 0.0
    high: float = 0.0
    step: float = 1.0
    choices: tuple[str, ...] = ()
    adds: tuple[Leaf, ...] = ()  # the leaves to each of which the value is added, if it is not set as it is

    @property
    def column(self) -> str:
        """The lever's name in a table; `+` behind it where values are added."""
        return self.name + "+" * bool(self.adds)

    @property
    def size(self) -> int:
        """How many values the lever can take."""
        return len(self.choices) or int(np.floor((self.high - self.low) / self.step + 1e-6)) + 1

    def value(self, place: int) -> float | int | str:
        """The value at a place of the lever's grid.

        >>> Lever("benefits.ceiling", 30000, 60000, 10000).value(2)
        50000
        """
        if self.choices:
            return self.choices[place]
        found = round(self.low + place * self.step, 9)
        return int(found) if float(self.low).is_integer() and float(self.step).is_integer() else found


class Front(NamedTuple):
    """Policies judged side by side on the same draws, and which of them no other beats.

    `policies` holds a row a policy, the present one first: `policy` (0 is the present one), `generation`, a column a
    lever (missing in row 0 where there is no limit at present), a column an objective of `OBJECTIVES` with its
    standard error as `<objective>_se`, `deficit_year` (the worst), `take_up` (mean), `dominated`, `dominated_by` (a
    policy that beats it, missing if none does) and `against_present`, a key of `VERDICTS`.
    """

    scenario: Scenario
    levers: tuple[Lever, ...]
    since: int
    draws: int
    seed: int
    policies: pd.DataFrame

    def edits(self, number: int) -> tuple[tuple[str, Any], ...]:
        """What one policy sets in `since`: lever and value. The present policy, 0, sets nothing."""
        return tuple((lever, value) for lever, year, value in self.dated(number) if year == self.since)

    def dated(self, number: int) -> tuple[tuple[str, int, Any], ...]:
        """What one policy sets: lever, year and value; what is added holds for what the scenario plans, too."""
        if not 0 <= number < len(self.policies):
            raise refuse(f"policy {number}", words("没有这个方案", "there is no such policy"),
                         words(f"请用 0 到 {len(self.policies) - 1}", f"use 0 to {len(self.policies) - 1}"))
        if number == 0:
            return ()
        row = self.policies.iloc[number]
        # by the grid, because a column in which one value is missing holds no whole numbers
        values = [row[lever.column] if lever.choices else
                  lever.value(round((row[lever.column] - lever.low) / lever.step)) for lever in self.levers]
        return tuple(edits_of(self.levers, values, self.since))

    def policy(self, number: int) -> Scenario:
        """The scenario with the levers of one policy; 0 is the scenario as it stands."""
        return changed(self.scenario, self.dated(number))


def search(scenario: Scenario | str, levers: Mapping[str, Sequence] | Sequence[str], since: int | None = None,
           policies: int = 200, draws: int = 256, seed: int = 20080101, engine: str = "auto",
           keep: Callable[[Front], None] | None = None, mapped: Mapper = map,
           progress: Callable[[float], None] | None = None) -> Front:
    """The policies over several levers that no other policy beats, among so many judged on the same draws.

    `levers` gives each lever's lowest and highest value, or the words it may take; named alone, a lever is searched
    from half to one and a half times its value. With a `+` behind the name of a branch, `benefits.rate.inpatient+`, the
    values are added to all its leaves, and to what the scenario makes of them in later years; those that are 0 or have
    no limit stay (see `moves`). A lever that is set holds over what the scenario says of it for later years. Levers
    move in `since` (the first year). A quarter of the policies are spread over all levers (scrambled Sobol points); the
    others are chosen where an emulator of those judged so far expects the front (`refining`). Where the levers have no
    more combinations than that, every one is judged. All are run by one engine: with `auto`, that which suits the
    present policy. The answer does not depend on `mapped`. `keep` is given the answer so far now and then, so that
    raising an exception in `progress`, which is told the share of the work done, loses little. Raises `BadInput`.

    >>> front = search("benxi_2008", {"benefits.ceiling": (20000, 22000)}, policies=8, draws=16, engine="table")
    >>> front.policies[["policy", "benefits.ceiling"]].values.tolist()
    [[0, 30000], [1, 20000], [2, 21000], [3, 22000]]
    """
    scenario = load_scenario(scenario) if isinstance(scenario, str) else scenario
    since = scenario.first_year if since is None else since
    check_run(draws, seed, engine)
    if not FEWEST <= policies <= MOST:
        raise refuse("policies", words(f"不能用 {policies} 个方案", f"{policies} policies will not do"),
                     words(f"请用 {FEWEST} 到 {MOST}", f"use {FEWEST} to {MOST}"))
    check_year(scenario, since, f"since {since}")
    over = levers_of(scenario, levers, since)
    base = {"scenario": scenario.text(), "since": since, "draws": draws, "seed": seed, "engine": engine}

    def judged(places: np.ndarray) -> Iterator[dict]:
        values = [[lever.value(int(n)) for lever, n in zip(over, place, strict=True)] for place in places]
        return iter(mapped(judge, [base | {"edits": list(map(list, edits_of(over, row, since)))} for row in values]))

    told, keep = progress or (lambda share: None), keep or (lambda front: None)
    known = lambda: front_of(scenario, over, since, draws, seed, places, generations, rows)  # noqa: E731
    told(0.0)
    rows = [next(iter(mapped(judge, [base | {"edits": []}])))]
    base["engine"] = rows[0]["engine"]  # one for all: between engines there is a difference that no lever makes
    places, generations = np.empty((0, len(over)), int), [0]
    for number, batch in enumerate(generated(
            [lever.size for lever in over], policies - 1, seed, lambda: means(rows[1:])), 1):
        places = np.vstack([places, batch])
        for row in judged(batch):
            rows.append(row)
            generations.append(number)
            if len(rows) % GENERATION == 0:
                keep(known())
            told(len(rows) / policies)
    told(1.0)
    return known()


def levers_of(scenario: Scenario, levers: Mapping[str, Sequence] | Sequence[str], since: int) -> tuple[Lever, ...]:
    """The levers of a search with their grids, checked."""
    wanted: dict[str, Any] = dict(levers) if isinstance(levers, Mapping) else dict.fromkeys(levers)
    if not 1 <= len(wanted) <= WIDEST:
        raise refuse("levers", words(f"不能搜索 {len(wanted)} 个参数", f"{len(wanted)} levers cannot be searched"),
                     words(f"请给 1 到 {WIDEST} 个", f"give 1 to {WIDEST}"))
    found = tuple(lever_of(scenario, name, ends, since) for name, ends in wanted.items())
    for n, one in enumerate(found):
        for other in found[n + 1:]:
            if f"{one.name}.".startswith(f"{other.name}.") or f"{other.name}.".startswith(f"{one.name}."):
                raise refuse(other.column, words(f"与 {one.column} 重叠", f"overlaps with {one.column}"),
                             words("请只用其中一个", "use one of them"))
    return found


def lever_of(scenario: Scenario, name: str, ends: Sequence | None, since: int) -> Lever:
    """One lever of a search with its grid, from its ends or, without any, around the value that stands."""
    bare = name.removesuffix("+")
    found, term, adds = moves(scenario, bare, since), find_lever(bare)[3], name != bare
    wrong = lambda what, remedy: refuse(short(name), what, remedy)  # noqa: E731
    if found.leaves[0].lever != bare and not adds:  # a branch, of which one value or several may move
        count = len(list(leaves(lever_value(scenario, bare, since))))
        raise wrong(words(f"包含 {count} 项，各有各的数值", f"is {count} levers with values of their own"),
                    words(f"请写 {bare}+ 和各项增加的最小值、最大值，或只写其中一项",
                          f"write {bare}+ with the least and the greatest amount to add to each, or name one of them"))
    if term.choices:
        asked = tuple(term.choices if ends is None else ends)
        if adds or len(set(asked)) < 2 or not set(asked) <= set(term.choices):
            raise wrong(words("应给出两个以上的选项", "takes two or more of its words"),
                        words(f"可选：{'、'.join(term.choices)}", f"choose from {', '.join(term.choices)}"))
        return Lever(bare, choices=asked)
    if ends is None:
        now = found.leaves[0].start
        if adds or not now:
            raise wrong(words("没有可以围绕的现值", "has no single value to search around"),
                        words("请写明最小值和最大值", "give its least and its greatest value"))
        ends = max(term.low, now / 2), min(term.high, now * 1.5)
    numbers = [end for end in ends if isinstance(end, int | float) and not isinstance(end, bool) and np.isfinite(end)]
    if len(ends) != 2 or len(numbers) != 2 or not ends[0] < ends[1]:
        raise wrong(words("两端应为一小一大两个数", "takes a lower and a higher number"),
                    words("请写最小值和最大值", "give the least and the greatest value"))
    low, high = ends
    for faults in (check_leaf(term, end, bare) for end in ends if not adds):
        if faults:
            raise wrong(faults[0].what, faults[0].remedy)
    if high - low < term.step * (1 - 1e-9):
        raise wrong(words(f"两端相差不到一步（{term.step:g}）", f"has ends less than a step ({term.step:g}) apart"),
                    words("请放宽范围", "widen the range"))
    return Lever(bare, low, high, term.step, adds=tuple(
        leaf for leaf in (*found.leaves, *found.later) if not leaf.fixed) if adds else ())


def edits_of(levers: Sequence[Lever], values: Sequence, since: int) -> list[tuple[str, int, Any]]:
    """What to set for some levers to have some values: lever, year from which it holds, value."""
    found: list[tuple[str, int, Any]] = []
    for lever, value in zip(levers, values, strict=True):
        found += [(leaf.lever, leaf.year, leaf.at(value, 1)) for leaf in lever.adds] or [(lever.name, since, value)]
    return found


def front_of(scenario: Scenario, levers: tuple[Lever, ...], since: int, draws: int, seed: int, places: np.ndarray,
             generations: Sequence[int], rows: Sequence[dict]) -> Front:
    """The policies judged so far as a `Front`: the present one first, then those at `places` (policy, lever).

    A policy is dominated by one that is no worse in any objective as estimated, and better in one beyond noise.
    """
    places = places[:len(rows) - 1]
    values, replicates = means(rows), np.array([row["replicates"] for row in rows])
    se = error_of(replicates, [1 / draws, 1 / draws, 0, 0], axis=1)
    over = np.array([(values[n] <= values).all(axis=1) & beats(replicates, values, n)[0].any(axis=1)
                     for n in range(len(rows))])  # (policy that beats, policy beaten)
    dominated = over.any(axis=0)
    first = np.where((over & ~dominated[:, None]).any(axis=0), (over & ~dominated[:, None]).argmax(axis=0),
                     over.argmax(axis=0))  # one that is not beaten itself, wherever there is one
    better, worse = beats(replicates, values, 0)  # the present policy beside each
    verdict = np.select([better.any(axis=1) & worse.any(axis=1), worse.any(axis=1), better.any(axis=1)],
                        ["mixed", "better", "worse"], "alike").astype(object)
    verdict[0] = "present"
    present = [0 if lever.adds else lever_value(scenario, lever.name, since) for lever in levers]
    table = {"policy": range(len(rows)), "generation": list(generations)}
    for n, lever in enumerate(levers):
        table[lever.column] = [present[n], *(lever.value(int(place)) for place in places[:, n])]
    for n, name in enumerate(OBJECTIVES):
        table |= {name: values[:, n], f"{name}_se": se[:, n]}
    return Front(scenario, levers, since, draws, seed, pd.DataFrame(table | {
        "deficit_year": [row["deficit_year"] for row in rows], "take_up": [row["take_up"] for row in rows],
        "dominated": dominated, "dominated_by": pd.array(np.where(dominated, first, -1), dtype="Int64").map(
            lambda n: n if n >= 0 else pd.NA),
        "against_present": verdict}))


def titles(front: Front) -> dict[str, Words]:
    """The name of every lever column in both languages."""
    added = words("（各项增加）", " (added to each)")
    return {lever.column: words(*(front.scenario.lever_names(lever.name, language) + (added[language] if lever.adds
                                  else "") for language in ("zh", "en"))) for lever in front.levers}


def said(front: Front) -> tuple[Words, ...]:
    """What a search found, in words: how many policies are left, how the present one stands, and where people leave."""
    table = front.policies
    left, now = int((~table["dominated"]).sum()), table.iloc[0]
    better = int((table["against_present"] == "better").sum())
    found = [words(f"比较了 {len(table)} 个方案，其中 {left} 个没有被其他方案在所有方面胜过。",
                   f"Of {len(table)} policies, {left} are not beaten by any other.")]
    if now["dominated"]:
        found.append(words(f"当前方案被方案 {now['dominated_by']} 胜过：各项都不差，至少一项明显更好。",
                           f"The current plan is beaten by policy {now['dominated_by']}, no worse in anything and "
                           "clearly better in something."))
    else:
        found.append(words("当前方案没有被任何方案胜过。", "The current plan is not beaten by any of them."))
    found.append(words(
        f"有 {better} 个方案至少一项明显优于当前方案，其余各项即使较差也在随机误差之内。",
        f"{better} {'policy is' if better == 1 else 'policies are'} clearly better than the current plan in something, "
        "and worse, if at all, within random error only."))
    fewer = int((~table["dominated"] & (table["take_up"] < now["take_up"] - LEAVES)).sum())
    if fewer:
        found.append(words(
            f"未被胜过的方案中，有 {fewer} 个使参保率比当前方案低 1 个百分点以上：有人退保也会减少公共资金。",
            f"Of those that are not beaten, {fewer} lower take-up by more than a point: people who leave save public "
            "money, too."))
    return tuple(found)
