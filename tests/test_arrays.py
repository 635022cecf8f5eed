"""Arrays of histories settled by the shortened list, against `settle_year` itself on every one of them."""

from dataclasses import dataclass

import numpy as np
import pytest

from simulation import load_scenario
from simulation.engines.arrays import program
from simulation.engines.blocks import Block
from simulation.engines.pruned import LAYERS, Form, Reach, known
from simulation.engines.tables import Bills, Job, Schedule, payments, rules_of_stays
from simulation.records import Rules
from simulation.stages.book import book_of
from simulation.steps.benefits import BASIC, settle_year

BOOKS = ("benxi_2008", "nanning_family_doctor_2019", "city_pooling_2012", "henan_nrcms_2011", "urrbmi_county_2026")
PRICE = np.array([0.7, 1.0, 1.6])
OTHER = (  # rules that no scenario has together
    {}, {"credit": 0.5}, {"bonus": 0.02, "limit": 0.8},
    {"kind_ceiling": np.array([4e4, 3e3]), "has_kind_ceiling": True},
    {"has_commercial": True, "commercial_rate": 0.5, "commercial_due": 5e3, "commercial_ceiling": 1e4},
    {"has_critical": True, "above_ceiling": 1.0, "critical_due": 0.0, "critical_ceiling": 5e4},
    {"has_critical": True, "above_ceiling": 1.0, "kind_ceiling": np.array([np.inf, 50.0]), "has_kind_ceiling": True},
    {"has_critical": True, "above_ceiling": 0.0, "critical_due": 8e3, "critical_ceiling": np.inf, "credit": 1.0},
    {"counts": np.array([1.0, 0.0])}, {"annual": np.array([1.0, 1.0])},
    {"has_critical": False, "has_assistance": False},
)


@dataclass
class People:
    """Histories at random, and the same as arguments of `settle_year`."""

    block: Block
    bills: Bills

    @classmethod
    def drawn(cls, chronic: int, bills: int, tiers: int, dear: float) -> "People":
        rng = np.random.Generator(np.random.Philox(bills))
        shape = bills, 40
        eligible = dear * rng.lognormal(size=shape) * (rng.uniform(size=shape) < 0.9)
        continued = (rng.uniform(size=shape) < 0.5).astype(float)
        continued[:chronic + 1] = 0.0
        block = Block(chronic, (bills - chronic,), rng.integers(0, tiers, shape), eligible, continued, np.ones(40))
        of_kind = [eligible[chronic:].sum(axis=0), eligible[:chronic].sum(axis=0)]
        return cls(block, Bills(eligible.sum(axis=0), eligible, np.stack([*of_kind, sum(of_kind)])))


def rules_of(name: str, other: dict) -> Rules:
    """A scenario's rules for stays with some of them changed."""
    scenario = load_scenario(name)
    rules = rules_of_stays(book_of(scenario, next(iter(scenario.axes.area), None)).rules[0])
    like = lambda field, value: np.full_like(field, value) if np.ndim(field) else value  # noqa: E731
    return rules._replace(**{name: like(getattr(rules, name), value) for name, value in other.items()})


def expected(rules: Rules, people: People, made: list[Schedule], ceiling: float) -> dict:
    """What `settle_year` gives, (u, s, p, h)."""
    block, out = people.block, {}
    cell, years = (np.array(values)[:, None, None] for values in zip(*made, strict=True))
    status = np.arange(len(rules.assistance_rate))[:, None, None, None]
    bills = len(block.tier)
    kinds = [1] * block.chronic + [0] * (bills - block.chronic)
    settle_year(rules._replace(ceiling=ceiling), cell, status, years, kinds, block.tier, block.continued, [0.0] * bills,
                people.bills.eligible[:, None] * PRICE[:, None], [0.0, 0.0], [0.0, 0.0], out)
    return out


@pytest.mark.parametrize("dear", [300.0, 6e3, 1e5], ids=["cheap", "usual", "dear"])
@pytest.mark.parametrize("other", OTHER, ids=lambda other: "+".join(other) or "as they are")
@pytest.mark.parametrize("name", BOOKS)
def test_the_shortened_list_pays_what_the_rules_pay(name: str, other: dict, dear: float) -> None:
    rules = rules_of(name, other)
    made = [Schedule(0, 0.0), Schedule(rules.rate.shape[3] - 1, 4.5)]
    ceilings = np.array([2e4, 6e4, 9e5])
    for chronic, bills in ((0, 1), (1, 1), (0, 3), (1, 4)):
        people = People.drawn(chronic, bills, rules.rate.shape[2], dear)
        job, which = Job.of(rules, ceilings, made, PRICE).below(float(people.bills.whole[2].max() * PRICE.max()))
        each, whole, layers = payments(job, people.block, slice(None), people.bills)
        for n, ceiling in zip(which, ceilings, strict=True):
            found = expected(rules, people, made, float(ceiling))
            basic = [found[j, BASIC] for j in range(bills)]
            close(each[:, n, 0], np.stack(np.broadcast_arrays(*basic)), dear)
            close(whole[n, 0], sum(basic), dear)
            for layer in LAYERS:
                total = sum((found[j, layer] for j in range(bills) if (j, layer) in found), np.zeros(1))
                close(*np.broadcast_arrays(layers[layer][n] if layer in layers else np.zeros(1), total), dear)


def close(one: np.ndarray, other: np.ndarray, scale: float) -> None:
    """Equal but for the rounding of sums."""
    np.testing.assert_allclose(one, np.broadcast_to(other, one.shape), rtol=1e-11, atol=1e-10 * scale)


def test_a_limit_out_of_reach_costs_no_operation() -> None:
    rules = rules_of("urrbmi_county_2026", {})._replace(ceiling=np.array([1e5]))
    far = Reach(False, (False, False), False, False, False)
    lines = {reach: len(program(Form(known(rules), reach, 0, 5, False)).lines)
             for reach in (far, far._replace(ceiling=True), far._replace(ceiling=True, critical=True))}
    few, some, many = lines.values()
    assert few < some < many
    assert many - some < 30  # a layer is reckoned for the year's end alone, not after every bill


def test_a_list_grows_with_the_bills_and_no_faster() -> None:
    rules = rules_of("nanning_family_doctor_2019", {})._replace(ceiling=np.array([1e5]))
    reach = Reach(True, (False, True), True, True, True)
    short, long = (len(program(Form(known(rules), reach, 1, bills, True)).lines) for bills in (20, 40))
    assert long < 2.1 * short
