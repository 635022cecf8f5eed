"""What a reader takes along from the front page: closed it costs nothing, open it is of the very view."""

import pytest

from report.code import command, python
from simulation.terms import LANGUAGES
from tests.coarse import coarse
from tests.screen import CEILING, OLD, app, few_draws
from ui import runs
from ui.view import changes, view_of

FEW = 64
fewer_histories = pytest.fixture(scope="module", autouse=True)(coarse)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few draws."""
    few_draws(monkeypatch, FEW)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_drawer_is_closed_until_it_is_opened_and_then_of_the_view(language):
    at = app(language, **{CEILING: "none", "from": "2010"})
    assert not at.exception and not at.code and "take.zip" not in [button.key for button in at.get("download_button")]
    at.session_state["take"] = True
    at.run()
    assert not at.exception
    view = view_of(OLD, 2010, [(CEILING, None)])
    asked = (OLD, changes(view.levers, 2010), [], FEW, runs.SEED)
    assert [block.value for block in at.code] == [python(*asked).rstrip(), command(*asked)]
