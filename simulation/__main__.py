"""The command line: `python -m simulation COMMAND`, every command with `--json`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from simulation import __version__
from simulation.commands import (
    comparing,
    health,
    incidence,
    keeping,
    record,
    reporting,
    running,
    searching,
    seeking,
    sensing,
    sweeping,
)
from simulation.commands.options import show_faults
from simulation.terms import LANGUAGES, BadInput, refuse, words

FAMILIES = (running, record, seeking, sweeping, sensing, searching, comparing, incidence, keeping, reporting, health)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if all is well, 1 if a run is not the same, 2 for bad input."""
    for out in (sys.stdout, sys.stderr):
        if hasattr(out, "reconfigure"):
            out.reconfigure(encoding="utf-8")
    arguments = sys.argv[1:] if arguments is None else arguments
    # Until the options are understood, the language and form asked for are read off as they stand.
    options = argparse.Namespace(lang="zh" if "zh" in arguments else "en", json="--json" in arguments)
    try:
        options = parser().parse_args(arguments)
        return options.command(options)
    except BadInput as bad:
        return show_faults(bad, options)
    except BrokenPipeError:
        return 0


class Parser(argparse.ArgumentParser):
    """Answers a wrong option like every other bad input: one sentence with the remedy."""

    def error(self, message: str) -> NoReturn:
        """Called by argparse; never returns."""
        raise refuse(self.prog, words(f"命令或选项有误（{message}）", message),
                     words("请看 --help", "see --help"))


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = Parser(prog="python -m simulation",
                 description="Medical Insurance Fund Sandbox 医保基金沙盘")
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=function)
        sub.add_argument("--json", action="store_true", help="print JSON")
        sub.add_argument("--lang", choices=LANGUAGES, default="en", help="language of the text (en)")
        return sub

    for family in FAMILIES:
        family.declare(command)
    return top


if __name__ == "__main__":
    sys.exit(main())
