"""Runs made by processes of their own: the same answers, and nothing lost when one of them is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import pandas as pd
import pytest

from report.answers import answered
from simulation import load_scenario
from simulation.explain import waterfall
from simulation.terms import BadInput
from ui.hands import GENTLY, Hands

ROOT = Path(__file__).parents[1]
SCENARIO = load_scenario("henan_nrcms_2011")
FOREVER = 60.0  # seconds that no test waits for


class Left(BaseException):
    """What a reader raises who moves on, as the front end does."""


def leave():
    raise Left


def stay():
    """A look that changes nothing."""


@pytest.fixture(scope="module")
def hands():
    found = Hands(1, 1)
    yield found
    found.end()


def until(true, seconds=30.0):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()


def test_another_process_gives_the_same_answer_to_the_last_digit(hands):
    for patient in (False, True):
        there = hands.do(patient, stay, answered, SCENARIO, 64, 7)
        here = answered(SCENARIO, 64, 7)
        assert there.took > 0 and there.answer.facts == here.facts
        pd.testing.assert_frame_equal(there.answer.summary, here.summary, check_exact=True)
    assert hands.do(False, stay, os.getpid).answer not in (os.getpid(), hands.do(True, stay, os.getpid).answer)


def test_patient_work_lets_everything_else_go_first(hands):
    assert hands.do(True, stay, os.nice, 0).answer == hands.do(False, stay, os.nice, 0).answer + GENTLY


def test_a_refusal_arrives_whole(hands):
    with pytest.raises(BadInput) as far:
        hands.do(False, stay, answered, SCENARIO, 3, 7)
    with pytest.raises(BadInput) as near:
        answered(SCENARIO, 3, 7)
    assert far.value.faults == near.value.faults


def test_a_process_that_is_killed_is_replaced_and_its_work_done(hands):
    lost = hands.do(False, stay, os.getpid).answer
    threading.Timer(0.3, os.kill, (lost, signal.SIGKILL)).start()
    before = time.monotonic()
    assert hands.do(False, stay, slowly, 1.0).answer != lost
    assert time.monotonic() - before > 1.3  # it was begun again


def test_what_nobody_wants_any_more_is_not_begun(hands, tmp_path):
    """A second piece of work waits behind the first; it is given up, and a third is done without it."""
    first = threading.Thread(target=hands.do, args=(True, stay, slowly, 2.0))
    first.start()
    time.sleep(0.5)
    with pytest.raises(Left):
        hands.do(True, leave, (tmp_path / "begun").touch)
    assert first.is_alive()
    first.join()
    hands.do(True, stay, os.getpid)
    assert not (tmp_path / "begun").exists()


def test_a_long_calculation_is_heard_and_gives_the_same(hands):
    shares, ends = [], (SCENARIO.model_copy(update={"changes": ()}), SCENARIO)
    assert SCENARIO.changes
    there = hands.alone(stay, {"progress": shares.append}, waterfall, *ends, draws=64)
    pd.testing.assert_frame_equal(there.parts, waterfall(*ends, draws=64).parts, check_exact=True)
    assert shares == sorted(shares) and shares[-1] == 1
    with pytest.raises(BadInput) as far:
        hands.alone(stay, {}, answered, SCENARIO, 3, 7)
    assert far.value.faults[0].place == "draws"


def test_a_long_calculation_ends_when_nobody_wants_it(hands):
    begun = []

    def leave_then():
        if begun:
            raise Left

    with pytest.raises(Left):
        hands.alone(leave_then, {"progress": begun.append}, at_work)
    assert until(lambda: not alive(begun[0]))


def test_a_long_calculation_whose_process_is_killed_is_done_here(hands):
    begun = []

    def end(process):
        begun.append(process)
        if process != os.getpid():
            os.kill(process, signal.SIGKILL)

    assert hands.alone(stay, {"progress": end}, at_work, 0.5) == os.getpid()
    assert len(begun) == 2 and begun[0] != os.getpid()


def test_a_process_that_is_begun_from_a_page_does_not_run_the_page(tmp_path, monkeypatch):
    ran = tmp_path / "ran"
    script = tmp_path / "page.py"
    script.write_text(f"open({str(ran)!r}, 'a').close()\n", encoding="utf-8")
    page = types.ModuleType("__main__")
    page.__file__ = str(script)
    monkeypatch.setitem(sys.modules, "__main__", page)
    hands = Hands(1, 1)
    try:
        assert hands.do(False, stay, os.path.basename, "a/b").answer == "b"
        assert hands.alone(stay, {}, os.path.basename, "a/c") == "c"
    finally:
        hands.end()
    assert not ran.exists() and sys.modules["__main__"] is page


def test_the_processes_end_with_the_one_that_began_them():
    code = ("import os, time\nfrom ui.hands import Hands\nif __name__ == '__main__':\n hands = Hands(1, 1)\n"
            " print(*(hands.do(patient, id, os.getpid).answer for patient in (False, True)), flush=True)\n"
            f" time.sleep({FOREVER})")
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        begun = [int(number) for number in server.stdout.readline().split()]
        assert len(begun) == 2 and all(map(alive, begun))
        server.kill()
    assert until(lambda: not any(map(alive, begun)))


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def at_work(seconds=FOREVER, progress=None):
    """A calculation that tells who does it, and takes its time."""
    progress(os.getpid())
    return slowly(seconds)


def slowly(seconds):
    """Work that takes its time; who did it."""
    time.sleep(seconds)
    return os.getpid()
