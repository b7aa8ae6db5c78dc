"""Margins of noised tables made consistent, by moving as little as can be.

    minimise  Σ |z(c) − y(c)|   over whole numbers z ≥ 0 that keep to the relations, |z(c) − y(c)| ≤ m · D

where y are the noised values and m is the least of 1, 2, 4, … with which there is such a table. Nothing but what could
be published anyway is looked at, so nothing more is told of people. A zero stays zero, as in the cell-key method.

Source: J. J. Salazar-González, *Controlled rounding and cell perturbation: statistical disclosure limitation methods
for tabular data*, Mathematical Programming 105 (2006), 583-603; cost 1 for each person moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from commonweal.core.errors import Refused
from commonweal.disclosure.rounding.additive import Relation, cheapest, conditions

WIDEST = 64


@dataclass(frozen=True, eq=False)
class Consistent:
    """Values that keep to their relations.

    Parameters
    ----------
    values
        int64, shape (cells,).
    moved
        Σ |z − y|.
    within
        What no value moved more than, m · D.
    """

    values: np.ndarray
    moved: int
    within: int


def consistent(values: np.ndarray, relations: Sequence[Relation], maximum: int) -> Consistent:
    """Move noised values as little as can be, so that they keep to their relations.

    Parameters
    ----------
    values
        Noised counts y, int64, shape (cells,).
    relations
        Between cells, each (whole, parts, kind).
    maximum
        D, what a value should not move more than.

    Raises
    ------
    Refused
        If there is no such table even within 64 D.

    Examples
    --------
    A whole of 40 with parts 22 and 21: three are one too many for each.

    >>> consistent(np.array([40, 22, 21]), [(0, (1, 2), "sum")], 2)
    Consistent(values=array([42, 21, 21]), moved=3, within=2)
    """
    from scipy.sparse import hstack

    noised = np.asarray(values, np.int64)
    cells = len(noised)
    if not relations:
        return Consistent(noised, 0, maximum)
    matrix, upper = conditions(relations, cells)
    kept = matrix @ noised
    # Of equally small changes the one to earlier cells: the same table always gives the same.
    cost = 1 + np.arange(cells) / (2.0 * cells * max(1, cells))
    factor = 1
    while factor <= WIDEST:
        most = np.where(noised == 0, 0, factor * maximum)
        both = np.concatenate([most, np.minimum(most, noised)])
        solved = cheapest(np.concatenate([cost, cost]), both, hstack([matrix, -matrix]), -kept, upper)
        if solved is not None:
            change = solved[:cells] - solved[cells:]
            return Consistent(noised + change, int(np.abs(change).sum()), factor * maximum)
        factor *= 2
    raise Refused(
        "these values cannot be made consistent", expected="margins and parts of the same people, perturbed alike"
    )
