"""A paper as a Word file, laid out as an official document: in Chinese after GB/T 9704-2012, in English as a memo.

GB/T 9704-2012, 5.2: type area of 156 by 225 mm, 37 mm from the top and 28 mm from the binding edge, about 22 lines;
7.3: title in size 2, text in size 3 FangSong, headings 一、 in SimHei, （一） in KaiTi; 7.5: the page number between
dashes in size 4. The file names these typefaces; a computer without them takes others.
"""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.table import Table as Grid
from docx.text.paragraph import Paragraph as Block

from report.paper import Brief, Chart, Heading, Listing, Paragraph, Section, Table, cells, heads, numeric, shares
from report.text import say

MIME = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
EDGE = 0.8  # mm between the edge of a cell and what it holds
DATED = datetime(2008, 1, 1)  # in place of a clock: the same brief is the same file


class Look(NamedTuple):
    """The measures of a layout: margins in mm, sizes in points, typefaces by what they are for."""

    margins: tuple[float, float, float, float]  # top, right, bottom, left
    spacing: float  # of lines of text, exactly
    text: float
    head: float
    title: float
    small: float  # tables, captions, notes
    page: float  # the page number
    indent: int  # letters at the beginning of a paragraph
    faces: dict[str, str]  # latin, text, head, sub, title

    @property
    def width(self) -> float:
        """Of the type area, mm."""
        return 210 - self.margins[1] - self.margins[3]


LOOKS = {
    "zh": Look((37, 26, 35, 28), 28, 16, 16, 22, 10.5, 14, 2, {
        "latin": "Times New Roman", "text": "仿宋", "head": "黑体", "sub": "楷体", "title": "方正小标宋简体"}),
    "en": Look((25, 25, 25, 25), 15, 11, 12, 16, 9, 9, 0, {
        "latin": "Arial", "text": "宋体", "head": "黑体", "sub": "黑体", "title": "黑体"}),
}


def word(paper: Brief) -> bytes:
    """The paper as the bytes of a .docx file; equal papers give equal bytes."""
    look, document = LOOKS[paper.language], Document()
    setup(document, paper, look)
    for line in paper.title:
        made = line_of(document, line, look.title, look, "title", bold=paper.language == "en")
        made.alignment = WD_ALIGN_PARAGRAPH.CENTER if paper.language == "zh" else WD_ALIGN_PARAGRAPH.LEFT
        made.paragraph_format.keep_with_next = True
    document.paragraphs[-1].paragraph_format.space_after = Pt(look.spacing)
    for section in paper.sections:
        write(document, section, paper, look)
    for n, text in enumerate(paper.annexed):
        made = line_of(document, text, look.text, look, "text")
        made.paragraph_format.space_before = Pt(0 if n else look.spacing)
        made.paragraph_format.first_line_indent = Pt(look.indent * look.text)
    for section in paper.annexes:
        made = line_of(document, section.mark, look.head, look, "head", bold=paper.language == "en")
        made.paragraph_format.page_break_before = True
        write(document, section, paper, look)
    file = io.BytesIO()
    document.save(file)
    return undated(file.getvalue())


def setup(document: Any, paper: Brief, look: Look) -> None:
    """Page, page number, language and what the file says of itself."""
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.top_margin, page.right_margin, page.bottom_margin, page.left_margin = (Mm(side) for side in look.margins)
    page.footer_distance = Mm(look.margins[2] - 10)
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = look.faces["latin"], Pt(look.text)
    normal.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), look.faces["text"])
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), "en-GB")
    language.set(qn("w:eastAsia"), "zh-CN")
    normal.element.get_or_add_rPr().append(language)
    document.settings.odd_and_even_pages_header_footer = paper.language == "zh"
    for footer, side in ((page.footer, WD_ALIGN_PARAGRAPH.RIGHT), (page.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT)):
        if paper.language == "zh" or footer is page.footer:
            numbered(footer.paragraphs[0], paper.language, look)
            footer.paragraphs[0].alignment = side
    about = document.core_properties
    about.title, about.author, about.language = " ".join(paper.title), "", paper.language
    about.created = about.modified = DATED
    about.comments, about.last_modified_by, about.revision = "", "", 1


def numbered(block: Block, language: str, look: Look) -> None:
    """The page number between its dashes, one letter from the edge."""
    before, after = say(language, "brief.page", number="|").split("|")
    faced(block.add_run(before), look.page, look, "text")
    run = block.add_run()
    for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
        mark = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            mark.set(qn("w:fldCharType"), kind)
        else:
            mark.text = text
        run._r.append(mark)
    faced(run, look.page, look, "text")
    faced(block.add_run(after), look.page, look, "text")
    if language == "zh":
        block.paragraph_format.right_indent = block.paragraph_format.left_indent = Pt(look.page)


# --- parts ------------------------------------------------------------------------------------------

def write(document: Any, section: Section, paper: Brief, look: Look) -> None:
    """A section with all its parts."""
    head = line_of(document, section.title, look.title if section.mark and look.indent else look.head, look,
                   "title" if section.mark else "head", bold=paper.language == "en", level=1)
    head.paragraph_format.keep_with_next = True
    if section.mark and look.indent:
        head.alignment = WD_ALIGN_PARAGRAPH.CENTER
        head.paragraph_format.space_after = Pt(look.spacing / 2)
    else:
        head.paragraph_format.first_line_indent = Pt(look.indent * look.head)
        head.paragraph_format.space_before = Pt(0 if look.indent else 12)
    for part in section.parts:
        match part:
            case Heading(text):
                made = line_of(document, text, look.text, look, "sub", bold=paper.language == "en", level=2)
                made.paragraph_format.first_line_indent = Pt(look.indent * look.text)
                made.paragraph_format.keep_with_next = True
                made.paragraph_format.space_before = Pt(0 if look.indent else 6)
            case Paragraph(text):
                made = line_of(document, text, look.text, look, "text")
                made.paragraph_format.first_line_indent = Pt(look.indent * look.text)
                made.paragraph_format.space_after = Pt(0 if look.indent else 5)
                made.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY if look.indent else WD_ALIGN_PARAGRAPH.LEFT
            case Listing(typed):
                for text in typed:
                    made = line_of(document, text, look.small, look, "text", exactly=look.small * 1.5)
                    made.paragraph_format.left_indent = Mm(6)
                    made.paragraph_format.space_after = Pt(6)
            case Table():
                grid(document, part, look)
            case Chart():
                chart(document, part, look)


def line_of(document: Any, text: str, size: float, look: Look, face: str, bold: bool = False, level: int = 0,
            exactly: float = 0.0) -> Block:
    """One paragraph in one typeface; a `level` is what an outline of the document shows."""
    block = document.add_paragraph()
    form = block.paragraph_format
    form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(exactly or max(look.spacing, size * 1.3))
    form.space_before = form.space_after = Pt(0)
    form.widow_control = True
    faced(block.add_run(text), size, look, face, bold)
    if level:
        outline = OxmlElement("w:outlineLvl")
        outline.set(qn("w:val"), str(level - 1))
        block._p.get_or_add_pPr().append(outline)
    return block


def faced(run: Any, size: float, look: Look, face: str, bold: bool = False) -> None:
    """Give a run its size and typefaces."""
    run.font.size, run.font.name, run.bold = Pt(size), look.faces["latin"], bold
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), look.faces[face])


def chart(document: Any, part: Chart, look: Look) -> None:
    """A chart, its words for who cannot see it, and below it its caption and note on the same page."""
    block = document.add_paragraph()
    block.alignment, block.paragraph_format.keep_with_next = WD_ALIGN_PARAGRAPH.CENTER, True
    block.paragraph_format.space_before, block.paragraph_format.space_after = Pt(6), Pt(2)
    picture = block.add_run().add_picture(io.BytesIO(part.image), width=Mm(look.width))
    about = picture._inline.docPr
    about.set("descr", part.alt)
    about.set("title", part.caption)
    caption(document, part.caption, look).paragraph_format.keep_with_next = bool(part.note)
    noted(document, part.note, look)


def caption(document: Any, text: str, look: Look) -> Block:
    """The caption of a table or chart."""
    block = line_of(document, text, look.small, look, "head", bold=True, exactly=look.small * 1.5)
    block.alignment = WD_ALIGN_PARAGRAPH.CENTER if look.indent else WD_ALIGN_PARAGRAPH.LEFT
    block.paragraph_format.space_before = Pt(4)
    return block


def noted(document: Any, text: str, look: Look) -> None:
    """The note below a table or chart, and the room after it."""
    block = line_of(document, text, look.small - 1, look, "text", exactly=look.small * 1.4 if text else 1)
    block.paragraph_format.space_after = Pt(8 if text else 0)  # a last table may fill its page


def grid(document: Any, part: Table, look: Look) -> None:
    """A table with its heading repeated on every page and no row torn apart."""
    caption(document, part.caption, look).paragraph_format.keep_with_next = True
    rows, right = [heads(part.drawn), *cells(part.drawn)], numeric(part.drawn)
    made = document.add_table(len(rows), len(rows[0]))
    made.alignment, made.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    ruled(made)
    widths = [Mm(look.width * share) for share in shares(part.drawn)]
    for column, width in zip(made.columns, widths, strict=True):
        column.width = width
    size = look.small if len(rows[0]) < 7 else look.small - 1.5
    for n, (row, texts) in enumerate(zip(made.rows, rows, strict=True)):
        together = row._tr.get_or_add_trPr()
        together.append(OxmlElement("w:cantSplit"))
        if n == 0:
            together.append(OxmlElement("w:tblHeader"))
        for cell, text, width, flush in zip(row.cells, texts, widths, right, strict=True):
            cell.width = width
            block = cell.paragraphs[0]
            faced(block.add_run(text), size, look, "head" if n == 0 else "text", bold=n == 0)
            block.paragraph_format.space_before = block.paragraph_format.space_after = Pt(1.5)
            block.alignment = WD_ALIGN_PARAGRAPH.RIGHT if flush else WD_ALIGN_PARAGRAPH.LEFT
            block.paragraph_format.keep_with_next = n == 0 or len(rows) <= 9 and n < len(rows) - 1
    noted(document, part.note, look)


def ruled(made: Grid) -> None:
    """Rules above and below a table, light ones between rows, and narrow edges inside its cells."""
    borders = OxmlElement("w:tblBorders")
    for side, width, colour in (("top", "12", "000000"), ("bottom", "12", "000000"), ("insideH", "4", "AAAAAA")):
        line = OxmlElement(f"w:{side}")
        for name, value in (("val", "single"), ("sz", width), ("space", "0"), ("color", colour)):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    made._tbl.tblPr.append(borders)
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        edge = OxmlElement(f"w:{side}")
        edge.set(qn("w:w"), str(round(EDGE / 25.4 * 1440)))
        edge.set(qn("w:type"), "dxa")
        margins.append(edge)
    made._tbl.tblPr.append(margins)


# --- the file ---------------------------------------------------------------------------------------

def undated(file: bytes) -> bytes:
    """The same zip archive with one fixed time on everything in it."""
    made = io.BytesIO()
    with ZipFile(io.BytesIO(file)) as old, ZipFile(made, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            info = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type, info.create_system = ZIP_DEFLATED, 3  # the same on every machine
            new.writestr(info, old.read(name))
    return made.getvalue()
