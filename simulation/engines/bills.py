"""Single bills: what a stay leaves to the patient on average, and years of ordinary outpatient care."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from simulation.engines.choice import weighed
from simulation.engines.nodes import WIDE, Polynomial, Terms, spanning, through, unit_points
from simulation.engines.parts import parts, several
from simulation.engines.shapes import NO_TAIL, bin_means
from simulation.engines.yearly import SMALLEST, Ends
from simulation.records import Costs, Outpatient, Rules, Tail
from simulation.steps.benefits import BASIC, CRITICAL, settle_year
from simulation.streams import stream

INPATIENT, OUTPATIENT = 0, 2
EDGES = np.concatenate([[-np.inf], np.linspace(-4.0, 4.5, 127), [np.inf]])  # cost bins, as standard normal points
CHANCE = np.diff(ndtr(EDGES))
PRICE_NODES, VOLUME_NODES = 5, 5
WIDE_VOLUME = 1.5  # log units
KEPT: dict[bytes, np.ndarray] = {}  # what was settled, by all that it follows from: no other lever settles it anew
MOST_KEPT = 2000
YEARS = 4  # settled at once: few enough to stay in the cache


class Moments(NamedTuple):
    """What one bill brings, over (k, n, c): tiers, the cases asked for, and cells; yuan."""

    paid: np.ndarray  # by the fund
    square: np.ndarray  # the mean of its square
    product: np.ndarray  # the mean of payment times expense
    covered: np.ndarray  # by the fund and the critical-illness layer


class Visits(NamedTuple):
    """Ordinary outpatient care before the rules, years and draws on the last axes."""

    users: np.ndarray  # (c, t, d) persons, those who wait for benefits with them
    covered: np.ndarray  # (c, t) part of the year past the waiting period
    visits: np.ndarray  # (c, t, d) of each user, before providers respond
    price: np.ndarray  # (t, d) index
    mixes: Callable[[slice, slice], np.ndarray]  # and their shares by tier in some years and draws, (c, k, t, d or 1)
    more: np.ndarray  # (t, k) relative change of visits by which providers respond
    expense: np.ndarray  # (t, k) yuan a visit
    log_sd: float  # of a user's year
    eligible: np.ndarray  # (t, k) in-policy share
    contributed: np.ndarray  # (t,) full contribution years


class Paid(NamedTuple):
    """What all users of each cell are paid in some years and draws."""

    by_tier: np.ndarray  # (c, k, t, d) yuan
    square: np.ndarray  # (c, t, d) sum over users of the mean of the square
    product: np.ndarray  # (c, t, d) of payment times expense
    own: np.ndarray  # (c, t, d) of the square of the mean at each user's tier


def kept(key: bytes, make: Callable[[], np.ndarray]) -> np.ndarray:
    """What is made from some inputs, made once while there is room. Read-only."""
    found = KEPT.get(key)
    if found is None:
        if len(KEPT) >= MOST_KEPT:
            KEPT.clear()
        found = KEPT[key] = make()
        found.flags.writeable = False
    return found


@lru_cache(maxsize=64)
def relative_bins(log_sd: float, tail: Tail) -> np.ndarray:
    """Mean expense of each cost bin beside the mean of all, (bin,). Read-only."""
    found = bin_means(EDGES, log_sd, tail)
    found.flags.writeable = False
    return found


def cells_alike(rules: Rules, kind: int, cells: int) -> tuple[np.ndarray, list[int]]:
    """The first of the cells that one kind of care is paid alike for, and which of these stands for each cell."""
    rates = rules.rate[:, kind].reshape(-1, rules.rate.shape[-1])[:, :cells]
    each = np.vstack([rates, rules.waived[:cells]]) if rules.has_fee else rates
    columns = [column.tobytes() for column in each.T]
    distinct = list(dict.fromkeys(columns))
    return np.array([columns.index(one) for one in distinct]), [distinct.index(one) for one in columns]


def settled(rules: Rules, kind: int, expense: np.ndarray, log_sd: np.ndarray, eligible: np.ndarray,
            visits: np.ndarray, cells: int, years: float | np.ndarray, tail: Tail = NO_TAIL) -> Moments:
    """Settle one bill at each tier: mean `expense` (k, n) yuan and `visits` (n,), for each cell.

    `log_sd` by tier (k,); in-policy shares `eligible` (k,) or (k, n); full contribution `years`, (n,) or one. Where the
    ceiling of the rules is (y, 1, 1, 1, 1), so is the answer (y, k, n, c).
    """
    first, which = cells_alike(rules, kind, cells)
    relative = np.stack([relative_bins(sd, tail) for sd in log_sd.tolist()])  # (k, bin)
    bill = (expense * eligible.reshape(len(expense), -1))[:, :, None, None] * relative[:, None, None, :]
    tier = np.arange(len(log_sd))[:, None, None, None]
    out: dict[tuple[int, int], np.ndarray] = {}
    kinds = len(rules.annual)
    settle_year(rules, first[None, None, :, None], 0, np.reshape(years, (-1, 1, 1)), [kind], [tier], [0.0],
                [visits[None, :, None, None]], [bill], [0.0] * kinds, [0.0] * kinds, out)
    basic = out[0, BASIC]
    weight = expense[:, :, None, None] * relative[:, None, None, :] * CHANCE
    paid = basic @ CHANCE
    covered = paid + out[0, CRITICAL] @ CHANCE if (0, CRITICAL) in out else paid
    found = paid, basic * basic @ CHANCE, (basic * weight).sum(axis=-1), covered
    shape = len(log_sd), expense.shape[1], len(first)
    return Moments(*(np.broadcast_to(x, (*x.shape[:-3], *shape))[..., which] for x in found))


def net_price(rules: Rules, ceilings: np.ndarray, costs: Costs, cells: int) -> np.ndarray:
    """The part of a stay's expense that the patient bears at each tier under each of some ceilings, (y, k, c), in the
    first year of contribution and at the first year's prices."""
    expense = costs.expense[:, None]
    rules = rules._replace(ceiling=ceilings[:, None, None, None, None])
    found = settled(rules, INPATIENT, expense, costs.log_sd, costs.eligible[INPATIENT], np.zeros(1), cells, 0.0,
                    costs.tail)
    return 1 - np.broadcast_to(found.covered, (len(ceilings), *found.covered.shape[-3:]))[:, :, 0] / expense


def outpatient_price(rules: Rules, visit: np.ndarray, visits: float, log_sd: float, eligible: np.ndarray,
                     cells: int) -> np.ndarray:
    """The part of a user's yearly outpatient expense that he bears at each tier, (k, c), in the first year of
    contribution and at the first year's prices; `visit` (k,) yuan."""
    expense = visit[:, None] * visits
    spread = np.full(len(visit), log_sd)
    found = settled(rules, OUTPATIENT, expense, spread, eligible, np.array([visits]), cells, 0.0)
    return 1 - found.paid[:, 0] / expense


def outpatient_years(rules: list[Rules], care: Visits, seed: int, chance: float = 1.0) -> Outpatient:
    """What ordinary outpatient care costs in every year, by each year's rules.

    Users are so many and their payments so bounded that a year's total is a normal, without `chance` its mean.
    """
    cells, years, draws = care.users.shape
    tiers = care.expense.shape[1]
    terms = payments(rules, care)
    z = luck(draws, years, seed)
    made = Outpatient(*(np.empty((size, years, draws)).T for size in (tiers, tiers, tiers, tiers, cells, cells)))
    for some in several(years, draws):
        one = terms.of(some, own=1)
        for part in parts(draws):
            here = (..., some, part)
            visits, price = care.visits[here], care.price[here]
            mix = care.mixes(some, part)
            if care.more[some].any():
                mix, times = grown(mix, care.more[some])
                visits = visits * times
            covered = care.covered[:, some, None]
            users = care.users[here] * covered
            waiting = care.users[here] * (1 - covered)
            year = year_of(paid_in(one, mix, users, visits, price), users, waiting, visits, price, mix,
                           care.expense[some], care.eligible[some], np.expm1(care.log_sd**2), chance * z[here])
            for whole, amount in zip(made, year, strict=True):
                whole.T[here] = amount
    return made


def grown(mix: np.ndarray, more: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mix (c, k, t, d or 1) when visits at each tier have changed by `more` (t, k), and all visits beside before,
    (c, t, d or 1).

    >>> mix, times = grown(np.array([0.5, 0.5])[None, :, None, None], np.array([[0.0, -0.5]]))
    >>> mix.ravel().round(3).tolist(), times.item()
    ([0.667, 0.333], 0.75)
    """
    mix = mix * (1 + more.T[:, :, None])
    times = np.add.reduce(mix, axis=1)
    mix /= times[:, None]
    return mix, times


@lru_cache(maxsize=16)
def luck(draws: int, years: int, seed: int) -> np.ndarray:
    """Standard normals by which chance moves each year's expense and payment, (2, t, d). Read-only."""
    z = np.empty((2, years, draws))
    for t in range(years):
        z[:, t] = stream(seed, f"outpatient {t}").standard_normal((draws, 2)).T
    z.flags.writeable = False
    return z


def payments(rules: list[Rules], care: Visits) -> Terms:
    """The moments of what a user is paid, as polynomials in the logs of visits and of their price: columns (3 k).

    Years with the same rules are settled together, a few at a time. Visits count towards no ceiling of all care.
    """
    low, high = Ends.of(care.visits)
    seen = Ends(low * (1 + care.more.min(axis=1)), high * (1 + care.more.max(axis=1)))
    ends = Ends(*np.log(seen)), Ends(*np.log(Ends.of(care.price)))
    visits, price = (np.exp((low + high)[:, None] / 2 + (high - low)[:, None] / 2 * unit_points(
        max(len(spanning(*end, least, wide)) for end in zip(low, high, strict=True)))[0])
        for (low, high), least, wide in zip(ends, (VOLUME_NODES, PRICE_NODES), (WIDE_VOLUME, WIDE), strict=True))
    grid = visits.shape[1], price.shape[1]
    found = np.empty((len(rules), len(care.users), *grid, 3 * care.expense.shape[1]))
    alike: dict[tuple[int, ...], list[int]] = {}
    for t, rule in enumerate(rules):
        alike.setdefault(tuple(map(id, rule._replace(ceiling=0.0))), []).append(t)
    for same in alike.values():
        for years in (same[n:n + YEARS] for n in range(0, len(same), YEARS)):
            n, p = (np.broadcast_to(x, (len(years), *grid)).ravel() for x in (
                visits[years][:, :, None], price[years][:, None]))
            of_year = lambda x, years=years: np.repeat(x[years], np.prod(grid), axis=0)  # noqa: E731
            one = settled(rules[same[0]], OUTPATIENT, of_year(care.expense).T * n * p,
                          np.full(care.expense.shape[1], care.log_sd), of_year(care.eligible).T, n, len(care.users),
                          of_year(care.contributed))
            columns = np.concatenate(one[:3]).T  # (c, n, 3 k)
            found[years] = columns.reshape(-1, len(years), *found.shape[2:]).swapaxes(0, 1)
    smallest = np.repeat([SMALLEST["others"], SMALLEST["chance"], SMALLEST["chance"]], care.expense.shape[1])
    return through(found, [None, None], *(np.stack(end) for end in zip(*ends, strict=True)), smallest)


def paid_in(one: Polynomial, mix: np.ndarray, users: np.ndarray, visits: np.ndarray, price: np.ndarray) -> Paid:
    """What users are paid in some years and draws, by the years' polynomials and the mix (c, k, t, d or 1).

    A mix that all draws have in common is in the polynomials before they are read.
    """
    tiers, common = mix.shape[1], mix.shape[-1] == 1
    if common:
        share = mix[..., 0].transpose(2, 0, 1)[..., None]  # (t, c, k, 1)
        paid, *others = (one.weight[:, :, n * tiers:(n + 1) * tiers] * share for n in range(3))
        one = one._replace(weight=np.concatenate([paid, *(of.sum(axis=2, keepdims=True) for of in others)], axis=2))
    found = one.at(users, [np.log(visits)], [np.log(price)])
    paid = found[:, :tiers]
    np.maximum(paid, 0.0, out=paid)  # between nodes far apart a polynomial can fall below nothing
    least = np.maximum(users, 1e-300)
    if common:
        return Paid(paid, found[:, tiers], found[:, tiers + 1],
                    over_tiers(1 / np.maximum(mix, 1e-300), paid * paid) / least)
    by_tier = mix * paid
    paid *= by_tier
    others = found[:, tiers:].reshape(len(mix), 2, *mix.shape[1:])
    others *= mix[:, None]
    square, product = np.add.reduce(others, axis=2).swapaxes(0, 1)
    return Paid(by_tier, square, product, np.add.reduce(paid, axis=1) / least)


def over_tiers(weight: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Sums (c, t, d) over the tiers of amounts (c, k, t, d), by weights (c or 1, k, t, 1)."""
    weight = weight[..., 0].transpose(0, 2, 1)[:, :, None]
    return np.matmul(weight, x.swapaxes(1, 2))[:, :, 0]


def year_of(paid: Paid, users: np.ndarray, waiting: np.ndarray, visits: np.ndarray, price: np.ndarray, mix: np.ndarray,
            expense: np.ndarray, eligible: np.ndarray, spread: float, z: np.ndarray) -> tuple[np.ndarray, ...]:
    """Totals of some years and draws, in the order of `Outpatient`: by tier (k, t, d) and at last by cell (c, t, d).

    `users`, those `waiting` for benefits, and `visits` (c, t, d); `mix` (c, k, t, d or 1); `price` (t, d); `expense` of
    a visit and `eligible` (t, k); `spread` the variance of a bill beside the square of its mean; normals `z` (2, t, d).
    """
    each = expense.T[None, :, :, None]  # (1, k, t, 1)
    all_visits, bill = users * visits, visits * price  # a bill is that many times the expense of a visit
    if mix.shape[-1] == 1:
        visits_by_tier = weighed(mix[..., 0].transpose(2, 1, 0), all_visits)
    else:
        visits_by_tier = np.add.reduce(all_visits[:, None] * mix)
    usual = over_tiers(each, mix)
    expense_by_cell = all_visits * price * usual
    paid_by_tier, paid_by_cell = np.add.reduce(paid.by_tier), np.add.reduce(paid.by_tier, axis=1)
    # Chance between users: the year's payment and expense vary together.
    sd_bill = np.sqrt(np.add.reduce(all_visits * price * bill * over_tiers(each * each, mix)) * spread)
    sd_paid = np.sqrt(np.maximum(np.add.reduce(paid.square - paid.own), 0.0))
    together = np.add.reduce(paid.product - bill * over_tiers(each, paid.by_tier))
    along = np.clip(together / np.maximum(sd_bill * sd_paid, 1e-12), -1.0, 1.0)
    factor = lambda sd, noise, total: np.maximum(1 + sd * noise / np.maximum(total, 1e-9), 0.0)  # noqa: E731
    more = factor(sd_bill, z[0], np.add.reduce(expense_by_cell))
    paid_more = factor(sd_paid, along * z[0] + np.sqrt(1 - along * along) * z[1], np.add.reduce(paid_by_tier))
    spent = visits_by_tier * (price * more)
    spent *= each[0]
    in_policy = spent * eligible.T[:, :, None]
    paid_by_tier *= paid_more
    expense_by_cell *= more
    bounded = (paid_by_tier > in_policy).any()
    np.minimum(paid_by_tier, in_policy, out=paid_by_tier)
    left = expense_by_cell - paid_by_cell * paid_more
    if bounded or left.min() < 0:  # what is not paid any more, or is paid too much of one cell, others bear or save
        np.maximum(left, 0.0, out=left)
        left += 1e-12 * expense_by_cell
        left *= np.add.reduce(spent - paid_by_tier) / np.maximum(np.add.reduce(left), 1e-300)
    return paid_by_tier, spent, in_policy, visits_by_tier, left, waiting * bill * usual


def limited(mean: np.ndarray, log_sd: float, limit: np.ndarray) -> np.ndarray:
    """The mean of a lognormal amount up to a limit, same shapes, yuan (limited expected value).

    >>> limited(np.array([100.0]), 1.0, np.array([1e9])).round(6).tolist()
    [100.0]
    """
    some = (mean > 1e-9) & (limit > 1e-9)
    if not some.any():
        return np.zeros(some.shape)
    m, b = np.where(some, mean, 1.0), np.where(some, limit, 1.0)
    d = (np.log(b / m) + log_sd**2 / 2) / max(log_sd, 1e-9)
    return np.where(some, m * ndtr(d - log_sd) + b * ndtr(-d), 0.0)
