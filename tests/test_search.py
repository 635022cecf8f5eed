"""The search over several levers: known fronts, noise, the present policy, and the same answer wherever it is made."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import qmc

from simulation import load_scenario, simulate
from simulation.__main__ import main
from simulation.areas import with_value
from simulation.measures import chances
from simulation.model import SMALL_POOL
from simulation.objectives import OBJECTIVES, VERDICTS, beats, changed, judge, objectives, undominated
from simulation.refining import generated
from simulation.scenario import find_lever, lever_value
from simulation.search import Lever, edits_of, front_of, levers_of, said, search
from simulation.streams import REPLICATES
from simulation.terms import BadInput
from simulation.trees import leaves

BOOK = load_scenario("benxi_2008")
SHORT = BOOK.model_copy(update={"years": 2})
LEVERS = {"financing.contribution+": (-40, 100), "benefits.ceiling": (20_000, 80_000),
          "benefits.rate.inpatient+": (-0.1, 0.1)}
CHILD = "financing.contribution.child.ordinary"
QUICK = {"policies": 32, "draws": 32, "engine": "table"}


@pytest.fixture(scope="module")
def front():
    """A small search of three levers: a spread and two generations around its front."""
    return search(SHORT, LEVERS, **QUICK)


def backwards(work, items):
    """As `map`, but made from the last item to the first, and through text as it would travel to another process."""
    items = [json.loads(json.dumps(item)) for item in items]
    return reversed([json.loads(json.dumps(work(item))) for item in reversed(items)])


# ---- policies found, beside plain random search ---------------------------------------------------------------------

SIDES = (101,) * 6  # a grid of 101 values for each of six levers


def sphere(places: np.ndarray) -> np.ndarray:
    """DTLZ2 (Deb and others 2002) with four objectives: on its front their squares add up to 1, elsewhere to more."""
    x = places / 100
    far = 1 + ((x[:, 3:] - 0.5) ** 2).sum(axis=1)
    a, b, c = (x[:, n] * np.pi / 2 for n in range(3))
    return far[:, None] * np.column_stack([np.cos(a) * np.cos(b) * np.cos(c), np.cos(a) * np.cos(b) * np.sin(c),
                                           np.cos(a) * np.sin(b), np.sin(a)])


def volume(values: np.ndarray, corner: float = 1.2) -> float:
    """The share of the box from 0 to a corner that some of the values beat (hypervolume), by 4,096 Sobol points."""
    points = corner * qmc.Sobol(values.shape[1], rng=np.random.default_rng(0)).random_base2(12)
    kept = values[undominated(values)]
    return float(np.mean([(kept <= point).all(axis=1).any() for point in points]))


def looked_through(policies: int, seed: int) -> np.ndarray:
    """The objectives of every policy that the search would look at, of a problem whose front is known."""
    found: list[np.ndarray] = []
    for batch in generated(SIDES, policies, seed, lambda: np.vstack(found)):
        found.append(sphere(batch))
    return np.vstack(found)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_known_front_is_found_with_a_fourth_of_the_policies_that_chance_needs(seed: int) -> None:
    """A hundred policies hold more of what the front holds than four hundred at random, and lie much nearer to it.

    Nearer by a third: over seeds it was by 0.39 to 0.46.
    """
    found = looked_through(100, seed)
    random = sphere(np.random.default_rng(seed).integers(0, 101, (400, len(SIDES))))
    assert len(found) == 100
    assert volume(found) > volume(random)
    away = lambda values: np.linalg.norm(values[undominated(values)], axis=1).mean() - 1  # noqa: E731
    assert 0 <= away(found) < 0.67 * away(random)


def test_no_policy_is_looked_at_twice() -> None:
    found: list[np.ndarray] = []
    for batch in generated([5, 5, 2], 45, 7, lambda: np.vstack([each[:, :2] for each in found]).astype(float)):
        found.append(batch)
    every = np.vstack(found)
    assert len(every) == len(np.unique(every, axis=0)) == 45  # of the 50 there are
    assert (every >= 0).all() and (every < [5, 5, 2]).all()


def test_few_combinations_are_all_looked_at() -> None:
    (batch,) = generated([3, 2], 100, 1, lambda: np.empty((0, 2)))
    assert sorted(map(tuple, batch.tolist())) == [(a, c) for a in range(3) for c in range(2)]


# ---- who beats whom -----------------------------------------------------------------------------------------------

def row(values: list[float], noise: np.ndarray | float = 0.0) -> dict:
    """A policy judged: its objectives, and those of each scrambling."""
    spread = np.array(values) + np.broadcast_to(noise, (REPLICATES, 1)) * [1, 0, 0, 0]
    return {"objectives": list(spread.mean(axis=0)), "replicates": spread.tolist(), "deficit_year": 2008,
            "take_up": 0.9}


def told(rows: list[dict]) -> pd.DataFrame:
    """The table of a search with those rows, the first the present policy."""
    lever = Lever("benefits.ceiling", 20_000, 90_000, 1000)
    places = np.arange(len(rows) - 1)[:, None]
    return front_of(BOOK, (lever,), 2008, 256, 1, places, [0] * len(rows), rows).policies


def test_a_clearly_better_policy_beats_and_the_present_one_stays_in_the_table() -> None:
    table = told([row([0.5, 0.4, 0.3, 90]), row([0.4, 0.4, 0.3, 90]), row([0.6, 0.3, 0.3, 90])])
    assert table["dominated"].tolist() == [True, False, False]
    assert table["dominated_by"].tolist() == [1, pd.NA, pd.NA]
    assert table["against_present"].tolist() == ["present", "better", "mixed"]


def test_a_difference_within_noise_beats_nobody() -> None:
    """Twice the same mean gap: once the same in every scrambling, once lost in what they scatter."""
    scatter = np.tile([0.2, -0.2], REPLICATES // 2)[:, None]
    assert told([row([0.5, 0.4, 0.3, 90]), row([0.49, 0.4, 0.3, 90])])["dominated"].tolist() == [True, False]
    noisy = told([row([0.5, 0.4, 0.3, 90]), row([0.49, 0.4, 0.3, 90], scatter)])
    assert noisy["dominated"].tolist() == [False, False]
    assert noisy["against_present"].tolist() == ["present", "alike"]


def test_the_same_noise_in_both_is_no_noise_between_them() -> None:
    """All policies are judged on the same draws: what scatters in both alike cannot hide that one is better."""
    scatter = np.tile([0.2, -0.2], REPLICATES // 2)[:, None]
    assert told([row([0.5, 0.4, 0.3, 90], scatter), row([0.49, 0.4, 0.3, 90], scatter)])["dominated"].tolist() == [
        True, False]


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 4), min_size=1, max_size=12))
def test_of_any_policies_some_are_left_and_the_others_are_beaten_in_something_and_in_nothing_better(drawn) -> None:
    values = np.array(drawn, float)
    table = told([row(list(each)) for each in values])
    left = (~table["dominated"]).to_numpy()
    # without noise this is the plain front, each policy held against every other by its definition
    plain = [not any((other <= mine).all() and (other < mine).any() for other in values) for mine in values]
    assert left.tolist() == plain and left.any()
    for n, by in enumerate(table["dominated_by"]):
        if not left[n]:
            assert left[by] and (values[by] <= values[n]).all() and (values[by] < values[n]).any()


def test_beating_is_the_same_seen_from_either_side() -> None:
    rng = np.random.default_rng(5)
    values, spread = rng.random((6, 4)), rng.normal(0, 0.1, (6, REPLICATES, 4))
    spread += values[:, None] - spread.mean(axis=1, keepdims=True)
    for a in range(6):
        better, worse = beats(spread, values, a)
        assert not (better & worse).any() and not better[a].any() and not worse[a].any()
        for b in range(6):
            assert (beats(spread, values, b)[0][a] == worse[b]).all()


# ---- what a policy is judged by -------------------------------------------------------------------------------------

def test_objectives_are_what_the_run_says() -> None:
    """Recomputed in another way: by year, from the frames of the run."""
    since, scenario = 2026, load_scenario("primary_standards_2025").model_copy(update={"years": 3})
    run = simulate(scenario, 64, 5, "table")
    found = dict(zip(OBJECTIVES, objectives(run, since)["objectives"], strict=True))
    table = chances(run).query("year >= @since").pivot(index="year", columns="event", values="value")
    mean = run.data.mean("draw").isel(area=0).sel(year=slice(since, None))
    assert found["deficit_risk"] == table["p_deficit"].max()
    assert found["hoarding_risk"] == pytest.approx(table["p_balance_over"].mean())
    assert found["out_of_pocket_share"] == pytest.approx(float(mean["out_of_pocket"].sum() / mean["expense"].sum()))
    # by payer: levels of government, the deficits they make good, and public-health funds
    public = (mean["subsidy_by_level"].sum() + mean["deficit_subsidy"].sum() + mean["special_fund"].sum()
              + mean["assisted_income"].sum() + mean["assistance"].sum()
              + mean["contract_fee_by_payer"].sel(payer="public_health").sum())
    assert min(mean["contract_fee_by_payer"].sel(payer="public_health").sum(), mean["assisted_income"].sum()) > 0
    assert found["public_money"] == pytest.approx(float(public / mean["residents"].sum()))


def test_a_deficit_made_good_is_public_money_counted_once() -> None:
    red = [["financing.premium", 2008, 500]]  # enough to put the fund in deficit in every year
    question = {"scenario": SHORT.text(), "since": 2008, "draws": 32, "seed": 1, "engine": "table"}
    without, whole = (judge(question | {"edits": red + [["lines.deficit_subsidy", 2008, share]]}) for share in (0, 1))
    run = simulate(changed(SHORT, red + [["lines.deficit_subsidy", 2008, 1]]), 32, 1, "table").data.mean("draw")
    made_good = float(run["deficit_subsidy"].sum() / run["residents"].sum())
    assert made_good > 0 and whole["objectives"][3] - without["objectives"][3] == pytest.approx(made_good)


# ---- the whole search -----------------------------------------------------------------------------------------------

def test_the_present_policy_is_judged_first_and_as_any_run_would(front) -> None:
    now = front.policies.iloc[0]
    assert (now["policy"], now["against_present"], now["financing.contribution+"]) == (0, "present", 0)
    assert now["benefits.ceiling"] == lever_value(SHORT, "benefits.ceiling")
    alone = objectives(simulate(SHORT, QUICK["draws"], front.seed, "table"), 2008)
    assert [now[name] for name in OBJECTIVES] == alone["objectives"]
    assert front.policy(0).text() == SHORT.text() and front.edits(0) == ()


def test_every_policy_stays_on_its_grid_and_can_be_run_again(front) -> None:
    table = front.policies
    assert len(table) == QUICK["policies"] and table["generation"].max() >= 2
    assert table["benefits.ceiling"].isin(range(20_000, 81_000, 1000)).all()
    assert np.allclose((table["financing.contribution+"] + 40) % 5, 0)
    assert set(table["against_present"]) <= set(VERDICTS) and not table["dominated"].all()
    for number in (1, int(table["policy"].iloc[-1])):
        again = objectives(simulate(front.policy(number), QUICK["draws"], front.seed, "table"), 2008)
        assert again["objectives"] == [table.loc[number, name] for name in OBJECTIVES]


def test_the_answer_is_the_same_however_it_is_made_and_not_for_another_seed(front) -> None:
    pd.testing.assert_frame_equal(search(SHORT, LEVERS, **QUICK, mapped=backwards).policies, front.policies)
    other = search(SHORT, LEVERS, **QUICK | {"policies": 8}, seed=1).policies
    assert not np.array_equal(other["benefits.ceiling"].iloc[1:8], front.policies["benefits.ceiling"].iloc[1:8])


def test_one_search_has_one_engine() -> None:
    """The table suits the insured of the present; where children pay more, they are few enough for the exact one."""
    pool = with_value(SHORT, "residents", 28_000)
    insured = [simulate(changed(pool, edits), 16, engine="table").data["enrolled"].values[:, 0].mean()
               for edits in ([], [(CHILD, 2008, 190)])]
    assert insured[0] > SMALL_POOL > insured[1]
    asked = {CHILD: (190, 200)}, 2008, 4, 16
    pd.testing.assert_frame_equal(search(pool, *asked).policies, search(pool, *asked, engine="table").policies)


def test_what_was_found_before_a_stop_is_kept(front) -> None:
    class Stopped(Exception):
        """Raised by whoever no longer wants to wait."""

    kept, shares = [], []

    def progress(share: float) -> None:
        shares.append(share)
        if share > 0.7:
            raise Stopped

    with pytest.raises(Stopped):
        search(SHORT, LEVERS, **QUICK, keep=kept.append, progress=progress)
    assert shares == sorted(shares) and 0 < len(kept[-1].policies) <= len(front.policies)
    columns = [*kept[-1].policies.columns[:5], *OBJECTIVES]
    pd.testing.assert_frame_equal(kept[-1].policies[columns], front.policies[columns].head(len(kept[-1].policies)))


def test_said_counts_what_the_table_holds(front) -> None:
    left = int((~front.policies["dominated"]).sum())
    for language in ("zh", "en"):
        assert str(left) in said(front)[0][language] and str(len(front.policies)) in said(front)[0][language]


# ---- levers ---------------------------------------------------------------------------------------------------------

def test_a_branch_moves_all_that_is_not_nothing_by_the_same_amount_within_bounds() -> None:
    scenario = load_scenario("urrbmi_county_2026")
    (lever,) = levers_of(scenario, {"financing.contribution+": (-100, 200)}, 2026)
    before = dict(leaves(lever_value(scenario, "financing.contribution"), "financing.contribution"))
    assert edits_of((lever,), [50], 2026) == [(name, 2026, value + 50) for name, value in before.items() if value]
    (rates,) = levers_of(BOOK, {"benefits.rate.inpatient+": (-0.1, 0.9)}, 2008)
    assert max(value for *_, value in edits_of((rates,), [0.9], 2008)) == find_lever("benefits.rate")[3].high == 1


def test_a_lever_named_alone_goes_from_half_to_one_and_a_half_times_its_value() -> None:
    (lever,) = levers_of(BOOK, ["benefits.ceiling"], 2008)
    assert (lever.low, lever.high, lever.value(0)) == (15_000, 45_000, 15_000)
    assert isinstance(lever.value(3), int) and lever.value(lever.size - 1) == 45_000


def test_what_is_added_is_added_to_what_is_planned_too() -> None:
    """A scenario that itself sets a lever later keeps its plan, moved by as much."""
    planned = changed(BOOK, [("financing.contribution.adult", 2010, 300)])
    (lever,) = levers_of(planned, {"financing.contribution.adult+": (-50, 50)}, 2008)
    moved = changed(planned, edits_of((lever,), [20], 2008))
    for year in (2008, 2009, 2010, 2012):
        before, after = (dict(leaves(lever_value(each, "financing.contribution.adult", year)))
                         for each in (planned, moved))
        assert after == {name: value + 20 for name, value in before.items()}


def test_words_are_searched_as_they_are() -> None:
    found = search(SHORT, {"benefits.critical_base": ("above_ceiling", "out_of_pocket")}, policies=4, draws=16,
                   engine="table")
    assert found.policies["benefits.critical_base"].iloc[1:].tolist() == ["above_ceiling", "out_of_pocket"]
    assert found.dated(2) == (("benefits.critical_base", 2008, "out_of_pocket"),)
    assert found.edits(2) == (("benefits.critical_base", "out_of_pocket"),)


@pytest.mark.parametrize(("levers", "said"), [
    ({}, "levers"), ({"benefits.celing": (1, 2)}, "unknown name"), ({"benefits.ceiling": (5, 1)}, "lower"),
    ({"benefits.ceiling": (30_000, 30_100)}, "step"), ({"benefits.ceiling": (-5, 10)}, "outside"),
    ({"benefits.ceiling": (float("nan"), 1)}, "lower"), ({"benefits.ceiling": "ab"}, "lower"),
    ({"benefits.rate.inpatient": (0.5, 0.8)}, "benefits.rate.inpatient+"), (["benefits.rate.inpatient+"], "around"),
    ({"benefits.critical_base": ("above_ceiling", "elsewhere")}, "words"),
    ({"benefits.rate.inpatient+": (0, 0.1), "benefits.rate.inpatient.child.level_1": (0.1, 0.2)}, "overlaps")])
def test_levers_that_cannot_be_searched_are_refused(levers, said: str) -> None:
    with pytest.raises(BadInput) as bad:
        search(SHORT, levers, **QUICK)
    assert said in str(bad.value)


def test_a_branch_of_which_one_value_moves_is_no_value_of_its_own() -> None:
    """It would set what nobody pays as well: the contribution of the poor."""
    with pytest.raises(BadInput, match=r"adult: is 2 levers with values of their own; write financing.contribution.ad"):
        search("city_pooling_2012", {"financing.contribution.adult": (40, 60)}, **QUICK)
    added, = levers_of(load_scenario("city_pooling_2012"), {"financing.contribution.adult+": (-10, 10)}, 2012)
    assert {leaf.lever for leaf in added.adds} == {"financing.contribution.adult.ordinary"}


@pytest.mark.parametrize("wrong", [{"policies": 1}, {"policies": 10**6}, {"draws": 3}, {"since": 1999}])
def test_a_search_that_cannot_be_made_is_refused(wrong: dict) -> None:
    with pytest.raises(BadInput):
        search(SHORT, LEVERS, **QUICK | wrong)


def test_the_command_prints_and_writes_what_was_found(tmp_path, capsys) -> None:
    out, short = tmp_path / "front.csv", tmp_path / "short.yaml"
    short.write_text("extends: benxi_2008\nyears: 2\n", encoding="utf-8")
    line = ["search", str(short), "--lever", "benefits.ceiling=20000:22000", "--policies", "8", "--draws", "16",
            "--engine", "table", "--out", str(out), "--json"]
    assert main(line) == 0
    told = json.loads(capsys.readouterr().out)
    table = pd.read_csv(out)
    assert [row["policy"] for row in told["policies"]] == table["policy"].tolist() == list(range(4))
    assert main(["search", "benxi_2008", "--lever", "benefits.ceiling=low:high", "--json"]) == 2
    assert "LOW:HIGH" in capsys.readouterr().err
