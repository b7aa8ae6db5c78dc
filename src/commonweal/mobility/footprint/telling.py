"""Tell where each cell of a network is heard, by area or by point: facts of the network, about nobody."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from commonweal.mobility.footprint.connection import Footprint
from commonweal.mobility.footprint.grid import Grid
from commonweal.mobility.footprint.locating import locations
from commonweal.mobility.footprint.plan import CellPlan


def heard_by_area(grid: Grid, plan: CellPlan, footprint: Footprint) -> pa.Table:
    r"""Give which part of each cell's footprint lies in which area, :math:`Σ_{i ∈ a} P(i|c)`, p the same everywhere.

    Returns
    -------
    ``cell``, ``site`` (cells of one mast have one number), ``area``, ``share``, ``points`` that hear the cell there;
    sorted by the plan's order and the areas'. A cell that is heard nowhere has no row.

    Examples
    --------
    >>> import shapely
    >>> from commonweal.core.areas import Areas
    >>> from commonweal.mobility.footprint import footprint_by_strength, lay_grid, read_plan
    >>> west, east = shapely.box(0, 0, 0.1, 0.1), shapely.box(0.1, 0, 0.2, 0.1)
    >>> areas = Areas(("W", "E"), ("West", "East"), np.array([west, east]))
    >>> plan = read_plan({"identifier": ["a"], "longitude": [0.1], "latitude": [0.05], "range": [5000]})
    >>> grid = lay_grid(areas, 1000)
    >>> [(row["area"], round(row["share"], 1)) for row in
    ...  heard_by_area(grid, plan, footprint_by_strength(grid, plan)).to_pylist()]
    [('W', 0.5), ('E', 0.5)]
    """
    found = locations(footprint)
    cell = np.repeat(np.arange(footprint.cells), np.diff(found.first))
    key = cell * len(grid.codes) + grid.area[found.point]
    keys, row, points = np.unique(key, return_inverse=True, return_counts=True)
    cells, areas = np.divmod(keys, len(grid.codes))
    return pa.table(
        {
            "cell": pa.array(plan.identifier, pa.string()).take(pa.array(cells)),
            "site": plan.site[cells],
            "area": pa.array(grid.codes, pa.string()).take(pa.array(areas)),
            "share": np.bincount(row, found.probability, minlength=len(keys)),
            "points": points,
        }
    )


def heard_by_point(grid: Grid, plan: CellPlan, footprint: Footprint) -> pa.Table:
    """Give P(c|i) of each cell at each point that hears it.

    Returns
    -------
    ``longitude``, ``latitude`` of the point, its ``area``, ``cell``, ``site``, ``probability``; by point, then cell.
    """
    longitude, latitude = grid.degrees[footprint.point].T
    return pa.table(
        {
            "longitude": longitude,
            "latitude": latitude,
            "area": pa.array(grid.codes, pa.string()).take(pa.array(grid.area[footprint.point])),
            "cell": pa.array(plan.identifier, pa.string()).take(pa.array(footprint.cell)),
            "site": plan.site[footprint.cell],
            "probability": footprint.probability,
        }
    )
