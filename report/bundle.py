"""A whole run as one zip: what it was made of, its figures, and what every column of them is.

`simulation.runs` reads it again and recomputes it. The same run gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import zipfile

import pandas as pd

from report.code import command
from report.columns import made_as
from report.sheets import COLUMNS as HEADINGS
from report.sheets import Entry, csv, meaning, parquet
from report.tables import Drawn
from report.text import say, unit_text
from simulation.calibration import as_file
from simulation.measures import QUANTILES
from simulation.results import EVENTS, QUANTITIES, Result
from simulation.runs import SUMS, TABLES, files_of
from simulation.terms import LANGUAGES, Words, words

NEVER = (1980, 1, 1, 0, 0, 0)  # the time every file of a zip bears, so that only its content counts
README = "README.txt"
SCENARIO = "scenario.yaml"
DICTIONARY = "dictionary.csv"
TOLD = ("manifest.json", "figures.json", *TABLES, "*.parquet", SCENARIO, DICTIONARY, SUMS)  # of these the README tells
OF_CODE = words("单位随指标", "as its quantity")
SHARE, YUAN = (words(*(unit_text(unit, language) for language in LANGUAGES)) for unit in ("share", "yuan_year"))
# Columns of the tables: what they hold, and in which unit.
COLUMNS = {
    "year": (words("年份", "year"), None),
    "quantity": (words("指标的代码", "code of the quantity"), None),
    "event": (words("事件的代码", "code of the event"), None),
    "tier": (words("医疗机构等级或费用种类的代码", "code of the provider tier or kind of care"), None),
    "mean": (words("各模拟次的平均数", "mean over the draws"), OF_CODE),
    **{name: (made_as("summary", name), OF_CODE) for name in QUANTILES},
    "value": (words("概率：事件发生的模拟次所占比重", "probability: the share of draws in which it happened"), SHARE),
    "se": (words("概率的标准误", "standard error of the probability"), SHARE),
    "amount": (words("基金付给医疗机构的费用，各模拟次的平均数", "what the fund pays providers, mean over the draws"),
               YUAN),
    "share": (words("占当年付给医疗机构的费用的比重", "part of what the fund pays providers in the year"), SHARE)}


def bundle(result: Result) -> bytes:
    """A run as the bytes of a zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in contents(result).items():
            member = zipfile.ZipInfo(name, NEVER)
            member.create_system, member.external_attr = 3, 0o644 << 16  # the same on every machine
            archive.writestr(member, content, zipfile.ZIP_DEFLATED, 9)
    return file.getvalue()


def contents(result: Result) -> dict[str, bytes]:
    """The files of a run by name: the README first, and the hashes of all others last."""
    facts = {name: result.manifest[name] for name in ("scenario", "draws", "seed", "engine")} | {
        "fingerprint": result.fingerprint}
    tables = {name.removesuffix(".csv"): table(result) for name, table in TABLES.items()}
    files = {README: readme(facts).encode("utf-8-sig"),
             **{name: text.encode() for name, text in files_of(result).items()},
             **{f"{name}.parquet": parquet(frame, map(column, frame.columns), facts)
                for name, frame in tables.items()},
             SCENARIO: as_file(result.scenario).encode(), DICTIONARY: csv(dictionary(result, tables))}
    return files | {SUMS: "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n"
                                  for name, content in files.items()).encode()}


def column(name: str) -> Entry:
    """What a column of the tables is; figures stand in the model's units."""
    made, unit = COLUMNS[name]
    return Entry(name, both(made), both(unit) if unit else "", made)


def both(phrase: Words) -> str:
    """A phrase in both languages."""
    return f"{phrase.zh} {phrase.en}"


def dictionary(result: Result, tables: dict[str, pd.DataFrame]) -> Drawn:
    """What every column and every code of the tables is, in both languages."""
    rows = [(f"{name}.csv, {name}.parquet", column(each)) for name, frame in tables.items() for each in frame.columns]
    rows += [("quantity", Entry(name, both(title), " ".join(unit_text(unit, language) for language in LANGUAGES),
                                meaning(name))) for name, (title, unit) in QUANTITIES.items()]
    rows += [("event", Entry(name, both(title), both(SHARE), title)) for name, title in EVENTS.items()]
    axes, shown = result.scenario.axes, set(tables["spending"]["tier"])
    rows += [("tier", Entry(name, both(title), "", title)) for name, title in {**axes.kind, **axes.tier}.items()
             if name in shown]
    frame = pd.DataFrame([(part, line.code, line.name, line.unit, line.made.zh, line.made.en) for part, line in rows])
    return Drawn(frame, dict(enumerate(("所在 part", *HEADINGS))))


def readme(facts: dict) -> str:
    """What each file is and how to check and to use the run, first in Chinese, then in English."""
    again = command(SCENARIO, (), (), facts["draws"], facts["seed"], facts["engine"])
    parts = []
    for language in LANGUAGES:
        told = [f"{name:<16}{say(language, f'bundle.{key_of(name)}')}" for name in TOLD]
        parts.append("\n".join([say(language, "bundle.title", **facts), "", *told, "",
                                say(language, "bundle.verify", scenario=facts["scenario"]),
                                say(language, "bundle.again", command=again), ""]))
    return "\n\n".join(parts)


def key_of(name: str) -> str:
    """The phrase that tells of a file."""
    return "parquet" if name.startswith("*") else name.partition(".")[0].lower()
