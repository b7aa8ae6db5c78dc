"""From points to areas: expected devices, and the distinct subscribers behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError
from commonweal.mobility.footprint.connection import Footprint
from commonweal.mobility.footprint.estimating import MOST_ITERATIONS, TOLERANCE, estimates
from commonweal.mobility.footprint.grid import Grid

Numbers = npt.NDArray[np.float64]
SUBSCRIBERS_AT_ONCE = 200_000


@dataclass(frozen=True, eq=False)
class AreaEstimate:
    """Devices by area, from `present_by_area`.

    Parameters
    ----------
    devices
        float64[areas, periods]: expected devices, unscaled; NaN for an area in which no point of the grid lies.
    unplaced, iterations, converged
        As in `Estimate`, one a period.
    """

    devices: Numbers
    unplaced: Numbers
    iterations: npt.NDArray[np.int64]
    converged: npt.NDArray[np.bool_]


def by_area(grid: Grid, devices: npt.ArrayLike) -> Numbers:
    """Add what lies at points up by area.

    Parameters
    ----------
    grid
        The points and their areas.
    devices
        float64[points] or float64[points, periods].

    Returns
    -------
    float64[areas] or float64[areas, periods]; NaN for an area in which no point lies, since nothing is known of it.

    Raises
    ------
    InputError
        There is not one row for each point.
    """
    values = np.asarray(devices, dtype=np.float64)
    if values.shape[:1] != (len(grid),):
        raise InputError("the numbers do not fit the grid", expected=f"one row for each of {len(grid)} points")
    areas = len(grid.codes)
    columns = values.reshape(len(grid), -1).T
    sums: Numbers = np.stack([np.bincount(grid.area, column, minlength=areas) for column in columns], axis=1).astype(
        np.float64
    )
    sums[grid.points_by_area() == 0] = np.nan
    return sums.reshape(areas, *values.shape[1:])


def present_by_area(
    grid: Grid,
    footprint: Footprint,
    counts: npt.ArrayLike,
    *,
    start: npt.ArrayLike | None = None,
    tolerance: float = TOLERANCE,
    most_iterations: int = MOST_ITERATIONS,
    threads: int = 2,
) -> AreaEstimate:
    """Estimate as `present_population` does and add up by area, keeping only a few periods by point at a time.

    Parameters are the same.
    """
    parts = [
        (by_area(grid, one.devices), one.unplaced, one.iterations, one.converged)
        for one in estimates(footprint, counts, start, tolerance, most_iterations, threads)
    ]
    devices, unplaced, iterations, converged = (np.concatenate([part[k] for part in parts], axis=-1) for k in range(4))
    return AreaEstimate(devices, unplaced, iterations, converged)


def cells_meeting(grid: Grid, footprint: Footprint) -> Any:
    """Say which cells' footprints meet which areas: a boolean `scipy.sparse.csr_array` of shape (cells, areas).

    A footprint meets an area if the cell has P(c|i) > 0 at a point *i* in it.
    """
    from scipy.sparse import csr_array

    areas = len(grid.codes)
    pairs = np.unique(footprint.cell.astype(np.int64) * areas + grid.area[footprint.point])
    return csr_array((np.ones(len(pairs), bool), (pairs // areas, pairs % areas)), shape=(footprint.cells, areas))


def subscribers_behind(
    meeting: Any, subscriber: npt.ArrayLike, cell: npt.ArrayLike, at_once: int = SUBSCRIBERS_AT_ONCE
) -> npt.NDArray[np.int64]:
    r"""Count the distinct subscribers seen in cells whose footprint meets each area.

    .. math::
        \text{behind}(a) = |\{s : \text{s was seen in some c with } P(c|i) > 0 \text{ for an i in a}\}|

    A number of devices may be published only where both it and this are at least *k*: devices are expected values,
    and one subscriber's may be spread over many areas.

    Parameters
    ----------
    meeting
        From `cells_meeting`.
    subscriber
        int64[n]: who, for each time somebody was seen in the period.
    cell
        int32[n]: in which cell of the plan; -1 for one that is not in it, which meets no area.
    at_once
        How many subscribers are counted at a time.

    Returns
    -------
    int64[areas]

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> meeting = csr_array(np.array([[True, False], [True, True]]))
    >>> subscribers_behind(meeting, [7, 7, 8, 9], [0, 1, 0, -1]).tolist()
    [2, 1]
    """
    from scipy.sparse import csr_array

    who, where = np.asarray(subscriber), np.asarray(cell)
    if who.shape != where.shape or who.ndim != 1 or (len(where) and int(where.max()) >= meeting.shape[0]):
        raise InputError("subscribers and cells that do not fit", expected="one cell of the plan for each row")
    known = where >= 0
    _, row = np.unique(who[known], return_inverse=True)
    order = np.argsort(row, kind="stable")
    row, column = row[order], where[known][order]
    behind = np.zeros(meeting.shape[1], np.int64)
    met = meeting.astype(np.int32)
    for begin in range(0, int(row[-1]) + 1 if len(row) else 0, at_once):
        low, high = np.searchsorted(row, [begin, begin + at_once])
        seen = csr_array(
            (np.ones(high - low, np.int32), (row[low:high] - begin, column[low:high])),
            shape=(at_once, meeting.shape[0]),
        )
        reached = (seen @ met).tocsc()
        behind += np.diff(reached.indptr)
    return behind
