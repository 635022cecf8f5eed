"""The people of the country by single year of age: published five-year figures, graduated and carried forward.

Everything published here comes from `data/demography`. Two revisions of one publication meet: people are
of 2019, deaths and fertility of 2024, and the older one counts 2 % more people in 2020 than the census.
So take shares, indices and means over ages from here, not heads. National figures stand for any county;
who moves in or out of one is for others to say. A year means its 1 July. Arrays that are kept are read-only.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.interpolate import PchipInterpolator

from simulation.steps.population import ages_in, project

TABLES = Path(__file__).resolve().parent.parent / "data" / "demography"
AGES = np.arange(101)  # the last one stands for 100 and over
FIRST, LAST, APART = 1990, 2020, 5  # years in which people are published by age
END = 1.2815515655446004  # the standard normal at the upper end of an 80 % interval
NODES = np.linspace(-8, 8, 257)  # of that normal, beyond what any draw reaches

# An assumption: admissions within a year per hundred people around 2018, by the middle of an age group. No table of
# ours has them by age. On the country's ages of 2018 it gives what data/behaviour.csv publishes of that year, 13.8 of
# all ages and 24.9 of those aged 60 and over (National Health Services Survey), and of those aged 15 and over 4 % more
# than another survey's 14.40 of rural adults. The rest is a shape: infants, few schoolchildren, births around 30, a
# rise that levels off. Only ratios between ages are used. Were the people surveyed older than the country, then the
# young are admitted less than this, and the profile is steeper.
ADMITTED = {2.5: 15, 10: 5, 20: 8.5, 30: 13, 40: 11, 50: 14, 60: 19, 70: 26, 80: 31, 90: 32}


def kept(values: np.ndarray) -> np.ndarray:
    """The same array, made read-only because it is shared.

    >>> kept(np.ones(2)).flags.writeable
    False
    """
    values.flags.writeable = False
    return values


@lru_cache(maxsize=1)
def total_fertility() -> pd.DataFrame:
    """Published children per woman by year, with the ends of the intervals.

    >>> round(float(total_fertility().tfr[2010]), 1)
    1.7
    """
    return pd.read_csv(TABLES / "fertility_total.csv", index_col="year")


@lru_cache(maxsize=8)
def published(table: str, column: str) -> pd.DataFrame:
    """A published column by year (rows) and first year of age (columns), in the table's unit.

    >>> published("fertility_age_pattern", "pasfr").sum(axis="columns").round(6).unique().tolist()
    [100.0]
    """
    frame = pd.read_csv(TABLES / f"{table}.csv", dtype={"age": str})
    return frame.assign(age=frame.age.str.extract(r"(\d+)", expand=False).astype(int)).pivot(
        index="year", columns="age", values=column)


def in_year(frame: pd.DataFrame, year: float) -> np.ndarray:
    """The row of a year, on a straight line between the rows around it; beyond them the nearest row.

    >>> in_year(pd.DataFrame({0: [10.0, 20.0]}, index=[2000, 2010]), 2003).tolist()
    [13.0]
    """
    return np.array([np.interp(year, frame.index, frame[age]) for age in frame])


def graduated(starts: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    """Amounts (n,) of age groups that begin at `starts`, spread over single ages 0 to 100 and over: (101,).

    A monotone (PCHIP) curve runs through the cumulated amounts, so no age is negative and the ages of a
    group add up to it. The last group is as wide as the one before; its part above 100 counts as 100.

    >>> graduated(np.array([0, 5, 10]), np.array([50.0, 50.0, 50.0]))[[0, 7, 14, 15]].tolist()
    [10.0, 10.0, 10.0, 0.0]
    """
    ends = np.append(starts, 2 * starts[-1] - starts[-2])
    edges = np.clip(np.append(AGES, ends[-1]), ends[0], ends[-1])
    return np.diff(PchipInterpolator(ends, np.append(0, np.cumsum(amounts)))(edges))


@lru_cache(maxsize=64)
def counted(year: int, sex: str) -> np.ndarray:
    """Persons (101,) of a sex by single age in a published year.

    >>> round(counted(2000, "female").sum() / 1e6)
    628
    """
    groups = published("population_by_age", sex).loc[year]
    return kept(graduated(groups.index.to_numpy(), groups.to_numpy() * 1000))


def everyone(year: int) -> np.ndarray:
    """Persons (101,) of both sexes by single age in a published year.

    >>> round(everyone(2020).sum() / 1e6)
    1439
    """
    return counted(year, "male") + counted(year, "female")


@lru_cache(maxsize=256)
def population(year: int) -> np.ndarray:
    """Persons (101,) of both sexes by single age at mid-year.

    Published years are graduated, years between them interpolated, years after the last one projected
    from it at the median fertility; years before the first one keep the first.

    >>> round(float(population(2010)[:15].sum() / population(2010).sum()), 3)
    0.187
    """
    if year > LAST:
        return kept(projected(LAST, year - LAST, np.zeros(1))[-1, 0])
    before, passed = divmod(max(year, FIRST) - FIRST, APART)
    now = everyone(FIRST + before * APART)
    if not passed:
        return kept(now)
    then, part = everyone(FIRST + (before + 1) * APART), passed / APART
    # Along cohorts, not at a fixed age: the crests and troughs of births wander up by a year of age each year, and a
    # straight line between two published years would flatten them. Only the open end has no cohorts to follow.
    people = (1 - part) * now + part * then
    followed = AGES[-1] - APART
    people[passed:passed + followed] = now[:followed] ** (1 - part) * then[APART:-1] ** part
    # Children born since the earlier of the two years are those of the later one, and who died in between.
    alive = survival(year, APART - passed)
    for age in range(passed):
        people[age] = then[age + APART - passed] / np.diagonal(alive, age).prod()
    return kept(people)


@lru_cache(maxsize=256)
def death_probability(year: int) -> np.ndarray:
    """Probability (101,) of dying between exact ages x and x + 1; the last one is of a year at 100 and over.

    Published rates stand at the middle of their age group and run straight in logarithms between, and
    straight in time between mid-years. Ages 1 and 2 take the rate of ages 1 to 4: the drop after the
    first weeks of life must not be spread over years. Beyond the published years the nearest holds.

    >>> [round(1000 * float(q)) for q in death_probability(2010)[[0, 30, 60, 90]]]
    [14, 1, 10, 187]
    """
    rates = in_year(published("death_rates", "mxB"), year)
    starts = published("death_rates", "mxB").columns.to_numpy()
    middles = np.append((starts[1:-1] + starts[2:]) / 2, 100.5)
    log_rates = np.interp(AGES + 0.5, middles, np.log(rates[1:]))
    log_rates[0] = np.log(rates[0])
    return kept(-np.expm1(-np.exp(log_rates)))


@lru_cache(maxsize=256)
def fertility(year: int) -> np.ndarray:
    """Children born in a year per person (101,), men counted too, by single age at the published median fertility.

    The share of women is that of 2020, carried along with each cohort; those not yet born get that of age 0.

    >>> round(float(fertility(2020)[15:50].sum()), 2)
    0.59
    """
    pattern = published("fertility_age_pattern", "pasfr")
    by_age = graduated(pattern.columns.to_numpy(), in_year(pattern, year) / 100)
    per_woman = by_age * in_year(total_fertility()[["tfr"]], year)
    women = counted(LAST, "female") / everyone(LAST)
    return kept(per_woman * women[np.clip(AGES - (year - LAST), 0, AGES[-1])])


@lru_cache(maxsize=256)
def fertility_spread(year: int) -> tuple[float, float]:
    """Ends of the published 80 % interval of total fertility over its median; (1, 1) where none is published.

    Years after the last published interval keep it.

    >>> fertility_spread(2010), [round(end, 2) for end in fertility_spread(2030)]
    ((1.0, 1.0), [0.79, 1.21])
    """
    total = total_fertility().dropna(subset="tfr_80l")
    if year < total.index[0]:
        return 1.0, 1.0
    median, low, high = in_year(total[["tfr", "tfr_80l", "tfr_80u"]], year)
    return float(low / median), float(high / median)


def births_multiplier(year: int, z: np.ndarray) -> np.ndarray:
    """What births are multiplied by at standard normals `z` (d,): 1 at 0, the published 80 % ends at -1.28 and 1.28.

    Below the median it falls by a constant factor, so births stay positive; above, on a straight line.
    The 95 % ends, which it does not use, it meets within 0.05.

    >>> births_multiplier(2030, np.array([-1.2816, 0.0, 1.2816])).round(2).tolist()
    [0.79, 1.0, 1.21]
    """
    low, high = fertility_spread(year)
    return np.where(z < 0, low ** (-z / END), 1 + (high - 1) * z / END)


def survival(first_year: int, steps: int) -> np.ndarray:
    """Share (t, 101) of the people of a completed age who are alive a year later, from each mid-year to the next.

    They are on average half a year past their birthday: half of the way at this age, half at the next.
    An infant's risk lies in the first weeks, so it is borne by `newborn` and not by those alive at age 0.

    >>> [round(float(share), 3) for share in survival(2010, 1)[0, [0, 60, 90]]]
    [1.0, 0.99, 0.804]
    """
    shares = np.empty((steps, len(AGES)))
    for step in range(steps):
        alive = 1 - (death_probability(first_year + step) + death_probability(first_year + step + 1)) / 2
        alive[0] = 1
        shares[step] = np.sqrt(alive * np.append(alive[1:], alive[-1]))
    return shares


def newborn(first_year: int, steps: int, z: np.ndarray) -> np.ndarray:
    """Children alive at the end of each year from mid-year to mid-year, per person: (t, n, 101) for normals `z` (n,).

    >>> newborn(2010, 1, np.zeros(1))[0, 0, [14, 20, 50]].round(2).tolist()
    [0.0, 0.02, 0.0]
    """
    rates = np.stack([births_multiplier(year, z)[:, None] * fertility(year) * (1 - death_probability(year)[0])
                      for year in range(first_year, first_year + steps + 1)])
    return (rates[:-1] + rates[1:]) / 2


def projected(first_year: int, steps: int, z: np.ndarray) -> np.ndarray:
    """Persons (t + 1, n, 101) from `first_year` on, where births stand at the normals `z` (n,) in every year.

    >>> projected(2020, 15, np.array([-1.0, 0.0, 1.0]))[:, :, 0].shape
    (16, 3)
    """
    return project(population(first_year), survival(first_year, steps), newborn(first_year, steps, z))


@lru_cache(maxsize=32)
def index_at_nodes(ages: tuple[tuple[int, int], ...], first_year: int, years: int) -> np.ndarray:
    """Size (n, t, g) of each age band relative to the first year, at each of the `NODES`.

    >>> index_at_nodes(((0, 14), (60, 100)), 2010, 3).shape
    (257, 3, 2)
    """
    start = max(first_year, LAST)  # until then people have been counted, whatever fertility will be
    past = [np.broadcast_to(population(year), (len(NODES), len(AGES))) for year in range(first_year, start)]
    people = np.stack([*past, *projected(start, max(first_year + years - 1 - start, 0), NODES)][:years], axis=1)
    size = ages_in(people, list(ages))
    return kept(size / size[:, :1])


def age_index(ages: tuple[tuple[int, int], ...], first_year: int, years: int, z: np.ndarray) -> np.ndarray:
    """Size (d, t, g) of each age band (ends included) in each year relative to the first year.

    `z` (d,) has a standard normal for each draw: where fertility stands within its published interval, in
    all years alike. In years without an interval, and in people born before the first year, draws do not
    differ. Read off a straight line between close nodes of `z`; the error is below 1e-4.

    >>> age_index(((0, 14), (60, 100)), 2010, 11, np.zeros(1))[0, [0, 10]].round(1).tolist()
    [[1.0, 1.0], [1.0, 1.5]]
    """
    table = index_at_nodes(ages, first_year, years)
    place = np.clip((z - NODES[0]) / (NODES[1] - NODES[0]), 0, len(NODES) - 1)
    lower = np.minimum(place.astype(int), len(NODES) - 2)
    return table[lower] + (place - lower)[:, None, None] * np.diff(table, axis=0)[lower]


def age_within(ages: tuple[tuple[int, int], ...], profile: np.ndarray, first_year: int, years: int) -> np.ndarray:
    """Mean (t, g) of a `profile` (101,) over the people of each age band relative to the first year, at the median.

    It tells how far a band's average moves because the people in the band grow older or younger.

    >>> age_within(((0, 100),), np.ones(101), 2010, 3).tolist()
    [[1.0], [1.0], [1.0]]
    """
    people = np.stack([population(year) for year in range(first_year, first_year + years)])
    mean = ages_in(people * profile, list(ages)) / ages_in(people, list(ages))
    return mean / mean[0]


@lru_cache(maxsize=1)
def admission_profile() -> np.ndarray:
    """Relative admission rate (101,) by single age, an assumption: the table `ADMITTED`, 1 on average over 2018.

    It is a monotone (PCHIP) curve through the middles of the age groups, flat beyond the first and the last.

    >>> [round(float(rate), 1) for rate in admission_profile()[[10, 40, 70]]]
    [0.4, 0.8, 1.9]
    """
    middles = np.array(list(ADMITTED))
    per_cent = PchipInterpolator(middles, list(ADMITTED.values()))(np.clip(AGES + 0.5, middles[0], middles[-1]))
    return kept(per_cent / np.average(per_cent, weights=population(2018)))
