"""The least suppression, exactly: one programme over whole numbers that holds a witness for every end of every range.

    minimise   Σ_j weight_j · z_j                                z_j = 1: the published cell j is hidden too
    such that  for every hidden cell i, two tables u and d that a reader cannot rule out, with  u_i − d_i ≥ need_i
               for every other cell j, two such tables as well, with  u_j − d_j ≥ need_j · z_j
               in each table every published j has its value, unless z_j = 1

Tables may move a hidden cell by up to `REACH` times the largest need.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from commonweal.disclosure.linear.programme import Infeasible, Programme, Unsolved
from commonweal.disclosure.linear.rows import UNBOUNDED, Rows

REACH = 3
SECONDS = 20.0
CUTS = 50


def short_rests(rows: Rows, value: np.ndarray, need: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Find equations whose hidden members stand all on one side and add up to fewer than their largest need + 1.

    The rest is a difference of published cells, so as many people must stand behind it as behind a cell.
    """
    if not len(rows.lower):
        return np.zeros(0, np.int64)
    inside = hidden[rows.cell]
    starts = rows.first[:-1]
    many = np.add.reduceat(inside.astype(np.int64), starts)
    side = np.abs(np.add.reduceat(inside * rows.sign.astype(np.int64), starts))
    people = np.add.reduceat(np.where(inside, value[rows.cell], 0), starts)
    of_hidden = np.maximum.reduceat(np.where(inside, need[rows.cell], 0), starts)
    most = np.where(of_hidden > 0, of_hidden, np.maximum.reduceat(need[rows.cell], starts))
    return np.flatnonzero((rows.lower == rows.upper) & (many > 0) & (side == many) & (people <= most))


def least_suppression(
    rows: Rows,
    value: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    need: np.ndarray,
    fixed: np.ndarray,
    weight: np.ndarray,
) -> np.ndarray | None:
    """Find the cells to hide of the least total weight.

    Parameters
    ----------
    rows, value, low, high, need, fixed, weight
        As in `suppression.Cells`, of one part.

    Returns
    -------
    numpy.ndarray or None
        Numbers of the cells; None if the solver found none, or not in time.
    """
    count = len(value)
    hidden = low < high
    open_ = np.flatnonzero(~hidden & ~fixed)
    need = np.where(hidden | ~fixed, need, 0)
    reach = REACH * int(need.max())
    ranged = np.flatnonzero(need > 0)
    tables = 2 * len(ranged)  # table 2i and 2i + 1 are the upper and the lower end of ranged[i]
    columns = len(open_) + tables * count

    def at(table: int, cell: Any) -> Any:
        """The column of a cell, or of several, in a table."""
        return len(open_) + table * count + cell

    least = np.where(hidden, low, np.where(fixed, value, np.maximum(value - reach, 0)))
    most = np.where(hidden, np.minimum(high, value + reach), np.where(fixed, value, value + reach))
    lower = np.concatenate([np.zeros(len(open_), np.int64), np.tile(least, tables)])
    upper = np.concatenate([np.ones(len(open_), np.int64), np.tile(most, tables)])

    lines = _Lines()
    for table in range(tables):
        for row in range(len(rows.lower)):
            members = slice(rows.first[row], rows.first[row + 1])
            lines.add(at(table, rows.cell[members]), rows.sign[members], rows.lower[row], rows.upper[row])
        for place, cell in enumerate(open_):  # x ≤ value + (most − value) · z,  x ≥ value − (value − least) · z
            own = [at(table, cell), place]
            lines.add(own, [1, value[cell] - most[cell]], -UNBOUNDED, value[cell])
            lines.add(own, [1, value[cell] - least[cell]], value[cell], UNBOUNDED)
    place_of = {int(cell): place for place, cell in enumerate(open_)}
    for number, cell in enumerate(ranged):
        ends = [at(2 * number, cell), at(2 * number + 1, cell)]
        if hidden[cell]:
            lines.add(ends, [1, -1], need[cell], UNBOUNDED)
        else:
            lines.add([*ends, place_of[int(cell)]], [1, -1, -need[cell]], 0, UNBOUNDED)

    costs = np.zeros(columns)
    costs[: len(open_)] = -weight[open_]
    for _ in range(CUTS):
        try:
            found = Programme(lines.rows(), lower, upper, seconds=SECONDS).extreme(costs, whole=True)
        except (Infeasible, Unsolved):
            return None
        if found is None:
            return None
        also = open_[found[: len(open_)] > 0.5]
        all_hidden = hidden.copy()
        all_hidden[also] = True
        short = short_rests(rows, value, need, all_hidden)
        if not len(short):
            return also
        for row in short:  # not just these of the equation's cells
            cells = rows.cell[rows.first[row] : rows.first[row + 1]]
            own = [place_of[int(cell)] for cell in cells if int(cell) in place_of]
            chosen = [place for place in own if found[place] > 0.5]
            signs = [-1 if place in chosen else 1 for place in own]
            lines.add(own, signs, 1 - len(chosen), UNBOUNDED)
    return None


class _Lines:
    """Rows, one after another."""

    def __init__(self) -> None:
        self.lines: list[tuple[Any, Any, Any, Any]] = []

    def add(self, cells: Any, signs: Any, lower: Any, upper: Any) -> None:
        self.lines.append((cells, signs, lower, upper))

    def rows(self) -> Rows:
        cells, signs, lower, upper = zip(*self.lines, strict=True)
        return Rows(
            np.concatenate([[0], np.cumsum([len(own) for own in cells])]).astype(np.int64),
            np.concatenate([np.asarray(own, np.int64) for own in cells]),
            np.concatenate([np.asarray(own, np.int64) for own in signs]),
            np.array(lower, np.int64),
            np.array(upper, np.int64),
            np.zeros(len(lower), np.int64),
        )
