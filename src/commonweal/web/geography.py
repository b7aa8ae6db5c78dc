"""Areas ready for the screen: names, outlines simplified together, the projection that fits them, their centres."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import shapely

from commonweal.core.areas import load
from commonweal.core.database import Database
from commonweal.core.errors import NotFound
from commonweal.web.projection import Projection, fit

FINEST = 0.8
"""Screen units: detail smaller than this is left out."""


@dataclass(frozen=True, eq=False)
class Geography:
    """What a map needs to know of its areas.

    Parameters
    ----------
    codes
        By name: the order in which lists and the keyboard go through them.
    names
        Name of each code. A code the area set does not know is its own name.
    outlines
        Simplified polygon of each code that the area set knows; neighbours still share their border.
    projection
        Fits all outlines.
    centres
        A screen position inside each outline.
    """

    codes: tuple[str, ...]
    names: Mapping[str, str]
    outlines: Mapping[str, Any]
    projection: Projection
    centres: Mapping[str, tuple[float, float]]


def geography(database: Database, area_set: str | None, codes: tuple[str, ...], at: date | None = None) -> Geography:
    """Look areas up as they stood at a date and prepare them for the screen.

    Parameters
    ----------
    database
        Where imported area sets are.
    area_set
        Name of the set the codes belong to; None if there is none.
    codes
        The codes to show.
    at
        The date; today if none.

    Returns
    -------
    Without any outline if the set is not here: names and tables are still true.
    """
    if area_set is not None:
        try:
            return _found(database, area_set, codes, at)
        except NotFound:
            pass
    return Geography(tuple(sorted(codes)), {code: code for code in codes}, {}, fit([]), {})


@lru_cache(maxsize=16)
def _found(database: Database, area_set: str, codes: tuple[str, ...], at: date | None) -> Geography:
    areas = load(database, area_set, at)
    here = set(areas.codes).intersection(codes)
    names = {code: code for code in codes}
    names |= {code: name for code, name in zip(areas.codes, areas.names, strict=True) if code in here}
    by_name = tuple(sorted(codes, key=lambda code: (names[code].casefold(), code)))
    drawn = areas.subset([code for code in by_name if code in here])
    projection = fit(shapely.bounds(drawn.polygons))
    inside = projection(drawn.representative_points())
    centres = {code: (float(x), float(y)) for code, (x, y) in zip(drawn.codes, inside, strict=True)}
    outlines = drawn.simplified(FINEST / projection.scale).polygons if here else ()
    return Geography(by_name, names, dict(zip(drawn.codes, outlines, strict=True)), projection, centres)
