"""Interpolation: at which prices, frequencies and contribution years to settle, and how to read between them."""

from __future__ import annotations

import numpy as np

LONGEST_PIECE = 5  # years


def lagrange(nodes: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Weights (n, ...) that interpolate values at the nodes to x, exact for polynomials of degree n-1.

    >>> chebyshev_nodes(0.0, 2.0, 3) ** 2 @ lagrange(chebyshev_nodes(0.0, 2.0, 3), np.array([0.5]))
    array([0.25])
    """
    x = np.asarray(x)
    weights = np.ones((len(nodes), *x.shape))
    for i, node in enumerate(nodes):
        for other in np.delete(nodes, i):
            weights[i] *= (x - other) / (node - other)
    return weights


def node_basis(nodes: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The same weights with the nodes last, (..., n)."""
    return np.moveaxis(lagrange(nodes, x), 0, -1)


def chebyshev_nodes(low: float, high: float, n: int) -> np.ndarray:
    """Nodes from low to high, both included; a single one where there is no range."""
    if high - low < 1e-12:
        return np.array([low])
    return (low + high) / 2 - (high - low) / 2 * np.cos(np.pi * np.arange(n) / (n - 1))


def bonus_nodes(rates: np.ndarray, bonus: float, limit: float, longest: int) -> np.ndarray:
    """Contribution years at which to settle; between them the mean payment is as good as linear.

    A rate is linear in years up to its limit, so nodes stand where a rate meets it and at most
    `LONGEST_PIECE` years apart: only the yearly ceiling bends what lies between.

    >>> bonus_nodes(np.array([0.6]), 0.01, 0.7, 9).tolist(), bonus_nodes(np.array([0.7]), 0.01, 0.7, 9).tolist()
    ([0.0, 4.5, 9.0], [0.0])
    """
    below = np.unique(rates[rates < limit])
    if bonus <= 0 or longest == 0 or below.size == 0:
        return np.zeros(1)
    kinks = (limit - below) / bonus
    edges = np.unique(np.concatenate([[0.0, longest], kinks[kinks < longest]]).round(9))
    pieces = [np.linspace(low, high, 1 + int(np.ceil((high - low) / LONGEST_PIECE)))
              for low, high in zip(edges[:-1], edges[1:], strict=True)]
    return np.unique(np.concatenate(pieces))


def years_weights(nodes: np.ndarray, longest: int) -> np.ndarray:
    """Weights (y, node) that read whole contribution years 0..longest off the nodes, piecewise linear.

    >>> years_weights(np.array([0.0, 2.0]), 2).tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    """
    years = np.arange(longest + 1)
    return np.stack([np.interp(years, nodes, unit) for unit in np.eye(len(nodes))], axis=1)
