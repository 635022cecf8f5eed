"""People enrol: take-up, who joins when sick, what it costs them, and what a first year or a lapse means."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from simulation.records import DRAWS

LOG_ODDS = (-500.0, 500.0)  # beyond them nobody or everybody joins, and exponentials overflow


def first_odds(take_up: np.ndarray, frail: float, selection: np.ndarray) -> np.ndarray:
    """Odds of joining of people in good health, at which `take_up` of all join, the frail more readily.

    `frail` is their share of residents, `selection` their lead in log odds. Root of a quadratic.

    >>> odds = first_odds(np.array(0.71), 0.2, np.array(2.3))
    >>> float(round(0.8 * odds / (1 + odds) + 0.2 * odds * np.exp(2.3) / (1 + odds * np.exp(2.3)), 9))
    0.71
    """
    lead = np.exp(selection)
    a, b = lead * (1 - take_up), frail * lead + 1 - frail - take_up * (1 + lead)
    return (-b + np.sqrt(b * b + 4 * a * take_up)) / (2 * a)


def insured(residents: np.ndarray, take_up: np.ndarray, frail: float, risk: float, selection: np.ndarray,
            healthier: np.ndarray, frailer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Insured persons (d, t, g, s), and their risk of a stay beside that of the baseline's insured (d, t, g).

    `residents` (d, t, g, s); `take_up` (g, s) of the baseline; `frail` share of residents with `risk` times the
    others' rate; `selection` (d,); shifts of the log odds of joining for the healthy and the frail, each
    (d, t, g, s) or the same for every status. Source: digest P10; Wang et al. 2006.
    """
    against = np.asarray(1 / first_odds(take_up, frail, selection[:, None, None])[:, None], order=DRAWS)
    harder = against * np.exp(-selection)[:, None, None, None]
    ill = joined(frail, harder, frailer)
    people = joined(1 - frail, against, healthier) + ill
    people *= residents
    if not frail or risk == 1:
        return people, np.ones(people.shape[:3])
    ill *= residents
    share = ill.sum(axis=3)
    share /= np.maximum(people.sum(axis=3), 1e-9)
    first = residents[:, :1]
    at_first = (first * joined(frail, harder, np.zeros(1))).sum(axis=3)
    at_first /= np.maximum((first * take_up).sum(axis=3), 1e-9)
    share *= risk - 1
    share += 1
    share /= 1 + (risk - 1) * at_first
    return people, share


def joined(part: float, against: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """The `part` of residents of whom some join, by odds `against` joining (d, 1, g, s) and a `shift` of their log."""
    odds = np.exp(-np.clip(shift, *LOG_ODDS)) * against
    odds += 1
    return np.divide(part, odds, out=odds)


def dearer(contribution: np.ndarray, income: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """Log change of the contribution beside income since the baseline, (t, g, s).

    `contribution` (t, g, s) yuan, `income` (t,) index of income a head. Less than a yuan is felt as a yuan; who pays
    nothing at baseline does not respond.

    >>> dearer(np.array([[[60.0]]]), np.array([1.2]), np.array([[50.0]])).round(9).tolist()
    [[[0.0]]]
    """
    now = np.maximum(contribution / income[:, None, None], 1.0)
    return np.where(baseline > 0, np.log(now / np.maximum(baseline, 1.0)), 0.0)


def price_shift(change: np.ndarray, take_up: np.ndarray, elasticity: np.ndarray) -> np.ndarray:
    """Shift of the log odds of joining after log `change` of what it costs, broadcast to (d, t, g, s).

    A rise follows the elasticity all the way; a fall brings in those still outside and never more than all.

    >>> shift = price_shift(np.log(2.0), np.array(0.9), np.array(-0.1))
    >>> odds = 9 * np.exp(shift)
    >>> float(round(odds / (1 + odds) / 0.9, 4)) == round(2**-0.1, 4)
    True
    """
    effect = elasticity * change
    falls = effect > 0
    if falls.mean() > 0.5:
        shift, others, few = after_a_fall(np.maximum(effect, 0.0), take_up), ~falls, after_a_rise
    else:
        shift, others, few = after_a_rise(np.minimum(effect, 0.0), take_up), falls, after_a_fall
    if others.any():
        shift[others] = few(effect[others], np.broadcast_to(take_up, effect.shape)[others])
    return shift


def staying(before: np.ndarray, after: np.ndarray, take_up: np.ndarray, elasticity: np.ndarray) -> np.ndarray:
    """The part of the insured who stay when the log price of joining goes from `before` to `after`; any one shape.

    >>> float(staying(np.zeros(1), np.log([2.0]), np.array([0.9]), np.array([-0.1]))[0].round(4)) == round(2**-0.1, 4)
    True
    """
    joining = [expit(logit(take_up) + price_shift(change, take_up, elasticity)) for change in (before, after)]
    return joining[1] / joining[0]


def after_a_rise(effect: np.ndarray, take_up: np.ndarray) -> np.ndarray:
    """Log odds of joining lost where take-up falls by `effect` in logs, which is below 0."""
    left = np.exp(effect) * (-take_up / (1 - take_up))
    left += 1 / (1 - take_up)
    return effect - np.log(left)


def after_a_fall(effect: np.ndarray, take_up: np.ndarray) -> np.ndarray:
    """Log odds of joining won where take-up would rise by `effect` in logs, were there no end to it."""
    more = effect * (take_up / (1 - take_up))
    joining = np.exp(-more)
    joining *= 1 - 1 / take_up
    joining += 1 / take_up
    return more + np.log(joining)


def contribution_years(new_share: float, years: int) -> np.ndarray:
    """Shares of the insured with 0, 1, 2... full contribution years, shape (t, y).

    Everyone starts at none; each year `new_share` join or return at none and the others gain one (Benxi
    第二十一条: only continuous years count).

    >>> contribution_years(0.25, 3).tolist()
    [[1.0, 0.0, 0.0], [0.25, 0.75, 0.0], [0.25, 0.1875, 0.5625]]
    """
    shares = np.zeros((years, years))
    shares[0, 0] = 1.0
    for t in range(1, years):
        shares[t, 0] = new_share
        shares[t, 1:] = (1 - new_share) * shares[t - 1, :-1]
    return shares


def covered_share(new_share: float, waiting_months: np.ndarray) -> np.ndarray:
    """Part of the year in which an insured person of each group is entitled to benefits (Benxi 第十六条).

    >>> covered_share(0.2, np.array([0.0, 3.0])).tolist()
    [1.0, 0.95]
    """
    return 1 - new_share * waiting_months / 12
