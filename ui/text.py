"""The language of the reader of a page, and phrases in it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from report.text import say
from simulation.terms import LANGUAGES

LANGUAGE_NAMES = {"zh": "中文", "en": "English"}


def language() -> str:
    """The language this reader has chosen."""
    return st.session_state.get("lang") or LANGUAGES[0]


def t(key: str, **values: Any) -> str:
    """A phrase in this reader's language."""
    return say(language(), key, **values)


def preferred(locale: str | None) -> str:
    """The language for a browser's locale; Chinese where the browser does not say.

    >>> preferred("zh-CN"), preferred("en-GB"), preferred(None)
    ('zh', 'en', 'zh')
    """
    return "en" if locale and not locale.lower().startswith("zh") else "zh"
