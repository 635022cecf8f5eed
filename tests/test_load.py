"""The load test: a short run of it against a real server, and what it says of good and bad moves."""

import asyncio
import random

import pytest
import websockets

from bench.load import HOST, Held, Move, Session, events, served, told
from bench.load import main as load

ASKED, ADDRESS = ("benxi_2008", 10.0), "scenario=benxi_2008&lang=zh"
GOOD = [Move(float(n), 0.2, "overview", True, True, ASKED, ADDRESS) for n in range(100)]
FLAT = [Held(float(n), 500.0, 0.1 * n) for n in range(100)]


def failed(moves, memory=FLAT):
    """The lines that say a target was missed."""
    lines, met = told(moves, memory, 100.0)
    missed = [line.split("   ")[0] for line in lines if line.endswith("missed")]
    assert met == (not missed)
    return missed


def test_good_moves_meet_every_target():
    assert failed(GOOD) == []


@pytest.mark.parametrize("moves, memory", [
    ([*GOOD, GOOD[0]._replace(took=60.0, answered=False)], FLAT),
    ([*GOOD, GOOD[0]._replace(address=f"{ADDRESS}&benefits.ceiling=1")], FLAT),  # equal requests, another answer
    ([GOOD[0]._replace(asked=("henan_nrcms_2011", 10.0))], FLAT),  # another session's scenario
    ([move._replace(took=1.5) for move in GOOD], FLAT),
    ([move._replace(took=4.0 if move.at >= 90 else 0.2) for move in GOOD], FLAT),
    (GOOD, [held._replace(memory=3000.0) for held in FLAT]),
    (GOOD, [held._replace(memory=500.0 + 5 * held.at) for held in FLAT])])
def test_each_target_can_be_missed(moves, memory):
    assert len(failed(moves, memory)) == 1


def test_a_fault_in_the_log_misses_a_target():
    assert not told(GOOD, FLAT, 100.0, faults=1)[1]


def test_what_the_server_used_is_told():
    lines = [line.strip() for line in told(GOOD, FLAT, 100.0)[0]]
    assert "memory at the start, half way, at the end, MB  500  500  500" in lines
    assert "processor time a move, s  0.10" in lines  # 9.9 s for a hundred moves
    assert "stable answer before the next move  100%" in lines


def test_two_sessions_get_every_answer_from_a_real_server(capsys):
    load(["--people", "2", "--minutes", "0.3", "--pause", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert int(lines[0].split()[0]) >= 2 and lines[0].endswith("met")
    assert lines[1].endswith("met") and lines[2].endswith("met")


def test_a_widget_of_a_page_left_a_while_ago_asks_for_nothing(tmp_path):
    async def walked(port):
        session = Session(0, port, random.Random(0))
        async with websockets.connect(f"ws://{HOST}:{port}/_stcore/stream", max_size=None) as wire:
            await session.ask(wire)
            session.page = "levers"
            await session.ask(wire)
            left, addresses = session.slider[0], []
            for page, states in (("levers", {left: 10.0}), ("compare", {}), ("compare", {left: 20.0}),
                                 ("why", {left: 30.0})):
                session.page, session.states = page, states
                await session.ask(wire)
                addresses.append(session.address)
            return addresses

    with served(None, tmp_path / "log") as (port, _):
        addresses = asyncio.run(walked(port))
    assert len(set(addresses)) == 1
    assert not [event for event in events(tmp_path / "log") if event["event"] == "fault"]
