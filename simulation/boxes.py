"""Boxes in which something happens much more often than elsewhere: the patient rule induction method.

A box is peeled from the whole, a thin slice at a time, and then pasted back where that helps: Friedman and Fisher
(1999), Bump hunting in high-dimensional data; for scenario discovery, Bryant and Lempert (2010).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

SLICE = 0.05  # of what a box holds, peeled or pasted at a time
LEAST = 0.05  # of all points: no box is peeled to fewer
FEWEST = 20  # points in any box
SIGNIFICANT = 0.05  # a restriction that chance alone explains more often than this is taken off
FIGURES = 3  # significant figures of an end, so that what is measured is what is written


class Box(NamedTuple):
    """A range for every input; an end that does not restrict is infinite."""

    low: np.ndarray  # (input,) included
    high: np.ndarray  # (input,) included

    def holds(self, x: np.ndarray) -> np.ndarray:
        """Whether each point (point, input) lies inside."""
        return ((x >= self.low) & (x <= self.high)).all(axis=1)

    def restricted(self) -> list[int]:
        """The inputs that the box restricts."""
        return np.flatnonzero(np.isfinite(self.low) | np.isfinite(self.high)).tolist()

    def without(self, n: int) -> Box:
        """The box with one input let free."""
        low, high = self.low.copy(), self.high.copy()
        low[n], high[n] = -np.inf, np.inf
        return Box(low, high)


class Measure(NamedTuple):
    """How a box does on some points."""

    coverage: float  # share of all cases that lie in the box
    density: float  # share of cases among the points in the box
    mass: float  # share of all points in the box
    points: int  # in the box


def whole(inputs: int) -> Box:
    """The box that restricts nothing."""
    return Box(np.full(inputs, -np.inf), np.full(inputs, np.inf))


def measure(box: Box, x: np.ndarray, y: np.ndarray) -> Measure:
    """Coverage, density and mass of a box on points (point, input) of which some are cases (point,).

    >>> measure(Box(np.array([2.0]), np.array([9.0])), np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([0, 0, 1, 1]))
    Measure(coverage=1.0, density=0.6666666666666666, mass=0.75, points=3)
    """
    inside = box.holds(x)
    cases = float(y[inside].sum())
    return Measure(cases / max(float(y.sum()), 1.0), cases / max(int(inside.sum()), 1), float(inside.mean()),
                   int(inside.sum()))


def peel(x: np.ndarray, y: np.ndarray, smallest: float = LEAST) -> list[Box]:
    """The boxes from the whole to the smallest, each the one before less the slice without which cases are densest.

    `x` (point, input), `y` (point,) whether a point is a case. Equal values fall or stay together.
    """
    boxes = [whole(x.shape[1])]
    least = max(FEWEST, smallest * len(x))
    while True:
        box = boxes[-1]
        inside = box.holds(x)
        points, cases = x[inside], y[inside]
        ends = np.quantile(points, [SLICE, 1 - SLICE], axis=0)
        # what is left after a slice is taken off at the low or at the high end, (2, point, input)
        left = np.stack([points > ends[0], points < ends[1]])
        count = left.sum(axis=1)
        density = np.einsum("p,epi->ei", cases.astype(float), left) / np.maximum(count, 1)
        density[(count < least) | (count == len(points))] = -1.0
        end, n = np.unravel_index(density.argmax(), density.shape)
        if density[end, n] < 0:
            return boxes
        low, high = box.low.copy(), box.high.copy()
        kept = points[left[end, :, n], n]
        if end == 0:
            low[n] = kept.min()
        else:
            high[n] = kept.max()
        boxes.append(Box(low, high))


def paste(box: Box, x: np.ndarray, y: np.ndarray) -> Box:
    """A box with slices put back, one at a time, for as long as that makes cases denser in it."""
    while True:
        best, density = None, measure(box, x, y).density
        for n in box.restricted():
            free = box.without(n).holds(x)
            inside = free & box.holds(x)
            more = max(1, round(SLICE * inside.sum()))
            below, above = np.sort(x[free & (x[:, n] < box.low[n]), n]), np.sort(x[free & (x[:, n] > box.high[n]), n])
            low, high = box.low.copy(), box.high.copy()
            if len(below):
                low[n] = below[-more] if len(below) > more else -np.inf
            if len(above):
                high[n] = above[more - 1] if len(above) > more else np.inf
            for wider in (Box(low, box.high), Box(box.low, high)):
                found = measure(wider, x, y).density
                if found > density:
                    best, density = wider, found
        if best is None:
            return box
        box = best


def chosen(boxes: list[Box], x: np.ndarray, y: np.ndarray, density: float | None = None) -> int:
    """Which box of a trajectory: the one that tells cases from the rest best, or the largest that is dense enough.

    Best by Youden's index, the share of cases inside less the share of the others inside. Where no box is as dense as
    asked for, the densest.
    """
    found = [measure(box, x, y) for box in boxes]
    if density is None:
        others = max(float((1 - y).sum()), 1.0)
        return int(np.argmax([m.coverage - (1 - m.density) * m.points / others for m in found]))
    dense = [n for n, m in enumerate(found) if m.density >= density]
    return max(dense, key=lambda n: (found[n].coverage, n)) if dense else int(np.argmax([m.density for m in found]))


def p_values(box: Box, x: np.ndarray, y: np.ndarray) -> dict[int, float]:
    """For each input restricted, how often chance would make cases as dense as they are without its restriction.

    The quasi-p-values of Bryant and Lempert (2010): one-sided binomial tests of the density in the box against that of
    the box with the input let free.
    """
    here = measure(box, x, y)
    cases = round(here.density * here.points)
    if not here.points:
        return dict.fromkeys(box.restricted(), 1.0)
    return {n: float(binomtest(cases, here.points, measure(box.without(n), x, y).density, "greater").pvalue)
            for n in box.restricted()}


def find(x: np.ndarray, y: np.ndarray, most: int = 3, density: float | None = None) -> tuple[Box, list[Box]]:
    """The box of cases among points, restricting at most so many inputs, and the trajectory it was chosen from.

    `x` (point, input), `y` (point,). Of a box that restricts more inputs, or one that chance explains, the least
    telling is left out and the search begins again. Ends are rounded.
    """
    inputs = x.shape[1]
    using = list(range(inputs))
    while using:
        part = x[:, using]
        boxes = peel(part, y)
        box = rounded(paste(boxes[chosen(boxes, part, y, density)], part, y))
        found = p_values(box, part, y)
        spread = [within(each, using, inputs) for each in boxes]
        if len(found) <= most and all(p <= SIGNIFICANT for p in found.values()):
            return within(box, using, inputs), spread
        worst = max(found, key=lambda n: (found[n], n))
        using = [using[n] for n in found if n != worst]
    return whole(inputs), [whole(inputs)]


def within(box: Box, using: list[int], inputs: int) -> Box:
    """A box over some of the inputs as one over all of them."""
    full = whole(inputs)
    full.low[using], full.high[using] = box.low, box.high
    return full


def rounded(box: Box) -> Box:
    """A box whose ends have `FIGURES` significant figures."""
    short = np.vectorize(lambda end: float(f"{end:.{FIGURES}g}"), otypes=[float])
    return Box(short(box.low), short(box.high))
