"""The house: which rooms there are, which way imports go, and what must not stand in the model's code."""

import ast
import doctest
import importlib
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "simulation"
HOUSE = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
         for room in (MODEL, ROOT / "report", ROOT / "store") for path in sorted(room.rglob("*.py"))}
PATHS = {name: path for name, path in HOUSE.items() if path.is_relative_to(MODEL)}

# The rooms of ARCHITECTURE.md, one a floor. Imports go up this list, never down: a module may import from its own
# floor or an earlier one.
FLOORS = {
    "words": ("terms", "trees", "streams", "reading", "writing", "memory"),
    "record": ("published", "cited", "series", "columns", "cells", "grids", "template", "dynamics", "trends"),
    "inputs": ("policy", "programmes", "assumptions", "records", "estimates", "scenario", "rules", "checking",
               "loading"),
    "steps": ("steps", "demography"),
    "engines": ("engines",),
    "stages": ("stages",),
    "model": ("results", "model"),
    "answers": ("measures", "scorecard", "reference", "household", "runs", "earlier", "variance"),
    "questions": ("compare", "comparable", "explain", "drivers", "sentences", "goalseek", "targets", "moves", "needs",
                  "sought", "sensitivity", "information", "search", "objectives", "refining", "failures", "boxes",
                  "sweep", "areas", "proposals", "incidence", "futures"),
    "scale": ("cluster",),
    "track record": ("calibration", "adapted", "backtest", "scoring", "concentration", "reconcile"),
    "package": ("__init__",),
    "documents": ("report",),
    "store": ("store",),
    "command line": ("commands", "__main__"),
}
OUTSIDE = {"streamlit", "plotly", "ui", "app", "run", "tests", "bench"}
SETTLERS = {"steps.benefits", "engines.pruned", "engines.settling", "engines.bills", "household"}

# Yuan and rates of the rule book that nothing but a policy would need. Its rounder ones (100, 200, 0.5, 0.6...) are
# left out: they are also percentages, bounds and steps of a slider.
POLICY_NUMBERS = {30000, 295, 255, 240, 210, 195, 170, 125, 85, 65, 55, 0.7, 0.65, 0.55}


def short(module: str) -> str:
    """A module's name inside the package; the package itself is `__init__`."""
    return module.removeprefix("simulation").removeprefix(".") or "__init__"


def floor(module: str) -> int:
    """The floor a module lives on."""
    found = [n for n, rooms in enumerate(FLOORS.values()) if short(module).split(".")[0] in rooms]
    assert found, f"{module} is on no floor; give it one in FLOORS"
    return found[0]


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(HOUSE[module].read_text(encoding="utf-8"))


def imports(module: str) -> set[str]:
    """Every module that a module imports, wherever in the file. The version may be taken from anywhere."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                if inside in HOUSE:
                    found.add(inside)
                elif (node.module, alias.name) != ("simulation", "__version__"):
                    found.add(node.module)
    return found


def docstrings(module: str) -> set[ast.AST]:
    """The nodes that are docstrings."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef)
    return {node.body[0].value for node in ast.walk(tree(module)) if isinstance(node, owners)
            and node.body and isinstance(node.body[0], ast.Expr)}


def constants(module: str, kinds: type | tuple) -> list:
    """The literals of a module outside its docstrings."""
    left_out = docstrings(module)
    return [node.value for node in ast.walk(tree(module)) if isinstance(node, ast.Constant)
            and node not in left_out and isinstance(node.value, kinds) and not isinstance(node.value, bool)]


@pytest.mark.parametrize("name", [
    "app.py", "run.py", "requirements.txt", "requirements-dev.txt", "pyproject.toml", ".ci/run",
    "simulation", "simulation/steps", "simulation/engines", "simulation/stages", "simulation/model.py", "report",
    "store", "ui",
    "scenarios", "scenarios/parts", "data", "data/sources.yaml", "tests", "tests/cases"])
def test_the_rooms_of_the_house_are_there(name: str) -> None:
    assert (ROOT / name).exists()


@pytest.mark.parametrize("module", HOUSE)
def test_imports_go_one_way(module: str) -> None:
    upwards = {name for name in imports(module) if name in HOUSE and floor(name) > floor(module)}
    assert not upwards


def test_the_page_of_the_rooms_says_the_same() -> None:
    rows = [line.split("|") for line in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()
            if line.startswith("| ")]
    files = {row[1].strip(): set(re.findall(r"(\w+)(?:\.py|/)", row[2])) for row in rows}
    assert [room for room in files if room in FLOORS] == list(FLOORS)
    assert {room: set(modules) - files[room] for room, modules in FLOORS.items() if set(modules) - files[room]} == {}


@pytest.mark.parametrize("module", PATHS)
def test_the_model_knows_no_screen_and_no_test(module: str) -> None:
    assert not {name.split(".")[0] for name in imports(module)} & OUTSIDE


@pytest.mark.parametrize("room", ["report", "store"])
def test_documents_and_the_database_know_no_screen(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
        assert not {name.split(".")[0] for name in names} & {"streamlit", "ui", "app", "tests", "bench"}, path


@pytest.mark.parametrize("module", [name for name in PATHS if name.startswith("simulation.steps.")])
def test_no_step_imports_another(module: str) -> None:
    assert not [name for name in imports(module) if name.startswith("simulation.steps")]


def test_only_the_model_and_its_stages_use_more_than_one_step() -> None:
    def steps_used(module: str) -> set[str]:
        return {name for name in imports(module) if name.startswith("simulation.steps.")}

    rooms = ("simulation.model", "simulation.stages.")
    assert len(set().union(*(steps_used(module) for module in PATHS if module.startswith(rooms)))) >= 5
    for module in PATHS:
        if not module.startswith(rooms):
            assert len(steps_used(module)) <= 1, module


def taken(module: str) -> set[tuple[str, str]]:
    """What a module takes from the stages: the stage and the name."""
    return {(node.module, alias.name) for node in ast.walk(tree(module)) if isinstance(node, ast.ImportFrom)
            and node.module.startswith("simulation.stages") for alias in node.names}


def test_only_the_model_knows_the_order_of_a_year() -> None:
    """A stage may read what another one offers, but the functions that make up a year are called by the model alone."""
    def functions(module: str) -> set[str]:
        return {node.name for node in tree(module).body if isinstance(node, ast.FunctionDef)}

    year = {(stage, name) for stage, name in taken("simulation.model") if name in functions(stage)}
    assert len({stage for stage, _ in year}) >= 7
    for module in PATHS:
        if module != "simulation.model":
            assert not taken(module) & year, module
            assert not taken(module) or module.startswith("simulation.stages."), module


def test_only_the_engines_and_the_household_settle_bills() -> None:
    def names(module: str) -> set[str | None]:
        return {getattr(node, "id", getattr(node, "name", None)) for node in ast.walk(tree(module))}

    assert {short(module) for module in PATHS if "settle_year" in names(module)} == SETTLERS


@pytest.mark.parametrize("module", PATHS)
def test_no_policy_number_stands_in_code(module: str) -> None:
    assert not POLICY_NUMBERS.intersection(constants(module, (int, float)))


@pytest.mark.parametrize("module", PATHS)
def test_nothing_is_run_or_unpacked_from_data(module: str) -> None:
    called = {ast.unparse(node.func) for node in ast.walk(tree(module)) if isinstance(node, ast.Call)}
    assert not called & {"eval", "exec", "compile", "yaml.load", "yaml.unsafe_load", "__import__", "os.system"}
    assert not imports(module) & {"pickle", "marshal", "shelve", "subprocess"}


@pytest.mark.parametrize("module", PATHS)
def test_no_global_randomness_and_no_clock(module: str) -> None:
    called = {ast.unparse(node.func) for node in ast.walk(tree(module)) if isinstance(node, ast.Call)}
    assert not imports(module) & {"random", "time", "datetime"}
    drawn = {name for name in called if name.startswith("np.random.")}
    assert drawn <= {"np.random.Generator", "np.random.Philox"}


@pytest.mark.parametrize("module", [name for name, path in PATHS.items() if path.stat().st_size])
def test_modules_and_what_they_offer_say_what_they_are(module: str) -> None:
    assert ast.get_docstring(tree(module))
    silent = []
    for node in tree(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            parts = [node, *(part for part in getattr(node, "body", []) if isinstance(node, ast.ClassDef)
                             and isinstance(part, ast.FunctionDef) and not part.name.startswith("_"))]
            silent += [part.name for part in parts if not ast.get_docstring(part)]
    assert not silent


@pytest.mark.parametrize("module", [name for name in PATHS if ">>> " in PATHS[name].read_text(encoding="utf-8")])
def test_examples_in_docstrings_hold(module: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(module))
    assert tried and not failed


def test_answering_from_the_table_loads_neither_the_compiler_nor_the_screen() -> None:
    code = ("import sys, simulation; simulation.simulate('benxi_2008', 16, engine='table'); "
            "print(*sorted({'numba', 'streamlit', 'plotly'} & set(sys.modules)))")
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60,
                           check=True)
    assert shown.stdout.strip() == ""


def test_matrices_have_one_thread_also_where_numpy_was_loaded_before() -> None:
    code = ("import numpy, threadpoolctl, simulation; "
            "print(*{pool['num_threads'] for pool in threadpoolctl.threadpool_info() if pool['user_api'] == 'blas'})")
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60,
                           check=True, env=os.environ | {"OPENBLAS_NUM_THREADS": "2"})
    assert shown.stdout.split() in (["1"], [])  # none where the matrices are another library's
