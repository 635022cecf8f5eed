"""The track record: how well the sandbox would have done, on published series or on a fund's own table."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from report import charts, panels
from report.inquiry import TESTED
from report.tables import Drawn
from report.text import percent, plain, say, years_of
from simulation.backtest import TITLES, Record
from simulation.calibration import as_difference, read_targets
from simulation.grids import MAX_BYTES
from simulation.results import EVENTS
from simulation.scoring import GRADES, MANY_CUTOFFS
from simulation.series import Series, read_series
from simulation.terms import BadInput, Fault
from ui import forecasts, reasons, records, state, tracks
from ui.figures import beside, card, download, table
from ui.runs import SEED, key
from ui.text import language, t
from ui.view import known, scenario_of
from ui.widgets import sidebar

OWN = "own"  # the choice of an uploaded table
BADGES = {"A": "green", "B": "blue", "C": "orange", "D": "red", "–": "gray"}
MEGABYTES = -(-MAX_BYTES // 1_000_000)

view, lang = state.view(), language()
scenario = scenario_of(view)


# --- parts of the page ------------------------------------------------------------------------------

def hand_out(name: str, drawn: Drawn, figure: go.Figure | None = None) -> None:
    """A button that hands out a frame, named after the fund and not after the scenario in view."""
    download(f"csv.record.{name}", t("table.csv" if figure is None else "chart.csv"), drawn, name, figure, of="")


def framed(name: str, figure: go.Figure, drawn: Drawn, alt: str, note: str = "", opened: bool = False) -> None:
    """A chart with its words, its data as a table, which may be open from the start, and as a file."""
    with st.container(border=True):
        st.plotly_chart(figure, key=f"chart.record.{name}", alt=alt, config=charts.PLAIN)
        if note:
            st.caption(note)
        hand_out(name, drawn, figure)
        data = st.expander(t("chart.data"), opened, key=f"data.record.{name}", on_change="rerun")
        if data.open:
            with data:
                table(drawn, alt)


def written(drawn: Drawn, alt: str, text: pd.DataFrame | None = None) -> None:
    """A small table in words, which every reader can read and print."""
    text = records.in_words(drawn).map(plain) if text is None else text
    st.table(text.rename(columns=drawn.heads), hide_index=True, border="horizontal", alt=alt)


def graded(drawn: Drawn, alt: str) -> None:
    """Graded outputs as a table narrow enough for a tablet, each grade a badge."""
    text = records.compact(drawn, lang).map(plain)
    grade, meaning = (drawn.heads[name] for name in ("grade", "meaning"))
    text[grade] = [f":{BADGES[mark]}-badge[**{mark}**] {said}" for mark, said in zip(
        drawn.frame["grade"], text[meaning], strict=True)]
    written(drawn, alt, text.drop(columns=meaning))


def told(faults: list[Fault], headed: str) -> None:
    """Every fault in a sentence, with its place and its remedy."""
    st.error(headed, icon=":material/error:")
    st.markdown("\n".join("- " + t("record.fault", place=plain(place), what=plain(what), remedy=plain(remedy))
                          for place, what, remedy in (records.in_place(fault, lang) for fault in faults)))


def asked(name: str) -> bool:
    """Whether the reader has asked for a part that takes its time."""
    return st.toggle(t(f"record.ask.{name}"), key=f"record.ask.{name}", persist_state="session")


# --- which fund -------------------------------------------------------------------------------------

def chosen() -> tuple[Series | None, str, bool]:
    """The fund's table, the template scenario, and whether the table was uploaded."""
    series = records.tables()
    near, shared = records.nearest(scenario, series)
    if st.session_state.get("record.near") != near:  # another scenario is looked at than when the fund was chosen
        st.session_state["record.near"] = near
        if st.session_state.get("record.fund") != OWN:
            st.session_state["record.fund"] = near
    left, right = st.columns(2)
    name = left.selectbox(
        t("record.fund"), [*series, OWN], key="record.fund", persist_state="session",
        format_func=lambda name: say(lang, "record.own") if name == OWN else records.titled(series[name], lang))
    base = right.selectbox(t("record.template"), tracks.bases(), key="record.template", persist_state="session",
                           format_func=lambda name: known(name).title[lang], help=t("record.template_help"))
    st.caption(t("record.near_shared" if shared else "record.near_latest", count=shared,
                 fund=plain(records.titled(series[near], lang)), title=plain(scenario.title[lang])))
    if TESTED in series:
        st.caption(t("record.of_brief", fund=plain(records.titled(series[TESTED], lang))))
        st.page_link("ui/pages/overview.py", label=t("record.to_brief"), icon=":material/description:")
    return (uploaded() if name == OWN else series[name]), base, name == OWN


def uploaded() -> Series | None:
    """The table just given, or nothing where there is none or it has faults, which are then told."""
    st.markdown(t("record.upload_text"))
    with st.container(horizontal=True):
        for form, kind in (("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
                           ("csv", "text/csv")):
            st.download_button(t(f"record.empty.{form}"), tracks.empty_table(form, lang),
                               f"{t('record.empty.name')}.{form}", kind, key=f"record.empty.{form}",
                               on_click="ignore", icon=":material/download:")
    file = st.file_uploader(t("record.upload"), type=["csv", "xlsx"], key="record.upload", max_upload_size=MEGABYTES)
    with st.expander(t("record.format")):
        columns, rules = records.columns_told(lang)
        st.table(columns, hide_index=True, border="horizontal", alt=t("record.format"))
        st.markdown("\n".join(f"- {plain(rule)}" for rule in rules))
        st.caption(t("record.format_more"))
    if file is None:
        return None
    try:
        return read_series(file.getvalue(), file.name)
    except BadInput as bad:
        told(bad.faults, t("record.faults", count=len(bad.faults)))
        return None


def described(series: Series) -> None:
    """What was read: years, figures, hash; what is odd; the table itself."""
    st.caption(t("record.read_as", first=series.years[0], last=series.years[-1], years=len(series.years),
                 cells=series.cells, sha=series.sha256[:12]))
    if series.notes or series.ignored:
        ignored = t("record.ignored", names=t("record.comma").join(series.ignored)) if series.ignored else ""
        st.warning("  \n".join(plain(note) for note in [*(note[lang] for note in series.notes), ignored] if note),
                   icon=":material/info:")
    drawn = records.as_read(series, lang)
    with st.expander(t("record.as_read")):
        table(drawn, t("record.as_read"))
        hand_out(f"{series.name}_table", drawn)


# --- the record -------------------------------------------------------------------------------------

def grades(record: Record) -> None:
    """The grade board, its rule, and the cut-offs that could not be forecast."""
    drawn = records.board(record, lang)
    with st.container(border=True):
        st.markdown(records.finding(record, lang))
        st.caption(t("record.basis", draws=f"{tracks.DRAWS:,}", seed=SEED,
                     template=plain(known(record.template).title[lang])))
    graded(drawn, t("record.board_alt"))
    st.caption(t("record.board_read"))
    hand_out(f"{record.series.name}_grades", drawn)
    with st.expander(t("record.rule")):
        st.markdown("\n".join(f"- **{grade}**　{rule[lang]}" for grade, rule in GRADES.items()))
        st.caption(t("record.rule_read"))
    with st.expander(t("record.by_horizon")):
        drawn = records.by_horizon(record, lang)
        graded(drawn, t("record.by_horizon"))
        hand_out(f"{record.series.name}_by_horizon", drawn)
    if record.skipped:
        with st.expander(t("record.skipped", years=years_of([year for year, _ in record.skipped], lang))):
            st.markdown("\n".join(t("record.skipped_year", year=year, why=plain(why[lang]))
                                  for year, why in record.skipped))


def fans(record: Record) -> None:
    """What happened and what was forecast, of one output."""
    given = set(record.forecasts["quantity"])
    quantity = st.selectbox(t("record.output"), [name for name in TITLES if name in given], key="record.output",
                            format_func=lambda name: TITLES[name][lang])
    drawn, unit = records.forecasts(record, quantity, lang)
    told = record.judged[(record.judged["quantity"] == quantity) & (record.judged["horizon"] == 0)].iloc[0]
    title = TITLES[quantity][lang]
    headed = t("column.share", what=title, unit=unit) if unit else title
    ahead = {n: t("record.ahead", years=n) for n in range(1, tracks.HORIZON + 1)}
    words = {"p50": t("label.p50")} | {name: t(f"record.{name}") for name in ("actual", "half", "nine", "cutoff")}
    alt = t("record.fans_alt", what=headed, first=int(drawn.frame["year"].min()), last=int(drawn.frame["year"].max()),
            cutoffs=int(told["cutoffs"]), n=int(told["n"]), nine=percent(told["cover90"], 0),
            half=percent(told["cover50"], 0))
    note = t("record.fans_read") + (t("record.fans_cut") if forecasts.cut(drawn.frame) else "")
    framed(f"{record.series.name}_{quantity}", forecasts.intervals(
        drawn, headed, words, ahead, ",.1f" if unit else ".1%"), drawn, alt, note)


def crossed(record: Record) -> None:
    """Stated chances of crossing lines beside how often they were crossed."""
    drawn, scores = records.reliability(record, lang), records.crossings(record, lang)
    if scores.frame.empty:
        st.info(t("record.no_crossings"))
        return
    n, cutoffs = int(scores.frame["n"].sum()), int(scores.frame["cutoffs"].max())
    written(scores, t("record.crossings_alt"))
    left, right = st.columns([2, 3])
    words = {name: t(f"record.{name}") for name in ("stated", "happened", "right")}
    alt = t("record.reliability_alt", told=t("record.comma").join(
        t("record.reliability_point", stated=percent(row.probability, 0), happened=percent(row.frequency, 0), n=row.n)
        for row in drawn.frame.itertuples() if row.n))
    with left:
        framed(f"{record.series.name}_reliability",
               forecasts.reliability(drawn, t("record.reliability"), words), drawn, alt)
    with right:
        if cutoffs < MANY_CUTOFFS:
            st.info(t("record.few", n=n, cutoffs=cutoffs), icon=":material/info:")
        st.caption(t("record.crossings_read"))
        hand_out(f"{record.series.name}_crossings", scores)


# --- what is computed when it is asked for ------------------------------------------------------------

def calibration(name: str) -> None:
    """A national scenario calibrated to published figures."""
    fit = tracks.fit(name)
    drawn, held = records.targets(fit, read_targets(name), lang), fit.targets["held_out"]
    near = fit.targets["miss"].abs() <= 1
    st.markdown(t("record.fit_told", count=len(held), fitted=int((~held).sum()), near=int((near & ~held).sum()),
                  held=int(held.sum()), held_near=int((near & held).sum())))
    words = {"fitted": t("record.fitted"), "held": t("record.held"), "sd": t("record.one_sd")}
    worst = drawn.frame.loc[drawn.frame["miss"].abs().idxmax()]
    alt = t("record.dots_alt", count=len(held), what=worst["what"], year=worst["year"], off=f"{worst['off']:+.1f}")
    framed(f"{name}_targets", forecasts.dots(drawn, t("record.dots"), words), drawn, alt, t("record.dots_read"),
           opened=True)
    for part, frame in (("assumptions", records.fitted(fit, lang)), ("ties", records.ties(fit, lang))):
        st.markdown(f"**{t(f'record.{part}')}**")
        if frame.frame.empty:
            st.caption(t("record.no_ties"))
            continue
        st.caption(t(f"record.{part}_read"))
        written(frame, t(f"record.{part}"))
        hand_out(f"{name}_{part}", frame)
    st.download_button(t("record.fit_file"), as_difference(fit, f"{name[:29]}_calibrated"), f"{name}_calibrated.yaml",
                       "application/yaml", key="record.fit_file", on_click="ignore", icon=":material/download:")


def own_scenario(series: Series, base: str, own: bool) -> None:
    """A scenario of the fund, what it took from the table, and how the next years look."""
    try:
        made = tracks.own(series, base, own)
    except BadInput as bad:
        told(bad.faults, t("record.refused"))
        return
    years, run = made.scenario.horizon(), made.run
    st.markdown(f"**{plain(records.titled(series, lang))}**　{plain(made.scenario.story[lang])}")
    left, right = beside(2)
    shown = panels.fan("balance", run, made.scenario, lang)
    with left:
        framed(f"{series.name}_balance_ratio", shown.figure, shown.drawn, shown.alt)
    shown = panels.chances(run, lang)
    last = shown.drawn.frame.iloc[-1]
    alt = t("record.chances_alt", year=years[-1], told=t("record.comma").join(
        t("record.part", name=t(f"event.{event}"), share=percent(last[event])) for event in EVENTS))
    with right:
        framed(f"{series.name}_chances", shown.figure, shown.drawn, alt)
    drawn = records.taken(made.scenario, lang)
    st.markdown(f"**{t('record.taken', count=len(drawn.frame))}**")
    st.caption(t("record.taken_read", template=plain(known(base).title[lang])))
    st.dataframe(drawn.frame, hide_index=True, height=360, alt=t("record.taken", count=len(drawn.frame)),
                 column_config={name: st.column_config.TextColumn(head, width="medium" if name == "interval" else None)
                                for name, head in drawn.heads.items()})
    with st.container(horizontal=True):
        hand_out(f"{series.name}_taken", drawn)
        st.download_button(t("record.own_file"), made.text, "own_fund.yaml", "application/yaml", key="record.own_file",
                           type="primary", on_click="ignore", icon=":material/download:")
    st.markdown(t("record.own_run"))
    st.code("python -m simulation run own_fund.yaml", language="bash")


def shape() -> None:
    """How unevenly spending falls in the scenario in view, beside published shapes."""
    if not asked("shape"):
        return
    with st.spinner(t("record.working")):
        measures, curves = tracks.shape(*key(view))
    alike = measures[measures["alike"]]
    st.markdown(t("record.shape_told", count=len(alike), within=int(alike["within"].sum())) if len(alike)
                else t("record.shape_unlike"))
    drawn, why = records.shapes(measures, lang), ["population", "reason", "source"]
    text = records.in_words(drawn).map(plain)
    written(drawn, t("record.shape_alt"), text.drop(columns=why[1:]))
    st.caption(t("record.shape_read"))
    hand_out(f"{view.scenario}_shapes", drawn)
    with st.expander(t("record.reasons")):
        written(drawn, t("record.reasons"), text[why].drop_duplicates())
    card("shapes", *lorenz_of(curves))


def lorenz_of(curves: pd.DataFrame) -> tuple:
    """The Lorenz curves as a figure, its frame and its words."""
    drawn, whom = records.lorenz(curves, lang)
    half = drawn.frame.loc[(drawn.frame["people"] - 0.5).abs().idxmin()]
    alt = t("record.lorenz_alt", told=t("record.comma").join(
        t("record.part", name=name, share=percent(half[kind])) for kind, name in whom.items()))
    return forecasts.lorenz(drawn, t("record.lorenz"), whom, t("record.even")), drawn, alt


# --- the page ---------------------------------------------------------------------------------------

st.title(t("page.record"))
st.markdown(t("record.question"))
state.warn()

st.header(t("record.head.fund"))
series, base, own = chosen()
if view.edits:
    st.info(t("record.levers"), icon=":material/info:")
if series is not None:
    described(series)
st.header(t("record.head.grades"))
board = st.container()
st.header(t("record.head.fit"))
st.markdown(t("record.fit_text"))
national = st.container()
with national:
    to_fit = st.selectbox(t("panel.scenario"), tracks.calibrated(), key="record.calibrated", persist_state="session",
                          format_func=lambda name: known(name).title[lang])
    fits = asked("fit")
st.header(t("record.head.own"))
st.markdown(t("record.own_text", years=tracks.YEARS))
made = st.container()
with made:
    makes = series is not None and asked("own")
    if series is None:
        st.info(t("record.no_table"), icon=":material/upload_file:")
st.header(t("record.head.parts"))
st.markdown(t("record.in_view", text=t("record.parts_text"), title=plain(scenario.title[lang])))
variances = st.container()
st.header(t("record.head.shape"))
st.markdown(t("record.in_view", text=t("record.shape_text"), title=plain(scenario.title[lang])))
spread = st.container()
with st.sidebar:
    sidebar()

# What is quick comes first; the back-test then fills the place that was kept for it.
with variances:
    if asked("parts"):
        reasons.variance(view, "variance")
with spread:
    shape()
with board:
    if series is None:
        st.info(t("record.no_table"), icon=":material/upload_file:")
    else:
        try:
            record = tracks.record(series, base, own)
        except BadInput as bad:
            told(bad.faults, t("record.refused"))
        else:
            grades(record)
            st.subheader(t("record.head.fans"))
            fans(record)
            st.subheader(t("record.head.crossed"))
            crossed(record)
if makes:
    with made:
        own_scenario(series, base, own)
if fits:
    with national:
        calibration(to_fit)
