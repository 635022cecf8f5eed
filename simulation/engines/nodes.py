"""Interpolation: at which prices, frequencies and contribution years to settle, and how to read between them."""

from __future__ import annotations

from functools import cache, reduce
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
    """Polynomials in several variables, one for each year and cell, as the few products of Chebyshev polynomials that
    matter."""

    weight: np.ndarray  # (t, c, column, k) of each product
    degree: np.ndarray  # (variable, k)
    low: np.ndarray  # (variable, t) ends of each variable
    high: np.ndarray

    def times(self, people: np.ndarray, own: list[np.ndarray], common: list[np.ndarray]) -> np.ndarray:
        """Each product times the people (c, t, d), (c, k, t, d), where the first variables, the cells' `own`, are
        (c, t, d) and the others, which all cells have in `common`, (t, d)."""
        rows = [chebyshev_rows((2 * x - (low + high)[:, None]) / np.where(high > low, high - low, 1.0)[:, None], most)
                for x, low, high, most in zip([*own, *common], self.low, self.high, self.degree.max(axis=1),
                                              strict=True)]
        of_cells, of_all = self.degree[:len(own)].T, self.degree[len(own):].T
        factors, which = np.unique(of_all, axis=0, return_inverse=True)
        shared = np.empty((len(factors), *people.shape[1:]))
        for degrees, out in zip(factors.tolist(), shared, strict=True):
            out[:] = reduce(np.multiply, (row[n] for row, n in zip(rows[len(own):], degrees, strict=True) if n), 1.0)
        out = np.empty((len(people), len(of_cells), *people.shape[1:]))
        # Products with the same factor of the cells stand together.
        starts = np.flatnonzero(np.append(True, (of_cells[1:] != of_cells[:-1]).any(axis=1)))
        for start, end in zip(starts, np.append(starts[1:], len(of_cells)), strict=True):
            factor = reduce(np.multiply, (row[n] for row, n in zip(rows, of_cells[start].tolist(), strict=False) if n),
                            people)
            np.multiply(factor[:, None], shared[which[start:end]], out=out[:, start:end])
        return out

    def at(self, people: np.ndarray, own: list[np.ndarray], common: list[np.ndarray]) -> np.ndarray:
        """The polynomials' values times the people, (c, column, t, d)."""
        out = np.empty((len(people), self.weight.shape[2], *people.shape[1:]))
        products = self.times(people, own, common).transpose(2, 0, 1, 3)
        np.matmul(self.weight, products, out=out.transpose(2, 0, 1, 3))
        return out


def chebyshev_rows(x: np.ndarray, degree: int) -> list[np.ndarray]:
    """The Chebyshev polynomials of degree 0, 1, ... at x, each of its shape."""
    rows = [np.ones_like(x), x]
    for _ in range(degree - 1):
        rows.append(2 * x * rows[-1] - rows[-2])
    return rows


def through(values: np.ndarray, nodes: list[np.ndarray | None], low: np.ndarray, high: np.ndarray) -> Polynomial:
    """The polynomials through values (t, c, n, m, ..., column) at nodes of some variables, for reading them between
    each year's ends (variable, t). None in place of nodes: values stand at the Chebyshev points between these.

    What the nodes know is kept but for terms that are nothing beside the largest of their year.

    >>> nodes, ends = chebyshev_nodes(0.0, 2.0, 3), np.array([[0.5, 1.5]])
    >>> square = through((nodes**2)[None, None, :, None], [nodes], ends[:, :1], ends[:, 1:])
    >>> square.at(np.array([[[1.0, 10.0]]]), [], [np.array([[0.5, 1.0]])]).round(9).tolist()
    [[[[0.25, 10.0]]]]
    """
    for axis, (node, start, end) in enumerate(zip(nodes, low, high, strict=True), 2):
        points, to_terms = unit_points(values.shape[axis])
        if node is not None:
            at = (start + end)[:, None] / 2 + (end - start)[:, None] / 2 * points
            to_terms = to_terms @ node_basis(node, at)
        first = np.moveaxis(values, axis, 1)
        terms = to_terms @ first.reshape(*first.shape[:2], -1)
        values = np.moveaxis(terms.reshape(first.shape), 1, axis)
    size = np.abs(values).max(axis=1)
    variables = tuple(range(1, 1 + len(nodes)))
    size = (size / np.maximum(size.max(axis=variables, keepdims=True), 1e-300)).max(axis=-1)
    # Where all is nothing, so is every term.
    matters = size >= np.minimum(size.max(axis=variables, keepdims=True), SMALLEST)
    degree = np.nonzero(matters.any(axis=0))
    weight = (values * matters[:, None, ..., None])[(slice(None), slice(None), *degree)]
    return Polynomial(weight.swapaxes(2, 3), np.array(degree), low, high)


@cache
def unit_points(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The n Chebyshev points from -1 to 1, and the matrix (term, point) from values there to Chebyshev terms."""
    points = chebyshev_nodes(-1.0, 1.0, n) if n > 1 else np.zeros(1)
    return points, np.linalg.inv(chebvander(points, n - 1))


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
