"""Measures of areas: their size on the ellipsoid, and who borders on whom."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt
import shapely

Polygons = npt.NDArray[np.object_]
EQUATORIAL_RADIUS_KM = 6378.137
FLATTENING = 1 / 298.257223563
ECCENTRICITY = sqrt(FLATTENING * (2 - FLATTENING))
ROUNDING_KM2 = 1e-6
"""A square metre: two outlines that share less only touch."""
BORDER_IN_GAPS = 10
"""Times the gap that two outlines must run along one another before they count as a border rather than a corner."""


def area_km2(polygons: Polygons) -> npt.NDArray[np.float64]:
    r"""Give the area on the WGS 84 ellipsoid, in km².

    Edges are straight in longitude and latitude, as RFC 7946 defines them. With *a* the equatorial radius, *e* the
    eccentricity and

    .. math::
        q(φ) = (1-e^2)\left[\frac{\sin φ}{1-e^2\sin^2 φ} - \frac{1}{2e}\ln\frac{1-e\sin φ}{1+e\sin φ}\right]

    a ring's area is :math:`\left|\tfrac{a^2}{2}\oint q(φ)\,dλ\right|`, each edge's integral by three Gauss points;
    holes are taken off.

    Source: Snyder (1987), Map projections: a working manual, USGS Professional Paper 1395, equation 3-12.

    Examples
    --------
    A square degree on the equator:

    >>> round(float(area_km2(np.array([shapely.box(0, 0, 1, 1)]))[0]), 1)
    12308.5
    """
    parts, area_of_part = shapely.get_parts(polygons, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    points, ring_of_point = shapely.get_coordinates(rings, return_index=True)
    sizes = np.zeros(len(rings))
    if len(points):
        longitudes, latitudes = np.radians(points).T
        step = np.diff(longitudes)
        middle, half = (latitudes[1:] + latitudes[:-1]) / 2, np.diff(latitudes) / 2
        node = sqrt(3 / 5)
        mean = (5 * _q(middle - node * half) + 8 * _q(middle) + 5 * _q(middle + node * half)) / 18
        same = ring_of_point[1:] == ring_of_point[:-1]
        np.add.at(sizes, ring_of_point[1:][same], (mean * step)[same])
    outer = np.concatenate([[True], np.diff(part_of_ring) > 0]) if len(rings) else np.zeros(0, bool)
    signed = np.where(outer, np.abs(sizes), -np.abs(sizes)) * EQUATORIAL_RADIUS_KM**2 / 2
    areas = np.zeros(len(polygons))
    np.add.at(areas, area_of_part[part_of_ring], signed)
    return areas


def _q(latitude: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    e, sine = ECCENTRICITY, np.sin(latitude)
    q: npt.NDArray[np.float64] = (1 - e * e) * (
        sine / (1 - (e * sine) ** 2) - np.log((1 - e * sine) / (1 + e * sine)) / (2 * e)
    )
    return q


def shares_inside(polygons: Polygons, place: shapely.Geometry) -> npt.NDArray[np.float64]:
    """Give which part of each polygon's area lies inside a place: 0 where it meets less than a square metre of it.

    Parameters
    ----------
    polygons
        object[n] of polygons and multipolygons, WGS 84.
    place
        A polygon or multipolygon.

    Returns
    -------
    float64[n], from 0 to 1.

    Examples
    --------
    >>> squares = np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(5, 0, 6, 1)])
    >>> shares_inside(squares, shapely.box(0.5, 0, 2, 1)).round(6).tolist()
    [0.5, 1.0, 0.0]
    """
    shares = np.zeros(len(polygons))
    met = np.flatnonzero(shapely.intersects(polygons, place)) if len(polygons) else np.zeros(0, np.int64)
    inside = area_km2(shapely.intersection(polygons[met], place))
    whole = area_km2(polygons[met])
    shares[met] = np.where(inside > ROUNDING_KM2, np.minimum(inside / whole, 1.0), 0.0)
    return shares


def neighbours(polygons: Polygons, gap: float) -> npt.NDArray[np.int32]:
    """Give the pairs whose outlines share a line, or run along one another within `gap` degrees.

    The second holds where more than ten times the gap of one's outline lies within the gap of the other, so that areas
    that only meet at a corner are no neighbours. Pairs are (lower index, higher index), in order.
    """
    first, second = shapely.STRtree(polygons).query(polygons, predicate="dwithin", distance=gap)
    first, second = first[first < second], second[first < second]
    shares = shapely.relate_pattern(polygons[first], polygons[second], "****1****")
    unsure = np.flatnonzero(~shares)
    near = shapely.buffer(polygons[second[unsure]], gap)
    along = shapely.length(shapely.intersection(shapely.boundary(polygons[first[unsure]]), near))
    shares[unsure] = along > BORDER_IN_GAPS * gap
    pairs = np.column_stack([first[shares], second[shares]]).astype(np.int32)
    ordered: npt.NDArray[np.int32] = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return ordered


def overlaps(polygons: Polygons, others: Polygons | None = None) -> list[tuple[int, int, float]]:
    """Give the pairs that share more than a border: (first, second, km² shared), the largest first.

    Without `others`, the pairs are among the polygons themselves and each is named once. Less than a square metre is
    rounding and not named.
    """
    against = polygons if others is None else others
    first, second = shapely.STRtree(against).query(polygons, predicate="intersects")
    if others is None:
        first, second = first[first < second], second[first < second]
    inner = shapely.relate_pattern(polygons[first], against[second], "2********")
    first, second = first[inner], second[inner]
    shared = area_km2(shapely.intersection(polygons[first], against[second]))
    found = [
        (int(a), int(b), float(km2)) for a, b, km2 in zip(first, second, shared, strict=True) if km2 > ROUNDING_KM2
    ]
    return sorted(found, key=lambda pair: (-pair[2], pair[0], pair[1]))
