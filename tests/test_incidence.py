"""Winners and losers: limiting cases worked by hand, and the means of the exact engine."""

import json

import numpy as np
import pytest

from simulation import load_scenario, simulate
from simulation.__main__ import main
from simulation.engines import individual
from simulation.incidence import LEVELS, incidence, quantiles
from simulation.measures import unresponsive
from simulation.scenario import Change, LocalRule
from simulation.terms import BadInput, Source
from tests.coarse import coarse

TOWN, COUNTY = load_scenario("benxi_2008"), load_scenario("urrbmi_county_2026")
TESTED = Source(status="assumption")
DRAWS = 64  # only to find a median future, which both rule books share
CHANCE = 0.02  # between people in the exact engine: 64 draws of some 200,000 persons leave less than 1 % either way


fewer_histories = pytest.fixture(scope="module", autouse=True)(coarse)


def moved(scenario, year=None, **levers):
    """The scenario with levers set, dots written as double underscores."""
    return scenario.changed([Change(lever=name.replace("__", "."), year=year or scenario.first_year, value=value,
                                    source=TESTED) for name, value in levers.items()])


def whole(found):
    """The row of everybody."""
    return found.winners.iloc[0]


@pytest.mark.parametrize("scenario", [TOWN, COUNTY, load_scenario("city_pooling_2012")], ids=lambda s: s.name)
def test_without_a_change_everybody_is_where_they_were(scenario):
    found = incidence(scenario, scenario, draws=DRAWS)
    assert found.winners["unchanged"].to_numpy() == pytest.approx(1.0)
    assert (found.winners[["change", "p05", "p95"]] == 0).all(axis=None)
    assert (found.winners["catastrophic_before"] == found.winners["catastrophic_after"]).all()
    whom = found.winners.set_index(["by", "member"])["persons"]
    for by in ("group", "status", "level"):  # nobody is counted twice or left out
        assert whom[by].sum() == pytest.approx(whom["all", "all"])


def test_thirty_yuan_more_are_lost_by_everyone_who_pays_and_by_nobody_else():
    value = {name: statuses | {"ordinary": statuses["ordinary"] + 30}
             for name, statuses in COUNTY.policy.financing.contribution.value.items()}
    dearer = COUNTY.changed([Change(lever=f"financing.contribution.{group}.ordinary", year=2026, source=TESTED,
                                    value=value[group]["ordinary"]) for group in value])
    rows = incidence(COUNTY, dearer, draws=DRAWS).winners.set_index(["by", "member"])
    pays = rows.loc["status", "ordinary"]
    assert pays["lose"] == pytest.approx(1.0) and pays["change"] == pytest.approx(30) == pays["p05"] == pays["p95"]
    assert rows.loc["status", "low_income"]["unchanged"] == pytest.approx(1.0)
    assert rows.loc["all", "all"]["change"] == pytest.approx(
        30 * pays["persons"] / rows.loc["all", "all"]["persons"])
    assert (rows["out_of_pocket_before"] == rows["out_of_pocket_after"]).all()


def test_everybody_pays_what_the_own_county_asks() -> None:
    """Counties that paid 90, 10 and 50 yuan all pay 50: who paid 90 gains, who paid 10 loses, though the mean is 50."""
    city = load_scenario("city_pooling_2012")
    own = tuple(LocalRule(area=area, lever=f"financing.contribution.{group}.ordinary", value=value, source=TESTED)
                for area, value in (("area_a", 90), ("area_b", 10)) for group in city.axes.group)
    apart = city.model_copy(update={"local_rules": own, "changes": ()})
    rows = incidence(apart, moved(apart, pooling__unified="yes"), draws=DRAWS).winners.set_index(["by", "member"])
    parts = dict(zip(city.axes.area, city.value("areas", "people", ("area",)), strict=True))
    ordinary = rows.loc["status", "ordinary"]
    assert (ordinary["p05"], ordinary["p95"]) == (-40, 40) and rows.loc["status", "poor"]["change"] == 0
    for area, column in (("area_a", "gain"), ("area_b", "lose")):
        assert ordinary[column] == pytest.approx(parts[area] / sum(parts.values()), abs=0.02)


def test_thirty_yuan_are_no_change_to_who_counts_fifty_as_none():
    dearer = moved(COUNTY, financing__contribution__adult__ordinary=430)
    assert whole(incidence(COUNTY, dearer, threshold=50, draws=DRAWS))["unchanged"] == pytest.approx(1.0)


@pytest.mark.parametrize("scenario", [TOWN, COUNTY], ids=lambda s: s.name)
def test_when_every_rate_rises_nobody_loses(scenario):
    rates = {name: value for name, value, *_ in scenario.levers() if name.startswith("benefits.rate.")}
    better = scenario.changed([Change(lever=name, year=scenario.first_year, value=min(value + 0.05, 1.0),
                                      source=TESTED) for name, value in rates.items()])
    found = incidence(scenario, better, draws=DRAWS)
    assert (found.winners["lose"] == 0).all() and (found.winners["p95"] <= 0).all()
    at_all = found.winners.set_index("member")
    assert at_all.loc["one_stay", "gain"] > 0.5 > at_all.loc["all", "gain"] > 0
    assert (found.benefits["fund_after"] >= found.benefits["fund_before"]).all()


def test_a_rate_of_one_group_concerns_that_group_alone():
    rows = incidence(COUNTY, moved(COUNTY, benefits__rate__inpatient__senior__county=0.65), draws=DRAWS).winners
    rows = rows[rows["by"] == "group"].set_index("member")
    assert rows.loc[["child", "adult"], "unchanged"].to_numpy() == pytest.approx(1.0)
    assert rows.loc["senior", "lose"] > 0.05


def test_what_is_taken_out_of_the_lists_is_left_to_patients():
    """Class B that patients pay first moves expense out of the policy, which no rule of settlement shows."""
    row = whole(incidence(COUNTY, moved(COUNTY, benefits__class_b_first_pay=0.30), draws=DRAWS))
    assert row["change"] > 10 and row["gain"] == 0


@pytest.mark.parametrize("scenario", [TOWN, COUNTY], ids=lambda s: s.name)
def test_means_are_those_of_the_exact_engine(scenario):
    scenario = moved(scenario, enrolment__waiting_months=0)  # care while people wait is left out here
    found = incidence(scenario, scenario, draws=DRAWS)
    data = simulate(scenario, DRAWS, without=("parameters", "shocks"), spend=individual.spend).data.isel(
        year=0, area=0).mean("draw")
    people = data["insured_by_group"].values
    rows = found.winners[found.winners["by"] == "group"]
    assert rows["persons"].to_numpy() == pytest.approx(people, rel=CHANCE)
    assert rows["out_of_pocket_before"].to_numpy() == pytest.approx(
        data["out_of_pocket_by_group"].values / people, rel=CHANCE)
    assert rows["catastrophic_before"].to_numpy() == pytest.approx(
        data["catastrophic_by_group"].values / people, rel=3 * CHANCE)  # some hundreds of people a draw
    total = found.benefits.iloc[-1]
    owed = sum(float(data[name]) for name in ("inpatient_paid", "chronic", "outpatient"))
    assert total["fund_before"] == pytest.approx(owed / people.sum(), rel=CHANCE)
    if scenario.name == TOWN.name:  # whose returners pay arrears, too
        return
    assert total["contribution_before"] * people.sum() == pytest.approx(float(data["individual_income"]), rel=CHANCE)
    public = float(data["subsidy_income"] + data["assisted_income"])
    assert total["subsidy_before"] * people.sum() == pytest.approx(public, rel=CHANCE)


def test_a_difference_is_that_of_two_runs_on_the_same_draws():
    """The mean change is what the table engine's runs differ by when nobody responds."""
    still = unresponsive(COUNTY)
    lower = moved(still, benefits__deductible__inpatient__county=800)
    found = whole(incidence(still, lower, draws=DRAWS))
    left = [simulate(scenario, DRAWS, engine="table", without=("parameters", "shocks", "chance")).data.isel(
        year=0, area=0) for scenario in (still, lower)]
    differs = float((left[1]["out_of_pocket"] - left[0]["out_of_pocket"]).mean() / left[0]["enrolled"].mean())
    assert found["change"] == pytest.approx(differs, rel=0.01)  # the table interpolates between prices


def test_each_person_s_parts_add_up_to_the_bills():
    table = incidence(COUNTY, moved(COUNTY, benefits__ceiling=20000), draws=DRAWS).benefits
    for when in ("before", "after"):
        parts = table[[f"{name}_{when}" for name in ("fund", "layers", "left")]].sum(axis=1)
        assert parts.to_numpy() == pytest.approx(table["expense"].to_numpy())


def test_levels_are_told_apart_by_the_year_before_any_rule():
    one, other = (incidence(COUNTY, changed, draws=DRAWS).winners for changed in (
        COUNTY, moved(COUNTY, benefits__ceiling=20000)))
    persons = [table[table["by"] == "level"].set_index("member")["persons"] for table in (one, other)]
    assert persons[0].equals(persons[1]) and set(persons[0].index) == set(LEVELS)
    dear = other.set_index("member").loc["dear"]
    assert dear["lose"] > 0 == other.set_index("member").loc["no_stay", "lose"]


def test_a_later_year_and_what_cannot_be_asked():
    later = incidence(COUNTY, COUNTY, 2035, draws=DRAWS)
    assert later.winners["contribution_before"].iloc[0] > whole(incidence(COUNTY, COUNTY, draws=DRAWS))[
        "contribution_before"]  # ten yuan more a year
    with pytest.raises(BadInput, match="not simulated"):
        incidence(COUNTY, COUNTY, 2050)
    for threshold in (-1.0, float("nan")):
        with pytest.raises(BadInput, match="no amount from 0"):
            incidence(COUNTY, COUNTY, threshold=threshold)
    with pytest.raises(BadInput, match="other people"):
        incidence(COUNTY, TOWN)


def test_the_command_prints_what_the_function_finds(capsys):
    asked = ["incidence", "urrbmi_county_2026", "--set", "benefits.rate.inpatient.senior.county=0.85", "--draws", "64"]
    assert main([*asked, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    found = incidence(COUNTY, moved(COUNTY, benefits__rate__inpatient__senior__county=0.85), draws=64)
    assert answer["winners"][0]["gain"] == whole(found)["gain"] and len(answer["benefits"]) == len(found.benefits)
    for language, word in (("zh", "受益"), ("en", "gain")):
        assert main([*asked, "--lang", language]) == 0 and word in capsys.readouterr().out
    for wrong in (["--threshold", "many"], ["--year", "2050"], ["--year", "x"]):
        assert main([*asked, *wrong]) == 2 and capsys.readouterr().err.count("\n") == 1


def test_quantiles_are_of_persons_not_of_rows():
    assert quantiles(np.array([0.0, 100.0]), np.array([99.0, 1.0]), (0.5, 0.995)) == [0.0, 100.0]
