"""One future of a run as the people page tells it: the frames, the charts and the words of `simulation.futures`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from report.contrasts import stairs
from report.diagrams import courses
from report.tables import Drawn, money_unit, tier_name
from report.text import number, percent, say, years_of
from simulation import futures
from simulation.futures import PERCENTILES, SHOCKS, Story, differences, unusual
from simulation.scenario import Scenario
from ui import runs
from ui.runs import SEED, key
from ui.text import t
from ui.view import View, scenario_of

BAD = 5  # the percentile a reader is led to
KEPT = 64  # stories, of some hundred kilobytes each
TOLD, PARTS = 3, 4  # departures, and parts towards the difference or against it, that the words name


def story(view: View, draws: int) -> Story:
    """The futures of a view's run."""
    return told(*key(view), draws, SEED)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def told(scenario: str, edits: tuple[tuple[str, Any], ...], since: int, draws: int, seed: int) -> Story:
    """The same by plain arguments, so that equal views share one run."""
    return runs.made(futures.told, scenario_of(View(scenario, since, edits)), draws, seed)


# --- frames, charts and words --------------------------------------------------------------------------

def part_name(scenario: Scenario, part: str, lang: str) -> str:
    """A part of the difference in words."""
    kind, _, tier = part.partition(".")
    if kind == "tier":
        return say(lang, "people.part.tier", tier=tier_name(scenario, tier, lang))
    return tier_name(scenario, part, lang) if part in scenario.axes.kind else say(lang, f"people.part.{part}")


def unit_of(found: Story, at: int, lang: str) -> tuple[float, str]:
    """The divisor and name of the unit in which a future's money is told: one for words, chart and tables."""
    end = float(found.closing[at - PERCENTILES[0]])
    return money_unit(max(abs(end), abs(found.middle), abs(end - found.middle)), lang)


def waterfall(found: Story, at: int, scenario: Scenario, lang: str) -> tuple[Drawn, str]:
    """From the middle future's closing balance to that of the future at a percentile, a row a part; and the unit."""
    gap, end = differences(found, at), float(found.closing[at - PERCENTILES[0]])
    divisor, unit = unit_of(found, at, lang)
    gap = gap.reindex(gap.abs().sort_values(ascending=False, kind="stable").index)
    steps = [say(lang, "people.middle"), *(part_name(scenario, part, lang) for part in gap.index),
             say(lang, "people.future_at", at=at)]
    frame = pd.DataFrame({"step": steps, "value": np.array([found.middle, *gap, end]) / divisor})
    heads = {"step": say(lang, "people.part_head"), "value": say(lang, "people.effect", unit=unit)}
    return Drawn(frame, heads, {"value": "%+,.2f"}), unit


def waterfall_figure(drawn: Drawn, unit: str, at: int, lang: str) -> go.Figure:
    """The waterfall as a chart."""
    return stairs(drawn, say(lang, "people.waterfall", unit=unit, at=at), "")


def by_group(found: Story, at: int, scenario: Scenario, lang: str) -> Drawn:
    """What stays and special diseases of each group took, over all years, beside the middle future; people, too."""
    n = at - PERCENTILES[0]
    taken = {name: -values[n].sum() for name, values in found.groups.items()}
    usual = {name: -values.sum() for name, values in found.middle_groups.items()}
    persons = {name: values[n].sum() for name, values in found.insured.items()}
    usually = {name: values.sum() for name, values in found.middle_insured.items()}
    divisor, unit = unit_of(found, at, lang)
    frame = pd.DataFrame({
        "group": [scenario.axes.group[name][lang] for name in taken],
        "effect": [(usual[name] - taken[name]) / divisor for name in taken],
        "each": [taken[name] / max(persons[name], 1e-9) for name in taken],
        "each_middle": [usual[name] / max(usually[name], 1e-9) for name in taken],
        "people": [persons[name] / max(usually[name], 1e-9) - 1 for name in taken]})
    heads = {name: say(lang, f"people.groups.{name}", unit=unit) for name in frame.columns}
    return Drawn(frame, heads, {"effect": "%+,.2f", "each": "%,.1f", "each_middle": "%,.1f"})


def departures(found: Story, at: int, lang: str) -> Drawn:
    """How far each year's shocks were from the median, a row a year, in fractions."""
    frame = pd.DataFrame({"year": found.years} | {name: found.shocks[name][at - PERCENTILES[0]] for name in SHOCKS})
    return Drawn(frame, {"year": say(lang, "column.year")} | {name: say(lang, f"people.shock.{name}")
                                                              for name in SHOCKS})


def departures_figure(drawn: Drawn, lang: str) -> go.Figure:
    """The shocks as lines around zero."""
    names = {name: drawn.heads[name] for name in SHOCKS}
    return courses(drawn, say(lang, "people.shocks"), names, "+.0%")


def sentences(found: Story, at: int, scenario: Scenario, lang: str) -> list[str]:
    """The future in words: where it ends, which shocks were unusual, and which tiers and groups made it."""
    n, gap = at - PERCENTILES[0], differences(found, at)
    end = float(found.closing[n])
    divisor, unit = unit_of(found, at, lang)
    shown = rounded(found.middle / divisor, gap / divisor)
    money = lambda value: f"{number(value)} {unit}"  # noqa: E731
    said = [say(lang, "people.ends", at=at, year=found.years[-1], end=money(end / divisor),
                middle=money(found.middle / divisor), gap=money(abs(shown.sum())),
                way=say(lang, "people.below" if end < found.middle else "people.above"))]
    surplus = sum(values[n] for name, values in found.parts.items() if name != "opening")
    short = [year for year, value in zip(found.years, surplus, strict=True) if value < 0]
    said.append(say(lang, "people.deficits", years=years_of(short, lang)) if short else say(lang, "people.no_deficit"))
    if rows := unusual(found, at)[:TOLD]:
        said.append(say(lang, "people.departed", what=say(lang, "people.then").join(
            say(lang, "people.departure", name=say(lang, f"people.shock.{name}"), year=year,
                by=percent(abs(by)), way=say(lang, "people.higher" if by > 0 else "people.lower"),
                rank=shown_rank(rank if by > 0 else 1 - rank)) for name, year, by, rank in rows)))
    else:
        said.append(say(lang, "people.usual"))
    if shown.sum():
        said.append(made(shown, scenario, unit, lang))
    groups = {name: float(values[n].sum() - found.middle_groups[name].sum()) for name, values in found.groups.items()}
    most = max(groups, key=lambda name: abs(groups[name]))
    said.append(say(lang, "people.of_groups", group=scenario.axes.group[most][lang],
                    amount=money(abs(groups[most]) / divisor),
                    way=say(lang, "people.took_more" if groups[most] < 0 else "people.took_less")))
    return said


def rounded(middle: float, gap: pd.Series) -> pd.Series:
    """Parts to one decimal that still add up to the difference of the two balances to one decimal.

    >>> rounded(1.0, pd.Series({"a": 0.04, "b": 0.04, "c": 0.04})).round(1).tolist()
    [0.0, 0.1, 0.0]
    """
    ends = np.round(middle + np.concatenate([[0.0], gap.cumsum()]), 1)
    return pd.Series(np.round(np.diff(ends), 1), gap.index)


def made(shown: pd.Series, scenario: Scenario, unit: str, lang: str) -> str:
    """What adds up to the difference, the parts towards it and those that offset some of it, each with its sum."""
    towards = np.sign(shown) == np.sign(shown.sum())
    told = [say(lang, f"people.made_{way}", sum=f"{number(side.sum(), '+,.1f')} {unit}",
                what=listed(side, scenario, lang))
            for way, side in (("towards", shown[towards]), ("against", shown[~towards & (shown != 0)])) if len(side)]
    return say(lang, "people.made", gap=f"{number(shown.sum(), '+,.1f')} {unit}",
               parts=say(lang, "people.then").join(told))


def listed(side: pd.Series, scenario: Scenario, lang: str) -> str:
    """The largest parts by name and all others together."""
    side = side.sort_values(key=abs, ascending=False, kind="stable")
    named = PARTS if len(side) > PARTS + 1 else len(side)  # of one part alone its name is as short as "another"
    told = [(part_name(scenario, part, lang), value) for part, value in side.iloc[:named].items()]
    if len(rest := side.iloc[named:]):
        told.append((say(lang, "people.rest", count=len(rest)), rest.sum()))
    return say(lang, "people.and").join(
        say(lang, "people.amount_of", name=name, amount=number(value, "+,.1f")) for name, value in told)


def shown_rank(share: float) -> str:
    """A share of the futures in words; never all of them.

    >>> shown_rank(0.974), shown_rank(1.0)
    ('97%', '99.9%')
    """
    return percent(share, 0) if share < 0.99 else percent(min(share, 0.999))


def lead() -> None:
    """The way from the fund's balance to a bad future: one click, and the view comes along."""
    if st.button(t("people.lead"), key="people.lead", type="tertiary", icon=":material/south_east:",
                 help=t("people.lead_help")):
        st.session_state["people.part"], st.session_state["people.percentile"] = "future", BAD
        st.switch_page("ui/pages/people.py")
