"""Headline numbers move only on purpose: `run.py golden` rewrites them, the changelog explains."""

import json

import pytest

from simulation.loading import library
from tests.golden import FILE, headline


def flat(tree: dict, place: str = "") -> dict[str, float]:
    """Every number of a tree by its path."""
    if not isinstance(tree, dict):
        return {place: tree}
    return {path: value for key, branch in tree.items() for path, value in flat(branch, f"{place}/{key}").items()}


@pytest.fixture(scope="module")
def both() -> tuple[dict, dict]:
    """What is recorded, and what comes out now."""
    return json.loads(FILE.read_text(encoding="utf-8")), headline()


def test_every_scenario_is_recorded(both: tuple[dict, dict]) -> None:
    recorded, now = both
    assert sorted(recorded) == sorted(now) == library()


@pytest.mark.parametrize("name", library())
def test_headline_numbers_are_as_recorded(both: tuple[dict, dict], name: str) -> None:
    recorded, now = (flat(found.get(name, {})) for found in both)
    assert recorded and recorded.keys() == now.keys()
    for path, value in recorded.items():
        # Another processor's arithmetic may move one draw in a thousand across a line.
        assert now[path] == pytest.approx(value, rel=2e-5, abs=0.003 if "/p_" in path else 1e-9), path
