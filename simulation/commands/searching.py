"""Commands that look over many policies and many futures: search, failures."""

from __future__ import annotations

import argparse
import json
from math import isfinite
from pathlib import Path

import pandas as pd

from simulation.commands.clusters import clustered, mapped_of, shown
from simulation.commands.layout import figure, laid
from simulation.commands.options import Command, edited, settable, show, simulated, tabled, whole_number
from simulation.failures import CLEAREST, DRAWS, Failures, failures
from simulation.objectives import OBJECTIVES, VERDICTS
from simulation.scenario import find_lever
from simulation.search import Front, said, search, titles
from simulation.terms import UNITS, refuse, short, words
from simulation.writing import check_table

MOST_LINES = 40  # policies told as text


def declare(command: Command) -> None:
    """Add these commands to the parser."""
    sub = command("search", search_policies, "the policies over several levers that no other policy beats")
    settable(sub)
    sub.add_argument("--lever", action="append", required=True, metavar="LEVER=LOW:HIGH", dest="levers",
                     help="what may change, from its least to its greatest value; LEVER+=LOW:HIGH adds to every value "
                          "of a branch; LEVER=WORD:WORD takes words; LEVER alone, half to one and a half times its "
                          "value; may be repeated")
    sub.add_argument("--policies", default=200, metavar="N", help="policies to judge (200)")
    sub.add_argument("--from", metavar="YEAR", dest="since", help="the year from which levers move (the first)")
    sub.add_argument("--out", type=Path, metavar="FILE.csv", help="write every policy to a CSV file")
    simulated(sub)
    sub.set_defaults(draws=256)
    clustered(sub)
    sub = command("failures", show_failures, "the futures in which a policy fails, as rules")
    settable(sub)
    sub.add_argument("--event", default="p_deficit", metavar="EVENT",
                     help="an event such as p_deficit, or a comparison such as 'balance_ratio<0' (p_deficit)")
    sub.add_argument("--year", metavar="Y", help="the year in which it fails (ever, within the horizon)")
    sub.add_argument("--density", metavar="SHARE", help="the largest region in which failures are this frequent")
    sub.add_argument("--most", default=CLEAREST, metavar="N", help=f"conditions of a rule ({CLEAREST})")
    sub.add_argument("--holds", action="store_true", help="the futures in which it does not fail, instead")
    sub.add_argument("--out", type=Path, metavar="FILE.csv", help="write every future to a CSV file")
    simulated(sub)
    sub.set_defaults(draws=DRAWS)


def search_policies(options: argparse.Namespace) -> int:
    """`search`"""
    check_table(options.out)
    scenario, found = edited(options), []
    since = None if options.since is None else whole_number(options.since, "--from")
    stopped = False
    try:
        with mapped_of(options) as mapped, shown() as progress:
            found.append(search(
                scenario, dict(map(lever_of, options.levers)), since, whole_number(options.policies, "--policies"),
                whole_number(options.draws, "--draws"), whole_number(options.seed, "--seed"), options.engine,
                found.append, mapped, progress))
    except KeyboardInterrupt:
        if not found:
            return 130
        stopped = True
    front = found[-1]
    if options.out:
        tabled(options.out, front.policies)
    part = words("已停止；以下是停止前的结果。", "Stopped; this is what had been found.")
    lines = [*([part[options.lang]] if stopped else []), *(each[options.lang] for each in said(front)), "",
             *lines_of(front, options.lang)]
    show(options, as_data(front), lines)
    return 130 if stopped else 0


def lever_of(text: str) -> tuple[str, tuple | None]:
    """A lever and the ends or words it may take, from `LEVER=LOW:HIGH`; none where it stands alone."""
    name, equals, ends = text.partition("=")
    if not equals:
        return name, None
    parts = tuple(part.strip() for part in ends.replace("：", ":").split(":"))
    if find_lever(name.removesuffix("+"))[3].choices:
        return name, parts
    try:
        numbers = tuple(float(part) for part in parts)
    except ValueError:
        numbers = ()
    if len(numbers) != 2 or not all(map(isfinite, numbers)):
        raise refuse(f"--lever {short(text)}", words("两端不是数字", "has no two numbers"),
                     words("请写 LEVER=最小值:最大值", "write LEVER=LOW:HIGH"))
    return name, tuple(int(number) if number.is_integer() else number for number in numbers)


def lines_of(front: Front, language: str) -> list[str]:
    """The policies that no other beats as lines of text, the present one first and marked where it is beaten."""
    table = front.policies
    left = table[~table["dominated"] | (table["policy"] == 0)]
    order = pd.concat([left.iloc[:1], left.iloc[1:].sort_values(list(OBJECTIVES), kind="stable")])
    lines = [f"{title[language]} ({UNITS[unit][language]})" for title, unit in OBJECTIVES.values()]
    lines += [f"{column}: {title[language]}" for column, title in titles(front).items()] + [""]
    for row in order.head(MOST_LINES).to_dict("records"):
        values = "  ".join(f"{row[name]:>9.4g} ± {row[f'{name}_se']:<8.2g}" for name in OBJECTIVES)
        levers = "  ".join(f"{lever.column}={row[lever.column]}" for lever in front.levers)
        lines.append(f"{row['policy']:>4}  {values}  {VERDICTS[row['against_present']][language]}  {levers}")
    if len(order) > MOST_LINES:
        more = words("其余未列出，请用 --json 或 --out", "the others are left out: use --json or --out")
        lines.append(more[language])
    return lines


def as_data(front: Front) -> dict:
    """A search as plain data."""
    return {"scenario": front.scenario.name, "since": front.since, "draws": front.draws, "seed": front.seed,
            "objectives": {name: {"title": title.model_dump(), "unit": unit}
                           for name, (title, unit) in OBJECTIVES.items()},
            "levers": {column: title.model_dump() for column, title in titles(front).items()},
            "sentences": [each.model_dump() for each in said(front)],
            "policies": json.loads(front.policies.to_json(orient="records", double_precision=15))}


def show_failures(options: argparse.Namespace) -> int:
    """`failures`"""
    check_table(options.out)
    try:
        density = None if options.density is None else float(options.density)
    except ValueError:
        raise refuse(f"--density {short(options.density)}", words("不是数字", "is not a number"),
                     words("例如 0.8", "give one such as 0.8")) from None
    found = failures(edited(options), options.event,
                     None if options.year is None else whole_number(options.year, "--year"),
                     whole_number(options.draws, "--draws"), whole_number(options.seed, "--seed"), options.engine,
                     density, whole_number(options.most, "--most"), options.holds)
    if options.out:
        tabled(options.out, found.futures)
    lines = [*(each[options.lang] for each in found.sentences), *lines_of_rules(found, options.lang)]
    return show(options, {
        "scenario": found.scenario.name, "event": found.event, "year": found.year, "holds": found.holds,
        "share": found.share, "se": found.se,
        "inputs": {name: {"title": each.title.model_dump(), "unit": each.unit} for name, each in found.inputs.items()},
        **{name: json.loads(getattr(found, name).to_json(orient="records", double_precision=15))
           for name in ("rules", "limits", "trajectory")},
        "sentences": [each.model_dump() for each in found.sentences]}, lines)


def lines_of_rules(found: Failures, language: str) -> list[str]:
    """The rules as a table, then what each asks of a future: a dash where an end is open."""
    if found.rules.empty:
        return []
    chance = words("其中不失败的概率", "Chance of not failing") if found.holds else words(
        "其中失败的概率", "Chance of failing")
    cases = words("涵盖的不失败情形", "Share of what holds") if found.holds else words(
        "涵盖的失败情形", "Share of failures")
    heads = words("规则", "Rule"), cases, chance, words("占全部情形", "Share of all futures")
    ends = (words("规则与条件", "Rule and condition"), words("单位", "Unit"), words("至少", "At least"),
            words("至多", "At most"), words("p 值", "p value"))
    return ["", *laid([head[language] for head in heads], (
        [str(row.rule), f"{100 * row.coverage:.0f} %", f"{100 * row.density:.0f} % ± {100 * row.density_se:.1f}",
         f"{100 * row.mass:.0f} %"] for row in found.rules.itertuples())),
        "", *laid([head[language] for head in ends], (
            [f"{row.rule}  {getattr(row, f'title_{language}')}", UNITS[row.unit][language], figure(row.low),
             figure(row.high), f"{row.p_value:.2g}"] for row in found.limits.itertuples()))]
