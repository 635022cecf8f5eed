"""One future of a run and what made it: its shocks, and the tiers and groups behind its closing balance.

A future is looked up by where its closing balance stands among the draws of the view's run. It is held against the
middle one: the mean of the draws whose closing balance lies between the 45 % and 55 % quantiles, so that no single
draw's luck is called usual. Amounts are effects on the closing balance, in yuan, and add up to the difference.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from report.contrasts import stairs
from report.diagrams import courses
from report.tables import Drawn, money_unit, tier_name
from report.text import percent, say, years_of
from simulation import simulate
from simulation.engines import histories, individual
from simulation.model import futures_of
from simulation.records import Spending
from simulation.results import Result
from simulation.scenario import Scenario
from ui.runs import SEED, gate, key
from ui.text import t
from ui.view import View, scenario_of

PERCENTILES = range(1, 100)
BAD = 5  # the percentile a reader is led to
MIDDLE = (0.45, 0.55)
KEPT = 64  # stories, of some hundred kilobytes each
SHOCKS = ("price", "frequency", "insured", "funding")
ROUNDING = 1e-3  # yuan: what only rounding has made
TOLD = 3  # departures and parts that the words name
UNUSUAL = 0.25  # of all futures at most lie beyond a departure that the words name


class Story(NamedTuple):
    """What the futures at each percentile (p,) of the closing balance hold, beside the middle one; money in yuan."""

    years: tuple[int, ...]
    closing: np.ndarray  # (p,)
    middle: float  # closing balance
    parts: dict[str, np.ndarray]  # effect on the balance, (p, t): opening, items of income and expenditure
    middle_parts: dict[str, np.ndarray]  # (t,)
    groups: dict[str, np.ndarray]  # of it what stays and special diseases of each group cost the fund, (p, t)
    middle_groups: dict[str, np.ndarray]  # (t,)
    insured: dict[str, np.ndarray]  # persons of each group, (p, t)
    middle_insured: dict[str, np.ndarray]  # (t,)
    shocks: dict[str, np.ndarray]  # departure from the year's median as a fraction of it, (p, t)
    ranks: dict[str, np.ndarray]  # share of all futures that are lower in that year, (p, t)


def story(view: View, draws: int) -> Story:
    """The futures of a view's run."""
    return told(*key(view), draws, SEED)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def told(scenario: str, edits: tuple[tuple[str, Any], ...], since: int, draws: int, seed: int) -> Story:
    """The same by plain arguments, so that equal views share one run."""
    with gate():
        return story_of(*with_groups(scenario_of(View(scenario, since, edits)), draws, seed), seed)


def with_groups(scenario: Scenario, draws: int, seed: int) -> tuple[Result, np.ndarray]:
    """A run as `simulate` makes it, and what all layers pay for stays and special diseases of each group, (d, t, g)."""
    engine = simulate(scenario, 16, seed).manifest["engine"]
    paid: dict[int, np.ndarray] = {}  # by the seed of a county

    def spend(*given: Any) -> Spending:
        found = {"table": histories, "exact": individual}[engine].spend(*given)
        cells = found.paid_by_cell
        paid.setdefault(given[-1], cells.reshape(*cells.shape[:2], -1, len(scenario.axes.group)).sum(axis=2))
        return found

    result = simulate(scenario, draws, seed, engine, spend)
    return result, sum(paid.values())


def story_of(result: Result, paid: np.ndarray, seed: int) -> Story:
    """The futures of a run; `paid` (d, t, g) as `with_groups` gives it."""
    scenario, data = result.scenario, result.data.isel(area=0)
    closing = data["balance_end"].values[:, -1]
    ends = np.quantile(closing, MIDDLE)
    inside = (closing >= ends[0]) & (closing <= ends[1])
    wanted = np.quantile(closing, np.array(PERCENTILES) / 100)
    chosen = np.abs(closing[:, None] - wanted).argmin(axis=0)
    parts = parts_of(result)
    care = parts_of_care(result)
    share = paid / np.maximum(paid.sum(axis=2, keepdims=True), 1e-9)
    groups = {name: care * share[:, :, n] for n, name in enumerate(scenario.axes.group)}
    insured = {name: data["insured_by_group"].values[:, :, n] for n, name in enumerate(scenario.axes.group)}
    departures = shocks_of(result, seed)
    ordered = {name: np.sort(values, axis=0) for name, values in departures.items()}
    ranks = {name: np.stack([np.searchsorted(values[:, t], departures[name][chosen, t]) / len(values)
                             for t in range(values.shape[1])], axis=1) for name, values in ordered.items()}
    pick = lambda some: {name: values[chosen] for name, values in some.items()}  # noqa: E731
    mean = lambda some: {name: values[inside].mean(axis=0) for name, values in some.items()}  # noqa: E731
    return Story(tuple(scenario.horizon()), closing[chosen], float(closing[inside].mean()), pick(parts), mean(parts),
                 pick(groups), mean(groups), pick(insured), mean(insured), pick(departures), ranks)


def parts_of(result: Result) -> dict[str, np.ndarray]:
    """The items whose sum over the years is the closing balance, (d, t) in yuan: what raises it is positive."""
    data = result.data.isel(area=0)
    of = lambda name: data[name].values  # noqa: E731
    opening = np.zeros_like(of("surplus"))
    opening[:, 0] = of("opening_balance")[:, 0]
    owed = of("inpatient_paid") + of("chronic") + of("outpatient")
    found = {"opening": opening, "individual": of("individual_income"), "subsidy": of("subsidy_income"),
             "other": of("other_income") - of("account_in"), "interest": of("interest")}
    found |= {f"tier.{tier}": -of("basic_by_tier")[:, :, n] for n, tier in enumerate(data["tier"].values)}
    found |= {"chronic": -of("chronic"), "outpatient": -of("outpatient"),
              "payment": owed - of("provider_payment") + of("recovered") + of("review_saving"),
              "premium": -of("premium"), "contract": -data["contract_fee_by_payer"].sel(payer="fund").values,
              "transfer": of("transfer")}
    return {name: values for name, values in found.items() if np.abs(values).max() > ROUNDING}


def parts_of_care(result: Result) -> np.ndarray:
    """What stays and special diseases take from the balance, (d, t) in yuan."""
    data = result.data.isel(area=0)
    return -(data["inpatient_paid"].values + data["chronic"].values)


def shocks_of(result: Result, seed: int) -> dict[str, np.ndarray]:
    """How far each draw and year departs from the year's median, as fractions (d, t).

    The price of care and the frequency of stays before any response, the insured, and funding beside the rule book; of
    a city's counties the geometric mean.
    """
    scenario = result.scenario
    text = scenario.model_copy(update={"changes": ()}).text()
    areas = list(scenario.axes.area) if len(scenario.axes.area) > 1 else [None]
    draws = result.data.sizes["draw"]
    counties = [futures_of(text, draws, seed, area) for area in areas]
    mean = lambda name: np.exp(np.mean([np.log(getattr(one, name)) for one in counties], axis=0))  # noqa: E731
    found = {name: mean(name) for name in ("price", "frequency", "funding")}
    found["insured"] = result.data["enrolled"].isel(area=0).values
    return {name: np.broadcast_to(found[name] / np.median(found[name], axis=0) - 1, found["insured"].shape)
            for name in SHOCKS}


# --- frames, charts and words --------------------------------------------------------------------------

def part_name(scenario: Scenario, part: str, lang: str) -> str:
    """A part of the difference in words."""
    kind, _, tier = part.partition(".")
    if kind == "tier":
        return say(lang, "people.part.tier", tier=tier_name(scenario, tier, lang))
    return tier_name(scenario, part, lang) if part in scenario.axes.kind else say(lang, f"people.part.{part}")


def differences(found: Story, at: int) -> pd.Series:
    """Each part's effect on the closing balance beside the middle future, yuan; they add up to the difference."""
    n = at - PERCENTILES[0]
    return pd.Series({name: float(values[n].sum() - found.middle_parts[name].sum())
                      for name, values in found.parts.items()})


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


def unusual(found: Story, at: int) -> list[tuple[str, int, float, float]]:
    """The shocks that departed most, each in its most unusual year: name, year, departure, share of futures lower."""
    n, rows = at - PERCENTILES[0], []
    for name in SHOCKS:
        ranks = found.ranks[name][n]
        t = int(np.abs(ranks - 0.5).argmax())
        if min(ranks[t], 1 - ranks[t]) <= UNUSUAL and found.shocks[name].any():
            rows.append((name, found.years[t], float(found.shocks[name][n, t]), float(ranks[t])))
    return sorted(rows, key=lambda row: -abs(row[3] - 0.5))[:TOLD]


def sentences(found: Story, at: int, scenario: Scenario, lang: str) -> list[str]:
    """The future in words: where it ends, which shocks were unusual, and which tiers and groups made it."""
    n, gap = at - PERCENTILES[0], differences(found, at)
    end = float(found.closing[n])
    divisor, unit = unit_of(found, at, lang)
    money = lambda value: f"{value / divisor:,.1f} {unit}".replace("-", "−")  # noqa: E731
    said = [say(lang, "people.ends", at=at, year=found.years[-1], end=money(end), middle=money(found.middle),
                gap=money(abs(end - found.middle)), way=say(lang, "people.below" if end < found.middle
                                                            else "people.above"))]
    surplus = sum(values[n] for name, values in found.parts.items() if name != "opening")
    short = [year for year, value in zip(found.years, surplus, strict=True) if value < 0]
    said.append(say(lang, "people.deficits", years=years_of(short, lang)) if short else say(lang, "people.no_deficit"))
    joined = say(lang, "people.and")
    if rows := unusual(found, at):
        said.append(say(lang, "people.departed", what=say(lang, "people.then").join(
            say(lang, "people.departure", name=say(lang, f"people.shock.{name}"), year=year,
                by=percent(abs(by)), way=say(lang, "people.higher" if by > 0 else "people.lower"),
                rank=shown_rank(rank if by > 0 else 1 - rank)) for name, year, by, rank in rows)))
    else:
        said.append(say(lang, "people.usual"))
    same = gap[np.sign(gap) == np.sign(end - found.middle)].sort_values(key=abs, ascending=False)[:TOLD]
    if len(same):
        said.append(say(lang, "people.made", what=joined.join(
            say(lang, "people.amount_of", name=part_name(scenario, part, lang), amount=money(abs(value)))
            for part, value in same.items())))
    groups = {name: float(values[n].sum() - found.middle_groups[name].sum()) for name, values in found.groups.items()}
    most = max(groups, key=lambda name: abs(groups[name]))
    said.append(say(lang, "people.of_groups", group=scenario.axes.group[most][lang], amount=money(abs(groups[most])),
                    way=say(lang, "people.took_more" if groups[most] < 0 else "people.took_less")))
    return said


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
