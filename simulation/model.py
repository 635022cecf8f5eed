"""The model, read top to bottom: a scenario becomes futures, a year at a time, and an account.

A year is: people change; people enrol; the year is financed; people and providers respond to the rules; care is
used; bills are settled; providers are paid and supervised; counties pool; the fund closes. Only this file knows
that order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simulation import demography
from simulation.engines import bills, histories, individual
from simulation.policy import Policy
from simulation.records import Conditions, Costs, Futures, Rules, Spending
from simulation.results import Result, pack
from simulation.scenario import Scenario, compile_rules, load_scenario
from simulation.steps import (
    enrolment,
    financing,
    fund,
    payment,
    pooling,
    population,
    responses,
    supervision,
    utilisation,
)
from simulation.streams import normals
from simulation.terms import refuse, words
from simulation.trees import dense

SMALL_POOL = 20_000  # insured people below which chance between people matters enough for the exact engine
ENGINES = ("auto", "table", "exact")
MAX_DRAWS = 131_072
BUSIER = 1.5  # stays in the busiest draw beside the median
SPECIAL_FUND = 25.0  # yuan a head of basic public health funding, beside which a special fund counts (digest P2)
Flows = dict[str, np.ndarray]  # yearly amounts and counts, (d, t, ...): they add up over counties


def simulate(scenario: Scenario | str, draws: int = 1024, seed: int = 20080101, engine: str = "auto",
             spend: Callable[..., Spending] | None = None) -> Result:
    """The fund's account in every draw and year of a scenario.

    `engine` is `table` (tens of milliseconds, any size), `exact` (every admission) or `auto` (exact for
    pools under 20,000 insured). The same scenario, draws, seed and engine give the same numbers. A
    function of the engines' arguments given as `spend` stands in for them; benchmarks bring their own.

    >>> result = simulate("benxi_2008", draws=64)
    >>> result.data.sizes["draw"], result.data.sizes["year"]
    (64, 10)
    """
    scenario = load_scenario(scenario) if not isinstance(scenario, Scenario) else scenario
    check_run(draws, seed, engine)
    text = scenario.model_copy(update={"changes": ()}).text()
    areas = tuple(scenario.axes.area) if len(scenario.axes.area) > 1 else (None,)
    books = [book_of(scenario, area) for area in areas]
    futures = [futures_of(text, draws, seed, area) for area in areas]

    enrolled = [people_enrol(book, future) for book, future in zip(books, futures, strict=True)]
    if engine == "auto":
        least = min(people["enrolled"][:, 0].mean() for people, _ in enrolled)
        engine = "exact" if least < SMALL_POOL else "table"
    spend = spend or {"table": histories.spend, "exact": individual.spend}[engine]

    flows, after_deficit = [], []
    for n, (book, future, (people, risk)) in enumerate(zip(books, futures, enrolled, strict=True)):
        money = year_is_financed(book, people)
        treat = lambda rules: bills_are_paid(  # noqa: E731
            book, rules, future, people, risk, spend, seed + 7919 * n)  # noqa: B023 - called at once
        flows.append(people | money | treat(book.rules))
        cut = book.of("lines", "deficit_cut")
        after_deficit.append(flows[-1] | treat([
            rules._replace(rate=np.maximum(rules.rate - points, 0.0))
            for rules, points in zip(book.rules, cut, strict=True)]) if cut.any() else flows[-1])
    closed = fund_closes(books, futures, flows, after_deficit)
    return pack(scenario, draws, seed, engine, areas, closed, {
        name: books[0].of("lines", name) for name in ("surplus_ratio", "balance_ratio", "reserve_months")})


@dataclass(frozen=True)
class Book:
    """A county's levers over the years, its base policy and its benefit rules."""

    scenario: Scenario
    area: str | None
    base: Policy
    policies: list[Policy]
    rules: list[Rules]
    base_rules: Rules

    def of(self, section: str, name: str, over: tuple[str, ...] = ()) -> np.ndarray:
        """One lever over the years, shape (t, *over)."""
        return np.stack([lever_in(self.scenario, policy, section, name, over) for policy in self.policies])

    def first(self, section: str, name: str, over: tuple[str, ...] = ()) -> np.ndarray:
        """One lever in the base policy, shape (*over)."""
        return lever_in(self.scenario, self.base, section, name, over)

    def change(self, section: str, name: str, over: tuple[str, ...] = ()) -> np.ndarray:
        """How far one lever is from the base policy over the years, shape (t, *over)."""
        return self.of(section, name, over) - self.first(section, name, over)

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
    """A county's book; years of one policy share one set of rules, unless the ceiling follows income."""
    def compiled(policy: Policy, year: int | None = None) -> Rules:
        """Everyone's rules: the commercial supplement pays for those who bought it."""
        found = compile_rules(scenario, policy, year)
        return found._replace(commercial_rate=found.commercial_rate * bought)

    bought = float(scenario.value("people", "commercial_share"))
    base = scenario.base_policy(area)
    policies = scenario.policies(area, base)
    made: dict[tuple, Rules] = {}
    rules = []
    for policy, year in zip(policies, scenario.horizon(), strict=True):
        key = (id(policy), year if policy.benefits.ceiling_multiple.value else None)
        rules.append(made.get(key) or made.setdefault(key, compiled(policy, year)))
    return Book(scenario, area, base, policies, rules, compiled(base))


@lru_cache(maxsize=32)
def futures_of(text: str, draws: int, seed: int, area: str | None) -> Futures:
    """The futures of a scenario, by its text without any change: no lever moves them, so they are kept."""
    scenario = Scenario.model_validate_json(text)
    futures = utilisation.futures(scenario, draws, seed, area)
    groups, years = len(scenario.axes.group), scenario.years
    if not scenario.axes.ages:
        return futures._replace(residents=np.ones((1, years, groups)), ageing=np.ones((years, groups)))
    bands = tuple((low, min(high, 100)) for low, high in scenario.axes.ages.values())
    return futures._replace(
        residents=demography.age_index(bands, scenario.first_year, years, futures.drawn["people.fertility"]),
        ageing=demography.age_within(bands, demography.admission_profile(), scenario.first_year, years))


def people_enrol(book: Book, futures: Futures) -> tuple[Flows, np.ndarray]:
    """People change and enrol: persons by group and status, and the insured's risk beside the baseline's (d, t, g)."""
    scenario, drawn = book.scenario, futures.drawn
    value = lambda name, over=(): scenario.value("people", name, over)  # noqa: E731
    groups = ("group", "status")
    residents = futures.residents[..., None] * book.share("people") * population.residents(
        value("residents", groups), value("population_growth", ("group",)), scenario.years)

    # Take-up responds to the contribution beside income, to benefits, awareness, rewards and waiting.
    take_up, frail, risk = value("take_up", groups), float(value("frail_share")), float(value("frail_risk"))
    price = relative_price(book, book.rules) - relative_price(book, [book.base_rules])
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
        drawn_in + costly + reward, drawn_in + frail_price * costly - waiting)
    found = float(value("duplicate_share")) * book.change("enrolment", "deduplication")
    insured = insured * (1 - found)[:, None, None]
    coverage = book.of("contracts", "coverage", ("group",))
    by_group = insured.sum(axis=3)
    return {
        "insured": insured, "residents": np.broadcast_to(residents, insured.shape).sum(axis=(2, 3)),
        "enrolled": by_group.sum(axis=2), "insured_by_group": by_group, "contracted": (by_group * coverage).sum(axis=2),
    }, 1 + responds[:, :, 0] * (relative_risk - 1)


def contributions(book: Book, name: str) -> np.ndarray:
    """The contribution or the subsidy of every year with its yearly rise, (t, g, s) in yuan."""
    return financing.rising(book.of("financing", name, ("group", "status")), book.of("financing", f"{name}_step"),
                            book.scenario.years_since_set(f"financing.{name}"))


def relative_price(book: Book, rules: list[Rules]) -> np.ndarray:
    """The part of a stay's expense that patients of each group bear at the usual mix of tiers, (t, g)."""
    mix = book.scenario.value("utilisation", "tier_mix", ("group", "tier"))
    costs = costs_of(book.scenario, book.base)
    made = {id(rule): np.einsum("gk,kg->g", mix, bills.net_price(rule, costs, len(mix), 0.0, 1.0)) for rule in rules}
    return np.stack([made[id(rule)] for rule in rules])


def year_is_financed(book: Book, people: Flows) -> Flows:
    """Contributions, subsidies by level of government, family accounts and contract fees, in yuan."""
    scenario, insured = book.scenario, people["insured"]
    lever = lambda name, over=(): book.of("financing", name, over)  # noqa: E731
    contribution, subsidy = contributions(book, "contribution"), contributions(book, "subsidy")
    due = financing.subsidy_by_level(
        insured, subsidy, lever("subsidy_weights", ("level",)), lever("city_school_weights", ("level",)),
        scenario.value("people", "city_school_share", ("group",)))
    received = financing.received(due, lever("subsidy_late", ("level",)), lever("subsidy_missing", ("level",)))
    fee = book.of("contracts", "fee") * people["contracted"]
    weights = book.of("contracts", "fee_weights", ("payer",))
    enrolled = people["enrolled"]
    return {
        "individual_income": financing.individual_income(
            insured, contribution, subsidy, float(scenario.value("people", "returner_share")),
            book.of("enrolment", "arrears_share")),
        "subsidy_by_level": received, "account_in": lever("account") * enrolled,
        "premium": lever("premium") * enrolled, "contract_fee": fee,
        "contract_fee_by_payer": fee[:, :, None] * payment.shares_of(weights.T).T,
        "other_income": np.full_like(enrolled, float(scenario.value("account", "other_income")) * book.share("people")),
        "special_fund": special_fund(book) * people["residents"],
    }


def special_fund(book: Book) -> np.ndarray:
    """Government money for primary care outside the fund, (t,) yuan a head."""
    growth = book.of("care", "special_fund_growth")
    return book.of("care", "special_fund") * np.cumprod(1 + np.append(0.0, growth[1:]))


def bills_are_paid(book: Book, rules: list[Rules], futures: Futures, people: Flows, risk: np.ndarray,
                   spend: Callable[..., Spending], seed: int) -> Flows:
    """People and providers respond, care is used, bills are settled and providers paid and supervised."""
    scenario = book.scenario
    years, groups = scenario.years, len(scenario.axes.group)
    coverage = book.of("contracts", "coverage", ("group",))
    insured = people["insured"]
    if coverage.any():  # the contracted are cells of their own
        share = coverage[:, :, None]
        insured = np.concatenate([insured * (1 - share), insured * share], axis=2)
        risk = np.concatenate([risk, risk], axis=2)
    cells = insured.shape[2]
    found, again, absent = supervised(book, len(insured), seed)

    # How people and providers respond to the difference from the base policy.
    weights = np.stack([payment.shares_of(way) for way in book.of("payment", "method", ("method", "kind", "tier"))])
    base_shares = payment.shares_of(book.first("payment", "method", ("method", "kind", "tier")))
    providers_respond = book.of("responses", "providers")
    new_share = float(scenario.value("people", "new_share"))
    contributed = enrolment.contribution_years(new_share, years)
    waiting = book.of("enrolment", "waiting_months", ("group",))
    volume = scenario.value("providers", "volume_response", ("method",))
    cost = scenario.value("providers", "cost_response", ("method",))
    uncertain_cost = futures.drawn["providers.cost_response"]
    care, costs, moved = [], [], []
    frequency, tilt = np.empty((*insured.shape[:2], cells)), np.zeros(insured.shape[:2])
    price = futures.price * book.multiple("expense")
    for t in range(years):
        answer = answers_in(book, rules[t], futures, t, cells, absent[:, t])
        moved.append(answer)
        more = providers_respond[t] * responses.by_payment(weights[t][:, 0], base_shares[:, 0], volume)
        dearer = providers_respond[t] * responses.by_payment(weights[t][:, 0], base_shares[:, 0], cost)
        usual = answer.mix.mean(axis=0)
        year = costs_of(scenario, book.policies[t])
        costs.append(year._replace(expense=year.expense * (1 + dearer)))
        price[:, t] *= (1 + usual @ dearer * uncertain_cost) / (1 + usual @ dearer)
        care.append(utilisation.care_in(scenario, t, enrolment.covered_share(new_share, waiting[t]), contributed[t],
                                        futures.ageing[t], answer.mix))
        frequency[:, t] = (futures.frequency[:, t, None] * answer.demand * risk[:, t] * (1 + usual @ more)
                           * book.multiple("admissions"))
        tilt[:, t] = answer.tilt
    conditions = Conditions(price, frequency, futures.chronic, tilt, futures.noise)
    thresholds = thresholds_of(scenario)
    spending = spend(rules, care, costs, insured, thresholds, conditions, seed)

    flows: Flows = spending._asdict()
    by_group = lambda x: x.reshape(*x.shape[:2], -1, groups).sum(axis=2)  # noqa: E731
    flows["out_of_pocket_by_group"] = by_group(flows["expense_by_cell"] - flows.pop("paid_by_cell"))
    flows["catastrophic_by_group"] = by_group(flows.pop("catastrophic_by_cell"))
    flows["expense_by_group"] = by_group(flows.pop("expense_by_cell"))
    flows |= visits_are_paid(book, rules, costs, futures, insured, risk, price, moved, by_group, seed)
    flows |= accounts_are_used(book, people, flows)
    flows["out_of_pocket"] = flows["out_of_pocket_by_group"].sum(axis=2) - flows["account_paid"]
    eligible = np.stack([cost.eligible for cost in costs])
    flows["eligible_by_tier"] = flows["expense_by_tier"] * eligible[:, 0]
    flows["chronic_eligible"] = flows["chronic_expense"] * eligible[:, 1, 0]
    return flows | providers_are_paid(book, people, flows, weights, found, again, absent)


@dataclass(frozen=True)
class Answer:
    """How people of each cell respond in one year."""

    mix: np.ndarray  # (c, k) of stays, at the median draw
    tilt: np.ndarray  # (d,) log odds of primary care beside it
    demand: np.ndarray  # (d, c) stays beside the base policy
    gain: np.ndarray  # (n, c, k) log odds by which tiers gain whatever the price, for n draws or one


def answers_in(book: Book, rules: Rules, futures: Futures, t: int, cells: int, absent: np.ndarray) -> Answer:
    """Tier choice and demand for stays in year t under some rules; `absent` (d, k) share of a tier's year lost."""
    scenario, policy = book.scenario, book.policies[t]
    groups = len(scenario.axes.group)
    mix = np.resize(scenario.value("utilisation", "tier_mix", ("group", "tier")), (cells, len(scenario.axes.tier)))
    draws = len(futures.opening)
    unchanged = policy is book.base and rules is book.rules[t] and not policy.care.special_fund_growth.value
    if unchanged and not absent.any():
        return Answer(mix, np.zeros(draws), np.ones((draws, cells)), np.zeros((1, cells, mix.shape[1])))
    price, base = (bills.net_price(rule, costs_of(scenario, which), cells, 0.0, 1.0)
                   for rule, which in ((rules, policy), (book.base_rules, book.base)))
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
    elsewhere = float(scenario.value("providers", "elsewhere"))
    usual_loss = absent.mean(axis=0, keepdims=True) * elsewhere

    def gains(of: Callable[[str], np.ndarray], lost: np.ndarray, prices: np.ndarray) -> np.ndarray:
        to_primary, to_county = pulls(of)
        return responses.lean(on * of("tier_sensitivity"), prices, on * to_primary, on * to_county, primary, away, lost)

    middle = gains(central, usual_loss, change)
    chosen = responses.chosen(mix, middle[0])
    tilt = np.zeros(draws)
    if on and (middle.any() or absent.any()):
        tilt = responses.towards_primary(gains(drawn, absent * elsewhere, change) - middle, chosen, primary)
    demand = responses.demanded(mix, price, base, drawn("inpatient_elasticity")
                                * float(book.of("responses", "demand")[t]))
    return Answer(chosen, tilt, demand, gains(drawn, usual_loss, np.zeros_like(change)))


def contracted_anew(book: Book, t: int) -> np.ndarray:
    """The part of each group's contracts that the base policy did not have, (g,)."""
    coverage = book.of("contracts", "coverage", ("group",))[t]
    return np.clip(1 - book.first("contracts", "coverage", ("group",)) / np.maximum(coverage, 1e-9), 0.0, 1.0)


def visits_are_paid(book: Book, rules: list[Rules], costs: list[Costs], futures: Futures, insured: np.ndarray,
                    risk: np.ndarray, price: np.ndarray, moved: list[Answer], by_group: Callable, seed: int) -> Flows:
    """Ordinary outpatient care: what it costs the fund and patients, by tier; nothing where none is pooled."""
    scenario = book.scenario
    draws, years, cells, _ = insured.shape
    tiers = len(scenario.axes.tier)
    names = ("outpatient_paid", "outpatient_expense", "outpatient_eligible", "visits_by_tier")
    flows = {name: np.zeros((draws, years, tiers)) for name in names}
    flows["outpatient_users"] = np.zeros((draws, years))
    left = np.zeros((draws, years, cells))
    if not scenario.has("outpatient"):
        return flows | {"outpatient_left_by_group": by_group(left)}
    value = lambda name, over=(): scenario.value("utilisation", name, over)  # noqa: E731
    of_cell = lambda name: np.resize(value(name, ("group",)), cells)  # noqa: E731
    mix = np.resize(value("outpatient_mix", ("group", "tier")), (cells, tiers))
    visit, log_sd = value("outpatient_expense", ("tier",)), float(value("outpatient_log_sd"))
    visits, users = of_cell("outpatient_visits"), of_cell("outpatient_users")
    people = insured.sum(axis=3)
    usual = float(visits.mean())
    priced = lambda rule, cost: bills.outpatient_price(  # noqa: E731
        rule, visit, usual, log_sd, cost.eligible[bills.OUTPATIENT], cells, 0.0, 1.0)
    base = priced(book.base_rules, costs_of(scenario, book.base))
    elasticity = futures.drawn["behaviour.outpatient_elasticity"]
    contract_visits = futures.drawn["behaviour.contract_visits"]
    contributed = enrolment.contribution_years(float(scenario.value("people", "new_share")), years)
    weeks = book.of("contracts", "prescription_weeks")
    refills = float(scenario.value("behaviour", "refill_share"))
    for t in range(years):
        eligible = costs[t].eligible[bills.OUTPATIENT]
        now = priced(rules[t], costs[t])
        on, choice = (float(book.of("responses", name)[t]) for name in ("demand", "tier_choice"))
        demand = responses.demanded(mix, now, base, on * elasticity)
        more = np.ones((draws, cells))
        if cells > len(scenario.axes.group):
            newly = contracted_anew(book, t)
            fewer = refills * (4 / weeks[t] - 4 / float(book.first("contracts", "prescription_weeks")))
            more[:, -len(newly):] += newly * on * contract_visits[:, None] + fewer
        volume = futures.visits[:, t, None] * demand * more * risk[:, t] * visits
        gain = moved[t].gain - choice * futures.drawn["behaviour.tier_sensitivity"][:, None, None] * responses.dearer(
            now, base).T
        used = bills.outpatient_year(
            rules[t], visit, log_sd, eligible, float(contributed[t] @ np.arange(years)), people[:, t] * users,
            volume, responses.chosen(mix, gain), price[:, t], seed, f"outpatient {t}")
        for name, amount in zip(names, used[:4], strict=True):
            flows[name][:, t] = amount
        left[:, t] = used.left_by_cell
        flows["outpatient_users"][:, t] = people[:, t] @ users
    return flows | {"outpatient_left_by_group": by_group(left)}


def accounts_are_used(book: Book, people: Flows, flows: Flows) -> Flows:
    """Family accounts pay what outpatient care leaves to their owners, as far as each owner's balance goes."""
    scenario = book.scenario
    value = lambda name: float(scenario.value("account", name))  # noqa: E731
    users, left = flows["outpatient_users"], flows["outpatient_left_by_group"].sum(axis=2)
    enrolled = people["enrolled"]

    def wanted(t: int, balance: np.ndarray) -> np.ndarray:
        each = bills.limited(left[:, t] / np.maximum(users[:, t], 1e-9),
                             float(scenario.value("utilisation", "outpatient_log_sd")),
                             balance / np.maximum(enrolled[:, t], 1e-9))
        return np.minimum(users[:, t] * each, balance)

    used, leaked, stranded, balance = financing.accounts(
        book.of("financing", "account") * enrolled, wanted, value("family_opening") * enrolled[:, 0],
        value("family_leakage"), value("family_stranded"))
    return {"account_paid": used, "account_leaked": leaked, "account_stranded": stranded, "account_balance": balance}


def supervised(book: Book, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Providers suspended (d, t, k), the chance of a second time (t, k), and the part of the year lost (d, t, k)."""
    scenario = book.scenario
    lever = lambda name: book.of("supervision", name)  # noqa: E731
    sampled, months = lever("sample_share"), lever("suspension_months")
    tiers = len(scenario.axes.tier)
    if not (sampled * months).any():
        return np.zeros((draws, scenario.years, tiers)), np.zeros((scenario.years, tiers)), np.zeros(
            (draws, scenario.years, tiers))
    wrong = scenario.value("providers", "noncompliant", ("tier",))
    spread = float(scenario.value("providers", "noncompliant_spread"))
    providers = scenario.value("providers", "providers", ("tier",))
    again = np.stack([share * supervision.above(wrong, spread, float(limit)) * (length > 0)
                      for share, limit, length in zip(sampled, lever("suspension_threshold"), months, strict=True)])
    z = normals((draws, scenario.years, tiers), seed, "audit")
    found = np.stack([supervision.suspended(again[t], providers, z[:, t]) for t in range(scenario.years)], axis=1)
    return found, again, supervision.absent(found, again, months)


def providers_are_paid(book: Book, people: Flows, flows: Flows, weights: np.ndarray, found: np.ndarray,
                       again: np.ndarray, absent: np.ndarray) -> Flows:
    """What the fund pays providers for the care it owes patients, less what supervision saves, in yuan."""
    scenario, years = book.scenario, book.scenario.years
    use = scenario.assumptions.utilisation
    primary = scenario.marked("primary")
    kinds = len(scenario.axes.kind)
    draws, _, tiers = flows["paid_by_tier"].shape
    due, cases = np.zeros((2, draws, years, kinds, tiers))
    due[:, :, 0], cases[:, :, 0] = flows["paid_by_tier"], flows["stays_by_tier"]
    due[:, :, 1, 0], cases[:, :, 1, 0] = flows["chronic"], people["enrolled"]
    if kinds > 2:
        due[:, :, 2], cases[:, :, 2] = flows["outpatient_paid"], flows["visits_by_tier"]
    growth = lambda given: np.log1p(float(given.value))  # noqa: E731
    cost, more = growth(use.cost_growth), [growth(use.admission_growth), 0.0, growth(use.outpatient_growth)][:kinds]
    lever = lambda name: book.of("payment", name)  # noqa: E731
    level, up, keep, over, same = (lever(name) for name in (
        "level", "growth", "retention", "overspend_share", "same_payment_share"))
    met = float(scenario.value("providers", "quality_met"))
    quality = 1 + (lever("quality_coefficient") - 1) * met
    paid, ways = np.empty_like(due), np.empty((draws, years, len(payment.METHODS)))
    for t in range(years):
        volume = np.exp(t * np.array(more))
        terms = payment.Terms(weights[t], level[t] * (1 + up[t]) ** t, keep[t], over[t], same[t], quality[t])
        paid[:, t], ways[:, t] = payment.paid(due[:, t], cases[:, t], people["enrolled"][:, t],
                                              np.exp(t * cost) * volume, volume, primary, terms)

    # Supervision recovers what sampled providers billed against the rules, and review what machines find.
    wrong = scenario.value("providers", "noncompliant", ("tier",))
    by_tier = paid.sum(axis=2)
    recovered = (by_tier * wrong).sum(axis=2) * book.of("supervision", "sample_share")
    value = lambda name: float(scenario.value("providers", name))  # noqa: E731
    coverage = book.of("supervision", "review_coverage")
    since = np.arange(years) - (int(np.argmax(coverage > 0)) if coverage.any() else years)
    months = value("learning_months")
    problem = supervision.learnt(since, value("problem_start"), value("problem_end"), months)
    deducted = coverage * supervision.learnt(since, value("deducted_start"), value("deducted_end"), months)
    avoided = coverage * (value("deducted_start") + value("problem_saving") * (value("problem_start") - problem))
    whole = by_tier.sum(axis=2)
    margin = (by_tier - due.sum(axis=2) + (flows["expense_by_tier"] + flows["outpatient_expense"])
              * (1 - value("cost_share")))
    margin[:, :, 0] += flows["chronic_expense"] * (1 - value("cost_share"))
    return {
        "paid_by_method": ways, "paid_to_tier": by_tier, "provider_margin": margin,
        "recovered": recovered, "review_saving": whole * avoided, "review_deducted": whole * deducted,
        "review_problem": whole * (problem * (coverage > 0)),
        "review_cost": np.broadcast_to(book.of("supervision", "review_cost") * book.share("people"), whole.shape),
        "suspended": found * scenario.value("providers", "providers", ("tier",)) * book.share("people"),
        "provider_payment": whole,
    }


def fund_closes(books: list[Book], futures: list[Futures], flows: list[Flows],
                after_deficit: list[Flows]) -> list[Flows]:
    """Counties pool and each fund closes its year: income, expenditure, transfers, surplus and balance, in yuan.

    A deficit triggers what the base rules say, in the next year: see the levers of `lines`.
    """
    scenario = books[0].scenario
    draws, years = flows[0]["enrolled"].shape
    counties = range(len(books))
    lever = lambda name: books[0].of("pooling", name)  # noqa: E731
    methods = [policy.pooling.method.value for policy in books[0].policies]
    rate, cover, own = lever("adjustment_rate"), lever("adjustment_cover"), lever("adjustment_own")
    top_up, rise = (books[0].of("lines", f"deficit_{name}") for name in ("subsidy", "contribution"))
    cut = books[0].of("lines", "deficit_cut")
    interest = float(scenario.value("account", "interest_rate"))

    account = {name: np.zeros((len(books), draws, years)) for name in (
        "income", "expenditure", "surplus", "balance_end", "opening_balance", "interest", "deficit_subsidy", "transfer",
        "adjustment_paid_in", "adjustment_paid_out")}
    held = np.zeros((draws, years))
    balance = np.stack([future.opening * book.share("opening") for book, future in zip(books, futures, strict=True)])
    deficit, deficits, adjustment = np.zeros_like(balance), np.zeros_like(balance), np.zeros(draws)
    individual = np.zeros((len(books), draws, years))
    was_cut = np.zeros((len(books), draws, years), bool)
    for t in range(years):
        was_cut[:, :, t] = (deficit > 0) & bool(cut[t])
        for n in counties:
            f = flows[n]
            earned = interest * np.maximum(balance[n], 0.0)
            individual[n, :, t] = f["individual_income"][:, t] * (1 + rise[t]) ** deficits[n]
            made_good = top_up[t] * deficit[n]
            spent = np.where(was_cut[n, :, t], spending_of(after_deficit[n], t), spending_of(f, t))
            income = (individual[n, :, t] + f["subsidy_by_level"][:, t].sum(axis=1) + made_good
                      + f["other_income"][:, t] - f["account_in"][:, t] + earned)
            for name, value in (("income", income), ("expenditure", spent), ("opening_balance", balance[n]),
                                ("interest", earned), ("deficit_subsidy", made_good)):
                account[name][n, :, t] = value
        income, spent = account["income"][:, :, t], account["expenditure"][:, :, t]
        transfer, paid_in, paid_out, adjustment = pooling.settle(
            methods[t], income, spent, adjustment, rate[t], cover[t], own[t])
        surplus = fund.surplus(income, spent, transfer)
        balance = balance + surplus
        deficit = np.maximum(-surplus, 0.0)
        deficits = deficits + (deficit > 0)
        held[:, t] = adjustment
        for name, value in (("surplus", surplus), ("balance_end", balance), ("transfer", transfer),
                            ("adjustment_paid_in", paid_in), ("adjustment_paid_out", paid_out)):
            account[name][:, :, t] = value
    closed = []
    for n in counties:
        year = {name: value for name, value in flows[n].items() if name != "insured"}
        if cut.any():
            year = {name: np.where(was_cut[n].reshape(draws, years, *[1] * (value.ndim - 2)), after_deficit[n][name],
                                   value) for name, value in year.items()}
        closed.append(year | {name: value[n] for name, value in account.items()}
                      | {"individual_income": individual[n], "adjustment_balance": held / len(books)})
    return closed


def spending_of(flows: Flows, t: int) -> np.ndarray:
    """The fund's expenditure of a year, (d,) in yuan."""
    return (flows["provider_payment"] - flows["recovered"] - flows["review_saving"] + flows["premium"]
            + flows["contract_fee_by_payer"][:, :, payer("fund")])[:, t]


def payer(name: str) -> int:
    """Where a payer of the contract fee stands on its axis."""
    return ("public_health", "fund", "person").index(name)


def costs_of(scenario: Scenario, policy: Policy) -> Costs:
    """How a scenario's bills are distributed under a policy, before providers respond."""
    value = lambda name, over=(): scenario.value("utilisation", name, over)  # noqa: E731
    expense, mix = value("expense", ("tier",)), value("tier_mix", ("group", "tier")).mean(axis=0)
    growth = 1 + max(float(value("admission_growth")), 0.0)
    return Costs(
        expense=expense, log_sd=value("expense_log_sd", ("tier",)),
        chronic_expense=float(value("chronic_expense")), chronic_log_sd=float(value("chronic_log_sd")),
        eligible=scenario.eligible(policy), dispersion=float(value("dispersion")),
        referral=float(value("referral_share")), primary=scenario.marked("primary"),
        usual_mix=mix / mix.sum(), usual_expense=expense,
        busiest=float(value("admissions", ("group",)).max()) * growth ** (scenario.years - 1) * BUSIER)


def thresholds_of(scenario: Scenario) -> np.ndarray:
    """Out-of-pocket spending in yuan beyond which each year's is catastrophic, shape (t,)."""
    return float(scenario.value("account", "catastrophic_fraction")) * np.array(
        [scenario.income_per_head(year) for year in scenario.horizon()])


def check_run(draws: int, seed: int, engine: str) -> None:
    """Refuse a run that cannot be made, with the remedy."""
    if not 16 <= draws <= MAX_DRAWS:
        raise refuse("draws", words(f"{draws} 次不可用", f"{draws} draws will not do"),
                     words(f"请用 16 到 {MAX_DRAWS}", f"use 16 to {MAX_DRAWS}"))
    if not 0 <= seed < 2**63:
        raise refuse("seed", words("种子应为非负整数", "the seed is not a whole number from 0"), words("请改正",
                                                                                                       "give one"))
    if engine not in ENGINES:
        raise refuse("engine", words(f"没有 {engine} 引擎", f"there is no engine {engine}"),
                     words("请用 table 或 exact", "use table or exact"))
