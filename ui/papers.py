"""The policy brief of a view as files: made when a button is clicked, once for both."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from threading import Semaphore

import streamlit as st

from report.inquiry import inquire
from report.paper import Brief
from ui.runs import SEED, draws_for, gate
from ui.text import t
from ui.view import View, changes, estimates, known

ICONS = {"word": ":material/description:", "pdf": ":material/picture_as_pdf:"}
ENDINGS = {"word": "docx", "pdf": "pdf"}


def brief_downloads(view: View, lang: str) -> None:
    """Two buttons, for Word and for PDF, in the reader's language; nothing is computed before one is clicked."""
    waiting = gate()  # a file is made outside the page's run, where nothing of Streamlit can be asked for
    with st.container(horizontal=True):
        for form in ENDINGS:
            st.download_button(
                t(f"brief.{form}"), maker(view, form, lang, waiting), f"{view.scenario}_brief_{lang}.{ENDINGS[form]}",
                key=f"brief.{form}", on_click="ignore", icon=ICONS[form], help=t("brief.help"))


def maker(view: View, form: str, lang: str, waiting: Semaphore) -> Callable[[], bytes]:
    """What makes a file when it is asked for."""
    def made() -> bytes:
        from report.pdf import pdf
        from report.word import word
        with waiting:
            return {"word": word, "pdf": pdf}[form](paper(view, lang, draws_for(view, settled=True)))

    return made


@lru_cache(maxsize=8)  # of some hundred kilobytes each; whoever takes Word often takes PDF as well
def paper(view: View, lang: str, draws: int) -> Brief:
    """The brief of a view, as the command line would put it: the same view there gives the same file."""
    from report.brief import brief
    edits, taken = changes(view.levers, view.since), estimates(view.assumed)
    return brief(inquire(known(view.scenario), edits, taken, draws, SEED), lang)
