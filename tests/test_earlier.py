"""What earlier versions saved opens, says which version made it, and can be recomputed."""

import json
import shutil

import pytest
import sqlalchemy as sa

from simulation import __version__
from simulation.__main__ import main
from simulation.runs import code, read_kept, scenario_of
from simulation.terms import LANGUAGES, BadInput
from store import database, exchange, library, rooms
from tests.coarse import coarse
from tests.screen import CEILING, ROOT, app, few_draws
from tests.test_ui_library import opened, page

FOLDER = ROOT / "tests" / "earlier"
KEPT = "33be250f04"
fewer_histories = pytest.fixture(coarse)
ROOM, KEY, MEMBER = "YQKQ70Q4", "8MQjki6YqsXFjG9VMnO7K6zy", "hYNoLBvxwDerV8nGNViWFw5t"


@pytest.fixture
def url(tmp_path, monkeypatch):
    """A copy of the library of 0.1.0, whose tables are older than this program's."""
    shutil.copy(FOLDER / "library.db", tmp_path)
    made = f"sqlite:///{(tmp_path / 'library.db').as_posix()}"
    monkeypatch.setenv(database.VARIABLE, made)
    return made


def said(capsys, *arguments):
    """What a command prints."""
    status = main([str(argument) for argument in arguments])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


# --- runs ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["first", "bundle.zip"])
def test_a_run_of_an_earlier_version_opens_and_says_which_made_it(name, capsys):
    status, shown, _ = said(capsys, "show", FOLDER / name)
    assert status == 0 and f"made by version 0.1.0; this is {__version__} ({code()})" in shown
    assert "由版本 0.1.0 生成" in said(capsys, "show", FOLDER / name, "--lang", "zh")[1]
    status, shown, _ = said(capsys, "show", FOLDER / name, "--json")
    found = json.loads(shown)
    assert found["made_by"] == "0.1.0" and found["figures"]["draws"] == 64 and found["altered"] == []
    assert [row["year"] for row in found["figures"]["years"]] == list(scenario_of(read_kept(FOLDER / name).manifest)
                                                                      .horizon())


def test_what_has_changed_since_is_told_and_adds_up(capsys):
    """The first runs had fewer figures and one share of care inside the policy; today's form has three classes."""
    status, shown, _ = said(capsys, "verify", FOLDER / "first")
    assert status == 1 and shown.startswith("not the same") and "made by version 0.1.0" in shown
    status, shown, _ = said(capsys, "reconcile", FOLDER / "first", "benxi_2008", "--draws", 64, "--json")
    rows = [row for row in json.loads(shown) if row["quantity"] == "expenditure"]
    parts = ("code", "data", "assumptions", "rules", "chance")
    assert status == 0 and len(rows) == 10
    for row in rows:
        assert row["previous"] + sum(row[part] for part in parts) == pytest.approx(row["present"])
    assert all(row["code"] for row in rows)


def test_a_bundle_of_an_earlier_version_is_recomputed(capsys):
    status, shown, _ = said(capsys, "verify", FOLDER / "bundle.zip", "--json")
    found = json.loads(shown)
    assert (found["made_by"], found["recomputed_by"]) == ("0.1.0", f"{__version__} ({code()})")
    assert status == (not found["same"]) and found["largest_difference"] is not None  # every figure can be compared


def test_the_old_share_of_care_inside_the_policy_keeps_its_value():
    text = json.loads(read_kept(FOLDER / "first").manifest.scenario_text)
    old = text["assumptions"]["utilisation"]["eligible_share"]["value"]
    now = scenario_of(read_kept(FOLDER / "first").manifest).assumptions.utilisation
    for tier, share in old["inpatient"].items():
        a, c = (getattr(now, name).value["inpatient"][tier] for name in ("class_a_share", "class_c_share"))
        assert a == share and a + c == pytest.approx(1)


def test_a_run_of_a_later_version_is_named_before_what_cannot_be_read(tmp_path):
    for name in ("manifest.json", "figures.json"):
        shutil.copy(FOLDER / "first" / name, tmp_path)
    data = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    (tmp_path / "manifest.json").write_text(json.dumps(data | {"model": "9.1.0", "cloud": 1}), encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        read_kept(tmp_path)
    first, *others = [fault.sentence("en") for fault in caught.value.faults]
    assert "was made by version 9.1.0" in first and __version__ in first and any("cloud" in other for other in others)
    assert "由版本 9.1.0 生成" in caught.value.faults[0].sentence("zh")


# --- the library and the rooms ------------------------------------------------------------------------

def test_a_library_of_an_earlier_version_keeps_everything(url, tmp_path):
    engine = database.ready()
    assert database.version(engine) == database.newest() != "0002"
    second, first = library.history(engine, KEPT)
    assert [version.model for version in (first, second)] == ["0.1.0", "0.1.0"]
    assert (first.note, first.rationale[CEILING], second.author) == ("初稿", "收入增长后，封顶线偏低", "李某")
    assert [entry.title for entry in library.listed(engine, deleted=True)[0]] == ["已删除的方案 Deleted"]
    assert library.append(engine, KEPT, library.Draft(text=second.text), after=2) == 3
    other = database.database(f"sqlite:///{(tmp_path / 'other.db').as_posix()}")
    database.upgrade(other)
    assert exchange.imported(other, exchange.exported(engine).encode(), "l.json").added == 1
    other.dispose()
    engine.dispose()


def test_a_class_of_an_earlier_version_goes_on(url):
    engine = database.ready()
    assert rooms.seat(engine, ROOM, KEY).facilitator and rooms.seat(engine, ROOM, MEMBER).team == "甲组"
    events = rooms.happened(engine, rooms.room(engine, ROOM))
    assert [event.kind for event in events] == ["joined", "submitted", "round"]
    assert rooms.submit(engine, ROOM, MEMBER, events[1].body["text"]) == 4
    engine.dispose()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_open_it_and_say_the_version(url, language, monkeypatch, fewer_histories):
    few_draws(monkeypatch, 64)
    at = app(language, scenario=None, saved=KEPT, version="1")
    assert dict(at.session_state["view"].edits) == {CEILING: 40000} and not at.exception
    assert any("0.1.0" in note.value for note in at.info)
    at = opened(page(language), KEPT)
    assert not at.exception and any("0.1.0" in caption.value for caption in at.caption)
    with database.reading(database.ready()) as connection:
        assert connection.execute(sa.text("PRAGMA integrity_check")).scalar_one() == "ok"
    database.ready().dispose()
