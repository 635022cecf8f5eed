"""The methods: both languages say the same, name what is there, and their figures are the model's."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from report.text import phrases
from simulation import adapted, calibration, concentration, dynamics, load_scenario, reference, scoring
from simulation.engines import bills, blocks, histories, individual, nodes, yearly
from simulation.household import settle
from simulation.loading import library
from simulation.model import SMALL_POOL
from simulation.reading import read_yaml
from simulation.results import ALONG, MORE, QUANTITIES
from simulation.scenario import STATUS, Change
from simulation.steps.responses import CHEAPEST
from simulation.streams import REPLICATES
from simulation.terms import LANGUAGES, Source
from simulation.trees import leaves
from tests.test_cases import worked

ROOT = Path(__file__).resolve().parent.parent
HAN = "[\u4e00-\u9fff]"
NAMED = re.compile(r"`([\w./-]+\.(?:py|yaml|md|csv))(?:::([\w.]+))?`|`((?:\w+/)+)`")
DOTTED = re.compile(r"`([a-z]+)\.([a-z_0-9]+)`")
POINTS = {"en": ("Assumption.", "Source.", "Weakness.", "Code."), "zh": ("假设。", "来源。", "不足。", "代码。")}
LAST_METHOD = "reconciliation"  # the sections up to here describe the model
SIGNIFICANT = ("deductible", "basic", "critical", "assistance", "commercial")


@cache
def text(language):
    return reference.methods(language)


@cache
def chapters(language):
    return {chapter.anchor: chapter for chapter in reference.chapters(text(language))[1]}


def equations(body):
    return re.findall(r"^\$\$\n.+\n\$\$$", body, re.MULTILINE)


def methods(language):
    """The sections that describe the model."""
    found = list(chapters(language).values())
    return found[:[chapter.anchor for chapter in found].index(LAST_METHOD) + 1]


# --- both languages ---------------------------------------------------------------------------------

def test_both_languages_have_the_same_sections_and_equations():
    chinese, english = chapters("zh"), chapters("en")
    assert list(chinese) == list(english) and len(english) > 20
    for anchor in english:
        assert equations(chinese[anchor].body) == equations(english[anchor].body), anchor
        rows = [len(re.findall(r"^\|", of[anchor].body, re.MULTILINE)) for of in (chinese, english)]
        assert rows[0] == rows[1], anchor
    assert sum(len(equations(chapter.body)) for chapter in english.values()) > 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_sections_are_numbered_and_each_gives_its_four_points(language):
    assert [chapter.title.split(". ")[0] for chapter in chapters(language).values()] == [
        str(n + 1) for n in range(len(chapters(language)))]
    for chapter in methods(language):
        assert [point for point in POINTS[language] if f"\n- **{point}**" not in chapter.body] == [], chapter.anchor


def test_each_document_is_in_its_language():
    english = text("en").replace("[中文](METHODS.zh.md)", "")
    assert not re.search(HAN, english)
    for line in text("zh").splitlines():
        assert not re.search(rf"{HAN}[,;!?:]|\({HAN}", line), line


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_equation_is_closed(language):
    """An equation stands on a line of its own between its marks: so both the repository and the page display it."""
    assert text(language).count("$$") == 2 * sum(
        len(equations(chapter.body)) for chapter in chapters(language).values())
    outside = re.sub(r"^\$\$\n.+\n\$\$$", "", text(language), flags=re.MULTILINE)
    for line in outside.splitlines():
        assert line.count("$") % 2 == 0, line


# --- names ------------------------------------------------------------------------------------------

@cache
def definitions(path):
    """Functions, classes and methods of a Python file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return found | {f"{node.name}.{inner.name}" for node in tree.body if isinstance(node, ast.ClassDef)
                    for inner in node.body if isinstance(inner, ast.FunctionDef)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_file_and_function_named_is_there(language):
    found = NAMED.findall(text(language))
    assert len(found) > 80
    for path, name, folder in found:
        assert (ROOT / (path or folder)).exists(), path or folder
        assert not name or name in definitions(path), f"{path}::{name}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_leads_somewhere(language):
    links = re.findall(r"\]\(([^)]+)\)", text(language))
    assert len(links) > 30
    for link in links:
        assert link[1:] in chapters(language) if link.startswith("#") else (ROOT / link).exists(), link


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_names_every_lever_and_assumption_and_no_other(language):
    declared = {row.name for kind in reference.KINDS for row in reference.rows(kind)}
    sections = {name.split(".")[0] for name in declared}
    named = {f"{section}.{name}" for section, name in DOTTED.findall(text(language))
             if section in sections and name not in ("md", "csv", "py", "yaml")}
    assert declared - named == set(), "say in METHODS.md what it does"
    assert named - declared == set(), "no such lever or assumption"


def test_every_output_of_the_table_of_ratios_is_one_of_a_run():
    named = re.findall(r"^\| (`.+?`) \|", chapters("en")["outputs"].body, re.MULTILINE)
    outputs = re.findall(r"`(\w+)`", " ".join(named))
    assert len(outputs) > 10 and set(outputs) <= (QUANTITIES | MORE | ALONG).keys()


# --- figures ----------------------------------------------------------------------------------------

@pytest.mark.parametrize(("anchor", "said"), [
    ("responses", f"below {100 * CHEAPEST:.0f} % of the bill"),
    ("outpatient", f"{len(bills.CHANCE)} bins"),
    ("table", f"{blocks.SINGLE} bins"),
    ("table", f"{blocks.SAMPLED[0]:,} Sobol points ({blocks.SAMPLED[1]} with a special disease)"),
    ("table", f"is cut into {len(blocks.SPLIT)},"), ("table", f"{histories.FEWER} times fewer histories"),
    ("table", f"{histories.PRICE_NODES} prices (log), {histories.TILT_NODES} tilts"),
    ("table", f"ceilings at {histories.CEILING_NODES} (log) for all up to {histories.CEILING_SPAN:.0f} times"),
    ("table", f"a straight line for up to {100 * nodes.STRAIGHT:.0f} points"),
    ("outpatient", f"at {bills.PRICE_NODES} or more prices and {bills.VOLUME_NODES} or more numbers of visits"),
    ("table", f"{yearly.FREQUENCY_NODES} frequencies"),
    ("table", f"{SMALL_POOL:,} insured"), ("exact", f"{SMALL_POOL:,} insured"),
    ("exact", f"at most {individual.MOST_STAYS}"),
    ("calibration", f"more than {calibration.UNTOLD} of the prior spread"),
    ("calibration", f"correlate above {calibration.CLOSE}"),
    ("calibration", f"correlations of {calibration.TIED} and more"),
    ("calibration", f"last {adapted.RECENT} years"), ("calibration", f"{adapted.TRUSTED} years' worth"),
    ("calibration", f"around {adapted.TYPICAL} of the usual variance"),
    ("calibration", f"within {adapted.CLOSE} in logs"),
    ("calibration", f"more than {adapted.SAME_MONEY:.0f} times as much"),
    ("trends", f"no variance of the path one to five years on more than {100 * dynamics.SHORT:.0f} % too small"),
    ("backtest", f"at least {scoring.MANY_FORECASTS} forecasts from {scoring.MANY_CUTOFFS} cut-offs"),
    ("backtest", f"fewer than {scoring.LEAST_FORECASTS} forecasts"),
    ("concentration", f"{concentration.PEOPLE:,} insured")])
def test_figures_of_the_method_are_those_of_the_code(anchor, said):
    assert said in " ".join(chapters("en")[anchor].body.split())


def test_the_published_shapes_are_those_the_model_is_held_against():
    body = chapters("en")["concentration"].body
    for shape in concentration.SHAPES.values():
        for end in concentration.figures(shape)[:2]:
            assert f"{end:g}" in body or f"{100 * end:g}" in body, shape.quantity


def test_tolerances_of_the_shapes_are_those_of_the_code():
    rows = re.findall(r"^\| (?!measure)[^-].+$", chapters("en")["concentration"].body, re.MULTILINE)
    assert len(rows) == len(concentration.SHAPES)
    for row, (name, shape) in zip(rows, concentration.SHAPES.items(), strict=True):
        share = name.startswith("top")
        told = f"{100 * shape.above:g} points" if share else f"{shape.above:g}" if shape.above else "none"
        assert told in row and (shape.below == shape.above or "none below" in row), row


def test_there_are_as_many_scramblings_as_the_text_says():
    assert f"\\bmod {REPLICATES}" in chapters("en")["futures"].body


# --- the worked example -----------------------------------------------------------------------------

def example(language):
    """The bills of the worked example, and its lines: bill, quantity, arithmetic, yuan."""
    body = chapters(language)["benefits"].body
    given = read_yaml(re.search(r"```yaml\n(.+?)```", body, re.DOTALL)[1], "METHODS.md")
    lines = re.findall(r"^\| (\d|year) \| (\w+) \| (.+?) \| ([\d.]+) \|$", body, re.MULTILINE)
    return given, lines


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_worked_example_is_what_the_model_settles(language):
    given, lines = example(language)
    scenario = load_scenario(given["rules"])
    scenario = scenario.changed(Change(lever=lever, year=scenario.first_year, value=value,
                                       source=Source(status="assumption")) for lever, value in given["change"].items())
    settled = settle(scenario, {"person": given["person"], "bills": [
        bill | {"expense": float(bill["expense"]), "eligible": float(bill["eligible"])} for bill in given["bills"]]})
    told = {(bill, quantity) for bill, quantity, *_ in lines}
    for bill, quantity, arithmetic, yuan in lines:
        row = settled["year"] if bill == "year" else settled["bills"][int(bill) - 1]
        # Amounts are in fen at most: what rounds further off is another amount.
        assert row[quantity] == pytest.approx(float(yuan), abs=1e-5), (bill, quantity)
        assert worked(arithmetic) == pytest.approx(float(yuan), abs=1e-5), (bill, arithmetic)
    for n, row in enumerate(settled["bills"]):
        paid = {(str(n + 1), quantity) for quantity in SIGNIFICANT if row[quantity] > 0}
        assert paid <= told, "a payment that the example does not explain"
    assert {quantity for _, quantity in told} >= set(SIGNIFICANT), "every layer acts"


def test_both_languages_work_the_same_example():
    assert example("zh") == example("en")


# --- counts -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
def test_the_counts_are_those_of_the_scenarios(language):
    assert text(language) == reference.with_counts(text(language), language), "python -m simulation.reference"


@pytest.mark.parametrize("name", library())
def test_every_value_is_counted_once(name):
    scenario = load_scenario(name)
    counts = reference.counted(scenario)
    for kind, whole in (("lever", scenario.policy), ("assumption", scenario.assumptions)):
        found = [count for count in counts if count.kind == kind]
        assert [count.status for count in found] == [*STATUS, reference.UNUSED]
        assert sum(count.declared for count in found) == len(reference.rows(kind))
        given = [getattr(getattr(whole, row.section), row.name.split(".")[1]) for row in reference.rows(kind)]
        assert sum(count.values for count in found) == sum(len(list(leaves(item.value))) for item in given)
        assert all(count.values >= count.declared for count in found)


def test_a_law_of_the_rule_book_counts_with_all_its_values():
    """Benxi's rates by group and tier are one lever of the law; a change of its status moves them all."""
    scenario = load_scenario("benxi_2008")
    rate = scenario.policy.benefits.rate
    moved = rate.model_copy(update={"source": Source(status="estimate")})
    edited = scenario.model_copy(update={"policy": scenario.policy.model_copy(update={
        "benefits": scenario.policy.benefits.model_copy(update={"rate": moved})})})
    before, after = ({(count.kind, count.status): count for count in reference.counted(of)}
                     for of in (scenario, edited))
    values = len(list(leaves(rate.value)))
    assert values > 10
    assert after["lever", "law"].values == before["lever", "law"].values - values
    assert after["lever", "estimate"].declared == before["lever", "estimate"].declared + 1


# --- the page ---------------------------------------------------------------------------------------

@pytest.fixture(scope="module", params=LANGUAGES)
def opened(request):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    at.query_params["scenario"], at.query_params["lang"] = "benxi_2008", request.param
    return request.param, at.switch_page("ui/pages/methods.py").run()


def test_the_page_shows_every_section_of_the_document(opened):
    language, at = opened
    assert not at.exception
    shown = {element.value: element.anchor for element in at.main.get("subheader")}
    assert {chapter.title: chapter.anchor for chapter in chapters(language).values()}.items() <= shown.items()
    said = "\n".join(element.value for element in at.main.markdown)
    for chapter in chapters(language).values():
        assert all(equation in said for equation in equations(chapter.body)), chapter.anchor
        assert f"](#{chapter.anchor})" in said, "the list of sections leads to it"
    opens = phrases(language)["methods.open"]
    assert [item.label for item in at.main.expander].count(opens) == len(chapters(language))


def test_links_of_the_document_do_not_break_on_the_page(opened):
    language, at = opened
    said = "\n".join(element.value for element in at.main.markdown)
    anchors = {element.anchor for element in at.main.get("subheader")} | {
        element.anchor for element in at.main.get("header")}
    links = re.findall(r"\]\(([^)]+)\)", said)
    assert len(links) > 30 and {link.removeprefix("#") for link in links} <= anchors
    assert "<!--" not in said and "<a id" not in said
    assert "docs/levers" in said  # a file of the repository is named, not linked


def test_the_page_counts_this_scenario_and_lists_every_value(opened):
    language, at = opened
    counts = {(count.kind, count.status): count for count in reference.counted(load_scenario("benxi_2008"), 2008)}
    table = at.main.table[0].value
    law = table[STATUS["law"][language]].tolist()
    assert law == [getattr(counts[kind, "law"], of) for kind in reference.KINDS for of in ("declared", "values")]
    assert len(at.main.dataframe) == 2
