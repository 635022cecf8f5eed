"""The track record on the page: what is shown is what the model found, a faulty table says so, nothing is lost."""

import doctest
import importlib
import json
import re

import numpy as np
import pandas as pd
import pytest

from report import diagrams
from report.evidence import titles
from report.inquiry import TESTED
from report.sheets import csv
from report.text import phrases, plain
from simulation import backtest, load_scenario, series
from simulation.backtest import TITLES
from simulation.calibration import Fit, central, read_targets, table_of_assumptions, table_of_targets, table_of_ties
from simulation.loading import parse_scenario
from simulation.published import DATA
from simulation.scoring import GRADES
from simulation.terms import LANGUAGES, BadInput
from tests.frames import handed, names_its_runs  # noqa: F401 - a fixture
from tests.screen import app, words_of
from ui import forecasts, funds, records, runs, tracks
from ui.hands import Hands

HAN = "[\u4e00-\u9fff]"
# A fund of six years that only says what a forecast needs; money goes with people, cost with money.
TABLE = ("年份,参保人数（万人）,基金收入（万元）,基金支出（万元）\n2014,40,15000,14100\n2015,40.5,16500,16000\n"
         "2016,40.2,18300,17400\n2017,40.8,19800,19900\n2018,41,21900,21000\n2019,40.9,23600,23100\n")
FAULTY = "年份,参保人数（人）,基金收入（箱）,基金支出（万元）\n2014,400000,15000,14100\n2014,400000,很多,-3\n"
FEW = 64  # draws: what is compared does not depend on how many there are


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """One short series instead of the bundled ones, few draws, two years ahead."""
    (tmp_path / "county.csv").write_text(TABLE, encoding="utf-8")
    monkeypatch.setattr(series, "FOLDER", tmp_path)
    for module, name, value in ((tracks, "DRAWS", FEW), (tracks, "HORIZON", 2), (tracks, "YEARS", 2),
                                (runs, "QUICK", FEW), (runs, "STABLE", FEW)):
        monkeypatch.setattr(module, name, value)


@pytest.fixture(scope="module")
def record():
    """The record of the short series, as the model gives it."""
    return backtest(series.read_series(TABLE.encode(), "county.csv"), horizon=2, draws=FEW)


def page(language, **state):
    """The page with some of its parts asked for."""
    at = app(language, scenario=None)
    for name, value in state.items():
        at.session_state[name.replace("__", ".")] = value
    return at.switch_page("ui/pages/record.py").run(timeout=120)


@pytest.mark.parametrize("name", ["records", "forecasts"])
def test_examples_in_docstrings_hold(name):
    failed, tried = doctest.testmod(importlib.import_module(f"ui.{name}"))
    assert tried and not failed


PUBLISHED = {path.stem: path for path in sorted((DATA / "series").glob("*.csv"))}


def test_a_scenario_is_held_to_the_fund_nearest_to_it():
    funds = {name: series.load_series(str(path)) for name, path in PUBLISHED.items()}
    assert records.nearest(load_scenario("urrbmi_county_2026"), funds) == (TESTED, 0)  # nothing is published yet
    assert records.nearest(load_scenario("national_nrcms_2005"), funds)[0] == "national_nrcms"
    name, shared = records.nearest(load_scenario("benxi_2008"), funds)
    assert shared == max(len({*range(2008, 2018)} & {*fund.years}) for fund in funds.values())
    assert name == TESTED  # which the brief grades on


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fund_has_the_title_of_a_published_one_by_its_content_alone(monkeypatch, language):
    monkeypatch.setattr(series, "FOLDER", DATA / "series")
    content = PUBLISHED["national_resident"].read_bytes()
    assert records.titled(series.read_series(content, "copy.csv"), language) == titles()["national_resident"][language]
    assert "national_resident" in records.titled(series.read_series(TABLE.encode(), "national_resident.csv"), language)


# --- the page ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_opens_with_its_board_its_charts_and_its_words(language):
    at = page(language)
    assert not at.exception and not at.error
    names, said = phrases(language), words_of(at)
    for head in ("fund", "grades", "fans", "crossed", "fit", "own", "parts", "shape"):
        assert names[f"record.head.{head}"] in said
    charts = at.get("plotly_chart")
    assert len(charts) == 2 and all(chart.proto.alt for chart in charts)
    board = at.table[0].value
    assert len(board) == len(TITLES)
    cells = [str(cell) for table in at.table for cell in [*table.value.columns, *table.value.to_numpy().ravel()]]
    if language == "en":
        assert not [text for text in [*said, *cells] if re.search(HAN, text)]
    else:
        # Beside Chinese only names of files and formats, an abbreviation, the colour of a badge and a hash.
        known = {"SHA", "CRPS", "CSV", "XLSX", "YAML", "county", "badge", "blue", "green", "gray", "red", "orange"}
        labels = [element.label for kind in ("selectbox", "toggle", "expander", "button") for element in at.get(kind)]
        texts = [element.value for kind in ("title", "header", "subheader", "markdown", "caption")
                 for element in at.get(kind)]
        text = re.sub("[0-9a-f]{12}", "", " ".join([*cells, *labels, *texts]))
        assert not set(re.findall("[A-Za-z]{2,}", text)) - known


def test_what_is_asked_for_is_computed_and_can_be_taken_away(handed):  # noqa: F811 - the fixture
    at = page("en", record__ask__own=True, record__ask__parts=True, record__ask__shape=True)
    assert not at.exception and not at.error
    assert len(at.get("plotly_chart")) == 7  # forecasts, reliability, fan, chances, two variances, Lorenz curves
    assert {"record.own_file", "csv.variance_expenditure", "csv.shapes"} <= {
        button.key for button in at.get("download_button")}
    names_its_runs("variance_expenditure", *handed["variance_expenditure"])
    kept = next(answer for key, answer in tracks.shared().items() if key[:1] == ("own",) and key[2] == "county")
    scenario = parse_scenario(kept.text, "own_fund.yaml")
    assert scenario.first_year == 2020 and scenario.horizon() == kept.scenario.horizon()
    assert scenario.assumptions == kept.scenario.assumptions
    assert series.load_series("county").sha256 in kept.text.splitlines()[0]  # where it comes from is in the file
    frame = next(frame.value for frame in at.dataframe if "provenance" in frame.value)
    assert frame["provenance"].str.len().min() > 4


def test_a_funds_own_scenario_is_made_by_a_process_of_its_own(monkeypatch):
    hands, begun = Hands(1, 1), []
    real = hands.alone

    def noted(look, heard, function, *arguments, **named):
        begun.append(function)
        return real(look, heard, function, *arguments, **named)

    monkeypatch.setattr(hands, "alone", noted)
    monkeypatch.setattr(runs, "hands", lambda: [hands])
    monkeypatch.setattr(tracks, "DRAWS", FEW // 2)  # of which no answer is kept
    at = page("en", record__ask__own=True)
    hands.end()
    assert not at.exception and not at.error and set(begun) == {backtest, funds.own}
    assert "record.own_file" in {button.key for button in at.get("download_button")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_faulty_table_shows_every_fault_and_loses_nothing(language):
    at = page(language, record__fund="own")
    assert not at.exception and not at.error and len(at.get("plotly_chart")) == 0
    at.get_by_key("record.upload").upload("mine.csv", FAULTY.encode()).run()
    assert not at.exception and len(at.error) == 1
    with pytest.raises(BadInput) as bad:
        series.read_series(FAULTY.encode(), "mine.csv")
    said = " ".join(element.value for element in at.markdown)
    assert len(bad.value.faults) >= 4
    for fault in bad.value.faults:
        assert all(plain(part) in said for part in (fault.place, fault.what[language], fault.remedy[language]))
    assert at.get_by_key("record.fund").value == "own"
    assert {"record.empty.xlsx", "record.empty.csv"} <= {button.key for button in at.get("download_button")}


def test_a_series_too_short_to_test_says_so_in_a_sentence():
    at = page("en", record__fund="own")
    short = "\n".join(TABLE.splitlines()[:4])
    at.get_by_key("record.upload").upload("short.csv", short.encode()).run(timeout=60)
    assert not at.exception and len(at.error) == 1
    assert any("at least 6 are needed" in element.value for element in at.markdown)


# --- frames and charts --------------------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
def test_the_board_has_a_row_for_each_output_and_the_models_grades(record, language):
    drawn = records.board(record, language)
    judged = record.judged[record.judged["horizon"] == 0].set_index("quantity")
    assert set(judged.index) == {"enrolment", "income", "spending", "surplus", "surplus_ratio"}
    for (name, title), row in zip(TITLES.items(), drawn.frame.itertuples(), strict=True):
        assert row.output == title[language] and GRADES[row.grade][language].startswith(row.meaning)
        if name in judged.index:
            model = judged.loc[name]
            assert (row.grade, row.n, row.cutoffs) == (model["grade"], model["n"], model["cutoffs"])
            assert (row.cover50, row.cover90, row.skill_drift) == (model["cover50"], model["cover90"],
                                                                   model["skill_drift"])
            assert row.bias == 100 * model["bias"]
            told = record.forecasts[(record.forecasts["quantity"] == name) & record.forecasts["error"].notna()]
            assert len(told) == row.n and round(row.above * row.n) == (told["error"] > 0).sum()
        else:
            assert (row.grade, row.n) == ("–", 0) and np.isnan(row.cover90)
    assert set(drawn.heads) == set(drawn.frame.columns)
    assert len(set(drawn.heads.values())) == len(drawn.heads)
    head = csv(drawn).decode("utf-8-sig").splitlines()[0]
    assert all(name in head for name in drawn.heads.values())
    assert len({records.meaning(grade, language) for grade in GRADES}) == len(GRADES)
    by_horizon = records.by_horizon(record, language).frame
    assert len(by_horizon) == (record.judged["horizon"] > 0).sum()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_board_says_which_way_each_output_has_erred_and_by_how_much(record, language):
    judged = record.judged.copy()
    errors = {"enrolment": [0.2] * 5 + [-0.1], "income": [-0.1] * 4 + [0.02, 0.02], "spending": [0.1, -0.1] * 3,
              "surplus": [0.1] * 3, "surplus_ratio": [0.05] * 6}  # the last in points; of three nothing is said
    rows = [(name, 1, 2000 + n, 1.0, 1.0, error) for name, of in errors.items() for n, error in enumerate(of)]
    told = pd.DataFrame(rows, columns=["quantity", "horizon", "cutoff", "actual", "crps", "error"])
    judged["n"] = [len(errors[name]) for name in judged["quantity"]]
    judged["bias"] = [float(np.mean(errors[name])) for name in judged["quantity"]]
    known = record._replace(judged=judged[judged["horizon"] < 2], forecasts=told)
    drawn = records.board(known, language)
    text = records.compact(drawn, language)
    ways, names = phrases(language), {title[language]: name for name, title in TITLES.items()}
    erred = {names[row.iloc[0]]: row.iloc[-1] for _, row in text.iterrows()}
    said = lambda way, count, n, error: ways[f"record.erred.{way}"].format(count=count, n=n, error=error)  # noqa: E731
    assert erred["enrolment"] == said("high", 5, 6, "+15.0%") and erred["income"] == said("low", 2, 6, "−6.0%")
    assert erred["spending"] == said("both", 3, 6, "0.0%") and erred["surplus"] == said("few", 3, 3, "+10.0%")
    assert erred["surplus_ratio"] == said("high", 6, 6, {"zh": "+5.0 个百分点", "en": "+5.0 pp"}[language])
    assert erred["balance"] == "–"
    for way, outputs in (("high", ("enrolment", "surplus_ratio")), ("low", ("income",)), ("both", ("spending",))):
        assert ways[f"record.finding_{way}"].format(outputs=ways["record.comma"].join(
            TITLES[name][language] for name in TITLES if name in outputs)) in records.finding(known, language)
    assert len(text.columns) == 6 and len(records.compact(records.by_horizon(known, language), language)) == 5


@pytest.mark.parametrize("quantity", ["income", "enrolment", "surplus_ratio"])
def test_a_chart_of_forecasts_draws_its_frame_and_the_frame_is_the_models(record, quantity):
    drawn, unit = records.forecasts(record, quantity, "zh")
    times = {"income": 1e4, "enrolment": 1e4, "surplus_ratio": 1}[quantity]
    assert unit == {"income": "万元", "enrolment": "万人", "surplus_ratio": ""}[quantity]
    model = record.forecasts[record.forecasts["quantity"] == quantity].sort_values(["year", "cutoff"])
    told = drawn.frame.dropna(subset=["horizon"]).sort_values(["year", "cutoff"])
    for name in ("actual", "p05", "p25", "p50", "p75", "p95"):
        assert (told[name] * times).to_numpy() == pytest.approx(model[name].to_numpy())
    assert drawn.frame["year"].min() == 2014  # years that nobody forecast are there, too
    words = {name: name for name in ("actual", "p50", "half", "nine", "cutoff")}
    figure = forecasts.intervals(drawn, "title", words, {1: "one", 2: "two"}, ".1%")
    for horizon, name in ((1, "one"), (2, "two")):
        part = drawn.frame[drawn.frame["horizon"] == horizon]
        line = next(trace for trace in figure.data if trace.name == name)
        assert list(line.y) == part["p50"].tolist()
        assert list(line.error_y.array) == pytest.approx((part["p95"] - part["p50"]).tolist())
        assert list(line.error_y.arrayminus) == pytest.approx((part["p50"] - part["p05"]).tolist())
    actual = next(trace for trace in figure.data if trace.name == "actual")
    assert list(actual.y) == drawn.frame.drop_duplicates("year")["actual"].tolist()
    symbols = {trace.marker.symbol for trace in figure.data if trace.name in ("one", "two", "actual")}
    assert len(symbols) == 3  # told apart without colour


def test_an_interval_that_is_cut_is_said_to_be():
    calm = pd.DataFrame({"actual": [1.0, 2.0], "p05": [0.9, 1.9], "p25": 1.0, "p50": 1.5, "p75": 2.0,
                         "p95": [2.1, 2.2]})
    assert not forecasts.cut(calm)
    assert forecasts.cut(calm.assign(p95=[2.1, 50.0])) and forecasts.cut(calm.assign(p05=[-50.0, 1.0]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_chances_of_crossing_are_the_models(record, language):
    table, chart = records.crossings(record, language), records.reliability(record, language)
    assert table.frame["brier"].tolist() == record.crossings["brier"].tolist()
    assert set(table.heads) == set(table.frame.columns)
    pd.testing.assert_frame_equal(chart.frame, record.reliability)
    figure = forecasts.reliability(chart, "t", {"stated": "s", "happened": "h", "right": "r"})
    there = record.reliability[record.reliability["n"] > 0]
    points = next(trace for trace in figure.data if trace.name == "h")
    assert list(points.x) == there["probability"].tolist() and list(points.y) == there["frequency"].tolist()


@pytest.fixture(scope="module")
def fit():
    """The tables of a calibration that has moved nothing: the optimiser is tested where it lives."""
    name = "national_nrcms_2005"
    scenario, names = load_scenario(name), ["utilisation.cost_growth", "account.opening_balance"]
    run = central(scenario)
    targets = [target for target in read_targets(name) if target.year in scenario.horizon()]
    spread = {"utilisation.cost_growth": 0.5, "account.opening_balance": 0.99}
    return Fit(scenario, table_of_targets(targets, run, run), table_of_assumptions(
        scenario, dict.fromkeys(names, 0.0), spread), table_of_ties(names, np.array([[1, -0.9], [-0.9, 1]])))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tables_of_a_calibration_are_the_models_in_words(fit, language):
    targets = read_targets("national_nrcms_2005")
    drawn = records.targets(fit, targets, language)
    assert (drawn.frame["after"] / drawn.frame["published"]).to_numpy() == pytest.approx(
        (fit.targets["after"] / fit.targets["published"]).to_numpy())
    assert drawn.frame["off"].tolist() == (100 * fit.targets["off"]).tolist()
    held = phrases(language)["record.held"]
    assert (drawn.frame["held"] == held).tolist() == fit.targets["held_out"].tolist()
    assert (drawn.frame["note"] != "").sum() == sum(target.note is not None for target in targets)
    words = {name: phrases(language)[f"record.{name}"] for name in ("fitted", "held")} | {"sd": "sd"}
    figure = forecasts.dots(drawn, "title", words)
    drawn_there = {(place, value) for trace in figure.data[1:] for place, value in zip(trace.y, trace.x, strict=True)}
    assert len(drawn_there) == len(fit.targets) and {value for _, value in drawn_there} == set(drawn.frame["off"])
    assert len({trace.marker.symbol for trace in figure.data[1:]}) == 2
    assumed, tied = records.fitted(fit, language), records.ties(fit, language)
    assert assumed.frame["told"].nunique() == 2 and "6%" in assumed.frame["prior"][0]
    assert len(tied.frame) == 1 and tied.frame["correlation"][0] == -0.9
    if language == "en":
        for frame in (drawn.frame.drop(columns="source"), assumed.frame, tied.frame):
            assert not re.search(HAN, json.dumps(frame.astype(str).to_numpy().tolist(), ensure_ascii=False))


def test_the_parts_of_a_variance_add_up_on_the_chart():
    shares = pd.DataFrame({"year": 2026, "quantity": "expenditure", "share": [0.7, 0.4, 0.01, -0.11],
                           "source": ["parameters", "shocks", "chance", "together"]})
    drawn, names = records.parts(shares, "expenditure", "en")
    assert drawn.frame[list(names)].sum(axis=1).tolist() == pytest.approx([100])
    figure = diagrams.around_zero(drawn, "t", names, "%")
    assert [trace.y[0] for trace in figure.data] == [70, 40, 1, -11]
    assert "−11%" in records.of_variance(drawn, names, "Fund expenditure", "en")
