"""Every programme of the library: it runs in both engines, its account adds up, its sources are named, and what it
does has the sign and roughly the size that published studies give (data/behaviour.csv, the sources of each file).

Each effect is measured on the same draws with and without the programme, or with one lever moved on its own.
"""

import re
from functools import lru_cache

import numpy as np
import pytest
import xarray as xr

from bench.pool import scaled
from simulation import load_scenario, settle, simulate
from simulation.assumptions import ASSUMED
from simulation.loading import library
from simulation.policy import policy_terms
from simulation.results import MORE, QUANTITIES
from simulation.rules import compile_rules
from simulation.scenario import Change, Scenario
from simulation.steps import enrolment, supervision
from simulation.steps.utilisation import futures
from simulation.terms import Source
from simulation.trees import dense

STATED = Source(status="assumption")
DRAWS, SEED = 64, 1
EXTENSIVE = [name for name, (_, unit) in (QUANTITIES | MORE).items() if unit not in ("share", "months")]


def run(scenario: Scenario, draws: int = DRAWS, engine: str = "table") -> xr.Dataset:
    return simulate(scenario, draws, seed=SEED, engine=engine).data


@lru_cache(maxsize=4)
def programme(name: str) -> xr.Dataset:
    """A scenario of the library as its file has it."""
    return run(load_scenario(name))


@lru_cache(maxsize=4)
def before(name: str) -> xr.Dataset:
    """The same without any of its dated changes."""
    return run(without(load_scenario(name)))


def without(scenario: Scenario, *levers: str) -> Scenario:
    """The scenario less its dated changes of some levers, or less all of them."""
    return scenario.model_copy(update={"changes": tuple(
        change for change in scenario.changes if levers and not change.lever.startswith(levers))})


def changes_of(scenario: Scenario, *levers: str) -> Scenario:
    """The scenario with its dated changes of some levers only."""
    return scenario.model_copy(update={"changes": tuple(
        change for change in scenario.changes if change.lever.startswith(levers))})


def moved(scenario: Scenario, settings: dict[str, object], year: int | None = None) -> Scenario:
    """The scenario with levers moved in a year, the first one where none is named."""
    return scenario.changed(Change(lever=lever, year=year or scenario.first_year, value=value, source=STATED)
                            for lever, value in settings.items())


def rebuilt(scenario: Scenario, settings: dict[str, object]) -> Scenario:
    """The scenario whose base policy, to which everybody is used, has these settings; no dated changes."""
    first = moved(without(scenario), settings)
    return first.model_copy(update={"policy": first.policy_in(scenario.first_year), "changes": ()})


def assumed(scenario: Scenario, section: str, name: str, **fields: object) -> Scenario:
    """The scenario with one assumption changed."""
    part = getattr(scenario.assumptions, section)
    part = part.model_copy(update={name: getattr(part, name).model_copy(update=fields)})
    return scenario.model_copy(update={"assumptions": scenario.assumptions.model_copy(update={section: part})})


def mean(data: xr.Dataset, name: str) -> xr.DataArray:
    """A quantity's mean over draws by year, of the whole pool."""
    return data[name].isel(area=0).mean("draw")


def ratio(after: xr.Dataset, first: xr.Dataset, name: str) -> xr.DataArray:
    """By year, a quantity's mean beside what it would have been."""
    return mean(after, name) / mean(first, name)


def a_head(data: xr.Dataset, name: str) -> xr.DataArray:
    return mean(data, name) / mean(data, "enrolled")


def mix(data: xr.Dataset, name: str) -> xr.DataArray:
    """Shares of tiers by year."""
    by_tier = mean(data, name)
    return by_tier / by_tier.sum("tier")


def between(values: xr.DataArray, low: float, high: float) -> None:
    assert bool(((values >= low) & (values <= high)).all()), (low, high, np.round(values.values, 5))


# ---- every file -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", library())
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_title_is_a_line_and_the_story_two_sentences(name: str, language: str) -> None:
    scenario = load_scenario(name)
    ends = {"zh": "[。？?！]", "en": r"[.?!](?=\s|$)"}[language]
    assert 4 <= len(scenario.title[language]) <= 80
    assert len(re.findall(ends, scenario.story[language])) == 2, scenario.story[language]
    assert re.search(f"{ends}$", scenario.story[language])


@pytest.mark.parametrize("name", library())
def test_every_value_that_is_law_names_its_clause(name: str) -> None:
    scenario = load_scenario(name)
    sources = {f"{section}.{field}": getattr(getattr(scenario.policy, section), field).source
               for section, field, _ in policy_terms()}
    sources |= {f"{section}.{field}": getattr(getattr(scenario.assumptions, section), field).source
                for section, model in ASSUMED.items() for field in model.model_fields}
    sources |= {f"{change.lever} in {change.year}": change.source for change in scenario.changes}
    sources |= {f"{rule.lever} in {rule.area}": rule.source for rule in scenario.local_rules}
    assert [where for where, source in sources.items()
            if source.status == "law" and not (source.document and source.clause)] == []


@pytest.mark.parametrize("name", library())
def test_the_engines_answer_alike_for_two_thousand_people(name: str) -> None:
    """Within 5 %: 32 draws of 2,000 people are some ten thousand person-years a year of the horizon."""
    small = scaled(load_scenario(name), 2_000)
    table, exact = (run(small, 32, engine) for engine in ("table", "exact"))
    assert table.sizes == exact.sizes
    for quantity in ("enrolled", "income", "expenditure", "stays", "out_of_pocket", "provider_payment", "visits"):
        ours, theirs = (float(data[quantity].isel(area=0).mean()) for data in (table, exact))
        assert theirs == pytest.approx(ours, rel=1e-3 if quantity == "enrolled" else 0.05), quantity


def accounts(data: xr.Dataset) -> dict[str, xr.DataArray]:
    """What must be nothing in every draw, year and area, in yuan or persons."""
    fund = data["contract_fee_by_payer"].sel(payer="fund")
    return {
        "income": data["income"] - (data["individual_income"] + data["assisted_income"] + data["subsidy_income"]
                                    + data["other_income"] + data["interest"] - data["account_in"]),
        "expenditure": data["expenditure"] - (data["provider_payment"] - data["recovered"] - data["review_saving"]
                                              + data["premium"] + fund),
        "surplus": data["surplus"] - (data["income"] - data["expenditure"] + data["transfer"]),
        "balance": data["balance_end"] - (data["opening_balance"] + data["surplus"]),
        # Of the fund or the whole city: one city fund gives each county its part of the balance anew.
        "opening": (data["opening_balance"].isel(year=slice(1, None)).drop_vars("year") - data["balance_end"].isel(
            year=slice(None, -1)).drop_vars("year")).isel(area=0),
        "subsidy": data["subsidy_income"] - data["subsidy_by_level"].sum("level") - data["deficit_subsidy"],
        "ways of payment": data["provider_payment"] - data["paid_by_method"].sum("method"),
        "contract fee": data["contract_fee"] - data["contract_fee_by_payer"].sum("payer"),
        "stays": data["stays"] - data["stays_by_tier"].sum("tier"),
        "visits": data["visits"] - data["visits_by_tier"].sum("tier"),
        "insured": data["enrolled"] - data["insured_by_group"].sum("group"),
        "paid for stays": data["inpatient_paid"] - data["basic_by_tier"].sum("tier"),
        "paid for visits": data["outpatient"] - data["outpatient_by_tier"].sum("tier"),
    }


def nothing(left: xr.DataArray, scale: xr.DataArray) -> bool:
    return float(np.abs(left).max()) <= 1e-9 * max(float(np.abs(scale).max()), 1.0)


@pytest.mark.parametrize("name", library())
@pytest.mark.parametrize("engine", ["table", "exact"])
def test_the_account_adds_up(name: str, engine: str) -> None:
    scenario = load_scenario(name)
    data = run(scenario if engine == "table" else scaled(scenario, 2_000), 32, engine)
    assert all(bool(np.isfinite(values).all()) for values in data.values())
    assert [part for part, left in accounts(data).items() if not nothing(left, data["income"])] == []


def payers(data: xr.Dataset) -> xr.DataArray:
    """What everybody but the patient pays for care, in yuan; what providers are paid beside it is no care."""
    return sum(data[part] for part in ("inpatient_paid", "chronic", "outpatient", "critical", "assistance",
                                       "commercial", "account_paid"))


@pytest.mark.parametrize("name", library())
def test_every_yuan_of_expense_is_paid_by_somebody(name: str) -> None:
    data = run(load_scenario(name), 32)
    assert nothing(data["expense"] - payers(data) - data["out_of_pocket"], data["expense"])
    assert nothing(data["out_of_pocket_by_group"].sum("group") - data["account_paid"] - data["out_of_pocket"],
                   data["expense"])


# What a file is unsure of must show in its answers: an interval that moves nothing is no interval.
UNSURE = [
    ("account_to_pool_2011", "utilisation", "outpatient_users"), ("account_to_pool_2011", "utilisation",
                                                                  "outpatient_expense"),
    ("account_to_pool_2011", "account", "family_opening"), ("account_to_pool_2011", "account", "family_leakage"),
    ("account_to_pool_2011", "account", "family_stranded"), ("claims_review", "providers", "problem_end"),
    ("claims_review", "providers", "deducted_start"), ("claims_review", "providers", "learning_months"),
    ("claims_review", "providers", "problem_saving"), ("guangxi_providers_2017", "providers", "noncompliant"),
    ("guangxi_providers_2017", "providers", "elsewhere"), ("primary_standards_2025", "providers", "quality_met"),
    ("county_community_2024", "behaviour", "capability_pull"), ("nanning_family_doctor_2019", "behaviour",
                                                                "contract_visits"),
    ("xinyang_launch_2008", "people", "selection"), ("datong_community_2010", "behaviour", "tier_sensitivity"),
]


@pytest.mark.parametrize(("name", "section", "quantity"), UNSURE)
def test_what_a_file_is_unsure_of_moves_its_answers(name: str, section: str, quantity: str) -> None:
    scenario = load_scenario(name)
    given = getattr(getattr(scenario.assumptions, section), quantity)
    assert given.range or given.factor, "the file gives it no interval"
    narrow = {"factor": (1.0, 1.0)} if given.factor else {"range": (given.value, given.value)}
    same = run(assumed(scenario, section, quantity, **narrow), 16).identical(run(scenario, 16))
    assert not same, f"the interval of {section}.{quantity} does nothing"


# ---- prices and demand ------------------------------------------------------------------------------------------

COUNTY = load_scenario("urrbmi_county_2026")
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


# ---- counties in one city (digest P8) ---------------------------------------------------------------------------

CITY = load_scenario("city_pooling_2012")


@lru_cache
def city() -> tuple[xr.Dataset, xr.Dataset]:
    """The counties as the file pools them, and under the same rules each for itself."""
    return run(CITY, 128), run(without(CITY, "pooling.method", "pooling.adjustment"), 128)


def counties(data: xr.Dataset, name: str) -> xr.DataArray:
    return data[name].isel(area=slice(1, None))


def test_counties_add_up_to_the_city() -> None:
    data = city()[0]
    with_fund = {"surplus", "balance_end", "opening_balance", "transfer"}  # its money is the city's
    for name in set(EXTENSIVE) - with_fund:
        assert nothing(counties(data, name).sum("area") - data[name].isel(area=0), data[name]), name
    city_balance = counties(data, "balance_end").sum("area") + data["adjustment_balance"].isel(area=0)
    assert nothing(city_balance - data["balance_end"].isel(area=0), data["income"])
    whole = data.isel(area=0)
    assert nothing(whole["income"] - whole["expenditure"] + whole["transfer"] - whole["surplus"], whole["income"])
    assert nothing(whole["transfer"], whole["income"])
    np.testing.assert_allclose((data["surplus"] / data["income"]).isel(area=0), data["surplus_ratio"].isel(area=0))


def test_pooling_makes_and_loses_no_money() -> None:
    """What one purse pays another receives; under one city fund the transfers alone add up to nothing."""
    data = city()[0]
    held = data["adjustment_balance"].isel(area=0)
    moved_on = counties(data, "transfer").sum("area") + held.diff("year").reindex(year=data["year"], fill_value=0.0)
    assert nothing(moved_on, data["income"])
    assert nothing(counties(data, "transfer").sum("area").sel(year=slice(2019, None)), data["income"])
    assert float(held.min()) > -1e-6 * float(held.max())


def test_each_county_pays_in_and_only_deficits_are_covered() -> None:
    data = city()[0].sel(year=slice(2013, 2017))
    np.testing.assert_allclose(data["adjustment_paid_in"], 0.05 * data["income"])
    short = data["expenditure"] + data["adjustment_paid_in"] - data["income"]
    covered = counties(data, "adjustment_paid_out")
    # The county bears a fifth first and four fifths of the rest are covered, while money lasts.
    assert bool((covered <= 0.8 * 0.8 * short.isel(area=slice(1, None)).clip(min=0) + 1e-6).all())
    assert bool((covered > 0).any())


def test_the_adjustment_fund_makes_deficits_shallower() -> None:
    pooled, alone = (counties(data, "surplus").clip(max=0).sum("area").mean("draw") for data in city())
    assert bool((pooled > 0.9 * alone).sel(year=slice(2013, 2017)).all())


def test_one_city_fund_lowers_the_chance_that_some_county_is_in_deficit() -> None:
    pooled, alone = ((counties(data, "surplus") < 0).any("area").mean("draw") for data in city())
    assert bool((pooled < alone - 0.1).sel(year=slice(2018, None)).all())
    # In one fund every county shares the city's fortune: all are in deficit or none.
    same = (counties(city()[0], "surplus") < 0).sel(year=slice(2019, None))
    assert bool((same.all("area") == same.any("area")).all())


def test_shocks_of_counties_go_together_as_assumed() -> None:
    known = without(CITY)
    found = {area: futures(known, 1024, SEED, area) for area in CITY.axes.area}
    between_counties = lambda of: np.corrcoef([of(future) for future in found.values()])[np.triu_indices(8, 1)]  # noqa: E731
    assert between_counties(lambda future: future.take_up[:, 0]) == pytest.approx(0.5, abs=0.1)
    assert between_counties(lambda future: future.noise[:, 0]) == pytest.approx(0.0, abs=0.12)


def test_unified_rules_make_counties_pay_alike() -> None:
    """Before 2015 counties pay by their own rules; from then on a tier pays alike but for its prices."""
    data = city()[0]
    ratios = data["in_policy_by_tier"].isel(area=slice(1, None)).mean("draw").sel(tier="county")
    spread = ratios.max("area") - ratios.min("area")
    assert float(spread.sel(year=2014)) > 0.08 > 2 * float(spread.sel(year=2015))


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


# ---- rules of the rural plans (digest P2) -----------------------------------------------------------------------

def test_shandong_has_a_ceiling_of_fifty_thousand_or_six_incomes() -> None:
    scenario = load_scenario("shandong_nrcms_2011")
    ceilings = [compile_rules(scenario, policy, year).ceiling
                for policy, year in zip(scenario.policies(), scenario.horizon(), strict=True)]
    assert ceilings == [max(50_000, 6 * scenario.income_per_head(year)) for year in scenario.horizon()]
    assert ceilings[0] == 50_000 < ceilings[-1]


def test_shandong_warns_before_money_runs_out() -> None:
    data = programme("shandong_nrcms_2011")
    warned = (data["reserve_months"] < 3).isel(area=0).mean("draw")
    assert 0 < float(warned.max()) < 1
    assert float(data["reserve_months_line"][0]) == 3
    assert bool((warned >= (data["balance_end"] < 0).isel(area=0).mean("draw")).all())


def test_shandong_acts_on_a_deficit_and_on_nothing_else() -> None:
    """Half of a deficit is made good a year later and the contribution rises by 5 % for good, draw by draw."""
    scenario = load_scenario("shandong_nrcms_2011")
    lines = scenario.policy.lines
    # Leaner, so that some futures have deficits and some have none.
    lean = moved(assumed(scenario, "utilisation", "admissions", value=scaled_up(scenario, 1.1)),
                 {"responses.enrolment": 0})  # nobody leaves for the higher contribution
    triggered = run(lean)
    without_any = run(moved(lean, {"lines.deficit_subsidy": 0, "lines.deficit_contribution": 0}))
    short = (-triggered["surplus"]).clip(min=0).isel(area=0).values
    made_good = triggered["deficit_subsidy"].isel(area=0).values
    times = np.cumsum(short > 0, axis=1)
    assert (made_good[:, 0] == 0).all()
    np.testing.assert_allclose(made_good[:, 1:], lines.deficit_subsidy.value * short[:, :-1])
    for name in ("individual_income", "assisted_income"):  # what is paid for the poor follows
        risen, usual = (data[name].isel(area=0).values[:, 1:] for data in (triggered, without_any))
        np.testing.assert_allclose(risen, usual * (1 + lines.deficit_contribution.value)**times[:, :-1])
    assert 0 < (short > 0).any(axis=1).mean() < 1


def test_a_contribution_that_rises_after_deficits_loses_those_who_pay_it() -> None:
    """Each deficit raises it by a tenth: the ordinary go at an elasticity of -0.2, the poor who pay nothing stay.

    What goes by the head follows the insured; what an insured person costs stays as it was.
    """
    scenario = without(load_scenario("shandong_nrcms_2011"))
    scenario = assumed(scenario, "people", "contribution_elasticity", value=-0.2, range=(-0.2, -0.2))
    scenario = assumed(scenario, "account", "income_growth", value=0)
    red = {"lines.deficit_contribution": 0.1, "lines.deficit_subsidy": 0, "financing.premium": 500}  # in every year
    lean = moved(scenario, red)
    data, usual = run(lean), run(moved(lean, {"lines.deficit_contribution": 0}))
    assert bool((data["surplus"] < 0).all())
    k = np.arange(lean.years)
    over = ("group", "status")
    insured = lean.value("people", "residents", over) * lean.value("people", "take_up", over)
    ordinary = insured[:, 0].sum() / insured.sum()
    np.testing.assert_allclose(ratio(data, usual, "enrolled"), 1 - ordinary * (1 - 1.1 ** (-0.2 * k)), atol=2e-3)
    np.testing.assert_allclose(ratio(data, usual, "individual_income"), 1.1 ** (0.8 * k), rtol=0.02)
    np.testing.assert_allclose(ratio(data, usual, "assisted_income"), 1.1 ** k)
    for name in ("subsidy_income", "provider_payment", "stays", "expenditure", "out_of_pocket"):
        np.testing.assert_allclose(a_head(data, name), a_head(usual, name), rtol=1e-5, err_msg=name)
    np.testing.assert_array_equal(data["residents"], usual["residents"])


def scaled_up(scenario: Scenario, factor: float) -> dict[str, float]:
    """The scenario's admissions times a factor."""
    return {group: rate * factor for group, rate in scenario.assumptions.utilisation.admissions.value.items()}


def test_henan_has_its_members_its_money_and_its_benefits() -> None:
    """76.79 million members, 230 yuan a head, 1.36 benefits a head; outside the township no visit is paid."""
    data = programme("henan_nrcms_2011")
    first = lambda name: float(a_head(data, name).sel(year=2011))  # noqa: E731
    assert float(mean(data, "enrolled").sel(year=2011)) == pytest.approx(76.786e6, rel=0.005)
    assert first("income") - first("interest") == pytest.approx(230, rel=0.002)
    township = float(a_head(data, "visits_by_tier").sel(year=2011, tier="township"))
    assert township + first("stays") == pytest.approx(1.36, abs=0.06)
    assert 0.70 < float(mean(data, "expenditure").sel(year=2011) / mean(data, "income").sel(year=2011)) < 0.82
    assert bool((mean(data, "balance_ratio") > 0.25).sel(year=slice(2014, None)).all())  # its room shows


ANCHORS = {"stays": 0.195, "visits": 1.91, "expense": 1934, "expenditure": 1113, "income": 1141}


@pytest.mark.parametrize("quantity", ANCHORS)
def test_the_county_of_2026_stands_where_its_file_says(quantity: str) -> None:
    """A head of the insured in the first year, by hand in the file's head; within 3 %."""
    value = float(a_head(programme("urrbmi_county_2026"), quantity).sel(year=2026))
    assert value == pytest.approx(ANCHORS[quantity], rel=0.03)


def test_the_county_of_2026_pays_the_published_part_of_each_tier() -> None:
    """80.8, 72.4 and 63.2 % in 2023; three points are allowed."""
    found = mean(programme("urrbmi_county_2026"), "in_policy_by_tier").sel(year=2026).values
    assert found[:3] == pytest.approx([0.808, 0.724, 0.632], abs=0.03)
    months = float(mean(programme("urrbmi_county_2026"), "reserve_months").sel(year=2026))
    assert months == pytest.approx(9, abs=1)


def test_one_city_fund_is_solvent_or_not_for_every_county_at_once() -> None:
    below = (counties(city()[0], "balance_end") < 0).sel(year=slice(2018, None))
    assert bool((below == below.isel(area=0)).all()) and 0 < float(below.mean()) < 1
