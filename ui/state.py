"""The one thing a session keeps: the `View`, with what undoes it. The address bar follows it.

Widgets never own a value. A moved widget asks for a new view, and before a widget is drawn it is given
the view's value if it shows another one.

The browser runs behind: after the server has moved a widget (undo, reset, a quick move), the next
messages may still carry the value the browser showed before. Such an echo must not be read as a wish, or
edits would be lost. It can be told by three signs: it repeats a value the server has replaced; it comes
with an older address than the one last written; or it comes together with a wish, soon after.

Changes are kept in two lists of views, for undo and for redo. Looking at the charts before the last change is an undo
that is remembered as a look: whatever is then changed is changed in the present view, so that a look loses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from report.text import plain, say
from simulation.terms import LANGUAGES, BadInput, Fault
from ui import logs
from ui.text import language, preferred, t
from ui.view import View, from_query, to_query, view_of, with_edits, without

UNDO = 100  # views kept for "undo"
SOON = 2.0  # seconds in which a browser surely draws what it has received
CLASS = ("room", "seat")  # what a link says of a class: it is not about the view, and stays in the address


def begin() -> None:
    """Do what the widgets have asked for; open the link on the first run or after "back"."""
    state = st.session_state
    for name in ("undo", "redo"):
        state.setdefault(name, [])
    state.setdefault("peek", False)
    state.setdefault("notice", None)  # what to know of a saved view: a phrase and what fills it
    state.setdefault("sent", {})
    state.setdefault("sent_at", 0.0)
    asked = state.pop("asked", [])
    for key, act, arguments in asked:
        # A browser may still speak of a widget of a page that was left a while ago: that asks for nothing.
        if key in state and not is_echo(key, alone=len(asked) == 1):
            act(*arguments)
    turned = getattr(get_script_run_ctx(), "is_history_navigation", False) and len(st.query_params) > 0
    if "view" not in state or turned:
        state["class"] = state.get("class") or {name: st.query_params[name] for name in CLASS
                                                if name in st.query_params}
        parameters = {name: st.query_params.get_all(name) for name in st.query_params if name not in CLASS}
        look(back=False)
        state["notice"] = None  # it was about the view that is left
        wanted, lang, state["faults"] = opened(parameters)
        logs.refused(state["faults"])
        turn(wanted)
        state["lang"] = lang or state.get("lang") or preferred(st.context.locale)
    if not is_behind() and not is_soon():
        state["sent"] = {}
    if state.setdefault("spoken", language()) != language():
        state["spoken"] = language()
        say_again()


def say_again() -> None:
    """Give every choice its value anew after a change of language.

    The browser knows a choice by its name on the screen and would go on sending the name it showed before, which the
    server would no longer know. Buttons, tables and uploads do not take a value, and need none.
    """
    for key, value in st.session_state.items():
        if not isinstance(value, bool | Mapping | UploadedFile | None):
            st.session_state[key] = value


def tabs(names: Sequence[str], key: str) -> Sequence[Any]:
    """Tabs by the keys of their names. What is kept of them is the open one's name, which another language changes."""
    kept = st.session_state.get(key)
    for name in names:
        if kept != t(name) and kept in [say(other, name) for other in LANGUAGES]:
            st.session_state[key] = t(name)
    return st.tabs([t(name) for name in names], key=key, on_change="rerun")


def opened(parameters: Mapping[str, Sequence[str]]) -> tuple[View, str | None, list[Fault]]:
    """The view of a link: one saved in the library, where the link names it, else the one the link spells out."""
    saved, faults = None, []
    if "saved" in parameters:
        from ui import shelf  # only such a link needs the database
        try:
            saved = shelf.opened(parameters)
        except BadInput as bad:
            faults = bad.faults
    view, lang, others = from_query({name: values for name, values in parameters.items()
                                     if "saved" not in parameters or name not in ("saved", "version")})
    return saved or view, lang, faults + others


def show_address() -> None:
    """Make the address bar say what is shown. Before any widget is drawn: a run may be cut short after."""
    wanted = to_query(view(), language()) | st.session_state.get("class", {})
    if wanted != st.query_params.to_dict():
        st.query_params.from_dict(wanted)
    st.session_state["address"] = wanted


def view() -> View:
    """What is looked at now."""
    return st.session_state["view"]


def faults() -> list[Fault]:
    """What could not be taken from the last link, file or edit."""
    return st.session_state["faults"]


# --- widgets ----------------------------------------------------------------------------------------

def ask(key: str, act: Callable[..., None], *arguments: Any) -> None:
    """Note what a widget asks for: every widget's callback. `begin` weighs all that came at once."""
    st.session_state.setdefault("asked", []).append((key, act, arguments))


def show(key: str, value: Any) -> None:
    """Give a widget the value it has to show, before it is drawn."""
    state = st.session_state
    if key in state and state[key] != value:
        state["sent"].setdefault(key, []).extend([state[key], value])
        state["sent_at"] = time.monotonic()
    if key not in state or state[key] != value:
        state[key] = value


def is_echo(key: str, alone: bool) -> bool:
    """Whether a widget only repeats what it showed before the server moved it."""
    repeats = st.session_state.get(key) in st.session_state["sent"].get(key, ())
    return repeats and (is_behind() or is_soon() and not alone)


def is_behind() -> bool:
    """Whether the browser has not yet taken in the address last written."""
    return st.query_params.to_dict() != st.session_state.get("address", st.query_params.to_dict())


def is_soon() -> bool:
    """Whether the server moved a widget a moment ago."""
    return time.monotonic() - st.session_state["sent_at"] < SOON


# --- changes ----------------------------------------------------------------------------------------

def take(new: Callable[[], View]) -> None:
    """Go to a new view, or keep the old one and say what is wrong with the new."""
    state = st.session_state
    look(back=False)
    try:
        wanted = new()
    except BadInput as bad:
        state["faults"] = bad.faults
        logs.refused(bad.faults)
        return
    state["faults"] = []
    if wanted != state["view"]:
        state["undo"], state["redo"] = [*state["undo"], state["view"]][-UNDO:], []
        state["view"], state["notice"] = wanted, None


def edit(edits: list[tuple[str, Any]]) -> None:
    """Set levers and assumptions."""
    take(lambda: with_edits(view(), edits))


def reset(name: str | None = None) -> None:
    """Put one lever or assumption, or all, back to what the scenario says."""
    take(lambda: without(view(), name) if name else view_of(view().scenario))


def undo() -> None:
    """Take back the last change."""
    look(back=False)
    step("undo", "redo")


def redo() -> None:
    """Make the change last taken back again."""
    if st.session_state["peek"]:
        look(back=False)
    else:
        step("redo", "undo")


def look(back: bool) -> None:
    """Look at the view before the last change, or return to the one after it."""
    state = st.session_state
    if back != state["peek"] and (state["undo"] or not back):
        step(*("undo", "redo") if back else ("redo", "undo"))
        state["peek"] = back


def step(source: str, target: str) -> None:
    """Go to the last view of one list, and keep the present one in the other."""
    state = st.session_state
    if state[source]:
        state[target] = [*state[target], state["view"]]
        *state[source], state["view"] = state[source]
        state["faults"], state["notice"] = [], None


def turn(wanted: View) -> None:
    """Go to the view of a link: "back" and "forward" are an undo or a redo where one leads there, else a change."""
    state = st.session_state
    now = state.get("view", wanted)
    if wanted != now:
        if state["undo"][-1:] == [wanted]:
            state["undo"], state["redo"] = state["undo"][:-1], [*state["redo"], now]
        elif state["redo"][-1:] == [wanted]:
            state["undo"], state["redo"] = [*state["undo"], now], state["redo"][:-1]
        else:
            state["undo"], state["redo"] = [*state["undo"], now][-UNDO:], []
    state["view"] = wanted


def last() -> tuple[View, View] | None:
    """The views before and after the last change, if there was one."""
    state = st.session_state
    if state["peek"]:
        return state["view"], state["redo"][-1]
    return (state["undo"][-1], state["view"]) if state["undo"] else None


def warn() -> None:
    """Say in one sentence each what could not be used; the rest stands."""
    with st.container():  # always there, so that what follows keeps its place when a sentence comes or goes
        for fault in faults()[:3]:
            st.warning(plain(fault.sentence(language())), icon=":material/error:")
        if notice := st.session_state["notice"]:
            st.info(t(notice[0], **notice[1]), icon=":material/info:")
        if st.session_state["peek"]:
            from ui.replay import caption  # it draws with this module
            st.info(t("replay.looking", change=caption(*last())), icon=":material/history:")
