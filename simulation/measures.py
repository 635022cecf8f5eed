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
    frames = []
    for quantity in quantities:
        draws = np.ascontiguousarray(result.data[quantity].values[:, :, 0].T)
        quantiles = np.quantile(draws, list(QUANTILES.values()), axis=1)
        frames.append(pd.DataFrame({"year": years, "quantity": quantity, "mean": draws.mean(axis=1)}
                                   | dict(zip(QUANTILES, quantiles, strict=True))))
    return pd.concat(frames, ignore_index=True)


def happened(result: Result) -> dict[str, np.ndarray]:
    """For each event, whether it happened in each draw and year, shape (d, t)."""
    data = result.data.isel(area=0)
    return {
        "p_surplus_over": (data["surplus_ratio"] > data["surplus_line"]).transpose("draw", "year").values,
        "p_balance_over": (data["balance_ratio"] > data["balance_line"]).transpose("draw", "year").values,
        "p_deficit": (data["surplus"] < 0).values,
        "p_insolvent": (data["balance_end"] < 0).values,
    }


def chances(result: Result) -> pd.DataFrame:
    """Probability and standard error of each event by year: columns year, event, value, se."""
    years = result.data["year"].values
    return pd.concat([
        pd.DataFrame({"year": years, "event": event, "value": hit.mean(axis=0), "se": standard_error(hit)})
        for event, hit in happened(result).items()], ignore_index=True)


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


def spending_by_tier(result: Result) -> pd.DataFrame:
    """Mean fund spending by tier and on special-disease care: columns year, tier, amount (yuan), share."""
    data = result.data.isel(area=0)
    by_tier = data["basic_by_tier"].mean("draw").values
    chronic = data["chronic"].mean("draw").values
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


