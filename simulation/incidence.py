"""Who gains and who loses by a change of the rules, and who receives the fund's money beside what each group pays in.

Incidence is of the first round, "the morning after": the insured of the baseline have the very bills they have under
the baseline, and only what the rules make of those bills changes, with each person's own contribution. Nobody joins,
leaves, seeks more care or another hospital for it (`explain` says what behaviour adds). Each group's years are the
weighted claim histories of the table engine, in the median future of one year, with ordinary outpatient care beside
them; both rule books settle the same ones, so a difference is the rules' and not chance's. Known weaknesses: months of
waiting and what family accounts pay are left out, as are arrears, what a policy of the supplement costs and a change
of the way providers are paid; in a year with a bonus every group has the same contribution years; whoever buys the
commercial supplement is not told apart.
Catastrophic is counted as a run counts it: by what stays and special diseases leave to the patient.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from simulation.engines.bills import CHANCE, EDGES, OUTPATIENT
from simulation.engines.blocks import Block, blocks, mix_weights
from simulation.engines.choice import tilted
from simulation.engines.histories import FEWER, longest_history
from simulation.engines.settling import settle_people
from simulation.engines.shapes import bin_means
from simulation.engines.tables import Job, Schedule, bills_of, parts_of, payments, rules_of_stays
from simulation.engines.yearly import stay_counts
from simulation.model import simulate
from simulation.records import Care, Costs, Rules, Spending
from simulation.results import Result
from simulation.rules import assisted
from simulation.scenario import Scenario, check_year
from simulation.steps.benefits import ASSISTANCE, BASIC, COMMERCIAL, CRITICAL
from simulation.streams import stream
from simulation.terms import refuse, words
from simulation.trees import dense

THRESHOLD = 5.0  # yuan a year: a smaller change is none
DRAWS, FEW = 1024, 16  # to find the median future of the baseline; where only its rules are asked for
USERS = 2  # outpatient years that each history of stays is paired with
MANY = 3  # counties from which fewer histories do
LEVELS = {
    "no_stay": words("未住院", "No stay"), "one_stay": words("住院一次，非高费用", "One stay, not dear"),
    "several_stays": words("住院两次及以上，非高费用", "Two or more stays, not dear"),
    "dear": words("高费用年份（总费用超过灾难性支出线）", "Dear year (bills beyond the catastrophic line)"),
}
LAYERS = (CRITICAL, ASSISTANCE, COMMERCIAL)


class Incidence(NamedTuple):
    """Winners and losers of a change in one year, and who receives what; yuan a person and year, shares of persons."""

    year: int
    threshold: float  # yuan: what changes by no more is unchanged
    line: float  # yuan left to a patient beyond which spending is catastrophic
    winners: pd.DataFrame  # by, member, and what `outcome` gives; `by` is all, group, status or level
    benefits: pd.DataFrame  # group, status, persons, and before and after: `MONEY`; a row `all` at the end


class County(NamedTuple):
    """One county's year: what people fall ill with under the baseline, and the two rule books."""

    rules: tuple[Rules, Rules]  # before and after
    costs: tuple[Costs, Costs]  # they differ in what is in the policy's lists, never in expense
    care: Care  # at the median future
    ill: np.ndarray  # (c,) share of special-disease patients
    price: float
    people: np.ndarray  # (c, s) persons insured
    contribution: np.ndarray  # (2, g, s) yuan a person
    subsidy: np.ndarray  # (2, g, s) yuan a person, with what medical assistance pays in
    line: float  # yuan
    visits: Visits | None


class Visits(NamedTuple):
    """Ordinary outpatient care of a county's year under the baseline."""

    users: np.ndarray  # (c,) share of the insured
    visits: np.ndarray  # (c,) of a user
    mix: np.ndarray  # (c, k) of visits
    expense: np.ndarray  # (k,) yuan a visit
    log_sd: float  # of a user's year


MONEY = ("fund", "layers", "contribution", "subsidy", "left")


class Row(NamedTuple):
    """Persons with the same year, one array a column; amounts (2, n) before and after."""

    weight: np.ndarray  # (n,) persons
    group: np.ndarray  # (n,)
    status: np.ndarray  # (n,)
    level: np.ndarray  # (n,) place in `LEVELS`
    expense: np.ndarray  # (n,)
    fund: np.ndarray  # paid by the basic fund
    layers: np.ndarray  # paid by the layers above it
    left: np.ndarray  # out of pocket
    counted: np.ndarray  # of which for stays and special diseases: what a run counts as catastrophic
    contribution: np.ndarray  # in the person's own county
    subsidy: np.ndarray  # with what medical assistance pays in


def incidence(baseline: Scenario, changed: Scenario, year: int | None = None, threshold: float = THRESHOLD,
              draws: int = DRAWS, seed: int = 20080101) -> Incidence:
    """Who gains and loses in a year when one rule book takes the place of another; both of one scenario.

    `threshold` yuan: a change of out-of-pocket spending and contribution by no more counts as none. Raises `BadInput`
    for scenarios of other people, or a year that is not simulated.

    >>> from simulation import load_scenario
    >>> base = load_scenario("benxi_2008")
    >>> same = incidence(base, base, draws=64).winners
    >>> round(float(same["unchanged"].min()), 6), float(same["change"].abs().max())
    (1.0, 0.0)
    """
    year = baseline.first_year if year is None else year
    if not threshold >= 0:
        raise refuse(f"threshold={threshold:g}", words("不是不小于 0 的金额", "is no amount from 0"),
                     words("请改正", "give one"))
    if baseline.axes != changed.axes or list(baseline.horizon()) != list(changed.horizon()):
        raise refuse(changed.name, words("两个情景的人群或年份不同", "the scenarios have other people or other years"),
                     words("请比较同一情景的两套规则", "compare two rule books of one scenario"))
    check_year(baseline, year, f"year={year}")
    counties = counties_of(baseline, changed, year, draws, seed)
    coarse = FEWER if len(counties) >= MANY else 1
    rows = together([row for county in counties for row in people_of(county, coarse, seed)])
    change = rows.left[1] - rows.left[0] + rows.contribution[1] - rows.contribution[0]
    change = np.where(np.abs(change) < 1e-9, 0.0, change)  # what only rounding has made
    line = counties[0].line
    axes = baseline.axes
    parts = [("all", "all", np.ones(len(change), bool))]
    for by, names, at in (("group", axes.group, rows.group), ("status", axes.status, rows.status),
                          ("level", LEVELS, rows.level)):
        parts += [(by, name, at == n) for n, name in enumerate(names)]
    winners = [{"by": by, "member": name} | outcome(rows, change, here, threshold, line)
               for by, name, here in parts if rows.weight[here].sum() > 0]
    return Incidence(year, threshold, line, pd.DataFrame(winners), benefits_of(baseline, rows))


def outcome(rows: Row, change: np.ndarray, here: np.ndarray, threshold: float, line: float) -> dict[str, float]:
    """What a change means to some of the people: shares, means (yuan), and the ends of the change.

    Columns persons; gain, lose, unchanged; change; out_of_pocket, contribution and catastrophic, each before and
    after; p05, p95 of the change. A change is a rise of what a person bears: below zero is a gain.
    """
    weight, change = rows.weight[here], change[here]
    persons = weight.sum()
    mean = lambda values: float(values @ weight / persons)  # noqa: E731
    found = {"persons": float(persons), "gain": mean(change < -threshold), "lose": mean(change > threshold)}
    found["unchanged"] = mean(np.abs(change) <= threshold)
    found["change"] = mean(change)
    low, high = quantiles(change, weight, (0.05, 0.95))
    for n, when in enumerate(("before", "after")):
        found[f"out_of_pocket_{when}"] = mean(rows.left[n, here])
        found[f"contribution_{when}"] = mean(rows.contribution[n, here])
        found[f"catastrophic_{when}"] = mean(rows.counted[n, here] > line)
    return found | {"p05": low, "p95": high}


def quantiles(values: np.ndarray, weight: np.ndarray, shares: tuple[float, ...]) -> list[float]:
    """Quantiles of weighted values.

    >>> quantiles(np.array([3.0, 1.0, 2.0]), np.array([1.0, 8.0, 1.0]), (0.5, 0.95))
    [1.0, 3.0]
    """
    order = np.argsort(values)
    reached = np.cumsum(weight[order])
    at = np.searchsorted(reached, np.array(shares) * reached[-1])
    return values[order][np.minimum(at, len(values) - 1)].tolist()


def benefits_of(scenario: Scenario, rows: Row) -> pd.DataFrame:
    """Who receives the fund's money, by group and status, beside what is paid in for them: yuan a person and year.

    Columns group, status, persons, expense, and `MONEY` before and after: what the fund and the layers above it pay,
    the contribution, the subsidy with what medical assistance pays in, what is left to the patient. A last row `all`.
    """
    amounts = {"expense": rows.expense}
    for n, when in enumerate(("before", "after")):
        amounts |= {f"{name}_{when}": getattr(rows, name)[n] for name in MONEY}
    statuses = len(scenario.axes.status)
    cell = rows.group * statuses + rows.status
    size = len(scenario.axes.group) * statuses
    persons = np.bincount(cell, rows.weight, size)
    total = pd.DataFrame({name: np.bincount(cell, rows.weight * values, size) for name, values in amounts.items()})
    named = pd.MultiIndex.from_product([scenario.axes.group, scenario.axes.status], names=["group", "status"])
    frame = named.to_frame(index=False).assign(persons=persons)
    frame = pd.concat([frame, total.div(np.maximum(persons, 1e-9), axis=0)], axis=1)[persons > 0]
    whole = {"group": "all", "status": "all", "persons": persons.sum()} | (total.sum() / persons.sum()).to_dict()
    return pd.concat([frame, pd.DataFrame([whole])], ignore_index=True)


# --- what people fall ill with, and the two rule books ------------------------------------------------

def caught(scenario: Scenario, draws: int, seed: int) -> tuple[list[tuple], Result]:
    """What a run hands to an engine for each county (see `histories.spend`), and the run, with nothing spent on stays.

    Caught on the way: steps of its own could drift from the model's.
    """
    found: dict[int, tuple] = {}

    def keep(*given: object) -> Spending:
        care, insured, own = given[1], given[3], given[-1]
        found.setdefault(own, given)  # a second settlement of the same county is the one after a deficit
        return Spending.empty(len(insured), len(care), care[0].mix.shape[1], insured.shape[2])

    result = simulate(scenario, draws, seed, spend=keep)
    return list(found.values()), result


def counties_of(baseline: Scenario, changed: Scenario, year: int, draws: int, seed: int) -> list[County]:
    """Each county's year in the median future of the baseline, under both rule books."""
    t = year - baseline.first_year
    before, result = caught(baseline, draws, seed)
    after, _ = caught(changed, FEW, seed)
    areas = list(baseline.axes.area) if len(before) > 1 else [None]
    found = []
    for n, (area, one, other) in enumerate(zip(areas, before, after, strict=True)):
        rules, care, costs, insured, thresholds, conditions, _ = one
        middle = lambda values: np.median(values[:, t], axis=0)  # noqa: E731, B023 - used at once
        frequency, chronic, tilt = (middle(getattr(conditions, name)) for name in ("frequency", "chronic", "tilt"))
        care, cost = care[t], costs[t]
        people = insured[:, t].mean(axis=0)
        price = float(middle(conditions.price))
        found.append(County(
            (rules[t], other[0][t]), (cost, cost._replace(eligible=other[2][t].eligible)),
            care._replace(admissions=care.admissions * care.covered * frequency,
                          mix=tilted(care.mix, cost.primary, np.array(float(tilt)))),
            np.minimum(care.chronic_share * care.covered * chronic, 1.0), price, people,
            *np.stack([paid_in(book, area, year) for book in (baseline, changed)], axis=1), float(thresholds[t]),
            visits_of(baseline, result, n + (len(before) > 1), t, people.sum(axis=1))))
    return found


def paid_in(scenario: Scenario, area: str | None, year: int) -> np.ndarray:
    """The contribution of a year, and the subsidy with what medical assistance pays in, (2, g, s) in yuan."""
    policies, axes = scenario.policies(area), scenario.axes.members()
    policy = policies[year - scenario.first_year]

    def stated(name: str) -> np.ndarray:
        steps = [float(getattr(policy.financing, f"{name}_step").value) for policy in policies]
        return dense(scenario.risen(policy, name, year, steps, area), ("group", "status"), axes)

    contribution = stated("contribution")
    paid_for = dense(policy.financing.paid_for.value, ("status",), axes)
    return np.stack([contribution, stated("subsidy") + assisted(contribution, paid_for)])


def visits_of(scenario: Scenario, result: Result, area: int, t: int, people: np.ndarray) -> Visits | None:
    """Ordinary outpatient care of a county's year: the assumptions by group, brought to the run's medians by tier.

    `people` (c,) insured.
    """
    if not scenario.has("outpatient"):
        return None
    value = lambda name, over=(): scenario.value("utilisation", name, over)  # noqa: E731
    cells, groups = len(people), len(scenario.axes.group)
    of_cell = lambda values: values[np.arange(cells) % groups]  # noqa: E731
    users, each = (of_cell(value(f"outpatient_{name}", ("group",))) for name in ("users", "visits"))
    by_cell = each[:, None] * of_cell(value("outpatient_mix", ("group", "tier")))  # of a user, (c, k)
    assumed = (people * users) @ by_cell
    data = result.data.isel(area=area, year=t)
    by_cell = by_cell * (np.median(data["visits_by_tier"].values, axis=0) / np.maximum(assumed, 1e-9))
    expense = value("outpatient_expense", ("tier",))
    dearer = float(np.median(data["outpatient_expense"].values)) / max((people * users) @ by_cell @ expense, 1e-9)
    visits = by_cell.sum(axis=1)
    return Visits(users, visits, by_cell / np.maximum(visits, 1e-9)[:, None], expense * dearer,
                  float(value("outpatient_log_sd")))


# --- the same people's years under both ---------------------------------------------------------------

def people_of(county: County, coarse: int, seed: int) -> Iterator[Row]:
    """Everybody of a county, as weighted years."""
    cost, care = county.costs[0], county.care
    cells = len(care.mix)
    bonus = any(rules.bonus for rules in county.rules)
    years = [(float(y), share) for y, share in enumerate(care.years) if share > 0] if bonus else [(0.0, 1.0)]
    made = [Schedule(cell, y) for cell in range(cells) for y, _ in years]
    longest = longest_history(cost.busiest, cost.dispersion)
    histories = blocks(tuple(np.maximum(cost.usual_mix, 1e-6)), longest, (*cost.log_sd, cost.chronic_log_sd),
                       (*cost.usual_expense, cost.chronic_expense), cost.referral, cost.tail, coarse)
    stays = stay_counts(care.admissions, cost.dispersion, int(histories[-1].stays[-1]))
    shares = county.people[:, :, None] * np.array([share for _, share in years])  # (c, s, y) persons
    outpatient = [points_of(county, schedule) for schedule in made]
    nothing = np.zeros((2, len(county.people[0]), len(made), 1))
    weight = (1 - county.ill) * stays[:, 0]
    yield from pieces(county, shares, weight[:, None], np.zeros(1, int), np.zeros(1), nothing, nothing, outpatient,
                      None)
    for block in histories:
        many = len(block.weight) // len(block.stays)
        number = np.repeat(block.stays, many)
        sick = county.ill if block.chronic else 1 - county.ill
        chance = mix_weights(block, care.mix).swapaxes(0, 1).reshape(cells, -1) * stays[:, number] * sick[:, None]
        z = stream(seed, f"incidence {block.chronic} {block.stays[0]}").permutation(len(number) * USERS)
        u = ((z + 0.5) / len(z)).reshape(USERS, -1)
        for part in parts_of(block, len(made)):
            spent, fund, layers = amounts_of(county, block, part, made)
            yield from pieces(county, shares, chance[:, part], number[part], spent, fund, layers, outpatient,
                              u[:, part])


def amounts_of(county: County, block: Block, part: slice, made: list[Schedule]) -> tuple[np.ndarray, ...]:
    """Expense of some histories (h,), and what the fund and the layers above it pay before and after: (2, u, s, h)."""
    funds, others = [], []
    for rules, cost in zip(county.rules, county.costs, strict=True):
        bills = bills_of(block, cost)
        job = Job.of(rules_of_stays(rules), rules.ceiling, made, np.array([county.price]))
        _, fund, layers = payments(job, block, part, bills)
        shape = county.people.shape[1], len(made), fund.shape[-1]
        funds.append(np.broadcast_to(fund[0, :, :, 0], shape))
        others.append(sum((layer[0, :, :, 0] for layer in layers.values()), np.zeros(shape)))
    return bills.expense[part] * county.price, np.stack(funds), np.stack(others)


class Points(NamedTuple):
    """The outpatient years of a cell's users under a schedule."""

    users: float  # share of the insured
    chance: np.ndarray  # (p,)
    expense: np.ndarray  # (p,) yuan
    paid: np.ndarray  # (2, p) yuan by the fund, before and after


def points_of(county: County, schedule: Schedule) -> Points | None:
    """A user's outpatient years under a schedule; nothing where no such care is pooled."""
    visits, cell = county.visits, schedule.cell
    if visits is None:
        return None
    tiers = len(visits.expense)
    relative = bin_means(EDGES, visits.log_sd)
    expense = (visits.expense * visits.visits[cell])[:, None] * relative
    tier = np.arange(tiers).repeat(len(relative))
    paid = []
    for rules, cost in zip(county.rules, county.costs, strict=True):
        eligible = (expense * cost.eligible[OUTPATIENT][:, None]).reshape(1, -1)
        found = settle_people(rules, cell, 0, schedule.years, (OUTPATIENT,), tier[None], eligible,
                              visits=np.full(eligible.shape, visits.visits[cell]), amounts=(BASIC,))
        paid.append(found[0, BASIC])
    return Points(float(visits.users[cell]), (visits.mix[cell][:, None] * CHANCE).ravel(), expense.ravel(),
                  np.stack(paid))


def outpatient_years(points: Points | None, histories: int, u: np.ndarray | None) -> Iterator[tuple]:
    """What histories of stays are paired with: share, expense and payment (2, ...) of outpatient care.

    No care; and with `u` (m, h) m years of the users for each history, without it every one of their years.
    """
    none = np.zeros(histories), np.zeros((2, histories))
    if points is None:
        yield 1.0, *none
        return
    yield 1 - points.users, *none
    if u is None:
        yield points.users * points.chance, points.expense, points.paid
        return
    for row in np.minimum(np.searchsorted(np.cumsum(points.chance), u), len(points.chance) - 1):
        yield points.users / len(u), points.expense[row], points.paid[:, row]


def pieces(county: County, shares: np.ndarray, chance: np.ndarray, stays: np.ndarray, spent: np.ndarray,
           fund: np.ndarray, layers: np.ndarray, outpatient: list[Points | None],
           u: np.ndarray | None) -> Iterator[Row]:
    """Some histories for every cell, status and number of contribution years, with and without outpatient care.

    `shares` (c, s, y) persons; `chance` (c, h); `stays`, `spent` (h,); `fund`, `layers` (2, s, schedule, h);
    `u` (m, h) uniforms by which each history is given outpatient years of its users, or all of them where it is none.
    """
    cells, statuses, years = shares.shape
    groups = county.contribution.shape[1]
    for cell in range(cells):
        for status in range(statuses):
            for y in range(years):
                persons = shares[cell, status, y] * chance[cell]
                if persons.sum() <= 0:
                    continue
                n, group = cell * years + y, cell % groups
                given, granted = (of[:, group, status, None] for of in (county.contribution, county.subsidy))
                own, above = fund[:, status, n], layers[:, status, n]
                for share, visit, paid in outpatient_years(outpatient[n], len(stays), u):
                    whole = spent + visit
                    basic = own + paid
                    level = np.where(whole > county.line, 3, np.minimum(stays, 2))
                    wide = np.broadcast_shapes(whole.shape, level.shape)
                    full = lambda x, wide=wide: np.broadcast_to(x, (*x.shape[:-1], wide[-1]))  # noqa: E731
                    index = lambda k, wide=wide: np.full(wide, k)  # noqa: E731
                    yield Row(full(persons) * share, index(group), index(status), full(level), full(whole),
                              full(basic), full(above), full(whole - basic - above), full(spent - own - above),
                              full(given), full(granted))


def together(rows: list[Row]) -> Row:
    """Rows as one."""
    return Row(*(np.concatenate(part, axis=-1) for part in zip(*rows, strict=True)))
