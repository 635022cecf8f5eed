"""The class on its page: opened, joined, played under cards, replayed; in both languages, and nothing lost."""

import io
import re
from datetime import datetime
from urllib.parse import parse_qs

import pytest
import sqlalchemy as sa
from docx import Document
from streamlit.testing.v1 import AppTest

from report import guide
from report.cards import Dealt, deck, played
from report.measured import outcome
from report.pdf import pdf
from report.standings import MEASURES, RANKED
from report.text import say
from report.word import word
from simulation.terms import LANGUAGES
from store import rooms, tries
from store.boards import board
from store.database import ready
from tests.coarse import coarse
from tests.screen import LOCALES, OLD, ROOT, few_draws, words_of
from ui import classroom, runs, state
from ui.view import from_query, scenario_of, to_file, view_of

FEW = 64  # draws: what is compared does not depend on how many there are
HAN = "[\u4e00-\u9fff]"
SLIDER = "quick.contribution"

fewer_histories = pytest.fixture(scope="module", autouse=True)(coarse)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few draws."""
    few_draws(monkeypatch, FEW)
    monkeypatch.setattr(classroom, "DRAWS", FEW)


def page(language="zh", scenario=OLD, **query):
    """The page as a browser opens it, without the front page before."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.context = {"locale": LOCALES[language]}
    for name, text in ({"scenario": scenario} | query).items():
        at.query_params[name] = text
    at.switch_page("ui/pages/classroom.py").run()
    assert not at.exception
    return at


def done(at, key):
    """A button pressed."""
    at.button(key=key).click().run(timeout=120)
    assert not at.exception
    return at


def facilitator(language="zh", **values):
    """A room just opened: the facilitator's page and its code."""
    at = page(language)
    at.segmented_control(key="room.what").set_value("open").run(timeout=120)
    for key, value in values.items():
        next(widget for widget in [*at.number_input, *at.text_input, *at.toggle]
             if widget.key == f"room.{key}").set_value(value).run(timeout=120)
    done(at, "room.open")
    return at, at.session_state["class"]["room"]


def learner(code, team, language="zh"):
    """A learner's page after joining; the seat is taken as its link says."""
    return page(language, room=code, seat=rooms.join(ready(), code, team, "Li"))


def stands(code):
    return board(rooms.happened(ready(), rooms.room(ready(), code)))


def count_of_rooms():
    with ready().connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(rooms.rooms)).scalar()


def said_by(at):
    return " ".join(words_of(at)).replace("\\", "") + " ".join(
        element.value for kind in (at.info, at.code) for element in kind)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_class_from_its_opening_to_its_replay(language):
    leader, code = facilitator(language)
    assert rooms.told_code(code) in [metric.value for metric in leader.metric]
    team = learner(code, "Reds", language)
    move = team.slider(key=SLIDER)
    move.set_value(move.value + 2 * move.step).run(timeout=120)
    team.text_input(key="room.note").set_value("more *money*").run(timeout=120)
    done(team, "room.submit")
    view = team.session_state["view"]
    assert view.edits and stands(code).teams["Reds"].text == to_file(view)
    assert stands(code).teams["Reds"].outcome == outcome(played(scenario_of(view), [], FEW, runs.SEED))

    leader.selectbox(key="room.card").set_value("price_jump").run(timeout=120)
    leader.selectbox(key="room.card_year").set_value(2011).run(timeout=120)
    done(leader, "room.deal")
    under = [Dealt("price_jump", 2011)]
    now = stands(code)
    assert now.waiting() == [] and now.dealt == (("price_jump", 2011),)
    assert now.teams["Reds"].outcome == outcome(played(scenario_of(view), under, FEW, runs.SEED))
    assert now.start.outcome == outcome(played(scenario_of(view_of(OLD)), under, FEW, runs.SEED))
    frame = leader.dataframe[0].value
    assert next(iter(frame.columns[2:])) == RANKED and say(language, "room.ties") in said_by(leader)
    assert frame["deficit"].tolist() == [now.teams["Reds"].outcome["measures"]["deficit"],
                                         now.start.outcome["measures"]["deficit"]]
    said = said_by(leader)
    assert deck().cards["price_jump"].text[language] in said
    assert language == "zh" or not re.search(HAN, said.replace("中文", ""))

    before = say(language, "room.figures.earlier", teams="Reds")
    assert before not in said
    done(leader, "room.next")
    assert before in said_by(leader) and say(language, "room.kept") in said_by(team.run(timeout=120))
    leader.segmented_control(key="room.which").set_value("replay").run(timeout=120)
    last = rooms.room(ready(), code).events
    assert leader.slider(key="room.replay.at").value == last
    for number in range(last, 1, -1):
        expected = board(rooms.happened(ready(), rooms.room(ready(), code), number))
        shown = leader.dataframe[0].value if leader.dataframe else None
        if expected.start.outcome:
            assert shown["deficit"].iloc[-1] == expected.start.outcome["measures"]["deficit"]
        done(leader, "room.replay.back")
    assert leader.slider(key="room.replay.at").value == 1

    leader.checkbox(key="room.sure").check().run(timeout=120)
    done(leader, "room.close")
    assert stands(code).closed and leader.button(key="room.deal").disabled
    team.run(timeout=120)
    assert team.button(key="room.submit").disabled and not team.exception


def test_a_reload_finds_the_seat_and_a_facilitator_s_key_is_not_in_the_address():
    leader, code = facilitator()
    key = leader.session_state["room.key"]
    assert key and key not in str(leader.query_params) and key in said_by(leader)
    team = learner(code, "A")
    seat = team.session_state["class"]["seat"]
    assert team.query_params["seat"] in (seat, [seat])
    again = page(room=code, seat=seat)
    assert any(button.key == "room.submit" for button in again.button)
    assert not again.session_state["faults"]
    back = page(room=code, seat=key)  # a facilitator's own link works, and the key leaves the address
    assert any(button.key == "room.deal" for button in back.button)
    back.run(timeout=120)
    assert "seat" not in back.query_params and back.query_params["room"] in (code, [code])
    fresh = page()
    fresh.segmented_control(key="room.what").set_value("back").run(timeout=120)
    fresh.text_input(key="room.back_code").set_value(rooms.told_code(code))
    fresh.text_input(key="room.back_key").set_value(key)
    done(fresh, "room.enter")
    assert any(button.key == "room.deal" for button in fresh.button)
    assert "seat" not in fresh.query_params and key not in str(fresh.session_state["class"])


@pytest.mark.parametrize("language, sentence", [("zh", "现在已是第 2 轮"), ("en", "it is round 2 already")])
def test_a_facilitator_with_two_windows_skips_no_round(language, sentence):
    one, code = facilitator(language)
    two = page(language, room=code, seat=one.session_state["room.key"])
    done(one, "room.next")
    done(two, "room.next")
    assert stands(code).round == 2 and any(sentence in warning.value for warning in two.warning)
    done(two, "room.next")  # now that it has been seen
    assert stands(code).round == 3 and not two.warning


def test_a_double_click_goes_on_by_one_round(monkeypatch):
    leader, code = facilitator("en")
    done(done(leader, "room.next"), "room.next")
    assert stands(code).round == 2 and any("it is round 2 already" in warning.value for warning in leader.warning)
    monkeypatch.setattr(state, "SOON", 0.0)  # some time later
    done(leader, "room.next")
    assert stands(code).round == 3 and not leader.warning


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_member_is_given_a_link_to_share_without_the_seat(language):
    _, code = facilitator(language)
    team = learner(code, "Reds", language)
    seat = team.session_state["class"]["seat"]
    assert seat in team.query_params["seat"]
    assert say(language, "share.link") not in said_by(team)
    assert say(language, "share.link_in_class") in said_by(team) and seat not in said_by(team)
    [link] = [each.value for each in team.code if "?scenario=" in each.value]
    shared = from_query(parse_qs(link.partition("?")[2]))
    assert shared == (team.session_state["view"], language, [])
    done(team, "room.leave")
    assert say(language, "share.link") in said_by(team)


def opened_and_joined_twice():
    """A page on which the second of two clicks comes before the buttons have gone."""
    import streamlit as st

    from ui import classroom, state
    state.begin()
    boxes = {"start_from": "view", "title": "A", "rounds": 3, "teams": 6, "shown": True, "team": "Reds", "name": "Li"}
    for name, value in boxes.items():
        st.session_state[f"room.{name}"] = value
    for _ in range(2):
        classroom.open_one({"view": state.view()})
    room = classroom.here().room
    classroom.leave()
    for _ in range(2):
        classroom.join(room)


def test_a_double_click_opens_one_room_and_takes_one_seat():
    before = count_of_rooms()
    at = AppTest.from_function(opened_and_joined_twice, default_timeout=120).run()
    assert not at.exception and count_of_rooms() == before + 1
    assert len(stands(at.session_state["class"]["room"]).teams["Reds"].members) == 1


def test_a_double_click_submits_once(monkeypatch):
    _, code = facilitator("en")
    team = learner(code, "Reds", "en")

    def submitted():
        return [one.kind for one in rooms.happened(ready(), rooms.room(ready(), code))].count("submitted")

    done(done(team, "room.submit"), "room.submit")
    assert submitted() == 1
    team.text_input(key="room.note").set_value("another reason").run(timeout=120)
    done(team, "room.submit")
    assert submitted() == 2
    monkeypatch.setattr(state, "SOON", 0.0)  # some time later
    done(team, "room.submit")
    assert submitted() == 3


@pytest.mark.parametrize("language, sentence", [("zh", "没有使用这个房间码的课堂"), ("en", "no room has this code")])
def test_a_wrong_code_is_one_clear_sentence_and_loses_nothing(language, sentence):
    at = page(language, **{"benefits.ceiling": "40000"})
    at.text_input(key="room.code").set_value("WRONG <b>").run(timeout=120)
    done(at, "room.find")
    assert [sentence in warning.value for warning in at.warning] == [True]
    assert at.session_state["view"].edits == (("benefits.ceiling", 40000),)
    at = page(language, room="NOSUCHRM", seat="x")
    assert any(sentence in warning.value for warning in at.warning)


def test_a_code_is_not_found_by_trying_and_who_is_in_the_room_goes_on(monkeypatch):
    leader, code = facilitator("en")
    team = learner(code, "A", "en")
    monkeypatch.setattr(tries, "OWN", 3)
    at = page("en")
    for _ in range(4):
        at.text_input(key="room.code").set_value("WRONG123").run(timeout=120)
        done(at, "room.find")
    assert any("try again in 10 min" in warning.value for warning in at.warning)
    at.text_input(key="room.code").set_value(code).run(timeout=120)
    done(at, "room.find")  # the right one is not told from a wrong one
    assert any("try again in 10 min" in warning.value for warning in at.warning) and at.text_input(key="room.code")
    assert not any(widget.key == "room.name" for widget in at.text_input)
    monkeypatch.setattr(tries, "ALL", 1)
    at = page("en", room=code, seat=classroom.WATCHING)
    assert any("try again" in warning.value for warning in at.warning) and not at.dataframe
    assert at.text_input(key="room.code").value == code  # kept for when the time is over
    for one, button in ((team, "room.submit"), (leader, "room.deal")):
        one.run(timeout=120)
        assert not one.exception and any(key.key == button for key in one.button)
    again = page("en", room=code, seat=team.session_state["class"]["seat"])
    assert any(key.key == "room.submit" for key in again.button)


@pytest.mark.parametrize("zone, clock", [("Asia/Shanghai", "17:00:00"), ("../../etc/passwd", "09:00:00"),
                                         ("", "09:00:00")])
def test_a_replay_tells_the_time_by_the_clock_of_who_looks_on(zone, clock, monkeypatch):
    monkeypatch.setattr(rooms, "now", lambda: datetime(2026, 3, 2, 9))
    leader, code = facilitator("en")
    rooms.join(ready(), code, "A")
    leader.context = {"locale": "en-GB", "timezone": zone}
    leader.run(timeout=120)
    leader.segmented_control(key="room.which").set_value("replay").run(timeout=120)
    told = say("en", "room.when", time=f"2026-03-02 {clock}", zone=zone if "Asia" in zone else "UTC")
    assert any(told in text.value for text in leader.markdown), [text.value for text in leader.markdown]


def test_the_board_can_be_watched_where_it_is_open_and_not_where_it_is_not():
    leader, code = facilitator()
    at = done(page(room=code), "room.watch")
    assert at.dataframe and not any(button.key in ("room.submit", "room.deal") for button in at.button)
    leader, code = facilitator(shown=False)
    at = page(room=code)
    assert not any(button.key == "room.watch" for button in at.button)
    at = page(room=code, seat=classroom.WATCHING)
    assert any("没有公开看板" in warning.value for warning in at.warning) and not at.dataframe
    assert not learner(code, "A").dataframe


def test_a_policy_of_another_scenario_is_not_submitted():
    leader, code = facilitator()
    team = page(scenario="urrbmi_county_2026", room=code, seat=rooms.join(ready(), code, "A"))
    assert team.button(key="room.submit").disabled and team.warning
    done(team, "room.anew")
    assert team.session_state["view"] == view_of(OLD) and not team.button(key="room.submit").disabled


def test_a_city_of_several_counties_is_not_played():
    at = page(scenario="city_pooling_2012")
    at.segmented_control(key="room.what").set_value("open").run(timeout=120)
    assert at.button(key="room.open").disabled and at.info


def test_a_result_that_was_never_worked_out_is_worked_out_by_the_facilitator_s_page():
    leader, code = facilitator()
    token = rooms.join(ready(), code, "A")
    rooms.submit(ready(), code, token, to_file(view_of(OLD, edits=[("benefits.ceiling", 40000)])))
    assert stands(code).waiting() == ["A"]
    leader.run(timeout=120)
    assert stands(code).waiting() == []


def test_a_submission_that_cannot_be_read_any_more_spoils_nothing():
    leader, code = facilitator("en")
    token = rooms.join(ready(), code, "A")
    rooms.submit(ready(), code, token, "base: gone\nchanges: []\n")
    leader.run(timeout=120)
    assert not leader.exception and any("no such scenario" in warning.value for warning in leader.warning)


def test_the_names_of_people_are_text():
    leader, code = facilitator("en", title="[x](y) <b>")
    rooms.join(ready(), code, "**A** :red[b] <i>", "`n`")
    leader.run(timeout=120)
    assert r"\[x\](y) \<b\>" in [header.value for header in leader.subheader]
    leader.segmented_control(key="room.which").set_value("replay").run(timeout=120)
    assert any(r"\*\*A\*\* \:red\[b\] \<i\>" in text.value for text in leader.markdown)


# --- the guide ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
def test_the_guide_holds_a_plan_and_every_card_and_can_be_printed(language):
    of, text = guide.guide(language), guide.text(language)
    assert all(card.title[language] in text for card in deck().cards.values())
    assert set(guide.cards(language).frame["card"]) == {card.title[language] for card in deck().cards.values()}
    assert "90" in text and len(of.sections) == text.count("\n## ")
    for key in ("room.do.open", "room.do.back", "room.next", "room.close", "room.anew", "room.work_out", "room.watch",
                "room.replay", "page.classroom", "page.levers", "page.overview", "page.methods"):
        assert say(language, key) in text, key  # what the guide tells people to press is what stands on the page
    document = Document(io.BytesIO(word(of)))
    printed = "\n".join(paragraph.text for paragraph in document.paragraphs)
    for line in text.splitlines():
        assert line.lstrip("#- ").strip() in printed
    assert pdf(of).startswith(b"%PDF")
    assert language == "zh" or not re.search(HAN, text)


def test_both_guides_have_the_same_build():
    build = [[re.match("#+|-|", line)[0] for line in guide.text(language).splitlines()] for language in LANGUAGES]
    assert build[0] == build[1]


def test_every_measure_has_its_words():
    for language in LANGUAGES:
        for name in MEASURES:
            assert say(language, f"room.measure.{name}") and say(language, f"room.meaning.{name}")
