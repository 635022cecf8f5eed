"""Whether the database can be used, and whether there is room for it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from simulation.terms import BadInput, Fault, words
from store.database import VERSION_TABLE, database, named, newest, upgrade, version, writing

ROOM = 200  # megabytes: with less, a backup or a class's events may not fit
PATIENCE = 2.0  # seconds to wait for somebody who is writing


class Health(NamedTuple):
    """The state of the database; `fault` is None where all is well."""

    kind: str  # sqlite, postgresql ...
    version: str | None  # of its tables
    room: int | None  # megabytes free where the file is; None for a server's database
    fault: Fault | None


def health(url: str | None = None) -> Health:
    """Read and write the database, and look how full its disk is; an empty one is brought to this version first."""
    kind, found, room = "unknown", None, None
    try:
        engine = database(url, PATIENCE)
        kind = engine.dialect.name
        try:
            upgrade(engine)
            found = version(engine)
            touch(engine)
        finally:
            engine.dispose()
        room = room_for(engine)
    except BadInput as bad:
        return Health(kind, found, room, bad.faults[0])
    return Health(kind, found, room, full(engine, room))


def touch(engine: sa.Engine) -> None:
    """Write what is there already; raises `BadInput` where that cannot be done."""
    with writing(engine) as connection:
        table = sa.table(VERSION_TABLE, sa.column("version_num"))
        connection.execute(sa.update(table).values(version_num=newest()))


def room_for(engine: sa.Engine) -> int | None:
    """Megabytes free on the disk of a SQLite file."""
    file = engine.url.database
    if engine.dialect.name != "sqlite" or not file or file == ":memory:":
        return None
    return shutil.disk_usage(Path(file).resolve().parent).free // 2**20


def full(engine: sa.Engine, room: int | None) -> Fault | None:
    """A fault where there is too little room."""
    if room is None or room >= ROOM:
        return None
    return Fault(named(engine), words(f"所在磁盘只剩 {room} MB", f"has only {room} MB left on its disk"),
                 words("请腾出空间", "make room"))
