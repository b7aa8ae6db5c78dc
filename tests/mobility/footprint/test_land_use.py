"""Land use: a file that says where people may be becomes a prior on the grid, or is refused with its row."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from commonweal.core.errors import InputError
from commonweal.mobility.footprint import Grid, land_use_prior, present_population, read_land_use
from commonweal.mobility.footprint.connection import from_dominance
from commonweal.mobility.footprint.land_use import CLASSES, nobody_lost

TOWN = shapely.Point(-11.95, 8.06).buffer(0.02)
LAKE = shapely.Point(-11.86, 8.13).buffer(0.03, quad_segs=2)
WOOD = shapely.Polygon([(-12.02, 8.15), (-11.93, 8.12), (-11.9, 8.21), (-11.97, 8.22)])


def polygons(path: Path, *features: tuple[Any, dict[str, Any]]) -> Path:
    found = [
        {"type": "Feature", "properties": said, "geometry": json.loads(shapely.to_geojson(shape))}
        for shape, said in features
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": found}))
    return path


def points(path: Path, *lines: str, header: str = "longitude,latitude,weight") -> Path:
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def sampled(grid: Grid, shape: Any, parts: int = 60) -> np.ndarray:
    """The part of each square within a polygon, by many points that are looked up one by one in degrees."""
    offsets = ((np.arange(parts) + 0.5) / parts - 0.5) * grid.step
    dx, dy = (axis.ravel() for axis in np.meshgrid(offsets, offsets))
    shapely.prepare(shape)
    return np.array(
        [shapely.contains_xy(shape, grid.projection.degrees(x + dx, y + dy)).mean() for x, y in grid.points]
    )


def test_the_prior_is_the_share_of_each_square_times_the_weight_of_its_class(grid: Grid, tmp_path: Path) -> None:
    """Against 3,600 points a square, each looked up in degrees; within 0.005 of a square."""
    given = polygons(
        tmp_path / "ground.geojson",
        (TOWN, {"class": "residential_builtup"}),
        (LAKE, {"class": "water"}),
        (WOOD, {"class": "forest", "weight": 0.25}),
    )
    found = read_land_use(given).prior(grid)
    town, wood = sampled(grid, TOWN), sampled(grid, WOOD)
    reference = town * CLASSES["residential_builtup"] + wood * 0.25
    assert found.sum() == pytest.approx(1)
    assert found * reference.sum() == pytest.approx(reference, abs=0.005)
    assert 0 < (reference == 0).mean() < 1
    by_shares = land_use_prior(
        {"town": town, "wood": wood, "rest": 1 - town - wood}, {"town": 1, "wood": 0.25, "rest": 0}
    )
    assert found == pytest.approx(by_shares, abs=1e-4)


def test_points_of_a_table_are_added_up_in_their_squares(grid: Grid, tmp_path: Path) -> None:
    x, y = grid.points[7]
    inner = grid.projection.degrees(x + np.array([-180.0, 10.0, 190.0]), y + np.array([-50.0, -240.0, -140.0]))
    other = grid.projection.degrees(*grid.points[[30]].T)
    lines = [f"{lon},{lat},{weight}" for (lon, lat), weight in zip([*inner, *other], [1, 2, 0.5, 1.5], strict=True)]
    used = read_land_use(points(tmp_path / "people.csv", *lines))
    found = used.prior(grid)
    assert found[7] == pytest.approx(3.5 / 5)
    assert found[30] == pytest.approx(1.5 / 5)
    assert np.flatnonzero(found).tolist() == [7, 30]
    assert used.digest == sha256((tmp_path / "people.csv").read_bytes()).hexdigest()


def test_the_classes_of_a_table_have_their_usual_weights(grid: Grid, tmp_path: Path) -> None:
    """Two points 100 m from each other in a square of each class."""
    lines = []
    for (x, y), name in zip(grid.points, CLASSES, strict=False):
        lines += [f"{lon},{lat},{name}" for lon, lat in grid.projection.degrees(x + np.array([-50, 50]), [y, y])]
    found = read_land_use(points(tmp_path / "classes.csv", *lines, header="longitude,latitude,class")).prior(grid)
    assert found[: len(CLASSES)] * sum(CLASSES.values()) == pytest.approx(list(CLASSES.values()))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["-11.95,8.06,1", "-11.95,8.06,many"], "line 3: weight is 'many' (expected: a number from 0"),
        (["-11.95,8.06,-1"], "line 2: weight is '-1' (expected: a number from 0"),
        (["-11.95,8.06,nan"], "line 2: weight is 'nan'"),
        (["-11.95,8.06,inf"], "line 2: weight is 'inf'"),
        (["-11.95,8.06,"], "line 2: neither weight nor class is there"),
        (["west,8.06,1"], "line 2: longitude is 'west' (expected: degrees from -180 to 180)"),
        (["8.06,-111.95,1"], "line 2: latitude is '-111.95' (expected: degrees from -90 to 90; longitude and latitude"),
        (
            ["8.06,-11.95,1"],
            "(8.06, -11.95) lies outside the country; with longitude and latitude swapped it would lie",
        ),
        (
            ["-11.95,8.06,1", "2.35,48.85,1", "2.36,48.85,1"],
            "line 3: (2.35, 48.85) lies outside the country, as do 1 more",
        ),
        (["-11.95,8.06,0"], "nobody could be anywhere"),
        (["-11.95,8.06,1", "-11.91,8.06,1"], "its points lie 4,409 m apart (expected: points at most 250 m apart"),
        ([], "there is not one point in it"),
        (["-11.95,8.06,1", "-11.95,8.06"], "bad.csv, line 3: 2 fields (expected: 3, as in the first line)"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_line(
    grid: Grid, tmp_path: Path, lines: list[str], said: str
) -> None:
    with pytest.raises(InputError) as error:
        read_land_use(points(tmp_path / "bad.csv", *lines)).prior(grid)
    assert said in str(error.value)


@pytest.mark.parametrize("header", ["lon,lat,weight", "longitude,latitude,people"])
def test_a_table_without_its_columns_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(InputError, match=r"there is no column 'longitude'|neither a column weight nor class"):
        read_land_use(points(tmp_path / "bad.csv", "-11.95,8.06,1", header=header))


@pytest.mark.parametrize(
    ("features", "said"),
    [
        (
            [(TOWN, {"class": "residential"})],
            "feature 1: there is no class 'residential' (expected: a weight, or a class",
        ),
        ([(TOWN, {"weight": True})], "feature 1: weight is True"),
        ([(TOWN, {"weight": -0.1})], "feature 1: weight is -0.1"),
        ([(TOWN, {"use": "forest"})], "there is neither a field weight nor class"),
        ([(TOWN, {"weight": 1}), (WOOD, {"weight": 1}), (TOWN.buffer(-0.01), {"weight": 2})], "it overlaps feature 1"),
        ([(shapely.Point(-11.95, 8.06), {"weight": 1})], "it is a Point"),
        ([(shapely.transform(TOWN, lambda at: at * 100_000), {"weight": 1})], "probably projected"),
        ([(shapely.transform(TOWN, lambda at: at[:, ::-1]), {"weight": 1})], "with longitude and latitude swapped"),
        ([(LAKE, {"class": "water"})], "nobody could be anywhere"),
        ([], "the file holds no features"),
    ],
)
def test_polygons_that_cannot_be_used_are_refused_with_their_feature(
    grid: Grid, tmp_path: Path, features: list[Any], said: str
) -> None:
    with pytest.raises(InputError) as error:
        read_land_use(polygons(tmp_path / "bad.geojson", *features)).prior(grid)
    assert said in str(error.value)


def test_devices_of_a_cell_that_is_heard_only_where_nobody_may_be_are_not_lost() -> None:
    """The cell on the lake keeps its three devices; those that could be on both grounds are on the land."""
    footprint = from_dominance(4, 2, [[(0, 1.0)], [(0, 1.0)], [(0, 0.5), (1, 0.5)], [(1, 1.0)]])
    prior = np.array([0.5, 0.5, 0.0, 0.0])
    assert present_population(footprint, [10, 3], start=prior).unplaced.tolist() == [3]
    found = present_population(footprint, [10, 3], start=nobody_lost(prior, footprint))
    assert found.unplaced.tolist() == [0]
    assert found.devices.sum() == pytest.approx(13)
    assert nobody_lost(np.array([0.5, 0.25, 0.25, 0.0]), footprint).tolist() == [0.5, 0.25, 0.25, 0.0]
