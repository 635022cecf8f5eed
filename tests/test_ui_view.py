"""The view and its three forms: what differs from a scenario, as a link, as a file, and as the model's changes."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation import load_scenario
from simulation.loading import library
from simulation.moves import planned
from simulation.scenario import find_lever, lever_value
from simulation.terms import LANGUAGES, BadInput
from simulation.trees import leaves
from ui import packages, programmes
from ui.view import (
    FIRST,
    baseline,
    from_file,
    from_query,
    known,
    offered,
    scenario_of,
    to_file,
    to_query,
    view_of,
    with_edits,
)

OLD = "benxi_2008"  # no dated change of its own
DATED = "primary_standards_2025"  # many, of single levers and of whole branches
BASE = load_scenario(OLD)
LEVERS = {name: (value, term) for name, value, term, _ in BASE.levers()}
RATE = "benefits.rate.inpatient.adult.level_2"
CEILING = "benefits.ceiling"


def values(name: str) -> st.SearchStrategy:
    """Any value a lever may take."""
    term = find_lever(name)[3]
    if term.choices:
        return st.sampled_from(term.choices)
    numbers = st.one_of(st.floats(term.low, term.high), st.sampled_from([term.low, term.high]),
                        st.integers(math.ceil(term.low), math.floor(term.high)))
    return st.one_of(st.none(), numbers) if term.optional else numbers


@st.composite
def views(draw, scenario=OLD):
    """A view of a scenario with any levers moved to any place, from any year."""
    base = load_scenario(scenario)
    since = draw(st.sampled_from(base.horizon()))
    names = draw(st.lists(st.sampled_from(sorted(name for name, *_ in base.levers(since))), unique=True, max_size=6))
    return view_of(scenario, since, [(name, draw(values(name))) for name in names])


@given(views(), st.sampled_from(LANGUAGES))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_view_survives_the_address_bar_and_the_file(view, language):
    query = {name: [text] for name, text in to_query(view, language).items()}
    assert from_query(query) == (view, language, [])
    reread = from_file(to_file(view).encode(), "x.yaml")
    assert reread.edits == view.edits
    assert not view.edits or reread == view


@pytest.mark.parametrize("scenario", [OLD, DATED])
def test_a_view_holds_exactly_what_differs_and_every_edit_holds_from_its_year_on(scenario):
    base = load_scenario(scenario)

    @given(views(scenario))
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def holds(view):
        edited, edits = scenario_of(view), dict(view.edits)
        # As stated: a yearly rise moves what it rises from, which is no edit of that.
        found = dict(zip(base.horizon(), zip(edited.policies(), base.policies(), strict=True), strict=True))
        assert all(value != lever_value(base, name, view.since) for name, value in view.edits)
        for name, *_ in base.levers(view.since):
            for year, (now, was) in found.items():
                wanted = edits[name] if name in edits and year >= view.since else value_in(was, name)
                assert value_in(now, name) == wanted, (name, year)

    holds()


def value_in(policy, lever):
    """A lever's value in a policy; the same plain value on every leaf is that value."""
    section, name, path, _ = find_lever(lever)
    value = getattr(getattr(policy, section), name).value
    for key in path:
        value = value[key] if isinstance(value, dict) else value
    found = {leaf for _, leaf in leaves(value)}
    return found.pop() if len(found) == 1 else value


def test_an_edit_displaces_what_the_file_says_of_the_same_lever_later():
    base = load_scenario(DATED)
    change = next(change for change in base.changes if "." in change.lever and change.year > base.first_year + 1)
    lever, before = change.lever, lever_value(base, change.lever, change.year - 1)
    while isinstance(before, dict):
        lever, before = f"{lever}.{next(iter(before))}", before[next(iter(before))]
    value = next(value for value in (0.3, 0.4) if value not in (before, change.value))
    years = planned(base, lever, base.first_year)
    assert change.year in years
    scenario = scenario_of(view_of(DATED, change.year - 1, [(lever, value)]))
    assert {lever_value(scenario, lever, year) for year in range(change.year - 1, base.horizon()[-1] + 1)} == {value}
    later = scenario_of(view_of(DATED, base.horizon()[-1], [(lever, value)]))
    assert lever_value(later, lever, change.year) == lever_value(base, lever, change.year)


@pytest.mark.parametrize(("query", "sentence"), [
    ({"benefits.celing": "1"}, "benefits.ceiling"),
    ({"nonsense": "1"}, "unknown name"),
    ({RATE: "1.4"}, "1.4 is outside 0 to 1"),
    ({RATE: "nan"}, "nan is outside 0 to 1"),
    ({RATE: "sixty"}, "'sixty' is not a number"),
    ({RATE: "none"}, "is not a number"),
    ({CEILING: "9" * 400}, "outside"),
    ({"benefits.critical_base": "neither"}, "'neither' is not a choice"),
    ({"from": "1999"}, "use 2008 to 2017"),
    ({"from": "soon"}, "not a year"),
    ({"lang": "fr"}, "use zh or en"),
    ({"scenario": "../secrets"}, "no such scenario"),
    ({"scenario": "/etc/hosts"}, "no such scenario"),
    ({f"{RATE}.deeper.still.more": "0.5"}, "goes too deep"),
])
def test_a_bad_part_of_a_link_is_one_sentence_and_the_rest_stands(query, sentence):
    good = {} if CEILING in query else {CEILING: ["40000"]}
    view, _, faults = from_query({"scenario": [OLD]} | {name: [text] for name, text in query.items()} | good)
    assert len(faults) == 1
    assert sentence in faults[0].sentence("en")
    assert view.edits == tuple((name, int(text[0])) for name, text in good.items())


def test_what_messengers_add_to_a_link_is_passed_over():
    query = {"scenario": [OLD], "from": ["singlemessage", "2012"], CEILING: ["40000"],
             "isappinstalled": ["0"], "utm_source": ["x"]}
    assert from_query(query) == (view_of(OLD, 2012, [(CEILING, 40000)]), None, [])


def test_a_branch_spreads_to_its_leaves_and_a_leaf_may_be_split():
    assert len(view_of(OLD, edits=[("benefits.rate.inpatient", 0.42)]).edits) == 15
    split = view_of(OLD, edits=[("benefits.deductible.chronic.level_1", 300)])
    assert split.edits == (("benefits.deductible.chronic.level_1", 300),)
    assert with_edits(split, [("benefits.deductible.chronic.level_1", 400)]) == baseline(split)


@pytest.mark.parametrize(("content", "sentence"), [
    (b"base: benxi_2008\nbase: benxi_2008\nchanges: []\n", "this key is repeated"),
    (b"base: &a benxi_2008\nchanges: []\n", "anchors"),
    (b"base: benxi_2008\nchanges:\n  - {lever: benefits.celing, year: 2008, value: 1}\n", "mean benefits.ceiling"),
    (b"base: benxi_2008\nchanges:\n  - {lever: benefits.ceiling, year: 2008, value: -1}\n", "outside"),
    (b"base: benxi_2008\nchanges:\n  - {lever: benefits.ceiling, year: 1908, value: 1}\n", "not simulated"),
    (b"base: benxi_2008\nchanges:\n  - {lever: benefits.ceiling, year: 2008, vale: 1}\n", "did you mean value"),
    (b"base: nowhere\nchanges: []\n", "no such scenario"),
    (b"base: benxi_2008\nchanges:\n  - {lever: lines.surplus_ratio, year: 2008, value: 0.1}\n"
     b"  - {lever: lines.balance_ratio, year: 2009, value: 0.1}\n", "different years"),
    (b"base: benxi_2008\nchanges:\n  - {lever: lines.surplus_ratio, year: 2008, value: 0.1}\n"
     b"  - {lever: lines.surplus_ratio, year: 2008, value: 0.2}\n", "more than once"),
    (b"base: [benxi_2008\n", "not valid YAML"),
    (b"just words", "not a difference file"),
    (b"\xff\xfe\x00", "not UTF-8"),
    (b"x: " + b"a" * 1_000_001, "larger than"),
])
def test_a_bad_file_is_one_sentence(content, sentence):
    with pytest.raises(BadInput) as bad:
        from_file(content, "mine.yaml")
    assert any(sentence in fault.sentence("en") for fault in bad.value.faults)


# --- the scenarios on offer ---------------------------------------------------------------------------

def test_the_app_opens_on_the_county_of_2026_and_offers_every_scenario_by_year():
    names = offered()
    assert names[0] == FIRST == "urrbmi_county_2026"
    assert sorted(names) == library()
    years = [known(name).first_year for name in names[1:]]
    assert years == sorted(years)
    assert from_query({}) == (view_of(FIRST), None, [])


@pytest.mark.parametrize("name", library())
def test_a_link_to_any_scenario_opens_it(name):
    view, _, faults = from_query({"scenario": [name]})
    assert (view, faults) == (view_of(name), [])
    assert from_query({key: [text] for key, text in to_query(view, "zh").items()})[0] == view


def test_a_name_that_is_a_path_is_no_scenario():
    with pytest.raises(BadInput):
        known("../scenarios/benxi_2008")


# --- quick moves -------------------------------------------------------------------------------------

@given(st.integers(-20, 60), st.sampled_from([0, 1]))
@settings(max_examples=40, deadline=None)
def test_a_quick_move_is_its_edits_and_can_be_read_back(steps, which):
    package = packages.packages(BASE, BASE.first_year)[which]
    amount = max(package.low, min(package.high, steps * package.step))
    view = view_of(OLD, edits=packages.moved(package, amount))
    read = packages.position(package, dict(view.edits))
    assert packages.moved(package, read) == packages.moved(package, amount)


def test_quick_moves_reach_those_who_pay_and_primary_inpatient_care():
    contribution, primary = packages.packages(BASE, BASE.first_year)
    assert set(contribution.start) == {name for name in LEVERS if name.startswith("financing.contribution.")}
    assert set(primary.start) == {f"benefits.rate.inpatient.{group}.level_1" for group in BASE.axes.group}
    edits = {**dict(packages.moved(primary, 5)), f"benefits.rate.inpatient.{next(iter(BASE.axes.group))}.level_1": 0.1}
    assert packages.position(primary, edits) is None


# --- programmes: off, waiting, planned ----------------------------------------------------------------

def test_programmes_a_scenario_does_not_have_are_known_as_such():
    assert programmes.unused(OLD) == set(programmes.PROGRAMMES)
    assert "contracts" not in programmes.unused("nanning_family_doctor_2019")
    assert "pooling" not in programmes.unused("city_pooling_2012")
    assert "payment" not in programmes.unused("county_community_2024")
    assert not set(programmes.PROGRAMMES) & {"financing", "enrolment", "benefits", "lines", "responses"}


def test_a_lever_waits_until_what_it_needs_is_set():
    fee = find_lever("contracts.fee")[3]
    assert programmes.waits_for(view_of(OLD), fee) == ["contracts.coverage"]
    assert programmes.waits_for(view_of(OLD, edits=[("contracts.coverage.adult", 0.2)]), fee) == []
    assert programmes.waits_for(view_of(OLD), find_lever("benefits.ceiling")[3]) == []
    level = find_lever("payment.level")[3]
    assert programmes.waits_for(view_of(OLD), level) == ["payment.method"]
    assert programmes.waits_for(view_of(OLD, edits=[("payment.method.capitation", 1)]), level) == []


def test_a_lever_that_needs_one_choice_waits_under_any_other():
    rate, name = find_lever("pooling.adjustment_rate")[3], "city_pooling_2012"
    last = known(name).horizon()[-1]  # by then the city is one fund, and no adjustment fund is left to pay into
    assert programmes.waits_for(view_of(name, last), rate) == ["pooling.method"]
    assert programmes.waits_for(view_of(name), rate) == []  # it acts in some later year
    assert programmes.waits_for(view_of(name, last, [("pooling.method", "adjustment")]), rate) == []


def test_counties_that_keep_a_lever_for_themselves_are_named_until_there_is_one_policy():
    base = known("city_pooling_2012")
    rule = base.local_rules[0]
    assert rule.area in programmes.local(view_of(base.name), rule.lever)
    assert not programmes.local(view_of(base.name, base.horizon()[-1]), rule.lever)
    assert not programmes.local(view_of(OLD), RATE)
