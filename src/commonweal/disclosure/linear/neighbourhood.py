"""Which cells lie near one another: sharing a relation, or a few steps from that."""

from __future__ import annotations

import numpy as np

from commonweal.disclosure.linear.parting import groups
from commonweal.disclosure.linear.rows import UNBOUNDED, Rows


class Neighbours:
    """The graph of cells and rows.

    Parameters
    ----------
    rows
        What holds between all cells.
    cells
        How many there are.
    """

    def __init__(self, rows: Rows, cells: int) -> None:
        from scipy.sparse import csr_array  # as in parting

        self.rows, self.cells = rows, cells
        self._sizes = np.diff(rows.first)
        self._place = np.full(cells, -1, np.int64)
        shape = (len(rows.lower), cells)
        self._cells_of_row = csr_array((np.ones(len(rows.cell), np.int8), rows.cell, rows.first), shape=shape)
        self._rows_of_cell = csr_array(self._cells_of_row.T)

    def together(self, which: np.ndarray) -> np.ndarray:
        """Number the groups of chosen cells that hang together through one another; -1 for the others."""
        rows, chosen = self.rows, which[self.rows.cell]
        label = groups(rows.row_of_member[chosen], rows.cell[chosen], len(rows.lower), self.cells)
        return np.where(which, label, -1)

    def near(self, start: np.ndarray, hidden: np.ndarray, hops: int) -> np.ndarray:
        """Give the cells within some hops of others; from one hidden cell to the next is no hop."""
        reached = np.zeros(self.cells, bool)
        reached[start] = True
        new = start
        while len(new):  # all that is hidden and hangs together
            new = self._next(new, reached)
            new = new[hidden[new]]
            reached[new] = True
        new = np.flatnonzero(reached)
        for _ in range(hops):
            new = self._next(new, reached)
            reached[new] = True
        return np.flatnonzero(reached)

    def _next(self, from_: np.ndarray, reached: np.ndarray) -> np.ndarray:
        rows = np.unique(self._rows_of_cell[from_].indices)
        cells = np.unique(self._cells_of_row[rows].indices)
        return cells[~reached[cells]]

    def within(self, cells: np.ndarray, value: np.ndarray) -> Rows:
        """Give the rows that touch some cells, these numbered from 0; the others have the given values."""
        which = np.unique(self._rows_of_cell[cells].indices)
        place = self._place
        place[cells] = np.arange(len(cells))
        rows = self.rows
        sizes = self._sizes[which]
        begins = np.concatenate([[0], np.cumsum(sizes)])
        members = np.repeat(rows.first[which] - begins[:-1], sizes) + np.arange(begins[-1])
        row, inside = np.repeat(np.arange(len(which)), sizes), place[rows.cell[members]] >= 0
        outside = members[~inside]
        shift = np.bincount(row[~inside], rows.sign[outside] * value[rows.cell[outside]], len(which)).astype(np.int64)
        kept = members[inside]
        lower, upper = rows.lower[which], rows.upper[which]
        numbers = place[rows.cell[kept]]
        place[cells] = -1
        return Rows(
            np.concatenate([[0], np.cumsum(np.bincount(row[inside], minlength=len(which)))]).astype(np.int64),
            numbers,
            rows.sign[kept],
            np.where(lower <= -UNBOUNDED, -UNBOUNDED, lower - shift),
            np.where(upper >= UNBOUNDED, UNBOUNDED, upper - shift),
            rows.relation[which],
        )
