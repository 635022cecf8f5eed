"""What a lesson is: text, a starting view, steps with a task, checks as plain data, hints and a worked solution.

`report/lessons.py` reads lessons and says what is wrong with one; `report/judging.py` what a check asks of a run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from report.cards import Dealt
from simulation.measures import QUANTILES
from simulation.results import ALONG, EVENTS, MORE, QUANTITIES
from simulation.scenario import Change, Scenario
from simulation.series import Series
from simulation.terms import Record, Source, Words, refuse, short, words

STATISTICS = ("mean", *QUANTILES)
SOLVED = Source(status="assumption", note=words("课程中的调整", "moved in a lesson"))
KINDS = ("quantity", "chance", "lever", "question")
PLACE = re.compile(r"\{([^{}]*)\}")

# What lessons speak of beside the quantities of a run: made of several of them, draw by draw.
DERIVED: dict[str, tuple[Words, str]] = {
    "spending_per_head": (words("人均基金支出", "Fund spending per insured person"), "yuan_person_year"),
    "own_per_head": (words("人均个人负担", "Out-of-pocket spending per insured person"), "yuan_person_year"),
    "margin_ratio": (words("医疗机构结余占所得支付的比例", "Providers' margin over what they are paid"), "share"),
    "counties_short": (words("当年赤字的县数", "Counties in deficit in the year"), "number"),
}

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Year = Annotated[int, Field(strict=True)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Paragraph(Words):
    """A paragraph, and where its figures come from if the model did not make them."""

    source: Words | None = None


class Option(Record):
    """One answer to a question, whether it is right, and why it is or is not."""

    text: Words
    right: bool = False
    why: Words


class Question(Record):
    """A question with one right answer."""

    text: Words
    options: Annotated[tuple[Option, ...], Field(min_length=2, max_length=6)]


class Check(Record):
    """What is asked of the learner's run: exactly one of a quantity, a chance, a lever or a question."""

    quantity: str | None = None
    chance: str | None = None
    lever: str | None = None  # a leaf, or what several leaves have in common, as in `financing.contribution`
    question: Question | None = None
    statistic: Literal["mean", "p05", "p25", "p50", "p75", "p95"] = "p50"
    year: Year | None = None
    years: Literal["all", "any"] | None = None
    at_most: Number | None = None
    at_least: Number | None = None
    against: Literal["start"] | None = None  # the change from the start instead of the value
    moved: Literal["up", "down", "some", "none"] | None = None
    set_to: str | None = None  # of a lever that is a choice

    @property
    def kind(self) -> str:
        """Which of the four it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)


class Edit(Record):
    """One line of a difference file."""

    lever: str
    year: Year
    value: Any


class Start(Record):
    """Where a lesson begins: a scenario of the library and edits, as in a difference file."""

    base: str
    since: Year | None = None
    changes: Annotated[tuple[Edit, ...], Field(max_length=200)] = ()

    @property
    def year(self) -> int | None:
        """The year from which edits hold; the scenario's first where none is named."""
        return self.changes[0].year if self.changes else self.since


class Deal(Record):
    """A shock card that strikes in a year."""

    card: str
    year: Year


class Step(Record):
    """One task, with what to look at, how it is checked, and how it can be done."""

    title: Words
    text: Annotated[tuple[Paragraph, ...], Field(max_length=8)] = ()
    task: Words
    levers: Annotated[tuple[str, ...], Field(max_length=8)] = ()  # parameters the learner may want
    look: Annotated[tuple[Name, ...], Field(max_length=4)] = ()  # pages worth a look
    chart: Literal["balance", "surplus", "months", "chances", "spending"] = "balance"
    cards: Annotated[tuple[Deal, ...], Field(max_length=4)] = ()  # shocks under which this step's runs are made
    checks: Annotated[tuple[Check, ...], Field(min_length=1, max_length=8)]
    hints: Annotated[tuple[Words, ...], Field(max_length=6)] = ()
    explanation: Annotated[tuple[Paragraph, ...], Field(min_length=1, max_length=6)]
    solution: Annotated[tuple[Edit, ...], Field(max_length=200)] = ()

    @property
    def dealt(self) -> tuple[Dealt, ...]:
        """The cards as `report.cards` plays them."""
        return tuple(Dealt(deal.card, deal.year) for deal in self.cards)

    @property
    def on_runs(self) -> bool:
        """Whether anything is asked of the run, and not only of the learner."""
        return any(check.kind != "question" for check in self.checks)


class Lesson(Record):
    """A lesson."""

    name: Name
    title: Words
    purpose: Words
    minutes: Annotated[int, Field(ge=1, le=240, strict=True)]
    start: Start
    text: Annotated[tuple[Paragraph, ...], Field(min_length=1, max_length=8)]
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=8)]


class Place(NamedTuple):
    """One place in a text that is filled in: `{p_deficit:2030}` and its like."""

    kind: str  # run, lever, clause, assumption or record
    name: str
    statistic: str
    years: tuple[int, ...]
    own: bool  # of the learner's run, not of the starting one


def edited(scenario: Scenario, edits: Iterable[Edit]) -> Scenario:
    """A scenario with the edits of a lesson."""
    return scenario.changed(Change(lever=edit.lever, year=edit.year, value=edit.value, source=SOLVED)
                            for edit in edits)


def solved(lesson: Lesson, step: int) -> tuple[Edit, ...]:
    """The worked solution of a step: its own, or that of the last step before it that has one."""
    return next((one.solution for one in reversed(lesson.steps[:step + 1]) if one.solution), ())


def quantities(scenario: Scenario | None) -> list[str]:
    """Every quantity a check or a text may name, with a member where it varies along an axis."""
    along = [f"{name}.{member}" for name, (_, _, axis) in ALONG.items() for member in scenario.axes.members()[axis]
             ] if scenario else []
    return [*QUANTITIES, *MORE, *DERIVED, *along]


def leaves_of(scenario: Scenario, lever: str, year: int | None = None) -> list[str]:
    """The levers of a scenario that a name stands for: itself, or all that begin with it; of its first year, or one."""
    return [leaf for leaf, *_ in scenario.levers(year) if leaf == lever or leaf.startswith(f"{lever}.")]


# --- texts and their places --------------------------------------------------------------------------

def texts(record: Record, path: str = "") -> Iterator[tuple[str, Words]]:
    """Every text of a record with where it stands."""
    for name in type(record).model_fields:
        value = getattr(record, name)
        for n, item in enumerate(value if isinstance(value, tuple) else (value,)):
            where = f"{path}{name}" + (f".{n}" if isinstance(value, tuple) else "")
            if isinstance(item, Words):
                yield where, item
            if isinstance(item, Record):
                yield from texts(item, f"{where}.")


def place_of(inside: str) -> Place:
    """What stands between the braces of a text.

    >>> place_of("balance_ratio.p50:2030")
    Place(kind='run', name='balance_ratio', statistic='p50', years=(2030,), own=False)
    >>> place_of("lever:lines.balance_ratio").name, place_of("record:national_resident.stays:2019-2020").years
    ('lines.balance_ratio', (2019, 2020))
    """
    parts = inside.split(":")
    kind = parts.pop(0) if parts[0] in ("lever", "clause", "assumption", "record") else "run"
    name = parts.pop(0) if parts else ""
    own = kind in ("run", "lever") and name.startswith("now.")
    name = name.removeprefix("now.")
    years = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", parts.pop(0)) if parts else None
    statistic = name.rpartition(".")[2]
    if kind == "run" and statistic in STATISTICS:
        name = name.rpartition(".")[0]
    else:
        statistic = "mean" if name in EVENTS else "p50"
    found = tuple(int(year) for year in years.groups() if year) if years else ()
    if parts or not name or (kind in ("run", "record") and not found):
        raise refuse(short(f"{{{inside}}}"), words("不认识的占位符", "this place cannot be filled"),
                     words("例如 {p_deficit:2030}、{balance_ratio.p50:2030}、{lever:lines.balance_ratio}",
                           "for example {p_deficit:2030}, {balance_ratio.p50:2030}, {lever:lines.balance_ratio}"))
    return Place(kind, name, statistic, found, own)


def recorded(series: Series, column: str, year: int) -> float | None:
    """A published figure of a series, or nothing where there is none."""
    if year not in series.years:
        return None
    value = float(series.values[column][series.years.index(year)])
    return None if value != value else value
