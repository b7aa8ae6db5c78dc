"""Footprints by signal strength: shared by dominance, or all to the strongest cell."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError
from commonweal.core.kernels import kernel
from commonweal.mobility.footprint.beam import bend_of
from commonweal.mobility.footprint.connection import Footprint, shared
from commonweal.mobility.footprint.grid import Grid
from commonweal.mobility.footprint.parameters import DEFAULT, Parameters
from commonweal.mobility.footprint.plan import CellPlan
from commonweal.mobility.footprint.signal import dominance_at, strength_at

Numbers = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]
Shares = tuple[Counts, Places, Numbers]
"""How many entries each point has; and of every entry its cell and P(c|i)."""
ROWS_AT_ONCE = 16
ON_THE_BORDER = 0.001
"""Metres by which a point may lie beyond a cell's range and still be in it: what rounding may do to one at its end."""
EQUAL = 1e-9
"""dB within which two cells are equally strong at a point: what rounding may do to co-located cells."""


class _Cells(NamedTuple):
    """The cells that have a position, as the kernel reads them; angles in radians."""

    number: npt.NDArray[np.int32]
    x: Numbers
    y: Numbers
    z: Numbers
    dbm: Numbers
    path_loss: Numbers
    azimuth: Numbers
    bend: Numbers
    tilt: Numbers
    vertical_bend: Numbers
    range: Numbers


def footprint_by_strength(
    grid: Grid,
    plan: CellPlan,
    parameters: Parameters = DEFAULT,
    elevation: npt.ArrayLike | None = None,
    threads: int = 2,
) -> Footprint:
    r"""Give the probability of each cell at each point by dominance: :math:`P(c|i) = s(c,i)/Σ_c s(c,i)`.

    The sum goes over the cells that are heard at the point: those in range (over the ground, the border included)
    whose dominance is at least `least_dominance`; if there is a limit, of more than `most_cells` the strongest, of
    equally strong ones those that come first in the plan.

    Source: Tennekes and Gootzen (2022); `create_strength_llh` of mobloc.

    Parameters
    ----------
    grid
        The points.
    plan
        The cells that stand at the time; those without a position have no footprint.
    parameters
        The curves and thresholds.
    elevation
        Of the points above sea level, m, float64[points]; 0 if none. Give it for the cells too, or for neither.
    threads
        How many; the result does not depend on it.

    Raises
    ------
    InputError
        The elevation is not one number for each point.
    """

    def share(first: Counts, cell: Places, strength: Numbers) -> Shares:
        values = 1 / (1 + np.exp(-parameters.steepness * (strength - parameters.midpoint)))
        return np.diff(first), cell, shared(first, values)

    return _heard(grid, plan, parameters, elevation, threads, share)


def best_server(
    grid: Grid,
    plan: CellPlan,
    parameters: Parameters = DEFAULT,
    elevation: npt.ArrayLike | None = None,
    threads: int = 2,
) -> Footprint:
    """Give each point to the cell whose signal is strongest there; cells equally strong share it evenly.

    Cells are heard as by `footprint_by_strength`; where none is, no cell serves. Parameters are the same.
    """

    def share(first: Counts, cell: Places, strength: Numbers) -> Shares:
        counts = np.diff(first)
        best = np.full(len(counts), -np.inf)
        if len(strength):
            best[counts > 0] = np.maximum.reduceat(strength, first[:-1][counts > 0])
        kept = strength >= np.repeat(best, counts) - EQUAL
        left = np.bincount(np.repeat(np.arange(len(counts)), counts)[kept], minlength=len(counts))
        return left, cell[kept], 1 / np.repeat(left, left)

    return _heard(grid, plan, parameters, elevation, threads, share)


def _heard(
    grid: Grid,
    plan: CellPlan,
    parameters: Parameters,
    elevation: npt.ArrayLike | None,
    threads: int,
    share: Callable[[Counts, Places, Numbers], Shares],
) -> Footprint:
    """Find for every point the cells heard and their strength, and share it among them, a band of rows at a time."""
    ground = np.zeros(len(grid)) if elevation is None else np.ascontiguousarray(elevation, dtype=np.float64)
    if ground.shape != (len(grid),) or not np.isfinite(ground).all():
        raise InputError("the elevation does not fit the grid", expected=f"a number for each of {len(grid)} points")
    cells = _placed(grid, plan, parameters.back_loss)
    shape = (float(grid.west), float(grid.south), float(grid.step))
    curve = (
        float(parameters.back_loss),
        float(parameters.nearest),
        float(parameters.midpoint),
        float(parameters.steepness),
        float(parameters.least_dominance),
    )

    def band(begin: int) -> Shares:
        place = grid.place[begin : begin + ROWS_AT_ONCE]
        inside = place[place >= 0]
        if not len(inside):
            return np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0)
        counts, cell, strength = _band(place, begin, int(inside[0]), len(inside), ground, cells, shape, curve)
        counts, cell, strength = _strongest(counts, cell, strength, parameters.most_cells)
        return share(np.concatenate([[0], np.cumsum(counts)]), cell, strength)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        bands = list(pool.map(band, range(0, len(grid.place), ROWS_AT_ONCE)))
    counts, cell, probability = (np.concatenate([part[k] for part in bands]) for k in range(3))
    return Footprint(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), cell, probability, len(plan))


def _placed(grid: Grid, plan: CellPlan, back_loss: float) -> _Cells:
    some = np.flatnonzero(plan.somewhere)
    place = grid.projection.plane(plan.longitude[some], plan.latitude[some])
    north = grid.projection.north(plan.longitude[some], plan.latitude[some])

    def bends(widths: Numbers) -> Numbers:
        return np.array([0.0 if math.isnan(width) else bend_of(width, back_loss) for width in widths.tolist()])

    return _Cells(
        some.astype(np.int32),
        np.ascontiguousarray(place[:, 0]),
        np.ascontiguousarray(place[:, 1]),
        plan.height[some] + plan.elevation[some],
        10 * np.log10(plan.power[some]) + 30,
        plan.path_loss[some],
        np.radians(plan.azimuth[some] + north),
        bends(plan.beam_width[some]),
        np.radians(plan.tilt[some]),
        bends(plan.vertical_beam_width[some]),
        plan.range[some],
    )


def _strongest(counts: Counts, cell: Places, strength: Numbers, most: int | None) -> Shares:
    """Keep the strongest entries of each point; they stay in order of the cells."""
    if most is None or counts.max(initial=0) <= most:
        return counts, cell, strength
    point = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((-strength, point))  # stable: equally strong cells stay in the plan's order
    rank = np.arange(len(point)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = np.zeros(len(point), bool)
    kept[order[rank < most]] = True
    return np.minimum(counts, most), cell[kept], strength[kept]


@kernel()
def _band(place: Any, row: int, start: int, points: int, ground: Any, cells: Any, shape: Any, curve: Any) -> Any:
    """Give, for the points of some rows, how many cells each hears, which and how strongly; cells in order."""
    west, south, step = shape
    back_loss, nearest, midpoint, steepness, least = curve
    rows, columns = place.shape
    first = np.zeros(points + 1, np.int64)  # of the cells in range, heard or not
    heard = np.zeros(points, np.int64)
    cell = np.empty(0, np.int32)
    strength = np.empty(0)
    for turn in range(2):
        if turn == 1:
            for k in range(points):
                first[k + 1] += first[k]
            cell = np.empty(first[points], np.int32)
            strength = np.empty(first[points])
        for c in range(len(cells.x)):
            reach = cells.range[c]
            low = max(0, math.floor((cells.y[c] - reach - south) / step - 0.5) - row)
            high = min(rows - 1, math.ceil((cells.y[c] + reach - south) / step - 0.5) - row)
            left = max(0, math.floor((cells.x[c] - reach - west) / step - 0.5))
            right = min(columns - 1, math.ceil((cells.x[c] + reach - west) / step - 0.5))
            for r in range(low, high + 1):
                north = south + (row + r + 0.5) * step - cells.y[c]
                for k in range(left, right + 1):
                    east = west + (k + 0.5) * step - cells.x[c]
                    point = place[r, k]
                    if point < 0 or math.hypot(east, north) > reach + ON_THE_BORDER:
                        continue
                    if turn == 0:
                        first[point - start + 1] += 1
                        continue
                    found = strength_at(
                        east,
                        north,
                        cells.z[c] - ground[point],
                        cells.dbm[c],
                        cells.path_loss[c],
                        cells.azimuth[c],
                        cells.bend[c],
                        cells.tilt[c],
                        cells.vertical_bend[c],
                        back_loss,
                        nearest,
                    )
                    s = dominance_at(found, midpoint, steepness)
                    if s >= least and s > 0.0:
                        at = first[point - start] + heard[point - start]
                        cell[at] = cells.number[c]
                        strength[at] = found
                        heard[point - start] += 1
    kept = 0
    for k in range(points):
        for e in range(first[k], first[k] + heard[k]):
            cell[kept] = cell[e]
            strength[kept] = strength[e]
            kept += 1
    return heard, cell[:kept].copy(), strength[:kept].copy()
