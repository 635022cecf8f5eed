"""Providers are paid for what the rules grant patients, and supervised."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulation.records import DRAWS, Futures
from simulation.stages.book import Book, Flows
from simulation.steps import payment, supervision
from simulation.steps.fund import ratio
from simulation.streams import normals


class Audit(NamedTuple):
    """What sampling of records leads to."""

    found: np.ndarray  # (d, t, k) share of providers suspended
    absent: np.ndarray  # (d, t, k) part of a tier's year lost


def providers_are_sampled(book: Book, draws: int, seed: int, luck: float = 1.0) -> Audit:
    """Suspensions and terminations of designated providers (digest P6); without `luck`, as many as expected."""
    scenario = book.scenario
    lever = lambda name: book.of("supervision", name)  # noqa: E731
    sampled, months = lever("sample_share"), lever("suspension_months")
    shape = (draws, scenario.years, len(scenario.axes.tier))
    if not (sampled * months).any():
        return Audit(np.zeros(shape, order=DRAWS), np.zeros(shape, order=DRAWS))
    wrong = scenario.value("providers", "noncompliant", ("tier",))
    spread = float(scenario.value("providers", "noncompliant_spread"))
    chance = np.stack([share * supervision.above(wrong, spread, float(limit)) * (length > 0)
                       for share, limit, length in zip(sampled, lever("suspension_threshold"), months, strict=True)])
    z = luck * normals(shape, seed, "audit")
    providers = scenario.value("providers", "providers", ("tier",))
    found = np.stack([supervision.suspended(chance[t], providers, z[:, t]) for t in range(scenario.years)], axis=1)
    return Audit(found, supervision.absent(found, chance, months))


def providers_are_paid(book: Book, futures: Futures, people: Flows, flows: Flows, audit: Audit) -> Flows:
    """What the fund pays providers for the care it owes patients, and what supervision saves of it, in yuan."""
    scenario, years = book.scenario, book.scenario.years
    weights = book.of("payment", "method", ("method", "kind", "tier"))
    use = scenario.assumptions.utilisation
    primary = scenario.marked("primary")
    kinds = len(scenario.axes.kind)
    draws, _, tiers = flows["paid_by_tier"].shape
    due, cases = (np.zeros((draws, years, kinds, tiers), order=DRAWS) for _ in range(2))
    due[:, :, 0], cases[:, :, 0] = flows["paid_by_tier"], flows["stays_by_tier"]
    due[:, :, 1, 0], cases[:, :, 1, 0] = flows["chronic"], people["enrolled"]
    if kinds > 2:
        due[:, :, 2], cases[:, :, 2] = flows["outpatient_paid"], flows["visits_by_tier"]
    growth = lambda given: np.log1p(float(given.value))  # noqa: E731
    cost, more = growth(use.cost_growth), [growth(use.admission_growth), 0.0, growth(use.outpatient_growth)][:kinds]
    lever = lambda name: book.of("payment", name)  # noqa: E731
    level, up, keep, over, same = (lever(name) for name in (
        "level", "growth", "retention", "overspend_share", "same_payment_share"))
    drawn = lambda name: futures.drawn[f"providers.{name}"][:, None]  # noqa: E731
    quality = 1 + (lever("quality_coefficient") - 1) * drawn("quality_met")
    paid, ways = np.empty_like(due), np.empty((draws, years, len(payment.METHODS)), order=DRAWS)
    for t in range(years):
        volume = np.exp(t * np.array(more))
        terms = payment.Terms(payment.shares_of(weights[t]), level[t] * (1 + up[t]) ** t, keep[t], over[t], same[t],
                              quality[:, t])
        paid[:, t], ways[:, t] = payment.paid(due[:, t], cases[:, t], people["enrolled"][:, t],
                                              np.exp(t * cost) * volume, volume, primary, terms)

    # Supervision recovers what sampled providers billed against the rules, and review what machines find.
    wrong = scenario.value("providers", "noncompliant", ("tier",))
    by_tier = paid.sum(axis=2)
    found_out = book.of("supervision", "sample_share")[:, None] * wrong * drawn("noncompliant")[:, :, None]
    found_out = np.minimum(found_out, 1.0)
    recovered = (by_tier * found_out).sum(axis=2)
    coverage = book.of("supervision", "review_coverage")
    since = np.arange(years) - (int(np.argmax(coverage > 0)) if coverage.any() else years)
    months = drawn("learning_months")
    problem = supervision.learnt(since, drawn("problem_start"), drawn("problem_end"), months)
    deducted = coverage * supervision.learnt(since, drawn("deducted_start"), drawn("deducted_end"), months)
    avoided = coverage * (drawn("deducted_start") + drawn("problem_saving") * (drawn("problem_start") - problem))
    whole = by_tier.sum(axis=2)
    avoided = np.minimum(avoided, 1 - ratio(recovered, whole))  # no more is saved than was paid
    providers = scenario.value("providers", "providers", ("tier",)) * book.share("people")
    cost_share = float(scenario.value("providers", "cost_share"))
    margin = (by_tier - due.sum(axis=2) + (flows["expense_by_tier"] + flows["outpatient_expense"])
              * (1 - cost_share))
    margin[:, :, 0] += flows["chronic_expense"] * (1 - cost_share)
    margin -= by_tier * (found_out + avoided[:, :, None])
    return {
        "paid_by_method": ways, "paid_to_tier": by_tier, "provider_margin": margin,
        "recovered": recovered, "review_saving": whole * avoided, "review_deducted": whole * deducted,
        "review_problem": whole * (problem * (coverage > 0)),
        "review_cost": np.broadcast_to(book.of("supervision", "review_cost") * book.share("people"), whole.shape),
        "suspended": audit.found * providers, "providers_absent": audit.absent * providers,
        "provider_payment": whole,
    }
