"""The track record and what rests on it as a page shows it: back-test, calibration, a fund's own scenario, variance.

Pure: records of the model in, frames in the reader's language and units out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from report.evidence import titles
from report.paper import cells
from report.tables import FORMS, Drawn, money_unit
from report.text import number as signed
from report.text import percent, points, say, unit_text, years_of
from simulation import variance
from simulation.adapted import from_table
from simulation.backtest import FORECAST, RATIOS, TITLES, Record
from simulation.calibration import RATIOS as IN_POINTS
from simulation.calibration import Fit, Target
from simulation.columns import COLUMNS
from simulation.estimates import find_assumption
from simulation.measures import QUANTILES
from simulation.results import MORE, QUANTITIES
from simulation.scenario import Scenario
from simulation.scoring import GRADES, LEAST_FORECASTS, complete
from simulation.series import Series, bundled, bundled_as, read_series
from simulation.template import guide_rows
from simulation.terms import Fault, Term
from simulation.trees import leaves
from ui.register import members

MANY = {"zh": (1e4, "wan"), "en": (1e6, "million")}  # in which people and visits are counted once there are so many
UNITS = {"enrolment": "persons", "stays": "stays", "visits": "visits"} | dict.fromkeys(RATIOS, "share")
MOSTLY = 2 / 3  # of forecasts on one side of what happened, from which they have erred mostly that way
MARKS = {"within": "✓", "outside": "✕", "unlike": "○"}


# --- the fund ---------------------------------------------------------------------------------------

def tables() -> dict[str, Series]:
    """The series that come with the sandbox."""
    return {name: read_once(path) for name, path in bundled().items()}


@lru_cache(maxsize=64)
def read_once(path: Path) -> Series:
    """A series that comes with the sandbox, whose file does not change."""
    return read_series(path.read_bytes(), path.name)


def titled(series: Series, language: str) -> str:
    """A published series by its title, any other by its file and years."""
    first, last = series.years[0], series.years[-1]
    return titles().get(bundled_as(series), {}).get(language) or say(
        language, "record.file", name=series.name, first=first, last=last)


def nearest(scenario: Scenario, series: Mapping[str, Series]) -> tuple[str, int]:
    """The published fund nearest to a scenario, and how many years they share: the most years, else the latest figures.

    Of those alike, the one with the most years: it can be tested most often.
    """
    years = set(scenario.horizon())
    shared = {name: len(years & set(each.years)) for name, each in series.items()}
    best = max(series, key=lambda name: (shared[name], min(series[name].years[-1], scenario.first_year),
                                         len(series[name].years)))
    return best, shared[best]


def in_place(fault: Fault, language: str) -> tuple[str, str, str]:
    """A fault as the cell it is in, what is wrong and what to do.

    >>> from simulation.terms import words
    >>> in_place(Fault("county.csv: B5 income", words("是负数", "is negative"), words("请改正", "correct it")), "en")
    ('county.csv: B5 income', 'is negative', 'correct it')
    """
    return fault.place, fault.what[language], fault.remedy[language]


def as_read(series: Series, language: str) -> Drawn:
    """The table as it was understood, every quantity in the unit of its heading."""
    frame, heads, forms = pd.DataFrame({"year": series.years}), {"year": say(language, "column.year")}, {}
    for column in COLUMNS:
        if column.kind != "year" and series.count(column.key):
            divisor, unit = scale(np.nanmax(np.abs(series.values[column.key])), column.kind, language)
            frame[column.key] = series.values[column.key] / divisor
            heads[column.key] = say(language, "column.share", what=column.title[language], unit=unit)
            forms[column.key] = "%,.1f"
    return Drawn(frame, heads, forms)


def columns_told(language: str) -> tuple[pd.DataFrame, list[str]]:
    """The format of the table: a row a column, and the rules that hold for all of them."""
    head, *rows = guide_rows(language)
    return (pd.DataFrame([row for row in rows if len(row) > 1], columns=head),
            [row[0] for row in rows if len(row) == 1])


def scale(largest: float, unit: str, language: str) -> tuple[float, str]:
    """The divisor and name of the unit in which an amount is best read.

    >>> scale(5e9, "yuan", "zh"), scale(3e8, "persons", "zh"), scale(900.0, "visits", "en"), scale(0.3, "share", "zh")
    ((100000000.0, '亿元'), (10000.0, '万人'), (1, 'visits'), (1, '比例'))
    """
    if unit in ("yuan", "yuan_year"):
        return money_unit(largest, language)
    many, name = MANY[language]
    if unit in ("persons", "stays", "visits") and largest >= many:
        return many, say(language, f"record.unit.{name}_{unit}")
    return 1, unit_text(unit, language)


def scaled(largest: float, unit: str, language: str) -> tuple[float, str]:
    """As `scale`, but fractions as percentages: what a column of mixed units counts in.

    >>> scaled(0.5, "share", "en"), scaled(6577.0, "yuan_stay", "en")
    ((0.01, '%'), (1, 'yuan a stay'))
    """
    return (0.01, "%") if unit in ("share", "rate", "per_year") else scale(largest, unit, language)


def number(value: float, unit: str, language: str, beside: float = 0.0) -> str:
    """One number with its unit, as it stands in a table of words; in the unit of a larger one that stands beside it.

    >>> number(0.0456, "per_year", "zh"), number(2174.6, "yuan_stay", "en"), number(2e8, "yuan", "zh", beside=1.5e9)
    ('4.56%', '2,175 yuan a stay', '2.0 亿元')
    >>> number(-3.57e-5, "log_odds", "en"), number(-0.0357, "log_odds", "en")
    ('0', '−0.0357')
    """
    divisor, name = scaled(max(abs(value), abs(beside)), unit, language)
    if name == "%":
        return f"{round(100 * value, 2) + 0.0:g}%".replace("-", "−")
    digits = ",.1f" if divisor > 1 else ",.0f" if abs(value) >= 1000 else ",.3g"
    text = f"{round(value / divisor, 4) + 0.0:{digits}} {'' if unit in ('number', 'log_odds') else name}"
    return text.rstrip().replace("-", "−")


# --- the record -------------------------------------------------------------------------------------

def meaning(grade: str, language: str) -> str:
    """A grade in a word or two: the beginning of its rule.

    >>> meaning("A", "en"), meaning("D", "zh")
    ('Reliable', '不可靠')
    """
    return GRADES[grade][language].partition("：" if language == "zh" else ":")[0]


GRADED = ("output", "grade", "meaning", "n", "cutoffs", "cover50", "cover90", "skill_drift", "skill_trend", "above",
          "bias")
GRADED_FORMS = dict.fromkeys(("n", "cutoffs", "horizon"), "%d") | dict.fromkeys(
    ("cover50", "cover90", "above"), "percent") | {"skill_drift": "%+.2f", "skill_trend": "%+.2f", "bias": "%+.1f"}


def erring(record: Record) -> pd.DataFrame:
    """What was judged, with the share of forecasts whose median lay above what happened."""
    told, judged = complete(record.forecasts, ("quantity", "horizon", "actual", "crps")), record.judged
    over = (told["error"] > 0).groupby([told["quantity"], told["horizon"]]).mean()
    whole = (told["error"] > 0).groupby(told["quantity"]).mean()
    return judged.assign(above=[over[row.quantity, row.horizon] if row.horizon else whole[row.quantity]
                                for row in judged.itertuples()])


def way(above: float, n: int) -> str:
    """Which way forecasts have erred: the key of its phrase.

    >>> way(1.0, 6), way(0.5, 6), way(0.2, 10), way(1.0, 3)
    ('high', 'both', 'low', 'few')
    """
    return "few" if n < LEAST_FORECASTS else "high" if above >= MOSTLY else "low" if above <= 1 - MOSTLY else "both"


def compact(drawn: Drawn, language: str) -> pd.DataFrame:
    """Graded outputs in words, for a narrow page: coverage, skill and errors in a column each, under its name.

    Which way they have erred is said in words, with how many lay above what happened and the mean error.
    """
    rows, text = [], in_words(drawn)
    units = {title[language]: name in RATIOS for name, title in TITLES.items()}
    for row, said in zip(drawn.frame.itertuples(), text.to_dict("records"), strict=True):
        error = points(row.bias / 100, language) if units[row.output] else f"{signed(row.bias, '+.1f')}%"
        cell = {name: say(language, f"record.brief.{name}.cell", **said) if row.n else "–"
                for name in ("cover", "skill")}
        erred = say(language, f"record.erred.{way(row.above, row.n)}", count=round(row.above * row.n), n=row.n,
                    error=error) if row.n else "–"
        rows.append({name: said[name] for name in ("output", "grade", "meaning", "horizon") if name in said} | cell | {
            "erred": erred})
    heads = drawn.heads | {name: say(language, f"record.brief.{name}.head") for name in ("cover", "skill")}
    return pd.DataFrame(rows).rename(columns=heads | {"erred": say(language, "record.brief.erred")})


def board(record: Record, language: str) -> Drawn:
    """The grade of every output over all horizons; what the table holds no figures of is there, too, ungraded."""
    whole = erring(record)[record.judged["horizon"] == 0].set_index("quantity")
    frame = whole.reindex(list(TITLES)).reset_index()
    frame["grade"] = frame["grade"].fillna("–")
    frame[["n", "cutoffs"]] = frame[["n", "cutoffs"]].fillna(0).astype(int)
    return graded(frame, GRADED, language)


def by_horizon(record: Record, language: str) -> Drawn:
    """The grade of every output at each number of years ahead."""
    frame = erring(record)[record.judged["horizon"] > 0].reset_index(drop=True)
    return graded(frame, ("output", "horizon", *GRADED[1:]), language)


def graded(frame: pd.DataFrame, columns: Iterable[str], language: str) -> Drawn:
    """Judged outputs with their names and grades in words; bias in per cent, of ratios in percentage points."""
    frame = frame.assign(output=[TITLES[name][language] for name in frame["quantity"]],
                         meaning=[meaning(grade, language) for grade in frame["grade"]], bias=100 * frame["bias"])
    columns = list(columns)
    return Drawn(frame[columns], {name: say(language, f"record.column.{name}") for name in columns}, GRADED_FORMS)


def finding(record: Record, language: str) -> str:
    """What the grades come to, and which way each output has erred, in sentences."""
    drawn = board(record, language).frame
    cutoffs = sorted(record.forecasts["cutoff"].unique())
    counts = say(language, "record.comma").join(
        say(language, "record.of_grade", count=int((drawn["grade"] == grade).sum()), grade=grade,
            meaning=meaning(grade, language)) for grade in GRADES)
    erred = {}
    for row in drawn[drawn["n"] > 0].itertuples():
        erred.setdefault(way(row.above, row.n), []).append(row.output)
    told = [say(language, f"record.finding_{name}", outputs=say(language, "record.comma").join(erred[name]))
            for name in ("high", "low", "both") if name in erred]
    return "\n".join([say(
        language, "record.finding", cutoffs=years_of(cutoffs, language), count=len(cutoffs),
        most=int(record.forecasts["horizon"].max()), outputs=len(drawn), counts=counts), "", *told])


def forecasts(record: Record, quantity: str, language: str) -> tuple[Drawn, str]:
    """What happened and every forecast of it, a row a cut-off and year; years never forecast stand alone.

    With it the unit, which is empty for ratios.
    """
    found = record.forecasts[record.forecasts["quantity"] == quantity]
    known = of_table(record.series, quantity).rename("actual").rename_axis("year").reset_index()
    frame = known.merge(found[["year", "cutoff", "horizon", *QUANTILES]], on="year", how="left")
    unit = UNITS.get(quantity, "yuan")
    divisor, name = scale(frame["actual"].abs().max(), unit, language)
    numbers = ["actual", *QUANTILES]
    frame[numbers] /= divisor
    heads = {"year": say(language, "column.year")} | {
        column: say(language, f"record.column.{column}") for column in ("cutoff", "horizon")} | {
        column: say(language, "column.share", what=say(language, f"{'record.' * (column == 'actual')}column.{column}"),
                    unit=name) for column in numbers}
    form = FORMS["share"] if unit == "share" else "%,.1f"
    return Drawn(frame[["year", "actual", "cutoff", "horizon", *QUANTILES]], heads,
                 {"cutoff": "%d", "horizon": "%d"} | dict.fromkeys(numbers, form)), "" if unit == "share" else name


def of_table(series: Series, quantity: str) -> pd.Series:
    """What happened to a forecast quantity, by year, where the table says."""
    return pd.Series(FORECAST[quantity][1](series.values), series.years).dropna()


def crossings(record: Record, language: str) -> Drawn:
    """The chances of crossing each line: what was stated, how often it came, and the Brier scores."""
    frame = record.crossings.copy()
    frame.insert(0, "line", [say(language, f"event.{event}") for event in frame["event"]])
    frame = frame.drop(columns="event")
    forms = {"n": "%d", "cutoffs": "%d", "probability": "percent", "frequency": "percent"} | dict.fromkeys(
        ("brier", "brier_half", "brier_base"), "%.3f")
    return Drawn(frame, {name: say(language, f"record.column.{name}") for name in frame.columns}, forms)


def reliability(record: Record, language: str) -> Drawn:
    """Stated chances by fifths beside how often it happened."""
    frame = record.reliability.copy()
    return Drawn(frame, {name: say(language, f"record.column.{name}") for name in frame.columns},
                 {"n": "%d"} | dict.fromkeys(("low", "high", "probability", "frequency"), "percent"))


def in_words(drawn: Drawn) -> pd.DataFrame:
    """A small table as text: each number in its column's form, percentages whole, a dash where there is none."""
    return pd.DataFrame(cells(drawn, digits=0), columns=list(drawn.frame))


# --- calibration ------------------------------------------------------------------------------------

PER_STAY = {"expense_per_stay": "yuan_stay", "payment_per_stay": "yuan_stay", "fund_share": "share"}
RESULTS = QUANTITIES | MORE


def of_text(of: str, scenario: Scenario, language: str) -> str:
    """A calibrated quantity in words, with its level of hospital if it is of one."""
    base, _, tier = of.partition(".")
    name = say(language, f"record.of.{base}") if base in PER_STAY else RESULTS[base][0][language]
    return say(language, "record.at", what=name, tier=scenario.axes.tier[tier][language]) if tier else name


def targets(fit: Fit, aims: Iterable[Target], language: str) -> Drawn:
    """Every published figure beside the model before and after calibration, each quantity in its own unit."""
    largest = fit.targets.groupby("of")["published"].max()
    notes = {(aim.of, aim.year, aim.source): aim.note for aim in aims}
    rows = []
    for row in fit.targets.itertuples():
        base = row.of.partition(".")[0]
        divisor, unit = scaled(largest[row.of], PER_STAY.get(base) or RESULTS[base][1].removesuffix("_year"), language)
        note = notes.get((row.of, row.year, row.source))
        rows.append({"what": of_text(row.of, fit.scenario, language), "year": row.year, "unit": unit,
                     "published": row.published / divisor, "before": row.before / divisor, "after": row.after / divisor,
                     "off": 100 * row.off, "miss": row.miss, "points": base in IN_POINTS,
                     "held": say(language, "record.held" if row.held_out else "record.fitted"),
                     "source": row.source, "note": note[language] if note else ""})
    frame = pd.DataFrame(rows)
    # What is off in one standard deviation: where nothing is off, nothing tells it.
    frame["sd"] = (frame["off"] / frame["miss"]).where(frame["miss"] != 0).abs()
    order = ["what", "year", "unit", "published", "before", "after", "off", "miss", "held", "note", "source", "sd"]
    heads = {name: say(language, f"record.column.{name}") for name in order}
    forms = {"year": "%d", "off": "%+.1f", "miss": "%+.1f", "sd": "%.1f"} | dict.fromkeys(
        ("published", "before", "after"), "%,.1f")
    return Drawn(frame[order], heads, forms)


def fitted(fit: Fit, language: str) -> Drawn:
    """Every assumption that was fitted: its interval before and after, and whether the figures tell it."""
    rows = []
    for row in fit.assumptions.itertuples():
        term = find_assumption(row.name)[2]
        text = text_of(row.multiple, term, language, max(row.prior_high, row.high))
        phrase = "record.times_interval" if row.multiple else "record.interval"
        before = {"low": text(row.prior_low), "value": text(row.prior), "high": text(row.prior_high)}
        after = {"low": text(row.low), "value": text(row.value), "high": text(row.high)}
        rows.append({"assumption": term.title[language], "prior": say(language, phrase, **before),
                     "fitted": say(language, phrase, **after), "moved": row.moved, "left": row.left,
                     "told": say(language, "record.told" if row.told else "record.untold")})
    frame = pd.DataFrame(rows)
    heads = {name: say(language, f"record.column.{name}") for name in frame.columns}
    return Drawn(frame, heads, {"moved": "%+.2f", "left": "percent"})


def ties(fit: Fit, language: str) -> Drawn:
    """Pairs of assumptions of which the figures tell the combination alone."""
    frame = fit.ties.copy()
    for name in ("first", "second"):
        frame[name] = [find_assumption(full)[2].title[language] for full in frame[name]]
    return Drawn(frame, {name: say(language, f"record.column.{name}") for name in frame.columns},
                 {"correlation": "%+.2f"})


def text_of(multiple: bool, term: Term, language: str, largest: float) -> Callable[[float], str]:
    """How the values of an assumption are written: as multiples of what a scenario states, or in one unit for all."""
    return (lambda value: f"{value:.2f}") if multiple else lambda value: number(value, term.unit, language, largest)


# --- a fund's own scenario --------------------------------------------------------------------------

def taken(scenario: Scenario, language: str) -> Drawn:
    """Every value that a scenario took from the fund's table, with its interval and where it comes from."""
    rows = []
    for row in from_table(scenario):
        term = find_assumption(row["name"])[2]
        ends = ""
        if row["interval"]:
            low, high = map(text_of(row["multiple"], term, language, row["interval"][1]), row["interval"])
            ends = say(language, "register.times" if row["multiple"] else "record.from_to", low=low, high=high)
        for name, value in leaves(row["value"], row["name"]):
            rows.append({"assumption": " · ".join([term.title[language], *members(scenario, term, name, language)]),
                         "value": number(value, term.unit, language), "interval": ends,
                         "provenance": row["note"][language], "code": name})
    frame = pd.DataFrame(rows)
    return Drawn(frame, {name: say(language, f"record.column.{name}") for name in frame.columns})


# --- where the uncertainty comes from, and the shape of spending -------------------------------------

def parts(shares: pd.DataFrame, quantity: str, language: str) -> tuple[Drawn, dict[str, str]]:
    """Each source's part of a quantity's variance by year, in per cent; with it the sources' names."""
    wide = shares[shares["quantity"] == quantity].pivot(index="year", columns="source", values="share")
    frame = (100 * wide[list(variance.PARTS)]).reset_index().rename_axis(columns=None)
    names = {source: say(language, f"record.source.{source}") for source in variance.PARTS}
    heads = {source: say(language, "column.share", what=name, unit="%") for source, name in names.items()}
    return Drawn(frame, {"year": say(language, "column.year")} | heads, dict.fromkeys(names, "%.1f")), names


def of_variance(drawn: Drawn, names: Mapping[str, str], what: str, language: str) -> str:
    """The parts of a quantity's variance in the last year, in one sentence."""
    last = drawn.frame.iloc[-1]
    told = say(language, "record.comma").join(
        say(language, "record.part", name=name, share=percent(last[source] / 100, 0))
        for source, name in names.items())
    return say(language, "record.variance_told", year=int(last["year"]), what=what, parts=told)


def shapes(table: pd.DataFrame, language: str) -> Drawn:
    """Every measure of how unevenly spending falls beside its published figure, the tolerance and the verdict.

    First the tests: the rows whose study is of people like the scenario's.
    """
    rows = []
    for row in table.sort_values("alike", ascending=False, kind="stable").itertuples():
        text = (lambda value: f"{value:.2f}") if row.measure.startswith(("log_sd", "gini")) else percent
        verdict = ("within" if row.within else "outside") if row.alike else "unlike"
        span = lambda low, high, text=text: text(low) if low == high else say(  # noqa: E731
            language, "record.from_to", low=text(low), high=text(high))
        rows.append({"measure": getattr(row, f"title_{language}"), "value": text(row.value),
                     "published": span(row.published, row.published_to), "tolerance": span(row.low, row.high),
                     "verdict": f"{MARKS[verdict]}\u00a0{say(language, f'record.{verdict}')}",
                     "population": getattr(row, f"population_{language}"),
                     "reason": getattr(row, f"reason_{language}"), "source": row.source})
    frame = pd.DataFrame(rows)
    return Drawn(frame, {name: say(language, f"record.column.{name}") for name in frame.columns})


def lorenz(curves: pd.DataFrame, language: str) -> tuple[Drawn, dict[str, str]]:
    """The Lorenz curves side by side: the share of spending on the cheapest share of people; with it their names."""
    order = list(dict.fromkeys(curves["whom"]))
    frame = curves.pivot(index="people", columns="whom", values="expense")[order].reset_index()
    names = {whom: say(language, f"record.whom.{whom}") for whom in order}
    heads = {"people": say(language, "record.column.people")} | names
    return Drawn(frame.rename_axis(columns=None), heads), names
