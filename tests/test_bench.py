"""The benchmark runs, says what it measures, and compares like with like. How fast anything is, no test asks."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import run
from bench import __main__ as command
from bench import answers, engines, kernel, pages
from bench.pool import inputs_of, scaled
from bench.timing import Row, line
from simulation import load_scenario, model
from simulation.engines import individual
from tests.screen import ROOT


def rows(some) -> list[Row]:
    found = list(some)
    assert all(row.what.strip() in line(row) for row in found)
    return found


def test_engines_are_timed_against_plain_numpy(monkeypatch) -> None:
    monkeypatch.setattr(engines, "SMALL", 2_000)
    monkeypatch.setattr(engines, "LARGE", 4_000)
    found = rows(engines.measured(16, engines.Repeats(1, 1, 1)))
    judged = [row for row in found if row.target]
    assert len(judged) == 8  # two of the table; times plain, threads and bound of the exact engine, at each size
    assert all(row.met is not None and row.seconds > 0 and row.ratio > 0 for row in judged)


def test_the_bound_counts_the_numbers_the_exact_engine_draws() -> None:
    """Bills by expectation against the bills of a run: each takes one normal."""
    inputs = inputs_of(scaled(load_scenario("urrbmi_county_2026"), 20_000), 64)
    rules, care, costs, insured, _, conditions, _ = inputs
    normals, uniforms = engines.drawn(inputs)
    stays = individual.spend(*inputs).stays.sum()
    ill = sum((people * year.chronic_share * year.covered * conditions.chronic[:, t, None]).sum()
              for t, (people, year) in enumerate(zip(insured.sum(axis=3).swapaxes(0, 1), care, strict=True)))
    assert normals == pytest.approx(stays + ill, rel=0.01)  # the chance of some 200,000 stays a draw is far less
    assert stays < uniforms < 3 * normals  # status of everyone with bills, tiers of those with several


def test_the_kernel_is_the_rules_and_peers_may_be_missing(monkeypatch) -> None:
    monkeypatch.delenv(kernel.PYTHON, raising=False)
    found = rows(kernel.measured(5_000, 1))
    assert any("times numpy" in row.of and row.met is not None for row in found)
    missing = [row for row in found if "not installed" in row.what]
    assert len(missing) == len(kernel.PEERS) and all(row.met is None for row in missing)


def test_a_peer_that_pays_other_amounts_is_found_out(monkeypatch, tmp_path) -> None:
    peer = tmp_path / "python"
    answer = {"package": "peer 1.0"} | {form: {"seconds": 1.0, "apart": 1.0} for form in kernel.FORMS}
    peer.write_text(f"#!{sys.executable}\nprint({json.dumps(json.dumps(answer))})\n")
    peer.chmod(0o755)
    monkeypatch.setenv(kernel.PYTHON, str(peer))
    with pytest.raises(AssertionError, match="more or less"):
        list(kernel.measured(1_000, 1))


def test_a_peer_that_cannot_run_is_no_fault(tmp_path) -> None:
    assert kernel.asked(sys.executable, "no_such_package", tmp_path / "nothing.npz", 1) is None


def test_every_scenario_is_timed_to_chart_data(monkeypatch) -> None:
    monkeypatch.setattr(answers, "SHOWN", 32)
    monkeypatch.setattr(answers, "AT_REST", 64)
    monkeypatch.setattr(answers, "TARGETS", {32: 0.06, 64: 0.2})
    found = rows(answers.measured(1, 1))
    assert len(found) == 2 * (2 + len(answers.POLICY)) and all(row.met is not None for row in found)
    assert len(answers.POLICY) >= 3 and answers.POLICY[0] == "urrbmi_county_2026"


def test_the_price_of_each_step_adds_up_and_leaves_the_model_as_it_was(monkeypatch) -> None:
    monkeypatch.setattr(answers, "SHOWN", 32)
    monkeypatch.setattr(answers, "AT_REST", 64)
    monkeypatch.setattr(answers, "POLICY", answers.POLICY[:1])
    before = dict(vars(model))
    found = list(answers.prices(1))
    assert dict(vars(model)) == before
    steps = {"people_enrol", "year_is_financed", "people_respond", "care_is_used", "spend", "bills_are_settled",
             "visits_are_paid", "accounts_are_used", "providers_are_paid", "fund_closes", "pack", "frames"}
    whole = [n for n, row in enumerate(found) if not row.what.startswith(" ")]
    assert len(whole) == 2 * len(answers.POLICY)
    for begin, end in zip(whole, [*whole[1:], len(found)], strict=True):
        part = found[begin + 1:end]
        assert steps <= {row.what.strip() for row in part}
        assert sum(row.seconds for row in part) == pytest.approx(found[begin].seconds)


def test_time_within_a_step_counts_once() -> None:
    clock = answers.Clock()
    inner = clock.timed("inner", lambda: np.linalg.svd(np.ones((300, 300))))
    clock.timed("outer", inner)()
    assert clock.taken["outer"] < clock.taken["inner"]


def test_every_page_of_the_app_is_in_the_list() -> None:
    listed = {path.stem for path in (ROOT / "ui" / "pages").glob("*.py")} - {"__init__"}
    assert set(pages.pages()) == listed
    row, = pages.measured(1, only=("methods",))
    assert row.seconds > 0 and "methods" in row.what


def test_the_command_prints_json(monkeypatch, capsys) -> None:
    monkeypatch.setattr(kernel, "PEOPLE", 20_000)
    monkeypatch.delenv(kernel.PYTHON, raising=False)
    command.main(["--quick", "--only", "kernel", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["slower"] > 0 and answer["parts"]["kernel"][0]["seconds"] > 0


def test_the_peers_program_needs_nothing_of_the_sandbox() -> None:
    """It runs in an environment that has not even scipy."""
    code = ("import sys; sys.path[:0] = ['bench']; import peers; "
            "print(sorted({'simulation', 'scipy'} & set(sys.modules)))")
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_without_the_peers_requirements_nothing_is_made(tmp_path) -> None:
    assert run.prepare_peers(tmp_path) == ""
    assert not os.listdir(tmp_path)
