"""Every lever acts: moved inside its bounds it changes the result, in the direction its declaration says."""

import json
from functools import lru_cache
from hashlib import blake2b

import pytest

from bench.pool import scaled
from simulation import load_scenario, settle, simulate
from simulation.__main__ import main
from simulation.measures import chances
from simulation.policy import policy_terms
from simulation.scenario import Change, lever_value
from simulation.terms import Source, Term

BOOK = load_scenario("benxi_2008")
STATED = Source(status="assumption")
TERMS = {name: term for name, _, term, _ in BOOK.levers()}
PARAMETERS = [f"{section}.{name}" for section, name, _ in policy_terms()]
ON_BILLS_ONLY = {"benefits.referral_credit"}  # who is referred where is known for a person's bills, not for a city

# What must be set beside a lever before it can act in Benxi, and why.
BESIDE = {
    # The city bears the pupils' subsidy alone: more parts for it are still all parts.
    "financing.city_school_weights.city": {"financing.city_school_weights.county": 40},
    # Already the second stay at level 1 is at the floor, and no greater fall goes below it.
    "benefits.deductible_step.level_1": {"benefits.deductible_floor": 0},
    # Benxi has no medical assistance: nothing to start later or to stop earlier.
    "benefits.assistance_deductible": {"benefits.assistance_rate": 0.5},
    "benefits.assistance_ceiling": {"benefits.assistance_rate": 0.5},
}

# Where the exact engine's few people need another leaf, or a greater move, than the table does.
IN_A_SMALL_POOL = {
    "enrolment.waiting_months": ("enrolment.waiting_months.senior", 0, 12),
    "benefits.deductible_step": ("benefits.deductible_step.level_2", 0, 150),
    "benefits.critical_ceiling": ("benefits.critical_ceiling", 1000, 100000),
}


def moves(name: str) -> list[tuple]:
    """Pairs of values, the first below the second: a lever as it stands with one above and one below."""
    value, term = lever_value(BOOK, name), TERMS[name]
    if term.choices:
        return [(value, other) for other in term.choices if other != value]
    if value is None:  # no limit, above every limit
        return [(5000, None)]
    size = max(0.3 * abs(value), term.step)
    low, high = max(value - size, term.low), min(value + size, term.high)
    return [pair for pair in ((low, value), (value, high)) if pair[0] < pair[1]]


SETTINGS = {"table": (BOOK, 256), "exact": (scaled(BOOK, 3_000), 128)}


@lru_cache(maxsize=8)
def answers(engine: str, *settings: tuple) -> tuple[dict[str, float], str]:
    """Means over draws and years of every output, and a digest of all numbers, under some settings."""
    scenario, draws = SETTINGS[engine]
    result = simulate(scenario.changed(Change(lever=lever, year=scenario.first_year, value=value, source=STATED)
                                       for lever, value in settings), draws, seed=1, engine=engine)
    means = {name: float(values.mean()) for name, values in result.data.items()}
    means |= {f"subsidy_by_level.{level}": float(result.data["subsidy_by_level"].sel(level=level).mean())
              for level in BOOK.axes.level}
    means |= chances(result).groupby("event")["value"].mean().to_dict()
    digest = blake2b(b"".join(result.data[name].values.tobytes() for name in sorted(result.data)
                              if name not in ("surplus_line", "balance_line"))).hexdigest()
    return means, digest


def check(engine: str, name: str, low: object, high: object, term: Term) -> None:
    """A lever changes the result between two values, and each output it acts on moves as declared."""
    beside, stands = tuple(BESIDE.get(name, {}).items()), lever_value(BOOK, name)
    (before, numbers), (after, others) = (
        answers(engine, *beside, *([] if value == stands else [(name, value)])) for value in (low, high))
    assert numbers != others or before != after, f"{name} does nothing from {low} to {high}"
    for output, sign in term.acts.items():
        place = f"{output}.{name.rsplit('.', 1)[1]}" if output == "subsidy_by_level" else output
        assert sign * (after[place] - before[place]) > 0, (name, low, high, place)


@pytest.mark.parametrize("name", [name for name in TERMS if name not in ON_BILLS_ONLY])
def test_a_lever_moves_the_table_as_declared(name: str) -> None:
    pairs = moves(name)
    assert pairs
    for low, high in pairs:
        check("table", name, low, high, TERMS[name])


@pytest.mark.parametrize("parameter", [name for name in PARAMETERS if name not in ON_BILLS_ONLY])
def test_a_parameter_moves_the_exact_engine_as_declared(parameter: str) -> None:
    first = next(name for name in TERMS if name == parameter or name.startswith(f"{parameter}."))
    name, low, high = IN_A_SMALL_POOL.get(parameter, (first, *moves(first)[-1]))
    check("exact", name, low, high, TERMS[name])


def paid(credit: float, referred_from: str | None) -> float:
    """What the fund pays for a stay at level 1 and one at level 3, with or without a referral."""
    scenario = BOOK.changed([Change(lever="benefits.referral_credit", year=2008, value=credit, source=STATED)])
    return settle(scenario, {"person": {"group": "adult"}, "bills": [
        {"kind": "inpatient", "tier": "level_1", "expense": 3000.0, "eligible": 3000.0},
        {"kind": "inpatient", "tier": "level_3a", "expense": 9000.0, "eligible": 9000.0,
         "referred_from": referred_from}]})["year"]["basic"]


def test_every_rise_of_the_credit_on_referral_pays_more_for_a_referred_bill() -> None:
    assert TERMS["benefits.referral_credit"].acts == {"expenditure": 1}
    payments = [paid(credit, "level_1") for credit in (0.0, 0.1, 0.25, 0.5, 1.0)]
    assert payments == sorted(set(payments))


def test_the_credit_on_referral_leaves_other_bills_alone() -> None:
    assert paid(0.0, None) == paid(1.0, None)


def test_every_parameter_has_a_leaf_and_every_leaf_a_parameter() -> None:
    assert {".".join(name.split(".")[:2]) for name in TERMS} == set(PARAMETERS)


def test_every_parameter_but_a_choice_says_what_it_acts_on() -> None:
    known = set(answers("table")[0])
    for section, name, term in policy_terms():
        assert bool(term.acts) != bool(term.choices), f"{section}.{name}"
        assert set(term.acts) <= known and set(term.acts.values()) <= {1, -1}


def test_the_command_line_prints_the_declared_signs(capsys) -> None:
    assert main(["levers", "benxi_2008", "--json"]) == 0
    assert {row["name"]: row["sign"] for row in json.loads(capsys.readouterr().out)} == {
        name: term.acts for name, term in TERMS.items()}
