"""Where many simulations run: the options `--cluster` and `--keep`, and the progress shown while they do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from simulation.cluster import mapper
from simulation.terms import Mapper


def clustered(sub: argparse.ArgumentParser) -> None:
    """Add the options to a command."""
    sub.add_argument("--cluster", metavar="local:N|tcp://HOST:PORT",
                     help="run on N worker processes of this machine, or on a Dask scheduler (docs/scale.md)")
    sub.add_argument("--keep", type=Path, metavar="DIR",
                     help="keep every finished task in a folder; run again, and none is made anew")


def mapped_of(options: argparse.Namespace) -> AbstractContextManager[Mapper]:
    """The `mapped` the options ask for, for the time of a `with`."""
    return mapper(options.cluster, options.keep)


@contextmanager
def shown() -> Iterator[Callable[[float], None]]:
    """A `progress` that tells the share done on the error output: on a screen in place, else every tenth."""
    screen, told = sys.stderr.isatty(), -1

    def progress(share: float) -> None:
        nonlocal told
        part = int(100 * share) if screen else 10 * int(10 * share)
        if part > told:
            told = part
            print(f"\r{part:>3} %" if screen else f"{part} %", end="" if screen else "\n", file=sys.stderr, flush=True)

    try:
        yield progress
    finally:
        if screen and told >= 0:
            print(file=sys.stderr)
