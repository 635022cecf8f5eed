"""Every way in which text or bytes of a user enter: a parser by name, each from bytes, and what is good for it."""

from __future__ import annotations

import argparse
import io
import tempfile
import zipfile
from collections.abc import Callable
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from report.lessons import read_lesson
from simulation import load_scenario, simulate
from simulation.areas import read_areas
from simulation.commands.options import edited
from simulation.household import read_bills
from simulation.loading import parse_scenario
from simulation.proposals import read_proposals
from simulation.reading import decoded
from simulation.runs import files_of, read_kept
from simulation.series import read_series
from simulation.terms import BadInput
from store import exchange
from ui import family
from ui.view import from_file, from_query

ROOT = Path(__file__).resolve().parent.parent.parent
BASE = "benxi_2008"
BILLS = """person: {group: adult, status: ordinary, contribution_years: 3, contracted: false}
bills:
  - {kind: inpatient, tier: level_1, expense: 3000, eligible: 2200}
"""
CHANGES = """base: benxi_2008
changes:
  - {lever: benefits.ceiling, year: 2010, value: 40000}
assumptions:
  - {assumption: people.selection, low: 1, median: 2, high: 3, reason: own survey}
"""
LESSON = """name: small
title: {zh: 小课, en: Small}
purpose: {zh: 目的, en: Purpose}
minutes: 5
start: {base: benxi_2008}
text: [{zh: 起始, en: Start}]
steps:
  - title: {zh: 一步, en: A step}
    task: {zh: 任务, en: Task}
    checks: [{chance: p_deficit, year: 2012, at_most: 0.05}]
    explanation: [{zh: 讲解, en: Explanation}]
    solution: [{lever: benefits.ceiling, year: 2008, value: 20000}]
"""
SERIES = """年份,参保人数（万人）,基金收入（万元）,基金支出（万元）,累计结余（万元）
2017,30,24000,22500,1500
2018,30,24000,22500,3000
2019,30,24000,22500,4500
2020,30,24000,22500,6000
"""
LIBRARY = """{"library": 1, "model": "0.1.0", "entries": [
 {"code": "0123456789", "title": "方案", "notes": "", "author": "", "created": "2026-01-02T03:04:05", "versions": [
  {"text": "base: benxi_2008\\nchanges:\\n  - {lever: benefits.ceiling, year: 2010, value: 40000}\\n",
   "rationale": {"benefits.ceiling": "why"}, "note": "", "author": "", "created": "2026-01-02T03:04:05"}]}]}
"""
AREAS = """area,template,residents,utilisation.cost_growth
甲县,benxi_2008,480000,
乙县,benxi_2008,210000,0.05
"""
POLICIES = """policy,benefits.ceiling,lines.surplus_ratio@2010
现行,,
提高,40000,0.2
"""
OPTIONS = "benefits.ceiling@2010=40000\nbenefits.rate.chronic.adult=0.5\n"
LINK = "scenario=benxi_2008&lang=zh&from=2010&benefits.ceiling=40000&people.selection=1..2..3;own survey"


def written(name: str, read: Callable[[Path], Any], content: bytes) -> Any:
    """What a parser of files reads from a file of this name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return read(path)


def text_of(read: Callable[[str, str], Any], place: str, content: bytes) -> Any:
    """What a parser of text reads from bytes."""
    return read(decoded(content, place), place)


def link(content: bytes) -> Any:
    """The view of a link, of which every fault is told beside what could be used; here they count as a refusal."""
    try:
        query = content.decode()
    except UnicodeDecodeError:
        query = content.decode("latin-1")
    try:
        parameters = parse_qs(query, keep_blank_values=True)
    except ValueError:  # what the server refuses before the page sees it
        return None
    found, _, faults = from_query(parameters)
    if faults:
        raise BadInput(faults)
    return found


def options(content: bytes) -> Any:
    """The scenario with edits, a line each, as `--set` takes them."""
    lines = content.decode("utf-8", "replace").splitlines()
    return edited(argparse.Namespace(scenario=BASE, edits=lines, assumed=[]))


@lru_cache(maxsize=1)
def run() -> bytes:
    """A kept run, as its zip."""
    files = {name: text.encode() for name, text in files_of(simulate(BASE, 16, 1, "table")).items()}
    sums = "".join(f"{sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    return zipped(files | {"SHA256SUMS": sums.encode()})


def zipped(files: dict[str, bytes], packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Files as a zip."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", packed) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


@lru_cache(maxsize=1)
def workbook() -> bytes:
    """The good series as a workbook."""
    from openpyxl import Workbook

    book = Workbook()
    for line in SERIES.splitlines():
        book.active.append([float(cell) if cell.isdecimal() else cell for cell in line.split(",")])
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


# name: what reads its bytes
PARSERS: dict[str, Callable[[bytes], Any]] = {
    "scenario": partial(text_of, parse_scenario, "city.yaml"),
    "bills": partial(written, "bills.yaml", partial(read_bills, load_scenario(BASE))),
    "family": lambda content: family.from_file(content, "bills.yaml", load_scenario(BASE)),
    "changes": lambda content: from_file(content, "mine.yaml"),
    "lesson": partial(text_of, read_lesson, "small.yaml"),
    "series": lambda content: read_series(content, "fund.csv"),
    "workbook": lambda content: read_series(content, "fund.xlsx"),
    "library": lambda content: exchange.read(content, "library.json"),
    "run": partial(written, "run.zip", read_kept),
    "areas": partial(written, "areas.csv", read_areas),
    "policies": partial(written, "policies.csv", read_proposals),
    "options": options,
    "link": link,
}


@lru_cache(maxsize=1)
def good() -> dict[str, bytes]:
    """What each parser reads without a fault."""
    texts = {"bills": BILLS, "family": BILLS, "changes": CHANGES, "lesson": LESSON, "series": SERIES,
             "library": LIBRARY, "areas": AREAS, "policies": POLICIES, "options": OPTIONS, "link": LINK,
             "scenario": (ROOT / "scenarios" / f"{BASE}.yaml").read_text(encoding="utf-8")}
    return {name: text.encode() for name, text in texts.items()} | {"workbook": workbook(), "run": run()}
