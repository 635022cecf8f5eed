"""The typeface of every printed chart and document: it comes with the program, so Chinese stays whole anywhere."""

import struct
from functools import cache
from pathlib import Path
from typing import Final

from simulation.terms import refuse, words

FAMILY: Final = "Sandbox SC"  # its name inside the files; no other typeface has it
FONTS: Final = Path(__file__).parent / "fonts"
FONT: Final = FONTS / "sandbox-sc.ttf"
BOLD: Final = FONTS / "sandbox-sc-bold.ttf"
OUTLINES: Final = b"\0\1\0\0"  # how a TrueType file begins


@cache
def sound(path: Path) -> Path:
    """A file of the typeface, once it has been found whole; raises `BadInput` where it is missing or damaged."""
    content = path.read_bytes() if path.is_file() else b""
    count = int.from_bytes(content[4:6])  # of tables; each has its name, checksum, place and length at the file's head
    ends = [place + length for *_, place, length in struct.iter_unpack(">4s3I", content[12:12 + 16 * count])
            ] if len(content) > 12 + 16 * count else []
    if content.startswith(OUTLINES) and ends and max(ends) <= len(content):
        return path
    raise refuse(path.name, words("字体文件缺失或损坏，图表和文件无法排版",
                                  "the typeface is missing or damaged, so no chart or document can be set"),
                 words("请重新安装程序，或从发布包复制 report/fonts 文件夹",
                       "install the program again, or copy the folder report/fonts from its release"))


def ready() -> None:
    """Raise `BadInput` where either cut of the typeface is missing or damaged."""
    for path in (FONT, BOLD):
        sound(path)
