"""The track record: nothing of a later year is known before, scores are those of the very draws, chances are kept."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import binom

from report import evidence
from simulation import load_scenario, scoring, simulate
from simulation.__main__ import main
from simulation.adapted import LEAST, adapted
from simulation.backtest import (
    EVENTS,
    FEWEST,
    FORECAST,
    POINTS,
    RATIOS,
    SEED,
    TITLES,
    UNSEEN,
    Record,
    backtest,
    grades,
    held_against,
    naive,
)
from simulation.columns import QUANTITIES
from simulation.series import Series, bundled, bundled_as, frozen, load_series, read_series
from simulation.terms import LANGUAGES, BadInput
from simulation.trends import kept, published
from tests.coarse import coarse

TEMPLATE = "urrbmi_county_2026"
DRAWS = 64


fewer = pytest.fixture(autouse=True, scope="module")(coarse)  # the run and what it is held against share them


def fund(years: int = 7, seed: int = 3, **columns: np.ndarray) -> Series:
    """A county's table with a surplus of some 4 % that strays by 3 % a year."""
    t, random = np.arange(years), np.random.default_rng(seed)
    people = 4e5 * 0.99**t
    income, spending = (people * head * 1.07**t * np.exp(0.03 * random.standard_normal(years)) for head in (800, 765))
    values = {"enrolment": people, "income": income, "spending": spending, "stays": people * 0.17 * 1.02**t,
              "visits": people * 1.4, "balance": 1.2e8 + np.cumsum(income - spending)} | columns
    return Series("county", tuple(range(2015, 2015 + years)),
                  {key: frozen(values.get(key, np.full(years, np.nan))) for key in QUANTITIES}, "0" * 64)


def changed(series: Series, key: str, years: slice, times: float) -> Series:
    """The table with some figures of a quantity multiplied, or taken out where `times` is nan."""
    values = np.array(series.values[key])
    values[years] = values[years] * times
    return Series(series.name, series.years, {**series.values, key: frozen(values)}, series.sha256)


@lru_cache
def record(name: str = "county") -> Record:
    """Track records, each made once: of the county with two years ahead, and of the bundled series."""
    if name == "county":
        return backtest(fund(), TEMPLATE, 2, DRAWS)
    if name == "county up to 2020":
        return backtest(fund().upto(2020), TEMPLATE, 2, DRAWS)
    return backtest(name, TEMPLATE, 5, DRAWS)


# ---- nothing later is known before -----------------------------------------------------------------------

STATED = ["quantity", "cutoff", "horizon", "p05", "p25", "p50", "p75", "p95"]


@pytest.mark.parametrize("key, times", [("income", 1.5), ("spending", 0.6), ("enrolment", 1.3), ("stays", 2.0),
                                        ("balance", 5.0)])
def test_a_forecast_knows_nothing_after_its_cut_off(key: str, times: float) -> None:
    series, cutoff = fund(), 2019
    later = changed(series, key, slice(series.years.index(cutoff) + 1, None), times)
    own, other = (adapted(of.upto(cutoff), load_scenario(TEMPLATE), 2) for of in (series, later))
    assert own.text() == other.text()
    actual = lambda of: {name: reckon(of.values) for name, (_, reckon) in FORECAST.items()}  # noqa: E731
    run = simulate(own, DRAWS, 1, "table")
    told, happened = ([pd.DataFrame(part) for part in held_against(run, actual(of), of, cutoff, 2021)]
                      for of in (series, later))
    pd.testing.assert_frame_equal(told[0][STATED], happened[0][STATED])
    pd.testing.assert_series_equal(told[1]["probability"], happened[1]["probability"])
    assert (told[0]["actual"] != happened[0]["actual"]).any()


def test_a_whole_record_up_to_a_year_is_that_of_the_years_up_to_it() -> None:
    whole, shorter = record().forecasts, record("county up to 2020")
    both = whole.merge(shorter.forecasts, on=["quantity", "cutoff", "horizon"], suffixes=("", "_short"))
    assert len(both) == len(shorter.forecasts) > 30
    for name in ("p05", "p50", "p95", "actual", "crps", "crps_drift", "crps_trend"):
        # where the shorter table ends, fewer years are simulated, and the draws are other ones
        same = both[both["cutoff"] + 2 <= 2020]
        assert_allclose(same[name], same[f"{name}_short"])
        assert len(same) > 15


def test_shocks_of_a_bundled_series_have_not_seen_it() -> None:
    assert set(UNSEEN) == set(bundled())
    names = {one.name for one in published()}
    for out in UNSEEN.values():
        left = {one.name for one in kept(published(), out)}
        assert left < names and all(any(name == one or name.startswith(f"{one}_") for name in names) for one in out)
    assert not any(name.startswith(("resident", "national")) for name in {
        one.name for one in kept(published(), UNSEEN["national_resident"])})
    assert not any("nrcms" in name for name in {one.name for one in kept(published(), UNSEEN["national_nrcms"])})


def test_a_funds_own_table_is_not_taken_for_a_bundled_one_of_its_name() -> None:
    named = backtest(replace(fund(), name="national_resident"), TEMPLATE, 2, DRAWS)
    pd.testing.assert_frame_equal(named.forecasts, record().forecasts)
    for language in LANGUAGES:
        assert "national_resident" in evidence.tested(named, language)


def test_a_bundled_series_is_known_by_its_figures() -> None:
    """However a spreadsheet has saved it again."""
    for name, path in bundled().items():
        content = path.read_bytes()
        for again in (b"\xef\xbb\xbf" + content, content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")):
            assert bundled_as(read_series(again, "mine.csv")) == name
    assert bundled_as(fund()) == ""


# ---- scores are those of the very draws -------------------------------------------------------------------

def test_every_row_is_what_its_draws_say() -> None:
    series, cutoff = fund(), 2018
    run = simulate(adapted(series.upto(cutoff), load_scenario(TEMPLATE), 2), DRAWS, engine="table")
    rows = record().forecasts.set_index(["quantity", "cutoff", "horizon"])
    assert set(record().forecasts["quantity"]) == set(FORECAST)
    for name, (model, of) in FORECAST.items():
        values = of(series.values)
        for horizon in (1, 2):
            row, happened = rows.loc[name, cutoff, horizon], values[cutoff + horizon - 2015]
            draws = run.data[model].values[:, horizon - 1, 0]
            assert row["actual"] == happened
            assert_allclose(row[["p05", "p25", "p50", "p75", "p95"]].astype(float),
                            np.quantile(draws, [0.05, 0.25, 0.5, 0.75, 0.95]))
            assert row["in90"] == (np.quantile(draws, 0.05) <= happened <= np.quantile(draws, 0.95))
            assert row["in50"] == (np.quantile(draws, 0.25) <= happened <= np.quantile(draws, 0.75))
            assert row["crps"] == scoring.crps(draws, happened) and row["pit"] == scoring.pit(draws, happened)
            size = {"surplus": series.values["income"][cutoff + horizon - 2015]}.get(
                name, 1.0 if name in RATIOS else happened)
            assert row["error"] == pytest.approx((np.median(draws) - happened) / size)
            log = None if name in ("enrolment", "income", "spending", "stays", "visits") else False
            for rival in ("drift", "trend"):
                points = getattr(scoring, rival)(values[:4], 2, POINTS, log)[:, horizon - 1]
                assert row[f"crps_{rival}"] == scoring.crps(points, happened)


def test_chances_are_how_often_the_draws_cross_and_whether_the_fund_did() -> None:
    series, cutoff = fund(), 2018
    run = simulate(adapted(series.upto(cutoff), load_scenario(TEMPLATE), 2), DRAWS, engine="table").data.isel(area=0)
    income, spending, balance = (series.values[name][5] for name in ("income", "spending", "balance"))
    line = {name: float(run[f"{name}_line"].values[1]) for name in ("surplus", "balance")}
    by_hand = {
        "p_surplus_over": (run["surplus_ratio"] > line["surplus"], 1 - spending / income > line["surplus"]),
        "p_balance_over": (run["balance_ratio"] > line["balance"], balance / income > line["balance"]),
        "p_deficit": (run["expenditure"] > run["income"], spending > income),
        "p_insolvent": (run["balance_end"] < 0, balance < 0)}
    rows = record().events.set_index(["event", "cutoff", "horizon"])
    assert set(by_hand) == set(EVENTS)
    for event, (draws, happened) in by_hand.items():
        row = rows.loc[event, cutoff, 2]
        assert row["probability"] == float(draws.values[:, 1].mean()) and row["happened"] == happened


def test_summaries_are_those_of_the_rows() -> None:
    told = record()
    pd.testing.assert_frame_equal(told.judged, scoring.judge(told.forecasts))
    pd.testing.assert_frame_equal(told.crossings, scoring.events(told.events))
    pd.testing.assert_frame_equal(told.reliability, scoring.reliability(told.events))
    assert grades(told) == {row.quantity: row.grade for row in told.judged.itertuples() if row.horizon == 0}
    assert told.template == TEMPLATE and not told.skipped
    assert sorted(set(told.forecasts["cutoff"])) == list(range(2015 + LEAST - 1, 2021))


def test_the_same_seed_gives_the_same_record_and_another_seed_another() -> None:
    first = record("county up to 2020").forecasts
    again, other = (backtest(fund().upto(2020), TEMPLATE, 2, DRAWS, seed).forecasts for seed in (SEED, 6))
    pd.testing.assert_frame_equal(first, again)
    assert (first["p95"] != other["p95"]).any()
    # another sample of the same forecast: the error of a median of 64 is 1.25 / 8 of a standard deviation, and 3.3 of
    # these make the interval; five errors are allowed
    assert (np.abs(first["p50"] - other["p50"]) < 5 * np.sqrt(2) * 1.25 / 8 / 3.3 * (first["p95"] - first["p05"])).all()


# ---- chances are kept --------------------------------------------------------------------------------------

def test_intervals_hold_for_funds_that_the_model_itself_makes() -> None:
    """Eight futures of one county, each forecast from its first six years for the next two.

    Of eight funds at least 5 must lie in the 90 % interval and at least 1 in the 50 % one: fewer would be seen once in
    200 and in 256 right forecasts of one quantity. Over all quantities, which go together, as many as for one fund.
    """
    assert binom.cdf(4, 8, 0.9) < 1 / 190 and binom.cdf(0, 8, 0.5) < 1 / 250
    makes = adapted(fund(8, seed=1), load_scenario(TEMPLATE), 8)
    run = simulate(makes, 32, 9, "table").data.isel(area=0)
    rows = []
    for draw in range(0, 32, 4):
        values = {name: run[model].values[draw] for name, (model, _) in FORECAST.items() if name in QUANTITIES}
        series = Series(f"fund {draw}", tuple(range(2023, 2031)), {
            key: frozen(values.get(key, np.full(8, np.nan))) for key in QUANTITIES}, "0" * 64)
        own = adapted(series.upto(2028), load_scenario(TEMPLATE), 2)
        actual = {name: of(series.values) for name, (_, of) in FORECAST.items()}
        rows += held_against(simulate(own, 256, draw, "table"), actual, series, 2028, 2030)[0]
    found = pd.DataFrame(rows)
    hits = found.groupby(["quantity", "horizon"])[["in50", "in90"]].sum()
    assert len(found) == 8 * 2 * len(FORECAST)
    assert (hits["in90"] >= 5).all() and (hits["in50"] >= 1).all(), hits
    share = found[["in50", "in90"]].astype(float).mean()
    assert not scoring.refuted(share["in90"], 8, 0.9) and not scoring.refuted(share["in50"], 8, 0.5), share


# ---- tables with holes -------------------------------------------------------------------------------------

def test_six_years_with_holes_are_enough() -> None:
    series = fund(FEWEST)
    for key, years in (("income", slice(1, 2)), ("stays", slice(0, 3)), ("visits", slice(2, 6)),
                       ("balance", slice(4, 5))):
        series = changed(series, key, years, np.nan)
    told = backtest(series, TEMPLATE, 2, 16)
    assert [year for year, _ in told.skipped] == [2017]  # two incomes by then
    assert "2 years" in told.skipped[0][1].en and "2 个年份" in told.skipped[0][1].zh
    rows = told.forecasts
    assert set(rows["cutoff"]) == {2018, 2019} and np.isfinite(rows["actual"]).all()
    balances = rows[rows["quantity"] == "balance"]
    assert set(balances["year"]) == {2020}  # of 2019 there is none to compare with
    assert "visits" not in set(rows["quantity"])  # none is known after 2016
    stays = rows[rows["quantity"] == "stays"]
    assert set(stays["cutoff"]) == {2019}  # two figures of stays only then
    assert set(told.judged["grade"]) <= set(scoring.GRADES)


def test_stays_that_the_table_does_not_tell_are_not_forecast() -> None:
    """Two figures of stays are known by 2018, but only one beside spending, so the model's are the template's."""
    series = changed(changed(fund(6), "spending", slice(0, 1), np.nan), "stays", slice(2, 4), np.nan)
    rows = backtest(series, TEMPLATE, 1, 16).forecasts
    assert set(rows["cutoff"]) == {2018, 2019} and set(rows[rows["quantity"] == "stays"]["cutoff"]) == {2019}


def test_a_table_without_care_or_balance_is_forecast_in_what_it_has() -> None:
    bare = fund(6, stays=np.full(6, np.nan), visits=np.full(6, np.nan), balance=np.full(6, np.nan))
    told = backtest(bare, TEMPLATE, 1, 16)
    assert set(told.forecasts["quantity"]) == {"enrolment", "income", "spending", "surplus", "surplus_ratio"}
    assert set(told.events["event"]) == {"p_surplus_over", "p_deficit"}


def test_a_year_without_any_income_has_no_ratio_and_no_warning() -> None:
    series = changed(fund(6), "income", slice(0, 1), 0.0)
    told = backtest(series, TEMPLATE, 1, 16)
    assert {year for year, _ in told.skipped} == {2017}
    assert np.isfinite(told.forecasts["error"]).all()


def test_figures_of_nothing_and_rivals_that_are_right_leave_finite_scores() -> None:
    """A balance of nothing year after year: its miss is measured by income, and no rival is wrong but by rounding."""
    steady = changed(fund(8), "balance", slice(0, 8), 0.0)
    told = backtest(steady, TEMPLATE, 1, 16).judged
    balance = told[told["quantity"] == "balance"]
    assert (balance["bias"].abs() < 1e3).all() and balance["skill_drift"].isna().all()


def test_a_rival_needs_two_figures() -> None:
    assert naive(np.array([np.nan, 1.0]), 2, "income") == {}
    both = naive(np.array([1.0, 2.0]), 2, "income")
    assert set(both) == {"drift", "trend"} and both["drift"].shape == (len(POINTS), 2)
    assert (naive(np.array([1.0, 2.0, 4.0]), 1, "income")["drift"] > 0).all()  # in logs
    assert_allclose(np.median(naive(np.array([1.0, 2.0, 3.0]), 1, "balance")["drift"]), 4.0)  # not in logs


# ---- refusals ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("ask, what, remedy", [
    (lambda: backtest(fund(FEWEST - 1), TEMPLATE), "only 5 years", "at least 6"),
    (lambda: backtest(fund(), TEMPLATE, 0), "0 years ahead", "1 or more"),
    (lambda: backtest(fund(), TEMPLATE, 2, 3), "3 draws", "16"),
    (lambda: backtest(fund(), "urrbmi_county_2025"), "no such scenario", "urrbmi_county_2026"),
    (lambda: backtest("national_nrcm"), "no such file", "national_nrcms"),
    (lambda: backtest(changed(fund(), "income", slice(0, 5), np.nan), TEMPLATE), "has 1 years", "at least 3"),
    (lambda: backtest(changed(fund(), "income", slice(None), 50.0), TEMPLATE, 1, 16), "cannot follow", "at least 3")])
def test_what_cannot_be_forecast_is_refused_with_the_reason(ask, what: str, remedy: str) -> None:
    with pytest.raises(BadInput) as caught:
        ask()
    (fault,) = caught.value.faults
    assert what in fault.what.en and remedy in fault.remedy.en and fault.what.zh != fault.what.en


# ---- the bundled series ------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", bundled())
def test_every_bundled_series_has_a_record(name: str) -> None:
    told = record(name)
    series = load_series(name)
    cutoffs = set(told.forecasts["cutoff"]) | {year for year, _ in told.skipped}
    assert cutoffs == set(series.years[LEAST - 1:-1])
    assert all(why.zh and why.en for _, why in told.skipped)
    assert {"income", "spending", "enrolment", "surplus"} <= set(told.forecasts["quantity"])
    numbers = told.forecasts[["p05", "p50", "p95", "crps", "pit", "error"]].to_numpy(float)
    assert np.isfinite(numbers).all() and (told.forecasts["p05"] <= told.forecasts["p95"]).all()
    assert (told.forecasts["year"] - told.forecasts["cutoff"] == told.forecasts["horizon"]).all()
    assert told.forecasts["horizon"].between(1, 5).all() and told.events["probability"].between(0, 1).all()
    assert not told.forecasts.duplicated(["quantity", "cutoff", "horizon"]).any()
    rows = told.forecasts
    assert (rows["in90"] == rows["actual"].between(rows["p05"], rows["p95"])).all()
    assert (rows["in50"] == rows["actual"].between(rows["p25"], rows["p75"])).all()
    assert set(told.judged["grade"]) <= set(scoring.GRADES)


# ---- the command -------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def file(tmp_path_factory) -> str:
    series = fund(6)
    frame = pd.DataFrame({"year": series.years} | {key: series.values[key] for key in (
        "enrolment", "income", "spending", "stays", "visits", "balance")})
    path = tmp_path_factory.mktemp("series") / "county.csv"
    frame.to_csv(path, index=False)
    return str(path)


def test_the_command_prints_and_writes_the_record(file: str, tmp_path, capsys) -> None:
    asked = ["backtest", file, "--draws", "16", "--horizon", "2", "--seed", "3"]
    assert main([*asked, "--json", "--out", str(tmp_path / "new" / "record")]) == 0
    told = json.loads(capsys.readouterr().out)
    same = backtest(load_series(file), TEMPLATE, 2, 16, 3)
    assert told["series"] == "county" and told["template"] == TEMPLATE and told["skipped"] == []
    assert told["grades"] == grades(same)
    for name in ("forecasts", "judged", "events", "crossings", "reliability"):
        frame = getattr(same, name)
        written = pd.read_csv(tmp_path / "new" / "record" / f"{name}.csv")
        assert list(written.columns) == list(frame.columns) == list(pd.DataFrame(told[name]).columns)
        assert len(written) == len(frame) == len(told[name])
    # JSON has ten decimals
    assert_allclose([row["p50"] for row in told["forecasts"]], same.forecasts["p50"], rtol=1e-9, atol=1e-10)
    # in words, from the same figures
    assert main([*asked, "--lang", "zh"]) == 0
    text = capsys.readouterr().out
    for name in set(same.forecasts["quantity"]):
        assert TITLES[name].zh in text and TITLES[name].en not in text
        assert not re.search(rf"\b{name}\b", text.replace("county", ""))
    assert "合计" in text and "概率" in text


@pytest.mark.parametrize("wrong, what", [
    (["--horizon", "0"], "0 years ahead"), (["--horizon", "two"], "not a whole number"), (["--draws", "3"], "3 draws"),
    (["--template", "nowhere"], "no such scenario"), (["--seed", "-1"], "seed")])
def test_the_command_refuses_plainly(wrong: list[str], what: str, file: str, capsys) -> None:
    assert main(["backtest", file, "--draws", "16", "--horizon", "1", *wrong]) == 2
    told = capsys.readouterr().err
    assert what in told and "Traceback" not in told and told.count("\n") == 1
