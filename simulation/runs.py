"""Runs kept in a folder: a manifest, the tables, and the recomputation that checks them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from simulation import measures
from simulation.model import simulate
from simulation.reading import build, read_text
from simulation.results import Result
from simulation.scenario import Scenario, check_scenario
from simulation.terms import refuse, words

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


def read_manifest(folder: Path) -> tuple[dict, dict]:
    """The manifest and figures of a kept run; raises `BadInput` where they cannot be read."""
    found = []
    for name in ("manifest.json", "figures.json"):
        try:
            data = json.loads(read_text(folder / name))
        except json.JSONDecodeError:
            raise refuse(name, words("内容损坏", "is damaged"), words("请重新运行并保存",
                                                                      "run and keep it again")) from None
        if not isinstance(data, dict):
            raise refuse(name, words("内容损坏", "is damaged"), words("请重新运行并保存", "run and keep it again"))
        found.append(data)
    missing = {"scenario_text", "draws", "seed", "engine"} - found[0].keys()
    if missing:
        raise refuse("manifest.json", words(f"缺少 {sorted(missing)[0]}", f"lacks {sorted(missing)[0]}"),
                     words("请重新运行并保存", "run and keep it again"))
    return found[0], found[1]


def same_numbers(manifest: dict, figures: dict) -> tuple[bool, float, str]:
    """Recompute a run from its manifest: whether it is the same, the largest relative difference, and where."""
    text = json.loads(manifest["scenario_text"])
    scenario = build(Scenario, text, "manifest.json", check_scenario)
    again = measures.report(simulate(scenario, manifest["draws"], manifest["seed"], manifest["engine"]))
    largest, where = difference(again["years"], figures.get("years"), "years")
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
        return abs(a - b) / max(abs(a), abs(b), 1e-12) if a != b else 0.0, place
    else:
        return (0.0, place) if a == b else (float("inf"), place)
    return max(pairs, default=(0.0, place))
