"""Another interval for an uncertain assumption: who gives it says why, and the draws of everything else stay.

An estimate has one form as text, for links and the command line: `LOW..MEDIAN..HIGH; reason`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from simulation.assumptions import ASSUMED, Assumed, Number
from simulation.terms import BadInput, Fault, Record, Source, Term, check_leaf, refuse, short, words
from simulation.trees import multiplied, nearest

MOST = 200  # characters of a reason
# Who sets a lever or an interval in a browser or on the command line gives no document; both give the same run.
SET_BY_HAND = Source(status="assumption", note=words("使用者自行设定", "set by the user"))
WIDEST = (0.01, 100.0)  # of multipliers


class Estimate(Record):
    """An assumption's 5 % and 95 % ends, with the reason as the note of its source.

    In the value's own unit; where the value varies over axes, as multipliers of the scenario's values. Without a
    median, the scenario's stays if it lies between the ends, else it is the middle. Two equal ends are one value.
    """

    name: str
    low: Number
    high: Number
    median: Number | None = None
    source: Source


class Interval(NamedTuple):
    """The ends and the median of an estimate as plain data, with the reason for them."""

    low: float
    median: float
    high: float
    reason: str = ""


def find_assumption(name: str) -> tuple[str, str, Term]:
    """Section, field and term of a dotted assumption name.

    >>> find_assumption("utilisation.cost_growth")[:2]
    ('utilisation', 'cost_growth')
    """
    section, _, field = name.partition(".")
    model = ASSUMED.get(section)
    if model is None or field not in model.model_fields:
        near = nearest(name, [f"{part}.{each}" for part, other in ASSUMED.items() for each in other.model_fields])
        raise refuse(short(name) or "''", words("不认识的名称", "unknown name"),
                     words(f"是否为：{near}", f"did you mean {near}"))
    return section, field, model.terms()[field]


def by_multiplier(given: Assumed) -> bool:
    """Whether an estimate of an assumption is a multiplier of its values rather than a value."""
    return given.factor is not None or isinstance(given.value, Mapping)


def stated(given: Assumed) -> Interval:
    """The ends and the median that a scenario states; one value where it gives no interval."""
    middle = 1 if by_multiplier(given) else given.value
    low, high = given.factor or given.range or (middle, middle)
    return Interval(low, middle, high)


def median_of(given: Assumed, estimate: Estimate) -> float:
    """The median of an estimate: its own, else the scenario's if it lies between the ends, else the middle."""
    if estimate.median is not None:
        return estimate.median
    middle = stated(given).median
    if estimate.low <= middle <= estimate.high:
        return middle
    apart = math.sqrt if by_multiplier(given) and estimate.low > 0 else None
    return apart(estimate.low * estimate.high) if apart else (estimate.low + estimate.high) / 2


def estimated(given: Assumed, estimate: Estimate) -> Assumed:
    """An assumption with the ends of an estimate; it keeps its place among the draws, also as one value.

    >>> source = Source(status="assumption")
    >>> wide = Estimate(name="", low=0.5, high=4, median=2, source=source)
    >>> estimated(Assumed(value={"child": 3}, factor=(0.9, 1.1), source=source), wide).value
    {'child': 6.0}
    """
    middle, ends = median_of(given, estimate), {}
    if by_multiplier(given):
        value = given.value if middle == 1 else multiplied(given.value, middle)
        if given.factor:
            ends = {"factor": (estimate.low / middle, estimate.high / middle)}
    else:
        value = given.value if middle == given.value else middle
        if given.range:
            ends = {"range": (estimate.low, estimate.high)}
    return given.model_copy(update={"value": value, "source": estimate.source, **ends})


def check_estimate(given: Assumed, term: Term, estimate: Estimate) -> None:
    """Refuse ends in the wrong order or out of bounds, and an interval where the scenario draws nothing."""
    name, low, high = estimate.name, estimate.low, estimate.high
    if not low <= (low if estimate.median is None else estimate.median) <= high:
        raise refuse(name, words("低端、中值、高端的次序不对", "low end, central value and high end are out of order"),
                     words("请写“低..中..高”", "write LOW..MEDIAN..HIGH"))
    if low < high and not (given.range or given.factor):
        raise refuse(name, words("本情景没有给出区间，再抽一项会改变其他各项的抽样",
                                 "has no interval here, and drawing one more thing would move every other draw"),
                     words("请只写一个数值", "give one value"))
    if by_multiplier(given):
        if not WIDEST[0] <= low <= high <= WIDEST[1]:
            raise refuse(name, words("倍数超出 0.01 到 100", "the multipliers are outside 0.01 to 100"),
                         words("例如 0.9..1.1", "for example 0.9..1.1"))
    elif faults := [fault for end in dict.fromkeys((low, high)) for fault in check_leaf(term, end, name)]:
        raise BadInput(faults)


# --- as text ------------------------------------------------------------------------------------------

def figure(value: float) -> str:
    """A number in the fewest digits that stand for it and no other.

    >>> figure(417000000.0), figure(0.06)
    ('417000000', '0.06')
    """
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def estimate_text(low: float, median: float, high: float, reason: str = "") -> str:
    """An estimate as text.

    >>> estimate_text(0.02, 0.06, 0.09, "own survey"), estimate_text(3, 3, 3)
    ('0.02..0.06..0.09; own survey', '3')
    """
    points = [median] if low == high else [low, median, high]
    return "..".join(map(figure, points)) + (f"; {reason}" if reason else "")


def estimate_from_text(name: str, text: str, source: Source) -> Estimate:
    """The estimate a text stands for; its reason becomes the note of the source.

    >>> estimate_from_text("people.selection", "1..3; own survey", Source(status="assumption")).source.note.en
    'own survey'
    """
    numbers, *reason = re.split("[;；]", text, maxsplit=1)
    try:
        points = [float(part) for part in numbers.split("..")]
        if "..." in numbers or len(points) > 3 or not all(map(math.isfinite, points)):
            raise ValueError
    except ValueError:
        raise refuse(name, words(f"“{short(numbers)}”不是区间", f"'{short(numbers)}' is no interval"),
                     words("请写“低..高”或一个数值，如 0.02..0.09", "write LOW..HIGH or one value, such as 0.02..0.09")
                     ) from None
    middle = points[len(points) // 2] if len(points) != 2 else None
    return Estimate(name=name, low=points[0], high=points[-1], median=middle,
                    source=because(reason_of("".join(reason), name), source))


def reason_of(text: str, place: str) -> str:
    """A reason on one line of printable characters, or one clear fault where it is too long."""
    line = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    if len(line) > MOST:
        raise BadInput([Fault(place, words(f"理由有 {len(line)} 个字", f"the reason has {len(line)} characters"),
                              words(f"请不超过 {MOST} 个字", f"keep it to {MOST}"))])
    return line


def because(reason: str, source: Source) -> Source:
    """A source with somebody's reason as its note; the words are theirs, so the same in both languages."""
    return source.model_copy(update={"note": words(reason, reason)}) if reason else source


def check_interval(given: Any, term: Term, where: str) -> list[Fault]:
    """Faults of an interval: both ends in order around the value, inside the term's bounds."""
    faults = []
    if term.certain and (given.range or given.factor):
        faults.append(Fault(where, words("模型只取一个数值", "the model takes one value here"),
                            words("请删去区间", "remove the interval")))
    if given.range and given.factor:
        faults.append(Fault(where, words("range 与 factor 只能写一个", "has both a range and a factor"),
                            words("请删去一个", "remove one")))
    if given.range:
        low, high = given.range
        plain = isinstance(given.value, int | float) and not term.axes
        if not plain or not term.low <= low <= given.value <= high <= term.high:
            if term.axes:
                return [*faults, Fault(f"{where}.range", words("这项假设按类别取值",
                                                               f"the value varies by {term.axes[0]}"),
                                       words("请改写 factor，例如 [0.9, 1.1]", "write factor, such as [0.9, 1.1]"))]
            faults.append(Fault(f"{where}.range", words("区间应在界限内并包含中值",
                                                        "the ends do not enclose the value within bounds"),
                                words("请写 [低, 高]", "write [low, high] around it")))
    if given.factor and not 0.01 <= given.factor[0] <= 1 <= given.factor[1] <= 100:
        faults.append(Fault(f"{where}.factor", words("倍数区间应包含 1", "the multipliers do not enclose 1"),
                            words("例如 [0.9, 1.1]", "for example [0.9, 1.1]")))
    return faults
