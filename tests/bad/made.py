"""The bad inputs that are too large, too deep or too odd to be written down: made when they are asked for."""

from __future__ import annotations

import io
import json
import zipfile
from functools import partial

from tests.bad.cases import Case
from tests.bad.parsers import BILLS, LIBRARY, SERIES, run, workbook, zipped

LARGE = 50_000_000  # bytes
TEXTS = {"scenario": "city.yaml", "bills": "bills.yaml", "family": "bills.yaml", "changes": "mine.yaml",
         "lesson": "small.yaml", "series": "fund.csv", "areas": "areas.csv", "policies": "policies.csv"}
READ_AS_YAML = ("scenario", "bills", "family", "changes", "lesson")


def spread(size: int, byte: bytes = b"0") -> bytes:
    """A zip of a few kilobytes that unpacks to many bytes."""
    return zipped({"xl/workbook.xml": b"<sheet/>", "summary.csv": byte * size})


def part(name: str, content: bytes) -> bytes:
    """The good workbook with one part replaced or added."""
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as old, zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as new:
        for each in old.namelist():
            if each != name:
                new.writestr(each, old.read(each))
        new.writestr(name, content)
    return held.getvalue()


def member(name: str, content: bytes = b"1") -> bytes:
    """The good run with one more file in its zip."""
    held = io.BytesIO(run())
    with zipfile.ZipFile(held, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return held.getvalue()


def without(name: str) -> bytes:
    """The good run less one of its files."""
    with zipfile.ZipFile(io.BytesIO(run())) as archive:
        return zipped({each: archive.read(each) for each in archive.namelist() if each != name})


def replaced(name: str, content: bytes) -> bytes:
    """The good run with other content in one of its files."""
    with zipfile.ZipFile(io.BytesIO(run())) as archive:
        return zipped({each: content if each == name else archive.read(each) for each in archive.namelist()})


def locked() -> bytes:
    """The good run with the marks of an encrypted zip."""
    content = bytearray(run())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.find(mark) + flags] |= 1
    return bytes(content)


def entries(inside: str) -> bytes:
    """A library file with these entries."""
    return f'{{"library": 1, "model": "", "entries": [{inside}]}}'.encode()


def cases() -> list[Case]:
    """All of them."""
    made = [Case(parser, "fifty megabytes", partial(bytes.__mul__, b"a: 1\n", LARGE // 5), place, "larger than")
            for parser, place in TEXTS.items()]
    made += [Case(parser, "a picture", lambda: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", place, "")
             for parser, place in TEXTS.items()]
    made += [Case(parser, "every byte there is", lambda: bytes(range(256)) * 40, place, "not UTF-8 or GB18030")
             for parser, place in TEXTS.items()]
    for parser in READ_AS_YAML:
        place = TEXTS[parser]
        made += [
            Case(parser, "five thousand brackets", lambda: b"[" * 5000, place, "nested more than"),
            Case(parser, "five thousand braces", lambda: b"x: " + b"{a: " * 5000, place, "nested more than"),
            Case(parser, "three hundred indents", lambda: "".join(f"{n * ' '}a:\n" for n in range(300)).encode(), place,
                 "nested more than"),
            Case(parser, "a bomb of aliases", lambda: "".join(
                f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * 9)}]\n" for n in range(9)).encode(), "line 1",
                 "anchors"),
            Case(parser, "five thousand unknown keys", lambda: "".join(f"k{n}: 1\n" for n in range(5_000)).encode(),
                 place, ""),
            Case(parser, "a number of five thousand digits", lambda: b"minutes: " + b"9" * 5000, place, ""),
        ]
    return [
        *made,
        Case("bills", "five thousand bills", lambda: (BILLS + 5000 * (BILLS.splitlines()[-1] + "\n")).encode(),
             "bills.yaml", "larger than"),
        Case("bills", "a tier of a thousand letters", lambda: BILLS.replace("level_1", "x" * 1000).encode(),
             "bills.0.tier", f"'{39 * 'x'}…'"),
        Case("family", "a hundred bills", lambda: (BILLS + 100 * (BILLS.splitlines()[-1] + "\n")).encode(),
             "bills.yaml", "there are more than"),
        Case("series", "a thousand years", lambda: (SERIES + "2021,1\n" * 1000).encode(), "fund.csv", "more than 200"),
        Case("series", "a hundred faulty rows", lambda: (SERIES + "x,y\n" * 100).encode(), "A6", "not a year"),
        Case("series", "a cell of a megabyte", lambda: (SERIES + '2021,"' + "x" * 1_000_000 + '"').encode(), "line 6",
             "too long"),
        Case("areas", "ten thousand rows", lambda: b"area,template\n" + b"a,b\n" * 10_000, "areas.csv", "rows"),
        Case("areas", "ten thousand columns", lambda: ("area,template," + ",".join(map(str, range(10_000)))).encode(),
             "areas.csv", "too many columns"),
        Case("policies", "a hundred thousand policies", lambda: b"policy\n" + b"p\n" * 100_000, "policies.csv", "rows"),
        # workbooks
        Case("workbook", "fifty megabytes", lambda: b"PK" + bytes(LARGE), "fund.xlsx", "larger than"),
        Case("workbook", "the marks of a zip", lambda: b"PK\x03\x04", "fund.xlsx", "damaged"),
        Case("workbook", "half a workbook", lambda: workbook()[:-100], "fund.xlsx", "damaged"),
        Case("workbook", "a zip bomb", partial(spread, LARGE), "fund.xlsx", "unpacks to more than"),
        Case("workbook", "another zip", lambda: zipped({"a.txt": b"1"}), "fund.xlsx", "not an XLSX workbook"),
        Case("workbook", "an old workbook", lambda: b"\xd0\xcf\x11\xe0" + bytes(100), "fund.xlsx", "old or encrypted"),
        Case("workbook", "entities", partial(part, "xl/workbook.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'),
             "fund.xlsx", "entities"),
        Case("workbook", "no XML in a sheet", partial(part, "xl/worksheets/sheet1.xml", b"not XML"), "fund.xlsx",
             "damaged"),
        Case("workbook", "an empty sheet", partial(part, "xl/worksheets/sheet1.xml",
                                                   b'<worksheet xmlns="http://schemas.openxmlformats.org/'
                                                   b'spreadsheetml/2006/main"><sheetData/></worksheet>'), "fund.xlsx",
             "no heading row"),
        Case("workbook", "a million cells", partial(part, "xl/worksheets/sheet1.xml", b"<c/>" * 1_000_000),
             "fund.xlsx", "too many cells"),
        # kept runs
        Case("run", "an empty file", bytes, "run.zip", "not a zip"),
        Case("run", "half a zip", lambda: run()[:-100], "run.zip", "not a zip"),
        Case("run", "fifty megabytes", partial(bytes, LARGE), "run.zip", "larger than"),
        Case("run", "a zip bomb", lambda: member("bomb.csv", bytes(20_000_000)), "run.zip: bomb.csv", "larger than"),
        Case("run", "a file beside the folder", partial(member, "../x"), "run.zip: ../x", "not the name of a file"),
        Case("run", "a file of the system", partial(member, "/etc/x"), "run.zip: /etc/x", "not the name of a file"),
        Case("run", "a file of a drive", partial(member, "C:\\x"), "run.zip: C:", "not the name of a file"),
        Case("run", "a folder", partial(member, "d/"), "run.zip: d/", "not the name of a file"),
        Case("run", "a Chinese name", partial(member, "数.csv"), "run.zip: 数.csv", "not the name of a file"),
        Case("run", "an encrypted zip", locked, "run.zip", "not a zip"),
        Case("run", "a packing without bounds", lambda: zipped({"manifest.json": b"1"}, zipfile.ZIP_LZMA),
             "run.zip: manifest.json", "packed in a way"),
        Case("run", "too many files", lambda: zipped({f"f{n}.csv": b"" for n in range(100)}), "run.zip",
             "holds more than"),
        *(Case("run", f"no {name}", partial(without, name), f"run.zip: {name}", "is missing")
          for name in ("manifest.json", "figures.json", "SHA256SUMS")),
        Case("run", "no JSON", partial(replaced, "manifest.json", b"{"), "manifest.json", "is damaged"),
        Case("run", "a deep figure", partial(replaced, "figures.json", b"[" * 100_000), "figures.json", "is damaged"),
        Case("run", "200,000 unknown keys", partial(replaced, "manifest.json", json.dumps(
            {f"k{n}": 1 for n in range(200_000)}).encode()), "manifest.json",
             "holds more than"),
        Case("run", "bytes for text", partial(replaced, "figures.json", b"\xff\xfe\xff"), "figures.json", "is damaged"),
        Case("run", "a manifest of nothing", partial(replaced, "manifest.json", b"{}"), "manifest.json", "is missing"),
        # libraries
        Case("library", "a hundred thousand brackets", lambda: b"[" * 100_000, "library.json", "is damaged"),
        Case("library", "more than it may hold", lambda: b" " * 64_000_001, "library.json", "larger than"),
        Case("library", "seven million lists", lambda: entries("[]," * 7_000_000 + "[]"), "library.json",
             "holds more than"),
        Case("library", "one entry of half a million", lambda: entries('{"versions": [' + "[]," * 200_000 + "[]]}"),
             "entries.0", "holds more than"),
        Case("library", "fifty thousand empty entries", lambda: entries("{}," * 49_999 + "{}"), "entries.0",
             "is missing"),
        Case("library", "ten million open quotes", lambda: b'{"library": 1, "model": "' + b'\\"' * 10_000_000,
             "library.json", "is damaged"),
        Case("library", "one code twice", lambda: twice(), "entries.1.code", "is that of entries.0 too"),
        # links
        Case("link", "a value of a megabyte", lambda: b"benefits.ceiling=" + b"9" * 1_000_000, "benefits.ceiling",
             "is outside"),
        Case("link", "nine hundred parts", lambda: "&".join(f"x{n}=1" for n in range(900)).encode(), "x0", "unknown"),
        Case("options", "a year of five thousand digits", lambda: b"benefits.ceiling@" + b"9" * 5000 + b"=1",
             "--set: benefits.ceiling", "no year"),
    ]


def twice() -> bytes:
    """A library file with an entry that stands twice."""
    data = json.loads(LIBRARY)
    return json.dumps(data | {"entries": data["entries"] * 2}).encode()
