"""All that the database holds as one SQLite file, and back; so also from a file to a server and from a server."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace as replaced
from pathlib import Path

import sqlalchemy as sa

from simulation.terms import BadInput, refuse, short, words
from simulation.writing import whole
from store import library, rooms  # noqa: F401 - declare the tables
from store.database import NO_DATABASE, database, metadata, named, reading, upgrade, version, writing

ROWS = 1000  # copied at a time


def backup(engine: sa.Engine, file: Path) -> int:
    """Write every table into a new SQLite file; returns the number of rows. Whoever works meanwhile goes on."""
    if file.exists():
        raise refuse(short(file), words("已经存在", "is there already"), words("请换一个文件名", "choose another name"))
    with whole(file) as part:
        part.touch()
        copy = database(f"sqlite:///{part.as_posix()}")
        try:
            upgrade(copy)
            return _copied(engine, copy)
        except BadInput as bad:  # nobody knows the file by the name it has for now
            raise BadInput([replaced(fault, place=file.name) if fault.place == part.name else fault
                            for fault in bad.faults]) from None
        finally:
            copy.dispose()
            for beside in part.parent.glob(f"{part.name}-*"):  # of SQLite, gone by themselves where all went well
                beside.unlink(missing_ok=True)


def bring_back(engine: sa.Engine, file: Path, replace: bool = False) -> int:
    """Put a backup in the place of all that the database holds; returns the number of rows.

    Refuses where rows would be lost, unless `replace`. A backup of an older version will do; the file is only read.
    """
    if not file.is_file():
        raise refuse(short(file), words("没有这个文件", "there is no such file"), words("请检查路径", "check the path"))
    if not replace and (held := rows(engine)):
        raise refuse(named(engine), words(f"里面有 {held} 行，会被替换", f"holds {held} rows that would be replaced"),
                     words("请先备份，再加 --replace", "make a backup first, then add --replace"))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / file.name
        _take_out(file, copy)
        old = database(f"sqlite:///{copy.as_posix()}")
        if version(old) is None:
            raise refuse(short(file), words("不是本程序的备份", "is not a backup of this program"),
                         words("请用 library backup 写出的文件", "use a file that library backup has written"))
        upgrade(old)
        count = _copied(old, engine)
        old.dispose()
    return count


def _take_out(file: Path, copy: Path) -> None:
    """Copy a SQLite file with what still stands in its log alone, as it does while somebody works with it."""
    log = file.with_name(f"{file.name}-wal")
    how = "mode=ro" if log.is_file() and log.stat().st_size else "immutable=1"  # which asks nothing of the folder
    try:
        with (closing(sqlite3.connect(f"{file.resolve().as_uri()}?{how}", uri=True)) as source,
              closing(sqlite3.connect(copy)) as target):
            source.backup(target)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise refuse(short(file), *NO_DATABASE) from None
        raise refuse(short(file), words("读不到这个文件", f"cannot be read ({error})"),
                     words("请检查路径和权限", "check the path and permissions")) from None


def rows(engine: sa.Engine) -> int:
    """How many rows the database holds in all."""
    with reading(engine) as connection:
        return sum(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
                   for table in metadata.sorted_tables)


def _copied(source: sa.Engine, target: sa.Engine) -> int:
    """Replace the rows of a database by those of another, in one transaction at each end."""
    count = 0
    with reading(source) as read, writing(target) as write:
        if source.dialect.name == "postgresql":  # all tables as they were at one moment; SQLite does so anyway
            read.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for table in reversed(metadata.sorted_tables):
            write.execute(sa.delete(table))
        for table in metadata.sorted_tables:
            key = list(table.primary_key.columns)
            for part in read.execute(sa.select(table).order_by(*key)).mappings().partitions(ROWS):
                write.execute(sa.insert(table), [dict(row) for row in part])
                count += len(part)
            if target.dialect.name == "postgresql" and len(key) == 1 and isinstance(key[0].type, sa.Integer):
                greatest = sa.select(sa.func.max(key[0])).scalar_subquery()  # new rows are numbered after those copied
                write.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(table.name, key[0].name),
                                                       sa.func.coalesce(greatest, 1), greatest.is_not(None))))
    return count
