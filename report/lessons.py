"""Lessons as files: text, a starting view, steps with a task, checks as plain data, hints and a worked solution.

A lesson is read like every other file of users: safe YAML, bounded, unknown keys refused, every fault one sentence.
`docs/lessons.md` says how to write one; `report/judging.py` says what a check asks of a run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from report.cards import Dealt, deck
from simulation.assumptions import ASSUMED
from simulation.measures import QUANTILES
from simulation.reading import build, read_text, read_yaml, too_large
from simulation.results import ALONG, EVENTS, MORE, QUANTITIES
from simulation.scenario import Change, Scenario, lever_value, library, load_scenario
from simulation.series import bundled, load_series
from simulation.terms import BadInput, Fault, Record, Source, Words, refuse, short, words
from simulation.trees import nearest

UI = Path(__file__).resolve().parent.parent / "ui"
FOLDER, PAGES = UI / "lessons", UI / "pages"
MAX_BYTES = 60_000
MAX_LETTERS = 1_500  # of one text
STATISTICS = ("mean", *QUANTILES)
SOLVED = Source(status="assumption", note=words("课程中的调整", "moved in a lesson"))
KINDS = ("quantity", "chance", "lever", "question")
# What each kind of check may say besides its own key.
MAY = {"quantity": {"statistic", "year", "years", "at_most", "at_least", "against"},
       "chance": {"year", "years", "at_most", "at_least", "against"},
       "lever": {"year", "moved", "set_to", "at_most", "at_least", "against"}, "question": set()}

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


@lru_cache(maxsize=1)
def lessons() -> dict[str, Lesson]:
    """The lessons that come with the project, by name, in the order of their files."""
    read = (read_lesson(read_text(path), path.name) for path in sorted(FOLDER.glob("*.yaml")))
    return {lesson.name: lesson for lesson in read}


def file_of(name: str) -> Path:
    """The file of a lesson that comes with the project."""
    return next(path for path in FOLDER.glob("*.yaml") if path.stem.partition("_")[2] == name)


def read_lesson(text: str, place: str) -> Lesson:
    """A checked lesson from its YAML text; raises `BadInput` with every fault found."""
    if len(text.encode()) > MAX_BYTES:
        raise too_large(place, MAX_BYTES)
    data = read_yaml(text, place)
    if not isinstance(data, Mapping):
        raise refuse(place, words("内容不是课程", "this is not a lesson"),
                     words("请从 name、title 开始", "begin with name and title"))
    return build(Lesson, data, place, check_lesson)


def started(start: Start) -> Scenario:
    """The scenario a lesson begins with, its edits made."""
    return edited(load_scenario(start.base), start.changes)


def edited(scenario: Scenario, edits: Iterable[Edit]) -> Scenario:
    """A scenario with the edits of a lesson."""
    return scenario.changed(Change(lever=edit.lever, year=edit.year, value=edit.value, source=SOLVED)
                            for edit in edits)


def solved(lesson: Lesson, step: int) -> tuple[Edit, ...]:
    """The worked solution of a step: its own, or that of the last step before it that has one."""
    return next((one.solution for one in reversed(lesson.steps[:step + 1]) if one.solution), ())


# --- faults ------------------------------------------------------------------------------------------

def check_lesson(lesson: Lesson, place: str) -> list[Fault]:
    """Every fault of what a lesson says: scenario, levers, years, names, checks, places, lengths."""
    start = lesson.start
    if start.base not in library():
        near = nearest(start.base, library())
        return [Fault(f"{place}: start.base", words("没有这个情景", "no such scenario"),
                      words(f"是否为：{near}", f"did you mean {near}"))]
    scenario = load_scenario(start.base)
    if start.since is not None and start.since not in scenario.horizon():
        return [year_fault(scenario, f"{place}: start.since")]
    faults = edit_faults(scenario, start.changes, start.since, f"{place}: start.changes")
    for n, step in enumerate(lesson.steps):
        where = f"{place}: steps.{n}"
        for page in step.look:
            if not (PAGES / f"{page}.py").exists():
                near = nearest(page, [path.stem for path in PAGES.glob("*.py")])
                faults.append(Fault(f"{where}.look", words("没有这个页面", "there is no such page"),
                                    words(f"是否为：{near}", f"did you mean {near}")))
        for lever in step.levers:
            faults += lever_faults(scenario, lever, f"{where}.levers")
        for m, check in enumerate(step.checks):
            faults += check_check(check, f"{where}.checks.{m}", scenario)
        faults += card_faults(scenario, step.cards, f"{where}.cards")
        faults += edit_faults(scenario, step.solution, None, f"{where}.solution")
        if step.on_runs and not solved(lesson, n):
            faults.append(Fault(f"{where}.solution", words("缺少示范解法", "a worked solution is missing"),
                                words("请写出能通过各项检查的调整", "write edits that pass the checks")))
    for where, text in texts(lesson):
        faults += text_faults(scenario, text, f"{place}: {where}")
    return faults


def check_check(check: Check, place: str, scenario: Scenario | None = None) -> list[Fault]:
    """The faults of one check; levers, years and members are held against a scenario if there is one."""
    given = [kind for kind in KINDS if getattr(check, kind) is not None]
    if len(given) != 1:
        return [Fault(place, words("每项检查写且只写 quantity、chance、lever、question 之一",
                                   "a check names one of quantity, chance, lever and question"),
                      words("请分成几项检查", "make several checks of it"))]
    kind = given[0]
    faults = [Fault(f"{place}.{name}", words(f"不能与 {kind} 同用", f"does not go with {kind}"),
                    words("请删去", "remove it"))
              for name in sorted(check.model_fields_set - MAY[kind] - {kind})]
    limits = check.at_most is not None or check.at_least is not None
    if kind == "question":
        if sum(option.right for option in check.question.options) != 1:
            faults.append(Fault(f"{place}.question.options",
                                words("应有且只有一个正确选项", "one option must be right"),
                                words("请在一个选项写 right: true", "write right: true in one of them")))
        return faults
    if kind == "lever":
        said = [check.moved is not None, check.set_to is not None, limits]
        if sum(said) != 1:
            faults.append(Fault(place, words("请写 moved、set_to 或界限之一", "say one of moved, set_to and a limit"),
                                words("例如 moved: up", "for example moved: up")))
        if scenario is not None:
            faults += lever_faults(scenario, check.lever, f"{place}.lever")
    else:
        if not limits:
            faults.append(Fault(place, words("缺少 at_most 或 at_least", "at_most or at_least is missing"),
                                words("请写一个界限", "write a limit")))
        if (check.year is None) == (check.years is None):
            faults.append(Fault(place, words("请写 year 或 years 之一", "say one of year and years"),
                                words("例如 years: all", "for example years: all")))
        known = EVENTS if kind == "chance" else quantities(scenario)
        if getattr(check, kind) not in known:
            near = nearest(getattr(check, kind), list(known))
            faults.append(Fault(f"{place}.{kind}", words("不认识的名称", "unknown name"),
                                words(f"是否为：{near}", f"did you mean {near}")))
    if scenario is not None and check.year is not None and check.year not in scenario.horizon():
        faults.append(year_fault(scenario, f"{place}.year"))
    return faults


def quantities(scenario: Scenario | None) -> list[str]:
    """Every quantity a check or a text may name, with a member where it varies along an axis."""
    along = [f"{name}.{member}" for name, (_, _, axis) in ALONG.items() for member in scenario.axes.members()[axis]
             ] if scenario else []
    return [*QUANTITIES, *MORE, *DERIVED, *along]


def card_faults(scenario: Scenario, cards: tuple[Deal, ...], place: str) -> list[Fault]:
    """What is wrong with the cards of a step; they are played on one fund."""
    faults = []
    for deal in cards:
        if deal.card not in deck().cards:
            near = nearest(deal.card, list(deck().cards))
            faults.append(Fault(f"{place}: {short(deal.card)}", words("没有这张冲击卡", "there is no such card"),
                                words(f"是否为：{near}", f"did you mean {near}")))
        elif deal.year not in scenario.horizon():
            faults.append(year_fault(scenario, f"{place}: {deal.card}"))
    if cards and scenario.has("areas"):
        faults.append(Fault(place, words("多个县的情景不能用冲击卡", "cards are not played on several counties"),
                            words("请换一个情景", "choose another scenario")))
    return faults


def year_fault(scenario: Scenario, place: str) -> Fault:
    """A year that is not simulated."""
    first, last = scenario.first_year, scenario.horizon()[-1]
    return Fault(place, words("年份不在模拟期内", "the year is not simulated"),
                 words(f"请用 {first} 到 {last}", f"use {first} to {last}"))


def leaves_of(scenario: Scenario, lever: str) -> list[str]:
    """The levers of a scenario that a name stands for: itself, or all that begin with it."""
    return [leaf for leaf, *_ in scenario.levers() if leaf == lever or leaf.startswith(f"{lever}.")]


def lever_faults(scenario: Scenario, lever: str, place: str) -> list[Fault]:
    """Whether a name stands for any lever of a scenario."""
    if leaves_of(scenario, lever):
        return []
    names = {leaf for leaf, *_ in scenario.levers()}
    near = nearest(lever, sorted(names | {".".join(name.split(".")[:2]) for name in names}))
    return [Fault(f"{place}: {short(lever)}", words("没有这个政策参数", "there is no such lever"),
                  words(f"是否为：{near}", f"did you mean {near}"))]


def edit_faults(scenario: Scenario, edits: tuple[Edit, ...], since: int | None, place: str) -> list[Fault]:
    """What a scenario refuses of some edits; they all begin in one year, as those of a page do."""
    years = {edit.year for edit in edits} | ({since} if edits and since is not None else set())
    if len(years) > 1:
        return [Fault(place, words("起始年份不止一个", "they begin in different years"),
                      words("请改为同一年", "give them the same year"))]
    try:
        edited(scenario, edits)
    except BadInput as bad:
        return [Fault(f"{place}: {fault.place}", fault.what, fault.remedy) for fault in bad.faults]
    return []


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


def text_faults(scenario: Scenario, text: Words, place: str) -> list[Fault]:
    """The faults of one text: empty, too long, or with a place that cannot be filled."""
    faults = []
    for language in ("zh", "en"):
        if not text[language].strip() or len(text[language]) > MAX_LETTERS:
            faults.append(Fault(f"{place}.{language}", words(f"应有 1 到 {MAX_LETTERS} 字",
                                                             f"must have 1 to {MAX_LETTERS} letters"),
                                words("请补上或分段", "write it, or divide it")))
            continue
        for inside in PLACE.findall(text[language]):
            try:
                check_place(scenario, inside)
            except BadInput as bad:
                faults += [Fault(f"{place}.{language}: {fault.place}", fault.what, fault.remedy)
                           for fault in bad.faults]
    return faults


PLACE = re.compile(r"\{([^{}]*)\}")


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


def check_place(scenario: Scenario, inside: str) -> None:
    """Refuse a place that a scenario cannot fill."""
    place, where = place_of(inside), short(f"{{{inside}}}")
    if place.kind == "record":
        table, _, column = place.name.rpartition(".")
        if table not in bundled():
            near = nearest(table, list(bundled()))
            raise refuse(where, words("没有这个数据表", "there is no such table"),
                         words(f"是否为：{near}", f"did you mean {near}"))
        series = load_series(table)
        if column not in series.values or any(recorded(series, column, year) is None for year in place.years):
            raise refuse(where, words("没有已公布的数值", "no published figure"),
                         words("请改用表中的列和年份", "use a column and a year of the table"))
        return
    if place.kind == "run":
        known = [*quantities(scenario), *EVENTS]
        if place.name not in known:
            near = nearest(place.name, known)
            raise refuse(where, words("不认识的名称", "unknown name"),
                         words(f"是否为：{near}", f"did you mean {near}"))
    elif place.kind == "assumption":
        section, _, name = place.name.partition(".")
        if section not in ASSUMED or name not in ASSUMED[section].terms():
            near = nearest(place.name, [f"{one}.{name}" for one in ASSUMED for name in ASSUMED[one].terms()])
            raise refuse(where, words("没有这项假设", "there is no such assumption"),
                         words(f"是否为：{near}", f"did you mean {near}"))
        if isinstance(getattr(getattr(scenario.assumptions, section), name).value, Mapping):
            raise refuse(where, words("这项假设不是一个数", "this assumption is not one number"),
                         words("请换一项", "choose another"))
    elif isinstance(lever_value(scenario, place.name), Mapping):
        raise refuse(where, words("不是单个政策参数", "this is not one lever"),
                     words("请写到最末一级", "name it down to its last part"))
    if any(year not in scenario.horizon() for year in place.years):
        raise BadInput([year_fault(scenario, where)])


def recorded(series: Any, column: str, year: int) -> float | None:
    """A published figure of a series, or nothing where there is none."""
    if year not in series.years:
        return None
    value = float(series.values[column][series.years.index(year)])
    return None if value != value else value
