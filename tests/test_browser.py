"""The app in a real browser: what a reader sees, moves, links to and takes away."""

import csv
import os
import re

import pytest
from playwright.sync_api import Page, expect

from report.text import phrases
from tests.screens import ARGUMENTS, BROWSER, LOCALES, browsing, healthy, serving  # noqa: F401 - for others, too
from ui.presets import offered
from ui.text import LANGUAGE_NAMES

RATE = "benefits.rate.inpatient.adult.level_2"
OLD = "scenario=benxi_2008"
PATIENCE = 60_000  # milliseconds

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not BROWSER and os.environ.get("CI", "").lower() not in ("true", "1"),
                       reason="SANDBOX_BROWSER names no browser; `python3 run.py test` finds one and names it")]


@pytest.fixture(scope="module")
def address():
    """A real server on a free port of this machine."""
    with serving() as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    """A real browser."""
    with browsing() as found:
        yield found


@pytest.fixture
def visit(browser, address):
    """Opens a link as a reader with a browser in a language would; at the end nothing may have gone wrong."""
    contexts, faults = [], []

    def opened(language="zh", path="/", viewport=(1440, 1000)) -> Page:
        width, height = viewport
        context = browser.new_context(locale=LOCALES[language], viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: faults.append(f"page error: {error}"))
        page.on("request", lambda request: is_outside(request.url) and faults.append(f"request to {request.url}"))
        page.goto(address + path if path.startswith("/") else path)
        return page

    yield opened
    for context in contexts:
        for page in context.pages:
            assert page.get_by_test_id("stException").count() == 0
        context.close()
    assert not faults


@pytest.fixture
def open_page(visit):
    """Opens a page of figures and waits for its stable answer."""
    def opened(*where, **more) -> Page:
        page = visit(*where, **more)
        settled(page)
        return page

    return opened


def is_outside(url):
    return not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:", url)


def settled(page):
    """Wait until the page rests on its stable answer: all at once, for the words of the last one stand for a while."""
    page.wait_for_function("""() => document.querySelector('[data-testid=stApp]')
        .getAttribute('data-test-script-state') === 'notRunning'
        && /稳定结果 [0-9,]+ 次|Stable result, [0-9,]+ draws/.test(document.body.innerText)
        && document.querySelectorAll('.js-plotly-plot .main-svg').length >= 5""", timeout=PATIENCE)


def to_page(page, language, part, name):
    """Go to a page by the menu."""
    page.get_by_test_id("stTopNavSection").filter(has_text=phrases(language)[f"menu.{part}"]).click()
    page.get_by_role("menuitem", name=phrases(language)[f"page.{name}"]).click()


def figures(page):
    expect(page.get_by_test_id("stMetricValue")).to_have_count(4)
    return page.get_by_test_id("stMetricValue").all_inner_texts()


def drawer(page, key):
    """A drawer of the sidebar, opened."""
    place = page.locator(f'[class*="st-key-{key.replace(".", "-")} "] details').first
    if place.get_attribute("open") is None:
        place.locator("summary").first.click()
        settled(page)
    expect(place).to_have_attribute("open", "")
    return place


def widget(page, lever):
    """The place of a lever, the drawers of its section and its parameter opened."""
    section, name = lever.split(".")[:2]
    drawer(page, f"in.{section}")
    drawer(page, f"of.{section}.{name}")
    return page.locator(f'[class*="st-key-{lever.replace(".", "-")} "]')


@pytest.mark.parametrize("language", LOCALES)
def test_the_first_page_speaks_the_browsers_language(open_page, language):
    page = open_page(language)
    words = phrases(language)
    for key in ("table.title", "panel.quick"):
        expect(page.get_by_role("heading", name=words[key]).first).to_be_visible()
    for section in ("financing", "enrolment", "benefits", "lines", "responses"):
        expect(page.locator(f'[class*="st-key-in-{section} "] summary')).to_contain_text(words[f"section.{section}"])
    assert "scenario=urrbmi_county_2026" in page.url
    expect(page.get_by_test_id("stMetricValue")).to_have_count(4)
    assert all(re.match(r"−?[\d.]+% ± [\d.]+%", text) for text in figures(page))
    assert f"lang={language}" in page.url
    expect(page.locator(".js-plotly-plot")).to_have_count(5)


@pytest.mark.parametrize("language", LOCALES)
def test_a_lever_moved_by_keyboard_moves_the_figures_then_they_settle(open_page, language):
    page = open_page(language, f"/?{OLD}")
    # What the server sends, as a busy browser may draw the quick answer and the stable one as one.
    sent = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: sent.append(frame)))
    page.reload()
    settled(page)
    before = figures(page)
    slider = widget(page, RATE).get_by_role("slider")
    sent.clear()
    steps = {"zh": 15, "en": 16}[language]  # not the same, or the second reader would get the first one's answer
    slider.focus()
    for _ in range(steps):
        page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile(re.escape(f"{RATE}=0.{55 + steps}&".replace("0&", "&"))))
    settled(page)
    assert slider.get_attribute("aria-valuetext") == f"{55 + steps}%"  # no step was lost on the way
    after = figures(page)
    assert all(old != new for old, new in zip(before, after, strict=True))
    said = b"".join(frame.encode() if isinstance(frame, str) else frame for frame in sent).decode(errors="ignore")
    assert re.search("快速结果 1,024 次|Quick result, 1,024 draws", said)
    expect(slider).to_be_visible()  # the drawer is still open
    expect(page.get_by_text({"zh": "已调整，原为 55%", "en": "Changed, was 55%"}[language])).to_be_visible()


def test_a_drawer_holds_nothing_until_it_is_opened_and_keeps_open_in_the_other_language(open_page):
    page = open_page("zh", f"/?{OLD}")
    expect(page.get_by_test_id("stSidebar").get_by_role("slider")).to_have_count(2)  # the quick moves
    expect(widget(page, RATE).get_by_role("slider")).to_be_visible()
    expect(page.locator('[class*="st-key-in-contracts "] summary')).to_contain_text("原情景未启用")
    page.get_by_text("English", exact=True).click()
    expect(page.locator('[class*="st-key-in-contracts "] summary')).to_contain_text("off in the scenario itself")
    settled(page)
    expect(page.locator(f'[class*="st-key-{RATE.replace(".", "-")} "]').get_by_role("slider")).to_be_visible()


def test_another_scenario_is_one_choice_away(open_page):
    page = open_page("en")
    page.locator('[class*="st-key-scenario "]').get_by_role("combobox").click()
    page.get_by_role("option", name="Benxi urban resident scheme, rules of 2008").click()
    page.wait_for_url(re.compile(OLD))
    settled(page)
    expect(page.get_by_role("heading", name="Benxi urban resident scheme, rules of 2008")).to_be_visible()


def test_what_comes_from_behaviour_follows_the_stable_answer(open_page):
    page = open_page("en", f"/?{OLD}&financing.contribution=500")
    expect(page.get_by_text("Each can be switched off in the sidebar")).to_be_visible()
    assert page.get_by_text("nothing to respond to").count() == 0


def test_a_copied_link_shows_another_reader_the_same(open_page):
    page = open_page("zh", f"/?{OLD}")
    slider = page.locator('[class*="st-key-quick-contribution "]').get_by_role("slider")
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("adult.ordinary=275"))
    settled(page)
    other = open_page("en", page.url)
    assert figures(other) == figures(page)
    assert "lang=zh" in other.url  # the link carries its language, too
    assert other.get_by_test_id("stAlert").count() == 0


def test_back_goes_to_the_view_before(open_page):
    page = open_page("en", f"/?scenario=benxi_2008&{RATE}=0.7")
    seventy = figures(page)
    page.get_by_role("button", name=phrases("en")["panel.reset"]).click()
    page.wait_for_url(re.compile(r"^(?!.*0\.7)"))
    settled(page)
    assert figures(page) != seventy
    page.go_back()
    page.wait_for_url(re.compile(r"0\.7"))
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(seventy[0])


@pytest.mark.parametrize("language", LOCALES)
def test_the_last_change_is_replayed_taken_back_and_made_again_by_keyboard(open_page, language):
    page, words = open_page(language, f"/?{OLD}"), phrases(language)
    before = figures(page)
    box = page.get_by_role("checkbox", name=words_of_preset("contribution_30", language))
    box.focus()
    page.keyboard.press("Space")
    page.wait_for_url(re.compile("adult.ordinary=285"))
    settled(page)
    after = figures(page)
    assert after != before
    page.get_by_role("radio", name=words["replay.before"]).focus()
    page.keyboard.press("Space")
    page.wait_for_url(re.compile(r"^(?!.*=285)"))
    settled(page)
    assert figures(page) == before
    expect(page.get_by_test_id("stAlert")).to_contain_text("40 → 70")
    page.get_by_role("radio", name=words["replay.after"]).focus()
    page.keyboard.press("Space")
    page.wait_for_url(re.compile("adult.ordinary=285"))
    settled(page)
    assert figures(page) == after and page.get_by_test_id("stAlert").count() == 0
    for keys, url, shown in (("Control+z", r"^(?!.*=285)", before), ("Control+y", "adult.ordinary=285", after)):
        page.keyboard.press(keys)
        page.wait_for_url(re.compile(url))
        settled(page)
        assert figures(page) == shown
    expect(box).to_be_checked()


def words_of_preset(name, language):
    """The title of a preset."""
    return offered().presets[name].title[language]


def test_a_range_moved_by_keyboard_is_in_the_link_and_holds_for_another_reader(open_page):
    page = open_page("en", f"/?{OLD}")
    drawer(page, "in.assumptions")
    drawer(page, "of.assumptions.utilisation")
    ends = page.locator('[class*="st-key-range-utilisation-cost_growth "]').get_by_role("slider")
    expect(ends).to_have_count(2)
    ends.nth(1).focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile(r"utilisation.cost_growth=0.03..0.055..0.085"))
    settled(page)
    page.locator('[class*="st-key-why-utilisation-cost_growth "] input').fill("own survey")
    page.keyboard.press("Tab")
    page.wait_for_url(re.compile("own.survey"))
    settled(page)
    other = open_page("en", page.url)
    assert figures(other) == figures(page)
    assert other.get_by_test_id("stAlert").count() == 0


def test_a_bad_link_is_one_sentence(open_page):
    page = open_page("en", f"/?{OLD}&{RATE}=7&benefits.ceiling=40000")
    expect(page.get_by_test_id("stAlert")).to_have_count(1)
    expect(page.get_by_test_id("stAlert")).to_contain_text("7 is outside 0 to 1; give a number from 0 to 1")
    assert "benefits.ceiling=40000" in page.url


def test_the_file_under_a_chart_is_its_table(open_page, tmp_path):
    page = open_page("zh", f"/?{OLD}", viewport=(1440, 2400))
    page.locator('[class*="st-key-data-balance "] summary').click()
    grid = page.locator('[class*="st-key-data-balance "]').get_by_test_id("stDataFrame")
    expect(grid).to_be_visible()
    cells = grid.locator("td")
    expect(cells.nth(1)).to_be_attached()
    page.locator('[class*="st-key-get-balance "]').get_by_role("button").first.click()
    with page.expect_download() as download:
        page.locator('[class*="st-key-csv-balance "]').get_by_role("button").click()
    assert download.value.suggested_filename == "benxi_2008_balance_zh.csv"
    download.value.save_as(tmp_path / "balance.csv")
    lines = (tmp_path / "balance.csv").read_text(encoding="utf-8-sig").splitlines()
    assert any("fingerprint" in line for line in lines if line.startswith("#"))
    head, *rows = csv.reader(line for line in lines if not line.startswith("#"))
    assert head[0] == "年份" and "中位数（比例）" in head
    shown = [row.locator("td").all_inner_texts() for row in grid.locator("tbody tr").all()]
    assert len(rows) == 10
    for row, texts in zip(rows, shown, strict=False):
        for cell, text in zip(row[:len(texts)], texts, strict=True):
            number = text.replace(",", "").rstrip("%")
            assert float(number) == pytest.approx(float(cell) * (100 if "%" in text else 1), abs=0.006)


def test_a_difference_file_goes_out_and_comes_back(open_page, tmp_path):
    page = open_page("en", f"/?{OLD}&{RATE}=0.7&from=2010")
    shown = figures(page)
    with page.expect_download() as download:
        page.get_by_role("button", name=phrases("en")["share.download"]).click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    other = open_page("en")
    other.locator("input[type=file]").set_input_files(file)
    other.wait_for_url(re.compile(r"0\.7&from=2010"))
    settled(other)
    assert figures(other) == shown
    bad = tmp_path / "bad.yaml"
    bad.write_text("base: benxi_2008\nbase: benxi_2008\n", encoding="utf-8")
    other.locator("input[type=file]").set_input_files(bad)
    expect(other.get_by_test_id("stAlert")).to_contain_text("this key is repeated; keep one of the two")
    assert figures(other) == shown


@pytest.mark.parametrize(("form", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_chart_is_printed_by_the_server(open_page, tmp_path, form, begins):
    page = open_page("zh", f"/?{OLD}", viewport=(1440, 2400))
    page.locator('[class*="st-key-get-balance "]').get_by_role("button").first.click()
    with page.expect_download() as download:
        page.locator(f'[class*="st-key-{form}-balance "]').get_by_role("button").click()
    assert download.value.suggested_filename == f"benxi_2008_balance_zh.{form}"
    download.value.save_as(tmp_path / "file")
    assert (tmp_path / "file").read_bytes().startswith(begins)


@pytest.mark.parametrize("language", LOCALES)
def test_the_second_page_keeps_the_view(open_page, language):
    page = open_page(language, f"/?{OLD}&{RATE}=0.7")
    to_page(page, language, "explore", "levers")
    expect(page.get_by_role("heading", name=phrases(language)["page.levers"])).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    page.wait_for_url(re.compile(r"/levers\?.*0\.7"))
    to_page(page, language, "explore", "overview")
    settled(page)
    assert f"{RATE}=0.7" in page.url


def test_changing_the_language_keeps_the_view(open_page):
    page = open_page("zh", f"/?{OLD}&{RATE}=0.7")
    shown = figures(page)
    page.get_by_text("English", exact=True).click()
    expect(page.get_by_role("heading", name=phrases("en")["table.title"])).to_be_visible()
    settled(page)
    assert figures(page) == shown
    assert "lang=en" in page.url and f"{RATE}=0.7" in page.url


@pytest.mark.parametrize("viewport", [(1280, 720), (390, 844)])
def test_nothing_is_wider_than_the_window(open_page, viewport):
    page = open_page("en", viewport=viewport)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    frames = page.locator(".js-plotly-plot").all()
    assert all(frame.bounding_box()["x"] + frame.bounding_box()["width"] <= viewport[0] for frame in frames)


@pytest.mark.parametrize("name", ["compare", "find", "people", "why"])
def test_a_page_survives_any_change_of_language(open_page, address, name):
    """The browser knows a choice by its name on the screen; the server must not lose it when the names change."""
    page = open_page("en")
    page.goto(f"{address}/{name}")
    for _ in range(2):
        for language, other in (("en", "zh"), ("zh", "en")):
            expect(page.get_by_role("heading", name=phrases(language)[f"page.{name}"], exact=True)).to_be_visible()
            page.wait_for_function("() => document.querySelector('[data-testid=stApp]')"
                                   ".getAttribute('data-test-script-state') === 'notRunning'", timeout=PATIENCE)
            page.get_by_text(LANGUAGE_NAMES[other], exact=True).click()
    expect(page.get_by_role("heading", name=phrases("en")[f"page.{name}"], exact=True)).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0
    assert "no such scenario" not in page.get_by_test_id("stMain").inner_text()
