"""One future of a run: its parts and groups add up, and it is a future of the run itself."""

import numpy as np
import pytest

from simulation import futures, load_scenario, simulate
from simulation.model import futures_of
from simulation.objectives import changed
from tests.coarse import coarse

COUNTY, TOWN = "urrbmi_county_2026", "benxi_2008"
SEED = 20080101

fewer_histories = pytest.fixture(scope="module", autouse=True)(coarse)


@pytest.fixture(scope="module")
def result_and_story():
    result, paid = futures.with_groups(load_scenario(COUNTY), 512, SEED)
    return result, futures.story_of(result, paid, SEED)


@pytest.mark.parametrize("name", [COUNTY, TOWN, "city_pooling_2012", "county_community_2024", "account_to_pool_2011"])
def test_the_parts_add_up_to_every_closing_balance(name):
    add_up(simulate(name, 64, engine="table"))


def test_the_parts_add_up_where_bills_are_reviewed_and_families_have_accounts():
    first = load_scenario(COUNTY).first_year
    result = simulate(changed(load_scenario(COUNTY), [
        ("financing.account", first, 50), ("supervision.review_coverage", first, 0.5),
        ("supervision.sample_share", first, 0.1)]), 64, engine="table")
    assert all((result.data[name] > 0).any() for name in ("account_in", "recovered", "review_saving"))
    add_up(result)


def add_up(result):
    total = sum(values.sum(axis=1) for values in futures.parts_of(result).values())
    closing = result.data["balance_end"].isel(area=0, year=-1).values
    assert total == pytest.approx(closing, abs=len(closing) * futures.ROUNDING)


def test_a_future_is_one_of_the_run_and_its_parts_make_the_difference(result_and_story):
    result, story = result_and_story
    closing = result.data["balance_end"].isel(area=0, year=-1).values
    assert set(story.closing) <= set(closing)
    for at in (5, 50, 95):
        end = story.closing[at - 1]
        assert (closing < end).mean() == pytest.approx(at / 100, abs=2 / len(closing))
        assert futures.differences(story, at).sum() == pytest.approx(end - story.middle, abs=1.0)  # of 10^8 yuan
    low, high = np.quantile(closing, [0.45, 0.55])
    assert story.middle == pytest.approx(closing[(low <= closing) & (closing <= high)].mean())


def test_a_shock_is_ranked_among_those_of_its_own_year(result_and_story):
    result, story = result_and_story
    closing = result.data["balance_end"].isel(area=0, year=-1).values
    own = np.flatnonzero(closing == story.closing[4])[0]
    for name, values in futures.shocks_of(result, SEED).items():
        assert story.shocks[name][4] == pytest.approx(values[own])
        assert story.ranks[name][4] == pytest.approx((values < values[own]).mean(axis=0))


def test_groups_add_up_to_stays_and_special_diseases(result_and_story):
    result, story = result_and_story
    care = [name for name in story.parts if name.startswith("tier.") or name == "chronic"]
    gap = futures.differences(story, 5)[care].sum()
    of_groups = sum(story.groups[name][4].sum() - story.middle_groups[name].sum() for name in story.groups)
    assert of_groups == pytest.approx(gap, abs=1.0)


def test_the_run_with_its_groups_is_the_run_itself():
    plain = simulate(TOWN, 64)
    caught, paid = futures.with_groups(load_scenario(TOWN), 64, SEED)
    assert caught.fingerprint == plain.fingerprint
    layers = sum(plain.data[name].isel(area=0).values for name in ("inpatient_paid", "chronic", "critical",
                                                                   "assistance", "commercial"))
    assert paid.sum(axis=2) == pytest.approx(layers)


def test_shocks_depart_from_a_median_of_nothing(result_and_story):
    result, _ = result_and_story
    for name, values in futures.shocks_of(result, SEED).items():
        assert np.median(values, axis=0) == pytest.approx(0.0, abs=1e-12), name
        assert values.std() > 0 or name == "funding"


def test_a_citys_shocks_are_the_geometric_mean_of_its_counties():
    result = simulate("city_pooling_2012", 64, engine="table")
    scenario = result.scenario
    counties = [futures_of(scenario.text(), 64, SEED, area).price for area in scenario.axes.area]
    price = np.prod(counties, axis=0) ** (1 / len(counties))
    assert futures.shocks_of(result, SEED)["price"] == pytest.approx(price / np.median(price, axis=0) - 1)
