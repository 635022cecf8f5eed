"""What the answers of a view hang on: the frames, charts and long answers of the page that says why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from report import diagrams
from report.charts import BLUE, GREY, MARGIN, ORANGE, RED, bar, rgba, titled, whole, wrapped
from report.tables import FORMS, Drawn, money_unit
from report.text import percent, say, unit_text
from simulation.drivers import Drivers, drivers
from simulation.information import DRAWS as FUTURES
from simulation.information import PARTS, PRESENT, Information, information
from simulation.results import EVENTS, MORE, QUANTITIES
from simulation.sensitivity import DRAWS, Sensitivity, sensitivity
from simulation.terms import Words, words
from ui import packages, records, tracks
from ui.figures import beside, card
from ui.runs import KEPT, SEED, at_length, draws_for, key, made, named
from ui.text import language, t
from ui.view import View, scenario_of, view_of, with_edits

OF = ("balance_end", "balance_ratio", "surplus", "expenditure", "income", *EVENTS)  # what can be asked about
ROW, LABEL = 24, 44  # pixels a bar; letters a line of its name
MOST = 3  # drivers of an event that are drawn; the table has all
NOTHING = 1e-9  # of the longest bar


# --- answers ----------------------------------------------------------------------------------------

def hangs_on(view: tuple, of: str, year: int, method: str) -> Sensitivity:
    """The tornado or the Sobol indices of a view's output."""
    return tracks.once(("sensitivity", *view, of, year, method, DRAWS), lambda progress: at_length(
        {"progress": progress}, sensitivity, scenario_of(View(view[0], view[2], view[1])), of, year, DRAWS, SEED,
        [method]))


@st.cache_data(show_spinner=False, max_entries=KEPT // 16)
def behind(scenario: str, edits: tuple[tuple[str, Any], ...], since: int, year: int, draws: int) -> Drivers:
    """What goes with each event of a view's year."""
    found = made(drivers, scenario_of(View(scenario, since, edits)), tuple(EVENTS), draws, SEED, "table")
    return found._replace(frame=found.frame[found.frame["year"] == year].reset_index(drop=True))


def worth(view: View, names: tuple[str, ...], amounts: Mapping[str, float]) -> Information:
    """What information is worth before choosing between a view and some `alternatives` of it."""
    offered = {name: other for name, (other, _) in alternatives(view, amounts).items() if name in names}
    return tracks.once(("information", view, tuple(sorted(offered.items())), FUTURES), lambda progress: at_length(
        {"progress": progress}, information, scenario_of(view),
        {name: scenario_of(other) for name, other in offered.items()}, draws=FUTURES, seed=SEED))


def alternatives(view: View, amounts: Mapping[str, float]) -> dict[str, tuple[View, Words]]:
    """What could be done instead of a view: the rules without its edits, and quick moves by given amounts, in words.

    A quick move without an amount, or that moves nothing, is none.
    """
    found = {}
    if view.edits:
        found["original"] = (view_of(view.scenario), words("情景原来的规则", "the scenario's own rules"))
    for package in packages.packages(scenario_of(view), view.since):
        amount = amounts.get(package.name, 0.0)
        moved = with_edits(view, packages.moved(package, amount)) if amount else view
        if moved != view:
            unit = {"contribution": words("个人缴费 {0:+g} 元", "contribution {0:+g} yuan"),
                    "primary": words("基层支付比例 {0:+g} 个百分点", "primary rate {0:+g} points")}[package.name]
            found[package.name] = (moved, words(unit.zh.format(amount), unit.en.format(amount)))
    return found


# --- frames -----------------------------------------------------------------------------------------

def output(name: str, language: str) -> tuple[str, str]:
    """An output's name in words, and its unit."""
    title, unit = ({event: (text, "share") for event, text in EVENTS.items()} | QUANTITIES | MORE)[name]
    return title[language], unit


def bars(found: Sensitivity, language: str) -> tuple[Drawn, str]:
    """The bars of a tornado that are longer than nothing, in the unit they are best read in, which comes with them."""
    frame, (_, unit) = found.tornado, output(found.of[0], language)
    size = frame[["low", "high", "base"]].abs().max(axis=None)
    divisor, name = (money_unit(size, language) if unit in ("yuan", "yuan_year") else
                     (0.01, "%") if unit == "share" else (1.0, unit_text(unit, language)))
    frame = frame[frame["swing"].abs() > NOTHING * max(size, 1e-12)].reset_index(drop=True)
    sized = {column: frame[column] / divisor for column in ("low", "high", "base", "swing", "se")}
    table = pd.DataFrame({"factor": frame[f"title_{language}"], "low_at": frame["low_at"], "high_at": frame["high_at"],
                          **sized})
    heads = {column: say(language, f"why.column.{column}", unit=name) for column in table.columns}
    forms = dict.fromkeys(("low_at", "high_at"), "%.4g") | dict.fromkeys(sized, "%,.2f")
    return Drawn(table, heads, forms), name


def shares(found: Sensitivity, language: str) -> Drawn:
    """The Sobol indices that are more than nothing."""
    frame = found.indices[found.indices["total"] > NOTHING].reset_index(drop=True)
    table = pd.DataFrame({"factor": frame[f"title_{language}"], **{name: frame[name] for name in (
        "first", "first_low", "first_high", "total", "total_low", "total_high")}})
    return Drawn(table, {name: say(language, f"why.column.{name}") for name in table.columns},
                 dict.fromkeys(table.columns[1:], "%.3f"))


def values(found: Information, language: str) -> tuple[Drawn, str]:
    """What is worth knowing, as far as it can be told from nothing, and the unit of its worth."""
    frame = found.values[found.values["told"]].reset_index(drop=True)
    divisor, unit = money_unit(frame["value"].max() if len(frame) else 0.0, language)
    table = pd.DataFrame({
        "factor": frame[f"title_{language}"], "kind": [say(language, f"why.kind.{kind}") for kind in frame["kind"]],
        "value": frame["value"] / divisor, "se": frame["se"] / divisor, "share": frame["share"],
        "avoided": 100 * frame["avoided"], "avoided_se": 100 * frame["avoided_se"],
        "source": frame[f"source_{language}"]})
    forms = {"share": FORMS["share"], **dict.fromkeys(("value", "se"), "%,.2f"),
             **dict.fromkeys(("avoided", "avoided_se"), "%.1f")}
    return Drawn(table, {name: say(language, f"why.worth.{name}", unit=unit) for name in table.columns}, forms), unit


def choices(found: Information, names: Mapping[str, Words], language: str) -> tuple[Drawn, str]:
    """The options with their losses by part, and the unit."""
    frame = found.options
    divisor, unit = money_unit(frame["difference"].max(), language)  # small beside the parts, and what decides
    money = ["loss", "difference", "se", *PARTS]
    table = pd.DataFrame({"option": [option_name(name, names, language) for name in frame["option"]],
                          "best": frame["best"], **{name: frame[name] / divisor for name in money}})
    heads = {name: say(language, f"why.option.{name}", unit=unit) for name in ("option", "best", *money[:3])}
    heads |= {name: say(language, "column.share", what=title[language], unit=unit) for name, title in PARTS.items()}
    return Drawn(table, heads, {"best": FORMS["share"]} | dict.fromkeys(money, "%,.1f")), unit


def option_name(name: str, names: Mapping[str, Words], language: str) -> str:
    """An option in words."""
    return say(language, "why.present") if name == PRESENT else names[name][language]


def goes_with(found: Drivers, language: str) -> Drawn:
    """What goes with each event of a year, as far as it is told from chance, the strongest first."""
    frame = found.frame[found.frame["told"]]
    table = pd.DataFrame({
        "event": [say(language, f"event.{event}") for event in frame["event"]],
        "factor": [found.titles[name][language] for name in frame["driver"]],
        **{name: frame[name] for name in ("chance", "low", "high", "difference", "se", "share")}})
    return Drawn(table.reset_index(drop=True), {name: say(language, f"why.driver.{name}") for name in table.columns})


# --- charts -----------------------------------------------------------------------------------------

def tornado(drawn: Drawn, title: str, names: Mapping[str, str], unit: str) -> go.Figure:
    """Bars from where the output stands to where it goes with each factor at either end, the longest at the top."""
    frame = drawn.frame
    rows = labels(frame["factor"])
    traces = []
    for n, (end, colour) in enumerate((("low", BLUE), ("high", ORANGE))):
        traces.append({"type": "bar", "orientation": "h", "y": rows, "base": frame["base"].tolist(),
                       "x": (frame[end] - frame["base"]).tolist(), "name": names[end], "offsetgroup": "one",
                       "customdata": frame[[end, f"{end}_at", "swing", "se"]].to_numpy().tolist(),
                       "marker": bar(n) | {"color": rgba(colour, 0.85)},
                       "hovertemplate": f"%{{y}}<br>{names[end]} (%{{customdata[1]:.4g}})　%{{customdata[0]:,.2f}} "
                                        f"{unit}<br>{names['swing']} %{{customdata[2]:+,.2f}} ± "
                                        "%{customdata[3]:,.2f}<extra></extra>"})
    base = float(frame["base"].iloc[0])
    return whole(traces, layout(title, rows, unit) | {"barmode": "overlay", "shapes": [{
        "type": "line", "x0": base, "x1": base, "yref": "y domain", "y0": 0, "y1": 1,
        "line": {"width": 1.5, "color": RED}}]})


def thirds(drawn: Drawn, title: str, names: Mapping[str, str]) -> go.Figure:
    """Each chance under its own heading: where a driver is lowest and where it is highest, the strongest drivers."""
    rows, part = [], drawn.frame.groupby("event", sort=False).head(MOST)
    for n, (event, own) in enumerate(part.groupby("event", sort=False)):
        rows += [f"<b>{wrapped(f'{event} {percent(own.chance.iloc[0])}', LABEL)}</b>", *(
            " " * n + label for label in labels(own["factor"]))]  # a driver of several events has a row in each
    at = [row for row in rows if not row.startswith("<b>")]
    ends = np.stack([part["low"], part["high"], np.full(len(part), np.nan)], axis=1).ravel()
    traces = [{"x": ends.tolist(), "y": [row for row in at for _ in range(3)], "mode": "lines", "showlegend": False,
               "line": {"width": 3, "color": GREY}, "hoverinfo": "skip"}]
    for end, symbol, colour in (("low", "circle", BLUE), ("high", "square", ORANGE)):
        traces.append({"x": part[end].tolist(), "y": at, "mode": "markers", "name": names[end],
                       "marker": {"symbol": symbol, "size": 10, "color": colour},
                       "customdata": part[["difference", "se", "share"]].to_numpy().tolist(),
                       "hovertemplate": f"%{{y}}<br>{names[end]} %{{x:.1%}}<br>{names['difference']} "
                                        "%{customdata[0]:+.1%} ± %{customdata[1]:.1%}<br>"
                                        f"{names['share']} %{{customdata[2]:.1%}}<extra></extra>"})
    figure = layout(title, rows, "")
    figure["yaxis"]["range"] = [-0.5, len(rows) - 0.5]  # a heading has no mark to make room for it
    return whole(traces, figure | {"xaxis": figure["xaxis"] | {"tickformat": ".0%", "range": [-0.02, 1.02]}})


def indices(drawn: Drawn, title: str, names: Mapping[str, str]) -> go.Figure:
    """First-order and total indices side by side, each with its 95 % interval."""
    frame = drawn.frame
    rows = labels(frame["factor"])
    traces = [{
        "type": "bar", "orientation": "h", "y": rows, "x": frame[name].tolist(), "name": names[name], "marker": bar(n),
        "error_x": {"symmetric": False, "array": (frame[f"{name}_high"] - frame[name]).tolist(), "color": GREY,
                    "arrayminus": (frame[name] - frame[f"{name}_low"]).tolist(), "thickness": 1.5, "width": 3},
        "customdata": frame[[f"{name}_low", f"{name}_high"]].to_numpy().tolist(),
        "hovertemplate": f"%{{y}}<br>{names[name]} %{{x:.3f}}　%{{customdata[0]:.3f}} … %{{customdata[1]:.3f}}"
                         "<extra></extra>"} for n, name in enumerate(("total", "first"))]
    return whole(traces, layout(title, rows, "", 1.7) | {"barmode": "group"})


def ranking(drawn: Drawn, title: str, unit: str) -> go.Figure:
    """What everything is worth knowing, with bars of one standard error either side."""
    frame = drawn.frame
    rows = labels(frame["factor"])
    traces = []
    for n, kind in enumerate(frame["kind"].unique()):
        here = (frame["kind"] == kind).to_numpy()
        part = frame[here]
        traces.append({
            "type": "bar", "orientation": "h", "y": [row for row, is_kind in zip(rows, here, strict=True) if is_kind],
            "x": part["value"].tolist(), "name": kind, "marker": bar(n), "offsetgroup": "one",
            "error_x": {"array": part["se"].tolist(), "color": GREY, "thickness": 1.5, "width": 3},
            "customdata": part[["avoided"]].to_numpy().tolist(),
            "hovertemplate": f"%{{y}}<br>%{{x:,.2f}} ± %{{error_x.array:,.2f}} {unit}<br>%{{customdata[0]:+.1f}}"
                             "<extra></extra>"})
    return whole(traces, layout(title, rows, unit))


def labels(titles: pd.Series) -> list[str]:
    """Names on several lines where they are long; those of several factors can be very long."""
    return [wrapped(title if len(title) <= 3 * LABEL else title[:3 * LABEL - 1] + "…", LABEL) for title in titles]


def layout(title: str, rows: list[str], unit: str, room: float = 1.0) -> dict[str, Any]:
    """Horizontal bars, the first row at the top."""
    lines = int(np.sum([row.count("<br>") for row in rows]))
    return {"title": titled(title), "showlegend": True, "height": int(ROW * room * len(rows)) + 12 * lines + 150,
            "bargap": 0.3, "margin": {**MARGIN, "t": 66},
            "xaxis": {"side": "top", "showgrid": True, "tickformat": ",~f", "ticksuffix": unit if unit == "%" else ""},
            "yaxis": {"type": "category", "categoryorder": "array", "categoryarray": rows[::-1], "dtick": 1,
                      "tickfont": {"size": 11}, "showgrid": False, "ticksuffix": "  "},
            "legend": {"y": -0.03}}


# --- what two pages show ----------------------------------------------------------------------------

def variance(view: View, name: str) -> None:
    """The variance of a view by source, drawn and told on the page; its files go by a name."""
    lang, draws = language(), draws_for(view, settled=False)
    with st.spinner(t("record.working")):
        parts = tracks.parts(*key(view), draws)
    facts = named({"": scenario_of(view)}, draws, "table", rests=t("why.rests.variance"))
    for column, quantity in zip(beside(2), tracks.SPLIT, strict=True):
        drawn, sources = records.parts(parts, quantity, lang)
        sentence = records.of_variance(drawn, sources, QUANTITIES[quantity][0][lang], lang)
        with column:
            st.markdown(sentence)
            card(f"{name}_{quantity}", diagrams.around_zero(
                drawn, t("column.share", what=t(f"record.parts.{quantity}"), unit="%"), sources, "%"), drawn, sentence,
                facts)
    st.caption(t("record.parts_read"))
