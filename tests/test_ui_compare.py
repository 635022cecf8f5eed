"""The compare page: what is drawn is what the model found, in both languages, and nothing chosen is lost."""

import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from report import contrasts, tables
from report.sheets import csv
from report.text import phrases, plain
from simulation import sentences
from simulation.explain import titled as policy_title
from simulation.terms import LANGUAGES
from tests.coarse import coarse
from tests.screen import CEILING, CONTRIBUTION, OLD, RATE, app, words_of
from ui import comparisons, presets, runs, tracks
from ui.comparisons import SHOWN, Plan, label, labels, like, plans, renewed
from ui.view import view_of

HAN = "[\u4e00-\u9fff]"
FEW = 64
EDITED = view_of(OLD, 2010, [(CEILING, 60_000), (RATE, 0.7)])
BASE, NOW = Plan("base", view_of(OLD)), Plan("now", EDITED)

fewer = pytest.fixture(autouse=True, scope="module")(coarse)


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr(runs, "QUICK", FEW)
    monkeypatch.setattr(runs, "FEWEST", FEW)


def page(language="en", **query):
    return app(language, **query).switch_page("ui/pages/compare.py").run(timeout=120)


def edited(language="en"):
    return page(language, **{"from": "2010", CEILING: "60000", RATE: "0.7"})


# ---- what is on offer ---------------------------------------------------------------------------------------

def test_what_can_be_compared_are_rule_books_of_the_same_futures():
    kinds = [plan.kind for plan in plans(EDITED, ())]
    assert kinds[:2] == ["base", "now"] and {"contribution", "primary"} <= set(kinds)
    kept = view_of(OLD, 2011, [(CEILING, 90_000)])
    assert Plan("kept", kept) in plans(EDITED, (kept, EDITED, view_of("urrbmi_county_2026")))
    assert [plan.kind for plan in plans(view_of(OLD), ())].count("now") == 0
    reformed = plans(view_of("county_community_2024"), ())
    first_year = next(plan for plan in reformed if plan.kind == "first_year")
    assert not comparisons.book(first_year).changes and comparisons.book(reformed[0]).changes
    moved = next(plan for plan in plans(EDITED, ()) if plan.kind == "contribution")
    assert dict(moved.view.edits)[CONTRIBUTION] == 255 + comparisons.AMOUNTS["contribution"]
    assert like("henan_nrcms_2011") == ("shandong_nrcms_2011",) and like(OLD) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_plans_have_names_of_their_own_in_words(language):
    kept = [view_of(OLD, 2010, [(CEILING, value)]) for value in (70_000, 80_000)]
    named = labels(plans(EDITED, kept), language)
    assert len(set(named.values())) == len(named)
    assert bool(re.search(HAN, " ".join(named.values()))) == (language == "zh")
    assert "2010" in label(NOW, language) and "2" in label(NOW, language)


def test_what_was_chosen_stays_chosen_while_a_lever_moves():
    further = Plan("now", view_of(OLD, 2010, [(CEILING, 65_000)]))
    gone = Plan("kept", view_of(OLD, 2010, [(CEILING, 1)]))
    assert renewed([NOW, gone, BASE], [BASE, further]) == [further, BASE]
    assert renewed([NOW, further], [BASE]) == []


# ---- frames -------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def found(fewer):
    return comparisons.compare({"0": comparisons.book(BASE), "1": comparisons.book(NOW)}, FEW, 1, "table", of=SHOWN)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("quantity", ["balance_ratio", "p_deficit", "expenditure", "reserve_months", "enrolled"])
def test_a_chart_draws_the_differences_found(found, quantity, language):
    drawn, unit = comparisons.differences(found, quantity, {"0": "A", "1": "B"}, language)
    part = found.differences[found.differences["quantity"] == quantity]
    assert set(drawn.heads) == set(drawn.frame.columns) and set(drawn.frame["plan"]) == {"B"}
    factor = (drawn.frame["after"] / part["value"].to_numpy()).iloc[-1]
    assert_allclose(drawn.frame["difference"], part["difference"] * factor, rtol=1e-9, atol=1e-12)
    assert factor == pytest.approx(100) or sentences.unit_of(quantity) != "share"
    words = {"estimate": "e", "interval": "i", "futures": "f"}
    figure = contrasts.contrast(drawn, "title", words, True)
    band, marks = figure.data
    assert list(marks.y) == drawn.frame["difference"].tolist()
    assert_allclose(np.add(marks.y, marks.error_y.array), drawn.frame["ci_high"])
    assert [low for low in band.y[::3]] == drawn.frame["p05"].tolist()
    assert len(contrasts.contrast(drawn, "title", words, False).data) == 1
    assert csv(drawn).decode("utf-8-sig").count("\r\n") == len(drawn.frame) + 1 and unit


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_of_a_year_holds_every_figure_in_words(found, language):
    drawn = comparisons.in_year(found, 2012, {"0": "A", "1": "B"}, language)
    assert len(drawn.frame) == len(SHOWN) and set(drawn.heads) == set(drawn.frame.columns)
    text = " ".join(drawn.frame.astype(str).to_numpy().ravel())
    assert bool(re.search(HAN, text)) == (language == "zh")
    assert set(drawn.frame["verdict"]) <= {words[language] for words in sentences.VERDICTS.values()}


def test_a_name_of_html_is_drawn_as_text(found):
    drawn, _ = comparisons.differences(found, "p_deficit", {"0": "A", "1": "<b>B</b> %{x}"}, "en")
    (marks,) = contrasts.contrast(drawn, "title", dict.fromkeys(("estimate", "interval", "futures"), "w"), False).data
    assert marks.name == "‹b›B‹/b› % {x}" and "<b>" not in marks.hovertemplate and "‹b›" in marks.hovertemplate
    steps = pd.DataFrame({"step": ["<b>", "x", "<i>"], "value": [1.0, 1.0, 2.0], "levers": ["", "<u>", ""]})
    (bars,) = contrasts.stairs(drawn._replace(frame=steps), "title", "{value}").data
    assert not any("<" in label for label in bars.y) and "<u>" not in bars.customdata[1]


def test_a_waterfall_is_drawn_from_the_first_plan_to_the_last():
    told = comparisons.waterfall(comparisons.book(BASE), comparisons.book(NOW), SHOWN, draws=FEW, seed=1,
                                 engine="table")
    for quantity in ("balance_end", "p_deficit"):
        drawn, _ = tables.steps(told, quantity, 2012, ("A", "B"), "en")
        value = drawn.frame["value"]
        assert value.iloc[:-1].sum() == pytest.approx(value.iloc[-1], abs=1e-9)
        assert drawn.frame["step"].iloc[0] == "A" and drawn.frame["step"].iloc[-1] == "B"
        size = value.iloc[1:-1].abs()
        assert (size.diff().dropna() <= 0).all() and len(size) == 2  # the largest first
        (bars,) = contrasts.stairs(drawn, "title", "alone {value}").data
        assert list(bars.measure) == ["absolute", "relative", "relative", "total"]
        assert list(bars.x) == value.tolist() and len(set(bars.y)) == 4
        assert all(text.startswith(("+", "−")) for text in bars.text[1:-1])  # the sign, and not only the colour
        assert "alone" in bars.customdata[1]
    same = pd.concat([drawn.frame.iloc[:2], drawn.frame.iloc[[0]]])
    assert len(set(contrasts.stairs(drawn._replace(frame=same), "t", "{value}").data[0].y)) == 3


COUNTY = "urrbmi_county_2026"


def ticked(*names, more=(), scenario=COUNTY):
    """The edits of a view in which presets are ticked and levers moved besides."""
    since = view_of(scenario).since
    found = dict(edit for name in names for edit in presets.canonical(name, scenario, since))
    return Plan("now", view_of(scenario, since, [*(found | dict(more)).items()]))


def test_a_preset_is_one_step_with_its_levers_named(monkeypatch):
    monkeypatch.setattr(tracks, "once", lambda asked, work: work(None))  # without a session
    monkeypatch.setattr(comparisons, "made", lambda function, *given, patient=False, **named: function(*given, **named))
    start, plan = Plan("base", view_of(COUNTY)), ticked("global_budget", "contribution_30")
    assert comparisons.apart(start, plan) == 2 < len(plan.view.levers)
    told = comparisons.explained(start, plan)
    assert list(told.groups) == ["contribution_30", "global_budget"]
    for language in LANGUAGES:
        drawn, _ = tables.steps(told, "balance_ratio", 2030, ("A", "B"), language)
        titles = {preset.title[language] for name, preset in presets.offered().presets.items() if name in told.groups}
        assert set(drawn.frame["step"]) == {"A", "B"} | titles
        budget = drawn.frame.set_index("step").loc[presets.offered().presets["global_budget"].title[language]]
        inside = [policy_title(lever)[language] for lever in told.groups["global_budget"]]
        assert len(inside) > 3 and all(title in budget["levers"] for title in inside)
        (bars,) = contrasts.stairs(drawn, "t", "{value}").data
        assert any(inside[0] in text.replace("<br>", " ") for text in bars.customdata)
    assert drawn.frame["value"].iloc[:-1].sum() == pytest.approx(drawn.frame["value"].iloc[-1])


def test_what_is_moved_beside_a_preset_is_a_step_of_its_own_and_what_is_moved_in_it_takes_it_apart():
    start = Plan("base", view_of(COUNTY))
    beside = ticked("global_budget", more=[("benefits.ceiling", 300_000)])
    assert set(comparisons.adopted(start, beside)) == {"global_budget"} and comparisons.apart(start, beside) == 2
    within = ticked("global_budget", "contribution_30", more=[("financing.contribution.adult.low_income", 100)])
    assert set(comparisons.adopted(start, within)) == {"global_budget"}
    assert set(comparisons.adopted(start, ticked("all_three"))) == {"contribution_30", "primary_5", "global_budget"}
    assert set(comparisons.adopted(start, ticked("epidemic"))) == {"epidemic"}
    assert not comparisons.adopted(start, NOW) and not comparisons.adopted(ticked("global_budget"), start)
    other = Plan("now", view_of(COUNTY, view_of(COUNTY).since, [("payment.growth", 0.02)]))
    assert not comparisons.adopted(other, ticked("global_budget"))


def test_what_many_levers_are_moved_beside_a_preset_goes_by_section():
    levers = ["benefits.ceiling", "benefits.rate", "financing.subsidy", "payment.growth", "payment.level",
              "responses.demand", "financing.contribution"]
    start, plan = Plan("base", view_of(COUNTY)), ticked("contribution_30")
    assert comparisons.grouping(start, plan, levers[-2:]) == {"contribution_30": ("financing.contribution",)}
    assert list(comparisons.grouping(start, plan, levers)) == [
        "contribution_30", "benefits", "financing", "payment", "responses"]
    assert comparisons.grouping(start, NOW, levers) is None


# ---- the page -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_compares_the_edits_with_the_scenario(language):
    at = edited(language)
    assert not at.exception and not at.error and not at.warning
    said, names = words_of(at), phrases(language)
    assert names["compare.head.verdicts"].format(year=2017) in said
    charts = at.get("plotly_chart")
    assert len(charts) == 2 and all(chart.proto.alt for chart in charts)
    text = " ".join(element.value for kind in ("markdown", "caption", "header") for element in at.get(kind))
    assert plain(comparisons.label(Plan("now", EDITED), language)) in text
    assert f"{FEW:,}" in text and "2017" in text
    if language == "en":
        assert not re.search(HAN, text)
    assert {"csv.compare", "csv.compare_balance_ratio", "csv.waterfall_balance_ratio"} <= {
        button.key for button in at.get("download_button")}


def test_a_page_without_edits_offers_plans_of_its_own_and_an_empty_choice_says_so():
    at = page()
    assert not at.exception and len(at.multiselect(key="compare.plans").value) == 2
    assert len(at.get("plotly_chart")) == 2
    at.multiselect(key="compare.plans").set_value([]).run()
    assert not at.exception and phrases("en")["compare.none"] in [element.value for element in at.info]
    assert not at.get("plotly_chart")


def test_the_first_lever_that_is_moved_is_compared_at_once_and_a_choice_is_kept():
    at = page()
    at.slider(key="quick.contribution").set_value(20).run()
    assert not at.exception
    assert [plan.kind for plan in at.multiselect(key="compare.plans").value] == ["now"]
    primary = next(plan for plan in plans(view_of(OLD), ()) if plan.kind == "primary")
    now = at.multiselect(key="compare.plans").value[0]
    at.multiselect(key="compare.plans").set_value([now, primary]).run()
    at.slider(key="quick.contribution").set_value(40).run()
    assert not at.exception
    chosen = at.multiselect(key="compare.plans").value
    assert [plan.kind for plan in chosen] == ["now", "primary"]
    assert dict(chosen[0].view.edits)[CONTRIBUTION] == 255 + 40


def test_year_figure_and_drivers_follow_what_is_asked_for():
    at = edited()
    at.select_slider(key="compare.year.2008.2017").set_value(2012).run()
    at.selectbox(key="compare.figure").set_value("p_deficit").run()
    assert not at.exception
    contrast, stairs = (chart.proto.alt for chart in at.get("plotly_chart"))
    assert "2012" in stairs and "Chance of a deficit" in contrast
    assert not [text for text in words_of(at) if "no driver" in text.lower()]
    at.toggle(key="compare.ask_drivers").set_value(True).run(timeout=120)
    assert not at.exception
    said = [text for text in words_of(at) if "What goes with it most" in text]
    assert said and "2012" in said[0]


def test_edits_can_be_kept_as_a_plan_and_compared_with_later_ones():
    at = edited()
    at.button(key="compare.keep").click().run()
    assert not at.exception and "compare.keep" not in {button.key for button in at.button}
    at.button(key="reset_all").click().run()
    assert not at.exception
    offered = at.multiselect(key="compare.plans").options
    kept = comparisons.label(Plan("kept", EDITED), "en")
    assert kept in offered
    at.selectbox(key="scenario").set_value("urrbmi_county_2026").run(timeout=120)
    assert not at.exception and kept not in at.multiselect(key="compare.plans").options


def test_many_levers_are_told_apart_when_asked():
    levers = {CEILING: "60000", RATE: "0.7", CONTRIBUTION: "300", "benefits.deductible_floor": "150"}
    at = page(**{"from": "2010"} | levers)
    assert not at.exception and len(at.get("plotly_chart")) == 1
    at.toggle(key="compare.ask").set_value(True).run(timeout=120)
    assert not at.exception and len(at.get("plotly_chart")) == 2
