"""Claim histories: a few thousand years of bills that stand for everyone's, before any rule or price.

A history is an ordered sequence of bills with their tiers and relative costs. Costs are means of narrow
bins of their distribution, so that what a schedule pays, linear between its kinks, is averaged exactly.
"""

from __future__ import annotations

from functools import lru_cache, reduce
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import qmc

from simulation.engines.shapes import NO_TAIL, bin_means
from simulation.records import Tail
from simulation.streams import stream

SINGLE, LOWEST, HIGHEST = 400, -4.0, 5.5  # cost bins of years with one bill, for each tier
BIN = (HIGHEST - LOWEST) / (SINGLE - 2)  # width of a bin, as log cost at a log sd of 1
SPLIT_FROM = 64  # histories of a shape
SPLIT = 0.5 ** np.arange(9.0)  # a shape's dearest bin is cut where half, a quarter... of it remain
SAMPLED = {0: 4096, 1: 512}  # histories with two bills; half as many for each further one


FEW = 32  # histories of the longest years, which are settled together


class Block(NamedTuple):
    """All histories of one number of stays, or of several with equally many, with or without a special disease.

    Histories of one number stand together; bills they do not have cost nothing and come last.
    """

    chronic: int  # 1: the first bill is the year's special-disease outpatient care
    stays: tuple[int, ...]
    tier: np.ndarray  # (j, h) index of each bill's tier
    cost: np.ndarray  # (j, h) expense of each bill relative to its mean
    continued: np.ndarray  # (j, h) 1 where a stay follows the one before by referral
    weight: np.ndarray  # (h,) before the mix of tiers of a group-year
    here: np.ndarray = np.zeros(0)  # (k, j, h) 1 where a bill is of a stay at a tier
    sort: np.ndarray = np.zeros(0)  # (h,) of each history, by how many stays it has at each tier
    stays_at: np.ndarray = np.zeros(0)  # (k, m) stays of each sort at each tier
    mass: np.ndarray = np.zeros(0)  # (m,) weight of each sort
    number: np.ndarray = np.zeros(0)  # (m,) which number of stays each sort has
    of_number: np.ndarray = np.zeros(0)  # (m, n) 1 there


@lru_cache(maxsize=32)
def blocks(mix: tuple[float, ...], longest: int, log_sd: tuple[float, ...], expense: tuple[float, ...],
           referral: float, tail: Tail, coarse: int = 1) -> tuple[Block, ...]:
    """The histories of a scenario's cost shapes, cheapest first: no rule, price or frequency enters.

    `mix` is how often each tier is drawn; groups with other mixes re-weight the histories. `log_sd` and
    `expense` (yuan) of a bill at each tier, and last of special-disease care; `referral`: the share of further
    stays that continue the one before; `tail` of stays. With `coarse`, that many times fewer histories: enough for
    variances and covariances.
    """
    tiers, spread = len(mix), np.array(log_sd)
    made = []
    for chronic in (0, 1):
        for stays in range(0 if chronic else 1, longest + 1):
            bills = chronic + stays
            if bills == 1:
                one = single_bill(chronic, tiers, spread, tail, SINGLE // min(coarse, 2))
                made.append(cheapest_first(one, expense))
                continue
            many = max((SAMPLED[chronic] // coarse) >> max(bills - 2, 0), FEW)
            u = evenly(many, bills + 2 * stays, f"histories {chronic} {stays}")
            sequence = np.minimum(np.searchsorted(np.cumsum(mix), u[:, bills:bills + stays], side="right"), tiers - 1)
            shape = np.concatenate([np.full((len(u), chronic), tiers), sequence], axis=1).T
            rank = [ranked(u[:, j], shape[j]) for j in range(bills)]
            cost = np.stack([by_rank(rank[j], shape[j], spread, tail) for j in range(bills)])
            continued = np.zeros(shape.shape)
            continued[chronic + 1:] = referral > u[:, bills + stays + 1:].T
            weight = 1 / np.prod(np.array(mix)[sequence], axis=1) / len(u)
            block = Block(chronic, (stays,), np.where(shape == tiers, 0, shape), cost, continued, weight)
            made.append(cheapest_first(dearest_split(block, rank, shape, spread, tail), expense))
    return tuple(with_tiers(block, tiers) for block in together(made))


def with_tiers(block: Block, tiers: int) -> Block:
    """The block with what follows from the tiers of its stays."""
    bill = np.arange(len(block.tier))[:, None] - block.chronic
    stay = (bill >= 0) & (bill < np.repeat(block.stays, len(block.weight) // len(block.stays)))
    here = (stay & (block.tier == np.arange(tiers)[:, None, None])).astype(float)
    stays_at, sort = np.unique(here.sum(axis=1).astype(int), axis=1, return_inverse=True)
    number = np.searchsorted(block.stays, stays_at.sum(axis=0))
    return block._replace(here=here, sort=sort.ravel(), stays_at=stays_at, mass=np.bincount(sort.ravel(), block.weight),
                          number=number, of_number=np.eye(len(block.stays))[number])


def together(made: list[Block]) -> tuple[Block, ...]:
    """The blocks with those of `FEW` histories, with and without a special disease, joined into one each."""
    joined = []
    for chronic in (0, 1):
        own = [block for block in made if block.chronic == chronic]
        joined += [block for block in own if len(block.weight) != FEW]
        few = [block for block in own if len(block.weight) == FEW]
        joined += [side_by_side(few)] if few else []
    return tuple(joined)


def side_by_side(few: list[Block]) -> Block:
    """Blocks of equally many histories as one, filled up with bills that cost nothing."""
    longest = max(len(block.tier) for block in few)
    filled = {name: np.concatenate([np.pad(getattr(block, name), ((0, longest - len(block.tier)), (0, 0)))
                                    for block in few], axis=1) for name in ("tier", "cost", "continued")}
    return Block(few[0].chronic, tuple(block.stays[0] for block in few), **filled,
                 weight=np.concatenate([block.weight for block in few]))


def cheapest_first(block: Block, expense: tuple[float, ...]) -> Block:
    """The block in order of each history's expense, so that neighbours meet the same limits."""
    mean = np.array(expense)[block.tier]
    mean[: block.chronic] = expense[-1]
    order = np.argsort((block.cost * mean).sum(axis=0), kind="stable")
    return block._replace(tier=block.tier[:, order], cost=block.cost[:, order], continued=block.continued[:, order],
                          weight=block.weight[order])


def evenly(n: int, dimensions: int, name: str) -> np.ndarray:
    """Quasi-random points (n, dimension) of the unit cube, n a power of two."""
    return qmc.Sobol(dimensions, rng=stream(0, name)).random_base2(int(np.log2(n)))


def single_bill(chronic: int, tiers: int, spread: np.ndarray, tail: Tail, bins: int) -> Block:
    """Years with one bill: fine bins over the whole range of cost, for each tier."""
    inner = np.linspace(LOWEST, HIGHEST, bins - 1)
    edges = np.concatenate([[-np.inf], inner, [np.inf]])
    shapes = [tiers] if chronic else list(range(tiers))
    cost = np.concatenate([bin_means(edges, spread[k], tail_of(k, tiers, tail)) for k in shapes])
    weight = np.tile(np.diff(ndtr(edges)), len(shapes)) / len(shapes)
    tier = np.zeros(bins, int) if chronic else np.arange(tiers).repeat(bins)
    return Block(chronic, (1 - chronic,), tier[None], cost[None], np.zeros((1, len(cost))), weight)


def ranked(u: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """The rank of each history's point within its cost shape, (h,): evenly spread over every shape."""
    rank = np.empty(len(u), int)
    for k in np.unique(shape):
        here = np.flatnonzero(shape == k)
        rank[here] = np.argsort(np.argsort(u[here]))
    return rank


def by_rank(rank: np.ndarray, shape: np.ndarray, spread: np.ndarray, tail: Tail) -> np.ndarray:
    """Relative costs of one bill in every history, one bin of equal chance a rank of its cost shape (h,).

    Each shape's distribution, and so its mean, is kept exactly (Latin hypercube).
    """
    cost = np.empty(len(rank))
    for k in np.unique(shape):
        here = shape == k
        n = int(here.sum())
        cost[here] = bin_means(ndtri(np.arange(n + 1) / n), spread[k], tail_of(k, len(spread) - 1, tail))[rank[here]]
    return cost


def dearest_split(block: Block, rank: list[np.ndarray], shape: np.ndarray, spread: np.ndarray, tail: Tail) -> Block:
    """The block with every history in which a bill is the dearest of its shape cut into several.

    That bin is wide, and limits cut through it: its mean alone would stand for costs that differ tenfold. Its parts
    keep its mean and its weight. `rank` and `shape` are of the histories before.
    """
    column, cost, weight = np.arange(len(block.weight)), block.cost, block.weight
    parts = np.append(SPLIT[:-1] - SPLIT[1:], SPLIT[-1])
    for j in range(len(shape)):
        for k in np.unique(shape[j]):
            n = int((shape[j] == k).sum())
            if n < SPLIT_FROM:  # rare and long histories would only multiply
                continue
            top = (shape[j] == k)[column] & (rank[j] == n - 1)[column]
            edges = ndtri(1 - np.append(SPLIT, 0.0) / n)
            chosen = np.concatenate([np.flatnonzero(~top), np.flatnonzero(top).repeat(len(parts))])
            many = int(top.sum()) * len(parts)
            column, cost, weight = column[chosen], cost[:, chosen], weight[chosen]
            split = np.arange(len(chosen)) >= len(chosen) - many
            cost[j, split] = np.tile(bin_means(edges, spread[k], tail_of(k, len(spread) - 1, tail)), many // len(parts))
            weight[split] *= np.tile(parts, many // len(parts))
    return block._replace(tier=block.tier[:, column], cost=cost, continued=block.continued[:, column], weight=weight)


def tail_of(shape: int, tiers: int, tail: Tail) -> Tail:
    """The tail of a cost shape: stays have one, special-disease care, which comes last, has none."""
    return tail if shape < tiers else NO_TAIL


def mix_weights(block: Block, mix: np.ndarray) -> np.ndarray:
    """Weights (n, g, h) of a block's histories of each number of stays under each group's mix of tiers (g, k).

    They add up to 1 over the histories of one number.
    """
    of_history = block.weight * sort_weights(block, mix).take(block.sort, axis=1)
    return of_history.reshape(len(mix), len(block.stays), -1).swapaxes(0, 1)


def sort_weights(block: Block, mix: np.ndarray) -> np.ndarray:
    """What each sort of histories weighs under each group's mix of tiers (g, k), beside their own weights: (g, m)."""
    power = np.ones((*mix.shape, int(block.stays_at.max()) + 1))
    np.cumprod(np.repeat(mix[:, :, None], power.shape[2] - 1, axis=2), axis=2, out=power[:, :, 1:])
    sorts = reduce(np.multiply, (power[:, k].take(stays, axis=1) for k, stays in enumerate(block.stays_at)))
    return sorts / ((sorts * block.mass) @ block.of_number).take(block.number, axis=1)


def own_weights(block: Block) -> np.ndarray:
    """The histories' own weights, apart for each sort: (1, m, h) of a block of one number of stays."""
    return (block.weight * (block.sort == np.arange(len(block.mass))[:, None]))[None]
