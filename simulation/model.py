"""The model, read top to bottom: a scenario becomes futures, a year at a time, and an account.

A year is: people change; people enrol; the year is financed; care is used; bills are settled and paid
for; the fund closes. Only this file knows that order.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from simulation.engines import histories, individual
from simulation.records import Costs, Futures, Spending
from simulation.results import Result, pack
from simulation.scenario import Scenario, compile_rules, load_scenario
from simulation.steps import enrolment, financing, fund, population, utilisation
from simulation.terms import refuse, words
from simulation.trees import dense

SMALL_POOL = 20_000  # insured people below which chance between people matters enough for the exact engine
ENGINES = ("auto", "table", "exact")
MAX_DRAWS = 131_072


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
    axes = scenario.axes.members()
    years = scenario.horizon()
    policies = scenario.policies()
    levers = lambda section, name, over: np.stack(  # noqa: E731 - one lever over the years, shape (t, *over)
        [dense(getattr(getattr(policy, section), name).value, over, axes) for policy in policies])
    futures = futures_of(scenario.model_copy(update={"changes": ()}).text(), draws, seed)

    # People change, and people enrol.
    residents = population.residents(scenario.value("people", "residents", ("group", "status")),
                                     scenario.value("people", "population_growth", ("group",)), len(years))
    contribution = levers("financing", "contribution", ("group", "status"))
    baseline = dense(scenario.policy.financing.contribution.value, ("group", "status"), axes)
    insured = enrolment.insured(residents, scenario.value("people", "take_up", ("group", "status")),
                                contribution, baseline, futures)

    # The year is financed.
    subsidy = levers("financing", "subsidy", ("group", "status"))
    individual_income = financing.individual_income(
        insured, contribution, subsidy, float(scenario.value("people", "returner_share")),
        levers("enrolment", "arrears_share", ()))
    subsidy_by_level = financing.subsidy_by_level(
        insured, subsidy, levers("financing", "subsidy_weights", ("level",)),
        levers("financing", "city_school_weights", ("level",)),
        scenario.value("people", "city_school_share", ("group",)))

    # Care is used; bills are settled and paid for.
    new_share = float(scenario.value("people", "new_share"))
    contributed = enrolment.contribution_years(new_share, len(years))
    waiting = levers("enrolment", "waiting_months", ("group",))
    care = [utilisation.care_in(scenario, t, enrolment.covered_share(new_share, waiting[t]), contributed[t])
            for t in range(len(years))]
    distinct = {id(policy): policy for policy in policies}
    compiled = {name: compile_rules(scenario, policy) for name, policy in distinct.items()}
    rules = [compiled[id(policy)] for policy in policies]
    if engine == "auto":
        engine = "exact" if insured[:, 0].sum(axis=(1, 2)).mean() < SMALL_POOL else "table"
    spend = spend or {"table": histories.spend, "exact": individual.spend}[engine]
    spending = spend(rules, care, costs_of(scenario), insured, thresholds_of(scenario), futures, seed)

    # The fund closes its year.
    people = insured.sum(axis=(2, 3))
    expenditure = spending.basic + levers("financing", "premium", ()) * people
    receipts = individual_income + subsidy_by_level.sum(axis=2) + float(scenario.value("account", "other_income"))
    income, surplus, balance = fund.account(
        futures.opening, receipts, expenditure, float(scenario.value("account", "interest_rate")))
    return pack(scenario, draws, seed, engine, insured, individual_income, subsidy_by_level, income,
                expenditure, surplus, balance, futures.opening, spending,
                levers("lines", "surplus_ratio", ()), levers("lines", "balance_ratio", ()))


@lru_cache(maxsize=4)
def futures_of(text: str, draws: int, seed: int) -> Futures:
    """The futures of a scenario, by its text without any change: no lever moves them, so they are kept."""
    return utilisation.futures(Scenario.model_validate_json(text), draws, seed)


def costs_of(scenario: Scenario) -> Costs:
    """How a scenario's bills are distributed."""
    return Costs(
        expense=scenario.value("utilisation", "expense", ("tier",)),
        log_sd=scenario.value("utilisation", "expense_log_sd", ("tier",)),
        chronic_expense=float(scenario.value("utilisation", "chronic_expense")),
        chronic_log_sd=float(scenario.value("utilisation", "chronic_log_sd")),
        eligible=scenario.value("utilisation", "eligible_share", ("kind", "tier")),
        dispersion=float(scenario.value("utilisation", "dispersion")),
    )


def thresholds_of(scenario: Scenario) -> np.ndarray:
    """Out-of-pocket spending in yuan beyond which each year's is catastrophic, shape (t,)."""
    growth = (1 + float(scenario.value("account", "income_growth"))) ** np.arange(scenario.years)
    return float(scenario.value("account", "catastrophic_fraction")) * float(scenario.value("account",
                                                                                            "income_per_head")) * growth


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
