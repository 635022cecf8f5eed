"""How people respond to the difference of a year's rules from the base policy: where they go and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulation.records import Futures, Rules
from simulation.stages.book import Book, Pool, net_price
from simulation.stages.financing import special_fund
from simulation.steps import responses

SPECIAL_FUND = 25.0  # yuan a head of basic public health funding, beside which a special fund counts (digest P2)


@dataclass(frozen=True)
class Answer:
    """How people of each cell respond in one year."""

    mix: np.ndarray  # (c, k) of stays, at the median draw
    tilt: np.ndarray  # (d,) log odds of primary care beside it
    demand: np.ndarray  # (d, c) stays beside the base policy
    gain: np.ndarray  # (n, c, k) log odds by which tiers gain whatever the price, for n draws or one


def people_respond(book: Book, rules: list[Rules], futures: Futures, pool: Pool, absent: np.ndarray) -> list[Answer]:
    """Tier choice and demand for stays in every year under some rules; `absent` (d, t, k) share of a tier lost."""
    people = pool.insured.sum(axis=3).mean(axis=0)
    return [answer_in(book, rules[t], futures, t, people[t], absent[:, t]) for t in range(len(rules))]


def answer_in(book: Book, rules: Rules, futures: Futures, t: int, people: np.ndarray, absent: np.ndarray) -> Answer:
    """The same in year t; `people` (c,) insured in the mean, `absent` (d, k)."""
    scenario, policy = book.scenario, book.policies[t]
    groups, cells = len(scenario.axes.group), len(people)
    mix = np.resize(scenario.value("utilisation", "tier_mix", ("group", "tier")), (cells, len(scenario.axes.tier)))
    draws = len(futures.opening)
    unchanged = policy is book.base and rules is book.rules[t] and not policy.care.special_fund_growth.value
    if unchanged and not absent.any():
        return Answer(mix, np.zeros(draws), np.ones((draws, cells)), np.zeros((1, cells, mix.shape[1])))
    price, base = (book.once(net_price, rule, which)[:, :cells]
                   for rule, which in ((rules, policy), (book.base_rules[t], book.base)))
    change = responses.dearer(price, base)

    step = lambda section, name: book.change(section, name)[t]  # noqa: E731
    newly = contracted_anew(book, t)
    newly = np.append(np.zeros(groups), newly)[:cells]
    fund = special_fund(book)[t] + SPECIAL_FUND
    fund = np.log(fund / (float(book.first("care", "special_fund")) + SPECIAL_FUND))

    def pulls(of: Callable[[str], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """To primary care (n, c) and to the county (n,), in log odds."""
        to_all = of("gatekeeping") * step("care", "referral_required") + of("special_fund_pull") * fund
        to_primary = of("contract_pull")[:, None] * newly + to_all[:, None]
        return to_primary, of("capability_pull") * step("care", "capability")

    on = float(book.of("responses", "tier_choice")[t])
    central = lambda name: scenario.value("behaviour", name).reshape(1)  # noqa: E731
    drawn = lambda name: futures.drawn[f"behaviour.{name}"]  # noqa: E731
    primary, away = scenario.marked("primary"), scenario.marked("away")
    elsewhere = futures.drawn["providers.elsewhere"][:, None]
    usual_loss = absent.mean(axis=0, keepdims=True) * float(scenario.value("providers", "elsewhere"))

    def gains(of: Callable[[str], np.ndarray], lost: np.ndarray, prices: np.ndarray) -> np.ndarray:
        to_primary, to_county = pulls(of)
        return responses.lean(on * of("tier_sensitivity"), prices, on * to_primary, on * to_county, primary, away, lost)

    middle = gains(central, usual_loss, change)
    chosen = responses.chosen(mix, middle[0])
    tilt = np.zeros(draws)
    if on and (middle.any() or absent.any()):
        tilt = responses.towards_primary(gains(drawn, absent * elsewhere, change) - middle, chosen, primary, people)
    demand = responses.demanded(mix, price, base, drawn("inpatient_elasticity")
                                * float(book.of("responses", "demand")[t]))
    return Answer(chosen, tilt, demand, gains(drawn, usual_loss, np.zeros_like(change)))


def contracted_anew(book: Book, t: int) -> np.ndarray:
    """The part of each group's contracts that the base policy did not have, (g,)."""
    coverage, first = (of("contracts", "coverage", ("group",)) for of in (book.of, book.first))
    return np.clip(1 - first / np.maximum(coverage[t], 1e-9), 0.0, 1.0) * (coverage[t] > 0)
