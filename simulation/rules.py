"""The benefit rules of a year as arrays."""

from __future__ import annotations

import numpy as np

from simulation.policy import Policy
from simulation.records import Rules
from simulation.scenario import Scenario
from simulation.terms import Given
from simulation.trees import dense, dense_bands


def unlimited(given: Given) -> float:
    """A limit in yuan, infinite where none is set."""
    return np.inf if given.value is None else float(given.value)


def ceiling_of(scenario: Scenario, policy: Policy, year: int | None = None) -> float:
    """The fund's yearly ceiling of a person under a policy, yuan: a sum, or a multiple of a year's income.

    >>> from simulation import load_scenario
    >>> scenario = load_scenario("benxi_2008")
    >>> ceiling_of(scenario, scenario.base_policy())
    30000.0
    """
    b = policy.benefits
    return max(unlimited(b.ceiling), float(b.ceiling_multiple.value) * scenario.income_per_head(year))


def assisted(contribution: np.ndarray, paid_for: np.ndarray) -> np.ndarray:
    """What medical assistance pays in for a person, (..., g, s) yuan, of what a status is spared of its group's highest
    contribution; shares `paid_for` (..., s). Source: digest P2, P5.

    >>> assisted(np.array([[400.0, 150.0, 0.0]]), np.array([0.0, 0.5, 1.0])).tolist()
    [[0.0, 125.0, 400.0]]
    """
    return paid_for[..., None, :] * (contribution.max(axis=-1, keepdims=True) - contribution)


def compile_rules(scenario: Scenario, policy: Policy, year: int | None = None) -> Rules:
    """The benefit rules of a year's policy as arrays (see `Rules` for shapes and units)."""
    axes = scenario.axes.members()
    b, contracts = policy.benefits, policy.contracts
    primary = scenario.marked("primary")
    first = dense(b.deductible.value, ("kind", "tier"), axes)
    lower, upper, rate = dense_bands(b.rate.value, "group", ("kind", "tier"), axes)
    essential = dense(b.essential_rate.value, ("tier",), axes)
    share = scenario.value("utilisation", "essential_share", ("tier",))
    rate[:, 0] += share[:, None] * np.maximum(essential[:, None] - rate[:, 0], 0.0) * (rate[:, 0] > 0)
    bonus = dense(contracts.rate_bonus.value, ("tier",), axes)[:, None]
    rate = np.concatenate([rate, np.minimum(rate + bonus * (rate > 0), 1.0)], axis=3)
    critical_lower, critical_upper, critical_rate = dense_bands(b.critical_rate.value, None, (), axes)
    assistance_rate = dense(b.assistance_rate.value, ("status",), axes)
    commercial_rate = dense(b.commercial_rate.value, ("tier",), axes)
    kind_ceiling = dense(b.kind_ceiling.value, ("kind",), axes)
    waived = np.repeat([0.0, float(contracts.waived_visits.value)], len(axes["group"]))
    fee_price = float(scenario.value("utilisation", "consultation_fee")) * primary
    fee = np.minimum(float(b.consultation_paid.value), fee_price)
    return Rules(
        counts=np.array([float(kind != "outpatient") for kind in axes["kind"]]),
        first=first,
        annual=np.array([0.0 if kind == "inpatient" else 1.0 for kind in axes["kind"]]),
        step=dense(b.deductible_step.value, ("tier",), axes),
        floor=float(b.deductible_floor.value),
        lower=lower, upper=upper, rate=rate,
        bonus=float(b.contribution_bonus.value),
        limit=float(b.rate_limit.value),
        ceiling=ceiling_of(scenario, policy, year),
        has_kind_ceiling=bool(np.isfinite(kind_ceiling).any()),
        kind_ceiling=kind_ceiling,
        has_fee=bool(fee.any() or waived.any()),
        fee=fee, fee_price=fee_price, waived=waived,
        credit=float(b.referral_credit.value),
        has_critical=bool(critical_rate.any()),
        above_ceiling=float(b.critical_base.value == "above_ceiling"),
        critical_due=float(b.critical_deductible.value),
        critical_lower=critical_lower, critical_upper=critical_upper, critical_rate=critical_rate[:, 0].copy(),
        critical_ceiling=unlimited(b.critical_ceiling),
        has_assistance=bool(assistance_rate.any()),
        assistance_rate=assistance_rate,
        assistance_due=float(b.assistance_deductible.value),
        assistance_ceiling=unlimited(b.assistance_ceiling),
        has_commercial=bool(commercial_rate.any()),
        commercial_rate=commercial_rate,
        commercial_due=float(b.commercial_deductible.value),
        commercial_ceiling=unlimited(b.commercial_ceiling),
    )
