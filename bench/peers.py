"""The same schedule in openfisca-core and policyengine-core, without what is known to slow them down.

Run by `bench.kernel` in an environment of its own, for these packages pin versions of theirs: it imports nothing of the
sandbox. `python peers.py PACKAGE FILE RUNS` reads people, schedule and expected payments from an .npz file and prints
JSON. In both forms parameters become arrays once a formula and are picked by number (an enumeration or a name looked up
for each person takes many times as long) and only `calculate` is timed. `scales`: a variable for each quantity of the
law and the package's own scale for the banded layer, as country packages are written. `bare`: two variables, and
nothing but numpy in their formulas.
"""

import importlib
import importlib.metadata
import json
import sys
from statistics import median
from time import perf_counter

import numpy as np

YEAR = "2026"


def law_of(schedule):
    """The schedule as the tree of parameters both packages read."""
    at = lambda value: {"values": {"2000-01-01": {"value": float(value)}}}  # noqa: E731
    brackets = [{"threshold": at(low)["values"], "rate": at(rate)["values"]}
                for low, rate in zip(schedule["critical_lower"], schedule["critical_rate"], strict=True)]
    return {"schedule": {
        "deductible": {f"tier_{k}": at(x) for k, x in enumerate(schedule["first"])},
        "rate": {f"tier_{k}": {f"group_{g}": at(x) for g, x in enumerate(row)}
                 for k, row in enumerate(schedule["rate"])},
        "ceiling": at(schedule["ceiling"]),
        "critical": {"deductible": at(schedule["critical_due"]), "ceiling": at(schedule["critical_ceiling"]),
                     "scale": {"brackets": brackets}}}}


def deductibles(law):
    return np.array([law.deductible[f"tier_{k}"] for k in range(len(list(law.deductible)))], np.float32)


def rates(law):
    tiers = len(list(law.rate))
    return np.array([[law.rate[f"tier_{k}"][f"group_{g}"] for g in range(len(list(law.rate.tier_0)))]
                     for k in range(tiers)], np.float32)


def bare():
    """Two formulas."""
    def basic(people, period, parameters):
        law = parameters(period).schedule
        where, bill, table = people("tier", period), people("eligible", period), rates(law)
        rate = table.ravel()[where * table.shape[1] + people("cell", period)]
        return np.minimum(rate * np.maximum(bill - deductibles(law)[where], 0), law.ceiling)

    def critical(people, period, parameters):
        law, paid = parameters(period).schedule.critical, 0
        left = people("eligible", period) - people("basic", period)
        thresholds = law.scale.thresholds
        for low, high, rate in zip(thresholds, [*thresholds[1:], np.inf], law.scale.rates, strict=True):
            low = max(low, law.deductible)
            if high > low:
                paid = paid + rate * np.maximum(np.minimum(left, high) - low, 0)
        return np.minimum(paid, law.ceiling)

    return {"basic": basic, "critical": critical}


def scales():
    """A formula for each quantity of the law."""
    def deductible(people, period, parameters):
        return deductibles(parameters(period).schedule)[people("tier", period)]

    def rate(people, period, parameters):
        table = rates(parameters(period).schedule)
        return table[people("tier", period), people("cell", period)]

    def covered(people, period, parameters):
        return np.maximum(people("eligible", period) - people("deductible", period), 0)

    def basic(people, period, parameters):
        ceiling = parameters(period).schedule.ceiling
        return np.minimum(people("rate", period) * people("covered", period), ceiling)

    def left(people, period, parameters):
        return people("eligible", period) - people("basic", period)

    def critical(people, period, parameters):
        law, left = parameters(period).schedule.critical, people("left", period)
        below = law.scale.calc(np.minimum(left, law.deductible))
        return np.minimum(law.scale.calc(left) - below, law.ceiling)

    return {"deductible": deductible, "rate": rate, "covered": covered, "basic": basic, "left": left,
            "critical": critical}


def system_of(package, schedule, formulas):
    """A tax-benefit system with the schedule as its parameters and these formulas."""
    of = lambda name: importlib.import_module(f"{package}.{name}")  # noqa: E731
    person = of("entities").build_entity(key="person", plural="people", label="", is_person=True)
    group = of("entities").build_entity(key="family", plural="families", label="", roles=[{"key": "member"}])
    variables, year = of("variables"), of("periods").YEAR
    kinds = {"tier": int, "cell": int, "eligible": float} | dict.fromkeys(formulas, float)
    system = of("taxbenefitsystems").TaxBenefitSystem([person, group])
    system.parameters = of("parameters").ParameterNode("", data=law_of(schedule))
    for name, kind in kinds.items():
        parts = {"value_type": kind, "entity": person, "definition_period": year, "label": name}
        if name in formulas:
            parts["formula"] = formulas[name]
        system.add_variable(type(name, (variables.Variable,), parts))
    return system


def timed(package, path, runs):
    """Median seconds in which both payments of everyone are calculated, and how far they are from what is expected."""
    data = dict(np.load(path))
    place = "simulations" if package.startswith("policyengine") else "simulation_builder"
    builder = importlib.import_module(f"{package}.{place}").SimulationBuilder
    answer = {"package": f"{package.replace('_', '-')} {importlib.metadata.version(package.replace('_', '-'))}",
              "numpy": np.__version__}
    for form in (scales, bare):
        system, took, apart = system_of(package, data, form()), [], 0.0
        for _ in range(runs + 1):
            simulation = builder().build_default_simulation(system, count=len(data["tier"]))
            for name in ("tier", "cell", "eligible"):
                simulation.set_input(name, YEAR, data[name])
            start = perf_counter()
            found = [simulation.calculate(name, YEAR) for name in ("basic", "critical")]
            took.append(perf_counter() - start)
            apart = max(apart, *(float(np.abs(got - data[name]).max())
                                 for got, name in zip(found, ("basic", "critical"), strict=True)))
        answer[form.__name__] = {"seconds": median(took[1:]), "apart": apart}
    return answer


if __name__ == "__main__":
    print(json.dumps(timed(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
