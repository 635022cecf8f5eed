"""The scenario library in a real database: what is saved comes back, two who save both keep it, faults are told."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from simulation import __version__
from simulation.__main__ import main
from simulation.terms import LANGUAGES, BadInput
from store import backup, database, exchange, library
from store.library import Draft
from tests.conftest import SERVER, SOON
from tests.screen import ROOT

TEXT = "base: benxi_2008\nchanges:\n  - {lever: benefits.ceiling, year: 2010, value: 40000}\n"
OTHER = "base: benxi_2008\nchanges:\n  - {lever: benefits.ceiling, year: 2010, value: 50000}\n"
DRAFT = Draft(text=TEXT, rationale={"benefits.ceiling": "收入增长后，封顶线偏低"}, note="初稿", author="王某",
              fingerprint="a" * 64)
on_file = pytest.mark.skipif(SERVER is not None, reason="of SQLite files")


def faults(act, *arguments, **named):
    """The faults with which something is refused, complete in both languages."""
    with pytest.raises(BadInput) as caught:
        act(*arguments, **named)
    for fault in caught.value.faults:
        assert all(fault.what[language] and fault.remedy[language] for language in LANGUAGES)
    return [fault.sentence() for fault in caught.value.faults]


# --- entries and versions -----------------------------------------------------------------------------

def test_what_is_saved_comes_back(engine):
    code = library.save(engine, " 提高封顶线 ", DRAFT, notes="局务会讨论")
    kept, version = library.entry(engine, code), library.version(engine, code)
    assert (kept.title, kept.notes, kept.author) == ("提高封顶线", "局务会讨论", "王某")
    assert (kept.newest, kept.deleted) == (1, None)
    assert (version.text, version.rationale, version.note) == (TEXT, DRAFT.rationale, "初稿")
    assert (version.model, version.fingerprint, version.restored) == (__version__, "a" * 64, None)


def test_versions_are_added_and_an_old_one_is_restored_as_a_new_one(engine):
    code = library.save(engine, "t", DRAFT)
    assert library.append(engine, code, Draft(text=OTHER), after=1) == 2
    assert library.restore(engine, code, 1, after=2) == 3
    newest, second, first = library.history(engine, code)
    assert (newest.number, newest.text, newest.rationale, newest.restored) == (3, TEXT, DRAFT.rationale, 1)
    assert (second.text, second.rationale, first.text) == (OTHER, {}, TEXT)
    assert library.version(engine, code).number == 3 and library.version(engine, code, 2).text == OTHER


def test_a_version_of_an_earlier_model_stays_its_own_when_restored(engine):
    code = library.save(engine, "t", DRAFT.model_copy(update={"model": "0.0.9"}))
    library.restore(engine, code, 1, after=1)
    assert library.version(engine, code).model == "0.0.9"


def test_who_saves_upon_an_older_version_is_told_and_nothing_is_overwritten(engine):
    code = library.save(engine, "t", DRAFT)
    library.append(engine, code, Draft(text=OTHER), after=1)
    said, = faults(library.append, engine, code, DRAFT, after=1)
    assert "version 2 has been saved meanwhile" in said and len(library.history(engine, code)) == 2
    assert library.append(engine, code, DRAFT, after=2) == 3


@pytest.mark.parametrize("after", [2, 2**31 - 1, 2**31, 2**63, 10**30, -1])
def test_who_saves_upon_a_version_that_is_not_there_is_told(engine, after):
    code = library.save(engine, "t", DRAFT)
    said, = faults(library.append, engine, code, DRAFT, after=after)
    assert "use 1 to 1" in said or after < 1 and "version 1 has been saved" in said
    assert library.entry(engine, code).newest == 1


def test_of_two_who_amend_at_once_the_second_is_told_and_nothing_is_overwritten(engine):
    code = library.save(engine, "t", DRAFT, "说明")
    library.amend(engine, code, "t", "甲写的", seen=("t", "说明"))
    library.amend(engine, code, "t", "甲写的", seen=("t", "说明"))  # pressed twice
    said, = faults(library.amend, engine, code, "乙取的名", "说明", seen=("t", "说明"))
    assert "updated meanwhile" in said and library.entry(engine, code)[2:4] == ("t", "甲写的")
    library.amend(engine, code, "乙取的名", "甲写的", seen=("t", "甲写的"))
    assert library.entry(engine, code)[2:4] == ("乙取的名", "甲写的")


def test_of_many_who_amend_at_once_all_but_one_are_told(engine):
    code = library.save(engine, "t", DRAFT)

    def amend(notes):
        while True:
            try:
                return library.amend(engine, code, "t", notes, seen=("t", ""))
            except BadInput as bad:
                if "locked" not in bad.faults[0].what.en:
                    return bad.faults[0].what.en

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(amend, map(str, range(8))))
    assert answers.count(None) == 1 and library.entry(engine, code).notes == str(answers.index(None))


def test_of_many_who_save_at_once_every_version_is_kept(engine):
    code = library.save(engine, "t", DRAFT)

    def save(name):
        after = 1
        while True:
            try:
                return library.append(engine, code, Draft(text=TEXT, note=name), after)
            except BadInput:
                after = library.entry(engine, code).newest

    names = [f"note {n}" for n in range(12)]
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(save, names))
    kept = {version.note: version.number for version in library.history(engine, code)}
    assert sorted(numbers) == list(range(2, 14))
    assert [kept[name] for name in names] == numbers


def test_processes_that_start_and_save_at_once_keep_everything(url):
    program = ("import sys; from store.database import ready; from store.library import Draft, save; "
               f"[save(ready(), sys.argv[1], Draft(text={TEXT!r})) for _ in range(5)]")
    running = [subprocess.Popen([sys.executable, "-c", program, f"process {n}"], cwd=ROOT,
                                env=os.environ | {"SANDBOX_DATABASE": url}, stderr=subprocess.PIPE, text=True)
               for n in range(2)]
    ended = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], ended
    made = database.database(url)
    assert [library.listed(made, f"process {n}")[1] for n in range(2)] == [5, 5]
    made.dispose()


def test_entries_are_renamed_deleted_and_brought_back(engine):
    code = library.save(engine, "旧名", DRAFT)
    library.amend(engine, code, "新名", "另一段说明", seen=("旧名", ""))
    library.delete(engine, code)
    assert library.listed(engine) == ([], 0) and library.listed(engine, deleted=True)[1] == 1
    assert "has been deleted" in faults(library.append, engine, code, DRAFT, after=1)[0]
    assert "has been deleted" in faults(library.amend, engine, code, "t", "", seen=("新名", "另一段说明"))[0]
    assert library.version(engine, code).text == TEXT  # a link given away still opens
    library.undelete(engine, code)
    (kept,), count = library.listed(engine)
    assert (kept.title, kept.notes, count) == ("新名", "另一段说明", 1)


def test_every_word_searched_for_must_occur_and_none_is_a_pattern(engine):
    for title, notes in (("Ceiling up", "for the bureau"), ("封顶线", "100% sure"), ("ceiling down", "")):
        library.save(engine, title, DRAFT, notes)
    titles = lambda search: {entry.title for entry in library.listed(engine, search)[0]}  # noqa: E731
    assert titles("ceiling") == {"Ceiling up", "ceiling down"} and titles("CEILING bureau") == {"Ceiling up"}
    assert titles("封顶") == {"封顶线"} and titles("100%") == {"封顶线"}
    assert titles("_") == set() and titles("\\") == set() and titles("x\0y") == set()


@pytest.mark.parametrize(("title", "searched"), [
    ("Ａ县Ⅱ型糖尿病方案", ["Ａ县", "A县", "a县", "Ⅱ型", "ii型", "Ａ县Ⅱ型糖尿病方案"]),
    ("Ärzte ÜBER Straße", ["Ärzte ÜBER", "ärzte", "ÜBER", "über", "STRASSE"]), ("ＡＢ１２％", ["ab12%", "ＡＢ"])])
def test_an_entry_is_found_by_its_own_words_whatever_their_capitals_and_widths(engine, title, searched):
    code = library.save(engine, title, DRAFT)
    other = library.save(engine, "另一个", DRAFT, title)
    author = library.save(engine, "再一个", Draft(text=TEXT, author=title))
    for search in searched:
        found, count = library.listed(engine, search)
        assert ([entry.code for entry in found], count) == ([author, other, code], 3), search
    library.amend(engine, code, "新名", "", seen=(title, ""))
    assert {entry.code for entry in library.listed(engine, searched[0])[0]} == {other, author}
    assert library.listed(engine, "新名 王某")[0][0].code == code


def test_ten_thousand_entries_are_listed_a_page_at_a_time(engine):
    row = {"notes": "", "author": "", "newest": 1, "created": database.now()}
    with database.writing(engine) as connection:
        connection.execute(sa.insert(library.entries),
                           [row | {"code": f"{n:010x}", "title": (text := f"entry {n}"), "folded": text}
                            for n in range(10_000)])
    asked = []
    sa.event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    first, count = library.listed(engine)
    last, _ = library.listed(engine, page=499)
    assert count == 10_000 and first[0].title == "entry 9999" and last[-1].title == "entry 0"
    assert len(first) == len(last) == library.PAGE
    selects = [text for text in asked if text.startswith("SELECT")]
    assert len(selects) == 4 and selects[1].count("LIMIT") == 1  # two a page, however many entries there are
    assert library.listed(engine, "entry 77")[1] == sum("77" in str(n) for n in range(10_000))


def test_the_clock_set_back_changes_no_order(engine, monkeypatch):
    later = library.save(engine, "first", DRAFT)
    monkeypatch.setattr(library, "now", lambda: database.now().replace(year=2000))
    library.save(engine, "second", DRAFT)
    library.append(engine, later, Draft(text=OTHER), after=1)
    assert [entry.title for entry in library.listed(engine)[0]] == ["second", "first"]
    assert [version.number for version in library.history(engine, later)] == [2, 1]


def test_an_entry_is_found_by_its_code_and_by_no_word_that_runs_on_into_the_next_text(engine):
    code = library.save(engine, "north", DRAFT.model_copy(update={"author": "Li"}), "ern plain")
    library.save(engine, "another", DRAFT)
    found = lambda word: [entry.code for entry in library.listed(engine, word)[0]]  # noqa: E731
    assert found(code) == found("north") == found("ern") == [code]
    assert found("northern") == found("plainli") == []


def test_a_deleted_entry_is_not_in_a_file(engine):
    code, deleted = filled(engine)
    library.delete(engine, deleted)
    assert [entry["code"] for entry in json.loads(exchange.exported(engine))["entries"]] == [code]


def test_reasons_their_names_and_the_model_are_bounded(engine):
    many = Draft(text=TEXT, rationale={f"lever {n}": "" for n in range(library.REASONS + 1)}, model="m" * 41)
    said = " ".join(faults(library.save, engine, "t", many))
    assert "there are too many reasons" in said and "model: has 41" in said
    assert "rationale: has 201" in faults(library.save, engine, "t", Draft(text=TEXT, rationale={"x" * 201: ""}))[0]
    assert library.listed(engine)[1] == 0


def test_what_cannot_be_kept_is_refused_with_every_fault(engine):
    long = Draft(text="x" * 200_001, rationale={"a": "y" * 1001}, author="\ud800", note="\0")
    said = " ".join(faults(library.save, engine, "  ", long))
    for part in ("title: is missing", "text: has 200001", "rationale.a: has 1001", "author: holds half",
                 "note: holds a null"):
        assert part in said
    assert "title: has 121" in faults(library.save, engine, "t" * 121, DRAFT)[0]
    assert library.listed(engine)[1] == 0


@pytest.mark.parametrize("code", ["", "0123456789", "../../etc/passwd", "x" * 10_000, "' OR 1=1 --", "\0", "\ud800",
                                  "\U0001f600" * 9])
def test_a_code_that_is_not_there_is_said(engine, code):
    said, = faults(library.version, engine, code)
    assert "there is no such entry" in said and said.encode()  # it can be printed
    assert faults(library.append, engine, code, DRAFT, after=1) == [said]
    assert faults(library.amend, engine, code, "t", "", seen=("", "")) == [said]


@pytest.mark.parametrize(("search", "said"), [("\ud800", "holds half a character"), ("x" * 60_000, "use at most 1000")])
def test_what_cannot_be_searched_for_is_said(engine, search, said):
    library.save(engine, "t", DRAFT)
    assert said in faults(library.listed, engine, search)[0]
    assert library.listed(engine, "\ufdfa%" * 500) == ([], 0)  # long when it is folded


@pytest.mark.parametrize("number", [0, -1, 2, 10**30])
def test_a_version_that_is_not_there_is_said(engine, number):
    code = library.save(engine, "t", DRAFT)
    assert "use 1 to 1" in faults(library.version, engine, code, number)[0]


# --- the file -----------------------------------------------------------------------------------------

def filled(engine):
    """A library with two entries, one of two versions."""
    code = library.save(engine, "甲", DRAFT, "说明")
    library.append(engine, code, Draft(text=OTHER, note="第二版"), after=1)
    return code, library.save(engine, "乙", DRAFT)


def contents(engine):
    """Everything of the library that a file carries."""
    return json.loads(exchange.exported(engine))["entries"]


def test_a_library_written_to_a_file_and_read_again_is_the_same(engine, tmp_path):
    filled(engine)
    text = exchange.exported(engine)
    other = database.database(f"sqlite:///{tmp_path / 'other.db'}")
    database.upgrade(other)
    assert exchange.imported(other, text.encode(), "l.json") == (2, 0, 0)
    assert exchange.exported(other) == text
    assert exchange.imported(other, text.encode(), "l.json") == (0, 2, 0)
    assert exchange.exported(other) == text


def test_an_entry_that_differs_stands_beside_and_a_deleted_one_returns(engine):
    code, deleted = filled(engine)
    text = exchange.exported(engine)
    text = text.replace("第二版", "另一个第二版")
    library.append(engine, code, DRAFT, after=2)
    library.delete(engine, deleted)
    assert exchange.imported(engine, text.encode(), "l.json") == (0, 1, 1)
    assert library.entry(engine, code).newest == 3 and library.entry(engine, deleted).deleted is None
    assert sorted(entry.newest for entry in library.listed(engine)[0]) == [1, 2, 3]
    assert exchange.imported(engine, text.encode(), "l.json") == (0, 2, 0)


def test_an_older_file_is_known_however_often_it_is_read(engine):
    code, _ = filled(engine)
    old = exchange.exported(engine).encode()
    library.append(engine, code, DRAFT, after=2)
    for _ in range(3):
        assert exchange.imported(engine, old, "l.json") == (0, 2, 0)
    assert [version.number for version in library.history(engine, code)] == [3, 2, 1]
    # One that differs is copied once; the copy is known even when it has gone on, and returns when it was deleted.
    library.amend(engine, code, "新名", "说明", seen=("甲", "说明"))
    assert exchange.imported(engine, old, "l.json") == (0, 1, 1)
    copy = library.listed(engine, "甲")[0][0].code
    library.append(engine, copy, DRAFT, after=2)
    library.delete(engine, copy)
    for _ in range(2):
        assert exchange.imported(engine, old, "l.json") == (0, 2, 0)
    assert library.listed(engine)[1] == 3 and library.entry(engine, copy).deleted is None


def test_spaces_around_names_make_no_copy(engine):
    filled(engine)
    data = json.loads(exchange.exported(engine))
    for entry in data["entries"]:
        entry["title"] += " "
        entry["versions"][0]["author"] += "\n"
    assert exchange.imported(engine, json.dumps(data).encode(), "l.json") == (0, 2, 0)


@pytest.mark.parametrize(("title", "notes"), [("甲（更正）", "说明"), ("甲", "说明（更正）")])
def test_an_entry_whose_title_or_notes_differ_stands_beside(engine, title, notes):
    code, _ = filled(engine)
    library.amend(engine, code, title, notes, seen=("甲", "说明"))
    text = exchange.exported(engine)
    library.amend(engine, code, "甲", "说明", seen=(title, notes))
    assert exchange.imported(engine, text.encode(), "l.json") == (0, 1, 1)
    assert {("甲", "说明"), (title, notes)} <= {(entry.title, entry.notes) for entry in library.listed(engine)[0]}
    assert library.entry(engine, code).title == "甲"


def spoilt(engine, **changes):
    """An exported file with one thing changed in its second entry, and a sound first one."""
    data = json.loads(exchange.exported(engine))
    kept = data["entries"][1]
    for path, value in changes.items():
        *way, last = path.split("__")
        place = kept
        for step in way:
            place = place[int(step) if step.isdigit() else step]
        place[last] = value
    return json.dumps(data).encode()


@pytest.mark.parametrize(("change", "said"), [
    ({"versions__0__text": "base: nowhere\n"}, "entries.1.versions.0.text: base: there is no scenario 'nowhere'"),
    ({"versions__0__text": OTHER.replace("ceiling", "cieling")}, "did you mean benefits.ceiling"),
    ({"versions__0__text": OTHER.replace("50000", "-1")}, "-1 is outside"),
    ({"versions__0__text": OTHER.replace("2010", "1990")}, "the year is not simulated"),
    ({"versions__0__text": "base: benxi_2008\nextra: 1\n"}, "extra: unknown key"),
    ({"versions__0__text": "base: [\n"}, "not valid YAML"),
    ({"versions__0__text": "- 1\n"}, "there is no scenario 'None'"),
    ({"versions__0__text": "base: benxi_2008\nchanges: 3\n"}, "is not a list of changes"),
    ({"versions__0__text": "base: benxi_2008\nassumptions:\n  - {assumption: people.selekt, low: 1, high: 2}\n"},
     "people.selekt: unknown name"),
    ({"versions__0__text": TEXT, "versions__0__kind": "scenario"}, "entries.1.versions.0.text"),
    ({"versions__0__kind": "recipe"}, "entries.1.versions.0.kind: 'recipe' will not do"),
    ({"versions__0__colour": "red"}, "entries.1.versions.0.colour: unknown key"),
    ({"versions__0__restored": 1}, "entries.1.versions.0.restored: is not an earlier version"),
    ({"versions__0__created": "yesterday"}, "entries.1.versions.0.created"),
    ({"versions__0__created": "0001-01-01T00:00:00+14:00"}, "entries.1.versions.0.created"),
    ({"versions__0__note": "\ud800"}, "entries.1.versions.0.note"),
    ({"versions__0__rationale": {"a": "x" * 1001}}, "entries.1.versions.0.rationale.a: has 1001"),
    ({"versions": []}, "entries.1.versions"),
    ({"title": "\n"}, "entries.1.title: is missing"), ({"code": "../x"}, "entries.1.code"), ({"titel": "x"}, "title"),
])
def test_of_a_damaged_file_nothing_is_taken_in(engine, change, said):
    filled(engine)
    content = spoilt(engine, **change)
    for entry in library.listed(engine)[0]:
        library.delete(engine, entry.code)
    sentences = faults(exchange.imported, engine, content, "l.json")
    assert any(sentence.startswith("l.json: ") and said in sentence for sentence in sentences), sentences
    assert library.listed(engine)[1] == 0


@pytest.mark.parametrize("content", [
    b"", b"\xff\xfe", b"[1]", b"{", b"[" * 100_000, b'{"library": NaN}', b'{"library": 1, "library": 1}',
    b"PK\x03\x04"])
def test_what_is_no_library_file_is_said(engine, content):
    assert "is damaged" in faults(exchange.imported, engine, content, "l.json")[0]


def test_files_of_another_form_too_large_or_with_one_code_twice_are_refused(engine, monkeypatch):
    filled(engine)
    text = exchange.exported(engine)
    later = text.replace('"library": 1', '"library": 2').encode()
    assert "'2' is not a form" in faults(exchange.imported, engine, later, "l.json")[0]
    data = json.loads(text)
    data["entries"][1]["code"] = data["entries"][0]["code"]
    assert "is that of entries.0 too" in faults(exchange.imported, engine, json.dumps(data).encode(), "l.json")[0]
    monkeypatch.setattr(exchange, "LARGEST", 100)
    assert "larger than" in faults(exchange.imported, engine, text.encode(), "l.json")[0]


def test_a_whole_scenario_file_is_kept_as_it_is(engine):
    text = (ROOT / "scenarios" / "benxi_2008.yaml").read_text(encoding="utf-8")
    exchange.readable(Draft(text=text, kind="scenario"), "benxi_2008.yaml")
    code = library.save(engine, "t", Draft(text=text, kind="scenario"))
    assert library.version(engine, code).text == text
    spoilt_text = text.replace("first_year: 2008", "first_year: x")
    own = Draft(text=spoilt_text, kind="scenario")
    assert "own.yaml: first_year" in faults(exchange.readable, own, "own.yaml")[0]


# --- backup -------------------------------------------------------------------------------------------

def test_a_backup_brings_back_everything(engine, tmp_path):
    code, other = filled(engine)
    library.delete(engine, other)
    file, before = tmp_path / "copy.db", contents(engine)
    assert backup.backup(engine, file) == backup.rows(engine) == 5
    assert not list(tmp_path.glob("*.part*"))
    library.append(engine, code, DRAFT, after=2)
    library.save(engine, "later", DRAFT)
    assert "would be replaced" in faults(backup.bring_back, engine, file)[0]
    assert backup.bring_back(engine, file, replace=True) == 5
    assert contents(engine) == before and library.listed(engine, deleted=True)[0][0].code == other
    assert library.append(engine, code, DRAFT, after=2) == 3  # rows written after are numbered on
    assert library.listed(engine)[0][0].code == code and library.save(engine, "new", DRAFT)


def test_a_backup_that_is_none_is_refused_and_one_that_exists_is_not_overwritten(engine, tmp_path):
    filled(engine)
    before, file = contents(engine), tmp_path / "file"
    assert "no such file" in faults(backup.bring_back, engine, file, replace=True)[0]
    file.write_bytes(b"no database at all" * 100)
    assert "is not a database" in faults(backup.bring_back, engine, file, replace=True)[0]
    assert "is there already" in faults(backup.backup, engine, file)[0]
    file.write_bytes(b"")
    assert "is not a backup" in faults(backup.bring_back, engine, file, replace=True)[0]
    assert "cannot be written" in faults(backup.backup, engine, file / "copy.db")[0]  # in a file, not a folder
    assert contents(engine) == before


@pytest.mark.parametrize("folder", ["in use", "left by a crash", "50% #1"])
def test_a_file_that_is_in_use_is_brought_back_with_what_its_log_holds(engine, tmp_path, folder):
    place = tmp_path / folder
    live = database.database(f"sqlite:///{place / 'live.db'}")
    database.upgrade(live)
    with live.connect():  # whoever goes last writes the log into the file
        code = library.save(live, "in the log", DRAFT)
        file = place / "live.db"
        if folder == "left by a crash":
            file = tmp_path / "left.db"
            for end in ("", "-wal"):
                shutil.copyfile(place / f"live.db{end}", f"{file}{end}")
        assert file.with_name(f"{file.name}-wal").stat().st_size
        before = {one.name: one.read_bytes() for one in file.parent.glob(f"{file.stem}.db*") if one.suffix != ".db-shm"}
        assert backup.bring_back(engine, file) == 2
        assert library.entry(engine, code).title == "in the log"
        assert all(file.with_name(name).read_bytes() == content for name, content in before.items())
    live.dispose()


def test_a_backup_that_is_brought_back_is_only_read(engine, tmp_path):
    filled(engine)
    assert backup.backup(engine, tmp_path / "copy.db") == backup.bring_back(engine, tmp_path / "copy.db", replace=True)
    assert sorted(one.name for one in tmp_path.glob("copy*")) == ["copy.db"]


# --- the database itself ------------------------------------------------------------------------------

def test_tables_are_what_the_migrations_make(engine):
    with database.reading(engine) as connection:
        ours = lambda name, kind, _: kind != "table" or name in database.metadata.tables  # noqa: E731
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": ours})
        assert compare_metadata(context, database.metadata) == []


def test_a_database_of_the_first_version_is_brought_up_and_keeps_what_it_holds(url):
    made = database.database(url)
    with database.writing(made) as connection:
        database.with_connection(connection, lambda config: command.upgrade(config, "0001"))
        connection.execute(sa.text("INSERT INTO library_entry (code, title, notes, author, newest, created) "
                                   "VALUES ('0123456789', 'Ä', 'Ⅱ型', '王某', 1, '2026-09-01')"))
        connection.execute(sa.insert(library.versions).values(**library.row_of(DRAFT, 1), entry=1))
    assert database.version(made) == "0001"
    database.upgrade(made)
    assert database.version(made) == database.newest()
    assert library.version(made, "0123456789").text == TEXT
    assert library.listed(made, "ä ii 王某")[1] == 1
    with database.writing(made) as connection:
        database.with_connection(connection, lambda config: command.downgrade(config, "base"))
    assert database.version(made) is None
    made.dispose()


def test_a_database_of_a_newer_program_is_left_alone(engine):
    with database.writing(engine) as connection:
        connection.execute(sa.text(f"UPDATE {database.VERSION_TABLE} SET version_num = '9999'"))
    assert "newer version of this program" in faults(database.upgrade, engine)[0]


def test_nothing_of_a_transaction_that_fails_is_kept(engine):
    with pytest.raises(ZeroDivisionError), database.writing(engine) as connection:
        connection.execute(sa.insert(library.entries).values(code="a", title="t", notes="", author="", newest=0,
                                                             created=database.now()))
        raise ZeroDivisionError
    assert library.listed(engine)[1] == 0


def test_a_version_of_no_entry_cannot_be_written(engine):
    with pytest.raises(sa.exc.IntegrityError), database.writing(engine) as connection:
        connection.execute(sa.insert(library.versions).values(**library.row_of(DRAFT, 1), entry=99))


@on_file
def test_a_locked_database_is_said_and_readers_do_not_wait(engine):
    code = library.save(engine, "t", DRAFT)
    other = sqlite3.connect(engine.url.database)
    other.execute("BEGIN IMMEDIATE")
    assert "is locked" in faults(library.append, engine, code, DRAFT, after=1)[0]
    assert library.version(engine, code).number == 1
    other.rollback()
    other.close()
    assert library.append(engine, code, DRAFT, after=1) == 2


@on_file
def test_who_writes_waits_for_another(engine):
    patient = database.database(str(engine.url), patience=60)
    other = sqlite3.connect(engine.url.database, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(2 * SOON, other.rollback).start()
    assert library.save(patient, "t", DRAFT)
    patient.dispose()
    other.close()


@on_file
@pytest.mark.parametrize(("make", "said"), [
    (lambda path: path.mkdir(), "cannot be opened"),
    (lambda path: path.write_bytes(b"These are not the bytes of a database." * 50), "is not a database"),
])
def test_what_is_no_database_is_said(tmp_path, make, said):
    path = tmp_path / "sandbox.db"
    make(path)
    assert said in faults(database.upgrade, database.database(f"sqlite:///{path}"))[0]


@on_file
def test_a_damaged_database_is_said(engine):
    filled(engine)
    engine.dispose()
    path = Path(engine.url.database)
    path.write_bytes(path.read_bytes()[:4096] + b"\x5a" * 8192)
    assert "damaged" in faults(library.listed, engine)[0]


@on_file
def test_a_full_disk_and_a_read_only_database_are_said(engine):
    code = library.save(engine, "t", DRAFT)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1"))
    assert "disk is full" in faults(library.append, engine, code, DRAFT.model_copy(update={"text": "x" * 100_000}),
                                    after=1)[0]
    assert library.entry(engine, code).newest == 1
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA query_only=ON"))
    assert "read-only" in faults(library.append, engine, code, DRAFT, after=1)[0]


@pytest.mark.parametrize(("url", "said"), [
    ("nonsense", "is not a database URL"), ("oracle9://a:secret@b/c", "is not a database URL"),
    ("mssql+pymssql://a:secret@b/c", "pymssql is not installed")])
def test_a_url_that_cannot_be_used_is_said_without_its_password(url, said):
    sentence, = faults(database.database, url)
    assert said in sentence and "secret" not in sentence


def test_a_file_is_made_with_its_folder_where_nothing_else_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv(database.VARIABLE)
    monkeypatch.setattr(database, "FILE", tmp_path / "new" / "sandbox.db")
    made = database.ready()
    assert library.listed(made) == ([], 0) and (tmp_path / "new" / "sandbox.db").exists()
    assert database.ready() is made
    made.dispose()


# --- the command line ---------------------------------------------------------------------------------

def test_the_command_lists_exports_imports_backs_up_and_restores(url, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(database.VARIABLE, url)

    def said(*arguments):
        assert main(["library", *map(str, arguments), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert said("list") == []
    code, _ = filled(database.ready())
    assert [entry["title"] for entry in said("list", "--search", "说明")] == ["甲"]
    said("export", tmp_path / "l.json")
    said("backup", tmp_path / "b.db")
    library.append(database.ready(), code, DRAFT, after=2)
    assert said("import", tmp_path / "l.json") == {"added": 0, "known": 2, "copied": 0}
    assert main(["library", "restore", str(tmp_path / "b.db")]) == 2
    assert said("restore", tmp_path / "b.db", "--replace")["rows"] == 5
    assert len(said("list")) == 2
    for wrong in (["export"], ["import", tmp_path / "none.json"], ["import", tmp_path], ["burn"],
                  ["export", tmp_path / "no" / "l.json"]):
        assert main(["library", *map(str, wrong)]) == 2
    capsys.readouterr()
    database.ready().dispose()


def test_other_commands_do_not_wait_for_the_database():
    code = "import sys, simulation.__main__; print(*sorted({'sqlalchemy', 'alembic'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == ""
