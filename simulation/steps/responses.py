"""People and providers respond to a change of rules: where they go, how often, and at what cost.

Everything here is a response to the difference between a year's policy and the scenario's base policy.
"""

from __future__ import annotations

import numpy as np

LEAST = 0.01  # of care or of its expense is left, however strong a response is drawn
CHEAPEST = 0.02  # a net price below this part of the expense is felt as nothing


def dearer(price: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Log change of net prices of any shape.

    >>> float(dearer(np.array(0.4), np.array(0.4)))
    0.0
    """
    return np.log(np.maximum(price, CHEAPEST) / np.maximum(base, CHEAPEST))


def lean(sensitivity, price_change, to_primary, to_county, primary, away, lost) -> np.ndarray:
    """Log odds by which each tier gains, (n, c, k), over n draws.

    `sensitivity` (n,); `price_change` (k, c) from `dearer`; `to_primary` (n, c) and `to_county` (n,) log odds;
    `primary` and `away` (k,) mark tiers; `lost` (n, k) share of a tier's patients turned away to others.
    """
    gain = -price_change[:, :, None] * sensitivity  # (k, c, n): draws side by side
    gain += primary[:, None, None] * np.ascontiguousarray(to_primary.T) + (1 - away)[:, None, None] * to_county
    return (gain + np.log1p(-lost).T[:, None]).T


def chosen(mix: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """A mix of tiers (c, k) after a gain in log odds (..., c, k): multinomial logit.

    >>> chosen(np.array([[0.5, 0.5]]), np.array([[np.log(3.0), 0.0]])).round(2).tolist()
    [[0.75, 0.25]]
    """
    weight = mix * np.exp(gain)
    # Where nothing leans a mix stays as it is to the last digit, so that the same draws fall to the same tiers.
    return np.where(gain.any(axis=-1, keepdims=True), weight / weight.sum(axis=-1, keepdims=True), mix)


def usual_mix(mix: np.ndarray, people: np.ndarray) -> np.ndarray:
    """The mix (k,) of all people (c,) together, of the mixes (c, k); where there is nobody, every cell counts alike.

    >>> usual_mix(np.array([[0.2, 0.8], [0.6, 0.4]]), np.array([3.0, 1.0])).round(2).tolist()
    [0.3, 0.7]
    """
    weight = people if people.any() else np.ones(len(people))
    return (mix * weight[:, None]).sum(axis=0) / weight.sum()


def towards_primary(gain: np.ndarray, mix: np.ndarray, primary: np.ndarray, people: np.ndarray) -> np.ndarray:
    """How far gains (n, c, k) lean to primary care beside the rest, (n,), over the mix (c, k) of the people (c,)."""
    if not people.any():
        return np.zeros(len(gain))
    weight = usual_mix(mix, people)
    share = lambda mark: weight * mark / np.maximum((weight * mark).sum(), 1e-12)  # noqa: E731
    return np.einsum("nck,c,k->n", gain, people / people.sum(), share(primary) - share(1 - primary))


def demanded(mix, price, base, elasticity) -> np.ndarray:
    """How often care is used beside the base policy, (d, c), by the net price (k, c) of the base's mix (c, k).

    >>> one = np.array([[1.0]])
    >>> demanded(one, one * 0.4, one * 0.5, np.array([-0.5])).round(3).tolist()
    [[1.118]]
    """
    change = dearer(np.einsum("ck,kc->c", mix, price), np.einsum("ck,kc->c", mix, base))
    return np.exp(np.multiply.outer(change, elasticity)).T  # draws side by side


def doubted(change: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Cost (d, t) beside that of the median draw, where its `change` (t,) by payment is drawn `factor` (d,) times.

    >>> doubted(np.array([0.0, -0.1]), np.array([1.0, 2.0])).round(3).tolist()
    [[1.0, 1.0], [1.0, 0.889]]
    """
    return (np.maximum(1 + np.multiply.outer(change, factor), LEAST) / (1 + change)[:, None]).T  # draws side by side


def by_payment(moved: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Relative change (..., k) when shares (..., m, k) of ways of payment have moved; response (m,) of each way.

    >>> by_payment(np.array([[-0.5], [0.5]]), np.array([0.0, -0.1])).tolist()
    [-0.05]
    >>> by_payment(np.array([[-0.5], [0.5]]), np.array([0.0, -3.0])).tolist()
    [-0.99]
    """
    return np.maximum(np.einsum("...mk,m->...k", moved, response), LEAST - 1)
