"""A policy brief as plain content: sections of paragraphs, tables and charts in a language, and nothing of a layout.

Figures and sentences are those of the screen (`findings`, `tables`, `charts`); `word`, `pdf`, `html` and `book` lay
the same `Brief` out.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence

import pandas as pd

from report import burden, evidence, scenes, versus, wishes
from report.code import command
from report.findings import doubt, figures, limit_text, sentences
from report.inquiry import Inquiry, facts
from report.paper import NOTHING, Brief, Chart, Heading, Listing, Paragraph, Part, Section, Table, clean, printable
from report.tables import FORMS, Drawn, wide
from report.text import percent, say, years_of
from simulation.estimates import SET_BY_HAND, find_assumption
from simulation.results import EVENTS
from simulation.scenario import clause, find_lever, years_given_up

ACCOUNT = ["enrolled", "income", "expenditure", "surplus", "balance_end", "surplus_ratio", "balance_ratio",
           "reserve_months"]
LINES = ("surplus_ratio", "balance_ratio", "reserve_months")  # with a limit in the rules
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


def numbered(texts: Sequence[str], language: str) -> list[str]:
    """Sentences as numbered items."""
    return [say(language, "brief.item", number=n, text=text) for n, text in enumerate(texts, 1)]


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
    """The question, what is changed for it, and what it is about."""
    scenario, now = inquiry.scenario, inquiry.now
    limits = {name: limit_text(now, name, language) for name in LINES}
    asked = say(language, "brief.asked", years=years_of(scenario.horizon(), language), **limits)
    story = scenario.story[language]
    if inquiry.changed:
        lists = {"rules": wishes.told(inquiry, language), "assumed": wishes.assumed(inquiry, language)}
        texts = [say(language, "brief.supposed", counts=wishes.counts(inquiry, language), asked=asked)]
        for kind, items in lists.items():
            texts += [say(language, f"brief.supposed_{kind}"), *numbered(items, language)] if items else []
            texts += given_way(inquiry, language) if kind == "rules" else []
        known = background(story)
        texts += [say(language, "brief.background", story=known)] if known else []
    else:
        texts = [say(language, "brief.as_is", asked=lowered(asked)), story]
    return tuple(told(texts))


def given_way(inquiry: Inquiry, language: str) -> list[str]:
    """The sentence on what the scenario itself plans for later years and gives up for the changes, if it does."""
    years = years_given_up(inquiry.given_up)
    alike = wishes.grouped(years, lambda lever: (find_lever(lever)[:2], years[lever]))
    plans = [say(language, "brief.given_up_plan", years=years_of(when, language), name=wishes.called(
        [inquiry.base.lever_names(lever, language) for lever in levers], language))
        for (_, when), levers in alike.items()]
    return [say(language, "brief.given_up", plans=say(language, "brief.list").join(plans))] if plans else []


def bases(inquiry: Inquiry, language: str) -> str:
    """What each line rests on."""
    scenario = inquiry.scenario
    rules = scenario.policy_in(scenario.horizon()[-1]).lines
    return say(language, "brief.lines", bases=say(language, "brief.semicolon").join(say(
        language, "brief.line_basis", name=say(language, f"brief.line.{name}"),
        limit=limit_text(inquiry.now, name, language),
        clause=clause(scenario, getattr(rules, name).source, language)) for name in LINES))


def background(story: str) -> str:
    """What a scenario's story tells, without the question of its own that it asks.

    >>> background("A fund of 5.2 million. What if? It grows.")
    'A fund of 5.2 million. It grows.'
    """
    sentences_ = re.split(r"(?<=[。？！])|(?<=[.?!]) +", story)
    return ("" if "。" in story else " ").join(part for part in sentences_ if part and part[-1] not in "？?")


def answer(inquiry: Inquiry, counted: Counted, language: str) -> tuple[Part, ...]:
    """What the run says, how it differs from before, and how far that can be trusted."""
    marks = iter(NUMERALS)
    head = lambda key: Heading(  # noqa: E731
        f"（{next(marks)}）" * (language == "zh") + say(language, f"brief.sub.{key}"))
    parts: list[Part] = [head("found"), *told(numbered(sentences(inquiry.now, language, inquiry.before), language))]
    if inquiry.runs.comparison is not None:
        found = inquiry.runs.comparison
        changed = len(inquiry.estimates)
        otherwise = say(language, "brief.otherwise", count=changed) if changed else ""
        drawn, year = versus.table(found, language)
        parts += [head("differs"), *told([say(language, "brief.paired", year=year, otherwise=otherwise)]),
                  Table(counted("table", say(language, "brief.table.differs", year=year)), drawn,
                        say(language, "brief.differs_note"))]
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
    rules, parts = wishes.rules(inquiry, language), []
    frames = {"levers": pd.DataFrame([{
        "lever": clean(rule.name), "old": rule.old, "new": rule.new, "since": rule.year,
        "clause": clean(clause(inquiry.base, rule.source, language))} for rule in rules]),
        "assumed": pd.DataFrame(evidence.otherwise(inquiry, language))}
    for kind, frame in frames.items():
        if len(frame):
            heads = {name: say(language, f"brief.column.{name}") for name in frame.columns}
            count = len(wishes.sentences(inquiry, language)) if kind == "levers" else len(frame)
            parts += [*told([say(language, f"brief.{kind}", count=count, values=len(inquiry.moved))]),
                      Table(counted("table", say(language, f"brief.table.{kind}")),
                            Drawn(frame, heads, {"since": FORMS["year"]}), say(language, f"brief.{kind}_note"))]
    return tuple(parts)


def payers(inquiry: Inquiry, counted: Counted, language: str) -> tuple[Part, ...]:
    """Who pays for the fund and for care, in the first and last year, and before the change."""
    drawn, unit = burden.table(inquiry.now, inquiry.before, language)
    return (*told([burden.sentence(inquiry.now, inquiry.before, language)]),
            Table(counted("table", say(language, "brief.table.payers", unit=unit)), drawn,
                  say(language, "brief.payers_note")))


def reliable(inquiry: Inquiry, counted: Counted, language: str) -> tuple[Part, ...]:
    """What lines and values rest on, what the chances hang together with, and the grades of the back-test."""
    parts: list[Part] = told([bases(inquiry, language), evidence.rests(inquiry.scenario, language)])
    if inquiry.runs.drivers is not None:
        parts += [*told([say(language, "brief.drivers")]), Table(
            counted("table", say(language, "brief.table.drivers", year=inquiry.scenario.horizon()[-1])),
            evidence.crossings(inquiry.runs.drivers, language), say(language, "brief.drivers_note"))]
    drawn, n = evidence.grades(inquiry.record, language)
    parts += told([evidence.tested(inquiry.record, language)])
    return (*parts, Table(counted("table", say(language, "brief.table.grades")), drawn,
                          say(language, "brief.grades_note", n=n)), *told(evidence.meanings(drawn, language)))


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
            Listing((printable(f"{run} --json"),)),
            *told([say(language, "brief.write_again")]), Listing((printable(write),)),
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
