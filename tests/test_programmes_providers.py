"""Programmes that move providers: ways of payment, standards, supervision; signs and sizes as published."""


from functools import lru_cache

import numpy as np
import pytest
import xarray as xr

from bench.pool import scaled
from simulation import load_scenario, simulate
from simulation.loading import library
from simulation.steps import supervision
from simulation.trees import dense
from tests.programmes import (
    COUNTY,
    DRAWS,
    SEED,
    a_head,
    assumed,
    before,
    between,
    changes_of,
    mean,
    moved,
    nothing,
    programme,
    ratio,
    run,
    without,
)

# ---- medical communities and payment (digest P4; Ding & Zhou 2024; He et al. 2018) ------------------------------

def test_a_community_keeps_patients_in_the_county_and_in_primary_care() -> None:
    after, first = programme("county_community_2024"), before("county_community_2024")
    complete = slice(2027, None)
    between((mean(after, "in_county_share") - mean(first, "in_county_share")).sel(year=complete), 0.04, 0.15)
    between((mean(after, "primary_visits") - mean(first, "primary_visits")).sel(year=complete), 0.003, 0.05)
    assert float(ratio(after, first, "expenditure").sel(year=2030)) < 1


def test_a_community_adds_visits_most_of_them_in_primary_care() -> None:
    """+0.434 consultations a head, 0.34 of them (78 %) in primary care."""
    base = without(load_scenario("county_community_2024"))
    after, first = run(moved(base, {"care.capability": 1})), run(base)
    added = a_head(after, "visits") - a_head(first, "visits")
    primary = a_head(after, "visits_by_tier").sel(tier="primary") - a_head(first, "visits_by_tier").sel(tier="primary")
    between(added, 0.05, 0.6)
    between(primary / added, 0.6, 0.96)


BUDGET = {"payment.method.global_budget": 100, "payment.method.fee_for_service": 0, "responses.providers": 0}


def by_rules(data: xr.Dataset) -> xr.DataArray:
    """What the rules owe for care, in every draw."""
    return data["inpatient_paid"] + data["chronic"] + data["outpatient"]


@lru_cache
def budgets() -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """A county on a tight budget: by item, with the budget as the last word, and with 70 % retained and 50 % shared."""
    base = moved(without(load_scenario("county_community_2024")), {"responses.providers": 0})
    fixed = moved(base, BUDGET | {"payment.level": 0.98, "payment.retention": 1, "payment.overspend_share": 0})
    return run(base), run(fixed), run(moved(fixed, {"payment.retention": 0.7, "payment.overspend_share": 0.5}))


def test_retention_and_shared_overspending_hold_in_every_draw() -> None:
    _, fixed, shared = budgets()
    budget, due = fixed["provider_payment"], by_rules(shared)
    expected = xr.where(due < budget, due + 0.7 * (budget - due), budget + 0.5 * (due - budget))
    assert nothing(shared["provider_payment"] - expected, budget)
    assert bool((due < budget).any()) and bool((due > budget).any())


def test_what_a_budget_saves_the_fund_providers_lose() -> None:
    items, fixed, shared = budgets()
    for other in (fixed, shared):
        gained = (items["expenditure"] - other["expenditure"]).isel(area=0)
        lost = (items["provider_margin"] - other["provider_margin"]).isel(area=0).sum("tier")
        assert nothing(gained - lost, items["expenditure"])
        assert nothing(items["out_of_pocket"] - other["out_of_pocket"], items["expense"])  # held harmless
    assert float(mean(fixed, "expenditure").sel(year=2024)) < float(mean(items, "expenditure").sel(year=2024))


def test_a_more_generous_budget_is_the_providers_gain() -> None:
    base = moved(without(load_scenario("county_community_2024")), BUDGET | {"payment.retention": 0.7})
    low, high = (run(moved(base, {"payment.level": level})) for level in (0.95, 1.05))
    assert bool((mean(high, "expenditure") > mean(low, "expenditure")).all())
    margin = (mean(high, "provider_margin") - mean(low, "provider_margin")).sum("tier")
    np.testing.assert_allclose(margin, mean(high, "expenditure") - mean(low, "expenditure"), rtol=1e-6)


def stays_cost(data: xr.Dataset) -> tuple[float, float]:
    """Expense of a stay and the part its rules leave to the patient, in the first year, yuan."""
    paid = data["basic_by_tier"].isel(area=0, year=0)
    expense = (paid / data["effective_by_tier"].isel(area=0, year=0)).sum("tier")
    stays = data["stays"].isel(area=0, year=0)
    return float((expense / stays).mean()), float(((expense - paid.sum("tier")) / stays).mean())


def test_case_payment_lowers_the_expense_of_a_stay_as_in_xi_county() -> None:
    """Xi County, in Henan, 2011 to 2013: 346.59 yuan less a case, of which patients saved 241.20; half to one and a
    half times as much is allowed."""
    base = without(load_scenario("henan_nrcms_2011"))
    cases = moved(base, {"payment.method.case_payment.inpatient": 100, "payment.method.fee_for_service.inpatient": 0})
    (expense, left), (usual, was_left) = stays_cost(run(cases)), stays_cost(run(base))
    assert 0.5 * 346.59 < usual - expense < 1.5 * 346.59
    assert 0.5 * 241.20 < was_left - left < 1.5 * 241.20
    unmoved = run(moved(cases, {"responses.providers": 0}))
    assert stays_cost(unmoved) == pytest.approx((usual, was_left), rel=1e-6)


def test_the_same_payment_for_the_same_disease_saves_money_and_costs_hospitals_their_margin() -> None:
    base = moved(without(load_scenario("county_community_2024")), {
        "payment.method.case_payment.inpatient": 100, "payment.method.fee_for_service.inpatient": 0})
    after, first = run(moved(base, {"payment.same_payment_share": 0.3})), run(base)
    assert bool((ratio(after, first, "expenditure") < 0.99).all())
    change = mean(after, "provider_margin") - mean(first, "provider_margin")
    assert bool((change.sel(tier="county") < 0).all())
    np.testing.assert_allclose(change.sel(tier="primary") / mean(first, "provider_payment"), 0, atol=1e-9)


# ---- responses to payment are of the care that is paid so (METHODS, section 5) ----------------------------------

BY_CASE, BY_HEAD = ({f"payment.method.{way}.{kind}.primary": 100, f"payment.method.fee_for_service.{kind}.primary": 0}
                    for way, kind in (("case_payment", "inpatient"), ("capitation", "outpatient")))
# Tiers are chosen by other assumptions in every draw, and nothing but providers answers to payment.
LEANING = {"care.referral_required": 1, "responses.enrolment": 0, "responses.demand": 0}


@pytest.mark.parametrize(("ways", "counted", "times"), [(BY_CASE, "stays_by_tier", 1.03),
                                                        (BY_HEAD, "visits_by_tier", 0.97)])
def test_a_volume_response_is_of_its_own_tier(ways: dict, counted: str, times: float) -> None:
    """Case payment brings 3 % more stays and payment by head 3 % fewer visits, as the file has it: at primary
    providers, whose payment changed, in every draw, and nowhere else."""
    after, first = (simulate(moved(COUNTY, LEANING | ways | {"responses.providers": on}), DRAWS, SEED,
                             without=("chance",)).data[counted].isel(area=0) for on in (1, 0))
    primary = np.array([tier == "primary" for tier in COUNTY.axes.tier])
    assert float(first.sel(tier="primary").std()) > 0
    np.testing.assert_allclose(after / first, np.broadcast_to(np.where(primary, times, 1.0), after.shape), rtol=1e-5)


def test_a_volume_response_is_of_its_own_tier_in_the_exact_engine() -> None:
    village = moved(scaled(COUNTY, 2_000), LEANING | BY_CASE)
    after, first = (mean(run(moved(village, {"responses.providers": on}), 256, "exact"), "stays_by_tier").sum("year")
                    for on in (1, 0))
    found = after / first
    between(found.sel(tier="primary"), 1.015, 1.045)
    between(found.drop_sel(tier="primary"), 0.985, 1.015)


@pytest.mark.parametrize(("kind", "moves"), [("inpatient", "inpatient_expense"), ("chronic", "chronic_expense"),
                                             ("outpatient", "outpatient_expense")])
def test_doubt_about_a_response_moves_the_cost_of_no_other_care(kind: str, moves: str) -> None:
    """One kind of care is paid by budget: how sure we are of the response shows in its cost alone."""
    by_budget = moved(COUNTY, {f"payment.method.global_budget.{kind}": 100,
                               f"payment.method.fee_for_service.{kind}": 0})
    doubtful, sure = (simulate(scenario, DRAWS, SEED, without=("chance",)).data for scenario in (
        by_budget, assumed(by_budget, "providers", "cost_response", factor=(1.0, 1.0))))
    for quantity in ("inpatient_expense", "chronic_expense", "outpatient_expense"):
        apart = float(np.abs(doubtful[quantity] / sure[quantity] - 1).max())
        assert apart > 5e-3 if quantity == moves else apart < 1e-4, quantity


# ---- inclusive standards (digest P5) ----------------------------------------------------------------------------

def test_the_standards_move_care_and_money_to_primary_institutions() -> None:
    """Primary institutions had 35 % of the fund's spending in 2023, with 40 % aimed at for 2025."""
    after, first = programme("primary_standards_2025"), before("primary_standards_2025")
    since = slice(2026, None)
    between((mean(after, "primary_visits") - mean(first, "primary_visits")).sel(year=since), 0.01, 0.15)
    assert bool((mean(after, "primary_share") > mean(first, "primary_share") + 0.05).sel(year=since).all())
    between(mean(after, "in_policy_by_tier").sel(tier="primary", year=since), 0.70, 1.0)
    assert float(mean(first, "in_policy_by_tier").sel(tier="primary", year=2026)) < 0.70
    assert bool((ratio(after, first, "out_of_pocket") < 0.95).sel(year=since).all())


def test_quality_raises_what_primary_institutions_are_paid_by_a_tenth_where_it_is_met() -> None:
    """All of outpatient and inpatient care in primary care and the special diseases settled there; patients pay and
    receive what they did."""
    scenario = without(load_scenario("primary_standards_2025"))
    after, first = run(moved(scenario, {"payment.quality_coefficient": 1.1}, 2026)), run(scenario)
    primary = mean(first, "basic_by_tier").sel(tier="primary") + mean(first, "outpatient_by_tier").sel(
        tier="primary") + mean(first, "chronic")
    more = mean(after, "provider_payment") - mean(first, "provider_payment")
    met = scenario.assumptions.providers.quality_met.value
    between((more / primary).sel(year=slice(2026, None)), 0.1 * met * 0.95, 0.1 * met * 1.05)
    np.testing.assert_allclose(after["out_of_pocket"], first["out_of_pocket"], rtol=1e-4)


def test_the_special_fund_grows_by_eight_per_cent_a_head() -> None:
    data = programme("primary_standards_2025")
    a_person = mean(data, "special_fund") / (mean(data, "enrolled") / mean(data, "take_up"))
    np.testing.assert_allclose(a_person[1:].values / a_person[:-1].values, 1.08, atol=1e-3)


@pytest.mark.parametrize("engine", ["table", "exact"])
def test_what_is_paid_for_the_poor_follows_the_contribution(engine: str) -> None:
    """All of the 400 yuan that the poor are spared, ten more a year; of one who pays 150, half of the rest."""
    county = moved(load_scenario("urrbmi_county_2026"), {"responses.enrolment": 0})
    county = county if engine == "table" else scaled(county, 3_000)
    settings = {"financing.contribution.adult.low_income": 150, "financing.paid_for.low_income": 0.5}
    full, half, none = (run(moved(county, some), 32, engine) for some in (
        {}, settings, settings | {"financing.paid_for.low_income": 0}))
    insured = county.value("people", "residents", ("group", "status")) * county.value(
        "people", "take_up", ("group", "status"))
    poor = insured[:, 1] / insured.sum()  # of all the insured
    for data, paid in ((full, 400 * poor), (half, np.array([400, 250, 400]) * poor / 2)):
        assert float(a_head(data, "assisted_income")[0]) == pytest.approx(paid.sum(), rel=0.01)
    assert not none["assisted_income"].values.any()
    np.testing.assert_allclose((half["income"] - none["income"])[:, 0], half["assisted_income"][:, 0])
    follows = mean(full, "assisted_income") / mean(full, "individual_income")
    between(follows / follows[0], 0.98, 1.02)  # while the contribution rises by a fifth; ages move a little


@pytest.mark.parametrize("name", library())
def test_a_higher_contribution_brings_more_for_the_poor_wherever_they_are_paid_for(name: str) -> None:
    scenario = load_scenario(name)
    paid_for = dense(scenario.policy.financing.paid_for.value, ("status",), scenario.axes.members())
    raised = moved(scenario, {f"financing.contribution.{group}.ordinary": 500 for group in scenario.axes.group})
    data, more = (mean(run(one, 16), "assisted_income") for one in (scenario, raised))
    assert bool((more[0] > data[0] > 0) if paid_for.any() else not more.any())


def test_a_special_fund_grows_from_the_year_after_it_was_set() -> None:
    growing = moved(load_scenario("urrbmi_county_2026"), {"care.special_fund_growth": 0.1})
    data = run(moved(growing, {"care.special_fund": 10}, 2030))
    a_head = mean(data, "special_fund") / mean(data, "residents")
    np.testing.assert_allclose(a_head.sel(year=[2029, 2030, 2031]), [0, 10, 11], rtol=1e-6)


def test_a_budget_that_does_not_grow_leaves_out_the_growth_of_special_diseases() -> None:
    scenario = without(load_scenario("national_resident_2018"))
    kept = moved(scenario, {"payment.method.global_budget": 100, "payment.method.fee_for_service": 0,
                            "payment.growth": 0, "payment.retention": 1, "payment.overspend_share": 0})
    a_head = mean(run(kept), "provider_payment") / mean(run(kept), "enrolled")
    between(a_head / a_head[0], 0.9, 1.15)


# ---- designated providers and claims review (digest P6, P7) -----------------------------------------------------

def test_a_countys_suspensions_spread_as_those_of_its_own_providers() -> None:
    """So many of its few, each by its own chance; with the whole city's providers the ratio was 0.16."""
    city = moved(load_scenario("city_pooling_2012"), {"supervision.sample_share": 0.5,
                                                      "supervision.suspension_months": 3}, 2014)
    county = run(city)["suspended"].isel(area=1).sel(year=2014)
    between(county.var("draw") / county.mean("draw"), 0.3, 1.0)


def test_stricter_lists_raise_what_is_in_policy() -> None:
    scenario = load_scenario("guangxi_providers_2017")
    after, first = run(changes_of(scenario, "supervision.class_a_minimum")), before("guangxi_providers_2017")
    share = lambda data: mean(data, "eligible") / mean(data, "expense")  # noqa: E731
    since = slice(2018, None)
    between((share(after) - share(first)).sel(year=since), 0.02, 0.10)
    assert bool((ratio(after, first, "expenditure") > 1.02).sel(year=since).all())
    assert bool((ratio(after, first, "out_of_pocket") < 0.98).sel(year=since).all())


@lru_cache
def sampled() -> tuple[xr.Dataset, xr.Dataset]:
    """Guangxi with records sampled and providers suspended, without the stricter lists; and with neither."""
    scenario = load_scenario("guangxi_providers_2017")
    return run(changes_of(scenario, "supervision.s")), before("guangxi_providers_2017")


def test_suspensions_differ_between_futures_and_move_patients() -> None:
    after, first = sampled()
    suspended = after["suspended"].isel(area=0).sel(year=slice(2018, None))
    assert bool((suspended > 0).any()) and bool((suspended < 142).all()) and float(suspended.std("draw").min()) > 0.5
    shift = mean(after, "stays_by_tier") / mean(first, "stays_by_tier")
    # The tiers with the most non-compliance lose patients to the others; nobody stays away for it.
    assert bool((shift.sel(tier="tertiary", year=slice(2018, None)) < 1).all())
    assert bool((shift.sel(tier="primary", year=slice(2018, None)) > 1).all())
    between(ratio(after, first, "stays"), 0.998, 1.002)


def test_the_patients_of_suspended_providers_move_in_every_draw_though_none_chooses() -> None:
    """Where few are suspended the tier keeps its patients: the draws differ as the suspensions do."""
    scenario = moved(changes_of(load_scenario("guangxi_providers_2017"), "supervision.s"), {"responses.tier_choice": 0})
    data = run(scenario).isel(area=0).sel(year=2019)
    share = (data["stays_by_tier"] / data["stays_by_tier"].sum("tier")).sel(tier="primary")
    assert float(share.std("draw")) > 1e-4


def test_sampling_recovers_the_non_compliant_cost_of_the_sampled() -> None:
    """Three tenths of providers, of whose cost 5 to 8 % is non-compliant on average."""
    after, first = sampled()
    share = mean(after, "recovered") / mean(after, "provider_payment")
    between(share.sel(year=slice(2018, None)), 0.3 * 0.05, 0.3 * 0.08 * 1.2)
    assert float(share.sel(year=2017)) == 0


def test_what_supervision_takes_back_providers_lose() -> None:
    scenario = load_scenario("guangxi_providers_2017")
    after, first = run(changes_of(scenario, "supervision.sample_share")), before("guangxi_providers_2017")
    lost = (mean(first, "provider_margin") - mean(after, "provider_margin")).sum("tier")
    between((lost / mean(after, "recovered")).sel(year=slice(2018, None)), 0.9, 1.1)


def test_problem_claims_fall_from_34_to_15_per_cent_in_half_a_year() -> None:
    """Read with half years for years: the second half year is within a point of 15 %, direct deductions of 0.09 %."""
    providers = load_scenario("claims_review").assumptions.providers
    months = 2 * providers.learning_months.value
    halves = np.array([-1, 0, 1])
    problem = supervision.learnt(halves, providers.problem_start.value, providers.problem_end.value, months)
    assert problem[0] == 0.34 and 0.15 < problem[1] < 0.25 and problem[2] == pytest.approx(0.15, abs=0.01)
    deducted = supervision.learnt(halves, providers.deducted_start.value, providers.deducted_end.value, months)
    assert deducted[0] == 0.0084 and deducted[2] == pytest.approx(0.0009, abs=0.0005)


def test_the_review_saves_what_is_deducted_or_no_longer_claimed() -> None:
    after, first = programme("claims_review"), before("claims_review")
    share = mean(after, "review_saving") / mean(after, "provider_payment")
    problem = mean(after, "review_problem") / mean(after, "provider_payment")
    assert float(share.sel(year=2026)) == 0
    between(problem.sel(year=slice(2028, None)), 0.14, 0.17)
    # Between the deductions alone, and those with an eighth of all problems avoided.
    between(share.sel(year=slice(2028, None)), 0.0084 * 0.9, 0.0084 * 1.1 + 0.12 * 0.19)
    saved = mean(first, "expenditure") - mean(after, "expenditure")
    assert bool((saved > mean(after, "review_cost")).sel(year=slice(2027, None)).all())


def test_the_review_leaves_patients_and_their_care_alone() -> None:
    """No response of people to a lever that does not touch them: care is the same to the last stay."""
    after, first = programme("claims_review"), before("claims_review")
    for quantity in ("stays", "visits", "expense", "out_of_pocket"):
        np.testing.assert_allclose(after[quantity], first[quantity], rtol=1e-6, err_msg=quantity)
