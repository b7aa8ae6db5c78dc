"""Relations as rows of a linear programme, and what follows from them without solving one.

sum     Σ parts − whole = 0
cover   Σ parts − whole ≥ 0
within  part − whole ≤ 0, a row for each part
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from commonweal.disclosure.linear.relations import Kind, Relations

UNBOUNDED = np.int64(1) << 60
"""Stands for no bound, in whole numbers."""
ROUNDS = 100
SETTLED, UNSETTLED = -1, -2
"""How narrowing bounds row by row ends: nothing follows any more; or it was given up, since it takes long."""


@dataclass(frozen=True, eq=False)
class Rows:
    """lower[r] ≤ Σ sign[i] · x[cell[i]] ≤ upper[r] over i from first[r] to first[r + 1], int64.

    Parameters
    ----------
    first, cell, sign
        The members of each row; signs are 1 and -1.
    lower, upper
        Its bounds; ±`UNBOUNDED` where there is none.
    relation
        The relation that each row is of.
    """

    first: np.ndarray
    cell: np.ndarray
    sign: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    relation: np.ndarray

    @property
    def row_of_member(self) -> np.ndarray:
        """The row that each member belongs to."""
        return np.repeat(np.arange(len(self.lower)), np.diff(self.first))

    def taken(self, which: np.ndarray) -> Rows:
        """Give some of these rows, by their numbers."""
        sizes = np.diff(self.first)[which]
        first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        members = np.repeat(self.first[which] - first[:-1], sizes) + np.arange(first[-1])
        return Rows(
            first, self.cell[members], self.sign[members], self.lower[which], self.upper[which], self.relation[which]
        )


def rows_of(relations: Relations) -> Rows:
    """Write relations as rows.

    Examples
    --------
    >>> from commonweal.disclosure.linear.relations import relations
    >>> rows = rows_of(relations([(0, [1, 2], Kind.UNION)]))
    >>> rows.cell, rows.sign
    (array([1, 2, 0, 1, 0, 2, 0]), array([ 1,  1, -1,  1, -1,  1, -1], dtype=int8))
    """
    adding = np.flatnonzero(relations.kind & (Kind.SUM | Kind.COVER))
    sizes = np.diff(relations.first)[adding] + 1
    first = np.concatenate([[0], np.cumsum(sizes)])
    cell = np.empty(first[-1], np.int64)
    sign = np.ones(first[-1], np.int8)
    ends = first[1:] - 1
    cell[ends], sign[ends] = relations.whole[adding], -1
    inside = np.ones(first[-1], bool)
    inside[ends] = False
    of_part = relations.relation_of_part
    cell[inside] = relations.part[(relations.kind[of_part] & (Kind.SUM | Kind.COVER)) != 0]
    upper = np.where(relations.kind[adding] & Kind.SUM, 0, UNBOUNDED)

    within = np.flatnonzero(relations.kind[of_part] & Kind.WITHIN)
    pairs = np.column_stack([relations.part[within], relations.whole[of_part[within]]]).ravel()
    return Rows(
        np.concatenate([first, first[-1] + 2 * np.arange(1, len(within) + 1)]),
        np.concatenate([cell, pairs]),
        np.concatenate([sign, np.tile(np.array([1, -1], np.int8), len(within))]),
        np.concatenate([np.zeros(len(adding), np.int64), np.full(len(within), -UNBOUNDED)]),
        np.concatenate([upper, np.zeros(len(within), np.int64)]),
        np.concatenate([adding, of_part[within]]),
    )


def binding(rows: Rows, low: np.ndarray, high: np.ndarray) -> Rows:
    """Leave out the rows that hold whatever the cells are within their bounds.

    Examples
    --------
    A day of 30 lies within 20, 25 and x, whatever x is; and x is at most 30 anyway:

    >>> from commonweal.disclosure.linear.relations import relations
    >>> day = rows_of(relations([(0, [1, 2, 3], Kind.UNION)]))
    >>> len(binding(day, np.array([30, 20, 25, 0]), np.array([30, 20, 25, 30])).lower)
    0
    """
    if not len(rows.lower):
        return rows
    end = np.where(high >= UNBOUNDED, np.inf, high)
    least = np.add.reduceat(np.where(rows.sign > 0, low[rows.cell], -end[rows.cell]), rows.first[:-1])
    most = np.add.reduceat(np.where(rows.sign > 0, end[rows.cell], -low[rows.cell]), rows.first[:-1])
    loose = ((rows.lower <= -UNBOUNDED) | (least >= rows.lower)) & ((rows.upper >= UNBOUNDED) | (most <= rows.upper))
    return rows.taken(np.flatnonzero(~loose))


def tighten(rows: Rows, low: np.ndarray, high: np.ndarray) -> int:
    """Tighten bounds on cells, in place, by each row alone and again, until nothing follows or it takes long.

    From a row with activity between A and B, which leaves out the cell: ``lower − B ≤ sign · x ≤ upper − A``.

    Parameters
    ----------
    rows
        What holds.
    low, high
        Bounds of each cell, int64; ``high`` is `UNBOUNDED` where there is none.

    Returns
    -------
    int
        A row that cannot hold, and then `low` and `high` are without meaning; or `SETTLED`, where nothing follows any
        more; or `UNSETTLED`.

    Examples
    --------
    A whole of 20 has parts 17 and x:

    >>> from commonweal.disclosure.linear.relations import relations
    >>> low, high = np.array([20, 17, 0]), np.array([20, 17, 14])
    >>> tighten(rows_of(relations([(0, [1, 2], Kind.SUM)])), low, high), low[2], high[2]
    (-1, np.int64(3), np.int64(3))
    """
    return int(_tighten(rows.first, rows.cell, rows.sign, rows.lower, rows.upper, low, high, UNBOUNDED, ROUNDS))


@numba.njit(nogil=True, cache=True)
def _tighten(first, cell, sign, lower, upper, low, high, unbounded, rounds):  # type: ignore[no-untyped-def]
    for _ in range(rounds):
        changed = False
        for r in range(len(lower)):
            least, most, least_open, most_open = 0, 0, 0, 0  # finite parts of the activity, and how many have no bound
            for i in range(first[r], first[r + 1]):
                c = cell[i]
                if sign[i] > 0:
                    least += low[c]
                    if high[c] >= unbounded:
                        most_open += 1
                    else:
                        most += high[c]
                else:
                    most -= low[c]
                    if high[c] >= unbounded:
                        least_open += 1
                    else:
                        least -= high[c]
            if (least_open == 0 and upper[r] < unbounded and least > upper[r]) or (
                most_open == 0 and lower[r] > -unbounded and most < lower[r]
            ):
                return r
            for i in range(first[r], first[r + 1]):
                c = cell[i]
                if low[c] == high[c]:
                    continue
                open_here = high[c] >= unbounded
                if upper[r] < unbounded:  # sign · x ≤ upper − least of the others
                    others_open = least_open - (1 if (sign[i] < 0 and open_here) else 0)
                    if others_open == 0:
                        if sign[i] > 0:
                            bound = upper[r] - (least - low[c])
                            if bound < high[c]:
                                if open_here:
                                    most_open -= 1
                                    most += bound
                                else:
                                    most += bound - high[c]
                                high[c] = bound
                                open_here = False
                                changed = True
                        else:
                            bound = (least if open_here else least + high[c]) - upper[r]
                            if bound > low[c]:
                                most -= bound - low[c]
                                low[c] = bound
                                changed = True
                if lower[r] > -unbounded:  # sign · x ≥ lower − most of the others
                    others_open = most_open - (1 if (sign[i] > 0 and open_here) else 0)
                    if others_open == 0:
                        if sign[i] > 0:
                            bound = lower[r] - (most if open_here else most - high[c])
                            if bound > low[c]:
                                least += bound - low[c]
                                low[c] = bound
                                changed = True
                        else:
                            bound = (most + low[c]) - lower[r]
                            if bound < high[c]:
                                if open_here:
                                    least_open -= 1
                                    least -= bound
                                else:
                                    least += high[c] - bound
                                high[c] = bound
                                changed = True
                if low[c] > high[c]:
                    return r
        if not changed:
            return -1
    return -2
