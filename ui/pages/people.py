"""People: a family's bills, who gains and loses, what is left to pay, and who made a bad future."""

import pandas as pd
import streamlit as st

from report.diagrams import courses
from report.text import number, plain, say, unit_text
from simulation import __version__
from simulation.incidence import THRESHOLD
from simulation.terms import BadInput, Fault
from ui import comparisons, family, futures, incidence, state, studies
from ui.figures import beside, card, download, table
from ui.runs import at_rest, draws_for, named
from ui.text import language, t
from ui.view import known, scenario_of
from ui.widgets import MEGABYTES, sidebar

PARTS = ("family", "winners", "burden", "future")
view, lang = state.view(), language()
scenario, base = scenario_of(view), known(view.scenario)
years = list(scenario.horizon())
EDITOR = f"family.{view.scenario}"  # what the tables are kept under: another scenario has other groups and tiers
EXAMPLE = f"family.example.{view.scenario}"  # the choice of a ready-made family is one of its tables
kept = st.session_state.setdefault("family.kept", {})


def year_box(where: object, key: str) -> int:
    """The year whose rules are asked about: that in which the edits begin, to begin with."""
    return where.selectbox(t("people.year"), years, years.index(view.since), key=f"{key}.{view.scenario}.{view.since}",
                           help=t("people.year_help"))


def warn(faults: list[Fault]) -> None:
    """Say in one sentence each what could not be used."""
    for fault in faults[:3]:
        st.warning(plain(fault.sentence(lang)), icon=":material/error:")


# --- the family calculator ----------------------------------------------------------------------------

def start(persons: pd.DataFrame, bills: pd.DataFrame) -> None:
    """Put a family into the tables, in place of what stands there: new editors take it up."""
    st.session_state["family.faults"] = []
    version = kept.get(EDITOR, (0,))[0] + 1
    kept[EDITOR] = version, persons, bills, persons, bills


def chosen() -> None:
    """Go to the ready-made family chosen."""
    name = st.session_state[EXAMPLE]
    if name:
        start(*family.example(name, scenario, view.since, lang))


def uploaded() -> None:
    """Add the person of a file; what cannot be read is said and changes nothing."""
    file = st.session_state["family.upload"]
    if file:
        try:
            start(*family.added(*kept[EDITOR][3:], family.from_file(file.getvalue(), file.name, scenario)))
        except BadInput as bad:
            st.session_state["family.faults"] = bad.faults


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The two tables to type in, and what stands in them now."""
    version, persons, bills, *_ = kept[EDITOR]
    keys = [f"{EDITOR}.{part}.{version}" for part in ("persons", "bills")]
    if any(key not in st.session_state for key in keys):  # a new editor begins with what was last typed
        persons, bills = kept[EDITOR][3:]
        kept[EDITOR] = version, persons, bills, persons, bills
    axes, column = scenario.axes, st.column_config
    choice = lambda name, names, tip=None: column.SelectboxColumn(  # noqa: E731
        t(f"family.{name}"), options=list(names), format_func=lambda code: names[code][lang], width=150, help=tip)
    money = lambda name: column.NumberColumn(  # noqa: E731
        t("column.share", what=t(f"family.{name}"), unit=unit_text("yuan", lang)), min_value=0.0, max_value=1e9,
        format="%.2f", help=t(f"family.{name}_help"))
    number = lambda name, low, high: column.NumberColumn(  # noqa: E731
        t(f"family.{name}"), min_value=low, max_value=high, step=1, format="%d", help=t(f"family.{name}_help"))
    st.markdown(f"**{t('family.persons')}**")
    used = {"commercial": scenario.policy_in(view.since).benefits.commercial_rate.value, "area": scenario.local_rules}
    persons = st.data_editor(persons, key=keys[0], num_rows="dynamic", width="stretch", alt=t("family.persons"),
                             placeholder="–",
                             column_order=[name for name in family.PERSON if used.get(name, True)],
                             column_config={
        "name": column.TextColumn(t("family.name"), max_chars=family.NAME), "group": choice("group", axes.group),
        "status": choice("status", axes.status), "area": choice("area", axes.area, t("family.area_help")),
        "contribution_years": number("contribution_years", 0, 100),
        "contracted": column.CheckboxColumn(t("family.contracted"), help=t("family.contracted_help")),
        "commercial": column.CheckboxColumn(t("family.commercial"), help=t("family.commercial_help"))})
    st.markdown(f"**{t('family.bills')}**")
    bills = st.data_editor(bills, key=keys[1], num_rows="dynamic", width="stretch", alt=t("family.bills"),
                           placeholder="–",
                           column_config={
        "person": number("person", 1, family.PERSONS), "kind": choice("kind", axes.kind),
        "tier": choice("tier", axes.tier), "expense": money("expense"), "eligible": money("eligible"),
        "referred_from": choice("referred_from", axes.tier), "visits": number("visits", 0, 1000)})
    kept[EDITOR] = *kept[EDITOR][:3], persons, bills
    return persons, bills


def calculator() -> None:
    """The family calculator."""
    if EDITOR not in kept:
        start(*family.example(family.FIRST, scenario, view.since, lang))
    st.markdown(t("family.question"))
    left, middle, right = st.columns([2, 1, 2], vertical_alignment="bottom")
    left.selectbox(t("family.example"), list(family.examples()), None, key=EXAMPLE, on_change=chosen,
                   format_func=lambda name: family.examples()[name]["title"][lang],
                   placeholder=t("family.choose"), help=t("family.example_help"))
    year = year_box(middle, "family.year")
    with right.popover(t("family.files"), icon=":material/upload_file:", key="family.files"):
        file = st.file_uploader(t("family.upload"), type=["yaml", "yml"], key="family.upload", on_change=uploaded,
                                max_upload_size=MEGABYTES, help=t("family.upload_help"))
        files = st.container()
    warn(st.session_state.get("family.faults", []) if file else [])  # a page that was left forgets the file
    persons, bills = tables()
    st.caption(t("family.note"))
    try:
        now = family.settled(family.family_of(persons, bills, scenario, year, lang), scenario, year)
        before = family.settled(family.family_of(persons, bills, base, year, lang), base, year) if view.edits else None
    except BadInput as bad:
        warn(bad.faults)
        return
    for n, (name, one) in enumerate(zip(now.family.names, now.family.bills, strict=True)):
        files.download_button(plain(name), family.to_file(one), f"bills_{n + 1}.yaml", "application/yaml",
                              key=f"family.download.{n}", on_click="ignore", icon=":material/download:")
    said = family.sentence(now, before, year, lang)
    with st.container(border=True):
        st.markdown(plain(said))
    drawn = family.totals(now, before, lang)
    by_rules = {"rests": t("family.rests", year=year), "model": __version__}
    card("family", family.totals_figure(drawn, lang), drawn, said, by_rules)
    table(drawn, t("family.chart"))
    st.caption(t("family.read"))
    st.markdown(f"**{t('family.each_bill')}**")
    table(family.per_bill(now, before, scenario, lang), t("family.each_bill"))
    st.markdown(f"**{t('family.steps')}**")
    drawn = family.steps(now, scenario, lang)
    bills_of = list(dict.fromkeys(zip(drawn.frame["member"], drawn.frame["bill"], strict=True)))
    if bills_of:
        which = st.selectbox(t("family.which"), range(len(bills_of)), key=f"family.which.{kept[EDITOR][0]}",
                             format_func=lambda n: say(lang, "people.who", group=bills_of[n][0], status=bills_of[n][1]))
        one = drawn.frame[(drawn.frame["member"] == bills_of[which][0]) & (drawn.frame["bill"] == bills_of[which][1])]
        shown = one[["step", "amount", "clause"]].assign(amount=[number(amount, ",.2f") for amount in one["amount"]])
        st.table(shown.map(plain).rename(columns=drawn.heads), hide_index=True, border="horizontal",
                 alt=t("family.steps"))
        download("csv.family_steps", t("family.steps_csv"), drawn, "family_steps", facts=by_rules)


# --- winners and losers, and who receives what ---------------------------------------------------------

def winners() -> None:
    """Who gains and who loses by the view's edits, and who receives what."""
    st.markdown(t("people.winners_question"))
    left, right = st.columns(2)
    year = year_box(left, "people.winners_year")
    threshold = right.number_input(t("people.threshold"), 0.0, 1e5, THRESHOLD, 1.0, "%g", key="people.threshold",
                                   help=t("people.threshold_help"), persist_state="session")
    both = {t("compare.plan.base"): base, t("compare.plan.now", what=comparisons.edited(view, lang)): scenario}
    facts = named(both if view.edits else {"": scenario}, incidence.DRAWS)
    with st.spinner(t("people.working")):
        answer = incidence.found(view, year, float(threshold))
    if view.edits:
        said = incidence.sentences(answer, scenario, lang)
        with st.container(border=True):
            st.markdown("  \n".join(map(plain, said)))
        drawn = incidence.winners(answer, scenario, lang)
        card("winners", incidence.winners_figure(drawn, lang), drawn, " ".join(said), facts)
        st.table(incidence.compact(drawn, lang).map(plain), hide_index=True, border="horizontal",
                 alt=t("people.winners_chart"))
    else:
        st.info(t("people.no_edits"), icon=":material/info:")
    st.caption(t("people.winners_read"))
    drawn = incidence.received(answer, scenario, lang)
    st.subheader(t("people.received_title", year=year))
    card("received", incidence.received_figure(drawn, lang), drawn, t("people.received_chart"), facts)
    table(drawn, t("people.received_chart"))
    st.caption(t("people.received_read"))


# --- what people bear over the years -------------------------------------------------------------------

def burden(draws: int) -> None:
    """Out-of-pocket spending by group and tier over the years."""
    st.markdown(t("people.burden_question"))
    answer = incidence.burden(view, draws)
    columns = beside(3)
    for n, what in enumerate(("out_of_pocket", "catastrophic", "left")):
        drawn, names, form = incidence.over_years(answer, what, scenario, lang)
        ends = drawn.frame.iloc[[0, -1]]
        told = t("account.comma").join(f"{title} {number(ends[name].iloc[0], form)}→{number(ends[name].iloc[1], form)}"
                                       for name, title in names.items())
        with columns[n]:
            card(f"burden_{what}", courses(drawn, t(f"people.burden.{what}"), names, form), drawn,
                 t("people.burden_alt", title=t(f"people.burden.{what}"), first=years[0], last=years[-1], told=told),
                 answer.facts)
    st.caption(t("people.burden_read"))


# --- a bad future ----------------------------------------------------------------------------------------

def future(draws: int) -> None:
    """One future of the run, and the tiers and groups that made it."""
    st.markdown(t("people.future_question"))
    at = st.slider(t("people.percentile"), futures.PERCENTILES[0], futures.PERCENTILES[-1], futures.BAD,
                   key="people.percentile", format="%d%%", help=t("people.percentile_help"), persist_state="session")
    found = futures.story(view, draws)
    said = futures.sentences(found, at, scenario, lang)
    with st.container(border=True):
        st.markdown("  \n".join(map(plain, said)))
    drawn, unit = futures.waterfall(found, at, scenario, lang)
    facts = named({"": scenario}, draws)
    card("future", futures.waterfall_figure(drawn, unit, at, lang), drawn, " ".join(said), facts)
    st.caption(t("people.waterfall_read"))
    st.markdown(f"**{t('people.groups_title')}**")
    table(futures.by_group(found, at, scenario, lang), t("people.groups_title"))
    st.caption(t("people.groups_read"))
    drawn = futures.departures(found, at, lang)
    card("shocks", futures.departures_figure(drawn, lang), drawn, " ".join(said[1:3]), facts)
    st.caption(t("people.shocks_read"))


st.title(t("page.people"))
st.markdown(f"**{plain(scenario.title[lang])}**")
state.warn()
part = st.segmented_control(t("people.parts"), PARTS, default=PARTS[0], required=True, key="people.part",
                            format_func=lambda name: say(lang, f"people.tab.{name}"), persist_state="session")
runs = part in ("burden", "future")
settled = not runs or at_rest(f"people.{part}", view)
if part == "family":
    calculator()
elif part == "winners":
    winners()
else:
    (burden if part == "burden" else future)(draws_for(view, settled))

with st.sidebar:
    sidebar()

studies.settle(f"people.{part}", view, settled, incidence.burden if part == "burden" else futures.story)
