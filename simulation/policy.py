"""Levers: what an authority decides. Every policy parameter is declared here and only here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from simulation.programmes import Care, Contracts, Payment, Pooling, Responses, Supervision
from simulation.terms import Given, Record, Section, Term, off, words


class Financing(Section):
    """筹资: what is paid in for each insured person, and by whom."""

    contribution: Annotated[Given, Term(
        words("个人缴费标准", "Individual contribution"), "yuan_person_year", 0, 5000,
        words("参保人每人每年自己缴纳的金额。", "What an insured person pays for a year of cover."),
        axes=("group", "status"), acts={"individual_income": 1}, step=5)]
    contribution_step: Annotated[Given, Term(
        words("个人缴费每年提高额", "Yearly rise of the contribution"), "yuan_person_year", 0, 200,
        words("个人缴费标准自设定之年的下一年起每年提高多少；免缴的人不提高。",
              "How much the contribution rises each year after it was set; who pays nothing still pays nothing."),
        acts={"individual_income": 1}, step=5)] = off()
    paid_for: Annotated[Given, Term(
        words("资助参保比例", "Contribution paid by medical assistance"), "share", 0, 1,
        words("各身份比同一人群最高个人缴费标准少缴的部分，由医疗救助资助、计入基金收入的比例；随个人缴费标准变动。",
              "Of what each status is spared of its group's highest contribution, the part medical assistance pays in; "
              "it follows the contribution."),
        axes=("status",), acts={"assisted_income": 1}, step=0.05, where="statuses")] = off()
    subsidy: Annotated[Given, Term(
        words("财政补助标准", "Fiscal subsidy"), "yuan_person_year", 0, 5000,
        words("各级财政为每名参保人每年补助的金额。", "What government pays for each insured person a year."),
        axes=("group", "status"), acts={"subsidy_income": 1}, step=5)]
    subsidy_step: Annotated[Given, Term(
        words("财政补助每年提高额", "Yearly rise of the subsidy"), "yuan_person_year", 0, 200,
        words("财政补助标准自设定之年的下一年起每年提高多少。",
              "How much the subsidy rises each year after it was set."),
        acts={"subsidy_income": 1}, step=5)] = off()
    subsidy_weights: Annotated[Given, Term(
        words("财政补助分担份数", "Subsidy shares by level of government"), "weight", 0, 100,
        words("各级财政按份数分担补助，例如 60:40。",
              "Levels of government share the subsidy by parts, such as 60 : 40."),
        axes=("level",), acts={"subsidy_by_level": 1}, step=5)]
    city_school_weights: Annotated[Given, Term(
        words("非县属学校学生补助分担份数", "Subsidy shares for pupils of schools not funded by a county"),
        "weight", 0, 100,
        words("非县（区）属学校学生的补助由谁承担。", "Who bears the subsidy of pupils whose school no county funds."),
        axes=("level",), acts={"subsidy_by_level": 1}, step=5, where="city_schools")]
    premium: Annotated[Given, Term(
        words("由基金支付的大病保险保费", "Critical-illness premium paid by the fund"), "yuan_person_year", 0, 500,
        words("基金每年为每名参保人向大病保险支付的保费。",
              "What the fund pays the critical-illness layer for each insured person a year."),
        acts={"expenditure": 1}, step=1)]
    subsidy_late: Annotated[Given, Term(
        words("补助迟到比例", "Subsidy paid a year late"), "share", 0, 1,
        words("各级财政应补助金额中推迟到下一年才到位的比例。",
              "The part of the subsidy due that arrives only in the next year."),
        axes=("level",), acts={"subsidy_income": -1}, step=0.05)] = off()
    subsidy_missing: Annotated[Given, Term(
        words("补助缺口比例", "Subsidy never paid"), "share", 0, 1,
        words("各级财政应补助金额中始终没有到位的比例。", "The part of the subsidy due that never arrives."),
        axes=("level",), acts={"subsidy_income": -1}, step=0.05)] = off()
    account: Annotated[Given, Term(
        words("划入家庭账户金额", "Paid into family accounts"), "yuan_person_year", 0, 500,
        words("每名参保人每年从筹资中划入家庭（个人）账户的金额，不进入统筹基金。",
              "What is set aside of each insured person's funding in a family account, outside the pooled fund."),
        acts={"income": -1, "account_in": 1}, step=5)] = off()


class Enrolment(Section):
    """参保: who is covered, from when, and what a lapse costs."""

    waiting_months: Annotated[Given, Term(
        words("待遇等待期", "Waiting period"), "months", 0, 12,
        words("新参保和断保后续保的人缴费后等待多久才享受待遇。",
              "How long joiners and returners wait for benefits after paying."),
        axes=("group",), acts={"expenditure": -1}, step=1)]
    arrears_share: Annotated[Given, Term(
        words("断保补缴比例", "Arrears to be made good"), "share", 0, 1,
        words("断保后续保的人须补缴欠费（个人缴费加财政补助）的比例，补缴无补助。",
              "The part of the missed contribution and subsidy a returner must pay, with no subsidy."),
        acts={"individual_income": 1}, step=0.05)]
    awareness: Annotated[Given, Term(
        words("政策知晓率", "Awareness of the policy"), "share", 0, 1,
        words("了解参保和报销政策的居民比例；知晓的人更多参保。",
              "Share of residents who know the rules of joining and reimbursement; more of them join."),
        acts={"enrolled": 1}, step=0.05)] = off()
    deduplication: Annotated[Given, Term(
        words("重复参保清理", "Removal of double enrolment"), "share", 0, 1,
        words("在两个制度同时参保的人中被查出并清退的比例。",
              "Share of people enrolled in two schemes who are found and removed."),
        acts={"enrolled": -1, "subsidy_income": -1}, step=0.05)] = off()


class Benefits(Section):
    """待遇: what is paid for a bill, from the deductible to the last layer."""

    deductible: Annotated[Given, Term(
        words("起付标准", "Deductible"), "yuan_stay", 0, 20000,
        words("每次住院先由个人承担的金额；门诊特殊病种按年计算。",
              "What the patient bears first for each stay; for special-disease outpatient care, once a year."),
        axes=("kind", "tier"), acts={"expenditure": -1}, step=50)]
    deductible_step: Annotated[Given, Term(
        words("再次住院起付标准降低额", "Fall of the deductible for each further stay"), "yuan_stay", 0, 5000,
        words("年内每多住院一次，起付标准降低多少。",
              "How much the deductible falls with each further stay in the year."),
        axes=("tier",), acts={"expenditure": 1}, step=50)]
    deductible_floor: Annotated[Given, Term(
        words("起付标准下限", "Floor of the deductible"), "yuan_stay", 0, 5000,
        words("起付标准降到此为止。", "The falling deductible stops here."),
        acts={"expenditure": -1}, step=50)]
    rate: Annotated[Given, Term(
        words("支付比例", "Reimbursement rate"), "rate", 0, 1,
        words("起付标准以上、最高支付限额以下，政策范围内费用由基金支付的比例；可按费用分段。",
              "The part of in-policy expense the fund pays between deductible and ceiling; may go by bands."),
        axes=("kind", "group", "tier", "band"), acts={"expenditure": 1}, step=0.01)]
    contribution_bonus: Annotated[Given, Term(
        words("连续缴费年限奖励", "Bonus for a year of continuous contribution"), "rate", 0, 0.1,
        words("每连续缴费满一年，支付比例提高多少。",
              "How much the rate rises with each full year of continuous contribution."),
        acts={"expenditure": 1}, step=0.005)]
    rate_limit: Annotated[Given, Term(
        words("奖励后支付比例上限", "Limit of the rate with the bonus"), "rate", 0, 1,
        words("连续缴费奖励最多把支付比例提高到此。", "The bonus raises the rate to at most this."),
        acts={"expenditure": 1}, step=0.01)]
    ceiling: Annotated[Given, Term(
        words("年度最高支付限额", "Yearly ceiling"), "yuan_person_year", 0, 10_000_000,
        words("基金一年内为一人支付的最高金额；普通门诊另有限额。",
              "The most the fund pays for one person in a year; ordinary outpatient care has its own."),
        acts={"expenditure": 1}, step=1000, optional=True)]
    ceiling_multiple: Annotated[Given, Term(
        words("限额按人均收入的倍数", "Ceiling as a multiple of income"), "number", 0, 20,
        words("限额不低于人均可支配收入（农民人均纯收入）的多少倍；与上一项取高者。",
              "The ceiling is at least so many times the area's income a head; the higher of the two holds."),
        acts={"expenditure": 1}, step=0.5)] = off()
    kind_ceiling: Annotated[Given, Term(
        words("分类年度限额", "Yearly ceiling of a kind of care"), "yuan_person_year", 0, 10_000_000,
        words("某一类医疗（如普通门诊统筹）一年内为一人支付的最高金额。",
              "The most the fund pays for one person in a year for one kind of care, such as the outpatient pool."),
        axes=("kind",), acts={"expenditure": 1}, step=50, optional=True)] = off(None)
    essential_rate: Annotated[Given, Term(
        words("基本药物支付比例", "Rate of essential medicines"), "rate", 0, 1,
        words("各级机构基本药物费用的支付比例，高于一般比例时适用。",
              "The rate for essential medicines at each tier, where it is above the general one."),
        axes=("tier",), acts={"expenditure": 1}, step=0.01)] = off()
    class_b_first_pay: Annotated[Given, Term(
        words("乙类先行自付比例", "First payment of class B"), "rate", 0, 1,
        words("乙类项目先由个人支付的比例，其余进入政策范围。",
              "The part of class B items the patient bears first; the rest counts as in policy."),
        acts={"expenditure": -1}, step=0.01)] = off()
    consultation_paid: Annotated[Given, Term(
        words("一般诊疗费支付额", "Consultation fee paid by the fund"), "yuan_visit", 0, 50,
        words("基层机构每次门诊由基金支付的一般诊疗费。",
              "What the fund pays of the consultation fee for each visit to a primary institution."),
        acts={"expenditure": 1}, step=1, where="outpatient")] = off()
    referral_credit: Annotated[Given, Term(
        words("转诊起付标准抵扣", "Deductible credit on referral"), "share", 0, 1,
        words("转诊后抵扣前一次住院起付标准的比例：1 为上转只补差额、下转不再收。",
              "Part of the earlier stay's deductible credited after referral: 1 charges only the difference "
              "upwards and nothing downwards."),
        acts={"expenditure": 1}, step=0.1)]
    critical_base: Annotated[Given, Term(
        words("大病保险的赔付基础", "What the critical-illness layer counts"), "choice", 0, 0,
        words("above_ceiling:限额以上的政策范围内费用(早年称大额补充保险);out_of_pocket:年内累计的政策范围内个人负担。",
              "above_ceiling: in-policy expense beyond the ceiling (large-amount insurance, as it was called early "
              "on); out_of_pocket: the year's in-policy amount left to the patient."),
        choices=("above_ceiling", "out_of_pocket"))]
    critical_deductible: Annotated[Given, Term(
        words("大病保险起付线", "Deductible of the critical-illness layer"), "yuan_person_year", 0, 1_000_000,
        words("赔付基础的年累计超过此数才赔付。", "The layer pays once its yearly base passes this."),
        acts={"critical": -1}, step=500)]
    critical_rate: Annotated[Given, Term(
        words("大病保险支付比例", "Rate of the critical-illness layer"), "rate", 0, 1,
        words("大病保险支付的比例；可按费用分段。", "The part this layer pays; may go by bands."),
        axes=("band",), acts={"critical": 1}, step=0.01)]
    critical_ceiling: Annotated[Given, Term(
        words("大病保险年度限额", "Yearly ceiling of the critical-illness layer"), "yuan_person_year", 0, 10_000_000,
        words("大病保险一年内为一人支付的最高金额。", "The most this layer pays for one person in a year."),
        acts={"critical": 1}, step=1000, optional=True)]
    assistance_rate: Annotated[Given, Term(
        words("医疗救助比例", "Rate of medical assistance"), "rate", 0, 1,
        words("对基本医保和大病保险之后政策范围内个人负担的救助比例。",
              "The part medical assistance pays of the in-policy amount left after insurance."),
        axes=("status",), acts={"assistance": 1}, step=0.01)]
    assistance_deductible: Annotated[Given, Term(
        words("医疗救助起付线", "Deductible of medical assistance"), "yuan_person_year", 0, 1_000_000,
        words("年内累计个人负担超过此数才救助。", "Assistance starts once the yearly amount left passes this."),
        acts={"assistance": -1}, step=100)]
    assistance_ceiling: Annotated[Given, Term(
        words("医疗救助年度限额", "Yearly ceiling of medical assistance"), "yuan_person_year", 0, 10_000_000,
        words("医疗救助一年内为一人支付的最高金额。", "The most medical assistance pays for one person in a year."),
        acts={"assistance": 1}, step=1000, optional=True)]
    commercial_rate: Annotated[Given, Term(
        words("商业补充保险比例", "Rate of the commercial supplement"), "rate", 0, 1,
        words("惠民保等商业补充保险对各级机构剩余政策范围内个人负担的再次报销比例。",
              "What a commercial supplement pays again of the in-policy amount left, at each tier."),
        axes=("tier",), acts={"commercial": 1}, step=0.05)] = off()
    commercial_deductible: Annotated[Given, Term(
        words("商业补充保险起付线", "Deductible of the commercial supplement"), "yuan_person_year", 0, 1_000_000,
        words("年内剩余个人负担累计超过此数才赔付。", "It pays once the yearly amount left passes this."),
        acts={"commercial": -1}, step=500, needs={"benefits.commercial_rate": 0.5})] = off()
    commercial_ceiling: Annotated[Given, Term(
        words("商业补充保险年度限额", "Yearly ceiling of the commercial supplement"), "yuan_person_year", 0, 10_000_000,
        words("商业补充保险一年内为一人支付的最高金额。", "The most the supplement pays for one person in a year."),
        acts={"commercial": 1}, step=1000, optional=True, needs={"benefits.commercial_rate": 0.5})] = off(None)


class Lines(Section):
    """警戒线: upper limits on hoarding; a deficit is the opposite failure."""

    surplus_ratio: Annotated[Given, Term(
        words("当年结余率上限", "Limit on the current-year surplus"), "share", 0, 1,
        words("当年结余占当年统筹基金收入的比例不应超过此线。",
              "The year's surplus should not exceed this part of the year's pooled fund."),
        acts={"p_surplus_over": -1}, step=0.01)]
    balance_ratio: Annotated[Given, Term(
        words("累计结余率上限", "Limit on the cumulative surplus"), "share", 0, 5,
        words("累计结余占当年统筹基金收入的比例不应超过此线。",
              "The cumulative surplus should not exceed this part of the year's pooled fund."),
        acts={"p_balance_over": -1}, step=0.01)]
    reserve_months: Annotated[Given, Term(
        words("可支付月数预警线", "Warning line of months in reserve"), "months", 0, 60,
        words("累计结余可支付月数低于此线时预警。",
              "A warning is given when the balance pays for fewer months than this."),
        acts={"p_warning": 1}, step=1)] = off(3)
    deficit_subsidy: Annotated[Given, Term(
        words("赤字后财政补足比例", "Deficit made good by government"), "share", 0, 1,
        words("出现当期赤字后，下一年由财政补足的比例。",
              "The part of a year's deficit that government makes good in the next year."),
        acts={"subsidy_income": 1}, step=0.05)] = off()
    deficit_contribution: Annotated[Given, Term(
        words("赤字后个人缴费提高", "Rise of the contribution after a deficit"), "share", 0, 1,
        words("每出现一个赤字年，下一年起个人缴费提高的比例；有人因此退保。",
              "By how much the contribution rises from the next year on, for each deficit year; some leave for it."),
        acts={"individual_income": 1}, step=0.05)] = off()
    deficit_cut: Annotated[Given, Term(
        words("赤字后支付比例下调", "Cut of the rates after a deficit"), "rate", 0, 0.5,
        words("赤字年的下一年，支付比例下调多少（只一年）。",
              "By how much all rates fall in the year after a deficit, for that year."),
        acts={"expenditure": -1}, step=0.01)] = off()


class Policy(Record):
    """All levers of one scenario in one year."""

    financing: Financing
    enrolment: Enrolment
    benefits: Benefits
    contracts: Contracts = Contracts()
    care: Care = Care()
    payment: Payment = Payment()
    supervision: Supervision = Supervision()
    pooling: Pooling = Pooling()
    lines: Lines
    responses: Responses = Responses()


SECTIONS: dict[str, type[Section]] = {
    name: field.annotation for name, field in Policy.model_fields.items()}


def policy_terms() -> Iterator[tuple[str, str, Term]]:
    """Section, field name and term of every lever, in the order of the regulation.

    >>> next(iter(policy_terms()))[:2]
    ('financing', 'contribution')
    """
    for section, model in SECTIONS.items():
        for name, term in model.terms().items():
            yield section, name, term
