"""Which cells may have to change for one to move: those of the rows that it would break, and so on."""

from __future__ import annotations

import numba
import numpy as np

from commonweal.disclosure.linear.rows import UNBOUNDED, Rows

PER_ROW = 16
"""So many hidden cells of a row that breaks are taken to mend it, and as many that would have to be hidden."""


class Needing:
    """The graph of cells and rows, to be followed from a cell that is to move.

    Parameters
    ----------
    rows
        What holds between all cells.
    value
        Their true values: the rows hold.
    weight
        What is lost by hiding each.
    """

    def __init__(self, rows: Rows, value: np.ndarray, weight: np.ndarray) -> None:
        self.value, self.weight = value, weight
        order = np.argsort(rows.cell, kind="stable")
        sign = rows.sign.astype(np.int64)
        sums = np.bincount(rows.row_of_member, sign * value[rows.cell], len(rows.lower)).astype(np.int64)
        self._graph = (
            rows.first,
            rows.cell,
            sign,
            np.where(rows.lower <= -UNBOUNDED, UNBOUNDED, sums - rows.lower),  # how far each may fall
            np.where(rows.upper >= UNBOUNDED, UNBOUNDED, rows.upper - sums),  # and rise
            np.concatenate([[0], np.cumsum(np.bincount(rows.cell, minlength=len(value)))]).astype(np.int64),
            rows.row_of_member[order],
            sign[order],
        )

    def cells(
        self, start: int, step: int, low: np.ndarray, high: np.ndarray, fixed: np.ndarray, most: int
    ) -> np.ndarray:
        """Give the cells that may have to change, in order of their numbers.

        Parameters
        ----------
        start, step
            The cell, and by how much it is to move.
        low, high
            What a reader knows of each cell.
        fixed
            Which cells cannot be hidden.
        most
            How many to give at most.
        """
        # A row may be mended by several, so that each moves less; none has to move farther.
        return np.unique(_needed(start, step, *self._graph, self.value, low, high, fixed, self.weight, most, PER_ROW))


@numba.njit(nogil=True, cache=True)
def _needed(  # type: ignore[no-untyped-def]
    start, step, first, cell, sign, fall, rise, begin, row_of, sign_of, value, low, high, fixed, weight, most, per_row
):
    found = np.empty(most, np.int64)
    way = np.empty(most, np.int64)
    seen = set()
    found[0], way[0] = start, 1 if step > 0 else -1
    seen.add((start, way[0]))
    many, next_, far = 1, 0, abs(step)
    cheap, price = np.empty(per_row, np.int64), np.empty(per_row, np.float64)
    while next_ < many and many < most:
        moving, upward = found[next_], way[next_]
        next_ += 1
        for place in range(begin[moving], begin[moving + 1]):
            row, turn = row_of[place], sign_of[place] * upward
            if far <= (rise[row] if turn > 0 else fall[row]):
                continue
            size, taken, cheaper = first[row + 1] - first[row], 0, 0
            for offset in range(size):
                member = first[row] + (moving + offset) % size
                other, direction = cell[member], -turn * sign[member]
                if other == start or (other, direction) in seen:
                    continue
                if low[other] < high[other]:
                    if taken < per_row and (value[other] < high[other] if direction > 0 else value[other] > low[other]):
                        if many == most:
                            return found
                        seen.add((other, direction))
                        found[many], way[many] = other, direction
                        many += 1
                        taken += 1
                elif not fixed[other] and (direction > 0 or value[other] > 0):
                    # The cheapest of those that would have to be hidden, in order.
                    at = cheaper if cheaper < per_row else per_row - 1
                    if cheaper == per_row and price[at] <= weight[other]:
                        continue
                    while at > 0 and price[at - 1] > weight[other]:
                        cheap[at], price[at] = cheap[at - 1], price[at - 1]
                        at -= 1
                    cheap[at], price[at] = other, weight[other]
                    cheaper = min(cheaper + 1, per_row)
            for number in range(cheaper):
                if many == most:
                    return found
                other = cheap[number]
                direction = 0
                for member in range(first[row], first[row + 1]):
                    if cell[member] == other:
                        direction = -turn * sign[member]
                seen.add((other, direction))
                found[many], way[many] = other, direction
                many += 1
    return found[:many]
