"""Interpolation: at which prices, frequencies and contribution years to settle, and how to read between them."""

from __future__ import annotations

import numpy as np
from numpy.polynomial.chebyshev import chebvander


def node_basis(nodes: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Weights (..., n) that interpolate values at the nodes to x, exact for polynomials of degree n-1.

    >>> node_basis(chebyshev_nodes(0.0, 2.0, 3), np.array([0.5])) @ chebyshev_nodes(0.0, 2.0, 3) ** 2
    array([0.25])
    """
    n = len(nodes)
    if n == 1:
        return np.ones((*np.shape(x), 1))
    low, high = nodes[0], nodes[-1]
    scale = lambda v: (2 * v - low - high) / (high - low)  # noqa: E731
    return chebvander(scale(x), n - 1) @ np.linalg.inv(chebvander(scale(nodes), n - 1))


def chebyshev_nodes(low: float, high: float, n: int) -> np.ndarray:
    """Nodes from low to high, both included; a single one where there is no range."""
    if high - low < 1e-12:
        return np.array([low])
    return (low + high) / 2 - (high - low) / 2 * np.cos(np.pi * np.arange(n) / (n - 1))


def bonus_nodes(rates: np.ndarray, bonus: float, limit: float, longest: int) -> np.ndarray:
    """Contribution years at which to settle: between them the mean is quadratic.

    The rate is linear in years up to the limit, so the kinks are where a rate meets it.

    >>> bonus_nodes(np.array([0.6]), 0.01, 0.7, 9).tolist(), bonus_nodes(np.array([0.7]), 0.01, 0.7, 9).tolist()
    ([0.0, 4.5, 9.0], [0.0])
    """
    below = np.unique(rates[rates < limit])
    if bonus <= 0 or longest == 0 or below.size == 0:
        return np.zeros(1)
    kinks = (limit - below) / bonus
    edges = np.unique(np.concatenate([[0.0, longest], kinks[kinks < longest]]).round(9))
    return np.unique(np.concatenate([edges, (edges[1:] + edges[:-1]) / 2]))


def years_weights(nodes: np.ndarray, longest: int) -> np.ndarray:
    """Weights (y, node) that read whole contribution years 0..longest off the nodes, piecewise quadratic."""
    weights = np.zeros((longest + 1, len(nodes)))
    for year in range(longest + 1):
        if len(nodes) == 1:
            weights[year, 0] = 1.0
            continue
        piece = min(max(int(np.searchsorted(nodes[::2], year, side="right")) - 1, 0), (len(nodes) - 3) // 2)
        three = nodes[2 * piece: 2 * piece + 3]
        for a in range(3):
            others = np.delete(three, a)
            weights[year, 2 * piece + a] = np.prod((year - others) / (three[a] - others))
    return weights
