"""The published tables are those that sources.yaml describes, and each figure says where it is from."""
import csv
import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from report.cards import deck
from simulation import cited
from simulation.loading import library, load_scenario
from simulation.reading import read_yaml
from simulation.scorecard import standards
from simulation.terms import Record
from ui.presets import offered

HAN = "[\u4e00-\u9fff]"
DATA = Path(__file__).resolve().parent.parent / "data"
SOURCES = read_yaml((DATA / "sources.yaml").read_text(encoding="utf-8"), "sources.yaml")
TABLES = {table["path"]: table for table in SOURCES["tables"]}
# Columns that hold words for some rows, as data/README.md says.
WORDS = {
    "behaviour.csv": {"value"},
    "local_schedules.csv": {"individual_contribution", "deductible", "rate_pct", "annual_cap"},
}
NUMBERS = {name: set(columns.split()) for name, columns in {
    "local_schedules.csv": "individual_contribution subsidy deductible band_from band_to rate_pct annual_cap",
    "demography/census_2020.csv": "persons",
    "demography/population_by_age.csv": "male female",
    "demography/death_rates.csv": "mxM mxF mxB",
    "demography/fertility_age_pattern.csv": "pasfr",
    "demography/fertility_total.csv": "tfr tfr_80l tfr_80u tfr_95l tfr_95u tfr_low tfr_high",
    "demography/births_deaths.csv": "births cbr cdr deaths PopChange growthrate cnmr NatChangeRT",
    "demography/population_projection.csv": "popM popF pop_80l pop_80u pop_95l pop_95u pop_low pop_high",
}.items()}
each_table = pytest.mark.parametrize("path", TABLES)


def rows(path):
    with (DATA / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def is_number(text):
    try:
        return float(text) == float(text)  # not nan
    except ValueError:
        return False


def test_every_table_is_described_once():
    present = {path.relative_to(DATA).as_posix() for path in DATA.rglob("*.csv")}
    # What is put together from the tables, or is others' reckoning, has tests of its own.
    besides = {entry["path"] for part in ("series", "projections") for entry in SOURCES.get(part, [])}
    assert present == set(TABLES) | besides
    assert len(TABLES) == len(SOURCES["tables"])


@each_table
def test_a_description_is_complete(path):
    table = TABLES[path]
    assert table["publishers"] and all(isinstance(name, str) for name in table["publishers"])
    for key in ("title", "published", "covers", "terms"):
        assert isinstance(table[key], str) and table[key].strip(), key


@each_table
def test_the_table_is_the_one_described(path):
    assert hashlib.sha256((DATA / path).read_bytes()).hexdigest() == TABLES[path]["sha256"]
    assert len(rows(path)) == TABLES[path]["rows"]


@each_table
def test_rows_are_whole(path):
    """No row has more or fewer cells than the heading, and none stands there twice."""
    table = rows(path)
    assert all(None not in row and None not in row.values() for row in table)
    assert len({tuple(row.values()) for row in table}) == len(table)


@each_table
def test_every_row_has_a_source(path):
    """Those that have none are listed by name, so that none joins them unseen."""
    missing = [f"{row['year']} {row['variable']}" for row in rows(path) if not row["source"].strip()]
    assert missing == TABLES[path].get("without_source", [])


@each_table
def test_same_refers_to_a_row_above(path):
    named = False
    for row in rows(path):
        if row["source"].startswith(("same", "DERIVED from the rows above")):
            assert named, "the first row cannot be the same as one above"
        named = True


@each_table
def test_memory_is_marked_wherever_it_is_the_source(path):
    marked = [row for row in rows(path) if any("MEMORY" in cell for cell in row.values())]
    assert len(marked) == TABLES[path]["memory_rows"]
    for row in marked:
        assert row["source"].startswith("MEMORY") and row["confidence"].startswith("MEMORY")


@each_table
def test_numbers_are_numbers(path):
    table = rows(path)
    columns = NUMBERS.get(path, {"value"})
    assert columns <= table[0].keys()
    for column in columns - WORDS.get(path, set()):
        wrong = [row[column] for row in table if row[column] and not is_number(row[column])]
        assert not wrong, column
    if "value" in columns:
        empty = [f"{row['year']} {row['variable']}" for row in table if not row["value"].strip()]
        assert empty == TABLES[path].get("without_value", [])


@each_table
def test_years_are_years(path):
    found = [row["year"] for row in rows(path) if "year" in row]
    assert found or path == "behaviour.csv"
    form = re.compile(r"~?(19|20)\d\d(-\d\d| \([A-Z][a-z]{2}-[A-Z][a-z]{2}\))?")
    assert all(form.fullmatch(year) for year in found)


@each_table
def test_the_years_described_are_those_in_the_table(path):
    """The first and last year of `covers` are the table's; studies name their own years."""
    found = [row.get("period") or row["year"] for row in rows(path) if "year" in row]
    if found:
        years = re.findall(r"(?:19|20)\d\d", " ".join(found))
        covers = TABLES[path]["covers"].split(", projected")[0]
        described = re.findall(r"(?:19|20)\d\d", covers)
        assert (min(described), max(described)) == (min(years), max(years))


# ---- what the README says of the tables --------------------------------------------------------

def test_broad_ages_of_the_census_add_up():
    persons = {row["age"]: int(row["persons"]) for row in rows("demography/census_2020.csv")}
    assert persons["0-14"] + persons["15-59"] + persons["60+"] == 1_411_778_724
    assert persons["65+"] < persons["60+"]


def test_fertility_by_age_adds_up_in_each_period():
    total = {}
    for row in rows("demography/fertility_age_pattern.csv"):
        total[row["period"]] = total.get(row["period"], 0) + float(row["pasfr"])
    assert all(abs(share - 100) < 1e-6 for share in total.values()) and len(total) == 14


@pytest.mark.parametrize("path, parts, name", [
    ("demography/fertility_total.csv", ["tfr"], "tfr"),
    ("demography/population_projection.csv", ["popM", "popF"], "pop"),
])
def test_intervals_enclose_their_centre(path, parts, name):
    projected = [row for row in rows(path) if row[f"{name}_80l"]]
    assert [int(row["year"]) for row in projected] == list(range(2024, 2061))
    for row in projected:
        low95, low80, high80, high95 = (float(row[f"{name}_{end}"]) for end in ("95l", "80l", "80u", "95u"))
        assert low95 < low80 < sum(float(row[part]) for part in parts) < high80 < high95, row["year"]


def test_the_readme_describes_every_table():
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    for path in TABLES:
        assert f"`{Path(path).name}`" in readme
        header = (DATA / path).read_text(encoding="utf-8").splitlines()[0].split(",")
        absent = [column for column in header if not re.search(rf"\b{re.escape(column)}\b", readme)]
        assert not absent, path


# ---- documents cited in Chinese ------------------------------------------------------------------

def citations(record):
    """Every clause in a record, wherever it stands in it."""
    if isinstance(record, Record):
        found = getattr(record, "clause", None)
        yield from [found] if isinstance(found, str) else []
        parts = [getattr(record, name) for name in type(record).model_fields]
    else:
        parts = record.values() if isinstance(record, Mapping) else record if isinstance(record, tuple) else ()
    for part in parts:
        yield from citations(part)


def test_what_is_cited_has_its_english_once_and_nothing_else_has():
    files = [*(load_scenario(name) for name in library()), offered(), deck(), standards()]
    documents = [each for file in files
                 for each in ([file.document] if hasattr(file, "document") else file.documents.values())]
    used = {"titles": {each.title for each in documents},
            "clauses": {text for file in files for text in citations(file)},
            "publishers": {text for each in documents for text in (each.publisher, each.date)}}
    for part, said in (("titles", cited.title), ("publishers", cited.publisher), ("clauses", cited.article)):
        table = cited.english()[part]
        assert not [text for text in used[part] if re.search(HAN, said(text, "en"))], part
        assert set(table) <= used[part], part
        assert not [text for text, english in table.items() if re.search(HAN, english) or not english.strip()]
        assert not [text for text, english in table.items() if figures(text) - figures(english)]


def figures(text):
    """The digits of each number in a text, wherever its point stands: 269.62 亿 is 26.962 billion."""
    return Counter(re.sub("[,.]", "", number).strip("0") for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text))
