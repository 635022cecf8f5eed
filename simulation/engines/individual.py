"""The exact engine: every admission of every insured person.

Only people to whom something happens are visited. People of a cell are exchangeable within a draw and year, so how
many of them have a special disease, and how many have one stay, two, three... is binomial; then each of them has bills
of their own, all of which go through `settle_year`, compiled. Each draw, year, cell and purpose has its own
counter-based stream, so that neither the number of threads nor a change of rule moves any other random number.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock, get_ident
from typing import TYPE_CHECKING

import numpy as np

from simulation.engines.settling import PAYMENTS, Form, form_of, listed, looked_up_in, packed, settler
from simulation.engines.shapes import log_mean
from simulation.records import Care, Conditions, Costs, Rules, Spending
from simulation.streams import key

if TYPE_CHECKING:
    from simulation.engines.persons import Room, Year

MOST_STAYS = 60  # in a person-year
INPATIENT, CHRONIC = 0, 1
PIECES = 8  # of work for each thread and year: no thread waits long for the others
TOTALS = ("basic", "chronic", "expense", "eligible", "critical", "assistance", "commercial", "stays",
          "chronic_expense")
BY_TIER = ("paid_by_tier", "stays_by_tier", "expense_by_tier")
BY_CELL = ("paid_by_cell", "expense_by_cell", "catastrophic_by_cell")
COMPILING = Lock()  # the compiler takes one at a time anyway


@cache
def machinery(rules_form: Form) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """What settles bills under rules of a form: addresses of code, the list for the most bills, and the room needed."""
    from simulation.engines import machine, persons

    one = [rules_form._replace(kinds=(kind,), shared=("cell", "tier")) for kind in (INPATIENT, CHRONIC)]
    some = [rules_form._replace(kinds=(CHRONIC,) * special + (INPATIENT,) * (size - special), shared=("cell",))
            for size, special in zip(persons.SIZES[1:], persons.SPECIAL[1:], strict=True)]
    forms = [*one, *some[:-1]]
    addresses = np.array([settler(form, PAYMENTS).address for form in forms])
    many = listed(some[-1]._replace(shared=()), choosing=False)
    return addresses, *machine.lines_of(many, persons.SIZES[-1]), max(looked_up_in(listed(form)) for form in forms)


def spend(rules: list[Rules], care: list[Care], costs: list[Costs], insured: np.ndarray, thresholds: np.ndarray,
          conditions: Conditions, seed: int, threads: int | None = None) -> Spending:
    """What each draw-year's care costs, admission by admission; same arguments as the history table.

    The result does not depend on the number of threads.
    """
    from simulation.engines.persons import room_for, year_of_care

    rules = [rule._replace(has_fee=False) for rule in rules]  # ordinary outpatient care is not simulated here
    with COMPILING:
        machines = [machinery(form_of(rule, ())) for rule in rules]
    draws, horizon, cells, _ = insured.shape
    tiers = care[0].mix.shape[1]
    people = insured.sum(axis=3)
    total = np.zeros((horizon, draws, len(TOTALS)))
    by_tier = np.zeros((horizon, draws, len(BY_TIER), tiers))
    by_cell = np.zeros((horizon, draws, cells, len(BY_CELL)))
    status = insured.mean(axis=0)
    statuses = np.cumsum(status, axis=2) / np.maximum(status.sum(axis=2, keepdims=True), 1e-12)
    years = [year_of(*each) for each in zip(rules, care, costs, statuses, thresholds, strict=True)]
    rows = [packed(rule) for rule in rules]
    threads = threads or os.cpu_count() or 1
    edges = np.linspace(0, draws, min(threads * PIECES, draws) + 1).astype(int)
    keys = [stream_keys(seed, t, 0, draws, cells) for t in range(horizon)]
    rooms: dict[tuple[int, int], Room] = {}  # of each thread for each machinery: amounts a rule book lacks stay nought

    def work(start: int, stop: int) -> None:
        part = slice(start, stop)
        for t in range(horizon):
            settles, lines, ends, looked_up = machines[t]
            place = get_ident(), id(machines[t])
            if place not in rooms:
                rooms[place] = room_for(looked_up, len(lines))
            year_of_care(settles, lines, ends, rooms[place], rows[t], years[t], keys[t][part], people[part, t],
                         *(of[part, t] for of in conditions[:5]), total[t, part], by_tier[t, part], by_cell[t, part])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))
    found = {names[n]: array[:, :, n].swapaxes(0, 1).copy() for names, array in (
        (TOTALS, total), (BY_TIER, by_tier), (BY_CELL, by_cell.swapaxes(2, 3))) for n in range(len(names))}
    return Spending(**found, catastrophic=found["catastrophic_by_cell"].sum(axis=2),
                    claims_by_tier=found["expense_by_tier"], chronic_claims=found["chronic_expense"])


def year_of(rules: Rules, care: Care, costs: Costs, statuses: np.ndarray, threshold: float) -> Year:
    """One year's care in the form the loops read; `statuses` (c, s) cumulative, `threshold` in yuan."""
    from simulation.engines.lanes import marks_of
    from simulation.engines.persons import Year

    log_sd = np.append(costs.log_sd, costs.chronic_log_sd)
    middle = np.append(log_mean(costs.log_sd, costs.tail), log_mean(costs.chronic_log_sd))
    return Year(
        care.admissions * care.covered, care.chronic_share * care.covered, care.mix, marks_of(np.cumsum(care.years)),
        marks_of(statuses), np.log(np.append(costs.expense, costs.chronic_expense)) - middle, log_sd, costs.eligible,
        costs.primary, float(costs.tail.bend), float(costs.tail.spread - 1), float(costs.dispersion),
        float(costs.referral), float(threshold), bool(rules.bonus), bool(rules.has_assistance), bool(rules.credit),
        bool(rules.has_assistance or rules.has_commercial))


def stream_keys(seed: int, t: int, start: int, stop: int, cells: int) -> np.ndarray:
    """One 64-bit stream key for each draw and cell of year t, shape (d, c).

    >>> stream_keys(1, 0, 5, 6, 2)[0].tolist() == stream_keys(1, 0, 0, 6, 2)[5].tolist()
    True
    """
    from simulation.engines.lanes import GOLDEN, scrambled

    d, c = np.ix_(np.arange(start, stop, dtype=np.uint64), np.arange(cells, dtype=np.uint64))
    counter = (c << np.uint64(32)) + d  # more cells move nobody's numbers
    base = np.uint64(key(seed, f"people {t}"))
    return scrambled.py_func(scrambled.py_func(counter * GOLDEN + base) + base)
