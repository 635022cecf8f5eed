"""What answers say in words: sentences in both languages, made from the rows of their frames and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, hypot, log10
from typing import Any

import pandas as pd

from simulation.results import EVENTS, MORE, QUANTITIES
from simulation.terms import Words, words

MOST = 1_000_000_000  # draws: a difference that needs more is as good as none
VERDICTS = {
    "higher": words("更高", "higher"), "lower": words("更低", "lower"),
    "same": words("每次模拟都相同", "the same in every draw"),
    "close": words("每次模拟相差都不超过十万分之一，视为相同",
                   "no more than a hundred-thousandth apart in any draw, as good as the same"),
    "untold": words("以目前的模拟次数无法区分", "cannot be told apart at this number of draws"),
}


def unit_of(name: str) -> str:
    """The unit of a quantity; an event's is a share.

    >>> unit_of("balance_end"), unit_of("p_deficit")
    ('yuan', 'share')
    """
    return "share" if name in EVENTS else (QUANTITIES | MORE)[name][1]


def title_of(name: str) -> Words:
    """A quantity or event in words."""
    return EVENTS[name] if name in EVENTS else (QUANTITIES | MORE)[name][0]


def figure(value: float, sign: str = "") -> str:
    """A number to three significant figures, and no finer than a ten-thousandth.

    >>> figure(1234567.8), figure(0.02134, "+"), figure(-3.14159), figure(0.0)
    ('1,234,568', '+0.0213', '−3.14', '0')
    """
    if round(value, 4) == 0:
        return "0"
    return f"{value:{sign},.{min(max(2 - floor(log10(abs(value))), 0), 4)}f}".replace("-", "−")


def amount(value: float, unit: str, signed: bool = True) -> Words:
    """A figure in words; a signed one is a difference, so that a share's is in percentage points.

    >>> amount(0.031, "share").en, amount(-2.5e6, "yuan").zh, amount(0.5, "share", signed=False).en
    ('+3.10 points', '−250 万元', '50.0%')
    """
    sign = "+" if signed else ""
    if unit == "share":
        text = figure(100 * value, sign) if signed else f"{100 * value:z.1f}".replace("-", "−")
        return words(f"{text} 个百分点", f"{text} points") if signed else words(f"{text}%", f"{text}%")
    if unit in ("yuan", "yuan_year"):
        return words(f"{figure(value / 1e4, sign)} 万元", f"{figure(value / 1e6, sign)} million yuan")
    text = figure(value, sign)
    return words(f"{text} 个月", f"{text} months") if unit == "months" else words(text, text)


def sure(se: float, unit: str) -> Words:
    """How far the draws leave an estimate open, in words and in brackets; nothing where they do not.

    >>> sure(0.0125, "share").en, sure(0.0, "yuan").zh
    (' (standard error 1.25 points)', '')
    """
    if not se:
        return words("", "")
    size = amount(se, unit)
    return words(f"（标准误 {size.zh.lstrip('+')}）", f" (standard error {size.en.lstrip('+')})")


def change(row: Any) -> Words:
    """What becomes of a row's figure, from the one run to the other, and how far that can be told."""
    before, after = (amount(value, row.unit, signed=False) for value in (row.base, row.value))
    gap, low, high = (amount(value, row.unit) for value in (row.difference, row.ci_low, row.ci_high))
    mean = words("", "") if row.quantity in EVENTS else words("平均 ", "mean ")
    both, said = words(*(f"{mean[of]}{before[of]} → {after[of]}" for of in ("zh", "en"))), VERDICTS[row.verdict]
    if row.verdict in ("same", "close"):
        return words(f"{mean.zh}{after.zh}，{said.zh}", f"{mean.en}{after.en}, {said.en}")
    if row.verdict != "untold":
        return words(f"{both.zh}（{gap.zh}，置信区间 {low.zh.split()[0]} 至 {high.zh.split()[0]}）",
                     f"{both.en} ({gap.en}, confidence interval {low.en.split()[0]} to {high.en.split()[0]})")
    if pd.isna(row.needed):
        more = words("没有一次模拟有差异；更多次模拟也许能见到少见的差异",
                     "no draw differed; with more, a rare difference may show")
    elif row.needed >= MOST:
        more = words(f"要区分 {gap.zh}的差异，{MOST:,} 次也不够", f"for {gap.en} even {MOST:,} would be too few")
    else:
        more = words(f"要区分 {gap.zh}的差异，约需 {row.needed:,} 次",
                     f"for {gap.en} about {row.needed:,} would be needed")
    return words(f"{both.zh}，{said.zh}；{more.zh}", f"{both.en}, {said.en}; {more.en}")


def verdict(row: Any) -> Words:
    """A row of `compare`'s differences in words, with the figures the verdict rests on and the runs it is between."""
    title, said = title_of(row.quantity), change(row)
    range_ = over_futures(row) if row.verdict in ("higher", "lower") else None
    return words(f"{row.year} 年{title.zh}，从“{row.against}”到“{row.scenario}”：{said.zh}"
                 f"{f'；{range_.zh}' if range_ else ''}。",
                 f"{row.year}, {title.en}, from '{row.against}' to '{row.scenario}': {said.en}"
                 f"{f'; {range_.en}' if range_ else ''}.")


def chance(value: float, draws: int) -> Words:
    """A chance in words; one that never, or always, happened is no certainty.

    >>> chance(0.0, 1024).en, chance(0.374, 1024).zh
    ('in none of 1,024 draws', '37.4%')
    """
    if value in (0, 1):
        return words(f"{draws:,} 次模拟中{'每次都有' if value else '一次也没有'}",
                     f"in {'all' if value else 'none'} of {draws:,} draws")
    return amount(value, "share", signed=False)


def over_futures(row: Any) -> Words:
    """How a difference varies over futures, in words: no error of an estimate, and no more draws narrow it."""
    if row.quantity in EVENTS:
        up, down = (amount(value, "share", signed=False) for value in (row.up, row.down))
        return words(f"{up.zh}的未来只在后者发生，{down.zh}只在前者发生",
                     f"it happens only in the latter in {up.en} of futures, only in the former in {down.en}")
    low, high = amount(row.p05, row.unit), amount(row.p95, row.unit)
    return words(f"九成未来中相差 {low.zh}至 {high.zh}", f"{low.en} to {high.en} in nine futures of ten")


def moved(total: Any, parts: pd.DataFrame, titles: Mapping[str, Words], names: tuple[str, str]) -> list[Words]:
    """One total of a waterfall and its parts in words: the change, each part from the largest, and the interaction."""
    title = title_of(total.quantity)
    first, last = (amount(value, total.unit, signed=False) for value in (total.first, total.last))
    gap, open_ = amount(total.change, total.unit), sure(total.se, total.unit)
    said = [words(f"{total.year} 年{title.zh}：“{names[0]}”为 {first.zh}，“{names[1]}”为 {last.zh}，变动 {gap.zh}"
                  f"{open_.zh}。",
                  f"{total.year}, {title.en}: {first.en} in '{names[0]}', {last.en} in '{names[1]}', a change of "
                  f"{gap.en}{open_.en}.")]
    for row in parts.sort_values("part", key=abs, ascending=False).itertuples():
        part, alone = amount(row.part, row.unit), amount(row.alone, row.unit)
        name, open_ = titles[row.group], sure(hypot(row.se, row.se_orders), row.unit)
        said.append(words(f"{name.zh}：{part.zh}{open_.zh}，单独调整时为 {alone.zh}。",
                          f"{name.en}: {part.en}{open_.en}; {alone.en} by itself."))
    if len(parts) > 1:
        together = amount(total.interaction, total.unit)
        said.append(words(f"各项单独调整之和与总变动之差，即共同作用，为 {together.zh}；已按各种先后次序平均分给各项。",
                          f"Together they do {together.en} beyond what each does by itself; this interaction is shared "
                          "out evenly over the orders in which they could be moved."))
    return said


def together(pairs: pd.DataFrame, titles: Mapping[str, Words]) -> Words:
    """The two groups of one figure and year that do most together, in words."""
    most = pairs.loc[pairs["interaction"].abs().idxmax()]
    what = amount(most["interaction"], most["unit"])
    one, other = titles[most["first"]], titles[most["second"]]
    return words(f"其中共同作用最大的是“{one.zh}”与“{other.zh}”：{what.zh}。",
                 f"The two that do most together are '{one.en}' and '{other.en}': {what.en}.")


def crossing(rows: pd.DataFrame, titles: Mapping[str, Words], draws: int, most: int = 3) -> Words:
    """One event and year of `drivers` in words: its chance, and the drivers that stand out, the strongest first."""
    first = rows.iloc[0]
    title, likely = title_of(first["event"]), chance(first["chance"], draws)
    open_ = sure(first["chance_se"] if 0 < first["chance"] < 1 else 0.0, "share")
    head = words(f"{first['year']} 年{title.zh}：{likely.zh}{open_.zh}。",
                 f"{first['year']}, {title.en}: {likely.en}{open_.en}.")
    told = rows[rows["told"]].sort_values("rank").head(most)
    if told.empty:
        return words(f"{head.zh}没有哪个因素能与偶然区分开。", f"{head.en} No driver stands out from chance.")
    parts = [clause_of(row, titles[row.driver]) for row in told.itertuples()]
    return words(f"{head.zh}与之关系最大的依次是：{'；'.join(part.zh for part in parts)}。",
                 f"{head.en} What goes with it most: {'; '.join(part.en for part in parts)}.")


def clause_of(row: Any, title: Words) -> Words:
    """One driver in words: its direction, and the chances in the thirds of futures where it is high and low."""
    high, low = (amount(value, "share", signed=False) for value in (row.high, row.low))
    share = amount(row.share, "share", signed=False)
    up = row.difference > 0
    return words(f"{title.zh}（越{'高' if up else '低'}越可能：最高的三分之一未来中为 {high.zh}，最低的三分之一中为 "
                 f"{low.zh}；占其背后指标方差的 {share.zh}）",
                 f"{title.en} (likelier where {'high' if up else 'low'}: {high.en} in the third of futures where it is "
                 f"highest, {low.en} where it is lowest; {share.en} of the variance behind it)")
