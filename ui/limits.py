"""Who comes next where many want long calculations: a line that one reader cannot take for himself.

A few calculations run at once and the rest wait in a line of bounded length. First come is first served, but readers
take turns: a reader's next calculation counts as asked for when his last one ended, and whoever has used up his share
of the last minutes lets all others go first. So nobody is refused for what he did before, and a flood holds up the one
who made it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from itertools import count
from typing import NamedTuple

from simulation.terms import refuse, short, words

WINDOW = 600.0  # seconds over which a share is counted


class Limits(NamedTuple):
    """What a server grants; the defaults are for a class of thirty on two processors."""

    at_once: int = 1  # calculations: the other processor stays with those who move a lever
    in_line: int = 60  # that wait: two for everybody of a class
    share: int = 300  # seconds of the last ten minutes after which a reader lets others go first


NAMES = {"at_once": "SANDBOX_LONG_AT_ONCE", "in_line": "SANDBOX_LONG_IN_LINE", "share": "SANDBOX_LONG_SHARE"}
MOST = 10_000  # of any of them


def limits(environ: Mapping[str, str] = os.environ) -> Limits:
    """What the environment grants; raises `BadInput` where it says no whole number from 1.

    >>> limits({}), limits({"SANDBOX_LONG_AT_ONCE": "4"}).at_once
    (Limits(at_once=1, in_line=60, share=300), 4)
    """
    found = {}
    for field, name in NAMES.items():
        if text := environ.get(name, "").strip():
            if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST and len(text) < 9):
                raise refuse(name, words(f"{short(text)} 不能用", f"{short(text)} cannot be used"),
                             words(f"请填 1 至 {MOST} 的整数", f"give a whole number from 1 to {MOST}"))
            found[field] = int(text)
    return Limits(**found)


class Ticket(NamedTuple):
    """A wish for a calculation: whose, of what, and its number; a lower one came earlier."""

    person: str
    work: Hashable
    number: int


class Line:
    """The calculations under way and those that wait, for all sessions of a server."""

    def __init__(self, granted: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.granted, self._clock = granted, clock
        self._lock, self._numbers = threading.Lock(), count(1)
        self._waiting: set[Ticket] = set()
        self._running: dict[Ticket, float] = {}  # since when
        self._used: dict[str, list[tuple[float, float]]] = {}  # by person: when a calculation ended, and its seconds
        self._last: dict[str, int] = {}  # by person: the number given out when his last one ended

    def ask(self, person: str, work: Hashable, number: int | None = None) -> Ticket:
        """A place in the line, with its old number for one who had left it; raises `BadInput` where it is full."""
        with self._lock:
            if len(self._waiting) >= self.granted.in_line:
                raise refuse("", words(f"已有 {len(self._waiting)} 项计算在排队，这一项没有开始",
                                        f"{len(self._waiting)} calculations are waiting, so this one was not begun"),
                             words("您的设置都在，请过几分钟再试", "nothing is lost: try again in some minutes"))
            ticket = Ticket(person, work, number or next(self._numbers))
            self._waiting.add(ticket)
            return ticket

    def ahead(self, ticket: Ticket) -> int:
        """How many calculations come before this one; 0: it is its turn, and it is under way from now on.

        The same calculation is not begun twice: what another reader is having made is there when it ends.
        """
        with self._lock:
            before = sum(self._rank(other) < self._rank(ticket) for other in self._waiting)
            twin = any(other.work == ticket.work for other in self._running)
            if before + len(self._running) >= self.granted.at_once or twin:
                return before + len(self._running)
            self._waiting.discard(ticket)  # it is gone where a page's earlier run has begun and left with its number
            self._running[ticket] = self._clock()
            return 0

    def leave(self, ticket: Ticket) -> None:
        """Give up a place, or end a calculation."""
        with self._lock:
            self._waiting.discard(ticket)
            now = self._clock()
            if (began := self._running.pop(ticket, None)) is not None:
                self._used.setdefault(ticket.person, []).append((now, now - began))
                self._last[ticket.person] = next(self._numbers)
            recent = {person: [one for one in ended if one[0] > now - WINDOW] for person, ended in self._used.items()}
            self._used = {person: ended for person, ended in recent.items() if ended}
            self._last = {person: number for person, number in self._last.items() if person in self._used}

    def over(self, person: str) -> bool:
        """Whether a reader has used up his share."""
        since = self._clock() - WINDOW
        return sum(seconds for ended, seconds in self._used.get(person, ()) if ended > since) >= self.granted.share

    def _rank(self, ticket: Ticket) -> tuple[bool, int, int]:
        own = [other for other in (*self._running, *self._waiting) if other.person == ticket.person]
        earlier = sum(other in self._running or other.number < ticket.number for other in own if other != ticket)
        return self.over(ticket.person), earlier, max(ticket.number, self._last.get(ticket.person, 0))
