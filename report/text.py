"""Words and numbers in a language. Every sentence on a page or in a document comes from `ui/locales/`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from simulation.reading import read_yaml
from simulation.terms import UNITS, Term

LOCALES = Path(__file__).parent.parent / "ui" / "locales"
MARKDOWN = re.compile(r"([\\`*_\[\]<>$:~|#])")


@lru_cache
def phrases(language: str) -> dict[str, str]:
    """Every phrase of a language by dotted key."""
    name = f"{language}.yaml"
    return dict(flat(read_yaml((LOCALES / name).read_text(encoding="utf-8"), name)))


def flat(tree: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """The dotted key and text of every phrase.

    >>> list(flat({"page": {"levers": "Levers"}}))
    [('page.levers', 'Levers')]
    """
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


def say(language: str, key: str, **values: Any) -> str:
    """A phrase in a language, with its places filled."""
    return phrases(language)[key].format(**values)


def plain(text: str) -> str:
    """Text that Markdown will show as it stands, whoever wrote it.

    >>> plain("[a](b) above_ceiling")
    '\\\\[a\\\\](b) above\\\\_ceiling'
    """
    return MARKDOWN.sub(r"\\\1", text)


def shown(name: str) -> str:
    """A name somebody typed, in a chart, where a few HTML tags would act.

    >>> shown("<b>A</b>")
    '‹b›A‹/b›'
    """
    return name.replace("<", "‹").replace(">", "›").replace("%{", "% {")


# --- numbers ----------------------------------------------------------------------------------------

def number(value: float, form: str = ",.1f") -> str:
    """A number as every page, chart and document writes it: a true minus, and no sign where nothing is left of it.

    >>> number(-1234.56), number(12.3, "+,.1f"), number(-0.04), number(0.0, "+.1f"), number(-0.0, ".4g")
    ('−1,234.6', '+12.3', '0.0', '0.0', '0')
    """
    text = f"{value:{form}}"
    return text.replace("-", "−") if text.strip("+-0.,%") else text.lstrip("+-")


def percent(value: float, digits: int = 1) -> str:
    """A fraction as a percentage.

    >>> percent(0.9446), percent(0.6, 0), percent(-0.0004, 0)
    ('94.5%', '60%', '0%')
    """
    return f"{number(100 * value, f',.{digits}f')}%"


def points(value: float, language: str) -> str:
    """A difference of two fractions in percentage points, with its sign.

    >>> points(-0.0123, "en")
    '−1.2 pp'
    """
    return say(language, "number.points", value=number(100 * value, "+.1f"))


def people(count: float, language: str) -> str:
    """A number of people.

    >>> people(223_917, "zh"), people(223_917, "en")
    ('22.4 万人', '223,917')
    """
    return f"{number(count / 1e4)} 万人" if language == "zh" and count >= 1e4 else number(count, ",.0f")


def years_of(years: Iterable[int], language: str) -> str:
    """Years as a phrase, runs of them joined.

    >>> years_of([2008, 2009, 2010, 2014], "zh"), years_of([2008, 2009, 2010, 2014], "en")
    ('2008—2010、2014 年', '2008–2010 and 2014')
    """
    spans: list[list[int]] = []
    for year in sorted(years):
        if spans and year == spans[-1][-1] + 1:
            spans[-1].append(year)
        else:
            spans.append([year])
    dash = "—" if language == "zh" else "–"
    parts = [str(span[0]) if len(span) == 1 else f"{span[0]}{dash}{span[-1]}" for span in spans]
    if language == "zh":
        return "、".join(parts) + " 年"
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def lever_text(value: Any, term: Term, language: str) -> str:
    """A lever's value as a policy officer writes it, without its unit.

    >>> rate, ceiling = Term(None, "rate", 0, 1, None), Term(None, "yuan_stay", 0, 1e6, None)
    >>> lever_text(0.6, rate, "zh"), lever_text(30000, ceiling, "zh")
    ('60%', '30,000')
    """
    if value is None:
        return say(language, "lever.no_limit")
    if term.choices:
        return choice_text(value, language)
    if in_percent(term):
        return f"{number(100 * value, '.6g')}%"
    return number(value, ",.10g")


def choice_text(choice: str, language: str) -> str:
    """A choice in words, where the pages have words for it."""
    return phrases(language).get(f"choice.{choice}", choice)


def in_percent(term: Term) -> bool:
    """Whether a term's values are fractions that people read as percentages."""
    return term.unit in ("rate", "share", "per_year")


def unit_text(unit: str, language: str) -> str:
    """A unit in words, as the model names it."""
    return UNITS[unit][language]
