"""Time the sandbox: `python -m bench [--draws N] [--only PART ...] [--quick] [--json]`.

One run on one machine, so that every ratio compares like with like. A missed target is printed, not raised: machines
are noisy, and the reader should see the number.
"""

from __future__ import annotations

import os

# As the app runs it: threads inside a millisecond of work only queue for the cores.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402

import numpy as np  # noqa: E402

from bench import answers, draws, engines, kernel, pages  # noqa: E402
from bench.timing import NORMAL, Row, duration, line, normal_time  # noqa: E402
from simulation.memory import keep_freed  # noqa: E402


def worth(quick: bool) -> Iterator[Row]:
    """What the draws at rest are worth in plain draws; see `bench.draws`."""
    repeats = draws.QUICK if quick else draws.FULL
    for name, answer in draws.measured(draws.AT_REST, repeats):
        yield Row(f"{draws.AT_REST:,} draws, {name}: {answer.what}", repeats.ours, None, answer.plain_draws,
                  "plain draws", f">= {answer.target:,}" if answer.target else "", answer.met)


def parts(wanted: int, quick: bool) -> dict[str, Callable[[], Iterator[Row]]]:
    """What can be timed, by name."""
    repeats = engines.Repeats(2, 3, 1) if quick else engines.Repeats(8, 11, 5)
    return {
        "engines": lambda: engines.measured(wanted, repeats),
        "kernel": lambda: kernel.measured(kernel.PEOPLE // (10 if quick else 1), 3 if quick else 15),
        "charts": lambda: answers.measured(*((3, 1) if quick else (15, 7))),
        "steps": lambda: answers.prices(1 if quick else 5),
        "draws": lambda: worth(quick),
        "pages": lambda: pages.measured(1 if quick else 7),
    }


def load() -> float | None:
    """How busy the machine was before this run: processes wanting to run over the last minute."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def main(given: list[str] | None = None) -> None:
    known = parts(0, True)
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=1000, metavar="N", help="of the engines (default 1000)")
    parser.add_argument("--only", nargs="+", choices=list(known), metavar="PART", help=f"of {', '.join(known)}")
    parser.add_argument("--quick", action="store_true", help="a look: fewer runs of each")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    options = parser.parse_args(given)
    keep_freed()  # as every run does
    normal = normal_time()
    about = {"draws": options.draws, "python": platform.python_version(), "numpy": np.__version__,
             "cpus": os.cpu_count(), "load": load(), "normal": normal, "slower": normal / NORMAL}
    asked = {name: rows for name, rows in parts(options.draws, options.quick).items()
             if not options.only or name in options.only}
    if options.json:
        rows = {name: [row._asdict() for row in some()] for name, some in asked.items()}
        print(json.dumps(about | {"parts": rows}, indent=2))
        return
    print("Python {python}, numpy {numpy}, {cpus} processors, load {load}: other work on the machine blurs every "
          "line.".format(**about))
    print(f"A standard normal takes numpy {duration(normal)} here, and {duration(NORMAL)} where the targets in "
          f"milliseconds were set: this machine takes {about['slower']:.1f} times as long.")
    for name, some in asked.items():
        print(f"\n{name:<66}  runs     median")
        for row in some():
            print(line(row), flush=True)


if __name__ == "__main__":
    main()
