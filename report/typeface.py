"""The typeface of every printed chart and document: it comes with the program, so Chinese stays whole anywhere."""

from pathlib import Path
from typing import Final

FAMILY: Final = "Sandbox SC"  # its name inside the files; no other typeface has it
FONTS: Final = Path(__file__).parent / "fonts"
FONT: Final = FONTS / "sandbox-sc.ttf"
BOLD: Final = FONTS / "sandbox-sc-bold.ttf"
