"""How people respond to the difference of a year's rules from the base policy: where they go and how often."""

from __future__ import annotations

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


# What patients heed of each tier: assumptions of `behaviour`.
HEEDED = ("tier_sensitivity", "gatekeeping", "special_fund_pull", "contract_pull", "capability_pull")


def people_respond(book: Book, rules: list[Rules], futures: Futures, pool: Pool, absent: np.ndarray) -> list[Answer]:
    """Tier choice and demand for stays in every year under some rules; `absent` (d, t, k) share of a tier lost."""
    people = pool.people.mean(axis=0)
    value = lambda name: book.scenario.value("behaviour", name)  # noqa: E731
    central = np.array([value(name) for name in HEEDED])
    drawn = np.stack([futures.drawn[f"behaviour.{name}"] for name in HEEDED])
    lost = absent.any(axis=(0, 2))
    return [answer_in(book, rules[t], futures, t, people[t], absent[:, t] if lost[t] else None, central, drawn)
            for t in range(len(rules))]


def answer_in(book: Book, rules: Rules, futures: Futures, t: int, people: np.ndarray, absent: np.ndarray | None,
              central: np.ndarray, drawn: np.ndarray) -> Answer:
    """The same in year t; `people` (c,) insured in the mean, `absent` (d, k) if any is.

    How much patients heed each of `HEEDED` is `central` (j,) at the median and `drawn` (j, d).
    """
    scenario, policy = book.scenario, book.policies[t]
    cells, draws = len(people), drawn.shape[1]
    mix = np.resize(book.once(usual_mixes), (cells, len(scenario.axes.tier)))
    unchanged = policy is book.base and rules is book.rules[t] and not policy.care.special_fund_growth.value
    if unchanged and absent is None:
        return Answer(mix, np.zeros(draws), np.ones((draws, cells)), np.zeros((1, *mix.shape)))
    price, base = (net_price(book, rule, which)[:, :cells]
                   for rule, which in ((rules, policy), (book.base_rules[t], book.base)))
    base = before_contract(book, t, base)
    primary = scenario.marked("primary")
    # Where patients heed one alone, and that by 1, each (j, c, k); and where they heed all as at the median, (c, k).
    heed = np.column_stack([np.eye(len(HEEDED)), central])
    leans = leaning(book, t, heed, responses.dearer(price, base), primary)
    each, usually = leans[:-1], leans[-1]
    turned, usually_turned = np.zeros((1, mix.shape[1])), np.zeros((1, mix.shape[1]))  # away, in log odds (n, k)
    if absent is not None:
        turned = np.log1p(-absent * futures.drawn["providers.elsewhere"][:, None])
        usually_turned = np.log1p(-absent.mean(axis=0, keepdims=True)
                                  * float(scenario.value("providers", "elsewhere")))
    middle = usually + usually_turned
    chosen = responses.chosen(mix, middle)
    tilt = np.zeros(draws)
    if each.any() or absent is not None:  # a draw may heed what the median does not
        towards = lambda gain: responses.towards_primary(gain, chosen, primary, people)  # noqa: E731
        tilt = (drawn - central[:, None]).T @ towards(each)
        if absent is not None:
            tilt += towards(np.broadcast_to((turned - usually_turned)[:, None], (draws, *mix.shape)))
    demand = responses.demanded(mix, price, base, futures.drawn["behaviour.inpatient_elasticity"]
                                * float(book.of("responses", "demand")[t]))
    gain = usually_turned[:, None]
    if each[1:].any():
        gain = gain + np.tensordot(each[1:].T, drawn[1:], 1).T
    return Answer(chosen, tilt, demand, np.broadcast_to(gain, (len(gain), *mix.shape)))


def usual_mixes(book: Book) -> np.ndarray:
    """Shares of stays by tier before people respond, (g, k)."""
    return book.scenario.value("utilisation", "tier_mix", ("group", "tier"))


def leaning(book: Book, t: int, heed: np.ndarray, dearer: np.ndarray, primary: np.ndarray) -> np.ndarray:
    """Log odds by which each tier gains where `HEEDED` count for so much, (n, c, k), by `heed` (j, n).

    `dearer` (k, c) log change of net prices.
    """
    groups, cells = len(book.scenario.axes.group), dearer.shape[1]
    newly = np.append(np.zeros(groups), contracted_anew(book, t))[:cells]
    fund = (special_fund(book)[t] + SPECIAL_FUND) / (float(book.first("care", "special_fund")) + SPECIAL_FUND)
    required, capable = (book.change("care", name)[t] for name in ("referral_required", "capability"))
    on = float(book.of("responses", "tier_choice")[t])
    sensitivity, gatekeeping, funded, contracted, capability = heed
    to_all = gatekeeping * required + funded * np.log(fund)
    return responses.lean(on * sensitivity, dearer, on * (contracted[:, None] * newly + to_all[:, None]),
                          on * (capability * capable), primary, book.scenario.marked("away"),
                          np.zeros((1, len(primary))))


def before_contract(book: Book, t: int, base: np.ndarray) -> np.ndarray:
    """Prices of the base policy (k, c), for those contracted anew what they bore without a contract, in the mean of
    logs with what the others bore with one."""
    newly = contracted_anew(book, t)
    if base.shape[1] == len(newly):  # nobody has a contract
        return base
    without, under = np.split(base, 2, axis=1)
    return np.concatenate([without, under * np.exp(newly * responses.dearer(without, under))], axis=1)


def contracted_anew(book: Book, t: int) -> np.ndarray:
    """The part of each group's contracts that the base policy did not have, (g,)."""
    coverage, first = (of("contracts", "coverage", ("group",)) for of in (book.of, book.first))
    return np.clip(1 - first / np.maximum(coverage[t], 1e-9), 0.0, 1.0) * (coverage[t] > 0)
