"""The one thing a session keeps: the `View`, with what undoes it. The address bar follows it.

Widgets never own a value. A callback turns a moved widget into a new view, and before a widget is drawn
it is given the view's value if it shows another one: so nothing is lost when runs overtake each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from simulation.terms import BadInput, Fault
from ui.text import language, plain, preferred
from ui.view import View, from_query, to_query, view_of, with_edits, without

UNDO = 100  # views kept for "undo"


def begin() -> None:
    """Open the link on the first run, or again if the address has been changed from outside."""
    state = st.session_state
    parameters = {name: st.query_params.get_all(name) for name in st.query_params}
    shown = {name: values[-1] for name, values in parameters.items()}
    # After a widget has moved, the browser may still report an address that lags behind: it is not a wish.
    outside = parameters and shown != state.get("address") and not state.pop("moved", False)
    if "view" not in state or outside:
        view, lang, faults = from_query(parameters)
        state["view"], state["faults"] = view, faults
        state["lang"] = lang or state.get("lang") or preferred(st.context.locale)
        state.setdefault("undo", [])
    state["moved"] = False


def show_address() -> None:
    """Make the address bar say what is shown."""
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


def moved() -> None:
    """Note that this run began with a widget; every widget that keeps no view of its own calls it."""
    st.session_state["moved"] = True


def take(new: Callable[[], View]) -> None:
    """Go to a new view, or keep the old one and say what is wrong with the new."""
    moved()
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
    moved()
    if st.session_state["undo"]:
        *st.session_state["undo"], st.session_state["view"] = st.session_state["undo"]
        st.session_state["faults"] = []


def show(key: str, value: Any) -> None:
    """Give a widget the value it has to show, before it is drawn."""
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value


def warn() -> None:
    """Say in one sentence each what could not be used, and that the rest stands."""
    for fault in faults()[:3]:
        st.warning(plain(fault.sentence(language())), icon=":material/error:")
