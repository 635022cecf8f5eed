"""Tornado and Sobol indices: right on functions whose indices are known, and on the model what its runs say."""

import json
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import binom, norm

from simulation import load_scenario, simulate, variance
from simulation.__main__ import main
from simulation.assumptions import Z95, drawn, uncertain
from simulation.measures import chances
from simulation.scenario import Change
from simulation.sensitivity import (
    FEWEST,
    INDICES,
    TORNADO,
    blocks,
    estimate,
    factors_of,
    held,
    mixed,
    outcomes,
    sensitivity,
    singles,
    title_of,
)
from simulation.steps.utilisation import correlations, dimensions
from simulation.streams import correlation_root, sobol_normals
from simulation.terms import BadInput, Source
from tests.coarse import coarse

COUNTY, OLD = "urrbmi_county_2026", "benxi_2008"
FEW = {"draws": 64, "seed": 7}

fewer = pytest.fixture(autouse=True, scope="module")(coarse)  # what is compared does not depend on how many there are


def indices_of(function, groups, wide, draws, seed=1):
    """Indices of a function of normals (n, column) by the way the model's are estimated."""
    runs = [function(mixed(wide, draws, seed, columns)) for columns in ([], range(wide), *groups)]
    return estimate(runs[0], runs[1], np.stack(runs[2:]))


def ishigami(z):
    x = np.pi * (2 * ndtr(z) - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


# First-order and total indices of the Ishigami function with a = 7 and b = 0.1, from its variances in closed form.
V = 0.5 + 7**2 / 8 + 0.1 * np.pi**4 / 5 + 0.1**2 * np.pi**8 / 18
FIRST = np.array([0.5 * (1 + 0.1 * np.pi**4 / 5) ** 2, 7**2 / 8, 0]) / V
TOTAL = FIRST + np.array([1, 0, 1]) * (0.1**2 * np.pi**8 * 8 / 225) / V


def test_indices_of_the_ishigami_function_are_the_known_ones():
    found = indices_of(ishigami, [[0], [1], [2]], 3, 4096)
    for value, se, truth in ((found.first, found.first_se, FIRST), (found.total, found.total_se, TOTAL)):
        assert (se < 0.03).all()
        assert np.abs(value - truth) == pytest.approx(0, abs=4 * se.max())  # four standard errors: 1 in 1,000 at t15


def test_a_group_has_the_index_of_all_its_columns_together():
    """Of the first and third input together the closed index is all but what the second brings by itself."""
    found = indices_of(ishigami, [[0, 2], [1]], 3, 4096)
    assert found.first == pytest.approx([1 - FIRST[1], FIRST[1]], abs=4 * found.first_se.max())
    assert found.total == pytest.approx([1 - FIRST[1], FIRST[1]], abs=4 * found.total_se.max())


def test_an_additive_function_has_shares_that_add_up_and_intervals_that_cover():
    weights = np.array([3.0, 2.0, 1.0, 0.5])
    truth = weights**2 / (weights**2).sum()
    covered, runs = 0, 50
    for seed in range(runs):
        found = indices_of(lambda z: z @ weights, [[0], [1], [2], [3]], 4, 256, seed)
        wide = 2.131 * found.first_se[0]  # the 97.5 % point of t with 15 degrees of freedom
        covered += abs(found.first[0] - truth[0]) <= wide
        assert found.total.sum() == pytest.approx(1, abs=0.2)  # 256 points; the spread seen was 0.05
    # An interval of 95 % that covered less often than this would be found out with a chance of 999 in 1,000.
    assert covered >= binom.ppf(0.001, runs, 0.95)
    assert found.total.argmax() == 0


def test_what_does_not_vary_has_no_index():
    flat = np.full(64, 5.0)
    assert np.isnan(estimate(flat, flat, np.stack([flat, flat]))).all()


def rare(likely):
    """An event of which two normals of weights 1 and 0.7 decide together."""
    return lambda z: (z @ [1.0, 0.7] > norm.isf(likely) * np.hypot(1.0, 0.7)).astype(float)


def test_indices_of_a_rare_event_are_one_ratio_of_sums_over_all_draws():
    """Scramblings in which neither sample holds the event are told the more by their mixtures."""
    f, wide = rare(0.016), 1024
    a, b, *ab = (f(mixed(2, wide, 5, columns)) for columns in ([], [0, 1], [0], [1]))
    spread = np.var(np.concatenate([a, b]))
    found = estimate(a, b, np.stack(ab), True)
    for n, swapped in enumerate(ab):
        assert found.total[n] == pytest.approx(np.mean((a - swapped) ** 2) / 2 / spread)
        assert found.first[n] == pytest.approx(np.mean((b - np.mean([a, b])) * (swapped - a)) / spread)
    assert any(a[r::16].sum() + b[r::16].sum() == 0 for r in range(16))


def test_intervals_of_a_rare_event_cover_also_where_it_is_seen_some_sixteen_times():
    f, runs, covered = rare(0.016), 0, []
    truth = np.concatenate(indices_of(f, [[0], [1]], 2, 2**16)[:2])
    for seed in range(80):
        runs_of = [f(mixed(2, 512, seed, columns)) for columns in ([], [0, 1], [0], [1])]
        found = estimate(runs_of[0], runs_of[1], np.stack(runs_of[2:]), True)
        if not np.isnan(found.first).any():
            runs, reach = runs + 1, 2.131 * np.concatenate(found[2:])
            covered.append(np.abs(np.concatenate(found[:2]) - truth) <= reach)
    # the rule leaves out about half; an interval that covered nine in ten would fall below with 1 in 1,000
    assert 30 < runs < 80 and (np.sum(covered, axis=0) >= binom.ppf(0.001, runs, 0.9)).all()


def test_an_event_seen_too_seldom_has_no_indices_and_one_unmoved_no_certainty():
    a, none = np.zeros(512), np.zeros((1, 512))
    for draws in ([], [3], range(0, 240, 16), range(15)):  # never, once, in one scrambling only, in fifteen
        seen = a.copy()
        seen[list(draws)] = 1
        with np.errstate(all="raise"):
            assert np.isnan(estimate(seen, a, none, True)).all()
    a[:16] = 1
    found = estimate(a, a, a[None], True)
    assert found.first == found.total == 0 and found.first_se == 2 * found.total_se > 0


# --- the model --------------------------------------------------------------------------------------

@cache
def county():
    return sensitivity(COUNTY, ("balance_end", "p_deficit"), methods=["sobol"], by="source", draws=256)


def test_indices_by_source_agree_with_the_shares_of_variance():
    """Where little is done together, averaging over the other sources or holding them at medians is much the same."""
    shares = variance.shares(COUNTY, ("balance_end",), draws=256)
    last = shares[shares["year"] == shares["year"].max()].set_index("source")
    found = county().indices.set_index(["of", "factor"]).loc["balance_end"]
    together = abs(last.loc["together", "share"])
    for source in ("parameters", "shocks", "chance"):
        half = found.loc[source, "first_high"] - found.loc[source, "first"]
        assert found.loc[source, "first"] == pytest.approx(
            last.loc[source, "share"], abs=together + 2 * half + 4 * last.loc[source, "se"])
    assert found["total"].idxmax() == "parameters" and found.loc["parameters", "first"] > 0.5


def test_indices_keep_the_rules_of_sums():
    for _, found in county().indices.groupby("of"):
        room = (found["total_high"] - found["total"]).sum() + (found["first_high"] - found["first"]).sum()
        assert found["first"].sum() <= 1 + room and found["total"].sum() >= 1 - room
        assert (found["total_high"] >= found["first_low"]).all()
    assert list(county().indices) == list(INDICES) and county().tornado.empty


def test_correlated_assumptions_are_one_factor_and_every_normal_is_in_one():
    scenario = load_scenario(COUNTY)
    names = list(uncertain(scenario.assumptions))
    place = {name: n for n, name in enumerate(names)}
    merged = {n: {n} for n in place.values()}
    for pair in scenario.assumptions.correlations:
        joined = merged[place[pair.between[0]]] | merged[place[pair.between[1]]]
        for n in joined:
            merged[n] = joined
    assert {frozenset(block) for block in blocks(scenario)} == {frozenset(group) for group in merged.values()}
    for by in ("assumption", "source"):
        columns = sorted(n for factor in factors_of(scenario, by) for n in factor.columns)
        assert columns == list(range(len(dimensions(scenario))))


def test_an_assumption_is_held_while_those_correlated_with_it_stay():
    scenario = load_scenario(COUNTY)
    names = list(uncertain(scenario.assumptions))
    at = sobol_normals(len(dimensions(scenario)), 64, 1)
    root = correlation_root(correlations(scenario, names))
    tied = next(block for block in blocks(scenario) if len(block) > 1)
    for n in tied:
        moved = held(scenario, at, (n,), Z95)
        was, now = (points[:, :len(names)] @ root.T for points in (at, moved))
        assert now[:, n] == pytest.approx(Z95)
        assert np.delete(now, n, axis=1) == pytest.approx(np.delete(was, n, axis=1), abs=1e-9)  # rounding
        assert (moved[:, len(names):] == at[:, len(names):]).all()


def test_a_family_is_held_at_the_point_of_its_mean_and_keeps_its_departures():
    scenario = load_scenario(COUNTY)
    family = next(bar for bar in singles(scenario, scenario.first_year + 3) if bar.name == "shocks.cost")
    at = sobol_normals(len(dimensions(scenario)), 64, 1)
    moved = held(scenario, at, family.columns, -Z95)[:, list(family.columns)]
    assert len(family.columns) == 4
    assert moved.sum(axis=1) / 2 == pytest.approx(-Z95)  # the sum of four normals has a standard deviation of 2
    was = at[:, list(family.columns)]
    assert moved - moved.mean(axis=1, keepdims=True) == pytest.approx(was - was.mean(axis=1, keepdims=True))


@cache
def old():
    return sensitivity(OLD, ("opening_balance", "balance_end", "p_deficit"), 2009, methods=["tornado"], **FEW)


def test_the_tornado_is_what_runs_at_the_ends_say():
    scenario, found = load_scenario(OLD), old().tornado
    assert list(found) == list(TORNADO)
    bar = found.set_index(["of", "factor"]).loc[("balance_end", "account.opening_balance")]
    given = scenario.assumptions.account.opening_balance
    assert (bar["low_at"], bar["high_at"]) == given.range
    assert bar["high"] > bar["low"] and bar["swing"] == pytest.approx(bar["high"] - bar["low"])
    # Growth of the fund's money at the file's interest is all that lies between the ends: no rule looks at the balance.
    interest = scenario.assumptions.account.interest_rate.value
    assert bar["swing"] == pytest.approx((given.range[1] - given.range[0]) * (1 + interest) ** 2, rel=1e-6)
    for _, part in found.groupby("of", sort=False):
        assert part["swing"].abs().is_monotonic_decreasing


def test_the_base_of_the_tornado_is_the_usual_run():
    run = simulate(OLD, engine="table", **FEW)
    found = old().tornado.groupby("of")["base"].first()
    table = chances(run).set_index(["event", "year"])
    assert found["p_deficit"] == table.loc[("p_deficit", 2009), "value"]
    assert found["balance_end"] == pytest.approx(run.data["balance_end"].sel(year=2009).mean().item(), rel=1e-12)


def test_an_end_that_is_held_moves_no_budget():
    """Under one budget that is all paid and never exceeded, spending hardly depends on what a stay costs."""
    plain, source = load_scenario(COUNTY), Source(status="assumption")
    terms = {"method.fee_for_service": 0, "method.global_budget": 1, "retention": 1, "overspend_share": 0}
    budget = plain.changed([Change(lever=f"payment.{name}", year=plain.first_year, value=value, source=source)
                            for name, value in terms.items()])
    by_item, by_budget = (sensitivity(scenario, "expenditure", methods=["tornado"], **FEW).tornado.set_index("factor")
                          for scenario in (plain, budget))
    assert abs(by_budget.loc["utilisation.expense", "swing"]) < 0.1 * by_item.loc["utilisation.expense", "swing"]
    run = simulate(budget, engine="table", **FEW).data["expenditure"][:, -1]
    assert by_budget["base"].iloc[0] == pytest.approx(run.mean().item(), rel=1e-12)


def test_what_nothing_makes_use_of_has_no_bar():
    bars = old().tornado.set_index(["of", "factor"])["swing"]["balance_end"]
    assert not bars[["behaviour.gatekeeping", "people.fertility", "shocks.funding"]].any()
    assert bars["utilisation.admissions"] and bars["shocks.noise"]


def test_an_event_that_no_draw_shows_to_move_is_not_certain():
    """As where two scenarios are compared: at least what one further draw could change."""
    bars = old().tornado.set_index(["of", "factor"])["se"]
    assert bars["p_deficit"].min() >= 1 / FEW["draws"] == bars["p_deficit", "behaviour.gatekeeping"]
    assert bars["balance_end", "behaviour.gatekeeping"] == 0


def test_what_acts_in_rare_futures_alone_has_its_bar_and_index():
    """Rates are cut after a deficit, which few futures have; only then does it count how patients answer."""
    plain, name = load_scenario("henan_nrcms_2011"), "behaviour.inpatient_elasticity"
    cut = plain.changed([Change(lever="lines.deficit_cut", year=plain.first_year, value=0.05,
                                source=Source(status="assumption"))])
    (bar,) = (bar for bar in singles(cut) if bar.name == name)
    task = {"scenario": cut.text(), "of": ["balance_end"], "year": cut.horizon()[-1], **FEW}
    low, high = (np.array(outcomes(task | {"hold": [list(bar.columns), end]})["balance_end"]) for end in (-Z95, Z95))
    few = (np.abs(high - low) > 1e-9 * np.abs(low).max())
    assert 0 < few.mean() < 0.2 and not few[:8].any()  # which the first draws do not show
    found = sensitivity(cut, **FEW)
    row = found.tornado.set_index("factor").loc[name]
    assert row["swing"] == pytest.approx((high - low).mean(), rel=1e-6) and row["se"] > 0
    assert found.indices[found.indices["factor"].str.contains(name)]["total"].item() > 0


def test_chance_moves_with_what_is_drawn_beside_the_normals():
    """The detail of a year's items is no normal of the sequence: chance alone must still bring its whole variance."""
    found = sensitivity(OLD, "chronic", 2008, methods=["sobol"], by="source", draws=256).indices.set_index("factor")
    alone = variance.shares(OLD, ("chronic",), draws=256)
    share = alone[(alone["year"] == 2008) & (alone["source"] == "chance")]["share"].item()
    assert found.loc["chance", "total"] > 0 and share > 0
    half = found.loc["chance", "total_high"] - found.loc["chance", "total"]
    assert found.loc["chance", "total"] == pytest.approx(share, abs=2 * half + 0.01)  # the rest: interaction


def test_tasks_and_their_answers_are_plain_data_and_the_answer_is_the_same_elsewhere():
    def elsewhere(function, tasks):
        for task in tasks:
            yield json.loads(json.dumps(function(json.loads(json.dumps(task)))))

    asked = {"of": "surplus", "year": 2009, "by": "source", "draws": 32, "methods": ["sobol"]}
    here, there = sensitivity(OLD, **asked), sensitivity(OLD, **asked, mapped=elsewhere)
    assert here.indices.equals(there.indices)
    task = {"scenario": load_scenario(OLD).text(), "of": ["surplus"], "year": 2009, "hold": [[0], Z95], **FEW}
    assert next(elsewhere(outcomes, [task])) == outcomes(task)


def test_progress_is_told_and_can_end_the_work():
    seen = []
    sensitivity(OLD, "surplus", 2008, draws=32, methods=["sobol"], by="source", progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 1 and len(seen) == 5

    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sensitivity(OLD, "surplus", 2008, draws=32, methods=["sobol"], by="source", progress=stop)


@pytest.mark.parametrize("wrong", [{"of": "nonsense"}, {"of": ()}, {"year": 1990}, {"methods": ["morris"]},
                                   {"by": "lever"}, {"draws": 10**9}, {"seed": -1}])
def test_what_cannot_be_asked_is_refused_in_both_languages(wrong):
    with pytest.raises(BadInput) as bad:
        sensitivity(OLD, **wrong)
    (fault,) = bad.value.faults
    assert fault.what.zh and fault.remedy.en


def test_names_of_factors_tell_them_apart():
    scenario = load_scenario(COUNTY)
    for one, other in combinations(singles(scenario), 2):
        assert one.title.zh != other.title.zh and one.title.en != other.title.en
    name, given = next(iter(uncertain(scenario.assumptions).items()))
    assert title_of(name).en and drawn(given, np.zeros(1)).size


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_command_prints_both_charts(language, capsys):
    asked = ["sensitivity", OLD, "--of", "surplus", "--year", "2009", "--by", "source", "--draws", "32"]
    assert main([*asked, "--method", "sobol", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["year"] == 2009 and [list(row) for row in told["indices"]] == 3 * [list(INDICES)]
    assert main([*asked, "--method", "tornado", "--lang", language]) == 0
    text = capsys.readouterr().out
    assert title_of("utilisation.admissions")[language] in text and "nan" not in text
    assert main([*asked[:2], "--of", "p_insolvent", *asked[4:], "--method", "sobol", "--lang", language]) == 0
    text = capsys.readouterr().out
    assert str(FEWEST) in text and "nan" not in text
    assert main([*asked[:2], "--of", "p_insolvent", *asked[4:], "--method", "sobol", "--json"]) == 0
    assert {row["total"] for row in json.loads(capsys.readouterr().out)["indices"]} == {None}
    assert main(["sensitivity", OLD, "--of", "nonsense", "--lang", language]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
