"""Typed records that pass between the steps; shapes and units stand here, once.

Axes: draw d, year t, group g, status s, tier k, kind i, band b, level of government l.
Money in yuan, rates as fractions, flows per calendar year, stocks at 31 December.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Rules(NamedTuple):
    """Benefit rules of one year as arrays, in the form `settle_year` reads.

    A named tuple of plain arrays and numbers, so that the same settlement runs on numpy arrays and,
    compiled, on one person at a time.
    """

    first: np.ndarray  # (i, k) yuan: deductible of a first stay, or of a year
    annual: np.ndarray  # (i,) 1 where the deductible is due once a year, else 0
    step: np.ndarray  # (k,) yuan less for each earlier stay
    floor: float  # yuan
    lower: np.ndarray  # (b, i, k) yuan: lower end of each band
    upper: np.ndarray  # (b, i, k) yuan: upper end
    rate: np.ndarray  # (b, i, k, g)
    bonus: float  # added to the rate for each contribution year
    limit: float  # of the rate with the bonus
    ceiling: float  # yuan a year
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


class Care(NamedTuple):
    """What people fall ill with in one year, before any rule: rates, mix and unit costs at first-year prices."""

    admissions: np.ndarray  # (g,) stays a person, median draw
    chronic_share: np.ndarray  # (g,) special-disease patients among the insured
    covered: np.ndarray  # (g,) part of the year past the waiting period: only then do bills reach the fund
    mix: np.ndarray  # (g, k) shares of stays
    years: np.ndarray  # (y,) share of the insured with 0, 1, 2... full contribution years


class Costs(NamedTuple):
    """How one bill's expense is distributed; constant over years but for the price index."""

    expense: np.ndarray  # (k,) yuan a stay, first-year prices
    log_sd: np.ndarray  # (k,)
    chronic_expense: float  # yuan a patient-year
    chronic_log_sd: float
    eligible: np.ndarray  # (i, k) in-policy share
    dispersion: float  # size of the negative binomial


class Futures(NamedTuple):
    """What nobody decides, per draw and year: the same for every policy of a scenario."""

    price: np.ndarray  # (d, t) cost index, 1 = the first year's median price
    frequency: np.ndarray  # (d, t) admission rate relative to the year's median
    chronic: np.ndarray  # (d, t) special-disease prevalence relative to the year's median
    take_up: np.ndarray  # (d, t) shift of take-up on the logit scale
    elasticity: np.ndarray  # (d,) of enrolment to the contribution
    opening: np.ndarray  # (d,) yuan: balance at the start of the first year
    noise: np.ndarray  # (d, t) standard normal: process noise of the fund's payments


class Spending(NamedTuple):
    """What a year's care costs the fund and everyone else, of shape (d, t) in yuan unless said."""

    basic: np.ndarray
    by_tier: np.ndarray  # (d, t, k): inpatient payments of the fund
    chronic: np.ndarray
    expense: np.ndarray
    eligible: np.ndarray
    critical: np.ndarray
    assistance: np.ndarray
    out_of_pocket: np.ndarray
    catastrophic: np.ndarray  # persons
    stays: np.ndarray  # number of admissions
