"""Sweeps: every area under every policy, from files, tables and ranges; the same numbers as one run after the other."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.scale import BLOCK
from simulation import load_scenario, measures, simulate
from simulation.__main__ import main
from simulation.areas import Area, area_of, built, read_areas
from simulation.proposals import BASE, Edit, Proposal, grid, read_proposals, sample, under, varied
from simulation.scenario import lever_value
from simulation.sweep import COLUMNS, POINTS, answered, sweep, tasks_of
from simulation.terms import BadInput
from tests.coarse import coarse

ROOT = Path(__file__).resolve().parent.parent
SCENARIO = "benxi_2008"
CEILING, CONTRIBUTION = "benefits.ceiling", "financing.contribution.adult"
HIGHER = Proposal(name="higher", changes=(Edit(lever=CEILING, value=40000),
                                          Edit(lever=CONTRIBUTION, value=300, year=2010)))

fewer = pytest.fixture(scope="module", autouse=True)(coarse)


def county(name: str, **values: float) -> Area:
    return area_of(SCENARIO)._replace(name=name, values=tuple(values.items()))


# ---- the table -----------------------------------------------------------------------------------------------------

def test_every_row_is_what_a_run_of_its_own_gives() -> None:
    found = sweep([SCENARIO, county("small", residents=60_000)], [BASE, HIGHER], draws=64,
                  of=("balance_end", "balance_ratio")).table
    assert list(found.columns) == list(COLUMNS)
    assert len(found) == 2 * 2 * 10 * (2 + 5) and not found.duplicated(["area", "policy", "year", "quantity"]).any()
    for area, scenario in ((SCENARIO, load_scenario(SCENARIO)), ("small", built(county("small", residents=60_000)))):
        for policy in (BASE, HIGHER):
            run = simulate(under(scenario, policy), 64, engine="table")
            own = found[(found["area"] == area) & (found["policy"] == policy.name)]
            for quantity in ("balance_end", "balance_ratio"):
                mine = own[own["quantity"] == quantity]
                alone = measures.summary(run, (quantity,))
                assert np.array_equal(mine[["mean", *POINTS]], alone[["mean", *POINTS]])
                assert mine["se"].isna().all()
            chances = measures.chances(run)
            mine = own[own["quantity"].isin(chances["event"])]
            assert np.array_equal(mine[["year", "mean", "se"]], chances[["year", "value", "se"]])
            assert mine[list(POINTS)].isna().all(axis=None)


def test_tasks_hold_every_run_once_and_few_at_a_time() -> None:
    alike = [county(f"a{n}", residents=1000 * (n + 1)) for n in range(11)]
    others = [county(f"b{n}", **{"utilisation.cost_growth": 0.01 * n}) for n in range(3)]
    policies = [Proposal(name=str(n)) for n in range(10)]
    tasks = list(tasks_of(alike + others, policies))
    runs = [(area, policy["name"]) for task in tasks for area, _ in task["areas"] for policy in task["policies"]]
    assert sorted(runs) == sorted((area.name, policy.name) for area in alike + others for policy in policies)
    assert max(len(task["areas"]) * len(task["policies"]) for task in tasks) == 8
    assert all({name[0] for name, _ in task["areas"]} != {"a", "b"} for task in tasks)
    assert json.loads(json.dumps(tasks[0])) is not None


def test_a_task_gives_the_same_whether_it_travelled_or_not() -> None:
    task = next(tasks_of([county("one", residents=50_000)], [BASE, HIGHER]))
    task |= {"draws": 64, "seed": 1, "engine": "table", "of": ["income"]}
    assert answered(json.loads(json.dumps(task))) == answered(task)


def test_progress_runs_to_the_end_and_cancels() -> None:
    shares = []
    sweep([SCENARIO], [Proposal(name=str(n)) for n in range(10)], 16, of=("income",), progress=shares.append)
    assert shares == [0.0, 0.8, 1.0]

    def stop(share: float) -> None:
        if share:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        sweep([SCENARIO], [Proposal(name=str(n)) for n in range(10)], 16, of=("income",), progress=stop)


def test_areas_of_one_policy_differ_by_what_their_rows_say() -> None:
    found = sweep([county("small", residents=60_000), county("large", residents=120_000)], draws=64,
                  of=("income", "balance_ratio")).table
    income = found[found["quantity"] == "income"].pivot(index="year", columns="area", values="mean")
    contributions = income["large"] / income["small"]
    assert np.allclose(contributions.iloc[0], 2, rtol=0.02)  # interest on the same opening balance is the rest


# ---- tables of areas -----------------------------------------------------------------------------------------------

def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_row_puts_its_numbers_into_the_template(tmp_path: Path) -> None:
    table = written(tmp_path / "areas.csv", "area,template,residents,utilisation.cost_growth,benefits.ceiling\n"
                    f"甲县,{SCENARIO},50000,0.09,45000\n\n乙县,{SCENARIO},,,\n")
    first, second = read_areas(table)
    template, scenario = load_scenario(SCENARIO), built(first)
    assert (first.name, second.name) == ("甲县", "乙县") and first.template is second.template
    assert scenario.value("people", "residents", ("group", "status")).sum() == pytest.approx(50_000)
    growth, before = scenario.assumptions.utilisation.cost_growth, template.assumptions.utilisation.cost_growth
    assert growth.value == 0.09 and growth.source.status == "assumption"
    assert np.allclose(np.subtract(growth.range, 0.09), np.subtract(before.range, before.value))
    # What is a sum of the whole fund is the smaller county's part of it.
    share = 50_000 / template.value("people", "residents", ("group", "status")).sum()
    opening, whole = (one.assumptions.account.opening_balance for one in (scenario, template))
    assert opening.value == pytest.approx(share * whole.value)
    assert opening.range == (whole.range and pytest.approx(tuple(share * end for end in whole.range)))
    assert built(county("own", **{"account.opening_balance": 7.0, "residents": 50_000})) \
        .assumptions.account.opening_balance.value == 7.0
    # A county's own rule is its rule book, not a reform that people respond to.
    assert lever_value(scenario, CEILING) == 45000 and scenario.changes == template.changes
    assert scenario.base_policy().benefits.ceiling.value == 45000
    assert built(second).text() == template.text()


def test_chinese_headings_do_as_well(tmp_path: Path) -> None:
    [area] = read_areas(written(tmp_path / "areas.csv", f"\ufeff地区,模板,应参保人数\n甲县,{SCENARIO},50000\n"))
    assert area.values == (("residents", 50000),)


@pytest.mark.parametrize("text, fault", [
    ("", "is empty"),
    ("area,residents\na,5\n", "has no column template"),
    ("area,template,area\na,b,c\n", "column 'area' twice"),
    ("area,template\n", "has 0 rows"),
    ("area,template\na,benxi_2008,5\n", "row 2 is longer than the headings"),
    ('area,template\n"a,benxi_2008\n', "is not valid CSV"),
    ("area,template\na,benxi_2007\n", "row 2 (a): benxi_2007: no such scenario; did you mean benxi_2008"),
    ("area,template\na,benxi_2008\na,benxi_2008\n", "row 3 (a): area: the name is repeated"),
    ("area,template\n,benxi_2008\n", "row 2: area: '' cannot be a name"),
    ("area,template\n=1+1,benxi_2008\n", "'=1+1' cannot be a name"),
    ("area,template,residents\na,benxi_2008,many\n", "row 2 (a): residents: 'many' is not a number"),
    ("area,template,residents\na,benxi_2008,0\n", "there is nobody"),
    ("area,template,residents\na,benxi_2008,-5\n", "is outside 0 to"),
    ("area,template,residents\na,benxi_2008,nan\n", "is outside 0 to"),
    ("area,template,utilisation.cost_grwth\na,benxi_2008,0.1\n", "did you mean utilisation.cost_growth"),
    ("area,template,utilisation.cost_growth\na,benxi_2008,70\n", "row 2 (a): utilisation.cost_growth: 70 is outside"),
    ("area,template,people.take_up.baby\na,benxi_2008,0.5\n", "people.take_up.baby: unknown name"),
    ("area,template,utilisation.tier_mix.child.level_1\na,benxi_2008,0.99\n", "adds up to"),
    ("area,template,benefits.ceilin\na,benxi_2008,0.99\n", "did you mean benefits.ceiling"),
])
def test_a_faulty_table_is_refused_row_by_row(text: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        read_areas(written(tmp_path / "areas.csv", text))
    assert fault in str(refused.value) and str(refused.value).startswith("areas.csv")


def test_all_faulty_rows_are_told_up_to_twenty(tmp_path: Path) -> None:
    rows = "".join(f"a{n},{SCENARIO},x\n" for n in range(30))
    with pytest.raises(BadInput) as refused:
        read_areas(written(tmp_path / "areas.csv", "area,template,residents\n" + rows))
    assert len(refused.value.faults) == 20 and "row 21 (a19)" in refused.value.faults[-1].place


def test_a_table_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has 5001 rows; write 1 to 5000"):
        read_areas(written(tmp_path / "areas.csv", "area,template\n" + "a,b\n" * 5001))
    with pytest.raises(BadInput, match="larger than 5000 KB"):
        read_areas(written(tmp_path / "large.csv", "x" * 5_000_001))


# ---- policies ------------------------------------------------------------------------------------------------------

def test_policies_are_read_from_yaml_and_from_a_table(tmp_path: Path) -> None:
    yaml = written(tmp_path / "p.yaml", f"""
policies:
  - name: base
  - name: higher
    changes:
      - {{lever: {CEILING}, value: 40000}}
      - {{lever: {CONTRIBUTION}, value: 300, year: 2010}}
""")
    table = written(tmp_path / "p.csv", f"policy,{CEILING},{CONTRIBUTION}@2010\nbase,,\nhigher,40000,300\n")
    assert read_proposals(yaml) == read_proposals(table) == (BASE, HIGHER)
    scenario = under(load_scenario(SCENARIO), HIGHER)
    assert lever_value(scenario, CONTRIBUTION + ".ordinary", 2009) != 300
    assert lever_value(scenario, CONTRIBUTION + ".ordinary", 2010) == 300


@pytest.mark.parametrize("text, fault", [
    ("policies: []", "at least 1 items are needed"),
    ("policy: 3", "policies"),
    ("policies: [{name: a, changes: [{lever: x}]}]", "value: is missing"),
    ("policies: [{name: a, changes: [{lever: x, value: 1, year: soon}]}]", "a whole number belongs here"),
])
def test_faulty_policies_are_refused(text: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        read_proposals(written(tmp_path / "p.yaml", text))
    assert fault in str(refused.value)


@pytest.mark.parametrize("policy, fault", [
    (Proposal(name="x", changes=(Edit(lever="benefits.ceilin", value=1),)), "x: benxi_2008: benefits.ceilin"),
    (Proposal(name="x", changes=(Edit(lever=CEILING, value=-1),)), "-1 is outside"),
    (Proposal(name="x", changes=(Edit(lever=CEILING, value=40000, year=2030),)), "the year is not simulated"),
    (BASE, "two policies have this name"),
])
def test_policies_that_a_scenario_cannot_have_are_refused_before_any_run(policy: Proposal, fault: str) -> None:
    def never(work: object, items: object) -> object:
        raise AssertionError("a run was begun")

    with pytest.raises(BadInput) as refused:
        sweep([SCENARIO], [BASE, policy], mapped=never)
    assert fault in str(refused.value)


def test_a_grid_is_every_combination_with_benefit_rules_slowest() -> None:
    levers = [varied(f"{CONTRIBUTION}@2010=100:300:3"), varied(f"{CEILING}=30000:40000:2")]
    policies = grid(levers)
    values = [tuple(edit.value for edit in policy.changes) for policy in policies]
    assert values == [(), (100, 30000), (200, 30000), (300, 30000), (100, 40000), (200, 40000), (300, 40000)]
    assert policies[1].name == f"{CONTRIBUTION}@2010=100 {CEILING}=30000"
    assert policies[1].changes[0] == Edit(lever=CONTRIBUTION, value=100, year=2010)


@pytest.mark.parametrize("design", ["sobol", "latin"])
def test_a_sample_spreads_over_every_lever(design: str) -> None:
    levers = [varied("a.b=0:1", sampled=True), varied("c.d=10:20", sampled=True)]
    values = np.array([[edit.value for edit in policy.changes] for policy in sample(levers, 32, 7, design)[1:]])
    again = np.array([[edit.value for edit in policy.changes] for policy in sample(levers, 32, 7, design)[1:]])
    assert np.array_equal(values, again)
    # Both designs put one point into each of 32 slices of every lever; eight figures may round one onto an edge.
    for column, (low, high) in zip(values.T, ((0, 1), (10, 20)), strict=True):
        slices = np.floor((column - low) / (high - low) * 32).clip(0, 31)
        assert len(set(slices)) == 32


@pytest.mark.parametrize("text", ["", "benefits.ceiling", "benefits.ceiling=1:2", "benefits.ceiling=2:1:5", "=1:2:3",
                                  "benefits.ceiling=1:2:1", "benefits.ceiling=a:2:3", "benefits.ceiling=1:2:3:4",
                                  "benefits.ceiling=1:inf:3", "benefits.ceiling=nan:2:3",
                                  "benefits.ceiling@x=1:2:3"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="--vary"):
        varied(text)


@pytest.mark.parametrize("levers", [[], ["benefits.ceiling=1:2:2", "benefits.ceiling=3:4:2"]])
def test_a_lever_has_one_range(levers: list[str]) -> None:
    """Of two the second would hold alone, under the name of both."""
    for made in (grid, lambda these: sample(these, 4, 1)):
        with pytest.raises(BadInput, match="is not given, or twice"):
            made([varied(text) for text in levers])


def test_too_many_combinations_are_refused() -> None:
    with pytest.raises(BadInput, match="makes 1,000,000 combinations"):
        grid([varied(f"benefits.ceiling@{year}=1:2:100") for year in (2008, 2009, 2010)])


# ---- the command -----------------------------------------------------------------------------------------------------

def test_the_command_writes_what_the_call_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    areas = written(tmp_path / "areas.csv", f"area,template,residents\n甲县,{SCENARIO},50000\n")
    policies = written(tmp_path / "p.csv", f"policy,{CEILING},{CONTRIBUTION}@2010\nbase,,\nhigher,40000,300\n")
    asked = ["sweep", SCENARIO, "--areas", str(areas), "--policies", str(policies), "--draws", "64", "--of", "income"]
    assert main([*asked, "--out", str(tmp_path / "found.csv"), "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"runs": 4, "rows": 240, "file": str(tmp_path / "found.csv")}
    assert shown.err.split() == ["0", "%", "100", "%"]  # the two areas make one task
    expected = sweep([SCENARIO, *read_areas(areas)], [BASE, HIGHER], 64, of=("income",)).table
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "found.csv"), expected, check_exact=True)
    assert not list(tmp_path.glob("*.part"))
    assert main([*asked, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[0]["mean"] == expected["mean"][0] and rows[0]["se"] is None and len(rows) == len(expected)


@pytest.mark.parametrize("language, said", [("en", "Chance of a deficit"), ("zh", "赤字的概率")])
def test_the_command_says_the_last_year_in_both_languages(language: str, said: str,
                                                          capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", SCENARIO, "--vary", f"{CEILING}=30000:40000", "--sample", "1", "--draws", "64", "--lang",
                 language]) == 0
    shown = capsys.readouterr().out
    assert said in shown and shown.count("2017") == 2 and "2016" not in shown


@pytest.mark.parametrize("asked, fault", [
    ([], "there is no area"),
    ([SCENARIO, SCENARIO], "two areas have this name"),
    ([SCENARIO, "--sample", "4"], "there is no --vary"),
    ([SCENARIO, "--sample", "0", "--vary", f"{CEILING}=1:2"], "cannot draw 0"),
    ([SCENARIO, "--policies", "p.yaml", "--vary", f"{CEILING}=1:2:3"], "does not go with --vary"),
    ([SCENARIO, "--policies", "nothing.yaml"], "the file cannot be read"),
    ([SCENARIO, "--areas", "nothing.csv"], "the file cannot be read"),
    ([SCENARIO, "--of", "incom"], "there is no quantity incom"),
    ([SCENARIO, "--draws", "3"], "3 draws will not do"),
    ([SCENARIO, "--cluster", "local"], "is no cluster"),
    ([SCENARIO, "--vary", f"{CEILING}=30000:40000:9999"], "too many to show"),
    ([SCENARIO, "--out", "/nowhere/found.csv", "--draws", "16"], "cannot be written"),
])
def test_what_cannot_be_swept_is_refused(asked: list[str], fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", *asked]) == 2
    shown = capsys.readouterr()
    assert fault in shown.err and "Traceback" not in shown.err and not shown.out


# ---- the documents ---------------------------------------------------------------------------------------------------

def test_the_plan_holds_the_same_figures_in_both_languages() -> None:
    """Its figures are written by `python -m bench.scale --write`, and its arithmetic is right."""
    blocks = [BLOCK.search((ROOT / "docs" / name).read_text(encoding="utf-8"))[0]
              for name in ("scale.md", "scale.zh.md")]
    tables = [[re.findall(r"[\d.,]+", row.split("|", 2)[2]) for row in text.splitlines() if row.startswith("| ")][1:]
              for text in blocks]
    assert tables[0] == tables[1] and len(tables[0]) == 5
    years, cost, hours = (float(of.replace(",", "")) for of in re.search(
        r"1,000 x (\d+) years x ([\d.]+) core-ms / 3,600,000 = ([\d,]+)", blocks[0]).groups())
    assert hours == pytest.approx(2_800 * 1_000 * years * cost / 3_600_000, rel=0.01)  # the cost shown is rounded


def test_the_example_table_of_areas_can_be_swept() -> None:
    areas = read_areas(ROOT / "examples" / "areas.csv")
    found = sweep(areas[-1:], draws=16, of=("income",)).table
    assert len(areas) == 4 and set(found["area"]) == {areas[-1].name}
