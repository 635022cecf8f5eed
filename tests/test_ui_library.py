"""The page Library: a view saved with its reasons, found, opened, restored, deleted, exported; a link that opens it."""

import json
import re
from pathlib import Path

import pytest

from simulation.terms import LANGUAGES, BadInput
from store import exchange, library
from store.database import ready
from store.library import Draft
from tests.coarse import coarse
from tests.screen import CEILING, OLD, app, words_of
from ui import runs, shelf, state
from ui.view import from_file, known, scenario_of, to_file, view_of

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"
HAN = "[\u4e00-\u9fff]"
VIEW = view_of(OLD, 2010, [(CEILING, 40000)])
AGAIN = view_of(OLD, 2010, [(CEILING, 50000)])
GROWTH = "utilisation.cost_growth"

fewer_histories = pytest.fixture(scope="module", autouse=True)(coarse)


@pytest.fixture(autouse=True)
def own(url, monkeypatch):
    """A database of its own for each test, and few draws on the front page."""
    monkeypatch.setenv("SANDBOX_DATABASE", url)
    for name in ("QUICK", "STABLE", "FEWEST"):
        monkeypatch.setattr(runs, name, 64)
    made = ready()
    yield
    made.dispose()


def page(language="zh", **query):
    """The page at a link."""
    return app(language, **query).switch_page("ui/pages/library.py").run()


def edited(language="zh", **query):
    """The page with a lever moved."""
    return page(language, **{"from": "2010", CEILING: "40000"} | query)


def click(at, *parts):
    """A button of the page pressed."""
    at.button(key=".".join(["shelf.do", *map(str, parts)])).click().run()
    assert not at.exception, at.exception[0].message
    return at


def kept(text=VIEW, **more):
    """A saved view; returns its code."""
    draft = Draft(text=to_file(text), fingerprint=shelf.fingerprint(text), **more)
    return library.save(ready(), "提高封顶线", draft, "备注")


def opened(at, code):
    """The page with an entry's drawer open."""
    at.session_state[f"shelf.at.{code}"] = True
    return at.run()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_view_is_saved_with_the_reason_for_each_change(language):
    at = edited(language, **{GROWTH: "0.02..0.05; own survey"})
    assert not at.exception
    said = [text.replace("\\", "").replace("\N{NO-BREAK SPACE}", " ") for text in words_of(at)]
    assert any("30,000 → 40,000" in text for text in said)
    own = [text.split("gray[")[0] for text in said]  # what a clause is called, its document says in Chinese
    assert language == "zh" or not re.search(HAN, " ".join(own).replace("中文", ""))
    assert at.text_input(key=f"shelf.reason.{GROWTH}").value == "own survey"
    at.text_input(key="shelf.title").set_value("Ceiling <b>up</b>").run()
    at.text_input(key=f"shelf.reason.{CEILING}").set_value("incomes have grown").run()
    at.text_area(key="shelf.notes").set_value("for the bureau").run()
    click(at, "save")
    (entry,), _ = library.listed(ready())
    version = library.version(ready(), entry.code)
    assert (entry.title, entry.notes) == ("Ceiling <b>up</b>", "for the bureau")
    assert version.rationale == {CEILING: "incomes have grown", GROWTH: "own survey"}
    assert from_file(version.text.encode(), "x") == at.session_state["view"]
    assert version.fingerprint == shelf.fingerprint(at.session_state["view"])
    assert at.success and not at.warning


def test_what_is_typed_stays_when_the_reader_looks_at_another_page_and_when_saving_is_refused():
    at = edited()
    at.text_input(key=f"shelf.reason.{CEILING}").set_value("理由").run()
    at.switch_page("ui/pages/methods.py").run()
    at.switch_page("ui/pages/library.py").run()
    click(at, "save")
    assert "title" in at.warning[0].value and library.listed(ready())[1] == 0
    assert at.text_input(key=f"shelf.reason.{CEILING}").value == "理由"


def test_one_reason_may_stand_for_all():
    at = edited(**{"benefits.rate.inpatient.adult.level_1": "0.7"})
    at.text_input(key="shelf.title").set_value("t").run()
    at.text_input(key=f"shelf.reason.{CEILING}").set_value("own").run()
    at.text_input(key="shelf.reasons").set_value("common").run()
    click(at, "save")
    (entry,), _ = library.listed(ready())
    assert sorted(library.version(ready(), entry.code).rationale.values()) == ["common", "own"]


def test_a_reason_for_all_is_not_saved_where_it_is_not_seen():
    two = {"benefits.rate.inpatient.adult.level_1": "0.7"}
    at = edited(**two)
    at.text_input(key="shelf.reasons").set_value("council").run()
    at.session_state["view"] = VIEW  # one change is left, and no box for all
    at.run()
    assert "shelf.reasons" not in [box.key for box in at.text_input]
    at.text_input(key="shelf.title").set_value("one").run()
    click(at, "save")
    (entry,), _ = library.listed(ready())
    assert library.version(ready(), entry.code).rationale == {}

    at = edited(**two)
    at.text_input(key="shelf.title").set_value("two").run()
    at.text_input(key="shelf.reasons").set_value("council").run()
    click(at, "save")
    assert at.text_input(key="shelf.reasons").value == ""
    assert at.text_input(key=f"shelf.reason.{CEILING}").value == "council"  # seen, and kept for the next version

    at = edited(**two)
    at.text_input(key="shelf.reasons").set_value("council").run()
    at.selectbox(key="scenario").set_value("urrbmi_county_2026").run()
    at.slider(key="quick.primary").set_value(5.0).run()
    assert len(at.session_state["view"].edits) > 1 and at.text_input(key="shelf.reasons").value == ""


def test_the_reason_of_an_assumption_is_the_present_one_unless_another_was_typed():
    at = page("en", **{GROWTH: "0.02..0.05; first"})
    for typed, told, shown in ((None, "second", "second"), ("typed here", "third", "typed here")):
        box = at.text_input(key=f"shelf.reason.{GROWTH}")
        if typed:
            box.set_value(typed).run()
        at.session_state["view"] = view_of(OLD, edits=[(GROWTH, (0.02, None, 0.05, told))])
        at.switch_page("ui/pages/methods.py").run()
        at.switch_page("ui/pages/library.py").run()
        assert at.text_input(key=f"shelf.reason.{GROWTH}").value == shown
    at.text_input(key="shelf.title").set_value("t").run()
    click(at, "save")
    (entry,), _ = library.listed(ready())
    assert library.version(ready(), entry.code).rationale == {GROWTH: "typed here"}


def test_a_double_click_saves_once(monkeypatch):
    at = edited()
    at.text_input(key="shelf.title").set_value("once").run()
    click(click(at, "save"), "save")
    (entry,), count = library.listed(ready())
    assert (count, entry.newest) == (1, 1) and at.success
    monkeypatch.setattr(state, "SOON", 0.0)  # some time later
    click(at, "save")
    assert library.entry(ready(), entry.code).newest == 2


def test_who_goes_on_from_a_view_saves_its_next_version_and_is_told_of_another():
    code = kept(rationale={CEILING: "旧理由"})
    at = opened(page(), code)
    click(at, "open_version", code, 1)
    assert at.session_state["view"] == VIEW
    assert at.text_input(key=f"shelf.reason.{CEILING}").value == "旧理由"
    library.append(ready(), code, Draft(text=to_file(AGAIN)), after=1)  # someone else
    click(at, "save")
    assert "第 2 版" in at.warning[0].value and library.entry(ready(), code).newest == 2
    at.text_input(key="shelf.note").set_value("第三版").run()
    click(at, "save")
    newest = library.version(ready(), code)
    assert (newest.number, newest.note, newest.text) == (3, "第三版", to_file(VIEW))


def test_a_link_opens_a_saved_view_and_its_next_version_may_be_saved():
    code = kept()
    library.append(ready(), code, Draft(text=to_file(AGAIN)), after=1)
    assert app(scenario=None, saved=code).session_state["view"] == AGAIN
    at = app(scenario=None, saved=code, version="1")
    assert at.session_state["view"] == VIEW and not at.warning
    assert at.session_state["shelf.on"] == (code, 2)


@pytest.mark.parametrize(("query", "said"), [
    ({"saved": "0000000000"}, "没有这个方案"), ({"version": "9"}, "没有这一版"), ({"version": "x"}, "不是版号"),
    ({"version": "9" * 4000}, "不是版号")])
def test_a_link_to_what_is_not_there_says_so_and_opens_the_rest(query, said):
    at = app(**{"saved": kept()} | query)
    assert said in at.warning[0].value and at.session_state["view"] == view_of(OLD)
    assert not at.exception


@pytest.mark.parametrize("language", LANGUAGES)
def test_versions_are_compared_and_an_old_one_is_restored(language):
    code = kept(rationale={CEILING: "r1"})
    library.append(ready(), code, Draft(text=to_file(AGAIN), note="n2"), after=1)
    at = opened(page(language), code)
    said = " ".join(words_of(at))
    assert "40,000 → 50,000" in said and "n2" in said
    at.selectbox(key=f"shelf.version.{code}").set_value(1).run()
    assert "r1" in at.dataframe[0].value["reason"].tolist()
    click(at, "restore", code, 1, 2)
    assert library.version(ready(), code).restored == 1 and library.version(ready(), code).text == to_file(VIEW)


def test_entries_are_searched_amended_deleted_and_brought_back():
    code, other = kept(), library.save(ready(), "另一个", Draft(text=to_file(AGAIN)))
    at = page()
    at.text_input(key="shelf.search").set_value("封顶").run()
    assert [each.label for each in at.expander if each.label in ("提高封顶线", "另一个")] == ["提高封顶线"]
    opened(at, code)
    at.text_input(key=f"shelf.title.{code}").set_value("新名").run()
    click(at, "amend", code)
    assert library.entry(ready(), code).title == "新名"
    at.text_input(key="shelf.search").set_value("").run()
    click(opened(at, code), "delete", code)
    assert [entry.code for entry in library.listed(ready())[0]] == [other]
    at.segmented_control(key="shelf.which").set_value("deleted").run()
    click(opened(at, code), "undelete", code)
    assert library.listed(ready())[1] == 2


@pytest.mark.parametrize(("language", "said"), [("zh", "他人已更新名称或备注"), ("en", "have been updated meanwhile")])
def test_of_two_who_amend_an_entry_both_keep_what_they_wrote(language, said):
    code = kept()
    mine, theirs = opened(page(language), code), opened(page(language), code)
    theirs.text_area(key=f"shelf.notes.{code}").set_value("theirs").run()
    click(theirs, "amend", code)
    mine.text_area(key=f"shelf.notes.{code}").set_value("mine")
    click(mine, "amend", code)
    assert said in mine.warning[0].value and library.entry(ready(), code).notes == "theirs"
    assert mine.text_area(key=f"shelf.notes.{code}").value == "mine"
    assert any("theirs" in text for text in words_of(mine))  # to be looked at beside it
    click(mine, "amend", code)
    assert not mine.warning and library.entry(ready(), code).notes == "mine"
    # Who has changed nothing sees what it says now; who changes one of the two leaves the other as it is.
    assert theirs.run().text_area(key=f"shelf.notes.{code}").value == "mine"
    mine.text_area(key=f"shelf.notes.{code}").set_value(" mine again ").run()
    click(mine, "amend", code)
    assert mine.text_area(key=f"shelf.notes.{code}").value == "mine again"
    theirs.text_input(key=f"shelf.title.{code}").set_value("their title")
    click(theirs, "amend", code)
    assert not theirs.warning and library.entry(ready(), code)[2:4] == ("their title", "mine again")


def test_the_list_is_turned_a_page_at_a_time():
    for n in range(library.PAGE + 1):
        library.save(ready(), f"方案 {n}", Draft(text=to_file(VIEW)))
    at = page()
    at.pagination(key="shelf.page").set_value(2).run()
    assert [each.label for each in at.expander if "方案" in each.label] == ["方案 0"]
    at.text_input(key="shelf.search").set_value("20").run()
    assert [each.label for each in at.expander if "方案" in each.label] == ["方案 20"]


def test_an_entry_of_an_earlier_model_or_another_scenario_text_says_so():
    code = library.save(ready(), "t", Draft(text=to_file(VIEW), model="0.0.9", fingerprint=shelf.fingerprint(VIEW)))
    at = opened(page("en"), code)
    assert "model version 0.0.9; this one is another" in at.info[0].value
    code = library.save(ready(), "t", Draft(text=to_file(VIEW), model="0.0.9", fingerprint="0" * 64))
    assert "results differ" in opened(page("en"), code).info[0].value
    told = lambda code: [each.value for each in app("en", saved=code).info if "results differ" in each.value]  # noqa: E731
    assert len(told(code)) == 1 and not told(kept())


def test_what_this_program_cannot_read_says_so_and_the_rest_stands():
    code = library.save(ready(), "t", Draft(text="base: gone\nchanges: []\n"))
    other = library.save(ready(), "file", Draft(text="name: x", kind="scenario"))
    at = opened(opened(page("en"), code), other)
    assert not at.exception and "no such scenario" in at.warning[0].value
    assert any("whole scenario file" in text for text in words_of(at))
    with pytest.raises(BadInput, match="years: is missing"):
        shelf.opened({"saved": [other]})


def test_a_whole_scenario_file_is_opened_and_changed_like_any_other(monkeypatch):
    text = (SCENARIOS / f"{OLD}.yaml").read_text(encoding="utf-8")
    at = page("en")
    at.file_uploader(key="shelf.upload").set_value(("own.yaml", text.encode(), "text/plain")).run()
    code = library.listed(ready())[0][0].code
    at = click(opened(at, code), "open_version", code, 1)
    name = shelf.kept_name(code, 1)
    assert at.session_state["view"] == view_of(name) and at.query_params["scenario"] == name
    assert scenario_of(view_of(name)).text() == known(OLD).text()
    at = app("en", scenario=name, **{CEILING: "40000"})  # the link, with a lever moved
    assert not at.exception and not at.warning
    assert at.selectbox(key="scenario").value == name and at.session_state["view"].edits == ((CEILING, 40000),)
    assert from_file(to_file(at.session_state["view"]).encode(), "x") == at.session_state["view"]
    monkeypatch.setattr(shelf, "LARGEST", 100)
    with pytest.raises(BadInput, match="600 cells, and 100 at most"):
        shelf.scenario_in(code, 1)
    for wrong in ("kept_0123456789_1", f"kept_{code}_2", shelf.kept_name(kept(), 1)):
        at = app("en", scenario=wrong)
        assert not at.exception and len(at.warning) == 1, wrong


def test_files_are_taken_in_whole_or_not_at_all():
    kept()
    at = page()
    text = exchange.exported(ready())
    for name, content, said in (("library.json", text, "已有 1 个"), ("own.yaml", to_file(AGAIN), "新增 1 个")):
        at.file_uploader(key="shelf.upload").set_value((name, content.encode(), "text/plain")).run()
        assert said in at.success[0].value
    bad = json.loads(text)
    bad["entries"].append(bad["entries"][0] | {"code": "x"})
    at.file_uploader(key="shelf.upload").set_value(("l.json", json.dumps(bad).encode(), "application/json")).run()
    assert "l.json：entries.1.code" in at.warning[0].value.replace("\\", "") and library.listed(ready())[1] == 2


def test_a_database_that_fails_is_said_and_what_is_typed_stays(tmp_path, monkeypatch):
    at = edited("en")
    at.text_input(key="shelf.title").set_value("t").run()
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("SANDBOX_DATABASE", f"sqlite:///{tmp_path / 'folder'}")
    click(at, "save")
    assert "cannot be opened" in at.warning[0].value and at.text_input(key="shelf.title").value == "t"
