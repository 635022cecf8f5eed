"""Areas of a sweep: a scenario as it stands, or a county of a table that puts its own numbers into a template."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from simulation.assumptions import ASSUMED, Assumed
from simulation.loading import load_scenario, parsed
from simulation.policy import SECTIONS
from simulation.reading import read_text
from simulation.scenario import Change, Scenario, check_parts, check_shares, value_from_text
from simulation.terms import BadInput, Fault, Source, Term, Words, refuse, short, words
from simulation.trees import check_tree, leaves, multiplied, nearest, replaced
from simulation.writing import harmless

MOST_AREAS, MOST_COLUMNS, MOST_BYTES = 5_000, 100, 5_000_000
MOST_FAULTS = 20  # of a table that are told at a time
HEADS = {"地区": "area", "模板": "template", "应参保人数": "residents"}  # also understood
SUMS = ("opening_balance", "other_income")  # of the account: yuan of the whole fund, not of a person
IN_PROPORTION = Source(status="assumption", note=words("按模板的数额随人数缩放", "the template's, as its people"))
STATED = Source(status="assumption", note=words("地区表给出", "given in the table of areas"))


class Area(NamedTuple):
    """A pool to simulate: a scenario's text, and what stands in it instead of the template's own values."""

    name: str
    template: str  # `Scenario.text()`
    values: tuple[tuple[str, Any], ...] = ()  # column of the table, value


def area_of(scenario: Scenario | str) -> Area:
    """A scenario as an area of its own."""
    scenario = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    return Area(scenario.name, scenario.text())


@lru_cache(maxsize=32)
def built(area: Area) -> Scenario:
    """The scenario of an area. Raises `BadInput` where a value cannot stand in it.

    >>> county = area_of("benxi_2008")._replace(name="county", values=(("residents", 50_000),))
    >>> round(float(built(county).value("people", "residents", ("group", "status")).sum()))
    50000
    """
    scenario = parsed(area.template)
    for column, value in sorted(area.values, key=lambda given: given[0] != "residents"):  # sums follow, unless given
        scenario = with_value(scenario, column, value)
    if faults := check_shares(scenario, area.name) or check_parts(scenario, area.name):
        raise BadInput(faults)
    return scenario


def with_value(scenario: Scenario, column: str, value: Any) -> Scenario:
    """The scenario with one value of a table's row in place.

    `residents` is their number in all groups, each in proportion, and so are `SUMS`; an assumption keeps its interval,
    moved along with a value; a lever becomes part of the rule book itself: nobody responds to it as to a reform.
    """
    section, _, name = column.partition(".")
    if column == "residents":
        terms, given = ASSUMED["people"].terms(), scenario.assumptions.people.residents
        total = sum(number for _, number in leaves(given.value))
        faults = check_tree(Term(**{**terms["residents"].__dict__, "axes": ()}), value, {}, column)
        if faults or not value:
            raise BadInput(faults) if faults else refuse(column, words("没有居民", "there is nobody"),
                                                         words("请填写人数", "give their number"))
        scenario = with_assumption(scenario, "people", "residents", multiplied(given.value, value / total))
        return with_sums(scenario, value / total)
    if section in SECTIONS:
        plain = scenario.model_copy(update={"changes": ()})
        change = Change(lever=column, year=scenario.first_year, value=value, source=STATED)
        return scenario.model_copy(update={"policy": plain.changed([change]).policy_in(scenario.first_year)})
    field, *path = name.split(".")
    if section not in ASSUMED or field not in ASSUMED[section].model_fields:
        near = nearest(column, ["residents", *(f"{s}.{f}" for s, model in ASSUMED.items() for f in model.model_fields)])
        raise refuse(short(column), words("不认识的名称", "unknown name"), words(f"是否为：{near}",
                                                                                 f"did you mean {near}"))
    term, axes = ASSUMED[section].terms()[field], scenario.axes.members()
    given = getattr(getattr(scenario.assumptions, section), field)
    tree = replaced(given.value, path, value, term, axes, f"{section}.{field}")
    if faults := check_tree(term, tree, axes, f"{section}.{field}"):
        raise BadInput(faults)
    return with_assumption(scenario, section, field, tree)


def with_sums(scenario: Scenario, times: float) -> Scenario:
    """The scenario with the sums of a whole fund, and the ends of their ranges, multiplied."""
    account, update = scenario.assumptions.account, {}
    for name in SUMS:
        given: Assumed = getattr(account, name)
        update[name] = given.model_copy(update={
            "value": multiplied(given.value, times), "source": IN_PROPORTION,
            "range": given.range and tuple(end * times for end in given.range)})
    account = account.model_copy(update=update)
    return scenario.model_copy(update={"assumptions": scenario.assumptions.model_copy(update={"account": account})})


def with_assumption(scenario: Scenario, section: str, field: str, tree: Any) -> Scenario:
    """The scenario with an assumption's value replaced; the ends of a range move with it, within the term's bounds."""
    part = getattr(scenario.assumptions, section)
    given: Assumed = getattr(part, field)
    update: dict[str, Any] = {"value": tree, "source": STATED}
    if given.range:
        term = ASSUMED[section].terms()[field]
        update["range"] = tuple(min(max(end + tree - given.value, term.low), term.high) for end in given.range)
    part = part.model_copy(update={field: given.model_copy(update=update)})
    return scenario.model_copy(update={"assumptions": scenario.assumptions.model_copy(update={section: part})})


# ---- tables --------------------------------------------------------------------------------------------------------

def read_areas(path: Path) -> list[Area]:
    """The areas of a CSV file, one a row: columns `area`, `template`, and any of `with_value`; blank is the template's.

    Raises `BadInput` with the faults of every row.
    """
    place = path.name
    heads, rows = read_table(path, ("area", "template"), MOST_AREAS)
    faults, found = [], {}
    for number, row in rows:
        name, template = row.pop("area"), row.pop("template")
        where = f"{place}: row {number}" + (f" ({short(name)})" if name else "")
        try:
            if name in found:
                raise refuse("area", words("名称重复", "the name is repeated"), words("请改名", "give another"))
            check_name(name)
            values = tuple((head, value_from_text(row[head])) for head in heads if row.get(head))
            area = area_of(template)._replace(name=name, values=values)
            built(area)
            found[name] = area._replace(template=next(  # one text for all of a template, not one a row
                (other.template for other in found.values() if other.template == area.template), area.template))
        except BadInput as bad:
            faults += [Fault(f"{where}: {fault.place}", fault.what, fault.remedy) for fault in bad.faults]
        if len(faults) >= MOST_FAULTS:
            break
    if faults:
        raise BadInput(faults[:MOST_FAULTS])
    return list(found.values())


def check_name(name: str) -> None:
    """Refuse a name that a table or a spreadsheet could not show."""
    if not name or len(name) > 80 or not name.isprintable() or harmless(name) != name:
        raise refuse("area", words(f"“{short(name)}”不能作为名称", f"'{short(name)}' cannot be a name"),
                     words("请写 1 到 80 个字，不以 = + - @ 开头", "write 1 to 80 letters, the first none of = + - @"))


def read_table(path: Path, needed: tuple[str, ...], most: int) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The other headings of a CSV file, and its rows as (number in the file, heading to cell); blank rows left out."""
    place, text = path.name, read_text(path, MOST_BYTES)
    try:
        grid = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""), strict=True)]
    except csv.Error as error:
        raise refuse(place, words("不是有效的 CSV", f"is not valid CSV ({error})"),
                     words("请检查引号", "check the quotes")) from None
    fault: Callable[[str, str, str, str], BadInput] = lambda *text: refuse(  # noqa: E731
        place, words(*text[:2]), Words(zh=text[2], en=text[3]))
    if not any(any(row) for row in grid):
        raise fault("没有内容", "is empty", "第一行写列名", "write the headings in the first row")
    heads = [HEADS.get(head, head) for head in grid[0]]
    rows = [(number, row) for number, row in enumerate(grid[1:], 2) if any(row)]
    missing = [head for head in needed if head not in heads]
    if missing:
        raise fault(f"缺少列 {missing[0]}", f"has no column {missing[0]}", "请补上", "add it")
    twice = sorted({head for head in heads[:MOST_COLUMNS] if heads[:MOST_COLUMNS].count(head) > 1})
    if twice or len(heads) > MOST_COLUMNS:
        raise fault(f"列“{short(twice[0])}”重复" if twice else "列太多",
                    f"has the column '{short(twice[0])}' twice" if twice else "has too many columns",
                    f"每列一个名称，最多 {MOST_COLUMNS} 列",
                    f"give each column a name of its own, {MOST_COLUMNS} at most")
    if not 1 <= len(rows) <= most:
        raise fault(f"有 {len(rows)} 行", f"has {len(rows)} rows", f"请写 1 到 {most} 行", f"write 1 to {most}")
    for number, row in rows:
        if len(row) > len(heads):
            raise fault(f"第 {number} 行比列名长", f"row {number} is longer than the headings",
                        "请检查逗号", "check the commas")
    return ([head for head in heads if head not in needed],
            [(number, {**dict.fromkeys(heads, ""), **dict(zip(heads, row, strict=False))}) for number, row in rows])
