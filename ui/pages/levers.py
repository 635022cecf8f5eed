"""Every lever and assumption of the scenario: a table that can be searched, and assumptions entered as ranges."""

import streamlit as st

from report.tables import Drawn
from report.text import plain, say
from simulation.scenario import clause
from ui import ranges, state
from ui.figures import download
from ui.register import COLUMNS, matching, number_text, register
from ui.text import language, t
from ui.view import known
from ui.widgets import count_note, count_text, drawer, sidebar

KINDS = ["all", "lever", "assumption"]

view, lang = state.view(), language()
base = known(view.scenario)

st.title(t("page.levers"))
st.markdown(f"**{plain(base.title[lang])}**")
state.warn()
st.caption(count_text(view))

listed, entered = state.tabs(["ranges.table", "ranges.title"], "levers.tabs")
if listed.open:
    with listed:
        st.markdown(plain(t("register.intro")))
        search, choice = st.columns([3, 2], vertical_alignment="bottom")
        text = search.text_input(t("register.search"), key="search", placeholder=t("register.search_hint"), live=True,
                                 type="search", persist_state="session")
        kind = choice.segmented_control(t("register.kind"), KINDS, default="all", required=True, key="kind",
                                        format_func=lambda name: say(lang, f"register.{name}"))
        found = matching(register(view, lang), text or "", None if kind == "all" else t(f"register.{kind}"))
        heads = {name: t(f"register.column.{name}") for name in COLUMNS}
        if found.empty:
            st.caption(t("register.empty"))
        else:
            st.caption(t("register.count", count=len(found)))
            # The screen shows the values as text, because some are words; the file keeps numbers as numbers.
            written = {name: found[name].map(number_text) for name in ("value", "was", "low", "high")}
            st.dataframe(found.assign(**written), hide_index=True, height=640, alt=t("register.alt"), key="register",
                         placeholder="", column_order=[name for name in COLUMNS if name != "was" or view.edits],
                         column_config={name: st.column_config.TextColumn(head, pinned=name == "title")
                                        for name, head in heads.items()})
            download("csv.levers", t("register.csv"), Drawn(found, heads), "levers")
        if provisions := base.provisions:
            st.subheader(t("register.provisions"))
            st.markdown("\n".join(f"- {plain(item.text[lang])} {plain(clause(base, item.source, lang))}"
                                  for item in provisions))
if entered.open:
    with entered:
        st.markdown(plain(t("ranges.intro")))
        for section, names in ranges.sections(base, view).items():
            with drawer(f"wide.{section}", t(f"section.{section}")) as inside:
                if inside.open:
                    for name in names:
                        with st.container(border=True):
                            ranges.editor(base, view, name, wide=True)
            count_note([name for name, _ in view.assumed if name.startswith(f"{section}.")])

with st.sidebar:
    sidebar(levers=False)
