"""A plane in metres around a place, in which every grid cell has the same size on the ground."""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

import numpy as np
import numpy.typing as npt

from commonweal.core.areas.measuring import ECCENTRICITY, EQUATORIAL_RADIUS_KM

Numbers = npt.NDArray[np.float64]
RADIUS = EQUATORIAL_RADIUS_KM * 1000
E2 = ECCENTRICITY**2
NORTHWARD = 1e-5
"""Degrees by which one goes north to see where north is: a metre."""


@dataclass(frozen=True)
class Projection:
    r"""Lambert's azimuthal equal-area projection of the WGS 84 ellipsoid around an origin.

    With *q* as in `measuring.area_km2`, :math:`β = \arcsin(q/q_p)`, :math:`q_p = q(90°)`, :math:`R = a\sqrt{q_p/2}`,
    :math:`D = \frac{a\cos φ_1}{R\cos β_1\sqrt{1-e^2\sin^2 φ_1}}`,

    .. math::
        B &= R\sqrt{2/(1 + \sin β_1\sin β + \cos β_1\cos β\cos(λ-λ_0))} \\
        x &= B D\cos β\sin(λ-λ_0), \qquad y = \tfrac{B}{D}(\cos β_1\sin β - \sin β_1\cos β\cos(λ-λ_0))

    Sizes are true everywhere; distances at 400 km from the origin are off by 0.05 %. With the origin 10° east,
    52° north it is that of the European statistical grid (EPSG:3035), but for the false easting and northing.

    Source: Snyder (1987), Map projections: a working manual, equations 24-2, 24-17 to 24-20 and 3-18.

    Parameters
    ----------
    longitude, latitude
        Of the origin, degrees.

    Examples
    --------
    The example of EPSG guidance note 7-2, less its false easting of 4,321,000 and northing of 3,210,000:

    >>> Projection(10, 52).plane([5.0], [50.0]).round(2).tolist()
    [[-358200.55, -210281.15]]
    """

    longitude: float
    latitude: float

    def plane(self, longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> Numbers:
        """Give x and y, metres east and north of the origin, of places in degrees: float64[n, 2]."""
        turned = np.radians(np.asarray(longitude, dtype=np.float64) - self.longitude)
        beta = np.arcsin(np.clip(_q(np.radians(np.asarray(latitude, dtype=np.float64))) / _Q_POLE, -1, 1))
        middle, stretch = self._middle()
        sine, cosine = np.sin(beta), np.cos(beta)
        b = _AUTHALIC * np.sqrt(2 / (1 + sin(middle) * sine + cos(middle) * cosine * np.cos(turned)))
        x = b * stretch * cosine * np.sin(turned)
        y = b / stretch * (cos(middle) * sine - sin(middle) * cosine * np.cos(turned))
        return np.column_stack([x, y])

    def degrees(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Numbers:
        """Give longitude and latitude of places in the plane: float64[n, 2], the longitude in -180 … 180."""
        east, north = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        middle, stretch = self._middle()
        rho = np.hypot(east / stretch, north * stretch)
        c = 2 * np.arcsin(np.clip(rho / (2 * _AUTHALIC), -1, 1))
        towards = np.divide(np.sin(c), rho, out=np.full_like(rho, 1 / _AUTHALIC), where=rho > 0)
        sine = np.clip(np.cos(c) * sin(middle) + stretch * north * towards * cos(middle), -1, 1)
        turned = np.arctan2(
            east * towards, stretch * (cos(middle) * np.cos(c) - stretch * north * sin(middle) * towards)
        )
        longitude = (self.longitude + np.degrees(turned) + 540) % 360 - 180
        return np.column_stack([longitude, np.degrees(_latitude(sine))])

    def north(self, longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> Numbers:
        """Give the direction of true north in the plane at places: degrees clockwise from the plane's own, float64[n].

        Azimuths of cells are from true north; away from the origin's meridian the plane's north is another.
        """
        at = np.asarray(latitude, dtype=np.float64)
        step = np.where(at < 89, NORTHWARD, -NORTHWARD)
        there = (self.plane(longitude, at + step) - self.plane(longitude, at)) * np.sign(step)[:, None]
        return np.degrees(np.arctan2(there[:, 0], there[:, 1]))

    def _middle(self) -> tuple[float, float]:
        """Give β₁ and D."""
        phi = radians(self.latitude)
        middle = asin(max(-1.0, min(1.0, float(_q(np.array(phi))) / _Q_POLE)))
        if abs(self.latitude) > 89:
            return middle, 1.0
        return middle, RADIUS * cos(phi) / sqrt(1 - E2 * sin(phi) ** 2) / (_AUTHALIC * cos(middle))


def _q(latitude: Numbers) -> Numbers:
    e, sine = ECCENTRICITY, np.sin(latitude)
    q: Numbers = (1 - E2) * (sine / (1 - (e * sine) ** 2) - np.log((1 - e * sine) / (1 + e * sine)) / (2 * e))
    return q


def _latitude(sine_of_authalic: Numbers) -> Numbers:
    """Give the latitude by Snyder's series 3-18, then one step of Newton's method, to less than a micrometre."""
    beta = np.arcsin(sine_of_authalic)
    phi = beta + (E2 / 3 + 31 * E2**2 / 180 + 517 * E2**3 / 5040) * np.sin(2 * beta)
    phi += (23 * E2**2 / 360 + 251 * E2**3 / 3780) * np.sin(4 * beta) + 761 * E2**3 / 45360 * np.sin(6 * beta)
    slope = 2 * (1 - E2) * np.cos(phi) / (1 - E2 * np.sin(phi) ** 2) ** 2
    off = sine_of_authalic * _Q_POLE - _q(phi)
    return phi + np.divide(off, slope, out=np.zeros_like(phi), where=slope > 1e-3)


_Q_POLE = float(_q(np.array(np.pi / 2)))
_AUTHALIC = RADIUS * sqrt(_Q_POLE / 2)
