"""The words of the model: bilingual labels, declared parameters, provenance and faults.

A parameter is declared once, as a `Term` beside its typed field; widgets, validation, the command
line and the tables of levers all read that declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

LANGUAGES = ("zh", "en")
Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]  # many runs: results in order, as `map` gives
Progress = Callable[[float], None]  # is told the share of the work done; what it raises stops the work


class Record(BaseModel):
    """A frozen record that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(Record):
    """One phrase in both languages.

    >>> Words(zh="参保", en="insured")["en"]
    'insured'
    """

    zh: str
    en: str

    def __getitem__(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


class Document(Record):
    """A source document that a scenario cites by a short name."""

    title: str
    publisher: str
    date: str


class Source(Record):
    """Where a value comes from: the document's short name, the article or table, and how firm it is."""

    status: Literal["law", "bulletin", "estimate", "assumption"]
    document: str | None = None
    clause: str | None = None
    note: Words | None = None


@dataclass(frozen=True)
class Term:
    """The declaration of one parameter: what it means, in which unit, between which bounds.

    `axes` names the dimensions its value may vary over, outermost first; `acts` gives the sign of the
    direct effect of a rise on an output; a term with `choices` holds one of those words.
    """

    title: Words
    unit: str
    low: float
    high: float
    help: Words
    axes: tuple[str, ...] = ()
    acts: dict[str, int] = field(default_factory=dict)
    step: float = 0.01
    choices: tuple[str, ...] = ()
    optional: bool = False  # null stands for "no limit"
    certain: bool = False  # an assumption of which the model takes one value, so that it can carry no interval
    where: str = ""  # what the scenario must have before it can act: see `Scenario.has`
    needs: dict[str, Any] = field(default_factory=dict)  # other levers without which it does nothing, at a use of them


class Given(Record):
    """A value as a scenario states it, with its provenance beside it."""

    value: Any
    source: Source


class Section(Record):
    """A group of parameters; each field carries its `Term`."""

    @classmethod
    @cache
    def terms(cls) -> Mapping[str, Term]:
        """The declared terms of this section by field name."""
        return MappingProxyType({name: next(m for m in field.metadata if isinstance(m, Term))
                                 for name, field in cls.model_fields.items()})


def words(zh: str, en: str) -> Words:
    """Both languages of a phrase.

    >>> words("起付标准", "deductible").zh
    '起付标准'
    """
    return Words(zh=zh, en=en)


OFF = Source(status="assumption", note=words("规则书没有此项", "not part of this rule book"))


def off(value: Any = 0) -> Given:
    """The value of a lever that a rule book does not have: it does nothing (digest P14)."""
    return Given(value=value, source=OFF)


UNITS = {
    "yuan_visit": words("元/次", "yuan a visit"),
    "visits": words("次", "visits"),
    "stays": words("次", "stays"),
    "weeks": words("周", "weeks"),
    "log_odds": words("对数几率", "log odds"),
    "minutes": words("分钟", "minutes"),
    "per_10000": words("人/万人", "per 10,000 people"),
    "yuan": words("元", "yuan"),
    "yuan_year": words("元/年", "yuan a year"),
    "yuan_person_year": words("元/人·年", "yuan a person a year"),
    "yuan_stay": words("元/次", "yuan a stay"),
    "rate": words("比例", "rate"),
    "share": words("比例", "share"),
    "points": words("个百分点", "percentage points"),  # a difference of shares
    "weight": words("份", "parts"),
    "months": words("个月", "months"),
    "persons": words("人", "persons"),
    "per_year": words("每年", "a year"),
    "per_person_year": words("次/人·年", "a person a year"),
    "deviations": words("标准差", "standard deviations"),
    "number": words("数值", "number"),
    "choice": words("选项", "choice"),
}


@dataclass(frozen=True)
class Fault:
    """One thing wrong with an input: where it stands, what it is, and the remedy."""

    place: str  # may be nothing, where there is no place to name
    what: Words
    remedy: Words

    def sentence(self, language: str = "en") -> str:
        """The fault on one line.

        >>> Fault("x.yaml: years", words("缺少", "is missing"), words("请补上", "add it")).sentence()
        'x.yaml: years: is missing; add it'
        >>> Fault("", words("没有名称", "there is no name"), words("请填写", "give one")).sentence("zh")
        '没有名称；请填写'
        """
        after, between = ("：", "；") if language == "zh" else (": ", "; ")
        place = f"{self.place.replace(': ', after)}{after}" if self.place else ""
        text = f"{place}{self.what[language]}{between}{self.remedy[language]}"
        return " ".join(text.split())


class BadInput(ValueError):
    """Input that cannot be used; carries every fault found, never a traceback for the user."""

    def __init__(self, faults: list[Fault]):
        self.faults = faults
        super().__init__("\n".join(fault.sentence() for fault in faults))

    def __reduce__(self) -> tuple:
        return BadInput, (self.faults,)  # as it was on the other side of a process


def refuse(place: str, what: Words, remedy: Words) -> BadInput:
    """A `BadInput` with a single fault, ready to raise."""
    return BadInput([Fault(place, what, remedy)])


def check_leaf(term: Term, value: Any, place: str) -> list[Fault]:
    """The faults of one value of a term: type, choice, finiteness, bounds.

    >>> check_leaf(Term(words("比例", "rate"), "rate", 0, 1, words("", "")), 1.4, "rate")[0].what.en
    '1.4 is outside 0 to 1'
    """
    if term.choices:
        if value in term.choices:
            return []
        return [Fault(place, words(f"“{short(value)}”不是可选项", f"'{short(value)}' is not a choice"),
                      words(f"可选：{'、'.join(term.choices)}", f"choose one of {', '.join(term.choices)}"))]
    if value is None and term.optional:
        return []
    if isinstance(value, bool) or not isinstance(value, int | float):
        return [Fault(place, words(f"“{short(value)}”不是数字", f"'{short(value)}' is not a number"),
                      words(f"请填写 {term.low:,.12g} 到 {term.high:,.12g} 之间的数字",
                            f"give a number from {term.low:,.12g} to {term.high:,.12g}"))]
    if not term.low <= value <= term.high:  # neither infinity nor not-a-number lies between
        shown = short(value)
        return [Fault(place, words(f"{shown} 超出 {term.low:,.12g} 到 {term.high:,.12g}",
                                   f"{shown} is outside {term.low:,.12g} to {term.high:,.12g}"),
                      words(f"请填写 {term.low:,.12g} 到 {term.high:,.12g} 之间的数字",
                            f"give a number from {term.low:,.12g} to {term.high:,.12g}"))]
    return []


def short(value: Any) -> str:
    """A value as at most forty characters of one line, for an error sentence.

    >>> short("a" * 50)[-1]
    '…'
    """
    text = " ".join(str(value).split())
    return text if len(text) <= 40 else text[:39] + "…"
