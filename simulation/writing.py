"""Files written whole: beside their place first and then renamed, so that what bears the name is never half a file.

And tables of which a spreadsheet runs nothing.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd

from simulation.terms import BadInput, refuse, words

NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
SHEETS = (".xlsx", ".xls", ".xlsm", ".ods")
NO_RIGHT = {errno.EACCES, errno.EPERM, errno.EROFS}
# Signs with which a spreadsheet takes a cell for a formula, or drops them and does; some take the full-width ones too.
FORMULA = tuple("=+-@＝＋－＠\t\r\n")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write a file for now; it takes its name when the `with` ends, and is gone if anything is raised.

    Whatever stood there before stays until then. What is no plain file, such as a pipe, is written to directly.
    Raises `BadInput` for what the system refuses: a full disk, a missing folder, no right to write.
    """
    try:
        place = path.resolve()  # a link goes on pointing to the file
        if place.exists() and not place.is_file():
            yield place
            return
        part = place.with_name(f".{place.name[:40]}.{os.getpid()}.part")
        try:
            yield part
            with part.open("r+b") as file:
                os.fsync(file.fileno())  # or the name might outlive a power cut that the content does not
            if place.exists():
                shutil.copymode(place, part)
            part.replace(place)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None


def write(path: Path, content: str | bytes) -> None:
    """Write a file whole, or leave what is there and raise `BadInput`."""
    with whole(path) as part:
        part.write_bytes(content if isinstance(content, bytes) else content.encode())


def make(folder: Path) -> None:
    """Make a folder, with those it lies in, unless it is there; or raise `BadInput`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None


def unwritable(path: Path, error: OSError) -> BadInput:
    """The refusal of a file or folder that the system does not let us write.

    >>> unwritable(Path("a.csv"), OSError(errno.ENOSPC, "No space left on device")).faults[0].what.en
    'cannot be written: the disk is full'
    """
    if error.errno in NO_ROOM:
        return refuse(str(path), words("写不进去：磁盘已满", "cannot be written: the disk is full"),
                      words("请腾出空间后再试；原有文件没有改动",
                            "make room and try again; what was there has not been changed"))
    if error.errno in NO_RIGHT:
        return refuse(str(path), words("写不进去：没有写入权限", "cannot be written: there is no right to write here"),
                      words("请检查权限，或换一个位置", "check the rights, or choose another place"))
    if not os.path.isdir(path.parent):  # unlike a path's own, never raises
        return refuse(str(path), words(f"写不进去：没有文件夹 {path.parent}",
                                       f"cannot be written: there is no folder {path.parent}"),
                      words("请先建立该文件夹，或换一个位置", "make the folder first, or choose another place"))
    if os.path.isdir(path):
        return refuse(str(path), words("写不进去：这是一个文件夹", "cannot be written: it is a folder"),
                      words("请写出文件名", "name a file in it"))
    return refuse(str(path), words("写不进去", f"cannot be written ({error.strerror or error})"),
                  words("请检查路径，或换一个位置", "check the path, or choose another place"))


def check_table(path: Path | None) -> None:
    """Refuse a place for a table before anything is computed: one that is not there, or a workbook's name for CSV.

    >>> check_table(None), check_table(Path("a.csv"))
    (None, None)
    """
    if path is None:
        return
    if path.suffix.lower() in SHEETS:
        raise refuse(str(path), words(f"表格写成 CSV，不是 {path.suffix} 文件",
                                      f"the table is written as CSV, not as {path.suffix}"),
                     words("请用以 .csv 结尾的文件名，电子表格软件可以打开",
                           "give a name in .csv, which a spreadsheet opens"))
    if os.path.isdir(path) or not os.path.isdir(path.parent):
        raise unwritable(path, OSError())


def harmless(cell: Any) -> Any:
    """A cell that a spreadsheet will not run; numbers keep their sign.

    >>> harmless("=1+1"), harmless(-1)
    ("'=1+1", -1)
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def disarmed(frame: pd.DataFrame) -> pd.DataFrame:
    """A table of which a spreadsheet will run neither a name nor a cell.

    >>> disarmed(pd.DataFrame({"=a": ["@b", "c"], "d": [-1, 2]})).to_dict("list")
    {"'=a": ["'@b", 'c'], 'd': [-1, 2]}
    """
    frame = frame.rename(columns=harmless)
    for name in frame.select_dtypes(exclude="number").columns:
        frame[name] = frame[name].map(harmless)
    return frame
