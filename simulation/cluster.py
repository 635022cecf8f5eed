"""Many simulations at once: the same call in this process, on worker processes here, or on a Dask cluster.

An answer that needs many simulations takes a `mapped` and gives it a function of a module and items of plain data.
Items and results travel as JSON, whose numbers are read exactly as they were written, so a cluster gives byte for byte
what this process would. A task is pure: it may be begun again, and its result is taken once.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import logging
import re
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing import resource_tracker
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from uuid import uuid4

from simulation import __version__
from simulation.results import LIBRARIES
from simulation.runs import code
from simulation.terms import BadInput, Fault, Mapper, refuse, short, words
from simulation.writing import make, unwritable

ROOT = Path(__file__).resolve().parent.parent
MOST_WORKERS = 256
AHEAD = 2  # tasks handed to a worker at a time, so that it never waits for the next
OPEN = 8  # results a worker may be ahead of the one that is taken next
AGAIN = 3  # times new workers are begun where none is left, without a result in between
LOST = 1  # workers that a task may lose while others run beside it; then it runs alone
PATIENCE = 15  # seconds for a scheduler to answer and to have a worker
LOOK, GONE = 2, 10  # seconds between looks at tasks that take long; looks without a worker until new ones are begun
SILENT = logging.CRITICAL + 1
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
# Only loopback, no page of its own, fresh processes; tasks that end their worker are tried again as `LOST` says.
SETTINGS = {
    "distributed.worker.multiprocessing-method": "spawn", "distributed.scheduler.allowed-failures": LOST,
    "distributed.nanny.pre-spawn-environ": ONE_THREAD, "distributed.worker.profile.enabled": False,
    **{f"distributed.{part}.http.routes": [] for part in ("scheduler", "worker", "nanny")}}
LOCAL, REMOTE = re.compile(r"local:(\d{1,4})"), re.compile(r"(tcp|tls)://(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}")


class Task(NamedTuple):
    """One item of a function, as it travels."""

    work: Callable[[Any], Any]
    item: str  # JSON
    key: str  # names its result: function, code, data and item


@contextmanager
def mapper(where: str | None = None, keep: Path | None = None) -> Iterator[Mapper]:
    """A `mapped(work, items)` for the time of a `with`: results in the order of the items, as they are asked for.

    `where` is none for this process, `local:N` for N worker processes of this machine, or the address of a Dask
    scheduler; `keep` a folder in which the result of every finished task stays and from which it is read again.
    `work` is a function of a module, of one argument of plain data. Leaving the `with`, however, cancels what is
    unfinished. Raises `BadInput` where the cluster cannot be used, and what `work` raises.

    >>> with mapper() as mapped:
    ...     list(mapped(len, ["ab", [1, 2, 3]]))
    [2, 3]
    """
    if keep:
        make(keep)
    if where is None:
        yield lambda work, items: in_process(keep, work, items)
        return
    with joined(where) as client:
        yield lambda work, items: on_workers(client, keep, work, items)


# ---- a task --------------------------------------------------------------------------------------------------------

def task_of(work: Callable[[Any], Any], item: Any) -> Task:
    """A task with the name of its result. A function that no other process could find is refused."""
    name = f"{work.__module__}.{work.__qualname__}"
    if "<" in name:
        raise TypeError(f"{name} is not a function of a module")
    text = json.dumps(item, ensure_ascii=False)
    said = json.dumps([name, source_of(work), identity()], sort_keys=True)
    return Task(work, text, hashlib.sha256(f"{said}\n{text}".encode()).hexdigest())


def performed(work: Callable[[Any], Any], item: str) -> str:
    """The result of a function as JSON, from its item as JSON.

    >>> performed(len, "[1, 2]")
    '2'
    """
    return json.dumps(work(json.loads(item)), ensure_ascii=False)


@cache
def identity() -> dict[str, str]:
    """What two processes must share to give the same numbers: the model, its code and data, the libraries."""
    return {"model": __version__, "code": code(), **LIBRARIES}


@cache
def source_of(work: Callable[[Any], Any]) -> str:
    """A hash of the file a function stands in, which need not be the model's; empty where there is none."""
    try:
        return hashlib.sha256(Path(inspect.getfile(work)).read_bytes()).hexdigest()[:16]
    except (TypeError, OSError):
        return ""


# ---- results that stay ---------------------------------------------------------------------------------------------

def recalled(folder: Path | None, task: Task) -> str | None:
    """The kept result of a task; none where there is none or the file is damaged."""
    if not folder:
        return None
    try:
        held = json.loads((folder / f"{task.key}.json").read_text(encoding="utf-8"))
        result = json.dumps(held["result"], ensure_ascii=False)
        return result if held["sha256"] == checksum(result) else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def remembered(folder: Path | None, task: Task, result: str) -> None:
    """Write a result beside the others: whole or not at all."""
    if not folder:
        return
    half = folder / f".{task.key}.{uuid4().hex}"  # no `writing.whole`: that waits for the disk, ten times as long
    try:
        half.write_text(f'{{"sha256": "{checksum(result)}", "result": {result}}}', encoding="utf-8")
        half.replace(folder / f"{task.key}.json")
    except OSError as error:
        half.unlink(missing_ok=True)
        raise unwritable(folder, error) from None


def checksum(result: str) -> str:
    """By which a damaged file is known."""
    return hashlib.sha256(result.encode()).hexdigest()


# ---- in this process -----------------------------------------------------------------------------------------------

def in_process(keep: Path | None, work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """Results one after the other, each made when it is asked for."""
    for item in items:
        task = task_of(work, item)
        result = recalled(keep, task)
        if result is None:
            result = performed(work, task.item)
            remembered(keep, task, result)
        yield json.loads(result)


# ---- on workers ----------------------------------------------------------------------------------------------------

@contextmanager
def joined(where: str) -> Iterator[Any]:
    """A Dask client whose workers run this code, on one thread each; everything it began ends with the `with`."""
    here, there = LOCAL.fullmatch(where), REMOTE.fullmatch(where)
    if not (there or here and 1 <= int(here[1]) <= MOST_WORKERS):
        raise refuse(f"--cluster {short(where)}", words("不是可用的集群", "is no cluster"),
                     words(f"请写 local:2（工作进程数，最多 {MOST_WORKERS}）或 tcp://主机:端口",
                           f"write local:2, a number of worker processes up to {MOST_WORKERS}, or tcp://HOST:PORT"))
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise refuse(f"--cluster {where}", words("没有安装 Dask", "Dask is not installed"),
                     words("请运行 pip install -r requirements-cluster.txt",
                           "run pip install -r requirements-cluster.txt")) from None
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch, dask.config.set(SETTINGS), quiet():
        if here:
            with undisturbed():
                cluster = LocalCluster(
                    n_workers=int(here[1]), threads_per_worker=1, processes=True, host="127.0.0.1", env=ONE_THREAD,
                    scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
                    local_directory=scratch, silence_logs=SILENT)
            with cluster, Client(cluster) as client:
                yield client
            return
        try:
            client = Client(where, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            raise refuse(f"--cluster {where}", words("连接不到调度器", f"no scheduler answers ({short(error)})"),
                         words("请检查地址，并确认调度器已启动", "check the address and that it runs there")) from None
        with client:
            check_workers(client, where)
            yield client


@contextmanager
def quiet() -> Iterator[None]:
    """What is lost is made good, or told by one clear fault: Dask need not tell it too."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(SILENT)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Processes and threads begun in this `with` never see Ctrl-C: it ends them by way of this process alone."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which the first process would begin, undoing the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def check_workers(client: Any, where: str) -> None:
    """Refuse a scheduler without workers, and workers whose numbers could differ."""
    place = f"--cluster {where}"
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise refuse(place, words("调度器没有工作进程", "the scheduler has no worker"),
                     words("请用 python -m dask worker 启动", "start some by python -m dask worker")) from None
    for address, theirs in client.run(identity, on_error="return").items():
        if not isinstance(theirs, dict):
            raise refuse(f"{place}: {address}", words("工作进程不能载入本模型", "the worker cannot load the model "
                                                      f"({short(theirs)})"),
                         words("请在本项目文件夹中用 python -m dask worker 启动",
                               "start it in this project's folder by python -m dask worker"))
        if theirs != identity():
            raise another(f"{place}: {address}", theirs)
    if any(threads > 1 for threads in client.nthreads().values()):
        raise refuse(place, words("工作进程不止一个线程", "a worker has more than one thread"),
                     words("请用 --nthreads 1 启动", "start it with --nthreads 1"))


def another(place: str, theirs: dict[str, str]) -> BadInput:
    """The refusal of a worker whose code or libraries are not ours, with what differs."""
    what = "; ".join(f"{part} {theirs.get(part)}, here {mine}" for part, mine in identity().items()
                     if theirs.get(part) != mine)
    return refuse(place, words(f"工作进程的版本不同（{what.replace(', here', '，本机')}）",
                               f"the worker is of another version ({what})"),
                  words("请在各机使用同一版本，然后重启工作进程",
                        "give every machine the same version and restart its worker"))


def answered(work: Callable[[Any], Any], item: str, asked: dict[str, str]) -> str | list[Fault] | dict[str, str]:
    """What a worker sends back: the result, or the faults found, or who it is where it is not of the version asked."""
    if identity() != asked:  # a worker may have joined since the others were checked
        return identity()
    try:
        return performed(work, item)
    except BadInput as bad:
        return bad.faults


def on_workers(client: Any, keep: Path | None, work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """Results in the order of the items, some tasks ahead of the one taken next; each is kept as soon as it is there.

    A task in whose time more than `LOST` workers ended is begun again with none beside it: only if that one ends too is
    the task known to be the cause, and refused.
    """
    from distributed import CancelledError, KilledWorker, wait
    from distributed.comm import CommClosedError

    tasks = enumerate(task_of(work, item) for item in items)
    running: dict[Any, tuple[int, Task]] = {}
    suspects: list[tuple[int, Task]] = []
    found: dict[int, str | Exception] = {}
    more, taken, alone, missing, size, begun = True, 0, None, 0, len(client.nthreads()), 0

    def begin(number: int, task: Task) -> None:
        future = client.submit(answered, task.work, task.item, identity(), pure=False)
        running[future] = number, task

    try:
        while more or running or suspects or found:
            workers = max(len(client.nthreads()), 1)  # some may have joined or left
            while (more and not suspects and alone is None and len(running) < AHEAD * workers
                   and len(running) + len(found) < OPEN * workers):
                number, task = next(tasks, (0, None))
                if task is None:
                    more = False
                elif (result := recalled(keep, task)) is not None:
                    found[number] = result
                else:
                    begin(number, task)
            if suspects and not running:
                alone = suspects[0][0]
                begin(*suspects.pop(0))
            if running and taken not in found:
                try:
                    done = wait(list(running), LOOK, return_when="FIRST_COMPLETED").done
                except TimeoutError:
                    missing = 0 if client.nthreads() else missing + 1
                    if missing >= GONE << begun:  # each time longer: a busy machine takes its time to start one
                        begin_again(client, size, begun)
                        missing, begun = 0, begun + 1
                    continue
                begun = 0
                for future in done:
                    number, task = running.pop(future)
                    if isinstance(future.exception(), KilledWorker) and number != alone:
                        suspects.append((number, task))
                        continue
                    alone = None if number == alone else alone
                    found[number] = result = outcome(future, number, task)
                    if isinstance(result, str):
                        remembered(keep, task, result)
                    else:
                        more = False  # it is told in its turn, after the results before it
            while taken in found:
                if isinstance(result := found.pop(taken), Exception):
                    raise result
                yield json.loads(result)
                taken += 1
    except (CancelledError, CommClosedError):
        raise refuse("--cluster", words("与调度器的连接中断", "the connection to the scheduler was lost"),
                     words("请检查调度器后重新运行；用 --keep 保留的结果不会重算",
                           "look after it and run again: results in --keep are not made anew")) from None
    finally:
        if client.status == "running":
            client.cancel(list(running), force=True)


def begin_again(client: Any, size: int, before: int) -> None:
    """New workers where none is left: those of this machine failed to start again; others must be looked after."""
    if before >= AGAIN:
        raise refuse("--cluster", words("工作进程一再无法启动", "workers fail to start again and again"),
                     words("请检查内存后重新运行；用 --keep 保留的结果不会重算",
                           "look at the memory and run again: results in --keep are not made anew"))
    if client.cluster is None:
        raise refuse("--cluster", words("调度器上已没有工作进程", "no worker is left at the scheduler"),
                     words("请启动工作进程后重新运行；用 --keep 保留的结果不会重算",
                           "start workers and run again: results in --keep are not made anew"))
    # First the dead ones must be gone: new ones take their names.
    client.cluster.sync(client.cluster.scale_down, list(client.cluster.worker_spec))
    client.cluster.scale(size)


def outcome(future: Any, number: int, task: Task) -> str | Exception:
    """The result of a task as JSON, or what is to be raised in its place."""
    from distributed import KilledWorker

    if isinstance(error := future.exception(), KilledWorker):
        return deadly(number, task)
    answer = error or future.result()
    if isinstance(answer, dict):
        return another("--cluster", answer)
    return BadInput(answer) if isinstance(answer, list) else answer


def deadly(number: int, task: Task) -> BadInput:
    """The refusal of a task that ends every worker it runs on."""
    return refuse(f"--cluster: {task.work.__qualname__} {number + 1}",
                  words("这个任务使工作进程反复中止，单独运行时也是如此，可能是内存不足",
                        "this task ends every worker it runs on, alone too; memory may be short"),
                  words("请减少 --draws 或每机的工作进程数", "use fewer --draws or fewer workers on a machine"))
