"""Where a phone is that a cell serves, given where people may be at all: Bayes' rule over a footprint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError
from commonweal.mobility.footprint.connection import Footprint

Numbers = npt.NDArray[np.float64]


def land_use_prior(shares: Mapping[str, npt.ArrayLike], weights: Mapping[str, float]) -> Numbers:
    r"""Give the prior of each point by what its ground is used for: :math:`p_i ∝ Σ_u w_u a_{iu}`, adding up to 1.

    Source: Tennekes and Gootzen (2022); the land-use prior of multimno 1.0.

    Parameters
    ----------
    shares
        For each use, which part of each point's square it takes, float64[points], from 0 to 1.
    weights
        For each of the same uses, how many people there are on the same ground, relative to others; from 0.

    Raises
    ------
    InputError
        Uses differ, a share is none, or nobody could be anywhere.

    Examples
    --------
    >>> land_use_prior({"built": [1, 0.5, 0], "water": [0, 0.5, 1]}, {"built": 1, "water": 0.0}).round(3).tolist()
    [0.667, 0.333, 0.0]
    """
    if set(shares) != set(weights) or not shares:
        raise InputError(
            f"shares of {sorted(shares)}, weights of {sorted(weights)}", expected="one weight for each use"
        )
    arrays = {use: np.asarray(share, dtype=np.float64) for use, share in shares.items()}
    lengths = {array.shape for array in arrays.values()}
    if len(lengths) > 1 or any(not ((a >= 0) & (a <= 1)).all() for a in arrays.values()):
        raise InputError("shares of land use that are none", expected="for each use a part from 0 to 1 of every point")
    prior = sum((arrays[use] * weights[use] for use in sorted(arrays)), np.zeros(next(iter(lengths))))
    return checked_prior(prior, len(prior))


def checked_prior(prior: npt.ArrayLike, points: int) -> Numbers:
    """Give a prior that adds up to 1.

    Raises
    ------
    InputError
        It is not one number from 0 for each point, some above 0.
    """
    values = np.asarray(prior, dtype=np.float64)
    if values.shape != (points,) or not (np.isfinite(values) & (values >= 0)).all() or not values.sum() > 0:
        raise InputError("the prior does not fit the grid", expected=f"for each of {points} points a number from 0")
    return values / values.sum()


@dataclass(frozen=True, eq=False)
class Locations:
    """P(i|c), the probability that a phone served by a cell is at a point.

    Parameters
    ----------
    first
        int64[cells + 1]: the entries of cell *c* are ``first[c] … first[c + 1] - 1``.
    point
        int32[entries]: ascending within a cell.
    probability
        float64[entries]: those of a cell add up to 1; a cell that serves no possible point has none.
    """

    first: npt.NDArray[np.int64]
    point: npt.NDArray[np.int32]
    probability: Numbers


def locations(footprint: Footprint, prior: npt.ArrayLike | None = None) -> Locations:
    r"""Give where a phone is that a cell serves: :math:`P(i|c) = p_i P(c|i) / Σ_j p_j P(c|j)`.

    Source: Tennekes and Gootzen (2022); `calculate_posterior` of mobloc.

    Parameters
    ----------
    footprint
        P(c|i).
    prior
        p, float64[points], any positive multiple of it; the same everywhere if none.

    Examples
    --------
    >>> from commonweal.mobility.footprint.connection import from_dominance
    >>> found = locations(from_dominance(2, 2, [[(0, 1.0), (1, 3.0)], [(1, 1.0)]]), prior=[2, 1])
    >>> found.first.tolist(), found.point.tolist(), found.probability.round(9).tolist()
    ([0, 1, 3], [0, 0, 1], [1.0, 0.6, 0.4])
    """
    points = footprint.points
    weights = checked_prior(np.ones(points) if prior is None else prior, points)
    joint = weights[footprint.point] * footprint.probability
    possible = np.flatnonzero(joint > 0)
    order = possible[np.argsort(footprint.cell[possible], kind="stable")]
    sums = np.bincount(footprint.cell[order], joint[order], minlength=footprint.cells)
    counts = np.bincount(footprint.cell[order], minlength=footprint.cells)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Locations(first, footprint.point[order], joint[order] / sums[footprint.cell[order]])
