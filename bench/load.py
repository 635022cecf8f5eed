"""Many people at once: browser sessions that each move a lever every few seconds, over different pages.

A session speaks to the server as a browser does, over a websocket on this machine only, without drawing anything.
Like a reader it moves on when its time has come, whether or not the stable answer that follows the quick one is there.
`python3 run.py load` starts a server of its own, runs the sessions for ten minutes and prints what users would feel.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs

import numpy as np
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench.pages import SLIDER, pages

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
COMMAND = (sys.executable, "-m", "streamlit", "run", "server.py")
SCENARIOS = ("urrbmi_county_2026", "benxi_2008", "henan_nrcms_2011", "county_community_2024")
STAYS = 6  # moves on one page before a session goes to the next
PATIENCE = 60.0  # seconds after which an answer counts as lost
MEDIAN, LATE = 1.0, 3.0  # seconds
MEMORY, GROWTH = 2048.0, 64.0  # megabytes; less growth than this is caches that fill up


class Move(NamedTuple):
    """One move of a lever and what came of it."""

    at: float  # seconds since the start
    took: float  # seconds to the first chart, or to the end of the script on a page without one
    page: str
    answered: bool
    rested: bool  # whether the stable answer, too, was there before the next move
    asked: tuple[str, float]  # this session's scenario, and where its lever stands
    address: str  # what the server says the session looks at


class Session:
    """One person at a browser."""

    def __init__(self, number: int, port: int, chance: random.Random) -> None:
        self.number, self.port, self.chance = number, port, chance
        self.scenario = SCENARIOS[number % len(SCENARIOS)]
        self.states: dict[str, float] = {}
        self.slider: tuple[str, float, float, float] | None = None
        self.page_of: dict[str, str] = {}
        self.page, self.address = "", f"scenario={self.scenario}&lang=zh"

    async def ask(self, wire: object, moved: bool = False, until: float = float("inf")) -> tuple[float, bool, bool]:
        """Ask for a run of the script: seconds to its first chart, whether that came, whether all came before `until`.

        The run before may still be going on: what is seen before this one has begun is its, and, where a lever was
        moved, what is seen before the address has changed.
        """
        message = BackMsg()
        run = message.rerun_script
        run.query_string, run.page_script_hash = self.address, self.page_of.get(self.page, "")
        run.context_info.locale = "zh-CN"
        for identity, value in self.states.items():
            run.widget_states.widgets.add(id=identity).double_array_value.data.append(value)
        start, first, begun, changed = time.perf_counter(), None, False, not moved
        await wire.send(message.SerializeToString())
        while True:
            patience = PATIENCE if first is None else max(until - time.perf_counter(), 0.0)
            try:
                got = ForwardMsg.FromString(await asyncio.wait_for(wire.recv(), min(patience, PATIENCE)))
            except TimeoutError:
                return (PATIENCE, False, False) if first is None else (first, True, False)
            kind, now = got.WhichOneof("type"), time.perf_counter() - start
            if kind == "new_session":
                begun = begun or got.new_session.page_script_hash == run.page_script_hash or not run.page_script_hash
            elif kind == "delta":
                self.heard(got.delta.new_element)
                if begun and changed and first is None and got.delta.new_element.WhichOneof("type") == "plotly_chart":
                    first = now
            elif kind == "page_info_changed":
                changed = changed or got.page_info_changed.query_string != self.address  # a run may say it again
                self.address = got.page_info_changed.query_string
            elif kind == "navigation":
                self.page_of = {page.url_pathname or pages()[0]: page.page_script_hash
                                for page in got.navigation.app_pages}
            elif kind == "script_finished" and begun and changed and (
                    got.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY):
                return first or now, True, True

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
            count, stands = 0, 0.0
            while not count or time.perf_counter() - start < seconds:
                if count % STAYS == 0:
                    self.page, self.slider = order[at % len(order)], None
                    at += 1
                    await self.ask(wire, until=time.perf_counter() + pause)
                    self.states = {}  # as a browser forgets what a page that was left has shown
                count += 1
                began, moved = time.perf_counter(), self.slider is not None
                if moved:
                    identity, _, high, step = self.slider  # below nothing a lever at its bound would not follow
                    stands = self.chance.choice([place for n in range(round(high / step) + 1)
                                                 if (place := step * n) != stands])
                    self.states = {identity: stands}
                told = await self.ask(wire, moved, began + pause)
                moves.append(Move(began - start, told[0], self.page, *told[1:], (self.scenario, stands), self.address))
                await asyncio.sleep(max(0.0, pause - (time.perf_counter() - began)))


def strangers(moves: Sequence[Move]) -> list[Move]:
    """Whose answers were another session's: not of its scenario, or not what equal requests were answered with."""
    answers: dict[tuple[str, float], Counter[str]] = defaultdict(Counter)
    for move in moves:
        answers[move.asked][move.address] += 1
    usual = {asked: found.most_common(1)[0][0] for asked, found in answers.items()}
    return [move for move in moves
            if move.address != usual[move.asked] or parse_qs(move.address).get("scenario") != [move.asked[0]]]


class Held(NamedTuple):
    """What the server has used by some second, with the processes it has begun."""

    at: float
    memory: float  # megabytes; what processes have in common counts once
    processor: float  # seconds


def used(process: int, at: float) -> Held | None:
    """What a server holds and has used; nothing where the system does not say."""
    try:
        each = [one for one in map(used_by, family(process)) if one]
    except OSError:
        return None
    return Held(at, *map(sum, zip(*each, strict=True))) if each else None


def family(process: int) -> list[int]:
    """A process and all that it has begun, and they."""
    children = [int(child) for task in Path(f"/proc/{process}/task").iterdir()
                for child in (task / "children").read_text(encoding="utf-8").split()]
    return [process, *(one for child in children for one in family(child))]


def used_by(process: int) -> tuple[float, float] | None:
    """Megabytes that one process holds and seconds it has used; nothing where it has ended meanwhile."""
    try:
        share = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8")
        times = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(re.search(r"^Pss:\s+(\d+)", share, re.MULTILINE).group(1)) / 1024,
            (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK"))


@contextmanager
def served(port: int | None, log: Path | None = None, command: Sequence[str] = COMMAND,
           folder: Path = ROOT) -> Iterator[tuple[int, int]]:
    """A server on a free port of this machine: the port and the process; or the one that is there already."""
    if port is not None:
        yield port, 0
        return
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [*command, "--server.address", HOST, "--server.port", str(port)], cwd=folder,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "SANDBOX_LOG_LEVEL": "info",
                          "SANDBOX_LOG": str(log) if log else "off"})
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


def events(log: Path) -> list[dict]:
    """What the server has written into its log; nothing of a server that is not our own."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.is_file() else []


async def watched(process: int, memory: list[Held], start: float, seconds: float) -> None:
    """Note every second what the server uses."""
    while process and time.perf_counter() - start < seconds:
        if (held := used(process, time.perf_counter() - start)) is not None:
            memory.append(held)
        await asyncio.sleep(1.0)


async def everyone(port: int, process: int, people: int, seconds: float,
                   pause: float) -> tuple[list[Move], list[Held]]:
    """All sessions together."""
    moves: list[Move] = []
    memory: list[Held] = []
    start = time.perf_counter()
    sessions = [Session(n, port, random.Random(n)).live(start, seconds, pause, moves) for n in range(people)]
    await asyncio.gather(watched(process, memory, start, seconds), *sessions)
    return moves, memory


def told(moves: list[Move], memory: list[Held], seconds: float, faults: int = 0) -> tuple[list[str], bool]:
    """What the users felt, a line each, and whether every target was met."""
    took = np.array([move.took for move in moves])
    middle, late = np.quantile(took, [0.5, 0.95])
    lost, foreign = sum(not move.answered for move in moves), strangers(moves)
    checks = [
        (f"{len(moves)} moves, lost", lost, "0", lost == 0),
        ("answers to another session's request", len(foreign), "0", not foreign),
        ("faults in the server's log", faults, "0", faults == 0),
        ("lever to chart, median, s", round(float(middle), 2), f"<= {MEDIAN:g}", middle <= MEDIAN),
        ("lever to chart, 95th percentile, s", round(float(late), 2), f"<= {LATE:g}", late <= LATE)]
    last = [held.memory for held in memory if held.at > seconds / 2]
    if len(last) > 2:  # of a server of our own, on a system that says what it holds
        most, grown = max(held.memory for held in memory), np.polyfit(np.arange(len(last)), last, 1)[0] * len(last)
        checks += [("most memory, MB", round(most), f"<= {MEMORY:g}", most <= MEMORY),
                   ("memory gained over the last half, MB", round(grown, 1), f"<= {GROWTH:g}", grown <= GROWTH)]
    lines = [f"{what:<42} {value:>10}   {target:<8} {'met' if met else 'missed'}"
             for what, value, target, met in checks]
    if len(last) > 2:
        spent = (memory[-1].processor - memory[0].processor) / len(moves)
        held = "  ".join(f"{one:.0f}" for one in (memory[0].memory, last[0], last[-1]))
        lines += [f"  memory at the start, half way, at the end, MB  {held}",
                  f"  processor time a move, s  {spent:.2f}"]
    lines.append(f"  stable answer before the next move  {sum(move.rested for move in moves) / len(moves):.0%}")
    lines += [f"  asked for {move.asked} on {move.page} at {move.at:.0f} s, answered {move.address}"
              for move in foreign[:5]]
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
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "sandbox.log"
        with served(options.port, log) as (port, process):
            moves, memory = asyncio.run(everyone(port, process, options.people, seconds, options.pause))
        faults = [event for event in events(log) if event["event"] == "fault"]
    lines, met = told(moves, memory, seconds, len(faults))
    lines += [f"  fault {event['kind']} at {event['trace'][-1]}" for event in faults[:5]]
    print("\n".join(lines))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
