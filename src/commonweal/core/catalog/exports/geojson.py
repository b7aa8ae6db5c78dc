"""GeoJSON: one feature a row, with the outline of its area, or a line from its first area to its second.

Source: RFC 7946; longitude before latitude, outer rings counterclockwise, six decimals (a tenth of a metre).
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any, BinaryIO

import numpy as np
import shapely

from commonweal.core import areas
from commonweal.core.catalog.exports import cells
from commonweal.core.catalog.release import Release
from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.core.settings import Settings

DECIMALS = 6
BATCH = 2048


def write(settings: Settings, database: Database, release: Release, stream: BinaryIO) -> None:
    """Write a feature collection; a row whose code is not in the area set has a null geometry.

    The areas are those of the day that the release's parameter ``areas_at`` names, else of its first period, else of
    the day it was published; of the level that its parameter ``area_level`` names, else of the deepest. Beside each
    code stands the area's name, as ``<column>_name``.

    Raises
    ------
    InputError
        If the release has no area set.
    """
    if not release.schema.areas or release.area_set is None:
        raise InputError("GeoJSON needs areas of a known area set", where=release.label)
    shapes = _Shapes(database, release)
    head = {
        "type": "FeatureCollection",
        "dataset": release.dataset,
        "version": release.version,
        "title": release.schema.title,
        "licence": release.schema.licence,
        "digest": release.digest,
    }
    stream.write((json.dumps(head, ensure_ascii=False).removesuffix("}") + ', "features": [').encode())
    separator = "\n"
    for batch in cells.iso_times(release.table(settings)).to_batches(max_chunksize=BATCH):
        for row in batch.to_pylist():
            geometry = shapes.of([row[name] for name in release.schema.areas])
            for name in release.schema.areas:
                row[f"{name}_name"] = shapes.names.get(row[name])
            properties = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
            feature = f'{{"type":"Feature","geometry":{geometry},"properties":{properties}}}'
            stream.write((separator + feature).encode())
            separator = ",\n"
    stream.write(b"\n]}\n")


class _Shapes:
    """GeoJSON text of the areas of a release's set, each written once."""

    def __init__(self, database: Database, release: Release) -> None:
        parameters = release.provenance.parameters
        first = release.periods[0] if release.periods else release.published_at
        at = date.fromisoformat(parameters["areas_at"]) if "areas_at" in parameters else first.date()
        loaded = areas.load(database, release.area_set or "", at, parameters.get("area_level"))
        self.names = dict(zip(loaded.codes, loaded.names, strict=True))
        self._polygons = dict(zip(loaded.codes, loaded.polygons, strict=True))
        self._written: dict[tuple[str, ...], str] = {}

    def of(self, codes: list[str]) -> str:
        key = tuple(codes[:2])
        if key not in self._written:
            self._written[key] = self._write(key)
        return self._written[key]

    def _write(self, codes: tuple[str, ...]) -> str:
        found = [self._polygons.get(code) for code in codes]
        if any(polygon is None for polygon in found):
            return "null"
        shape: Any = found[0]
        if len(found) == 2:
            # A point on the surface lies inside the area, which a centroid may not.
            ends = [shapely.point_on_surface(polygon) for polygon in found]
            shape = ends[0] if codes[0] == codes[1] else shapely.LineString(ends)
        else:
            shape = shapely.orient_polygons(shape, exterior_cw=False)
        return str(shapely.to_geojson(shapely.transform(shape, lambda points: np.round(points, DECIMALS))))
