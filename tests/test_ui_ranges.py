"""Assumptions as two-ended ranges and presets: what an edit does, what it leaves alone, and what is refused."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from report.text import phrases, plain
from simulation import load_scenario, simulate
from simulation.__main__ import main
from simulation.assumptions import uncertain
from simulation.estimates import Estimate, estimate_from_text, find_assumption, stated
from simulation.loading import library
from simulation.scenario import Change, clause, find_lever
from simulation.steps.utilisation import futures
from simulation.terms import LANGUAGES, BadInput, Source
from tests.screen import app, words_of
from ui import presets, ranges, runs
from ui.register import assumed, interval_text, moved
from ui.view import FIRST, Interval, from_file, from_query, known, scenario_of, to_file, to_query, view_of, with_edits

STATED = Source(status="assumption")
COST, STAYS = "utilisation.cost_growth", "utilisation.admissions"  # a value, and a multiplier of several
COUNTY = load_scenario(FIRST)


@pytest.fixture(autouse=True)
def smaller_runs(monkeypatch):
    """Few draws at rest, to be quick."""
    monkeypatch.setattr(runs, "STABLE", 1024)


def estimate(name, *points):
    low, high, *median = points
    return Estimate(name=name, low=low, high=high, median=median[0] if median else None, source=STATED)


# --- the model ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("points", [(0.01, 0.03), (-0.1, 0.1), (0.1, 0.2), (0.02, 0.02)],
                         ids=["narrower", "wider", "moved", "one value"])
@pytest.mark.parametrize("name", sorted(uncertain(COUNTY.assumptions)))
def test_a_moved_interval_leaves_every_other_future_the_same(name, points):
    if ranges.by_multiplier(assumed(COUNTY, name)):
        points = [1 + point for point in points]
    else:
        ends = stated(assumed(COUNTY, name))  # as parts of the stated interval
        width = ends.high - ends.low
        low, high = find_assumption(name)[2].low, find_assumption(name)[2].high
        points = [float(np.clip(ends.low + 3 * point * width, low, high)) for point in points]
    before = futures(COUNTY, 64, 1)
    after = futures(COUNTY.assuming([estimate(name, *points)]), 64, 1)
    assert set(uncertain(COUNTY.assumptions)) <= set(before.drawn)
    for other in set(before.drawn) - {name}:  # those it is correlated with, too
        assert_array_equal(after.drawn[other], before.drawn[other])
    assert_array_equal(after.noise, before.noise)
    assert_array_equal(after.take_up, before.take_up)  # shocks have dimensions of their own
    untouched = {"utilisation.cost_growth": "frequency", STAYS: "price"}.get(name)
    if untouched:
        assert_array_equal(getattr(after, untouched), getattr(before, untouched))


def test_ends_are_where_an_estimate_puts_them_and_the_other_numbers_stay():
    wide = COUNTY.assuming([estimate(COST, -0.04, 0.08), estimate(STAYS, 1.1, 1.3)])
    growth, stays = wide.assumptions.utilisation.cost_growth, wide.assumptions.utilisation.admissions
    assert (growth.range, growth.value) == ((-0.04, 0.08), COUNTY.assumptions.utilisation.cost_growth.value)
    middle = (1.1 * 1.3) ** 0.5  # the old median, 1, lies outside
    assert stays.factor == pytest.approx((1.1 / middle, 1.3 / middle))
    assert stays.value["adult"] == pytest.approx(0.17 * middle)
    drawn = futures(wide, 4096, 1).drawn[COST]
    # quantiles of 4,096 evenly spread draws lie within 1 % of the interval's width
    assert np.quantile(drawn, [0.05, 0.5, 0.95]) == pytest.approx([-0.04, 0.02, 0.08], abs=0.0012)
    assert wide.policy is COUNTY.policy


def test_one_value_is_still_drawn_and_is_that_value():
    fixed = COUNTY.assuming([estimate(COST, 0.03, 0.03)])
    assert set(futures(fixed, 64, 1).drawn[COST]) == {0.03}
    assert list(uncertain(fixed.assumptions)) == list(uncertain(COUNTY.assumptions))


@pytest.mark.parametrize(("name", "points", "sentence"), [
    (COST, (0.05, 0.01), "out of order"),
    (COST, (0.0, 0.1, 0.2), "out of order"),
    (COST, (0.0, 0.9), "0.9 is outside -0.3 to 0.5"),
    (STAYS, (0.0, 1.2), "outside 0.01 to 100"),
    (STAYS, (90, 100), "is outside 0 to 3"),
    ("shocks.cost_sd", (0.0, 0.1), "one value"),
    ("utilisation.tier_mix", (1.1, 1.1), "make it add up to 1"),
    ("utilisation.cost_grwth", (0, 0.1), "utilisation.cost_growth"),
    ("benefits.ceiling", (0, 1), "unknown name"),
])
def test_an_impossible_interval_is_one_sentence(name, points, sentence):
    with pytest.raises(BadInput) as bad:
        COUNTY.assuming([estimate(name, *points)])
    assert any(sentence in fault.sentence("en") for fault in bad.value.faults)
    assert all(fault.sentence("zh") for fault in bad.value.faults)


def test_an_interval_given_twice_is_refused():
    with pytest.raises(BadInput, match="more than once"):
        COUNTY.assuming([estimate(COST, 0, 0.1), estimate(COST, 0, 0.2)])


@pytest.mark.parametrize("text", ["", "x", "1..2..3..4", "nan", "0..inf", "0.1 0.2"])
def test_a_text_that_is_no_interval_says_what_to_write(text):
    with pytest.raises(BadInput, match="is no interval"):
        estimate_from_text(COST, text, STATED)


def test_the_command_line_takes_the_interval_that_a_link_holds(capsys):
    view = view_of(FIRST, edits=[(COST, Interval(0.0, None, 0.09, "own survey"))])
    text = to_query(view, "en")[COST]
    assert text == "0..0.02..0.09; own survey"
    assert main(["levers", FIRST, "--assume", f"{COST}={text}"]) == 0
    assert main(["run", FIRST, "--draws", "64", "--engine", "table", "--assume", f"{COST}=0..0.9"]) == 2
    assert "0.9 is outside" in capsys.readouterr().err
    assert main(["run", FIRST, "--draws", "64", "--assume", COST]) == 2
    assert "NAME=LOW..HIGH" in capsys.readouterr().err


# --- the view -----------------------------------------------------------------------------------------

EDITS = [("benefits.ceiling", 80000), (COST, Interval(0.0, 0.03, 0.09, "本县 2025 年调查；“初步” & 100%")),
         (STAYS, (1.1, None, 1.3)), ("people.fertility", (0, None, 0))]


def test_intervals_survive_the_address_bar_and_the_file():
    view = view_of(FIRST, 2028, EDITS)
    assert [name for name, _ in view.edits] == ["benefits.ceiling", "people.fertility", STAYS, COST]
    assert len(view.levers) == 1 and len(view.assumed) == 3
    assert from_file(to_file(view).encode(), "x.yaml") == view
    query = {name: [text] for name, text in to_query(view, "zh").items()}
    assert from_query(query) == (view, "zh", [])
    scenario = scenario_of(view)
    assert scenario.assumptions.utilisation.cost_growth.source.note.zh == dict(view.assumed)[COST].reason
    assert scenario.policy_in(2028).benefits.ceiling.value == 80000


def test_an_interval_set_back_is_no_edit():
    view = view_of(FIRST, edits=EDITS)
    back = with_edits(view, [(name, stated(assumed(COUNTY, name))) for name, _ in view.assumed])
    assert back == view_of(FIRST, edits=EDITS[:1])


@pytest.mark.parametrize(("query", "sentence"), [
    ({COST: "0.5..0.1"}, "out of order"), ({COST: "soon"}, "no interval"), ({COST: "0...3"}, "no interval"),
    ({"utilisation.cost": "0..1"}, "did you mean"), ({"shocks.cost_sd": "0..0.1"}, "give one value"),
    ({COST: "0..0.1; " + "a" * 201}, "the reason has 201 characters"),
])
def test_a_bad_interval_of_a_link_is_one_sentence_and_the_rest_stands(query, sentence):
    view, _, faults = from_query({name: [text] for name, text in query.items()} | {STAYS: ["1.1..1.3"]})
    assert len(faults) == 1 and sentence in faults[0].sentence("en")
    assert [name for name, _ in view.edits] == [STAYS]


@pytest.mark.parametrize("line", [
    b"  - {assumption: utilisation.cost_growth, low: 0.1, high: 0.0}",
    b"  - {assumption: utilisation.cost_growth, low: .nan, high: 0.0}",
    b"  - {assumption: utilisation.cost_growth, low: 0.0}",
    b"  - {assumption: benefits.ceiling, low: 0.0, high: 1}",
    b"  - {assumption: utilisation.cost_growth, low: 0, high: 0.1}\n"
    b"  - {assumption: utilisation.cost_growth, low: 0, high: 0.2}",
])
def test_a_bad_interval_of_a_file_is_refused(line):
    with pytest.raises(BadInput):
        from_file(b"base: urrbmi_county_2026\nassumptions:\n" + line + b"\n", "mine.yaml")


def test_an_assumption_is_no_lever_of_a_file():
    with pytest.raises(BadInput, match="unknown name"):
        from_file(b"base: urrbmi_county_2026\nchanges:\n  - {lever: utilisation.cost_growth, year: 2026, value: 0.1}\n",
                  "mine.yaml")


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_that_a_view_changes_is_told_in_words(language):
    found = {each.name: each for each in moved(view_of(FIRST, edits=EDITS), language)}
    assert found[COST].old == interval_text(stated(assumed(COUNTY, COST)), assumed(COUNTY, COST),
                                            find_assumption(COST)[2], language)
    assert "9%" in found[COST].new and "× 1.3" in found[STAYS].new
    assert found[COST].reason == EDITS[1][1].reason
    assert all(each.clause and each.title for each in found.values())


# --- the screen -----------------------------------------------------------------------------------------

def opened(language="zh", **query):
    """The overview with the drawers of assumptions about care open."""
    at = app(language, scenario=FIRST, **query)
    at.session_state["in.assumptions"] = at.session_state["of.assumptions.utilisation"] = True
    return at.run()


def test_every_uncertain_assumption_has_a_slider_with_its_evidence():
    at = app("en", scenario=FIRST)
    at.session_state["in.assumptions"] = True
    for section in ranges.sections(COUNTY, view_of(FIRST)):
        at.session_state[f"of.assumptions.{section}"] = True
    at.run()
    assert not at.exception
    for name, given in uncertain(COUNTY.assumptions).items():
        widget = at.get_by_key(f"range.{name}")
        assert plain(clause(COUNTY, given.source, "en")) in widget.help
        assert plain(find_assumption(name)[2].help["en"]) in widget.help
        scale = ranges.travel(given, find_assumption(name)[2], stated(given), "en").divisor
        assert [end * scale for end in widget.value] == pytest.approx([stated(given).low, stated(given).high])
        assert widget.min <= min(widget.value) and max(widget.value) <= widget.max


@pytest.mark.parametrize("name", library())
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_slider_stays_within_what_is_declared_and_holds_its_interval(name, language):
    base = known(name)
    for assumption, given in uncertain(base.assumptions).items():
        term, ends = find_assumption(assumption)[2], stated(given)
        where = ranges.travel(given, term, ends, language)
        assert where.low <= ends.low <= ends.high <= where.high
        assert ranges.by_multiplier(given) or term.low <= where.low < where.high <= term.high
        assert 10 <= (where.high - where.low) / where.step <= ranges.FINE


def test_a_moved_range_moves_the_figures_and_can_be_given_a_reason_and_be_reset():
    at = opened()
    before = at.metric[0].value
    at.slider(key=f"range.{COST}").set_value((0.03, 0.08)).run()
    assert dict(at.session_state["view"].edits) == {COST: Interval(0.03, 0.055, 0.08)}
    assert at.metric[0].value != before
    at.text_input(key=f"why.{COST}").set_value("  本县调查 ").run()
    assert at.session_state["view"].assumed[0][1].reason == "本县调查"
    assert "本县调查" in to_query(at.session_state["view"], "zh")[COST]
    at.button(key=f"reset.{COST}").click().run()
    assert at.session_state["view"] == view_of(FIRST)
    assert at.metric[0].value == before


def test_uncertainty_switched_off_leaves_one_value_and_comes_back():
    at = opened("en")
    at.checkbox(key=f"uncertain.{COST}").uncheck().run()
    assert at.session_state["view"].assumed == ((COST, Interval(0.02, 0.02, 0.02)),)
    at.slider(key=f"value.{COST}").set_value(0.03).run()
    assert at.session_state["view"].assumed == ((COST, Interval(0.03, 0.03, 0.03)),)
    at.checkbox(key=f"uncertain.{COST}").check().run()
    assert at.session_state["view"].assumed == ((COST, Interval(-0.01, 0.03, 0.05)),)
    assert not at.exception and not at.warning


def test_an_end_between_two_steps_stays_where_it_is_when_the_other_moves():
    name, at = "behaviour.inpatient_elasticity", opened("en")
    at.session_state["of.assumptions.behaviour"] = True
    at.run()
    assert at.slider(key=f"range.{name}").value == (-0.517, -0.226)
    at.slider(key=f"range.{name}").set_value((-0.52, -0.1)).run()  # what a browser sends when the upper end is moved
    assert dict(at.session_state["view"].assumed)[name] == Interval(-0.517, -0.372, -0.1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_levers_puts_the_evidence_beside_the_range(language):
    at = app(language, scenario=FIRST)
    at.switch_page("ui/pages/levers.py")
    at.session_state["levers.tabs"] = phrases(language)["ranges.title"]
    at.session_state["wide.utilisation"] = True
    at.run()
    assert not at.exception
    said = "\n".join(words_of(at))
    given = assumed(COUNTY, COST)
    assert plain(clause(COUNTY, given.source, language)) in said
    at.number_input(key=f"median.{COST}").set_value(4.0).run()
    assert at.session_state["view"].assumed == ((COST, Interval(-0.01, 0.04, 0.05)),)
    at.number_input(key=f"median.{COST}").set_value(20.0).run()
    assert len(at.warning) == 2  # beyond the upper end: said at the top of the page and where it was typed
    assert at.session_state["view"].assumed == ((COST, Interval(-0.01, 0.04, 0.05)),)
    assert at.number_input(key=f"median.{COST}").value == 4.0


@pytest.mark.parametrize("page, key, name", [("levers", "levers.tabs", "ranges.title"),
                                             ("library", "shelf.tabs", "shelf.list_title")])
def test_the_open_tab_stays_open_while_the_language_changes(page, key, name):
    at = app("en").switch_page(f"ui/pages/{page}.py").run()
    at.session_state[key] = phrases("en")[name]
    at.run()
    at.session_state["lang"] = "zh"
    at.run()
    assert not at.exception and at.session_state[key] == phrases("zh")[name]


def test_what_is_searched_for_stays_while_its_reader_is_elsewhere():
    at = app("en").switch_page("ui/pages/levers.py").run()
    at.text_input(key="search").set_value("ceiling").run()
    at.switch_page("ui/pages/methods.py").run()
    at.switch_page("ui/pages/levers.py").run()
    assert not at.exception and at.text_input(key="search").value == "ceiling"


@pytest.mark.parametrize("language", LANGUAGES)
def test_exact_ends_can_be_typed_and_the_slider_keeps_step(language):
    at = app(language, scenario=FIRST)
    at.switch_page("ui/pages/levers.py")
    at.session_state["levers.tabs"] = phrases(language)["ranges.title"]
    at.session_state["wide.utilisation"] = True
    at.run()
    box = lambda end: at.number_input(key=f"{end}.{COST}")  # noqa: E731
    assert [box(end).value for end in ("low", "median", "high")] == [-1.0, 2.0, 5.0]
    box("low").set_value(0.123).run()
    assert at.session_state["view"].assumed == ((COST, Interval(0.00123, 0.02, 0.05)),)
    assert at.slider(key=f"range.{COST}").value == (0.00123, 0.05)
    box("high").set_value(1.5).run()  # below the central value, which moves between the ends
    assert at.session_state["view"].assumed == ((COST, Interval(0.00123, 0.008115, 0.015)),)  # half of 0.01623
    kept = at.session_state["view"]
    for value, said in ((0.01, {"zh": "低端 0.123% 高于高端 0.01%", "en": "0.123% is above the high end 0.01%"}),
                        (90.0, {"zh": "90% 超出范围；请填写 −30% 至 50%", "en": "give a value from −30% to 50%"})):
        box("high").set_value(value).run()
        assert len(at.warning) == 2 and all(said[language] in each.value for each in at.warning)
        assert at.session_state["view"] == kept and box("high").value == 1.5
    at.slider(key=f"range.{COST}").set_value((0.01, 0.03)).run()
    assert (box("low").value, box("high").value) == (1.0, 3.0) and not at.warning
    at.checkbox(key=f"uncertain.{COST}").uncheck().run()
    box("median").set_value(1.234).run()
    assert at.session_state["view"].assumed == ((COST, Interval(0.01234, 0.01234, 0.01234)),)
    assert not at.exception


# --- presets ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", library())
def test_presets_act_on_every_scenario_that_has_what_they_move(name):
    base = known(name)
    for preset in presets.offered().presets:
        edits = presets.canonical(preset, name, base.first_year)
        assert not isinstance(edits, BadInput) and edits, preset
        assert presets.in_force(view_of(name, edits=edits), edits)
        assert not presets.in_force(view_of(name), edits)


def test_a_preset_moves_what_it_says():
    view = view_of(FIRST, edits=presets.canonical("all_three", FIRST, 2026))
    edits = dict(view.edits)
    for lever, value in COUNTY.policy.financing.contribution.value["adult"].items():
        assert edits.get(f"financing.contribution.adult.{lever}", 0) == (value + 30 if value else 0)
    rates = {name: value for name, value in edits.items() if name.startswith("benefits.rate.")}
    assert rates
    for name, value in rates.items():
        was = next(each for lever, each, *_ in COUNTY.levers() if lever == name)
        assert value == pytest.approx(min(was + 0.05, 1)) and find_lever(name)[2][2] in COUNTY.axes.primary
    assert edits["payment.method.global_budget"] == 100
    assert all(presets.in_force(view, presets.canonical(name, FIRST, 2026))
               for name in ("contribution_30", "primary_5", "global_budget", "all_three"))


def test_an_epidemic_is_felt_in_the_first_year_and_fades():
    base, hit = (futures(scenario_of(view_of(FIRST, edits=edits)), 256, 1) for edits in (
        (), presets.canonical("epidemic", FIRST, 2026)))
    left = COUNTY.assumptions.shocks.admission_persistence.value ** np.arange(10)
    for field in ("frequency", "visits"):  # multiples of the first year's care, which is 1.2 times the scenario's
        gain = 1.2 * getattr(hit, field) / getattr(base, field)
        # 0.182 is the log of 1.2 to three digits: after many years care is back within 5e-4 of its trend
        assert gain == pytest.approx(np.tile(np.exp(np.log(1.2) * left), (256, 1)), rel=5e-4)
    stays = [scenario_of(view_of(FIRST, edits=edits)).assumptions.utilisation.admissions.value["adult"]
             for edits in ((), presets.canonical("epidemic", FIRST, 2026))]
    assert stays[1] == pytest.approx(1.2 * stays[0])


@pytest.mark.parametrize("name", ["urrbmi_county_2026", "guangxi_providers_2017", "city_pooling_2012"])
def test_a_higher_contribution_by_preset_is_paid_in_for_the_poor_too(name):
    """Thirty yuan more of the ordinary are thirty more of the poor, who pay nothing."""
    year = known(name).horizon()[-1]
    edits = presets.canonical("contribution_30", name, year)
    before, after = (simulate(scenario_of(view_of(name, year, some)).changed([
        Change(lever="responses.enrolment", year=year, value=0, source=Source(status="assumption"))]),
        16, engine="table").data.isel(area=0, year=-1) for some in ((), edits))
    paid, own = (after[item] - before[item] for item in ("assisted_income", "individual_income"))
    assert bool((paid > 0).all())
    np.testing.assert_allclose(paid / before["assisted_income"], own / before["individual_income"])


def test_a_preset_is_one_click_and_one_undo():
    at = app("en", scenario=FIRST)
    at.checkbox(key="preset.contribution_30").check().run()
    assert dict(at.session_state["view"].edits)["financing.contribution.adult.ordinary"] == 430
    assert at.slider(key="quick.contribution").value == 30
    at.checkbox(key="preset.epidemic").check().run()
    reasons = {interval.reason for _, interval in at.session_state["view"].assumed}
    assert reasons == {presets.offered().presets["epidemic"].title.en}
    assert at.checkbox(key="preset.epidemic").value and at.checkbox(key="preset.contribution_30").value
    at.button(key="undo_last").click().run()
    assert not at.checkbox(key="preset.epidemic").value
    at.checkbox(key="preset.contribution_30").uncheck().run()
    assert at.session_state["view"] == view_of(FIRST)
    assert not at.exception and not at.warning


def test_a_preset_that_finds_nothing_to_move_is_refused():
    nobody = COUNTY.model_copy(update={"axes": COUNTY.axes.model_copy(update={"primary": ()})})
    with pytest.raises(BadInput, match="has nothing for it to move"):
        presets.edits_of(presets.offered().presets["primary_5"], nobody, 2026)


def test_a_file_of_presets_is_checked():
    preset = presets.offered().presets["primary_5"]
    bad = presets.Presets(documents={}, presets={
        "a": preset.model_copy(update={"include": ("b",)}),
        "c": preset.model_copy(update={"source": Source(status="law", document="none")})})
    assert len(presets.check(bad, "x")) == 2
