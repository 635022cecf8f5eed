"""The scenario library: saved views and scenario files, each with its reasons and all of its versions.

Versions are only ever added. Every write names the version it was made upon, so that two people who save the same
entry at once both keep what they wrote, and the second is told.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from simulation import __version__
from simulation.reading import MAX_BYTES
from simulation.terms import BadInput, Fault, Record, refuse, short, words
from store.database import metadata, now, reading, writing
from store.letters import fault_in, folded, shown

CODE, TITLE, AUTHOR, REASON, NOTE = 16, 120, 60, 1000, 4000  # characters
REASONS = 500  # of one version; no scenario has so many levers
SEARCH = 1000  # characters that may be searched for; SQLite refuses a pattern of 50 000 bytes
PAGE = 20  # entries listed at a time
MANY = 1_000_000  # all of them

entries = sa.Table(
    "library_entry", metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("code", sa.String(CODE), nullable=False, unique=True),  # what a link names; the same in every copy
    sa.Column("title", sa.String(TITLE), nullable=False),
    sa.Column("notes", sa.Text, nullable=False),
    sa.Column("author", sa.String(AUTHOR), nullable=False),
    sa.Column("newest", sa.Integer, nullable=False),  # number of its newest version
    sa.Column("created", sa.DateTime, nullable=False),
    sa.Column("deleted", sa.DateTime),
    sa.Column("folded", sa.Text, nullable=False, server_default=""),  # what is searched (`as_searched`)
    sqlite_autoincrement=True)
versions = sa.Table(
    "library_version", metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("entry", sa.ForeignKey(entries.c.id), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("rationale", sa.Text, nullable=False),  # JSON: name of a lever or assumption to its reason
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("author", sa.String(AUTHOR), nullable=False),
    sa.Column("model", sa.String(40), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("restored", sa.Integer),  # the number of the version it repeats
    sa.Column("created", sa.DateTime, nullable=False),
    sa.UniqueConstraint("entry", "number"),
    sqlite_autoincrement=True)


class Draft(Record):
    """What is saved as one version."""

    text: str  # a view's difference file, or a whole scenario file
    kind: Literal["difference", "scenario"] = "difference"
    rationale: dict[str, str] = {}
    note: str = ""
    author: str = ""
    model: str = __version__
    fingerprint: str = ""  # of the scenario with its changes, as this model read it


class Entry(NamedTuple):
    """One entry of the list."""

    id: int
    code: str
    title: str
    notes: str
    author: str
    newest: int
    created: datetime
    deleted: datetime | None


LISTED = [entries.c[name] for name in Entry._fields]


class Version(NamedTuple):
    """One version of an entry."""

    number: int
    kind: str
    text: str
    rationale: dict[str, str]
    note: str
    author: str
    model: str
    fingerprint: str
    restored: int | None
    created: datetime


class Overtaken(BadInput):
    """Somebody has written since what was seen: it has to be looked at before it is written upon."""


# --- reading ----------------------------------------------------------------------------------------

def listed(engine: sa.Engine, search: str = "", deleted: bool = False, page: int = 0,
           size: int = PAGE) -> tuple[list[Entry], int]:
    """A page of the entries, newest first, and how many there are in all; each searched word must occur somewhere."""
    search = search.replace("\0", "")
    if fault := fault_in(search, "search", SEARCH):
        raise BadInput([fault])
    wanted = entries.c.deleted.is_not(None) if deleted else entries.c.deleted.is_(None)
    for word in folded(search).split()[:10]:
        wanted = sa.and_(wanted, sa.or_(entries.c.code == word, entries.c.folded.contains(word, autoescape=True)))
    with reading(engine) as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(entries).where(wanted)).scalar_one()
        rows = connection.execute(sa.select(*LISTED).where(wanted).order_by(entries.c.id.desc())
                                  .limit(size).offset(page * size))
        return [Entry(*row) for row in rows], count


def entry(engine: sa.Engine, code: str) -> Entry:
    """The entry of a code, deleted or not; raises `BadInput` where there is none."""
    with reading(engine) as connection:
        return _entry(connection, code)


def history(engine: sa.Engine, code: str) -> list[Version]:
    """Every version of an entry, newest first."""
    with reading(engine) as connection:
        own = _entry(connection, code).id
        rows = connection.execute(sa.select(versions).where(versions.c.entry == own).order_by(versions.c.id.desc()))
        return [version_of(row) for row in rows]


def version(engine: sa.Engine, code: str, number: int | None = None) -> Version:
    """One version of an entry, the newest where no number is given; raises `BadInput` where there is none."""
    with reading(engine) as connection:
        return _version(connection, _entry(connection, code), number)


def _entry(connection: sa.Connection, code: str, held: bool = False) -> Entry:
    wanted = sa.select(*LISTED).where(entries.c.code == ("" if fault_in(code, "", CODE) else code))
    # Where a transaction writes, SQLite holds all rows from its beginning, and leaves these words out.
    row = connection.execute(wanted.with_for_update() if held else wanted).one_or_none()
    if row is None:
        raise refuse(f"saved={shown(code)}", words("方案库里没有这个方案", "there is no such entry in the library"),
                     words("请到方案库查找", "look for it on the page Library"))
    return Entry(*row)


def _version(connection: sa.Connection, of: Entry, number: int | None) -> Version:
    number = of.newest if number is None else number
    row = None
    if 1 <= number <= of.newest:  # a server refuses a number beyond its integers
        row = connection.execute(sa.select(versions).where(versions.c.entry == of.id,
                                                           versions.c.number == number)).one_or_none()
    if row is None:
        raise no_version(number, of.newest)
    return version_of(row)


def no_version(number: int, newest: int) -> BadInput:
    """That an entry has no version of a number."""
    return refuse(f"version={short(number)}", words("没有这一版", "there is no such version"),
                  words(f"请用 1 到 {newest}", f"use 1 to {newest}"))


def version_of(row: sa.Row) -> Version:
    """A row of the table as a version."""
    kept = row._asdict() | {"rationale": json.loads(row.rationale)}
    return Version(*(kept[name] for name in Version._fields))


# --- writing ----------------------------------------------------------------------------------------

def save(engine: sa.Engine, title: str, draft: Draft, notes: str = "") -> str:
    """A new entry with its first version; returns its code."""
    checked(title=title, notes=notes, draft=draft)
    code = new_code()
    with writing(engine) as connection:
        add(connection, {"code": code, "title": title.strip(), "notes": notes, "author": draft.author.strip(),
                         "created": now(), "deleted": None}, [row_of(draft, 1)])
    return code


def add(connection: sa.Connection, own: Mapping[str, Any], rows: list[dict[str, Any]]) -> None:
    """An entry and its versions as rows of the tables."""
    own = {**own, "newest": len(rows), "folded": as_searched(own["title"], own["notes"], own["author"])}
    key = connection.execute(sa.insert(entries).values(own)).inserted_primary_key[0]
    connection.execute(sa.insert(versions), [row | {"entry": key} for row in rows])


def as_searched(*texts: str) -> str:
    """Title, notes and author as one text to search, in which no word runs from one into the next."""
    return folded("\n".join(texts))


def append(engine: sa.Engine, code: str, draft: Draft, after: int) -> int:
    """A further version of an entry, made upon version `after`; returns its number.

    Raises `BadInput` where someone has saved a version meanwhile: nothing of theirs is lost, and nothing is written.
    """
    checked(draft=draft)
    with writing(engine) as connection:
        return _append(connection, code, draft, after)


def restore(engine: sa.Engine, code: str, number: int, after: int) -> int:
    """A further version equal to an old one; returns its number."""
    with writing(engine) as connection:
        old = _version(connection, _entry(connection, code), number)
        draft = Draft(**{name: getattr(old, name) for name in Draft.model_fields})
        return _append(connection, code, draft, after, restored=number)


def _append(connection: sa.Connection, code: str, draft: Draft, after: int, restored: int | None = None) -> int:
    own = _held(connection, code)
    if after < own.newest:
        raise Overtaken([Fault(
            own.title, words(f"他人已保存第 {own.newest} 版，您看到的是第 {after} 版；没有覆盖",
                             f"version {own.newest} has been saved meanwhile, and you saw version {after}; "
                             "nothing has been overwritten"),
            words("请先看新版，再次保存即存为下一版", "look at it; to save yours as the next version, save again"))])
    if after > own.newest:  # an earlier backup has been brought back
        raise Overtaken(no_version(after, own.newest).faults)
    connection.execute(sa.update(entries).where(entries.c.id == own.id).values(newest=after + 1))
    connection.execute(sa.insert(versions).values(**row_of(draft, after + 1, restored), entry=own.id))
    return after + 1


def amend(engine: sa.Engine, code: str, title: str, notes: str, seen: tuple[str, str]) -> None:
    """Give an entry another title and other notes in the place of those `seen`.

    Raises `BadInput` where someone has changed them meanwhile, and then nothing is written.
    """
    checked(title=title, notes=notes)
    wanted = title.strip(), notes
    with writing(engine) as connection:
        own = _held(connection, code)
        if (own.title, own.notes) not in (seen, wanted):
            raise Overtaken([Fault(
                own.title, words("他人已更新名称或备注；没有覆盖",
                                 "its title or notes have been updated meanwhile; nothing has been overwritten"),
                words("请先看现在的内容，再次更新即换成您写的",
                      "look at what they say now; to put yours in their place, update again"))])
        connection.execute(sa.update(entries).where(entries.c.id == own.id).values(
            title=wanted[0], notes=notes, folded=as_searched(*wanted, own.author)))


def _held(connection: sa.Connection, code: str) -> Entry:
    """An entry that is to be changed, held until the transaction ends; a deleted one is refused."""
    own = _entry(connection, code, held=True)
    if own.deleted is not None:
        raise refuse(own.title, words("已删除", "has been deleted"), words("请先恢复", "bring it back first"))
    return own


def delete(engine: sa.Engine, code: str) -> None:
    """Take an entry out of the list; `undelete` brings it back."""
    _set(engine, code, deleted=now())


def undelete(engine: sa.Engine, code: str) -> None:
    """Bring a deleted entry back with all its versions."""
    _set(engine, code, deleted=None)


def _set(engine: sa.Engine, code: str, **values: Any) -> None:
    with writing(engine) as connection:
        connection.execute(sa.update(entries).where(entries.c.id == _entry(connection, code).id).values(**values))


def new_code() -> str:
    """The name of an entry in links: forty random bits, so that two databases can be put together."""
    return secrets.token_hex(5)


def row_of(draft: Draft, number: int, restored: int | None = None) -> dict[str, Any]:
    """A draft as a row of the table."""
    return draft.model_dump() | {"number": number, "restored": restored, "created": now(),
                                 "author": draft.author.strip(),
                                 "rationale": json.dumps(draft.rationale, ensure_ascii=False)}


# --- what may be saved ------------------------------------------------------------------------------

def checked(draft: Draft | None = None, title: str | None = None, notes: str = "", place: str = "") -> None:
    """Refuse what cannot be kept, every fault at once: too long, empty, or characters that no text has."""
    given = [("notes", notes, NOTE)] + ([("title", title, TITLE)] if title is not None else [])
    faults = []
    if draft is not None:
        given += [("text", draft.text, MAX_BYTES), ("note", draft.note, NOTE), ("author", draft.author, AUTHOR),
                  ("model", draft.model, 40), ("fingerprint", draft.fingerprint, 64)]
        for name, reason in draft.rationale.items():
            given += [(f"rationale.{short(name)}", reason, REASON), ("rationale", name, 200)]
        if len(draft.rationale) > REASONS:
            faults.append(Fault(f"{place}rationale", words("理由太多", "there are too many reasons"),
                                words(f"最多 {REASONS} 条", f"keep at most {REASONS}")))
    faults += [fault for name, text, most in given if (fault := fault_in(text, f"{place}{name}", most))]
    if title is not None and not title.strip():
        faults.append(Fault(f"{place}title", words("没有名称", "is missing"), words("请填写名称", "give it a name")))
    if faults:
        raise BadInput(faults)
