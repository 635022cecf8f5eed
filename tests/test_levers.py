"""Every lever acts: in every scenario it changes the result when moved, in the direction its declaration says."""

import json
from functools import lru_cache

import numpy as np
import pytest

from bench.pool import inputs_of, scaled
from simulation import load_scenario, settle, simulate
from simulation.__main__ import main
from simulation.loading import LIBRARY
from simulation.measures import chances
from simulation.policy import SECTIONS, policy_terms
from simulation.results import ALONG
from simulation.scenario import Change, Scenario, find_lever, lever_value
from simulation.steps.utilisation import futures
from simulation.terms import Source
from tests.coarse import coarse

STATED = Source(status="assumption")
NAMES = sorted(path.stem for path in LIBRARY.glob("*.yaml"))
EVERY_LEAF = ("urrbmi_county_2026", "benxi_2008", "shandong_nrcms_2011")
YEARS = 2  # a rise a year, a late payment and a deficit act from the second year on
PARAMETERS = [f"{section}.{name}" for section, name, _ in policy_terms()]
TERMS = {f"{section}.{name}": term for section, name, term in policy_terms()}

# The direct effect is measured with behaviour switched off, but what these do is only through behaviour.
BY_BEHAVIOUR = {"enrolment.awareness", "care.referral_required", "care.capability"}
OFF = {f"responses.{name}": 0 for name in SECTIONS["responses"].terms()}

DEFICIT = {"financing.premium": 500}  # enough to put any fund of the library in the red
# What is set beside a parameter, besides what its declaration needs, before all of its leaves can act.
BESIDE = {
    # They count the years since the standard was last set: it is set once, and never again.
    "financing.contribution_step": {"financing.contribution": 100},
    "financing.subsidy_step": {"financing.subsidy": 300},
    # They act on a gap, and most funds have none.
    "lines.deficit_subsidy": DEFICIT, "lines.deficit_contribution": DEFICIT, "lines.deficit_cut": DEFICIT,
    # The floor and the fall of the deductible hold each other; so do the two ways to state a ceiling.
    "benefits.deductible_step": {"benefits.deductible_floor": 0},
    "benefits.deductible_floor": {"benefits.deductible_step": 150},
    "benefits.ceiling": {"benefits.ceiling_multiple": 0},
    "benefits.ceiling_multiple": {"benefits.ceiling": 0},
    # The bonus has a limit, and the limit acts on a bonus.
    "benefits.contribution_bonus": {"benefits.rate_limit": 1},
    "benefits.rate_limit": {"benefits.contribution_bonus": 0.1},  # and a rate just below it, see `beside`
    # Layers that a rule book may not have.
    "benefits.critical_base": {"benefits.critical_rate": 0.5},
    "benefits.critical_deductible": {"benefits.critical_rate": 0.5},
    "benefits.critical_ceiling": {"benefits.critical_rate": 0.5},
    "benefits.assistance_deductible": {"benefits.assistance_rate": 0.5},
    "benefits.assistance_ceiling": {"benefits.assistance_rate": 0.5},
    # A line across what comes out has to lie inside its bounds.
    "lines.surplus_ratio": {"financing.subsidy": 2000}, "lines.balance_ratio": {"financing.subsidy": 2000},
    # Responses answer a change of policy.
    "responses.enrolment": {"enrolment.awareness": 0.9},
    "responses.demand": {"benefits.class_b_first_pay": 0.5},
    "responses.tier_choice": {"care.referral_required": 1},
    "responses.providers": {"payment.method": 1},
}

# The lines and what is held against them.
WARNINGS = {f"lines.{name}": name for name in ("surplus_ratio", "balance_ratio", "reserve_months")}

# A value far enough from the one that stands, where a third of it would still be out of reach.
REACH = {
    "supervision.class_a_minimum": 1,  # institutions keep to a low minimum already
    "benefits.essential_rate": 1,  # acts above the general rate
}


@lru_cache
def book(name: str) -> Scenario:
    """A scenario over its first years."""
    scenario = load_scenario(name)
    return scenario.model_copy(update={"years": min(scenario.years, YEARS)})


def parameter_of(lever: str) -> str:
    return ".".join(lever.split(".")[:2])


def stands(scenario: Scenario, lever: str) -> object:
    """A lever's value in the last year."""
    return lever_value(scenario, lever, scenario.horizon()[-1])


def leaves_of(scenario: Scenario) -> list[str]:
    """Every lever leaf; one number for all parts of a whole has none to move against another, so each part is one."""
    found = []
    for lever, _, term, _ in scenario.levers(scenario.horizon()[-1]):
        whole = term.unit == "weight" and lever == parameter_of(lever)
        found += [f"{lever}.{part}" for part in scenario.axes.members()[term.axes[0]]] if whole else [lever]
    return found


def walked(name: str) -> dict[str, list[str]]:
    """The leaves to move, by parameter: all, or one of each and all those that the rule book has switched on."""
    scenario = book(name)
    by_parameter: dict[str, list[str]] = {}
    for lever in leaves_of(scenario):
        if can_act(scenario, lever):
            by_parameter.setdefault(parameter_of(lever), []).append(lever)
    if name in EVERY_LEAF:
        return by_parameter
    return {parameter: [lever for n, lever in enumerate(leaves) if n == 0 or switched_on(scenario, lever)]
            for parameter, leaves in by_parameter.items()}


def switched_on(scenario: Scenario, lever: str) -> bool:
    """Whether a lever that may be absent from a rule book is in this one."""
    section, name, path, _ = find_lever(lever)
    default = SECTIONS[section].model_fields[name].default
    if not hasattr(default, "value"):
        return False
    off = default.value[path[0]] if isinstance(default.value, dict) else default.value
    return stands(scenario, lever) != off


def can_act(scenario: Scenario, lever: str) -> bool:
    """Whether the scenario has anybody whom a leaf could concern: users of a tier, pupils with a rule of their own."""
    parameter, path = parameter_of(lever), lever.split(".")[2:]
    keys = dict(zip(TERMS[parameter].axes, path, strict=False))
    concerned = {"financing.city_school_weights": ("people", "city_school_share", ("group",)),
                 "benefits.essential_rate": ("utilisation", "essential_share", ("tier",))}.get(parameter)
    if "tier" in keys and concerned is None:
        mix = "outpatient_mix" if keys.get("kind") == "outpatient" else "tier_mix"
        concerned = ("utilisation", mix, ("group", "tier"))
    if concerned is None or parameter == "benefits.essential_rate" and not keys:
        return True
    section, name, over = concerned
    used = scenario.value(section, name, over)
    return bool(np.any(used[..., scenario.axes.members()["tier"].index(keys["tier"])] if "tier" in keys else used))


def beside(scenario: Scenario, lever: str) -> tuple[tuple[str, object], ...]:
    """What is set beside a lever so that it can act: behaviour off, what it needs, and a part to share with."""
    parameter, term = parameter_of(lever), TERMS[parameter_of(lever)]
    with_behaviour = parameter in BY_BEHAVIOUR or lever.startswith("responses.")
    settings = ({} if with_behaviour else OFF) | term.needs | BESIDE.get(parameter, {})
    if parameter == "benefits.rate_limit":
        settings = settings | {"benefits.rate": stands(scenario, lever) - 0.05}
    if parameter == "financing.paid_for":  # a status that is spared something
        status = lever.split(".")[2] if lever != parameter else list(scenario.axes.status)[-1]
        settings = settings | {"financing.contribution": 100} | {
            f"financing.contribution.{group}.{status}": 0 for group in scenario.axes.group}
    if term.unit == "weight":
        _, _, (part, *rest), _ = find_lever(lever)
        others = [".".join((parameter, other, *rest)) for other in scenario.axes.members()[term.axes[0]]
                  if other != part]
        if not any(stands(scenario, other) for other in others):
            settings = settings | {others[0]: 40}
    return tuple(settings.items())


def moves(scenario: Scenario, lever: str) -> list[tuple]:
    """Pairs of values, the first below the second: a lever as it stands with one above and one below."""
    value, term = stands(scenario, lever), TERMS[parameter_of(lever)]
    if term.choices:
        return [(value, other) for other in term.choices if other != value]
    if value is None:  # no limit, above every limit
        return [(100, None)] if lever.endswith("outpatient") else [(1000, None)]
    if lever in WARNINGS:  # across the middle of what comes out
        middle = answers("table", scenario.name, *beside(scenario, lever))
        quartiles = [middle[f"{WARNINGS[lever]}.{n}"] for n in range(3)]
        return [*zip(quartiles, quartiles[1:], strict=False)]
    size = max(0.3 * abs(value), term.step)
    low, high = max(value - size, term.low), min(REACH.get(parameter_of(lever), value + size), term.high)
    if lever == "benefits.consultation_paid":  # no more than the fee
        high = min(high, float(scenario.value("utilisation", "consultation_fee")))
    return [pair for pair in ((low, value), (value, high)) if pair[0] < pair[1]]


# Where the exact engine's few people need another leaf, or a greater move, than the table does.
IN_A_SMALL_POOL = {
    "benefits.ceiling": ("benefits.ceiling", 2_000, 20_000),
    "benefits.ceiling_multiple": ("benefits.ceiling_multiple", 0.2, 1),
    "benefits.critical_ceiling": ("benefits.critical_ceiling", 1_000, 10_000),
    "benefits.assistance_ceiling": ("benefits.assistance_ceiling", 500, 5_000),
    "enrolment.waiting_months": ("enrolment.waiting_months.adult", 0, 12),  # a month of children is less than chance
}

POOLS = {("table", name): (book(name), 16) for name in NAMES} | {
    ("exact", name): (scaled(book(name), 3_000), 64) for name in ("benxi_2008", "urrbmi_county_2026")}


def changed(scenario: Scenario, settings: tuple) -> Scenario:
    """A scenario with levers set from its first year on."""
    return scenario.changed(Change(lever=lever, year=scenario.first_year, value=value, source=STATED)
                            for lever, value in settings)


@lru_cache(maxsize=64)
def answers(engine: str, name: str, *settings: tuple) -> dict[str, float]:
    """Means over draws and years of every output under some settings, with chances and the quartiles of warnings."""
    scenario, draws = POOLS[engine, name]
    result = simulate(changed(scenario, settings), draws, seed=1, engine=engine)
    whole = result.data.isel(area=0)
    means = {name: float(whole[name].values.mean()) for name in whole.data_vars}
    means |= {f"{output}.{member}": float(whole[output].sel({axis: member}).values.mean())
              for output, (_, _, axis) in ALONG.items() for member in whole[axis].values}
    means |= {f"{output}.{n}": float(quartile) for output in WARNINGS.values()
              for n, quartile in enumerate(np.quantile(whole[output].values, [0.25, 0.5, 0.75]))}
    return means | chances(result).groupby("event")["value"].mean().to_dict()


def output_of(lever: str, output: str) -> str:
    """The output a leaf acts on: of one along an axis, the member that the leaf names."""
    return f"{output}.{lever.split('.')[2]}" if output in ALONG else output


def faults_of(engine: str, name: str, lever: str, low: object, high: object) -> list[str]:
    """What is wrong with a move: nothing changes, or an output goes the other way than declared, or stays."""
    scenario, term = POOLS[engine, name][0], TERMS[parameter_of(lever)]
    settings, value = beside(scenario, lever), stands(scenario, lever)
    same = lever not in dict(settings) and not any(change.lever.startswith(parameter_of(lever))
                                                   for change in scenario.changes)
    before, after = (answers(engine, name, *settings, *([] if same and moved == value else [(lever, moved)]))
                     for moved in (low, high))
    change = {output: after[output] - before[output] for output in before if not output.endswith("_line")}
    some = {output for output in change if abs(change[output]) > 1e-12 * abs(before[output])}  # more than rounding
    if not some:
        return [f"{lever} does nothing from {low} to {high}"]
    return [f"{place} goes from {before[place]:.10g} to {after[place]:.10g} when {lever} goes from {low} to {high}"
            for output, sign in term.acts.items() for place in [output_of(lever, output)]
            if place not in some or sign * change[place] < 0]


fewer = pytest.fixture(autouse=True, scope="module")(coarse)  # signs do not rest on how many


@pytest.mark.parametrize(("name", "parameter"), [
    (name, parameter) for name in NAMES for parameter in walked(name)])
def test_a_lever_moves_the_table_as_declared(name: str, parameter: str) -> None:
    faults = []
    for lever in walked(name)[parameter]:
        pairs = moves(book(name), lever)
        assert pairs, lever
        faults += [fault for low, high in pairs for fault in faults_of("table", name, lever, low, high)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(("name", "parameter"), [
    (name, parameter) for engine, name in POOLS if engine == "exact" for parameter in walked(name)
    if not parameter.startswith("lines.")])  # the lines come after the engines
def test_a_parameter_moves_the_exact_engine_as_declared(name: str, parameter: str) -> None:
    lever, low, high = IN_A_SMALL_POOL.get(parameter) or (
        walked(name)[parameter][0], *moves(book(name), walked(name)[parameter][0])[-1])
    faults = faults_of("exact", name, lever, low, high)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("parameter", sorted(BY_BEHAVIOUR))
def test_what_is_left_to_behaviour_does_nothing_without_it(parameter: str) -> None:
    still, moved = (answers("table", "urrbmi_county_2026", *OFF.items(), *more)
                              for more in ((), ((parameter, 0.7),)))
    for output in TERMS[parameter].acts:
        assert moved[output] == still[output]


@pytest.mark.parametrize("name", ["benxi_2008", "urrbmi_county_2026"])
def test_no_random_draw_moves_with_a_lever(name: str) -> None:
    scenario = book(name)
    drawn = futures(scenario, 16, 1)
    still = inputs_of(changed(scenario, tuple(OFF.items())), 16, 1)[5]
    for lever, *_ in walked(name).values():
        low, high = moves(scenario, lever)[-1]
        value = low if stands(scenario, lever) == high else high
        other = changed(scenario, (*beside(scenario, lever), *OFF.items(), (lever, value)))
        for field, before, after in zip(drawn._fields, drawn, futures(other, 16, 1), strict=True):
            np.testing.assert_equal(after, before, f"{field} by {lever}")
        # What reaches the engines, where nobody responds: cost and illness of every draw and year.
        if not lever.startswith("responses."):
            found = inputs_of(other, 16, 1)[5]
            for field in ("price", "chronic", "noise"):
                np.testing.assert_array_equal(getattr(found, field), getattr(still, field), f"{field} by {lever}")


def paid(credit: float, referred_from: str | None) -> float:
    """What the fund pays for a stay at level 1 and one at level 3, with or without a referral."""
    scenario = changed(book("benxi_2008"), (("benefits.referral_credit", credit),))
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


def test_every_parameter_is_walked_somewhere_and_no_other() -> None:
    assert {parameter for name in NAMES for parameter in walked(name)} == set(PARAMETERS)


def test_every_parameter_but_choices_and_responses_says_what_it_acts_on() -> None:
    known = set(answers("table", "city_pooling_2012"))
    for parameter, term in TERMS.items():
        assert bool(term.acts) != (bool(term.choices) or parameter.startswith("responses.")), parameter
        assert set(term.acts) <= known and set(term.acts.values()) <= {1, -1}
        assert set(term.needs) <= set(PARAMETERS)


@pytest.mark.parametrize("name", (*EVERY_LEAF, "city_pooling_2012"))
def test_the_command_line_prints_the_declared_signs(name: str, capsys) -> None:
    assert main(["levers", name, "--json"]) == 0
    assert {row["name"]: row["sign"] for row in json.loads(capsys.readouterr().out)} == {
        lever: term.acts for lever, _, term, _ in load_scenario(name).levers()}
