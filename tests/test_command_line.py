"""The command line: what it prints, that it repeats itself, and that a kept run can be checked."""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from simulation import load_scenario
from simulation.__main__ import main
from simulation.commands import options
from simulation.commands.running import SHARED
from simulation.loading import library
from simulation.model import ENGINES
from simulation.runs import difference
from simulation.scenario import given_up, lever_value, years_given_up
from simulation.trees import leaves

ROOT = Path(__file__).resolve().parent.parent
BOOK = load_scenario("benxi_2008")
LEVERS = BOOK.levers()

# What `--json` promises; others read these names.
RUN_KEYS = {"scenario", "seed", "draws", "engine", "fingerprint", "years"}
QUANTITIES = {
    "enrolled", "income", "individual_income", "subsidy_income", "expenditure", "surplus", "balance_end",
    "surplus_ratio", "balance_ratio", "reserve_months", "in_policy_ratio", "effective_ratio", "primary_share",
    "out_of_pocket", "catastrophic"}
CHANCES = {"p_surplus_over", "p_balance_over", "p_deficit", "p_insolvent", "p_warning"}
LEVER_KEYS = {"name", "value", "unit", "min", "max", "sign", "title", "source"} | {"choices", "needs"}
PARTS = {"deductible", "rate", "basic", "critical", "assistance", "commercial", "out_of_pocket", "ineligible"}
ROW_KEYS = PARTS | {"expense", "eligible"}

BILLS = """
person: {group: adult, status: ordinary, contribution_years: 3, contracted: false}
bills:
  - {kind: inpatient, tier: level_3a, expense: 12000, eligible: 10000}
  - {kind: inpatient, tier: level_1, expense: 3500, referred_from: level_3a}
  - {kind: chronic, tier: level_2, expense: 5000, eligible: 4800}
"""


def shell(*arguments: object) -> str:
    """What a command prints when a user calls it and all is well."""
    shown = subprocess.run([sys.executable, "-m", "simulation", *map(str, arguments)], cwd=ROOT, capture_output=True,
                           encoding="utf-8", timeout=60)
    assert (shown.returncode, shown.stderr) == (0, "")
    return shown.stdout


@pytest.fixture
def bills(tmp_path: Path) -> Path:
    path = tmp_path / "bills.yaml"
    path.write_text(BILLS, encoding="utf-8")
    return path


# --- as a user calls it ----------------------------------------------------------------------------

def test_list_names_the_library_one_a_line() -> None:
    assert "benxi_2008" in [line.split()[0] for line in shell("list").splitlines()]


def test_levers_are_listed_one_a_line() -> None:
    assert [line.split()[0] for line in shell("levers", "benxi_2008").splitlines()] == [name for name, *_ in LEVERS]


def test_the_files_of_the_library_are_valid() -> None:
    files = sorted((ROOT / "scenarios").glob("*.yaml"))
    shown = json.loads(shell("validate", *files, "--json"))
    assert shown == {"valid": [file.stem for file in files], "faults": []}
    assert shown["valid"] == library()


def test_the_same_seed_prints_the_same_bytes_in_another_process() -> None:
    ordered = "run", "benxi_2008", "--draws", 64, "--seed", 7, "--json"
    assert shell(*ordered) == shell(*ordered)


def test_settle_prints_chinese(bills: Path) -> None:
    shown = shell("settle", "benxi_2008", "--bills", bills, "--lang", "zh")
    assert "个人负担" in shown and "第十八条" in shown
    assert all(part.zh in shown for part in SHARED.values()) and not re.search("[a-z]{2}", shown)


def test_settle_has_words_for_every_part_of_a_bill(bills: Path, ask: Callable) -> None:
    shown = ask("settle", "benxi_2008", "--bills", bills)[1]
    assert SHARED.keys() == PARTS and all(part.en in shown for part in SHARED.values()) and "_" not in shown


# --- what `--json` prints --------------------------------------------------------------------------

def test_list_prints_its_json(data: Callable) -> None:
    listed = {row["name"]: row for row in data("list")}
    assert list(listed) == library()
    for name, row in listed.items():
        scenario = load_scenario(name)
        assert set(row["title"]) == set(row["story"]) == {"zh", "en"}
        assert (row["first_year"], row["years"]) == (scenario.first_year, scenario.years)


def test_run_prints_the_promised_object(data: Callable) -> None:
    run = data("run", "benxi_2008", "--draws", 16, "--seed", 3)
    assert set(run) == RUN_KEYS
    assert (run["scenario"], run["seed"], run["draws"], run["engine"]) == ("benxi_2008", 3, 16, "table")
    assert [year["year"] for year in run["years"]] == list(BOOK.horizon())
    for year in run["years"]:
        assert set(year) == {"year"} | QUANTITIES | CHANCES
        for name in QUANTITIES:
            assert set(year[name]) == {"mean", "p05", "p25", "p50", "p75", "p95"}
            assert year[name]["p05"] <= year[name]["p25"] <= year[name]["p50"] <= year[name]["p75"] <= year[name]["p95"]
        for name in CHANCES:
            assert set(year[name]) == {"value", "se"}
            assert 0 <= year[name]["value"] <= 1 and year[name]["se"] > 0


def test_levers_print_the_promised_objects(data: Callable) -> None:
    rows = data("levers", "benxi_2008")
    assert [row["name"] for row in rows] == [name for name, *_ in LEVERS]
    for row in rows:
        assert set(row) == LEVER_KEYS
        assert set(row["title"]) == set(row["source"]) == {"zh", "en"}
        assert row["choices"] or row["min"] <= (row["max"] if row["value"] is None else row["value"]) <= row["max"]


def test_settle_prints_the_promised_objects(data: Callable, bills: Path) -> None:
    settled = data("settle", "benxi_2008", "--bills", bills)
    assert set(settled) == {"bills", "year", "rules_of"}
    assert set(settled["year"]) == ROW_KEYS
    for bill in settled["bills"]:
        assert set(bill) == ROW_KEYS | {"steps"}
        assert all(step["zh"] and step["en"] for step in bill["steps"])


def test_faults_are_json_too(ask: Callable) -> None:
    code, shown, faults = ask("run", "nowhere", "--json")
    assert code == 2
    assert json.loads(shown)["faults"] == faults.splitlines()


# --- running and setting ---------------------------------------------------------------------------

def test_another_seed_gives_other_numbers(data: Callable) -> None:
    years = [data("run", "benxi_2008", "--draws", 16, "--seed", seed)["years"] for seed in (1, 2)]
    assert years[0] != years[1]


def test_setting_every_lever_to_what_it_is_changes_no_number(data: Callable) -> None:
    edits = [part for name, value, *_ in LEVERS for part in ("--set", f"{name}={'null' if value is None else value}")]
    plain, edited = (data("run", "benxi_2008", "--draws", 16, *more) for more in ([], edits))
    largest, where = difference(plain["years"], edited["years"], "years")
    assert largest < 1e-9, where


@pytest.mark.parametrize("name", [name for name, *_ in LEVERS])
def test_set_reaches_a_lever_and_no_other(data: Callable, name: str) -> None:
    before = {row["name"]: row for row in data("levers", "benxi_2008")}
    row = before[name]
    low, high = row["min"], row["max"]
    # no part of 0 beside others of 0: they would say nothing
    other = row["choices"][-1] if row["choices"] else high if row["value"] != high else (low + high) / 2
    after = {row["name"]: row for row in data("levers", "benxi_2008", "--set", f"{name}={other}")}
    assert after[name]["value"] == other != row["value"]
    assert [lever for lever in before if after[lever]["value"] != before[lever]["value"]] == [name]


def test_a_branch_may_be_set_at_once(data: Callable) -> None:
    rows = data("levers", "benxi_2008", "--set", "benefits.rate.inpatient.adult=0.66")
    assert {row["value"] for row in rows if row["name"].startswith("benefits.rate.inpatient.adult.")} == {0.66}
    assert 0.66 not in [row["value"] for row in rows if not row["name"].startswith("benefits.rate.inpatient.adult.")]


def test_a_dated_edit_holds_from_that_year_on(data: Callable) -> None:
    premium = 10.0
    dated = "--set", f"financing.premium@2012={premium}"
    plain, edited = (data("run", "benxi_2008", "--draws", 16, *more)["years"] for more in ([], dated))
    for before, after in zip(plain, edited, strict=True):
        more = after["expenditure"]["mean"] - before["expenditure"]["mean"]
        due = premium * before["enrolled"]["mean"] if before["year"] >= 2012 else 0.0
        assert more == pytest.approx(due, rel=1e-9, abs=1e-6)


SUBSIDY, PAID = "financing.subsidy", "financing.contribution"


def asked_for(*edits: str, scenario: str = "city_pooling_2012"):
    """The scenario of the library with edits, as every command reads them."""
    return options.edited(argparse.Namespace(scenario=scenario, edits=list(edits), lang="en"))


@pytest.mark.parametrize(("edits", "told"), [
    ([f"{SUBSIDY}=240"], {SUBSIDY: range(2013, 2022)}),
    ([f"{SUBSIDY}@2018=500"], {SUBSIDY: range(2019, 2022)}),
    ([f"{SUBSIDY}=280"], {SUBSIDY: range(2014, 2022)}),  # what is planned for 2013 comes to hold all the same
    ([f"{SUBSIDY}@2020=500", f"{SUBSIDY}@2021=520"], {}),
    ([f"{SUBSIDY}@2021=520", f"{SUBSIDY}@2020=500"], {SUBSIDY: [2021]}),  # the later edit is the one that holds
    ([f"{SUBSIDY}@2021=500"], {}),
    ([f"{SUBSIDY}.adult@2020=500"], {f"{SUBSIDY}.adult": [2021]}),  # where the plan is for the whole branch
    ([f"{PAID}@2019=300"], {PAID: [2020, 2021]}),  # and where it is for parts of what is set
    ([f"{SUBSIDY}+=30"], {}),
    (["benefits.ceiling=1000"], {})])
def test_what_an_edit_gives_up_is_what_is_planned_later_and_differs(edits: list[str], told: dict) -> None:
    base = load_scenario("city_pooling_2012")
    changes = options.edits_of(argparse.Namespace(edits=edits), base)
    found = given_up(base, changes)
    assert years_given_up(found) == {lever: tuple(years) for lever, years in told.items()}
    for each in found:
        after, = {value for _, value in leaves(lever_value(base.changed(changes), each.lever, each.year))}
        assert after != each.value and each.value in {
            value for _, value in leaves(lever_value(base, each.lever, each.year))}


@pytest.mark.parametrize("command", [
    ["levers", "city_pooling_2012", "--set", f"{SUBSIDY}=240"],
    ["run", "city_pooling_2012", "--draws", "16", "--json", "--set", f"{SUBSIDY}=240"],
    ["compare", "city_pooling_2012", "--draws", "16", "--engine", "table", "--with", f"{SUBSIDY}=240"]])
def test_planned_values_that_give_way_are_told_in_a_sentence(ask: Callable, command: list[str]) -> None:
    for language, words in (("en", ["gives way", "2013–2021", "+="]), ("zh", ["不再执行", "2013—2021 年", "+="])):
        code, shown, said = ask(*command, "--lang", language)
        line, = [line for line in said.splitlines() if SUBSIDY in line]
        assert code == 0 and shown and all(word in line for word in words)
        assert "--json" not in command or json.loads(shown)


@pytest.mark.parametrize(("edit", "told"), [
    ("financing.contribution=430", ("values that stood at 0 are set too: financing.contribution.child.low_income",
                                    "financing.contribution.senior.low_income; to leave them")),
    ("financing.contribution+=30", None), ("financing.contribution.adult.ordinary=430", None),
    ("financing.contribution=0", None)])
def test_values_of_nothing_that_are_set_with_others_are_told(ask: Callable, edit: str, told: tuple[str, str] | None
                                                             ) -> None:
    code, _, said = ask("levers", "urrbmi_county_2026", "--set", edit)
    assert code == 0 and (all(part in said for part in told) if told else said == "")
    if told:
        assert "原为 0 的数值也一并设定" in ask("levers", "urrbmi_county_2026", "--set", edit, "--lang", "zh")[2]


def test_a_lever_moved_by_an_amount_moves_what_is_planned_as_well() -> None:
    base = load_scenario("city_pooling_2012")
    values = lambda scenario, lever: [lever_value(scenario, lever, year) for year in base.horizon()]  # noqa: E731
    plan = values(base, SUBSIDY)
    assert values(asked_for(f"{SUBSIDY}+=30"), SUBSIDY) == [value + 30 for value in plan]
    assert values(asked_for(f"{SUBSIDY}@2018-=30"), SUBSIDY) == [*plan[:6], *(value - 30 for value in plan[6:])]
    assert values(asked_for(f"{SUBSIDY}+=0"), SUBSIDY) == plan
    assert values(asked_for(f"{SUBSIDY}@2020=700", f"{SUBSIDY}+=５"), SUBSIDY) == [
        *(value + 5 for value in plan[:8]), 705, 705]
    assert values(asked_for(f"{SUBSIDY}+=24"), SUBSIDY) == [value + 24 for value in plan]  # no step of the slider's
    moved = asked_for(f"{PAID}+=10")
    for leaf, _ in leaves(base.policy.financing.contribution.value, PAID):
        assert values(moved, leaf) == [value + 10 if value else 0 for value in values(base, leaf)]
    assert not all(value for _, value in leaves(base.policy.financing.contribution.value))
    rates = dict(leaves(asked_for("benefits.rate.inpatient+=0.3").policy_in(2012).benefits.rate.value["inpatient"]))
    old = dict(leaves(base.policy.benefits.rate.value["inpatient"]))
    assert max(rates.values()) == 1
    assert rates == {leaf: pytest.approx(min(value + 0.3, 1) if value else 0) for leaf, value in old.items()}


def test_a_kept_run_of_a_lever_moved_by_an_amount_is_the_same_again(ask: Callable, tmp_path: Path) -> None:
    out = tmp_path / "moved"
    assert ask("run", "city_pooling_2012", "--draws", 16, "--engine", "table", "--set", f"{SUBSIDY}@2019+=30",
               "--out", out)[::2] == (0, "")
    assert ask("verify", out)[0] == 0


@pytest.mark.parametrize(("edit", "names"), [
    (f"{SUBSIDY}=+30", [f"{SUBSIDY}+=N"]),
    (f"{SUBSIDY}=＋30", [f"{SUBSIDY}+=N"]),
    (f"{SUBSIDY}+=much", ["no number"]),
    (f"{SUBSIDY}-=", ["no number"]),
    (f"{SUBSIDY}+=nan", ["no number"]),
    (f"{SUBSIDY}-=none", ["no number"]),
    (f"{SUBSIDY}-=300", ["-240"]),
    ("pooling.method+=1", ["stands at no number", "="]),
    ("benefits.celing+=1", ["benefits.ceiling"]),
    (f"{SUBSIDY}@2030+=5", ["2012 to 2021"]),
    ("+=5", ["LEVER=VALUE"])])
def test_what_cannot_move_by_an_amount_is_refused_in_a_sentence(ask: Callable, edit: str, names: list[str]) -> None:
    for language in ("zh", "en"):
        code, shown, faults = ask("levers", "city_pooling_2012", "--set", edit, "--lang", language)
        assert (code, shown, faults.count("\n")) == (2, "", 1)
    assert all(name in faults for name in names), faults


def test_no_limit_is_no_number_to_move_from(ask: Callable) -> None:
    ceiling = ["--set", "benefits.ceiling@2010=none", "--set", "benefits.ceiling+=1000"]
    code, _, faults = ask("levers", "benxi_2008", *ceiling[:2], "--set", "benefits.ceiling@2010+=1000")
    assert code == 2 and "benefits.ceiling@2010" in faults and faults.count("\n") == 1
    code, _, faults = ask("levers", "benxi_2008", *ceiling)  # there in a later year alone
    assert code == 2 and "benefits.ceiling@2010" in faults


@pytest.mark.parametrize(("misspelt", "meant"), [
    ("benefits.celing", "benefits.ceiling"),
    ("benefit.ceiling", "benefits.ceiling"),
    ("benefits.rate.inpatient.adult.level1", "benefits.rate.inpatient.adult.level_1"),
    ("benefits.rate.inpatient.adlt", "benefits.rate.inpatient.adult.level_1"),
    ("ceiling", "benefits.ceiling")])
def test_an_unknown_lever_is_refused_with_the_nearest_ones(ask: Callable, misspelt: str, meant: str) -> None:
    code, shown, faults = ask("run", "benxi_2008", "--set", f"{misspelt}=1")
    assert (code, shown) == (2, "")
    assert faults.count("\n") == 1 and misspelt in faults and meant in faults


def test_an_unknown_scenario_is_refused_with_the_nearest_ones(ask: Callable) -> None:
    code, shown, faults = ask("run", "benxi_2009")
    assert (code, shown) == (2, "")
    assert faults.count("\n") == 1 and "benxi_2008" in faults


def test_chinese_on_request(ask: Callable) -> None:
    assert "本溪" in ask("list", "--lang", "zh")[1]
    assert "基金收入" in ask("run", "benxi_2008", "--draws", 16, "--lang", "zh")[1]
    assert "最高支付限额" in ask("levers", "benxi_2008", "--lang", "zh")[1]


# --- settling --------------------------------------------------------------------------------------

def test_bills_are_settled_in_order_and_eligible_may_be_left_out(data: Callable, bills: Path) -> None:
    settled = data("settle", "benxi_2008", "--bills", bills)
    catalogue = BOOK.assumptions.utilisation
    of_a, of_c = (given.value["inpatient"]["level_1"] for given in (catalogue.class_a_share, catalogue.class_c_share))
    share = of_a + (1 - of_a - of_c) * (1 - 0.10)  # class B after a first payment of 10 %
    assert [bill["basic"] for bill in settled["bills"]] == pytest.approx([
        (10000 - 500) * (0.50 + 3 * 0.01),
        (3500 * share - (200 - 100)) * (0.60 + 3 * 0.01),  # the second stay, 100 less
        (4800 - 400) * (0.50 + 3 * 0.01)])
    assert settled["year"]["basic"] == pytest.approx(sum(bill["basic"] for bill in settled["bills"]))
    assert settled["bills"][1]["ineligible"] == pytest.approx(3500 * (1 - share))


def test_a_referral_down_is_free_of_deductible_where_a_scenario_credits_it(data: Callable, bills: Path) -> None:
    settled = data("settle", "benxi_2008", "--bills", bills, "--set", "benefits.referral_credit=1")
    assert [bill["deductible"] for bill in settled["bills"]] == [500, 0, 400]


def test_outpatient_bills_of_a_contracted_resident(data: Callable, tmp_path: Path) -> None:
    path = tmp_path / "bills.yaml"
    path.write_text("""
person: {group: adult, contracted: true}
bills:
  - {kind: outpatient, tier: primary, expense: 180, eligible: 160, visits: 3}
  - {kind: outpatient, tier: county, expense: 2000, eligible: 1800}
""", encoding="utf-8")
    levers = {"contracts.rate_bonus.primary": 0.10, "contracts.waived_visits": 2, "benefits.consultation_paid": 5,
              "benefits.rate.outpatient.adult.primary": 0.60, "benefits.rate.outpatient.adult.county": 0.50,
              "benefits.deductible.outpatient.primary": 0, "benefits.deductible.outpatient.county": 100,
              "contracts.rate_bonus.county": 0, "benefits.kind_ceiling.outpatient": 400}
    edits = [part for name, value in levers.items() for part in ("--set", f"{name}={value}")]
    book = load_scenario("urrbmi_county_2026")
    assert book.assumptions.utilisation.consultation_fee.value == 10
    settled = data("settle", book.name, "--bills", path, *edits)
    fees = 2 * 10 + 1 * 5  # two visits are waived, of the third the fund pays its part
    by_rate = (160 - fees) * (0.60 + 0.10)
    rest = 400 - by_rate  # what the ceiling of outpatient care leaves for the hospital visit
    assert rest < (1800 - 100) * 0.50
    assert [bill["basic"] for bill in settled["bills"]] == pytest.approx([fees + by_rate, rest])
    assert settled["year"]["out_of_pocket"] == pytest.approx(180 + 2000 - fees - 400)
    alone = data("settle", book.name, "--bills", rewritten(path, "true", "false"), *edits)
    assert alone["bills"][0]["basic"] == pytest.approx(3 * 5 + (160 - 3 * 5) * 0.60)


def rewritten(path: Path, old: str, new: str) -> Path:
    """A text file with one text replaced."""
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return path


def test_the_supplement_pays_for_those_who_bought_it(data: Callable, bills: Path) -> None:
    buys = "--set", "benefits.commercial_rate=0.5"
    without = data("settle", "benxi_2008", "--bills", bills, *buys)["year"]
    bought = data("settle", "benxi_2008", "--bills", rewritten(bills, "contracted: false", "commercial: true"),
                  *buys)["year"]
    left = without["out_of_pocket"] - without["ineligible"]
    assert without["commercial"] == 0 and bought["commercial"] == pytest.approx(0.5 * left)


# --- the account and the scorecard -----------------------------------------------------------------

def test_the_account_adds_up_as_printed(data: Callable) -> None:
    rows = data("account", "urrbmi_county_2026", "--draws", 16)
    for year in map(str, load_scenario("urrbmi_county_2026").horizon()):
        for section in ("income", "expenditure"):
            parts = [row[year] for row in rows if row["section"] == section and row["item"] != section]
            total = next(row[year] for row in rows if row["item"] == section)
            assert sum(parts) == pytest.approx(total, rel=1e-9), (year, section)
        of = {row["item"]: row[year] for row in rows}
        assert of["opening_balance"] + of["surplus"] == pytest.approx(of["balance_end"], rel=1e-9)
        assert of["income"] - of["expenditure"] + of["transfer"] == pytest.approx(of["surplus"], rel=1e-9)


def test_the_account_may_be_that_of_one_county_or_go_to_a_file(ask: Callable, data: Callable, tmp_path: Path) -> None:
    city = "account", "city_pooling_2012", "--draws", 16
    income = [next(row["2012"] for row in data(*city, *of) if row["item"] == "income")
              for of in ([], ["--area", "area_a"], ["--area", "area_h"])]
    assert income[0] > income[1] > income[2] > 0
    assert ask(*city, "--out", tmp_path / "account.csv")[0] == 0
    assert "income" in (tmp_path / "account.csv").read_text(encoding="utf-8-sig")
    code, shown, faults = ask(*city, "--area", "area_x")
    assert (code, shown) == (2, "") and faults.count("\n") == 1 and "did you mean area_" in faults


TABLES = [("account",), ("compare", "--with", "benefits.ceiling=40000"), ("drivers",), ("failures",), ("sweep",),
          ("explain", "--with", "benefits.ceiling=40000"), ("search", "--lever", "benefits.ceiling=30000:40000"),
          ("goalseek", "--lever", "benefits.ceiling")]


@pytest.mark.parametrize("command", TABLES, ids=lambda command: command[0])
@pytest.mark.parametrize(("name", "said"), [
    ("found.xlsx", ("the table is written as CSV, not as .xlsx; give a name in .csv", "CSV，不是")),
    ("found.ODS", ("the table is written as CSV, not as .ODS; give a name in .csv", "CSV，不是")),
    ("none/found.csv", ("cannot be written: there is no folder", "没有文件夹")),
    (".", ("cannot be written: it is a folder; name a file in it", "这是一个文件夹"))])
def test_a_table_goes_to_a_csv_file_where_there_is_a_folder(
        ask: Callable, tmp_path: Path, command: tuple[str, ...], name: str, said: tuple[str, str]) -> None:
    for language, text in zip(("en", "zh"), said, strict=True):
        code, shown, faults = ask(command[0], "benxi_2008", *command[1:], "--out", tmp_path / name, "--lang", language)
        assert (code, shown) == (2, "") and text in faults and faults.count("\n") == 1 and "None" not in faults
    assert not list(tmp_path.iterdir())


def test_the_scorecard_says_what_is_met(ask: Callable, data: Callable) -> None:
    rows = data("scorecard", "primary_standards_2025", "--draws", 16)
    assert rows and all(0 <= row["met"] <= 1 and row["direction"] in ("at_least", "at_most") for row in rows)
    for language in ("en", "zh"):
        lines = ask("scorecard", "primary_standards_2025", "--draws", 16, "--lang", language)[1].splitlines()
        assert len(lines) == len(rows)
        assert all(row[f"title_{language}"] in line for row, line in zip(rows, lines, strict=True))


def test_a_year_may_be_chosen(data: Callable, bills: Path) -> None:
    dated = "settle", "benxi_2008", "--bills", bills, "--set", "benefits.ceiling@2010=1000"
    assert data(*dated, "--year", 2010)["year"]["basic"] == 1000
    assert data(*dated, "--year", 2009)["year"]["basic"] > 1000


# --- what is refused, and what is said beside the figures ----------------------------------------------

@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_unknown_engine_is_refused_with_all_there_are(ask: Callable, language: str) -> None:
    code, _, faults = ask("run", "benxi_2008", "--engine", "foo", "--lang", language)
    assert code == 2 and all(engine in faults for engine in ENGINES)


def test_care_that_is_paid_in_no_way_is_refused(capsys: pytest.CaptureFixture) -> None:
    asked = ["run", "benxi_2008", "--draws", "16", "--set", "payment.method.fee_for_service=0"]
    assert main(asked) == 2
    refused = capsys.readouterr().err
    assert "--set" in refused and "all parts are 0" in refused and "Traceback" not in refused
    assert main([*asked, "--set", "payment.method.global_budget=1"]) == 0


@pytest.mark.parametrize(("language", "said"), [("zh", "按各项均值计算"), ("en", "ratios of the means")])
def test_an_account_says_what_its_ratios_are_of(language: str, said: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["account", "benxi_2008", "--draws", "16", "--lang", language]) == 0
    assert said in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(("language", "heads"), [("zh", ["均值", "5%", "95%"]), ("en", ["mean", "5 %", "95 %"])])
def test_a_run_is_told_in_tables_of_whole_yuan(language: str, heads: list[str], ask: Callable, data: Callable) -> None:
    asked = "run", "benxi_2008", "--draws", 16, "--engine", "table"
    first = data(*asked)["years"][0]["income"]
    lines = ask(*asked, "--lang", language)[1].splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith(("基金收入", "Fund income")))
    assert all(head in lines[at] for head in heads)
    assert lines[at + 1].split() == ["2008", *(f"{first[name]:,.0f}" for name in ("mean", "p05", "p95"))]
    assert language == "en" or "mean" not in "".join(lines)


def test_an_edit_that_waits_for_another_lever_is_told_but_not_of_one_person_s_bills(ask: Callable, bills: Path) -> None:
    edit = "--set", "contracts.rate_bonus=0.1"
    told = ask("levers", "urrbmi_county_2026", *edit)[2]
    assert told == "contracts.rate_bonus does nothing until contracts.coverage is set\n"
    assert "要在设定 contracts.coverage 之后才起作用" in ask("levers", "urrbmi_county_2026", *edit, "--lang", "zh")[2]
    assert ask("levers", "urrbmi_county_2026", *edit, "--set", "contracts.coverage=0.5")[2] == ""
    assert ask("settle", "benxi_2008", "--bills", bills, *edit)[2] == ""
