"""Power cuts, full disks and broken files: what was saved is whole, what cannot be done is one clear sentence."""

import ast
import asyncio
import os
import re
import resource
import sqlite3
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from report import typeface
from simulation import simulate
from simulation.__main__ import main
from simulation.runs import read_kept, save_run
from simulation.terms import LANGUAGES, BadInput
from simulation.writing import whole, write
from store import backup, database, library, rooms
from store.library import Draft
from tests.coarse import coarse
from tests.screen import CEILING, ROOT, app, few_draws
from tests.screens import healthy
from tests.test_deploy import free_port
from tests.test_ui_library import click, edited
from ui.view import to_file, view_of

HAN = re.compile("[\u4e00-\u9fff]")
HOST, PATIENCE = "127.0.0.1", 60  # seconds, on a machine with other work
TEXT = to_file(view_of("benxi_2008", 2010, [(CEILING, 40000)]))
OTHER = to_file(view_of("benxi_2008", 2010, [(CEILING, 50000)]))
ROUNDS = 20  # of killing: each at another moment

fewer_histories = pytest.fixture(scope="module", autouse=True)(coarse)


def intact(url):
    """SQLite's own check of a database, and that each entry has as many versions as it says, each of them whole."""
    engine = database.database(url)
    with database.reading(engine) as connection:
        assert connection.execute(sa.text("PRAGMA integrity_check")).scalar_one() == "ok"
        assert not connection.execute(sa.text("PRAGMA foreign_key_check")).all()
    for entry in library.listed(engine, size=library.MANY)[0]:
        numbers = [version.number for version in library.history(engine, entry.code)]
        assert numbers == list(range(entry.newest, 0, -1))
    return engine


def sentence(act, *arguments):
    """The one fault with which something is refused, in each language, complete and in that language alone."""
    with pytest.raises(BadInput) as caught:
        act(*arguments)
    fault, = caught.value.faults
    assert HAN.search(fault.what["zh"]) and HAN.search(fault.remedy["zh"])
    assert not HAN.search(fault.what["en"]) and fault.remedy["en"]
    return fault.sentence("en")


# --- killed in the midst of writing -------------------------------------------------------------------

KILLED = '''
import os, random, signal, sys, time
{prepare}
chance = random.Random(1)
for turn in range({rounds}):
    told, tell = os.pipe()
    if not (child := os.fork()):
        n = 0
        while True:
            {act}
            n += 1
            os.write(tell, f"{{done}}\\n".encode())
    os.close(tell)
    first = os.read(told, 1)  # it has begun
    time.sleep(chance.uniform(0, {longest}))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(told, "rb") as rest:
        lines = (first + rest.read()).decode().split("\\n")[:-1]
    {look}
'''


def killed(prepare, act, look, longest):
    """Do something again and again in a process that is killed, twenty times; what `look` prints each time."""
    program = KILLED.format(prepare=prepare, act=act, look=look, longest=longest, rounds=ROUNDS)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_save_is_whole_or_absent_wherever_the_program_is_killed(tmp_path):
    url = f"sqlite:///{(tmp_path / 'sandbox.db').as_posix()}"
    made = database.database(url)
    database.upgrade(made)
    made.dispose()
    told = killed(
        "from store import database, library; from store.library import Draft",
        f"engine = n and engine or database.database({url!r}); done = library.save(engine, 't', Draft(text='x' * "
        "150_000)); library.append(engine, done, Draft(text='y' * 150_000), after=1)",
        "print(*lines)", longest=0.05)
    engine = intact(url)
    kept = {entry.code: entry.newest for entry in library.listed(engine, size=library.MANY)[0]}
    assert len(told) >= ROUNDS and all(kept[code] == 2 for code in told)  # nothing that was told as saved is lost
    assert len(kept) <= len(told) + ROUNDS  # at most the one under way
    assert {len(library.version(engine, code, number).text) for code, newest in kept.items()
            for number in range(1, newest + 1)} == {150_000}
    engine.dispose()


def test_a_file_is_whole_or_as_it_was_wherever_the_program_is_killed(tmp_path):
    path = tmp_path / "a.zip"
    write(path, b"x" * 2_000_000)
    found = killed(
        "from pathlib import Path; from simulation.writing import write",
        f"write(Path({str(path)!r}), (b'y' if n % 2 else b'x') * 2_000_000); done = n",
        f"content = Path({str(path)!r}).read_bytes(); print(len(content), len(set(content)))", longest=0.02)
    assert found == ["2000000", "1"] * ROUNDS


def test_a_run_folder_with_a_manifest_is_whole_wherever_the_program_is_killed(tmp_path):
    folder = tmp_path / "run"
    found = killed(
        "from pathlib import Path; from simulation import simulate; from simulation.runs import files_of, save_run;"
        "results = [simulate('benxi_2008', 16, seed, 'table') for seed in (1, 2)];"
        f"folder = Path({str(folder)!r}); written = [files_of(result) for result in results]",
        "save_run(results[n % 2], folder); done = n",
        "there = {path.name: path.read_text(encoding='utf-8') for path in folder.iterdir() if path.suffix != '.part'};"
        "print('whole' if there in written else 'mixed' if 'manifest.json' in there else 'none')", longest=0.02)
    assert set(found) <= {"whole", "none"} and "whole" in found and len(found) == ROUNDS


# --- a full disk --------------------------------------------------------------------------------------

@contextmanager
def full_after(size):
    """Let the system refuse every file beyond so many bytes, as a full disk or a quota does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


COMMANDS = {
    "run.zip": ("run", "benxi_2008", "--draws", "16", "--out"), "run": ("run", "benxi_2008", "--draws", "16", "--out"),
    "account.csv": ("account", "benxi_2008", "--draws", "16", "--out"),
    "sweep.csv": ("sweep", "benxi_2008", "--draws", "16", "--vary", "benefits.ceiling=20000:60000:9", "--out"),
    "library.json": ("library", "export")}


@pytest.mark.parametrize("name", COMMANDS)
def test_on_a_full_disk_every_command_says_so_and_leaves_what_was_there(name, tmp_path, capsys, monkeypatch, url):
    monkeypatch.setenv(database.VARIABLE, url)
    if name == "library.json":
        library.save(database.ready(), "t", Draft(text="x" * 20_000))
    place = tmp_path / name
    if name == "run":
        save_run(simulate("benxi_2008", 16, 7, "table"), place)
        before = read_kept(place)
    else:
        place.write_bytes(b"before")
    with full_after(3000):
        assert main([*COMMANDS[name], str(place)]) == 2
    said = capsys.readouterr().err
    assert "the disk is full; make room and try again" in said.splitlines()[-1] and "Traceback" not in said
    if name == "run":
        assert read_kept(place) == before
    else:
        assert place.read_bytes() == b"before"
    assert not [path for path in tmp_path.rglob("*.part")]
    database._engine(url).dispose()


def test_a_full_disk_is_said_of_a_backup_and_of_a_library_that_is_only_read(tmp_path, engine):
    for _ in range(5):
        library.save(engine, "t", Draft(text="x" * 20_000))
    engine.dispose()
    with full_after(3000):  # SQLite needs more than that to read, too
        assert "the disk is full; make room" in sentence(library.listed, engine)
    with full_after(100_000):
        assert "copy.db: the disk" in sentence(backup.backup, engine, tmp_path / "copy.db")
    assert not list(tmp_path.glob("*copy.db*"))  # neither half a copy nor anything of SQLite's
    assert backup.backup(engine, tmp_path / "copy.db") == backup.rows(engine)


def test_no_command_writes_a_file_in_another_way():
    """`account` and `sweep` write a table piece by piece, to where `whole` says."""
    for path in (ROOT / "simulation" / "commands").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        called = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        names = {getattr(node.func, "attr", "") for node in called}
        assert not names & {"write_text", "write_bytes"} and "open" not in {ast.unparse(node.func) for node in called}
        piecewise = {"running.py": "to_csv(part", "sweeping.py": "part.open("}
        assert ("whole(" in ast.unparse(tree)) == (path.name in piecewise)
        assert piecewise.get(path.name, "") in ast.unparse(tree)


def test_what_is_refused_leaves_nothing_behind(tmp_path):
    (tmp_path / "folder").mkdir()
    assert "cannot be written: it is a folder" in sentence(write, tmp_path / "folder", b"x")
    nowhere = tmp_path / "none"
    assert f"cannot be written: there is no folder {nowhere};" in sentence(write, nowhere / "a", b"x")
    with pytest.raises(KeyboardInterrupt), whole(tmp_path / "a") as part:
        part.write_bytes(b"half")
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_link_and_a_pipe_are_written_through(tmp_path):
    real, link, pipe = tmp_path / "real", tmp_path / "link", tmp_path / "pipe"
    real.write_bytes(b"before")
    real.chmod(0o640)
    link.symlink_to(real)
    write(link, b"after")
    assert link.is_symlink() and real.read_bytes() == b"after" and real.stat().st_mode & 0o777 == 0o640
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write(pipe, b"through")
    assert os.read(reader, 10) == b"through"
    os.close(reader)


# --- faults of the database, on the pages ---------------------------------------------------------------

@pytest.fixture
def served(url, monkeypatch):
    """A library with an entry of two versions; its code."""
    monkeypatch.setenv(database.VARIABLE, url)
    monkeypatch.setattr(database, "PATIENCE", 0.2)
    few_draws(monkeypatch, 64)
    code = library.save(database.ready(), "提高封顶线", Draft(text=TEXT), "备注")
    library.append(database.ready(), code, Draft(text=OTHER), after=1)
    yield code
    database._engine(url).dispose()


def fill(engine):
    """Let SQLite have no further page."""
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1"))


def lock(engine):
    """Let somebody else write for ever."""
    other = sqlite3.connect(engine.url.database)
    other.execute("BEGIN IMMEDIATE")
    return other


def only_read(engine):
    """Let nobody write."""
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA query_only=ON"))


SAYINGS = {fill: ("磁盘已满", "the disk is full; make room"),
           lock: ("数据库正被占用", "locked by someone who is writing; try again"),
           only_read: ("数据库只读", "read-only; check the rights")}


@pytest.mark.parametrize(("fault", "language"), [(fill, "zh"), (lock, "en"), (only_read, "zh")])
def test_a_save_that_fails_is_said_on_the_page_and_what_is_typed_stays(served, fault, language):
    at = edited(language)
    at.text_input(key="shelf.title").set_value("t").run()
    at.text_area(key="shelf.notes").set_value("x" * 4000).run()
    held = fault(database.ready())
    click(at, "save")
    assert SAYINGS[fault][language == "en"] in at.warning[0].value
    assert at.text_input(key="shelf.title").value == "t" and len(at.text_area(key="shelf.notes").value) == 4000
    assert dict(at.session_state["view"].edits) == {CEILING: 40000}
    assert held is None or held.close() is None
    assert [entry.newest for entry in library.listed(database.ready())[0]] == [2]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_damaged_database_is_said_on_every_page_that_needs_it_and_the_others_work(served, url, language):
    database.ready().dispose()
    database._ready.cache_clear()
    path = Path(sa.make_url(url).database)
    path.write_bytes(path.read_bytes()[:4096] + b"\x5a" * 8192)
    said = {"zh": "不是数据库文件，或已损坏", "en": "is not a database, or is damaged; use another file"}[language]
    at = app(language, scenario=None, saved=served)  # a link to what was saved there
    assert said in at.warning[0].value and not at.exception and at.metric
    for name in ("library", "classroom"):
        at.switch_page(f"ui/pages/{name}.py").run()
        assert not at.exception and any(said in warning.value for warning in at.warning), name
    database._ready.cache_clear()


def test_a_database_that_can_only_be_read_opens_and_refuses_to_be_written(served, url):
    path = Path(sa.make_url(url).database)
    engine = database.database(f"sqlite:///file:{path.as_posix()}?mode=ro&uri=true")
    database.upgrade(engine)
    assert library.entry(engine, served).newest == 2
    assert "read-only" in sentence(library.append, engine, served, Draft(text=TEXT), 2)
    engine.dispose()
    assert not Path("file:").exists()  # no folder is made of what is no path


def test_the_clock_set_back_changes_no_order_of_a_class(engine, monkeypatch):
    room, key = rooms.open_room(engine, "t", TEXT, 3, 3, True)
    token = rooms.join(engine, room.code, "a")
    monkeypatch.setattr(rooms, "now", lambda: database.now().replace(year=2000))
    rooms.submit(engine, room.code, token, OTHER)
    rooms.advance(engine, room.code, key, 1)
    happened = rooms.happened(engine, room)
    assert [(event.number, event.kind) for event in happened] == [(1, "joined"), (2, "submitted"), (3, "round")]
    assert happened[0].created > happened[1].created


# --- a missing typeface -------------------------------------------------------------------------------

@pytest.mark.parametrize("spoil", [
    lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:99_999]),
    lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"x" * 999)])
def test_a_missing_or_damaged_typeface_is_said(tmp_path, spoil):
    path = tmp_path / "font.ttf"
    path.write_bytes(typeface.FONT.read_bytes())
    assert typeface.sound(path) == path
    typeface.sound.cache_clear()
    spoil(path)
    assert "the typeface is missing or damaged" in sentence(typeface.sound, path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_the_typeface_charts_stay_on_the_page_and_their_data_can_be_had(tmp_path, language, monkeypatch):
    few_draws(monkeypatch, 64)
    monkeypatch.setattr(typeface, "FONT", tmp_path / "none.ttf")
    at = app(language)
    said = {"zh": "字体文件缺失或损坏", "en": "the typeface is missing or damaged"}[language]
    assert not at.exception and any(said in warning.value for warning in at.warning)
    forms = {button.key.partition(".")[0] for button in at.get("download_button")}
    assert forms >= {"csv", "parquet", "xlsx"} and not forms & {"png", "svg"}


# --- the server killed --------------------------------------------------------------------------------

class Visitor:
    """Somebody at a browser, as far as the server can tell: asks for runs of the page and hears what it sends."""

    def __init__(self, wire, query):
        self.wire, self.query, self.session = wire, query, ""
        self.pages, self.elements, self.states = {}, {}, {}

    async def ask(self, page="", **states):
        """Ask for a run of a page with widgets in some states, by their keys; see `heard`."""
        message = BackMsg()
        run = message.rerun_script
        run.query_string, run.page_script_hash, run.context_info.locale = self.query, self.pages.get(page, ""), "en-GB"
        for key, value in (self.states | states).items():
            state = run.widget_states.widgets.add(id=self.elements[key].id)
            setattr(state, "trigger_value" if value is True else "string_value", value)
        self.states |= {key: value for key, value in states.items() if value is not True}
        await self.wire.send(message.SerializeToString())

    async def heard(self, until):
        """Take in what the server sends up to the first message of a kind; whether it is of the kind `until`."""
        async with asyncio.timeout(PATIENCE):
            while True:
                got = ForwardMsg()
                got.ParseFromString(await self.wire.recv())
                kind = got.WhichOneof("type")
                if kind == "navigation":
                    self.pages = {page.url_pathname: page.page_script_hash for page in got.navigation.app_pages}
                elif kind == "new_session":
                    self.session = got.new_session.initialize.session_id
                elif kind == "page_info_changed":
                    self.query = got.page_info_changed.query_string
                elif kind == "delta" and (element := got.delta.new_element).WhichOneof("type"):
                    kind = element.WhichOneof("type")
                    found = getattr(element, kind)
                    if getattr(found, "id", ""):
                        self.elements[found.id.rsplit("-", 1)[-1]] = found
                if kind == until:
                    return got

    async def visit(self, page="", **states):
        """A page with all that is on it; how the last one ended is of no interest."""
        await self.ask(page, **states)
        while (await self.heard("script_finished")).script_finished != ForwardMsg.FINISHED_SUCCESSFULLY:
            pass

    async def arrive(self, page):
        """A page, as soon as the front page has said where it is."""
        await self.ask()
        await self.heard("navigation")
        await self.visit(page)


@contextmanager
def running(port, url):
    """The real server on a port of this machine, until it is killed."""
    command = [sys.executable, "-m", "streamlit", "run", "server.py", "--server.address", HOST,
               "--server.port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env=os.environ | {database.VARIABLE: url})
    try:
        begun = time.monotonic()
        while not healthy(port):
            assert server.poll() is None and time.monotonic() < begun + PATIENCE
            time.sleep(0.05)
        yield server
    finally:
        server.kill()
        server.wait(20)


@asynccontextmanager
async def visiting(port, query):
    """A visitor at a link."""
    async with websockets.connect(f"ws://{HOST}:{port}/_stcore/stream", max_size=None) as wire:
        yield Visitor(wire, query)


VERSIONS = 15_000
EDITED = f"scenario=benxi_2008&from=2010&{CEILING}=40000&lang=en"


async def in_a_run_and_an_export(port, server):
    """Kill it when the quick answer is there and the stable one is not, and while a file is being made."""
    moved = EDITED.replace("40000", "45000")
    async with visiting(port, moved) as one, visiting(port, EDITED) as other:
        await other.arrive("library")
        message = BackMsg()
        asked = message.backend_operation_request
        asked.request_id, asked.session_id = "1", other.session
        asked.deferred_file.file_id = other.elements["shelf.download"].deferred_file_id
        await one.ask()
        await one.heard("plotly_chart")
        await other.wire.send(message.SerializeToString())
        await asyncio.sleep(0.05)  # the file takes seconds, and the page has more charts
        server.kill()
        for visitor, answer in ((one, "script_finished"), (other, "backend_operation_response")):
            with pytest.raises(websockets.ConnectionClosed):
                await visitor.heard(answer)


async def in_a_save(port, server, file):
    """Kill it as soon as the first bytes of what it saves are in the database's log."""
    async with visiting(port, EDITED) as one:
        await one.arrive("library")
        await one.visit("library", **{"shelf.title": "cut off"})
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # so that it stands before its first write
        await one.ask("library", **{"shelf.do.save": True})
        await one.heard("new_session")
        log = Path(f"{file}-wal")
        size, begun = log.stat().st_size, time.monotonic()
        other.execute("ROLLBACK")
        while log.stat().st_size == size and time.monotonic() < begun + PATIENCE:
            pass
        server.kill()
        assert log.stat().st_size > size
        other.close()


def test_after_the_server_is_killed_everything_saved_is_there_and_the_link_opens_the_view(tmp_path):
    file = tmp_path / "sandbox.db"
    url = f"sqlite:///{file.as_posix()}"
    engine = database.database(url)
    database.upgrade(engine)
    code = library.save(engine, "kept", Draft(text=TEXT, rationale={CEILING: "incomes have grown"}))
    library.append(engine, code, Draft(text=OTHER), after=1)
    large = library.save(engine, "large", Draft(text=TEXT))
    with database.writing(engine) as connection:  # so many versions that an export takes seconds
        connection.execute(sa.update(library.entries).where(library.entries.c.code == large).values(newest=VERSIONS))
        connection.execute(sa.insert(library.versions), [library.row_of(Draft(text=TEXT), n) | {"entry": 2}
                                                         for n in range(2, VERSIONS + 1)])
    room, key = rooms.open_room(engine, "class", TEXT, 3, 3, True)
    token = rooms.join(engine, room.code, "a")
    number = rooms.submit(engine, room.code, token, OTHER)
    rooms.record(engine, room.code, "a", number, 0, {"partial": 1})
    engine.dispose()
    port = free_port()
    with running(port, url) as server:
        asyncio.run(in_a_run_and_an_export(port, server))
    intact(url).dispose()
    with running(port, url) as server:
        asyncio.run(in_a_save(port, server, file))
    engine = intact(url)
    entries = library.listed(engine, size=library.MANY)[0]
    assert {entry.title for entry in entries} - {"cut off"} == {"kept", "large"}
    assert len(entries) in (2, 3)  # what was being saved is there whole, or not at all
    assert library.version(engine, code, 1).rationale == {CEILING: "incomes have grown"}
    assert [event.kind for event in rooms.happened(engine, room)] == ["joined", "submitted", "result"]
    assert rooms.seat(engine, room.code, key).facilitator and rooms.seat(engine, room.code, token).team == "a"
    assert rooms.submit(engine, room.code, token, TEXT) == 4
    engine.dispose()

    async def back():
        for query in (f"saved={code}&version=1", EDITED):  # a link given away, and the address one was at
            async with visiting(port, query) as one:
                await one.ask()
                await one.heard("metric")
                assert f"{CEILING}=40000" in one.query and "from=2010" in one.query

    with running(port, url):
        asyncio.run(back())
