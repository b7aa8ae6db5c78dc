"""Hiding more, so that what is hidden cannot be worked out: complementary suppression, over all that is published at once.

Given the cells that are hidden for being small, find others to hide, of the least total weight, such that every hidden
cell may still have values that lie `need` apart, over whole-number tables that the reader cannot rule out.

The reader is taken to know which cells were hidden for being small, so these lie from 0 to k − 1; of a cell that was
hidden to protect others, they know nothing. Small parts are solved exactly, as one programme over whole numbers
(`exact`). In others each cell that is not protected yet is sent to the end of its range by the cheapest change of
published cells, a linear programme, and the cells that had to change are hidden; then the audit is done again, until it
finds nothing.

Source: J. P. Kelly, B. L. Golden, A. A. Assad, *Cell suppression: disclosure protection for sensitive tabular data*,
Networks 22 (1992), for protecting one cell after another; M. Fischetti and J. J. Salazar, Management Science 47 (2001),
for the exact model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from commonweal.core.errors import Refused
from commonweal.disclosure.linear.bounds import Bounds, bounds
from commonweal.disclosure.linear.exact import least_suppression
from commonweal.disclosure.linear.parting import Part, parts
from commonweal.disclosure.linear.programme import Infeasible, Programme, as_whole
from commonweal.disclosure.linear.relations import Kind, Relations, joined, relations
from commonweal.disclosure.linear.rows import UNBOUNDED, Rows, rows_of

SMALL = 24
"""Cells up to which a part is solved exactly."""
ROUNDS = 40


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells before they are published together, and what a reader knows already.

    Parameters
    ----------
    value
        The truth, int64, shape (n,).
    low, high
        What a reader knows if no more is hidden: equal to the value for a cell that is to be published; 0 and k − 1 for
        one that is too small; the bucket of a rounded total.
    need
        How far apart the values must lie that a hidden cell may have, also if it is hidden later; 0: no matter.
    fixed
        Cells that were published before, so that hiding them hides nothing.
    weight
        What is lost by hiding a cell.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    need: np.ndarray
    fixed: np.ndarray
    weight: np.ndarray

    @property
    def hidden(self) -> np.ndarray:
        """Which are hidden from the start."""
        return self.low < self.high

    def extended(self, more: Cells) -> Cells:
        """Put other cells behind these."""
        return Cells(*(np.concatenate([own, other]) for own, other in zip(vars(self).values(), vars(more).values(), strict=True)))


@dataclass(frozen=True, eq=False)
class Suppression:
    """What is to be hidden, and how it was found.

    Parameters
    ----------
    hidden
        All that is not to be published, bool, shape (n,).
    bounds
        The audit of what is left.
    exact, heuristic
        How many parts that needed more to be hidden were solved exactly, and how many by heuristic.
    """

    hidden: np.ndarray
    bounds: Bounds
    exact: int
    heuristic: int


def counts(
    value: np.ndarray, k: int, *, weight: np.ndarray | None = None, fixed: np.ndarray | None = None
) -> Cells:
    """Give cells that count people: below *k* they are hidden, and all that is hidden needs a range of k − 1.

    A fixed cell below *k* is known all the same.
    """
    value = value.astype(np.int64)
    fixed = np.zeros(len(value), bool) if fixed is None else fixed
    small = (value < k) & ~fixed
    return Cells(
        value,
        np.where(small, 0, value),
        np.where(small, k - 1, value),
        np.full(len(value), k - 1),
        fixed,
        (value + 1.0) if weight is None else weight.astype(np.float64),
    )


def with_differences(cells: Cells, given: Relations, k: int) -> tuple[Cells, Relations]:
    """Add the differences that a reader can form and that count people: whoever is in a whole and not in a part of it.

    Distinct people in a whole fall into those of a part and the others: ``whole = part + others``. Where the others are
    fewer than *k*, they are a cell that is too small, never to be published: hiding it means hiding whole or part.
    """
    of_part = given.relation_of_part
    pairs = (given.kind[of_part] & Kind.WITHIN != 0) & (np.diff(given.first)[of_part] > 1)
    whole, part = given.whole[of_part[pairs]], given.part[pairs]
    others = cells.value[whole] - cells.value[part]
    # With either hidden for being small the difference cannot be formed; with both published before it is known.
    formed = ~cells.hidden[whole] & ~cells.hidden[part] & ~(cells.fixed[whole] & cells.fixed[part])
    small = np.flatnonzero((others < k) & formed)
    if not len(small):
        return cells, given
    count = len(cells.value)
    added = counts(others[small], k)
    links = [(int(whole[i]), [int(part[i]), count + n], Kind.SUM) for n, i in enumerate(small)]
    return cells.extended(added), joined([given, relations(links)])


def suppress(cells: Cells, given: Relations, *, small: int = SMALL) -> Suppression:
    """Hide what must be hidden so that every hidden cell keeps its range.

    Parameters
    ----------
    cells
        What would be published, and what a reader knows.
    given
        How the cells hang together.
    small
        Number of cells up to which a part is solved exactly.

    Raises
    ------
    Refused
        What was published before leaves a cell without its range, whatever is hidden now.

    Examples
    --------
    Three residents in one village, 17 in another, 20 and 40 in two more, and all 80 published:

    >>> found = suppress(counts(np.array([80, 3, 17, 20, 40]), k=15), relations([(0, [1, 2, 3, 4], Kind.SUM)]))
    >>> found.hidden
    array([False,  True,  True, False, False])
    """
    rows = rows_of(given)
    hidden = cells.hidden.copy()
    changeable = ~cells.fixed | hidden
    low, high = cells.low.copy(), cells.high.copy()
    least, most = cells.value.copy(), cells.value.copy()
    exact = heuristic = 0
    # What can never be changed is left out: what hangs together through it alone does not.
    for part in parts(rows, changeable, cells.value):
        if not hidden[part.cells].any():
            continue
        work, own = _Work(part, cells), part.cells
        if work.wanting():
            solved = work.exactly() if len(own) <= small else False
            exact, heuristic = exact + solved, heuristic + (not solved)
            if not solved:
                work.repair()
        low[own], high[own], hidden[own] = work.low, work.high, work.low < work.high
        least[own], most[own] = work.least, work.most
    found = bounds(rows, low, high, enough=np.where(hidden, cells.need, 0), witnessed=(least, most))
    return Suppression(hidden, found, exact, heuristic)


class _Work:
    """One part, its own cells numbered from 0, of which ever more are hidden."""

    def __init__(self, part: Part, cells: Cells) -> None:
        own = part.cells
        self.part, self.rows = part, part.rows
        self.value, self.low, self.high = cells.value[own], cells.low[own].copy(), cells.high[own].copy()
        self.need, self.weight = cells.need[own], cells.weight[own]
        self.fixed = cells.fixed[own]
        self.least, self.most = self.value.copy(), self.value.copy()

    def wanting(self) -> list[int]:
        """Audit: the hidden cells whose range is too narrow."""
        hidden = self.low < self.high
        need = np.where(hidden, self.need, 0)
        found = bounds(self.rows, self.low, self.high, enough=need, witnessed=(self.least, self.most))
        np.minimum(self.least, found.least, out=self.least)
        np.maximum(self.most, found.most, out=self.most)
        return [*np.flatnonzero(self.most - self.least < need).tolist(), *self._rests_too_small()]

    def hide(self, which: Sequence[int] | np.ndarray) -> None:
        """Hide cells; whatever others may be, they are not negative."""
        self.low[which], self.high[which] = 0, UNBOUNDED

    def exactly(self) -> bool:
        """Hide the cells of least weight; say whether they were found."""
        solved = least_suppression(
            self.rows, self.value, self.low, self.high, self.need, self.fixed, self.weight, self.rests
        )
        if solved is None:
            return False
        self.hide(solved)
        return not self.wanting()

    def rests(self, hidden: np.ndarray) -> list[tuple[np.ndarray, int]]:
        """Give the equations whose hidden members, all on one side, add up to too few people, and how few."""
        rows, found = self.rows, []
        for row in np.flatnonzero(rows.lower == rows.upper):
            members = slice(rows.first[row], rows.first[row + 1])
            cells, signs = rows.cell[members], rows.sign[members]
            inside = hidden[cells]
            rest = int(self.value[cells[inside]].sum())
            if inside.any() and (signs[inside] == signs[inside][0]).all() and rest < self.need[cells[inside]].max() + 1:
                found.append((cells, rest))
        return found

    def _rests_too_small(self) -> list[int]:
        hidden = self.low < self.high
        return [int(cells[hidden[cells]][0]) for cells, _ in self.rests(hidden)]

    def repair(self) -> None:
        """Hide cells until the audit finds nothing."""
        change = _Change(self)
        for round in range(ROUNDS):
            wanting = self.wanting()
            if not wanting:
                return
            before = int((self.low < self.high).sum())
            for cell in wanting:
                if self.most[cell] - self.least[cell] < self.need[cell]:
                    change.widen(cell, whole=round > 2)
            hidden = self.low < self.high
            for cells, _ in self.rests(hidden):
                self._hide_one_more(cells)
            if int((self.low < self.high).sum()) == before and round > 3:
                break
        if self.wanting():
            raise _refused()

    def _hide_one_more(self, cells: np.ndarray) -> None:
        hidden = self.low < self.high
        open_ = [cell for cell in cells if not hidden[cell] and not self.fixed[cell]]
        if not open_:
            raise _refused()
        self.hide([min(open_, key=lambda cell: self.weight[cell])])


def _refused() -> Refused:
    return Refused(
        "what was published before leaves something hidden without its range, whatever is hidden now",
        expected="other areas, another period, or differential privacy",
    )


class _Change:
    """The cheapest change of published cells that sends a hidden one where it could be."""

    def __init__(self, work: _Work) -> None:
        self.work = work
        rows, value = work.rows, work.value
        count = len(value)
        # x = value + up − down: cell i goes up by column i and down by column count + i.
        sums = np.bincount(rows.row_of_member, rows.sign * value[rows.cell], len(rows.lower)).astype(np.int64)
        sizes = 2 * np.diff(rows.first)
        order = np.argsort(np.concatenate([rows.row_of_member, rows.row_of_member]), kind="stable")
        self.rows = Rows(
            np.concatenate([[0], np.cumsum(sizes)]),
            np.concatenate([rows.cell, rows.cell + count])[order],
            np.concatenate([rows.sign, -rows.sign])[order],
            np.where(rows.lower <= -UNBOUNDED, -UNBOUNDED, rows.lower - sums),
            np.where(rows.upper >= UNBOUNDED, UNBOUNDED, rows.upper - sums),
            rows.relation,
        )
        self.programme = Programme(self.rows, np.zeros(2 * count, np.int64), self._room())

    def _room(self) -> np.ndarray:
        work = self.work
        hidden = work.low < work.high
        up = np.where(work.high >= UNBOUNDED, UNBOUNDED, work.high - work.value)
        down = work.value - work.low
        open_ = ~hidden & ~work.fixed
        return np.concatenate([np.where(open_, UNBOUNDED, up), np.where(open_, work.value, down)])

    def widen(self, cell: int, *, whole: bool) -> None:
        """Hide what must change for a cell to have its range, up first, then down."""
        work, count = self.work, len(self.work.value)
        for way in (1, -1):
            missing = work.need[cell] - (work.most[cell] - work.least[cell])
            if missing <= 0:
                return
            if way > 0:
                target = min(work.high[cell], work.most[cell] + missing)
            else:
                target = max(work.low[cell], work.least[cell] - missing)
            if target == work.value[cell]:
                continue
            hidden = work.low < work.high
            costs = np.tile(np.where(hidden, 0.0, -work.weight), 2) - 1e-6
            room = self._room()
            column = np.array([cell, count + cell])
            move = target - work.value[cell]
            exactly = np.array([max(move, 0), max(-move, 0)])
            everything = np.arange(2 * count)
            self.programme.bound(everything, np.zeros(2 * count, np.int64), room)
            self.programme.bound(column, exactly, exactly)
            try:
                found = self.programme.extreme(costs, whole=whole)
            except Infeasible:
                if way > 0:
                    continue
                raise _refused() from None
            assert found is not None
            changes = found[:count] - found[count:]
            work.hide(np.flatnonzero((np.abs(changes) > 1e-6) & ~hidden))
            table = as_whole(work.rows, work.low, work.high, work.value + changes)
            if table is not None:
                np.minimum(work.least, table, out=work.least)
                np.maximum(work.most, table, out=work.most)
