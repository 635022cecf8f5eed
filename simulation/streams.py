"""Random streams, each with a name, so that changing one step never moves another step's numbers.

Systematic draws are scrambled Sobol points, inverted to standard normals, in sixteen independent
scramblings: the spread between them is the standard error of every answer. Whoever turns them
(`orthogonal`) chooses what the first axes, which are spread most evenly, stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from scipy.linalg import hadamard
from scipy.special import ndtri
from scipy.stats import qmc

REPLICATES = 16  # draw d belongs to scrambling d % REPLICATES
HALVES = np.concatenate([hadamard(REPLICATES)[1:] > 0, hadamard(REPLICATES)[1:] < 0])  # (half, scrambling)


def key(seed: int, name: str) -> int:
    """A 64-bit key for a named stream.

    >>> key(1, "systematic") == key(1, "systematic"), key(1, "systematic") == key(2, "systematic")
    (True, False)
    """
    return int.from_bytes(blake2b(f"{seed}:{name}".encode(), digest_size=8).digest(), "little")


def stream(seed: int, name: str) -> np.random.Generator:
    """The generator of a named stream."""
    return np.random.Generator(np.random.Philox(key(seed, name)))


@lru_cache(maxsize=8)
def sobol_normals(dimensions: int, draws: int, seed: int) -> np.ndarray:
    """Standard normals of shape (draw, dimension) from `REPLICATES` scrambled Sobol sequences. Read-only.

    >>> z = sobol_normals(2, 1024, 1)
    >>> z.shape, abs(float(z.mean())) < 0.01
    ((1024, 2), True)
    """
    length = -(-draws // REPLICATES)
    power = max(0, int(length - 1).bit_length())
    points = np.stack([
        qmc.Sobol(dimensions, rng=stream(seed, f"systematic {replicate}")).random_base2(power)[:length]
        for replicate in range(REPLICATES)], axis=1)
    z = ndtri(np.clip(points, 1e-12, 1 - 1e-12)).reshape(-1, dimensions)[:draws]
    z.flags.writeable = False
    return z


def scramblings(draws: np.ndarray) -> list[np.ndarray]:
    """The draws (d, ...) of each scrambling."""
    return [draws[replicate::REPLICATES] for replicate in range(REPLICATES)]


def error_of(found: np.ndarray | Sequence, least: np.ndarray | Sequence | float = 0.0, axis: int = 0) -> np.ndarray:
    """Standard error (...) of a figure found in independent parts (part, ...), such as scramblings; `least` at least.

    For a chance that is what a single further draw could change, so that one of 0 or 1 is not reported as certain.

    >>> error_of([[1.0, 0.0], [3.0, 0.0]], least=[0.0, 0.01]).tolist()
    [1.0, 0.01]
    """
    return np.maximum(np.std(found, axis=axis, ddof=1) / np.sqrt(np.shape(found)[axis]), least)


def halves(draws: np.ndarray) -> list[np.ndarray]:
    """Halves of the draws (d, ...): fifteen times eight scramblings and the other eight, balanced (see `HALVES`)."""
    of = np.arange(len(draws)) % REPLICATES
    return [draws[half[of]] for half in HALVES]


def error_of_halves(found: Sequence | np.ndarray, least: np.ndarray | float = 0.0) -> np.ndarray:
    """Standard error (...) of an answer from those of the `halves` (half, ...); `least` at least.

    Of a mean it is that of `error_of`. It holds for quantiles too, where the sixteen draws of a scrambling have no 5 %
    point, and for what two runs on the same draws differ by (McCarthy 1969).

    >>> drawn = np.arange(64.0) ** 2
    >>> error_of_halves([half.mean() for half in halves(drawn)]).round(3)
    np.float64(75.144)
    >>> error_of([part.mean() for part in scramblings(drawn)]).round(3)
    np.float64(75.144)
    """
    return np.maximum(np.std(found, axis=0), least)


def with_left_out(by_scrambling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums over all scramblings, and over all but one at a time."""
    whole = by_scrambling.sum(axis=0)
    return whole, whole - by_scrambling


def jackknifed(left_out: np.ndarray) -> np.ndarray:
    """Standard error from answers with one independent scrambling left out at a time.

    >>> jackknifed(np.zeros((16, 2))).tolist()
    [0.0, 0.0]
    """
    return np.sqrt((REPLICATES - 1) * left_out.var(axis=0))


def orthogonal(directions: np.ndarray) -> np.ndarray:
    """The orthogonal matrix (d, axis) whose axes are given directions (n, d), each less what earlier ones hold of it.

    Directions that hold nothing new are left out; together they must hold everything. Turning independent standard
    normals by it leaves their law as it was (Gram-Schmidt, twice for the sake of rounding).

    >>> orthogonal(np.array([[3.0, 4.0], [6.0, 8.0], [1.0, 0.0]])).round(6).tolist()
    [[0.6, 0.8], [0.8, -0.6]]
    """
    axes = np.zeros((directions.shape[1], 0))
    for direction in directions:
        rest = direction - axes @ (axes.T @ direction)
        rest = rest - axes @ (axes.T @ rest)
        size = np.linalg.norm(rest)
        if size > 1e-6 * np.linalg.norm(direction):
            axes = np.column_stack([axes, rest / size])
    return axes


def correlation_root(matrix: np.ndarray) -> np.ndarray:
    """Lower root of a correlation matrix, by which independent normals become correlated ones.

    A trace of independence makes it regular where items add up to one another, and more where careless
    pairs contradict each other. The root of the first few items does not depend on the rest.

    >>> correlation_root(np.array([[1.0, 0.6], [0.6, 1.0]])).round(2).tolist()
    [[1.0, 0.0], [0.6, 0.8]]
    """
    for trace in (1e-6, 1e-4, 1e-2, 0.1, 0.5):
        try:
            return np.linalg.cholesky(matrix * (1 - trace) + np.eye(len(matrix)) * trace)
        except np.linalg.LinAlgError:
            continue
    return np.eye(len(matrix))


@lru_cache(maxsize=8)
def normals(shape: tuple[int, ...], seed: int, name: str) -> np.ndarray:
    """Standard normals of a named stream. Read-only.

    >>> normals((2, 3), 1, "detail").shape
    (2, 3)
    """
    z = stream(seed, name).standard_normal(shape)
    z.flags.writeable = False
    return z
