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
from simulation import load_scenario
from simulation.assumptions import ASSUMED
from simulation.loading import library
from simulation.policy import policy_terms
from simulation.rules import compile_rules
from simulation.scenario import Scenario
from simulation.steps.utilisation import futures
from tests.programmes import (
    EXTENSIVE,
    SEED,
    a_head,
    assumed,
    mean,
    moved,
    nothing,
    payers,
    programme,
    ratio,
    run,
    without,
)

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


@pytest.mark.parametrize("name", library())
@pytest.mark.parametrize("engine", ["table", "exact"])
def test_the_account_adds_up(name: str, engine: str) -> None:
    scenario = load_scenario(name)
    data = run(scenario if engine == "table" else scaled(scenario, 2_000), 32, engine)
    assert all(bool(np.isfinite(values).all()) for values in data.values())
    assert [part for part, left in accounts(data).items() if not nothing(left, data["income"])] == []


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
