"""The proxy example as a public server runs it: two processes behind nginx, from the file in deploy/."""

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from bench.load import main as load
from tests.test_browser import ARGUMENTS, BROWSER, healthy

ROOT = Path(__file__).resolve().parent.parent
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not NGINX and os.environ.get("CI", "").lower() not in ("true", "1"),
                       reason="there is no nginx here; CI installs one")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stopped(process: subprocess.Popen) -> None:
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """The port of the proxy and its log of which process answered."""
    assert NGINX, "CI must have nginx"
    folder = tmp_path_factory.mktemp("proxy")
    front, *behind = free_port(), free_port(), free_port()
    site = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    for old, new in zip((8080, 8501, 8502), (front, *behind), strict=True):
        assert f"127.0.0.1:{old};" in site
        site = site.replace(f"127.0.0.1:{old};", f"127.0.0.1:{new};")
    (folder / "site.conf").write_text(site, encoding="utf-8")
    temporary = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in
                          ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(f"""
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
    {temporary}
    types {{ text/html html; application/javascript js; text/css css; }}
    log_format behind '$uri $status $upstream_addr $cookie_sandbox';
    access_log {folder}/access.log behind;
    include {folder}/site.conf;
}}""", encoding="utf-8")
    with ExitStack() as stack:
        for port in behind:
            server = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "server.py", "--server.port", str(port)], cwd=ROOT,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=os.environ | {"STREAMLIT_SERVER_ALLOWED_HOSTS": f"{allowed_hosts()} 127.0.0.1"})
            stack.callback(stopped, server)
        command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        stack.callback(stopped, subprocess.Popen(command))
        deadline = time.monotonic() + 90
        while not all(healthy(port) for port in (front, *behind)):
            assert time.monotonic() < deadline, (folder / "error.log").read_text(encoding="utf-8")
            time.sleep(0.2)
        yield front, folder / "access.log"


def allowed_hosts() -> str:
    """The names under which a server answers, as the guide sets them."""
    guide = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    return re.search(r"STREAMLIT_SERVER_ALLOWED_HOSTS=(.+)", guide)[1]


def asked(port: int, path: str, method: str = "GET", body: bytes | None = None, **headers: str):
    """Status and headers of a request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def test_every_answer_carries_the_security_headers(proxy):
    _, headers = asked(proxy[0], "/")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe-eval'" not in headers["content-security-policy"].replace("'wasm-unsafe-eval'", "")
    assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin" and headers["server"] == "nginx"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert re.search("httponly", headers["set-cookie"], re.I) and re.search("samesite=lax", headers["set-cookie"], re.I)


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/agent/interact"])
def test_what_is_nobodys_business_is_refused(proxy, path):
    assert asked(proxy[0], path)[0] == 403


def test_a_large_upload_is_refused_before_it_reaches_the_app(proxy):
    status, _ = asked(proxy[0], "/_stcore/upload_file/x/y", "PUT", b"0" * (13 * 2**20))
    assert status == 413


@pytest.mark.parametrize(("host", "origin", "opened"), [
    ("sandbox.example.gov.cn", "https://sandbox.example.gov.cn", True),
    ("sandbox.example.gov.cn", "https://evil.example", False), ("evil.example", "https://evil.example", False)])
def test_a_session_is_opened_under_the_name_the_guide_sets_and_by_its_own_page_alone(proxy, host, origin, opened):
    status, _ = asked(proxy[0], "/_stcore/stream", Host=host, Origin=origin, Upgrade="websocket", Connection="Upgrade",
                      **{"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "c2FuZGJveHNhbmRib3hzYQ=="})
    assert status == (101 if opened else 403)


def test_a_browser_stays_with_one_process_and_browsers_are_spread(proxy):
    port, log = proxy
    used = set()
    for _ in range(60):  # a dozen may all fall to one process by chance
        _, headers = asked(port, "/")
        cookie = headers["set-cookie"].split(";")[0]
        for _ in range(3):
            asked(port, "/", Cookie=cookie)
        time.sleep(0.1)
        last = [line.split() for line in log.read_text(encoding="utf-8").splitlines()][-4:]
        assert len({line[2] for line in last}) == 1, last
        used.add(last[0][2])
        if len(used) == 2:
            return
    raise AssertionError(used)


def test_sessions_work_through_the_proxy(proxy, capsys):
    load(["--people", "3", "--minutes", "0.2", "--pause", "1", "--port", str(proxy[0])])
    lines = capsys.readouterr().out.splitlines()
    assert int(lines[0].split()[0]) >= 3
    assert lines[0].endswith("met") and lines[1].endswith("met")


def test_a_real_browser_finds_nothing_forbidden_that_the_app_needs(proxy):
    if not BROWSER:
        pytest.skip("no browser was named; CI names one")
    said = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=ARGUMENTS)
        page = browser.new_context(locale="en-GB").new_page()
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"http://127.0.0.1:{proxy[0]}/")
        page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=90_000)
        page.wait_for_timeout(1500)
        browser.close()
    assert not [text for text in said if "Content Security Policy" in text or "Refused" in text]
