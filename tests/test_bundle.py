"""A whole run as one zip: the same bytes each time, everything in it explained, and nothing in it taken on trust."""

import csv
import hashlib
import io
import json
import struct
import zipfile

import pyarrow.parquet as pq
import pytest

from report.bundle import DICTIONARY, README, SCENARIO, bundle, contents
from simulation import load_scenario, measures, simulate
from simulation.__main__ import main
from simulation.loading import parse_scenario
from simulation.results import EVENTS, QUANTITIES
from simulation.runs import (
    MOST,
    MOST_FILES,
    MOST_ZIP,
    SUMS,
    TABLES,
    files_of,
    read_kept,
    same_numbers,
    save_run,
    unpacked,
)
from simulation.scenario import Change
from simulation.terms import BadInput, Source

STATED = Source(status="assumption")


@pytest.fixture(scope="module")
def result():
    scenario = load_scenario("county_community_2024")
    edit = Change(lever="benefits.ceiling", year=scenario.first_year + 1, value=None, source=STATED)
    return simulate(scenario.changed([edit]), 32, 5, "table")


@pytest.fixture(scope="module")
def files(result):
    return contents(result)


@pytest.fixture
def kept(result, tmp_path):
    path = tmp_path / "run.zip"
    path.write_bytes(bundle(result))
    return path


def zipped(path, files, compression=zipfile.ZIP_DEFLATED):
    """A zip of some files, with the hashes anew: what somebody who knows the format would forge."""
    files = {name: content for name, content in files.items() if name != SUMS}
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in [*files.items(), (SUMS, sums.encode())]:
            archive.writestr(name, content)
    return path


def ask(capsys, *arguments):
    """Exit code, output and errors of a command."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def refused(path):
    with pytest.raises(BadInput) as bad:
        read_kept(path)
    assert len(bad.value.faults) == 1 and bad.value.faults[0].remedy.zh
    return bad.value.faults[0].sentence()


# --- what is in it ----------------------------------------------------------------------------------

def test_the_same_run_gives_the_same_bytes(result, kept):
    again = simulate(result.scenario, 32, 5, "table")
    assert bundle(again) == kept.read_bytes() != bundle(simulate(result.scenario, 32, 6, "table"))


def test_a_zip_holds_the_files_of_a_folder(result, files, tmp_path):
    save_run(result, tmp_path)
    for path in tmp_path.iterdir():
        assert files[path.name] == path.read_bytes(), path.name
    assert {"manifest.json", "figures.json", *TABLES} == {path.name for path in tmp_path.iterdir()} < set(files)
    assert json.loads(files["figures.json"]) == measures.report(result)


def test_tables_are_the_same_in_both_forms_and_say_what_they_are(result, files):
    for name, table in TABLES.items():
        stored = pq.read_table(io.BytesIO(files[name.replace(".csv", ".parquet")]))
        frame = table(result)
        assert stored.to_pandas().equals(frame)
        assert stored.schema.metadata[b"fingerprint"].decode() == result.fingerprint
        assert all(stored.schema.field(column).metadata[b"definition_zh"] for column in frame.columns)
        assert stored.column("year").type == "int64"
    amount = pq.read_schema(io.BytesIO(files["spending.parquet"])).field("amount").metadata
    assert amount[b"unit"].decode() == "元/年 yuan a year"


def test_the_dictionary_explains_every_column_and_code(result, files):
    rows = list(csv.reader(io.StringIO(files[DICTIONARY].decode("utf-8-sig"))))[1:]
    explained = {(row[0].partition(".")[0], row[1]) for row in rows}
    for name, table in TABLES.items():
        frame = table(result)
        assert {(name.removesuffix(".csv"), column) for column in frame.columns} <= explained
    assert {("quantity", name) for name in QUANTITIES} | {("event", name) for name in EVENTS} <= explained
    assert {("tier", name) for name in TABLES["spending.csv"](result)["tier"]} <= explained
    assert all(row[4] and row[5] and row[4] != row[5] for row in rows)


def test_the_scenario_in_it_is_the_one_that_was_run(result, files):
    again = parse_scenario(files[SCENARIO].decode(), SCENARIO)
    assert again.text() == result.scenario.text()
    assert simulate(again, 32, 5, "table").fingerprint == result.fingerprint


def test_the_readme_tells_of_every_file_in_both_languages(result, files):
    text = files[README].decode("utf-8-sig")
    for name in files:
        told = "*.parquet" if name.endswith(".parquet") else name
        assert name == README or text.count(f"\n{told} ") == 2, name
    assert text.count(result.fingerprint) == text.count("python -m simulation verify") == 2
    assert text.count("python -m simulation run scenario.yaml --draws 32 --seed 5 --engine table") == 2


def test_the_hashes_are_of_all_other_files(files):
    lines = dict(line.split("  ")[::-1] for line in files[SUMS].decode().splitlines())
    assert lines == {name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name != SUMS}


# --- the command line -------------------------------------------------------------------------------

@pytest.mark.parametrize("language, same", [("en", "same"), ("zh", "相同")])
def test_what_run_writes_verify_recomputes(capsys, tmp_path, language, same):
    path = tmp_path / "r.zip"
    assert ask(capsys, "run", "benxi_2008", "--draws", 16, "--engine", "table", "--out", path)[0] == 0
    code, shown, faults = ask(capsys, "verify", path, "--lang", language)
    assert (code, faults) == (0, "") and shown.startswith(same)


def test_a_zip_that_cannot_be_written_is_one_line(capsys, tmp_path):
    code, _, faults = ask(capsys, "run", "benxi_2008", "--draws", 16, "--out", tmp_path / "none" / "r.zip")
    assert code == 2 and faults.count("\n") == 1


def changed_figure(files):
    figures = json.loads(files["figures.json"])
    figures["years"][3]["income"]["mean"] *= 1.0001
    return {"figures.json": json.dumps(figures).encode()}


ALTERED = {  # the files somebody has changed, and where the difference is said to be
    "a figure": (changed_figure, "figures.years.3.income.mean"),
    "a cell": (lambda files: {"summary.csv": files["summary.csv"].replace(b"income,", b"income,1", 1)}, "summary.csv"),
    "a heading": (lambda files: {"chances.csv": files["chances.csv"].replace(b"value", b"worth", 1)}, "chances.csv"),
    "a row": (lambda files: {"spending.csv": files["spending.csv"].rpartition(b"\n2")[0]}, "spending.csv"),
    "the seed": (lambda files: {"manifest.json": files["manifest.json"].replace(b'"seed": 5', b'"seed": 6')}, ""),
}


@pytest.mark.parametrize("what", ALTERED)
def test_what_was_altered_and_hashed_anew_is_still_found(capsys, files, tmp_path, what):
    change, place = ALTERED[what]
    changed = change(files)
    assert all(files[name] != content for name, content in changed.items())
    code, shown, _ = ask(capsys, "verify", zipped(tmp_path / "x.zip", files | changed))
    assert code == 1 and shown.startswith("not the same") and place in shown


@pytest.mark.parametrize("name", [README, SCENARIO, DICTIONARY, "summary.parquet"])
def test_what_is_not_recomputed_is_held_against_its_hash(files, tmp_path, name, capsys):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for each, content in files.items():
            archive.writestr(each, content + b" " if each == name else content)
    code, shown, _ = ask(capsys, "verify", path)
    assert code == 1 and name in shown and "altered" in shown
    assert read_kept(path).altered == (name,)


def test_a_file_taken_out_or_put_in_is_found(files, tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr("more.csv" if name == "chances.csv" else name, content)
    assert read_kept(path).altered == ("chances.csv", "more.csv")
    assert same_numbers(read_kept(path))[0] is False


def test_a_table_of_a_folder_is_recomputed_too(result, tmp_path):
    save_run(result, tmp_path)
    assert same_numbers(read_kept(tmp_path))[0]
    text = (tmp_path / "spending.csv").read_text(encoding="utf-8")
    (tmp_path / "spending.csv").write_text(text.replace("chronic", "chronik", 1), encoding="utf-8")
    assert same_numbers(read_kept(tmp_path))[2].startswith("spending.csv")
    for name in TABLES:  # a run kept without its tables is held against its figures
        (tmp_path / name).unlink()
    assert same_numbers(read_kept(tmp_path))[0]


# --- what cannot be read ----------------------------------------------------------------------------

@pytest.mark.parametrize("cut", [0, 1, 100, -1, -30, -2000])
def test_a_damaged_zip_is_one_sentence(kept, cut):
    content = kept.read_bytes()
    kept.write_bytes(content[:cut])
    assert "zip" in refused(kept)


def test_a_flipped_byte_is_found(kept):
    content = bytearray(kept.read_bytes())
    content[2000] ^= 0xFF  # inside the packed data of an early file
    kept.write_bytes(content)
    assert "zip" in refused(kept)


@pytest.mark.parametrize("name", ["manifest.json", "figures.json", SUMS])
def test_what_a_run_cannot_do_without_is_named(files, tmp_path, name):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for each, content in files.items():
            if each != name:
                archive.writestr(each, content)
    assert refused(path).startswith(f"x.zip: {name}: is missing")


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/b.csv", "..\\x", "C:\\x", ".hidden", "x" * 100, "a b", "数.csv",
                                  "d/"])
def test_no_name_leads_outside(files, tmp_path, name):
    assert "is not the name of a file of a run" in refused(zipped(tmp_path / "x.zip", files | {name: b"1"}))
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_refused(files, tmp_path):
    path = zipped(tmp_path / "x.zip", files)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("figures.json", b"{}")
    assert "stands twice" in refused(path)


def test_a_member_that_swells_is_refused(files, tmp_path):
    path = zipped(tmp_path / "x.zip", files | {"summary.csv": b"0" * (MOST + 1)})
    assert path.stat().st_size < MOST // 20  # it is small while it is packed
    assert "larger than" in refused(path)


def test_a_member_that_lies_about_its_size_is_refused(files, tmp_path):
    """The size a zip states is not believed: unpacking stops at the limit whatever stands in the directory."""
    content = bytearray(zipped(tmp_path / "x.zip", files | {"z.csv": b"0" * 20_000_000}).read_bytes())
    at = content.rfind(b"PK\x01\x02", 0, content.rfind(b"z.csv"))
    assert struct.unpack_from("<I", content, at + 24) == (20_000_000,)
    struct.pack_into("<I", content, at + 24, 10)
    with pytest.raises(BadInput):
        unpacked(bytes(content), "x.zip")


def test_too_many_files_or_too_large_a_zip_is_refused(files, tmp_path):
    many = {f"f{n}.csv": b"" for n in range(MOST_FILES)}
    assert "holds more than" in refused(zipped(tmp_path / "x.zip", files | many))
    (tmp_path / "y.zip").write_bytes(b"0" * (MOST_ZIP + 1))
    assert "larger than" in refused(tmp_path / "y.zip")


def test_a_way_of_packing_that_has_no_bound_is_refused(files, tmp_path):
    assert "packed in a way" in refused(zipped(tmp_path / "x.zip", files, zipfile.ZIP_LZMA))


def test_an_encrypted_file_is_refused(kept):
    content = bytearray(kept.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.find(mark) + flags] |= 1
    kept.write_bytes(content)
    assert "zip" in refused(kept)


def test_text_that_is_none_is_one_sentence(files, tmp_path):
    assert "is damaged" in refused(zipped(tmp_path / "x.zip", files | {"figures.json": b"\xff\xfe\xff"}))
    assert "is damaged" in refused(zipped(tmp_path / "y.zip", files | {"manifest.json": b"[" * 100_000}))


def test_the_longest_run_stays_within_the_bounds():
    """A file of sixty years: what is written can be read again."""
    longest = load_scenario("benxi_2008").model_copy(update={"years": 60})
    written = files_of(simulate(longest, 16, 1, "table"))
    assert 5 * max(len(text.encode()) for text in written.values()) < MOST
