"""An ageing population by single year of age: graduated, carried forward, and held against what was published."""

import numpy as np
import pandas as pd
import pytest

from simulation import demography
from simulation.steps.population import ages_in, project

BROAD = [(0, 14), (15, 59), (60, 100)]
GROUPS = ((0, 17), (18, 59), (60, 100))
PUBLISHED_YEARS = range(1990, 2021, 5)


def table(name: str) -> pd.DataFrame:
    """A table of published figures."""
    return pd.read_csv(demography.TABLES / f"{name}.csv")


def shares(people: np.ndarray, bands: list[tuple[int, int]]) -> np.ndarray:
    """Each band's share of the people."""
    return ages_in(people, bands) / people.sum()


# The graduation


@pytest.mark.parametrize("year", PUBLISHED_YEARS)
def test_single_ages_add_up_to_the_published_groups(year: int) -> None:
    rows = table("population_by_age").query("year == @year")
    published = (rows.male + rows.female).to_numpy() * 1000
    bands = [(start, min(start + 4, 100)) for start in range(0, 101, 5)]
    np.testing.assert_allclose(ages_in(demography.population(year), bands), published, rtol=1e-9, atol=1e-3)


@pytest.mark.parametrize("year", [y for y in range(1990, 2020) if y not in PUBLISHED_YEARS])
def test_between_published_years_a_cohort_stays_between_its_two_counts(year: int) -> None:
    before, passed = year - year % 5, year % 5
    ends = np.stack([demography.population(before)[:95], demography.population(before + 5)[5:100]])
    now = demography.population(year)[passed:passed + 95]
    assert (now >= ends.min(axis=0) * (1 - 1e-12)).all() and (now <= ends.max(axis=0) * (1 + 1e-12)).all()
    totals = [demography.population(y).sum() for y in (before, year, before + 5)]
    assert totals == sorted(totals)


# The projection


def test_without_deaths_and_births_nobody_is_lost() -> None:
    first = demography.population(2010)
    people = project(first, np.ones((60, 101)), np.zeros((60, 101)))
    np.testing.assert_allclose(people.sum(axis=1), first.sum(), rtol=1e-12)
    np.testing.assert_allclose(people[10, 10:100], first[:90])
    assert people[10, 100] == pytest.approx(first[90:].sum())


def test_paths_asked_for_at_once_are_those_asked_for_one_by_one() -> None:
    z = np.array([-1.0, 0.0, 2.0])
    together = demography.projected(2020, 30, z)
    for n in range(3):
        alone = project(demography.population(2020), demography.survival(2020, 30),
                        demography.newborn(2020, 30, z)[:, n])
        np.testing.assert_allclose(together[:, n], alone)


# The two revisions meet here: the people of 2010 and 2020 are of 2019, deaths and fertility of 2024. The newer one
# comes after the census of 2020, which found more old people than the older one has, and in it the old die more
# slowly: 60+ come out 3.7 % above the older revision's 2020, most of all past 80 (15 %). Its births of 2010 to 2015
# give 7 % more children, those after 2 % fewer. People aged 15 to 59 in 2020 hardly depend on either: half a per mille.
@pytest.mark.parametrize(("band", "low", "high"), [
    ((0, 14), 1.0, 1.03), ((15, 59), 0.997, 1.003), ((60, 100), 1.02, 1.05), ((80, 100), 1.1, 1.2),
    ((0, 100), 1.0, 1.02)])
def test_projecting_2010_to_2020_lands_near_the_published_2020(band: tuple, low: float, high: float) -> None:
    ours = demography.projected(2010, 10, np.zeros(1))[-1]
    assert low <= float(ages_in(ours, [band])[0, 0] / ages_in(demography.population(2020), [band])[0]) <= high


# The census found 60+ to be 18.7 % of the country. The published five-year ages, which are older than the census,
# have 17.4 %, and our own projection from 2010, with the newer deaths, 17.8 %.
@pytest.mark.parametrize(("people", "within"), [
    (lambda: demography.population(2020), 0.017),
    (lambda: demography.projected(2010, 10, np.zeros(1))[-1, 0], 0.011)])
def test_broad_ages_of_2020_are_near_the_census(people, within: float) -> None:
    census = table("census_2020").set_index("age").persons
    counted = census[["0-14", "15-59", "60+"]].to_numpy() / census[["0-14", "15-59", "60+"]].sum()
    np.testing.assert_allclose(shares(people(), BROAD), counted, atol=within)


# The newer revision's rates meet the older one's people. These are more in number, so births come out higher, by 2 %
# at first and by 6 % at most when the surplus has children of its own. Fewer of them are old, so deaths come out lower,
# by 10 % in 2017, and within 3 % from 2030 on.
def test_births_and_deaths_of_every_year_are_near_the_published_totals() -> None:
    published = table("births_deaths").set_index("year")
    born, dead = [], []
    for year in published.index:
        people = demography.population(year)
        hazard = -np.log1p(-demography.death_probability(year))
        born.append((demography.fertility(year) * people).sum() / 1000 / published.births[year])
        dead.append((hazard * people).sum() / 1000 / published.deaths[year])
    assert min(born) >= 1.0 and max(born) <= 1.07
    assert min(dead) >= 0.89 and max(dead) <= 1.03


# 1.4 % above the newer revision in 2024, where the older one's people began, and 3 % in 2060 for its births.
def test_the_projected_total_stays_near_the_published_projection() -> None:
    published = table("population_projection").set_index("year")
    ratio = [demography.population(year).sum() / 1000 / (row.popM + row.popF) for year, row in published.iterrows()]
    assert min(ratio) >= 1.01 and max(ratio) <= 1.035


@pytest.mark.parametrize("year", [1980, 1990, 1997, 2020, 2040, 2065, 2100, 2140])
def test_people_and_rates_are_finite_and_never_negative(year: int) -> None:
    people, dying, births = demography.population(year), demography.death_probability(year), demography.fertility(year)
    assert people.shape == dying.shape == births.shape == (101,)
    assert (people > 0).all() and np.isfinite(people).all()
    assert (dying > 0).all() and (dying < 1).all()
    assert (births >= 0).all() and not births[:15].any() and not births[50:].any()


def test_years_after_the_last_published_rate_keep_it() -> None:
    assert (demography.death_probability(2100) == demography.death_probability(2063)).all()
    assert demography.fertility_spread(2100) == demography.fertility_spread(2060)


def test_fertility_adds_up_to_the_published_total() -> None:
    published = table("fertility_total").set_index("year").tfr
    share = demography.counted(2020, "female") / demography.population(2020)
    assert (demography.fertility(2020)[15:50] / share[15:50]).sum() == pytest.approx(published[2020], rel=1e-9)


# The draw


@pytest.mark.parametrize("year", [2024, 2030, 2045, 2060])
def test_births_meet_the_published_ends_of_fertility(year: int) -> None:
    row = table("fertility_total").set_index("year").loc[year]
    low, median, high = demography.births_multiplier(year, np.array([-1.2815516, 0, 1.2815516]))
    assert (low, median, high) == pytest.approx((row.tfr_80l / row.tfr, 1, row.tfr_80u / row.tfr), rel=1e-6)
    wide = demography.births_multiplier(year, np.array([-1.959964, 1.959964]))
    np.testing.assert_allclose(wide, [row.tfr_95l / row.tfr, row.tfr_95u / row.tfr], atol=0.05)  # not fitted
    assert (demography.births_multiplier(year, np.linspace(-8, 8)) > 0).all()


def test_infants_move_by_the_published_interval() -> None:
    infants = demography.age_index(((0, 0),), 2029, 2, np.array([-1.2815516, 0, 1.2815516]))[:, 1, 0]
    ends = np.array([demography.fertility_spread(2029), demography.fertility_spread(2030)])
    for got, (one, other) in zip(infants[[0, 2]] / infants[1], ends.T, strict=True):
        assert min(one, other) - 1e-4 <= got <= max(one, other) + 1e-4


def test_the_index_has_a_row_for_every_draw_and_starts_at_one() -> None:
    index = demography.age_index(GROUPS, 2008, 15, np.linspace(-3, 3, 7))
    assert index.shape == (7, 15, 3) and np.isfinite(index).all()
    assert (index[:, 0] == 1).all()
    assert (index == index[0]).all()  # up to 2022 nothing is in doubt


def test_the_median_index_is_that_of_the_population() -> None:
    index = demography.age_index(GROUPS, 2015, 30, np.zeros(1))[0]
    people = ages_in(np.stack([demography.population(year) for year in range(2015, 2045)]), list(GROUPS))
    np.testing.assert_allclose(index, people / people[0], rtol=1e-9)


@pytest.mark.parametrize(("first_year", "years"), [(2020, 46), (2026, 15), (2030, 60)])
def test_reading_between_the_nodes_errs_by_less_than_a_ten_thousandth(first_year: int, years: int) -> None:
    z = np.linspace(-4, 4, 157)
    people = ages_in(demography.projected(first_year, years - 1, z), list(GROUPS))
    exact = (people / people[0]).transpose(1, 0, 2)
    np.testing.assert_allclose(demography.age_index(GROUPS, first_year, years, z), exact, atol=1e-4)


def test_more_births_raise_only_the_youngest() -> None:
    index = demography.age_index(GROUPS, 2026, 15, np.array([-1.0, 0.0, 1.0]))
    assert (np.diff(index[:, 1:, 0], axis=0) > 0).all()
    np.testing.assert_allclose(index[:, :, 1:], np.broadcast_to(index[1, :, 1:], (3, 15, 2)), rtol=1e-12)


def test_draws_beyond_the_nodes_stay_finite() -> None:
    assert np.isfinite(demography.age_index(GROUPS, 2026, 5, np.array([-40.0, 40.0]))).all()


# What it means for the fund


def test_the_country_ages_from_2010_to_2035() -> None:
    old = np.array([shares(demography.population(year), [(60, 100)])[0] for year in range(2010, 2036)])
    assert (np.diff(old) > 0).all()
    assert 0.115 < old[0] < 0.13 and 0.28 < old[-1] < 0.33


def test_ageing_inside_the_old_raises_their_mean_admissions() -> None:
    profile = demography.admission_profile()
    within = demography.age_within(GROUPS, profile, 2010, 26)
    assert within.shape == (26, 3) and (within[0] == 1).all()
    assert within[-1, 2] > 1.02
    # first the many born in the 1950s turn 60, which makes the old younger
    assert abs(within[10, 2] - 1) < 0.01
    np.testing.assert_allclose(demography.age_within(GROUPS, np.full(101, 3.0), 2010, 26), 1)


# The published figures that the assumed profile has to respect, all of 2018, in data/behaviour.csv: 24.9 and 13.8 per
# hundred people of the National Health Services Survey; 14.40 of rural adults is another survey's, so 10 % either way.
@pytest.mark.parametrize(("youngest", "published", "within"), [(0, 13.8, 0.01), (60, 24.9, 0.01), (15, 14.40, 0.1)])
def test_the_assumed_profile_gives_the_published_admissions(youngest: int, published: float, within: float) -> None:
    people, profile = demography.population(2018), demography.admission_profile()
    per_hundred = profile / profile[0] * demography.ADMITTED[2.5]
    assert np.average(per_hundred[youngest:], weights=people[youngest:]) == pytest.approx(published, rel=within)


def test_the_assumed_profile_rises_with_age_from_40_and_stays_positive() -> None:
    profile = demography.admission_profile()
    assert profile.shape == (101,) and (profile > 0).all()
    assert (np.diff(profile[40:]) >= 0).all()
    assert np.average(profile, weights=demography.population(2018)) == pytest.approx(1)
