"""Areas ready for the screen: names, outlines simplified together, the projection that fits them, their centres."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
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
    polygons
        The outlines as they are, for measuring.
    parents
        Name of the area above of each code that has one; where that has no name in the set, its code.
    """

    codes: tuple[str, ...]
    names: Mapping[str, str]
    outlines: Mapping[str, Any]
    projection: Projection
    centres: Mapping[str, tuple[float, float]]
    polygons: Mapping[str, Any] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)


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


def close_up(places: Geography, codes: Collection[str], beside: Any = None) -> Geography:
    """Prepare some of the areas for a map of their own, as large and as exact as the screen allows.

    Parameters
    ----------
    places
        All areas.
    codes
        Which of them.
    beside
        What else the map has to show: a polygon or multipolygon, WGS 84.
    """
    shown = tuple(code for code in places.codes if code in codes and code in places.polygons)
    polygons = np.array([places.polygons[code] for code in shown], dtype=object)
    others = [] if beside is None else [beside]
    projection = fit(shapely.bounds(shapely.get_parts([*polygons, *others])))
    outlines = shapely.coverage_simplify(polygons, FINEST / projection.scale) if shown else ()
    return replace(
        places,
        codes=shown,
        outlines=dict(zip(shown, outlines, strict=True)),
        projection=projection,
        centres=_centres(shown, polygons, projection),
    )


def _centres(codes: Collection[str], polygons: Any, projection: Projection) -> dict[str, tuple[float, float]]:
    inside = projection(shapely.get_coordinates(shapely.point_on_surface(polygons))) if codes else ()
    return {code: (float(x), float(y)) for code, (x, y) in zip(codes, inside, strict=True)}


@lru_cache(maxsize=16)
def _found(database: Database, area_set: str, codes: tuple[str, ...], at: date | None) -> Geography:
    areas = load(database, area_set, at)
    here = set(areas.codes).intersection(codes)
    names = {code: code for code in codes}
    names |= {code: name for code, name in zip(areas.codes, areas.names, strict=True) if code in here}
    above = _above(database, area_set, at, areas.level)
    by_name = tuple(sorted(codes, key=lambda code: (names[code].casefold(), code)))
    drawn = areas.subset([code for code in by_name if code in here])
    # Part by part: an area may have islands on both sides of 180°.
    projection = fit(shapely.bounds(shapely.get_parts(drawn.polygons)))
    outlines = drawn.simplified(FINEST / projection.scale).polygons if here else ()
    return Geography(
        by_name,
        names,
        dict(zip(drawn.codes, outlines, strict=True)),
        projection,
        _centres(drawn.codes, drawn.polygons, projection),
        dict(zip(drawn.codes, drawn.polygons, strict=True)),
        {code: above.get(parent, parent) for code, parent in zip(drawn.codes, drawn.parents, strict=True) if parent},
    )


def _above(database: Database, area_set: str, at: date | None, level: int) -> dict[str, str]:
    """Name the areas of the level above, if the set has them."""
    try:
        areas = load(database, area_set, at, level - 1)
    except NotFound:
        return {}
    return dict(zip(areas.codes, areas.names, strict=True))
