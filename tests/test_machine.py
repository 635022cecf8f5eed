"""Machine code: its random numbers, its elementary functions, and that it settles bills as `settle_year` does."""

import numba
import numpy as np
import pytest
from scipy import stats

from bench.pool import inputs_of
from simulation import load_scenario
from simulation.engines import lanes, machine, persons
from simulation.engines.settling import form_of, listed, packed, settle_people
from simulation.steps.benefits import AMOUNTS, settle_year
from simulation.terms import BadInput

MANY = 400_000
OUTPATIENT = 2


@numba.njit
def at_each(function, x, out):
    for n in range(len(x)):
        out[n] = function(x[n])


@numba.njit
def counts_of(u, n, p, out):
    for m in range(len(u)):
        out[m] = lanes.binomial(u[m], n, p)


def normals(many: int, key: int) -> np.ndarray:
    room = np.zeros(many + 2)
    lanes.normals(room, 1, np.uint64(key), 0, many)
    assert room[0] == 0
    return room[1:many + 1]


@numba.njit
def picks_of(marks, key, n, picked, numbers):
    lanes.pick(picked, 0, marks, key, 0, n)
    lanes.uniforms(numbers, 0, key, 0, n)


def test_elementary_functions_are_as_accurate_as_they_say() -> None:
    x = np.linspace(-50, 50, 100_001)
    got = np.empty_like(x)
    at_each(lanes.exponential, x, got)
    assert np.abs(got / np.exp(x) - 1).max() < 1e-11
    x = np.concatenate([np.logspace(-13, 0, 50_001), np.linspace(1e-6, 1, 50_001)])
    at_each(lanes.logarithm, x, got := np.empty_like(x))
    assert np.abs(got - np.log(x)).max() < 1e-12 * 30  # of logs down to -30


def test_normals_are_normal_and_independent() -> None:
    z = normals(MANY, 20_080_101)
    assert stats.kstest(z, "norm").pvalue > 0.001
    # Standard errors of moments and products of normals, four of them: a fault shows in the first digits.
    for moment, variance in ((z, 1), (z**2 - 1, 2), (z**3, 15), (z**4 - 3, 96), (z[::2] * z[1::2], 1),
                             (z[:-2] * z[2:], 1), (z[::2]**2 * z[1::2]**2 - 1, 8)):
        assert abs(moment.mean()) < 4 * np.sqrt(variance / len(moment))
    assert np.abs(z).max() > 4.3  # the chance of none so far out is below one in a thousand


def test_a_number_depends_on_its_key_and_place_alone() -> None:
    whole = normals(1000, 7)
    room = np.zeros(301)
    lanes.normals(room, 0, np.uint64(7), 200, 299)
    np.testing.assert_array_equal(room[:299], whole[200:499])
    assert not np.isclose(normals(1000, 8), whole).any()


@pytest.mark.parametrize("shares", [[1.0], [1.0, 0.0, 0.0], [0.3, 0.0, 0.7], [0.2] * 5, [0.08, 0.92] + [0.0] * 8,
                                    [0.1] * 7 + [0.3], [0.05] * 12 + [0.4]])
def test_picks_go_by_cumulative_shares(shares: list[float]) -> None:
    """As uniform numbers compared with the shares would; the last share is never passed."""
    picked, numbers, cumulative = np.zeros(4096), np.zeros(4096), np.cumsum(shares)
    picks_of(lanes.marks_of(cumulative), np.uint64(5), 4096, picked, numbers)
    np.testing.assert_array_equal(picked, np.searchsorted(cumulative[:-1], numbers, side="right"))


@pytest.mark.parametrize(("n", "p"), [(1, 0.5), (20, 0.97), (31, 0.5), (33, 0.5), (850, 0.53), (400_000, 0.024),
                                      (400_000, 6e-5), (400_000, 0.99)])
def test_the_likeliest_count_has_its_chance(n: int, p: float) -> None:
    up, got = min(int((n + 1) * p), n), np.zeros(1)
    at_each(numba.njit(lambda k: lanes.chance_of(np.int64(k), n, p)), np.array([float(up)]), got)
    assert got[0] == pytest.approx(stats.binom.pmf(up, n, p), rel=1e-11)


@pytest.mark.parametrize(("n", "p"), [(33_000, 0.03), (300, 0.03), (20, 0.4), (5, 0.99), (2, 0.5), (250_000, 0.31)])
def test_counts_are_binomial(n: int, p: float) -> None:
    u = np.random.Generator(np.random.Philox(3)).random(100_000)
    got = np.zeros(len(u), np.int64)
    counts_of(u, n, p, got)
    sd = np.sqrt(n * p * (1 - p))
    assert abs(got.mean() - n * p) < 4 * sd / np.sqrt(len(u))
    edges = np.unique(stats.binom.ppf(np.linspace(0.02, 0.98, 25), n, p))
    expected = np.diff(np.concatenate([[0], stats.binom.cdf(edges, n, p), [1]]))
    seen = np.diff(np.concatenate([[0], np.searchsorted(np.sort(got), edges, side="right"), [len(u)]]))
    expected, seen = expected[expected > 1e-4], seen[expected > 1e-4]
    assert stats.chisquare(seen, expected / expected.sum() * seen.sum()).pvalue > 0.001


def test_counts_at_the_ends() -> None:
    got = np.zeros(3, np.int64)
    for n, p, expected in ((10, 0.0, 0), (10, 1.0, 10), (0, 0.5, 0)):
        counts_of(np.array([1e-9, 0.5, 1 - 1e-9]), n, p, got)
        assert (got == expected).all()


def people_of(rules, bills: int, many: int = 700) -> dict:
    """People of every cell, tier and status, some of whose bills are nought; more of them than one block holds."""
    rng = np.random.Generator(np.random.Philox(5))
    return {"cell": rng.integers(rules.rate.shape[3], size=many), "status": rng.integers(
                len(rules.assistance_rate), size=many), "years": rng.integers(12, size=many).astype(float),
            "tier": rng.integers(rules.rate.shape[2], size=(bills, many)),
            "eligible": rng.lognormal(8.5, 1.3, (bills, many)) * (rng.random((bills, many)) < 0.8),
            "continued": (rng.random((bills, many)) < 0.3).astype(float),
            "visits": rng.integers(1, 9, size=(bills, many)).astype(float)}


def by_arrays(rules, kinds: tuple, each: dict) -> dict:
    """The same by `settle_year` on numpy's arrays."""
    out: dict = {}
    workspaces = [[0.0] * len(rules.annual) for _ in range(2)]
    settle_year(rules, each["cell"], each["status"], each["years"], list(kinds), each["tier"], each["continued"],
                each["visits"], each["eligible"], *workspaces, out)
    return out


SCENARIOS = ("benxi_2008", "urrbmi_county_2026", "nanning_family_doctor_2019", "henan_nrcms_2011",
             "shandong_nrcms_2011", "private_parity")


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("kinds", [(0,), (1, 0, 0)])
def test_machine_code_settles_as_the_rules_do(name: str, kinds: tuple) -> None:
    rules = inputs_of(load_scenario(name), 16)[0][-1]
    each = people_of(rules, len(kinds))
    got = settle_people(rules, kinds=kinds, amounts=tuple(range(AMOUNTS)), **each)
    expected = by_arrays(rules, kinds, each)
    assert got.keys() == expected.keys()
    for at, amount in expected.items():
        np.testing.assert_array_equal(got[at], np.broadcast_to(amount, got[at].shape), str(at))


def test_every_rule_there_is_survives_the_machine() -> None:
    """All layers at once, referral, fees, ceilings of kinds, contribution years; two threads; single precision."""
    rules = inputs_of(load_scenario("urrbmi_county_2026"), 16)[0][0]._replace(
        credit=1.0, bonus=0.01, limit=0.9, has_commercial=True, commercial_rate=np.array([0.5, 0.4, 0.3, 0.2]),
        commercial_due=9000.0, commercial_ceiling=200_000.0)
    kinds = (1, OUTPATIENT, 0, 0)
    each = people_of(rules, len(kinds), 70_000)
    expected, got = by_arrays(rules, kinds, each), settle_people(rules, kinds=kinds, **each, threads=2)
    for at, amount in got.items():
        np.testing.assert_array_equal(amount, expected[at], str(at))
        assert amount.any() or at[0] == 1, "a layer that pays nothing shows nothing"
    rough = settle_people(rules, kinds=kinds, **(each | {"eligible": each["eligible"].astype(np.float32)}))
    for at, amount in rough.items():
        assert amount.dtype == np.float32
        np.testing.assert_allclose(amount, expected[at], atol=0.2)  # of bills up to a million yuan


def test_the_list_followed_line_by_line_settles_as_the_rules_do() -> None:
    """People with the most bills: the list is followed only as far as their last bill."""
    rules = inputs_of(load_scenario("nanning_family_doctor_2019"), 16)[0][-1]._replace(has_fee=False, credit=1.0)
    size, many, last = persons.SIZES[persons.MANY], 40, 9
    kinds = (1,) + (0,) * (size - 1)
    each = people_of(rules, size, many)
    lines, ends = machine.lines_of(listed(form_of(rules, kinds), choosing=False), size)
    room = persons.room_for(0, len(lines))
    numbers, what = room.numbers[persons.MANY], room.what[persons.MANY]
    row = lambda at: slice(at * machine.LANE, at * machine.LANE + many)  # noqa: E731
    numbers[row(machine.YEARS_ROW)] = each["years"]
    what[row(machine.CELL)], what[row(machine.STATUS)] = each["cell"], each["status"]
    for j in range(size):
        what[row(machine.TIER + j)] = each["tier"][j]
        numbers[row(machine.row(j, machine.BILL))] = each["eligible"][j]
        numbers[row(machine.row(j, machine.LINKED))] = each["continued"][j]
    machine.follow(lines, ends[last], packed(rules), what, numbers, room.values, many)
    expected = by_arrays(rules, kinds, each)
    for (j, amount), value in expected.items():
        if j <= last:
            np.testing.assert_array_equal(numbers[row(machine.row(j, amount))], np.broadcast_to(value, many))


def test_numbers_out_of_range_are_refused() -> None:
    rules = inputs_of(load_scenario("benxi_2008"), 16)[0][0]
    each = people_of(rules, 1)
    for name in ("cell", "tier", "status"):
        with pytest.raises(BadInput):
            settle_people(rules, kinds=(0,), **(each | {name: each[name] + 90}))
        with pytest.raises(BadInput):
            settle_people(rules, kinds=(0,), **(each | {name: each[name] - 90}))
