"""Calibration: a scenario's uncertain assumptions are fitted to published totals; their intervals are the priors.

Every uncertain assumption is a standard normal z away from its median (`assumptions.drawn`). The fit minimises the
squared misses of the targets, each beside how sure it is, and the squared z of the assumptions: the most probable
values. The curvature there gives the intervals that are left, and what the figures cannot tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import numpy as np
import pandas as pd
import yaml
from pydantic import Field
from scipy.optimize import least_squares

from simulation.areas import with_assumption
from simulation.assumptions import ASSUMED, Z95, Assumed, Correlation, drawn, uncertain
from simulation.loading import parsed
from simulation.model import simulate
from simulation.published import DATA, figure
from simulation.reading import build, read_text, read_yaml
from simulation.results import Result
from simulation.scenario import Scenario
from simulation.steps.utilisation import NORMAL, SOURCES, correlations, dimensions
from simulation.streams import correlation_root
from simulation.terms import Mapper, Record, Source, Term, Words, refuse, short, words
from simulation.trees import multiplied, nearest

TARGETS = DATA / "targets"
STEP, FARTHEST = 0.05, 6.0  # in standard normals: of the derivative, and the most an assumption may move
UNTOLD = 0.9  # of its prior spread left to an assumption: the figures tell nothing of it
# Correlations from which fitted assumptions are said to move together, and from which they cannot be told apart. With
# more left out, those that stay contradict each other, and none of them is drawn as stated (`correlation_root`).
TIED, CLOSE = 0.02, 0.8
UNSAID = ("range", "factor", "document", "clause", "note")  # left out of a file where there is none
RATIOS = ("in_policy_ratio", "effective_ratio", "fund_share")  # missed in points, all others in logs


def per(part: str, whole: str) -> Callable[[Result], np.ndarray]:
    """A measure that divides one quantity by another."""
    return lambda run: drawn_in(run, part) / drawn_in(run, whole)


def drawn_in(run: Result, name: str) -> np.ndarray:
    """A quantity of the whole pool in every draw, (d, t, ...)."""
    return run.data[name].values[:, :, 0]


def middle(run: Result, name: str) -> np.ndarray:
    """A quantity of a run without uncertainty: every draw is the same, (t, ...)."""
    return drawn_in(run, name)[0]


# What a published figure may be of; `.tier` after a name asks for one tier.
MEASURES: dict[str, Callable[[Result], np.ndarray]] = {
    name: lambda run, name=name: drawn_in(run, name) for name in (
        "enrolled", "income", "expenditure", "balance_end", "stays", "visits", "individual_income", "subsidy_income",
        "inpatient_expense", "outpatient_expense", "chronic_expense", "in_policy_ratio", "effective_ratio")} | {
    "expense_per_stay": per("inpatient_expense", "stays"),
    "payment_per_stay": per("inpatient_paid", "stays"),
    "expense_per_stay.tier": per("expense_by_tier", "stays_by_tier"),
    "fund_share.tier": lambda run: drawn_in(run, "in_policy_by_tier")}


class Aim(Record):
    """One line of a targets file: a published figure, or a quotient of two."""

    of: str
    year: Annotated[int, Field(ge=1990, le=2100, strict=True)]
    table: str
    variable: str
    per_variable: str | None = None
    per_table: str | None = None
    sd: Annotated[float, Field(gt=0, le=2)]
    held_out: bool = False
    note: Words | None = None


class Aims(Record):
    """A targets file."""

    scenario: str
    targets: Annotated[tuple[Aim, ...], Field(min_length=1, max_length=1000)]


class Target(NamedTuple):
    """A figure the model is held against."""

    of: str
    year: int
    value: float  # persons, yuan, counts or a fraction
    sd: float  # how far the model may be off: in logs, of ratios in points
    source: str
    held_out: bool = False  # only compared, never fitted
    note: Words | None = None


class Fit(NamedTuple):
    """A calibrated scenario and how well it does."""

    scenario: Scenario
    targets: pd.DataFrame  # a row a target: of, year, published, before, after, miss, held_out, source
    assumptions: pd.DataFrame  # a row an assumption: name, prior and fitted value and ends, left, told
    ties: pd.DataFrame  # pairs of assumptions of which the figures tell little but the combination


def read_targets(scenario: str) -> list[Target]:
    """The published figures a library scenario is calibrated to (`data/targets/`).

    >>> read_targets("national_resident_2018")[0].value > 0
    True
    """
    known = {path.stem: path for path in TARGETS.glob("*.yaml")}
    if scenario not in known:
        near = nearest(scenario, sorted(known)) if known else ""
        raise refuse(short(scenario), words("没有这个情景的校准目标", "there are no targets for this scenario"),
                     words(f"是否为：{near}", f"did you mean {near}"))
    return parse_targets(read_text(known[scenario]), known[scenario].name)


def parse_targets(text: str, place: str) -> list[Target]:
    """The targets of a file's text; every figure is looked up in `data/`."""
    aims: Aims = build(Aims, read_yaml(text, place), place)
    found = []
    for aim in aims.targets:
        base, _, tier = aim.of.partition(".")
        if (f"{base}.tier" if tier else base) not in MEASURES:
            near = nearest(aim.of, list(MEASURES))
            raise refuse(f"{place}: {short(aim.of)}", words("模型没有这个量", "the model has no such quantity"),
                         words(f"是否为：{near}", f"did you mean {near}"))
        given = figure(aim.table, aim.year, aim.variable)
        value, source = given.value, f"{aim.table}: {aim.variable}"
        if aim.per_variable:
            value /= figure(aim.per_table or aim.table, aim.year, aim.per_variable).value
            source += f" / {aim.per_variable}"
        found.append(Target(aim.of, aim.year, value, aim.sd, f"{source} ({given.source})", aim.held_out, aim.note))
    return found


def central(scenario: Scenario) -> Result:
    """The run of a scenario without any uncertainty: every draw is the middle one."""
    return simulate(scenario, 16, engine="table", without=SOURCES)


def measured(run: Result, of: str) -> np.ndarray:
    """What a run gives for a measure, (d, t)."""
    name, _, tier = of.partition(".")
    value, tiers = MEASURES[f"{name}.tier" if tier else name](run), list(run.scenario.axes.tier)
    if tier and tier not in tiers:
        near = nearest(tier, tiers)
        raise refuse(short(of), words("情景没有这一级机构", "the scenario has no such tier"),
                     words(f"是否为：{near}", f"did you mean {near}"))
    return value[..., tiers.index(tier)] if tier else value


def misses(targets: list[Target], run: Result) -> np.ndarray:
    """How far each draw of a run is above each target, (d, n): in logs, of ratios in points."""
    first = run.scenario.first_year
    found = np.stack([measured(run, target.of)[:, target.year - first] for target in targets], axis=1)
    wanted = np.array([target.value for target in targets])
    points = np.array([target.of.partition(".")[0] in RATIOS for target in targets])
    apart = (found <= 0) | (wanted <= 0)  # a balance may be negative: relative to its size
    logs = np.log(np.where(apart, 1.0, found)) - np.log(np.where(apart, 1.0, wanted))
    return np.where(points, found - wanted, np.where(apart, (found - wanted) / np.maximum(np.abs(wanted), 1.0), logs))


def spread_of(scenario: Scenario, targets: list[Target]) -> np.ndarray:
    """Covariance of the targets' misses around a trend: their own spread, and the yearly shocks they share.

    No trend follows the shocks, so misses of an odd year go together. What each does to each target is the model's own
    answer: one run, in every draw of which one shock of one year is a little up or down.
    """
    known, every = len(uncertain(scenario.assumptions)), len(dimensions(scenario))
    shocks = every - known
    z = np.zeros((max(2 * shocks, 16), every))  # 16 draws are the fewest of a run
    z[:shocks, known:], z[shocks:2 * shocks, known:] = STEP * np.eye(shocks), -STEP * np.eye(shocks)
    # Of unit variance and normal, so that a slope is what one standard deviation does; counties have no shocks of
    # their own, which would be drawn.
    plain = with_assumption(scenario, "shocks", "freedom", float(NORMAL))
    plain = with_assumption(plain, "areas", "correlation", 1.0)
    away = misses(targets, simulate(plain, len(z), engine="table", without=("parameters", "chance"), at=z))
    slopes = (away[:shocks] - away[shocks:2 * shocks]) / (2 * STEP)
    return np.diag([target.sd**2 for target in targets]) + slopes.T @ slopes


def at(scenario: Scenario, z: Mapping[str, float], spread: Mapping[str, float] | None = None,
       source: Callable[[str, Assumed], Source] | None = None) -> Scenario:
    """The scenario with assumptions moved to `z` standard normals from their medians.

    With `spread`, the interval around each is that many times the prior's; without, it is dropped.
    """
    sections: dict[str, dict[str, Any]] = {}
    for name, point in z.items():
        section, field = name.split(".")
        given: Assumed = getattr(getattr(scenario.assumptions, section), field)
        term = ASSUMED[section].terms()[field]
        ends = [float(drawn(given, np.array(point + side))) for side in (
            (0,) if spread is None else (-Z95 * spread[name], 0, Z95 * spread[name]))]
        value, pair = ends[len(ends) // 2], (ends[0], ends[-1])
        update: dict[str, Any] = {"range": None, "factor": None}
        if given.factor:
            update["value"] = within(multiplied(given.value, value), term)
            update |= {"factor": (pair[0] / value, pair[1] / value)} if spread else {}
        else:
            update["value"] = within(value, term)
            update |= {"range": (within(pair[0], term), within(pair[1], term))} if spread else {}
        if source:
            update["source"] = source(name, given)
        sections.setdefault(section, {})[field] = given.model_copy(update=update)
    parts: dict[str, Any] = {name: getattr(scenario.assumptions, name).model_copy(update=fields)
                             for name, fields in sections.items()}
    if spread is None:  # what has no interval moves with nothing
        parts["correlations"] = tuple(
            pair for pair in scenario.assumptions.correlations if not set(pair.between) & set(z))
    return scenario.model_copy(update={"assumptions": scenario.assumptions.model_copy(update=parts)})


def within(tree: Any, term: Term) -> Any:
    """A tree with every number inside a term's bounds; null stays null.

    >>> within({"child": 0.2, "adult": 1.3}, ASSUMED["utilisation"].terms()["chronic_share"])
    {'child': 0.2, 'adult': 1.0}
    """
    if isinstance(tree, Mapping):
        return {key: within(branch, term) for key, branch in tree.items()}
    return tree if tree is None else float(min(max(tree, term.low), term.high))


def missed(point: Mapping[str, Any]) -> list[float]:
    """The `misses` at one point of a fit: plain data, so that any process can work it out.

    `scenario` its text; `z` the assumptions' standard normals; `targets` (of, year, value, sd, source).
    """
    targets = [Target(*target) for target in point["targets"]]
    return misses(targets, central(at(parsed(point["scenario"]), point["z"])))[0].tolist()


def calibrate(scenario: Scenario, targets: list[Target], progress: Callable[[float], None] | None = None,
              mapped: Mapper = map) -> Fit:
    """Fit a scenario's uncertain assumptions to targets, from their intervals as priors.

    Raises `BadInput` where no target lies in the scenario's years, or no assumption has an interval. `progress` is told
    a share of the work, about. The points of a derivative are independent runs and are `mapped`. (The `workers` of
    `least_squares` would be handed a closure, which no other process can name, and steps of its own choice.)
    """
    targets = [target for target in targets if target.year in scenario.horizon()]
    fitted = [target for target in targets if not target.held_out]
    if not fitted:
        raise refuse(scenario.name, words("没有落在模拟期内的校准目标", "no target lies in the years simulated"),
                     words("请检查年份", "check the years"))
    names = [name for name in uncertain(scenario.assumptions) if acts(name)]
    if not names:
        raise refuse(scenario.name, words("没有可以校准的假设", "no assumption can be fitted"),
                     words("请给出区间（range 或 factor）", "give some of them an interval, range or factor"))
    prior = np.linalg.inv(correlation_root(priors(scenario, names)))
    root = np.linalg.inv(np.linalg.cholesky(spread_of(scenario, fitted)))
    runs, most = 0, 4 * (len(names) + 2)
    text, wanted = scenario.text(), [target[:5] for target in fitted]

    def residuals(points: list[np.ndarray]) -> list[np.ndarray]:
        nonlocal runs
        found = []
        for z, away in zip(points, mapped(missed, ({
                "scenario": text, "z": dict(zip(names, z.tolist(), strict=True)), "targets": wanted}
                for z in points)), strict=True):
            runs += 1
            if progress:
                progress(min(runs / most, 0.99))
            found.append(np.concatenate([root @ np.array(away), prior @ z]))
        return found

    def slopes(z: np.ndarray) -> np.ndarray:
        here, *beside = residuals([z, *(z + STEP * one for one in np.eye(len(z)))])
        return np.stack([(there - here) / STEP for there in beside], axis=1)

    found = least_squares(lambda z: residuals([z])[0], np.zeros(len(names)), slopes, bounds=(-FARTHEST, FARTHEST),
                          xtol=1e-3, ftol=1e-3, max_nfev=8)
    covariance = np.linalg.inv(found.jac.T @ found.jac)
    left = np.sqrt(covariance.diagonal())
    z = dict(zip(names, found.x, strict=True))
    spread = dict(zip(names, left, strict=True))
    correlation = covariance / np.outer(left, left)
    calibrated = at(scenario, z, spread, lambda name, given: fitted_source(given, len(fitted), spread[name] < UNTOLD))
    calibrated = tied(calibrated, names, correlation)
    if progress:
        progress(1.0)
    return Fit(calibrated, table_of_targets(targets, central(at(scenario, dict.fromkeys(names, 0.0))),
                                            central(at(scenario, z))),
               table_of_assumptions(scenario, z, spread), table_of_ties(names, correlation))


def acts(name: str) -> bool:
    """Whether an assumption may be fitted: the account's balance is known, behaviour answers to reforms alone."""
    return name.split(".")[0] in ("people", "utilisation", "account") and name not in (
        "people.selection", "people.generosity_effect", "people.awareness_effect", "people.loyalty_effect",
        "people.waiting_effect", "people.fertility")


def priors(scenario: Scenario, names: list[str]) -> np.ndarray:
    """The correlation matrix that a scenario states for the assumptions to be fitted, in the order of their names."""
    pairs = tuple(pair for pair in scenario.assumptions.correlations if set(pair.between) <= set(names))
    return correlations(scenario.model_copy(update={"assumptions": scenario.assumptions.model_copy(
        update={"correlations": pairs})}), names)


def fitted_source(given: Assumed, figures: int, told: bool) -> Source:
    """Where a fitted value comes from: the figures, and what stood there before; where they tell nothing, so it says.
    """
    before = given.source.note or words("", "")
    if not told:
        return given.source.model_copy(update={"note": words(
            f"{figures} 个公布数不能确定它，大致仍是先验：{before.zh}",
            f"{figures} published figures do not tell it, so it is much as before: {before.en}")})
    return Source(status="estimate", document=given.source.document, note=words(
        f"按 {figures} 个公布数校准；先验：{before.zh}",
        f"Calibrated to {figures} published figures; before: {before.en}"))


def tied(scenario: Scenario, names: list[str], correlation: np.ndarray) -> Scenario:
    """The scenario with the correlations that the figures leave between fitted assumptions."""
    said = Source(status="estimate", note=words("校准后的相关", "left by the calibration"))
    value = lambda i, j: float(np.clip(correlation[i, j], -0.99, 0.99))  # noqa: E731
    stated = priors(scenario, names) != 0  # said anew however small: a file that takes over this one would keep it
    pairs = [Correlation(between=(names[i], names[j]), value=value(i, j), source=said)
             for i in range(len(names)) for j in range(i) if abs(correlation[i, j]) >= TIED or stated[i, j]]
    kept = tuple(pair for pair in scenario.assumptions.correlations if not set(pair.between) <= set(names))
    return scenario.model_copy(update={"assumptions": scenario.assumptions.model_copy(
        update={"correlations": (*kept, *pairs)})})


def table_of_targets(targets: list[Target], before: Result, after: Result) -> pd.DataFrame:
    """Each target with what the model gave before and gives after.

    `off` is how far the model is above it in logs, of ratios in points; `miss` the same in standard deviations: of the
    target, and of the yearly shocks that no trend follows.
    """
    first = after.scenario.first_year
    of = lambda run, target: float(measured(run, target.of)[0, target.year - first])  # noqa: E731
    return pd.DataFrame({
        "of": [target.of for target in targets], "year": [target.year for target in targets],
        "published": [target.value for target in targets], "before": [of(before, target) for target in targets],
        "after": [of(after, target) for target in targets],
        "off": misses(targets, after)[0],
        "miss": misses(targets, after)[0] / np.sqrt(spread_of(after.scenario, targets).diagonal()),
        "held_out": [target.held_out for target in targets], "source": [target.source for target in targets]})


def table_of_assumptions(prior: Scenario, z: Mapping[str, float], spread: Mapping[str, float]) -> pd.DataFrame:
    """Each fitted assumption: values or multipliers before and after with their ends, and whether figures tell it.

    `moved` is how far it went in prior standard deviations, `left` what remains of the prior spread.
    """
    rows = []
    for name in z:
        section, field = name.split(".")
        before: Assumed = getattr(getattr(prior.assumptions, section), field)
        term = ASSUMED[section].terms()[field]
        low, high = (0.0, np.inf) if before.factor else (term.low, term.high)
        points = lambda centre, width, given=before, ends=(low, high): [  # noqa: E731
            float(np.clip(drawn(given, np.array(centre + side * width)), *ends)) for side in (-Z95, 0.0, Z95)]
        old, new = points(0.0, 1.0), points(z[name], spread[name])
        rows.append({"name": name, "multiple": bool(before.factor), "prior_low": old[0], "prior": old[1],
                     "prior_high": old[2], "low": new[0], "value": new[1], "high": new[2], "moved": z[name],
                     "left": spread[name], "told": spread[name] < UNTOLD})
    return pd.DataFrame(rows)


def table_of_ties(names: list[str], correlation: np.ndarray) -> pd.DataFrame:
    """Pairs that the figures tie so closely that only the combination is known."""
    pairs = [(names[j], names[i], correlation[i, j]) for i in range(len(names)) for j in range(i)]
    return pd.DataFrame([pair for pair in pairs if abs(pair[2]) > CLOSE], columns=["first", "second", "correlation"])


def as_difference(fit: Fit, name: str) -> str:
    """The calibrated scenario as a scenario file that takes over the first one and gives only what was fitted."""
    base, own = fit.scenario.name, fit.scenario.assumptions
    fields = [full.split(".") for full in fit.assumptions["name"]]
    sections = {section: {} for section, _ in fields}
    for section, field in fields:
        sections[section][field] = getattr(getattr(own, section), field).model_dump(mode="json")
    pairs = [pair.model_dump(mode="json") for pair in own.correlations]
    title = fit.scenario.title
    return written({"name": name, "extends": base, "title": {"zh": f"{title.zh}（已校准）",
                                                             "en": f"{title.en}, calibrated"},
                    "assumptions": sections | {"correlations": pairs}})


def as_file(scenario: Scenario) -> str:
    """A whole scenario as the text of a scenario file."""
    return written(scenario.model_dump(mode="json"))


def written(data: Any) -> str:
    """Plain data as the text of a scenario file, without what a source or an assumption does not say."""
    def said(tree: Any) -> Any:
        if isinstance(tree, Mapping):
            return {key: said(branch) for key, branch in tree.items() if branch is not None or key not in UNSAID}
        return [said(branch) for branch in tree] if isinstance(tree, list | tuple) else tree

    return yaml.safe_dump(said(data), allow_unicode=True, sort_keys=False, width=110, default_flow_style=None)
