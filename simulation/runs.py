"""Runs kept in a folder: a manifest, the tables, and the recomputation that checks them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from simulation import measures
from simulation.model import MAX_DRAWS, simulate
from simulation.reading import build, read_text
from simulation.results import Result
from simulation.scenario import Scenario, check_scenario
from simulation.terms import Record, refuse, words

TOLERANCE = 1e-9  # relative: what another machine's arithmetic may change


def save_run(result: Result, folder: Path) -> None:
    """Write manifest.json (all that is needed to recompute), figures.json and the two tables as CSV."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write = lambda name, data: (folder / name).write_text(  # noqa: E731
            json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8")
        write("manifest.json", result.manifest)
        write("figures.json", measures.report(result))
        measures.summary(result).to_csv(folder / "summary.csv", index=False)
        measures.chances(result).to_csv(folder / "chances.csv", index=False)
    except OSError as error:
        raise refuse(str(folder), words("写不进这个文件夹", f"cannot be written ({error.strerror})"),
                     words("请换一个文件夹", "choose another folder")) from None


class Manifest(Record):
    """All that is needed to make a run again."""

    scenario: str
    scenario_hash: str
    scenario_text: str
    seed: Annotated[int, Field(ge=0, lt=2**63, strict=True)]
    draws: Annotated[int, Field(ge=16, le=MAX_DRAWS, strict=True)]
    engine: Literal["table", "exact"]
    model: str
    numpy: str
    scipy: str


def read_run(folder: Path) -> tuple[Manifest, dict]:
    """The manifest and figures of a kept run; raises `BadInput` where they cannot be read."""
    manifest = build(Manifest, read_json(read_text(folder / "manifest.json"), "manifest.json"), "manifest.json")
    return manifest, read_json(read_text(folder / "figures.json"), "figures.json")


def read_json(text: str, place: str) -> dict:
    """A JSON object, or one clear fault."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise refuse(place, words("内容损坏", "is damaged"), words("请重新运行并保存", "run and keep it again"))
    return data


def scenario_of(manifest: Manifest) -> Scenario:
    """The scenario a run was made of; raises `BadInput` where this version cannot read it."""
    return build(Scenario, read_json(manifest.scenario_text, "manifest.json: scenario_text"),
                 "manifest.json: scenario_text", check_scenario)


def same_numbers(manifest: Manifest, figures: dict) -> tuple[bool, float, str]:
    """Recompute a run from its manifest: whether it is the same, the largest relative difference, and where.

    The difference is infinite where a figure is missing or is not a number.
    """
    scenario = scenario_of(manifest)
    if hashlib.sha256(manifest.scenario_text.encode()).hexdigest() != manifest.scenario_hash:
        return False, float("inf"), "scenario_hash"
    again = measures.report(simulate(scenario, manifest.draws, manifest.seed, manifest.engine))
    # The fingerprint also names the libraries' versions, which may differ where the numbers do not.
    kept = {name: figures.get(name) for name in again if name != "fingerprint"}
    largest, where = difference({name: again[name] for name in kept}, kept, "figures")
    return largest <= TOLERANCE, largest, where


def difference(a: Any, b: Any, place: str) -> tuple[float, str]:
    """The largest relative difference between two trees of numbers, and where it is.

    >>> difference({"x": [1.0, 2.0]}, {"x": [1.0, 2.2]}, "run")[1]
    'run.x.1'
    """
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        pairs = [difference(a[name], b[name], f"{place}.{name}") for name in a]
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        pairs = [difference(x, y, f"{place}.{n}") for n, (x, y) in enumerate(zip(a, b, strict=True))]
    elif isinstance(a, int | float) and isinstance(b, int | float):
        gap = abs(a - b) / max(abs(a), abs(b), 1e-12) if a != b else 0.0
        return gap if gap >= 0 else float("inf"), place
    else:
        return (0.0, place) if a == b else (float("inf"), place)
    return max(pairs, default=(0.0, place))
