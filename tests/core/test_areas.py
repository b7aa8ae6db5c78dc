"""Areas: where a point lies, who borders on whom, how large they are."""

import json
import subprocess
import sys
from time import process_time

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from commonweal.core.areas import Areas, natural_earth
from commonweal.core.errors import InputError, NotFound

box = shapely.box


def areas_of(*polygons: shapely.Geometry) -> Areas:
    codes = tuple(f"A{k}" for k in range(len(polygons)))
    return Areas(codes, codes, np.array(polygons, dtype=object))


def by_shapely(polygons, lon, lat) -> list[int]:
    """The lowest index of the closed polygons that a point touches, or -1."""
    point, area = shapely.STRtree(polygons).query(shapely.points(lon, lat), predicate="intersects")
    lowest = np.full(len(lon), len(polygons))
    np.minimum.at(lowest, point, area)
    return np.where(lowest == len(polygons), -1, lowest).tolist()


def telling_points(polygons, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Points anywhere, on corners, on the middle of edges, and a rounding error beside them."""
    draw = np.random.default_rng(0)
    west, south, east, north = shapely.total_bounds(polygons)
    anywhere = draw.uniform((west - 0.1, south - 0.1), (east + 0.1, north + 0.1), (count, 2))
    corners = shapely.get_coordinates(polygons)
    some = draw.integers(0, len(corners) - 1, count)
    middles = (corners[some] + corners[some + 1]) / 2
    beside = np.nextafter(middles, draw.choice([-np.inf, np.inf], middles.shape))
    points = np.concatenate([anywhere, corners[some], middles, beside])
    return points[:, 0], points[:, 1]


@pytest.mark.parametrize(
    "countries", [("GN", "LR", "SL"), ("NP",), ("ID",), ("FR", "IT", "SM", "VA"), ("FJ", "ZA", "LS")]
)
def test_points_lie_where_shapely_says_on_real_coasts_islands_holes_and_borders(countries):
    areas = natural_earth(countries)
    lon, lat = telling_points(areas.polygons)
    assert areas.locate(lon, lat).tolist() == by_shapely(areas.polygons, lon, lat)


def test_points_lie_where_shapely_says_in_the_63_real_districts(shared):
    content = json.loads((shared / "data/geo/wa3_districts_63.geojson").read_text())
    polygons = shapely.from_geojson([json.dumps(feature["geometry"]) for feature in content["features"]])
    lon, lat = telling_points(polygons)
    assert areas_of(*polygons).locate(lon, lat).tolist() == by_shapely(polygons, lon, lat)


vertices = st.tuples(st.integers(0, 8), st.integers(0, 8))


@given(st.lists(st.lists(vertices, min_size=3, max_size=9), min_size=1, max_size=5))
def test_points_lie_where_shapely_says_in_any_areas_even_overlapping_ones(outlines):
    drawn = [shapely.Polygon(outline).buffer(0) for outline in outlines]
    polygons = np.array([shape for shape in drawn if not shape.is_empty], dtype=object)
    if not len(polygons):
        return
    lon, lat = (axis.ravel() / 4 - 0.25 for axis in np.meshgrid(np.arange(35), np.arange(35)))
    assert areas_of(*polygons).locate(lon, lat).tolist() == by_shapely(polygons, lon, lat)


def test_a_point_on_a_shared_border_or_corner_is_in_the_area_of_the_lowest_index():
    quarters = [box(0, 0, 1, 1), box(1, 0, 2, 1), box(0, 1, 1, 2), box(1, 1, 2, 2)]
    lon, lat = [1.0, 1.0, 0.5, 1.5, 2.0, 0.0], [1.0, 1.5, 1.0, 1.0, 2.0, 0.0]
    assert areas_of(*quarters).locate(lon, lat).tolist() == [0, 2, 0, 1, 3, 0]
    assert areas_of(*quarters[::-1]).locate(lon, lat).tolist() == [0, 0, 1, 0, 0, 3]


def test_a_hole_belongs_to_what_fills_it_and_else_to_none():
    ring = box(0, 0, 9, 9).difference(box(3, 3, 6, 6))
    islands = shapely.MultiPolygon([box(3, 3, 4, 4), box(20, 0, 21, 1)])
    areas = areas_of(ring, islands)
    assert areas.locate([1, 3.5, 5, 3, 20.5, 15], [1, 3.5, 5, 5, 0.5, 0.5]).tolist() == [0, 1, -1, 0, 1, -1]


def test_what_is_no_place_lies_nowhere():
    areas = areas_of(box(0, 0, 1, 1))
    odd = [np.nan, 0.5, np.inf, -np.inf, 181, 1e300]
    assert areas.locate(odd, [0.5, np.nan, 0.5, 0.5, 0.5, 0.5]).tolist() == [-1] * 6
    assert areas.locate([], []).tolist() == []
    assert areas.subset([]).locate([0.5], [0.5]).tolist() == [-1]
    assert areas.locate([0.5], [0.5]).dtype == np.int32


def test_a_million_points_are_located_in_less_than_a_second_of_one_core():
    areas = natural_earth()
    draw = np.random.default_rng(0)
    lon, lat = draw.uniform(-180, 180, 1_000_000), draw.uniform(-90, 90, 1_000_000)
    areas.locate(lon[:1], lat[:1])
    begun = process_time()
    areas.locate(lon, lat)
    assert process_time() - begun < 1


def test_naming_the_room_loads_nothing_heavy():
    code = "import sys, commonweal.core.areas; print({'numba', 'shapely', 'pyarrow', 'pyogrio'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


def test_longitudes_without_their_latitudes_are_refused():
    with pytest.raises(InputError, match="do not pair"):
        areas_of(box(0, 0, 1, 1)).locate([1.0, 2.0], [1.0])


def test_areas_that_share_a_border_are_neighbours_and_those_at_a_corner_are_not():
    areas = areas_of(box(0, 0, 1, 1), box(1, 0, 2, 1), box(0, 1, 1, 2), box(1, 1, 2, 2), box(5, 5, 6, 6))
    assert areas.neighbours().tolist() == [[0, 1], [0, 2], [1, 3], [2, 3]]


def test_a_gap_or_an_overlap_of_metres_still_makes_neighbours():
    assert areas_of(box(0, 0, 1, 1), box(1.00005, 0, 2, 1)).neighbours().tolist() == [[0, 1]]
    assert areas_of(box(0, 0, 1, 1), box(0.99995, 0, 2, 1)).neighbours().tolist() == [[0, 1]]
    assert areas_of(box(0, 0, 1, 1), box(1.0005, 0, 2, 1)).neighbours().tolist() == []
    assert areas_of(box(0, 0, 1, 1), box(1.0005, 0, 2, 1)).neighbours(gap=0.001).tolist() == [[0, 1]]


def test_the_provinces_of_sierra_leone_border_on_one_another_as_on_the_map():
    areas = natural_earth(["SL"])
    pairs = {(areas.codes[a], areas.codes[b]) for a, b in areas.neighbours()}
    assert pairs == {("SL-E", "SL-N"), ("SL-E", "SL-S"), ("SL-N", "SL-S"), ("SL-N", "SL-W"), ("SL-S", "SL-W")}


def test_the_whole_ellipsoid_has_its_published_area():
    # 510 065 621.7 km²: National Geospatial-Intelligence Agency, TR 8350.2, derived constants of WGS 84.
    assert areas_of(box(-180, -90, 180, 90)).area_km2()[0] == pytest.approx(510_065_621.7, abs=1)


def test_holes_and_islands_count_in_the_size_whatever_way_their_rings_turn():
    whole, hole = box(0, 0, 4, 4), box(1, 1, 2, 2)
    expected = areas_of(whole).area_km2() - areas_of(hole).area_km2()
    for turn in (shapely.normalize, shapely.reverse):
        assert areas_of(turn(whole.difference(hole))).area_km2() == pytest.approx(expected)
    both = shapely.MultiPolygon([hole, box(10, 1, 11, 2)])
    assert areas_of(both).area_km2() == pytest.approx(2 * areas_of(hole).area_km2())


def test_a_representative_point_lies_inside_where_a_centroid_does_not():
    bent = box(0, 0, 10, 10).difference(box(1, 1, 10, 10))
    areas = areas_of(bent)
    assert areas.locate(*areas.centroids().T).tolist() == [-1]
    assert areas.locate(*areas.representative_points().T).tolist() == [0]


def test_the_digest_follows_the_content_and_not_the_order():
    west, east = box(0, 0, 1, 1), box(1, 0, 2, 1)
    areas = Areas(("W", "E"), ("West", "East"), np.array([west, east]))
    assert areas.subset(["E", "W"]).digest == areas.digest
    assert Areas(("W", "E"), ("West", "East"), np.array([shapely.reverse(west), east])).digest == areas.digest
    for other in (
        Areas(("W", "X"), ("West", "East"), np.array([west, east])),
        Areas(("W", "E"), ("West", "Ost"), np.array([west, east])),
        Areas(("W", "E"), ("West", "East"), np.array([west, box(1, 0, 2, 1.0001)])),
        Areas(("W", "E"), ("West", "East"), np.array([west, east]), parents=("N", None)),
        Areas(("W", "E"), ("West", "East"), np.array([west, east]), level=2),
        Areas(("W", "E"), ("West", "East"), np.array([west, east]), names_by_language={"fr": ("Ouest", None)}),
    ):
        assert other.digest != areas.digest


def test_a_subset_keeps_the_order_asked_for_and_refuses_unknown_codes():
    areas = natural_earth(["SL"])
    assert areas.subset(["SL-W", "SL-E"]).names == ("Western", "Eastern")
    assert areas.index(["SL-W"]).tolist() == [areas.codes.index("SL-W")]
    with pytest.raises(NotFound, match=r"no area XX \(expected: one of 4: SL-E, SL-N, SL-S, SL-W\)"):
        areas.subset(["SL-W", "XX"])


def test_a_code_given_twice_or_lists_of_different_lengths_are_refused():
    squares = np.array([box(0, 0, 1, 1), box(1, 0, 2, 1)])
    with pytest.raises(InputError, match="the area code 'A' comes twice"):
        Areas(("A", "A"), ("A", "B"), squares)
    with pytest.raises(InputError, match="2 codes, but lists of"):
        Areas(("A", "B"), ("A",), squares)


def test_simplified_areas_still_share_their_borders():
    areas = natural_earth(["GN", "LR", "SL"])
    simpler = areas.simplified(0.02)
    points = [int(shapely.get_num_coordinates(a.polygons).sum()) for a in (simpler, areas)]
    assert points[0] < points[1] / 2
    assert shapely.coverage_is_valid(simpler.polygons)
    assert simpler.neighbours().tolist() == areas.neighbours().tolist()
    assert simpler.area_km2().sum() == pytest.approx(areas.area_km2().sum(), rel=0.01)


def test_areas_clipped_to_a_box_fill_it_and_no_more():
    areas = areas_of(box(0, 0, 2, 2), box(2, 0, 4, 2), box(9, 9, 10, 10))
    clipped = areas.clipped(1, 1, 3, 3)
    assert clipped.codes == ("A0", "A1")
    assert clipped.bounds == (1, 1, 3, 2)
    assert areas.clipped(4, 0, 5, 1).codes == ()
