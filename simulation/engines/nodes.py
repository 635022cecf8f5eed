"""Interpolation: at which prices, frequencies and contribution years to settle, and how to read between them."""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.polynomial.chebyshev import chebvander

LONGEST_PIECE = 5  # years
WIDE, FURTHER, MOST = 3.0, 0.35, 24  # log units that a few nodes span; one node more for every so much beyond; at most
SMALLEST = 1e-6  # a term of a polynomial that is smaller beside its largest is left out


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


class Polynomial(NamedTuple):
    """Polynomials in several variables, a row a cell, as the few products of Chebyshev polynomials that matter."""

    weight: np.ndarray  # (c, column, k) of each product
    degree: np.ndarray  # (variable, k)
    low: tuple[float, ...]  # ends of each variable
    high: tuple[float, ...]

    def times(self, people: np.ndarray, *x: np.ndarray) -> np.ndarray:
        """Each product where the variables are x, each (d,) or (c, d), times the people (c, d): (c, k, d)."""
        rows = [np.moveaxis(chebvander((2 * one - (low + high)) / ((high - low) or 1.0), int(degree.max())), -1, 0)
                for one, degree, low, high in zip(x, self.degree, self.low, self.high, strict=True)]
        own = [one.ndim > 1 for one in x]
        out = np.empty((len(people), self.degree.shape[1], people.shape[1]))
        made: dict[tuple, np.ndarray] = {}
        for k, degrees in enumerate(self.degree.T.tolist()):
            factors = [tuple((v, n) for v, n in enumerate(degrees) if own[v] == mine) for mine in (True, False)]
            for of, start in zip(factors, (people, np.ones(1)), strict=True):
                if of not in made:
                    made[of] = reduce(np.multiply, (rows[v][n] for v, n in of if n), start)
            np.multiply(*(made[of] for of in factors), out=out[:, k])
        return out


def through(values: np.ndarray, nodes: list[np.ndarray], x: list[np.ndarray]) -> Polynomial:
    """The polynomials through values (c, n, m, ..., column) at nodes of some variables, for reading them at x.

    What the nodes know is kept but for terms that are nothing beside the largest over the x that occur.

    >>> nodes = chebyshev_nodes(0.0, 2.0, 3)
    >>> square = through((nodes**2)[None, :, None], [nodes], [np.array([0.5, 1.5])])
    >>> (square.weight @ square.times(np.array([[1.0, 10.0]]), np.array([0.5, 1.0]))).round(9).tolist()
    [[[0.25, 10.0]]]
    """
    low, high = (tuple(float(end(one)) for one in x) for end in (np.min, np.max))
    for axis, (node, start, end) in enumerate(zip(nodes, low, high, strict=True), 1):
        points = chebyshev_nodes(start, end, len(node))
        unit = chebyshev_nodes(-1.0, 1.0, len(points)) if len(points) > 1 else np.zeros(1)
        to_terms = np.linalg.inv(chebvander(unit, len(points) - 1)) @ node_basis(node, points)
        values = np.moveaxis(np.tensordot(to_terms, values, (1, axis)), 0, axis)
    size = np.abs(values).max(axis=0)
    size = (size / np.maximum(size.max(axis=tuple(range(len(nodes)))), 1e-300)).max(axis=-1)
    degree = np.nonzero(size >= min(SMALLEST, size.max()))  # where all is nothing, so is every term
    return Polynomial(np.moveaxis(values[(slice(None), *degree)], 1, 2), np.array(degree), low, high)


def chebyshev_nodes(low: float, high: float, n: int) -> np.ndarray:
    """Nodes from low to high, both included; a single one where there is no range."""
    if high - low < 1e-12:
        return np.array([low])
    return (low + high) / 2 - (high - low) / 2 * np.cos(np.pi * np.arange(n) / (n - 1))


def spanning(low: float, high: float, n: int, wide: float = WIDE) -> np.ndarray:
    """Nodes on a log scale from low to high: n, and more where amounts lie further apart than `wide` log units.

    A run of sixty years at the published growth spans eight: five nodes would put its expenditure 7 % wrong.

    >>> len(spanning(0.0, 2.0, 5)), len(spanning(0.0, 4.0, 5))
    (5, 8)
    """
    return chebyshev_nodes(low, high, min(n + max(int(np.ceil((high - low - wide) / FURTHER)), 0), MOST))


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
