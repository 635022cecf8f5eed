"""Runs kept in a folder or a zip: a manifest, the tables, and the recomputation that checks them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from simulation import __version__, measures
from simulation.checking import check_scenario
from simulation.earlier import renewed
from simulation.model import MAX_DRAWS, simulate
from simulation.reading import build, read_text, too_large
from simulation.results import Result, aside_of
from simulation.scenario import Scenario
from simulation.terms import BadInput, Fault, Record, refuse, short, words
from simulation.writing import make, whole

TOLERANCE = 1e-9  # relative: what another machine's arithmetic may change
TABLES = {"summary.csv": measures.summary, "chances.csv": measures.chances, "spending.csv": measures.spending_by_tier}
SUMS = "SHA256SUMS"  # in a zip: the hash and name of every other file, as `sha256sum -c` reads them
MOST = 4_000_000  # bytes of one file of a run, unpacked; a run of sixty years takes a twentieth
MOST_ZIP = 8_000_000  # bytes of a zip, packed
MOST_FILES = 16
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what is unpacked piece by piece, within bounds
ROOT = Path(__file__).resolve().parent.parent
READ = ("simulation/**/*.py", "scenarios/**/*.yaml", "data/**/*")  # what a result may depend on beside its scenario
AGAIN = words("请重新运行并保存", "run and keep it again")
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # no folders: nothing a zip names can lie outside it


@cache
def code() -> str:
    """What tells this program's code and data from any other's: sixteen hexadecimal digits of their SHA-256."""
    found = hashlib.sha256()
    for path in sorted({path for pattern in READ for path in ROOT.glob(pattern) if path.is_file()}):
        found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]


def files_of(result: Result) -> dict[str, str]:
    """The files of a run by name: manifest.json (all that is needed to recompute), figures.json and tables as CSV."""
    if fault := aside_of(result):
        raise BadInput([fault])
    write = lambda data: json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True)  # noqa: E731
    return {"manifest.json": write(result.manifest | {"code": code()}), "figures.json": write(measures.report(result)),
            **{name: table(result).to_csv(index=False, lineterminator="\n") for name, table in TABLES.items()}}


def save_run(result: Result, folder: Path) -> None:
    """Write the files of a run into a folder, which is made if it is not there.

    All are written before the first takes its name, and the manifest takes its own last: a folder with one is whole.
    """
    files = files_of(result)
    make(folder)
    manifest = folder / "manifest.json"
    with ExitStack() as parts:  # takes leave in the opposite order
        for path in (manifest, *(folder / name for name in files if name != manifest.name)):
            parts.enter_context(whole(path)).write_bytes(files[path.name].encode())
        if manifest.is_file():
            manifest.unlink()


class Manifest(Record):
    """All that is needed to make a run again."""

    scenario: str
    scenario_hash: str
    scenario_text: str
    seed: Annotated[int, Field(ge=0, lt=2**63, strict=True)]
    draws: Annotated[int, Field(ge=16, le=MAX_DRAWS, strict=True)]
    engine: Literal["table", "exact"]
    model: str
    code: Annotated[str, Field(pattern="^([0-9a-f]{16})?$")] = ""  # runs of 0.1.0 do not say it
    numpy: str
    scipy: str

    @property
    def maker(self) -> str:
        """The version that made the run, with the digits of its code where it says them."""
        return f"{self.model} ({self.code})" if self.code else self.model


class KeptRun(NamedTuple):
    """A run as a folder or a zip keeps it."""

    manifest: Manifest
    figures: dict
    tables: dict[str, str]  # those of `TABLES` that are there, as text
    altered: tuple[str, ...] = ()  # files of a zip that are not what its list of hashes says


def read_run(path: Path) -> tuple[Manifest, dict]:
    """The manifest and figures of a kept run; raises `BadInput` where they cannot be read."""
    kept = read_kept(path)
    return kept.manifest, kept.figures


def read_kept(path: Path) -> KeptRun:
    """All of a kept run that can be held against its recomputation, from its folder or zip; raises `BadInput`."""
    texts, altered = zipped(path) if path.is_file() else foldered(path)
    data = read_json(texts["manifest.json"], "manifest.json")
    with told_of(data.get("model"), "manifest.json"):
        manifest = build(Manifest, data, "manifest.json")
    return KeptRun(manifest, read_json(texts["figures.json"], "figures.json"),
                {name: texts[name] for name in TABLES if name in texts}, altered)


def read_json(text: str, place: str) -> dict:
    """A JSON object whose numbers are all finite, or one clear fault."""
    try:
        data = json.loads(text, parse_float=finite, parse_int=finite, parse_constant=finite)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise refuse(place, words("内容损坏", "is damaged"), AGAIN)
    return data


def finite(text: str) -> float:
    """A number of JSON, or `ValueError` where it is none, is infinite or is beyond what can be reckoned with.

    >>> finite("16"), finite("0.5")
    (16, 0.5)
    """
    if not isfinite(float(text)):
        raise ValueError(text)
    return int(text) if text.lstrip("-").isdigit() else float(text)


def scenario_of(manifest: Manifest) -> Scenario:
    """The scenario a run was made of; raises `BadInput` where this version cannot read it."""
    with told_of(manifest.maker, "manifest.json: scenario_text"):
        return build(Scenario, renewed(read_json(manifest.scenario_text, "manifest.json: scenario_text")),
                     "manifest.json: scenario_text", check_scenario)


@contextmanager
def told_of(maker: object, place: str) -> Iterator[None]:
    """Say first, of what cannot be read, that another version made it and what to do."""
    try:
        yield
    except BadInput as bad:
        if maker is None or maker in (__version__, f"{__version__} ({code()})"):
            raise
        raise BadInput([Fault(place, words(f"由版本 {short(maker)} 生成，本版本 {__version__} 读不了",
                                           f"was made by version {short(maker)}, which this one, {__version__}, "
                                           "cannot read"),
                              words("请用该版本重新计算，或用本版本重新运行同名情景",
                                    "recompute it with that version, or run its scenario again with this one")),
                        *bad.faults]) from None


def same_numbers(kept: KeptRun) -> tuple[bool, float, str]:
    """Recompute a run from its manifest: whether it is the same, the largest relative difference, and where.

    The difference is infinite where a figure is missing or is not a number, and where a file of a zip that is not
    recomputed is not the one that was written.
    """
    manifest = kept.manifest
    scenario = scenario_of(manifest)
    if hashlib.sha256(manifest.scenario_text.encode()).hexdigest() != manifest.scenario_hash:
        return False, float("inf"), "scenario_hash"
    result = simulate(scenario, manifest.draws, manifest.seed, manifest.engine)
    again = measures.report(result)
    # The fingerprint also names the libraries' versions, which may differ where the numbers do not.
    found = [difference({name: value for name, value in again.items() if name != "fingerprint"},
                        {name: kept.figures.get(name) for name in again if name != "fingerprint"}, "figures")]
    found += [difference(rows(TABLES[name](result).to_csv(index=False)), rows(text), name)
              for name, text in kept.tables.items()]
    largest, where = max(found)
    if largest <= TOLERANCE and kept.altered:
        return False, float("inf"), kept.altered[0]
    return largest <= TOLERANCE, largest, where


def rows(text: str) -> list[list[float | str]]:
    r"""The cells of a CSV text, figures as numbers.

    >>> rows("year,mean\n2008,1.5")
    [['year', 'mean'], [2008.0, 1.5]]
    """
    def cell(written: str) -> float | str:
        try:
            return float(written)
        except ValueError:
            return written

    return [[cell(written) for written in row] for row in csv.reader(io.StringIO(text))]


def difference(a: Any, b: Any, place: str) -> tuple[float, str]:
    """The largest relative difference between two trees of numbers, and where it is.

    >>> difference({"x": [1.0, 2.0]}, {"x": [1.0, 2.2]}, "run")[1]
    'run.x.1'
    """
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        pairs = [difference(a[name], b[name], f"{place}.{name}") for name in a]
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        pairs = [difference(x, y, f"{place}.{n}") for n, (x, y) in enumerate(zip(a, b, strict=True))]
    elif isinstance(a, int | float) and isinstance(b, int | float):
        gap = abs(a - b) / max(abs(a), abs(b), 1e-12) if a != b else 0.0
        return gap if gap >= 0 else float("inf"), place
    else:
        return (0.0, place) if a == b else (float("inf"), place)
    return max(pairs, default=(0.0, place))


# --- a folder and a zip -----------------------------------------------------------------------------

def foldered(folder: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """The texts of a run kept in a folder; nothing says whether its other files were altered."""
    wanted = ["manifest.json", "figures.json", *(name for name in TABLES if (folder / name).is_file())]
    return {name: read_text(folder / name, MOST) for name in wanted}, ()


def zipped(path: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """The texts of a run kept in a zip, and the files in it that are not what its list of hashes says."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_ZIP + 1)
    except OSError:
        raise refuse(path.name, words("读不到这个文件", "the file cannot be read"),
                     words("请检查路径和权限", "check the path and permissions")) from None
    files = unpacked(content, path.name)
    for name in ("manifest.json", "figures.json", SUMS):
        if name not in files:
            raise refuse(f"{path.name}: {name}", words("缺少", "is missing"), AGAIN)
    texts = {}
    for name in ("manifest.json", "figures.json", SUMS, *TABLES):
        try:
            texts |= {name: files[name].decode("utf-8-sig")} if name in files else {}
        except UnicodeDecodeError:
            raise refuse(f"{path.name}: {name}", words("内容损坏", "is damaged"), AGAIN) from None
    said = {name: digest for digest, _, name in (line.partition("  ") for line in texts[SUMS].splitlines())}
    found = {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != SUMS}
    return texts, tuple(sorted(name for name in said.keys() | found.keys() if said.get(name) != found.get(name)))


def unpacked(content: bytes, place: str) -> dict[str, bytes]:
    """The files of a zip by name, read in memory and nowhere else; raises `BadInput`.

    What a zip says of itself is not believed: names are plain names and never paths, and no file is unpacked beyond
    `MOST` bytes, however little of the zip it takes.
    """
    if len(content) > MOST_ZIP:
        raise too_large(place, MOST_ZIP)
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) > MOST_FILES:
                raise refuse(place, words(f"文件多于 {MOST_FILES} 个", f"holds more than {MOST_FILES} files"), AGAIN)
            for member in members:
                where = f"{place}: {short(member.filename)}"
                if not FILE_NAME.fullmatch(member.filename) or member.filename in files:
                    raise refuse(where, words("不是运行文件的名称，或名称重复",
                                              "is not the name of a file of a run, or stands twice"), AGAIN)
                if member.compress_type not in PACKED:
                    raise refuse(where, words("压缩方式不支持", "is packed in a way that is not read"), AGAIN)
                with archive.open(member) as file:
                    files[member.filename] = file.read(MOST + 1)
                if len(files[member.filename]) > MOST:
                    raise too_large(where, MOST)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError,
            ValueError, struct.error) as error:
        if isinstance(error, BadInput):
            raise
        raise refuse(place, words("不是完好的 zip 文件", "is not a zip in good order"), AGAIN) from None
    return files
