"""The history table: a fund's yearly payments from a few thousand claim histories, whatever its size.

Given a draw's shocks, people of a group are exchangeable, so the fund's payment is a sum of
independent copies of one person's. One person's payment given the ordered tiers of his stays does
not depend on the year: claim histories are built once, re-settled when a rule changes, and weighted
by how often each number and order of stays occurs (collective risk model).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

import numpy as np
from scipy.stats import nbinom

from simulation.engines.blocks import BIN, Block, blocks, mix_weights
from simulation.engines.choice import care_totals, ill_share, tilted
from simulation.engines.nodes import bonus_nodes, chebyshev_nodes, node_basis, years_weights
from simulation.records import Care, Conditions, Costs, Rules, Spending
from simulation.steps.benefits import ASSISTANCE, BASIC, COMMERCIAL, CRITICAL, settle_year
from simulation.streams import correlation_root, normals

PRICE_NODES, FREQUENCY_NODES, TILT_NODES, CEILING_NODES, DETAIL_NODES = 5, 5, 3, 3, 2
FEWER = 8  # times fewer histories for how people vary
CHUNK = 256  # histories settled at once: small enough to stay in the cache
TAIL = 1e-4  # stays beyond the longest history, as a share of all stays
LINEAR = ("critical", "assistance", "commercial", "chronic")  # columns after the three moments and the tiers
PAYMENT = 3  # where the fund's payment stands among the items that vary together


class Schedule(NamedTuple):
    """One cell's rules for one status at one number of contribution years."""

    cell: int
    status: int
    years: float


def schedules(rules: Rules, longest: int, status_share: np.ndarray,
              only: float | None = None) -> tuple[list[Schedule], np.ndarray]:
    """Distinct schedules to settle, and the weight of each by contribution years and cell (y, s, c).

    `status_share` (c, s): a cell's people by status, which matters only where assistance pays. With `only`
    everyone is settled at that number of contribution years.
    """
    made: list[Schedule] = []
    used: list[tuple[int, int, np.ndarray]] = []
    index: dict[bytes, int] = {}
    statuses = range(status_share.shape[1]) if rules.has_assistance else (0,)
    for g in range(len(status_share)):
        nodes = bonus_nodes(rules.rate[..., g], rules.bonus, rules.limit, longest) if only is None else np.array([only])
        weights = years_weights(nodes, longest)
        for status in statuses:
            share = status_share[g, status] if rules.has_assistance else 1.0
            for n, node in enumerate(nodes):
                shape = np.append(rules.rate[..., g].ravel(), [rules.assistance_rate[status], node]).tobytes()
                if shape not in index:
                    index[shape] = len(made)
                    made.append(Schedule(g, status, float(node)))
                used.append((index[shape], g, share * weights[:, n]))
    total = np.zeros((longest + 1, len(made), len(status_share)))
    for s, g, weight in used:
        total[:, s, g] += weight
    return made, total


def settled(block: Block, part: slice, rules: Rules, costs: Costs, made: list[Schedule], price: np.ndarray):
    """Settle some histories of a block for every schedule at every price: amounts of shape (s, h, p).

    Returns the settlement {(bill, amount): array}, the expense and the in-policy expense (j, h, p).
    """
    tier, relative = block.tier[:, part, None], block.cost[:, part, None]
    chronic = np.arange(len(tier)) < block.chronic
    mean = np.where(chronic[:, None, None], costs.chronic_expense, costs.expense[tier])
    expense = relative * mean * price
    kind = chronic.astype(int)
    eligible = expense * costs.eligible[kind[:, None, None], tier]
    person = np.array([(s.cell, s.status, s.years) for s in made]).T[:, :, None, None]
    # Where not even the dearest history can reach the large-amount layer, it need not be asked.
    dearest = eligible.sum(axis=0).max()
    if dearest <= (rules.ceiling if rules.above_ceiling else rules.critical_due):
        rules = rules._replace(has_critical=False)
    none = [0.0] * len(tier)
    linked = block.continued[:, part, None] if rules.credit and block.stays > 1 else none
    out: dict[tuple[int, int], np.ndarray] = {}
    settle_year(rules, person[0].astype(int), person[1].astype(int), person[2], kind.tolist(), tier,
                linked, none, eligible, [0.0, 0.0], [0.0, 0.0], out)
    return out, expense, eligible


def means(rules: Rules, costs: Costs, histories: tuple[Block, ...], mix: np.ndarray, made: list[Schedule],
          price: np.ndarray, thresholds: np.ndarray) -> list[np.ndarray]:
    """For each block, moments per history of shape (s, g, p, column), averaged under each group's mix.

    Columns: three raw moments of the fund's payment, its means by tier, `LINEAR`, and the probability
    that out-of-pocket spending exceeds each threshold (yuan).
    """
    groups, tiers = mix.shape
    found = []
    for block in histories:
        weight = mix_weights(block, mix)
        columns = np.zeros((3 + tiers + len(LINEAR) + len(thresholds), len(made), groups, len(price)))
        for start in range(0, weight.shape[1], CHUNK):
            part = slice(start, start + CHUNK)
            w = weight[:, part]
            out, expense, _ = settled(block, part, rules, costs, made, price)
            bills = range(len(block.tier))
            basic = reduce(np.add, (out[j, BASIC] for j in bills))
            square = basic * basic
            columns[0] += w @ basic
            columns[1] += w @ square
            columns[2] += w @ (square * basic)
            if block.chronic:
                columns[3 + tiers + 3] += w @ out[0, BASIC]
            for j in range(block.chronic, len(block.tier)):
                at_tier = (block.tier[j, part] == np.arange(tiers)[:, None]) * w[:, None, :]
                by_tier = at_tier.reshape(groups * tiers, -1) @ out[j, BASIC]
                columns[3:3 + tiers] += by_tier.reshape(len(made), groups, tiers, -1).transpose(2, 0, 1, 3)
            more = [reduce(np.add, (out[j, amount] for j in bills)) if (0, amount) in out else None
                    for amount in (CRITICAL, ASSISTANCE, COMMERCIAL)]
            for n, paid in enumerate(more):
                if paid is not None:
                    columns[3 + tiers + n] += w @ paid
            spent = expense.sum(axis=0)
            for n, threshold in enumerate(thresholds):
                if spent.max() > threshold * (1 - BIN):
                    left = spent - reduce(np.add, [basic, *(paid for paid in more if paid is not None)])
                    # The share of the history's bin that lies beyond: a bin stands for costs BIN apart.
                    columns[3 + tiers + len(LINEAR) + n] += w @ np.clip((left / threshold - 1) / BIN + 0.5, 0, 1)
        found.append(columns.transpose(1, 2, 3, 0))
    return found


def stay_counts(mean: np.ndarray, size: float, longest: int) -> np.ndarray:
    """Probabilities (..., k) of 0..longest stays a person-year; the last takes the thin tail.

    >>> stay_counts(np.array([0.1]), 0.6, 3).sum().round(12)
    np.float64(1.0)
    """
    k = np.arange(longest + 1)
    chance = nbinom.pmf(k, size, (size / (size + mean))[..., None])
    chance[..., -1] += 1 - chance.sum(axis=-1)
    return chance


def longest_history(mean: float, size: float) -> int:
    """The number of stays beyond which less than `TAIL` of all stays fall."""
    k = np.arange(400)
    chance = nbinom.pmf(k, size, size / (size + mean))
    beyond = 1 - np.cumsum(k * chance) / max(mean, 1e-12)
    return int(min(max(np.argmax(beyond < TAIL) if (beyond < TAIL).any() else 60, 3), 60))


def detail(rules: Rules, costs: Costs, histories: tuple[Block, ...], mix: np.ndarray, made: list[Schedule],
           price: np.ndarray, threshold: float) -> list[np.ndarray]:
    """For each block, how the items of the account vary together between people: (s, g, p, item, item + 2).

    Items: expense, in-policy expense, stays, the fund's payment, the same by tier, `LINEAR`, and 1 where
    spending is catastrophic. The last axis holds the mean of each item's product with every item, its mean, and
    the mean of its cube.
    """
    groups, tiers = mix.shape
    items = 1 + tiers + len(LINEAR) + 4
    found = []
    for block in histories:
        weight = mix_weights(block, mix)
        total = np.zeros((len(made), groups, len(price), items, items + 2))
        for start in range(0, weight.shape[1], 2 * CHUNK):
            part = slice(start, start + 2 * CHUNK)
            out, expense, eligible = settled(block, part, rules, costs, made, price)
            x = np.zeros((items, *np.broadcast_shapes(out[0, BASIC].shape, expense.shape[1:])))
            by_tier = x[PAYMENT + 1:PAYMENT + 1 + tiers]
            critical, assistance, commercial, chronic = x[-1 - len(LINEAR):-1]
            for j in range(len(block.tier)):
                if j < block.chronic:
                    chronic += out[j, BASIC]
                else:
                    by_tier += (block.tier[j, part] == np.arange(tiers)[:, None])[:, None, :, None] * out[j, BASIC]
                critical += out.get((j, CRITICAL), 0.0)
                assistance += out.get((j, ASSISTANCE), 0.0)
                commercial += out.get((j, COMMERCIAL), 0.0)
            x[0], x[1], x[2] = expense.sum(axis=0), eligible.sum(axis=0), block.stays
            x[PAYMENT] = by_tier.sum(axis=0) + chronic
            x[-1] = x[0] - x[PAYMENT] - critical - assistance - commercial > threshold
            x = x.transpose(1, 3, 0, 2)  # (s, p, item, h)
            # Products with every item, with 1 for the mean, and with nothing, to be filled by the cube.
            others = np.concatenate([x, np.ones_like(x[:, :, :1]), np.zeros_like(x[:, :, :1])], axis=2)
            others = others.transpose(0, 1, 3, 2)
            cube = x * x * x
            for g in range(groups):
                total[:, g] += (x * weight[g, part]) @ others
                total[:, g, :, :, -1] += cube @ weight[g, part]
        found.append(total)
    return found


def stacked(tables: list[np.ndarray], histories: tuple[Block, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Tables of histories without and with a special disease: numbers of stays (k,) and moments (k, s, g, p, ...)."""
    return [(np.array([b.stays for b in histories if b.chronic == chronic]),
             np.stack([t for b, t in zip(histories, tables, strict=True) if b.chronic == chronic]))
            for chronic in (0, 1)]


def combined(stacks: list[tuple[np.ndarray, np.ndarray]], weight: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Moments averaged over schedules, by their `weight` (s, c), and over stays, by their `chance` (c, f, k).

    Moments (k, s, n * c, p, ...) of n mixes for each cell. Result (n, p, f, c, 2, ...): without and with a special
    disease.
    """
    cells = weight.shape[1]
    found = []
    for stays, moments in stacks:
        at_mix = moments.reshape(*moments.shape[:2], -1, cells, *moments.shape[3:])
        found.append(np.einsum("cfk,kncp...->npfc...", chance[:, :, stays],
                               np.einsum("sc,ksncp...->kncp...", weight, at_mix)))
    return np.stack(found, axis=4)


class Nodes(NamedTuple):
    """Where spending is settled; everything between is interpolated."""

    log_price: np.ndarray  # (p,)
    frequency: np.ndarray  # (f,) relative admission rate
    tilt: np.ndarray  # (n,) log odds of primary care
    log_threshold: np.ndarray  # (h,) of catastrophic out-of-pocket spending
    middle: np.ndarray  # (t,) median log price of each year
    log_middle: np.ndarray  # (m,) where variation between people is settled


Stacks = list[tuple[np.ndarray, np.ndarray]]  # as `stacked` makes them


def spend(rules: list[Rules], care: list[Care], costs: list[Costs], insured: np.ndarray, thresholds: np.ndarray,
          conditions: Conditions, seed: int) -> Spending:
    """What each draw-year's care costs the fund and everyone else (see `Spending`).

    `rules`, `care` and `costs` one a year; `insured` (d, t, c, s) persons; `thresholds` (t,) yuan of out-of-pocket
    spending beyond which it is catastrophic.
    """
    draws, horizon = conditions.price.shape
    cells, tiers = care[0].mix.shape
    people = insured.sum(axis=3)
    nodes = nodes_of(conditions, thresholds)
    first = costs[0]
    shapes = (tuple(np.maximum(first.usual_mix, 1e-6)), longest_history(first.busiest, first.dispersion),
              (*first.log_sd, first.chronic_log_sd), (*first.usual_expense, first.chronic_expense), first.referral,
              first.tail)
    histories, fewer = blocks(*shapes), blocks(*shapes, FEWER)
    usual_years = float(np.mean([c.years @ np.arange(horizon) for c in care]))
    threshold = float(np.median(thresholds))
    other = conditions.chance * normals((horizon, draws, tiers + len(LINEAR) + 4), seed, "detail")
    spending = Spending.empty(draws, horizon, tiers, cells)

    # Years that differ in nothing but the mix of tiers and the ceiling are settled together.
    for years in alike([(*rules[t]._replace(ceiling=0.0), *costs[t]) for t in range(horizon)]):
        rule, cost = rules[years[0]], costs[years[0]]
        mixes, mix_of = np.unique(np.stack([care[t].mix for t in years]), axis=0, return_inverse=True)
        ceilings, weights = ceiling_nodes(np.array([rules[t].ceiling for t in years]))
        tables, details = tables_of(rule, cost, ceilings, mixes, care[years[0]].mix, horizon - 1, usual_years,
                                    threshold, nodes, histories, fewer)
        size = len(nodes.tilt) * cells
        for t, which, weight in zip(years, mix_of.ravel(), weights, strict=True):
            part = slice(which * size, (which + 1) * size)
            table = [(stays, sum(w * at[kind][1][:, :, part] for w, at in zip(weight, tables, strict=True) if w))
                     for kind, (stays, _) in enumerate(tables[0])]
            shares = statuses_of(insured, t)  # who is poor matters, and may change from year to year
            of_year(t, table, schedules(rule, horizon - 1, shares)[1], details,
                    schedules(rule, horizon - 1, shares, only=usual_years)[1], care[t], cost, people[:, t],
                    thresholds[t], conditions, nodes, other[t], spending)
    return spending


def tables_of(rules: Rules, costs: Costs, ceilings: np.ndarray, mixes: np.ndarray, first_mix: np.ndarray, longest: int,
              usual_years: float, threshold: float, nodes: Nodes, histories: tuple[Block, ...],
              fewer: tuple[Block, ...]) -> tuple[list[Stacks], Stacks]:
    """All histories settled at each of some ceilings for mixes (n, c, k), and how people vary, by `fewer` of them.

    `longest` contribution years; the spread between people is taken at `usual_years` of them and at the `first_mix`
    (c, k), so that nothing later moves the first year.
    """
    cells, tiers, statuses = mixes.shape[1], mixes.shape[2], len(rules.assistance_rate)
    anyone = np.ones((cells, statuses))
    made = schedules(rules, longest, anyone)[0]
    rows = tilted(mixes[:, None], costs.primary, nodes.tilt).reshape(-1, tiers)
    price, limits, middle = (np.exp(x) for x in (nodes.log_price, nodes.log_threshold, nodes.log_middle))
    story = (costs.log_sd, *(block.cost.sum() for block in histories))

    def settled_at(ceiling: float) -> Stacks:
        rule = rules._replace(ceiling=ceiling)
        return kept((*rule, rows, price, limits, longest, *costs, *story),
                    lambda: stacked(means(rule, costs, histories, rows, made, price, limits), histories))

    some = schedules(rules, longest, anyone, only=usual_years)[0]
    details = kept((*rules, first_mix, middle, usual_years, threshold, *costs, *story), lambda: stacked(
        detail(rules, costs, fewer, first_mix, some, middle, threshold), fewer))
    return [settled_at(float(ceiling)) for ceiling in ceilings], details


def alike(inputs: list[tuple]) -> list[list[int]]:
    """Positions of equal inputs, together, in order of the first.

    >>> alike([(1.0, 2.0), (3.0, 2.0), (1.0, 2.0)])
    [[0, 2], [1]]
    """
    groups: dict[bytes, list[int]] = {}
    for n, given in enumerate(inputs):
        groups.setdefault(fingerprint(given), []).append(n)
    return list(groups.values())


def ceiling_nodes(ceilings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At which ceilings to settle, and the weight of each for every year's ceiling (t, n).

    A ceiling that follows income moves slowly: three nodes on a log scale stand for all its years.

    >>> nodes, weights = ceiling_nodes(np.array([5e4, 6e4, 5e4]))
    >>> nodes.tolist(), weights.tolist()
    ([50000.0, 60000.0], [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    """
    distinct, which = np.unique(ceilings, return_inverse=True)
    if len(distinct) <= CEILING_NODES or not np.isfinite(distinct).all() or distinct[0] <= 0:
        return distinct, np.eye(len(distinct))[which]
    nodes = chebyshev_nodes(np.log(distinct[0]), np.log(distinct[-1]), CEILING_NODES)
    return np.exp(nodes), node_basis(nodes, np.log(ceilings))


KEPT: OrderedDict[bytes, Stacks] = OrderedDict()  # the last rule books settled, most recent last
MOST_KEPT = 40


def fingerprint(inputs: tuple) -> bytes:
    """Arrays and numbers as bytes, equal where they are equal."""
    arrays = [np.asarray(part) for part in inputs]
    return b"".join(str(array.shape).encode() + array.tobytes() for array in arrays)


def kept(inputs: tuple, make: Callable[[], Stacks]) -> Stacks:
    """The tables made from some inputs, made only once while they are among the last ones asked for.

    A lever that is no benefit rule, a reform of later years, or a step back settles nothing anew.
    """
    key = fingerprint(inputs)
    found = KEPT.pop(key, None) or make()
    KEPT[key] = found
    while len(KEPT) > MOST_KEPT:
        KEPT.popitem(last=False)
    return found


def statuses_of(insured: np.ndarray, t: int) -> np.ndarray:
    """Shares of each cell's insured by status in a year, over all draws, (c, s)."""
    people = insured[:, t].mean(axis=0)
    return people / np.maximum(people.sum(axis=1, keepdims=True), 1e-12)


def nodes_of(conditions: Conditions, thresholds: np.ndarray) -> Nodes:
    """Nodes that span the prices, frequencies, tilts and thresholds that occur."""
    log_price, middle = np.log(conditions.price), np.median(np.log(conditions.price), axis=0)
    span = np.log(thresholds.min()), np.log(thresholds.max())
    spanned = lambda x, n: chebyshev_nodes(x.min(), x.max(), n)  # noqa: E731
    reach = np.append(log_price.ravel(), np.log(conditions.reach))
    return Nodes(
        spanned(reach, PRICE_NODES), spanned(conditions.frequency, FREQUENCY_NODES),
        spanned(conditions.tilt, TILT_NODES), chebyshev_nodes(*span, 3 + int((span[1] - span[0]) / 0.8)),
        middle, spanned(middle, DETAIL_NODES))


def of_year(t: int, table: Stacks, weight: np.ndarray, details: Stacks, usual_weight: np.ndarray, care: Care,
            costs: Costs, people: np.ndarray, threshold: float, conditions: Conditions, nodes: Nodes,
            other: np.ndarray, spending: Spending) -> None:
    """Fill in year t of `spending`; `people` (d, c) insured, `other` (d, item) normals beside the fund's own.

    `table` holds what one person is paid, for schedules of `weight` (y, s, c); `details` how people vary, for
    schedules of `usual_weight`.
    """
    draws, cells = people.shape
    tiers = care.mix.shape[1]
    longest = int(table[0][0][-1])

    # One person's moments at each draw's price, mix and frequency, with a special disease or without.
    chance = stay_counts((care.admissions * care.covered)[:, None] * nodes.frequency, costs.dispersion, longest)
    coefficients = combined(table, np.tensordot(care.years, weight, 1), chance)
    basis = (node_basis(nodes.tilt, conditions.tilt[:, t])[:, :, None]
             * node_basis(nodes.log_price, np.log(conditions.price[:, t]))[:, None, :]).reshape(draws, -1)
    at_price = (basis @ coefficients.reshape(basis.shape[1], -1)).reshape(draws, len(nodes.frequency), cells, -1)
    person = np.einsum("dcf,dfcx->dcx", node_basis(nodes.frequency, conditions.frequency[:, t]), at_price,
                       optimize=True).reshape(draws, cells, 2, -1)
    ill = ill_share(care, conditions, t)[:, :, None]
    person = (1 - ill) * person[:, :, 0] + ill * person[:, :, 1]
    by_cell = people[:, :, None] * person
    total = by_cell.sum(axis=1)

    # A year's totals are sums of independent people. Care stands first in the root of their correlations,
    # so that no rule moves what chance makes of it; the payment of the fund comes next, then the rest.
    used = care_totals(people, care, costs, conditions, t)
    stays = used["stays"]
    usual = care._replace(admissions=care.admissions * np.median(conditions.frequency[:, t], axis=0))
    person_varies = usual_person(t, details, usual_weight, usual, costs, nodes, longest)
    cv, skewness, root = spread(np.median(people, axis=0), person_varies)
    noise = conditions.noise[:, t, None] * root[:, 0] + other @ root[:, 1:].T
    smaller = np.sqrt(np.median(stays) / np.maximum(stays, 1e-9))[:, None]  # fewer stays, more chance
    factor = np.maximum(1 + cv * smaller * skewed(noise, skewness * smaller), 0.0)

    m1, m2, m3 = (person[:, :, n] for n in range(3))
    variance = (people * (m2 - m1**2)).sum(axis=1)
    third = (people * (m3 - 3 * m1 * m2 + 2 * m1**3)).sum(axis=1)
    sd = np.sqrt(np.maximum(variance, 0.0))
    basic = total[:, 0] + sd * skewed(noise[:, PAYMENT], third / np.maximum(sd, 1e-9)**3)
    # Chance is a normal here; what holds for every person bounds it: nobody is paid more than is in policy.
    expense = used["expense"] * factor[:, 0]
    eligible = np.minimum(used["eligible"] * factor[:, 1], expense)
    basic = np.clip(basic, 0.0, eligible)
    parts = [total[:, 3 + n] * factor[:, PAYMENT + 1 + n] for n in range(tiers + len(LINEAR))]
    by_tier, (critical, assistance, commercial, chronic) = np.stack(parts[:tiers], axis=1), parts[tiers:]
    beyond = node_basis(nodes.log_threshold, np.log([threshold]))[0]

    # By tier and chronic care add up to what the fund paid; the patient bears what nobody paid.
    scale = basic / np.maximum(by_tier.sum(axis=1) + chronic, 1e-9)
    critical = np.clip(critical, 0.0, eligible - basic)
    assistance = np.clip(assistance, 0.0, eligible - basic - critical)
    commercial = np.clip(commercial, 0.0, eligible - basic - critical - assistance)
    layers = [0, *(3 + tiers + n for n in range(3))]  # what the fund and the three layers above it pay a person
    paid_by_cell = by_cell[:, :, layers].sum(axis=2)
    caught = np.maximum(by_cell[:, :, -len(beyond):] @ beyond, 0.0) * factor[:, -1:]
    in_proportion = lambda parts, whole: parts * (whole / np.maximum(parts.sum(axis=1), 1e-9))[:, None]  # noqa: E731
    for name, value in {
        "basic": basic, "chronic": chronic * scale, "expense": expense, "eligible": eligible, "critical": critical,
        "assistance": assistance, "commercial": commercial, "catastrophic": caught.sum(axis=1),
        "stays": stays * factor[:, 2], "paid_by_tier": by_tier * scale[:, None],
        "stays_by_tier": used["stays_by_tier"] * factor[:, 2:3],
        "expense_by_tier": used["expense_by_tier"] * factor[:, :1],
        "chronic_expense": used["chronic_expense"] * factor[:, 0],
        "claims_by_tier": used["expense_by_tier"] * factor[:, PAYMENT + 1:PAYMENT + 1 + tiers] * scale[:, None],
        "chronic_claims": used["chronic_expense"] * factor[:, -2] * scale,
        "paid_by_cell": in_proportion(paid_by_cell, basic + critical + assistance + commercial),
        "expense_by_cell": used["expense_by_cell"] * factor[:, :1], "catastrophic_by_cell": caught,
    }.items():
        getattr(spending, name)[:, t] = value


def usual_person(t: int, details: Stacks, weight: np.ndarray, care: Care, costs: Costs, nodes: Nodes,
                 longest: int) -> np.ndarray:
    """How the items vary between the people of a group in year t's median draw, (g, item, item + 2)."""
    chance = stay_counts((care.admissions * care.covered)[:, None], costs.dispersion, longest)
    at_nodes = combined(details, np.tensordot(care.years, weight, 1), chance)[0, :, 0]
    at_middle = np.tensordot(node_basis(nodes.log_middle, nodes.middle[t:t + 1])[0], at_nodes, 1)
    ill = (care.chronic_share * care.covered)[:, None, None]
    return (1 - ill) * at_middle[:, 0] + ill * at_middle[:, 1]


def skewed(z: np.ndarray, skewness: np.ndarray) -> np.ndarray:
    """A standard normal turned into a unit variable of the given skewness (Wilson and Hilferty's gamma).

    >>> skewed(np.array([0.0, 1.0]), np.array([0.0, 0.6])).round(2) + 0.0
    array([0.  , 0.98])
    """
    g = np.clip(np.where(np.abs(skewness) < 1e-6, 1e-6, skewness), -4, 4)
    return 2 / g * (np.maximum(1 + g * z / 6 - g**2 / 36, 0.0) ** 3 - 1)


def spread(people: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficient of variation and skewness of each item's total, and a root of their correlation matrix.

    `people` (g,), `x` (g, item, item + 2) from `detail`. Items that nobody has keep still.
    """
    mean, cube, product = x[:, :, -2], x[:, :, -1], x[:, :, :-2]
    covariance = np.einsum("g,gij->ij", people, product - mean[:, :, None] * mean[:, None, :])
    square = product.diagonal(axis1=1, axis2=2)
    third = people @ (cube - 3 * mean * square + 2 * mean**3)
    total, sd = people @ mean, np.sqrt(np.maximum(covariance.diagonal(), 0.0))
    some = (total > 1e-9) & (sd > 1e-9)
    scale = np.where(some, 1 / np.where(some, sd, 1.0), 0.0)
    correlation = covariance * scale[:, None] * scale + np.diag(~some)
    return (np.where(some, sd / np.where(some, total, 1.0), 0.0), np.where(some, third * scale**3, 0.0),
            correlation_root(correlation))
