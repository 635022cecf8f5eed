"""Assumptions: what nobody decides. Every uncertain quantity of the model is declared here."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from simulation.terms import OFF, Given, Record, Section, Source, Term, words

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Assumed(Given):
    """A central value with its 5 % to 95 % interval and the evidence for both.

    `range` holds the two ends in the value's own unit; `factor` holds them as multipliers of a value
    that varies over axes. The value is the median; each side of it is half a (log)normal.
    """

    range: tuple[Number, Number] | None = None
    factor: tuple[Number, Number] | None = None


def unused(value: Any = 0) -> Assumed:
    """The value of an assumption that nothing in a scenario makes use of, or a neutral one."""
    return Assumed(value=value, source=OFF)


Z95 = 1.6448536269514722  # the 95 % point of a standard normal


def drawn(given: Assumed, z: np.ndarray, term: Term | None = None) -> np.ndarray:
    """What standard normal draws make of an assumption: values for `range`, multipliers for `factor`.

    Shape of `z` in and out. A draw of 0 gives the median; ±1.645 gives the two ends. Values beyond the bounds of its
    `term` stand at the bound: a share is at most 1, and nobody joins because it costs more.

    >>> source = Source(status="assumption")
    >>> drawn(Assumed(value=0.06, range=(0.02, 0.09), source=source), np.array([-Z95, 0, Z95])).round(3)
    array([0.02, 0.06, 0.09])
    >>> drawn(Assumed(value=0.9, range=(0.5, 1.0), source=source), np.array([3.0]), Term(None, "share", 0, 1, None))
    array([1.])
    >>> drawn(Assumed(value=3, factor=(0.5, 2.0), source=source), np.array([-Z95, 0, Z95])).round(3)
    array([0.5, 1. , 2. ])
    """
    if given.factor:
        low, high = np.log(given.factor)
        return np.exp(np.where(z < 0, -low, high) * z / Z95)
    if given.range:
        low, high = given.range
        found = given.value + np.where(z < 0, given.value - low, high - given.value) * z / Z95
        return found if term is None else np.clip(found, term.low, term.high)
    return np.full_like(z, given.value, dtype=float)


class People(Section):
    """参保人群."""

    residents: Annotated[Assumed, Term(
        words("应参保人数（首年）", "Residents entitled to join, first year"), "persons", 0, 2_000_000_000,
        words("首年应参加本制度的居民人数。", "People who may join the scheme in the first year."),
        axes=("group", "status"), step=1000, certain=True)]
    population_growth: Annotated[Assumed, Term(
        words("迁移等年增长率", "Growth by migration and other causes"), "per_year", -0.2, 0.2,
        words("年龄结构推算以外的年增长率，如迁移、城镇化。",
              "Yearly growth beside what ageing does: migration, towns growing."), axes=("group",), certain=True)]
    enrolment_level: Annotated[Assumed, Term(
        words("参保规模倍数", "Size of the scheme beside the file"), "number", 0.01, 100,
        words("应参保人数是所列数的多少倍；1 即所列数。首年也是预测时，其区间表示首年规模未知。",
              "Residents as a multiple of the number stated; 1 is that number. Its interval says how far the first "
              "year's size is itself a forecast."))] = unused(1)
    enrolment_trend: Annotated[Assumed, Term(
        words("参保规模年变动", "Drift of enrolment"), "per_year", -0.3, 1.0,
        words("各人群应参保人数另外的年变动，如制度合并、转入职工医保；各组相同。",
              "Yearly growth of all groups for other reasons: schemes that merge, moves to the employee scheme."))
        ] = unused()
    take_up: Annotated[Assumed, Term(
        words("参保率", "Take-up"), "share", 0.01, 0.999,
        words("按基准缴费标准，应参保居民中参保的比例。",
              "Share of entitled residents insured at the baseline contribution."),
        axes=("group", "status"), certain=True)]
    contribution_elasticity: Annotated[Assumed, Term(
        words("参保对缴费的弹性", "Elasticity of enrolment to the contribution"), "number", -3, 0,
        words("个人缴费提高 1% 时参保人数变化的百分比；免缴人群不受影响。",
              "Per cent change of enrolment when the contribution rises by 1%; none where nothing is paid."))]
    new_share: Annotated[Assumed, Term(
        words("新参保与续保占比", "Joiners and returners"), "share", 0, 1,
        words("当年参保人中新参保或断保后续保的比例。", "Share of the insured who join or return in a year."),
        certain=True)]
    returner_share: Annotated[Assumed, Term(
        words("断保后续保占比", "Returners after a lapse"), "share", 0, 1,
        words("当年参保人中断保一年后续保、须补缴欠费的比例。",
              "Share of the insured who return after a missed year and owe its arrears."), certain=True)]
    city_school_share: Annotated[Assumed, Term(
        words("非县属学校学生占比", "Pupils of schools not funded by a county"), "share", 0, 1,
        words("各人群中补助另按非县属学校规则分担的比例。",
              "Share of each group whose subsidy follows the rule for such schools."),
        axes=("group",), certain=True)]
    frail_share: Annotated[Assumed, Term(
        words("体弱人群占比", "Frail people"), "share", 0, 0.9,
        words("居民中长期患病、住院风险较高者的比例。",
              "Share of residents in poor health, with a higher risk of a stay."), certain=True)] = unused()
    frail_risk: Annotated[Assumed, Term(
        words("体弱人群相对风险", "Relative risk of the frail"), "number", 1, 20,
        words("体弱者住院率是其他人的多少倍。", "How many times as often the frail are admitted."),
        certain=True)] = unused(1)
    selection: Annotated[Assumed, Term(
        words("逆向选择强度", "Adverse selection"), "log_odds", 0, 5,
        words("体弱者比其他人更愿参保的程度（有病参保、无病退保），对数几率。",
              "How much more readily the frail join, in log odds: join when sick, leave when well."))] = unused()
    frail_price: Annotated[Assumed, Term(
        words("体弱人群缴费反应", "Response of the frail to the contribution"), "number", 0, 1,
        words("体弱者对缴费的反应是其他人的多少倍。",
              "How strongly the frail respond to the contribution, beside others."), certain=True)] = unused(1)
    generosity_effect: Annotated[Assumed, Term(
        words("待遇对参保的影响", "Enrolment and benefits"), "number", 0, 5,
        words("住院个人净价格每下降 1（由全部自付到全免）时参保对数几率的提高。",
              "Rise of the log odds of joining when the net price of a stay falls from all to nothing."))] = unused()
    awareness_effect: Annotated[Assumed, Term(
        words("知晓对参保的影响", "Enrolment and awareness"), "log_odds", 0, 5,
        words("知晓率由 0 升到 1 时参保对数几率的提高。",
              "Rise of the log odds of joining when awareness goes from nobody to everybody."))] = unused()
    loyalty_effect: Annotated[Assumed, Term(
        words("连续参保奖励的影响", "Enrolment and the bonus for staying"), "number", 0, 100,
        words("每年奖励提高 1（100 个百分点）时非体弱者参保对数几率的提高。",
              "Rise of the log odds of joining among the healthy for a bonus of 1 (100 points) a year."))] = unused()
    waiting_effect: Annotated[Assumed, Term(
        words("等待期对逆向选择的影响", "Waiting and selection"), "number", 0, 0.5,
        words("等待期每月使逆向选择减弱的比例。",
              "The part of adverse selection that each month of waiting removes."))] = unused()
    duplicate_share: Annotated[Assumed, Term(
        words("重复参保占比", "Double enrolment"), "share", 0, 0.5,
        words("参保人中同时在另一制度参保的比例。",
              "Share of the insured who are enrolled in another scheme too."), certain=True)] = unused(0.02)
    commercial_share: Annotated[Assumed, Term(
        words("商业补充保险购买率", "Buyers of the commercial supplement"), "share", 0, 1,
        words("参保人中购买商业补充保险的比例。",
              "Share of the insured who buy a commercial supplement."), certain=True)] = unused(0.2)
    fertility: Annotated[Assumed, Term(
        words("生育水平与公布中值之差", "Fertility from its published median"), "deviations", -5, 5,
        words("生育率在公布的概率区间中的位置，以标准差计：0 为公布的中值，±1.28 为公布的 80% 区间两端，"
              "±1.645 为 5% 和 95% 两端。",
              "Where fertility lies in its published interval, in standard deviations: 0 is the published median, "
              "±1.28 are the ends of the published 80% interval, ±1.645 the 5% and 95% ends."))] = unused()


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
              "Size of the negative binomial: the smaller, the more stays fall on few people."), certain=True)]
    chronic_share: Annotated[Assumed, Term(
        words("门诊特殊病种患病率", "Special-disease patients"), "share", 0, 1,
        words("经认定享受门诊特殊病种待遇的人占参保人的比例。",
              "Share of the insured certified for special-disease outpatient care."),
        axes=("group",))]
    tier_mix: Annotated[Assumed, Term(
        words("住院机构构成", "Mix of provider tiers"), "share", 0, 1,
        words("住院人次在各级机构间的分布，合计为 1。", "How stays spread over tiers; adds up to 1."), axes=("group",
                                                                                                             "tier"),
        certain=True)]
    expense: Annotated[Assumed, Term(
        words("次均住院费用（首年）", "Expense a stay, first year"), "yuan_stay", 1, 10_000_000,
        words("各级机构每次住院的平均医疗总费用。",
              "Mean total expense of a stay at each tier."), axes=("tier",), step=100)]
    expense_log_sd: Annotated[Assumed, Term(
        words("住院费用对数标准差", "Log standard deviation of a stay"), "number", 0, 2,
        words("每次住院费用（对数正态）的离散程度。", "Spread of the lognormal expense of a stay."), axes=("tier",),
        certain=True)]
    tail_share: Annotated[Assumed, Term(
        words("高费用住院占比", "Share of dear stays"), "share", 0.001, 0.5,
        words("各级机构费用最高的这部分住院，其费用比对数正态更分散。",
              "The dearest part of each tier's stays, whose expense spreads wider than a lognormal."),
        certain=True)] = unused(0.1)
    tail_spread: Annotated[Assumed, Term(
        words("高费用住院的离散倍数", "Spread of dear stays"), "number", 1, 3,
        words("高费用部分的对数标准差是其余住院的多少倍；1 即对数正态。",
              "The log standard deviation among dear stays beside that of all others; 1 is a lognormal."),
        certain=True)] = unused(1)
    chronic_growth: Annotated[Assumed, Term(
        words("特殊病种患病率年增长", "Growth of special-disease patients"), "per_year", -0.3, 1.0,
        words("特殊病种患者占参保人比例的年增长率，含认定扩大。",
              "Yearly growth of the share of certified patients, wider certification included."))] = unused()
    chronic_expense: Annotated[Assumed, Term(
        words("特殊病种年门诊费用（首年）", "Special-disease expense a year, first year"),
        "yuan_person_year", 1, 10_000_000,
        words("每名特殊病种患者每年门诊费用。",
              "Mean outpatient expense of a special-disease patient a year."), step=100, certain=True)]
    chronic_log_sd: Annotated[Assumed, Term(
        words("特殊病种费用对数标准差", "Log standard deviation of special-disease expense"), "number", 0, 2,
        words("特殊病种年费用的离散程度。", "Spread of the lognormal yearly expense."), certain=True)]
    class_a_share: Annotated[Assumed, Term(
        words("甲类费用占比", "Class A share of expense"), "share", 0, 1,
        words("医疗总费用中目录甲类项目的比例，全部进入政策范围。",
              "Part of the expense on class A items, all of it in policy."), axes=("kind", "tier"), certain=True)]
    class_c_share: Annotated[Assumed, Term(
        words("目录外费用占比", "Expense outside the catalogues"), "share", 0, 1,
        words("医疗总费用中目录外（丙类）项目的比例，由个人承担；其余为乙类。",
              "Part of the expense outside the catalogues, borne by the patient; the rest is class B."),
        axes=("kind", "tier"), certain=True)]
    essential_share: Annotated[Assumed, Term(
        words("基本药物费用占比", "Essential medicines' share"), "share", 0, 1,
        words("住院政策范围内费用中基本药物的比例。", "Essential medicines as a part of a stay's in-policy expense."),
        axes=("tier",), certain=True)] = unused()
    referral_share: Annotated[Assumed, Term(
        words("转诊住院占比", "Stays that continue another by referral"), "share", 0, 1,
        words("年内再次住院中由上一次住院转诊而来的比例。",
              "Share of a year's further stays that follow the one before by referral."), certain=True)] = unused()
    outpatient_users: Annotated[Assumed, Term(
        words("普通门诊就诊人口占比", "People with ordinary outpatient care"), "share", 0, 1,
        words("一年内使用普通门诊统筹的参保人比例。", "Share of the insured who use pooled outpatient care in a year."),
        axes=("group",))] = unused()
    outpatient_visits: Annotated[Assumed, Term(
        words("就诊者年门诊次数（首年）", "Visits a user, first year"), "visits", 1, 100,
        words("使用者一年的普通门诊次数。", "Ordinary outpatient visits a user a year."), axes=("group",))] = unused(1)
    outpatient_growth: Annotated[Assumed, Term(
        words("门诊次数年增长", "Growth of visits"), "per_year", -0.3, 0.5,
        words("普通门诊次数的年增长率。", "Yearly growth of ordinary outpatient visits."))] = unused()
    outpatient_expense: Annotated[Assumed, Term(
        words("次均门诊费用（首年）", "Expense a visit, first year"), "yuan_visit", 1, 100_000,
        words("各级机构每次普通门诊的费用。", "Expense of an ordinary outpatient visit at each tier."),
        axes=("tier",), step=5)] = unused(50)
    consultation_fee: Annotated[Assumed, Term(
        words("一般诊疗费", "Consultation fee"), "yuan_visit", 0, 500,
        words("基层机构每次门诊的一般诊疗费，已含在次均费用内。",
              "The fee of a consultation at a primary institution, a part of the expense of a visit."),
        certain=True)] = unused(10)
    outpatient_log_sd: Annotated[Assumed, Term(
        words("年门诊费用对数标准差", "Log standard deviation of yearly outpatient expense"), "number", 0, 2,
        words("使用者年门诊费用（对数正态）的离散程度。",
              "Spread of a user's lognormal yearly outpatient expense."), certain=True)] = unused(1)
    outpatient_mix: Annotated[Assumed, Term(
        words("门诊机构构成", "Mix of tiers of outpatient care"), "share", 0, 1,
        words("普通门诊使用者在各级机构间的分布，合计为 1。",
              "How users of outpatient care spread over tiers; adds up to 1."),
        axes=("group", "tier"), certain=True)] = unused()
    cost_growth: Annotated[Assumed, Term(
        words("次均费用年增长", "Growth of unit cost"), "per_year", -0.3, 0.5,
        words("次均费用的年增长率。", "Yearly growth of the expense of a stay."))]


class Behaviour(Section):
    """行为反应 to prices, contracts and organisation; nothing responds unless a scenario says so."""

    inpatient_elasticity: Annotated[Assumed, Term(
        words("住院需求价格弹性", "Price elasticity of stays"), "number", -3, 0,
        words("住院个人净价格提高 1% 时住院次数变化的百分比。",
              "Per cent change of stays when their net price to the patient rises by 1%."))] = unused()
    outpatient_elasticity: Annotated[Assumed, Term(
        words("门诊需求价格弹性", "Price elasticity of visits"), "number", -3, 0,
        words("门诊个人净价格提高 1% 时门诊次数变化的百分比。",
              "Per cent change of visits when their net price to the patient rises by 1%."))] = unused()
    tier_sensitivity: Annotated[Assumed, Term(
        words("机构选择的价格敏感度", "Sensitivity of tier choice to price"), "number", 0, 5,
        words("某级机构个人净价格的对数每提高 1，选择它的对数几率下降多少。",
              "Fall of the log odds of choosing a tier when the log of its net price rises by 1."))] = unused()
    contract_pull: Annotated[Assumed, Term(
        words("签约对基层就诊的影响", "Contracts and primary care"), "log_odds", 0, 5,
        words("签约居民选择基层机构的对数几率提高多少。",
              "How much contracts raise the log odds of choosing a primary institution."))] = unused()
    contract_visits: Annotated[Assumed, Term(
        words("签约对门诊次数的影响", "Contracts and visits"), "number", -0.5, 1,
        words("签约居民门诊次数的相对变化。", "Relative change of the visits of contracted residents."))] = unused()
    refill_share: Annotated[Assumed, Term(
        words("配药复诊占比", "Visits for a repeat prescription"), "share", 0, 1,
        words("签约居民门诊中慢性病配药复诊的比例。",
              "Share of contracted residents' visits that only renew a prescription."), certain=True)] = unused(0.2)
    gatekeeping: Annotated[Assumed, Term(
        words("首诊转诊制度的影响", "Effect of gatekeeping"), "log_odds", 0, 5,
        words("完全执行基层首诊转诊时，选择基层机构的对数几率提高多少。",
              "How much full gatekeeping raises the log odds of primary care."))] = unused()
    capability_pull: Annotated[Assumed, Term(
        words("县域能力的影响", "Effect of capability"), "log_odds", 0, 5,
        words("县域能力由 0 提升到 1 时，留在县域内就医的对数几率提高多少。",
              "How much a rise of capability from 0 to 1 raises the log odds of staying in the county."))] = unused()
    capability_visits: Annotated[Assumed, Term(
        words("县域能力对门诊次数的影响", "Effect of capability on visits"), "number", -0.5, 1,
        words("县域能力由 0 提升到 1 时，普通门诊次数的相对变化。",
              "Relative change of outpatient visits when capability rises from 0 to 1."))] = unused()
    special_fund_pull: Annotated[Assumed, Term(
        words("基层专项经费的影响", "Effect of the special fund"), "number", 0, 5,
        words("基层专项经费的对数每提高 1，选择基层机构的对数几率提高多少。",
              "Rise of the log odds of primary care when the log of the special fund rises by 1."))] = unused()


class Providers(Section):
    """医疗机构: how they respond to payment and supervision."""

    cost_response: Annotated[Assumed, Term(
        words("支付方式的费用反应", "Cost response to payment"), "number", -0.5, 0.5,
        words("完全按某种方式付费时，次均费用的相对变化。",
              "Relative change of the expense of a bill when all is paid in this way."), axes=("method",))] = unused()
    volume_response: Annotated[Assumed, Term(
        words("支付方式的服务量反应", "Volume response to payment"), "number", -0.5, 0.5,
        words("完全按某种方式付费时，服务次数的相对变化。",
              "Relative change of the number of stays when all is paid in this way."), axes=("method",),
        certain=True)] = unused()
    cost_share: Annotated[Assumed, Term(
        words("医疗机构成本占收费比例", "Providers' cost as a part of charges"), "share", 0.1, 2,
        words("医疗机构成本占医疗收费的比例，用于计算结余。",
              "What care costs providers, as a part of what it is charged; gives their margin."),
        certain=True)] = unused(0.95)
    quality_met: Annotated[Assumed, Term(
        words("达到质量标准的基层机构占比", "Primary institutions that meet the quality standard"), "share", 0, 1,
        words("达到质量标准、适用支付系数的基层机构比例。", "They receive the payment coefficient."))] = unused(0.6)
    noncompliant: Annotated[Assumed, Term(
        words("不合规费用占比", "Non-compliant cost"), "share", 0, 0.9,
        words("各级机构费用中不合规或不合理部分的平均比例。",
              "Mean share of non-compliant or unreasonable cost at each tier."), axes=("tier",))] = unused()
    noncompliant_spread: Annotated[Assumed, Term(
        words("机构间不合规差异", "Spread of non-compliance between providers"), "number", 0.001, 0.5,
        words("机构之间不合规占比的标准差。", "Standard deviation of that share between providers."),
        certain=True)] = unused(0.04)
    providers: Annotated[Assumed, Term(
        words("定点医疗机构数", "Designated providers"), "number", 1, 100_000,
        words("各级定点医疗机构的数量。",
              "How many designated providers there are at each tier."), axes=("tier",), certain=True)] = unused(10)
    elsewhere: Annotated[Assumed, Term(
        words("停协议后转往其他级别的比例", "Patients who change tier after a suspension"), "share", 0, 1,
        words("被暂停机构的患者中改去其他级别机构的比例，其余在同级机构就医。",
              "Share of a suspended provider's patients who go to another tier; others keep to theirs."))] = unused(0.5)
    problem_start: Annotated[Assumed, Term(
        words("审核前问题单据占比", "Claims with a problem before review"), "share", 0, 1,
        words("智能审核开始时，有问题单据占报销金额的比例。",
              "Claims with a problem as a part of the reimbursed amount when the review begins."))] = unused()
    problem_end: Annotated[Assumed, Term(
        words("审核后问题单据占比", "Claims with a problem after learning"), "share", 0, 1,
        words("医疗机构适应后，有问题单据占报销金额的比例。", "The same once providers have learnt."))] = unused()
    deducted_start: Annotated[Assumed, Term(
        words("审核前直接扣款占比", "Directly deducted before learning"), "share", 0, 1,
        words("智能审核开始时，应直接扣款部分占报销金额的比例。",
              "What must be deducted as a part of the reimbursed amount when the review begins."))] = unused()
    deducted_end: Annotated[Assumed, Term(
        words("审核后直接扣款占比", "Directly deducted after learning"), "share", 0, 1,
        words("医疗机构适应后，应直接扣款部分占报销金额的比例。", "The same once providers have learnt."))] = unused()
    learning_months: Annotated[Assumed, Term(
        words("学习期", "Time of learning"), "months", 0.1, 60,
        words("审核后差距缩小到约三分之一所需的月数。",
              "Months in which the gap shrinks to about a third."))] = unused(2)
    problem_saving: Annotated[Assumed, Term(
        words("问题单据减少的节约比例", "Saving from a problem avoided"), "share", 0, 1,
        words("避免一元问题单据实际节约的基金支出。",
              "What the fund saves for each yuan of problem claims avoided."))] = unused(0.05)


class Services(Section):
    """服务标准: what the standards ask for and no fund account shows (digest P5)."""

    satisfaction: Annotated[Assumed, Term(
        words("居民满意度", "Satisfaction"), "share", 0, 1, words("首年满意度。", "In the first year."))] = unused(0.85)
    chronic_managed: Annotated[Assumed, Term(
        words("慢性病规范管理率", "Standard management of chronic disease"), "share", 0, 1,
        words("首年规范管理率。", "In the first year."))] = unused(0.6)
    rational_drugs: Annotated[Assumed, Term(
        words("合理用药率",
              "Rational drug use"), "share", 0, 1, words("首年合理用药率。", "In the first year."))] = unused(0.85)
    adverse_events: Annotated[Assumed, Term(
        words("不良事件率",
              "Adverse events"), "share", 0, 1, words("首年不良事件率。", "In the first year."))] = unused(0.0012)
    general_practitioners: Annotated[Assumed, Term(
        words("全科医生", "General practitioners"), "per_10000", 0, 100,
        words("首年每万人全科医生数。", "Per 10,000 people in the first year."))] = unused(3)
    nurses: Annotated[Assumed, Term(
        words("基层护士", "Nurses in primary care"), "per_10000", 0, 200,
        words("首年每万人护士数。", "Per 10,000 people in the first year."))] = unused(4)
    minutes_town: Annotated[Assumed, Term(
        words("城镇就医可及时间", "Reach in towns"), "minutes", 0, 600,
        words("首年到达最近基层机构的时间。",
              "Time to the nearest primary institution in the first year."))] = unused(15)
    minutes_village: Annotated[Assumed, Term(
        words("农村就医可及时间", "Reach in villages"), "minutes", 0, 600,
        words("首年到达最近基层机构的时间。",
              "Time to the nearest primary institution in the first year."))] = unused(30)
    list_overlap: Annotated[Assumed, Term(
        words("基本药物与医保目录重合率", "Overlap of medicine and insurance lists"), "share", 0, 1,
        words("首年重合率。", "In the first year."))] = unused(0.78)
    facility_use: Annotated[Assumed, Term(
        words("基层设施利用率", "Use of primary facilities"), "share", 0, 1,
        words("首年利用率。", "In the first year."))] = unused(0.4)
    improvement: Annotated[Assumed, Term(
        words("每年改进幅度", "Yearly improvement"), "number", -0.5, 0.5,
        words("各项服务指标每年向标准方向的相对改进，一个专项经费增长百分点再加一个百分点。",
              "Relative yearly improvement of each indicator; growth of the special fund adds to it."))] = unused()


class Areas(Section):
    """县区: how the counties of a city differ; 1 is the city's average."""

    people: Annotated[Assumed, Term(
        words("县区人口份数", "Parts of the city's people"), "weight", 0.001, 1e9,
        words("各县应参保居民占全市的份数。",
              "Each county's part of the city's residents."), axes=("area",), certain=True)] = unused(1)
    admissions: Annotated[Assumed, Term(
        words("县区住院率倍数", "Admissions beside the city's"), "number", 0.1, 10,
        words("各县住院率是全市的多少倍。",
              "Each county's admission rate as a multiple of the city's."), axes=("area",), certain=True)] = unused(1)
    expense: Annotated[Assumed, Term(
        words("县区费用倍数", "Expense beside the city's"), "number", 0.1, 10,
        words("各县次均费用是全市的多少倍。",
              "Each county's unit cost as a multiple of the city's."), axes=("area",), certain=True)] = unused(1)
    opening: Annotated[Assumed, Term(
        words("县区期初结余份数", "Parts of the opening balance"), "weight", 0, 1e9,
        words("各县期初累计结余占全市的份数。",
              "Each county's part of the opening balance."), axes=("area",), certain=True)] = unused(1)
    correlation: Annotated[Assumed, Term(
        words("县区冲击相关系数", "Correlation of shocks between counties"), "share", 0, 1,
        words("同一年两个县的费用、住院和参保冲击之间的相关系数。",
              "Correlation of a year's shocks to cost, admissions and enrolment between two counties."),
        certain=True)] = unused(1)


class Account(Section):
    """基金账户与居民收入."""

    opening_balance: Annotated[Assumed, Term(
        words("期初累计结余", "Opening balance"), "yuan", -1e13, 1e13,
        words("首年年初的累计结余。", "Cumulative balance at the start of the first year."), step=100000)]
    interest_rate: Annotated[Assumed, Term(
        words("结余利率", "Interest on the balance"), "per_year", -0.05, 0.3,
        words("年初累计结余为正时的利率。", "Paid on the opening balance while it is positive."), certain=True)]
    other_income: Annotated[Assumed, Term(
        words("其他收入", "Other income"), "yuan_year", 0, 1e12,
        words("捐赠等其他收入。", "Donations and other income."), step=100000, certain=True)]
    income_per_head: Annotated[Assumed, Term(
        words("人均可支配收入（首年）", "Disposable income a head, first year"), "yuan_person_year", 1, 1e7,
        words("用于衡量灾难性卫生支出。", "The yardstick of catastrophic spending."), step=100, certain=True)]
    income_growth: Annotated[Assumed, Term(
        words("居民收入年增长", "Growth of income"), "per_year", -0.3, 0.5,
        words("人均可支配收入的年增长率。", "Yearly growth of disposable income a head."), certain=True)]
    catastrophic_fraction: Annotated[Assumed, Term(
        words("灾难性支出界限", "Bound of catastrophic spending"), "share", 0.01, 5,
        words("个人负担超过人均可支配收入的这一比例即为灾难性支出。",
              "Out-of-pocket spending beyond this part of income a head counts as catastrophic."), certain=True)]
    funding_level: Annotated[Assumed, Term(
        words("筹资水平倍数", "Funding beside the rule book"), "number", 0.01, 100,
        words("个人缴费和补助是规则书所写的多少倍；1 即所写。首年也是预测时，其区间表示首年筹资未知。",
              "Contribution and subsidy as a multiple of the rule book's; 1 is the rule book. Its interval says how "
              "the first year's funding is itself a forecast."))] = unused(1)
    funding_trend: Annotated[Assumed, Term(
        words("筹资标准年变动", "Drift of funding"), "per_year", -0.3, 0.6,
        words("规则书所写之外，个人缴费和补助标准每年的变动；今后的筹资决定尚不可知。",
              "Yearly growth of contribution and subsidy beyond what the rule book says: later decisions are unknown."))
        ] = unused()
    family_opening: Annotated[Assumed, Term(
        words("家庭账户期初余额", "Opening balance of family accounts"), "yuan_person_year", 0, 10_000,
        words("首年年初每名参保人家庭账户的余额。",
              "What lies in family accounts for each insured person at the start."))] = unused()
    family_leakage: Annotated[Assumed, Term(
        words("家庭账户流失比例", "Leakage of family accounts"), "share", 0, 1,
        words("家庭账户支出中购买非医疗用品、套现等流失的比例。",
              "Part of what leaves family accounts that buys no medicine, or is cashed."))] = unused(0.1)
    family_stranded: Annotated[Assumed, Term(
        words("家庭账户沉淀比例", "Stranded balances"), "share", 0, 1,
        words("每年因迁移等沉淀、不再使用的家庭账户余额比例。",
              "Part of the balances that is stranded each year as people move away."))] = unused(0.03)


class Shocks(Section):
    """系统性冲击: what moves a whole year at once, beside the trend."""

    cost_sd: Annotated[Assumed, Term(
        words("费用冲击标准差", "Cost shock"), "number", 0, 1,
        words("次均费用每年新增偏离的对数标准差。",
              "Log standard deviation of what each year adds to the departure of unit cost from trend."), certain=True)]
    cost_persistence: Annotated[Assumed, Term(
        words("费用冲击持续性", "Persistence of the cost shock"), "number", 0, 0.99,
        words("上一年的偏离有多少留到下一年，即 AR(1) 系数。",
              "How much of a departure stays in the next year: the AR(1) coefficient."), certain=True)]
    cost_start: Annotated[Assumed, Term(
        words("首年费用高于趋势的部分", "Cost above trend in the first year"), "number", -1, 1,
        words("首年次均费用与长期趋势的对数差；以后各年按持续性逐步消退。",
              "How far, in logs, the first year's unit cost stands above its trend; it fades with the persistence."))
        ] = unused()
    admission_sd: Annotated[Assumed, Term(
        words("就医冲击标准差", "Shock to the use of care"), "number", 0, 1,
        words("住院率和门诊次数每年新增偏离的对数标准差。",
              "Log standard deviation of what each year adds to the departure of stays and visits from trend."),
        certain=True)]
    admission_persistence: Annotated[Assumed, Term(
        words("就医冲击持续性", "Persistence of the shock to use"), "number", 0, 0.99,
        words("上一年就医偏离有多少留到下一年。", "How much of a departure of use stays in the next year."),
        certain=True)] = unused()
    admission_start: Annotated[Assumed, Term(
        words("首年就医高于趋势的部分", "Use of care above trend in the first year"), "number", -1, 1,
        words("首年住院率和门诊次数与长期趋势的对数差；以后逐步消退。",
              "How far, in logs, the first year's stays and visits stand above their trend; it fades."))] = unused()
    funding_sd: Annotated[Assumed, Term(
        words("筹资冲击标准差", "Shock to funding"), "number", 0, 1,
        words("人均筹资每年新增偏离的对数标准差。",
              "Log standard deviation of what each year adds to the departure of income a head from the standards."),
        certain=True)] = unused()
    funding_persistence: Annotated[Assumed, Term(
        words("筹资冲击持续性", "Persistence of the shock to funding"), "number", 0, 0.99,
        words("上一年筹资偏离有多少留到下一年。", "How much of a departure of funding stays in the next year."),
        certain=True)] = unused()
    funding_start: Annotated[Assumed, Term(
        words("首年筹资高于趋势的部分", "Funding above trend in the first year"), "number", -1, 1,
        words("首年人均筹资与长期趋势的对数差；以后逐步消退。",
              "How far, in logs, the first year's income a head stands above its trend; it fades."))] = unused()
    enrolment_sd: Annotated[Assumed, Term(
        words("参保冲击标准差", "Enrolment shock"), "number", 0, 2,
        words("参保率（logit）每年随机游走的标准差。",
              "Standard deviation of the yearly step of take-up on the logit scale."), certain=True)]
    people_sd: Annotated[Assumed, Term(
        words("参保规模冲击标准差", "Shock to the number entitled"), "number", 0, 2,
        words("应参保人数每年随机游走的对数标准差，如制度合并、转出；与参保冲击同向。",
              "Log standard deviation of the yearly step of the number entitled, as schemes merge or people move; it "
              "goes with the enrolment shock."), certain=True)] = unused()
    cost_with_funding: Annotated[Assumed, Term(
        words("费用随筹资的程度", "Cost going with funding"), "share", 0, 0.99,
        words("费用冲击与筹资冲击的相关系数：以收定支，筹资多的年份支出也多。",
              "Correlation of the shocks to cost and to funding: revenue decides spending, so years of more money are "
              "years of more spending."), certain=True)] = unused()
    cost_with_use: Annotated[Assumed, Term(
        words("费用随就医的程度", "Cost going with use"), "share", -0.99, 0.99,
        words("费用冲击与就医冲击的相关系数：住院少的年份，每次费用较高，为负。",
              "Correlation of the shocks to cost and to use: years of fewer stays are years of dearer ones: negative."),
        certain=True)] = unused()
    freedom: Annotated[Assumed, Term(
        words("冲击的自由度", "Degrees of freedom of the shocks"), "number", 2.1, 1000,
        words("各年冲击服从 t 分布的自由度：越小，大起大落的年份越多；1000 即正态。",
              "Of the t distribution of yearly shocks: the smaller, the more years of great change; 1000 is a normal."),
        certain=True)] = unused(1000)


class Correlation(Record):
    """How two uncertain assumptions move together."""

    between: tuple[str, str]
    value: Annotated[float, Field(ge=-0.99, le=0.99, strict=True)]
    source: Source


class Assumptions(Record):
    """All assumptions of a scenario."""

    people: People
    utilisation: Utilisation
    behaviour: Behaviour = Behaviour()
    providers: Providers = Providers()
    services: Services = Services()
    areas: Areas = Areas()
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
