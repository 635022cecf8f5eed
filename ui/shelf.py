"""The scenario library on the pages: what is typed beside a view, what is saved of it, and how it is opened again."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
import streamlit as st

from simulation import __version__
from simulation.loading import parse_scenario
from simulation.reading import decoded, read_yaml
from simulation.scenario import Scenario
from simulation.terms import BadInput, Fault, refuse, short, words
from store import library
from store.database import ready
from store.exchange import Taken, imported, readable
from store.library import Draft, Version
from ui import access, state
from ui.register import moved
from ui.text import language
from ui.view import View, from_file, scenario_of, to_file, view_of

LARGEST = 10_000  # groups by status, tier, county and year: five times those of the sandbox's largest scenario
SHARED = "reasons"  # what is typed for all changes that have no reason of their own


def engine() -> sa.Engine:
    """The database; `.streamlit/secrets.toml` may name it as well as the environment."""
    st.secrets.load_if_toml_exists()  # Streamlit puts what stands there into the environment
    return ready()


# --- a saved view -------------------------------------------------------------------------------------

def opened(parameters: Mapping[str, Sequence[str]]) -> View | None:
    """The view saved under a link's `saved` and `version`, None where it names none.

    Whoever then saves goes on from that entry. Raises `BadInput` where there is no such view.
    """
    if not (codes := parameters.get("saved")):
        return None
    number = None
    if texts := parameters.get("version"):
        if not texts[0].isdecimal() or len(texts[0]) > 9:
            raise refuse(f"version={short(texts[0])}", words("不是版号", "is not the number of a version"),
                         words("例如 version=1", "for example version=1"))
        number = int(texts[0])
    return _take_up(codes[0], number)


def _take_up(code: str, number: int | None) -> View:
    entry = library.entry(engine(), code)
    kept = library.version(engine(), code, number)
    view = view_in(kept, entry.title, code)
    key = aged(kept, view)
    st.session_state["notice"] = (key, {"model": kept.model}) if key else None
    go_on_from(code, entry.newest)
    retype({f"reason.{name}": reason for name, reason in kept.rationale.items()}, instead_of="reason.")
    return view


def view_in(kept: Version, place: str, code: str = "") -> View:
    """The view that a version holds, of an entry's code; raises `BadInput` where this program cannot show it."""
    return view_of(kept_name(code, kept.number)) if kept.kind == "scenario" else from_file(kept.text.encode(), place)


def kept_name(code: str, number: int) -> str:
    """By what name a view, a link and a downloaded file call a scenario file that is kept (`ui.view.KEPT`)."""
    return f"kept_{code}_{number}"


def scenario_in(code: str, number: int) -> Scenario:
    """The scenario that a version holds as a whole file; raises `BadInput` where there is none, or it is too large."""
    kept, place = library.version(engine(), code, number), kept_name(code, number)
    if kept.kind != "scenario":
        raise refuse(place, words("不是完整的情景文件", "is no whole scenario file"),
                     words("请在方案库中打开", "open it on the page Library"))
    scenario = parse_scenario(kept.text, place)
    axes = scenario.axes.members()
    cells = math.prod(max(len(axes[name]), 1) for name in ("group", "status", "tier", "area")) * len(scenario.horizon())
    if cells > LARGEST:
        raise refuse(place, words(f"分得太细，有 {cells:,} 格，网页最多计算 {LARGEST:,} 格",
                                  f"is too finely divided for the pages: {cells:,} cells, and {LARGEST:,} at most"),
                     words("请下载，用 python -m simulation run 运行", "download it and use python -m simulation run"))
    return scenario


def fingerprint(view: View) -> str:
    """SHA-256 of the scenario with the changes of a view, as the model reads it; the same draws then give the same."""
    return hashlib.sha256(scenario_of(view).text().encode()).hexdigest()


def aged(kept: Version, view: View) -> str:
    """The key of the sentence on what has changed since a version was saved: the model, the scenario, or nothing."""
    if kept.fingerprint and kept.fingerprint != fingerprint(view):
        return "shelf.other_text"
    return "shelf.other_model" if kept.model != __version__ else ""


# --- what is typed ------------------------------------------------------------------------------------

def typed(name: str, default: str = "") -> str:
    """What stands in a text box, also in one that is on a page left for a while."""
    return st.session_state.get(f"shelf.{name}", default)


def retype(texts: Mapping[str, str], instead_of: str) -> None:
    """Put texts into boxes, in the place of all whose name begins in a certain way."""
    for key in [key for key in st.session_state if str(key).startswith(f"shelf.{instead_of}")]:
        del st.session_state[key]
    for name, text in texts.items():
        st.session_state[f"shelf.{name}"] = text


def fill(code: str) -> dict[str, str]:
    """Put an entry's title and notes into its boxes, but not over what its reader has typed; what has been seen so."""
    entry = library.entry(engine(), code)
    seen = st.session_state.setdefault(f"shelf.seen.{code}", {"title": "", "notes": ""})
    for name, text in (("title", entry.title), ("notes", entry.notes)):
        if typed(f"{name}.{code}") == seen[name]:
            seen[name] = st.session_state[f"shelf.{name}.{code}"] = text
    return seen


def go_on_from(code: str, number: int) -> None:
    """What is saved next may be the version after this one."""
    st.session_state["shelf.on"] = code, number


def going_on() -> tuple[str, int] | None:
    """The entry whose next version may be saved, and the version last seen."""
    return st.session_state.get("shelf.on")


def let_go(view: View) -> None:
    """Let the reason typed for all changes go once another scenario is looked at: it was not typed for that one."""
    if st.session_state.get("shelf.shared_for", view.scenario) != view.scenario:
        st.session_state[f"shelf.{SHARED}"] = ""
    st.session_state["shelf.shared_for"] = view.scenario


def begin_with(name: str, reason: str) -> None:
    """Put a change's own reason into its box, also in the place of the one it had before, but not of what was typed."""
    given, key = st.session_state.setdefault("shelf.given", {}), f"shelf.reason.{name}"
    if key not in st.session_state or st.session_state[key] == given.get(name):
        st.session_state[key] = reason
    given[name] = reason


def reasons(view: View) -> dict[str, str]:
    """The reason for each change: its own, else the one typed for all, which is asked for where there are several."""
    let_go(view)
    changes = moved(view, language())
    shared = typed(SHARED).strip() if len(changes) > 1 else ""
    for one in changes:
        begin_with(one.name, one.reason)
    given = {one.name: typed(f"reason.{one.name}").strip() or shared for one in changes}
    return {name: reason for name, reason in given.items() if reason}


# --- what a click does: every one of these is asked for through `state.ask` ------------------------------

def attempt(act: Callable[..., str], *arguments: Any) -> None:
    """Do it, and tell what was done or what is in the way."""
    try:
        if act is not open_version:  # everything else writes
            access.require("editor")
        st.session_state["shelf.done"] = act(*arguments)
        st.session_state["faults"] = []
    except BadInput as bad:
        st.session_state["faults"] = bad.faults
        st.session_state["shelf.refused"] = bad.faults[0]


def told() -> str:
    """The key of the sentence on what was just done, once."""
    return st.session_state.pop("shelf.done", "")


def refused() -> Fault | None:
    """Why what was just asked for was not done, once."""
    return st.session_state.pop("shelf.refused", None)


def save() -> str:
    """Save the view as a new entry, or as the next version of the one it goes on from; of a double click, once."""
    view, on = state.view(), going_on()
    wanted = to_file(view), typed("title")
    before, when = st.session_state.get("shelf.last", (None, 0.0))
    if wanted == before and time.monotonic() < when + state.SOON:
        return "shelf.saved"
    draft = Draft(text=wanted[0], rationale=reasons(view), note=typed("note").strip(), author=typed("author"),
                  fingerprint=fingerprint(view))
    if on and typed("way", "version") == "version":
        code = on[0]
        try:
            number = library.append(engine(), code, draft, after=on[1])
        except library.Overtaken:
            go_on_from(code, library.entry(engine(), code).newest)  # it has been told: the next save is upon that one
            raise
    else:
        code, number = library.save(engine(), typed("title"), draft, typed("notes").strip()), 1
    go_on_from(code, number)
    st.session_state["shelf.note"] = st.session_state[f"shelf.{SHARED}"] = ""
    # What was typed for all is now each one's own, so that the next version neither lacks it nor takes it unseen.
    retype({f"reason.{name}": reason for name, reason in draft.rationale.items()}, instead_of="reason.")
    st.session_state["shelf.last"] = wanted, time.monotonic()
    return "shelf.saved"


def open_version(code: str, number: int) -> str:
    """Go to the view of a version."""
    view = _take_up(code, number)
    notice = st.session_state["notice"]
    state.take(lambda: view)
    st.session_state["notice"] = notice
    return "shelf.opened"


def restore(code: str, number: int, after: int) -> str:
    """Make an old version the newest."""
    new = library.restore(engine(), code, number, after)
    if (on := going_on()) and on[0] == code:
        go_on_from(code, new)
    return "shelf.restored"


def amend(code: str) -> str:
    """Take over the title and notes typed for an entry, in the place of those its reader has seen."""
    seen = fill(code)
    title, notes = typed(f"title.{code}").strip(), typed(f"notes.{code}").strip()
    try:
        library.amend(engine(), code, title, notes, (seen["title"], seen["notes"]))
    except library.Overtaken:
        now = library.entry(engine(), code)  # it has been told: the next click is upon what it says now
        seen.update(title=now.title, notes=now.notes)
        raise
    for name, text in (("title", title), ("notes", notes)):
        seen[name] = st.session_state[f"shelf.{name}.{code}"] = text
    return "shelf.amended"


def delete(code: str) -> str:
    """Take an entry out of the list."""
    library.delete(engine(), code)
    if (on := going_on()) and on[0] == code:
        del st.session_state["shelf.on"]
    return "shelf.deleted"


def undelete(code: str) -> str:
    """Bring an entry back."""
    library.undelete(engine(), code)
    return "shelf.undeleted"


def upload(key: str) -> str:
    """Take in the file just given: a library, the changes of a view, or a whole scenario."""
    if not (file := st.session_state[key]):
        return ""
    content, name = file.getvalue(), file.name
    st.session_state["shelf.taken"] = (imported(engine(), content, name) if name.lower().endswith(".json")
                                       else keep_file(content, name))
    return "shelf.taken"


def keep_file(content: bytes, name: str) -> Taken:
    """Keep a difference file or a scenario file as an entry of its own."""
    text = decoded(content, name)
    data = read_yaml(text, name)
    if isinstance(data, Mapping) and "base" in data:
        draft, title = Draft(text=text, fingerprint=fingerprint(from_file(content, name))), name.rsplit(".", 1)[0]
    else:
        draft, title = Draft(text=text, kind="scenario"), parse_scenario(text, name).title[language()]
    readable(draft, name)
    library.save(engine(), title[:library.TITLE], draft)
    return Taken(1, 0, 0)
