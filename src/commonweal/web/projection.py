"""From longitude and latitude to the screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import cos, radians
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Projection:
    r"""Equirectangular, true to scale along the middle latitude of what is shown.

    .. math:: x = s·(λ - λ_0)·\cos φ_m, \qquad y = s·(φ_0 - φ)

    with λ the longitude and φ the latitude in degrees, φ_m the middle latitude, (λ₀, φ₀) the screen's north-west
    corner and s the scale in screen units per degree. Source: Snyder, *Map projections: a working manual*, USGS
    Professional Paper 1395 (1987), equations 12-1 and 12-2.

    Parameters
    ----------
    west, north
        λ₀ and φ₀, degrees.
    scale
        s, screen units per degree of latitude.
    shrink
        cos φ_m.
    width, height
        Size of the screen, in its units.
    over_antimeridian
        Whether western longitudes are taken as lying east of 180°.
    """

    west: float
    north: float
    scale: float
    shrink: float
    width: float
    height: float
    over_antimeridian: bool = False

    def __call__(self, places: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Project places.

        Parameters
        ----------
        places
            (n, 2) longitudes and latitudes, degrees, WGS 84.

        Returns
        -------
        (n, 2) screen positions, x to the right and y downward.

        Examples
        --------
        >>> fit([(-10, 0, 10, 20)], width=100, padding=0)([(-10, 20), (10, 0)]).round(1).tolist()
        [[0.0, 0.0], [100.0, 101.5]]
        """
        given = np.asarray(places, dtype=np.float64).reshape(-1, 2)
        longitude = given[:, 0]
        if self.over_antimeridian:
            longitude = np.where(longitude < 0, longitude + 360, longitude)
        x = (longitude - self.west) * self.shrink * self.scale
        y = (self.north - given[:, 1]) * self.scale
        return np.column_stack([x, y])


def fit(
    bounds: Iterable[tuple[float, float, float, float]] | npt.NDArray[np.float64],
    *,
    width: float = 720.0,
    tallest: float = 1.1,
    padding: float = 8.0,
) -> Projection:
    """Find the projection that shows boxes as large as the screen allows.

    Parameters
    ----------
    bounds
        (west, south, east, north) of each thing to show, degrees.
    width
        Of the screen, in its units.
    tallest
        Height over width at most; a country longer than that leaves room at its sides.
    padding
        Empty border, in screen units.
    """
    boxes: Any = np.asarray(list(bounds), dtype=np.float64).reshape(-1, 4)
    if not boxes.size:
        boxes = np.array([[-180.0, -60.0, 180.0, 75.0]])
    west, east = boxes[:, 0], boxes[:, 2]
    # Things on both sides of 180° are shown together when that makes the map narrower.
    shifted_west, shifted_east = np.where(west < 0, west + 360, west), np.where(east < 0, east + 360, east)
    over = bool(
        (shifted_east >= shifted_west).all() and np.ptp([*shifted_west, *shifted_east]) < np.ptp([*west, *east])
    )
    if over:
        west, east = shifted_west, shifted_east
    left, right = float(west.min()), float(east.max())
    south, north = float(boxes[:, 1].min()), float(boxes[:, 3].max())
    shrink = cos(radians((south + north) / 2))
    across, down = max((right - left) * shrink, 1e-9), max(north - south, 1e-9)
    room = width - 2 * padding
    scale = min(room / across, (width * tallest - 2 * padding) / down)
    height = down * scale + 2 * padding
    return Projection(
        west=(left + right) / 2 - width / 2 / scale / shrink,
        north=north + padding / scale,
        scale=scale,
        shrink=shrink,
        width=width,
        height=round(height, 1),
        over_antimeridian=over,
    )
