"""Goal seeking for the page: what can be sought with, the answer made once, its frames and its chart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from report import findings
from report.charts import ACROSS, BLUE, EVENT_STYLE, GREY, MARGIN, rgba, titled, whole
from report.tables import FORMS, Drawn
from report.text import in_percent, number, people, percent, say, unit_text
from simulation.goalseek import PEOPLE, SEED, End, Found, changed, goal_seek
from simulation.policy import SECTIONS
from simulation.scenario import Scenario
from simulation.sought import tightest, value_text
from simulation.targets import read_target
from simulation.terms import UNITS, Term
from ui import programmes, tracks
from ui.runs import at_length, draws_for
from ui.view import View, known, scenario_of

TARGETS = {"p_deficit": 5, "p_surplus_over": 100, "p_balance_over": 100}  # percent at most; 100 asks for nothing
SEEN = ("now", "then", "check")  # of an outcome
LINES = ("surplus_ratio", "balance_ratio", "reserve_months")  # moving a line moves no fund
NOT_OFFERED = ("responses",)  # how people respond is no policy


def parameters(view: View) -> dict[str, Term]:
    """The parameters of the regulation that act in a view, by dotted name."""
    scenario, found = scenario_of(view), {}
    for name, _, term, _ in scenario.levers(view.since):
        section, field, *_ = name.split(".")
        left_out = section in NOT_OFFERED or section == "lines" and field in LINES or term.choices
        if not left_out and f"{section}.{field}" not in found and not programmes.waits_for(view, term):
            found[f"{section}.{field}"] = SECTIONS[section].terms()[field]
    return found


def parts(view: View, parameter: str) -> list[str]:
    """A parameter as a whole and, where it varies, each of its values: what can be moved."""
    leaves = [name for name, *_ in scenario_of(view).levers(view.since) if name.startswith(f"{parameter}.")]
    return [parameter, *leaves]


def targets_of(limits: dict[str, float]) -> tuple[str, ...]:
    """The targets of some limits in percent; at 100 nothing is asked for.

    >>> targets_of({"p_deficit": 5, "p_balance_over": 100})
    ('p_deficit<=0.05',)
    """
    return tuple(f"{event}<={round(limit / 100, 6):g}" for event, limit in limits.items() if limit < 100)


def question(view: View, lever: str, targets: tuple[str, ...], years: tuple[int, int]) -> tuple:
    """What tells one question from another."""
    return "seek", view.scenario, view.edits, view.since, lever, targets, years, draws_for(view, settled=False)


def answer(asked: tuple) -> Found:
    """The answer to a question, made once; raises `BadInput` where it cannot be asked."""
    _, name, edits, since, lever, targets, (first, last), draws = asked
    return tracks.once(asked, lambda progress: at_length(
        {"progress": progress}, goal_seek, scenario_of(View(name, since, edits)), lever, targets,
        range(first, last + 1), draws, SEED, "table", since))


def edits(found: Found) -> list[tuple[str, Any]]:
    """What a view has to take over; nothing where values of later years move too, which a view cannot hold."""
    return [] if found.moves.planned else [(lever, value) for lever, _, value in found.moves.edits(found.advised)]


# --- frames and chart --------------------------------------------------------------------------------

def axis(found: Found) -> tuple[str, float]:
    """The column along which a move is drawn, and what its values are multiplied by."""
    return ("value" if len(found.moves.leaves) == 1 else "change",
            100.0 if in_percent(found.moves.leaves[0].term) else 1.0)


def moved_name(found: Found, lang: str) -> str:
    """What is drawn along the axis: the lever's value, or by how much its values move, with the unit."""
    term = found.moves.leaves[0].term
    title = " + ".join(known(found.scenario).lever_names(lever, lang) for lever in found.moves.levers)
    change = axis(found)[0] == "change"
    unit = say(lang, "find.points") if change and in_percent(term) else "%" if in_percent(term) \
        else unit_text(term.unit, lang)
    return say(lang, "find.change_of" if change else "find.value_of", what=title, unit=unit)


def course(found: Found, lang: str) -> Drawn:
    """Every value tried with each target in its tightest year: what the chart draws."""
    column, times = axis(found)
    table = tightest(found).dropna(subset=[column])
    frame = table.assign(at=(table[column].astype(float) * times).round(9), what=[
        read_target(text).title[lang] for text in table["target"]])
    frame = frame[["at", "what", "year", "found", "se", "limit", "holds", "target"]].sort_values(["what", "at"])
    frame["holds"] = [say(lang, "find.holds" if holds else "find.fails") for holds in frame["holds"]]
    heads = {name: say(lang, f"find.column.{name}") for name in frame.columns} | {"at": moved_name(found, lang)}
    return Drawn(frame.reset_index(drop=True), heads, {"at": "%.10g"})


def figure(drawn: Drawn, found: Found, lang: str) -> go.Figure:
    """The chance of each target against the lever, its limit, the answer and the interval it lies in."""
    column, times = axis(found)
    place = lambda end: getattr(end, column) * times  # noqa: E731
    traces, shapes, notes = [], [], []
    for n, (text, part) in enumerate(drawn.frame.groupby("target", sort=False)):
        dash, marker, colour = EVENT_STYLE[n]
        name, limit = part["what"].iloc[0], read_target(text).limit
        traces.append({
            "x": part["at"].tolist(), "y": part["found"].tolist(), "mode": "lines+markers", "name": name,
            "line": {"dash": dash, "width": 2, "color": colour},
            "marker": {"symbol": marker, "size": 8, "color": colour},
            "error_y": {"array": part["se"].tolist(), "color": colour, "thickness": 1.5, "width": 3},
            "customdata": part["year"].tolist(),
            "hovertemplate": f"%{{x:,}}　%{{customdata}}<br>{name} %{{y:.1%}} ± %{{error_y.array:.2%}}<extra></extra>"})
        shapes.append(ACROSS | {"y0": limit, "y1": limit,
                                "line": {"dash": "longdashdot", "width": 1.5, "color": colour}})
        notes.append({"x": 0, "xref": "x domain", "y": limit, "text": f"≤ {percent(limit, 0)}", "showarrow": False,
                      "xanchor": "left", "yanchor": "bottom", "font": {"color": colour}})
    at = End(found.change, found.value)
    if getattr(at, column) is not None:
        shapes.append({"type": "line", "yref": "y domain", "y0": 0, "y1": 1, "x0": place(at), "x1": place(at),
                       "line": {"width": 2, "color": GREY, "dash": "solid" if found.reached else "dot"}})
        word = say(lang, "find.answer" if found.reached else "find.closest")
        notes.append({"x": place(at), "y": 1, "yref": "y domain", "yanchor": "bottom", "showarrow": False,
                      "text": f"{word} {number(place(at), ',.6g')}"})
    nearer, farther = found.interval
    if found.reached and nearer and farther and None not in (getattr(nearer, column), getattr(farther, column)):
        shapes.append({"type": "rect", "yref": "y domain", "y0": 0, "y1": 1, "x0": place(nearer), "x1": place(farther),
                       "fillcolor": rgba(BLUE, 0.12), "line": {"width": 0}, "layer": "below"})
    return whole(traces, {
        "title": titled(say(lang, "find.chart")), "showlegend": True, "shapes": shapes, "annotations": notes,
        "margin": {**MARGIN, "t": 72}, "legend": {"y": -0.28},
        "xaxis": {"title": {"text": drawn.heads["at"]}, "tickformat": ",~g"},
        "yaxis": {"tickformat": ".0%", "range": [-0.03, 1.05], "dtick": 0.25}})


def neighbours(found: Found, lang: str) -> Drawn:
    """The answer beside a step less and a step more, on the draws of the search and on those of the check."""
    table, term = found.neighbours, found.moves.leaves[0].term
    frame = table.assign(
        which=[say(lang, f"find.which.{which if found.reached or which != 'answer' else 'closest'}")
               for which in table["which"]],
        value=[value_text(value, term) for value in table["value"]],
        what=[read_target(text).title[lang] for text in table["target"]],
        holds=[say(lang, "find.holds" if holds else "find.fails") for holds in table["holds"]])
    frame = frame[["which", "value", "draws", "what", "year", "found", "se", "holds"]]
    heads = {name: say(lang, f"find.column.{name}") for name in frame.columns if name != "value"}
    many = len(found.moves.leaves) > 1
    heads["value"] = say(lang, "find.column.first" if many else "find.column.value", unit=UNITS[term.unit][lang])
    return Drawn(frame, heads, {"draws": "%,d", "year": FORMS["year"]})


def outcomes(found: Found, scenario: Scenario, lang: str) -> Drawn:
    """What the advised value does to every line and to enrolment, beside the present and in the check, in words."""
    table = found.outcomes.set_index("what")
    chance = lambda value, se: f"{percent(value)} ± {percent(se, 2)}"  # noqa: E731
    rows = []
    for event in TARGETS:
        row, lever = table.loc[event], findings.LINES[event]
        line = lever and getattr(scenario.policy_in(int(row["year"])).lines, lever).value
        rows.append([say(lang, "find.outcome.line", what=say(lang, f"event.{event}"), line=percent(line, 0)) if line
                     else say(lang, f"event.{event}"),
                     *(chance(row[at], row[f"{at}_se"]) for at in SEEN), str(int(row["year"]))])
    insured, share = (table.loc[name] for name in PEOPLE)
    rows.append([say(lang, "find.outcome.insured"),
                 *(say(lang, "find.outcome.people", people=people(insured[at], lang), share=percent(share[at]))
                   for at in SEEN), str(int(insured["year"]))])
    frame = pd.DataFrame(rows, columns=["what", *SEEN, "year"])
    word = "safe" if found.advised != found.position else "then" if found.reached else "closest"
    heads = {"what": "", "year": say(lang, "column.year")} | {name: say(
        lang, f"find.outcome.{word if name == 'then' else name}") for name in SEEN}
    left_out = ["now"] * (not found.advised) + ["check"] * bool(table["check"].isna().any())
    return Drawn(frame.drop(columns=left_out), {name: head for name, head in heads.items() if name not in left_out})


def told(lang: str, said: Iterable) -> str:
    """The chart in words, for those who do not see it."""
    return f"{say(lang, 'find.chart')}: {' '.join(sentence[lang] for sentence in said)}"


def moved_scenario(found: Found, scenario: Scenario, position: int) -> Scenario:
    """The scenario with its levers at a position, also where later years move."""
    return scenario.changed(changed(found.moves.edits(position)))
