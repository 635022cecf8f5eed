"""Kept runs on the command line: an untouched one is the same, a changed or damaged one is told in a line."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from simulation.__main__ import main

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    """A small run in a folder, for all to copy."""
    folder = tmp_path_factory.mktemp("runs") / "original"
    assert main(["run", "benxi_2008", "--draws", "16", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def kept(original: Path, tmp_path: Path) -> Path:
    """A run in a folder of one's own."""
    return Path(shutil.copytree(original, tmp_path / "kept"))


def rewrite(path: Path, change: Callable[[dict], object]) -> None:
    """A JSON file with its data changed."""
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def test_an_untouched_run_is_the_same(data: Callable, kept: Path) -> None:
    assert data("verify", kept)["same"] is True


def test_a_kept_run_is_the_same_in_another_process(kept: Path) -> None:
    shown = subprocess.run([sys.executable, "-m", "simulation", "verify", str(kept)], cwd=ROOT, capture_output=True,
                           encoding="utf-8", timeout=60)
    assert (shown.returncode, shown.stderr) == (0, "") and shown.stdout.startswith("same")


def test_a_run_of_the_exact_engine_is_the_same(ask: Callable, tmp_path: Path) -> None:
    assert ask("run", "benxi_2008", "--draws", 16, "--engine", "exact", "--out", tmp_path / "kept")[0] == 0
    assert ask("verify", tmp_path / "kept")[0] == 0


TAMPERED = {
    "a figure": ("figures.json", lambda data: data["years"][3]["income"].update(
        mean=1.0001 * data["years"][3]["income"]["mean"])),
    "a year taken out": ("figures.json", lambda data: data["years"].pop()),
    "a quantity taken out": ("figures.json", lambda data: data["years"][0].pop("income")),
    "the draws": ("manifest.json", lambda data: data.update(draws=32)),
    "the seed": ("manifest.json", lambda data: data.update(seed=4)),
    "a lever": ("manifest.json", lambda data: data.update(
        scenario_text=data["scenario_text"].replace("30000", "20000"))),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_tampered_run_is_not_the_same(ask: Callable, kept: Path, what: str) -> None:
    file, change = TAMPERED[what]
    rewrite(kept / file, change)
    code, shown, faults = ask("verify", kept)
    assert (code, faults) == (1, "")
    assert shown.startswith("not the same")
    code, shown, _ = ask("verify", kept, "--json")
    assert code == 1 and json.loads(shown)["same"] is False


DAMAGED = {
    "draws as a text": lambda data: data.update(draws="16"),
    "draws not whole": lambda data: data.update(draws=16.5),
    "empty draws": lambda data: data.update(draws=None),
    "too few draws": lambda data: data.update(draws=4),
    "no draws": lambda data: data.pop("draws"),
    "a seed as a text": lambda data: data.update(seed="1"),
    "a negative seed": lambda data: data.update(seed=-1),
    "an unknown engine": lambda data: data.update(engine="steam"),
    "a list for a scenario": lambda data: data.update(scenario_text="[]"),
    "a scenario cut short": lambda data: data.update(scenario_text=data["scenario_text"][:500]),
    "an empty scenario": lambda data: data.update(scenario_text=None),
    "a scenario out of bounds": lambda data: data.update(scenario_text=data["scenario_text"].replace("30000", "-1")),
}


@pytest.mark.parametrize("what", DAMAGED)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_damaged_manifest_is_one_line(ask: Callable, kept: Path, what: str, language: str) -> None:
    rewrite(kept / "manifest.json", DAMAGED[what])
    code, shown, faults = ask("verify", kept, "--lang", language)
    assert (code, shown) == (2, "")
    assert faults.startswith("manifest.json") and faults.count("\n") == 1
    assert {"en": "; ", "zh": "；"}[language] in faults


@pytest.mark.parametrize("file", ["manifest.json", "figures.json"])
@pytest.mark.parametrize("text", ["", "[]", '{"draws": ', "[" * 100_000])
def test_a_file_of_a_run_that_is_no_object_is_one_line(ask: Callable, kept: Path, file: str, text: str) -> None:
    (kept / file).write_text(text, encoding="utf-8")
    code, shown, faults = ask("verify", kept)
    assert (code, shown) == (2, "")
    assert faults.startswith(f"{file}: ") and faults.count("\n") == 1 and "; " in faults


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "9" * 400])
def test_a_figure_that_is_no_number_is_one_line(ask: Callable, kept: Path, number: str) -> None:
    figures = (kept / "figures.json").read_text(encoding="utf-8")
    (kept / "figures.json").write_text(re.sub(r'"mean": [^,\n]+', f'"mean": {number}', figures), encoding="utf-8")
    for asked in (["verify"], ["show"], ["show", "--json"]):
        code, _, faults = ask(*asked, kept)
        assert code == 2
        assert faults.startswith("figures.json: is damaged; ") and faults.count("\n") == 1


def test_a_folder_without_a_run_is_one_line(ask: Callable, tmp_path: Path) -> None:
    for command in (["verify"], ["show"]):
        for place in (tmp_path, tmp_path / "none"):
            code, shown, faults = ask(*command, place)
            assert (code, shown) == (2, "") and faults.count("\n") == 1
            assert faults.startswith(f"{place}: no run is kept here; name the folder or the zip")
    assert ask("reconcile", tmp_path, "benxi_2008")[2].startswith(f"{tmp_path}: no run is kept here; ")
