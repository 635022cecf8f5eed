"""The charts of a brief: those of the screen, without their titles, which a paper gives in captions."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import plotly.graph_objects as go

from report import charts, contrasts, tables
from report.findings import limit_text, sentences
from report.inquiry import PARTED, Inquiry
from report.tables import Drawn
from report.text import percent, say
from simulation.explain import Waterfall
from simulation.results import EVENTS
from simulation.scenario import clause
from simulation.sentences import moved, title_of

TOP = 12  # pixels above a chart that has no title
ROOM = 0.18  # of a waterfall, at either end of its axis


class Scene(NamedTuple):
    """A chart with what it shows: in a sentence, in a caption, for who cannot see it, and how to read it."""

    title: str
    told: str
    figure: go.Figure
    drawn: Drawn
    alt: str
    note: str


def of(inquiry: Inquiry, language: str) -> list[Scene]:
    """The balance ratio, the chances, spending by tier, and the change by lever if there is one."""
    found = [balance(inquiry, language), chances(inquiry, language), spending(inquiry, language)]
    return found + ([parts(inquiry, inquiry.parts, language)] if inquiry.parts else [])


def untitled(figure: go.Figure) -> go.Figure:
    """A chart without its title."""
    top = figure.layout.margin.t if figure.layout.xaxis.side == "top" else TOP
    return go.Figure(figure).update_layout(title=None, margin={"t": top})


def balance(inquiry: Inquiry, language: str) -> Scene:
    """The fan of the balance ratio with its line."""
    scenario, now = inquiry.scenario, inquiry.now
    drawn, quantity = tables.fan(now, "balance_ratio", language, inquiry.before), "balance_ratio"
    limit, last = limit_text(now, quantity, language), int(drawn.frame["year"].iloc[-1])
    names = {column: say(language, f"label.{column}") for column in ("p05", "p25", "p50", "p75", "p95", "before")}
    rule = getattr(scenario.policy_in(last).lines, quantity).source
    bound = charts.Limit(say(language, "label.limit", limit=limit), clause(scenario, rule, language))
    zero = charts.Limit(say(language, "label.zero_line"), say(language, "chart.zero_clause"))
    title, end = say(language, "chart.balance"), drawn.frame.iloc[-1]
    ends = {place: percent(end[at]) for place, at in (("median", "p50"), ("low", "p05"), ("high", "p95"))}
    return Scene(title, say(language, "brief.scene.balance", year=last, limit=limit, **ends),
                 untitled(charts.fan(drawn, title, names, bound, zero)), drawn,
                 say(language, "chart.balance_alt", title=title, limit=limit, year=last, **ends),
                 say(language, "brief.scene.bands"))


def chances(inquiry: Inquiry, language: str) -> Scene:
    """The chance of each event by year."""
    drawn, title = tables.chance(inquiry.now, language), say(language, "chart.chances")
    names = {event: say(language, f"event.{event}") for event in EVENTS}
    end = drawn.frame.iloc[-1]
    told = say(language, "brief.semicolon").join(say(
        language, "brief.scene.chance", event=names[event], value=percent(end[event]), se=percent(end[f"{event}_se"]))
        for event in EVENTS)
    return Scene(title, say(language, "brief.scene.chances", year=int(end["year"]), told=told),
                 untitled(charts.chances(drawn, title, names)), drawn,
                 say(language, "chart.chances_alt", finding=" ".join(sentences(inquiry.now, language))),
                 say(language, "brief.scene.bars"))


def spending(inquiry: Inquiry, language: str) -> Scene:
    """Spending by tier."""
    drawn, tiers, unit = tables.spending(inquiry.now, inquiry.scenario, language)
    title, years = say(language, "chart.spending", unit=unit), drawn.frame["year"]
    start, end = (f"{total:,.1f}" for total in drawn.frame[list(tiers)].sum(axis=1).iloc[[0, -1]])
    at_end = drawn.frame[list(tiers)].iloc[-1]
    values = {"first": int(years.iloc[0]), "last": int(years.iloc[-1]), "unit": unit, "start": start, "end": end}
    return Scene(title, say(language, "brief.scene.spending", tier=tiers[at_end.idxmax()],
                            share=percent(at_end.max() / at_end.sum()), **values),
                 untitled(charts.stacked(drawn, title, tiers, unit)), drawn,
                 say(language, "chart.spending_alt", **values), say(language, "brief.scene.means"))


def parts(inquiry: Inquiry, found: Waterfall, language: str) -> Scene:
    """The change of the balance ratio in the last year, lever by lever."""
    year = inquiry.scenario.horizon()[-1]
    ends = (say(language, "brief.before"), say(language, "brief.after"))
    drawn, total = steps(found, year, ends, language)
    title = say(language, "compare.waterfall", what=title_of(PARTED)[language], year=year, unit="%")
    part = found.parts[(found.parts["quantity"] == PARTED) & (found.parts["year"] == year)]
    said = [text[language] for text in moved(total, part, found.titles, ends)]
    sampled = found.facts["orders"]
    note = say(language, "brief.scene.sampled" if sampled else "brief.scene.parted", orders=sampled,
               draws=f"{found.facts['draws']:,}")
    figure = contrasts.stairs(drawn, title, say(language, "compare.alone", value="{value}"))
    reach = [0.0, total.first, total.last, *(total.first + part["part"].cumsum())]
    room = ROOM * (max(reach) - min(reach))
    figure.update_xaxes(range=[100 * (min(reach) - room), 100 * (max(reach) + room)])  # for what stands beside the bars
    return Scene(title, ("" if language == "zh" else " ").join(said), untitled(figure), drawn, " ".join(said), note)


def steps(found: Waterfall, year: int, ends: tuple[str, str], language: str) -> tuple[Drawn, tuple]:
    """The waterfall as a frame in per cent: before, each part from the largest, after; and its total as a row."""
    at = lambda frame: frame[(frame["quantity"] == PARTED) & (frame["year"] == year)]  # noqa: E731
    total, rows = next(at(found.totals).itertuples()), at(found.parts)
    rows = rows.iloc[rows["part"].abs().to_numpy().argsort()[::-1]]
    frame = pd.DataFrame({
        "step": [ends[0], *(found.titles[group][language] for group in rows["group"]), ends[1]],
        "value": [100 * total.first, *(100 * rows["part"]), 100 * total.last],
        "se": [None, *(100 * rows["se"]), None], "alone": [None, *(100 * rows["alone"]), None]}).astype(
            {"se": float, "alone": float})
    heads = {name: say(language, f"compare.column.{name}") for name in frame.columns}
    heads |= {name: say(language, "column.share", what=heads[name], unit="%") for name in ("value", "se", "alone")}
    return Drawn(frame, heads, dict.fromkeys(("value", "se", "alone"), "%,.2f"), PARTED), total
