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
    providers = np.maximum(scenario.value("providers", "providers", ("tier",)) * book.share("people"), 1.0)
    found = np.stack([supervision.suspended(chance[t], providers, z[:, t]) for t in range(scenario.years)], axis=1)
    return Audit(found, supervision.absent(found, chance, months))


def providers_are_paid(book: Book, futures: Futures, people: Flows, flows: Flows, audit: Audit,
                       usual: dict[int, payment.Usual]) -> Flows:
    """What the fund pays providers for the care it owes patients, and what supervision saves of it, in yuan.

    What standards are made of is in `usual` by year, or left there.
    """
    scenario = book.scenario
    paid, special, ways, margin = paid_by_tier(book, futures, people, flows, usual)
    whole = paid.sum(axis=2)

    # Supervision recovers what sampled providers billed against the rules, and review what machines find.
    sampled = book.of("supervision", "sample_share")
    recovered = np.zeros_like(whole)
    if sampled.any():
        wrong = scenario.value("providers", "noncompliant", ("tier",))
        found_out = sampled[:, None] * wrong * futures.drawn["providers.noncompliant"][:, None, None]
        back = paid * np.minimum(found_out, 1.0)
        recovered = back.sum(axis=2)
        margin -= back
    review = np.zeros_like(whole), np.zeros_like(whole), np.zeros_like(whole)
    if book.of("supervision", "review_coverage").any():
        avoided, deducted, problem = reviewed(book, futures)
        avoided = np.minimum(avoided, 1 - ratio(recovered, whole))  # no more is saved than was paid
        margin -= paid * avoided[:, :, None]
        review = whole * avoided, whole * deducted, whole * problem
    paid[:, :, 0] -= special  # no statistic says at which tier these patients are treated
    return {
        "paid_by_method": ways, "paid_for_care": paid, "provider_margin": margin, "recovered": recovered,
        **dict(zip(("review_saving", "review_deducted", "review_problem"), review, strict=True)),
        "review_cost": np.broadcast_to(book.of("supervision", "review_cost") * book.share("people"), whole.shape),
        **sanctions(book, audit), "provider_payment": whole,
    }


def paid_by_tier(book: Book, futures: Futures, people: Flows, flows: Flows,
                 usual: dict[int, payment.Usual]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What providers are paid by tier (d, t, k), of it for special diseases (d, t), and by way of payment (d, t, m),
    and their margin by tier, yuan.

    Special diseases are paid to the first tier. A year at a time: its draws stay in the cache.
    """
    scenario, use = book.scenario, book.scenario.assumptions.utilisation
    weights = book.of("payment", "method", ("method", "kind", "tier"))
    primary, kinds = scenario.marked("primary"), len(scenario.axes.kind)
    growth = lambda given: np.log1p(float(given.value))  # noqa: E731
    cost = growth(use.cost_growth)
    more = [growth(of) for of in (use.admission_growth, use.chronic_growth, use.outpatient_growth)][:kinds]
    level, up, keep, over, same, quality = (book.of("payment", name) for name in (
        "level", "growth", "retention", "overspend_share", "same_payment_share", "quality_coefficient"))
    kept = 1 - float(scenario.value("providers", "cost_share"))
    met = futures.drawn["providers.quality_met"]
    draws, years, tiers = flows["paid_by_tier"].shape
    paid, margin = (np.empty((draws, years, tiers), order=DRAWS) for _ in range(2))
    ways, special = np.empty((draws, years, len(payment.METHODS)), order=DRAWS), np.empty((draws, years), order=DRAWS)
    for t in range(years):
        volume = np.exp(t * np.array(more))
        terms = payment.Terms(payment.shares_of(weights[t]), level[t] * (1 + up[t]) ** t, keep[t], over[t], same[t],
                              1 + (quality[t] - 1) * met)
        due = of_kinds(kinds, *(flows[name][:, t] for name in ("paid_by_tier", "chronic", "outpatient_paid")))
        cases = of_kinds(kinds, flows["stays_by_tier"][:, t], people["enrolled"][:, t], flows["visits_by_tier"][:, t])
        insured = people["enrolled"][:, t]
        if t not in usual and terms.shares[1:].any():
            usual[t] = payment.usual_of(due, cases, insured)
        given, ways[:, t] = payment.paid(due, cases, insured, np.exp(t * cost) * volume, volume, primary, terms,
                                         usual.get(t))
        spent = flows["expense_by_tier"][:, t] + flows["outpatient_expense"][:, t]
        spent[:, 0] += flows["chronic_expense"][:, t]
        spent *= kept
        spent -= due.sum(axis=1)
        paid[:, t], special[:, t] = given.sum(axis=1), given[:, 1, 0]
        margin[:, t] = spent + paid[:, t]
    return paid, special, ways, margin


def of_kinds(kinds: int, stays: np.ndarray, chronic: np.ndarray, visits: np.ndarray) -> np.ndarray:
    """Amounts of a year by kind and tier (d, i, k), of `kinds` kinds; `stays` and `visits` (d, k), `chronic` (d,)."""
    amounts = np.zeros((len(stays), kinds, stays.shape[1]), order=DRAWS)
    amounts[:, 0], amounts[:, 1, 0] = stays, chronic
    if kinds > 2:
        amounts[:, 2] = visits
    return amounts


def reviewed(book: Book, futures: Futures) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What automatic review of claims avoids, deducts and finds, as shares of what is paid, each (d, t)."""
    drawn = lambda name: futures.drawn[f"providers.{name}"][:, None]  # noqa: E731
    coverage, months = book.of("supervision", "review_coverage"), drawn("learning_months")
    since = np.arange(len(coverage)) - int(np.argmax(coverage > 0))
    problem = supervision.learnt(since, drawn("problem_start"), drawn("problem_end"), months)
    deducted = supervision.learnt(since, drawn("deducted_start"), drawn("deducted_end"), months)
    avoided = coverage * (drawn("deducted_start") + drawn("problem_saving") * (drawn("problem_start") - problem))
    return avoided, coverage * deducted, (coverage > 0) * problem


def sanctions(book: Book, audit: Audit) -> Flows:
    """Providers suspended, and provider-years lost, by tier."""
    providers = book.scenario.value("providers", "providers", ("tier",)) * book.share("people")
    return {"suspended": audit.found * providers, "providers_absent": audit.absent * providers}
