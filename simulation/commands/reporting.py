"""The command that writes a policy brief: report."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from simulation.commands.options import Command, edits_of, estimates_of, settable, show, simulated, whole_number
from simulation.loading import library, load_scenario
from simulation.terms import refuse, words
from simulation.writing import unwritable, write

FORMATS = {"docx": "word", "pdf": "pdf", "html": "html", "xlsx": "book"}  # format -> what writes it


def declare(command: Command) -> None:
    """Add this command to the parser."""
    sub = command("report", report, "write a policy brief of a scenario as Word, PDF, HTML or a workbook")
    settable(sub)
    simulated(sub)
    sub.add_argument("--format", default=None, metavar="|".join(FORMATS), help="(what the file's name ends in)")
    sub.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to write")
    sub.add_argument("--series", default=None, metavar="FILE", help="a fund's own yearly table, whose back-test grades "
                     "the outputs (a published series)")


def report(options: argparse.Namespace) -> int:
    """`report`"""
    form = options.format or options.out.suffix.removeprefix(".")
    if form not in FORMATS:
        raise refuse(f"--format {form}".strip(), words("没有这种格式", "there is no such format"),
                     words(f"可选：{'、'.join(FORMATS)}", f"choose one of {', '.join(FORMATS)}"))
    writable(options.out)
    from report.brief import brief  # what draws and lays out takes a second to load
    from report.inquiry import TESTED, inquire

    base = load_scenario(options.scenario)
    named = base.name if options.scenario in library() else Path(options.scenario).name
    inquiry = inquire(base, edits_of(options, base), estimates_of(options), whole_number(options.draws, "--draws"),
                      whole_number(options.seed, "--seed"), options.engine, options.series or TESTED, named)
    paper = brief(inquiry, options.lang)
    content = getattr(import_module(f"report.{FORMATS[form]}"), FORMATS[form])(paper)
    write(options.out, content)
    facts = inquiry.now.facts
    said = {"file": str(options.out), "format": form, "language": options.lang, "bytes": len(content),
            "title": " ".join(paper.title), **facts}
    return show(options, said, [f"{options.out}  {len(content):,} B", " ".join(paper.title),
                                f"{facts['draws']}  {facts['seed']}  {facts['fingerprint'][:16]}"])


def writable(path: Path) -> None:
    """Refuse a place that cannot be written to before anything is computed."""
    if path.is_dir() or not path.parent.is_dir():
        raise unwritable(path, NotADirectoryError(20, "no such folder"))
