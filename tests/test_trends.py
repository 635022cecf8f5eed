"""Trends: the fit finds what made a series, the look ahead is the exact posterior, the default shocks are the fit."""

import re

import numpy as np
import pytest
from scipy.stats import t as student

from simulation.assumptions import Assumed, Shocks
from simulation.dynamics import FREEDOM, HORIZONS, SHORT, Dynamics, ahead, freedom_of, joint, one_step_errors, pooled
from simulation.published import DATA
from simulation.reading import read_yaml
from simulation.terms import BadInput, Document, check_leaf
from simulation.trends import (
    PAIRS,
    PART,
    QUANTITIES,
    SHOCKED,
    TERMS,
    figure,
    fitted,
    part,
    published,
    rows_in,
    table,
    together,
    years_of,
)

LISTED = read_yaml((DATA / "volatility.yaml").read_text(encoding="utf-8"), "volatility.yaml")
ENTRIES = {entry["name"]: entry for entry in LISTED["series"]}
SERIES = {one.name: one for one in published()}
USUAL = Dynamics(0.05, 0.6, 0.06, 0.03, 1000)
GAPPED = np.array([0.0, 0.08, np.nan, 0.21, 0.3, np.nan, 0.33])


def paths(dynamics: Dynamics, count: int, years: int, seed: int, steps: np.ndarray | None = None) -> np.ndarray:
    """Series of the model, shape (count, years), by its recursion."""
    random = np.random.default_rng(seed)
    steps = random.standard_normal((count, years)) if steps is None else steps
    departure = np.zeros((count, years))
    stays = dynamics.persistence
    departure[:, 0] = 0 if stays == 1 else dynamics.sd * steps[:, 0] / np.sqrt(1 - stays**2)
    for year in range(1, years):
        departure[:, year] = stays * departure[:, year - 1] + dynamics.sd * steps[:, year]
    growth = dynamics.growth + dynamics.growth_sd * random.standard_normal(count)
    return 5 * random.standard_normal(count)[:, None] + growth[:, None] * np.arange(years) + departure


# ---- the fit ------------------------------------------------------------------------------------------

def test_the_fit_finds_the_parameters_that_made_the_series() -> None:
    """100 series of 12 years leave 3.3 % on the sd, 0.065 on the persistence, 0.004 on the mean growth and 8 % on the
    spread of growths (measured over other seeds, the two first being tied); allowed are three times that."""
    found = pooled(list(paths(USUAL, 100, 12, seed=1)))
    assert found.sd == pytest.approx(USUAL.sd, rel=0.1)
    assert found.persistence == pytest.approx(USUAL.persistence, abs=0.2)
    assert found.growth == pytest.approx(USUAL.growth, abs=0.012)
    assert found.growth_sd == pytest.approx(USUAL.growth_sd, rel=0.25)


def test_gaps_cost_precision_and_nothing_else() -> None:
    """A third of the cells gone: a third more on every tolerance."""
    series = paths(USUAL, 100, 12, seed=2)
    series[np.random.default_rng(3).random(series.shape) < 1 / 3] = np.nan
    found = pooled(list(series))
    assert found.sd == pytest.approx(USUAL.sd, rel=0.13)
    assert found.persistence == pytest.approx(USUAL.persistence, abs=0.26)
    assert found.growth == pytest.approx(USUAL.growth, abs=0.016)
    assert found.growth_sd == pytest.approx(USUAL.growth_sd, rel=0.33)


def test_a_walk_is_fitted_as_one() -> None:
    walk = Dynamics(0.2, 1.0, -0.1, 0.1, 1000)
    found = pooled(list(paths(walk, 25, 12, seed=4)), persistence=1.0)
    assert found.persistence == 1
    assert found.sd == pytest.approx(walk.sd, rel=0.13)  # 250 steps leave 4.5 %
    assert found.growth == pytest.approx(walk.growth, abs=0.07)  # 25 trends, each known to 0.12: 0.024, three times


def test_levels_and_empty_years_around_a_series_do_not_matter() -> None:
    series = list(paths(USUAL, 8, 6, seed=5))
    moved = [np.concatenate([[np.nan], values + 3, [np.nan]]) for values in series]
    # the optimiser stops within 1e-5 of the same mode
    assert pooled(moved) == pytest.approx(pooled(series), rel=1e-3)


def test_few_short_series_keep_off_the_bounds() -> None:
    found = pooled([np.log([100.0, 107, 111])])
    assert 0.1 < found.persistence < 0.9 and found.sd > 0.001 and found.growth_sd > 0.001


def test_heavy_tails_are_found() -> None:
    """4,000 errors leave some 10 % on 5 degrees of freedom; allowed are three times that. Normal ones say many."""
    random = np.random.default_rng(6)
    assert freedom_of(student(5).rvs(4000, random_state=random) * np.sqrt(3 / 5)) == pytest.approx(5, rel=0.3)
    assert freedom_of(random.standard_normal(4000)) > 30
    assert freedom_of(np.append(np.zeros(50), 40.0)) == pytest.approx(FREEDOM[0], rel=1e-3)


def test_one_step_errors_are_standard() -> None:
    """640 errors of the true model: mean within 0.12 and sd within 8.5 %, three standard errors each."""
    errors = one_step_errors(list(paths(USUAL, 80, 9, seed=7)), USUAL)
    assert errors.shape == (640,)
    assert abs(errors.mean()) < 0.12 and errors.std() == pytest.approx(1, rel=0.085)


def test_a_series_of_one_figure_has_no_error() -> None:
    assert one_step_errors([np.array([np.nan, 2.0])], USUAL).size == 0


def test_series_without_a_step_cannot_be_fitted() -> None:
    with pytest.raises(ValueError, match="two figures"):
        pooled([np.array([1.0, np.nan])])


# ---- looking ahead --------------------------------------------------------------------------------------

def by_brute_force(values: np.ndarray, years_to_first: int, dynamics: Dynamics) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of log values in F to F + 5, additions included, by generalised least squares on all years.

    The level is estimated and its error added (universal kriging); departures are built from their additions.
    """
    years = len(values) + years_to_first - 1 + 6
    stays = dynamics.persistence
    build = np.array([[stays ** (row - column) if column <= row else 0.0 for column in range(years)]
                      for row in range(years)]) * dynamics.sd
    if stays < 1:
        build[:, 0] /= np.sqrt(1 - stays**2)
    t = np.arange(years)
    spread = build @ build.T + dynamics.growth_sd**2 * np.outer(t, t)
    known, wanted = np.flatnonzero(np.isfinite(values)), np.arange(years - 6, years)
    weight = np.linalg.inv(spread[np.ix_(known, known)])
    rest = values[known] - dynamics.growth * t[known]
    level = (weight @ rest).sum() / weight.sum()
    gain = spread[np.ix_(wanted, known)] @ weight
    unsure = 1 - gain.sum(axis=1)
    return (level + dynamics.growth * t[wanted] + gain @ (rest - level),
            spread[np.ix_(wanted, wanted)] - gain @ spread[np.ix_(known, wanted)]
            + np.outer(unsure, unsure) / weight.sum())


def along(k: np.ndarray, dynamics: Dynamics) -> np.ndarray:
    """What level, growth and start count for k years after the first, shape (k, 3)."""
    return np.stack([np.ones(len(k)), k, dynamics.persistence**k - 1], axis=1)


def added(k: np.ndarray, dynamics: Dynamics) -> np.ndarray:
    """The variance that the additions of the first year and the k after it bring."""
    return dynamics.sd**2 * np.array([sum(dynamics.persistence ** (2 * j) for j in range(n + 1)) for n in k])


@pytest.mark.parametrize("years_to_first", [1, 3])
@pytest.mark.parametrize("persistence", [0.05, 0.6, 0.95, 1.0])
@pytest.mark.parametrize("values", [GAPPED, np.array([0.4]), np.linspace(0, 0.5, 15)], ids=["gaps", "one", "long"])
def test_the_posterior_is_the_exact_one(values, persistence, years_to_first) -> None:
    """Against another way to the same normal: only rounding may differ."""
    dynamics = USUAL._replace(persistence=persistence)
    mean, spread = joint(values, years_to_first, dynamics)
    k = np.arange(6)
    of = along(k, dynamics)
    exact_mean, exact = by_brute_force(values, years_to_first, dynamics)
    assert of @ mean == pytest.approx(exact_mean, abs=1e-9)
    ours = np.einsum("ki,ij,kj->k", of, spread, of) + added(k, dynamics)
    assert ours == pytest.approx(np.diag(exact), rel=1e-9)


@pytest.mark.parametrize("years_to_first", [1, 2])
@pytest.mark.parametrize("persistence", [0.05, 0.3, 0.6, 0.77, 0.95, 1.0])
@pytest.mark.parametrize("n", [1, 2, 4, 6, 10, 20])
def test_drawing_the_start_apart_keeps_the_spread(n, persistence, years_to_first) -> None:
    """Never more than 2 % of a variance too narrow, by choice; at most 13 % too wide, 6 % of an interval.

    With one or no addition since the last figure the start is tied to the level; the less it fades, the more.
    """
    dynamics = USUAL._replace(persistence=persistence)
    values = 0.06 * np.arange(n)
    _, spread = joint(values, years_to_first, dynamics)
    o = ahead(values, years_to_first, dynamics)
    tied = o.correlation * o.level_sd * o.growth_sd
    apart = np.array([[o.level_sd**2, tied, 0], [tied, o.growth_sd**2, 0], [0, 0, o.start_sd**2]])
    of = along(HORIZONS, dynamics)
    exact, drawn = (np.einsum("ki,ij,kj->k", of, s, of) + added(HORIZONS, dynamics) for s in (spread, apart))
    assert (drawn / exact).min() > 1 - SHORT - 1e-9
    assert (drawn / exact).max() < 1.13


def test_a_simulated_path_has_the_mean_and_spread_of_the_posterior() -> None:
    """200,000 paths drawn as the model draws them: 0.3 % of an sd of sampling, and 6 % of an interval by the choice."""
    count, k = 200_000, np.arange(6)
    o = ahead(GAPPED, 1, USUAL)
    random = np.random.default_rng(8)
    z, w, start = random.standard_normal((3, count, 1))
    level = o.level + o.level_sd * z
    growth = o.growth + o.growth_sd * (o.correlation * z + np.sqrt(1 - o.correlation**2) * w)
    departure = np.zeros((count, 6))
    for year in k:
        before = departure[:, year - 1] if year else 0
        departure[:, year] = USUAL.persistence * before + USUAL.sd * random.standard_normal(count)
    path = level + k * growth - (o.start + o.start_sd * start) * (1 - USUAL.persistence**k) + departure
    mean, spread = by_brute_force(GAPPED, 1, USUAL)
    sd = np.sqrt(np.diag(spread))
    assert path.mean(axis=0) == pytest.approx(mean, abs=0.01 * sd.max())
    assert (path.std(axis=0) / sd).min() > 0.98 and (path.std(axis=0) / sd).max() < 1.06


def test_a_departure_fades_back_to_the_trend() -> None:
    """A last year far above a long line: expected to fall back, at the persistence's pace."""
    values = 0.05 * np.arange(15)
    values[-1] += 0.2
    o = ahead(values, 1, USUAL._replace(growth=0.05, growth_sd=0.001))
    assert 0.05 < o.start < 0.6 * 0.2  # what is left of 0.2 after a year, less what the level takes for its own
    assert o.level > 0.05 * 15 and o.growth == pytest.approx(0.05, abs=0.002)


def test_missing_years_at_the_end_are_years_to_wait() -> None:
    assert ahead(np.append(GAPPED, [np.nan, np.nan]), 1, USUAL) == pytest.approx(ahead(GAPPED, 3, USUAL), rel=1e-9)


def test_one_figure_leaves_the_growth_of_the_others() -> None:
    o = ahead(np.array([2.0]), 1, USUAL)
    assert (o.growth, o.growth_sd, o.start) == pytest.approx((0.06, 0.03, 0))
    assert o.level == pytest.approx(2.06)


def test_nothing_known_and_no_future_are_refused() -> None:
    with pytest.raises(ValueError, match="no figure"):
        ahead(np.array([np.nan, np.nan]), 1, USUAL)
    with pytest.raises(ValueError, match="after the last year"):
        ahead(np.array([1.0]), 0, USUAL)


# ---- the published series ---------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ENTRIES)
def test_a_series_rests_on_published_rows(name: str) -> None:
    """None from memory or of low confidence; one that is derived or medium makes the whole an estimate."""
    rows = [row for piece in ENTRIES[name]["rows"] for year in years_of(piece)
            for row in rows_in(piece, year, DATA).values()]
    assert all("MEMORY" not in cell for row in rows for cell in row.values())
    assert not [row for row in rows if row["confidence"].lower().startswith("low")]
    unsure = [row for row in rows if row["confidence"].startswith(("derived", "medium", "high (express"))
              or "DERIVED" in row["variable"] + row["unit"]]
    if ENTRIES[name]["rows"][-1].get("column"):  # a figure out of the source's words
        unsure.append(rows[-1])
    assert ENTRIES[name]["status"] == ("estimate" if unsure else "bulletin")


@pytest.mark.parametrize("name", ENTRIES)
def test_a_series_is_whole(name: str) -> None:
    one = SERIES[name]
    assert one.quantity in QUANTITIES and one.steps >= 1 and one.note.zh and one.note.en
    assert np.isfinite(one.values[[0, -1]]).all()
    assert one.steps + 1 == len({year for piece in ENTRIES[name]["rows"] for year in years_of(piece)})


def test_figures_left_out_are_there_and_say_why() -> None:
    for entry in LISTED["left_out"]:
        names = {row["variable"] for row in table(DATA / entry["table"])}
        assert set(entry["variables"]) <= names and entry["why"]["zh"] and entry["why"]["en"]


def value(name: str, year: int) -> float:
    return float(SERIES[name].values[year - SERIES[name].first])


def stated(path: str, variable: str, year: int) -> float:
    """A published figure as it stands in a table, by another way than that of the series."""
    return next(float(row["value"]) for row in table(DATA / path)
                if row["variable"] == variable and row["year"] == str(year))


@pytest.mark.parametrize("name, path, variable, years, unit, rounding", [
    # the rate of 2016 lies 0.4 % above stays over the people of the health accounts
    ("national_stays", "utilisation_by_level.csv", "national_hospitalisation_rate", (2015, 2016, 2017, 2018), 0.01,
     0.07),
    ("national_stays", "utilisation_by_level.csv", "居民年住院率", (2022,), 0.01, 0.05),
    # the bulletin's visits a head are above visits over people by up to 1.2 %
    ("national_visits", "utilisation_by_level.csv", "visits_per_capita", (2015, 2016, 2017, 2018), 1, 0.07),
    ("resident_stays", "utilisation_by_level.csv", "URRBMI_hospitalisation_rate", (2021, 2022), 0.01, 0.05),
    ("resident_cost_per_stay", "resident_benefits.csv", "derived_inpatient_cost_per_discharge", (2019, 2022), 1, 0.01),
    ("resident_visits", "resident_benefits.csv", "derived_outpatient_visits_per_enrolee", (2019, 2022), 1, 0.001),
    ("resident_chronic_visits", "resident_benefits.csv", "derived_chronic_visits_per_enrolee", (2019, 2022), 1, 0.001),
])
def test_quotients_are_those_published_elsewhere(name, path, variable, years, unit, rounding) -> None:
    """To the rounding of the published quotient: units and denominators are right."""
    for year in years:
        ours = np.exp(value(name, year)) / unit
        assert ours == pytest.approx(stated(path, variable, year), abs=rounding * 1.01), year


def test_changes_carry_enrolment_on() -> None:
    """The published changes of 2020 to 2022 are those of the published heads, to a rounding of 10,000 people each."""
    for year in (2020, 2021, 2022):
        piece = ENTRIES["resident_enrolment"]["rows"][1]
        heads = [stated("resident_benefits.csv", "resident_enrolment", y) * 1e4 for y in (year - 1, year)]
        assert figure(piece, year, DATA) == pytest.approx(heads[1] - heads[0], abs=1e4)
    lost = (1 - 0.95) * (value("resident_enrolment", 2025) - value("resident_enrolment", 2022))
    assert np.expm1(lost) * 98349.1 == pytest.approx(-2055 - 1581 - 500, abs=1)


def test_two_rows_and_memory_are_refused() -> None:
    both = {"table": "national_funds.csv", "variable": "NRCMS_fund_expenditure", "years": [2006]}
    with pytest.raises(BadInput, match="2 usable rows"):
        figure(both, 2006, DATA)
    memory = {"table": "national_funds.csv", "variable": "URBMI_fund_income", "years": [2011]}
    with pytest.raises(BadInput, match="0 usable rows"):
        figure(memory, 2011, DATA)
    low = {"table": "utilisation_by_level.csv", "variable": "URRBMI_cost_per_stay_secondary", "years": [2018]}
    with pytest.raises(BadInput, match="0 usable rows"):
        figure(low, 2018, DATA)
    absent = {"table": "behaviour.csv", "variable": "URRBMI enrolment change", "pattern": "YEAR (-?[0-9.]+)"}
    with pytest.raises(BadInput, match="no figure of 2019"):
        figure(absent, 2019, DATA)


# ---- the default shocks ---------------------------------------------------------------------------------------

def test_odd_years_are_in_the_fit_and_widen_it() -> None:
    """Without 2020 and 2023 the spread of use would be smaller: they are what a neat choice would leave out."""
    assert value("national_stays", 2020) - value("national_stays", 2019) < -0.1
    assert value("resident_stays", 2023) - value("resident_stays", 2022) > 0.2
    calm = []
    for one in SERIES.values():
        if one.quantity == "use":
            values = one.values.copy()
            values[[year - one.first for year in (2020, 2023) if 0 <= year - one.first < len(values)]] = np.nan
            calm.append(values)
    assert pooled(calm).sd < 0.95 * fitted()["use"].sd


@pytest.mark.parametrize("quantity", SHOCKED)
def test_every_quantity_is_fitted_inside_its_bounds(quantity: str) -> None:
    found = fitted()[quantity]
    assert 0.005 < found.sd < 0.5 and found.growth_sd > 0.005
    assert found.persistence == 1 if quantity == "enrolment" else 0.05 < found.persistence < 0.945
    assert FREEDOM[0] < found.freedom < FREEDOM[1] and found.freedom == fitted()["cost"].freedom


def test_what_is_left_out_does_not_count() -> None:
    """By the name of a series, of a fund, or of several."""
    whole, short = fitted(), fitted(without="nrcms_funding")
    assert short["funding"].sd != pytest.approx(whole["funding"].sd, rel=1e-3)
    assert short["cost"][:4] == whole["cost"][:4] and short["cost"].freedom != whole["cost"].freedom
    fund = fitted(without="nrcms")
    assert all(fund[quantity][:4] != whole[quantity][:4] for quantity in ("use", "funding", "enrolment", "spending"))
    assert fitted(without=("nrcms", "resident"))["cost"].sd != whole["cost"].sd
    with pytest.raises(BadInput, match="no series 'nothing'"):
        fitted(without="nothing")


def test_a_group_of_series_moves_the_freedom() -> None:
    """The note beside it says so: by a tenth and more."""
    assert fitted(without="national")["use"].freedom != pytest.approx(fitted()["use"].freedom, rel=0.1)


def test_the_part_is_what_the_command_writes() -> None:
    """Word for word; of numbers the third figure may differ by one, as where the optimiser stops differs by machine."""
    number = re.compile(r"(?<=value: )\S+")
    kept, fresh = PART.read_text(encoding="utf-8"), part()
    assert number.sub("", kept) == number.sub("", fresh)
    assert len(number.findall(kept)) == len(TERMS) + 2  # the correlation and the freedom
    for old, new in zip(number.findall(kept), number.findall(fresh), strict=True):
        assert abs(float(old) - float(new)) < 1.1 * 10.0 ** (np.floor(np.log10(abs(float(new)))) - 2)


def test_the_part_gives_shocks_in_their_bounds() -> None:
    given = read_yaml(PART.read_text(encoding="utf-8"), PART.name)
    shocks = given["assumptions"]["shocks"]
    assert set(shocks) == {*TERMS, "cost_with_use", "freedom"} and set(TERMS) <= set(Shocks.terms())
    assert Document(**given["documents"]["volatility"]).date == "2003-2025"
    for name, entry in shocks.items():
        assumed = Assumed(**entry)
        assert not check_leaf(Shocks.terms()[name], assumed.value, name)
        assert assumed.source.status == "estimate" and assumed.source.document == "volatility"
        if name == "cost_with_use":
            continue
        quantities = SHOCKED if name == "freedom" else (TERMS[name][0],)
        of = [one for one in SERIES.values() if one.quantity in quantities]
        for text in (assumed.source.note.zh, assumed.source.note.en):
            assert [int(n) for n in re.findall(r"(\d+) (?:个|series|steps)", text)] == [
                len(of), sum(one.steps for one in of)]


def test_fewer_stays_are_dearer_ones() -> None:
    """By hand from the tables: rises of log stays a head and log expense a stay, 2019 to 2022 and to 2023, less their
    means, and so for visits and chronic care; their correlation is the one the model takes."""
    rises = []
    for use, cost in PAIRS["use_and_cost"]:
        one, other = SERIES[use], SERIES[cost]
        years = [year for year in range(2000, 2030) if all(
            0 <= year - of.first < len(of.values) and np.isfinite(of.values[year - of.first]) for of in (one, other))]
        both = np.array([[of.values[year - of.first] for year in years] for of in (one, other)])
        gaps = np.diff(years)
        step = np.diff(both, axis=1)
        rises.append((step - step.sum(axis=1, keepdims=True) / gaps.sum() * gaps) / np.sqrt(gaps))
    x, y = np.concatenate(rises, axis=1)
    found = together("use_and_cost")
    assert found.steps == len(x) >= 8
    assert found.correlation == pytest.approx(x @ y / np.sqrt((x @ x) * (y @ y)), abs=1e-12)
    assert found.correlation < 0


def test_spending_keeps_step_with_money_and_nothing_is_known_without_accounts() -> None:
    assert together("funding_and_spending").correlation > 0.3
    none = together("funding_and_spending", ("nrcms", "urbmi", "all_schemes", "resident"))
    assert none.correlation == 0 and none.steps == 0
