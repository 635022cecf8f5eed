"""What commands share: the options of a run, the scenario they ask for, and how an answer is printed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from simulation.estimates import SET_BY_HAND, Estimate, estimate_from_text
from simulation.loading import load_scenario
from simulation.model import ENGINES, simulate
from simulation.moves import moved_by
from simulation.needs import idle
from simulation.proposals import lever_and_year
from simulation.results import Result
from simulation.scenario import (
    Change,
    Scenario,
    check_parts,
    given_up,
    lever_value,
    value_from_text,
    years_given_up,
)
from simulation.sought import span
from simulation.terms import BadInput, Words, refuse, short, words
from simulation.trees import leaves
from simulation.writing import disarmed, make, write

FEW = 3  # values named in a sentence
Command = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]  # adds one to the parser


def settable(sub: argparse.ArgumentParser) -> None:
    """A scenario and its `--set` edits."""
    sub.add_argument("scenario", help="a scenario of the library, or a YAML file")
    sub.add_argument("--set", action="append", default=[], metavar="LEVER=VALUE", dest="edits",
                     help="set a lever, from the first year or from LEVER@YEAR, in place of what the scenario plans "
                          "later; LEVER+=N or LEVER-=N moves it, and what is planned later, by N; may be repeated")
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


def edited(options: argparse.Namespace, of_fund: bool = True) -> Scenario:
    """The scenario named on the command line with its `--set` edits and its `--assume` intervals."""
    scenario = load_scenario(options.scenario)
    return scenario.changed(edits_of(options, scenario, of_fund)).assuming(estimates_of(options))


def edits_of(options: argparse.Namespace, scenario: Scenario, of_fund: bool = True) -> list[Change]:
    """The changes given with `--set`, those by an amount written out; what they move unseen is told on the way.

    Levers wait for others where a fund is asked about, not where one person's bills are.
    """
    changes: list[Change] = []
    place = getattr(options, "place", "--set")  # under which option the edits stand
    for edit in options.edits:
        changes += read_edit(edit, scenario.changed(changes), place)
    if faults := check_parts(scenario.changed(changes), place):
        raise BadInput(faults)
    lost, set_too = years_given_up(given_up(scenario, changes)), from_nothing(scenario, changes)
    in_vain = idle(scenario, changes) if of_fund else {}
    for what, said in ((lost, notice), (set_too, set_with_others), (in_vain, waits)):
        if what:
            print(said(what)[getattr(options, "lang", "en")], file=sys.stderr)
    return changes


def read_edit(edit: str, scenario: Scenario, place: str) -> list[Change]:
    """The changes that one edit asks for: one, or one for each value and year that is moved by an amount."""
    name, equals, text = edit.partition("=")
    sign = name[-1:] if name[-1:] in ("+", "-") else ""
    name = name.removesuffix(sign)
    if not equals or not name:
        raise refuse(f"{place} {short(edit)}", words("不是“参数=数值”", "is not a lever and its value"),
                     words("请写 LEVER=VALUE", "write LEVER=VALUE"))
    lever, year = lever_and_year(name, place)
    since, value = scenario.first_year if year is None else year, value_from_text(text)
    if sign:
        by = -value if sign == "-" and isinstance(value, int | float) else value
        return [Change(lever=leaf, year=start, value=to, source=SET_BY_HAND)
                for leaf, start, to in moved_by(scenario, lever, since, by)]
    if text.strip().startswith(("+", "＋")):
        raise refuse(f"{place} {short(edit)}", words("等号之后有加号", "has a plus after the equals sign"),
                     words(f"要增加，请写 {short(name)}+=N；要设为该数，请去掉加号",
                           f"write {short(name)}+=N to raise it, or leave out the plus to set it"))
    return [Change(lever=lever, year=since, value=value, source=SET_BY_HAND)]


def waits(found: Mapping[str, Sequence[str]]) -> Words:
    """That edits do nothing until other levers are set."""
    zh = (f"{lever} 要在设定 {'、'.join(names)} 之后才起作用" for lever, names in found.items())
    en = (f"{lever} does nothing until {' and '.join(names)} is set" for lever, names in found.items())
    return words("；".join(zh), "; ".join(en))


def from_nothing(scenario: Scenario, edits: Sequence[Change]) -> list[str]:
    """Values that stood at 0 and are set by an edit of a whole table: the contribution of those who pay none, say."""
    return [leaf for edit in edits if isinstance(edit.value, int | float) and edit.value
            for leaf, value in leaves(lever_value(scenario, edit.lever, edit.year), edit.lever)
            if value == 0 and leaf != edit.lever]


def set_with_others(names: Sequence[str]) -> Words:
    """That values which stood at 0 are set together with the others, and how to leave them.

    >>> set_with_others(["a", "b", "c", "d"]).en[:52]
    'values that stood at 0 are set too: a, b, c and 1 mo'
    """
    few, more = names[:FEW], len(names) - FEW
    zh = "、".join(few) + (f" 等 {len(names)} 项" if more > 0 else "")
    en = ", ".join(few) + (f" and {more} more" if more > 0 else "")
    return words(f"原为 0 的数值也一并设定：{zh}；如要保持为 0，请逐项设定，或用 LEVER+=N 在原值上增减",
                 f"values that stood at 0 are set too: {en}; to leave them, set the others one by one, or move what is "
                 "there with LEVER+=N")


def notice(lost: Mapping[str, tuple[int, ...]]) -> Words:
    """That edits give up what the scenario itself plans for later years, and what to do about it."""
    plans = {lever: [span(run) for run in unbroken(years)] for lever, years in lost.items()}
    zh = "，".join(f"{lever}（{'、'.join(run.zh for run in runs)}）" for lever, runs in plans.items())
    en = ", ".join(f"{lever} ({', '.join(run.en for run in runs)})" for lever, runs in plans.items())
    return words(f"情景原定以后年份的数值不再执行：{zh}；如要保留，请同时设定这些年份（LEVER@YEAR=VALUE），"
                 "或用 LEVER+=N 在原定数值上增减",
                 f"what the scenario itself plans for later years gives way: {en}; to keep it, set those years as well "
                 "(LEVER@YEAR=VALUE), or move what is planned with LEVER+=N")


def unbroken(years: Sequence[int]) -> list[tuple[int, ...]]:
    """Years in order, parted where one is missing.

    >>> unbroken((2014, 2016, 2017))
    [(2014,), (2016, 2017)]
    """
    starts = [n for n, year in enumerate(years) if not n or year > years[n - 1] + 1]
    return [tuple(years[start:end]) for start, end in zip(starts, [*starts[1:], len(years)], strict=True)]


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
