"""Care is used and bills are settled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulation.engines.choice import mean_in
from simulation.records import DRAWS, Care, Conditions, Costs, Futures, Spending
from simulation.stages.book import Book, Flows, Pool
from simulation.stages.choice import Answer
from simulation.steps import enrolment, payment, responses, utilisation


class Use(NamedTuple):
    """What befalls the insured, before any rule: as the engines take it."""

    care: list[Care]
    costs: list[Costs]
    conditions: Conditions
    more_visits: np.ndarray  # (t, k) relative change of outpatient visits that ways of payment bring
    dearer_visits: np.ndarray  # (t, k) and of the expense of a visit
    price: np.ndarray  # (d, t) cost index before any way of payment moves it


def care_is_used(book: Book, futures: Futures, pool: Pool, answers: list[Answer], reach: tuple[float, float]) -> Use:
    """How often people fall ill, where they go and what it costs, after people and providers have responded.

    `reach`: lowest and highest price index of all counties.
    """
    scenario, years = book.scenario, book.scenario.years
    ways = ("method", "kind", "tier")
    before = payment.shares_of(book.first("payment", "method", ways))
    moved = np.stack([payment.shares_of(way) for way in book.of("payment", "method", ways)]) - before
    moved = book.of("responses", "providers")[:, None, None, None] * moved.swapaxes(1, 2)  # (t, i, m, k)
    of_way = lambda name: scenario.value("providers", name, ("method",))  # noqa: E731
    more, more_visits = (responses.by_payment(moved[:, kind], of_way("volume_response")) for kind in (0, -1))
    dearer, dearer_chronic, dearer_visits = (responses.by_payment(moved[:, kind], of_way("cost_response"))
                                             for kind in (0, 1, -1))
    new_share = float(scenario.value("people", "new_share"))
    contributed = enrolment.contribution_years(new_share, years)
    covered = enrolment.covered_share(new_share, book.of("enrolment", "waiting_months", ("group",)))
    care, costs = [], []
    frequency = futures.frequency[:, :, None] * pool.risk * book.multiple("admissions")
    tilt = np.stack([answer.tilt for answer in answers]).T
    people = pool.people.mean(axis=0)
    usual_change = np.zeros(years)  # of the expense of a stay
    for t, answer in enumerate(answers):
        mix = answer.mix
        year = book.costs(book.policies[t])
        costs.append(year._replace(expense=year.expense * (1 + dearer[t]),
                                   chronic_expense=year.chronic_expense * (1 + float(dearer_chronic[t, 0]))))
        frequency[:, t] *= answer.demand
        if more[t].any():  # each tier has stays of its own
            frequency[:, t] *= 1 + mean_in(mix, year.primary, answer.tilt, more[t])
            mix = responses.chosen(mix, np.log1p(more[t]))
        usual_change[t] = responses.usual_mix(mix, people[t]) @ dearer[t]
        care.append(utilisation.care_in(scenario, t, covered[t], contributed[t], futures.ageing[t], mix))
    # The doubt about a response moves what it is about: the price of stays at all tiers alike, of special diseases.
    base = futures.price * book.multiple("expense")
    price, chronic_price = (base * responses.doubted(change, futures.drawn["providers.cost_response"])
                            for change in (usual_change, dearer_chronic[:, 0]))
    conditions = Conditions(price, chronic_price, frequency, futures.chronic, tilt, futures.noise, reach,
                            futures.chance)
    return Use(care, costs, conditions, more_visits, dearer_visits, base)


def by_group(book: Book, of_cells: np.ndarray) -> np.ndarray:
    """Amounts of cells (d, t, c) as those of groups (d, t, g)."""
    return of_cells.reshape(*of_cells.shape[:2], -1, len(book.scenario.axes.group)).sum(axis=2)


def waited(use: Use, people: np.ndarray) -> np.ndarray:
    """Expense of stays and special diseases while the insured wait for benefits, (d, t, c) yuan: they pay all of it.

    The engines have none of it. `people` (d, t, c) insured; the mean of a draw, as no rule divides it.
    """
    spent = np.zeros(people.shape, order=DRAWS)
    price, chronic_price, frequency, chronic, tilt = use.conditions[:5]
    for t, (care, costs) in enumerate(zip(use.care, use.costs, strict=True)):
        if (care.covered < 1).any():
            each = mean_in(care.mix, costs.primary, tilt[:, t], costs.expense)
            each *= care.admissions * frequency[:, t]
            each *= price[:, t, None]
            ill = np.minimum(np.multiply.outer(care.chronic_share, chronic[:, t]).T, 1.0)
            each += ill * (costs.chronic_expense * chronic_price[:, t, None])
            each *= 1 - care.covered
            np.multiply(people[:, t], each, out=spent[:, t])
    return spent


def bills_are_settled(book: Book, spending: Spending, use: Use, pool: Pool) -> Flows:
    """What stays and special diseases cost, by group and by tier."""
    flows: Flows = spending._asdict()
    flows["out_of_pocket_by_group"] = by_group(book, flows["expense_by_cell"] - flows.pop("paid_by_cell"))
    flows["catastrophic_by_group"] = by_group(book, flows.pop("catastrophic_by_cell"))
    flows["expense_by_group"] = by_group(book, flows.pop("expense_by_cell"))
    flows["waiting_by_group"] = by_group(book, waited(use, pool.people))
    eligible = np.stack([cost.eligible for cost in use.costs])
    flows["eligible_by_tier"] = flows["claims_by_tier"] * eligible[:, 0]
    flows["chronic_eligible"] = flows["chronic_claims"] * eligible[:, 1, 0]
    return flows
