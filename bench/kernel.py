"""The benefit rules on many people at once: `settle_people`, the same rules in numpy, and two peers.

The peers run in an environment of their own (requirements-bench.txt), which `run.py bench` makes; without it the lines
say so. Everybody's payments are compared, so that all settle the same schedule.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from bench.pool import inputs_of
from bench.timing import Row, in_turn, ratio_of
from simulation import load_scenario
from simulation.engines.settling import settle_people
from simulation.records import Rules
from simulation.steps.benefits import BASIC, CRITICAL, settle_year
from simulation.streams import stream

SCENARIO, PEOPLE, INPATIENT = "urrbmi_county_2026", 1_000_000, 0
NUMPY_TIMES, PEER_TIMES = 5, 12
APART = 0.05  # yuan between single and double precision, of payments up to some hundred thousand
PEERS = ("openfisca_core", "policyengine_core")
FORMS = {"scales": ", with its own scales", "bare": ", numpy alone in its formulas"}
PYTHON = "SANDBOX_PEERS"  # environment variable: the Python that has the peers


def schedule() -> Rules:
    """One stay: deductible by tier, rate by tier and group, ceiling, and a critical-illness layer in bands."""
    rules = inputs_of(load_scenario(SCENARIO), 16)[0][0]
    return rules._replace(has_fee=False, has_assistance=False, has_kind_ceiling=False)


def people(many: int, rules: Rules) -> dict[str, np.ndarray]:
    """A tier, a group and in-policy expense for each person."""
    rng = stream(1, "people of the kernel")
    return {"tier": rng.integers(rules.rate.shape[2], size=many, dtype=np.uint8),
            "cell": rng.integers(rules.rate.shape[3], size=many, dtype=np.uint8),
            "eligible": rng.lognormal(8.5, 1.0, many)}


def in_numpy(rules: Rules, each: dict[str, np.ndarray]) -> dict:
    """The same rules on numpy's arrays."""
    out: dict = {}
    kinds = len(rules.annual)
    settle_year(rules, each["cell"], 0, 0.0, [INPATIENT], each["tier"][None], [0.0], [0.0], each["eligible"][None],
                [0.0] * kinds, [0.0] * kinds, out)
    return out


def compiled(rules: Rules, each: dict[str, np.ndarray], threads: int = 1) -> dict:
    """The rules as machine code."""
    return settle_people(rules, each["cell"], 0, 0.0, (INPATIENT,), each["tier"][None], each["eligible"][None],
                         threads=threads)


def measured(many: int, runs: int) -> Iterator[Row]:
    """Every line; each is timed when it is asked for."""
    rules = schedule()
    each = people(many, rules)
    single = each | {"eligible": each["eligible"].astype(np.float32)}
    expected, ours = in_numpy(rules, each), compiled(rules, each)
    for amount in (BASIC, CRITICAL):
        np.testing.assert_array_equal(ours[0, amount], expected[0, amount])
    compiled(rules, single)
    taken = in_turn({"numpy": lambda: in_numpy(rules, each), "ours": lambda: compiled(rules, each),
                     "two": lambda: compiled(rules, each, 2), "single": lambda: compiled(rules, single)}, runs)
    yield Row(f"benefit rules in numpy, {many:,} people", runs, median(taken["numpy"]))
    ratio = ratio_of(taken, "numpy", "ours")
    yield Row("    as machine code, one thread", runs, median(taken["ours"]), ratio, "times numpy",
              f">= {NUMPY_TIMES} times", ratio >= NUMPY_TIMES)
    yield Row("    two threads", runs, median(taken["two"]), ratio_of(taken, "ours", "two"), "times one thread")
    yield Row("    single precision in and out, as the peers have it", runs, median(taken["single"]),
              ratio_of(taken, "numpy", "single"), "times numpy")
    yield from peers(rules, single, expected, median(taken["single"]), runs)


def peers(rules: Rules, each: dict[str, np.ndarray], expected: dict, ours: float, runs: int) -> Iterator[Row]:
    """The peers beside our time, single precision on both sides."""
    python = os.environ.get(PYTHON, "")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "people.npz"
        np.savez(file, tier=each["tier"].astype(np.int32), cell=each["cell"].astype(np.int32),
                 eligible=each["eligible"], basic=expected[0, BASIC], critical=expected[0, CRITICAL],
                 first=rules.first[INPATIENT], rate=rules.rate[0, INPATIENT], ceiling=rules.ceiling,
                 critical_due=rules.critical_due, critical_ceiling=rules.critical_ceiling,
                 critical_lower=rules.critical_lower, critical_rate=rules.critical_rate)
        for package in PEERS:
            name = package.replace("_", "-")
            found = asked(python, package, file, runs) if python else None
            if found is None:
                yield Row(f"    {name}: not installed, not measured", 0, None, target=f">= {PEER_TIMES} times")
                continue
            for form, words in FORMS.items():
                took, apart = found[form]["seconds"], found[form]["apart"]
                if apart > APART:
                    raise AssertionError(f"{name} pays up to {apart} yuan more or less than the sandbox")
                held = form == "scales"
                yield Row(f"    {found['package']}{words}", runs, took, took / ours, "times ours",
                          f">= {PEER_TIMES} times" if held else "", took >= PEER_TIMES * ours if held else None)


def asked(python: str, package: str, file: Path, runs: int) -> dict | None:
    """What a peer answers, or nothing where it cannot be run."""
    program = Path(__file__).with_name("peers.py")
    done = subprocess.run([python, str(program), package, str(file), str(runs)], capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
