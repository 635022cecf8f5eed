"""Scores against closed forms, naive forecasts against textbooks, and grades against forecasts made right or wrong."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from scipy.special import ndtr, ndtri, stdtrit
from scipy.stats import linregress, norm

from simulation import scoring
from simulation.terms import BadInput

FIGURES = st.floats(-1e6, 1e6)


def points(count: int) -> np.ndarray:
    """Standard normal points at evenly spaced chances."""
    return ndtri((np.arange(count) + 0.5) / count)


def crps_normal(mean: float, sd: float, actual: float) -> float:
    """The score of a normal forecast, in closed form (Gneiting and others 2005, MWR 133, equation 5)."""
    z = (actual - mean) / sd
    return sd * (z * (2 * ndtr(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))


# --- one forecast ------------------------------------------------------------------------------------

@pytest.mark.parametrize("actual", [-3.0, 0.0, 0.4, 5.0])
def test_the_score_of_many_normal_points_is_the_closed_form(actual: float) -> None:
    mean, sd = 1.0, 2.0
    # 4,000 evenly spaced points differ from the normal by at most 1/8000 of chance where there is a point, and miss
    # a tail beyond them that adds below 1e-4 sd to the score
    assert_allclose(scoring.crps(mean + sd * points(4000), actual), crps_normal(mean, sd, actual), atol=2e-4)


def test_the_score_of_independent_draws_is_too_large_by_their_mean_distance_over_twice_their_number() -> None:
    rng, n = np.random.default_rng(1), 10
    scores = [scoring.crps(rng.standard_normal(n), 0.5) for _ in range(20_000)]
    excess = (2 / np.sqrt(np.pi)) / (2 * n)  # two standard normals are 2 / sqrt(pi) apart on average
    error = np.std(scores) / np.sqrt(len(scores))
    # four standard errors of the simulation: a right formula fails once in 16,000; the seed is fixed anyway
    assert abs(np.mean(scores) - crps_normal(0, 1, 0.5) - excess) < 4 * error
    assert excess > 20 * error  # so that the test would see it missing


@given(arrays(float, st.integers(1, 40), elements=FIGURES), FIGURES)
def test_the_score_is_its_definition(draws: np.ndarray, actual: float) -> None:
    plain = np.abs(draws - actual).mean() - np.abs(draws[:, None] - draws).mean() / 2
    assert_allclose(scoring.crps(draws, actual), plain, atol=1e-8)  # rounding of sums of figures up to 1e6
    assert scoring.crps(draws, actual) >= -1e-8


@given(arrays(float, st.integers(1, 20), elements=FIGURES), FIGURES)
def test_the_score_is_the_area_between_the_steps(draws: np.ndarray, actual: float) -> None:
    edges = np.sort(np.append(draws, actual))
    below = np.searchsorted(np.sort(draws), edges[:-1], side="right") / len(draws)
    area = np.sum(np.diff(edges) * (below - (edges[:-1] >= actual)) ** 2)
    assert_allclose(scoring.crps(draws, actual), area, atol=1e-7)  # rounding again, of products of 1e6


def test_a_forecast_does_best_to_say_what_it_believes() -> None:
    rng = np.random.default_rng(2)
    happened = rng.standard_normal(4000)
    told = {(mean, sd): np.mean([scoring.crps(mean + sd * points(100), x) for x in happened])
            for mean in (-0.5, 0.0, 0.5) for sd in (0.5, 1.0, 2.0)}
    assert min(told, key=told.get) == (0.0, 1.0)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_intervals_of_right_forecasts_hold_their_share_and_the_pit_is_uniform(share: float) -> None:
    rng, draws = np.random.default_rng(3), points(999)
    happened = rng.standard_normal(4000)
    held = np.mean([scoring.inside(draws, x, share) for x in happened])
    assert abs(held - share) < 4 * np.sqrt(share * (1 - share) / 4000)  # four standard errors
    places = np.array([scoring.pit(draws, x) for x in happened])
    assert_allclose(np.quantile(places, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=4 * 0.5 / np.sqrt(4000))


@given(arrays(float, st.integers(1, 30), elements=FIGURES), FIGURES)
def test_the_pit_is_never_0_or_1(draws: np.ndarray, actual: float) -> None:
    assert 0 < scoring.pit(draws, actual) < 1


def test_a_certain_forecast_that_comes_true_is_inside() -> None:
    assert scoring.inside(np.full(8, 3.0), 3.0, 0.5) and not scoring.inside(np.full(8, 3.0), 3.1, 0.9)
    assert scoring.pit(np.full(8, 3.0), 3.0) == 0.5


# --- naive forecasts ---------------------------------------------------------------------------------

def test_drift_by_hand() -> None:
    # changes 2, 1, 2, 1: mean 1.5, deviations of 0.5 each, variance 4 x 0.25 / 3; two years on after four changes
    values, s = np.array([10.0, 12.0, 13.0, 15.0, 16.0]), np.sqrt(1 / 3)
    told = scoring.drift(values, 2, np.array([-1.0, 0.0, 1.0]), log=False)
    assert_allclose(told[:, 1], [19 - s * np.sqrt(2 * (1 + 2 / 4)), 19, 19 + s * np.sqrt(2 * (1 + 2 / 4))])


def test_trend_is_the_regression_line_with_its_prediction_interval() -> None:
    values = np.array([3.0, np.nan, 4.5, 5.0, np.nan, 7.5, 7.0])
    year = np.flatnonzero(np.isfinite(values))
    line = linregress(year, values[year])
    s = line.stderr * np.sqrt(np.sum((year - year.mean()) ** 2))  # the residual standard deviation
    told = scoring.trend(values, 3, np.array([0.0, 1.0]), log=False)
    ahead = np.array([7.0, 8.0, 9.0])
    assert_allclose(told[0], line.intercept + line.slope * ahead)
    # the variance of a prediction is that of the residual and of the line there
    of_line = line.stderr**2 * (ahead - year.mean()) ** 2 + s**2 / len(year)
    assert_allclose(told[1] - told[0], np.sqrt(s**2 + of_line))


@pytest.mark.parametrize("naive, freedom", [(scoring.drift, 4), (scoring.trend, 4)])
def test_intervals_hold_their_share_where_the_naive_model_is_true(naive, freedom: int) -> None:
    """With points of Student's t in place of normal ones both intervals are exact, gaps and all."""
    rng, runs, share = np.random.default_rng(4), 4000, 0.9
    seen = np.array([0, 1, 3, 4, 6, 7] if naive is scoring.drift else [0, 1, 3, 4, 6, 8])
    exact = stdtrit(freedom, ndtr(points(200)))
    held = 0
    for _ in range(runs):
        noise = rng.standard_normal(12)
        path = 0.3 * np.arange(12) + (np.cumsum(noise) if naive is scoring.drift else noise)
        values = np.full(9, np.nan)
        values[seen] = path[seen]
        held += scoring.inside(naive(values, 3, exact, log=False)[:, 2], path[11], share)
    # four standard errors, and half a point of chance between the quantiles of 200 points and those of t
    assert abs(held / runs - share) < 4 * np.sqrt(share * (1 - share) / runs) + 0.005


@pytest.mark.parametrize("naive", [scoring.drift, scoring.trend])
def test_steady_growth_is_continued_without_doubt(naive) -> None:
    told = naive(100 * 1.05 ** np.arange(6.0), 2, points(8))
    assert_allclose(told, np.tile([100 * 1.05**6, 100 * 1.05**7], (8, 1)), rtol=1e-9)  # rounding of logarithms


@pytest.mark.parametrize("naive", [scoring.drift, scoring.trend])
def test_logarithms_are_for_positive_values_alone(naive) -> None:
    positive, mixed = np.array([1.0, 4.0, 2.0, 6.0]), np.array([-1.0, 4.0, 2.0, 6.0])
    assert (naive(positive, 3, points(99)) > 0).all()
    assert_allclose(naive(positive, 3, points(9)), np.exp(naive(np.log(positive), 3, points(9), log=False)))
    assert_allclose(naive(mixed, 3, points(9)), naive(mixed, 3, points(9), log=False))
    assert (naive(mixed, 3, points(99)) < 0).any()


@pytest.mark.parametrize("naive", [scoring.drift, scoring.trend])
def test_plain_forecasts_move_with_the_unit_and_the_level(naive) -> None:
    values = np.array([-1.0, 4.0, np.nan, 6.0, 5.0])
    assert_allclose(naive(10 + 3 * values, 2, points(9), log=False), 10 + 3 * naive(values, 2, points(9), log=False))


def test_two_values_give_the_absolute_change_as_spread() -> None:
    one = np.array([0.0, 1.0])
    # drift 2 a year from the last value, 6 over three years: s is 6 / sqrt 3, after one more missing year two steps
    told = scoring.drift(np.array([-1.0, np.nan, np.nan, 5.0, np.nan]), 1, one)
    assert_allclose(told[:, 0], [9, 9 + 6 / np.sqrt(3) * np.sqrt(2 * (1 + 2 / 3))])
    # the line through both, s = 6 / sqrt 2; 3.5 years from their mean, whose sum of squares is 4.5
    told = scoring.trend(np.array([-1.0, np.nan, np.nan, 5.0, np.nan]), 1, one)
    assert_allclose(told[:, 0], [9, 9 + 6 / np.sqrt(2) * np.sqrt(1 + 1 / 2 + 3.5**2 / 4.5)])


@pytest.mark.parametrize("naive", [scoring.drift, scoring.trend])
@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [3.0, np.nan]])
def test_fewer_than_two_values_are_refused(naive, values: list[float]) -> None:
    with pytest.raises(BadInput, match="fewer than two values"):
        naive(np.array(values), 2, points(8))


@pytest.mark.parametrize("naive", [scoring.drift, scoring.trend])
def test_a_wild_series_still_gives_figures(naive) -> None:
    told = naive(np.array([1e-9, 1e12]), 5, points(64))
    assert np.isfinite(told).all() and np.isfinite(scoring.crps(told[:, 4], 1.0))


# --- grades ------------------------------------------------------------------------------------------

def history(rng: np.random.Generator, years: int) -> np.ndarray:
    """A fund's spending that grows by 8 % a year, give or take 6 %."""
    return np.exp(5 + np.cumsum(rng.normal(0.08, 0.06, years)))


def told_of(values: np.ndarray, first: int, ahead: int, width: float, shift: float) -> pd.DataFrame:
    """Rolling forecasts by the process itself, their spread times `width` and moved by `shift` true spreads."""
    rows, z = [], points(64)
    for cutoff in range(first, len(values)):
        steps = np.arange(1, min(ahead, len(values) - cutoff) + 1)
        spread = 0.06 * np.sqrt(steps)
        own = values[cutoff - 1] * np.exp(0.08 * steps + spread * (shift + width * z[:, None]))
        rivals = [naive(values[:cutoff], len(steps), z) for naive in (scoring.drift, scoring.trend)]
        for h, actual in enumerate(values[cutoff: cutoff + ahead]):
            rows.append({
                "quantity": "expenditure", "cutoff": cutoff, "horizon": h + 1, "actual": actual,
                "in50": scoring.inside(own[:, h], actual, 0.5), "in90": scoring.inside(own[:, h], actual, 0.9),
                "pit": scoring.pit(own[:, h], actual), "crps": scoring.crps(own[:, h], actual),
                "crps_drift": scoring.crps(rivals[0][:, h], actual),
                "crps_trend": scoring.crps(rivals[1][:, h], actual), "error": np.median(own[:, h]) / actual - 1})
    return pd.DataFrame(rows)


def grades_of(width: float, shift: float, years: int, series: int = 40) -> Counter:
    """How often each grade comes out, over all horizons up to three years."""
    rng = np.random.default_rng(5)
    judged = [scoring.judge(told_of(history(rng, years), 5, 3, width, shift)).set_index("horizon")
              for _ in range(series)]
    return Counter(frame.grade[0] for frame in judged)


def test_right_forecasts_get_good_grades_and_wrong_ones_do_not() -> None:
    """Over 300 series of 20 years: right 76 % A and 4 % D; intervals of 0.3 or three times the width, or moved by two
    spreads, 99 % D or more. The bounds leave four standard errors of 40 series.
    """
    series = 40
    slack = lambda chance: 4 * np.sqrt(chance * (1 - chance) / series)  # noqa: E731
    right = grades_of(1, 0, 20, series)
    assert right["A"] / series > 0.76 - slack(0.76) and right["D"] / series < 0.04 + slack(0.04)
    for width, shift in ((0.3, 0), (3, 0), (1, 2)):
        assert grades_of(width, shift, 20, series)["D"] / series > 0.99 - slack(0.99), (width, shift)


def test_few_years_allow_no_best_grade() -> None:
    assert not grades_of(1, 0, 9)["A"]  # four cut-offs and nine forecasts
    assert set(grades_of(1, 0, 6)) == {"–"}  # one cut-off, one forecast


@pytest.mark.parametrize("n, cutoffs, cover50, cover90, beaten, expected", [
    (12, 6, 0.5, 0.9, 2, "A"), (11, 6, 0.5, 0.9, 2, "B"), (12, 5, 0.5, 0.9, 2, "B"), (30, 10, 0.5, 0.9, 1, "B"),
    (30, 10, 0.5, 0.9, 0, "C"), (4, 4, 0.5, 1.0, 0, "C"), (3, 3, 0.0, 0.0, 2, "–"),
    (12, 12, 1.0, 1.0, 2, "D"),  # too wide: all of 12 in the 50 % interval, chance 2 / 4096
    (30, 30, 0.5, 1.0, 2, "A"),  # all of 30 in the 90 %: 0.042 on that side, and as rare ones on the other above 5 %
    (10, 10, 0.5, 0.6, 2, "D"),  # six of ten in the 90 %: chance 0.013
    (10, 10, 0.5, 0.7, 2, "B"),  # seven of ten: chance 0.07
])
def test_grades_by_hand(n, cutoffs, cover50, cover90, beaten, expected) -> None:
    assert scoring.grade(n, cutoffs, cover50, cover90, beaten) == expected


def test_every_grade_has_its_words() -> None:
    assert list(scoring.GRADES) == ["A", "B", "C", "D", "–"]
    for number in (scoring.MANY_FORECASTS, scoring.MANY_CUTOFFS):
        assert str(number) in scoring.GRADES["A"].zh and str(number) in scoring.GRADES["A"].en
    assert str(scoring.LEAST_FORECASTS) in scoring.GRADES["–"].zh


def test_below_the_cutoffs_of_the_best_grade_no_outcome_refutes_half() -> None:
    outcomes = lambda n: {scoring.refuted(hits / n, n, 0.5) for hits in range(n + 1)}  # noqa: E731
    assert outcomes(scoring.MANY_CUTOFFS - 1) == {False} and outcomes(scoring.MANY_CUTOFFS) == {True, False}


def one(**columns) -> pd.DataFrame:
    """Two forecasts of one quantity, from two cut-offs, with some columns changed."""
    return pd.DataFrame({"quantity": "income", "cutoff": [2010, 2011], "horizon": [1, 2], "actual": 10.0,
                         "in50": [True, False], "in90": True, "pit": 0.5, "crps": [1.0, 2.0], "crps_drift": [2.0, 4.0],
                         "crps_trend": [1.0, 1.0], "error": [0.1, -0.3]} | columns)


def test_a_judgement_by_hand() -> None:
    judged = scoring.judge(one())
    assert tuple(judged.columns) == scoring.JUDGED and judged["horizon"].tolist() == [1, 2, 0]
    whole = judged.iloc[2]
    assert (whole["n"], whole["cutoffs"], whole["cover50"], whole["cover90"], whole["crps"]) == (2, 2, 0.5, 1.0, 1.5)
    assert_allclose([whole["skill_drift"], whole["skill_trend"], whole["bias"]], [0.5, -0.5, -0.1])


def test_what_has_no_actual_is_not_judged_and_a_missing_rival_is_not_beaten() -> None:
    judged = scoring.judge(one(actual=[10.0, np.nan], crps_trend=np.nan)).iloc[-1]
    assert judged["n"] == 1 and np.isnan(judged["skill_trend"]) and judged["skill_drift"] == 0.5
    assert len(scoring.judge(one(actual=np.nan))) == 0
    assert tuple(scoring.judge(one().iloc[:0]).columns) == scoring.JUDGED


def test_rivals_are_met_only_where_both_told() -> None:
    assert scoring.judge(one(crps_drift=[1.5, np.nan], crps_trend=[0.9, np.nan])).iloc[-1]["skill_drift"] > 0
    assert scoring.beats(pd.Series([1.0, 2.0]), pd.Series([1.5, np.nan]))  # three for two would lose


def test_a_rival_that_was_never_wrong_is_not_beaten() -> None:
    judged = scoring.judge(pd.concat([one(crps_drift=0.0, crps_trend=0.0)] * 2)).iloc[-1]
    assert np.isnan(judged["skill_drift"]) and judged["grade"] == "C"
    assert np.isnan(scoring.skill(pd.Series([1.0]), pd.Series([1e-12])))  # nor one that is wrong by rounding


# --- chances of crossing a line ----------------------------------------------------------------------

def chances(stated: np.ndarray, happened: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"event": "p_deficit", "cutoff": np.arange(len(stated)), "horizon": 1, "probability": stated,
                         "happened": happened})


def test_brier_scores_by_hand() -> None:
    row = scoring.events(chances(np.array([0.0, 0.5, 1.0, 0.9]), np.array([False, False, True, False]))).iloc[0]
    assert (row["n"], row["probability"], row["frequency"]) == (4, 0.6, 0.25)
    assert_allclose([row["brier"], row["brier_half"], row["brier_base"]], [(0.25 + 0.81) / 4, 0.25, 0.25 * 0.75])


def test_right_chances_lie_on_the_diagonal_and_beat_their_base_rate() -> None:
    rng, n = np.random.default_rng(6), 20_000
    stated = rng.random(n)
    frame = chances(stated, rng.random(n) < stated)
    bins = scoring.reliability(frame)
    assert bins["n"].sum() == n
    # four standard errors of a fifth of the forecasts, at a chance of a half
    assert_allclose(bins["frequency"], bins["probability"], atol=4 * 0.5 / np.sqrt(n / 5))
    # uniform chances: the score is the mean of p (1 - p), a sixth
    row = scoring.events(frame).iloc[0]
    assert abs(row["brier"] - 1 / 6) < 4 * 0.3 / np.sqrt(n) and row["brier"] < row["brier_base"] < 0.26


def test_fifths_hold_their_bounds_and_may_be_empty() -> None:
    bins = scoring.reliability(chances(np.array([0.0, 0.2, 0.6, 1.0]), np.array([False, False, True, True])))
    assert bins["n"].tolist() == [1, 1, 0, 1, 1] and np.isnan(bins["frequency"][2])
    assert scoring.reliability(chances(np.array([]), np.array([], bool)))["n"].tolist() == [0] * 5
    assert tuple(scoring.events(chances(np.array([]), np.array([], bool))).columns) == scoring.CROSSED


def test_nothing_to_judge_gives_empty_tables() -> None:
    nothing = pd.DataFrame([])
    assert scoring.judge(nothing).empty and scoring.events(nothing).empty
    assert scoring.reliability(nothing)["n"].sum() == 0


def test_forecasts_of_few_cutoffs_do_not_count_as_many_cases() -> None:
    """Twelve forecasts from three cut-offs, two thirds of them in the 90 % interval: 8 of 12 would refute it."""
    frame = pd.DataFrame([{"quantity": "income", "cutoff": cutoff, "horizon": horizon, "actual": 1.0,
                           "in50": horizon > 2, "in90": cutoff > 1, "pit": 0.5, "crps": 1.0, "crps_drift": 2.0,
                           "crps_trend": 2.0, "error": 0.0} for cutoff in (1, 2, 3) for horizon in (1, 2, 3, 4)])
    assert scoring.refuted(8 / 12, 12, 0.9)
    assert scoring.judge(frame).iloc[-1][["n", "cutoffs", "grade"]].tolist() == [12, 3, "B"]
