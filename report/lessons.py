"""Lessons as files: those of the project, reading one, and every fault of what one says.

A lesson is read like every other file of users: safe YAML, bounded, unknown keys refused, every fault one sentence.
`docs/lessons.md` says how to write one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from report.cards import deck
from report.lesson import (
    KINDS,
    PLACE,
    Check,
    Deal,
    Edit,
    Lesson,
    edited,
    leaves_of,
    place_of,
    quantities,
    recorded,
    solved,
    texts,
)
from simulation.assumptions import ASSUMED
from simulation.loading import library, load_scenario
from simulation.reading import build, read_text, read_yaml, too_large
from simulation.results import EVENTS
from simulation.scenario import Scenario, lever_value, year_fault
from simulation.series import bundled, load_series
from simulation.terms import BadInput, Fault, Words, refuse, short, words
from simulation.trees import nearest

UI = Path(__file__).resolve().parent.parent / "ui"
FOLDER, PAGES = UI / "lessons", UI / "pages"
MAX_BYTES = 60_000
MAX_LETTERS = 1_500  # of one text
# What each kind of check may say besides its own key.
MAY = {"quantity": {"statistic", "year", "years", "at_most", "at_least", "against"},
       "chance": {"year", "years", "at_most", "at_least", "against"},
       "lever": {"year", "moved", "set_to", "at_most", "at_least", "against"}, "question": set()}


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


# --- faults ------------------------------------------------------------------------------------------

def check_lesson(lesson: Lesson, place: str) -> list[Fault]:
    """Every fault of what a lesson says: scenario, levers, years, names, checks, places, lengths."""
    start = lesson.start
    if start.base not in library():
        return [unknown(f"{place}: start.base", words("没有这个情景", "no such scenario"), start.base, library())]
    scenario = load_scenario(start.base)
    if start.since is not None and start.since not in scenario.horizon():
        return [year_fault(scenario, f"{place}: start.since")]
    faults = edit_faults(scenario, start.changes, start.since, f"{place}: start.changes")
    for n, step in enumerate(lesson.steps):
        where = f"{place}: steps.{n}"
        for page in step.look:
            if not (PAGES / f"{page}.py").exists():
                faults.append(unknown(f"{where}.look", words("没有这个页面", "there is no such page"), page,
                                      [path.stem for path in PAGES.glob("*.py")]))
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
    if kind == "question":
        if sum(option.right for option in check.question.options) != 1:
            faults.append(Fault(f"{place}.question.options",
                                words("应有且只有一个正确选项", "one option must be right"),
                                words("请在一个选项写 right: true", "write right: true in one of them")))
        return faults
    limited = check.at_most is not None or check.at_least is not None
    if kind == "lever":
        if sum([check.moved is not None, check.set_to is not None, limited]) != 1:
            faults.append(Fault(place, words("请写 moved、set_to 或界限之一", "say one of moved, set_to and a limit"),
                                words("例如 moved: up", "for example moved: up")))
        if scenario is not None:
            faults += lever_faults(scenario, check.lever, f"{place}.lever")
    else:
        faults += figure_faults(check, limited, place, scenario)
    if scenario is not None and check.year is not None and check.year not in scenario.horizon():
        faults.append(year_fault(scenario, f"{place}.year"))
    return faults


def figure_faults(check: Check, limited: bool, place: str, scenario: Scenario | None) -> list[Fault]:
    """The faults of a check of a quantity or a chance; `limited` says whether it has a limit."""
    faults = []
    if not limited:
        faults.append(Fault(place, words("缺少 at_most 或 at_least", "at_most or at_least is missing"),
                            words("请写一个界限", "write a limit")))
    if (check.year is None) == (check.years is None):
        faults.append(Fault(place, words("请写 year 或 years 之一", "say one of year and years"),
                            words("例如 years: all", "for example years: all")))
    known = EVENTS if check.kind == "chance" else quantities(scenario)
    if (name := getattr(check, check.kind)) not in known:
        faults.append(unknown(f"{place}.{check.kind}", words("不认识的名称", "unknown name"), name, known))
    return faults


def card_faults(scenario: Scenario, cards: tuple[Deal, ...], place: str) -> list[Fault]:
    """What is wrong with the cards of a step; they are played on one fund."""
    faults = []
    for deal in cards:
        if deal.card not in deck().cards:
            faults.append(unknown(f"{place}: {short(deal.card)}", words("没有这张冲击卡", "there is no such card"),
                                  deal.card, deck().cards))
        elif deal.year not in scenario.horizon():
            faults.append(year_fault(scenario, f"{place}: {deal.card}"))
    if cards and scenario.has("areas"):
        faults.append(Fault(place, words("多个县的情景不能用冲击卡", "cards are not played on several counties"),
                            words("请换一个情景", "choose another scenario")))
    return faults


def unknown(place: str, what: Words, name: str, known: Iterable[str]) -> Fault:
    """A name that is none of those known, with the nearest of them."""
    near = nearest(name, list(known))
    return Fault(place, what, words(f"是否为：{near}", f"did you mean {near}"))


def lever_faults(scenario: Scenario, lever: str, place: str) -> list[Fault]:
    """Whether a name stands for any lever of a scenario."""
    if leaves_of(scenario, lever):
        return []
    names = {leaf for leaf, *_ in scenario.levers()}
    return [unknown(f"{place}: {short(lever)}", words("没有这个政策参数", "there is no such lever"), lever,
                    sorted(names | {".".join(name.split(".")[:2]) for name in names}))]


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


def check_place(scenario: Scenario, inside: str) -> None:
    """Refuse a place that a scenario cannot fill."""
    place, where = place_of(inside), short(f"{{{inside}}}")
    if place.kind == "record":
        table, _, column = place.name.rpartition(".")
        if table not in bundled():
            raise BadInput([unknown(where, words("没有这个数据表", "there is no such table"), table, bundled())])
        series = load_series(table)
        if column not in series.values or any(recorded(series, column, year) is None for year in place.years):
            raise refuse(where, words("没有已公布的数值", "no published figure"),
                         words("请改用表中的列和年份", "use a column and a year of the table"))
        return
    if place.kind == "run":
        known = [*quantities(scenario), *EVENTS]
        if place.name not in known:
            raise BadInput([unknown(where, words("不认识的名称", "unknown name"), place.name, known)])
    elif place.kind == "assumption":
        section, _, name = place.name.partition(".")
        if section not in ASSUMED or name not in ASSUMED[section].terms():
            raise BadInput([unknown(where, words("没有这项假设", "there is no such assumption"), place.name, [
                f"{one}.{name}" for one in ASSUMED for name in ASSUMED[one].terms()])])
        if isinstance(getattr(getattr(scenario.assumptions, section), name).value, Mapping):
            raise refuse(where, words("这项假设不是一个数", "this assumption is not one number"),
                         words("请换一项", "choose another"))
    elif isinstance(lever_value(scenario, place.name), Mapping):
        raise refuse(where, words("不是单个政策参数", "this is not one lever"),
                     words("请写到最末一级", "name it down to its last part"))
    if any(year not in scenario.horizon() for year in place.years):
        raise BadInput([year_fault(scenario, where)])
