"""What a run rests on: the status of its values, the intervals of its assumptions, and how past forecasts did."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pandas as pd

from report.inquiry import Inquiry
from report.paper import NOTHING, clean
from report.tables import FORMS, Drawn, money_unit
from report.text import in_percent, number, percent, say, unit_text
from simulation.assumptions import ASSUMED, Assumed
from simulation.backtest import TITLES, Record
from simulation.drivers import Drivers
from simulation.estimates import find_assumption
from simulation.loading import load_scenario
from simulation.published import DATA
from simulation.reading import read_text, read_yaml
from simulation.reference import STATUSES, counted
from simulation.scenario import Scenario, clause
from simulation.scoring import GRADES
from simulation.sentences import title_of
from simulation.series import bundled_as
from simulation.terms import Term
from simulation.trees import leaves

DRIVERS = 3  # told of an event
LARGE = 1e6  # yuan: from here sums are told in larger units
GRADED = ("enrolment", "income", "spending", "surplus", "balance", "surplus_ratio", "balance_ratio")


def rests(scenario: Scenario, language: str) -> str:
    """How many values in use rest on law, bulletin, estimate or assumption; what the rule book lacks is left out."""
    told = {}
    for kind in ("lever", "assumption"):
        counts = [count for count in counted(scenario, scenario.first_year) if count.kind == kind
                  and count.values and count.status != "unused"]
        told[kind] = say(language, "brief.comma").join(say(
            language, "brief.rests_on", status=STATUSES[count.status][language], count=f"{count.values:,}")
            for count in counts)
    return say(language, "brief.rests", levers=told["lever"], assumptions=told["assumption"])


def crossings(found: Drivers, language: str) -> Drawn:
    """What goes with each event in the last year, the strongest first, and how likely the event is with it."""
    rows = []
    for event, part in found.frame[found.frame["year"] == found.frame["year"].max()].groupby("event", sort=False):
        head = say(language, "brief.driver.of", event=title_of(event)[language], chance=percent(part["chance"].iloc[0]))
        told = part[part["told"]].sort_values("rank").head(DRIVERS)
        rows += [{"event": head, "driver": found.titles[row.driver][language], "high": percent(row.high),
                  "low": percent(row.low)} for row in told.itertuples()]
        if told.empty:
            rows.append({"event": head, "driver": say(language, "brief.driver.none"), "high": NOTHING, "low": NOTHING})
    frame = pd.DataFrame(rows)
    return Drawn(frame, {name: say(language, f"brief.driver.{name}") for name in frame.columns})


# --- assumptions ------------------------------------------------------------------------------------

def intervals(scenario: Scenario, language: str) -> Drawn:
    """Every assumption with an interval: its value, both ends, and the evidence for them."""
    rows = []
    for section, model in ASSUMED.items():
        for field, term in model.terms().items():
            given = getattr(getattr(scenario.assumptions, section), field)
            if given.range or given.factor:
                rows.append({"assumption": term.title[language], "value": central(given, term, language),
                             "ends": ends(given, term, language),
                             "evidence": clean(clause(scenario, given.source, language))})
    frame = pd.DataFrame(rows, columns=["assumption", "value", "ends", "evidence"])
    return Drawn(frame, {name: say(language, f"brief.column.{name}") for name in frame.columns})


def otherwise(inquiry: Inquiry, language: str) -> list[dict[str, str]]:
    """The assumptions taken otherwise than the scenario takes them: both intervals, and the reason given."""
    rows = []
    for each in inquiry.estimates:
        section, field, term = find_assumption(each.name)
        old, new = (getattr(getattr(scenario.assumptions, section), field)
                    for scenario in (inquiry.base, inquiry.scenario))
        rows.append({"assumption": term.title[language], "old": spanned(old, term, language),
                     "new": spanned(new, term, language),
                     "evidence": clean(clause(inquiry.base, new.source, language))})
    return rows


def spanned(given: Assumed, term: Term, language: str) -> str:
    """The middle value of an assumption with both its ends."""
    middle = central(given, term, language)
    return say(language, "brief.spanned", middle=middle, ends=ends(given, term, language)) if (
        given.range or given.factor) else middle


def central(given: Assumed, term: Term, language: str) -> str:
    """The middle value with its unit, or how many values there are where it varies."""
    values = [value for _, value in leaves(given.value)]
    of, unit = scaled(term, max(values), language)
    if len(set(values)) == 1:
        return f"{of(values[0])} {unit}".strip()
    said = say(language, "brief.many", count=len(values), low=of(min(values)), high=of(max(values)), unit=unit)
    return " ".join(said.split()).replace(" （", "（")


def ends(given: Assumed, term: Term, language: str) -> str:
    """The 5 % and the 95 % end; multipliers of a value that varies."""
    if given.range:
        of, _ = scaled(term, given.value, language)
        low, high = (of(end) for end in given.range)
        return say(language, "number.between", low=low, high=high)
    low, high = given.factor or (1, 1)
    return say(language, "register.times", low=f"{low:g}", high=f"{high:g}")


def scaled(term: Term, largest: float, language: str) -> tuple[Callable[[float], str], str]:
    """How a figure of a term is written, and the unit then: fractions as percentages, sums of yuan in what fits."""
    if in_percent(term):
        return lambda value: f"{number(100 * value, '.4g')}%", ""
    if term.unit == "yuan" and abs(largest) >= LARGE:
        divisor, unit = money_unit(abs(largest), language)
        return lambda value: number(value / divisor, ",.6g"), unit
    plain = term.unit in ("number", "log_odds")
    return lambda value: number(value, ",.6g"), "" if plain else unit_text(term.unit, language)


# --- grades -----------------------------------------------------------------------------------------

@lru_cache
def titles() -> dict[str, Any]:
    """The published series' titles in both languages, as `data/sources.yaml` names them."""
    listed = read_yaml(read_text(DATA / "sources.yaml"), "sources.yaml")["series"]
    return {entry["path"].removeprefix("series/").removesuffix(".csv"): entry["title"] for entry in listed}


def tested(record: Record, language: str) -> str:
    """What was forecast, from which years, under whose rules; and that it was another fund."""
    series, known = record.series, titles().get(bundled_as(record.series))
    years = record.forecasts["cutoff"]
    return say(language, "brief.tested" if known else "brief.tested_own",
               series=known[language] if known else clean(series.name), first=series.years[0], last=series.years[-1],
               cutoffs=years.nunique(), template=load_scenario(record.template).title[language])


def grades(record: Record, language: str) -> tuple[Drawn, int]:
    """The grade of each output over all horizons with what it rests on, and the most forecasts behind one."""
    whole = record.judged[(record.judged["horizon"] == 0) & record.judged["quantity"].isin(GRADED)]
    whole = whole.set_index("quantity").reindex([name for name in GRADED if name in set(whole["quantity"])])
    frame = pd.DataFrame({
        "output": [TITLES[name][language] for name in whole.index], "grade": whole["grade"].tolist(),
        "n": whole["n"].tolist(), "cutoffs": whole["cutoffs"].tolist(), "cover90": whole["cover90"].tolist()})
    heads = {name: say(language, f"record.column.{name}") for name in frame.columns}
    return Drawn(frame, heads, dict.fromkeys(("n", "cutoffs"), FORMS["year"])), int(whole["n"].max())


def meanings(drawn: Drawn, language: str) -> list[str]:
    """What the grades of a table mean, each once."""
    return [say(language, "brief.grade", grade=grade, meaning=GRADES[grade][language])
            for grade in GRADES if grade in set(drawn.frame["grade"])]
