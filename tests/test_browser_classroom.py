"""A class in real browsers: a facilitator's and a learner's, from opening the room to its replay."""

import os
import re
from pathlib import Path

from playwright.sync_api import expect

from report.cards import deck
from report.text import phrases
from tests.test_browser import PATIENCE, address, browser, pytestmark, visit  # noqa: F401 - fixtures

SHOTS = os.environ.get("SANDBOX_SHOTS", "")  # a folder for screenshots; none are taken where it is not named
SIZE = (1280, 1900)


def keyed(page, key):
    """The element with a key."""
    return page.locator(f'[class*="st-key-{key.replace(".", "-")}"]').first


def press(page, key):
    """Press the button with a key."""
    keyed(page, key).get_by_role("button").first.click()


def shot(page, name):
    if SHOTS:
        page.wait_for_timeout(1500)
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


def test_two_browsers_of_two_languages_go_through_a_class_together(visit):  # noqa: F811 - a fixture
    language, other = "zh", "en"  # a room has no language: each reads it in his own
    said = phrases(language)
    leader = visit(language, "/classroom?scenario=benxi_2008", SIZE)
    leader.get_by_role("radio", name=said["room.do.open"]).or_(
        leader.get_by_role("button", name=said["room.do.open"])).first.click()
    shot(leader, f"classroom_open_{language}")
    press(leader, "room.open")
    code = leader.get_by_test_id("stMetricValue").first.inner_text()
    assert re.fullmatch("[0-9A-Z]{4}-[0-9A-Z]{4}", code)
    expect(keyed(leader, "room.deal")).to_be_visible(timeout=PATIENCE)
    assert "seat" not in leader.url

    learner = visit(other, "/classroom", SIZE)
    keyed(learner, "room.code").get_by_role("textbox").fill(code.lower())
    keyed(learner, "room.code").get_by_role("textbox").press("Enter")
    press(learner, "room.find")
    team = keyed(learner, "room.team").get_by_role("combobox")
    team.fill("Team One")
    team.press("Enter")
    shot(learner, f"classroom_join_{other}")
    press(learner, "room.join")
    expect(keyed(learner, "room.submit")).to_be_visible(timeout=PATIENCE)
    expect(learner).to_have_url(re.compile("room=.*seat="), timeout=PATIENCE)

    # Back by the link after a reload, then a lever is moved and the policy submitted.
    learner.reload()
    expect(keyed(learner, "room.submit")).to_be_visible(timeout=PATIENCE)
    slider = keyed(learner, "quick.contribution").get_by_role("slider")
    for _ in range(4):
        slider.press("ArrowRight")
    expect(learner).to_have_url(re.compile("financing.contribution"), timeout=PATIENCE)
    keyed(learner, "room.note").get_by_role("textbox").fill("why")
    press(learner, "room.submit")
    own = learner.get_by_test_id("stMetricValue")
    expect(own).to_have_count(4, timeout=PATIENCE)
    before = own.first.inner_text()

    # The facilitator's board shows it without being touched.
    told = re.escape(said["room.stands"].format(round=1, rounds=3, teams=1, members=1, submitted=1))
    expect(leader.get_by_text(re.compile(told))).to_be_visible(timeout=PATIENCE)

    press(leader, "room.deal")
    card = next(iter(deck().cards.values()))
    # Beside the choice, and on the board; and it reaches the learner by itself.
    expect(leader.get_by_text(card.text[language]).nth(1)).to_be_visible(timeout=PATIENCE)
    expect(learner.get_by_text(card.text[other])).to_be_visible(timeout=PATIENCE)
    expect(own.first).not_to_have_text(before, timeout=PATIENCE)
    shot(leader, f"classroom_lead_{language}")
    shot(learner, f"classroom_team_{other}")

    leader.get_by_text(said["room.replay"], exact=True).first.click()
    expect(keyed(leader, "room.replay.at").get_by_role("slider")).to_be_visible(timeout=PATIENCE)
    for said_then in ("room.event.result", "room.event.dealt"):  # the last two: the start's and the team's results
        press(leader, "room.replay.back")
        what = said[said_then].format(card=card.title[language], year=2010, team=said["room.start"])
        expect(leader.get_by_text(re.compile(re.escape(what)))).to_be_visible(timeout=PATIENCE)
    shot(leader, f"classroom_replay_{language}")

    watcher = visit(other, f"/classroom?room={code}&seat=watch", SIZE)
    expect(watcher.get_by_test_id("stDataFrame")).to_be_visible(timeout=PATIENCE)
    assert keyed(watcher, "room.submit").count() == 0
