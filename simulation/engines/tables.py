"""Claim histories settled under a rule book: what one person is paid, and how people vary.

Every history is settled for each distinct schedule at every price node, and averaged for the cells that are under it.
Histories stand on the last axis, where they are contiguous: a few large arrays, not many small ones.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np

from simulation.engines.arrays import ORDER, carry_out, program
from simulation.engines.blocks import BIN, Block, mix_weights, own_weights, sort_weights
from simulation.engines.nodes import bonus_nodes
from simulation.engines.pruned import LAYERS, Form, Reach, known
from simulation.records import Costs, Rules
from simulation.steps.benefits import CRITICAL

AT_ONCE = 16_000  # amounts settled at once: few enough to stay in the cache
MANY = 500  # histories that are worth a part of their own
MOMENTS = 3  # columns of a table: moments of the fund's payment, its means by tier, `LINEAR`, beyond each threshold
LINEAR = ("critical", "assistance", "commercial", "chronic")
PAYMENT = 3  # where the fund's payment stands among the items that vary together
Stack = tuple[np.ndarray, np.ndarray]  # numbers of stays (k,), and moments (k, ...)


class Schedule(NamedTuple):
    """One cell's rules at one number of contribution years."""

    cell: int
    years: float


class Table(NamedTuple):
    """Histories settled under some of the schedules, averaged for the cells that are under all of these."""

    schedules: np.ndarray
    cells: np.ndarray
    stacks: list[Stack]  # without and with a special disease: moments (k, u, s, n, c, p, ...) of n mixes


def rules_of_stays(rules: Rules, kinds: int = 2) -> Rules:
    """The rules without what only ordinary outpatient care asks: no such rule settles a history anew.

    With one kind of care also without what only special diseases ask.
    """
    nothing = np.zeros_like
    return rules._replace(
        counts=rules.counts[:kinds], first=rules.first[:kinds], annual=rules.annual[:kinds],
        lower=rules.lower[:, :kinds], upper=rules.upper[:, :kinds], rate=rules.rate[:, :kinds],
        kind_ceiling=rules.kind_ceiling[:kinds], has_fee=False,
        fee=nothing(rules.fee), fee_price=nothing(rules.fee_price), waived=nothing(rules.waived))


def schedules(rules: Rules, cells: int, longest: int, only: float | None = None) -> tuple[list[Schedule], np.ndarray]:
    """Distinct schedules to settle, and the weight of each by contribution years and cell (y, s, c).

    With `only` everyone is settled at that number of contribution years.
    """
    made: list[Schedule] = []
    used: list[tuple[int, int, np.ndarray]] = []
    index: dict[bytes, int] = {}
    for g in range(cells):
        nodes, weights = ((np.array([only]), np.ones((longest + 1, 1))) if only is not None else
                          bonus_nodes(rules.rate[..., g], rules.bonus, rules.limit, longest))
        for node, weight in zip(nodes, weights.T, strict=True):
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


class Bills(NamedTuple):
    """The bills of a block's histories, in yuan at a price of 1."""

    expense: np.ndarray  # (h,) of all of them
    eligible: np.ndarray  # (j, h) in policy
    whole: np.ndarray  # (3, h) in policy, of stays, of special-disease care and of both


class Job(NamedTuple):
    """What histories are settled under, and at which prices."""

    rules: Rules  # of the schedules in place of the cells, and (c,) ceilings
    years: np.ndarray  # (s, 1, 1) of contribution
    price: np.ndarray  # (p, 1)
    known: tuple  # as `known` gives it

    @classmethod
    def of(cls, rules: Rules, ceilings: np.ndarray | float, made: list[Schedule], price: np.ndarray) -> Job:
        """The job of settling some schedules under some ceilings at some prices."""
        rules = rules._replace(rate=rules.rate[..., [one.cell for one in made]], ceiling=np.atleast_1d(ceilings))
        return cls(rules, np.array([one.years for one in made])[:, None, None], price[:, None], known(rules))

    def below(self, dearest: float) -> tuple[Job, list[int]]:
        """The same under the ceilings that someone can reach and one that nobody can, and where each ceiling is."""
        ceilings = [ceiling if ceiling < dearest else np.inf for ceiling in self.rules.ceiling.tolist()]
        distinct = sorted(set(ceilings))
        return (self._replace(rules=self.rules._replace(ceiling=np.array(distinct))),
                [distinct.index(ceiling) for ceiling in ceilings])


def bills_of(block: Block, costs: Costs) -> Bills:
    """A block's bills at the costs of some years."""
    expense = block.cost * costs.expense.take(block.tier)
    expense[:block.chronic] = block.cost[:block.chronic] * costs.chronic_expense
    eligible = expense * costs.eligible[0].take(block.tier)
    eligible[:block.chronic] = expense[:block.chronic] * costs.eligible[1].take(block.tier[:block.chronic])
    whole = np.empty((3, eligible.shape[1]))
    np.add.reduce(eligible[block.chronic:], axis=0, out=whole[0])
    np.add.reduce(eligible[:block.chronic], axis=0, out=whole[1])
    np.add(whole[0], whole[1], out=whole[2])
    return Bills(expense.sum(axis=0), eligible, whole)


def with_bills(histories: tuple[Block, ...], costs: Costs) -> list[tuple[Block, Bills]]:
    """Blocks of histories, each with its bills."""
    return [(block, bills_of(block, costs)) for block in histories]


def reached(rules: Rules, dearest: list[float]) -> Reach:
    """Which limits the dearest history can reach, by what is in policy of each kind and in all (yuan)."""
    *of_kind, whole = dearest
    ceiling = bool(whole > rules.ceiling.min())
    kind_ceiling = tuple(bool(rules.has_kind_ceiling and most > limit)
                         for most, limit in zip(of_kind, rules.kind_ceiling.tolist(), strict=False))
    # What counts above the ceiling is what a ceiling has cut off, that of a kind of care too.
    critical = ceiling or any(kind_ceiling) if rules.above_ceiling else whole > rules.critical_due
    return Reach(ceiling, kind_ceiling, bool(rules.has_critical and critical),
                 bool(rules.has_assistance and whole > rules.assistance_due),
                 bool(rules.has_commercial and whole > rules.commercial_due))


def settle(job: Job, block: Block, part: slice, bills: Bills, reach: Reach, asked: list[np.ndarray]) -> None:
    """Fill in what some histories of a block are paid (c, u, s, p, h): of each bill, in all, of each layer in reach."""
    linked = job.rules.credit > 0 and len(block.tier) > block.chronic + 1
    form = Form(job.known, reach, block.chronic, len(block.tier), linked)
    sizes = dict(zip(ORDER, asked[0].shape, strict=True)) | {"u": len(job.rules.assistance_rate)}
    given = {"tier": block.tier[:, part], "claim": bills.eligible[:, part], "continued": block.continued[:, part],
             "price": job.price, "years": job.years}
    carry_out(program(form), job.rules, given, sizes, asked)


def payments(job: Job, block: Block, part: slice, bills: Bills) -> tuple[np.ndarray, np.ndarray, dict[int, np.ndarray]]:
    """What the fund pays of each bill of some histories (j, c, 1, s, p, h) and in all, and the layers in reach pay."""
    reach = reached(job.rules, (bills.whole[:, part].max(axis=1) * job.price.max()).tolist())
    shape = len(job.rules.ceiling), 1, len(job.years), len(job.price), bills.eligible[:, part].shape[1]
    of_status = shape[0], len(job.rules.assistance_rate) if reach.assistance else 1, *shape[2:]
    each, whole = np.empty((len(block.tier), *shape)), np.empty(shape)
    layers = {layer: np.empty(shape if layer == CRITICAL else of_status) for layer, there in zip(
        LAYERS, (reach.critical, reach.assistance, reach.commercial), strict=True) if there}
    settle(job, block, part, bills, reach, [*each, whole, *layers.values()])
    return each, whole, layers


def parts_of(block: Block, amounts: int, cut: int = 0) -> list[slice]:
    """Parts of a block's histories to settle at once, `amounts` for each, those before the `cut` apart where they are
    many; years of several lengths stay together."""
    many = len(block.weight)
    size = many if len(block.stays) > 1 else max(AT_ONCE // amounts, 64)
    cut = cut if len(block.stays) == 1 and cut > MANY else 0
    starts = [*range(0, cut, size), *range(cut, many, size)]
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], many], strict=True)]


def means(rules: Rules, ceilings: np.ndarray, histories: list[tuple[Block, Bills]], mixes: np.ndarray,
          made: list[Schedule], price: np.ndarray, thresholds: np.ndarray) -> list[Stack]:
    """For each ceiling, one person's moments (k, u, s, n, c, p, column) by number of stays, averaged under each mix
    (n, c, k).

    Columns: three raw moments of the fund's payment, its means by tier, `LINEAR`, and the probability
    that out-of-pocket spending exceeds each threshold (yuan).
    """
    mix = mixes.reshape(-1, mixes.shape[-1])
    columns = MOMENTS + mix.shape[1] + len(LINEAR) + len(thresholds)
    statuses = len(rules.assistance_rate) if rules.has_assistance else 1
    tables: list[np.ndarray] = []
    job = Job.of(rules, ceilings, made, price)
    for block, bills in histories:
        # Sorts of histories that are fewer than the mixes are weighed once they are added up.
        few = len(block.stays) == 1 and len(block.mass) < len(mix)
        weight = own_weights(block) if few else mix_weights(block, mix)
        found = np.zeros((len(block.stays), columns, len(ceilings), statuses, len(made), len(price), weight.shape[1]))
        # The cheaper ones, who reach no ceiling, are settled under one.
        over = bills.whole[-1] * price.max() > ceilings.min() if len(ceilings) > 1 else np.ones(1)
        for part in parts_of(block, len(made) * len(price), int(over.argmax())):
            for where, amounts in averaged(job, block, part, bills, weight[:, :, part], thresholds):
                found[:, where] += amounts
        if few:
            found = found @ sort_weights(block, mix).T
        found = np.ascontiguousarray(found.transpose(2, 0, 3, 4, 6, 5, 1))
        tables.append(found.reshape(*found.shape[:4], *mixes.shape[:2], *found.shape[5:]))
    return [stacked([table[n] for table in tables], histories) for n in range(len(ceilings))]


def averaged(job: Job, block: Block, part: slice, bills: Bills, weight: np.ndarray,
             thresholds: np.ndarray) -> list[tuple[list[int], np.ndarray]]:
    """Columns of `means` that some histories of a block add to, with what: (n, column, c, u, s, p, g).

    `weight` (n, g, h), for each of n numbers of stays.
    """
    numbers, groups, many = weight.shape
    tiers = len(block.here)
    dearest = (bills.whole[:, part].max(axis=1) * job.price.max()).tolist()
    job, which = job.below(dearest[-1])
    reach = reached(job.rules, dearest)
    spent = bills.expense[part] * job.price
    caught = [n for n, threshold in enumerate(thresholds) if spent.max() > threshold * (1 - BIN)]
    layers = [n for n, there in enumerate((reach.assistance, reach.commercial), 1) if there]
    shape = len(job.rules.ceiling), 1, len(job.years), *spent.shape
    of_each = shape[0], len(job.rules.assistance_rate) if reach.assistance else 1, *shape[2:]

    # What nobody's status moves, and what it does.
    alike = [*range(MOMENTS + tiers), *[MOMENTS + tiers] * reach.critical, *[MOMENTS + tiers + 3] * block.chronic]
    of_status = [MOMENTS + tiers + n for n in layers] + [MOMENTS + tiers + len(LINEAR) + n for n in caught]
    each = np.empty((len(block.tier), *shape))
    x, y = np.empty((len(alike), *shape)), np.empty((len(of_status), *of_each))
    higher = [*x[MOMENTS + tiers:][:reach.critical], *y[:len(layers)]]
    settle(job, block, part, bills, reach, [*each, x[0], *higher])
    np.multiply(x[0], x[0], out=x[1])
    np.multiply(x[1], x[0], out=x[2])
    by_tier(block, part, each, x[MOMENTS:MOMENTS + tiers])
    if block.chronic:
        x[-1] = each[0]
    if caught:
        left = spent - reduce(np.add, (x[0], *higher))
        for row, n in zip(y[len(layers):], caught, strict=True):
            # The share of the history's bin that lies beyond: a bin stands for costs BIN apart.
            width = thresholds[n] * BIN
            np.subtract(left, thresholds[n] - width / 2, out=row)
            np.minimum(np.maximum(row, 0.0, out=row), width, out=row)
            row *= 1 / width
    found = []
    for columns, amounts in ((alike, x), (of_status, y)):
        one = amounts.reshape(-1, numbers, many).swapaxes(0, 1) @ weight.swapaxes(1, 2)
        found.append((columns, one.reshape(numbers, *amounts.shape[:-1], groups)[:, :, which]))
    return found


def by_tier(block: Block, part: slice, each: np.ndarray, out: np.ndarray) -> None:
    """Add up what is paid of each stay (j, ..., h) by its tier (k, ..., h)."""
    np.einsum("j...h,kjh->k...h", each, block.here[:, :, part], out=out)


def detail(rules: Rules, histories: list[tuple[Block, Bills]], mix: np.ndarray, made: list[Schedule],
           price: np.ndarray, threshold: float) -> Stack:
    """How the items of the account vary together between people, by number of stays, at the rules' own ceiling.

    Moments (k, u, s, 1, c, p, item, item + 2). Items: expense, in-policy expense, stays, the fund's payment, the same
    by tier, `LINEAR`, and 1 where spending is catastrophic. The last axis holds the mean of each item's product with
    every item, its mean, and the mean of its cube.
    """
    groups, tiers = mix.shape
    items = 1 + tiers + len(LINEAR) + 4
    statuses = len(rules.assistance_rate) if rules.has_assistance else 1
    found, job = [], Job.of(rules, rules.ceiling, made, price)
    for block, bills in histories:
        weight = mix_weights(block, mix)
        numbers, _, many = weight.shape
        total = np.zeros((numbers, statuses * len(made), groups, len(price), items, items + 2))
        for part in parts_of(block, len(made) * len(price)):
            spent = bills.expense[part] * job.price
            reach = reached(job.rules, (bills.whole[:, part].max(axis=1) * price.max()).tolist())
            x = np.zeros((items, statuses, len(made), *spent.shape))
            critical, assistance, commercial, chronic = x[-1 - len(LINEAR):-1]
            alike = x[:, None, :1]  # under one ceiling, for every status
            each = np.empty((len(block.tier), *alike.shape[1:]))
            later = [row[None] if reach.assistance else row[None, :1] for row, there in
                     ((assistance, reach.assistance), (commercial, reach.commercial)) if there]
            settle(job, block, part, bills, reach,
                   [*each, alike[PAYMENT], *[critical[None, :1]] * reach.critical, *later])
            by_tier(block, part, each, alike[PAYMENT + 1:PAYMENT + 1 + tiers])
            if block.chronic:
                chronic[:1] = each[0, 0]
            x[0], x[1], x[2] = spent, bills.whole[-1, part] * job.price, np.repeat(block.stays, many)[part]
            for row in (*x[PAYMENT:-1 - len(LINEAR)], critical, chronic, *[commercial] * (not reach.assistance)):
                row[1:] = row[:1]
            x[-1] = x[0] - x[PAYMENT] - critical - assistance - commercial > threshold
            x = x.reshape(items, -1, len(price), numbers, x.shape[-1] // numbers).transpose(3, 1, 2, 0, 4)
            others = np.concatenate([x, np.ones_like(x[..., :1, :])], axis=3).swapaxes(3, 4)
            cube = x * x * x
            for g in range(groups):
                w = weight[:, g, part][:, None, None, None]
                total[:, :, g, :, :, :-1] += (x * w) @ others
                total[:, :, g, :, :, -1] += (cube * w).sum(axis=4)
        found.append(total.reshape(numbers, statuses, len(made), 1, *total.shape[2:]))
    return stacked(found, histories)


def stacked(tables: list[np.ndarray], histories: list[tuple[Block, Bills]]) -> Stack:
    """Tables of histories, one behind the other: numbers of stays (k,) and moments (k, ...)."""
    return np.concatenate([block.stays for block, _ in histories]), np.concatenate(tables)
