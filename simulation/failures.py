"""The futures in which a policy fails, as rules that can be read: when prices grow faster than so much, and so on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import binomtest

from simulation.assumptions import ASSUMED, uncertain
from simulation.boxes import SIGNIFICANT, Box, find, measure, p_values
from simulation.loading import load_scenario
from simulation.measures import happened
from simulation.model import check_run, futures_of, simulate
from simulation.records import Futures
from simulation.results import EVENTS, MORE, QUANTITIES, Result
from simulation.scenario import Scenario, check_year
from simulation.streams import REPLICATES
from simulation.terms import UNITS, Words, refuse, short, words
from simulation.trees import nearest

DRAWS, SEED = 4096, 20080101
RULES = 2  # at most: each is looked for among the futures that the ones before leave over
CLEAREST, MOST = 3, 6  # inputs in a rule: unless another number is asked for, and at the most
WORTH = 0.1  # of all failures: a further rule must cover so many
WRITTEN = re.compile(r"\s*([a-z_]+)\s*(<=|>=|<|>)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*(%?)\s*$")
COMPARED: dict[str, Callable] = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
# Failing by an event, and not failing by it.
HAPPENS: dict[str, tuple[Words, Words]] = {
    "p_surplus_over": (words("当年结余率超限", "a surplus over its line"),
                       words("当年结余率不超限", "no surplus over its line")),
    "p_balance_over": (words("累计结余率超限", "a cumulative surplus over its line"),
                       words("累计结余率不超限", "no cumulative surplus over its line")),
    "p_deficit": (words("出现赤字", "a deficit"), words("不出现赤字", "no deficit")),
    "p_insolvent": (words("累计结余为负", "a balance below zero"), words("累计结余不为负", "no balance below zero")),
    "p_warning": (words("可支付月数低于预警线", "months in reserve below the warning line"),
                  words("可支付月数不低于预警线", "months in reserve not below the warning line")),
}
OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
# What the paths of a future stand for already: level, trend and shocks together.
CONTAINED = ("utilisation.expense", "utilisation.cost_growth", "utilisation.admissions",
             "utilisation.admission_growth", "people.enrolment_level", "people.enrolment_trend",
             "account.funding_level", "account.funding_trend")


class Input(NamedTuple):
    """What a future is told by: a title, and the unit of its values."""

    title: Words
    unit: str


class Failures(NamedTuple):
    """When a policy fails. Everything is measured on the half of the draws that the rules were not made from.

    `rules`, a row a rule: `rule`, `coverage` (share of all failures), `density` (chance of failure when it holds) with
    `density_se` (binomial), `mass` (share of all futures), `so_far` (coverage with the rules before it). A second rule
    is measured among the futures that the first leaves over. `limits`, a row a restriction: `rule`, `input`,
    `title_zh`, `title_en`, `unit`, `low`, `high` (missing where open), `p_value` (how often chance alone would make
    failures as dense without it). `trajectory`, a row a step of the first rule's peeling: `step`, `coverage`,
    `density`, `mass`, `inputs` (restricted). `futures`, a row a draw: every input, `fails`, `held_out`, `rule` (the
    first that holds, 0 if none). Where `holds`, futures in which the policy does not fail stand for failures.
    """

    scenario: Scenario
    event: str
    year: int | None
    holds: bool
    share: float  # of futures in which it fails
    se: float
    inputs: dict[str, Input]
    rules: pd.DataFrame
    limits: pd.DataFrame
    trajectory: pd.DataFrame
    futures: pd.DataFrame
    sentences: tuple[Words, ...]


def failures(scenario: Scenario | str, fails: str = "p_deficit", year: int | None = None, draws: int = DRAWS,
             seed: int = SEED, engine: str = "auto", density: float | None = None, most: int = CLEAREST,
             holds: bool = False) -> Failures:
    """The region of futures in which a policy fails, as at most `RULES` rules over at most `most` inputs each.

    `fails` is an event such as `p_deficit`, or a comparison such as `balance_ratio<0`; in a `year`, or ever within the
    horizon. With `holds` the rules describe the futures in which it does not fail, for a policy that mostly does. A
    rule is the box that tells failures from the rest best, or with `density` the largest in which failures were that
    dense among the draws it was made from. Raises `BadInput`.

    >>> found = failures("benxi_2008", "p_deficit", 2013, draws=256, engine="table")
    >>> set(found.limits["input"]) <= set(found.inputs), 0 < found.share < 1
    (True, True)
    """
    scenario = load_scenario(scenario) if isinstance(scenario, str) else scenario
    check_run(draws, seed, engine)
    check_asked(scenario, year, density, most, draws)
    happens(fails)
    result = simulate(scenario, draws, seed, engine)
    hit = failed(result, fails, year)
    last = (scenario.horizon()[-1] if year is None else year) - scenario.first_year
    table, inputs = futures_table(scenario, draws, seed, last)
    out = np.arange(draws) % REPLICATES % 2 == 1  # whole scramblings are held out, which know nothing of the others
    return ruled(scenario, fails, year, holds, hit, table, inputs, out, density, most)


def ruled(scenario: Scenario, fails: str, year: int | None, holds: bool, hit: np.ndarray, table: pd.DataFrame,
          inputs: dict[str, Input], out: np.ndarray, density: float | None, most: int) -> Failures:
    """Rules made from the draws that are not held `out`, measured on those that are."""
    x, y = table.to_numpy(), hit != holds
    left, rule, boxes, steps = np.ones(len(y), bool), np.zeros(len(y), int), [], []
    for n in range(1, RULES + 1):
        known = left & ~out
        box, peeled = find(x[known], y[known], most, density) if 0 < y[known].sum() < known.sum() else (None, [])
        steps = steps or peeled
        if box is None or not box.restricted():
            break
        inside = left & box.holds(x)
        caught = y[inside & ~out]
        if boxes and (caught.sum() < WORTH * y[~out].sum() or caught.mean() <= y[~out].mean()):
            break
        if not borne_out(y[inside & out], y[left & out]):
            break
        boxes.append((box, left & out))
        rule[inside] = n
        left = left & ~inside
    cases = max(int(y[out].sum()), 1)
    rows, limits = [], []
    for n, (box, among) in enumerate(boxes, 1):
        found = measure(box, x[among], y[among])
        rows.append({"rule": n, "coverage": y[among & (rule == n)].sum() / cases, "density": found.density,
                     "density_se": share_error(y, among & (rule == n)), "mass": (rule[out] == n).mean(),
                     "so_far": y[out & (rule > 0) & (rule <= n)].sum() / cases})
        limits += limits_of(n, box, p_values(box, x[among], y[among]), inputs, list(table))
    rules = pd.DataFrame(rows, columns=["rule", "coverage", "density", "density_se", "mass", "so_far"])
    bounds = pd.DataFrame(limits, columns=["rule", "input", "title_zh", "title_en", "unit", "low", "high", "p_value"])
    bounds = bounds.astype({"low": float, "high": float})
    share, se = float(hit[out].mean()), share_error(hit, out)
    return Failures(
        scenario, fails, year, holds, share, se, inputs, rules, bounds,
        pd.DataFrame([{"step": n, **measure(box, x[out], y[out])._asdict(), "inputs": len(box.restricted())}
                      for n, box in enumerate(steps)]).drop(columns="points", errors="ignore"),
        table.assign(fails=hit, held_out=out, rule=rule),
        sentences(rules, bounds, fails, year, holds, share))


def borne_out(inside: np.ndarray, among: np.ndarray) -> bool:
    """Whether cases are denser inside a box than among all, beyond chance, in draws the box was not made from."""
    if not len(inside) or not among.any():
        return False
    return binomtest(int(inside.sum()), len(inside), float(among.mean()), "greater").pvalue <= SIGNIFICANT


def check_asked(scenario: Scenario, year: int | None, density: float | None, most: int, draws: int) -> None:
    """Refuse a year, a density or a number that cannot be answered for."""
    if year is not None:
        check_year(scenario, year, f"year {year}")
    if density is not None and not 0 < density <= 1:
        raise refuse(f"density {density:g}", words("不在 0 到 1 之间", "is not a share"),
                     words("例如 0.8", "give one such as 0.8"))
    if not 1 <= most <= MOST:
        raise refuse(f"most {most}", words("一条规则的条件数超出范围", "is no number of inputs for a rule"),
                     words(f"请用 1 到 {MOST}", f"use 1 to {MOST}"))
    if draws < 8 * REPLICATES:
        raise refuse("draws", words(f"{draws} 次太少，一半还要留作检验", f"{draws} draws are too few to hold out half"),
                     words(f"请至少用 {8 * REPLICATES}", f"use {8 * REPLICATES} or more"))


def failed(result: Result, fails: str, year: int | None) -> np.ndarray:
    """Whether a policy fails in each draw (d,): in a year, or ever; of the whole fund where there are counties."""
    compared = WRITTEN.match(fails)
    if compared:
        name, sign, limit, percent = compared.groups()
        of = COMPARED[sign](result.data[name].values[:, :, 0], float(limit) / (100 if percent else 1))
    else:
        of = happened(result)[fails]
    return of.any(axis=1) if year is None else of[:, year - result.scenario.first_year]


def happens(fails: str, holds: bool = False) -> Words:
    """What failing is, or with `holds` not failing, in words.

    >>> happens("p_deficit").en, happens("balance_ratio<0.1", holds=True).zh
    ('a deficit', '累计结余率 >= 0.1')
    """
    if fails in HAPPENS:
        return HAPPENS[fails][holds]
    compared, known = WRITTEN.match(fails), QUANTITIES | MORE
    if compared and compared[1] in known:
        title, sign = known[compared[1]][0], OPPOSITE[compared[2]] if holds else compared[2]
        return words(*(f"{each} {sign} {compared[3]}{compared[4]}"
                       for each in (title.zh, title.en[:1].lower() + title.en[1:])))
    near = nearest(compared[1] if compared else fails, [*EVENTS, *known])
    raise refuse(short(fails), words("不是事件，也不是指标与数值的比较", "is neither an event nor a comparison"),
                 words(f"是否为：{near}；比较如 balance_ratio<0",
                       f"did you mean {near}; a comparison is balance_ratio<0"))


def futures_table(scenario: Scenario, draws: int, seed: int, last: int) -> tuple[pd.DataFrame, dict[str, Input]]:
    """What every draw of a scenario's futures is told by, up to year `last` of the horizon: a column an input.

    The uncertain assumptions as drawn, in their own units or as multiples of what is stated; and four paths, in which
    a trend and the yearly shocks around it are taken together as they would be seen. Chance between people is left out.
    """
    text = scenario.model_copy(update={"changes": ()}).text()
    areas = tuple(scenario.axes.area) if len(scenario.axes.area) > 1 else (None,)
    parts = scenario.value("areas", "people", ("area",)) if len(areas) > 1 else np.ones(1)
    found = [futures_of(text, draws, seed, area) for area in areas]
    columns, inputs = {}, {}
    for name in uncertain(scenario.assumptions):
        section, field = name.split(".")
        if name in found[0].drawn and name not in CONTAINED:
            term = ASSUMED[section].terms()[field]
            columns[name] = found[0].drawn[name]
            inputs[name] = Input(multiple(term.title), "number") if term.axes else Input(term.title, term.unit)
    by_area = [paths(scenario, one, last) for one in found]
    for name, told in PATHS.items():
        columns[name] = np.average([of[name] for of in by_area], axis=0, weights=parts)
        inputs[name] = told[min(last, 1)]
    varies = [name for name, values in columns.items() if np.ptp(values) > 1e-9 * np.abs(values).max()]
    return pd.DataFrame({name: columns[name] for name in varies}), {name: inputs[name] for name in varies}


def multiple(title: Words) -> Words:
    """The title of an assumption of which every value is drawn as one multiple."""
    return words(f"{title.zh}（所列数的倍数）", f"{title.en} (as a multiple of what is stated)")


# Each path: what it is called where failing is of the first year, and where it is of a later one.
FUNDED = Input(words("缴费和补助的到位倍数（各年平均）",
                     "Funding as a multiple of the rule book's, mean of the years"), "number")
ENROLLED = Input(words("参保规模（所列数的倍数）", "Size of the scheme (as a multiple of what is stated)"),
                 "number")
TAKEN_UP = Input(words("参保率的偏离", "Departure of take-up"), "share")
PATHS: dict[str, tuple[Input, Input]] = {
    "path.price": (Input(words("首年医疗价格的偏离", "Departure of the first year's medical prices"), "share"),
                   Input(words("医疗价格年均增速（自所列首年水平起）",
                               "Yearly growth of medical prices (from the level stated for the first year)"),
                         "per_year")),
    "path.admissions": (Input(words("首年住院率的偏离", "Departure of the first year's admissions"), "share"),
                        Input(words("住院率年均增速（自所列首年水平起）",
                                    "Yearly growth of admissions (from the level stated for the first year)"),
                              "per_year")),
    "path.people": (ENROLLED, ENROLLED), "path.take_up": (TAKEN_UP, TAKEN_UP), "path.funding": (FUNDED, FUNDED),
}


def paths(scenario: Scenario, futures: Futures, last: int) -> dict[str, np.ndarray]:
    """What the level, trend and shocks of a future come to by year `last`, (d,) each, as `PATHS` says."""
    years = max(last, 1)
    growth = scenario.assumptions.utilisation.admission_growth.value if last else 0.0
    stated = float(scenario.value("people", "take_up", ("group", "status")).mean())
    whole = np.ones(len(futures.price))
    return {"path.price": futures.price[:, last] ** (1 / years) - 1,
            "path.admissions": (1 + growth) * futures.frequency[:, last] ** (1 / years) - 1,
            "path.people": futures.people[:, min(last, futures.people.shape[1] - 1)] * whole,
            "path.take_up": expit(logit(stated) + futures.take_up[:, last]) - stated,
            "path.funding": futures.funding[:, :last + 1].mean(axis=1) * whole}


def limits_of(rule: int, box: Box, found: dict[int, float], inputs: dict[str, Input], names: list[str]) -> list[dict]:
    """The restrictions of a rule, the most telling first."""
    ends = lambda end: float(end) if np.isfinite(end) else None  # noqa: E731
    return [{"rule": rule, "input": names[n], "title_zh": inputs[names[n]].title.zh,
             "title_en": inputs[names[n]].title.en, "unit": inputs[names[n]].unit, "low": ends(box.low[n]),
             "high": ends(box.high[n]), "p_value": p} for n, p in sorted(found.items(), key=lambda item: item[1])]


def share_error(hit: np.ndarray, among: np.ndarray) -> float:
    """Binomial standard error of the share of hits among some draws; never below what one more draw could change."""
    count = max(int(among.sum()), 1)
    share = hit[among].sum() / count
    return float(max(np.sqrt(share * (1 - share) / count), 1 / count))


def sentences(rules: pd.DataFrame, limits: pd.DataFrame, fails: str, year: int | None, holds: bool,
              share: float) -> tuple[Words, ...]:
    """The rules in words, made from their figures and nothing else."""
    what = happens(fails, holds)
    if year is None:
        # "no deficit in any year", but "balance >= 0 in every year"
        when = words("至少一年", "in some year") if not holds else words(
            "各年都", "in any year" if fails in HAPPENS else "in every year")
    else:
        when = words(f"{year} 年", f"in {year}")
    said = words(f"{when.zh}{what.zh}的概率", f"the chance of {what.en} {when.en}")
    base = f"{100 * (1 - share if holds else share):.0f}"
    if rules.empty:
        return (words(f"在全部未来情形中，{said.zh}为 {base}%；没有规则能把这些情形与其余的分开。",
                      f"Over all futures {said.en} is {base}%; no rule tells those futures from the others."),)
    found = []
    for row in rules.itertuples():
        parts = [limit(one) for one in limits[limits["rule"] == row.rule].itertuples()]
        density, coverage = f"{100 * row.density:.0f}", f"{100 * row.coverage:.0f}"
        lead = words("当", "When ") if row.rule == 1 else words("在其余情形中，当", "Among the other futures, when ")
        before = rules[rules["rule"] < row.rule]
        hit = 1 - share if holds else share
        among = (hit - (before["density"] * before["mass"]).sum()) / max(1 - before["mass"].sum(), 1e-9)
        of = words("全部情形", "all futures") if row.rule == 1 else words("其余情形", "those other futures")
        found.append(words(
            f"{lead.zh}{'，且'.join(part.zh for part in parts)}时，{said.zh}为 {density}%"
            f"（覆盖 {coverage}% 的此类情形；{of.zh}中为 {100 * among:.0f}%）。",
            f"{lead.en}{', and '.join(part.en for part in parts)}, {said.en} is {density}% "
            f"(this covers {coverage}% of such futures; over {of.en} the chance is {100 * among:.0f}%)."))
    return tuple(found)


def limit(row: Any) -> Words:
    """One restriction in words, from a row of `limits`."""
    low, high = (None if np.isnan(end) else told(end, row.unit) for end in (row.low, row.high))
    title = words(row.title_zh, row.title_en[:1].lower() + row.title_en[1:])
    if low and high:
        return words(f"{title.zh}在 {low.zh} 到 {high.zh} 之间", f"{title.en} is between {low.en} and {high.en}")
    if low:
        return words(f"{title.zh}不低于 {low.zh}", f"{title.en} is at least {low.en}")
    return words(f"{title.zh}不高于 {high.zh}", f"{title.en} is at most {high.en}")


def told(value: float, unit: str) -> Words:
    """A value of an input in words.

    >>> told(0.061, "per_year").en, told(1.2, "number").zh, told(1.25e8, "yuan").zh
    ('6.1%', '1.2', '12,500 万元')
    """
    if unit in ("share", "rate", "per_year"):
        return words(f"{100 * value:.4g}%", f"{100 * value:.4g}%")
    if unit in ("yuan", "yuan_year"):
        return words(f"{value / 1e4:,.6g} 万元", f"{value / 1e6:,.6g} million yuan")
    if unit in ("number", "log_odds"):
        return words(f"{value:.4g}", f"{value:.4g}")
    return words(f"{value:,.6g} {UNITS[unit].zh}", f"{value:,.6g} {UNITS[unit].en}")
