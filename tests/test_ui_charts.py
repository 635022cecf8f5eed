"""Frames, files and charts: what is drawn is what the model said, what is shown, and what is taken away."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from report import charts, sheets, tables
from report.findings import behaviour, limit_text, responds, sentences
from simulation import load_scenario, simulate
from simulation.measures import RESPONSES, chances, summary, unresponsive
from simulation.results import EVENTS
from simulation.scenario import lever_value
from simulation.terms import LANGUAGES
from ui.runs import FEWEST, QUICK, SEED, STABLE, answers, closing, draws_for
from ui.view import scenario_of, view_of

OLD = "benxi_2008"
BASE = load_scenario(OLD)
RATE = "benefits.rate.inpatient.adult.level_2"
CEILING = "benefits.ceiling"
# A mid-tone has to read on both of these; they are the page colours of .streamlit/config.toml.
PAGES = {"light": "#ffffff", "dark": "#12181f"}


@pytest.fixture(scope="module")
def run():
    return answers(OLD, (), BASE.first_year, QUICK, SEED)


@pytest.fixture(scope="module")
def edited():
    return answers(OLD, ((CEILING, 60000), (RATE, 0.8)), 2010, QUICK, SEED)


def line(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


@pytest.mark.parametrize("quantity", ["balance_ratio", "surplus_ratio", "reserve_months"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fan_draws_its_frame_and_the_frame_is_the_models(run, edited, quantity, language):
    drawn = tables.fan(edited, quantity, language, run)
    source = summary(simulate(scenario_of(view_of(OLD, 2010, [(CEILING, 60000), (RATE, 0.8)])), QUICK))
    source = source[source["quantity"] == quantity]
    names = {column: column for column in ("p05", "p25", "p50", "p75", "p95", "before")}
    figure = charts.fan(drawn, "title", names, charts.Limit("limit", "clause"), charts.Limit("zero", "why"))
    for column in ("p05", "p25", "p50", "p75", "p95"):
        assert list(line(figure, column).y) == source[column].tolist() == drawn.frame[column].tolist()
    before = run.summary[run.summary["quantity"] == quantity]["p50"].tolist()
    assert list(line(figure, "before").y) == drawn.frame["before"].tolist() == before
    limit = lever_value(BASE, f"lines.{quantity}")
    assert list(line(figure, "limit").y) == drawn.frame["line"].tolist() == [limit] * BASE.years
    for low, high, *_ in charts.BANDS:
        assert list(line(figure, f"{low}-{high}").y) == [*drawn.frame[high], *drawn.frame[low][::-1]]
    assert set(drawn.heads) == set(drawn.frame.columns)
    dashes = {line(figure, column).line.dash for column in ("p05", "p25", "p50", "before", "limit")}
    assert len(dashes) == 5


def test_a_single_year_is_seen(run):
    drawn = tables.fan(run, "balance_ratio", "en")
    drawn, words = drawn._replace(frame=drawn.frame.iloc[:1]), ("p05", "p25", "p50", "p75", "p95")
    figure = charts.fan(drawn, "t", dict.fromkeys(words, "w"), charts.Limit("limit", "c"), charts.Limit("zero", "w"))
    year = drawn.frame["year"].iloc[0]
    assert list(figure.layout.xaxis.range) == [year - 0.5, year + 0.5]
    assert all("markers" in trace.mode or set(trace.x) == {year - 0.5, year + 0.5} for trace in figure.data)
    assert all(len(trace.x) == len(trace.y) for trace in figure.data)


def test_labels_at_the_edge_keep_apart(run):
    for quantity in ("balance_ratio", "surplus_ratio", "reserve_months"):
        drawn = tables.fan(run, quantity, "en", run)
        names = {column: column for column in drawn.frame.columns if column not in ("year", "line")}
        figure = charts.fan(drawn, "t", names, charts.Limit("limit", "c"), charts.Limit("zero", "w"))
        places = sorted(note.y for note in figure.layout.annotations)
        low, high = figure.layout.yaxis.range
        least = (high - low) * charts.LABEL / charts.HEIGHT
        assert all(above - below >= least for below, above in zip(places, places[1:], strict=False))


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=9), st.floats(0.01, 1))
def test_spread_keeps_order_and_gap(wanted, gap):
    placed = charts.spread(wanted, gap)
    ordered = [place for _, place in sorted(zip(wanted, placed, strict=True))]
    assert all(after - before >= gap * 0.999 for before, after in zip(ordered, ordered[1:], strict=False))
    assert abs(sum(placed) - sum(wanted)) < 1e-6 * len(wanted)


def test_chances_draw_their_frame(run):
    drawn = tables.chance(run, "zh")
    source = chances(simulate(BASE, QUICK))
    figure = charts.chances(drawn, "title", {event: event for event in EVENTS})
    for event in EVENTS:
        rows = source[source["event"] == event]
        assert list(line(figure, event).y) == drawn.frame[event].tolist() == rows["value"].tolist()
        assert list(line(figure, event).error_y.array) == drawn.frame[f"{event}_se"].tolist() == rows["se"].tolist()
    assert len({(trace.line.dash, trace.marker.symbol) for trace in figure.data}) == len(EVENTS)
    assert len({trace.line.dash for trace in figure.data}) == len({trace.marker.symbol for trace in figure.data}) == 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_bars_draw_their_frame(run, language):
    drawn, tiers, unit = tables.spending(run, BASE, language)
    figure = charts.stacked(drawn, "title", tiers, unit)
    divisor = {"万元": 1e4, "million yuan": 1e6}[unit]
    for tier, name in tiers.items():
        amounts = run.spending[run.spending["tier"] == tier]["amount"]
        assert list(line(figure, name).y) == drawn.frame[tier].tolist() == pytest.approx((amounts / divisor).tolist())
    assert len({trace.marker.pattern.shape for trace in figure.data}) == len(tiers)


def luminance(colour):
    parts = [int(colour[n:n + 2], 16) / 255 for n in (1, 3, 5)]
    parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


@pytest.mark.parametrize("colour", ["BLUE", "ORANGE", "GREEN", "PURPLE", "RED", "GREY"])
@pytest.mark.parametrize("page", PAGES)
def test_colours_read_on_both_pages(colour, page):
    light, dark = sorted((luminance(getattr(charts, colour)), luminance(PAGES[page])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


def read_csv(content):
    assert content.startswith(b"\xef\xbb\xbf")  # without it, spreadsheets show Chinese as noise
    return pd.read_csv(pd.io.common.BytesIO(content), encoding="utf-8-sig")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_holds_the_frame_that_is_shown(run, language):
    shown = [tables.fan(run, "balance_ratio", language), tables.fan(run, "reserve_months", language),
             tables.chance(run, language),
             tables.spending(run, BASE, language)[0],
             tables.wide(run, ["income", "balance_ratio", "enrolled"], "p50", language)]
    for drawn in shown:
        frame = read_csv(sheets.csv(drawn))
        assert frame.columns.tolist() == [drawn.heads[name] for name in drawn.frame.columns]
        assert frame.to_numpy() == pytest.approx(drawn.frame.to_numpy())


def test_only_text_cells_that_begin_like_a_formula_are_disarmed():
    frame = pd.DataFrame({"a": ["=1+1", "+x", "-y", "@z", "ok"], "b": [-1.5, 0, 1, 2, 3]})
    content = sheets.csv(tables.Drawn(frame, {"a": "=a", "b": "b"}))
    assert content.decode("utf-8-sig").splitlines()[:2] == ["'=a,b", "'=1+1,-1.5"]
    assert read_csv(content)["b"].tolist() == frame["b"].tolist()


def test_months_are_drawn_as_months_and_ratios_as_percentages(run):
    names = {column: column for column in ("p05", "p25", "p50", "p75", "p95")}
    limits = charts.Limit("limit", "c"), charts.Limit("zero", "w")
    months = charts.fan(tables.fan(run, "reserve_months", "en"), "t", names, *limits, "f")
    share = charts.fan(tables.fan(run, "balance_ratio", "en"), "t", names, *limits)
    assert (months.layout.yaxis.tickformat, share.layout.yaxis.tickformat) == (".0f", ".0%")
    assert set(tables.fan(run, "reserve_months", "en").forms.values()) == {tables.FORMS["months"]}
    assert limit_text(run, "reserve_months", "en") == "3 months"
    assert limit_text(run, "balance_ratio", "en") == "25%"


def test_the_warning_has_its_sentence(run):
    certain = run._replace(chances=run.chances.assign(value=lambda frame: (frame["event"] == "p_warning") * 1.0))
    assert "2008–2017" in sentences(certain, "en")[-1] and "3 months" in sentences(certain, "en")[-1]
    never = run._replace(chances=run.chances.assign(value=0.0))
    assert "0.0% in every year" in sentences(never, "en")[-1] and "3 months" in sentences(never, "en")[-1]
    once = run._replace(chances=run.chances.assign(value=lambda frame: (frame["year"] == 2012) * 0.3))
    assert "2012, 30.0%" in sentences(once, "en")[-1] and "30.0%（2012 年）" in sentences(once, "zh")[-1]


# --- behaviour ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
def test_behaviour_is_the_run_less_the_run_without_it(language):
    view = view_of(OLD, 2010, [("financing.contribution.adult.ordinary", 900)])
    few, ends = 64, {}
    for off in ((), RESPONSES, *((response,) for response in RESPONSES)):
        ends[off] = closing(OLD, view.edits, view.since, off, few, SEED)
    told = behaviour(ends, 2017, language)
    usual = simulate(scenario_of(view), few, SEED).data.isel(year=-1, area=0)
    for row, off in enumerate([RESPONSES, *((response,) for response in RESPONSES)]):
        without = simulate(unresponsive(scenario_of(view), *off), few, SEED).data.isel(year=-1, area=0)
        shown, divisor = told.drawn.frame.iloc[row], {"zh": 1e4, "en": 1e6}[language]
        moved = float((usual - without)["balance_end"].mean())
        assert shown["balance"] * divisor == pytest.approx(moved, rel=1e-3, abs=1)
        assert shown["surplus"] == pytest.approx(100 * float((usual - without)["surplus_ratio"].mean()), abs=1e-6)
    answers = told.drawn.frame.set_index("response")["balance"]
    assert abs(answers.iloc[1]) > 0 == answers.iloc[4]  # a dearer contribution moves enrolment and no provider
    assert f"{abs(answers.iloc[0]):,.1f}" in told.sentence and "2017" in told.sentence
    assert set(told.drawn.heads) == set(told.drawn.frame.columns)


def test_without_a_change_of_policy_there_is_nothing_to_respond_to():
    assert not responds(BASE)
    assert not responds(scenario_of(view_of(OLD, edits=[("responses.demand", 0)])))
    assert responds(scenario_of(view_of(OLD, edits=[(CEILING, 60000)])))
    assert responds(load_scenario("county_community_2024"))


def test_a_city_of_counties_gets_fewer_draws_and_one_pool_all():
    one, city = view_of(OLD), view_of("city_pooling_2012")
    assert (draws_for(one, True), draws_for(one, False)) == (STABLE, QUICK)
    assert FEWEST <= draws_for(city, False) <= QUICK // 2 and FEWEST < draws_for(city, True) <= STABLE // 8
