"""The steps by which people and providers respond, and by which money changes hands, checked by hand; and each of
the four responses switched off leaves nothing of itself."""

from functools import lru_cache

import numpy as np
import pytest
import xarray as xr

from bench.pool import scaled
from simulation import load_scenario, simulate
from simulation.rules import compile_rules
from simulation.scenario import Change, Scenario
from simulation.stages.book import book_of
from simulation.stages.enrolment import price_shifts
from simulation.steps import enrolment, financing, payment, pooling, responses, supervision
from simulation.terms import Source

STATED = Source(status="assumption")
MIX = np.array([[0.3, 0.5, 0.2], [0.6, 0.3, 0.1]])  # two groups, three tiers
PRIMARY, AWAY = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])


# ---- tier choice ------------------------------------------------------------------------------------------------

def gain(sensitivity: float = 0.8, prices: object = 0.0, primary: float = 0.0, county: float = 0.0,
         lost: object = 0.0) -> np.ndarray:
    """Gains of the three tiers for one draw: prices and losses by tier, pulls in log odds."""
    return responses.lean(np.array([sensitivity]), np.broadcast_to(np.asarray(prices, float), (2, 3)).T,
                          np.full((1, 2), primary), np.array([county]), PRIMARY, AWAY,
                          np.broadcast_to(np.asarray(lost, float), (1, 3)))


@pytest.mark.parametrize("moved", [gain(), gain(prices=[0.3, -0.2, 0.1]), gain(primary=0.7), gain(county=0.4),
                                   gain(lost=[0.0, 0.2, 0.0])])
def test_shares_of_tiers_add_up_to_one(moved: np.ndarray) -> None:
    shares = responses.chosen(MIX, moved)
    assert shares.shape == (1, 2, 3)
    np.testing.assert_allclose(shares.sum(axis=-1), 1)
    assert (shares > 0).all()


def test_no_change_of_anything_moves_nobody() -> None:
    np.testing.assert_allclose(responses.chosen(MIX, gain())[0], MIX, rtol=1e-15)


def test_a_tier_nobody_uses_stays_empty() -> None:
    assert responses.chosen(np.array([[0.4, 0.6, 0.0]]), gain(prices=[0, 0, -3.0])[:, :1])[0, 0, 2] == 0


@pytest.mark.parametrize("tier", range(3))
def test_a_dearer_tier_loses_to_every_other(tier: int) -> None:
    """Own effect -sensitivity x (1 - share), cross effects +sensitivity x the dearer tier's share, in logs."""
    prices = np.zeros(3)
    prices[tier] = small = 1e-5
    change = np.log(responses.chosen(MIX, gain(prices=prices))[0] / MIX) / small
    own = 0.8 * MIX[:, [tier]]
    expected = np.where(np.arange(3) == tier, own - 0.8, own)
    np.testing.assert_allclose(change, expected, atol=1e-4)


def test_pulls_raise_their_tiers_and_only_these() -> None:
    to_primary, to_county = (responses.chosen(MIX, moved)[0] / MIX for moved in (gain(primary=0.5), gain(county=0.5)))
    assert (to_primary[:, 0] > 1).all() and (to_primary[:, 1:] < 1).all()
    assert (to_county[:, :2] > 1).all() and (to_county[:, 2] < 1).all()
    np.testing.assert_allclose(to_county[:, 0], to_county[:, 1])


def test_a_pull_in_log_odds_multiplies_the_odds() -> None:
    shares = responses.chosen(MIX, gain(primary=0.71))[0, :, 0]
    np.testing.assert_allclose(shares / (1 - shares), np.exp(0.71) * MIX[:, 0] / (1 - MIX[:, 0]))
    # The pilot of gatekeeping: +55.3 % in primary care and -23.9 % in hospitals, from a share of three tenths.
    assert shares[0] / 0.3 - 1 == pytest.approx(0.553, abs=0.01)
    assert (1 - shares[0]) / 0.7 - 1 == pytest.approx(-0.239, abs=0.01)


def test_patients_of_a_closed_tier_go_elsewhere_in_proportion() -> None:
    left = responses.chosen(MIX, gain(lost=[0.0, 0.25, 0.0]))[0]
    weight = MIX * np.array([1.0, 0.75, 1.0])
    np.testing.assert_allclose(left, weight / weight.sum(axis=1, keepdims=True))


def test_the_lean_to_primary_care_is_the_log_odds_that_were_added() -> None:
    """A tilt carries what draws differ in: for a pull to primary care alone it is that pull."""
    people = np.array([3.0, 1.0])
    assert responses.towards_primary(gain(primary=0.3), MIX, PRIMARY, people) == pytest.approx([0.3])
    assert responses.towards_primary(gain(), MIX, PRIMARY, people) == pytest.approx([0.0])


# ---- demand and provider behaviour ------------------------------------------------------------------------------

@pytest.mark.parametrize(("elasticity", "by"), [(-0.372, 1.1), (-0.547, 1.1), (-0.547, 0.5), (0.0, 2.0)])
def test_demand_follows_its_elasticity(elasticity: float, by: float) -> None:
    base = np.array([[0.3, 0.2], [0.5, 0.4], [0.6, 0.6]])  # (tier, group)
    found = responses.demanded(MIX, base * by, base, np.array([elasticity]))
    np.testing.assert_allclose(found, by**elasticity)


def test_nearly_free_care_is_felt_as_free() -> None:
    one = np.array([[1.0]])
    assert responses.demanded(one, one * 0.001, one * 0.0, np.array([-0.5]))[0, 0] == 1
    assert np.isfinite(responses.demanded(one, one * 0.0, one * 0.5, np.array([-0.5]))).all()


def test_providers_answer_to_the_change_of_payment_only() -> None:
    response = np.array([0.0, -0.03, -0.06, -0.08])
    by_case = payment.shares_of(np.array([[50.0, 0], [0, 0], [0, 0], [50, 100]]))
    by_item = payment.shares_of(np.array([[100.0, 100], [0, 0], [0, 0], [0, 0]]))
    np.testing.assert_allclose(responses.by_payment(by_case - by_item, response), [-0.04, -0.08])
    np.testing.assert_allclose(responses.by_payment(by_case - by_case, response), 0)


# ---- payment ----------------------------------------------------------------------------------------------------

DUE = np.array([[[100.0, 300.0]], [[140.0, 340.0]]])  # two draws, one kind, two tiers; means 120 and 320
CASES = np.array([[[10.0, 10.0]], [[14.0, 10.0]]])
PEOPLE = np.array([1000.0, 1000.0])


def paid(method: str, due: np.ndarray = DUE, people: np.ndarray = PEOPLE, trend: float = 1.0, volume: float = 1.0,
         **terms: float) -> tuple[np.ndarray, np.ndarray]:
    shares = np.zeros((4, 1, 2))
    shares[payment.METHODS.index(method)] = 1
    given = payment.Terms(shares, **({"standard": 1.0, "retention": 0.0, "overspend_share": 0.0, "same_payment": 0.0,
                                      "quality": 1.0} | terms))
    return payment.paid(due, CASES, people, np.array([trend]), np.array([volume]), np.array([1.0, 0.0]), given,
                        payment.usual_of(due, CASES, people))


def test_by_item_is_paid_what_the_rules_owe() -> None:
    by_tier, ways = paid("fee_for_service")
    np.testing.assert_allclose(by_tier, DUE)
    np.testing.assert_allclose(ways, [[400, 0, 0, 0], [480, 0, 0, 0]])


@pytest.mark.parametrize(("retention", "overspend", "low", "high"), [
    (0.0, 0.0, 400, 440), (1.0, 0.0, 440, 440), (0.7, 0.5, 428, 460), (0.0, 1.0, 400, 480), (1.0, 1.0, 440, 480)])
def test_a_budget_of_440_by_hand(retention: float, overspend: float, low: float, high: float) -> None:
    """The mean due is 440: 400 leaves 40, of which a part is kept; 480 is 40 beyond, of which a part is borne."""
    by_tier, ways = paid("global_budget", retention=retention, overspend_share=overspend)
    np.testing.assert_allclose(by_tier.sum(axis=(1, 2)), [low, high])
    np.testing.assert_allclose(ways[:, 1], [low, high])
    np.testing.assert_allclose(by_tier[:, 0, 0] / by_tier[:, 0, 1], DUE[:, 0, 0] / DUE[:, 0, 1])  # as care goes


def test_a_budget_follows_its_level_and_not_the_trend_of_cost() -> None:
    """With cost 10 % above the first year's, a budget at the first year's standard is 440 / 1.1 = 400."""
    by_tier, _ = paid("global_budget", trend=1.1, retention=1.0)
    np.testing.assert_allclose(by_tier.sum(axis=(1, 2)), 400)
    by_tier, _ = paid("global_budget", trend=1.1, retention=1.0, standard=1.21)
    np.testing.assert_allclose(by_tier.sum(axis=(1, 2)), 484)


def test_capitation_pays_heads_and_no_care() -> None:
    by_tier, ways = paid("capitation", people=np.array([900.0, 1100.0]))
    np.testing.assert_allclose(by_tier[:, 0], [[108, 288], [132, 352]])  # 0.9 and 1.1 of the mean due
    np.testing.assert_allclose(ways[:, 2], by_tier.sum(axis=(1, 2)))
    again, _ = paid("capitation", due=DUE[::-1], people=np.array([900.0, 1100.0]))
    np.testing.assert_allclose(again, by_tier)


def test_case_payment_pays_a_standard_a_case() -> None:
    """120 yuan over 12 cases is 10 a case in primary care, 320 over 10 is 32 in hospital."""
    by_tier, _ = paid("case_payment")
    np.testing.assert_allclose(by_tier[:, 0], [[100, 320], [140, 320]])


def test_the_same_payment_lowers_hospitals_to_the_primary_standard() -> None:
    """A quarter of hospital cases at 10 yuan and the others at 32: 26.5 each."""
    by_tier, _ = paid("case_payment", same_payment=0.25)
    np.testing.assert_allclose(by_tier[:, 0], [[100, 265], [140, 265]])
    everywhere, _ = paid("case_payment", same_payment=1.0)
    np.testing.assert_allclose(everywhere[:, 0, 1], 100)


def test_a_case_standard_grows_by_cost_and_not_by_cases() -> None:
    """Of a trend of 1.21, 1.1 is more cases: a case is paid at the first year's cost, 1 / 1.1 of today's."""
    by_tier, _ = paid("case_payment", trend=1.21, volume=1.1)
    np.testing.assert_allclose(by_tier[:, 0], np.array([[100, 320], [140, 320]]) / 1.1)


def test_quality_pays_primary_institutions_and_no_others() -> None:
    for method in payment.METHODS:
        plain, better = paid(method)[0], paid(method, quality=1.06)[0]
        np.testing.assert_allclose(better[:, :, 0], 1.06 * plain[:, :, 0])
        np.testing.assert_allclose(better[:, :, 1], plain[:, :, 1])


def test_ways_of_payment_mix_by_their_shares() -> None:
    weights = np.broadcast_to(np.array([30.0, 20.0, 10.0, 40.0])[:, None, None], (4, 1, 2))
    terms = payment.Terms(payment.shares_of(weights), 1.0, 0.0, 1.0, 0.0, 1.0)
    one = np.ones(1)
    by_tier, ways = payment.paid(DUE, CASES, PEOPLE, one, one, np.array([1.0, 0.0]), terms,
                                 payment.usual_of(DUE, CASES, PEOPLE))
    np.testing.assert_allclose(ways.sum(axis=1), by_tier.sum(axis=(1, 2)))
    np.testing.assert_allclose(ways[0], [120, 80, 44, 168])  # 400 x 0.3, 400 x 0.2, 440 x 0.1, 420 x 0.4


# ---- supervision ------------------------------------------------------------------------------------------------

def test_more_providers_exceed_a_lower_threshold() -> None:
    shares = [supervision.above(np.array([0.05, 0.08]), 0.035, limit) for limit in (0.02, 0.05, 0.1, 0.2)]
    assert (np.diff(shares, axis=0) < 0).all() and (np.array(shares) >= 0).all() and (np.array(shares) <= 1).all()
    assert (np.array(shares)[:, 1] > np.array(shares)[:, 0]).all()


def test_suspensions_are_a_share_with_the_spread_of_a_count() -> None:
    z = np.random.default_rng(1).standard_normal((20_000, 1))
    found = supervision.suspended(np.array([0.3]), np.array([100.0]), z)
    assert found.mean() == pytest.approx(0.3, abs=0.002) and found.std() == pytest.approx(np.sqrt(0.21 / 100), rel=0.03)
    assert supervision.suspended(np.array([0.01]), np.array([2.0]), z).min() == 0


def test_a_second_suspension_ends_the_year_and_two_more() -> None:
    """A tenth of providers suspended for three months, a fifth of them a second time: in the year a quarter of it for
    all and half of it for those; then 0.02 of the tier is gone for two years."""
    found = np.zeros((1, 5, 1))
    found[0, 1] = 0.1
    lost = supervision.absent(found, np.full((5, 1), 0.2), np.full(5, 3))
    np.testing.assert_allclose(lost[0, :, 0], [0, 0.1 * 0.25 + 0.02 * 0.25, 0.02, 0.02, 0])


@pytest.mark.parametrize(("start", "end"), [(0.34, 0.15), (0.0084, 0.0009)])
def test_learning_falls_from_start_to_end_and_never_beyond(start: float, end: float) -> None:
    path = supervision.learnt(np.arange(-2, 12), start, end, 6.0)
    assert (path[:2] == start).all() and (np.diff(path[1:]) < 0).all() and (path >= end).all()
    assert path[-1] == pytest.approx(end, rel=1e-6)
    # The mean of an exponential over its first year.
    months = (np.arange(12_000) + 0.5) / 1000
    assert path[2] == pytest.approx((end + (start - end) * np.exp(-months / 6)).mean(), rel=1e-6)


# ---- pooling ----------------------------------------------------------------------------------------------------

INCOME = np.array([[100.0, 100.0], [200.0, 200.0], [50.0, 50.0]])  # three counties, two draws
SPENT = np.array([[80.0, 120.0], [190.0, 230.0], [70.0, 60.0]])


@pytest.mark.parametrize(("method", "held"), [("separate", 0.0), ("separate", 9.0), ("adjustment", 0.0),
                                              ("adjustment", 3.0), ("full", 0.0), ("full", 20.0)])
def test_pooling_conserves_money(method: str, held: float) -> None:
    before = np.full(2, held)
    transfer, paid_in, paid_out, after = pooling.settle(method, INCOME, SPENT, before, 0.1, 0.8, 0.2)
    np.testing.assert_allclose(transfer.sum(axis=0) + after - before, 0, atol=1e-12)
    assert (paid_in >= 0).all() and (paid_out >= 0).all() and (after >= -1e-12).all()


def test_a_claim_on_the_adjustment_fund_by_hand() -> None:
    """First draw: county 3 is 20 short and pays in 5 of its 50; it is 25 short in all, bears 5 and claims 0.8 of the
    20 left, 16. The counties paid in 35 in all, so it is paid."""
    transfer, paid_in, paid_out, after = pooling.settle("adjustment", INCOME, SPENT, np.zeros(2), 0.1, 0.8, 0.2)
    assert paid_in[:, 0].tolist() == [10, 20, 5]
    assert paid_out[2, 0] == pytest.approx(16) and paid_out[0, 0] == 0
    assert paid_out[1, 0] == pytest.approx(0.8 * 0.8 * 10)  # what it pays in puts the second county 10 short
    assert transfer[2, 0] == pytest.approx(11) and after[0] == pytest.approx(35 - 16 - 6.4)


def test_claims_beyond_the_adjustment_fund_are_cut_alike() -> None:
    _, paid_in, paid_out, after = pooling.settle("adjustment", INCOME, SPENT, np.zeros(2), 0.01, 1.0, 0.0)
    short = np.maximum(SPENT - INCOME + paid_in, 0)[:, 1]
    assert after[1] == pytest.approx(0, abs=1e-12) and paid_out[:, 1].sum() == pytest.approx(3.5)
    np.testing.assert_allclose(paid_out[:, 1] / short, 3.5 / short.sum())


def test_in_one_fund_counties_share_the_surplus_by_income() -> None:
    transfer, *_ = pooling.settle("full", INCOME, SPENT, np.zeros(2), 0.0, 0.0, 0.0)
    surplus = INCOME - SPENT + transfer
    np.testing.assert_allclose(surplus / INCOME, np.broadcast_to((INCOME - SPENT).sum(axis=0) / 350, (3, 2)))


# ---- enrolment --------------------------------------------------------------------------------------------------

def enrolled(selection: float = 2.3, healthier: float = 0.0, frailer: float = 0.0, risk: float = 3.0,
             take_up: float = 0.71) -> tuple[float, float]:
    """Insured of a thousand residents, a fifth of them frail, and their risk beside the baseline's insured."""
    shape = (1, 1, 1, 1)
    people, moved = enrolment.insured(np.full(shape, 1000.0), np.array([[take_up]]), 0.2, risk, np.array([selection]),
                                      np.full(shape, healthier), np.full(shape, frailer))
    return float(people[0, 0, 0, 0]), float(moved[0, 0, 0])


@pytest.mark.parametrize("selection", [0.0, 1.2, 2.3, 3.2])
@pytest.mark.parametrize("take_up", [0.3, 0.71, 0.97])
def test_selection_says_who_joins_and_not_how_many(selection: float, take_up: float) -> None:
    assert enrolled(selection, take_up=take_up) == pytest.approx((1000 * take_up, 1))


def test_bringing_in_the_healthy_makes_the_insured_healthier() -> None:
    more, healthier = enrolled(healthier=0.5)
    fewer, sicker = enrolled(healthier=-0.5)
    assert more > 710 > fewer and healthier < 1 < sicker
    assert enrolled(frailer=-0.5)[0] < 710 and enrolled(frailer=-0.5)[1] < 1
    assert enrolled(healthier=0.5, risk=1.0)[1] == 1  # nobody is frailer than another


def test_the_risk_of_the_insured_by_hand_when_all_join() -> None:
    """All in: a fifth is frail, (1 + 2 x 0.2) beside what the 71 % had."""
    people, moved = enrolled(healthier=50.0, frailer=50.0)
    assert people == pytest.approx(1000)
    assert moved == pytest.approx(1 / 1.0961, abs=1e-3)


@pytest.mark.parametrize("take_up", [0.5, 0.9, 0.98])
def test_a_rise_of_the_contribution_follows_the_elasticity(take_up: float) -> None:
    for factor in (1.05, 1.2, 2.0):
        shift = enrolment.price_shift(np.log(factor), np.array(take_up), np.array(-0.1))
        odds = take_up / (1 - take_up) * np.exp(shift)
        assert odds / (1 + odds) == pytest.approx(take_up * factor**-0.1)
    cheaper = enrolment.price_shift(np.log(0.2), np.array(take_up), np.array(-0.1))
    odds = take_up / (1 - take_up) * np.exp(cheaper)
    assert take_up < odds / (1 + odds) < 1


def test_who_pays_nothing_does_not_respond() -> None:
    contribution = np.array([[[0.0, 100.0]], [[50.0, 0.0]]])
    found = enrolment.dearer(contribution, np.ones(2), np.array([[0.0, 50.0]]))[:, 0]
    np.testing.assert_allclose(found, [[0.0, np.log(2)], [0.0, -np.log(50)]])  # nothing is felt as a yuan


def test_contribution_years_count_everybody_once() -> None:
    np.testing.assert_allclose(enrolment.contribution_years(0.15, 12).sum(axis=1), 1)


# ---- financing --------------------------------------------------------------------------------------------------

def test_late_subsidies_arrive_a_year_later_and_missing_ones_never() -> None:
    due = np.array([[[100.0, 50.0], [110.0, 60.0], [120.0, 70.0]]])  # one draw, three years, two levels
    late, missing = np.array([[0.2, 0.0], [0.5, 0.0], [0.3, 0.0]]), np.array([[0.0, 0.1], [0.0, 0.1], [0.0, 0.1]])
    found = financing.received(due, late, missing)
    np.testing.assert_allclose(found[0, :, 0], [80, 55 + 20, 84 + 55])
    np.testing.assert_allclose(found[0, :, 1], [45, 54, 63])
    # What never came is what is missing; what is late in the last year is still to come.
    np.testing.assert_allclose(due.sum() - found.sum(), 0.3 * 120 + 0.1 * 180)


def test_no_more_than_all_of_a_subsidy_can_be_late_or_missing() -> None:
    due = np.full((1, 2, 1), 100.0)
    found = financing.received(due, np.full((2, 1), 0.9), np.full((2, 1), 0.6))
    np.testing.assert_allclose(found[0, :, 0], [0, 40])


def test_levels_of_government_share_the_subsidy_and_pupils_by_their_own_rule() -> None:
    insured, subsidy = np.full((1, 1, 2, 1), 100.0), np.array([[[40.0], [100.0]]])
    weights, school = np.array([[60.0, 40.0]]), np.array([[100.0, 0.0]])
    found = financing.subsidy_by_level(insured, subsidy, weights, school, np.array([0.25, 0.0]))
    np.testing.assert_allclose(found[0, 0], [4000 * (0.75 * 0.6 + 0.25) + 6000, 4000 * 0.75 * 0.4 + 4000])
    assert found.sum() == pytest.approx(14_000)


def test_returners_owe_the_missed_contribution_and_its_subsidy() -> None:
    """A thousand insured at 50 and 100 yuan: a twentieth owe half of 150 besides."""
    found = financing.individual_income(np.full((1, 1, 1, 1), 1000.0), np.array([[[50.0]]]), np.array([[[100.0]]]),
                                        0.05, np.array([0.5]))
    assert found[0, 0] == pytest.approx(50_000 + 50 * 75)


def test_a_standard_rises_from_the_year_each_value_was_set() -> None:
    """400 yuan and 10 more a year; one group's own date leaves the others' rise alone, and nothing stays nothing."""
    county = moved(load_scenario("urrbmi_county_2026"), {"financing.contribution_step": 10})
    later = county.changed([Change(lever="financing.contribution.child.ordinary", year=2030, value=430, source=STATED)])
    paid = {year: later.policy_in(year).financing.contribution.value for year in (2026, 2029, 2030, 2032)}
    assert [paid[year]["adult"]["ordinary"] for year in paid] == [400, 430, 440, 460]
    assert [paid[year]["child"]["ordinary"] for year in paid] == [400, 430, 430, 450]
    assert {paid[year]["adult"]["low_income"] for year in paid} == {0}


@pytest.mark.parametrize("wish", [0.0, 0.4, 1.0])
def test_family_accounts_conserve_money(wish: float) -> None:
    paid_in = np.array([[100.0, 60.0, 0.0, 0.0], [10.0, 20.0, 30.0, 40.0]])
    opening = np.array([50.0, 0.0])
    used, leaked, lost, left = financing.accounts(paid_in, lambda t, balance: wish * balance, opening, 0.2, 0.05)
    before = np.column_stack([opening, left[:, :-1]])
    np.testing.assert_allclose(before + paid_in, used + leaked + lost + left)
    assert all((part >= 0).all() for part in (used, leaked, lost, left))
    if wish == 0.4:
        np.testing.assert_allclose(leaked, 0.25 * used)  # a fifth of all that leaves
    if wish == 1.0:
        assert not leaked.any() and not left.any()


# ---- the four responses, switched off ---------------------------------------------------------------------------

def moved(scenario: Scenario, settings: dict[str, object]) -> Scenario:
    return scenario.changed(Change(lever=lever, year=scenario.first_year, value=value, source=STATED)
                            for lever, value in settings.items())


COUNTY = load_scenario("county_community_2024").model_copy(update={"changes": ()})
ALL = ("enrolment", "demand", "tier_choice", "providers")
# A lever that each response answers to, and what would show it; nothing else may touch that quantity.
ANSWERS = {
    "enrolment": ({"financing.contribution.adult.ordinary": 600, "benefits.contribution_bonus": 0.02},
                  ("enrolled", "insured_by_group", "take_up")),
    "demand": ({"benefits.class_b_first_pay": 0.3, "benefits.rate.outpatient.adult.primary": 0.2},
               ("stays", "visits")),
    "tier_choice": ({"care.referral_required": 1, "care.capability": 1}, ("stays_by_tier", "visits_by_tier")),
    "providers": ({"payment.method.case_payment.inpatient": 100, "payment.method.fee_for_service.inpatient": 0},
                  ("stays", "expense")),
}


@lru_cache(maxsize=16)
def answer(response: str, acting: bool, among: float) -> xr.Dataset:
    """A village of the county, person by person, with a response's lever moved or not; that response at a strength
    and all others switched off."""
    settings = {f"responses.{name}": (among if name == response else 0) for name in ALL}
    return simulate(moved(scaled(COUNTY, 3_000), settings | (ANSWERS[response][0] if acting else {})), 32, seed=2,
                    engine="exact").data


@pytest.mark.parametrize("response", ALL)
def test_a_response_switched_off_leaves_nothing_of_itself(response: str) -> None:
    for quantity in ANSWERS[response][1]:
        np.testing.assert_allclose(answer(response, True, 0)[quantity], answer(response, False, 0)[quantity],
                                   rtol=1e-12, err_msg=quantity)


@pytest.mark.parametrize("response", ALL)
def test_a_response_switched_on_shows_and_half_of_it_is_less(response: str) -> None:
    quantity = ANSWERS[response][1][0]
    none, half, full = (answer(response, True, among)[quantity].mean("draw").values for among in (0, 0.5, 1))
    assert np.abs(full - none).max() > 1e-3 * np.abs(none).max()
    assert np.abs(half - none).sum() == pytest.approx(0.5 * np.abs(full - none).sum(), rel=0.25)


def test_all_switched_off_leaves_people_and_care_where_they_were() -> None:
    """The whole programme, benefits included: with no response only money moves."""
    programme = load_scenario("county_community_2024")
    off = {f"responses.{name}": 0 for name in ALL}
    after, first = (simulate(moved(scenario, off), 32, seed=2, engine="table").data for scenario in (programme, COUNTY))
    for quantity in ("enrolled", "stays", "visits", "stays_by_tier", "visits_by_tier", "expense"):
        np.testing.assert_allclose(after[quantity], first[quantity], rtol=1e-5, err_msg=quantity)
    assert float(np.abs(after["provider_payment"] - first["provider_payment"]).max()) > 1e6


# ---- the book ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["urrbmi_county_2026", "nanning_family_doctor_2019", "henan_nrcms_2011"])
def test_the_rules_of_a_year_are_those_of_its_policy(name: str) -> None:
    """Though a policy is compiled once: only the ceiling moves from year to year."""
    scenario = load_scenario(name)
    book, bought = book_of(scenario, None), float(scenario.value("people", "commercial_share"))
    for year, policy, rules, base in zip(scenario.horizon(), book.policies, book.rules, book.base_rules, strict=True):
        for of, found in ((policy, rules), (book.base, base)):
            expected = compile_rules(scenario, of, year)
            expected = expected._replace(commercial_rate=expected.commercial_rate * bought)
            assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_what_take_up_answers_to_contributions_is_kept_and_stays_as_it_was() -> None:
    change, take_up, elasticity = np.log([0.5, 2.0]), np.array([0.9, 0.8]), np.array([-0.3, -0.1, 0.0])
    asked = change.tobytes(), take_up.tobytes(), elasticity.tobytes()
    found = price_shifts(*asked)
    np.testing.assert_array_equal(found, enrolment.price_shift(change[:, None], take_up[:, None], elasticity))
    assert price_shifts(*asked) is found and price_shifts(asked[0], asked[1], (2 * elasticity).tobytes()) is not found
