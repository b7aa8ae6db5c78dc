"""Geodesic distances: a published example, and the way back of the direct problem."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.areas.geodesic import destination
from commonweal.mobility.flow_models.distances import geodesic_distances


def test_the_published_example_of_geoscience_australia_is_reached_to_the_millimetre() -> None:
    # Flinders Peak to Buninyong, 54,972.271 m on GRS 80, in the Geocentric Datum of Australia technical manual
    flinders = (144 + 25 / 60 + 29.52440 / 3600, -(37 + 57 / 60 + 3.72030 / 3600))
    buninyong = (143 + 55 / 60 + 35.38390 / 3600, -(37 + 39 / 60 + 10.15610 / 3600))
    assert geodesic_distances([flinders, buninyong])[0, 1] == pytest.approx(54.972271, abs=2e-6)


@settings(max_examples=60, deadline=None)
@given(st.floats(-180, 180), st.floats(-89, 89), st.floats(0, 360), st.floats(0, 19000))
def test_whoever_goes_a_way_is_that_far_away(longitude: float, latitude: float, azimuth: float, km: float) -> None:
    end = destination(longitude, latitude, azimuth, km)[0]
    found = geodesic_distances([(longitude, latitude), end])
    assert found[0, 1] == pytest.approx(km, abs=1e-5)
    assert found[1, 0] == found[0, 1]


def test_one_place_is_nowhere_from_itself_and_the_other_end_of_the_earth_is_half_a_round_away() -> None:
    found = geodesic_distances([(0, 0), (0, 0), (179.9, 0.1), (180, 0)])
    assert found[0, 1] == 0
    assert found[0, 2] == pytest.approx(19987, rel=0.006)
    assert found[0, 3] == pytest.approx(20004, rel=0.006)
    assert np.isfinite(found).all()
