"""Lessons: read a little, move levers, and have one's own run checked."""

import streamlit as st

from report.judging import done, filled
from report.lesson import Lesson, Paragraph, Step
from report.lessons import MAX_BYTES, file_of, lessons, read_lesson
from report.measured import Evidence
from report.panels import FANS, panel
from report.text import plain
from simulation.loading import load_scenario
from simulation.reading import decoded, too_large
from simulation.terms import BadInput
from ui import learning, state, studies
from ui.figures import beside, card
from ui.lesson_levers import levers
from ui.runs import at_rest, draws_for
from ui.text import language, t
from ui.view import known, scenario_of
from ui.widgets import sidebar

MARKS = {"met": ":material/check_circle:", "open": ":material/help:", "missed": ":material/cancel:",
         "none": ":material/radio_button_unchecked:"}

if learning.follow_link():
    st.rerun()  # the address is written before a page begins: so that it shows the lesson's start
view, lang = state.view(), language()


def said(paragraphs: tuple[Paragraph, ...], start: Evidence, now: Evidence) -> None:
    """Paragraphs with their figures, and where those that are not the model's come from."""
    for paragraph in paragraphs:
        st.markdown(plain(filled(paragraph, start, now, lang)))
        if paragraph.source:
            st.caption(plain(t("lessons.source", source=paragraph.source[lang])))


# --- the list ------------------------------------------------------------------------------------------

def shelf() -> None:
    """Every lesson with what one learns, how long it takes, and how far this reader is."""
    st.markdown(t("lessons.intro"))
    if st.session_state.pop("lesson.unknown", False):
        st.warning(t("lessons.unknown"), icon=":material/link_off:")
    columns = st.columns(2)
    for n, (name, lesson) in enumerate(learning.shelf().items()):
        with columns[n % 2], st.container(border=True):
            st.markdown(f"**{plain(lesson.title[lang])}**")
            st.markdown(plain(lesson.purpose[lang]))
            facts = [t("lessons.minutes", minutes=lesson.minutes), plain(known(lesson.start.base).title[lang]),
                     t("lessons.progress", done=len(learning.passed(name)), count=len(lesson.steps))]
            if name not in lessons():
                facts.append(t("lessons.from_file"))
            st.caption(" · ".join(facts))
            st.button(t("lessons.open"), key=f"lesson.go.{name}", on_click=state.ask, icon=":material/school:",
                      args=(f"lesson.go.{name}", learning.open_lesson, name))
    with st.expander(t("lessons.own"), key="lesson.own_drawer", on_change="rerun") as drawer:
        if drawer.open:
            own_lessons()


def own_lessons() -> None:
    """Lessons as files: one to begin with, and the reader's own, which stay in this session."""
    st.caption(t("lessons.own_read"))
    st.file_uploader(t("lessons.upload"), type=["yaml", "yml"], key="lesson.upload", max_upload_size=1,
                     help=t("lessons.upload_help"), on_change=state.ask, args=("lesson.upload", uploaded))


def uploaded() -> None:
    """Read a lesson just given and open it, or say what is wrong with it."""
    file = st.session_state["lesson.upload"]
    if not file:
        return
    try:
        if file.size > MAX_BYTES:
            raise too_large(file.name, MAX_BYTES)
        lesson = read_lesson(decoded(file.getvalue(), file.name), file.name)
    except BadInput as bad:
        st.session_state["faults"] = bad.faults
        return
    kept = st.session_state.setdefault("lesson.own", {})
    name = lesson.name if lesson.name not in lessons() else f"{lesson.name} ({file.name})"
    if kept.get(name, lesson) != lesson:
        learning.forget(name)
    kept[name] = lesson
    for old in list(kept)[:-8]:
        del kept[old]
    learning.open_lesson(name)


# --- one lesson ----------------------------------------------------------------------------------------

def heading(name: str, lesson: Lesson, number: int) -> None:
    """The way back, the title, the steps and the link."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(t("lessons.all"), key="lesson.close", on_click=learning.close, icon=":material/arrow_back:")
        st.button(t("lessons.again"), key="lesson.again", on_click=state.ask, help=t("lessons.again_help"),
                  args=("lesson.again", learning.open_lesson, name, number), icon=":material/restart_alt:")
        if len(lesson.steps) > 1:
            st.session_state["lesson.step"] = number
            st.segmented_control(
                t("lessons.which"), range(len(lesson.steps)), key="lesson.step", required=True,
                label_visibility="collapsed",
                format_func=lambda n: t("lessons.step", number=n + 1),
                on_change=lambda: learning.turn_to(st.session_state["lesson.step"]))
        if name in lessons():
            with st.popover(t("lessons.link"), icon=":material/link:"):
                st.caption(t("lessons.link_read"))
                st.code(f"{st.context.url or ''}?lesson={name}.{number + 1}&lang={lang}", language=None,
                        wrap_lines=True)
                st.download_button(t("lessons.download"), file_of(name).read_bytes(), f"{name}.yaml",
                                   "application/yaml", key="lesson.download", on_click="ignore",
                                   icon=":material/download:")
    st.caption(" · ".join([t("lessons.minutes", minutes=lesson.minutes), t(
        "lessons.progress", done=len(learning.passed(name)), count=len(lesson.steps))]))
    if number == 0:
        st.markdown(plain(lesson.purpose[lang]))
        with st.spinner(t("lessons.checking", draws=f"{draws_for(learning.start_view(lesson), settled=True):,}")):
            start = learning.started(lesson)
        said(lesson.text, start, start)


def task(lesson: Lesson, number: int, start: Evidence) -> None:
    """The text of a step, its task and what may be wanted for it."""
    step = lesson.steps[number]
    st.subheader(t("lessons.here", number=number + 1, count=len(lesson.steps), title=plain(step.title[lang])))
    said(step.text, start, start)
    with st.container(border=True):
        st.markdown(f"**{t('lessons.task')}**")
        st.markdown(plain(filled(step.task, start, start, lang)))
        if step.look:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(t("lessons.look"))
                for page in step.look:
                    st.page_link(f"ui/pages/{page}.py", label=t(f"page.{page}"), icon=":material/open_in_new:")
    if step.on_runs and view.scenario == lesson.start.base:
        levers(view, step.levers)


def answers(name: str, number: int, step: Step, start: Evidence) -> dict[int, int]:
    """The reader's answers to a step's questions."""
    given = {}
    for n, check in enumerate(step.checks):
        if check.kind == "question":
            options = [plain(filled(option.text, start, start, lang)) for option in check.question.options]
            chosen = st.radio(plain(filled(check.question.text, start, start, lang)), range(len(options)), index=None,
                              key=f"lesson.answer.{name}.{number}.{n}", format_func=options.__getitem__,
                              persist_state="session")
            if chosen is not None:
                given[n] = chosen
    return given


def checking(name: str, lesson: Lesson, number: int, given: dict[int, int]) -> None:
    """What is checked, the button, and the verdicts for the view as it stands."""
    step, scenario = lesson.steps[number], load_scenario(lesson.start.base)
    goals = learning.goals(step, scenario, lang)
    if goals:
        st.markdown(f"**{t('lessons.goals')}**\n" + "\n".join(f"- {plain(goal)}" for goal in goals))
    here = (name, number, view, given)
    if st.button(t("lessons.check"), key="lesson.check", type="primary", icon=":material/fact_check:"):
        st.session_state["lesson.checked"] = here
    checked = st.session_state.get("lesson.checked")
    if not checked or checked[:2] != here[:2]:
        return
    if checked != here:
        st.caption(t("lessons.moved_on"))
        return
    with st.spinner(t("lessons.checking", draws=f"{draws_for(view, settled=True):,}")):
        found = learning.verdicts(lesson, number, view, given, lang)
    if done(found):
        if number not in learning.passed(name):
            learning.passed(name).add(number)
            st.rerun()  # the steps done are counted above
        st.success(t("lessons.passed"), icon=":material/check_circle:")
    else:
        st.warning(t("lessons.not_yet", met=sum(verdict.state == "met" for verdict in found), count=len(found)),
                   icon=":material/pending:")
    for verdict in found:
        st.markdown(f"{MARKS[verdict.state]} {plain(verdict.words)}")


def helping(name: str, lesson: Lesson, number: int, start: Evidence) -> None:
    """Hints one at a time, the explanation, a worked solution, and the next step."""
    step, shown = lesson.steps[number], st.session_state.setdefault("lesson.shown", {})
    hints, explained = shown.get((name, number), (0, False))

    def show(hints: int, explained: bool) -> None:
        shown[name, number] = hints, explained

    passed = number in learning.passed(name)
    for n, hint in enumerate(step.hints[:hints]):
        st.info(f"**{t('lessons.hint', number=n + 1)}** {plain(filled(hint, start, start, lang))}",
                icon=":material/lightbulb:")
    with st.container(horizontal=True):
        if hints < len(step.hints):
            st.button(t("lessons.next_hint", left=len(step.hints) - hints), key="lesson.hint", on_click=show,
                      args=(hints + 1, explained), icon=":material/lightbulb:")
        if not (passed or explained):
            st.button(t("lessons.explain"), key="lesson.explain", on_click=show, args=(hints, True),
                      icon=":material/menu_book:")
        elif step.on_runs:
            st.button(t("lessons.solution"), key="lesson.solution", on_click=state.ask, icon=":material/build:",
                      args=("lesson.solution", state.take, lambda: learning.solved_view(lesson, number)),
                      help=t("lessons.solution_help"))
        if number + 1 < len(lesson.steps):
            st.button(t("lessons.next"), key="lesson.next", on_click=learning.turn_to, args=(number + 1,),
                      type="primary" if passed else "secondary", icon=":material/arrow_forward:")
    if passed or explained:
        with st.container(border=True):
            st.markdown(f"**{t('lessons.explained')}**")
            said(step.explanation, start, learning.own(lesson, step, view))
    if len(learning.passed(name)) == len(lesson.steps):
        st.success(t("lessons.finished"), icon=":material/school:")


def lesson_page(name: str, lesson: Lesson, number: int) -> bool:
    """A lesson at one of its steps; says whether the answers shown are the stable ones."""
    st.title(plain(lesson.title[lang]))
    state.warn()
    heading(name, lesson, number)
    step = lesson.steps[number]
    with st.spinner(t("lessons.checking", draws=f"{draws_for(learning.start_view(lesson), settled=True):,}")):
        start = learning.started(lesson, step)
    settled = at_rest("lessons", view)
    left, right = beside(2)
    with left:
        task(lesson, number, start)
    with right:
        if view.scenario != lesson.start.base:
            st.warning(t("lessons.away", title=plain(known(view.scenario).title[lang])), icon=":material/alt_route:")
            st.button(t("lessons.back"), key="lesson.back", on_click=state.ask, icon=":material/restart_alt:",
                      args=("lesson.back", state.take, lambda: learning.start_view(lesson)))
            return True
        draws = draws_for(view, settled)
        now = learning.answers_of(view, draws, step)
        first = learning.start_view(lesson)
        before = learning.answers_of(first, draws, step) if view.edits != first.edits else None
        shown = panel(step.chart, now, scenario_of(view), lang, before)
        card(f"lesson_{step.chart}", shown.figure, shown.drawn, shown.alt)
        if step.chart in FANS and step.on_runs:
            st.caption(t("lessons.chart_read", before=t("label.before"), median=t("label.p50")))
        given = answers(name, number, step, start)
        checking(name, lesson, number, given)
        helping(name, lesson, number, start)
    st.caption(t("lessons.figures", draws=f"{start.draws:,}"))
    if name not in lessons():
        prove(lesson)
    return settled


def prove(lesson: Lesson) -> None:
    """For whoever writes a lesson: whether each start fails and each worked solution passes."""
    if st.button(t("lessons.prove"), key="lesson.prove", help=t("lessons.prove_help"), icon=":material/rule:"):
        for n, (begins, found) in enumerate(learning.proved(lesson, lang)):
            if begins and done(found):
                st.markdown(f"{MARKS['met']} {t('lessons.proved', number=n + 1)}")
                continue
            if not begins:
                st.markdown(f"{MARKS['missed']} {t('lessons.start_passes', number=n + 1)}")
            if not done(found):
                st.markdown(f"{MARKS['missed']} {t('lessons.not_proved', number=n + 1)}\n" + "\n".join(
                    f"- {plain(verdict.words)}" for verdict in found if verdict.state != "met"))


opened = learning.opened()
if opened:
    settled = lesson_page(st.session_state["lesson.open"][0], *opened)
else:
    st.title(t("page.lessons"))
    state.warn()
    shelf()
    settled = True
with st.sidebar:
    sidebar(levers=False)  # a step has its levers beside its chart
studies.settle("lessons", view, settled,
               lambda view, draws: learning.answers_of(view, draws, opened[0].steps[opened[1]]))
