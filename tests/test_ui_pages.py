"""The pages without a browser: what opens, what a lever moves, what is undone, what a link and a file bring."""

import json
import re

import pytest

from report.text import phrases, plain, say
from simulation import load_scenario
from simulation.scenario import clause, lever_value
from simulation.terms import LANGUAGES
from tests.screen import CEILING, CONTRIBUTION, OLD, RATE, app, figures_of, keys_of, words_of
from ui import programmes, runs
from ui.runs import SEED, STABLE, answers
from ui.view import FIRST, known, offered, to_file, view_of

BASE = load_scenario(OLD)
LEVERS = {name for name, *_ in BASE.levers()}


@pytest.fixture(autouse=True)
def smaller_runs(monkeypatch, request):
    """Fewer draws at rest, to be quick, save for the test that asks how many there are."""
    if "all_draws" not in request.fixturenames:
        monkeypatch.setattr(runs, "STABLE", 2048)


@pytest.fixture
def all_draws():
    """Asked for by tests of the stable answer itself."""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", ["overview", "levers"])
def test_every_page_opens_in_every_language(page, language):
    at = app(language, scenario=None)
    if page != "overview":
        at.switch_page(f"ui/pages/{page}.py").run()
    assert not at.exception
    assert not at.warning
    said = words_of(at)
    assert said
    keys = set(phrases(language))
    assert not [text for text in said if any(key in text for key in keys if key not in LEVERS and key.count("."))]
    if language == "en" and page == "overview":
        assert not [text for text in said if re.search("[\u4e00-\u9fff]", text)]


def test_the_front_page_says_what_was_run_and_settles_by_itself(all_draws):
    at = app()
    facts = at.caption[0].value
    assert f"{STABLE:,}" in facts and str(SEED) in facts and "2008—2017" in facts
    stable = answers(OLD, (), BASE.first_year, STABLE, SEED)
    assert stable.facts["fingerprint"][:8] in facts
    for event, shown in zip(("p_insolvent", "p_deficit"), figures_of(at), strict=False):
        worst = stable.chances[stable.chances["event"] == event]["value"].max()
        assert shown.startswith(f"{100 * worst:.1f}%")
    assert len(at.get("plotly_chart")) == 5
    assert all(chart.proto.alt for chart in at.get("plotly_chart"))


def test_the_figures_on_the_page_are_those_of_the_model(all_draws):
    at = app()
    stable = answers(OLD, (), BASE.first_year, STABLE, SEED)
    spec = json.loads(at.get("plotly_chart")[0].proto.spec)
    median = next(trace for trace in spec["data"] if trace["name"] == phrases("zh")["label.p50"])
    expected = stable.summary[stable.summary["quantity"] == "balance_ratio"]["p50"]
    assert unpacked(median["y"]) == pytest.approx(expected.tolist())


def unpacked(values):
    """Numbers as plotly writes them: a list, or base64 with a type."""
    if isinstance(values, dict):
        import base64

        import numpy as np
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).tolist()
    return values


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [OLD, "city_pooling_2012"])
def test_every_lever_has_a_widget_with_its_clause(name, language):
    base = known(name)
    at = app(language, [lever for lever, *_ in base.levers()], scenario=name)
    assert not at.exception
    for lever, value, term, source in base.levers():
        widget = at.get_by_key(lever)
        assert plain(clause(base, source, language)) in widget.help
        assert plain(term.help[language]) in widget.help
        assert widget.value == value
        if not term.choices:
            assert (widget.min, widget.max) == (term.low, term.high)


# --- the sidebar --------------------------------------------------------------------------------------

def test_only_what_is_in_an_open_drawer_is_built():
    shut = app()
    assert not keys_of(shut) & LEVERS
    labels = {expander.label for expander in shut.expander}
    assert {phrases("zh")[f"section.{name}"] for name in ("financing", "enrolment", "benefits")} <= labels
    at = app(show=[RATE])
    assert keys_of(at) & LEVERS == {lever for lever in LEVERS if lever.startswith("benefits.rate.")}


def test_sections_stand_in_the_order_of_the_regulation_and_say_what_is_off():
    at = app("en")
    names = phrases("en")
    order = list(dict.fromkeys(lever.split(".")[0] for lever, *_ in BASE.levers()))
    unused = programmes.unused(OLD)
    wanted = [names["panel.unused"].format(section=names[f"section.{name}"]) if name in unused
              else names[f"section.{name}"] for name in order]
    assert [label for label in (expander.label for expander in at.expander) if label in wanted] == wanted
    assert sum("off in the scenario itself" in label for label in wanted) == 4


def test_a_drawer_stays_open_while_its_lever_moves_and_while_the_language_changes():
    at = app(show=[RATE])
    at.slider(key=RATE).set_value(0.75).run()
    assert at.slider(key=RATE).value == 0.75
    at.get_by_key("lang").set_value("en").run()
    assert at.slider(key=RATE).value == 0.75
    said = " ".join(caption.value for caption in at.caption)
    assert "Changed, was 55%" in said and said.count("1 changed") == 2  # below the section and below the parameter


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lever_that_does_nothing_yet_says_so_until_what_it_needs_is_set(language):
    lever, names = "contracts.fee", phrases(language)
    needed = {"zh": "签约覆盖率", "en": "Contract coverage"}[language]
    said = names["lever.waits"].format(names=names["lever.waits_for"].format(name=needed))
    at = app(language, [lever, "contracts.coverage"])
    assert said in at.get_by_key(lever).help
    assert said not in at.get_by_key("contracts.coverage").help
    at.get_by_key("contracts.coverage").set_value(0.5).run()
    assert said not in at.get_by_key(lever).help


def test_an_edit_says_that_the_scenarios_own_later_changes_give_way():
    name = "county_community_2024"
    base = known(name)
    lever, year = next((change.lever, change.year) for change in base.changes
                       if change.year > base.first_year and not hasattr(programmes.plan(
                           base, change.lever, base.first_year)[0][1], "items"))
    at = app("en", [lever], scenario=name)
    assert "Planned in the scenario" in at.get_by_key(lever).help and str(year) in at.get_by_key(lever).help
    assert any("those changes give way; reset" in caption.value for caption in at.caption)
    assert not any("they give way" in caption.value for caption in at.caption)
    link = app("en", scenario=name, **{lever: "0.35"})
    assert any("they give way" in caption.value and str(year) in caption.value for caption in link.caption)


def test_the_levers_moved_are_listed_with_old_and_new():
    at = app("en", **{RATE: "0.7", CEILING: "none"})
    at.session_state["in.changes"] = True
    at.run()
    said = [caption.value for caption in at.caption]
    assert any("55% → 70%" in text for text in said) and any("30,000 → No limit" in text for text in said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_scenario_can_be_chosen(language):
    at = app(language, scenario=None)
    assert at.query_params["scenario"] == FIRST
    picker = at.selectbox(key="scenario")
    assert picker.options == [known(name).title[language] for name in offered()]
    picker.select(OLD).run()
    assert not at.exception
    assert at.title[0].value == plain(BASE.title[language])
    assert at.query_params["scenario"] == OLD


def test_a_later_beginning_says_which_changes_the_scenario_itself_undoes_or_turns_round():
    lever = "financing.contribution.adult.ordinary"
    own = {year: lever_value(known(FIRST), lever, year) for year in (2026, 2029)}
    assert own[2026] < own[2029]
    for value, gone, turned in ((own[2029], 1, 0), ((own[2026] + own[2029]) / 2, 0, 1), (own[2029] + 20, 0, 0)):
        at = app("en", scenario=FIRST, **{lever: f"{value:g}"})
        at.selectbox(key="since").select(2029).run()
        said = say("en", "panel.moved_on", year=2029, gone=gone, turned=turned)
        assert not at.exception and (said in [info.value for info in at.info]) == bool(gone + turned)


def test_changes_left_behind_with_their_scenario_are_told_and_undo_brings_them_back():
    at = app("zh", **{RATE: "0.7"})
    before = at.session_state["view"]
    said = say("zh", "panel.behind", count=1)
    at.selectbox(key="scenario").select(FIRST).run()
    assert not at.exception and said in [info.value for info in at.info]
    at.button(key="undo_last").click().run()
    assert at.session_state["view"] == before and said not in [info.value for info in at.info]


# --- the front page -----------------------------------------------------------------------------------

def test_a_city_says_that_it_is_taken_together_and_one_pool_does_not(monkeypatch):
    monkeypatch.setattr(runs, "STABLE", 256)
    monkeypatch.setattr(runs, "QUICK", 256)
    said = app("en", scenario="city_pooling_2012").caption[0].value
    assert "its 8 counties taken together" in said and "256 draws" in said
    assert "counties taken together" not in app("en").caption[0].value


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_comes_from_behaviour_is_told_once_policy_departs(language):
    names = phrases(language)
    at = app(language, [CONTRIBUTION])
    assert any(names["behaviour.none"] == caption.value for caption in at.caption)
    assert "csv.behaviour" not in {button.key for button in at.get("download_button")}
    at.number_input(key=CONTRIBUTION).set_value(900).run()
    assert not at.exception
    assert not any(names["behaviour.none"] == caption.value for caption in at.caption)
    frame = next(frame.value for frame in at.dataframe if "response" in frame.value)
    assert len(frame) == 5 and frame["balance"].abs().max() > 0
    assert any(f"{runs.QUICK:,}" in caption.value and "2017" in caption.value for caption in at.caption[1:])


# --- moving, undoing, linking -------------------------------------------------------------------------

def test_moving_a_lever_moves_figures_and_address_and_can_be_undone():
    at = app(show=[RATE])
    before = figures_of(at)
    at.slider(key=RATE).set_value(0.75).run()
    assert figures_of(at) != before
    assert at.query_params[RATE] == "0.75"
    assert any("原为 55%" in caption.value for caption in at.caption)
    assert any("基金支付医疗机构" in text.value for text in at.markdown)
    assert not [metric for metric in at.metric if not metric.delta]
    at.button(key="undo_last").click().run()
    assert figures_of(at) == before
    assert not any("基金支付医疗机构" in text.value for text in at.markdown)
    assert RATE not in at.query_params
    assert at.slider(key=RATE).value == 0.55
    at.slider(key=RATE).set_value(0.75).run()  # at once, and to the value just taken back: a wish, not an echo
    assert at.query_params[RATE] == "0.75"


def test_one_reset_and_reset_all():
    at = app(show=[CEILING], **{RATE: "0.7", CEILING: "none"})
    assert at.number_input(key=CEILING).value is None
    assert at.checkbox(key=f"unlimited.{CEILING}").value
    at.button(key=f"reset.{CEILING}").click().run()
    assert (at.number_input(key=CEILING).value, at.query_params[RATE]) == (30000, "0.7")
    at.button(key="reset_all").click().run()
    assert set(at.query_params) == {"scenario", "lang", "from"}


def test_a_ceiling_can_be_lifted_and_set_again():
    at = app(show=[CEILING])
    at.number_input(key=CEILING).set_value(45000).run()
    at.checkbox(key=f"unlimited.{CEILING}").check().run()
    assert at.query_params[CEILING] == "none"
    at.checkbox(key=f"unlimited.{CEILING}").uncheck().run()
    assert at.query_params[CEILING] == "45000"


def test_a_ceiling_set_again_is_neither_one_that_was_reset_nor_another_scenario_s():
    at = app(show=[CEILING])
    at.number_input(key=CEILING).set_value(45000).run()
    at.button(key="reset_all").click().run()
    for scenario, own in ((OLD, 30000), ("urrbmi_county_2026", None)):
        at.selectbox(key="scenario").set_value(scenario).run()
        own = own or at.number_input(key=CEILING).value
        at.checkbox(key=f"unlimited.{CEILING}").check().run()
        assert at.number_input(key=CEILING).value is None
        at.checkbox(key=f"unlimited.{CEILING}").uncheck().run()
        assert at.number_input(key=CEILING).value == own and not at.session_state["view"].edits


def test_quick_moves_and_the_year_they_begin():
    at = app()
    before = figures_of(at)
    at.slider(key="quick.contribution").set_value(50.0).run()
    assert at.query_params[CONTRIBUTION] == "305"
    moved = figures_of(at)
    at.selectbox(key="since").select(2015).run()
    assert at.query_params["from"] == "2015"
    assert before != figures_of(at) != moved
    at.slider(key="quick.contribution").set_value(0.0).run()
    assert figures_of(at) == before


def test_a_link_opens_the_same_view_and_the_language_stays():
    at = app("zh", **{RATE: "0.7", "from": "2012", "lang": "en"})
    assert not at.warning
    assert at.title[0].value == plain(BASE.title.en)
    assert dict(at.query_params) == {"scenario": OLD, "lang": "en", RATE: "0.7", "from": "2012"}
    at.switch_page("ui/pages/levers.py").run()
    assert at.title[0].value == phrases("en")["page.levers"]
    assert at.query_params[RATE] == "0.7"


def test_a_bad_link_says_so_once_and_keeps_the_rest():
    at = app("en", **{RATE: "7", CEILING: "40000"})
    assert [warning.value for warning in at.warning] == [
        plain(f"{RATE}: 7 is outside 0 to 1; give a number from 0 to 1")]
    assert at.query_params[CEILING] == "40000"
    assert RATE not in at.query_params
    at.slider(key="quick.contribution").set_value(10.0).run()
    assert not at.warning


def test_a_difference_file_is_taken_and_a_bad_one_leaves_the_view():
    good = to_file(view_of(OLD, 2010, [(RATE, 0.7)]))
    at = app()
    at.file_uploader(key="upload_changes").upload("mine.yaml", good.encode()).run()
    assert (at.query_params[RATE], at.query_params["from"]) == ("0.7", "2010")
    shown = figures_of(at)
    at.file_uploader(key="upload_changes").clear()
    at.file_uploader(key="upload_changes").upload("mine.yaml", b"base: benxi_2008\nbase: x\n").run()
    assert not at.exception
    assert len(at.warning) == 1 and "重复" in at.warning[0].value
    assert figures_of(at) == shown and at.query_params[RATE] == "0.7"


def test_the_table_of_levers_can_be_searched():
    at = app("en").switch_page("ui/pages/levers.py").run()
    everything = len(at.dataframe[0].value)
    at.text_input(key="search").set_value("benefits.ceiling_multiple").run()
    assert len(at.dataframe[0].value) == 1 < everything
    at.text_input(key="search").set_value("no such thing").run()
    assert not at.exception and not at.dataframe
