"""The load test: a short run of it against a real server, and what it says of good and bad moves."""

from bench.load import Move, told
from bench.load import main as load

GOOD = [Move(float(n), 0.2, "overview", True, True) for n in range(100)]
FLAT = [(float(n), 500.0) for n in range(100)]


def failed(moves, memory=FLAT):
    """The lines that say a target was missed."""
    lines, met = told(moves, memory, 100.0)
    missed = [line.split("   ")[0] for line in lines if line.endswith("missed")]
    assert met == (not missed)
    return missed


def test_good_moves_meet_every_target():
    assert failed(GOOD) == []


def test_each_target_can_be_missed():
    assert len(failed([*GOOD, Move(1.0, 60.0, "overview", False, True)])) == 1
    assert len(failed([*GOOD, Move(1.0, 0.2, "overview", True, False)])) == 1
    assert len(failed([move._replace(took=1.5) for move in GOOD])) == 1
    assert len(failed([move._replace(took=4.0 if move.at >= 90 else 0.2) for move in GOOD])) == 1
    assert len(failed(GOOD, [(at, 3000.0) for at, _ in FLAT])) == 1
    assert len(failed(GOOD, [(at, 500.0 + 5 * at) for at, _ in FLAT])) == 1


def test_two_sessions_get_every_answer_from_a_real_server(capsys):
    load(["--people", "2", "--minutes", "0.3", "--pause", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert int(lines[0].split()[0]) >= 2 and lines[0].endswith("met")
    assert lines[1].endswith("met")
