"""A year's spending in every draw: one person's moments there, the totals of independent people, and chance.

Draws stand on the last axis here.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from simulation.engines.choice import care_totals, ill_share
from simulation.engines.nodes import chebyshev_nodes, node_basis, through
from simulation.engines.parts import parts
from simulation.engines.tables import LINEAR, MOMENTS, PAYMENT, Table
from simulation.records import Care, Conditions, Costs, Spending
from simulation.streams import correlation_root

FREQUENCY_NODES = 4  # they span one year


class Nodes(NamedTuple):
    """Where spending is settled; everything between is interpolated."""

    log_price: np.ndarray  # (p,)
    tilt: np.ndarray  # (n,) log odds of primary care
    log_threshold: np.ndarray  # (h,) of catastrophic out-of-pocket spending
    middle: np.ndarray  # (t,) median log price of each year
    log_middle: np.ndarray  # (m,) where variation between people is settled


class Person(NamedTuple):
    """What a person of each cell is paid in one year: tables, and the weights of their schedules."""

    table: list[Table]
    weight: np.ndarray  # (s, u, c)
    details: list[Table]  # how people vary
    usual_weight: np.ndarray  # (s, u, c)


def in_draws(t: int, person: Person, care: Care, costs: Costs, people: np.ndarray, threshold: float,
             conditions: Conditions, nodes: Nodes, other: np.ndarray, spending: Spending) -> None:
    """Fill in year t of `spending`; `people` (c, d) insured, `other` (d, item) normals beside the fund's own."""
    longest = int(person.table[0].stacks[0][0][-1])
    usual = care._replace(admissions=care.admissions * np.median(conditions.frequency[:, t], axis=0))
    varies = usual_person(t, person, usual, costs, nodes, longest)
    cv, skewness, root = spread(np.median(people, axis=1), varies)
    read = moments_of(t, person, care, costs, threshold, conditions, nodes, longest)
    stays = reduce(np.add, people * ((care.admissions * care.covered)[:, None] * conditions.frequency[:, t].T))
    smaller = np.sqrt(np.median(stays) / np.maximum(stays, 1e-9))  # fewer stays, more chance
    for part in parts(people.shape[1]):
        # Care stands first in the root of the correlations, so that no rule moves what chance makes of it; the
        # payment of the fund comes next, then the rest.
        noise = root[:, :1] * conditions.noise[part, t] + root[:, 1:] @ other[part].T
        factor = np.maximum(1 + cv[:, None] * smaller[part] * skewed(noise, skewness[:, None] * smaller[part]), 0.0)
        used = care_totals(people[:, part], care, costs, conditions, t, part)
        paid = year_of(read(part, people[:, part]), people[:, part], used, noise[PAYMENT], factor)
        for name, value in paid.items():
            getattr(spending, name)[part, t] = value.T


def moments_of(t: int, person: Person, care: Care, costs: Costs, threshold: float, conditions: Conditions,
               nodes: Nodes, longest: int):
    """A function of a part of the draws and of its people (c, d): their moments there added up, (c, column, d).

    Columns as in the table, but for the last: the probability of spending beyond the year's `threshold`.
    """
    log_price, frequency, tilt = np.log(conditions.price[:, t]), conditions.frequency[:, t].T, conditions.tilt[:, t]
    ill = ill_share(care, conditions, t).T
    at_frequency = chebyshev_nodes(frequency.min(), frequency.max(), FREQUENCY_NODES)
    chance = stay_counts((care.admissions * care.covered)[:, None] * at_frequency, costs.dispersion, longest)
    found = combined(person.table, person.weight, chance)  # (c, f, i, n, p, column)
    beyond = found.shape[-1] - len(nodes.log_threshold)
    last = found[..., beyond:] @ node_basis(nodes.log_threshold, np.log([threshold]))[0]
    found = np.concatenate([found[..., :beyond], last[..., None]], axis=-1)
    one = through(found, [at_frequency, np.arange(2.0), nodes.tilt, nodes.log_price], [frequency, ill, tilt, log_price])

    def read(part: slice, people: np.ndarray) -> np.ndarray:
        return one.weight @ one.times(people, frequency[:, part], ill[:, part], tilt[part], log_price[part])

    return read


def year_of(by_cell: np.ndarray, people: np.ndarray, used: dict[str, np.ndarray], noise: np.ndarray,
            factor: np.ndarray) -> dict[str, np.ndarray]:
    """A year's totals as sums of independent people, from the people's moments (c, column, d): (..., d).

    `people` (c, d); `used` from `care_totals`; `noise` (d,) of the fund's payment and `factor` (item, d) by which
    chance moves each item.
    """
    tiers = len(used["stays_by_tier"])
    total = reduce(np.add, by_cell)
    m1, m2, m3 = (by_cell[:, n] for n in range(MOMENTS))
    mean = m1 / np.maximum(people, 1e-9)
    variance = total[1] - reduce(np.add, m1 * mean)
    third = total[2] - reduce(np.add, mean * (3 * m2 - 2 * m1 * mean))
    sd = np.sqrt(np.maximum(variance, 0.0))
    basic = total[0] + sd * skewed(noise, third / np.maximum(sd, 1e-9)**3)
    # Chance is a normal here; what holds for every person bounds it: nobody is paid more than is in policy.
    expense = used["expense"] * factor[0]
    eligible = np.minimum(used["eligible"] * factor[1], expense)
    basic = np.minimum(np.maximum(basic, 0.0), eligible)
    items = tiers + len(LINEAR)
    paid = total[MOMENTS:MOMENTS + items] * factor[PAYMENT + 1:PAYMENT + 1 + items]
    paid = np.maximum(paid, 0.0)  # between nodes far apart a polynomial can fall below nothing
    by_tier, (critical, assistance, commercial, chronic) = paid[:tiers], paid[tiers:]

    # By tier and chronic care add up to what the fund paid; the patient bears what nobody paid.
    scale = basic / np.maximum(reduce(np.add, by_tier) + chronic, 1e-9)
    critical = np.clip(critical, 0.0, eligible - basic)
    assistance = np.clip(assistance, 0.0, eligible - basic - critical)
    commercial = np.clip(commercial, 0.0, eligible - basic - critical - assistance)
    # What the fund and the three layers above it pay a person.
    paid_by_cell = np.maximum(by_cell[:, 0] + reduce(np.add, (by_cell[:, MOMENTS + tiers + n] for n in range(3))), 0.0)
    caught = np.minimum(np.maximum(by_cell[:, -1], 0.0) * factor[-1], people)
    all_layers = basic + critical + assistance + commercial
    return {
        "basic": basic, "chronic": chronic * scale, "expense": expense, "eligible": eligible, "critical": critical,
        "assistance": assistance, "commercial": commercial, "catastrophic": reduce(np.add, caught),
        "stays": used["stays"] * factor[2], "paid_by_tier": by_tier * scale,
        "stays_by_tier": used["stays_by_tier"] * factor[2], "expense_by_tier": used["expense_by_tier"] * factor[0],
        "chronic_expense": used["chronic_expense"] * factor[0],
        "claims_by_tier": used["expense_by_tier"] * factor[PAYMENT + 1:PAYMENT + 1 + tiers] * scale,
        "chronic_claims": used["chronic_expense"] * factor[-2] * scale,
        "paid_by_cell": paid_by_cell * (all_layers / np.maximum(reduce(np.add, paid_by_cell), 1e-9)),
        "expense_by_cell": used["expense_by_cell"] * factor[0], "catastrophic_by_cell": caught,
    }


def combined(tables: list[Table], weight: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Moments averaged over schedules, by their `weight` (s, u, c), and over stays, by their `chance` (c, f, k).

    Result (c, f, 2, n, p, ...): without and with a special disease.
    """
    found = []
    for kind, (stays, moments) in enumerate(tables[0].stacks):
        by_cell = np.zeros((weight.shape[2], len(stays), moments.shape[3], *moments.shape[5:]))  # (c, k, n, p, ...)
        for table in tables:
            for s, schedule in enumerate(table.schedules):
                for status, of_cell in enumerate(weight[schedule][:, table.cells]):
                    one = np.moveaxis(table.stacks[kind][1][:, status, s], 2, 0)
                    by_cell[table.cells] += one * of_cell.reshape(-1, *[1] * (one.ndim - 1))
        averaged = chance[:, :, stays] @ by_cell.reshape(len(by_cell), len(stays), -1)
        found.append(averaged.reshape(*averaged.shape[:2], *by_cell.shape[2:]))
    return np.stack(found, axis=2)


def stay_counts(mean: np.ndarray, size: float, longest: int) -> np.ndarray:
    """Probabilities (..., k) of 0..longest stays a person-year; the last takes the thin tail.

    >>> stay_counts(np.array([0.1]), 0.6, 3).sum().round(12)
    np.float64(1.0)
    """
    k = np.arange(longest + 1)
    ways = np.exp(gammaln(k + size) - gammaln(size) - gammaln(k + 1))
    chance = ways * (size / (size + mean))[..., None] ** size * (mean / (size + mean))[..., None] ** k
    chance[..., -1] += 1 - chance.sum(axis=-1)
    return chance


def usual_person(t: int, person: Person, care: Care, costs: Costs, nodes: Nodes, longest: int) -> np.ndarray:
    """How the items vary between the people of a group in year t's median draw, (c, item, item + 2)."""
    chance = stay_counts((care.admissions * care.covered)[:, None], costs.dispersion, longest)
    at_nodes = combined(person.details, person.usual_weight, chance)[:, 0, :, 0]
    at_middle = np.tensordot(node_basis(nodes.log_middle, nodes.middle[t:t + 1])[0], at_nodes, (0, 2))
    ill = (care.chronic_share * care.covered)[:, None, None]
    return (1 - ill) * at_middle[:, 0] + ill * at_middle[:, 1]


def skewed(z: np.ndarray, skewness: np.ndarray) -> np.ndarray:
    """A standard normal turned into a unit variable of the given skewness (Wilson and Hilferty's gamma).

    >>> skewed(np.array([0.0, 1.0]), np.array([0.0, 0.6])).round(2) + 0.0
    array([0.  , 0.98])
    """
    g = np.clip(np.where(np.abs(skewness) < 1e-6, 1e-6, skewness), -4, 4)
    root = np.maximum(1 + g * (z / 6 - g / 36), 0.0)
    return 2 / g * (root * root * root - 1)


def spread(people: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficient of variation and skewness of each item's total, and a root of their correlation matrix.

    `people` (g,), `x` (g, item, item + 2) from `detail`. Items that nobody has keep still.
    """
    mean, cube, product = x[:, :, -2], x[:, :, -1], x[:, :, :-2]
    covariance = np.einsum("g,gij->ij", people, product - mean[:, :, None] * mean[:, None, :])
    square = product.diagonal(axis1=1, axis2=2)
    third = people @ (cube - 3 * mean * square + 2 * mean**3)
    total, sd = people @ mean, np.sqrt(np.maximum(covariance.diagonal(), 0.0))
    some = (total > 1e-9) & (sd > 1e-9)
    scale = np.where(some, 1 / np.where(some, sd, 1.0), 0.0)
    correlation = covariance * scale[:, None] * scale + np.diag(~some)
    return (np.where(some, sd / np.where(some, total, 1.0), 0.0), np.where(some, third * scale**3, 0.0),
            correlation_root(correlation))
