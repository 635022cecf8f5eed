"""The cost of a stay with a dear end: quadrature, closed forms, an FFT, and every engine on the same shocks.

The referees know nothing of `simulation.engines.shapes`: they write the shape down once more, scale it by
quadrature, and have the same people, prices and rules.
"""

from __future__ import annotations

import aggregate
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.special import ndtri
from scipy.stats import norm

from bench import plain
from bench.pool import inputs_of, scaled
from simulation import load_scenario
from simulation.engines import bills, histories, individual
from simulation.engines.shapes import NO_TAIL, bin_means, log_mean, partial, relative
from simulation.records import Care, Conditions, Costs, Rules, Spending, Tail
from simulation.scenario import Scenario
from simulation.streams import stream
from tests.test_referees import CROWD, MEAN, OF_AGGREGATE, RATE, SIZE, TIERS, even_noise, per_draw, rule_book

LOG_SD = 0.9
TAIL = Tail(float(ndtri(0.9)), 1.4)
CASES = [(0.75, Tail(1.2816, 1.4)), (1.0, Tail(0.8416, 1.3)), (1.1, Tail(1.645, 2.0)), (0.9, NO_TAIL)]
EDGES = np.array([-np.inf, -2.0, -0.5, 0.3, 1.0, 1.5, 2.0, 3.0, 4.5, np.inf])


# --- the shape, written down once more -------------------------------------------------------------

def mean_over(amount, low: float, high: float, tail: Tail) -> float:
    """The integral of `amount` times the normal density, with a node where the shape bends."""
    low, high = max(low, -12.0), min(high, 16.0)
    points = [tail.bend] if low < tail.bend < high else None
    return quad(lambda z: amount(z) * norm.pdf(z), low, high, points=points, epsabs=0, epsrel=1e-11, limit=500)[0]


def unscaled(z: float, log_sd: float, tail: Tail) -> float:
    """Cost before its mean is scaled to 1."""
    return np.exp(log_sd * (z if z <= tail.bend else tail.bend + tail.spread * (z - tail.bend)))


def average(log_sd: float, tail: Tail) -> float:
    """Its mean."""
    return mean_over(lambda z: unscaled(z, log_sd, tail), -12, 16, tail)


def below(cost: np.ndarray, log_sd: float = LOG_SD, tail: Tail = TAIL) -> np.ndarray:
    """The chance of a stay that costs at most so many yuan, of `MEAN` on average: the distribution function."""
    with np.errstate(divide="ignore"):
        w = (np.log(np.maximum(cost, 0.0) / MEAN) + np.log(average(log_sd, tail))) / log_sd
    beyond = np.maximum(w - tail.bend, 0.0)
    return norm.cdf(w - beyond + beyond / tail.spread)


def limited(limit: float, log_sd: float = LOG_SD, tail: Tail = TAIL) -> float:
    """E[min(X, limit)] in yuan of a stay of `MEAN`, by quadrature on either side of the limit."""
    if np.isinf(limit):
        return MEAN
    z = float(norm.ppf(below(np.array(limit), log_sd, tail)))
    under = mean_over(lambda x: unscaled(x, log_sd, tail), -12, z, tail)
    return MEAN * under / average(log_sd, tail) + limit * norm.sf(z)


@pytest.mark.parametrize(("log_sd", "tail"), CASES)
def test_means_against_quadrature(log_sd: float, tail: Tail) -> None:
    """Mean 1 and the mean of every bin, to 1e-9: both are closed forms, the quadrature is asked for 1e-11."""
    assert_allclose(np.exp(log_mean(log_sd, tail)), average(log_sd, tail), rtol=1e-9)
    expected = [mean_over(lambda z: unscaled(z, log_sd, tail), low, high, tail) / average(log_sd, tail)
                for low, high in zip(EDGES[:-1], EDGES[1:], strict=True)]
    assert_allclose(partial(EDGES, log_sd, tail), expected, rtol=1e-9)
    assert_allclose(partial(EDGES, log_sd, tail).sum(), 1.0, rtol=1e-12)
    assert_allclose(bin_means(EDGES, log_sd, tail) @ np.diff(norm.cdf(EDGES)), 1.0, rtol=1e-12)


@pytest.mark.parametrize(("log_sd", "tail"), CASES)
def test_cost_rises_with_its_rank(log_sd: float, tail: Tail) -> None:
    """Also across the bend, where nothing jumps; and a bin's mean lies between the costs at its edges."""
    z = np.linspace(-5, 6, 2001)
    cost = relative(z, np.full_like(z, log_sd), tail)
    assert (np.diff(cost) > 0).all()
    assert np.diff(np.log(cost)).max() <= log_sd * tail.spread * (z[1] - z[0]) * (1 + 1e-9)
    at = relative(EDGES[1:-1], np.full(len(EDGES) - 2, log_sd), tail)
    means = bin_means(EDGES, log_sd, tail)
    assert (means[:-1] < at).all()
    assert (means[1:] > at).all()


def test_limits_are_lognormals() -> None:
    """A spread of 1 is the lognormal; a bend below everyone is one whose log sd is wider; above everyone, itself."""
    z = np.linspace(-4, 4.5, 50)
    sd = np.full_like(z, 0.8)
    lognormal = lambda log_sd: np.exp(log_sd * z - log_sd**2 / 2)  # noqa: E731
    assert_array_equal(relative(z, sd, Tail(1.0, 1.0)), relative(z, sd))
    assert_array_equal(bin_means(EDGES, 0.8, Tail(1.0, 1.0)), bin_means(EDGES, 0.8))
    assert_allclose(relative(z, sd), lognormal(0.8), rtol=1e-12)
    # At -8 a chance of 6e-16 is left below the bend, at 9 less than that above it even among costs.
    assert_allclose(relative(z, sd, Tail(-8.0, 1.5)), lognormal(1.2), rtol=1e-9)
    assert_allclose(bin_means(EDGES, 0.8, Tail(-8.0, 1.5)), bin_means(EDGES, 1.2), rtol=1e-9)
    assert_allclose(relative(z, sd, Tail(9.0, 1.5)), lognormal(0.8), rtol=1e-9)
    assert_allclose(bin_means(EDGES, 0.8, Tail(9.0, 1.5)), bin_means(EDGES, 0.8), rtol=1e-9)


def test_sampled_costs_have_the_shape() -> None:
    """A million stays: mean, share beyond the bend and the cost there, each within 4 standard errors."""
    n = 1_000_000
    cost = relative(stream(1, "test shapes").standard_normal(n), np.full(n, LOG_SD), TAIL)
    dear = cost > float(relative(np.array(TAIL.bend), np.array(LOG_SD), TAIL))
    part = partial(np.array([TAIL.bend, np.inf]), LOG_SD, TAIL).item()
    for sample, expected in ((cost, 1.0), (dear, 0.1), (cost * dear, part)):
        assert abs(sample.mean() - expected) < 4 * sample.std() / np.sqrt(n)
    assert part > partial(np.array([TAIL.bend, np.inf]), LOG_SD).item() + 0.05  # or the tail would not be one


@pytest.mark.parametrize(("log_sd", "tail"), CASES)
@pytest.mark.parametrize("limit", [300.0, 3000.0, 30_000.0])
def test_limited_expected_value_in_two_pieces(log_sd: float, tail: Tail, limit: float) -> None:
    """What lies below the limit is a partial mean on either side of the bend, closed; 1e-9 as above."""
    z = float(norm.ppf(below(np.array(limit), log_sd, tail)))
    closed = MEAN * partial(np.array([-np.inf, z]), log_sd, tail).item() + limit * norm.sf(z)
    assert_allclose(closed, limited(limit, log_sd, tail), rtol=1e-9)


# --- one group, one year, tiers all alike, stays with the tail -------------------------------------

def paid(rules: Rules, people: float, admissions: float, noise: np.ndarray | float = 0.0) -> Spending:
    """One year of a pool by the history table; `noise` (d,) or a number."""
    noise = np.atleast_1d(noise).astype(float)
    still = np.zeros((len(noise), 1))
    conditions = Conditions(price=still + 1, chronic_price=still + 1, frequency=still[:, :, None] + 1,
                            chronic=still + 1, tilt=still, noise=noise[:, None], reach=(1.0, 1.0))
    care = Care(admissions=np.array([admissions]), chronic_share=np.zeros(1), covered=np.ones(1),
                mix=np.full((1, TIERS), 1 / TIERS), years=np.ones(1))
    expense, mix = np.full(TIERS, MEAN), np.full(TIERS, 1 / TIERS)
    costs = Costs(expense=expense, log_sd=np.full(TIERS, LOG_SD), chronic_expense=MEAN, chronic_log_sd=LOG_SD,
                  eligible=np.ones((2, TIERS)), dispersion=SIZE, referral=0.0, primary=np.arange(TIERS) == 0.0,
                  usual_mix=mix, usual_expense=expense, busiest=admissions, tail=TAIL)
    insured = np.full((len(noise), 1, 1, 1), people)
    return histories.spend([rules], [care], [costs], insured, np.array([5000.0]), conditions, seed=1)


def one_stay(rules: Rules) -> float:
    """Expected payment of a single stay: the rate on what lies between the deductible and the ceiling's point."""
    deductible, rate = rules.first[0, 0], rules.rate[0, 0, 0, 0]
    return rate * (limited(deductible + rules.ceiling / rate) - (limited(deductible) if deductible else 0.0))


@pytest.mark.parametrize("deductible", [0.0, 300.0, 3000.0])
@pytest.mark.parametrize("ceiling", [10_000.0, 30_000.0, np.inf])
def test_one_stay_is_paid_by_the_closed_form(deductible: float, ceiling: float) -> None:
    """Stays so rare that nobody has two, by the table. Bins meet the mean, so only the kinks can err; the bend of the
    shape, inside a bin, adds nothing. Measured 5e-5; as without a tail 1e-4 is allowed."""
    rules, admissions = rule_book(deductible, RATE, ceiling), 1e-7
    assert_allclose(paid(rules, CROWD, admissions).basic.item() / (CROWD * admissions), one_stay(rules), rtol=1e-4)


@pytest.mark.parametrize("ceiling", [10_000.0, np.inf])
def test_a_bill_settled_by_itself_is_paid_by_the_closed_form(ceiling: float) -> None:
    """The net price of a stay, to which people respond. 128 bins of cost in place of 320: measured 1.3e-4, allowed
    5e-4."""
    rules = rule_book(300.0, RATE, ceiling)
    found = bills.settled(rules, bills.INPATIENT, np.full((TIERS, 1), MEAN), np.full(TIERS, LOG_SD), np.ones(TIERS),
                          np.zeros(1), 1, 0.0, TAIL)
    assert_allclose(found.paid, one_stay(rules), rtol=5e-4)


def compound(people: float, admissions: float, deductible: float, bucket: float, log2: int) -> aggregate.Aggregate:
    """The year's expense above the deductible of every stay, of all people, by PyPI `aggregate`.

    The severity is a histogram of the shape's own distribution function, rounded to the bucket, stays below the
    deductible included as nothing. Independent negative binomials of one size add up to a Poisson mixed by a gamma.
    """
    steps = np.arange(1, 2**log2) - 0.5
    chance = np.diff(np.concatenate([[0.0], below(deductible + bucket * steps), [1.0]]))
    some = chance > 0
    year = aggregate.Aggregate("Year", exp_en=people * admissions, sev_name="dhistogram",
                               sev_xs=bucket * np.flatnonzero(some), sev_ps=chance[some], freq_name="gamma",
                               freq_a=1 / np.sqrt(people * SIZE))
    year.update(log2=log2, bs=bucket)
    return year


@OF_AGGREGATE
def test_a_pools_year_against_the_fft() -> None:
    """Mean, spread and quantiles of what 20,000 people are paid, stays with a tail.

    Mean: a bucket of 100 yuan costs the FFT 2e-5, and 1e-4 of stays lie beyond the longest history; 2e-4 is allowed.
    Spread: the last bin of cost, from 4.5 standard normals on, holds 2.4 % of the squares (without a tail 0.4 %) and
    loses what varies within it, half of which shows in the spread; 1.3e-2 was measured, 2e-2 is allowed. Quantiles: by
    that loss, on a spread of 3.4 % of the mean; 7e-4 was measured, 1e-3 is allowed.
    """
    year = compound(20_000, 0.2, 300.0, bucket=100, log2=18)
    payments = paid(rule_book(), 20_000, 0.2, even_noise(65_536)).basic[:, 0]
    assert_allclose(paid(rule_book(), CROWD, 0.2).basic.item() * 20_000 / CROWD, RATE * year.est_m, rtol=2e-4)
    assert_allclose(payments.std(), RATE * year.est_m * year.est_cv, rtol=0.02)
    for share in (0.05, 0.95):
        assert_allclose(np.quantile(payments, share), RATE * year.q(share), rtol=1e-3)


@OF_AGGREGATE
@pytest.mark.parametrize("ceiling", [15_000.0, 30_000.0])
def test_one_persons_yearly_ceiling_against_the_fft(ceiling: float) -> None:
    """E[min(S, ceiling)] and its spread with any number of stays, on which a ceiling binds together.

    Under a ceiling the tail itself is cut: measured 4e-4 and 3e-3; as without a tail 1.5e-3 and 1e-2 are allowed.
    """
    person = compound(1, 0.2, 300.0, bucket=10, log2=17).density_df
    payment, chance = np.minimum(RATE * person.loss.values, ceiling), person.p_total.values
    mean = chance @ payment
    rules = rule_book(ceiling=ceiling)
    assert_allclose(paid(rules, CROWD, 0.2).basic.item() / CROWD, mean, rtol=1.5e-3)
    pool = paid(rules, 20_000, 0.2, even_noise()).basic
    assert_allclose(pool.std(), np.sqrt(20_000 * (chance @ payment**2 - mean**2)), rtol=0.01)


# --- every engine on the same shocks ---------------------------------------------------------------

@pytest.fixture(scope="module")
def dear_benxi() -> tuple:
    """Two years of Benxi with 3,000 insured and a tail wider than its own, and what plain numpy makes of 256 draws."""
    data = scaled(load_scenario("benxi_2008"), 3000).model_dump() | {"years": 2}
    data["assumptions"]["utilisation"]["tail_share"]["value"] = 0.15
    data["assumptions"]["utilisation"]["tail_spread"]["value"] = 1.8
    data["policy"]["benefits"]["ceiling"]["value"] = 15_000
    inputs = inputs_of(Scenario.model_validate(data), draws=256)
    assert inputs[2][0].tail.spread == 1.8
    return inputs, per_draw(plain.spend(*inputs))


@pytest.mark.parametrize("engine", [histories, individual], ids=["table", "exact"])
def test_engines_agree_with_plain_numpy(engine, dear_benxi: tuple) -> None:
    """Every total of two years, draw by draw under the same shocks: the mean difference is within 4 of its standard
    errors, as without a tail. The people's own chance leaves 0.9 % of the fund's payments at this number of draws; a
    lognormal in place of the tail is 17 % off and would not pass."""
    inputs, counted = dear_benxi
    answer = per_draw(engine.spend(*inputs))
    for name, by_person in counted.items():
        difference = answer[name] - by_person
        error = difference.std(ddof=1) / np.sqrt(len(difference))
        assert abs(difference.mean()) <= 4 * error, (name, difference.mean() / by_person.mean(), error)
        assert name != "basic" or error < 0.01 * by_person.mean()  # or agreement would say little
    rules, care, costs, *others = inputs
    thin = per_draw(engine.spend(rules, care, [cost._replace(tail=NO_TAIL) for cost in costs], *others))
    difference = thin["basic"] - counted["basic"]
    assert abs(difference.mean()) > 4 * difference.std(ddof=1) / np.sqrt(len(difference))
