"""The fund's account against published projections, and against closed forms of a balance that earns interest.

Income and expenditure are handed to the closing of the year, in the parts a run would bring, and the balances that
come out are compared with those in print. A table printed to three places is met to what its rounding can do, no more.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from simulation import load_scenario
from simulation.records import Futures
from simulation.results import quantities
from simulation.scenario import PAYERS, Scenario
from simulation.stages.book import Flows, book_of
from simulation.stages.closing import fund_closes

PROJECTIONS = Path(__file__).resolve().parent.parent / "data" / "projections"
FUND = load_scenario("urrbmi_county_2026")  # of its rules only the account's matter here
BILLION = 1e9
# How money comes in and goes out, in parts: with those that the account takes off taken off, they add up to 1.
INCOME = {"individual_income": 0.30, "assisted_income": 0.05, "subsidy_by_level": 0.70, "other_income": 0.05,
          "account_in": 0.10}
SPENT = {"provider_payment": 0.95, "recovered": 0.02, "review_saving": 0.03, "premium": 0.08,
         "contract_fee_by_payer": 0.02}


@lru_cache
def fund_with(years: int, interest: float) -> Scenario:
    """The fund with no dated change, over some years and at a rate of interest."""
    account = FUND.assumptions.account
    account = account.model_copy(update={"interest_rate": account.interest_rate.model_copy(update={"value": interest})})
    return FUND.model_copy(update={"years": years, "changes": (),
                                   "assumptions": FUND.assumptions.model_copy(update={"account": account})})


def account(opening: float | np.ndarray, income: np.ndarray, spent: np.ndarray, interest: float) -> Flows:
    """What our closing of the years and our ratios make of income without interest and expenditure, (d, t) in yuan."""
    income, spent = np.atleast_2d(income), np.atleast_2d(spent)
    draws, years = income.shape
    scenario = fund_with(years, interest)
    levels, tiers, nothing = len(scenario.axes.level), len(scenario.axes.tier), np.zeros((draws, years))
    flows = {"enrolled": nothing}
    flows |= {name: part * income for name, part in INCOME.items()} | {
        name: part * spent for name, part in SPENT.items()}
    flows["subsidy_by_level"] = flows["subsidy_by_level"][:, :, None] * np.full(levels, 1 / levels)
    borne = np.arange(len(PAYERS)) == list(PAYERS).index("fund")
    flows["contract_fee_by_payer"] = flows["contract_fee_by_payer"][:, :, None] * borne
    futures = Futures(*[nothing] * 5, opening=np.broadcast_to(opening, draws).astype(float), noise=nothing, drawn={})
    (closed,) = fund_closes([book_of(scenario, None)], [futures], [flows], [flows])
    care = defaultdict(lambda: np.zeros((1, 1, tiers)), closed)  # of all else that a run reports there is nothing
    del care["enrolled"]
    return quantities(scenario, care)


def printed(name: str) -> dict[str, np.ndarray]:
    """The columns of a published table as numbers."""
    with (PROJECTIONS / name).open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    return {column: np.array([float(row[column]) for row in table])
            for column in table[0] if column not in ("unit", "source")}


def carried(first: float, each: float, rates: np.ndarray) -> np.ndarray:
    """How far roundings can carry a balance: what it was off by earns interest, and each year adds its own.

    >>> carried(1.0, 2.0, np.array([0.5, 0.0])).tolist()
    [3.5, 5.5]
    """
    off = [first]
    for rate in rates:
        off.append((1 + rate) * off[-1] + each)
    return np.array(off[1:])


# --- a projection of China's resident scheme -------------------------------------------------------

@pytest.fixture(scope="module")
def resident_scheme() -> dict[str, np.ndarray]:
    """Table 2 of Zhang, Huang and Luo 2021: 2021 to 2025 every year, in billions of yuan to three places."""
    return {name: column[:5] for name, column in printed("urrbmi_2021.csv").items()}


def implied_rate(table: dict[str, np.ndarray]) -> np.ndarray:
    """Interest over the opening balance: what the balance rose by beyond the surplus, which leaves interest out."""
    balance = table["balance_end"]
    return (np.diff(balance) - table["surplus"][1:]) / balance[:-1]


def test_the_published_projection_pays_one_rate_on_the_opening_balance(resident_scheme: dict) -> None:
    """1.1 % in each of four years: three roundings of 0.0005 leave 5e-6 of the least opening balance open."""
    assert_allclose(implied_rate(resident_scheme), 0.011, rtol=0, atol=5e-6)


def test_the_resident_schemes_balance_is_reproduced(resident_scheme: dict) -> None:
    """From the balance of 2021 and the rate of 2022 our account goes through four deficits to 2025.

    Opening, income and expenditure are each rounded by up to 0.0005, and so is the balance compared with: 0.0051
    billion in the fourth year, of 280; measured 0.0019. Interest on the year's mean balance would be 1.5 out by then.
    """
    table, rate = resident_scheme, 0.011
    ours = account(table["balance_end"][0] * BILLION, table["income"][1:] * BILLION,
                   table["expenditure"][1:] * BILLION, rate)
    off = np.abs(ours["balance_end"][0] / BILLION - table["balance_end"][1:])
    assert (off <= 0.0005 + carried(0.0005, 0.001, np.full(4, rate))).all(), off
    assert (ours["surplus"] < 0).all() and (np.diff(ours["balance_end"]) < 0).all()  # a deficit draws the balance down


@pytest.mark.parametrize(("year", "surplus_ratio", "balance_ratio", "reserve_months"), [
    (2022, (1168.377 - 1191.951 + 5.802) / (1168.377 + 5.802), 509.692 / (1168.377 + 5.802), 12 * 509.692 / 1191.951),
    (2025, (1527.287 - 1642.343 + 4.300) / (1527.287 + 4.300), 280.120 / (1527.287 + 4.300), 12 * 280.120 / 1642.343),
])
def test_the_lines_of_published_years_by_hand(resident_scheme: dict, year: int, surplus_ratio: float,
                                              balance_ratio: float, reserve_months: float) -> None:
    """Interest of 1.1 % on 527.463 and on 390.876 is 5.802 and 4.300, and counts as income of the year. Roundings can
    carry our balance 0.0051 from the printed 280, which is 2e-5 of its ratios; a surplus ratio they move by 1e-6."""
    table = resident_scheme
    ours = account(table["balance_end"][0] * BILLION, table["income"][1:] * BILLION,
                   table["expenditure"][1:] * BILLION, 0.011)
    at = year - 2022
    assert_allclose(ours["surplus_ratio"][0, at], surplus_ratio, rtol=0, atol=2e-6)
    assert_allclose(ours["balance_ratio"][0, at], balance_ratio, rtol=2e-5)
    assert_allclose(ours["reserve_months"][0, at], reserve_months, rtol=2e-5)


def test_the_printed_balance_ratio(resident_scheme: dict) -> None:
    """Printed over an income without interest: ours agrees once interest is taken off again, to half of 0.01 point
    and 0.0005 point for the balance's own rounding; measured 0.0039. With interest in, as bureaus count it, ours is
    lower by 0.05 to 0.21 point."""
    table = resident_scheme
    ours = account(table["balance_end"][0] * BILLION, table["income"][1:] * BILLION,
                   table["expenditure"][1:] * BILLION, 0.011)
    without = 100 * ours["balance_end"] / (ours["income"] - ours["interest"])
    assert_allclose(without[0], table["balance_ratio_pct"][1:], rtol=0, atol=0.0055)
    assert (100 * ours["balance_ratio"][0] < table["balance_ratio_pct"][1:] - 0.04).all()


def test_a_debt_in_print_has_ratios_below_zero() -> None:
    """From 2030 the published balance is a debt, printed every fifth year: opened with it and left alone, our ratio
    is the printed one to half of 0.01 point, and the debt earns nothing."""
    table = {name: column[5:] for name, column in printed("urrbmi_2021.csv").items()}
    for balance, income, share in zip(table["balance_end"], table["income"], table["balance_ratio_pct"], strict=True):
        ours = account(balance * BILLION, [[income * BILLION]], [[income * BILLION]], 0.011)
        assert ours["interest"].item() == 0 and ours["reserve_months"].item() < 0
        assert_allclose(100 * ours["balance_ratio"].item(), share, rtol=0, atol=0.005)


# --- a projection that prints its interest ---------------------------------------------------------

@pytest.fixture(scope="module")
def trust_fund() -> dict[str, np.ndarray]:
    """Table VI.C1 of the 2001 OASDI Trustees Report: 1996 to 2010, in billions of dollars to one place."""
    return printed("oasi_2001.csv")


def stepped(table: dict[str, np.ndarray], first: int, chained: bool) -> list[Flows]:
    """Our account year by year at each year's own rate, from the printed opening balance or from our own."""
    closing, years = table["balance_end"][first - 1], []
    for t in range(first, len(table["year"])):
        rate = table["interest"][t] / table["balance_end"][t - 1]
        opening = closing if chained else table["balance_end"][t - 1]
        years.append(account(opening * BILLION, (table["income"] - table["interest"])[t:t + 1] * BILLION,
                             table["expenditure"][t:t + 1] * BILLION, rate))
        closing = years[-1]["balance_end"].item() / BILLION
    return years


def test_every_year_of_the_trust_fund_closes(trust_fund: dict) -> None:
    """Opening, income, expenditure and closing are each rounded by up to 0.05: 0.2 billion; measured 0.1."""
    ours = [year["balance_end"].item() / BILLION for year in stepped(trust_fund, 1, chained=False)]
    assert_allclose(ours, trust_fund["balance_end"][1:], rtol=0, atol=0.2)
    surplus = [year["surplus"].item() / BILLION for year in stepped(trust_fund, 1, chained=False)]
    assert_allclose(surplus, trust_fund["net_increase"][1:], rtol=0, atol=0.15 + 1e-9)


def test_ten_projected_years_of_the_trust_fund(trust_fund: dict) -> None:
    """2001 to 2010, each year from our own balance of the year before: from 893 to 2,955 billion, half of the rise
    interest. What the roundings can do grows to 1.5 billion; measured 0.11. Interest on the year's mean balance
    at the same rate would be 2.6 out in the first year."""
    first = int(np.flatnonzero(trust_fund["year"] == 2001).item())
    ours = np.array([year["balance_end"].item() / BILLION for year in stepped(trust_fund, first, chained=True)])
    rates = trust_fund["interest"][first:] / trust_fund["balance_end"][first - 1:-1]
    off = np.abs(ours - trust_fund["balance_end"][first:])
    assert (off <= 0.05 + carried(0.05, 0.1, rates)).all(), off


def test_one_rate_for_all_years_costs_the_trust_fund_little(trust_fund: dict) -> None:
    """A scenario has one rate, the trust fund's falls from 6.9 to 6.3 %. At their average, weighted by balance, our
    balance is 0.6 % short in the third year and 0.14 % in the tenth; 0.7 % is allowed."""
    first = int(np.flatnonzero(trust_fund["year"] == 2001).item())
    part = {name: column[first:] for name, column in trust_fund.items()}
    opening = trust_fund["balance_end"][first - 1:-1]
    ours = account(opening[0] * BILLION, (part["income"] - part["interest"]) * BILLION, part["expenditure"] * BILLION,
                   part["interest"].sum() / opening.sum())
    assert_allclose(ours["balance_end"][0] / BILLION, part["balance_end"], rtol=7e-3)


def test_the_printed_fund_ratio(trust_fund: dict) -> None:
    """The opening balance over the year's expenditure, per cent: half of a point for the printed one and 0.05 for what
    roundings of 0.05 billion move; measured 0.51."""
    years = stepped(trust_fund, 1, chained=False)
    ours = [100 * (year["opening_balance"] / year["expenditure"]).item() for year in years]
    assert_allclose(ours, trust_fund["fund_ratio_pct"][1:], rtol=0, atol=0.55)


# --- worked by hand and closed forms ---------------------------------------------------------------

def test_three_years_by_hand() -> None:
    """100 at 10 %, 50 coming in: a surplus, a deficit beyond the balance, and a debt that earns nothing."""
    ours = account(100.0, [[50.0, 50.0, 50.0]], [[40.0, 202.0, 40.0]], 0.1)
    expected = {"opening_balance": [100, 120, -20], "interest": [10, 12, 0], "income": [60, 62, 50],
                "expenditure": [40, 202, 40], "surplus": [20, -140, 10], "balance_end": [120, -20, -10],
                "surplus_ratio": [20 / 60, -140 / 62, 10 / 50], "balance_ratio": [120 / 60, -20 / 62, -10 / 50],
                "reserve_months": [36, -12 * 20 / 202, -3]}
    for name, values in expected.items():
        assert_allclose(ours[name][0], values, rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("interest", [0.02, 0.1])
def test_interest_compounds(interest: float) -> None:
    """A balance left alone grows by powers, and 5 a year put by is worth an annuity certain; but for rounding."""
    years = np.arange(1, 21)
    still, five = np.zeros((1, 20)), np.full((1, 20), 5.0)
    assert_allclose(account(100.0, still, still, interest)["balance_end"][0], 100 * (1 + interest)**years, rtol=1e-12)
    saved = account(0.0, five, still, interest)["balance_end"][0]
    assert_allclose(saved, 5 * ((1 + interest)**years - 1) / interest, rtol=1e-12)


@pytest.mark.parametrize("interest", [-0.01, 0.0, 0.03])
def test_surpluses_add_up_to_the_change_of_the_balance(interest: float) -> None:
    """A hundred random paths, some through debt, beside the recursion written out; but for rounding."""
    rng = np.random.default_rng(7)
    opening, income = rng.normal(20.0, 60.0, 100), rng.uniform(50.0, 150.0, (100, 12))
    spent = rng.uniform(50.0, 155.0, (100, 12))
    ours = account(opening, income, spent, interest)
    balance, path = opening.copy(), []
    for t in range(12):
        balance = balance + income[:, t] - spent[:, t] + interest * np.where(balance > 0, balance, 0.0)
        path.append(balance)
    assert_allclose(ours["balance_end"], np.array(path).T, rtol=1e-12, atol=1e-9)
    assert_allclose(ours["surplus"].sum(axis=1), ours["balance_end"][:, -1] - opening, rtol=1e-12, atol=1e-9)
    assert (ours["interest"][ours["opening_balance"] < 0] == 0).all()
    assert ((ours["balance_end"] < 0).any() and (ours["balance_end"] > 0).any())
