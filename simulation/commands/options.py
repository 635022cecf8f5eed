"""What commands share: the options of a run, the scenario they ask for, and how an answer is printed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from simulation.estimates import SET_BY_HAND, Estimate, estimate_from_text
from simulation.loading import load_scenario
from simulation.model import ENGINES, simulate
from simulation.proposals import lever_and_year
from simulation.results import Result
from simulation.scenario import Change, Scenario, value_from_text
from simulation.terms import BadInput, refuse, short, words
from simulation.writing import disarmed, make, write

Command = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]  # adds one to the parser


def settable(sub: argparse.ArgumentParser) -> None:
    """A scenario and its `--set` edits."""
    sub.add_argument("scenario", help="a scenario of the library, or a YAML file")
    sub.add_argument("--set", action="append", default=[], metavar="LEVER=VALUE", dest="edits",
                     help="set a lever, from the first year or from LEVER@YEAR; may be repeated")
    sub.add_argument("--assume", action="append", default=[], metavar="NAME=LOW..HIGH", dest="estimates",
                     help="another 5 %% to 95 %% interval of an assumption, as LOW..HIGH, LOW..MEDIAN..HIGH or one "
                          "value, where values vary as multipliers of them; '; reason' may follow; may be repeated")


def simulated(sub: argparse.ArgumentParser) -> None:
    """How a scenario is simulated."""
    sub.add_argument("--draws", default=1024, metavar="N")
    sub.add_argument("--seed", default=20080101, metavar="S")
    sub.add_argument("--engine", default="auto", metavar="|".join(ENGINES))


def whole_number(text: str | int, place: str) -> int:
    """A whole number of the command line, or a plain refusal."""
    try:
        return int(text)
    except ValueError:
        raise refuse(place, words(f"“{short(text)}”不是整数", f"'{short(text)}' is not a whole number"),
                     words("例如 1024", "give one such as 1024")) from None


def edited(options: argparse.Namespace) -> Scenario:
    """The scenario named on the command line with its `--set` edits and its `--assume` intervals."""
    scenario = load_scenario(options.scenario)
    changes = []
    for edit in options.edits:
        name, equals, text = edit.partition("=")
        if not equals or not name:
            raise refuse(f"--set {short(edit)}", words("不是“参数=数值”", "is not a lever and its value"),
                         words("请写 LEVER=VALUE", "write LEVER=VALUE"))
        lever, year = lever_and_year(name, "--set")
        changes.append(Change(lever=lever, year=scenario.first_year if year is None else year,
                              value=value_from_text(text), source=SET_BY_HAND))
    return scenario.changed(changes).assuming(estimates_of(options))


def estimates_of(options: argparse.Namespace) -> list[Estimate]:
    """The intervals given with `--assume`; not every command has it."""
    found = []
    for text in getattr(options, "estimates", []):
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise refuse(f"--assume {short(text)}", words("不是“假设=区间”", "is not an assumption and its interval"),
                         words("请写 NAME=LOW..HIGH", "write NAME=LOW..HIGH"))
        found.append(estimate_from_text(name.strip(), value, SET_BY_HAND))
    return found


def simulated_run(options: argparse.Namespace) -> Result:
    """The run the options ask for."""
    return simulate(edited(options), whole_number(options.draws, "--draws"), whole_number(options.seed, "--seed"),
                    options.engine)


def show(options: argparse.Namespace, data: Any, lines: list[str]) -> int:
    """Print JSON if asked for, else the lines."""
    print(json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) if options.json else "\n".join(lines))
    return 0


def show_faults(bad: BadInput, options: argparse.Namespace) -> int:
    """Print every fault on a line of its own; exit code 2."""
    sentences = [fault.sentence(options.lang) for fault in bad.faults]
    if options.json:
        print(json.dumps({"faults": sentences}, ensure_ascii=False, indent=1))
    print("\n".join(sentences), file=sys.stderr)
    return 2


def kept(path: Path | None, text: str) -> None:
    """Write a text to a file the user names, or one clear fault."""
    if path:
        write(path, text)


def tabled(path: Path | None, table: pd.DataFrame) -> None:
    """Write a table to a file the user names, or one clear fault; a spreadsheet runs nothing in it."""
    if path:
        write(path, disarmed(table).to_csv(index=False))


def ready(folder: Path) -> Path:
    """A folder to write to, made if it is not there, or one clear fault."""
    make(folder)
    return folder
