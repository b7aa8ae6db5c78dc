"""The cheapest change of published cells that sends a hidden one to where it could be."""

from __future__ import annotations

import numpy as np

from commonweal.disclosure.linear.programme import Infeasible, Programme, as_whole
from commonweal.disclosure.linear.rows import UNBOUNDED, Rows

LITTLE = 1e-6
"""Cost of moving what is hidden anyway, so that nothing moves without need."""


class Change:
    """Tables near the true one, over some cells: x = value + up − down.

    Parameters
    ----------
    cells
        Numbers of the cells in the whole.
    rows
        What holds between them, numbered from 0.
    value
        Their true values.
    once
        Whether but one cell is sent, and not over whole numbers.
    """

    def __init__(self, cells: np.ndarray, rows: Rows, value: np.ndarray, *, once: bool = False) -> None:
        self.cells, self.rows, self.value = cells, rows, value
        self._place = {int(cell): place for place, cell in enumerate(cells)}
        count = len(cells)
        self._low, self._high, rows = _without_single(rows, count)
        sums = np.bincount(rows.row_of_member, rows.sign * value[rows.cell], len(rows.lower)).astype(np.int64)
        # Cell i goes up by column i and down by column count + i.
        order = np.argsort(np.concatenate([rows.row_of_member, rows.row_of_member]), kind="stable")
        doubled = Rows(
            np.concatenate([[0], np.cumsum(2 * np.diff(rows.first))]),
            np.concatenate([rows.cell, rows.cell + count])[order],
            np.concatenate([rows.sign, -rows.sign])[order],
            np.where(rows.lower <= -UNBOUNDED, -UNBOUNDED, rows.lower - sums),
            np.where(rows.upper >= UNBOUNDED, UNBOUNDED, rows.upper - sums),
            rows.relation,
        )
        nothing = np.zeros(2 * count, np.int64)
        self._programme = Programme(doubled, nothing, nothing, once=once)

    def __contains__(self, cell: int) -> bool:
        return cell in self._place

    def cheapest(
        self,
        cell: int,
        end: int,
        low: np.ndarray,
        high: np.ndarray,
        free: np.ndarray,
        weight: np.ndarray,
        *,
        whole: bool,
    ) -> tuple[np.ndarray | None, np.ndarray]:
        """Send a cell to an end.

        Parameters
        ----------
        cell, end
            Which, and the value it shall have.
        low, high
            What a reader knows of each cell.
        free
            Published cells that may be hidden, and then be anything from 0.
        weight
            What is lost by hiding one.
        whole
            Whether to look for whole numbers from the start.

        Returns
        -------
        table, changed
            The table if it is one of whole numbers, and the places of the published cells that changed.

        Raises
        ------
        Infeasible
            No change of these cells does it.
        """
        count, place = len(self.cells), self._place[cell]
        hidden = low < high
        up = np.where(free | (high >= UNBOUNDED), self._high, np.minimum(high, self._high)) - self.value
        down = self.value - np.where(free, self._low, np.maximum(low, self._low))
        up[up >= UNBOUNDED - np.abs(self.value)] = UNBOUNDED
        self._programme.bound(np.arange(2 * count), np.zeros(2 * count, np.int64), np.concatenate([up, down]))
        move = end - int(self.value[place])
        if move > up[place] or -move > down[place]:
            raise Infeasible("no table is possible")
        exactly = np.array([max(move, 0), max(-move, 0)])
        self._programme.bound(np.array([place, count + place]), exactly, exactly)
        found = self._programme.extreme(-np.tile(np.where(hidden, 0.0, weight) + LITTLE, 2), whole=whole)
        assert found is not None
        moved = found[:count] - found[count:]
        changed = np.flatnonzero((np.abs(moved) > LITTLE) & ~hidden)
        low, high = low.copy(), high.copy()
        low[changed], high[changed] = 0, UNBOUNDED
        return as_whole(self.rows, low, high, self.value + moved), changed


def _without_single(rows: Rows, count: int) -> tuple[np.ndarray, np.ndarray, Rows]:
    """Turn rows of one cell into bounds, from 0: where most cells stay, most rows are of one that does not."""
    low, high = np.zeros(count, np.int64), np.full(count, UNBOUNDED)
    single = np.diff(rows.first) == 1
    at = rows.first[:-1][single]
    cell, rises = rows.cell[at], rows.sign[at] > 0
    lower, upper = rows.lower[single], rows.upper[single]
    np.maximum.at(low, cell, np.where(rises, lower, -upper))
    np.minimum.at(high, cell, np.where(rises, upper, -lower))
    return low, high, rows.taken(np.flatnonzero(np.diff(rows.first) > 1))
