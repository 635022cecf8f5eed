"""The history table: a fund's yearly payments from a few thousand claim histories, whatever its size.

Given a draw's shocks, people of a group are exchangeable, so the fund's payment is a sum of
independent copies of one person's. One person's payment given the ordered tiers of his stays does
not depend on the year: claim histories are built once, re-settled when a rule changes, and weighted
by how often each number and order of stays occurs (collective risk model).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from scipy.special import ndtr, ndtri
from scipy.stats import nbinom, qmc

from simulation.records import Care, Costs, Futures, Rules, Spending
from simulation.steps.benefits import AMOUNTS, ASSISTANCE, BASIC, CRITICAL, settle_year
from simulation.streams import normals, stream

PRICE_NODES, FREQUENCY_NODES, THRESHOLD_NODES, DETAIL_NODES = 6, 5, 3, 3
SINGLE, LOWEST, HIGHEST = 320, -4.0, 4.5  # cost bins of years with one bill, for each tier
BIN = (HIGHEST - LOWEST) / (SINGLE - 2)  # width of a bin, as log cost at a log sd of 1
SAMPLED = {0: 4096, 1: 512}  # histories with two bills; half as many for each further one
TAIL = 1e-4  # stays beyond the longest history, as a share of all stays


class Block(NamedTuple):
    """All histories with the same number of stays, with or without a special disease."""

    chronic: int  # 1: the first bill is the year's special-disease outpatient care
    stays: int
    tier: np.ndarray  # (j, h) index of each bill's tier
    cost: np.ndarray  # (j, h) expense of each bill relative to its mean
    weight: np.ndarray  # (h,) before the mix of tiers of a group-year


@lru_cache(maxsize=32)
def blocks(mix: tuple[float, ...], longest: int, log_sd: tuple[float, ...], chronic_log_sd: float) -> tuple[Block, ...]:
    """The histories of a scenario's cost shapes: no rule, price or frequency enters.

    `mix` is how often each tier is drawn; groups with other mixes re-weight the histories.
    """
    tiers, spread = len(mix), np.array([*log_sd, chronic_log_sd])
    made = []
    for chronic in (0, 1):
        for stays in range(0 if chronic else 1, longest + 1):
            bills = chronic + stays
            if bills == 1:
                made.append(single_bill(chronic, tiers, spread))
                continue
            u = evenly(max(SAMPLED[chronic] >> max(bills - 2, 0), 32), bills + stays, f"histories {chronic} {stays}")
            sequence = np.minimum(np.searchsorted(np.cumsum(mix), u[:, bills:], side="right"), tiers - 1)
            shape = np.concatenate([np.full((len(u), chronic), tiers), sequence], axis=1).T
            cost = np.stack([by_rank(u[:, j], shape[j], spread) for j in range(bills)])
            weight = 1 / np.prod(np.array(mix)[sequence], axis=1) / len(u)
            made.append(Block(chronic, stays, np.where(shape == tiers, 0, shape), cost, weight))
    return tuple(made)


def thinned(histories: tuple[Block, ...]) -> tuple[Block, ...]:
    """Every fourth history with two bills or more: enough for variances and covariances."""
    return tuple(block if len(block.tier) == 1 else block._replace(
        tier=block.tier[:, ::4], cost=block.cost[:, ::4], weight=block.weight[::4]) for block in histories)


def evenly(n: int, dimensions: int, name: str) -> np.ndarray:
    """Quasi-random points (n, dimension) of the unit cube, n a power of two."""
    return qmc.Sobol(dimensions, rng=stream(0, name)).random_base2(int(np.log2(n)))


def single_bill(chronic: int, tiers: int, spread: np.ndarray) -> Block:
    """Years with one bill: fine bins over the whole range of cost, for each tier."""
    inner = np.linspace(LOWEST, HIGHEST, SINGLE - 1)
    edges = np.concatenate([[-np.inf], inner, [np.inf]])
    shapes = [tiers] if chronic else list(range(tiers))
    cost = np.concatenate([bin_means(edges, spread[k]) for k in shapes])
    weight = np.tile(np.diff(ndtr(edges)), len(shapes)) / len(shapes)
    tier = np.zeros(SINGLE, int) if chronic else np.arange(tiers).repeat(SINGLE)
    return Block(chronic, 1 - chronic, tier[None], cost[None], weight)


def by_rank(u: np.ndarray, shape: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Relative costs of one bill in every history, spread evenly within each cost shape (h,).

    Ranking the points keeps each shape's distribution, and so its mean, exact (Latin hypercube).
    """
    cost = np.empty(len(u))
    for k in np.unique(shape):
        here = np.flatnonzero(shape == k)
        rank = np.argsort(np.argsort(u[here]))
        cost[here] = bin_means(ndtri(np.arange(len(here) + 1) / len(here)), spread[k])[rank]
    return cost


def bin_means(edges: np.ndarray, log_sd: float) -> np.ndarray:
    """Means of a lognormal of mean 1 between standard normal edges, shape (n - 1,).

    A schedule is linear between its kinks, so a bin's mean stands for the whole bin exactly.

    >>> bin_means(np.array([-np.inf, 0.0, np.inf]), 1.0).mean().round(12)
    np.float64(1.0)
    """
    return np.diff(ndtr(edges - log_sd)) / np.diff(ndtr(edges))


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
                # The share of the history's bin that lies beyond: a bin stands for costs BIN apart.
                columns[3 + tiers + len(LINEAR) + n] += w @ np.clip((left / threshold - 1) / BIN + 0.5, 0, 1)
        found.append(columns.transpose(1, 2, 3, 0))
    return found


CHUNK = 256  # histories settled at once: small enough to stay in the cache


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

    Items: the fund's payment, the same by tier, `LINEAR`, expense, in-policy expense, and 1 where spending
    is catastrophic. The last axis holds the mean of each item's product with every item, its mean, and
    the mean of its cube.
    """
    groups, tiers = mix.shape
    items = 1 + tiers + len(LINEAR) + 3
    found = []
    for block in histories:
        weight = mix_weights(block, mix)
        total = np.zeros((len(made), groups, len(price), items, items + 2))
        for start in range(0, weight.shape[1], 4 * CHUNK):
            part = slice(start, start + 4 * CHUNK)
            out, expense, eligible = settled(block, part, rules, costs, made, price)
            x = np.zeros((items, *np.broadcast_shapes(out[0, BASIC].shape, expense.shape[1:])))
            for j in range(len(block.tier)):
                if j < block.chronic:
                    x[tiers + 3] += out[j, BASIC]
                else:
                    x[1:tiers + 1] += (block.tier[j, part] == np.arange(tiers)[:, None])[:, None, :, None] * out[j, BASIC]
                x[tiers + 1] += out.get((j, CRITICAL), 0.0)
                x[tiers + 2] += out.get((j, ASSISTANCE), 0.0)
            x[0] = x[1:tiers + 1].sum(axis=0) + x[tiers + 3]
            x[-3], x[-2] = expense.sum(axis=0), eligible.sum(axis=0)
            x[-1] = x[-3] - x[0] - x[tiers + 1] - x[tiers + 2] > threshold
            x = x.transpose(1, 3, 0, 2)  # (s, p, item, h)
            more = np.concatenate([x, np.ones_like(x[:, :, :1]), np.zeros_like(x[:, :, :1])], axis=2)
            for g in range(groups):
                w = weight[g, part]
                total[:, g] += (x * w) @ more.transpose(0, 1, 3, 2)
                total[:, g, :, :, -1] += (x * x * x) @ w
        found.append(total)
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
    log_price, frequency = np.log(futures.price), futures.frequency
    price_nodes = chebyshev_nodes(log_price.min(), log_price.max(), PRICE_NODES)
    frequency_nodes = chebyshev_nodes(frequency.min(), frequency.max(), FREQUENCY_NODES)
    middle = np.median(log_price, axis=0)
    middle_nodes = chebyshev_nodes(middle.min(), middle.max(), DETAIL_NODES)
    threshold_nodes = chebyshev_nodes(np.log(thresholds.min()), np.log(thresholds.max()), THRESHOLD_NODES)
    top = max(c.admissions.max() for c in care) * frequency_nodes[-1]
    usual_mix = np.mean([c.mix.mean(axis=0) for c in care], axis=0)
    usual_mix = np.maximum(usual_mix, 1e-6) / np.maximum(usual_mix, 1e-6).sum()
    histories = blocks(tuple(usual_mix), longest_history(top, costs.dispersion), tuple(costs.log_sd), costs.chronic_log_sd)

    items = 1 + tiers + len(LINEAR) + 3
    eta = normals((horizon, draws, items - 1), seed, "detail")
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
                          usual, stacked(detail(rules[t], costs, thinned(histories), care[t].mix, one, np.exp(middle_nodes),
                                           float(np.median(thresholds))), histories))
        used, means, usual, details = built[key]
        years = care[t].years
        longest = histories[-1].stays
        rate = care[t].admissions[:, None] * frequency_nodes
        coefficients = combined(means, np.tensordot(years, used, 1), stay_counts(rate, costs.dispersion, longest))
        coefficients = coefficients.reshape(frequency_nodes.size * price_nodes.size, -1)
        basis = (node_basis(frequency_nodes, frequency[:, t])[:, :, None]
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

        # Everything else moves with it, as closely as the covariance between people says.
        central = combined(details, np.tensordot(years, usual, 1), stay_counts(
            care[t].admissions[:, None], costs.dispersion, longest))[0]
        central = np.einsum("p,pgcij->gcij", node_basis(middle_nodes, middle[t:t + 1])[0], central)
        ill_usual = np.stack([1 - care[t].chronic_share, care[t].chronic_share], axis=1)
        typical = np.median(people[:, t], axis=0)
        cv, skewness, root = spread(typical, np.einsum("gc,gcij->gij", ill_usual, central))
        noise = np.concatenate([futures.noise[:, t, None], eta[t]], axis=1) @ root.T
        relative = (sd / np.maximum(total[:, 0], 1e-9) / max(cv[0], 1e-9))[:, None]
        factor = (1 + cv * relative * skewed(noise, skewness * relative))[:, 1:]
        care_total = care_totals(people[:, t], care[t], costs, futures, t)
        spending.by_tier[:, t] = total[:, 3:3 + tiers] * factor[:, :tiers]
        spending.critical[:, t], spending.assistance[:, t], spending.chronic[:, t] = (
            total[:, 3 + tiers:3 + tiers + len(LINEAR)] * factor[:, tiers:tiers + len(LINEAR)]).T
        spending.expense[:, t], spending.eligible[:, t] = (care_total[:, :2] * factor[:, -3:-1]).T
        spending.stays[:, t] = care_total[:, 2]
        beyond = node_basis(threshold_nodes, np.log(thresholds[t:t + 1]))[0]
        spending.catastrophic[:, t] = np.maximum(total[:, -threshold_nodes.size:] @ beyond * factor[:, -1], 0.0)
        # By tier and chronic care add up to what the fund paid; the patient bears what nobody paid.
        parts = spending.by_tier[:, t].sum(axis=1) + spending.chronic[:, t]
        scale = spending.basic[:, t] / np.maximum(parts, 1e-9)
        spending.by_tier[:, t] *= scale[:, None]
        spending.chronic[:, t] *= scale
        spending.out_of_pocket[:, t] = (spending.expense[:, t] - spending.basic[:, t]
                                        - spending.critical[:, t] - spending.assistance[:, t])
    return spending


def skewed(z: np.ndarray, skewness: np.ndarray) -> np.ndarray:
    """A standard normal turned into a unit variable of the given skewness (Wilson and Hilferty's gamma).

    >>> skewed(np.array([-1.0, 0.0, 1.0]), np.array(0.0)).tolist()
    [-1.0, 0.0, 1.0]
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
    correlation = covariance * scale[:, None] * scale
    # Items that add up to one another make the matrix singular; a trace of independence makes it regular.
    root = np.linalg.cholesky(correlation * (1 - 1e-6) + np.eye(len(sd)) * (1e-6 + (1 - 1e-6) * ~some))
    return (np.where(some, sd / np.where(some, total, 1.0), 0.0), np.where(some, third * scale**3, 0.0), root)


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
