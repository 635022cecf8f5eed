"""Answers of one run as tidy frames: what a chart draws, a table shows and a file holds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulation.results import QUANTITIES, Result
from simulation.streams import REPLICATES

QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.50, "p75": 0.75, "p95": 0.95}


def summary(result: Result, quantities: tuple[str, ...] = tuple(QUANTITIES)) -> pd.DataFrame:
    """Mean and quantiles by year and quantity: columns year, quantity, mean, p05, p25, p50, p75, p95.

    Units as `QUANTITIES` says. One row a year and quantity, quantities in the order asked for.
    """
    years = result.data["year"].values
    draws = np.stack([result.data[quantity].values[:, :, 0].T for quantity in quantities])
    quantiles = np.quantile(draws, list(QUANTILES.values()), axis=2)
    return pd.DataFrame({
        "year": np.tile(years, len(quantities)), "quantity": np.repeat(quantities, len(years)),
        "mean": draws.mean(axis=2).ravel()} | dict(zip(QUANTILES, quantiles.reshape(len(QUANTILES), -1), strict=True)))


def happened(result: Result) -> dict[str, np.ndarray]:
    """For each event, whether it happened in each draw and year, shape (d, t)."""
    data = result.data
    of = lambda name: data[name].values[:, :, 0]  # noqa: E731
    return {
        "p_surplus_over": of("surplus_ratio") > data["surplus_line"].values,
        "p_balance_over": of("balance_ratio") > data["balance_line"].values,
        "p_deficit": of("surplus") < 0,
        "p_insolvent": of("balance_end") < 0,
        "p_warning": of("reserve_months") < data["reserve_months_line"].values,
    }


def chances(result: Result) -> pd.DataFrame:
    """Probability and standard error of each event by year: columns year, event, value, se."""
    years = result.data["year"].values
    events = happened(result)
    return pd.DataFrame({
        "year": np.tile(years, len(events)), "event": np.repeat(list(events), len(years)),
        "value": np.concatenate([hit.mean(axis=0) for hit in events.values()]),
        "se": np.concatenate([standard_error(hit) for hit in events.values()])})


def standard_error(hit: np.ndarray) -> np.ndarray:
    """Standard error (t,) of the share of draws (d, t) in which an event happened.

    From the spread between the independent scramblings of the draws; never below what a single
    further draw could change, so that a chance of 0 or 1 is not reported as certain.

    >>> standard_error(np.zeros((1024, 1), bool)).round(4).tolist()
    [0.001]
    """
    draws = len(hit)
    by_replicate = np.stack([hit[r::REPLICATES].mean(axis=0) for r in range(REPLICATES)])
    return np.maximum(by_replicate.std(axis=0, ddof=1) / np.sqrt(REPLICATES), 1 / draws)


def median_error(result: Result, quantity: str) -> pd.DataFrame:
    """Standard error of a quantity's median by year, in its unit: columns year and the quantity's name.

    From the spread between the independent scramblings of the draws.
    """
    draws = result.data[quantity].values[:, :, 0]
    medians = np.stack([np.median(draws[r::REPLICATES], axis=0) for r in range(REPLICATES)])
    return pd.DataFrame({"year": result.data["year"].values,
                         quantity: medians.std(axis=0, ddof=1) / np.sqrt(REPLICATES)})


def spending_by_tier(result: Result) -> pd.DataFrame:
    """Mean fund spending by tier and on special-disease care: columns year, tier, amount (yuan), share."""
    data = result.data
    by_tier = data["basic_by_tier"].values[:, :, 0].mean(axis=0)
    chronic = data["chronic"].values[:, :, 0].mean(axis=0)
    amounts = np.column_stack([by_tier, chronic])
    tiers = [*data["tier"].values, "chronic"]
    years = data["year"].values
    return pd.DataFrame({
        "year": np.repeat(years, len(tiers)), "tier": np.tile(tiers, len(years)), "amount": amounts.ravel(),
        "share": (amounts / np.maximum(amounts.sum(axis=1, keepdims=True), 1e-9)).ravel()})


def first_years(result: Result) -> pd.DataFrame:
    """For each event the share of draws in which it ever happens and the median first year among them.

    Columns event, ever, first_year (missing where it never happens).
    """
    years = result.data["year"].values
    rows = []
    for event, hit in happened(result).items():
        ever = hit.any(axis=1)
        first = years[hit[ever].argmax(axis=1)] if ever.any() else None
        rows.append({"event": event, "ever": ever.mean(),
                     "first_year": int(np.median(first)) if first is not None else None})
    return pd.DataFrame(rows).astype({"first_year": "Int64"})


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


