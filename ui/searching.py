"""Searching over several levers for the page: what may vary, the policies found, their frames and their chart."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from report.charts import BLUE, GREEN, GREY, MARGIN, ORANGE, RED, titled, whole
from report.tables import FORMS, Drawn
from report.text import in_percent, number, percent, say, unit_text
from simulation.failures import Failures, failures
from simulation.moves import moving
from simulation.moves import planned as later
from simulation.objectives import OBJECTIVES, VERDICTS
from simulation.scenario import Scenario
from simulation.search import Front, search, titles
from simulation.terms import Term
from ui import seeking, tracks
from ui.runs import SEED, at_length
from ui.view import View, scenario_of

DRAWS, RULE_DRAWS = 256, 2048  # for each policy compared; for the rules of failure, half of them held out
FIRST = ("financing.contribution", "benefits.rate")  # what varies to begin with
LEAST, MOST, OFTEN = 40, 400, 60  # policies
TRAVEL = 20  # steps offered either way of a lever that stands at 0
POINTS = 0.3  # how far rates may be moved together
CLASSES = ((1 / 3, "circle", BLUE), (2 / 3, "square", ORANGE), (1.01, "diamond", RED))  # of hoarding risk


class Range(NamedTuple):
    """How a parameter may be varied: its name for the search, the ends offered and those to begin with."""

    name: str  # with + behind it where an amount is added to all its values
    low: float
    high: float
    start: tuple[float, float]
    step: float


def span(view: View, parameter: str, term: Term) -> Range | None:
    """How a parameter may be varied in a view; nothing where it stands without a limit."""
    leaves = [leaf for leaf in moving(scenario_of(view), parameter, 1.0, view.since) if not leaf.fixed]
    if any(leaf.start is None for leaf in leaves) or not leaves:
        return None
    most = max(leaf.start for leaf in leaves)
    snapped = lambda value: round(round(value / term.step) * term.step, 9)  # noqa: E731
    if len(leaves) == 1:
        high = snapped(min(term.high, 2 * most if most > 0 else term.low + TRAVEL * term.step))
        low = snapped(max(term.low, min(0.0, most)))
        return Range(parameter, low, high, (snapped(max(low, most / 2)), snapped(min(high, 1.5 * most or high))),
                     term.step)
    far = POINTS if in_percent(term) else most
    far = max(snapped(far), TRAVEL * term.step)
    half = max(snapped(far / 3), term.step)
    return Range(f"{parameter}+", -far, far, (-half, half), term.step)


def ranges(view: View) -> dict[str, Range]:
    """Every parameter that can be varied in a view."""
    found = {name: span(view, name, term) for name, term in seeking.parameters(view).items()}
    return {name: one for name, one in found.items() if one}


def question(view: View, wanted: dict[str, tuple[float, float]], policies: int) -> tuple:
    """What tells one search from another."""
    return "search", view.scenario, view.edits, view.since, tuple(wanted.items()), policies, DRAWS


def answer(asked: tuple) -> Front:
    """The policies of a search, made once; what is known so far stays with the session. Raises `BadInput`."""
    _, name, edits, since, wanted, policies, draws = asked

    def keep(front: Front) -> None:
        st.session_state["find.search.partial"] = asked, front

    return tracks.once(asked, lambda progress: at_length(
        {"progress": progress, "keep": keep}, search, scenario_of(View(name, since, edits)), dict(wanted), since,
        policies, draws, SEED, "table"))


def partial(asked: tuple) -> Front | None:
    """What a search that was stopped had found."""
    known, front = st.session_state.get("find.search.partial", (None, None))
    return front if known == asked else None


def rules(asked: tuple, front: Front, policy: int, event: str) -> Failures:
    """The futures in which a policy fails, made once."""
    return tracks.once(("rules", *asked, policy, event), lambda progress: at_length(
        {}, failures, front.policy(policy), event, draws=RULE_DRAWS, seed=SEED, engine="table"))


# --- frames and chart --------------------------------------------------------------------------------

def policies(front: Front, lang: str) -> Drawn:
    """The policies that no other beats and the present one, a row each: objectives, levers, take-up."""
    table = front.policies[~front.policies["dominated"] | (front.policies["policy"] == 0)]
    table = table.sort_values(["deficit_risk", "out_of_pocket_share"], kind="stable")
    frame, heads, forms = pd.DataFrame({"policy": table["policy"]}), {"policy": say(lang, "find.policy")}, {
        "policy": "%d"}
    for name, (title, unit) in OBJECTIVES.items():
        frame[name], frame[f"{name}_se"] = table[name], table[f"{name}_se"]
        heads[name] = title[lang] if unit == "share" else say(
            lang, "column.share", what=title[lang], unit=unit_text(unit, lang))
        heads[f"{name}_se"] = say(lang, "find.se_of", what=title[lang].split("：")[0].split(":")[0].split("（")[0])
        forms |= {name: "percent" if unit == "share" else "%,.0f", f"{name}_se": "percent" if unit == "share"
                  else "%,.2f"}
    for column, title in titles(front).items():
        term = seeking.SECTIONS[column.split(".")[0]].terms()[column.split(".")[1].removesuffix("+")]
        times = 100.0 if in_percent(term) else 1.0
        frame[column] = (table[column].astype(float) * times).round(9)
        heads[column] = say(lang, "column.share", what=title[lang],
                            unit="%" if in_percent(term) else unit_text(term.unit, lang))
        forms[column] = "%.10g"
    frame["take_up"], heads["take_up"], forms["take_up"] = table["take_up"], say(lang, "find.take_up"), FORMS["share"]
    frame["verdict"] = [VERDICTS[verdict][lang] for verdict in table["against_present"]]
    heads["verdict"] = say(lang, "find.verdict")
    return Drawn(frame.reset_index(drop=True), heads, forms)


def figure(drawn: Drawn, front: Front, chosen: int | None, lang: str) -> go.Figure:
    """Deficit risk against what people bear themselves; sign and size say how much is hoarded."""
    frame, traces, least = drawn.frame, [], -1.0
    hover = "%{customdata[0]}<br>" + "<br>".join(
        f"{drawn.heads[name]} %{{customdata[{n}]:{'.1%' if unit == 'share' else ',.0f'}}}"
        for n, (name, (_, unit)) in enumerate(OBJECTIVES.items(), 1)) + "<extra></extra>"

    def points(part: pd.DataFrame, name: str, marker: dict) -> dict:
        told = part[list(OBJECTIVES)].assign(policy=[called(front, n, lang) for n in part["policy"]])
        return {"x": part["deficit_risk"].tolist(), "y": part["out_of_pocket_share"].tolist(), "mode": "markers",
                "name": name, "marker": marker, "customdata": told[["policy", *OBJECTIVES]].to_numpy().tolist(),
                "hovertemplate": hover}

    rest = front.policies[front.policies["dominated"] & (front.policies["policy"] > 0)]
    if len(rest):
        traces.append(points(rest, say(lang, "find.dominated"), {"symbol": "circle-open", "size": 5, "color": GREY}))
    for most, symbol, colour in CLASSES:
        part = frame[(frame["hoarding_risk"] > least) & (frame["hoarding_risk"] <= most) & (frame["policy"] > 0)]
        word = say(lang, "find.hoarding", low=percent(max(least, 0), 0), high=percent(min(most, 1), 0))
        if len(part):
            traces.append(points(part, word, {
                "symbol": symbol, "color": colour, "size": (8 + 12 * part["hoarding_risk"]).tolist(),
                "line": {"width": 1, "color": "#ffffff"}}))
        least = most
    for marked, word, symbol in ((0, "find.present", "star"), (chosen, "find.chosen", "circle-open")):
        if marked is not None and (marked or symbol == "star"):
            part = front.policies[front.policies["policy"] == marked]
            traces.append(points(part, say(lang, word), {
                "symbol": symbol, "size": 16 if symbol == "star" else 26, "color": GREEN, "line": {
                    "width": 1 if symbol == "star" else 3, "color": GREEN}}))
    return whole(traces, {
        "title": titled(say(lang, "find.front")), "showlegend": True, "height": 460, "margin": {**MARGIN, "r": 24},
        "legend": {"y": -0.2},
        "xaxis": {"title": {"text": drawn.heads["deficit_risk"]}, "tickformat": ".0%", "showgrid": True},
        "yaxis": {"title": {"text": drawn.heads["out_of_pocket_share"]}, "tickformat": ".1%"}})


def called(front: Front, number: int, lang: str) -> str:
    """A policy by its number and what it sets."""
    if number == 0:
        return say(lang, "find.present")
    row = front.policies.iloc[number]
    parts = []
    for lever in front.levers:
        term = seeking.SECTIONS[lever.name.split(".")[0]].terms()[lever.name.split(".")[1]]
        parts.append(f"{front.scenario.lever_names(lever.name, lang)} "
                     f"{shown(row[lever.column], term, bool(lever.adds), lang)}")
    return f"{number}: " + say(lang, "record.comma").join(parts)


def shown(value: Any, term: Term, added: bool, lang: str) -> str:
    """A value of a policy, with its sign where it is added."""
    sign = "+" if added else ""
    if in_percent(term):
        return number(100 * value, f"{sign}.4g") + (f" {say(lang, 'find.points')}" if added else "%")
    return f"{number(value, f'{sign},.6g')} {unit_text(term.unit, lang)}"


def limits(found: Failures, lang: str) -> Drawn:
    """The rules of failure, a row a condition: between which ends, and how often it then fails."""
    table = found.limits.merge(found.rules, on="rule")
    frame = pd.DataFrame({"rule": table["rule"], "input": table[f"title_{lang}"], "low": table["low"].astype(float),
                          "high": table["high"].astype(float),
                          "unit": [unit_text(unit, lang) if unit in seeking.UNITS else unit for unit in table["unit"]],
                          "density": table["density"], "coverage": table["coverage"], "p_value": table["p_value"]})
    heads = {name: say(lang, f"find.rule.{name}") for name in frame.columns}
    return Drawn(frame, heads, {"rule": "%d", "low": "%.4g", "high": "%.4g", "p_value": "%.2g"})


def planned(scenario: Scenario, front: Front) -> tuple[int, ...]:
    """The later years in which the scenario itself sets what a policy sets; they give way."""
    return tuple(sorted({year for lever in front.levers for year in later(scenario, lever.name, front.since)}))
