"""Who pays: for the fund, and for the care of the insured."""

from __future__ import annotations

import math

import pandas as pd

from report.answers import EACH, WHOLES, Run
from report.tables import Drawn, money_unit
from report.text import say


def table(run: Run, was: Run | None, language: str) -> tuple[Drawn, str]:
    """Amounts and shares of who pays in the first and last year, and shares of the last year before a change."""
    now, old = run.bears, was.bears.last if was is not None else None
    years = dict(zip(("first", "last"), now.years, strict=True))
    ends = {"last": now.last} if years["first"] == years["last"] else {"first": now.first, "last": now.last}
    divisor, unit = money_unit(max(now.last["expense"], now.last["income"]), language)
    rows = []
    for whole, items in WHOLES.items():
        for item, parts in items.items():
            amount = {name: sum(of[part] for part in parts) for name, of in (
                *ends.items(), *((("old", old),) if old else ()))}
            if not any(amount.values()):
                continue
            row = {"of": say(language, f"brief.payer.of_{whole}"), "payer": say(language, f"brief.payer.{item}"),
                   **{key: value for name, of in ends.items() for key, value in (
                       (name, amount[name] / divisor), (f"{name}_share", share(amount[name], of[whole])))}}
            if old:
                row["old_share"] = share(amount["old"], old[whole])
            rows.append(row)
    frame = pd.DataFrame(rows)
    heads = {name: say(language, f"brief.payer.column.{name}", unit=unit, **years)
             for name in frame.columns}
    return Drawn(frame, heads, dict.fromkeys(ends, "%,.2f")), unit


def share(part: float, whole: float) -> float:
    """A part of a whole; of nothing there is none."""
    return part / whole if whole else math.nan


def sentence(now: Run, before: Run | None, language: str) -> str:
    """What an insured person pays in contributions and out of pocket, what government adds and what
    the fund pays providers, yuan a year."""
    told = {name: each(now, name, language) for name in EACH}
    if before is not None:
        told = {name: say(language, "finding.was", now=text, before=each(before, name, language))
                for name, text in told.items()}
    return say(language, "brief.payers", year=now.bears.years[1], **told)


def each(run: Run, name: str, language: str) -> str:
    """A mean of the last year for each insured person; nothing where nobody is insured."""
    last = run.bears.last
    total = sum(last[part] for part in EACH[name])
    return say(language, "brief.yuan", amount=f"{total / last['enrolled'] if last['enrolled'] else 0:,.0f}")
