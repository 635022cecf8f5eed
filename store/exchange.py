"""The library as one file, and a file into the library: it is checked first, and all of it goes in or nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import sqlalchemy as sa
from pydantic import FailFast, Field, NaiveDatetime

from simulation import __version__, load_scenario
from simulation.estimates import Estimate
from simulation.loading import library, parse_scenario
from simulation.reading import MAX_BYTES, MAX_FAULTS, build, decoded, first, read_yaml, too_large, values_in
from simulation.runs import finite
from simulation.scenario import Change
from simulation.terms import BadInput, Fault, Record, Source, refuse, short, words
from simulation.trees import nearest
from store.database import reading, writing
from store.library import Draft, add, checked, entries, new_code, row_of, version_of, versions

FORM = 1  # of the file; a later form gets a greater number
LARGEST = 64_000_000  # bytes of a file that is read
MOST = 50_000  # entries of a file
MOST_VALUES = 1_000_000  # of a file: a few bytes of JSON each, but a hundred in memory
MOST_VALUES_OF_ONE = 20_000  # of one entry, as each may be a fault of its own
STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # never tried twice, closed or not: one pass
STATED = Source(status="assumption")


class FileVersion(Draft):
    """A version in a file; `restored` is the number of the version it repeats."""

    restored: Annotated[int, Field(ge=1, strict=True)] | None = None
    created: NaiveDatetime


class FileEntry(Record):
    """An entry in a file, its versions oldest first."""

    code: Annotated[str, Field(pattern=r"^[0-9a-f]{10}$")]
    title: str
    notes: str = ""
    author: str = ""
    created: NaiveDatetime
    versions: Annotated[tuple[FileVersion, ...], FailFast(), Field(min_length=1)]


class LibraryFile(Record):
    """A library in a file."""

    library: int
    model: str
    entries: Annotated[tuple[FileEntry, ...], FailFast(), Field(max_length=MOST)]


class Taken(NamedTuple):
    """What became of the entries of a file."""

    added: int
    known: int  # were there already, word for word, and may have gone on since
    copied: int  # differ from what the library holds under the same code, and stand beside it from now on


def exported(engine: sa.Engine) -> str:
    """Every entry that is not deleted, with all its versions, as JSON; times are UTC."""
    with reading(engine) as connection:
        rows = connection.execute(sa.select(entries).where(entries.c.deleted.is_(None)).order_by(entries.c.id)).all()
        kept: dict[int, list[dict]] = {row.id: [] for row in rows}
        for row in connection.execute(sa.select(versions).order_by(versions.c.id)):
            if row.entry in kept:
                kept[row.entry].append(FileVersion(**content_of(row)).model_dump(mode="json"))
    told = [{"code": row.code, "title": row.title, "notes": row.notes, "author": row.author,
             "created": row.created.isoformat(), "versions": kept[row.id]} for row in rows]
    return json.dumps({"library": FORM, "model": __version__, "entries": told}, ensure_ascii=False, indent=1)


def content_of(row: sa.Row) -> dict[str, Any]:
    """What a version says, without its place in the database."""
    version = version_of(row)._asdict()
    return {name: version[name] for name in FileVersion.model_fields}


def imported(engine: sa.Engine, content: bytes, place: str) -> Taken:
    """Put the entries of a file into the library, where nothing is overwritten; a known one that was deleted returns.

    Raises `BadInput` with every fault found, and then nothing has been put in.
    """
    found = read(content, place)
    counts = {"added": 0, "known": 0, "copied": 0}
    with writing(engine) as connection:
        alike: dict[tuple, list[int]] = {}
        for key, *like in connection.execute(sa.select(
                entries.c.id, entries.c.title, entries.c.author, entries.c.created).order_by(entries.c.id)):
            alike.setdefault(tuple(like), []).append(key)
        for kept in found.entries:
            counts[_put(connection, kept, alike)] += 1
    return Taken(**counts)


def _put(connection: sa.Connection, kept: FileEntry, alike: Mapping[tuple, list[int]]) -> str:
    own = {"title": kept.title.strip(), "notes": kept.notes, "author": kept.author.strip()}
    rows = [row_of(Draft(**version.model_dump(include=set(Draft.model_fields))), number, version.restored)
            | {"created": version.created} for number, version in enumerate(kept.versions, 1)]
    there = connection.execute(sa.select(entries.c.id).where(entries.c.code == kept.code)).scalar()
    if there is not None:  # it or an earlier copy, which has another code
        for key in alike.get((own["title"], own["author"], kept.created), ()):
            if _holds(connection, key, kept):
                connection.execute(sa.update(entries).where(entries.c.id == key).values(deleted=None))
                return "known"
    code = kept.code if there is None else new_code()
    add(connection, own | {"code": code, "created": kept.created, "deleted": None}, rows)
    return "added" if there is None else "copied"


def _holds(connection: sa.Connection, key: int, kept: FileEntry) -> bool:
    """Whether an entry has the notes and versions of a file word for word, and perhaps has gone on since."""
    notes = connection.execute(sa.select(entries.c.notes).where(entries.c.id == key)).scalar_one()
    held = connection.execute(sa.select(versions).where(versions.c.entry == key).order_by(versions.c.id)
                              .limit(len(kept.versions)))
    return notes == kept.notes and [content_of(row) for row in held] == [
        version.model_dump() | {"author": version.author.strip()} for version in kept.versions]


def read(content: bytes, place: str) -> LibraryFile:
    """The library in a file; raises `BadInput` with the place and remedy of every fault found."""
    damaged = refuse(place, words("内容损坏，不是方案库文件", "is damaged, or is not a library file"),
                     words("请重新导出", "export it again"))
    if len(content) > LARGEST:
        raise too_large(place, LARGEST)
    try:
        text = decoded(content, place, LARGEST)
    except BadInput:
        raise damaged from None
    if marks(text) > MOST_VALUES and marks(STRING.sub("", text)) > MOST_VALUES:  # before anything is made of it
        raise refuse(place, words(f"内容多于 {MOST_VALUES:,} 项", f"holds more than {MOST_VALUES:,} values"),
                     words("请分成几个文件", "divide it into several files"))
    try:
        data = json.loads(text, object_pairs_hook=once, parse_constant=finite)
    except (ValueError, RecursionError):
        raise damaged from None
    if not isinstance(data, Mapping):
        raise damaged
    if data.get("library") != FORM:
        raise refuse(f"{place}: library", words(f"“{short(data.get('library'))}”不是本程序认识的格式",
                                                f"'{short(data.get('library'))}' is not a form this program knows"),
                     words("请用导出它的程序版本，或升级", "use the version that wrote it, or a newer one"))
    check_amount(data, place)
    found: LibraryFile = build(LibraryFile, data, place, most=MOST_VALUES)
    faults: list[Fault] = []
    for n, entry in enumerate(found.entries):
        faults += faults_in(entry, f"{place}: entries.{n}")
        if len(faults) >= MAX_FAULTS:  # the rest is read when these are put right
            break
    if faults:
        raise BadInput(first(faults, 0, place))
    codes: dict[str, int] = {}
    for n, entry in enumerate(found.entries):
        if codes.setdefault(entry.code, n) != n:
            raise refuse(f"{place}: entries.{n}.code", words(f"与第 {codes[entry.code]} 项重复",
                                                             f"is that of entries.{codes[entry.code]} too"),
                         words("请只保留一项", "keep one of the two"))
    return found


def check_amount(data: Mapping[str, Any], place: str) -> None:
    """Refuse what would give more faults than anyone could read: unknown parts, and entries out of all measure."""
    if unknown := next((key for key in data if key not in LibraryFile.model_fields), None):
        raise refuse(f"{place}: {short(unknown)}", words("不认识的键", "unknown key"), words("请删去", "remove it"))
    found = data.get("entries")
    for n, one in enumerate(found if isinstance(found, list) else ()):
        if values_in(one, MOST_VALUES_OF_ONE) > MOST_VALUES_OF_ONE:
            raise refuse(f"{place}: entries.{n}",
                         words(f"内容多于 {MOST_VALUES_OF_ONE:,} 项", f"holds more than {MOST_VALUES_OF_ONE:,} values"),
                         words("请只保留所需版本", "keep only the versions that are needed"))


def marks(text: str) -> int:
    """How many signs a text has of which each begins a value in JSON: never fewer than it has values, but one."""
    return text.count(",") + text.count("[") + text.count("{")


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys are not repeated."""
    if len(found := dict(pairs)) != len(pairs):
        raise ValueError("a key is repeated")
    return found


def faults_in(entry: FileEntry, place: str) -> list[Fault]:
    """What of an entry cannot be kept or not be read."""
    faults: list[Fault] = []

    def gather(check: Any, *arguments: Any, **named: Any) -> None:
        try:
            check(*arguments, **named)
        except BadInput as bad:
            faults.extend(bad.faults)

    gather(checked, title=entry.title, notes=entry.notes, place=f"{place}.")
    gather(checked, Draft(text="", author=entry.author), place=f"{place}.")
    for number, version in enumerate(entry.versions, 1):
        where = f"{place}.versions.{number - 1}"
        gather(checked, version, place=f"{where}.")
        gather(readable, version, f"{where}.text")
        if version.restored is not None and version.restored >= number:
            faults.append(Fault(f"{where}.restored", words("应是更早的一版", "is not an earlier version"),
                                words(f"请写小于 {number} 的版号，或删去",
                                      f"give a number below {number}, or remove it")))
    return faults


def readable(draft: Draft, place: str) -> None:
    """Refuse a text that is neither a scenario nor the changes of one of this program's scenarios."""
    if len(draft.text) > MAX_BYTES:
        raise too_large(place)
    if draft.kind == "scenario":
        parse_scenario(draft.text, place)
        return
    data = read_yaml(draft.text, place)
    base = data.get("base") if isinstance(data, Mapping) else None
    if base not in library():
        near = nearest(str(base), library())
        raise refuse(f"{place}: base", words(f"没有情景“{short(base)}”", f"there is no scenario '{short(base)}'"),
                     words(f"是否为：{near}", f"did you mean {near}"))
    if unknown := set(data) - {"base", "changes", "assumptions"}:
        raise refuse(f"{place}: {short(min(unknown, key=str))}", words("不认识的键", "unknown key"),
                     words("请删去", "remove it"))
    levers = [build(Change, one, f"{place}: changes.{n}") for n, one in enumerate(parts(data, "changes", place))]
    otherwise = [build(Estimate, {"name" if key == "assumption" else key: value for key, value in one.items()
                                  if key != "reason"}, f"{place}: assumptions.{n}")
                 for n, one in enumerate(parts(data, "assumptions", place))]
    try:
        load_scenario(base).changed(levers).assuming(otherwise)
    except BadInput as bad:
        raise BadInput([Fault(f"{place}: {fault.place}", fault.what, fault.remedy) for fault in bad.faults]) from None


def parts(data: Mapping, name: str, place: str) -> list[dict]:
    """The items of a list in a difference file, each with the source that the file need not say."""
    found = data.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise refuse(f"{place}: {name}", words("不是列表", "is not a list of changes"), words("请改正", "correct it"))
    return [{**one, "source": STATED} for one in found]
