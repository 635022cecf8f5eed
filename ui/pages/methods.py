"""The methods, as the repository has them, and what every lever and assumption of the scenario rests on."""

import re

import streamlit as st

from report.text import plain
from simulation import reference
from ui import declared, state
from ui.figures import download
from ui.text import language, t
from ui.view import scenario_of
from ui.widgets import sidebar

OUTSIDE = re.compile(r"\[[^\]]*\]\((?!#|https?:)([^)]+)\)")  # links to other files of the repository
COMMENT = re.compile(r"^<!--.*-->$\n?", re.MULTILINE)
# Where Chinese lines are broken, and where a repository's Markdown needs a space that no reader does.
JOIN = re.compile(r"(?<=[，。；：、])\n *(?=[^\s|#<$\d-])|(?<=[$`]) (?=[，。；：、）])")
COLUMNS = 3  # of the list of sections


def shown(text: str) -> str:
    """A text of the repository as a page can show it: other files by name, no marks for machines."""
    return JOIN.sub("", COMMENT.sub("", OUTSIDE.sub(r"`\1`", text)))


view, lang = state.view(), language()
scenario = scenario_of(view)
preface, chapters = reference.chapters(reference.methods(lang))
st.title(t("page.methods"))
st.markdown(t("methods.question"))
state.warn()

# The first lines of the text are its title and the way to the other language, which a page has already.
st.markdown(shown(preface.split("\n\n", 2)[2]))
st.subheader(t("methods.index"))
length = -(-(len(chapters) + 1) // COLUMNS)
links = [f"- [{chapter.title}](#{chapter.anchor})" for chapter in chapters] + [f"- [{t('methods.sources')}](#sources)"]
for n, column in enumerate(st.columns(COLUMNS)):
    column.markdown("\n".join(links[n * length:(n + 1) * length]))
for chapter in chapters:
    st.subheader(chapter.title, anchor=chapter.anchor)
    with st.expander(t("methods.open")):
        st.markdown(shown(chapter.body))

st.header(t("methods.sources"), anchor="sources")
st.markdown(f"**{plain(scenario.title[lang])}**")
counts = declared.statuses(scenario, view.since, lang)
st.markdown(t("methods.sources_text"))
st.table(counts.frame.rename(columns=counts.heads), hide_index=True, border="horizontal", width="content",
         alt=t("methods.sources_alt"))

for name, table in (("levers", declared.levers(scenario, view.since, lang)),
                    ("assumptions", declared.assumptions(scenario, lang))):
    st.subheader(t(f"methods.{name}"))
    st.caption(t(f"methods.{name}_text", count=len(table.frame), year=view.since))
    st.dataframe(table.frame, hide_index=True, height=480, alt=t(f"methods.{name}_alt"), placeholder="",
                 column_config={column: st.column_config.TextColumn(head, pinned=column == "title")
                                for column, head in table.heads.items()})
    download(f"csv.{name}_declared", t("table.csv"), table, f"{name}_declared")

cited = declared.documents(scenario, lang)
st.subheader(t("methods.documents"))
st.caption(t("methods.documents_text", count=len(cited.frame)))
st.table(cited.frame.map(plain).rename(columns=cited.heads), hide_index=True, border="horizontal",
         alt=t("methods.documents"))

with st.sidebar:
    sidebar()
