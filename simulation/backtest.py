"""The track record: what the sandbox would have forecast for a fund at each cut-off, beside what then happened.

For every cut-off a scenario is made from the years up to it alone (`adapted`), run, and held against the years that
follow, with two naive forecasts as rivals. Rules and funding decisions of the later years are not given to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

from simulation import scoring
from simulation.adapted import LEAST, adapted, last_year, tells
from simulation.loading import load_scenario
from simulation.measures import QUANTILES
from simulation.model import simulate
from simulation.results import MORE, QUANTITIES, Result
from simulation.scenario import Scenario
from simulation.series import Series, bundled_as, load_series
from simulation.terms import BadInput, Words, refuse, words

TEMPLATE = "urrbmi_county_2026"
HORIZON, DRAWS, SEED = 5, 1024, 20080101
# Published series that a bundled one is made of, or that count mostly the same people: its shocks must not know them.
UNSEEN = {"national_resident": ("resident", "national"), "national_nrcms": ("nrcms", "jiujiang"),
          "resident_all": ("all_schemes", "resident", "national")}
FEWEST = 2 * LEAST  # years that a series must have
POINTS = ndtri((np.arange(200) + 0.5) / 200)  # a naive forecast as evenly spread draws
# What is forecast: the model's name, and how the series gives it.
FORECAST: dict[str, tuple[str, Callable[[Mapping[str, np.ndarray]], np.ndarray]]] = {
    "enrolment": ("enrolled", lambda v: v["enrolment"]),
    "income": ("income", lambda v: v["income"]),
    "spending": ("expenditure", lambda v: v["spending"]),
    "stays": ("stays", lambda v: v["stays"]),
    "visits": ("visits", lambda v: v["visits"]),
    "balance": ("balance_end", lambda v: v["balance"]),
    "surplus": ("surplus", lambda v: v["income"] - v["spending"]),
    "surplus_ratio": ("surplus_ratio", lambda v: over_income(v["income"] - v["spending"], v)),
    "balance_ratio": ("balance_ratio", lambda v: over_income(v["balance"], v)),
}
TITLES = {name: (QUANTITIES | MORE)[model][0] for name, (model, _) in FORECAST.items()}
UNTOLD = {"stays": "use", "visits": "visits"}  # left out where the years before a cut-off say nothing of them
RATIOS = ("surplus_ratio", "balance_ratio")
EVENTS: dict[str, Callable[[Mapping[str, np.ndarray], Mapping[str, np.ndarray]], np.ndarray]] = {
    "p_surplus_over": lambda of, line: of["surplus_ratio"] > line["surplus"],
    "p_balance_over": lambda of, line: of["balance_ratio"] > line["balance"],
    "p_deficit": lambda of, line: of["surplus"] < 0,
    "p_insolvent": lambda of, line: of["balance"] < 0,
}
NEEDS = {"p_surplus_over": "surplus_ratio", "p_balance_over": "balance_ratio", "p_deficit": "surplus",
         "p_insolvent": "balance"}


class Record(NamedTuple):
    """The track record of one series."""

    series: Series
    template: str
    forecasts: pd.DataFrame  # a row a quantity, cut-off and horizon: quantiles, actual and scores
    events: pd.DataFrame  # a row an event, cut-off and horizon: probability and whether it happened
    judged: pd.DataFrame  # by quantity and horizon, 0 for all (`scoring.judge`)
    crossings: pd.DataFrame  # by event (`scoring.events`)
    reliability: pd.DataFrame  # stated chances beside how often it happened (`scoring.reliability`)
    skipped: tuple[tuple[int, Words], ...]  # cut-offs that could not be forecast, and why


def backtest(series: Series | str, template: Scenario | str = TEMPLATE, horizon: int = HORIZON, draws: int = DRAWS,
             seed: int = SEED, progress: Callable[[float], None] | None = None) -> Record:
    """Forecast a series from every cut-off that leaves enough years before it and at least one after it.

    `series` may be the name of a bundled one, or the path of a file.
    Shocks are those fitted on published series; of a published one, without itself.
    Raises `BadInput` where the series is too short. `progress` is told the share of the work done.
    """
    series = load_series(series) if isinstance(series, str) else series
    scenario = load_scenario(template) if isinstance(template, str) else template
    if horizon < 1:
        raise refuse("horizon", words(f"不能预测 {horizon} 年", f"{horizon} years ahead cannot be forecast"),
                     words("请至少用 1", "use 1 or more"))
    if len(series.years) < FEWEST:
        raise refuse(series.name, words(f"只有 {len(series.years)} 个年份", f"it has only {len(series.years)} years"),
                     words(f"至少需要 {FEWEST} 个年份", f"at least {FEWEST} are needed"))
    actual = {name: of(series.values) for name, (_, of) in FORECAST.items()}
    cutoffs = [year for year in series.years[LEAST - 1:-1]]
    forecasts, crossings, skipped = [], [], []
    for done, cutoff in enumerate(cutoffs):
        if progress:
            progress(done / len(cutoffs))
        known = series.upto(cutoff)
        try:
            last = min(cutoff + horizon, series.years[-1])
            own = adapted(known, scenario, last - last_year(known), UNSEEN.get(bundled_as(series), ()))
        except BadInput as bad:
            skipped.append((cutoff, bad.faults[0].what))
            continue
        run = simulate(own, draws, seed, "table")
        found, crossed = held_against(run, actual, series, cutoff, last)
        forecasts += found
        crossings += crossed
    if not forecasts:
        why = skipped[-1][1] if skipped else words("截止年之后没有数据", "nothing is known after them")
        raise refuse(series.name, words(f"没有一个截止年可以预测（{why.zh}）",
                                        f"no cut-off can be forecast ({why.en})"),
                     words(f"需要至少 {LEAST} 个年份同时有参保人数、基金收入和基金支出，其后还有数据",
                           f"give at least {LEAST} years with enrolment, income and spending, and later ones"))
    table, events = pd.DataFrame(forecasts), pd.DataFrame(crossings)
    if progress:
        progress(1.0)
    return Record(series, scenario.name, table, events, scoring.judge(table), scoring.events(events),
                  scoring.reliability(events), tuple(skipped))


def held_against(run: Result, actual: Mapping[str, np.ndarray], series: Series, cutoff: int,
                 last: int) -> tuple[list[dict], list[dict]]:
    """The forecasts of one cut-off and its chances of crossing lines, a row a quantity or event and year."""
    here = series.years.index(cutoff)
    forecasts, crossings = [], []
    drawn = {name: run.data[model].values[:, :, 0] for name, (model, _) in FORECAST.items()}
    sizes = {name: np.ones_like(values) if name in RATIOS else size_of(
        actual["income"] if name == "surplus" else values, actual["income"])  # a surplus is no measure of its miss
        for name, values in actual.items()}
    lines = {name: run.data[f"{name}_line"].values for name in ("surplus", "balance")}
    for name, values in actual.items():
        if name in UNTOLD and not tells(run.scenario, UNTOLD[name]):
            continue
        rivals = naive(values[:here + 1], last - cutoff, name)
        for year in range(cutoff + 1, last + 1):
            happened, t = values[series.years.index(year)], year - run.scenario.first_year
            if not np.isfinite(happened) or not known_before(values[:here + 1]):
                continue
            draws = drawn[name][:, t]
            middle = float(np.median(draws))
            away = middle - happened
            forecasts.append({
                "quantity": name, "cutoff": cutoff, "horizon": year - cutoff, "year": year, "actual": float(happened),
                **{label: float(value) for label, value in zip(
                    QUANTILES, np.quantile(draws, list(QUANTILES.values())), strict=True)},
                "in50": scoring.inside(draws, happened, 0.5), "in90": scoring.inside(draws, happened, 0.9),
                "pit": scoring.pit(draws, happened), "crps": scoring.crps(draws, happened),
                **{f"crps_{rival}": scoring.crps(points[:, year - cutoff - 1], happened)
                   for rival, points in rivals.items()},
                "error": float(away / sizes[name][series.years.index(year)])})
    for event, of in EVENTS.items():
        for year in range(cutoff + 1, last + 1):
            n, t = series.years.index(year), year - run.scenario.first_year
            needed = actual[NEEDS[event]]
            if not np.isfinite(needed[n]) or not known_before(needed[:here + 1]):
                continue
            line = {name: value[t] for name, value in lines.items()}
            crossings.append({
                "event": event, "cutoff": cutoff, "horizon": year - cutoff, "year": year,
                "probability": float(of({name: value[:, t] for name, value in drawn.items()}, line).mean()),
                "happened": bool(of({name: value[n] for name, value in actual.items()}, line))})
    return forecasts, crossings


def size_of(values: np.ndarray, income: np.ndarray) -> np.ndarray:
    """What a miss is measured by, each year's figure; where that is next to nothing, a hundredth of the largest there
    is, or of the largest income.

    >>> size_of(np.array([200.0, 0.0, np.nan]), np.array([50.0])).tolist(), size_of(np.zeros(1), np.ones(1)).tolist()
    ([200.0, 2.0, 2.0], [0.01])
    """
    sizes = np.abs(np.nan_to_num(values))
    return np.maximum(sizes, 0.01 * (sizes.max() or np.nanmax(np.abs(income)) or 1.0))


def over_income(amount: np.ndarray, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """An amount over the year's income; a year without any income has no ratio.

    >>> over_income(np.array([1.0, 1.0]), {"income": np.array([4.0, 0.0])}).tolist()
    [0.25, nan]
    """
    return amount / np.where(values["income"] > 0, values["income"], np.nan)


def known_before(values: np.ndarray) -> bool:
    """Whether enough figures stand before a cut-off for a naive rival, and so for a fair comparison."""
    return int(np.isfinite(values).sum()) >= 2


def naive(values: np.ndarray, horizons: int, name: str) -> dict[str, np.ndarray]:
    """The two rivals' draws (points, horizons); none where they cannot be made."""
    if not known_before(values):
        return {}
    log = None if name not in (*RATIOS, "surplus", "balance") else False
    return {rival: of(values, horizons, POINTS, log)
            for rival, of in (("drift", scoring.drift), ("trend", scoring.trend))}


def grades(record: Record) -> dict[str, str]:
    """The grade of every quantity over all horizons."""
    whole = record.judged[record.judged["horizon"] == 0]
    return dict(zip(whole["quantity"], whole["grade"], strict=True))
