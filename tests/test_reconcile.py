"""Reconciliation: what moved between two runs is told apart, and the parts add up to all of it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bench.pool import scaled
from simulation import load_scenario, measures, simulate
from simulation.__main__ import main
from simulation.reconcile import PARTS, TOGETHER, alike, figure, reconcile, with_assumptions
from simulation.results import EVENTS, QUANTITIES, Result
from simulation.runs import Manifest, read_run, save_run
from simulation.scenario import Change, Scenario
from simulation.terms import BadInput, Source
from tests.coarse import coarse

STATED = Source(status="assumption")
BENXI = load_scenario("benxi_2008").model_copy(update={"years": 2})


fewer = pytest.fixture(autouse=True, scope="module")(coarse)  # the run and what it is held against share them


def run(scenario: Scenario = BENXI, draws: int = 32, seed: int = 1, engine: str = "table") -> Result:
    return simulate(scenario, draws, seed, engine)


def ruled(scenario: Scenario, value: float = 60_000.0) -> Scenario:
    """Another rule: a ceiling twice as high."""
    return scenario.changed([Change(lever="benefits.ceiling", year=scenario.first_year, value=value, source=STATED)])


def dearer(scenario: Scenario) -> Scenario:
    """Another assumption: stays cost a tenth more."""
    use = scenario.assumptions.utilisation
    expense = use.expense.model_copy(update={"value": {tier: 1.1 * yuan for tier, yuan in use.expense.value.items()}})
    return scenario.model_copy(update={"assumptions": scenario.assumptions.model_copy(
        update={"utilisation": use.model_copy(update={"expense": expense})})})


def moved(previous: Result, present: Result, figures: dict | None = None) -> pd.DataFrame:
    return reconcile(Manifest(**previous.manifest), figures or measures.report(previous), present)


def acting(table: pd.DataFrame) -> set[str]:
    """The parts that move anything."""
    size = np.maximum(table["previous"].abs(), 1e-9)
    return {part for part in PARTS if (table[part].abs() > 1e-12 * size).any()}


# ---- what adds up -------------------------------------------------------------------------------------------

def test_everything_at_once_adds_up_to_the_change() -> None:
    old, new = run(), run(ruled(dearer(BENXI)), 64, 2)
    figures = measures.report(old)
    for year in figures["years"]:  # as if the code had been another
        year["expenditure"]["mean"] *= 0.97
    table = moved(old, new, figures)
    assert set(table["quantity"]) == {*QUANTITIES, *EVENTS} and set(table["year"]) == set(BENXI.horizon())
    assert len(table) == 2 * (len(QUANTITIES) + len(EVENTS))
    # rounding of sums of five numbers
    assert_allclose(table[list(PARTS)].sum(axis=1), table["present"] - table["previous"], rtol=1e-9, atol=1e-6)
    assert acting(table) == set(PARTS)
    spent = table[table["quantity"] == "expenditure"]
    assert_allclose(spent["code"], spent["previous"] * (1 / 0.97 - 1))
    assert (spent[["assumptions", "rules"]] > 0).all(axis=None)  # dearer stays, a higher ceiling
    told = measures.report(new)["years"][1]
    last = table[table["year"] == 2009].set_index("quantity")["present"]
    assert last["income"] == told["income"]["mean"] and last["p_deficit"] == told["p_deficit"]["value"]


def test_the_same_run_has_not_moved() -> None:
    assert acting(moved(run(), run())) == set()


@pytest.mark.parametrize("part, present", [
    ("assumptions", lambda: run(dearer(BENXI))), ("rules", lambda: run(ruled(BENXI))), ("draws", lambda: run(draws=64)),
    ("draws", lambda: run(seed=7))])
def test_one_thing_changed_moves_its_own_column_alone(part: str, present) -> None:
    assert acting(moved(run(), present())) == {part}


def test_another_engine_stands_with_the_draws() -> None:
    small = scaled(BENXI, 2000)
    assert acting(moved(run(small), run(small, engine="exact"))) == {"draws"}


def test_figures_of_another_version_stand_with_the_code() -> None:
    old = run()
    figures = measures.report(old)
    figures["years"][0]["income"]["mean"] += 1e6
    table = moved(old, old, figures).set_index(["quantity", "year"])
    assert acting(table) == {"code"}
    assert table.loc[("income", 2008), "code"] == pytest.approx(-1e6)
    assert table.loc[("income", 2009), "code"] == 0


def test_what_rules_and_assumptions_do_together_stands_with_the_rules() -> None:
    """Rules come after assumptions, so the ceiling is judged where stays are dearer already."""
    both, alone = moved(run(), run(ruled(dearer(BENXI)))), moved(run(), run(ruled(BENXI)))
    of = lambda table: table[table["quantity"] == "expenditure"]["rules"].to_numpy()  # noqa: E731
    assert (of(both) > of(alone)).all()
    first = moved(run(), run(dearer(BENXI)))
    assert_allclose(both["assumptions"], first["assumptions"])


def test_shocks_are_assumptions() -> None:
    shocks = BENXI.assumptions.shocks
    wilder = BENXI.model_copy(update={"assumptions": BENXI.assumptions.model_copy(update={
        "shocks": shocks.model_copy(update={"cost_sd": shocks.cost_sd.model_copy(update={"value": 0.3})})})})
    assert acting(moved(run(), run(wilder))) == {"assumptions"}


# ---- what cannot be told apart ------------------------------------------------------------------------------

def test_other_years_or_people_put_the_assumptions_with_the_rules() -> None:
    longer = dearer(BENXI.model_copy(update={"years": 3}))
    table = moved(run(), run(longer))
    assert set(table["year"]) == {2008, 2009}  # the years of both
    assert not alike(BENXI, longer) and "assumptions" not in acting(table) and "rules" in acting(table)
    other = load_scenario("hunan_nrcms_2008").model_copy(update={"years": 2})
    table = moved(run(), run(other))
    assert not alike(BENXI, other) and acting(table) == {"rules"}
    assert_allclose(table[list(PARTS)].sum(axis=1), table["present"] - table["previous"], rtol=1e-9, atol=1e-6)


def test_the_old_rules_on_new_assumptions_cite_documents_of_both() -> None:
    mixed = with_assumptions(BENXI, dearer(BENXI))
    assert mixed.policy == BENXI.policy and mixed.assumptions == dearer(BENXI).assumptions
    assert set(mixed.documents) >= set(BENXI.documents)


def test_runs_without_a_year_in_common_are_refused() -> None:
    later = BENXI.model_copy(update={"first_year": 2010})
    with pytest.raises(BadInput) as caught:
        moved(run(), run(later))
    (fault,) = caught.value.faults
    assert "no year in common" in fault.what.en and fault.remedy.zh


@pytest.mark.parametrize("spoil", [
    lambda years: [row.pop("out_of_pocket") for row in years],
    lambda years: [row.update(out_of_pocket=None) for row in years],
    lambda years: [row.update(out_of_pocket={"mean": "much"}) for row in years]])
def test_a_figure_that_an_older_version_did_not_keep_is_missing_and_alone(spoil) -> None:
    old = run()
    figures = measures.report(old)
    spoil(figures["years"])
    table = moved(old, old, figures)
    missing = table[table["quantity"] == "out_of_pocket"]
    assert missing[["previous", "code"]].isna().all(axis=None) and missing[["rules", "draws"]].eq(0).all(axis=None)
    assert np.isfinite(missing["present"]).all()
    assert table[table["quantity"] != "out_of_pocket"][[*PARTS, "previous", "present"]].notna().all(axis=None)


@pytest.mark.parametrize("damaged", [{}, {"years": None}, {"years": "none"}, {"years": [3]}, {"years": [{}]}])
def test_damaged_figures_are_missing(damaged: dict) -> None:
    assert np.isnan(figure(damaged, 2008, "income"))


# ---- the command --------------------------------------------------------------------------------------------

def test_the_command_tells_what_moved(tmp_path, capsys) -> None:
    kept = tmp_path / "run"
    save_run(simulate("benxi_2008", 16, 1, "table"), kept)
    asked = ["reconcile", str(kept), "benxi_2008", "--draws", "16", "--seed", "1", "--engine", "table"]
    assert main([*asked, "--set", "benefits.ceiling=60000", "--json"]) == 0
    table = pd.DataFrame(json.loads(capsys.readouterr().out))
    assert list(table.columns) == ["year", "quantity", "previous", *PARTS, "present"]
    assert_allclose(table[list(PARTS)].sum(axis=1), table["present"] - table["previous"], rtol=1e-6, atol=1e-6)
    spent = table[table["quantity"] == "expenditure"]
    assert (spent["rules"] > 0).all() and (spent[["code", "assumptions", "draws"]].abs() < 1e-3).all(axis=None)
    manifest, figures = read_run(kept)
    assert figure(figures, 2008, "income") == pytest.approx(
        table[(table["year"] == 2008) & (table["quantity"] == "income")]["previous"].item())

    assert main([*asked, "--lang", "zh"]) == 0
    text = capsys.readouterr().out
    assert all(part.zh in text for part in PARTS.values()) and QUANTITIES["income"][0].zh in text
    assert not any(part.en in text for part in PARTS.values()) and TOGETHER.zh not in text
    # another scenario: one line says which parts could not be told apart
    assert main(["reconcile", str(kept), "hunan_nrcms_2008", "--draws", "16", "--engine", "table"]) == 0
    assert TOGETHER.en in capsys.readouterr().out
    # a kept run without its figures
    (kept / "figures.json").write_text("{}", encoding="utf-8")
    assert main([*asked, "--json"]) == 0
    assert all(row["previous"] is None for row in json.loads(capsys.readouterr().out))
    assert main(["reconcile", str(tmp_path / "none"), "benxi_2008"]) == 2
    assert "Traceback" not in capsys.readouterr().err
