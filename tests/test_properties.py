"""What must hold whatever the bills, the levers, the seed and the horizon."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from bench.pool import scaled
from simulation import load_scenario, settle, simulate
from simulation.scenario import Change, Scenario, compile_rules
from simulation.steps.benefits import AMOUNTS, DEDUCTIBLE, settle_year
from simulation.terms import Source

BOOK = load_scenario("benxi_2008")
AXES = BOOK.axes.members()
STATED = Source(status="assumption")
CENT = 0.01  # yuan
PAID_IN = ("enrolled", "individual_income", "subsidy_income", "opening")
CARE = ("expense", "eligible", "stays")

few = limits(max_examples=60, deadline=None, derandomize=True)
fewer = limits(max_examples=8, deadline=None, derandomize=True)


def with_levers(scenario: Scenario, levers: dict[str, object], year: int | None = None) -> Scenario:
    """The scenario with some levers set, from its first year or a later one."""
    return scenario.changed(Change(lever=name, year=year or scenario.first_year, value=value, source=STATED)
                            for name, value in levers.items())


CITIES = {"table": BOOK, "exact": scaled(BOOK, 3_000)}
both_engines = pytest.mark.parametrize("engine", CITIES)


def numbers(engine: str, levers: dict[str, object] | None = None, year: int | None = None, draws: int = 16,
            seed: int = 1, years: int = BOOK.years):
    """The dataset of a small run."""
    city = CITIES[engine].model_copy(update={"years": years})
    return simulate(with_levers(city, levers or {}, year), draws, seed, engine).data.isel(area=0)


# --- one person's year -----------------------------------------------------------------------------

@st.composite
def years_of_bills(draw, referrals: bool = True) -> dict:
    """A person and up to six bills of a year."""
    bills = []
    for _ in range(draw(st.integers(1, 6))):
        expense = draw(st.floats(0, 200_000))
        bill = {"kind": draw(st.sampled_from(AXES["kind"])), "tier": draw(st.sampled_from(AXES["tier"])),
                "expense": expense, "eligible": expense * draw(st.floats(0, 1))}
        if referrals and bills and draw(st.booleans()):
            bill["referred_from"] = bills[-1]["tier"]
        bills.append(bill)
    return {"person": {"group": draw(st.sampled_from(AXES["group"])), "status": draw(st.sampled_from(AXES["status"])),
                       "contribution_years": draw(st.integers(0, 12))}, "bills": bills}


# Rule books with every layer on, off, or of another kind than in Benxi.
rule_books = st.fixed_dictionaries({}, optional={
    "benefits.rate": st.floats(0, 1),
    "benefits.deductible": st.floats(0, 5000),
    "benefits.deductible_step": st.floats(0, 500),
    "benefits.deductible_floor": st.floats(0, 500),
    "benefits.contribution_bonus": st.floats(0, 0.1),
    "benefits.rate_limit": st.floats(0, 1),
    "benefits.ceiling": st.none() | st.floats(0, 100_000),
    "benefits.referral_credit": st.sampled_from([0.0, 0.5, 1.0]),
    "benefits.critical_base": st.sampled_from(["above_ceiling", "out_of_pocket"]),
    "benefits.critical_deductible": st.floats(0, 50_000),
    "benefits.critical_rate": st.floats(0, 1),
    "benefits.critical_ceiling": st.none() | st.floats(0, 100_000),
    "benefits.assistance_rate": st.floats(0, 1),
    "benefits.assistance_deductible": st.floats(0, 10_000),
    "benefits.assistance_ceiling": st.none() | st.floats(0, 50_000),
})


@few
@given(years_of_bills(), rule_books)
def test_the_parts_of_a_bill_add_up_and_none_is_negative(year: dict, levers: dict) -> None:
    settled = settle(with_levers(BOOK, levers), year)
    for row in [*settled["bills"], settled["year"]]:
        parts = [row[name] for name in ("basic", "critical", "assistance", "commercial", "out_of_pocket")]
        assert min(*parts, row["deductible"], row["ineligible"]) >= -1e-6
        assert sum(parts) == pytest.approx(row["expense"], abs=CENT)
        assert row["out_of_pocket"] >= row["ineligible"] - 1e-6
        assert row["deductible"] <= row["eligible"] + 1e-6


@few
@given(years_of_bills(), rule_books)
def test_a_year_is_the_sum_of_its_bills(year: dict, levers: dict) -> None:
    settled = settle(with_levers(BOOK, levers), year)
    for name in settled["year"].keys() - {"rate"}:
        assert settled["year"][name] == pytest.approx(sum(bill[name] for bill in settled["bills"]), abs=CENT)


@few
@given(years_of_bills(), rule_books, st.floats(0, 50_000))
def test_no_layer_pays_beyond_its_ceiling(year: dict, levers: dict, ceiling: float) -> None:
    levers = levers | {f"benefits.{layer}": ceiling for layer in ("ceiling", "critical_ceiling", "assistance_ceiling")}
    paid = settle(with_levers(BOOK, levers), year)["year"]
    assert max(paid["basic"], paid["critical"], paid["assistance"]) <= ceiling + 1e-6


@few
@given(years_of_bills(), rule_books, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_rate_never_pays_less(year: dict, levers: dict, one: float, other: float) -> None:
    low, high = (settle(with_levers(BOOK, levers | {"benefits.rate": rate}), year)["year"]["basic"]
                 for rate in sorted((one, other)))
    assert low <= high + 1e-5


@few
@given(years_of_bills(), rule_books, st.floats(0, 50_000), st.none() | st.floats(0, 50_000))
def test_a_higher_ceiling_never_pays_less(year: dict, levers: dict, low: float, more: float | None) -> None:
    low, high = (settle(with_levers(BOOK, levers | {"benefits.ceiling": ceiling}), year)["year"]["basic"]
                 for ceiling in (low, None if more is None else low + more))
    assert low <= high + 1e-5


# Not so after a referral: what was due at the first hospital is credited at the second, even where the
# first bill was too small to bear it.
@few
@given(years_of_bills(referrals=False), rule_books, st.floats(0, 20_000), st.floats(0, 20_000))
def test_a_higher_deductible_never_pays_more(year: dict, levers: dict, one: float, other: float) -> None:
    low, high = (settle(with_levers(BOOK, levers | {"benefits.deductible": due}), year)["year"]["basic"]
                 for due in sorted((one, other)))
    assert high <= low + 1e-5


@few
@given(rule_books, st.lists(st.sampled_from([0, 1]), min_size=1, max_size=5), st.integers(0, 2**32 - 1))
def test_a_population_is_settled_like_each_of_its_people(levers: dict, kind: list[int], seed: int) -> None:
    scenario = with_levers(BOOK, levers)
    rules = compile_rules(scenario, scenario.policy_in(2008))
    random, people, bills = np.random.default_rng(seed), 7, len(kind)
    group, status = random.integers(3, size=people), random.integers(4, size=people)
    years = random.integers(0, 12, size=people).astype(float)
    tier, continued = random.integers(5, size=(bills, people)), random.integers(2, size=(bills, people)).astype(float)
    eligible = random.lognormal(8, 2, size=(bills, people))
    together = np.zeros((bills, AMOUNTS, people))
    settle_year(rules, group, status, years, kind, tier, continued, eligible, np.zeros((2, people)), together)
    for n in range(people):
        alone = np.zeros((bills, AMOUNTS))
        settle_year(rules, group[n], status[n], years[n], kind, tier[:, n], continued[:, n], eligible[:, n],
                    np.zeros(2), alone)
        assert_array_equal(together[:, :, n], alone)
    assert (together[:, DEDUCTIBLE] <= eligible).all()


# --- the fund --------------------------------------------------------------------------------------

cities = st.fixed_dictionaries({}, optional={
    "financing.contribution": st.floats(0, 1000), "financing.subsidy": st.floats(0, 1000),
    "financing.premium": st.floats(0, 100), "enrolment.waiting_months": st.integers(0, 12),
    "benefits.rate": st.floats(0.05, 1), "benefits.ceiling": st.none() | st.floats(1000, 100_000),
    "benefits.assistance_rate": st.floats(0, 1)})


@both_engines
@fewer
@given(levers=cities, seed=st.integers(0, 2**62))
def test_every_draw_of_the_account_closes(engine: str, levers: dict, seed: int) -> None:
    data = numbers(engine, levers, seed=seed)
    closing = data["balance_end"].values
    opening = np.concatenate([data["opening"].values[:, None], closing[:, :-1]], axis=1)
    one_fen = 0.01 + 1e-12 * np.abs(closing).max()
    assert_allclose(opening + data["income"] - data["expenditure"], closing, rtol=0, atol=one_fen)
    assert_allclose(data["income"] - data["expenditure"], data["surplus"], rtol=0, atol=one_fen)
    interest = BOOK.assumptions.account.interest_rate.value * np.maximum(opening, 0)
    assert_allclose(data["individual_income"] + data["subsidy_income"] + interest, data["income"], rtol=1e-12)
    assert_allclose(data["subsidy_by_level"].sum("level"), data["subsidy_income"], rtol=1e-12)
    assert_allclose(data["insured_by_group"].sum("group"), data["enrolled"], rtol=1e-12)


@both_engines
@fewer
@given(levers=cities, seed=st.integers(0, 2**62))
def test_what_care_costs_is_paid_by_somebody(engine: str, levers: dict, seed: int) -> None:
    data = numbers(engine, levers, seed=seed)
    premium = levers.get("financing.premium", 0) * data["enrolled"]
    basic = data["basic_by_tier"].sum("tier") + data["chronic"]
    assert_allclose(basic + premium, data["expenditure"], rtol=1e-9, atol=CENT)
    paid = basic + data["critical"] + data["assistance"] + data["out_of_pocket"]
    assert_allclose(paid, data["expense"], rtol=1e-9, atol=CENT)


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
}


@both_engines
@pytest.mark.parametrize("extreme", EXTREMES)
def test_shares_stay_shares_at_the_ends_of_the_levers(engine: str, extreme: str) -> None:
    data = numbers(engine, EXTREMES[extreme], draws=64)
    assert all(np.isfinite(values).all() for values in data.values())
    for name in ("in_policy_ratio", "effective_ratio", "primary_share", "catastrophic"):
        assert data[name].min() >= -1e-3 and data[name].max() <= 1 + 1e-3, name
    for name in (*CARE, "expenditure", "critical", "assistance", "chronic", "basic_by_tier", "out_of_pocket"):
        assert data[name].min() >= -1e-3 * data["expense"].mean(), name
    assert (data["eligible"] <= data["expense"]).all()


@both_engines
@pytest.mark.parametrize("spread", ["expense_log_sd", "chronic_log_sd"])
def test_no_spread_of_costs_makes_a_payment_negative(engine: str, spread: str) -> None:
    data = scaled(BOOK, 3_000).model_dump()
    data["assumptions"]["utilisation"][spread]["value"] = 3  # the end of its bounds
    run = simulate(Scenario.model_validate(data), 256, 1, engine).data
    for name in (*CARE, "expenditure", "critical", "out_of_pocket", "catastrophic"):
        assert run[name].min() >= 0, name


# --- seeds, draws and dates ------------------------------------------------------------------------

@both_engines
def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(engine: str) -> None:
    once, again, other = (numbers(engine, seed=seed) for seed in (1, 1, 2))
    assert once.identical(again)
    for name in ("enrolled", "expenditure"):
        assert not (once[name] == other[name]).any()


@both_engines
def test_benefits_change_neither_who_is_insured_nor_what_is_paid_in(engine: str) -> None:
    before, after = numbers(engine), numbers(engine, {"benefits.rate": 0.9, "benefits.ceiling": None})
    for name in PAID_IN:
        assert_array_equal(before[name], after[name])
    assert (before["expenditure"] < after["expenditure"]).all()


@both_engines
def test_no_benefit_rule_moves_what_care_is_used_or_costs(engine: str) -> None:
    before, after = numbers(engine), numbers(engine, {"benefits.rate": 0.9, "benefits.deductible": 0})
    for name in CARE:
        assert_allclose(before[name], after[name], rtol=1e-12)


def test_the_lines_change_no_yuan() -> None:
    before, after = numbers("table"), numbers("table", {"lines.surplus_ratio": 0.3, "lines.balance_ratio": 0.5})
    lines = ["surplus_line", "balance_line"]
    assert before.drop_vars(lines).identical(after.drop_vars(lines))


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
}


@both_engines
@pytest.mark.parametrize("reform", REFORMS)
def test_a_later_reform_leaves_earlier_years_as_they_were(engine: str, reform: str) -> None:
    poor = with_levers(CITIES[engine], {"benefits.assistance_rate.low_income": 0.9})  # so that who is poor matters
    before, after = (simulate(city, 64, 1, engine).data for city in (poor, with_levers(poor, REFORMS[reform], REFORM)))
    earlier = slice(None, REFORM - 1)
    assert before.sel(year=earlier).identical(after.sel(year=earlier))
    assert not before.sel(year=REFORM).identical(after.sel(year=REFORM))


@both_engines
@pytest.mark.parametrize(("draws", "years"), [(16, 1), (17, 2), (16, 60), (1000, 3)])
def test_small_and_large_runs_are_whole(engine: str, draws: int, years: int) -> None:
    data = numbers(engine, draws=draws, years=years)
    assert (data.sizes["draw"], data.sizes["year"]) == (draws, years)
    assert all(np.isfinite(values).all() for values in data.values())


@both_engines
def test_a_scenario_without_any_uncertainty_has_one_future_but_for_chance(engine: str) -> None:
    data = CITIES[engine].model_dump()
    for section in ("people", "utilisation", "account", "shocks"):
        for assumed in data["assumptions"][section].values():
            assumed["range"] = assumed["factor"] = None
    for name in ("cost_sd", "admission_sd", "enrolment_sd"):
        data["assumptions"]["shocks"][name]["value"] = 0
    data["assumptions"]["correlations"] = ()
    run = simulate(Scenario.model_validate(data), 16, 1, engine).data
    assert_allclose(run["enrolled"].std("draw"), 0, atol=1e-6)
    assert (run["expenditure"].std("draw") > 0).all()
