"""Bad input: each fault is one line that names the file, the place and the remedy, soon, in both languages."""

import os
import re
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from simulation import loading
from simulation.__main__ import main

ROOT = Path(__file__).resolve().parent.parent


def plain(name: str) -> str:
    """A scenario of the library, less its notes, which only take time to read."""
    return re.sub(r", note: \{[^{}]*\}", "", (ROOT / "scenarios" / f"{name}.yaml").read_text(encoding="utf-8"))


GOOD, DOCTORS = plain("benxi_2008"), plain("nanning_family_doctor_2019")
BILLS = """
person: {group: adult, status: ordinary, contribution_years: 3, contracted: false}
bills:
  - {kind: inpatient, tier: level_1, expense: 3000, eligible: 2200}
"""
CHANGE = "\nchanges:\n  - {lever: benefits.ceiling, year: 2010, value: 40000, source: {status: assumption}}\n"

FAULT = re.compile(r"(?P<place>\S.*?)(?:: |：)(?P<what>[^;；]*\S)(?:; |；)(?P<remedy>\S.*)")
CHINESE = re.compile("[\u4e00-\u9fff]")
SOON = 5.0  # seconds: a refusal takes a fifth of one; busy neighbours may slow it, but not to the minutes of a blow-up


@pytest.fixture
def faults(capsys):
    """The fault lines of a command that must refuse, in English; the Chinese ones are checked on the way."""

    def command(*arguments: object) -> list[str]:
        said = {}
        for language in ("en", "zh"):
            begun = time.thread_time()
            try:
                code = main([*map(str, arguments), "--lang", language])
            except SystemExit as left:
                code = left.code
            spent = time.thread_time() - begun
            shown = capsys.readouterr()
            assert code == 2 and shown.out == ""
            assert spent < SOON
            said[language] = shown.err.splitlines()
            for line in said[language]:
                fault = FAULT.fullmatch(line)
                assert fault, line
                assert not fault["remedy"].endswith(("did you mean", "是否为：")), line
        assert len(said["en"]) == len(said["zh"])
        assert all(CHINESE.search(FAULT.fullmatch(line)["remedy"]) for line in said["zh"])
        assert not any(CHINESE.search(line) for line in said["en"])
        return said["en"]

    return command


def swapped(text: str, old: str, new: str) -> str:
    """The text with the first `old` replaced; it must be there."""
    assert old in text, old
    return text.replace(old, new, 1)


# --- scenarios: what is replaced, by what, and the place the fault names ---------------------------

def found(pattern: str) -> str:
    """What stands in the good scenario, where its estimates may change."""
    return re.search(pattern, GOOD)[0]


def line_of(text: str) -> str:
    """The line of the good scenario on which a text begins."""
    return f"line {GOOD[:GOOD.index(text)].count(chr(10)) + 1}"


DEDUCTIBLE, RATE = "policy.benefits.deductible.inpatient", "policy.benefits.rate.inpatient.adult.level_1"
GROWTH = "assumptions.utilisation.admission_growth.range"
INTERVAL = found(r"admission_growth:\n +value: .*\n +range: .*\n")
ARREARS = "{status: law, document: benxi, clause: 第十二条}"
MULTIPLIERS = found(r"admissions:\n +value: .*\n +factor: .*\n")
MIX = found(r"tier_mix:\n +value:\n +child: \{level_1: [\d.]+")
PEOPLE = found(r"residents:\n +value:\n +child: \{ordinary: \d+")
CORRELATION = found(r"- between: .*\n +value: .*\n")
OWN = "assumptions.correlations.0"  # those of shared evidence come after
KINDS = ("    inpatient: {zh: 住院, en: Inpatient}\n",
         "    chronic: {zh: 门诊特殊病种, en: Special-disease outpatient}\n")


def ranged(interval: str) -> str:
    """The growth of admissions with another interval."""
    return re.sub("range: .*", f"range: {interval}", INTERVAL)


SCENARIOS = {
    # keys
    "a misspelt key at the top": ("first_year:", "frist_year:", "frist_year"),
    "a misspelt section": ("  lines:\n", "  lanes:\n", "policy.lanes"),
    "a misspelt lever": ("    deductible_floor:", "    deductible_flor:", "policy.benefits.deductible_flor"),
    "a misspelt assumption": ("returner_share:", "returner_shares:", "assumptions.people.returner_shares"),
    "a misspelt key of a value": ("      value: 30000", "      values: 30000", "policy.benefits.ceiling.values"),
    "a misspelt key of a source": ("clause: 第九条}", "claus: 第九条}", "policy.financing.premium.source.claus"),
    "a misspelt language": ("inpatient: {zh: 住院, en:", "inpatient: {zh: 住院, eng:", "axes.kind.inpatient.eng"),
    "a misspelt tier": ("inpatient: {level_1: 200", "inpatient: {levl_1: 200", DEDUCTIBLE + ".levl_1"),
    "a key too many": ("years: 10\n", "years: 10\nmonths: 120\n", "months"),
    "a tier too many": ("level_1: 200, ", "level_1: 200, level_9: 1, ", DEDUCTIBLE + ".level_9"),
    "a language too many": ("zh: 住院, en:", "fr: soins, zh: 住院, en:", "axes.kind.inpatient.fr"),
    "a key that is a number": ("years: 10\n", "years: 10\n5: 1\n", "5"),
    "a repeated key at the top": ("years: 10\n", "years: 10\nyears: 12\n", "years"),
    "a repeated section": ("  lines:\n", "  enrolment: {}\n  lines:\n", "enrolment"),
    "a repeated tier": ("adult: {level_1: 0.60", "adult: {level_1: 0.50, level_1: 0.60", "level_1"),
    "a repeated key of a source": (ARREARS, "{status: law, status: law, document: benxi}", "status"),
    # what is missing
    "no first year": ("first_year: 2008\n", "", "first_year"),
    "no number of years": ("years: 10\n", "", "years"),
    "no story in English": ("  en: A north-eastern", "  # A north-eastern", "story.en"),
    "no lines": (GOOD[GOOD.index("  lines:\n"):GOOD.index("\nassumptions:")], "", "policy.lines"),
    "no people": (GOOD[GOOD.index("    residents:\n"):GOOD.index("    population_growth:")], "",
                  "assumptions.people.residents"),
    "no value": ("      value: 30000\n", "", "policy.benefits.ceiling.value"),
    "no source": (": 30000\n      source: {status: law, document: benxi, clause: 第十八条}\n", ": 30000\n",
                  "policy.benefits.ceiling.source"),
    "no seniors in a table": ("        senior: {ordinary: 195, low_income: 55, disabled: 55, marginal: 125}\n", "",
                              "policy.financing.contribution.senior"),
    "an empty row": ("child: {ordinary: 40, low_income: 15, disabled: 15, marginal: 30}", "child: {}",
                     "policy.financing.contribution.child"),
    "nothing where a number belongs": ("      value: 100\n", "      value:\n", "policy.benefits.deductible_floor"),
    "no document of a law": (ARREARS, "{status: law}", "policy.enrolment.arrears_share.source"),
    # values
    "words for a number": ("value: 30000", "value: plenty", "policy.benefits.ceiling"),
    "a number in quotes": ("value: 30000", 'value: "30000"', "policy.benefits.ceiling"),
    "a rate in quotes": ("adult: {level_1: 0.60", 'adult: {level_1: "0.60"', RATE),
    "years in quotes": ("years: 10\n", 'years: "10"\n', "years"),
    "yes for years": ("years: 10\n", "years: true\n", "years"),
    "half a year": ("years: 10\n", "years: 10.5\n", "years"),
    "too many years": ("years: 10\n", "years: 1000\n", "years"),
    "a first year long ago": ("first_year: 2008", "first_year: 208", "first_year"),
    "yes for a number": ("value: 30000", "value: true", "policy.benefits.ceiling"),
    "a date for a number": ("value: 30000", "value: 2008-01-01", "policy.benefits.ceiling"),
    "a list for a number": ("value: 30000", "value: [30000]", "policy.benefits.ceiling"),
    "a table for a number": ("value: 30000", "value: {child: 30000}", "policy.benefits.ceiling"),
    "a rate of 1.4": ("adult: {level_1: 0.60", "adult: {level_1: 1.4", RATE),
    "not a number": ("value: 30000", "value: .nan", "policy.benefits.ceiling"),
    "infinity": ("value: 30000", "value: .inf", "policy.benefits.ceiling"),
    "a number of 400 digits": ("value: 30000", "value: 1" + 400 * "0", "policy.benefits.ceiling"),
    "a number of 5,000 digits": ("value: 30000", "value: 1" + 5000 * "0", ""),
    "a negative ceiling": ("value: 30000", "value: -30000", "policy.benefits.ceiling"),
    "negative people": (PEOPLE, re.sub(r"\d+$", "-5", PEOPLE), "assumptions.people.residents.child.ordinary"),
    "a word that is not a choice": ("value: above_ceiling", "value: below_ceiling", "policy.benefits.critical_base"),
    "a rumour for a source": (ARREARS, "{status: rumour}",
                              "policy.enrolment.arrears_share.source.status"),
    "a name with spaces": ("name: benxi_2008", "name: Benxi 2008", "name"),
    "one language only": (GOOD[GOOD.index("title:\n"):GOOD.index("story:\n")], "title: Benxi\n", "title"),
    # what must fit together
    "a mix of more than 1": (MIX, re.sub(r"[\d.]+$", "0.999", MIX), "assumptions.utilisation.tier_mix.child"),
    "an interval beside its value": (INTERVAL, ranged("[0.4, 0.45]"), GROWTH),
    "an interval the wrong way round": (INTERVAL, ranged("[0.45, -0.25]"), GROWTH),
    "an endless interval": (INTERVAL, ranged("[-0.25, .inf]"), GROWTH),
    "an interval in quotes": (INTERVAL, ranged('["-0.25", 0.45]'), GROWTH),
    "an interval of three": (INTERVAL, ranged("[-0.25, 0.05, 0.45]"), GROWTH),
    "an interval beyond the bounds": (INTERVAL, ranged("[-0.25, 0.9]"), GROWTH),
    "multipliers above 1": (MULTIPLIERS, re.sub(r"factor: .*", "factor: [1.05, 1.18]", MULTIPLIERS),
                            "assumptions.utilisation.admissions.factor"),
    "a document nobody listed": ("document: shandong_2011", "document: shandong_2012",
                                 "policy.lines.surplus_ratio.source.document"),
    "a correlation with nothing": (CORRELATION, re.sub(r"\[[^,]*", "[utilisation.cost_groth", CORRELATION),
                                   OWN),
    "a correlation written twice": (CORRELATION, CORRELATION + "      source: {status: assumption}\n    " + re.sub(
        r"\[(.*), (.*)\]", r"[\2, \1]", CORRELATION), "correlations.1"),
    "a correlation with itself": (CORRELATION, re.sub(r"\[(.*),.*\]", r"[\1, \1]", CORRELATION),
                                  OWN),
    "a correlation of 1.4": (CORRELATION, re.sub("value: .*", "value: 1.4", CORRELATION),
                             OWN + ".value"),
    "a correlation in quotes": (CORRELATION, re.sub("value: .*", 'value: "0.3"', CORRELATION),
                                OWN + ".value"),
    "a primary tier nobody listed": ("primary: [level_1]", "primary: [level_0]", "axes.primary.level_0"),
    "a tier away that nobody listed": ("away: [out_of_city]", "away: [out_of_town]", "axes.away.out_of_town"),
    "special diseases before stays": (KINDS[0] + KINDS[1], KINDS[1] + KINDS[0], "axes.kind"),
    "ages of an unknown group": ("ages: {child:", "ages: {chld:", "axes.ages"),
    "ages of two groups only": ("child: [0, 17], ", "", "axes.ages"),
    "ages in another order": ("child: [0, 17], adult: [18, 59]", "adult: [18, 59], child: [0, 17]", "axes.ages"),
    "ages the wrong way round": ("child: [0, 17]", "child: [17, 0]", "axes.ages"),
    "an age of 130": ("senior: [60, 100]", "senior: [60, 130]", "axes.ages.senior.1"),
    "an age in quotes": ("senior: [60, 100]", 'senior: ["60", 100]', "axes.ages.senior.0"),
    "one age": ("senior: [60, 100]", "senior: [60]", "axes.ages.senior"),
    "classes of more than 1": ("inpatient: {level_1: 0.72", "inpatient: {level_1: 0.95",
                               "assumptions.utilisation.class_a_share.inpatient"),
    "an interval where the model takes one value": (
        "dispersion:\n      value: 0.6\n", "dispersion:\n      value: 0.6\n      range: [0.4, 0.9]\n",
        "assumptions.utilisation.dispersion"),
    "one interval for all groups": (MULTIPLIERS, re.sub(r"factor: .*", "range: [0.02, 0.05]", MULTIPLIERS),
                                    "assumptions.utilisation.admissions.range"),
    # what it is built on
    "an unknown scenario to extend": ("extends: evidence", "extends: evidense", "extends"),
    "a path to extend": ("extends: evidence", "extends: ../scenarios/benxi_2008", "extends"),
    "a file of the system to extend": ("extends: evidence", "extends: /etc/passwd", "extends"),
    "the name of a file to extend": ("extends: evidence", "extends: evidence.yaml", "extends"),
    "two to extend": ("extends: evidence", "extends: [evidence, nrcms]", "extends"),
    "nothing to extend": ("extends: evidence", "extends:", "extends"),
    # YAML
    "an anchor": ("value: 30000", "value: &limit 30000", line_of("value: 30000")),
    "an alias": ("value: 30000", "value: *limit", line_of("value: 30000")),
    "a tag": ("value: 30000", "value: !!python/object:os.system {}", line_of("value: 30000")),
    "a tab": ("  group:\n", "\tgroup:\n", line_of("  group:\n")),
    "a bracket left open": ("primary: [level_1]", "primary: [level_1", "line"),
    "a colon too many": ("name: benxi_2008", "name: benxi: 2008", line_of("name: benxi")),
    "a second document": ("assumptions:\n", "---\nassumptions:\n", "line"),
}


@pytest.mark.parametrize("what", SCENARIOS)
def test_a_fault_of_a_scenario_is_one_line(faults, tmp_path: Path, what: str) -> None:
    old, new, place = SCENARIOS[what]
    path = tmp_path / "city.yaml"
    path.write_text(swapped(GOOD, old, new), encoding="utf-8")
    lines = faults("validate", path)
    assert len(lines) == 1, lines
    assert lines[0].startswith(f"{path}: ") and place in lines[0].removeprefix(f"{path}: ")


def test_every_assumption_that_nothing_else_gives_is_named(faults, tmp_path: Path) -> None:
    """What `evidence` gives is there; all else that must be said is a line of its own."""
    path = tmp_path / "city.yaml"
    path.write_text(GOOD[:GOOD.index("\nassumptions:")], encoding="utf-8")
    lines = faults("validate", path)
    assert all(line.startswith(f"{path}: assumptions.") and "missing" in line for line in lines)
    assert len(lines) == len(set(lines)) > 5
    assert not any("contribution_elasticity" in line for line in lines)
    path.write_text(swapped(GOOD[:GOOD.index("\nassumptions:")], "extends: evidence\n", ""), encoding="utf-8")
    assert [line.removeprefix(f"{path}: ").split(":")[0] for line in faults("validate", path)] == ["assumptions"]


# A scenario with pooled outpatient care, family doctors and ways of payment: a pattern, what takes its place.
MORE = {
    "a mix of visits of more than 1": (r"(outpatient_mix:\n +value:\n +child: \{\w+: )[\d.]+", r"\g<1>0.999",
                                       "assumptions.utilisation.outpatient_mix.child"),
    "classes of visits of more than 1": (r"(class_c_share:\n(?:.*\n){1,4}? +outpatient: )[^\n]*", r"\g<1>0.9",
                                         "assumptions.utilisation.class_a_share.outpatient"),
    "contracts of 1.4 of the seniors": (r"(coverage:\n +value: \{.*senior: )[\d.]+", r"\g<1>1.4",
                                        "policy.contracts.coverage.senior"),
    "a misspelt payer": (r"public_health: 60", "public_helth: 60", "policy.contracts.fee_weights.public_helth"),
    "a misspelt way of payment": (r"capitation: 0", "capitatoin: 0", "policy.payment.method.capitatoin"),
    "a lever of another section": (r"\n    fee_weights:", "\n    retention:", "policy.contracts.retention"),
}


@pytest.mark.parametrize("what", MORE)
def test_a_fault_of_a_scenario_with_more_to_it_is_one_line(faults, tmp_path: Path, what: str) -> None:
    pattern, new, place = MORE[what]
    path = tmp_path / "city.yaml"
    text, found = re.subn(pattern, new, DOCTORS, count=1)
    assert found
    path.write_text(text, encoding="utf-8")
    lines = faults("validate", path)
    assert len(lines) == 1, lines
    assert lines[0].startswith(f"{path}: ") and place in lines[0].removeprefix(f"{path}: ")


@pytest.mark.parametrize("change", ["payment.method.fee_for_service", "payment.method.fee_for_service.inpatient"])
def test_care_that_is_paid_in_no_way_is_one_line(faults, tmp_path: Path, change: str) -> None:
    path = tmp_path / "city.yaml"
    setting = f"  - {{lever: {change}, year: 2021, value: 0, source: {{status: assumption}}}}\n"
    path.write_text(swapped(DOCTORS, "\nchanges:\n", f"\nchanges:\n{setting}"), encoding="utf-8")
    line, = faults("validate", path)
    assert line.startswith(f"{path}: payment.method: from 2021 on all parts are 0 · Inpatient · ")
    # another way in its place, in the same year, is all it takes
    instead = setting.replace("fee_for_service", "global_budget").replace("value: 0", "value: 1")
    path.write_text(swapped(DOCTORS, "\nchanges:\n", f"\nchanges:\n{setting}{instead}"), encoding="utf-8")
    assert main(["validate", str(path)]) == 0


def test_a_band_has_one_name(faults, tmp_path: Path) -> None:
    """from_00 beside from_0 would be a second rate for the same yuan."""
    path = tmp_path / "city.yaml"
    path.write_text(plain("henan_nrcms_2011").replace("{from_0: ", "{from_00: 0.1, from_0: ", 1), encoding="utf-8")
    line, = faults("validate", path)
    assert "from_00" in line and "from_0" in line


def test_a_subsidy_that_nobody_bears_is_one_line(faults, tmp_path: Path) -> None:
    """All parts 0 once made the whole subsidy vanish without a word."""
    path = tmp_path / "city.yaml"
    setting = "  - {lever: financing.subsidy_weights, year: 2021, value: 0, source: {status: assumption}}\n"
    path.write_text(swapped(DOCTORS, "\nchanges:\n", f"\nchanges:\n{setting}"), encoding="utf-8")
    line, = faults("validate", path)
    assert line.startswith(f"{path}: financing.subsidy_weights: from 2021 on all parts are 0; ")
    assert main(["run", "benxi_2008", "--draws", "16", "--set", "contracts.fee_weights=0"]) == 2


def test_a_kind_of_care_that_is_not_simulated_is_one_line(faults, tmp_path: Path) -> None:
    path = tmp_path / "city.yaml"
    path.write_text(GOOD.replace(" chronic:", " dental:"), encoding="utf-8")
    lines = faults("validate", path)
    assert len(lines) == 1 and "axes.kind: " in lines[0], lines


@pytest.mark.parametrize(("chain", "refused"), [
    (["evidence"], False), (["a", "evidence"], False), (["a", "b", "c", "evidence"], False),
    (["a", "b", "c", "d", "e", "evidence"], True), (["a", "a"], True), (["a", "b", "a"], True)])
def test_a_chain_of_what_is_extended_ends(faults, capsys, tmp_path: Path, monkeypatch, chain: list,
                                          refused: bool) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    for part in ("evidence.yaml", "shocks.yaml"):
        (parts / part).write_text((loading.PARTS / part).read_text(encoding="utf-8"), encoding="utf-8")
    for name, base in zip(chain, chain[1:], strict=False):
        (parts / f"{name}.yaml").write_text(f"extends: {base}\n", encoding="utf-8")
    monkeypatch.setattr(loading, "PARTS", parts)
    path = tmp_path / "city.yaml"
    path.write_text(swapped(GOOD, "extends: evidence", f"extends: {chain[0]}"), encoding="utf-8")
    if refused:
        lines = faults("validate", path)
        assert len(lines) == 1 and "extends" in lines[0], lines
    else:
        assert main(["validate", str(path)]) == 0 and "valid" in capsys.readouterr().out


TWO_AREAS = swapped(GOOD, "  level:\n", """  area:
    north: {zh: 北县, en: North}
    south: {zh: 南县, en: South}
  level:
""")
LOCAL = "\nlocal_rules:\n  - {area: north, lever: benefits.ceiling, value: 20000, source: {status: assumption}}\n"
LOCAL_RULES = {
    "an unknown area": ("area: north", "area: nroth", "local_rules.0.area"),
    "no area": ("area: north, ", "", "local_rules.0.area"),
    "an unknown lever": ("benefits.ceiling", "benefits.celing", "benefits.celing"),
    "too deep a name": ("benefits.ceiling", "benefits.ceiling.adult", "benefits.ceiling.adult"),
    "an assumption": ("benefits.ceiling", "people.take_up", "people.take_up"),
    "a value out of bounds": ("value: 20000", "value: -1", "benefits.ceiling"),
    "a value in quotes": ("value: 20000", 'value: "20000"', "benefits.ceiling"),
    "a year": ("value: 20000", "value: 20000, year: 2010", "local_rules.0.year"),
    "no source": (", source: {status: assumption}", "", "local_rules.0.source"),
    "a document nobody listed": ("{status: assumption}", "{status: law, document: benxy}", "source.document"),
}


@pytest.mark.parametrize("what", LOCAL_RULES)
def test_a_fault_of_a_local_rule_is_one_line(faults, capsys, tmp_path: Path, what: str) -> None:
    old, new, place = LOCAL_RULES[what]
    path = tmp_path / "city.yaml"
    path.write_text(TWO_AREAS + LOCAL, encoding="utf-8")
    assert main(["validate", str(path)]) == 0 and "valid" in capsys.readouterr().out
    path.write_text(TWO_AREAS + swapped(LOCAL, old, new), encoding="utf-8")
    lines = faults("validate", path)
    assert len(lines) == 1, lines
    assert lines[0].startswith(f"{path}: ") and "local_rules.0" in lines[0] and place in lines[0]


def test_a_county_whose_care_is_paid_in_no_way_is_one_line(faults, tmp_path: Path) -> None:
    path = tmp_path / "city.yaml"
    path.write_text(TWO_AREAS + swapped(LOCAL, "benefits.ceiling, value: 20000", "payment.method, value: 0"),
                    encoding="utf-8")
    line, = faults("validate", path)
    assert line.startswith(f"{path}: payment.method: from 2008 on all parts are 0; ")


def test_a_local_rule_where_there_are_no_areas_is_one_line(faults, tmp_path: Path) -> None:
    path = tmp_path / "city.yaml"
    path.write_text(GOOD + LOCAL, encoding="utf-8")
    lines = faults("validate", path)
    assert len(lines) == 1 and "local_rules.0.area" in lines[0], lines


CHANGES = {
    "an unknown lever": ("benefits.ceiling", "benefits.celing", "benefits.celing"),
    "an assumption": ("benefits.ceiling", "people.take_up", "people.take_up"),
    "too deep a name": ("benefits.ceiling", "benefits.ceiling.adult", "benefits.ceiling.adult"),
    "a year before the first": ("year: 2010", "year: 2007", "benefits.ceiling@2007"),
    "a year after the last": ("year: 2010", "year: 2018", "benefits.ceiling@2018"),
    "a year in quotes": ("year: 2010", 'year: "2010"', "year"),
    "a value in quotes": ("value: 40000", 'value: "40000"', "benefits.ceiling"),
    "a value out of bounds": ("value: 40000", "value: -1", "benefits.ceiling"),
    "a table as a value": ("value: 40000", "value: {child: 40000}", "benefits.ceiling"),
    "a misspelt key": ("lever:", "lvere:", "lvere"),
    "no source": (", source: {status: assumption}", "", "source"),
    "a document nobody listed": ("{status: assumption}", "{status: law, document: benxy}", "source.document"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_fault_of_a_change_is_one_line(faults, tmp_path: Path, what: str) -> None:
    old, new, place = CHANGES[what]
    path = tmp_path / "city.yaml"
    path.write_text(GOOD + swapped(CHANGE, old, new), encoding="utf-8")
    lines = faults("validate", path)
    assert len(lines) == 1, lines
    assert lines[0].startswith(f"{path}: changes.0") and place in lines[0]


FILES = {
    "empty": b"",
    "a list": b"- a\n- b\n",
    "a sentence": b"the rules of our city",
    "10 MB": b"a: 1\n" * 2_000_000,
    "1 MB of lines": "".join(f"a{n}: 1\n" for n in range(80_000)).encode(),
    "5,000 brackets": b"[" * 5000,
    "5,000 brackets, closed": b"x: " + b"[" * 5000 + b"]" * 5000,
    "5,000 braces": b"x: " + b"{a: " * 5000,
    "500 indents": "".join(f"{n * ' '}a:\n" for n in range(500)).encode(),
    "bytes": bytes(range(256)) * 40,
    "a zero byte": GOOD.encode() + b"\0",
    "UTF-16 without its mark": GOOD.encode("utf-16-le"),
    "a picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
}


@pytest.mark.parametrize("what", FILES)
@pytest.mark.parametrize("command", ["validate", "run"])
def test_a_file_that_is_no_scenario_is_one_line(faults, tmp_path: Path, command: str, what: str) -> None:
    path = tmp_path / "city.yaml"
    path.write_bytes(FILES[what])
    lines = faults(command, path)
    assert len(lines) == 1, lines
    assert "city.yaml: " in lines[0]


@pytest.mark.parametrize("name", ["nowhere.yaml", "."])
def test_a_path_without_a_file_is_one_line(faults, tmp_path: Path, name: str) -> None:
    lines = faults("validate", tmp_path / name)
    assert len(lines) == 1, lines


def test_every_fault_of_every_file_is_listed(faults, tmp_path: Path) -> None:
    broken = swapped(swapped(GOOD, "value: 30000", "value: -1"), "child: {level_1: 0.70", "child: {level_1: 7.0")
    for name in ("first.yaml", "second.yaml"):
        (tmp_path / name).write_text(broken, encoding="utf-8")
    lines = faults("validate", tmp_path / "first.yaml", tmp_path / "second.yaml")
    assert [(Path(line.split(": ")[0]).name, line.split(": ")[1]) for line in lines] == [
        (name, place) for name in ("first.yaml", "second.yaml")
        for place in ("policy.benefits.rate.inpatient.child.level_1", "policy.benefits.ceiling")]


# --- bills -----------------------------------------------------------------------------------------

PEOPLE_AND_BILLS = {
    "a negative cost": ("3000", "-3000", "bills.0.expense"),
    "a negative part": ("2200", "-2200", "bills.0.eligible"),
    "a part above the whole": ("2200", "3200", "bills.0.eligible"),
    "words for a cost": ("3000", "plenty", "bills.0.expense"),
    "a cost in quotes": ("3000", '"3000"', "bills.0.expense"),
    "no cost": (" expense: 3000,", "", "bills.0.expense"),
    "not a number": ("3000", ".nan", "bills.0.expense"),
    "infinity": ("3000", ".inf", "bills.0.expense"),
    "a cost of 400 digits": ("3000", "1" + 400 * "0", "bills.0.expense"),
    "an unknown tier": ("level_1", "level_9", "bills.0.tier"),
    "an unknown kind": ("inpatient", "impatient", "bills.0.kind"),
    "an unknown group": ("adult", "adlt", "person.group"),
    "an unknown status": ("ordinary", "ordinery", "person.status"),
    "an unknown referring tier": ("2200", "2200, referred_from: level_9", "bills.0.referred_from"),
    "a misspelt key of a bill": ("expense:", "expence:", "bills.0.expence"),
    "a misspelt key of a person": ("group:", "grop:", "person.grop"),
    "a misspelt key at the top": ("person:", "persons:", "persons"),
    "a repeated key": ("expense: 3000", "expense: 3000, expense: 2000", "expense"),
    "negative years": ("contribution_years: 3", "contribution_years: -3", "person.contribution_years"),
    "years in words": ("contribution_years: 3", "contribution_years: three", "person.contribution_years"),
    "half a year": ("contribution_years: 3", "contribution_years: 3.5", "person.contribution_years"),
    "years as yes": ("contribution_years: 3", "contribution_years: true", "person.contribution_years"),
    "a contract as a word": ("contracted: false", 'contracted: "no"', "person.contracted"),
    "a supplement as a number": ("contracted: false", "commercial: 1", "person.commercial"),
    "a supplement as a word": ("contracted: false", "commercial: bought", "person.commercial"),
    "negative visits": ("2200", "2200, visits: -1", "bills.0.visits"),
    "half a visit": ("2200", "2200, visits: 2.5", "bills.0.visits"),
    "visits in words": ("2200", "2200, visits: three", "bills.0.visits"),
    "visits as yes": ("2200", "2200, visits: true", "bills.0.visits"),
    "5,000 visits": ("2200", "2200, visits: 5000", "bills.0.visits"),
    "outpatient care where none is pooled": ("kind: inpatient", "kind: outpatient", "bills.0.kind"),
    "no bills": (BILLS[BILLS.index("bills:"):], "", "bills"),
    "one bill without a dash": ("  - {", "  {", "bills"),
}


@pytest.mark.parametrize("what", PEOPLE_AND_BILLS)
def test_a_fault_of_a_bill_is_one_line(faults, tmp_path: Path, what: str) -> None:
    old, new, place = PEOPLE_AND_BILLS[what]
    path = tmp_path / "bills.yaml"
    path.write_text(swapped(BILLS, old, new), encoding="utf-8")
    lines = faults("settle", "benxi_2008", "--bills", path)
    assert len(lines) == 1, lines
    assert lines[0].startswith("bills.yaml: ") and place in lines[0].removeprefix("bills.yaml: ")


NOT_BILLS = {
    "5,000 bills": (BILLS + 5000 * (BILLS.splitlines()[-1] + "\n")).encode(),
    "1,001 short bills": (BILLS + 1000 * "  - {kind: inpatient, tier: level_1, expense: 1}\n").encode(),
    "a list": b"- a\n",
    "empty": b"",
    "UTF-16 without its mark": "person: 某人".encode("utf-16-le"),
}


@pytest.mark.parametrize("what", NOT_BILLS)
def test_a_file_that_holds_no_bills_is_one_line(faults, tmp_path: Path, what: str) -> None:
    path = tmp_path / "bills.yaml"
    path.write_bytes(NOT_BILLS[what])
    lines = faults("settle", "benxi_2008", "--bills", path)
    assert len(lines) == 1, lines
    assert lines[0].startswith("bills.yaml: ")


# --- options ---------------------------------------------------------------------------------------

OPTIONS = {
    "--draws 8": "draws",
    "--draws 0": "draws",
    "--draws -64": "draws",
    "--draws 200000": "draws",
    "--draws many": "draws",
    "--draws 1e3": "draws",
    "--draws 64.5": "draws",
    "--seed -1": "seed",
    "--seed lucky": "seed",
    f"--seed {2**64}": "seed",
    "--engine steam": "engine",
    "--turbo": "turbo",
    "--set benefits.ceiling": "benefits.ceiling",
    "--set benefits.ceiling=": "benefits.ceiling",
    "--set benefits.ceiling=plenty": "benefits.ceiling",
    "--set benefits.ceiling=nan": "benefits.ceiling",
    "--set benefits.ceiling=inf": "benefits.ceiling",
    "--set benefits.ceiling=-1": "benefits.ceiling",
    "--set benefits.rate=1.4": "benefits.rate",
    "--set benefits.rate.chronic.adult=none": "benefits.rate.chronic.adult",
    "--set benefits.ceiling@soon=1": "soon",
    "--set benefits.ceiling@2007=1": "2007",
    "--set benefits.critical_base=both": "benefits.critical_base",
    "--set =1": "--set",
    "--set contracts.coverage=1.4": "contracts.coverage",
    "--set contracts.coverage.pensioner=0.4": "contracts.coverage.pensioner",
    "--set payment.method.salary=1": "payment.method.salary",
    "--set payment.method.capitation.inpatient.level_9=1": "level_9",
    "--set responses.demand=2": "responses.demand",
    "--set supervision.suspension_months=7": "supervision.suspension_months",
    "--set benefits.kind_ceiling.outpatient=100": "benefits.kind_ceiling.outpatient",
    "--set pooling.method=everything": "pooling.method",
}


@pytest.mark.parametrize("options", OPTIONS)
def test_a_fault_of_an_option_is_one_line(faults, options: str) -> None:
    lines = faults("run", "benxi_2008", "--draws", 16, *options.split())
    assert len(lines) == 1, lines
    assert OPTIONS[options] in lines[0]


def test_a_folder_that_cannot_be_made_is_one_line(faults, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    lines = faults("run", "benxi_2008", "--draws", 16, "--out", tmp_path / "file" / "kept")
    assert len(lines) == 1, lines
    assert str(tmp_path / "file" / "kept") in lines[0]


@pytest.mark.parametrize("year", ["2007", "2018", "0", "soon"])
def test_a_year_that_is_not_simulated_is_one_line(faults, tmp_path: Path, year: str) -> None:
    (tmp_path / "bills.yaml").write_text(BILLS, encoding="utf-8")
    lines = faults("settle", "benxi_2008", "--bills", tmp_path / "bills.yaml", "--year", year)
    assert len(lines) == 1, lines
    assert "year" in lines[0]


@pytest.mark.parametrize("arguments", ["settle benxi_2008", "run", "dance", ""])
def test_a_command_that_is_not_whole_is_one_line(faults, arguments: str) -> None:
    assert len(faults(*arguments.split())) == 1


# --- as a user meets them --------------------------------------------------------------------------

@pytest.mark.parametrize("arguments", [
    "validate city.yaml --lang en", "settle benxi_2008 --bills bills.yaml --lang zh",
    "run benxi_2008 --draws 8 --lang zh"])
def test_a_refusal_is_one_line_without_a_traceback(tmp_path: Path, arguments: str) -> None:
    (tmp_path / "city.yaml").write_text(swapped(GOOD, "value: 30000", "value: -1"), encoding="utf-8")
    (tmp_path / "bills.yaml").write_text(swapped(BILLS, "3000", "-3000"), encoding="utf-8")
    refused = subprocess.run([sys.executable, "-m", "simulation", *arguments.split()], cwd=tmp_path, encoding="utf-8",
                             env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert FAULT.fullmatch(refused.stderr.rstrip("\n"))
    assert bool(CHINESE.search(refused.stderr)) == arguments.endswith("zh")


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris comes for Linux on x86-64 only")
@pytest.mark.parametrize("parser", ["scenario", "series", "link", "lesson"])
def test_the_fuzzer_finds_no_crash_in_a_few_seconds(parser):
    done = subprocess.run([sys.executable, "-m", "bench.fuzz", parser, "--seconds", "2"], cwd=ROOT, timeout=300,
                          capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(parser + r" +[\d,]+ inputs in .* branches covered: no crash", done.stdout), done.stdout
