"""A typical scenario made into one fund's own, by the fund's yearly table.

The rule book and the mix of care are the template's; people, funding, use and cost are moved until the years after
the table run on from it: each begins at the level the table ends with and grows as the table has grown, as far as so
few years can tell (`dynamics`). What the table cannot tell stays the template's, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from simulation.assumptions import ASSUMED, Correlation
from simulation.calibration import Z95, central, middle, within
from simulation.checking import check_scenario
from simulation.dynamics import Dynamics, Outlook, ahead, scaled, steps_of
from simulation.estimates import find_assumption
from simulation.policy import SECTIONS
from simulation.results import Result
from simulation.scenario import Scenario
from simulation.series import Series
from simulation.terms import BadInput, Document, Given, Source, Term, refuse, words
from simulation.trees import BAND, leaves, multiplied
from simulation.trends import fitted, ratio_of, together

LEAST = 3  # figures of enrolment, income and spending each, and one year that gives all three
ROUNDS, CLOSE = 12, 0.002  # of adjustment; how near, in logs, every path must come
AHEAD = 4  # years after the first one over which growth is met
FEW = 2  # figures of a path from which something can be told
RECENT = 8  # years that count: a scheme of longer ago grew otherwise
# How many years' worth the volatility seen elsewhere counts, and the usual variance of a series beside the pooled one.
# Published series differ so little that a dozen years would be trusted (the most probable number of degrees of freedom
# between them is 12 to 20), but one county is not the nation; with two, their typical variance is 0.66 of the pooled.
TRUSTED, TYPICAL = 2, 0.66
SAME_MONEY = 2.0  # a template whose money is worth more or less than this many times is restated
SCALED = ("expense", "outpatient_expense", "chronic_expense")  # the costs of care move together
# What a series looks ahead to, and the dynamics its shocks follow.
PATHS = {"enrolment": "enrolment", "funding": "funding", "use": "use", "visits": "use", "cost": "cost"}
GROWTH = {"enrolment": "people.enrolment_trend", "funding": "account.funding_trend",
          "use": "utilisation.admission_growth", "visits": "utilisation.outpatient_growth",
          "cost": "utilisation.cost_growth"}
LEVEL = {"enrolment": "people.enrolment_level", "funding": "account.funding_level",
         "use": "utilisation.admissions", "visits": "utilisation.outpatient_visits", "cost": "utilisation.expense"}
MONEY = ("funding", "use", "cost")  # whose growth and level are drawn together
LITTLE = 0.01  # of a correlation: left out below
START = {"funding": "shocks.funding_start", "use": "shocks.admission_start", "cost": "shocks.cost_start"}


class Ahead(NamedTuple):
    """What is known of one path of a fund, and the yearly shocks it follows."""

    outlook: Outlook
    dynamics: Dynamics
    cells: int  # figures behind it


class Pace(NamedTuple):
    """How spending keeps step with money in the published accounts: revenue decides spending (digest P1)."""

    together: float  # correlation of what a year adds to funding and to spending a head
    apart: float  # standard deviation, between accounts, of the yearly growth of spending over that of funding
    gap: Dynamics | None  # of the log ratio of spending to funding


def adapted(series: Series, template: Scenario, years: int = 10, without: tuple[str, ...] = ()) -> Scenario:
    """A scenario of a fund for the years after its table, by the template's rules and kinds of care.

    Yearly shocks are the fund's own beside those of the published series, of which some may be left out (`without`, as
    in `trends.fitted`). Raises `BadInput` where fewer than `LEAST` years give enrolment, income and spending, or where
    the template would have to leave the bounds of its parameters.
    """
    last = last_year(series)
    series = recent(series.upto(last))
    scenario = begun(template, series, last + 1, years)
    usual = fitted(without=without)
    paths = looked_ahead(series, scenario, usual)
    pace = own_pace(series, paths, pace_of(without), usual["spending"])
    paths, of_growth = in_step(paths, pace)
    scenario = met(in_money_of(scenario, paths), paths)
    scenario = with_intervals(scenario, paths, of_growth, series, pace, usual["spending"])
    if check_scenario(scenario, scenario.name):
        raise beyond(scenario)
    return scenario


@lru_cache(maxsize=16)
def pace_of(without: tuple[str, ...] = ()) -> Pace:
    """How spending kept step with funding in the published accounts that give both.

    >>> 0 < pace_of().together < 1
    True
    """
    accounts = together("funding_and_spending", without)
    return Pace(accounts.correlation, accounts.apart, ratio_of("funding_and_spending", without))


def own_pace(series: Series, paths: Mapping[str, Ahead], pace: Pace, spending: Dynamics) -> Pace:
    """The pace at which the ratio of spending to funding is as restless as the fund's own."""
    if pace.gap is None:
        return pace
    ratio = spending_a_head(series) - in_log(series.per_head("income"))
    if np.isfinite(ratio).sum() < FEW:
        return pace
    apart = own(ratio, damped(pace.gap)).sd
    money, spent = paths["funding"].dynamics.sd, own(spending_a_head(series), damped(spending)).sd
    together = (money**2 + spent**2 - apart**2) / (2 * money * spent)
    return pace._replace(together=float(np.clip(together, 0.0, 0.95)))


def in_step(paths: Mapping[str, Ahead], pace: Pace) -> tuple[dict[str, Ahead], np.ndarray]:
    """The paths with the growth of funding and of spending drawn together, as far as their few years leave open.

    A fund that spends for long other than its money grows is stopped by its line or by its deficit: the difference of
    the two growths comes from a normal around nothing of `pace.apart`. What the years show is weighed against that.
    Beside the paths stands how the growths of `MONEY` then go together, a correlation matrix in their order.
    """
    names = money_in(paths)
    sd = np.array([paths[name].outlook.growth_sd for name in names])
    growth = np.array([paths[name].outlook.growth for name in names])
    spread = np.outer(sd, sd) * with_funding(sd, pace.together)
    gap = np.where(np.array(names) == "funding", -1.0, 1.0)  # spending is use times cost
    gain = spread @ gap / (gap @ spread @ gap + pace.apart**2)
    shift, left = -gain * (gap @ growth), spread - np.outer(gain, spread @ gap)
    left_sd = np.sqrt(np.diag(left))
    moved = {name: paths[name]._replace(outlook=paths[name].outlook._replace(
        level=paths[name].outlook.level + by, growth=paths[name].outlook.growth + by, growth_sd=float(of)))
        for name, by, of in zip(names, shift, left_sd, strict=True)}
    return {**paths, **moved}, left / np.outer(left_sd, left_sd)


def money_in(paths: Mapping[str, Ahead]) -> list[str]:
    """The paths that funding and spending are made of, as far as a table tells them."""
    return [name for name in MONEY if name in paths]


def with_funding(sd: np.ndarray, together: float) -> np.ndarray:
    """Correlations of funding, and of independent parts of spending with these standard deviations, (n, n).

    The parts share what spending has to do with funding by their variances.

    >>> with_funding(np.array([1.0, 3.0, 4.0]), 0.5).tolist()
    [[1.0, 0.3, 0.4], [0.3, 1.0, 0.0], [0.4, 0.0, 1.0]]
    """
    matrix = np.eye(len(sd))
    matrix[0, 1:] = matrix[1:, 0] = together * sd[1:] / max(float(np.linalg.norm(sd[1:])), 1e-12)
    return matrix


def joint_correlations(paths: Mapping[str, Ahead], of_growth: np.ndarray, pace: Pace, source: Source) \
        -> list[Correlation]:
    """How levels and growths of all paths go together, as pairs that contradict each other nowhere.

    A level is its growth's share of it and a rest of its own; the rests go together as what a year adds does.
    """
    names = money_in(paths)
    others = [name for name in paths if name not in names]
    order = [*names, *others]
    tie = np.array([paths[name].outlook.correlation for name in order])
    rest = np.sqrt(1 - np.minimum(tie**2, 1.0))
    growth, apart = np.eye(len(order)), np.eye(len(order))
    level_sd = np.array([paths[name].outlook.level_sd for name in names])
    growth[:len(names), :len(names)] = of_growth
    apart[:len(names), :len(names)] = with_funding(level_sd * rest[:len(names)], pace.together)
    whole = np.block([[growth, growth * tie], [(growth * tie).T, np.outer(tie, tie) * growth
                                               + np.outer(rest, rest) * apart]])
    items = [*(GROWTH[name] for name in order),
             *(LEVEL[name] if paths[name].outlook.level_sd > 0 else None for name in order)]
    return [Correlation(between=(items[i], items[j]), source=source, value=float(np.clip(whole[i, j], -0.99, 0.99)))
            for i in range(len(items)) for j in range(i) if items[i] and items[j] and abs(whole[i, j]) >= LITTLE]


def last_year(series: Series) -> int:
    """The last year in which enrolment, income and spending are all known and not nothing."""
    given = np.array([series.values[name] for name in ("enrolment", "income", "spending")]) > 0
    fewest, known = given.sum(axis=1).min(), given.all(axis=0)
    if fewest < LEAST or not known.any():
        raise refuse(series.name, words(
            f"参保人数、基金收入、基金支出中最少的只有 {fewest} 个年份，三项齐全的有 {known.sum()} 个年份",
            f"of enrolment, income and spending the scarcest has {fewest} years; {known.sum()} years give all three"),
            words(f"每项至少需要 {LEAST} 个年份，且有一年三项齐全",
                  f"give at least {LEAST} years of each, and one year with all three"))
    return int(np.array(series.years)[known].max())


def recent(series: Series) -> Series:
    """The last `RECENT` years of a series, or more where enrolment, income or spending would have too few figures."""
    for first in range(len(series.years) - RECENT, 0, -1):
        late = replace(series, years=series.years[first:],
                       values={key: values[first:] for key, values in series.values.items()})
        if min(late.count(key) for key in ("enrolment", "income", "spending")) >= LEAST:
            return late
    return series


def looked_ahead(series: Series, scenario: Scenario, dynamics: Mapping[str, Dynamics]) -> dict[str, Ahead]:
    """What the table tells of each path for the scenario's first year; paths it does not tell are left out."""
    value = series.values
    logs = {"enrolment": in_log(value["enrolment"]), "funding": in_log(series.per_head("income")),
            "use": in_log(series.per_head("stays")), "visits": in_log(series.per_head("visits"))}
    if not scenario.has("outpatient"):  # the template pays for no visits, so it can follow none
        del logs["visits"]
    spending = spending_a_head(series)
    unjoined = 1 - take_up(scenario)
    usual = {name: damped(of) for name, of in dynamics.items()}
    usual["enrolment"] = in_logs(usual["enrolment"], unjoined)
    stays = np.isfinite(logs["use"] + spending)
    if stays.sum() >= FEW:
        logs["cost"] = spending - logs["use"]
    else:  # use and cost cannot be told apart: spending a head carries both
        logs["cost"], usual["cost"] = spending, usual["spending"]
        del logs["use"]
    found = {}
    for name, values in logs.items():
        finite = np.isfinite(values)
        if finite.sum() >= FEW:
            follows = own(values, usual[PATHS[name]])
            outlook = ahead(values, scenario.first_year - series.years[-1], follows)
            found[name] = Ahead(outlook, follows, int(finite.sum()))
    return found


def spending_a_head(series: Series) -> np.ndarray:
    """Log of the fund's spending for each insured person, (n,)."""
    return in_log(series.per_head("spending"))


def in_log(values: np.ndarray) -> np.ndarray:
    """Logs of figures; a figure of nothing has none.

    >>> in_log(np.array([1.0, 0.0, np.nan])).tolist()
    [0.0, nan, nan]
    """
    return np.log(np.where(values > 0, values, np.nan))


def own(values: np.ndarray, dynamics: Dynamics) -> Dynamics:
    """The usual dynamics with the fund's own restlessness: its few years count beside `TRUSTED` usual ones.

    The mean of the standard deviation over its posterior; the prior of the variance is a scaled inverse chi-squared
    around the usual one with `TRUSTED` degrees of freedom, the likelihood that of the figures.

    >>> calm = np.log([100.0, 102.0, 104.0, 106.0])
    >>> own(calm, Dynamics(0.1, 0.5, 0.02, 0.01, 1000)).sd < 0.1
    True
    """
    times = np.exp(np.linspace(-3.0, 3.0, 121))  # of the usual standard deviation
    steps = steps_of([values])
    likely = []
    for sd in times * dynamics.sd:
        errors, slopes, scales = scaled(steps, sd, dynamics.persistence, dynamics.growth_sd)
        likely.append(-scales - ((errors - dynamics.growth * slopes) ** 2).sum() / 2)
    weight = np.array(likely) - TRUSTED * np.log(times) - TRUSTED * TYPICAL / (2 * times**2)
    weight = np.exp(weight - weight.max())
    return dynamics._replace(sd=dynamics.sd * float(weight @ times / weight.sum()))


def damped(dynamics: Dynamics) -> Dynamics:
    """Dynamics that presume growth of neither sign, of the size seen elsewhere.

    Schemes once grew by a sixth a year; to presume that of a fund today would be wrong, and so would carrying the
    growth of four years on in full: a normal around nothing damps it.

    >>> damped(Dynamics(0.1, 0.5, 0.03, 0.04, 1000))[2:4]
    (0.0, 0.05)
    """
    return dynamics._replace(growth=0.0, growth_sd=float(np.hypot(dynamics.growth, dynamics.growth_sd)))


def in_logs(dynamics: Dynamics, unjoined: float) -> Dynamics:
    """Dynamics of take-up on the logit scale as those of log enrolment."""
    return dynamics._replace(sd=dynamics.sd * unjoined, growth=dynamics.growth * unjoined,
                             growth_sd=dynamics.growth_sd * unjoined)


def take_up(scenario: Scenario) -> float:
    """Share of the entitled who are insured at the base policy."""
    people = scenario.value("people", "residents", ("group", "status"))
    return float((scenario.value("people", "take_up", ("group", "status")) * people).sum() / people.sum())


def begun(template: Scenario, series: Series, first: int, years: int) -> Scenario:
    """The template moved to the fund's first year, with its balance, and without the intervals of a typical fund."""
    said = Document(title=series.name, publisher="-", date=f"{series.years[0]}-{series.years[-1]}")
    known = np.isfinite(series.values["balance"])
    if known.any():
        at = int(np.flatnonzero(known).max())
        later = (series.values["income"] - series.values["spending"])[at + 1:]
        balance = float(series.values["balance"][at] + np.nansum(later))
        note = words("年末累计结余", "The balance at the end of the table") if not later.size else words(
            "表中最后的累计结余，加其后各年的收支差", "The last balance given, and the surpluses known since")
    else:
        balance, note = 0.0, words("表中没有累计结余，按零起算：结余类结果只看变化",
                                   "The table gives no balance; it starts at nothing, so only its change can be read")
    sections: dict[str, Any] = {}
    for name in ("people", "utilisation", "account"):
        section = getattr(template.assumptions, name)
        sections[name] = section.model_copy(update={
            field: getattr(section, field).model_copy(update={"range": None, "factor": None})
            for field in type(section).model_fields if f"{name}.{field}" not in KEPT})
    sections["account"] = sections["account"].model_copy(update={"opening_balance": sections["account"].opening_balance
        .model_copy(update={"value": balance, "source": told(note)})})
    kept = {f"{name}.{field}" for name in ASSUMED for field in ASSUMED[name].model_fields
            if name not in sections or f"{name}.{field}" in KEPT}
    assumptions = template.assumptions.model_copy(update=sections | {"correlations": tuple(
        pair for pair in template.assumptions.correlations if set(pair.between) <= kept)})
    policy = template.policy_in(template.first_year)
    still = {f"{name}_step": getattr(policy.financing, f"{name}_step").model_copy(update={
        "value": 0, "source": told(words("今后的变动见筹资标准年变动", "Later growth stands in the drift of funding"))})
             for name in ("contribution", "subsidy")}
    return template.model_copy(update={
        "name": "own_fund", "first_year": first, "years": years, "changes": (), "assumptions": assumptions,
        "policy": policy.model_copy(update={"financing": policy.financing.model_copy(update=still)}),
        "documents": {**template.documents, TABLE: said},
        "title": words(f"{series.name}（按本基金数据校准）", f"{series.name}, calibrated to its own figures"),
        "story": words(
            f"以“{template.title.zh}”的待遇规则和就医结构为底，人口、筹资、就医和费用按本基金 {series.years[0]} 至 "
            f"{series.years[-1]} 年的数据校准。今后 {years} 年收支怎样，结余能否留在线内？",
            f"The benefit rules and kinds of care of '{template.title.en}', with people, funding, use and cost "
            f"calibrated to this fund's figures of {series.years[0]} to {series.years[-1]}. How will it fare in the "
            f"next {years} years, and will it stay inside its lines?")})


TABLE = "fund_table"  # how the scenario cites the table it was made from
KEPT = ("people.contribution_elasticity", "people.selection", "people.generosity_effect", "people.awareness_effect",
        "people.fertility", "account.family_leakage")  # intervals that answer to reforms, not to the level


def told(note: Any, clause: str | None = None) -> Source:
    """The provenance of a value taken from the fund's table."""
    return Source(status="estimate", document=TABLE, clause=clause, note=note)


def in_money_of(scenario: Scenario, paths: Mapping[str, Ahead]) -> Scenario:
    """The scenario with every amount of yuan restated where the fund's money is worth far more or less.

    A rule book of 2026 says nothing to a fund that spends forty yuan a head; its amounts then move together.
    """
    run = central(scenario.model_copy(update={"years": 1}))
    wanted = paths["cost"].outlook.level + (paths["use"].outlook.level if "use" in paths else 0.0)
    times = float(np.exp(wanted) / (middle(run, "expenditure") / middle(run, "enrolled"))[0])
    if 1 / SAME_MONEY <= times <= SAME_MONEY:
        return scenario

    source = told(words(f"模板的金额乘以 {times:.3g}，即本基金与模板人均支出之比",
                        f"The template's amount times {times:.3g}: this fund's spending a head beside the template's"))

    def anew(given: Given, term: Term) -> Given:
        value = at_edges(multiplied(given.value, times) if term.unit.startswith("yuan") else given.value, times)
        return given if value == given.value else given.model_copy(update={"value": value, "source": source})

    def restated(record: Any, sections: Mapping[str, Any]) -> Any:
        return record.model_copy(update={name: getattr(record, name).model_copy(update={
            field: anew(getattr(getattr(record, name), field), term)
            for field, term in model.terms().items() if restates(f"{name}.{field}", term)})
            for name, model in sections.items()})

    return scenario.model_copy(update={"policy": restated(scenario.policy, SECTIONS),
                                       "assumptions": restated(scenario.assumptions, ASSUMED)})


def restates(name: str, term: Term) -> bool:
    """Whether a parameter holds yuan, in its value or at the edges of its bands."""
    return (term.unit.startswith("yuan") or "band" in term.axes) and name != "account.opening_balance"


def at_edges(tree: Any, times: float) -> Any:
    """A tree whose bands begin at so many times as much.

    >>> at_edges({"from_0": 0.5, "from_1000": 0.6}, 0.1)
    {'from_0': 0.5, 'from_100': 0.6}
    """
    if not isinstance(tree, Mapping):
        return tree
    return {f"from_{round(int(edge[1]) * times)}" if (edge := BAND.match(str(key))) else key: at_edges(branch, times)
            for key, branch in tree.items()}


def met(scenario: Scenario, paths: Mapping[str, Ahead]) -> Scenario:
    """The scenario with levels and growth moved until its middle run follows every path; refuses what never meets."""
    span = min(AHEAD, scenario.years - 1)
    wanted = {name: path_of(path, span) for name, path in paths.items()}
    short = scenario.model_copy(update={"years": span + 1})
    for name, path in paths.items():
        if name in START:
            short = with_value(short, START[name], path.outlook.start)
            short = with_value(short, f"shocks.{SHOCK[name]}_persistence", path.dynamics.persistence)
    for _ in range(ROUNDS):
        reached = reached_by(central(short), "use" in paths)
        off = {name: wanted[name] - reached[name] for name in wanted}
        if max(np.abs(gap[[0, -1]]).max() for gap in off.values()) < CLOSE:
            return short.model_copy(update={"years": scenario.years})
        for name, gap in off.items():
            short = raised(short, name, gap[0])
            if span:
                section, field = GROWTH[name].split(".")
                now = getattr(getattr(short.assumptions, section), field).value
                short = with_value(short, GROWTH[name], float(np.expm1(np.log1p(now) + (gap[-1] - gap[0]) / span)))
    raise beyond(scenario)


def beyond(scenario: Scenario) -> BadInput:
    """The refusal of a table whose figures no values inside the bounds of the template's parameters give."""
    return refuse(scenario.documents[TABLE].title, words("模板情景跟不上这些数据",
                                                         "the template cannot follow these figures"),
                  words("请检查单位，或换一个模板情景", "check the units, or choose another template"))


SHOCK = {"enrolment": "enrolment", "funding": "funding", "use": "admission", "cost": "cost"}


def path_of(path: Ahead, span: int) -> np.ndarray:
    """The middle of what is looked ahead to, in logs, (span + 1,)."""
    k = np.arange(span + 1)
    o = path.outlook
    return o.level + k * o.growth - o.start * (1 - path.dynamics.persistence**k)


def reached_by(run: Result, stays: bool) -> dict[str, np.ndarray]:
    """The same paths of a run without uncertainty."""
    log = lambda name: np.log(np.maximum(middle(run, name), 1e-9))  # noqa: E731
    people = log("enrolled")
    return {"enrolment": people, "funding": log("income") - people, "use": log("stays") - people,
            "visits": log("visits") - people, "cost": log("expenditure") - (log("stays") if stays else people)}


def raised(scenario: Scenario, name: str, gap: float) -> Scenario:
    """The scenario with one path's level moved by so much in logs."""
    times = float(np.exp(np.clip(gap, -2.0, 2.0)))
    if name == "funding":
        part = scenario.policy.financing
        more = {field: getattr(part, field).model_copy(update={
            "value": multiplied(getattr(part, field).value, times), "source": told(words(
                "按本基金人均收入推算，个人与财政的比例取自模板",
                "From this fund's income a head; the split between people and government is the template's"))})
            for field in ("contribution", "subsidy")}
        return scenario.model_copy(update={"policy": scenario.policy.model_copy(
            update={"financing": part.model_copy(update=more)})})
    fields = {"enrolment": ["people.residents"], "use": ["utilisation.admissions"],
              "visits": ["utilisation.outpatient_visits"], "cost": [f"utilisation.{field}" for field in SCALED]}[name]
    visits = scenario.assumptions.utilisation.outpatient_visits.value
    if name == "visits" and times * min(each for _, each in leaves(visits)) < find_assumption(LEVEL["visits"])[2].low:
        fields = ["utilisation.outpatient_users"]  # who goes at all goes once, so fewer go
    for full in fields:
        section, field = full.split(".")
        scenario = with_value(scenario, full, multiplied(getattr(getattr(scenario.assumptions, section), field).value,
                                                         times))
    return scenario


def with_value(scenario: Scenario, name: str, value: Any, **more: Any) -> Scenario:
    """The scenario with one assumption's value replaced, kept inside its bounds; it comes from the table."""
    section, field, term = find_assumption(name)
    value = within(value, term)
    if "range" in more:
        more["range"] = tuple(within(end, term) for end in more["range"])
    part = getattr(scenario.assumptions, section)
    given = getattr(part, field).model_copy(update={"value": value, "source": told(words(
        "按本基金逐年数据校准", "Calibrated to this fund's yearly figures")), **more})
    return scenario.model_copy(update={"assumptions": scenario.assumptions.model_copy(
        update={section: part.model_copy(update={field: given})})})


def with_intervals(scenario: Scenario, paths: Mapping[str, Ahead], of_growth: np.ndarray, series: Series, pace: Pace,
                   spending: Dynamics) -> Scenario:
    """The scenario with what so few years leave open: intervals of levels, growth and starts, and the shocks."""
    for name, path in paths.items():
        o, clause = path.outlook, f"{series.years[0]}-{series.years[-1]}"
        source = told(words(f"按本基金 {path.cells} 个年度数据校准",
                            f"Calibrated to {path.cells} yearly figures of this fund"), clause)
        section, field = GROWTH[name].split(".")
        now = np.log1p(getattr(getattr(scenario.assumptions, section), field).value)
        scenario = with_value(scenario, GROWTH[name], float(np.expm1(now)), source=source, range=tuple(
            float(np.expm1(now + side * Z95 * o.growth_sd)) for side in (-1, 1)))
        if name in START and o.start_sd > 0:
            scenario = with_value(scenario, START[name], o.start, source=source, range=tuple(
                float(o.start + side * Z95 * o.start_sd) for side in (-1, 1)))
        if name in LEVEL and o.level_sd > 0:
            section, field = LEVEL[name].split(".")
            given = getattr(getattr(scenario.assumptions, section), field)
            ends = tuple(float(np.exp(side * Z95 * o.level_sd)) for side in (-1, 1))
            scenario = with_value(scenario, LEVEL[name], given.value, source=source,
                                  **{"factor" if find_assumption(LEVEL[name])[2].axes else "range": ends})
        if name in SHOCK:
            scenario = with_shocks(scenario, name, path, source)
    source = told(words("公布账户中的相关", "As in the published accounts"))
    pairs = (*scenario.assumptions.correlations, *joint_correlations(paths, of_growth, pace, source))
    of_cost = of_spending = paths["cost"].dynamics.sd
    if "use" in paths:
        of_use = paths["use"].dynamics.sd
        of_spending = own(spending_a_head(series), damped(spending)).sd
        # What use and cost must have to do with one another for spending to be as restless as it is.
        against = (of_spending**2 - of_use**2 - of_cost**2) / (2 * of_use * of_cost)
        scenario = with_value(scenario, "shocks.cost_with_use", float(np.clip(against, -0.95, 0.95)), source=source)
    else:  # then the shocks of cost are those of spending a head, which hold both
        scenario = with_value(scenario, "shocks.admission_sd", 0.0)
    scenario = with_value(scenario, "shocks.cost_with_funding", pace.together * min(of_spending / of_cost, 1.0),
                          source=source)
    return scenario.model_copy(update={"assumptions": scenario.assumptions.model_copy(
        update={"correlations": pairs})})


def with_shocks(scenario: Scenario, name: str, path: Ahead, source: Source) -> Scenario:
    """The scenario with the yearly shocks of one path; take-up's are on the logit scale."""
    sd, follows = path.dynamics.sd, path.dynamics
    if name == "enrolment":  # what few years show is the size of the scheme rather than who takes it up
        scenario = with_value(scenario, "shocks.people_sd", float(sd), source=source)
        return with_value(scenario, "shocks.enrolment_sd", 0.0)
    scenario = with_value(scenario, f"shocks.{SHOCK[name]}_sd", float(sd), source=source)
    scenario = with_value(scenario, f"shocks.{SHOCK[name]}_persistence", float(follows.persistence), source=source)
    return with_value(scenario, "shocks.freedom", float(follows.freedom), source=source)


def tells(scenario: Scenario, name: str) -> bool:
    """Whether the fund's table told a path of `PATHS`; else it is the template's."""
    section, field = GROWTH[name].split(".")
    return getattr(getattr(scenario.assumptions, section), field).source.document == TABLE


def from_table(scenario: Scenario) -> list[dict[str, Any]]:
    """What a scenario takes from the fund's table, a row an assumption: name, value, interval and provenance."""
    rows = []
    for section, model in ASSUMED.items():
        for field, term in model.terms().items():
            given = getattr(getattr(scenario.assumptions, section), field)
            if given.source.document == TABLE:
                rows.append({"name": f"{section}.{field}", "title": term.title.model_dump(), "value": given.value,
                             "interval": given.range or given.factor, "multiple": bool(given.factor),
                             "note": given.source.note.model_dump()})
    return rows
