"""A change in words: which rules go from what to what, and, apart from them, which assumptions are taken otherwise."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from report import evidence
from report.inquiry import Inquiry, Moved
from report.text import in_percent, lever_text, number, say, unit_text
from simulation.scenario import lever_value
from simulation.terms import Source, Term

SEVERAL = 3  # sentences on one lever; above that they are counted
LISTED = 8  # sentences on rules; the rest stand in the table of levers
MEMBERS = 5  # groups or tiers that a name lists; above that they are counted
BETWEEN = " · "  # the parts of a lever's name
EAST = chr(0x2E80)  # from here on letters are as wide as they are high

Item = TypeVar("Item")


class Rule(NamedTuple):
    """One change of a rule: all values of a lever that go from the same to the same."""

    name: str
    year: int
    old: str
    new: str
    source: Source  # of the value before
    count: int  # values


def rules(inquiry: Inquiry, language: str) -> list[Rule]:
    """Every change of a rule, in the order of the years and of the regulation."""
    return [rule for (field, year), moved in by_lever(inquiry).items()
            for rule in of_lever(inquiry, field, year, moved, language)]


def told(inquiry: Inquiry, language: str) -> list[str]:
    """The changes of rules in sentences, and how many more there are."""
    found = sentences(inquiry, language)
    rest = len(found) - LISTED
    return [*found[:LISTED], say(language, "brief.wish.rest", count=rest)] if rest > 0 else found


def sentences(inquiry: Inquiry, language: str) -> list[str]:
    """Every change of a rule in a sentence, a few at most on one lever."""
    found = []
    for (field, year), moved in by_lever(inquiry).items():
        rows, term = of_lever(inquiry, field, year, moved, language), moved[0].term
        plain = all(isinstance(end, int | float) for each in moved for end in (each.before, each.after))
        gaps = {round(each.after - each.before, 9) for each in moved} if plain and term.unit != "weight" else set()
        if len(rows) > 1 and len(gaps) == 1:
            gap = gaps.pop()
            name = called([inquiry.scenario.lever_names(each.lever, language) for each in moved], language)
            found.append(say(language, f"brief.wish.{'up' if gap > 0 else 'down'}", year=year, name=name,
                             gap=stepped(abs(gap), term, language)))
        elif len(rows) > SEVERAL:
            found.append(say(language, "brief.wish.various", year=year, count=len(moved), name=term.title[language]))
        else:
            found += [say(language, "brief.wish.one", year=row.year, name=row.name, old=set_off(row.old, language),
                          new=set_off(row.new, language).rstrip()) for row in rows]
    return found


def assumed(inquiry: Inquiry, language: str) -> list[str]:
    """The assumptions taken otherwise, in sentences."""
    return [say(language, "brief.wish.assumed", name=row["assumption"], old=set_off(row["old"], language),
                new=set_off(row["new"], language).rstrip())
            for row in evidence.otherwise(inquiry, language)]


def counts(inquiry: Inquiry, language: str) -> str:
    """How many rules and how many assumptions are changed, each by itself."""
    amounts = {"rules": len(sentences(inquiry, language)), "assumed": len(inquiry.estimates)}
    return say(language, "brief.comma").join(say(language, f"brief.count.{kind}", count=count)
                                             for kind, count in amounts.items() if count)


# --- one lever in one year ----------------------------------------------------------------------------

def by_lever(inquiry: Inquiry) -> dict[tuple[str, int], list[Moved]]:
    """The values that move, by lever and year."""
    return grouped(inquiry.moved, lambda each: (".".join(each.lever.split(".")[:2]), each.year))


def of_lever(inquiry: Inquiry, field: str, year: int, moved: Sequence[Moved], language: str) -> list[Rule]:
    """The changes of one lever from a year on: of parts the mix they make, else what goes from the same to the same."""
    if moved[0].term.unit == "weight" and (found := mixes(inquiry, field, year, moved, language)):
        return found
    name = lambda alike: called([inquiry.scenario.lever_names(each.lever, language) for each in alike], language)  # noqa: E731
    return [Rule(name(alike), year, valued(before, alike[0].term, language), valued(after, alike[0].term, language),
                 alike[0].source, len(alike))
            for (before, after), alike in grouped(moved, lambda each: (each.before, each.after)).items()]


def mixes(inquiry: Inquiry, field: str, year: int, moved: Sequence[Moved], language: str) -> list[Rule]:
    """What parts add up to, as shares before and after; nothing where a part is divided further than the others."""
    found, term = [], moved[0].term
    names = inquiry.scenario.axes.named(term.axes[0])
    for rest, alike in grouped(moved, lambda each: tuple(each.lever.split(".")[3:])).items():
        leaf = lambda member: ".".join([field, member, *rest])  # noqa: B023, E731
        old, new, earlier = ({member: lever_value(scenario, leaf(member), of) for member in names} for scenario, of in (
            (inquiry.base, year), (inquiry.scenario, year), (inquiry.scenario, max(year - 1, inquiry.base.first_year))))
        if any(isinstance(weight, Mapping) for weight in (*old.values(), *new.values(), *earlier.values())):
            return []
        where = inquiry.scenario.lever_names(alike[0].lever, language).split(BETWEEN)[2:]
        title = term.title[language].removesuffix("份数")
        old, new, earlier = (mix({names[member][language]: weight for member, weight in weights.items()}, language)
                             for weights in (old, new, earlier))
        found.append(Rule(BETWEEN.join([title, *where]), year, earlier if old == new else old, new,  # an earlier ends
                          alike[0].source, len(alike)))
    return found


def mix(weights: Mapping[str, float], language: str) -> str:
    """Parts as shares of their sum, without those of nothing.

    >>> mix({"a": 0, "b": 30, "c": 10}, "en")
    'b 75%, c 25%'
    """
    whole = sum(weights.values())
    return say(language, "brief.list").join(
        f"{name} {number(100 * weight / whole, '.4g')}%" for name, weight in weights.items() if weight) or say(
            language, "brief.none")


def called(names: Sequence[str], language: str) -> str:
    """What several values of a lever are called: what their names share, and in brackets where they part.

    >>> called(["Rate · Stays · Adults · Town", "Rate · Stays · Children · Town"], "en")
    'Rate · Stays · Town (Adults, Children)'
    >>> called(["Rate · Stays · Adults · Town", "Rate · Stays · Children · City"], "en")
    'Rate · Stays (2 values)'
    """
    parts = [name.split(BETWEEN) for name in names]
    if len(parts) == 1:
        return names[0]
    if len({len(part) for part in parts}) > 1:
        return say(language, "brief.several", name=parts[0][0], count=len(names))
    columns = [list(dict.fromkeys(column)) for column in zip(*parts, strict=True)]
    shared = BETWEEN.join(column[0] for column in columns if len(column) == 1)
    apart = [column for column in columns if len(column) > 1]
    if len(apart) == 1 and len(apart[0]) <= MEMBERS:
        return say(language, "brief.members", name=shared, members=say(language, "brief.list").join(apart[0]))
    return say(language, "brief.several", name=shared, count=len(names))


def valued(value: Any, term: Term, language: str) -> str:
    """A lever's value with its unit."""
    text = lever_text(value, term, language)
    plain = value is None or term.choices or in_percent(term) or term.unit == "number"
    return text if plain else f"{text} {unit_text(term.unit, language)}"


def stepped(gap: float, term: Term, language: str) -> str:
    """The size of a step of a lever with its unit; of a rate in percentage points."""
    if in_percent(term):
        return say(language, "brief.points", value=number(100 * gap, ".6g"))
    return valued(gap, term, language)


def set_off(text: str, language: str) -> str:
    """A value as it stands inside a sentence: in Chinese with a space beside letters and figures alone.

    >>> set_off("410 元", "zh"), set_off("总额预算 100%", "zh"), set_off("85%", "en")
    (' 410 元', '总额预算 100% ', '85%')
    """
    if language != "zh":
        return text
    return f"{' ' * (text[:1] < EAST)}{text}{' ' * (text[-1:] < EAST)}"


def grouped(items: Iterable[Item], of: Callable[[Item], Hashable]) -> dict[Any, list[Item]]:
    """Items by what they have in common, in the order in which it first comes.

    >>> grouped([1, 2, 3], lambda number: number % 2)
    {1: [1, 3], 0: [2]}
    """
    found: dict[Any, list[Item]] = {}
    for item in items:
        found.setdefault(of(item), []).append(item)
    return found
