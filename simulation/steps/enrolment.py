"""People enrol: take-up, what it costs them, and what a first year or a lapse means for benefits."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit


def insured(residents, take_up, contribution, baseline, futures) -> np.ndarray:
    """Insured persons of shape (d, t, g, s).

    `residents` (t, g, s), `take_up` (g, s) at the `baseline` contribution (g, s), `contribution`
    (t, g, s) in yuan. A dearer contribution moves take-up on the logit scale by the elasticity of the
    draw; who pays nothing at baseline does not respond. Source: digest P10; behaviour.csv, drop-out.
    """
    relative = np.divide(contribution - baseline, baseline, out=np.zeros_like(contribution), where=baseline > 0)
    response = relative / (1 - take_up)  # so that the elasticity holds at the baseline
    scale = logit(take_up) + futures.take_up[:, :, None, None]
    if relative.any():
        scale = scale + futures.elasticity[:, None, None, None] * response
    return residents * expit(scale)


def contribution_years(new_share: float, years: int) -> np.ndarray:
    """Shares of the insured with 0, 1, 2... full contribution years, shape (t, y).

    Everyone starts at none; each year `new_share` join or return at none and the others gain one (Benxi
    第二十一条: only continuous years count).

    >>> contribution_years(0.25, 3).tolist()
    [[1.0, 0.0, 0.0], [0.25, 0.75, 0.0], [0.25, 0.1875, 0.5625]]
    """
    shares = np.zeros((years, years))
    shares[0, 0] = 1.0
    for t in range(1, years):
        shares[t, 0] = new_share
        shares[t, 1:] = (1 - new_share) * shares[t - 1, :-1]
    return shares


def covered_share(new_share: float, waiting_months: np.ndarray) -> np.ndarray:
    """Part of the year in which an insured person of each group is entitled to benefits (Benxi 第十六条).

    >>> covered_share(0.2, np.array([0.0, 3.0])).tolist()
    [1.0, 0.95]
    """
    return 1 - new_share * waiting_months / 12
