"""Programmes that move the insured: what they pay, where they go, who joins; signs and sizes as published."""



import numpy as np
import pytest
import xarray as xr

from bench.pool import scaled
from simulation import load_scenario, settle, simulate
from simulation.steps import enrolment
from tests.programmes import (
    COUNTY,
    SEED,
    a_head,
    assumed,
    before,
    between,
    mean,
    mix,
    moved,
    nothing,
    payers,
    programme,
    ratio,
    rebuilt,
    run,
    without,
)

# ---- prices and demand ------------------------------------------------------------------------------------------

# No deductible, ceiling or large-amount layer: the net price of a stay is one less the rate of its in-policy part.
PLAIN = {"benefits.deductible": 0, "benefits.deductible_step": 0, "benefits.deductible_floor": 0,
         "benefits.ceiling": None, "benefits.ceiling_multiple": 0, "benefits.kind_ceiling": None,
         "benefits.critical_rate.from_0": 0, "benefits.critical_rate.from_50000": 0,
         "benefits.critical_rate.from_100000": 0, "benefits.consultation_paid": 0, "benefits.rate": 0.5}


def dearer(kind: str, by: float) -> tuple[xr.Dataset, xr.Dataset]:
    """The county with one rate for a kind of care, and with net prices of every group `by` higher; nobody changes
    the tier or leaves the scheme for it."""
    base = rebuilt(COUNTY, PLAIN)
    usual = base.value("utilisation", {"inpatient": "tier_mix", "outpatient": "outpatient_mix"}[kind],
                       ("group", "tier"))
    part = (usual @ base.eligible(base.policy)[list(base.axes.kind).index(kind)])  # in policy, by group
    rates = (1 - (1 - 0.5 * part) * (1 + by)) / part
    base = moved(base, {"responses.tier_choice": 0, "responses.enrolment": 0})
    return run(moved(base, {f"benefits.rate.{kind}.{group}": float(rate) for group, rate in zip(
        base.axes.group, rates, strict=True)})), run(base)


def test_a_higher_net_price_of_stays_lowers_them_by_the_published_elasticity() -> None:
    """-0.372 for a first stay in rural China: 10 % dearer, 3.5 % fewer; visits stay as they were."""
    after, first = dearer("inpatient", 0.10)
    between(ratio(after, first, "stays") / 1.10**-0.372, 0.998, 1.002)
    between(ratio(after, first, "visits"), 1 - 1e-6, 1 + 1e-6)


def test_a_higher_net_price_of_visits_lowers_them_by_the_published_elasticity() -> None:
    """-0.547 among users of outpatient care: 10 % dearer, 5.1 % fewer; stays stay as they were."""
    after, first = dearer("outpatient", 0.10)
    between(ratio(after, first, "visits") / 1.10**-0.547, 0.998, 1.002)
    between(ratio(after, first, "stays"), 1 - 1e-6, 1 + 1e-6)


def test_older_people_are_a_growing_part_of_the_insured() -> None:
    """Those born in the 1960s pass sixty: some 23 % of the insured in 2026, at least three points more in 2035."""
    groups = mean(programme("urrbmi_county_2026"), "insured_by_group")
    share = (groups.sel(group="senior") / groups.sum("group")).values
    assert share[0] == pytest.approx(0.23, abs=0.01)
    assert share[-1] > share[0] + 0.03 and (np.diff(share) > 0).all()


# ---- waiting for benefits (Benxi, article 16) --------------------------------------------------------------------

ALL_OFF = {f"responses.{name}": 0 for name in ("enrolment", "tier_choice", "demand", "providers")}
USED = ("stays", "visits", "inpatient_expense", "chronic_expense", "outpatient_expense", "eligible")


def waiting(months: float, new_share: float, engine: str = "table") -> xr.Dataset:
    """The county, or two thousand people of it, in which joiners wait so long and nobody responds to that."""
    base = assumed(COUNTY, "people", "new_share", value=new_share)
    base = moved(base if engine == "table" else scaled(base, 2_000), ALL_OFF | {"enrolment.waiting_months": months})
    if engine == "table":
        return simulate(base, 32, SEED, without=("chance",)).data
    return run(base, 256, engine)


def test_care_while_waiting_is_used_as_ever_and_patients_pay_all_of_it() -> None:
    """A fifth of the insured wait six months: the fund settles nine tenths of stays, special diseases and visits, and
    the last tenth is expense and out-of-pocket spending."""
    none, some = waiting(0, 0.2), waiting(6, 0.2)
    assert not none["waiting_expense"].values.any()
    for quantity in USED:
        np.testing.assert_allclose(some[quantity], 0.9 * none[quantity], rtol=1e-4, err_msg=quantity)
    np.testing.assert_allclose(some["expense"], none["expense"], rtol=1e-4)
    np.testing.assert_allclose(some["waiting_expense"], 0.1 * none["expense"], rtol=1e-4)
    assert nothing(some["expense"] - payers(some) - some["out_of_pocket"], some["expense"])
    np.testing.assert_allclose(some["outpatient"], 0.9 * none["outpatient"], rtol=1e-4)
    np.testing.assert_allclose(some["out_of_pocket"] - some["waiting_expense"], 0.9 * none["out_of_pocket"], rtol=5e-3)


def test_the_exact_engine_has_the_same_care_while_waiting() -> None:
    none, some = waiting(0, 0.5, "exact"), waiting(12, 0.5, "exact")
    between(ratio(some, none, "stays"), 0.48, 0.52)
    between(ratio(some, none, "expense"), 0.97, 1.03)
    between(mean(some, "waiting_expense") / mean(some, "expense"), 0.48, 0.52)
    assert nothing(some["expense"] - payers(some) - some["out_of_pocket"], some["expense"])


@pytest.mark.parametrize("engine", ["table", "exact"])
def test_where_everybody_waits_all_year_patients_pay_everything(engine: str) -> None:
    none, all_wait = waiting(0, 1.0, engine), waiting(12, 1.0, engine)
    assert not all_wait["provider_payment"].values.any() and not all_wait["stays"].values.any()
    between(ratio(all_wait, none, "expense"), 0.97, 1.03)
    assert nothing(all_wait["expense"] - all_wait["out_of_pocket"], all_wait["expense"])


# ---- adverse selection (Wang et al. 2006; digest P10) -----------------------------------------------------------

def joined(take_up: float, frail: float, risk: float, selection: float) -> tuple[float, float, float]:
    """Expected stays of the insured, of all residents and of those outside, beside the healthy's."""
    nobody = np.zeros((1, 1, 1, 1))
    odds = float(enrolment.first_odds(np.array(take_up), frail, np.array(selection)))
    sick = odds * np.exp(selection)
    inside = frail * sick / (1 + sick)
    people, moved_risk = enrolment.insured(np.full((1, 1, 1, 1), 1000.0), np.array([[take_up]]), frail, risk,
                                           np.array([selection]), nobody, nobody)
    assert people[0, 0, 0, 0] == pytest.approx(1000 * take_up)
    assert moved_risk[0, 0, 0] == pytest.approx(1)
    of = lambda share: 1 + (risk - 1) * share  # noqa: E731
    return of(inside / take_up), of(frail), of((frail - inside) / (1 - take_up))


def test_the_insured_need_a_tenth_more_care_than_all_residents() -> None:
    """At 71 % enrolment those who joined had spent 9.6 % more than all residents (Wang et al. 2006); they had spent
    1.7 times as much as those who stayed out of households that joined in part: 1.2 to 2 is allowed, for most of
    those outside here belong to households that did not join at all."""
    people = COUNTY.assumptions.people
    inside, everybody, outside = joined(0.71, people.frail_share.value, people.frail_risk.value,
                                        people.selection.value)
    assert inside / everybody == pytest.approx(1.096, abs=0.005)
    assert 1.2 < inside / outside < 2.0


@pytest.mark.parametrize("take_up", [0.3, 0.5, 0.9, 0.98])
def test_selection_fades_as_everybody_joins(take_up: float) -> None:
    inside, everybody, _ = joined(take_up, 0.2, 3.0, 2.3)
    fuller, _, _ = joined(take_up + 0.01, 0.2, 3.0, 2.3)
    assert everybody < fuller < inside


def test_xinyang_rewards_and_waiting_bring_in_the_healthy() -> None:
    """From 2013 a reward for staying and a wait for late joiners: more people, and 2 to 6 % fewer stays each."""
    scenario = moved(load_scenario("xinyang_launch_2008"), {"responses.demand": 0, "responses.tier_choice": 0})
    kept = without(scenario, "benefits.contribution_bonus", "benefits.rate_limit", "enrolment.waiting_months")
    after, first = run(scenario), run(kept)
    since = slice(2013, None)
    between((ratio(after, first, "enrolled")).sel(year=since), 1.005, 1.05)
    between((a_head(after, "stays") / a_head(first, "stays")).sel(year=since), 0.94, 0.98)
    for part in ("benefits.contribution_bonus", "enrolment.waiting_months"):
        alone = run(without(scenario, part))
        assert float((a_head(alone, "stays") / a_head(after, "stays")).sel(year=2014)) > 1.002, part


def test_xinyang_fills_up_and_the_sick_came_first() -> None:
    after, first = programme("xinyang_launch_2008"), before("xinyang_launch_2008")
    take_up = mean(after, "take_up")
    assert float(take_up.sel(year=2008)) == pytest.approx(0.445, abs=0.02)
    assert 0.75 < float(take_up.sel(year=2012)) < 0.87
    # Before benefits rise in 2011: those who come later are healthier.
    assert float((a_head(after, "stays") / a_head(first, "stays")).sel(year=2010)) < 0.97


# ---- contracts with family doctors (digest P3; BMC Health Services Research 2024) -------------------------------

def contracted(bonus: float = 0) -> tuple[xr.Dataset, xr.Dataset]:
    """Nanning with everybody under contract, and with nobody."""
    base = rebuilt(load_scenario("nanning_family_doctor_2019"), {"contracts.coverage": 0})
    return run(moved(base, {"contracts.coverage": 1, "contracts.rate_bonus.primary": bonus})), run(base)


def test_contracts_raise_visits_and_the_share_of_primary_care() -> None:
    """+0.05 to +0.08 on visits and +2 to +4 points of visits in community centres; a point is allowed each way."""
    after, first = contracted()
    between(ratio(after, first, "visits") - 1, 0.03, 0.10)
    between((mix(after, "visits_by_tier") - mix(first, "visits_by_tier")).sel(tier="primary"), 0.01, 0.05)
    between(ratio(after, first, "stays"), 0.98, 1.02)  # no change of admissions in four cities


def test_a_higher_rate_for_the_contracted_adds_to_it() -> None:
    plain, more = (contracted(bonus)[0] for bonus in (0, 0.05))
    assert bool((mix(more, "visits_by_tier") > mix(plain, "visits_by_tier")).sel(tier="primary").all())


def test_a_higher_rate_moves_the_newly_contracted_though_the_base_rules_name_it() -> None:
    """Nobody has a contract in the base policy, so that it is all one whether its rules name a rate for them."""
    base = {"contracts.coverage": 0}
    named, new = (moved(rebuilt(load_scenario("nanning_family_doctor_2019"), base | first), {
        "contracts.coverage": 1, "contracts.rate_bonus.primary": 0.05})
        for first in ({"contracts.rate_bonus.primary": 0.05}, {}))
    for name in ("visits", "stays", "expenditure"):
        np.testing.assert_allclose(run(named)[name], run(new)[name], rtol=1e-6)


def test_long_prescriptions_save_visits() -> None:
    """A fifth of the visits of the contracted renew a prescription: two thirds of them go when it lasts 12 weeks."""
    base = rebuilt(load_scenario("nanning_family_doctor_2019"), {"contracts.coverage": 1})
    longer = moved(base, {"contracts.prescription_weeks": 12, "responses.demand": 0})
    between(ratio(run(longer), run(moved(base, {"responses.demand": 0})), "visits"), 0.84, 0.88)


def test_nanning_has_the_coverage_of_the_plan_and_pays_the_primary_team_by_head() -> None:
    data = programme("nanning_family_doctor_2019")
    between(a_head(data, "contracted").sel(year=slice(2021, None)), 0.3, 0.5)
    by_way = mean(data, "paid_by_method").sel({"method": "capitation"})
    primary = mean(data, "outpatient_by_tier").sel(tier="primary")
    assert float(by_way.sel(year=2019)) == 0
    between((by_way / primary).sel(year=slice(2020, None)), 0.85, 1.25)  # a head's standard has its own growth


def test_paying_outpatient_care_by_head_lowers_its_cost() -> None:
    """Providers paid by head spend 6 % less, as the file's own assumption has it; half to one and a half allowed."""
    base = rebuilt(load_scenario("nanning_family_doctor_2019"), {})
    by_head = moved(base, {"payment.method.capitation.outpatient": 100, "payment.method.fee_for_service.outpatient": 0})
    after, first = run(by_head), run(base)
    saved = mean(first, "expense") - mean(after, "expense")
    outpatient = mean(first, "expense").sel(year=2019) * 146 / 1409  # yuan a head, in the file's head
    between((saved / outpatient).sel(year=2019), 0.03, 0.12)


def referred(credit: float, there: str, back: str) -> list[float]:
    """The deductibles of a stay and of one it is referred to, in Nanning."""
    scenario = moved(without(load_scenario("nanning_family_doctor_2019")), {"benefits.referral_credit": credit})
    bills = [{"kind": "inpatient", "tier": there, "expense": 8000.0, "eligible": 8000.0},
             {"kind": "inpatient", "tier": back, "expense": 8000.0, "eligible": 8000.0, "referred_from": there}]
    return [bill["deductible"] for bill in settle(scenario, {"person": {"group": "adult"}, "bills": bills})["bills"]]


def test_a_referral_costs_only_the_difference_up_and_nothing_down() -> None:
    assert referred(1, "primary", "secondary") == [100, 300 - 100]
    assert referred(0, "secondary", "primary")[1] > 0 == referred(1, "secondary", "primary")[1]


@pytest.mark.parametrize("there", ["primary", "secondary", "city_tertiary"])
@pytest.mark.parametrize("back", ["primary", "secondary", "city_tertiary"])
def test_a_referral_never_costs_more_than_coming_without_one(there: str, back: str) -> None:
    assert referred(1, there, back)[1] <= referred(0, there, back)[1]


def test_the_credit_on_referral_shifts_money_from_patients_to_the_fund() -> None:
    base = without(load_scenario("nanning_family_doctor_2019"))
    after, first = run(moved(base, {"benefits.referral_credit": 1})), run(base)
    between(ratio(after, first, "expenditure") - 1, 1e-5, 0.01)
    between(ratio(after, first, "out_of_pocket") - 1, -0.01, -1e-5)


# ---- gatekeeping (Xu, Powell-Jackson & Mills 2020) --------------------------------------------------------------

def test_gatekeeping_moves_patients_as_in_the_pilot() -> None:
    """+55.3 % patients in primary care and -23.9 % visits to hospitals; both together hold where primary care has
    three tenths of visits, so that is the mix taken here. A quarter of each is allowed."""
    start = {"primary": 0.3, "county": 0.5, "city": 0.15, "away": 0.05}
    base = assumed(without(COUNTY), "utilisation", "outpatient_mix",
                   value={group: start for group in COUNTY.axes.group})
    after, first = run(moved(base, {"care.referral_required": 1})), run(base)
    by_tier = mean(after, "visits_by_tier") / mean(first, "visits_by_tier")
    between(by_tier.sel(tier="primary") - 1, 0.553 * 0.75, 0.553 * 1.25)
    between(by_tier.drop_sel(tier="primary") - 1, -0.239 * 1.25, -0.239 * 0.75)
    between(ratio(after, first, "visits"), 0.98, 1.02)


# ---- where patients go: private hospitals, community care (digest P9, P11) --------------------------------------

def test_the_private_tier_gains_patients_when_terms_are_equal() -> None:
    scenario = load_scenario("private_parity")
    parity = ("benefits.deductible.inpatient.private_1", *(
        f"benefits.rate.{kind}.{group}.private_1" for kind in ("inpatient", "outpatient")
        for group in scenario.axes.group))
    after, first = programme("private_parity"), run(without(scenario, *parity))
    for name in ("stays_by_tier", "visits_by_tier"):
        by_tier = (mean(after, name) / mean(first, name)).sel(year=slice(2017, None))
        between(by_tier.sel(tier="private_1"), 1.2, 2.2)
        between(by_tier.drop_sel(tier="private_1"), 0.90, 1.0)
    between(ratio(after, first, "expenditure").sel(year=slice(2017, None)) - 1, 0.005, 0.08)
    still = {"responses.tier_choice": 0, "responses.demand": 0, "responses.enrolment": 0}
    unmoved = [mix(run(moved(which, still)), "stays_by_tier") for which in (scenario, without(scenario, *parity))]
    np.testing.assert_allclose(*unmoved, rtol=1e-9)


def test_datong_shares_the_subsidy_three_two_two_three() -> None:
    data = programme("datong_community_2010")
    share = data["subsidy_by_level"] / data["subsidy_by_level"].sum("level")
    np.testing.assert_allclose(share.isel(area=0).mean("draw"), np.tile([0.3, 0.2, 0.2, 0.3], (10, 1)))


def test_a_wider_gap_moves_stays_to_the_community() -> None:
    after = programme("datong_community_2010")
    first = run(without(load_scenario("datong_community_2010"), "benefits.rate"))
    since = slice(2013, None)
    by_tier = (mean(after, "stays_by_tier") / mean(first, "stays_by_tier")).sel(year=since)
    between(by_tier.sel(tier="community"), 1.15, 1.6)
    between(by_tier.sel(tier=["level_2", "level_3"]), 0.8, 0.97)
    assert bool((ratio(after, first, "expenditure") < 0.95).sel(year=since).all())
    visits = (mix(after, "visits_by_tier") - mix(first, "visits_by_tier")).sel(tier="community", year=since)
    assert bool((visits > 0).all())


# ---- family accounts become an outpatient pool (digest P13) -----------------------------------------------------

def test_family_accounts_leak_strand_and_run_down() -> None:
    after, first = programme("account_to_pool_2011"), before("account_to_pool_2011")
    for name in ("account_leaked", "account_stranded", "account_paid"):
        assert bool((mean(first, name) > 0).all()), name
    left = mean(after, "account_balance").sel(year=slice(2013, None)).values
    assert (np.diff(left) < 0).all() and left[-1] < 0.05 * left[0]
    assert bool((mean(first, "account_balance") > mean(after, "account_balance")).sel(year=slice(2012, None)).all())
    assert float(mean(after, "account_in").sel(year=2014)) == 0


def test_family_accounts_lose_no_yuan() -> None:
    data = programme("account_to_pool_2011")
    flow = data["account_in"] - data["account_paid"] - data["account_leaked"] - data["account_stranded"]
    assert nothing(data["account_balance"].diff("year") - flow.isel(year=slice(1, None)), data["account_in"])


def test_outpatients_pay_less_as_the_pool_opens() -> None:
    """The same care, nobody responding: what accounts, pool and the other layers leave to patients falls."""
    scenario = moved(load_scenario("account_to_pool_2011"), {
        f"responses.{name}": 0 for name in ("enrolment", "demand", "tier_choice")})
    after, first = run(scenario), run(without(scenario, "financing.account", "benefits"))
    opening = slice(2012, 2014)
    assert nothing((after["expense"] - first["expense"]).sel(year=opening), first["expense"])
    saved = ((first["expense"] - payers(first)) - (after["expense"] - payers(after))).isel(area=0).mean("draw")
    between((saved / mean(first, "enrolled")).sel(year=opening), 2, 30)  # of some 50 yuan a head of outpatient care
    between(a_head(after, "outpatient").sel(year=opening), 5, 40)
