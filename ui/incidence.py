"""Winners and losers, who receives what, and what people bear: cached answers, frames, charts and words."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from report import studies
from report.charts import BLUE, GREY, MARGIN, ORANGE, patterned, titled, whole
from report.paper import cells
from report.studies import Burden
from report.tables import Drawn, tier_name
from report.text import number, percent, say
from simulation.incidence import LEVELS, Incidence, incidence
from simulation.scenario import Scenario
from ui import ledger
from ui.runs import SEED, key, made
from ui.view import View, known, scenario_of

DRAWS = 256  # to find the median future; the people's years are not drawn from them
KEPT = 64  # answers, of some tens of kilobytes each
WAYS = (("gain", BLUE, ""), ("unchanged", GREY, "."), ("lose", ORANGE, "/"))
INK = "#10161d"  # reads on every bar, in a light and in a dark page
SIDES = (("fund", BLUE, ""), ("contribution", ORANGE, "/"), ("subsidy", GREY, "."))


def found(view: View, year: int, threshold: float) -> Incidence:
    """Winners and losers of a view's edits against its scenario."""
    return asked(*key(view), year, threshold)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def asked(scenario: str, edits: tuple[tuple[str, Any], ...], since: int, year: int, threshold: float) -> Incidence:
    """The same by plain arguments."""
    return made(incidence, known(scenario), scenario_of(View(scenario, since, edits)), year, threshold, DRAWS, SEED)


def burden(view: View, draws: int) -> Burden:
    """What people bear in a view's run."""
    return borne(*key(view), draws, SEED)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def borne(scenario: str, edits: tuple[tuple[str, Any], ...], since: int, draws: int, seed: int) -> Burden:
    """The same by plain arguments."""
    return made(studies.burden, scenario_of(View(scenario, since, edits)), draws, seed)


# --- frames --------------------------------------------------------------------------------------------

def members(scenario: Scenario, lang: str) -> dict[tuple[str, str], str]:
    """The names of everybody a row may be about."""
    whole = {("all", "all"): say(lang, "people.all")}
    for by, names in (("group", scenario.axes.group), ("level", LEVELS), ("status", scenario.axes.status)):
        whole |= {(by, name): title[lang] for name, title in names.items()}
    return whole


def winners(answer: Incidence, scenario: Scenario, lang: str) -> Drawn:
    """Who gains and loses, a row a group, level of spending or status."""
    names, table = members(scenario, lang), answer.winners
    if len(scenario.axes.status) < 2:
        table = table[table["by"] != "status"]
    order = ["all", "group", "level", "status"]
    table = table.sort_values("by", key=lambda by: by.map(order.index), kind="stable")
    who = [names[row.by, row.member] for row in table.itertuples()]
    frame = table.drop(columns=["by", "member"]).reset_index(drop=True)
    frame.insert(0, "member", who)
    heads = {name: say(lang, f"people.winners.{name}") for name in frame.columns}
    yuan = dict.fromkeys(("out_of_pocket_before", "out_of_pocket_after", "contribution_before", "contribution_after"),
                         "%,.1f") | dict.fromkeys(("change", "p05", "p95"), "%+,.1f")
    return Drawn(frame, heads, {"persons": "%,.0f"} | yuan)


def compact(drawn: Drawn, lang: str) -> pd.DataFrame:
    """What changes for each row, in words, narrow enough for a page: before and after stand in one column."""
    text = pd.DataFrame(cells(drawn, digits=2), columns=list(drawn.frame))
    text["change"] = [number(value, "+,.1f") for value in drawn.frame["change"]]
    heads = {"member": drawn.heads["member"], "persons": say(lang, "people.brief.persons"),
             "change": drawn.heads["change"]}
    for name in ("out_of_pocket", "contribution", "catastrophic"):
        text[name] = text[f"{name}_before"] + " → " + text[f"{name}_after"]
        heads[name] = say(lang, f"people.brief.{name}")
    return text[[*heads]].rename(columns=heads)


def winners_figure(drawn: Drawn, lang: str) -> go.Figure:
    """Shares of each row's people who gain, are where they were, and lose."""
    frame = drawn.frame
    rows = frame["member"].tolist()
    traces = [{"type": "bar", "orientation": "h", "y": rows, "x": frame[way].tolist(), "name": drawn.heads[way],
               "text": [percent(value, 0) if value >= 0.04 else "" for value in frame[way]], "textposition": "inside",
               "insidetextanchor": "middle", "textangle": 0, "insidetextfont": {"color": INK},
               "marker": patterned(colour, pattern),
               "hovertemplate": f"%{{y}}　{drawn.heads[way]} %{{x:.1%}}<extra></extra>"}
              for way, colour, pattern in WAYS]
    return whole(traces, {
        "barmode": "stack", "bargap": 0.25, "title": titled(say(lang, "people.winners_chart")), "showlegend": True,
        "height": 130 + 34 * len(frame), "margin": {**MARGIN, "r": 24},
        "xaxis": {"tickformat": ".0%", "range": [0, 1], "showgrid": True}, "yaxis": reversed_names()})


def received(answer: Incidence, scenario: Scenario, lang: str) -> Drawn:
    """Who receives the fund's money beside what is paid in, a row a group and status, under the view's rules."""
    table = answer.benefits
    rows = []
    for row in table.to_dict("records"):
        whose = say(lang, "people.all") if row["group"] == "all" else scenario.axes.group[row["group"]][lang]
        if row["group"] != "all" and len(scenario.axes.status) > 1:
            whose = say(lang, "people.who", group=whose, status=scenario.axes.status[row["status"]][lang])
        rows.append({"member": whose, "persons": row["persons"], "expense": row["expense"]} | {
            name: row[f"{name}_after"] for name in ("fund", "layers", "contribution", "subsidy", "left")})
    frame = pd.DataFrame(rows)
    parts = frame["persons"] / frame["persons"].iloc[-1]
    for name in ("fund", "contribution"):
        frame[f"{name}_share"] = frame[name] * parts / max(frame[name].iloc[-1], 1e-9)
    heads = {name: say(lang, f"people.received.{name}") for name in frame.columns}
    forms = dict.fromkeys(("expense", "fund", "layers", "contribution", "subsidy", "left"), "%,.1f")
    return Drawn(frame, heads, forms | {"persons": "%,.0f"})


def received_figure(drawn: Drawn, lang: str) -> go.Figure:
    """What the fund pays for a person of each row beside what is paid in for him."""
    frame = drawn.frame
    traces = [{"type": "bar", "orientation": "h", "y": frame["member"].tolist(), "x": frame[side].tolist(),
               "name": drawn.heads[side], "marker": patterned(colour, pattern),
               "hovertemplate": f"%{{y}}　{drawn.heads[side]} %{{x:,.1f}}<extra></extra>"}
              for side, colour, pattern in SIDES]
    return whole(traces, {
        "barmode": "group", "bargap": 0.25, "title": titled(say(lang, "people.received_chart")), "showlegend": True,
        "height": 130 + 52 * len(frame), "margin": {**MARGIN, "r": 24},
        "xaxis": {"tickformat": ",~f", "showgrid": True, "rangemode": "tozero"}, "yaxis": reversed_names()})


def reversed_names() -> dict:
    """An axis of names, the first at the top."""
    return {"type": "category", "autorange": "reversed", "showgrid": False, "ticksuffix": "  ", "automargin": True}


def over_years(answer: Burden, what: str, scenario: Scenario, lang: str) -> tuple[Drawn, dict[str, str], str]:
    """One of the burdens as a row a year and a column a group or tier; the names, and the format of a value."""
    if what == "left":
        names = {tier: tier_name(scenario, tier, lang) for tier in scenario.axes.tier}
        names = {tier: name for tier, name in names.items()
                 if answer.tiers.loc[answer.tiers["tier"] == tier, "left"].notna().any()}
        return ledger.by_year(answer.tiers, "tier", what, names, say(lang, "people.yuan_stay"), lang,
                              "%,.0f"), names, ",.0f"
    names = {group: name[lang] for group, name in scenario.axes.group.items()}
    share = what == "catastrophic"
    unit = say(lang, "people.share_of_group" if share else "people.yuan_person")
    return ledger.by_year(answer.groups, "group", what, names, unit, lang,
                          "percent" if share else "%,.0f"), names, ".1%" if share else ",.0f"


# --- words ---------------------------------------------------------------------------------------------

def moved(yuan: float, lang: str) -> str:
    """By how much a burden is less or more, in words.

    >>> moved(-6.81, "zh"), moved(30, "en"), moved(0.01, "en")
    ('少 6.8 元', '30.0 yuan more', 'no change')
    """
    way = "same" if abs(yuan) < 0.05 else "less" if yuan < 0 else "more"
    return say(lang, f"people.moved.{way}", amount=number(abs(yuan)))


def sentences(answer: Incidence, scenario: Scenario, lang: str) -> list[str]:
    """Who gains and loses in words: everybody, the group that gains most and the one that loses most."""
    table, names = answer.winners, members(scenario, lang)
    row = table.iloc[0]
    if row["unchanged"] > 1 - 1e-9:
        return [say(lang, "people.nobody", year=answer.year, threshold=f"{answer.threshold:g}")]
    said = [say(lang, "people.everybody", year=answer.year, gain=percent(row["gain"]), lose=percent(row["lose"]),
                same=percent(row["unchanged"]), threshold=f"{answer.threshold:g}"),
            say(lang, "people.on_average", way=say(lang, "people.less" if row["change"] < 0 else "people.more"),
                amount=number(abs(row["change"])),
                left=moved(row["out_of_pocket_after"] - row["out_of_pocket_before"], lang),
                paid=moved(row["contribution_after"] - row["contribution_before"], lang))]
    of_groups = table[table["by"] == "group"]
    for which, sign in (("most_gain", 1), ("most_lose", -1)):
        one = of_groups.loc[(sign * of_groups["change"]).idxmin()]
        alike = (of_groups["change"] - one["change"]).abs().max() < 0.05  # then no group does most
        if sign * one["change"] < -0.05 and not alike:  # what shows as 0.0 is no gain and no loss
            said.append(say(lang, f"people.{which}", group=names["group", one["member"]],
                            amount=number(abs(one["change"]))))
    said.append(say(lang, "people.ruined", before=percent(row["catastrophic_before"], 2),
                    after=percent(row["catastrophic_after"], 2), line=f"{answer.line:,.0f}"))
    return said
