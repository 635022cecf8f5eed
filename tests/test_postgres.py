"""The library and the rooms on a real PostgreSQL server, started here for the time of the test."""

import getpass
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa

from simulation.terms import BadInput
from store import database, library
from store.library import Draft
from tests.test_deploy import free_port

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))

pytestmark = pytest.mark.skipif(
    not PROGRAMS and os.environ.get("CI", "").lower() not in ("true", "1"),
    reason="there is no PostgreSQL server here; CI installs one")


class Server(NamedTuple):
    """A server of our own: the address of an empty database on it, and what starts or stops it."""

    url: str
    control: Callable[..., None]


@pytest.fixture(scope="module")
def server():
    """A server of our own; it refuses to run as root."""
    assert PROGRAMS, "CI must have a PostgreSQL server"
    folder = Path(tempfile.mkdtemp(prefix="sandbox-postgres-"))
    data, port = folder / "data", free_port()
    user = "postgres" if getpass.getuser() == "root" else getpass.getuser()

    def postgres(program, *arguments):
        command = [str(PROGRAMS[-1] / program), *arguments]
        if user != getpass.getuser():
            command = ["runuser", "-u", user, "--", *command]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    if user != getpass.getuser():
        shutil.chown(folder, user)
    postgres("initdb", "-D", str(data), "-U", "sandbox", "-A", "trust", "-E", "UTF8", "--no-sync")
    def control(*words):
        postgres("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), *words)

    running = ("start", "-o", f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off")
    control(*running)
    try:
        yield Server(f"postgresql+psycopg://sandbox@127.0.0.1:{port}/postgres",
                     lambda *words: control(*words or running))
    finally:
        control("stop", "-m", "immediate")
        shutil.rmtree(folder)


def test_a_restart_of_the_server_in_a_session_costs_one_sentence_and_nothing_that_was_saved(server):
    engine = database.database(server.url)
    database.upgrade(engine)
    code = library.save(engine, "t", Draft(text="a"))
    with pytest.raises(BadInput) as cut, database.writing(engine) as connection:  # in the midst of a save
        connection.execute(sa.update(library.entries).values(title="half"))
        server.control("stop", "-m", "immediate")  # as if its power were cut
        connection.execute(sa.update(library.entries).values(notes="half"))
    with pytest.raises(BadInput) as down:
        library.append(engine, code, Draft(text="b"), after=1)
    server.control()
    for caught in (cut, down):
        fault, = caught.value.faults
        assert "cannot be reached; try again in a moment" in fault.sentence("en")
        assert "连不上数据库服务器" in fault.sentence("zh") and "sandbox@" not in fault.sentence("en")
    assert library.entry(engine, code)[2:5] == ("t", "", "")  # the first who asks after it is answered
    assert library.append(engine, code, Draft(text="b"), after=1) == 2
    server.control("restart", "-m", "fast")  # as an upgrade does; the connections in the pool are dead now
    assert library.append(engine, code, Draft(text="c"), after=2) == 3
    engine.dispose()


@pytest.mark.parametrize("name", ["test_library", "test_rooms"])
def test_the_same_tests_pass_there(server, name):
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider",
                           f"tests/{name}.py"], cwd=ROOT, capture_output=True, text=True,
                          env=os.environ | {"SANDBOX_TEST_DATABASE": server.url})
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout
