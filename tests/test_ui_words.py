"""The words of the screen: both languages, every phrase a page asks for, the register of levers."""

import doctest
import importlib
import json
import re
import string
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToJson
from streamlit.testing.v1.element_tree import Block

from report.text import choice_text, phrases, plain
from simulation.assumptions import ASSUMED
from simulation.loading import library
from simulation.policy import SECTIONS
from simulation.results import EVENTS
from simulation.terms import LANGUAGES
from tests.screen import app, few_draws
from ui import studies
from ui.register import register
from ui.text import LANGUAGE_NAMES
from ui.view import FIRST, known, scenario_of, view_of

ROOT = Path(__file__).resolve().parent.parent
HAN = "[\u3001-\u303f\u4e00-\u9fff\uff01-\uffee]"  # with the full-width marks of Chinese
RATE = "benefits.rate.inpatient.adult.primary"
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


def test_a_reader_s_own_plan_is_never_called_the_rules_in_force():
    files = [*(ROOT / "simulation").rglob("*.py"), *(ROOT / "ui" / "locales").glob("*.yaml"),
             *(ROOT / "report").glob("*.yaml")]
    of_law = re.compile(r"现行政策|现行规则|目前的规则|[\"'/:] ?(?:[Tt]he )?present (?:rules|policy)")
    assert [path.name for path in files if of_law.search(path.read_text(encoding="utf-8"))] == []


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
        assert not [cell for cell in frame.map(str).to_numpy().ravel() if re.search(HAN, cell)]


def test_an_edit_of_one_value_leaves_the_others_their_source():
    whole, edited = (register(view_of(FIRST, edits=edits), "zh").set_index("name")["clause"]
                     for edits in ((), ((RATE, 0.9),)))
    moved = edited.index[edited != whole]
    assert list(moved) == [RATE]


# --- English pages ------------------------------------------------------------------------------------

def test_english_pages_are_in_english_to_their_last_help_hover_and_cell(monkeypatch):
    few_draws(monkeypatch, 64)
    monkeypatch.setattr(studies, "MOST", 64)
    at = app("en", show=("benefits.rate", "assumptions.utilisation"), scenario=FIRST, **{RATE: "0.9"})
    at.session_state["levers.tabs"] = phrases("en")["ranges.table"]
    for name in ("overview", "levers", "people", "standards", "library", "methods"):  # the browser looks at them all
        at.switch_page(f"ui/pages/{name}.py").run()
        assert not at.exception
        found = {cell.strip() for text in everything(at) for cell in re.findall(f'[^"\\n]*{HAN}[^"\\n]*', text)}
        assert found == {LANGUAGE_NAMES["zh"]}, name


def everything(at):
    """All text that a page hands to the browser, save the official titles of documents beside their English."""
    for element in [*at.main, *at.sidebar]:
        yield from texts(element)


def texts(element):
    if isinstance(element, Block):
        yield from MessageToJson(element.proto, ensure_ascii=False).splitlines() if element.proto else ()
        for child in element.children.values():
            yield from texts(child)
    elif element.type in ("arrow_data_frame", "arrow_table", "dataframe", "table"):
        frame = element.value.drop(columns=phrases("en")["methods.official"], errors="ignore")
        yield from map(str, [*frame.columns, *frame.to_numpy().ravel()])
        yield getattr(element.proto, "alt", "") + getattr(element.proto, "columns", "")
    elif element.type == "plotly_chart":
        yield json.dumps(json.loads(element.proto.spec), ensure_ascii=False) + element.proto.alt
    else:
        yield MessageToJson(element.proto, ensure_ascii=False)
