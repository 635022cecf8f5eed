"""What a goal-seek answer says in words: sentences in both languages, made from its figures and from nothing else."""

from __future__ import annotations

from typing import Any

import pandas as pd

from simulation.goalseek import End, Found
from simulation.moves import Leaf
from simulation.scenario import Scenario
from simulation.targets import FRACTIONS, Target
from simulation.terms import UNITS, Term, Words, words


def sentences(found: Found, scenario: Scenario) -> list[Words]:
    """The answer, how sure it is, what decides it, and what the check says: a sentence or two each.

    `scenario` is the one that was asked about.
    """
    head = doubted if found.doubted else already if found.already else reached if found.reached else missed
    return [head(found, scenario), doubt(found), deciding(found), checked(found)]


def already(found: Found, scenario: Scenario) -> Words:
    """That nothing need change."""
    held, when = wanted(found), span(found.years)
    return words(f"无需调整“{lever(found, scenario, 'zh')}”：{when.zh}每年都已达到目标（{held.zh}）。",
                 f"Nothing need change in '{lever(found, scenario, 'en')}': in every year of {when.en} the targets "
                 f"hold already ({held.en}).")


def reached(found: Found, scenario: Scenario) -> Words:
    """The smallest change that does."""
    held, when, how = wanted(found), span(found.years), begun(found, scenario)
    return words(f"最小的调整：{how.zh}；这样 {when.zh}每年都达到目标（{held.zh}）。",
                 f"The smallest change: {how.en}; then the targets hold in every year of {when.en} ({held.en}).")


def doubted(found: Found, scenario: Scenario) -> Words:
    """The change that is safe where the check does not bear the answer out, or that none is known."""
    held, when, how, least = wanted(found), span(found.years), begun(found, scenario), answer_text(found)
    many = f"{found.draws:,}"
    if not found.settled:
        return words(f"还不能确定：{how.zh}；这样在所用的 {many} 次模拟中 {when.zh}每年达到目标（{held.zh}），"
                     "复核时却没有达到；请增加模拟次数。",
                     f"Not settled: {how.en}; then the targets hold in every year of {when.en} ({held.en}) in the "
                     f"{many} draws used, but not in the check; use more draws.")
    return words(f"稳妥的调整：{how.zh}；这样计入 {many} 次模拟的误差（95%），{when.zh}每年都达到目标（{held.zh}）。"
                 f"{least.zh}只在这些模拟中刚好达到，复核时没有达到。",
                 f"The safe change: {how.en}; then the targets hold in every year of {when.en} ({held.en}), with "
                 f"the error of {many} draws counted in (95%). With {least.en} they hold in these draws alone, not in "
                 "the check.")


def missed(found: Found, scenario: Scenario) -> Words:
    """That no change does, and how close it gets."""
    held, when, how = wanted(found), span(found.years), moved(found, scenario)
    target, at = named(found, found.binding.target), found.binding
    got, limit = apart(at.found, target), figure(target.limit, target.unit)
    near = words(f"最接近的是{how.zh}" if found.position else "当前方案已是最接近的",
                 f"closest comes {how.en}" if found.position else "closest comes the current plan")
    reach = f"{leaf_text(found.moves.leaves[0], found.moves.low, found)}–" \
            f"{leaf_text(found.moves.leaves[0], found.moves.high, found)}"
    return words(
        f"达不到：在允许的范围内（{reach}）无论怎样调整“{lever(found, scenario, 'zh')}”，都不能在 {when.zh}每年达到目标"
        f"（{held.zh}）。{near.zh}，此时 {at.year} 年{target.title.zh}为 {got}，"
        f"目标为{limit_text(target).zh} {limit}。",
        f"It cannot be reached: no change of '{lever(found, scenario, 'en')}' within its bounds ({reach}) makes the "
        f"targets hold in every year of {when.en} ({held.en}); {near.en}, where in {at.year} the "
        f"{lower(target.title.en)} is {got} against {limit_text(target).en} {limit}.")


def doubt(found: Found) -> Words:
    """Between which values the answer lies, by the number of draws alone."""
    nearer, farther = (None if end is None else end_text(end, found) for end in found.interval)
    many = f"{found.draws:,}"
    head = words(f"仅就 {many} 次模拟的误差而言（95%）", f"By the error of {many} draws alone (95%)")
    if not found.reached:
        if nearer is None:
            return words(f"{head.zh}，任何数值都达不到。", f"{head.en}, no value reaches them.")
        return words(f"{head.zh}，不能排除从 {nearer.zh} 起可以达到；请增加模拟次数。",
                     f"{head.en}, it cannot be ruled out that they are reached from {nearer.en} on; use more draws.")
    if found.already:
        if farther is None or found.interval.farther.change:
            safe = words(f"取 {farther.zh} 才稳妥", f"only {farther.en} is safe") if farther else words(
                "附近没有一个数值能确保", "nothing near it is sure to")
            return words(f"{head.zh}，不能确定当前方案已达到目标；{safe.zh}。",
                         f"{head.en}, it is not sure that the current plan reaches them; {safe.en}.")
        return words(f"{head.zh}，当前方案确已达到目标。", f"{head.en}, the current plan reaches them.")
    what = words("所需数值", "the value needed") if len(found.moves.leaves) == 1 else words(
        "所需调整", "the change needed") if len(found.moves.levers) == 1 else words(
        "第一项参数所需调整", "the change needed of the first lever")
    if farther is None:
        return words(f"{head.zh}，{what.zh}最少到 {nearer.zh}，另一端没有定论：附近没有一个数值能确保达到目标。",
                     f"{head.en}, {what.en} goes at least to {nearer.en}; the other end is open: nothing near it is "
                     "sure to reach the targets.")
    if nearer == farther:
        return words(f"{head.zh}，{what.zh}就是 {nearer.zh}。", f"{head.en}, {what.en} is {nearer.en}.")
    return words(f"{head.zh}，{what.zh}在 {nearer.zh} 到 {farther.zh} 之间，取 {farther.zh} 才稳妥；"
                 "假设本身的不确定已经包含在概率里。",
                 f"{head.en}, {what.en} lies between {nearer.en} and {farther.en}, and only {farther.en} is safe; what "
                 "is uncertain about the assumptions is in the chances already.")


def deciding(found: Found) -> Words:
    """Which target and year decide."""
    at, target = found.binding, named(found, found.binding.target)
    got, error, least = apart(at.found, target), figure(at.se, target.unit, 2), answer_text(found)
    where = words("为", "it is") if found.already or not found.reached else words(
        "少动一步时为", "a step short it is") if not found.doubted else words(
        f"比{least.zh}少动一步时为", f"a step short of {least.en} it is")
    return words(f"起决定作用的是 {at.year} 年的{target.title.zh}：{where.zh} {got} ± {error}。",
                 f"What decides is the {lower(target.title.en)}, {at.year}: {where.en} {got} ± {error}.")


def checked(found: Found) -> Words:
    """What more and other draws say of the answer."""
    check = found.neighbours[(found.neighbours["which"] == "answer") & (found.neighbours["seed"] != found.seed)].iloc[0]
    target = named(found, check["target"])
    got, error = apart(check["found"], target), figure(check["se"], target.unit, 2)
    least = answer_text(found)
    of = words(least.zh.rstrip(), f" at {least.en}") if found.doubted else words("", "")
    says = words("达到" if check["holds"] else "没有达到", "holds" if check["holds"] else "does not hold")
    return words(f"用另外 {check['draws']:,} 次模拟复核{of.zh}：最紧的是 {check['year']} 年的{target.title.zh}，"
                 f"{got} ± {error}，{says.zh}目标。",
                 f"Checked{of.en} with {check['draws']:,} other draws: tightest in {check['year']} is the "
                 f"{lower(target.title.en)}, {got} ± {error}: the target {says.en}.")


# --- parts of sentences ------------------------------------------------------------------------------

def lever(found: Found, scenario: Scenario, language: str) -> str:
    """The levers sought with, in words."""
    return (" + " if language == "en" else "＋").join(
        scenario.lever_names(name, language) for name in found.moves.levers)


def begun(found: Found, scenario: Scenario) -> Words:
    """From when on what moves, with what is planned for later years."""
    if not found.advised:
        return words("不作调整", "nothing changed")
    since, how, plan = found.moves.since, moved(found, scenario), found.moves.planned
    more = words(f"，{'、'.join(map(str, plan))} 年原定的数值同样移动", f", what is planned for "
                 f"{', '.join(map(str, plan))} moving by as much") if plan else words("", "")
    return words(f"从 {since} 年起，{how.zh}{more.zh}", f"from {since}, {how.en}{more.en}")


def moved(found: Found, scenario: Scenario) -> Words:
    """What becomes of each lever where it is advised to go: from what to what."""
    parts = [words(*(f"{quote(scenario.lever_names(name, language), language)}{told[language]}"
                     for language in ("zh", "en")))
             for name in found.moves.levers for told in [step(found, name)]]
    return words("，".join(part.zh for part in parts), " and ".join(part.en for part in parts))


def quote(name: str, language: str) -> str:
    """A name in quotation marks."""
    return f"“{name}”" if language == "zh" else f"'{name}' "


def step(found: Found, name: str) -> Words:
    """How one lever moves: from value to value, or each of its values by how much."""
    inside = [leaf for leaf in found.moves.leaves if f"{leaf.lever}.".startswith(f"{name}.")]
    first = inside[0]
    before, after = leaf_text(first, 0, found), leaf_text(first, found.advised, found)
    if len(inside) == 1:
        unit = UNITS[first.term.unit] if first.term.unit not in FRACTIONS and not first.term.choices else words("", "")
        return words(f"由 {before} 改为 {after} {unit.zh}".rstrip(), f"from {before} to {after} {unit.en}".rstrip())
    size = max((taken(leaf, found.advised, found) for leaf in inside), key=abs)  # less where one meets its bound
    up = size > 0
    many = words(f"共 {len(inside)} 项，首项由 {before} 到 {after}",
                 f"{len(inside)} values, the first from {before} to {after}")
    return words(f"各项{'提高' if up else '降低'} {difference(abs(size), first.term).zh}（{many.zh}）",
                 f"{'raised' if up else 'lowered'} by {difference(abs(size), first.term).en} each ({many.en})")


def taken(leaf: Leaf, position: int, found: Found) -> float:
    """How far a value really moves at a position: in whole steps of its own."""
    return leaf.at(found.moves.amount(position), position) - leaf.start


def leaf_text(leaf: Leaf, position: int, found: Found) -> str:
    """A value that moves, at a position."""
    return value_text(leaf.at(found.moves.amount(position), position), leaf.term)


def value_text(value: Any, term: Term) -> str:
    """A lever's value without its unit.

    >>> value_text(0.65, Term(words("", ""), "rate", 0, 1, words("", ""))), value_text(None, None)
    ('65%', '∞')
    """
    if value is None:
        return "∞"
    return str(value) if term.choices else f"{100 * value:.6g}%" if term.unit in FRACTIONS else f"{value:,.10g}"


def difference(size: float, term: Term) -> Words:
    """How far a value moves, with its unit."""
    if term.unit in FRACTIONS:
        return words(f"{100 * size:.6g} 个百分点", f"{100 * size:.6g} percentage points")
    return words(f"{size:,.10g} {UNITS[term.unit].zh}", f"{size:,.10g} {UNITS[term.unit].en}")


def end_text(end: End, found: Found) -> Words:
    """An end of an interval: the lever's value there, or by how much its values, or those of the first lever, move."""
    first = found.moves.leaves[0]
    if len(found.moves.leaves) == 1:
        text = value_text(end.value, first.term)
        return words(text, text)
    size = end.value - first.start
    sign, told = "+" if size > 0 else "−", difference(abs(size), first.term)
    return words(f"{sign}{told.zh}", f"{sign}{told.en}") if size else words("0", "0")


def answer_text(found: Found) -> Words:
    """The answer, where another value is advised or it is in doubt."""
    if found.already:
        return words("当前方案", "the current plan")
    at = end_text(End(found.change, found.value), found)
    return words(f"答案 {at.zh} ", f"the answer {at.en}")


def wanted(found: Found) -> Words:
    """Every target in words."""
    parts = [(target.title, limit_text(target), figure(target.limit, target.unit)) for target in found.targets]
    return words("；".join(f"{title.zh}{sign.zh} {limit}" for title, sign, limit in parts),
                 "; ".join(f"{lower(title.en)} {sign.en} {limit}" for title, sign, limit in parts))


def limit_text(target: Target) -> Words:
    """Which way a target bounds."""
    return words("不高于", "at most") if target.at_most else words("不低于", "at least")


def named(found: Found, text: str) -> Target:
    """The target of a text."""
    return next(target for target in found.targets if target.text == text)


def figure(value: float, unit: str, digits: int = 1) -> str:
    """A figure as people read it, fractions as percentages.

    >>> figure(0.0498, "share"), figure(1234567.0, "yuan_year")
    ('5.0%', '1,234,567')
    """
    if unit in FRACTIONS:
        return f"{100 * value:.{digits}f}%"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def apart(value: float, target: Target) -> str:
    """A figure with as many digits as tell it from its target's limit.

    >>> [apart(value, Target("p_deficit", None, True, 0.05)) for value in (0.0503, 0.05)]
    ['5.03%', '5.0%']
    """
    tried = ((figure(value, target.unit, digits), figure(target.limit, target.unit, digits)) for digits in range(1, 7))
    return next((text for text, limit in tried if text != limit), figure(value, target.unit))


def span(years: tuple[int, ...]) -> Words:
    """Years as a phrase, without gaps as a span.

    >>> span((2008, 2009, 2010)).zh, span((2008, 2010)).en
    ('2008—2010 年', '2008, 2010')
    """
    if len(years) > 1 and years == tuple(range(years[0], years[-1] + 1)):
        return words(f"{years[0]}—{years[-1]} 年", f"{years[0]}–{years[-1]}")
    return words("、".join(map(str, years)) + " 年", ", ".join(map(str, years)))


def lower(title: str) -> str:
    """A title inside a sentence."""
    return title[:1].lower() + title[1:]


def tightest(found: Found) -> pd.DataFrame:
    """At every position tried, each target in its tightest year: a chart's frame, columns of `goalseek.PATH`."""
    rows = found.path.loc[found.path.groupby(["change", "target"], sort=True)["margin"].idxmin()]
    return rows.reset_index(drop=True)
