"""Which cells serve a point, and with what probability."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from commonweal.core.areas import Areas
from commonweal.core.errors import InputError
from commonweal.mobility.footprint import (
    CellPlan,
    Grid,
    Parameters,
    best_server,
    footprint_by_strength,
    lay_grid,
    locations,
    overlaps,
    read_plan,
    voronoi,
)
from commonweal.mobility.footprint.signal import dominance, signal_strength


def strengths(grid: Grid, plan: CellPlan) -> np.ndarray:
    """The signal of every cell at every point, and -inf out of range, cell by cell."""
    at = grid.projection.plane(plan.longitude, plan.latitude)
    north = grid.projection.north(plan.longitude, plan.latitude)
    found = np.empty((len(grid), len(plan)))
    for c in range(len(plan)):
        east, up = (grid.points - at[c]).T
        azimuth = None if np.isnan(plan.azimuth[c]) else plan.azimuth[c] + north[c]
        found[:, c] = signal_strength(east, up, azimuth=azimuth, power=plan.power[c])
        found[np.hypot(east, up) > plan.range[c], c] = -np.inf
    return found


def test_cells_share_a_point_by_their_dominance(grid: Grid, plan: CellPlan) -> None:
    s = dominance(strengths(grid, plan))
    s[s < 0.005] = 0
    expected = s / np.maximum(s.sum(axis=1, keepdims=True), 1e-300)
    found = footprint_by_strength(grid, plan)
    assert found.matrix().toarray() == pytest.approx(expected, abs=1e-12)
    assert found.covered.mean() > 0.8
    assert np.add.reduceat(found.probability, found.first[:-1][found.covered]) == pytest.approx(1, abs=1e-12)


def test_one_cell_alone_serves_its_circle_with_certainty(grid: Grid) -> None:
    plan = read_plan({"identifier": ["A"], "longitude": [-11.9], "latitude": [8.1], "range": [3000.0]})
    found = footprint_by_strength(grid, plan)
    distance = np.hypot(*(grid.points - grid.projection.plane([-11.9], [8.1])).T)
    assert np.array_equal(found.covered, distance <= 3000)
    assert (found.probability == 1).all()


def test_azimuths_are_from_true_north_also_where_the_plane_has_another() -> None:
    """Far from the plane's meridian, a cell that points north serves both sides of its own meridian alike."""
    areas = Areas(("A",), ("A",), np.array([shapely.box(4.95, 60, 5.05, 60.1)]))
    grid = lay_grid(areas, 250, origin=(25, 60))
    plan = read_plan(
        {"identifier": ["N", "all"], "longitude": [5.0] * 2, "latitude": [60.05] * 2, "azimuth": [0.0, None]}
    )
    found = footprint_by_strength(grid, plan, Parameters(least_dominance=0)).matrix().toarray()[:, 0]
    east, north = ((grid.degrees - [5, 60.05]) * [np.cos(np.radians(60.05)), 1]).T
    aside = np.degrees(np.arctan2(east, north))
    ring = np.abs(np.hypot(east, north) - 0.03) < 0.002
    right, left = (found[ring & (np.abs(side * aside - 45) < 10)].mean() for side in (1, -1))
    assert right == pytest.approx(left, rel=0.03)


@pytest.mark.parametrize("reach", [2500.0, 5000.0])
def test_a_point_at_the_end_of_the_range_is_in_it(grid: Grid, reach: float) -> None:
    middle = int(np.flatnonzero((grid.points == [250, 250]).all(axis=1))[0])
    longitude, latitude = grid.degrees[middle]
    plan = read_plan({"identifier": ["A"], "longitude": [longitude], "latitude": [latitude], "range": [reach]})
    far = np.linalg.norm(grid.points - grid.points[middle], axis=1)
    assert np.array_equal(footprint_by_strength(grid, plan).covered, far <= reach)


def test_without_a_least_dominance_every_cell_in_range_is_heard(grid: Grid, plan: CellPlan) -> None:
    found = footprint_by_strength(grid, plan, Parameters(least_dominance=0))
    assert np.array_equal(found.matrix().toarray() > 0, np.isfinite(strengths(grid, plan)))


def test_of_too_many_cells_the_strongest_are_heard(grid: Grid, plan: CellPlan) -> None:
    every = footprint_by_strength(grid, plan).matrix().toarray()
    three = footprint_by_strength(grid, plan, Parameters(most_cells=3)).matrix().toarray()
    assert (three > 0).sum(axis=1).max() == 3
    top = np.sort(every, axis=1)[:, -3:]
    assert np.sort(three, axis=1)[:, -3:] == pytest.approx(top / np.maximum(top.sum(axis=1, keepdims=True), 1e-300))


def test_threads_and_the_order_of_cells_change_nothing(grid: Grid, plan: CellPlan) -> None:
    one, two = (footprint_by_strength(grid, plan, threads=threads) for threads in (1, 2))
    assert np.array_equal(one.probability, two.probability)
    order = np.random.default_rng(0).permutation(len(plan))
    names = ("azimuth", "range", "power", "longitude", "latitude")
    turned = {name: getattr(plan, name)[order] for name in names}
    other = read_plan({"identifier": [plan.identifier[k] for k in order]} | turned)
    assert footprint_by_strength(grid, other).matrix().toarray() == pytest.approx(
        one.matrix().toarray()[:, order], abs=1e-12
    )


def test_higher_ground_is_nearer_to_the_antenna(grid: Grid) -> None:
    plan = read_plan({"identifier": ["A"], "longitude": [-11.9], "latitude": [8.1], "elevation": [100.0]})
    raised = footprint_by_strength(grid, plan, elevation=np.full(len(grid), 100.0))
    assert np.array_equal(raised.first, footprint_by_strength(grid, replace(plan, elevation=np.zeros(1))).first)
    with pytest.raises(InputError, match="a number for each of"):
        footprint_by_strength(grid, plan, elevation=[1.0])


def test_a_cell_that_lies_nowhere_has_no_footprint(grid: Grid, plan: CellPlan) -> None:
    for made in (footprint_by_strength, best_server, voronoi):
        assert made(grid, plan.without(["C03"])).points_by_cell()[3] == 0
    nobody = footprint_by_strength(grid, plan.without(plan.identifier))
    assert not nobody.covered.any()
    with pytest.raises(InputError, match="no cell has a position"):
        voronoi(grid, plan.without(plan.identifier))


def test_the_best_server_is_the_strongest(grid: Grid, plan: CellPlan) -> None:
    signal = strengths(grid, plan)
    found = best_server(grid, plan)
    assert np.array_equal(found.covered, dominance(signal.max(axis=1)) >= 0.005)
    assert np.array_equal(found.cell, signal[found.covered].argmax(axis=1))


def test_equally_strong_cells_share_evenly(grid: Grid) -> None:
    plan = read_plan({"identifier": ["A", "B"], "longitude": [-11.9] * 2, "latitude": [8.1] * 2})
    for found in (best_server(grid, plan), footprint_by_strength(grid, plan), voronoi(grid, plan, "cell")):
        assert len(found.cell) == 2 * found.covered.sum()
        assert (found.probability == 0.5).all()


def test_voronoi_gives_a_point_to_the_nearest_site_and_all_its_cells(grid: Grid, plan: CellPlan) -> None:
    at = grid.projection.plane(plan.longitude, plan.latitude)
    distance = np.linalg.norm(grid.points[:, None] - at[None], axis=2)
    nearest = distance <= distance.min(axis=1, keepdims=True) + 0.001
    assert voronoi(grid, plan).matrix().toarray() == pytest.approx(nearest / nearest.sum(axis=1, keepdims=True))


def test_voronoi_of_cells_moves_them_ahead_by_100_metres(grid: Grid, plan: CellPlan) -> None:
    toward = np.radians(plan.azimuth + grid.projection.north(plan.longitude, plan.latitude))
    at = grid.projection.plane(plan.longitude, plan.latitude)
    at = at + 100 * np.nan_to_num(np.column_stack([np.sin(toward), np.cos(toward)]))
    nearest = np.linalg.norm(grid.points[:, None] - at[None], axis=2).argmin(axis=1)
    assert np.array_equal(voronoi(grid, plan, "cell").cell, nearest)


def test_overlaps_are_the_pairs_that_share_a_point(grid: Grid, plan: CellPlan) -> None:
    footprint = footprint_by_strength(grid, plan)
    served = footprint.matrix().toarray() > 0
    both = served.T.astype(int) @ served.astype(int)
    first, second = np.nonzero(np.triu(both, 1))
    found = overlaps(footprint, cells_at_once=7)
    assert np.array_equal(np.column_stack([found.first, found.second]), np.column_stack([first, second]))
    assert np.array_equal(found.points, both[first, second])
    either = (served[:, first] | served[:, second]).sum(axis=0)
    assert found.share == pytest.approx(both[first, second] / either)
    assert len(overlaps(footprint.at_least(0.2)).first) < len(first)
    assert len(overlaps(voronoi(grid, plan, "cell")).first) == 0


def test_what_is_left_of_a_footprint_adds_up_to_one_again(grid: Grid, plan: CellPlan) -> None:
    left = footprint_by_strength(grid, plan).at_least(0.1)
    assert left.matrix().sum(axis=1)[left.covered] == pytest.approx(1)


def test_where_a_phone_is_follows_bayes_rule(grid: Grid, plan: CellPlan) -> None:
    footprint = footprint_by_strength(grid, plan)
    prior = np.random.default_rng(0).uniform(0, 1, len(grid)) * (grid.area != 2)
    joint = footprint.matrix().toarray() * prior[:, None]
    found = locations(footprint, prior)
    somewhere = np.flatnonzero(joint.sum(axis=0) > 0)
    assert np.array_equal(somewhere, np.flatnonzero(np.diff(found.first)))
    for c in somewhere:
        entries = slice(found.first[c], found.first[c + 1])
        expected = joint[:, c] / joint[:, c].sum()
        assert found.probability[entries] == pytest.approx(expected[found.point[entries]])
        assert found.probability[entries].sum() == pytest.approx(1)


def test_a_finer_grid_says_the_same(areas: Areas, grid: Grid, plan: CellPlan) -> None:
    shares = []
    for each in (grid, lay_grid(areas, 250)):
        footprint = footprint_by_strength(each, plan)
        shares.append(footprint.matrix().sum(axis=0) / len(each))
    assert shares[0] == pytest.approx(shares[1], abs=0.01)
