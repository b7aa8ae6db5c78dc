"""Controlled rounding: every value becomes a neighbouring multiple of a base, and margins still add up.

With a(c) = b · f(c) + r(c), 0 ≤ r(c) < b, choose for each cell whether it goes up::

    z(c) = b · (f(c) + x(c)),   x(c) ∈ {0, 1},   x(c) = 0 where r(c) = 0        zero-restricted
    minimise  Σ |z(c) − a(c)|                                                   nearest
          or  Σ (b · u(c) − r(c)) · x(c)                                        random start u(c), a fraction of 1
    where the z keep to the relations

For a union the largest part stays at most the whole, and the whole at most the sum of the parts. Where relations are
those of a two-way table with its margins, or of one tree, this is a flow in a network and the vertex that the simplex
method finds is whole (Cox, Ernst 1982); otherwise it is solved over whole numbers. Zero-restricted rounding need not
exist for tables of three dimensions; then values may go one multiple further.

Sources: L. H. Cox, *A constructive procedure for unbiased controlled rounding*, JASA 82 (1987), 520-524; L. H. Cox,
L. R. Ernst, *Controlled rounding*, INFOR 20 (1982), 423-432; J. J. Salazar-González, *Controlled rounding and cell
perturbation*, Mathematical Programming 105 (2006), 583-603, for hierarchies and linked tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from commonweal.core.errors import InputError, Refused
from commonweal.disclosure.rounding.additive import Relation, cheapest, conditions, holds


@dataclass(frozen=True, eq=False)
class Rounded:
    """A rounded table.

    Parameters
    ----------
    values
        Multiples of the base, int64, shape (cells,).
    base
        b.
    zero_restricted
        Whether every value went to a neighbouring multiple; if not, some may have gone one further.
    """

    values: np.ndarray
    base: int
    zero_restricted: bool


def controlled_rounding(
    values: np.ndarray, relations: Sequence[Relation], base: int, start: np.ndarray | None = None
) -> Rounded:
    """Round every value to a neighbouring multiple of the base so that the relations still hold.

    Parameters
    ----------
    values
        Counts that keep to the relations, int64, shape (cells,).
    relations
        Between cells, each (whole, parts, kind).
    base
        b, at least 2.
    start
        Cell keys, uint64, as fractions of 2⁶⁴: with them a cell alone goes up with probability r / b, so that its mean
        over keys is its count. Relations make others follow, so that with them this holds only nearly; for a two-way
        table `unbiased_two_way` keeps it exactly. Without keys, values go to the nearest multiples they can.

    Raises
    ------
    InputError
        If a value is negative, the base is below 2, or the values do not keep to the relations.
    Refused
        If there is no rounded table even where values may go one multiple further.

    Examples
    --------
    The margins 12 = 6 + 6 cannot all go to the nearest multiple of 5:

    >>> controlled_rounding(np.array([12, 6, 6]), [(0, (1, 2), "sum")], 5)
    Rounded(values=array([10,  5,  5]), base=5, zero_restricted=True)
    """
    counts = np.asarray(values, np.int64)
    if base < 2 or (len(counts) and counts.min() < 0):
        raise InputError(
            f"counts cannot be rounded to multiples of {base}", expected="counts ≥ 0, a base of at least 2"
        )
    if not holds(counts, relations):
        raise InputError("the values do not keep to their relations", expected="counts before any noise or suppression")
    floor, rest = np.divmod(counts, base)
    cost = base - 2.0 * rest if start is None else base * (np.asarray(start, np.uint64) * 2.0**-64) - rest
    # Of equally near tables the one with earlier cells lower: the same table always gives the same.
    cost = cost - np.arange(len(counts)) / (4.0 * len(counts) ** 2 + 1)
    up = _solve(floor, cost, (rest > 0).astype(np.int64), relations)
    if up is not None:
        return Rounded(base * (floor + up), base, zero_restricted=True)
    up = _further(floor, cost, rest, base, relations)
    if up is None:
        raise Refused("this table has no controlled rounding", expected="fewer relations, or another base")
    return Rounded(base * (floor + up), base, zero_restricted=False)


def interval(value: int, base: int, *, zero_restricted: bool = True) -> tuple[int, int]:
    """Give the counts that may have been rounded to a value: what a reader learns from it alone.

    Examples
    --------
    >>> interval(10, 5), interval(0, 5), interval(10, 5, zero_restricted=False)
    ((6, 14), (0, 4), (1, 19))
    """
    reach = base - 1 if zero_restricted else 2 * base - 1
    return max(0, value - reach), value + reach


def _solve(floor: np.ndarray, cost: np.ndarray, most: np.ndarray, relations: Sequence[Relation]) -> np.ndarray | None:
    """Choose who goes up, at the least cost; None if nobody can."""
    from scipy.optimize import linprog
    from scipy.sparse import vstack

    if not relations:
        return np.where(cost < 0, most, 0)
    matrix, upper = conditions(relations, len(floor))
    lowest = -(matrix @ floor)
    highest = lowest + upper
    ends = np.isfinite(highest)
    relaxed = linprog(
        cost,
        A_ub=vstack([-matrix, matrix[ends]], format="csr"),
        b_ub=np.concatenate([-lowest, highest[ends]]),
        bounds=np.column_stack([np.zeros(len(floor)), most]),
        method="highs-ds",
    )
    if relaxed.status == 2:
        return None
    if relaxed.status == 0:
        whole = np.rint(relaxed.x)
        if np.abs(relaxed.x - whole).max() < 1e-7:
            return whole.astype(np.int64)
    return cheapest(cost, most, matrix, lowest, upper)


def _further(
    floor: np.ndarray, cost: np.ndarray, rest: np.ndarray, base: int, relations: Sequence[Relation]
) -> np.ndarray | None:
    """Choose who goes where if values may go one multiple further, which costs far more than any other choice."""
    from scipy.sparse import hstack

    cells = len(floor)
    matrix, upper = conditions(relations, cells)
    lowest = -(matrix @ floor)
    far = np.full(cells, float(cells * base))
    most = np.concatenate([rest > 0, np.ones(cells), floor > 0])
    solved = cheapest(np.concatenate([cost, far, far]), most, hstack([matrix, matrix, -matrix]), lowest, upper)
    if solved is None:
        return None
    near, above, below = solved.reshape(3, cells)
    return near + above - below
