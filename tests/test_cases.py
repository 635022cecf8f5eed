"""Hand-worked cases: written from the articles without the code, expected values as arithmetic."""

import ast
import operator
from functools import lru_cache
from pathlib import Path

import pytest

from simulation.household import settle
from simulation.loading import load_scenario
from simulation.policy import Benefits
from simulation.reading import read_yaml
from simulation.scenario import Change, Scenario
from simulation.terms import Source, words
from simulation.trees import check_tree

FOLDER = Path(__file__).parent / "cases"
STATED = Source(status="assumption")
ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def worked(text: str) -> float:
    """The value of an arithmetic string: numbers, + - * / ( ), min and max."""

    def value(node: ast.expr) -> float:
        match node:
            case ast.Constant(value=int() | float() as number):
                return number
            case ast.BinOp():
                return ARITHMETIC[type(node.op)](value(node.left), value(node.right))
            case ast.UnaryOp(op=ast.USub()):
                return -value(node.operand)
            case ast.Call(func=ast.Name(id="min" | "max" as name), args=args):
                return {"min": min, "max": max}[name](*map(value, args))
        raise ValueError(f"not arithmetic: {text}")

    return value(ast.parse(str(text), mode="eval").body)


@lru_cache
def rule_book(name: str) -> Scenario:
    """The rule set a case file names: a scenario of the library, or a file of axes and benefits."""
    base = load_scenario("benxi_2008")
    if name.startswith("scenario:"):
        return load_scenario(name.removeprefix("scenario:"))
    rules = read_yaml((FOLDER / name).read_text(encoding="utf-8"), name)
    data = base.model_dump()
    data["axes"] = rules["axes"]
    for lever, value in rules["benefits"].items():
        data["policy"]["benefits"][lever]["value"] = value
    for share in ("class_a_share", "class_c_share"):  # by tiers that are not here; every case states what is eligible
        data["assumptions"]["utilisation"][share]["value"] = 0.4
    scenario = Scenario.model_validate(data)
    terms = Benefits.terms()
    for lever in rules["benefits"]:
        assert check_tree(terms[lever], rules["benefits"][lever], scenario.axes.members(), lever) == []
    return scenario


def all_cases() -> list:
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        if not path.name.endswith(".rules.yaml"):
            data = read_yaml(path.read_text(encoding="utf-8"), path.name)
            found += [pytest.param(data["rules"], case, id=f"{path.stem}: {case['name']}") for case in data["cases"]]
    return found


@pytest.mark.parametrize(("rules", "case"), all_cases())
def test_hand_worked_case(rules: str, case: dict) -> None:
    scenario = rule_book(rules)
    scenario = scenario.changed(Change(lever=lever, year=scenario.first_year, value=value, source=STATED)
                                for lever, value in (case.get("change") or {}).items())
    settled = settle(scenario, {"person": case["person"], "bills": case["bills"]})
    expected = case["expect"]
    assert len(settled["bills"]) == len(expected["bills"])
    for got, want in zip([*settled["bills"], settled["year"]], [*expected["bills"], expected["year"]], strict=True):
        for name, text in want.items():
            assert got[name] == pytest.approx(worked(text), abs=1e-5), (name, text)


def test_there_are_enough_cases() -> None:
    names = [param.id for param in all_cases()]
    assert len(names) == len(set(names))
    assert sum("benxi_2008" in name for name in names) >= 30


def test_parts_add_up_and_every_step_of_the_rules_names_its_clause() -> None:
    settled = settle("benxi_2008", {"person": {"group": "senior", "contribution_years": 4}, "bills": [
        {"kind": "inpatient", "tier": "level_3a", "expense": 90000.0},
        {"kind": "chronic", "tier": "level_2", "expense": 9000.0, "eligible": 8000.0}]})
    for row in [*settled["bills"], settled["year"]]:
        parts = row["basic"] + row["critical"] + row["assistance"] + row["commercial"] + row["out_of_pocket"]
        assert parts == pytest.approx(row["expense"], abs=1e-4)
    for bill in settled["bills"]:
        clauses = [step["clause"] for step in bill["steps"]]
        assert sum("第" in text for text in clauses) >= 2


def test_a_cell_that_nobody_has_touched_keeps_its_clause():
    scenario, by_hand = load_scenario("benxi_2008"), STATED.model_copy(update={"note": words("手工", "by hand")})
    bills = {"person": {"group": "adult"}, "bills": [
        {"kind": "inpatient", "tier": tier, "expense": 3000.0} for tier in ("level_1", "level_2")]}
    edit = Change(lever="benefits.rate.inpatient.adult.level_2", year=scenario.first_year + 1, value=0.7,
                  source=by_hand)
    changed = scenario.changed([edit])

    def clauses(of, year):
        return [next(step["clause"] for step in bill["steps"] if step["zh"].startswith("按 "))
                for bill in settle(of, bills, year)["bills"]]

    before, after = clauses(scenario, edit.year), clauses(changed, edit.year)
    assert before[0] == after[0] and before[0] == before[1]
    assert after[1] != before[1] and "手工" in after[1]
    assert clauses(changed, scenario.first_year) == clauses(scenario, scenario.first_year)
