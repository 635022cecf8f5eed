"""Assumptions: what nobody decides. Every uncertain quantity of the model is declared here."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from simulation.policy import Given, Section
from simulation.terms import Record, Source, Term, words

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Assumed(Given):
    """A central value with its 5 % to 95 % interval and the evidence for both.

    `range` holds the two ends in the value's own unit; `factor` holds them as multipliers of a value
    that varies over axes. The value is the median; each side of it is half a (log)normal.
    """

    range: tuple[Number, Number] | None = None
    factor: tuple[Number, Number] | None = None


Z95 = 1.6448536269514722  # the 95 % point of a standard normal


def drawn(given: Assumed, z: np.ndarray) -> np.ndarray:
    """What standard normal draws make of an assumption: values for `range`, multipliers for `factor`.

    Shape of `z` in and out. A draw of 0 gives the median; ±1.645 gives the two ends.

    >>> source = Source(status="assumption")
    >>> drawn(Assumed(value=0.06, range=(0.02, 0.09), source=source), np.array([-Z95, 0, Z95])).round(3)
    array([0.02, 0.06, 0.09])
    >>> drawn(Assumed(value=3, factor=(0.5, 2.0), source=source), np.array([-Z95, 0, Z95])).round(3)
    array([0.5, 1. , 2. ])
    """
    if given.factor:
        low, high = np.log(given.factor)
        return np.exp(np.where(z < 0, -low, high) * z / Z95)
    if given.range:
        low, high = given.range
        return given.value + np.where(z < 0, given.value - low, high - given.value) * z / Z95
    return np.full_like(z, given.value, dtype=float)


class People(Section):
    """参保人群."""

    residents: Annotated[Assumed, Term(
        words("应参保人数（首年）", "Residents entitled to join, first year"), "persons", 0, 2_000_000_000,
        words("首年应参加本制度的居民人数。", "People who may join the scheme in the first year."),
        axes=("group", "status"), step=1000)]
    population_growth: Annotated[Assumed, Term(
        words("人群年增长率", "Growth of each group"), "per_year", -0.2, 0.2,
        words("各类人群每年的增长率。", "Yearly growth of each group."), axes=("group",))]
    take_up: Annotated[Assumed, Term(
        words("参保率", "Take-up"), "share", 0.01, 0.999,
        words("按基准缴费标准，应参保居民中参保的比例。",
              "Share of entitled residents insured at the baseline contribution."),
        axes=("group", "status"))]
    contribution_elasticity: Annotated[Assumed, Term(
        words("参保对缴费的弹性", "Elasticity of enrolment to the contribution"), "number", -3, 0,
        words("个人缴费提高 1% 时参保人数变化的百分比；免缴人群不受影响。",
              "Per cent change of enrolment when the contribution rises by 1 %; none where nothing is paid."))]
    new_share: Annotated[Assumed, Term(
        words("新参保与续保占比", "Joiners and returners"), "share", 0, 1,
        words("当年参保人中新参保或断保后续保的比例。", "Share of the insured who join or return in a year."))]
    returner_share: Annotated[Assumed, Term(
        words("断保后续保占比", "Returners after a lapse"), "share", 0, 1,
        words("当年参保人中断保一年后续保、须补缴欠费的比例。",
              "Share of the insured who return after a missed year and owe its arrears."))]
    city_school_share: Annotated[Assumed, Term(
        words("非县属学校学生占比", "Pupils of schools not funded by a county"), "share", 0, 1,
        words("各人群中补助另按非县属学校规则分担的比例。",
              "Share of each group whose subsidy follows the rule for such schools."),
        axes=("group",))]


class Utilisation(Section):
    """就医."""

    admissions: Annotated[Assumed, Term(
        words("住院率（首年）", "Admissions, first year"), "per_person_year", 0, 3,
        words("每名参保人每年住院次数。", "Stays a year for each insured person."), axes=("group",))]
    admission_growth: Annotated[Assumed, Term(
        words("住院率年增长", "Growth of admissions"), "per_year", -0.3, 0.5,
        words("住院率的年增长率。", "Yearly growth of the admission rate."))]
    dispersion: Annotated[Assumed, Term(
        words("住院次数离散参数", "Dispersion of admissions"), "number", 0.05, 1000,
        words("负二项分布的形状参数：越小，住院越集中在少数人。",
              "Size of the negative binomial: the smaller, the more stays fall on few people."))]
    chronic_share: Annotated[Assumed, Term(
        words("门诊特殊病种患病率", "Special-disease patients"), "share", 0, 1,
        words("经认定享受门诊特殊病种待遇的人占参保人的比例。",
              "Share of the insured certified for special-disease outpatient care."),
        axes=("group",))]
    tier_mix: Annotated[Assumed, Term(
        words("住院机构构成", "Mix of provider tiers"), "share", 0, 1,
        words("住院人次在各级机构间的分布，合计为 1。", "How stays spread over tiers; adds up to 1."), axes=("group",
                                                                                                             "tier"))]
    expense: Annotated[Assumed, Term(
        words("次均住院费用（首年）", "Expense a stay, first year"), "yuan_stay", 1, 10_000_000,
        words("各级机构每次住院的平均医疗总费用。",
              "Mean total expense of a stay at each tier."), axes=("tier",), step=100)]
    expense_log_sd: Annotated[Assumed, Term(
        words("住院费用对数标准差", "Log standard deviation of a stay"), "number", 0, 2,
        words("每次住院费用（对数正态）的离散程度。", "Spread of the lognormal expense of a stay."), axes=("tier",))]
    chronic_expense: Annotated[Assumed, Term(
        words("特殊病种年门诊费用（首年）", "Special-disease expense a year, first year"),
        "yuan_person_year", 1, 10_000_000,
        words("每名特殊病种患者每年门诊费用。",
              "Mean outpatient expense of a special-disease patient a year."), step=100)]
    chronic_log_sd: Annotated[Assumed, Term(
        words("特殊病种费用对数标准差", "Log standard deviation of special-disease expense"), "number", 0, 2,
        words("特殊病种年费用的离散程度。", "Spread of the lognormal yearly expense."))]
    eligible_share: Annotated[Assumed, Term(
        words("政策范围内费用占比", "In-policy share of expense"), "share", 0, 1,
        words("医疗总费用中目录内、可报销部分的比例。",
              "Part of the expense that the catalogues admit."), axes=("kind", "tier"))]
    cost_growth: Annotated[Assumed, Term(
        words("次均费用年增长", "Growth of unit cost"), "per_year", -0.3, 0.5,
        words("次均费用的年增长率。", "Yearly growth of the expense of a stay."))]


class Account(Section):
    """基金账户与居民收入."""

    opening_balance: Annotated[Assumed, Term(
        words("期初累计结余", "Opening balance"), "yuan", -1e13, 1e13,
        words("首年年初的累计结余。", "Cumulative balance at the start of the first year."), step=100000)]
    interest_rate: Annotated[Assumed, Term(
        words("结余利率", "Interest on the balance"), "per_year", -0.05, 0.3,
        words("年初累计结余为正时的利率。", "Paid on the opening balance while it is positive."))]
    other_income: Annotated[Assumed, Term(
        words("其他收入", "Other income"), "yuan_year", 0, 1e12,
        words("捐赠等其他收入。", "Donations and other income."), step=100000)]
    income_per_head: Annotated[Assumed, Term(
        words("人均可支配收入（首年）", "Disposable income a head, first year"), "yuan_person_year", 1, 1e7,
        words("用于衡量灾难性卫生支出。", "The yardstick of catastrophic spending."), step=100)]
    income_growth: Annotated[Assumed, Term(
        words("居民收入年增长", "Growth of income"), "per_year", -0.3, 0.5,
        words("人均可支配收入的年增长率。", "Yearly growth of disposable income a head."))]
    catastrophic_fraction: Annotated[Assumed, Term(
        words("灾难性支出界限", "Bound of catastrophic spending"), "share", 0.01, 5,
        words("个人负担超过人均可支配收入的这一比例即为灾难性支出。",
              "Out-of-pocket spending beyond this part of income a head counts as catastrophic."))]


class Shocks(Section):
    """系统性冲击: what moves a whole year at once."""

    cost_sd: Annotated[Assumed, Term(
        words("费用冲击标准差", "Cost shock"), "number", 0, 1,
        words("次均费用每年偏离趋势的对数标准差。",
              "Log standard deviation of each year's departure of unit cost from trend."))]
    cost_persistence: Annotated[Assumed, Term(
        words("费用冲击持续性", "Persistence of the cost shock"), "number", 0, 0.99,
        words("上一年的偏离有多少留到下一年，即 AR(1) 系数。",
              "How much of a departure stays in the next year: the AR(1) coefficient."))]
    admission_sd: Annotated[Assumed, Term(
        words("住院率冲击标准差", "Admission shock"), "number", 0, 1,
        words("住院率每年偏离趋势的对数标准差。",
              "Log standard deviation of each year's departure of the admission rate."))]
    enrolment_sd: Annotated[Assumed, Term(
        words("参保冲击标准差", "Enrolment shock"), "number", 0, 2,
        words("参保率（logit）每年随机游走的标准差。",
              "Standard deviation of the yearly step of take-up on the logit scale."))]


class Correlation(Record):
    """How two uncertain assumptions move together."""

    between: tuple[str, str]
    value: Annotated[float, Field(ge=-0.99, le=0.99, strict=True)]
    source: Source


class Assumptions(Record):
    """All assumptions of a scenario."""

    people: People
    utilisation: Utilisation
    account: Account
    shocks: Shocks
    correlations: tuple[Correlation, ...] = ()


ASSUMED: dict[str, type[Section]] = {
    name: field.annotation for name, field in Assumptions.model_fields.items() if name != "correlations"}


def uncertain(assumptions: Assumptions) -> dict[str, Assumed]:
    """The assumptions that carry an interval, by dotted name, in the order declared."""
    found = {}
    for section, model in ASSUMED.items():
        for name in model.model_fields:
            given = getattr(getattr(assumptions, section), name)
            if given.range or given.factor:
                found[f"{section}.{name}"] = given
    return found
