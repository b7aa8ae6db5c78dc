"""Where versions of cells stand, and which overlap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from commonweal.core.areas import Areas
from commonweal.mobility.cells import ALWAYS, DESCRIPTION, FOREVER, empty_register
from commonweal.mobility.network import NEIGHBOURS, PLACED, SIGNAL, Network, network, overlapping

AREAS = Areas(("A",), ("A",), np.array([shapely.box(0, 0, 1, 1)]))


def laid(*cells: dict[str, Any], areas: Areas | None = None) -> Network:
    always = dict.fromkeys(DESCRIPTION) | {"valid_from": ALWAYS, "valid_to": FOREVER}
    register = empty_register().with_versions(pa.Table.from_pylist([always | cell for cell in cells]))
    return network(register, register.timeline(), areas)


def at(name: str, longitude: float | None, latitude: float | None = 0.5, **said: Any) -> dict[str, Any]:
    return {"identifier": name, "longitude": longitude, "latitude": latitude, **said}


def pairs(found: Network) -> set[tuple[int, int]]:
    """Overlapping pairs of cells, by their codes."""
    placed = np.flatnonzero(found.state == PLACED)
    return {
        (int(found.cell[one]), int(found.cell[other]))
        for one in placed
        for other in placed
        if one < other and overlapping(found.first, found.other, one, other)
    }


def test_with_positions_alone_voronoi_neighbours_in_reach_overlap() -> None:
    square = [at("a", 0.0, 0.0), at("b", 0.1, 0.0), at("c", 0.0, 0.1), at("d", 0.11, 0.11), at("far", 0.9, 0.9)]
    found = laid(*square, areas=AREAS)
    assert found.method == NEIGHBOURS
    assert pairs(found) == {(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)}


def test_cells_of_one_site_overlap_whatever_else() -> None:
    found = laid(at("a", 0.1, azimuth=0.0), at("b", 0.1, azimuth=120.0), at("c", 0.9), at("d", None, None))
    assert pairs(found) == {(0, 1)}
    assert found.site[found.state == PLACED].tolist() == [0, 0, 1]


def test_with_ranges_cells_overlap_that_one_point_hears() -> None:
    found = laid(at("a", 0.2, range=3000.0), at("b", 0.25, range=3000.0), at("c", 0.3, range=3000.0), areas=AREAS)
    assert found.method == SIGNAL
    assert pairs(found) == {(0, 1), (1, 2)}  # 5.6 km and 11.1 km apart
    wide = laid(at("a", 0.2, range=6000.0), at("b", 0.25, range=3000.0), at("c", 0.3, range=6000.0), areas=AREAS)
    assert pairs(wide) == {(0, 1), (0, 2), (1, 2)}


def test_a_version_has_the_overlaps_of_where_it_stood() -> None:
    found = laid(
        at("a", 0.2, range=3000.0, valid_to=1000),
        at("a", 0.8, range=3000.0, valid_from=1000),
        at("b", 0.22, range=3000.0),
        areas=AREAS,
    )
    before, after = np.flatnonzero((found.cell == 0) & (found.state == PLACED))
    (other,) = np.flatnonzero((found.cell == 1) & (found.state == PLACED))
    assert overlapping(found.first, found.other, before, other)
    assert not overlapping(found.first, found.other, after, other)


def test_cells_in_a_line_two_or_none_have_overlaps_too() -> None:
    assert pairs(laid(*(at(str(n), 0.05 * n) for n in range(5)))) == {(n, n + 1) for n in range(4)}
    assert pairs(laid(at("a", 0.0), at("b", 0.05))) == {(0, 1)}
    assert pairs(laid(at("a", None, None))) == set()
