"""The sandbox in a browser: language, pages, and the page that is asked for."""

import streamlit as st

from simulation.terms import LANGUAGES
from ui import access, learning, state
from ui.text import LANGUAGE_NAMES, t

learning.take_link()
state.begin()
state.show_address()
st.set_page_config(page_title=t("app.title"), page_icon="ui/icon.svg", layout="wide",
                   initial_sidebar_state="expanded")

PAGES = {  # the first is the front page
    "overview": ":material/monitoring:", "levers": ":material/tune:", "compare": ":material/compare_arrows:",
    "why": ":material/help_center:", "find": ":material/travel_explore:", "people": ":material/family_restroom:",
    "standards": ":material/checklist:", "areas": ":material/hub:", "record": ":material/history:",
    "account": ":material/account_balance:", "lessons": ":material/school:", "classroom": ":material/groups:",
    "library": ":material/inventory_2:", "methods": ":material/menu_book:"}
MENU = {"explore": ("overview", "levers", "compare", "why", "find"), "check": ("people", "standards", "areas", "record",
        "account"), "learn": ("lessons", "classroom"), "keep": ("library", "methods")}

with st.sidebar:
    st.segmented_control(t("app.language"), LANGUAGES, required=True, key="lang", persist_state="session",
                         format_func=LANGUAGE_NAMES.__getitem__)
    access.who()
page = st.navigation({t(f"menu.{part}"): [
    st.Page(f"ui/pages/{name}.py", title=t(f"page.{name}"), icon=PAGES[name], url_path=name, default=name == "overview")
    for name in names] for part, names in MENU.items()}, position="top")
access.enter()
page.run()
