"""Why scenarios differ and lines are crossed: parts that add up in whatever order, and drivers that are no noise."""

from __future__ import annotations

import json
import re
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from simulation import load_scenario, sentences, simulate
from simulation.__main__ import main
from simulation.compare import READ, compare
from simulation.drivers import BEHIND, DRIVERS, drivers, in_thirds, of_shocks, outer_thirds, shares, standard
from simulation.explain import (
    MANY,
    PAIRS,
    PARTS,
    TOTALS,
    along_orders,
    differing,
    every_order,
    in_groups,
    mixed,
    shapley,
    some_orders,
    waterfall,
)
from simulation.results import EVENTS
from simulation.runs import save_run
from simulation.scenario import Change, LocalRule, Scenario
from simulation.steps.utilisation import SHOCKS, dimensions
from simulation.terms import BadInput, Source
from tests.coarse import coarse

STATED = Source(status="assumption")
BENXI = load_scenario("benxi_2008").model_copy(update={"years": 6})
RATE, CEILING, PAID = "benefits.rate.inpatient", "benefits.ceiling", "financing.contribution.adult.ordinary"
THREE = {RATE: 0.85, CEILING: 60_000, PAID: 320}
DRAWS = 64
FITTED = np.ones(len(SHOCKS), bool)
HAN = "[\u4e00-\u9fff]"

fewer = pytest.fixture(autouse=True, scope="module")(coarse)


def reform(levers: dict[str, object], scenario: Scenario = BENXI, year: int = 2009) -> Scenario:
    return scenario.changed(Change(lever=lever, year=year, value=value, source=STATED)
                            for lever, value in levers.items())


def explained(a: Scenario, b: Scenario, of=("balance_end", "p_deficit"), **options):
    return waterfall(a, b, of, **{"draws": DRAWS, "seed": 1, "engine": "table"} | options)


@pytest.fixture(scope="module")
def three(fewer):
    return explained(BENXI, reform(THREE))


# ---- what adds up -------------------------------------------------------------------------------------------

def check_sums(found) -> None:
    """Parts to the change, and what each does alone and together to it too; only sums of rounded numbers differ."""
    keys = ["year", "quantity"]
    totals, parts = found.totals.set_index(keys), found.parts.groupby(keys)[["part", "alone", "interaction"]].sum()
    parts = parts.loc[totals.index]
    size = totals[["first", "last"]].abs().max(axis=1)
    assert ((parts["part"] - totals["change"]).abs() <= 1e-12 * size).all()
    assert ((totals["last"] - totals["first"] - totals["change"]).abs() <= 1e-12 * size).all()
    assert ((parts["alone"] + totals["interaction"] - totals["change"]).abs() <= 1e-12 * size).all()
    assert ((parts["interaction"] - totals["interaction"]).abs() <= 1e-12 * size).all()


def test_parts_add_up_to_the_difference_of_the_two_runs_in_yuan_and_in_chances(three) -> None:
    check_sums(three)
    a, b = (simulate(scenario, DRAWS, 1, "table").data for scenario in (BENXI, reform(THREE)))
    for name, values in (("balance_end", lambda data: data["balance_end"].values[:, :, 0]),
                         ("p_deficit", lambda data: data["surplus"].values[:, :, 0] < 0)):
        totals = three.totals[three.totals["quantity"] == name]
        assert_allclose(totals["first"], values(a).mean(axis=0), rtol=1e-12)
        # the year before the reform is that of the first: the table's nodes, which span all years, move it a little
        assert_allclose(totals["last"][1:], values(b).mean(axis=0)[1:], rtol=1e-12)
    assert list(three.totals.columns) == list(TOTALS) and list(three.parts.columns) == list(PARTS)
    assert list(three.groups) == ["financing.contribution", "benefits.rate", "benefits.ceiling"]
    assert (three.totals["change"][three.totals["year"] == 2008] == 0).all()


def test_parts_are_the_mean_over_all_orders_of_moving_the_levers(three) -> None:
    """Each order run by hand, lever after lever, and averaged."""
    steps: dict[str, list[float]] = {lever: [] for lever in THREE}
    for order in permutations(THREE):
        before, moved = BENXI, {}
        for lever in order:
            moved[lever] = THREE[lever]
            after = reform(moved)
            gap = [simulate(s, DRAWS, 1, "table").data["balance_end"][:, 5, 0].mean() for s in (before, after)]
            steps[lever].append(float(gap[1] - gap[0]))
            before = after
    parts = three.parts[(three.parts["quantity"] == "balance_end") & (three.parts["year"] == 2013)].set_index("group")
    for lever, gains in steps.items():
        (group,) = [name for name in parts.index if lever.startswith(name)]
        assert parts.loc[group, "part"] == pytest.approx(np.mean(gains), rel=1e-9)


def test_errors_are_those_of_the_comparison_also_of_what_was_never_seen(three) -> None:
    told = compare([BENXI, reform(THREE)], DRAWS, 1, "table", of=("balance_end", "p_deficit")).differences
    assert_allclose(three.totals.set_index(["quantity", "year"])["se"], told.set_index(["quantity", "year"])["se"],
                    rtol=1e-6)
    one = {RATE: THREE[RATE]}  # and what reading off the table leaves of a count
    told = compare([BENXI, reform(one)], DRAWS, 1, "table", of=("catastrophic",)).differences
    found = waterfall(BENXI, reform(one), "catastrophic", draws=DRAWS, seed=1, engine="table").totals
    assert_allclose(found["se"], told["se"], rtol=1e-6)
    assert found["se"].iloc[-1] >= READ["catastrophic"] * found["change"].abs().max()
    chances = three.parts[three.parts["quantity"] == "p_deficit"]
    assert chances["se"].min() == 1 / DRAWS and (chances["part"][chances["se"] == 1 / DRAWS] == 0).any()


def test_what_a_lever_does_alone_is_its_own_comparison_and_a_pair_is_told(three) -> None:
    alone = three.parts[(three.parts["group"] == "benefits.rate") & (three.parts["quantity"] == "balance_end")]
    a, b = (simulate(s, DRAWS, 1, "table").data["balance_end"][:, :, 0].mean("draw").values
            for s in (BENXI, reform({RATE: THREE[RATE]})))
    assert_allclose(alone["alone"][1:], (b - a)[1:], rtol=1e-9)
    assert alone["alone"].iloc[0] == 0
    assert list(three.pairs.columns) == list(PAIRS) and len(three.pairs) == 3 * 2 * 6
    pair = three.pairs[(three.pairs["quantity"] == "balance_end") & (three.pairs["year"] == 2013)].set_index(
        ["first", "second"])["interaction"]
    both = explained(BENXI, reform({RATE: THREE[RATE], CEILING: THREE[CEILING]}), year=2013)
    total = both.totals[both.totals["quantity"] == "balance_end"]["interaction"].item()
    assert pair["benefits.rate", "benefits.ceiling"] == pytest.approx(total, rel=1e-9)
    assert pair["benefits.rate", "benefits.ceiling"] < 0  # under a higher ceiling a higher rate costs more


def test_the_way_back_is_the_same_way(three) -> None:
    back = explained(reform(THREE), BENXI)
    keys = ["year", "quantity", "group"]
    there, here = (found.parts.set_index(keys)["part"].sort_index() for found in (three, back))
    assert_allclose(here, -there, rtol=1e-9, atol=1e-6)


# ---- Shapley values -----------------------------------------------------------------------------------------

def test_shapley_values_obey_their_axioms() -> None:
    draw = np.random.Generator(np.random.Philox(3))
    worth = {coalition: draw.normal(size=(2, 3)) for coalition in range(16)}
    part = shapley(4, worth)
    assert_allclose(part.sum(axis=0), worth[15] - worth[0])
    orders = [(0, *(sum(1 << g for g in order[:n + 1]) for n in range(4))) for order in permutations(range(4))]
    assert_allclose(along_orders(4, worth, orders).mean(axis=0), part)
    # who adds nothing to any coalition gets nothing; two who add the same get the same
    idle = {coalition: worth[coalition & ~1] for coalition in worth}
    assert_allclose(shapley(4, idle)[0], 0, atol=1e-15)
    twins = {coalition: np.array(float((coalition & 3).bit_count() * (1 + (coalition >> 2)))) for coalition in worth}
    assert_allclose(*shapley(4, twins)[:2])


def test_orders_are_sampled_forwards_and_backwards_and_reach_every_group() -> None:
    paths = some_orders(7, 6, 1)
    assert len(paths) == 6 and paths == some_orders(7, 6, 1) != some_orders(7, 6, 2)
    for there, back in zip(paths[::2], paths[1::2], strict=True):
        assert there[0] == 0 and there[-1] == 127 and len(there) == 8
        assert [127 - coalition for coalition in back[::-1]] == list(there)
    assert every_order(3) == [tuple(range(8))]


def test_sampled_orders_add_up_too_and_say_how_sure_they_are(three) -> None:
    found = explained(BENXI, reform(THREE), orders=4)
    check_sums(found)
    assert found.facts["orders"] == 4 and three.facts["orders"] is None and len(found.pairs) == 0
    assert (three.parts["se_orders"] == 0).all() and (found.parts["se_orders"] > 0).any()
    off = (found.parts["part"] - three.parts["part"]).abs()
    # two samples of orders: within ten of their errors, and what is certain for the orders is right
    sure = found.parts["se_orders"] == 0
    size = found.totals.groupby("quantity")["change"].transform(lambda change: change.abs().max()).max()
    assert (off[~sure] <= 10 * found.parts["se_orders"][~sure] + 1e-9 * size).all()
    assert explained(BENXI, reform(THREE), orders=1).parts["se_orders"].isna().all()
    odd = explained(BENXI, reform(THREE), orders=3)
    assert odd.facts["orders"] == 4 and odd.parts.equals(found.parts)  # a single order is no pair
    assert explained(BENXI, reform(THREE), orders=5).parts.equals(three.parts)  # there are no more


# ---- what differs -------------------------------------------------------------------------------------------

def test_only_levers_whose_value_differs_are_moved() -> None:
    assert differing(BENXI, BENXI) == []
    spelt = {f"lines.{name}": getattr(BENXI.policy.lines, name).value for name in ("surplus_ratio", "balance_ratio")}
    assert differing(BENXI, reform(spelt)) == []  # said again, and the same
    rate = {f"{RATE}.{group}": 0.5 for group in BENXI.axes.group}
    assert differing(reform({RATE: 0.5}), reform(rate)) == []  # written otherwise, and the same
    assert differing(BENXI, reform(THREE)) == ["financing.contribution", "benefits.rate", "benefits.ceiling"]
    with pytest.raises(BadInput) as caught:
        explained(BENXI, reform(spelt))
    assert "same rules" in caught.value.faults[0].what.en


def test_a_dated_change_is_moved_with_its_date() -> None:
    early, late = reform({CEILING: 60_000}), reform({CEILING: 60_000}, year=2011)
    found = explained(early, late, "expenditure")
    assert list(found.groups) == ["benefits.ceiling"]
    change = found.totals.set_index("year")["change"]
    assert (change.loc[2009:2010] < 0).all() and (change.loc[2011:].abs() < 1e-6 * found.totals["first"].max()).all()


def test_mixing_every_lever_gives_the_second_rule_book() -> None:
    city = load_scenario("city_pooling_2012")
    area = list(city.axes.area)[0]
    rule = LocalRule(area=area, lever="benefits.ceiling", value=50_000, source=STATED)
    other = reform({"benefits.rate.inpatient": 0.5, "pooling.method": "full"}, city, 2013).model_copy(
        update={"local_rules": (*city.local_rules, rule)})
    levers = differing(city, other)
    assert "benefits.ceiling" in levers and "pooling.method" in levers
    whole = mixed(city, other, levers)
    assert whole.policy == other.policy and whole.changes == other.changes
    key = lambda rule: (rule.area, rule.lever)  # noqa: E731
    assert sorted(whole.local_rules, key=key) == sorted(other.local_rules, key=key)
    assert mixed(city, other, []).policies() == city.policies()
    part = mixed(city, other, ["pooling.method"])
    assert part.policy_in(2013).pooling.method.value == "full"
    assert part.policy_in(2013).benefits == city.policy_in(2013).benefits and part.local_rules == city.local_rules


def test_assumptions_that_differ_are_a_group_of_their_own() -> None:
    use = BENXI.assumptions.utilisation
    dearer = reform({CEILING: 60_000}).model_copy(update={"assumptions": BENXI.assumptions.model_copy(update={
        "utilisation": use.model_copy(update={"cost_growth": use.cost_growth.model_copy(update={
            "value": use.cost_growth.value + 0.005})})})})
    found = explained(BENXI, dearer, "expenditure", year=2013)
    check_sums(found)
    assert list(found.groups) == ["benefits.ceiling", "assumptions"]
    assert (found.parts["part"] > 0).all() and found.titles["assumptions"].zh == "假设"


def test_levers_are_grouped_as_asked() -> None:
    names = ["benefits.rate", "benefits.ceiling", "financing.subsidy"]
    assert in_groups(names, None) == {name: (name,) for name in names}
    assert in_groups(names, "section") == {"benefits": tuple(names[:2]), "financing": (names[2],)}
    assert list(in_groups([f"benefits.x{n}" for n in range(MANY + 1)], None)) == ["benefits"]
    found = explained(BENXI, reform(THREE), groups={"care": ["benefits"]}, year=2013)
    check_sums(found)
    assert set(found.groups) == {"care", "financing.contribution"} and found.facts["runs"] == 4
    for groups in ({"a": ["benefits"], "b": ["benefits.rate"]}, "colour", {"a": ["benefits.colour"]},
                   {"a": ["benefits.rate.inpatient"]}):
        with pytest.raises(BadInput):
            in_groups(names, groups)


def test_rule_books_that_cannot_be_mixed_are_refused() -> None:
    axes = BENXI.axes.model_copy(update={"primary": BENXI.axes.primary[:0]})
    for other, said in ((BENXI.model_copy(update={"axes": axes}), "divides people or providers"),
                        (BENXI.model_copy(update={"years": 3}), "covers 2008-2010")):
        with pytest.raises(BadInput) as caught:
            explained(BENXI, other)
        assert said in caught.value.faults[0].what.en
    for wrong in ({"year": 1990}, {"of": "colour"}, {"orders": 0}):
        with pytest.raises(BadInput):
            explained(BENXI, reform(THREE), **wrong)


def test_coalitions_travel_as_plain_data(three) -> None:
    def over_the_wire(work, items):
        return [json.loads(json.dumps(work(json.loads(json.dumps(item))))) for item in items]

    done: list[float] = []
    far = explained(BENXI, reform(THREE), mapped=over_the_wire, progress=done.append)
    pd.testing.assert_frame_equal(far.parts, three.parts, check_exact=True)
    assert done[-1] == 1.0 and done == sorted(done) and len(done) == 8


def test_runs_already_made_are_not_run_again(three) -> None:
    ends = [simulate(scenario, DRAWS, 1, "table") for scenario in (BENXI, reform(THREE))]
    done: list[float] = []
    found = explained(*ends, engine="auto", progress=done.append)
    pd.testing.assert_frame_equal(found.parts, three.parts, rtol=1e-12)
    assert len(done) == 6 and found.facts["engine"] == "table"  # of eight coalitions two are the ends


# ---- drivers ------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def driven(fewer):
    return drivers(BENXI, draws=1024, seed=1, engine="table")


def test_every_driver_of_every_event_and_year_has_its_row(driven) -> None:
    frame, known = driven.frame, [name for name in dimensions(BENXI) if "." in name]
    assert list(frame.columns) == list(DRIVERS)
    assert len(frame) == len(EVENTS) * 6 * (len(known) + len(SHOCKS)) and set(BEHIND) == set(EVENTS)
    assert set(frame["driver"]) == {*known, *SHOCKS} == set(driven.titles)
    assert frame[["low", "high"]].stack().between(0, 1).all() and frame["share"].between(0, 1).all()
    result = simulate(BENXI, 1024, 1, "table")
    chance = frame[(frame["event"] == "p_deficit") & (frame["rank"] == 1)].set_index("year")["chance"]
    assert_allclose(chance, (result.data["surplus"].values[:, :, 0] < 0).mean(axis=0))
    pd.testing.assert_frame_equal(drivers(result).frame, frame)


def test_thirds_are_those_of_the_draws(driven) -> None:
    """The chance of a deficit in 2013 in the outer thirds of the growth of admissions, reckoned by hand."""
    name = "utilisation.admission_growth"
    known, z = standard(BENXI, 1024, 1)
    order = z[:, known.index(name)].argsort()
    deficit = simulate(BENXI, 1024, 1, "table").data["surplus"].values[:, 5, 0] < 0
    row = driven.frame.query("event == 'p_deficit' and year == 2013 and driver == @name").iloc[0]
    assert (row["low"], row["high"]) == (deficit[order[:341]].mean(), deficit[order[-341:]].mean())
    assert row["told"] and row["rank"] == 1 and row["kind"] == "assumption"


def test_directions_are_those_of_the_account(driven) -> None:
    """More and dearer care makes deficits likelier, and hoarding less so; a fuller purse does the opposite."""
    last = driven.frame[driven.frame["year"] == 2013].set_index(["event", "driver"])["difference"]
    for name in ("utilisation.cost_growth", "utilisation.admissions", "cost", "admissions"):
        assert last["p_deficit", name] > 0 > last["p_balance_over", name]
    assert last["p_balance_over", "funding"] > 0 or not driven.frame.query("driver == 'funding'")["told"].any()


def test_shocks_of_later_years_are_no_driver_and_noise_is_not_told(driven) -> None:
    """What is drawn but moves nothing is found not to: one driver in twenty events and years would be luck."""
    draw = np.random.Generator(np.random.Philox(5))
    z, values = draw.standard_normal((1024, 2 + 5 * 10)), draw.standard_normal(1024)
    scores = of_shocks(z, 2, 9, values)
    share, se = shares(scores, values, FITTED)
    assert (share < 0.02).all()  # a line of ten years fitted to noise would find a hundredth of itself
    fitted = np.linalg.lstsq(z[:, 2:12], values, rcond=None)[0]
    assert shares((z[:, 2:12] @ fitted)[:, None], values, FITTED[:1])[0] > share.max() / 5
    # an assumption that moves nothing in this scenario
    idle = [name for name in driven.titles if name.startswith("behaviour.") and (
        driven.frame[driven.frame["driver"] == name]["share"] < 0.01).all()]
    told = driven.frame[driven.frame["driver"].isin(idle)]["told"]
    assert len(idle) >= 1 and told.mean() < 0.05


@pytest.mark.parametrize("years", [1, 4, 10])
def test_shocks_that_do_nothing_are_as_far_from_nothing_as_their_errors_say(years) -> None:
    """The two halves, each scored by the other, err together: taken for independent the spread was 1.3."""
    draw = np.random.Generator(np.random.Philox(11))
    t = []
    for _ in range(200):
        z = draw.standard_normal((256, 1 + len(SHOCKS) * years))
        found = in_thirds(z[:, 0] > 0, outer_thirds(of_shocks(z, 1, years - 1, z[:, 0])), 1.0, FITTED)
        t.append(found["difference"] / found["se"])
    assert 0.85 < np.std(t) < 1.1  # of a thousand; Student's t with 15 degrees of freedom has 1.07
    assert np.mean(np.abs(t) > 2.131) < 0.065  # 5 % stated: two of its errors


def test_the_shares_of_a_known_line_are_found() -> None:
    draw = np.random.Generator(np.random.Philox(7))
    x = draw.standard_normal((4096, 2))
    share, se = shares(x, 3 * x[:, 0] + 4 * x[:, 1] + 5, ~FITTED[:2])
    assert (np.abs(share - [0.36, 0.64]) < 4 * se).all() and (se < 0.05).all()
    z = draw.standard_normal((4096, 1 + 5 * 4))  # one assumption, five kinds of shock in four years
    values = -2.0 * z[:, 1 + 4 * 1] - 1.0 * z[:, 2 + 4 * 1]  # the second kind, in its first two years
    scores = of_shocks(z, 1, 3, values)
    assert np.corrcoef(scores[:, 1], values)[0, 1] < -0.999  # upwards is more of the shock
    assert shares(scores, values, FITTED)[0][[0, 2, 3, 4]].max() < 0.01


@pytest.mark.parametrize("language", ["en", "zh"])
def test_sentences_name_the_year_the_chance_and_the_drivers_that_stand_out(driven, language) -> None:
    rows = driven.frame.query("event == 'p_deficit' and year == 2013")
    text = sentences.crossing(rows, driven.titles, 1024)[language]
    first, last = rows.iloc[0], rows.iloc[-1]
    assert "2013" in text and EVENTS["p_deficit"][language] in text
    for value in (first["chance"], first["high"], first["low"], first["share"]):
        assert sentences.amount(value, "share", signed=False)[language] in text
    assert driven.titles[first["driver"]][language] in text and not last["told"]
    assert driven.titles[last["driver"]][language] not in text
    assert bool(re.search(HAN, text)) == (language == "zh")
    early = driven.frame.query("event == 'p_insolvent' and year == 2008")
    assert early["chance"].iloc[0] == 0
    text = sentences.crossing(early, driven.titles, 1024)[language]
    assert "1,024" in text and not any(title[language] in text for title in driven.titles.values())


def test_few_draws_and_unknown_events_are_refused() -> None:
    for wrong in ({"draws": 64}, {"events": ("p_rain",)}):
        with pytest.raises(BadInput) as caught:
            drivers(BENXI, **wrong)
        assert caught.value.faults[0].remedy.zh


# ---- the commands -------------------------------------------------------------------------------------------

def test_the_command_explains_a_reform(tmp_path, capsys) -> None:
    asked = ["explain", "benxi_2008", "--with", f"{RATE}@2009=0.8,{CEILING}@2009=60000,{PAID}=300", "--of", "p_deficit",
             "--draws", "64", "--engine", "table", "--year", "2013"]
    assert main([*asked, "--json", "--out", str(tmp_path / "parts.csv")]) == 0
    data = json.loads(capsys.readouterr().out)
    parts = pd.DataFrame(data["parts"])
    sums = parts.groupby("year")["part"].sum()
    assert_allclose(sums, pd.DataFrame(data["totals"]).set_index("year")["change"], atol=1e-12)
    assert len(pd.read_csv(tmp_path / "parts.csv")) == len(parts)
    for language in ("en", "zh"):
        assert main([*asked, "--lang", language]) == 0
        text = capsys.readouterr().out
        assert all(title[language] in text for title in sentences_titles()) and "2013" in text
        assert bool(re.search(HAN, text)) == (language == "zh")
    for wrong in (["benxi_2008"], ["benxi_2008", "benxi_2008"], ["benxi_2008", "--with", "lines.surplus_ratio=0.15"],
                  ["benxi_2008", "--with", f"{CEILING}=60000", "--of", "colour"],
                  ["benxi_2008", "--with", f"{CEILING}=60000", "--orders", "many"]):
        assert main(["explain", *wrong, "--draws", "16"]) == 2
        assert "Traceback" not in capsys.readouterr().err


def sentences_titles():
    """The titles of the three levers moved on the command line."""
    policy = type(BENXI.policy)
    return [policy.model_fields[section].annotation.terms()[name].title for section, name in (
        ("benefits", "rate"), ("benefits", "ceiling"), ("financing", "contribution"))]


def test_the_command_names_drivers(tmp_path, capsys) -> None:
    asked = ["drivers", "benxi_2008", "--of", "p_deficit", "--draws", "512", "--engine", "table"]
    assert main([*asked, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert {row["event"] for row in data["drivers"]} == {"p_deficit"} and data["facts"]["draws"] == 512
    for language in ("en", "zh"):
        assert main([*asked, "--lang", language, "--year", "2014", "--out", str(tmp_path / "x.csv")]) == 0
        text = capsys.readouterr().out
        assert text.count("\n") == 1 and "2014" in text and bool(re.search(HAN, text)) == (language == "zh")
    assert set(pd.read_csv(tmp_path / "x.csv")["year"]) == {2014}
    save_run(simulate("benxi_2008", 256, 1, "table"), tmp_path / "run")
    assert main(["drivers", str(tmp_path / "run"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["facts"]["draws"] == 256
    for wrong in (["--draws", "32"], ["--of", "p_rain"], ["--year", "1990"]):
        assert main([*asked, *wrong]) == 2
        assert "Traceback" not in capsys.readouterr().err
