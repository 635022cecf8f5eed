"""Charts of the compare page as pure functions, in the manner of `charts`: a frame in, a figure out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from report.charts import BAR_COLOURS, BLUE, GREY, MARGIN, ORANGE, RED, rgba, ticks, titled, whole, wrapped
from report.diagrams import MARKERS
from report.tables import Drawn
from report.text import number, shown

BESIDE = 0.18  # of a waterfall's width, kept free beside its outermost bars
ROOM = 0.6  # of a year on the axis, which the plans of that year share


def contrast(drawn: Drawn, title: str, names: Mapping[str, str], futures: bool) -> go.Figure:
    """Differences by year, the plans beside one another: the estimate with its interval, and the range over futures.

    `names` are the words for estimate (of the mean), interval and futures; `futures` whether that range is drawn.
    """
    frame, traces = drawn.frame, []
    plans = list(dict.fromkeys(frame["plan"]))
    for n, plan in enumerate(plans):
        part, name, colour = frame[frame["plan"] == plan], shown(plan), BAR_COLOURS[n % len(BAR_COLOURS)]
        x = part["year"] + ROOM / len(plans) * (n - (len(plans) - 1) / 2)
        gaps = np.full(len(part), np.nan)
        if futures:
            traces.append({"x": np.repeat(x, 3).tolist(), "mode": "lines", "hoverinfo": "skip", "showlegend": False,
                           "y": np.stack([part["p05"], part["p95"], gaps], axis=1).ravel().tolist(),
                           "line": {"width": 7, "color": rgba(colour, 0.35)}})
        traces.append({
            "x": x.tolist(), "y": part["difference"].tolist(), "mode": "markers", "name": name,
            "marker": {"symbol": MARKERS[n % len(MARKERS)], "size": 9, "color": colour},
            "error_y": {"symmetric": False, "array": (part["ci_high"] - part["difference"]).tolist(),
                        "arrayminus": (part["difference"] - part["ci_low"]).tolist(), "color": colour,
                        "thickness": 2, "width": 5},
            "customdata": part[["year", "ci_low", "ci_high", "p05", "p95", "verdict"]].to_numpy().tolist(),
            "hovertemplate": f"%{{customdata[0]}}　{name}<br>{names['estimate']} %{{y:+,.2f}}<br>{names['interval']} "
                             "%{customdata[1]:+,.2f} … %{customdata[2]:+,.2f}"
                             + (f"<br>{names['futures']} %{{customdata[3]:+,.2f}} … %{{customdata[4]:+,.2f}}"
                                if futures else "") + "<br>%{customdata[5]}<extra></extra>"})
    years = frame["year"].drop_duplicates()
    return whole(traces, {
        "title": titled(title), "showlegend": True, "height": 400, "yaxis": {"tickformat": "+,~f"},
        "xaxis": ticks(years) | {"range": [years.min() - 0.6, years.max() + 0.6]},
        "shapes": [{"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "y0": 0, "y1": 0,
                    "line": {"width": 1.5, "color": RED}}]})


def stairs(drawn: Drawn, title: str, alone: str) -> go.Figure:
    """A waterfall from the first plan to the last, a bar a group with its part written on it.

    `alone` is the phrase for what a group does by itself, with a place {value}.
    """
    frame = drawn.frame
    inside = np.arange(len(frame))
    middle = (inside > 0) & (inside < len(frame) - 1)
    text = [number(value, "+,.2f" if part else ",.2f") for value, part in zip(frame["value"], middle, strict=True)]
    hover = [alone.format(value=number(value, "+,.2f")) if part else "" for value, part in zip(
        frame["alone"] if "alone" in frame else frame["value"], middle, strict=True)]
    if "levers" in frame:  # of a step of several levers
        hover = [f"{text}<br>{wrapped(shown(levers))}" if levers not in ("", step) else text
                 for text, levers, step in zip(hover, frame["levers"], frame["step"], strict=True)]
    kinds = ["relative" if part else "absolute" if n == 0 else "total" for n, part in enumerate(middle)]
    labels = [wrapped(shown(step)) + "\u200b" * n for n, step in enumerate(frame["step"])]  # no two rows are one
    reached = np.concatenate([[0.0], frame["value"].iloc[:-1].cumsum(), frame["value"].iloc[-1:]])
    low, high = reached.min(), reached.max()
    room = BESIDE * (high - low)  # for the figures written at the ends of the bars, clear of the names
    falls = reached[2:-1][frame["value"].iloc[1:-1] < 0]  # whose figures stand at the left
    left = min([low - room * (low < 0), *(falls - room)])
    bar = lambda colour: {"marker": {"color": rgba(colour, 0.85), "line": {"color": colour, "width": 1}}}  # noqa: E731
    return whole([{
        "type": "waterfall", "orientation": "h", "measure": kinds, "y": labels, "x": frame["value"].tolist(),
        "text": text, "textposition": "outside", "cliponaxis": False, "customdata": hover,
        "hovertemplate": "%{y}<br>%{text}<br>%{customdata}<extra></extra>", "connector": {"line": {"color": GREY}},
        "increasing": bar(BLUE), "decreasing": bar(ORANGE), "totals": bar(GREY)}], {
            "title": titled(title), "showlegend": False, "height": 130 + 42 * len(frame),
            "margin": {**MARGIN, "r": 64, "t": 60},
            "xaxis": {"tickformat": ",~f", "showgrid": True, "zeroline": True, "zerolinecolor": RED,
                      "range": [left, high + room * (high > 0)] if room else None},
            "yaxis": {"type": "category", "autorange": "reversed", "showgrid": False, "ticksuffix": "  "}})
