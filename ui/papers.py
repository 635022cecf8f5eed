"""The policy brief of a view as files: computed when a button is clicked, under a bar, and then handed out twice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache

import streamlit as st

from report.inquiry import RECORDS, TESTED, Inquiry, inquire
from report.paper import Brief
from report.text import plain
from simulation.backtest import TEMPLATE
from simulation.terms import BadInput
from ui import tracks
from ui.runs import SEED, at_length, draws_for, gate, key
from ui.text import t
from ui.view import View, changes, estimates, in_commands, known

ICONS = {"word": ":material/description:", "pdf": ":material/picture_as_pdf:"}
ENDINGS = {"word": "docx", "pdf": "pdf"}


def brief_downloads(view: View, lang: str) -> None:
    """A button that computes the brief of a view, and then two that hand it out as Word and as PDF.

    A lever that moves breaks the work off, as "stop" does. No fragment of the page: nothing inside could stop one.
    """
    draws = draws_for(view, settled=True)
    question, place = ("brief", *key(view), draws), st.empty()
    st.page_link("ui/pages/record.py", label=t("record.from_brief"), icon=":material/history:")
    asked = st.session_state.get("brief.asked") == question
    if asked or question not in tracks.shared():
        with place.container(horizontal=True):
            st.button(t("brief.make"), key="brief.make", on_click=ask, args=(question,), help=t("brief.make_help"),
                      icon=":material/edit_document:")
            st.button(t("brief.stop"), key="brief.stop", on_click=ask, args=(None,), help=t("brief.stop_help"),
                      disabled=not asked, icon=":material/stop_circle:")
        if not asked:
            return
    try:
        found = answer(question, view, draws)
    except BadInput as bad:
        for fault in bad.faults:
            st.error(plain(fault.sentence(lang)), icon=":material/error:")
        return
    waiting = gate()  # a file is made outside the page's run, where nothing of Streamlit can be asked for
    paper = written(found, lang)
    with place.container(horizontal=True):
        for form in ENDINGS:
            st.download_button(
                t(f"brief.{form}"), maker(paper, form, waiting), f"{view.scenario}_brief_{lang}.{ENDINGS[form]}",
                key=f"brief.{form}", on_click="ignore", icon=ICONS[form], help=t("brief.help"))


def ask(question: tuple | None) -> None:
    """Note what this reader wants a brief of, or that he wants none any more."""
    st.session_state["brief.asked"] = question


def answer(question: tuple, view: View, draws: int) -> Inquiry:
    """All that the brief of a view rests on, made once; raises `BadInput`.

    What is finished when the work is broken off stays with the session.
    """
    asked, parts = st.session_state.get("brief.parts", (None, {}))
    parts = parts if asked == question else {}
    st.session_state["brief.parts"] = question, parts
    ordinary = {"record": RECORDS[TESTED, TEMPLATE]} if (TESTED, TEMPLATE) in RECORDS else {}
    edits, taken = changes(view.levers, view.since), estimates(view.assumed)
    found = tracks.once(question, lambda progress: at_length(
        {"progress": progress, "keep": lambda part: parts.update([part])}, inquire, known(view.scenario), edits, taken,
        draws, SEED, named=in_commands(view.scenario), kept=ordinary | parts))
    RECORDS[TESTED, TEMPLATE] = found.record  # which any further brief needs, in whatever process it was made
    st.session_state.pop("brief.parts", None)
    return found


def written(found: Inquiry, lang: str) -> Callable[[], Brief]:
    """What writes the brief in a language when it is asked for, once: whoever takes Word often takes PDF as well."""
    @lru_cache(maxsize=1)
    def made() -> Brief:
        from report.brief import brief
        return brief(found, lang)

    return made


def maker(paper: Callable[[], Brief], form: str, waiting: AbstractContextManager) -> Callable[[], bytes]:
    """What makes a file when it is asked for."""
    def made() -> bytes:
        from report.pdf import pdf
        from report.word import word
        with waiting:
            return {"word": word, "pdf": pdf}[form](paper())

    return made
