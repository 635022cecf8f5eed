"""The audit of dependencies: it finds a known fault and never takes silence for soundness; ranges have two ends."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests import audit

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(path.name for path in ROOT.glob("requirements*.txt"))


@pytest.fixture
def service(monkeypatch):
    """An advisory service on this machine that knows faults of some packages, as OSV would tell them."""
    known = {"requests": "CVE-2018-18074"}

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
            told = {"vulns": [{"id": known[asked], "affected": []}]} if asked in known else {}
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv(audit.OWN, f"http://127.0.0.1:{server.server_port}/v1/query")
    yield known
    server.shutdown()
    server.server_close()


def test_a_known_bad_pin_is_found_by_the_real_tool(service):
    found = audit.audit(["requests==2.19.0", "plain==1.0"], services=("osv",))
    assert found == audit.Audit("osv", 2, ("requests 2.19.0: CVE-2018-18074",), ())


def test_a_service_that_knows_nothing_is_not_taken_for_a_clean_bill(service, capsys):
    service.clear()
    assert audit.main() == 3
    assert "NOT AUDITED" in capsys.readouterr().out


def test_a_service_that_cannot_be_reached_is_said(monkeypatch, capsys):
    monkeypatch.setenv(audit.OWN, "http://127.0.0.1:9/v1/query")
    assert audit.main() == 3
    assert "NOT AUDITED" in capsys.readouterr().out


@pytest.mark.parametrize(("faulty", "status"), [(True, 1), (False, 0)])
def test_the_status_says_whether_there_are_faults(faulty, status, capsys):
    def look(pins, _):
        bad = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}] * (faulty or pins == [audit.KNOWN_BAD])}
        return [bad, {"name": "private", "skip_reason": "not found"}]

    assert audit.main(look) == status
    said = capsys.readouterr().out
    assert ("a 1: CVE-1" in said) == faulty and "not checked: private" in said


def test_what_is_installed_has_no_published_fault():
    """Where a service is reached; where not, the reason stands among the skipped at the end of a run."""
    found = audit.audit(audit.installed())
    if found is None:
        pytest.skip("NOT AUDITED: no advisory service is reached from here; `python3 run.py audit` asks again")
    assert not found.faulty


@pytest.mark.parametrize("file", FILES)
def test_every_requirement_has_a_lowest_and_a_highest_version(file):
    lines = [line for line in (ROOT / file).read_text(encoding="utf-8").splitlines()
             if line.strip() and not line.startswith(("#", "-r "))]
    assert lines
    for line in lines:
        wanted = Requirement(line)
        assert wanted.url is None and {one.operator for one in wanted.specifier} >= {">=", "<"}, line


def test_every_dependency_has_its_reason():
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = told[told.index("## Dependencies"):told.index("## What a good change")].casefold()
    for file in FILES:
        for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
            if name := re.match(r"[A-Za-z][\w.-]*", line):
                assert name[0].casefold() in table, f"{name[0]} of {file}"
