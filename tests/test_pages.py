"""The pages beside the first and their frames: standards, counties, settlement, methods; and the reference."""

import io
import re
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from report import diagrams
from report.sheets import csv
from report.studies import groups
from report.tables import Drawn
from report.text import phrases, plain
from simulation import load_scenario, reference, simulate
from simulation.measures import along, by_area, settlement, spending_by_tier
from simulation.scenario import Change
from simulation.scorecard import measured, scorecard, standards
from simulation.terms import LANGUAGES, UNITS, Source
from ui import counties, declared, ledger, runs, scores, studies
from ui.view import scenario_of, view_of

ROOT = Path(__file__).resolve().parent.parent
NEW = ("standards", "areas", "account", "methods")
OLD, CITY, AIMED = "benxi_2008", "city_pooling_2012", "primary_standards_2025"
DRAWS = 64
HAN = "[\u4e00-\u9fff]"


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """Pages run a handful of draws here."""
    for name in ("QUICK", "STABLE", "FEWEST"):
        monkeypatch.setattr(runs, name, DRAWS)
    monkeypatch.setattr(studies, "MOST", DRAWS)


@pytest.fixture(scope="module")
def aimed():
    return studies.study(view_of(AIMED), DRAWS)


@pytest.fixture(scope="module")
def city():
    return studies.study(view_of(CITY), DRAWS)


@pytest.fixture(scope="module")
def ways():
    return studies.compared(view_of(CITY), DRAWS)


# --- the reference ----------------------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
def test_the_written_reference_is_the_one_the_declarations_give(language):
    written = (reference.DOCS / reference.FILES[language]).read_text(encoding="utf-8")
    assert written == reference.markdown(language), "write it anew: python -m simulation.reference"


def test_every_lever_and_assumption_is_described_in_both_languages():
    for kind in reference.KINDS:
        for row in reference.rows(kind):
            for language in LANGUAGES:
                told = reference.described(row, language)
                assert set(told) == set(reference.HEADS)
                assert all(told[name] for name in ("title", "name", "unit", "bounds", "acts", "help"))
                assert language == "zh" or not re.search(HAN, "".join(told.values()).replace(row.term.help.en, ""))
            assert row.term.unit in UNITS


def test_the_pages_and_the_reference_name_the_parts_alike():
    for section, title in reference.TITLES.items():
        assert (title.zh, title.en) == tuple(phrases(language)[f"section.{section}"] for language in ("zh", "en"))


# --- standards --------------------------------------------------------------------------------------

def test_what_a_standard_rests_on_is_what_the_model_makes_of_it():
    result = simulate(AIMED, DRAWS)
    for item in standards().standards:
        draws, basis = measured(result, item.measure), scores.basis(item.measure)
        alike = (draws == draws[:1]).all()
        assert alike if basis == "rule" else not alike, item.id
    assert {scores.basis(item.measure) for item in standards().standards} == set(scores.BASES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_grid_draws_every_cell_of_the_scorecard_with_a_mark_and_a_figure(aimed, language):
    drawn = scores.sheet(aimed, load_scenario(AIMED), language)
    model = scorecard(simulate(AIMED, DRAWS))
    assert sorted(drawn.frame["met"]) == sorted(model["met"])
    assert set(drawn.heads) == set(drawn.frame.columns)
    heads = {basis: phrases(language)[f"standards.basis.{basis}"] for basis in scores.BASES}
    figure = diagrams.grid(drawn, "title", {name: name for name in diagrams.STATES}, heads)
    heat = figure.data[0]
    place = {row: n for n, row in enumerate(heat.y)}
    for item in drawn.frame.itertuples():
        text = heat.text[place[diagrams.lined(item.title)]][list(heat.x).index(item.year)]
        assert text == f"{diagrams.STATES[item.state][0]}<br>{100 * item.met:.0f}"
    marks = {mark for mark, _ in diagrams.STATES.values()}
    assert len(marks) == len(diagrams.STATES) == len({colour for _, colour in diagrams.STATES.values()})
    assert [f"<b>{head}</b>" in heat.y for head in heads.values()] == [True] * len(heads)


def test_a_standard_is_met_missed_or_open():
    assert [scores.state(met) for met in (1, 0.95, 0.94, 0.06, 0.05, 0)] == [
        "met", "met", "open", "open", "missed", "missed"]


def test_where_no_status_is_told_apart_the_poor_pay_as_everyone():
    assert (measured(simulate("national_resident_2018", DRAWS), "poor_contribution") > 100).all()


def test_the_poor_join_free_only_where_none_of_them_pays():
    scenario = load_scenario(AIMED)
    asked = scenario.changed([Change(lever="financing.contribution.senior.low_income", year=2026, value=400,
                                     source=Source(status="assumption"))])
    free = [measured(simulate(of, DRAWS), "poor_contribution")[:, -1].tolist() for of in (scenario, asked)]
    assert free == [[0.0] * DRAWS, [480.0] * DRAWS]  # 10 yuan a year more, from 2027 to 2034


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_scorecard_of_a_year_holds_each_standard_in_force_once(aimed, language):
    table = scores.in_year(aimed, load_scenario(AIMED), 2030, language).frame
    assert len(table) == (aimed.scorecard["year"] == 2030).sum() == table["title"].nunique()
    assert table.notna().all(axis=None)
    drawn = scores.sheet(aimed, load_scenario(AIMED), language)
    assert drawn.frame["state"].isin(["met", "open", "missed"]).all()
    filed = read_csv(csv(scores.in_words(drawn, language)))
    assert len(filed) == len(aimed.scorecard) and "told" not in filed


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_scenario_does_not_set_is_neither_met_nor_missed(language):
    name = "urrbmi_county_2026"
    found, scenario = studies.study(view_of(name), DRAWS), load_scenario(name)
    drawn, table = scores.sheet(found, scenario, language), scores.in_year(found, scenario, 2030, language).frame
    unset = drawn.frame[drawn.frame["state"] == "unset"]
    assert set(unset["title"]) == {item.title.model_dump()[language] for item in standards().standards
                                   if item.measure in set(scores.LEVERS) - {"poor_contribution"}
                                   and item.title.model_dump()[language] in set(drawn.frame["title"])}
    assert drawn.frame["met"].isna().equals(drawn.frame["state"] == "unset")
    assert set(table[table["met"] == scores.NONE]["title"]) == set(unset[unset["year"] == 2030]["title"])
    cells = diagrams.grid(drawn, "", {state: state for state in diagrams.STATES}, {"rule": "rule"}).data[0].text
    assert {cell for row in cells for cell in row} >= {"—"}
    bonus = Change(lever="contracts.rate_bonus", year=2030, value=0.05, source=Source(status="assumption"))
    assert scores.is_set(scenario.changed([bonus]), "contracted_rate_bonus")


def test_defaults_are_told_from_what_a_scenario_states():
    assert scores.defaults(load_scenario(OLD)) > scores.defaults(load_scenario(AIMED)) == 0


def read_csv(content):
    assert content.startswith(b"\xef\xbb\xbf")
    return pd.read_csv(io.BytesIO(content), encoding="utf-8-sig")


# --- counties ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
def test_transfers_are_drawn_as_the_model_gives_them(city, language):
    scenario = load_scenario(CITY)
    drawn, names, unit = counties.transfers(city, scenario, language)
    divisor = {"亿元": 1e8, "万元": 1e4, "million yuan": 1e6, "billion yuan": 1e9}[unit]
    figure = diagrams.around_zero(drawn, "title", names, unit)
    assert len(names) == len(scenario.axes.area) == len(figure.data)
    for area, trace in zip(names, figure.data, strict=True):
        of_area = city.counties[city.counties["area"] == area].sort_values("year")["transfer"]
        assert list(trace.y) == drawn.frame[area].tolist() == pytest.approx((of_area / divisor).tolist())
    assert len({(trace.marker.color, trace.marker.pattern.shape) for trace in figure.data}) == len(names)


def test_ways_of_pooling_differ_in_nothing_else(ways):
    assert set(ways["method"]) == set(studies.METHODS)
    by_way = {name: part.set_index(["year", "area"]) for name, part in ways.groupby("method")}
    for name in ("enrolled", "expenditure"):
        for other in ("adjustment", "full"):
            assert by_way["separate"][name].tolist() == pytest.approx(by_way[other][name].tolist())
    assert by_way["separate"]["transfer"].abs().max() == 0
    assert (by_way["full"].groupby("year")["p_deficit"].nunique() == 1).all()
    assert by_way["full"].groupby("year")["transfer"].sum().abs().max() < 1
    assert (ways["p_deficit_se"] > 0).all()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_comparison_is_drawn_and_filed_as_it_is(ways, language):
    scenario = load_scenario(CITY)
    table = counties.sheet(ways, scenario, language, 2020)
    names = {name: phrases(language)[f"choice.{name}"] for name in studies.METHODS}
    figure = diagrams.side_by_side(table, "title", names, "p_deficit", "p_deficit_se")
    for name, trace in zip(studies.METHODS, figure.data, strict=True):
        part = ways[(ways["method"] == name) & (ways["year"] == 2020)]
        assert list(trace.x) == part["p_deficit"].tolist()
        assert list(trace.error_x.array) == part["p_deficit_se"].tolist()
    assert len({trace.marker.pattern.shape for trace in figure.data}) == len(names)
    assert set(counties.SHOWN) < set(table.frame.columns)
    filed = read_csv(csv(counties.sheet(ways, scenario, language)))
    assert len(filed) == len(ways) and filed.notna().all(axis=None)


# --- the settlement ---------------------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("everything", [False, True])
def test_the_settlement_adds_up_in_its_own_unit(city, language, everything):
    for area, settled in city.settlements.items():
        account = ledger.sheet(settled, language, everything).frame.set_index("item")
        years = [name for name in account.columns if isinstance(name, int)]
        for total in ("income", "expenditure"):
            part = account[account["section"] == account.loc[total, "section"]].drop(index=total)
            whole = account.loc[total, years].tolist()
            assert part[years].sum().tolist() == pytest.approx(whole, rel=1e-6), (area, total)
        moved = account.loc["transfer", years] if "transfer" in account.index else 0
        assert (account.loc["income", years] - account.loc["expenditure", years] + moved).tolist() == pytest.approx(
            account.loc["surplus", years].tolist(), rel=1e-6, abs=1e-3)
        divisor = {"zh": 1e4, "en": 1e6}[language]
        plain_yuan = settled.set_index("item").loc["income", years]
        assert account.loc["income", years].tolist() == pytest.approx((plain_yuan / divisor).tolist())
        assert account.loc["surplus_ratio", "unit"] == "%"


def test_a_county_s_balance_runs_on_from_year_to_year_with_what_is_redistributed():
    city = simulate("city_pooling_2012", DRAWS)
    for area in [None, *city.data["area"].values[1:]]:
        settled = settlement(city, area).set_index("item").select_dtypes("number").T
        end, begin = settled["balance_end"].to_numpy(), settled["opening_balance"].to_numpy()
        moved = settled["redistributed"].to_numpy()
        assert begin[1:] == pytest.approx(end[:-1] + moved[1:])
        assert begin + settled["surplus"].to_numpy() == pytest.approx(end)
        assert (np.abs(moved).max() > 1e-3 * end.max()) == (area is not None)


def test_counties_and_members_of_an_axis_are_told_as_their_draws_are():
    """Means, chances and quantiles reckoned again from the draws of one year and one county or group."""
    city = simulate("city_pooling_2012", DRAWS)
    told = by_area(city, ("enrolled", "surplus")).set_index(["year", "area"])
    area, year = city.data["area"].values[-1], int(city.data["year"].values[-1])
    one = city.data.sel(area=area, year=year)
    surplus, end = one["surplus"].values, one["balance_end"].values
    assert told.loc[(year, area)].to_dict() == pytest.approx({
        "enrolled": one["enrolled"].values.mean(), "surplus": surplus.mean(),
        "p_deficit": np.mean(surplus < 0), "p_insolvent": np.mean(end < 0)})
    assert {*told["p_deficit"]} - {0, 1} and (told["p_deficit"] != told["p_insolvent"]).any()
    group = city.data["group"].values[0]
    draws = city.data["out_of_pocket_by_group"].isel(area=0).sel(year=year, group=group).values
    row = along(city, "out_of_pocket_by_group").set_index(["year", "group"]).loc[(year, group)]
    assert row.to_dict() == pytest.approx({"mean": draws.mean()} | {
        f"p{level:02d}": np.percentile(draws, level) for level in (5, 50, 95)})


def test_spending_by_tier_is_what_the_settlement_pays_for_benefits():
    budget = load_scenario("urrbmi_county_2026").changed([Change(
        lever=f"payment.method.{way}", year=2026, value=part, source=Source(status="assumption"))
        for way, part in (("fee_for_service", 0), ("global_budget", 1))])
    result = simulate(budget, DRAWS)
    settled = settlement(result).set_index("item").select_dtypes("number")
    by_tier = spending_by_tier(result).pivot(index="year", columns="tier", values="amount")
    for item, kinds in (("paid_inpatient", list(result.data["tier"].values)), ("paid_chronic", ["chronic"]),
                        ("paid_outpatient", ["outpatient"])):
        assert by_tier[kinds].sum(axis=1).to_numpy() == pytest.approx(settled.loc[item].to_numpy())


def test_items_that_are_nothing_are_left_out_until_asked_for():
    settled = settlement(simulate(OLD, DRAWS))
    few, whole = (ledger.sheet(settled, "zh", everything).frame for everything in (False, True))
    assert len(few) < len(whole) == len(settled)
    assert "premium" not in set(few["item"]) and set(ledger.TOTALS) < set(few["item"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_settlement_in_files_is_the_one_on_the_screen(city, language):
    account = ledger.sheet(city.settlements[CITY], language, everything=False)
    years = [name for name in account.frame.columns if isinstance(name, int)]
    filed = read_csv(csv(ledger.filed(account)))
    assert filed[[str(year) for year in years]].to_numpy() == pytest.approx(account.frame[years].to_numpy())
    sheet = openpyxl.load_workbook(io.BytesIO(ledger.workbook(account, ["=note"]))).active
    rows = {row[0].value: row for row in sheet.iter_rows()}
    for item in account.frame.to_dict("records"):
        assert item["title"] != item["section"]
        row = rows[item["title"]]
        assert [cell.value for cell in row[2:]] == pytest.approx([item[year] for year in years])
        assert row[0].font.bold == (item["item"] in ledger.TOTALS)
    assert "'=note" in rows and not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    shown = ledger.printed(account, language)
    titles = account.frame.apply(lambda item: ledger.titled(item, language), axis=1)
    under = titles.groupby(account.frame["section"], sort=False).apply(list)
    assert set(ledger.widths(account, language)) == set(shown.data.columns)
    assert titles[account.frame["item"] == "take_up"].iloc[0].endswith({"zh": "（%）", "en": " (%)"}[language])
    assert shown.data.iloc[:, 0].tolist() == [name for section, titles in under.items() for name in (section, *titles)]
    html = shown.to_html()
    assert "font-weight: 700" in html
    for item in account.frame.to_dict("records"):
        assert ledger.number(item[years[-1]], item["digits"]) in html


@pytest.mark.parametrize("section", ["income", "expenditure"])
def test_the_bars_of_the_settlement_add_up_to_its_totals(city, section):
    settled = city.settlements[CITY]
    drawn, items, _ = ledger.flows(settled, section, "en")
    years = drawn.frame["year"].tolist()
    total = settled.set_index("item").loc[section, years] / 1e6
    assert drawn.frame[list(items)].sum(axis=1).tolist() == pytest.approx(total.tolist(), rel=1e-6)


def test_people_bear_what_the_model_says():
    result = simulate(OLD, DRAWS)
    frame = groups(result).set_index(["year", "group"])
    paid = result.data["out_of_pocket_by_group"].mean("draw").isel(area=0)
    people = result.data["insured_by_group"].mean("draw").isel(area=0)
    year, group = 2010, result.scenario.axes.names["group"][0]
    expected = float(paid.sel(year=year, group=group) / people.sel(year=year, group=group))
    assert frame.loc[(year, group), "out_of_pocket"] == pytest.approx(expected)
    assert frame["catastrophic"].between(0, 1).all()


# --- methods ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [OLD, CITY])
def test_every_lever_and_assumption_has_its_clause_on_the_page(name, language):
    scenario = load_scenario(name)
    levers = declared.levers(scenario, scenario.first_year, language)
    assert levers.frame["name"].tolist() == [row.name for row in reference.rows("lever")]
    assert (levers.frame["clause"].str.len() > 3).all() and set(levers.heads) == set(levers.frame.columns)
    found = declared.assumptions(scenario, language)
    assert {name.rsplit(".", 0)[0].split(".")[1] for name in found.frame["name"]} >= {
        row.name.split(".")[1] for row in reference.rows("assumption")}
    kinds = {text[language] for text in reference.STATUSES.values()}
    assert set(found.frame["status"]) <= kinds and set(found.heads) == set(found.frame.columns)
    counts = declared.statuses(scenario, scenario.first_year, language).frame
    assert counts["whole"].tolist()[::2] == [len(reference.rows(kind)) for kind in reference.KINDS]
    assert counts.drop(columns=["kind", "whole"]).sum(axis=1).tolist() == counts["whole"].tolist()


def test_an_edit_is_an_assumption_of_its_own():
    edited = scenario_of(view_of(OLD, edits=[("benefits.ceiling", 40000)]))
    before, after = (declared.statuses(scenario, 2008, "en").frame.iloc[0] for scenario in (load_scenario(OLD), edited))
    assert (after["law"], after["assumption"]) == (before["law"] - 1, before["assumption"] + 1)


# --- the pages --------------------------------------------------------------------------------------

def page(name, scenario, language="zh"):
    """A page at a link."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.query_params["scenario"], at.query_params["lang"] = scenario, language
    return at.switch_page(f"ui/pages/{name}.py").run()


def words_of(at):
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "button", "toggle")
    return [getattr(element, "label", "") + str(getattr(element, "value", ""))
            for kind in kinds for element in at.main.get(kind)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "scenario", "charts"), [
    ("standards", AIMED, 1), ("areas", CITY, 4), ("account", CITY, 5), ("account", OLD, 5), ("methods", AIMED, 0)])
def test_every_page_opens_in_every_language(name, scenario, charts, language):
    at = page(name, scenario, language)
    assert not at.exception and not at.warning
    assert at.title[0].value == phrases(language)[f"page.{name}"]
    assert at.query_params["scenario"] == scenario and at.query_params["lang"] == language
    found = at.get("plotly_chart")
    assert len(found) == charts and all(chart.proto.alt for chart in found)
    assert at.selectbox(key="scenario")  # the sidebar is there, so the rules can be changed from here too
    said = words_of(at)
    assert not [text for text in said if any(key in text for key in phrases(language) if key.startswith(f"{name}."))]
    if language == "en":
        documents = [plain(standards().document.title)]
        assert not [text for text in said if re.search(HAN, text) and not any(title in text for title in documents)]


@pytest.mark.parametrize(("name", "opens"), [("areas", CITY), ("standards", AIMED)])
def test_where_a_page_has_nothing_to_show_it_says_so_and_opens_a_scenario_that_has(name, opens):
    at = page(name, OLD)
    assert len(at.info) == 1 and not at.get("plotly_chart") and not at.exception
    at.button(key=f"open_{name}").click().run()
    assert at.query_params["scenario"] == opens
    assert not at.info and at.get("plotly_chart")


def test_a_year_and_a_county_can_be_chosen():
    at = page("areas", CITY)
    before = at.main.markdown[2].value
    at.selectbox(key=f"areas.year.{CITY}").select(2014).run()
    assert at.main.markdown[2].value != before and not at.exception
    at = page("account", CITY)
    whole = at.dataframe[0].value
    at.selectbox(key=f"account.area.{CITY}").select("area_b").run()
    assert not at.dataframe[0].value.equals(whole)
    few = len(at.dataframe[0].value)
    at.toggle(key="account.everything").set_value(True).run()
    assert len(at.dataframe[0].value) > few


def test_a_frame_of_words_can_be_a_file():
    drawn = Drawn(pd.DataFrame({"a": ["=1", "x"]}), {"a": "A"})
    assert read_csv(csv(drawn))["A"].tolist() == ["'=1", "x"]
