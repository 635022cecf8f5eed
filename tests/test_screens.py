"""What a reader sees of every page in both languages: whole, in words, on a projector and a tablet, light and dark."""

import io
import re
import tomllib
from collections.abc import Iterator
from itertools import product

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from report.text import phrases
from simulation.loading import load_scenario
from simulation.terms import LANGUAGES
from tests import screens
from tests.screens import FOLDER, ROOT, pages, rest
from tests.test_browser import pytestmark as needs_a_browser
from ui.text import LANGUAGE_NAMES

HAN = "[\u4e00-\u9fff]"
SIZES = ((1280, 720), (820, 1180))  # a projector's and a tablet's window
DARK = ("overview", "compare", "people", "lessons")
LARGEST = 150_000  # bytes of a picture in the documents
LEAST = 4.5  # contrast of text, WCAG 2.2, success criterion 1.4.3
HEADED = ("overview", "lessons")  # by the scenario or the lesson that is open
FADED = 0.6  # opacity of captions, as the front end draws them
LOOKS, BETWEEN = 30, 200  # at a page whose window has changed, and milliseconds between two
PRESSES = 60  # from the top of a page through its levers to the menu

# Of every chart: its words for who cannot see it, and whether its title ends inside its frame.
CHARTS = """() => [...document.querySelectorAll('[data-testid=stPlotlyChart]')].map(chart => {
    const title = chart.querySelector('.gtitle'), frame = chart.getBoundingClientRect();
    return [chart.getAttribute('aria-label'), title ? title.textContent : '',
            !title || title.getBoundingClientRect().right <= frame.right + 1];
})"""
# By how many pixels the page is wider than its window, its text than the page, and a chart than its frame.
OVER = """() => {
    const main = document.querySelector('[data-testid=stMain]');
    return [document.documentElement.scrollWidth - window.innerWidth, main.scrollWidth - main.clientWidth,
            ...[...document.querySelectorAll('[data-testid=stPlotlyChart]')].map(chart =>
                chart.querySelector('.main-svg').getBoundingClientRect().right - chart.getBoundingClientRect().right)];
}"""
# Colours of text of each kind on the page, with what is behind it.
TEXTS = """() => ['stMarkdown', 'stCaptionContainer', 'stMetricLabel', 'stWidgetLabel'].flatMap(kind => {
    const place = document.querySelector(`[data-testid=stMain] [data-testid=${kind}] p`);
    if (!place) return [];
    let behind = place;
    while (behind && /^rgba\\(0, 0, 0, 0\\)$|transparent/.test(getComputedStyle(behind).backgroundColor))
        behind = behind.parentElement;
    return [[kind, getComputedStyle(place).color, getComputedStyle(behind).backgroundColor]];
})"""


# --- in a browser -------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> Iterator[tuple]:
    """A browser, the address of a server, and the database they share."""
    url = f"sqlite:///{(tmp_path_factory.mktemp('screens') / 'sandbox.db').as_posix()}"
    with screens.serving(SANDBOX_DATABASE=url) as address, screens.browsing() as browser:
        yield browser, address, url


def browsed(test):
    """A test that needs a browser."""
    for mark in needs_a_browser:
        test = mark(test)
    return test


@browsed
def test_every_page_is_whole_and_in_words_on_a_projector_and_a_tablet(seen, tmp_path):
    taken = set()
    for name, language, page in screens.everything(*seen):
        where, words = f"{name} {language}", phrases(language)
        check_words(page, where, words)
        head = page.get_by_test_id("stMain").locator("h1").first.inner_text().strip()
        assert head == words[f"page.{name}"] or name in HEADED and head, where
        (tmp_path / f"{name}_{language}.png").write_bytes(screens.taken(page))
        taken.add((name, language))
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            check_width(page, f"{where} at {width} by {height}")
            if width == SIZES[0][0]:
                check_charts(page, where)
        page.set_viewport_size(screens.SIZE)
    assert taken == set(product(pages(), LANGUAGES))
    for file in tmp_path.iterdir():
        check_picture(file.read_bytes(), file.name)


@browsed
def test_in_the_dark_text_stands_out(seen):
    pictures = []
    for name, language, page in screens.everything(*seen, "dark", DARK, ("zh",)):
        told = page.evaluate(TEXTS)
        assert told, name
        for kind, text, behind in told:
            assert luminance(rgb(behind)) < 0.1, f"{name}: the page is not dark"
            assert contrast(text, behind) >= LEAST, f"{name} {language}: {kind} {text} on {behind}"
        check_width(page, f"{name} {language} in the dark")
        pictures.append(screens.taken(page))
    assert len(pictures) == len(DARK)
    for picture in pictures:
        check_picture(picture, "a dark page")


@browsed
def test_without_a_mouse_a_lever_is_moved_and_another_page_opened(seen):
    browser, address, _ = seen
    page, words = screens.visit(browser, "en"), phrases("en")
    page.goto(address + screens.link("overview", "en"))
    rest(page)
    before = page.get_by_test_id("stMetricValue").first.inner_text()
    go_to(page, "input[type=range]")
    held = page.evaluate("document.activeElement.getAttribute('aria-valuetext')")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile(r"financing\.contribution"))
    rest(page)
    assert page.evaluate("document.activeElement.getAttribute('aria-valuetext')") != held  # where the focus still is
    expect(page.get_by_test_id("stMetricValue").first).not_to_have_text(before)
    go_to(page, "[data-testid=stTopNavSection]")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name=words["page.compare"])).to_be_visible()
    go_to(page, "[role=menuitem]", words["page.compare"], "ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/compare\?.*financing\.contribution"))  # with the lever as it was moved
    expect(page.get_by_role("heading", name=words["page.compare"], exact=True)).to_be_visible()
    page.context.close()


def go_to(page: Page, wanted: str, text: str = "", key: str = "Tab") -> None:
    """Press a key until the focus is on what is wanted, and what has it says so."""
    for _ in range(PRESSES):
        if page.evaluate("""([wanted, text]) => document.activeElement.matches(wanted)
                            && document.activeElement.textContent.includes(text)""", [wanted, text]):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{PRESSES} presses of {key} do not lead to {wanted}")


def check_words(page: Page, where: str, words: dict[str, str]) -> None:
    """No fault, and every phrase in words."""
    assert page.get_by_test_id("stException").count() == 0, where
    shown = set(re.split(r"\s+", page.get_by_test_id("stApp").inner_text()))
    assert not shown & {key for key in words if "." in key}, where
    assert not [word for word in shown if re.fullmatch(r"\{[a-z_]+\}", word)], where
    if words is phrases("en"):  # only the language switch, and official titles beside English ones, are in Chinese
        titles = " ".join(document.title for document in load_scenario(screens.SCENARIO).documents.values())
        assert not [word for word in shown - {*titles.split()} if re.search(HAN, word)
                    and word not in LANGUAGE_NAMES.values()], where


def check_charts(page: Page, where: str) -> None:
    """Every chart has its words and its whole title."""
    for label, title, whole in page.evaluate(CHARTS):
        assert label and len(label) > 10, f"{where}: the chart {title!r} has no words"
        assert whole, f"{where}: the title {title!r} is cut"


def check_width(page: Page, where: str) -> None:
    """Nothing makes the page wider than its window, once tables and charts have followed a change of the window."""
    for _ in range(LOOKS):
        page.wait_for_timeout(BETWEEN)
        over = page.evaluate(OVER)
        if max(over) <= 1:  # a fraction of a pixel, rounded
            return
    raise AssertionError(f"{where}: page and text are {over} pixels wider than their place")


def check_picture(content: bytes, name: str) -> None:
    """A picture is small, of the window's shape, and shows something."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    assert picture.width / picture.height == pytest.approx(screens.SIZE["width"] / screens.SIZE["height"], abs=0.01)
    commonest, *_ = sorted(picture.getcolors(1 << 24), reverse=True)
    assert commonest[0] < 0.95 * picture.width * picture.height, f"{name} is blank"
    assert len(content) < LARGEST, name


# --- without one --------------------------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", pages())
def test_every_page_stands_in_the_documents(name, language):
    check_picture((FOLDER / f"{name}_{language}.png").read_bytes(), name)


def test_the_documents_show_no_page_that_is_gone():
    assert {file.name for file in FOLDER.iterdir()} == {f"{name}_{language}.png" for name, language
                                                        in product(pages(), LANGUAGES)}


@pytest.mark.parametrize(("file", "language", "least"), [
    ("README.md", "en", 4), ("README.zh.md", "zh", 4), ("docs/facilitator.md", "en", 1),
    ("docs/facilitator.zh.md", "zh", 1)])
def test_pictures_in_a_text_are_in_its_language_and_have_words(file, language, least):
    text = (ROOT / file).read_text(encoding="utf-8")
    found = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text)
    assert len(found) >= least
    for words, place in found:
        assert len(words) >= 8 and place.endswith(f"_{language}.png")
        assert ((ROOT / file).parent / place).is_file()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("token", ["textColor", "linkColor"])
def test_text_stands_out_from_every_ground(scheme, token):
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"][scheme]
    grounds = {theme["backgroundColor"], theme["secondaryBackgroundColor"], *(
        value for name, value in theme["sidebar"].items() if "ackground" in name)}
    for ground in grounds:
        text = rgb(theme[token])
        assert ratio(text, rgb(ground)) >= LEAST, (token, ground)
        if token == "textColor":
            faded = tuple(FADED * one + (1 - FADED) * under for one, under in zip(text, rgb(ground), strict=True))
            assert ratio(faded, rgb(ground)) >= LEAST, ("a caption", ground)
    assert ratio((255, 255, 255), rgb(theme["primaryColor"])) >= LEAST  # the words on a primary button


@pytest.mark.parametrize(("one", "other", "expected"), [
    ("#000000", "#ffffff", 21.0), ("#ffffff", "#ffffff", 1.0), ("#767676", "#ffffff", 4.54)])
def test_contrast_is_that_of_the_guideline(one, other, expected):
    assert contrast(one, other) == pytest.approx(expected, abs=0.005)  # as its examples are rounded


def contrast(text: str, behind: str) -> float:
    """The contrast of a colour on a ground, blended where it lets the ground through."""
    ground, opacity = rgb(behind), alpha(text)
    return ratio(tuple(opacity * one + (1 - opacity) * under for one, under in zip(rgb(text), ground, strict=True)),
                 ground)


def ratio(one: tuple, other: tuple) -> float:
    low, high = sorted(luminance(colour) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: tuple) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def rgb(colour: str) -> tuple:
    """Red, green and blue of "#rrggbb" or of what a browser says."""
    if colour.startswith("#"):
        return tuple(int(colour[n:n + 2], 16) for n in (1, 3, 5))
    return tuple(map(float, re.findall(r"[\d.]+", colour)[:3]))


def alpha(colour: str) -> float:
    """How much a colour covers its ground."""
    found = re.findall(r"[\d.]+", colour) if colour.startswith("rgba") else []
    return float(found[3]) if len(found) == 4 else 1.0
