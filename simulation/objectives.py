"""What a policy is judged by, and when one policy beats another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.stats import t as student

from simulation.loading import parsed
from simulation.measures import happened
from simulation.model import simulate
from simulation.results import Result
from simulation.scenario import PAYERS, Change, Scenario
from simulation.streams import REPLICATES, error_of
from simulation.terms import Source, Words, words

# What a policy is judged by, the less the better: title and unit. From the year the levers move in to the last.
OBJECTIVES: dict[str, tuple[Words, str]] = {
    "deficit_risk": (words("赤字风险（最差年份的赤字概率）", "Deficit risk: its chance in the worst year"), "share"),
    "hoarding_risk": (words("结余过多风险（累计结余率超限的年份占比）",
                            "Hoarding risk: share of years with the cumulative surplus over its line"), "share"),
    "out_of_pocket_share": (words("个人负担占医疗总费用的比例", "Out-of-pocket share of total expense"), "share"),
    "public_money": (words("人均公共资金", "Public money a resident"), "yuan_person_year"),
}
# How a policy stands beside the present one; a difference within noise counts for nothing.
VERDICTS: dict[str, Words] = {
    "present": words("当前方案", "The current plan"),
    "better": words("优于当前方案", "Better than the current plan"),
    "worse": words("劣于当前方案", "Worse than the current plan"),
    "mixed": words("各有得失", "Better in some, worse in others"),
    "alike": words("不能区分", "Cannot be told apart"),
}
# What counts as public money beside the subsidies to the fund, in which the deficits made good are counted already.
PUBLIC = ("subsidy_income", "assisted_income", "special_fund", "assistance")
SEARCHED = Source(status="assumption", note=words("方案搜索给出", "set by the search"))
LEVEL = 0.95  # of confidence, beyond which a difference between two policies counts
CLEAR = float(student.ppf((1 + LEVEL) / 2, REPLICATES - 1))  # standard errors, of as many scramblings


def judge(question: dict) -> dict:
    """The objectives of one policy, from plain data to plain data: so that it can be asked for anywhere.

    `question`: `scenario` (its text), `edits` (lever, year, value), `since`, `draws`, `seed`, `engine`. The answer:
    `objectives` and, by scrambling, `replicates`; `deficit_year`; `take_up`; the `engine` that ran.
    """
    scenario = changed(parsed(question["scenario"]), question["edits"])
    result = simulate(scenario, question["draws"], question["seed"], question["engine"])
    return objectives(result, question["since"]) | {"engine": result.manifest["engine"]}


def changed(scenario: Scenario, edits: Iterable[Sequence]) -> Scenario:
    """A scenario with some levers set: lever, year from which it holds, value."""
    return scenario.changed(Change(lever=lever, year=year, value=value, source=SEARCHED)
                            for lever, year, value in edits)


def public_money(result: Result) -> np.ndarray:
    """What government pays of the whole fund, (d, t) yuan: subsidies, what is paid in for the poor, the special fund,
    assistance, contract fees.
    """
    of = lambda name: result.data[name].values[:, :, 0]  # noqa: E731
    return sum(map(of, PUBLIC)) + of("contract_fee_by_payer")[..., list(PAYERS).index("public_health")]


def objectives(result: Result, since: int) -> dict:
    """What a run says of each objective from a year on: plain data (see `judge`).

    The worst year is that of all draws together, also within a scrambling; the whole fund where there are counties.
    """
    data, first = result.data, since - result.scenario.first_year
    hits = {event: hit[:, first:] for event, hit in happened(result).items()}
    of = lambda name: data[name].values[:, first:, 0].sum(axis=1)  # noqa: E731
    worst = int(hits["p_deficit"].mean(axis=0).argmax())
    public, people = public_money(result)[:, first:].sum(axis=1), of("residents")
    own, expense = of("out_of_pocket"), of("expense")

    def told(part: slice) -> list[float]:
        return [float(hits["p_deficit"][part, worst].mean()), float(hits["p_balance_over"][part].mean()),
                float(own[part].sum() / expense[part].sum()), float(public[part].sum() / people[part].sum())]

    return {"objectives": told(slice(None)),
            "replicates": [told(slice(r, None, REPLICATES)) for r in range(REPLICATES)],
            "deficit_year": int(data["year"].values[first + worst]),
            "take_up": float(data["take_up"].values[:, first:, 0].mean())}


def means(rows: Sequence[dict]) -> np.ndarray:
    """Objectives (policy, objective)."""
    return np.array([row["objectives"] for row in rows])


def undominated(values: np.ndarray) -> np.ndarray:
    """The rows of objectives (policy, objective) that no other row beats, taking them as they stand.

    >>> undominated(np.array([[1.0, 2.0], [2.0, 1.0], [2.0, 2.0]])).tolist()
    [0, 1]
    """
    return np.flatnonzero([not ((values <= row).all(axis=1) & (values < row).any(axis=1)).any() for row in values])


def beats(replicates: np.ndarray, values: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """How policy n stands beside every policy: where it is better and where it is worse, each (policy, objective).

    `replicates` (policy, scrambling, objective), `values` (policy, objective). Only a difference of more than `CLEAR`
    standard errors counts; all policies are judged on the same draws, so it is the difference of each scrambling.
    """
    gap = replicates[n] - replicates
    less = values[n] - values
    # rounding of the arithmetic is no difference
    beyond = np.maximum(CLEAR * error_of(gap, axis=1), 1e-12 * np.abs(values).max(axis=0))
    return less < -beyond, less > beyond
