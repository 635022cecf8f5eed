"""Shock cards: what befalls every team of a class alike, as data, and a run under those that have been dealt.

A card sets levers for some years, or moves the course of use and of prices in every draw of those years. All else in
a draw stays as it was, so runs with and without a card are paired, and so are the runs of teams.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field
from scipy.special import ndtri, stdtr

from simulation import cited, simulate
from simulation.reading import build, read_text, read_yaml
from simulation.results import Result
from simulation.scenario import STATUS, Change, Scenario, check_year, find_lever, lever_value
from simulation.steps.utilisation import NORMAL, dimensions, heavy, normals_of
from simulation.terms import BadInput, Document, Fault, Record, Source, Words, refuse, short, words
from simulation.trees import leaves

CARDS = Path(__file__).resolve().parent.parent / "data" / "cards.yaml"
Relative = Annotated[float, Field(gt=-1, le=1, strict=True)]


class Card(Record):
    """One shock: its words, what it does and for how many years, and what its size rests on."""

    title: Words
    text: Words
    ask: Words  # a question for the class
    years: Annotated[int, Field(ge=1, le=10, strict=True)]
    use: Relative = 0.0
    price: Relative = 0.0
    levers: dict[str, Any] = {}
    source: Source


class Deck(Record):
    """All cards, and the documents their sizes rest on."""

    documents: dict[str, Document]
    cards: dict[str, Card]


class Dealt(NamedTuple):
    """A card dealt for a year."""

    card: str
    year: int


@lru_cache(maxsize=1)
def deck() -> Deck:
    """The cards of `data/cards.yaml`.

    >>> deck().cards["late_subsidy"].levers
    {'financing.subsidy_late': 0.5}
    """
    return build(Deck, read_yaml(read_text(CARDS), CARDS.name), CARDS.name, check)


def check(made: Deck, place: str) -> list[Fault]:
    """Faults of content: a card that does nothing, an unknown lever, a document that is not named."""
    faults = []
    for name, card in made.cards.items():
        where = f"{place}: cards.{name}"
        if not (card.use or card.price or card.levers):
            faults.append(Fault(where, words("没有任何作用", "does nothing"),
                                words("请写 use、price 或 levers", "give it use, price or levers")))
        if card.source.document and card.source.document not in made.documents:
            faults.append(Fault(f"{where}.source", words("没有这份文件", "no such document"),
                                words("请在 documents 中列出", "name it under documents")))
        for lever in card.levers:
            try:
                find_lever(lever)
            except BadInput as bad:
                faults += [Fault(f"{where}: {fault.place}", fault.what, fault.remedy) for fault in bad.faults]
    return faults


def card_of(dealt: Dealt) -> Card:
    """The card that was dealt; an unknown one is refused."""
    if dealt.card not in deck().cards:
        raise refuse(short(dealt.card), words("没有这张卡片", "there is no such card"),
                     words(f"可选：{'、'.join(deck().cards)}", f"choose one of {', '.join(deck().cards)}"))
    return deck().cards[dealt.card]


def basis(name: str, language: str) -> str:
    """What a card's size rests on, on one line.

    >>> basis("subsidy_gap", "en").split(":")[0]
    '[assumption] The size is assumed'
    """
    source = deck().cards[name].source
    document = deck().documents[source.document] if source.document else None
    rests = f"— {cited.place(document.title, source.clause, language)}" if document else ""
    note = source.note[language] if source.note else ""
    return " ".join(part for part in (f"[{STATUS[source.status][language]}]", note, rests) if part)


def window(scenario: Scenario, dealt: Dealt) -> range:
    """The simulated years in which a card acts; one dealt for a year that is not simulated is refused."""
    check_year(scenario, dealt.year, f"{dealt.card}@{dealt.year}")
    return range(dealt.year, min(dealt.year + card_of(dealt).years - 1, scenario.horizon()[-1]) + 1)


def with_levers(scenario: Scenario, dealt: Iterable[Dealt]) -> Scenario:
    """The scenario with the levers of the cards set in their years; afterwards what it said holds again.

    The order of dealing does not matter: in a year in which several cards set a lever, that of the latest year holds.
    """
    asked: dict[str, dict[int, tuple[Any, Source]]] = {}  # by leaf and year, of all cards
    for one in sorted(dealt, key=lambda each: (each.year, each.card)):
        years, card = window(scenario, one), card_of(one)
        source = Source(status="assumption", note=words(f"冲击卡：{card.title.zh}", f"shock card: {card.title.en}"))
        for lever, value in card.levers.items():
            for leaf, _ in leaves(lever_value(scenario, lever, one.year), lever):
                asked.setdefault(leaf, {}).update(dict.fromkeys(years, (value, source)))
    changes = []
    for leaf, by_year in asked.items():
        said = source = None
        for year in range(min(by_year), scenario.horizon()[-1] + 1):
            wanted, source = by_year.get(year, (lever_value(scenario, leaf, year), source))
            if wanted != said:
                changes.append(Change(lever=leaf, year=year, value=wanted, source=source))
            said = wanted
    # By year, as a change makes those of later years give way.
    return scenario.changed(sorted(changes, key=lambda change: change.year))


class Course(NamedTuple):
    """What the cards add to the logs of use and of unit cost in each year, shape (t,) each."""

    use: np.ndarray
    price: np.ndarray


def course(scenario: Scenario, dealt: Iterable[Dealt]) -> Course:
    """What the cards add to use and to prices, year by year.

    >>> from simulation import load_scenario
    >>> added = course(load_scenario("benxi_2008"), [Dealt("epidemic", 2009), Dealt("price_jump", 2009)])
    >>> np.exp(added.use[:4]).round(3).tolist(), np.exp(added.price[:4]).round(4).tolist()
    ([1.0, 1.2, 1.0, 1.0], [1.0, 1.05, 1.1025, 1.1025])
    """
    years = np.array(scenario.horizon())
    use, price = np.zeros(len(years)), np.zeros(len(years))
    for one in dealt:
        acting, card = window(scenario, one), card_of(one)
        inside = (years >= acting[0]) & (years <= acting[-1])
        use += np.log1p(card.use) * inside
        price += np.log1p(card.price) * np.cumsum(inside)
    return Course(use, price)


def normals_under(scenario: Scenario, added: Course, draws: int, seed: int) -> np.ndarray:
    """The standard normals of a run, moved so that use and unit cost follow the added course in every draw.

    Shape (draw, dimension) in the order of `utilisation.dimensions`. A card must not wait for a draw in which such a
    year happens: each year's shock is moved by just what the course asks for beyond what earlier years' leave.
    """
    fixed = {name: float(scenario.value("shocks", name)) for name in type(scenario.assumptions.shocks).model_fields}
    z = np.array(normals_of(scenario, draws, seed))
    names = dimensions(scenario)
    of = {shock: [names.index(f"{shock} {year}") for year in scenario.horizon()]
          for shock in ("admissions", "cost", "funding")}
    with_funding, with_use = np.array([fixed["cost_with_funding"], fixed["cost_with_use"]]) / max(
        1.0, float(np.hypot(fixed["cost_with_funding"], fixed["cost_with_use"])))
    alone = np.sqrt(max(1 - with_funding**2 - with_use**2, 0.0))
    if not (fixed["admission_sd"] > 0 and fixed["cost_sd"] > 0 and alone > 0):
        raise refuse("shocks", words("没有就医和费用的年度冲击", "there are no yearly shocks to use and cost"),
                     words("请换一个情景", "choose another scenario"))
    use = z[:, of["admissions"]]
    # As the model mixes them: the cost of a year goes with its use and its funding, and partly alone.
    cost = with_funding * z[:, of["funding"]] + with_use * use + alone * z[:, of["cost"]]
    use = moved(use, steps(added.use, fixed["admission_persistence"]) / fixed["admission_sd"], fixed["freedom"])
    cost = moved(cost, steps(added.price, fixed["cost_persistence"]) / fixed["cost_sd"], fixed["freedom"])
    z[:, of["admissions"]] = use
    z[:, of["cost"]] = (cost - with_funding * z[:, of["funding"]] - with_use * use) / alone
    return z


def steps(added: np.ndarray, persistence: float) -> np.ndarray:
    """What each year's shock must add for departures to follow a course, given what earlier years leave, shape (t,).

    >>> steps(np.array([1.0, 1.0, 0.0]), 0.5).tolist()
    [1.0, 0.5, -0.5]
    """
    return added - persistence * np.append(0.0, added[:-1])


def moved(z: np.ndarray, more: np.ndarray, freedom: float) -> np.ndarray:
    """The normals whose t variables are those of `z` (d, t) and so much more (t,): see `utilisation.heavy`.

    >>> moved(np.array([[0.0]]), np.array([2.0]), 1000.0).tolist()
    [[2.0]]
    """
    if freedom >= NORMAL:
        return z + more
    wanted = heavy(z, freedom) + more
    # By the lower tail of either sign, where small chances keep their digits.
    inside = -ndtri(stdtr(freedom, -np.abs(wanted) / np.sqrt((freedom - 2) / freedom)))
    return np.where(more == 0, z, np.sign(wanted) * inside)


def under(scenario: Scenario, dealt: Sequence[Dealt], draws: int, seed: int) -> Result:
    """A run, under cards where some have been dealt; without, of any scenario."""
    return played(scenario, dealt, draws, seed) if dealt else simulate(scenario, draws=draws, seed=seed)


def played(scenario: Scenario, dealt: Sequence[Dealt], draws: int, seed: int) -> Result:
    """A run under the cards dealt, on the same draws as any other run of that scenario, whatever its policy.

    One fund: a city of several counties is refused.
    """
    if len(scenario.axes.area) > 1:
        raise refuse(scenario.name, words("课堂只用一个统筹地区的情景", "a class plays scenarios of one pool"),
                     words("请换一个情景", "choose another scenario"))
    under, added = with_levers(scenario, dealt), course(scenario, dealt)
    shocked = bool(added.use.any() or added.price.any())
    return simulate(under, draws=draws, seed=seed,
                    at=normals_under(scenario, added, draws, seed) if shocked else None)
