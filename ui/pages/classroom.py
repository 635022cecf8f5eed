"""A class: a facilitator opens a room, teams join by its code, submit policies, are dealt shocks and are compared."""

import streamlit as st

from report import guide
from report.cards import basis, deck
from report.lessons import lessons
from report.pdf import pdf
from report.standings import DIGITS, value
from report.text import percent, plain, say
from report.word import word
from simulation.terms import BadInput
from store import rooms
from ui import board, classroom, state
from ui.classroom import Here
from ui.figures import METRIC, beside, download
from ui.learning import start_view
from ui.text import language, t
from ui.view import View, from_file, known, scenario_of
from ui.widgets import sidebar

lang = language()
VIEW = "view"  # the start that is the view on the pages
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def named(view: View) -> str:
    """A view in words: its scenario, and how much is changed."""
    return t("room.view", scenario=plain(known(view.scenario).title[lang]), edits=len(view.edits))


def door() -> None:
    """Who is in no room: join one, open one, or come back."""
    what = st.segmented_control(t("room.what"), ["join", "open", "back"], default="join", required=True,
                                key="room.what", format_func=lambda code: say(lang, f"room.do.{code}"))
    {"join": join, "open": open_one, "back": come_back}[what]()


def join() -> None:
    """The code, and once it is known the team."""
    room = None
    if code := st.session_state["class"].get("room"):
        try:
            room, _, stood = classroom.now(classroom.looked_for(code).code)
        except BadInput as bad:
            classroom.refused(bad, code)
            classroom.warn()
    if room is None:
        st.text_input(t("room.code"), key="room.code", max_chars=classroom.CODE, help=t("room.code_help"))
        st.button(t("room.find"), key="room.find", type="primary", on_click=classroom.look_for,
                  icon=":material/meeting_room:")
        return
    st.subheader(plain(room.title))
    st.caption(t("room.joining", code=rooms.told_code(room.code), teams=len(stood.teams), most=room.teams))
    st.selectbox(t("room.team"), list(stood.teams), index=None, key="room.team", accept_new_options=True,
                 placeholder=t("room.team_placeholder"), help=t("room.team_help"))
    st.text_input(t("room.name"), key="room.name", max_chars=rooms.NAME, help=t("room.name_help"))
    with st.container(horizontal=True):
        st.button(t("room.do.join"), key="room.join", type="primary", on_click=classroom.join, args=(room,),
                  disabled=stood.closed, icon=":material/login:")
        if room.shown:
            st.button(t("room.watch"), key="room.watch", on_click=classroom.sit, icon=":material/visibility:",
                      args=(room.code, classroom.WATCHING), help=t("room.watch_help"))
        st.button(t("room.other"), key="room.other", on_click=classroom.leave)


def starts() -> dict[str, View]:
    """What a class may start from: the view on the pages, or where a lesson of one pool starts."""
    try:
        of_lessons = {name: start_view(lesson) for name, lesson in lessons().items()}
    except BadInput:  # a lesson that cannot be read is the page of lessons' to tell
        of_lessons = {}
    return {VIEW: state.view()} | {name: view for name, view in of_lessons.items()
                                   if not known(view.scenario).has("areas")}


def open_one() -> None:
    """What a room is opened with."""
    st.text_input(t("room.title"), t("room.title_start"), key="room.title", max_chars=rooms.TITLE)
    offered = starts()
    titles = {name: named(view) if name == VIEW else t("room.of_lesson", lesson=lessons()[name].title[lang])
              for name, view in offered.items()}
    view = offered[st.selectbox(t("room.start_from"), list(offered), key="room.start_from", help=t("room.start_help"),
                                format_func=titles.__getitem__)]
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    left.number_input(t("room.rounds"), 1, rooms.ROUNDS, 3, key="room.rounds", help=t("room.rounds_help"))
    middle.number_input(t("room.teams"), 1, rooms.TEAMS, 6, key="room.teams")
    right.toggle(t("room.shown"), True, key="room.shown", help=t("room.shown_help"))
    areas = known(view.scenario).has("areas")
    if areas:
        st.info(t("room.one_pool"), icon=":material/info:")
    st.button(t("room.do.open"), key="room.open", type="primary", on_click=classroom.open_one, disabled=areas,
              args=(offered,), icon=":material/add_circle:")
    with st.expander(t("room.all_cards"), key="room.all_cards"):
        for name, one in deck().cards.items():
            st.markdown(f"**{plain(one.title[lang])}**　{plain(one.text[lang])}  \n:small[{plain(basis(name, lang))}]")


def printed() -> None:
    """The facilitator's guide, to read and to print."""
    with st.expander(t("room.guide"), key="room.guide", icon=":material/menu_book:", on_change="rerun") as shown:
        if not shown.open:
            return
        st.caption(t("room.guide_read"))
        of = guide.guide(lang)
        with st.container(horizontal=True):
            for form, make, mime in (("docx", word, WORD), ("pdf", pdf, "application/pdf")):
                st.download_button(t(f"room.guide_{form}"), lambda make=make: make(of), f"{of.name}.{form}", mime,
                                   key=f"room.guide.{form}", on_click="ignore", icon=":material/print:")
        st.markdown(guide.text(lang))


def come_back() -> None:
    """Back into a room by a key or a token that was kept."""
    with st.form("room.back", border=False):  # a form hands over what stands in a field that was not left yet
        st.text_input(t("room.code"), st.session_state["class"].get("room", ""), key="room.back_code",
                      max_chars=classroom.CODE)
        st.text_input(t("room.key"), key="room.back_key", max_chars=60, type="password", help=t("room.key_help"))
        st.form_submit_button(t("room.do.back"), key="room.enter", type="primary", on_click=classroom.enter,
                              icon=":material/key:")


# --- in a room ---------------------------------------------------------------------------------------

def head(at: Here) -> None:
    """Which room this is, and how to leave it."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(plain(at.room.title), width="content")
        st.button(t("room.leave"), key="room.leave", on_click=classroom.leave, icon=":material/logout:")


def lead(at: Here) -> None:
    """The facilitator's controls."""
    *_, stood = classroom.now(at.room.code)
    base = from_file(at.room.base.encode(), "base")
    code, steer = beside(2)
    with code, st.container(border=True):
        st.metric(t("room.code"), rooms.told_code(at.room.code))
        st.caption(t("room.how_to_join"))
        st.caption(named(base))
        with st.expander(t("room.keep_key"), key="room.keep_key", icon=":material/key:"):
            st.caption(t("room.key_read"))
            st.code(at.token, language=None)
    with steer, st.container(border=True):
        horizon = list(scenario_of(base).horizon())
        one, year = st.columns([3, 2], vertical_alignment="bottom")
        card = one.selectbox(t("room.card"), list(deck().cards), key="room.card",
                             format_func=lambda name: deck().cards[name].title[lang])
        year.selectbox(t("room.card_year"), horizon, index=min(2, len(horizon) - 1), key="room.card_year")
        st.markdown(plain(deck().cards[card].text[lang]))
        st.caption(f"{plain(basis(card, lang))}  \n{t('room.ask')}{plain(deck().cards[card].ask[lang])}")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(t("room.deal"), key="room.deal", type="primary", on_click=classroom.deal, args=(at,),
                      disabled=stood.closed, icon=":material/bolt:")
            st.button(t("room.next"), key="room.next", on_click=classroom.advance, args=(at,),
                      disabled=stood.closed or stood.round >= at.room.rounds, icon=":material/skip_next:")
            sure = st.checkbox(t("room.sure"), key="room.sure", disabled=stood.closed)
            st.button(t("room.close"), key="room.close", on_click=classroom.close, args=(at,),
                      disabled=stood.closed or not sure, icon=":material/lock:")
    classroom.work_out(at.room)
    seen(at, controls=True)
    policies(at)
    printed()
    _, events, _ = classroom.now(at.room.code)
    download("csv.room.events", t("room.events_csv"), board.history(events), f"class_{rooms.told_code(at.room.code)}")


def policies(at: Here) -> None:
    """What a team has changed, and why; a facilitator may look at it on every page."""
    *_, stood = classroom.now(at.room.code)
    submitted = {name: team for name, team in stood.teams.items() if team.submitted}
    if not submitted:
        return
    with st.expander(t("room.policies"), key="room.policies"):
        name = st.selectbox(t("room.team"), list(submitted), key="room.policy_of")
        try:
            view = classroom.view_from(submitted[name].text)
        except BadInput as bad:
            for fault in bad.faults:
                st.warning(plain(fault.sentence(lang)), icon=":material/error:")
            return
        if submitted[name].note:
            st.markdown(plain(submitted[name].note))
        st.code(submitted[name].text, language="yaml")
        st.button(t("room.look"), key="room.look", on_click=state.take, args=(lambda: view,),
                  help=t("room.look_help"), icon=":material/visibility:")


def play(at: Here) -> None:
    """A team's side: the policy on the pages, and how it came out."""
    *_, stood = classroom.now(at.room.code)
    base, view = from_file(at.room.base.encode(), "base"), state.view()
    st.caption(t("room.you", name=plain(at.seat.name or t("room.somebody")), team=plain(at.seat.team)))
    with st.container(border=True):
        st.markdown(t("room.policy_now", view=named(view)))
        other = view.scenario != base.scenario
        if other:
            st.warning(t("room.other_scenario", scenario=plain(known(base.scenario).title[lang])),
                       icon=":material/error:")
        st.text_input(t("room.note"), key="room.note", max_chars=rooms.NOTE, help=t("room.note_help"))
        with st.container(horizontal=True):
            st.button(t("room.submit"), key="room.submit", type="primary", on_click=classroom.submit, args=(at,),
                      disabled=other or stood.closed, icon=":material/send:")
            st.button(t("room.anew"), key="room.anew", on_click=classroom.begin_anew, args=(at.room,),
                      icon=":material/restart_alt:", help=t("room.anew_help"))
        st.caption(t("room.submit_read"))
    classroom.work_out(at.room, ["", at.seat.team])
    own(at, stood.closed)
    if at.room.shown or stood.closed:
        seen(at, controls=False)


def own(at: Here, closed: bool) -> None:
    """A team's own result beside the starting policy's, kept up to date as cards fall; `closed` when drawn first."""
    @st.fragment(run_every=board.EVERY[False])
    def draw() -> None:
        *_, stood = classroom.now(at.room.code)
        if stood.closed != closed:
            st.rerun()  # the whole page: nothing can be submitted any more
        mine = stood.teams[at.seat.team]
        if not at.room.shown:
            board.dealt_cards(stood, "own")
        if not mine.submitted:
            st.info(t("room.not_yet"), icon=":material/hourglass_empty:")
        elif mine.outcome is None:
            st.info(t("room.state.waiting"), icon=":material/hourglass_empty:")
        else:
            start = stood.start.outcome if stood.start.cards == mine.cards else None
            for column, name in zip(beside(4, 2, METRIC), ("deficit_years", "balance_over", "own_share",
                                                           "contribution"), strict=True):
                moved = change(mine.outcome, start, name)
                same = moved is not None and moved[0] not in "+-"
                column.metric(say(lang, f"room.short.{name}"), told(mine.outcome, name), border=True,
                              help=say(lang, f"room.meaning.{name}"), delta=moved,
                              delta_arrow="off" if same else "auto", delta_color="off" if same else "inverse",
                              delta_description=t("room.against") if start else None)
            if not stood.current(mine):
                st.caption(t("room.state.old"))
            elif mine.round < stood.round:
                st.caption(t("room.kept"))

    draw()


def told(outcome: dict, name: str) -> str:
    """A measure as a figure."""
    amount = value(outcome, name)
    if name == "deficit_years":
        return t("room.years", value=f"{amount:.2f}")
    return t("room.yuan", value=f"{amount:,.0f}") if name == "contribution" else percent(amount)


def change(outcome: dict, start: dict | None, name: str) -> str | None:
    """How far a measure is from the starting policy's, under the same cards; without a sign where it is shown alike."""
    if start is None:
        return None
    bare, by = name in DIGITS, value(outcome, name) - value(start, name)
    digits, by = (DIGITS[name], by) if bare else (1, 100 * by)
    shown = f"{by:+,.{digits}f}" if round(by, digits) else f"{0:.{digits}f}"
    return shown if bare else say(lang, "number.points", value=shown)


def seen(at: Here, controls: bool) -> None:
    """The board, live or played again."""
    which = st.segmented_control(t("room.board"), ["live", "replay"], default="live", required=True, key="room.which",
                                 format_func=lambda code: say(lang, f"room.{code}"),
                                 on_change=lambda: [st.session_state.pop(f"room.replay.{name}", None)
                                                    for name in ("last", "at")])
    if which == "live":
        board.live(at, controls)
    else:
        board.replay(at)


# --- the page ----------------------------------------------------------------------------------------

st.title(t("page.classroom"))
st.markdown(t("room.question"))
state.warn()
at = classroom.here()
classroom.warn()
with st.sidebar:
    sidebar()
if at is None:
    door()
    printed()
else:
    head(at)
    if at.seat is None:
        seen(at, controls=False)
    elif at.seat.facilitator:
        lead(at)
    else:
        play(at)
