"""Where one comes to on the ellipsoid, going so far in a direction; and circles made of that."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from commonweal.core.areas.measuring import EQUATORIAL_RADIUS_KM, FLATTENING

Numbers = npt.NDArray[np.float64]
CLOSE_ENOUGH = 1e-12
"""Radians by which the last round may still have moved the end: 6 µm."""
MOST_ROUNDS = 50


def destination(
    longitude: npt.ArrayLike,
    latitude: npt.ArrayLike,
    azimuth: npt.ArrayLike,
    distance: npt.ArrayLike,
    *,
    equatorial_radius: float = EQUATORIAL_RADIUS_KM,
    flattening: float = FLATTENING,
) -> Numbers:
    r"""Give the end of the geodesic that starts at a place in a direction and is so long (the direct problem).

    With the reduced latitude :math:`\tan U_1 = (1-f)\tan φ_1`, the azimuth at the equator
    :math:`\sin α = \cos U_1 \sin α_1`, the angle from the equator to the start
    :math:`\tan σ_1 = \tan U_1 / \cos α_1`, and :math:`u^2 = \cos^2 α\,(a^2-b^2)/b^2`,

    .. math::
        A &= 1 + \tfrac{u^2}{16384}\{4096 + u^2[-768 + u^2(320 - 175u^2)]\} \\
        B &= \tfrac{u^2}{1024}\{256 + u^2[-128 + u^2(74 - 47u^2)]\} \\
        Δσ &= B \sin σ \{\cos 2σ_m + \tfrac14 B[\cos σ(2\cos^2 2σ_m - 1)
              - \tfrac16 B\cos 2σ_m(4\sin^2 σ - 3)(4\cos^2 2σ_m - 3)]\} \\
        σ &= \tfrac{s}{bA} + Δσ, \qquad 2σ_m = 2σ_1 + σ

    where the last two lines are repeated until σ stays. Source: T. Vincenty, *Direct and inverse solutions of
    geodesics on the ellipsoid with application of nested equations*, Survey Review XXII, 176 (1975), equations 1 to 11.
    Right to half a millimetre on the Earth.

    Parameters
    ----------
    longitude, latitude
        Of the start, degrees.
    azimuth
        Direction at the start, degrees clockwise from north.
    distance
        s, km.
    equatorial_radius, flattening
        a in km, and f; by default those of WGS 84.

    Returns
    -------
    (n, 2) longitudes and latitudes, degrees; longitudes in -180 … 180.

    Examples
    --------
    From the equator a quarter of the way around to the north:

    >>> destination(10, 0, 0, 10001.965729).round(6).tolist()
    [[10.0, 90.0]]
    """
    start, phi, alpha, s = (
        np.atleast_1d(np.asarray(given, dtype=np.float64)) for given in (longitude, latitude, azimuth, distance)
    )
    phi, alpha, f = np.radians(phi), np.radians(alpha), flattening
    polar_radius = equatorial_radius * (1 - f)
    reduced = np.arctan((1 - f) * np.tan(phi))
    sine_u, cosine_u = np.sin(reduced), np.cos(reduced)
    sigma_1 = np.arctan2(sine_u, cosine_u * np.cos(alpha))
    sine_alpha = cosine_u * np.sin(alpha)
    cosine2_alpha = 1 - sine_alpha**2
    u2 = cosine2_alpha * (equatorial_radius**2 - polar_radius**2) / polar_radius**2
    a = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)))
    b = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)))
    sigma = s / (polar_radius * a)
    for _ in range(MOST_ROUNDS):
        middle = np.cos(2 * sigma_1 + sigma)
        inner = np.cos(sigma) * (2 * middle**2 - 1)
        inner -= b / 6 * middle * (4 * np.sin(sigma) ** 2 - 3) * (4 * middle**2 - 3)
        before, sigma = sigma, s / (polar_radius * a) + b * np.sin(sigma) * (middle + b / 4 * inner)
        if np.abs(sigma - before).max(initial=0.0) < CLOSE_ENOUGH:
            break
    middle = np.cos(2 * sigma_1 + sigma)
    sine, cosine = np.sin(sigma), np.cos(sigma)
    across = sine_u * sine - cosine_u * cosine * np.cos(alpha)
    end = np.arctan2(sine_u * cosine + cosine_u * sine * np.cos(alpha), (1 - f) * np.sqrt(sine_alpha**2 + across**2))
    on_sphere = np.arctan2(sine * np.sin(alpha), cosine_u * cosine - sine_u * sine * np.cos(alpha))
    c = f / 16 * cosine2_alpha * (4 + f * (4 - 3 * cosine2_alpha))
    turned = on_sphere - (1 - c) * f * sine_alpha * (sigma + c * sine * (middle + c * cosine * (2 * middle**2 - 1)))
    longitudes = (start + np.degrees(turned) + 540) % 360 - 180
    return np.column_stack([longitudes, np.degrees(end)])


def circle(longitude: float, latitude: float, radius: float, corners: int) -> Numbers:
    """Give places that lie so far from a centre in all directions, counterclockwise.

    Parameters
    ----------
    longitude, latitude
        Of the centre, degrees.
    radius
        Length of the geodesic from the centre to each place, km.
    corners
        How many. The polygon through n of them is smaller than the circle by about the part (2π/n)²/6.

    Returns
    -------
    (corners, 2) longitudes and latitudes, degrees.

    Examples
    --------
    >>> circle(0, 45, 111, 4).round(3).tolist()
    [[0.0, 45.999], [-1.408, 44.991], [0.0, 44.001], [1.408, 44.991]]
    """
    azimuths = -np.arange(corners) * (360 / corners)
    return destination(longitude, latitude, azimuths, radius)
