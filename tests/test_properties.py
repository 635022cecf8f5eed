"""What must hold whatever the bills, the levers, the seed and the horizon."""

import numpy as np
import pytest
from hypothesis import Phase, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from bench.pool import scaled
from simulation import load_scenario, settle, simulate
from simulation.assumptions import uncertain
from simulation.loading import library
from simulation.measures import unresponsive
from simulation.rules import compile_rules
from simulation.scenario import Change, Scenario
from simulation.scorecard import scorecard
from simulation.steps.benefits import AMOUNTS, DEDUCTIBLE, settle_year
from simulation.terms import Source

BOOK = load_scenario("benxi_2008")
COUNTY = load_scenario("urrbmi_county_2026")  # with pooled outpatient care
STATED = Source(status="assumption")
CENT = 0.01  # yuan
PAID_IN = ("enrolled", "individual_income", "subsidy_income")
CARE = ("expense", "eligible", "stays")

few = limits(max_examples=60, deadline=None, derandomize=True)
fewer = limits(max_examples=8, deadline=None, derandomize=True, phases=[Phase.generate])  # to shrink one takes minutes


def with_levers(scenario: Scenario, levers: dict[str, object], year: int | None = None) -> Scenario:
    """The scenario with some levers set, from its first year or a later one."""
    return scenario.changed(Change(lever=name, year=year or scenario.first_year, value=value, source=STATED)
                            for name, value in levers.items())


CITIES = {"table": BOOK, "exact": scaled(BOOK, 3_000)}
COUNTIES = {"table": COUNTY, "exact": scaled(COUNTY, 3_000)}
both_engines = pytest.mark.parametrize("engine", CITIES)


def numbers(engine: str, levers: dict[str, object] | None = None, year: int | None = None, draws: int = 16,
            seed: int = 1, years: int | None = None, places: dict[str, Scenario] = CITIES):
    """The dataset of a small run."""
    city = places[engine].model_copy(update={"years": years or places[engine].years})
    return simulate(with_levers(city, levers or {}, year), draws, seed, engine).data.isel(area=0)


# --- one person's year -----------------------------------------------------------------------------

@st.composite
def years_of_bills(draw, book: Scenario = COUNTY, referrals: bool = True) -> dict:
    """A person and up to six bills of a year."""
    axes, bills = book.axes.members(), []
    for _ in range(draw(st.integers(1, 6))):
        expense = draw(st.floats(0, 200_000) | st.floats(0, 300))
        bill = {"kind": draw(st.sampled_from(axes["kind"])), "tier": draw(st.sampled_from(axes["tier"])),
                "expense": expense, "eligible": expense * draw(st.floats(0, 1)), "visits": draw(st.integers(0, 12))}
        if referrals and bills and draw(st.booleans()):
            bill["referred_from"] = bills[-1]["tier"]
        bills.append(bill)
    return {"person": {"group": draw(st.sampled_from(axes["group"])), "status": draw(st.sampled_from(axes["status"])),
                       "contribution_years": draw(st.integers(0, 12)), "contracted": draw(st.booleans()),
                       "commercial": draw(st.booleans())}, "bills": bills}


# Rule books with every layer on, off, or of another kind than in the scenario.
rule_books = st.fixed_dictionaries({}, optional={
    "benefits.rate": st.floats(0, 1),
    "benefits.deductible": st.floats(0, 5000),
    "benefits.deductible_step": st.floats(0, 500),
    "benefits.deductible_floor": st.floats(0, 500),
    "benefits.contribution_bonus": st.floats(0, 0.1),
    "benefits.rate_limit": st.floats(0, 1),
    "benefits.ceiling": st.none() | st.floats(0, 100_000),
    "benefits.ceiling_multiple": st.floats(0, 6),
    "benefits.kind_ceiling": st.none() | st.floats(0, 20_000),
    "benefits.kind_ceiling.outpatient": st.none() | st.floats(0, 500),
    "benefits.essential_rate": st.floats(0, 1),
    "benefits.class_b_first_pay": st.floats(0, 1),
    "benefits.consultation_paid": st.floats(0, 50),
    "benefits.referral_credit": st.sampled_from([0.0, 0.5, 1.0]),
    "benefits.critical_base": st.sampled_from(["above_ceiling", "out_of_pocket"]),
    "benefits.critical_deductible": st.floats(0, 50_000),
    "benefits.critical_rate": st.floats(0, 1),
    "benefits.critical_ceiling": st.none() | st.floats(0, 100_000),
    "benefits.assistance_rate": st.floats(0, 1),
    "benefits.assistance_deductible": st.floats(0, 10_000),
    "benefits.assistance_ceiling": st.none() | st.floats(0, 50_000),
    "benefits.commercial_rate": st.floats(0, 1),
    "benefits.commercial_deductible": st.floats(0, 20_000),
    "benefits.commercial_ceiling": st.none() | st.floats(0, 50_000),
    "contracts.rate_bonus": st.floats(0, 0.3),
    "contracts.waived_visits": st.integers(0, 20),
})
# A county's settlement of a year; a person may have a family doctor and a commercial supplement.
LAYERS = ("basic", "critical", "assistance", "commercial")


def settled(levers: dict, year: dict, book: Scenario = COUNTY) -> dict:
    """A person's year under a scenario's rules with some levers set."""
    return settle(with_levers(book, levers), year)


def basic(levers: dict, year: dict) -> float:
    """What the fund pays for the year."""
    return settled(levers, year)["year"]["basic"]


@few
@given(years_of_bills(), rule_books)
def test_the_parts_of_a_bill_add_up_and_none_is_negative(year: dict, levers: dict) -> None:
    found = settled(levers, year)
    for row in [*found["bills"], found["year"]]:
        parts = [row[name] for name in (*LAYERS, "out_of_pocket")]
        assert min(*parts, row["deductible"], row["ineligible"]) >= -1e-6
        assert sum(parts) == pytest.approx(row["expense"], abs=CENT)
        assert row["out_of_pocket"] >= row["ineligible"] - 1e-6
        assert row["deductible"] <= row["eligible"] + 1e-6


@few
@given(years_of_bills(BOOK), rule_books.map(lambda levers: {
    name: value for name, value in levers.items() if not name.endswith("outpatient")}))
def test_a_book_without_outpatient_care_adds_up_too(year: dict, levers: dict) -> None:
    found = settled(levers, year, BOOK)
    for row in [*found["bills"], found["year"]]:
        assert sum(row[name] for name in (*LAYERS, "out_of_pocket")) == pytest.approx(row["expense"], abs=CENT)
        assert sum(row[name] for name in LAYERS) <= row["eligible"] + 1e-6


@few
@given(years_of_bills(), rule_books)
def test_a_year_is_the_sum_of_its_bills(year: dict, levers: dict) -> None:
    found = settled(levers, year)
    for name in found["year"].keys() - {"rate"}:
        assert found["year"][name] == pytest.approx(sum(bill[name] for bill in found["bills"]), abs=CENT)


# Consultation fees stand beside the ceilings, so they are left out here; outpatient care has a ceiling of its own.
@few
@given(years_of_bills(), rule_books, st.floats(0, 50_000), st.floats(0, 500))
def test_no_layer_pays_beyond_its_ceiling(year: dict, levers: dict, ceiling: float, own: float) -> None:
    limits_ = {f"benefits.{layer}": ceiling for layer in (
        "ceiling", "critical_ceiling", "assistance_ceiling", "commercial_ceiling")}
    levers = {name: value for name, value in levers.items() if "kind_ceiling" not in name}
    found = settled(levers | limits_ | {
        "benefits.ceiling_multiple": 0, "benefits.kind_ceiling": None, "benefits.kind_ceiling.chronic": own,
        "benefits.kind_ceiling.outpatient": own, "benefits.consultation_paid": 0, "contracts.waived_visits": 0}, year)
    paid = {kind: sum(row["basic"] for row, bill in zip(found["bills"], year["bills"], strict=True)
                      if bill["kind"] == kind) for kind in COUNTY.axes.kind}
    assert paid["inpatient"] + paid["chronic"] <= ceiling + 1e-5
    assert max(paid["chronic"], paid["outpatient"]) <= own + 1e-5
    assert max(found["year"][layer] for layer in LAYERS[1:]) <= ceiling + 1e-5


@few
@given(years_of_bills(), rule_books)
def test_ordinary_outpatient_care_reaches_no_higher_layer_and_leaves_the_ceiling_alone(
        year: dict, levers: dict) -> None:
    stays = [bill for bill in year["bills"] if bill["kind"] != "outpatient"]
    together, alone = (settled(levers, year | {"bills": bills}) for bills in (year["bills"], stays))
    of_stays = []
    for row, bill in zip(together["bills"], year["bills"], strict=True):
        if bill["kind"] == "outpatient":
            assert [row[layer] for layer in LAYERS[1:]] == [0, 0, 0]
        else:
            of_stays.append(row)
    for row, other in zip(of_stays, alone["bills"], strict=True):
        # A visit between two stays parts them: the second one is then no longer a referral.
        if not any("referred_from" in bill for bill in year["bills"]):
            assert {name: row[name] for name in LAYERS} == pytest.approx({name: other[name] for name in LAYERS})


@few
@given(years_of_bills(), rule_books, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_rate_never_pays_less(year: dict, levers: dict, one: float, other: float) -> None:
    low, high = (basic(levers | {"benefits.rate": rate}, year) for rate in sorted((one, other)))
    assert low <= high + 1e-5


@few
@given(years_of_bills(), rule_books, st.floats(0, 50_000), st.none() | st.floats(0, 50_000))
def test_a_higher_ceiling_never_pays_less(year: dict, levers: dict, low: float, more: float | None) -> None:
    low, high = (basic(levers | {"benefits.ceiling": ceiling}, year)
                 for ceiling in (low, None if more is None else low + more))
    assert low <= high + 1e-5


@few
@given(years_of_bills(), rule_books, st.sampled_from(list(COUNTY.axes.kind)), st.floats(0, 20_000),
       st.none() | st.floats(0, 50_000))
def test_a_higher_ceiling_of_a_kind_never_pays_less(year: dict, levers: dict, kind: str, low: float,
                                                    more: float | None) -> None:
    low, high = (basic(levers | {f"benefits.kind_ceiling.{kind}": ceiling}, year)
                 for ceiling in (low, None if more is None else low + more))
    assert low <= high + 1e-5


@few
@given(years_of_bills(), rule_books)
def test_a_family_doctor_never_costs_benefits(year: dict, levers: dict) -> None:
    without, contracted = (basic(levers, year | {"person": year["person"] | {"contracted": contracted}})
                           for contracted in (False, True))
    assert without <= contracted + 1e-5


@few
@given(years_of_bills(), rule_books)
def test_the_commercial_supplement_only_lowers_what_is_left(year: dict, levers: dict) -> None:
    without, bought = (settled(levers, year | {"person": year["person"] | {"commercial": commercial}})["year"]
                       for commercial in (False, True))
    assert without["commercial"] == 0
    for layer in LAYERS[:3]:
        assert bought[layer] == pytest.approx(without[layer], abs=1e-5)
    assert bought["out_of_pocket"] == pytest.approx(without["out_of_pocket"] - bought["commercial"], abs=1e-5)


# Not so after a referral: what was due at the first hospital is credited at the second, even where the
# first bill was too small to bear it.
@few
@given(years_of_bills(referrals=False), rule_books, st.floats(0, 20_000), st.floats(0, 20_000))
def test_a_higher_deductible_never_pays_more(year: dict, levers: dict, one: float, other: float) -> None:
    low, high = (basic(levers | {"benefits.deductible": due}, year) for due in sorted((one, other)))
    assert high <= low + 1e-5


@few
@given(rule_books, st.lists(st.sampled_from([0, 1, 2]), min_size=1, max_size=5), st.integers(0, 2**32 - 1))
def test_a_population_is_settled_like_each_of_its_people(levers: dict, kind: list[int], seed: int) -> None:
    scenario = with_levers(COUNTY, levers)
    rules = compile_rules(scenario, scenario.policy_in(2026))
    random, people, bills = np.random.default_rng(seed), 7, len(kind)
    cell, status = random.integers(6, size=people), random.integers(2, size=people)
    years = random.integers(0, 12, size=people).astype(float)
    tier, continued = random.integers(4, size=(bills, people)), random.integers(2, size=(bills, people)).astype(float)
    visits = random.integers(0, 9, size=(bills, people)).astype(float)
    eligible = random.lognormal(8, 2, size=(bills, people))
    together = np.zeros((bills, AMOUNTS, people))
    settle_year(rules, cell, status, years, kind, tier, continued, visits, eligible, np.zeros((3, people)),
                np.zeros((3, people)), together)
    for n in range(people):
        alone = np.zeros((bills, AMOUNTS))
        settle_year(rules, cell[n], status[n], years[n], kind, tier[:, n], continued[:, n], visits[:, n],
                    eligible[:, n], np.zeros(3), np.zeros(3), alone)
        assert_array_equal(together[:, :, n], alone)
    assert (together[:, DEDUCTIBLE] <= eligible).all()


# --- the fund --------------------------------------------------------------------------------------

cities = st.fixed_dictionaries({}, optional={
    "financing.contribution": st.floats(0, 1000), "financing.contribution_step": st.floats(0, 50),
    "financing.subsidy": st.floats(0, 1000), "financing.premium": st.floats(0, 100),
    "financing.subsidy_late": st.floats(0, 1), "financing.subsidy_missing": st.floats(0, 1),
    "financing.account": st.floats(0, 100), "enrolment.waiting_months": st.integers(0, 12),
    "enrolment.deduplication": st.floats(0, 1),
    "benefits.rate": st.floats(0.05, 1), "benefits.ceiling": st.none() | st.floats(1000, 100_000),
    "benefits.assistance_rate": st.floats(0, 1), "benefits.commercial_rate": st.floats(0, 1),
    "contracts.coverage": st.floats(0, 1), "contracts.fee": st.floats(0, 100),
    "payment.method.global_budget": st.floats(0, 5), "payment.method.capitation": st.floats(0, 5),
    "payment.method.case_payment": st.floats(0, 5), "payment.retention": st.floats(0, 1),
    "payment.quality_coefficient": st.floats(1, 1.5),
    "supervision.sample_share": st.floats(0, 1), "supervision.suspension_months": st.integers(0, 6),
    "supervision.review_coverage": st.floats(0, 1),
    "lines.deficit_subsidy": st.floats(0, 1), "lines.deficit_contribution": st.floats(0, 0.5),
    "lines.deficit_cut": st.floats(0, 0.2)})


def check_account(data, interest_rate: float) -> None:
    """Every draw's account closes: stocks follow from flows, and each flow is the sum of its parts."""
    opening, closing = data["opening_balance"].values, data["balance_end"].values
    one_fen = 0.01 + 1e-12 * np.abs(closing).max()
    assert_allclose(opening[:, 1:], closing[:, :-1], rtol=1e-12, atol=CENT)
    assert_allclose(opening + data["surplus"], closing, rtol=0, atol=one_fen)
    assert_allclose(data["income"] - data["expenditure"] + data["transfer"], data["surplus"], rtol=0, atol=one_fen)
    assert_allclose(interest_rate * np.maximum(opening, 0), data["interest"], rtol=1e-12)
    assert_allclose(data["individual_income"] + data["assisted_income"] + data["subsidy_income"]
                    + data["other_income"] + data["interest"] - data["account_in"], data["income"], rtol=1e-12,
                    atol=one_fen)
    assert_allclose(data["subsidy_by_level"].sum("level") + data["deficit_subsidy"], data["subsidy_income"], rtol=1e-12)
    assert_allclose(data["insured_by_group"].sum("group"), data["enrolled"], rtol=1e-12)
    assert_allclose(data["provider_payment"] - data["recovered"] - data["review_saving"] + data["premium"]
                    + data["contract_fee_by_payer"].sel(payer="fund"), data["expenditure"], rtol=1e-12, atol=one_fen)
    assert_allclose(data["paid_by_method"].sum("method"), data["provider_payment"], rtol=1e-9, atol=one_fen)
    assert_allclose(data["contract_fee_by_payer"].sum("payer"), data["contract_fee"], rtol=1e-9, atol=one_fen)


@both_engines
@fewer
@given(levers=cities, seed=st.integers(0, 2**62))
def test_every_draw_of_the_account_closes(engine: str, levers: dict, seed: int) -> None:
    check_account(numbers(engine, levers, seed=seed, years=4), BOOK.assumptions.account.interest_rate.value)


@fewer
@given(levers=cities, seed=st.integers(0, 2**62))
def test_every_draw_of_an_account_with_outpatient_care_closes(levers: dict, seed: int) -> None:
    check_account(numbers("table", levers, seed=seed, years=4, places=COUNTIES),
                  COUNTY.assumptions.account.interest_rate.value)


@pytest.mark.parametrize("method", ["separate", "adjustment", "full"])
def test_the_accounts_of_a_city_are_those_of_its_counties(method: str) -> None:
    city = load_scenario("city_pooling_2012").model_copy(update={"years": 3, "changes": ()})
    city = with_levers(city, {"pooling.method": method, "pooling.adjustment_rate": 0.05,
                              "pooling.adjustment_cover": 0.8, "pooling.adjustment_own": 0.1})
    data = simulate(city, 16, 1, engine="table").data
    # One city fund has one balance, of which each county's part goes by its insured anew each year.
    for area in [0] if method == "full" else range(1, data.sizes["area"]):
        check_account(data.isel(area=area), city.assumptions.account.interest_rate.value)
    counties, whole = data.isel(area=slice(1, None)).sum("area"), data.isel(area=0)
    for name in ("income", "expenditure", "enrolled", "stays", "adjustment_paid_in", "adjustment_paid_out"):
        assert_allclose(counties[name], whole[name], rtol=1e-9, err_msg=name)
    # What the adjustment fund holds belongs to the city and to no county.
    held = whole["adjustment_balance"]
    assert_allclose(held, (whole["adjustment_paid_in"] - whole["adjustment_paid_out"]).cumsum("year"), atol=1)
    assert held.max() > 0 or method != "adjustment"
    assert_allclose(counties["balance_end"] + held, whole["balance_end"], rtol=1e-9, atol=CENT)
    assert_allclose(whole["income"] - whole["expenditure"], whole["surplus"], rtol=1e-9, atol=1)
    assert_allclose(whole["transfer"], 0, atol=1)


@both_engines
@pytest.mark.parametrize("place", ["Benxi", "a county with outpatient care"])
@fewer
@given(levers=cities, seed=st.integers(0, 2**62))
def test_what_care_costs_is_paid_by_somebody(engine: str, place: str, levers: dict, seed: int) -> None:
    levers = {name: value for name, value in levers.items() if not name.startswith("lines.")}
    data = numbers(engine, levers, seed=seed, years=3, places=CITIES if place == "Benxi" else COUNTIES)
    owed = data["basic_by_tier"].sum("tier") + data["chronic"] + data["outpatient"]
    assert_allclose(data["inpatient_paid"] + data["chronic"] + data["outpatient"], owed, rtol=1e-9, atol=CENT)
    if not any(name.startswith("payment.") for name in levers):  # paid by item, providers get what the rules grant
        assert_allclose(owed, data["provider_payment"], rtol=1e-9, atol=CENT)
    paid = owed + data["critical"] + data["assistance"] + data["commercial"] + data["account_paid"]
    assert_allclose(paid + data["out_of_pocket"], data["expense"], rtol=1e-9, atol=CENT)
    assert (data["eligible"] <= data["expense"] * (1 + 1e-12)).all()


def test_family_accounts_lose_no_yuan() -> None:
    place = load_scenario("account_to_pool_2011")
    data = simulate(place, 16, 1, engine="table").data.isel(area=0)
    gone = data["account_paid"] + data["account_leaked"] + data["account_stranded"]
    change = data["account_balance"].diff("year")
    assert_allclose(change, (data["account_in"] - gone)[:, 1:], rtol=1e-9, atol=CENT)
    for name in ("account_paid", "account_leaked", "account_stranded", "account_balance"):
        assert data[name].min() >= 0


@both_engines
def test_what_all_pay_alike_adds_up_over_the_insured(engine: str) -> None:
    data = numbers(engine, {"financing.contribution": 100, "financing.subsidy": 50, "enrolment.arrears_share": 0})
    assert_allclose(data["individual_income"], 100 * data["enrolled"], rtol=1e-12)
    assert_allclose(data["subsidy_income"], 50 * data["enrolled"], rtol=1e-12)
    # The city alone bears the subsidy for pupils of its own schools.
    pupils = data["insured_by_group"].values @ BOOK.value("people", "city_school_share", ("group",))
    assert_allclose(data["subsidy_by_level"].sel(level="county"), 50 * 0.40 * (data["enrolled"] - pupils), rtol=1e-12)


# Rule books at the ends of their bounds. The table's totals carry chance as a normal, so a share that is 1
# for every person may be off by a little.
EXTREMES = {
    "nothing is paid": {"benefits.rate": 0, "benefits.contribution_bonus": 0, "benefits.critical_rate": 0},
    "the fund pays nothing": {"benefits.ceiling": 0},
    "hardly anything is paid": {"benefits.rate": 0.001, "benefits.contribution_bonus": 0},
    "hardly anyone is paid": {"benefits.deductible": 20_000},
    "everything is paid": {"benefits.rate": 1, "benefits.deductible": 0, "benefits.deductible_floor": 0,
                           "benefits.ceiling": None},
    "everyone waits": {"enrolment.waiting_months": 12},
    "nobody pays in": {"financing.contribution": 0, "financing.subsidy": 0},
    "assistance pays the rest": {"benefits.assistance_rate": 1},
    "the supplement pays the rest": {"benefits.commercial_rate": 1},
    "everyone has a family doctor": {"contracts.coverage": 1, "contracts.rate_bonus": 0.3},
    "nobody may go beyond primary care": {"care.referral_required": 1, "care.capability": 1, "care.special_fund": 500},
    "all is paid by budget": {"payment.method.fee_for_service": 0, "payment.method.global_budget": 1,
                              "payment.level": 0.5},
    "all is paid by the case": {"payment.method.fee_for_service": 0, "payment.method.case_payment": 1,
                                "payment.same_payment_share": 1},
    "everyone is sampled and suspended": {"supervision.sample_share": 1, "supervision.suspension_threshold": 0,
                                          "supervision.suspension_months": 6, "supervision.review_coverage": 1},
    "no subsidy ever comes": {"financing.subsidy_missing": 1, "financing.subsidy_late": 1},
    "a deficit cuts everything": {"benefits.rate": 0.9, "lines.deficit_cut": 0.5, "lines.deficit_contribution": 1},
}


@both_engines
@pytest.mark.parametrize("extreme", EXTREMES)
def test_shares_stay_shares_at_the_ends_of_the_levers(engine: str, extreme: str) -> None:
    data = numbers(engine, EXTREMES[extreme], draws=64)
    assert all(np.isfinite(values).all() for values in data.values())
    for name in ("in_policy_ratio", "effective_ratio", "primary_share", "catastrophic", "take_up", "primary_visits",
                 "in_county_share", "chronic_in_policy_ratio", "in_policy_by_tier", "effective_by_tier"):
        # One tier's years with several stays carry a little quadrature error in the table.
        assert data[name].min() >= -1e-3 and data[name].max() <= 1 + 2e-3, name
    for name in (*CARE, "expenditure", "critical", "assistance", "commercial", "chronic", "basic_by_tier",
                 "out_of_pocket", "out_of_pocket_by_group", "catastrophic_by_group", "suspended", "recovered",
                 "review_saving"):
        assert data[name].min() >= -1e-3 * data["expense"].mean(), name
    assert (data["eligible"] <= data["expense"]).all()


@pytest.mark.parametrize("extreme", EXTREMES)
def test_shares_stay_shares_where_outpatient_care_is_pooled(extreme: str) -> None:
    data = numbers("table", EXTREMES[extreme], draws=16, years=4, places=COUNTIES)
    assert all(np.isfinite(values).all() for values in data.values())
    for name in ("in_policy_ratio", "effective_ratio", "primary_share", "catastrophic", "primary_visits"):
        # One tier's years with several stays carry a little quadrature error in the table.
        assert data[name].min() >= -1e-3 and data[name].max() <= 1 + 2e-3, name
    for name in ("visits", "outpatient", "out_of_pocket", "account_balance", "provider_payment"):
        assert data[name].min() >= -1e-3 * data["expense"].mean(), name


@both_engines
@pytest.mark.parametrize("spread", ["expense_log_sd", "chronic_log_sd"])
def test_no_spread_of_costs_makes_a_payment_negative(engine: str, spread: str) -> None:
    data = scaled(BOOK, 3_000).model_dump()
    data["assumptions"]["utilisation"][spread]["value"] = 3  # the end of its bounds
    run = simulate(Scenario.model_validate(data), 256, 1, engine).data
    for name in (*CARE, "expenditure", "critical", "out_of_pocket", "catastrophic"):
        assert run[name].min() >= -1e-6, name  # yuan: nothing but rounding


# --- what is uncertain ------------------------------------------------------------------------------

def narrower(scenario: Scenario, name: str) -> Scenario:
    """The scenario with one assumption's interval half as wide."""
    section, field = name.split(".")
    part = getattr(scenario.assumptions, section)
    given = getattr(part, field)
    if given.range:
        half = {"range": tuple(given.value + (end - given.value) / 2 for end in given.range)}
    else:
        half = {"factor": tuple(end**0.5 for end in given.factor)}
    part = part.model_copy(update={field: given.model_copy(update=half)})
    return scenario.model_copy(update={"assumptions": scenario.assumptions.model_copy(update={section: part})})


def test_every_interval_that_a_scenario_gives_moves_some_result() -> None:
    """An interval that nothing draws from would show less uncertainty than is declared."""
    still: dict[str, bool] = {}
    for name in library():
        scenario = load_scenario(name)
        scenario = with_levers(scenario, {"care.referral_required": 0.5}, scenario.first_year + 1)  # for gatekeeping
        before = None
        for assumed in uncertain(scenario.assumptions):
            if still.get(assumed, True):
                before = before or simulate(scenario, 16, 1, "table")
                after = simulate(narrower(scenario, assumed), 16, 1, "table")
                same = scorecard(before).equals(scorecard(after)) if assumed.startswith("services.") else (
                    before.data.identical(after.data))
                still[assumed] = same
    assert len(still) > 30
    assert not [name for name, same in still.items() if same]


# --- seeds, draws and dates ------------------------------------------------------------------------

@both_engines
def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(engine: str) -> None:
    once, again, other = (numbers(engine, seed=seed) for seed in (1, 1, 2))
    assert once.identical(again)
    for name in ("enrolled", "expenditure"):
        assert not (once[name] == other[name]).any()


@both_engines
def test_without_responses_benefits_change_neither_who_is_insured_nor_what_is_paid_in(engine: str) -> None:
    still = unresponsive(CITIES[engine])
    before, after = (simulate(city, 16, 1, engine).data for city in (
        still, with_levers(still, {"benefits.rate": 0.9, "benefits.ceiling": None})))
    for name in PAID_IN:
        assert_array_equal(before[name], after[name])
    assert (before["expenditure"] < after["expenditure"]).all()


# Chance of the year's expense is drawn beside the payment's in the table, so it moves by rounding alone.
@both_engines
def test_without_responses_no_benefit_rule_moves_what_care_is_used_or_costs(engine: str) -> None:
    still = unresponsive(CITIES[engine])
    before, after = (simulate(city, 16, 1, engine).data for city in (
        still, with_levers(still, {"benefits.rate": 0.9, "benefits.deductible": 0})))
    for name in CARE:
        assert_allclose(before[name], after[name], rtol=1e-12)


@both_engines
def test_with_responses_better_benefits_draw_in_people_and_care(engine: str) -> None:
    before, after = numbers(engine), numbers(engine, {"benefits.rate": 0.9, "benefits.deductible": 0})
    assert (before["enrolled"] < after["enrolled"]).all()
    for name in ("stays", "individual_income"):
        assert before[name].mean() < after[name].mean(), name


def test_each_response_can_be_switched_off_by_itself() -> None:
    reform = {"benefits.rate.inpatient": 0.9, "financing.contribution": 400, "payment.method.case_payment": 1}
    whole = numbers("table", reform)
    for name in ("enrolment", "demand", "tier_choice", "providers"):
        assert not whole.identical(numbers("table", reform | {f"responses.{name}": 0})), name


def test_the_lines_change_no_yuan() -> None:
    before, after = numbers("table"), numbers("table", {
        "lines.surplus_ratio": 0.3, "lines.balance_ratio": 0.5, "lines.reserve_months": 9})
    assert before["surplus_line"].values[0] != after["surplus_line"].values[0]
    for name in before.data_vars:
        if not name.endswith("_line"):
            scale = np.abs(before[name]).max().item()  # years of another policy are computed again: rounding
            assert_allclose(before[name], after[name], rtol=0, atol=1e-12 * scale, err_msg=name)


def test_a_lever_set_to_what_it_is_changes_nothing() -> None:
    """Rounding in where patients go moved a stay to another tier in the engine that counts stays."""
    city = CITIES["exact"].model_copy(update={"years": 3})
    lever = "financing.contribution.child.ordinary"
    now = {name: value for name, value, *_ in city.levers()}[lever]
    before, after = (simulate(one, 32, 1, "exact").data for one in (city, with_levers(city, {lever: now})))
    for name in before.data_vars:
        assert_array_equal(before[name], after[name], err_msg=name)


REFORM = 2013
REFORMS = {
    "contributions": {"financing.contribution": 400},
    "subsidies": {"financing.subsidy": 400},
    "premium": {"financing.premium": 10},
    "no waiting": {"enrolment.waiting_months": 0},
    "a year of waiting": {"enrolment.waiting_months": 12},
    "no arrears": {"enrolment.arrears_share": 0},
    "benefits": {"benefits.rate": 0.9, "benefits.deductible": 0, "benefits.ceiling": None},
    "assistance": {"benefits.assistance_rate": 0.5, "benefits.critical_base": "out_of_pocket"},
    "lines": {"lines.surplus_ratio": 0.5, "lines.balance_ratio": 0.5},
    "a ceiling that follows income": {"benefits.ceiling_multiple": 6},
    "contracts": {"contracts.coverage": 0.5, "contracts.rate_bonus": 0.05},
    "gatekeeping": {"care.referral_required": 1, "care.capability": 1},
    "payment": {"payment.method.case_payment": 1, "payment.same_payment_share": 0.2},
    "supervision": {"supervision.class_a_minimum": 0.7, "supervision.review_coverage": 1,
                    "supervision.sample_share": 1},
    "late subsidies": {"financing.subsidy_late": 0.2, "financing.subsidy_missing": 0.1},
    "awareness": {"enrolment.awareness": 0.5},
    "a supplement": {"benefits.commercial_rate": 0.5},
    "what a deficit triggers": {"lines.deficit_cut": 0.05, "lines.deficit_subsidy": 0.5},
}


# The table reads between nodes that span all years, which may move earlier years by what it errs between them.
@both_engines
@pytest.mark.parametrize("reform", REFORMS)
def test_a_later_reform_leaves_earlier_years_as_they_were(engine: str, reform: str) -> None:
    poor = with_levers(CITIES[engine], {"benefits.assistance_rate.low_income": 0.9})  # so that who is poor matters
    before, after = (simulate(city, 64, 1, engine).data for city in (poor, with_levers(poor, REFORMS[reform], REFORM)))
    for name in before.data_vars:
        one, other = (data[name].sel(year=slice(None, REFORM - 1)).values for data in (before, after))
        may_move = 1e-3 * np.abs(before[name].values).max() if engine == "table" else 0
        assert_allclose(one, other, rtol=0, atol=may_move, err_msg=name)
    later = (np.abs(before - after).sel(year=slice(REFORM, None)).max() > 1e-3 * np.abs(before).max()).to_array()
    assert later.any()


@both_engines
@pytest.mark.parametrize(("draws", "years"), [(16, 1), (17, 2), (16, 60), (1000, 3)])
def test_small_and_large_runs_are_whole(engine: str, draws: int, years: int) -> None:
    data = numbers(engine, draws=draws, years=years)
    assert (data.sizes["draw"], data.sizes["year"]) == (draws, years)
    assert all(np.isfinite(values).all() for values in data.values())


@both_engines
def test_a_scenario_without_any_uncertainty_has_one_future_but_for_chance(engine: str) -> None:
    data = CITIES[engine].model_dump()
    for section in data["assumptions"].keys() - {"correlations"}:
        for assumed in data["assumptions"][section].values():
            assumed["range"] = assumed["factor"] = None
    for name in ("cost_sd", "admission_sd", "enrolment_sd"):
        data["assumptions"]["shocks"][name]["value"] = 0
    data["assumptions"]["correlations"] = ()
    run = simulate(Scenario.model_validate(data), 16, 1, engine).data
    assert_allclose(run["enrolled"].std("draw"), 0, atol=1e-6)
    assert (run["expenditure"].std("draw") > 0).all()
