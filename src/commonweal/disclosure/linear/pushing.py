"""Tables that a reader cannot rule out, found by following rows instead of solving programmes.

A hidden cell is pushed to an end of its range; a row that breaks is mended by moving another hidden cell of it, the one
that breaks least, and so on until all rows hold again or the push is given up. Many pushes build on one another in one
table, so that it shows for many cells at once what they may be. Where unions are all there is, every cell can be at its
greatest in one table; sums let few of their parts be so at once, and need more tables.

Nothing rests on a push having gone well: what counts is the table at the end, and it is checked against every row. A
push that was given up says nothing.

Source: ejection chains, F. Glover, *Ejection chains, reference structures and alternating path methods for traveling
salesman problems*, Discrete Applied Mathematics 65 (1996), for mending one move by the next.
"""

from __future__ import annotations

import numba
import numpy as np

from commonweal.disclosure.linear.programme import holds
from commonweal.disclosure.linear.rows import UNBOUNDED, Rows
from commonweal.disclosure.linear.watching import look

STEPS, SCANNED = 300, 24
"""How many moves mend one push before it is given up, and among how many cells of a row the next is chosen."""
IDLE = 6
"""Tables in a row that show nothing new, after which no more are made."""


class Pushing:
    """Pushes cells of one set of rows.

    Parameters
    ----------
    rows
        What holds between cells numbered from 0.
    cells
        How many there are.
    """

    def __init__(self, rows: Rows, cells: int) -> None:
        self.rows = rows
        self._turns = 0
        self._scratch = (
            np.zeros(cells, np.int64),  # when each cell moved last
            np.zeros(cells, np.int64),  # which way
            np.zeros(cells, np.int64),  # from where
            np.empty(cells, np.int64),  # the cells that moved
            np.zeros(len(rows.lower), np.bool_),  # which rows wait to be mended
            np.empty(len(rows.lower) + 1, np.int64),  # in what order
        )
        order = np.argsort(rows.cell, kind="stable")
        begin = np.concatenate([[0], np.cumsum(np.bincount(rows.cell, minlength=cells))]).astype(np.int64)
        sign = rows.sign.astype(np.int64)
        self._graph = (
            rows.first.astype(np.int64),
            rows.cell.astype(np.int64),
            sign,
            rows.lower,
            rows.upper,
            begin,
            rows.row_of_member[order],
            sign[order],
        )

    def settle(
        self,
        low: np.ndarray,
        high: np.ndarray,
        table: np.ndarray,
        witnessed: tuple[np.ndarray, np.ndarray],
        enough: np.ndarray,
        which: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Widen what is witnessed until it is wide enough, or no further table is found.

        Parameters
        ----------
        low, high
            Bounds of each cell, int64; ``high`` may be `UNBOUNDED`.
        table
            A table that is possible.
        witnessed
            Least and greatest value of each cell in tables that were found possible before.
        enough
            For each cell a width that need not be exceeded; `UNBOUNDED` to look for both ends.
        which
            Numbers of the cells that matter; all by default.

        Returns
        -------
        least, most
            Of each cell in tables that are possible, those that were found before included.
        """
        least, most = np.minimum(witnessed[0], table), np.maximum(witnessed[1], table)
        if not len(self.rows.lower):
            return least, most
        which = np.arange(len(low)) if which is None else which
        which = which[low[which] < high[which]]
        assert holds(self.rows, low, high, table)
        sums = np.add.reduceat(self.rows.sign * table[self.rows.cell], self.rows.first[:-1])
        moving = low.copy(), high.copy()
        chance, idle, number = np.random.default_rng(0), 0, 0
        open_ = which[_open(which, low, high, least, most, enough)]
        while len(open_) and idle < IDLE:
            up = number % 2 == 0
            cells = open_[most[open_] < high[open_]] if up else open_[least[open_] > low[open_]]
            ends = (
                np.minimum(high[cells], least[cells] + enough[cells])
                if up
                else np.maximum(low[cells], most[cells] - enough[cells])
            )
            near = ends < UNBOUNDED
            order = chance.permutation(int(near.sum()))
            before = len(open_)
            if len(order):
                found = table.copy()
                targets = cells[near][order]
                _push(
                    targets,
                    ends[near][order],
                    up,
                    *self._graph,
                    *self._scratch,
                    found,
                    sums.copy(),
                    *moving,
                    self._turns,
                )
                self._turns += len(order)
                for bound, first in zip(moving, (low, high), strict=True):
                    bound[targets] = first[targets]
                if self._holds_too(low, high, found, table):
                    np.minimum(least, found, out=least)
                    np.maximum(most, found, out=most)
                open_ = open_[_open(open_, low, high, least, most, enough)]
                look()
            number += 1
            idle = 0 if len(open_) < before else idle + 1
        return least, most

    def mended(self, low: np.ndarray, high: np.ndarray, table: np.ndarray) -> np.ndarray | None:
        """Make a table possible that is not, by mending every row that it breaks; None if that was given up.

        Parameters
        ----------
        low, high
            Bounds of each cell, int64.
        table
            Whole numbers within these bounds.
        """
        found, rows = table.copy(), self.rows
        if not len(rows.lower):
            return found
        last, way, *_, waiting, queue = self._scratch
        sums = np.add.reduceat(rows.sign * found[rows.cell], rows.first[:-1]).astype(np.int64)
        fewest, idle = len(rows.lower) + 1, 0
        while idle < IDLE:
            self._turns += 1
            _mend(*self._graph, last, way, waiting, queue, found, sums, low, high, self._turns)
            look()
            broken = int(((sums < rows.lower) | (sums > rows.upper)).sum())
            if not broken:
                return found if holds(rows, low, high, found) else None
            fewest, idle = min(fewest, broken), 0 if broken < fewest else idle + 1
        return None

    def _holds_too(self, low: np.ndarray, high: np.ndarray, table: np.ndarray, other: np.ndarray) -> bool:
        """Say whether a table keeps to bounds and rows, given that another does."""
        changed = np.flatnonzero(table != other)
        if len(changed) * 8 > len(table):
            return holds(self.rows, low, high, table)
        begin, row_of = self._graph[5], self._graph[6]
        sizes = begin[changed + 1] - begin[changed]
        places = np.repeat(begin[changed] - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
        return holds(self.rows.taken(np.unique(row_of[places])), low, high, table)


def _open(
    which: np.ndarray, low: np.ndarray, high: np.ndarray, least: np.ndarray, most: np.ndarray, enough: np.ndarray
) -> np.ndarray:
    """Of which of some cells the range is not known yet, nor wide enough."""
    low, high, least, most = low[which], high[which], least[which], most[which]
    return ((least > low) | (most < high)) & (most - least < enough[which])


@numba.njit(nogil=True, cache=True)
def _broken(activity, lower, upper):  # type: ignore[no-untyped-def]
    """By how much a row does not hold."""
    if activity > upper:
        return activity - upper
    if activity < lower:
        return lower - activity
    return 0


@numba.njit(nogil=True, cache=True)
def _mending(  # type: ignore[no-untyped-def]
    row, start, pushed, turn, first, cell, sign, lower, upper, begin, row_of, sign_of, value, sums, low, high, last, way
):
    """The cell whose move mends a row and breaks others least, and by how much it moves; -1 if none can."""
    missing = _broken(sums[row], lower[row], upper[row])
    need = 1 if sums[row] < lower[row] else -1
    size, seen = first[row + 1] - first[row], 0
    best, best_step, best_cost = -1, 0, 0
    for offset in range(size):
        member = first[row] + (start + offset) % size
        other, step_way = cell[member], need * sign[member]
        # Within one push a cell goes one way only, so that it ends.
        if other == pushed or (last[other] == turn and way[other] != step_way):
            continue
        room = high[other] - value[other] if step_way > 0 else value[other] - low[other]
        if room <= 0:
            continue
        step = min(room, missing) * step_way
        cost = -min(room, missing)
        for place in range(begin[other], begin[other + 1]):
            another = row_of[place]
            if another != row:
                after = _broken(sums[another] + sign_of[place] * step, lower[another], upper[another])
                cost += after - _broken(sums[another], lower[another], upper[another])
        if best < 0 or cost < best_cost:
            best, best_step, best_cost = other, step, cost
            if cost <= -missing:
                break
        seen += 1
        if seen >= SCANNED:
            break
    return best, best_step


@numba.njit(nogil=True, cache=True)
def _mend(  # type: ignore[no-untyped-def]
    first, cell, sign, lower, upper, begin, row_of, sign_of, last, way, waiting, queue, value, sums, low, high, turn
):
    """Mend rows one after another, in `value`; those that no cell can mend are left broken."""
    rows = len(lower)
    head, tail = 0, 0
    for row in range(rows):
        if _broken(sums[row], lower[row], upper[row]) > 0:
            waiting[row] = True
            queue[tail] = row
            tail += 1
    steps = 0
    while head != tail:
        row = queue[head]
        head = (head + 1) % (rows + 1)
        waiting[row] = False
        while _broken(sums[row], lower[row], upper[row]) > 0:
            steps += 1
            moving, step = _mending(
                row,
                steps * 104729 + turn,
                -1,
                turn,
                first,
                cell,
                sign,
                lower,
                upper,
                begin,
                row_of,
                sign_of,
                value,
                sums,
                low,
                high,
                last,
                way,
            )
            if moving < 0:
                break
            if steps > STEPS + 20 * rows:  # what has no end may be raised for ever
                while head != tail:
                    waiting[queue[head]] = False
                    head = (head + 1) % (rows + 1)
                return
            last[moving], way[moving] = turn, 1 if step > 0 else -1
            value[moving] += step
            for place in range(begin[moving], begin[moving + 1]):
                other = row_of[place]
                sums[other] += sign_of[place] * step
                if other != row and not waiting[other] and _broken(sums[other], lower[other], upper[other]) > 0:
                    waiting[other] = True
                    queue[tail] = other
                    tail = (tail + 1) % (rows + 1)


@numba.njit(nogil=True, cache=True)
def _push(  # type: ignore[no-untyped-def]
    targets,
    ends,
    upward,
    first,
    cell,
    sign,
    lower,
    upper,
    begin,
    row_of,
    sign_of,
    last,
    way,
    before,
    moved,
    waiting,
    queue,
    value,
    sums,
    low,
    high,
    turns,
):
    """Push each cell to its end, one after another, in `value`; a push that cannot be mended is taken back."""
    cells, rows = len(value), len(lower)
    for turn in range(turns + 1, turns + len(targets) + 1):
        pushed, end = targets[turn - turns - 1], ends[turn - turns - 1]
        if end < low[pushed] or end > high[pushed]:
            continue  # it had to move, and stay, elsewhere
        many, head, tail, steps, good = 0, 0, 0, 0, True
        there = value[pushed] >= end if upward else value[pushed] <= end
        moving, step = pushed, 0 if there else end - value[pushed]
        while True:
            if step != 0:
                if last[moving] != turn:
                    last[moving], way[moving], before[moving] = turn, 1 if step > 0 else -1, value[moving]
                    moved[many] = moving
                    many += 1
                value[moving] += step
                for place in range(begin[moving], begin[moving + 1]):
                    row = row_of[place]
                    sums[row] += sign_of[place] * step
                    if not waiting[row] and _broken(sums[row], lower[row], upper[row]) > 0:
                        waiting[row] = True
                        queue[tail] = row
                        tail = (tail + 1) % (rows + 1)
            while head != tail and _broken(sums[queue[head]], lower[queue[head]], upper[queue[head]]) == 0:
                waiting[queue[head]] = False
                head = (head + 1) % (rows + 1)
            if head == tail:
                break
            steps += 1
            moving, step = _mending(
                queue[head],
                (steps * 104729 + turn) % cells,
                pushed,
                turn,
                first,
                cell,
                sign,
                lower,
                upper,
                begin,
                row_of,
                sign_of,
                value,
                sums,
                low,
                high,
                last,
                way,
            )
            if moving < 0 or steps > STEPS:
                good = False
                break
        while head != tail:
            waiting[queue[head]] = False
            head = (head + 1) % (rows + 1)
        if not good:
            for place in range(many):
                other = moved[place]
                step, value[other] = before[other] - value[other], before[other]
                for at in range(begin[other], begin[other + 1]):
                    sums[row_of[at]] += sign_of[at] * step
        elif upward:
            low[pushed] = end  # and there it stays in this table
        else:
            high[pushed] = end
