"""People change and enrol."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from simulation.records import DRAWS, Futures, Rules
from simulation.stages.book import Book, Flows, net_price
from simulation.stages.financing import contributions
from simulation.steps import enrolment, population

AT_ONCE = 1024  # draws: what lies between levers and people stays in the cache
KEPT = 32  # answers to contributions of so many draws


def people_enrol(book: Book, futures: Futures) -> tuple[Flows, np.ndarray]:
    """People change and enrol: persons by group and status, and the insured's risk beside the baseline's (d, t, g)."""
    scenario = book.scenario
    value = lambda name, over=(): scenario.value("people", name, over)  # noqa: E731
    groups = ("group", "status")
    first = np.asarray(book.share("people") * population.residents(
        value("residents", groups), value("population_growth", ("group",)), scenario.years), order=DRAWS)
    take_up = value("take_up", groups)
    frail, risk, frail_price = (float(value(f"frail_{name}")) for name in ("share", "risk", "price"))
    counted = 1 - float(value("duplicate_share")) * book.change("enrolment", "deduplication")[:, None, None]
    responds = book.of("responses", "enrolment")[:, None]
    moves = moves_of(book)

    draws = len(futures.opening)
    insured, moved = (np.empty((draws, *shape), order=DRAWS) for shape in (first.shape, first.shape[:2]))
    residents = np.empty((draws, scenario.years), order=DRAWS)
    for start in range(0, draws, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        drawn = {name: of[part] for name, of in futures.drawn.items()}
        grown = futures.people[part, :, None] * (futures.residents[part] if len(futures.residents) > 1 else
                                                 futures.residents)
        residents[part] = (grown * first.sum(axis=2)).sum(axis=2)
        moved_by = shifts(moves, drawn, futures.take_up[part], frail, frail_price)
        people, risk_moved = enrolment.insured(grown[..., None] * first, take_up, frail, risk,
                                               drawn["people.selection"], *moved_by)
        np.multiply(people, counted, out=insured[part])
        moved[part] = 1 + responds * (risk_moved - 1)
    by_group = insured.sum(axis=3)
    return {
        "insured": insured, "residents": residents, "enrolled": by_group.sum(axis=2), "insured_by_group": by_group,
        "contracted": (by_group * book.of("contracts", "coverage", ("group",))).sum(axis=2),
    }, moved


class Moves(NamedTuple):
    """How far what take-up responds to is from the base policy, times how far people respond."""

    dearer: np.ndarray  # (n,) distinct log changes of the contribution beside income
    take_up: np.ndarray  # (n,) of the baseline where they occur
    where: np.ndarray  # (s, g, t) which of them it is
    price: np.ndarray  # (t, g) of the part of a stay's expense that patients bear
    aware: np.ndarray  # (t,) awareness
    loyal: np.ndarray  # (t,) reward of each contribution year
    wait: np.ndarray  # (t, g) months


def staying(book: Book, futures: Futures, t: int, times: np.ndarray) -> np.ndarray:
    """The part of each group and status (d, g, s) who stay in a year of `times` (d,) the planned contribution.

    Prices move take-up at the base policy as a planned rise does; what else moves it is left out.
    """
    scenario, groups = book.scenario, ("group", "status")
    income = np.array([1 + float(scenario.value("account", "income_growth"))]) ** t
    planned, base = contributions(book, "contribution")[t], book.first("financing", "contribution", groups)
    responds, take_up = book.of("responses", "enrolment")[t], scenario.value("people", "take_up", groups)
    before, after = (responds * enrolment.dearer(planned * by[:, None, None], income, base)
                     for by in (np.ones_like(times), times))
    return enrolment.staying(before, after, take_up, futures.drawn["people.contribution_elasticity"][:, None, None])


def moves_of(book: Book) -> Moves:
    """What take-up responds to: the contribution beside income, benefits, awareness, rewards and waiting."""
    scenario, responds, groups = book.scenario, book.of("responses", "enrolment"), ("group", "status")
    income = (1 + float(scenario.value("account", "income_growth"))) ** np.arange(scenario.years)
    dearer = responds[:, None, None] * enrolment.dearer(contributions(book, "contribution"), income,
                                                        book.first("financing", "contribution", groups))
    take_up = np.broadcast_to(scenario.value("people", "take_up", groups), dearer.shape)
    distinct, where = np.unique(np.stack([dearer.T.ravel(), take_up.T.ravel()]), axis=1, return_inverse=True)
    return Moves(
        dearer=distinct[0], take_up=distinct[1], where=where.reshape(dearer.T.shape),
        price=responds[:, None] * (relative_price(book, book.rules) - relative_price(book, book.base_rules)),
        aware=responds * book.change("enrolment", "awareness"),
        loyal=responds * book.change("benefits", "contribution_bonus"),
        wait=responds[:, None] * book.change("enrolment", "waiting_months", ("group",)))


def shifts(moves: Moves, drawn: dict[str, np.ndarray], drawn_in: np.ndarray, frail: float,
           frail_price: float) -> tuple[np.ndarray, np.ndarray]:
    """Shifts of the log odds of joining of the healthy and of the frail, each (d, t, g, s) or alike for every status.

    `drawn_in` (d, t) nobody decides; the share `frail` of residents feels `frail_price` of what contributions cost.
    """
    by_draw = lambda name: drawn[f"people.{name}"]  # noqa: E731
    drawn_in = drawn_in + in_draws(by_draw("awareness_effect"), moves.aware)
    drawn_in = drawn_in[:, :, None] - in_draws(by_draw("generosity_effect"), moves.price)
    healthier = (drawn_in + in_draws(by_draw("loyalty_effect"), moves.loyal)[:, :, None])[..., None]
    frailer = (drawn_in - in_draws(by_draw("selection") * by_draw("waiting_effect"), moves.wait))[..., None]
    if not moves.dearer.any():
        return healthier, frailer
    sides = [side for side in (moves.dearer < 0, moves.dearer >= 0) if side.any()]  # the distinct ones are in order
    elasticity = by_draw("contribution_elasticity").tobytes()
    costly = np.concatenate([price_shifts(moves.dearer[side].tobytes(), moves.take_up[side].tobytes(), elasticity)
                             for side in sides])
    costly /= 1 - frail * (1 - frail_price)
    healthy_costly, frail_costly = costly[moves.where].T, (frail_price * costly)[moves.where].T
    healthy_costly += healthier
    frail_costly += frailer
    return healthy_costly, frail_costly


@lru_cache(maxsize=KEPT)
def price_shifts(dearer: bytes, take_up: bytes, elasticity: bytes) -> np.ndarray:
    """What `enrolment.price_shift` makes of changes and take-up (n,) in each draw, (n, d).

    From run to run most levers leave it as it is, so it is kept; arrays come as their bytes.
    """
    change, joined, of_draw = (np.frombuffer(of) for of in (dearer, take_up, elasticity))
    return enrolment.price_shift(change[:, None], joined[:, None], of_draw)


def in_draws(of_draw: np.ndarray, over: np.ndarray) -> np.ndarray:
    """What draws (d,) make of yearly levers (t, ...): (d, t, ...), the draws of a year side by side."""
    return np.multiply.outer(over.T, of_draw).T


def relative_price(book: Book, rules: list[Rules]) -> np.ndarray:
    """The part of a stay's expense that patients of each group bear at the usual mix of tiers, (t, g)."""
    mix = book.scenario.value("utilisation", "tier_mix", ("group", "tier"))
    return np.stack([np.einsum("gk,kg->g", mix, net_price(book, rule, book.base)[:, :len(mix)]) for rule in rules])
