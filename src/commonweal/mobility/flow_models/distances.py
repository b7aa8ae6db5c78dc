"""Distances between areas, along the ellipsoid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from commonweal.core.areas.measuring import EQUATORIAL_RADIUS_KM, FLATTENING
from commonweal.mobility.flow_models.places import Numbers

MEAN_RADIUS_KM = 6371.0088
MOST_ROUNDS = 200
CLOSE_ENOUGH = 1e-12
"""Radians by which the last round may still have moved the difference of longitudes: 6 µm."""


def geodesic_distances(points: npt.ArrayLike) -> Numbers:
    r"""Give the length of the shortest way between all points on the WGS 84 ellipsoid, in km (the inverse problem).

    With reduced latitudes :math:`\tan U = (1-f)\tan φ` and L the difference of longitudes, from λ = L

    .. math::
        \sin^2 σ &= (\cos U_2 \sin λ)^2 + (\cos U_1 \sin U_2 - \sin U_1 \cos U_2 \cos λ)^2 \\
        \cos σ &= \sin U_1 \sin U_2 + \cos U_1 \cos U_2 \cos λ, \qquad \sin α = \cos U_1 \cos U_2 \sin λ / \sin σ \\
        λ &= L + (1-C) f \sin α \{σ + C \sin σ [\cos 2σ_m + C \cos σ (2\cos^2 2σ_m - 1)]\}

    until λ stays; then :math:`s = b A (σ - Δσ)` with A, B and Δσ as in `commonweal.core.areas.geodesic.destination`.
    Right to half a millimetre. Nearly opposite ends of the Earth, for which λ does not settle, are given the length of
    the great circle on a sphere of radius 6371.0088 km, right to 0.6 %.

    Source: T. Vincenty, *Direct and inverse solutions of geodesics on the ellipsoid with application of nested
    equations*, Survey Review XXII, 176 (1975), equations 13 to 20.

    Parameters
    ----------
    points
        (n, 2) longitudes and latitudes, degrees, such as `Areas.centroids()`.

    Returns
    -------
    (n, n) km, 0 on the diagonal.

    Examples
    --------
    A degree along the equator, and a quarter of a meridian:

    >>> geodesic_distances([[0, 0], [1, 0], [0, 90]]).round(6)[0].tolist()
    [0.0, 111.319491, 10001.965729]
    """
    at = np.radians(np.asarray(points, dtype=np.float64).reshape(-1, 2))
    one, two = np.triu_indices(len(at), 1)
    lengths = np.zeros((len(at), len(at)))
    lengths[one, two] = _between(at[one], at[two])
    return lengths + lengths.T


def _between(start: Numbers, end: Numbers) -> Numbers:
    f, b = FLATTENING, EQUATORIAL_RADIUS_KM * (1 - FLATTENING)
    u_1, u_2 = (np.arctan((1 - f) * np.tan(at[:, 1])) for at in (start, end))
    sine_1, cosine_1, sine_2, cosine_2 = np.sin(u_1), np.cos(u_1), np.sin(u_2), np.cos(u_2)
    apart = (end[:, 0] - start[:, 0] + np.pi) % (2 * np.pi) - np.pi
    turned = apart.copy()
    settled = np.zeros(len(apart), dtype=bool)
    for _ in range(MOST_ROUNDS):
        sine_turned, cosine_turned = np.sin(turned), np.cos(turned)
        sine = np.hypot(cosine_2 * sine_turned, cosine_1 * sine_2 - sine_1 * cosine_2 * cosine_turned)
        cosine = sine_1 * sine_2 + cosine_1 * cosine_2 * cosine_turned
        sigma = np.arctan2(sine, cosine)
        sine_alpha = np.divide(cosine_1 * cosine_2 * sine_turned, sine, out=np.zeros_like(sine), where=sine > 0)
        cosine2_alpha = 1 - sine_alpha**2
        # On the equator cos² α is 0, and the middle does not matter.
        middle = cosine - np.divide(2 * sine_1 * sine_2, cosine2_alpha, out=cosine.copy(), where=cosine2_alpha > 1e-15)
        c = f / 16 * cosine2_alpha * (4 + f * (4 - 3 * cosine2_alpha))
        inner = middle + c * cosine * (2 * middle**2 - 1)
        before, turned = turned, apart + (1 - c) * f * sine_alpha * (sigma + c * sine * inner)
        settled = (np.abs(turned - before) < CLOSE_ENOUGH) & (np.abs(turned) <= np.pi)
        if settled.all():
            break
    u2 = cosine2_alpha * (EQUATORIAL_RADIUS_KM**2 - b**2) / b**2
    a = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)))
    bb = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)))
    inner = cosine * (2 * middle**2 - 1) - bb / 6 * middle * (4 * sine**2 - 3) * (4 * middle**2 - 3)
    along: Numbers = b * a * (sigma - bb * sine * (middle + bb / 4 * inner))
    half = np.sin((end[:, 1] - start[:, 1]) / 2) ** 2
    half += np.cos(start[:, 1]) * np.cos(end[:, 1]) * np.sin(apart / 2) ** 2
    return np.where(settled, along, 2 * MEAN_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(half, 1.0))))
