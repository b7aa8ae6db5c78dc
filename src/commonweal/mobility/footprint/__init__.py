"""Where a cell is heard, and how many people are present where: footprints on a metric grid, and their inversion by EM.

`lay_grid` lays points over areas; `read_plan` completes the cells of one moment (`cells_at`); `footprint_by_strength`,
`best_server` and `voronoi` give P(c|i), the probability that a phone at a point is served by a cell; `overlaps` says
whose footprints meet; `locations` turns it round. `present_by_area` estimates devices by area from counts by cell,
`read_land_use` where people may be, `interval` how sure that is, and `subscribers_behind` how many people stand behind
it. What is known by point stays inside: only areas are ever published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commonweal.core.domain import load as _load

if TYPE_CHECKING:
    from commonweal.mobility.footprint.aggregating import by_area, cells_meeting, present_by_area, subscribers_behind
    from commonweal.mobility.footprint.bootstrapping import interval, replicated_counts, resampled_counts
    from commonweal.mobility.footprint.checking import misplaced, require_placed
    from commonweal.mobility.footprint.connection import Footprint, overlaps
    from commonweal.mobility.footprint.estimating import present_population
    from commonweal.mobility.footprint.grid import Grid, lay_grid
    from commonweal.mobility.footprint.land_use import LandUse, read_land_use
    from commonweal.mobility.footprint.locating import land_use_prior, locations
    from commonweal.mobility.footprint.nearest import voronoi
    from commonweal.mobility.footprint.parameters import Parameters
    from commonweal.mobility.footprint.plan import CellPlan, read_plan
    from commonweal.mobility.footprint.strength import best_server, footprint_by_strength
    from commonweal.mobility.footprint.versions import cells_at

_ROOMS = {
    "aggregating": ("by_area", "cells_meeting", "present_by_area", "subscribers_behind"),
    "bootstrapping": ("interval", "replicated_counts", "resampled_counts"),
    "checking": ("misplaced", "require_placed"),
    "connection": ("Footprint", "overlaps"),
    "estimating": ("present_population",),
    "grid": ("Grid", "lay_grid"),
    "land_use": ("LandUse", "read_land_use"),
    "locating": ("land_use_prior", "locations"),
    "nearest": ("voronoi",),
    "parameters": ("Parameters",),
    "plan": ("CellPlan", "read_plan"),
    "strength": ("best_server", "footprint_by_strength"),
    "versions": ("cells_at",),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}
__all__ = [
    "CellPlan",
    "Footprint",
    "Grid",
    "LandUse",
    "Parameters",
    "best_server",
    "by_area",
    "cells_at",
    "cells_meeting",
    "footprint_by_strength",
    "interval",
    "land_use_prior",
    "lay_grid",
    "locations",
    "misplaced",
    "overlaps",
    "present_by_area",
    "present_population",
    "read_land_use",
    "read_plan",
    "replicated_counts",
    "require_placed",
    "resampled_counts",
    "subscribers_behind",
    "voronoi",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: Numba takes a third of a second."""
    if name not in _HOMES:
        raise AttributeError(name)
    return _load(f"{__name__}.{_HOMES[name]}:{name}")
