"""Failed tries of room codes: counted in the database, for all its servers together, so that none is found by trying.

Forty bits and `ALL` tries in `WINDOW` seconds leave whoever tries all year a chance of one in seventy to find any of a
thousand rooms. Who holds a seat or a key is not asked (`rooms.entered`), so a class goes on whoever tries beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa

from simulation.terms import BadInput, refuse, words
from store.database import metadata, now, writing

WINDOW = 600  # seconds over which failed tries are counted
OWN, ALL = 10, 300  # the most of one session, and of all; thirty people may each mistype a code ten times
ADVISORY_LOCK = 20030117  # as in `database`: any number that no other program of the same server database locks
Found = TypeVar("Found")

tries = sa.Table(
    "room_try", metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("who", sa.String(64), nullable=False),  # a mark of the session, which says nothing of the person
    sa.Column("created", sa.DateTime, nullable=False, index=True),
    sqlite_autoincrement=True)


def tried(engine: sa.Engine, who: str, look: Callable[[sa.Connection], Found]) -> Found:
    """What a look-up finds. One that raises `BadInput` is counted; after too many nothing is looked up at all.

    Counting and looking are one transaction that others wait for: many tries at once are not more than one by one.
    """
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":  # SQLite lets one write at a time anyway
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADVISORY_LOCK)))
        if wait := waiting(connection, who):
            minutes = -(-wait // 60)
            raise refuse("", words("输错房间码的次数太多", "wrong room codes have been tried too often"),
                         words(f"请等 {minutes} 分钟再试；已在课堂里的人不受影响",
                               f"try again in {minutes} min; whoever is in a room already goes on"))
        try:
            return look(connection)
        except BadInput as bad:
            missed = bad
        at = now()
        connection.execute(sa.delete(tries).where(~counted(at)))
        connection.execute(sa.insert(tries).values(who=who, created=at))
    raise missed


def counted(at: datetime) -> sa.ColumnElement[bool]:
    """Which tries count; those a clock that was set back has put far ahead do not, or they would count for years."""
    return tries.c.created.between(at - timedelta(seconds=WINDOW - 1), at + timedelta(seconds=WINDOW))


def waiting(connection: sa.Connection, who: str) -> int:
    """For how many seconds a session has to wait before it may try again: none as long as there are tries left."""
    at, longest = now(), 0
    for most, whose in ((OWN, tries.c.who == who), (ALL, sa.true())):
        last = connection.execute(sa.select(tries.c.created).where(counted(at), whose).order_by(
            tries.c.created.desc()).offset(most - 1).limit(1)).scalar()
        if last is not None:
            longest = max(longest, min(WINDOW, int((last - at).total_seconds()) + WINDOW))
    return longest
