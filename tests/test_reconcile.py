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
from simulation.assumptions import uncertain
from simulation.reconcile import PARTS, TOGETHER, Kept, alike, figure, mix, reconcile
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


def assumed(scenario: Scenario, section: str, name: str, **changed) -> Scenario:
    """A scenario with one assumption changed."""
    part = getattr(scenario.assumptions, section)
    given = getattr(part, name).model_copy(update=changed)
    return scenario.model_copy(update={"assumptions": scenario.assumptions.model_copy(
        update={section: part.model_copy(update={name: given})})})


def dearer(scenario: Scenario, source: Source = STATED) -> Scenario:
    """Another assumption: stays cost a tenth more."""
    value = {tier: 1.1 * yuan for tier, yuan in scenario.assumptions.utilisation.expense.value.items()}
    return assumed(scenario, "utilisation", "expense", value=value, source=source)


def published(scenario: Scenario) -> Scenario:
    """Other data: the opening balance of a bulletin."""
    opening = scenario.assumptions.account.opening_balance
    return assumed(scenario, "account", "opening_balance", value=opening.value * 0.9, range=None,
                   source=Source(status="bulletin", document=next(iter(scenario.documents))))


def moved(previous: Result, present: Result, figures: dict | None = None) -> pd.DataFrame:
    return reconcile(Manifest(**previous.manifest), figures or measures.report(previous), present)


def acting(table: pd.DataFrame) -> set[str]:
    """The parts that move anything."""
    size = np.maximum(table["previous"].abs(), 1e-9)
    return {part for part in PARTS if (table[part].abs() > 1e-12 * size).any()}


# ---- what adds up -------------------------------------------------------------------------------------------

def test_everything_at_once_adds_up_to_the_change() -> None:
    old, new = run(), run(ruled(published(dearer(BENXI))), 64, 2)
    figures = measures.report(old)
    for year in figures["years"]:  # as if the code had been another
        year["expenditure"]["mean"] *= 0.97
    table = moved(old, new, figures)
    assert set(table["quantity"]) == {*QUANTITIES, *EVENTS} and set(table["year"]) == set(BENXI.horizon())
    assert len(table) == 2 * (len(QUANTITIES) + len(EVENTS))
    # rounding of sums of many numbers
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
    ("assumptions", lambda: run(dearer(BENXI))), ("rules", lambda: run(ruled(BENXI))),
    ("data", lambda: run(published(BENXI))), ("chance", lambda: run(draws=64)), ("chance", lambda: run(seed=7))])
def test_one_thing_changed_moves_its_own_column_alone(part: str, present) -> None:
    assert acting(moved(run(), present())) == {part}


def test_another_engine_stands_with_chance() -> None:
    small = scaled(BENXI, 2000)
    assert acting(moved(run(small), run(small, engine="exact"))) == {"chance"}


def test_a_figure_is_data_where_its_source_today_is_published() -> None:
    """The same change of the same value, told by where the new value comes from."""
    bulletin = Source(status="bulletin", document=next(iter(BENXI.documents)))
    for source, part in ((STATED, "assumptions"), (Source(status="estimate"), "assumptions"), (bulletin, "data"),
                         (bulletin.model_copy(update={"status": "law"}), "data")):
        assert acting(moved(run(), run(dearer(BENXI, source)))) == {part}
    # where it comes from alone moves nothing
    same = assumed(BENXI, "utilisation", "expense", source=bulletin)
    assert acting(moved(run(), run(same))) == set()


def test_a_correlation_waits_for_both_its_assumptions() -> None:
    """One that loses its interval with the new data must not be correlated while the old correlations stand."""
    old = BENXI.assumptions
    name = next(name for pair in old.correlations for name in pair.between)
    section, field = name.split(".")
    given = getattr(getattr(old, section), field)
    certain = assumed(BENXI, section, field, range=None, factor=None,
                      source=Source(status="bulletin", document=next(iter(BENXI.documents))))
    certain = certain.model_copy(update={"assumptions": certain.assumptions.model_copy(update={
        "correlations": tuple(pair for pair in old.correlations if name not in pair.between)})})
    assert given.range or given.factor
    for parts in ([], ["data"], ["assumptions"], ["rules", "data"]):
        mixed = mix(BENXI, certain, parts).assumptions
        assert {one for pair in mixed.correlations for one in pair.between} <= set(uncertain(mixed))
    table = moved(run(), run(certain))
    assert_allclose(table[list(PARTS)].sum(axis=1), table["present"] - table["previous"], rtol=1e-9, atol=1e-6)
    assert "data" in acting(table)


def test_figures_of_another_version_stand_with_the_code() -> None:
    old = run()
    figures = measures.report(old)
    figures["years"][0]["income"]["mean"] += 1e6
    table = moved(old, old, figures).set_index(["quantity", "year"])
    assert acting(table) == {"code"}
    assert table.loc[("income", 2008), "code"] == pytest.approx(-1e6)
    assert table.loc[("income", 2009), "code"] == 0


def test_what_parts_do_together_is_shared_evenly_whatever_the_order() -> None:
    """Rules and assumptions moved by hand in both orders, and averaged."""
    spent = lambda table, part: table[table["quantity"] == "expenditure"][part].to_numpy()  # noqa: E731
    both = moved(run(), run(ruled(dearer(BENXI))))
    rules, assumptions = moved(run(), run(ruled(BENXI))), moved(run(), run(dearer(BENXI)))
    rules_last, assumptions_last = moved(run(dearer(BENXI)), run(ruled(dearer(BENXI)))), moved(
        run(ruled(BENXI)), run(ruled(dearer(BENXI))))
    for part, first, last in (("rules", rules, rules_last), ("assumptions", assumptions, assumptions_last)):
        assert_allclose(spent(both, part), (spent(first, part) + spent(last, part)) / 2, rtol=1e-9)
        assert (spent(last, part) > spent(first, part)).all()  # dearer stays reach the higher ceiling
    back = moved(run(ruled(dearer(BENXI))), run())
    assert_allclose(back[list(PARTS)], -both[list(PARTS)], rtol=1e-9, atol=1e-6)


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


def test_a_mix_takes_what_it_is_told_to_and_cites_documents_of_both() -> None:
    new = ruled(published(dearer(BENXI)))
    assert mix(BENXI, new, ["rules", "data", "assumptions"]) == new and mix(BENXI, new, []) == BENXI
    mixed = mix(BENXI, new, ["assumptions"])
    assert mixed.policy == BENXI.policy and mixed.changes == BENXI.changes
    assert mixed.assumptions.utilisation == new.assumptions.utilisation
    assert mixed.assumptions.account == BENXI.assumptions.account
    mixed = mix(BENXI, new, ["rules", "data"])
    assert mixed.changes == new.changes and mixed.assumptions.account == new.assumptions.account
    assert mixed.assumptions.utilisation == BENXI.assumptions.utilisation
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
    assert missing[["previous", "code"]].isna().all(axis=None) and missing[["rules", "chance"]].eq(0).all(axis=None)
    assert np.isfinite(missing["present"]).all()
    assert table[table["quantity"] != "out_of_pocket"][[*PARTS, "previous", "present"]].notna().all(axis=None)


@pytest.mark.parametrize("damaged", [{}, {"years": None}, {"years": "none"}, {"years": [3]}, {"years": [{}]}])
def test_damaged_figures_are_missing(damaged: dict) -> None:
    assert np.isnan(figure(damaged, 2008, "income"))


# ---- two kept runs ------------------------------------------------------------------------------------------

def test_two_kept_runs_are_told_apart_with_the_code_at_both_ends(tmp_path) -> None:
    old, new = run(), run(ruled(dearer(BENXI)), 64, 2)
    kept = [(Manifest(**each.manifest), measures.report(each)) for each in (old, new)]
    table = reconcile(*kept[0], Kept(*kept[1]))
    pd.testing.assert_frame_equal(table, moved(old, new), rtol=1e-12)
    for row in kept[1][1]["years"]:  # as if other code had made the second
        row["income"]["mean"] += 500.0
    shifted = reconcile(*kept[0], Kept(*kept[1]))
    income = shifted["quantity"] == "income"
    assert_allclose(shifted["code"][income], 500.0, atol=1e-6)  # sums of incomes of some ten millions
    assert_allclose(shifted["present"][income], table["present"][income] + 500.0)
    assert_allclose(shifted[list(PARTS)].sum(axis=1), shifted["present"] - shifted["previous"], rtol=1e-9, atol=1e-6)


def test_runs_of_a_reconciliation_travel_as_plain_data() -> None:
    def over_the_wire(work, items):
        return [json.loads(json.dumps(work(json.loads(json.dumps(item))))) for item in items]

    old, new = run(), run(ruled(dearer(BENXI)), 64, 2)
    done: list[float] = []
    far = reconcile(Manifest(**old.manifest), measures.report(old), new, over_the_wire, done.append)
    pd.testing.assert_frame_equal(far, moved(old, new), check_exact=True)
    assert done[-1] == 1.0 and len(done) == 7  # three parts differ, and the present run is made already


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
    assert (spent["rules"] > 0).all() and (spent[["code", "data", "assumptions", "chance"]].abs() < 1e-3).all(axis=None)
    manifest, figures = read_run(kept)
    assert figure(figures, 2008, "income") == pytest.approx(
        table[(table["year"] == 2008) & (table["quantity"] == "income")]["previous"].item())

    assert main([*asked, "--lang", "zh"]) == 0
    assert capsys.readouterr().out == "没有数字变动\n"  # how computers round is no change
    assert main([*asked, "--lang", "zh", "--set", "benefits.ceiling=60000"]) == 0
    text = capsys.readouterr().out
    assert all(part.zh in text for part in PARTS.values()) and QUANTITIES["income"][0].zh in text
    assert not any(part.en in text for part in PARTS.values()) and TOGETHER.zh not in text
    assert main([*asked, "--set", "benefits.ceiling=60000"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert all(part.en in head for part in PARTS.values()) and rows
    assert {row.split()[-2] for row in rows} == {"0"}  # of chance, which is the same in both
    assert len({len(row) for row in rows}) == 1  # columns stand under their headings
    # a second kept run in place of the scenario
    save_run(simulate("benxi_2008", 32, 1, "table"), tmp_path / "second")
    assert main(["reconcile", str(kept), str(tmp_path / "second"), "--json"]) == 0
    table = pd.DataFrame(json.loads(capsys.readouterr().out))
    assert (table[["code", "data", "assumptions", "rules"]].abs().to_numpy() < 1e-6).all()
    assert (table["chance"] != 0).any()
    assert main(["reconcile", str(kept), str(tmp_path / "second"), "--set", "benefits.ceiling=1"]) == 2
    assert "cannot be changed" in capsys.readouterr().err
    # another scenario: one line says which parts could not be told apart
    assert main(["reconcile", str(kept), "hunan_nrcms_2008", "--draws", "16", "--engine", "table"]) == 0
    assert TOGETHER.en in capsys.readouterr().out
    # a kept run without its figures
    (kept / "figures.json").write_text("{}", encoding="utf-8")
    assert main([*asked, "--json"]) == 0
    assert all(row["previous"] is None for row in json.loads(capsys.readouterr().out))
    assert main(["reconcile", str(tmp_path / "none"), "benxi_2008"]) == 2
    assert "Traceback" not in capsys.readouterr().err
