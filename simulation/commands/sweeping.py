"""The command that runs every area under every policy: sweep."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from simulation.areas import read_areas
from simulation.commands.clusters import clustered, mapped_of, shown
from simulation.commands.options import Command, show, simulated, whole_number
from simulation.loading import parsed
from simulation.proposals import BASE, DESIGNS, Proposal, grid, read_proposals, sample, varied
from simulation.results import EVENTS, MORE, QUANTITIES
from simulation.sweep import OF, areas_of, frames
from simulation.terms import UNITS, refuse, words
from simulation.writing import check_table, disarmed, whole

MOST_SHOWN = 100_000  # rows without a file to write them to
MOST_LINES = 40  # runs told as text


def declare(command: Command) -> None:
    """Add this command to the parser."""
    sub = command("sweep", sweep_areas, "run every area under every policy: a county, or a whole country")
    sub.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="scenarios of the library, or YAML files")
    sub.add_argument("--areas", type=Path, metavar="FILE.csv", help="a table of areas, one a row (docs/scale.md)")
    sub.add_argument("--policies", type=Path, metavar="FILE", help="the policies to try, YAML or CSV (docs/scale.md)")
    sub.add_argument("--vary", action="append", default=[], metavar="LEVER=LOW:HIGH:N",
                     help="a lever over N values, from the first year or LEVER@YEAR on; of several, every combination")
    sub.add_argument("--sample", metavar="N", help="with --vary LEVER=LOW:HIGH: N policies spread over all levers")
    sub.add_argument("--design", choices=DESIGNS, default=DESIGNS[0], help="of the sample (sobol)")
    sub.add_argument("--of", default=",".join(OF), metavar="NAME,...", help=f"quantities ({','.join(OF)})")
    sub.add_argument("--out", type=Path, metavar="FILE.csv", help="write the table to a CSV file, as it is made")
    simulated(sub)
    sub.set_defaults(engine="table")
    clustered(sub)


def sweep_areas(options: argparse.Namespace) -> int:
    """`sweep`"""
    check_table(options.out)
    lang = options.lang
    areas = areas_of([*options.scenarios, *(read_areas(options.areas) if options.areas else [])])
    draws, seed = whole_number(options.draws, "--draws"), whole_number(options.seed, "--seed")
    policies, of = policies_of(options, seed), tuple(options.of.split(","))
    runs = len(areas) * len(policies)
    years = max(parsed(text).years for text in {area.template for area in areas})
    if not options.out and runs * years * (len(of) + len(EVENTS)) > MOST_SHOWN:
        raise refuse("sweep", words(f"{runs} 次运行的结果太多，不便显示",
                                    f"the answers of {runs} runs are too many to show"),
                     words("请用 --out 写入文件", "write them to a file with --out"))
    try:
        with mapped_of(options) as mapped, shown() as progress:
            found = frames(areas, policies, draws, seed, options.engine, of, mapped, progress)
            return to_file(options, found, runs) if options.out else to_screen(options, found)
    except KeyboardInterrupt:
        kept = words(f"已停止；完成的任务保留在 {options.keep}，再次运行时不重算",
                     f"stopped; finished tasks are in {options.keep}, and running again goes on from there")
        lost = words("已停止；用 --keep 可保留完成的任务", "stopped; with --keep, finished tasks would have stayed")
        print((kept if options.keep else lost)[lang], file=sys.stderr)
        return 130


def policies_of(options: argparse.Namespace, seed: int) -> tuple[Proposal, ...]:
    """The policies the options ask for: a file's, a grid's, a sample's, or the present one alone."""
    if options.policies and options.vary:
        raise refuse("--policies", words("不能与 --vary 同时用", "does not go with --vary"),
                     words("请只用一个", "use one of the two"))
    if options.sample is not None and not options.vary:
        raise refuse("--sample", words("没有 --vary", "there is no --vary"),
                     words("请写 --vary LEVER=低:高", "name levers with --vary LEVER=low:high"))
    if options.policies:
        return read_proposals(options.policies)
    if not options.vary:
        return (BASE,)
    levers = [varied(text, options.sample is not None) for text in options.vary]
    if options.sample is None:
        return grid(levers)
    return sample(levers, whole_number(options.sample, "--sample"), seed, options.design)


def to_file(options: argparse.Namespace, found: Iterable[pd.DataFrame], runs: int) -> int:
    """Write the table piece by piece; the file has its name once it is whole."""
    rows = 0
    with whole(options.out) as part, part.open("w", encoding="utf-8-sig", newline="") as file:
        for piece in found:
            disarmed(piece).to_csv(file, index=False, header=rows == 0, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
            rows += len(piece)
    text = words(f"{runs} 次运行，{rows} 行，已写入 {options.out}",
                 f"{runs} runs, {rows} rows written to {options.out}")
    return show(options, {"runs": runs, "rows": rows, "file": str(options.out)}, [text[options.lang]])


def to_screen(options: argparse.Namespace, found: Iterable[pd.DataFrame]) -> int:
    """Print every row as JSON; as text, each run's last year."""
    lang = options.lang
    table = pd.concat(list(found), ignore_index=True)
    lines = []
    for n, ((area, policy), own) in enumerate(table.groupby(["area", "policy"], sort=False)):
        if n == MOST_LINES:
            more = words("其余未列出，请用 --json 或 --out", "the others are left out: use --json or --out")
            lines.append(more[lang])
            break
        last = own[own["year"] == own["year"].max()]
        lines.append(f"{area}  {policy}  {own['year'].max()}")
        for row in last.itertuples():
            if row.quantity in EVENTS:
                lines.append(f"  {EVENTS[row.quantity][lang]}  {100 * row.mean:.1f} % ± {100 * row.se:.1f}")
            else:
                title, unit = (QUANTITIES | MORE)[row.quantity]
                lines.append(f"  {title[lang]} ({UNITS[unit][lang]})  {row.p50:,.4g}  "
                             f"5-95 % {row.p05:,.4g} {row.p95:,.4g}")
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return show(options, rows, lines)
