"""Commands that look for a policy: goalseek."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from simulation.commands.clusters import clustered, mapped_of, shown
from simulation.commands.layout import figure, laid
from simulation.commands.options import Command, edited, settable, show, simulated, tabled, whole_number
from simulation.goalseek import TARGETS, End, Found, goal_seek
from simulation.sought import sentences, tightest
from simulation.terms import refuse, short, words
from simulation.writing import check_table


def declare(command: Command) -> None:
    """Add these commands to the parser."""
    sub = command("goalseek", seek, "the smallest change of a lever with which chances hold in every year")
    settable(sub)
    sub.add_argument("--lever", action="append", required=True, metavar="LEVER",
                     help="what may change: a lever, or a branch of which all values move alike; may be repeated")
    sub.add_argument("--weights", metavar="W,W", help="with several levers: how far each moves for one unit (1 each)")
    sub.add_argument("--target", action="append", default=[], metavar="TARGET", dest="targets",
                     help="such as 'p_deficit<=0.05' or 'balance_ratio.p05>=0'; may be repeated "
                          f"({', '.join(TARGETS)})".replace("%", "%%"))
    sub.add_argument("--from", metavar="YEAR", dest="since", help="the year from which the change holds (the first)")
    sub.add_argument("--years", metavar="Y-Y", help="the years in which targets must hold (all from then on)")
    simulated(sub)
    sub.set_defaults(engine="table")
    clustered(sub)
    sub.add_argument("--out", type=Path, metavar="FILE", help="write every value tried to a CSV file")


def seek(options: argparse.Namespace) -> int:
    """`goalseek`"""
    check_table(options.out)
    scenario = edited(options)
    with mapped_of(options) as mapped, shown() as progress:
        found = goal_seek(
            scenario, levers(options.lever, options.weights), options.targets or TARGETS, years_of(options.years),
            whole_number(options.draws, "--draws"), whole_number(options.seed, "--seed"), options.engine,
            None if options.since is None else whole_number(options.since, "--from"), mapped, progress)
    if options.out:
        amounts = found.path["change"]
        tabled(options.out, found.path.assign(**{
            name: [leaf.at(amount, round(amount / found.moves.unit)) for amount in amounts]
            for name, leaf in found.moves.firsts.items() if len(found.moves.levers) > 1}))
    lines = [sentence[options.lang] for sentence in sentences(found, scenario)]
    heads = (words("目标", "Target"), words("移动", "Moved by"), words("数值", "Value"), words("年份", "Year"),
             words("结果", "Found"), words("标准误", "Standard error"), words("达到", "Holds"))
    lines += ["", *laid([head[options.lang] for head in heads], [
        [row.target, figure(row.change, "+"), found.moves.values(round(row.change / found.moves.unit)), str(row.year),
         f"{row.found:.4f}", f"{row.se:.4f}", "✓" if row.holds else "✕"] for row in tightest(found).itertuples()])]
    return show(options, as_data(found, [sentence.model_dump() for sentence in sentences(found, scenario)]), lines)


def levers(names: list[str], weights: str | None) -> dict[str, float]:
    """Levers with their weights."""
    parts = ["1"] * len(names) if weights is None else weights.replace("，", ",").split(",")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        raise refuse(f"--weights {short(weights)}", words("不全是数字", "are not all numbers"),
                     words("请写如 1,2", "write them like 1,2")) from None
    if len(numbers) != len(names):
        raise refuse(f"--weights {short(weights)}", words(f"有 {len(numbers)} 个权重，{len(names)} 个参数",
                                                          f"give {len(numbers)} weights for {len(names)} levers"),
                     words("请一一对应", "give one a lever"))
    return dict(zip(names, numbers, strict=True))


def years_of(text: str | None) -> range | None:
    """The years of `--years`: one, or from one to another."""
    if text is None:
        return None
    first, _, last = text.replace("—", "-").replace("–", "-").partition("-")
    start = whole_number(first, "--years")
    return range(start, whole_number(last or first, "--years") + 1)


def as_data(found: Found, said: list[dict]) -> dict:
    """The answer as plain data: the value that is advised, and beside it the answer where the check denies it."""
    end = lambda at: None if not isinstance(at, End) else at._asdict()  # noqa: E731 - used twice
    frames = {name: json.loads(getattr(found, name).to_json(orient="records", double_precision=12))
              for name in ("margins", "path", "neighbours", "outcomes")}
    return {"scenario": found.scenario, "levers": found.moves.levers, "since": found.moves.since,
            "targets": [target.text for target in found.targets], "years": list(found.years), "draws": found.draws,
            "seed": found.seed, "engine": found.engine, "reached": found.reached, "already": found.already,
            "confirmed": found.confirmed, "settled": found.settled,
            **found.at(found.advised),  # what the sentences advise, as on the page
            "denied": found.at(found.position) if found.doubted else None,  # by the check
            "interval": {"nearer": end(found.interval.nearer), "farther": end(found.interval.farther)},
            "binding": found.binding._asdict(), "sentences": said, **frames}
