"""The audit: between what whole numbers each hidden cell must lie, given all that is published.

What follows row by row is taken first; where rows do not go round in circles that is all there is. Elsewhere tables
are looked for that the reader cannot rule out: each is a *witness*, which shows for every cell at once a value that it
may have. First cells are pushed to their ends and rows mended (`pushing`), then linear programmes are solved, whose
solutions in whole numbers are witnesses too. Only a cell whose range is not witnessed gets programmes of its own, and
where their bounds are no whole table's, one over whole numbers: linear bounds may be wider than those over whole
numbers, so by themselves they prove a leak, never safety.

Source: M. Fischetti and J. J. Salazar, *Solving the cell suppression problem on tabular data with linear constraints*,
Management Science 47 (2001), for the attacker's programmes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from commonweal.disclosure.linear.contradiction import contradiction
from commonweal.disclosure.linear.parting import Part, fixed_sums, grouping, parts
from commonweal.disclosure.linear.programme import Infeasible, Programme, as_whole
from commonweal.disclosure.linear.pushing import Pushing
from commonweal.disclosure.linear.rows import SETTLED, UNBOUNDED, Rows, binding, tighten

LOOK_BACK, WORTH = 6, 8
"""Programmes about all cells at once are given up when the last six of them settled fewer than eight cells each."""


@dataclass(frozen=True, eq=False)
class Bounds:
    """Bounds on each cell, int64.

    Parameters
    ----------
    low, high
        What follows: no possible table has less or more. ``high`` is `UNBOUNDED` where there is no end.
    least, most
        What is witnessed: possible tables have these values. Equal to `low` and `high` unless it was enough that they
        lie far enough apart.
    solved
        How many linear programmes were solved, and how many over whole numbers.
    """

    low: np.ndarray
    high: np.ndarray
    least: np.ndarray
    most: np.ndarray
    solved: tuple[int, int]

    @property
    def width(self) -> np.ndarray:
        """How far the witnessed values lie apart."""
        return self.most - self.least


def bounds(
    rows: Rows,
    low: np.ndarray,
    high: np.ndarray,
    *,
    enough: np.ndarray | None = None,
    table: np.ndarray | None = None,
    witnessed: tuple[np.ndarray, np.ndarray] | None = None,
    largest: int | None = None,
) -> Bounds:
    """Bound every cell over the tables of whole numbers that keep to bounds and rows.

    Parameters
    ----------
    rows
        What holds between cells.
    low, high
        What the reader knows of each cell, int64: equal for a published one; ``high`` may be `UNBOUNDED`.
    enough
        For each cell a width at which its bounds need not be known any better, int64.
    table
        A table that is possible, such as the true one: a witness.
    witnessed
        Least and greatest value of each cell in tables that were found possible before.
    largest
        Number of cells that hang together, above which no linear programme about all of them is solved. Then what is
        witnessed may be less than what is possible, which is the safe side.

    Raises
    ------
    Contradiction
        There is no such table.

    Examples
    --------
    A whole of 20, and two parts of which one is known to be at most 14:

    >>> from commonweal.disclosure.linear.relations import Kind, relations
    >>> from commonweal.disclosure.linear.rows import rows_of
    >>> found = bounds(rows_of(relations([(0, [1, 2], Kind.SUM)])), np.array([20, 0, 0]), np.array([20, 14, UNBOUNDED]))
    >>> found.low, found.high
    (array([20,  0,  6]), array([20, 14, 20]))
    """
    low, high = low.astype(np.int64), high.astype(np.int64)
    broken = tighten(rows, low, high)
    if broken >= 0:
        raise contradiction(int(rows.relation[broken]))
    rows = binding(rows, low, high)
    fixed_sums(rows, low < high, low)  # none is too large to be reasoned about
    group = grouping(rows, low < high)
    least, most = low.copy(), high.copy()
    solved = np.zeros(2, np.int64)
    left = group.label >= 0
    if broken == SETTLED:
        left &= ~group.tree[group.label]
    wanted = np.full(len(low), UNBOUNDED) if enough is None else enough
    if witnessed is None and table is not None:
        witnessed = (table, table)
    if witnessed is not None:
        its_own = np.flatnonzero(left)
        if table is not None:
            # What cannot be wide enough is not looked for; what is too narrow, its own programmes measure.
            hopeful = its_own[(enough is None) | (high[its_own] - low[its_own] >= wanted[its_own])]
            witnessed = Pushing(rows, len(low)).settle(low, high, table, witnessed, wanted, hopeful)
        least[left], most[left] = witnessed[0][left], witnessed[1][left]
        left &= (most - least < wanted) & ((least > low) | (most < high))
        if largest is not None:
            left &= group.size[group.label] <= largest
    for part in parts(rows, group.holding(left), low):
        own = part.cells
        try:
            least[own], most[own], low[own], high[own], tries = _Range(
                part,
                low[own],
                high[own],
                None if enough is None else enough[own],
                None if witnessed is None else (witnessed[0][own], witnessed[1][own]),
            ).find()
        except Infeasible as error:
            raise contradiction(int(part.rows.relation[0])) from error
        solved += tries
    return Bounds(low, high, least, most, (int(solved[0]), int(solved[1])))


class _Range:
    """The range of every cell of a part."""

    def __init__(
        self,
        part: Part,
        low: np.ndarray,
        high: np.ndarray,
        enough: np.ndarray | None,
        witnessed: tuple[np.ndarray, np.ndarray] | None,
    ) -> None:
        self.rows, self.low, self.high = part.rows, low.copy(), high.copy()
        self.enough = np.full(len(low), UNBOUNDED) if enough is None else enough
        self.programme = Programme(part.rows, low, high)
        self.tries = np.zeros(2, np.int64)
        if witnessed is None:
            first = self._any()
            witnessed = Pushing(part.rows, len(low)).settle(low, high, first, (first, first), self.enough)
        self.least, self.most = witnessed[0].copy(), witnessed[1].copy()

    def find(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        self._all_at_once()
        for cell in self._order():
            for way in (1.0, -1.0):
                self._one(int(cell), way)
        return self.least, self.most, self.low, self.high, self.tries

    def _any(self) -> np.ndarray:
        """Find a table: an end of the linear programme, which is whole most often, is found much faster."""
        solution = self.programme.extreme({})
        self.tries[0] += 1
        table = None if solution is None else as_whole(self.rows, self.low, self.high, solution)
        table = self._whole({}) if table is None else table
        if table is None:
            raise Infeasible("no table is possible")
        return table

    def _open(self) -> np.ndarray:
        """The cells whose range is neither known nor wide enough."""
        known = (self.least == self.low) & (self.most == self.high)
        return ~known & (self.most - self.least < self.enough)

    def _order(self) -> Iterator[int]:
        for cell in range(len(self.low)):
            if self._open()[cell]:
                yield cell

    def _all_at_once(self) -> None:
        """Send all cells up or down at once, by lot; tables that come out witness ranges."""
        chance = np.random.default_rng(0)
        # No further than is asked for, so that there is an end.
        room = np.minimum(self.high, self.most + np.minimum(self.enough, 10 + self.most))
        everything = np.arange(len(self.low))
        self.programme.bound(everything, self.low, room)
        settled = [int(self._open().sum())]
        while len(settled) <= LOOK_BACK or settled[-LOOK_BACK - 1] - settled[-1] >= LOOK_BACK * WORTH:
            up, down = self._open() & (self.most < self.high), self._open() & (self.least > self.low)
            way = 1.0 if up.sum() >= down.sum() else -1.0
            wanted = up if way > 0 else down
            if not wanted.any():
                break
            self._try(np.where(wanted, way * chance.uniform(0.5, 1.0, len(wanted)), 0.0))
            settled.append(int(self._open().sum()))
        self.programme.bound(everything, self.low, self.high)

    def _one(self, cell: int, way: float) -> None:
        """Find how far a cell can go."""
        if not self._open()[cell] or (
            self.most[cell] == self.high[cell] if way > 0 else self.least[cell] == self.low[cell]
        ):
            return
        solution = self._try({cell: way}, bounded=way < 0 or self.high[cell] < UNBOUNDED)
        if solution is None:
            self.most[cell] = UNBOUNDED
            return
        end = np.floor(solution[cell] + 1e-6) if way > 0 else np.ceil(solution[cell] - 1e-6)
        self._limit(cell, way, int(end))
        if (self.most[cell] if way > 0 else self.least[cell]) != end:
            whole = self._whole({cell: way})
            assert whole is not None
            self._limit(cell, way, int(whole[cell]))

    def _limit(self, cell: int, way: float, end: int) -> None:
        if way > 0:
            self.high[cell] = min(self.high[cell], end)
        else:
            self.low[cell] = max(self.low[cell], end)
        one = np.array([cell])
        self.programme.bound(one, self.low[one], self.high[one])

    def _try(self, costs: dict[int, float] | np.ndarray, *, bounded: bool = False) -> np.ndarray | None:
        self.tries[0] += 1
        solution = self.programme.extreme(costs, bounded=bounded)
        if solution is not None:
            table = as_whole(self.rows, self.low, self.high, solution)
            if table is not None:
                self._witness(table)
        return solution

    def _whole(self, costs: dict[int, float]) -> np.ndarray | None:
        self.tries[1] += 1
        solution = self.programme.extreme(costs, whole=True)
        table = None if solution is None else as_whole(self.rows, self.low, self.high, solution)
        if table is not None and hasattr(self, "least"):
            self._witness(table)
        return table

    def _witness(self, table: np.ndarray) -> None:
        np.minimum(self.least, table, out=self.least)
        np.maximum(self.most, table, out=self.most)
