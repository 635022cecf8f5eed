"""The command that says who gains and loses by a change of the rules: incidence."""

from __future__ import annotations

import argparse
from math import isfinite

from simulation.commands.options import Command, edited, settable, show, whole_number
from simulation.incidence import DRAWS, LEVELS, THRESHOLD, Incidence, incidence
from simulation.loading import load_scenario
from simulation.scenario import Scenario
from simulation.terms import refuse, short, words

ALL = words("全体", "All")
MOST = 1e6  # yuan


def declare(command: Command) -> None:
    """Add this command to the parser."""
    sub = command("incidence", gains, "who gains and loses by --set edits: the same bills under both rule books")
    settable(sub)
    sub.add_argument("--year", metavar="Y", help="the year whose rules are compared (the first)")
    sub.add_argument("--threshold", default=THRESHOLD, metavar="YUAN", help="a smaller change counts as none (5)")
    sub.add_argument("--draws", default=DRAWS, metavar="N")
    sub.add_argument("--seed", default=20080101, metavar="S")


def gains(options: argparse.Namespace) -> int:
    """`incidence`"""
    changed = edited(options)
    base = load_scenario(options.scenario)
    year = base.first_year if options.year is None else whole_number(options.year, "--year")
    found = incidence(base, changed, year, amount(options.threshold), whole_number(options.draws, "--draws"),
                      whole_number(options.seed, "--seed"))
    data = {"scenario": base.name, "year": found.year, "threshold": found.threshold, "catastrophic_line": found.line,
            "winners": found.winners.to_dict("records"), "benefits": found.benefits.to_dict("records")}
    return show(options, data, lines(found, base, options.lang))


def amount(text: str | float) -> float:
    """A threshold in yuan, or a plain refusal."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not (isfinite(value) and 0 <= value <= MOST):
        raise refuse(f"--threshold {short(text)}", words("不是金额", "is not an amount"),
                     words(f"请填写 0 到 {MOST:,.0f} 之间的元数", f"give yuan from 0 to {MOST:,.0f}"))
    return value


def lines(found: Incidence, base: Scenario, language: str) -> list[str]:
    """The answer as text."""
    names = {"all": {"all": ALL}, "group": base.axes.group, "status": base.axes.status, "level": LEVELS}
    head = words(f"{found.year} 年　变动在 {found.threshold:g} 元以内视为不变",
                 f"{found.year}  a change of at most {found.threshold:g} yuan counts as none")
    gain, lose, same, change = (word[language] for word in (
        words("受益", "gain"), words("受损", "lose"), words("不变", "unchanged"),
        words("个人负担加缴费平均变化（元）", "mean change of out-of-pocket plus contribution, yuan")))
    rows = [f"{names[row.by][row.member][language]}: {gain} {row.gain:.1%}  {lose} {row.lose:.1%}  "
            f"{same} {row.unchanged:.1%}  {change} {row.change:+,.2f}  5-95 % {row.p05:+,.2f} {row.p95:+,.2f}"
            for row in found.winners.itertuples()]
    paid, into = words("基金支付", "paid by the fund")[language], words("个人缴费", "contribution")[language]
    each = words("每人（元）", "a person, yuan")[language]
    whose = lambda row: (ALL[language] if row.group == "all" else  # noqa: E731
                         f"{base.axes.group[row.group][language]} · {base.axes.status[row.status][language]}")
    unseen = words("只比较同样的费用在两套规则下的结算；等待期、家庭账户、补缴、支付方式、财政补助和补充保险保费不计入",
                   "the same bills under both rule books: waiting periods, family accounts, arrears, the way providers "
                   "are paid, subsidies and the price of a supplement change nothing here")
    return [head[language], unseen[language], *rows, "", each, *(
        f"{whose(row)}: {paid} {row.fund_before:,.2f} -> {row.fund_after:,.2f}  "
        f"{into} {row.contribution_before:,.2f} -> {row.contribution_after:,.2f}"
        for row in found.benefits.itertuples())]
