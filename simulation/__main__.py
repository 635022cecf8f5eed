"""The command line: `python -m simulation COMMAND`, every command with `--json`."""

from __future__ import annotations

import argparse
import json
import sys
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn
from unicodedata import east_asian_width

from simulation import __version__, measures
from simulation.adapted import adapted, from_table
from simulation.backtest import DRAWS, HORIZON, SEED, TEMPLATE, TITLES, backtest, grades
from simulation.calibration import as_difference, as_file, calibrate, read_targets
from simulation.household import PARTS, read_bills, settle
from simulation.model import ENGINES, simulate
from simulation.reading import read_text
from simulation.reconcile import PARTS as MOVED
from simulation.reconcile import TOGETHER, alike, reconcile
from simulation.results import EVENTS, QUANTITIES, Result
from simulation.runs import read_run, same_numbers, save_run, scenario_of
from simulation.scenario import Change, Scenario, clause, library, load_scenario, parse_scenario, value_from_text
from simulation.scorecard import scorecard
from simulation.series import load_series
from simulation.terms import LANGUAGES, UNITS, BadInput, Source, refuse, short, words
from simulation.trees import nearest

STATED = Source(status="assumption", note=words("命令行给出", "given on the command line"))


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if all is well, 1 if a run is not the same, 2 for bad input."""
    for out in (sys.stdout, sys.stderr):
        if hasattr(out, "reconfigure"):
            out.reconfigure(encoding="utf-8")
    arguments = sys.argv[1:] if arguments is None else arguments
    # Until the options are understood, the language and form asked for are read off as they stand.
    options = argparse.Namespace(lang="zh" if "zh" in arguments else "en", json="--json" in arguments)
    try:
        options = parser().parse_args(arguments)
        return options.command(options)
    except BadInput as bad:
        return show_faults(bad, options)
    except BrokenPipeError:
        return 0


class Parser(argparse.ArgumentParser):
    """Answers a wrong option like every other bad input: one sentence with the remedy."""

    def error(self, message: str) -> NoReturn:
        """Called by argparse; never returns."""
        raise refuse(self.prog, words(f"命令或选项有误（{message}）", message),
                     words("请看 --help", "see --help"))


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = Parser(prog="python -m simulation",
                 description="Medical Insurance Fund Sandbox 医保基金沙盘")
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: Any, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=function)
        sub.add_argument("--json", action="store_true", help="print JSON")
        sub.add_argument("--lang", choices=LANGUAGES, default="en", help="language of the text (en)")
        return sub

    def settable(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("scenario", help="a scenario of the library, or a YAML file")
        sub.add_argument("--set", action="append", default=[], metavar="LEVER=VALUE", dest="edits",
                         help="set a lever, from the first year or from LEVER@YEAR; may be repeated")

    def simulated(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--draws", default=1024, metavar="N")
        sub.add_argument("--seed", default=20080101, metavar="S")
        sub.add_argument("--engine", default="auto", metavar="|".join(ENGINES))

    command("list", list_scenarios, "list the scenarios of the library")
    sub = command("levers", list_levers, "list every lever of a scenario")
    settable(sub)
    sub = command("validate", validate, "check scenario files; one line a fault")
    sub.add_argument("paths", nargs="+", metavar="PATH")
    sub = command("run", run, "simulate a scenario")
    settable(sub)
    simulated(sub)
    sub.add_argument("--out", type=Path, metavar="DIR", help="keep the run in a folder: manifest and tables")
    sub = command("account", account, "print the yearly settlement table of a fund, in the layout bureaus use")
    settable(sub)
    simulated(sub)
    sub.add_argument("--area", metavar="AREA", help="one county of a city (the whole city)")
    sub.add_argument("--out", type=Path, metavar="FILE", help="write the table to a CSV file")
    sub = command("scorecard", show_scorecard, "print the service standards met or missed, year by year")
    settable(sub)
    simulated(sub)
    sub = command("settle", settle_bills, "settle one person's year of bills")
    settable(sub)
    sub.add_argument("--bills", type=Path, required=True, metavar="FILE")
    sub.add_argument("--year", metavar="Y", help="the year whose rules apply (the first)")
    sub = command("calibrate", calibrate_scenario, "fit a scenario to published totals, or a typical one to a fund's "
                  "own yearly table")
    sub.add_argument("scenario", help="a scenario with targets in data/targets; with --series the typical scenario")
    sub.add_argument("--series", metavar="FILE", help="a fund's yearly table, CSV or XLSX (docs/series.md)")
    sub.add_argument("--years", default=10, metavar="N", help="with --series: years to simulate after it (10)")
    sub.add_argument("--out", type=Path, metavar="FILE", help="write the calibrated scenario to a YAML file")
    sub = command("backtest", back_test, "what would have been forecast for a fund at each cut-off, and what happened")
    sub.add_argument("series", help="a fund's yearly table, CSV or XLSX (docs/series.md), or a bundled series")
    sub.add_argument("--template", default=TEMPLATE, metavar="SCENARIO", help="whose rules are taken "
                     f"({TEMPLATE})")
    sub.add_argument("--horizon", default=HORIZON, metavar="YEARS")
    sub.add_argument("--draws", default=DRAWS, metavar="N")
    sub.add_argument("--seed", default=SEED, metavar="S")
    sub.add_argument("--out", type=Path, metavar="DIR", help="write every forecast and score as CSV into a folder")
    sub = command("reconcile", reconcile_runs, "what moved between a kept run and the same question asked today")
    sub.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    settable(sub)
    simulated(sub)
    sub = command("verify", verify, "recompute a kept run and say whether it is the same")
    sub.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    return top


def whole_number(text: str | int, place: str) -> int:
    """A whole number of the command line, or a plain refusal."""
    try:
        return int(text)
    except ValueError:
        raise refuse(place, words(f"“{short(text)}”不是整数", f"'{short(text)}' is not a whole number"),
                     words("例如 1024", "give one such as 1024")) from None


def edited(options: argparse.Namespace) -> Scenario:
    """The scenario named on the command line with its `--set` edits."""
    scenario = load_scenario(options.scenario)
    changes = []
    for edit in options.edits:
        name, equals, text = edit.partition("=")
        if not equals or not name:
            raise refuse(f"--set {edit}", words("不是“参数=数值”", "is not a lever and its value"),
                         words("请写 LEVER=VALUE", "write LEVER=VALUE"))
        lever, _, year = name.partition("@")
        if year and not year.isdecimal():
            raise refuse(f"--set {edit}", words(f"“{year}”不是年份", f"'{year}' is not a year"),
                         words("请写 LEVER@2010=VALUE", "write LEVER@2010=VALUE"))
        changes.append(Change(lever=lever, year=int(year) if year else scenario.first_year,
                              value=value_from_text(text), source=STATED))
    return scenario.changed(changes)


def show(options: argparse.Namespace, data: Any, lines: list[str]) -> int:
    """Print JSON if asked for, else the lines."""
    print(json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) if options.json else "\n".join(lines))
    return 0


def show_faults(bad: BadInput, options: argparse.Namespace) -> int:
    """Print every fault on a line of its own; exit code 2."""
    sentences = [fault.sentence(options.lang) for fault in bad.faults]
    if options.json:
        print(json.dumps({"faults": sentences}, ensure_ascii=False, indent=1))
    print("\n".join(sentences), file=sys.stderr)
    return 2


def list_scenarios(options: argparse.Namespace) -> int:
    """`list`"""
    scenarios = [load_scenario(name) for name in library()]
    data = [{"name": s.name, "title": s.title.model_dump(), "story": s.story.model_dump(),
             "first_year": s.first_year, "years": s.years} for s in scenarios]
    return show(options, data, [f"{s.name:<20} {s.first_year}+{s.years}  {s.title[options.lang]}" for s in scenarios])


def list_levers(options: argparse.Namespace) -> int:
    """`levers`"""
    scenario = edited(options)
    data = [{"name": name, "value": value, "unit": term.unit, "min": None if term.choices else term.low,
             "max": None if term.choices else term.high, "choices": list(term.choices) or None, "sign": term.acts,
             "needs": term.needs,
             "title": {language: scenario.lever_names(name, language) for language in LANGUAGES},
             "source": {language: clause(scenario, source, language) for language in LANGUAGES}}
            for name, value, term, source in scenario.levers()]
    return show(options, data, [f"{row['name']:<52} {row['value']!s:>14} {UNITS[row['unit']][options.lang]:<16} "
                                f"{row['title'][options.lang]}" for row in data])


def validate(options: argparse.Namespace) -> int:
    """`validate`"""
    faults, good = [], []
    for path in options.paths:
        try:
            scenario = load_scenario(path) if path in library() else parse_scenario(read_text(Path(path)), path)
            good.append(scenario.name)
        except BadInput as bad:
            faults += bad.faults
    if faults:
        return show_faults(BadInput(faults), options)
    return show(options, {"valid": good,
                          "faults": []}, [f"{name}: {words('有效', 'valid')[options.lang]}" for name in good])


def simulated_run(options: argparse.Namespace) -> Result:
    """The run the options ask for."""
    return simulate(edited(options), whole_number(options.draws, "--draws"), whole_number(options.seed, "--seed"),
                    options.engine)


def run(options: argparse.Namespace) -> int:
    """`run`"""
    result = simulated_run(options)
    if options.out:
        save_run(result, options.out)
    data = measures.report(result)
    lines = [f"{result.scenario.title[options.lang]}  seed {data['seed']}  draws {data['draws']}  "
             f"engine {data['engine']}  fingerprint {data['fingerprint'][:16]}", ""]
    for name, (title, unit) in QUANTITIES.items():
        lines.append(f"{title[options.lang]} ({UNITS[unit][options.lang]})")
        lines += [f"  {row['year']}  mean {row[name]['mean']:>16,.4f}   "
                  f"5-95 % {row[name]['p05']:>16,.4f} {row[name]['p95']:>16,.4f}"
                  for row in data["years"]]
    for name, title in EVENTS.items():
        lines.append(title[options.lang])
        lines += [f"  {row['year']}  {100 * row[name]['value']:6.1f} % ± {100 * row[name]['se']:.1f}"
                  for row in data["years"]]
    return show(options, data, lines)


def account(options: argparse.Namespace) -> int:
    """`account`"""
    result = simulated_run(options)
    areas = [str(area) for area in result.data["area"].values]
    if options.area is not None and options.area not in areas:
        near = nearest(options.area, areas)
        raise refuse(f"--area {short(options.area)}", words("没有这个县区", "there is no such area"),
                     words(f"是否为：{near}", f"did you mean {near}"))
    table = measures.settlement(result, options.area)
    if options.out:
        try:
            table.to_csv(options.out, index=False, encoding="utf-8-sig")
        except OSError as error:
            raise refuse(str(options.out), words("写不进这个文件", f"cannot be written ({error.strerror})"),
                         words("请换一个位置", "choose another place")) from None
    years = [column for column in table.columns if isinstance(column, int)]
    title = table[f"title_{options.lang}"]
    lines = [" " * 44 + "".join(f"{year:>16}" for year in years)]
    for row, name in zip(table.itertuples(index=False), title, strict=True):
        values = dict(zip(table.columns, row, strict=True))
        form = "{:>16,.3f}" if values["unit"] in ("share", "months") else "{:>16,.0f}"
        head = f"{name} ({UNITS[values['unit']][options.lang]})"
        wide = sum(east_asian_width(letter) in "WF" for letter in head)  # Chinese letters take two columns
        lines.append(head.ljust(44 - wide) + "".join(form.format(values[year]) for year in years))
    rows = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    return show(options, rows, lines)


def show_scorecard(options: argparse.Namespace) -> int:
    """`scorecard`"""
    table = scorecard(simulated_run(options))
    mark = {"at_least": ">=", "at_most": "<="}
    lines = [f"{row.year}  {100 * row.met:5.1f} %  {getattr(row, 'title_' + options.lang)}  "
             f"{row.value:.4g} {mark[row.direction]} {row.threshold:g}" for row in table.itertuples()]
    none = words("这些年份没有适用的标准", "no standard applies to these years")
    return show(options, table.to_dict("records"), lines or [none[options.lang]])


def settle_bills(options: argparse.Namespace) -> int:
    """`settle`"""
    scenario = edited(options)
    year = scenario.first_year if options.year is None else whole_number(options.year, "--year")
    if year not in scenario.horizon():
        raise refuse(f"--year {year}", words("年份不在模拟期内", "the year is not simulated"),
                     words(f"请用 {scenario.first_year} 到 {scenario.horizon()[-1]}",
                           f"use {scenario.first_year} to {scenario.horizon()[-1]}"))
    data = settle(scenario, read_bills(scenario, options.bills), year)
    lines = []
    for n, bill in enumerate(data["bills"], 1):
        lines.append(f"{n}. " + "  ".join(f"{part} {bill[part]:,.2f}" for part in PARTS))
        lines += [f"   {step['amount']:>14,.2f}  {step[options.lang]}  "
                  f"{step['clause' if options.lang == 'zh' else 'clause_en']}"
                  for step in bill["steps"]]
    lines.append("=  " + "  ".join(f"{part} {data['year'][part]:,.2f}" for part in PARTS))
    return show(options, data, lines)


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
        return show(options, {"scenario": scenario.name, "first_year": scenario.first_year, "assumptions": rows}, [
            f"{row['name']:<34} {row['value']!s:<24} {row['interval'] or ''}" for row in rows])
    scenario = load_scenario(options.scenario)
    fit = calibrate(scenario, read_targets(options.scenario))
    kept(options.out, as_difference(fit, f"{scenario.name[:29]}_calibrated"))
    named = words("未用于拟合", "held out")
    lines = [f"{row.of:<26} {row.year}  {row.published:>18,.6g} {row.before:>18,.6g} {row.after:>18,.6g} "
             f"{100 * row.off:>+7.1f} %  {row.miss:>+5.1f} sd  {named[lang] if row.held_out else ''}"
             for row in fit.targets.itertuples()]
    untold = words("数据不能确定", "the figures do not tell")
    ends = lambda *three: " ".join(f"{end:>10.4g}" for end in three)  # noqa: E731
    lines += ["", *(f"{row.name:<34} {ends(row.prior_low, row.prior, row.prior_high)}  ->  "
                    f"{ends(row.low, row.value, row.high)}  {'' if row.told else untold[lang]}"
                    for row in fit.assumptions.itertuples())]
    only = words("只能确定二者的组合", "only together")
    lines += ["", *(f"{row.first} ~ {row.second}  {row.correlation:+.2f}  {only[lang]}"
                    for row in fit.ties.itertuples())]
    return show(options, {name: getattr(fit, name).to_dict("records") for name in ("targets", "assumptions", "ties")},
                lines)


def kept(path: Path | None, text: str) -> None:
    """Write a text to a file the user names, or one clear fault."""
    if path:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise refuse(str(path), words("写不进这个文件", f"cannot be written ({error.strerror})"),
                         words("请换一个位置", "choose another place")) from None


def back_test(options: argparse.Namespace) -> int:
    """`backtest`"""
    record = backtest(
        load_series(options.series), options.template, whole_number(options.horizon, "--horizon"),
        whole_number(options.draws, "--draws"), whole_number(options.seed, "--seed"))
    frames = {name: getattr(record, name) for name in ("forecasts", "judged", "events", "crossings", "reliability")}
    if options.out:
        for name, frame in frames.items():
            kept(ready(options.out) / f"{name}.csv", frame.to_csv(index=False))
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


def ready(folder: Path) -> Path:
    """A folder to write to, made if it is not there, or one clear fault."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refuse(str(folder), words("不能使用这个文件夹", f"cannot be used ({error.strerror})"),
                     words("请换一个文件夹", "choose another folder")) from None
    return folder


def reconcile_runs(options: argparse.Namespace) -> int:
    """`reconcile`"""
    manifest, figures = read_run(options.run_dir)
    present = simulated_run(options)
    table = reconcile(manifest, figures, present)
    heads = ["previous", *MOVED, "present"]
    titles = [words("上次", "Previous")[options.lang], *(part[options.lang] for part in MOVED.values()),
              words("本次", "Present")[options.lang]]
    lines = ["  ".join(titles), ""]
    for row in table.to_dict("records"):
        name = (EVENTS.get(row["quantity"]) or QUANTITIES[row["quantity"]][0])[options.lang]
        lines.append(f"{name} {row['year']}  " + "  ".join(f"{row[head]:>+14,.4g}" for head in heads))
    if not alike(scenario_of(manifest), present.scenario):
        lines += ["", TOGETHER[options.lang]]
    return show(options, json.loads(table.to_json(orient="records")), lines)


def verify(options: argparse.Namespace) -> int:
    """`verify`"""
    manifest, figures = read_run(options.run_dir)
    same, largest, where = same_numbers(manifest, figures)
    if same:
        text = words("相同：重新计算得到同样的数字", "same: recomputing gives the same numbers")
    else:
        text = words(f"不同：{where} 相差最大，相对差 {largest:.3g}",
                     f"not the same: {where} differs most, by {largest:.3g} relatively")
    found = {"same": same, "largest_difference": largest if isfinite(largest) else None, "where": where}
    show(options, found, [text[options.lang]])
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
