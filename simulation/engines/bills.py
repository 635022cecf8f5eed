"""Single bills: what a stay leaves to the patient on average, and a year of ordinary outpatient care."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from simulation.engines.nodes import lagrange, spanning
from simulation.engines.parts import parts
from simulation.engines.shapes import NO_TAIL, bin_means
from simulation.records import DRAWS, Costs, Outpatient, Rules, Tail
from simulation.steps.benefits import BASIC, CRITICAL, settle_year
from simulation.streams import normals

INPATIENT, OUTPATIENT = 0, 2
EDGES = np.concatenate([[-np.inf], np.linspace(-4.0, 4.5, 127), [np.inf]])  # cost bins, as standard normal points
CHANCE = np.diff(ndtr(EDGES))
PRICE_NODES, VOLUME_NODES = 5, 3
WIDE_VOLUME = 5.0  # log units: payments bend less with the number of visits than with their price


class Moments(NamedTuple):
    """What one bill brings, over (k, n, c): tiers, the cases asked for, and cells; yuan."""

    paid: np.ndarray  # by the fund
    square: np.ndarray  # the mean of its square
    product: np.ndarray  # the mean of payment times expense
    covered: np.ndarray  # by the fund and the large-amount layer


def settled(rules: Rules, kind: int, expense: np.ndarray, log_sd: np.ndarray, eligible: np.ndarray,
            visits: np.ndarray, cells: int, years: float, tail: Tail = NO_TAIL) -> Moments:
    """Settle one bill at each tier: mean `expense` (k, n) yuan and `visits` (n,), for each cell.

    `log_sd` and `eligible` (in-policy share) by tier (k,); `years` full contribution years.
    """
    relative = np.stack([bin_means(EDGES, sd, tail) for sd in log_sd])  # (k, bin)
    bill = (expense * eligible[:, None])[:, :, None, None] * relative[:, None, None, :]
    tier = np.arange(len(log_sd))[:, None, None, None]
    cell = np.arange(cells)[None, None, :, None]
    out: dict[tuple[int, int], np.ndarray] = {}
    kinds = len(rules.annual)
    settle_year(rules, cell, 0, years, [kind], [tier], [0.0], [visits[None, :, None, None]], [bill],
                [0.0] * kinds, [0.0] * kinds, out)
    basic = np.broadcast_to(out[0, BASIC], (len(log_sd), expense.shape[1], cells, len(CHANCE)))
    spent = expense[:, :, None, None] * relative[:, None, None, :]
    covered = basic + out.get((0, CRITICAL), 0.0)
    return Moments(basic @ CHANCE, basic**2 @ CHANCE, (basic * spent) @ CHANCE, covered @ CHANCE)


def net_price(rules: Rules, costs: Costs, cells: int, years: float, price: float) -> np.ndarray:
    """The part of a stay's expense that the patient bears at each tier, (k, c), at a price index."""
    expense = costs.expense[:, None] * price
    found = settled(rules, INPATIENT, expense, costs.log_sd, costs.eligible[INPATIENT], np.zeros(1), cells, years,
                    costs.tail)
    return 1 - found.covered[:, 0] / expense


def outpatient_price(rules: Rules, visit: np.ndarray, visits: float, log_sd: float, eligible: np.ndarray, cells: int,
                     years: float, price: float) -> np.ndarray:
    """The part of a user's yearly outpatient expense that he bears at each tier, (k, c); `visit` (k,) yuan."""
    expense = visit[:, None] * visits * price
    spread = np.full(len(visit), log_sd)
    found = settled(rules, OUTPATIENT, expense, spread, eligible, np.array([visits]), cells, years)
    return 1 - found.paid[:, 0] / expense


def outpatient_year(rules: Rules, visit: np.ndarray, log_sd: float, eligible: np.ndarray, years: float,
                    users: np.ndarray, visits: np.ndarray, mix: np.ndarray, price: np.ndarray, seed: int,
                    name: str, chance: float = 1.0) -> Outpatient:
    """What a year of ordinary outpatient care costs; every array of the answer without the year's axis.

    `visit` (k,) yuan a visit; `users` (d, c) persons, `visits` (d, c) of each; `mix` (c, k) or, by draw, (d, c, k);
    `price` (d,). Users are so many and their payments so bounded that the year's total is a normal, without
    `chance` its mean.
    """
    draws, cells = users.shape
    log_price, log_visits = np.log(price), np.log(visits)
    price_nodes = spanning(log_price.min(), log_price.max(), PRICE_NODES)
    visit_nodes = spanning(log_visits.min(), log_visits.max(), VOLUME_NODES, WIDE_VOLUME)
    n, p = np.exp(visit_nodes).repeat(len(price_nodes)), np.tile(np.exp(price_nodes), len(visit_nodes))
    spread = np.full(len(visit), log_sd)
    found = settled(rules, OUTPATIENT, visit[:, None] * n * p, spread, eligible, n, cells, years)
    moments = np.stack([found.paid, found.square, found.product]).transpose(3, 0, 1, 2).reshape(cells, -1, len(n))
    z = chance * normals((draws, 2), seed, name).T
    tiers = len(visit)
    made = Outpatient(*(np.empty((draws, size), order=DRAWS) for size in (tiers, tiers, tiers, tiers, cells)))
    for part in parts(draws):
        point = (lagrange(visit_nodes, log_visits[part].T).swapaxes(0, 1)[:, :, None]
                 * lagrange(price_nodes, log_price[part])).reshape(cells, len(n), -1)
        one, square, product = (moments @ point).reshape(cells, 3, tiers, -1).swapaxes(0, 1)  # each (c, k, d)
        one = np.maximum(one, 0.0)  # between nodes far apart a polynomial can fall below nothing
        each = visits[part].T
        people = users[part].T[:, None] * (mix[part].transpose(1, 2, 0) if mix.ndim > 2 else mix[:, :, None])
        bill = (each * price[part])[:, None] * visit[:, None]
        paid, expense = people * one, people * bill
        # Chance between users: the year's payment and expense vary together.
        over_all = lambda x, people=people: (people * x).sum(axis=(0, 1))  # noqa: E731
        sd_bill = np.sqrt(over_all(bill * bill) * np.expm1(log_sd**2))
        sd_paid = np.sqrt(np.maximum(over_all(square - one * one), 0.0))
        together = over_all(product - one * bill) / np.maximum(sd_bill * sd_paid, 1e-12)
        along = np.clip(together, -1.0, 1.0)
        factor = lambda sd, noise, total: np.maximum(1 + sd * noise / np.maximum(total, 1e-9), 0.0)  # noqa: E731
        more = factor(sd_bill, z[0, part], expense.sum(axis=(0, 1)))
        paid_more = factor(sd_paid, along * z[0, part] + np.sqrt(1 - along * along) * z[1, part],
                           paid.sum(axis=(0, 1)))
        in_policy = expense.sum(axis=0) * eligible[:, None] * more
        for whole, value in zip(made, (
                np.minimum(paid.sum(axis=0) * paid_more, in_policy), expense.sum(axis=0) * more, in_policy,
                (people * each[:, None]).sum(axis=0),
                np.maximum(expense.sum(axis=1) * more - paid.sum(axis=1) * paid_more, 0.0)), strict=True):
            whole[part] = value.T
    return made


def limited(mean: np.ndarray, log_sd: float, limit: np.ndarray) -> np.ndarray:
    """The mean of a lognormal amount up to a limit, same shapes, yuan (limited expected value).

    >>> limited(np.array([100.0]), 1.0, np.array([1e9])).round(6).tolist()
    [100.0]
    """
    some = (mean > 1e-9) & (limit > 1e-9)
    m, b = np.where(some, mean, 1.0), np.where(some, limit, 1.0)
    d = (np.log(b / m) + log_sd**2 / 2) / max(log_sd, 1e-9)
    return np.where(some, m * ndtr(d - log_sd) + b * ndtr(-d), 0.0)
