"""Areas: named polygons in hierarchies, with validity in time, and which of them a point lies in.

`load` gives the areas of a stored set, or of Natural Earth's admin-1 areas, as they stood at a date; `changes` the days
on which they become others. `Areas` answers: `locate`, `neighbours`, `area_km2`, `centroids`, `digest`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commonweal.core.domain import load as _load

if TYPE_CHECKING:
    from commonweal.core.areas.importing import import_file
    from commonweal.core.areas.polygons import Areas
    from commonweal.core.areas.service import changes, levels_of, load
    from commonweal.core.areas.world import natural_earth

__all__ = ["Areas", "changes", "import_file", "levels_of", "load", "natural_earth"]
_HOMES = {
    "Areas": "polygons",
    "changes": "service",
    "import_file": "importing",
    "levels_of": "service",
    "load": "service",
    "natural_earth": "world",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: Shapely and Arrow cost a quarter of a second."""
    if name not in _HOMES:
        raise AttributeError(name)
    return _load(f"{__name__}.{_HOMES[name]}:{name}")
