"""The library and the rooms on a real PostgreSQL server, started here for the time of the test."""

import getpass
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.test_deploy import free_port

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))

pytestmark = pytest.mark.skipif(
    not PROGRAMS and os.environ.get("CI", "").lower() not in ("true", "1"),
    reason="there is no PostgreSQL server here; CI installs one")


@pytest.fixture(scope="module")
def server():
    """The address of an empty database on a server of our own; the server refuses to run as root."""
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
    postgres("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "start",
             "-o", f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off")
    try:
        yield f"postgresql+psycopg://sandbox@127.0.0.1:{port}/postgres"
    finally:
        postgres("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["test_library", "test_rooms"])
def test_the_same_tests_pass_there(server, name):
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider",
                           f"tests/{name}.py"], cwd=ROOT, capture_output=True, text=True,
                          env=os.environ | {"SANDBOX_TEST_DATABASE": server})
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout
