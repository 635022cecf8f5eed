"""Assumptions as two-ended ranges: each 5 % to 95 % interval on a slider, its evidence beside it, and a reason.

On the page of levers, boxes below the slider take exact ends; both show the one interval of the view. Values are shown
as people read them: sums of money in the unit of the language, what varies over axes as a multiplier. Switching
uncertainty off leaves one value; how many things are drawn stays the same.
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
from simulation.terms import LANGUAGES, BadInput, Term, Words, refuse, words
from ui import state
from ui.register import assumed, interval_text
from ui.text import language, t
from ui.view import View, known, number, with_edits

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

    `wide` puts the evidence beside the slider and boxes for exact numbers below it; else the evidence is in the help.
    """
    lang, given, term = language(), assumed(base, name), find_assumption(name)[2]
    now = dict(view.assumed).get(name, stated(given))
    evidence = plain(clause(base, given.source, lang))
    where = travel(given, term, now, lang)
    left, right = st.columns([5, 4], gap="large") if wide else (st.container(), None)
    with left:
        slider(name, term, now, where, help_text(given, term, evidence, lang))
        if wide:
            boxes(name, given, now, where)
        uncertainty(name, given, now)
        with st.container(gap="xsmall"):  # always there, so that nothing below changes its place
            if name in dict(view.assumed):
                changed_note(name, given, term, now)
    if right:
        with right:
            st.caption(f"{plain(term.help[lang])}  \n{evidence}")


def slider(name: str, term: Term, now: Interval, where: Travel, said: str) -> None:
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


def boxes(name: str, given: Assumed, now: Interval, where: Travel) -> None:
    """Boxes that take the ends and the central value, or the one value, to the last digit."""
    ends = Interval._fields[:3] if now.low < now.high else ("median",)
    if not (given.range or given.factor):
        return
    percent = where.form == "percent"
    scale = where.divisor / (100 if percent else 1)
    unit = "%" if percent else where.unit or "×"
    for end, column in zip(ends, st.columns(3, vertical_alignment="bottom"), strict=False):
        key, shown = f"{end}.{name}", float(number(getattr(now, end) / scale))
        state.show(key, shown)
        # Without bounds of its own: what is typed beyond them is told in a sentence, not silently cut.
        column.number_input(t(f"ranges.{end}" if len(ends) > 1 else "ranges.one", unit=unit), value=shown, key=key,
                            step=float(number(where.step / scale)), format="%.9g", on_change=state.ask,
                            args=(key, typed, name, key, end if len(ends) > 1 else "", scale),
                            help=t("ranges.median_help") if end == "median" and len(ends) > 1 else None)
    with st.container():  # always there, so that nothing below changes its place
        for fault in state.faults():
            if fault.place == find_assumption(name)[2].title[language()]:
                st.warning(plain(fault.sentence(language())), icon=":material/error:")


def uncertainty(name: str, given: Assumed, now: Interval) -> None:
    """Whether the assumption is uncertain at all."""
    if not (given.range or given.factor):
        st.caption(t("ranges.certain"))
        return
    box = f"uncertain.{name}"
    state.show(box, now.low < now.high)
    st.checkbox(t("ranges.uncertain"), now.low < now.high, key=box, help=t("ranges.uncertain_help"),
                on_change=state.ask, args=(box, switched, name))


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
    """The interval of an assumption as it is taken now; a look at what was before is over once something changes."""
    state.look(back=False)
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


def typed(name: str, key: str, end: str, scale: float) -> None:
    """Take over an end or the central value that was typed, or all three as one value; say what cannot stand."""
    if (shown := st.session_state[key]) is None:
        return
    value, now = number(shown * scale), present(name)
    if end:
        wanted = now._replace(**{end: value})
        if end != "median" and wanted.low <= wanted.high and not wanted.low <= wanted.median <= wanted.high:
            wanted = wanted._replace(median=None)
    else:
        wanted = Interval(value, value, value, now.reason)
    given, term = assumed(known(state.view().scenario), name), find_assumption(name)[2]
    state.take(lambda: with_edits(state.view(), [(name, standing(given, term, wanted, language()))]))


def standing(given: Assumed, term: Term, wanted: Interval, language: str) -> Interval:
    """An interval that can stand; one that cannot is refused in the words and units of the screen.

    >>> given = Assumed(value=0.06, range=(0.02, 0.09), source={"status": "estimate"})
    >>> standing(given, find_assumption("utilisation.cost_growth")[2], Interval(0.05, None, 0.01), "en")
    Traceback (most recent call last):
    simulation.terms.BadInput: Growth of unit cost: the low end 5% is above the high end 1%; give the lower one first
    """
    points, (least, most) = wanted[:3], WIDEST if by_multiplier(given) else (term.low, term.high)
    said = {point: words(*(point_text(point, given, term, lang) for lang in LANGUAGES))
            for point in (*points, least, most) if point is not None}
    low, middle, high = (said.get(point) for point in points)

    def refused(what: Words, remedy: Words) -> BadInput:
        return refuse(term.title[language], what, remedy)

    for point in points:
        if point is not None and not least <= point <= most:
            ends = said[least], said[most]
            raise refused(words(f"{said[point].zh} 超出范围", f"{said[point].en} is out of bounds"),
                          words(f"请填写 {ends[0].zh} 至 {ends[1].zh} 之间的数值",
                                f"give a value from {ends[0].en} to {ends[1].en}"))
    if wanted.low > wanted.high:
        raise refused(words(f"低端 {low.zh} 高于高端 {high.zh}",
                            f"the low end {low.en} is above the high end {high.en}"),
                      words("请把较小的数填在低端", "give the lower one first"))
    if middle is not None and not wanted.low <= wanted.median <= wanted.high:
        raise refused(words(f"中值 {middle.zh} 不在 {low.zh} 至 {high.zh} 之间",
                            f"the central value {middle.en} is not between {low.en} and {high.en}"),
                      words("请填写两端之间的数值", "give one between the two ends"))
    return wanted


def point_text(value: float, given: Assumed, term: Term, language: str) -> str:
    """An end of an interval with its unit.

    >>> given = Assumed(value=0.06, range=(0.02, 0.09), source={"status": "estimate"})
    >>> point_text(0.02, given, find_assumption("utilisation.cost_growth")[2], "en")
    '2%'
    """
    if by_multiplier(given):
        return f"× {value:g}"
    unit = "" if in_percent(term) else f" {unit_text(term.unit, language)}"
    return lever_text(value, term, language).replace("-", "−") + unit


def explained(name: str, key: str) -> None:
    """Take over the reason for an interval."""
    state.edit([(name, present(name)._replace(reason=st.session_state[key] or ""))])
