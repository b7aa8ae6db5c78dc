"""Intervals from how wrong forecasts were: split conformal prediction, by size of what is expected."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from commonweal.mobility.baselines.series import Numbers

GROUPS = 5
"""Into how many sizes what is expected is divided."""


@dataclass(frozen=True, eq=False)
class Interval:
    """Errors between which a part of all lies, for forecasts of each size.

    Parameters
    ----------
    edges
        Ascending; a forecast f is of the group g with edges[g − 1] ≤ f < edges[g].
    low, high
        (groups,) errors of square roots.
    """

    edges: Numbers
    low: Numbers
    high: Numbers

    def around(self, expected: Numbers) -> tuple[Numbers, Numbers]:
        """Give the ends of the interval around each forecast, whole people."""
        group = np.searchsorted(self.edges, np.nan_to_num(expected), side="right")
        root = np.sqrt(expected)
        low = np.maximum(root + self.low[group], 0.0) ** 2
        high = np.maximum(root + self.high[group], 0.0) ** 2
        # What is counted is whole: nothing is lost by widening to the next whole number, but for rounding.
        return np.floor(low + 1e-9), np.ceil(high - 1e-9)


def conformal(
    expected: Numbers,
    seen: Numbers,
    below: npt.NDArray[np.bool_],
    least: int | None,
    level: float,
) -> Interval | None:
    r"""Find the errors between which forecasts lie with a probability.

    Of n forecasts f of values x that were not known when they were made, the errors are

    .. math::
        r = \sqrt{x} - \sqrt{f}

    since a count varies as the root of its size. With α = 1 − level, the ends are the ⌈(n + 1)(1 − α/2)⌉-th largest of
    errors and of their negatives, so that of a further forecast of the same kind a part of `level` at least lies
    within. Of an x that was suppressed only 0 ≤ x < k is known: it counts as 0 for the lower end and as k − 1 for the
    upper one, so that the interval never becomes too narrow by it. Forecasts are divided into five groups by their
    size, each with its own errors, where each has enough of them.

    Sources: V. Vovk, A. Gammerman, G. Shafer, *Algorithmic Learning in a Random World* (2005), 4.5 for groups; J. Lei,
    M. G'Sell, A. Rinaldo, R. J. Tibshirani, L. Wasserman, *Distribution-free predictive inference for regression*
    (2018). Errors of one day hang together, so the promise holds over days rather than for each.

    Parameters
    ----------
    expected, seen
        (n,) forecasts and what was published, NaN where not.
    below
        (n,) whether a value was suppressed.
    least
        k.
    level
        Probability.

    Returns
    -------
    None if there are too few forecasts to tell: 19 for 90 %, 39 for 95 %.

    Examples
    --------
    >>> expected = np.full(19, 100.0)
    >>> seen = np.array([100.0] * 17 + [81, 144])
    >>> found = conformal(expected, seen, np.zeros(19, bool), None, 0.9)
    >>> [end.tolist() for end in found.around(np.array([400.0]))]
    [[361.0], [484.0]]
    >>> conformal(expected[:18], seen[:18], np.zeros(18, bool), None, 0.9) is None
    True
    """
    there = ~np.isnan(expected) & (~np.isnan(seen) | below)
    f, x, hidden = expected[there], seen[there], below[there]
    root = np.sqrt(f)
    most = float((least or 1) - 1)
    lower = np.sqrt(np.where(hidden, 0.0, x)) - root
    upper = np.sqrt(np.where(hidden, most, x)) - root
    tail = (1 - level) / 2

    def ends(of: npt.NDArray[np.bool_]) -> tuple[float, float] | None:
        n = int(of.sum())
        rank = ceil((n + 1) * (1 - tail) - 1e-9)
        if rank > n:
            return None
        return -float(np.sort(-lower[of])[rank - 1]), float(np.sort(upper[of])[rank - 1])

    edges = np.unique(np.quantile(f, np.linspace(0, 1, GROUPS + 1)[1:-1])) if len(f) else np.zeros(0)
    group = np.searchsorted(edges, f, side="right")
    found = [ends(group == number) for number in range(len(edges) + 1)]
    if any(one is None for one in found):
        edges, found = np.zeros(0), [ends(np.ones(len(f), bool))]
    if found[0] is None:
        return None
    low, high = np.array(found, np.float64).T
    return Interval(edges, low, high)
