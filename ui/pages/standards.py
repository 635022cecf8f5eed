"""The service standards: which thresholds the scheme reaches, in which year, and how surely."""

import streamlit as st

from report import charts, diagrams
from report.text import percent, plain
from simulation import cited
from simulation.scorecard import standards
from ui import scores, state, studies
from ui.figures import download
from ui.runs import at_rest, draws_for
from ui.text import language, t
from ui.view import scenario_of, view_of
from ui.widgets import sidebar

EXAMPLE = "primary_standards_2025"

view, lang = state.view(), language()
scenario = scenario_of(view)
years, known = scenario.horizon(), standards()
begins = min(item.from_year for item in known.standards)
st.title(t("page.standards"))
st.markdown(f"**{plain(scenario.title[lang])}**")
st.markdown(t("standards.question", document=plain(cited.title(known.document.title, lang))))
facts = st.empty()
state.warn()

too_early = years[-1] < begins
settled = too_early or at_rest("study", view)
if too_early:
    st.info(t("standards.too_early", begins=begins, first=years[0], last=years[-1]), icon=":material/event_busy:")
    st.button(t("standards.example"), key="open_standards", icon=":material/open_in_new:", on_click=state.ask,
              args=("open_standards", state.take, lambda: view_of(EXAMPLE)))
else:
    found = studies.study(view, draws_for(view, settled))
    facts.caption(studies.facts(found, scenario, settled))
    shown = [year for year in years if year >= begins]
    if len(shown) < len(years):
        st.caption(t("standards.later", begins=begins, first=years[0]))

    words = {name: t(f"standards.state.{name}_means", sure=percent(scores.SURE, 0), unsure=percent(1 - scores.SURE, 0))
             for name in diagrams.STATES}
    drawn = scores.sheet(found, scenario, lang)
    last = drawn.frame[drawn.frame["year"] == shown[-1]]
    told = []
    for basis in scores.BASES:
        states = last[last["basis"] == basis]["state"].tolist()
        counts = {name: states.count(name) for name in diagrams.STATES}
        unset = counts.pop("unset")
        told.append(t("standards.finding", basis=t(f"standards.basis.{basis}"), year=shown[-1],
                      count=sum(counts.values()), **counts) + (t("standards.unset", count=unset) if unset else ""))
    with st.container(border=True):
        st.markdown("  \n".join(told))
        st.caption(t("standards.rests"))
        if assumed := scores.defaults(scenario):
            st.caption(t("standards.defaults", count=assumed))

    alt = t("standards.alt", first=shown[0], last=shown[-1], finding=" ".join(told).replace("*", ""))
    heads = {basis: t(f"standards.basis.{basis}") for basis in scores.BASES}
    with st.container(border=True):
        figure = diagrams.grid(drawn, t("standards.grid"), words, heads)
        st.plotly_chart(figure, key="chart.standards", alt=alt, config=charts.PLAIN)
        download("csv.standards", t("chart.csv"), scores.in_words(drawn, lang), "standards", figure, facts=found.facts)

    head, choice = st.columns([4, 1], vertical_alignment="bottom")
    year = choice.selectbox(t("column.year"), shown, len(shown) - 1, key=f"standards.year.{view.scenario}")
    head.subheader(t("standards.in_year", year=year))
    table = scores.in_year(found, scenario, year, lang)
    st.table(table.frame.map(plain).rename(columns=table.heads), hide_index=True, border="horizontal",
             alt=t("standards.table_alt", year=year))
    st.caption(t("standards.read"))

with st.sidebar:
    sidebar()

if not too_early:
    studies.settle("study", view, settled)
