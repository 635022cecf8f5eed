"""A paper as a PDF in the measures of its Word file, set in the program's own typeface.

The typeface has a regular and a bold cut and no others, so headings differ in weight and size alone. Lines are broken
here: a mark that may not begin or end a Chinese line stays with its neighbour, and a word or number stays whole.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from report.paper import Brief, Chart, Heading, Listing, Paragraph, Section, Table, cells, heads, numeric, shares
from report.text import say
from report.typeface import BOLD, FONT, sound
from report.word import DATED, LOOKS, Look

MIME = "application/pdf"
POINT = 25.4 / 72  # mm
FACE = "sandbox"
PAD = 2.0  # mm inside a cell, both sides together
SMALL = 0.6  # of a page: a table no taller is not torn apart
# What may not begin a line, and what may not end one (GB/T 15834-2011, 5.1.10).
NOT_FIRST = "，。；：？！、）】》”’…—％%·,.;:?!)]}"
NOT_LAST = "（【《“‘([{"


class Sheet(FPDF):
    """Pages with a number at the foot: in Chinese at the outer edge between dashes."""

    def __init__(self, paper: Brief, look: Look) -> None:
        super().__init__("P", "mm", "A4")
        self.paper, self.look = paper, look
        top, right, bottom, left = look.margins
        self.set_margins(left, top, right)
        self.set_auto_page_break(True, bottom)
        self.add_font(FACE, "", sound(FONT))
        self.add_font(FACE, "B", sound(BOLD))
        self.set_lang("zh-CN" if paper.language == "zh" else "en-GB")
        self.set_title(" ".join(paper.title))
        self.set_creation_date(DATED.replace(tzinfo=UTC))
        self.set_producer("")
        self.c_margin = 0.0

    def footer(self) -> None:
        """Called at the end of every page."""
        self.set_y(-self.look.margins[2] + 7)
        self.set_font(FACE, "", self.look.page)
        even = self.paper.language == "zh" and self.page_no() % 2 == 0
        edge = self.look.page * POINT if self.paper.language == "zh" else 0.0  # one letter from it
        self.set_x(self.l_margin + edge)
        self.cell(self.epw - 2 * edge, 7, say(self.paper.language, "brief.page", number=self.page_no()),
                  align="L" if even else "R")

    @property
    def room(self) -> float:
        """What is left of the page, mm."""
        return self.page_break_trigger - self.get_y()

    def broken(self, text: str, width: float, first: float = 0.0) -> list[str]:
        """A text in lines no wider than a width, in mm, the first one shorter by an indent."""
        return broken(text, self.get_string_width, width, first)

    def wrote(self, text: str, size: float, leading: float, bold: bool = False, indent: float = 0.0,
              align: str = "L", left: float = 0.0) -> None:
        """A paragraph; `indent` of its first line and `left` of all in mm, `align` L, C or J."""
        self.set_font(FACE, "B" if bold else "", size)
        width = self.epw - left
        lines = self.broken(text, width, indent)
        if len(lines) > 1 and self.room < 2 * leading:
            self.add_page()
        for n, line in enumerate(lines):
            # Neither the first nor the last line of a paragraph stands on a page by itself.
            if self.room < (2 if 0 < n == len(lines) - 2 else 1) * leading:
                self.add_page()
            inset = indent if n == 0 else 0.0
            self.set_x(self.l_margin + left + inset)
            gap = width - inset - self.get_string_width(line)
            spread = align == "J" and n < len(lines) - 1 and len(line) > 1 and 0 < gap < 3 * size * POINT
            if spread:
                self.set_char_spacing(gap / (len(line) - 1) / POINT)
            self.cell(width - inset, leading, line, align="C" if align == "C" else "L", new_x=XPos.LMARGIN,
                      new_y=YPos.NEXT)
            self.set_char_spacing(0)


def pdf(paper: Brief) -> bytes:
    """The paper as the bytes of a PDF; equal papers give equal bytes."""
    look = LOOKS[paper.language]
    sheet, chinese = Sheet(paper, look), paper.language == "zh"
    sheet.add_page()
    for line in paper.title:
        sheet.wrote(line, look.title, look.title * 1.35 * POINT, True, align="C" if chinese else "L")
    sheet.ln(look.spacing * POINT)
    for section in paper.sections:
        write(sheet, section)
    sheet.ln(look.spacing * POINT)
    for text in paper.annexed:
        sheet.wrote(text, look.text, look.spacing * POINT, indent=look.indent * look.text * POINT)
    for section in paper.annexes:
        sheet.add_page()
        sheet.wrote(section.mark, look.head, look.spacing * POINT, True)
        write(sheet, section)
    return bytes(sheet.output())


def write(sheet: Sheet, section: Section) -> None:
    """A section with all its parts."""
    look, chinese = sheet.look, sheet.look.indent > 0
    leading, indent = look.spacing * POINT, look.indent * look.text * POINT
    needed(sheet, 3 * leading)
    sheet.start_section(section.title)
    if section.mark and chinese:
        sheet.wrote(section.title, look.title, look.title * 1.5 * POINT, True, align="C")
    else:
        sheet.ln(0 if chinese else 3)
        sheet.wrote(section.title, look.head, max(leading, look.head * 1.4 * POINT), True, indent)
    for part in section.parts:
        match part:
            case Heading(text):
                needed(sheet, 3 * leading)
                sheet.wrote(text, look.text, leading, True, indent)
            case Paragraph(text):
                sheet.wrote(text, look.text, leading, indent=indent, align="J" if chinese else "L")
                sheet.ln(0 if chinese else 2)
            case Listing(typed):
                for text in typed:
                    sheet.wrote(text, look.small, look.small * 1.5 * POINT, left=6)
                    sheet.ln(2)
            case Table():
                grid(sheet, part)
            case Chart():
                chart(sheet, part)


def needed(sheet: Sheet, height: float) -> None:
    """Begin a page where less than a height is left of this one."""
    if sheet.room < height:
        sheet.add_page()


def chart(sheet: Sheet, part: Chart) -> None:
    """A chart with its caption and note below it, never torn apart."""
    look = sheet.look
    height, line = sheet.epw * part.shape, look.small * 1.5 * POINT
    sheet.set_font(FACE, "", look.small - 1)
    needed(sheet, height + 4 + line * (2 + len(sheet.broken(part.note, sheet.epw))))
    sheet.ln(2)
    sheet.image(io.BytesIO(part.image), w=sheet.epw, h=height, alt_text=part.alt)
    captioned(sheet, part.caption)
    noted(sheet, part.note)


def captioned(sheet: Sheet, text: str) -> None:
    """The caption of a table or chart."""
    sheet.ln(1.5)
    sheet.wrote(text, sheet.look.small, sheet.look.small * 1.5 * POINT, True,
                align="C" if sheet.look.indent else "L")


def noted(sheet: Sheet, text: str) -> None:
    """The note below a table or chart, and the room after it."""
    if text:
        sheet.wrote(text, sheet.look.small - 1, sheet.look.small * 1.4 * POINT)
    sheet.ln(3)


def grid(sheet: Sheet, part: Table) -> None:
    """A table with its heading repeated on every page and no row torn apart; a small one stays on one page."""
    look, right = sheet.look, numeric(part.drawn)
    widths = [sheet.epw * share for share in shares(part.drawn)]
    size = look.small if len(widths) < 7 else look.small - 1.5
    leading = size * 1.3 * POINT
    rows = [folded(sheet, texts, widths, size, n == 0) for n, texts in enumerate(
        [heads(part.drawn), *cells(part.drawn)])]
    talls = [leading * max(map(len, row)) + PAD for row in rows]
    sheet.set_font(FACE, "", look.small - 1)
    below = len(sheet.broken(part.note, sheet.epw)) * look.small * 1.4 * POINT if part.note else 0.0
    whole = sum(talls) + below + 4 * leading
    needed(sheet, whole if whole < SMALL * sheet.eph else sum(talls[:2]) + 4 * leading)
    captioned(sheet, part.caption)

    def set_row(n: int) -> None:
        sheet.set_font(FACE, "" if n else "B", size)
        top, x = sheet.get_y(), sheet.l_margin
        for lines, width, flush in zip(rows[n], widths, right, strict=True):
            for k, line in enumerate(lines):
                sheet.set_xy(x + PAD / 2, top + PAD / 2 + k * leading)
                sheet.cell(width - PAD, leading, line, align="R" if flush else "L")
            x += width
        rule(sheet, top, 0.0 if n else 0.35)
        rule(sheet, top + talls[n], 0.1 if n else 0.2, 170 if n else 0)
        sheet.set_xy(sheet.l_margin, top + talls[n])

    for n, tall in enumerate(talls):
        if sheet.room < tall + (below if n == len(talls) - 1 else 0.0):
            sheet.add_page()
            set_row(0)
        set_row(n)
    rule(sheet, sheet.get_y(), 0.35)
    noted(sheet, part.note)


def folded(sheet: Sheet, texts: list[str], widths: list[float], size: float, head: bool) -> list[list[str]]:
    """The cells of a row in lines."""
    sheet.set_font(FACE, "B" if head else "", size)
    return [sheet.broken(text, width - PAD) for text, width in zip(texts, widths, strict=True)]


def rule(sheet: Sheet, y: float, width: float, grey: int = 0) -> None:
    """A line across the type area; none where it has no width."""
    if width:
        sheet.set_line_width(width)
        sheet.set_draw_color(grey)
        sheet.line(sheet.l_margin, y, sheet.l_margin + sheet.epw, y)


# --- lines ------------------------------------------------------------------------------------------

def units(text: str) -> list[str]:
    """What a line may be broken between: words and numbers whole, marks with what they belong to.

    >>> units("结余率（25%），不超。"), units("a fund, 5 %")
    (['结', '余', '率', '（25%），', '不', '超。'], ['a ', 'fund, ', '5 ', '%'])
    """
    found: list[str] = []
    for letter in text:
        last = found[-1][-1:] if found else ""
        glued = last and (letter in NOT_FIRST and last != " " or last in NOT_LAST or letter == " "
                          or is_word(last) and is_word(letter))
        if glued:
            found[-1] += letter
        else:
            found.append(letter)
    return found


def is_word(letter: str) -> bool:
    """Whether a letter is of a word or number that stays whole."""
    return letter != " " and ord(letter) < 0x2E80 and letter not in NOT_FIRST + NOT_LAST or letter in ".,%:"


def broken(text: str, wide: Callable[[str], float], width: float, first: float = 0.0) -> list[str]:
    """A text in lines no wider than a width, as `wide` measures them; what is too long for a line is cut.

    >>> broken("甲乙丙，丁戊", len, 3), broken("a long word", len, 6), broken("abcdefgh", len, 5)
    (['甲乙', '丙，丁', '戊'], ['a long', 'word'], ['abcde', 'fgh'])
    """
    lines, line, room = [], "", width - first
    for unit in units(text):
        if wide((line + unit).rstrip()) <= room:
            line += unit
            continue
        if line:
            lines.append(line.rstrip())
            line, room = "", width
        for letter in unit:
            if line and wide((line + letter).rstrip()) > room:
                lines.append(line.rstrip())
                line, room = "", width
            line += letter
    return [*lines, line.rstrip()] if line.strip() or not lines else lines
