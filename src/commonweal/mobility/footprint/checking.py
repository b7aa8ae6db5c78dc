"""Cells that cannot stand where their file says they do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from commonweal.core.areas import Areas
from commonweal.core.errors import InputError
from commonweal.mobility.footprint.grid import Grid
from commonweal.mobility.footprint.plan import CellPlan

NAMED = 5


@dataclass(frozen=True)
class Misplaced:
    """A cell from which no point of the grid is in range.

    Parameters
    ----------
    identifier
        The cell's.
    longitude, latitude
        Where it is said to stand.
    swapped
        Whether it would stand in an area with the two exchanged.
    """

    identifier: str
    longitude: float
    latitude: float
    swapped: bool

    def __str__(self) -> str:
        """Say it in a clause."""
        swapped = "; with longitude and latitude swapped it would be in an area" if self.swapped else ""
        return f"{self.identifier} at {self.longitude:g}, {self.latitude:g}{swapped}"


def misplaced(plan: CellPlan, grid: Grid, areas: Areas) -> list[Misplaced]:
    """Find the cells that lie farther outside the grid than their range; in order of the plan.

    A cell across a border may serve people on this side, so lying in no area is no fault by itself. Cells without a
    position are not named.
    """
    somewhere = np.flatnonzero(plan.somewhere)
    rows, columns = grid.place.shape
    x, y = grid.projection.plane(plan.longitude[somewhere], plan.latitude[somewhere]).T
    aside = np.maximum(np.maximum(grid.west - x, x - grid.west - columns * grid.step), 0)
    above = np.maximum(np.maximum(grid.south - y, y - grid.south - rows * grid.step), 0)
    far = somewhere[np.hypot(aside, above) > plan.range[somewhere]]
    exchanged = areas.locate(plan.latitude[far], plan.longitude[far]) >= 0
    return [
        Misplaced(plan.identifier[cell], float(plan.longitude[cell]), float(plan.latitude[cell]), bool(swapped))
        for cell, swapped in zip(far.tolist(), exchanged.tolist(), strict=True)
    ]


def require_placed(plan: CellPlan, grid: Grid, areas: Areas, where: str = "cell plan") -> None:
    """Refuse a plan with misplaced cells.

    Raises
    ------
    InputError
        Names the first of them. `CellPlan.without` leaves cells out that cannot be mended.
    """
    found = misplaced(plan, grid, areas)
    if found:
        named = ", ".join(str(cell) for cell in found[:NAMED]) + (" …" if len(found) > NAMED else "")
        raise InputError(
            f"{len(found)} of {len(plan)} cells are out of range of all areas: {named}",
            where=where,
            expected="longitude before latitude, WGS 84, within the country or in range of it",
        )
