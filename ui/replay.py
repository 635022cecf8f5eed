"""The last change: what it was in words, taking it back, making it again, and the charts before and after it."""

from __future__ import annotations

import streamlit as st

from report.text import plain, say
from ui import state
from ui.register import moved
from ui.text import language, t
from ui.view import View, known

LISTED = 3  # things moved that a caption names
WAYS = ("before", "after")


def told(before: View, after: View, language: str) -> list[str]:
    """What changed from one view to another, each thing with its old and its new value.

    >>> from ui.view import view_of
    >>> told(view_of("benxi_2008"), view_of("benxi_2008", edits=[("benefits.ceiling", 40000)]), "en")
    ['Yearly ceiling: 30,000 → 40,000']
    """
    titles = [known(view.scenario).title[language] for view in (before, after)]
    if before.scenario != after.scenario:
        return [f"{titles[0]} → {titles[1]}"]
    found = [f"{before.since} → {after.since}"] if before.since != after.since else []
    was, now = ({each.name: each for each in moved(view, language)} for view in (before, after))
    for name in dict.fromkeys([*now, *was]):
        old, new = was.get(name), now.get(name)
        if (old and old.new, old and old.reason) != (new and new.new, new and new.reason):
            colon, ends = "：" if language == "zh" else ": ", (old.new if old else new.old, new.new if new else old.old)
            found.append(f"{(new or old).title}{colon}{ends[0]} → {ends[1]}")
    return found


def caption(before: View, after: View) -> str:
    """What changed from one view to another, in one line of Markdown."""
    found = told(before, after, language())
    more = t("replay.more", count=len(found) - LISTED) if len(found) > LISTED else ""
    return plain(("; " if language() == "en" else "；").join(found[:LISTED])) + more


def controls(view: View) -> None:
    """Undo, redo, reset all, and the charts before and after the last change; all of them by keyboard, too."""
    with st.container(gap="xsmall"):  # below one another: a key beside a name needs the width of the sidebar
        peek = st.session_state["peek"]
        for name, act, key in (("undo", state.undo, "Ctrl+Z"), ("redo", state.redo, "Ctrl+Y")):
            st.button(t(f"panel.{name}"), key=f"{name}_last", on_click=state.ask, args=(f"{name}_last", act),
                      disabled=not (st.session_state[name] or peek), width="stretch", icon=f":material/{name}:",
                      shortcut=key)
        st.button(t("panel.reset"), key="reset_all", on_click=state.ask, args=("reset_all", state.reset),
                  disabled=not view.edits, width="stretch", icon=":material/restart_alt:")
    last, lang = state.last(), language()
    state.show("replay", WAYS[0] if peek else WAYS[1])
    st.segmented_control(t("replay.title"), WAYS, default=WAYS[1], required=True, key="replay", disabled=last is None,
                         format_func=lambda way: say(lang, f"replay.{way}"), help=t("replay.help"), width="stretch",
                         on_change=state.ask, args=("replay", look))
    with st.container():  # always there, so that nothing below changes its place
        if last:
            st.caption(caption(*last))


def look() -> None:
    """Show the charts before or after the last change, as chosen."""
    state.look(st.session_state["replay"] == WAYS[0])
