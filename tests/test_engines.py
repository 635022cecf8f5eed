"""The two engines answer alike, output by output, on the same draws; and what each alone must keep."""

import numpy as np
import pytest

from bench.pool import inputs_of, scaled
from simulation import load_scenario, simulate
from simulation.engines import histories, individual, tables, yearly
from simulation.measures import chances
from simulation.results import QUANTITIES
from simulation.scenario import Change
from simulation.terms import Source

PEOPLE, DRAWS = 10_000, 32_768
STATED = Source(status="assumption")
# Stocks and differences may be near zero: they are measured against the year's income.
AGAINST_INCOME = ("surplus", "balance_end")
POINTS = [name for name, (_, unit) in QUANTITIES.items() if unit == "share"]


@pytest.fixture(scope="module")
def pair() -> tuple:
    """Both engines on ten thousand people, where the chance of each single person still shows."""
    scenario = scaled(load_scenario("benxi_2008"), PEOPLE)
    return tuple(simulate(scenario, DRAWS, seed=11, engine=engine) for engine in ("table", "exact"))


def measured(pair: tuple, quantity: str) -> tuple[np.ndarray, np.ndarray]:
    """Both engines' draws (d, t): shares as they are, everything else relative to the table's mean."""
    table, exact = (result.data[quantity].values[:, :, 0] for result in pair)
    if quantity in POINTS:
        return table, exact
    scale = pair[0].data["income"] if quantity in AGAINST_INCOME else pair[0].data[quantity]
    scale = scale.values[:, :, 0].mean(axis=0)
    return table / scale, exact / scale


# One dear stay in a small pool lowers what the fund pays of all expense, so the ratio leans to the left. The table
# knows how far both vary and go together, not that: at ten thousand people, half of what it is used for, the ends of
# the ratios' intervals are up to 0.0136 apart.
LEANING = {"in_policy_ratio": 0.015, "effective_ratio": 0.015, "out_of_pocket": 0.01}


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_means_agree_within_three_in_ten_thousand(pair: tuple, quantity: str) -> None:
    table, exact = measured(pair, quantity)
    difference = exact.mean(axis=0) - table.mean(axis=0)
    # What is left of the people's own chance at this number of draws, at most 6e-4 in one year, is allowed for.
    error = (exact - table).std(axis=0) / np.sqrt(DRAWS)
    allowed = 4e-4 if quantity in LEANING else 3e-4
    assert (np.abs(difference) <= allowed + 3.5 * error).all(), (difference * 1e4, error * 1e4)


def test_means_over_all_years_agree_without_allowance(pair: tuple) -> None:
    for quantity in ("expenditure", "out_of_pocket", "in_policy_ratio", "effective_ratio", "primary_share",
                     "catastrophic"):
        table, exact = measured(pair, quantity)
        assert abs(exact.mean() - table.mean()) < 3e-4, quantity


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_quantiles_agree_within_half_a_per_cent(pair: tuple, quantity: str) -> None:
    """Half a per cent but for `LEANING`."""
    draws = measured(pair, quantity)
    table, exact = (np.quantile(x, [0.05, 0.95], axis=0) for x in draws)
    # Sixteen batches tell how far the two quantiles differ by the number of draws alone.
    batches = np.array([np.subtract(*(np.quantile(x[b::16], [0.05, 0.95], axis=0) for x in draws)) for b in range(16)])
    error = batches.std(axis=0, ddof=1) / 4
    assert (np.abs(exact - table) <= LEANING.get(quantity, 0.005) * np.maximum(np.abs(table), 1) + 3.5 * error).all(), (
        exact - table, error)


def test_chances_agree(pair: tuple) -> None:
    table, exact = (chances(result) for result in pair)
    assert (np.abs(exact["value"] - table["value"]) <= 0.003 + 4 * np.hypot(exact["se"], table["se"])).all()


# What the programmes of 2019 bring: cells of contracted residents, mixes that move, tiers that draws lean to.
PARTS = ("basic_by_tier", "stays_by_tier", "insured_by_group", "out_of_pocket_by_group",
         "catastrophic_by_group", "provider_margin", "critical", "assistance", "commercial", "chronic", "eligible",
         "expense", "provider_payment", "visits", "outpatient")


@pytest.fixture(scope="module")
def programmes() -> tuple:
    """Both engines on ten thousand people with family doctors, referral, a supplement and automatic review."""
    scenario = scaled(load_scenario("nanning_family_doctor_2019"), PEOPLE).model_copy(update={"years": 4})
    scenario = scenario.model_copy(update={"changes": tuple(c for c in scenario.changes if c.year < 2023)})
    scenario = scenario.changed(Change(lever=lever, year=year, value=value, source=STATED) for lever, year, value in (
        ("contracts.rate_bonus", 2020, 0.05), ("care.referral_required", 2021, 0.5),
        ("benefits.referral_credit", 2019, 1), ("benefits.commercial_rate", 2021, 0.5),
        ("supervision.review_coverage", 2020, 1)))
    return tuple(simulate(scenario, 4096, seed=11, engine=engine) for engine in ("table", "exact"))


@pytest.mark.parametrize("quantity", PARTS)
def test_programmes_mean_the_same_to_both_engines(programmes: tuple, quantity: str) -> None:
    table, exact = (result.data[quantity].values[:, :, 0] for result in programmes)
    scale = np.abs(table.mean(axis=0)).max(axis=-1, keepdims=True) if table.ndim == 3 else np.abs(table.mean(axis=0))
    difference = (exact - table).mean(axis=0) / np.maximum(scale, 1e-9)
    error = (exact - table).std(axis=0) / np.sqrt(len(table)) / np.maximum(scale, 1e-9)
    assert np.abs(table).max() > 0
    # A share beyond a threshold bends more between five prices than money does: measured against twelve, 0.4 % at most.
    near = 4e-3 if quantity == "catastrophic_by_group" else 5e-4
    assert (np.abs(difference) <= near + 3.5 * error).all(), (difference * 1e4, error * 1e4)


def test_small_pools_use_the_exact_engine_and_large_ones_the_table() -> None:
    benxi = load_scenario("benxi_2008").model_copy(update={"years": 1})
    assert simulate(scaled(benxi, 19_000), 16).manifest["engine"] == "exact"
    assert simulate(scaled(benxi, 21_000), 16).manifest["engine"] == "table"


def test_exact_results_do_not_depend_on_threads() -> None:
    inputs = inputs_of(scaled(load_scenario("benxi_2008"), 3_000), 64)
    alone = individual.spend(*inputs, threads=1)
    for threads in (2, 3):
        for name, together in individual.spend(*inputs, threads=threads)._asdict().items():
            np.testing.assert_array_equal(together, getattr(alone, name))


def test_a_rule_book_kept_settled_answers_like_one_settled_anew() -> None:
    scenario = scaled(load_scenario("benxi_2008"), 50_000)
    later = scenario.changed([Change(lever="benefits.ceiling", year=2013, value=None, source=STATED)])
    histories.KEPT.clear()
    anew = simulate(later, 64, engine="table").data
    simulate(scenario, 64, engine="table")
    assert anew.identical(simulate(later, 64, engine="table").data)
    assert not anew.identical(simulate(scenario, 64, engine="table").data)


def test_a_small_change_of_all_costs_is_a_price() -> None:
    """3 % off stays and 1 % off special diseases are settled with the first year, and cost what they did; a tenth off,
    or less at one tier alone, is settled by itself."""
    _, _, [first, *_], *_, conditions, _ = inputs_of(load_scenario("benxi_2008"), draws=16)
    dear = first._replace(expense=0.97 * first.expense, chronic_expense=0.99 * first.chronic_expense)
    far, one = (first._replace(expense=by * first.expense) for by in (0.9, np.where(first.primary > 0, 0.97, 1.0)))
    costs = [first, dear, far, one, *[first] * (conditions.price.shape[1] - 4)]
    settled, prices = histories.beside_first(costs, conditions)
    assert len(histories.alike([tuple(cost) for cost in settled])) == 3
    assert len(histories.alike([tuple(cost) for cost in settled[:2]])) == 1
    for t, (at, real) in enumerate(zip(settled, costs, strict=True)):
        price = np.exp(prices.log_stays[t])[:, None]
        np.testing.assert_allclose(price * at.expense, conditions.price[:, t, None] * real.expense)
        np.testing.assert_allclose(price[:, 0] * prices.special[t] * at.chronic_expense,
                                   conditions.chronic_price[:, t] * real.chronic_expense)
    assert histories.beside_first([first] * len(costs), conditions)[1].special is None


def test_a_change_of_benefits_leaves_every_illness_where_it_was() -> None:
    """Common random numbers: expense and stays of the exact engine do not move with a benefit rule."""
    scenario = scaled(load_scenario("benxi_2008"), 3_000).changed(
        Change(lever=f"responses.{name}", year=2008, value=0, source=STATED) for name in ("enrolment", "demand",
                                                                                         "tier_choice"))
    dearer = scenario.changed([Change(lever="benefits.ceiling", year=2008, value=5000, source=STATED)])
    before, after = (simulate(s, 32, engine="exact").data for s in (scenario, dearer))
    np.testing.assert_array_equal(before["expense"].values, after["expense"].values)
    np.testing.assert_array_equal(before["stays"].values, after["stays"].values)
    assert (after["expenditure"].values < before["expenditure"].values).any()
    assert (after["expenditure"].values <= before["expenditure"].values).all()


def test_years_settled_together_are_averaged_as_by_themselves() -> None:
    """Schedules, statuses, ceilings and stays are weighed at once for years of which some share a mix of tiers."""
    rng = np.random.default_rng(3)
    years, mixes, cells, at_frequency, statuses, made, ceilings, nodes = 4, 3, 3, 2, 2, 3, 2, 2
    under = [(np.array([0, 2]), np.array([1])), (np.array([1]), np.array([0, 2]))]  # schedules, and the cells
    stays = [np.arange(1, 4), np.arange(4)]  # without and with a special disease
    settled = [[tables.Table(which, those, [
        (k, rng.random((len(k), statuses, len(which), mixes * nodes, len(those), 5, 6))) for k in stays])
        for _ in range(ceilings)] for which, those in under]
    person = yearly.Person(settled, rng.random((years, ceilings)), np.array([1, 0, 1, 2]),
                           rng.random((years, made, statuses, cells)))
    chance = rng.random((years, cells, at_frequency, 4))
    found = yearly.combined(person, chance)
    assert found.shape == (years, cells, at_frequency, 2, nodes, 5, 6)
    for t, mix in enumerate(person.mix):
        own = slice(mix * nodes, (mix + 1) * nodes)
        for (which, those), at_ceilings in zip(under, settled, strict=True):
            for kind, k in enumerate(stays):
                plain = sum(share * np.einsum("suc,kusncpx,cfk->cfnpx", person.weight[t, which][..., those],
                                              table.stacks[kind][1][:, :, :, own], chance[t, those][..., k])
                            for share, table in zip(person.ceiling[t], at_ceilings, strict=True))
                assert found[t, those, :, kind] == pytest.approx(plain)
