"""The sandbox in a browser: language, pages, and the page that is asked for."""

import streamlit as st

from simulation.terms import LANGUAGES
from ui import state
from ui.text import LANGUAGE_NAMES, t

state.begin()
state.show_address()
st.set_page_config(page_title=t("app.title"), page_icon="ui/icon.svg", layout="wide",
                   initial_sidebar_state="expanded")

PAGES = {  # the first is the front page
    "overview": ":material/monitoring:", "levers": ":material/tune:", "compare": ":material/compare_arrows:",
    "why": ":material/help_center:", "find": ":material/travel_explore:", "standards": ":material/checklist:",
    "areas": ":material/hub:", "record": ":material/history:", "account": ":material/account_balance:",
    "methods": ":material/menu_book:"}
page = st.navigation([st.Page(f"ui/pages/{name}.py", title=t(f"page.{name}"), icon=icon, url_path=name)
                      for name, icon in PAGES.items()], position="top")

with st.sidebar:
    st.segmented_control(t("app.language"), LANGUAGES, required=True, key="lang",
                         format_func=LANGUAGE_NAMES.__getitem__)
page.run()
