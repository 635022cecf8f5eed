"""What nobody decides, term by term: every shock, start, level and trend acts as stated, in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.special import ndtr, stdtrit

from bench.pool import scaled
from simulation import load_scenario, simulate
from simulation.assumptions import ASSUMED, Z95, Shocks
from simulation.records import Futures
from simulation.results import ALONG, MORE, QUANTITIES, Result
from simulation.scenario import Scenario
from simulation.steps.utilisation import SHOCKS, SOURCES, futures, heavy

BENXI = load_scenario("benxi_2008").model_copy(update={"years": 5})
COUNTY = load_scenario("urrbmi_county_2026").model_copy(update={"years": 5})  # with outpatient visits
CITY = load_scenario("city_pooling_2012").model_copy(update={"years": 3})
T = np.arange(5)
DRAWS = 4096
# The terms that a scenario may leave out, and the value at which each does nothing.
NEUTRAL = {
    "people.enrolment_level": 1, "people.enrolment_trend": 0, "account.funding_level": 1, "account.funding_trend": 0,
    "utilisation.chronic_growth": 0, "utilisation.tail_spread": 1, "shocks.cost_start": 0, "shocks.admission_start": 0,
    "shocks.admission_persistence": 0, "shocks.funding_start": 0, "shocks.funding_sd": 0,
    "shocks.funding_persistence": 0, "shocks.people_sd": 0, "shocks.cost_with_funding": 0, "shocks.cost_with_use": 0,
    "shocks.freedom": 1000}


def put(scenario: Scenario, values: Mapping[str, float], **ends: tuple[float, float]) -> Scenario:
    """The scenario with assumptions at given values, without intervals but for `ends` (`section__name=`)."""
    sections: dict[str, dict] = {}
    named = {*values, *(end.replace("__", ".") for end in ends)}
    for name in named:
        section, field = name.split(".")
        given = getattr(getattr(scenario.assumptions, section), field)
        sections.setdefault(section, {})[field] = given.model_copy(update={
            "value": values.get(name, given.value), "range": ends.get(f"{section}__{field}"), "factor": None})
    parts = {section: getattr(scenario.assumptions, section).model_copy(update=fields)
             for section, fields in sections.items()}
    parts["correlations"] = tuple(  # what has no interval moves with nothing
        pair for pair in scenario.assumptions.correlations if not set(pair.between) & named)
    return scenario.model_copy(update={"assumptions": scenario.assumptions.model_copy(update=parts)})


@lru_cache
def still(scenario: str) -> Scenario:
    """A scenario without any interval or yearly shock."""
    whole = {"benxi": BENXI, "county": COUNTY, "city": CITY}[scenario]
    parts = {}
    for section, model in ASSUMED.items():
        part = getattr(whole.assumptions, section)
        parts[section] = part.model_copy(update={name: getattr(part, name).model_copy(
            update={"range": None, "factor": None}) for name in model.model_fields})
    calm = whole.model_copy(update={"assumptions": whole.assumptions.model_copy(update=parts | {"correlations": ()})})
    shocks = [f"shocks.{name}" for name in Shocks.model_fields if name.endswith("_sd")]
    return put(calm, dict.fromkeys(shocks, 0.0) | {name: of for name, of in NEUTRAL.items() if "shocks" in name})


def drawn(scenario: Scenario, without: tuple[str, ...] = (), draws: int = DRAWS) -> Futures:
    return futures(scenario, draws, 1, without=without)


def shocked(values: Mapping[str, float], of: str = "county") -> Futures:
    """The futures of a scenario whose only uncertainty is stated here."""
    return drawn(put(still(of), {f"shocks.{name}": value for name, value in values.items()}))


def middle(values: Mapping[str, float], of: str = "benxi") -> Result:
    return simulate(put(still(of), values), 16, engine="table", without=SOURCES)


def ratio(name: str, run: Result, base: Result) -> np.ndarray:
    return (run.data[name] / base.data[name]).values[0, :, 0]


# ---- nothing stated, nothing changed -----------------------------------------------------------------

def test_a_term_left_out_is_the_neutral_one() -> None:
    data = BENXI.model_dump(mode="json")
    for name in NEUTRAL:
        section, field = name.split(".")
        data["assumptions"][section].pop(field)
    bare = Scenario.model_validate(data)
    assert put(bare, NEUTRAL).text() == bare.text()


def test_every_shock_that_is_declared_is_walked_here() -> None:
    optional = {f"shocks.{name}" for name, field in Shocks.model_fields.items() if not field.is_required()}
    assert optional <= set(NEUTRAL)


# ---- what is left of the first year --------------------------------------------------------------------

@pytest.mark.parametrize("persistence", [0.0, 0.6, 0.99])
@pytest.mark.parametrize("name, fields", [("cost", ("price",)), ("admission", ("frequency", "visits")),
                                          ("funding", ("funding",))])
def test_a_start_fades_with_the_persistence(name: str, fields: tuple[str, ...], persistence: float) -> None:
    calm = put(still("county"), {f"shocks.{name}_persistence": persistence})
    base = drawn(calm, SOURCES, 16)
    moved = drawn(put(calm, {f"shocks.{name}_start": 0.3}), SOURCES, 16)
    for field in Futures._fields:
        if isinstance(getattr(base, field), np.ndarray) and field not in fields:
            assert_array_equal(getattr(moved, field), getattr(base, field))
    for field in fields:
        path = np.log(getattr(moved, field) / getattr(base, field))
        # rounding of a few powers
        assert_allclose(path, np.broadcast_to(-0.3 * (1 - persistence**T), path.shape), atol=1e-13)


def test_a_start_reaches_the_account_in_the_median_run() -> None:
    persistence = {f"shocks.{name}_persistence": 0.5 for name in ("cost", "admission", "funding")}
    base = middle(persistence)
    for name, outcome in (("cost", "inpatient_expense"), ("admission", "stays"), ("funding", "individual_income")):
        run = middle({**persistence, f"shocks.{name}_start": 0.2})
        # mean expense and stays go in proportion to price and frequency; the history table reads both between nodes,
        # which costs it up to 1e-4
        assert_allclose(ratio(outcome, run, base), np.exp(-0.2 * (1 - 0.5**T)), rtol=2e-4)
        assert_allclose(ratio("enrolled", run, base), 1)


def test_a_start_may_be_uncertain_and_is_then_a_parameter() -> None:
    given = put(still("benxi"), {"shocks.cost_persistence": 0.5, "shocks.cost_start": 0.1},
                shocks__cost_start=(-0.1, 0.2))
    paths = np.log(drawn(given).price)[:, 3]
    low, centre, high = np.quantile(paths, ndtr(np.array([-Z95, 0, Z95])))
    # quantiles of 4,096 evenly spread draws: within 1 % of the spread
    assert_allclose([low, centre, high], np.log(1 + 0.055) * 3 - (1 - 0.5**3) * np.array([0.2, 0.1, -0.1]), atol=2e-3)
    assert_allclose(drawn(given, ("parameters",)).price[:, 3], np.exp(np.log(1.055) * 3 - 0.875 * 0.1))


# ---- what every year adds --------------------------------------------------------------------------------

@pytest.mark.parametrize("name, field, persistence", [
    ("cost", "price", 0.0), ("cost", "price", 0.8), ("admission", "frequency", 0.8), ("admission", "visits", 0.8),
    ("funding", "funding", 0.99)])
def test_the_variance_of_every_year_is_that_of_an_ar1(name: str, field: str, persistence: float) -> None:
    found = np.log(getattr(shocked({f"{name}_sd": 0.1, f"{name}_persistence": persistence}), field))
    expected = 0.1 * np.sqrt([(persistence ** (2 * np.arange(t + 1))).sum() for t in T])
    # 4,096 draws leave 1.1 % on a standard deviation if they were independent, and less on Sobol points: three times
    assert_allclose(found.std(axis=0), expected, rtol=0.035)
    # neighbouring years share what persists
    together = np.corrcoef(found.T)[3, 4]
    assert together == pytest.approx(persistence * expected[3] / expected[4], abs=0.05)  # three of 1/64


@pytest.mark.parametrize("freedom", [3.0, 6.2])
def test_heavy_shocks_are_t_variables_of_unit_variance_on_the_same_draws(freedom: float) -> None:
    light = np.log(shocked({"cost_sd": 0.1}, "benxi").price[:, 0]) / 0.1
    tailed = np.log(shocked({"cost_sd": 0.1, "freedom": freedom}, "benxi").price[:, 0]) / 0.1
    assert_allclose(tailed, stdtrit(freedom, ndtr(light)) * np.sqrt((freedom - 2) / freedom), rtol=1e-9)
    far = 4.0
    assert np.mean(np.abs(tailed) > far) > 2 * 2 * ndtr(-far) * 10  # a normal has 6 in 100,000; a t has 60 and more


@pytest.mark.parametrize("freedom", [4.0, 6.2, 30.0])
def test_the_variance_of_a_t_shock_is_one(freedom: float) -> None:
    density = lambda z: np.exp(-z * z / 2) / np.sqrt(2 * np.pi)  # noqa: E731
    half, _ = quad(lambda z: float(heavy(np.array([z]), freedom)[0] ** 2) * density(z), -8, 0, limit=200)
    # beyond 5 lies 6e-7 of chance, and of the variance (6e-7)^(1 - 2 / freedom) or so: 0.1 % at 4 degrees of freedom
    assert 2 * half == pytest.approx(1, abs=3e-3)


def test_no_shock_counts_from_beyond_five_standard_normals() -> None:
    assert_allclose(heavy(np.array([-9.0, 9.0]), 6.2), heavy(np.array([-5.0, 5.0]), 6.2))


@pytest.mark.parametrize("with_funding, with_use", [(0.6, 0.0), (0.0, -0.8), (0.5, -0.6), (0.99, -0.99), (0.7, 0.9)])
def test_cost_goes_with_funding_and_use_as_stated_and_keeps_its_variance(with_funding: float, with_use: float) -> None:
    found = shocked({"cost_sd": 0.1, "admission_sd": 0.2, "funding_sd": 0.05, "cost_with_funding": with_funding,
                     "cost_with_use": with_use})
    logs = np.log([of[:, 0] for of in (found.price, found.funding, found.frequency)])
    told = np.corrcoef(logs)
    most = max(1.0, np.hypot(with_funding, with_use))  # no shock can be more than wholly another's
    assert told[0, 1:] == pytest.approx([with_funding / most, with_use / most], abs=0.03)  # two of 1/64
    assert told[1, 2] == pytest.approx(0, abs=0.03)
    assert logs.std(axis=1) == pytest.approx([0.1, 0.05, 0.2], rel=0.035)


def test_correlated_shocks_with_heavy_tails_stay_correlated() -> None:
    found = shocked({"cost_sd": 0.1, "admission_sd": 0.2, "cost_with_use": -0.8, "freedom": 6.0})
    ranks = np.argsort(np.argsort([found.price[:, 0], found.frequency[:, 0]], axis=1), axis=1)
    # tails are put on after the normals are tied: their ranks keep the normal's rank correlation, 6/pi asin(rho/2)
    assert np.corrcoef(ranks)[0, 1] == pytest.approx(6 / np.pi * np.arcsin(-0.4), abs=0.03)


# ---- who moves with what -----------------------------------------------------------------------------------

def account(values: Mapping[str, float], draws: int = 16, without: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """Every quantity (d, t) of Benxi without other uncertainty, the fund's own chance left out."""
    run = simulate(put(still("benxi"), values), draws, 1, "table", without=without or ("chance",))
    return {name: run.data[name].values[:, :, 0] for name in (*QUANTITIES, *MORE)}


def test_people_and_their_money_move_together() -> None:
    base = account({})
    for values, path in (({"people.enrolment_level": 1.2}, np.full(5, 1.2)),
                         ({"people.enrolment_trend": 0.1}, 1.1**T)):
        moved = account(values)
        for name in ("enrolled", "residents", "individual_income", "subsidy_income"):
            assert_allclose(moved[name], base[name] * path, rtol=1e-12)
    moved = account({"shocks.people_sd": 0.1}, 64)
    people = drawn(put(still("benxi"), {"shocks.people_sd": 0.1}), draws=64).people
    for name in ("enrolled", "residents", "individual_income", "subsidy_income"):
        assert_allclose(moved[name], base[name][0] * people, rtol=1e-12)


def test_people_and_take_up_go_in_one_walk() -> None:
    found = shocked({"people_sd": 0.1, "enrolment_sd": 0.3})
    assert_allclose(np.log(found.people) / 0.1, found.take_up / 0.3, atol=1e-12)


def test_the_walk_of_people_grows_with_the_root_of_the_years() -> None:
    assert_allclose(np.log(shocked({"people_sd": 0.1}).people).std(axis=0), 0.1 * np.sqrt(1 + T), rtol=0.035)
    assert_allclose(shocked({"enrolment_sd": 0.2}).take_up.std(axis=0), 0.2 * np.sqrt(1 + T), rtol=0.035)


def test_funding_moves_income_and_nobody() -> None:
    base = account({})
    for values, path in (({"account.funding_level": 0.8}, np.full(5, 0.8)), ({"account.funding_trend": 0.1}, 1.1**T),
                         ({"shocks.funding_start": 0.2, "shocks.funding_persistence": 0.5}, np.exp(-.2 * (1 - .5**T)))):
        moved = account(values)
        for name in ("individual_income", "subsidy_income"):
            assert_allclose(moved[name], base[name] * path, rtol=1e-12)
        for name in ("enrolled", "stays", "expenditure", "out_of_pocket"):
            assert_array_equal(moved[name], base[name])
    moved = account({"shocks.funding_sd": 0.1}, 64)
    by_draw = drawn(put(still("benxi"), {"shocks.funding_sd": 0.1}), draws=64).funding
    assert_allclose(moved["individual_income"], base["individual_income"][0] * by_draw, rtol=1e-12)
    assert_array_equal(moved["enrolled"], np.broadcast_to(base["enrolled"][0], moved["enrolled"].shape))


def test_growth_of_special_diseases_moves_their_expense_alone() -> None:
    base, moved = account({}), account({"utilisation.chronic_growth": 0.2})
    assert_allclose(moved["chronic_expense"], base["chronic_expense"] * 1.2**T, rtol=1e-9)
    for name in ("enrolled", "stays", "inpatient_expense", "income"):
        # those who fall ill twice are counted once more: no more than rounding is left of it in stays
        assert_allclose(moved[name][:, 0], base[name][:, 0], rtol=1e-12)
    for name in ("enrolled", "stays", "inpatient_expense"):
        assert_allclose(moved[name], base[name], rtol=1e-9)
    assert (moved["expenditure"][:, 1:] > base["expenditure"][:, 1:]).all()


def test_the_exact_engine_feels_every_term_alike() -> None:
    small = scaled(still("benxi"), 3000).model_copy(update={"years": 2})
    run = lambda values: simulate(put(small, values), 64, 1, "exact").data.mean("draw").isel(area=0)  # noqa: E731
    base = run({})
    moved = run({"people.enrolment_level": 1.5, "account.funding_level": 2, "account.funding_trend": 0.1,
                 "shocks.admission_start": -0.5, "shocks.cost_start": -0.5, "utilisation.chronic_growth": 0.5})
    of = lambda name: (moved[name] / base[name]).values  # noqa: E731
    assert_allclose(of("enrolled"), 1.5, rtol=1e-12)
    assert_allclose(of("individual_income"), 1.5 * 2 * 1.1**T[:2], rtol=1e-12)
    # Without persistence the whole of a start is gone in the second year. 64 draws of 3,000 people have some 10,000
    # stays and 800 patients; means of skewed bills are known to 2 and 4 %: three times that.
    persistence = float(small.value("shocks", "cost_persistence"))
    assert of("stays") == pytest.approx(1.5 * np.exp([0, 0.5]), rel=0.06)
    assert of("inpatient_expense") == pytest.approx(
        1.5 * np.exp([0, 0.5 + 0.5 * (1 - persistence)]), rel=0.12)
    assert of("chronic_expense") == pytest.approx(
        1.5 * np.array([1, 1.5 * np.exp(0.5 * (1 - persistence))]), rel=0.15)


# ---- a source left out -----------------------------------------------------------------------------------

def test_without_every_source_all_draws_are_equal() -> None:
    data = simulate(COUNTY.model_copy(update={"years": 3}), 32, without=SOURCES).data
    for name in (*QUANTITIES, *MORE, *ALONG):
        values = data[name].values
        assert_array_equal(values, np.broadcast_to(values[:1], values.shape), name)


def test_each_source_leaves_out_its_own_part_and_no_other() -> None:
    given = put(COUNTY, {"shocks.funding_sd": 0.05, "shocks.people_sd": 0.03, "shocks.cost_start": 0.1},
                shocks__cost_start=(0.0, 0.2))
    whole = drawn(given, draws=64)
    alone = {source: drawn(given, (source,), 64) for source in SOURCES}
    none = drawn(given, ("parameters", "shocks"), 64)
    for name in ("price", "frequency", "visits", "chronic", "people", "funding"):
        log = lambda of, name=name: np.log(getattr(of, name))  # noqa: E731
        # a future is a product of parameters and shocks, so their logs add
        assert_allclose(log(whole) - log(none), (log(alone["shocks"]) - log(none))
                        + (log(alone["parameters"]) - log(none)), atol=1e-9)
        assert_array_equal(getattr(alone["chance"], name), getattr(whole, name))
        assert_allclose(getattr(none, name), getattr(none, name)[:1].repeat(64, axis=0), rtol=1e-15)
    assert not alone["chance"].noise.any() and alone["chance"].chance == 0
    for source in ("parameters", "shocks"):
        assert_array_equal(alone[source].noise, whole.noise)
    assert not alone["shocks"].take_up.any() and alone["parameters"].take_up.any()
    for name, of in whole.drawn.items():
        assert_array_equal(alone["shocks"].drawn[name], of)
        assert np.ptp(alone["parameters"].drawn[name]) == 0


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_left_out_no_longer_moves_the_account(source: str) -> None:
    data = simulate(BENXI.model_copy(update={"years": 2}), 32, without=tuple(set(SOURCES) - {source})).data
    moves = lambda name: bool(np.ptp(data[name].values[:, 0, 0]) > 1e-9 * data[name].values[:, 0, 0].mean())  # noqa: E731
    assert moves("expenditure")
    assert moves("enrolled") == (source == "shocks")
    assert moves("opening_balance") == (source == "parameters")


# ---- extremes ------------------------------------------------------------------------------------------------

HARD = {"shocks.freedom": 2.1}
EXTREMES = {
    "cost": {**HARD, "shocks.cost_sd": 1, "shocks.cost_persistence": 0.99},
    "use": {**HARD, "shocks.admission_sd": 1, "shocks.admission_persistence": 0.99},
    "funding": {**HARD, "shocks.funding_sd": 1, "shocks.funding_persistence": 0.99},
    "enrolment": {**HARD, "shocks.enrolment_sd": 2}, "people": {**HARD, "shocks.people_sd": 2},
    "all at once": {f"shocks.{name}": 1 for name in ("cost_sd", "admission_sd", "funding_sd", "enrolment_sd",
                                                     "people_sd")},
    "tied": {"shocks.cost_with_funding": 0.99, "shocks.cost_with_use": -0.99, "shocks.funding_sd": 0.1},
    "starts up": {"shocks.cost_start": 1, "shocks.admission_start": 1, "shocks.funding_start": 1},
    "starts down": {"shocks.cost_start": -1, "shocks.admission_start": -1, "shocks.funding_start": -1},
} | {f"growth {side}": {
    f"{section}.{name}": float(getattr(ASSUMED[section].terms()[name], side)) for section, name in (
        ("people", "enrolment_trend"), ("account", "funding_trend"), ("utilisation", "chronic_growth"),
        ("utilisation", "cost_growth"), ("utilisation", "admission_growth"))} for side in ("low", "high")} | {
    f"levels {side}": {name: float(getattr(ASSUMED[name.split(".")[0]].terms()[name.split(".")[1]], side))
                       for name in ("people.enrolment_level", "account.funding_level")} for side in ("low", "high")}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", EXTREMES.values(), ids=EXTREMES)
def test_legal_extremes_give_numbers_and_no_warning(values: dict[str, float]) -> None:
    for name, value in values.items():
        section, field = name.split(".")
        term = ASSUMED[section].terms()[field]
        assert term.low <= value <= term.high
    found = simulate(put(BENXI.model_copy(update={"years": 3}), values), 32, engine="table")
    for name in (*QUANTITIES, *MORE, *ALONG):
        assert np.isfinite(found.data[name].values).all(), name


def test_no_draw_of_a_wide_interval_turns_a_level_or_a_trend_round() -> None:
    wide = put(still("benxi"), {}, people__enrolment_level=(0.01, 1.0), people__enrolment_trend=(-0.3, 0.0),
               account__funding_level=(0.01, 1.0), account__funding_trend=(-0.3, 0.0))
    found = drawn(wide)
    assert (found.people > 0).all() and (found.funding > 0).all()
    assert found.drawn["people.enrolment_level"].min() == 0.01  # draws beyond its bounds stand at the bound


@pytest.mark.parametrize("name", ["people.enrolment_level", "account.funding_level"])
def test_an_interval_around_a_level_holds_nine_of_ten(name: str) -> None:
    given = put(still("benxi"), {}, **{name.replace(".", "__"): (0.9, 1.2)})
    found = (drawn(given).people if "people" in name else drawn(given).funding)[:, 0]
    assert_allclose(np.quantile(found, [0.05, 0.5, 0.95]), [0.9, 1.0, 1.2], atol=0.003)  # 1 % of the spread


# ---- counties ------------------------------------------------------------------------------------------------

def test_counties_share_their_shocks_as_stated_and_each_keeps_its_own_ties() -> None:
    given = put(still("city"), {"shocks.cost_sd": 0.1, "shocks.admission_sd": 0.1, "shocks.funding_sd": 0.1,
                                "shocks.people_sd": 0.1, "shocks.cost_with_use": -0.8, "areas.correlation": 0.4})
    areas = list(CITY.axes.area)[:3]
    found = {area: futures(given, DRAWS, 1, area) for area in areas}
    for name in ("price", "frequency", "funding", "people"):
        between = np.corrcoef([np.log(getattr(found[area], name)[:, 0]) for area in areas])
        assert between[np.triu_indices(3, 1)] == pytest.approx(0.4, abs=0.05)  # three of 1/64
    for area in areas:
        own = np.corrcoef(np.log(found[area].price[:, 0]), np.log(found[area].frequency[:, 0]))[0, 1]
        assert own == pytest.approx(-0.8, abs=0.03)
    alike = put(given, {"areas.correlation": 1.0})
    one, other = (futures(alike, 64, 1, area) for area in areas[:2])
    for name in ("price", "frequency", "funding", "people"):
        assert_allclose(getattr(one, name), getattr(other, name))
    assert (one.noise != other.noise).all()  # the chance of single people is never shared


def test_every_year_of_every_shock_has_a_dimension_of_its_own() -> None:
    found = shocked({"cost_sd": 0.1, "admission_sd": 0.1, "funding_sd": 0.1, "people_sd": 0.1, "cost_persistence": 0.0})
    walk = np.diff(np.log(found.people), axis=1, prepend=0.0)
    added = np.concatenate([np.log(found.price), np.log(found.frequency), np.log(found.funding), walk, found.noise],
                           axis=1)
    together = np.corrcoef(added.T) - np.eye(added.shape[1])
    assert added.shape[1] == len(SHOCKS) * len(T)
    assert np.abs(together).max() < 0.06  # four of 1/64, of 300 pairs
