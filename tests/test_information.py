"""The worth of information: the closed form where there is one, nothing from noise, and losses that keep accounts."""

import json
from functools import cache

import numpy as np
import pytest
from scipy.stats import norm

from simulation import load_scenario, simulate
from simulation.__main__ import main
from simulation.assumptions import uncertain
from simulation.information import (
    OPTIONS,
    PARTS,
    PRESENT,
    VALUES,
    WEIGHED,
    advice,
    error_of_mean,
    information,
    known_first,
    parts_of,
)
from simulation.scenario import Change
from simulation.streams import sobol_normals
from simulation.terms import BadInput
from tests.coarse import coarse

COUNTY = "urrbmi_county_2026"
DRAWS = 4096

fewer = pytest.fixture(autouse=True, scope="module")(coarse)  # what is compared does not depend on how many there are


def unit_loss(mean, sd):
    """Expected gain from choosing by the sign of a normal instead of by its mean: the unit normal loss integral."""
    return sd * norm.pdf(mean / sd) - abs(mean) * norm.cdf(-abs(mean) / sd)


def gap(mean, explained, seed=1):
    """Losses of two options whose difference is a normal of sd 1 of which one normal explains a part; and normals."""
    z = sobol_normals(3, DRAWS, seed)
    return np.column_stack([np.zeros(DRAWS), mean + explained * z[:, 0] + np.sqrt(1 - explained**2) * z[:, 1]]), z


@pytest.mark.parametrize(("mean", "explained"), [(0.0, 0.9), (0.3, 0.8), (0.5, 0.6), (1.0, 0.7)])
def test_two_options_with_a_normal_difference_are_worth_the_unit_normal_loss(mean, explained):
    loss, z = gap(mean, explained)
    worth = known_first(loss, z[:, [0]], 0)
    se = error_of_mean(worth.saved)
    assert se < 0.02
    assert worth.saved.mean() == pytest.approx(unit_loss(mean, explained), abs=4 * se)


def test_wrong_decisions_left_are_those_of_two_correlated_normals():
    """With no difference expected, the choice by what is known is wrong in the share arccos(rho)/pi of futures."""
    for explained in (0.6, 0.9):
        loss, z = gap(0.0, explained)
        wrong = known_first(loss, z[:, [0]], 0).wrong.mean()
        assert wrong == pytest.approx(np.arccos(explained) / np.pi, abs=0.02)  # 3 sd of a share at 4,096 draws


def test_what_tells_nothing_is_worth_nothing():
    for mean in (0.02, 0.3):
        loss, z = gap(mean, 0.9)
        worth = known_first(loss, z[:, [2]], 0)
        assert abs(worth.saved.mean()) <= 3 * error_of_mean(worth.saved) + 1e-9


def test_noise_is_not_taken_for_information():
    """Fitted and judged on the same draws, what tells nothing would be worth something in every repetition."""
    found = []
    for seed in range(20):
        loss, z = gap(0.0, 0.0, seed)
        found.append(known_first(loss, z[:, [2]], 0).saved.mean())
    assert np.mean(found) == pytest.approx(0, abs=4 * np.std(found) / np.sqrt(20))
    assert min(found) < 0


def test_a_turn_that_is_no_straight_line_is_found():
    """The difference is lowest in the middle: the square of a normal less 1 is below 0 in 68 % of futures."""
    z = sobol_normals(1, DRAWS, 1)
    worth = known_first(np.column_stack([np.zeros(DRAWS), z[:, 0] ** 2 - 1]), z, 0)
    assert worth.saved.mean() == pytest.approx(2 * norm.pdf(1), abs=0.01)  # the mean of max(1 - z^2, 0)


def test_two_normals_are_worth_what_their_product_decides():
    z = sobol_normals(2, DRAWS, 1)
    loss = np.column_stack([np.zeros(DRAWS), z[:, 0] * z[:, 1]])
    assert known_first(loss, z, 0).saved.mean() == pytest.approx(1 / np.pi, abs=0.02)  # half of E|z1 z2| = 2/pi
    alone = known_first(loss, z[:, [0]], 0).saved
    assert abs(alone.mean()) <= 3 * error_of_mean(alone) + 1e-9


# --- the model --------------------------------------------------------------------------------------

def option(lever, value, base=COUNTY):
    scenario = load_scenario(base)
    return scenario.changed([Change(lever=lever, year=scenario.first_year, value=value, source=WEIGHED)])


@cache
def found():
    return information(COUNTY, {"dearer": option("financing.contribution_step", 40),
                                "lower": option("benefits.ceiling", 60000)}, draws=1024)


def test_a_transfer_is_no_loss():
    """Residents, government and the reserve pay what the fund and what government spend, whoever brings the money."""
    run = simulate(COUNTY, 64, engine="table")
    parts = parts_of(run, 0.0)
    of = lambda name: run.data[name].values[:, :, 0].sum(axis=1)  # noqa: E731
    brought = parts["contributions"] + parts["public"] + parts["reserve"]
    spent = of("expenditure") - of("interest") - of("other_income") + of("account_in")
    beside = of("assistance") + of("special_fund") + of("contract_fee_by_payer")[:, [0, 2]].sum(axis=1)
    assert beside.min() > 0 and brought == pytest.approx(spent + beside, rel=1e-9)


def test_what_lies_outside_the_band_counts_at_its_worst():
    run = simulate(COUNTY, 64, engine="table")
    parts = parts_of(run, 0.0)
    balance = run.data["balance_end"].values[:, :, 0]
    assert parts["missing"] == pytest.approx(np.maximum(-balance.min(axis=1), 0))
    share = run.data["balance_ratio"].values[:, :, 0] - run.data["balance_line"].values
    assert ((parts["idle"] > 0) == (share > 0).any(axis=1)).all()
    later = parts_of(run, 0.05)
    assert (later["public"] < parts["public"]).all() and (later["missing"] <= parts["missing"]).all()


def test_the_table_of_options_adds_up():
    table = found().options.set_index("option")
    assert list(found().options) == list(OPTIONS) and list(table.index) == [PRESENT, "dearer", "lower"]
    assert table[list(PARTS)].sum(axis=1).to_numpy() == pytest.approx(table["loss"].to_numpy(), rel=1e-9)
    assert table["loss"].idxmin() == found().chosen and table.loc[found().chosen, "difference"] == 0
    assert table["best"].sum() == pytest.approx(1) and (table["difference"] >= 0).all()
    assert found().wrong == pytest.approx(1 - table.loc[found().chosen, "best"], abs=0.02)  # ties are not wrong


def test_no_option_takes_the_name_of_the_current_plan():
    plan = load_scenario(COUNTY)
    with pytest.raises(BadInput, match="what the current plan is called"):
        information(plan, {PRESENT: plan}, draws=64)


def test_nothing_is_worth_more_than_a_perfect_forecast():
    values = found().values
    by = values.set_index("factor")
    perfect = by.loc["everything", "value"]
    assert list(values) == list(VALUES) and perfect > 0 and by.loc["everything", "wrong"] == 0
    assert (values["value"] <= perfect).all() and values["value"].is_monotonic_decreasing
    assert by.loc["parameters", "value"] > by[by["kind"] == "assumption"]["value"].max()
    assert by["share"].to_numpy() == pytest.approx(by["value"].to_numpy() / perfect)
    assert set(by[by["kind"] == "assumption"].index) == set(uncertain(load_scenario(COUNTY).assumptions))
    assert by["avoided"].to_numpy() == pytest.approx(found().wrong - by["wrong"].to_numpy())


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_advice_names_the_statistic_its_worth_and_what_it_rests_on(language):
    told = [line[language] for line in advice(found())]
    single = found().values[(found().values["kind"] == "assumption") & found().values["told"]]
    assert len(single) >= 2
    for line, row in zip(told[1:3], single.head(2).itertuples(), strict=True):
        assert getattr(row, f"title_{language}") in line and getattr(row, f"source_{language}") in line


def test_a_decision_nothing_can_change_says_so():
    same = information(COUNTY, {"same": load_scenario(COUNTY)}, draws=64)
    assert same.chosen == PRESENT and same.wrong == 0 and not same.values["told"].any()
    assert "none of them" in " ".join(line.en for line in advice(same))


def test_a_choice_that_draws_cannot_tell_says_so():
    one = found()
    close = one._replace(options=one.options.assign(se=one.options["difference"]))
    said = advice(close)[1]
    assert one.chosen == "dearer" and "keeping the current plan" in said.en and "维持当前方案" in said.zh
    assert "lower" in said.en and "lower" in said.zh and "dearer" not in said.en
    assert "cannot be told" in said.en and "cannot be told" not in advice(one)[1].en


def test_weights_move_the_choice():
    """Where only what residents pay in counts, nobody would pay more; where only what is missing counts, all would."""
    dearer = {"dearer": option("financing.contribution_step", 60)}
    nothing = dict.fromkeys(PARTS, 0)
    for part, chosen in (("contributions", PRESENT), ("missing", "dearer")):
        assert information(COUNTY, dearer, nothing | {part: 1}, draws=128).chosen == chosen


def test_the_answer_is_the_same_elsewhere():
    def elsewhere(function, tasks):
        for task in tasks:
            yield json.loads(json.dumps(function(json.loads(json.dumps(task)))))

    asked = {"options": {"dearer": option("financing.contribution_step", 40)}, "draws": 64}
    here, there = information(COUNTY, **asked), information(COUNTY, **asked, mapped=elsewhere)
    assert here.values.equals(there.values) and here.options.equals(there.options)


@pytest.mark.parametrize("wrong", [{"options": {}}, {"options": {"other": load_scenario("benxi_2008")}},
                                   {"weights": {"beauty": 1}}, {"weights": {"care": -1}},
                                   {"weights": {"care": float("nan")}}, {"discount": -0.1}, {"draws": 1}])
def test_what_cannot_be_weighed_is_refused(wrong):
    with pytest.raises(BadInput) as bad:
        information(COUNTY, **{"options": {"lower": option("benefits.ceiling", 60000)}} | wrong)
    assert bad.value.faults[0].what.zh and bad.value.faults[0].remedy.en


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_command_ranks_what_to_collect(language, capsys):
    edits = "financing.contribution_step=40,benefits.ceiling=300000"
    asked = ["information", COUNTY, "--option", edits, "--draws", "64"]
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["option"] for row in told["options"]] == [PRESENT, edits]
    assert {"chosen", "wrong", "values", "advice"} <= set(told)
    assert main([*asked, "--weight", "public=1.2", "--lang", language]) == 0
    assert " nan" not in capsys.readouterr().out
    for bad in ([], ["--option", "financing.contribution_step"], ["--option", "a.b=1"],
                [*asked[2:], "--weight", "care"], [*asked[2:], "--discount", "much"]):
        assert main([*asked[:2], *bad, "--lang", language]) == 2
        assert capsys.readouterr().err.strip()
