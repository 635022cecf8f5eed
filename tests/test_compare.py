"""Comparison: paired differences, their two kinds of interval, verdicts, and runs that cannot be compared."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from bench.pool import scaled
from report.bundle import bundle
from simulation import compare, load_scenario, measures, sentences, simulate
from simulation.__main__ import main
from simulation.assumptions import ASSUMED
from simulation.compare import DIFFERENCES, EVERYTHING, MOST, READ, VALUES, draws_of, packed, paired, unpacked
from simulation.results import EVENTS, QUANTITIES, Result
from simulation.runs import save_run
from simulation.scenario import Change, Scenario
from simulation.steps.utilisation import dimensions
from simulation.streams import REPLICATES
from simulation.terms import BadInput, Source
from tests.coarse import coarse

STATED = Source(status="assumption")
BENXI = load_scenario("benxi_2008").model_copy(update={"years": 3})
DRAWS = 64
HAN = "[\u4e00-\u9fff]"

fewer = pytest.fixture(autouse=True, scope="module")(coarse)


def reform(scenario: Scenario = BENXI, lever: str = "benefits.ceiling", value: object = 60_000) -> Scenario:
    return scenario.changed([Change(lever=lever, year=scenario.first_year + 1, value=value, source=STATED)])


def held(*scenarios, **options):
    return compare(list(scenarios), **{"draws": DRAWS, "seed": 1, "engine": "table"} | options)


def rows(found, **wanted) -> pd.DataFrame:
    frame = found.differences
    for name, value in wanted.items():
        frame = frame[frame[name] == value]
    return frame


# ---- figures ------------------------------------------------------------------------------------------------

def test_a_difference_is_that_of_the_two_runs_draw_by_draw() -> None:
    found = held(BENXI, reform())
    a, b = (simulate(s, DRAWS, 1, "table") for s in (BENXI, reform()))
    gap = (b.data["expenditure"] - a.data["expenditure"]).values[:, 1, 0]
    (row,) = rows(found, year=2009, quantity="expenditure").itertuples()
    assert row.difference == pytest.approx(gap.mean(), rel=1e-12)
    assert_allclose([row.p05, row.p50, row.p95], np.quantile(gap, [0.05, 0.5, 0.95]), rtol=1e-12)
    assert row.up == (gap > 0).mean() and row.down == (gap < 0).mean()
    means = [gap[r::REPLICATES].mean() for r in range(REPLICATES)]
    interval = stats.t.interval(0.9, REPLICATES - 1, np.mean(means), stats.sem(means))
    assert_allclose([row.ci_low, row.ci_high], interval, rtol=1e-9)
    assert row.verdict == "higher" and row.base == pytest.approx(float(a.data["expenditure"][:, 1, 0].mean()))
    crossed = measures.happened(b)["p_deficit"].mean(axis=0) - measures.happened(a)["p_deficit"].mean(axis=0)
    assert_allclose(rows(found, quantity="p_deficit")["difference"], crossed, atol=1e-15)


def test_the_range_over_futures_stays_and_the_error_of_the_estimate_shrinks() -> None:
    few, many = (rows(held(BENXI, reform(), draws=n), year=2010, quantity="expenditure").iloc[0] for n in (64, 1024))
    assert many["se"] < few["se"] / 2  # sixteen times the draws: a quarter or less
    width = [row["p95"] - row["p05"] for row in (few, many)]
    assert 0.5 < width[1] / width[0] < 2  # quantiles of 64 draws are rough
    assert many["ci_high"] - many["ci_low"] < width[1] / 5


def test_values_are_those_of_the_answers_of_one_run() -> None:
    found, one = held(BENXI, reform()), simulate(BENXI, DRAWS, 1, "table")
    own = found.values[found.values["scenario"] == "benxi_2008"]
    table, events = measures.summary(one), measures.chances(one)
    part = own[~own["quantity"].isin(EVENTS)]
    for column, of in (("value", "mean"), ("p05", "p05"), ("p50", "p50"), ("p95", "p95")):
        assert_allclose(part[column], table[of], rtol=1e-12)
    assert_allclose(own[own["quantity"].isin(EVENTS)][["value", "se"]], events[["value", "se"]])


def test_every_scenario_year_and_quantity_has_its_row() -> None:
    found = held(BENXI, reform(), reform(value=90_000), of=("surplus", "p_deficit"), every_pair=True)
    assert list(found.values.columns) == list(VALUES) and list(found.differences.columns) == list(DIFFERENCES)
    assert found.names == ("benxi_2008", "benxi_2008 (2)", "benxi_2008 (3)")
    assert len(found.values) == 3 * 2 * 3 and len(found.differences) == 3 * 2 * 3
    gap = {key: part.set_index(["year", "quantity"])["difference"] for key, part in found.differences.groupby(
        ["against", "scenario"])}
    a, b, c = found.names
    assert_allclose(gap[a, b] + gap[b, c], gap[a, c], atol=1e-6)  # paired on the same futures
    assert len(held(BENXI, reform(), reform(value=90_000)).differences) == 2 * len(EVERYTHING) * 3


def test_more_pairs_make_wider_intervals() -> None:
    """All pairs hold together, so that the best of many is not called better by luck."""
    two, three = held(BENXI, reform()), held(BENXI, reform(), reform(value=90_000))
    one = {"scenario": "benxi_2008 (2)", "year": 2010, "quantity": "expenditure"}
    width = lambda found: rows(found, **one)[["ci_low", "ci_high"]].diff(axis=1)["ci_high"].item()  # noqa: E731
    t = [stats.t.ppf(1 - 0.1 / 2 / pairs, REPLICATES - 1) for pairs in (1, 2)]
    assert width(three) / width(two) == pytest.approx(t[1] / t[0])


def test_no_year_before_a_change_differs() -> None:
    """What the table's nodes, which span all years, would move of earlier ones is no difference."""
    base = load_scenario("urrbmi_county_2026").model_copy(update={"years": 3})
    late = base.changed([Change(lever="care.referral_required", year=2028, value=1.0, source=STATED)])
    a, b = (simulate(s, DRAWS, 1, "table").data["expenditure"].values[:, :2, 0] for s in (base, late))
    assert 0 < np.abs(a - b).max() < 1e-3 * a.max()
    found = rows(held(base, late, of=("expenditure", "primary_share", "p_deficit")))
    early = found["year"] < 2028
    assert (found["difference"][early] == 0).all() and set(found["verdict"][early]) == {"same", "untold"}
    assert (found["verdict"][~early] != "same").all()


def test_the_order_of_changes_in_a_year_counts() -> None:
    """A branch set after its leaf holds over it: two files with the same changes in another order are other rules."""
    branch, leaf = (Change(lever=lever, year=2009, value=value, source=STATED) for lever, value in (
        ("benefits.rate.inpatient.adult", 0.9), ("benefits.rate.inpatient.adult.level_1", 0.2)))
    one, other = (BENXI.model_copy(update={"changes": changes}) for changes in ((branch, leaf), (leaf, branch)))
    found = rows(held(one, other, of=("expenditure",)))
    assert (found["verdict"] != "same")[found["year"] >= 2009].all() and (found["verdict"] == "same")[:1].all()


# ---- verdicts -----------------------------------------------------------------------------------------------

def verdict(gap: np.ndarray, quantity: str = "surplus", engine: str = "table") -> pd.Series:
    """The row of a difference given draw by draw."""
    base = np.full((1, len(gap), 1), 100.0 if quantity in QUANTITIES else 0.0)
    return paired(base, base + gap[None, :, None], (quantity,), (2030,), 2.0, engine).iloc[0]


def test_a_difference_that_is_always_the_same_is_told_for_certain() -> None:
    row = verdict(np.full(64, 5.0))
    assert row["verdict"] == "higher" and row["se"] == 0 and row["ci_low"] == row["ci_high"] == 5
    assert verdict(np.full(64, -5.0))["verdict"] == "lower" and pd.isna(row["needed"])


def test_what_the_table_leaves_open_of_a_count_is_in_its_error() -> None:
    """More draws do not narrow it; the exact engine does not have it."""
    row = verdict(np.full(64, 5.0), "catastrophic")
    assert row["se"] == pytest.approx(5 * READ["catastrophic"]) and row["verdict"] == "higher"
    assert verdict(np.full(64, 5.0), "catastrophic", "exact")["se"] == 0
    # seeds move it by many times the error of their draws, and by no more than three of the whole error
    late = reform(lever="benefits.class_b_first_pay", value=0.2)
    found = [rows(held(BENXI, late, of=("catastrophic",), seed=seed), year=2010).iloc[0] for seed in range(6)]
    gaps = np.array([row["difference"] for row in found])
    assert np.ptp(gaps) < 3 * np.mean([row["se"] for row in found])


def test_nothing_different_is_the_same_and_no_number_of_draws_is_named() -> None:
    row = verdict(np.zeros(64))
    assert row["verdict"] == "same" and row["difference"] == 0 and pd.isna(row["needed"])
    assert verdict(np.full(64, 1e-11))["verdict"] == "same"  # what arithmetic alone makes
    never = verdict(np.zeros(64), "p_deficit")  # it may differ in a future that was not drawn
    assert never["verdict"] == "untold" and never["se"] == 1 / 64 and pd.isna(never["needed"])
    said = sentences.verdict(SimpleNamespace(**never.to_dict(), against="a", scenario="b"))
    assert "no draw differed" in said.en and "没有一次模拟有差异" in said.zh


def test_no_interval_is_put_round_what_the_engine_does_not_resolve() -> None:
    """A hundred-thousandth is where nodes stand; one draw beyond it is a difference."""
    gap = np.full(64, 0.0009)
    row = verdict(gap)
    assert row["verdict"] == "close" and row["difference"] == pytest.approx(0.0009) and pd.isna(row["needed"])
    said = sentences.verdict(SimpleNamespace(**row.to_dict(), against="a", scenario="b"))
    assert "interval" not in said.en and "as good as the same" in said.en and "视为相同" in said.zh
    gap[7] = 0.0011
    assert verdict(gap)["verdict"] == "higher"


def test_the_number_of_draws_needed_is_one_at_which_such_a_difference_is_told() -> None:
    noise = stats.norm.ppf((np.arange(64) + 0.5) / 64)
    gap = np.random.Generator(np.random.Philox(1)).permutation(noise) + 0.1
    row = verdict(gap)
    assert row["verdict"] == "untold" and row["needed"] % REPLICATES == 0 and row["needed"] > 64
    # the same spread over as many more draws: the error falls with the root of their number
    assert 2.0 * row["se"] * np.sqrt(64 / row["needed"]) <= abs(row["difference"])
    assert 2.0 * row["se"] * np.sqrt(64 / (row["needed"] - 2 * REPLICATES)) > abs(row["difference"])
    tiny = verdict(gap - gap.mean() + 1e-6)
    assert tiny["needed"] == MOST


def test_a_verdict_at_few_draws_is_kept_at_many() -> None:
    """Where few draws cannot tell, the number they name is enough."""
    longer = load_scenario("benxi_2008").model_copy(update={"years": 6})  # deficits are likely in its last years
    small = reform(longer, "financing.contribution.adult.ordinary", 280)
    found = rows(held(longer, small, of=("p_deficit", "p_surplus_over", "p_balance_over")), verdict="untold")
    found = found[found["needed"].notna()]
    assert len(found)
    row = found.sort_values("needed").iloc[0]
    more = rows(held(longer, small, of=(row["quantity"],), draws=4096), year=row["year"]).iloc[0]
    assert row["needed"] <= 4096 and more["verdict"] == ("higher" if more["difference"] > 0 else "lower")


@pytest.mark.parametrize("language, foreign", [("en", HAN), ("zh", "[a-z]{5,}")])
def test_sentences_say_the_verdict_and_its_figures(language: str, foreign: str) -> None:
    found = compare({"A": BENXI, "B": reform()}, DRAWS, 1, "table")
    told = [sentences.verdict(row)[language] for row in found.differences.itertuples()]
    assert {*found.differences["verdict"]} == {"higher", "lower", "same", "untold"}
    assert not [text for text in told if re.search(foreign, text)]
    row = next(rows(found, year=2010, quantity="expenditure").itertuples())
    said = sentences.verdict(row)[language]
    for figure in (row.difference, row.ci_low, row.ci_high, row.p05, row.p95):
        assert sentences.amount(figure, "yuan_year")[language].split()[0] in said
    for figure in (row.base, row.value):
        assert sentences.amount(figure, "yuan_year", signed=False)[language] in sentences.change(row)[language]
    assert "2010" in said and "A" in said and "B" in said


# ---- what can be compared -----------------------------------------------------------------------------------

def refused(*scenarios, **options) -> str:
    with pytest.raises(BadInput) as caught:
        held(*scenarios, **options)
    for fault in caught.value.faults:
        assert fault.what.zh and fault.remedy.zh and not re.search(HAN, fault.sentence())
    return "\n".join(fault.sentence() for fault in caught.value.faults)


def made(scenario: Scenario = BENXI, draws: int = DRAWS, seed: int = 1, engine: str = "table") -> Result:
    return simulate(scenario, draws, seed, engine)


def test_runs_that_are_not_of_the_same_futures_are_refused_with_the_reason() -> None:
    assert "covers 2008-2011 where" in refused(BENXI, BENXI.model_copy(update={"years": 4}))
    city = load_scenario("city_pooling_2012")
    areas = city.axes.model_copy(update={"area": {name: city.axes.area[name] for name in list(city.axes.area)[1:]}})
    assert "other areas" in refused(city, city.model_copy(update={"axes": areas}))
    use = BENXI.assumptions.utilisation
    certain = BENXI.model_copy(update={"assumptions": BENXI.assumptions.model_copy(update={
        "correlations": (), "utilisation": use.model_copy(update={
            "cost_growth": use.cost_growth.model_copy(update={"range": None})})})})
    assert "not the same futures" in refused(BENXI, certain)
    assert "utilisation.cost_growth" in refused(BENXI, certain)
    assert "at least two" in refused(BENXI)
    assert "there is no quantity colour" in refused(BENXI, reform(), of=("colour",))
    assert "will not do" in refused(BENXI, reform(), level=1.0)


def test_runs_of_other_draws_seeds_engines_or_versions_are_refused() -> None:
    assert "has draws 32" in refused(BENXI, made(draws=32))
    assert "has seed 2" in refused(BENXI, made(seed=2))
    exact = made(scaled(BENXI, 500), engine="exact")
    assert "one engine" in refused(made(), exact) and "one engine" in refused(exact, BENXI)
    older = made()
    older = Result(older.scenario, older.data, older.manifest | {"model": "0.0.9"})
    assert "made by version 0.0.9" in refused(BENXI, older)


def test_a_run_that_no_manifest_makes_again_is_neither_compared_nor_kept(tmp_path) -> None:
    usual: dict = {}
    simulate(BENXI, DRAWS, 1, "table", usual=usual)
    normals = np.zeros((DRAWS, len(dimensions(BENXI))))
    for given in ({"without": ("chance",)}, {"at": normals}, {"usual": usual}):
        result = simulate(BENXI, DRAWS, 1, "table", **given)
        assert f"was run with {next(iter(given))}" in refused(BENXI, result)
        with pytest.raises(BadInput, match="no manifest holds"):
            save_run(result, tmp_path / "run")
        assert not (tmp_path / "run").exists()


def test_one_engine_answers_for_all() -> None:
    small = scaled(BENXI, 500)
    assert held(BENXI, reform(), engine="auto").facts["engine"] == simulate(BENXI, 16, 1).manifest["engine"]
    assert held(made(small, engine="exact"), reform(small), engine="auto").facts["engine"] == "exact"
    assert held(small, reform(small), engine="auto").facts["engine"] == "exact"


def test_a_run_already_made_is_taken_as_it_is() -> None:
    pd.testing.assert_frame_equal(held(made(), made(reform())).differences, held(BENXI, reform()).differences)


def test_assumptions_that_differ_are_said() -> None:
    use = BENXI.assumptions.utilisation
    dearer = BENXI.model_copy(update={"assumptions": BENXI.assumptions.model_copy(update={
        "utilisation": use.model_copy(update={"cost_growth": use.cost_growth.model_copy(update={
            "value": use.cost_growth.value + 0.001})})})})
    (note,) = held(BENXI, dearer).notes
    title = ASSUMED["utilisation"].terms()["cost_growth"].title
    assert f"(1: {title.en})" in note.en and title.zh in note.zh
    assert held(BENXI, reform()).notes == ()


def test_a_kept_run_is_compared_only_if_this_version_makes_it_again(tmp_path) -> None:
    save_run(made(reform()), tmp_path / "run")
    found = held(BENXI, tmp_path / "run")
    assert found.names == ("benxi_2008", "run")
    assert_array_equal(found.differences["difference"], held(BENXI, reform()).differences["difference"])
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    figures = json.loads((tmp_path / "run" / "figures.json").read_text(encoding="utf-8"))
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(manifest | {"numpy": "1.0"}), encoding="utf-8")
    (note,) = held(BENXI, tmp_path / "run").notes
    assert "numpy 1.0" in note.en
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(manifest | {"model": "0.0.9"}), encoding="utf-8")
    assert "made by version 0.0.9" in refused(BENXI, tmp_path / "run")
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    figures["years"][1]["income"]["mean"] *= 1.001
    (tmp_path / "run" / "figures.json").write_text(json.dumps(figures), encoding="utf-8")
    assert "is not what this code gives" in refused(BENXI, tmp_path / "run")


# ---- many runs ----------------------------------------------------------------------------------------------

def test_runs_travel_as_plain_data_and_come_back_bit_by_bit() -> None:
    def over_the_wire(work, items):
        return [json.loads(json.dumps(work(json.loads(json.dumps(item))))) for item in items]

    shares: list[float] = []
    far = held(BENXI, reform(), mapped=over_the_wire, progress=shares.append)
    pd.testing.assert_frame_equal(far.differences, held(BENXI, reform()).differences, check_exact=True)
    assert shares == [0.5, 1.0]
    values = np.array([[1 / 3, -0.0], [np.inf, 5e-324]])
    assert packed(values) == packed(unpacked(json.loads(json.dumps(packed(values)))))
    assert draws_of.__module__ == "simulation.compare"


# ---- the command --------------------------------------------------------------------------------------------

def test_the_command_compares_scenarios_and_reforms(tmp_path, capsys) -> None:
    asked = ["compare", "benxi_2008", "--with", "benefits.ceiling=60000,financing.contribution.adult.ordinary=300",
             "--with", "benefits.ceiling@2010=90000", "--draws", "64", "--engine", "table"]
    assert main([*asked, "--json", "--out", str(tmp_path / "x.csv")]) == 0
    data = json.loads(capsys.readouterr().out)
    frame = pd.DataFrame(data["differences"])
    assert list(frame.columns) == list(DIFFERENCES) and frame["scenario"].nunique() == 2
    assert data["names"][1] == "benefits.ceiling=60000,financing.contribution.adult.ordinary=300"
    read = pd.read_csv(tmp_path / "x.csv")
    assert_allclose(read["difference"], frame["difference"], rtol=1e-9)
    late = frame[(frame["scenario"] == "benefits.ceiling@2010=90000") & (frame["quantity"] == "expenditure")]
    assert (late["difference"][late["year"] < 2010] == 0).all() and (late["difference"][late["year"] == 2010] > 0).all()
    for language in ("en", "zh"):
        assert main([*asked, "--lang", language, "--of", "expenditure", "--year", "2009"]) == 0
        text = capsys.readouterr().out
        assert bool(re.search(HAN, text)) == (language == "zh") and text.count("2009") == 2


def test_the_command_takes_kept_runs_with_their_draws_and_refuses_in_one_sentence(tmp_path, capsys) -> None:
    save_run(simulate("benxi_2008", 32, 3, "table"), tmp_path / "run")
    assert main(["compare", str(tmp_path / "run"), "benxi_2008", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["facts"]["draws"], data["facts"]["seed"], data["facts"]["engine"]) == (32, 3, "table")
    assert all(row["verdict"] in ("same", "untold") for row in data["differences"])
    (tmp_path / "run.zip").write_bytes(bundle(simulate("benxi_2008", 32, 3, "table")))
    assert main(["compare", str(tmp_path / "run.zip"), str(tmp_path / "run"), "--of", "income", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["facts"]["draws"] == 32 and {row["verdict"] for row in data["differences"]} == {"same"}
    (tmp_path / "broken.zip").write_bytes(b"PK no zip")
    for wrong in ([str(tmp_path / "broken.zip"), "benxi_2008"], ["benxi_2008", "urrbmi_county_2026"],
                  ["benxi_2008"], ["benxi_2008", "benxi_2008"],
                  [str(tmp_path / "run"), "--with", "benefits.ceiling=1"], ["benxi_2008", "nowhere"],
                  ["benxi_2008", "--with", "benefits.ceiling=60000", "--year", "1990"],
                  ["benxi_2008", "--with", "benefits.ceiling=60000", "--level", "much"]):
        assert main(["compare", *wrong, "--draws", "32"]) == 2
        captured = capsys.readouterr()
        assert captured.err.strip() and "Traceback" not in captured.err
