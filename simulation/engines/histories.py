"""The history table: a fund's yearly payments from a few thousand claim histories, whatever its size.

Given a draw's shocks, people of a group are exchangeable, so the fund's payment is a sum of
independent copies of one person's. One person's payment given the ordered tiers of his stays does
not depend on the year: claim histories are built once, re-settled when a rule changes, and weighted
by how often each number and order of stays occurs (collective risk model).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from scipy.special import ndtri
from scipy.stats import nbinom, qmc

from simulation.records import Care, Costs, Futures, Rules, Spending
from simulation.steps.benefits import AMOUNTS, ASSISTANCE, BASIC, CRITICAL, settle_year
from simulation.streams import normals, stream

PRICE_NODES, FREQUENCY_NODES, THRESHOLD_NODES = 8, 4, 3
# Histories for each ordered tier sequence, by number of stays; later numbers are sampled whole.
POINTS = {0: {1: 320, 2: 128, 3: 16}, 1: {0: 256, 1: 64, 2: 16}}
SAMPLED = {0: 2048, 1: 512}  # shared out over longer histories by how rarely they occur
WIDER = 0.6  # how much further, for a single bill
TAIL = 1e-5  # stays beyond the longest history, as a share of all stays


class Block(NamedTuple):
    """All histories with the same number of stays, with or without a special disease."""

    chronic: int  # 1: the first bill is the year's special-disease outpatient care
    stays: int
    tier: np.ndarray  # (j, h) index of each bill's tier
    cost: np.ndarray  # (j, h) expense of each bill relative to its mean
    weight: np.ndarray  # (h,) if all tiers were equally frequent; re-weighted to the mix of a group-year


@lru_cache(maxsize=32)
def blocks(tiers: int, longest: int, log_sd: tuple[float, ...], chronic_log_sd: float) -> tuple[Block, ...]:
    """The histories of a scenario's cost shapes: no rule, price or frequency enters.

    Every ordered tier sequence of up to three stays is a stratum (two with a special disease); its
    costs are inverted quasi-random points scaled so that the mean of each bill is exact.
    """
    made = []
    for chronic, points in POINTS.items():
        for stays in range(0 if chronic else 1, longest + 1):
            if stays in points:
                sequences = np.array(list(product(range(tiers), repeat=stays)), dtype=int).reshape(tiers**stays, stays)
                each = points[stays]
            else:
                sequences, each = sampled_sequences(tiers, stays, max(SAMPLED[chronic] >> stays - 2, 32)), 1
            made.append(block(chronic, sequences, each, np.array(log_sd), chronic_log_sd))
    return tuple(made)


def sampled_sequences(tiers: int, stays: int, n: int) -> np.ndarray:
    """Ordered tier sequences drawn evenly, shape (n, stays)."""
    u = qmc.Sobol(stays, rng=stream(0, f"sequences {stays}")).random_base2(int(np.log2(n)))
    return np.minimum((u * tiers).astype(int), tiers - 1)


def block(chronic: int, sequences: np.ndarray, each: int, log_sd: np.ndarray, chronic_log_sd: float) -> Block:
    """The histories of one number of stays, `each` for every sequence."""
    count, stays = sequences.shape
    bills = stays + chronic
    if each == 1:  # sampled: one quasi-random set over all sequences
        u = qmc.Sobol(bills, rng=stream(0, f"costs {chronic} {stays}")).random_base2(int(np.log2(count)))[:, None, :]
    elif bills == 1:
        u = np.broadcast_to(((np.arange(each) + 0.5) / each)[None, :, None], (count, each, 1))
    else:
        power = int(np.ceil(np.log2(each)))
        u = np.stack([qmc.Sobol(bills, rng=stream(0, f"costs {chronic} {stays} {s}")).random_base2(power)[:each]
                      for s in range(count)])
    # Points reach further into both tails than chance would, and weigh less there.
    wide = 1 + WIDER / max(bills, 1)
    z = wide * ndtri(np.clip(u, 1e-9, 1 - 1e-9))
    weight = np.exp(-0.5 * (1 - wide**-2) * (z**2).sum(axis=2)).reshape(-1)
    spread = np.concatenate([np.full((count, chronic), chronic_log_sd), log_sd[sequences]], axis=1)
    cost = np.exp(z * spread[:, None, :]).reshape(-1, bills).T
    tier = np.repeat(np.concatenate([np.zeros((count, chronic), int), sequences], axis=1), each, axis=0).T
    stratum = np.zeros(count, int) if each == 1 else np.arange(count).repeat(each)
    weight = weight / np.bincount(stratum, weight)[stratum] / (stratum.max() + 1)
    return Block(chronic, stays, tier.copy(), matched(cost, weight, tier if each == 1 else stratum), weight)


def matched(cost: np.ndarray, weight: np.ndarray, stratum: np.ndarray) -> np.ndarray:
    """Costs (j, h) scaled so that each bill's weighted mean is exactly 1 in every stratum, (h,) or (j, h).

    >>> matched(np.array([[1.0, 3.0, 5.0]]), np.ones(3), np.array([0, 0, 1])).tolist()
    [[0.5, 1.5, 1.0]]
    """
    scaled = np.empty_like(cost)
    for j, row in enumerate(cost):
        label = stratum[j] if stratum.ndim == 2 else stratum
        mean = np.bincount(label, row * weight) / np.maximum(np.bincount(label, weight), 1e-300)
        scaled[j] = row / mean[label]
    return scaled


def node_basis(nodes: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Weights (..., n) that interpolate values at the nodes to x, exact for polynomials of degree n-1.

    >>> node_basis(chebyshev_nodes(0.0, 2.0, 3), np.array([0.5])) @ chebyshev_nodes(0.0, 2.0, 3) ** 2
    array([0.25])
    """
    n = len(nodes)
    if n == 1:
        return np.ones((*np.shape(x), 1))
    low, high = nodes[0], nodes[-1]
    scale = lambda v: (2 * v - low - high) / (high - low)  # noqa: E731
    return chebvander(scale(x), n - 1) @ np.linalg.inv(chebvander(scale(nodes), n - 1))


def chebyshev_nodes(low: float, high: float, n: int) -> np.ndarray:
    """Nodes from low to high, both included; a single one where there is no range."""
    if high - low < 1e-12:
        return np.array([low])
    return (low + high) / 2 - (high - low) / 2 * np.cos(np.pi * np.arange(n) / (n - 1))


def bonus_nodes(rates: np.ndarray, bonus: float, limit: float, longest: int) -> np.ndarray:
    """Contribution years at which to settle: between them the mean is quadratic.

    The rate is linear in years up to the limit, so the kinks are where a rate meets it.

    >>> bonus_nodes(np.array([0.6]), 0.01, 0.7, 9).tolist(), bonus_nodes(np.array([0.7]), 0.01, 0.7, 9).tolist()
    ([0.0, 4.5, 9.0], [0.0])
    """
    below = np.unique(rates[rates < limit])
    if bonus <= 0 or longest == 0 or below.size == 0:
        return np.zeros(1)
    kinks = (limit - below) / bonus
    edges = np.unique(np.concatenate([[0.0, longest], kinks[kinks < longest]]).round(9))
    return np.unique(np.concatenate([edges, (edges[1:] + edges[:-1]) / 2]))


def years_weights(nodes: np.ndarray, longest: int) -> np.ndarray:
    """Weights (y, node) that read whole contribution years 0..longest off the nodes, piecewise quadratic."""
    weights = np.zeros((longest + 1, len(nodes)))
    for year in range(longest + 1):
        if len(nodes) == 1:
            weights[year, 0] = 1.0
            continue
        piece = min(max(int(np.searchsorted(nodes[::2], year, side="right")) - 1, 0), (len(nodes) - 3) // 2)
        three = nodes[2 * piece: 2 * piece + 3]
        for a in range(3):
            others = np.delete(three, a)
            weights[year, 2 * piece + a] = np.prod((year - others) / (three[a] - others))
    return weights


class Schedule(NamedTuple):
    """One group's rules for one status at one number of contribution years."""

    group: int
    status: int
    years: float


def schedules(rules: Rules, longest: int, status_share: np.ndarray, only: float | None = None) -> tuple[list[Schedule], np.ndarray]:
    """Distinct schedules to settle, and the weight of each by contribution years and group (y, s, g).

    `status_share` (g, s): a group's people by status, which matters only where assistance pays. With `only`
    everyone is settled at that number of contribution years.
    """
    made: list[Schedule] = []
    used: list[tuple[int, int, np.ndarray]] = []
    index: dict[bytes, int] = {}
    statuses = range(status_share.shape[1]) if rules.has_assistance else (0,)
    for g in range(rules.rate.shape[3]):
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
    total = np.zeros((longest + 1, len(made), rules.rate.shape[3]))
    for s, g, weight in used:
        total[:, s, g] += weight
    return made, total


def mix_weights(block: Block, mix: np.ndarray) -> np.ndarray:
    """Weights (g, h) of a block's histories under each group's mix of tiers (g, k), adding up to 1."""
    weight = np.repeat(block.weight[None], len(mix), axis=0)
    for j in range(block.chronic, len(block.tier)):
        weight = weight * mix[:, block.tier[j]]
    return weight / weight.sum(axis=1, keepdims=True)


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
    person = np.array([(s.group, s.status, s.years) for s in made]).T[:, :, None, None]
    out: dict[tuple[int, int], np.ndarray] = {}
    settle_year(rules, person[0].astype(int), person[1].astype(int), person[2], kind.tolist(), tier,
                [0.0] * len(tier), eligible, [0.0, 0.0], out)
    return out, expense, eligible


LINEAR = ("critical", "assistance", "chronic")  # columns after the three moments and the tiers


def table(rules: Rules, costs: Costs, histories: tuple[Block, ...], mix: np.ndarray, made: list[Schedule],
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
            basic = sum(out[j, BASIC] for j in bills)
            square = basic * basic
            columns[0] += w @ basic
            columns[1] += w @ square
            columns[2] += w @ (square * basic)
            left = expense.sum(axis=0) - basic
            for n, (amount, on) in enumerate(((CRITICAL, rules.has_critical), (ASSISTANCE, rules.has_assistance))):
                if on:
                    paid = sum(out[j, amount] for j in bills)
                    columns[3 + tiers + n] += w @ paid
                    left = left - paid
            if block.chronic:
                columns[3 + tiers + 2] += w @ out[0, BASIC]
            for j in range(block.chronic, len(block.tier)):
                at_tier = (block.tier[j, part] == np.arange(tiers)[:, None]) * w[:, None, :]
                by_tier = at_tier.reshape(groups * tiers, -1) @ out[j, BASIC]
                columns[3:3 + tiers] += by_tier.reshape(len(made), groups, tiers, -1).transpose(2, 0, 1, 3)
            for n, threshold in enumerate(thresholds):
                columns[3 + tiers + len(LINEAR) + n] += w @ (left > threshold).astype(float)
        found.append(columns.transpose(1, 2, 3, 0))
    return found


CHUNK = 192  # histories settled at once: small enough to stay in the cache


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


DETAIL_NODES = 3


def detail(rules: Rules, costs: Costs, histories: tuple[Block, ...], mix: np.ndarray, made: list[Schedule],
           price: np.ndarray) -> list[np.ndarray]:
    """For each block, how every account item varies between people, shape (s, g, p, item, 4).

    Items: the fund's payment by tier, critical, assistance, chronic, expense, in-policy expense. For each
    item x and the fund's payment b: mean of x, of x squared, of x cubed and of x times b.
    """
    groups, tiers = mix.shape
    found = []
    for block in histories:
        weight = mix_weights(block, mix)
        total = np.zeros((tiers + len(LINEAR) + 2, 4, len(made), groups, len(price)))
        for start in range(0, weight.shape[1], 4 * CHUNK):
            part = slice(start, start + 4 * CHUNK)
            out, expense, eligible = settled(block, part, rules, costs, made, price)
            x = np.zeros((len(total), *np.broadcast_shapes(out[0, BASIC].shape, expense.shape[1:])))
            for j in range(len(block.tier)):
                if j < block.chronic:
                    x[tiers + 2] += out[j, BASIC]
                else:
                    x[:tiers] += (block.tier[j, part] == np.arange(tiers)[:, None])[:, None, :, None] * out[j, BASIC]
                x[tiers] += out.get((j, CRITICAL), 0.0)
                x[tiers + 1] += out.get((j, ASSISTANCE), 0.0)
            x[-2], x[-1] = expense.sum(axis=0), eligible.sum(axis=0)
            basic = x[:tiers].sum(axis=0) + x[tiers + 2]
            for m, power in enumerate((x, x * x, x * x * x, x * basic)):
                total[:, m] += weight[:, part] @ power
        found.append(total.transpose(2, 3, 4, 0, 1))
    return found


def stacked(tables: list[np.ndarray], histories: tuple[Block, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Tables of histories without and with a special disease: numbers of stays (k,) and moments (k, s, g, p, ...)."""
    return [(np.array([b.stays for b in histories if b.chronic == chronic]),
             np.stack([t for b, t in zip(histories, tables, strict=True) if b.chronic == chronic]))
            for chronic in (0, 1)]


def combined(stacks: list[tuple[np.ndarray, np.ndarray]], weight: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Moments averaged over schedules, by their `weight` (s, g), and over stays, by their `chance` (g, f, k).

    Result (f, p, g, 2, ...): without and with a special disease.
    """
    return np.stack([
        np.einsum("gfk,kgp...->fpg...", chance[:, :, stays], np.einsum("sg,ksgp...->kgp...", weight, moments))
        for stays, moments in stacks], axis=3)


def spend(rules: list[Rules], care: list[Care], costs: Costs, insured: np.ndarray, thresholds: np.ndarray,
          futures: Futures, seed: int) -> Spending:
    """What each draw-year's care costs the fund and everyone else (see `Spending`).

    `rules` and `care` one a year; `insured` (d, t, g, s) persons; `thresholds` (t,) yuan of out-of-pocket
    spending beyond which it is catastrophic.
    """
    draws, horizon, groups, _ = insured.shape
    tiers = care[0].mix.shape[1]
    people = insured.sum(axis=3)
    status_share = insured.mean(axis=(0, 1)) / np.maximum(insured.mean(axis=(0, 1)).sum(axis=1, keepdims=True), 1e-12)

    # Where to interpolate: the range of prices, frequencies and thresholds that occur.
    log_price, log_frequency = np.log(futures.price), np.log(futures.frequency)
    price_nodes = chebyshev_nodes(log_price.min(), log_price.max(), PRICE_NODES)
    frequency_nodes = chebyshev_nodes(log_frequency.min(), log_frequency.max(), FREQUENCY_NODES)
    middle = np.median(log_price, axis=0)
    middle_nodes = chebyshev_nodes(middle.min(), middle.max(), DETAIL_NODES)
    threshold_nodes = chebyshev_nodes(np.log(thresholds.min()), np.log(thresholds.max()), THRESHOLD_NODES)
    top = max(c.admissions.max() for c in care) * np.exp(frequency_nodes[-1])
    histories = blocks(tiers, longest_history(top, costs.dispersion), tuple(costs.log_sd), costs.chronic_log_sd)

    items = tiers + len(LINEAR) + 2
    eta = normals((horizon, draws, items - 1), seed, "detail")[:, :, [*range(items - 1), items - 2]]
    spending = Spending(**{name: np.zeros((draws, horizon, tiers) if name == "by_tier" else (draws, horizon))
                           for name in Spending._fields})
    built: dict[bytes, tuple] = {}
    for t in range(horizon):
        key = b"".join(np.asarray(part).tobytes() for part in (*rules[t], care[t].mix))
        if key not in built:
            common = rules[t], costs, histories, care[t].mix
            made, used = schedules(rules[t], horizon - 1, status_share)
            one, usual = schedules(rules[t], horizon - 1, status_share, only=float(care[t].years @ np.arange(horizon)))
            built[key] = (used, stacked(table(*common, made, np.exp(price_nodes), np.exp(threshold_nodes)), histories),
                          usual, stacked(detail(*common, one, np.exp(middle_nodes)), histories))
        used, means, usual, details = built[key]
        years = care[t].years
        longest = histories[-1].stays
        rate = care[t].admissions[:, None] * np.exp(frequency_nodes)
        coefficients = combined(means, np.tensordot(years, used, 1), stay_counts(rate, costs.dispersion, longest))
        coefficients = coefficients.reshape(frequency_nodes.size * price_nodes.size, -1)
        basis = (node_basis(frequency_nodes, log_frequency[:, t])[:, :, None]
                 * node_basis(price_nodes, log_price[:, t])[:, None, :]).reshape(draws, -1)
        person = (basis @ coefficients).reshape(draws, groups, 2, -1)
        ill = care[t].chronic_share * futures.chronic[:, t, None]
        share = np.stack([1 - ill, ill], axis=2)  # (d, g, 2)
        person = np.einsum("dgc,dgcq->dgq", share, person)
        total = np.einsum("dg,dgq->dq", people[:, t], person)

        # The fund's payment: mean, variance and skewness of a sum of independent people.
        m1, m2, m3 = (person[:, :, n] for n in range(3))
        variance = np.einsum("dg,dg->d", people[:, t], m2 - m1**2)
        third = np.einsum("dg,dg->d", people[:, t], m3 - 3 * m1 * m2 + 2 * m1**3)
        sd = np.sqrt(np.maximum(variance, 1e-9))
        spending.basic[:, t] = total[:, 0] + sd * skewed(futures.noise[:, t], third / sd**3)

        # Everything else moves with it as closely as its covariance says.
        central = combined(details, np.tensordot(years, usual, 1), stay_counts(
                           care[t].admissions[:, None], costs.dispersion, longest))[0]
        central = np.einsum("p,pgcqm->gcqm", node_basis(middle_nodes, middle[t:t + 1])[0], central)
        fixed = np.stack([1 - care[t].chronic_share, care[t].chronic_share], axis=1)
        at_middle = node_basis(frequency_nodes, np.zeros(1)).T * node_basis(price_nodes, middle[t:t + 1])
        b = np.einsum("gc,gcm->gm", fixed, (at_middle.ravel() @ coefficients).reshape(groups, 2, -1)[:, :, :2])
        x = np.einsum("gc,gcqm->gqm", fixed, central)
        n = np.median(people[:, t], axis=0)
        cv, skewness, with_basic = spread(n, x, b)
        cv_basic = np.sqrt(n @ (b[:, 1] - b[:, 0] ** 2)) / max(n @ b[:, 0], 1e-9)
        relative = (sd / np.maximum(total[:, 0], 1e-9) / cv_basic)[:, None]
        noise = with_basic * futures.noise[:, t, None] + np.sqrt(1 - with_basic**2) * eta[t]
        factor = 1 + cv * relative * skewed(noise, skewness * relative)
        care_total = care_totals(people[:, t], care[t], costs, futures, t)
        spending.by_tier[:, t] = total[:, 3:3 + tiers] * factor[:, :tiers]
        spending.critical[:, t], spending.assistance[:, t], spending.chronic[:, t] = (
            total[:, 3 + tiers:3 + tiers + len(LINEAR)] * factor[:, tiers:tiers + len(LINEAR)]).T
        spending.expense[:, t], spending.eligible[:, t] = (care_total[:, :2] * factor[:, -2:]).T
        spending.stays[:, t] = care_total[:, 2]
        # By tier and chronic care add up to what the fund paid; the patient bears what nobody paid.
        parts = spending.by_tier[:, t].sum(axis=1) + spending.chronic[:, t]
        scale = spending.basic[:, t] / np.maximum(parts, 1e-9)
        spending.by_tier[:, t] *= scale[:, None]
        spending.chronic[:, t] *= scale
        spending.out_of_pocket[:, t] = (spending.expense[:, t] - spending.basic[:, t]
                                        - spending.critical[:, t] - spending.assistance[:, t])
        beyond = node_basis(threshold_nodes, np.log(thresholds[t:t + 1]))[0]
        mean = np.maximum(total[:, -threshold_nodes.size:] @ beyond, 0.0)
        spending.catastrophic[:, t] = np.maximum(mean + np.sqrt(mean) * eta[t, :, 0], 0.0)
    return spending


def skewed(z: np.ndarray, skewness: np.ndarray) -> np.ndarray:
    """A standard normal turned into a unit variable of the given skewness (Wilson and Hilferty's gamma).

    >>> skewed(np.array([-1.0, 0.0, 1.0]), np.array(0.0)).tolist()
    [-1.0, 0.0, 1.0]
    """
    g = np.clip(np.where(np.abs(skewness) < 1e-6, 1e-6, skewness), -4, 4)
    return 2 / g * (np.maximum(1 + g * z / 6 - g**2 / 36, 0.0) ** 3 - 1)


def spread(people: np.ndarray, x: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficient of variation, skewness and correlation with the fund's payment of each item's total.

    `people` (g,), `x` (g, item, 4) from `detail`, `b` (g, 2) first two moments of the payment.
    """
    mean, square, cube, cross = (x[:, :, m] for m in range(4))
    variance = np.maximum(people @ (square - mean**2), 1e-12)
    third = people @ (cube - 3 * mean * square + 2 * mean**3)
    covariance = people @ (cross - mean * b[:, :1])
    basic = max(people @ (b[:, 1] - b[:, 0] ** 2), 1e-12)
    cv = np.sqrt(variance) / np.maximum(people @ mean, 1e-9)
    empty = people @ mean < 1e-9
    return (np.where(empty, 0.0, cv), np.where(empty, 0.0, third / variance**1.5),
            np.where(empty, 0.0, np.clip(covariance / np.sqrt(variance * basic), -1, 1)))


def care_totals(people: np.ndarray, care: Care, costs: Costs, futures: Futures, t: int) -> np.ndarray:
    """Mean expense, in-policy expense (yuan) and number of stays of a year, shape (d, 3)."""
    stays = people * care.admissions * futures.frequency[:, t, None]
    expense = care.mix @ costs.expense
    eligible = care.mix @ (costs.expense * costs.eligible[0])
    ill = people @ care.chronic_share * futures.chronic[:, t]
    price = futures.price[:, t]
    other = costs.eligible[1, 0] if len(costs.eligible) > 1 else 0.0
    return np.stack([(stays @ expense + ill * costs.chronic_expense) * price,
                     (stays @ eligible + ill * costs.chronic_expense * other) * price,
                     stays.sum(axis=1)], axis=1)
