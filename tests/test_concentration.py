"""How unevenly spending falls: the measures, the sample behind them, and the published shapes within their tolerances.

Samples of 200,000 insured, with costs at even steps within a tier: from seed to seed the Gini moves by 0.001, the
shares by 0.005 and the log standard deviations by 0.007 (the largest standard deviations over six seeds and twelve
scenarios), against tolerances of 0.04, 0.05 and 0.26.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from bench.pool import scaled
from simulation import concentration, load_scenario, simulate
from simulation.concentration import RESIDENT, RURAL, SHAPES, Year, figures, measured, spending, table
from simulation.loading import library
from simulation.results import Result
from simulation.scenario import Scenario
from simulation.steps.utilisation import SOURCES

BEHAVIOUR = Path(__file__).resolve().parent.parent / "data" / "behaviour.csv"

# What cannot be met. More of the insured are admitted in these two than in the rural schemes of 2011, so that the
# dearest 5 % of users are a smaller part of the inpatients; with a tail that met it, single stays would be far more
# uneven than published.
OUTSIDE = {"city_pooling_2012": {"top_5_users"}, "private_parity": {"top_5_users"}}


@cache
def year_of(name: str) -> Year:
    return spending(load_scenario(name))


def with_assumptions(name: str, policy: dict | None = None, **values: object) -> Scenario:
    """A scenario of one year with other assumptions about care and other benefit levers."""
    data = load_scenario(name).model_dump() | {"years": 1, "changes": ()}
    for key, value in values.items():
        data["assumptions"]["utilisation"][key]["value"] = value
    for key, value in (policy or {}).items():
        data["policy"]["benefits"][key]["value"] = value
    return Scenario.model_validate(data)


def median_year(scenario: Scenario) -> Result:
    """The first year at the median draw, of so many people that chance between them is nothing."""
    return simulate(scaled(scenario, 1e15), 16, engine="table", without=SOURCES)


# --- the measures ----------------------------------------------------------------------------------

@pytest.mark.parametrize("log_sd", [0.5, 1.0, 1.85])
def test_measures_of_a_lognormal(log_sd: float) -> None:
    """Closed forms of the Gini and of a top share, by half a million even steps of probability. Sums of steps leave out
    what lies beyond the last one: 2e-3 at the widest, where 3e-3 is allowed."""
    cost = np.exp(log_sd * concentration.even_normals(500_000))
    assert abs(concentration.gini(cost) - (2 * norm.cdf(log_sd / np.sqrt(2)) - 1)) < 3e-3
    for share in (0.05, 0.10):
        assert abs(concentration.top_share(cost, share) - norm.cdf(log_sd - norm.isf(share))) < 3e-3


def test_lorenz_curves_hold_the_measures() -> None:
    """From nothing to everything, ever steeper; the top share is read off the curve, the Gini is the area beside it, to
    the width of its hundred steps."""
    year = year_of("henan_nrcms_2011")
    curves, found = concentration.lorenz(year), measured(year)
    assert list(curves.columns) == ["whom", "people", "expense"]
    for _, curve in curves.groupby("whom"):
        assert curve.expense.iloc[[0, -1]].round(12).tolist() == [0.0, 1.0]
        assert (np.diff(curve.expense, 2) > -1e-9).all()
    users = curves[curves.whom == "users"].set_index(curves[curves.whom == "users"].people.round(2)).expense
    assert abs(1 - users[0.95] - found["top_5_users", None]) < 1e-4
    assert abs(1 - 2 * np.trapezoid(users, users.index) - found["gini_users", None]) < 0.005


# --- the sample ------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["urrbmi_county_2026", "henan_nrcms_2011", "benxi_2008"])
def test_the_sample_spends_what_the_model_spends(name: str) -> None:
    """Stays, inpatient, special-disease and outpatient expense a head beside a run at the median draw without chance:
    the same assumptions, drawn apart. Within 4 standard errors of a plain sample of 200,000, which is 1 to 2 %, and
    6 % where special diseases are rare."""
    year = year_of(name)
    data = median_year(with_assumptions(name)).data
    of = lambda quantity: float(data[quantity].values[0, 0, 0] / data["enrolled"].values[0, 0, 0])  # noqa: E731
    for sample, expected in ((year.stays, of("stays")), (year.inpatient, of("inpatient_expense")),
                             (year.chronic, of("chronic_expense")), (year.outpatient, of("outpatient_expense"))):
        error = sample.std() / np.sqrt(len(sample))
        assert abs(sample.mean() - expected) <= 4 * error + 1e-9
        assert error <= 0.07 * expected


def test_who_waits_for_benefits_is_not_in_the_sample_s_care() -> None:
    """Of a scheme whose members are all new and wait six months, half the care of one where nobody waits."""
    def waiting(months: int) -> Year:
        data = load_scenario("urrbmi_county_2026").model_dump()
        data["policy"]["enrolment"]["waiting_months"]["value"] = months
        data["assumptions"]["people"]["new_share"]["value"] = 1
        return spending(Scenario.model_validate(data))

    none, half = (waiting(months) for months in (0, 6))
    for of in (lambda year: year.stays, lambda year: year.chronic > 0, lambda year: year.outpatient > 0):
        assert of(half).mean() == pytest.approx(of(none).mean() / 2, rel=0.07)  # 4 standard errors of the rarest


def test_the_cost_of_special_diseases_spreads_as_assumed() -> None:
    """At even steps, which leave out what lies beyond the last: less than 1 in 1,000 of the spread."""
    year = year_of("urrbmi_county_2026")
    spread = float(year.scenario.value("utilisation", "chronic_log_sd"))
    assert np.log(year.chronic[year.chronic > 0]).std() == pytest.approx(spread, rel=1e-3)


def test_inpatients_are_those_with_a_stay_and_adults_those_of_groups_that_begin_at_eighteen() -> None:
    year = year_of("benxi_2008")
    admitted = year.inpatient[year.stays > 0]
    curves = concentration.lorenz(year)
    curve = curves[curves.whom == "inpatients"].set_index("people").expense
    assert 1 - curve[0.9] == pytest.approx(concentration.top_share(admitted, 0.10), abs=1e-3)
    child = year.group == list(year.scenario.axes.group).index("child")
    assert child[year.stays > 0].any()
    for ages in ((0, 17), (0, 30)):  # not all of the younger group are adults in the second either
        axes = year.scenario.axes.model_copy(update={"ages": year.scenario.axes.ages | {"child": ages}})
        other = year._replace(scenario=year.scenario.model_copy(update={"axes": axes}))
        assert concentration.adult_inpatients(other).tolist() == year.inpatient[~child & (year.stays > 0)].tolist()


def test_the_same_seed_gives_the_same_people_and_a_wider_tail_the_same_stays() -> None:
    year, again = (spending(load_scenario("benxi_2008"), 5_000, seed) for seed in (1, 1))
    wider = spending(with_assumptions("benxi_2008", tail_spread=2.0), 5_000, 1)
    np.testing.assert_array_equal(year.expense, again.expense)
    np.testing.assert_array_equal(year.stays, wider.stays)
    np.testing.assert_array_equal(year.tier, wider.tier)
    assert (spending(load_scenario("benxi_2008"), 5_000, 2).stays != year.stays).any()


def test_admitted_within_a_year() -> None:
    """What the file says of the dispersion: about 15 % of all and 23 % of older people, near the 13.8 and 24.9 % of the
    survey of 2018, when there were fewer stays. To the whole per cent that is stated."""
    year = year_of("urrbmi_county_2026")
    admitted = year.stays > 0
    senior = year.group == list(year.scenario.axes.group).index("senior")
    assert abs(admitted.mean() - 0.15) < 0.005
    assert abs(admitted[senior].mean() - 0.23) < 0.005


# --- the published shapes --------------------------------------------------------------------------

def test_every_published_figure_is_used_as_the_file_has_it() -> None:
    """The rows of the topic name every figure but the family of distributions, which has no number; and the tolerance
    of a log standard deviation is how far two figures of one population are apart."""
    with BEHAVIOUR.open(encoding="utf-8", newline="") as file:
        found = {row["quantity"]: row for row in csv.DictReader(file) if row["topic"] == "distribution"}
    assert {shape.quantity for shape in SHAPES.values()} == set(found) - {"family"}
    read = {name: figures(shape)[:2] for name, shape in SHAPES.items()}
    assert read == {"gini_users": (0.81, 0.81), "log_sd_users": (1.85, 1.85), "top_5_users": (0.6801, 0.6801),
                    "top_10_inpatients": (0.49, 0.49), "log_sd_inpatients": (1.26, 1.26),
                    "top_5_stays": (0.215, 0.299), "log_sd_stays": (0.86, 1.12)}
    assert found[SHAPES["top_5_stays"].quantity]["value"] == "21.5-29.9"
    assert figures(SHAPES["top_5_users"])[2] == found[SHAPES["gini_users"].quantity]["source"]  # "same": the row above
    for name, word in (("gini_users", "Macheng"), ("top_10_inpatients", "city"), ("top_5_stays", "2009")):
        assert word in found[SHAPES[name].quantity]["population"]
        assert word in SHAPES[name].population.en
    top = float(found[SHAPES["top_5_users"].quantity]["unit_or_ci"].split()[-1])
    for name in ("log_sd_users", "log_sd_inpatients"):
        assert SHAPES[name].below == SHAPES[name].above == round(top - read["log_sd_users"][0], 2)


def test_the_scenarios_named_are_there() -> None:
    assert set(RURAL + RESIDENT) <= set(library())
    assert not set(RURAL) & set(RESIDENT)
    assert all(abs(load_scenario(name).first_year - 2014) <= 3 for name in RURAL)


@pytest.mark.parametrize("name", RURAL + RESIDENT)
def test_spending_is_as_uneven_as_published(name: str) -> None:
    frame = table(year_of(name))
    alike = frame[frame.alike]
    assert set(alike.measure) == {"top_5_stays", "log_sd_stays"} | (
        {"gini_users", "log_sd_users", "top_5_users"} if name in RURAL else {"top_10_inpatients", "log_sd_inpatients"})
    assert set(alike[~alike.within].measure) == OUTSIDE.get(name, set()), alike.to_string()


@pytest.mark.parametrize("name", library())
def test_stays_at_one_level_are_as_uneven_as_published_everywhere(name: str) -> None:
    """Closed to sampling: within the published range and its tolerance at every tier but primary care."""
    scenario = load_scenario(name)
    for (measure, tier), value in measured(spending(scenario, 2_000)).items():
        if tier and tier not in scenario.axes.primary:
            low, high, _ = figures(SHAPES[measure])
            assert low - SHAPES[measure].below <= value <= high + SHAPES[measure].above, (measure, tier, value)


def test_a_lognormal_alone_would_be_too_thin() -> None:
    """Without the tail a county's inpatients are outside, and the table says so."""
    frame = table(spending(with_assumptions("urrbmi_county_2026", tail_spread=1))).set_index(["measure", "tier"])
    assert not frame.within["top_10_inpatients", ""]
    assert frame.value["top_10_inpatients", ""] < frame.low["top_10_inpatients", ""] - 0.01


def test_the_table_is_complete_in_both_languages() -> None:
    frame = table(year_of("urrbmi_county_2026"))
    assert len(frame) == 7 + 2 * len(year_of("urrbmi_county_2026").scenario.axes.tier)
    assert frame.notna().all().all()
    assert not frame.duplicated(["measure", "tier"]).any()
    assert (frame.low <= frame.published).all()
    assert (frame.published_to <= frame.high).all()
    for language in ("zh", "en"):
        for column in ("title", "population", "reason"):
            assert frame[f"{column}_{language}"].str.len().gt(3).all()
    assert frame.title_zh.is_unique
    assert frame.title_en.is_unique


# --- what the tail does to the fund ----------------------------------------------------------------

@pytest.mark.parametrize("name", ["urrbmi_county_2026", "henan_nrcms_2011"])
def test_the_tail_moves_no_mean_of_care(name: str) -> None:
    """Expense, what of it is in policy, and stays, but for rounding: the shape has mean 1 by its closed form."""
    thin, wide = (median_year(with_assumptions(name, tail_spread=spread)).data for spread in (1, 1.4))
    for quantity in ("expense", "inpatient_expense", "stays", "eligible"):
        np.testing.assert_allclose(wide[quantity].values, thin[quantity].values, rtol=1e-9)
    assert abs(float((wide["expenditure"] / thin["expenditure"]).mean()) - 1) > 1e-4  # but the payment does move


def test_a_ceiling_pays_less_of_a_dearer_end_and_a_deductible_more() -> None:
    """A payment under a ceiling is concave in the expense, above a deductible convex: with the mean kept, a wider
    spread lowers the one and raises the other."""
    def paid(ceiling: float | None, deductible: float, spread: float) -> float:
        rules = {"ceiling": ceiling, "deductible": deductible, "deductible_step": 0, "critical_rate": 0}
        year = median_year(with_assumptions("benxi_2008", rules, tail_spread=spread)).data
        return float((year["inpatient_paid"] / year["stays"]).values[0, 0, 0])

    assert paid(10_000, 0, 1.4) < 0.99 * paid(10_000, 0, 1)
    assert paid(None, 3000, 1.4) > 1.005 * paid(None, 3000, 1)
    # Neither: the rate of the whole expense. Longer histories leave out 1e-4 of stays.
    assert paid(None, 0, 1.4) == pytest.approx(paid(None, 0, 1), rel=1e-4)
