"""What a value rests on, as a reader of either language can read it: documents, publishers and clauses.

Files cite in Chinese, as the documents do; `data/documents.yaml` holds the English once. What it does not hold is shown
as it stands: a title that is English anyway, or one of a file that somebody else wrote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from simulation.published import DATA
from simulation.reading import read_text, read_yaml

REGISTER = DATA / "documents.yaml"
NUMERAL = "[一二三四五六七八九十百零]+"
ARTICLE = re.compile(f"第({NUMERAL})条(?:（({NUMERAL})）)?")
YEAR = re.compile(r"(\d{4}) 年")
DIGITS = {digit: n for n, digit in enumerate("一二三四五六七八九", 1)}


@lru_cache(maxsize=1)
def english() -> Mapping[str, Mapping[str, str]]:
    """English by Chinese: `titles`, `publishers` and `clauses` of `data/documents.yaml`."""
    return read_yaml(read_text(REGISTER), REGISTER.name)


def title(text: str, language: str) -> str:
    """The title of a document.

    >>> title("本溪市城镇居民基本医疗保险办法", "en")
    'Benxi: measures on basic medical insurance for urban residents'
    """
    return text if language == "zh" else english()["titles"].get(text, text)


def publisher(text: str, language: str) -> str:
    """Who published a document, and a date that is in words.

    >>> publisher("财政部", "en")
    'Ministry of Finance'
    """
    return text if language == "zh" else english()["publishers"].get(text, text)


def article(text: str, language: str) -> str:
    """The place in a document, such as an article or a table.

    >>> article("第三十二条", "en"), article("第十八条（四）", "en"), article("2024 年", "en")
    ('Article 32', 'Article 18 (4)', '2024')
    """
    if language == "zh":
        return text
    if found := ARTICLE.fullmatch(text):
        return f"Article {counted(found[1])}" + (f" ({counted(found[2])})" if found[2] else "")
    if found := YEAR.fullmatch(text):
        return found[1]
    return english()["clauses"].get(text, text)


def place(document: str, clause: str | None, language: str) -> str:
    """A document's title with the place in it.

    >>> place("本溪市城镇居民基本医疗保险办法", "第十八条", "zh")
    '本溪市城镇居民基本医疗保险办法 第十八条'
    >>> place("中国统计年鉴 2012", "表 21-20", "en")
    'China Statistical Yearbook 2012, table 21-20'
    """
    parts = [title(document, language) if document else "", article(clause, language) if clause else ""]
    return (" " if language == "zh" else ", ").join(part for part in parts if part)


def counted(text: str) -> int:
    """A Chinese numeral below one thousand.

    >>> counted("三十二"), counted("十"), counted("一百零五")
    (32, 10, 105)
    """
    total, digit = 0, 0
    for letter in text:
        if letter in DIGITS:
            digit = DIGITS[letter]
        elif letter != "零":
            total, digit = total + max(digit, 1) * (100 if letter == "百" else 10), 0
    return total + digit
