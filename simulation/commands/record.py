"""Commands of the track record: calibrate, backtest, reconcile."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulation.adapted import adapted, from_table
from simulation.backtest import DRAWS, HORIZON, SEED, TEMPLATE, TITLES, backtest, grades
from simulation.calibration import Fit, as_difference, as_file, calibrate, read_targets
from simulation.commands.clusters import clustered, mapped_of
from simulation.commands.layout import NONE, figure, laid
from simulation.commands.options import (
    Command,
    kept,
    ready,
    settable,
    show,
    simulated,
    simulated_run,
    tabled,
    whole_number,
)
from simulation.commands.running import check_kept
from simulation.comparable import is_kept
from simulation.estimates import find_assumption
from simulation.loading import load_scenario
from simulation.reconcile import PARTS as MOVED
from simulation.reconcile import TOGETHER, Kept, alike, moved, reconcile
from simulation.results import ALONG, EVENTS, MORE, QUANTITIES
from simulation.runs import read_run, scenario_of
from simulation.scenario import Scenario
from simulation.series import load_series
from simulation.terms import UNITS, refuse, words

ENDS = words("5 %", "5 %"), words("95 %", "95 %")
MULTIPLE = words("所列数的倍数", "of what is stated")
# What a published figure may be of that no run holds by itself.
MEASURED = {"expense_per_stay": (words("次均住院费用", "Expense a stay"), "yuan"),
            "payment_per_stay": (words("次均住院支付", "Owed a stay"), "yuan"),
            "fund_share": ALONG["in_policy_by_tier"][:2]}


def declare(command: Command) -> None:
    """Add these commands to the parser."""
    sub = command("calibrate", calibrate_scenario, "fit a scenario to published totals, or a typical one to a fund's "
                  "own yearly table")
    sub.add_argument("scenario", help="a scenario with targets in data/targets; with --series the typical scenario")
    sub.add_argument("--series", metavar="FILE", help="a fund's yearly table, CSV or XLSX (docs/series.md)")
    sub.add_argument("--years", default=10, metavar="N", help="with --series: years to simulate after it (10)")
    sub.add_argument("--out", type=Path, metavar="FILE", help="write the calibrated scenario to a YAML file")
    clustered(sub)
    sub = command("backtest", back_test, "what would have been forecast for a fund at each cut-off, and what happened")
    sub.add_argument("series", help="a fund's yearly table, CSV or XLSX (docs/series.md), or a bundled series")
    sub.add_argument("--template", default=TEMPLATE, metavar="SCENARIO", help="whose rules are taken "
                     f"({TEMPLATE})")
    sub.add_argument("--horizon", default=HORIZON, metavar="YEARS")
    sub.add_argument("--draws", default=DRAWS, metavar="N")
    sub.add_argument("--seed", default=SEED, metavar="S")
    sub.add_argument("--out", type=Path, metavar="DIR", help="write every forecast and score as CSV into a folder")
    sub = command("reconcile", reconcile_runs, "why a number moved between a kept run and the same question asked "
                  "today, or another kept run")
    sub.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    settable(sub)
    simulated(sub)


def calibrate_scenario(options: argparse.Namespace) -> int:
    """`calibrate`"""
    lang = options.lang
    if options.series:
        years = whole_number(options.years, "--years")
        if not 1 <= years <= 60:
            raise refuse(f"--years {years}", words("年数超出范围", "is out of range"),
                         words("请用 1 到 60", "use 1 to 60"))
        scenario = adapted(load_series(options.series), load_scenario(options.scenario), years)
        kept(options.out, as_file(scenario))
        rows = from_table(scenario)
        return show(options, {"scenario": scenario.name, "first_year": scenario.first_year, "assumptions": rows},
                    lines_of_table(scenario, rows, lang))
    scenario = load_scenario(options.scenario)
    with mapped_of(options) as mapped:
        fit = calibrate(scenario, read_targets(options.scenario), mapped=mapped)
    kept(options.out, as_difference(fit, f"{scenario.name[:29]}_calibrated"))
    return show(options, {name: getattr(fit, name).to_dict("records") for name in ("targets", "assumptions", "ties")},
                lines_of_fit(fit, lang))


def lines_of_table(scenario: Scenario, rows: list[dict], language: str) -> list[str]:
    """What a scenario takes from a fund's table, a row a value: the ends are of the value, or multiples of it."""
    heads = (words("假设", "Assumption"), words("单位", "Unit"), words("数值", "Value"), *ENDS)
    lines = []
    for row in rows:
        _, _, term = find_assumption(row["name"])
        ends = [f"{'×' if row['multiple'] else ''}{figure(end)}" for end in row["interval"] or ()] or [NONE, NONE]
        lines += [[name, UNITS[term.unit][language], figure(value), *ends]
                  for name, value in branches(scenario, term.axes, row["value"], term.title[language], language)]
    return laid([head[language] for head in heads], lines)


def branches(scenario: Scenario, axes: Sequence[str], value: Any, title: str, language: str) -> Iterator[tuple]:
    """The values of an assumption, each under its title with the members of the axes it stands for."""
    if not isinstance(value, Mapping):
        yield title, value
        return
    axis = next(axis for axis in axes if set(value) <= set(scenario.axes.named(axis)))
    left = axes[axes.index(axis) + 1:]
    for member, below in value.items():
        yield from branches(scenario, left, below, f"{title} · {scenario.axes.named(axis)[member][language]}", language)


def lines_of_fit(fit: Fit, language: str) -> list[str]:
    """A fit as three tables: the targets, the assumptions before and after, and those known only together."""
    scenario = fit.scenario
    heads = (words("目标", "Target"), words("年份", "Year"), words("公布", "Published"), words("拟合前", "Before"),
             words("拟合后", "After"), words("高出", "Above it by"), words("合标准差", "In standard deviations"),
             words("说明", "Note"))
    held_out = words("未用于拟合", "held out")
    targets = [[measure_title(scenario, row.of, language), str(row.year), figure(row.published), figure(row.before),
                figure(row.after), f"{100 * row.off:+.1f} %", f"{row.miss:+.1f}",
                held_out[language] if row.held_out else ""] for row in fit.targets.itertuples()]
    before, after = words("拟合前", "Before"), words("拟合后", "After")
    sides = [words(f"{side.zh} {end.zh}", f"{side.en} {end.en}") for side in (before, after) for end in (
        ENDS[0], words("中值", "median"), ENDS[1])]
    untold, only = words("数据不能确定", "the figures do not tell"), words("只能确定二者的组合", "only together")
    named = lambda name: find_assumption(name)[2].title[language]  # noqa: E731
    unit = lambda row: MULTIPLE if row.multiple else UNITS[find_assumption(row.name)[2].unit]  # noqa: E731
    assumptions = [[named(row.name), unit(row)[language], *map(figure, (
        row.prior_low, row.prior, row.prior_high, row.low, row.value, row.high)), "" if row.told else untold[language]]
        for row in fit.assumptions.itertuples()]
    ties = [[f"{named(row.first)} ~ {named(row.second)}", f"{row.correlation:+.2f}", only[language]]
            for row in fit.ties.itertuples()]
    note = heads[-1]
    told = lambda heads, rows: laid([head[language] for head in heads], rows)  # noqa: E731
    return [*told(heads, targets), "",
            *told((words("假设", "Assumption"), words("单位", "Unit"), *sides, note), assumptions),
            *(["", *told((words("假设", "Assumptions"), words("相关", "Correlation"), note), ties)] if ties else [])]


def measure_title(scenario: Scenario, of: str, language: str) -> str:
    """What a published figure is of, with its tier if it is of one.

    >>> measure_title(load_scenario("benxi_2008"), "expense_per_stay.level_1", "en")
    'Expense a stay · Level 1 (yuan)'
    """
    name, _, tier = of.partition(".")
    title, unit = MEASURED.get(name) or (QUANTITIES | MORE)[name]
    at = f" · {scenario.axes.tier[tier][language]}" if tier else ""
    return f"{title[language]}{at} ({UNITS[unit][language]})"


def back_test(options: argparse.Namespace) -> int:
    """`backtest`"""
    record = backtest(
        load_series(options.series), options.template, whole_number(options.horizon, "--horizon"),
        whole_number(options.draws, "--draws"), whole_number(options.seed, "--seed"))
    frames = {name: getattr(record, name) for name in ("forecasts", "judged", "events", "crossings", "reliability")}
    if options.out:
        for name, frame in frames.items():
            tabled(ready(options.out) / f"{name}.csv", frame)
    legend = words("CRPS 后两列：相对“末值加趋势”和“直线外推”的优势（1 为完全准确）；其后为偏差和等级",
                   "after the CRPS: skill against last value with drift and against the linear trend (1 is perfect), "
                   "bias, grade")
    lines = [f"{record.series.name}  {record.series.years[0]}-{record.series.years[-1]}", legend[options.lang], ""]
    for row in record.judged.itertuples():
        ahead = words("合计", "all") if row.horizon == 0 else words(f"{row.horizon} 年", f"{row.horizon} y")
        lines.append(f"{TITLES[row.quantity][options.lang]:<24} {ahead[options.lang]:<5} n {row.n:>3}  50 % "
                     f"{100 * row.cover50:>4.0f}  90 % {100 * row.cover90:>4.0f}  CRPS {row.crps:>12.4g}  "
                     f"{row.skill_drift:>+7.2f} {row.skill_trend:>+7.2f}  {100 * row.bias:>+6.1f} %  {row.grade}")
    lines.append("")
    for row in record.crossings.itertuples():
        lines.append(f"{EVENTS[row.event][options.lang]}  n {row.n}  {100 * row.probability:.0f} % / "
                     f"{100 * row.frequency:.0f} %  Brier {row.brier:.3f} ({row.brier_half:.2f}, {row.brier_base:.3f})")
    lines += [f"{year}: {why[options.lang]}" for year, why in record.skipped]
    skipped = [{"cutoff": year, "why": why.model_dump()} for year, why in record.skipped]
    return show(options, {"series": record.series.name, "template": record.template, "grades": grades(record),
                          **{name: json.loads(frame.to_json(orient="records")) for name, frame in frames.items()},
                          "skipped": skipped}, lines)


def reconcile_runs(options: argparse.Namespace) -> int:
    """`reconcile`"""
    check_kept(options.run_dir)
    manifest, figures = read_run(options.run_dir)
    if is_kept(options.scenario) and (options.edits or options.estimates):
        raise refuse("--set", words("保存的运行不能再改", "a kept run cannot be changed"),
                     words("请给情景名称，或去掉 --set、--assume", "name a scenario, or leave both out"))
    present = Kept(*read_run(Path(options.scenario))) if is_kept(options.scenario) else simulated_run(options)
    new = scenario_of(present.manifest) if isinstance(present, Kept) else present.scenario
    table = reconcile(manifest, figures, present)
    titles = [words("指标与年份", "Figure and year"), words("上次", "Previous"), *MOVED.values(),
              words("本次", "Present")]
    name = lambda of: EVENTS.get(of) or QUANTITIES[of][0]  # noqa: E731
    rows = [[f"{name(row['quantity'])[options.lang]} {row['year']}", figure(row["previous"]),
             *(figure(row[part], "+" if row[part] else "") for part in MOVED), figure(row["present"])]
            for row in moved(table).to_dict("records")]
    same = words("没有数字变动", "no figure has moved")
    lines = laid([title[options.lang] for title in titles], rows) if rows else [same[options.lang]]
    if not alike(scenario_of(manifest), new):
        lines += ["", TOGETHER[options.lang]]
    return show(options, json.loads(table.to_json(orient="records")), lines)
