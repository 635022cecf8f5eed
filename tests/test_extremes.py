"""Extreme but legal values run, or are refused with a reason: no figure is missing, no warning reaches anybody.

And no result depends on how the work is cut: on parts of the draws, on threads, on the order of areas.
"""

import json
from collections import OrderedDict
from threading import Thread

import numpy as np
import pytest
from hypothesis import Phase, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from bench.pool import inputs_of, scaled
from simulation import load_scenario, model, simulate
from simulation.assumptions import ASSUMED, Assumed
from simulation.calibration import as_file
from simulation.checking import check_scenario
from simulation.engines import histories, individual, nodes, parts, tables
from simulation.loading import parse_scenario
from simulation.measures import chances, report, settlement, spending_by_tier, staying, summary
from simulation.policy import SECTIONS, policy_terms
from simulation.results import Result
from simulation.scenario import Change, Scenario
from simulation.scorecard import scorecard
from simulation.terms import BadInput, Source
from store import library
from store.database import ready
from store.library import Draft
from tests.coarse import coarse
from tests.screen import app, few_draws, figures_of, words_of
from ui import shelf

STATED = Source(status="assumption")
DRAWS, YEARS = 16, 2
# Nothing is paid back to a fund, and no part is more than the whole.
NEVER_NEGATIVE = ("enrolled", "expense", "eligible", "expenditure", "out_of_pocket", "stays", "visits", "outpatient",
                  "inpatient_paid", "chronic", "critical", "assistance", "commercial", "basic_by_tier")
PARTS_OF_ONE = ("in_policy_ratio", "effective_ratio", "primary_share", "catastrophic", "take_up", "primary_visits",
                "in_county_share", "chronic_in_policy_ratio")
ROUNDING = 1e-9  # of all expense: what is left when amounts that make up another are taken off it

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
fewer = pytest.fixture(autouse=True, scope="module")(coarse)  # whether a figure is there does not rest on how many


def over(scenario: Scenario, years: int) -> Scenario:
    """The scenario over another number of years."""
    kept = tuple(change for change in scenario.changes if change.year < scenario.first_year + years)
    return scenario.model_copy(update={"years": years, "changes": kept})


COUNTY, CITY, BENXI, NATIONAL = (load_scenario(name) for name in (
    "urrbmi_county_2026", "city_pooling_2012", "benxi_2008", "national_resident_2018"))
SMALL = scaled(over(COUNTY, YEARS), 300)
POOLS = {"table": over(COUNTY, YEARS), "exact": SMALL}
both_engines = pytest.mark.parametrize("engine", POOLS)


def setting(scenario: Scenario, values: dict[str, object], year: int | None = None) -> Scenario:
    """The scenario with some levers set from a year on."""
    return scenario.changed(Change(lever=lever, year=year or scenario.first_year, value=value, source=STATED)
                            for lever, value in values.items())


def assuming(scenario: Scenario, values: dict[str, object], ranges: bool = False) -> Scenario:
    """The scenario with some assumptions otherwise, held to all that a file is; with `ranges`, as wide as they may be.

    Whether it may be said at all is for the checks of a file: they raise `BadInput`.
    """
    sections: dict[str, dict[str, Assumed]] = {}
    for place, value in values.items():
        section, name = place.split(".")
        term = ASSUMED[section].terms()[name]
        sections.setdefault(section, {})[name] = Assumed(
            value=value, source=STATED, range=(float(term.low), float(term.high)) if ranges else None)
    told = scenario.assumptions.model_copy(update={"correlations": ()} | {
        section: getattr(scenario.assumptions, section).model_copy(update=new) for section, new in sections.items()})
    made = scenario.model_copy(update={"assumptions": told})
    if faults := check_scenario(made, "extreme.yaml"):
        raise BadInput(faults)
    return made


def wrong_with(result: Result) -> list[str]:
    """Figures of a run that are missing, endless, or cannot be."""
    data, found = result.data, []
    rounding = ROUNDING * np.abs(data["expense"].values).max()
    for name, quantity in data.data_vars.items():
        if not np.isfinite(quantity.values).all():
            found.append(f"{name} is not finite")
    for name in NEVER_NEGATIVE:
        if data[name].values.min() < -rounding:
            found.append(f"{name} falls to {data[name].values.min():g}")
    for name in PARTS_OF_ONE:
        if data[name].values.min() < -ROUNDING or data[name].values.max() > 1 + ROUNDING:
            found.append(f"{name} goes from {data[name].values.min():g} to {data[name].values.max():g}")
    return found


def frames_lack(result: Result) -> list[int]:
    """Which of the tables made of a run lack a figure."""
    json.dumps(report(result), allow_nan=False)
    frames = [summary(result), chances(result), settlement(result), staying(result), spending_by_tier(result),
              scorecard(result)]
    return [n for n, frame in enumerate(frames)
            if not np.isfinite(frame.select_dtypes("number").to_numpy(float)).all()]


def ends(term) -> list:
    """The bounds of a declared term; all choices; no limit where there need not be one."""
    return list(term.choices or (term.low, term.high, *([None] if term.optional else [])))


# --- levers and assumptions at their bounds --------------------------------------------------------------------

@pytest.mark.parametrize("section", SECTIONS)
def test_every_lever_runs_at_both_of_its_bounds(section: str) -> None:
    """From the first year in a county; of those that ask for counties, in a city."""
    found = {}
    for of, name, term in policy_terms():
        scenario = POOLS["table"] if COUNTY.has(term.where) else over(CITY, YEARS)
        for value in ends(term) if of == section and scenario.has(term.where) else []:
            if wrong := wrong_with(simulate(setting(scenario, {f"{of}.{name}": value}), DRAWS, 1, "table")):
                found[f"{of}.{name}={value}"] = wrong
    assert not found


# What need not run at a bound: shares of a whole, which have to add up.
REFUSED = {"utilisation.tier_mix": "adds up", "utilisation.outpatient_mix": "adds up",
           "utilisation.class_a_share": "exceed 1", "utilisation.class_c_share": "exceed 1"}


@pytest.mark.parametrize("section", ASSUMED)
def test_every_assumption_runs_at_both_of_its_bounds_or_is_refused(section: str) -> None:
    found = {}
    for name, term in ASSUMED[section].terms().items():
        for value in ends(term):
            place = f"{section}.{name}"
            try:
                wrong = wrong_with(simulate(assuming(POOLS["table"], {place: value}), DRAWS, 1, "table"))
            except BadInput as bad:
                wrong = [] if REFUSED.get(place, "?") in str(bad) else [str(bad)]
            if wrong:
                found[f"{place}={value}"] = wrong
    assert not found


@pytest.mark.parametrize("section", ASSUMED)
def test_intervals_as_wide_as_the_bounds_run(section: str) -> None:
    """Draws lie beyond the ends of an interval: a tenth of them do."""
    central = {f"{section}.{name}": getattr(getattr(COUNTY.assumptions, section), name).value
               for name, term in ASSUMED[section].terms().items() if not term.axes and not term.certain}
    scenario = setting(POOLS["table"], REFORM | {"supervision.review_coverage": 1, "financing.account": 100})
    for places in ([central] if section != "account" else [{place: central[place]} for place in central]):
        assert not wrong_with(simulate(assuming(scenario, places, ranges=True), 256, 1, "table"))


RULES = [f"{section}.{name}" for section, name, term in policy_terms()
         if not term.choices and section in ("financing", "enrolment", "benefits", "contracts", "payment", "responses")
         and COUNTY.has(term.where)]
TERMS = {f"{section}.{name}": term for section, name, term in policy_terms()}


@limits(max_examples=25, deadline=None, derandomize=True, phases=[Phase.generate])
@given(st.lists(st.tuples(st.sampled_from(RULES), st.booleans()), min_size=2, max_size=6, unique_by=lambda x: x[0]))
def test_bounds_of_several_levers_run_together(extremes: list[tuple[str, bool]]) -> None:
    values = {lever: TERMS[lever].high if high else TERMS[lever].low for lever, high in extremes}
    scenario = setting(POOLS["table"], values, POOLS["table"].first_year + 1)  # people respond to the difference
    assert not wrong_with(simulate(scenario, DRAWS, 1, "table"))


EXTREMES = {
    "nothing is paid": {"benefits.rate": 0, "benefits.critical_rate": 0, "benefits.assistance_rate": 0,
                        "benefits.consultation_paid": 0},
    "everything is paid": {"benefits.rate": 1, "benefits.deductible": 0, "benefits.ceiling": None,
                           "benefits.ceiling_multiple": 0, "benefits.class_b_first_pay": 0,
                           "benefits.kind_ceiling": None, "benefits.assistance_rate": 1},
    "no bill reaches the deductible": {"benefits.deductible": 20_000, "benefits.critical_deductible": 1_000_000,
                                       "benefits.deductible_step": 0, "benefits.deductible_floor": 5_000},
    "the ceiling is nothing": {"benefits.ceiling": 0, "benefits.ceiling_multiple": 0, "benefits.kind_ceiling": 0,
                               "benefits.consultation_paid": 0},
    "nobody pays": {"financing.contribution": 0, "financing.subsidy": 0, "financing.subsidy_weights": 0},
    "joining costs a fortune": {"financing.contribution": 5000, "financing.contribution_step": 200},
    "nobody is ever entitled": {"enrolment.waiting_months": 12},
}


@both_engines
@pytest.mark.parametrize("extreme", EXTREMES)
def test_an_extreme_rule_book_runs_from_the_start_and_as_a_reform(engine: str, extreme: str) -> None:
    for year in (POOLS[engine].first_year, POOLS[engine].first_year + 1):
        result = simulate(setting(POOLS[engine], EXTREMES[extreme], year), DRAWS, 1, engine)
        assert not wrong_with(result) and not frames_lack(result)
        last = result.data.isel(year=-1)
        paid = last["inpatient_paid"].values + last["chronic"].values + last["outpatient"].values
        if extreme in ("nothing is paid", "the ceiling is nothing"):
            assert not paid.any()
        if extreme == "nobody pays":
            assert not last["individual_income"].values.any() and not last["subsidy_income"].values.any()


def test_a_fund_of_which_accounts_take_more_than_comes_in_has_a_deficit_and_no_surplus() -> None:
    result = simulate(setting(over(BENXI, YEARS), {"financing.account": 500}), DRAWS, 1, "table")
    assert result.data["income"].values.max() < 0
    chance = chances(result).groupby("event")["value"].max()
    assert chance["p_deficit"] == 1 and chance["p_surplus_over"] == chance["p_balance_over"] == 0
    lines = settlement(result).query("section == 'lines'").set_index("item")
    assert not lines.loc[["surplus_ratio", "balance_ratio"]].select_dtypes("number").to_numpy().any()


# --- few people, no care, long and short horizons --------------------------------------------------------------

REFORM = {"benefits.rate": 0.9, "contracts.coverage": 0.5, "payment.method": 1, "enrolment.awareness": 0.9}


def people(scenario: Scenario, number) -> dict:
    """Residents of each group, by its place."""
    return {"people.residents": {group: number(n) for n, group in enumerate(scenario.axes.group)}}


CROWDS = {"nobody": lambda n: 0, "one person": lambda n: int(n == 0), "an empty group": lambda n: 150 * (n > 0)}


@both_engines
@pytest.mark.parametrize("crowd", CROWDS)
def test_a_scheme_of_few_people_or_of_none_runs(engine: str, crowd: str) -> None:
    scenario = assuming(over(COUNTY, YEARS), people(COUNTY, CROWDS[crowd]) | {"account.interest_rate": 0})
    for tried in (scenario, setting(scenario, REFORM, scenario.first_year + 1)):
        result = simulate(tried, DRAWS, 1, engine)
        assert not wrong_with(result) and not frames_lack(result)
        by_group = result.data["insured_by_group"].values
        assert not by_group[..., 0].any() if crowd == "an empty group" else not by_group[..., 1:].any()
        if crowd == "nobody":
            for name in ("expense", "expenditure", "stays", "individual_income", "in_policy_ratio", "take_up"):
                assert not result.data[name].values.any(), name
            lines = settlement(result).query("section == 'lines'").select_dtypes("number")
            assert not lines.to_numpy().any()  # what is left of other years is no part of an income of nothing


@both_engines
def test_a_scheme_in_which_nobody_falls_ill_pays_nothing(engine: str) -> None:
    healthy = dict.fromkeys(("utilisation.admissions", "utilisation.chronic_share", "utilisation.outpatient_users"), 0)
    result = simulate(assuming(POOLS[engine], healthy), DRAWS, 1, engine)
    assert not wrong_with(result) and not frames_lack(result)
    assert not result.data["expense"].values.any() and not result.data["stays"].values.any()


@both_engines
@pytest.mark.parametrize("values", [
    {"people.take_up": 0.01, "people.frail_share": 0}, {"people.take_up": 0.999, "people.frail_share": 0.9},
    {"people.take_up": 0.999, "people.frail_share": 0.9, "people.frail_risk": 20, "people.selection": 5},
    {"utilisation.admissions": 3, "utilisation.dispersion": 0.05},
    {"utilisation.expense": 10_000_000, "utilisation.expense_log_sd": 2},
    {"utilisation.expense": 1, "utilisation.chronic_expense": 1, "utilisation.expense_log_sd": 0},
    {"people.contribution_elasticity": -3, "behaviour.inpatient_elasticity": -3, "behaviour.tier_sensitivity": 5}],
    ids=str)
def test_extreme_people_care_and_behaviour_run_with_a_reform(engine: str, values: dict[str, float]) -> None:
    scenario = setting(assuming(POOLS[engine], values), {"benefits.rate": 0.05, "financing.contribution": 3000},
                       POOLS[engine].first_year + 1)
    assert not wrong_with(simulate(scenario, DRAWS, 1, engine))


def test_take_up_of_none_or_of_all_is_refused() -> None:
    """Nobody could join or leave any more, whatever it costs: the log odds would be endless."""
    for take_up in (0, 1):
        with pytest.raises(BadInput, match="take_up.* is outside 0.01 to 0.999; give a number from"):
            assuming(POOLS["table"], {"people.take_up": take_up})


@pytest.mark.parametrize("years", [1, 60])
def test_the_shortest_and_the_longest_horizon_run(years: int) -> None:
    result = simulate(over(NATIONAL, years), DRAWS, 1, "table")
    assert not wrong_with(result) and not frames_lack(result)


def test_a_century_is_refused_with_the_longest_horizon() -> None:
    told = json.loads(NATIONAL.text()) | {"years": 100}
    with pytest.raises(BadInput) as refused:
        parse_scenario(json.dumps(told), "century.yaml")
    assert [("years" in fault.place, "60" in fault.sentence("en"), "60" in fault.sentence("zh"))
            for fault in refused.value.faults] == [(True, True, True)]


def test_prices_that_drift_far_apart_are_settled_at_more_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """In sixty years, draws lie two thousandfold apart: with five points expenditure would be 7 % wrong."""
    long, found = over(NATIONAL, 60), []
    for further in (nodes.FURTHER, nodes.FURTHER / 2):
        monkeypatch.setattr(nodes, "FURTHER", further)
        found.append(simulate(long, 64, 1, "table").data["expenditure"].values.mean(axis=0))
    np.testing.assert_allclose(found[0], found[1], rtol=0.005)


# --- many draws, many areas ------------------------------------------------------------------------------------

def with_areas(number: int) -> Scenario:
    """The city with another number of counties, which are like those it has in turn."""
    told = json.loads(CITY.text())
    told["axes"]["area"] = {f"area_{n}": {"zh": f"第{n}县", "en": f"County {n}"} for n in range(number)}
    for stated in told["assumptions"]["areas"].values():
        if isinstance(stated["value"], dict):
            like = list(stated["value"].values())
            stated["value"] = {f"area_{n}": like[n % len(like)] for n in range(number)}
    return over(parse_scenario(json.dumps(told | {"local_rules": []}), "counties.yaml"), YEARS)


def test_five_hundred_areas_have_room_and_too_many_draws_of_them_are_refused() -> None:
    city = over(with_areas(500), 1)
    assert simulate(over(with_areas(20), 1), DRAWS, 1, "table").data.sizes["area"] == 21
    model.check_room(city, 1024)
    for years, draws, remedy in ((1, model.MAX_DRAWS, "use at most 3136 draws"), (10, 1024, "use at most 304 draws")):
        with pytest.raises(BadInput, match=f"in 500 areas do not fit in memory; {remedy}"):
            simulate(city.model_copy(update={"years": years}), draws, 1)


def test_the_most_draws_fit_a_library_scenario_and_one_more_is_refused() -> None:
    model.check_room(COUNTY, model.MAX_DRAWS)
    for draws in (15, model.MAX_DRAWS + 1):
        with pytest.raises(BadInput, match="use 16 to 131072"):
            simulate(COUNTY, draws)


# --- however the work is cut -----------------------------------------------------------------------------------

def alike(one, other, tolerance: float) -> None:
    """Every quantity of two runs is the same but for rounding."""
    for name in one.data_vars:
        scale = np.abs(one[name].values).max() if name in one else 1.0
        np.testing.assert_allclose(other[name].values, one[name].values, rtol=tolerance, atol=tolerance * scale,
                                   err_msg=name)


@pytest.mark.parametrize(("module", "sizes"), [(parts, (7, 33)), (tables, (900, 50_000))], ids=["draws", "histories"])
def test_results_do_not_depend_on_how_much_is_worked_on_at_once(module, sizes: tuple, monkeypatch) -> None:
    """To 1e-11: sums of thousands of histories in another order."""
    scenario = setting(POOLS["table"], REFORM, POOLS["table"].first_year + 1)
    whole = simulate(scenario, 48, 1, "table").data
    for size in sizes:
        monkeypatch.setattr(module, "AT_ONCE", size)
        histories.KEPT.clear()
        alike(whole, simulate(scenario, 48, 1, "table").data, 1e-11)


def test_what_is_settled_is_kept_within_its_room_and_used_again(monkeypatch) -> None:
    made: list[str] = []

    def settled(name: str) -> list:
        stacks = [(np.zeros(1), np.zeros(5))]  # 40 bytes
        return histories.kept((len(name), 0.5), lambda: made.append(name) or stacks)

    monkeypatch.setattr(histories, "KEPT", OrderedDict())
    monkeypatch.setattr(histories, "MOST_KEPT", 90)
    for name in ("a", "bb", "a", "ccc", "a", "bb"):  # the third pushes out what was asked for longest ago
        settled(name)
    assert made == ["a", "bb", "ccc", "bb"]
    monkeypatch.setattr(histories, "MOST_KEPT", 10)
    assert settled("dddd") is settled("dddd") and len(histories.KEPT) == 1  # the last one stays, however large


def test_what_a_thread_keeps_waits_while_another_counts_the_room(monkeypatch) -> None:
    other = Thread(target=lambda: histories.kept((2.0,), list))

    class Kept(OrderedDict):
        """Another thread comes while what is kept is gone through."""

        def values(self):
            for found in super().values():
                if not other.ident:
                    other.start()
                    other.join(0.2)
                yield found

    monkeypatch.setattr(histories, "KEPT", Kept({b"before": ([], 0)}))
    histories.kept((1.0,), list)
    other.join()
    assert len(histories.KEPT) == 3


def test_threads_change_no_bit_of_the_exact_engine_under_a_reform() -> None:
    inputs = inputs_of(setting(SMALL, REFORM, SMALL.first_year + 1), 24)
    alone = individual.spend(*inputs, threads=1)
    for threads in (2, 3):
        for name, together in individual.spend(*inputs, threads=threads)._asdict().items():
            np.testing.assert_array_equal(together, getattr(alone, name), name)


def test_the_order_of_areas_moves_nothing_but_chance() -> None:
    """Counties' people are other people by their place; all else goes by their names."""
    city = over(CITY, YEARS)
    told = json.loads(city.text())
    told["axes"]["area"] = dict(reversed(told["axes"]["area"].items()))
    turned = parse_scenario(json.dumps(told), "turned.yaml")
    one, other = (simulate(scenario, DRAWS, 1, without=("chance",)).data for scenario in (city, turned))
    assert list(other["area"].values[1:]) == list(one["area"].values[:0:-1])
    alike(one, other.sel(area=one["area"].values), 1e-9)


# --- on the screen ---------------------------------------------------------------------------------------------

@pytest.fixture
def own(url: str, monkeypatch: pytest.MonkeyPatch):
    """A database of its own, and few draws."""
    monkeypatch.setenv("SANDBOX_DATABASE", url)
    few_draws(monkeypatch, 64)
    made = ready()
    yield made
    made.dispose()


@pytest.mark.parametrize(("language", "crowd"), [("zh", "an empty group"), ("en", "nobody")])
def test_the_front_page_shows_a_scheme_of_few_people_without_a_missing_figure(language: str, crowd: str, own) -> None:
    scenario = assuming(over(COUNTY, YEARS), people(COUNTY, CROWDS[crowd]))
    code = library.save(own, "few", Draft(text=as_file(scenario), kind="scenario"))
    at = app(language, scenario=shelf.kept_name(code, 1), **{"benefits.rate.inpatient": "0"})
    assert not at.exception and not at.warning and figures_of(at)
    assert not [text for text in words_of(at) if "nan" in text.lower().split() or "inf" in text.lower().split()]
