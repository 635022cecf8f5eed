"""What the server writes down of its work: one JSON object a line, with nothing in it that a reader has typed.

An event has the fields named here and no others, and a field holds a number, a truth value or a plain word, which the
program chooses. So no name, note, link or address gets in: `tests/test_operations.py` types some and looks for them.
`SANDBOX_LOG` says where the lines go (`stderr`, `off` or a file), `SANDBOX_LOG_LEVEL` which (`info` for every page).
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import platform
import re
import secrets
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import streamlit as st

from simulation import __version__
from simulation.assumptions import ASSUMED
from simulation.policy import SECTIONS
from simulation.terms import BadInput, Fault
from ui import turns
from ui.text import language

DESTINATION, LEVEL = "SANDBOX_LOG", "SANDBOX_LOG_LEVEL"
ROOT = Path(__file__).resolve().parent.parent
FIELDS = {  # of each event, after its time, level and name
    "start": ("version", "python", "streamlit", "database"),
    "stop": ("version",),
    "page": ("session", "page", "language", "ms", "turns", "waited_ms", "outcome"),
    "work": ("session", "work", "state", "ms"),
    "refused": ("session", "place"),
    "fault": ("session", "number", "kind", "trace"),
}
WORD = re.compile(r"[A-Za-z0-9_.:+<>/-]{0,200}")
WITHHELD = "withheld"
FAULTS = "streamlit.error_util"  # whose lines repeat the words of a fault, which may be a reader's

logger = logging.getLogger("sandbox")
logger.propagate = False
logger.addHandler(logging.NullHandler())


class Line(logging.Formatter):
    """An event as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Called by logging."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return json.dumps({"time": at, "level": record.levelname.lower(), "event": record.getMessage(),
                           **getattr(record, "facts", {})}, ensure_ascii=True)


def begin() -> None:
    """Send the lines where the environment says: warnings and faults to standard error if it says nothing."""
    level = os.environ.get(LEVEL, "warning").upper()
    logger.setLevel(level if level in logging.getLevelNamesMapping() else "WARNING")
    place = os.environ.get(DESTINATION, "stderr")
    if place == "off":
        return
    # A file that is renamed, as logrotate does, is begun again.
    handler = logging.StreamHandler(sys.stderr) if place == "stderr" else (
        logging.handlers.WatchedFileHandler(place, encoding="utf-8"))
    handler.setFormatter(Line())
    logger.addHandler(handler)
    logging.getLogger(FAULTS).addFilter(without_words)


def without_words(record: logging.LogRecord) -> bool:
    """Leave out the front end's own account of a fault; the event `fault` gives the same without its words."""
    return record.exc_info is None


def event(name: str, level: int = logging.INFO, **facts: Any) -> None:
    """Write an event down; what is no plain word is withheld. Raises `ValueError` for a field the event does not have.
    """
    if unknown := facts.keys() - set(FIELDS[name]):
        raise ValueError(f"{name}: {unknown}")
    logger.log(level, name, extra={"facts": {field: value if is_plain(value) else WITHHELD
                                             for field, value in facts.items()}})


def is_plain(value: Any) -> bool:
    """Whether a value may stand in the log.

    >>> is_plain(3), is_plain("ui/runs.py:36:answers"), is_plain("张三"), is_plain("Zhang San")
    (True, True, False, False)
    """
    if isinstance(value, list):
        return all(map(is_plain, value))
    return isinstance(value, int | float) or isinstance(value, str) and WORD.fullmatch(value) is not None


def session() -> str:
    """A random number for this reader's visit, which leads to nobody."""
    return st.session_state.setdefault("number", secrets.token_hex(4))


# --- events -----------------------------------------------------------------------------------------

def started(database: str) -> None:
    """The server begins."""
    event("start", version=__version__, python=platform.python_version(), streamlit=st.__version__, database=database)


@contextmanager
def answering(page: str) -> Iterator[None]:
    """A page is drawn: how long it took, with how many turns at the processors (none: all was kept), and its end."""
    began, before, outcome = time.monotonic(), turns.tally(), "cut"
    try:
        yield
        outcome = "whole"
    except Exception:
        outcome = "fault"
        raise
    finally:  # a run that is cut short by the next one raises something that is no Exception
        now = turns.tally()
        event("page", session=session(), page=page, language=language(), ms=milliseconds(time.monotonic() - began),
              turns=now.turns - before.turns, waited_ms=milliseconds(now.waited - before.waited), outcome=outcome)


@contextmanager
def working(work: str) -> Iterator[None]:
    """Long work: begun, and ended, refused, cancelled or failed."""
    began, state = time.monotonic(), "cancelled"
    event("work", session=session(), work=work, state="begun")
    try:
        yield
        state = "ended"
    except BadInput:
        state = "refused"
        raise
    except Exception:
        state = "failed"
        raise
    finally:
        event("work", session=session(), work=work, state=state, ms=milliseconds(time.monotonic() - began))


def refused(faults: Iterable[Fault]) -> None:
    """Input was refused: only the part of the rule book it is about, since the rest of a place may be a reader's."""
    for fault in faults:
        event("refused", session=session(), place=part(fault.place))


def part(place: str) -> str:
    """What of a fault's place is the program's own.

    >>> part("benefits.ceiling=张三"), part("from=1066"), part("zhang_san.csv: 3")
    ('benefits', 'from', 'elsewhere')
    """
    head = re.match(r"[a-z_]*", place).group()
    return head if head in {*SECTIONS, *ASSUMED, "scenario", "from", "lang"} else "elsewhere"


def fault(error: BaseException) -> str:
    """Something went wrong: its kind and where, without its words; returns the number under which it is found."""
    number = secrets.token_hex(4)
    frames = traceback.extract_tb(error.__traceback__)
    trace = [re.sub(r"\s", "_", f"{where(frame.filename)}:{frame.lineno}:{frame.name}") for frame in frames]
    event("fault", logging.ERROR, session=session(), number=number, kind=type(error).__name__, trace=trace)
    return number


def where(file: str) -> str:
    """A file of the code as the log names it: from the project's folder on, or the package's."""
    path = Path(file)
    if path.is_relative_to(ROOT) and "site-packages" not in path.parts:
        return path.relative_to(ROOT).as_posix()
    return "/".join(path.parts[-2:])


def milliseconds(seconds: float) -> int:
    """Seconds as whole milliseconds."""
    return round(1000 * seconds)
