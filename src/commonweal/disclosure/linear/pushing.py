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

from typing import NamedTuple

import numba
import numpy as np

from commonweal.disclosure.linear.programme import holds
from commonweal.disclosure.linear.rows import UNBOUNDED, Rows
from commonweal.disclosure.linear.watching import look

STEPS, SCANNED = 300, 24
"""How many moves mend one push before it is given up, and among how many cells of a row the next is chosen."""
IDLE = 6
"""Tables in a row that show nothing new, after which no more are made."""


class _Graph(NamedTuple):
    """Rows by number and the rows that each cell is in, int64: what does not change."""

    first: np.ndarray
    cell: np.ndarray
    sign: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    begin: np.ndarray
    row_of: np.ndarray
    sign_of: np.ndarray


class _Scratch(NamedTuple):
    """What is noted of cells and rows while they are moved and mended."""

    last: np.ndarray  # in which turn each cell moved last
    way: np.ndarray  # which way
    before: np.ndarray  # from where
    moved: np.ndarray  # the cells that moved in this turn
    waiting: np.ndarray  # which rows wait to be mended
    queue: np.ndarray  # in what order


class _Table(NamedTuple):
    """A table, what its rows add up to, and how far its cells may move."""

    value: np.ndarray
    sums: np.ndarray
    low: np.ndarray
    high: np.ndarray


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
        self._scratch = _Scratch(
            last=np.zeros(cells, np.int64),
            way=np.zeros(cells, np.int64),
            before=np.zeros(cells, np.int64),
            moved=np.empty(cells, np.int64),
            waiting=np.zeros(len(rows.lower), np.bool_),
            queue=np.empty(len(rows.lower) + 1, np.int64),
        )
        order = np.argsort(rows.cell, kind="stable")
        begin = np.concatenate([[0], np.cumsum(np.bincount(rows.cell, minlength=cells))])
        sign = rows.sign.astype(np.int64)
        self._graph = _Graph(
            first=rows.first.astype(np.int64),
            cell=rows.cell.astype(np.int64),
            sign=sign,
            lower=rows.lower,
            upper=rows.upper,
            begin=begin.astype(np.int64),
            row_of=rows.row_of_member[order],
            sign_of=sign[order],
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
                found = _Table(table.copy(), sums.copy(), *moving)
                targets = cells[near][order]
                _push(targets, ends[near][order], up, self._graph, self._scratch, found, self._turns)
                self._turns += len(order)
                for bound, first in zip(moving, (low, high), strict=True):
                    bound[targets] = first[targets]
                if self._holds_too(low, high, found.value, table):
                    np.minimum(least, found.value, out=least)
                    np.maximum(most, found.value, out=most)
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
        sums = np.add.reduceat(rows.sign * found[rows.cell], rows.first[:-1]).astype(np.int64)
        fewest, idle = len(rows.lower) + 1, 0
        while idle < IDLE:
            self._turns += 1
            _mend(self._graph, self._scratch, _Table(found, sums, low, high), self._turns)
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
        begin, row_of = self._graph.begin, self._graph.row_of
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
def _broken(graph, row, activity):  # type: ignore[no-untyped-def]
    """By how much a row does not hold that adds up to so much."""
    if activity > graph.upper[row]:
        return activity - graph.upper[row]
    if activity < graph.lower[row]:
        return graph.lower[row] - activity
    return 0


@numba.njit(nogil=True, cache=True)
def _choose(graph, scratch, table, row, start, kept, turn):  # type: ignore[no-untyped-def]
    """The cell whose move mends a row and breaks others least, and by how much it moves; -1 if none can."""
    missing = _broken(graph, row, table.sums[row])
    need = 1 if table.sums[row] < graph.lower[row] else -1
    size, seen = graph.first[row + 1] - graph.first[row], 0
    best, best_step, best_cost = -1, 0, 0
    for offset in range(size):
        member = graph.first[row] + (start + offset) % size
        other, way = graph.cell[member], need * graph.sign[member]
        # Within one turn a cell goes one way only, so that it ends.
        if other == kept or (scratch.last[other] == turn and scratch.way[other] != way):
            continue
        room = table.high[other] - table.value[other] if way > 0 else table.value[other] - table.low[other]
        if room <= 0:
            continue
        step = min(room, missing) * way
        cost = -min(room, missing)
        for place in range(graph.begin[other], graph.begin[other + 1]):
            another = graph.row_of[place]
            if another != row:
                activity = table.sums[another]
                cost += _broken(graph, another, activity + graph.sign_of[place] * step)
                cost -= _broken(graph, another, activity)
        if best < 0 or cost < best_cost:
            best, best_step, best_cost = other, step, cost
            if cost <= -missing:
                break
        seen += 1
        if seen >= SCANNED:
            break
    return best, best_step


@numba.njit(nogil=True, cache=True)
def _move(graph, scratch, table, cell, step, turn, moved, tail):  # type: ignore[no-untyped-def]
    """Move one cell, and let the rows that it breaks wait; how many cells moved in this turn, and the queue's end."""
    if scratch.last[cell] != turn:
        scratch.last[cell], scratch.way[cell], scratch.before[cell] = turn, 1 if step > 0 else -1, table.value[cell]
        scratch.moved[moved] = cell
        moved += 1
    table.value[cell] += step
    for place in range(graph.begin[cell], graph.begin[cell + 1]):
        row = graph.row_of[place]
        table.sums[row] += graph.sign_of[place] * step
        if not scratch.waiting[row] and _broken(graph, row, table.sums[row]) > 0:
            scratch.waiting[row] = True
            scratch.queue[tail] = row
            tail = (tail + 1) % len(scratch.queue)
    return moved, tail


@numba.njit(nogil=True, cache=True)
def _mend_waiting(graph, scratch, table, kept, turn, moved, tail, steps, leave):  # type: ignore[no-untyped-def]
    """Mend the rows that wait, without one cell, in so many steps; how many cells moved, and whether all are mended.

    A row that no cell can mend is left broken, or ends it.
    """
    head, step_number, good = 0, 0, True
    while head != tail:
        row = scratch.queue[head]
        if _broken(graph, row, table.sums[row]) > 0:
            step_number += 1
            cell, step = _choose(graph, scratch, table, row, step_number * 104729 + turn, kept, turn)
            if cell >= 0 and step_number <= steps:
                moved, tail = _move(graph, scratch, table, cell, step, turn, moved, tail)
                continue
            good = False
            if step_number > steps or not leave:
                break
        scratch.waiting[row] = False
        head = (head + 1) % len(scratch.queue)
    while head != tail:
        scratch.waiting[scratch.queue[head]] = False
        head = (head + 1) % len(scratch.queue)
    return moved, good


@numba.njit(nogil=True, cache=True)
def _mend(graph, scratch, table, turn):  # type: ignore[no-untyped-def]
    """Mend all rows that do not hold; those that no cell can mend are left broken."""
    tail = 0
    for row in range(len(graph.lower)):
        if _broken(graph, row, table.sums[row]) > 0:
            scratch.waiting[row] = True
            scratch.queue[tail] = row
            tail += 1
    # What has no end may be raised for ever.
    _mend_waiting(graph, scratch, table, -1, turn, 0, tail, STEPS + 20 * len(graph.lower), True)


@numba.njit(nogil=True, cache=True)
def _push(targets, ends, upward, graph, scratch, table, turns):  # type: ignore[no-untyped-def]
    """Push each cell to its end, one after another; a push that cannot be mended is taken back."""
    for number in range(len(targets)):
        pushed, end, turn = targets[number], ends[number], turns + 1 + number
        if end < table.low[pushed] or end > table.high[pushed]:
            continue  # it had to move, and stay, elsewhere
        step, moved, good = end - table.value[pushed], 0, True
        if (step > 0) == upward and step != 0:
            moved, tail = _move(graph, scratch, table, pushed, step, turn, 0, 0)
            moved, good = _mend_waiting(graph, scratch, table, pushed, turn, moved, tail, STEPS, False)
        if not good:
            for place in range(moved):
                cell = scratch.moved[place]
                back = scratch.before[cell] - table.value[cell]
                table.value[cell] = scratch.before[cell]
                for at in range(graph.begin[cell], graph.begin[cell + 1]):
                    table.sums[graph.row_of[at]] += graph.sign_of[at] * back
        elif upward:
            table.low[pushed] = end  # and there it stays in this table
        else:
            table.high[pushed] = end
