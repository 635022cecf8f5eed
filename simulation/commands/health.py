"""The command that says how a server and its database are: for a container, a service manager or a person."""

from __future__ import annotations

import argparse
import http.client
import json

from simulation import __version__
from simulation.commands.options import Command, show
from simulation.terms import LANGUAGES, words

HOST = "127.0.0.1"
PATIENCE = 10.0  # seconds
SILENT = words("服务器没有应答", "the server does not answer")


def declare(command: Command) -> None:
    """Add this command to the parser."""
    sub = command("health", healthy, "whether the database can be read and written and has room, or, with --port, "
                  "what a server on this machine says of itself; status 1 where something is wrong")
    sub.add_argument("--port", type=int, metavar="N", help="of a server on this machine")


def healthy(options: argparse.Namespace) -> int:
    """`health`"""
    found = of_server(options.port) if options.port is not None else of_database()
    fault = found["fault"]
    show(options, found, [fault[options.lang] if fault else "ok"])
    return 1 if fault else 0


def of_server(port: int) -> dict:
    """What a server says at /health; a server that is silent or says anything else has a fault."""
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)  # no proxy stands before this machine
    try:
        connection.request("GET", "/health")
        said = json.loads(connection.getresponse().read(10_000))
        if isinstance(said, dict) and said.keys() >= {"status", "version", "fault"}:
            return said
    except (OSError, http.client.HTTPException, OverflowError, ValueError):
        pass
    finally:
        connection.close()
    return {"status": "fault", "version": None, "fault": SILENT.model_dump()}


def of_database() -> dict:
    """The state of the database that the environment names, with megabytes free on its disk."""
    from store.health import health  # other commands need not wait for the packages of the database

    now = health()
    return {"status": "fault" if now.fault else "ok", "version": __version__, "database": now.kind,
            "tables": now.version, "room": now.room,
            "fault": now.fault and {language: now.fault.sentence(language) for language in LANGUAGES}}
