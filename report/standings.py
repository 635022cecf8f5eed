"""How teams of a class stand: the table and charts of the board.

No score is made of it: each measure stands by itself, with the way in which it is better, if there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go

from report.cards import Dealt, deck
from report.charts import ACROSS, BAR_COLOURS, GREY, MARGIN, NOTHING, ORANGE, ticks, titled, whole
from report.diagrams import DASHES, MARKERS
from report.tables import FORMS, Drawn
from report.text import percent, say, shown


class Measure(NamedTuple):
    """One measure of the board: how a table shows it, and whether more of it is better (1), worse (-1) or neither."""

    form: str
    better: int


MEASURES = {
    "deficit_years": Measure("%.2f", -1),
    "deficit": Measure(FORMS["share"], -1), "insolvent": Measure(FORMS["share"], -1),
    "surplus_over": Measure(FORMS["share"], -1), "balance_over": Measure(FORMS["share"], -1),
    "balance_ratio": Measure(FORMS["share"], 0), "own_share": Measure(FORMS["share"], -1),
    "contribution": Measure("%,.0f", -1), "take_up": Measure(FORMS["share"], 1)}
RANKED = "deficit_years"  # orders the board to begin with: no card brings every team to its end, as it does a chance
TIES = (RANKED, "own_share")  # who comes first where the measure that orders them is the same as it is shown
COURSES = ("balance_ratio", "p_deficit")  # kept by year
DIGITS = {"deficit_years": 2, "contribution": 0}  # a measure is shown with; shares to a tenth of a percent
START = "start"  # the column of the starting policy


def value(of: Mapping[str, Any], name: str) -> float:
    """A measure of what is kept of a run; the years in deficit that are to be expected are the sum of their chances.

    >>> value({"p_deficit": [0.25, 0.5]}, "deficit_years")
    0.75
    """
    return sum(of["p_deficit"]) if name == "deficit_years" else of["measures"][name]


class Row(NamedTuple):
    """A line of the board."""

    name: str
    members: int
    round: int  # in which it last submitted; 0 before
    state: str  # a phrase of `room.state`
    outcome: Mapping[str, Any] | None


def standings(rows: Sequence[Row], start: Mapping[str, Any] | None, by: str, language: str) -> Drawn:
    """The board as a frame: the teams by a measure, best first where there is a best; then the starting policy.

    The measure that orders them stands first. Teams that are shown alike in it are ordered by `TIES`.
    """
    def place(row: Row) -> tuple[float, ...]:
        # Where neither way is better, the highest stands first.
        return tuple(-(MEASURES[name].better or 1) * round(value(row.outcome, name), DIGITS.get(name, 3))
                     for name in (by, *TIES))

    told = sorted((row for row in rows if row.outcome), key=place)
    lines = [*told, *(row for row in rows if not row.outcome),
             Row(say(language, "room.start"), 0, 0, "start", start)]
    measures = [by, *(name for name in MEASURES if name != by)]
    frame = pd.DataFrame([{
        "team": row.name, "state": say(language, f"room.state.{row.state}"),
        **{name: value(row.outcome, name) if row.outcome else None for name in measures},
        "round": str(row.round or "—"), "members": str(row.members or "—")} for row in lines])
    frame[measures] = frame[measures].astype(float)
    heads = {name: say(language, f"room.{'short' if name in MEASURES else 'column'}.{name}") for name in frame.columns}
    return Drawn(frame, heads, {name: one.form for name, one in MEASURES.items()})


def courses(rows: Sequence[Row], start: Mapping[str, Any] | None, course: str, language: str) -> Drawn:
    """A course by year of every team that has a result, and of the starting policy."""
    told = [row for row in rows if row.outcome]
    years = next((of["years"] for of in [*(row.outcome for row in told), start] if of), [])
    frame, heads = pd.DataFrame({"year": years}), {"year": say(language, "column.year")}
    for n, row in enumerate(told):
        frame[f"team_{n}"], heads[f"team_{n}"] = row.outcome[course], row.name
    if start:
        frame[START], heads[START] = start[course], say(language, "room.start")
    return Drawn(frame, heads)


def course_figure(drawn: Drawn, title: str, dealt: Sequence[Dealt], language: str, line: float | None) -> go.Figure:
    """The courses of the teams, each with its own dash, marker and colour; where a card fell, its name stands above."""
    frame, traces = drawn.frame, []
    years = frame["year"]
    columns = [name for name in frame.columns if name != "year"]
    for n, name in enumerate(columns):
        plain = name == START
        colour = GREY if plain else BAR_COLOURS[n % len(BAR_COLOURS)]
        traces.append({
            "x": years.tolist(), "y": frame[name].tolist(), "mode": "lines+markers", "name": shown(drawn.heads[name]),
            "line": {"dash": "longdash" if plain else DASHES[n % len(DASHES)], "width": 2, "color": colour},
            "marker": {"symbol": "line-ew-open" if plain else MARKERS[n % len(MARKERS)], "size": 9, "color": colour},
            "hovertemplate": f"%{{x}}　{shown(drawn.heads[name])} %{{y:.1%}}<extra></extra>"})
    cards: dict[int, list[str]] = {}
    for one in dealt:
        cards.setdefault(one.year, []).append(deck().cards[one.card].title[language])
    shapes, lines = [NOTHING], {}
    if line is not None:
        lines = {say(language, "label.limit", limit=percent(line, 0)): line, say(language, "label.zero_line"): 0}
        shapes.append(ACROSS | {"y0": line, "y1": line, "line": {"width": 2, "dash": "longdashdot", "color": ORANGE}})
    shapes += [{"type": "line", "yref": "y domain", "x0": year, "x1": year, "y0": 0, "y1": 1,
                "line": {"width": 1.5, "dash": "dot", "color": GREY}} for year in cards]
    return whole(traces, {
        "title": titled(title), "showlegend": True, "xaxis": ticks(years), "yaxis": {"tickformat": ".0%"},
        "shapes": shapes, "margin": {**MARGIN, "t": 72} | ({"r": 96} if lines else {}), "height": 420,
        "annotations": [
            *({"x": year, "y": 1, "yref": "y domain", "yanchor": "bottom", "showarrow": False,
               "text": "<br>".join(names)} for year, names in cards.items()),
            *({"x": 1, "xref": "paper", "y": y, "text": text, "showarrow": False, "xanchor": "left",
               "yanchor": "middle", "xshift": 6} for text, y in lines.items())]})


def balance(rows: Sequence[Row], start: Mapping[str, Any] | None, language: str) -> Drawn:
    """What the fund and what residents bear, a row a team: the years in deficit beside the residents' own share."""
    lines = [(row.name, row.outcome) for row in rows if row.outcome]
    lines += [(say(language, "room.start"), start)] if start else []
    names = ("own_share", RANKED)
    frame = pd.DataFrame([{"team": name} | {of: value(told, of) for of in names}
                          | {"error": told["errors"].get(RANKED)} for name, told in lines],
                         columns=["team", *names, "error"])
    return Drawn(frame, {"team": say(language, "room.column.team"), "error": say(
        language, "column.se", what=say(language, f"room.measure.{RANKED}"))}
        | {name: say(language, f"room.measure.{name}") for name in names},
        {name: MEASURES[RANKED].form for name in (RANKED, "error")})


def balance_figure(drawn: Drawn, title: str, language: str) -> go.Figure:
    """Each team as a point, named in the legend: the further down and left, the better for fund and patients.

    Teams may stand alike, as at the start of a class, and names beside the points would then hide one another.
    """
    traces, last = [], len(drawn.frame) - 1
    for n, row in enumerate(drawn.frame.itertuples()):
        plain = n == last and row.team == say(language, "room.start")
        colour = GREY if plain else BAR_COLOURS[n % len(BAR_COLOURS)]
        traces.append({
            "x": [row.own_share], "y": [row.deficit_years], "mode": "markers", "name": shown(row.team),
            "cliponaxis": False,
            "marker": {"symbol": "circle-open" if plain else MARKERS[n % len(MARKERS)], "size": 12, "color": colour},
            "error_y": {"array": [row.error], "color": colour, "thickness": 1.5, "width": 4},
            "hovertemplate": f"{shown(row.team)}<br>{drawn.heads['own_share']} %{{x:.1%}}"
                             f"<br>{drawn.heads[RANKED]} %{{y:.2f}}<extra></extra>"})
    low, high = drawn.frame["own_share"].min(), drawn.frame["own_share"].max()
    room = max(0.2 * (high - low), 0.005)  # beside the outermost points
    return whole(traces, {
        "title": titled(title), "showlegend": True, "height": 420, "hovermode": "closest", "legend": {"y": -0.2},
        "xaxis": {"tickformat": ".1%", "title": {"text": drawn.heads["own_share"]}, "range": [low - room, high + room],
                  "nticks": 5},
        "yaxis": {"title": {"text": drawn.heads[RANKED]}, "rangemode": "tozero"}})
