"""Headline numbers move only on purpose: `run.py golden` rewrites them, the changelog explains."""

import json

import pytest

from tests.golden import FILE, headline


def flat(tree: dict, place: str = "") -> dict[str, float]:
    """Every number of a tree by its path."""
    if not isinstance(tree, dict):
        return {place: tree}
    return {path: value for key, branch in tree.items() for path, value in flat(branch, f"{place}/{key}").items()}


def test_headline_numbers_are_as_recorded() -> None:
    recorded, now = flat(json.loads(FILE.read_text(encoding="utf-8"))), flat(headline())
    assert recorded.keys() == now.keys()
    for path, value in recorded.items():
        # Another processor's arithmetic may move one draw in a thousand across a line.
        assert now[path] == pytest.approx(value, rel=2e-5, abs=0.003 if "/p_" in path else 1e-9), path
