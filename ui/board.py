"""The board of a class: how the teams stand, live or as of any moment, in a table and two charts."""

from __future__ import annotations

from datetime import UTC
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from report import standings
from report.cards import Dealt, basis, deck
from report.standings import COURSES, MEASURES, RANKED, Row
from report.tables import Drawn
from report.text import percent, plain, say
from simulation.reference import joined
from store.boards import Board, Event
from ui import classroom
from ui.classroom import Here
from ui.figures import beside, card, download, table
from ui.text import language, t

EVERY = {True: 2.0, False: 5.0}  # seconds between looks: the facilitator's, and everybody else's


def rows_of(board: Board) -> list[Row]:
    """The teams as lines of the board."""
    return [Row(name, len(team.members), team.round if team.submitted else 0,
                "none" if not team.submitted else "waiting" if team.outcome is None
                else "old" if not board.current(team)
                else "earlier" if team.round < board.round else "submitted", team.outcome)
            for name, team in board.teams.items()]


def live(at: Here, controls: bool) -> None:
    """The board as it stands, drawn anew every few seconds; it only reads."""
    @st.fragment(run_every=EVERY[controls])
    def draw() -> None:
        *_, board = classroom.now(at.room.code)
        if board.closed:
            st.info(t("room.closed"), icon=":material/lock:")
        show(board, at, "live")
        if controls and board.waiting():
            st.caption(t("room.waiting"))
            if st.button(t("room.work_out"), key="room.work_out", icon=":material/calculate:"):
                st.rerun()  # the whole page, which works out what is waiting; the board itself only reads

    draw()


def replay(at: Here) -> None:
    """The board as of any event: the same board, of fewer events."""
    last = st.session_state.setdefault("room.replay.last", classroom.now(at.room.code)[0].events)
    if last < 2:
        st.caption(t("room.replay_nothing"))
        return
    key = "room.replay.at"
    st.session_state.setdefault(key, last)
    back, place, on = st.columns([2, 9, 2], vertical_alignment="bottom")
    back.button(t("room.back"), key="room.replay.back", on_click=step, args=(-1, last), icon=":material/chevron_left:",
                width="stretch")
    number = place.slider(t("room.replay_at"), 1, last, key=key)
    on.button(t("room.on"), key="room.replay.on", on_click=step, args=(1, last), icon=":material/chevron_right:",
              width="stretch")
    events, board = classroom.stands(at.room.code, at.room.created, number)
    event = events[-1]
    st.markdown(f"**{number}.** {plain(classroom.told(event))}　:small[{t('room.when', **when(event))}]")
    if note := event.body.get("note"):
        st.caption(plain(note))
    show(board, at, "replay")


def when(event: Event) -> dict[str, str]:
    """When something happened by the clock of who looks on, and which clock that is; UTC where his browser tells none.

    A name that is none of the known zones is not looked for: it comes from the browser.
    """
    zone = st.context.timezone if st.context.timezone in zones() else "UTC"
    return {"time": f"{event.created.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}", "zone": zone}


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """The time zones there are."""
    return frozenset(available_timezones())


def step(by: int, last: int) -> None:
    """One event back or on."""
    key = "room.replay.at"
    st.session_state[key] = min(max(st.session_state[key] + by, 1), last)


def show(board: Board, at: Here, name: str) -> None:
    """A board: round and cards, the table by a chosen measure, and the two charts."""
    lang = language()
    st.markdown(t("room.stands", round=board.round, rounds=at.room.rounds, teams=len(board.teams),
                  members=sum(len(team.members) for team in board.teams.values()),
                  submitted=sum(team.round == board.round and team.submitted > 0 for team in board.teams.values())))
    dealt_cards(board, name)
    rows = rows_of(board)
    by = st.selectbox(t("room.rank"), list(MEASURES), list(MEASURES).index(RANKED), key=f"room.{name}.by",
                      format_func=lambda code: say(lang, f"room.measure.{code}"))
    way = {-1: "lower", 1: "higher", 0: "neither"}[MEASURES[by].better]
    st.caption(("" if lang == "zh" else " ").join([say(lang, f"room.meaning.{by}"), say(lang, f"room.way.{way}"),
                                                  t("room.ties")]))
    drawn = standings.standings(rows, board.start.outcome, by, lang)
    table(drawn, t("room.table_alt"))
    errors = [row.outcome["errors"] for row in rows if row.outcome]
    if errors:
        years = max(one.get(RANKED, 0.0) for one in errors)  # what was kept by an earlier version does not say it
        st.caption(t("room.error", error=f"{100 * max(one['deficit'] for one in errors):.2g}", years=f"{years:.2g}",
                     draws=f"{classroom.DRAWS:,}"))
    download(f"csv.room.{name}", t("table.csv"), drawn, f"class_{board.number}")
    if not (any(row.outcome for row in rows) or board.start.outcome):
        return
    for state in ("old", "earlier"):
        if names := [row.name for row in rows if row.outcome and row.state == state]:
            st.caption(t(f"room.figures.{state}", teams=plain(joined(names, lang))))
    left, right = beside(2)
    with left:
        course = st.selectbox(t("room.course"), COURSES, key=f"room.{name}.course",
                              format_func=lambda code: say(lang, f"room.of.{code}"))
        drawn, figure = course_chart(rows, board, course)
        card(f"room.{name}.course_of", figure, drawn, t("room.course_alt", what=say(lang, f"room.of.{course}"),
                                                        told=told(drawn)))
    with right:
        st.caption(t("room.balance_read"))
        drawn = standings.balance(rows, board.start.outcome, lang)
        alt = t("brief.semicolon").join(t("room.balance_of", team=row.team, own=percent(row.own_share),
                                          years=f"{row.deficit_years:.2f}") for row in drawn.frame.itertuples())
        card(f"room.{name}.balance", standings.balance_figure(drawn, t("room.balance"), lang), drawn,
             t("room.balance_alt", told=alt))


def course_chart(rows: list[Row], board: Board, course: str) -> tuple[Drawn, go.Figure]:
    """The course by year that is chosen, and its chart."""
    drawn = standings.courses(rows, board.start.outcome, course, language())
    lines = [of["line"] for of in [*(row.outcome for row in rows), board.start.outcome] if of]
    known = [Dealt(*one) for one in board.dealt if one[0] in deck().cards]
    line = lines[0] if course == "balance_ratio" and lines else None
    return drawn, standings.course_figure(drawn, say(language(), f"room.of.{course}"), known, language(), line)


def told(drawn: Drawn) -> str:
    """The end of each course in words, for who cannot see the chart."""
    end = drawn.frame.iloc[-1]
    return t("brief.semicolon").join(f"{drawn.heads[name]} {percent(end[name])}" for name in drawn.frame.columns
                                     if name != "year")


def dealt_cards(board: Board, where: str) -> None:
    """The card dealt last, and those before it in a drawer, so that the board stays in sight."""
    *before, last = [(), *board.dealt]
    if before[1:]:
        with st.expander(t("room.earlier_cards"), key=f"room.{where}.earlier"):
            for one in before[1:]:
                dealt_card(*one)
    if last:
        dealt_card(*last)


def dealt_card(name: str, year: int) -> None:
    """A card that was dealt: what it does, and what its size rests on."""
    lang, one = language(), deck().cards.get(name)
    if one is None:
        st.warning(t("room.unknown_card", card=plain(name)))
    else:
        st.info(f"**{plain(one.title[lang])}（{year}）** {plain(one.text[lang])}  \n:small[{plain(basis(name, lang))}]"
                if lang == "zh" else
                f"**{plain(one.title[lang])} ({year}).** {plain(one.text[lang])}  \n:small[{plain(basis(name, lang))}]",
                icon=":material/bolt:")


def history(events: tuple[Event, ...]) -> Drawn:
    """Everything that happened, a row an event: for a file."""
    frame = pd.DataFrame([{"number": event.number, "time": f"{event.created:%Y-%m-%d %H:%M:%S}", "kind": event.kind,
                           "told": classroom.told(event), "note": event.body.get("note", ""),
                           "policy": event.body.get("text", "")} for event in events],
                         columns=["number", "time", "kind", "told", "note", "policy"])
    return Drawn(frame, {name: t(f"room.column.{name}") for name in frame.columns}, {"number": "%d"})
