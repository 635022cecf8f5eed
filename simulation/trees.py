"""Values that vary over named axes: nested mappings as written in a scenario, arrays as the model needs them.

A tree may stop early: a plain value stands for every member below it. The open axis `band` has keys
`from_<yuan>`, each reaching to the next one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import product
from typing import Any

import numpy as np

from simulation.terms import Fault, Term, check_leaf, refuse, short, words

BAND = re.compile(r"from_(0|[1-9]\d{0,8})$")
Axes = Mapping[str, Sequence[str]]  # axis name -> its members, in order


def nearest(name: str, known: Sequence[str], n: int = 3) -> str:
    """The known names nearest to a misspelt one, as a phrase.

    >>> nearest("benefits.celing", ["benefits.ceiling", "lines.deficit"])
    'benefits.ceiling'
    """
    return ", ".join(get_close_matches(name, list(known), n, 0.3) or list(known)[:n])


def meant(name: str, known: Sequence[str]) -> str | None:
    """The one known name that a misspelt one most likely stands for.

    >>> meant("chld", ["child", "adult"]), meant("other", ["child", "adult"])
    ('child', None)
    """
    return next(iter(get_close_matches(name, list(known), 1)), None)


def known_key(axis: str, key: str, axes: Axes) -> bool:
    """Whether a key belongs to an axis."""
    return bool(BAND.match(key)) if axis == "band" else key in axes[axis]


def check_tree(term: Term, tree: Any, axes: Axes, place: str, depth: int = 0) -> list[Fault]:
    """Every fault of a tree: unknown or missing members, and the faults of each leaf."""
    if not isinstance(tree, Mapping):
        return check_leaf(term, tree, place)
    if not tree:
        return [Fault(place, words("内容为空", "is empty"), words("请填写数值", "give a value"))]
    if depth == len(term.axes):
        return [Fault(place, words("这里应为一个数值", "a single value belongs here"),
                      words("请去掉下级", "remove the level below"))]
    axis = term.axes[depth]
    members = () if axis == "band" else axes[axis]
    faults = []
    for key, branch in tree.items():
        if not known_key(axis, str(key), axes):
            hint = nearest(str(key), members) if members else "from_0"
            faults.append(Fault(f"{place}.{short(key)}", words("不认识的名称", "unknown name"),
                                words(f"是否为：{hint}", f"did you mean {hint}")))
        else:
            faults += check_tree(term, branch, axes, f"{place}.{key}", depth + 1)
    misspelt = {meant(str(key), members) for key in tree if not known_key(axis, str(key), axes)}
    for member in members:
        if member not in tree and member not in misspelt:
            faults.append(Fault(f"{place}.{member}", words("缺少", "is missing"),
                                words("请补上这一项", "add it")))
    return faults


def leaves(tree: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The dotted name and value of every leaf, in the order written.

    >>> list(leaves({"child": 40, "adult": {"ordinary": 255}}, "contribution"))
    [('contribution.child', 40), ('contribution.adult.ordinary', 255)]
    """
    if not isinstance(tree, Mapping):
        yield prefix, tree
        return
    for key, branch in tree.items():
        yield from leaves(branch, f"{prefix}.{key}")


def replaced(tree: Any, path: Sequence[str], value: Any, term: Term, axes: Axes, place: str) -> Any:
    """The tree with one branch or leaf replaced; a plain value met on the way is first spread out.

    >>> term = Term(words("", ""), "rate", 0, 1, words("", ""), axes=("tier",))
    >>> replaced(0.6, ["level_2"], 0.5, term, {"tier": ["level_1", "level_2"]}, "rate")
    {'level_1': 0.6, 'level_2': 0.5}
    """
    depth = len(term.axes)
    if not path:
        return {key: replaced(branch, [], value, term, axes, place) for key, branch in tree.items()} \
            if isinstance(tree, Mapping) else value
    if len(path) > depth:
        raise refuse(f"{place}.{'.'.join(path)}", words("名称过长", "the name goes too deep"),
                     words(f"最多到 {place}", f"stop at {place}"))
    axis, rest = term.axes[0], term.axes[1:]
    if not isinstance(tree, Mapping):
        tree = {"from_0": tree} if axis == "band" else {member: tree for member in axes[axis]}
    if path[0] not in tree:
        hint = nearest(path[0], list(tree))
        raise refuse(f"{place}.{short(path[0])}", words("不认识的名称", "unknown name"),
                     words(f"是否为：{hint}", f"did you mean {hint}"))
    below = Term(**{**term.__dict__, "axes": rest})
    branch = replaced(tree[path[0]], path[1:], value, below, axes, f"{place}.{path[0]}")
    return {**tree, path[0]: branch}


def at(tree: Any, keys: Sequence[str]) -> Any:
    """The value a tree gives for full coordinates, stopping early where the tree does.

    >>> at({"child": 0.7, "adult": {"level_1": 0.6}}, ["child", "level_1"])
    0.7
    """
    for key in keys:
        if not isinstance(tree, Mapping):
            return tree
        tree = tree[key]
    return tree


def multiplied(tree: Any, factor: float) -> Any:
    """Every number of a tree times a factor; null stays null.

    >>> multiplied({"child": 4, "adult": {"ordinary": 10}}, 0.5)
    {'child': 2.0, 'adult': {'ordinary': 5.0}}
    """
    if isinstance(tree, Mapping):
        return {key: multiplied(branch, factor) for key, branch in tree.items()}
    return tree if tree is None else tree * factor


def dense(tree: Any, names: Sequence[str], axes: Axes) -> np.ndarray:
    """A tree as an array over the named axes; null becomes infinity.

    >>> dense({"child": 40, "adult": 255}, ["group"], {"group": ["child", "adult"]})
    array([ 40., 255.])
    """
    shape = [len(axes[name]) for name in names]
    if not isinstance(tree, Mapping):
        return np.full(shape, np.inf if tree is None else float(tree))
    flat = [at(tree, keys) for keys in product(*(axes[name] for name in names))]
    return np.array([np.inf if value is None else float(value) for value in flat]).reshape(shape)


def dense_bands(tree: Any, over: str | None, names: Sequence[str],
                axes: Axes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower and upper ends (band, *names) and rates (band, *names, over) of a banded tree.

    Band edges are shared by all members of the axis `over`, the last before the bands: where members cut
    their bands differently, every member is given the edges of all. Shorter schedules are padded with
    bands that begin at infinity and so hold nothing.

    >>> lower, upper, rate = dense_bands({"from_0": 0.5, "from_1000": 0.6}, None, [], {})
    >>> lower.tolist(), upper.tolist(), rate.tolist()
    ([0.0, 1000.0], [1000.0, inf], [[0.5], [0.6]])
    """
    members = axes[over] if over else [None]
    shape = tuple(len(axes[name]) for name in names)
    cells = []
    for keys in product(*(axes[name] for name in names)):
        bands = [bands_of(at(tree, [*keys[:1], *([member] if member else []), *keys[1:]])) for member in members]
        edges = sorted({edge for band in bands for edge, _ in band})
        cells.append((edges, [[rate_at(band, edge) for edge in edges] for band in bands]))
    depth = max(len(edges) for edges, _ in cells)
    lower = np.full((depth, len(cells)), np.inf)
    upper, rate = np.full_like(lower, np.inf), np.zeros((depth, len(cells), len(members)))
    for c, (edges, rates) in enumerate(cells):
        lower[: len(edges), c] = edges
        upper[: len(edges) - 1, c] = edges[1:]
        rate[: len(edges), c] = np.transpose(rates)
    return lower.reshape(depth, *shape), upper.reshape(depth, *shape), rate.reshape(depth, *shape, len(members))


def bands_of(tree: Any) -> list[tuple[float, float]]:
    """The lower end and rate of each band, in order; a plain value is one band from zero."""
    if not isinstance(tree, Mapping):
        return [(0.0, float(tree))]
    return sorted((float(BAND.match(key)[1]), float(rate)) for key, rate in tree.items())


def rate_at(bands: list[tuple[float, float]], amount: float) -> float:
    """The rate that holds from an amount upwards; nothing is paid below the first band."""
    return next((rate for edge, rate in reversed(bands) if edge <= amount), 0.0)
