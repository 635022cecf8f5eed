"""One person's year of bills, settled line by line with the clause of each step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from simulation.loading import load_scenario
from simulation.reading import build, read_text, read_yaml
from simulation.records import Rules
from simulation.rules import compile_rules
from simulation.scenario import Scenario, check_year, clause
from simulation.steps.benefits import (
    AMOUNTS,
    ASSISTANCE,
    BASIC,
    COMMERCIAL,
    CRITICAL,
    DEDUCTIBLE,
    UNCAPPED,
    consultations,
    settle_year,
)
from simulation.terms import BadInput, Fault, Record, Source, Words, refuse, short, words
from simulation.trees import nearest

Yuan = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False, strict=True)]
PARTS = ("deductible", "rate", "basic", "critical", "assistance", "commercial", "out_of_pocket", "ineligible")


class Person(Record):
    """Who was ill."""

    group: str
    status: str = "ordinary"
    area: str | None = None  # the county, where counties have rules of their own; else the city's rules hold
    contribution_years: Annotated[int, Field(ge=0, le=100, strict=True)] = 0
    contracted: Annotated[bool, Field(strict=True)] = False  # with a family doctor
    commercial: Annotated[bool, Field(strict=True)] = False  # has bought the commercial supplement


class Bill(Record):
    """One settlement, in yuan; without `eligible` the scenario's catalogue share applies."""

    kind: str
    tier: str
    expense: Yuan
    eligible: Yuan | None = None
    referred_from: str | None = None
    visits: Annotated[int, Field(ge=0, le=1000, strict=True)] | None = None  # consultations; one for outpatient care


class Bills(Record):
    """A person's bills of one calendar year, in time order."""

    person: Person
    bills: Annotated[tuple[Bill, ...], Field(max_length=1000)]


def read_bills(scenario: Scenario, path: Path) -> Bills:
    """Bills from a YAML or JSON file, checked against the scenario; raises `BadInput`."""
    data = read_yaml(read_text(path), path.name)
    if not isinstance(data, Mapping):
        raise refuse(path.name, words("内容不是结算单", "these are not bills"), words("请写 person 和 bills",
                                                                                      "give person and bills"))
    return build(Bills, data, path.name, lambda bills, place: check_bills(scenario, bills, place))


def check_bills(scenario: Scenario, bills: Bills, place: str) -> list[Fault]:
    """Faults of names and amounts that only the scenario can tell."""
    axes = scenario.axes.members()
    faults = []

    def known(axis: str, name: str, where: str) -> None:
        if name not in axes[axis]:
            near = nearest(name, axes[axis])
            faults.append(Fault(f"{place}: {where}", words(f"没有“{short(name)}”", f"there is no '{short(name)}'"),
                                words(f"是否为：{near}", f"did you mean {near}")))

    known("group", bills.person.group, "person.group")
    known("status", bills.person.status, "person.status")
    if bills.person.area is not None and axes["area"]:
        known("area", bills.person.area, "person.area")
    elif bills.person.area is not None:
        faults.append(Fault(f"{place}: person.area", words("本情景不分县区", "the scenario has no counties"),
                            words("请不填", "leave it out")))
    for n, bill in enumerate(bills.bills):
        known("kind", bill.kind, f"bills.{n}.kind")
        known("tier", bill.tier, f"bills.{n}.tier")
        if bill.referred_from is not None:
            known("tier", bill.referred_from, f"bills.{n}.referred_from")
        if bill.eligible is not None and bill.eligible > bill.expense:
            faults.append(Fault(f"{place}: bills.{n}.eligible", words("政策范围内费用大于总费用",
                                                                      "is more than the expense"),
                                words("请改到不超过总费用", "make it at most the expense")))
    return faults


def settle(scenario: Scenario | str, bills: Bills | Mapping, year: int | None = None) -> dict[str, Any]:
    """A person's year settled by a scenario's rules: `{"bills": [...], "year": {...}}`, yuan and rates.

    Bills are settled in the order given, under the rules of `year` (the first year if not said). Each bill
    lists its `steps` with the clause applied. Raises `BadInput` for names the scenario does not know.

    >>> bills = {"person": {"group": "adult"}, "bills": [
    ...     {"kind": "inpatient", "tier": "level_1", "expense": 3000.0, "eligible": 2200.0}]}
    >>> settle("benxi_2008", bills)["year"]["basic"]
    1200.0
    """
    scenario = load_scenario(scenario) if not isinstance(scenario, Scenario) else scenario
    bills = bills if isinstance(bills, Bills) else build(
        Bills, bills, "bills", lambda found, place: check_bills(scenario, found, place))
    year = scenario.first_year if year is None else year
    check_year(scenario, year, f"year={year}")
    policy = scenario.policies(bills.person.area)[year - scenario.first_year]
    rules = compile_rules(scenario, policy, year)
    axes = scenario.axes.members()
    catalogue = scenario.eligible(policy)
    kind = [axes["kind"].index(bill.kind) for bill in bills.bills]
    tier = [axes["tier"].index(bill.tier) for bill in bills.bills]
    expense = [bill.expense for bill in bills.bills]
    eligible = [bill.expense * float(catalogue[i, k]) if bill.eligible is None else bill.eligible
                for bill, i, k in zip(bills.bills, kind, tier, strict=True)]
    group, status = axes["group"].index(bills.person.group), axes["status"].index(bills.person.status)
    cell = group + bills.person.contracted * len(axes["group"])  # contracted residents follow all groups
    if not bills.person.commercial:
        rules = rules._replace(has_commercial=False)
    out = np.zeros((len(kind), AMOUNTS))
    settle_year(rules, cell, status, float(bills.person.contribution_years), kind, tier, continued(bills.bills),
                [float(visits_of(bill)) for bill in bills.bills], eligible, np.zeros(len(axes["kind"])),
                np.zeros(len(axes["kind"])), out)
    rows = [bill_row(out[j], expense[j], eligible[j]) for j in range(len(kind))]
    for j, row in enumerate(rows):
        row["steps"] = steps(scenario, year, rules, bills, out, eligible, kind, tier, j)
    total = bill_row(out.sum(axis=0), sum(expense), sum(eligible))
    return {"year": total, "bills": rows, "rules_of": year}


def visits_of(bill: Bill) -> int:
    """How many consultations a bill counts: only ordinary outpatient care has any, one unless it says more.

    >>> visits_of(Bill(kind="outpatient", tier="village", expense=20.0))
    1
    """
    return 0 if bill.kind != "outpatient" else 1 if bill.visits is None else bill.visits


def continued(bills: tuple[Bill, ...]) -> list[float]:
    """1 where a stay follows, by referral, the stay right before it.

    >>> stay = Bill(kind="inpatient", tier="level_2", expense=1.0)
    >>> continued((stay, stay.model_copy(update={"referred_from": "level_2"})))
    [0.0, 1.0]
    """
    before = (None, *bills)
    return [float(earlier is not None and bill.referred_from is not None and bill.kind == earlier.kind == "inpatient"
                  and bill.referred_from == earlier.tier) for earlier, bill in zip(before, bills, strict=False)]


def bill_row(amounts: np.ndarray, expense: float, eligible: float) -> dict[str, Any]:
    """What each part paid of an expense; the parts add up to it."""
    above = eligible - amounts[DEDUCTIBLE]
    paid = {"basic": amounts[BASIC], "critical": amounts[CRITICAL], "assistance": amounts[ASSISTANCE],
            "commercial": amounts[COMMERCIAL]}
    row = {"expense": expense, "eligible": eligible, "deductible": amounts[DEDUCTIBLE],
           "rate": amounts[UNCAPPED] / above if above > 1e-9 else 0.0, **paid,
           "out_of_pocket": expense - sum(paid.values()), "ineligible": expense - eligible}
    return {name: round(float(value), 6) for name, value in row.items()}


def steps(scenario: Scenario, year: int, rules: Rules, bills: Bills, out: np.ndarray, eligible: list[float],
          kind: list[int], tier: list[int], j: int) -> list[dict[str, Any]]:
    """The steps by which one bill was settled: amount in yuan, in words, and the clause applied."""
    person, bill, row = bills.person, bills.bills[j], out[j]
    i, k = kind[j], tier[j]
    applies = {"kind": bill.kind, "tier": bill.tier, "group": person.group, "status": person.status}
    of = lambda name, section="benefits": scenario.source_of(section, name, year, applies, person.area)  # noqa: E731

    def step(amount: float, text: Words, source: Source | None) -> dict[str, Any]:
        return {"amount": round(float(amount), 6), "zh": text.zh, "en": text.en,
                "clause": clause(scenario, source, "zh") if source else "",
                "clause_en": clause(scenario, source, "en") if source else ""}

    found = []
    if bill.eligible is None:
        found.append(step(eligible[j], words("按目录占比估计政策范围内费用",
                                             "in-policy expense by the catalogue share"),
                          scenario.assumptions.utilisation.class_a_share.source))
    if bill.expense > eligible[j]:
        found.append(step(bill.expense - eligible[j], words("目录外费用由个人承担",
                                                            "expense outside the lists falls on the patient"), None))
    group = scenario.axes.members()["group"].index(person.group)
    fee = 0.0
    if rules.has_fee and visits_of(bill):
        seen = sum(visits_of(earlier) for earlier in bills.bills[:j])
        waived = rules.waived[group + person.contracted * len(scenario.axes.group)]
        fee = min(float(consultations(rules.fee[k], rules.fee_price[k], waived, visits_of(bill), seen)), eligible[j])
    if fee > 0:
        found.append(step(fee, words("一般诊疗费由基金支付", "consultation fees paid by the fund"),
                          of("consultation_paid")))
    linked = np.array(continued(bills.bills)) * rules.credit > 0  # by referral to the stay before: one chain
    chains = sum(1 for earlier in range(j) if kind[earlier] == 0 and not linked[earlier])
    if linked[j]:
        found.append(step(row[DEDUCTIBLE], words("转诊抵扣后的起付金额",
                                                 "deductible after the credit for referral"), of("referral_credit")))
    elif i == 0 and chains:
        text = words(f"起付标准（年内第 {chains + 1} 次住院）", f"deductible, stay number {chains + 1} of the year")
        found.append(step(row[DEDUCTIBLE], text, of("deductible_step")))
    else:
        found.append(step(row[DEDUCTIBLE], words("起付标准", "deductible"), of("deductible")))
    by_rate = row[UNCAPPED] - fee
    above = eligible[j] - fee - row[DEDUCTIBLE]
    if above > 0:
        rate = by_rate / above
        found.append(step(by_rate, words(f"按 {100 * rate:.4g}% 支付", f"paid at {100 * rate:.4g}%"), of("rate")))
        if person.contracted and rules.rate[0, i, k, group + len(scenario.axes.group)] > rules.rate[0, i, k, group]:
            found.append(step(by_rate, words("含签约居民提高的比例", "with the higher rate of contracted residents"),
                              of("rate_bonus", "contracts")))
        base = rules.rate[:, i, k, group]
        if person.contribution_years and rules.bonus and ((base > 0) & (base < rules.limit)).any():
            found.append(step(by_rate, words(
                f"含连续缴费 {person.contribution_years} 年的奖励，最高 {100 * rules.limit:.4g}%",
                f"with the bonus for {person.contribution_years} contribution years, "
                f"to at most {100 * rules.limit:.4g}%"),
                of("contribution_bonus")))
    if row[BASIC] < row[UNCAPPED] - 1e-9:
        of_kind = out[:j + 1, BASIC][np.array(kind[:j + 1]) == i].sum()
        own = not rules.counts[i] or of_kind >= rules.kind_ceiling[i] - 1e-6
        found.append(step(row[BASIC], words("达到年度最高支付限额，只付余额", "the yearly ceiling leaves only this"),
                          of("kind_ceiling" if own else "ceiling")))
    if row[CRITICAL] > 0:
        found.append(step(row[CRITICAL], words("大病保险支付",
                                               "paid by the critical-illness layer"), of("critical_rate")))
    if row[ASSISTANCE] > 0:
        found.append(step(row[ASSISTANCE], words("医疗救助支付",
                                                 "paid by medical assistance"), of("assistance_rate")))
    if row[COMMERCIAL] > 0:
        found.append(step(row[COMMERCIAL], words("商业补充保险支付", "paid by the commercial supplement"),
                          of("commercial_rate")))
    paid = row[BASIC] + row[CRITICAL] + row[ASSISTANCE] + row[COMMERCIAL]
    found.append(step(bill.expense - paid, words("个人负担", "left to the patient"), None))
    return found


__all__ = ["BadInput", "Bill", "Bills", "PARTS", "Person", "read_bills", "settle"]
