"""Which runs can be held against each other, draw by draw, and why others cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from simulation import __version__, measures
from simulation.assumptions import ASSUMED
from simulation.loading import load_scenario
from simulation.model import simulate
from simulation.results import LIBRARIES, Result, aside_of
from simulation.runs import TOLERANCE, difference, read_run, scenario_of
from simulation.scenario import Scenario
from simulation.steps.utilisation import dimensions
from simulation.terms import LANGUAGES, BadInput, Fault, Words, refuse, words

Item = Scenario | Result | str | Path


class Entry(NamedTuple):
    """One scenario to be compared, and its run where it has been made."""

    name: str
    scenario: Scenario
    result: Result | None = None


def entered(scenarios: Sequence[Item] | Mapping[str, Item]) -> list[Entry]:
    """What is to be compared, each under a name of its own."""
    named = list(scenarios.items()) if isinstance(scenarios, Mapping) else [(None, item) for item in scenarios]
    if len(named) < 2:
        raise refuse("scenarios", words("至少需要两个情景", "one scenario cannot be compared"),
                     words("请再给一个", "give at least two"))
    entries: list[Entry] = []
    for name, item in named:
        entry = entry_of(item)
        wanted, taken = name or entry.name, {other.name for other in entries}
        n = next(n for n in range(1, len(named) + 1) if (wanted if n == 1 else f"{wanted} ({n})") not in taken)
        entries.append(entry._replace(name=wanted if n == 1 else f"{wanted} ({n})"))
    return entries


def entry_of(item: Item) -> Entry:
    """A scenario by name or file, as it stands, or with the run that was made of it."""
    if isinstance(item, Result):
        return Entry(item.scenario.name, item.scenario, item)
    if isinstance(item, Scenario):
        return Entry(item.name, item)
    if is_kept(item):
        result = made_again(Path(item))
        return Entry(Path(item).name, result.scenario, result)
    scenario = load_scenario(item)
    return Entry(scenario.name, scenario)


def is_kept(item: str | Path) -> bool:
    """Whether a path is that of a kept run: its folder, or its zip."""
    path = Path(item)
    return path.is_file() if path.suffix.lower() == ".zip" else (path / "manifest.json").is_file()


def made_again(folder: Path) -> Result:
    """The run that a folder or zip keeps, made again; refused where this version is another or gives other figures."""
    manifest, figures = read_run(folder)
    remedy = words("请用当前版本重新运行并保存；reconcile 可说明变动来自哪里",
                   "run and keep it again with this version; reconcile says where the change comes from")
    if manifest.model != __version__:
        raise refuse(str(folder), words(f"由版本 {manifest.model} 生成，当前版本为 {__version__}",
                                        f"was made by version {manifest.model}, and this is {__version__}"), remedy)
    result = simulate(scenario_of(manifest), manifest.draws, manifest.seed, manifest.engine)
    again = {name: value for name, value in measures.report(result).items() if name != "fingerprint"}
    gap, where = difference(again, {name: figures.get(name) for name in again}, "figures")
    if gap > TOLERANCE:
        raise refuse(str(folder), words(f"当前程序算出的结果不同（{where}）",
                                        f"is not what this code gives ({where} differs)"), remedy)
    return Result(result.scenario, result.data, manifest.model_dump())


def check_alike(entries: Sequence[Entry], draws: int, seed: int, engine: str) -> None:
    """Refuse runs that are not of the same futures, with every reason."""
    first, faults = entries[0], []

    def fault(entry: Entry, what: Words, remedy: Words) -> None:
        faults.append(Fault(entry.name, what, remedy))

    engines = {entry.result.manifest["engine"] for entry in entries if entry.result} | {engine} - {"auto"}
    for entry in entries:
        made = entry.result.manifest if entry.result else {}
        if entry.result and (aside := aside_of(entry.result)):
            fault(entry, aside.what, aside.remedy)
        if made and made["model"] != __version__:
            fault(entry, words(f"由版本 {made['model']} 生成，当前版本为 {__version__}",
                               f"was made by version {made['model']}, and this is {__version__}"),
                  words("请用当前版本重新运行", "run it again with this version"))
        for name, wanted, word in (("draws", draws, "模拟次数"), ("seed", seed, "种子")):
            if made and made[name] != wanted:
                fault(entry, words(f"{word}为 {made[name]}，其余为 {wanted}",
                                   f"has {name} {made[name]} where {wanted} is asked for"),
                      words(f"请用 {name} {made[name]} 比较", f"compare with {name} {made[name]}"))
        if made and len(engines) > 1:
            fault(entry, words(f"引擎为 {made['engine']}，并非都相同",
                               f"is of the {made['engine']} engine, and not all are"),
                  words("请都用同一个引擎", "use one engine for all"))
        a, b = first.scenario, entry.scenario
        spans = [f"{s.first_year}-{s.horizon()[-1]}" for s in (a, b)]
        if spans[0] != spans[1]:
            fault(entry, words(f"年份为 {spans[1]}，{first.name} 为 {spans[0]}",
                               f"covers {spans[1]} where {first.name} covers {spans[0]}"),
                  words("请选择年份相同的情景", "choose scenarios of the same years"))
        elif tuple(a.axes.area) != tuple(b.axes.area):
            fault(entry, words(f"统筹地区与 {first.name} 不同", f"has other areas than {first.name}"),
                  words("请选择县区划分相同的情景", "choose scenarios of the same areas"))
        elif apart := sorted(set(dimensions(a)) ^ set(dimensions(b))):
            some = ", ".join(apart[:3])
            fault(entry, words(f"不确定的因素与 {first.name} 不同（{len(apart)} 项，如 {some}），各次模拟不是同一未来",
                               f"is uncertain about other things than {first.name} ({len(apart)}, such as {some}), so "
                               "its draws are not the same futures"),
                  words("请比较由同一情景改出的方案", "compare reforms of one scenario"))
    if faults:
        raise BadInput(faults)


def notes(entries: Sequence[Entry]) -> list[Words]:
    """What differs beside the rules although the runs can be compared."""
    found, first = [], entries[0].scenario
    for entry in entries[1:]:
        if apart := unlike_assumptions(first, entry.scenario):
            chinese, english = (between.join(title_of(name, language) for name in apart[:3])
                                for language, between in zip(LANGUAGES, ("、", ", "), strict=True))
            found.append(words(
                f"“{entry.name}”有 {len(apart)} 项假设与“{entries[0].name}”不同（{chinese}）；差异中含其影响",
                f"'{entry.name}' rests on other assumptions than '{entries[0].name}' ({len(apart)}: {english}); the "
                "differences include what they do"))
    for entry in entries:
        made = entry.result.manifest if entry.result else LIBRARIES
        if other := [f"{name} {made[name]}" for name, now in LIBRARIES.items() if made[name] != now]:
            listed = ", ".join(other)
            found.append(words(f"{entry.name} 当时用 {listed} 生成，现已重算",
                               f"{entry.name} was made with {listed} and has been computed again"))
    return found


def title_of(name: str, language: str) -> str:
    """An assumption by its title."""
    section, _, field = name.partition(".")
    return ASSUMED[section].terms()[field].title[language] if section in ASSUMED else name


def unlike_assumptions(a: Scenario, b: Scenario) -> list[str]:
    """The assumptions whose value or interval is not the same in two scenarios, by dotted name."""
    said = lambda scenario, section, name: getattr(  # noqa: E731
        getattr(scenario.assumptions, section), name).model_dump(exclude={"source"})
    found = [f"{section}.{name}" for section, model in ASSUMED.items() for name in model.model_fields
             if said(a, section, name) != said(b, section, name)]
    pairs = [{frozenset(pair.between): pair.value for pair in s.assumptions.correlations} for s in (a, b)]
    return found + (["correlations"] if pairs[0] != pairs[1] else [])


def years_alike(a: Scenario, b: Scenario) -> int:
    """In how many years from the first two scenarios cannot differ: before the first change that only one has, or that
    stands elsewhere among those of its year.

    >>> from simulation.scenario import Change
    >>> from simulation.terms import Source
    >>> late = Change(lever="benefits.ceiling", year=2011, value=1000, source=Source(status="assumption"))
    >>> years_alike(load_scenario("benxi_2008"), load_scenario("benxi_2008").changed([late]))
    3
    """
    if unlike_assumptions(a, b) or (a.policy, a.local_rules, a.axes) != (b.policy, b.local_rules, b.axes):
        return 0
    of = lambda scenario, year: [change for change in scenario.changes if change.year <= year]  # noqa: E731
    return next((t for t, year in enumerate(a.horizon()) if of(a, year) != of(b, year)), a.years)
