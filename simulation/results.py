"""A run: every quantity of the account in every draw, year and area, with units, names and a manifest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import xarray as xr

from simulation import __version__
from simulation.records import Spending
from simulation.scenario import Scenario
from simulation.steps.fund import ratio
from simulation.terms import Words, words

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
    "balance_ratio": (words("累计结余率", "Cumulative surplus over the year's income"), "share"),
    "reserve_months": (words("可支付月数", "Months of payment in reserve"), "months"),
    "in_policy_ratio": (words("政策范围内报销比例", "In-policy reimbursement ratio"), "share"),
    "effective_ratio": (words("实际报销比例", "Effective reimbursement ratio"), "share"),
    "primary_share": (words("基层基金支出占比", "Primary care's share of inpatient spending"), "share"),
    "out_of_pocket": (words("个人负担总额", "Out-of-pocket spending"), "yuan_year"),
    "catastrophic": (words("灾难性支出人口占比", "Insured with catastrophic spending"), "share"),
}
EVENTS: dict[str, Words] = {
    "p_surplus_over": words("当年结余率超限的概率", "Chance that the year's surplus is over its line"),
    "p_balance_over": words("累计结余率超限的概率", "Chance that the cumulative surplus is over its line"),
    "p_deficit": words("当年赤字的概率", "Chance of a deficit in the year"),
    "p_insolvent": words("累计结余为负的概率", "Chance that the balance is below zero"),
}


@dataclass(frozen=True)
class Result:
    """A run's numbers and all that is needed to make them again.

    `data` holds variables over (draw, year, area), some with tier, group or level, in yuan, persons or
    fractions as each variable's `unit` says. `manifest` is plain data.
    """

    scenario: Scenario
    data: xr.Dataset
    manifest: dict

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the manifest and of every quantity's mean and spread to eight figures."""
        figures = {name: [f"{value:.8g}" for value in np.concatenate([
            self.data[name].mean("draw").values.ravel(), self.data[name].std("draw").values.ravel()])]
            for name in QUANTITIES}
        text = json.dumps([self.manifest, figures], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def pack(scenario: Scenario, draws: int, seed: int, engine: str, insured, individual_income, subsidy_by_level,
         income, expenditure, surplus, balance, opening, spending: Spending, surplus_line, balance_line) -> Result:
    """The account of a run as a `Result`; arrays are (d, t) in yuan but for those `records` names."""
    axes = scenario.axes.members()
    primary = [axes["tier"].index(tier) for tier in scenario.axes.primary]
    people = insured.sum(axis=(2, 3))
    covered = spending.basic + spending.critical
    flat = {
        "enrolled": people,
        "income": income,
        "individual_income": individual_income,
        "subsidy_income": subsidy_by_level.sum(axis=2),
        "expenditure": expenditure,
        "surplus": surplus,
        "balance_end": balance,
        "surplus_ratio": ratio(surplus, income),
        "balance_ratio": ratio(balance, income),
        "reserve_months": 12 * ratio(balance, expenditure),
        "in_policy_ratio": ratio(covered, spending.eligible),
        "effective_ratio": ratio(covered, spending.expense),
        "primary_share": ratio(spending.by_tier[:, :, primary].sum(axis=2), spending.by_tier.sum(axis=2)),
        "out_of_pocket": spending.out_of_pocket,
        "catastrophic": ratio(spending.catastrophic, people),
    }
    extra = {name: getattr(spending, name) for name in ("expense", "eligible", "critical", "assistance", "chronic",
                                                        "stays")}
    over = ("draw", "year", "area")
    variables = {name: (over, value[:, :, None]) for name, value in (flat | extra).items()}
    for name, (title, unit) in QUANTITIES.items():
        variables[name] += ({"unit": unit, "title_zh": title.zh, "title_en": title.en},)
    variables["opening"] = (("draw", "area"), np.broadcast_to(opening, draws)[:, None])
    variables["basic_by_tier"] = ((*over, "tier"), spending.by_tier[:, :, None])
    variables["insured_by_group"] = ((*over, "group"), insured.sum(axis=3)[:, :, None])
    variables["subsidy_by_level"] = ((*over, "level"), subsidy_by_level[:, :, None])
    variables["surplus_line"] = (("year",), surplus_line)
    variables["balance_line"] = (("year",), balance_line)
    data = xr.Dataset(variables, coords={
        "draw": np.arange(draws), "year": list(scenario.horizon()), "area": [scenario.name],
        "tier": list(axes["tier"]), "group": list(axes["group"]), "level": list(axes["level"])})
    text = scenario.text()
    return Result(scenario, data, {
        "scenario": scenario.name, "scenario_hash": hashlib.sha256(text.encode()).hexdigest(), "scenario_text": text,
        "seed": seed, "draws": draws, "engine": engine, "model": __version__,
        **LIBRARIES})
