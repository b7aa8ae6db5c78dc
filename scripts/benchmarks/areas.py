"""How fast points are located, as a ratio to Shapely's STRtree in the same run."""

from __future__ import annotations

from time import perf_counter

import numpy as np
import shapely

from commonweal.core.areas import Areas, natural_earth

POINTS = 5_000_000
POINTS_OF_THE_TREE = 200_000
PLACES = {"Guinea, Liberia, Sierra Leone": ("GN", "LR", "SL"), "Nepal": ("NP",), "the world": None}


def main() -> None:
    """Print points a second on one core, by `Areas.locate` and by `STRtree.query`, and their ratio."""
    print(f"{'areas of':<30}{'areas':>7}{'locate, 1/s':>16}{'STRtree, 1/s':>16}{'ratio':>8}")
    for place, countries in PLACES.items():
        areas = natural_earth(countries)
        ours, theirs = rates(areas)
        print(f"{place:<30}{len(areas):>7}{ours:>16,.0f}{theirs:>16,.0f}{ours / theirs:>8,.0f}")


def rates(areas: Areas) -> tuple[float, float]:
    """Give points a second by our way and by Shapely's, over points drawn evenly from the areas' bounding box."""
    west, south, east, north = areas.bounds
    lon, lat = np.random.default_rng(0).uniform((west, south), (east, north), (POINTS, 2)).T.copy()
    areas.locate(lon[:1], lat[:1])  # lays the grid and loads the compiled kernel
    begun = perf_counter()
    found = areas.locate(lon, lat)
    ours = POINTS / (perf_counter() - begun)
    few = slice(POINTS_OF_THE_TREE)
    tree = shapely.STRtree(areas.polygons)
    begun = perf_counter()
    point, area = tree.query(shapely.points(lon[few], lat[few]), predicate="intersects")
    theirs = POINTS_OF_THE_TREE / (perf_counter() - begun)
    lowest = np.full(POINTS_OF_THE_TREE, len(areas))
    np.minimum.at(lowest, point, area)
    assert np.array_equal(np.where(lowest == len(areas), -1, lowest), found[few]), "the two disagree"
    return ours, theirs


if __name__ == "__main__":
    main()
