"""Further charts as pure functions, in the manner of `charts`: a frame in, a figure out; never by colour alone."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from report.charts import (
    BAR_COLOURS,
    BLUE,
    HEIGHT,
    MARGIN,
    NOTHING,
    RED,
    TEMPLATE,
    bar,
    rgba,
    ticks,
    titled,
    whole,
    wrapped,
)
from report.tables import Drawn
from report.text import percent

# How a cell of the grid looks: dark enough for white figures on both pages.
STATES = {"unset": ("—", "#5f6872"), "missed": ("✕", "#b93a35"), "open": ("○", "#2f5f8f"), "met": ("✓", "#1f7a58")}
SURE = 0.95  # share of draws from which a standard counts as met; up to 1 - SURE it counts as missed
ROW = 30  # pixels a row of the grid: two small lines
NAME = 36  # letters of a standard's title on a line
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MARKERS = ("circle", "square", "diamond", "x", "triangle-up", "cross", "star", "pentagon")


def grid(drawn: Drawn, title: str, names: Mapping[str, str], heads: Mapping[str, str]) -> go.Figure:
    """Standards by years: in each cell a mark and the probability; rows under the heading of what they rest on.

    `drawn` has a row a standard and year: basis, title, year, state, met, told. `names` are the states in words,
    `heads` the headings by basis.
    """
    frame, figure = drawn.frame, go.Figure()
    years = sorted(frame["year"].unique())
    rows, text = [], {}
    for basis, head in heads.items():
        part = frame[frame["basis"] == basis]
        if not part.empty:
            rows += [f"<b>{head}</b>", *map(lined, dict.fromkeys(part["title"]))]
    for item in frame.itertuples():
        mark = STATES[item.state][0]
        # Two short lines and no sign of per cent, which stands in the title: narrow enough for a tablet.
        told = mark if item.state == "unset" else f"{mark}<br>{chance(item.met, item.state, 0).removesuffix('%')}"
        text[lined(item.title), item.year] = (list(STATES).index(item.state), told, item.told)
    cells = [[text.get((row, year), (None, "", "")) for year in years] for row in rows]
    colours = [colour for _, colour in STATES.values()]
    figure.add_heatmap(
        x=years, y=rows, z=[[cell[0] for cell in line] for line in cells], zmin=-0.5, zmax=len(colours) - 0.5,
        colorscale=[[(n + side) / len(colours), colour] for n, colour in enumerate(colours) for side in (0, 1)],
        showscale=False, xgap=2, ygap=2,
        text=[[cell[1] for cell in line] for line in cells], texttemplate="%{text}",
        textfont={"color": "#ffffff", "size": 11}, hoverongaps=False,
        customdata=[[wrapped(cell[2], 44) for cell in line] for line in cells],
        hovertemplate="%{y}　%{x}<br>%{customdata}<extra></extra>")
    for state, (mark, colour) in reversed(STATES.items()):
        figure.add_scatter(x=[None], y=[None], mode="markers", name=f"{mark} {names[state]}", hoverinfo="skip",
                           marker={"symbol": "square", "size": 12, "color": colour})
    figure.update_layout(
        template=TEMPLATE, title=titled(title), showlegend=True, height=ROW * (len(rows) + 1) + 134,
        xaxis={"side": "top", "tickvals": years, "range": [years[0] - 0.5, years[-1] + 0.5], "showgrid": False},
        yaxis={"autorange": "reversed", "showgrid": False, "ticksuffix": "  ", "tickfont": {"size": 11}},
        margin={**MARGIN, "t": 100},
        legend={"y": -0.02})
    return figure


def chance(met: float, state: str, digits: int = 1) -> str:
    """The chance that a standard is met, with digits enough that an open one is not rounded to where it would not be.

    >>> chance(0.946, "open", 0), chance(0.9496, "open"), chance(0.946, "open"), chance(0.952, "met", 0)
    ('94.6%', '94.96%', '94.6%', '95%')
    """
    while state == "open" and not 1 - SURE < round(met, digits + 2) < SURE:
        digits += 1
    return percent(met, digits)


def lined(title: str) -> str:
    """A standard's title on one line or two, so that the cells beside it keep their width.

    >>> lined("Higher rate for contracted residents in primary care")
    'Higher rate for contracted<br>residents in primary care'
    """
    return wrapped(title, NAME)


def around_zero(drawn: Drawn, title: str, names: Mapping[str, str], unit: str) -> go.Figure:
    """Amounts by year, stacked upwards where they are positive and downwards where they are negative."""
    frame = drawn.frame
    years = frame["year"].tolist()
    traces = [{"type": "bar", "x": years, "y": frame[column].tolist(), "name": name, "marker": bar(n),
               "hovertemplate": f"%{{x}}　{name} %{{y:,.1f}} {unit}<extra></extra>"}
              for n, (column, name) in enumerate(names.items())]
    return whole(traces, {
        "barmode": "relative", "bargap": 0.3, "title": titled(title), "showlegend": True, "xaxis": ticks(frame["year"]),
        "yaxis": {"tickformat": ",~f"},
        "shapes": [NOTHING]})


def side_by_side(drawn: Drawn, title: str, names: Mapping[str, str], value: str, error: str | None = None) -> go.Figure:
    """A share of each county under each method: columns county, method, the value and its standard error.

    `names` are the methods in words.
    """
    frame, figure = drawn.frame, go.Figure()
    for n, name in enumerate(names.values()):
        part = frame[frame["method"] == name]
        spread = "" if error is None else " ± %{error_x.array:.1%}"
        figure.add_bar(y=part["county"], x=part[value], name=name, marker=bar(n), orientation="h",
                       error_x=None if error is None else {"array": part[error], "thickness": 1.5, "width": 3},
                       hovertemplate=f"%{{y}}　{name} %{{x:.1%}}{spread}<extra></extra>")
    figure.add_vline(x=0, line={"width": 1.5, "color": RED})
    figure.update_layout(template=TEMPLATE, barmode="group", bargap=0.25, title=titled(title), showlegend=True,
                         height=130 + 46 * frame["county"].nunique(),
                         xaxis={"tickformat": ".0%", "showgrid": True},
                         yaxis={"type": "category", "autorange": "reversed", "showgrid": False, "ticksuffix": "  "},
                         legend={"y": -0.08})
    return figure


def courses(drawn: Drawn, title: str, names: Mapping[str, str], form: str) -> go.Figure:
    """One line a column by year, each with its own dash and marker; `form` is the format of a value."""
    frame = drawn.frame
    years, traces = frame["year"].tolist(), []
    for n, (column, name) in enumerate(names.items()):
        colour = BAR_COLOURS[n % len(BAR_COLOURS)]
        traces.append({"x": years, "y": frame[column].tolist(), "mode": "lines+markers", "name": name,
                       "line": {"dash": DASHES[n % len(DASHES)], "width": 2, "color": colour},
                       "marker": {"symbol": MARKERS[n % len(MARKERS)], "size": 8, "color": colour},
                       "hovertemplate": f"%{{x}}　{name} %{{y:{form}}}<extra></extra>"})
    return whole(traces, {"title": titled(title), "showlegend": True, "xaxis": ticks(frame["year"]),
                          "yaxis": {"tickformat": form, "rangemode": "tozero"}})


def band(drawn: Drawn, title: str, names: Mapping[str, str], unit: str) -> go.Figure:
    """Median of an amount by year and the band that holds nine tenths of the draws."""
    frame, figure = drawn.frame, go.Figure()
    years: pd.Series = frame["year"]
    mode = "lines" if len(years) > 1 else "lines+markers"  # a line of one point is not seen
    figure.add_scatter(x=[*years, *years[::-1]], y=[*frame["p95"], *frame["p05"][::-1]], fill="toself",
                       fillcolor=rgba(BLUE, 0.16), line={"width": 0}, hoverinfo="skip", showlegend=False)
    for column, dash, width in (("p95", "dot", 1.3), ("p50", "solid", 3), ("p05", "dash", 1.3)):
        figure.add_scatter(x=years, y=frame[column], mode=mode, name=names[column],
                           line={"dash": dash, "width": width, "color": BLUE},
                           hovertemplate=f"%{{x}}　{names[column]} %{{y:,.1f}} {unit}<extra></extra>")
    figure.update_layout(template=TEMPLATE, title=titled(title), showlegend=True, xaxis=ticks(years), height=HEIGHT,
                         yaxis={"tickformat": ",~f", "rangemode": "tozero"})
    return figure
