"""The columns of a fund's yearly table: what their numbers count, and how they may be headed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

from simulation.terms import Words, words


class Column(NamedTuple):
    """One column of the table: its name, what its numbers count, how else it may be headed."""

    key: str
    title: Words
    kind: str  # year, persons, yuan, stays or visits: which units its heading may carry
    needed: bool  # for a forecast
    help: Words
    aliases: tuple[str, ...]


COLUMNS = (
    Column("year", words("年份", "year"), "year", True,
           words("公历年度，四位数字。", "The calendar year, four digits."), (
        "年份", "年度", "年", "会计年度", "统计年度", "所属年度", "year", "years", "calendar year", "fiscal year")),
    Column("enrolment", words("参保人数", "enrolment"), "persons", True,
           words("当年参保（参合）人数。", "People insured in the year."), (
        "参保人数", "年末参保人数", "参保总人数", "实际参保人数", "参保人口", "参保", "参合人数", "参合人口",
        "参合农民", "参合农民人数", "enrolment", "enrollment", "enrolled", "enrolees", "enrollees", "insured",
        "insured persons",
        "insured people", "insured population", "persons insured", "people insured", "persons enrolled",
        "people enrolled", "members", "membership", "participants")),
    Column("income", words("基金收入", "income"), "yuan", True,
           words("基金当年收入合计：个人缴费、财政补助、利息和其他收入。",
                 "All income of the fund in the year: contributions, subsidies, interest and other."), (
        "基金收入", "收入", "总收入", "收入合计", "基金总收入", "基金收入合计", "当年收入", "本年收入", "当年基金收入",
        "本年基金收入", "筹资总额", "基金筹资总额", "当年筹资总额", "income", "fund income", "total income", "revenue",
        "fund revenue", "total revenue", "receipts", "fund receipts", "fund raised")),
    Column("spending", words("基金支出", "spending"), "yuan", True,
           words("基金当年支出合计，不是医疗总费用。",
                 "All expenditure of the fund in the year, not the patients' bills."), (
        "基金支出", "支出", "总支出", "支出合计", "基金总支出", "基金支出合计", "当年支出", "本年支出",
        "当年基金支出", "本年基金支出", "spending", "fund spending", "total spending", "expenditure", "expenditures",
        "fund expenditure", "fund expenditures", "total expenditure", "outlays")),
    Column("stays", words("住院人次", "stays"), "stays", False,
           words("当年住院（出院）人次。", "Inpatient stays of the year, counted at admission or discharge."), (
        "住院人次", "住院人次数", "住院次数", "住院例数", "住院结算人次", "住院补偿人次", "出院人次",
        "出院人数", "入院人次", "入院人数", "stays", "inpatient stays", "hospital stays", "admissions",
        "inpatient admissions",
        "hospital admissions", "discharges", "inpatient discharges", "hospital discharges", "inpatient",
        "inpatient cases", "inpatient episodes")),
    Column("visits", words("普通门诊人次", "visits"), "visits", False,
           words("当年享受待遇的普通门诊人次，不含门诊慢特病。",
                 "Ordinary outpatient visits paid for in the year, chronic and special disease left out."), (
        "普通门诊人次", "普通门诊人次数", "门诊人次", "门诊人次数", "门急诊人次", "门诊统筹人次", "门诊就诊人次",
        "门诊结算人次", "门诊补偿人次", "visits", "outpatient", "outpatient visits", "ordinary outpatient visits",
        "clinic visits")),
    Column("balance", words("累计结余", "balance"), "yuan", False,
           words("年末累计结余，可以为负数。", "What the fund holds at the end of the year; may be negative."), (
        "累计结余", "基金累计结余", "年末累计结余", "期末累计结余", "滚存结余", "基金滚存结余", "年末滚存结余",
        "期末滚存结余", "年末结余", "期末结余", "balance", "balance end", "end balance", "closing balance",
        "year end balance", "fund balance", "cumulative", "cumulative balance", "cumulative surplus",
        "accumulated balance", "accumulated surplus")),
    Column("individual_income", words("个人缴费收入", "individual income"), "yuan", False,
           words("基金收入中个人缴费的部分。", "The part of the income that insured people paid themselves."), (
        "个人缴费收入", "个人缴费", "个人缴费总额", "居民个人缴费", "居民缴费", "individual income",
        "individual contribution", "individual contributions", "personal contributions", "contribution income")),
    Column("inpatient_expense", words("住院医疗费用", "inpatient expense"), "yuan", False,
           words("住院医疗总费用，含个人负担。", "Total medical expense of the stays, the patients' part included."), (
        "住院医疗费用", "住院医疗总费用", "住院总费用", "住院费用", "inpatient expense", "inpatient expenses",
        "inpatient cost", "inpatient costs", "inpatient medical expense")),
    Column("outpatient_expense", words("普通门诊医疗费用", "outpatient expense"), "yuan", False,
           words("普通门诊医疗总费用，含个人负担。",
                 "Total medical expense of the ordinary outpatient visits, the patients' part included."), (
        "普通门诊医疗费用", "普通门诊费用", "门诊医疗费用", "门诊医疗总费用", "门诊总费用", "门诊费用",
        "outpatient expense", "outpatient expenses", "outpatient cost", "outpatient costs",
        "outpatient medical expense")),
)
BY_KEY = {column.key: column for column in COLUMNS}
QUANTITIES = tuple(column.key for column in COLUMNS if column.key != "year")
NEEDED = tuple(column.key for column in COLUMNS if column.needed and column.key != "year")

# A unit is a scale and what is counted, in either order of writing: 万元, 10k yuan, million persons, (万).
SCALES = {
    "": 1, "千": 10**3, "万": 10**4, "十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8, "十亿": 10**9,
    "thousand": 10**3, "thousands of": 10**3, "k": 10**3, "1000": 10**3, "10k": 10**4, "10 thousand": 10**4,
    "ten thousand": 10**4, "10000": 10**4, "million": 10**6, "millions of": 10**6, "m": 10**6, "mn": 10**6,
    "1000000": 10**6, "10m": 10**7, "100m": 10**8, "100 million": 10**8, "hundred million": 10**8,
    "100000000": 10**8, "billion": 10**9, "billions of": 10**9, "bn": 10**9,
}
COUNTED = {
    "persons": ("人", "名", "persons", "person", "people"),
    "yuan": ("元", "圆", "元人民币", "人民币元", "yuan", "rmb", "cny", "rmb yuan"),
    "stays": ("人次", "次", "例", "人", "stays", "admissions", "discharges", "cases", "times", "person times"),
    "visits": ("人次", "次", "例", "人", "visits", "cases", "times", "person times"),
}
UNIT_WORDS = {  # as a heading and a remedy write them: unit by itself, then the larger ones
    "year": (words("年", "year"), words("四位数字，如 2019", "four digits such as 2019")),
    "persons": (words("人", "persons"), words("人、万人", "persons, 10k persons, million persons")),
    "yuan": (words("元", "yuan"), words("元、万元、亿元", "yuan, 10k yuan, million yuan, 100m yuan")),
    "stays": (words("人次", "stays"), words("人次、万人次", "stays, 10k stays, million stays")),
    "visits": (words("人次", "visits"), words("人次、万人次", "visits, 10k visits, million visits")),
}


def compact(text: str) -> str:
    """A word as headings are compared: half-width, lower case, without spaces and joints.

    >>> compact("Fund_Income "), compact("１０ｋ　yuan")
    ('fundincome', '10kyuan')
    """
    return re.sub(r"[\s_\-–—.,'’\"“”:]+", "", unicodedata.normalize("NFKC", text).casefold())


ALIASES = {compact(alias): column.key for column in COLUMNS
           for alias in (column.key, column.title.zh, column.title.en, *column.aliases)}
FACTORS = {kind: {compact(scale + word): factor for (scale, factor), word in product(SCALES.items(), ("", *counted))}
           for kind, counted in COUNTED.items()}


def heading(column: Column, language: str) -> str:
    """A column's heading with its unit."""
    if column.kind == "year":
        return column.title[language]
    return words(f"{column.title.zh}（{UNIT_WORDS[column.kind][0].zh}）",
                 f"{column.title.en} ({UNIT_WORDS[column.kind][0].en})")[language]


def known_headings(row: Sequence[Any]) -> int:
    """How many declared columns a row names; none without the year.

    >>> known_headings(["Year", "Enrolment (10k persons)", "weather"]), known_headings(["income", "spending"])
    (2, 0)
    """
    keys = {split_heading(cell)[0] for cell in row if isinstance(cell, str)} - {None}
    return len(keys) if "year" in keys else 0


def split_heading(text: str) -> tuple[str | None, str | None]:
    """The declared column a heading means, if any, and the unit it carries, if any.

    >>> split_heading("基金收入（单位：万元）"), split_heading("insured / 10k persons"), split_heading("天气")
    (('income', '万元'), ('enrolment', '10k persons'), (None, None))
    """
    text = unicodedata.normalize("NFKC", text).translate(str.maketrans("【】〔〕{}", "[][][]")).strip()
    if compact(text) in ALIASES:
        return ALIASES[compact(text)], None
    inside = re.findall(r"[(\[]([^()\[\]]*)[)\]]", text)
    name, unit = re.sub(r"[(\[][^()\[\]]*[)\]]", "", text), inside[-1] if inside else None
    if not inside:
        name, _, unit = max((text.partition(mark) for mark in "/,:"), key=lambda parts: compact(parts[0]) in ALIASES)
    unit = re.sub(r"^\s*(单位|计量单位|unit|units|in)\s*[:\s]\s*", "", unit or "", flags=re.IGNORECASE).strip()
    key = ALIASES.get(compact(name))
    return (key, unit or None) if key else (None, None)
