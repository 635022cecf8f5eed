"""Scenarios from files, of which one may take over another.

A safe loader reads them and refuses repeated keys; every fault is one sentence with its remedy.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from simulation.checking import check_scenario
from simulation.reading import build, read_text, read_yaml
from simulation.scenario import Scenario
from simulation.terms import refuse, short, words
from simulation.trees import nearest

LIBRARY = Path(__file__).resolve().parent.parent / "scenarios"
PARTS = LIBRARY / "parts"  # what several scenarios share and is none by itself
DEEPEST = 4  # files that take over one another in a chain


def parse_scenario(text: str, place: str) -> Scenario:
    """A checked scenario from its YAML text; raises `BadInput` with every fault found."""
    data = read_yaml(text, place)
    if not isinstance(data, Mapping):
        raise refuse(place, words("内容不是一个情景", "this is not a scenario"),
                     words("请从 name、title 开始", "begin with name and title"))
    return build(Scenario, whole(data, place), place, check_scenario)


def whole(data: Mapping, place: str, depth: int = 0) -> Mapping:
    """A scenario's data with what it takes over from the one it `extends`, a library scenario or a shared part.

    Documents and correlations are added; an axis, a lever or an assumption given again replaces the other's; so does
    a list.
    """
    if "extends" not in data:
        return data
    name = str(data["extends"])
    known = {path.stem: path for path in (*LIBRARY.glob("*.yaml"), *PARTS.glob("*.yaml"))}
    if name not in known or depth > DEEPEST:
        near = nearest(name, sorted(known))
        raise refuse(f"{place}: extends", words(f"没有“{short(name)}”", f"there is no '{short(name)}'"),
                     words(f"是否为：{near}", f"did you mean {near}"))
    base = whole(read_yaml(read_text(known[name]), known[name].name), known[name].name, depth + 1)
    merged = {**base, **{key: value for key, value in data.items() if key != "extends"}}
    for key, levels in (("documents", 1), ("axes", 1), ("policy", 2), ("assumptions", 2)):
        if key in base and key in data:
            merged[key] = laid_over(base[key], data[key], levels)
    own, taken = correlations_of(data), correlations_of(base)
    if taken and own is not None:
        said = [pair.get("between") for pair in own if isinstance(pair, Mapping)]
        both = own + [pair for pair in taken if pair["between"] not in said and pair["between"][::-1] not in said]
        merged["assumptions"] = {**merged["assumptions"], "correlations": both}
    return merged


def correlations_of(data: Mapping) -> list | None:
    """The correlations a file lists; nothing can be told of one that is not in the shape of a scenario."""
    found = data.get("assumptions", {})
    found = found.get("correlations", []) if isinstance(found, Mapping) else None
    return found if isinstance(found, list) else None


def laid_over(base: Any, top: Any, levels: int) -> Any:
    """Two mappings as one, the top's entries first, merged down to so many levels.

    >>> laid_over({"a": {"x": 1, "y": 2}}, {"a": {"x": 3}}, 2)
    {'a': {'x': 3, 'y': 2}}
    """
    if levels == 0 or not isinstance(base, Mapping) or not isinstance(top, Mapping):
        return top
    return {**base, **{key: laid_over(base[key], value, levels - 1) if key in base else value
                       for key, value in top.items()}}


def library() -> list[str]:
    """The names of the scenarios that come with the project."""
    return sorted(path.stem for path in LIBRARY.glob("*.yaml"))


@lru_cache(maxsize=64)
def parsed(text: str) -> Scenario:
    """A scenario from its own text (`Scenario.text()`), read once for all the tasks that bring it.

    >>> parsed(load_scenario("benxi_2008").text()).first_year
    2008
    """
    return Scenario.model_validate_json(text)


@lru_cache(maxsize=64)
def _library_scenario(name: str) -> Scenario:
    return parse_scenario(read_text(LIBRARY / f"{name}.yaml"), f"{name}.yaml")


def load_scenario(name_or_path: str | Path) -> Scenario:
    """A scenario of the library by name, or one from a file.

    >>> load_scenario("benxi_2008").first_year
    2008
    """
    name = str(name_or_path)
    if name in library():
        return _library_scenario(name)
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml") and not path.exists():
        near = nearest(name, library())
        raise refuse(short(name), words("没有这个情景", "no such scenario"), words(f"是否为：{near}",
                                                                                   f"did you mean {near}"))
    return parse_scenario(read_text(path), path.name)
