"""One way to write a number: on pages, in sentences and in documents, in both languages."""

import re

import pytest

from report.text import lever_text, number, people, percent, phrases, points
from simulation.sentences import amount, figure
from simulation.terms import LANGUAGES, Term
from ui.scores import measure_text

TINY = (0.0, -0.0, -1e-12, 1e-12)


@pytest.mark.parametrize("value", TINY)
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_has_no_sign(value, language):
    written = [number(value), number(value, "+.1f"), percent(value), percent(value, 0), points(value, language),
               people(value, language), figure(value, "+"), amount(value, "share")[language],
               amount(value, "share", signed=False)[language], amount(value, "yuan")[language],
               measure_text(round(value, 9), "share", language)]
    assert not [text for text in written if re.search("[-+−]", text)], written


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_negative_number_has_a_true_minus_and_a_per_cent_sign_no_space(language):
    rate = Term(None, "rate", -1, 1, None)
    written = [number(-1234.5), percent(-0.25), points(-0.25, language), people(-12, language), figure(-3.2),
               amount(-0.25, "share")[language], amount(-0.25, "share", signed=False)[language],
               amount(-2.5e6, "yuan")[language], lever_text(-0.25, rate, language),
               measure_text(-0.25, "share", language)]
    assert all(re.match(r"−\d", text) and "-" not in text and " %" not in text for text in written), written


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_phrases_write_numbers_so_too(language):
    wrong = re.compile(r"[\d}] %|(?:^|[\s(（])-[\d{]")
    assert not {key: text for key, text in phrases(language).items() if wrong.search(text)}
