"""Hiding more, so that what is hidden cannot be worked out: complementary suppression, over all tables at once.

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

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from commonweal.core.errors import Refused
from commonweal.disclosure.linear.bounds import Bounds, bounds
from commonweal.disclosure.linear.changing import Change
from commonweal.disclosure.linear.exact import least_suppression, short_rests
from commonweal.disclosure.linear.needing import Needing
from commonweal.disclosure.linear.neighbourhood import Neighbours
from commonweal.disclosure.linear.programme import Infeasible
from commonweal.disclosure.linear.pushing import Pushing
from commonweal.disclosure.linear.relations import Kind, Relations, joined, relations
from commonweal.disclosure.linear.rows import UNBOUNDED, Rows, rows_of, tighten
from commonweal.disclosure.linear.watching import tell

SMALL = 24
"""Cells that hang together, up to which what to hide is found exactly."""
ROUNDS = 60
PATIENCE = 3
"""Rounds after which programmes are solved over whole numbers."""
NEAREST, FARTHEST = 2, 6
"""Within how many hops of a cell others are hidden to protect it: farther only if nearer ones do not do."""
LARGEST = 10_000
"""Cells that hang together, above which programmes are solved about a few of them at a time only."""
FEW = (60, 250, 1000, 4000, 16_000, 64_000)
"""About how many cells a programme is, where more than `LARGEST` hang together: more only if fewer do not do."""
ENOUGH = 500
"""Cells in a programme that found something to hide, above which no larger one is tried for less."""
CHECKING, HIDING = "protecting: checking ranges", "protecting: hiding more"
"""What is told to be under way: of how many hidden cells the range is shown to be wide enough; how many of those of
which it is not were protected since."""
AT_A_TIME = 100
"""Cells that are protected before looking which of the others that has protected, too."""


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

    def taken(self, which: np.ndarray) -> Cells:
        """Give some of these cells."""
        return Cells(*(column[which] for column in vars(self).values()))

    def extended(self, more: Cells) -> Cells:
        """Put other cells behind these."""
        return Cells(
            *(np.concatenate([own, other]) for own, other in zip(vars(self).values(), vars(more).values(), strict=True))
        )


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


def counts(value: np.ndarray, k: int, *, weight: np.ndarray | None = None, fixed: np.ndarray | None = None) -> Cells:
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
    """Add the differences that a reader can form and that count too few people, each a hidden cell.

    Distinct people in a whole fall into those of a part and the others, ``whole = part + others``; and the parts of a
    union count somebody once more for each further part they are in, ``Σ parts = whole + overlap``. Others, and an
    overlap, from 1 to k − 1 are never published: hiding them means hiding one of the cells they come from. A difference
    of nothing counts nobody.
    """
    for add in (_others, _overlaps):
        cells, given = add(cells, given, k)
    return cells, given


def _others(cells: Cells, given: Relations, k: int) -> tuple[Cells, Relations]:
    of_part = given.relation_of_part
    same = (given.kind == Kind.UNION) & (np.diff(given.first) == 1)  # the union of one part is that part
    pairs = (given.kind[of_part] & Kind.WITHIN != 0) & ~same[of_part]
    whole, part = given.whole[of_part[pairs]], given.part[pairs]
    others = cells.value[whole] - cells.value[part]
    # With either hidden for being small the difference cannot be formed; with both published before it is known.
    formed = ~cells.hidden[whole] & ~cells.hidden[part] & ~(cells.fixed[whole] & cells.fixed[part])
    small = np.flatnonzero((others > 0) & (others < k) & formed)
    if not len(small):
        return cells, given
    count = len(cells.value)
    links = [(int(whole[i]), [int(part[i]), count + n], Kind.SUM) for n, i in enumerate(small)]
    return cells.extended(_secret(others[small], k)), joined([given, relations(links)])


def _overlaps(cells: Cells, given: Relations, k: int) -> tuple[Cells, Relations]:
    of_part = given.relation_of_part
    sums = np.bincount(of_part, cells.value[given.part], len(given)).astype(np.int64)
    overlap = sums - cells.value[given.whole]
    secret = cells.hidden
    hidden = np.bincount(of_part, secret[given.part], len(given)).astype(bool) | secret[given.whole]
    known = np.bincount(of_part, ~cells.fixed[given.part], len(given)) == 0
    wanted = (given.kind == Kind.UNION) & ~hidden & ~(known & cells.fixed[given.whole])
    small = np.flatnonzero(wanted & (overlap > 0) & (overlap < k))
    if not len(small):
        return cells, given
    count, many = len(cells.value), len(small)
    total = Cells(*(np.zeros(many, column.dtype) for column in vars(cells).values()))
    total.value[:], total.high[:] = sums[small], UNBOUNDED  # Σ parts, which nobody publishes
    links = [(count + n, given.parts(int(r)).tolist(), Kind.SUM) for n, r in enumerate(small)]
    links += [(count + n, [int(given.whole[r]), count + many + n], Kind.SUM) for n, r in enumerate(small)]
    return cells.extended(total).extended(_secret(overlap[small], k)), joined([given, relations(links)])


def _secret(value: np.ndarray, k: int) -> Cells:
    """Give cells that nobody publishes: that they are small is told no more than of what is hidden beside others."""
    cells = counts(value, k)
    return replace(cells, high=np.full(len(value), UNBOUNDED))


def suppress(cells: Cells, given: Relations, *, small: int = SMALL, largest: int = LARGEST) -> Suppression:
    """Hide what must be hidden so that every hidden cell keeps its range.

    Parameters
    ----------
    cells
        What would be published, and what a reader knows.
    given
        How the cells hang together.
    small
        Number of cells that hang together, up to which what to hide is found exactly.
    largest
        Number of cells that hang together, above which programmes are solved about a few of them at a time only.

    Raises
    ------
    Unprotectable
        What was published before leaves a cell without its range, whatever is hidden now.

    Examples
    --------
    Three residents in one village, 17 in another, 20 and 40 in two more, and all 80 published:

    >>> found = suppress(counts(np.array([80, 3, 17, 20, 40]), k=15), relations([(0, [1, 2, 3, 4], Kind.SUM)]))
    >>> found.hidden
    array([False,  True,  True, False, False])
    """
    return _Search(cells, rows_of(given), small, largest).found()


class Unprotectable(Refused):
    """What was published before leaves cells without their range, whatever is hidden now: their numbers."""

    cells: np.ndarray = np.zeros(0, np.int64)


class _Search:
    def __init__(self, cells: Cells, rows: Rows, small: int, largest: int) -> None:
        self.cells, self.rows, self.small, self.largest = cells, rows, small, largest
        self.low, self.high = cells.low.copy(), cells.high.copy()
        self.hidden = cells.hidden
        self.least, self.most = cells.value.copy(), cells.value.copy()
        self.neighbours = Neighbours(rows, len(cells.value))
        self.solved = np.zeros(2, np.int64)
        self.exact, self.heuristic = set[int](), set[int]()

    def found(self) -> Suppression:
        self._refuse_at_once()
        before, wanting = np.zeros(0, np.int64), np.zeros(0, np.int64)
        for round_ in range(ROUNDS):
            before, (audit, wanting) = wanting, self._audit()
            short = self._short()
            if not len(wanting) and not len(short):
                return Suppression(self.hidden, audit, len(self.exact - self.heuristic), len(self.heuristic))
            if round_ > PATIENCE and not len(short) and np.array_equal(before, wanting):
                break  # over whole numbers the next round would find no more than this one
            together = self.neighbours.together(~self.cells.fixed | self.hidden)
            order = np.argsort(together, kind="stable")
            short_of = self.rows.cell[self.rows.first[short]]
            for number in np.unique(together[np.concatenate([wanting, short_of])]):
                begin, end = np.searchsorted(together[order], [max(number, 0), number + 1])
                own = order[begin:end]
                if round_ == 0 and 0 < len(own) <= self.small and self._exactly(own):
                    self.exact.add(int(number))
                    continue
                self.heuristic.add(int(number))
                of_group = wanting[together[wanting] == number]
                self._protect(of_group, whole=round_ >= PATIENCE, large=len(own) > self.largest)
            while len(short := np.intersect1d(short, self._short())):  # what is hidden for one may do for others
                self._hide_one_more(short[0])
        raise _refused(wanting)

    def _refuse_at_once(self) -> None:
        """See that every hidden cell could keep its range if all else that can be hidden were, as far as rows tell."""
        if not self.cells.fixed.any():
            return
        low, high = self.low.copy(), self.high.copy()
        free = ~self.hidden & ~self.cells.fixed
        low[free], high[free] = 0, UNBOUNDED
        tighten(self.rows, low, high)
        narrow = np.flatnonzero(self.hidden & (high - low < self.cells.need))
        if len(narrow):
            raise _refused(narrow)

    @cached_property
    def needing(self) -> Needing:
        return Needing(self.rows, self.cells.value, self.cells.weight)

    @cached_property
    def pushing(self) -> Pushing:
        return Pushing(self.rows, len(self.cells.value))

    def _audit(self) -> tuple[Bounds, np.ndarray]:
        """Find the hidden cells whose range is too narrow, or is not shown to be wide enough."""
        need = np.where(self.hidden, self.cells.need, 0)
        self._tell_checked(self.most - self.least >= need)
        audit = bounds(
            self.rows,
            self.low,
            self.high,
            enough=need,
            table=self.cells.value,
            witnessed=(self.least, self.most),
            largest=self.largest,
        )
        self.least, self.most = audit.least, audit.most
        self.solved += audit.solved
        whole = Bounds(audit.low, audit.high, audit.least, audit.most, (int(self.solved[0]), int(self.solved[1])))
        narrow = audit.width < need
        self._tell_checked(~narrow)
        return whole, np.flatnonzero(narrow)

    def _tell_checked(self, wide: np.ndarray) -> None:
        tell(int((self.hidden & wide).sum()), int(self.hidden.sum()), CHECKING)

    def _short(self) -> np.ndarray:
        """Find the equations whose hidden members, all on one side, are too few people together: a difference."""
        return short_rests(self.rows, self.cells.value, self.cells.need, self.hidden)

    def _hide(self, which: np.ndarray) -> None:
        """Hide cells; whatever others may be, they are not negative."""
        self.low[which], self.high[which] = 0, UNBOUNDED
        self.hidden[which] = True
        self.least[which] = np.minimum(self.least[which], self.cells.value[which])
        self.most[which] = np.maximum(self.most[which], self.cells.value[which])

    def _exactly(self, own: np.ndarray) -> bool:
        rows, cells = self.neighbours.within(own, self.cells.value), self.cells
        solved = least_suppression(
            rows, cells.value[own], self.low[own], self.high[own], cells.need[own], cells.fixed[own], cells.weight[own]
        )
        if solved is not None:
            self._hide(own[solved])
        return solved is not None

    def _protect(self, wanting: np.ndarray, *, whole: bool, large: bool) -> None:
        """Send each cell to the end of its range by the cheapest change near it; hide what had to change."""
        for begin in range(0, len(wanting), AT_A_TIME if large else max(len(wanting), 1)):
            now = wanting[begin : begin + AT_A_TIME] if large else wanting
            if large:  # what was hidden for those before may do for these, too
                self.least, self.most = self.pushing.settle(
                    self.low, self.high, self.cells.value, (self.least, self.most), self.cells.need, now
                )
            changes = dict[int, Change]()
            for number, cell in enumerate(now, start=begin):
                tell(number, len(wanting), HIDING)
                self._protect_one(int(cell), changes, whole=whole, large=large)

    def _protect_one(self, cell: int, changes: dict[int, Change], *, whole: bool, large: bool) -> None:
        for way in (1, -1):
            missing = int(self.cells.need[cell] - (self.most[cell] - self.least[cell]))
            if missing <= 0:
                return
            end = int(
                min(self.high[cell], self.most[cell] + missing)
                if way > 0
                else max(self.low[cell], self.least[cell] - missing)
            )
            if end == self.cells.value[cell]:
                continue
            near = self._few(cell, end, whole=whole) if large else self._near(cell, changes)
            if self._send(cell, end, near, whole=whole, thorough=large):
                continue
            if way < 0 and self.most[cell] - self.least[cell] == 0 and self.cells.fixed.any() and whole:
                raise _refused(np.array([cell]))

    def _near(self, cell: int, changes: dict[int, Change]) -> Iterator[Change]:
        """Give ever more of the cells that lie near one."""
        for hops in range(NEAREST, FARTHEST + 1):
            if hops not in changes or cell not in changes[hops]:
                changes[hops] = self._change(self.neighbours.near(np.array([cell]), self.hidden, hops))
            yield changes[hops]

    def _few(self, cell: int, end: int, *, whole: bool) -> Iterator[Change]:
        """Give ever more of the cells that may have to change for one to come to an end."""
        step, before = end - int(self.cells.value[cell]), 0
        for most in FEW:
            own = self.needing.cells(cell, step, self.low, self.high, self.cells.fixed, most)
            if len(own) > before:
                yield self._change(own, once=not whole)
            before = len(own)

    def _change(self, own: np.ndarray, *, once: bool = False) -> Change:
        return Change(own, self.neighbours.within(own, self.cells.value), self.cells.value[own], once=once)

    def _send(self, cell: int, end: int, near: Iterator[Change], *, whole: bool, thorough: bool) -> bool:
        """Change as few people's cells as can be; where it is thorough, more cells are tried as long as that is few."""
        best, least = None, np.inf
        for change in near:
            own = change.cells
            free = ~self.hidden[own] & ~self.cells.fixed[own]
            try:
                table, changed = change.cheapest(
                    cell, end, self.low[own], self.high[own], free, self.cells.weight[own], whole=whole
                )
            except Infeasible:
                continue
            lost = self.cells.weight[own[changed]].sum()
            if lost < least:
                best, least = (own, table, changed), lost
            if not thorough or not lost or len(own) > ENOUGH:
                break
        if best is None:
            return False
        own, table, changed = best
        self._hide(own[changed])
        if table is not None:
            self.least[own], self.most[own] = np.minimum(self.least[own], table), np.maximum(self.most[own], table)
        return True

    def _hide_one_more(self, row: int) -> None:
        cells = self.rows.cell[self.rows.first[row] : self.rows.first[row + 1]]
        open_ = cells[~self.hidden[cells] & ~self.cells.fixed[cells]]
        if not len(open_):
            raise _refused(cells)
        self._hide(open_[np.argmin(self.cells.weight[open_])][None])


def _refused(cells: np.ndarray) -> Unprotectable:
    error = Unprotectable(
        "what was published before leaves something hidden without its range, whatever is hidden now",
        expected="other areas, another period, or differential privacy",
    )
    error.cells = cells
    return error
