"""Read a file of polygons: GeoJSON, GeoPackage or Shapefile, as it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely
from shapely.errors import ShapelyError

from commonweal.core.errors import InputError, explain

READABLE = "a GeoJSON, GeoPackage or Shapefile (.shp with its .dbf, .shx and .prj beside it)"
WGS84 = "WGS 84, longitude before latitude (EPSG:4326 or CRS84)"
NAMES_OF_WGS84 = {"EPSG:4326", "OGC:CRS84", "urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326"}


@dataclass(frozen=True)
class Layer:
    """What a file holds.

    Parameters
    ----------
    fields
        For each field, its value in each feature.
    shapes
        For each feature, its geometry, None if it has none, or a sentence on why it cannot be read.
    """

    fields: dict[str, list[Any]]
    shapes: list[shapely.Geometry | str | None]


def read(path: Path, layer: str | None = None) -> Layer:
    """Read one layer of a file.

    Raises
    ------
    InputError
        The file is of no kind known here, is broken, has several layers and none was named, or is not in WGS 84.
    Unavailable
        The file is not there or may not be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(1024)
    except OSError as error:
        raise explain(error, path) from error
    # GDAL would also open formats that fetch from the network; what a file is, its content decides.
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _geojson(path)
    if start.startswith((b"SQLite format 3\0", b"\x00\x00\x27\x0a")):
        return _by_gdal(path, layer)
    raise InputError("this is not a file of areas", where=path, expected=READABLE)


def _geojson(path: Path) -> Layer:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"byte {error.start} is not UTF-8", where=path, expected="a file in UTF-8") from None
    except (json.JSONDecodeError, RecursionError) as error:
        place = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else "nested too deep"
        raise InputError(f"this is not JSON, {place}", where=path, expected="a whole GeoJSON file") from None
    features = content.get("features")
    if content.get("type") != "FeatureCollection" or not isinstance(features, list):
        raise InputError(
            f"this GeoJSON is of type {content.get('type')!r}", where=path, expected="a FeatureCollection of polygons"
        )
    if "crs" in content:
        _require_wgs84(str(((content["crs"] or {}).get("properties") or {}).get("name")), path)
    for number, feature in enumerate(features, 1):
        if not isinstance(feature, dict) or not isinstance(feature.get("properties") or {}, dict):
            raise InputError("this is not a feature", where=f"{path}, feature {number}", expected="a GeoJSON Feature")
    properties = [feature.get("properties") or {} for feature in features]
    names = dict.fromkeys(name for row in properties for name in row)
    return Layer(
        {name: [row.get(name) for row in properties] for name in names},
        [_shape(json.dumps(feature["geometry"])) if feature.get("geometry") else None for feature in features],
    )


def _by_gdal(path: Path, layer: str | None) -> Layer:
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        if layer is None and len(layers) != 1:
            raise InputError(
                f"the file has {len(layers)} layers of geometry", where=path, expected=f"--layer {_options(layers)}"
            )
        if layer is not None and layer not in layers:
            raise InputError(f"the file has no layer {layer!r}", where=path, expected=_options(layers))
        described, _, outlines, columns = pyogrio.raw.read(path, layer=layer, force_2d=True)
    except (DataSourceError, DataLayerError) as error:
        raise InputError(f"this cannot be read: {str(error).splitlines()[0]}", where=path, expected=READABLE) from None
    _require_wgs84(described["crs"], path)
    fields = {str(name): list(column) for name, column in zip(described["fields"], columns, strict=True)}
    return Layer(fields, [None if outline is None else _shape(bytes(outline)) for outline in outlines])


def _shape(written: str | bytes) -> shapely.Geometry | str:
    try:
        shape = shapely.from_geojson(written) if isinstance(written, str) else shapely.from_wkb(written)
    except ShapelyError as error:
        return _reason(str(error))
    return shapely.force_2d(shape)


def _reason(message: str) -> str:
    """Say in the field's words what GEOS could not read."""
    if "closed" in message:
        return "a ring is not closed: its last point is not its first"
    if "number of points" in message or "point array" in message:
        return "a ring has fewer than 4 points"
    return "the geometry cannot be read"


def _require_wgs84(crs: str | None, path: Path) -> None:
    if crs is None:
        raise InputError("the file does not say its coordinate reference system", where=path, expected=WGS84)
    # A Shapefile spells the system out; WGS 84 in degrees is a geographic system on that very datum.
    spelled = crs.startswith(("GEOGCS[", "GEOGCRS[")) and "WGS" in crs and "84" in crs.split("DATUM", 1)[-1][:40]
    if crs not in NAMES_OF_WGS84 and not spelled:
        name = crs.split('"')[1] if '"' in crs else crs
        raise InputError(f"the coordinates are in {name}", where=path, expected=WGS84)


def _options(layers: list[str]) -> str:
    return "one of: " + ", ".join(layers) if layers else "a file with polygons"
