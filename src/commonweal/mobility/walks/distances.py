"""Distances on the ground, and how far places lie around their centre.

Two ways, each under its name:

``geodesic``
    On WGS 84. Two points are 2 R asin(c / 2 R) apart, with c the straight line between them and R the mean radius (see
    `commonweal.mobility.network.metres`). The centre is the point of the ground beneath the weighted mean of the
    points in space, so no meridian and no pole matters.
``haversine``
    On a sphere of 6 371 km. The centre has the weighted means of latitude and of longitude. This is what
    scikit-mobility and bandicoot do.
"""

from __future__ import annotations

import numpy as np

from commonweal.core.kernels import kernel
from commonweal.mobility.network import EARTH, EQUATOR, FLATTENING

GEODESIC, HAVERSINE = "geodesic", "haversine"
SPHERE = 6371.0
"""Radius of the sphere of ``haversine``, km."""
POLE = EQUATOR * (1 - FLATTENING)


@kernel()
def arc(east: float, north: float, up: float, to_east: float, to_north: float, to_up: float) -> float:
    """How far two points of the ground lie apart by ``geodesic``, km, each given as metres from the earth's centre.

    >>> round(arc(6378137.0, 0.0, 0.0, 6377165.576, 111313.837, 0.0), 3)  # a degree on the equator
    111.319
    """
    squared = (east - to_east) ** 2 + (north - to_north) ** 2 + (up - to_up) ** 2
    return 2e-3 * EARTH * np.arcsin(min(1.0, np.sqrt(squared) / (2 * EARTH)))


@kernel()
def haversine(longitude: float, latitude: float, to_longitude: float, to_latitude: float) -> float:
    """How far two points lie apart by ``haversine``, km.

    Examples
    --------
    Brussels and Paris, as in bandicoot's documentation:

    >>> round(haversine(4.3517, 50.8503, 2.3522, 48.8566), 9)
    263.975416408
    """
    north, to_north = np.radians(latitude), np.radians(to_latitude)
    half = np.sin((to_north - north) / 2) ** 2
    half += np.cos(north) * np.cos(to_north) * np.sin(np.radians(to_longitude - longitude) / 2) ** 2
    return 2 * SPHERE * np.arctan2(np.sqrt(half), np.sqrt(1 - half))


@kernel()
def apart(
    longitude: np.ndarray, latitude: np.ndarray, ground: np.ndarray, geodesic: bool, one: int, other: int
) -> float:
    """How far two places lie apart, km.

    Parameters
    ----------
    longitude, latitude, ground
        As in `Places`.
    geodesic
        Which way.
    one, other
        Two places.
    """
    if one == other:
        return 0.0
    if geodesic:
        a, b = ground[one], ground[other]
        return arc(a[0], a[1], a[2], b[0], b[1], b[2])
    return haversine(longitude[one], latitude[one], longitude[other], latitude[other])


@kernel()
def gyration(
    longitude: np.ndarray,
    latitude: np.ndarray,
    ground: np.ndarray,
    geodesic: bool,
    place: np.ndarray,
    weight: np.ndarray,
) -> float:
    """√(Σ w d² / Σ w), with d the distance of each place to the centre of all; km.

    Parameters
    ----------
    longitude, latitude, ground, geodesic
        As for `apart`.
    place, weight
        Distinct places and how much each weighs, not all nothing, shape (n,).

    Examples
    --------
    Two points on the equator, 2° apart and equally often: each is 1° from the middle.

    >>> from commonweal.mobility.network import from_centre
    >>> longitude, latitude = np.array([0.0, 2.0]), np.array([0.0, 0.0])
    >>> ground, both = from_centre(longitude, latitude), np.array([0, 1])
    >>> round(gyration(longitude, latitude, ground, True, both, np.array([3.0, 3.0])), 2)
    111.32
    >>> round(gyration(longitude, latitude, ground, False, both, np.array([3.0, 3.0])), 2)
    111.19
    """
    if len(place) == 1:
        return 0.0
    total = x = y = z = 0.0
    for i in range(len(place)):
        p, w = place[i], weight[i]
        total += w
        if geodesic:
            x, y, z = x + w * ground[p, 0], y + w * ground[p, 1], z + w * ground[p, 2]
        else:
            x, y = x + w * longitude[p], y + w * latitude[p]
    if geodesic:
        scale = 1 / np.sqrt((x / EQUATOR) ** 2 + (y / EQUATOR) ** 2 + (z / POLE) ** 2)
        x, y, z = x * scale, y * scale, z * scale
    else:
        x, y = x / total, y / total
    squares = 0.0
    for i in range(len(place)):
        p = place[i]
        if geodesic:
            d = arc(ground[p, 0], ground[p, 1], ground[p, 2], x, y, z)
        else:
            d = haversine(longitude[p], latitude[p], x, y)
        squares += weight[i] * d**2
    return np.sqrt(squares / total)
