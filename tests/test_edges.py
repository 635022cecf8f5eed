"""Edges of the yearly model: funds without income, draws at their bounds, years after a cut, a county's own rules."""

import numpy as np
import pytest

from simulation import goal_seek, goalseek, household, load_scenario, model, simulate
from simulation.estimates import Estimate, find_assumption
from simulation.loading import library
from simulation.measures import happened
from simulation.model import futures_of
from simulation.scenario import Change, LocalRule, Scenario, clause
from simulation.terms import BadInput, Source

DRAWS = 64
BY_HAND = Source(status="assumption")
TESTED = Source(status="assumption")
CITY = load_scenario("city_pooling_2012").model_copy(update={"changes": ()})


def edited(scenario: str | Scenario, *edits: tuple[str, object], year: int | None = None) -> Scenario:
    """A scenario with some levers set from a year on."""
    scenario = load_scenario(scenario) if isinstance(scenario, str) else scenario
    return scenario.changed([Change(lever=lever, year=year or scenario.first_year, value=value, source=BY_HAND)
                             for lever, value in edits])


def futures(scenario: Scenario, draws: int = 1024):
    """What is drawn for a scenario."""
    return futures_of(scenario.model_copy(update={"changes": ()}).text(), draws, 1, None)


@pytest.mark.parametrize("edits", [(("financing.contribution", 0), ("financing.subsidy", 0)),
                                   (("financing.account", 500),)], ids=["none", "less than none"])
def test_one_city_fund_makes_no_money_where_nobody_pays_in(edits) -> None:
    separate, full = (simulate(edited(CITY, ("pooling.method", method), *edits), DRAWS, engine="table").data
                      for method in ("separate", "full"))
    whole = separate["surplus"].isel(area=0)
    assert (whole < 0).all()
    np.testing.assert_allclose(full["surplus"].isel(area=0), whole, rtol=0.01)  # but for interest
    np.testing.assert_allclose(full["transfer"].isel(area=slice(1, None)).sum("area"), 0.0, atol=1.0)


@pytest.mark.parametrize("name", library())
def test_every_draw_keeps_to_the_bounds_of_its_assumption(name: str) -> None:
    scenario = load_scenario(name)
    for each, values in futures(scenario).drawn.items():
        term = find_assumption(each)[2]
        given = getattr(getattr(scenario.assumptions, each.split(".")[0]), each.split(".")[1])
        if given.range:
            assert term.low <= values.min() and values.max() <= term.high, each


def test_a_dearer_contribution_brings_nobody_in_any_draw() -> None:
    before, after = (simulate(edited("benxi_2008", ("financing.contribution.adult.ordinary", value), year=2010), 256,
                              engine="table").data["enrolled"] for value in (255, 400))
    assert (after <= before * (1 + 1e-12)).all() and (after < before).any()


def test_providers_elsewhere_are_no_more_than_all() -> None:
    scenario = edited("guangxi_providers_2017", ("supervision.sample_share", 1),
                      ("supervision.suspension_threshold", 0.01), ("supervision.suspension_months", 6))
    wide = scenario.assuming([Estimate(name="providers.elsewhere", median=0.3, low=0.1, high=1.0, source=BY_HAND)])
    assert np.isfinite(simulate(wide, 256, engine="table").data["expenditure"]).all()


def test_contribution_years_earn_nothing_on_care_that_is_not_covered() -> None:
    bills = {"person": {"group": "adult", "contribution_years": 10}, "bills": [
        {"kind": "outpatient", "tier": "city", "expense": 20_000.0, "eligible": 20_000.0}]}
    scenario = edited("henan_nrcms_2011", ("benefits.contribution_bonus", 0.01))
    assert household.settle(scenario, bills)["year"]["basic"] == 0.0
    bills["bills"][0] |= {"kind": "inpatient"}
    assert household.settle(scenario, bills)["year"]["basic"] > household.settle(
        "henan_nrcms_2011", bills)["year"]["basic"] > 0.0


def test_a_draw_may_heed_what_the_median_does_not() -> None:
    capable = edited("urrbmi_county_2026", ("care.capability", 1))
    spread = {}
    for middle in (0.0, 1e-4):
        found = simulate(capable.assuming([Estimate(name="behaviour.capability_pull", median=middle, low=0.0, high=0.5,
                                                    source=BY_HAND)]), DRAWS, engine="table").data
        stays = found["stays_by_tier"].isel(area=0, year=5)
        spread[middle] = float((stays / stays.sum("tier")).std("draw").sum())
    assert spread[0.0] == pytest.approx(spread[1e-4], rel=0.02)


def test_family_accounts_add_up_where_a_deficit_has_cut_benefits() -> None:
    scenario = edited("account_to_pool_2011", ("financing.subsidy", 100), ("financing.account", 40),
                      ("lines.deficit_cut", 0.3))
    data = simulate(scenario, DRAWS, engine="table").data.isel(area=0)
    kept = data["account_in"] - data["account_paid"] - data["account_leaked"] - data["account_stranded"]
    balance = data["account_balance"]
    assert 0.2 < float((data["surplus"] < 0).mean()) < 0.9
    grown = balance.diff("year")
    held = (balance.isel(year=slice(1, None)) > 0).values  # at nought an account keeps nothing back
    np.testing.assert_allclose(grown.values[held], kept.isel(year=slice(1, None)).values[held], rtol=1e-6, atol=1.0)


def test_a_check_of_goal_seeking_takes_no_more_draws_than_fit(monkeypatch) -> None:
    monkeypatch.setattr(model, "MOST_KEPT", 10 * 128)
    found = goal_seek("benxi_2008", "financing.contribution_step", ["p_deficit<=0.3"], draws=DRAWS, engine="table")
    assert set(found.neighbours["draws"]) == {DRAWS, 128} and goalseek.CHECKED * DRAWS > 128


def test_a_county_s_own_contribution_goes_on_rising_when_the_city_s_is_set_anew() -> None:
    area = next(iter(CITY.axes.area))
    own = CITY.model_copy(update={"local_rules": (LocalRule(
        area=area, lever="financing.contribution", value=100, source=BY_HAND),)})
    own = edited(own, ("financing.contribution_step", 10))
    later = own.changed([Change(lever="financing.contribution", year=2015, value=90, source=BY_HAND)])
    paid = [[set(np.ravel(list(flat(scenario.risen(policy, "contribution", year, [10.0] * CITY.years, area)))))
             for year, policy in zip(scenario.horizon(), scenario.policies(area), strict=True)]
            for scenario in (own, later)]
    assert paid[0] == paid[1] and max(paid[0][5]) == 150


def flat(tree: object) -> list[float]:
    """The values of a tree."""
    return [leaf for below in tree.values() for leaf in flat(below)] if hasattr(tree, "values") else [tree]


def test_bills_are_settled_in_simulated_years_alone() -> None:
    bills = {"person": {"group": "adult"}, "bills": [{"kind": "inpatient", "tier": "level_1", "expense": 3000.0}]}
    for year in (0, 1900, 2050):
        with pytest.raises(BadInput, match="year"):
            household.settle("benxi_2008", bills, year)


def test_a_person_s_bills_are_settled_by_the_own_county() -> None:
    """Where counties keep their own rules; its ceiling is told with the county's clause."""
    county = LocalRule(area="area_a", lever="benefits.ceiling", value=20_000, source=TESTED)
    city = CITY.model_copy(update={"local_rules": (county,)})
    bills = {"bills": [{"kind": "inpatient", "tier": "county", "expense": 200_000.0, "eligible": 180_000.0}]}
    settled = {area: household.settle(city, bills | {"person": {"group": "adult", "area": area}}, CITY.first_year)
               for area in (None, "area_a")}
    assert settled["area_a"]["year"]["basic"] == 20_000 < settled[None]["year"]["basic"]
    ceiling = [step for step in settled["area_a"]["bills"][0]["steps"] if step["amount"] == 20_000]
    assert ceiling[-1]["clause_en"] == clause(city, TESTED)
    unified = city.changed([Change(lever="pooling.unified", year=CITY.first_year, value="yes", source=TESTED)])
    mine, anyone = (household.settle(unified, bills | {"person": {"group": "adult"} | area})["year"]
                    for area in ({"area": "area_a"}, {}))
    assert mine == anyone
    for scenario, area in ((city, "area_x"), ("benxi_2008", "area_a")):
        with pytest.raises(BadInput, match="person.area"):
            household.settle(scenario, {"person": {"group": "adult", "area": area}, "bills": []})


def test_a_chain_of_referrals_is_one_stay_of_the_year() -> None:
    """Second of the year is the stay after the chain; the referred one names its credit alone."""
    stay = {"kind": "inpatient", "expense": 5000.0, "eligible": 5000.0}
    bills = {"person": {"group": "adult"}, "bills": [
        stay | {"tier": "county"}, stay | {"tier": "city", "referred_from": "county"}, stay | {"tier": "primary"}]}
    told = [[step["en"] for step in bill["steps"] if "deductible" in step["en"]]
            for bill in household.settle("county_community_2024", bills, 2025)["bills"]]
    assert told == [["deductible"], ["deductible after the credit for referral"],
                    ["deductible, stay number 2 of the year"]]


def test_a_fund_that_spends_nothing_is_not_below_its_reserve() -> None:
    result = simulate(edited("benxi_2008", ("benefits.rate", 0)), DRAWS, engine="table")
    assert not result.data["expenditure"].values.any() and not happened(result)["p_warning"].any()
