"""What is drawn in a printed chart: lines, points, bars, cells and stairs, each from a trace in plotly's own terms.

Every function takes the axes of matplotlib, a trace and the two axes of the chart; `bars` takes all bars at once,
because they share their places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from report.print_axes import INK, POINT, Axis, coloured, listed, stroke, worded

Trace = Mapping[str, Any]

SYMBOLS = {"circle": "o", "square": "s", "diamond": "D", "x": "X", "triangle-up": "^", "triangle-down": "v",
           "cross": "P", "star": "*", "pentagon": "p", "hexagon": "h", "star-diamond": (4, 1, 0)}
LARGER = {"star": 1.5, "star-diamond": 1.4, "diamond": 0.9}  # beside what matplotlib means by the same size
STEPS = {"linear": "default", "hv": "steps-post"}
HATCHES = {"": None, "/": "///", "\\": "\\\\\\", "x": "xx", "-": "---", "|": "|||", "+": "++", ".": ".."}
SIDES = {"left": ("right", -1), "center": ("center", 0), "right": ("left", 1)}
LEVELS = {"bottom": ("top", -1), "middle": ("center", 0), "top": ("bottom", 1)}


# --- lines and points -------------------------------------------------------------------------------

def scatter(ax: Axes, trace: Trace, x: Axis, y: Axis) -> None:
    """A line, points, a filled outline, words at points, or several of these."""
    xs, ys = x.at(listed(trace["x"])), y.at(listed(trace["y"]))
    mode, line = modes(trace), trace.get("line", {})
    if (fill := trace.get("fill", "none")) not in ("none", "toself"):
        raise ValueError(f"no printed fill {fill}")
    if fill == "toself":
        ax.fill(xs, ys, facecolor=coloured(trace["fillcolor"]), linewidth=0, zorder=2)
    if "lines" in mode and line.get("width", 2):
        ax.plot(xs, ys, drawstyle=STEPS[line.get("shape", "linear")], zorder=3, solid_capstyle="butt",
                dash_capstyle="butt", **stroke(line))
    errors(ax, trace, xs, ys)
    if "markers" in mode:
        points(ax, trace.get("marker", {}), xs, ys)
    if "text" in mode:
        words_at(ax, trace, xs, ys)


def modes(trace: Trace) -> set[str]:
    """What a scatter consists of; plotly shows points if there are few."""
    few = "lines+markers" if len(listed(trace.get("x", []))) < 20 else "lines"
    return set(trace.get("mode", few).split("+")) - {"none"}


def points(ax: Axes, marker: Trace, xs: np.ndarray, ys: np.ndarray) -> None:
    """Markers of one kind, each of its own size if sizes are listed."""
    style = marked(marker)
    sizes = marker.get("size", 6)
    sizes = np.asarray(listed(sizes) if isinstance(sizes, Sequence | Mapping | np.ndarray) else sizes, float)
    if len(xs) and not np.isnan(xs).all():
        ax.scatter(xs, ys, s=(sizes * style.pop("scale") * POINT) ** 2, zorder=5, **style)


def marked(marker: Trace) -> dict[str, Any]:
    """The look of a marker as `scatter` takes it, with how much larger it is drawn."""
    name, line = marker.get("symbol", "circle"), marker.get("line", {})
    kind = name.removesuffix("-open")
    if kind not in SYMBOLS:
        raise ValueError(f"no printed marker {name}")
    colour = coloured(marker.get("color", INK))
    hollow = name.endswith("-open")
    edge = colour if hollow else coloured(line.get("color", marker.get("color", INK)))
    return {"marker": SYMBOLS[kind], "facecolors": "none" if hollow else colour, "edgecolors": edge,
            "linewidths": line.get("width", 1 if hollow else 0) * POINT, "scale": LARGER.get(kind, 1.0)}


def errors(ax: Axes, trace: Trace, xs: np.ndarray, ys: np.ndarray) -> None:
    """Error bars either side, as long as their arrays say."""
    for name in ("x", "y"):
        error = trace.get(f"error_{name}")
        if not error or "array" not in error or not error.get("visible", True):
            continue
        up = np.array([np.nan if end is None else end for end in listed(error["array"])], float)
        down = up if error.get("symmetric", "arrayminus" not in error) else np.array(
            [np.nan if end is None else end for end in listed(error["arrayminus"])], float)
        colour = coloured(error.get("color", trace.get("marker", {}).get("line", {}).get("color", INK)))
        ax.errorbar(xs, ys, **{f"{name}err": np.maximum([down, up], 0)}, fmt="none", ecolor=colour, zorder=4,
                    elinewidth=error.get("thickness", 2) * POINT, capthick=error.get("thickness", 2) * POINT,
                    capsize=error.get("width", 4) * POINT)


def words_at(ax: Axes, trace: Trace, xs: np.ndarray, ys: np.ndarray) -> None:
    """Words beside points."""
    where = trace.get("textposition", "middle center")
    places = [where] * len(xs) if isinstance(where, str) else listed(where)
    texts = [trace["text"]] * len(xs) if isinstance(trace["text"], str) else listed(trace["text"])
    font = trace.get("textfont", {})
    gap = 3 + trace.get("marker", {}).get("size", 0) / 2
    for at_x, at_y, text, spot in zip(xs, ys, texts, places, strict=True):
        (va, up), (ha, along) = LEVELS[spot.split()[0]], SIDES[spot.split()[1]]
        ax.annotate(worded(text)["s"], (at_x, at_y), xytext=(along * gap * POINT, up * gap * POINT), ha=ha, va=va,
                    textcoords="offset points", color=coloured(font.get("color", INK)), annotation_clip=False,
                    fontsize=font.get("size", 12) * POINT, zorder=6)


# --- bars -------------------------------------------------------------------------------------------

def bars(ax: Axes, traces: Sequence[Trace], x: Axis, y: Axis, layout: Mapping[str, Any]) -> None:
    """All bars of a chart: beside one another, over one another, or stacked up and down from zero."""
    mode, lying = layout.get("barmode", "group"), [trace.get("orientation") == "h" for trace in traces]
    if len(set(lying)) > 1:
        raise ValueError("no printed chart with both upright and lying bars")
    along, across = (x, y) if lying[0] else (y, x)
    spots = [across.at(listed(trace[across.name])) for trace in traces]
    known = np.unique(np.concatenate(spots))
    unit = float(np.diff(known).min()) if len(known) > 1 else 1.0
    thick = unit * (1 - layout.get("bargap", 0.2))
    groups = list(dict.fromkeys(trace.get("offsetgroup") or str(n) for n, trace in enumerate(traces)))
    if mode != "group":
        groups = groups[:1]
    part = thick / len(groups)
    tops: dict[tuple[float, bool], float] = {}
    for n, (trace, at) in enumerate(zip(traces, spots, strict=True)):
        group = trace.get("offsetgroup") or str(n)
        if mode == "group":
            at = at + part * (groups.index(group) - (len(groups) - 1) / 2)
        lengths = np.nan_to_num(along.at(listed(trace[along.name])))
        base = trace.get("base")
        starts = np.zeros(len(at)) if base is None else np.broadcast_to(
            np.array(listed(base) if not isinstance(base, int | float) else base, float), at.shape)
        if mode in ("stack", "relative"):
            starts = np.array([tops.get((spot, length < 0), 0.0) for spot, length in zip(at, lengths, strict=True)])
            tops |= {(spot, length < 0): start + length for spot, length, start in zip(
                at, lengths, starts, strict=True)}
        look = filled(trace.get("marker", {})) | {"zorder": 2.5}
        if lying[0]:
            ax.barh(at, lengths, part, left=starts, **look)
        else:
            ax.bar(at, lengths, part, bottom=starts, **look)
        ends = starts + lengths
        errors(ax, trace, *((ends, at) if lying[0] else (at, ends)))


def filled(marker: Trace) -> dict[str, Any]:
    """Colour, edge and pattern of a bar."""
    line, pattern = marker.get("line", {}), marker.get("pattern", {})
    if (shape := pattern.get("shape", "")) not in HATCHES:
        raise ValueError(f"no printed pattern {shape}")
    colour = coloured(marker.get("color", INK))
    return {"facecolor": colour, "edgecolor": coloured(line.get("color", "#ffffff")), "hatch": HATCHES[shape],
            "linewidth": line.get("width", 0) * POINT, "hatchcolor": coloured(pattern.get("fgcolor", "#ffffff"))}


def waterfall(ax: Axes, trace: Trace, x: Axis, y: Axis) -> None:
    """Stairs from a first level by steps to a last one, joined by thin lines, a word at the end of each."""
    if trace.get("orientation") != "h":
        raise ValueError("no printed waterfall but a lying one")
    at, values = y.at(listed(trace["y"])), x.at(listed(trace["x"]))
    starts, ends, level = [], [], 0.0
    for kind, value in zip(trace["measure"], values, strict=True):
        starts.append(level if kind == "relative" else 0.0)
        level = level + value if kind == "relative" else value if kind == "absolute" else level
        ends.append(level)
    looks = {"absolute": "totals", "total": "totals"}
    for row, start, end, kind, text in zip(at, starts, ends, trace["measure"], listed(trace["text"]), strict=True):
        look = looks.get(kind) or ("increasing" if end >= start else "decreasing")
        ax.barh(row, end - start, 0.8, left=start, zorder=2.5, **filled(trace[look]["marker"]))
        side = 1 if end >= start else -1
        ax.annotate(worded(text)["s"], (end, row), xytext=(4 * side, 0), textcoords="offset points", va="center",
                    ha="left" if side > 0 else "right", fontsize=12 * POINT, color=INK, annotation_clip=False)
    line = trace.get("connector", {}).get("line", {})
    for (above, below), level in zip(pairwise(at), ends, strict=False):
        ax.plot([level, level], [above + 0.4, below - 0.4], zorder=2, color=coloured(line.get("color", INK)),
                linewidth=line.get("width", 1) * POINT)


# --- cells ------------------------------------------------------------------------------------------

def heatmap(ax: Axes, trace: Trace, x: Axis, y: Axis) -> None:
    """Cells in the colours of a scale of steps, a word in each."""
    if trace.get("showscale", True):
        raise ValueError("no printed scale of colours")
    columns, rows = x.at(listed(trace["x"])), y.at(listed(trace["y"]))
    low, high, scale = trace["zmin"], trace["zmax"], trace["colorscale"]
    font, gap = trace.get("textfont", {}), 0.04
    for row, values, texts in zip(rows, listed(trace["z"]), listed(trace["text"]), strict=True):
        for column, value, text in zip(columns, values, texts, strict=True):
            if value is None or np.isnan(value):
                continue
            colour = next(name for place, name in reversed(scale) if place <= (value - low) / (high - low))
            ax.bar(column, 1 - 2 * gap, 1 - gap, bottom=row - 0.5 + gap, color=coloured(colour), zorder=2.5)
            ax.text(column, row, worded(text)["s"], ha="center", va="center_baseline", zorder=6,
                    color=coloured(font.get("color", INK)), fontsize=font.get("size", 12) * POINT)


# --- the legend -------------------------------------------------------------------------------------

def swatch(trace: Trace) -> Line2D | Patch:
    """What stands for a trace in the legend."""
    if trace.get("type", "scatter") != "scatter":
        return Patch(**filled(trace.get("marker", {})))
    mode = modes(trace)
    if trace.get("fill") and not trace.get("line", {}).get("width", 2):
        return Patch(facecolor=coloured(trace["fillcolor"]))
    line = stroke(trace.get("line", {})) if "lines" in mode else {"linestyle": "none"}
    if "markers" not in mode:
        return Line2D([], [], **line)
    style = marked(marker := trace.get("marker", {}))
    size = marker.get("size", 6)
    return Line2D([], [], **line, marker=style["marker"], markerfacecolor=style["facecolors"],
                  markeredgecolor=style["edgecolors"], markeredgewidth=style["linewidths"],
                  markersize=(min(size, 14) if isinstance(size, int | float) else 9) * style["scale"] * POINT)


DRAWN = {"scatter": scatter, "heatmap": heatmap, "waterfall": waterfall}
