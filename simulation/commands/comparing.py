"""Commands that hold scenarios against each other and say why: compare, explain, drivers."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from simulation import sentences
from simulation.commands.clusters import clustered, mapped_of, shown
from simulation.commands.options import Command, edited, settable, show, simulated, tabled, whole_number
from simulation.comparable import Item, is_kept
from simulation.compare import EVERYTHING, LEVEL, SEED, check_of, compare
from simulation.drivers import drivers
from simulation.explain import waterfall
from simulation.loading import load_scenario
from simulation.model import ENGINES
from simulation.results import EVENTS
from simulation.runs import read_run
from simulation.terms import refuse, words
from simulation.writing import check_table

DRAWS, CHANCES = 1024, 4096  # chances in a third of futures need more


def declare(command: Command) -> None:
    """Add these commands to the parser."""
    sub = command("compare", compare_scenarios, "hold scenarios against the first one, draw by draw, with a verdict")
    several(sub, "+", "scenarios of the library, YAML files or kept runs (folders or zips); the first is what the rest "
                 "are compared with")
    sub.add_argument("--of", action="append", metavar="OUTPUT", help="a quantity or event; may be repeated (all)")
    sub.add_argument("--year", metavar="Y", help="the year told in words (the last)")
    sub.add_argument("--level", default=LEVEL, metavar="SHARE", help=f"of the confidence intervals ({LEVEL})")
    sub.add_argument("--pairs", action="store_true", help="compare every pair, not only with the first")
    sub = command("explain", explain_change, "share a change between two scenarios out among the levers that differ")
    several(sub, "+", "two scenarios of the library or YAML files, or one with a --with")
    sub.add_argument("--of", default="balance_end", metavar="OUTPUT", help="a quantity or an event (balance_end)")
    sub.add_argument("--year", metavar="Y", help="the last unless given")
    sub.add_argument("--by", choices=("lever", "section"), help="how levers are grouped (by lever where they are few)")
    sub.add_argument("--orders", metavar="N", help="sample so many orders instead of running all")
    sub = command("drivers", show_drivers, "what goes with each year's chances of crossing the lines, in sentences")
    settable(sub)
    simulated(sub)
    sub.set_defaults(draws=CHANCES)
    sub.add_argument("--of", action="append", metavar="EVENT", help=f"may be repeated (all): {', '.join(EVENTS)}")
    sub.add_argument("--year", metavar="Y", help="one year instead of all")
    sub.add_argument("--out", type=Path, metavar="FILE", help="write the table to a CSV file")


def several(sub: argparse.ArgumentParser, number: str, text: str) -> None:
    """Scenarios to be held against each other, and how they are simulated."""
    sub.add_argument("scenarios", nargs=number, metavar="SCENARIO", help=text)
    sub.add_argument("--with", action="append", default=[], metavar="LEVER=VALUE[,LEVER=VALUE]", dest="reforms",
                     help="one more scenario: the first with these levers set, LEVER or LEVER@YEAR, or moved, LEVER+=N "
                          "or LEVER-=N; may be repeated")
    sub.add_argument("--draws", metavar="N", help=f"({DRAWS}, or those of a kept run)")
    sub.add_argument("--seed", metavar="S", help=f"({SEED}, or that of a kept run)")
    sub.add_argument("--engine", default="auto", metavar="|".join(ENGINES), help="one for all")
    sub.add_argument("--out", type=Path, metavar="FILE", help="write the table to a CSV file")
    clustered(sub)


def compare_scenarios(options: argparse.Namespace) -> int:
    """`compare`"""
    check_table(options.out)
    of = options.of or EVERYTHING
    check_of(of)
    with running(options) as run:
        found = compare(asked(options), of=of, level=share(options.level), every_pair=options.pairs, **run)
    year = told_year(options, found.differences["year"])
    tabled(options.out, found.differences)
    facts = found.facts
    lines = [f"draws {facts['draws']}  seed {facts['seed']}  engine {facts['engine']}  level {facts['level']}"]
    lines += [note[options.lang] for note in found.notes]
    for row in found.differences[found.differences["year"] == year].itertuples():
        lines.append(sentences.verdict(row)[options.lang])
    return show(options, {"names": found.names, "facts": facts, "notes": [note.model_dump() for note in found.notes],
                          "values": records(found.values), "differences": records(found.differences)}, lines)


def explain_change(options: argparse.Namespace) -> int:
    """`explain`"""
    check_table(options.out)
    scenarios = asked(options)
    if len(scenarios) != 2:
        raise refuse("explain", words(f"给了 {len(scenarios)} 个情景", f"has {len(scenarios)} scenarios"),
                     words("请给两个，或一个加一个 --with", "name two, or one and a --with"))
    first, last = scenarios
    check_of((options.of,))
    orders = None if options.orders is None else whole_number(options.orders, "--orders")
    with running(options) as run:
        found = waterfall(scenarios[first], scenarios[last], options.of, groups=options.by, orders=orders, **run)
    year = told_year(options, found.totals["year"])
    tabled(options.out, found.parts)
    total = next(found.totals[found.totals["year"] == year].itertuples())
    lines = [text[options.lang] for text in sentences.moved(
        total, found.parts[found.parts["year"] == year], found.titles, (first, last))]
    if found.facts["orders"]:
        lines.append(words(f"由抽取的 {found.facts['orders']} 种次序估计",
                           f"estimated from {found.facts['orders']} sampled orders")[options.lang])
    if len(pairs := found.pairs[found.pairs["year"] == year]) > 1:
        lines.append(sentences.together(pairs, found.titles)[options.lang])
    return show(options, {"names": [first, last], "facts": found.facts, "groups": found.groups,
                          **{name: records(getattr(found, name)) for name in ("totals", "parts", "pairs")}}, lines)


def show_drivers(options: argparse.Namespace) -> int:
    """`drivers`"""
    check_table(options.out)
    as_kept = is_kept(options.scenario) and not (options.edits or options.estimates)
    item: Item = options.scenario if as_kept else edited(options)
    found = drivers(item, options.of or tuple(EVENTS), whole_number(options.draws, "--draws"),
                    whole_number(options.seed, "--seed"), options.engine)
    frame = found.frame
    if options.year is not None:
        frame = frame[frame["year"] == told_year(options, frame["year"])]
    tabled(options.out, frame)
    lines = [sentences.crossing(rows, found.titles, found.facts["draws"])[options.lang]
             for _, rows in frame.groupby(["event", "year"], sort=False)]
    return show(options, {"scenario": found.name, "facts": found.facts, "drivers": records(frame)}, lines)


# --- what is asked for ------------------------------------------------------------------------------

def asked(options: argparse.Namespace) -> dict[str, Item]:
    """The scenarios of the command line under the names they were given, and the first one's reforms."""
    found: dict[str, Item] = {}
    for text in options.scenarios:
        if text in found:
            raise refuse(text, words("给了两次", "is named twice"), words("请换一个", "name another"))
        found[text] = text if is_kept(text) else load_scenario(text)
    for text in options.reforms:
        first = options.scenarios[0]
        if is_kept(first):
            raise refuse(f"--with {text}", words("保存的运行不能再改", "a kept run cannot be changed"),
                         words("请先给情景名称", "name a scenario first"))
        found[text] = edited(argparse.Namespace(scenario=first, edits=text.split(","), lang=options.lang,
                                                 place="--with"))
    return found


@contextmanager
def running(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """How the scenarios are simulated; draws and seed not given are those of the first kept run."""
    made = next((read_run(Path(text))[0] for text in options.scenarios if is_kept(text)), None)
    usual = {"draws": made.draws, "seed": made.seed} if made else {"draws": DRAWS, "seed": SEED}
    draws, seed = (usual[name] if given is None else whole_number(given, f"--{name}")
                   for name, given in (("draws", options.draws), ("seed", options.seed)))
    with mapped_of(options) as mapped, shown() as progress:
        yield {"draws": draws, "seed": seed, "engine": options.engine, "mapped": mapped, "progress": progress}


def told_year(options: argparse.Namespace, years: pd.Series) -> int:
    """The year that is told in words."""
    year = int(years.max()) if options.year is None else whole_number(options.year, "--year")
    if year not in set(years):
        raise refuse(f"--year {year}", words("年份不在模拟期内", "the year is not simulated"),
                     words(f"请用 {years.min()} 到 {years.max()}", f"use {years.min()} to {years.max()}"))
    return year


def share(text: str | float) -> float:
    """A fraction of the command line, or a plain refusal."""
    try:
        return float(text)
    except ValueError:
        raise refuse("--level", words("不是数字", "is not a number"),
                     words("例如 0.9", "give one such as 0.9")) from None


def records(frame: pd.DataFrame) -> list[dict]:
    """A frame as plain rows; what is missing is null."""
    return json.loads(frame.to_json(orient="records", double_precision=15))
