"""How unevenly spending falls on people and on stays, beside the shapes that studies published.

A year's bills of some insured people are drawn one by one from the assumptions that the engines use, before any rule:
the first year, under the base policy, at the median draw (no parameter error, no shock). Counties of a city share
one distribution. `table` sets each measure beside its published figure and says whether it lies within a tolerance
stated in advance. Known weakness: a person's stays are dear independently of one another, so that the yearly spending
of inpatients concentrates less than it would, and single stays have to make up for it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

from simulation.engines.shapes import relative
from simulation.published import rows
from simulation.records import Tail
from simulation.scenario import Scenario
from simulation.steps.enrolment import covered_share
from simulation.streams import stream
from simulation.terms import Words, words
from simulation.trees import dense

PEOPLE, SEED = 200_000, 20080101
FINE = 100_000  # steps of probability by which the cost of a stay at one tier is taken
ADULT = 18  # first year of age

# Which scenarios are like the population of a study. A county's rural scheme in 2014: the rural schemes that start
# within three years of it. Adult inpatients of a prefecture city, published in 2022: residents' schemes from 2017 on.
RURAL = ("account_to_pool_2011", "city_pooling_2012", "henan_nrcms_2011", "private_parity", "shandong_nrcms_2011")
RESIDENT = ("claims_review", "county_community_2024", "guangxi_providers_2017", "nanning_family_doctor_2019",
            "national_resident_2018", "primary_standards_2025", "urrbmi_county_2026")


class Year(NamedTuple):
    """One year's expense of some insured people, in yuan, and of every stay among them."""

    scenario: Scenario
    group: np.ndarray  # (n,) index of each person's group
    stays: np.ndarray  # (n,) number of stays
    inpatient: np.ndarray  # (n,)
    chronic: np.ndarray  # (n,) special-disease outpatient care
    outpatient: np.ndarray  # (n,) ordinary outpatient care
    stay: np.ndarray  # (m,) expense of each stay
    tier: np.ndarray  # (m,) index of its tier

    @property
    def expense(self) -> np.ndarray:
        """Everything a person's care costs in the year, (n,)."""
        return self.inpatient + self.chronic + self.outpatient


class Shape(NamedTuple):
    """A published figure of how spending is distributed, as `data/behaviour.csv` has it."""

    quantity: str  # of the row
    log_sd: bool  # its log standard deviation (the column beside the value) and not the value itself
    below: float  # how far below the published figure the model may lie
    above: float  # and how far above
    like: tuple[str, ...]  # scenarios whose people are like those of the study; none: any
    population: Words
    reason: Words  # of the tolerance


GINI, TOP_USERS, TOP_INPATIENTS, TOP_STAYS = (
    "Gini of annual medical expenditure (users)", "top-5% share of annual expenditure",
    "top-10% share of annual inpatient expenditure", "top-5% share within disease-system inpatient cost")
MACHENG = words("麻城市 2014 年新农合就医者", "Users of care in Macheng's rural scheme, 2014")
CITY = words("某地级市住院成人", "Adult inpatients of a prefecture city")
HOSPITAL = words("一家医院 2009 年各疾病系统的住院", "Stays of one hospital's disease systems, 2009")
ELSEWHERE = words("其他地方、其他年份的一项研究，就医者的界定也不尽相同",
                  "One study of another place and year, which may count users otherwise")
BY_SHARE = words("由份额按对数正态折算：同一人群由基尼系数和前 5% 占比得到 1.85 和 2.11，相差 0.26",
                 "Read off a share as if lognormal: the same users have 1.85 by their Gini, 2.11 by their top 5%")
POOLED = words("一级机构汇总各疾病系统和多家医院，不会比最均匀的系统更均匀，可以更集中",
               "A tier pools disease systems and hospitals: no more even than the evenest of them, perhaps more uneven")
RANGE = words("公布的区间已含疾病系统之间的差别", "The published range already spans the disease systems")
SHAPES = {
    "gini_users": Shape(GINI, False, 0.04, 0.04, RURAL, MACHENG, ELSEWHERE),
    "log_sd_users": Shape(GINI, True, 0.26, 0.26, RURAL, MACHENG, BY_SHARE),
    "top_5_users": Shape(TOP_USERS, False, 0.05, 0.05, RURAL, MACHENG, ELSEWHERE),
    "top_10_inpatients": Shape(TOP_INPATIENTS, False, 0.05, 0.05, RESIDENT, CITY, ELSEWHERE),
    "log_sd_inpatients": Shape(TOP_INPATIENTS, True, 0.26, 0.26, RESIDENT, CITY, BY_SHARE),
    "top_5_stays": Shape(TOP_STAYS, False, 0.0, 0.05, (), HOSPITAL, POOLED),
    "log_sd_stays": Shape(TOP_STAYS, True, 0.0, 0.0, (), HOSPITAL, RANGE),
}
TITLES = {
    "gini_users": words("就医者年费用的基尼系数", "Gini of users' yearly spending"),
    "log_sd_users": words("就医者年费用的对数标准差", "Log standard deviation of users' yearly spending"),
    "top_5_users": words("年费用最高 5% 就医者的费用占比", "Share of the dearest 5% of users in yearly spending"),
    "top_10_inpatients": words("年住院费用最高 10% 成人的费用占比",
                               "Share of the dearest 10% of adult inpatients in yearly inpatient spending"),
    "log_sd_inpatients": words("住院成人年住院费用的对数标准差",
                               "Log standard deviation of adult inpatients' yearly inpatient spending"),
    "top_5_stays": words("费用最高 5% 住院的费用占比", "Share of the dearest 5% of stays in their cost"),
    "log_sd_stays": words("每次住院费用的对数标准差", "Log standard deviation of a stay's cost"),
}
ALL_TIERS = words("各级合计", "All tiers")


def spending(scenario: Scenario, people: int = PEOPLE, seed: int = SEED) -> Year:
    """One year's bills of `people` insured persons, in the groups' proportions; each purpose has its own stream.

    Costs at a tier stand at even steps of probability and fall on stays in random order.

    >>> from simulation import load_scenario
    >>> year = spending(load_scenario("benxi_2008"), people=1000)
    >>> len(year.group), int(year.stays.sum()) == len(year.stay)
    (1000, True)
    """
    value = lambda name, over=(): scenario.value("utilisation", name, over)  # noqa: E731
    rng = lambda purpose: stream(seed, f"concentration {purpose}")  # noqa: E731
    insured = scenario.value("people", "residents", ("group", "status")) * scenario.value(
        "people", "take_up", ("group", "status"))
    edges = np.cumsum(insured.sum(axis=1)) / insured.sum()
    group = np.searchsorted(edges, (np.arange(people) + 0.5) / people)
    waiting = dense(scenario.base_policy().enrolment.waiting_months.value, ("group",), scenario.axes.members())
    covered = covered_share(float(scenario.value("people", "new_share")), waiting)

    size, mean = float(value("dispersion")), (value("admissions", ("group",)) * covered)[group]
    stays = rng("stays").negative_binomial(size, size / (size + mean))
    person = np.repeat(np.arange(people), stays)
    tier = chosen(value("tier_mix", ("group", "tier"))[group[person]], rng("tiers"))
    stay = value("expense", ("tier",))[tier] * relative(
        dealt(tier, rng("costs")), value("expense_log_sd", ("tier",))[tier], tail_of(scenario))

    ill = rng("special").random(people) < (value("chronic_share", ("group",)) * covered)[group]
    special = relative(dealt(ill.astype(int), rng("special costs")), float(value("chronic_log_sd")))
    outpatient = np.zeros(people)
    if scenario.has("outpatient"):
        user = rng("users").random(people) < (value("outpatient_users", ("group",)) * covered)[group]
        place = chosen(value("outpatient_mix", ("group", "tier"))[group], rng("places"))
        year = value("outpatient_expense", ("tier",))[place] * value("outpatient_visits", ("group",))[group]
        z = dealt(user.astype(int), rng("visits"))
        outpatient = user * year * relative(z, float(value("outpatient_log_sd")))
    return Year(scenario, group, stays, np.bincount(person, stay, people),
                ill * float(value("chronic_expense")) * special, outpatient, stay, tier)


def even_normals(n: int) -> np.ndarray:
    """Standard normals at `n` even steps of probability: the tail is as heavy in every sample.

    >>> even_normals(3).round(3).tolist()
    [-0.967, 0.0, 0.967]
    """
    return ndtri((np.arange(n) + 0.5) / n)


def dealt(kind: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Standard normals for cases of some kinds (n,), at even steps within each kind and in random order."""
    z = np.empty(len(kind))
    for one in np.unique(kind):
        here = kind == one
        z[here] = rng.permutation(even_normals(here.sum()))
    return z


def chosen(mix: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One column of each row of shares (n, k), drawn by its share, (n,)."""
    below = np.cumsum(mix, axis=1)[:, :-1] <= rng.random((len(mix), 1))
    return below.sum(axis=1)


def tail_of(scenario: Scenario) -> Tail:
    """The tail of a scenario's stays."""
    value = lambda name: float(scenario.value("utilisation", name))  # noqa: E731
    return Tail(float(ndtri(1 - value("tail_share"))), value("tail_spread"))


def gini(expense: np.ndarray) -> float:
    """Gini coefficient of some amounts.

    >>> gini(np.array([1.0, 1.0])), gini(np.array([0.0, 0.0, 0.0, 1.0]))
    (0.0, 0.75)
    """
    ordered, n = np.sort(expense), len(expense)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * ordered.sum()))


def top_share(expense: np.ndarray, share: float) -> float:
    """The part of all spending that falls on the dearest `share`.

    >>> top_share(np.array([1.0, 1.0, 1.0, 7.0]), 0.25)
    0.7
    """
    ordered = np.sort(expense)
    return float(ordered[len(ordered) - round(share * len(ordered)):].sum() / ordered.sum())


def lorenz(year: Year, points: int = 101) -> pd.DataFrame:
    """Lorenz curves of users' and inpatients' yearly spending and of stays: columns whom, people, expense (shares).

    The cheapest `people` of them have `expense` of the spending.
    """
    frames = []
    people = np.linspace(0, 1, points)
    for whom, amounts in (("users", users(year)), ("inpatients", year.inpatient[year.stays > 0]), ("stays", year.stay)):
        reached = np.concatenate([[0.0], np.cumsum(np.sort(amounts)) / amounts.sum()])
        frames.append(pd.DataFrame({"whom": whom, "people": people, "expense": np.interp(
            people, np.linspace(0, 1, len(reached)), reached)}))
    return pd.concat(frames, ignore_index=True)


def users(year: Year) -> np.ndarray:
    """Yearly spending of everyone who has any."""
    return year.expense[year.expense > 0]


def adult_inpatients(year: Year) -> np.ndarray:
    """Yearly inpatient spending of adults with a stay; of everyone where groups have no ages."""
    ages = year.scenario.axes.ages
    adult = np.array([not ages or ages[group][0] >= ADULT for group in year.scenario.axes.group])
    return year.inpatient[(year.stays > 0) & adult[year.group]]


def measured(year: Year) -> dict[tuple[str, str | None], float]:
    """Every measure, by its name and, for single stays, its tier; `None` is all tiers together.

    Within a tier the cost of a stay is taken at even steps of probability and carries no sampling error.
    """
    spent, inpatient, scenario = users(year), adult_inpatients(year), year.scenario
    found: dict[tuple[str, str | None], float] = {
        ("gini_users", None): gini(spent), ("log_sd_users", None): float(np.log(spent).std()),
        ("top_5_users", None): top_share(spent, 0.05), ("top_10_inpatients", None): top_share(inpatient, 0.10),
        ("log_sd_inpatients", None): float(np.log(inpatient).std()),
        ("top_5_stays", None): top_share(year.stay, 0.05), ("log_sd_stays", None): float(np.log(year.stay).std())}
    spreads = scenario.value("utilisation", "expense_log_sd", ("tier",))
    for tier, log_sd in zip(scenario.axes.tier, spreads, strict=True):
        cost = relative(even_normals(FINE), log_sd, tail_of(scenario))
        found["top_5_stays", tier] = top_share(cost, 0.05)
        found["log_sd_stays", tier] = float(np.log(cost).std())
    return found


@lru_cache(maxsize=16)
def figures(shape: Shape) -> tuple[float, float, str]:
    """The ends of a published figure, equal where it is one number, as fractions, and its source.

    >>> figures(SHAPES["top_5_stays"])[:2], figures(SHAPES["log_sd_inpatients"])[:2]
    ((0.215, 0.299), (1.26, 1.26))
    """
    source = ""
    for row in rows("behaviour"):
        source = source if row["source"].startswith("same") else row["source"]
        if row["quantity"] == shape.quantity:
            text = row["unit_or_ci"].partition("sigma")[2] if shape.log_sd else row["value"]
            scale = 100 if row["unit_or_ci"].startswith("%") and not shape.log_sd else 1
            ends = [round(float(number) / scale, 6) for number in re.findall(r"\d+(?:\.\d+)?", text)]
            return ends[0], ends[-1], source
    raise KeyError(shape.quantity)


def shape_of(scenario: Scenario) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How unevenly a year's spending falls: `table` and `lorenz` of it."""
    year = spending(scenario)
    return table(year), lorenz(year)


def table(year: Year) -> pd.DataFrame:
    """Every measure beside its published figure, one row a measure and tier.

    Columns measure, tier, title_zh, title_en, value; published and published_to (the ends of a published range), low
    and high (with the tolerance), population_zh, population_en, reason_zh, reason_en (of the tolerance), source; alike:
    whether the study's people are like the scenario's; within: whether the value lies from low to high. Only a row
    that is alike is a test of the scenario. Primary care and all tiers together are not like a hospital's stays.
    """
    out, scenario = [], year.scenario
    for (measure, tier), value in measured(year).items():
        shape = SHAPES[measure]
        published, published_to, source = figures(shape)
        low, high = published - shape.below, published_to + shape.above
        of_stays = measure.endswith("stays")
        alike = tier is not None and tier not in scenario.axes.primary if of_stays else scenario.name in shape.like
        at = scenario.axes.tier[tier] if tier else ALL_TIERS
        title = TITLES[measure]
        out.append({
            "measure": measure, "tier": tier or "",
            "title_zh": f"{title.zh}（{at.zh}）" if of_stays else title.zh,
            "title_en": f"{title.en}: {at.en}" if of_stays else title.en,
            "value": value, "published": published, "published_to": published_to, "low": low, "high": high,
            "population_zh": shape.population.zh, "population_en": shape.population.en, "reason_zh": shape.reason.zh,
            "reason_en": shape.reason.en, "source": source, "alike": alike, "within": low <= value <= high})
    return pd.DataFrame(out)
