"""A metric grid over areas: its points, and which area each lies in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor

import numpy as np
import numpy.typing as npt
import shapely

from commonweal.core.areas import Areas
from commonweal.core.errors import InputError
from commonweal.mobility.footprint.projection import Projection

Numbers = npt.NDArray[np.float64]
FINEST, COARSEST = 100.0, 1000.0
MOST_PLACES = 200_000_000
PLACES_AT_ONCE = 1_000_000
LONGEST_EDGE = 0.1
"""Degrees: an outline's edge is straight in degrees and bent in the plane, so its middle may reach farther."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Squares of one size in an equal-area plane; a point is the middle of a square, and lies in an area.

    Parameters
    ----------
    projection
        The plane.
    step
        Side of a square, metres.
    west, south
        Corner of the first square, metres in the plane; multiples of `step`.
    place
        int32[rows, columns]: the point in each square from south to north and west to east, or -1 outside all areas.
    area
        int32[points]: the index of the area that each point lies in.
    codes
        The areas' codes.
    """

    projection: Projection
    step: float
    west: float
    south: float
    place: npt.NDArray[np.int32]
    area: npt.NDArray[np.int32]
    codes: tuple[str, ...]

    def __len__(self) -> int:
        """Give the number of points."""
        return len(self.area)

    @cached_property
    def points(self) -> Numbers:
        """Where the points are, metres in the plane: float64[points, 2]."""
        row, column = np.nonzero(self.place >= 0)
        return np.column_stack([self.west + (column + 0.5) * self.step, self.south + (row + 0.5) * self.step])

    @cached_property
    def degrees(self) -> Numbers:
        """Where the points are, longitude and latitude: float64[points, 2]."""
        return self.projection.degrees(*self.points.T)

    @property
    def parameters(self) -> Mapping[str, float]:
        """What must be stamped on whatever is made with this grid."""
        return {
            "grid_step": self.step,
            "grid_longitude": self.projection.longitude,
            "grid_latitude": self.projection.latitude,
        }

    def points_by_area(self) -> npt.NDArray[np.int64]:
        """Give how many points each area has, int64[areas]: 0 for one that slips through the grid."""
        return np.bincount(self.area, minlength=len(self.codes)).astype(np.int64)


def lay_grid(areas: Areas, step: float = 500.0, origin: tuple[float, float] | None = None) -> Grid:
    """Lay a grid over areas.

    A point belongs to the area it lies in by `Areas.locate`; squares whose middle lies in none have no point. Squares'
    corners are whole multiples of the step away from the origin.

    Parameters
    ----------
    areas
        The areas, not necessarily a country without gaps.
    step
        Side of a square, from 100 to 1000 metres.
    origin
        Longitude and latitude around which the plane is laid; the middle of the areas, in tenths of a degree, if none.
        (10, 52) with a step of 1000 gives the squares of the European statistical grid.

    Raises
    ------
    InputError
        The step is not between 100 and 1000 m, there is no area, there would be too many squares, or not one point.

    Examples
    --------
    >>> west, east = shapely.box(0, 0, 0.02, 0.01), shapely.box(0.02, 0, 0.03, 0.01)
    >>> areas = Areas(("W", "E"), ("West", "East"), np.array([west, east]))
    >>> grid = lay_grid(areas, 500)
    >>> grid.place.shape, len(grid), grid.points_by_area().tolist()
    ((3, 7), 14, [8, 6])
    >>> grid.points[0].tolist()
    [250.0, 250.0]
    """
    if not FINEST <= step <= COARSEST:
        raise InputError(f"a grid of {step:g} m", expected=f"{FINEST:g} to {COARSEST:g} m")
    outline = shapely.get_coordinates(shapely.segmentize(areas.polygons, LONGEST_EDGE))
    if not len(outline):
        raise InputError("there is no area to lay a grid over", expected="areas with outlines")
    projection = Projection(*(origin or _middle(outline)))
    corners = projection.plane(*outline.T)
    west, south = (float(floor(low / step) * step) for low in corners.min(axis=0))
    east, north = corners.max(axis=0)
    columns, rows = max(1, ceil((east - west) / step)), max(1, ceil((north - south) / step))
    if columns * rows > MOST_PLACES:
        raise InputError(
            f"a grid of {step:g} m has {columns * rows:,} squares over these areas",
            expected=f"a coarser grid, or areas for which there are at most {MOST_PLACES:,}",
        )
    place = np.full((rows, columns), -1, np.int32)
    located = [np.zeros(0, np.int32)]
    count = 0
    xs = west + (np.arange(columns) + 0.5) * step
    at_once = max(1, PLACES_AT_ONCE // columns)
    for first in range(0, rows, at_once):
        ys = south + (np.arange(first, min(first + at_once, rows)) + 0.5) * step
        x, y = (axis.ravel() for axis in np.meshgrid(xs, ys))
        area = areas.locate(*projection.degrees(x, y).T)
        inside = area >= 0
        numbers = np.full(len(area), -1, np.int32)
        numbers[inside] = np.arange(count, count + inside.sum(), dtype=np.int32)
        place[first : first + len(ys)] = numbers.reshape(len(ys), columns)
        located.append(area[inside])
        count += int(inside.sum())
    if not count:
        raise InputError(f"no middle of a square of {step:g} m lies in any area", expected="a finer grid")
    return Grid(projection, float(step), west, south, place, np.concatenate(located), areas.codes)


def _middle(outline: Numbers) -> tuple[float, float]:
    """Give the middle in tenths of a degree; areas on both sides of the 180th meridian are not torn apart."""
    longitude = np.sort(outline[:, 0])
    gaps = np.diff(longitude, append=longitude[0] + 360)
    start = longitude[(int(gaps.argmax()) + 1) % len(longitude)]
    middle = start + (360 - gaps.max()) / 2
    latitude = (outline[:, 1].min() + outline[:, 1].max()) / 2
    return round((float(middle) + 540) % 360 - 180, 1), round(float(latitude), 1)
