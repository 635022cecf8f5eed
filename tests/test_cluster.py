"""Many simulations at once: the same results wherever they are made, whatever befalls a worker, each taken once."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from distributed import LocalCluster

from simulation import cluster, load_scenario
from simulation.__main__ import main
from simulation.calibration import calibrate, missed, read_targets
from simulation.cluster import ONE_THREAD, Mapper, identity, in_process, joined, mapper, on_workers, performed, task_of
from simulation.sweep import sweep
from simulation.terms import BadInput, refuse, words

ROOT = Path(__file__).resolve().parent.parent


# ---- work, as a worker process finds it --------------------------------------------------------------------------

def thirds(item: dict) -> dict:
    """A number that no decimal holds, after a while; leaves word of who began it."""
    if "begun" in item:
        with (Path(item["begun"]) / f"{item['n']}").open("a") as file:
            file.write(f"{os.getpid()}\n")
    time.sleep(item.get("wait", 0))
    return {"n": item["n"], "third": item["n"] / 3, "none": float("nan") if item["n"] < 0 else None}


def refusing(item: int) -> int:
    """Refuses one item."""
    if item == 3:
        raise refuse("item", words("不行", "will not do"), words("请换", "take another"))
    return item


def broken(item: int) -> float:
    """Has a fault of its own."""
    return 1 / item


def deadly(item: dict) -> int:
    """Ends its worker process at one item, as a lack of memory would."""
    if item["n"] == 4:
        os._exit(1)
    time.sleep(0.05)
    return item["n"]


def threads(_: int) -> dict:
    """How many threads the worker's libraries may use."""
    return {name: os.environ.get(name) for name in ONE_THREAD}


def process(_: int) -> int:
    """Which process does the work."""
    return os.getpid()


# ---- clusters ------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two worker processes, shared by the tests: starting them takes seconds."""
    with joined("local:2") as client:
        yield client


@pytest.fixture
def two(client: Any) -> Mapper:
    """What `mapper("local:2")` gives."""
    return partial(on_workers, client, None)


@contextmanager
def scheduler(threads_of_worker: int = 1) -> Iterator[str]:
    """The address of a scheduler of this process, whose worker is a thread or more of it."""
    with LocalCluster(n_workers=1, threads_per_worker=threads_of_worker, processes=False, protocol="tcp://",
                      host="127.0.0.1", dashboard_address=":0", silence_logs=logging.CRITICAL) as cluster:
        yield cluster.scheduler_address


OTHER = """
import sys
from distributed import LocalCluster
with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, protocol="tcp://", host="127.0.0.1",
                  dashboard_address=":0") as cluster:
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()
"""


@contextmanager
def scheduler_of(folder: Path) -> Iterator[str]:
    """The address of a scheduler whose worker runs the code of a folder."""
    child = subprocess.Popen([sys.executable, "-c", OTHER], cwd=folder, text=True, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        yield child.stdout.readline().strip()
    finally:
        child.kill()
        child.wait()
        child.stdin.close(), child.stdout.close()


def begun(folder: Path) -> list[tuple[str, str]]:
    """Every beginning of a task: its number and the process."""
    return [(path.name, pid) for path in folder.iterdir() for pid in path.read_text().split()]


def until(what: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something that another process does."""
    for _ in range(int(seconds / 0.02)):
        if what():
            return
        time.sleep(0.02)
    raise AssertionError("waited in vain")


# ---- results are the same everywhere ---------------------------------------------------------------------------------

def test_results_are_the_same_in_order_and_digit_for_digit(two: Mapper) -> None:
    items = [{"n": n, "wait": 0.05 * (n % 3 == 0)} for n in range(-2, 20)]  # some are overtaken by later ones
    with mapper() as here:
        expected = list(here(thirds, items))
    assert [item["n"] for item in expected] == list(range(-2, 20))
    assert json.dumps(list(two(thirds, items))) == json.dumps(expected) == json.dumps(list(map(thirds, items)))


def test_work_is_done_by_so_many_other_processes_on_one_thread_each(client: Any, two: Mapper) -> None:
    assert list(client.nthreads().values()) == [1, 1]
    pids = set(two(process, range(12)))
    assert pids and os.getpid() not in pids
    assert list(two(threads, [0])) == [ONE_THREAD] and set(ONE_THREAD.values()) == {"1"}


def test_results_are_lazy() -> None:
    made = []
    with mapper() as here:
        results = here(refusing, (made.append(n) or n for n in range(10)))
        assert made == []
        assert next(iter(results)) == 0 and made == [0]


def test_only_some_tasks_are_ahead_of_the_one_taken(two: Mapper) -> None:
    """A country's tasks are made as they are needed, not all at once."""
    made = []
    results = iter(two(refusing, (made.append(n) or n + 10 for n in range(1000))))
    assert next(results) == 10
    assert len(made) < 100
    results.close()


def test_a_sweep_is_the_same_on_workers(two: Mapper) -> None:
    asked = {"draws": 64, "of": ("balance_end",)}
    there = sweep(["benxi_2008", "hunan_nrcms_2008"], mapped=two, **asked).table
    here = sweep(["benxi_2008", "hunan_nrcms_2008"], **asked).table
    assert there.equals(here) and len(here) > 0


def test_a_calibration_is_the_same_on_workers(two: Mapper) -> None:
    """A point of a fit and, of one assumption over four years, the fit itself."""
    scenario = load_scenario("national_nrcms_2005").model_copy(update={"years": 4})
    targets = [target for target in read_targets(scenario.name) if target.year in scenario.horizon()]
    point = {"scenario": scenario.text(), "z": {"utilisation.cost_growth": 0.3}, "targets": [t[:5] for t in targets]}
    assert list(two(missed, [point])) == [missed(point)]
    some = scenario.model_copy(update={"assumptions": only(scenario.assumptions, ("utilisation", "cost_growth"))})
    assert calibrate(some, targets, mapped=two).scenario.text() == calibrate(some, targets).scenario.text()


def only(assumptions, kept: tuple[str, str]):
    """Assumptions of which one is uncertain: a fit of a few runs."""
    sections = {}
    for section in type(assumptions).model_fields:
        part = getattr(assumptions, section)
        if section == "correlations":
            sections[section] = ()
            continue
        sections[section] = part.model_copy(update={
            name: getattr(part, name).model_copy(update={"range": None, "factor": None})
            for name in type(part).model_fields if (section, name) != kept})
    return assumptions.model_copy(update=sections)


# ---- what goes wrong -------------------------------------------------------------------------------------------------

def test_a_killed_worker_loses_nothing_and_nothing_counts_twice(two: Mapper, tmp_path: Path) -> None:
    """The worker is killed in the midst of its work, when others are done and most are still to come."""
    items = [{"n": n, "wait": 1.5 if n == 5 else 0.1, "begun": str(tmp_path)} for n in range(24)]
    killed = []

    def kill() -> None:
        until(lambda: "5" in {n for n, _ in begun(tmp_path)})
        killed.extend(int(pid) for n, pid in begun(tmp_path) if n == "5")
        os.kill(killed[0], signal.SIGKILL)

    killer = Thread(target=kill)
    killer.start()
    got = list(two(thirds, items))
    killer.join()
    assert len(killed) == 1 and killed[0] != os.getpid()
    assert got == [thirds({"n": n}) for n in range(24)]
    tried = begun(tmp_path)
    assert {n for n, _ in tried} == {str(n) for n in range(24)}
    # The killed worker's task was begun again, elsewhere, and still there is one result of it.
    assert len([n for n, _ in tried if n == "5"]) == 2


def test_where_no_worker_is_left_new_ones_are_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask gives a worker up that fails to start again: without new ones the rest would be waited for without end."""
    monkeypatch.setattr(cluster, "LOOK", 1)
    monkeypatch.setattr(cluster, "GONE", 5)  # as long as a busy machine may take to start one
    items = [{"n": n, "wait": 0.3, "begun": str(tmp_path)} for n in range(6)]
    with cluster.joined("local:1") as client:
        def end_all() -> None:
            until(lambda: begun(tmp_path))
            for worker in list(client.cluster.workers.values()):
                client.cluster.sync(worker.close)

        ending = Thread(target=end_all)
        ending.start()
        got = list(cluster.on_workers(client, None, thirds, items))
        ending.join()
    assert got == [thirds({"n": n}) for n in range(6)]


def test_where_no_worker_starts_again_the_wait_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "LOOK", 0.2)
    monkeypatch.setattr(cluster, "GONE", 1)
    with cluster.joined("local:1") as client:
        results = cluster.on_workers(client, None, thirds, [{"n": n, "begun": str(tmp_path)} for n in range(40)])
        assert next(results) == thirds({"n": 0})
        monkeypatch.setattr(client.cluster, "scale", lambda size: None)  # as where Dask has given up
        for worker in list(client.cluster.workers.values()):
            client.cluster.sync(worker.close)
        with pytest.raises(BadInput, match="fail to start again"):
            list(results)


def test_a_task_that_ends_every_worker_is_told_by_one_sentence(two: Mapper) -> None:
    got = []
    with pytest.raises(BadInput) as refused:
        for n in two(deadly, [{"n": n} for n in range(8)]):
            got.append(n)
    assert got == [0, 1, 2, 3]
    [fault] = refused.value.faults
    assert "deadly 5: this task ends every worker it runs on" in fault.sentence() and "这个任务" in fault.sentence("zh")
    assert list(two(refusing, [1, 2])) == [1, 2]  # the others live on


def test_what_a_task_refuses_or_raises_comes_back(two: Mapper) -> None:
    with mapper() as here:
        for mapped in (here, two):
            got = []
            with pytest.raises(BadInput, match="item: will not do; take another"):
                for n in mapped(refusing, range(6)):
                    got.append(n)
            assert got == [0, 1, 2]
            with pytest.raises(ZeroDivisionError):
                list(mapped(broken, [1, 0]))


def test_a_function_no_other_process_can_find_is_refused() -> None:
    with mapper() as here, pytest.raises(TypeError, match="lambda"):
        list(here(lambda item: item, [1]))


# ---- results that stay -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("workers", [False, True])
def test_after_a_stop_nothing_kept_is_made_anew(workers: bool, client: Any, tmp_path: Path) -> None:
    """Stopped as Ctrl-C or a page does: by an exception where the results are used."""
    keep, word = tmp_path / "keep", tmp_path / "begun"
    word.mkdir(), keep.mkdir()
    items = [{"n": n, "wait": 0.02, "begun": str(word)} for n in range(40)]
    results = on_workers(client, keep, thirds, items) if workers else in_process(keep, thirds, items)
    with pytest.raises(KeyboardInterrupt), closing(results):
        for result in results:
            if result["n"] == 3:
                raise KeyboardInterrupt
    until(lambda: not any(client.processing().values()))  # what had begun when it was cancelled runs to its end
    first, before = begun(word), {path: path.stat().st_mtime_ns for path in keep.glob("*.json")}
    assert 4 <= len(before) < 40 and {"0", "1", "2", "3"} <= {n for n, _ in first}
    with mapper(None, keep) as mapped:
        assert list(mapped(thirds, items)) == [thirds({"n": n}) for n in range(40)]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(begun(word)) - len(first) == 40 - len(before)
    assert len(list(keep.iterdir())) == 40  # one file a task, none half written


def test_leaving_ends_the_workers_in_the_midst_of_their_work(tmp_path: Path) -> None:
    items = [{"n": n, "wait": 0.1 if n == 0 else 600, "begun": str(tmp_path)} for n in range(3)]
    with pytest.raises(KeyboardInterrupt), joined("local:1") as one:
        assert len(one.nthreads()) == 1
        for _ in on_workers(one, None, thirds, items):
            until(lambda: len(begun(tmp_path)) == 2)
            raise KeyboardInterrupt
    pid = int(begun(tmp_path)[0][1])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_damaged_result_is_made_anew(tmp_path: Path) -> None:
    items = [{"n": n} for n in range(4)]
    with mapper(keep=tmp_path) as mapped:
        expected = list(mapped(thirds, items))
        cut, altered, other, _ = (tmp_path / f"{task_of(thirds, item).key}.json" for item in items)
        cut.write_text(cut.read_text()[:40])
        altered.write_text(altered.read_text().replace("0.3333", "0.4333"))
        other.write_bytes(b"\xff\xfe")
        assert list(mapped(thirds, items)) == expected
    assert "0.3333" in altered.read_text() and json.loads(cut.read_text())["result"] == expected[0]


def test_a_result_is_named_by_function_code_and_item() -> None:
    names = {task_of(work, item).key for work in (thirds, refusing) for item in ({"n": 1}, {"n": 2}, {"n": 1.5})}
    assert len(names) == 6
    assert task_of(thirds, {"n": 1}).key == task_of(thirds, {"n": 1}).key
    assert identity()["model"] and len(identity()["code"]) == 16


def test_numbers_travel_unharmed() -> None:
    assert json.loads(performed(thirds, '{"n": 1}'))["third"] == 1 / 3
    assert json.loads(performed(thirds, '{"n": -1}'))["none"] != 0


# ---- schedulers ------------------------------------------------------------------------------------------------------

def test_a_schedulers_address_does_as_well() -> None:
    with scheduler() as address, mapper(address) as mapped:
        assert list(mapped(thirds, [{"n": n} for n in range(5)])) == [thirds({"n": n}) for n in range(5)]


def test_workers_of_another_version_are_refused(tmp_path: Path) -> None:
    for name in ("simulation", "scenarios", "data"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    streams = tmp_path / "simulation" / "streams.py"
    streams.write_text(streams.read_text(encoding="utf-8") + "\n# another version\n", encoding="utf-8")
    with scheduler_of(tmp_path) as address, pytest.raises(BadInput) as refused, mapper(address):
        raise AssertionError("never begun")
    sentence = refused.value.faults[0].sentence()
    assert "another version (code" in sentence and f"here {identity()['code']}" in sentence


def test_a_worker_with_threads_is_refused() -> None:
    with scheduler(2) as address, pytest.raises(BadInput, match="more than one thread"), mapper(address):
        raise AssertionError("never begun")


@pytest.mark.parametrize("text", ["", "local", "local:", "local:0", "local:257", "local:-1", "local:two", "2",
                                  "tcp://", "tcp://host", "tcp://host:port", "http://host:8786", "host:8786",
                                  "tcp://host:1 2", "inproc://1/2/3"])
def test_what_is_no_cluster_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="is no cluster"), mapper(text):
        raise AssertionError("never begun")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="keep: cannot be written"), mapper(keep=tmp_path / "file" / "keep"):
        raise AssertionError("never begun")


def test_without_dask_one_sentence_says_what_to_install() -> None:
    code = ("import sys; sys.modules.update(dask=None, distributed=None); from simulation.__main__ import main; "
            "asked = ['sweep', 'benxi_2008', '--cluster', 'local:2', '--lang']; "
            "sys.exit(main([*asked, 'en']) + main([*asked, 'zh']))")
    shown = subprocess.run([sys.executable, "-X", "utf8", "-c", code], cwd=ROOT, timeout=60, capture_output=True,
                           text=True, encoding="utf-8", check=False)
    assert shown.returncode == 4 and shown.stderr.splitlines() == [
        "--cluster local:2: Dask is not installed; run pip install -r requirements-cluster.txt",
        "--cluster local:2：没有安装 Dask；请运行 pip install -r requirements-cluster.txt"]
    assert (ROOT / "requirements-cluster.txt").is_file()


def test_the_command_goes_on_where_it_was_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["sweep", "benxi_2008", "--draws", "64", "--keep", str(tmp_path / "keep"), "--out"]
    assert main([*asked, str(tmp_path / "first.csv")]) == 0
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "keep").iterdir()}
    assert main([*asked, str(tmp_path / "again.csv")]) == 0 and kept
    assert kept == {path: path.stat().st_mtime_ns for path in (tmp_path / "keep").iterdir()}
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()
    assert "100 %" in capsys.readouterr().err
