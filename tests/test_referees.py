"""Outside referees of the engines: closed forms, an FFT of compound distributions, limits, plain numpy.

Most cases have one group whose tiers are all alike. To the referee that is a single tier; to the table it
is the usual number of ordered tier sequences, so that it answers from as many histories as in use. The
closed forms and the FFT know nothing of this project's code: they get the same people, prices and rules.
"""

from __future__ import annotations

from math import comb

import aggregate
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import ndtri
from scipy.stats import nbinom, norm, poisson, skew

from bench import plain
from bench.pool import Inputs, inputs_of, of_draws, scaled
from simulation import load_scenario
from simulation.engines import histories, individual
from simulation.records import Care, Conditions, Costs, Rules, Spending
from simulation.scenario import Change, Scenario
from simulation.terms import Source

TIERS = 5
MEAN, LOG_SD = 3400.0, 0.9  # of a stay's expense, yuan
SIZE = 0.6  # of the negative binomial number of stays
DEDUCTIBLE, RATE, CEILING = 300.0, 0.55, 30_000.0
OF_AGGREGATE = pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")  # its logarithm of chance 0
STATED = Source(status="assumption")
CROWD = 1e20  # people; chance between so many is nothing, so what they are paid is the mean
FEW = 2000  # people, so few that a year's payments are skewed


# --- the case: one group, one year, tiers all alike ------------------------------------------------

def rule_book(deductible: float = DEDUCTIBLE, rate: float = RATE, ceiling: float = np.inf) -> Rules:
    """A deductible of every stay that never falls, one rate, a yearly ceiling of the fund's payments."""
    everywhere = np.ones((2, TIERS))
    return Rules(
        counts=np.ones(2), first=deductible * everywhere, annual=np.array([0.0, 1.0]), step=np.zeros(TIERS), floor=0.0,
        lower=0.0 * everywhere[None], upper=np.inf * everywhere[None], rate=np.full((1, 2, TIERS, 1), rate),
        bonus=0.0, limit=1.0, ceiling=ceiling, has_kind_ceiling=False, kind_ceiling=np.full(2, np.inf),
        has_fee=False, fee=np.zeros(TIERS), fee_price=np.zeros(TIERS), waived=np.zeros(1), credit=0.0,
        has_critical=False, above_ceiling=0.0, critical_due=0.0, critical_lower=np.zeros(1),
        critical_upper=np.full(1, np.inf), critical_rate=np.zeros(1), critical_ceiling=np.inf,
        has_assistance=False, assistance_rate=np.zeros(1), assistance_due=0.0, assistance_ceiling=np.inf,
        has_commercial=False, commercial_rate=np.zeros(TIERS), commercial_due=0.0, commercial_ceiling=np.inf)


def paid(rules: Rules, people: float, admissions: float, *, noise=0.0, price=1.0, frequency=1.0,
         log_sd: float = LOG_SD, size: float = SIZE, engine=histories) -> Spending:
    """One year by the history table or another engine; `noise`, `price` and `frequency` are (d,) or plain numbers."""
    noise, price, frequency = np.array(np.broadcast_arrays(np.atleast_1d(noise), price, frequency))
    still = np.zeros((len(noise), 1))
    conditions = Conditions(price=price[:, None], chronic_price=price[:, None], frequency=frequency[:, None, None],
                            chronic=still + 1, tilt=still, noise=noise[:, None], reach=(price.min(), price.max()))
    care = Care(admissions=np.array([admissions]), chronic_share=np.zeros(1), covered=np.ones(1),
                mix=np.full((1, TIERS), 1 / TIERS), years=np.ones(1))
    expense, mix = np.full(TIERS, MEAN), np.full(TIERS, 1 / TIERS)
    costs = Costs(expense=expense, log_sd=np.full(TIERS, log_sd), chronic_expense=MEAN, chronic_log_sd=log_sd,
                  eligible=np.ones((2, TIERS)), dispersion=size, referral=0.0, primary=np.arange(TIERS) == 0.0,
                  usual_mix=mix, usual_expense=expense, busiest=admissions * frequency.max())
    insured = np.full((len(noise), 1, 1, 1), people)
    return engine.spend([rules], [care], [costs], insured, np.array([5000.0]), conditions, seed=1)


def counted(rules: Rules, admissions: float, draws: int = 8192, size: float = SIZE) -> Spending:
    """Many years of a pool of `FEW` by the exact engine, which brings its own chance."""
    return paid(rules, FEW, admissions, noise=np.zeros(draws), size=size, engine=individual)


def apart(counts: np.ndarray, mean: float) -> float:
    """How far the mean of the exact engine's years (d,) is from what it should be, in standard errors."""
    return abs(counts.mean() - mean) / (counts.std(ddof=1) / np.sqrt(len(counts)))


def even_noise(draws: int = 8192) -> np.ndarray:
    """Standard normals at even steps of probability: their quantiles carry no sampling error."""
    return ndtri((np.arange(draws) + 0.5) / draws)


# --- closed forms of the lognormal -----------------------------------------------------------------

def excess(deductible: float, power: int = 1, mean: float = MEAN, log_sd: float = LOG_SD) -> float:
    """E[max(X - deductible, 0)^power]; E[min(X, deductible)] is the mean less this."""
    if np.isinf(deductible):
        return 0.0
    mu = np.log(mean) - log_sd**2 / 2
    z = (np.log(deductible) - mu) / log_sd if deductible > 0 else -np.inf
    beyond = [np.exp(i * mu + (i * log_sd) ** 2 / 2) * norm.cdf(i * log_sd - z) for i in range(power + 1)]
    return sum(comb(power, i) * (-deductible) ** (power - i) * beyond[i] for i in range(power + 1))


def one_stay(rules: Rules, mean: float = MEAN, log_sd: float = LOG_SD) -> float:
    """Expected payment of a single stay: the rate on what lies between the deductible and the point at
    which the payment meets the ceiling."""
    deductible, rate = rules.first[0, 0], rules.rate[0, 0, 0, 0]
    top = deductible + rules.ceiling / rate
    return rate * (excess(deductible, 1, mean, log_sd) - excess(top, 1, mean, log_sd))


def test_excess_against_figures_worked_by_hand() -> None:
    """The referee itself: a lognormal with log mean 0 and log sd 1, whose normal tables are printed."""
    mean = np.exp(0.5)
    assert_allclose(excess(1.0, 1, mean, 1.0), mean * 0.841345 - 0.5, rtol=1e-5)
    assert_allclose(excess(1.0, 2, mean, 1.0), np.exp(2) * 0.977250 - 2 * mean * 0.841345 + 0.5, rtol=1e-5)
    assert_allclose(excess(0.0, 3, mean, 1.0), np.exp(4.5), rtol=1e-12)


@pytest.mark.parametrize("log_sd", [0.8, 1.1])
@pytest.mark.parametrize("deductible", [0.0, 300.0, 3000.0])
@pytest.mark.parametrize("ceiling", [10_000.0, 30_000.0, np.inf])
def test_one_stay_is_paid_by_the_closed_form(log_sd: float, deductible: float, ceiling: float) -> None:
    """Stays so rare that nobody has two. A few hundred evenly spaced costs a tier stand for the lognormal
    and meet its mean exactly, so only the kinks can err: 4e-5 was measured, 1e-4 is allowed."""
    rules, admissions = rule_book(deductible, RATE, ceiling), 1e-7
    mean = paid(rules, CROWD, admissions, log_sd=log_sd).basic.item() / (CROWD * admissions)
    assert_allclose(mean, one_stay(rules, log_sd=log_sd), rtol=1e-4)


@pytest.mark.parametrize("deductible", [300.0, 3000.0])
def test_mean_at_any_price_and_frequency(deductible: float) -> None:
    """Without a ceiling the mean is stays times the closed form, whatever the number of stays a person.

    Prices and frequencies go beyond what 16,384 draws of a scenario reach, so this holds the table's
    interpolation between its nodes: four nodes in the log of frequency were once 2e-3 off on average.
    Measured 2.1e-4 at the ends of the prices, allowed 3e-4.
    """
    price = np.linspace(0.7, 2.5, 61)
    frequency = 1.3 * 1.8 ** np.sin(7 * np.arange(61))  # 0.7 to 2.3, in no step with the prices
    rules, admissions = rule_book(deductible), 0.1
    payments = paid(rules, CROWD, admissions, price=price, frequency=frequency).basic[:, 0]
    a_stay = [one_stay(rules, MEAN * level) for level in price]
    assert_allclose(payments, CROWD * admissions * frequency * a_stay, rtol=3e-4)


# --- compound distributions by FFT -----------------------------------------------------------------

def compound(people: float, admissions: float, bucket: float, log2: int) -> aggregate.Aggregate:
    """The year's expense above the deductible of every stay, of all people, by PyPI `aggregate`.

    Independent negative binomials of one mean and size add up to one of `people` times both, which
    `aggregate` writes as a Poisson mixed by a gamma of this coefficient of variation; `!` counts all stays,
    not just those above the deductible.
    """
    cv, mixing = np.sqrt(np.expm1(LOG_SD**2)), 1 / np.sqrt(people * SIZE)
    return aggregate.build(f"agg Year {people * admissions} claims inf xs {DEDUCTIBLE} "
                           f"sev lognorm {MEAN} cv {cv} ! mixed gamma {mixing}", bs=bucket, log2=log2)


@OF_AGGREGATE
@pytest.mark.parametrize("admissions", [0.05, 0.2])
def test_a_pools_year_against_the_fft(admissions: float) -> None:
    """Mean, spread and 5 % and 95 % quantiles of what 20,000 people are paid.

    Mean: a bucket of 100 yuan costs the FFT 1.6e-5 of its mean (the error falls with the bucket's square)
    and the table lumps the 1e-4 of stays beyond its longest history; 1e-4 is allowed. Spread: a history
    stands for a bin of costs, which loses the spread within it, 2e-3 in all; 1e-2 is allowed. Quantiles:
    the spread is 3 to 5 % of the mean, and a shifted gamma stands for the shape; measured 2e-4 at this number of
    draws, allowed 5e-4.
    """
    year = compound(20_000, admissions, bucket=100, log2=18)
    payments = paid(rule_book(), 20_000, admissions, noise=even_noise(131_072)).basic[:, 0]
    crowd = paid(rule_book(), CROWD, admissions).basic.item()  # the mean without any chance
    assert_allclose(crowd * 20_000 / CROWD, RATE * year.est_m, rtol=1e-4)
    assert_allclose(payments.std(), RATE * year.est_m * year.est_cv, rtol=0.01)
    for share in (0.05, 0.95):
        assert_allclose(np.quantile(payments, share), RATE * year.q(share), rtol=5e-4)


@OF_AGGREGATE
@pytest.mark.parametrize("ceiling", [15_000.0, CEILING])
@pytest.mark.parametrize("admissions", [0.05, 0.2, 0.35])
def test_one_persons_yearly_ceiling_against_the_fft(admissions: float, ceiling: float) -> None:
    """E[min(S, ceiling)] and the spread of one person's year with any number of stays.

    A ceiling binds on the sum of a year's stays, where longer histories, of which there are fewest,
    matter most: 8e-4 was measured at 0.35 stays a person, 1.5e-3 is allowed. Spread: 3e-3 and 1e-2.
    """
    person = compound(1, admissions, bucket=10, log2=17).density_df
    payment, chance = np.minimum(RATE * person.loss.values, ceiling), person.p_total.values
    mean = chance @ payment
    rules = rule_book(ceiling=ceiling)
    assert_allclose(paid(rules, CROWD, admissions).basic.item() / CROWD, mean, rtol=1.5e-3)
    pool = paid(rules, 20_000, admissions, noise=even_noise()).basic
    assert_allclose(pool.std(), np.sqrt(20_000 * (chance @ payment**2 - mean**2)), rtol=0.01)


def together(one: np.ndarray, people: int) -> np.ndarray:
    """Chances of 0, 1, 2... buckets paid to independent people together, from those of one person, by numpy's FFT.

    >>> together(np.array([0.5, 0.5]), 2)[:3].round(12).tolist()
    [0.25, 0.5, 0.25]
    """
    buckets = np.arange(len(one))
    mean = one @ buckets
    reach = people * mean + 12 * np.sqrt(people * (one @ buckets**2 - mean**2))  # beyond it nothing wraps around
    size = 2 ** int(np.ceil(np.log2(reach)))
    return np.fft.irfft(np.fft.rfft(one, size) ** people, size)


@OF_AGGREGATE
@pytest.mark.parametrize("ceiling", [16_500.0, 33_000.0])  # whole numbers of buckets
@pytest.mark.parametrize("admissions", [0.05, 0.35])
def test_a_pools_year_under_a_yearly_ceiling_against_the_fft(admissions: float, ceiling: float) -> None:
    """The whole distribution of what 2,000 people are paid, each up to a ceiling: table, exact engine and FFT.

    The FFT's bucket of 50 yuan costs 4e-6 of the mean. Table: the ceiling meets the rare long histories; mean and
    quantiles were at most 6.8e-4 off, allowed 1.5e-3 as for one person; spread 1.2e-3, allowed 5e-3. Exact engine:
    within 4 standard errors of 8,192 years, that is 0.3 to 0.7 % of the mean, and so are the spread and the shares of
    years below the FFT's quantiles; the largest was 1.6.
    """
    bucket, rules = 50, rule_book(ceiling=ceiling)
    chance = compound(1, admissions, bucket, log2=15).density_df.p_total.values
    full = round(ceiling / (RATE * bucket))
    year = together(np.append(chance[:full], 1 - chance[:full].sum()), FEW)
    amount = RATE * bucket * np.arange(len(year))
    mean = year @ amount
    spread = np.sqrt(year @ (amount - mean) ** 2)
    low, high = np.interp([0.05, 0.95], np.cumsum(year), amount + RATE * bucket / 2)

    table = paid(rules, FEW, admissions, noise=even_noise(65_536)).basic[:, 0]
    assert_allclose(table.mean(), mean, rtol=1.5e-3)
    assert_allclose(table.std(), spread, rtol=5e-3)
    assert_allclose(np.quantile(table, [0.05, 0.95]), [low, high], rtol=1.5e-3)

    exact = counted(rules, admissions).basic[:, 0]
    assert apart(exact, mean) < 4
    assert_allclose(exact.std(), spread, rtol=4 / np.sqrt(2 * len(exact)))
    for below, share in ((low, 0.05), (high, 0.95)):
        assert abs((exact <= below).mean() - share) < 4 * np.sqrt(0.05 * 0.95 / len(exact))


# --- rates by bands, and a layer on the year -------------------------------------------------------

EDGE, LOWER_RATE, UPPER_RATE = 5000.0, 0.4, 0.6  # of a stay: 40 % up to the edge, 60 % beyond
CRITICAL_RATE = 0.6


def banded(ceiling: float = np.inf) -> Rules:
    """Two bands of a stay's cost, which count from zero; the deductible is within the first."""
    everywhere = np.ones((2, TIERS))
    return rule_book(ceiling=ceiling)._replace(
        lower=np.stack([0.0 * everywhere, EDGE * everywhere]),
        upper=np.stack([EDGE * everywhere, np.inf * everywhere]),
        rate=np.stack([LOWER_RATE * everywhere, UPPER_RATE * everywhere])[..., None])


def a_banded_stay() -> float:
    """Expected payment of a stay with two bands."""
    return LOWER_RATE * (excess(DEDUCTIBLE) - excess(EDGE)) + UPPER_RATE * excess(EDGE)


def by_layers(admissions: float, layers: str, buckets: tuple[int, int] = (20, 10)):
    """One person's year of what the layers of a stay take or leave, by `aggregate`: amounts and chances at each bucket.

    A layered stay is rounded up to whole buckets, so results fall towards the truth with the bucket's size: twice
    the finer less the coarser takes that error out.
    """
    cv, mixing = np.sqrt(np.expm1(LOG_SD**2)), 1 / np.sqrt(SIZE)
    for bucket in buckets:
        year = aggregate.build(f"agg Year {admissions} claims sev lognorm {MEAN} cv {cv} occurrence {layers} "
                               f"mixed gamma {mixing}", bs=bucket, log2=round(np.log2(1.3e6 / bucket))).density_df
        yield year.loss.values, year.p_total.values


def banded_moments(admissions: float, ceiling: float = np.inf) -> np.ndarray:
    """First and second moment of one person's payment under two bands and a yearly ceiling."""
    layers = (f"ceded to {LOWER_RATE:.0%} so {EDGE - DEDUCTIBLE} xs {DEDUCTIBLE} "
              f"and {UPPER_RATE:.0%} so inf xs {EDGE}")
    coarse, fine = (chance @ np.minimum(amount, ceiling)[:, None] ** [1, 2]
                    for amount, chance in by_layers(admissions, layers))
    return 2 * fine - coarse


@OF_AGGREGATE
def test_the_fft_of_layers_meets_the_closed_form() -> None:
    """The referee itself: a bucket of 10 yuan is 2e-3 too dear, two buckets together are 5e-7 off; 2e-6 allowed."""
    assert_allclose(banded_moments(0.2)[0], 0.2 * a_banded_stay(), rtol=2e-6)


@pytest.mark.parametrize("admissions", [1e-7, 0.05, 0.35])
def test_bands_are_paid_by_the_closed_form(admissions: float) -> None:
    """Without a ceiling, stays times the closed form; 3e-5 was measured, 1e-4 is allowed as for one rate."""
    mean = paid(banded(), CROWD, admissions).basic.item() / (CROWD * admissions)
    assert_allclose(mean, a_banded_stay(), rtol=1e-4)


@OF_AGGREGATE
@pytest.mark.parametrize("ceiling", [16_500.0, CEILING])
@pytest.mark.parametrize("admissions", [0.05, 0.35])
def test_bands_under_a_yearly_ceiling_against_the_fft(admissions: float, ceiling: float) -> None:
    """E[min(S, ceiling)] and spread of payments by bands. Table: 1.2e-3 was measured where the ceiling meets the
    rarest years, of 0.35 stays a person, 2e-3 is allowed; spread 2.7e-3 and 1e-2. Exact engine: 4 standard errors,
    each of 0.1 to 0.3 %."""
    rules, (mean, square) = banded(ceiling), banded_moments(admissions, ceiling)
    assert_allclose(paid(rules, CROWD, admissions).basic.item() / CROWD, mean, rtol=2e-3)
    assert_allclose(paid(rules, FEW, admissions, noise=even_noise()).basic.std(), np.sqrt(FEW * (square - mean**2)),
                    rtol=0.01)
    assert apart(counted(rules, admissions).basic[:, 0], FEW * mean) < 4


@OF_AGGREGATE
@pytest.mark.parametrize("admissions", [0.05, 0.35])
@pytest.mark.parametrize("due", [3000.0, 8000.0])
def test_a_layer_on_what_the_year_leaves_against_the_fft(due: float, admissions: float) -> None:
    """60 % of what the basic fund leaves of a year's stays beyond a deductible: E[(S - due)+], S what stays leave.

    Table: few years reach the layer; 7.6e-4 was measured at the higher deductible, 1.5e-3 is allowed. Exact engine:
    4 standard errors, each of 0.1 to 1.5 %.
    """
    rules = rule_book()._replace(has_critical=True, critical_due=due, critical_rate=np.array([CRITICAL_RATE]))
    layers = f"net of {RATE:.0%} so inf xs {DEDUCTIBLE}"
    coarse, fine = (CRITICAL_RATE * chance @ np.maximum(amount - due, 0)
                    for amount, chance in by_layers(admissions, layers))
    mean = 2 * fine - coarse
    assert_allclose(paid(rules, CROWD, admissions).critical.item() / CROWD, mean, rtol=1.5e-3)
    assert apart(counted(rules, admissions).critical[:, 0], FEW * mean) < 4


# --- a deductible that falls with each stay --------------------------------------------------------

@pytest.mark.parametrize("size", [SIZE, 1e6], ids=["negative binomial", "Poisson"])
@pytest.mark.parametrize("admissions", [0.2, 0.8])
def test_a_falling_deductible_by_the_closed_form(admissions: float, size: float) -> None:
    """500 yuan, 150 less for each earlier stay, not below 100: the j-th stay is there with chance P(N >= j) and is
    paid by its own deductible.

    Table: 2.3e-5 was measured, 1e-4 is allowed for stays beyond its longest history; a deductible that stayed at 500
    would pay 0.5 to 4 % less. Exact engine: 4 standard errors, each of 0.05 to 0.1 %.
    """
    rules = rule_book(500.0)._replace(step=np.full(TIERS, 150.0), floor=100.0)
    stay = np.arange(200)  # before this one
    number = nbinom(size, size / (size + admissions)) if size < 1e6 else poisson(admissions)
    there = number.sf(stay)
    assert_allclose(there.sum(), admissions, rtol=1e-9)
    mean = RATE * there @ np.array([excess(max(500.0 - 150.0 * before, 100.0)) for before in stay])
    assert_allclose(paid(rules, CROWD, admissions, size=size).basic.item() / CROWD, mean, rtol=1e-4)
    assert apart(counted(rules, admissions, size=size).basic[:, 0], FEW * mean) < 4


# --- limiting cases --------------------------------------------------------------------------------

def test_rate_zero_pays_nothing() -> None:
    """Nothing means less than a fen: the engine keeps its variance above 1e-9 to be able to divide by it."""
    spending = paid(rule_book(rate=0.0), 20_000, 0.2, noise=even_noise(64))
    assert np.abs(spending.basic).max() < 0.01
    assert np.abs(spending.paid_by_tier).max() < 0.01
    assert np.abs(spending.paid_by_cell).max() < 0.01
    assert spending.expense_by_cell.min() > 0


def test_full_cover_pays_the_eligible_expense() -> None:
    """No deductible, rate 1, no ceiling. In the mean to 1e-4, the share of stays beyond the longest history;
    draw by draw to 5e-4, as payment and expense are fitted apart to nearly the same three moments."""
    rules = rule_book(deductible=0.0, rate=1.0)
    crowd = paid(rules, CROWD, 0.2)
    assert_allclose(crowd.basic, crowd.eligible, rtol=1e-4)
    assert_allclose(crowd.eligible, CROWD * 0.2 * MEAN, rtol=1e-6)
    pool = paid(rules, 20_000, 0.2, noise=even_noise(256))
    assert pool.basic.std() / pool.basic.mean() > 0.02  # or the next line would compare two constants
    assert_allclose(pool.basic, pool.eligible, rtol=5e-4)


def test_large_dispersion_is_poisson() -> None:
    """A compound Poisson's cumulants are stays times the raw moments of one payment.

    Mean 1e-4 and spread 1e-2 as above. Skewness 6e-2: it rests on the cube of the rarest costs, and 8,192
    steps of noise cut the far tail off; 2.3e-2 was measured.
    """
    people, admissions = 20_000, 0.2
    payments = paid(rule_book(), people, admissions, noise=even_noise(), size=1e6).basic[:, 0]
    first, second, third = (people * admissions * RATE**k * excess(DEDUCTIBLE, k) for k in (1, 2, 3))
    assert_allclose(payments.mean(), first, rtol=1e-4)
    assert_allclose(payments.std(), np.sqrt(second), rtol=0.01)
    assert_allclose(skew(payments), third / second**1.5, rtol=0.06)


def doubled(rules: Rules) -> Rules:
    """The rules with every amount of yuan doubled."""
    yuan = ("first", "step", "floor", "lower", "upper", "ceiling", "kind_ceiling", "fee", "fee_price", "critical_due",
            "critical_lower", "critical_upper", "critical_ceiling", "assistance_due", "assistance_ceiling",
            "commercial_due", "commercial_ceiling")
    return rules._replace(**{name: 2 * getattr(rules, name) for name in yuan})


# Benxi with every layer that an engine settles, and stays that continue others.
LAYERS = {
    "contracts.coverage": 0.4, "contracts.rate_bonus.level_1": 0.1, "benefits.kind_ceiling.chronic": 6000,
    "benefits.referral_credit": 0.5, "benefits.assistance_rate.low_income": 0.5, "benefits.assistance_deductible": 1000,
    "benefits.commercial_rate": 0.4, "benefits.commercial_deductible": 2000, "benefits.ceiling": 15_000}


@pytest.fixture(scope="module")
def benxi() -> Inputs:
    """What 256 draws of Benxi hand to an engine, with 5,000 insured, every layer and every shock lifted: an engine
    that overlooked one would be far off, where around a median of 1 it could pass."""
    data = scaled(load_scenario("benxi_2008"), 5000).model_dump()
    data["assumptions"]["utilisation"]["referral_share"]["value"] = 0.3
    scenario = Scenario.model_validate(data)
    scenario = scenario.changed(Change(lever=lever, year=2008, value=value, source=STATED)
                                for lever, value in LAYERS.items())
    *known, usual, seed = inputs_of(scenario, draws=256)
    tilt = np.linspace(-0.4, 0.8, usual.price.size).reshape(usual.price.shape)
    return *known, usual._replace(frequency=1.2 * usual.frequency, chronic=1.5 * usual.chronic, tilt=tilt), seed


def test_dearer_special_diseases_are_paid_as_by_the_exact_engine(benxi: Inputs) -> None:
    """A tenth dearer than stays, several times what a doubt about payment makes of them: what the fund and the layers
    above it pay rises alike. 5e-4 was measured, 2e-3 is allowed."""
    rules, care, costs, insured, thresholds, usual, seed = benxi
    dearer = usual._replace(chronic_price=1.1 * usual.chronic_price)
    moved = {}
    for engine in (histories, individual):
        first, after = (engine.spend(rules, care, costs, insured, thresholds, conditions, seed)
                        for conditions in (usual, dearer))
        assert_allclose(after.expense_by_tier, first.expense_by_tier, rtol=1e-9)
        moved[engine] = [getattr(after, name).mean() / getattr(first, name).mean()
                         for name in ("chronic_expense", "chronic", "basic", "eligible", "critical", "assistance")]
    assert min(moved[individual][1], *moved[individual][4:]) > 1.02
    assert moved[histories] == pytest.approx(moved[individual], abs=0.002)


@pytest.mark.parametrize("engine", [histories, individual], ids=["table", "exact"])
def test_doubling_prices_and_limits_doubles_every_payment(engine, benxi: Inputs) -> None:
    """Money has no unit of its own: with price and every yuan limit doubled, all of Benxi's payments double
    and nobody's number changes. Exact but for rounding."""
    rules, care, costs, insured, thresholds, shocks, seed = of_draws(benxi, slice(16))
    low, high = shocks.reach
    usual = engine.spend(rules, care, costs, insured, thresholds, shocks, seed)
    dearer = engine.spend([doubled(year) for year in rules], care, costs, insured, 2 * thresholds,
                          shocks._replace(price=2 * shocks.price, chronic_price=2 * shocks.chronic_price,
                                          reach=(2 * low, 2 * high)), seed)
    for name in Spending._fields:
        times = 1 if name.startswith(("catastrophic", "stays")) else 2
        expected = times * getattr(usual, name)
        assert_allclose(getattr(dearer, name), expected, rtol=1e-6, atol=1e-3, err_msg=name)
    assert min(layer.sum() for layer in (usual.critical, usual.assistance, usual.commercial, usual.chronic)) > 0


# --- plain numpy, person by person -----------------------------------------------------------------

def per_draw(spending: Spending) -> dict[str, np.ndarray]:
    """Totals over the years, (d,), with one entry for each tier and each cell."""
    totals = {}
    for name, value in spending._asdict().items():
        whole = value.sum(axis=1)
        totals |= {name: whole} if whole.ndim == 1 else {f"{name} {k}": part for k, part in enumerate(whole.T)}
    return totals


@pytest.fixture(scope="module")
def person_by_person(benxi: Inputs) -> dict[str, np.ndarray]:
    """What the yardstick makes of the same draws."""
    return per_draw(plain.spend(*benxi))


@pytest.mark.parametrize("engine", [histories, individual], ids=["table", "exact"])
def test_engine_agrees_with_plain_numpy(engine, benxi: Inputs, person_by_person: dict) -> None:
    """Every total of Benxi's ten years, draw by draw under the same shocks: the mean difference is within 4
    of its standard errors. Each draw is answered eight times with other process noise, so that the
    difference carries little but the yardstick's own chance: 0.2 % of the fund's payments."""
    draws, repeats = len(benxi[3]), 8
    again = np.repeat(np.arange(draws), repeats)
    rules, care, costs, insured, thresholds, shocks, seed = of_draws(benxi, again)
    shocks = shocks._replace(noise=np.random.default_rng(1).standard_normal(shocks.noise.shape))
    answer = per_draw(engine.spend(rules, care, costs, insured, thresholds, shocks, seed))
    for name, counted in person_by_person.items():
        difference = answer[name].reshape(draws, repeats).mean(axis=1) - counted
        error = difference.std(ddof=1) / np.sqrt(draws)
        assert abs(difference.mean()) <= 4 * error, (name, difference.mean() / counted.mean(), error)
        assert name != "basic" or error < 0.005 * counted.mean()  # or agreement would say little
