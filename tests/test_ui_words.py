"""The words of the screen: both languages, every phrase a page asks for, the register of levers."""

import doctest
import importlib
import re
import string
from pathlib import Path

import pytest

from report.text import choice_text, phrases, plain
from simulation.assumptions import ASSUMED
from simulation.policy import SECTIONS
from simulation.results import EVENTS
from simulation.scenario import library
from simulation.terms import LANGUAGES
from ui.register import register
from ui.view import known, scenario_of, view_of

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted(f"{room}.{path.stem}" for room in ("report", "store", "ui") for path in (ROOT / room).glob("*.py")
                  if ">>> " in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_in_docstrings_hold(name):
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried and not failed


def test_both_languages_have_the_same_phrases_with_the_same_places():
    chinese, english = phrases("zh"), phrases("en")
    assert chinese.keys() == english.keys()
    for key in chinese:
        places = [{name for _, name, *_ in string.Formatter().parse(text) if name}
                  for text in (chinese[key], english[key])]
        assert places[0] == places[1], key
        assert chinese[key].strip() and english[key].strip(), key


def test_every_phrase_a_page_asks_for_is_there():
    files = [*(ROOT / "report").glob("*.py"), *(ROOT / "ui").rglob("*.py"), ROOT / "app.py"]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    asked = set(re.findall(r"""(?:\bt\(|language, )"([a-z_.]+)\"""", code))
    assert asked and asked <= phrases("zh").keys()
    assert {f"event.{event}" for event in EVENTS} <= phrases("zh").keys()
    assert {f"section.{section}" for section in [*SECTIONS, *ASSUMED]} <= phrases("zh").keys()
    for section in SECTIONS.values():
        for term in section.terms().values():
            assert all(choice_text(choice, "zh") != choice for choice in term.choices)


def test_chinese_phrases_use_full_width_punctuation():
    han = "[\u4e00-\u9fff]"
    for key, text in phrases("zh").items():
        assert not re.search(rf"{han}[,;!?]|{han}:(?!material)|\({han}", text), key


def test_the_router_is_short_and_no_page_writes_html():
    assert len((ROOT / "app.py").read_text(encoding="utf-8").splitlines()) <= 60
    for path in (ROOT / "ui").rglob("*.py"):
        assert "unsafe_allow_html" not in path.read_text(encoding="utf-8")


def test_text_of_others_stays_text():
    assert plain("[click](x) *a* `b` $c$ :red[d] <e>") == r"\[click\](x) \*a\* \`b\` \$c\$ \:red\[d\] \<e\>"


@pytest.mark.parametrize("name", library())
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_register_holds_every_lever_and_assumption_with_its_provenance(name, language):
    view = view_of(name, edits=[("lines.balance_ratio", 0.31)])
    frame = register(view, language)
    assert {lever for lever, *_ in scenario_of(view).levers()} <= set(frame["name"])
    assert frame["name"].is_unique
    assert frame[["title", "unit", "clause", "kind", "section"]].notna().all().all()
    assert (frame["clause"].str.len() > 4).all()
    row = frame[frame["name"] == "lines.balance_ratio"].iloc[0]
    assert (row["value"], row["was"]) == (0.31, known(name).policy.lines.balance_ratio.value)
    assert frame["interval"].notna().sum() >= 5
    if language == "en":
        text = frame.drop(columns=["clause"]).map(str).to_numpy().ravel()
        assert not [cell for cell in text if re.search("[\u4e00-\u9fff]", cell)]
