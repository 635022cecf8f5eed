"""The exact engine: every admission of every insured person, event by event.

Only people to whom something happens are visited: the gap to the next one is geometric. Every
person's bills go through the same `settle_year` as everywhere else, compiled. Each draw, year, cell
and purpose has its own counter-based stream, so that neither the number of threads nor a change of
rule moves any other random number.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from types import FunctionType

import numpy as np

from simulation.engines.shapes import log_mean
from simulation.records import Care, Conditions, Costs, Rules, Spending
from simulation.steps import benefits
from simulation.steps.benefits import AMOUNTS, ASSISTANCE, BASIC, COMMERCIAL, CRITICAL, settle_year
from simulation.streams import key

MOST_STAYS = 60  # in a person-year
TOTALS = ("basic", "chronic", "expense", "eligible", "critical", "assistance", "commercial", "stays",
          "chronic_expense")
BY_TIER = ("paid_by_tier", "stays_by_tier", "expense_by_tier")
BY_CELL = ("paid_by_cell", "expense_by_cell", "catastrophic_by_cell")

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1, MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
S30, S27, S31, S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


def scrambled(x):
    """A 64-bit counter turned into 64 random bits (SplitMix64's finaliser)."""
    x = (x ^ (x >> S30)) * MIX_1
    x = (x ^ (x >> S27)) * MIX_2
    return x ^ (x >> S31)


def uniform(x):
    """A uniform number strictly between 0 and 1 from 64 random bits."""
    return (float(scrambled(x) >> S11) + 0.5) * 1.1102230246251565e-16


def inverse_normal(p):
    """The standard normal quantile, to about 1e-9 (Acklam's rational approximation).

    >>> round(inverse_normal(0.95), 6)
    1.644854
    """
    if p < 0.02425 or p > 0.97575:
        q = math.sqrt(-2.0 * math.log(min(p, 1.0 - p)))
        tail = ((((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838e00) * q
                   - 2.549732539343734e00) * q + 4.374664141464968e00) * q + 2.938163982698783e00)
                / ((((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996e00) * q
                    + 3.754408661907416e00) * q + 1.0))
        return tail if p < 0.5 else -tail
    q = p - 0.5
    r = q * q
    return ((((((-3.969683028665376e01 * r + 2.209460984245205e02) * r - 2.759285104469687e02) * r
               + 1.383577518672690e02) * r - 3.066479806614716e01) * r + 2.506628277459239e00) * q
            / (((((-5.447609879822406e01 * r + 1.615858368580409e02) * r - 1.556989798598866e02) * r
                 + 6.680131188771972e01) * r - 1.328068155288572e01) * r + 1.0))


def below(cumulative, u):
    """The first index whose cumulative share exceeds u."""
    last = len(cumulative) - 1
    n = 0
    while n < last and u >= cumulative[n]:
        n += 1
    return n


def year_of_care(rules, stream_key, persons, admissions, chronic_share, mix, years, statuses, expense, log_sd,
                 eligible_share, log_mean, tail, dispersion, referral, primary, price, frequency, chronic, tilt,
                 threshold, total, by_tier, by_cell):
    """Simulate one year of some draws; adds to `total` (d, item), `by_tier` (d, item, k) and `by_cell` (d, item, c).

    `stream_key` (d, c, 2); `persons`, `frequency` (d, c); `admissions`, `chronic_share` (c,); `mix` (c, k);
    cumulative `years` (y,) and `statuses` (c, s); `expense` (k + 1,) mean yuan a bill, the last for special
    diseases, with `log_sd` and `log_mean` of their shapes; `tail` of stays: bend and spread; `primary` (k,);
    `price`, `chronic`, `tilt` (d,).
    """
    kind = np.zeros(MOST_STAYS + 1, np.int64)
    tier = np.zeros(MOST_STAYS + 1, np.int64)
    continued = np.zeros(MOST_STAYS + 1)
    visits = np.zeros(MOST_STAYS + 1)
    bill = np.zeros(MOST_STAYS + 1)
    borne = np.zeros(len(rules.annual))
    already = np.zeros(len(rules.annual))
    out = np.zeros((MOST_STAYS + 1, AMOUNTS))
    cumulative = np.zeros(MOST_STAYS + 1)
    share = np.zeros(mix.shape[1])
    for d in range(len(price)):
        for g in range(persons.shape[1]):
            # Where they go: the cell's mix, leaning to primary care by the draw's tilt.
            whole = 0.0
            for k in range(len(share)):
                whole += mix[g, k] * math.exp(tilt[d] * primary[k])
                share[k] = whole
            share /= whole
            # How many stays: negative binomial, as a table to invert.
            mean = admissions[g] * frequency[d, g]
            chance = (dispersion / (dispersion + mean)) ** dispersion
            none = chance
            cumulative[0] = chance
            for k in range(1, MOST_STAYS + 1):
                chance *= (k - 1 + dispersion) / k * mean / (dispersion + mean)
                cumulative[k] = cumulative[k - 1] + chance
            ill_share = min(chronic_share[g] * chronic[d], 1.0)
            ill_people = 0
            for ill in (1, 0):  # those with a special disease first, then the others who are admitted
                n = int(persons[d, g] + 0.5) - (1 - ill) * ill_people
                rare = ill_share if ill == 1 else 1.0 - none
                if rare <= 0.0 or n <= 0:
                    continue
                state = stream_key[d, g, ill]
                skip = math.log1p(-rare) if rare < 1.0 else -1e300
                at = -1
                while True:
                    state += GOLDEN
                    gap = math.log(uniform(state)) / skip
                    if gap >= n - at - 1:
                        break
                    at += 1 + int(gap)
                    ill_people += ill
                    state += GOLDEN
                    u = uniform(state)
                    stays = below(cumulative, u if ill == 1 else none + u * (1.0 - none))
                    state += GOLDEN
                    contributed = below(years, uniform(state))
                    state += GOLDEN
                    status = below(statuses[g], uniform(state))
                    spent, admitted = 0.0, 0.0
                    for j in range(stays + ill):
                        kind[j] = ill if j == 0 else 0
                        state += GOLDEN
                        tier[j] = 0 if kind[j] == 1 else below(share, uniform(state))
                        state += GOLDEN
                        shape = tier[j] if kind[j] == 0 else len(expense) - 1
                        z = inverse_normal(uniform(state))
                        if kind[j] == 0 and z > tail[0]:
                            z = tail[0] + tail[1] * (z - tail[0])
                        cost = expense[shape] * price[d] * math.exp(log_sd[shape] * z - log_mean[shape])
                        bill[j] = cost * eligible_share[kind[j], tier[j]]
                        state += GOLDEN
                        continued[j] = 1.0 if j > ill and uniform(state) < referral else 0.0
                        if kind[j] == 1:
                            total[d, 8] += cost
                        else:
                            by_tier[d, 1, tier[j]] += 1.0
                            by_tier[d, 2, tier[j]] += cost
                        spent += cost
                        admitted += bill[j]
                    bills = stays + ill
                    borne[:] = 0.0
                    already[:] = 0.0
                    settle_year(rules, g, status, contributed, kind[:bills], tier, continued, visits, bill, borne,
                                already, out)
                    paid = 0.0
                    for j in range(bills):
                        paid += out[j, BASIC] + out[j, CRITICAL] + out[j, ASSISTANCE] + out[j, COMMERCIAL]
                        total[d, 0] += out[j, BASIC]
                        total[d, 4] += out[j, CRITICAL]
                        total[d, 5] += out[j, ASSISTANCE]
                        total[d, 6] += out[j, COMMERCIAL]
                        if kind[j] == 1:
                            total[d, 1] += out[j, BASIC]
                        else:
                            by_tier[d, 0, tier[j]] += out[j, BASIC]
                    total[d, 2] += spent
                    total[d, 3] += admitted
                    total[d, 7] += stays
                    by_cell[d, 0, g] += paid
                    by_cell[d, 1, g] += spent
                    by_cell[d, 2, g] += 1.0 if spent - paid > threshold else 0.0


@lru_cache(maxsize=1)
def compiled() -> Callable:
    """`year_of_care` as machine code, together with the one `settle_year` it calls.

    Compiled afresh in each process: a cache on disk would not notice a changed benefit rule.
    """
    import numba

    jit = numba.njit(nogil=True, error_model="numpy")

    def with_globals(function: Callable, names: dict) -> Callable:
        return jit(FunctionType(function.__code__, names, function.__name__))

    rule_names = dict(vars(benefits))
    for helper in (benefits.in_band, benefits.deductible_due, benefits.rate_with_bonus, benefits.consultations):
        rule_names[helper.__name__] = jit(helper)
    names = dict(globals())
    names["settle_year"] = numba.njit(inline="always")(FunctionType(settle_year.__code__, rule_names, "settle_year"))
    names["scrambled"] = jit(scrambled)
    for helper in (uniform, inverse_normal, below):
        names[helper.__name__] = with_globals(helper, names)
    return with_globals(year_of_care, names)


def spend(rules: list[Rules], care: list[Care], costs: list[Costs], insured: np.ndarray, thresholds: np.ndarray,
          conditions: Conditions, seed: int, threads: int | None = None) -> Spending:
    """What each draw-year's care costs, admission by admission; same arguments as the history table.

    The result does not depend on the number of threads.
    """
    kernel = compiled()
    draws, horizon, cells, _ = insured.shape
    tiers = care[0].mix.shape[1]
    people = insured.sum(axis=3)
    total = np.zeros((horizon, draws, len(TOTALS)))
    by_tier = np.zeros((horizon, draws, len(BY_TIER), tiers))
    by_cell = np.zeros((horizon, draws, len(BY_CELL), cells))
    status = insured.mean(axis=0)
    statuses = np.cumsum(status, axis=2) / np.maximum(status.sum(axis=2, keepdims=True), 1e-12)
    threads = threads or os.cpu_count() or 1
    edges = np.linspace(0, draws, min(threads * 4, draws) + 1).astype(int)

    def work(t: int, start: int, stop: int) -> None:
        part, year, cost = slice(start, stop), care[t], costs[t]
        kernel(rules[t], stream_keys(seed, t, start, stop, cells), people[part, t], year.admissions * year.covered,
               year.chronic_share * year.covered, year.mix, np.cumsum(year.years), statuses[t],
               np.append(cost.expense, cost.chronic_expense), np.append(cost.log_sd, cost.chronic_log_sd),
               cost.eligible, np.append(log_mean(cost.log_sd, cost.tail), log_mean(cost.chronic_log_sd)), cost.tail,
               cost.dispersion, cost.referral, cost.primary, conditions.price[part, t],
               conditions.frequency[part, t], conditions.chronic[part, t], conditions.tilt[part, t], thresholds[t],
               total[t, part], by_tier[t, part], by_cell[t, part])

    with ThreadPoolExecutor(threads) as pool:
        jobs = [pool.submit(work, t, start, stop) for t in range(horizon)
                for start, stop in zip(edges[:-1], edges[1:], strict=True)]
        for job in jobs:
            job.result()
    found = {names[n]: array[:, :, n].swapaxes(0, 1).copy()
             for names, array in ((TOTALS, total), (BY_TIER, by_tier), (BY_CELL, by_cell)) for n in range(len(names))}
    return Spending(**found, catastrophic=found["catastrophic_by_cell"].sum(axis=2),
                    claims_by_tier=found["expense_by_tier"], chronic_claims=found["chronic_expense"])


def stream_keys(seed: int, t: int, start: int, stop: int, cells: int) -> np.ndarray:
    """One 64-bit stream key for each draw, cell and purpose of year t, shape (d, c, 2).

    >>> stream_keys(1, 0, 5, 6, 2)[0].tolist() == stream_keys(1, 0, 0, 6, 2)[5].tolist()
    True
    """
    d, c, purpose = np.ix_(np.arange(start, stop, dtype=np.uint64), np.arange(cells, dtype=np.uint64),
                           np.arange(2, dtype=np.uint64))
    counter = ((c << np.uint64(32)) + d) * np.uint64(2) + purpose  # more cells move nobody's numbers
    base = np.uint64(key(seed, f"people {t}"))
    return scrambled(scrambled(counter * GOLDEN + base) + base)
