"""The notebooks of the examples: they run from top to bottom as a reader runs them, and hold no output."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simulation import simulate

FOLDER = Path(__file__).resolve().parent.parent / "examples" / "notebooks"
NOTEBOOKS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.ipynb"))}
DRAWS = 64  # in place of the notebook's own, for time


def ran(name):
    """What the code cells print, run in order in a process of their own beside the notebook."""
    code = "\n\n".join("".join(cell["source"]) for cell in NOTEBOOKS[name]["cells"] if cell["cell_type"] == "code")
    code, times = re.subn(r"^DRAWS = \d+$", f"DRAWS = {DRAWS}", code, flags=re.MULTILINE)
    assert times == 1
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-"], input=code, cwd=FOLDER, capture_output=True, text=True, timeout=300,
                          encoding="utf-8", env={**settings, "MPLBACKEND": "Agg", "PYTHONUTF8": "1"})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_are_two():
    assert set(NOTEBOOKS) == {"01_run_and_compare", "02_own_table"}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_stored_without_output_and_told_in_both_languages(name):
    book = NOTEBOOKS[name]
    assert book["nbformat"] == 4 and len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    for cell in book["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
            compile(text, name, "exec")
        else:
            assert re.search("[\u4e00-\u9fff]", text) and re.search("[A-Za-z]{4}", text)


def test_the_first_runs_and_compares():
    shown = ran("01_run_and_compare")
    assert simulate("urrbmi_county_2026", draws=DRAWS).fingerprint[:16] in shown
    # More subsidy leaves the fund more money: told apart on the same futures even with few draws.
    row = next(line.split() for line in shown.splitlines() if line.split()[:1] == ["balance_end"])
    assert float(row[3]) > 0 and row[-1] == "higher"


def test_the_second_back_tests_adapts_and_seeks():
    shown = ran("02_own_table")
    judged = {line.split()[0]: line.split() for line in shown.splitlines() if re.search(r" [A-D–]$", line)}
    assert {"enrolment", "income", "spending"} <= set(judged)
    assert all(0 <= float(row[2]) <= 1 for row in judged.values())
    # The table ends in 2022 with an income of 10,129 (100 million yuan): the forecast runs on from there.
    first = next(line.split() for line in shown.splitlines() if line.startswith("2023 "))
    assert 9_000 < float(first[2]) < 13_000
    assert re.search(r"change by \+\d", shown)
