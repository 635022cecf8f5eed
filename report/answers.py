"""The answers of one run as the frames that words, charts and files are made of."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from simulation.measures import chances, median_error, spending_by_tier, staying, summary
from simulation.results import Result


class Run(NamedTuple):
    """The answers of one run: tidy frames, and the facts that identify it."""

    summary: pd.DataFrame  # year, quantity, mean, p05, p25, p50, p75, p95
    chances: pd.DataFrame  # year, event, value, se
    spending: pd.DataFrame  # year, tier, amount, share
    lines: pd.DataFrame  # year, surplus_ratio, balance_ratio, reserve_months: the lines in force
    median_se: pd.DataFrame  # year, balance_ratio: standard error of the median
    facts: dict[str, Any]
    staying: pd.DataFrame  # what, value, se: the chance of keeping to it in every year


def told(result: Result) -> Run:
    """The frames of a run."""
    data = result.data
    lines = pd.DataFrame({"year": data["year"].values} | {
        name: data[f"{name.removesuffix('_ratio')}_line"].values
        for name in ("surplus_ratio", "balance_ratio", "reserve_months")})
    facts = {name: result.manifest[name] for name in ("scenario", "seed", "draws", "engine")}
    return Run(summary(result), chances(result), spending_by_tier(result), lines,
               median_error(result, "balance_ratio"), facts | {"fingerprint": result.fingerprint}, staying(result))
