"""A grid in metres: its squares have one size on the ground, and its points lie in areas."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.areas import Areas, natural_earth
from commonweal.core.areas.measuring import area_km2
from commonweal.core.errors import InputError
from commonweal.mobility.footprint import lay_grid
from commonweal.mobility.footprint.projection import Projection

FEW = settings(max_examples=20, deadline=None)


@given(st.floats(-179, 179), st.floats(-80, 80), st.floats(-15, 15), st.floats(-8, 8))
@FEW
def test_a_place_comes_back_from_the_plane(lon: float, lat: float, east: float, north: float) -> None:
    projection = Projection(lon, lat)
    x, y = projection.plane([lon + east], [lat + north]).T
    back = projection.degrees(x, y)[0]
    assert abs((back[0] - lon - east + 180) % 360 - 180) < 1e-8
    assert back[1] == pytest.approx(lat + north, abs=1e-8)


def test_sizes_in_the_plane_are_those_on_the_ellipsoid() -> None:
    guinea = natural_earth(["GN"]).polygons
    fine = shapely.segmentize(guinea, 0.005)
    flat = shapely.transform(fine, lambda at: Projection(-11, 10).plane(*at.T))
    assert shapely.area(flat) / 1e6 == pytest.approx(area_km2(guinea), rel=1e-6)


def test_distances_near_the_origin_are_true() -> None:
    # a minute of latitude at 45° is 1852.2 m on WGS 84 (M = 6 367 382 m)
    x, y = Projection(0, 45).plane([0, 0], [45 - 1 / 120, 45 + 1 / 120]).T
    assert np.hypot(np.diff(x), np.diff(y))[0] == pytest.approx(6_367_382 * np.pi / 180 / 60, abs=0.1)


def test_true_north_leans_to_the_middle_meridian() -> None:
    north = Projection(10, 52).north([5.0, 10.0, 15.0], [52.0, 52.0, 52.0])
    assert north[1] == pytest.approx(0, abs=1e-6)
    assert north[0] == pytest.approx(-north[2])
    assert north[0] == pytest.approx(5 * np.sin(np.radians(52)), rel=0.01)  # Δλ sin φ, to the right in the west


def test_every_point_lies_in_its_area_and_their_squares_make_up_its_size() -> None:
    areas = natural_earth(["SL"])
    grid = lay_grid(areas, 1000)
    assert np.array_equal(areas.locate(*grid.degrees.T), grid.area)
    assert grid.points_by_area() == pytest.approx(areas.area_km2(), rel=0.02)
    assert np.array_equal(grid.place[grid.place >= 0], np.arange(len(grid)))


def test_a_square_of_the_european_grid() -> None:
    # the 1 km square E4321 N3210 begins at the origin, 10° E 52° N
    grid = lay_grid(Areas(("A",), ("A",), np.array([shapely.box(9.99, 51.99, 10.01, 52.01)])), 1000, origin=(10, 52))
    assert (grid.points % 1000 == 500).all()
    assert grid.parameters == {"grid_step": 1000.0, "grid_longitude": 10, "grid_latitude": 52}


def test_islands_on_both_sides_of_the_180th_meridian_are_one_grid() -> None:
    islands = np.array([shapely.box(179.9, -17, 180, -16.9), shapely.box(-180, -17, -179.9, -16.9)])
    grid = lay_grid(Areas(("W", "E"), ("W", "E"), islands), 1000)
    assert grid.place.shape[1] < 30
    assert abs(grid.projection.longitude) == 180
    assert (grid.points_by_area() > 50).all()


@pytest.mark.parametrize("step", [0, 50, 1001, float("nan")])
def test_a_step_beyond_100_m_to_1_km_is_refused(step: float) -> None:
    with pytest.raises(InputError, match="100 to 1000 m"):
        lay_grid(natural_earth(["SL"]), step)


def test_areas_that_slip_through_are_said() -> None:
    small = shapely.box(0, 0, 0.001, 0.001)
    with pytest.raises(InputError, match="finer grid"):
        lay_grid(Areas(("A",), ("A",), np.array([small])), 1000, origin=(0, 0))
    grid = lay_grid(
        Areas(("A", "B"), ("A", "B"), np.array([small, shapely.box(0.1, 0, 0.2, 0.1)])), 1000, origin=(0, 0)
    )
    assert grid.points_by_area()[0] == 0
