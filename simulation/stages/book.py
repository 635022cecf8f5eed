"""The book of a county: its levers over the years, its base policy, its rules and what its care costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri

from simulation.engines import bills
from simulation.engines.histories import fingerprint
from simulation.policy import Policy
from simulation.records import Costs, Rules, Tail
from simulation.rules import ceiling_of, compile_rules
from simulation.scenario import Scenario
from simulation.trees import dense

BUSIER = 1.5  # stays in the busiest draw beside the median
Flows = dict[str, np.ndarray]  # yearly amounts and counts, (d, t, ...): they add up over counties


@dataclass(frozen=True)
class Book:
    """A county's levers over the years, its base policy and its benefit rules."""

    scenario: Scenario
    area: str | None
    base: Policy
    policies: list[Policy]
    rules: list[Rules]
    base_rules: list[Rules]  # of the base policy, in every year: a ceiling may follow income
    read: dict[tuple, Any] = field(default_factory=dict)  # what has been asked for

    def of(self, section: str, name: str, over: tuple[str, ...] = ()) -> np.ndarray:
        """One lever over the years, shape (t, *over). Read-only."""
        key = section, name, over
        if key not in self.read:
            made = {id(policy): lever_in(self.scenario, policy, section, name, over) for policy in {
                id(policy): policy for policy in self.policies}.values()}
            self.read[key] = np.array([made[id(policy)] for policy in self.policies])
            self.read[key].flags.writeable = False
        return self.read[key]

    def first(self, section: str, name: str, over: tuple[str, ...] = ()) -> np.ndarray:
        """One lever in the base policy, shape (*over). Read-only."""
        key = "first", section, name, over
        if key not in self.read:
            self.read[key] = lever_in(self.scenario, self.base, section, name, over)
            self.read[key].flags.writeable = False
        return self.read[key]

    def change(self, section: str, name: str, over: tuple[str, ...] = ()) -> np.ndarray:
        """How far one lever is from the base policy over the years, shape (t, *over)."""
        return self.of(section, name, over) - self.first(section, name, over)

    def once(self, make: Callable[..., Any], *given: Any) -> Any:
        """What a function makes of rules and policies, made once for each: years share them."""
        return self._once((make, *map(id, given)), given, lambda: make(self, *given))

    def costs(self, policy: Policy) -> Costs:
        """What bills cost under a policy: the same for policies that share the sections it follows from."""
        return self._once((costs_of, id(policy.benefits), id(policy.supervision)), policy,
                          lambda: costs_of(self, policy))

    def alike(self, rules: Rules) -> Rules:
        """The first rules asked about that differ from these in the ceiling alone, or not at all."""
        same = (id(part) for name, part in zip(rules._fields, rules, strict=True) if name != "ceiling")
        return self._once(("alike", id(rules)), rules, lambda: self.read.setdefault(("alike", *same), rules))

    def _once(self, key: tuple, given: Any, make: Callable[[], Any]) -> Any:
        """What is made once for a key of identities; `given` is kept with it, so that no other takes its place."""
        if key not in self.read:
            self.read[key] = make(), given
        return self.read[key][0]

    def share(self, name: str) -> float:
        """The county's part of something, of 1 for the whole city."""
        if self.area is None:
            return 1.0
        parts = self.scenario.value("areas", name, ("area",))
        return float(parts[list(self.scenario.axes.area).index(self.area)] / max(parts.sum(), 1e-12))

    def multiple(self, name: str) -> float:
        """The county's multiple of something of the city."""
        if self.area is None:
            return 1.0
        return float(self.scenario.value("areas", name, ("area",))[list(self.scenario.axes.area).index(self.area)])


def lever_in(scenario: Scenario, policy: Policy, section: str, name: str, over: tuple[str, ...]) -> np.ndarray:
    """A lever of one policy as an array over the named axes."""
    return dense(getattr(getattr(policy, section), name).value, over, scenario.axes.members())


def book_of(scenario: Scenario, area: str | None) -> Book:
    """A county's book; years of the same benefits share their rules, all but a ceiling that follows income."""
    def compiled(policy: Policy, year: int) -> Rules:
        """Everyone's rules: the commercial supplement pays for those who bought it."""
        found = compile_rules(scenario, policy, year)
        return found._replace(commercial_rate=found.commercial_rate * bought)

    bought = float(scenario.value("people", "commercial_share"))
    base = scenario.base_policy(area)
    policies = scenario.policies(area, base)
    made: dict[tuple[int, ...], Rules] = {}

    def in_year(policy: Policy, year: int) -> Rules:
        same = id(policy.benefits), id(policy.contracts)  # all that rules are compiled from
        if same not in made:
            made[same] = compiled(policy, year)
        if not policy.benefits.ceiling_multiple.value:
            return made[same]
        if (*same, year) not in made:
            made[*same, year] = made[same]._replace(ceiling=ceiling_of(scenario, policy, year))
        return made[*same, year]

    horizon = scenario.horizon()
    return Book(scenario, area, base, policies, [in_year(policy, year) for policy, year in zip(
        policies, horizon, strict=True)], [in_year(base, year) for year in horizon])


def costs_of(book: Book, policy: Policy) -> Costs:
    """How a scenario's bills are distributed under a policy, before providers respond."""
    scenario = book.scenario
    value = lambda name, over=(): scenario.value("utilisation", name, over)  # noqa: E731
    expense, mix = value("expense", ("tier",)), value("tier_mix", ("group", "tier")).mean(axis=0)
    growth = 1 + max(float(value("admission_growth")), 0.0)
    return Costs(
        expense=expense, log_sd=value("expense_log_sd", ("tier",)),
        chronic_expense=float(value("chronic_expense")), chronic_log_sd=float(value("chronic_log_sd")),
        eligible=scenario.eligible(policy), dispersion=float(value("dispersion")),
        referral=float(value("referral_share")), primary=scenario.marked("primary"),
        usual_mix=mix / mix.sum(), usual_expense=expense,
        busiest=float(value("admissions", ("group",)).max()) * growth ** (scenario.years - 1) * BUSIER,
        tail=Tail(float(ndtri(1 - value("tail_share"))), float(value("tail_spread"))))


def thresholds_of(scenario: Scenario) -> np.ndarray:
    """Out-of-pocket spending in yuan beyond which each year's is catastrophic, shape (t,)."""
    return float(scenario.value("account", "catastrophic_fraction")) * np.array(
        [scenario.income_per_head(year) for year in scenario.horizon()])


def net_price(book: Book, rules: Rules, policy: Policy) -> np.ndarray:
    """The part of a stay's expense that patients bear under some rules, costs being those of a policy, (k, c).

    Cells are the groups, followed by each group's contracted residents. Of a policy only what is eligible counts.
    Rules that differ in the ceiling alone are settled together.
    """
    costs = book.costs(policy)
    same = book.alike(rules)
    key = net_price, id(same), costs.eligible.tobytes()
    found = book.read.setdefault(key, {})
    if rules.ceiling not in found:
        every = {rule.ceiling: None for rule in (rules, *book.rules, *book.base_rules) if book.alike(rule) is same}
        ceilings = np.array(list(every))
        inputs = (*rules._replace(ceiling=ceilings), *costs)
        prices = bills.kept(fingerprint(inputs), lambda: bills.net_price(rules, ceilings, costs, rules.rate.shape[-1]))
        found |= dict(zip(every, prices, strict=True))
    return found[rules.ceiling]


class Pool(NamedTuple):
    """The insured by cell: the groups, followed by each group's contracted residents where there are any."""

    insured: np.ndarray  # (d, t, c, s) persons
    people: np.ndarray  # (d, t, c) persons
    risk: np.ndarray  # (d, t, c) of a stay beside the baseline's insured


def pool_of(book: Book, people: Flows, risk: np.ndarray) -> Pool:
    """The insured with the contracted set apart; `risk` (d, t, g)."""
    share = book.of("contracts", "coverage", ("group",))
    insured, by_group = people["insured"], people["insured_by_group"]
    if not share.any():
        return Pool(insured, by_group, risk)
    apart = lambda of, part: np.concatenate([of * (1 - part), of * part], axis=2)  # noqa: E731
    return Pool(apart(insured, share[:, :, None]), apart(by_group, share), np.concatenate([risk, risk], axis=2))
