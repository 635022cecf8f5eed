"""The answer in words: whether the fund stays inside its lines, from figures that are the run's own."""

import re

import numpy as np
import pytest

from report.answers import EACH, told
from report.burden import sentence
from report.findings import answer, doubt, figures, likely, open_years, sentences
from simulation import load_scenario, simulate
from simulation.measures import STAYS, happened, staying
from simulation.scenario import Change
from simulation.terms import LANGUAGES, Source


@pytest.fixture(scope="module")
def result():
    return simulate("urrbmi_county_2026", draws=256, engine="table")


def test_to_stay_is_that_nothing_breaks_it_in_any_year(result):
    events, found = happened(result), staying(result).set_index("what")["value"]
    for what, broken in STAYS.items():
        bad = np.zeros(256, bool)
        for event in broken:
            for year in range(events[event].shape[1]):
                bad |= events[event][:, year]
        assert found[what] == pytest.approx(1 - bad.mean())
    assert found["inside"] <= found.drop("inside").min()


def test_more_money_keeps_the_fund_above_zero_and_hoards_more(result):
    scenario = load_scenario("urrbmi_county_2026")
    richer = simulate(scenario.changed([Change(lever="financing.subsidy", year=2026, value=1000,
                                               source=Source(status="assumption"))]), draws=256, engine="table")
    before, after = (staying(one).set_index("what")["value"] for one in (result, richer))
    assert after["solvent"] > before["solvent"] and after["no_deficit"] > before["no_deficit"]
    assert after["no_hoarding"] <= before["no_hoarding"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answer_comes_first_and_its_figures_are_the_runs(result, language):
    run = told(result)
    first = sentences(run, language)[0]
    assert first == answer(run, None, language)
    for value in run.staying["value"]:
        assert f"{100 * value:.1f}%" in first
    both = answer(run, run, language)
    assert both.count(f"{100 * run.staying['value'][0]:.1f}%") >= 2


@pytest.mark.parametrize(("inside", "side"), [
    (1.0, "surely"), (0.97, "yes"), (0.9, "yes"), (0.1, "no"), (0.03, "no"), (0.0, "hardly"), (0.5, "open"),
    (0.55, "yes"), (0.53, "open"), (0.47, "open"), (0.45, "no")])
def test_the_verdict_follows_the_chance_beyond_its_error(result, inside, side):
    run = told(result)
    moved = run.staying.assign(value=np.where(run.staying["what"] == "inside", inside, 0.95), se=0.02)
    said = {"surely": "几乎必定能守住", "yes": "多半能守住", "no": "多半守不住", "hardly": "几乎必定守不住",
            "open": "分不出"}
    assert said[side] in answer(run._replace(staying=moved), None, "zh")


def test_a_year_is_told_as_likely_only_beyond_two_errors_and_within_them_as_open(result):
    run = told(result)
    years = result.scenario.horizon()
    value = run.chances["year"].map(dict(zip(years, (0.57, 0.55, 0.45, 0.43), strict=False))).fillna(0.0)
    near = run._replace(chances=run.chances.assign(value=value, se=0.03))
    assert likely(near, "p_deficit") == [years[0]] and open_years(near, ["p_deficit"]) == list(years[1:3])


def test_the_range_told_is_that_of_nine_futures_in_ten_in_the_last_year(result):
    last = result.data["balance_ratio"].isel(year=-1, area=0)
    low, high = (f"{100 * float(last.quantile(level)):.0f}%".replace("-", "−") for level in (0.05, 0.95))
    assert f"in {result.scenario.horizon()[-1]}, 90%" in doubt(told(result), "en")
    assert f"between {low} and {high}." in doubt(told(result), "en")


def test_each_figure_has_the_error_of_the_year_it_names(result):
    """Errors that differ in every row: a figure's is that of its own event and year."""
    run = told(result)
    first, event = result.scenario.first_year, run.chances["event"]
    highest = first + 1 + (event == "p_deficit")  # the second year, and of a deficit the third
    run = run._replace(chances=run.chances.assign(value=np.where(run.chances["year"] == highest, 0.5, 0.1),
                                                  se=np.arange(1, len(run.chances) + 1) / 1e4))
    for event, one in zip(("p_insolvent", "p_deficit", "p_balance_over"), figures(run, None, "en"), strict=False):
        year = int(re.search(r"\d{4}", one.label)[0])
        assert one.error == f"{100 * run.chance(event)['se'][year]:.2f}%"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_better_balance_reads_better_and_a_fuller_reserve_neither_better_nor_worse(result, language):
    """More money makes insolvency and deficits rarer: better. More saved is a fact about the limit, and no verdict."""
    richer = result.scenario.changed([Change(lever="financing.subsidy", year=2026, value=1000,
                                             source=Source(status="assumption"))])
    before, after = told(result), told(simulate(richer, draws=256, engine="table"))
    assert [one.way for one in figures(after, before, language)] == ["better", "better", "more", "more"]
    assert [one.way for one in figures(before, after, language)] == ["worse", "worse", "less", "less"]
    still = figures(before, before, language)
    assert {(one.way, one.arrow) for one in still} == {("same", "off")}
    assert all(not re.search("[-+−]", one.change) for one in still)
    assert {one.way for one in figures(before, None, language)} == {""}


def test_a_change_is_that_of_the_year_the_figure_names(result):
    """Late subsidies move the worst deficit to the first year: it stands beside that year's, not the worst before."""
    late = result.scenario.changed([Change(lever="financing.subsidy_late", year=2026, value=0.3,
                                           source=Source(status="assumption"))])
    before, after = told(result), told(simulate(late, draws=256, engine="table"))
    was, now = (run.chance("p_deficit")["value"] for run in (before, after))
    year = now.idxmax()
    assert year != was.idxmax() and abs(was[year] - was.max()) > 0.1
    deficit = figures(after, before, "en")[1]
    assert str(year) in deficit.label
    assert float(re.search(r"[\d.]+", deficit.change)[0]) == pytest.approx(100 * (now[year] - was[year]), abs=0.051)


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_pays_is_told_of_each_insured_person_in_the_last_year_and_before(result, language):
    richer = simulate(result.scenario.changed([Change(lever="financing.subsidy", year=2026, value=1000,
                                                      source=Source(status="assumption"))]), draws=256, engine="table")
    said = sentence(told(richer), told(result), language)
    for one in (result, richer):
        last = one.data.isel(year=-1, area=0).mean()
        for parts in EACH.values():
            assert f"{float(sum(last[name] for name in parts) / last['enrolled']):,.0f}" in said
    assert str(result.scenario.horizon()[-1]) in said
