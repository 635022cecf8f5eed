"""Ordinary outpatient care and the family accounts that pay for part of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np

from simulation.engines import bills
from simulation.records import DRAWS, Costs, Futures, Rules
from simulation.stages.book import Book, Flows, Pool
from simulation.stages.care import Use, by_group
from simulation.stages.choice import Answer, before_contract, contracted_anew
from simulation.steps import enrolment, financing, responses


def visits_are_paid(book: Book, rules: list[Rules], use: Use, futures: Futures, pool: Pool, answers: list[Answer],
                    seed: int) -> Flows:
    """Ordinary outpatient care: what it costs the fund and patients, by tier; nothing where none is pooled."""
    scenario = book.scenario
    draws, years, cells = pool.people.shape
    tiers = len(scenario.axes.tier)
    names = ("outpatient_paid", "outpatient_expense", "outpatient_eligible", "visits_by_tier")
    if not scenario.has("outpatient"):
        flows = {name: np.zeros((draws, years, tiers), order=DRAWS) for name in names}
        nothing = by_group(book, np.zeros((draws, years, cells), order=DRAWS))
        return flows | {"outpatient_users": np.zeros((draws, years), order=DRAWS),
                        "outpatient_left_by_group": nothing, "outpatient_waiting_by_group": nothing}
    value = lambda name, over=(): scenario.value("utilisation", name, over)  # noqa: E731
    drawn = lambda name: futures.drawn[f"utilisation.{name}"]  # noqa: E731
    share = np.resize(value("outpatient_users", ("group",)), cells)[:, None] * drawn("outpatient_users")
    users = pool.people.T * np.minimum(share, 1.0)[:, None]
    mix = np.resize(value("outpatient_mix", ("group", "tier")), (cells, tiers))
    covered = np.stack([care.covered for care in use.care]).T
    now, base = prices_of_visits(book, rules, cells)
    usual = np.stack([responses.usual_mix(mix, of) for of in pool.people.mean(axis=0)])
    price = use.price * responses.doubted((usual * use.dearer_visits).sum(axis=1),
                                          futures.drawn["providers.cost_response"])
    contributed = enrolment.contribution_years(float(scenario.value("people", "new_share")), years)
    used = bills.outpatient_years(rules, bills.Visits(
        users, covered, volume(book, futures, pool, mix, now, base), price.T * drawn("outpatient_expense"),
        mixes_of(book, futures, answers, mix, now, base), use.more_visits,
        value("outpatient_expense", ("tier",)) * (1 + use.dearer_visits), float(value("outpatient_log_sd")),
        np.stack([costs.eligible[bills.OUTPATIENT] for costs in use.costs]), contributed @ np.arange(years)),
        seed, futures.chance)
    return dict(zip(names, used, strict=False)) | {
        "outpatient_users": reduce(np.add, users * covered[:, :, None]).T,
        "outpatient_left_by_group": by_group(book, used.left_by_cell),
        "outpatient_waiting_by_group": by_group(book, used.waiting_by_cell)}


def prices_of_visits(book: Book, rules: list[Rules], cells: int) -> tuple[np.ndarray, np.ndarray]:
    """What users bear of their yearly outpatient expense in each year, and would in the base policy, (t, k, c)."""
    years = (rules, book.policies), (book.base_rules, [book.base] * len(rules))
    now, base = (np.stack([book.once(visit_price, book.alike(rule), book.costs(policy))[:, :cells]
                           for rule, policy in zip(*of, strict=True)]) for of in years)
    return now, np.stack([before_contract(book, t, price) for t, price in enumerate(base)])


def volume(book: Book, futures: Futures, pool: Pool, mix: np.ndarray, now: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Visits of each user, (c, t, d), after he has responded to prices `now` beside the `base` (t, k, c), and before
    providers do; `mix` (c, k) of the base policy.
    """
    scenario, groups = book.scenario, len(book.scenario.axes.group)
    drawn = lambda name: futures.drawn[f"behaviour.{name}"]  # noqa: E731
    on = book.of("responses", "demand")
    usual = np.resize(scenario.value("utilisation", "outpatient_visits", ("group",)), len(mix))
    visits = futures.visits.T * pool.risk.T
    visits *= usual[:, None, None]
    if (now != base).any():
        for t, strength in enumerate(on):
            visits[:, t] *= responses.demanded(mix, now[t], base[t], strength * drawn("outpatient_elasticity")).T
    if len(mix) > groups:
        newly = on * np.stack([contracted_anew(book, t) for t in range(len(on))]).T  # (g, t)
        usual_weeks, weeks = (of("contracts", "prescription_weeks") for of in (book.first, book.of))
        fewer = float(scenario.value("behaviour", "refill_share")) * (4 / weeks - 4 / float(usual_weeks))
        more = 1 + fewer[:, None] + newly[:, :, None] * drawn("contract_visits")
        visits[groups:] *= np.maximum(more, responses.LEAST)
    # Capable counties see more patients.
    capable = on * book.change("care", "capability")
    if capable.any():
        visits *= np.maximum(1 + capable[:, None] * drawn("capability_visits"), responses.LEAST)
    return visits


def mixes_of(book: Book, futures: Futures, answers: list[Answer], mix: np.ndarray, now: np.ndarray,
             base: np.ndarray) -> Callable[[slice, slice], np.ndarray]:
    """Shares of visits by tier (c, k, t, d) of some years and draws, or (c, k, t, 1) where draws have them in common,
    from those of the base policy (c, k)."""
    felt = book.of("responses", "tier_choice")[:, None, None] * responses.dearer(now, base)  # (t, k, c)
    sensitivity = futures.drawn["behaviour.tier_sensitivity"]
    usual = mix[:, :, None, None]

    def mixes(years: slice, part: slice) -> np.ndarray:
        """Those of some years and draws."""
        gains = [answer.gain[part if len(answer.gain) > 1 else slice(None)].transpose(1, 2, 0)
                 for answer in answers[years]]
        many = max(gain.shape[-1] for gain in gains)
        gain = np.stack([np.broadcast_to(gain, (*mix.shape, many)) for gain in gains], axis=2)
        if felt[years].any():
            gain = gain - felt[years].T[..., None] * sensitivity[part]  # (c, k, t, d)
        weight = np.exp(gain, out=gain)
        weight *= usual
        weight /= np.add.reduce(weight, axis=1)[:, None]
        return weight

    return mixes


def visit_price(book: Book, rules: Rules, costs: Costs) -> np.ndarray:
    """The part of a user's yearly outpatient expense that he bears, (k, c); cells as in `net_price`.

    Ordinary outpatient care does not count towards the ceiling: rules that differ in it alone have one price.
    """
    value = lambda name, over=(): book.scenario.value("utilisation", name, over)  # noqa: E731
    usual = float(np.resize(value("outpatient_visits", ("group",)), rules.rate.shape[-1]).mean())
    return bills.outpatient_price(
        rules, value("outpatient_expense", ("tier",)), usual, float(value("outpatient_log_sd")),
        costs.eligible[bills.OUTPATIENT], rules.rate.shape[-1])


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
    # Accounts pay as cover does: not for those who wait.
    waiting = flows["waiting_by_group"] + flows["outpatient_waiting_by_group"]
    of_group = flows["out_of_pocket_by_group"] + flows["outpatient_left_by_group"] + waiting
    return {"out_of_pocket": of_group.sum(axis=2) - used, "out_of_pocket_by_group": of_group,
            "waiting_expense": waiting.sum(axis=2), "account_paid": used,
            "account_leaked": leaked, "account_stranded": stranded, "account_balance": balance}
