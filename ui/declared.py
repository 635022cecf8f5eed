"""What is declared: every lever and assumption with the clause or the evidence it has in a scenario."""

from __future__ import annotations

import pandas as pd

from report.tables import Drawn
from report.text import lever_text, say, unit_text
from simulation import cited, reference
from simulation.assumptions import ASSUMED
from simulation.scenario import Scenario, clause
from simulation.terms import OFF, Source
from simulation.trees import leaves
from ui.register import interval, members


def levers(scenario: Scenario, year: int, language: str) -> Drawn:
    """Every lever as it is declared, with the clause it rests on in a scenario in a year."""
    policy = scenario.policy_in(year)
    rows = []
    for row in reference.rows("lever"):
        source = getattr(getattr(policy, row.section), row.name.split(".")[1]).source
        rows.append({"section": reference.TITLES[row.section][language], **reference.described(row, language),
                     "clause": clause(scenario, source, language)})
    columns = ["title", "section", "unit", "bounds", "axes", "acts", "needs", "clause", "help", "name"]
    heads = {name: reference.HEADS[name][language] for name in columns if name in reference.HEADS}
    return Drawn(pd.DataFrame(rows)[columns], heads | {name: say(language, f"register.column.{name}")
                                                       for name in ("section", "clause")})


def assumptions(scenario: Scenario, language: str) -> Drawn:
    """Every value of every assumption, with its interval, status and source."""
    rows = []
    for section, model in ASSUMED.items():
        for field, term in model.terms().items():
            given = getattr(getattr(scenario.assumptions, section), field)
            for name, value in leaves(given.value, f"{section}.{field}"):
                title = " · ".join([term.title[language], *members(scenario, term, name, language)])
                rows.append({"title": title, "section": reference.TITLES[section][language],
                             "value": lever_text(value, term, language),
                             "unit": unit_text(term.unit, language), "interval": interval(given, language),
                             "status": status(given.source, language),
                             "clause": clause(scenario, given.source, language).split("] ", 1)[-1], "name": name})
    columns = ["title", "section", "value", "unit", "interval", "status", "clause", "name"]
    heads = {name: say(language, f"register.column.{name}") for name in columns if name != "status"}
    return Drawn(pd.DataFrame(rows)[columns], heads | {"status": say(language, "methods.status")})


def documents(scenario: Scenario, language: str) -> Drawn:
    """Every document that a scenario cites: its title, in English beside the official one, publisher and date.

    >>> from ui.view import known
    >>> documents(known("benxi_2008"), "en").frame.columns.tolist()
    ['document', 'official', 'publisher', 'date']
    """
    listed = {document.title: document for document in scenario.documents.values()}.values()
    frame = pd.DataFrame([{"document": cited.title(each.title, language), "official": each.title,
                           "publisher": cited.publisher(each.publisher, language),
                           "date": cited.publisher(each.date, language)} for each in listed])
    if language == "zh":
        frame = frame.drop(columns="official")
    return Drawn(frame, {name: say(language, f"methods.{name}") for name in frame.columns})


def status(source: Source, language: str) -> str:
    """How firm a source is, in a word; apart, what the rule book of a scenario does not have."""
    return reference.STATUSES[reference.UNUSED if source == OFF else source.status][language]


def statuses(scenario: Scenario, year: int, language: str) -> Drawn:
    """How many levers and assumptions, and how many of their values, rest on what (`reference.counted`)."""
    counts, rows = reference.counted(scenario, year), []
    for kind in reference.KINDS:
        for of in ("declared", "values"):
            found = {count.status: getattr(count, of) for count in counts if count.kind == kind}
            rows.append({"kind": say(language, f"methods.{kind}_{of}"), **found, "whole": sum(found.values())})
    heads = {"kind": say(language, "register.column.kind"), "whole": say(language, "methods.whole")}
    return Drawn(pd.DataFrame(rows), heads | {name: title[language] for name, title in reference.STATUSES.items()})
