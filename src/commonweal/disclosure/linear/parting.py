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


def parts(rows: Rows, free: np.ndarray, value: np.ndarray) -> Iterator[Part]:
    """Part the free cells; the others have the given values.

    Parameters
    ----------
    rows
        What holds between all cells.
    free
        Which cells may vary, bool.
    value
        Of the cells that may not, int64.

    Raises
    ------
    Contradiction
        Sums of what does not vary are beyond 2^53.
    """
    if not free.any():
        return
    row_of, loose = rows.row_of_member, free[rows.cell]
    fixed = np.bincount(
        row_of[~loose], (rows.sign * value[rows.cell])[~loose].astype(np.float64), minlength=len(rows.lower)
    )
    if len(fixed) and np.abs(fixed).max() >= 2**53:
        raise beyond_counting()
    shift = np.rint(fixed).astype(np.int64)
    lower = np.where(rows.lower <= -UNBOUNDED, -UNBOUNDED, rows.lower - shift)
    upper = np.where(rows.upper >= UNBOUNDED, UNBOUNDED, rows.upper - shift)

    row, cell, sign = row_of[loose], rows.cell[loose], rows.sign[loose]
    count = len(free)
    label = groups(row, cell, len(lower), count)
    cells = np.flatnonzero(free)
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
