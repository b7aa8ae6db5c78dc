"""Parting what hangs together from what does not: each part of a table is reasoned about for itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from commonweal.disclosure.linear.contradiction import beyond_counting
from commonweal.disclosure.linear.rows import UNBOUNDED, Rows


@dataclass(frozen=True, eq=False)
class Part:
    """Cells that hang together, and the rows between them.

    Parameters
    ----------
    cells
        Their numbers in the whole, int64.
    rows
        Over these cells, numbered from 0; cells that are fixed stand in the rows' bounds.
    tree
        Whether no rows go round in a circle: then bounds that follow row by row are exact.
    """

    cells: np.ndarray
    rows: Rows
    tree: bool


def groups(row: np.ndarray, cell: np.ndarray, rows: int, cells: int) -> np.ndarray:
    """Number the groups of cells that hang together.

    Parameters
    ----------
    row, cell
        Of each membership: a row that joins the cells in it, and a cell.
    rows, cells
        How many there are of each.

    Returns
    -------
    np.ndarray
        Of each cell the number of its group; a cell in no row is a group of its own.

    Examples
    --------
    >>> groups(np.array([0, 0, 1, 1]), np.array([0, 2, 2, 3]), rows=2, cells=4)
    array([0, 1, 0, 0], dtype=int32)
    """
    from scipy.sparse import coo_array  # takes longer to import than most processes have use for it
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(row), np.int8), (row + cells, cell)), shape=(cells + rows,) * 2)
    label: np.ndarray = connected_components(graph, directed=False)[1][:cells]
    return label


@dataclass(frozen=True, eq=False)
class Grouping:
    """How cells that may vary hang together.

    Parameters
    ----------
    label
        Of each cell the number of its group; -1 for those that may not vary.
    size
        Of each group the number of cells that may vary, int64.
    tree
        Of each group, whether no rows go round in a circle.
    """

    label: np.ndarray
    size: np.ndarray
    tree: np.ndarray

    def holding(self, cells: np.ndarray) -> np.ndarray:
        """Give all cells of the groups that some cells are in, bool.

        Parameters
        ----------
        cells
            Which cells, bool; all of them may vary.
        """
        wanted = np.zeros(len(self.size) + 1, bool)  # the last one for -1
        wanted[self.label[cells]] = True
        return wanted[self.label]


def grouping(rows: Rows, free: np.ndarray) -> Grouping:
    """Group the cells that may vary.

    Examples
    --------
    A sum of two cells, of which the whole is known, and another cell:

    >>> from commonweal.disclosure.linear.relations import Kind, relations
    >>> from commonweal.disclosure.linear.rows import rows_of
    >>> found = grouping(rows_of(relations([(0, [1, 2], Kind.SUM)])), np.array([False, True, True, True]))
    >>> found.size[found.label[1:]], found.tree[found.label[1:]]
    (array([2, 2, 1]), array([ True,  True,  True]))
    """
    loose = free[rows.cell]
    row, cell = rows.row_of_member[loose], rows.cell[loose]
    label = groups(row, cell, len(rows.lower), len(free))
    size = np.bincount(label[free], minlength=label.max(initial=-1) + 1)
    of_row = np.full(len(rows.lower), -1)
    of_row[row] = label[cell]
    members = np.bincount(label[cell], minlength=len(size))
    tree = members == size + np.bincount(of_row[of_row >= 0], minlength=len(size)) - 1
    return Grouping(np.where(free, label, -1), size, tree | (members == 0))


def fixed_sums(rows: Rows, free: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Add up, in each row, what does not vary, int64.

    Raises
    ------
    Contradiction
        A sum is beyond 2^53.
    """
    fixed = ~free[rows.cell]
    sums = np.bincount(
        rows.row_of_member[fixed], (rows.sign * value[rows.cell])[fixed].astype(np.float64), minlength=len(rows.lower)
    )
    if len(sums) and np.abs(sums).max() >= 2**53:
        raise beyond_counting()
    return np.rint(sums).astype(np.int64)


def parts(rows: Rows, free: np.ndarray, value: np.ndarray, *, least: int = 1) -> Iterator[Part]:
    """Part the free cells; the others have the given values.

    Parameters
    ----------
    rows
        What holds between all cells.
    free
        Which cells may vary, bool.
    value
        Of the cells that may not, int64.
    least
        Groups are put together until they are so many cells.

    Raises
    ------
    Contradiction
        Sums of what does not vary are beyond 2^53.
    """
    if not free.any():
        return
    row_of, loose = rows.row_of_member, free[rows.cell]
    shift = fixed_sums(rows, free, value)
    lower = np.where(rows.lower <= -UNBOUNDED, -UNBOUNDED, rows.lower - shift)
    upper = np.where(rows.upper >= UNBOUNDED, UNBOUNDED, rows.upper - shift)

    row, cell, sign = row_of[loose], rows.cell[loose], rows.sign[loose]
    count = len(free)
    label = groups(row, cell, len(lower), count)
    cells = np.flatnonzero(free)
    if least > 1:
        size = np.bincount(label[cells], minlength=label.max(initial=-1) + 1)
        label = ((np.cumsum(size) - size) // least)[label]
    cells = cells[np.argsort(label[cells], kind="stable")]
    members = np.argsort(label[cell], kind="stable")  # row by row within each part, since rows are in order
    row, cell, sign = row[members], cell[members], sign[members]

    labels, starts = np.unique(label[cells], return_index=True)
    begins = np.searchsorted(label[cell], labels)
    ends = np.append(begins[1:], len(cell))
    place = np.empty(count, np.int64)
    for own, start, end in zip(np.split(cells, starts[1:]), begins, ends, strict=True):
        place[own] = np.arange(len(own))
        which, sizes = np.unique(row[start:end], return_counts=True)
        first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        yield Part(
            own,
            Rows(first, place[cell[start:end]], sign[start:end], lower[which], upper[which], rows.relation[which]),
            end - start == len(own) + len(which) - 1,
        )
