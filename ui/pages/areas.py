"""The counties of a city: who pays whom, and what the way of pooling changes."""

import streamlit as st

from report import diagrams
from report.tables import FORMS, money_unit
from report.text import number, percent, plain
from ui import counties, state, studies
from ui.figures import beside, card, download
from ui.runs import at_rest, draws_for, named
from ui.text import language, t
from ui.view import scenario_of, view_of
from ui.widgets import sidebar

EXAMPLE = "city_pooling_2012"

view, lang = state.view(), language()
scenario = scenario_of(view)
years = scenario.horizon()
st.title(t("page.areas"))
st.markdown(f"**{plain(scenario.title[lang])}**")
st.markdown(t("areas.question"))
facts = st.empty()
state.warn()

several = studies.counties(scenario)
settled = not several or at_rest("areas", view)
if not several:
    st.info(t("areas.one_pool"), icon=":material/layers_clear:")
    st.button(t("areas.example"), key="open_areas", icon=":material/open_in_new:", on_click=state.ask,
              args=("open_areas", state.take, lambda: view_of(EXAMPLE)))
else:
    draws = draws_for(view, settled)
    found = studies.study(view, draws)
    facts.caption(studies.facts(found, scenario, settled))

    moves, names, unit = counties.transfers(found, scenario, lang)
    note, choice = st.columns([4, 1], vertical_alignment="center")
    year = choice.selectbox(t("column.year"), years, len(years) - 1, key=f"areas.year.{view.scenario}")
    of_year = found.counties[found.counties["year"] == year].set_index("area")["transfer"]
    divisor, own_unit = money_unit(of_year.abs().max(), lang)
    sides = {"pay": of_year[of_year < -1], "get": of_year[of_year > 1]}  # a yuan is no transfer
    parts = {side: t("areas.comma").join(plain(names[area]) for area in part.abs().sort_values().index[::-1])
             for side, part in sides.items()}
    method = scenario.policy_in(year).pooling.method.value
    told = [t("areas.method_of", year=year, method=t(f"choice.{method}"))]
    told += [t(f"areas.{side}", names=parts[side], amount=number(abs(part.sum()) / divisor), unit=own_unit)
             for side, part in sides.items() if len(part)] or [t("areas.nothing")]
    with note.container(border=True):
        st.markdown(("" if lang == "zh" else " ").join(told))
        st.caption(t("areas.read"))

    left, right = beside(2)
    with left:
        alt = t("areas.transfers_alt", first=years[0], last=years[-1], finding=" ".join(told).replace("*", ""))
        figure = diagrams.around_zero(moves, t("areas.transfers", unit=unit), names, unit)
        card("transfers", figure, moves, alt, found.facts)
    with right:
        held, unit = counties.adjustment(found, lang)
        end = held.frame.iloc[-1]
        alt = t("areas.held_alt", unit=unit, year=int(end["year"]), median=number(end["p50"]),
                most=number(held.frame["p50"].max()))
        lines = {name: t(f"column.{name}") for name in ("p05", "p50", "p95")}
        card("adjustment", diagrams.band(held, t("areas.held", unit=unit), lines, unit), held, alt, found.facts)

    st.subheader(t("areas.compare", since=view.since, year=year))
    comparison = st.container()
    if not settled:
        comparison.caption(t("areas.coming"))

with st.sidebar:
    sidebar()

studies.settle("areas", view, settled)
if several:
    # Three further runs of every county, so after all else: a lever that moves cuts them short.
    with comparison:
        ways = studies.compared(view, draws)
        table = counties.sheet(ways, scenario, lang, year)
        words = {name: t(f"choice.{name}") for name in studies.METHODS}
        pooled = named({words[name]: studies.pooled_as(view, name) for name in words}, min(draws, studies.MOST))
        in_deficit = ways[ways["year"] == year].groupby("method")["p_deficit"].sum()
        st.markdown(t("areas.in_deficit", year=year, since=view.since, all=len(names),
                      **{name: f"{in_deficit[name]:.1f}" for name in studies.METHODS}))
        if year >= view.since and not scenario.policy_in(year).pooling.adjustment_rate.value:
            st.caption(t("areas.no_rate"))
        left, right = beside(2)
        told = " ".join(t("areas.one_way", method=words[name], count=f"{in_deficit[name]:.1f}") for name in words)
        ratios = table.frame["balance_ratio"]
        alts = {"balance_ratio": t("areas.balance_ratio_alt", year=year, low=percent(ratios.min()),
                                   high=percent(ratios.max())),
                "p_deficit": t("areas.p_deficit_alt", year=year, told=told)}
        for column, (name, error) in zip((left, right), (("balance_ratio", None), ("p_deficit", "p_deficit_se")),
                                         strict=True):
            figure = diagrams.side_by_side(table, t(f"areas.{name}", year=year), words, name, error)
            with column:
                card(f"county_{name}", figure, table, alts[name], pooled)
        st.caption(t("areas.compare_read", draws=f"{min(draws, studies.MOST):,}"))
        config = {name: st.column_config.TextColumn(head, pinned=True) if name in ("county", "method") else
                  st.column_config.NumberColumn(head, format=table.forms.get(name, FORMS["share"]))
                  for name, head in table.heads.items()}
        st.dataframe(table.frame, hide_index=True, column_config=config, height="content", column_order=counties.SHOWN,
                     alt=t("areas.table_alt", year=year))
        download("csv.areas", t("areas.csv"), counties.sheet(ways, scenario, lang), "areas", facts=pooled)
