"""The draws of a run: their law is plain normals', no edit moves them, and their errors are as small and as stated."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest

from bench.draws import AT_REST, Repeats, priced, sampled, worth
from simulation import load_scenario, simulate
from simulation.assumptions import drawn, uncertain
from simulation.drivers import standard
from simulation.estimates import find_assumption
from simulation.information import table_of_values
from simulation.loading import library
from simulation.measures import chances, median_error, quantiles
from simulation.scenario import Change
from simulation.steps.utilisation import axes, dimensions, futures, normals_of
from simulation.streams import REPLICATES, orthogonal, sobol_normals, stream
from simulation.terms import Source
from tests.coarse import coarse

BENXI = load_scenario("benxi_2008")
EDITS = {"benefits.rate.inpatient.adult.level_2": 0.9, "responses.demand": 0.0}
fewer_histories = pytest.fixture(scope="module", autouse=True)(coarse)


def moved(**intervals: tuple[float, float]):
    """The scenario with other intervals of the utilisation assumptions that have one."""
    section = BENXI.assumptions.utilisation
    section = section.model_copy(update={name: getattr(section, name).model_copy(update={"range": ends})
                                         for name, ends in intervals.items()})
    return BENXI.model_copy(update={"assumptions": BENXI.assumptions.model_copy(update={"utilisation": section})})


# --- the law is unchanged ---------------------------------------------------------------------------

@pytest.mark.parametrize("name", library())
def test_axes_are_orthogonal_so_the_law_of_the_draws_is_that_of_independent_normals(name: str) -> None:
    names = tuple(dimensions(load_scenario(name)))
    found = axes(names)
    assert found.shape == (len(names), len(names))
    assert_allclose(found @ found.T, np.eye(len(names)), atol=1e-12)  # rounding of some seventy products


def test_a_scenario_of_one_year_and_nothing_uncertain_has_axes_too() -> None:
    names = tuple(f"{shock} 2008" for shock in ("noise", "cost", "admissions", "enrolment", "funding"))
    assert_allclose(axes(names) @ axes(names).T, np.eye(5), atol=1e-12)


def test_directions_that_hold_nothing_new_are_left_out() -> None:
    found = orthogonal(np.array([[1.0, 1, 0], [2.0, 2, 0], [0, 0, 0], [1, 0, 0], [1, 1, 1], [0, 1, 0]]))
    assert_allclose(found.T, [[0.5**0.5, 0.5**0.5, 0], [0.5**0.5, -(0.5**0.5), 0], [0, 0, 1]], atol=1e-12)


def test_every_normal_of_a_run_is_standard_and_goes_with_no_other() -> None:
    z = normals_of(BENXI, AT_REST, 1)
    # 16,384 independent draws leave 1/128 on a mean or a correlation, of 2,628 pairs: five of them
    assert np.abs(z.mean(axis=0)).max() < 5 / 128
    assert np.abs(np.cov(z.T) - np.eye(z.shape[1])).max() < 5 / 128
    for n, name in enumerate(dimensions(BENXI)):
        assert kstest(z[:, n], "norm").pvalue > 1e-5, name  # of 72


def test_scramblings_stay_independent_of_one_another() -> None:
    z = np.concatenate([normals_of(BENXI, 1024, seed).reshape(-1, REPLICATES, len(dimensions(BENXI))).mean(axis=0)[None]
                        for seed in range(12)])  # (seed, scrambling, dimension)
    together = np.corrcoef(z.transpose(1, 0, 2).reshape(REPLICATES, -1))
    # 12 seeds of 72 dimensions: 1/29 on a correlation of independent means, of 120 pairs: four of them
    assert np.abs(together - np.eye(REPLICATES)).max() < 4 / 29


# --- the same draws for whatever is compared --------------------------------------------------------------

@pytest.mark.parametrize("lever", EDITS)
def test_no_lever_moves_a_draw(lever: str) -> None:
    edited = BENXI.changed([Change(lever=lever, year=2008, value=EDITS[lever], source=Source(status="assumption"))])
    assert edited != BENXI
    before, after = futures(BENXI, 64, 1), futures(edited, 64, 1)
    for name in before._fields:
        if name != "drawn":
            assert_array_equal(getattr(before, name), getattr(after, name), name)
    for name, of in before.drawn.items():
        assert_array_equal(of, after.drawn[name], name)


def test_no_interval_moves_a_draw_only_what_it_becomes() -> None:
    other = moved(cost_growth=(-0.1, 0.3), admission_growth=(0.0, 0.3))
    assert_array_equal(normals_of(BENXI, 256, 1), normals_of(other, 256, 1))
    assert np.ptp(futures(BENXI, 256, 1).price) != np.ptp(futures(other, 256, 1).price)


def test_the_normals_of_a_run_given_back_to_it_make_the_same_run() -> None:
    given = simulate(BENXI, 64, 3, "table", at=normals_of(BENXI, 64, 3)).data
    assert given.identical(simulate(BENXI, 64, 3, "table").data)


def test_answers_that_ask_for_the_normals_of_a_run_get_those_it_was_made_of() -> None:
    known, z = standard(BENXI, 64, 1)
    given = uncertain(BENXI.assumptions)
    assert known == list(given)
    for name, of in futures(BENXI, 64, 1).drawn.items():
        if name in known:
            found = drawn(given[name], z[:, known.index(name)], find_assumption(name)[2])
            assert_allclose(found, of, err_msg=name, rtol=1e-12)
    # Which of two options is the better rests on one assumption: to know it is to know everything.
    name = "behaviour.inpatient_elasticity"
    of = futures(BENXI, 1024, 1).drawn[name]
    table = table_of_values(BENXI, np.column_stack([np.zeros(1024), of - np.median(of)]), 0, 1).set_index("factor")
    assert table.loc[name, "value"] > 0.9 * table.loc["everything", "value"] > 0


# --- errors: how small, and as stated -----------------------------------------------------------------------

def test_draws_of_equal_pairs_are_worth_half() -> None:
    twice = np.repeat(stream(1, "pairs").standard_normal((400, 512 // REPLICATES // 2, 1, REPLICATES)), 2, axis=2)
    found = priced("mean", twice.reshape(400, 512), 1.0)
    assert found.low < 256 < found.high
    assert found.plain_draws == pytest.approx(256, rel=0.08)  # 6,400 scramblings: 1.8 % on a variance; four of them


def test_a_tail_and_a_chance_are_worth_many_times_the_plain_draws() -> None:
    found = worth(BENXI, 4096, Repeats(4, 1))
    # 64 scramblings leave 18 % on a variance. At rest the tail is worth seven and the chance eight times the draws
    # (bench.draws); a quarter of the draws earns less of it. Plain Sobol points stay below two.
    assert found[0].plain_draws > 3 * 4096
    assert found[1].plain_draws > 3 * 4096


def test_the_first_axes_hold_what_moves_the_final_balance() -> None:
    balance = sampled(BENXI, 2048, 1, False, 5).balance[0]
    z = sobol_normals(len(dimensions(BENXI)), 2048, 5)  # before they are turned: the axes themselves
    along = np.array([np.corrcoef(z[:, n], balance)[0, 1] ** 2 for n in range(z.shape[1])])
    assert along[:2].sum() > 0.9 and along[:2].sum() > 20 * along[2:].max()


def test_standard_errors_are_as_large_as_the_errors() -> None:
    short = BENXI.model_copy(update={"years": 4})
    chance, stated, median, told = [], [], [], []
    for seed in range(1, 41):
        result = simulate(short, 512, seed, "table")
        row = chances(result).set_index(["event", "year"]).loc[("p_deficit", 2011)]
        chance.append(row["value"])
        stated.append(row["se"])
        median.append(np.median(result.data["balance_end"].values[:, -1, 0]))
        told.append(median_error(result, "balance_end")["balance_end"].iloc[-1])
    for values, errors in ((chance, stated), (median, told)):
        ratio = np.std(values, ddof=1) / np.sqrt(np.mean(np.square(errors)))
        assert 0.65 < ratio < 1.5  # forty runs leave 11 % on a standard deviation: three to four of them


def test_quantiles_are_those_of_numpy() -> None:
    """Spread, in ties, all alike, far apart, of few draws, and with what is no number or has no end."""
    levels, chance = np.array([0.0, 0.05, 0.25, 0.5, 0.95, 1.0]), np.random.default_rng(1)
    spread = chance.standard_normal((3, 1000))
    for draws in (spread, spread.round(1), np.ones((2, 100)), np.exp(30 * spread), spread[:, :16], spread * 1e-320,
                  np.where(spread > 2, np.inf, spread), np.where(spread > 2, np.nan, spread), np.sign(spread) * 1e308):
        with np.errstate(all="ignore"):
            expected = np.quantile(draws, levels, axis=1)
            np.testing.assert_array_equal(quantiles(draws, levels), expected)
