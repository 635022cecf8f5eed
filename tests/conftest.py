"""What tests have: checked charts, a database of their own, and the command line within their process."""

import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

import simulation  # noqa: F401  before numpy: sums of one thread, to the last digit those of the program alone
from report import charts
from simulation.__main__ import main
from store.database import database, upgrade

SERVER = os.environ.get("SANDBOX_TEST_DATABASE")  # a PostgreSQL URL on which the same tests run instead
SOON = 0.2  # seconds to wait for a lock: here nobody lets go of one

charts.CHECKED = True  # a part of a chart that plotly does not know fails the test that draws it


@pytest.fixture(scope="session", autouse=True)
def own_database(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What users keep stays as it is, and what the pages keep here is gone after the tests."""
    os.environ["SANDBOX_DATABASE"] = f"sqlite:///{(tmp_path_factory.mktemp('library') / 'sandbox.db').as_posix()}"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database: a file, or a schema of its own on the server named."""
    if SERVER is None:
        yield f"sqlite:///{(tmp_path / 'sandbox.db').as_posix()}"
        return
    schema, server = f"test_{secrets.token_hex(6)}", sa.create_engine(SERVER)
    with server.begin() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
    yield sa.make_url(SERVER).update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(False)
    with server.begin() as connection:
        connection.execute(sa.schema.DropSchema(schema, cascade=True))
    server.dispose()


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    """An empty database at this program's version."""
    made = database(url, patience=SOON)
    upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def ask(capsys) -> Callable:
    """Run a command in this process: exit code, what it printed, and its faults."""

    def command(*arguments: object) -> tuple[int, str, str]:
        code = main(list(map(str, arguments)))
        return code, *capsys.readouterr()

    return command


@pytest.fixture
def data(ask: Callable) -> Callable:
    """What a command prints as JSON when all is well."""

    def command(*arguments: object):
        code, shown, faults = ask(*arguments, "--json")
        assert code == 0 and all("does nothing until" in line for line in faults.splitlines()), faults
        return json.loads(shown)

    return command
