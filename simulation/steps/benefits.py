"""Bills are settled: the only place that knows the benefit rules.

`settle_year` is written for numbers and for arrays alike. The history table carries it out on arrays of
(schedule, price, history), the exact engine compiles it and calls it on one person at a time, and
the household calculator, the hand-worked cases and the command line call it on one person's bills.
"""

from __future__ import annotations

import numpy as np

DEDUCTIBLE, UNCAPPED, BASIC, CRITICAL, ASSISTANCE, COMMERCIAL = range(6)  # what `settle_year` writes for each bill
AMOUNTS = 6
COVERED = 1e9  # times any rate above 0 is above every limit


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
    """The rate after the bonus for contribution years (Benxi 第二十一条); what is not covered has none.

    >>> round(float(rate_with_bonus(0.5, 0.01, 3, 0.7)), 4), float(rate_with_bonus(0.0, 0.01, 3, 0.7))
    (0.53, 0.0)
    """
    return np.maximum(rate, np.minimum(rate + bonus * years, np.minimum(limit, rate * COVERED)))


def consultations(paid, price, waived, visits, earlier):
    """What the fund pays of consultation fees: its part of each visit, and all of the visits that are waived.

    `earlier` visits of the year have used up waivers first. Source: Shandong 2011; Nanning 2019.

    >>> float(consultations(8.0, 10.0, 1.0, 3.0, 0.0)), float(consultations(8.0, 10.0, 1.0, 3.0, 3.0))
    (26.0, 24.0)
    """
    free = np.minimum(np.maximum(waived - earlier, 0.0), visits)
    return paid * visits + (price - paid) * free


def settle_year(rules, cell, status, years, kind, tier, continued, visits, eligible, borne, spent, out):
    """Settle one year's bills in time order; writes `out[bill, amount]` and returns nothing.

    `cell`: the person's group, with the number of groups added where contracted; `status`: its index; `years`: full
    contribution years. `kind[j]`, `tier[j]`, `continued[j]` (1 where bill j follows bill j-1 by referral),
    `visits[j]` (consultations of an outpatient bill) and `eligible[j]` (yuan) describe bill j. `borne[i]` and
    `spent[i]` are workspaces of zeros: yearly deductible borne and payment made for each kind. Every argument but
    `rules` and `kind` may be an array that broadcasts. Amounts: deductible borne, payment before the ceilings,
    basic, critical, assistance, commercial (yuan).

    Source: Benxi 2008 第十六条 to 第二十一条; referral Nanning 2019; layers and outpatient pool Shandong 2011.
    """
    earlier = 0.0  # stays already counted this year
    episode = 0.0  # deductible due so far in this referral episode
    basic_year = 0.0
    critical_base, critical_year = 0.0, 0.0
    left_year, assistance_year = 0.0, 0.0
    rest_year, commercial_year = 0.0, 0.0
    visits_year = 0.0
    for j in range(len(kind)):
        i, k = kind[j], tier[j]
        stay = 1.0 - rules.annual[i]
        linked = continued[j] * rules.credit  # how far this stay continues the one before

        # The consultation fee of outpatient visits comes off first, on its own terms.
        fee = 0.0
        if rules.has_fee:
            fee = consultations(rules.fee[k], rules.fee_price[k], rules.waived[cell], visits[j], visits_year)
            fee = np.minimum(fee, eligible[j])
            visits_year = visits_year + visits[j]
        claim = eligible[j] - fee

        # The deductible: falling with each stay, or what is left of the year's; after a referral what the chain has
        # not borne yet, and never more than without one.
        due = deductible_due(rules.first[i, k], rules.step[k] * stay, rules.floor, earlier)
        if rules.credit > 0.0:
            chain = deductible_due(rules.first[i, k], rules.step[k] * stay, rules.floor, earlier - linked)
            due = np.minimum(due, chain - linked * episode)
        due = np.maximum(due - rules.annual[i] * borne[i], 0.0)
        episode = episode * linked + due
        earlier = earlier + stay * (1.0 - linked)
        deductible = np.minimum(claim, due)
        borne[i] = borne[i] + deductible

        # The basic fund: bands at the person's rate, up to what is left of the ceilings.
        uncapped = 0.0 * claim
        for b in range(len(rules.rate)):
            rate = rate_with_bonus(rules.rate[b, i, k, cell], rules.bonus, years, rules.limit)
            uncapped = uncapped + rate * in_band(claim, due, rules.lower[b, i, k], rules.upper[b, i, k])
        basic = uncapped
        if rules.counts[i] > 0.0:
            basic = np.minimum(basic, np.maximum(rules.ceiling - basic_year, 0.0))
        if rules.has_kind_ceiling:
            basic = np.minimum(basic, np.maximum(rules.kind_ceiling[i] - spent[i], 0.0))
            spent[i] = spent[i] + basic
        if rules.counts[i] > 0.0:
            basic_year = basic_year + basic
        out[j, DEDUCTIBLE] = deductible
        out[j, UNCAPPED] = uncapped + fee
        out[j, BASIC] = basic + fee

        # The critical-illness layer, on its yearly base; ordinary outpatient care stays out.
        critical, assistance = 0.0, 0.0
        if rules.has_critical and rules.counts[i] > 0.0:
            if rules.above_ceiling > 0.0:
                share = (uncapped - basic) / np.maximum(uncapped, 1e-9)
                critical_base = critical_base + (claim - deductible) * share
            else:
                critical_base = critical_base + claim - basic
            total = 0.0 * critical_base
            for b in range(len(rules.critical_rate)):
                total = total + rules.critical_rate[b] * in_band(
                    critical_base, rules.critical_due, rules.critical_lower[b], rules.critical_upper[b])
            total = np.minimum(total, rules.critical_ceiling)
            critical = total - critical_year
            critical_year = total
            out[j, CRITICAL] = critical

        # Medical assistance, on what is then left of the in-policy expense.
        if rules.has_assistance and rules.counts[i] > 0.0:
            left_year = left_year + claim - basic - critical
            total = np.minimum(rules.assistance_rate[status] * np.maximum(left_year - rules.assistance_due, 0.0),
                               rules.assistance_ceiling)
            assistance = total - assistance_year
            assistance_year = total
            out[j, ASSISTANCE] = assistance

        # A commercial supplement, on what even that leaves.
        if rules.has_commercial and rules.counts[i] > 0.0:
            before = np.maximum(rest_year - rules.commercial_due, 0.0)
            rest_year = rest_year + claim - basic - critical - assistance
            counted = np.maximum(rest_year - rules.commercial_due, 0.0) - before
            commercial = np.minimum(rules.commercial_rate[k] * counted,
                                    np.maximum(rules.commercial_ceiling - commercial_year, 0.0))
            commercial_year = commercial_year + commercial
            out[j, COMMERCIAL] = commercial
