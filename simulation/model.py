"""The model, read top to bottom: a scenario becomes futures, a year at a time, and an account.

A year is: people change and enrol; the year is financed; people and providers respond to the rules; care is used;
bills are settled; visits are paid; providers are paid and supervised; counties pool and the fund closes. Only this
file knows that order.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from simulation import demography
from simulation.engines import histories, individual
from simulation.loading import load_scenario
from simulation.memory import keep_freed
from simulation.records import DRAWS, Futures, Rules, Spending
from simulation.results import Result, pack
from simulation.scenario import Scenario
from simulation.stages.book import Book, Flows, book_of, pool_of, thresholds_of
from simulation.stages.care import bills_are_settled, care_is_used
from simulation.stages.choice import people_respond
from simulation.stages.closing import fund_closes
from simulation.stages.enrolment import people_enrol
from simulation.stages.financing import year_is_financed
from simulation.stages.providers import providers_are_paid, providers_are_sampled
from simulation.stages.visits import accounts_are_used, visits_are_paid
from simulation.steps import utilisation
from simulation.steps.payment import Usual
from simulation.terms import refuse, words

SMALL_POOL = 20_000  # insured people below which chance between people matters enough for the exact engine
ENGINES = ("auto", "table", "exact")
MAX_DRAWS = 131_072
MOST_KEPT = 12 * MAX_DRAWS  # draws times years times areas of a run: each takes about two kilobytes at the most


def simulate(scenario: Scenario | str, draws: int = 1024, seed: int = 20080101, engine: str = "auto",
             spend: Callable[..., Spending] | None = None, without: tuple[str, ...] = (),
             at: np.ndarray | None = None, usual: dict | None = None) -> Result:
    """The fund's account in every draw and year of a scenario.

    `engine` is `table` (tens of milliseconds, any size), `exact` (every admission) or `auto` (exact for
    pools under 20,000 insured). The same scenario, draws, seed and engine give the same numbers. A
    function of the engines' arguments given as `spend` stands in for them; benchmarks bring their own.
    `without` leaves out some sources of uncertainty (`utilisation.SOURCES`): then the table answers. Standard normals
    given as `at`, (draw, dimension) in the order of `utilisation.dimensions`, stand in for the Sobol points.
    In an empty dictionary given as `usual` a run leaves what its standards of payment are made of; a run with other
    normals that is given it pays by the same standards.

    >>> result = simulate("benxi_2008", draws=64)
    >>> result.data.sizes["draw"], result.data.sizes["year"]
    (64, 10)
    """
    scenario = load_scenario(scenario) if not isinstance(scenario, Scenario) else scenario
    check_run(draws, seed, engine)
    check_room(scenario, draws)
    keep_freed()
    given = {"spend": spend, "without": without, "at": at is not None, "usual": usual}
    aside = tuple(name for name, value in given.items() if value)
    text = scenario.model_copy(update={"changes": ()}).text()
    areas = tuple(scenario.axes.area) if len(scenario.axes.area) > 1 else (None,)
    books = [book_of(scenario, area) for area in areas]
    futures = [futures_of(text, draws, seed, area, without) if at is None else
               with_population(scenario, utilisation.futures(scenario, draws, seed, area, without, at))
               for area in areas]

    enrolled = [people_enrol(book, future) for book, future in zip(books, futures, strict=True)]
    if without:
        engine = "table"  # only there is chance between people apart from everything else
    if engine == "auto":
        least = min(people["enrolled"][:, 0].mean() for people, _ in enrolled)
        engine = "exact" if least < SMALL_POOL else "table"
    spend = spend or {"table": histories.spend, "exact": individual.spend}[engine]

    prices = [book.multiple("expense") * future.price for book, future in zip(books, futures, strict=True)]
    reach = min(price.min() for price in prices), max(price.max() for price in prices)

    flows, after_deficit, usual = [], [], {} if usual is None else usual
    for n, (book, future, (people, risk)) in enumerate(zip(books, futures, enrolled, strict=True)):
        own = seed + 7919 * n  # each county's people are other people
        flows.append(people | year_is_financed(book, future, people) | year_of_care(
            book, book.rules, future, people, risk, reach, spend, own, usual.setdefault((n, "usually"), {})))
        cut = book.of("lines", "deficit_cut")
        after_deficit.append(flows[-1] | year_of_care(book, [
            rules._replace(rate=np.maximum(rules.rate - points, 0.0))
            for rules, points in zip(book.rules, cut, strict=True)], future, people, risk, reach, spend, own,
            usual.setdefault((n, "after a deficit"), {}))
            if cut.any() else flows[-1])
    closed = fund_closes(books, futures, flows, after_deficit)
    return pack(scenario, draws, seed, engine, areas, closed, {
        name: books[0].of("lines", name) for name in ("surplus_ratio", "balance_ratio", "reserve_months")}, aside)


def year_of_care(book: Book, rules: list[Rules], futures: Futures, people: Flows, risk: np.ndarray,
                 reach: tuple[float, float], spend: Callable[..., Spending], seed: int,
                 usual: dict[int, Usual]) -> Flows:
    """From responses to payment under some benefit rules, for every year: flows (d, t, ...)."""
    pool = pool_of(book, people, risk)
    audit = providers_are_sampled(book, len(risk), seed, futures.chance)
    answers = people_respond(book, rules, futures, pool, audit.absent)
    use = care_is_used(book, futures, pool, answers, reach)
    spending = spend(rules, use.care, use.costs, pool.insured, thresholds_of(book.scenario), use.conditions, seed)
    flows = bills_are_settled(book, spending, use, pool)
    flows |= visits_are_paid(book, rules, use, futures, pool, answers, seed)
    flows |= accounts_are_used(book, futures, people, flows)
    return flows | providers_are_paid(book, futures, people, flows, audit, usual)


@lru_cache(maxsize=32)
def futures_of(text: str, draws: int, seed: int, area: str | None, without: tuple[str, ...] = ()) -> Futures:
    """The futures of a scenario, by its text without any change: no lever moves them, so they are kept."""
    scenario = Scenario.model_validate_json(text)
    return with_population(scenario, utilisation.futures(scenario, draws, seed, area, without))


def with_population(scenario: Scenario, futures: Futures) -> Futures:
    """Futures with the people of each group and how they age, which follow from the births drawn."""
    futures = Futures(*(np.asarray(part, order=DRAWS) if isinstance(part, np.ndarray) else part for part in futures))
    groups, years = len(scenario.axes.group), scenario.years
    if not scenario.axes.ages:
        return futures._replace(residents=np.ones((1, years, groups)), ageing=np.ones((years, groups)))
    bands = tuple((low, min(high, 100)) for low, high in scenario.axes.ages.values())
    return futures._replace(
        residents=np.asarray(demography.age_index(bands, scenario.first_year, years,
                                                  futures.drawn["people.fertility"]), order=DRAWS),
        ageing=demography.age_within(bands, demography.admission_profile(), scenario.first_year, years))


def check_run(draws: int, seed: int, engine: str) -> None:
    """Refuse a run that cannot be made, with the remedy."""
    if not 16 <= draws <= MAX_DRAWS:
        raise refuse("draws", words(f"{draws} 次不可用", f"{draws} draws will not do"),
                     words(f"请用 16 到 {MAX_DRAWS}", f"use 16 to {MAX_DRAWS}"))
    if not 0 <= seed < 2**63:
        raise refuse("seed", words("种子应为非负整数", "the seed is not a whole number from 0"), words("请改正",
                                                                                                       "give one"))
    if engine not in ENGINES:
        raise refuse("engine", words(f"没有 {engine} 引擎", f"there is no engine {engine}"),
                     words(f"请用 {'、'.join(ENGINES)} 之一", f"use one of {', '.join(ENGINES)}"))


def most_draws(scenario: Scenario) -> int:
    """How many draws of a scenario fit in memory.

    >>> most_draws(load_scenario("benxi_2008")) == MAX_DRAWS
    True
    """
    areas = len(scenario.axes.area)
    each = scenario.years * (areas + 1 if areas > 1 else 1)  # the whole city is kept beside its counties
    return min(MOST_KEPT // each // 16 * 16, MAX_DRAWS)


def check_room(scenario: Scenario, draws: int) -> None:
    """Refuse a run whose years and areas would not fit in memory, with the draws that do."""
    areas, most = len(scenario.axes.area), most_draws(scenario)
    if draws > most:
        raise refuse("draws", words(f"{draws} 次、{scenario.years} 年、{max(areas, 1)} 个县区超出内存",
                                    f"{draws} draws of {scenario.years} years in {max(areas, 1)} areas do not fit in "
                                    "memory"),
                     words(f"请用至多 {most} 次", f"use at most {most} draws") if most >= 16 else
                     words("请减少年数或县区", "use fewer years or areas"))
