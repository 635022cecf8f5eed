"""A policy brief as plain content: sections of paragraphs, tables and charts in a language, and nothing of a layout.

Figures and sentences are those of the screen (`findings`, `tables`, `charts`); `word`, `pdf`, `html` and `book` lay
the same `Brief` out.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from report import burden, evidence, scenes
from report.code import command
from report.findings import doubt, figures, limit_text, sentences
from report.inquiry import TOLD, Inquiry, Moved, facts
from report.paper import NOTHING, Brief, Chart, Heading, Listing, Paragraph, Part, Section, Table, clean
from report.tables import FORMS, Drawn, wide
from report.text import lever_text, percent, say, unit_text
from simulation.estimates import SET_BY_HAND, find_assumption
from simulation.results import EVENTS
from simulation.scenario import clause
from simulation.sentences import verdict

ACCOUNT = ["enrolled", "income", "expenditure", "surplus", "balance_end", "surplus_ratio", "balance_ratio",
           "reserve_months"]
LINES = ("surplus_ratio", "balance_ratio", "reserve_months")  # with a limit in the rules
NAMED = 3  # kinds of levers that a question names
NUMERALS = "一二三四五六七八九十"
LETTERS = "ABCDEFGH"


def brief(inquiry: Inquiry, language: str) -> Brief:
    """The brief of an inquiry in a language: the same inquiry gives the same brief."""
    say_ = lambda key, **values: say(language, f"brief.{key}", **values)  # noqa: E731
    counted = Counted(language)
    plan = [("question", question(inquiry, language)), ("answer", answer(inquiry, counted, language)),
            ("course", course(inquiry, counted, language))]
    if inquiry.changed:
        plan.append(("levers", levers(inquiry, counted, language)))
    plan += [("payers", payers(inquiry, counted, language)), ("reliable", reliable(inquiry, counted, language)),
             ("again", again(inquiry, counted, language))]
    annexes = [("account", account(inquiry, counted, language)),
               ("assumptions", assumptions(inquiry, counted, language))]
    sections = tuple(Section(clean(say_("section", number=number(n, language), title=say_(f"head.{key}"))), parts)
                     for n, (key, parts) in enumerate(plan))
    marks = [str(n + 1) if language == "zh" else LETTERS[n] for n in range(len(annexes))]
    listed_ = tuple(say_(f"listed.{'next' if n else 'first'}", mark=mark, title=say_(f"head.{key}"))
                    for n, (mark, (key, _)) in enumerate(zip(marks, annexes, strict=True)))
    return Brief(language, title(inquiry, language), sections,
                 tuple(Section(say_(f"head.{key}"), parts, say_("annex", mark=mark))
                       for (key, parts), mark in zip(annexes, marks, strict=True)), listed_,
                 f"{inquiry.scenario.name}_brief_{language}")


class Counted:
    """Captions of tables and charts, numbered as they come."""

    def __init__(self, language: str) -> None:
        self.language, self.made = language, Counter()

    def __call__(self, kind: str, text: str) -> str:
        """The next caption of a kind, `table` or `chart`."""
        self.made[kind] += 1
        return clean(say(self.language, f"brief.caption.{kind}", number=self.made[kind], text=text))


def number(n: int, language: str) -> str:
    """The number of a section, from nothing.

    >>> number(1, "zh"), number(1, "en")
    ('二', '2')
    """
    return NUMERALS[n] if language == "zh" else str(n + 1)


def told(texts: Iterable[str]) -> list[Paragraph]:
    """Paragraphs without the marks that a page shows in bold."""
    return [Paragraph(clean(text.replace("**", ""))) for text in texts]


def listed(texts: Sequence[str], language: str) -> list[Paragraph]:
    """Sentences as numbered items."""
    return told(say(language, "brief.item", number=n, text=text) for n, text in enumerate(texts, 1))


# --- sections ---------------------------------------------------------------------------------------

def title(inquiry: Inquiry, language: str) -> tuple[str, ...]:
    """The title in lines: what it is about, and the question."""
    key = "changed" if inquiry.changed else "unchanged"
    kinds = list(dict.fromkeys(lowered(term.title[language]) for term in (
        *(each.term for each in inquiry.moved), *(find_assumption(each.name)[2] for each in inquiry.estimates))))
    names = say(language, "brief.and").join(kinds[:2])
    if len(kinds) > 2:
        names = say(language, "brief.title.more", names=names)
    values = {"scenario": inquiry.scenario.title[language], "levers": names}
    return tuple(clean(say(language, f"brief.title.{key}_{n}", **values)) for n in (1, 2))


def lowered(text: str) -> str:
    """A phrase as it stands inside a sentence.

    >>> lowered("Yearly ceiling"), lowered("GP rate")
    ('yearly ceiling', 'GP rate')
    """
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def question(inquiry: Inquiry, language: str) -> tuple[Part, ...]:
    """The question in words, what it is about, and where the lines come from."""
    scenario, now = inquiry.scenario, inquiry.now
    first, last = scenario.first_year, scenario.horizon()[-1]
    limits = {name: limit_text(now, name, language) for name in LINES}
    asked = say(language, "brief.asked", first=first, last=last, **limits)
    if inquiry.changed:
        parts = say(language, "brief.comma").join(wishes(inquiry, language))
        asked = say(language, "brief.supposed", change=parts, asked=lowered(asked))
    else:
        asked = say(language, "brief.as_is", asked=lowered(asked))
    rules = scenario.policy_in(last).lines
    bases = say(language, "brief.semicolon").join(say(
        language, "brief.line_basis", name=say(language, f"brief.line.{name}"), limit=limits[name],
        clause=clause(scenario, getattr(rules, name).source, language)) for name in LINES)
    return tuple(told([asked, scenario.story[language], say(language, "brief.lines", bases=bases)]))


def wishes(inquiry: Inquiry, language: str) -> list[str]:
    """The change in words, lever by lever: one value from what to what, or how many values by how much."""
    found = []
    kinds: dict[tuple[str, int], list[Moved]] = {}
    for each in inquiry.moved:
        kinds.setdefault((".".join(each.lever.split(".")[:2]), each.year), []).append(each)
    for (_, year), moved in kinds.items():
        first, term = moved[0], moved[0].term
        if len(moved) == 1:
            found.append(say(language, "brief.wish.one", year=year, new=valued(first.after, term, language),
                             old=valued(first.before, term, language),
                             name=inquiry.scenario.lever_names(first.lever, language)))
            continue
        gaps = {round(each.after - each.before, 9) for each in moved} if all(
            isinstance(end, int | float) for each in moved for end in (each.before, each.after)) else set()
        if len(gaps) == 1:
            gap = gaps.pop()
            found.append(say(language, f"brief.wish.{'up' if gap > 0 else 'down'}", year=year, count=len(moved),
                             name=term.title[language], gap=stepped(abs(gap), term, language)))
        else:
            found.append(say(language, "brief.wish.various", year=year, count=len(moved), name=term.title[language]))
    for row in evidence.otherwise(inquiry, language):
        found.append(say(language, "brief.wish.assumed", name=row["assumption"], old=row["old"], new=row["new"]))
    rest = found[NAMED:]
    return [*found[:NAMED], say(language, "brief.wish.rest", count=len(rest))] if rest else found


def valued(value: Any, term: Any, language: str) -> str:
    """A lever's value with its unit."""
    text = lever_text(value, term, language)
    plain = value is None or term.choices or term.unit in ("rate", "share", "per_year", "number")
    return text if plain else f"{text} {unit_text(term.unit, language)}"


def stepped(gap: float, term: Any, language: str) -> str:
    """The size of a step of a lever with its unit; of a rate in percentage points."""
    if term.unit in ("rate", "share", "per_year"):
        return say(language, "brief.points", value=f"{100 * gap:.6g}")
    return valued(gap, term, language)


def answer(inquiry: Inquiry, counted: Counted, language: str) -> tuple[Part, ...]:
    """What the run says, how it differs from before, and how far that can be trusted."""
    marks = iter(NUMERALS)
    head = lambda key: Heading(  # noqa: E731
        f"（{next(marks)}）" * (language == "zh") + say(language, f"brief.sub.{key}"))
    parts: list[Part] = [head("found"), *listed(sentences(inquiry.now, language, inquiry.before), language)]
    if inquiry.comparison is not None:
        names = {"0": say(language, "brief.before"), "1": say(language, "brief.after")}
        rows = inquiry.comparison.differences
        rows = rows[rows["year"] == rows["year"].max()].assign(scenario=names["1"], against=names["0"])
        said = [verdict(row)[language] for name in TOLD for row in rows[rows["quantity"] == name].itertuples()]
        level = f"{100 * inquiry.comparison.facts['level']:.0f}%"
        changed = len(inquiry.estimates)
        otherwise = say(language, "brief.otherwise", count=changed) if changed else ""
        paired = say(language, "brief.paired", level=level, otherwise=otherwise)
        parts += [head("differs"), *told([paired]), *listed(said, language)]
    parts.append(head("sure"))
    rows = [{"what": figure.label, "value": figure.value, "error": f"± {figure.error}",
             "change": figure.change or NOTHING} for figure in figures(inquiry.now, inquiry.before, language)]
    frame = pd.DataFrame(rows)
    frame = frame if inquiry.before else frame.drop(columns="change")
    heads_ = {name: say(language, f"brief.column.{name}") for name in frame.columns}
    return (*parts, *told([doubt(inquiry.now, language)]),
            Table(counted("table", say(language, "brief.table.figures")), Drawn(frame, heads_)))


def course(inquiry: Inquiry, counted: Counted, language: str) -> tuple[Part, ...]:
    """The charts, each with what it shows in a sentence."""
    parts: list[Part] = []
    for scene in scenes.of(inquiry, language):
        parts += [*told([scene.told]), Chart(counted("chart", scene.title), scene.figure, scene.drawn,
                                             clean(scene.alt.replace("*", "")), clean(scene.note))]
    return tuple(parts)


def levers(inquiry: Inquiry, counted: Counted, language: str) -> tuple[Part, ...]:
    """Every value changed: from what to what, from when, and what the value before rests on; then the assumptions."""
    scenario, parts = inquiry.scenario, []
    frames = {"levers": pd.DataFrame([{
        "lever": clean(scenario.lever_names(each.lever, language)), "old": valued(each.before, each.term, language),
        "new": valued(each.after, each.term, language), "since": each.year,
        "clause": clean(clause(inquiry.base, each.source, language))} for each in inquiry.moved]),
        "assumed": pd.DataFrame(evidence.otherwise(inquiry, language))}
    for kind, frame in frames.items():
        if len(frame):
            heads = {name: say(language, f"brief.column.{name}") for name in frame.columns}
            parts += [*told([say(language, f"brief.{kind}", count=len(frame))]),
                      Table(counted("table", say(language, f"brief.table.{kind}")),
                            Drawn(frame, heads, {"since": FORMS["year"]}), say(language, f"brief.{kind}_note"))]
    return tuple(parts)


def payers(inquiry: Inquiry, counted: Counted, language: str) -> tuple[Part, ...]:
    """Who pays for the fund and for care, in the first and last year, and before the change."""
    drawn, unit = burden.table(inquiry.result, inquiry.before_result, language)
    return (*told([burden.sentence(inquiry.result, language)]),
            Table(counted("table", say(language, "brief.table.payers", unit=unit)), drawn,
                  say(language, "brief.payers_note")))


def reliable(inquiry: Inquiry, counted: Counted, language: str) -> tuple[Part, ...]:
    """What the values rest on, what the chances hang together with, and the grades of the back-test."""
    parts: list[Part] = told([evidence.rests(inquiry.scenario, language)])
    if inquiry.drivers is not None:
        parts += told([say(language, "brief.drivers"), *evidence.crossings(inquiry.drivers, language)])
    drawn, n = evidence.grades(inquiry.record, language)
    parts += told([evidence.tested(inquiry.record, language)])
    return (*parts, Table(counted("table", say(language, "brief.table.grades")), drawn,
                          say(language, "brief.grades_note", n=n)))


def again(inquiry: Inquiry, counted: Counted, language: str) -> tuple[Part, ...]:
    """What identifies the run, and the commands that make it and this brief again."""
    given = facts(inquiry)
    shown = {"scenario": inquiry.named, **{name: given[name] for name in ("draws", "seed")},
             "engine": say(language, f"engine.{given['engine']}"), "model": given["model"],
             "libraries": f"numpy {given['numpy']}, scipy {given['scipy']}", "fingerprint": given["fingerprint"]}
    frame = pd.DataFrame([{"fact": say(language, f"brief.fact.{name}"), "is": clean(value)}
                          for name, value in shown.items()])
    drawn = Drawn(frame, {name: say(language, f"brief.column.{name}") for name in frame.columns})
    run = command(inquiry.named, inquiry.edits, inquiry.estimates, given["draws"], given["seed"], given["engine"])
    write = run.replace("simulation run", "simulation report", 1) + shlex.join([
        "", "--lang", language, "--out", f"{inquiry.scenario.name}_brief_{language}.docx"]).removeprefix("''")
    reasons = any(each.source.note != SET_BY_HAND.note for each in inquiry.estimates)
    return (*told([say(language, "brief.again")]),
            Table(counted("table", say(language, "brief.table.facts")), drawn),
            *told([say(language, "brief.run_again_reasons" if reasons else "brief.run_again")]),
            Listing((clean(f"{run} --json"),)),
            *told([say(language, "brief.write_again")]), Listing((clean(write),)),
            *told([say(language, "brief.nobody")]))


# --- annexes ----------------------------------------------------------------------------------------

def account(inquiry: Inquiry, counted: Counted, language: str) -> tuple[Part, ...]:
    """The main account and the chances, year by year."""
    drawn = wide(inquiry.now, ACCOUNT, "p50", language)
    chances = inquiry.now.chances.assign(told=[f"{percent(value)} ± {percent(se)}" for value, se in zip(
        inquiry.now.chances["value"], inquiry.now.chances["se"], strict=True)])
    frame = chances.pivot(index="year", columns="event", values="told")[list(EVENTS)].reset_index()
    heads = {"year": say(language, "column.year")} | {event: say(language, f"event.{event}") for event in EVENTS}
    return (Table(counted("table", say(language, "brief.table.account")), drawn, say(language, "brief.medians")),
            Table(counted("table", say(language, "brief.table.chances")),
                  Drawn(frame.rename_axis(columns=None), heads, {"year": FORMS["year"]}),
                  say(language, "brief.errors")))


def assumptions(inquiry: Inquiry, counted: Counted, language: str) -> tuple[Part, ...]:
    """Every assumption that is uncertain, with its interval and its evidence."""
    drawn = evidence.intervals(inquiry.scenario, language)
    return (*told([say(language, "brief.intervals", count=len(drawn.frame))]),
            Table(counted("table", say(language, "brief.head.assumptions")), drawn))
