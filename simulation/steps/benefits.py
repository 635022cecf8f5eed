"""Bills are settled: the only place that knows the benefit rules.

`settle_year` is written for numbers and for arrays alike. The history table calls it on arrays of
(schedule, history, price), the exact engine compiles it and calls it on one person at a time, and
the household calculator, the hand-worked cases and the command line call it on one person's bills.
"""

from __future__ import annotations

import numpy as np

DEDUCTIBLE, UNCAPPED, BASIC, CRITICAL, ASSISTANCE = range(5)  # what `settle_year` writes for each bill
AMOUNTS = 5


def in_band(amount, due, lower, upper):
    """The part of an amount that falls in one band and above what is due first.

    Bands count from zero, as schedules print them (Henan 2011).

    >>> float(in_band(2000.0, 100.0, 0.0, 500.0)), float(in_band(2000.0, 100.0, 500.0, np.inf))
    (400.0, 1500.0)
    """
    return np.maximum(np.minimum(amount, upper) - np.maximum(lower, due), 0.0)


def deductible_due(first, step, floor, earlier):
    """The deductible of a stay after `earlier` stays in the year (Benxi 第十八条).

    >>> deductible_due(500.0, 100.0, 100.0, 2)
    np.float64(300.0)
    """
    return np.maximum(np.minimum(first, floor), first - step * earlier)


def rate_with_bonus(rate, bonus, years, limit):
    """The rate after the bonus for contribution years (Benxi 第二十一条).

    >>> round(float(rate_with_bonus(0.5, 0.01, 3, 0.7)), 4)
    0.53
    """
    return np.maximum(rate, np.minimum(rate + bonus * years, limit))


def settle_year(rules, group, status, years, kind, tier, continued, eligible, borne, out):
    """Settle one year's bills in time order; writes `out[bill, amount]` and returns nothing.

    `group`, `status`, `years`: the person's indices and full contribution years. `kind[j]`, `tier[j]`,
    `continued[j]` (1 where bill j follows bill j-1 by referral) and `eligible[j]` (yuan) describe bill j.
    `borne[i]` is a workspace of zeros: yearly deductible already borne for each kind. Every argument but
    `rules` and `kind` may be an array that broadcasts. Amounts: deductible borne, payment before the
    ceiling, basic, critical, assistance (yuan).

    Source: Benxi 2008 第十六条 to 第二十一条; referral Nanning 2019; layers Shandong 2011.
    """
    earlier = 0.0  # stays already counted this year
    episode = 0.0  # deductible due so far in this referral episode
    basic_year = 0.0
    critical_base, critical_year = 0.0, 0.0
    left_year, assistance_year = 0.0, 0.0
    for j in range(len(kind)):
        i, k = kind[j], tier[j]
        stay = 1.0 - rules.annual[i]
        linked = continued[j] * rules.credit  # how far this stay continues the one before

        # The deductible: falling with each stay, or what is left of the year's.
        due = deductible_due(rules.first[i, k], rules.step[k] * stay, rules.floor, earlier - linked)
        due = np.maximum(due - linked * episode - rules.annual[i] * borne[i], 0.0)
        episode = episode * linked + due
        earlier = earlier + stay * (1.0 - linked)
        deductible = np.minimum(eligible[j], due)
        borne[i] = borne[i] + deductible

        # The basic fund: bands at the person's rate, up to what is left of the ceiling.
        uncapped = 0.0 * eligible[j]
        for b in range(len(rules.rate)):
            rate = rate_with_bonus(rules.rate[b, i, k, group], rules.bonus, years, rules.limit)
            uncapped = uncapped + rate * in_band(eligible[j], due, rules.lower[b, i, k], rules.upper[b, i, k])
        basic = np.minimum(uncapped, np.maximum(rules.ceiling - basic_year, 0.0))
        basic_year = basic_year + basic
        out[j, DEDUCTIBLE] = deductible
        out[j, UNCAPPED] = uncapped
        out[j, BASIC] = basic

        # The large-amount or critical-illness layer, on its yearly base.
        critical = 0.0
        if rules.has_critical:
            if rules.above_ceiling > 0.0:
                share = (uncapped - basic) / np.maximum(uncapped, 1e-9)
                critical_base = critical_base + (eligible[j] - deductible) * share
            else:
                critical_base = critical_base + eligible[j] - basic
            total = 0.0 * critical_base
            for b in range(len(rules.critical_rate)):
                total = total + rules.critical_rate[b] * in_band(
                    critical_base, rules.critical_due, rules.critical_lower[b], rules.critical_upper[b])
            total = np.minimum(total, rules.critical_ceiling)
            critical = total - critical_year
            critical_year = total
            out[j, CRITICAL] = critical

        # Medical assistance, on what is then left of the in-policy expense.
        if rules.has_assistance:
            left_year = left_year + eligible[j] - basic - critical
            total = np.minimum(rules.assistance_rate[status] * np.maximum(left_year - rules.assistance_due, 0.0),
                               rules.assistance_ceiling)
            out[j, ASSISTANCE] = total - assistance_year
            assistance_year = total
