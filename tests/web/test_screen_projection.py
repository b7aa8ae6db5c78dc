"""From degrees to the screen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.web.projection import fit

WEST_AFRICA = (-15.1, 4.3, -7.4, 12.7)


@given(st.floats(-15, -7.5), st.floats(4.4, 12.6), st.floats(0.01, 1))
def test_a_degree_is_as_long_everywhere_on_the_screen(longitude, latitude, step):
    screen = fit([WEST_AFRICA])
    here, east, north = screen([(longitude, latitude), (longitude + step, latitude), (longitude, latitude + step)])
    assert east - here == pytest.approx([step * screen.scale * screen.shrink, 0], abs=1e-6)
    assert north - here == pytest.approx([0, -step * screen.scale], abs=1e-6)


def test_a_kilometre_east_is_as_long_as_a_kilometre_north_in_the_middle():
    screen = fit([WEST_AFRICA])
    degree = 6371 * np.pi / 180
    longitude, latitude = middle = (-11.25, 8.5)
    ends = [(longitude + 1 / degree / np.cos(np.radians(latitude)), latitude), (longitude, latitude + 1 / degree)]
    east, north = screen(ends) - screen([middle])
    assert np.hypot(*east) == pytest.approx(np.hypot(*north), rel=1e-6)


@pytest.mark.parametrize(
    "box", [WEST_AFRICA, (80.0, 26.3, 88.2, 30.4), (-75.7, -55.9, -66.4, -17.5), (176, -20, 179, -12)]
)
def test_what_is_shown_fits_on_the_screen_with_its_border(box):
    screen = fit([box], width=720, padding=8)
    corners = screen([(box[0], box[3]), (box[2], box[1])])
    assert (corners >= 8 - 1e-6).all()
    assert corners[:, 0].max() <= 720 - 8 + 1e-6
    assert corners[:, 1].max() <= screen.height - 8 + 0.1
    assert screen.height <= 720 * 1.1 + 0.1


def test_islands_on_both_sides_of_the_antimeridian_stand_together():
    screen = fit([(177, -19, 180, -16), (-180, -17, -178, -16)])
    assert screen.over_antimeridian
    (west, _), (east, _) = screen([(179.9, -17), (-179.9, -17)])
    assert 0 < east - west < 50


def test_one_point_can_be_shown():
    assert np.isfinite(fit([(10, 10, 10, 10)])([(10, 10)])).all()
