"""The page of people: the family calculator, winners and losers, what people bear, and what made a bad future."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from report.studies import burden_of
from report.text import phrases
from simulation import load_scenario, settle, simulate
from simulation.futures import differences
from simulation.household import read_bills
from simulation.incidence import incidence
from simulation.loading import library
from simulation.scenario import Change, LocalRule, clause
from simulation.terms import LANGUAGES, BadInput, Source
from tests.coarse import coarse
from tests.screen import app, few_draws, words_of
from ui import family, futures, runs
from ui import incidence as gains
from ui.view import known, scenario_of, view_of

FEW = 256  # draws: what is compared does not depend on how many there are
COUNTY, TOWN = "urrbmi_county_2026", "benxi_2008"
EXAMPLE = f"family.example.{COUNTY}"
RATE = "benefits.rate.inpatient.senior.county"
HAN = "[\u4e00-\u9fff]"
TESTED = Source(status="assumption")

fewer_histories = pytest.fixture(scope="module", autouse=True)(coarse)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few draws, at rest as in motion."""
    few_draws(monkeypatch, FEW)


def page(language="zh", part=None, scenario=COUNTY, **query):
    """The page at a link, and one of its parts."""
    at = app(language, scenario=scenario, **query).switch_page("ui/pages/people.py").run(timeout=120)
    return at.get_by_key("people.part").set_value(part).run(timeout=120) if part else at


def said_by(at):
    """The words of a page as they stand before Markdown."""
    return " ".join(words_of(at)).replace("\\", "")


def typed(persons, bills):
    """Two tables as a reader would have typed them."""
    return family.tables([family.PERSON | row for row in persons], [family.BILL | row for row in bills])


ADULT = {"group": "adult", "status": "ordinary"}
STAY = {"person": 1, "kind": "inpatient", "tier": "level_1", "expense": 3000.0, "eligible": 2200.0}


# --- the family calculator ----------------------------------------------------------------------------

def test_a_typed_family_is_settled_as_the_model_settles_each_person():
    base = load_scenario(TOWN)
    persons, bills = typed([ADULT | {"name": "甲"}, ADULT | {"group": "child"}],
                           [STAY, STAY | {"person": 2, "eligible": None}, STAY | {"tier": "level_2"}])
    now = family.settled(family.family_of(persons, bills, base, 2008, "en"), base, 2008)
    alone = settle(base, {"person": ADULT, "bills": [{name: value for name, value in bill.items() if name != "person"}
                                                     for bill in (STAY, STAY | {"tier": "level_2"})]})
    assert now.years[0]["year"] == alone["year"] and now.family.names == ("甲", "Person 2")
    assert now.family.contribution == (255.0, 40.0)
    drawn = family.totals(now, None, "en")
    parts = drawn.frame[list(family.LAYERS)].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(drawn.frame["expense"].to_numpy())
    assert drawn.frame["expense"].iloc[-1] == 9000 and drawn.frame["contribution"].iloc[-1] == 295
    each = family.per_bill(now, None, base, "en").frame
    assert each["expense"].sum() == 9000 and len(each) == 3
    assert set(drawn.heads) == set(drawn.frame.columns)


def test_the_contribution_is_that_of_the_year_with_its_rises_and_of_the_county():
    base = load_scenario(COUNTY)
    rising = base.changed([Change(lever="financing.contribution_step", year=2026, value=20, source=TESTED)])
    paid = [family.family_of(*typed([ADULT], []), rising, year, "en").contribution[0] for year in (2026, 2030)]
    assert paid[1] == paid[0] + 4 * 20
    city = load_scenario("city_pooling_2012")
    own = LocalRule(area="area_a", lever="financing.contribution.adult.ordinary", value=90, source=TESTED)
    city = city.model_copy(update={"local_rules": (own,)})
    paid = family.family_of(*typed([ADULT, ADULT | {"area": "area_a"}], []), city, 2012, "en").contribution
    assert paid[1] == 90 != paid[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_stands_with_its_clause(language):
    base = load_scenario(TOWN)
    now = family.settled(family.family_of(*typed([ADULT], [STAY]), base, 2008, language), base, 2008)
    frame = family.steps(now, base, language).frame
    steps = now.years[0]["bills"][0]["steps"]
    assert frame["amount"].tolist() == [step["amount"] for step in steps]
    assert clause(base, base.policy.benefits.rate.source, language) in frame["clause"].tolist()
    assert (frame["clause"].str.len() > 4).all()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("bill, word", [
    ({"expense": None}, {"zh": "缺少总费用", "en": "has no bill"}),
    ({"eligible": 4000.0}, {"zh": "大于总费用", "en": "more than the expense"}),
    ({"expense": -1.0}, {"zh": "不小于 0", "en": "at least 0"}),
    ({"person": 3}, {"zh": "没有第 3 人", "en": "no person 3"}),
    ({"tier": "moon"}, {"zh": "没有“moon”", "en": "no 'moon'"}),
    ({"kind": None, "tier": None}, {"zh": "缺少类别、医疗机构", "en": "has no kind, provider"}),
])
def test_a_row_that_cannot_be_used_is_named_with_its_remedy(bill, word, language):
    base = load_scenario(TOWN)
    with pytest.raises(BadInput) as bad:
        family.family_of(*typed([ADULT], [STAY, STAY | bill]), base, 2008, language)
    sentence, = [fault.sentence(language) for fault in bad.value.faults]
    assert word[language] in sentence and {"zh": "费用第 2 行", "en": "Bills, row 2"}[language] in sentence


def test_empty_rows_are_no_fault_and_too_many_are():
    base = load_scenario(TOWN)
    assert len(family.family_of(*typed([ADULT, {}], [{}, STAY, {}]), base, 2008, "en").bills[0].bills) == 1
    for persons, bills in (([], []), ([ADULT] * (family.PERSONS + 1), []), ([ADULT], [STAY] * (family.BILLS + 1))):
        with pytest.raises(BadInput):
            family.family_of(*typed(persons, bills), base, 2008, "en")


@pytest.mark.parametrize("name", library())
def test_every_ready_made_family_can_be_settled_in_every_scenario(name):
    base = load_scenario(name)
    for example, told in family.examples().items():
        for language in LANGUAGES:
            persons, bills = family.example(example, base, base.first_year, language)
            found = family.family_of(persons, bills, base, base.first_year, language)
            now = family.settled(found, base, base.first_year)
            assert len(now.years) == len(told["persons"])
            assert (language == "en") != bool(re.search(HAN, "".join(found.names)))
            assert {"zh", "en"} == set(told["title"])
    paid = family.contributions(base, base.first_year)
    aided = family.family_of(*family.example("aided", base, base.first_year, "en"), base, base.first_year, "en")
    assert aided.contribution[0] == paid.loc[aided.bills[0].person.group].min()


def test_a_file_is_the_command_line_s_and_comes_back(tmp_path):
    base = load_scenario(COUNTY)
    found = family.family_of(*family.example("generations", base, 2026, "zh"), base, 2026, "zh")
    for one in found.bills:
        path = tmp_path / "bills.yaml"
        path.write_text(family.to_file(one), encoding="utf-8")
        assert read_bills(base, path) == one == family.from_file(path.read_bytes(), "bills.yaml", base)
    persons, bills = family.added(*typed([ADULT], [STAY | {"tier": "county"}]), found.bills[0])
    again = family.family_of(persons, bills, base, 2026, "zh")
    assert again.bills[1] == found.bills[0] and len(again.bills[0].bills) == 1
    full = typed([ADULT] * family.PERSONS, [])
    with pytest.raises(BadInput):
        family.added(*full, found.bills[0])


@pytest.mark.parametrize("content", [
    b"\xff\xfe", b"- 1", b"person: {group: adult}\nbills: [{kind: inpatient, tier: moon, expense: 1}]",
    b"person: {group: adult}\nperson: {group: adult}\nbills: []", b"!!python/object/apply:os.system [ls]",
    b"x" * 300_000, b"person: {group: adult}\nbills: [" + b"{kind: inpatient, tier: county, expense: 1}," * 101 + b"]",
])
def test_a_file_that_is_not_bills_is_refused(content):
    with pytest.raises(BadInput):
        family.from_file(content, "bills.yaml", load_scenario(COUNTY))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_calculator_shows_the_family_beside_the_rules_before(language):
    at = page(language, **{RATE: "0.85"})
    assert not at.exception and not at.warning
    view = at.session_state["view"]
    found = [family.settled(family.family_of(*family.example(family.FIRST, base, 2026, language), base, 2026, language),
                            base, 2026) for base in (scenario_of(view), known(COUNTY))]
    assert family.sentence(*found, 2026, language) in said_by(at)
    change = family.totals(*found, language).frame["change"]
    assert f"{-change.iloc[-1]:,.2f}" in family.sentence(*found, 2026, language)
    assert change.tolist() == [family.cents(yuan) for yuan in change] and change.iloc[-1] < 0
    borne = [sum(one["year"]["out_of_pocket"] for one in each.years) for each in found]
    assert borne[0] < borne[1]
    assert language == "zh" or not re.search(HAN, said_by(at).replace("中文", ""))


def test_a_chosen_example_takes_the_place_of_what_was_typed():
    at = page("en")
    at.selectbox(key=EXAMPLE).set_value("grave").run(timeout=120)
    assert not at.exception and "Patient" in str(at.dataframe[0].value.to_dict())


def test_a_fault_of_a_file_is_said_while_the_file_is_there():
    at = page("en")
    at.file_uploader(key="family.upload").upload("bad.yaml", b"a: 1", "application/yaml").run(timeout=120)
    assert at.warning and not at.exception
    at.selectbox(key=EXAMPLE).set_value("grave").run(timeout=120)
    assert not at.warning
    at.file_uploader(key="family.upload").upload("worse.yaml", b"b: 1", "application/yaml").run(timeout=120)
    assert at.warning
    at.switch_page("ui/pages/methods.py").run(timeout=120)
    at.switch_page("ui/pages/people.py").run(timeout=120)
    assert not at.warning


def test_the_ready_made_family_named_is_the_one_in_the_tables_of_the_scenario():
    at = page("en")
    at.selectbox(key=EXAMPLE).set_value("grave").run(timeout=120)
    at.selectbox(key="scenario").set_value("benxi_2008").run(timeout=120)
    [box] = [box for box in at.selectbox if box.key.startswith("family.example")]
    assert not at.exception and box.value is None
    at.selectbox(key="scenario").set_value(COUNTY).run(timeout=120)
    assert "Patient" in str(at.dataframe[0].value.to_dict())


def test_a_bad_row_on_the_page_is_one_sentence_and_loses_nothing():
    at = page("en")
    version, persons, bills, *_ = at.session_state["family.kept"][f"family.{COUNTY}"]
    worse = bills.assign(eligible=bills["expense"] + 1)
    at.session_state["family.kept"] = {f"family.{COUNTY}": (version + 1, persons, worse, persons, worse)}
    at.run(timeout=120)
    assert not at.exception and "Bills, row 1" in at.warning[0].value
    pd.testing.assert_frame_equal(at.session_state["family.kept"][f"family.{COUNTY}"][4], worse)


# --- winners and losers --------------------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_who_gains_as_the_model_finds(language):
    at = page(language, "winners", **{RATE: "0.85"})
    assert not at.exception
    view = view_of(COUNTY, edits=[(RATE, 0.85)])
    found = incidence(known(COUNTY), scenario_of(view), 2026, draws=gains.DRAWS, seed=runs.SEED)
    for sentence in gains.sentences(found, known(COUNTY), language):
        assert sentence in said_by(at)
    drawn = gains.winners(found, known(COUNTY), language)
    assert set(drawn.heads) == set(drawn.frame.columns) and len(drawn.frame) == len(found.winners)
    told = gains.compact(drawn, language)
    assert told.shape == (len(drawn.frame), 6) and told.columns[-1] == phrases(language)["people.brief.catastrophic"]
    first = drawn.frame.iloc[0]
    for name, form in (("out_of_pocket", "{:,.1f}"), ("contribution", "{:,.1f}"), ("catastrophic", "{:.2%}")):
        assert told[phrases(language)[f"people.brief.{name}"]][0] == " → ".join(
            form.format(first[f"{name}_{when}"]) for when in ("before", "after"))
    assert any(list(told.columns) == list(table.value.columns) for table in at.table)  # whole, without scrolling
    figure = gains.winners_figure(drawn, language)
    assert np.sum([trace.x for trace in figure.data], axis=0) == pytest.approx(1.0)
    assert len({trace.marker.pattern.shape for trace in figure.data}) == 3
    assert language == "zh" or not re.search(HAN, said_by(at).replace("中文", ""))


def test_without_an_edit_the_page_asks_for_one_and_shows_who_receives_what():
    at = page("en", "winners")
    assert not at.exception and any("No edit yet" in info.value for info in at.info)
    assert len(at.get("plotly_chart")) == 1
    found = incidence(known(COUNTY), known(COUNTY), draws=64)
    drawn = gains.received(found, known(COUNTY), "en")
    for name in ("fund_share", "contribution_share"):
        assert drawn.frame[name].iloc[:-1].sum() == pytest.approx(1.0) == drawn.frame[name].iloc[-1]
    assert gains.sentences(found, known(COUNTY), "en") == ["In 2026 nobody's burden changes by more than 5 yuan."]


# --- over the years ------------------------------------------------------------------------------------

@pytest.mark.parametrize("scenario", [COUNTY, TOWN])
def test_what_people_bear_is_what_the_run_holds(scenario):
    result = simulate(scenario, 64, engine="table")
    found = burden_of(result)
    data = result.data.isel(area=0)
    total = (found.groups["out_of_pocket"].to_numpy().reshape(result.scenario.years, -1)
             * data["insured_by_group"].mean("draw").values).sum(axis=1)
    assert total == pytest.approx(data["out_of_pocket_by_group"].sum("group").mean("draw").values)
    stays = data["stays_by_tier"].mean("draw").values
    left = np.nan_to_num(found.tiers["left"].to_numpy().reshape(stays.shape)) * stays
    assert left == pytest.approx((data["expense_by_tier"] - data["basic_by_tier"]).mean("draw").values)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_draws_each_burden(language):
    at = page(language, "burden")
    assert not at.exception and len(at.get("plotly_chart")) == 3
    assert all(chart.proto.alt for chart in at.get("plotly_chart"))


# --- a bad future --------------------------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
def test_the_chart_of_a_future_is_its_frame(language):
    base = load_scenario(COUNTY)
    story = futures.told(*runs.key(view_of(COUNTY)), FEW, runs.SEED)
    drawn, unit = futures.waterfall(story, 5, base, language)
    figure = futures.waterfall_figure(drawn, unit, 5, language)
    assert list(figure.data[0].x) == drawn.frame["value"].tolist()
    assert drawn.frame["value"].iloc[:-1].sum() == pytest.approx(drawn.frame["value"].iloc[-1])
    assert set(drawn.heads) == set(drawn.frame.columns)
    said = futures.sentences(story, 5, base, language)
    assert len(said) == 5 and (language == "zh") == bool(re.search(HAN, " ".join(said)))
    largest = differences(story, 5).idxmin()
    assert futures.part_name(base, largest, language) in said[3]


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_click_leads_from_the_balance_to_a_bad_future(language):
    at = app(language, scenario=COUNTY, **{RATE: "0.85"})
    at.button(key="people.lead").click().run(timeout=120)
    assert not at.exception
    view = at.session_state["view"]
    assert view == view_of(COUNTY, edits=[(RATE, 0.85)])
    assert at.get_by_key("people.part").value == "future" and at.slider(key="people.percentile").value == 5
    story = futures.told(*runs.key(view), FEW, runs.SEED)
    for sentence in futures.sentences(story, 5, scenario_of(view), language):
        assert sentence in said_by(at)
    at.slider(key="people.percentile").set_value(95).run(timeout=120)
    assert futures.sentences(story, 95, scenario_of(view), language)[0] in said_by(at)
    charts = [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]
    assert {trace["type"] for chart in charts for trace in chart["data"]} == {"waterfall", "scatter"}
