"""Turns at the processors: never more work at once than there are processors, and first whoever moves a lever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import NamedTuple

LONGEST = 10.0  # seconds after which work that can wait has waited long enough
LOOK = 0.2  # seconds between looks at whether it is still wanted
LEASE = 1.0  # seconds for which others that can wait leave a page to draw its stable answers


class Tally(NamedTuple):
    """What one thread has had of the processors so far."""

    turns: int = 0
    waited: float = 0.0  # seconds


_tallies = threading.local()


def tally() -> Tally:
    """How many turns this thread has had, and how long it waited for them."""
    return getattr(_tallies, "now", Tally())


def count(waited: float) -> None:
    """Note a turn of this thread."""
    before = tally()
    _tallies.now = Tally(before.turns + 1, before.waited + waited)


class Places:
    """So many places at the processors. Patient work leaves one of them free, and goes after everybody else."""

    def __init__(self, count: int) -> None:
        self._change = threading.Condition()
        self._free = self._count = max(count, 1)
        self._pressing = 0  # who waits and is not patient

    def take(self, look: Callable[[], object] | None = None) -> None:
        """Wait for a place and take it; patient work gives what it calls now and then, which may end the wait."""
        began, kept = time.monotonic(), min(self._count - 1, 1)
        with self._change:
            if look is not None:
                while not self._change.wait_for(lambda: self._free > kept and not self._pressing, LOOK):
                    look()
                    if time.monotonic() - began > LONGEST:
                        break
            self._pressing += 1
            self._change.wait_for(lambda: self._free > 0)
            self._pressing -= 1
            self._free -= 1
        count(time.monotonic() - began)

    def give_back(self) -> None:
        """Leave the place to the next."""
        with self._change:
            self._free += 1
            self._change.notify_all()


class Turn(NamedTuple):
    """`with` it, work has a place; it may be used again."""

    places: Places
    look: Callable[[], object] | None = None  # of patient work

    def __enter__(self) -> None:
        self.places.take(self.look)

    def __exit__(self, *_: object) -> None:
        self.places.give_back()


class Drawing:
    """Who draws a page. One interpreter draws all pages, so each holds up the others: whoever moves a lever draws at
    once, and the stable answers that follow are drawn one page after another, when no such page is.
    """

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._count, self._leased = 0, 0.0  # pages that are being drawn; until when a page at rest has its turn
        self._mine = threading.local()

    @contextmanager
    def page(self, resting: bool) -> Iterator[None]:
        """To be used with `with` while a page is drawn."""
        self._mine.inside = True
        self.go_on()
        try:
            yield
        finally:
            self._mine.inside = False
            if resting:
                self._leased = 0.0
            self.pause()

    def pause(self) -> None:
        """This page waits for something."""
        self._draw(False)

    def go_on(self) -> None:
        """This page is drawn again; nothing for work that is no page's."""
        self._draw(getattr(self._mine, "inside", False))

    def _draw(self, now: bool) -> None:
        if now != getattr(self._mine, "draws", False):
            with self._change:
                self._mine.draws = now
                self._count += 1 if now else -1
                self._change.notify_all()

    def wait(self, look: Callable[[], object]) -> None:
        """Wait for a turn to draw stable answers; `look` is called now and then, and may end the wait."""
        self.pause()
        began = time.monotonic()
        free = lambda: not self._count and time.monotonic() > self._leased  # noqa: E731
        with self._change:
            while not self._change.wait_for(free, LOOK) and time.monotonic() - began < LONGEST:
                look()
            self._leased = time.monotonic() + LEASE


class Claims:
    """Who makes what everybody may have. Whoever wants the same waits, but looks up now and then: a lock would hold his
    whole page until the other is done, however often he moves a lever.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: set[Hashable] = set()

    def _take(self, what: Hashable) -> bool:
        with self._lock:
            free = what not in self._taken
            self._taken.add(what)
            return free

    @contextmanager
    def of(self, what: Hashable, look: Callable[[], object],
           aside: Callable[[], AbstractContextManager[None]] = nullcontext) -> Iterator[None]:
        """Make something while nobody else does, and wait in `aside` until then."""
        if not self._take(what):
            with aside():
                while not self._take(what):
                    look()
                    time.sleep(LOOK)
        try:
            yield
        finally:
            with self._lock:
                self._taken.discard(what)
