"""The one thing a session keeps: the `View`, with what undoes it. The address bar follows it.

Widgets never own a value. A moved widget asks for a new view, and before a widget is drawn it is given
the view's value if it shows another one.

The browser runs behind: after the server has moved a widget (undo, reset, a quick move), the next
messages may still carry the value the browser showed before. Such an echo must not be read as a wish, or
edits would be lost. It can be told by three signs: it repeats a value the server has replaced; it comes
with an older address than the one last written; or it comes together with a wish, soon after.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from report.text import plain
from simulation.terms import BadInput, Fault
from ui.text import language, preferred
from ui.view import View, from_query, to_query, view_of, with_edits, without

UNDO = 100  # views kept for "undo"
SOON = 2.0  # seconds in which a browser surely draws what it has received


def begin() -> None:
    """Do what the widgets have asked for; open the link on the first run or after "back"."""
    state = st.session_state
    state.setdefault("undo", [])
    state.setdefault("sent", {})
    state.setdefault("sent_at", 0.0)
    asked = state.pop("asked", [])
    for key, act, arguments in asked:
        if not is_echo(key, alone=len(asked) == 1):
            act(*arguments)
    turned = getattr(get_script_run_ctx(), "is_history_navigation", False) and len(st.query_params) > 0
    if "view" not in state or turned:
        parameters = {name: st.query_params.get_all(name) for name in st.query_params}
        state["view"], lang, state["faults"] = from_query(parameters)
        state["lang"] = lang or state.get("lang") or preferred(st.context.locale)
    if not is_behind() and not is_soon():
        state["sent"] = {}


def show_address() -> None:
    """Make the address bar say what is shown. Before any widget is drawn: a run may be cut short after."""
    wanted = to_query(view(), language())
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
    try:
        wanted = new()
    except BadInput as bad:
        state["faults"] = bad.faults
        return
    state["faults"] = []
    if wanted != state["view"]:
        state["undo"] = [*state["undo"], state["view"]][-UNDO:]
        state["view"] = wanted


def edit(edits: list[tuple[str, Any]]) -> None:
    """Set levers."""
    take(lambda: with_edits(view(), edits))


def reset(lever: str | None = None) -> None:
    """Put one lever, or all, back to the scenario's values."""
    take(lambda: without(view(), lever) if lever else view_of(view().scenario))


def undo() -> None:
    """Take back the last change."""
    if st.session_state["undo"]:
        *st.session_state["undo"], st.session_state["view"] = st.session_state["undo"]
        st.session_state["faults"] = []


def warn() -> None:
    """Say in one sentence each what could not be used; the rest stands."""
    with st.container():  # always there, so that what follows keeps its place when a sentence comes or goes
        for fault in faults()[:3]:
            st.warning(plain(fault.sentence(language())), icon=":material/error:")
