"""How sure an estimate is: the Poisson bootstrap over subscribers."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, factorial
from typing import Any

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError
from commonweal.core.kernels import kernel
from commonweal.mobility.bounding import mixed
from commonweal.mobility.footprint.aggregating import present_by_area
from commonweal.mobility.footprint.connection import Footprint
from commonweal.mobility.footprint.estimating import MOST_ITERATIONS, TOLERANCE
from commonweal.mobility.footprint.grid import Grid

Numbers = npt.NDArray[np.float64]
REPLICATES = 200
MOST_TIMES = 20
_TIMES = np.cumsum([exp(-1) / factorial(k) for k in range(MOST_TIMES)])
"""P(X ≤ k) for X ∼ Poisson(1); more than 20 has a chance of 1e-19."""


@dataclass(frozen=True, eq=False)
class Interval:
    """Between which numbers the devices of an area lie, with a stated confidence.

    Parameters
    ----------
    low, high
        float64[areas]; NaN for an area in which no point lies.
    confidence
        Such as 0.95.
    replicates
        From how many replicates.
    converged
        Of how many of them the estimate had converged.
    """

    low: Numbers
    high: Numbers
    confidence: float
    replicates: int
    converged: int


def replicated_counts(counts: npt.ArrayLike, replicates: int = REPLICATES, seed: int = 0) -> Numbers:
    r"""Draw the counts of replicates where each subscriber was counted in one cell: :math:`n_c^* ∼ Poisson(n_c)`.

    Each subscriber counts Poisson(1) times, so those of a cell count Poisson(:math:`n_c`) times together.

    Parameters
    ----------
    counts
        Subscribers by cell, whole numbers, shape (cells,).
    replicates
        How many.
    seed
        Equal seeds give equal counts.

    Returns
    -------
    float64[cells, replicates]

    Raises
    ------
    InputError
        Counts are not whole numbers from 0; use `resampled_counts` for weights.
    """
    n = np.asarray(counts, dtype=np.float64)
    if n.ndim != 1 or not (np.isfinite(n) & (n >= 0) & (n == np.floor(n))).all():
        raise InputError("counts of subscribers that are none", expected="a whole number from 0 for each cell")
    return np.random.default_rng(seed).poisson(n[:, None], (len(n), replicates)).astype(np.float64)


def resampled_counts(
    subscriber: npt.ArrayLike,
    cell: npt.ArrayLike,
    weight: npt.ArrayLike,
    cells: int,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Numbers:
    r"""Give the counts of replicates where a subscriber may count in several cells.

    .. math::
        n_c^{*b} = Σ_s X_{sb}\,w_{sc}, \qquad X_{sb} ∼ \mathrm{Poisson}(1)

    :math:`X_{sb}` is hashed from the subscriber's pseudonym, the replicate and the seed, so whoever counts buckets
    apart and adds up gets the same. Source: Chamandy et al. (2012), *Estimating uncertainty for massive data streams*.

    Parameters
    ----------
    subscriber
        Pseudonyms, int64[n].
    cell
        int32[n]; -1 counts nowhere.
    weight
        float64[n]: which part of the subscriber counts in the cell. A subscriber's commonly add up to 1.
    cells
        How many the plan has.

    Returns
    -------
    float64[cells, replicates]

    Examples
    --------
    >>> counts = resampled_counts([5, 5, 9], [0, 1, 1], [0.5, 0.5, 1.0], 2, 1000)
    >>> counts.mean(axis=1).round(1).tolist()
    [0.5, 1.5]
    """
    who = np.ascontiguousarray(subscriber, dtype=np.int64)
    where = np.ascontiguousarray(cell, dtype=np.int32)
    parts = np.ascontiguousarray(weight, dtype=np.float64)
    if not who.shape == where.shape == parts.shape or who.ndim != 1:
        raise InputError("subscribers, cells and weights of different lengths", expected="three lists of one length")
    if not (np.isfinite(parts) & (parts >= 0)).all() or (where >= cells).any():
        raise InputError("a weight or a cell that cannot be", expected=f"weights from 0, cells below {cells}")
    found = np.zeros((cells, replicates))
    _resample(who, where, parts, np.uint64(seed), _TIMES, found)
    return found


def interval(
    grid: Grid,
    footprint: Footprint,
    replicates: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    start: npt.ArrayLike | None = None,
    tolerance: float = TOLERANCE,
    most_iterations: int = MOST_ITERATIONS,
    threads: int = 2,
) -> Interval:
    """Give each area's interval: the percentiles of its devices over the replicates, each estimated anew.

    It says how much the devices could differ had other subscribers like these been there; not how right the model of
    the cells is.

    Parameters
    ----------
    grid, footprint
        As for `present_by_area`.
    replicates
        float64[cells, replicates], from `replicated_counts` or `resampled_counts`.
    confidence
        Of the interval; half of the rest lies below, half above.
    start, tolerance, most_iterations, threads
        As for `present_population`; use the same as for the estimate itself.

    Raises
    ------
    InputError
        The confidence is not between 0 and 1, or the replicates do not fit.
    """
    if not 0 < confidence < 1:
        raise InputError(f"a confidence of {confidence:g}", expected="between 0 and 1, such as 0.95")
    found = present_by_area(
        grid,
        footprint,
        replicates,
        start=start,
        tolerance=tolerance,
        most_iterations=most_iterations,
        threads=threads,
    )
    low, high = np.quantile(found.devices, [(1 - confidence) / 2, (1 + confidence) / 2], axis=1)
    return Interval(low, high, confidence, found.devices.shape[1], int(found.converged.sum()))


@kernel()
def _resample(who: Any, where: Any, weight: Any, seed: Any, times: Any, found: Any) -> None:
    for k in range(len(who)):
        if where[k] < 0:
            continue
        person = mixed(np.uint64(who[k]) ^ mixed(seed))
        for b in range(found.shape[1]):
            u = float(mixed(person ^ np.uint64(b)) >> np.uint64(11)) / 9007199254740992.0
            x = 0
            while x < len(times) and u >= times[x]:
                x += 1
            found[where[k], b] += x * weight[k]
