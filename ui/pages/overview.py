"""The first page: the fund year by year, its lines and its chances, under the levers of the sidebar."""

import streamlit as st

from report import burden, tables
from report.findings import behaviour, doubt, figures, responds, sentences
from report.panels import FANS, panel
from report.text import people, plain, say
from simulation.measures import RESPONSES
from simulation.results import QUANTITIES
from ui import comparisons, state
from ui.figures import GAP, METRIC, beside, card, download, metric, table
from ui.futures import lead
from ui.papers import brief_downloads
from ui.runs import SEED, at_rest, claimed, closing, draws_for, key, named, rest, run
from ui.take import take_away
from ui.text import language, t
from ui.view import baseline, scenario_of
from ui.widgets import sidebar

SHOWN = ["enrolled", "income", "expenditure", "surplus", "balance_end", "surplus_ratio", "balance_ratio"]
STATISTICS = ["p50", "mean", "p05", "p25", "p75", "p95"]

view, lang = state.view(), language()
scenario = scenario_of(view)
first, last = scenario.first_year, scenario.horizon()[-1]
st.title(plain(scenario.title[lang]))
st.markdown(plain(scenario.story[lang]))
facts = st.empty()
state.warn()

settled = at_rest("run", view, baseline(view))
draws = draws_for(view, settled)
now = run(view, draws)
before = run(baseline(view), draws) if view.edits else None
found, differs = sentences(now, lang, before), comparisons.differs(view)

enrolled = now.summary[now.summary["quantity"] == "enrolled"]["p50"].iloc[0]
facts.caption(" · ".join([
    t("facts.stable" if settled else "facts.quick", draws=f"{draws:,}"),
    t("facts.years", first=first, last=last), t("facts.seed", seed=SEED), t(f"engine.{now.facts['engine']}"),
    t("facts.insured", people=people(enrolled, lang)),
    t("facts.fingerprint", fingerprint=now.facts["fingerprint"][:8]),
    *([t("facts.city", count=len(scenario.axes.area))] if len(scenario.axes.area) > 1 else [])]))

with st.container(border=True):
    st.markdown("  \n".join([*found, *([burden.sentence(now, before, lang)] if before else [])]))
    if before:
        st.page_link("ui/pages/people.py", label=t("finding.people"), icon=":material/family_restroom:")
    st.caption(doubt(now, lang))
    if differs:
        st.caption(t(f"figure.differs.{differs}", levers=len(view.levers), assumed=len(view.assumed)))
told = figures(now, before, lang)
for half, pair in zip(beside(2, 2, 2 * METRIC + GAP), (told[:2], told[2:]), strict=True):  # never three and one
    with half:
        for column, figure in zip(beside(2, 2, METRIC), pair, strict=True):
            with column:
                metric(figure, t(f"figure.against.{differs}") if differs else "")

*charts, last_place = beside(6)
for name, column in zip((*FANS, "chances", "spending"), charts, strict=True):
    shown = panel(name, now, scenario, lang, before)
    with column:
        card(name, shown.figure, shown.drawn, shown.alt)
        if name == "balance":
            lead()
with last_place, st.container(border=True):
    st.markdown(f"**{t('behaviour.title')}**")
    answer = st.empty()
    answer.caption(t("behaviour.waiting" if responds(scenario) else "behaviour.none"))

st.caption(t("chart.read"))

st.header(t("table.title"))
chosen, statistic = st.columns([3, 1])
quantities = chosen.multiselect(
    t("table.quantities"), list(QUANTITIES), SHOWN, key="quantities",
    format_func=lambda name: QUANTITIES[name][0][lang], placeholder=t("table.empty"), persist_state="session")
kind = statistic.selectbox(t("table.statistic"), STATISTICS, key="statistic",
                           format_func=lambda name: say(lang, f"column.{name}"), persist_state="session")
if quantities:
    drawn = tables.wide(now, quantities, kind, lang)
    table(drawn, t("table.alt"))
    with st.container(horizontal=True):
        download("csv.table", t("table.csv"), drawn, "results")
        download("csv.summary", t("table.all_csv"), tables.everything(now, lang), "summary")

briefs = st.container()
take_away(view, now)

# Last, because the levers stay as they are while the figures change: so the figures come sooner.
with st.sidebar:
    sidebar()
with briefs:
    brief_downloads(view, lang)

if settled and responds(scenario):
    # Six more runs, so after everything else and with few draws; a lever that moves cuts them short.
    few, ends = draws_for(view, settled=False), {}
    for off in ((), RESPONSES, *((response,) for response in RESPONSES)):
        with claimed(closing, key(view), off):
            ends[off] = closing(*key(view), off, few, SEED)
        answer.caption(t("behaviour.waiting"))
    told = behaviour(ends, last, lang)
    with answer.container():
        st.markdown(told.sentence)
        table(told.drawn, t("behaviour.alt"))
        st.caption(t("behaviour.read", year=last, draws=f"{few:,}"))
        download("csv.behaviour", t("table.csv"), told.drawn, "behaviour",
                 facts=named({"": scenario}, few, runs=len(ends)))
if not settled:
    rest(view, lambda: [run(each, draws_for(view, settled=True)) for each in (view, baseline(view))])
