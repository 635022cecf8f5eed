"""Which statistic to collect next: the expected value of perfect information on each assumption, for a decision.

The decision is between options (rule books). Every option has a loss in yuan in every future; today the one with the
least expected loss is chosen. Information is worth what a better choice would save on average.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline

from simulation.assumptions import ASSUMED, uncertain
from simulation.loading import load_scenario, parsed
from simulation.model import check_run, simulate
from simulation.objectives import public_money
from simulation.results import Result
from simulation.scenario import PAYERS, Scenario, clause
from simulation.sensitivity import SEED, assumed, blocks, counted, title_of
from simulation.steps.utilisation import correlated, normals_of
from simulation.streams import REPLICATES, error_of, scramblings
from simulation.terms import Mapper, Progress, Source, Words, refuse, words
from simulation.variance import ROUNDING

DRAWS = 4096
DISCOUNT = 0.05  # a year: China Guidelines for Pharmacoeconomic Evaluations (2020)
PRESENT = "present"  # the option that changes nothing
KNOTS = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])  # of a normal; beyond the last a spline is a straight line
PAIRS = 6  # assumptions of a group up to which every two are let act together
TOLD = 2.0  # standard errors from which a value is told from nothing

# What a future costs, in present yuan over the horizon; each part has a weight, 1 unless said.
PARTS: dict[str, Words] = {
    "contributions": words("个人缴费", "Contributions of residents"),
    "out_of_pocket": words("个人负担的医疗费用", "Out-of-pocket spending"),
    "public": words("财政资金", "Public money"),
    "reserve": words("动用结余（增加结余为负）", "Taken from the reserve (put into it: negative)"),
    "care": words("所得医疗服务的价值（以费用计，为负）", "Worth of the care received, at its cost (negative)"),
    "missing": words("结余最低时低于零的部分", "What is missing at the deepest point below zero"),
    "idle": words("结余最高时超出累计结余率上限的部分", "What lies above the limit of the balance at its highest"),
}
WEIGHED = Source(status="assumption", note=words(
    "各部分权重为 1：谁付的一元都是一元，医疗服务值其费用，区间外的一元等于损失一元",
    "all weights 1: a yuan is a yuan whoever pays it, care is worth what it costs, and a yuan outside the band is a "
    "yuan lost"))
OPTIONS = ("option", "loss", "difference", "se", "best", *PARTS)
VALUES = ("factor", "title_zh", "title_en", "kind", "value", "se", "share", "told", "wrong", "avoided", "avoided_se",
          "help_zh", "help_en", "source_zh", "source_en")


class Information(NamedTuple):
    """What information is worth in a decision.

    `options`: columns `OPTIONS`, a row an option in the order given: its expected loss, how much more that is than the
    chosen one's with the standard error of the difference (yuan), the share of futures in which it is the best, and the
    weighted parts, which add up to the loss. `values`: columns `VALUES`, a row an assumption (`kind` assumption), a
    group of correlated ones (together), all of them (all) and a perfect forecast (everything), the most valuable first:
    what knowing it would save on average with its standard error (yuan), as a share of the perfect forecast's, whether
    that is told from nothing, the share of futures in which the choice would still be wrong, by how much that is less
    than today, and what the assumption says and rests on.
    """

    scenario: str
    chosen: str
    wrong: float  # share of futures in which another option is better than the one chosen today
    options: pd.DataFrame
    values: pd.DataFrame


class Worth(NamedTuple):
    """What knowing something saves in each future, and whether the choice is then still wrong: (n,) each."""

    saved: np.ndarray
    wrong: np.ndarray


def information(scenario: Scenario | str, options: Mapping[str, Scenario], weights: Mapping[str, float] | None = None,
                discount: float = DISCOUNT, draws: int = DRAWS, seed: int = SEED, mapped: Mapper = map,
                progress: Progress | None = None) -> Information:
    """What each uncertain assumption would be worth knowing before choosing between the scenario and its `options`.

    Options differ from the scenario in their rules alone, and all meet the same futures, of the history table.
    `weights` of `PARTS` stand in for 1. Refuses options that do not differ in their rules alone.

    >>> from simulation.scenario import Change
    >>> base = load_scenario("benxi_2008")
    >>> same = base.changed([Change(lever="benefits.ceiling", year=2008, value=30000, source=WEIGHED)])
    >>> found = information(base, {"same": same}, draws=64)
    >>> found.chosen, found.wrong, bool(found.values["told"].any())
    ('present', 0.0, False)
    """
    scenario = load_scenario(scenario) if not isinstance(scenario, Scenario) else scenario
    if PRESENT in options:
        raise refuse(PRESENT, words("是当前方案的名称", "is what the current plan is called"),
                     words("请改名", "give the option another name"))
    offered = {PRESENT: scenario} | dict(options)
    weights = dict.fromkeys(PARTS, 1.0) | dict(weights or {})
    check(offered, weights, discount, draws, seed)
    tasks = [{"scenario": option.text(), "draws": draws, "seed": seed, "weights": weights, "discount": discount}
             for option in offered.values()]
    found = list(counted(mapped(losses, tasks), len(tasks), progress))
    loss = np.array([option["loss"] for option in found]).T
    mean = loss.mean(axis=0)
    chosen = int((mean <= mean.min() + nothing(loss)).argmax())  # of equals the one that comes first
    table = table_of_options(list(offered), loss, chosen, [option["parts"] for option in found])
    return Information(scenario.name, list(offered)[chosen], float(is_worse(loss, loss[:, chosen]).mean()), table,
                       table_of_values(scenario, loss, chosen, seed))


def check(offered: Mapping[str, Scenario], weights: Mapping[str, float], discount: float, draws: int,
          seed: int) -> None:
    """Refuse a decision that cannot be weighed, with the remedy."""
    check_run(draws, seed, "table")
    if len(offered) < 2:
        raise refuse("option", words("没有可选方案", "there is nothing to choose between"),
                     words("请至少给出一个与当前方案不同的方案", "give at least one option beside the current plan"))
    base = offered[PRESENT]
    for name, option in offered.items():
        if (option.assumptions, option.axes, option.horizon()) != (base.assumptions, base.axes, base.horizon()):
            raise refuse(name, words("与当前方案不只是规则不同",
                                     "differs from the current plan in more than its rules"),
                         words("各方案须有相同的假设、人群和年份",
                               "give options with the same assumptions, people and years"))
    for name, weight in weights.items():
        if name not in PARTS or not 0 <= weight <= 1000:  # neither infinity nor not-a-number lies between
            raise refuse(f"weight {name}", words("不是损失的组成部分，或权重不在 0 到 1000 之间",
                                                 "is no part of the loss, or its weight is outside 0 to 1000"),
                         words(f"可选：{'、'.join(PARTS)}", f"choose from {', '.join(PARTS)}"))
    if not 0 <= discount <= 1:
        raise refuse("discount", words(f"{discount} 不在 0 到 1 之间", f"{discount} is outside 0 to 1"),
                     words("例如 0.05", "give one such as 0.05"))


# --- the loss ---------------------------------------------------------------------------------------

def losses(task: dict) -> dict:
    """The loss of one option in every draw, and the means of its weighted parts (yuan). Plain data in and out."""
    result = simulate(parsed(task["scenario"]), task["draws"], task["seed"], "table")
    parts = {name: task["weights"][name] * part for name, part in parts_of(result, task["discount"]).items()}
    return {"loss": sum(parts.values()).tolist(), "parts": {name: float(part.mean()) for name, part in parts.items()}}


def parts_of(result: Result, discount: float) -> dict[str, np.ndarray]:
    """What every draw costs by part (d,), in yuan of the first year's worth, of the whole fund."""
    data = result.data
    of = lambda name: data[name].values[:, :, 0]  # noqa: E731
    worth = (1 + discount) ** -np.arange(data.sizes["year"])
    balance, fees = of("balance_end"), of("contract_fee_by_payer")
    over = balance - data["balance_line"].values * of("income")
    return {
        "contributions": (of("individual_income") + fees[..., list(PAYERS).index("person")]) @ worth,
        "out_of_pocket": of("out_of_pocket") @ worth,
        "public": public_money(result) @ worth,
        "reserve": of("opening_balance")[:, 0] - balance[:, -1] * worth[-1],
        "care": -of("expense") @ worth,
        "missing": (np.maximum(-balance, 0.0) * worth).max(axis=1),
        "idle": (np.maximum(over, 0.0) * worth).max(axis=1),
    }


# --- the worth of knowing -----------------------------------------------------------------------------

def known_first(loss: np.ndarray, known: np.ndarray, chosen: int) -> Worth:
    """What it saves to know some normals (n, m) before choosing, from the losses (n, option).

    The expected loss of every option given what is known is a regression spline (Strong, Oakley and Brennan 2014), but
    fitted without the scrambling a draw belongs to, and judged by the draw's own loss: what noise alone would choose
    saves nothing on average, so noise is not taken for information.

    >>> from simulation.streams import sobol_normals
    >>> known = sobol_normals(1, 1024, 1)
    >>> loss = np.column_stack([np.zeros(1024), known[:, 0]])  # the second option is the better in half of all futures
    >>> float(known_first(loss, known, 0).saved.mean().round(2))  # the mean of a half-normal, 0.40
    0.4
    """
    gap = loss - loss[:, [chosen]]
    terms = spline_terms(known)
    scrambling = np.arange(len(loss)) % REPLICATES
    picked = np.full(len(loss), chosen)
    for r in range(REPLICATES):
        here = scrambling == r
        fitted = np.linalg.lstsq(terms[~here], gap[~here])[0]
        picked[here] = (terms[here] @ fitted).argmin(axis=1)
    taken = np.take_along_axis(loss, picked[:, None], axis=1)[:, 0]
    return Worth(loss[:, chosen] - taken, is_worse(loss, taken))


def spline_terms(known: np.ndarray) -> np.ndarray:
    """The terms (n, p) of a regression on normals (n, m): natural cubic splines of each, and of few every product.

    >>> spline_terms(np.zeros((3, 2))).shape  # one constant, four of each, one product
    (3, 10)
    """
    spline = CubicSpline(KNOTS, np.eye(len(KNOTS))[:, 1:], bc_type="natural")
    inside = np.clip(known, KNOTS[0], KNOTS[-1])
    curved = spline(inside) + spline(inside, 1) * (known - inside)[..., None]
    pairs = np.triu_indices(known.shape[1], 1) if known.shape[1] <= PAIRS else ([], [])
    return np.column_stack([np.ones(len(known)), curved.reshape(len(known), -1),
                            known[:, pairs[0]] * known[:, pairs[1]]])


def error_of_mean(drawn: np.ndarray, least: float = 0.0) -> float:
    """Standard error of the mean of draws, from the spread between the scramblings; `least` at least.

    >>> round(error_of_mean(np.tile([1.0, -1.0], 8)), 2)
    0.26
    """
    return float(error_of([part.mean() for part in scramblings(drawn)], least))


def is_worse(loss: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Whether a better option than the one taken was there, in each future."""
    return taken - loss.min(axis=1) > nothing(loss)


def nothing(loss: np.ndarray) -> float:
    """A difference of losses that is of the arithmetic alone."""
    return float(ROUNDING * np.abs(loss).max())


# --- tables and words -------------------------------------------------------------------------------

def table_of_options(names: list[str], loss: np.ndarray, chosen: int, parts: list[dict]) -> pd.DataFrame:
    """The options: columns `OPTIONS`."""
    gap = loss - loss[:, [chosen]]
    best = (loss <= loss.min(axis=1, keepdims=True) + nothing(loss)).argmax(axis=1)  # of equals the first, the present
    return pd.DataFrame([{"option": name, "loss": loss[:, n].mean(), "difference": gap[:, n].mean(),
                          "se": error_of_mean(gap[:, n]), "best": (best == n).mean(), **parts[n]}
                         for n, name in enumerate(names)], columns=list(OPTIONS))


def table_of_values(scenario: Scenario, loss: np.ndarray, chosen: int, seed: int) -> pd.DataFrame:
    """What everything that could be known is worth: columns `VALUES`."""
    names = list(uncertain(scenario.assumptions))
    z = correlated(scenario, names, normals_of(scenario, len(loss), seed))
    today = is_worse(loss, loss[:, chosen])
    perfect = Worth(loss[:, chosen] - loss.min(axis=1), np.zeros(len(loss), bool))
    found = [("everything", words("未来的一切（完全信息）", "Everything to come (perfect information)"), "everything",
              perfect, (words("", ""), words("", "")))]
    if names:
        found.append(("parameters", words("全部假设", "All assumptions"), "all", known_first(loss, z, chosen),
                      (words("", ""), words("", ""))))
    for block in blocks(scenario):
        if len(block) > 1:
            factor = assumed(names, block)
            found.append((factor.name, factor.title, "together", known_first(loss, z[:, block], chosen),
                          (words("", ""), words("", ""))))
    found += [(name, title_of(name), "assumption", known_first(loss, z[:, [n]], chosen), rests_on(scenario, name))
              for n, name in enumerate(names)]
    whole = perfect.saved.mean()
    rows = []
    for factor, title, kind, worth, (says, source) in found:
        value, se = float(worth.saved.mean()), error_of_mean(worth.saved)
        avoided_se = error_of_mean(today.astype(float) - worth.wrong, 1 / len(today))
        rows.append((factor, title.zh, title.en, kind, value, se, value / whole if whole > 0 else 0.0,
                     bool(value > TOLD * se + nothing(loss)), worth.wrong.mean(), today.mean() - worth.wrong.mean(),
                     avoided_se, says.zh, says.en, source.zh, source.en))
    return pd.DataFrame(rows, columns=list(VALUES)).sort_values("value", ascending=False, kind="stable",
                                                                ignore_index=True)


def rests_on(scenario: Scenario, name: str) -> tuple[Words, Words]:
    """What an assumption says, and the provenance of its value."""
    section, _, field = name.partition(".")
    source = getattr(getattr(scenario.assumptions, section), field).source
    return ASSUMED[section].terms()[field].help, words(*(clause(scenario, source, lang) for lang in ("zh", "en")))


def advice(found: Information, names: Mapping[str, Words] | None = None, most: int = 3) -> list[Words]:
    """Which statistic to collect next, in sentences made from the figures: the choice today, then the best few.

    `names` are the options in words; without, they go by the names they were given.
    """
    by = found.values.set_index("factor")
    perfect = by.loc["everything"]
    named = {PRESENT: words("维持当前方案", "keeping the current plan")} | dict(names or {})
    chosen = named.get(found.chosen) or words(f"方案“{found.chosen}”", f"the option {found.chosen}")
    told = [words(f"按现有的认识，{chosen.zh}的平均损失最小；在 {found.wrong:.0%} 的未来里，另一方案会更好。"
                  f"预知未来平均可少损失 {yuan(perfect.value).zh}（标准误 {yuan(perfect.se).zh}）。",
                  f"On what is known today {chosen.en} has the least expected loss; in {found.wrong:.0%} of futures "
                  f"another option would be better. A perfect forecast would save {yuan(perfect.value).en} on average "
                  f"(standard error {yuan(perfect.se).en}).")]
    close = found.options[found.options["difference"].abs() < TOLD * found.options["se"]]
    if len(close):
        apart = [(named.get(row.option) or words(f"方案“{row.option}”", f"the option {row.option}"), row)
                 for row in close.itertuples()]
        told.append(words(
            "但在这个模拟次数下，它与" + "、".join(
                f"{name.zh}（多损失 {yuan(row.difference).zh}，标准误 {yuan(row.se).zh}）" for name, row in apart)
            + "不能区分；请增加模拟次数再定。",
            "But at this number of draws it cannot be told from " + ", ".join(
                f"{name.en} ({yuan(row.difference).en} more, standard error {yuan(row.se).en})" for name, row in apart)
            + "; use more draws before choosing by this."))
    single = found.values[(found.values["kind"] == "assumption") & found.values["told"]]
    for place, row in enumerate(single.head(most).itertuples(), 1):
        told.append(words(
            f"{place}. 统计“{row.title_zh}”：{row.help_zh}事先知道它，平均可少损失 {yuan(row.value).zh}（标准误"
            f" {yuan(row.se).zh}），选错方案的未来由 {found.wrong:.1%} 变为 {row.wrong:.1%}。"
            f"现在的依据：{row.source_zh}。",
            f"{place}. Collect {row.title_en}: {row.help_en} Known beforehand it would save {yuan(row.value).en} on "
            f"average (standard error {yuan(row.se).en}); futures with a wrong choice would go from {found.wrong:.1%} "
            f"to {row.wrong:.1%}. It now rests on: {row.source_en}."))
    if single.empty:
        told.append(words("在这个模拟次数下，没有一项假设的信息价值能与零区分：多知道任何一项都未见会改变选择。",
                          "At this number of draws no assumption has a value that can be told from nothing: knowing "
                          "none of them is seen to change the choice."))
    if "parameters" in by.index and by.loc["parameters", "told"]:
        left = max(1 - by.loc["parameters", "share"], 0.0)
        told.append(words(f"完全信息价值中约 {left:.0%} 来自今后各年的波动和偶然，任何统计都不能事先告知。",
                          f"About {left:.0%} of the value of perfect information lies in the shocks and the chance of "
                          "years to come, which no statistic tells beforehand."))
    return told


def yuan(amount: float) -> Words:
    """An amount of yuan in words.

    >>> yuan(2_345_678.0).en, yuan(2_345_678.0).zh
    ('2.3 million yuan', '234.6 万元')
    """
    return words(f"{amount / 1e4:,.1f} 万元", f"{amount / 1e6:,.1f} million yuan")
