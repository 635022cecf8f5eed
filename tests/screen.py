"""The screen without a browser, for the tests of its pages."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from ui import runs

ROOT = Path(__file__).resolve().parent.parent
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
OLD = "benxi_2008"
RATE = "benefits.rate.inpatient.adult.level_2"
CEILING = "benefits.ceiling"
CONTRIBUTION = "financing.contribution.adult.ordinary"


def app(language="zh", show=(), **query):
    """The app at a link, the drawers of some levers open; the scenario with the known numbers unless it is named."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.context = {"locale": LOCALES[language]}
    for name, text in ({"scenario": OLD} | query).items():
        if text is not None:
            at.query_params[name] = text
    for lever in show:
        section, name = lever.split(".")[:2]
        at.session_state[f"in.{section}"] = at.session_state[f"of.{section}.{name}"] = True
    return at.run()


def few_draws(monkeypatch, draws):
    """As few draws at rest as in motion, where what is tested does not depend on how many there are."""
    for name in ("QUICK", "STABLE", "FEWEST"):
        monkeypatch.setattr(runs, name, draws)


def words_of(at):
    """Everything the page says."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "warning", "metric", "button", "slider",
             "selectbox", "number_input", "checkbox", "multiselect", "text_input", "expander")
    return [getattr(element, "label", "") + str(getattr(element, "value", ""))
            for kind in kinds for element in at.get(kind)]


def figures_of(at):
    """The headline figures."""
    return [metric.value for metric in at.metric]


def keys_of(at):
    """The keys of the widgets that have been built."""
    kinds = ("slider", "number_input", "selectbox", "checkbox")
    return {element.key for kind in kinds for element in at.get(kind)}
