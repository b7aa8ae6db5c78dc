"""How fast footprints and present population are, as ratios to plain NumPy and SciPy in the same run, and how right."""

from __future__ import annotations

import argparse
import resource
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from commonweal.core.areas import natural_earth
from commonweal.mobility.footprint import (
    CellPlan,
    Footprint,
    Grid,
    Parameters,
    best_server,
    footprint_by_strength,
    interval,
    lay_grid,
    overlaps,
    present_by_area,
    present_population,
    read_plan,
    replicated_counts,
    voronoi,
)
from commonweal.mobility.footprint.signal import dominance, signal_strength

Numbers = npt.NDArray[np.float64]
HOURS = 24
PEOPLE = 1_000_000
TOWNS = 150
STEPS_COMPARED = 20


def main() -> None:
    """Print times on two threads, ratios to baselines, and the share of people that each method puts elsewhere."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--cells", type=int, default=2000)
    asked.add_argument("--step", type=float, default=500)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--replicates", type=int, default=100)
    given = asked.parse_args()
    areas = natural_earth(["SL"])
    grid, laying = best(lambda: lay_grid(areas, given.step), given.rounds)
    truth = people(grid)
    plan = network(grid, truth, given.cells)
    footprint, ours = best(lambda: footprint_by_strength(grid, plan), given.rounds)
    simple, theirs = best(lambda: in_numpy(grid, plan), 1)
    assert np.allclose(footprint.probability, simple.probability), "the two disagree"
    print(f"{len(grid):,} points of {given.step:g} m, {len(plan):,} cells, {len(footprint.cell):,} entries")
    said("grid over the country", laying)
    said("footprint by strength", ours, theirs, "NumPy, cell by cell")
    said("best server", best(lambda: best_server(grid, plan), given.rounds)[1])
    said("Voronoi of sites", best(lambda: voronoi(grid, plan), given.rounds)[1])
    said("overlaps", best(lambda: overlaps(footprint), given.rounds)[1])

    random = np.random.default_rng(1)
    expected = np.asarray(footprint.matrix().T @ truth)
    counts = random.poisson(expected[:, None] * np.linspace(0.3, 1, HOURS)).astype(np.float64)

    def steps() -> Numbers:
        return present_population(footprint, counts, tolerance=0, most_iterations=STEPS_COMPARED).devices

    devices, ours = best(steps, given.rounds)
    simple_devices, theirs = best(lambda: in_scipy(footprint, counts), 1)
    assert np.allclose(devices, simple_devices), "the two disagree"
    said(f"EM, {HOURS} hours, {STEPS_COMPARED} steps", ours, theirs, "SciPy's sparse products, hour by hour")
    found, whole = best(lambda: present_by_area(grid, footprint, counts), given.rounds)
    said(f"EM, {HOURS} hours, until a step changes 0.1 %", whole)
    print(f"  {found.iterations.min()} to {found.iterations.max()} steps, all converged: {found.converged.all()}")
    replicates = replicated_counts(counts[:, -1], given.replicates)
    said(
        f"interval of one hour, {given.replicates} replicates",
        best(lambda: interval(grid, footprint, replicates), 1)[1],
    )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB, the baselines' included")

    served = truth * footprint.covered
    print(f"\n{'people put elsewhere':<28}{'by point':>10}{'by squares of 5 km':>20}")
    methods: dict[str, Footprint] = {
        "EM, by strength": footprint,
        "EM, best server": best_server(grid, plan),
        "Voronoi of cells": voronoi(grid, plan, "cell"),
        "Voronoi of sites": voronoi(grid, plan),
    }
    for name, each in methods.items():
        estimate = present_population(each, counts[:, -1]).devices[:, 0]
        print(f"{name:<28}{misplaced(served, estimate):>10.1%}{misplaced(*in_squares(grid, served, estimate)):>20.1%}")


def said(what: str, ours: float, theirs: float | None = None, baseline: str = "") -> None:
    """Print a time and its ratio."""
    ratio = "" if theirs is None else f"{theirs / ours:>8.1f} × faster than {baseline} ({theirs:.2f} s)"
    print(f"{what:<48}{ours:>8.2f} s{ratio}")


def best(work: Callable[[], Any], rounds: int) -> tuple[Any, float]:
    """Give the result and the best time of some rounds after one that compiles, if there are several."""
    if rounds > 1:
        work()
    times = []
    for _ in range(rounds):
        begun = perf_counter()
        result = work()
        times.append(perf_counter() - begun)
    return result, min(times)


def people(grid: Grid) -> Numbers:
    """Put people into towns of very different sizes."""
    random = np.random.default_rng(0)
    density = np.full(len(grid), 1e-5)
    for town in grid.points[random.integers(0, len(grid), TOWNS)]:
        away = ((grid.points - town) ** 2).sum(axis=1)
        density += random.pareto(1.1) * np.exp(-away / (2 * random.uniform(800, 3000) ** 2))
    found: Numbers = PEOPLE * density / density.sum()
    return found


def network(grid: Grid, truth: Numbers, cells: int) -> CellPlan:
    """Put masts of three cells where people are, and a third of them anywhere."""
    random = np.random.default_rng(2)
    masts = -(-cells // 3)
    somewhere = random.integers(0, len(grid), masts)
    at = grid.degrees[
        np.where(random.random(masts) < 1 / 3, somewhere, random.choice(len(grid), masts, p=truth / PEOPLE))
    ]
    at = at + random.uniform(-0.002, 0.002, at.shape)  # not in the middle of squares
    turned = random.uniform(0, 120, masts)
    azimuth = ((turned[:, None] + [0, 120, 240]) % 360).ravel()[:cells]
    longitude, latitude = np.repeat(at, 3, axis=0)[:cells].T
    names = [f"C{k:05}" for k in range(cells)]
    return read_plan({"identifier": names, "longitude": longitude, "latitude": latitude, "azimuth": azimuth})


def in_numpy(grid: Grid, plan: CellPlan) -> Footprint:
    """Write the same formulas over all points in range of one cell after the other."""
    default = Parameters()
    at = grid.projection.plane(plan.longitude, plan.latitude)
    azimuth = plan.azimuth + grid.projection.north(plan.longitude, plan.latitude)
    points, cells, values = [], [], []
    for c in range(len(plan)):
        box = np.abs(grid.points[:, 1] - at[c, 1]) <= plan.range[c]
        near = np.flatnonzero(box)
        near = near[np.hypot(*(grid.points[near] - at[c]).T) <= plan.range[c]]
        s = dominance(signal_strength(*(grid.points[near] - at[c]).T, azimuth=float(azimuth[c])))
        heard = s >= default.least_dominance
        points.append(near[heard])
        cells.append(np.full(int(heard.sum()), c, np.int32))
        values.append(s[heard])
    point, cell, value = np.concatenate(points), np.concatenate(cells), np.concatenate(values)
    order = np.lexsort((cell, point))
    point, cell, value = point[order], cell[order], value[order]
    first = np.concatenate([[0], np.cumsum(np.bincount(point, minlength=len(grid)))]).astype(np.int64)
    return Footprint(first, cell, value / np.bincount(point, value, minlength=len(grid))[point], len(plan))


def in_scipy(footprint: Footprint, counts: Numbers) -> Numbers:
    """Write EM as two sparse products a step, one hour after the other."""
    forward = footprint.matrix()
    backward = forward.T.tocsr()
    found = np.empty((footprint.points, counts.shape[1]))
    for hour in range(counts.shape[1]):
        n = counts[:, hour]
        devices = footprint.covered * n.sum() / footprint.covered.sum()
        for _ in range(STEPS_COMPARED):
            expected = backward @ devices
            devices = devices * (forward @ np.divide(n, expected, out=np.zeros_like(n), where=n > 0))
        found[:, hour] = devices
    return found


def misplaced(truth: Numbers, estimate: Numbers) -> float:
    """Give the share of people that would have to be moved for the two to agree."""
    return float(np.abs(truth / truth.sum() - estimate / estimate.sum()).sum() / 2)


def in_squares(grid: Grid, *numbers: Numbers) -> list[Numbers]:
    """Add numbers up in squares of 5 km."""
    _, square = np.unique(np.floor(grid.points / 5000), axis=0, return_inverse=True)
    return [np.bincount(square, each).astype(np.float64) for each in numbers]


if __name__ == "__main__":
    main()
