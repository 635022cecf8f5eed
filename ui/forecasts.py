"""Charts of the track record as pure functions, in the manner of `charts`: a frame in, a figure out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from report.charts import BAR_COLOURS, BLUE, GREEN, GREY, MARGIN, ORANGE, PURPLE, RED, rgba, ticks, titled, whole
from report.diagrams import DASHES, MARKERS
from report.tables import Drawn

SPREAD = 0.6  # of a year's room on the axis: what the forecasts of that year take up
BEYOND = 0.75  # of the axis: how far a wide interval may lengthen it at either end before it is cut
EDGE = 0.03  # of the axis, kept free at either end
AHEAD = (BLUE, ORANGE, GREEN, PURPLE, GREY)  # forecasts, the nearest first; what happened is red
LINE = 19  # pixels a row of a dot chart


def intervals(drawn: Drawn, title: str, names: Mapping[str, str], ahead: Mapping[int, str], form: str) -> go.Figure:
    """What happened as a step a year, and beside one another in each step the forecasts of it, the nearest first.

    `drawn` has a row a cut-off and year: year, actual, cutoff, horizon, quantiles. `names` are the words for actual,
    p50, half, nine and cutoff, `ahead` those for each number of years ahead; `form` is the format of a value.
    """
    frame = drawn.frame
    told = frame.dropna(subset=["horizon"])
    known = frame.drop_duplicates("year")
    place = places(sorted(told["horizon"].unique()))
    at = told["year"] + told["horizon"].map(place)
    traces = []
    for _, path in told.assign(at=at).sort_values("horizon").groupby("cutoff"):  # forecasts that belong together
        traces.append({"x": path["at"].tolist(), "y": path["p50"].tolist(), "mode": "lines", "hoverinfo": "skip",
                       "line": {"dash": "dot", "width": 1, "color": GREY}, "showlegend": False})
    step = np.array([-1, 1, np.nan]) * 0.42
    traces.append({
        "x": np.add.outer(known["year"].to_numpy(float), step).ravel().tolist(), "mode": "lines", "hoverinfo": "skip",
        "y": np.repeat(known["actual"], 3).tolist(), "line": {"width": 2.5, "color": RED}, "showlegend": False})
    traces.append({
        "x": (known["year"] - 0.42).tolist(), "y": known["actual"].tolist(), "mode": "markers", "name": names["actual"],
        "marker": {"symbol": "star-diamond", "size": 10, "color": RED}, "customdata": known["year"].tolist(),
        "hovertemplate": f"%{{customdata}}　{names['actual']} %{{y:{form}}}<extra></extra>"})
    for n, horizon in enumerate(place):
        part, colour = told[told["horizon"] == horizon], AHEAD[n % len(AHEAD)]
        x = (part["year"] + place[horizon]).tolist()
        traces.append({
            "x": np.repeat(x, 3).tolist(), "mode": "lines", "hoverinfo": "skip", "showlegend": False,
            "y": np.stack([part["p25"], part["p75"], np.full(len(part), np.nan)], axis=1).ravel().tolist(),
            "line": {"width": 7, "color": rgba(colour, 0.45)}})
        traces.append({
            "x": x, "y": part["p50"].tolist(), "mode": "markers", "name": ahead[int(horizon)],
            "marker": {"symbol": MARKERS[n % len(MARKERS)], "size": 8, "color": colour,
                       "line": {"width": 1, "color": "#ffffff"}},
            "error_y": {"symmetric": False, "array": (part["p95"] - part["p50"]).tolist(),
                        "arrayminus": (part["p50"] - part["p05"]).tolist(), "color": colour, "thickness": 1.5,
                        "width": 3},
            "customdata": part[["year", "cutoff", "p25", "p75", "p05", "p95"]].to_numpy().tolist(),
            "hovertemplate": f"%{{customdata[0]}}　{names['cutoff']} %{{customdata[1]}}　{ahead[int(horizon)]}<br>"
                             f"{names['p50']} %{{y:{form}}}<br>{names['half']} %{{customdata[2]:{form}}} … "
                             f"%{{customdata[3]:{form}}}<br>{names['nine']} %{{customdata[4]:{form}}} … "
                             f"%{{customdata[5]:{form}}}<extra></extra>"})
    low, high = axis(frame)
    return whole(traces, {
        "title": titled(title), "showlegend": True, "height": 440, "xaxis": ticks(known["year"]) | {
            "range": [known["year"].min() - 0.6, known["year"].max() + 0.6]},
        "yaxis": {"tickformat": form if form.endswith("%") else ",~f", "range": [low, high]}})


def places(horizons: list[float]) -> dict[float, float]:
    """Where the forecasts of each number of years ahead stand beside the middle of a year.

    >>> places([1.0, 2.0, 3.0])
    {1.0: -0.2, 2.0: 0.0, 3.0: 0.2}
    """
    gap = SPREAD / max(len(horizons), 1)
    return {horizon: round(gap * (n - (len(horizons) - 1) / 2), 6) for n, horizon in enumerate(horizons)}


def axis(frame: pd.DataFrame) -> tuple[float, float]:
    """The ends of an axis that shows what happened and the middle half of every forecast; wide tails may be cut.

    >>> axis(pd.DataFrame({"actual": [1.0], "p05": [0.9], "p25": [1.0], "p50": [1.0], "p75": [2.0], "p95": [50.0]}))
    (0.8445, 2.8055)
    """
    inner = frame[["actual", "p25", "p50", "p75"]].to_numpy(float)
    least, most = np.nanmin(inner), np.nanmax(inner)
    room = BEYOND * ((most - least) or abs(most) or 1.0)
    tails = frame[["p05", "p95"]].clip(least - room, most + room).to_numpy(float)
    low, high = float(np.nanmin(tails, initial=least)), float(np.nanmax(tails, initial=most))
    return round(low - EDGE * (high - low), 6), round(high + EDGE * (high - low), 6)


def cut(frame: pd.DataFrame) -> bool:
    """Whether an interval reaches beyond the axis."""
    low, high = axis(frame)
    return bool((frame["p95"] > high).any() or (frame["p05"] < low).any())


def reliability(drawn: Drawn, title: str, names: Mapping[str, str]) -> go.Figure:
    """Stated chances against how often it happened, each point with the number of forecasts behind it.

    `names` are the words for stated, happened and right.
    """
    frame = drawn.frame[drawn.frame["n"] > 0]
    counts = [f"n = {n}" for n in frame["n"]]
    sides = ["bottom center" if n % 2 else "top center" for n in range(len(frame))]  # neighbours must not overlap
    traces = [
        {"x": [0, 1], "y": [0, 1], "mode": "lines", "name": names["right"], "hoverinfo": "skip",
         "line": {"dash": "longdash", "width": 1.5, "color": GREY}},
        {"x": frame["probability"].tolist(), "y": frame["frequency"].tolist(), "mode": "markers+text", "text": counts,
         "textposition": sides, "name": names["happened"], "cliponaxis": False,
         "marker": {"symbol": "circle", "size": 11, "color": BLUE},
         "hovertemplate": f"{names['stated']} %{{x:.0%}}<br>{names['happened']} %{{y:.0%}}<br>%{{text}}"
                          "<extra></extra>"}]
    return whole(traces, {
        "title": titled(title), "showlegend": True,
        "xaxis": {"tickformat": ".0%", "range": [-0.04, 1.04], "dtick": 0.2, "title": {"text": names["stated"]}},
        "yaxis": {"tickformat": ".0%", "range": [-0.14, 1.14], "dtick": 0.2, "title": {"text": names["happened"]}},
        "legend": {"y": -0.24}, "margin": {**MARGIN, "r": 32}})


def dots(drawn: Drawn, title: str, names: Mapping[str, str]) -> go.Figure:
    """How far the calibrated model is off each published figure, with what one standard deviation allows.

    `drawn` has a row a figure: what, year, off, sd, held. `names` are the words of `held` by fitted and held, and sd.
    """
    frame = drawn.frame.assign(row=[f"{what}　{year}" for what, year in zip(
        drawn.frame["what"], drawn.frame["year"], strict=True)])
    spans = np.stack([-frame["sd"], frame["sd"], np.full(len(frame), np.nan)], axis=1).ravel()
    traces = [{"x": spans.tolist(), "y": [row for row in frame["row"] for _ in range(3)], "mode": "lines",
               "name": names["sd"], "line": {"width": 8, "color": rgba(GREY, 0.28)}, "hoverinfo": "skip"}]
    for (kind, symbol, colour) in (("fitted", "circle", BLUE), ("held", "diamond-open", ORANGE)):
        part = frame[frame["held"] == names[kind]]
        traces.append({"x": part["off"].tolist(), "y": part["row"].tolist(), "mode": "markers", "name": names[kind],
                       "marker": {"symbol": symbol, "size": 9, "color": colour, "line": {"width": 2, "color": colour}},
                       "customdata": part[["miss"]].to_numpy().tolist(),
                       "hovertemplate": "%{y}<br>%{x:+.1f}　%{customdata[0]:+.1f} sd<extra></extra>"})
    return whole(traces, {
        "title": titled(title), "showlegend": True, "height": LINE * len(frame) + 130, "margin": {**MARGIN, "t": 60},
        "xaxis": {"ticksuffix": "%", "showgrid": True, "side": "top", "tickformat": "+~f"},
        "yaxis": {"type": "category", "categoryorder": "array", "categoryarray": frame["row"].tolist()[::-1],
                  "dtick": 1, "tickfont": {"size": 11}, "showgrid": False},
        "legend": {"y": -0.02},
        "shapes": [{"type": "line", "yref": "y domain", "y0": 0, "y1": 1, "x0": 0, "x1": 0,
                    "line": {"width": 1.5, "color": RED}}]})


def lorenz(drawn: Drawn, title: str, names: Mapping[str, str], even: str) -> go.Figure:
    """Lorenz curves: which share of spending falls on the cheapest share of people, and an even distribution."""
    frame = drawn.frame
    traces = [{"x": frame["people"].tolist(), "y": frame[whom].tolist(), "mode": "lines", "name": name,
               "line": {"dash": DASHES[n], "width": 2.5, "color": BAR_COLOURS[n]},
               "hovertemplate": f"{name}<br>%{{x:.0%}} → %{{y:.1%}}<extra></extra>"}
              for n, (whom, name) in enumerate(names.items())]
    traces.append({"x": [0, 1], "y": [0, 1], "mode": "lines", "name": even, "hoverinfo": "skip",
                   "line": {"dash": "longdash", "width": 1.5, "color": GREY}})
    return whole(traces, {
        "title": titled(title), "showlegend": True,
        "xaxis": {"tickformat": ".0%", "range": [0, 1.005], "dtick": 0.2, "title": {"text": drawn.heads["people"]}},
        "yaxis": {"tickformat": ".0%", "range": [0, 1.02], "dtick": 0.2}, "legend": {"y": -0.24},
        "margin": {**MARGIN, "r": 32}})
