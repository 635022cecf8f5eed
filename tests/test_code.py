"""A view as code: the Python text and the command line are run as a reader would, and give the figures of the page."""

import doctest
import importlib
import json
import os
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from report.answers import told
from report.code import command, python
from simulation import load_scenario, simulate
from simulation.__main__ import main
from simulation.estimates import SET_BY_HAND, Interval, estimate_from_text
from simulation.measures import report
from ui.view import View, changes, estimates, scenario_of, view_of

ROOT = Path(__file__).resolve().parent.parent
DRAWS, SEED = 16, 7
HOSTILE = "it's \"mine\"\\; $(rm x) `x` & calc 我的调查 {0}"
VIEWS = {
    "nothing moved": view_of("benxi_2008"),
    "figures": view_of("urrbmi_county_2026", None, [("benefits.ceiling", 180_000),
                                                    ("financing.contribution.adult.ordinary", 410.5)]),
    "a later year": view_of("benxi_2008", 2012, [("benefits.rate.inpatient.adult.level_2", 0.7)]),
    "no limit": view_of("benxi_2008", 2010, [("benefits.ceiling", None)]),
    "words": view_of("city_pooling_2012", None, [("pooling.method", "full")]),
    "a programme's own dates": view_of("account_to_pool_2011", 2013, [("care.referral_required", 1)]),
    "an assumption": view_of("benxi_2008", 2010, [("benefits.ceiling", 60_000),
                                                  ("utilisation.cost_growth", Interval(0.02, 0.05, 0.09))]),
    "an assumption with a reason": view_of("benxi_2008", None, [
        ("utilisation.cost_growth", Interval(0.02, 0.05, 0.09, HOSTILE))]),
}


def asked(view: View) -> tuple:
    """What the drawer of a page gives to both."""
    return view.scenario, changes(view.levers, view.since), estimates(view.assumed), DRAWS, SEED


@pytest.fixture(scope="module", params=VIEWS)
def viewed(request):
    """A view and its run, as a page makes it."""
    view = VIEWS[request.param]
    return view, simulate(scenario_of(view), DRAWS, SEED)


def test_the_views_are_of_every_kind():
    values = [value for view in VIEWS.values() for _, value in view.edits]
    assert None in values and "full" in values and any(isinstance(value, Interval) for value in values)
    assert all(view.edits for name, view in VIEWS.items() if name != "nothing moved")


def test_the_python_gives_the_very_run(viewed, tmp_path, capsys):
    view, result = viewed
    file = tmp_path / "view.py"
    file.write_text(python(*asked(view)), encoding="utf-8")
    runpy.run_path(str(file), run_name="__main__")
    assert capsys.readouterr().out.splitlines() == printed(result)


def printed(result):
    """What the Python text of a view prints: the fingerprint and the tables of the page."""
    run = told(result)
    return [run.facts["fingerprint"], *run.summary.to_string(index=False).splitlines(),
            *run.chances.to_string(index=False).splitlines()]


def test_the_command_line_gives_the_very_figures(viewed, capsys):
    view, result = viewed
    words = shlex.split(command(*asked(view)))
    assert words[:3] == ["python", "-m", "simulation"]
    assert main([*words[3:], "--json"]) == 0
    shown, figures = json.loads(capsys.readouterr().out), report(result)
    if any(isinstance(value, Interval) and value.reason for _, value in view.edits):
        # A stranger's words are in the scenario and so in the fingerprint, but never in a shell command.
        shown["fingerprint"] = figures["fingerprint"]
    assert shown == figures


@pytest.mark.parametrize("given", ["utilisation.cost_growth=0.02..0.06", "utilisation.admissions=1.1..1.5"])
def test_the_command_line_gives_an_interval_no_median_that_was_not_given(given, capsys):
    """The model keeps the scenario's median between the ends, and else takes the middle of values or multipliers."""
    name, _, ends = given.partition("=")
    taken = [estimate_from_text(name, ends, SET_BY_HAND)]
    words = shlex.split(command("benxi_2008", [], taken, DRAWS, SEED))
    assert words[-1] == given and main([*words[3:], "--json"]) == 0
    result = simulate(load_scenario("benxi_2008").assuming(taken), DRAWS, SEED)
    assert json.loads(capsys.readouterr().out)["fingerprint"] == result.fingerprint


def test_both_run_on_their_own_as_a_reader_runs_them(tmp_path):
    view = VIEWS["an assumption"]
    result = simulate(scenario_of(view), DRAWS, SEED)
    file = tmp_path / "view.py"
    file.write_text(python(*asked(view)), encoding="utf-8")
    script = alone([str(file)], tmp_path, PYTHONPATH=str(ROOT))
    assert script.splitlines() == printed(result)
    shown = json.loads(alone([*shlex.split(command(*asked(view)))[1:], "--json"], ROOT))
    assert shown["years"] == report(result)["years"]


def alone(arguments, folder, **settings):
    """What a process of its own prints."""
    done = subprocess.run([sys.executable, *arguments], env={**os.environ, "PYTHONUTF8": "1", **settings}, cwd=folder,
                          capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_command_line_holds_nothing_that_a_shell_acts_on():
    """A link may bring a stranger's words: they stand in the Python text, as a string, and in no command."""
    for view in VIEWS.values():
        text = command(*asked(view))
        assert "\n" not in text and not set(text) & set("'\"`$&|;<>()*\\{}#!") and "calc" not in text
    assert repr(HOSTILE) in python(*asked(VIEWS["an assumption with a reason"]))


def test_the_engine_is_named_where_it_was_not_chosen_by_itself():
    assert command("x.yaml", [], [], 16, 1, "exact").endswith("--seed 1 --engine exact")
    assert "--engine" not in command("x.yaml", [], [], 16, 1)


def test_examples_in_docstrings_hold():
    failed, tried = doctest.testmod(importlib.import_module("report.code"))
    assert tried and not failed
