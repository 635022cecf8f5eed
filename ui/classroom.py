"""A class on the pages: who sits here, what a team's policy comes to under the cards, and what each may do."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import streamlit as st

from report.cards import Dealt, deck
from report.measured import came_to
from report.text import plain
from simulation.terms import BadInput, Fault, refuse, words
from store import rooms
from store.boards import Board, Event, board
from ui import access, shelf, state
from ui.runs import SEED, made
from ui.text import language, t
from ui.view import View, from_file, scenario_of, to_file

DRAWS = 2048  # a run of half a second; the same for every team, and so are the futures
CODE = 20  # the most letters that may be typed for a code
WATCHING = "watch"  # the seat of who only looks at the board


class Here(NamedTuple):
    """The room somebody is in, and who he is in it."""

    room: rooms.Room
    token: str
    seat: rooms.Seat | None  # None: only looks on


# --- who sits here ------------------------------------------------------------------------------------

def here() -> Here | None:
    """The room and seat of this browser; None before it has joined. A link that is no good is said and let go."""
    kept = st.session_state.setdefault("class", {})
    code, token = kept.get("room"), st.session_state.get("room.key") or kept.get("seat")
    if not code or not token:
        return None
    try:
        if token == WATCHING:
            room = looked_for(code)
            if not room.shown:
                raise refuse(rooms.told_code(room.code), words("主持人没有公开看板", "its board is not open"),
                             words("请用小组的链接进入", "enter by a team's link"))
            return Here(room, token, None)
        room, seat = rooms.entered(shelf.engine(), code, token, me())
    except BadInput as bad:
        refused(bad, code)
        return None
    if seat.facilitator and "seat" in kept:
        # A facilitator shows his screen and passes on his address: the key must not stand in it.
        sit(room.code, None, token)
    return Here(room, token, seat)


def sit(code: str, token: str | None, key: str | None = None) -> None:
    """Take a seat in a room: a member's stays in the address, so that a reload finds it; a facilitator's does not."""
    st.session_state["class"] = {"room": code} | ({"seat": token} if token else {})
    st.session_state["room.key"] = key


def leave() -> None:
    """Give up the seat of this browser; the room keeps all that happened."""
    st.session_state["class"] = {}
    st.session_state["room.key"] = None


def me() -> str:
    """A mark of this session, under which its failed tries of codes are counted."""
    return rooms.keyhole(st.session_state.setdefault("room.me", secrets.token_urlsafe(18)))


def looked_for(code: str) -> rooms.Room:
    """The room of a code that is typed or in a link: looked for as a try until it has been found here once."""
    if st.session_state.get("room.found") == rooms.as_code(code):
        return rooms.room(shelf.engine(), code)
    room = rooms.found(shelf.engine(), code, me())
    st.session_state["room.found"] = room.code
    return room


def refused(bad: BadInput, code: str) -> None:
    """Say why there is no way in, and leave the code where it can be put right: it is not looked up again by itself."""
    say(bad.faults)
    leave()
    st.session_state["room.code"] = code[:CODE]


def say(faults: list[Fault]) -> None:
    """Note what went wrong, to be shown once."""
    st.session_state["room.faults"] = faults


def warn() -> None:
    """What went wrong with the last wish, a sentence each."""
    with st.container():
        for fault in st.session_state.pop("room.faults", []):
            st.warning(plain(fault.sentence(language())), icon=":material/error:")


def attempt(act: Callable[..., Any], *arguments: Any) -> Any:
    """Do something in the database; what cannot be done is noted and nothing is lost."""
    try:
        return act(*arguments)
    except BadInput as bad:
        say(bad.faults)
        return None


# --- how things stand ---------------------------------------------------------------------------------

@st.cache_resource(show_spinner=False, max_entries=256)
def stands(code: str, opened: datetime, number: int) -> tuple[tuple[Event, ...], Board]:
    """The events of a room up to a number and how it stood after them: they never change, so they are kept."""
    events = tuple(rooms.happened(shelf.engine(), rooms.room(shelf.engine(), code), number))
    return events, board(events)


def now(code: str) -> tuple[rooms.Room, tuple[Event, ...], Board]:
    """A room as it stands."""
    room = rooms.room(shelf.engine(), code)
    return room, *stands(room.code, room.created, room.events)


# --- what policies come to ----------------------------------------------------------------------------

def view_from(text: str) -> View:
    """The view a submission holds."""
    return from_file(text.encode(), t("room.policy"))


@st.cache_data(show_spinner=False, max_entries=512)
def outcome_of(text: str, dealt: tuple[tuple[str, int], ...], draws: int, seed: int) -> dict[str, Any]:
    """What a policy comes to under the cards dealt, on the same draws for all."""
    scenario = scenario_of(from_file(text.encode(), "policy"))
    return made(came_to, scenario, tuple(Dealt(*one) for one in dealt), draws, seed)


def work_out(room: rooms.Room, teams: list[str] | None = None) -> None:
    """Work out and keep what is not yet known: of some teams, or of all and of the starting policy."""
    *_, stood = now(room.code)
    waiting = [name for name in stood.waiting() if teams is None or name in teams]
    if not waiting:
        return
    bar = st.progress(0.0, t("room.working"))
    for n, name in enumerate(waiting):
        team = stood.teams[name] if name else stood.start
        try:
            found = outcome_of(team.text if name else room.base, stood.dealt, DRAWS, SEED)
            rooms.record(shelf.engine(), room.code, name, team.submitted, len(stood.dealt), found)
        except BadInput as bad:
            say(bad.faults)
        bar.progress((n + 1) / len(waiting), t("room.working"))
    bar.empty()


# --- what each may do: the callbacks of the page's buttons --------------------------------------------
# They read the widgets themselves: what was typed a moment ago has not yet reached a button's arguments.

def typed(name: str) -> Any:
    """What a widget of the page holds now."""
    return st.session_state[f"room.{name}"]


def open_one(views: Mapping[str, View]) -> None:
    """Open a room from one of some views and sit in it as its facilitator."""
    if st.session_state.get("room.key"):
        return  # the second of a double click

    def opened() -> tuple[rooms.Room, str]:
        access.require("facilitator")
        base = to_file(views[typed("start_from")])
        outcome_of(base, (), DRAWS, SEED)  # a scenario that no class can play is refused before there is a room
        return rooms.open_room(shelf.engine(), typed("title"), base, typed("rounds"), typed("teams"), typed("shown"))

    if found := attempt(opened):
        sit(found[0].code, None, found[1])


def enter() -> None:
    """Come back by a key or token."""
    code, token = typed("back_code"), typed("back_key").strip()
    if found := attempt(rooms.entered, shelf.engine(), code, token, me()):
        _, seat = found
        # A facilitator's key never stands in the address.
        sit(rooms.as_code(code), None if seat.facilitator else token, token if seat.facilitator else None)


def look_for() -> None:
    """Go to the door of a room."""
    if found := attempt(looked_for, typed("code")):
        st.session_state["class"] = {"room": found.code}


def join(room: rooms.Room) -> None:
    """Join a team and start from the room's policy."""
    if st.session_state["class"].get("seat"):
        return  # the second of a double click
    if token := attempt(rooms.join, shelf.engine(), room.code, typed("team") or "", typed("name")):
        sit(room.code, token)
        begin_anew(room)


def begin_anew(room: rooms.Room) -> None:
    """Look at the room's starting policy; "undo" leads back."""
    state.take(lambda: view_from(room.base))


def submit(at: Here) -> None:
    """Submit the view on the pages as the team's policy; of a double click, once."""
    policy = at.room.code, at.token, to_file(state.view()), typed("note")
    before, when = st.session_state.get("room.submitted", (None, 0.0))
    if policy == before and time.monotonic() < when + state.SOON:
        return
    if attempt(rooms.submit, shelf.engine(), *policy) is not None:
        st.session_state["room.submitted"] = policy, time.monotonic()


def deal(at: Here) -> None:
    """Deal a card to all."""
    attempt(rooms.deal, shelf.engine(), at.room.code, at.token, typed("card"), typed("card_year"))


def advance(at: Here) -> None:
    """The next round after the one that was seen; of a double click, the second was aimed at the first's round."""
    def gone_on() -> None:
        _, seen = stands(at.room.code, at.room.created, at.room.events)
        before, when = st.session_state.get("room.gone_on", (0, -state.SOON))
        after = before if time.monotonic() < when + state.SOON else seen.round
        rooms.advance(shelf.engine(), at.room.code, at.token, after)
        st.session_state["room.gone_on"] = after, time.monotonic()

    attempt(gone_on)


def close(at: Here) -> None:
    """The end of the class."""
    attempt(rooms.close, shelf.engine(), at.room.code, at.token)


# --- words --------------------------------------------------------------------------------------------

def card_title(card: str) -> str:
    """A card's name; one that this version does not have, by its code."""
    known = deck().cards.get(card)
    return known.title[language()] if known else card


def told(event: Event) -> str:
    """What happened, in words."""
    body, name = event.body, event.body.get("name") or t("room.somebody")
    team = event.team or t("room.start")
    return t(f"room.event.{event.kind}", team=team, name=name, card=card_title(body.get("card", "")),
             year=body.get("year", ""), round=body.get("round", ""))
