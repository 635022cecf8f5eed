"""What is declared: every lever and assumption with the clause or the evidence it has in a scenario."""

from __future__ import annotations

import pandas as pd

from simulation import reference
from simulation.assumptions import ASSUMED
from simulation.policy import SECTIONS
from simulation.scenario import STATUS, Scenario, clause
from simulation.terms import OFF, Source
from simulation.trees import leaves
from ui.register import interval, members
from ui.tables import Drawn
from ui.text import lever_text, say, unit_text


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


def status(source: Source, language: str) -> str:
    """How firm a source is, in a word; apart, what the rule book of a scenario does not have."""
    return say(language, "methods.unused") if source == OFF else STATUS[source.status][language]


def statuses(scenario: Scenario, year: int, language: str) -> Drawn:
    """How many levers and assumptions rest on what, counted as they are declared."""
    policy, kinds = scenario.policy_in(year), [STATUS[name][language] for name in STATUS]
    columns = [*kinds, say(language, "methods.unused")]
    counts = []
    for kind, whole, sections in (("lever", policy, SECTIONS), ("assumption", scenario.assumptions, ASSUMED)):
        found = [status(getattr(getattr(whole, section), name).source, language)
                 for section, model in sections.items() for name in model.terms()]
        counts.append({"kind": say(language, f"register.{kind}"), **{name: found.count(name) for name in columns},
                       "whole": len(found)})
    heads = {"kind": say(language, "register.column.kind"), "whole": say(language, "methods.whole")}
    return Drawn(pd.DataFrame(counts), heads | {name: name for name in columns})
