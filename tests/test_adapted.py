"""A fund's own scenario: it runs on from the fund's table, says what it takes from it, and is no surer than it may."""

from __future__ import annotations

import json
import re
from functools import lru_cache

import numpy as np
import pytest
from numpy.testing import assert_allclose

from simulation import adapted as module
from simulation import load_scenario, simulate
from simulation.__main__ import main
from simulation.adapted import (
    GROWTH,
    LEVEL,
    MONEY,
    RECENT,
    SAME_MONEY,
    TABLE,
    Ahead,
    adapted,
    at_edges,
    from_table,
    in_step,
    joint_correlations,
    last_year,
    recent,
    tells,
    with_funding,
)
from simulation.assumptions import ASSUMED, uncertain
from simulation.calibration import as_file, central, middle
from simulation.checking import check_scenario
from simulation.columns import QUANTITIES
from simulation.dynamics import Dynamics, Outlook
from simulation.loading import parse_scenario
from simulation.policy import SECTIONS
from simulation.scenario import Scenario
from simulation.series import Series, frozen, load_series
from simulation.steps.utilisation import correlations, futures
from simulation.terms import LANGUAGES, BadInput, Source
from simulation.trees import leaves
from tests.coarse import coarse

TEMPLATE = "urrbmi_county_2026"


fewer = pytest.fixture(autouse=True, scope="module")(coarse)  # the run and what it is held against share them


def table(first: int = 2018, name: str = "county", **columns: np.ndarray) -> Series:
    """A fund's yearly table from its columns; what is not given is missing."""
    years = len(next(iter(columns.values())))
    return Series(name, tuple(range(first, first + years)), {
        key: frozen(columns.get(key, np.full(years, np.nan))) for key in QUANTITIES}, "0" * 64)


def fund(years: int = 8, money: float = 1.0, restless: float = 0.0, first: int = 2018, seed: int = 1) -> Series:
    """A fund of half a million people: 900 yuan a head and 0.18 stays, growing by 6 and 2 % a year."""
    t, random = np.arange(years), np.random.default_rng(seed)
    strays = lambda: np.exp(restless * random.standard_normal(years))  # noqa: E731
    people = 5e5 * 1.005**t
    income, spending = (people * money * head * 1.06**t * strays() for head in (900, 850))
    return table(first, enrolment=people, income=income, spending=spending, stays=people * 0.18 * 1.02**t * strays(),
                 visits=people * 1.6 * 1.01**t * strays(), balance=2e8 * money + np.cumsum(income - spending))


def without(series: Series, *keys: str, years: slice = slice(None)) -> Series:
    """The table with cells left empty."""
    values = {key: np.array(of) for key, of in series.values.items()}
    for key in keys:
        values[key][years] = np.nan
    return table(series.years[0], series.name, **values)


@lru_cache
def own(name: str) -> Scenario:
    """Scenarios of several tables, each made once."""
    whole = fund()
    return adapted({
        "plain": whole, "bare": without(whole, "stays", "visits", "balance"), "restless": fund(restless=0.15),
        "old": fund(money=0.03, first=2004), "short": fund(4), "gaps": gappy(), "few": few_visits(),
    }[name], load_scenario(TEMPLATE), 6)


def gappy() -> Series:
    series = without(fund(), "income", years=slice(2, 3))
    series = without(series, "stays", years=slice(0, 5))
    series = without(series, "visits", years=slice(6, 8))
    return without(series, "balance", years=slice(6, 8))


def few_visits() -> Series:
    series = fund()
    return table(2018, **{**series.values, "visits": series.values["enrolment"] * 0.2})


def paths_of(series: Series, template: str = TEMPLATE) -> dict[str, Ahead]:
    """What a table tells of every path, money in step."""
    series = recent(series.upto(last_year(series)))
    usual = module.fitted()
    found = module.looked_ahead(series, module.begun(load_scenario(template), series, series.years[-1] + 1, 6), usual)
    return in_step(found, module.own_pace(series, found, module.pace_of(), usual["spending"]))[0]


def value_of(scenario: Scenario, name: str):
    section, field = name.split(".")
    return getattr(getattr(scenario.assumptions, section), field)


def width(scenario: Scenario, name: str) -> float:
    """The interval of an assumption as a log ratio."""
    given = value_of(scenario, name)
    low, high = given.factor or (1 + np.array(given.range))
    return float(np.log(high / low))


# ---- it runs on from the table -------------------------------------------------------------------------

@pytest.mark.parametrize("name, series", [("plain", fund()), ("bare", without(fund(), "stays", "visits", "balance")),
                                          ("old", fund(money=0.03, first=2004)), ("gaps", gappy()),
                                          ("few", few_visits())])
def test_the_median_run_walks_the_path_that_the_table_tells(name: str, series: Series) -> None:
    scenario, paths = own(name), paths_of(series)
    reached = module.reached_by(central(scenario), "use" in paths)
    assert {"enrolment", "funding", "cost"} <= set(paths)
    k = np.arange(5)
    for path, of in paths.items():
        o = of.outlook  # what stands above the trend in the first year fades
        wanted = o.level + k * o.growth - o.start * (1 - of.dynamics.persistence**k)
        # the search stops within 0.2 % at both ends
        assert abs(reached[path][0] - wanted[0]) < 0.003, path
        assert abs(reached[path][4] - wanted[4]) < 0.003, path
        assert np.abs(reached[path][1:4] - wanted[1:4]).max() < 0.02, path  # between them by the template's curve


def test_an_even_table_goes_on_evenly() -> None:
    """Eight years without any departure: the years after it are the next of the same row, but for the little that
    growth seen elsewhere, which is presumed of neither sign, takes off: 0.3 points a year at most."""
    run, series = central(own("plain")), fund(14)
    for model, key in (("enrolled", "enrolment"), ("income", "income"), ("expenditure", "spending"),
                       ("stays", "stays"), ("visits", "visits")):
        found, expected = middle(run, model), series.values[key][8:]
        assert found[0] == pytest.approx(expected[0], rel=0.006), model
        growth = np.log(found[4] / found[0]) / 4 - np.log(expected[4] / expected[0]) / 4
        assert abs(growth) < 0.004, model
    assert run.scenario.first_year == 2026 and run.scenario.years == 6


def test_the_fund_starts_with_the_balance_of_its_table() -> None:
    series = fund()
    opening = lambda scenario: value_of(scenario, "account.opening_balance")  # noqa: E731
    assert opening(own("plain")).value == pytest.approx(series.values["balance"][-1])
    assert central(own("plain")).data["opening_balance"].values[0, 0, 0] == pytest.approx(series.values["balance"][-1])
    # the last one given, and the surpluses since
    assert opening(own("gaps")).value == pytest.approx(series.values["balance"][-1])
    assert "since" in opening(own("gaps")).source.note.en
    assert opening(own("bare")).value == 0 and "no balance" in opening(own("bare")).source.note.en


def test_money_of_another_time_is_restated_and_says_so() -> None:
    template, old = load_scenario(TEMPLATE), own("old")
    times = old.policy.benefits.ceiling.value / template.policy.benefits.ceiling.value
    assert 0.01 < times < 1 / SAME_MONEY
    for section, model in SECTIONS.items():
        for name, term in model.terms().items():
            before, after = (getattr(getattr(of.policy, section), name) for of in (
                template.model_copy(update={"policy": template.policy_in(template.first_year)}), old))
            yuan = term.unit.startswith("yuan")
            if f"{section}.{name}" in ("financing.contribution", "financing.subsidy"):  # from the fund's own income
                continue
            if name.endswith("_step") and section == "financing":
                assert after.value == 0
                continue
            for (_, was), (_, now) in zip(leaves(before.value), leaves(after.value), strict=True):
                assert now == (pytest.approx(was * times) if yuan and was is not None else was), (section, name)
            # an article of law is no longer the source of an amount that it does not name
            assert (after.source.document == TABLE) == (after.value != before.value), (section, name)


def test_edges_of_bands_are_restated_with_their_money() -> None:
    assert at_edges({"a": {"from_0": 0.5, "from_20000": 0.7}, "b": 0.4}, 0.05) == {
        "a": {"from_0": 0.5, "from_1000": 0.7}, "b": 0.4}
    banded = load_scenario("city_pooling_2012")
    series = fund(money=0.03, first=2004)
    scenario = module.in_money_of(module.begun(banded, series, 2012, 1), paths_of(series))
    edges = [[name.rpartition("from_")[2] for name, _ in leaves(of.policy.benefits.rate.value) if "from_" in name]
             for of in (banded, scenario)]
    times = scenario.policy.benefits.ceiling.value / banded.policy.benefits.ceiling.value
    assert len(edges[0]) == len(edges[1]) > 3
    assert_allclose([float(edge) for edge in edges[1]], [float(edge) * times for edge in edges[0]], atol=0.5)


def test_a_template_of_the_same_money_keeps_its_rules() -> None:
    template, plain = load_scenario(TEMPLATE), own("plain")
    for section in SECTIONS:
        if section != "financing":
            assert getattr(plain.policy, section) == getattr(template.policy_in(template.first_year), section)
    shares = [np.array([value for _, value in leaves(of.policy.financing.contribution.value)])
              / np.array([value for _, value in leaves(of.policy.financing.subsidy.value)]) for of in (template, plain)]
    assert_allclose(shares[1], shares[0])  # how people and governments share it is the template's
    assert plain.axes == template.axes
    dated = load_scenario("national_resident_2018")  # what it changes in later years is another fund's
    assert dated.changes and module.begun(dated, fund(), 2026, 3).changes == ()
    for name in ("tier_mix", "expense_log_sd", "class_a_share", "dispersion"):
        assert value_of(plain, f"utilisation.{name}") == value_of(template, f"utilisation.{name}")


# ---- where values come from -----------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["plain", "bare", "old"])
def test_what_differs_from_the_template_names_the_table(name: str) -> None:
    template, scenario = load_scenario(TEMPLATE), own(name)
    told = {row["name"] for row in from_table(scenario)}
    for section, model in ASSUMED.items():
        for field in model.model_fields:
            before, after = (getattr(getattr(of.assumptions, section), field) for of in (template, scenario))
            if after.value != before.value or (after.range or after.factor) and after != before:
                assert after.source.document == TABLE and f"{section}.{field}" in told, (section, field)
                assert after.source.status == "estimate" and after.source.note.zh and after.source.note.en
    for field in ("contribution", "subsidy"):
        assert getattr(scenario.policy.financing, field).source.document == TABLE
    assert scenario.documents[TABLE].title == "county" and str(2011 if name == "old" else 2025) in scenario.documents[
        TABLE].date
    for row in from_table(scenario):
        assert row["title"]["zh"] and row["title"]["en"] and set(row) == {
            "name", "title", "value", "interval", "multiple", "note"}


def test_what_the_table_does_not_tell_stays_the_templates() -> None:
    template, bare = load_scenario(TEMPLATE), own("bare")
    for path in ("use", "visits"):
        assert not tells(bare, path) and tells(own("plain"), path)
        for name in (GROWTH[path], LEVEL[path]):
            assert value_of(bare, name).value == value_of(template, name).value
            assert value_of(bare, name).source == value_of(template, name).source
    for path in ("enrolment", "funding", "cost"):
        assert tells(bare, path)
    # use and cost cannot be told apart: spending a head carries the shocks of both
    assert bare.assumptions.shocks.admission_sd.value == 0


def test_what_few_years_show_is_the_size_of_the_scheme_and_not_who_takes_it_up() -> None:
    shocks = own("plain").assumptions.shocks
    assert shocks.people_sd.value > 0 and shocks.enrolment_sd.value == 0


def test_no_value_taken_leaves_its_bounds() -> None:
    term = ASSUMED["utilisation"].terms()["cost_growth"]
    far = module.with_value(load_scenario(TEMPLATE), "utilisation.cost_growth", 9.0, range=(-5.0, 9.5))
    assert value_of(far, "utilisation.cost_growth").value == term.high
    assert value_of(far, "utilisation.cost_growth").range == (term.low, term.high)
    many = module.with_value(far, "utilisation.chronic_share", {"child": 0.1, "adult": 7.0, "senior": -1.0})
    assert value_of(many, "utilisation.chronic_share").value == {"child": 0.1, "adult": 1.0, "senior": 0.0}


def test_intervals_of_a_typical_fund_do_not_outlive_it() -> None:
    """What stays uncertain is told by the table, or answers to reforms."""
    for name in uncertain(own("plain").assumptions):
        given = value_of(own("plain"), name)
        assert given.source.document == TABLE or name in module.KEPT or name.split(".")[0] in (
            "behaviour", "providers", "services"), name


# ---- how sure it is ---------------------------------------------------------------------------------------

def test_a_restless_table_makes_wider_intervals() -> None:
    calm, restless = own("plain"), own("restless")
    for path in ("funding", "use", "visits", "cost"):
        assert width(restless, GROWTH[path]) > 1.3 * width(calm, GROWTH[path])
        assert width(restless, LEVEL[path]) > 1.3 * width(calm, LEVEL[path])
    for name in ("cost_sd", "admission_sd", "funding_sd"):
        assert value_of(restless, f"shocks.{name}").value > 1.3 * value_of(calm, f"shocks.{name}").value
    spread = [np.log(simulate(of, 256, engine="table").data["expenditure"].values[:, 5, 0]).std()
              for of in (calm, restless)]
    assert spread[1] > 1.5 * spread[0]


def test_more_years_tell_more_of_growth() -> None:
    for path in GROWTH:
        assert width(own("plain"), GROWTH[path]) < width(own("short"), GROWTH[path])


def test_the_first_year_is_itself_a_forecast() -> None:
    """A level known from figures up to the year before strays by what a year adds at least."""
    data = simulate(own("plain"), 1024, engine="table", without=("chance",)).data
    shocks = own("plain").assumptions.shocks
    for name, sd in (("income", shocks.funding_sd.value), ("enrolled", shocks.people_sd.value)):
        assert np.log(data[name].values[:, 0, 0]).std() > 0.95 * sd
    paths = paths_of(fund())
    for path in ("enrolment", "funding"):
        low, high = value_of(own("plain"), LEVEL[path]).range
        assert np.log(high / low) == pytest.approx(2 * 1.6449 * paths[path].outlook.level_sd, rel=1e-3)


def outlook(growth: float, growth_sd: float, level_sd: float = 0.05, tie: float = 0.7) -> Ahead:
    return Ahead(Outlook(5.0, level_sd, growth, growth_sd, 0.0, 0.0, tie), Dynamics(0.05, 0.5, 0.0, 0.05, 1000), 6)


@pytest.mark.parametrize("stays", [True, False])
def test_money_and_spending_are_drawn_together(stays: bool) -> None:
    """The exact posterior of three growths given that those of use and cost less that of funding come from 0 ± a."""
    paths = {"enrolment": outlook(0.01, 0.02), "funding": outlook(0.02, 0.03), "cost": outlook(0.08, 0.02)}
    if stays:
        paths["use"] = outlook(0.03, 0.04)
    pace = module.Pace(0.6, 0.02, None)
    moved, together = in_step(paths, pace)
    names = [name for name in MONEY if name in paths]
    sd = np.array([paths[name].outlook.growth_sd for name in names])
    prior = np.outer(sd, sd) * with_funding(sd, 0.6)
    sign = np.array([-1.0, 1.0, 1.0][:len(names)])
    posterior = np.linalg.inv(np.linalg.inv(prior) + np.outer(sign, sign) / pace.apart**2)
    mean = posterior @ np.linalg.inv(prior) @ [paths[name].outlook.growth for name in names]
    assert_allclose([moved[name].outlook.growth for name in names], mean)
    assert_allclose(np.outer(*[[moved[name].outlook.growth_sd for name in names]] * 2) * together, posterior)
    assert moved["enrolment"] == paths["enrolment"]
    parts = prior[1:, 1:]
    assert prior[0, 1:].sum() / np.sqrt(prior[0, 0] * parts.sum()) == pytest.approx(0.6)  # of spending as a whole
    for name in names:  # a year on, so the level goes with the growth
        by = moved[name].outlook.growth - paths[name].outlook.growth
        assert moved[name].outlook.level == pytest.approx(5.0 + by)


def test_pairs_never_contradict_each_other() -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        paths = {name: outlook(*random.uniform(0, 0.05, 2), *random.uniform(0.01, 0.2, 1), random.uniform(-0.99, 0.99))
                 for name in GROWTH}
        pace = module.Pace(random.uniform(0, 0.95), random.uniform(0.005, 0.05), None)
        moved, of_growth = in_step(paths, pace)
        pairs = joint_correlations(moved, of_growth, pace, Source(status="estimate"))
        names = [*GROWTH.values(), *LEVEL.values()]
        matrix = np.eye(len(names))
        for pair in pairs:
            i, j = (names.index(name) for name in pair.between)
            matrix[i, j] = matrix[j, i] = pair.value
        assert np.linalg.eigvalsh(matrix).min() > -0.03  # pairs below 0.01 are left out
        for name in GROWTH:
            i, j = names.index(GROWTH[name]), names.index(LEVEL[name])
            tie = moved[name].outlook.correlation
            assert matrix[i, j] == pytest.approx(tie, abs=1e-9) or abs(tie) < 0.01
        level = {name: len(GROWTH) + n for n, name in enumerate(LEVEL)}
        assert not matrix[level["enrolment"], [level[name] for name in MONEY]].any()  # people go with no money
        # what a year adds to the levels goes together as in the published accounts, beside what growth brings
        tie = {name: moved[name].outlook.correlation for name in MONEY}
        rest = {name: np.sqrt(1 - tie[name] ** 2) for name in MONEY}
        sd = np.array([moved[name].outlook.level_sd * rest[name] for name in MONEY])
        expected = [tie["funding"] * tie[name] * of_growth[0, n] + rest["funding"] * rest[name] * with_funding(
            sd, pace.together)[0, n] for n, name in enumerate(MONEY) if n]
        found = matrix[level["funding"], [level[name] for name in MONEY[1:]]]
        assert_allclose(found, expected, atol=0.01)


@pytest.mark.parametrize("name, series", [("plain", fund()), ("restless", fund(restless=0.15)), ("bare", without(
    fund(), "stays", "visits", "balance"))])
def test_growth_is_drawn_as_it_is_stated(name: str, series: Series) -> None:
    """Of 4,096 draws: growths and their gap have the spread of the posterior (half of it, were the pairs at odds)."""
    scenario, paths = own(name), paths_of(series)
    assert np.linalg.eigvalsh(correlations(scenario, list(uncertain(scenario.assumptions)))).min() > -0.03
    drawn = futures(scenario, 4096, 1, without=("shocks", "chance")).drawn
    growth = {path: np.log1p(drawn[GROWTH[path]]) for path in MONEY if path in paths}
    for path, of in growth.items():
        assert of.std() == pytest.approx(paths[path].outlook.growth_sd, rel=0.05)
    spending = sum(of for path, of in growth.items() if path != "funding")
    # a posterior that knows the gap to `apart` leaves no more of it than that, and less as the table tells more
    assert (spending - growth["funding"]).std() < module.pace_of().apart * 1.03


# ---- tables with little in them ---------------------------------------------------------------------------

@pytest.mark.parametrize("series, what", [
    (fund(2), "has 2 years"), (without(fund(), "income"), "has 0 years"),
    (without(without(fund(6), "income", years=slice(0, 3)), "spending", years=slice(3, 6)), "0 years give all three"),
    (table(enrolment=np.full(5, 1e5), income=np.zeros(5), spending=np.full(5, 1e7)), "has 0 years")])
def test_too_little_is_refused_with_what_is_lacking(series: Series, what: str) -> None:
    with pytest.raises(BadInput) as caught:
        adapted(series, load_scenario(TEMPLATE))
    (fault,) = caught.value.faults
    assert what in fault.what.en and fault.place == "county" and "3" in fault.remedy.en and "3" in fault.remedy.zh


@pytest.mark.parametrize("columns", [
    fund(money=30.0).values,  # a subsidy of 30,000 yuan a head
    {**fund().values, "visits": 100 * fund().values["enrolment"]}], ids=["money", "visits"])
def test_figures_beyond_every_bound_are_refused(columns: dict[str, np.ndarray]) -> None:
    with pytest.raises(BadInput) as caught:
        adapted(table(2018, **columns), load_scenario(TEMPLATE), 1)
    (fault,) = caught.value.faults
    assert fault.place == "county" and "check the units" in fault.remedy.en


def test_a_year_of_nothing_is_no_figure() -> None:
    series = fund()
    spending = np.array(series.values["spending"])
    spending[0] = 0.0
    first = table(2018, **{**series.values, "spending": spending})
    scenario = adapted(first, load_scenario(TEMPLATE), 1)
    same = adapted(without(series, "spending", years=slice(0, 1)), load_scenario(TEMPLATE), 1)
    assert scenario.assumptions == same.assumptions


def test_few_visits_are_made_by_few_people() -> None:
    """A user goes once at least; where the whole fund has fewer visits than that, fewer use it."""
    template, scenario = load_scenario(TEMPLATE), own("few")
    users = [min(value for _, value in leaves(value_of(of, "utilisation.outpatient_users").value))
             for of in (template, scenario)]
    assert users[1] < users[0]
    run = central(scenario)
    assert (middle(run, "visits") / middle(run, "enrolled"))[0] == pytest.approx(0.2, rel=0.01)


def test_a_template_without_outpatient_care_follows_no_visits() -> None:
    scenario = adapted(fund(), load_scenario("benxi_2008"), 2)
    assert not tells(scenario, "visits") and tells(scenario, "use")
    run = central(scenario)
    assert (middle(run, "expenditure") / middle(run, "enrolled"))[0] == pytest.approx(850 * 1.06**8, rel=0.01)


def test_only_the_recent_years_count_unless_they_are_too_few() -> None:
    long = fund(20, first=2000)
    assert recent(long).years == tuple(range(2020 - RECENT, 2020))
    assert_allclose(recent(long).values["income"], long.values["income"][-RECENT:])
    gaps = without(long, "income", years=slice(5, 18))  # 2000 to 2004, 2018 and 2019
    kept = recent(gaps)
    assert kept.years[0] == 2004 and kept.count("income") == 3
    assert recent(fund(5)).years == fund(5).years
    # what lies before the window changes nothing
    early = {key: np.array(of) for key, of in long.values.items()}
    early["spending"][:8] *= 3
    changed, same = (adapted(of, load_scenario(TEMPLATE), 1) for of in (table(2000, **early), long))
    assert changed.assumptions == same.assumptions


def test_years_after_the_last_whole_one_are_forecast() -> None:
    series = without(fund(), "spending", years=slice(7, 8))
    assert last_year(series) == 2024
    assert adapted(series, load_scenario(TEMPLATE), 1).first_year == 2025


# ---- as a file --------------------------------------------------------------------------------------------

VOLATILE = {"restless": 0.5, "seed": 4}
EVERY_TABLE = [("volatile", lambda: fund(**VOLATILE)), ("three years", lambda: fund(3)),
               ("steep", lambda: table(2018, **{key: of * 1.25 ** (np.arange(8) if key in ("income", "spending") else 0)
                                                for key, of in fund(money=0.3).values.items() if key != "balance"})),
               ("merging", lambda: table(2018, **{key: of * 1.6 ** np.arange(8) for key, of in fund().values.items()
                                                  if key != "balance"})),
               ("nrcms", lambda: load_series("national_nrcms")), ("national", lambda: load_series("national_resident"))]


@pytest.mark.parametrize("series", [of for _, of in EVERY_TABLE], ids=[name for name, _ in EVERY_TABLE])
def test_every_scenario_of_a_table_is_a_valid_file_with_the_same_numbers(series) -> None:
    scenario = adapted(series(), load_scenario(TEMPLATE), 3)
    assert not check_scenario(scenario, "own")
    again = parse_scenario(as_file(scenario), "own_fund.yaml")
    assert again.text() == scenario.text()
    run, same = (simulate(of, 16, engine="table") for of in (again, scenario))
    assert run.fingerprint == same.fingerprint
    for name in ("income", "expenditure", "balance_end"):
        assert np.isfinite(run.data[name].values).all()


def test_the_command_writes_the_scenario_and_what_it_took(tmp_path, capsys) -> None:
    series, out = tmp_path / "我县.csv", tmp_path / "own.yaml"
    rows = zip(*(fund().values[key] for key in ("enrolment", "income", "spending", "stays")), strict=True)
    series.write_text("年份,参保人数,基金收入,基金支出,住院人次\n" + "\n".join(
        f"{2018 + n}," + ",".join(f"{value:.6f}" for value in row) for n, row in enumerate(rows)), encoding="utf-8")
    asked = ["calibrate", TEMPLATE, "--series", str(series), "--years", "2", "--json", "--out", str(out)]
    assert main(asked) == 0
    told = json.loads(capsys.readouterr().out)
    scenario = parse_scenario(out.read_text(encoding="utf-8"), "own.yaml")
    assert told["first_year"] == scenario.first_year == 2026 and scenario.years == 2
    assert [row["name"] for row in told["assumptions"]] == [row["name"] for row in from_table(scenario)]
    assert "我县" in scenario.title.zh and scenario.documents[TABLE].title == "我县"
    for language in LANGUAGES:
        assert main([*(word for word in asked if word != "--json"), "--lang", language]) == 0
        head, *lines = capsys.readouterr().out.splitlines()
        assert {"zh": "假设", "en": "Assumption"}[language] in head and " 5 %" in head and " 95 %" in head
        assert all(row["title"][language] in "\n".join(lines) for row in told["assumptions"])
        assert not re.search(r"[{}_]|\d\.\d{8}", "\n".join(lines))
    assert main(["validate", str(out)]) == 0
    for wrong in (["--years", "0"], ["--years", "many"], ["--out", str(tmp_path / "none" / "own.yaml")]):
        capsys.readouterr()
        assert main([*asked, *wrong]) == 2
        assert "Traceback" not in capsys.readouterr().err
