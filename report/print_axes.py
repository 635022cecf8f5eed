"""The axes of a printed chart: places and limits, ticks, and what is drawn at fixed places; in plotly's own terms."""

from __future__ import annotations

import base64
import html
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, MultipleLocator
from matplotlib.transforms import Transform, blended_transform_factory

POINT = 0.75  # points a pixel: a figure is laid out in pixels of a ninety-sixth of an inch
INK, PALE, FAINT = "#262730", "#c4c8cd", "#e6e8eb"  # text, axes, grid
# Lengths of dash and gap as plotly draws them, in widths of a line of at least three pixels.
DASHES = {"dot": (1, 1), "dash": (3, 3), "longdash": (5, 5), "dashdot": (3, 1, 1, 1), "longdashdot": (5, 2, 1, 2)}
FORM = re.compile(r"(\+?)(,?)(?:\.(\d+))?(~?)([%dfg]?)")
RGBA = re.compile(r"rgba?\(([^)]*)\)")


class Axis(NamedTuple):
    """One direction of a chart: what the layout says of it, and the place of each category if it has any."""

    name: str  # x or y
    spec: Mapping[str, Any]
    places: Mapping[str, int]

    def at(self, values: Any) -> np.ndarray:
        """Values as places along the axis; nothing where there is none."""
        if self.places:
            return np.array([np.nan if value is None else self.places[str(value)] for value in values], float)
        return np.array([np.nan if value is None else value for value in values], float)


def axis_of(name: str, spec: Mapping[str, Any], values: Iterable[Any]) -> Axis:
    """The axis for all the values that lie along it: of categories if any of them is a text.

    >>> axis_of("x", {}, ["a", "b", "a"]).at(["b", None]).tolist()
    [1.0, nan]
    """
    values = [value for value in values if value is not None]
    if (kind := spec.get("type", "-")) not in ("-", "linear", "category"):
        raise ValueError(f"no printed axis of type {kind}")
    if kind != "category" and not any(isinstance(value, str) for value in values):
        return Axis(name, spec, {})
    order = dict.fromkeys(map(str, [*listed(spec.get("categoryarray", [])), *values]))
    return Axis(name, spec, {value: place for place, value in enumerate(order)})


def listed(values: Any) -> list:
    """The values of an array of a figure, which plotly may have packed.

    >>> listed({"dtype": "i1", "bdata": "AQID"})
    [1, 2, 3]
    """
    if isinstance(values, Mapping):
        flat = np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
        return flat.reshape([int(n) for n in str(values["shape"]).split(",")] if "shape" in values else -1).tolist()
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


# --- texts, colours and lines -----------------------------------------------------------------------

def worded(text: Any) -> dict[str, Any]:
    """A text of a figure without its tags: lines, weight, and nothing that stands for a formula.

    >>> worded("<b>a</b><br>b &lt; 1")
    {'s': 'a\\nb < 1', 'weight': 'bold'}
    """
    lines = re.sub(r"<br ?/?>", "\n", str(text))
    bold = {"weight": "bold"} if lines.startswith("<b>") else {}
    return {"s": html.unescape(re.sub(r"</?[a-z]+[^>]*>", "", lines)).replace("\u200b", ""), **bold}


def coloured(colour: str) -> Any:
    """A colour of a figure as matplotlib takes it.

    >>> coloured("rgba(255,0,51,0.5)"), coloured("#ff0033")
    ((1.0, 0.0, 0.2, 0.5), '#ff0033')
    """
    if not (found := RGBA.fullmatch(colour)):
        return colour
    red, green, blue, *opacity = map(float, found[1].split(","))
    return red / 255, green / 255, blue / 255, *opacity


def stroke(line: Mapping[str, Any], otherwise: str = INK) -> dict[str, Any]:
    """Colour, width and dashes of a line."""
    width, dash = float(line.get("width", 2)), line.get("dash", "solid")
    scale = max(width, 3) / (width or 1)
    style = "-" if dash == "solid" else (0, tuple(scale * part for part in DASHES[dash]))
    return {"color": coloured(line.get("color", otherwise)), "linewidth": width * POINT, "linestyle": style}


def figure_text(value: float, form: str) -> str:
    """A number in the form of a tick, as plotly writes it.

    >>> figure_text(0.125, ".1%"), figure_text(-1234.5, ",~f"), figure_text(2, "+~f"), figure_text(1e6, ",~g")
    ('12.5%', '−1,234.5', '+2', '1,000,000')
    """
    if not (found := FORM.fullmatch(form)):
        raise ValueError(f"no printed tick of form {form}")
    sign, comma, places, trim, kind = found.groups()
    if kind == "g":
        digits = int(places or 6)
        value = round(value, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
        places, trim = str(digits), "~"
    elif kind in ("d", ""):
        places, trim = (0, "") if kind == "d" else (places or 6, "~")
    text = f"{value * (100 if kind == '%' else 1):{sign}{comma}.{6 if places is None else places}f}"
    if trim and "." in text:
        text = text.rstrip("0").rstrip(".")
    if not text.strip("+-0.,"):
        text = text.lstrip("+-")  # nothing has no sign
    return text.replace("-", "−") + ("%" if kind == "%" else "")


# --- ticks and limits -------------------------------------------------------------------------------

def set_limits(ax: Axes, axis: Axis, room: float, from_zero: bool) -> None:
    """How far an axis reaches: as the layout says, or to all that is drawn with a little room."""
    spec = axis.spec
    if spec.get("range") is not None:
        low, high = map(float, spec["range"])
    elif axis.places:
        low, high = -0.5, len(axis.places) - 0.5
    else:
        low, high = getattr(ax.dataLim, f"interval{axis.name}")
        if from_zero or spec.get("rangemode") == "tozero":
            low, high = min(low, 0.0), max(high, 0.0)
        more = room * ((high - low) or abs(high) or 1.0)
        kept = from_zero or spec.get("rangemode") == "tozero"
        low, high = low - (0 if kept and low == 0 else more), high + (0 if kept and high == 0 else more)
    if spec.get("autorange") == "reversed":
        low, high = high, low
    getattr(ax, f"set_{axis.name}lim")(low, high)


def set_ticks(ax: Axes, axis: Axis, shown: int) -> None:
    """Ticks, their words, the grid and the axis title; about `shown` ticks where the layout leaves it open."""
    spec, own = axis.spec, getattr(ax, f"{axis.name}axis")
    prefix, suffix = spec.get("tickprefix", ""), str(spec.get("ticksuffix", "")).rstrip()
    if axis.places:
        names = [worded(name) for name in axis.places]
        own.set_ticks(range(len(names)), [name["s"] for name in names])
        for label, name in zip(own.get_ticklabels(), names, strict=True):
            label.set_fontweight(name.get("weight", "normal"))
    else:
        if "tickvals" in spec:
            own.set_major_locator(FixedLocator(listed(spec["tickvals"])))
        elif "dtick" in spec:
            step = float(spec["dtick"])
            own.set_major_locator(MultipleLocator(step, offset=float(spec.get("tick0", 0)) % step))
        else:
            own.set_major_locator(MaxNLocator(shown, steps=[1, 2, 5, 10]))
        form = spec.get("tickformat", "")
        own.set_major_formatter(FuncFormatter(lambda value, _: f"{prefix}{figure_text(value, form)}{suffix}"))
    top = spec.get("side") == "top"
    if top:
        ax.xaxis.tick_top()
        ax.xaxis.set_label_position("top")
    size = spec.get("tickfont", {}).get("size", 12) * POINT
    own.set_tick_params(length=0, labelsize=size, labelcolor=INK, pad=4)
    if spec.get("showgrid", True):
        own.grid(True, color=FAINT, linewidth=0.8)
    if title := spec.get("title", {}).get("text"):
        own.set_label_text(worded(title)["s"], color=INK)
    line = {"x": "h", "y": "v"}[axis.name]
    if spec.get("zeroline", not axis.places) and not axis.places:
        low, high = sorted(getattr(ax, f"get_{axis.name}lim")())
        if low < 0 < high:
            draw = ax.axhline if line == "v" else ax.axvline
            draw(0, color=coloured(spec.get("zerolinecolor", PALE)), linewidth=1.0, zorder=1.5)


# --- fixed places -----------------------------------------------------------------------------------

def transform(ax: Axes, item: Mapping[str, Any]) -> Transform:
    """What the places of a shape or note refer to: values, or fractions of the plot."""
    sides = []
    for name in ("x", "y"):
        ref = item.get(f"{name}ref", name)
        if ref not in (name, f"{name} domain", "paper"):
            raise ValueError(f"no printed place relative to {ref}")
        sides.append(ax.transData if ref == name else ax.transAxes)
    return blended_transform_factory(*sides)


def place(item: Mapping[str, Any], key: str, axis: Axis) -> float:
    """A coordinate of a shape or note."""
    return float(axis.at([item[key]])[0]) if item.get(f"{axis.name}ref", axis.name) == axis.name else float(item[key])


def draw_shape(ax: Axes, shape: Mapping[str, Any], x: Axis, y: Axis) -> None:
    """A line or a rectangle of the layout."""
    (x0, x1), (y0, y1) = ([place(shape, f"{axis.name}{n}", axis) for n in (0, 1)] for axis in (x, y))
    below = 0.8 if shape.get("layer") == "below" else 3.5
    line = stroke(shape.get("line", {}))
    if shape["type"] == "line":
        ax.add_artist(Line2D([x0, x1], [y0, y1], transform=transform(ax, shape), zorder=below, **line))
    elif shape["type"] == "rect":
        fill = coloured(shape.get("fillcolor", "rgba(0,0,0,0)"))
        ax.add_artist(Rectangle((x0, y0), x1 - x0, y1 - y0, transform=transform(ax, shape), zorder=below,
                                facecolor=fill, edgecolor=line["color"] if line["linewidth"] else "none",
                                linewidth=line["linewidth"], linestyle=line["linestyle"]))
    else:
        raise ValueError(f"no printed shape of type {shape['type']}")


def draw_note(ax: Axes, note: Mapping[str, Any], x: Axis, y: Axis) -> None:
    """An annotation of the layout, which has no arrow."""
    if note.get("showarrow", True):
        raise ValueError("no printed annotation with an arrow")
    font, text = note.get("font", {}), worded(note["text"])
    ax.annotate(text["s"], (place(note, "x", x), place(note, "y", y)), xycoords=transform(ax, note),
                xytext=(note.get("xshift", 0) * POINT, note.get("yshift", 0) * POINT), textcoords="offset points",
                ha={"auto": "center"}.get(note.get("xanchor", "center"), note.get("xanchor", "center")),
                va={"middle": "center", "auto": "center"}.get(note.get("yanchor", "middle"), note.get("yanchor")),
                multialignment=note.get("align", "center"), color=coloured(font.get("color", INK)),
                fontsize=font.get("size", 12) * POINT, weight=text.get("weight", "normal"), annotation_clip=False,
                zorder=6)
