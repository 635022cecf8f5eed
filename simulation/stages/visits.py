"""Ordinary outpatient care and the family accounts that pay for part of it."""

from __future__ import annotations

import numpy as np

from simulation.engines import bills
from simulation.policy import Policy
from simulation.records import DRAWS, Futures, Rules
from simulation.stages.book import Book, Flows, Pool, costs_of
from simulation.stages.care import Use, by_group
from simulation.stages.choice import Answer, contracted_anew
from simulation.steps import enrolment, financing, responses


def visits_are_paid(book: Book, rules: list[Rules], use: Use, futures: Futures, pool: Pool, answers: list[Answer],
                    seed: int) -> Flows:
    """Ordinary outpatient care: what it costs the fund and patients, by tier; nothing where none is pooled."""
    scenario = book.scenario
    draws, years, cells = pool.people.shape
    tiers = len(scenario.axes.tier)
    names = ("outpatient_paid", "outpatient_expense", "outpatient_eligible", "visits_by_tier")
    flows = {name: np.zeros((draws, years, tiers), order=DRAWS) for name in names}
    flows["outpatient_users"] = np.zeros((draws, years), order=DRAWS)
    left = np.zeros((draws, years, cells), order=DRAWS)
    if not scenario.has("outpatient"):
        return flows | {"outpatient_left_by_group": by_group(book, left)}
    value = lambda name, over=(): scenario.value("utilisation", name, over)  # noqa: E731
    of_cell = lambda name: np.resize(value(name, ("group",)), cells)  # noqa: E731
    mix = np.resize(value("outpatient_mix", ("group", "tier")), (cells, tiers))
    visit, log_sd = value("outpatient_expense", ("tier",)), float(value("outpatient_log_sd"))
    visits = of_cell("outpatient_visits")
    drawn = lambda name: futures.drawn[name]  # noqa: E731
    users = np.minimum(of_cell("outpatient_users") * drawn("utilisation.outpatient_users")[:, None], 1.0)
    dearness = drawn("utilisation.outpatient_expense")
    people = pool.people
    elasticity = futures.drawn["behaviour.outpatient_elasticity"]
    contract_visits = futures.drawn["behaviour.contract_visits"]
    contributed = enrolment.contribution_years(float(scenario.value("people", "new_share")), years)
    weeks = book.of("contracts", "prescription_weeks")
    refills = float(scenario.value("behaviour", "refill_share"))
    for t in range(years):
        eligible = use.costs[t].eligible[bills.OUTPATIENT]
        now, base = (book.once(visit_price, book.alike(rule), policy)[:, :cells]
                     for rule, policy in ((rules[t], book.policies[t]), (book.base_rules[t], book.base)))
        on, choice = (float(book.of("responses", name)[t]) for name in ("demand", "tier_choice"))
        demand = responses.demanded(mix, now, base, on * elasticity)
        more = np.ones((draws, cells))
        if cells > len(scenario.axes.group):
            newly = contracted_anew(book, t)
            fewer = refills * (4 / weeks[t] - 4 / float(book.first("contracts", "prescription_weeks")))
            more[:, -len(newly):] += newly * on * contract_visits[:, None] + fewer
            more = np.maximum(more, responses.LEAST)
        # Capable counties see more patients, and providers respond to how visits are paid.
        capable = on * book.change("care", "capability")[t]
        more = more * np.maximum(1 + capable * drawn("behaviour.capability_visits"), responses.LEAST)[:, None]
        more = more * (1 + mix @ use.more_visits[t])
        volume = futures.visits[:, t, None] * demand * more * pool.risk[:, t] * visits
        gain = answers[t].gain - (choice * responses.dearer(now, base)[:, :, None]
                                  * futures.drawn["behaviour.tier_sensitivity"]).T
        used = bills.outpatient_year(
            rules[t], visit * (1 + use.dearer_visits[t]), log_sd, eligible, float(contributed[t] @ np.arange(years)),
            people[:, t] * users, volume, responses.chosen(mix, gain), use.conditions.price[:, t] * dearness, seed,
            f"outpatient {t}", futures.chance)
        for name, amount in zip(names, used[:4], strict=True):
            flows[name][:, t] = amount
        left[:, t] = used.left_by_cell
        flows["outpatient_users"][:, t] = (people[:, t] * users).sum(axis=1)
    return flows | {"outpatient_left_by_group": by_group(book, left)}


def visit_price(book: Book, rules: Rules, policy: Policy) -> np.ndarray:
    """The part of a user's yearly outpatient expense that he bears, (k, c); cells as in `net_price`.

    Ordinary outpatient care does not count towards the ceiling: rules that differ in it alone have one price.
    """
    value = lambda name, over=(): book.scenario.value("utilisation", name, over)  # noqa: E731
    usual = float(np.resize(value("outpatient_visits", ("group",)), rules.rate.shape[-1]).mean())
    return bills.outpatient_price(
        rules, value("outpatient_expense", ("tier",)), usual, float(value("outpatient_log_sd")),
        book.once(costs_of, policy).eligible[bills.OUTPATIENT], rules.rate.shape[-1], 0.0, 1.0)


def accounts_are_used(book: Book, futures: Futures, people: Flows, flows: Flows) -> Flows:
    """Family accounts pay what outpatient care leaves to their owners, as far as each owner's balance goes."""
    scenario = book.scenario
    drawn = lambda name: futures.drawn[f"account.{name}"]  # noqa: E731
    users, left = flows["outpatient_users"], flows["outpatient_left_by_group"].sum(axis=2)
    enrolled = people["enrolled"]

    def wanted(t: int, balance: np.ndarray) -> np.ndarray:
        each = bills.limited(left[:, t] / np.maximum(users[:, t], 1e-9),
                             float(scenario.value("utilisation", "outpatient_log_sd")),
                             balance / np.maximum(enrolled[:, t], 1e-9))
        return np.minimum(users[:, t] * each, balance)

    used, leaked, stranded, balance = financing.accounts(
        book.of("financing", "account") * enrolled, wanted, drawn("family_opening") * enrolled[:, 0],
        drawn("family_leakage"), drawn("family_stranded"))
    of_group = flows["out_of_pocket_by_group"] + flows["outpatient_left_by_group"]
    return {"out_of_pocket": of_group.sum(axis=2) - used, "out_of_pocket_by_group": of_group, "account_paid": used,
            "account_leaked": leaked, "account_stranded": stranded, "account_balance": balance}
