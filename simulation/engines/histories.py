"""The history table: a fund's yearly payments from a few thousand claim histories, whatever its size.

Given a draw's shocks, people of a group are exchangeable, so the fund's payment is a sum of
independent copies of one person's. One person's payment given the ordered tiers of his stays does
not depend on the year: claim histories are built once, re-settled when a rule changes, and weighted
by how often each number and order of stays occurs (collective risk model).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import cache, reduce
from threading import Lock
from typing import NamedTuple

import numpy as np
from scipy.stats import nbinom

from simulation.engines.blocks import Block, blocks
from simulation.engines.choice import tilted
from simulation.engines.nodes import chebyshev_nodes, node_basis, spanning
from simulation.engines.tables import (
    LINEAR,
    Bills,
    Schedule,
    Stack,
    Table,
    detail,
    means,
    rules_of_stays,
    schedules,
    weights_of,
    with_bills,
)
from simulation.engines.yearly import Nodes, Person, Prices, combined, in_draws, in_years, medians, stays_of
from simulation.records import Care, Conditions, Costs, Rules, Spending
from simulation.streams import normals

PRICE_NODES, CEILING_NODES, DETAIL_NODES = 5, 3, 2
CEILING_SPAN = 2.0  # times the lowest ceiling
SPECIAL_NODES, SPECIAL_SPAN = 2, 0.1  # two nodes, and one more for every span: what is paid is all but linear
TILT_NODES, MOST_TILT_NODES, TILT_SPAN = 3, 7, 0.4  # three nodes, and one more for every span of that many log odds
TILT_STEP = 0.05  # log odds
ROUNDING = 1e-9  # of costs that are alike
NEAR = 0.05  # log units by which costs may be a price: further away prices would need more nodes
FEWER = 8  # times fewer histories for how people vary
TAIL = 1e-4  # stays beyond the longest history, as a share of all stays


def longest_history(mean: float, size: float) -> int:
    """The number of stays beyond which less than `TAIL` of all stays fall."""
    if mean <= 0:
        return 3
    k = np.arange(400)
    chance = nbinom.pmf(k, size, size / (size + mean))
    beyond = 1 - np.cumsum(k * chance) / mean
    return int(min(max(np.argmax(beyond < TAIL) if (beyond < TAIL).any() else 60, 3), 60))


def spend(rules: list[Rules], care: list[Care], costs: list[Costs], insured: np.ndarray, thresholds: np.ndarray,
          conditions: Conditions, seed: int) -> Spending:
    """What each draw-year's care costs the fund and everyone else (see `Spending`).

    `rules`, `care` and `costs` one a year; `insured` (d, t, c, s) persons; `thresholds` (t,) yuan of out-of-pocket
    spending beyond which it is catastrophic.
    """
    draws, horizon = conditions.price.shape
    cells, tiers = care[0].mix.shape
    people = reduce(np.add, insured.T)
    first, all_costs = costs[0], in_years(costs)
    costs, prices = beside_first(costs, conditions)
    nodes = nodes_of(prices, conditions, thresholds)
    longest = longest_history(first.busiest, first.dispersion)
    shapes = (tuple(np.maximum(first.usual_mix, 1e-6)), longest, (*first.log_sd, first.chronic_log_sd),
              (*first.usual_expense, first.chronic_expense), first.referral, first.tail)
    histories, fewer = blocks(*shapes), blocks(*shapes, FEWER)
    usual_years = float(np.mean([c.years @ np.arange(horizon) for c in care]))
    threshold = float(np.median(thresholds))
    other = normals((horizon, draws, tiers + len(LINEAR) + 4), seed, "detail")
    shares = statuses_of(insured)  # who is poor matters, and may change from year to year
    all_care = in_years(care)
    counts, usual_counts = stays_of(all_care, all_costs, conditions.frequency.T, longest)

    # Years that differ in nothing but the mix of tiers, the price and a little of the ceiling are settled together.
    spans = ceiling_spans(np.array([rule.ceiling for rule in rules]))
    groups = alike([(*rules[t]._replace(ceiling=0.0), *costs[t], spans[t]) for t in range(horizon)])
    moments, varying = [], []
    for years in groups:
        rule, cost = rules_of_stays(rules[years[0]]), costs[years[0]]
        mixes, mix_of = np.unique(np.stack([care[t].mix for t in years]), axis=0, return_inverse=True)
        ceilings, weights = ceiling_nodes(np.array([rules[t].ceiling for t in years]))
        tables, details = tables_of(rule, cost, ceilings, mixes, care[years[0]].mix, horizon - 1, usual_years,
                                    threshold, nodes, histories, fewer)
        each, usual = (np.stack([weights_of(scheduled, care[t].years, shares[t], rule) for t in years])
                       for _, scheduled in (schedules(rule, cells, horizon - 1, only) for only in (None, usual_years)))
        moments.append(combined(Person(tables, weights, mix_of.ravel(), each), counts[years]))
        varying.append(combined(Person([[one] for one in details], np.ones((len(years), 1)),
                                       np.zeros(len(years), int), usual), usual_counts[years]))
    order = np.argsort(np.concatenate(groups))
    return in_draws(*(np.concatenate(found)[order] for found in (moments, varying)), all_care, all_costs, people,
                    thresholds, conditions, prices, nodes, other)


def beside_first(costs: list[Costs], conditions: Conditions) -> tuple[list[Costs], Prices]:
    """Each year's costs to settle histories at, and the prices that make the year's own of them.

    That all stays cost a little more than in the first year is a price; that special diseases do, by any part, is one
    of their own.
    """
    first = costs[0]
    times = np.array([cost.expense / first.expense for cost in costs])
    one = (np.ptp(times, axis=1) < ROUNDING) & (np.abs(np.log(times[:, 0])) < NEAR)
    times = np.where(one, times[:, 0], 1.0)
    price = conditions.price.T * times[:, None]
    chronic = np.array([cost.chronic_expense for cost in costs]) / max(first.chronic_expense, 1e-9)
    special = conditions.chronic_price.T * chronic[:, None] / price
    return [cost._replace(expense=cost.expense if by == 1 else first.expense, chronic_expense=first.chronic_expense)
            for cost, by in zip(costs, times, strict=True)], Prices(
        np.log(price), special if first.chronic_expense and (np.abs(special - 1) > ROUNDING).any() else None)


class Kind(NamedTuple):
    """Histories without or with a special disease, and what their payments depend on."""

    rules: Rules
    costs: Costs
    special: np.ndarray  # (q,) what special diseases cost beside `costs`
    billed: Callable[[bool, float], list[tuple[Block, Bills]]]  # the histories, or the fewer, at one of these
    story: tuple

    @classmethod
    def of(cls, chronic: int, rules: Rules, costs: Costs, special: np.ndarray,
           histories: tuple[tuple[Block, ...], tuple[Block, ...]]) -> Kind:
        """The kind that has a special disease, or not."""
        own = [tuple(block for block in of if block.chronic == chronic) for of in histories]
        if not chronic:  # no rule for special diseases and no cost of theirs settles a history anew that has none
            rules, costs, special = rules_of_stays(rules, 1), costs._replace(chronic_expense=0.0), np.ones(1)
        billed = cache(lambda few, by: with_bills(own[few], costs._replace(
            chronic_expense=costs.chronic_expense * by)))
        return cls(rules, costs, special, billed, (costs.log_sd, *(block.cost.sum() for of in own for block in of)))

    def settled(self, made: list[Schedule], inputs: tuple, make: Callable[[], list[Stack]]) -> list[Stack]:
        """What is made of some inputs under some schedules, or was made before."""
        own = self.rules._replace(rate=self.rules.rate[..., [one.cell for one in made]])
        return kept((*own, [one.years for one in made], *self.costs, *self.story, *inputs), make)

    def means(self, made: list[Schedule], ceilings: np.ndarray, mix: np.ndarray, price: np.ndarray,
              limits: np.ndarray) -> list[Stack]:
        """For each ceiling, the moments (k, u, s, n, c, q, p, column) of `tables.means`."""
        def make() -> list[Stack]:
            found = [means(self.rules, ceilings, self.billed(False, by), mix, made, price, limits)
                     for by in self.special.tolist()]
            return [(at[0][0], np.stack([moments for _, moments in at], axis=5)) for at in zip(*found, strict=True)]
        return self.settled(made, (self.special, ceilings, mix, price, limits), make)

    def detail(self, made: list[Schedule], mix: np.ndarray, price: np.ndarray, threshold: float) -> Stack:
        """How people vary, by the fewer histories, where special diseases cost what `costs` says."""
        return self.settled(made, (mix, price, threshold), lambda: [detail(
            self.rules, self.billed(True, 1.0), mix, made, price, threshold)])[0]


def tables_of(rules: Rules, costs: Costs, ceilings: np.ndarray, mixes: np.ndarray, first_mix: np.ndarray, longest: int,
              usual_years: float, threshold: float, nodes: Nodes, histories: tuple[Block, ...],
              fewer: tuple[Block, ...]) -> tuple[list[list[Table]], list[Table]]:
    """All histories settled under each schedule at each of some ceilings for mixes (n, c, k), and how people vary, by
    `fewer` of them.

    `longest` contribution years; the spread between people is taken at `usual_years` of them and at the `first_mix`
    (c, k), so that nothing later moves the first year. A cell's histories are settled anew only where its own rules
    change.
    """
    price, limits, middle = (np.exp(x) for x in (nodes.log_price, nodes.log_threshold, nodes.log_middle))
    kinds = [Kind.of(chronic, rules, costs, nodes.special, (histories, fewer)) for chronic in (0, 1)]
    at_tilt = tilted(mixes[:, None], costs.primary, nodes.tilt).reshape(-1, *mixes.shape[1:])
    tables, details = [], []
    for which, cells, made in alike_cells(rules, mixes.shape[1], longest, None):
        of_kinds = [kind.means(made, ceilings, at_tilt[:, cells], price, limits) for kind in kinds]
        tables.append([Table(which, cells, list(stacks)) for stacks in zip(*of_kinds, strict=True)])
    for which, cells, made in alike_cells(rules, mixes.shape[1], longest, usual_years):
        details.append(Table(which, cells, [kind.detail(made, first_mix[cells], middle, threshold) for kind in kinds]))
    return tables, details


def alike_cells(rules: Rules, cells: int, longest: int,
                only: float | None) -> Iterator[tuple[np.ndarray, np.ndarray, list[Schedule]]]:
    """Schedules and the cells under them, where these are the same."""
    made, scheduled = schedules(rules, cells, longest, only)
    under = [tuple(np.flatnonzero(each)) for each in scheduled.any(axis=0)]
    for those in dict.fromkeys(filter(None, under)):  # between whole years a node may count for nobody
        which = [s for s, cells_under in enumerate(under) if cells_under == those]
        yield np.array(which), np.array(those), [made[s] for s in which]


def alike(inputs: list[tuple]) -> list[list[int]]:
    """Positions of equal inputs, together, in order of the first.

    >>> alike([(1.0, 2.0), (3.0, 2.0), (1.0, 2.0)])
    [[0, 2], [1]]
    """
    groups: dict[bytes, list[int]] = {}
    for n, given in enumerate(inputs):
        groups.setdefault(fingerprint(given), []).append(n)
    return list(groups.values())


def ceiling_spans(ceilings: np.ndarray) -> np.ndarray:
    """Which ceilings (t,) lie so near one another that a few nodes stand for them: those up to `CEILING_SPAN` apart.

    >>> ceiling_spans(np.array([1e4, 1.9e4, 9e4, 3e4, np.inf])).tolist()
    [1, 1, 3, 2, 4]
    """
    starts: list[float] = []
    for ceiling in np.unique(ceilings).tolist():
        if not starts or ceiling > CEILING_SPAN * starts[-1]:
            starts.append(ceiling)
    return np.searchsorted(starts, ceilings, "right")


def ceiling_nodes(ceilings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At which ceilings of one span to settle, and the weight of each for every year's ceiling (t, n).

    A ceiling that follows income moves slowly: three nodes on a log scale stand for all.

    >>> nodes, weights = ceiling_nodes(np.array([5e4, 6e4, 5e4]))
    >>> nodes.tolist(), weights.tolist()
    ([50000.0, 60000.0], [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    >>> ceiling_nodes(np.array([1e4, 1.1e4, 1.2e4, 1.3e4]))[0].round().tolist()
    [10000.0, 11402.0, 13000.0]
    """
    distinct, which = np.unique(ceilings, return_inverse=True)
    if len(distinct) <= CEILING_NODES:
        return distinct, np.eye(len(distinct))[which]
    logs = chebyshev_nodes(*np.log(distinct[[0, -1]]), CEILING_NODES)
    return np.exp(logs), node_basis(logs, np.log(ceilings))


KEPT: OrderedDict[bytes, tuple[list[Stack], int]] = OrderedDict()  # what was settled, latest last, and its bytes
MOST_KEPT = 2e8  # bytes
KEEPING = Lock()  # sessions of the screen run side by side


def fingerprint(inputs: tuple) -> bytes:
    """Arrays and numbers as bytes, equal where they are equal."""
    arrays = [np.asarray(part) for part in inputs]
    return b"".join(str(array.shape).encode() + array.tobytes() for array in arrays)


def kept(inputs: tuple, make: Callable[[], list[Stack]]) -> list[Stack]:
    """The tables made from some inputs, made only once while they are among the last ones asked for.

    A lever that is no benefit rule, a reform of later years, or a step back settles nothing anew.
    """
    key = fingerprint(inputs)
    found = KEPT.get(key)
    if found is None:
        stacks = make()
        found = stacks, sum(moments.nbytes for _, moments in stacks)
    with KEEPING:
        KEPT[key] = found
        KEPT.move_to_end(key)
        room = sum(size for _, size in KEPT.values())
        while room > MOST_KEPT and len(KEPT) > 1:
            room -= KEPT.popitem(last=False)[1][1]
    return found[0]


def statuses_of(insured: np.ndarray) -> np.ndarray:
    """Shares of each year's and cell's insured by status, over all draws, (t, c, s)."""
    people = insured.mean(axis=0)
    return people / np.maximum(people.sum(axis=2, keepdims=True), 1e-12)


def nodes_of(prices: Prices, conditions: Conditions, thresholds: np.ndarray) -> Nodes:
    """Nodes that span the prices, tilts and thresholds that occur."""
    middle = np.log(medians(conditions.price.T))  # how people vary hardly moves with what costs a little more
    span = np.log(thresholds.min()), np.log(thresholds.max())
    spanned = lambda x, n: spanning(x.min(), x.max(), n)  # noqa: E731
    reach = np.array([prices.log_stays.min(), prices.log_stays.max(), *np.log(conditions.reach)])
    tilt = outwards(conditions.tilt.min(), conditions.tilt.max())
    tilts = min(TILT_NODES + int((tilt[1] - tilt[0]) / TILT_SPAN + 1e-9), MOST_TILT_NODES)
    low, high = (1.0, 1.0) if prices.special is None else (prices.special.min(), prices.special.max())
    special = chebyshev_nodes(low, high, SPECIAL_NODES + int((high - low) / SPECIAL_SPAN))
    return Nodes(
        spanned(reach, PRICE_NODES), special, chebyshev_nodes(*tilt, tilts),
        chebyshev_nodes(*span, 3 + int((span[1] - span[0]) / 0.8)),
        middle, spanned(middle, DETAIL_NODES))


def outwards(low: float, high: float) -> np.ndarray:
    """Ends from low to high or a little further: they stay where they are when a lever moves a little.

    >>> outwards(-0.31, 0.7).tolist(), outwards(0.0, 0.0).tolist()
    ([-0.35, 0.7], [0.0, 0.0])
    """
    return (np.array([np.floor(low / TILT_STEP), np.ceil(high / TILT_STEP)]) * TILT_STEP).round(9) + 0.0
