"""Plans held against one another on the compare page: what is on offer, their runs, and the frames that are drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from report.answers import facts_of, headlines, together
from report.tables import Drawn, scale
from report.text import people, say
from simulation import sentences
from simulation.comparable import Entry, check_alike
from simulation.compare import Comparison, compare
from simulation.drivers import Drivers, drivers
from simulation.explain import ASSUMPTIONS, MANY, Waterfall, differing, in_groups, waterfall
from simulation.results import EVENTS, Result
from simulation.scenario import Scenario
from simulation.terms import BadInput, words
from ui import presets, tracks
from ui.packages import moved, packages
from ui.runs import SEED, at_length, draws_for, made
from ui.view import View, baseline, is_assumption, known, offered, scenario_of, view_of

# What the page can draw, headline first.
SHOWN = ("balance_ratio", "surplus_ratio", *EVENTS, "reserve_months", "balance_end", "income", "individual_income",
         "expenditure", "out_of_pocket", "catastrophic", "effective_ratio", "primary_share", "enrolled")
TOLD = ("p_insolvent", "p_deficit", "p_balance_over", "p_surplus_over", "balance_ratio", "individual_income",
        "out_of_pocket")  # in words
AMOUNTS = {"contribution": 50, "primary": 5}  # of the quick moves on offer, in their sliders' units
AT_ONCE = 3  # groups of levers that are told apart without asking: eight runs
MOST = 4  # plans beside the one they are compared with
DRIVEN = 1024  # draws for drivers
COUNTED = ("before", "after", "difference", "ci_low", "ci_high", "p05", "p95")  # in the figure's unit


class Plan(NamedTuple):
    """One rule book on offer: what it is, and the view it comes from."""

    kind: str  # base, now, first_year, kept, other, or a quick move
    view: View


def plans(view: View, kept: Iterable[View]) -> list[Plan]:
    """What can be compared in a view: as it stands, with its edits, views kept, quick moves, and its like."""
    scenario, found = known(view.scenario), [Plan("base", baseline(view))]
    if view.edits:
        found.append(Plan("now", view))
    found += [Plan("kept", each) for each in kept if each.scenario == view.scenario and each != view]
    if scenario.changes:
        found.append(Plan("first_year", baseline(view)))
    for package in packages(scenario, view.since):
        if package.start:
            found.append(Plan(package.name, view_of(
                view.scenario, view.since, moved(package, AMOUNTS[package.name]))))
    return found + [Plan("other", view_of(name)) for name in like(view.scenario)]


def renewed(chosen: Iterable[Plan], on_offer: list[Plan]) -> list[Plan]:
    """Plans chosen before, as they are on offer now: edits moved on are still the edits, what is gone is left out."""
    found: list[Plan] = []
    for plan in chosen:
        now = plan if plan in on_offer else next((
            other for other in on_offer if other.kind == plan.kind not in ("kept", "other")), None)
        if now and now not in found:
            found.append(now)
    return found


@lru_cache(maxsize=32)
def like(name: str) -> tuple[str, ...]:
    """The other scenarios of the library that are of the same futures."""
    found = []
    for other in offered():
        try:
            check_alike([Entry(one, known(one)) for one in (name, other)], DRIVEN, SEED, "auto")
        except BadInput:
            continue
        found += [other] if other != name else []
    return tuple(found)


def book(plan: Plan) -> Scenario:
    """The rule book of a plan."""
    scenario = scenario_of(plan.view)
    return scenario.model_copy(update={"changes": ()}) if plan.kind == "first_year" else scenario


def label(plan: Plan, language: str) -> str:
    """A plan in a few words."""
    return say(language, f"compare.plan.{plan.kind}", year=plan.view.since, what=edited(plan.view, language),
               title=known(plan.view.scenario).title[language], amount=AMOUNTS.get(plan.kind, 0))


def edited(view: View, language: str) -> str:
    """How many levers and assumptions a view has moved, each kind by itself."""
    kind = differs(view)
    return say(language, f"compare.edits.{kind}", year=view.since, levers=len(view.levers),
               assumed=len(view.assumed)) if kind else ""


def differs(view: View) -> str:
    """What sets a view apart from its scenario: its levers, its assumptions, both, or nothing.

    >>> differs(View("benxi_2008", 2008, (("benefits.ceiling", 40000),)))
    'levers'
    """
    return {(True, True): "both", (True, False): "levers", (False, True): "assumptions"}.get(
        (bool(view.levers), bool(view.assumed)), "")


def labels(chosen: Iterable[Plan], language: str) -> dict[Plan, str]:
    """Plans in words, no two alike."""
    found: dict[Plan, str] = {}
    for plan in chosen:
        text = label(plan, language)
        same = sum(other == text or other.startswith(f"{text} (") for other in found.values())
        found[plan] = f"{text} ({same + 1})" if same else text
    return found


# --- runs -------------------------------------------------------------------------------------------

def compared(chosen: tuple[Plan, ...]) -> Comparison:
    """The plans on the same futures, the first as what the rest are compared with; named by their places."""
    return compare({str(n): result for n, result in enumerate(results(chosen))}, draws_of(chosen[0]), SEED, of=SHOWN)


def results(chosen: Iterable[Plan]) -> list[Result]:
    """The runs of plans, all by the engine that suits the first."""
    first, *rest = chosen
    run = result(first.kind, first.view, draws_of(first), "auto")
    return [run, *(result(plan.kind, plan.view, draws_of(first), run.manifest["engine"]) for plan in rest)]


def runs_of(chosen: Mapping[Plan, str]) -> dict[str, Any]:
    """The facts of the runs of plans, each by the plan's name."""
    return together(dict(zip(chosen.values(), map(facts_of, results(chosen)), strict=True)))


@st.cache_resource(show_spinner=False, max_entries=32)
def result(kind: str, view: View, draws: int, engine: str) -> Result:
    """The run of a plan: of some megabytes, made once and read only."""
    return made(headlines, book(Plan(kind, view)), draws, SEED, engine)


def draws_of(plan: Plan) -> int:
    """How many draws a plan is given: those of a lever that moves."""
    return draws_for(plan.view, settled=False)


def adopted(first: Plan, last: Plan) -> dict[str, tuple[str, ...]]:
    """The presets by which a plan goes on from another of its scenario, with their parameters.

    Only those of which no parameter is moved otherwise, in either plan.
    """
    ours, found = Counter(parameter(name) for name, _ in last.view.edits), {}
    before = {parameter(name) for name, _ in first.view.edits}
    for name, preset in presets.offered().presets.items():
        edits = presets.canonical(name, last.view.scenario, last.view.since)
        if preset.include or isinstance(edits, BadInput) or not presets.in_force(last.view, edits):
            continue
        own = Counter(parameter(each) for each, _ in edits)
        if first.view.scenario == last.view.scenario and not before & set(own) and own == {
                each: ours[each] for each in own}:
            found[name] = tuple(own)
    return found


def parameter(name: str) -> str:
    """What a waterfall calls the parameter of an edit."""
    return ASSUMPTIONS if is_assumption(name) else ".".join(name.split(".")[:2])


def grouping(first: Plan, last: Plan, levers: Sequence[str]) -> dict[str, tuple[str, ...]] | None:
    """The steps from one plan to another: a preset is one, the rest as the model groups it."""
    found = adopted(first, last)
    rest = [lever for lever in levers if not any(lever in own for own in found.values())]
    if found and len(found) + len(rest) > MANY:
        for lever in rest:
            section = lever.split(".")[0]
            found[section] = (*found.get(section, ()), lever)
    return found or None


def titled(told: Waterfall) -> Waterfall:
    """A waterfall with its presets in words."""
    return told._replace(titles=told.titles | {
        name: preset.title for name, preset in presets.offered().presets.items() if name in told.groups})


def apart(first: Plan, last: Plan) -> int:
    """Into how many groups of levers the way from one plan to another falls; none where they are the same."""
    levers = differing(book(first), book(last))
    return len(in_groups(levers, grouping(first, last, levers))) if levers else 0


def explained(first: Plan, last: Plan) -> Waterfall:
    """The way from one plan to another by lever, for every year and figure of the page."""
    draws, ends = draws_of(first), results((first, last))
    asked = {"groups": grouping(first, last, differing(book(first), book(last))), "draws": draws, "seed": SEED}
    if apart(first, last) <= AT_ONCE:
        return titled(tracks.once(("waterfall", first, last, draws), lambda progress: made(
            waterfall, *ends, SHOWN, **asked, patient=True)))  # below all else on its page
    return titled(tracks.once(("waterfall", first, last, draws), lambda progress: at_length(
        {"progress": progress}, waterfall, *ends, SHOWN, **asked)))


def driven(plan: Plan) -> Drivers:
    """What goes with crossing the lines under a plan."""
    draws = max(draws_of(plan), DRIVEN)
    return tracks.once(("drivers", plan, draws), lambda progress: at_length(
        {}, drivers, book(plan), draws=draws, seed=SEED))


# --- frames -----------------------------------------------------------------------------------------

def differences(found: Comparison, quantity: str, names: Mapping[str, str], language: str) -> tuple[Drawn, str]:
    """The differences of one quantity by year and plan, in one unit; `names` are the plans' by place."""
    part = found.differences[found.differences["quantity"] == quantity].reset_index(drop=True)
    part = part.rename(columns={"base": "before", "value": "after"})
    divisor, unit = scale(part[["before", "after"]], quantity, language)
    frame = pd.DataFrame({"year": part["year"], "plan": part["scenario"].map(names)}
                         | {name: part[name] / divisor for name in COUNTED}
                         | {"up": part["up"], "down": part["down"],
                            "verdict": [sentences.VERDICTS[name][language] for name in part["verdict"]],
                            "needed": part["needed"].astype("Float64").astype(float)})
    heads = {"year": say(language, "column.year")} | {name: say(language, f"compare.column.{name}")
                                                      for name in frame.columns if name != "year"}
    heads |= {name: say(language, "column.share", what=heads[name], unit=unit) for name in COUNTED}
    forms = dict.fromkeys(COUNTED, "%,.2f") | {"needed": "%,.0f"}
    return Drawn(frame, heads, forms), unit


def in_year(found: Comparison, year: int, names: Mapping[str, str], language: str) -> Drawn:
    """Every difference of one year in words and figures: what is shown is text, each figure with its unit."""
    rows = []
    for row in found.differences[found.differences["year"] == year].itertuples():
        said = {name: written(getattr(row, at), row.unit, name not in ("before", "after"), language)
                for name, at in zip(COUNTED, ("base", "value", *COUNTED[2:]), strict=True)}
        rows.append({"quantity": sentences.title_of(row.quantity)[language], "plan": names[row.scenario]} | said | {
            "verdict": sentences.VERDICTS[row.verdict][language],
            "needed": "" if pd.isna(row.needed) else f"{row.needed:,}"})
    frame = pd.DataFrame(rows)
    heads = {"quantity": say(language, "column.quantity")} | {
        name: say(language, f"compare.column.{name}") for name in frame.columns if name != "quantity"}
    return Drawn(frame, heads)


def written(value: float, unit: str, signed: bool, language: str) -> str:
    """A figure with its unit; people in the language's own way."""
    if unit == "persons" and not signed:
        return people(value, language)
    return sentences.amount(value, unit, signed)[language]


def verdicts(found: Comparison, year: int, names: Mapping[str, str], language: str) -> dict[str, list[str]]:
    """What is told in a year of each plan against the first, a figure a line."""
    part = found.differences[(found.differences["year"] == year) & found.differences["quantity"].isin(TOLD)]
    said: dict[str, list[str]] = {}
    for quantity in TOLD:
        for row in part[part["quantity"] == quantity].itertuples():
            said.setdefault(names[row.scenario], []).append(say(
                language, "compare.told", what=sentences.title_of(quantity)[language],
                said=sentences.change(row)[language]))
    return said


def story(found: Waterfall, quantity: str, year: int, ends: tuple[str, str], language: str) -> list[str]:
    """A waterfall in sentences."""
    of = lambda frame: frame[(frame["quantity"] == quantity) & (frame["year"] == year)]  # noqa: E731
    total = next(of(found.totals).itertuples())
    said = [text[language] for text in sentences.moved(total, of(found.parts), found.titles, ends)]
    pairs = of(found.pairs)
    return said + ([sentences.together(pairs, found.titles)[language]] if len(pairs) > 1 else [])


def of_crossing(found: Drivers, year: int, language: str) -> tuple[list[str], Drawn]:
    """What goes with crossing each line in a year: sentences, and the drivers that stand out as a table."""
    part = found.frame[found.frame["year"] == year]
    said = [sentences.crossing(rows, found.titles, found.facts["draws"])[language]
            for _, rows in part.groupby("event", sort=False)]
    told = part[part["told"]]
    kinds: dict[Any, Any] = {"assumption": words("假设", "assumption"), "shock": words("逐年冲击", "yearly shock")}
    frame = pd.DataFrame({
        "event": [EVENTS[event][language] for event in told["event"]],
        "driver": [found.titles[name][language] for name in told["driver"]],
        "kind": [kinds[kind][language] for kind in told["kind"]],
        **{name: told[name].to_numpy() for name in ("low", "high", "difference", "se", "share")}})
    heads = {name: say(language, f"compare.column.driver.{name}") for name in frame.columns}
    return said, Drawn(frame, heads)
