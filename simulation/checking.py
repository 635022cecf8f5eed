"""Every fault of a scenario's values, each one sentence with its remedy."""

from __future__ import annotations

from simulation.assumptions import ASSUMED, uncertain
from simulation.estimates import check_interval
from simulation.policy import SECTIONS
from simulation.scenario import Change, Scenario, check_parts, check_shares
from simulation.terms import BadInput, Fault, Given, Source, Term, short, words
from simulation.trees import check_tree, nearest


def check_scenario(scenario: Scenario, place: str) -> list[Fault]:
    """Every fault of a scenario's values: trees, bounds, intervals, documents, changes, sums."""
    axes = scenario.axes.members()
    faults: list[Fault] = []

    def check_source(source: Source, where: str) -> None:
        if source.document is not None and source.document not in scenario.documents:
            near = nearest(source.document, list(scenario.documents))
            faults.append(Fault(f"{where}.source.document", words("没有列出这份文件", "this document is not listed"),
                                words(f"是否为：{near}", f"did you mean {near}")))
        if source.status in ("law", "bulletin") and not source.document:
            faults.append(Fault(f"{where}.source", words("缺少文件", "no document is named"),
                                words("请写 document,或改为 assumption",
                                      "name its document, or call it an assumption")))

    def check_given(given: Given, term: Term, where: str) -> None:
        faults.extend(check_tree(term, given.value, axes, where))
        check_source(given.source, where)

    for section, model in SECTIONS.items():
        for name, term in model.terms().items():
            check_given(getattr(getattr(scenario.policy, section), name), term, f"{place}: policy.{section}.{name}")
    for section, model in ASSUMED.items():
        for name, term in model.terms().items():
            given = getattr(getattr(scenario.assumptions, section), name)
            where = f"{place}: assumptions.{section}.{name}"
            check_given(given, term, where)
            faults.extend(check_interval(given, term, where))
    if faults:
        return faults
    known = list(uncertain(scenario.assumptions))
    pairs = [frozenset(correlation.between) for correlation in scenario.assumptions.correlations]
    for n, correlation in enumerate(scenario.assumptions.correlations):
        if pairs[n] in pairs[:n]:
            faults.append(Fault(f"{place}: assumptions.correlations.{n}",
                                words("这两个假设已经写过", "these two are written already"),
                                words("请只保留一次", "keep one of them")))
        if correlation.between[0] == correlation.between[1]:
            faults.append(Fault(f"{place}: assumptions.correlations.{n}",
                                words("与自身相关", "goes from one to itself"),
                                words("请写两个不同的假设", "name two different assumptions")))
        for name in correlation.between:
            if name not in known:
                near = nearest(name, known)
                faults.append(Fault(f"{place}: assumptions.correlations.{n}", words(f"{short(name)} 没有区间",
                                                                                    f"{short(name)} has no interval"),
                                    words(f"是否为：{near}", f"did you mean {near}")))
    faults += check_shares(scenario, place)
    for name in ("primary", "away"):
        for tier in getattr(scenario.axes, name):
            if tier not in axes["tier"]:
                near = nearest(tier, axes["tier"])
                faults.append(Fault(f"{place}: axes.{name}.{tier}", words("不认识的名称", "unknown name"),
                                    words(f"是否为：{near}", f"did you mean {near}")))
    if axes["kind"] not in (KINDS[:2], KINDS):
        faults.append(Fault(f"{place}: axes.kind", words("不是模拟的医疗类别",
                                                         "these are not the kinds that are simulated"),
                            words("请依次写 inpatient、chronic，可加 outpatient",
                                  "write inpatient, then chronic, then outpatient if it is pooled")))
    if scenario.axes.ages and tuple(scenario.axes.ages) != axes["group"]:
        faults.append(Fault(f"{place}: axes.ages", words("应逐一给出各人群的年龄",
                                                         "does not name every group in order"),
                            words("请写每个人群的首末年龄", "write the first and last age of each group")))
    for group, (first, last) in scenario.axes.ages.items():
        if first > last:
            faults.append(Fault(f"{place}: axes.ages.{group}", words("首龄大于末龄", "the first age is above the last"),
                                words("请交换", "exchange them")))
    for n, rule in enumerate(scenario.local_rules):
        where = f"{place}: local_rules.{n}"
        if rule.area not in axes["area"]:
            near = nearest(rule.area, axes["area"] or ("area",))
            faults.append(Fault(f"{where}.area", words("没有这个县区", "there is no such area"),
                                words(f"是否为：{near}", f"did you mean {near}")))
        check_source(rule.source, where)
        try:
            scenario.check(Change(lever=rule.lever, year=scenario.first_year, value=rule.value, source=rule.source))
        except BadInput as bad:
            faults += [Fault(f"{where}: {fault.place}", fault.what, fault.remedy) for fault in bad.faults]
    for n, provision in enumerate(scenario.provisions):
        check_source(provision.source, f"{place}: provisions.{n}")
    for n, change in enumerate(scenario.changes):
        try:
            scenario.check(change)
            check_source(change.source, f"{place}: changes.{n}")
        except BadInput as bad:
            faults += [Fault(f"{place}: changes.{n}: {fault.place}", fault.what, fault.remedy) for fault in bad.faults]
    return faults or check_parts(scenario, place)  # which takes rules and changes that hold


KINDS = ("inpatient", "chronic", "outpatient")
