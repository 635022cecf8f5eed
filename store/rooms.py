"""The rooms of classes: who joined, what was dealt, what teams submitted and how it came out.

A room is a list of events that are only ever added, numbered without gaps; what a room looks like after any of them
follows from reading them in order (`boards.board`). So a replay and the live board are the same thing, and nothing is
lost when a server starts anew.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from simulation.terms import BadInput, Words, refuse, short, words
from store.boards import Board, Event, board
from store.database import metadata, now, reading, writing
from store.letters import fault_in, folded, shown
from store.tries import tried

# Thirty-two characters that are not mistaken for one another; what looks like a digit is read as one (`as_code`).
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})
LENGTH = 8  # of a code: 40 bits
TITLE, NAME, NOTE, TEXT = 80, 40, 300, 60_000  # characters
MEMBERS, TEAMS, ROUNDS, EVENTS = 120, 12, 10, 4000  # the most of a room, beside the event that closes it

rooms = sa.Table(
    "room", metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("code", sa.String(LENGTH), nullable=False, unique=True),
    sa.Column("keyhole", sa.String(64), nullable=False),  # the hash of the facilitator's key
    sa.Column("title", sa.String(TITLE), nullable=False),
    sa.Column("base", sa.Text, nullable=False),  # the view every team starts from, as a difference file
    sa.Column("rounds", sa.Integer, nullable=False),
    sa.Column("teams", sa.Integer, nullable=False),  # how many there may be
    sa.Column("shown", sa.Boolean, nullable=False),  # whether teams see the board
    sa.Column("events", sa.Integer, nullable=False),  # how many there are
    sa.Column("created", sa.DateTime, nullable=False),
    sqlite_autoincrement=True)
room_events = sa.Table(
    "room_event", metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("room", sa.ForeignKey(rooms.c.id), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),  # from 1 in every room: its order
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("team", sa.String(NAME), nullable=False),  # empty where it is not about one
    sa.Column("keyhole", sa.String(64), nullable=False),  # of who joined: the hash of the member's token
    sa.Column("body", sa.Text, nullable=False),  # JSON
    sa.Column("created", sa.DateTime, nullable=False),  # for show only
    sa.UniqueConstraint("room", "number"),
    sqlite_autoincrement=True)


class Room(NamedTuple):
    """A room as it was opened, and how many events it has."""

    id: int
    code: str
    title: str
    base: str
    rounds: int
    teams: int
    shown: bool
    events: int
    created: datetime


class Seat(NamedTuple):
    """Who somebody is in a room: its facilitator, or a member of a team."""

    facilitator: bool
    team: str = ""
    name: str = ""


# --- codes and keys ---------------------------------------------------------------------------------

def as_code(text: str) -> str:
    """A code as it is stored, however it was typed.

    >>> as_code(" abcd-efgo "), as_code("７k2p l9mn")
    ('ABCDEFG0', '7K2P19MN')
    """
    letters = unicodedata.normalize("NFKC", text).upper().translate(MISREAD)
    return "".join(letter for letter in letters if letter in ALPHABET)


def told_code(code: str) -> str:
    """A code as people read it out.

    >>> told_code("7K2P19MN")
    '7K2P-19MN'
    """
    return f"{code[:LENGTH // 2]}-{code[LENGTH // 2:]}"


def keyhole(token: str) -> str:
    """What is stored of a key or token: whoever reads the database cannot act with it.

    As a token is looked up by its hash, the time a look-up takes tells nothing of a token that is nearly right.
    """
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()  # of anything that is typed


def clean(text: str, most: int, what: Words, wanted: bool = True) -> str:
    """A short text on one line, refused when it is empty or too long."""
    text = " ".join("".join(letter for letter in text if letter.isprintable() or letter.isspace()).split())
    if wanted and not text:
        raise refuse("", words(f"没有填写{what.zh}", f"there is no {what.en}"), words("请填写", "give one"))
    if len(text) > most:
        raise refuse(short(text), words(f"{what.zh}超过 {most} 个字", f"the {what.en} is over {most} characters"),
                     words("请写短一些", "make it shorter"))
    return text


# --- reading ----------------------------------------------------------------------------------------

def room(engine: sa.Engine, code: str) -> Room:
    """The room of a code that is known to be one; raises `BadInput` where there is none."""
    with reading(engine) as connection:
        return _room(connection, code)


def found(engine: sa.Engine, code: str, who: str) -> Room:
    """The room of a code that somebody gives; a wrong one is counted as a try of the session `who` (`tries.tried`)."""
    return tried(engine, who, lambda connection: _room(connection, code))


def entered(engine: sa.Engine, code: str, token: str, who: str) -> tuple[Room, Seat]:
    """The room and seat of a code with its key or token. A right pair is let in at any time, a wrong one is a try."""
    def look(connection: sa.Connection) -> tuple[Room, Seat]:
        of = _room(connection, code)
        return of, _seat(connection, of, token)

    try:
        with reading(engine) as connection:
            return look(connection)
    except BadInput:
        return tried(engine, who, look)


def _room(connection: sa.Connection, code: str) -> Room:
    row = connection.execute(sa.select(rooms).where(rooms.c.code == as_code(code))).one_or_none()
    if row is None:
        raise refuse(shown(code), words("没有使用这个房间码的课堂", "no room has this code"),
                     words("请与主持人核对八位字母和数字",
                           "check its eight letters and digits with the facilitator"))
    return Room(**{name: getattr(row, name) for name in Room._fields})


def seat(engine: sa.Engine, code: str, token: str) -> Seat:
    """Who holds a key or token in a room; raises `BadInput` where nobody does."""
    with reading(engine) as connection:
        return _seat(connection, _room(connection, code), token)


def _seat(connection: sa.Connection, of: Room, token: str) -> Seat:
    hole = keyhole(token)
    held = connection.execute(sa.select(rooms.c.keyhole).where(rooms.c.id == of.id)).scalar_one()
    if secrets.compare_digest(held, hole):
        return Seat(facilitator=True)
    row = connection.execute(sa.select(room_events.c.team, room_events.c.body).where(
        room_events.c.room == of.id, room_events.c.kind == "joined", room_events.c.keyhole == hole)).first()
    if row is None:
        raise refuse(told_code(of.code), words("这个链接或钥匙不属于这个课堂", "this link or key is not of this room"),
                     words("请用房间码重新加入，或向主持人索取", "join again by the code, or ask the facilitator"))
    return Seat(False, row.team, json.loads(row.body)["name"])


def happened(engine: sa.Engine, of: Room, upto: int | None = None) -> list[Event]:
    """The events of a room in order, all or up to a number."""
    wanted = sa.select(room_events).where(room_events.c.room == of.id).order_by(room_events.c.number)
    if upto is not None:
        wanted = wanted.where(room_events.c.number <= upto)
    with reading(engine) as connection:
        return [Event(row.number, row.kind, row.team, json.loads(row.body), row.created)
                for row in connection.execute(wanted)]


# --- writing ----------------------------------------------------------------------------------------

def open_room(engine: sa.Engine, title: str, base: str, rounds: int, teams: int, shown: bool) -> tuple[Room, str]:
    """Open a room; returns it with the facilitator's key, which is kept nowhere."""
    title = clean(title, TITLE, words("课堂名称", "title"))
    check_number(rounds, ROUNDS, "rounds")
    check_number(teams, TEAMS, "teams")
    check_text(base)
    key = secrets.token_urlsafe(18)
    with writing(engine) as connection:
        code = new_code()
        while connection.execute(sa.select(rooms.c.id).where(rooms.c.code == code)).first():
            code = new_code()
        connection.execute(sa.insert(rooms).values(
            code=code, keyhole=keyhole(key), title=title, base=base, rounds=rounds, teams=teams, shown=shown, events=0,
            created=now()))
        return _room(connection, code), key


def new_code() -> str:
    """A code that cannot be guessed."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def check_number(value: int, most: int, place: str) -> None:
    """Refuse a number of rounds or teams that a room cannot have."""
    if not 1 <= value <= most:
        raise refuse(place, words(f"{value} 不可用", f"{value} will not do"),
                     words(f"请用 1 到 {most}", f"use 1 to {most}"))


def check_text(text: str) -> None:
    """Refuse a policy that is too long to be one, or holds characters that no text has."""
    if len(text) > TEXT:
        raise refuse("policy", words(f"超过 {TEXT} 个字符", f"is longer than {TEXT} characters"),
                     words("请减少调整", "change less"))
    if fault := fault_in(text, "policy", TEXT):
        raise BadInput([fault])


def _add(connection: sa.Connection, of: Room, kind: str, team: str, body: Mapping[str, Any], hole: str = "") -> int:
    """Add an event and return its number. Counting first takes the room's row, so that no two get the same."""
    connection.execute(sa.update(rooms).where(rooms.c.id == of.id).values(events=rooms.c.events + 1))
    number = connection.execute(sa.select(rooms.c.events).where(rooms.c.id == of.id)).scalar_one()
    if number > EVENTS and kind != "closed":
        raise refuse(told_code(of.code), words("这个课堂的记录已满", "this room is full"),
                     words("请另开一个课堂", "open another one"))
    connection.execute(sa.insert(room_events).values(
        room=of.id, number=number, kind=kind, team=team, keyhole=hole, created=now(),
        body=json.dumps(body, ensure_ascii=False, allow_nan=False)))
    return number


def _taken(connection: sa.Connection, code: str) -> tuple[Room, Board]:
    """A room, taken until the transaction ends, and how it stands; a closed one is refused."""
    of = _room(connection, code)
    # Takes the row on every database, so that what is checked below still holds when the event is added.
    connection.execute(sa.update(rooms).where(rooms.c.id == of.id).values(events=rooms.c.events))
    rows = connection.execute(sa.select(room_events).where(
        room_events.c.room == of.id, room_events.c.kind != "result").order_by(room_events.c.number))
    stands = board(Event(row.number, row.kind, row.team, json.loads(row.body), row.created) for row in rows)
    if stands.closed:
        raise refuse(told_code(of.code), words("课堂已经结束", "the class is over"),
                     words("可以回放，不能再改动", "it can be replayed, and nothing more can be done in it"))
    return of, stands


def join(engine: sa.Engine, code: str, team: str, name: str = "") -> str:
    """Join a team, which the first to name it begins; returns the member's token, which is kept nowhere."""
    team = clean(team, NAME, words("小组名", "team"))
    name = clean(name, NAME, words("名字", "name"), wanted=False)
    token = secrets.token_urlsafe(18)
    with writing(engine) as connection:
        of, stands = _taken(connection, code)
        team = next((known for known in stands.teams if folded(known) == folded(team)), team)
        if team not in stands.teams and len(stands.teams) >= of.teams:
            raise refuse(short(team), words(f"已经有 {of.teams} 个小组", f"there are {of.teams} teams already"),
                         words("请加入其中一组", "join one of them"))
        if sum(len(known.members) for known in stands.teams.values()) >= MEMBERS:
            raise refuse(told_code(of.code), words(f"已经有 {MEMBERS} 人", f"{MEMBERS} people are in it already"),
                         words("请另开一个课堂", "open another room"))
        _add(connection, of, "joined", team, {"name": name}, keyhole(token))
    return token


def submit(engine: sa.Engine, code: str, token: str, text: str, note: str = "") -> int:
    """Submit a team's policy; returns the number of the submission."""
    check_text(text)
    note = clean(note, NOTE, words("理由", "reason"), wanted=False)
    with writing(engine) as connection:
        of, _ = _taken(connection, code)
        who = _seat(connection, of, token)
        if who.facilitator:
            raise refuse(told_code(of.code), words("主持人不属于任何小组", "a facilitator is in no team"),
                         words("请在另一个浏览器里加入", "join from another browser"))
        return _add(connection, of, "submitted", who.team, {"text": text, "note": note, "name": who.name})


def deal(engine: sa.Engine, code: str, key: str, card: str, year: int) -> int:
    """Deal a card to all teams for a year; the facilitator's."""
    with writing(engine) as connection:
        of, stands = _led(connection, code, key)
        if (card, year) in stands.dealt:
            raise refuse(f"{short(card)} {year}", words("已经发过", "has been dealt already"),
                         words("请换一张卡片或一年", "choose another card or year"))
        return _add(connection, of, "dealt", "", {"card": card, "year": year})


def advance(engine: sa.Engine, code: str, key: str, after: int) -> int:
    """Go on from round `after` to the next; the facilitator's. However often it is pressed, no round is skipped."""
    with writing(engine) as connection:
        of, stands = _led(connection, code, key)
        if stands.round != after:
            raise refuse(told_code(of.code),
                         words(f"现在已是第 {stands.round} 轮", f"it is round {stands.round} already"),
                         words("请先看看板；要再进一轮，请再按一次",
                               "look at the board; to go on from there, press again"))
        if stands.round >= of.rounds:
            raise refuse(told_code(of.code), words("这是最后一轮", "this is the last round"),
                         words("可以结束课堂", "the class can be closed"))
        return _add(connection, of, "round", "", {"round": stands.round + 1})


def close(engine: sa.Engine, code: str, key: str) -> int:
    """Close the class: it can be replayed for ever and changed no more; the facilitator's."""
    with writing(engine) as connection:
        of, _ = _led(connection, code, key)
        return _add(connection, of, "closed", "", {})


def _led(connection: sa.Connection, code: str, key: str) -> tuple[Room, Board]:
    of, stands = _taken(connection, code)
    if not _seat(connection, of, key).facilitator:
        raise refuse(told_code(of.code), words("只有主持人可以这样做", "only the facilitator can do this"),
                     words("请用主持人钥匙进入", "enter with the facilitator's key"))
    return of, stands


def record(engine: sa.Engine, code: str, team: str, of: int, cards: int, outcome: Mapping[str, Any]) -> int:
    """Keep how a submission came out under so many cards; an empty team is the starting policy.

    Two who work out the same keep it once; what is overtaken by then is kept and changes nothing.
    """
    with writing(engine) as connection:
        room = _room(connection, code)
        connection.execute(sa.update(rooms).where(rooms.c.id == room.id).values(events=rooms.c.events))  # as in _taken
        for number, body in connection.execute(sa.select(room_events.c.number, room_events.c.body).where(
                room_events.c.room == room.id, room_events.c.kind == "result", room_events.c.team == team)):
            known = json.loads(body)
            if (known["of"], known["cards"]) == (of, cards):
                return number
        return _add(connection, room, "result", team, {"of": of, "cards": cards, "outcome": outcome})
