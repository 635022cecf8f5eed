"""Coverage-guided fuzzing of every parser of what users bring: `python3 run.py fuzz [--seconds 60] [PARSER ...]`.

Each parser runs in a process of its own, from its good file and the corpus of bad ones in `tests/bad`. A parser may
answer or raise `BadInput` with a place, a fault and a remedy; anything else, ten seconds for one input or two gigabytes
of memory is a crash, kept as a file and named. The exit status is 1 where there was one.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMITS = {"timeout": 10, "rss_limit_mb": 2048, "max_len": 30_000}  # seconds and megabytes of one input; bytes
DONE = re.compile(r"Done (\d+) runs in (\d+) second")
COVERED = re.compile(r"cov: (\d+)")
TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{2,30}|[\u4e00-\u9fff（）]{2,8}")


def tokens(texts: list[bytes]) -> str:
    """A dictionary of words for the fuzzer: those of the good file, and numbers that break things."""
    found = {token for text in texts for token in TOKEN.findall(text.decode("utf-8", "ignore"))}
    found |= {".nan", ".inf", "-1", "1e999", "９", "null", "true", "&a", "*a", "!!python", "[", "{", "%00", "../"}
    return "\n".join(f'"{"".join(f"{chr(92)}x{byte:02x}" for byte in token.encode())}"' for token in sorted(found))


def one(name: str, seconds: int, folder: Path) -> None:
    """Fuzz one parser in this process, which ends with it."""
    import atheris  # comes for Linux only

    with atheris.instrument_imports(include=["simulation", "report", "store", "ui"]):
        from tests.bad import made
        from tests.bad.cases import answered, declared
        from tests.bad.parsers import PARSERS, good

    seeds = folder / "seeds"
    seeds.mkdir()
    texts = [good()[name], *(case.content() for case in [*declared(), *made.cases()] if case.parser == name)]
    for n, text in enumerate(texts):
        if len(text) <= LIMITS["max_len"]:
            (seeds / str(n)).write_bytes(text)
    (folder / "words").write_text(tokens(texts[:1]), encoding="ascii")
    settings = LIMITS | {"max_total_time": seconds, "dict": folder / "words", "artifact_prefix": f"{folder}/crash-"}
    parse = PARSERS[name]
    atheris.Setup([sys.argv[0], *(f"-{key}={value}" for key, value in settings.items()), str(seeds)],
                  lambda content: answered(parse, content))
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """Fuzz the parsers named, or all."""
    options = argparse.ArgumentParser(prog="run.py fuzz", description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("parsers", nargs="*", metavar="PARSER", help="all of them, unless named")
    options.add_argument("--seconds", type=int, default=60, help="of each parser")
    options.add_argument("--here", help=argparse.SUPPRESS)
    asked = options.parse_args(arguments)
    if not find_spec("atheris"):
        print("这个系统没有 atheris，请在 Linux（x86-64）上运行。 / atheris does not come for this system: run it on "
              "Linux (x86-64).", file=sys.stderr)
        return 2
    if asked.here:  # before anything is imported that is to be watched
        one(asked.parsers[0], asked.seconds, Path(asked.here))
        return 0
    from tests.bad.parsers import PARSERS

    if unknown := set(asked.parsers) - set(PARSERS):
        options.error(f"there is no parser {min(unknown)}: {', '.join(PARSERS)}")
    crashed = 0
    for name in asked.parsers or PARSERS:
        folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
        done = subprocess.run([sys.executable, "-m", "bench.fuzz", name, "--seconds", str(asked.seconds), "--here",
                               str(folder)], cwd=ROOT, capture_output=True, text=True, errors="replace")
        ran, covered = DONE.search(done.stderr), COVERED.findall(done.stderr)
        inputs = f"{int(ran[1]):>9,} inputs in {ran[2]:>4} s" if ran else "ended early"
        print(f"{name:<10}{inputs}, {covered[-1] if covered else '?'} branches covered: "
              f"{f'CRASH, in {folder}' if done.returncode else 'no crash'}", flush=True)
        if done.returncode:
            crashed = 1
            print("\n".join((done.stdout + done.stderr).splitlines()[-40:]), file=sys.stderr, flush=True)
        else:
            shutil.rmtree(folder)
    return crashed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
