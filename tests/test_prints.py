"""Charts as files: every chart of every page is drawn whole, in both languages, in a typeface that comes with it."""

import ast
import doctest
import hashlib
import html
import io
import json
import os
import re
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import plotly.graph_objects as go
import pytest
from fontTools.ttLib import TTFont
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.patches import Rectangle
from streamlit.testing.v1 import AppTest

from bench.pages import OF_PAGE, pages
from report import print_axes, print_marks, prints
from report.print_axes import axis_of, figure_text, worded
from report.prints import PRESS, SETTINGS, drawn, printed, titled
from report.typeface import BOLD, FAMILY, FONT
from simulation import series
from simulation.terms import LANGUAGES
from tests.coarse import coarse
from tests.screen import CEILING, LOCALES, OLD, RATE
from tests.test_ui_record import TABLE
from ui import figures, reasons, runs, searching, tracks
from ui.view import FIRST

ROOT = Path(__file__).resolve().parent.parent
FORMS = ("png", "svg", "pdf")
# What a page draws only when it is asked to: what is in the session, and which buttons are pressed.
ASKED = {"why": {f"why.ask.{name}": True for name in ("tornado", "sobol", "variance", "information")},
         "record": {f"record.ask.{name}": True for name in ("own", "parts", "shape")}}
PARTS = {"people": ("people.part", ("family", "winners", "burden", "future"))}  # one at a time
PRESSED = {"find": ("find.seek.go", "find.search.go")}
EDITED = {"from": "2010", CEILING: "60000", RATE: "0.7"}
QUERY = {"compare": EDITED, "people": EDITED, "standards": {"scenario": FIRST}, **{
    page: {"scenario": name} for page, name in OF_PAGE.items()}}
FEW, FEWER = 64, 32


@pytest.fixture(scope="module", autouse=True)
def small():
    """Few draws and few policies: what is drawn has the same parts."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in (
                (runs, "QUICK", FEW), (runs, "STABLE", FEW), (runs, "FEWEST", FEW), (reasons, "DRAWS", FEWER),
                (reasons, "FUTURES", 64), (searching, "DRAWS", FEW), (searching, "LEAST", 20),
                (searching, "FIRST", ("financing.contribution", "financing.subsidy")), (searching, "OFTEN", 20),
                (searching, "RULE_DRAWS", 64), (tracks, "DRAWS", FEW), (tracks, "HORIZON", 2), (tracks, "YEARS", 2)):
            patch.setattr(module, name, value)
        yield from coarse()


@pytest.fixture(scope="module")
def charts_of(tmp_path_factory):
    """Every chart of a page; on the track record those of one short series instead of the bundled ones."""
    folder = tmp_path_factory.mktemp("series")
    (folder / "county.csv").write_text(TABLE, encoding="utf-8")

    @cache
    def of_page(page, language):
        with pytest.MonkeyPatch.context() as patch:
            if page == "record":
                patch.setattr(series, "FOLDER", folder)
            return shown_on(page, language)

    return of_page


def shown_on(page, language):
    """Every chart of a page, as the browser is sent it."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    at.context = {"locale": LOCALES[language]}
    for name, text in ({"scenario": OLD} | QUERY.get(page, {})).items():
        at.query_params[name] = text
    for key, value in ASKED.get(page, {}).items():
        at.session_state[key] = value
    at.switch_page(f"ui/pages/{page}.py").run()
    for key in PRESSED.get(page, ()):
        at = at.button(key=key).click().run()
    key, parts = PARTS.get(page, ("", ()))
    found = handed_out(page, at)
    for part in parts[1:]:
        at.session_state[key] = part
        found |= handed_out(page, at.run())
    return found


def handed_out(page, at):
    """The charts that stand on a page now, each with a button for every form."""
    assert not at.exception
    keys = {button.key for button in at.get("download_button")}
    found = {}
    for chart in at.get("plotly_chart"):
        name = chart.proto.id.rsplit("-chart.", 1)[1]
        assert {f"{form}.{name}" for form in (*FORMS, "csv", "parquet", "xlsx")} <= keys, f"{page}: {name}"
        found[name] = json.loads(chart.proto.spec)
    return found


def print_of(figure, form):
    """A print in which no character was missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return printed(figure, form)


def sheet_of(figure):
    """The drawing itself, not yet a file."""
    with PRESS, matplotlib.rc_context(SETTINGS):
        prints.load_typeface()
        return drawn(figure, 900, None)


# --- the typeface -----------------------------------------------------------------------------------

@pytest.mark.parametrize("path", [FONT, BOLD])
def test_the_typeface_has_outlines_that_every_form_embeds_and_says_what_it_is(path):
    font = TTFont(path)
    assert "glyf" in font and "CFF " not in font  # TrueType outlines
    assert font["name"].getDebugName(1) == FAMILY
    assert "SIL Open Font License" in font["name"].getDebugName(13)
    assert "SIL OPEN FONT LICENSE" in (path.parent / "OFL.txt").read_text(encoding="utf-8").upper()
    hanzi = [row.decode("gb2312", "ignore") for row in (bytes([a, b]) for a in range(0xB0, 0xF8)
                                                         for b in range(0xA1, 0xFF))]
    assert len(set(filter(None, hanzi))) == 6763 and not {ord(c) for c in hanzi if c} - font.getBestCmap().keys()


def words_in(path):
    """The texts of a file: all of it, or the literals of a module."""
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix != ".py":
        return text
    return "".join(node.value for node in ast.walk(ast.parse(text))
                   if isinstance(node, ast.Constant) and isinstance(node.value, str))


@pytest.mark.parametrize("path", [FONT, BOLD])
def test_the_typeface_has_every_character_the_app_can_say(path):
    known = TTFont(path).getBestCmap()
    files = [file for folder, kind in (("ui", "*.yaml"), ("ui", "*.py"), ("scenarios", "*.yaml"), ("report", "*.py"),
                                       ("simulation", "*.py"), ("data", "*.yaml"), ("data", "*.csv"))
             for file in (ROOT / folder).rglob(kind)]
    used = {letter: file for file in files for letter in words_in(file)}
    assert len(used) > 1000
    never = {"\ufeff", "\u9fff"}  # the mark at the head of a file, the end of a range of characters
    assert not {letter: str(file) for letter, file in used.items()
                if letter >= " " and letter not in never and ord(letter) not in known}


# --- every chart ------------------------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", pages())
def test_every_chart_of_every_page_is_printed_whole(charts_of, page, language):
    for n, (name, figure) in enumerate(charts_of(page, language).items()):
        title = worded(titled(figure))["s"].replace("\n", " ")
        assert title, name
        picture = imread(io.BytesIO(print_of(figure, "png")))
        assert picture.shape[1] == 1800 and picture[..., :3].std() > 0.02  # not an empty sheet
        if language == "en" and n:  # in English the first of a page in every form: Chinese is the harder one
            continue
        outlines = print_of(figure, "svg").decode("utf-8")
        assert "<text" not in outlines  # words as outlines: no program needs the typeface
        assert f"<dc:title>{title}</dc:title>" in html.unescape(outlines)
        assert set(title.replace(" ", "")) <= letters_of(print_of(figure, "pdf")), name


def letters_of(pdf):
    """The characters that a reader of a PDF can search for and copy; every one in an embedded typeface of ours."""
    assert pdf.count(b"/FontFile2") >= 1 and b"/FontFile3" not in pdf
    names = set(re.findall(rb"/FontName /[A-Z]{6}\+([A-Za-z-]+)", pdf))
    assert names and names <= {b"SandboxSC-Regular", b"SandboxSC-Bold"}
    found = set()
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            text = zlib.decompress(stream).decode("latin-1")
        except zlib.error:
            continue
        if "begincmap" in text:
            for line in re.findall(r"^<([0-9a-f]+)> <([0-9a-f]+)>(?: [\[<]([0-9a-f<> ]+)[\]>])?$", text,
                                   re.MULTILINE | re.IGNORECASE):
                start, end, at = line
                if at:  # a range of glyphs: their characters follow one another, or are listed
                    codes = re.findall("[0-9a-fA-F]+", at)
                    count = int(end, 16) - int(start, 16) + 1
                    found |= {chr(int(code, 16)) for code in codes} if len(codes) > 1 else {
                        chr(int(codes[0], 16) + n) for n in range(count)}
                else:
                    found.add(chr(int(end, 16)))
    return found


@pytest.mark.parametrize("page", pages())
def test_every_trace_shape_and_note_leaves_a_mark(charts_of, page):
    for name, figure in charts_of(page, "zh").items():
        sheet = sheet_of(figure)
        ax, = sheet.axes
        shown = {legend.get_text() for box in sheet.legends for legend in box.get_texts()}
        sides = [axis_of(side, {**figure["layout"]["template"]["layout"].get(f"{side}axis", {}),
                               **figure["layout"].get(f"{side}axis", {})},
                        prints.along(figure["data"], side)) for side in "xy"]
        for trace in figure["data"]:
            bare = Figure().add_subplot()
            before = len(bare.get_children())
            prints.draw_traces(bare, [trace], *sides, figure["layout"])
            named = worded(trace.get("name", ""))["s"].replace("\n", "")
            in_legend = named in {text.replace("\n", "") for text in shown}
            assert len(bare.get_children()) > before or in_legend or not print_axes.listed(trace["x"]), (name, named)
            if trace.get("showlegend", True) and figure["layout"].get("showlegend") and named:
                assert in_legend, (name, named)
        notes = [text.get_text() for text in ax.texts]
        for note in figure["layout"].get("annotations", []):
            assert worded(note["text"])["s"] in notes, name
        fixed = [artist for artist in ax.artists] + [artist for artist in ax.get_children() if artist.get_zorder() in (
            0.8, 3.5)]
        assert len(fixed) >= len(figure["layout"].get("shapes", [])), name


# --- by hand ----------------------------------------------------------------------------------------

def boxes(figure):
    """The bars of a chart as x, y, width and height."""
    ax, = sheet_of(figure).axes
    return [tuple(float(round(side, 6)) for side in (*bar.get_xy(), bar.get_width(), bar.get_height()))
            for bar in ax.patches if isinstance(bar, Rectangle) and bar.get_zorder() == 2.5]


def barred(mode, *bars, **layout):
    return {"data": [{"type": "bar", "x": [1, 2], **bar} for bar in bars], "layout": {"barmode": mode, **layout}}


def test_bars_stand_where_plotly_puts_them():
    assert boxes(barred("stack", {"y": [1, 2]}, {"y": [3, 4]}, bargap=0.5)) == [
        (0.75, 0, 0.5, 1), (1.75, 0, 0.5, 2), (0.75, 1, 0.5, 3), (1.75, 2, 0.5, 4)]
    assert boxes(barred("relative", {"y": [1, -2]}, {"y": [-3, -4]}, bargap=0.5)) == [
        (0.75, 0, 0.5, 1), (1.75, 0, 0.5, -2), (0.75, 0, 0.5, -3), (1.75, -2, 0.5, -4)]
    assert boxes(barred("group", {"y": [1, 2]}, {"y": [3, 4]}, bargap=0.5)) == [
        (0.75, 0, 0.25, 1), (1.75, 0, 0.25, 2), (1, 0, 0.25, 3), (2, 0, 0.25, 4)]
    assert boxes(barred("overlay", {"y": [1, 2], "base": [5, 5]}, {"y": [-1, -2], "base": [5, 5]}, bargap=0.5)) == [
        (0.75, 5, 0.5, 1), (1.75, 5, 0.5, 2), (0.75, 5, 0.5, -1), (1.75, 5, 0.5, -2)]


def test_stairs_rise_from_the_first_level_and_end_on_the_last():
    look = {"marker": {"color": "#000000"}}
    kinds = ["absolute", "relative", "relative", "total"]
    figure = {"data": [{"type": "waterfall", "orientation": "h", "measure": kinds,
                        "y": ["a", "b", "c", "d"], "x": [10, 5, -8, 7], "text": ["10", "+5", "-8", "7"],
                        "increasing": look, "decreasing": look, "totals": look}],
              "layout": {"yaxis": {"type": "category", "autorange": "reversed"}}}
    assert [(x, width) for x, _, width, _ in boxes(figure)] == [(0, 10), (10, 5), (15, -8), (0, 7)]
    ax, = sheet_of(figure).axes
    assert [text.get_text() for text in ax.texts] == ["10", "+5", "-8", "7"]
    low, high = ax.get_ylim()
    assert low > high  # the first row at the top


def ticks_of(ax, side):
    """The words at the ticks that are seen."""
    low, high = sorted(getattr(ax, f"get_{side}lim")())
    axis = getattr(ax, f"{side}axis")
    return [label.get_text() for at, label in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
            if low <= at <= high]


def test_a_line_holds_the_very_values_and_breaks_where_there_is_none():
    figure = {"data": [{"x": [2020, 2021, 2022], "y": [0.5, None, 0.25], "mode": "lines",
                        "error_y": {"array": [0.1, None, 0.1]}}],
              "layout": {"yaxis": {"range": [0, 1], "dtick": 0.25, "tickformat": ".0%"}, "xaxis": {"dtick": 1}}}
    ax, = sheet_of(figure).axes
    assert np.array_equal(ax.lines[0].get_xydata(), [[2020, 0.5], [2021, np.nan], [2022, 0.25]], equal_nan=True)
    assert ax.get_ylim() == (0, 1)
    assert ticks_of(ax, "y") == ["0%", "25%", "50%", "75%", "100%"]
    assert ticks_of(ax, "x") == ["2020", "2021", "2022"]


@pytest.mark.parametrize(("value", "form", "text"), [
    (0.1234, ".0%", "12%"), (-0.05, ".1%", "−5.0%"), (1234567, ",~f", "1,234,567"), (0.5, ",~f", "0.5"),
    (2026, "d", "2026"), (50, "+,~f", "+50"), (0, "+,~f", "0"), (12.345, ".1f", "12.3"),
    (1234567.8, ",~g", "1,234,570"), (5, "+~f", "+5"), (0.25, "", "0.25")])
def test_ticks_are_written_as_the_browser_writes_them(value, form, text):
    assert figure_text(value, form) == text


@pytest.mark.parametrize("module", [prints, print_axes])
def test_examples_in_docstrings_hold(module):
    failed, tried = doctest.testmod(module)
    assert tried and not failed


# --- what is refused, and what stays the same -------------------------------------------------------

DOT = {"x": [1, 2], "y": [1, 2]}
REFUSED = {
    "type pie": ({**DOT, "type": "pie"}, {}), "second x": ({**DOT, "xaxis": "x2"}, {}),
    "type log": (DOT, {"xaxis": {"type": "log"}}), "arrow": (DOT, {"annotations": [{"x": 1, "y": 1, "text": "a"}]}),
    "shape of type circle": (DOT, {"shapes": [{"type": "circle", "x0": 1, "x1": 2, "y0": 1, "y1": 2}]}),
    "marker hourglass": ({**DOT, "mode": "markers", "marker": {"symbol": "hourglass"}}, {}),
    "fill tonexty": ({**DOT, "fill": "tonexty"}, {}), "tick of form": (DOT, {"yaxis": {"tickformat": "s"}}),
    "relative to y2": (DOT, {"shapes": [{"type": "line", "yref": "y2", "x0": 1, "x1": 2, "y0": 1, "y1": 2}]})}


@pytest.mark.parametrize("word", REFUSED)
def test_what_no_chart_uses_is_refused_by_name_and_never_left_out(word):
    trace, layout = REFUSED[word]
    with pytest.raises(ValueError, match=word):
        printed({"data": [trace], "layout": layout}, "svg")


def test_a_form_that_is_none_is_refused():
    with pytest.raises(ValueError, match="jpeg"):
        printed({"data": [DOT], "layout": {}}, "jpeg")


def test_words_are_only_words():
    """Neither a formula nor a tag acts."""
    figure = {"data": [{**DOT, "name": "$x^2$ &lt;b&gt;", "showlegend": True}],
              "layout": {"title": {"text": "<b>$a_1$</b><br>基金 & <i>支出</i>"}, "showlegend": True}}
    sheet = sheet_of(figure)
    assert sheet.get_suptitle() == "$a_1$\n基金 & 支出"
    assert [text.get_text() for text in sheet.legends[0].get_texts()] == ["$x^2$ <b>"]
    assert all(print_of(figure, form) for form in FORMS)


def test_equal_charts_are_equal_files_whoever_prints_them():
    """Also side by side, and in another process, where sets have another order."""
    figure = {"data": [{"type": "bar", **DOT, "name": "基金", "marker": {"pattern": {"shape": "/"}}}],
              "layout": {"title": {"text": "基金支出"}, "showlegend": True}}
    first = {form: printed(figure, form) for form in FORMS}
    with ThreadPoolExecutor(6) as many:
        assert all(made == first[form] for form, made in
                   zip(FORMS * 2, many.map(lambda form: printed(figure, form), FORMS * 2), strict=True))
    code = (f"import hashlib; from report.prints import printed; figure = {figure!r}; "
            f"print(*(hashlib.sha256(printed(figure, form)).hexdigest() for form in {FORMS!r}))")
    assert said(code, PYTHONHASHSEED="1").split() == [hashlib.sha256(first[form]).hexdigest() for form in FORMS]


def test_a_page_is_there_before_matplotlib_is():
    assert said("import sys, ui.figures; print({'matplotlib', 'fontTools'} & set(sys.modules))").strip() == "set()"


def said(code, **environment):
    """What another process says."""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120,
                          check=True, env={**os.environ, **environment}).stdout


def test_a_picture_is_made_without_a_session():
    with ThreadPoolExecutor(1) as other:
        made = other.submit(figures.picture, go.Figure(DOT | {"type": "scatter"}), "pdf").result()
    assert made.startswith(b"%PDF") and print_marks.modes(DOT) == {"lines", "markers"}
