"""The policy brief: it says what the run says, in both languages, and every layout says what the brief says."""

import io
import re
from html.parser import HTMLParser
from zipfile import ZipFile

import numpy as np
import openpyxl
import pytest
from docx import Document
from docx.oxml.ns import qn
from pypdf import PdfReader

from report import burden, contrasts, evidence, panels, scenes, versus, wishes
from report.answers import WHOLES, told
from report.book import book
from report.brief import background, brief, given_way, question
from report.findings import answer, doubt, figures, sentences
from report.html import html
from report.inquiry import ORDERS, Inquiry, Runs, inquire, moves, shared_out
from report.paper import NOTHING, Chart, Paragraph, Table, cells, clean, lines, shares, tables
from report.pdf import NOT_FIRST, NOT_LAST, broken, pdf, units
from report.tables import money_unit, tier_name
from report.text import number, percent, points, say, years_of
from report.word import word
from simulation import load_scenario, simulate
from simulation.assumptions import ASSUMED
from simulation.backtest import grades
from simulation.compare import compare
from simulation.estimates import SET_BY_HAND, estimate_from_text
from simulation.objectives import changed
from simulation.results import EVENTS
from simulation.scenario import Change, clause
from simulation.terms import LANGUAGES, words
from tests.coarse import coarse

DRAWS = 256  # as few as drivers are told from; the wording of a brief does not depend on how many there are
NAME = "urrbmi_county_2026"
CEILING, PAID = "benefits.ceiling", "financing.contribution.adult.ordinary"
BY_ITEM, BUDGET, RATE = "payment.method.fee_for_service", "payment.method.global_budget", "benefits.rate.inpatient"
HOSTILE = "<script>alert(1)</script> & =1+1 \x07\x0b“x”"
HAN = "[\u4e00-\u9fff]"

fewer_histories = pytest.fixture(scope="module", autouse=True)(coarse)


def change(lever, year, value):
    return Change(lever=lever, year=year, value=value, source=SET_BY_HAND)


@pytest.fixture(scope="module")
def asked(fewer_histories):
    """The same scenario as it stands, and with two levers changed and one assumption taken otherwise."""
    base = load_scenario(NAME)
    slower = estimate_from_text("utilisation.cost_growth", "0.0..0.01..0.03; own survey", SET_BY_HAND)
    return {"plain": inquire(base, draws=DRAWS),
            "changed": inquire(base, [change(PAID, 2027, 450), change(CEILING, 2028, None)], [slower], draws=DRAWS)}


@pytest.fixture(scope="module")
def papers(asked):
    return {(name, language): brief(each, language) for name, each in asked.items() for language in LANGUAGES}


KINDS = [(name, language) for name in ("plain", "changed") for language in LANGUAGES]
MIXED = [("changed", "zh"), ("plain", "en")]  # each content and each layout once


def said(paper):
    return "\n".join(lines(paper))


def table(paper, kind):
    """The frame of a table by its caption."""
    return next(drawn for caption, drawn in tables(paper) if kind in caption)


# --- content ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", KINDS)
def test_the_brief_says_what_the_run_says(kind, asked, papers):
    inquiry, paper, language = asked[kind[0]], papers[kind], kind[1]
    text = said(paper)
    for sentence in (*sentences(inquiry.now, language, inquiry.before), doubt(inquiry.now, language)):
        assert sentence.replace("**", "") in text
    shown = table(paper, say(language, "brief.table.figures")).frame
    assert shown["value"].tolist() == [each.value for each in figures(inquiry.now, inquiry.before, language)]
    result = simulate(inquiry.scenario, DRAWS, inquiry.now.facts["seed"], "table")
    last = result.data["balance_ratio"].isel(year=-1, area=0)
    assert percent(float(last.median())) in text and percent(float(last.quantile(0.05))) in text
    assert result.fingerprint in cells(table(paper, say(language, "brief.table.facts")))[-1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_change_is_told_with_its_paired_differences_and_an_unchanged_view_has_none(language, asked, papers):
    inquiry = asked["changed"]
    found = compare([inquiry.base, inquiry.scenario], DRAWS, of=("p_deficit",), engine="table").differences.iloc[-1]
    of_five = inquiry.runs.comparison.differences
    row = of_five[(of_five["quantity"] == "p_deficit") & (of_five["year"] == found["year"])].iloc[0]
    assert (row["difference"], row["ci_low"]) == (found["difference"], found["ci_low"])
    shown = table(papers["changed", language], say(language, "brief.table.differs", year=found["year"])).frame
    assert len(shown) == 5
    assert (shown["base"][0], shown["value"][0]) == (percent(found["base"]), percent(found["value"]))
    assert number(100 * found["difference"], "+.1f") in shown["gap"][0]
    mean = say(language, "brief.mean_of", what="")
    assert shown["what"].str.endswith(mean).tolist() == [False, False, False, True, True]
    heads = {name: [section.title for section in papers[name, language].sections] for name in ("plain", "changed")}
    levers = say(language, "brief.head.levers")
    assert any(levers in title for title in heads["changed"])
    assert not any(levers in title for title in heads["plain"])
    assert asked["plain"].before is None and asked["plain"].runs.comparison is None
    was = say(language, "finding.was", now="", before="|").split("|")[0].strip()
    assert was in said(papers["changed", language])
    assert not any(text in said(papers["plain", language]) for text in (was, say(language, "brief.after")))
    charts = {name: sum(isinstance(part, Chart) for section in papers[name, language].sections
                        for part in section.parts) for name in heads}
    assert charts == {"plain": 3, "changed": 4}


@pytest.mark.parametrize(("moved", "written"), [(0.0, "0.0"), (4_000, "+0.004"), (0.04e6, "+0.040"), (0.26e6, "+0.26"),
                                                 (31e6, "+31.0"), (150e6, "+150")])
def test_a_sure_difference_is_not_written_as_nothing(moved, written):
    given = {"unit": "yuan_year", "base": 200e6, "value": 200e6 + moved, "difference": moved}
    _, signed, unit = versus.forms(given, "en")
    assert (signed(moved), unit) == (written, "million yuan")


def test_a_row_of_before_and_after_tells_the_interval_of_the_mean_and_the_range_over_futures_apart():
    given = {"unit": "share", "base": 0.2, "value": 0.23, "difference": 0.03, "ci_low": 0.01, "ci_high": 0.05,
             "p05": -0.1, "p95": 0.4, "up": 0.07, "down": 0.04, "verdict": "higher"}
    mean = versus.row("balance_ratio", given, "en")
    assert "+3.0" in mean["gap"] and "+1.0 to +5.0" in mean["gap"] and mean["futures"].startswith("−10.0 to +40.0")
    assert versus.row("p_deficit", given, "en")["futures"] == "comes in 7.0% of futures, goes in 4.0%"
    grown = {"unit": "yuan_year", "base": 2e3, "value": 3e9, "difference": 3e9}
    assert all(versus.forms(grown, language)[2] == money_unit(3e9, language)[1] for language in LANGUAGES)


def test_the_largest_error_told_is_at_least_that_of_every_chance(asked):
    run = asked["plain"].now
    for open_ in (run, run._replace(staying=run.staying.assign(se=0.0512345))):
        errors = [*open_.chances["se"], *open_.staying["se"]]
        told = re.search(r"at most ([\d.]+) percentage points", doubt(open_, "en"))
        assert 0 <= float(told[1]) - 100 * max(errors) < 0.011


@pytest.mark.parametrize("language", LANGUAGES)
def test_levers_are_told_with_old_new_year_and_clause(language, asked, papers):
    inquiry = asked["changed"]
    frame = table(papers["changed", language], say(language, "brief.table.levers")).frame
    base = inquiry.base
    before = base.policy_in(2028).benefits.ceiling
    row = frame[frame["lever"] == base.lever_names(CEILING, language)].iloc[0]
    assert row["old"].startswith(f"{before.value:,}") and row["new"] == say(language, "lever.no_limit")
    assert (row["since"], row["clause"]) == (2028, clause(base, before.source, language))
    question = "\n".join(part.text for part in papers["changed", language].sections[0].parts)
    assert "450" in question and "2027" in question and row["new"] in question
    taken = table(papers["changed", language], say(language, "brief.table.assumed")).frame.iloc[0]
    assert "1%" in taken["new"] and "3%" in taken["new"] and "own survey" in taken["evidence"]


def test_what_changes_nothing_is_no_change_and_a_branch_is_told_leaf_by_leaf():
    base = load_scenario(NAME)
    now = base.policy.benefits.ceiling.value
    assert moves(base, [change(CEILING, 2026, now)]) == []
    found = moves(base, [change("benefits.rate.inpatient.adult", 2030, 0.5)])
    assert {each.lever for each in found} == {
        name for name, value, *_ in base.levers(2030)
        if name.startswith("benefits.rate.inpatient.adult.") and value != 0.5}
    assert {(each.year, each.after) for each in found} == {(2030, 0.5)}


def test_the_end_of_a_temporary_change_is_told():
    base = load_scenario("benxi_2008")
    edits = [change(CEILING, 2010, 60000), change(CEILING, 2012, 30000)]
    assert [each[1:4] for each in moves(base, edits)] == [(2010, 30000, 60000), (2012, 60000, 30000)]
    assert moves(base, edits[1:]) == []
    as_planned = moves(load_scenario("city_pooling_2012"), [change("financing.subsidy", 2013, 280)])
    assert 2013 not in {each.year for each in as_planned}
    budgets = [change(lever, year, value) for lever, values in ((BY_ITEM, (30, 100)), (BUDGET, (70, 0)))
               for year, value in zip((2010, 2012), values, strict=True)]
    moved = tuple(moves(base, budgets))
    rules = wishes.rules(Inquiry(base.name, base.changed(budgets), tuple(budgets), (), base, moved,
                                 Runs(None, None, None, None), None, None), "en")
    assert [rule.year for rule in rules] == [2010, 2012]
    assert (rules[1].old, rules[1].new) == (rules[0].new, rules[0].old)


def test_the_steps_of_a_change_stand_whole_inside_their_chart():
    """Steps are drawn from the largest, which may go beyond both ends before a smaller one comes back."""
    levers = ("financing.contribution.adult.ordinary", "financing.subsidy.adult.ordinary", RATE)
    values = (300, 600, 0.5)
    inquiry = inquire(load_scenario(NAME), [change(lever, 2027, value) for lever, value in zip(
        levers, values, strict=True)], draws=64)
    shown = scenes.parts(inquiry, inquiry.parts, "en")
    low, high = shown.figure.layout.xaxis.range
    reached = shown.drawn.frame["value"].iloc[:-1].cumsum()
    assert low < min(reached.min(), 0) and high > reached.max()
    falling = shown.drawn._replace(frame=shown.drawn.frame.assign(value=[60.0, -20.0, -20.0, -19.0, 1.0]))
    assert contrasts.stairs(falling, "", "").layout.xaxis.range[0] < -5  # room for the figure of the last fall


@pytest.mark.parametrize("language", LANGUAGES)
def test_charts_are_told_by_the_figures_of_the_last_year(language, asked):
    run, scenario = asked["plain"].now, asked["plain"].scenario
    last = scenario.horizon()[-1]
    said = scenes.chances(asked["plain"], language).told
    assert str(last) in said
    assert all(percent(run.chance(event)["value"][last]) in said for event in EVENTS)
    spent = run.spending[run.spending["year"] == last].set_index("tier")["share"]
    said = scenes.spending(asked["plain"], language).told
    assert percent(spent.max()) in said and tier_name(scenario, spent.idxmax(), language) in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_waterfall_is_told_with_its_ends_its_parts_the_largest_first_and_what_they_do_together(language, asked):
    inquiry = asked["changed"]
    first, last, change_, together = 0.1, 0.17, 0.07, 0.004
    parts = inquiry.parts.parts.copy()
    here = (parts["quantity"] == "balance_ratio") & (parts["year"] == inquiry.scenario.horizon()[-1])
    parts.loc[here, "part"] = [0.01, -0.05, 0.11]
    found = inquiry.parts._replace(parts=parts, totals=inquiry.parts.totals.assign(
        first=first, last=last, change=change_, interaction=together))
    scene = scenes.parts(inquiry, found, language)
    told_ = [percent(first), percent(last), points(change_, language), points(0.11, language), points(-0.05, language),
             points(0.01, language), points(together, language)]
    assert [scene.told.index(each) for each in told_] == sorted(scene.told.index(each) for each in told_)
    two = found._replace(parts=parts[parts["group"].isin(parts["group"].unique()[:2])])
    assert points(together, language) in scenes.parts(inquiry, two, language).told
    draws = found.facts["draws"]
    assert scene.note == say(language, "brief.scene.parted", draws=f"{draws:,}")


@pytest.fixture(scope="module")
def planned():
    """What a brief asks of a change that gives up planned values, and of one that sets them anew; nothing is run."""
    base = load_scenario("city_pooling_2012")

    def inquiry(*edits):
        return Inquiry(base.name, base.changed(edits), edits, (), base, tuple(moves(base, edits)),
                       Runs(None, None, None, None), None, None)

    return inquiry


@pytest.mark.parametrize("language", LANGUAGES)
def test_planned_values_that_give_way_are_told_beside_the_changes(language, planned, monkeypatch):
    monkeypatch.setattr("report.brief.limit_text", lambda *_: "")  # which only a run knows
    same = planned(change("financing.subsidy", 2012, 240))  # what the scenario says of its first year
    (first,), found = same.moved, [part.text for part in question(same, language)]
    assert same.changed and (first.year, first.before, first.after) == (2013, 280, 240)
    name = same.base.lever_names("financing.subsidy", language)
    told = next(text for text in found if years_of(range(2013, 2022), language) in text)
    assert name in told and found.index(told) == 1 + next(n for n, text in enumerate(found) if "280" in text)
    leaves = [f"financing.contribution.{group}.ordinary" for group in ("child", "adult", "senior")]
    told = given_way(planned(*(change(leaf, 2019, 300) for leaf in leaves)), language)
    assert len(told) == 1 and told[0].count(years_of((2020, 2021), language)) == 1
    for kept in ([change("financing.subsidy", year, 700) for year in (2020, 2021)], [change(CEILING, 2012, 1000)]):
        assert given_way(planned(*kept), language) == []


@pytest.fixture(scope="module")
def reform(asked):
    """A global budget, a rate of two groups and an assumption; only words are asked of it, so nothing is run."""
    edits = [change(BY_ITEM, 2027, 30), change(BUDGET, 2027, 10),
             *(change(f"{RATE}.{group}.primary", 2027, 0.9) for group in ("child", "adult"))]
    base, taken = load_scenario(NAME), asked["changed"].estimates
    return asked["changed"]._replace(scenario=base.changed(edits).assuming(taken), moved=tuple(moves(base, edits)))


def test_parts_of_a_mix_are_told_as_its_shares_before_and_after(reform):
    by_item, budget = (reform.base.axes.named("method")[name] for name in ("fee_for_service", "global_budget"))
    for language, joint in (("zh", "、"), ("en", ", ")):
        mixed, = (rule for rule in wishes.rules(reform, language) if by_item[language] in rule.old)
        assert (mixed.old, mixed.new) == (f"{by_item[language]} 100%",
                                          f"{by_item[language]} 75%{joint}{budget[language]} 25%")
        text = "\n".join(wishes.told(reform, language))
        assert mixed.new in text and "份" not in text and "part" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_rules_and_assumptions_are_counted_apart_and_like_values_told_once(language, reform):
    told = wishes.told(reform, language)
    assert len(told) == 2  # the rate of both groups, and the mix
    groups = [reform.base.axes.group[name][language] for name in ("child", "adult")]
    assert all(group in told[0] for group in groups) and "85%" in told[0] and "90%" in told[0]
    assert wishes.counts(reform, language) == say(language, "brief.comma").join(
        [say(language, "brief.count.rules", count=2), say(language, "brief.count.assumed", count=1)])
    assert len(wishes.assumed(reform, language)) == 1


def test_a_like_step_of_unlike_values_is_told_as_a_rise_or_a_fall():
    base = load_scenario(NAME)

    def sentences_of(*edits):
        return wishes.sentences(Inquiry(NAME, base.changed(edits), edits, (), base, tuple(moves(base, edits)),
                                        Runs(None, None, None, None), None, None), "en")

    rates = {"primary": 0.85, "county": 0.75, "city": 0.65, "away": 0.6}
    for by, way in ((0.05, "rises"), (-0.05, "falls")):
        text, = sentences_of(*(change(f"{RATE}.adult.{tier}", 2027, round(rates[tier] + by, 2))
                               for tier in ("primary", "county")))
        assert f"{way} by 5 percentage points" in text
    # Steps that differ are told one by one up to three, and counted beyond.
    steps = [change(f"{RATE}.adult.{tier}", 2027, round(rate + n / 100, 2))
             for n, (tier, rate) in enumerate(rates.items(), 1)]
    assert len(sentences_of(*steps[:3])) == 3
    text, = sentences_of(*steps)
    assert "4 values" in text


def test_a_mix_is_told_from_what_it_is_in_the_year_of_the_change():
    base = load_scenario(NAME).changed([change(BUDGET, 2027, 1)])  # half by item, half by a budget
    edits = (change(BUDGET, 2029, 3),)
    rule, = wishes.rules(Inquiry(NAME, base.changed(edits), edits, (), base, tuple(moves(base, edits)),
                                 Runs(None, None, None, None), None, None), "en")
    assert (rule.year, re.findall(r"\d+%", rule.old), re.findall(r"\d+%", rule.new)) == (
        2029, ["50%", "50%"], ["25%", "75%"])


def test_five_members_of_a_name_are_listed_and_six_counted():
    names = [f"Rate · {letter}" for letter in "abcdef"]
    assert wishes.called(names[:5], "en") == "Rate (a, b, c, d, e)" and wishes.called(names, "en") == "Rate (6 values)"


def test_eight_changes_of_rules_are_told_and_the_others_counted(planned):
    yearly = [change(CEILING, 2012 + n, 60_000 + 1000 * n) for n in range(10)]
    assert wishes.told(planned(*yearly[:8]), "en")[-1].startswith("From 2019 on")
    *listed, rest = wishes.told(planned(*yearly), "en")
    assert listed[-1].startswith("From 2019 on") and rest == say("en", "brief.wish.rest", count=2)


def test_changes_are_told_in_the_order_of_their_years(planned):
    """A plan given up stands in its own year, before a change of a later one."""
    years = [each.year for each in planned(change("financing.subsidy", 2012, 240), change(CEILING, 2019, 1000)).moved]
    assert years == sorted(years) and {2013, 2019} <= set(years)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_scenario_s_own_question_is_asked_only_where_nothing_is_changed(language, asked, papers):
    story = asked["plain"].scenario.story[language]
    known = background(story)
    asks = clean(story.removeprefix(known).strip())
    assert known and asks[-1] in "？?" and clean(known) in said(papers["changed", language])
    assert asks in said(papers["plain", language]) and asks not in said(papers["changed", language])


@pytest.mark.parametrize("kind", KINDS)
def test_percentages_and_minus_signs_have_one_form(kind, papers):
    """Commands are as they must be typed."""
    told = [text for section in (*papers[kind].sections, *papers[kind].annexes) for part in section.parts
            for text in ([part.text] if isinstance(part, Paragraph) else
                         [cell for row in cells(part.drawn) for cell in row] if isinstance(part, Table) else [])]
    assert not [text for text in told if re.search(r"\d %|(?<![\w.)%-])-\d|[−-]0(\.0+)?(?![\d.])", text)]


def test_what_is_finished_is_kept_and_the_share_of_the_work_done_is_told(asked):
    """Broken off after the runs, and taken up again: no part is made twice, and the answer is the same."""
    whole, kept, shares_ = asked["changed"], {}, []

    def stop(share):
        shares_.append(share)
        if "runs" in kept:
            raise KeyboardInterrupt

    again = (whole.base, whole.edits, whole.estimates, DRAWS)
    with pytest.raises(KeyboardInterrupt):
        inquire(*again, progress=stop, keep=lambda part: kept.update([part]))
    assert set(kept) == {"record", "runs"} and shares_ == sorted(shares_) and 0 <= shares_[0] < shares_[-1] < 1
    runs = kept["runs"]
    found = inquire(*again, kept=kept)
    assert found.runs is runs and runs.now.facts == whole.now.facts
    assert found.parts.totals.equals(whole.parts.totals)


@pytest.mark.parametrize("name", ["plain", "changed"])
def test_shares_of_who_pays_add_up(name, papers):
    """To one within what rounding of floats leaves: the parts are all there is."""
    frame = table(papers[name, "en"], say("en", "brief.table.payers", unit="")[:8]).frame
    for whole in WHOLES:
        rows = frame[frame["of"] == say("en", f"brief.payer.of_{whole}")]
        for column in (column for column in frame if column.endswith("_share")):
            assert rows[column].sum() == pytest.approx(1, abs=1e-9), (whole, column)


def test_shares_of_who_pays_add_up_where_families_have_accounts():
    frame = burden.table(told(simulate("account_to_pool_2011", 64)), None, "en")[0].frame
    assert {"Family accounts", "Set aside in family accounts"} <= set(frame["payer"])
    sums = frame.groupby("of")[["first_share", "last_share"]].sum()
    np.testing.assert_allclose(sums, 1, atol=1e-9)


def test_a_year_without_income_has_no_shares():
    base = load_scenario("xinyang_launch_2008")
    paid_in = ("financing.contribution.", "financing.subsidy.")
    leaves = [name for name, *_ in base.levers(2008) if f"{name}.".startswith(paid_in)]
    bare = base.changed([change(leaf, 2008, 0) for leaf in leaves] + [change(leaves[0], 2009, 50)])
    drawn = burden.table(told(simulate(bare, 64)), None, "en")[0]
    income = [row for row in cells(drawn) if row[0] == say("en", "brief.payer.of_income")]
    assert income and {row[3] for row in income} == {NOTHING} and not {row[5] for row in income} & {NOTHING}


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_nothing_is_spent_no_part_is_the_largest(language):
    base = load_scenario("xinyang_launch_2008").changed([change("benefits.kind_ceiling", 2008, 0)])
    runs = Runs(told(simulate(base, 64)), None, None, None)
    found = scenes.spending(Inquiry(base.name, base, (), (), base, (), runs, None, None), language)
    assert "0.0" in found.told and "nan" not in found.told


@pytest.mark.parametrize("language", LANGUAGES)
def test_grades_are_the_back_test_s_and_every_interval_is_told(language, asked, papers):
    inquiry, paper = asked["plain"], papers["plain", language]
    given, frame = grades(inquiry.record), table(paper, say(language, "brief.table.grades")).frame
    assert frame["grade"].tolist() == [given[name] for name in evidence.GRADED if name in given]
    assert evidence.titles()[inquiry.record.series.name][language] in said(paper)
    uncertain = [term.title[language] for section, model in ASSUMED.items() for field, term in model.terms().items()
                 for it in [getattr(getattr(inquiry.scenario.assumptions, section), field)] if it.range or it.factor]
    frame = table(paper, say(language, "brief.head.assumptions")).frame
    assert frame["assumption"].tolist() == uncertain
    growth = inquiry.scenario.assumptions.utilisation.cost_growth
    row = frame[frame["assumption"] == ASSUMED["utilisation"].terms()["cost_growth"].title[language]].iloc[0]
    assert row["ends"] == say(language, "number.between", low="−1%", high="5%") and growth.range == (-0.01, 0.05)
    assert row["evidence"] == clean(clause(inquiry.scenario, growth.source, language))


def test_english_headings_and_captions_hold_no_chinese(papers):
    """Clauses name their documents as they are called."""
    paper = papers["changed", "en"]
    told = [*paper.title, *paper.annexed, *(section.title for section in (*paper.sections, *paper.annexes)),
            *(caption for caption, _ in tables(paper)), *(name for _, drawn in tables(paper)
                                                          for name in drawn.heads.values())]
    assert not [text for text in told if re.search(HAN, text)]


def test_column_widths_fill_the_page_and_none_is_lost(papers):
    for paper in papers.values():
        for caption, drawn in tables(paper):
            assert sum(shares(drawn)) == pytest.approx(1), caption
            assert min(shares(drawn)) > 0.03, caption


# --- files ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", MIXED)
def test_the_word_file_holds_the_brief_and_nothing_of_a_machine(kind, papers):
    paper = papers[kind]
    content = word(paper)
    assert content == word(paper)
    document = Document(io.BytesIO(content))
    assert [block.text for block in document.paragraphs if block.text.strip()] == list(lines(paper))
    of_tables = [drawn for section in (*paper.sections, *paper.annexes) for part in section.parts
                 if isinstance(part, Table) for drawn in [part.drawn]]
    assert [[cell.text for cell in row.cells] for made in document.tables for row in made.rows[1:]] == [
        row for drawn in of_tables for row in cells(drawn)]
    pictures = document.element.body.findall(f".//{qn('wp:docPr')}")
    assert [picture.get("descr") for picture in pictures] == [
        part.alt for section in paper.sections for part in section.parts if isinstance(part, Chart)]
    with ZipFile(io.BytesIO(content)) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert not [name for name in archive.namelist() if name.endswith(".xml") and b"/work" in archive.read(name)]


def test_the_chinese_word_file_has_the_measures_of_an_official_document(papers):
    page = Document(io.BytesIO(word(papers["plain", "zh"]))).sections[0]
    sides = (page.top_margin, page.left_margin, page.right_margin, page.page_width, page.page_height)
    assert [round(side.mm) for side in sides] == [37, 28, 26, 210, 297]
    assert page.footer.paragraphs[0].text.replace(" ", "") == "——" and "PAGE" in page.footer._element.xml


@pytest.mark.parametrize("kind", MIXED)
def test_the_pdf_holds_the_title_and_the_figures_of_the_run(kind, asked, papers):
    paper, inquiry = papers[kind], asked[kind[0]]
    content = pdf(paper)
    assert kind != MIXED[1] or content == pdf(paper)
    text = "".join(re.sub(r"\s+", "", page.extract_text()) for page in PdfReader(io.BytesIO(content)).pages)
    for wanted in (*paper.title, *paper.annexed, inquiry.now.facts["fingerprint"],
                   *(each.value for each in figures(inquiry.now, inquiry.before, kind[1])),
                   *(cell for row in cells(table(paper, say(kind[1], "brief.table.account"))) for cell in row)):
        assert re.sub(r"\s+", "", wanted) in text, wanted
    assert b"/work" not in content


def test_lines_break_where_chinese_may_break():
    text = "若将“年度最高支付限额”由 150,000 元调整为不设限额，（2026—2035 年）基金能否守住各条线？" * 3
    for width in range(6, 40):
        made = broken(text, lambda piece: sum(1.0 if ord(letter) > 0x2E80 else 0.5 for letter in piece), width)
        assert "".join(made).replace(" ", "") == text.replace(" ", "")
        assert not [line for line in made if line[0] in NOT_FIRST]
        assert not [line for line in made[:-1] if line[-1] in NOT_LAST]
        assert not [line for line in made[1:] if line.startswith("000")]  # a number stays whole
    assert "".join(units(text)) == text


class Reader(HTMLParser):
    """What a browser would make of a page: its tags, what they point to, and its text."""

    def __init__(self, content):
        super().__init__()
        self.tags, self.links, self.text = [], [], ""
        self.feed(content.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.text += data


def test_what_others_wrote_stays_text_in_every_file(asked):
    base = load_scenario(NAME)
    documents = {name: each.model_copy(update={"title": HOSTILE}) for name, each in base.documents.items()}
    scenario = base.model_copy(update={"title": words(HOSTILE, HOSTILE), "story": words(HOSTILE, HOSTILE),
                                       "documents": documents})
    paper = brief(asked["plain"]._replace(scenario=scenario, base=scenario, named=HOSTILE), "zh")
    shown = "<script>alert(1)</script> & =1+1 “x”"
    page = Reader(html(paper))
    assert shown in " ".join(page.text.split()) and "script" not in page.tags
    assert page.links and all(link.startswith("data:image/png;base64,") for link in page.links)
    assert any(shown in block.text for block in Document(io.BytesIO(word(paper))).paragraphs)
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf(paper))).pages)
    assert "<script>alert(1)</script>" in text.replace("\n", "").replace(" ", "")


@pytest.mark.parametrize("kind", [("changed", "zh"), ("plain", "en")])
def test_the_web_page_and_the_workbook_hold_the_brief(kind, papers):
    paper = papers[kind]
    page = Reader(html(paper))
    flat = "".join(page.text.split())
    assert all("".join(line.split()) in flat for line in lines(paper))
    assert page.tags.count("img") == (4 if kind[0] == "changed" else 3)
    assert not {"script", "link", "iframe"} & set(page.tags)
    made = openpyxl.load_workbook(io.BytesIO(book(paper)))
    assert [cell.value for (cell,) in made.worksheets[0].iter_rows()] == list(lines(paper))
    for n, (caption, drawn) in enumerate(tables(paper), 1):
        sheet = made.worksheets[n]
        assert sheet.title.startswith(f"{n} {caption[:8].split(':')[0]}") and len(sheet.title) <= 31
        for place, name in enumerate(drawn.frame.columns, 1):
            for row, value in enumerate(drawn.frame[name], 2):
                found = sheet.cell(row, place).value
                if isinstance(value, str):
                    assert found == value or found == f"'{value}" and not value[1].isdigit(), value
                else:  # a workbook holds some fifteen digits of a number
                    assert found is None if value != value else found == pytest.approx(value, rel=1e-14), (n, name)


@pytest.mark.parametrize(("levers", "groups", "orders"), [
    (("benefits.ceiling", "benefits.referral_credit", "financing.contribution_step", "payment.growth"), 4, None),
    (("benefits.ceiling", "benefits.referral_credit", "financing.contribution_step", "payment.growth",
      "enrolment.awareness"), 4, None),
    (("benefits.ceiling", "care.capability", "financing.contribution_step", "payment.growth", "enrolment.awareness"),
     5, ORDERS)])
def test_up_to_four_groups_take_every_order_and_of_more_some_are_sampled(levers, groups, orders) -> None:
    before = load_scenario(NAME).model_copy(update={"years": 2})
    to = {"benefits.ceiling": 400_000, "benefits.referral_credit": 1, "financing.contribution_step": 30}
    after = changed(before, [(lever, 2026, to.get(lever, 0.1)) for lever in levers])
    found = shared_out((before, after), {"draws": 16, "seed": 1, "engine": "table"}, lambda *_: None)
    assert found.parts["group"].nunique() == groups and found.facts.get("orders") == orders


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_brief_of_one_year_names_it_once(language: str) -> None:
    """One year is no range, and who pays is told of it in one pair of columns."""
    one = load_scenario("account_to_pool_2011").model_copy(update={"years": 1})
    run = told(simulate(one, 64))
    assert f"{one.first_year}–{one.first_year}" not in answer(run, None, language)
    assert f"{one.first_year}—{one.first_year}" not in answer(run, None, language)
    assert list(burden.table(run, None, language)[0].frame) == ["of", "payer", "last", "last_share"]
    assert panels.spending(run, one, language).alt.count(str(one.first_year)) == 1
