"""Levers beyond money and benefits: contracts, organisation of care, payment, supervision, pooling, responses.

Each is off by default: a lever that did not exist in a year is off in it (digest P14).
"""

from __future__ import annotations

from typing import Annotated

from simulation.terms import Given, Section, Term, off, words

PAID_BY_BUDGET = {"payment.method": 1}  # a use of every way of payment, so that budgets and standards matter


class Contracts(Section):
    """家庭医生签约 (digest P3, P5)."""

    coverage: Annotated[Given, Term(
        words("签约覆盖率", "Contract coverage"), "share", 0, 1,
        words("参保人中与家庭医生签约的比例。", "Share of the insured who have a contract with a family doctor."),
        axes=("group",), acts={"contracted": 1}, step=0.05)] = off()
    fee: Annotated[Given, Term(
        words("签约服务费", "Contract fee"), "yuan_person_year", 0, 500,
        words("每名签约居民每年的签约服务费，由公共卫生经费、医保基金和个人分担。",
              "The yearly fee of a contract, shared by public-health funds, the insurance fund and the resident."),
        acts={"contract_fee": 1}, step=5, needs={"contracts.coverage": 0.5})] = off()
    fee_weights: Annotated[Given, Term(
        words("签约服务费分担份数", "Shares of the contract fee"), "weight", 0, 100,
        words("签约服务费由三方按份数分担。", "Three payers share the fee by parts."),
        axes=("payer",), acts={"contract_fee_by_payer": 1}, step=5,
        needs={"contracts.coverage": 0.5, "contracts.fee": 50})] = off(
            {"public_health": 1, "fund": 1, "person": 1})
    rate_bonus: Annotated[Given, Term(
        words("签约居民支付比例提高", "Higher rate for contracted residents"), "rate", 0, 0.3,
        words("签约居民在各级机构的支付比例比一般居民提高多少。",
              "By how much the rate is higher for contracted residents at each tier."),
        axes=("tier",), acts={"expenditure": 1}, step=0.01, needs={"contracts.coverage": 0.5})] = off()
    waived_visits: Annotated[Given, Term(
        words("免收一般诊疗费次数", "Consultation fees waived"), "visits", 0, 20,
        words("签约居民每年免收一般诊疗费的次数，由基金承担。",
              "How many consultation fees a contracted resident is spared each year, at the fund's cost."),
        acts={"expenditure": 1}, step=1, where="outpatient", needs={"contracts.coverage": 0.5})] = off()
    prescription_weeks: Annotated[Given, Term(
        words("长期处方周数", "Weeks of a long prescription"), "weeks", 4, 12,
        words("签约慢性病居民一次处方的最长周数；越长，配药复诊越少。",
              "The longest prescription for contracted chronic patients; the longer, the fewer visits."),
        acts={"visits": -1}, step=1, where="outpatient", needs={"contracts.coverage": 0.5})] = off(4)


class Care(Section):
    """服务体系: where people are meant to be treated (digest P3 to P5, P11)."""

    referral_required: Annotated[Given, Term(
        words("基层首诊与转诊要求", "First contact and referral required"), "share", 0, 1,
        words("0 为自由就医，1 为完全按基层首诊、逐级转诊执行。",
              "0 is free choice; 1 is full enforcement of first contact in primary care and referral."),
        acts={"primary_visits": 1}, step=0.1)] = off()
    capability: Annotated[Given, Term(
        words("县域服务能力提升", "Capability of the county"), "share", 0, 1,
        words("县域内机构服务能力的提升程度，1 为紧密型医共体全部建成。",
              "How far the county's own institutions are strengthened; 1 is a complete tight medical community."),
        acts={"in_county_share": 1}, step=0.1, where="away")] = off()
    special_fund: Annotated[Given, Term(
        words("基层服务专项经费", "Special fund for primary care"), "yuan_person_year", 0, 500,
        words("财政每人每年用于基层服务的专项经费，不经过医保基金。",
              "What government spends a head on primary care each year, outside the insurance fund."),
        acts={"special_fund": 1}, step=5)] = off()
    special_fund_growth: Annotated[Given, Term(
        words("基层专项经费年增长", "Growth of the special fund"), "per_year", 0, 0.3,
        words("专项经费每年增长多少。", "How much the special fund grows each year."),
        acts={"special_fund": 1}, step=0.01, needs={"care.special_fund": 50})] = off()


class Payment(Section):
    """支付方式: how providers are paid for what the rules grant patients (digest P2, P4, P5)."""

    method: Annotated[Given, Term(
        words("支付方式份数", "Ways of payment"), "weight", 0, 100,
        words("各类医疗在各级机构按哪种方式付费，按份数混合；患者待遇不受影响。",
              "How each kind of care is paid at each tier, mixed by parts; what patients receive is not touched."),
        axes=("method", "kind", "tier"), acts={"paid_by_method": 1}, step=5)] = off(
            {"fee_for_service": 1, "global_budget": 0, "capitation": 0, "case_payment": 0})
    level: Annotated[Given, Term(
        words("预算与付费标准水平", "Level of budgets and standards"), "number", 0.5, 2,
        words("首年总额预算、人头和病种标准相对于按规则应付金额的倍数。",
              "First-year budgets, capitation and case standards, as a multiple of what the rules would pay."),
        acts={"expenditure": 1}, step=0.01, needs=PAID_BY_BUDGET)] = off(1)
    growth: Annotated[Given, Term(
        words("预算与付费标准年增长", "Growth of budgets and standards"), "per_year", -0.05, 0.3,
        words("总额预算、人头和病种标准每年增长多少。",
              "How much budgets, capitation and case standards grow each year."),
        acts={"expenditure": 1}, step=0.01, needs=PAID_BY_BUDGET)] = off(0.06)
    retention: Annotated[Given, Term(
        words("结余留用比例", "Surplus retained"), "share", 0, 1,
        words("总额预算有结余时，留给医疗机构的比例。", "The part of an unspent budget that providers keep."),
        acts={"expenditure": 1}, step=0.05, needs=PAID_BY_BUDGET)] = off()
    overspend_share: Annotated[Given, Term(
        words("超支基金分担比例", "Overspending borne by the fund"), "share", 0, 1,
        words("超出总额预算的部分由基金分担的比例，其余由医疗机构承担。",
              "The part of spending beyond the budget that the fund bears; providers bear the rest."),
        acts={"expenditure": 1}, step=0.05, needs=PAID_BY_BUDGET)] = off()
    same_payment_share: Annotated[Given, Term(
        words("同病同付病例占比", "Cases with the same payment"), "share", 0, 1,
        words("按病种付费的病例中适合基层、各级同一标准支付的比例。",
              "Share of case-paid stays fit for primary care and paid the same standard at every tier."),
        acts={"expenditure": -1}, step=0.05, needs=PAID_BY_BUDGET)] = off()
    quality_coefficient: Annotated[Given, Term(
        words("基层质量支付系数", "Payment coefficient of quality"), "number", 1, 1.5,
        words("达到质量标准的基层机构，支付金额乘以此系数。",
              "Payments to primary institutions that meet the quality standard are multiplied by this."),
        acts={"expenditure": 1, "primary_share": 1}, step=0.01)] = off(1)


class Supervision(Section):
    """监管: designated providers and review of claims (digest P6, P7)."""

    class_a_minimum: Annotated[Given, Term(
        words("甲类费用占比下限", "Least share of class A"), "share", 0, 1,
        words("各级机构甲类项目占医疗总费用的最低比例。",
              "The least share of class A items in total expense at each tier."),
        axes=("tier",), acts={"eligible": 1}, step=0.05)] = off()
    sample_share: Annotated[Given, Term(
        words("病历抽查机构占比", "Providers sampled"), "share", 0, 1,
        words("每年抽查病历的定点医疗机构占比；不合规费用全额追回。",
              "Share of designated providers whose records are sampled each year; non-compliant cost is recovered."),
        acts={"recovered": 1}, step=0.05)] = off()
    suspension_threshold: Annotated[Given, Term(
        words("暂停协议界限", "Threshold of suspension"), "share", 0, 1,
        words("抽查发现的不合规费用超过此比例即暂停协议；年内再次超过则解除，两年内不得定点。",
              "Above this share of non-compliant cost a provider is suspended; the second time in a year ends its "
              "designation for two years."),
        acts={"suspended": -1}, step=0.01, needs={"supervision.sample_share": 1,
                                                  "supervision.suspension_months": 3})] = off(0.1)
    suspension_months: Annotated[Given, Term(
        words("暂停月数", "Months of suspension"), "months", 0, 6,
        words("每次暂停协议的月数；期间患者到其他机构就医。",
              "Months of each suspension; patients go elsewhere meanwhile."),
        acts={"providers_absent": 1}, step=1, needs={"supervision.sample_share": 1,
                                                     "supervision.suspension_threshold": 0.05})] = off()
    review_coverage: Annotated[Given, Term(
        words("智能审核覆盖率", "Automatic review of claims"), "share", 0, 1,
        words("经智能系统审核的报销金额占比。", "Share of reimbursed amounts that pass an automatic review."),
        acts={"review_saving": 1}, step=0.05)] = off()
    review_cost: Annotated[Given, Term(
        words("智能审核系统费用", "Cost of the review system"), "yuan_year", 0, 1_000_000_000,
        words("系统每年的费用，由财政预算承担，不从基金支出。",
              "What the system costs a year; borne by the budget, not by the fund."),
        acts={"review_cost": 1}, step=10000)] = off()


class Pooling(Section):
    """统筹: how several counties share risk (digest P8)."""

    method: Annotated[Given, Term(
        words("统筹方式", "Way of pooling"), "choice", 0, 0,
        words("separate:各县自负盈亏;adjustment:建立市级风险调剂金;full:全市统收统支。",
              "separate: each county for itself; adjustment: a city adjustment fund; full: one city fund."),
        choices=("separate", "adjustment", "full"), where="areas")] = off("separate")
    unified: Annotated[Given, Term(
        words("全市统一政策", "One set of rules"), "choice", 0, 0,
        words("no:各县执行自己的规则;yes:全市统一筹资、待遇和经办规则。",
              "no: each county keeps its own rules; yes: one policy and one benefit level for the city."),
        choices=("no", "yes"), where="areas")] = off("no")
    adjustment_rate: Annotated[Given, Term(
        words("调剂金上解比例", "Contribution to the adjustment fund"), "share", 0, 0.5,
        words("各县每年按当年基金收入的多少上解市级风险调剂金。",
              "The part of its yearly income each county pays into the city's adjustment fund."),
        acts={"adjustment_paid_in": 1}, step=0.01, where="areas", needs={"pooling.method": "adjustment"})] = off()
    adjustment_cover: Annotated[Given, Term(
        words("调剂金补助比例", "Deficit covered by the adjustment fund"), "share", 0, 1,
        words("县级基金当期赤字中，县自担部分以外由调剂金补助的比例，以调剂金余额为限。",
              "The part of a county's deficit, beyond its own share, that the adjustment fund covers while it lasts."),
        acts={"adjustment_paid_out": 1}, step=0.05, where="areas",
        needs={"pooling.method": "adjustment", "pooling.adjustment_rate": 0.1})] = off()
    adjustment_own: Annotated[Given, Term(
        words("县级自担比例", "County's own share of a deficit"), "share", 0, 1,
        words("当期赤字先由县级承担的比例。", "The part of a deficit the county bears first."),
        acts={"adjustment_paid_out": -1}, step=0.05, where="areas",
        needs={"pooling.method": "adjustment", "pooling.adjustment_rate": 0.1,
               "pooling.adjustment_cover": 0.8})] = off()


class Responses(Section):
    """行为反应: how much of each response the model lets happen; 0 switches it off, 1 is the evidence."""

    enrolment: Annotated[Given, Term(
        words("参保反应", "Response of enrolment"), "number", 0, 1,
        words("参保对缴费、待遇、知晓率的反应和逆向选择；0 为不反应。",
              "Take-up and selection respond to contribution, benefits and awareness; 0 means not at all."),
        step=0.1)] = off(1)
    demand: Annotated[Given, Term(
        words("就医需求反应", "Response of demand"), "number", 0, 1,
        words("住院和门诊次数对个人净价格的反应；0 为不反应。",
              "Stays and visits respond to the net price; 0 means not at all."), step=0.1)] = off(1)
    tier_choice: Annotated[Given, Term(
        words("就医机构选择反应", "Response of tier choice"), "number", 0, 1,
        words("机构选择对净价格、签约、能力和转诊规则的反应；0 为不反应。",
              "Choice of tier responds to net price, contracts, capability and referral rules; 0 means not at all."),
        step=0.1)] = off(1)
    providers: Annotated[Given, Term(
        words("医疗机构反应", "Response of providers"), "number", 0, 1,
        words("医疗机构对支付方式的费用和服务量反应；0 为不反应。",
              "Cost and volume respond to the way of payment; 0 means not at all."), step=0.1)] = off(1)
