"""How the model works, in words and equations, and what every lever and assumption of the scenario rests on."""

import streamlit as st

from ui import declared, state
from ui.figures import download
from ui.text import language, plain, t
from ui.view import scenario_of
from ui.widgets import sidebar

EQUATIONS = {  # what the words of each heading say
    "enrolment": (r"s = (1-f)\,\sigma(a + x_{\mathrm{well}}) + f\,\sigma(a + \lambda + x_{\mathrm{frail}})",
                  r"r = \frac{1+(\rho-1)\,\phi_t}{1+(\rho-1)\,\phi_0}"),
    "demand": (r"n = n_0 \left(\frac{p}{p_0}\right)^{\varepsilon}",),
    "choice": (r"m_k = \frac{m_k^0\, e^{g_k}}{\sum_j m_j^0\, e^{g_j}}",
               r"g_k = -\beta \ln\frac{p_k}{p_k^0} + u_k + v_k + \ln(1-\ell_k)"),
    "payment": (r"P = \begin{cases} S + r\,(B-S) & S \le B\\ B + o\,(S-B) & S > B \end{cases}",
                r"c = c_0\Bigl(1 + \sum_m \Delta w_m\,\kappa_m\Bigr)"),
}

view, lang = state.view(), language()
scenario = scenario_of(view)
st.title(t("page.methods"))
st.markdown(f"**{plain(scenario.title[lang])}**")
st.markdown(t("methods.question"))
state.warn()

st.header(t("methods.year"))
st.markdown(t("methods.order"))
left, right = st.columns(2)
left.subheader(t("methods.engines"))
left.markdown(t("methods.engines_text"))
right.subheader(t("methods.draws"))
right.markdown(t("methods.draws_text"))

st.header(t("methods.behaviour"))
st.markdown(t("methods.relative"))
for pair in (("enrolment", "demand"), ("choice", "payment")):
    for column, name in zip(st.columns(2), pair, strict=True):
        with column.container(border=True):
            st.markdown(f"**{t(f'methods.{name}')}**")
            for equation in EQUATIONS[name]:
                st.latex(equation)
            st.markdown(t(f"methods.{name}_text"))

st.header(t("methods.sources"))
counts = declared.statuses(scenario, view.since, lang)
st.markdown(t("methods.sources_text"))
st.table(counts.frame.rename(columns=counts.heads), hide_index=True, border="horizontal", width="content",
         alt=t("methods.sources_alt"))

for name, table in (("levers", declared.levers(scenario, view.since, lang)),
                    ("assumptions", declared.assumptions(scenario, lang))):
    st.subheader(t(f"methods.{name}"))
    st.caption(t(f"methods.{name}_text", count=len(table.frame), year=view.since))
    st.dataframe(table.frame, hide_index=True, height=480, alt=t(f"methods.{name}_alt"), placeholder="",
                 column_config={column: st.column_config.TextColumn(head, pinned=column == "title")
                                for column, head in table.heads.items()})
    download(f"csv.{name}_declared", t("table.csv"), table, f"{name}_declared")

with st.sidebar:
    sidebar()
