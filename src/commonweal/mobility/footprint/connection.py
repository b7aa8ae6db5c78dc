"""Which cells serve which point of a grid, and with what probability."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError

Numbers = npt.NDArray[np.float64]
CELLS_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Footprint:
    """P(c|i), the probability that a phone at point *i* is served by cell *c*, where it is not 0.

    Parameters
    ----------
    first
        int64[points + 1]: the entries of point *i* are ``first[i] … first[i + 1] - 1``.
    cell
        int32[entries]: the cell's place in the plan, ascending within a point.
    probability
        float64[entries]: P(c|i). Those of a point add up to 1; a point without entries is served by none.
    cells
        How many cells the plan has.
    """

    first: npt.NDArray[np.int64]
    cell: npt.NDArray[np.int32]
    probability: Numbers
    cells: int

    @property
    def points(self) -> int:
        """How many points the grid has."""
        return len(self.first) - 1

    @property
    def covered(self) -> npt.NDArray[np.bool_]:
        """Which points are served by any cell, bool[points]."""
        return np.diff(self.first) > 0

    @cached_property
    def point(self) -> npt.NDArray[np.int32]:
        """The point of each entry, int32[entries]."""
        return np.repeat(np.arange(self.points, dtype=np.int32), np.diff(self.first))

    def points_by_cell(self) -> npt.NDArray[np.int64]:
        """Give how many points each cell serves, int64[cells]."""
        return np.bincount(self.cell, minlength=self.cells).astype(np.int64)

    def matrix(self) -> Any:
        """Give P(c|i) as a `scipy.sparse.csr_array` of shape (points, cells)."""
        from scipy.sparse import csr_array

        return csr_array((self.probability, self.cell, self.first), shape=(self.points, self.cells))

    def at_least(self, probability: float) -> Footprint:
        """Give the footprint without what is less probable, the rest of each point adding up to 1 again.

        Points of which nothing is left are served by none.
        """
        kept = self.probability >= probability
        counts = np.bincount(self.point[kept], minlength=self.points)
        first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Footprint(first, self.cell[kept], shared(first, self.probability[kept]), self.cells)


@dataclass(frozen=True, eq=False)
class Overlaps:
    """The pairs of cells whose footprints share a point: those that ping-pong goes between and stays join.

    Parameters
    ----------
    first, second
        int32[pairs]: places in the plan, first < second, in order.
    points
        int64[pairs]: how many points both serve.
    share
        float64[pairs]: these points, of those that either serves.
    """

    first: npt.NDArray[np.int32]
    second: npt.NDArray[np.int32]
    points: npt.NDArray[np.int64]
    share: Numbers


def overlaps(footprint: Footprint, cells_at_once: int = CELLS_AT_ONCE) -> Overlaps:
    r"""Find the cells whose footprints overlap.

    With :math:`F_c = \{i : P(c|i) > 0\}`, cells *c* and *d* overlap if :math:`F_c ∩ F_d ≠ ∅`; the share is
    :math:`|F_c ∩ F_d| / |F_c ∪ F_d|`. To leave out what is improbable, give ``footprint.at_least(…)``.

    Examples
    --------
    >>> footprint = from_dominance(2, 3, [[(0, 1.0), (1, 3.0)], [(1, 2.0)]])
    >>> found = overlaps(footprint)
    >>> found.first.tolist(), found.second.tolist(), found.points.tolist(), found.share.tolist()
    ([0], [1], [1], [0.5])
    """
    from scipy.sparse import csr_array

    by_point = csr_array(
        (np.ones(len(footprint.cell), np.int32), footprint.cell, footprint.first), (footprint.points, footprint.cells)
    )
    by_cell = by_point.T.tocsr()
    sizes = footprint.points_by_cell()
    found: list[tuple[Any, Any, Any]] = []
    for begin in range(0, footprint.cells, cells_at_once):
        both = (by_cell[begin : begin + cells_at_once] @ by_point).tocoo()
        one, other = both.coords[0] + begin, both.coords[1]
        upper = one < other
        found.append((one[upper], other[upper], both.data[upper]))
    first, second, points = (np.concatenate([part[k] for part in found]) for k in range(3))
    order = np.lexsort((second, first))
    first, second, points = (
        first[order].astype(np.int32),
        second[order].astype(np.int32),
        points[order].astype(np.int64),
    )
    return Overlaps(first, second, points, points / (sizes[first] + sizes[second] - points))


def from_dominance(points: int, cells: int, entries: Iterable[Iterable[tuple[int, float]]]) -> Footprint:
    r"""Make a footprint of the dominance of each cell at each point: :math:`P(c|i) = s(c,i) / Σ_c s(c,i)`.

    Parameters
    ----------
    points, cells
        How many there are.
    entries
        For each point, the cells that it hears and their dominance, which is above 0.

    Raises
    ------
    InputError
        There are not as many lists as points, a cell is not there or named twice, or a dominance is not above 0.

    Examples
    --------
    >>> from_dominance(2, 2, [[(0, 1.0), (1, 3.0)], []]).matrix().toarray().tolist()
    [[0.25, 0.75], [0.0, 0.0]]
    """
    lists = [sorted(of_point) for of_point in entries]
    flat = [entry for of_point in lists for entry in of_point]
    cell = np.array([entry[0] for entry in flat], np.int32)
    values = np.array([entry[1] for entry in flat], np.float64)
    first = np.concatenate([[0], np.cumsum([len(of_point) for of_point in lists])]).astype(np.int64)
    twice = any(a[0] == b[0] for of_point in lists for a, b in pairwise(of_point))
    if len(lists) != points or twice or not ((cell >= 0) & (cell < cells) & (values > 0) & np.isfinite(values)).all():
        raise InputError("entries that are no footprint", expected=f"{points} lists of different cells below {cells}")
    return Footprint(first, cell, shared(first, values), cells)


def shared(first: npt.NDArray[np.int64], values: Numbers) -> Numbers:
    """Divide each value by the sum of its point's."""
    counts = np.diff(first)
    sums = np.zeros(len(counts))
    some = counts > 0
    if len(values):
        sums[some] = np.add.reduceat(values, first[:-1][some])
    return values / np.repeat(sums, counts)
