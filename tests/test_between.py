"""What the table reads between the points where it settles, and what chance may not do to amounts that add up."""

import numpy as np
import pytest

from bench.pool import scaled
from simulation import load_scenario, simulate
from simulation.engines.nodes import bonus_nodes
from simulation.scenario import Change, Scenario
from simulation.terms import Source

COUNTY = load_scenario("urrbmi_county_2026").model_copy(update={"changes": ()})
ALL_OUTPATIENT = {"benefits.rate.outpatient": 1, "benefits.deductible.outpatient": 0,
                  "benefits.kind_ceiling.outpatient": None}


def edited(scenario: Scenario, levers: dict, year: int = 0, years: int = 3) -> Scenario:
    """A scenario of some years with levers set some years after the first."""
    return scenario.model_copy(update={"years": years}).changed([
        Change(lever=lever, year=scenario.first_year + year, value=value, source=Source(status="assumption"))
        for lever, value in levers.items()])


def means(scenario: Scenario, name: str, draws: int = 64, engine: str = "table") -> np.ndarray:
    """A quantity's mean by year."""
    return simulate(scenario, draws, 11, engine=engine).data[name].isel(area=0).mean("draw").values


@pytest.mark.parametrize(("rates", "bonus", "limit", "longest"), [
    ([0.6], 0.01, 0.7, 9), ([0.5, 0.55, 0.6], 0.013, 0.7, 12), ([0.2, 0.9], 0.3, 1.0, 5), ([0.65], 0.05, 0.67, 3)])
def test_every_contribution_year_is_read_as_its_rate_bends(rates, bonus, limit, longest) -> None:
    nodes, weights = bonus_nodes(np.array(rates), bonus, limit, longest)
    years = np.arange(longest + 1.0)
    assert weights.shape == (longest + 1, len(nodes))
    for rate in rates:
        paid = lambda y, rate=rate: np.minimum(rate + bonus * y, max(limit, rate))  # noqa: E731
        np.testing.assert_allclose(weights @ paid(nodes), paid(years), atol=1e-12)
        np.testing.assert_allclose(weights @ np.exp(-paid(nodes)), np.exp(-paid(years)), atol=3e-4)


def test_layers_above_the_fund_follow_a_bonus_as_they_do_person_by_person() -> None:
    """A straight line between the first and the fifth year put critical-illness payments 87 % too high."""
    levers = {"benefits.contribution_bonus": 0.1, "benefits.rate": 0.5, "benefits.rate_limit": 1}
    county = scaled(edited(COUNTY, levers, years=5), 100_000)
    table, exact = (means(county, "critical", engine=engine) for engine in ("table", "exact"))
    np.testing.assert_allclose(table, exact, rtol=0.1)  # the payments of a few hundred people vary by 2 %


def test_a_ceiling_of_the_last_year_moves_no_year_before() -> None:
    late = edited(COUNTY, {"benefits.ceiling": 10_000_000}, year=5, years=6)
    before, after = (means(each, "critical") for each in (edited(COUNTY, {}, years=6), late))
    np.testing.assert_allclose(after[:5], before[:5], rtol=5e-4)
    assert after[5] < 0.99 * before[5]


def test_what_is_paid_in_full_is_paid_in_full_in_every_draw() -> None:
    data = simulate(edited(COUNTY, ALL_OUTPATIENT), 64, 11, engine="table").data.isel(area=0)
    share = (data["outpatient"] / data["outpatient_expense"]).values
    assert share.max() - share.min() < 0.01  # mixes of tiers with other in-policy shares


@pytest.mark.parametrize("engine", ["table", "exact"])
@pytest.mark.parametrize("people", [100, 3000])
def test_what_a_bound_takes_off_a_payment_patients_bear(engine: str, people: int) -> None:
    for place in (COUNTY, load_scenario("city_pooling_2012")):
        data = simulate(scaled(edited(place, ALL_OUTPATIENT if place is COUNTY else {}), people), 64, 3,
                        engine=engine).data.isel(area=0)
        paid = sum(data[name] for name in ("inpatient_paid", "chronic", "outpatient", "critical", "assistance",
                                           "commercial", "account_paid"))
        np.testing.assert_allclose(paid + data["out_of_pocket"], data["expense"], rtol=1e-9)
        assert data["out_of_pocket_by_group"].min() >= 0


def test_no_group_of_a_tiny_pool_is_paid_more_than_its_care_costs() -> None:
    data = simulate(scaled(load_scenario("benxi_2008"), 30), 256, 1, engine="table").data.isel(area=0)
    own = data["out_of_pocket_by_group"]
    assert own.min() > -1e-6
    np.testing.assert_allclose(own.sum("group"), data["out_of_pocket"], rtol=1e-9, atol=1e-6)
