"""The database: a file beside the project, or any server SQLAlchemy can reach; its versions, and its faults in words.

Times are stored as UTC and are for show only: clocks are set back, so what came later is told by the greater id.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from simulation.terms import BadInput, Words, refuse, words

VARIABLE = "SANDBOX_DATABASE"
FILE = Path(__file__).resolve().parent.parent / "library" / "sandbox.db"  # where nothing else is named
PATIENCE = 5.0  # seconds to wait for another who is writing
MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "sandbox_version"  # a server's database may hold other programs' tables, and their versions
ADVISORY_LOCK = 20030116  # any number that no other program of the same server database locks

metadata = sa.MetaData(naming_convention={  # so that every database gives a constraint the same name
    "ix": "ix_%(column_0_label)s", "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s", "pk": "pk_%(table_name)s"})
_upgrading = threading.Lock()  # Alembic keeps the migration under way in its module


def now() -> datetime:
    """The time in UTC, without a zone and without fractions of a second, as every table keeps it."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


# --- opening ----------------------------------------------------------------------------------------

def address(url: str | None = None) -> str:
    """The URL to use: the one given, the one the environment names, or the file beside the project."""
    return url or os.environ.get(VARIABLE) or f"sqlite:///{FILE.as_posix()}"


def database(url: str | None = None, patience: float = PATIENCE) -> sa.Engine:
    """An engine for a URL (see `address`), not yet connected; raises `BadInput` for a URL that cannot be used."""
    wanted = address(url)
    try:
        parsed = sa.make_url(wanted)
        if parsed.get_backend_name() != "sqlite":
            return sa.create_engine(parsed, pool_pre_ping=True)
        if parsed.database and not parsed.database.startswith((":memory:", "file:")):
            with suppress(OSError):  # what is wrong with the folder is said when the file is opened
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(parsed, connect_args={"timeout": patience})
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        raise refuse(VARIABLE, *unusable(error)) from None
    sa.event.listen(engine, "connect", connected)
    sa.event.listen(engine, "begin", begun)
    return engine


def unusable(error: Exception) -> tuple[Words, Words]:
    """What is wrong with a URL, without repeating it: it may hold a password."""
    if isinstance(error, ModuleNotFoundError):
        return (words(f"没有安装数据库驱动 {error.name}", f"the database driver {error.name} is not installed"),
                words("请用 pip 安装它", "install it with pip"))
    return (words("不是可用的数据库地址", "is not a database URL that can be used"),
            words("例如 sqlite:///文件 或 postgresql+psycopg://用户:口令@主机/库名",
                  "for example sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME"))


def connected(connection: object, _: object) -> None:
    """Set up a connection to a SQLite file: foreign keys hold, and readers do not wait for a writer."""
    connection.isolation_level = None  # transactions begin where `begun` says, not where the driver guesses
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA foreign_keys=ON")
        with suppress(Exception):  # a file system or a lock that does not allow it: slower, not wrong
            cursor.execute("PRAGMA synchronous=FULL")  # what has been told as saved outlives a power cut
            cursor.execute("PRAGMA journal_mode=WAL")
    finally:
        cursor.close()


def begun(connection: sa.Connection) -> None:
    """Begin a transaction of SQLite; one that will write takes its lock at once, or two could wait for each other."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@lru_cache(maxsize=8)
def _engine(url: str) -> sa.Engine:
    return database(url, PATIENCE)


@lru_cache(maxsize=8)
def _ready(url: str) -> sa.Engine:
    engine = _engine(url)
    upgrade(engine)
    return engine


def ready(url: str | None = None) -> sa.Engine:
    """The database at this program's version: one engine a URL, made once. What fails is tried again next time."""
    return _ready(address(url))


# --- transactions -----------------------------------------------------------------------------------

@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that only reads; faults of the database come as `BadInput`."""
    with in_words(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that writes: all of it or, if anything is raised, nothing."""
    with in_words(engine), engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def in_words(engine: sa.Engine) -> Iterator[None]:
    """Turn faults of the database itself into sentences; faults of the data in it are the caller's."""
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.DatabaseError, sa.exc.TimeoutError) as error:
        if isinstance(error, sa.exc.IntegrityError | sa.exc.DataError):
            raise
        told = fault_of(error)
        if told is None:
            raise
        raise refuse(named(engine), *told) from None


def named(engine: sa.Engine) -> str:
    """How a database is called in a sentence: its file, or its server and name; never its password."""
    url = engine.url
    if url.get_backend_name() == "sqlite":
        return Path(url.database or ":memory:").name
    return "/".join(part for part in (url.host, url.database) if part)


LOCKED = (words("数据库正被占用", "the database is locked by someone who is writing"),
          words("请稍后再试；没有改动任何内容", "try again in a moment; nothing has been changed"))
FULL = (words("磁盘已满", "the disk is full"),
        words("请腾出空间后再试；没有改动任何内容", "make room and try again; nothing has been changed"))
READ_ONLY = (words("数据库只读，写不进去", "the database is read-only"),
             words("请检查文件、文件夹或账号的写入权限", "check the rights of the file, its folder or the account"))
NO_FILE = (words("打不开数据库文件", "the database file cannot be opened"),
           words(f"请检查路径和权限，或用 {VARIABLE} 指定另一处",
                 f"check its path and permissions, or name another place in {VARIABLE}"))
NO_DATABASE = (words("不是数据库文件，或已损坏", "is not a database, or is damaged"),
               words("请换一个文件，或用 library restore 从备份恢复",
                     "use another file, or bring a backup back with library restore"))
BROKEN = (words("磁盘读写出错", "the disk cannot be read or written"),
          words("请检查磁盘和剩余空间；仍不行，请从备份恢复",
                "check the disk and its free space; if that does not help, bring a backup back"))
UNREACHABLE = (words("连不上数据库服务器", "the database server cannot be reached"),
               words(f"请稍后再试；仍连不上，请检查 {VARIABLE}、网络和账号",
                     f"try again in a moment; if that does not help, check {VARIABLE}, the network and the account"))
NEWER = (words("由更新版本的程序写成，本版本不能打开", "was written by a newer version of this program"),
         words("请升级程序，或换一个数据库", "use that version, or another database"))
OTHER_SHAPE = (words("缺少本程序的表", "lacks a table or column of this program"),
               words("请从备份恢复，或换一个数据库", "bring a backup back, or use another database"))
OF_SQLITE = {5: LOCKED, 6: LOCKED, 8: READ_ONLY, 10: BROKEN, 11: NO_DATABASE, 13: FULL, 14: NO_FILE,
             26: NO_DATABASE,  # primary result codes of SQLite
             4874: FULL}  # no room for the index of its log, without which nobody can read either
OF_SERVERS = {"40001": LOCKED, "40P01": LOCKED, "55P03": LOCKED, "53100": FULL, "25006": READ_ONLY, "42501": READ_ONLY,
              "42P01": OTHER_SHAPE, "42703": OTHER_SHAPE}  # SQLSTATE


def fault_of(error: sa.exc.SQLAlchemyError) -> tuple[Words, Words] | None:
    """What is wrong with the database and the remedy; None where it is a fault of the program."""
    if isinstance(error, sa.exc.TimeoutError):  # every connection is in use
        return LOCKED
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:  # SQLite has no code of its own for a missing table
        return OTHER_SHAPE if str(error.orig).startswith("no such") else OF_SQLITE.get(code, OF_SQLITE.get(code & 0xFF))
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    if state is not None:
        return OF_SERVERS.get(state) or (UNREACHABLE if state[:2] in ("08", "28", "3D", "53", "57") else None)
    return UNREACHABLE if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) else None


# --- versions ---------------------------------------------------------------------------------------

def upgrade(engine: sa.Engine) -> None:
    """Bring the database to this program's version; refuses one that a newer program has written."""
    with _upgrading, in_words(engine):
        if version(engine) == newest():
            return
        with writing(engine) as connection:
            if engine.dialect.name == "postgresql":  # two programs that start at once: one upgrades, one waits
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADVISORY_LOCK)))
            with_connection(connection, lambda config: command.upgrade(config, "head"))


def version(engine: sa.Engine) -> str | None:
    """The version of the database's tables, None for an empty one; raises `BadInput` for one not known here."""
    with reading(engine) as connection:
        found = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
    if found is not None and found not in known():
        raise refuse(named(engine), *NEWER)
    return found


def with_connection(connection: sa.Connection, act: Callable[[Config], None]) -> None:
    """Run an Alembic command inside a transaction that is already open."""
    config = Config()
    config.set_main_option("script_location", MIGRATIONS.as_posix().replace("%", "%%"))
    config.attributes["connection"] = connection
    act(config)


@lru_cache(maxsize=1)
def known() -> tuple[str, ...]:
    """Every version this program knows, newest first."""
    return tuple(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())


def newest() -> str:
    """The version of this program's tables."""
    return known()[0]


__all__ = ["BadInput", "database", "metadata", "named", "newest", "now", "reading", "ready", "upgrade", "version",
           "writing"]
