"""How far people go: the law of jump lengths, and a place at that distance.

González, Hidalgo and Barabási (Nature 453, 2008) found, in phone records,

    P(Δr) ∝ (Δr + Δr₀)^-β · exp(-Δr / κ),   Δr₀ = 1.5 km, β = 1.75, κ = 400 km
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from commonweal.demo.geography import KM_PER_DEGREE, STEP, Raster
from commonweal.demo.randomness import Stream, quantile, uniform

OFFSET_KM = 1.5
EXPONENT = 1.75
CUTOFF_KM = 400.0
LONGEST_KM = 3000.0
DIRECTIONS = 12
ATTEMPTS = 20
BORDER_FRICTION = 0.15
"""A direction that leads abroad weighs this much of one at home with as many people."""


def density(km: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the law's density, not normalised, at lengths in km.

    Examples
    --------
    >>> [round(float(value), 5) for value in density(np.array([0.0, 10.0, 100.0]))]
    [0.49186, 0.01358, 0.00024]
    """
    return np.asarray((km + OFFSET_KM) ** -EXPONENT * np.exp(-km / CUTOFF_KM), np.float64)


def length_quantiles(count: int = 65_537, longest: float = LONGEST_KM) -> NDArray[np.float64]:
    """Give the lengths in km at `count` equally spaced quantiles of the law on [0, longest]."""
    km = np.concatenate([[0.0], np.geomspace(1e-3, longest, 200_000)])
    weight = density(km)
    below = np.concatenate([[0.0], np.cumsum((weight[1:] + weight[:-1]) / 2 * np.diff(km))])
    return np.interp(np.linspace(0, 1, count), below / below[-1], km)


@njit(cache=True, nogil=True)
def distance_km(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Distance in km on a plane tangent at the middle latitude."""
    across = (lon - other_lon) * math.cos(math.radians((lat + other_lat) / 2.0))
    up = lat - other_lat
    return KM_PER_DEGREE * math.sqrt(across * across + up * up)


@njit(cache=True, nogil=True)
def area_at(raster: Raster, lon: float, lat: float) -> int:
    """Index of the area at a place, read from the raster; -1 outside."""
    row, column = int((lat - raster.south) / STEP), int((lon - raster.west) / STEP)
    if lon < raster.west or lat < raster.south or row >= raster.area.shape[0] or column >= raster.area.shape[1]:
        return -1
    return raster.area[row, column]


@njit(cache=True, nogil=True)
def destination(
    stream: Stream,
    raster: Raster,
    lengths: NDArray[np.float64],
    longest: float,
    lon: float,
    lat: float,
    place: NDArray[np.float64],
) -> bool:
    """Write into `place` the longitude and latitude of a jump from (lon, lat); false when none was found.

    The length follows the law; the direction is one of twelve at random, each weighed by the people living where it
    leads. A length for which every direction leads off the map is drawn again.
    """
    weights = np.empty(DIRECTIONS)
    row, column = int((lat - raster.south) / STEP), int((lon - raster.west) / STEP)
    country = raster.country[row, column]
    km_across = KM_PER_DEGREE * math.cos(math.radians(lat))
    for _ in range(ATTEMPTS):
        length = quantile(stream, lengths)
        turn = uniform(stream)
        pick = uniform(stream)
        if length > longest:
            continue
        total = 0.0
        for k in range(DIRECTIONS):
            angle = 2.0 * math.pi * (k + turn) / DIRECTIONS
            x = lon + length * math.cos(angle) / km_across
            y = lat + length * math.sin(angle) / KM_PER_DEGREE
            row, column = int((y - raster.south) / STEP), int((x - raster.west) / STEP)
            weights[k] = 0.0
            if x < raster.west or y < raster.south or row >= raster.area.shape[0] or column >= raster.area.shape[1]:
                continue
            if raster.area[row, column] >= 0:
                weights[k] = raster.population[row, column] + 1.0
                if raster.country[row, column] != country:
                    weights[k] *= BORDER_FRICTION
            total += weights[k]
        if total <= 0.0:
            continue
        pick *= total
        k = 0
        while k < DIRECTIONS - 1 and pick >= weights[k]:
            pick -= weights[k]
            k += 1
        angle = 2.0 * math.pi * (k + turn) / DIRECTIONS
        place[0] = lon + length * math.cos(angle) / km_across
        place[1] = lat + length * math.sin(angle) / KM_PER_DEGREE
        if area_at(raster, place[0], place[1]) >= 0:
            return True
    return False
