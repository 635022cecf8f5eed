"""Counties pool, and each fund closes its year."""

from __future__ import annotations

import numpy as np

from simulation.records import DRAWS, Futures
from simulation.rules import assisted
from simulation.scenario import PAYERS
from simulation.stages.book import Book, Flows
from simulation.stages.enrolment import staying
from simulation.stages.financing import contributions
from simulation.steps import fund, pooling

# What does not fall where people leave.
APART = ("residents", "special_fund", "other_income", "review_cost", "suspended", "providers_absent", "account_balance")


def fund_closes(books: list[Book], futures: list[Futures], flows: list[Flows],
                after_deficit: list[Flows]) -> list[Flows]:
    """Counties pool and each fund closes its year: income, expenditure, transfers, surplus and balance, in yuan.

    A deficit triggers in the next year what the levers of `lines` say; where the contribution rises, people leave.
    """
    scenario = books[0].scenario
    draws, years = flows[0]["enrolled"].shape
    counties = range(len(books))
    lever = lambda name: books[0].of("pooling", name)  # noqa: E731
    methods = [policy.pooling.method.value for policy in books[0].policies]
    rate, cover, own = lever("adjustment_rate"), lever("adjustment_cover"), lever("adjustment_own")
    top_up, rise = (books[0].of("lines", f"deficit_{name}") for name in ("subsidy", "contribution"))
    cut = books[0].of("lines", "deficit_cut")
    interest = float(scenario.value("account", "interest_rate"))

    nothing = lambda kind=float: np.zeros((len(books), years, draws), kind).swapaxes(1, 2)  # noqa: E731
    account = {name: nothing() for name in (
        "income", "expenditure", "surplus", "balance_end", "opening_balance", "interest", "deficit_subsidy", "transfer",
        "adjustment_paid_in", "adjustment_paid_out")}
    held = np.zeros((draws, years), order=DRAWS)
    balance = np.stack([future.opening * book.share("opening") for book, future in zip(books, futures, strict=True)])
    deficit, deficits, adjustment = np.zeros_like(balance), np.zeros_like(balance), np.zeros(draws)
    contributed = {name: nothing() for name in ("individual_income", "assisted_income")}
    was_cut, stay = nothing(bool), nothing()
    for t in range(years):
        was_cut[:, :, t] = (deficit > 0) & bool(cut[t])
        if methods[t] == "full":  # one fund has one balance; each county's part of it goes by its insured
            enrolled = np.stack([f["enrolled"][:, t] for f in flows])
            balance = balance.sum(axis=0) * enrolled / np.maximum(enrolled.sum(axis=0), 1e-9)
        for n in counties:
            f = flows[n]
            earned = interest * np.maximum(balance[n], 0.0)
            times = dict.fromkeys(("insured", *contributed), 1.0)
            if rise[t] and deficits[n].any():
                times = as_people_leave(books[n], futures[n], f["insured"][:, t], t, (1 + rise[t]) ** deficits[n])
            stay[n, :, t] = times["insured"]
            for name, value in contributed.items():
                value[n, :, t] = times[name] * f[name][:, t]
            made_good = top_up[t] * deficit[n]
            spent = spending_of(f, t)
            if cut[t]:
                spent = np.where(was_cut[n, :, t], spending_of(after_deficit[n], t), spent)
            by_head = f["subsidy_by_level"][:, t].sum(axis=1) - f["account_in"][:, t]
            income = (sum(value[n, :, t] for value in contributed.values()) + stay[n, :, t] * by_head + made_good
                      + f["other_income"][:, t] + earned)
            for name, value in (("income", income), ("expenditure", stay[n, :, t] * spent),
                                ("opening_balance", balance[n]), ("interest", earned), ("deficit_subsidy", made_good)):
                account[name][n, :, t] = value
        income, spent = account["income"][:, :, t], account["expenditure"][:, :, t]
        transfer, paid_in, paid_out, adjustment = pooling.settle(
            methods[t], income, spent, adjustment, rate[t], cover[t], own[t])
        surplus = fund.surplus(income, spent, transfer)
        balance = balance + surplus
        deficit = np.maximum(-surplus, 0.0)
        deficits = deficits + (deficit > 0)
        held[:, t] = adjustment
        for name, value in (("surplus", surplus), ("balance_end", balance), ("transfer", transfer),
                            ("adjustment_paid_in", paid_in), ("adjustment_paid_out", paid_out)):
            account[name][:, :, t] = value
    return [after(flows[n], after_deficit[n], was_cut[n], stay[n], bool(cut.any()), bool(rise.any()))
            | {name: value[n] for name, value in (account | contributed).items()}
            | {"adjustment_balance": held / len(books)} for n in counties]


def after(flows: Flows, cut: Flows, was_cut: np.ndarray, stay: np.ndarray, cuts: bool, rises: bool) -> Flows:
    """A county's years: those of a run that is `cut` where a deficit has cut benefits (d, t), and of them the share
    `stay` (d, t) whom a dearer contribution leaves."""
    over = lambda by_year, value: by_year.reshape(*by_year.shape, *[1] * (value.ndim - 2))  # noqa: E731
    years = {name: value for name, value in flows.items() if name != "insured"}
    if cuts:
        years = {name: np.where(over(was_cut, value), cut[name], value) for name, value in years.items()}
    if rises:
        years = {name: value if name in APART else value * over(stay, value) for name, value in years.items()}
    if cuts or rises:  # balances add up what these years keep, not what a run kept in all of its own
        opening = flows["account_balance"][:, :1] - kept_in_accounts(flows)[:, :1]
        years["account_balance"] = np.maximum(opening + np.cumsum(kept_in_accounts(years), axis=1), 0.0)
    return years


def as_people_leave(book: Book, futures: Futures, insured: np.ndarray, t: int, times: np.ndarray) -> Flows:
    """What `times` (d,) the planned contribution leaves of a year's insured (d, g, s), and makes of what they and
    medical assistance pay in: multiples (d,). Those who leave are as ill as those who stay.
    """
    contribution, subsidy = (contributions(book, name)[t] for name in ("contribution", "subsidy"))
    arrears = float(book.scenario.value("people", "returner_share")) * book.of("enrolment", "arrears_share")[t]
    paid_for = assisted(contribution, book.of("financing", "paid_for", ("status",))[t])
    stay = insured * staying(book, futures, t, times)
    part = lambda rate: fund.ratio((stay * rate).sum(axis=(1, 2)), (insured * rate).sum(axis=(1, 2)))  # noqa: E731
    return {"insured": part(1.0), "individual_income": times * part(contribution + arrears * (contribution + subsidy)),
            "assisted_income": times * part(paid_for)}


def kept_in_accounts(flows: Flows) -> np.ndarray:
    """What a year adds to family accounts, (d, t) in yuan."""
    return flows["account_in"] - flows["account_paid"] - flows["account_leaked"] - flows["account_stranded"]


def spending_of(flows: Flows, t: int) -> np.ndarray:
    """The fund's expenditure of a year, (d,) in yuan."""
    of = lambda name: flows[name][:, t]  # noqa: E731
    return (of("provider_payment") - of("recovered") - of("review_saving") + of("premium")
            + of("contract_fee_by_payer")[:, list(PAYERS).index("fund")])
