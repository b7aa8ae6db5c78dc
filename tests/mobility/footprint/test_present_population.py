"""How many devices are where, given how many each cell saw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.areas import Areas
from commonweal.core.errors import InputError
from commonweal.mobility.footprint import (
    CellPlan,
    Footprint,
    Grid,
    by_area,
    cells_meeting,
    footprint_by_strength,
    interval,
    lay_grid,
    present_by_area,
    present_population,
    read_plan,
    replicated_counts,
    resampled_counts,
    subscribers_behind,
    voronoi,
)
from commonweal.mobility.footprint.connection import from_dominance

FEW = settings(max_examples=12, deadline=None)


def of(rows: list[list[float]]) -> Footprint:
    return from_dominance(len(rows), 4, [[(c, s) for c, s in enumerate(row) if s > 0] for row in rows])


def test_one_step_by_hand() -> None:
    """30 devices in A, heard at points 0 and 1; 60 in B, heard at 1 and 2; at point 1 both alike."""
    footprint = from_dominance(3, 2, [[(0, 1.0)], [(0, 1.0), (1, 1.0)], [(1, 1.0)]])
    one = present_population(footprint, [30, 60], tolerance=0, most_iterations=1)
    assert one.devices[:, 0] == pytest.approx([30 * 1 / 1.5, 30 * 0.5 / 1.5 + 60 * 0.5 / 1.5, 60 * 1 / 1.5])
    two = present_population(footprint, [30, 60], tolerance=0, most_iterations=2)
    # Σ u P: A 20 + 15 = 35, B 15 + 40 = 55
    assert two.devices[:, 0] == pytest.approx([30 * 20 / 35, 30 * 15 / 35 + 60 * 15 / 55, 60 * 40 / 55])


def test_where_cells_can_be_told_apart_the_likeliest_is_the_truth() -> None:
    footprint = from_dominance(3, 3, [[(0, 3.0), (1, 1.0)], [(1, 2.0), (2, 2.0)], [(2, 1.0)]])
    truth = np.array([400.0, 100.0, 50.0])
    found = present_population(footprint, footprint.matrix().T @ truth, tolerance=1e-13, most_iterations=100_000)
    assert found.devices[:, 0] == pytest.approx(truth, rel=1e-6)


def test_periods_threads_and_the_order_of_cells_change_nothing(grid: Grid, plan: CellPlan) -> None:
    footprint = footprint_by_strength(grid, plan)
    counts = np.random.default_rng(0).integers(0, 900, (len(plan), 40))
    together = present_population(footprint, counts, tolerance=1e-3)
    alone = present_population(footprint, counts[:, 35], tolerance=1e-3, threads=1)
    assert np.array_equal(together.devices[:, 35], alone.devices[:, 0])
    assert together.iterations[35] == alone.iterations[0]
    order = np.random.default_rng(1).permutation(len(plan))
    turned = footprint.matrix().tocsc()[:, order].tocsr()
    turned.sort_indices()
    other = Footprint(turned.indptr.astype(np.int64), turned.indices.astype(np.int32), turned.data, len(plan))
    assert present_population(other, counts[order, 35], tolerance=1e-3).devices == pytest.approx(alone.devices)


def test_it_stops_when_a_step_changes_too_little_or_after_so_many(grid: Grid, plan: CellPlan) -> None:
    footprint = footprint_by_strength(grid, plan)
    counts = np.random.default_rng(0).integers(0, 900, len(plan))
    loose, strict = (present_population(footprint, counts, tolerance=limit) for limit in (1e-2, 1e-3))
    assert loose.change[0] <= 1e-2 < present_population(footprint, counts, most_iterations=1).change[0]
    assert strict.change[0] <= 1e-3 < loose.change[0]
    assert 1 < loose.iterations[0] < strict.iterations[0]
    cut = present_population(footprint, counts, tolerance=1e-9, most_iterations=5)
    assert (cut.iterations[0], cut.converged[0]) == (5, False)


def test_nobody_counted_is_nobody_anywhere(grid: Grid, plan: CellPlan) -> None:
    found = present_population(footprint_by_strength(grid, plan), np.zeros(len(plan)))
    assert not found.devices.any()
    assert found.converged.all()


def test_nobody_is_put_where_the_start_has_nobody(grid: Grid, plan: CellPlan) -> None:
    footprint = footprint_by_strength(grid, plan)
    found = present_population(footprint, np.full(len(plan), 50.0), start=(grid.area != 3).astype(float))
    assert found.devices[grid.area == 3].sum() == 0
    assert found.devices.sum() + found.unplaced[0] == pytest.approx(50 * len(plan))


@pytest.mark.parametrize("counts", [[1, 2], [1, 2, 3, -1], [1, 2, 3, np.nan], np.zeros((4, 0))])
def test_counts_that_cannot_be_are_refused(counts: object) -> None:
    with pytest.raises(InputError, match="count"):
        present_population(of([[1.0, 1.0, 1.0, 1.0]]), counts)  # type: ignore[arg-type]


def test_it_is_nearer_to_the_truth_than_voronoi(areas: Areas, grid: Grid, plan: CellPlan) -> None:
    """People live in three towns; each is served by a cell drawn by P(c|i), the world that the model assumes."""
    random = np.random.default_rng(3)
    footprint = footprint_by_strength(grid, plan)
    truth = np.zeros(len(grid))
    for town in grid.points[random.choice(np.flatnonzero(footprint.covered), 3)]:
        truth += np.exp(-(((grid.points - town) / 1500) ** 2).sum(axis=1) / 2)
    truth = np.round(20_000 * truth * footprint.covered / truth.sum())
    counts = random.poisson(footprint.matrix().T @ truth)
    errors = []
    for each in (footprint, voronoi(grid, plan, "cell")):
        found = present_population(each, counts).devices[:, 0]
        assert found.sum() == pytest.approx(counts.sum())
        errors.append(np.abs(found - truth).sum() / 2 / truth.sum())
    assert errors[0] < 0.75 * errors[1]
    assert by_area(grid, present_population(footprint, counts).devices[:, 0]) == pytest.approx(
        by_area(grid, truth), abs=0.05 * truth.sum()
    )


def test_areas_add_up_and_one_without_a_point_is_unknown(areas: Areas, plan: CellPlan) -> None:
    import shapely

    small = shapely.box(-11.9999, 8.0001, -11.9990, 8.0010)
    with_small = Areas(("XS", *areas.codes), ("XS", *areas.names), np.array([small, *areas.polygons]))
    grid = lay_grid(with_small, 1000)
    footprint = footprint_by_strength(grid, plan)
    counts = np.random.default_rng(0).integers(0, 900, (len(plan), 3))
    found = present_by_area(grid, footprint, counts)
    assert np.isnan(found.devices[0]).all()
    assert found.devices[1:].sum(axis=0) + found.unplaced == pytest.approx(counts.sum(axis=0))
    assert np.array_equal(found.devices[1:], by_area(grid, present_population(footprint, counts).devices)[1:])
    with pytest.raises(InputError, match="one row for each"):
        by_area(grid, [1.0])


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-1, 25)), max_size=40))
@FEW
def test_subscribers_behind_an_area_are_distinct_and_of_cells_that_meet_it(
    grid: Grid, plan: CellPlan, rows: list[tuple[int, int]]
) -> None:
    footprint = footprint_by_strength(grid, plan).at_least(0.3)
    meeting = cells_meeting(grid, footprint)
    who, where = np.array(rows, np.int64).reshape(-1, 2).T
    met = [set(footprint.cell[grid.area[footprint.point] == area].tolist()) for area in range(4)]
    expected = [len({s for s, c in rows if c in met[area]}) for area in range(4)]
    assert subscribers_behind(meeting, who, where, at_once=2).tolist() == expected


def test_one_subscriber_is_behind_many_areas_though_the_devices_are_one(grid: Grid, plan: CellPlan) -> None:
    footprint = footprint_by_strength(grid, plan)
    meeting = cells_meeting(grid, footprint)
    cell = int(np.diff(meeting.indptr).argmax())
    behind = subscribers_behind(meeting, [1], [cell])
    assert behind.sum() > 1
    devices = present_by_area(grid, footprint, np.eye(len(plan))[cell]).devices
    assert devices.sum() == pytest.approx(1)


def test_replicates_of_a_subscriber_are_the_same_wherever_it_is_counted() -> None:
    random = np.random.default_rng(0)
    who, where = random.integers(-(2**62), 2**62, 500), random.integers(0, 6, 500)
    whole = resampled_counts(who, where, np.ones(500), 6, 50, seed=4)
    halves = [
        resampled_counts(who[part], where[part], np.ones(250), 6, 50, seed=4) for part in np.split(np.arange(500), 2)
    ]
    assert np.array_equal(whole, halves[0] + halves[1])
    assert not np.array_equal(whole, resampled_counts(who, where, np.ones(500), 6, 50, seed=5))


def test_replicates_have_the_mean_and_variance_of_poisson() -> None:
    counts = np.array([0, 400, 1600])
    subscribers = np.arange(2000)
    hashed = resampled_counts(subscribers, np.repeat([0, 1, 2], counts), np.ones(2000), 3, 2000)
    for found in (hashed, replicated_counts(counts, 2000, seed=1)):
        assert found.mean(axis=1) == pytest.approx(counts, rel=0.01)
        assert found.var(axis=1) == pytest.approx(counts, rel=0.15)


def test_a_subscriber_in_two_cells_counts_in_both_or_in_neither() -> None:
    found = resampled_counts([7, 7], [0, 1], [0.25, 0.75], 2, 200)
    assert found[1] == pytest.approx(3 * found[0])
    assert (found[0] == 0).mean() == pytest.approx(np.exp(-1), abs=0.12)


def test_the_interval_holds_the_truth_about_as_often_as_it_says(areas: Areas) -> None:
    """Each area is heard by cells in known shares, so nothing errs but who happens to be there."""
    grid = lay_grid(areas, 1000)
    shares = np.array([[8, 1, 1, 0], [1, 8, 0, 1], [1, 0, 8, 1], [0, 1, 1, 8]]) / 10
    footprint = of(shares[grid.area].tolist())
    truth = np.array([400.0, 900.0, 150.0, 600.0])
    random = np.random.default_rng(0)
    held = []
    for seed in range(15):
        counts = random.poisson(truth @ shares)
        found = interval(grid, footprint, replicated_counts(counts, 100, seed), confidence=0.9, tolerance=1e-4)
        assert found.converged == found.replicates == 100
        held += ((found.low <= truth) & (truth <= found.high)).tolist()
    assert 0.78 <= np.mean(held) <= 0.98


def test_an_interval_holds_the_estimate(grid: Grid, plan: CellPlan) -> None:
    footprint = footprint_by_strength(grid, plan)
    counts = np.random.default_rng(0).integers(0, 900, len(plan))
    estimate = present_by_area(grid, footprint, counts, tolerance=1e-3).devices[:, 0]
    found = interval(grid, footprint, replicated_counts(counts, 60), tolerance=1e-3)
    assert (found.low < estimate).all()
    assert (estimate < found.high).all()
    with pytest.raises(InputError, match="between 0 and 1"):
        interval(grid, footprint, replicated_counts(counts, 2), confidence=95)
    with pytest.raises(InputError, match="whole number"):
        replicated_counts([0.5])


def test_a_plan_of_another_size_does_not_fit(grid: Grid, plan: CellPlan) -> None:
    one = read_plan({"identifier": ["A"], "longitude": [-11.9], "latitude": [8.1]})
    with pytest.raises(InputError, match="1 cells"):
        present_population(footprint_by_strength(grid, one), np.ones(len(plan)))
