"""A chart as a file for print: the very figure of the screen, drawn again by matplotlib in a typeface of its own.

No browser and no installed typeface is needed, so the file is the same on any machine. Words of an SVG are outlines,
because programs that open one do not load the typeface a file names; its title is also there as text. Words of a PDF
are text in an embedded typeface, so they can be searched and copied.

A figure may use what the charts of the app use; anything else is refused by name rather than left out.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from report import print_axes as axes
from report.charts import HEIGHT, wrapped
from report.print_axes import INK, PALE, POINT, Axis, listed, worded
from report.print_marks import DRAWN, bars, modes, swatch
from report.typeface import BOLD, FAMILY, FONT, sound

FORMS = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
WIDTH, LEAST = 900, 460  # pixels: how wide a chart is unless said, and how high at least
TITLE, LETTER = 16, 8.5  # pixels: the height of a title's letters, and how wide a letter is
SETTINGS = {
    "font.family": [FAMILY], "font.size": 12 * POINT, "text.parse_math": False, "axes.unicode_minus": True,
    "svg.fonttype": "path", "svg.hashsalt": "sandbox", "pdf.fonttype": 42, "hatch.linewidth": 0.7,
    "figure.constrained_layout.h_pad": 0.08, "figure.constrained_layout.w_pad": 0.08}
UNDATED = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
# One print at a time: settings and typefaces of matplotlib belong to the whole process.
PRESS = threading.Lock()


def printed(figure: Any, form: str, width: int = WIDTH, height: int | None = None) -> bytes:
    """A plotly figure, or its dictionary, as the bytes of a `png`, `svg` or `pdf`; equal figures give equal bytes.

    Width and height in pixels of a ninety-sixth of an inch; a PNG has twice as many. Raises ValueError for a trace,
    shape, axis or form of a number that no chart of the app uses.

    >>> printed({"data": [{"x": [1, 2], "y": [3, 4]}], "layout": {}}, "png")[1:4]
    b'PNG'
    """
    if form not in FORMS:
        raise ValueError(f"no printed form {form}")
    known = figure if isinstance(figure, Mapping) else figure.to_dict()
    with PRESS, matplotlib.rc_context(SETTINGS):
        load_typeface()
        sheet = drawn(known, width, height)
        title = worded(titled(known))["s"].replace("\n", " ")
        file = io.BytesIO()
        sheet.savefig(file, format=form, dpi=192, metadata={"Title": title, **UNDATED[form]})
    return file.getvalue()


@cache
def load_typeface() -> None:
    """Make the typeface known to matplotlib."""
    for path in (FONT, BOLD):
        fontManager.addfont(sound(path))


def drawn(figure: Mapping[str, Any], width: int, height: int | None) -> Figure:
    """A plotly figure as one of matplotlib, to be called with the settings in force."""
    layout = merged(figure.get("layout", {}).get("template", {}).get("layout", {}), figure.get("layout", {}))
    traces = [trace for trace in figure["data"] if trace.get("visible", True) is True]
    height = height or max(layout.get("height", HEIGHT), LEAST)
    sheet = Figure((width / 96, height / 96), layout="constrained")
    FigureCanvasAgg(sheet)
    ax = sheet.add_subplot()
    x, y = (axes.axis_of(name, layout.get(f"{name}axis", {}), along(traces, name)) for name in ("x", "y"))
    draw_traces(ax, traces, x, y, layout)
    kinds = [trace.get("type", "scatter") for trace in traces]
    lines = all(kind == "scatter" and "markers" not in modes(trace) for kind, trace in zip(kinds, traces, strict=True))
    lying = any(trace.get("orientation") == "h" for trace in traces)
    barred = {"bar", "waterfall"} & set(kinds)
    # Words at the ends of stairs need room of their own.
    axes.set_limits(ax, x, 0.0 if lines else 0.14 if "waterfall" in kinds else 0.03, bool(barred) and lying)
    axes.set_limits(ax, y, 0.05, bool(barred) and not lying)
    for shape in layout.get("shapes", []):
        axes.draw_shape(ax, shape, x, y)
    for note in layout.get("annotations", []):
        axes.draw_note(ax, note, x, y)
    axes.set_ticks(ax, x, max(width // 110, 3))
    axes.set_ticks(ax, y, max(height // 55, 3))
    ax.set_axisbelow(True)
    for side, spine in ax.spines.items():
        spine.set_visible(side == ("top" if x.spec.get("side") == "top" else "bottom"))
        spine.set_color(PALE)
    head(sheet, titled({"layout": layout}), width)
    if layout.get("showlegend", len(traces) > 1):
        legend(sheet, [trace for trace in traces if trace.get("showlegend", True) and trace.get("name")], width)
    return sheet


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A layout over its template: what both say is as the layout says.

    >>> merged({"xaxis": {"a": 1, "b": 1}}, {"xaxis": {"b": 2}})
    {'xaxis': {'a': 1, 'b': 2}}
    """
    both = {name for name in under.keys() & over.keys() if isinstance(under[name], Mapping)}
    return {**under, **over, **{name: merged(under[name], over[name]) for name in both}}


def along(traces: list[Mapping[str, Any]], name: str) -> list:
    """Everything that lies along one direction, in order."""
    for trace in traces:
        if trace.get(f"{name}axis", name) != name:
            raise ValueError(f"no printed second {name} axis")
    return [value for trace in traces for value in listed(trace.get(name, []))]


def draw_traces(ax: Any, traces: list[Mapping[str, Any]], x: Axis, y: Axis, layout: Mapping[str, Any]) -> None:
    """Every trace, and all the bars together."""
    barred = [trace for trace in traces if trace.get("type") == "bar"]
    if barred:
        bars(ax, barred, x, y, layout)
    for trace in traces:
        kind = trace.get("type", "scatter")
        if kind != "bar" and kind not in DRAWN:
            raise ValueError(f"no printed trace of type {kind}")
        if kind != "bar":
            DRAWN[kind](ax, trace, x, y)


def titled(figure: Mapping[str, Any]) -> str:
    """The title of a figure."""
    title = figure.get("layout", {}).get("title", {})
    return title if isinstance(title, str) else title.get("text") or ""


def head(sheet: Figure, title: str, width: int) -> None:
    """The title, flush left, on as many lines as it needs."""
    if title:
        sheet.suptitle(in_lines(title, width / LETTER), x=0.012, ha="left", fontsize=TITLE * POINT, weight="bold",
                       color=INK)


def in_lines(text: str, letters: float) -> str:
    """A text without its tags on lines of so many letters.

    >>> in_lines("aa bb &lt; 1", 6)
    'aa bb\\n< 1'
    """
    lines = "<br>".join(wrapped(line, int(letters)) for line in worded(text)["s"].split("\n"))
    return lines.replace("<br>", "\n").replace("‹", "<").replace("›", ">")


def legend(sheet: Figure, traces: list[Mapping[str, Any]], width: int) -> None:
    """What stands for each trace, below the chart, in rows of as many as there is room for."""
    if not traces:
        return
    names = [in_lines(trace["name"], width / LETTER) for trace in traces]
    for columns in range(len(names), 0, -1):
        # matplotlib fills columns, a reader reads rows
        order = [n for column in range(columns) for n in range(column, len(names), columns)]
        made = sheet.legend([swatch(traces[n]) for n in order], [names[n] for n in order], ncols=columns,
                            loc="outside lower left", frameon=False, fontsize=12 * POINT, labelcolor=INK,
                            handlelength=2.6, columnspacing=1.6, borderpad=0.2)
        if made.get_window_extent(sheet.canvas.get_renderer()).width <= sheet.bbox.width * 0.97 or columns == 1:
            return
        made.remove()
