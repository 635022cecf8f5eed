"""A run: every quantity of the account in every draw, year and area, with units, names and a manifest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version

import numpy as np
import xarray as xr

from simulation import __version__
from simulation.scenario import Scenario
from simulation.steps.fund import ratio
from simulation.terms import Fault, Words, words

LIBRARIES = {name: version(name) for name in ("numpy", "scipy")}

# name -> (names in both languages, unit): the quantities of `run --json`, in its order.
QUANTITIES: dict[str, tuple[Words, str]] = {
    "enrolled": (words("参保人数", "Insured"), "persons"),
    "income": (words("基金收入", "Fund income"), "yuan_year"),
    "individual_income": (words("个人缴费收入", "Individual contributions"), "yuan_year"),
    "subsidy_income": (words("财政补助收入", "Fiscal subsidies"), "yuan_year"),
    "expenditure": (words("基金支出", "Fund expenditure"), "yuan_year"),
    "surplus": (words("当期结余", "Surplus of the year"), "yuan_year"),
    "balance_end": (words("累计结余", "Cumulative balance"), "yuan"),
    "surplus_ratio": (words("当年结余率", "Current-year surplus rate"), "share"),
    "balance_ratio": (words("累计结余率", "Cumulative surplus rate"), "share"),
    "reserve_months": (words("可支付月数", "Months of payment in reserve"), "months"),
    "in_policy_ratio": (words("政策范围内报销比例", "In-policy reimbursement ratio"), "share"),
    "effective_ratio": (words("实际报销比例", "Effective reimbursement ratio"), "share"),
    "primary_share": (words("基层基金支出占比", "Primary care's share of the fund's spending"), "share"),
    "out_of_pocket": (words("个人负担总额", "Out-of-pocket spending"), "yuan_year"),
    "catastrophic": (words("灾难性支出人口占比", "Insured with catastrophic spending"), "share"),
}
# What else a run holds, the same way.
MORE: dict[str, tuple[Words, str]] = {
    "residents": (words("应参保人数", "Residents entitled to join"), "persons"),
    "take_up": (words("参保率", "Take-up"), "share"),
    "contracted": (words("签约人数", "Residents with a family doctor"), "persons"),
    "special_fund": (words("基层专项经费", "Special fund for primary care"), "yuan_year"),
    "deficit_subsidy": (words("财政弥补赤字", "Deficit made good by government"), "yuan_year"),
    "assisted_income": (words("资助参保收入", "Contributions paid for the poor"), "yuan_year"),
    "other_income": (words("其他收入", "Other income"), "yuan_year"),
    "interest": (words("利息收入", "Interest"), "yuan_year"),
    "opening_balance": (words("年初累计结余", "Balance at the start of the year"), "yuan"),
    "account_in": (words("划入家庭账户", "Paid into family accounts"), "yuan_year"),
    "account_paid": (words("家庭账户支付", "Paid from family accounts"), "yuan_year"),
    "account_leaked": (words("家庭账户流失", "Leaked from family accounts"), "yuan_year"),
    "account_stranded": (words("家庭账户沉淀", "Stranded in family accounts"), "yuan_year"),
    "account_balance": (words("家庭账户余额", "Balance of family accounts"), "yuan"),
    "premium": (words("大病保险保费", "Premium of the critical-illness layer"), "yuan_year"),
    "contract_fee": (words("签约服务费", "Contract fees"), "yuan_year"),
    "expense": (words("医疗总费用", "Total expense"), "yuan_year"),
    "inpatient_expense": (words("住院医疗费用", "Expense of stays"), "yuan_year"),
    "chronic_expense": (words("门诊特殊病种费用", "Expense of special diseases"), "yuan_year"),
    "outpatient_expense": (words("普通门诊费用", "Expense of ordinary outpatient care"), "yuan_year"),
    "waiting_expense": (words("待遇等待期内医疗费用", "Expense in the waiting period"), "yuan_year"),
    "eligible": (words("政策范围内费用", "In-policy expense"), "yuan_year"),
    "inpatient_paid": (words("住院应付", "Owed for stays"), "yuan_year"),
    "chronic": (words("门诊特殊病种应付", "Owed for special diseases"), "yuan_year"),
    "outpatient": (words("普通门诊应付", "Owed for ordinary outpatient care"), "yuan_year"),
    "provider_payment": (words("支付医疗机构", "Paid to providers"), "yuan_year"),
    "critical": (words("大病保险赔付", "Paid by the critical-illness layer"), "yuan_year"),
    "assistance": (words("医疗救助", "Medical assistance"), "yuan_year"),
    "commercial": (words("商业补充保险赔付", "Paid by the commercial supplement"), "yuan_year"),
    "stays": (words("住院人次", "Stays"), "stays"),
    "visits": (words("普通门诊人次", "Outpatient visits"), "visits"),
    "primary_visits": (words("基层就诊率", "Primary share of visits and stays"), "share"),
    "chronic_in_policy_ratio": (words("特殊病种政策范围内报销比例", "In-policy ratio of special diseases"), "share"),
    "in_county_share": (words("县域内基金支出占比", "In-county share of the fund's spending"), "share"),
    "recovered": (words("抽查追回", "Recovered by sampling"), "yuan_year"),
    "suspended": (words("被暂停机构数", "Providers suspended"), "number"),
    "providers_absent": (words("被暂停和解除的机构年数", "Provider-years lost to suspension"), "number"),
    "review_saving": (words("智能审核节约", "Saved by automatic review"), "yuan_year"),
    "review_deducted": (words("智能审核直接扣款", "Deducted by automatic review"), "yuan_year"),
    "review_problem": (words("有问题单据金额", "Claims with a problem"), "yuan_year"),
    "review_cost": (words("智能审核系统费用", "Cost of the review system"), "yuan_year"),
    "transfer": (words("统筹转移（收入为正）", "Transfer in pooling, received positive"), "yuan_year"),
    "adjustment_paid_in": (words("上解调剂金", "Paid into the adjustment fund"), "yuan_year"),
    "adjustment_paid_out": (words("调剂金补助", "Paid by the adjustment fund"), "yuan_year"),
    "adjustment_balance": (words("市级调剂金余额", "Balance of the adjustment fund"), "yuan"),
}
# What a run holds along one more axis.
ALONG: dict[str, tuple[Words, str, str]] = {
    "insured_by_group": (words("参保人数", "Insured"), "persons", "group"),
    "out_of_pocket_by_group": (
        words("个人负担（家庭账户支付前）", "Out-of-pocket spending before family accounts"), "yuan_year", "group"),
    "catastrophic_by_group": (words("灾难性支出人数", "People with catastrophic spending"), "persons", "group"),
    "subsidy_by_level": (words("财政补助", "Subsidy"), "yuan_year", "level"),
    "basic_by_tier": (words("住院应付", "Owed for stays"), "yuan_year", "tier"),
    "stays_by_tier": (words("住院人次", "Stays"), "stays", "tier"),
    "expense_by_tier": (words("住院医疗费用", "Expense of stays"), "yuan_year", "tier"),
    "visits_by_tier": (words("普通门诊人次", "Outpatient visits"), "visits", "tier"),
    "outpatient_by_tier": (words("普通门诊应付", "Owed for ordinary outpatient care"), "yuan_year", "tier"),
    "in_policy_by_tier": (words("住院政策范围内报销比例", "In-policy ratio of stays"), "share", "tier"),
    "effective_by_tier": (words("住院实际报销比例", "Effective ratio of stays"), "share", "tier"),
    "provider_margin": (words("医疗机构结余", "Providers' margin"), "yuan_year", "tier"),
    "paid_by_method": (words("按支付方式的支付", "Paid by way of payment"), "yuan_year", "method"),
    "contract_fee_by_payer": (words("签约服务费", "Contract fees"), "yuan_year", "payer"),
}
EVENTS: dict[str, Words] = {
    "p_surplus_over": words("当年结余率超限的概率", "Chance that the year's surplus is over its line"),
    "p_balance_over": words("累计结余率超限的概率", "Chance that the cumulative surplus is over its line"),
    "p_deficit": words("当年赤字的概率", "Chance of a deficit in the year"),
    "p_insolvent": words("累计结余为负的概率", "Chance that the balance is below zero"),
    "p_warning": words("可支付月数低于预警线的概率", "Chance that months in reserve are below the warning line"),
}


@dataclass(frozen=True)
class Result:
    """A run's numbers and all that is needed to make them again.

    `data` holds variables over (draw, year, area), some with tier, group or level, in yuan, persons or
    fractions as each variable's `unit` says; with several counties the first area is the whole city. `manifest`
    is plain data, and does not tell what was left out or put in by hand: a run with anything `aside` is neither kept
    nor compared.
    """

    scenario: Scenario
    data: xr.Dataset
    manifest: dict
    aside: tuple[str, ...] = ()  # arguments of `simulate` that no manifest holds

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the manifest and of every quantity's mean and spread to eight figures."""
        figures = {name: [f"{value:.8g}" for value in np.concatenate([
            self.data[name].mean("draw").values.ravel(), self.data[name].std("draw").values.ravel()])]
            for name in QUANTITIES}
        text = json.dumps([self.manifest, figures], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def pack(scenario: Scenario, draws: int, seed: int, engine: str, areas: tuple[str | None, ...],
         flows: list[dict[str, np.ndarray]], lines: dict[str, np.ndarray], aside: tuple[str, ...] = ()) -> Result:
    """A run's yearly flows of each county as a `Result`; `lines` (t,)."""
    if len(flows) > 1:
        flows = [whole_city(flows), *flows]
    found = [quantities(scenario, flow) for flow in flows]
    axes = scenario.axes.members()
    frame = empty_data(
        draws, tuple(scenario.horizon()), (scenario.name, *areas) if len(flows) > 1 else (scenario.name,),
        tuple((axis, tuple(axes[axis])) for axis in ("tier", "group", "level", "method", "payer")), tuple(lines))
    data = frame.copy(data={name: side_by_side([flow[name] for flow in found])
                            for name in (*QUANTITIES, *MORE, *ALONG)}
                      | {line_of(name): line for name, line in lines.items()})
    text = scenario.text()
    return Result(scenario, data, {
        "scenario": scenario.name, "scenario_hash": hashlib.sha256(text.encode()).hexdigest(), "scenario_text": text,
        "seed": seed, "draws": draws, "engine": engine, "model": __version__,
        **LIBRARIES}, aside)


def aside_of(result: Result) -> Fault | None:
    """What is wrong with keeping or comparing a run that its manifest does not make again."""
    named = ", ".join(result.aside)
    return Fault(result.scenario.name, words(
        f"运行时另给了 {named}，清单里没有，不能据以重算", f"was run with {named}, which no manifest holds"),
        words("请不带这些参数再运行", "run it without them")) if named else None


@lru_cache(maxsize=8)
def empty_data(draws: int, years: tuple[int, ...], areas: tuple[str, ...],
               axes: tuple[tuple[str, tuple[str, ...]], ...], lines: tuple[str, ...]) -> xr.Dataset:
    """A run's coordinates and variables without their numbers, which take no room; runs of a scenario share them."""
    coords = {"draw": np.arange(draws), "year": list(years), "area": list(areas),
              **{axis: list(members) for axis, members in axes}}
    over = ("draw", "year", "area")
    variables = [(name, over, title, unit) for name, (title, unit) in (QUANTITIES | MORE).items()]
    variables += [(name, (*over, axis), title, unit) for name, (title, unit, axis) in ALONG.items()]
    return xr.Dataset(
        {name: (axes_of, np.broadcast_to(0.0, [len(coords[axis]) for axis in axes_of]),
                {"unit": unit, "title_zh": title.zh, "title_en": title.en}) for name, axes_of, title, unit in variables}
        | {line_of(name): (("year",), np.zeros(len(years))) for name in lines}, coords=coords)


def line_of(quantity: str) -> str:
    """The name of the line that a quantity is held against.

    >>> line_of("surplus_ratio"), line_of("reserve_months")
    ('surplus_line', 'reserve_months_line')
    """
    return f"{quantity.removesuffix('_ratio')}_line"


def side_by_side(parts: list[np.ndarray]) -> np.ndarray:
    """One quantity of every county, (d, t, a, ...); of a single one without a copy.

    >>> side_by_side([np.zeros((2, 3, 4)), np.ones((2, 3, 4))]).shape
    (2, 3, 2, 4)
    """
    return np.stack(parts, axis=2) if len(parts) > 1 else parts[0][:, :, None]


def whole_city(flows: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The counties added up; the adjustment fund's money is the city's too."""
    city = {name: sum(flow[name] for flow in flows) for name in flows[0]}
    held = city["adjustment_balance"]
    before = np.concatenate([np.zeros_like(held[:, :1]), held[:, :-1]], axis=1)
    return city | {"opening_balance": city["opening_balance"] + before, "balance_end": city["balance_end"] + held,
                   "surplus": city["surplus"] + held - before, "transfer": city["transfer"] + held - before}


def quantities(scenario: Scenario, flow: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Everything a run reports of one county or of the city, from flows that add up, (d, t, ...)."""
    primary, away = (scenario.marked(name) for name in ("primary", "away"))
    covered = flow["basic"] + flow["critical"]
    places = np.stack([np.ones(len(primary)), primary, 1 - away])
    at = lambda amounts: np.tensordot(places, amounts.T, 1).swapaxes(1, 2)  # noqa: E731
    spent, spent_on_primary, spent_here = at(flow["paid_for_care"])
    seen, seen_in_primary, _ = at(flow["stays_by_tier"] + flow["visits_by_tier"])
    people, outpatient_expense = flow["enrolled"], flow["outpatient_expense"].sum(axis=2)
    return flow | {
        "subsidy_income": flow["subsidy_by_level"].sum(axis=2) + flow["deficit_subsidy"],
        "surplus_ratio": ratio(flow["surplus"], flow["income"]),
        "balance_ratio": ratio(flow["balance_end"], flow["income"]),
        "reserve_months": 12 * ratio(flow["balance_end"], flow["expenditure"]),
        "in_policy_ratio": ratio(covered, flow["eligible"]),
        "effective_ratio": ratio(covered, flow["expense"]),
        "primary_share": ratio(spent_on_primary, spent),
        "catastrophic": ratio(flow["catastrophic"], people),
        "take_up": ratio(people, flow["residents"]),
        "expense": flow["expense"] + outpatient_expense + flow["waiting_expense"],
        "inpatient_expense": flow["expense_by_tier"].sum(axis=2),
        "outpatient_expense": outpatient_expense,
        "eligible": flow["eligible"] + flow["outpatient_eligible"].sum(axis=2),
        "inpatient_paid": flow["basic"] - flow["chronic"],
        "outpatient": flow["outpatient_paid"].sum(axis=2),
        "visits": flow["visits_by_tier"].sum(axis=2),
        "primary_visits": ratio(seen_in_primary, seen),
        "in_county_share": ratio(spent_here, spent),
        "chronic_in_policy_ratio": ratio(flow["chronic"], flow["chronic_eligible"]),
        "suspended": flow["suspended"].sum(axis=2), "providers_absent": flow["providers_absent"].sum(axis=2),
        "basic_by_tier": flow["paid_by_tier"], "outpatient_by_tier": flow["outpatient_paid"],
        "in_policy_by_tier": ratio(flow["paid_by_tier"], flow["eligible_by_tier"]),
        "effective_by_tier": ratio(flow["paid_by_tier"], flow["claims_by_tier"]),
    }
