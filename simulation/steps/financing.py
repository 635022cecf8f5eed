"""The year is financed: contributions, arrears and subsidies, and which level of government bears them."""

from __future__ import annotations

import numpy as np


def individual_income(insured, contribution, subsidy, returner_share, arrears_share) -> np.ndarray:
    """Paid by people, yuan (d, t): this year's contribution, and arrears of returners with the missed
    subsidy, which nobody else makes good (Benxi 第十二条). Rates in yuan of shape (t, g, s); `arrears_share` (t,).
    """
    arrears = returner_share * arrears_share[:, None, None] * (contribution + subsidy)
    return np.einsum("dtgs,tgs->dt", insured, contribution + arrears, optimize=True)


def subsidy_by_level(insured, subsidy, weights, school_weights, school_share) -> np.ndarray:
    """Subsidy borne by each level of government, yuan (d, t, l).

    `weights` and `school_weights` (t, l) in parts; `school_share` (g,) of each group follows the rule for
    schools that no county funds (Benxi 第八条).
    """
    share = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
    school = school_weights / np.maximum(school_weights.sum(axis=1, keepdims=True), 1e-12)
    split = (1 - school_share)[None, :, None] * share[:, None, :] + school_share[None, :, None] * school[:, None, :]
    return np.einsum("dtgs,tgs,tgl->dtl", insured, subsidy, split, optimize=True)
