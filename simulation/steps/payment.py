"""Providers are paid for what the rules grant patients: by item, budget, head or case, in any mix."""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np

METHODS = ("fee_for_service", "global_budget", "capitation", "case_payment")


class Terms(NamedTuple):
    """The terms of payment of one year."""

    shares: np.ndarray  # (m, i, k) parts of each kind and tier that each way pays, adding up to 1
    standard: float  # budgets and standards beside what the rules would pay at first-year prices and rates
    retention: float  # of an unspent budget
    overspend_share: float  # of spending beyond the budget that the fund bears
    same_payment: float  # share of cases paid the primary standard everywhere
    quality: np.ndarray  # (d,) average coefficient of primary institutions


class Usual(NamedTuple):
    """What standards are made of: the means of a year over the draws of the run that sets them."""

    due: np.ndarray  # (i, k) yuan
    cases: np.ndarray  # (i, k)
    people: float


def shares_of(weights: np.ndarray) -> np.ndarray:
    """Parts as shares along the first axis; all by item where no part is given.

    >>> shares_of(np.array([3.0, 1.0, 0.0, 0.0])).tolist()
    [0.75, 0.25, 0.0, 0.0]
    """
    total = weights.sum(axis=0)
    by_item = np.zeros_like(weights)
    by_item[0] = 1.0
    return np.where(total > 0, weights / np.where(total > 0, total, 1.0), by_item)


def paid(due: np.ndarray, cases: np.ndarray, people: np.ndarray, trend: np.ndarray, volume: np.ndarray,
         primary: np.ndarray, terms: Terms, usual: Usual | None) -> tuple[np.ndarray, np.ndarray]:
    """What the fund pays providers in one year: by kind and tier (d, i, k), and by way of payment (d, m), in yuan.

    `due` (d, i, k) by the rules and the number of `cases` (d, i, k); `people` (d,) insured; `trend` (i,) growth of
    the payment a head since the first year at the median, of which `volume` (i,) that of cases; `primary` (k,).
    Budgets, heads and cases are paid a standard: the `usual` due without that trend, times `terms.standard`.
    Where all is paid by item nothing need be `usual`.
    """
    used = [bool(share.any()) for share in terms.shares]
    standard = terms.standard * usual.due / trend[:, None] if usual else np.zeros(1)  # (i, k)
    item, budget, head, case = terms.shares
    made = (lambda: due * item,
            lambda: by_budget(due * budget, float((budget * standard).sum()), terms),
            lambda: np.multiply.outer((head * standard).T, people / max(usual.people, 1e-9)).T,  # draws side by side
            lambda: case * cases * case_price(standard, usual.cases, volume, primary, terms.same_payment))
    ways = [make() if some else None for make, some in zip(made, used, strict=True)]
    quality = np.asarray(terms.quality)
    if (quality != 1).any():
        better = (1 + primary[:, None] * (quality - 1)).T[:, None]  # (d, 1, k)
        ways = [None if way is None else way * better for way in ways]
    none = np.zeros(len(due))
    return (reduce(np.add, (way for way in ways if way is not None)),
            np.stack([none if way is None else way.sum(axis=(1, 2)) for way in ways]).T)


def usual_of(due: np.ndarray, cases: np.ndarray, people: np.ndarray) -> Usual:
    """The means over draws of what is `due` and of `cases` (d, i, k), and of `people` (d,)."""
    return Usual(due.mean(axis=0), cases.mean(axis=0), float(people.mean()))


def by_budget(due: np.ndarray, limit: float, terms: Terms) -> np.ndarray:
    """What one budget pays of all that is `due` (d, i, k): unspent money is kept in part, overspending shared."""
    spent = due.sum(axis=(1, 2))
    gone = np.where(spent <= limit, spent + terms.retention * (limit - spent),
                    limit + terms.overspend_share * (spent - limit))
    return due * (gone / np.maximum(spent, 1e-9))[:, None, None]


def case_price(standard: np.ndarray, cases: np.ndarray, volume: np.ndarray, primary: np.ndarray,
               same_payment: float) -> np.ndarray:
    """What a case is paid at each tier (i, k), by the `standard` for so many `cases` (i, k) without their growth.

    A case has one standard a tier; cases fit for primary care have the primary one everywhere.
    """
    price = standard * volume[:, None] / np.maximum(cases, 1e-9)
    basic = (price * primary * cases).sum(axis=1) / np.maximum((primary * cases).sum(axis=1), 1e-9)
    fit = same_payment * (1 - primary) * (basic > 0)[:, None]
    return (1 - fit) * price + fit * np.minimum(basic[:, None], price)
