"""Geodesics on the ellipsoid, against values that were published."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.core.areas import geodesic

BESSEL = {"equatorial_radius": 6377.397155, "flattening": 1 / 299.1528128}
INTERNATIONAL = {"equatorial_radius": 6378.388, "flattening": 1 / 297}
GRS80 = {"equatorial_radius": 6378.137, "flattening": 1 / 298.257222101}
WGS84: dict[str, float] = {}
HUNDRED_THOUSANDTH_OF_A_SECOND = 1e-5 / 3600
"""Degrees: what Vincenty printed, 0.3 mm on the ground."""


def degrees(sign: int, whole: int, minutes: int, seconds: float) -> float:
    return sign * (whole + minutes / 60 + seconds / 3600)


VINCENTY = [
    # ellipsoid, start's latitude, azimuth, metres, end's latitude, difference of longitude
    (BESSEL, (1, 55, 45, 0), (1, 96, 36, 8.79960), 14110526.170, (-1, 33, 26, 0), (1, 108, 13, 0)),
    (
        INTERNATIONAL,
        (1, 37, 19, 54.95367),
        (1, 95, 27, 59.63089),
        4085966.703,
        (1, 26, 7, 42.83946),
        (1, 41, 28, 35.50729),
    ),
    (
        INTERNATIONAL,
        (1, 35, 16, 11.24862),
        (1, 15, 44, 23.74850),
        8084823.839,
        (1, 67, 22, 14.77638),
        (1, 137, 47, 28.31435),
    ),
    (INTERNATIONAL, (1, 1, 0, 0), (1, 89, 0, 0), 19960000.0, (-1, 0, 59, 53.83076), (1, 179, 17, 48.02997)),
    (
        INTERNATIONAL,
        (1, 1, 0, 0),
        (1, 4, 59, 59.99995),
        19780006.558,
        (1, 1, 1, 15.18952),
        (1, 179, 46, 17.84244),
    ),
]


@pytest.mark.parametrize(("ellipsoid", "latitude", "azimuth", "metres", "end", "turned"), VINCENTY)
def test_the_five_lines_that_vincenty_published(ellipsoid, latitude, azimuth, metres, end, turned):
    """Survey Review XXII, 176 (1975), table II: within four units of its last digit, 1.2 mm."""
    [[longitude, reached]] = geodesic.destination(0, degrees(*latitude), degrees(*azimuth), metres / 1000, **ellipsoid)
    assert reached == pytest.approx(degrees(*end), abs=4 * HUNDRED_THOUSANDTH_OF_A_SECOND)
    assert longitude == pytest.approx(degrees(*turned), abs=4 * HUNDRED_THOUSANDTH_OF_A_SECOND)


def test_from_flinders_peak_to_buninyong():
    """Geoscience Australia, Geocentric Datum of Australia technical manual: within 1 mm, as it is printed."""
    [[longitude, latitude]] = geodesic.destination(
        degrees(1, 144, 25, 29.52440),
        degrees(-1, 37, 57, 3.72030),
        degrees(1, 306, 52, 5.37),
        54.972271,
        **GRS80,
    )
    assert longitude == pytest.approx(degrees(1, 143, 55, 35.38390), abs=1e-8)
    assert latitude == pytest.approx(degrees(-1, 37, 39, 10.15610), abs=1e-8)


def test_halfway_round_the_earth_as_geographiclib_says():
    """Its Python documentation, from Perth 20,000 km to the south-west on WGS 84: within 1 mm."""
    [[longitude, latitude]] = geodesic.destination(115.74, -32.06, 225, 20000)
    assert longitude == pytest.approx(-63.95925278, abs=1e-8)
    assert latitude == pytest.approx(32.11195529, abs=1e-8)


places = st.tuples(st.floats(-180, 180), st.floats(-89, 89))


@given(places, st.floats(0.001, 2000))
def test_two_halves_along_a_meridian_make_a_whole(start, half):
    longitude, latitude = start
    azimuth = 0 if latitude < 0 else 180
    [[x, y]] = geodesic.destination(longitude, latitude, azimuth, half)
    [[x, y]] = geodesic.destination(x, y, azimuth, half)
    [[far_x, far_y]] = geodesic.destination(longitude, latitude, azimuth, 2 * half)
    assert y == pytest.approx(far_y, abs=1e-8)
    assert (x - far_x + 180) % 360 - 180 == pytest.approx(0, abs=1e-8)


@given(places, st.floats(0.001, 2000))
def test_a_circle_is_symmetric_to_the_meridian_of_its_centre(centre, radius):
    points = geodesic.circle(*centre, radius, 36)
    turned = (points[:, 0] - centre[0] + 180) % 360 - 180
    mirrored = np.roll(points[::-1], 1, axis=0)
    assert points[:, 1] == pytest.approx(mirrored[:, 1], abs=1e-9)
    there = (mirrored[:, 0] - centre[0] + 180) % 360 - 180
    # Far in the north a centimetre is many degrees of longitude.
    assert np.cos(np.radians(points[:, 1])) * np.sin(np.radians(turned + there)) == pytest.approx(0, abs=1e-9)
