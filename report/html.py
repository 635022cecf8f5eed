"""A paper as one HTML file that needs nothing else: its charts are in it, and whatever anybody wrote is text."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from html import escape

from report.paper import Brief, Chart, Heading, Listing, Paragraph, Part, Section, Table, cells, heads, numeric

MIME = "text/html"
STYLE = """
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.75 "Songti SC", SimSun, serif; color: #111; }
:lang(en) { font-family: Arial, Helvetica, sans-serif; line-height: 1.5; }
h1 { font-size: 1.6rem; line-height: 1.35; } :lang(zh) h1 { text-align: center; }
h1, h2, h3, th, caption, figcaption { font-family: "Heiti SC", SimHei, Arial, sans-serif; }
h2 { font-size: 1.15rem; } h3 { font-size: 1rem; } :lang(zh) p { text-indent: 2em; }
figure { margin: 1.2rem 0; break-inside: avoid; } img { width: 100%; } figcaption, caption { font-weight: bold; }
:lang(zh) figcaption { text-align: center; } .note { font-size: .8rem; text-indent: 0 !important; }
.table { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .8rem; line-height: 1.4; }
th, td { padding: .25rem .4rem; text-align: left; vertical-align: top; border-bottom: 1px solid #bbb; }
thead th { border-top: 2px solid #111; border-bottom: 1px solid #111; } .figure { text-align: right; }
tr { break-inside: avoid; } pre { white-space: pre-wrap; font-size: .8rem; } .annex { break-before: page; }
@page { size: A4; margin: 37mm 26mm 35mm 28mm; }
"""


def html(paper: Brief) -> bytes:
    """The paper as the bytes of an HTML file; equal papers give equal bytes."""
    title = "<br>".join(escape(line) for line in paper.title)
    body = [f"<h1>{title}</h1>", *(line for section in paper.sections for line in written(section)),
            *(f"<p>{escape(text)}</p>" for text in paper.annexed),
            *(line for section in paper.annexes for line in written(section))]
    head = (f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{escape(' '.join(paper.title))}</title><style>{STYLE}</style>")
    language = "zh-CN" if paper.language == "zh" else "en-GB"
    return "\n".join(["<!DOCTYPE html>", f'<html lang="{language}"><head>{head}</head><body>', *body,
                      "</body></html>", ""]).encode()


def written(section: Section) -> Iterator[str]:
    """A section, part by part."""
    if section.mark:
        yield f'<h2 class="annex">{escape(section.mark)}</h2>'
    yield f"<h2>{escape(section.title)}</h2>"
    for part in section.parts:
        yield from of_part(part)


def of_part(part: Part) -> Iterator[str]:
    """One part of a section."""
    match part:
        case Heading(text):
            yield f"<h3>{escape(text)}</h3>"
        case Paragraph(text):
            yield f"<p>{escape(text)}</p>"
        case Listing(lines):
            yield f"<pre>{escape(chr(10).join(lines))}</pre>"
        case Table():
            yield from table(part)
        case Chart():
            image = b64encode(part.image).decode()
            yield (f'<figure><img alt="{escape(part.alt)}" src="data:image/png;base64,{image}">'
                   f"<figcaption>{escape(part.caption)}</figcaption>{noted(part.note)}</figure>")


def table(part: Table) -> Iterator[str]:
    """A table with its caption and note."""
    marks = [' class="figure"' if flush else "" for flush in numeric(part.drawn)]
    row = lambda texts, tag: "<tr>" + "".join(  # noqa: E731
        f"<{tag}{mark}>{escape(text)}</{tag}>" for text, mark in zip(texts, marks, strict=True)) + "</tr>"
    yield f'<div class="table"><table><caption>{escape(part.caption)}</caption>'
    yield f"<thead>{row(heads(part.drawn), 'th')}</thead><tbody>"
    yield from (row(texts, "td") for texts in cells(part.drawn))
    yield f"</tbody></table></div>{noted(part.note)}"


def noted(text: str) -> str:
    """A note below a table or chart."""
    return f'<p class="note">{escape(text)}</p>' if text else ""
