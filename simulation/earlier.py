"""Scenarios as earlier versions of the program wrote them, brought into today's form with the values they had."""

from __future__ import annotations

from typing import Any


def renewed(scenario: dict[str, Any]) -> dict[str, Any]:
    """A scenario's plain data in today's form; what is in it already, or is no scenario at all, stays as it is.

    Up to the first 0.1.0, care inside the policy was one share. Now it is class A, and class B less what is paid
    first, and what is outside is class C: the same share is class A alone, the rest class C, and class B nothing.

    >>> old = {"assumptions": {"utilisation": {"eligible_share": {"value": {"inpatient": 0.75}, "source": "x"}}}}
    >>> shares = renewed(old)["assumptions"]["utilisation"]
    >>> shares["class_a_share"]["value"], shares["class_c_share"]["value"]
    ({'inpatient': 0.75}, {'inpatient': 0.25})
    """
    try:
        care = dict(scenario["assumptions"]["utilisation"])
        inside = care.pop("eligible_share")
        outside = inside | {"value": rest(inside["value"]), "factor": None,
                            "range": inside.get("range") and [rest(end) for end in reversed(inside["range"])]}
    except (KeyError, TypeError, AttributeError):
        return scenario
    if inside.get("factor"):  # an interval of multiples has no mirror image
        return scenario
    care |= {"class_a_share": inside | {"range": None, "factor": None}, "class_c_share": outside}
    return scenario | {"assumptions": scenario["assumptions"] | {"utilisation": care}}


def rest(share: Any) -> Any:
    """What a share, or each of a tree of them, leaves of one."""
    if isinstance(share, dict):
        return {name: rest(part) for name, part in share.items()}
    return round(1 - share, 12)
