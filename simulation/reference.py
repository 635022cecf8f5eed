"""The reference: every lever and assumption that the model knows, what its values rest on, and the documents of both.

Rows come from the declarations in `policy.py`, `programmes.py` and `assumptions.py`, counts from the scenarios, so
nothing is said twice. `python -m simulation.reference` writes docs/levers.md anew and the counts into METHODS.md.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from simulation.assumptions import ASSUMED
from simulation.loading import library, load_scenario
from simulation.policy import SECTIONS
from simulation.results import ALONG, EVENTS, MORE, QUANTITIES
from simulation.scenario import STATUS, Scenario
from simulation.terms import LANGUAGES, OFF, UNITS, Section, Term, Words, words
from simulation.trees import leaves

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
FILES = {"en": "levers.md", "zh": "levers.zh.md"}
METHODS = {"en": "METHODS.md", "zh": "METHODS.zh.md"}
BEGIN, END = "<!-- counts: begin -->", "<!-- counts: end -->"  # what lies between is written here
ANCHOR = re.compile(r'<a id="([a-z]+)"></a>\n## (.+)\n')
KINDS = {"lever": SECTIONS, "assumption": ASSUMED}

TITLES = {
    "financing": words("筹资", "Financing"), "enrolment": words("参保", "Enrolment"),
    "benefits": words("待遇", "Benefits"), "contracts": words("家庭医生签约", "Family-doctor contracts"),
    "care": words("服务体系", "Organisation of care"), "payment": words("支付方式", "Paying providers"),
    "supervision": words("监管", "Supervision"), "pooling": words("统筹层次", "Pooling"),
    "lines": words("警戒线", "Warning lines"), "responses": words("行为反应", "Behavioural responses"),
    "people": words("人口与参保", "People and take-up"), "utilisation": words("就医与费用", "Care and its cost"),
    "behaviour": words("行为反应的强弱", "Strength of responses"), "providers": words("医疗机构", "Providers"),
    "services": words("服务状况", "State of services"), "areas": words("各县区情况", "Counties"),
    "account": words("基金账户与居民收入", "The fund's account and income"),
    "shocks": words("系统性冲击", "Systematic shocks"),
}
AXES = {
    "group": words("人群", "group"), "status": words("身份", "status"), "kind": words("医疗类别", "kind of care"),
    "tier": words("机构级别", "tier"), "level": words("财政级次", "level of government"),
    "area": words("县区", "county"), "method": words("支付方式", "way of payment"), "payer": words("付费方", "payer"),
    "band": words("费用段", "band"),
}
WHERE = {"outpatient": words("设普通门诊统筹的情景", "scenarios with pooled outpatient care"),
         "areas": words("有多个县区的情景", "scenarios with several counties"),
         "away": words("有县域外机构的情景", "scenarios with care outside the county"),
         "statuses": words("区分身份的情景", "scenarios that tell statuses apart"),
         "city_schools": words("有非县属学校学生的情景", "scenarios with pupils of schools not funded by a county")}
HEADS = {"title": words("名称", "Name"), "name": words("代码", "Code"), "unit": words("单位", "Unit"),
         "bounds": words("范围", "Bounds"), "axes": words("按何分列", "Varies by"),
         "acts": words("调高时直接影响", "A rise directly moves"), "needs": words("生效条件", "Acts only with"),
         "certain": words("区间", "Interval"), "help": words("含义", "Meaning")}
SHOWN = {"lever": ("title", "name", "unit", "bounds", "axes", "acts", "needs", "help"),
         "assumption": ("title", "name", "unit", "bounds", "axes", "certain", "help")}
SAYS = {
    "head": words("政策参数与模型假设", "Policy levers and assumptions"),
    "intro": words(
        "本文由程序中的声明生成：`python -m simulation.reference`。代码即 `--set` 和情景文件所用的名称；"
        "按类别分列的参数在代码后续写类别，如 `benefits.rate.inpatient.adult.level_1`。",
        "Made from the declarations in the code by `python -m simulation.reference`. The code is the name that `--set` "
        "and scenario files take; where a value varies, the members follow it, as in "
        "`benefits.rate.inpatient.adult.level_1`."),
    "lever": words("政策参数：由决策者决定", "Policy levers: what an authority decides"),
    "assumption": words("模型假设：无人能够决定", "Assumptions: what nobody decides"),
    "up": words("{} ↑", "{} ↑"), "down": words("{} ↓", "{} ↓"),
    "none": words("无直接影响", "nothing directly"), "no_limit": words("可不设限额", "or no limit"),
    "may": words("可设 5%—95% 区间", "may carry a 5% to 95% interval"),
    "fixed": words("只取一个数值", "one value only"),
    "only": words("仅限{}", "only in {}"),
    "scenario": words("情景", "Scenario"), "all": words("各情景相加", "All scenarios added up"),
    "counted_lever": words("政策参数：项数 / 数值个数", "Levers: declared / values"),
    "counted_assumption": words("模型假设：项数 / 数值个数", "Assumptions: declared / values"),
}
UNUSED = "unused"  # beside the statuses: off, or a neutral value
STATUSES = STATUS | {UNUSED: words("规则书没有", "not in this rule book")}


class Row(NamedTuple):
    """One lever or assumption as it is declared."""

    kind: str  # lever or assumption
    section: str
    name: str  # dotted
    term: Term


def rows(kind: str) -> list[Row]:
    """Every lever, or every assumption, in the order declared.

    >>> rows("lever")[0].name, rows("assumption")[0].name
    ('financing.contribution', 'people.residents')
    """
    sections: Mapping[str, type[Section]] = KINDS[kind]
    return [Row(kind, section, f"{section}.{name}", term)
            for section, model in sections.items() for name, term in model.terms().items()]


def output(name: str) -> Words:
    """An output of the model in words.

    >>> output("expenditure").en, output("critical").en
    ('Fund expenditure', 'Paid by the critical-illness layer')
    """
    return EVENTS[name] if name in EVENTS else (QUANTITIES | MORE | ALONG)[name][0]


def described(row: Row, language: str) -> dict[str, str]:
    """A row in words: the columns of `HEADS`.

    >>> described(rows("lever")[0], "en")["bounds"]
    '0 to 5,000'
    """
    term, say = row.term, lambda key: SAYS[key][language]
    return {
        "title": term.title[language], "name": row.name, "unit": UNITS[term.unit][language],
        "bounds": bounds(term, language), "axes": joined([AXES[axis][language] for axis in term.axes], language),
        "acts": joined([say("up" if sign > 0 else "down").format(output(name)[language])
                        for name, sign in term.acts.items()], language) or say("none"),
        "needs": needs(term, language), "certain": say("fixed" if term.certain else "may"), "help": term.help[language],
    }


def bounds(term: Term, language: str) -> str:
    """Between which ends a value may lie, or the choices there are."""
    if term.choices:
        return joined(term.choices, language)
    span = f"{term.low:,.12g} {'至' if language == 'zh' else 'to'} {term.high:,.12g}"
    return joined([span, SAYS["no_limit"][language]] if term.optional else [span], language)


def needs(term: Term, language: str) -> str:
    """What a scenario and its other levers must be like before a lever does anything."""
    where = [SAYS["only"][language].format(WHERE[term.where][language])] if term.where else []
    return joined(where + [SECTIONS[name.split(".")[0]].terms()[name.split(".")[1]].title[language]
                           for name in term.needs], language)


def joined(parts: list[str] | tuple[str, ...], language: str) -> str:
    """Parts of a list in one cell."""
    return ("、" if language == "zh" else ", ").join(parts)


def markdown(language: str) -> str:
    """The whole reference as a document: a table for each section."""
    lines = [f"# {SAYS['head'][language]}", "", SAYS["intro"][language], ""]
    for kind, sections in KINDS.items():
        lines += [f"## {SAYS[kind][language]}", ""]
        columns = SHOWN[kind]
        for section in sections:
            lines += [f"### {TITLES[section][language]}", "",
                      "| " + " | ".join(HEADS[column][language] for column in columns) + " |",
                      "|" + "---|" * len(columns)]
            for row in rows(kind):
                if row.section == section:
                    cells = described(row, language) | {"name": f"`{row.name}`"}
                    lines.append("| " + " | ".join(cells[column].replace("|", "\\|") for column in columns) + " |")
            lines.append("")
    return "\n".join(lines)


# ---- what the values rest on -----------------------------------------------------------------------

class Count(NamedTuple):
    """How many levers, or assumptions, of a scenario have one status."""

    kind: str  # lever or assumption
    status: str  # a key of `STATUSES`
    declared: int  # one a lever or assumption, whatever it varies over
    values: int  # every value written


def counted(scenario: Scenario, year: int | None = None) -> list[Count]:
    """How many levers and assumptions, and how many of their values, rest on what; levers as they stand in a year.

    Without a `year`, levers as the rule book has them before its dated changes.

    >>> found = counted(load_scenario("benxi_2008"))
    >>> sum(count.declared for count in found if count.kind == "lever") == len(rows("lever"))
    True
    """
    policy = scenario.policy if year is None else scenario.policy_in(year)
    found = []
    for kind, whole in (("lever", policy), ("assumption", scenario.assumptions)):
        declared, values = Counter(), Counter()
        for row in rows(kind):
            given = getattr(getattr(whole, row.section), row.name.split(".")[1])
            status = UNUSED if given.source == OFF else given.source.status
            declared[status] += 1
            values[status] += sum(1 for _ in leaves(given.value))
        found += [Count(kind, status, declared[status], values[status]) for status in STATUSES]
    return found


def counts(language: str) -> str:
    """The tables of METHODS.md: what levers and assumptions of every library scenario rest on."""
    of = {name: counted(load_scenario(name)) for name in library()}
    parts = []
    for kind in KINDS:
        heads = [SAYS["scenario"][language], *(title[language] for title in STATUSES.values())]
        lines = [f"**{SAYS[f'counted_{kind}'][language]}**", "", "| " + " | ".join(heads) + " |",
                 "|---|" + "---:|" * len(STATUSES)]
        table = {f"`{name}`": [(count.declared, count.values) for count in found if count.kind == kind]
                 for name, found in of.items()}
        table[SAYS["all"][language]] = [tuple(map(sum, zip(*cells, strict=True)))
                                        for cells in zip(*table.values(), strict=True)]
        lines += [f"| {name} | " + " | ".join(f"{a:,} / {b:,}" for a, b in cells) + " |"
                  for name, cells in table.items()]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def with_counts(text: str, language: str) -> str:
    """A text of the methods with the tables between its two marks written anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{counts(language)}\n{END}{after}"


# ---- the methods -----------------------------------------------------------------------------------

class Chapter(NamedTuple):
    """A numbered section of the methods."""

    anchor: str
    title: str
    body: str


def methods(language: str) -> str:
    """The text of the methods as it stands in the repository."""
    return (ROOT / METHODS[language]).read_text(encoding="utf-8")


def chapters(text: str) -> tuple[str, list[Chapter]]:
    """What stands before the first section of the methods, and its sections.

    >>> chapters('# Methods\\n\\n<a id="people"></a>\\n## 1. People\\n\\nThey age.\\n')
    ('# Methods', [Chapter(anchor='people', title='1. People', body='They age.')])
    """
    preface, *parts = ANCHOR.split(text)
    return preface.strip(), [Chapter(anchor, title, body.strip())
                             for anchor, title, body in zip(*(parts[n::3] for n in range(3)), strict=True)]


def write() -> list[Path]:
    """Write the documents of both languages and say where."""
    DOCS.mkdir(exist_ok=True)
    written = {DOCS / FILES[language]: markdown(language) for language in LANGUAGES}
    written |= {ROOT / METHODS[language]: with_counts(methods(language), language) for language in LANGUAGES}
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")
    return list(written)


if __name__ == "__main__":
    print(*(path.name for path in write()), sep="\n")
