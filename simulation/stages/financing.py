"""The year is financed: contributions, subsidies, family accounts, contract fees, the special fund."""

from __future__ import annotations

import numpy as np

from simulation.records import Futures
from simulation.rules import assisted
from simulation.stages.book import Book, Flows
from simulation.steps import financing
from simulation.trees import dense


def contributions(book: Book, name: str) -> np.ndarray:
    """The contribution or the subsidy of every year with its yearly rise, (t, g, s) in yuan."""
    scenario, steps = book.scenario, book.of("financing", f"{name}_step").tolist()
    risen = [scenario.risen(policy, name, year, steps, book.area)
             for policy, year in zip(book.policies, scenario.horizon(), strict=True)]
    return np.stack([dense(tree, ("group", "status"), scenario.axes.members()) for tree in risen])


def year_is_financed(book: Book, futures: Futures, people: Flows) -> Flows:
    """Contributions, what is paid in for the poor, subsidies by level, family accounts and contract fees, in yuan.

    Standards may drift from the rule book (`Futures.funding`); nobody joins or leaves for that.
    """
    scenario, insured = book.scenario, people["insured"]
    lever = lambda name, over=(): book.of("financing", name, over)  # noqa: E731
    contribution, subsidy = contributions(book, "contribution"), contributions(book, "subsidy")
    due = financing.subsidy_by_level(
        insured, subsidy, lever("subsidy_weights", ("level",)), lever("city_school_weights", ("level",)),
        scenario.value("people", "city_school_share", ("group",))) * futures.funding[:, :, None]
    received = financing.received(due, lever("subsidy_late", ("level",)), lever("subsidy_missing", ("level",)))
    fee = book.of("contracts", "fee") * people["contracted"]
    weights = book.of("contracts", "fee_weights", ("payer",))
    enrolled = people["enrolled"]
    return {
        "individual_income": financing.individual_income(
            insured, contribution, subsidy, float(scenario.value("people", "returner_share")),
            book.of("enrolment", "arrears_share")) * futures.funding,
        "assisted_income": financing.paid_in_all(
            insured, assisted(contribution, lever("paid_for", ("status",)))[..., None])[:, :, 0] * futures.funding,
        "subsidy_by_level": received, "account_in": lever("account") * enrolled,
        "premium": lever("premium") * enrolled, "contract_fee": fee,
        "contract_fee_by_payer": (financing.in_parts(weights).T[:, :, None] * fee.T).T,  # draws side by side
        "other_income": np.full_like(enrolled, float(scenario.value("account", "other_income")) * book.share("people")),
        "special_fund": special_fund(book) * people["residents"],
    }


def special_fund(book: Book) -> np.ndarray:
    """Government money for primary care outside the fund, (t,) yuan a head; it grows from the year after it was set."""
    found, growth = book.of("care", "special_fund").astype(float), book.of("care", "special_fund_growth")
    for t in np.flatnonzero(found[1:] == found[:-1]) + 1:
        found[t] = found[t - 1] * (1 + growth[t])
    return found
