"""Claim histories settled under a rule book: what one person is paid, and how people vary.

Every history is settled for each distinct schedule at every price node, and averaged for the cells that are under it.
Histories stand on the last axis, where they are contiguous: a few large arrays, not many small ones.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np

from simulation.engines.blocks import BIN, Block, mix_weights
from simulation.engines.nodes import bonus_nodes, years_weights
from simulation.records import Costs, Rules
from simulation.steps.benefits import ASSISTANCE, BASIC, COMMERCIAL, CRITICAL, settle_year

AT_ONCE = 8_000  # amounts settled at once: few enough to stay in the cache
MOMENTS = 3  # columns of a table: moments of the fund's payment, its means by tier, `LINEAR`, beyond each threshold
LINEAR = ("critical", "assistance", "commercial", "chronic")
PAYMENT = 3  # where the fund's payment stands among the items that vary together
Stacks = list[tuple[np.ndarray, np.ndarray]]  # as `stacked` makes them


class Schedule(NamedTuple):
    """One cell's rules at one number of contribution years."""

    cell: int
    years: float


class Table(NamedTuple):
    """Histories settled under some of the schedules, averaged for the cells that are under all of these."""

    schedules: np.ndarray
    cells: np.ndarray
    stacks: Stacks  # moments (k, u, s, n, c, p, ...) of n mixes


def rules_of_stays(rules: Rules) -> Rules:
    """The rules without what only ordinary outpatient care asks: no such rule settles a history anew."""
    nothing = np.zeros_like
    return rules._replace(
        counts=rules.counts[:2], first=rules.first[:2], annual=rules.annual[:2], lower=rules.lower[:, :2],
        upper=rules.upper[:, :2], rate=rules.rate[:, :2], kind_ceiling=rules.kind_ceiling[:2], has_fee=False,
        fee=nothing(rules.fee), fee_price=nothing(rules.fee_price), waived=nothing(rules.waived))


def schedules(rules: Rules, cells: int, longest: int, only: float | None = None) -> tuple[list[Schedule], np.ndarray]:
    """Distinct schedules to settle, and the weight of each by contribution years and cell (y, s, c).

    With `only` everyone is settled at that number of contribution years.
    """
    made: list[Schedule] = []
    used: list[tuple[int, int, np.ndarray]] = []
    index: dict[bytes, int] = {}
    for g in range(cells):
        nodes = bonus_nodes(rules.rate[..., g], rules.bonus, rules.limit, longest) if only is None else np.array([only])
        for node, weight in zip(nodes, years_weights(nodes, longest).T, strict=True):
            shape = np.append(rules.rate[..., g].ravel(), node).tobytes()
            if shape not in index:
                index[shape] = len(made)
                made.append(Schedule(g, float(node)))
            used.append((index[shape], g, weight))
    total = np.zeros((longest + 1, len(made), cells))
    for s, g, weight in used:
        total[:, s, g] += weight
    return made, total


def weights_of(scheduled: np.ndarray, years: np.ndarray, status_share: np.ndarray, rules: Rules) -> np.ndarray:
    """Weights (s, u, c) of the schedules (y, s, c), from shares by contribution years (y,) and by status (c, u).

    People are told apart by status only where assistance pays.
    """
    share = status_share if rules.has_assistance else np.ones((len(status_share), 1))
    return np.tensordot(years, scheduled, 1)[:, None] * share.T


def settled(block: Block, part: slice, rules: Rules, costs: Costs, made: list[Schedule], price: np.ndarray):
    """Settle some histories of a block for every schedule at every price: amounts (s, p, h), with assistance
    (u, s, p, h) by status.

    Returns the settlement {(bill, amount): array}, the expense and the in-policy expense (j, p, h).
    """
    tier, relative = block.tier[:, part], block.cost[:, part]
    chronic = np.arange(len(tier)) < block.chronic
    mean = np.where(chronic[:, None], costs.chronic_expense, costs.expense[tier])
    expense = (relative * mean)[:, None] * price[:, None]
    kind = chronic.astype(int)
    eligible = expense * costs.eligible[kind[:, None], tier][:, None]
    # Where not even the dearest history can reach a layer, it need not be asked.
    dearest = eligible.sum(axis=0).max()
    rules = rules._replace(
        has_critical=rules.has_critical and dearest > (rules.ceiling if rules.above_ceiling else rules.critical_due),
        has_assistance=rules.has_assistance and dearest > rules.assistance_due,
        has_commercial=rules.has_commercial and dearest > rules.commercial_due)
    cell, years = (np.array(values)[:, None, None] for values in zip(*made, strict=True))
    status = np.arange(len(rules.assistance_rate))[:, None, None, None]
    none = [0.0] * len(tier)
    linked = block.continued[:, part] if rules.credit and len(tier) > block.chronic + 1 else none
    out: dict[tuple[int, int], np.ndarray] = {}
    settle_year(rules, cell, status, years, kind.tolist(), tier, linked, none, eligible, [0.0, 0.0], [0.0, 0.0], out)
    return out, expense, eligible


def parts_of(block: Block, amounts: int) -> list[slice]:
    """Parts of a block's histories to settle at once, `amounts` for each; years of several lengths stay together."""
    size = len(block.weight) if len(block.stays) > 1 else max(AT_ONCE // amounts, 64)
    return [slice(start, start + size) for start in range(0, len(block.weight), size)]


def means(rules: Rules, ceilings: np.ndarray, costs: Costs, histories: tuple[Block, ...], mixes: np.ndarray,
          made: list[Schedule], price: np.ndarray, thresholds: np.ndarray) -> list[Stacks]:
    """For each ceiling, one person's moments by number of stays, averaged under each mix (n, c, k).

    Columns: three raw moments of the fund's payment, its means by tier, `LINEAR`, and the probability
    that out-of-pocket spending exceeds each threshold (yuan).
    """
    mix = mixes.reshape(-1, mixes.shape[-1])
    columns = MOMENTS + mix.shape[1] + len(LINEAR) + len(thresholds)
    statuses = len(rules.assistance_rate) if rules.has_assistance else 1
    tables: list[list[np.ndarray]] = [[] for _ in ceilings]
    for block in histories:
        weight = mix_weights(block, mix)
        found = np.zeros((len(ceilings), columns, len(block.stays), statuses, len(made), len(price), len(mix)))
        for part in parts_of(block, len(made) * len(price)):
            paid, most = {}, np.inf
            for n in np.argsort(ceilings)[::-1]:
                if not paid or most > ceilings[n]:  # else nobody reaches this ceiling either
                    paid, most = averaged(block, part, weight[:, :, part], rules._replace(ceiling=float(ceilings[n])),
                                          costs, made, price, thresholds)
                for column, amount in paid.items():
                    found[n, column] += amount
        for table, one in zip(tables, found, strict=True):
            one = np.ascontiguousarray(one.transpose(1, 2, 3, 5, 4, 0))
            table.append(one.reshape(*one.shape[:3], *mixes.shape[:2], *one.shape[4:]))
    return [stacked(table, histories) for table in tables]


def averaged(block: Block, part: slice, weight: np.ndarray, rules: Rules, costs: Costs, made: list[Schedule],
             price: np.ndarray, thresholds: np.ndarray) -> tuple[dict[int, np.ndarray], float]:
    """Columns of `means` that some histories of a block add to, each (n, u, s, p, g), and the most anyone is paid.

    `weight` (n, g, h), for each of n numbers of stays.
    """
    out, expense, _ = settled(block, part, rules, costs, made, price)
    numbers, groups, many = weight.shape
    tiers, bills = len(costs.expense), range(len(block.tier))
    per = (len(made), len(price))
    whole = lambda amount: reduce(np.add, (out[j, amount] for j in bills if (j, amount) in out))  # noqa: E731

    def mean(amounts: list[np.ndarray], weight: np.ndarray) -> np.ndarray:
        """Averages (n, amount, u, s, p, g) of amounts (u, s, p, h), of each number of stays."""
        one = np.stack(amounts).reshape(-1, numbers, many).swapaxes(0, 1) @ weight.swapaxes(1, 2)
        return one.reshape(numbers, len(amounts), -1, *per, one.shape[-1])

    basic = whole(BASIC)
    square = basic * basic
    found = dict(enumerate(mean([basic, square, square * basic], weight).swapaxes(0, 1)))
    at_tier = np.zeros((numbers, 1, 1, *per, groups * tiers))
    for j in range(block.chronic, len(block.tier)):
        here = block.tier[j, part].reshape(numbers, 1, 1, many) == np.arange(tiers)[:, None]
        at_tier += mean([out[j, BASIC]], (weight[:, :, None] * here).reshape(numbers, -1, many))
    at_tier = at_tier.reshape(numbers, 1, *per, groups, tiers)
    found |= {MOMENTS + k: at_tier[..., k] for k in range(tiers)}
    layers = {n: whole(amount) for n, amount in enumerate((CRITICAL, ASSISTANCE, COMMERCIAL))
              if any((j, amount) in out for j in bills)}
    linear = layers | ({3: out[0, BASIC]} if block.chronic else {})
    found |= {MOMENTS + tiers + n: mean([amount], weight)[:, 0] for n, amount in linear.items()}
    spent = expense.sum(axis=0)
    left = reduce(np.subtract, (spent, basic, *layers.values()))
    for n, threshold in enumerate(thresholds):
        if spent.max() > threshold * (1 - BIN):
            # The share of the history's bin that lies beyond: a bin stands for costs BIN apart.
            beyond = np.minimum(np.maximum(left * (1 / (threshold * BIN)) + (0.5 - 1 / BIN), 0.0), 1.0)
            found[MOMENTS + tiers + len(LINEAR) + n] = mean([beyond], weight)[:, 0]
    return found, float(basic.max())


def detail(rules: Rules, costs: Costs, histories: tuple[Block, ...], mix: np.ndarray, made: list[Schedule],
           price: np.ndarray, threshold: float) -> list[Stacks]:
    """How the items of the account vary together between people, by number of stays, at the rules' own ceiling.

    Moments (k, u, s, 1, c, p, item, item + 2). Items: expense, in-policy expense, stays, the fund's payment, the same
    by tier, `LINEAR`, and 1 where spending is catastrophic. The last axis holds the mean of each item's product with
    every item, its mean, and the mean of its cube.
    """
    groups, tiers = mix.shape
    items = 1 + tiers + len(LINEAR) + 4
    statuses = len(rules.assistance_rate) if rules.has_assistance else 1
    found = []
    for block in histories:
        weight = mix_weights(block, mix)
        numbers, _, many = weight.shape
        total = np.zeros((numbers, statuses * len(made), groups, len(price), items, items + 2))
        for part in parts_of(block, len(made) * len(price)):
            out, expense, eligible = settled(block, part, rules, costs, made, price)
            x = np.zeros((items, statuses, len(made), *expense.shape[1:]))
            by_tier = x[PAYMENT + 1:PAYMENT + 1 + tiers]
            critical, assistance, commercial, chronic = x[-1 - len(LINEAR):-1]
            for j in range(len(block.tier)):
                if j < block.chronic:
                    chronic += out[j, BASIC]
                else:
                    by_tier += (block.tier[j, part] == np.arange(tiers)[:, None])[:, None, None, None] * out[j, BASIC]
                critical += out.get((j, CRITICAL), 0.0)
                assistance += out.get((j, ASSISTANCE), 0.0)
                commercial += out.get((j, COMMERCIAL), 0.0)
            x[0], x[1] = expense.sum(axis=0), eligible.sum(axis=0)
            x[2] = np.repeat(block.stays, many)[part]
            x[PAYMENT] = by_tier.sum(axis=0) + chronic
            x[-1] = x[0] - x[PAYMENT] - critical - assistance - commercial > threshold
            x = x.reshape(items, -1, len(price), numbers, x.shape[-1] // numbers).transpose(3, 1, 2, 0, 4)
            others = np.concatenate([x, np.ones_like(x[..., :1, :])], axis=3).swapaxes(3, 4)
            cube = x * x * x
            for g in range(groups):
                w = weight[:, g, part][:, None, None, None]
                total[:, :, g, :, :, :-1] += (x * w) @ others
                total[:, :, g, :, :, -1] += (cube * w).sum(axis=4)
        found.append(total.reshape(numbers, statuses, len(made), 1, *total.shape[2:]))
    return [stacked(found, histories)]


def stacked(tables: list[np.ndarray], histories: tuple[Block, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Tables of histories without and with a special disease: numbers of stays (k,) and moments (k, ...)."""
    return [(np.concatenate([b.stays for b in histories if b.chronic == chronic]),
             np.concatenate([t for b, t in zip(histories, tables, strict=True) if b.chronic == chronic]))
            for chronic in (0, 1)]
