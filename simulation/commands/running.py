"""Commands that run a scenario: list, levers, validate, run, account, scorecard, settle, show, verify."""

from __future__ import annotations

import argparse
from math import isfinite
from pathlib import Path

from report.bundle import bundle
from simulation import __version__, measures
from simulation.commands.layout import laid
from simulation.commands.options import (
    Command,
    edited,
    settable,
    show,
    show_faults,
    simulated,
    simulated_run,
    whole_number,
)
from simulation.household import PARTS, read_bills, settle
from simulation.loading import library, load_scenario, parse_scenario
from simulation.reading import read_text
from simulation.results import EVENTS, QUANTITIES
from simulation.runs import AGAIN, Manifest, code, read_kept, same_numbers, save_run
from simulation.scenario import check_year, clause
from simulation.scorecard import scorecard
from simulation.terms import LANGUAGES, UNITS, BadInput, Words, refuse, short, words
from simulation.trees import nearest
from simulation.writing import check_table, disarmed, whole, write

DECIMALS = {"share": 4, "months": 2}  # of what is no money and no person
SHARED = {
    "deductible": words("起付标准", "deductible"), "rate": words("支付比例", "rate"),
    "basic": words("基本医保", "basic insurance"), "critical": words("大病保险", "critical-illness layer"),
    "assistance": words("医疗救助", "medical assistance"), "commercial": words("商业补充保险", "commercial supplement"),
    "out_of_pocket": words("个人负担", "left to the patient"),
    "ineligible": words("其中目录外费用", "of it outside the lists")}


def declare(command: Command) -> None:
    """Add these commands to the parser."""
    command("list", list_scenarios, "list the scenarios of the library")
    sub = command("levers", list_levers, "list every lever of a scenario")
    settable(sub)
    sub = command("validate", validate, "check scenario files; one line a fault")
    sub.add_argument("paths", nargs="+", metavar="PATH")
    sub = command("run", run, "simulate a scenario")
    settable(sub)
    simulated(sub)
    sub.add_argument("--out", type=Path, metavar="DIR|FILE.zip",
                     help="keep the run: manifest and tables in a folder, or all files of it in FILE.zip")
    sub = command("account", account, "print the projected settlement of a fund by year, in the layout bureaus use")
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
    sub = command("show", show_kept, "say which version made a kept run, and its figures")
    sub.add_argument("run", type=Path, metavar="RUN", help="the folder or the zip that `run --out` made")
    sub = command("verify", verify, "recompute a kept run and say whether it is the same")
    sub.add_argument("run", type=Path, metavar="RUN", help="the folder or the zip that `run --out` made")


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


def run(options: argparse.Namespace) -> int:
    """`run`"""
    result = simulated_run(options)
    if options.out and options.out.suffix.lower() == ".zip":
        write(options.out, bundle(result))
    elif options.out:
        save_run(result, options.out)
    data = measures.report(result)
    return show(options, data, told(data, result.scenario.title[options.lang], options.lang))


def told(data: dict, title: str, lang: str) -> list[str]:
    """A run's figures line by line; an earlier version may have had fewer."""
    seed, draws, engine, mark = (data[name] for name in ("seed", "draws", "engine", "fingerprint"))
    facts = words(f"种子 {seed}　模拟 {draws} 次　引擎 {engine}　指纹 {mark[:16]}",
                  f"seed {seed}  draws {draws}  engine {engine}  fingerprint {mark[:16]}")
    heads = [word[lang] for word in (words("均值", "mean"), words("5%", "5 %"), words("95%", "95 %"))]
    lines = [f"{title}  {facts[lang]}"]
    for name, (quantity, unit) in QUANTITIES.items():
        if rows := [row for row in data["years"] if name in row]:
            table = [[f"  {row['year']}", *(in_unit(row[name][of], unit) for of in ("mean", "p05", "p95"))]
                     for row in rows]
            lines += ["", *laid([f"{quantity[lang]} ({UNITS[unit][lang]})", *heads], table)]
    for name, event in EVENTS.items():
        rows = [row for row in data["years"] if name in row]
        lines += ["", event[lang]] if rows else []
        lines += [f"  {row['year']}  {100 * row[name]['value']:6.1f} % ± {100 * row[name]['se']:.1f}" for row in rows]
    return lines


def in_unit(value: float, unit: str) -> str:
    """A figure with the decimals of its unit: none of yuan and persons.

    >>> in_unit(1234567.89, "yuan"), in_unit(0.15, "share")
    ('1,234,568', '0.1500')
    """
    return f"{value:,.{DECIMALS.get(unit, 0)}f}"


def account(options: argparse.Namespace) -> int:
    """`account`"""
    check_table(options.out)
    result = simulated_run(options)
    areas = [str(area) for area in result.data["area"].values]
    if options.area is not None and options.area not in areas:
        near = nearest(options.area, areas)
        raise refuse(f"--area {short(options.area)}", words("没有这个县区", "there is no such area"),
                     words(f"是否为：{near}", f"did you mean {near}"))
    table = measures.settlement(result, options.area)
    if options.out:
        with whole(options.out) as part:
            disarmed(table).to_csv(part, index=False, encoding="utf-8-sig")
    years = [column for column in table.columns if isinstance(column, int)]
    rows = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    ratios = words("比率和可支付月数按各项均值计算；run 给出的是逐次模拟之比的均值",
                   "rates and months are ratios of the means above; run gives the means of ratios")
    return show(options, rows, [*laid(["", *map(str, years)], [
        [f"{row[f'title_{options.lang}']} ({UNITS[row['unit']][options.lang]})",
         *(in_unit(row[str(year)], row["unit"]) for year in years)] for row in rows]), "", ratios[options.lang]])


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
    scenario = edited(options, of_fund=False)
    year = scenario.first_year if options.year is None else whole_number(options.year, "--year")
    check_year(scenario, year, f"--year {year}")
    data = settle(scenario, read_bills(scenario, options.bills), year)
    lines = []
    for n, bill in enumerate(data["bills"], 1):
        lines.append(f"{n}. {shared(bill, options.lang)}")
        lines += [f"   {step['amount']:>14,.2f}  {step[options.lang]}  "
                  f"{step['clause' if options.lang == 'zh' else 'clause_en']}"
                  for step in bill["steps"]]
    lines.append(f"=  {shared(data['year'], options.lang)}")
    return show(options, data, lines)


def shared(bill: dict, language: str) -> str:
    """Who bears which part of a bill, or of a year of bills, on one line: yuan, and the rate in percent.

    >>> shared(dict.fromkeys(SHARED, 0.0) | {"rate": 0.6, "basic": 1200.0}, "en")[:65]
    'deductible 0.00  rate 60 %  basic insurance 1,200.00  critical-il'
    """
    amount = lambda part: f"{100 * bill[part]:.4g} %" if part == "rate" else f"{bill[part]:,.2f}"  # noqa: E731
    return "  ".join(f"{SHARED[part][language]} {amount(part)}" for part in PARTS)


def show_kept(options: argparse.Namespace) -> int:
    """`show`"""
    check_kept(options.run)
    kept = read_kept(options.run)
    try:
        lines = told(kept.figures, kept.manifest.scenario, options.lang)
    except (KeyError, TypeError, ValueError):
        raise refuse("figures.json", words("内容损坏", "is damaged"), AGAIN) from None
    manifest = kept.manifest.model_dump(exclude={"scenario_text"})
    found = {"made_by": kept.manifest.maker, "manifest": manifest, "altered": list(kept.altered),
             "figures": kept.figures}
    altered = [words(f"已被改动：{name}", f"has been altered: {name}")[options.lang] for name in kept.altered]
    return show(options, found, [made_by(kept.manifest)[options.lang], *altered, *lines])


def check_kept(path: Path) -> None:
    """Refuse a place where no run is kept by the name that was given."""
    if not (path.is_file() or (path / "manifest.json").is_file()):
        raise refuse(str(path), words("这里没有保存的运行", "no run is kept here"),
                     words("请给出 run --out 写出的文件夹或 zip", "name the folder or the zip that run --out wrote"))


def made_by(manifest: Manifest) -> Words:
    """Which version made a run, and which this is."""
    return words(f"由版本 {manifest.maker} 生成，本版本为 {__version__} ({code()})",
                 f"made by version {manifest.maker}; this is {__version__} ({code()})")


def verify(options: argparse.Namespace) -> int:
    """`verify`"""
    check_kept(options.run)
    kept = read_kept(options.run)
    same, largest, where = same_numbers(kept)
    if same:
        text = words("相同：重新计算得到同样的数字", "same: recomputing gives the same numbers")
    elif isfinite(largest):
        text = words(f"不同：{where} 相差最大，相对差 {largest:.3g}",
                     f"not the same: {where} differs most, by {largest:.3g} relatively")
    else:
        text = words(f"不同：{where} 缺失或已被改动", f"not the same: {where} is missing or has been altered")
    found = {"same": same, "largest_difference": largest if isfinite(largest) else None, "where": where,
             "made_by": kept.manifest.maker, "recomputed_by": f"{__version__} ({code()})"}
    show(options, found, [text[options.lang], made_by(kept.manifest)[options.lang]])
    return 0 if same else 1
