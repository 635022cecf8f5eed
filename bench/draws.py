"""How many plain draws a run's draws are worth: `python -m bench.draws [--draws N] [--quick] [--json]`.

A chance p estimated from n plain, independent draws has squared error p(1-p)/n, whatever the model; so the run's own
squared error, from many independent scramblings, says how many plain draws make the same. The error of a quantile is
that of the share below it, over the density there, for either kind of draw: the density cancels.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from bench.pool import scaled
from simulation import load_scenario, simulate
from simulation.scenario import Scenario
from simulation.steps.utilisation import dimensions
from simulation.streams import REPLICATES, stream

AT_REST, TAIL = 16_384, 0.05
EDGES = (0.001, 0.999)  # shocks are heavy-tailed: beyond these shares of the balance single draws would make the mean
TARGET = 100_000  # plain draws, for the 5 % quantile of the final balance
RESAMPLED, LEVEL = 2000, 0.95
FIRST_SEED = 7001


class Repeats(NamedTuple):
    """How many runs, each of independent draws."""

    ours: int
    plain: int


FULL, QUICK = Repeats(20, 2), Repeats(5, 1)


class Worth(NamedTuple):
    """What the draws of a run are worth for one answer."""

    what: str
    plain_draws: float  # independent draws of equal squared error
    low: float  # the two ends of its 95 % interval
    high: float
    target: int | None
    met: bool | None  # the estimate reaches the target
    by_run: float  # the same from the spread between whole runs: rougher, but holds what all draws of a run share
    error: float  # the run's own, root mean square: of a share, or in standard deviations of the balance
    stated: float  # error over the standard error that a run states of it, both root mean square; 1 is right


class Runs(NamedTuple):
    """Runs of independent draws: final balance and surplus of the middle year, arrays (run, draw), yuan."""

    balance: np.ndarray
    surplus: np.ndarray


def sampled(scenario: Scenario, draws: int, runs: int, plain: bool, first_seed: int = FIRST_SEED) -> Runs:
    """Runs of the history table, each with another seed: on its own draws, or on plain independent normals."""
    wide, middle = len(dimensions(scenario)), scenario.years // 2
    found = []
    for seed in range(first_seed, first_seed + runs):
        at = stream(seed, "plain draws").standard_normal((draws, wide)) if plain else None
        data = simulate(scenario, draws, seed, "table", at=at).data
        found.append((data["balance_end"].values[:, -1, 0], data["surplus"].values[:, middle, 0]))
    balance, surplus = (np.stack(part) for part in zip(*found, strict=True))
    return Runs(balance, surplus)


def worth(scenario: Scenario, draws: int = AT_REST, repeats: Repeats = FULL) -> list[Worth]:
    """What so many draws are worth for the 5 % quantile and the mean of the final balance, and a chance of deficit.

    The deficit is the middle year's; the mean is of balances held within `EDGES`. Plain runs say how wide they are
    spread, for the mean; for shares the law of plain draws is known. Intervals are the bootstrap's, over runs.
    """
    ours, others = sampled(scenario, draws, repeats.ours, False), sampled(scenario, draws, repeats.plain, True)
    line = np.quantile(ours.balance, TAIL)
    below, deficit = (ours.balance < line).astype(float), (ours.surplus < 0).astype(float)
    chance, edges = float(deficit.mean()), np.quantile(ours.balance, EDGES)
    quantiles = np.quantile(ours.balance, TAIL, axis=1)
    stated = np.stack([np.quantile(ours.balance[:, r::REPLICATES], TAIL, axis=1) for r in range(REPLICATES)])
    return [
        priced("5 % quantile of the final balance", below, TAIL * (1 - TAIL), TARGET,
               quantiles.std(ddof=1) / root_mean_square(stated.std(axis=0, ddof=1) / np.sqrt(REPLICATES))),
        priced("chance of a deficit in the middle year", deficit, chance * (1 - chance)),
        priced("mean of the final balance", ours.balance.clip(*edges) / others.balance.clip(*edges).std(), 1.0)]


def by_scrambling(values: np.ndarray) -> np.ndarray:
    """Means (run, scrambling) of values (run, draw)."""
    return np.stack([values[:, r::REPLICATES].mean(axis=1) for r in range(REPLICATES)], axis=1)


def priced(what: str, values: np.ndarray, variance: float, target: int | None = None,
           stated: float | None = None) -> Worth:
    """The worth for the mean of values (run, draw) whose plain draws have this variance.

    Scramblings are independent, so a run's squared error is the variance between them over their number.

    >>> plain = stream(1, "plain").standard_normal((200, 256))
    >>> round(priced("mean", plain, 1.0).plain_draws, -1)
    250.0
    """
    means = by_scrambling(values)

    def equal(some: np.ndarray) -> np.ndarray:  # (..., scrambling) to draws
        return variance * REPLICATES / some.var(axis=-1, ddof=1)

    again = stream(0, "bootstrap").integers(len(means), size=(RESAMPLED, len(means)))
    low, high = np.quantile(equal(means[again].reshape(RESAMPLED, -1)), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    found = float(equal(means.ravel()))
    if stated is None:
        stated = values.mean(axis=1).std(ddof=1) / root_mean_square(means.std(axis=1, ddof=1) / np.sqrt(REPLICATES))
    return Worth(what, found, float(low), float(high), target, None if target is None else found >= target,
                 float(variance / values.mean(axis=1).var(ddof=1)), float(np.sqrt(variance / found)), float(stated))


def root_mean_square(values: np.ndarray) -> float:
    """The root of the mean square.

    >>> root_mean_square(np.array([3.0, -3.0]))
    3.0
    """
    return float(np.sqrt(np.mean(values**2)))


def jobs() -> dict[str, Scenario]:
    """What is measured: the benchmark's reference job and two scenarios."""
    names = ("urrbmi_county_2026", "shandong_nrcms_2011")
    return {"benxi_2008, 100,000 insured": scaled(load_scenario("benxi_2008"), 100_000)} | {
        name: load_scenario(name) for name in names}


def measured(draws: int, repeats: Repeats) -> Iterator[tuple[str, Worth]]:
    """Every scenario's answers, as they come."""
    for name, scenario in jobs().items():
        for row in worth(scenario, draws, repeats):
            yield name, row


def line_of(name: str, row: Worth) -> str:
    """One answer as text.

    >>> line_of("benxi", Worth("mean", 4e6, 3e6, 5.5e6, None, None, 4e6, 0.01, 1.0))[:60].split("  ")[0]
    'benxi: mean'
    """
    verdict = {True: "met", False: "missed", None: ""}[row.met]
    target = f">= {row.target:,}" if row.target else ""
    return (f"{f'{name}: {row.what}':<70}  {row.plain_draws:>11,.0f}  ({row.low:,.0f} to {row.high:,.0f})  "
            f"{row.by_run:>11,.0f}  {row.stated:>5.2f}  {target}  {verdict}").rstrip()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.draws", description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=AT_REST, metavar="N", help=f"of a run (default {AT_REST})")
    parser.add_argument("--quick", action="store_true", help="a look: fewer runs, wider intervals")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    options = parser.parse_args()
    rows = measured(options.draws, QUICK if options.quick else FULL)
    if options.json:
        print(json.dumps([{"scenario": name} | row._asdict() for name, row in rows], indent=2))
        return
    print(f"{options.draws:,} draws; how many plain draws make the same error, with its 95 % interval; the same "
          "by whole runs; error over what a run states")
    for name, row in rows:
        print(line_of(name, row), flush=True)


if __name__ == "__main__":
    main()
