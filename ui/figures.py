"""A chart on a page with all that belongs to it: its words for a screen reader, its data, its downloads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from report import charts, sheets, typeface
from report.findings import Figure
from report.tables import FORMS, Drawn
from report.text import plain
from simulation.terms import BadInput
from ui import state
from ui.text import language, t
from ui.view import to_query

PICTURES = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
CHART, METRIC, GAP = 360, 200, 16  # pixels that a chart and a headline figure need, and between two of them
Facts = Mapping[str, Any] | Callable[[], Mapping[str, Any]]  # of the runs behind a file, or what finds them when asked
LABELS = {"parquet": "Parquet", "xlsx": "Excel"}  # of the others, the form itself


def beside(count: int, columns: int = 2, least: int = CHART) -> list[Any]:
    """Places side by side, at least so many pixels wide: one below another where the page is narrow."""
    grid = st.grid(columns, min_column_width=least)
    return [grid.cell() for _ in range(count)]


def card(name: str, figure: go.Figure, drawn: Drawn, alt: str, facts: Facts | None = None) -> None:
    """A framed chart, its picture and its data as files with the `facts` of its runs, and its data as a table.

    What a frame says itself of the run it comes from need not be said again.
    """
    with st.container(border=True):
        st.plotly_chart(figure, key=f"chart.{name}", alt=alt, config=charts.PLAIN)
        download(f"csv.{name}", t("chart.csv"), drawn, name, figure, facts=facts)
        # Closed, it costs nothing: a grid of numbers is slow to put on a page.
        data = st.expander(t("chart.data"), key=f"data.{name}", on_change="rerun")
        if data.open:
            with data:
                table(drawn, alt)


def metric(figure: Figure, against: str = "") -> None:
    """A headline figure with its error, its course over the years, and its change; its help says `against` what.

    Colour and word say whether the change is good for the fund, the arrow which way it went.
    """
    moved = figure.change is not None
    colours = {"better": "green", "worse": "red"}
    st.metric(figure.label, f"{figure.value} :small[:gray[± {figure.error}]]", border=True,
              help=" ".join(filter(None, (figure.help, against))),
              delta=figure.change if moved else t("figure.baseline"), height="stretch",
              delta_arrow=figure.arrow if moved else "off", delta_color=colours.get(figure.way, "gray"),
              delta_description=t(f"figure.{figure.way}") if moved else None,
              # A bar of nothing at both ends keeps the first and last year clear of the frame.
              chart_data=[0, *figure.course, 0], chart_type="bar")


def download(key: str, label: str, drawn: Drawn, name: str, figure: go.Figure | None = None,
             of: str | None = None, facts: Facts | None = None) -> None:
    """A button behind which a frame, and the chart drawn of it, are handed out in every form.

    `key` is that of the CSV file and begins with "csv."; files are named after the scenario in view, or after `of`.
    A file is made when it is asked for, outside the run of the page; so are `facts` that have to be found.
    """
    of = state.view().scenario if of is None else of
    stem = "_".join(part for part in (of, name, language()) if part)
    title = (figure.layout.title.text or "").replace("<br>", " ") if figure is not None else ""
    link = {"scenario": of, "view": f"?{urlencode(to_query(state.view(), language()))}"} if of else {}
    pictures = {} if figure is None else {form: partial(picture, figure, form) for form in PICTURES}
    data = {form: partial(written, drawn, form, title, link, facts, name) for form in sheets.MIME}
    with st.popover(label, icon=":material/download:", key=f"get.{key.removeprefix('csv.')}"):
        try:
            typeface.ready()
        except BadInput as bad:  # the data can still be had
            if pictures:
                st.warning(plain(bad.faults[0].sentence(language())), icon=":material/error:")
            pictures = {}
        for made in filter(None, (pictures, data)):
            with st.container(horizontal=True):
                for form, make in made.items():
                    st.download_button(LABELS.get(form, form.upper()), make, f"{stem}.{form}",
                                       (PICTURES | sheets.MIME)[form], key=f"{form}.{key.removeprefix('csv.')}",
                                       on_click="ignore")


def written(drawn: Drawn, form: str, title: str, link: Mapping[str, Any], facts: Facts | None, name: str) -> bytes:
    """A frame as a file that names its runs and links to its view."""
    found = facts() if callable(facts) else facts or {}
    return sheets.sheet(drawn, form, title, {**found, **drawn.facts, **link}, name)


def picture(figure: go.Figure, form: str) -> bytes:
    """A chart as a file."""
    from report.prints import printed  # with matplotlib, which takes its time to load and is seldom asked for

    return printed(figure, form)


def table(drawn: Drawn, alt: str) -> None:
    """A frame with its columns named, its fractions as percentages and its words as words."""
    forms = {"year": FORMS["year"], **drawn.forms}
    config = {name: st.column_config.NumberColumn(drawn.heads[name], format=forms.get(name, FORMS["share"]),
                                                  pinned=name == "year")
              if pd.api.types.is_numeric_dtype(drawn.frame[name]) else st.column_config.TextColumn(drawn.heads[name])
              for name in drawn.frame.columns}
    st.dataframe(drawn.frame, hide_index=True, column_config=config, alt=alt)
