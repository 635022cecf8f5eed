"""The sandbox in a browser: language, pages, and the page that is asked for."""

import streamlit as st

from report.text import plain
from simulation import __version__
from simulation.terms import LANGUAGES, BadInput
from ui import access, learning, logs, runs, state
from ui.text import LANGUAGE_NAMES, language, t

if not access.outside():
    learning.take_link()
    state.begin()
    state.show_address()
st.set_page_config(page_title=t("app.title"), page_icon="ui/icon.svg", layout="wide")

PAGES = {  # the first is the front page
    "overview": ":material/monitoring:", "levers": ":material/tune:", "compare": ":material/compare_arrows:",
    "why": ":material/help_center:", "find": ":material/travel_explore:", "people": ":material/family_restroom:",
    "standards": ":material/checklist:", "areas": ":material/hub:", "record": ":material/history:",
    "account": ":material/account_balance:", "lessons": ":material/school:", "classroom": ":material/groups:",
    "library": ":material/inventory_2:", "methods": ":material/menu_book:"}
MENU = {"explore": ("overview", "levers", "compare", "why", "find"), "check": ("people", "standards", "areas", "record",
        "account"), "learn": ("lessons", "classroom"), "keep": ("library", "methods")}

with st.sidebar:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.segmented_control(t("app.language"), LANGUAGES, required=True, key="lang", persist_state="session",
                             format_func=LANGUAGE_NAMES.__getitem__)
        st.caption(t("app.version", version=__version__))
    access.who()
page = st.navigation({t(f"menu.{part}"): [
    st.Page(f"ui/pages/{name}.py", title=t(f"page.{name}"), icon=PAGES[name], url_path=name, default=name == "overview")
    for name in names] for part, names in MENU.items()}, position="top")
access.enter()
with logs.answering(page.url_path or next(iter(PAGES))), runs.drawn(state.view()):
    try:
        page.run()
    except BadInput as bad:  # what the page has not answered in its own place
        logs.refused(bad.faults)
        for fault in bad.faults:
            st.warning(plain(fault.sentence(language())), icon=":material/error:")
