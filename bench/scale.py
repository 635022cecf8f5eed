"""What a run over every county and many policies costs: `python -m bench.scale [--draws N] [--write]`.

Each line is a small sweep in this process or on two workers, whose processor time is scaled up with the arithmetic
shown. `--write` puts the tables into docs/scale.md and docs/scale.zh.md.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"  # as a worker runs: cost is per core

import argparse  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
import re  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from itertools import count  # noqa: E402
from pathlib import Path  # noqa: E402
from statistics import median  # noqa: E402
from time import perf_counter, process_time, sleep  # noqa: E402
from typing import NamedTuple  # noqa: E402

import numpy as np  # noqa: E402

from simulation import load_scenario  # noqa: E402
from simulation.areas import Area, area_of  # noqa: E402
from simulation.cluster import Mapper, mapper  # noqa: E402
from simulation.proposals import Edit, Proposal  # noqa: E402
from simulation.sweep import answered, sweep, tasks_of  # noqa: E402
from simulation.terms import Words, words  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
SCENARIO = "urrbmi_county_2026"
COUNTIES, POLICIES, RUNS, WORKERS, REPEATS = 2_800, 1_000, 8, 2, 3
CORES = 128  # of a cluster, for example
BENEFIT, CONTRIBUTION = "benefits.rate.inpatient.adult", "financing.contribution.adult"
BLOCK = re.compile(r"(<!-- figures: [^\n]*-->\n).*?(<!-- end -->)", re.DOTALL)
NEW = count()  # no line finds tables that another one settled


class Line(NamedTuple):
    """One sweep timed: what it is of, and what a run took."""

    what: Words
    runs: int
    clock: float  # seconds a run
    core: float  # seconds of a processor a run

    @property
    def core_ms(self) -> float:
        """Milliseconds of a processor for an area-year."""
        return 1000 * self.core / load_scenario(SCENARIO).years


def counties(n: int, alike: bool) -> list[Area]:
    """So many counties that differ in size, or in what care costs as well."""
    base, shift = area_of(SCENARIO), 1 + next(NEW)
    return [base._replace(name=f"{k}", values=(
        ("residents", 100_000 + 10_000 * k),
        ("utilisation.cost_growth", round(0.05 + 0.0001 * shift + (0 if alike else 0.002 * k), 4)))) for k in range(n)]


def policies(n: int, lever: str) -> list[Proposal]:
    """So many policies that differ in one lever, at values not used before."""
    low, step, shift = (0.55, 0.01, 0.0001) if lever == BENEFIT else (400, 10, 0.1)
    own = shift * next(NEW)
    return [Proposal(name=f"{k}", changes=(Edit(lever=lever, value=round(low + own + step * k, 4)),))
            for k in range(n)]


def timed(what: Words, areas: Callable[[], list[Area]], proposals: Callable[[], list[Proposal]], draws: int,
          mapped: Mapper = map) -> Line:
    """A sweep's time a run, of the clock and of the processors that worked on it: medians of `REPEATS`."""
    clock, core, runs = [], [], 0
    for _ in range(REPEATS):
        a, p = areas(), proposals()
        runs, before, start = len(a) * len(p), busy(mapped), perf_counter()
        sweep(a, p, draws, mapped=mapped)
        clock.append((perf_counter() - start) / runs)
        core.append((busy(mapped) - before) / runs)
    return Line(what, runs, median(clock), median(core))


def busy(mapped: Mapper) -> float:
    """Seconds of a processor that this process and all workers have used."""
    workers = {pid: seconds for pid, seconds in mapped(used, range(8 * WORKERS))}
    return sum((workers | {os.getpid(): process_time()}).values())


def used(_: int) -> tuple[int, float]:
    """Which process this is, and the seconds of a processor it has used."""
    sleep(0.02)  # so that every worker gets its turn
    return os.getpid(), process_time()


def peak(_: int) -> float:
    """The most memory this process has held, in megabytes; none where the system does not tell."""
    try:
        import resource
    except ImportError:
        return float("nan")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024**2 if sys.platform == "darwin" else 1024)


def measured(draws: int) -> tuple[list[Line], dict[str, float]]:
    """The lines, and what else a plan needs: peak memory of a worker and sizes in bytes."""
    sweep(counties(1, True), policies(1, BENEFIT), draws)  # claim histories are built, modules loaded
    lines = [
        timed(words("各县费用不同：每次运行另行结算", "counties differ in costs: every run settles benefits anew"),
              lambda: counties(RUNS, False), lambda: policies(1, BENEFIT), draws),
        timed(words("一个县：各项政策改变待遇", "one county: policies change a benefit rule"),
              lambda: counties(1, True), lambda: policies(RUNS, BENEFIT), draws),
        timed(words("各县只有人数不同：待遇结算一次", "counties differ in size only: benefits are settled once"),
              lambda: counties(RUNS, True), lambda: policies(1, BENEFIT), draws),
        timed(words("一个县：各项政策只改变缴费", "one county: policies change the contribution only"),
              lambda: counties(1, True), lambda: policies(RUNS, CONTRIBUTION), draws)]
    with mapper(f"local:{WORKERS}") as mapped:
        sweep(counties(2 * WORKERS, False), policies(1, BENEFIT), draws, mapped=mapped)  # modules are loaded
        lines.append(timed(words(f"各县费用不同，{WORKERS} 个工作进程",
                                 f"counties differ in costs, {WORKERS} worker processes"),
                           lambda: counties(2 * RUNS, False), lambda: policies(1, BENEFIT), draws, mapped))
        memory = max(mapped(peak, range(8 * WORKERS)))
    [task] = tasks_of(counties(1, True), policies(RUNS, CONTRIBUTION))
    task |= {"draws": draws, "seed": 1, "engine": "table", "of": ["income", "expenditure", "balance_end",
                                                                 "surplus_ratio", "balance_ratio"]}
    return lines, {"memory": memory, "task": len(json.dumps(task, ensure_ascii=False).encode()),
                   "result": len(json.dumps(answered(task)).encode()) / RUNS}


def block(lines: list[Line], sizes: dict[str, float], draws: int, lang: str) -> str:
    """The tables of the documents in one language."""
    years, runs = load_scenario(SCENARIO).years, COUNTIES * POLICIES
    say = lambda zh, en: zh if lang == "zh" else en  # noqa: E731
    text = [say(
        f"`{SCENARIO}`，{years} 年，{draws:,} 次模拟；{REPEATS} 次的中位数；"
        f"Python {platform.python_version()}，numpy {np.__version__}，{os.cpu_count()} 个处理器。",
        f"`{SCENARIO}`, {years} years, {draws:,} draws; medians of {REPEATS}; "
        f"Python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} processors."), "",
        say("| 情形 | 次数 | 每次运行（秒） | 每次运行（核·秒） | 每县每年（核·毫秒） | "
            f"{COUNTIES:,} 县 × {POLICIES:,} 项政策（核·小时） |",
            "| what | runs | a run, s | a run, core-s | an area-year, core-ms | "
            f"{COUNTIES:,} counties x {POLICIES:,} policies, core-hours |"),
        "|---|---|---|---|---|---|"]
    text += [f"| {line.what[lang]} | {line.runs} | {line.clock:.2f} | {line.core:.2f} | {line.core_ms:.1f} | "
             f"{hours(line):,.0f} |" for line in lines]
    first, two = lines[0], lines[-1]
    text += ["", say(
        f"算式：{COUNTIES:,} × {POLICIES:,} × {years} 年 × {first.core_ms:.1f} 核·毫秒 ÷ 3,600,000 = "
        f"{hours(first):,.0f} 核·小时；例如 {CORES} 核约 {hours(first) / CORES:,.1f} 小时。",
        f"Arithmetic: {COUNTIES:,} x {POLICIES:,} x {years} years x {first.core_ms:.1f} core-ms / 3,600,000 = "
        f"{hours(first):,.0f} core-hours; on {CORES} cores about {hours(first) / CORES:,.1f} hours."), "", say(
        f"- 同样的工作，{WORKERS} 个工作进程的速度是一个进程的 {first.clock / two.clock:.2f} 倍。",
        f"- The same work goes {first.clock / two.clock:.2f} times as fast on {WORKERS} workers as in one process."),
        say(f"- 一个工作进程最多占用内存 {sizes['memory']:,.0f} MB。",
            f"- A worker process held at most {sizes['memory']:,.0f} MB of memory."),
        say(f"- 每次运行的结果 {sizes['result'] / 1000:.1f} kB（JSON，5 个指标、5 个概率），全部共 "
            f"{sizes['result'] * runs / 1e9:,.1f} GB；一个任务（{RUNS} 次运行）发送 {sizes['task'] / 1000:.0f} kB。",
            f"- A run's result is {sizes['result'] / 1000:.1f} kB (JSON, 5 quantities and 5 chances), all of them "
            f"{sizes['result'] * runs / 1e9:,.1f} GB; a task of {RUNS} runs is sent in {sizes['task'] / 1000:.0f} kB.")]
    return "\n".join(text)


def hours(line: Line) -> float:
    """Core-hours of all counties and policies."""
    return COUNTIES * POLICIES * load_scenario(SCENARIO).years * line.core_ms / 3_600_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=1024, metavar="N")
    parser.add_argument("--write", action="store_true", help="into docs/scale.md and docs/scale.zh.md")
    options = parser.parse_args()
    lines, sizes = measured(options.draws)
    print(block(lines, sizes, options.draws, "en"))
    for lang, name in (("en", "scale.md"), ("zh", "scale.zh.md")) if options.write else ():
        path = ROOT / "docs" / name
        text = path.read_text(encoding="utf-8")
        new = block(lines, sizes, options.draws, lang)
        path.write_text(BLOCK.sub(lambda found, new=new: f"{found[1]}{new}\n{found[2]}", text), encoding="utf-8")


if __name__ == "__main__":
    main()
