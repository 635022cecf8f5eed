"""A view as code: the Python text and the command line that give the very figures of a page."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from simulation.estimates import Estimate, estimate_text, figure
from simulation.scenario import Change
from simulation.terms import Source


def command(scenario: str, changes: Sequence[Change], estimates: Sequence[Estimate], draws: int, seed: int,
            engine: str = "auto") -> str:
    """The command line of a run; `scenario` is a name of the library or a file.

    What somebody wrote as the reason of an estimate is left out: no shell should be given a stranger's words.

    >>> edit = Change(lever="benefits.ceiling", year=2010, value=None, source=Source(status="assumption"))
    >>> command("benxi_2008", [edit], [], 64, 1)
    'python -m simulation run benxi_2008 --draws 64 --seed 1 --set benefits.ceiling@2010=none'
    """
    words = ["python", "-m", "simulation", "run", scenario, "--draws", str(draws), "--seed", str(seed)]
    words += ["--engine", engine] if engine != "auto" else []
    for change in changes:
        words += ["--set", f"{change.lever}@{change.year}={'none' if change.value is None else change.value}"]
    for each in estimates:
        words += ["--assume", f"{each.name}={interval(each)}"]
    return shlex.join(words)


def interval(each: Estimate) -> str:
    """An estimate as `--assume` reads it, without the reason; one that has no median gets none, the model finds it.

    >>> interval(Estimate(name="", low=0.02, high=0.06, source=Source(status="assumption")))
    '0.02..0.06'
    """
    if each.median is None:
        return f"{figure(each.low)}..{figure(each.high)}"
    return estimate_text(each.low, each.median, each.high)


def python(scenario: str, changes: Sequence[Change], estimates: Sequence[Estimate], draws: int, seed: int) -> str:
    """The Python text of a run: it prints the fingerprint, the summary and the chances.

    >>> print(python("benxi_2008", [], [], 64, 1).splitlines()[-4])
    result = simulate(scenario, draws=64, seed=1)
    """
    names: dict[Source, str] = {}
    for each in (*changes, *estimates):
        names.setdefault(each.source, f"source_{len(names) + 1}")
    lines = ["from simulation import load_scenario, simulate"]
    lines += ["from simulation.estimates import Estimate"] if estimates else []
    lines += ["from simulation.measures import chances, summary"]
    lines += ["from simulation.scenario import Change"] if changes else []
    lines += ["from simulation.terms import Source, words"] if names else []
    lines += ["", *(f"{name} = {as_code(source)}" for source, name in names.items()),
              f"scenario = load_scenario({scenario!r})"]
    if changes:
        lines += ["scenario = scenario.changed([", *(
            f"    Change(lever={each.lever!r}, year={each.year}, value={each.value!r}, source={names[each.source]}),"
            for each in changes), "])"]
    if estimates:
        lines += ["scenario = scenario.assuming([", *(
            f"    Estimate(name={each.name!r}, low={each.low!r}, high={each.high!r}, median={each.median!r}, "
            f"source={names[each.source]})," for each in estimates), "])"]
    lines += [f"result = simulate(scenario, draws={draws}, seed={seed})", "print(result.fingerprint)"]
    lines += [f"print({table}(result).to_string(index=False))" for table in ("summary", "chances")]
    return "\n".join([*lines, ""])


def as_code(source: Source) -> str:
    """A source as Python text."""
    note = f", note=words({source.note.zh!r}, {source.note.en!r})" if source.note else ""
    return f"Source(status={source.status!r}{note})"
