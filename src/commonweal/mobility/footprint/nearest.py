"""Footprints by distance alone: Voronoi's."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError
from commonweal.mobility.footprint.connection import Footprint, shared
from commonweal.mobility.footprint.grid import Grid
from commonweal.mobility.footprint.plan import CellPlan

TOGETHER = 0.001
"""Metres within which two distances are one."""
MOST_ALIKE = 8
"""How many places may be equally near at a point."""


def voronoi(grid: Grid, plan: CellPlan, by: Literal["site", "cell"] = "site", offset: float = 100.0) -> Footprint:
    r"""Give each point to the nearest site or cell, however far: :math:`P(c|i) = 1/n` for the *n* nearest, else 0.

    Parameters
    ----------
    grid
        The points.
    plan
        The cells that stand at the time; those without a position serve nobody.
    by
        ``site``: a site stands in the mean position of its cells, which share its points evenly. ``cell``: directional
        cells are moved ahead by `offset`, so that those of a mast divide what surrounds it; cells equally near share
        evenly.
    offset
        Metres. Source of the offset and its 100 m: `create_voronoi_llh` of the R package mobloc, which also gives each
        small cell the one point nearest to it; here small cells count like others.

    Raises
    ------
    InputError
        No cell has a position.
    """
    from scipy.spatial import cKDTree

    cells = np.flatnonzero(plan.somewhere)
    if not len(cells):
        raise InputError("no cell has a position", where="cell plan", expected="longitude and latitude")
    longitude, latitude = plan.longitude[cells], plan.latitude[cells]
    at = grid.projection.plane(longitude, latitude)
    if by == "cell":
        toward = np.radians(plan.azimuth[cells] + grid.projection.north(longitude, latitude))
        at = at + np.nan_to_num(np.column_stack([np.sin(toward), np.cos(toward)])) * offset
        _, group = np.unique(np.round(at / TOGETHER), axis=0, return_inverse=True)
    else:
        _, group = np.unique(plan.site[cells], return_inverse=True)
    sizes = np.bincount(group)
    middles = np.column_stack([np.bincount(group, at[:, axis]) for axis in (0, 1)]) / sizes[:, None]
    members = cells[np.argsort(group, kind="stable")].astype(np.int32)
    begins = np.concatenate([[0], np.cumsum(sizes)])
    far, near = cKDTree(middles).query(grid.points, k=np.arange(1, min(MOST_ALIKE, len(middles)) + 1))
    point, rank = np.nonzero(far <= far[:, :1] + TOGETHER)
    return _footprint(point, near[point, rank], begins, members, len(grid), len(plan))


def _footprint(
    point: npt.NDArray[np.int64],
    group: npt.NDArray[np.int64],
    begins: npt.NDArray[np.int64],
    members: npt.NDArray[np.int32],
    points: int,
    cells: int,
) -> Footprint:
    """Give every cell of the groups that are nearest to a point an even share."""
    sizes = np.diff(begins)[group]
    within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    cell = members[np.repeat(begins[group], sizes) + within]
    of_point = np.repeat(point, sizes)
    cell = cell[np.lexsort((cell, of_point))]
    first = np.concatenate([[0], np.cumsum(np.bincount(of_point, minlength=points))]).astype(np.int64)
    return Footprint(first, cell, shared(first, np.ones(len(cell))), cells)
