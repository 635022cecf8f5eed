"""Commands that say what an answer hangs on: sensitivity, information."""

from __future__ import annotations

import argparse
import json
from math import isfinite

from simulation.commands.options import Command, edited, settable, show, whole_number
from simulation.information import DISCOUNT, OPTIONS, PARTS, PRESENT, advice, information
from simulation.information import DRAWS as FUTURES
from simulation.results import EVENTS, MORE, QUANTITIES
from simulation.sensitivity import DRAWS, FEWEST, METHODS, SEED, sensitivity
from simulation.terms import UNITS, refuse, short, words


def declare(command: Command) -> None:
    """Add these commands to the parser."""
    sub = command("sensitivity", sense, "what an answer hangs on: a tornado and Sobol indices of what is uncertain")
    settable(sub)
    sub.add_argument("--of", default="balance_end", metavar="OUTPUT", help="a quantity or an event (balance_end)")
    sub.add_argument("--year", metavar="Y", help="the last year unless given")
    sub.add_argument("--method", choices=METHODS, help="one of the two instead of both")
    sub.add_argument("--by", choices=("assumption", "source"), default="assumption",
                     help="Sobol indices of each assumption and family of shocks, or of the three sources (assumption)")
    sub.add_argument("--draws", default=DRAWS, metavar="N")
    sub.add_argument("--seed", default=SEED, metavar="S")
    sub = command("information", inform, "which statistic to collect next: what each would be worth in a decision")
    settable(sub)
    sub.add_argument("--option", action="append", default=[], metavar="LEVER=VALUE[,LEVER=VALUE]", dest="options",
                     help="an alternative to the current plan; may be repeated")
    sub.add_argument("--weight", action="append", default=[], metavar="PART=WEIGHT", dest="weights",
                     help=f"of a part of the loss instead of 1: {', '.join(PARTS)}; may be repeated")
    sub.add_argument("--discount", default=DISCOUNT, metavar="RATE", help=f"a year ({DISCOUNT})")
    sub.add_argument("--draws", default=FUTURES, metavar="N")
    sub.add_argument("--seed", default=SEED, metavar="S")


def sense(options: argparse.Namespace) -> int:
    """`sensitivity`"""
    lang = options.lang
    year = None if options.year is None else whole_number(options.year, "--year")
    found = sensitivity(edited(options), options.of, year, whole_number(options.draws, "--draws"),
                        whole_number(options.seed, "--seed"), [options.method] if options.method else METHODS,
                        options.by)
    title, unit = ({name: (text, "share") for name, text in EVENTS.items()} | QUANTITIES | MORE)[options.of]
    lines = [f"{title[lang]} ({UNITS[unit][lang]})  {found.year}"]
    if len(found.tornado):
        head = words("各项处于 5% 和 95% 两端时的均值或概率", "mean or probability with each at its 5% and 95% end")
        lines += ["", head[lang]]
    lines += [f"{row.low:>14,.6g}  {row.high:>14,.6g}  {row.swing:>+14,.4g} ± {row.se:<9,.2g}  "
              f"{getattr(row, f'title_{lang}')}"
              for row in found.tornado.itertuples() if row.swing or row.low != row.base]
    if len(found.indices):
        head = words("Sobol 指数及 95% 区间：一阶、总", "Sobol indices with 95% intervals: first order, total")
        lines += ["", head[lang]]
    lines += [f"{row.first:>7.3f} [{row.first_low:>6.3f}, {row.first_high:>6.3f}]  {row.total:>7.3f} "
              f"[{row.total_low:>6.3f}, {row.total_high:>6.3f}]  {getattr(row, f'title_{lang}')}"
              for row in found.indices.itertuples() if row.total > 0]
    if few := bool(found.indices["total"].isna().any()):
        seldom = words(f"偏离通常数值的模拟不足 {FEWEST} 次，无法估计指数；请增加模拟次数",
                       f"fewer than {FEWEST} draws depart from the usual value, too few for indices: use more draws")
        lines.append(seldom[lang])
    still = words("没有列出的各项，在这些模拟中对该指标没有影响", "what is not listed did not move it in these draws")
    lines += [] if few and found.tornado.empty else ["", still[lang]]
    return show(options, {"scenario": found.scenario, "of": options.of, "year": found.year, **{
        name: json.loads(getattr(found, name).to_json(orient="records", double_precision=15))
        for name in ("tornado", "indices")}}, lines)


def inform(options: argparse.Namespace) -> int:
    """`information`"""
    lang = options.lang
    scenario = edited(options)  # first, so that what is wrong with its own edits is told of them
    offered = {text: edited(argparse.Namespace(scenario=options.scenario, edits=[*options.edits, *text.split(",")],
                                               estimates=options.estimates, lang=lang, place="--option"))
               for text in options.options}
    found = information(scenario, offered, dict(pair(text) for text in options.weights),
                        number(options.discount, "--discount"), whole_number(options.draws, "--draws"),
                        whole_number(options.seed, "--seed"))
    lines = [line[lang] for line in advice(found)]
    heads = words("方案：预期损失、比所选方案多（± 标准误）、成为最优的未来占比",
                  "options: expected loss, more than the chosen one (± standard error), futures in which it is best")
    lines += ["", heads[lang]]
    for row in found.options.itertuples():
        name = words("当前方案", "current plan")[lang] if row.option == PRESENT else row.option
        lines.append(f"{row.loss:>18,.0f}  {row.difference:>+16,.0f} ± {row.se:<12,.0f} {row.best:>6.1%}  {name}")
    heads = words("信息价值（元，± 标准误）、选错减少的百分点",
                  "worth of knowing (yuan, ± standard error), fall of wrong choices in percentage points")
    lines += ["", heads[lang]]
    lines += [f"{row.value:>16,.0f} ± {row.se:<12,.0f} {100 * row.avoided:>+6.1f}  {getattr(row, f'title_{lang}')}"
              for row in found.values.itertuples() if row.told]
    return show(options, {
        "scenario": found.scenario, "chosen": found.chosen, "wrong": found.wrong,
        "options": found.options[list(OPTIONS)].to_dict("records"), "values": found.values.to_dict("records"),
        "advice": [line.model_dump() for line in advice(found)]}, lines)


def pair(text: str) -> tuple[str, float]:
    """A part of the loss and its weight."""
    name, equals, weight = text.partition("=")
    if not equals or not name:
        raise refuse(f"--weight {short(text)}", words("不是“部分=权重”", "is not a part and its weight"),
                     words("请写 PART=WEIGHT", "write PART=WEIGHT"))
    return name, number(weight, f"--weight {short(text)}")


def number(text: str | float, place: str) -> float:
    """A number of the command line, or a plain refusal."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise refuse(place, words(f"“{short(text)}”不是数字", f"'{short(text)}' is not a number"),
                     words("例如 0.05", "give one such as 0.05"))
    return value
