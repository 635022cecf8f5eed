"""The charts of a brief: those of the screen, without their titles, which a paper gives in captions."""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go

from report import contrasts, panels
from report.inquiry import PARTED, Inquiry
from report.panels import Panel
from report.tables import Drawn, steps, tier_name
from report.text import percent, points, say
from simulation.explain import Waterfall
from simulation.results import EVENTS
from simulation.sentences import title_of

TOP = 12  # pixels above a chart that has no title


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


def scene(shown: Panel, told: str, note: str) -> Scene:
    """A chart of the run as a scene."""
    return Scene(shown.title, told, untitled(shown.figure), shown.drawn, shown.alt, note)


def untitled(figure: go.Figure) -> go.Figure:
    """A chart without its title."""
    top = figure.layout.margin.t if figure.layout.xaxis.side == "top" else TOP
    return go.Figure(figure).update_layout(title=None, margin={"t": top})


def balance(inquiry: Inquiry, language: str) -> Scene:
    """The fan of the balance ratio with its line."""
    shown = panels.fan("balance", inquiry.now, inquiry.scenario, language, inquiry.before)
    return scene(shown, say(language, "brief.scene.balance", **shown.told), say(language, "brief.scene.bands"))


def chances(inquiry: Inquiry, language: str) -> Scene:
    """The chance of each event by year."""
    shown = panels.chances(inquiry.now, language)
    end = shown.drawn.frame.iloc[-1]
    told = say(language, "brief.semicolon").join(say(
        language, "brief.scene.chance", event=say(language, f"event.{event}"), value=percent(end[event]),
        se=percent(end[f"{event}_se"])) for event in EVENTS)
    return scene(shown, say(language, "brief.scene.chances", year=int(end["year"]), told=told),
                 say(language, "brief.scene.bars"))


def spending(inquiry: Inquiry, language: str) -> Scene:
    """Spending by tier."""
    shown = panels.spending(inquiry.now, inquiry.scenario, language)
    at_end = shown.drawn.frame.drop(columns="year").iloc[-1]
    if not at_end.sum():
        told = say(language, "brief.scene.spending_none", **shown.told)
        return scene(shown, told, say(language, "brief.scene.means"))
    told = say(language, "brief.scene.spending", tier=tier_name(inquiry.scenario, at_end.idxmax(), language),
               share=percent(at_end.max() / at_end.sum()), **shown.told)
    return scene(shown, told, say(language, "brief.scene.means"))


def parts(inquiry: Inquiry, found: Waterfall, language: str) -> Scene:
    """The change of the mean balance ratio in the last year, lever by lever: only means can be added up."""
    year = inquiry.scenario.horizon()[-1]
    ends = (say(language, "brief.before"), say(language, "brief.after"))
    drawn, unit = steps(found, PARTED, year, ends, language)
    drawn = drawn._replace(frame=drawn.frame.drop(columns=["kind", "interaction", "levers"]), of=PARTED)
    mean = say(language, "brief.mean_of", what=title_of(PARTED)[language])
    title = say(language, "compare.waterfall", what=mean, year=year, unit=unit)
    at = lambda frame: frame[(frame["quantity"] == PARTED) & (frame["year"] == year)]  # noqa: E731
    total, part = next(at(found.totals).itertuples()), at(found.parts)
    said = [say(language, "brief.scene.moved", year=year, what=mean, first=percent(total.first),
                last=percent(total.last), change=points(total.change, language), parts=say(language, "brief.list").join(
                    f"{found.titles[row.group][language]} {points(row.part, language)}"
                    for row in part.sort_values("part", key=abs, ascending=False).itertuples()))]
    if len(part) > 1:
        said.append(say(language, "brief.scene.together", together=points(total.interaction, language)))
    said.append(say(language, "brief.scene.why_means"))
    sampled, made, draws = found.facts["orders"], found.facts["draws"], inquiry.now.facts["draws"]
    note = say(language, "brief.scene.sampled" if sampled else "brief.scene.parted", orders=sampled, draws=f"{made:,}")
    note += say(language, "brief.scene.fewer", draws=f"{draws:,}") if made < draws else ""
    figure = contrasts.stairs(drawn, title, say(language, "compare.alone", value="{value}"))
    return Scene(title, ("" if language == "zh" else " ").join(said), untitled(figure), drawn, " ".join(said), note)
