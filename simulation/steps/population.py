"""People age and move: how many are entitled to join, year by year."""

from __future__ import annotations

import numpy as np


def residents(first: np.ndarray, growth: np.ndarray, years: int) -> np.ndarray:
    """Entitled residents of shape (t, g, s) from the first year's (g, s) and each group's growth (g,).

    >>> residents(np.array([[1000.0]]), np.array([0.1]), 3)[:, 0, 0].round().tolist()
    [1000.0, 1100.0, 1210.0]
    """
    factor = (1 + growth) ** np.arange(years)[:, None]
    return factor[:, :, None] * first


def project(first: np.ndarray, survival: np.ndarray, births: np.ndarray) -> np.ndarray:
    """Persons by single age, year by year, from those of the first year: the cohort-component method.

    `first` (a,) persons at completed ages 0, 1, ..., the last age open; `survival` (t, a) the share of the
    people of an age who are a year older a year later (of the open age: still there); `births` (t, a) the
    newborn children alive at the end of the year for each person of that age, taken at the mean of the
    year's two ends. Gives (t + 1, a). Nobody moves in or out.

    `births` of shape (t, n, a) asks for n paths at once and gives (t + 1, n, a).

    >>> project(np.array([100.0, 100.0, 50.0]), np.array([[1, 0.5, 0.2]]), np.array([[0, 0.1, 0]])).round().tolist()
    [[100.0, 100.0, 50.0], [10.0, 100.0, 60.0]]
    """
    people = np.empty((len(births) + 1, *births.shape[1:]))
    people[0] = first
    for t in range(len(births)):
        alive = people[t] * survival[t]
        people[t + 1, ..., 0] = 0
        people[t + 1, ..., 1:] = alive[..., :-1]
        people[t + 1, ..., -1] += alive[..., -1]
        people[t + 1, ..., 0] = ((people[t] + people[t + 1]) / 2 * births[t]).sum(axis=-1)
    return people


def ages_in(people: np.ndarray, bands: list[tuple[int, int]]) -> np.ndarray:
    """Persons in each band of ages, both ends included: (t, a) by single age becomes (t, g).

    >>> ages_in(np.array([[10.0, 20.0, 30.0, 40.0]]), [(0, 0), (1, 3)]).tolist()
    [[10.0, 90.0]]
    """
    return np.stack([people[..., youngest:oldest + 1].sum(axis=-1) for youngest, oldest in bands], axis=-1)
