"""What pages hand out, for the tests of their files: each column explained, each file with the runs it rests on."""

import re

import pytest

from report import sheets
from simulation import __version__
from ui import figures

HAN = re.compile("[\u4e00-\u9fff]")
# Numbers that no page writes: a hyphen for a minus, a sign before nothing, a space before the per cent sign.
WRONG = re.compile(r"(?:^|[\s(（：])-\d|[−-]0(?:\.0+)?(?![\d.])|\d %")
TEXTS = ("title", "header", "subheader", "markdown", "caption", "metric", "info")


@pytest.fixture
def handed(monkeypatch):
    """What the pages hand out, as they hand it out: file name, frame, facts."""
    found, real = {}, figures.download

    def noted(key, label, drawn, name, figure=None, of=None, facts=None):
        found[name] = drawn, facts
        return real(key, label, drawn, name, figure, of, facts)

    monkeypatch.setattr(figures, "download", noted)
    return found


def explained(name, drawn):
    """Whether every column of a file is explained in both languages, and by more than its name."""
    for line in sheets.dictionary(drawn, name):
        made = line.made
        assert HAN.search(made.zh) and made.en and not HAN.search(made.en), (name, line)
        said = {line.name.casefold(), sheets.UNIT.sub("", line.name).strip().casefold(), line.code}
        assert said.isdisjoint({made.zh.casefold(), made.en.casefold()}), (name, line)


def above(name, drawn, facts):
    """What the lines over a CSV file say, by fact."""
    text = figures.written(drawn, "csv", "", {}, facts, name).decode("utf-8-sig")
    return {line[2:].partition(": ")[0]: line for line in text.splitlines() if line.startswith("# ")}


def names_its_runs(name, drawn, facts):
    """Whether a file says by which version, on how many draws, from which seed and with which fingerprint it is."""
    told = above(name, drawn, facts)
    assert any(line.endswith(__version__) for line in told.values()), (name, told)
    assert any("fingerprint" in fact and re.search("[0-9a-f]{64}$", line) for fact, line in told.items()), name
    assert any("draws" in fact for fact in told) and any("seed" in fact for fact in told), name


def numbers_in_one_style(at):
    """Whether every number that a page writes in words is written in the one way."""
    said = [str(part) for kind in TEXTS for element in at.get(kind) for part in (
        getattr(element, "label", ""), getattr(element, "value", ""), getattr(element, "delta", ""))]
    wrong = [text for text in [*said, *(chart.proto.alt for chart in at.get("plotly_chart"))] if WRONG.search(text)]
    assert not wrong, wrong
