"""A small country: four areas of some 11 km, and cells on sites within."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely

from commonweal.core.areas import Areas
from commonweal.mobility.footprint import CellPlan, Grid, lay_grid, read_plan


@pytest.fixture(scope="session")
def areas() -> Areas:
    squares = [shapely.box(x, y, x + 0.1, y + 0.1) for y in (8.0, 8.1) for x in (-12.0, -11.9)]
    return Areas(("SW", "SE", "NW", "NE"), ("SW", "SE", "NW", "NE"), np.array(squares))


@pytest.fixture(scope="session")
def grid(areas: Areas) -> Grid:
    return lay_grid(areas, 500)


@pytest.fixture(scope="session")
def plan(areas: Areas) -> CellPlan:
    """Eight masts with three cells each, and two cells alone that serve all around."""
    random = np.random.default_rng(1)
    west, south, east, north = areas.bounds
    masts = random.uniform((west, south), (east, north), (10, 2))
    at = np.concatenate([np.repeat(masts[:8], 3, axis=0), masts[8:]])
    azimuth: list[Any] = [*np.tile([0.0, 120.0, 240.0], 8).tolist(), None, None]
    names = [f"C{k:02}" for k in range(len(at))]
    return read_plan(
        {
            "identifier": names,
            "longitude": at[:, 0].tolist(),
            "latitude": at[:, 1].tolist(),
            "azimuth": azimuth,
            "range": [6000.0] * len(at),
            "power": random.uniform(5, 40, len(at)).tolist(),
        }
    )
