"""Admin-1 areas of the whole world, there before any import: Natural Earth, public domain.

`scripts/build_natural_earth.py` wrote the file; `docs/areas.md` says from what and how.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import shapely

from commonweal.core.areas.polygons import Areas
from commonweal.core.errors import NotFound

NAME = "natural-earth"
LANGUAGES = ("en", "fr", "ar")
STEPS_A_DEGREE = 10_000


def natural_earth(countries: Collection[str] | None = None) -> Areas:
    """Give the admin-1 areas of some countries, or of the world; an area's parent is its country.

    Parameters
    ----------
    countries
        ISO 3166-1 codes of two letters. Twelve units to which Natural Earth assigns none go by its own three
        letters, such as ``SOL`` for Somaliland.

    Raises
    ------
    NotFound
        Natural Earth has no area of a country by that code.

    Examples
    --------
    >>> areas = natural_earth(["SL"])
    >>> dict(zip(areas.codes, areas.names))
    {'SL-E': 'Eastern', 'SL-N': 'Northern', 'SL-S': 'Southern', 'SL-W': 'Western'}
    >>> areas.codes[areas.locate([-13.23], [8.48])[0]]  # Freetown
    'SL-W'
    """
    world = _world()
    if countries is None:
        return world
    unknown = set(countries) - set(world.parents)
    if unknown:
        raise NotFound(
            f"Natural Earth has no country {', '.join(sorted(unknown))}",
            expected="ISO 3166-1 codes of two letters, such as GN,LR,SL",
        )
    chosen = [code for code, country in zip(world.codes, world.parents, strict=True) if country in countries]
    return world.subset(chosen)


@cache
def _world() -> Areas:
    resource = files(__package__).joinpath("natural_earth.parquet")
    with resource.open("rb") as file:
        table = pq.ParquetFile(file).read(use_threads=False)
    # Arrow's own to_numpy would import pandas, which costs ten times the reading.
    offsets, nested = [], table["outline"].combine_chunks()
    for _ in ("polygons", "rings", "points"):
        offsets.append(np.from_dlpack(nested.offsets))
        nested = nested.values
    points = np.column_stack([np.from_dlpack(nested.field(axis)) for axis in ("lon", "lat")]) / STEPS_A_DEGREE
    outlines: Any = shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, points, tuple(reversed(offsets)))
    return Areas(
        codes=tuple(table["code"].to_pylist()),
        names=tuple(table["name"].to_pylist()),
        polygons=outlines,
        parents=tuple(table["country"].to_pylist()),
        names_by_language=MappingProxyType(
            {language: tuple(table[f"name_{language}"].to_pylist()) for language in LANGUAGES}
        ),
        level=1,
    )
