"""Levers: what an authority decides. Every policy parameter is declared here and only here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import ConfigDict

from simulation.terms import Record, Source, Term, words


class Given(Record):
    """A value as a scenario states it, with its provenance beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    value: Any
    source: Source


class Section(Record):
    """A group of parameters; each field carries its `Term`."""

    @classmethod
    def terms(cls) -> dict[str, Term]:
        """The declared terms of this section by field name."""
        return {name: next(m for m in field.metadata if isinstance(m, Term))
                for name, field in cls.model_fields.items()}


class Financing(Section):
    """筹资: what is paid in for each insured person, and by whom."""

    contribution: Annotated[Given, Term(
        words("个人缴费标准", "Individual contribution"), "yuan_person_year", 0, 5000,
        words("参保人每人每年自己缴纳的金额。", "What an insured person pays for a year of cover."),
        axes=("group", "status"), acts={"individual_income": 1}, step=5)]
    subsidy: Annotated[Given, Term(
        words("财政补助标准", "Fiscal subsidy"), "yuan_person_year", 0, 5000,
        words("各级财政为每名参保人每年补助的金额。", "What government pays for each insured person a year."),
        axes=("group", "status"), acts={"subsidy_income": 1}, step=5)]
    subsidy_weights: Annotated[Given, Term(
        words("财政补助分担份数", "Subsidy shares by level of government"), "weight", 0, 100,
        words("各级财政按份数分担补助，例如 60:40。",
              "Levels of government share the subsidy by parts, such as 60 : 40."),
        axes=("level",), acts={"subsidy_by_level": 1}, step=5)]
    city_school_weights: Annotated[Given, Term(
        words("非县属学校学生补助分担份数", "Subsidy shares for pupils of schools not funded by a county"),
        "weight", 0, 100,
        words("非县（区）属学校学生的补助由谁承担。", "Who bears the subsidy of pupils whose school no county funds."),
        axes=("level",), acts={"subsidy_by_level": 1}, step=5)]
    premium: Annotated[Given, Term(
        words("由基金支付的大额保险保费", "Large-amount premium paid by the fund"), "yuan_person_year", 0, 500,
        words("基金每年为每名参保人向大额或大病保险支付的保费。",
              "What the fund pays the large-amount layer for each insured person a year."),
        acts={"expenditure": 1}, step=1)]


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
        words("基金一年内为一人支付的最高金额。", "The most the fund pays for one person in a year."),
        acts={"expenditure": 1}, step=1000, optional=True)]
    referral_credit: Annotated[Given, Term(
        words("转诊起付标准抵扣", "Deductible credit on referral"), "share", 0, 1,
        words("转诊后抵扣前一次住院起付标准的比例：1 为上转只补差额、下转不再收。",
              "Part of the earlier stay's deductible credited after referral: 1 charges only the difference "
              "upwards and nothing downwards."),
        acts={"expenditure": 1}, step=0.1)]
    critical_base: Annotated[Given, Term(
        words("大额/大病保险的赔付基础", "What the large-amount layer counts"), "choice", 0, 0,
        words("above_ceiling:限额以上的政策范围内费用;out_of_pocket:年内累计的政策范围内个人负担。",
              "above_ceiling: in-policy expense beyond the ceiling; out_of_pocket: the year's in-policy "
              "amount left to the patient."),
        choices=("above_ceiling", "out_of_pocket"))]
    critical_deductible: Annotated[Given, Term(
        words("大额/大病保险起付线", "Deductible of the large-amount layer"), "yuan_person_year", 0, 1_000_000,
        words("赔付基础的年累计超过此数才赔付。", "The layer pays once its yearly base passes this."),
        acts={"critical": -1}, step=500)]
    critical_rate: Annotated[Given, Term(
        words("大额/大病保险支付比例", "Rate of the large-amount layer"), "rate", 0, 1,
        words("大额或大病保险支付的比例；可按费用分段。", "The part this layer pays; may go by bands."),
        axes=("band",), acts={"critical": 1}, step=0.01)]
    critical_ceiling: Annotated[Given, Term(
        words("大额/大病保险年度限额", "Yearly ceiling of the large-amount layer"), "yuan_person_year", 0, 10_000_000,
        words("大额或大病保险一年内为一人支付的最高金额。", "The most this layer pays for one person in a year."),
        acts={"critical": 1}, step=1000, optional=True)]
    assistance_rate: Annotated[Given, Term(
        words("医疗救助比例", "Rate of medical assistance"), "rate", 0, 1,
        words("对基本医保和大额保险之后政策范围内个人负担的救助比例。",
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


class Policy(Record):
    """All levers of one scenario in one year."""

    financing: Financing
    enrolment: Enrolment
    benefits: Benefits
    lines: Lines


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
