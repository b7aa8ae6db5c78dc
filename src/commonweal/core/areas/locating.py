"""Which area does a point lie in? Millions of points a second, with an exact answer."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from commonweal.core.errors import InputError

Polygons = npt.NDArray[np.object_]
Numbers = npt.NDArray[np.float64]
CELLS_AN_EDGE = 16
FEWEST_CELLS, MOST_CELLS = 2**12, 2**20


class Locator:
    """A grid laid over polygons once, then asked for any number of points.

    A cell that lies wholly in one area answers at once; elsewhere the even-odd rule decides, with exact signs, over
    the candidate areas in order of their index. Areas are closed: a point on a border shared by several is in the
    one with the lowest index.

    Parameters
    ----------
    polygons
        Valid polygons and multipolygons, in degrees.
    """

    def __init__(self, polygons: Polygons) -> None:
        from commonweal.core.areas import kernel  # Numba takes a third of a second to import

        self._kernel = kernel
        parts, area_of_part = shapely.get_parts(polygons, return_index=True)
        rings, part_of_ring = shapely.get_rings(parts, return_index=True)
        points, ring_of_point = shapely.get_coordinates(rings, return_index=True)
        self.empty = len(points) == 0
        if self.empty:
            return
        ring_from = np.searchsorted(ring_of_point, np.arange(len(rings) + 1))
        west, south = points.min(axis=0)
        east, north = points.max(axis=0)
        rows, columns = _shape(len(points), east - west, north - south)
        self._grid: Numbers = np.array(
            [west, south, columns / (east - west), rows / (north - south), east, north], dtype=np.float64
        )
        shape = np.array([rows, columns])
        of_ring = area_of_part[part_of_ring]
        self._filed: Any = kernel.file_edges(points, ring_from, of_ring, len(polygons), self._grid, shape)
        self._laid: Any = kernel.lay_grid(self._filed, self._grid, shape)

    def __call__(self, lon: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """Give each point's area; see `Areas.locate`."""
        x = np.ascontiguousarray(lon, dtype=np.float64)
        y = np.ascontiguousarray(lat, dtype=np.float64)
        if x.shape != y.shape or x.ndim != 1:
            raise InputError(
                f"{x.shape} longitudes do not pair with {y.shape} latitudes", expected="two lists of one length"
            )
        found = np.full(len(x), -1, dtype=np.int32)
        if not self.empty:
            self._kernel.locate(x, y, found, self._laid, self._filed, self._grid)
        return found


def _shape(points: int, width: float, height: float) -> tuple[int, int]:
    """Choose rows and columns: nearly square cells, several for each edge, within 4 MB."""
    cells = min(max(CELLS_AN_EDGE * points, FEWEST_CELLS), MOST_CELLS)
    columns = min(max(sqrt(cells * width / height), 1), cells)
    return ceil(cells / columns), ceil(columns)
