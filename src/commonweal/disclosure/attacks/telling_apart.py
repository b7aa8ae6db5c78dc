"""How well scores tell members from others: the area under the ROC curve, with its standard error.

    AUC = P(score of a member > score of another) + ½ P(equal)

0.5 is guessing, 1 is certainty. The standard error is that of DeLong, from how often each member stands above the
others, and each other below the members.

Source: E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, *Comparing the areas under two or more correlated receiver
operating characteristic curves*, Biometrics 44 (1988), 837-845; computed by ranks as in X. Sun, W. Xu, *Fast
implementation of DeLong's algorithm*, IEEE Signal Processing Letters 21 (2014), 1389-1393.
"""

from __future__ import annotations

import numpy as np

from commonweal.core.errors import InputError


def area_under_curve(members: np.ndarray, others: np.ndarray) -> tuple[float, float]:
    """Give the AUC and its standard error.

    Parameters
    ----------
    members, others
        Scores, float64, at least two of each.

    Examples
    --------
    Of the nine pairs of (3, 4, 5) and (1, 2, 3), eight are in order and one is even:

    >>> auc, error = area_under_curve(np.array([3.0, 4, 5]), np.array([1.0, 2, 3]))
    >>> round(auc, 4), round(error, 4)
    (0.9444, 0.0786)
    """
    m, n = len(members), len(others)
    if min(m, n) < 2:
        raise InputError("there are too few people to compare", expected="at least two members and two others")
    ranks = _ranks(np.concatenate([members, others]))
    above = (ranks[:m] - _ranks(members)) / n  # of each member, the share of others below it
    below = 1 - (ranks[m:] - _ranks(others)) / m  # of each other, the share of members above it
    return float(above.mean()), float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n))


def _ranks(scores: np.ndarray) -> np.ndarray:
    """Give the rank of each score, from 1; those that are even share the mean of their ranks."""
    ordered = np.sort(scores)
    return (np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right") + 1) / 2
