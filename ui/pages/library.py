"""The library: the view saved with the reason for every change, and what others have saved found and opened again."""

import streamlit as st

from report.text import plain, say
from simulation.terms import BadInput
from store import exchange, library
from ui import access, replay, shelf, state
from ui.register import moved
from ui.text import language, t
from ui.view import known
from ui.widgets import sidebar

view, lang = state.view(), language()
BOXES = 40  # changes that have a box of their own; the others take the reason typed for all
SHOWN = 160  # characters of the notes in the list
MEGABYTES = exchange.LARGEST // 1_000_000
WAYS, LISTS = ("version", "entry"), ("kept", "deleted")


def box(name: str, most: int, value: str = "", label: str = "", area: bool = False, **options: object) -> None:
    """A text box that keeps what is typed while its reader looks at other pages."""
    kind = st.text_area if area else st.text_input
    if (key := f"shelf.{name}") not in st.session_state:
        st.session_state[key] = value
    kind(label or t(f"shelf.{name}"), key=key, max_chars=most, persist_state="session", **options)


def button(name: str, icon: str, *arguments: object, act: str = "", **options: object) -> None:
    """A button that does something with the library."""
    key = ".".join(["shelf.do", name, *map(str, arguments)])
    st.button(t(f"shelf.{name}"), key=key, icon=f":material/{icon}:", on_click=state.ask,
              args=(key, shelf.attempt, getattr(shelf, act or name), *arguments), **options,
              disabled=name != "open_version" and not access.may("editor"))


# --- what is looked at, saved -------------------------------------------------------------------------

def saving() -> None:
    """The view, with a box for the reason of every change."""
    with st.container():
        try:
            shelf.engine()
        except BadInput as bad:  # said before anything is typed, not after
            st.warning(plain(bad.faults[0].sentence(lang)), icon=":material/error:")
    changes = moved(view, lang)
    shelf.let_go(view)
    with st.container(border=True):
        st.markdown(t("shelf.looked_at", title=plain(known(view.scenario).title[lang]), count=len(changes),
                      year=view.since))
        new = True
        if on := shelf.going_on():
            title = library.entry(shelf.engine(), on[0]).title
            way = st.radio(t("shelf.way"), WAYS, key="shelf.way", horizontal=True, persist_state="session",
                           format_func=lambda way: say(lang, f"shelf.way_{way}", title=title, number=on[1] + 1))
            new = way == "entry"
        left, right = st.columns([2, 1])
        with left:
            if new:
                box("title", library.TITLE)
            else:
                box("note", library.NOTE)
        with right:
            box("author", library.AUTHOR)
        if new:
            box("notes", library.NOTE, area=True, height=80)
        if changes:
            why(changes)
        button("save", "save", type="primary")


def why(changes: list) -> None:
    """Each change with its old and new value and the clause of the old one; beside it the reason."""
    st.markdown(f"**{t('shelf.reasons_title')}**")
    st.caption(t("shelf.reasons_text"))
    for one in changes[:BOXES]:
        left, right = st.columns([1, 1], vertical_alignment="center")
        values = f"{one.old} → {one.new}".replace(" ", "\N{NO-BREAK SPACE}")
        left.markdown(plain(f"{one.title}　{values}") + f"  \n:small[:gray[{plain(one.clause)}]]")
        shelf.begin_with(one.name, one.reason)
        with right:
            box(f"reason.{one.name}", library.REASON, label=t("shelf.reason", title=one.title),
                label_visibility="collapsed", placeholder=t("shelf.reason_empty"))
    if len(changes) > BOXES:
        st.caption(t("shelf.more", count=len(changes) - BOXES))
    if len(changes) > 1:
        box(shelf.SHARED, library.REASON)


# --- what has been saved ------------------------------------------------------------------------------

def finding() -> None:
    """The list, a page at a time, with the words searched for."""
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    search = left.text_input(t("shelf.search"), key="shelf.search", max_chars=100, on_change=to_first,
                             icon=":material/search:", persist_state="session")
    which = right.segmented_control(t("shelf.which"), LISTS, default=LISTS[0], required=True, key="shelf.which",
                                    on_change=to_first, format_func=lambda name: say(lang, f"shelf.list_{name}"))
    deleted = which == "deleted"
    found, count = library.listed(shelf.engine(), search, deleted, st.session_state.get("shelf.page", 1) - 1)
    pages = max(-(-count // library.PAGE), 1)
    if st.session_state.get("shelf.page", 1) > pages:  # others have deleted what stood there
        st.session_state["shelf.page"] = pages
        found, count = library.listed(shelf.engine(), search, deleted, pages - 1)
    st.caption(t("shelf.count", count=count) if count else t("shelf.nothing"))
    for entry in found:
        row(entry)
    if pages > 1:
        st.pagination(pages, key="shelf.page")


def to_first() -> None:
    """Begin again at the first page."""
    st.session_state["shelf.page"] = 1


def row(entry: library.Entry) -> None:
    """One entry: its title and the day; opened, its versions and all that can be done with it."""
    told = [t("shelf.by", author=plain(entry.author)) if entry.author else "",
            t("shelf.versions", count=entry.newest, day=f"{entry.created:%Y-%m-%d}"),
            plain(" ".join(entry.notes[:SHOWN].split()))]
    with st.container(gap="xsmall"):
        drawer = st.expander(plain(entry.title), key=f"shelf.at.{entry.code}", on_change="rerun")
        with drawer if drawer.open else st.container():
            st.caption("　".join(part for part in told if part))
    if not drawer.open:
        return
    with drawer:
        if entry.deleted is not None:
            button("undelete", "restore_from_trash", entry.code)
        versions(entry)
        if entry.deleted is None:
            about(entry)


def versions(entry: library.Entry) -> None:
    """One version at a time: what it changed, why, and what can be done with it."""
    kept = {version.number: version for version in library.history(shelf.engine(), entry.code)}
    number = st.selectbox(t("shelf.version"), list(kept), key=f"shelf.version.{entry.code}",
                          format_func=lambda n: named(kept[n]))
    version = kept[number]
    if version.note:
        st.markdown(plain(version.note))
    with st.container(horizontal=True):
        button("open_version", "open_in_browser", entry.code, number, type="primary")
        if number != entry.newest and entry.deleted is None:
            button("restore", "settings_backup_restore", entry.code, number, entry.newest)
        st.download_button(t("shelf.file"), version.text, f"{shelf.kept_name(entry.code, number)}.yaml",
                           "application/yaml", key=f"shelf.file.{entry.code}", on_click="ignore",
                           icon=":material/download:")
    if version.kind == "difference":
        contents(version, kept.get(number - 1))
    else:
        st.caption(t("shelf.whole"))
    st.caption(t("shelf.link"))
    st.code(f"{address()}?saved={entry.code}&version={number}", language=None)


def named(version: library.Version) -> str:
    """A version in a line of a list."""
    restored = say(lang, "shelf.repeats", number=version.restored) if version.restored else ""
    return say(lang, "shelf.version_named", number=version.number, day=f"{version.created:%Y-%m-%d %H:%M}",
             author=version.author) + restored


def contents(version: library.Version, before: library.Version | None) -> None:
    """The changes of a version with their reasons, what moved since the version before, and what is different now."""
    try:
        saved = shelf.view_in(version, t("shelf.version"))
    except BadInput as bad:
        st.warning(plain(bad.faults[0].sentence(lang)), icon=":material/error:")
        st.caption(t("shelf.model", model=plain(version.model)))
        return
    st.markdown(t("shelf.looked_at", title=plain(known(saved.scenario).title[lang]), count=len(saved.edits),
                  year=saved.since))
    rows = [{"title": one.title, "old": one.old, "new": one.new,
             "reason": version.rationale.get(one.name, one.reason), "clause": one.clause} for one in moved(saved, lang)]
    if rows:
        st.dataframe(rows, hide_index=True, alt=t("shelf.changes_alt"), key=f"shelf.table.{version.number}",
                     column_config={name: st.column_config.TextColumn(t(f"shelf.column.{name}")) for name in rows[0]})
    if before is not None and before.kind == "difference":
        try:
            steps = replay.told(shelf.view_in(before, ""), saved, lang)
        except BadInput:  # it says so itself where it is looked at
            steps = []
        st.markdown(t("shelf.since_before", number=before.number) + "".join(f"\n- {plain(step)}" for step in steps)
                    if steps else t("shelf.same_as_before", number=before.number))
    st.caption(t("shelf.model", model=plain(version.model)))
    if key := shelf.aged(version, saved):
        st.info(t(key, model=plain(version.model)), icon=":material/info:")


def about(entry: library.Entry) -> None:
    """Title and notes to be amended, and the way out of the list."""
    shelf.fill(entry.code)
    box(f"title.{entry.code}", library.TITLE, entry.title, t("shelf.title"))
    box(f"notes.{entry.code}", library.NOTE, entry.notes, t("shelf.notes"), area=True, height=80)
    with st.container(horizontal=True):
        button("amend", "edit", entry.code)
        button("delete", "delete", entry.code)


def address() -> str:
    """The address of the front page, as this reader reached it."""
    return (st.context.url or "").removesuffix("library")


# --- files --------------------------------------------------------------------------------------------

def files() -> None:
    """The whole library as a file, and a file into it."""
    st.caption(t("shelf.files_text"))
    st.download_button(t("shelf.download"), lambda: exchange.exported(shelf.engine()), "library.json",
                       "application/json", key="shelf.download", on_click="ignore", icon=":material/download:")
    st.file_uploader(t("shelf.upload"), type=["json", "yaml", "yml"], key="shelf.upload", max_upload_size=MEGABYTES,
                     on_change=state.ask, args=("shelf.upload", shelf.attempt, shelf.upload, "shelf.upload"))


def answer() -> None:
    """What the last click did or why it did not: at the top, and where the reader is looking."""
    if done := shelf.told():
        taken = st.session_state.get("shelf.taken")
        text = t(done, **(taken._asdict() if done == "shelf.taken" else {}))
        st.success(text, icon=":material/check:")
        st.toast(text, icon=":material/check:")
        if done == "shelf.opened":
            st.page_link("ui/pages/overview.py", label=t("shelf.look"), icon=":material/monitoring:")
    if refused := shelf.refused():
        st.toast(plain(refused.sentence(lang)), icon=":material/error:")


st.title(t("page.library"))
st.markdown(t("shelf.question"))
state.warn()
with st.container():  # always there, so that what follows keeps its place
    answer()
parts = {"save_title": saving, "list_title": finding, "files_title": files}
for tab, part in zip(state.tabs([f"shelf.{name}" for name in parts], "shelf.tabs"), parts.values(), strict=True):
    with tab:
        try:
            part()
        except BadInput as bad:
            st.warning(plain(bad.faults[0].sentence(lang)), icon=":material/error:")

with st.sidebar:
    sidebar()
