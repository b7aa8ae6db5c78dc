"""Every format in which a release can be downloaded, and one way to write any of them.

A suppressed value is an empty cell with its state beside it, never zero. The same release gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from commonweal.core.catalog.release import Release
from commonweal.core.database import Database
from commonweal.core.domain import load
from commonweal.core.durable import replacing
from commonweal.core.errors import InputError, NotFound
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording


@dataclass(frozen=True)
class Format:
    """A format to download.

    Parameters
    ----------
    name
        What users ask for.
    title
        What people call it.
    suffix
        End of the file's name.
    media_type
        As registered with IANA.
    writer
        Import string of a function of (settings, database, release, stream).
    needs_areas
        Whether the release must have area codes of a known area set.
    """

    name: str
    title: str
    suffix: str
    media_type: str
    writer: str
    needs_areas: bool = False


_ROOM = "commonweal.core.catalog.exports"
FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        Format("parquet", "Parquet", ".parquet", "application/vnd.apache.parquet", f"{_ROOM}.parquet:write"),
        Format("csv", "CSV", ".csv", "text/csv", f"{_ROOM}.csvw:write"),
        Format(
            "csvw",
            Wording("CSV metadata"),
            ".csv-metadata.json",
            "application/csvm+json",
            f"{_ROOM}.csvw:write_metadata",
        ),
        Format("geojson", "GeoJSON", ".geojson", "application/geo+json", f"{_ROOM}.geojson:write", needs_areas=True),
        Format(
            "xlsx",
            Wording("Excel workbook"),
            ".xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            f"{_ROOM}.workbook:write",
        ),
        Format("json", "JSON", ".json", "application/json", f"{_ROOM}.rows:write"),
    )
}


def formats(release: Release) -> list[Format]:
    """Return the formats a release can be written in."""
    areas = bool(release.schema.areas and release.area_set)
    return [each for each in FORMATS.values() if areas or not each.needs_areas]


def file_name(release: Release, name: str) -> str:
    """Return the name of the downloaded file: ``mobility.presence-3.csv``."""
    return f"{release.dataset}-{release.version}{_format(name).suffix}"


def address(release: Release, name: str) -> str:
    """Return where the file is downloaded, below the site's root: ``/catalog/mobility.presence/3/….csv``."""
    return f"/catalog/{release.dataset}/{release.version}/{file_name(release, name)}"


def export(settings: Settings, database: Database, release: Release, name: str, stream: BinaryIO) -> None:
    """Write a release in the format of that name.

    Raises
    ------
    NotFound
        If there is no such format.
    InputError
        If the release cannot be written in it.
    Damaged
        If the release's file is not what its digest says.
    """
    chosen = _format(name)
    if chosen not in formats(release):
        raise InputError(
            f"{chosen.title} needs areas of a known area set", where=release.label, expected=_names(formats(release))
        )
    load(chosen.writer)(settings, database, release, stream)


def format_of(path: Path, name: str | None = None) -> Format:
    """Return the format to write a file in: that of its name's ending, which a format asked for must not contradict.

    Parameters
    ----------
    path
        The file; an ending of no format says nothing.
    name
        Name of the format that was asked for.

    Raises
    ------
    NotFound
        If there is no such format.
    InputError
        If the ending is that of another format, or none was asked for and the ending is of none.

    Examples
    --------
    >>> format_of(Path("rain.csv-metadata.json")).name
    'csvw'
    """
    fitting = [each for each in FORMATS.values() if path.name.lower().endswith(each.suffix)]
    ending = max(fitting, key=lambda each: len(each.suffix), default=None)  # CSV metadata end in .json too
    chosen = ending if name is None else _format(name)
    if chosen is None:
        every = ", ".join(f"{each.name} ({each.suffix})" for each in FORMATS.values())
        raise InputError(
            "the ending says no format", where=path, expected=f"the ending of a format, or its name: {every}"
        )
    if ending not in (None, chosen):
        raise InputError(
            f"format {chosen.name} was asked for, but the ending is that of {ending.name}",
            where=path,
            expected=f"format {ending.name}, or a name that ends in {chosen.suffix}",
        )
    return chosen


def save(settings: Settings, database: Database, release: Release, path: Path, name: str | None = None) -> list[Path]:
    """Write a release to a file, whole or not at all; beside CSV also the metadata that points to it.

    Parameters
    ----------
    path, name
        The file, and the format if its ending does not say it. See `format_of`.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    NotFound, InputError, Damaged
        As `format_of` and `export`.
    Unavailable
        If the file cannot be written.
    """
    chosen = format_of(path, name)
    with replacing(path) as written, written.open("wb") as file:
        export(settings, database, release, chosen.name, file)
    if chosen.name != "csv":
        return [path]
    from commonweal.core.catalog.exports import csvw

    beside = path.with_name(f"{path.name}-metadata.json")
    with replacing(beside) as written:
        said = json.dumps(csvw.metadata(release, quote(path.name)), indent=2, ensure_ascii=False)
        written.write_text(said + "\n", encoding="utf-8")
    return [path, beside]


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise NotFound(f"there is no format {name!r}", expected=_names(list(FORMATS.values())))
    return FORMATS[name]


def _names(some: list[Format]) -> str:
    return ", ".join(each.name for each in some)
