"""What the columns of the files are: `columns.yaml`, by the file's name and the column's code."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from simulation.reading import build, read_text, read_yaml
from simulation.terms import Record, Words

COLUMNS = Path(__file__).parent / "columns.yaml"


class Section(Record):
    """The columns that some files have in common."""

    files: tuple[str, ...]
    columns: dict[str, Words]


class Register(Record):
    """Every section, the particular before the general."""

    sections: tuple[Section, ...]


@lru_cache
def sections() -> tuple[Section, ...]:
    """The sections of `columns.yaml`."""
    return build(Register, {"sections": read_yaml(read_text(COLUMNS), COLUMNS.name)}, COLUMNS.name).sections


def made_as(file: str, column: str) -> Words | None:
    """How a column of a file is made, in both languages, where the register says it.

    >>> made_as("compare_balance_ratio", "down").en
    'share of draws in which this plan is below the plan compared with'
    >>> made_as("balance", "no_such_column") is None
    True
    """
    for section in sections():
        if any(fnmatchcase(file, name) for name in section.files):
            for code, told in section.columns.items():
                if fnmatchcase(column, code):
                    return told
    return None
