"""Interpolation: at which prices, frequencies and contribution years to settle, and how to read between them."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.polynomial.chebyshev import chebvander

STRAIGHT = 0.05  # of a rate: what the fund pays of more than this bends too much for a straight line
WIDE, FURTHER, MOST = 3.0, 0.35, 24  # log units that a few nodes span; one node more for every so much beyond; at most


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
    matter. Cells have the first variables of their own, the others in common."""

    weight: np.ndarray  # (t, c, column, k) of each product
    own: list[tuple[int, ...]]  # degrees of each factor of the cells' own variables
    common: list[tuple[int, ...]]  # and of each factor of the others
    first: list[int]  # with how many of the common factors each of the cells' makes a product
    low: np.ndarray  # (variable, t) ends of each variable
    high: np.ndarray

    def at(self, people: np.ndarray, own: list[np.ndarray], common: list[np.ndarray]) -> np.ndarray:
        """The polynomials times the people (c, t, d), (c, column, t, d), where the variables are `own` (c, t, d) and
        `common` (t, d)."""
        most = [max(degrees) for of in (self.own, self.common) for degrees in zip(*of, strict=True)]
        middle, half = ((self.low + self.high) / 2)[:, :, None], ((self.high - self.low) / 2)[:, :, None]
        scale = 1 / np.where(half > 0, half, 1.0)
        rows = [chebyshev_rows((x - of) * to, degree)
                for x, of, to, degree in zip([*own, *common], middle, scale, most, strict=True)]
        of_all = np.empty((len(self.common), *people.shape[1:]))
        for row, factor in zip(of_all, factors(np.ones(1), rows[len(own):], self.common), strict=True):
            row[:] = factor
        of_cells = factors(people, rows, self.own)
        out = np.empty((len(people), self.weight.shape[2], *people.shape[1:]))
        products = np.empty((sum(self.first), *people.shape[1:]))  # of one cell, so that they stay in the cache
        for cell, values in enumerate(out):
            end = 0
            for factor, many in zip(of_cells, self.first, strict=True):
                start, end = end, end + many
                np.multiply(factor[cell], of_all[:many], out=products[start:end])
            np.matmul(self.weight[:, cell], products.swapaxes(0, 1), out=values.swapaxes(0, 1))
        return out


def chebyshev_rows(x: np.ndarray, degree: int) -> list[np.ndarray]:
    """The Chebyshev polynomials of degree 0, 1, ... at x."""
    rows, twice = [np.ones(1), x], 2 * x
    for _ in range(degree - 1):
        row = twice * rows[-1]
        row -= rows[-2]
        rows.append(row)
    return rows


def factors(start: np.ndarray, rows: list[list[np.ndarray]], degrees: list[tuple[int, ...]]) -> list[np.ndarray]:
    """Products of Chebyshev polynomials, one of each variable, and of what stands before them.

    >>> factors(np.array([2.0]), [[np.ones(1), np.array([3.0])], [np.ones(1), np.array([5.0])]], [(0, 0), (1, 1)])
    [array([2.]), array([30.])]
    """
    made: dict[tuple[int, ...], np.ndarray] = {(): start}
    for of in degrees:
        for variable, degree in enumerate(of):
            before, upto = made[of[:variable]], of[:variable + 1]
            if upto not in made:
                made[upto] = before * rows[variable][degree] if degree else before
    return [made[of] for of in degrees]


class Terms(NamedTuple):
    """Chebyshev terms of polynomials in several variables, and which of them matter in each year."""

    values: np.ndarray  # (t, c, n, m, ..., column)
    matters: np.ndarray  # (t, n, m, ...)
    low: np.ndarray  # (variable, t)
    high: np.ndarray

    def of(self, years: slice, own: int) -> Polynomial:
        """The polynomials of some years; the first `own` variables are the cells'."""
        values, matters = self.values[years], self.matters[years]
        shape = matters.shape[1:]
        pairs = matters.any(axis=0).reshape(int(np.prod(shape[:own])), -1)  # (own, common)
        # A few common factors are wanted most: each of the cells' takes as many of the first as hold all its own.
        each, every = np.flatnonzero(pairs.any(axis=1)), np.argsort(-pairs.sum(axis=0), kind="stable")
        first = [int(row.nonzero()[0][-1]) + 1 for row in pairs[np.ix_(each, every)]]
        every = every[:max(first)]
        kept = np.concatenate([of * pairs.shape[1] + every[:many] for of, many in zip(each, first, strict=True)])
        degrees = [list(zip(*(n.tolist() for n in np.unravel_index(of, sizes)), strict=True)) if sizes else [()]
                   for of, sizes in ((each, shape[:own]), (every, shape[own:]))]
        weight = (values.reshape(*values.shape[:2], pairs.size, -1)[:, :, kept]
                  * matters.reshape(len(matters), 1, -1, 1)[:, :, kept])
        return Polynomial(weight.swapaxes(2, 3), *degrees, first, self.low[:, years], self.high[:, years])


def through(values: np.ndarray, nodes: list[np.ndarray | None], low: np.ndarray, high: np.ndarray,
            smallest: np.ndarray | float = 0.0) -> Terms:
    """The polynomials through values (t, c, n, m, ..., column) at nodes of some variables, for reading them between
    each year's ends (variable, t). None in place of nodes: values stand at the Chebyshev points between these.

    Left out are terms that in every column are `smallest` (column,) or less beside the largest of their year.

    >>> nodes, ends = chebyshev_nodes(0.0, 2.0, 3), np.array([[0.5, 1.5]])
    >>> square = through((nodes**2)[None, None, :, None], [nodes], ends[:, :1], ends[:, 1:]).of(slice(1), 0)
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
    matters = (size > smallest * size.max(axis=tuple(range(1, 1 + len(nodes))), keepdims=True)).any(axis=-1)
    matters[:, *[0] * len(nodes)] = True  # the mean stays, even where all is nothing
    return Terms(values, matters, low, high)


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


def bonus_nodes(rates: np.ndarray, bonus: float, limit: float, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Contribution years at which to settle, and the weights (y, node) that read whole years 0..longest off them.

    A rate rises with the years up to its limit, and so does what the fund pays; what remains for the layers above it
    bends. Nodes stand where a rate meets its limit, and so many between that a polynomial goes through; where these
    would be as many as the years, at every year.

    >>> bonus_nodes(np.array([0.6]), 0.01, 0.7, 9)[0].tolist(), bonus_nodes(np.array([0.7]), 0.01, 0.7, 9)[0].tolist()
    ([0.0, 4.5, 9.0], [0.0])
    >>> bonus_nodes(np.array([0.5]), 0.2, 0.8, 3)[0].tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    below = np.unique(rates[rates < limit])
    if bonus <= 0 or longest == 0 or below.size == 0:
        return np.zeros(1), np.ones((longest + 1, 1))
    kinks = (limit - below) / bonus
    edges = np.unique(np.concatenate([[0.0, longest], kinks[kinks < longest]]).round(9)).tolist()
    found: dict[float, np.ndarray] = {}
    years = np.arange(longest + 1.0)
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        here = years[(years >= low) & (years <= high)]
        many = 2 + max(int(np.ceil(bonus * (high - low) / STRAIGHT - 1e-9)) - 1, 0)
        nodes = here if many >= len(here) else chebyshev_nodes(low, high, many)
        for node, weight in zip(nodes.tolist(), lagrange(nodes, here), strict=True):
            row = found.setdefault(node, np.zeros(longest + 1))
            row[here.astype(int)] = weight  # at an edge both pieces say the same
    return np.array(sorted(found)), np.stack([found[node] for node in sorted(found)], axis=1)
