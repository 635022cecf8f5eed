"""Answers of one run as tidy frames: what a chart draws, a table shows and a file holds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulation.results import ALONG, MORE, QUANTITIES, Result
from simulation.scenario import Change, Scenario
from simulation.steps.fund import ratio
from simulation.streams import error_of, error_of_halves, halves, scramblings
from simulation.terms import Source, words

QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.50, "p75": 0.75, "p95": 0.95}
BINS = 2048  # in which draws are counted on the way to a quantile
AT_ONCE = 2**16  # draws of all years and quantities in whose bins to count together


def summary(result: Result, quantities: tuple[str, ...] = tuple(QUANTITIES)) -> pd.DataFrame:
    """Mean and quantiles by year and quantity: columns year, quantity, mean, p05, p25, p50, p75, p95.

    Units as `QUANTITIES` says. One row a year and quantity, quantities in the order asked for.
    """
    data, levels = result.data.variables, np.array(list(QUANTILES.values()))
    years = data["year"].values
    draws = [np.ascontiguousarray(data[quantity].values[:, :, 0].T) for quantity in quantities]
    many = max(AT_ONCE // draws[0].size, 1)  # quantities
    found = np.concatenate([quantiles(np.concatenate(draws[n:n + many]) if many > 1 else draws[n], levels)
                            for n in range(0, len(draws), many)], axis=1)
    return pd.DataFrame({
        "year": np.tile(years, len(quantities)), "quantity": np.repeat(quantities, len(years)),
        "mean": np.concatenate([of.mean(axis=1) for of in draws])} | dict(zip(QUANTILES, found, strict=True)))


def quantiles(draws: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """What `np.quantile(draws, levels, axis=1)` gives of draws (t, d), (level, t), in a fraction of its time.

    Draws are counted in narrow bins, and only those in the bins where a quantile lies are put in order.

    >>> quantiles(np.array([[3.0, 1.0, 2.0, 9.0]]), np.array([0.5, 1.0])).tolist()
    [[2.5], [9.0]]
    """
    years, n = draws.shape
    low, row = draws.min(axis=1, keepdims=True), np.arange(years)[:, None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        wide = draws.max(axis=1, keepdims=True) - low
        narrow = (BINS - 1) / wide
    if not np.isfinite(wide).all():
        return np.quantile(draws, levels, axis=1)
    at = draws - low
    at *= np.where(np.isfinite(narrow), narrow, 0.0)
    at += BINS * row  # never falls as a draw rises
    bins = at.ravel().astype(np.intp)
    count = np.bincount(bins, minlength=years * BINS)
    rank = levels * (n - 1)
    below = np.floor(rank).astype(int)
    ranks = (n * row + np.concatenate([below, np.minimum(below + 1, n - 1)])).ravel()  # among all draws of all years
    wanted = np.searchsorted(np.cumsum(count), ranks, side="right")
    some = np.zeros(years * BINS, bool)
    some[wanted] = True
    here = np.flatnonzero(some[bins])
    few = draws.ravel()[here]
    ordered = few[np.lexsort((few, bins[here]))]
    skipped = np.cumsum(np.where(some, 0, count))
    ends = ordered[ranks - skipped[wanted]].reshape(years, 2, -1)
    part, step = rank - below, ends[:, 1] - ends[:, 0]
    return np.where(part < 0.5, ends[:, 0] + step * part, ends[:, 1] - step * (1 - part)).T


def happened(result: Result) -> dict[str, np.ndarray]:
    """For each event, whether it happened in each draw and year, shape (d, t).

    Lines are asked for without dividing: a fund that spends nothing is not below its reserve.
    """
    data = result.data.variables
    of = lambda name: data[name].values[:, :, 0]  # noqa: E731
    return {
        "p_surplus_over": of("surplus") > data["surplus_line"].values * of("income"),
        "p_balance_over": of("balance_end") > data["balance_line"].values * of("income"),
        "p_deficit": of("surplus") < 0,
        "p_insolvent": of("balance_end") < 0,
        "p_warning": 12 * of("balance_end") < data["reserve_months_line"].values * of("expenditure"),
    }


def chances(result: Result) -> pd.DataFrame:
    """Probability and standard error of each event by year: columns year, event, value, se."""
    years = result.data["year"].values
    events = happened(result)
    hits = np.concatenate(list(events.values()), axis=1)
    return pd.DataFrame({
        "year": np.tile(years, len(events)), "event": np.repeat(list(events), len(years)),
        "value": hits.mean(axis=0), "se": standard_error(hits)})


STAYS = {  # what a fund should keep to in every year, and the events that break it
    "solvent": ("p_insolvent",), "no_deficit": ("p_deficit",), "no_hoarding": ("p_surplus_over", "p_balance_over"),
    "inside": ("p_insolvent", "p_deficit", "p_surplus_over", "p_balance_over")}


def staying(result: Result) -> pd.DataFrame:
    """The chance that a fund keeps to each of `STAYS` in every year: columns what, value, se."""
    events = happened(result)
    kept = np.stack([~np.logical_or.reduce([events[event].any(axis=1) for event in broken])
                     for broken in STAYS.values()], axis=1)
    return pd.DataFrame({"what": list(STAYS), "value": kept.mean(axis=0), "se": standard_error(kept)})


def standard_error(hit: np.ndarray) -> np.ndarray:
    """Standard error (t,) of the share of draws (d, t) in which an event happened.

    From the spread between the independent scramblings of the draws (see `error_of`).

    >>> standard_error(np.zeros((1024, 1), bool)).round(4).tolist()
    [0.001]
    """
    return error_of([part.mean(axis=0) for part in scramblings(hit)], 1 / len(hit))


def median_error(result: Result, quantity: str) -> pd.DataFrame:
    """Standard error of a quantity's median by year, in its unit: columns year and the quantity's name."""
    return pd.DataFrame({"year": result.data["year"].values,
                         quantity: quantile_error(result.data[quantity].values[:, :, 0], QUANTILES["p50"])})


def quantile_error(draws: np.ndarray, level: float) -> np.ndarray:
    """Standard error (t,) of a quantile of draws (d, t), from half of them at a time (see `error_of_halves`).

    >>> quantile_error(np.arange(64.0)[:, None], 0.5).round(1).tolist()
    [1.2]
    """
    return error_of_halves([np.quantile(half, level, axis=0) for half in halves(draws)])


def paid_of(payment: np.ndarray, owed: np.ndarray) -> np.ndarray:
    """What providers are paid of a yuan owed to patients, by year: from payments (d, t) and means owed (t,)."""
    return payment.mean(axis=0) / np.maximum(owed, 1e-9)


def spending_by_tier(result: Result) -> pd.DataFrame:
    """Mean fund spending on stays by tier, on special diseases and on ordinary outpatient care where it is pooled.

    What providers are paid, as in `settlement`. Columns year, tier (or kind of care), amount (yuan), share.
    """
    data = result.data.variables
    by_tier = data["basic_by_tier"].values[:, :, 0].mean(axis=0)
    chronic = data["chronic"].values[:, :, 0].mean(axis=0)
    outpatient = data["outpatient"].values[:, :, 0].mean(axis=0)
    pooled = result.scenario.has("outpatient")
    amounts = np.column_stack([by_tier, chronic, *([outpatient] if pooled else [])])
    amounts *= paid_of(data["provider_payment"].values[:, :, 0], amounts.sum(axis=1))[:, None]
    tiers = [*data["tier"].values, "chronic", *(["outpatient"] if pooled else [])]
    years = data["year"].values
    return pd.DataFrame({
        "year": np.repeat(years, len(tiers)), "tier": np.tile(tiers, len(years)), "amount": amounts.ravel(),
        "share": (amounts / np.maximum(amounts.sum(axis=1, keepdims=True), 1e-9)).ravel()})


# The yearly settlement of a resident scheme as bureaus report it: section, item, and whether it is taken off.
SETTLEMENT = (
    ("income", "individual_income"), ("income", "assisted_income"), ("income", "subsidy_by_level"),
    ("income", "deficit_subsidy"), ("income", "interest"), ("income", "other_income"), ("income", "account_in"),
    ("income", "income"),
    ("expenditure", "paid_inpatient"), ("expenditure", "paid_chronic"), ("expenditure", "paid_outpatient"),
    ("expenditure", "premium"), ("expenditure", "fund_contract_fee"), ("expenditure", "recovered"),
    ("expenditure", "review_saving"), ("expenditure", "expenditure"),
    ("balance", "transfer"), ("balance", "surplus"), ("balance", "redistributed"),
    ("balance", "opening_balance"), ("balance", "balance_end"),
    ("lines", "surplus_ratio"), ("lines", "balance_ratio"), ("lines", "reserve_months"),
    ("people", "enrolled"), ("people", "take_up"), ("people", "stays"), ("people", "visits"),
)
RATIOS = {"surplus_ratio": ("surplus", "income", 1), "balance_ratio": ("balance_end", "income", 1),
          "reserve_months": ("balance_end", "expenditure", 12), "take_up": ("enrolled", "residents", 1)}
TAKEN_OFF = ("account_in", "recovered", "review_saving")
SECTIONS = {"income": words("基金收入", "Income"), "expenditure": words("基金支出", "Expenditure"),
            "balance": words("收支结余", "Balance"), "lines": words("警戒线", "Lines"),
            "people": words("参保与待遇享受", "People and care")}
ITEMS = {"income": words("收入合计", "Total income"), "expenditure": words("支出合计", "Total expenditure"),
         "subsidy_by_level": words("财政补助", "Subsidy"), "paid_inpatient": words("住院待遇支出", "Benefits: stays"),
         "paid_chronic": words("门诊特殊病种待遇支出", "Benefits: special diseases"),
         "paid_outpatient": words("普通门诊待遇支出", "Benefits: ordinary outpatient care"),
         "fund_contract_fee": words("签约服务费（基金分担）", "Contract fees borne by the fund"),
         "redistributed": words("年初结余重新划分（划入为正）", "Balance redistributed, received positive")}


def settlement(result: Result, area: str | None = None) -> pd.DataFrame:
    """The yearly account of a fund in the layout bureaus use, means over draws and ratios of means (digest P12).

    Columns section, item, title_zh, title_en, unit, and one a year. Items of income add up to the income and items
    of expenditure to the expenditure; what is taken off stands as a negative amount.
    """
    data = result.data.sel(area=area) if area else result.data.isel(area=0)
    years = [int(year) for year in data["year"].values]
    axes, rows = result.scenario.axes, []
    mean = lambda name: data[name].mean("draw").values  # noqa: E731
    owed = {kind: mean(name) for kind, name in (("inpatient", "inpatient_paid"), ("chronic", "chronic"),
                                                ("outpatient", "outpatient"))}
    paid = paid_of(data["provider_payment"].values, sum(owed.values()))
    named = QUANTITIES | MORE | {name: (title, unit) for name, (title, unit, _) in ALONG.items()}
    for section, item in SETTLEMENT:
        if item == "subsidy_by_level":
            for n, (level, name) in enumerate(axes.level.items()):
                title = words(f"{ITEMS[item].zh}：{name.zh}", f"{ITEMS[item].en}: {name.en}")
                rows.append((section, f"{item}.{level}", title, "yuan_year", mean(item)[:, n]))
            continue
        title, unit = named.get(item, (None, "yuan_year"))
        title = ITEMS.get(item, title)
        if item == "paid_chronic" and "chronic" in axes.kind:  # by the scheme's own name
            title = words(f"{axes.kind['chronic'].zh}待遇支出", title.en)
        if item.startswith("paid_"):  # payment by kind: what is owed, at what all providers are paid of it
            value = owed[item.removeprefix("paid_")] * paid
        elif item == "fund_contract_fee":
            value = data["contract_fee_by_payer"].sel(payer="fund").mean("draw").values
        elif item == "redistributed":  # among the counties that become one fund: no money of the year
            value = mean("opening_balance") - np.append(mean("opening_balance")[0], mean("balance_end")[:-1])
        elif item in RATIOS:  # of the totals, as a bureau reckons
            part, whole, times = RATIOS[item]
            value = ratio(times * mean(part), mean(whole))
        else:
            value = mean(item)
        rows.append((section, item, title, unit, 0.0 - value if item in TAKEN_OFF else value))
    return pd.DataFrame([{"section": section, "item": item, "title_zh": title.zh, "title_en": title.en, "unit": unit}
                         | dict(zip(years, value, strict=True)) for section, item, title, unit, value in rows])


def along(result: Result, quantity: str) -> pd.DataFrame:
    """A quantity along its further axis: columns year, the axis, mean, p05, p50, p95 (unit as `ALONG` says)."""
    axis = ALONG[quantity][2]
    values = result.data[quantity].isel(area=0)
    quantiles = np.quantile(values.values, [0.05, 0.5, 0.95], axis=0).reshape(3, -1)
    members = list(values[axis].values)
    years = values["year"].values
    return pd.DataFrame({"year": np.repeat(years, len(members)), axis: np.tile(members, len(years)),
                         "mean": values.values.mean(axis=0).ravel(), "p05": quantiles[0], "p50": quantiles[1],
                         "p95": quantiles[2]})


def by_area(result: Result, quantities: tuple[str, ...]) -> pd.DataFrame:
    """Means by year and area: columns year, area, the quantities, and the chances of a deficit and of insolvency."""
    data = result.data
    years, areas = data["year"].values, list(data["area"].values)
    columns = {name: data[name].mean("draw").values.ravel() for name in quantities}
    columns["p_deficit"] = (data["surplus"] < 0).mean("draw").values.ravel()
    columns["p_insolvent"] = (data["balance_end"] < 0).mean("draw").values.ravel()
    return pd.DataFrame({"year": np.repeat(years, len(areas)), "area": np.tile(areas, len(years))} | columns)


RESPONSES = ("enrolment", "demand", "tier_choice", "providers")
SWITCHED = Source(status="assumption", note=words("关闭行为反应作对照", "responses switched off, to compare"))


def unresponsive(scenario: Scenario, *responses: str) -> Scenario:
    """The scenario in which some responses, or all, are switched off from the first year.

    >>> from simulation import load_scenario
    >>> len(unresponsive(load_scenario("benxi_2008")).changes)
    4
    """
    return scenario.changed(Change(lever=f"responses.{name}", year=scenario.first_year, value=0, source=SWITCHED)
                            for name in responses or RESPONSES)


def report(result: Result) -> dict:
    """The object `run --json` prints (see the command line's documentation)."""
    table, events = summary(result), chances(result)
    years = []
    for year in result.scenario.horizon():
        row: dict = {"year": year}
        for item in table[table["year"] == year].itertuples():
            row[item.quantity] = {name: float(getattr(item, name)) for name in ("mean", *QUANTILES)}
        for item in events[events["year"] == year].itertuples():
            row[item.event] = {"value": float(item.value), "se": float(item.se)}
        years.append(row)
    return {"scenario": result.scenario.name, "seed": result.manifest["seed"], "draws": result.manifest["draws"],
            "engine": result.manifest["engine"], "fingerprint": result.fingerprint, "years": years}


