"""A chart on a page with all that belongs to it: its words for a screen reader, its data, its downloads."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from report import charts
from report.findings import Figure
from report.tables import FORMS, Drawn, csv
from ui import state
from ui.text import language, t


def card(name: str, figure: go.Figure, drawn: Drawn, alt: str) -> None:
    """A framed chart, its data as a file, and its data as a table."""
    with st.container(border=True):
        st.plotly_chart(figure, key=f"chart.{name}", alt=alt, config=charts.toolbar(name, image_format()))
        download(f"csv.{name}", t("chart.csv"), drawn, name)
        # Closed, it costs nothing: a grid of numbers is slow to put on a page.
        data = st.expander(t("chart.data"), key=f"data.{name}", on_change="rerun")
        if data.open:
            with data:
                table(drawn, alt)


def metric(figure: Figure) -> None:
    """A headline figure with its sampling error, its change and its course over the years."""
    moved = figure.change is not None
    st.metric(figure.label, f"{figure.value} :small[:gray[± {figure.error}]]", help=figure.help, border=True,
              delta=figure.change if moved else t("figure.baseline"), delta_arrow="auto" if moved else "off",
              delta_color="inverse" if moved and figure.up_is_bad else "off",
              delta_description=t("figure.against") if moved else None,
              # A bar of nothing at both ends keeps the first and last year clear of the frame.
              chart_data=[0, *figure.course, 0], chart_type="bar")


def download(key: str, label: str, drawn: Drawn, name: str) -> None:
    """A button that hands out a frame."""
    file = f"{state.view().scenario}_{name}_{language()}.csv"
    st.download_button(label, csv(drawn), file, "text/csv", key=key, on_click="ignore",
                       icon=":material/download:")


def table(drawn: Drawn, alt: str) -> None:
    """A frame with its columns named, its fractions as percentages and its words as words."""
    forms = {"year": FORMS["year"], **drawn.forms}
    config = {name: st.column_config.NumberColumn(drawn.heads[name], format=forms.get(name, FORMS["share"]),
                                                  pinned=name == "year")
              if pd.api.types.is_numeric_dtype(drawn.frame[name]) else st.column_config.TextColumn(drawn.heads[name])
              for name in drawn.frame.columns}
    st.dataframe(drawn.frame, hide_index=True, column_config=config, alt=alt)


def image_format() -> str:
    """The format of a saved image: svg for print, png for slides."""
    return st.session_state.get("image") or "svg"
