"""What a run says, in words and in four figures. It selects and compares; the model has computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from typing import NamedTuple

import pandas as pd

from report.answers import Run
from report.tables import Drawn, money_unit
from report.text import number, percent, points, say, years_of
from simulation.scenario import Scenario
from simulation.streams import error_of, scramblings

# The events of the sentences, in their order, with the line that each is about.
LINES = {"p_deficit": None, "p_surplus_over": "surplus_ratio", "p_balance_over": "balance_ratio",
         "p_warning": "reserve_months"}
SURE = 0.95  # a chance above it is told as almost sure, one below the rest as almost none
FEARED = ("insolvent", "deficit")  # figures that are better for the fund where they are lower


class Figure(NamedTuple):
    """One headline figure, its sampling error, how it moved, and its course over the years."""

    label: str
    value: str
    error: str
    change: str | None  # against the scenario without edits; None where there is none
    way: str  # what the change is: better or worse for the fund, or more, less or same; empty where there is none
    arrow: str  # up, down or off: where the figure went
    course: list[float]
    help: str


def likely(run: Run, event: str) -> list[int]:
    """Years in which an event is more likely than not, beyond what the draws leave open."""
    chance = run.chance(event)
    return chance.index[chance["value"] - 2 * chance["se"] > 0.5].tolist()


def open_years(run: Run, events: Iterable[str]) -> list[int]:
    """Years in which the draws cannot say whether an event is more likely than not."""
    return sorted({year for event in events for year, value, error in run.chance(event).itertuples()
                   if abs(value - 0.5) <= 2 * error})


def answer(run: Run, before: Run | None, language: str) -> str:
    """Whether the fund stays inside its lines in every year, how sure that is, and what it was before the edits."""
    chance = run.staying.set_index("what")
    inside, error = chance.loc["inside", ["value", "se"]]
    low, high = inside - 2 * error, inside + 2 * error
    side = ("surely" if low > SURE else "hardly" if high < 1 - SURE else "yes" if low > 0.5 else "no" if high < 0.5
            else "open")
    text = {name: percent(chance["value"][name]) for name in chance.index}
    if before is not None:
        was = before.staying.set_index("what")["value"]
        text = {name: say(language, "finding.was", now=now, before=percent(was[name])) for name, now in text.items()}
    return say(language, "finding.answer", verdict=say(language, f"finding.answer_{side}"),
               years=years_of(run.summary["year"].unique(), language), **text)


def sentences(run: Run, language: str, before: Run | None = None) -> list[str]:
    """The finding in words: the answer, then deficits, hoarding, and a thin reserve; `before` the edits, if any."""
    found = [answer(run, before, language)]
    for event, line in LINES.items():
        years = likely(run, event)
        limit = limit_text(run, line, language) if line else ""
        text = say(language, "finding.years", years=years_of(years, language)) if years else highest(
            run.chance(event)["value"], language)
        found.append(say(language, f"finding.{event}", highest=text, limit=limit))
    return found


def highest(course: pd.Series, language: str) -> str:
    """The year in which a chance is highest, and how high it is there; years that read the same are not told apart."""
    year, same = int(course.idxmax()), course.map(percent).nunique() == 1
    return say(language, "finding.each" if same else "finding.highest", year=year, chance=percent(course[year]))


def limit_text(run: Run, line: str, language: str) -> str:
    """A line in force with its unit, or both ends where it changes over the years."""
    limits, months = run.lines[line], line == "reserve_months"
    low, high = (number(value if months else 100 * value, ".4g") + "%" * (not months)
                 for value in (limits.min(), limits.max()))
    text = low if low == high else say(language, "number.between", low=low, high=high)
    return say(language, "unit.months_of", value=text) if months else text


def doubt(run: Run, language: str) -> str:
    """How far the sentences and figures can be trusted."""
    ratio = run.summary[run.summary["quantity"] == "balance_ratio"].iloc[-1]
    error = max(run.chances["se"].max(), run.staying["se"].max())
    text = say(language, "finding.doubt", year=int(ratio["year"]), low=percent(ratio["p05"], 0),
               high=percent(ratio["p95"], 0), error=f"{ceil(1e4 * error) / 100:g}")
    years = open_years(run, LINES)
    return text + (say(language, "finding.open", years=years_of(years, language)) if years else "")


def figures(run: Run, before: Run | None, language: str) -> list[Figure]:
    """The four headline figures; `before` is the same run without edits, on the same draws.

    Less likely to run out of money or to end a year in deficit is better for the fund. More saved is neither better
    nor worse by itself: it keeps the fund solvent, and over a limit it lies idle.
    """
    insolvent, deficit, over = (run.chance(event) for event in ("p_insolvent", "p_deficit", "p_balance_over"))
    broke, worst = (int(chance["value"].idxmax()) for chance in (insolvent, deficit))
    median, last = medians(run), int(over.index[-1])
    was = (lambda event: before.chance(event)["value"]) if before is not None else None
    return [
        figure("insolvent", broke, insolvent["value"], insolvent["se"][broke], was and was("p_insolvent")[broke],
               language),
        figure("deficit", worst, deficit["value"], deficit["se"][worst], was and was("p_deficit")[worst], language),
        figure("over", last, over["value"], over["se"][last], was and was("p_balance_over")[last], language),
        figure("median", last, median, run.median_se.set_index("year")["balance_ratio"][last],
               was and medians(before)[last], language)]


def figure(name: str, year: int, course: pd.Series, error: float, old: float | None, language: str) -> Figure:
    """One headline figure, that of a year of its course; `old` is what it was before the edits."""
    label, note = say(language, f"figure.{name}", year=year), say(language, f"figure.{name}_help")
    change, way, arrow = None, "", "off"
    if old is not None:
        change, moved = points(course[year] - old, language), round(100 * (course[year] - old), 1)
        arrow = "up" if moved > 0 else "down" if moved < 0 else "off"
        way = {"up": "more", "down": "less", "off": "same"}[arrow]
        if name in FEARED and moved:
            way = "worse" if moved > 0 else "better"
    return Figure(label, percent(course[year]), percent(error, 2), change, way, arrow, course.tolist(), note)


def medians(run: Run) -> pd.Series:
    """Median balance ratio by year."""
    return run.summary[run.summary["quantity"] == "balance_ratio"].set_index("year")["p50"]


class Behaviour(NamedTuple):
    """What behaviour does to the end of a run: one sentence and, response by response, the frame behind it."""

    sentence: str
    drawn: Drawn


def behaviour(ends: Mapping[tuple[str, ...], pd.DataFrame], year: int, language: str) -> Behaviour:
    """The closing figures with every response less those with some switched off.

    `ends` holds, by the responses switched off, the closing balance and surplus ratio of each draw; draws are the
    same throughout, so their differences are paired.
    """
    usual, rows = ends[()], []
    for off, without in ends.items():
        if not off:
            continue
        differs = usual - without
        name = say(language, "behaviour.together" if len(off) > 1 else f"behaviour.{off[0]}")
        rows.append({"response": name, "balance": differs["balance_end"].mean(),
                     "balance_se": error_of([part.mean() for part in scramblings(differs["balance_end"])]),
                     "surplus": 100 * differs["surplus_ratio"].mean()})
    frame = pd.DataFrame(rows)
    divisor, unit = money_unit(frame["balance"].abs().max(), language)
    frame[["balance", "balance_se"]] /= divisor
    numbers = ["balance", "balance_se", "surplus"]
    frame[numbers] = frame[numbers].round(6) + 0.0  # what only rounding has made is nothing, and has no sign
    heads = {name: say(language, f"behaviour.{name}", unit=unit) if name != "response"
             else say(language, "behaviour.response") for name in frame.columns}
    together = frame.iloc[0]
    sentence = say(language, "behaviour.sentence", year=year, amount=number(abs(together["balance"])), unit=unit,
                   way=say(language, "behaviour.more" if together["balance"] >= 0 else "behaviour.less"),
                   ratio=points(together["surplus"] / 100, language))
    return Behaviour(sentence, Drawn(frame, heads, {"balance": "%+,.1f", "balance_se": "%,.2f", "surplus": "%+.2f"}))


def responds(scenario: Scenario) -> bool:
    """Whether a scenario departs anywhere from the policy it starts with, so that there is something to respond to."""
    return any(not change.lever.startswith("responses") for change in scenario.changes)
