"""The command of the scenario library: list, export, import, backup, restore."""

from __future__ import annotations

import argparse
from pathlib import Path

from simulation.commands.options import Command, kept, show
from simulation.reading import too_large
from simulation.terms import refuse, short, words

ACTIONS = ("list", "export", "import", "backup", "restore")


def declare(command: Command) -> None:
    """Add this command to the parser."""
    sub = command("library", keep_library, "the scenario library in its database (SANDBOX_DATABASE): list it, write "
                  "its entries to a file or read them from one, back up and restore all that the database holds")
    sub.add_argument("action", choices=ACTIONS, metavar="|".join(ACTIONS))
    sub.add_argument("file", nargs="?", type=Path, metavar="FILE", help="export and import: JSON; backup and restore: "
                     "a SQLite file")
    sub.add_argument("--search", default="", metavar="WORDS", help="list: only entries with these words")
    sub.add_argument("--replace", action="store_true", help="restore: also where the database holds something")


def keep_library(options: argparse.Namespace) -> int:
    """`library`"""
    if options.action != "list" and options.file is None:
        raise refuse(f"library {options.action}", words("缺少文件", "needs a file"), words("请写 FILE", "name a FILE"))
    return {"list": list_entries, "export": export, "import": take_in, "backup": back_up,
            "restore": bring_back}[options.action](options)


# Other commands need not wait for the packages of the database: each of these imports them itself.

def list_entries(options: argparse.Namespace) -> int:
    """Every entry that is not deleted, newest first."""
    from store.database import ready
    from store.library import MANY, listed

    entries, count = listed(ready(), options.search, size=MANY)
    lines = [f"{entry.code}  {entry.newest:>3}  {entry.created:%Y-%m-%d}  {short(entry.title)}" for entry in entries]
    return show(options, [{"code": entry.code, "title": entry.title, "notes": entry.notes, "author": entry.author,
                           "versions": entry.newest, "created": entry.created.isoformat()} for entry in entries],
                lines or [words("方案库是空的", "the library is empty")[options.lang]])


def export(options: argparse.Namespace) -> int:
    """Every entry into a file."""
    from store.database import ready
    from store.exchange import exported

    kept(options.file, exported(ready()))
    return show(options, {"file": str(options.file)}, [str(options.file)])


def take_in(options: argparse.Namespace) -> int:
    """The entries of a file into the library."""
    from store.database import ready
    from store.exchange import LARGEST, imported

    try:
        if options.file.stat().st_size > LARGEST:
            raise too_large(options.file.name, LARGEST)
        content = options.file.read_bytes()
    except OSError:
        raise refuse(options.file.name, words("读不到这个文件", "the file cannot be read"),
                     words("请检查路径和权限", "check the path and permissions")) from None
    taken = imported(ready(), content, options.file.name)
    told = words(f"新增 {taken.added}，已有 {taken.known}，内容不同而另存 {taken.copied}",
                 f"{taken.added} added, {taken.known} there already, {taken.copied} differ and stand beside")
    return show(options, taken._asdict(), [told[options.lang]])


def back_up(options: argparse.Namespace) -> int:
    """All that the database holds into a new file."""
    from store.backup import backup
    from store.database import ready

    return counted(options, backup(ready(), options.file))


def bring_back(options: argparse.Namespace) -> int:
    """A backup in the place of all that the database holds."""
    from store import backup
    from store.database import ready

    return counted(options, backup.bring_back(ready(), options.file, options.replace))


def counted(options: argparse.Namespace, rows: int) -> int:
    """How many rows were copied."""
    return show(options, {"file": str(options.file), "rows": rows},
                [words(f"{options.file}：{rows} 行", f"{options.file}: {rows} rows")[options.lang]])
