"""Every page in both languages as pictures of the running app: `python -m tests.screens` writes `docs/screens/`."""

from __future__ import annotations

import http.client
import io
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from bench.pages import OF_PAGE, SCENARIO, pages
from report.text import phrases
from simulation.terms import LANGUAGES
from store import rooms
from store.database import database, upgrade
from ui.view import to_file, view_of

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screens"
BROWSER = os.environ.get("SANDBOX_BROWSER", "")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
SIZE, SCALE = {"width": 1600, "height": 1000}, 0.8  # a laptop's window, and how large it stands in a document
PATIENCE = 120_000  # milliseconds
STILL = 600  # milliseconds without work on the server or in the charts
LESSON = "two_lines.1"
COLOURS = 256  # of a picture's palette, chosen so that a colour with few pixels is kept: a marker

# The question at the head of the README: 30 yuan more, and 5 points more in primary care.
GROUPS = ("child", "adult", "senior")
PAID = [(f"financing.contribution.{group}.ordinary", 430) for group in GROUPS]
RATE = [(f"benefits.rate.inpatient.{group}.primary", 0.9) for group in GROUPS]
CHANGED = "&".join(f"{lever}={value}" for lever, value in PAID + RATE)
SHOWING = {"lessons": f"lesson={LESSON}", "compare": CHANGED, "why": CHANGED, "library": CHANGED}
SCROLLED = {"classroom": 400}  # pixels, to the board
TEAMS = {"zh": ("城东小组", "城西小组", "城南小组"), "en": ("East", "West", "South")}

# Whether nothing has moved for a while: the script is at rest and every chart that has a place is drawn.
AT_REST = """still => {
    const app = document.querySelector('[data-testid=stApp]'), all = name => [...document.querySelectorAll(name)];
    const busy = !app || app.getAttribute('data-test-script-state') !== 'notRunning'
        || !document.querySelector('[data-testid=stMain] h1')
        || all('[data-testid=stPlotlyChart]').some(chart => !chart.querySelector('.main-svg'))
        || all('[data-testid=stSkeleton]').length > 0;
    if (busy || !window.restedAt) window.restedAt = performance.now();
    return !busy && performance.now() - window.restedAt > still;
}"""


class Room(NamedTuple):
    """A class of three teams, as far as links lead into it."""

    lead: str
    watch: str


@contextmanager
def serving(log: Any = subprocess.DEVNULL, **settings: str) -> Iterator[str]:
    """The address of a real server on a free port of this machine; what it says goes to a log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "server.py", "--server.headless", "true",
               "--server.address", "127.0.0.1", "--server.port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log,
                              env=os.environ | settings)
    try:
        deadline = time.monotonic() + 60
        while not healthy(port):
            assert server.poll() is None and time.monotonic() < deadline, "the server did not start"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def healthy(port: int) -> bool:
    """Whether a server answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def class_room(url: str, language: str) -> Room:
    """A room in which three teams have submitted and a card has been dealt."""
    engine = database(url)
    upgrade(engine)
    view = view_of(SCENARIO)
    policies = [], PAID, PAID + RATE
    room, key = rooms.open_room(engine, phrases(language)["room.title_start"], to_file(view), 3, 6, True)
    for team, changes in zip(TEAMS[language], policies, strict=True):
        token = rooms.join(engine, room.code, team)
        rooms.submit(engine, room.code, token, to_file(view_of(SCENARIO, view.since, changes)))
    rooms.deal(engine, room.code, key, "epidemic", view.since + 1)
    engine.dispose()
    return Room(f"room={room.code}&seat={key}", f"room={room.code}&seat=watch")


def link(page: str, language: str, more: str = "") -> str:
    """Where a page stands, with what it shows."""
    more = more or SHOWING.get(page, "")
    path = "" if page == pages()[0] else page
    return f"/{path}?" + "&".join(filter(None, (f"scenario={OF_PAGE.get(page, SCENARIO)}", f"lang={language}", more)))


def rest(page: Page) -> None:
    """Wait until a page has nothing more to do."""
    page.wait_for_function(AT_REST, arg=STILL, timeout=PATIENCE)


def visit(browser: Browser, language: str, scheme: str = "light") -> Page:
    """A reader's window."""
    context = browser.new_context(locale=LOCALES[language], viewport=SIZE, device_scale_factor=SCALE,
                                  color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    return page


def taken(page: Page) -> bytes:
    """What the window shows, as a small PNG file."""
    whole = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    file = io.BytesIO()
    whole.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def everything(browser: Browser, address: str, url: str, scheme: str = "light",
               names: Sequence[str] = (), languages: Sequence[str] = LANGUAGES) -> Iterator[tuple[str, str, Page]]:
    """Some pages or all in each language, at rest in a window; the class is seen from its board."""
    for language in languages:
        page = visit(browser, language, scheme)
        for name in names or pages():
            more = ""
            if name == "classroom":
                room = class_room(url, language)
                page.goto(address + link(name, language, room.lead))  # whose page works out what the teams come to
                rest(page)
                more = room.watch
            page.goto(address + link(name, language, more))
            rest(page)
            page.evaluate("by => document.querySelector('[data-testid=stMain]').scrollBy(0, by)", SCROLLED.get(name, 0))
            yield name, language, page
        page.context.close()


@contextmanager
def browsing() -> Iterator[Browser]:
    """A real browser."""
    assert BROWSER, "no browser is named in SANDBOX_BROWSER"  # in a run that must have one
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=ARGUMENTS)
        yield browser
        browser.close()


def main(folder: Path = FOLDER) -> None:
    """Take every picture."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        url = f"sqlite:///{(Path(place) / 'sandbox.db').as_posix()}"
        with serving(SANDBOX_DATABASE=url) as address, browsing() as browser:
            for name, language, page in everything(browser, address, url):
                file = folder / f"{name}_{language}.png"
                file.write_bytes(taken(page))
                print(f"{file.name}  {len(file.read_bytes()) / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
