"""Assumptions as two-ended ranges: each 5 % to 95 % interval on a slider, its evidence beside it, and a reason.

A slider shows values as people read them: sums of money in the unit of the language, what varies over axes as a
multiplier. Switching uncertainty off leaves one value; how many things are drawn stays the same.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import streamlit as st

from report.tables import money_unit
from report.text import in_percent, lever_text, plain, unit_text
from simulation.assumptions import ASSUMED, Assumed, uncertain
from simulation.estimates import MOST, WIDEST, Interval, by_multiplier, find_assumption, stated
from simulation.scenario import Scenario, clause
from simulation.terms import Term
from ui import state
from ui.register import assumed, interval_text
from ui.text import language, t
from ui.view import View, known, number

ROOM = 2  # widths of the scenario's interval that a slider reaches beyond either end
FINE = 400  # a slider has at most so many steps


class Travel(NamedTuple):
    """Where a slider of an assumption goes, in its own unit, and how its values are written."""

    low: float
    high: float
    step: float
    divisor: float  # the slider's unit in units of the model
    form: str
    unit: str  # in words; empty where the form says it


def sections(base: Scenario, view: View) -> dict[str, list[str]]:
    """The assumptions to show by section: those that carry an interval, and those taken otherwise."""
    wanted = {*uncertain(base.assumptions), *(name for name, _ in view.assumed)}
    found: dict[str, list[str]] = {}
    for section, model in ASSUMED.items():
        if names := [f"{section}.{name}" for name in model.model_fields if f"{section}.{name}" in wanted]:
            found[section] = names
    return found


def travel(given: Assumed, term: Term, now: Interval, language: str) -> Travel:
    """The travel of a slider around what the scenario says and what is taken now, within the declared bounds.

    >>> given = Assumed(value=0.06, range=(0.02, 0.09), source={"status": "estimate"})
    >>> travel(given, find_assumption("utilisation.cost_growth")[2], stated(given), "en")[:3]
    (-0.12, 0.23, 0.001)
    """
    ends = stated(given)
    least, most = WIDEST if by_multiplier(given) else (term.low, term.high)
    width = ends.high - ends.low or max(abs(ends.median), 10 * term.step) / 2
    low, high = min(ends.low - ROOM * width, now.low), max(ends.high + ROOM * width, now.high)
    step = 10.0 ** math.floor(math.log10((high - low) / FINE) + 1)
    low = max(math.floor(round(low / step, 6)) * step, least)
    high = min(math.ceil(round(high / step, 6)) * step, most)
    divisor, form, unit = 1.0, "%g", unit_text(term.unit, language)
    if by_multiplier(given):
        form, unit = "× %g", ""
    elif in_percent(term):
        form, unit = "percent", ""
    elif term.unit in ("yuan", "yuan_year"):
        divisor, unit = money_unit(max(abs(ends.low), abs(ends.high)), language)
    return Travel(number(low), number(high), number(step), divisor, form, unit)


def editor(base: Scenario, view: View, name: str, wide: bool = False) -> None:
    """One assumption: its range or one value, whether it is uncertain, and why it is taken otherwise.

    `wide` puts the evidence beside the slider and offers the central value, too; else the evidence is in the help.
    """
    lang, given, term = language(), assumed(base, name), find_assumption(name)[2]
    now = dict(view.assumed).get(name, stated(given))
    evidence = plain(clause(base, given.source, lang))
    where = travel(given, term, now, lang)
    left, right = st.columns([5, 4], gap="large") if wide else (st.container(), None)
    with left:
        slider(name, term, given, now, where, help_text(given, term, evidence, lang))
        uncertainty(name, term, given, now, where, wide)
        with st.container(gap="xsmall"):  # always there, so that nothing below changes its place
            if name in dict(view.assumed):
                changed_note(name, given, term, now)
    if right:
        with right:
            st.caption(f"{plain(term.help[lang])}  \n{evidence}")


def slider(name: str, term: Term, given: Assumed, now: Interval, where: Travel, said: str) -> None:
    """The slider itself: two ends, or one value where nothing is uncertain."""
    one = now.low == now.high
    key = f"{'value' if one else 'range'}.{name}"
    value: Any = (now.low / where.divisor, now.high / where.divisor)
    value = float(value[0]) if one else (float(value[0]), float(value[1]))
    state.show(key, value)
    title = plain(term.title[language()])
    st.slider(t("lever.with_unit", name=title, unit=where.unit) if where.unit else title,
              where.low / where.divisor, where.high / where.divisor, value, step=where.step / where.divisor,
              format=where.form, key=key, help=said, on_change=state.ask, args=(key, chosen, name, key, where))


def uncertainty(name: str, term: Term, given: Assumed, now: Interval, where: Travel, wide: bool) -> None:
    """Whether the assumption is uncertain at all, and its central value."""
    if not (given.range or given.factor):
        st.caption(t("ranges.certain"))
        return
    box, (left, right) = f"uncertain.{name}", (st.columns(2, vertical_alignment="bottom") if wide else (st, None))
    state.show(box, now.low < now.high)
    left.checkbox(t("ranges.uncertain"), now.low < now.high, key=box, help=t("ranges.uncertain_help"),
                  on_change=state.ask, args=(box, switched, name))
    if right and now.low < now.high:
        percent, bounds = where.form == "percent", WIDEST if by_multiplier(given) else (term.low, term.high)
        key, scale = f"median.{name}", where.divisor / (100 if percent else 1)
        low, high, middle = (float(number(point / scale)) for point in (*bounds, now.median))
        state.show(key, middle)
        unit = "%" if percent else where.unit or "×"
        right.number_input(t("ranges.median", unit=unit),
                           low, high, middle, key=key, step=float(number(where.step / scale)), format="%g",
                           help=t("ranges.median_help"), on_change=state.ask, args=(key, centred, name, key, scale))


def changed_note(name: str, given: Assumed, term: Term, now: Interval) -> None:
    """What the scenario says of an assumption taken otherwise, the way back, and the reason."""
    note, back = st.columns([3, 1], vertical_alignment="center", gap="xsmall")
    note.caption(t("lever.changed", was=plain(interval_text(stated(given), given, term, language()))))
    back.button(t("lever.reset"), key=f"reset.{name}", type="tertiary", on_click=state.ask,
                args=(f"reset.{name}", state.reset, name))
    key = f"why.{name}"
    state.show(key, now.reason)
    st.text_input(t("ranges.reason"), now.reason, max_chars=MOST, key=key, help=t("ranges.reason_help"),
                  placeholder=t("ranges.reason_hint"), on_change=state.ask, args=(key, explained, name, key))


def help_text(given: Assumed, term: Term, evidence: str, language: str) -> str:
    """What an assumption means, what it may be, and the evidence for it."""
    low, high = WIDEST if by_multiplier(given) else (term.low, term.high)
    ends = [f"× {end:g}" if by_multiplier(given) else lever_text(end, term, language) for end in (low, high)]
    bounds = t("panel.limits", low=ends[0], high=ends[1], unit=unit_text(term.unit, language))
    parts = [term.help[language], t("ranges.multiplier") if by_multiplier(given) else "", bounds]
    return "\n\n".join([*(plain(part) for part in parts if part), evidence])


# --- what the widgets do ------------------------------------------------------------------------------

def present(name: str) -> Interval:
    """The interval of an assumption as it is taken now."""
    view = state.view()
    return dict(view.assumed).get(name) or stated(assumed(known(view.scenario), name))


def chosen(name: str, key: str, where: Travel) -> None:
    """Take over the ends, or the one value, that a slider shows; the central value stays where it can.

    The browser moves an end between two steps to the next one as soon as the other is moved: that is no wish.
    """
    shown, now = st.session_state[key], present(name)
    wanted = [end * where.divisor for end in (shown if isinstance(shown, tuple | list) else (shown, shown))]
    low, high = (number(old if abs(end - old) < 0.99 * where.step else end)
                 for end, old in zip(wanted, (now.low, now.high), strict=True))
    middle = now.median if low <= now.median <= high else None
    state.edit([(name, Interval(low, middle, high, now.reason))])


def switched(name: str) -> None:
    """Take the central value alone, or bring the scenario's interval back around it."""
    now = present(name)
    ends = stated(assumed(known(state.view().scenario), name))
    if not st.session_state[f"uncertain.{name}"]:
        low = high = now.median
    else:
        low, high = min(ends.low, now.median), max(ends.high, now.median)
    state.edit([(name, Interval(low, now.median, high, now.reason))])


def centred(name: str, key: str, scale: float) -> None:
    """Take over a central value."""
    if (shown := st.session_state[key]) is not None:
        state.edit([(name, present(name)._replace(median=number(shown * scale)))])


def explained(name: str, key: str) -> None:
    """Take over the reason for an interval."""
    state.edit([(name, present(name)._replace(reason=st.session_state[key] or ""))])
