"""A year's spending in every draw: one person's moments there, the totals of independent people, and chance.

Years and draws stand on the last axes of amounts here, and years on the first of everything else.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from simulation.engines.choice import care_totals, ill_share, weighed
from simulation.engines.nodes import Terms, node_basis, through, unit_points
from simulation.engines.parts import parts, several
from simulation.engines.tables import LINEAR, MOMENTS, PAYMENT, Table
from simulation.records import Care, Conditions, Costs, Spending
from simulation.streams import correlation_root

FREQUENCY_NODES = 4  # they span one year
SAMPLED = 1024  # draws that tell where a median lies
# Terms smaller than this beside the largest are left out: of the fund's payment, of what says what chance makes of it,
# and of what else is read.
SMALLEST = {"payment": 1e-5, "chance": 1e-3, "others": 1e-4}
MOST_SKEW = 4.0  # either way


class Nodes(NamedTuple):
    """Where spending is settled; everything between is interpolated."""

    log_price: np.ndarray  # (p,)
    special: np.ndarray  # (q,) what special diseases cost, beside stays
    tilt: np.ndarray  # (n,) log odds of primary care
    log_threshold: np.ndarray  # (h,) of catastrophic out-of-pocket spending
    middle: np.ndarray  # (t,) median log price of each year
    log_middle: np.ndarray  # (m,) where variation between people is settled


class Prices(NamedTuple):
    """The prices (t, d) at which what is settled is read."""

    log_stays: np.ndarray
    special: np.ndarray | None  # of special diseases beside stays, where they have one of their own


class Person(NamedTuple):
    """What a person of each cell is paid in some years: tables, and how each year weighs what they were settled for."""

    tables: list[list[Table]]  # of some cells each, at some ceilings each
    ceiling: np.ndarray  # (t, ceiling) weights
    mix: np.ndarray  # (t,) which of the mixes
    weight: np.ndarray  # (t, s, u, c) of the schedules


class Ends(NamedTuple):
    """The lowest and the highest a variable gets in each year."""

    low: np.ndarray  # (t,)
    high: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray) -> Ends:
        """Those of amounts (..., t, d)."""
        others = (*range(x.ndim - 2), x.ndim - 1)
        return cls(x.min(axis=others), x.max(axis=others))


def in_draws(moments: np.ndarray, details: np.ndarray, care: Care, costs: Costs, people: np.ndarray,
             thresholds: np.ndarray, conditions: Conditions, prices: Prices, nodes: Nodes,
             other: np.ndarray) -> Spending:
    """A run's spending, from what a person is paid and how people vary (t, c, f, 2, n, ...), as `combined`.

    The arrays of `care` and `costs` have years first. `people` (c, t, d) insured, `other` (t, d, item) normals beside
    the fund's own.
    """
    price, chronic_price, frequency, chronic, tilt, noise = (part.T for part in conditions[:6])
    read = [tilt, *([] if prices.special is None else [prices.special]), prices.log_stays]
    ends = [Ends.of(frequency), ill_ends(care, chronic), *map(Ends.of, read)]
    cv, skewness, root = spread(medians(people).T, usual_person(details, care, nodes))
    terms = terms_of(moments, thresholds, nodes, ends)
    rate = (care.admissions * care.covered).T[:, :, None]
    whole: dict[str, np.ndarray] = {}
    for years in several(*price.shape):
        its_care, its_costs = (of_years(record, years) for record in (care, costs))
        polynomial = terms.of(years, own=2)
        stays = people[:, years] * (rate[:, years] * frequency[:, years])
        all_stays = reduce(np.add, stays)
        smaller = np.sqrt(medians(all_stays)[:, None] / np.maximum(all_stays, 1e-9))  # fewer stays, more chance
        for part in parts(price.shape[1]):
            here = (..., years, part)
            # Care stands first in the root of the correlations, so that no rule moves what chance makes of it; the
            # payment of the fund comes next, then the rest.
            normal = root[years, :, 0].T[:, :, None] * noise[here]
            normal += weighed(conditions.chance * root[years, :, 1:], other[years, part].transpose(2, 0, 1))
            factor = varied(normal, cv[years].T[:, :, None], skewness[years].T[:, :, None], smaller[:, part])
            ill = ill_share(its_care, chronic[here])
            used = care_totals(stays[..., part], people[here] * ill, price[here], chronic_price[here], tilt[here],
                               its_care.mix, its_costs)
            by_cell = polynomial.at(people[here], [frequency[here], ill], [of[here] for of in read])
            for name, value in year_of(by_cell, people[here], used, normal[PAYMENT], factor).items():
                if name not in whole:
                    whole[name] = np.empty((*value.shape[:-2], *price.shape))
                whole[name][here] = value
    return Spending(**{name: amounts.T for name, amounts in whole.items()})


def in_years(records: list[Care] | list[Costs]) -> Care | Costs:
    """The years' records as one, with years first in every array."""
    return type(records[0])(*map(np.stack, zip(*records, strict=True)))


def of_years(record: Care | Costs, years: slice) -> Care | Costs:
    """Some years of such a record."""
    return type(record)(*(part[years] for part in record))


def ill_ends(care: Care, chronic: np.ndarray) -> Ends:
    """The ends of `ill_share`, which rises with the prevalence (t, d)."""
    low, high = (ill_share(care, end[:, None])[:, :, 0] for end in Ends.of(chronic))
    return Ends(low.min(axis=0), high.max(axis=0))


def stays_of(care: Care, costs: Costs, frequency: np.ndarray, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (t, c, f, k) of 0..longest stays a person-year: at the nodes that span each year's `frequency`
    (c, t, d), and at its median."""
    low, high = Ends.of(frequency)
    points, _ = unit_points(FREQUENCY_NODES)
    at = (low + high)[:, None] / 2 + (high - low)[:, None] / 2 * points
    mean, size = care.admissions * care.covered, costs.dispersion[:, None, None]
    usual = mean * medians(frequency).T
    return stay_counts(mean[:, :, None] * at[:, None], size, longest), stay_counts(usual[:, :, None], size, longest)


def terms_of(moments: np.ndarray, thresholds: np.ndarray, nodes: Nodes, ends: list[Ends]) -> Terms:
    """One person's moments (t, c, f, 2, n, q, p, column), to be read between the ends of the frequency, the share with
    a special disease, the tilt, the price of special diseases where they have their own, and the log price.

    Columns as in the table, but for the last: the probability of spending beyond the year's threshold.
    """
    beyond = moments.shape[-1] - len(nodes.log_threshold)
    weight = node_basis(nodes.log_threshold, np.log(thresholds))
    last = np.einsum("t...h,th->t...", moments[..., beyond:], weight)
    found = np.concatenate([moments[..., :beyond], last[..., None]], axis=-1)
    low, high = (np.stack(end) for end in zip(*ends, strict=True))
    variables = [None, np.arange(2.0), nodes.tilt, nodes.special, nodes.log_price]
    if len(ends) < len(variables):
        del variables[3]
        found = found[:, :, :, :, :, 0]
    smallest = np.full(found.shape[-1], SMALLEST["others"])
    smallest[0], smallest[1:MOMENTS] = SMALLEST["payment"], SMALLEST["chance"]
    return through(found, variables, low, high, smallest)


def year_of(by_cell: np.ndarray, people: np.ndarray, used: dict[str, np.ndarray], noise: np.ndarray,
            factor: np.ndarray) -> dict[str, np.ndarray]:
    """Each year's totals as sums of independent people, from the people's moments (c, column, t, d): (..., t, d).

    `people` (c, t, d); `used` from `care_totals`; `noise` (t, d) of the fund's payment and `factor` (item, t, d) by
    which chance moves each item.
    """
    tiers = len(used["stays_by_tier"])
    total = reduce(np.add, by_cell)
    m1, m2, m3 = (by_cell[:, n] for n in range(MOMENTS))
    mean = m1 / np.maximum(people, 1e-9)
    variance = total[1] - reduce(np.add, m1 * mean)
    third = total[2] - reduce(np.add, mean * (3 * m2 - 2 * m1 * mean))
    sd = np.sqrt(np.maximum(variance, 0.0))
    least = np.maximum(sd, 1e-9)
    basic = total[0] + sd * skewed(noise, third / (least * least * least))
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
    paid_by_cell *= all_layers / np.maximum(reduce(np.add, paid_by_cell), 1e-9)
    expense_by_cell = used["expense_by_cell"] * factor[0]
    if (paid_by_cell > expense_by_cell).any():  # chance moves both: what is beyond a cell's expense the others are paid
        room = np.maximum(expense_by_cell - paid_by_cell, 0.0)
        np.minimum(paid_by_cell, expense_by_cell, out=paid_by_cell)
        paid_by_cell += room * ((all_layers - reduce(np.add, paid_by_cell)) / np.maximum(reduce(np.add, room), 1e-9))
    return {
        "basic": basic, "chronic": chronic * scale, "expense": expense, "eligible": eligible, "critical": critical,
        "assistance": assistance, "commercial": commercial, "catastrophic": reduce(np.add, caught),
        "stays": used["stays"] * factor[2], "paid_by_tier": by_tier * scale,
        "stays_by_tier": used["stays_by_tier"] * factor[2], "expense_by_tier": used["expense_by_tier"] * factor[0],
        "chronic_expense": used["chronic_expense"] * factor[0],
        "claims_by_tier": used["expense_by_tier"] * factor[PAYMENT + 1:PAYMENT + 1 + tiers] * scale,
        "chronic_claims": used["chronic_expense"] * factor[-2] * scale,
        "paid_by_cell": paid_by_cell, "expense_by_cell": expense_by_cell, "catastrophic_by_cell": caught,
    }


def combined(person: Person, chance: np.ndarray) -> np.ndarray:
    """Moments averaged over schedules, statuses, ceilings and numbers of stays, these by their `chance` (t, c, f, k).

    Result (t, c, f, 2, n, ...): without and with a special disease. What only special diseases move has one place in
    the moments without one.
    """
    years, cells, many = chance.shape[:3]
    mixes = person.mix.max() + 1
    again = np.array([(person.mix[:t] == mix).sum() for t, mix in enumerate(person.mix)])  # years of a mix so far
    _, ill = person.tables[0][0].stacks[1]
    found = np.zeros((years, cells, many, 2, ill.shape[3] // mixes, *ill.shape[5:]))
    for at_ceilings in person.tables:
        for share, table in zip(person.ceiling.T, at_ceilings, strict=True):
            weight = share[:, None, None, None] * person.weight[:, table.schedules][..., table.cells]
            weight = weight.transpose(0, 3, 2, 1).reshape(years, len(table.cells), 1, 1, -1)  # (t, c, 1, 1, u s)
            for kind, (stays, moments) in enumerate(table.stacks) if share.any() else ():
                of_year = (chance[:, table.cells][..., stays, None] * weight).reshape(years, len(table.cells), many, -1)
                # Years of one mix stand together: (mix, c, f of its years, k u s) times (mix, n, c, k u s, p ...).
                rows = np.zeros((mixes, again.max() + 1, *of_year.shape[1:]))
                rows[person.mix, again] = of_year
                rows = rows.swapaxes(1, 2)
                amounts = moments.reshape(-1, mixes, found.shape[4], len(table.cells), int(np.prod(moments.shape[5:])))
                got = rows.reshape(mixes, 1, len(table.cells), -1, rows.shape[-1]) @ amounts.transpose(1, 2, 3, 0, 4)
                got = got.reshape(*got.shape[:3], -1, many, got.shape[-1])[person.mix, :, :, again]  # (t, n, c, f, ...)
                of_kind = found[:, :, :, kind]
                of_kind[:, table.cells] += got.transpose(0, 2, 3, 1, 4).reshape(
                    years, len(table.cells), many, -1, *moments.shape[5:])
    return found


def stay_counts(mean: np.ndarray, size: float | np.ndarray, longest: int) -> np.ndarray:
    """Probabilities (..., k) of 0..longest stays a person-year; the last takes the thin tail.

    >>> stay_counts(np.array([0.1]), 0.6, 3).sum().round(12)
    np.float64(1.0)
    """
    k = np.arange(longest + 1)
    mean, size = mean[..., None], np.asarray(size)[..., None]
    ways = np.exp(gammaln(k + size) - gammaln(size) - gammaln(k + 1))
    chance = ways * (size / (size + mean)) ** size * (mean / (size + mean)) ** k
    chance[..., -1] += 1 - chance.sum(axis=-1)
    return chance


def usual_person(details: np.ndarray, care: Care, nodes: Nodes) -> np.ndarray:
    """How the items vary between the people of a group in each year's median draw, (t, c, item, item + 2)."""
    at_middle = np.einsum("tcimjk,tm->itcjk", details[:, :, 0, :, 0], node_basis(nodes.log_middle, nodes.middle))
    ill = (care.chronic_share * care.covered)[:, :, None, None]
    return (1 - ill) * at_middle[0] + ill * at_middle[1]


def medians(x: np.ndarray) -> np.ndarray:
    """Medians along the last axis, the draws; where these are many, of the first `SAMPLED`, some of each scrambling.

    They only say at which draw variation between people is taken, so that what they move is small (CHANGELOG).

    >>> medians(np.arange(12_000.0).reshape(2, -1)).tolist()
    [511.5, 6511.5]
    """
    return np.median(x[..., :SAMPLED], axis=-1)


def skewed(z: np.ndarray, skewness: np.ndarray) -> np.ndarray:
    """A standard normal turned into a unit variable of the given skewness (Wilson and Hilferty's gamma).

    >>> skewed(np.array([0.0, 1.0]), np.array([0.0, 0.6])).round(2) + 0.0
    array([0.  , 0.98])
    """
    sixth = skewness * (1 / 6)
    np.clip(sixth, -MOST_SKEW / 6, MOST_SKEW / 6, out=sixth)
    away = z - sixth
    bend = sixth * away
    if bend.min() < -1.0:  # there the gamma ends
        away = np.where(bend < -1.0, -1.0 / np.where(bend < -1.0, sixth, 1.0), away)
        np.maximum(bend, -1.0, out=bend)
    # ((1 + bend)^3 - 1) / (3 sixth), which is as well where there is no skewness.
    found = np.multiply(bend, 1 / 3, out=sixth)
    found += 1
    found *= bend
    found += 1
    found *= away
    return found


def varied(z: np.ndarray, cv: np.ndarray, skewness: np.ndarray, smaller: np.ndarray) -> np.ndarray:
    """Factors by which chance moves each item, from normals `z` (item, t, d); `cv` and `skewness` (item, t, 1) hold
    for the usual number of stays, of which `smaller` (t, d) is the inverse root beside it."""
    factor = skewed(z, skewness * smaller)
    factor *= smaller
    factor *= cv
    factor += 1
    return np.maximum(factor, 0.0, out=factor)


def spread(people: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficient of variation and skewness (t, item) of each item's total, and a root of their correlation matrix.

    `people` (t, g), `x` (t, g, item, item + 2) from `detail`. Items that nobody has keep still.
    """
    mean, cube, product = x[..., -2], x[..., -1], x[..., :-2]
    total_of = lambda each: (people[:, None] @ each.reshape(*people.shape, -1))[:, 0]  # noqa: E731
    covariance = total_of(product - mean[..., None] * mean[..., None, :]).reshape(-1, *product.shape[2:])
    square = product.diagonal(axis1=2, axis2=3)
    third = total_of(cube - 3 * mean * square + 2 * mean**3)
    total, sd = total_of(mean), np.sqrt(np.maximum(covariance.diagonal(axis1=1, axis2=2), 0.0))
    some = (total > 1e-9) & (sd > 1e-9)
    scale = np.where(some, 1 / np.where(some, sd, 1.0), 0.0)
    correlation = covariance * scale[:, :, None] * scale[:, None] + np.eye(scale.shape[1]) * ~some[:, None]
    return (np.where(some, sd / np.where(some, total, 1.0), 0.0), np.where(some, third * scale**3, 0.0),
            np.stack([correlation_root(one) for one in correlation]))
