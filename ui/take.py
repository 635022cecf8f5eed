"""What a reader takes along: the whole run as one file, and the code that makes it."""

from __future__ import annotations

import streamlit as st

from report.answers import Run
from report.bundle import bundle
from report.code import command, python
from simulation import simulate
from ui.runs import gate
from ui.text import t
from ui.view import View, changes, estimates, in_commands, scenario_of


def take_away(view: View, run: Run) -> None:
    """A drawer at the foot of a page: nothing in it is made before it is opened or asked for."""
    drawer = st.expander(t("take.title"), key="take", on_change="rerun", icon=":material/inventory_2:")
    if not drawer.open:
        return
    draws, seed = run.facts["draws"], run.facts["seed"]
    asked = (in_commands(view.scenario), changes(view.levers, view.since), estimates(view.assumed), draws, seed)
    waiting = gate()  # a file is made outside the page's run, where nothing of Streamlit can be asked for

    def zipped() -> bytes:
        with waiting:
            return bundle(simulate(scenario_of(view), draws, seed))

    with drawer:
        st.markdown(t("take.intro", draws=f"{draws:,}", seed=seed))
        st.download_button(t("take.zip"), zipped, f"{view.scenario}_{run.facts['fingerprint'][:8]}.zip",
                           "application/zip", key="take.zip", on_click="ignore", icon=":material/folder_zip:")
        st.caption(t("take.zip_read"))
        for name, text, language in (("python", python(*asked), "python"), ("command", command(*asked), "bash")):
            st.markdown(f"**{t(f'take.{name}')}**")
            st.code(text, language, wrap_lines=True)
        st.caption(t("take.where"))
        if any(interval.reason for _, interval in view.assumed):
            st.caption(t("take.reasons"))
