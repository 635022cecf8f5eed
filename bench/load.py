"""Many people at once: browser sessions that each move a lever every few seconds, over different pages.

A session speaks to the server as a browser does, over a websocket on this machine only, without drawing anything.
`python3 run.py load` starts a server of its own, runs the sessions for ten minutes and prints what users would feel.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import os
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench.pages import SLIDER, pages

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
SCENARIOS = ("urrbmi_county_2026", "benxi_2008", "henan_nrcms_2011", "county_community_2024")
STAYS = 6  # moves on one page before a session goes to the next
PATIENCE = 60.0  # seconds after which an answer counts as lost
MEDIAN, LATE = 1.0, 3.0  # seconds
MEMORY, GROWTH = 2048.0, 64.0  # megabytes; less growth than this is caches that fill up
NAMED = re.compile(r"scenario=([a-z_0-9]+)")


class Move(NamedTuple):
    """One move of a lever and what came of it."""

    at: float  # seconds since the start
    took: float  # seconds to the first chart, or to the end of the script on a page without one
    page: str
    answered: bool
    own: bool  # whether the address still names this session's scenario and no other


class Session:
    """One person at a browser."""

    def __init__(self, number: int, port: int, chance: random.Random) -> None:
        self.number, self.port, self.chance = number, port, chance
        self.scenario = SCENARIOS[number % len(SCENARIOS)]
        self.states: dict[str, tuple[str, object]] = {}
        self.slider: tuple[str, float, float, float] | None = None
        self.page_of: dict[str, str] = {}
        self.page, self.address, self.charted = "", f"scenario={self.scenario}&lang=zh", False

    async def ask(self, wire: object, page_hash: str = "") -> tuple[float, bool]:
        """Ask for a run of the script; seconds until its first chart and whether it ended."""
        message = BackMsg()
        run = message.rerun_script
        run.query_string, run.page_script_hash = self.address, page_hash or self.page_of.get(self.page, "")
        run.context_info.locale = "zh-CN"
        for identity, value in self.states.items():
            run.widget_states.widgets.add(id=identity).double_array_value.data.append(value)
        start, first = time.perf_counter(), None
        await wire.send(message.SerializeToString())
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    got = ForwardMsg()
                    got.ParseFromString(await wire.recv())
                    kind = got.WhichOneof("type")
                    if kind == "delta":
                        self.heard(got.delta.new_element)
                        if first is None and got.delta.new_element.WhichOneof("type") == "plotly_chart":
                            first = time.perf_counter() - start
                    elif kind == "page_info_changed":
                        self.address = got.page_info_changed.query_string
                    elif kind == "navigation":
                        self.page_of = {page.url_pathname or pages()[0]: page.page_script_hash
                                        for page in got.navigation.app_pages}
                    elif kind == "script_finished" and got.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                        return first or time.perf_counter() - start, True
        except TimeoutError:
            return PATIENCE, False

    def heard(self, element: object) -> None:
        """Note where the lever's slider is."""
        if element.WhichOneof("type") == "slider" and SLIDER in element.slider.id:
            self.slider = (element.slider.id, element.slider.min, element.slider.max, element.slider.step)

    async def live(self, start: float, seconds: float, pause: float, moves: list[Move]) -> None:
        """Open the app, then move a lever now and then, and change the page now and then."""
        await asyncio.sleep(self.chance.uniform(0, pause))
        async with websockets.connect(f"ws://{HOST}:{self.port}/_stcore/stream", max_size=None) as wire:
            await self.ask(wire)
            order = [page for page in pages() if page in self.page_of]
            assert order, "the app shows no page"
            at = self.number % len(order)
            count = 0
            while not count or time.perf_counter() - start < seconds:
                if count % STAYS == 0:
                    self.page, self.slider = order[at % len(order)], None
                    at += 1
                    await self.ask(wire)
                count += 1
                began = time.perf_counter()
                if self.slider is not None:
                    identity, low, high, step = self.slider
                    places = round((high - low) / step)
                    self.states = {identity: low + step * self.chance.randrange(places + 1)}
                took, answered = await self.ask(wire)
                named = NAMED.search(self.address)
                moves.append(Move(began - start, took, self.page, answered,
                                  bool(named) and named.group(1) == self.scenario))
                await asyncio.sleep(max(0.0, pause - (time.perf_counter() - began)))


def resident(process: int) -> float | None:
    """Memory a process holds, in megabytes; nothing where the system does not say."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return None
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


@contextmanager
def served(port: int | None) -> Iterator[tuple[int, int]]:
    """A server on a free port of this machine: the port and the process; or the one that is there already."""
    if port is not None:
        yield port, 0
        return
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", HOST, "--server.port", str(port)],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"})
    try:
        for _ in range(600):
            try:
                connection = http.client.HTTPConnection(HOST, port, timeout=2)
                connection.request("GET", "/_stcore/health")
                if connection.getresponse().status == 200:
                    break
            except OSError:
                time.sleep(0.1)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(20)


async def watched(process: int, memory: list[tuple[float, float]], start: float, seconds: float) -> None:
    """Note the server's memory every second."""
    while process and time.perf_counter() - start < seconds:
        if (held := resident(process)) is not None:
            memory.append((time.perf_counter() - start, held))
        await asyncio.sleep(1.0)


async def everyone(port: int, process: int, people: int, seconds: float,
                   pause: float) -> tuple[list[Move], list[tuple[float, float]]]:
    """All sessions together."""
    moves: list[Move] = []
    memory: list[tuple[float, float]] = []
    start = time.perf_counter()
    sessions = [Session(n, port, random.Random(n)).live(start, seconds, pause, moves) for n in range(people)]
    await asyncio.gather(watched(process, memory, start, seconds), *sessions)
    return moves, memory


def told(moves: list[Move], memory: list[tuple[float, float]], seconds: float) -> tuple[list[str], bool]:
    """What the users felt, a line each, and whether every target was met."""
    took = np.array([move.took for move in moves])
    middle, late = np.quantile(took, [0.5, 0.95])
    lost, foreign = (sum(not getattr(move, name) for move in moves) for name in ("answered", "own"))
    checks = [
        (f"{len(moves)} moves, lost", lost, "0", lost == 0),
        ("answers to another session's scenario", foreign, "0", foreign == 0),
        ("lever to chart, median, s", round(float(middle), 2), f"<= {MEDIAN:g}", middle <= MEDIAN),
        ("lever to chart, 95th percentile, s", round(float(late), 2), f"<= {LATE:g}", late <= LATE)]
    last = [held for at, held in memory if at > seconds / 2]
    if len(last) > 2:  # of a server of our own, on a system that says what it holds
        most, grown = max(held for _, held in memory), np.polyfit(np.arange(len(last)), last, 1)[0] * len(last)
        checks += [("most memory, MB", round(most), f"<= {MEMORY:g}", most <= MEMORY),
                   ("memory gained over the last half, MB", round(grown, 1), f"<= {GROWTH:g}", grown <= GROWTH)]
    lines = [f"{what:<42} {value:>10}   {target:<8} {'met' if met else 'missed'}"
             for what, value, target, met in checks]
    for page in dict.fromkeys(move.page for move in moves):
        of = [move.took for move in moves if move.page == page]
        lines.append(f"  page {page:<37} {np.median(of):>10.2f}   ({len(of)} moves, slowest {max(of):.2f})")
    return lines, all(met for *_, met in checks)


def main(arguments: list[str] | None = None) -> int:
    """Run the test; 0 where every target is met."""
    parser = argparse.ArgumentParser(prog="run.py load", description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--pause", type=float, default=5.0, help="seconds between a session's moves")
    parser.add_argument("--port", type=int, help="of a server on this machine that already runs")
    options = parser.parse_args(arguments)
    if not 1 <= options.people <= 200 or not 0 < options.minutes <= 60 or options.pause < 0.2:
        parser.error("1 to 200 people, at most 60 minutes, at least 0.2 seconds between moves")
    seconds = 60 * options.minutes
    with served(options.port) as (port, process):
        moves, memory = asyncio.run(everyone(port, process, options.people, seconds, options.pause))
    lines, met = told(moves, memory, seconds)
    print("\n".join(lines))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
