"""Before and after a change, as a table: both means, the difference with its interval, and its range over futures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from report.inquiry import TOLD
from report.tables import Drawn, money_unit
from report.text import number, percent, say
from simulation.compare import Comparison
from simulation.results import EVENTS
from simulation.sentences import VERDICTS, title_of

LARGE = 100  # of a unit: from here a difference needs no decimals
Written = Callable[[float], str]


def table(found: Comparison, language: str) -> tuple[Drawn, int]:
    """What the brief tells of a change in its last year, a row a chance or mean; and that year."""
    last = found.differences[found.differences["year"] == found.differences["year"].max()].set_index("quantity")
    frame = pd.DataFrame([row(name, last.loc[name], language) for name in TOLD])
    level = percent(found.facts["level"], 0)
    heads = {name: say(language, f"brief.versus.{name}", level=level) for name in frame.columns}
    return Drawn(frame, heads), int(last["year"].iloc[0])


def row(name: str, given: Any, language: str) -> dict[str, str]:
    """One chance or mean before and after."""
    level, signed, unit = forms(given, language)
    title = title_of(name)[language]
    between = lambda low, high: say(language, "number.between", low=low, high=high)  # noqa: E731
    futures = say(language, "brief.versus.flips", up=percent(given["up"]), down=percent(given["down"])) if (
        name in EVENTS) else f"{between(signed(given['p05']), signed(given['p95']))} {unit}"
    told = given["verdict"] in ("higher", "lower")
    return {"what": title if name in EVENTS else say(language, "brief.mean_of", what=title),
            "base": level(given["base"]), "value": level(given["value"]),
            "gap": say(language, "brief.spanned", middle=f"{signed(given['difference'])} {unit}",
                       ends=between(signed(given["ci_low"]), signed(given["ci_high"])) if told
                       else VERDICTS[given["verdict"]][language]),
            "futures": futures}


def forms(given: Any, language: str) -> tuple[Written, Written, str]:
    """How a level and a difference of one quantity are written, and the difference's unit: shares, or sums of yuan."""
    if given["unit"] == "share":
        return percent, lambda value: number(100 * value, "+.1f"), say(language, "compare.points")
    divisor, unit = money_unit(max(abs(given["base"]), abs(given["value"])), language)
    moved = abs(given["difference"]) / divisor
    digits = 0 if moved >= LARGE else 1 if moved >= 1 or not moved else 2 if moved >= 0.1 else 3
    return (lambda value: f"{number(value / divisor, f',.{digits}f')} {unit}"), (
        lambda value: number(value / divisor, f"+,.{digits}f")), unit
