"""Typed records that pass between the steps; shapes and units stand here, once.

Axes: draw d, year t, group g, status s, tier k, kind i, band b, level of government l, way of payment m; and
cell c: the groups, followed by each group's residents with a family doctor where there are any.
Money in yuan, rates as fractions, flows per calendar year, stocks at 31 December.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

DRAWS = "F"  # memory order in which the draws of a year stand side by side: sums over groups and tiers are then quick


class Rules(NamedTuple):
    """Benefit rules of one year as arrays, in the form `settle_year` reads.

    A named tuple of plain arrays and numbers, so that the same settlement runs on numpy arrays and,
    compiled, on one person at a time.
    """

    counts: np.ndarray  # (i,) 1 where the kind counts towards the ceiling and the higher layers
    first: np.ndarray  # (i, k) yuan: deductible of a first stay, or of a year
    annual: np.ndarray  # (i,) 1 where the deductible is due once a year, else 0
    step: np.ndarray  # (k,) yuan less for each earlier stay
    floor: float  # yuan
    lower: np.ndarray  # (b, i, k) yuan: lower end of each band
    upper: np.ndarray  # (b, i, k) yuan: upper end
    rate: np.ndarray  # (b, i, k, c): of each group, and of each group's contracted residents
    bonus: float  # added to the rate for each contribution year
    limit: float  # of the rate with the bonus
    ceiling: float  # yuan a year
    has_kind_ceiling: bool
    kind_ceiling: np.ndarray  # (i,) yuan a year
    has_fee: bool
    fee: np.ndarray  # (k,) yuan a visit paid by the fund of the consultation fee
    fee_price: np.ndarray  # (k,) yuan a visit: the whole fee
    waived: np.ndarray  # (c,) visits a year whose whole fee the fund pays
    credit: float  # share of the earlier deductible credited on referral
    has_critical: bool
    above_ceiling: float  # 1: the layer counts expense beyond the ceiling; 0: what is left to the patient
    critical_due: float  # yuan a year
    critical_lower: np.ndarray  # (b,) yuan
    critical_upper: np.ndarray  # (b,) yuan
    critical_rate: np.ndarray  # (b,)
    critical_ceiling: float  # yuan a year
    has_assistance: bool
    assistance_rate: np.ndarray  # (s,)
    assistance_due: float  # yuan a year
    assistance_ceiling: float  # yuan a year
    has_commercial: bool
    commercial_rate: np.ndarray  # (k,)
    commercial_due: float  # yuan a year
    commercial_ceiling: float  # yuan a year


class Care(NamedTuple):
    """What people of each cell fall ill with in one year, before any rule: rates and mix at the median draw."""

    admissions: np.ndarray  # (c,) stays a person
    chronic_share: np.ndarray  # (c,) special-disease patients among the insured
    covered: np.ndarray  # (c,) part of the year past the waiting period: only then do bills reach the fund (`waited`)
    mix: np.ndarray  # (c, k) shares of stays
    years: np.ndarray  # (y,) share of the insured with 0, 1, 2... full contribution years


class Tail(NamedTuple):
    """The dear end of a tier's stays: beyond the point `bend` of a standard normal log expense spreads wider.

    A lognormal whose log sd is `spread` times as large above the bend; every moment stays finite.
    """

    bend: float = np.inf
    spread: float = 1.0


class Costs(NamedTuple):
    """How one bill's expense is distributed in one year; at first-year prices."""

    expense: np.ndarray  # (k,) yuan a stay
    log_sd: np.ndarray  # (k,) of a stay below the tail
    chronic_expense: float  # yuan a patient-year
    chronic_log_sd: float
    eligible: np.ndarray  # (i, k) in-policy share
    dispersion: float  # size of the negative binomial
    referral: float  # share of further stays that continue the one before
    primary: np.ndarray  # (k,) 1 where a tier is primary care
    usual_mix: np.ndarray  # (k,) of the base policy: how often claim histories visit each tier
    usual_expense: np.ndarray  # (k,) yuan a stay before providers respond
    busiest: float  # stays a person beyond which only a thin tail lies
    tail: Tail = Tail()  # of stays


class Futures(NamedTuple):
    """What nobody decides, per draw and year: the same for every policy of a scenario."""

    price: np.ndarray  # (d, t) cost index, 1 = the first year's median price
    frequency: np.ndarray  # (d, t) admission rate relative to the year's median
    chronic: np.ndarray  # (d, t) special-disease prevalence relative to the year's median
    visits: np.ndarray  # (d, t) outpatient visits relative to the first year's median
    take_up: np.ndarray  # (d, t) shift of take-up on the logit scale
    opening: np.ndarray  # (d,) yuan: balance at the start of the first year
    noise: np.ndarray  # (d, t) standard normal: process noise of the fund's payments
    drawn: dict[str, np.ndarray]  # (d,) the other uncertain assumptions, by dotted name: values, or multipliers
    residents: np.ndarray = np.ones((1, 1, 1))  # (d, t, g) size of each group relative to the first year
    ageing: np.ndarray = np.ones((1, 1))  # (t, g) how ageing inside a group moves its admission rate
    people: np.ndarray = np.ones((1, 1))  # (d, t) residents relative to what the file and their ages say
    funding: np.ndarray = np.ones((1, 1))  # (d, t) contribution and subsidy relative to the rule book
    chance: float = 1.0  # 0 leaves out what differs between people by chance


class Conditions(NamedTuple):
    """What a policy makes of a future, for the engines: per draw, year and cell."""

    price: np.ndarray  # (d, t) cost index of stays
    chronic_price: np.ndarray  # (d, t) and of special-disease care: the same but for what ways of payment make of it
    frequency: np.ndarray  # (d, t, c) admission rate relative to the cell's in `Care`
    chronic: np.ndarray  # (d, t) prevalence relative to `Care`
    tilt: np.ndarray  # (d, t) log odds by which a draw's stays lean to primary care, beside the mix in `Care`
    noise: np.ndarray  # (d, t) standard normal
    reach: tuple[float, float]  # lowest and highest price index of all counties: they can share what is settled
    chance: float = 1.0  # 0 leaves out what differs between people by chance (the table only)


class Spending(NamedTuple):
    """What a year's stays and special-disease care cost the fund and everyone else, (d, t) in yuan unless said."""

    basic: np.ndarray
    chronic: np.ndarray  # of which special-disease outpatient care
    expense: np.ndarray
    eligible: np.ndarray
    critical: np.ndarray
    assistance: np.ndarray
    commercial: np.ndarray
    catastrophic: np.ndarray  # persons
    stays: np.ndarray  # number of admissions
    paid_by_tier: np.ndarray  # (d, t, k) of `basic`, for stays
    stays_by_tier: np.ndarray  # (d, t, k)
    expense_by_tier: np.ndarray  # (d, t, k) of stays
    chronic_expense: np.ndarray
    claims_by_tier: np.ndarray  # (d, t, k) expense of stays with the same chance as what was paid: for ratios alone
    chronic_claims: np.ndarray  # the same of special-disease care
    paid_by_cell: np.ndarray  # (d, t, c) of all layers
    expense_by_cell: np.ndarray  # (d, t, c)
    catastrophic_by_cell: np.ndarray  # (d, t, c) persons

    @classmethod
    def empty(cls, draws: int, years: int, tiers: int, cells: int) -> Spending:
        """Room for all of it, filled with zeros."""
        last = lambda name: ((tiers,) if name.endswith("tier") else (cells,) if name.endswith("cell") else ())  # noqa: E731
        return cls(**{name: np.zeros((draws, years, *last(name)), order=DRAWS) for name in cls._fields})


class Outpatient(NamedTuple):
    """What ordinary outpatient care costs, in yuan."""

    paid: np.ndarray  # (d, t, k) by the fund
    expense: np.ndarray  # (d, t, k)
    eligible: np.ndarray  # (d, t, k)
    visits: np.ndarray  # (d, t, k)
    left_by_cell: np.ndarray  # (d, t, c) left to the patient
    waiting_by_cell: np.ndarray  # (d, t, c) expense while waiting for benefits, in none of the others
