"""Runs of the model in processes of their own: threads of one process would hold up every page that is drawn meanwhile.

Quick work, for a lever that moves, goes to one kind of process; patient work to another, which lets all else go first;
a long calculation has its own.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any, NamedTuple

LOOK = 0.2  # seconds between looks at whether an answer is still wanted
GENTLY = 10  # by how much patient work lets others go first; a system's scale of 0 to 19
TRIES = 2  # before work whose process was lost is done here
ANSWER, RAISED = "answer", "raised"  # what a calculation ends with
LOADED = ["report.measured", "report.studies"]  # once, for all processes


class Done(NamedTuple):
    """What a process hands back."""

    answer: Any
    took: float  # seconds


class Hands:
    """Processes for quick and for patient work. They end when the process ends that began them, however it ends."""

    def __init__(self, quick: int, patient: int) -> None:
        ways = multiprocessing.get_all_start_methods()
        self._context = multiprocessing.get_context("forkserver" if "forkserver" in ways else "spawn")
        self._context.set_forkserver_preload(LOADED)
        self._counts = {False: max(quick, 1), True: max(patient, 1)}  # of processes, by whether they are patient
        self._lock = threading.Lock()
        self._pools = {patient: self._begun(patient) for patient in self._counts}
        self._free = {patient: threading.Semaphore(count) for patient, count in self._counts.items()}

    def _begun(self, patient: bool) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._counts[patient], self._context, initializer=ready, initargs=(patient,))

    def do(self, patient: bool, look: Callable[[], object], function: Callable, *arguments: Any) -> Done:
        """What a function gives, found by a process; `look` is called now and then, and may end the wait.

        A process that is lost is replaced, and its work done again. Whatever the function raises is raised here.
        """
        for _ in range(TRIES):
            while not self._free[patient].acquire(timeout=LOOK):  # what a process has not been given can still be left
                look()
            pool = self._pools[patient]
            try:
                with no_page():
                    job = pool.submit(timed, function, *arguments)
            except BrokenProcessPool:
                self._free[patient].release()
            else:
                job.add_done_callback(lambda _: self._free[patient].release())
                with suppress(BrokenProcessPool):
                    return waited(job, look)
            self._renew(patient, pool)
        return timed(function, *arguments)

    def _renew(self, patient: bool, lost: ProcessPoolExecutor) -> None:
        """New processes for those that were lost, unless another thread has begun them."""
        with self._lock:
            if self._pools[patient] is lost:
                self._pools[patient] = self._begun(patient)
        lost.shutdown(wait=False)

    def alone(self, look: Callable[[], object], heard: Mapping[str, Callable[[Any], object]], function: Callable,
              *arguments: Any, **named: Any) -> Any:
        """What a long calculation gives, found by a process that is begun for it and ends with it, wanted or not.

        The calculation calls some functions by name, such as `progress`: what it tells them is `heard` here.
        """
        near, far = self._context.Pipe(duplex=False)
        process = self._context.Process(target=tell, args=(far, tuple(heard), function, arguments, named), daemon=True)
        with no_page():
            process.start()
        far.close()
        try:
            while True:
                if not near.poll(LOOK):
                    look()
                    continue
                what, value = near.recv()
                if what == ANSWER:
                    return value
                if what == RAISED:
                    raise value
                heard[what](value)
        except EOFError:  # the process was lost
            return function(*arguments, **named, **heard)
        finally:
            near.close()
            process.terminate()
            process.join()

    def end(self) -> None:
        """Let the processes go."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)


BEGINNING = threading.Lock()


@contextmanager
def no_page() -> Iterator[None]:
    """For beginning a process: the front end shows a page's script as the main module, and a process would run it."""
    with BEGINNING:
        shown, sys.modules["__main__"] = sys.modules["__main__"], (nothing := ModuleType("__main__"))
        try:
            yield
        finally:
            if sys.modules["__main__"] is nothing:  # else another page has begun meanwhile
                sys.modules["__main__"] = shown


def waited(job: Future[Done], look: Callable[[], object]) -> Done:
    """What a job gives; whoever no longer wants it leaves by what `look` raises."""
    while not job.done():
        with suppress(TimeoutError):
            return job.result(LOOK)
        look()
    return job.result()


def timed(function: Callable, *arguments: Any) -> Done:
    """What a function gives, and how long it took."""
    began = time.monotonic()
    answer = function(*arguments)
    return Done(answer, time.monotonic() - began)


def tell(far: Connection, heard: tuple[str, ...], function: Callable, arguments: tuple, named: dict[str, Any]) -> None:
    """Calculate, and tell the other side what is said meanwhile and what comes of it."""
    ready(patient=True)
    try:
        answer = function(*arguments, **named, **{name: partial(say, far, name) for name in heard})
    except Exception as error:
        say(far, RAISED, error)
    else:
        say(far, ANSWER, answer)


def say(far: Connection, what: str, value: Any) -> None:
    """Send something that was said."""
    far.send((what, value))


def ready(patient: bool) -> None:
    """Make this process ready for work of a kind."""
    if patient and hasattr(os, "nice"):
        os.nice(GENTLY)
    threading.Thread(target=with_parent, daemon=True).start()


def with_parent() -> None:
    """End with the process that began this one: where that one is killed, nobody else would end this."""
    multiprocessing.parent_process().join()
    os._exit(0)
