"""An operator's cell file: a table of where its cells stand, from when to when."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from commonweal.core.errors import InputError
from commonweal.mobility.blocks import LineReader
from commonweal.mobility.cells import ALWAYS, FOREVER, SCHEMA, seconds
from commonweal.mobility.columnar import column_names, text_batches
from commonweal.mobility.footprint.plan import LIMITS
from commonweal.mobility.layout import CELL_ROLES, Column, Layout, say_columns
from commonweal.mobility.lines import split_line
from commonweal.mobility.plmn import plmn_of_text

NAMES: Mapping[str, tuple[str, ...]] = {
    "cell": ("cell", "cell_id", "cellid", "identifier", "cgi", "ecgi", "id"),
    "longitude": ("longitude", "lon", "long", "lng", "x"),
    "latitude": ("latitude", "lat", "y"),
    "azimuth": ("azimuth",),
    "beam_width": ("beam_width", "beamwidth", "beam"),
    "range": ("range", "range_m", "radius"),
    "technology": ("technology", "radio", "rat"),
    "site": ("site", "site_id"),
    "plmn": ("plmn",),
    "height": ("height", "antenna_height", "height_m"),
    "power": ("power", "power_w"),
    "tilt": ("tilt", "downtilt"),
    "valid_from": ("valid_from", "valid_since", "start_date"),
    "valid_to": ("valid_to", "valid_until", "end_date"),
}
"""What columns of a cell file are usually called, for a layout that does not say."""


def read_cells(path: Path, layout: Layout) -> pa.Table:
    """Read a cell file.

    Parameters
    ----------
    path
        CSV (plain, gz, zst) or Parquet.
    layout
        Its ``[cells]`` section says which column is what; without one, the usual names are looked for. Dates are of
        the layout's time zone.

    Returns
    -------
    pyarrow.Table
        ``identifier`` and the columns that describe a version of a cell.

    Raises
    ------
    InputError
        A column is not there, or a row says what cannot be; with file, line and field.
    """
    names, rows = _rows(path, layout)
    columns = _columns(names, len(rows[0][1]) if rows else 0, layout, path)
    zone = ZoneInfo(layout.time_zone)
    versions: list[dict[str, Any]] = []
    for line, row in rows:
        if not any(row):
            continue
        texts = {
            role: layout.joined_by.join(row[place].strip() for place in places) for role, places in columns.items()
        }
        versions.append(_version(texts, zone, f"{path}, line {line}"))
    if not versions:
        raise InputError("there is not one cell in it", where=path, expected="a row for each cell")
    fields = [SCHEMA.field(name) for name in SCHEMA.names if name not in ("code", "registered")]
    return pa.Table.from_pylist(versions, schema=pa.schema(fields))


def _rows(path: Path, layout: Layout) -> tuple[list[str] | None, list[tuple[int, list[str]]]]:
    """Give the column names, if there are, and every row with its line."""
    source = layout.cells_source
    if path.suffix == ".parquet":
        columns = column_names(path)
        return columns, [
            (first + place, list(row.values()))
            for first, table in text_batches(path, columns)
            for place, row in enumerate(table.to_pylist())
        ]
    lines = [
        (block.first_line + place, line)
        for block in LineReader(path, source.encoding).blocks()
        for place, line in enumerate(block.content.decode(errors="replace").split("\n")[:-1])
    ]
    split = [(number, split_line(line, source)) for number, line in lines if line.strip()]
    if not split:
        raise InputError("the file is empty", where=path, expected="a row for each cell")
    names = [name.strip() for name in split[0][1]] if source.header else None
    rows = split[1:] if source.header else split
    width = len(split[0][1])
    for number, row in rows:
        if len(row) != width:
            raise InputError(
                f"{len(row)} fields", where=f"{path}, line {number}", expected=f"{width}, as in the first line"
            )
    return names, rows


def _columns(names: list[str] | None, width: int, layout: Layout, path: Path) -> dict[str, list[int]]:
    said: Mapping[str, tuple[Column, ...]] = layout.cells
    if not said:
        folded = {name.casefold(): name for name in reversed(names or [])}
        found = {role: [folded[name] for name in usual if name in folded] for role, usual in NAMES.items()}
        said = {role: (columns[0],) for role, columns in found.items() if columns}
    places: dict[str, list[int]] = {}
    for role, columns in said.items():
        for column in columns:
            if isinstance(column, int) and (column <= width or not width):
                places.setdefault(role, []).append(column - 1)
            elif names and column in names:
                places.setdefault(role, []).append(names.index(column))
            else:
                raise InputError(
                    f"there is no column {column!r}", where=f"{path}, line 1", expected=say_columns(names or [])
                )
    if missing := [role for role in CELL_ROLES[:3] if role not in places]:
        raise InputError(
            f"no column is known for the cell's {missing[0]}",
            where=f"{path}, line 1",
            expected=f"a section [cells] in the mapping, with {say_columns(names or [])}",
        )
    return places


def _version(texts: dict[str, str], zone: ZoneInfo, where: str) -> dict[str, Any]:
    if not texts["cell"]:
        raise InputError("the cell has no identifier", where=where, expected="the identifier that events carry")

    def number(role: str, low: float, high: float) -> float | None:
        text = texts.get(role, "")
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise InputError(f"{role} is no such number", where=where, expected=f"{low:g} to {high:g}")
        return value

    longitude, latitude = number("longitude", -180, 180), number("latitude", -90, 90)
    if (longitude is None) != (latitude is None):
        raise InputError("only one of longitude and latitude is there", where=where, expected="both, or neither")
    plmn = plmn_of_text(texts.get("plmn", ""))
    if plmn < 0:
        raise InputError("plmn is none", where=where, expected="MCC and MNC, such as 619-01")
    valid_from = _moment(texts.get("valid_from", ""), ALWAYS, zone, where)
    valid_to = _moment(texts.get("valid_to", ""), FOREVER, zone, where)
    if valid_to <= valid_from:
        raise InputError("the cell's validity ends before it begins", where=where, expected="valid_to after valid_from")
    return {
        "identifier": texts["cell"],
        "valid_from": valid_from,
        "valid_to": valid_to,
        "longitude": longitude,
        "latitude": latitude,
        "azimuth": number("azimuth", -360, 360),
        "beam_width": number("beam_width", 0, 360),
        "range": number("range", 0, 200_000),
        "technology": texts.get("technology") or None,
        "site": texts.get("site") or None,
        "plmn": plmn or None,
        "height": number("height", *LIMITS["height"][:2]),
        "power": _above(number("power", *LIMITS["power"][:2]), "power", where),
        "tilt": number("tilt", *LIMITS["tilt"][:2]),
    }


def _above(value: float | None, role: str, where: str) -> float | None:
    if value == 0:
        raise InputError(f"{role} is 0", where=where, expected=f"{LIMITS[role][2]}, or nothing if it is not known")
    return value


def _moment(text: str, otherwise: int, zone: ZoneInfo, where: str) -> int:
    if not text:
        return otherwise
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            "its validity is no date", where=where, expected="such as 2026-03-01 or 2026-03-01T04:00"
        ) from None
    return seconds(moment if moment.tzinfo else moment.replace(tzinfo=zone))
