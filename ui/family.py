"""The family calculator: persons and bills as typed, checked row by row and settled by the model's one settlement."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go
import yaml

from report.charts import MARGIN, bar, titled, whole
from report.tables import Drawn
from report.text import say
from simulation.household import Bill, Bills, Person, check_bills, settle
from simulation.incidence import paid_in
from simulation.reading import build, decoded, read_yaml
from simulation.scenario import Scenario
from simulation.terms import BadInput, Fault, refuse, words

EXAMPLES = Path(__file__).parent / "families.yaml"
PERSONS, BILLS = 8, 100  # in a family, and in all of them
NAME = 20  # letters of a person's name
FIRST = "generations"  # the family a reader meets
PERSON = {"name": "", "group": None, "status": None, "area": None, "contribution_years": 0, "contracted": False,
          "commercial": False}
BILL = {"person": None, "kind": None, "tier": None, "expense": None, "eligible": None, "referred_from": None,
        "visits": None}
LAYERS = ("basic", "critical", "assistance", "commercial_paid", "own", "ineligible")  # of a bill; they add up to it


class Family(NamedTuple):
    """The persons of a family with their bills, in the order of their rows."""

    names: tuple[str, ...]
    bills: tuple[Bills, ...]
    contribution: tuple[float, ...]  # yuan a year of each, after what is paid for the poor


class Settled(NamedTuple):
    """A family's year under one rule book: as `household.settle` gives it, for each person."""

    family: Family
    years: tuple[dict[str, Any], ...]


# --- ready-made families -------------------------------------------------------------------------------

@lru_cache
def examples() -> Mapping[str, Any]:
    """The ready-made families as their file has them."""
    return read_yaml(EXAMPLES.read_text(encoding="utf-8"), EXAMPLES.name)


def example(name: str, scenario: Scenario, year: int, lang: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A ready-made family as the two tables a reader would have typed, in a scenario's groups, tiers and prices."""
    axes, persons, bills = scenario.axes, [], []
    paid = contributions(scenario, year)
    for number, person in enumerate(examples()[name]["persons"], 1):
        group = group_of(person["age"], scenario)
        of_group = paid.loc[group]
        status = of_group.idxmin() if person.get("aided") else "ordinary"
        persons.append(PERSON | {"name": person["name"][lang], "group": group,
                                 "status": status if status in axes.status else next(iter(axes.status))})
        for bill in person["bills"]:
            if bill["kind"] not in axes.kind:
                continue
            visits = bill.get("visits")
            amount = bill["times"] * (visits or 1) * usual(scenario, bill["kind"], tier_of(bill["tier"], scenario))
            bills.append(BILL | {
                "person": number, "kind": bill["kind"], "tier": tier_of(bill["tier"], scenario),
                "expense": float(max(round(amount / 10) * 10, 10)), "visits": visits,
                "referred_from": tier_of(bill["from"], scenario) if "from" in bill else None})
    return tables(persons, bills)


def tables(persons: list[dict], bills: list[dict]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows as the tables of the editors, with the types a column keeps when it is empty."""
    kinds = {"contribution_years": "Int64", "contracted": bool, "commercial": bool}
    amounts = {"person": "Int64", "expense": float, "eligible": float, "visits": "Int64"}
    return (pd.DataFrame(persons, columns=list(PERSON)).astype(kinds),
            pd.DataFrame(bills, columns=list(BILL)).astype(amounts))


def group_of(age: int, scenario: Scenario) -> str:
    """The group a person of an age falls in; the last where a scenario has no ages."""
    groups = [group for group, (low, high) in scenario.axes.ages.items() if low <= age <= high]
    return groups[0] if groups else list(scenario.axes.group)[-1]


def tier_of(rank: str, scenario: Scenario) -> str:
    """The tier an example means: primary care, the first tier above it, or the next."""
    tiers, primary = list(scenario.axes.tier), scenario.axes.primary
    above = [tier for tier in tiers if tier not in primary]
    if rank == "primary":
        return (primary or tiers)[0]
    return above[min(("hospital", "top").index(rank), len(above) - 1)]


def usual(scenario: Scenario, kind: str, tier: str) -> float:
    """The mean bill a scenario assumes in its first year, in yuan."""
    if kind == "chronic":
        return float(scenario.value("utilisation", "chronic_expense"))
    name = "expense" if kind == "inpatient" else "outpatient_expense"
    return float(scenario.value("utilisation", name, ("tier",))[list(scenario.axes.tier).index(tier)])


def contributions(scenario: Scenario, year: int, area: str | None = None) -> pd.DataFrame:
    """What a person of each group (row) and status (column) pays in a year, yuan; in a county by its own rules."""
    return pd.DataFrame(paid_in(scenario, area, year)[0], index=list(scenario.axes.group),
                        columns=list(scenario.axes.status))


# --- what was typed -------------------------------------------------------------------------------------

def family_of(persons: pd.DataFrame, bills: pd.DataFrame, scenario: Scenario, year: int, lang: str) -> Family:
    """The family that two tables describe; raises `BadInput` with a sentence for every row that cannot be used."""
    faults: list[Fault] = []
    people = [row for row in rows_of(persons) if any(row[name] for name in ("name", "group", "status"))]
    if not people:
        raise refuse(say(lang, "family.persons"), words("还没有家庭成员", "there is nobody yet"),
                     words("请至少填写一人", "enter one person at least"))
    if len(people) > PERSONS:
        raise refuse(say(lang, "family.persons"), words(f"多于 {PERSONS} 人", f"there are more than {PERSONS}"),
                     words(f"请只留 {PERSONS} 人", f"keep {PERSONS}"))
    given = [row for row in rows_of(bills) if any(row[name] is not None for name in BILL)]
    if len(given) > BILLS:
        raise refuse(say(lang, "family.bills"), words(f"多于 {BILLS} 笔", f"there are more than {BILLS}"),
                     words(f"请只留 {BILLS} 笔", f"keep {BILLS}"))
    own, places = bills_of(given, len(people), faults, lang)
    found = []
    for n, row in enumerate(people):
        place = say(lang, "family.person_row", row=n + 1)
        person = {name: value for name, value in row.items() if name != "name" and value is not None}
        for one in record(Person, person, place, faults, lang):
            whole = Bills(person=one, bills=tuple(own[n]))
            faults += [Fault(placed(fault.place, place, places[n], lang), fault.what, fault.remedy)
                       for fault in check_bills(scenario, whole, "")]
            found.append(whole)
    if faults:
        raise BadInput(faults)
    paid = {area: contributions(scenario, year, area) for area in {one.person.area for one in found}}
    return Family(tuple(shown_name(row["name"], n, lang) for n, row in enumerate(people)), tuple(found),
                  tuple(float(paid[one.person.area].loc[one.person.group, one.person.status]) for one in found))


def bills_of(given: list[dict[str, Any]], persons: int, faults: list[Fault],
             lang: str) -> tuple[dict[int, list[Bill]], dict[int, list[str]]]:
    """Each person's bills and the places they stand in; what is wrong with a row is added to `faults`."""
    own: dict[int, list[Bill]] = {n: [] for n in range(persons)}
    places: dict[int, list[str]] = {n: [] for n in own}
    for n, row in enumerate(given, 1):
        place = say(lang, "family.row", row=n)
        missing = [name for name in ("person", "kind", "tier", "expense") if row[name] is None]
        if missing:
            heads = [say(lang, f"family.{name}") for name in missing]
            faults.append(Fault(place, words(f"缺少{'、'.join(heads)}", f"has no {', '.join(heads).lower()}"),
                                words("请补上或删去这一行", "fill it in or remove the row")))
            continue
        if row["person"] - 1 not in own:
            faults.append(Fault(place, words(f"没有第 {row['person']} 人", f"there is no person {row['person']}"),
                                words("请改成员序号", "choose one of the family")))
            continue
        bill = record(Bill, {name: row[name] for name in row if name != "person"}, place, faults, lang)
        own[row["person"] - 1] += bill
        places[row["person"] - 1] += [place] * len(bill)
    return own, places


def placed(path: str, person: str, bills: list[str], lang: str) -> str:
    """The row and column a fault of the model is about, from the path it names.

    >>> placed(": bills.1.eligible", "Person 1", ["Row 3", "Row 4"], "en"), placed(": person.group", "One", [], "en")
    ('Row 4, In policy', 'One, Group')
    """
    found = re.search(r"bills\.(\d+)", path)
    return column(bills[int(found[1])] if found else person, path, lang)


def column(row: str, path: str, lang: str) -> str:
    """A row's name with that of the column in which a path ends."""
    field = re.split(r"[.:] ?", path)[-1]
    return say(lang, "family.cell", row=row, column=say(lang, f"family.{field}")) if field in PERSON | BILL else row


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A table's rows as plain values, what is empty as nothing and whole numbers as such."""
    plain = lambda value: None if pd.isna(value) else value.item() if hasattr(value, "item") else value  # noqa: E731
    return [{name: plain(value) for name, value in row.items()} for row in frame.astype(object).to_dict("records")]


def record(model: type, row: Mapping[str, Any], place: str, faults: list[Fault], lang: str) -> list[Any]:
    """A row as a record, or nothing and its faults noted."""
    try:
        return [build(model, {name: value for name, value in row.items() if value is not None}, place)]
    except BadInput as bad:
        faults += [Fault(column(place, fault.place, lang), fault.what, fault.remedy) for fault in bad.faults]
        return []


def shown_name(name: str | None, n: int, lang: str) -> str:
    """What a person is called on the page."""
    return " ".join((name or "").split())[:NAME] or say(lang, "family.person_row", row=n + 1)


# --- files ----------------------------------------------------------------------------------------------

def to_file(bills: Bills) -> str:
    """A person's bills as the file that `python -m simulation settle --bills` reads.

    >>> print(to_file(Bills(person=Person(group="adult"), bills=(Bill(kind="inpatient", tier="a", expense=9.0),))))
    person: {group: adult, status: ordinary, contribution_years: 0, contracted: false, commercial: false}
    bills:
    - {kind: inpatient, tier: a, expense: 9.0}
    <BLANKLINE>
    """
    return yaml.safe_dump(bills.model_dump(mode="json", exclude_none=True), allow_unicode=True, sort_keys=False,
                          default_flow_style=None, width=1000)


def from_file(content: bytes, place: str, scenario: Scenario) -> Bills:
    """The bills a file holds, checked against the scenario; raises `BadInput`."""
    data = read_yaml(decoded(content, place), place)
    if not isinstance(data, Mapping):
        raise refuse(place, words("内容不是结算单", "these are not bills"),
                     words("请写 person 和 bills", "give person and bills"))
    found: Bills = build(Bills, data, place, lambda bills, where: check_bills(scenario, bills, where))
    if len(found.bills) > BILLS:
        raise refuse(place, words(f"多于 {BILLS} 笔", f"there are more than {BILLS} bills"),
                     words(f"请只留 {BILLS} 笔", f"keep {BILLS}"))
    return found


def added(persons: pd.DataFrame, bills: pd.DataFrame, one: Bills) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The two tables with one more person and his bills; raises `BadInput` where the family is full."""
    people, given = rows_of(persons), rows_of(bills)
    if len(people) >= PERSONS:
        raise refuse("upload", words(f"家庭已有 {PERSONS} 人", f"the family has {PERSONS} persons already"),
                     words("请先删去一人", "remove one first"))
    rows = [BILL | bill.model_dump() | {"person": len(people) + 1} for bill in one.bills]
    return tables([*people, PERSON | one.person.model_dump()], [*given, *rows])


# --- settled --------------------------------------------------------------------------------------------

def settled(family: Family, scenario: Scenario, year: int) -> Settled:
    """A family's year under a scenario's rules."""
    return Settled(family, tuple(settle(scenario, bills, year) for bills in family.bills))


def totals(now: Settled, before: Settled | None, lang: str) -> Drawn:
    """What each layer paid and what was left, a row a person and one for the family; yuan.

    The contribution stands beside it, and with `before` what a person bore in all under the baseline.
    """
    rows = []
    for n, year in enumerate(now.years):
        row = {"member": now.family.names[n], "expense": year["year"]["expense"]} | layers(year["year"])
        row["contribution"] = now.family.contribution[n]
        row["borne"] = year["year"]["out_of_pocket"] + row["contribution"]
        if before is not None:
            row["before"] = before.years[n]["year"]["out_of_pocket"] + before.family.contribution[n]
            row["change"] = cents(row["borne"] - row["before"])
        rows.append(row)
    frame = pd.DataFrame(rows)
    whole = frame.drop(columns="member").sum().to_dict()
    frame = pd.concat([frame, pd.DataFrame([{"member": say(lang, "family.whole")} | whole])], ignore_index=True)
    return Drawn(frame, {name: say(lang, f"family.{name}") for name in frame.columns},
                 {name: "%+,.2f" if name == "change" else "%,.2f" for name in frame.columns if name != "member"})


def cents(yuan: float) -> float:
    """An amount in whole cents, half a cent away from zero: the same in a sentence and in a table.

    >>> cents(-33.625), cents(0.004)
    (-33.63, 0.0)
    """
    return math.copysign(math.floor(abs(yuan) * 100 + 0.5 + 1e-6) / 100, yuan) + 0.0  # no minus before nothing


def layers(row: Mapping[str, float]) -> dict[str, float]:
    """A settlement by who bears it, in yuan: parts that add up to the expense."""
    return {"basic": row["basic"], "critical": row["critical"], "assistance": row["assistance"],
            "commercial_paid": row["commercial"], "own": row["out_of_pocket"] - row["ineligible"],
            "ineligible": row["ineligible"]}


def totals_figure(drawn: Drawn, lang: str) -> go.Figure:
    """Who bears each person's bills, and the family's, as stacked bars."""
    frame = drawn.frame
    traces = [{"type": "bar", "orientation": "h", "y": labels(frame),
               "x": frame[name].tolist(), "name": drawn.heads[name], "marker": bar(n),
               "hovertemplate": f"%{{y}}　{drawn.heads[name]} %{{x:,.2f}}<extra></extra>"}
              for n, name in enumerate(LAYERS) if frame[name].abs().max() > 0 or name in ("basic", "own")]
    return whole(traces, {
        "barmode": "stack", "bargap": 0.3, "title": titled(say(lang, "family.chart")), "showlegend": True,
        "height": 130 + 40 * len(frame), "margin": {**MARGIN, "r": 24},
        "xaxis": {"tickformat": ",~f", "showgrid": True, "rangemode": "tozero"},
        "yaxis": {"type": "category", "autorange": "reversed", "showgrid": False, "ticksuffix": "  ",
                  "automargin": True}})


def labels(frame: pd.DataFrame) -> list[str]:
    """The names of the rows, told apart where two persons are called alike."""
    return [f"{name}{chr(0x200b) * n}" for n, name in enumerate(frame["member"])]


def per_bill(now: Settled, before: Settled | None, scenario: Scenario, lang: str) -> Drawn:
    """Every bill with what each layer paid, a row a bill; yuan."""
    rows = []
    for n, year in enumerate(now.years):
        for j, (bill, row) in enumerate(zip(now.family.bills[n].bills, year["bills"], strict=True)):
            one = {"member": now.family.names[n], "kind": scenario.axes.kind[bill.kind][lang],
                   "tier": scenario.axes.tier[bill.tier][lang], "expense": row["expense"]} | layers(row)
            if before is not None:
                one["change"] = cents(row["out_of_pocket"] - before.years[n]["bills"][j]["out_of_pocket"])
            rows.append(one)
    names = ["member", "kind", "tier", "expense", *LAYERS, *(["change"] if before is not None else [])]
    frame = pd.DataFrame(rows, columns=names)
    return Drawn(frame, {name: say(lang, f"family.{name}") for name in frame.columns},
                 {name: "%+,.2f" if name == "change" else "%,.2f" for name in frame.columns[3:]})


def steps(now: Settled, scenario: Scenario, lang: str) -> Drawn:
    """Each step of every bill with the clause it rests on, a row a step."""
    rows = []
    for n, year in enumerate(now.years):
        for j, (bill, row) in enumerate(zip(now.family.bills[n].bills, year["bills"], strict=True), 1):
            what = say(lang, "family.of_bill", n=j, kind=scenario.axes.kind[bill.kind][lang],
                       tier=scenario.axes.tier[bill.tier][lang])
            rows += [{"member": now.family.names[n], "bill": what, "step": step[lang], "amount": step["amount"],
                      "clause": step["clause" if lang == "zh" else "clause_en"] or say(lang, "family.no_clause")}
                     for step in row["steps"]]
    frame = pd.DataFrame(rows, columns=["member", "bill", "step", "amount", "clause"])
    return Drawn(frame, {name: say(lang, f"family.{name}") for name in frame.columns}, {"amount": "%,.2f"})


def sentence(now: Settled, before: Settled | None, year: int, lang: str) -> str:
    """The family's year in words."""
    total = {name: sum(one["year"][name] for one in now.years) for name in ("expense", "out_of_pocket")}
    paid = sum(now.family.contribution)
    said = say(lang, "family.told", year=year, expense=f"{total['expense']:,.0f}",
               covered=f"{total['expense'] - total['out_of_pocket']:,.0f}", left=f"{total['out_of_pocket']:,.0f}",
               contribution=f"{paid:,.0f}")
    if before is not None:
        change = totals(now, before, lang).frame["change"].iloc[-1]
        said += say(lang, "family.same" if abs(change) < 0.005 else "family.less" if change < 0 else "family.more",
                    amount=f"{abs(change):,.2f}")
    return said
