"""Charts as pure functions: a frame in, a figure out. Nothing here knows a page or a run.

No chart needs colour to be read: every line has its own dash, marker or label, every bar its pattern.
The colours are mid-tones with a contrast of at least 3 to 1 on the white and on the dark page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from report.tables import Drawn

BLUE, ORANGE, GREEN, PURPLE, RED, GREY = "#2c7fb8", "#c9731a", "#2f8f6b", "#8a68b5", "#cf4a45", "#7a838d"
HEIGHT, LABEL = 360, 15  # pixels: a chart, and the least distance between two labels at its edge
MARGIN = {"l": 56, "r": 12, "t": 48, "b": 8}
TITLE, LINE = 54, 20  # letters of a title on a line of a narrow page; pixels of a further line

BANDS = (("p05", "p95", "dot", 0.14), ("p25", "p75", "dash", 0.22))  # from the outside in
EVENT_STYLE = (  # dash, marker, colour: one row an event, in the model's order
    ("solid", "circle", BLUE), ("dash", "square", ORANGE), ("dot", "diamond", RED), ("dashdot", "x", PURPLE),
    ("longdash", "triangle-up", GREEN))
PATTERNS = ("", "/", "x", "-", "\\", ".", "|", "+")
BAR_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, RED, GREY)
ACROSS = {"type": "line", "xref": "x domain", "x0": 0, "x1": 1}
NOTHING = ACROSS | {"y0": 0, "y1": 0, "line": {"width": 1.5, "color": RED}}  # the line at zero
PLAIN = {"displayModeBar": False, "scrollZoom": False}  # no toolbar over a title: the page hands out the picture

TEMPLATE = go.layout.Template(layout={
    "height": HEIGHT, "margin": MARGIN, "hovermode": "closest", "dragmode": False,
    "xaxis": {"showgrid": False, "fixedrange": True, "automargin": True, "tickformat": "d"},
    "yaxis": {"zeroline": False, "fixedrange": True, "automargin": True},
    "legend": {"orientation": "h", "x": 0, "y": -0.12, "yanchor": "top", "traceorder": "normal"},
    "hoverlabel": {"align": "left"},
})


class Limit(NamedTuple):
    """A line of the regulation: its name in words, and where it comes from."""

    name: str
    clause: str


def fan(drawn: Drawn, title: str, names: Mapping[str, str], limit: Limit, zero: Limit,
        form: str = "%") -> go.Figure:
    """Median and bands of a quantity by year, with its line in the regulation and the line at zero.

    `names` gives each column a short name for the label at its right end; `form` is "%" or "f" for a plain number.
    """
    frame, traces = drawn.frame, []
    years = frame["year"].tolist()
    alone = len(years) == 1  # a line of one point is not seen: bands and limit go across the year, quantiles are points
    across = [years[0] - 0.5, years[0] + 0.5] if alone else years
    for low, high, _, opacity in BANDS:
        there, back = frame[high].tolist() * (1 + alone), frame[low].tolist()[::-1] * (1 + alone)
        traces.append({"x": [*across, *across[::-1]], "y": [*there, *back], "fill": "toself", "hoverinfo": "skip",
                       "mode": "lines", "fillcolor": rgba(BLUE, opacity), "line": {"width": 0},
                       "name": f"{low}-{high}"})
    styles = {column: ("solid", 3, BLUE) if column == "p50" else (dash, 1.3, BLUE)
              for low, high, dash, _ in BANDS for column in (low, "p50", high)}
    if "before" in frame:
        styles["before"] = ("longdash", 2, GREY)
    for column in sorted(styles, key=["before", "p95", "p75", "p50", "p25", "p05"].index):
        dash, width, colour = styles[column]
        traces.append({"x": years, "y": frame[column].tolist(), "name": names[column],
                       "mode": "lines+markers" if alone else "lines", "marker": {"color": colour, "size": 8},
                       "line": {"dash": dash, "width": width, "color": colour},
                       "hovertemplate": f"%{{x}}　{names[column]} %{{y:.1{form}}}<extra></extra>"})
    when = years[0] if alone else "%{x}"
    traces.append({"x": across, "y": frame["line"].tolist() * (1 + alone), "mode": "lines", "name": limit.name,
                   "line": {"dash": "longdashdot", "width": 2, "color": ORANGE, "shape": "hv"},
                   "hovertemplate": f"{when}　{limit.name}<br>{wrapped(limit.clause)}<extra></extra>"})
    columns = [*styles, "line"]
    low, high = ends(frame[columns])
    labels = {names.get(column, limit.name): frame[column].iloc[-1] for column in columns} | {zero.name: 0.0}
    hover = {limit.name: wrapped(limit.clause), zero.name: wrapped(zero.clause)}
    placed = spread(list(labels.values()), (high - low) * LABEL / (HEIGHT - MARGIN["t"] - 36))
    return whole(traces, {
        "showlegend": False, "title": titled(title), "xaxis": ticks(frame["year"]), "margin": {**MARGIN, "r": 112},
        "yaxis": {"tickformat": f".0{form}", "range": [low, high]},
        "shapes": [NOTHING],
        "annotations": [{"x": 1, "xref": "paper", "y": y, "text": name, "hovertext": hover.get(name),
                         "showarrow": False, "xanchor": "left", "yanchor": "middle", "xshift": 6, "align": "left"}
                        for name, y in zip(labels, placed, strict=True)]})


CHECKED = False  # whether plotly checks each part of a figure; the tests have it do so


def whole(traces: list[dict], layout: dict) -> go.Figure:
    """A figure from all its parts at once, which is much quicker than one part after another; a long title in lines.

    Whether plotly knows the parts is asked in the tests alone: it takes as long as all the rest of a chart.
    """
    text = wrapped(layout["title"]["text"], TITLE) if "title" in layout else ""
    if more := LINE * text.count("<br>"):
        margin, title = layout.get("margin", MARGIN), layout["title"] | {"text": text, "pad": {"t": LINE}}
        layout = layout | {"title": title, "height": layout.get("height", HEIGHT) + more,
                           "margin": margin | {"t": margin["t"] + more}}
    return go.Figure([{"type": "scatter", **trace} for trace in traces], {"template": TEMPLATE, **layout},
                     _validate=CHECKED)


def chances(drawn: Drawn, title: str, names: Mapping[str, str]) -> go.Figure:
    """The probability of each event by year, with bars of one standard error either side."""
    frame, traces = drawn.frame, []
    for (event, name), (dash, marker, colour) in zip(names.items(), EVENT_STYLE, strict=True):
        traces.append({
            "x": frame["year"].tolist(), "y": frame[event].tolist(), "mode": "lines+markers", "name": name,
            "line": {"dash": dash, "width": 2, "color": colour},
            "marker": {"symbol": marker, "size": 8, "color": colour},
            "error_y": {"array": frame[f"{event}_se"].tolist(), "color": colour, "thickness": 1.5, "width": 4},
            "hovertemplate": f"%{{x}}　{name} %{{y:.1%}} ± %{{error_y.array:.2%}}<extra></extra>"})
    return whole(traces, {
        "title": titled(title), "showlegend": True, "xaxis": ticks(frame["year"]),
        "yaxis": {"tickformat": ".0%", "range": [-0.03, 1.05], "dtick": 0.25}})


def stacked(drawn: Drawn, title: str, names: Mapping[str, str], unit: str) -> go.Figure:
    """Fund spending by tier, stacked in the order of the tiers."""
    frame, traces = drawn.frame, []
    for n, (tier, name) in enumerate(names.items()):
        traces.append({"type": "bar", "x": frame["year"].tolist(), "y": frame[tier].tolist(), "name": name,
                       "marker": bar(n), "hovertemplate": f"%{{x}}　{name} %{{y:,.1f}} {unit}<extra></extra>"})
    return whole(traces, {
        "barmode": "stack", "bargap": 0.3, "title": titled(title), "showlegend": True, "xaxis": ticks(frame["year"]),
        "yaxis": {"tickformat": ",~f", "rangemode": "tozero"}})


def bar(n: int) -> dict:
    """Colour and pattern of the n-th kind of bar: no two of the first twenty-four are alike."""
    return patterned(BAR_COLOURS[n % len(BAR_COLOURS)], PATTERNS[n % len(PATTERNS)])


def patterned(colour: str, pattern: str) -> dict:
    """A bar that is told apart without its colour."""
    return {"color": rgba(colour, 0.85), "line": {"color": colour, "width": 1},
            "pattern": {"shape": pattern, "fillmode": "overlay", "fgcolor": "#ffffff", "size": 6, "solidity": 0.2}}


def ticks(years: pd.Series) -> dict:
    """A few whole years on an axis, from the first and to the last where that can be.

    >>> ticks(pd.Series(range(2008, 2018)))
    {'tick0': 2008, 'dtick': 3}
    >>> ticks(pd.Series([2008]))
    {'tick0': 2008, 'dtick': 1, 'range': [2007.5, 2008.5]}
    """
    span = len(years) - 1
    least = -(-len(years) // 8)
    step = next((step for step in range(least, 2 * least + 1) if span % step == 0), least)
    first = int(years.iloc[0])
    # One year alone has no span, and axes would show fractions of it or two hundred years.
    return {"tick0": first, "dtick": step} | ({} if span else {"range": [first - 0.5, first + 0.5]})


def titled(title: str) -> dict:
    """A title flush with the left edge, which a downloaded image keeps."""
    return {"text": title, "x": 0, "xanchor": "left", "y": 0.98, "yanchor": "top", "automargin": False}


def ends(values: pd.DataFrame) -> tuple[float, float]:
    """The ends of an axis that shows every value and zero with a little room.

    >>> ends(pd.DataFrame({"a": [0.0, 1.0]}))
    (-0.06, 1.06)
    """
    flat = np.append(values.to_numpy(dtype=float), 0.0)
    low, high = float(flat.min()), float(flat.max())
    room = 0.06 * ((high - low) or 1.0)
    return round(low - room, 6), round(high + room, 6)


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Places for labels as near as can be to where they are wanted and at least a gap apart.

    >>> [round(place, 3) for place in spread([0.0, 0.0, 1.0], 0.2)]
    [-0.1, 0.1, 1.0]
    """
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    clusters: list[tuple[float, int]] = []  # centre and number of labels, from the lowest
    for index in order:
        centre, size = wanted[index], 1
        # Two clusters that touch become one around their common centre, and may then touch the next.
        while clusters and centre - clusters[-1][0] < gap * (size + clusters[-1][1]) / 2:
            below, more = clusters.pop()
            centre, size = (centre * size + below * more) / (size + more), size + more
        clusters.append((centre, size))
    places = [centre + gap * (k - (size - 1) / 2) for centre, size in clusters for k in range(size)]
    return [places[order.index(index)] for index in range(len(wanted))]


def wrapped(text: str, width: int = 26) -> str:
    """A long text on several lines of a hover label; Chinese characters count double.

    >>> wrapped("aa bb", 3)
    'aa<br>bb'
    """
    lines, room = [""], width
    for word in pieces(text):
        need = sum(2 if ord(letter) > 0x2E80 else 1 for letter in word)
        if need > room and lines[-1]:
            lines.append("")
            room = width
        lines[-1] += word if lines[-1] else word.lstrip()
        room -= need
    return "<br>".join(line.rstrip() for line in lines)


def pieces(text: str) -> list[str]:
    """Where a text may break: after a space, and after any Chinese character."""
    parts, word = [], ""
    for letter in text.replace("<", "‹").replace(">", "›"):
        word += letter
        if letter == " " or ord(letter) > 0x2E80:
            parts.append(word)
            word = ""
    return [*parts, word] if word else parts


def rgba(colour: str, opacity: float) -> str:
    """A colour with an opacity.

    >>> rgba("#000aff", 0.5)
    'rgba(0,10,255,0.5)'
    """
    red, green, blue = (int(colour[n:n + 2], 16) for n in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
