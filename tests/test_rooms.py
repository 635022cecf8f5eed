"""Rooms of classes: nothing is lost however many act at once, a replay is the live board, cards do what they say."""

import csv
import re
import threading
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from report.cards import Dealt, basis, course, deck, normals_under, played, window, with_levers
from report.measured import outcome
from report.standings import DIGITS, MEASURES, RANKED, Row, course_figure, courses, standings, value
from report.text import say
from simulation import load_scenario, simulate
from simulation.measures import standard_error
from simulation.scenario import Change, lever_value
from simulation.steps import utilisation
from simulation.terms import LANGUAGES, BadInput, Source
from store import rooms, tries
from store.boards import board
from store.database import database, metadata, ready, upgrade
from tests.coarse import coarse

ROOT = Path(__file__).resolve().parent.parent
FEW, SEED = 64, 7  # draws: signs of paired differences do not depend on how many there are
COUNTY = "urrbmi_county_2026"
YEAR = 2028
PEOPLE = 30

fewer_histories = pytest.fixture(scope="module", autouse=True)(coarse)


@pytest.fixture
def engine(url):
    """An empty database, with the patience it has in use: thirty people write at once."""
    made = database(url)
    upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def opened(engine):
    return rooms.open_room(engine, "一堂课", "base: benxi_2008\nchanges: []\n", 3, 6, True)


def at_once(acts):
    """Do many things at the same moment; what any of them raised."""
    gate, faults = threading.Barrier(len(acts)), []

    def one(act):
        gate.wait()
        try:
            act()
        except Exception as fault:  # whatever it is, the test has to see it
            faults.append(fault)

    threads = [threading.Thread(target=one, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


def faults_of(act):
    with pytest.raises(BadInput) as refused:
        act()
    return refused.value.faults


# --- rooms -------------------------------------------------------------------------------------------

def test_the_migration_makes_the_tables_that_are_declared(engine):
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    names = {"room", "room_event", "room_try"}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={
            "version_table": "sandbox_version",
            "include_object": lambda thing, name, kind, *_: (name if kind == "table" else thing.table.name) in names})
        assert compare_metadata(context, metadata) == []
        assert names <= set(sa.inspect(engine).get_table_names())


def test_codes_are_of_forty_bits_unique_and_read_however_they_are_typed(engine):
    made = [rooms.open_room(engine, "x", "", 1, 1, True)[0].code for _ in range(50)]
    assert len(set(made)) == 50
    assert len(set(rooms.ALPHABET)) ** rooms.LENGTH >= 2**40
    assert all(re.fullmatch(f"[{rooms.ALPHABET}]{{{rooms.LENGTH}}}", code) for code in made)
    for code in made[:5]:
        for typed in (rooms.told_code(code), code.lower(), f" {code[:3]} {code[3:]} "):
            assert rooms.room(engine, typed).code == code


def test_a_code_that_is_taken_is_not_given_again(engine, monkeypatch):
    codes = iter(["AAAAAAAA", "AAAAAAAA", "BBBBBBBB"])
    monkeypatch.setattr(rooms, "new_code", lambda: next(codes))
    assert [rooms.open_room(engine, "x", "", 1, 1, True)[0].code for _ in range(2)] == ["AAAAAAAA", "BBBBBBBB"]


@pytest.mark.parametrize("code", ["WRONG123", "", "💥", "a" * 5000, "'; drop table room; --", "\0", "\ud800"])
def test_a_wrong_code_is_one_clear_sentence(engine, opened, code):
    fault, = faults_of(lambda: rooms.join(engine, code, "A"))
    assert "no room has this code" in fault.sentence("en") and "没有使用这个房间码的课堂" in fault.sentence("zh")
    assert len(fault.sentence("en").encode()) < 160


@pytest.mark.parametrize("token", ["", "\0", "\ud800", "钥匙", "x" * 10_000])
def test_a_key_that_is_none_is_one_clear_sentence(engine, opened, token):
    for act in (rooms.seat, lambda *given: rooms.entered(*given, "me"), lambda *given: rooms.submit(*given, "x")):
        fault, = faults_of(lambda act=act: act(engine, opened[0].code, token))
        assert "not of this room" in fault.what.en


@pytest.mark.parametrize("text, said", [("\ud800", "half a character"), ("\0", "a null character")])
def test_a_policy_of_characters_that_no_text_has_is_refused(engine, opened, text, said):
    token = rooms.join(engine, opened[0].code, "A\ud800")
    for act in (lambda: rooms.open_room(engine, "x", text, 1, 1, True),
                lambda: rooms.submit(engine, opened[0].code, token, text)):
        assert said in faults_of(act)[0].what.en
    assert list(board(rooms.happened(engine, opened[0])).teams) == ["A"]


def tried(engine, code, who="me"):
    """What a try of a code is answered with, in English."""
    try:
        return rooms.found(engine, code, who).code
    except BadInput as bad:
        return bad.faults[0].sentence("en")


def test_codes_are_not_found_by_trying_and_the_answer_names_the_time(engine, opened, monkeypatch):
    room, _ = opened
    clock = datetime(2026, 3, 2, 9)
    monkeypatch.setattr(tries, "now", lambda: clock)
    for _ in range(tries.OWN):
        assert "no room has this code" in tried(engine, "WRONG123")
    assert "try again in 10 min" in tried(engine, room.code)  # a right code is not told from a wrong one any more
    assert tried(engine, room.code, "another") == room.code
    clock += timedelta(seconds=tries.WINDOW - 61)
    assert "try again in 2 min" in tried(engine, room.code)
    clock += timedelta(seconds=61)
    assert tried(engine, room.code) == room.code
    with engine.connect() as connection:  # what no longer counts goes with the next wrong code
        assert connection.execute(sa.select(sa.func.count()).select_from(tries.tries)).scalar_one() == tries.OWN
    tried(engine, "WRONG123")
    with engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tries.tries)).scalar_one() == 1


def test_many_sessions_and_servers_have_no_more_tries_together_and_the_class_goes_on(engine, opened, url, monkeypatch):
    room, key = opened
    token = rooms.join(engine, room.code, "A", "Li")
    monkeypatch.setattr(tries, "ALL", 24)
    other = database(url)
    found = []
    assert at_once([lambda n=n: found.extend(tried(engine if n % 2 else other, "WRONG123", f"{n} {k}")
                                             for k in range(4)) for n in range(8)]) == []
    assert sum("no room" in answer for answer in found) == 24 and sum("try again" in answer for answer in found) == 8
    assert "try again" in tried(other, room.code, "who never tried")
    # Whoever is in the room comes back by link or key, looks, and acts.
    assert rooms.entered(other, room.code, token, "a")[1] == (False, "A", "Li")
    assert rooms.entered(engine, room.code, key, "b")[1].facilitator
    assert rooms.submit(engine, room.code, token, "x") and rooms.room(engine, room.code).events == 2
    other.dispose()


def test_a_wrong_key_is_a_try_and_tells_nothing_of_the_code_once_there_were_too_many(engine, opened):
    room, key = opened
    answers = []
    for n in range(tries.OWN + 2):
        with pytest.raises(BadInput) as refused:
            rooms.entered(engine, room.code if n % 2 else "WRONG123", f"guess {n}", "me")
        answers.append(refused.value.faults[0].sentence("en"))
    assert "not of this room" in answers[1] and "no room has this code" in answers[2]
    assert answers[-1] == answers[-2] and "try again" in answers[-1]
    assert rooms.entered(engine, room.code, key, "me")[1].facilitator


def test_a_clock_that_is_set_back_locks_nobody_out_for_longer_than_the_window(engine, opened, monkeypatch):
    room, _ = opened
    clock = datetime(2026, 3, 2, 9)
    monkeypatch.setattr(tries, "now", lambda: clock)
    for _ in range(tries.OWN):
        tried(engine, "WRONG123")
    clock -= timedelta(seconds=tries.WINDOW // 2)
    assert "try again in 10 min" in tried(engine, room.code)
    clock -= timedelta(days=300)
    assert tried(engine, room.code) == room.code


def test_keys_and_tokens_are_kept_nowhere_and_open_only_their_own_room(engine, opened):
    room, key = opened
    other, _ = rooms.open_room(engine, "y", "", 1, 1, True)
    token = rooms.join(engine, room.code, "A", "Li")
    assert rooms.seat(engine, room.code, key).facilitator
    assert rooms.seat(engine, room.code, token) == (False, "A", "Li")
    for held in (key, token):
        assert "not of this room" in faults_of(lambda held=held: rooms.seat(engine, other.code, held))[0].what.en
    with engine.connect() as connection:
        kept = repr([list(connection.execute(sa.select(table))) for table in (rooms.rooms, rooms.room_events)])
    assert key not in kept and token not in kept and len(key) >= 22


def test_only_the_facilitator_leads_and_a_facilitator_submits_nothing(engine, opened):
    room, key = opened
    token = rooms.join(engine, room.code, "A")
    for act in (lambda: rooms.deal(engine, room.code, token, "epidemic", YEAR),
                lambda: rooms.advance(engine, room.code, token, 1), lambda: rooms.close(engine, room.code, token)):
        assert "only the facilitator" in faults_of(act)[0].what.en
    assert "in no team" in faults_of(lambda: rooms.submit(engine, room.code, key, "x"))[0].what.en
    assert rooms.room(engine, room.code).events == 1  # what was refused has left nothing


def test_thirty_people_at_once_lose_nothing(engine, opened):
    room, key = opened

    def one(n):
        token = rooms.join(engine, room.code, f"team {n % 6}", f"person {n}")
        for k in range(2):
            number = rooms.submit(engine, room.code, token, f"policy {n} {k}")
            rooms.record(engine, room.code, f"team {n % 6}", number, 0, {"of": [n, k]})

    assert at_once([lambda n=n: one(n) for n in range(PEOPLE)]) == []
    events = rooms.happened(engine, rooms.room(engine, room.code))
    assert [event.number for event in events] == list(range(1, 5 * PEOPLE + 1))
    stood = board(events)
    assert sorted(name for team in stood.teams.values() for name in team.members) == sorted(
        f"person {n}" for n in range(PEOPLE))
    assert {event.body["text"] for event in events if event.kind == "submitted"} == {
        f"policy {n} {k}" for n in range(PEOPLE) for k in range(2)}
    for name, team in stood.teams.items():
        last = [event for event in events if event.kind == "submitted" and event.team == name][-1]
        assert (team.submitted, team.text) == (last.number, last.body["text"])


def test_no_more_teams_than_there_may_be_however_many_come_at_once(engine, opened):
    room, _ = opened
    faults = at_once([lambda n=n: rooms.join(engine, room.code, f"team {n}") for n in range(20)])
    assert len(board(rooms.happened(engine, room)).teams) == room.teams
    assert len(faults) == 20 - room.teams and all("teams already" in str(fault) for fault in faults)


def test_the_same_card_for_the_same_year_is_dealt_once_however_often_it_is_pressed(engine, opened):
    room, key = opened
    faults = at_once([lambda: rooms.deal(engine, room.code, key, "epidemic", YEAR) for _ in range(8)])
    assert len(faults) == 7 and board(rooms.happened(engine, room)).dealt == (("epidemic", YEAR),)


def test_team_names_are_one_whatever_their_capitals_widths_and_spaces(engine, opened):
    room, _ = opened
    for name in ("Red team", "red  TEAM ", "RED team", "Ｔｅａｍ　１", "team 1"):
        rooms.join(engine, room.code, name)
    assert list(board(rooms.happened(engine, room)).teams) == ["Red team", "Ｔｅａｍ １"]  # as the first wrote them


@pytest.mark.parametrize("team, name, said", [("", "", "there is no team"), ("  ", "", "there is no team"),
                                              ("x" * 41, "", "over 40"), ("A", "y" * 41, "over 40")])
def test_names_are_given_and_short(engine, opened, team, name, said):
    fault, = faults_of(lambda: rooms.join(engine, opened[0].code, team, name))
    assert said in fault.what.en


@pytest.mark.parametrize("rounds, teams", [(0, 3), (3, 0), (rooms.ROUNDS + 1, 3), (3, rooms.TEAMS + 1)])
def test_a_room_has_bounds(engine, rounds, teams):
    assert "will not do" in faults_of(lambda: rooms.open_room(engine, "x", "", rounds, teams, True))[0].what.en


def test_a_policy_is_bounded_and_a_room_is_full_some_time_and_can_be_closed(engine, opened, monkeypatch):
    room, key = opened
    token = rooms.join(engine, room.code, "A")
    assert "longer" in faults_of(lambda: rooms.submit(engine, room.code, token, "x" * (rooms.TEXT + 1)))[0].what.en
    monkeypatch.setattr(rooms, "EVENTS", 2)
    rooms.submit(engine, room.code, token, "x")
    assert "full" in faults_of(lambda: rooms.submit(engine, room.code, token, "x"))[0].what.en
    assert rooms.room(engine, room.code).events == 2
    assert rooms.close(engine, room.code, key) == 3 and board(rooms.happened(engine, room)).closed


def played_through(engine, opened):
    """A class with two teams, a card, two rounds and an end."""
    room, key = opened
    tokens = [rooms.join(engine, room.code, team) for team in "AB"]
    rooms.record(engine, room.code, "", 0, 0, {"v": 0})
    first = rooms.submit(engine, room.code, tokens[0], "one", "why")
    rooms.record(engine, room.code, "A", first, 0, {"v": 1})
    rooms.deal(engine, room.code, key, "epidemic", YEAR)
    rooms.record(engine, room.code, "A", first, 1, {"v": 2})
    rooms.record(engine, room.code, "A", 1, 0, {"v": "of an earlier submission"})
    rooms.advance(engine, room.code, key, 1)
    rooms.submit(engine, room.code, tokens[1], "two")
    rooms.close(engine, room.code, key)
    return rooms.room(engine, room.code)


def test_a_replay_is_the_live_board(engine, opened, url):
    """Whatever was seen after an event is what reading so many events gives, also by another server."""
    room, key = opened
    seen, add = {}, rooms._add

    def added(connection, of, *what):
        number = add(connection, of, *what)
        rows = connection.execute(sa.select(rooms.room_events).where(rooms.room_events.c.room == of.id).order_by(
            rooms.room_events.c.number))
        seen[number] = board(rooms.Event(row.number, row.kind, row.team, rooms.json.loads(row.body), row.created)
                             for row in rows)
        return number

    rooms._add = added
    try:
        room = played_through(engine, opened)
    finally:
        rooms._add = add
    again = database(url)
    assert len(seen) == room.events == 11
    for number, then in seen.items():
        assert board(rooms.happened(again, rooms.room(again, room.code), number)) == then
    again.dispose()


def test_the_board_says_what_is_still_to_be_worked_out(engine, opened):
    room = played_through(engine, opened)
    at = lambda number: board(rooms.happened(engine, room, number))  # noqa: E731
    assert at(2).waiting() == [""] and at(3).waiting() == []
    assert at(4).waiting() == ["A"] and at(5).waiting() == []
    assert at(6).waiting() == ["", "A"]  # a card makes every result an old one
    assert at(6).teams["A"].outcome == {"v": 1} and not at(6).current(at(6).teams["A"])
    assert at(8).teams["A"].outcome == {"v": 2}
    assert (at(9).round, at(11).closed, at(11).waiting()) == (2, True, ["", "B"])


def test_an_outcome_of_an_earlier_submission_is_not_the_current_one(engine, opened):
    room, key = opened
    token = rooms.join(engine, room.code, "A")
    first = rooms.submit(engine, room.code, token, "one")
    rooms.record(engine, room.code, "A", first, 0, {"v": 1})
    rooms.advance(engine, room.code, key, 1)
    second = rooms.submit(engine, room.code, token, "two")
    rooms.record(engine, room.code, "A", first, 0, {"v": "known"})
    stood = board(rooms.happened(engine, room))
    team = stood.teams["A"]
    assert (team.outcome, team.of, team.submitted, team.round) == ({"v": 1}, first, second, 2)
    assert not stood.current(team) and "A" in stood.waiting()
    third = rooms.submit(engine, room.code, token, "three")
    rooms.record(engine, room.code, "A", second, 0, {"v": "overtaken"})
    assert board(rooms.happened(engine, room)).teams["A"].outcome == {"v": 1}
    rooms.record(engine, room.code, "A", third, 0, {"v": 3})
    assert board(rooms.happened(engine, room)).teams["A"].outcome == {"v": 3}


def test_a_result_that_several_work_out_is_kept_once(engine, opened):
    room, _ = opened
    token = rooms.join(engine, room.code, "A")
    first = rooms.submit(engine, room.code, token, "one")
    numbers = []
    assert at_once([lambda: numbers.append(rooms.record(engine, room.code, "A", first, 0, {})) for _ in range(8)]) == []
    assert numbers == [3] * 8 and rooms.room(engine, room.code).events == 3


def test_a_closed_room_can_be_read_and_not_changed(engine, opened):
    room = played_through(engine, opened)
    for act in (lambda: rooms.join(engine, room.code, "C"),
                lambda: rooms.advance(engine, room.code, opened[1], 2),
                lambda: rooms.deal(engine, room.code, opened[1], "quiet_year", YEAR)):
        assert "the class is over" in faults_of(act)[0].what.en
    assert len(rooms.happened(engine, room)) == room.events


def test_rounds_end(engine, opened):
    room, key = opened
    for n in range(1, room.rounds):
        rooms.advance(engine, room.code, key, n)
    assert "last round" in faults_of(lambda: rooms.advance(engine, room.code, key, room.rounds))[0].what.en


def test_no_round_is_skipped_however_often_and_from_however_many_windows_it_is_gone_on(engine, opened):
    room, key = opened
    faults = at_once([lambda: rooms.advance(engine, room.code, key, 1) for _ in range(8)])
    assert len(faults) == 7 and board(rooms.happened(engine, room)).round == 2
    assert all("it is round 2 already" in str(fault) for fault in faults)
    assert "已是第 2 轮" in faults_of(lambda: rooms.advance(engine, room.code, key, 3))[0].sentence("zh")
    assert rooms.room(engine, room.code).events == 1


def test_a_database_that_is_locked_is_one_sentence(tmp_path):
    url = f"sqlite:///{tmp_path / 'locked.db'}"
    impatient, other = database(url, patience=0.1), database(url)
    upgrade(other)
    room, _ = rooms.open_room(other, "x", "", 1, 1, True)
    with other.connect().execution_options(writes=True) as connection, connection.begin():
        fault, = faults_of(lambda: rooms.join(impatient, room.code, "A"))
    assert "locked" in fault.what.en
    assert rooms.join(impatient, room.code, "A")  # nothing was left behind


def test_rooms_live_beside_the_library(tmp_path):
    engine = ready(f"sqlite:///{tmp_path / 'one.db'}")
    assert {"room", "room_event", "library_entry", "library_version"} <= set(sa.inspect(engine).get_table_names())


# --- cards -------------------------------------------------------------------------------------------

# What each card must do to the year it is dealt for, beside the same futures without it: quantity and sign.
ACTS = {"epidemic": {"expenditure": 1, "surplus": -1, "balance_end": -1, "stays": 1, "income": 0},
        "late_subsidy": {"subsidy_income": -1, "surplus": -1, "expenditure": 0},
        "price_jump": {"expenditure": 1, "surplus": -1, "out_of_pocket": 1, "stays": 0},
        "subsidy_gap": {"subsidy_income": -1, "surplus": -1, "expenditure": 0},
        "quiet_year": {"expenditure": -1, "surplus": 1, "stays": -1, "income": 0}}


def test_every_card_has_words_and_a_basis_in_both_languages():
    assert set(deck().cards) == set(ACTS)
    for name, card in deck().cards.items():
        for language in LANGUAGES:
            assert card.title[language] and card.text[language] and card.ask[language]
            assert ("假设" if language == "zh" else "assum") in basis(name, language)
        assert not re.search("[\u4e00-\u9fff]", basis(name, "en") + card.text.en + card.title.en + card.ask.en)


@pytest.mark.parametrize("name", ACTS)
def test_cards_act_with_the_right_sign_in_every_draw_and_not_before(name):
    base = load_scenario(COUNTY)
    plain, shocked = (played(base, cards, FEW, SEED).data.isel(area=0) for cards in ([], [Dealt(name, YEAR)]))
    for quantity, sign in ACTS[name].items():
        gap = (shocked[quantity] - plain[quantity]).sel(year=YEAR).values
        # Prices move the table's grid a little, which is nothing beside what a card does.
        scale = abs(plain[quantity].sel(year=YEAR).values)
        assert (np.sign(gap) == sign).all() if sign else (abs(gap) <= 1e-4 * scale).all(), quantity
    before = (shocked["balance_end"] - plain["balance_end"]).sel(year=YEAR - 1).values
    assert (abs(before) <= 1e-4 * plain["income"].sel(year=YEAR - 1).values).all()


def test_without_a_card_the_run_is_the_usual_one():
    usual = simulate(load_scenario(COUNTY), FEW, SEED)
    assert played(load_scenario(COUNTY), [], FEW, SEED).fingerprint == usual.fingerprint


def test_a_late_subsidy_arrives_the_year_after_and_a_missing_one_never():
    base = load_scenario(COUNTY)
    income = {name: played(base, cards, FEW, SEED).data["subsidy_income"].isel(area=0) for name, cards in (
        ("plain", []), ("late", [Dealt("late_subsidy", YEAR)]), ("gap", [Dealt("subsidy_gap", YEAR)]))}
    both = slice(YEAR, YEAR + 1)
    np.testing.assert_allclose(income["late"].sel(year=both).sum("year"), income["plain"].sel(year=both).sum("year"))
    np.testing.assert_allclose(income["late"].sel(year=YEAR), 0.5 * income["plain"].sel(year=YEAR))
    np.testing.assert_allclose(income["gap"].sel(year=YEAR), 0.9 * income["plain"].sel(year=YEAR))
    np.testing.assert_allclose(income["gap"].sel(year=YEAR + 1), income["plain"].sel(year=YEAR + 1))


@pytest.mark.parametrize("scenario", ["benxi_2008", COUNTY, "national_resident_2018"])
def test_use_and_prices_follow_the_cards_course_in_every_draw(scenario):
    """Each draw keeps its own course; on it the cards' multiples lie exactly, and nothing else moves."""
    base = load_scenario(scenario)
    first = base.first_year
    added = course(base, [Dealt("epidemic", first + 1), Dealt("price_jump", first + 1), Dealt("quiet_year", first + 4)])
    usual = utilisation.futures(base, 1024, SEED)
    moved = utilisation.futures(base, 1024, SEED, at=normals_under(base, added, 1024, SEED))
    use, price = np.ones(base.years), np.ones(base.years)
    use[1], use[4] = 1.2, 0.91
    price[1:] = [1.05, *[1.1025] * (base.years - 2)]
    # Beyond five standard deviations the model cuts a shock off; no draw of so few comes near it.
    for name, times in (("frequency", use), ("visits", use), ("price", price)):
        there = getattr(usual, name)
        np.testing.assert_allclose(getattr(moved, name) / there, np.broadcast_to(times, there.shape), rtol=1e-6)
    for name in ("chronic", "take_up", "opening", "noise", "people", "funding"):
        np.testing.assert_array_equal(getattr(moved, name), getattr(usual, name))


def test_after_a_card_the_policy_s_own_plan_holds_again():
    base = load_scenario(COUNTY)
    source = Source(status="assumption")
    plan = base.changed([Change(lever="financing.subsidy_late", year=YEAR - 1, value=0.1, source=source),
                         Change(lever="financing.subsidy_late", year=YEAR + 2, value=0.2, source=source)])
    said = [lever_value(with_levers(plan, [Dealt("late_subsidy", YEAR)]), "financing.subsidy_late", year)
            for year in base.horizon()]
    assert said[:7] == [0, 0.1, 0.5, 0.1, 0.2, 0.2, 0.2]


def test_cards_dealt_in_any_order_all_act():
    base, early, late = load_scenario(COUNTY), Dealt("subsidy_gap", YEAR - 1), Dealt("late_subsidy", YEAR + 2)
    cards = [late, Dealt("late_subsidy", YEAR - 1), early]
    runs = [with_levers(base, order) for order in (cards, cards[::-1])]
    assert runs[0].changes == runs[1].changes
    said = [lever_value(runs[0], "financing.subsidy_late", year) for year in base.horizon()]
    assert said[:6] == [0, 0.5, 0, 0, 0.5, 0]


@pytest.mark.parametrize("dealt, said", [(Dealt("epidemic", 1999), "not simulated"),
                                         (Dealt("earthquake", YEAR), "no such card")])
def test_a_card_that_cannot_be_dealt_is_refused(dealt, said):
    assert said in faults_of(lambda: played(load_scenario(COUNTY), [dealt], FEW, SEED))[0].what.en


def test_a_card_of_the_last_year_ends_with_it_and_a_city_is_refused():
    base = load_scenario(COUNTY)
    assert list(window(base, Dealt("price_jump", base.horizon()[-1]))) == [base.horizon()[-1]]
    assert "one pool" in faults_of(lambda: played(load_scenario("city_pooling_2012"), [], FEW, SEED))[0].what.en


def test_what_the_cards_say_of_their_sizes_is_what_the_figures_say():
    with (ROOT / "data" / "resident_benefits.csv").open(encoding="utf-8", newline="") as file:
        benefits = {(row["variable"], row["year"]): float(row["value"]) for row in csv.DictReader(file)}
    with (ROOT / "data" / "national_funds.csv").open(encoding="utf-8", newline="") as file:
        insured = {row["year"]: float(row["value"]) for row in csv.DictReader(file)
                   if row["variable"] == "URRBMI_enrolment"}
    stays = {year: benefits["resident_discharges", year] for year in ("2019", "2020", "2022")}
    cost = {year: benefits["resident_inpatient_cost", year] / stays[year] for year in ("2019", "2022")}
    assert round((cost["2022"] / cost["2019"]) ** (1 / 3) - 1, 3) == 0.049
    assert round(stays["2020"] / insured["2020"] / (stays["2019"] / insured["2019"]) - 1, 2) == -0.09
    assert deck().cards["quiet_year"].use == -0.09
    spread = float(load_scenario(COUNTY).value("shocks", "admission_sd"))
    assert round(100 * spread, 1) == 9.1 and round(np.log1p(deck().cards["epidemic"].use) / spread) == 2


# --- the board ---------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def outcomes():
    """The starting policy, and two that are dearer for the people, under a price jump."""
    base, cards = load_scenario("benxi_2008"), [Dealt("price_jump", 2010)]
    source = Source(status="assumption")
    return [outcome(played(base.changed([Change(lever="financing.contribution_step", year=2008, value=step,
                                                source=source)]), cards, FEW, SEED)) for step in (0, 10, 20)]


def test_what_is_kept_of_a_run_is_what_the_run_says(outcomes):
    result = played(load_scenario("benxi_2008"), [Dealt("price_jump", 2010)], FEW, SEED)
    data, kept = result.data.isel(area=0), outcomes[0]["measures"]
    assert kept["deficit"] == float((data["surplus"] < 0).mean("draw").max())
    assert kept["insolvent"] == float((data["balance_end"] < 0).mean("draw")[-1])
    assert kept["surplus_over"] == float((data["surplus_ratio"] > data["surplus_line"]).mean("draw").max())
    assert kept["balance_over"] == float((data["balance_ratio"] > data["balance_line"]).mean("draw")[-1])
    assert kept["balance_ratio"] == pytest.approx(float(data["balance_ratio"].median("draw")[-1]))
    assert 0 < kept["own_share"] < 1
    mean = data.mean("draw")
    assert kept["own_share"] == pytest.approx(float(mean["out_of_pocket"].sum() / mean["expense"].sum()))
    assert kept["take_up"] == pytest.approx(float(mean["enrolled"][-1] / mean["residents"][-1]))
    assert kept["contribution"] == pytest.approx(float(mean["individual_income"][-1] / mean["enrolled"][-1]))
    years = (data["surplus"] < 0).sum("year").values  # in deficit, by draw
    assert outcomes[0]["errors"]["deficit_years"] == standard_error(years[:, None])[0] > 0
    assert [one["measures"]["contribution"] for one in outcomes] == sorted(
        one["measures"]["contribution"] for one in outcomes)
    assert outcomes[1]["measures"]["deficit"] < kept["deficit"]


def test_a_fund_that_recovers_is_judged_by_its_last_year_and_by_that_year_s_line():
    wider = Change(lever="lines.balance_ratio", year=2016, value=0.4, source=Source(status="assumption"))
    result = simulate(load_scenario("benxi_2008").changed([wider]), FEW, SEED)
    balance = result.data["balance_end"].values
    balance[:, 3:6] = -1.0  # in every draw of three years in the middle
    kept = outcome(result)
    assert kept["measures"]["insolvent"] == np.mean(balance[:, -1] < 0) < 1
    assert kept["line"] == 0.4


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("by", MEASURES)
def test_the_board_orders_by_any_measure_and_says_all_of_them(outcomes, language, by):
    rows = [Row("<b>A", 2, 1, "submitted", outcomes[1]), Row("B", 1, 0, "none", None),
            Row("=C", 3, 1, "old", outcomes[2])]
    drawn = standings(rows, outcomes[0], by, language)
    assert set(drawn.heads) == set(drawn.frame.columns) and set(MEASURES) <= set(drawn.frame.columns)
    first, second, silent, start = drawn.frame.itertuples()
    better, shown = MEASURES[by].better or 1, DIGITS.get(by, 3)
    assert better * round(getattr(first, by), shown) >= better * round(getattr(second, by), shown)
    assert silent.team == "B" and np.isnan(getattr(silent, by))
    assert getattr(start, by) == value(outcomes[0], by)


def test_the_measure_that_ranks_at_first_tells_teams_apart_where_a_card_brings_all_to_a_deficit():
    """Half of the subsidy late: the worst year is a deficit for everybody, and the years in deficit still differ."""
    base, cards = load_scenario(COUNTY), [Dealt("late_subsidy", YEAR)]
    source = Source(status="assumption")
    under = [outcome(played(base.changed([Change(lever="financing.contribution_step", year=base.first_year, value=step,
                                                 source=source)]), cards, FEW, SEED)) for step in (10, 50)]
    assert {one["measures"]["deficit"] for one in under} == {1.0}
    expected = [value(one, RANKED) for one in under]
    errors = [one["errors"][RANKED] for one in under]
    assert all(more - less > 2 * np.hypot(*errors[n:n + 2]) for n, (more, less) in enumerate(
        zip(expected, expected[1:], strict=False)))  # as two independent runs would have to differ; these are paired


def test_teams_that_are_shown_alike_are_ordered_by_what_their_patients_bear(outcomes):
    dear = {**outcomes[1], "measures": {**outcomes[1]["measures"], "own_share": 0.9}}
    rows = [Row("dear", 1, 1, "submitted", dear), Row("cheap", 1, 1, "submitted", outcomes[1])]
    for by in (RANKED, "deficit"):
        assert standings(rows, outcomes[0], by, "en").frame["team"].tolist()[:2] == ["cheap", "dear"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_teams_are_told_apart_without_colour(outcomes, language):
    rows = [Row(f"team {n}", 1, 1, "submitted", outcomes[n % 2]) for n in range(rooms.TEAMS)]
    drawn = courses(rows, outcomes[0], "balance_ratio", language)
    figure = course_figure(drawn, "x", [Dealt("price_jump", 2010)], language, 0.25)
    looks = {(trace.line.dash, trace.marker.symbol) for trace in figure.data}
    assert len(looks) == len(figure.data) == rooms.TEAMS + 1
    assert [list(trace.y) for trace in figure.data][-1] == outcomes[0]["balance_ratio"]
    assert deck().cards["price_jump"].title[language] in figure.layout.annotations[0].text
    assert {note.y: note.text for note in figure.layout.annotations[1:]} == {
        0.25: say(language, "label.limit", limit="25%"), 0: say(language, "label.zero_line")}
