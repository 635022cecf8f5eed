"""People change and enrol."""

from __future__ import annotations

import numpy as np

from simulation.records import DRAWS, Futures, Rules
from simulation.stages.book import Book, Flows, net_price
from simulation.stages.financing import contributions
from simulation.steps import enrolment, population


def people_enrol(book: Book, futures: Futures) -> tuple[Flows, np.ndarray]:
    """People change and enrol: persons by group and status, and the insured's risk beside the baseline's (d, t, g)."""
    scenario, drawn = book.scenario, futures.drawn
    value = lambda name, over=(): scenario.value("people", name, over)  # noqa: E731
    groups = ("group", "status")
    residents = population.residents(value("residents", groups), value("population_growth", ("group",)), scenario.years)
    residents = residents * book.share("people") * (futures.residents * futures.people[:, :, None])[..., None]
    residents = np.asarray(residents, order=DRAWS)

    # Take-up responds to the contribution beside income, to benefits, awareness, rewards and waiting.
    take_up, frail, risk = value("take_up", groups), float(value("frail_share")), float(value("frail_risk"))
    price = relative_price(book, book.rules) - relative_price(book, book.base_rules)
    responds = book.of("responses", "enrolment")[:, None, None]
    contribution = contributions(book, "contribution")
    income = (1 + float(scenario.value("account", "income_growth"))) ** np.arange(scenario.years)
    frail_price = float(value("frail_price"))
    dearer = responds * enrolment.dearer(contribution, income, book.first("financing", "contribution", groups))
    by_draw = lambda name: drawn[f"people.{name}"][:, None, None, None]  # noqa: E731
    drawn_in = by_draw("awareness_effect") * responds * book.change("enrolment", "awareness")[:, None, None]
    drawn_in = drawn_in - by_draw("generosity_effect") * responds * price[:, :, None]
    drawn_in = drawn_in + futures.take_up[:, :, None, None]
    costly = 0.0
    if dearer.any():
        costly = enrolment.price_shift(dearer, take_up, by_draw("contribution_elasticity"))
        costly = costly / (1 - frail * (1 - frail_price))
    reward = by_draw("loyalty_effect") * responds * book.change("benefits", "contribution_bonus")[:, None, None]
    waiting = by_draw("selection") * by_draw("waiting_effect") * responds * book.change(
        "enrolment", "waiting_months", ("group",))[:, :, None]
    insured, relative_risk = enrolment.insured(
        residents, take_up, frail, risk, drawn["people.selection"],
        np.asarray(drawn_in + costly + reward, order=DRAWS),
        np.asarray(drawn_in + frail_price * costly - waiting, order=DRAWS))
    found = float(value("duplicate_share")) * book.change("enrolment", "deduplication")
    insured = insured * (1 - found)[:, None, None]
    coverage = book.of("contracts", "coverage", ("group",))
    by_group = insured.sum(axis=3)
    return {
        "insured": insured, "residents": np.broadcast_to(residents, insured.shape).sum(axis=(2, 3)),
        "enrolled": by_group.sum(axis=2), "insured_by_group": by_group, "contracted": (by_group * coverage).sum(axis=2),
    }, 1 + responds[:, :, 0] * (relative_risk - 1)


def relative_price(book: Book, rules: list[Rules]) -> np.ndarray:
    """The part of a stay's expense that patients of each group bear at the usual mix of tiers, (t, g)."""
    mix = book.scenario.value("utilisation", "tier_mix", ("group", "tier"))
    return np.stack([np.einsum("gk,kg->g", mix, book.once(net_price, rule, book.base)[:, :len(mix)]) for rule in rules])
