"""Shares of variance against closed forms, and in scenarios whose only source of uncertainty is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bench.pool import scaled
from simulation import load_scenario
from simulation.results import QUANTITIES
from simulation.scenario import Scenario
from simulation.streams import normals
from simulation.terms import BadInput
from simulation.variance import PARTS, SHARES, shares, split

BENXI = load_scenario("benxi_2008")
CITY = 200_000  # insured persons


def stripped(scenario: Scenario, ranges: bool = True, shocks: bool = True) -> Scenario:
    """The scenario without intervals of its assumptions, without yearly shocks, or without either."""
    sections = {}
    for name in type(scenario.assumptions).model_fields:
        section = getattr(scenario.assumptions, name)
        if name == "correlations":
            sections[name] = () if ranges else section
            continue
        changed = {}
        for field in type(section).model_fields:
            given = getattr(section, field)
            if ranges and (given.range or given.factor):
                given = given.model_copy(update={"range": None, "factor": None})
            if shocks and name == "shocks" and field.endswith("_sd"):
                given = given.model_copy(update={"value": 0.0})
            changed[field] = given
        sections[name] = section.model_copy(update=changed)
    return scenario.model_copy(update={"assumptions": scenario.assumptions.model_copy(update=sections)})


def by_source(frame: pd.DataFrame, column: str = "share") -> pd.DataFrame:
    """One row a quantity and year, one column a source."""
    return frame.pivot(index=["quantity", "year"], columns="source", values=column)


# --- the arithmetic ----------------------------------------------------------------------------------

def test_a_sum_has_the_shares_of_its_terms_and_nothing_together() -> None:
    z = normals((16_384, 3), 1, "terms of a sum")
    x, y, w = 3 * z[:, :1], 4 * z[:, 1:2], 0 * z[:, 2:]
    found = split({"parameters": x, "shocks": y, "chance": w}, x + y + w)
    # 16,384 draws: a standard error of 1/128 of a variance, and as much of a correlation that is none; four of them
    assert_allclose(found.share[:, 0], [9 / 25, 16 / 25, 0, 0], atol=4 / 128)
    assert_allclose(found.sd[:, 0], [3, 4, 0, 5], rtol=4 / 256)


def test_a_product_of_lognormals_has_the_closed_form_and_a_share_together() -> None:
    s, r = 0.3, 0.4
    z = normals((65_536, 2), 1, "factors")
    x, y, one = np.exp(s * z[:, :1]), np.exp(r * z[:, 1:]), np.ones((65_536, 1))
    found = split({"parameters": x, "shocks": y, "chance": one}, x * y)
    variance = lambda of: np.expm1(of) * np.exp(of)  # noqa: E731 - of a lognormal with median 1 and this log variance
    expected = np.array([variance(s**2), variance(r**2), 0.0]) / variance(s**2 + r**2)
    # 65,536 draws: 1/181 of a normal's variance is its standard error, three times that in a lognormal's longer tail
    assert_allclose(found.share[:3, 0], expected, atol=4 * 3 / 181)
    assert found.share[3, 0] > 0.1  # what is together here: a tenth and more, so that its absence would be seen


def test_sources_that_offset_each_other_leave_a_negative_rest() -> None:
    x = normals((1024, 1), 1, "hedge")
    found = split({"parameters": x, "shocks": -0.5 * x, "chance": 0 * x}, 0.5 * x)
    assert_allclose(found.share[:, 0], [4, 1, 0, -4])


def test_the_standard_error_is_the_spread_between_repetitions() -> None:
    z = normals((200, 1024, 2), 1, "repetitions")
    found = [split({"parameters": 3 * of[:, :1], "shocks": 4 * of[:, 1:], "chance": 0 * of[:, :1]},
                   3 * of[:, :1] + 4 * of[:, 1:]) for of in z]
    spread = np.std([one.share[0, 0] for one in found])
    told = np.mean([one.se[0, 0] for one in found])
    assert_allclose(told, spread, rtol=0.2)  # four standard errors of a spread of 200: 4 / sqrt(400)


# --- the model ---------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def benxi() -> pd.DataFrame:
    return shares(BENXI, draws=256)


def test_shares_add_up_to_one_for_every_quantity(benxi: pd.DataFrame) -> None:
    assert tuple(benxi.columns) == SHARES and set(benxi["quantity"]) == set(QUANTITIES)
    assert list(benxi["source"][:4]) == list(PARTS)
    assert np.isfinite(benxi[["share", "se", "sd"]].values).all()
    wide = by_source(benxi)
    assert_allclose(wide.sum(axis=1), 1, atol=1e-12)  # rounding
    assert (wide[["parameters", "shocks", "chance"]].values >= 0).all()


def test_chance_does_not_move_who_is_insured_nor_what_they_pay(benxi: pd.DataFrame) -> None:
    wide = by_source(benxi)["chance"]
    assert (wide.loc[["enrolled", "individual_income"]] == 0).all()
    assert (wide.loc["expenditure"] > 0).all()


def test_a_share_is_a_variance_over_a_variance(benxi: pd.DataFrame) -> None:
    share, sd = by_source(benxi), by_source(benxi, "sd")
    for source in ("parameters", "shocks", "chance"):
        assert_allclose(share[source], (sd[source] / sd["together"]) ** 2)


def test_without_intervals_and_shocks_all_is_chance() -> None:
    wide = by_source(shares(stripped(BENXI), ("expenditure", "balance_ratio"), draws=64))
    # the runs with chance alone and with everything draw the same numbers; 1e-6 leaves room for their rounding
    assert_allclose(wide["chance"], 1, atol=1e-6)
    assert_allclose(wide["together"], 0, atol=1e-6)


def test_each_source_alone_has_everything() -> None:
    crowd = scaled(stripped(BENXI, shocks=False), 100 * CITY)
    assert (by_source(shares(crowd, ("enrolled",), draws=64))["shocks"] == 1).all()
    certain = scaled(stripped(BENXI, ranges=False), CITY)
    assert_allclose(by_source(shares(certain, ("opening_balance",), draws=64)).loc[("opening_balance", 2008)],
                    [0, 1, 0, 0], atol=1e-12)  # chance, parameters, shocks, together: what was in the fund at first


def test_what_does_not_vary_has_no_shares_and_gives_no_warning() -> None:
    found = shares(stripped(BENXI), ("enrolled", "income"), draws=64)
    still = found[(found["quantity"] == "enrolled") | (found["year"] == 2008)]
    assert (still[["share", "se", "sd"]].values == 0).all()


def test_chance_fades_with_the_size_of_the_pool_and_is_nothing_in_a_huge_one() -> None:
    sizes = (2_000, 20_000, CITY, 1000 * CITY)
    found = [shares(scaled(BENXI, size), ("expenditure",), draws=2048) for size in sizes]
    chance = np.stack([by_source(frame)["chance"] for frame in found])
    systematic = np.stack([by_source(frame)[["parameters", "shocks"]].sum(axis=1) for frame in found])
    assert (np.diff(chance, axis=0) < 0).all() and chance[0].max() > 0.5 and chance[-1].max() < 1e-4
    # beyond a city, chance has less left to give up than the standard error of a share
    assert (np.diff(systematic[:3], axis=0) > 0).all()
    # people fall ill on their own, so the variance that is chance grows as the pool and a yuan a head's falls as 1 / N;
    # 5 %: in the smallest the long tail of payments to few people is bounded below at nothing
    sd = np.stack([by_source(frame, "sd")["chance"] for frame in found])
    assert_allclose((sd / sd[0]) ** 2, np.broadcast_to(np.array(sizes)[:, None] / sizes[0], sd.shape), rtol=0.05)


def test_the_same_question_has_the_same_answer() -> None:
    first, again = (shares("benxi_2008", ("balance_ratio",), draws=64, seed=7) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


@pytest.mark.parametrize("of", [(), ("balance",), ("income", "income")])
def test_unknown_quantities_are_refused_with_a_remedy(of: tuple[str, ...]) -> None:
    with pytest.raises(BadInput):
        shares(BENXI, of, draws=64)
