"""Which policies to judge next: a spread over all levers, then those that an emulator of the model promises most of.

The emulator interpolates what has been judged so far (radial basis functions); it chooses policies and answers nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod

import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.stats import qmc

from simulation.objectives import undominated
from simulation.streams import stream

SPREAD = 0.25  # of the policies are spread over all levers before the emulator chooses any
GENERATION = 20  # policies judged side by side once it does, or a tenth of all if that is more
CANDIDATES = 1024  # tried on the emulator a generation, anywhere, and as many around the front
SAMPLED = 1024  # points of the space of objectives, by which room beaten is measured
TAUGHT = 1000  # policies that the emulator interpolates, at most
SMOOTH = 1e-6  # of the interpolation: chances move in steps of a draw


def generated(sizes: Sequence[int], policies: int, seed: int, found: Callable[[], np.ndarray]) -> Iterator[np.ndarray]:
    """Generations of different policies as places (policy, lever) on the levers' grids, `policies` in all.

    `sizes` (lever,): how many values each can take. `found` gives the objectives (policy, objective) of all that were
    handed out before. Where there are no more combinations than that, every one is handed out.
    """
    sizes = np.array(sizes)
    if prod(int(size) for size in sizes) <= policies:
        yield np.stack(np.meshgrid(*map(np.arange, sizes), indexing="ij"), axis=-1).reshape(-1, len(sizes))
        return
    rng, points = stream(seed, "search"), qmc.Sobol(len(sizes), rng=stream(seed, "search design"))
    spread = lambda power: (points.random(1 << power) * sizes).astype(int)  # noqa: E731
    count = min(policies, max(2 * len(sizes) + 2, round(policies * SPREAD)))
    every = new(spread((count - 1).bit_length())[:count], np.empty((0, len(sizes)), int))
    yield every
    while len(every) < policies:
        wanted, values = min(max(GENERATION, policies // 10), policies - len(every)), found()
        around = near(every[undominated(values)], sizes, CANDIDATES, rng)
        candidates = new(np.vstack([spread(CANDIDATES.bit_length() - 1), around]), every)
        batch = candidates[promising(every, values, candidates, sizes, wanted, rng)]
        while len(batch) < wanted:  # the emulator may promise less than is wanted
            more = np.vstack([candidates, (rng.random((wanted, len(sizes))) * sizes).astype(int)])
            batch = np.vstack([batch, new(more, np.vstack([every, batch]))[:wanted - len(batch)]])
        yield batch
        every = np.vstack([every, batch])


def promising(places: np.ndarray, values: np.ndarray, candidates: np.ndarray, sizes: np.ndarray, wanted: int,
              rng: np.random.Generator) -> np.ndarray:
    """Which candidates (policy, lever) to judge, at most so many: those that an emulator puts beyond the front.

    By turns the one farthest from everything on the front, so that its ends are found, and the one that beats most of
    the room no policy beats yet (hypervolume), so that it comes nearer. `places` (policy, lever), `values` (policy,
    objective) of what is known.
    """
    front = undominated(values)
    low, span = values[front].min(axis=0), np.ptp(values[front], axis=0)
    scaled = (values - low) / np.where(span > 0, span, 1.0)
    taught = np.concatenate([front, rng.permutation(np.setdiff1d(np.arange(len(values)), front))])[:TAUGHT]
    if len(taught) <= len(sizes) + 1 or np.linalg.matrix_rank(places[taught] - places[taught[0]]) < len(sizes):
        return np.empty(0, int)  # too few to interpolate
    emulator = RBFInterpolator(places[taught] / (sizes - 1), scaled[taught], kernel="cubic", smoothing=SMOOTH)
    expected, front = emulator(candidates / (sizes - 1)), scaled[front]
    beyond = undominated(np.vstack([front, expected]))
    beyond = beyond[beyond >= len(front)] - len(front)
    if not len(beyond):
        return beyond
    expected = expected[beyond]
    floor = np.maximum(np.minimum(front.min(axis=0), expected.min(axis=0)), -0.5)  # no farther than half the front
    room = floor + (1.1 - floor) * rng.random((SAMPLED, values.shape[1]))
    room = room[[not (front <= point).all(axis=1).any() for point in room]]
    gains = (expected[:, None] <= room).all(axis=2)
    away = np.linalg.norm(expected[:, None] - front, axis=2).min(axis=1)
    chosen: list[int] = []
    for n in range(min(wanted, len(beyond))):
        best = int(gains.sum(axis=1).argmax() if n % 2 and gains.any() else away.argmax())
        chosen.append(best)
        gains &= ~gains[best]
        away = np.minimum(away, np.linalg.norm(expected - expected[best], axis=1))
    return beyond[list(dict.fromkeys(chosen))]


def near(front: np.ndarray, sizes: np.ndarray, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """So many places (policy, lever) around a front: differential evolution's step (Storn and Price 1997).

    A policy of the front, moved by half the difference of two others in some levers, and a little in one.
    """
    first, second, third = (front[rng.integers(len(front), size=wanted)] for _ in range(3))
    step = 0.5 * (second - third) * (rng.random(first.shape) < 0.75)
    nudge = (rng.integers(len(sizes), size=(wanted, 1)) == np.arange(len(sizes))) * rng.normal(0, 0.1, first.shape)
    return np.clip(np.rint(first + step + nudge * sizes), 0, sizes - 1).astype(int)


def new(places: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The places (policy, lever) that are not among the known ones, each once, in order.

    >>> new(np.array([[1], [2], [1], [3]]), np.array([[3]])).ravel().tolist()
    [1, 2]
    """
    seen, kept = {tuple(row) for row in known.tolist()}, []
    for row in map(tuple, places.tolist()):
        if row not in seen:
            seen.add(row)
            kept.append(row)
    return np.array(kept, int).reshape(-1, places.shape[1])
