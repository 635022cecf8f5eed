"""What whoever runs a server needs: its log, health and version, its container, and an install without internet."""

import asyncio
import configparser
import http.client
import importlib.metadata
import json
import logging
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import websockets
from streamlit.testing.v1 import AppTest

from bench.load import HOST, Session, events, served
from bench.pages import pages
from report import cards
from run import venv_python
from simulation import __version__
from simulation.__main__ import main as command
from simulation.terms import LANGUAGES
from store import health as of_store
from store.database import ready
from tests.coarse import coarse
from tests.screen import CEILING, app, few_draws
from ui import logs, runs
from ui.turns import Claims, Drawing, Places
from ui.view import view_of

ROOT = Path(__file__).resolve().parent.parent
RECIPE = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
SECRETS = ("Zhang", "张三", "0.77123", "ward")  # what a reader types
GROWTH = "utilisation.cost_growth"

fewer_histories = pytest.fixture(scope="module", autouse=True)(coarse)


@pytest.fixture
def lines():
    """What is logged, line by line."""
    handler, found = logging.Handler(logging.INFO), []
    handler.setFormatter(logs.Line())
    handler.emit = lambda record: found.append(handler.format(record))
    logs.logger.addHandler(handler)
    before = logs.logger.level
    logs.logger.setLevel(logging.INFO)
    yield found
    logs.logger.setLevel(before)
    logs.logger.removeHandler(handler)


def of(lines, name):
    return [event for event in map(json.loads, lines) if event["event"] == name]


# ---- the log -----------------------------------------------------------------------------------

def test_nothing_that_a_reader_types_is_in_the_log(lines, url, monkeypatch):
    monkeypatch.setenv("SANDBOX_DATABASE", url)
    few_draws(monkeypatch, 64)
    at = app("en", show=[CEILING], **{"from": "2010", CEILING: "40000", GROWTH: "0.02..0.05; Zhang, ward 3",
                                      "benefits.Zhang": "1", "张三": "ward", "lang": "Zhang"})
    at.number_input(key=CEILING).set_value(41000.0).run()
    at.switch_page("ui/pages/library.py").run()
    at.text_input(key="shelf.title").set_value("张三 ward 3").run()
    at.text_input(key=f"shelf.reason.{CEILING}").set_value("Zhang").run()
    at.text_area(key="shelf.notes").set_value("0.77123 for Zhang").run()
    at.button(key="shelf.do.save").click().run()
    assert at.success and not at.exception
    text = "\n".join(lines)
    assert not [secret for secret in SECRETS if secret in text]
    assert [event["place"] for event in of(lines, "refused")] == ["lang", "benefits", "elsewhere"]
    assert {event["page"] for event in of(lines, "page")} == {"overview", "library"}
    assert len({event["session"] for event in map(json.loads, lines)}) == 1
    ready.__globals__["_ready"].cache_clear()


def test_a_page_says_how_long_it_took_and_whether_it_had_to_compute(lines, monkeypatch):
    few_draws(monkeypatch, 64)
    runs.answers.clear()
    at = app("zh")
    at.run()
    first, again = of(lines, "page")[0], of(lines, "page")[-1]
    assert first["turns"] >= 1 and again["turns"] == 0, "an answer that is kept costs no turn"
    assert first["language"] == "zh" and first["outcome"] in ("whole", "cut") and first["ms"] >= first["waited_ms"]
    assert set(first) == {"time", "level", "event", *logs.FIELDS["page"]}


def test_a_fault_is_logged_with_its_place_and_without_its_words(lines):
    def fails():
        raise ValueError("Zhang, ward 3")

    try:
        fails()
    except ValueError as error:
        number = logs.fault(error)
    (event,) = of(lines, "fault")
    assert (event["number"], event["kind"], event["level"]) == (number, "ValueError", "error")
    assert event["trace"][-1].startswith("tests/test_operations.py:") and event["trace"][-1].endswith(":fails")
    assert not [secret for secret in SECRETS if secret in lines[0]]


def faulty():
    """A page on which something goes wrong."""
    from server import failed

    assert failed(ValueError("Zhang, ward 3")), "the front end need not say it again"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reader_is_told_of_a_fault_in_one_sentence_with_its_number(language, lines):
    at = AppTest.from_function(faulty)
    at.session_state["lang"] = language
    at.run()
    (event,) = of(lines, "fault")
    assert len(at.error) == 1 and event["number"] in at.error[0].value and not at.exception
    assert bool(re.search("[\u4e00-\u9fff]", at.error[0].value)) == (language == "zh")
    assert "Zhang" not in at.error[0].value + lines[0]


def test_long_work_is_logged_from_its_beginning_to_its_end(lines):
    for error in (None, KeyboardInterrupt, ValueError):
        try:
            with logs.working("search"):
                if error:
                    raise error
        except (KeyboardInterrupt, ValueError):
            pass
    states = [event["state"] for event in of(lines, "work")]
    assert states == ["begun", "ended", "begun", "cancelled", "begun", "failed"]


def test_what_is_no_plain_word_is_withheld_and_an_unknown_field_is_refused(lines):
    logs.event("refused", session="1", place="Zhang, ward 3")
    assert of(lines, "refused")[0]["place"] == logs.WITHHELD
    with pytest.raises(ValueError):
        logs.event("refused", person="x")


# ---- health ------------------------------------------------------------------------------------

def test_a_sound_database_is_healthy(url):
    now = of_store.health(url)
    assert now.fault is None and now.version == of_store.newest()


@pytest.mark.skipif("SANDBOX_TEST_DATABASE" in os.environ, reason="about files of SQLite")
@pytest.mark.parametrize("how", ["damaged", "full", "locked", "nowhere"])
def test_what_is_wrong_with_a_database_is_said_in_both_languages(how, url, engine, tmp_path, monkeypatch, capsys):
    if how == "damaged":
        url = f"sqlite:///{tmp_path}/damaged.db"
        (tmp_path / "damaged.db").write_bytes(b"no database " * 100)
    elif how == "full":
        monkeypatch.setattr(of_store, "ROOM", 10**12)
    elif how == "nowhere":
        (tmp_path / "file").write_text("")
        url = f"sqlite:///{tmp_path}/file/x.db"
    holder = engine.connect().execution_options(writes=True)
    if how == "locked":
        monkeypatch.setattr(of_store, "PATIENCE", 0.1)
        holder.begin()
    try:
        monkeypatch.setenv("SANDBOX_DATABASE", url)
        said = {}
        for language in LANGUAGES:
            assert command(["health", "--lang", language]) == 1
            said[language] = capsys.readouterr().out
    finally:
        holder.close()
    assert re.search("[\u4e00-\u9fff]", said["zh"]) and not re.search("[\u4e00-\u9fff]", said["en"])
    assert {"damaged": "damaged", "full": "MB left", "locked": "locked", "nowhere": "cannot be"}[how] in said["en"]


def test_a_silent_server_is_not_healthy(capsys):
    assert command(["health", "--port", "9", "--json"]) == 1  # the port that discards: nobody listens there
    assert json.loads(capsys.readouterr().out)["status"] == "fault"


# ---- the version -------------------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_shows_the_version(language, monkeypatch):
    few_draws(monkeypatch, 64)
    at = app(language)
    for page in pages() if language == "zh" else pages()[:1]:
        at.switch_page(f"ui/pages/{page}.py").run()
        assert not at.exception, page
        assert any(__version__ in caption.value for caption in at.sidebar.caption), page


# ---- equal requests ----------------------------------------------------------------------------

def test_equal_requests_at_once_are_computed_once(monkeypatch):
    """Thirty people open the same scenario: the model runs once, and all have its answer."""
    made, here = [], threading.Barrier(30)
    simulate = cards.simulate

    def counted(*arguments, **named):
        made.append(threading.get_ident())
        time.sleep(0.3)  # so that all the others ask meanwhile
        return simulate(*arguments, **named)

    def ask():
        here.wait()
        answered.append(runs.run(view_of("benxi_2008"), 64))

    monkeypatch.setattr(cards, "simulate", counted)
    runs.answers.clear()
    answered = []
    people = [threading.Thread(target=ask) for _ in range(30)]
    for person in people:
        person.start()
    for person in people:
        person.join(60)
    assert len(made) == 1 and len(answered) == 30
    assert len({answer.facts["fingerprint"] for answer in answered}) == 1


def test_who_moves_a_lever_goes_before_work_that_can_wait():
    places, order = Places(2), []
    places.take()
    places.take()

    def work(name, look):
        places.take(look)
        order.append(name)

    patient = threading.Thread(target=work, args=("patient", lambda: None))
    patient.start()
    time.sleep(0.1)
    pressing = threading.Thread(target=work, args=("pressing", None))
    pressing.start()
    time.sleep(0.1)
    places.give_back()
    pressing.join(5)
    assert order == ["pressing"]
    places.give_back()  # one place is free: it is kept for whoever moves a lever
    patient.join(0.5)
    assert order == ["pressing"] and patient.is_alive()
    places.give_back()
    patient.join(5)
    assert order == ["pressing", "patient"]


def test_work_that_can_wait_may_be_given_up_meanwhile():
    class Enough(BaseException):
        pass

    def look():
        raise Enough

    places = Places(1)
    places.take()
    with pytest.raises(Enough):
        places.take(look)
    places.give_back()
    places.take()  # nothing is left behind by who gave up


def test_stable_answers_are_drawn_one_page_at_a_time_and_when_no_lever_waits(monkeypatch):
    monkeypatch.setattr("ui.turns.LEASE", 60.0)
    drawing, order, begin = Drawing(), [], [threading.Event(), threading.Event()]

    def rests(name, begin):
        with drawing.page(resting=False):
            drawing.wait(lambda: order.append("looked") if "looked" not in order else None)
            order.append(name)
            begin.wait(60)
        with drawing.page(resting=True):
            order.append(f"{name} again")

    with drawing.page(resting=False):
        waits = [threading.Thread(target=rests, args=(n, begin)) for n, begin in enumerate(begin)]
        for one in waits:
            one.start()
        time.sleep(0.5)
        assert order == ["looked"], "somebody else still draws"
        drawing.pause()  # who waits for an answer holds nobody up
        time.sleep(0.5)
        first, = (name for name in order if name in (0, 1))
        drawing.go_on()
        begin[first].set()  # its page, drawn again, ends its turn; but then there is still the lever's
        waits[first].join(60)
        assert order == ["looked", first, f"{first} again"]
    begin[1 - first].set()
    waits[1 - first].join(60)
    assert order[3:] == [1 - first, f"{1 - first} again"]


def test_a_turn_to_draw_that_is_not_taken_ends_by_itself(monkeypatch):
    monkeypatch.setattr("ui.turns.LEASE", 0.1)
    drawing, looked = Drawing(), []
    drawing.wait(lambda: None)  # and is gone: another page, or nobody
    began = time.monotonic()
    drawing.wait(lambda: looked.append(1))
    assert time.monotonic() - began < 1.0
    monkeypatch.setattr("ui.turns.LONGEST", 0.5)
    with drawing.page(resting=False):
        waits = threading.Thread(target=drawing.wait, args=(lambda: None,))
        waits.start()
        waits.join(60)  # nor does it wait for ever
        assert not waits.is_alive()


# ---- a container, a service, and an install without internet -----------------------------------

def instruction(name):
    """The arguments of each line of the recipe that begins with a word."""
    return [line.removeprefix(name).strip() for line in RECIPE.splitlines() if line.startswith(f"{name} ")]


def test_the_service_is_one_that_systemd_can_start(tmp_path):
    text = (ROOT / "deploy" / "sandbox@.service").read_text(encoding="utf-8")
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str
    unit.read_string(text)
    assert unit["Service"]["ExecStart"].split()[1:] == ["-m", "streamlit", "run", "server.py", "--server.port", "%i"]
    if shutil.which("systemd-analyze"):
        (tmp_path / "sandbox@8501.service").write_text(text.replace("/opt/sandbox/.venv/bin/python", sys.executable),
                                                       encoding="utf-8")
        checked = subprocess.run(["systemd-analyze", "verify", tmp_path / "sandbox@8501.service"],
                                 capture_output=True, encoding="utf-8", timeout=60)
        assert not re.findall(r"sandbox@8501\.service.*", checked.stderr), checked.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """What the recipe copies and nothing else, and beside it the packages that `run.py wheels` has fetched."""
    folder = tmp_path_factory.mktemp("project")
    for line in instruction("COPY"):
        *parts, target = line.split()
        for part in parts:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / part, folder / target)
    shutil.copy(ROOT / "run.py", folder)
    # The versions that the tests have, which the package manager still holds: the newest would be fetched again.
    held = {dist.metadata["Name"]: dist.version for dist in importlib.metadata.distributions()}
    (folder / "held.txt").write_text("".join(f"{name}=={version}\n" for name, version in held.items()))
    return folder


def test_an_install_from_a_folder_of_packages_answers_as_the_recipe_says(project):
    def run_py(*arguments, **settings):
        return subprocess.run([sys.executable, "run.py", *arguments], cwd=project, encoding="utf-8", timeout=600,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | settings)

    fetched = run_py("wheels", PIP_CONSTRAINT=str(project / "held.txt"))
    if fetched.returncode and os.environ.get("CI", "").lower() not in ("true", "1"):
        pytest.skip("packages cannot be fetched here")
    assert fetched.returncode == 0, fetched.stdout
    # An index that nobody answers for: what is missing in the folder would be missed.
    nowhere = {"PIP_INDEX_URL": f"http://{HOST}:9/", "PIP_NO_COMPILE": "1"}
    installed = run_py("install", **nowhere)
    assert installed.returncode == 0, installed.stdout
    shutil.rmtree(project / "wheels")

    start = json.loads(instruction("CMD")[0])
    for name, value in (part.split("=", 1) for line in instruction("ENV") for part in shlex.split(line)):
        assert name.startswith(("SANDBOX_", "OPENBLAS_", "OMP_")) and value
    log = project / "sandbox.log"
    with served(None, log, [venv_python(project / ".venv"), *start[1:]], project) as (port, _):
        status, said = asked(port)
        assert (status, said["status"], said["version"]) == (200, "ok", __version__)
        assert asyncio.run(moved(port)) == [True, True]
        assert command(["health", "--port", str(port)]) == 0
    found = events(log)
    assert found[0]["event"] == "start" and found[0]["database"] == "sqlite"
    kinds = {event["event"] for event in found}
    assert {"page", "stop"} <= kinds and "fault" not in kinds


def asked(port):
    """What a server says at /health."""
    connection = http.client.HTTPConnection(HOST, port, timeout=20)
    connection.request("GET", "/health")
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


async def moved(port):
    """Whether the app answers when it is opened and when a lever is moved."""
    session, answered = Session(1, port, random.Random(1)), []
    async with websockets.connect(f"ws://{HOST}:{port}/_stcore/stream", max_size=None) as wire:
        answered.append((await session.ask(wire))[1])
        identity, low, _, step = session.slider
        session.states = {identity: low + step}
        answered.append((await session.ask(wire, moved=True))[1])
    return answered


def test_who_waits_for_what_another_makes_is_let_go_when_he_asks_for_something_else():
    claims, waiting, stood = Claims(), threading.Event(), []

    def look():
        waiting.set()
        raise RuntimeError("a lever has moved")

    @contextmanager
    def aside():
        stood.append("aside")
        try:
            yield
        finally:
            stood.append("back")

    with claims.of("the same", lambda: None):
        with claims.of("another", look, aside):
            pass
        assert not stood
        with pytest.raises(RuntimeError), claims.of("the same", look, aside):
            raise AssertionError("two make the same")
        assert waiting.is_set()
        assert stood == ["aside", "back"]  # meanwhile others are drawn
    with claims.of("the same", look):  # and is free again
        pass
