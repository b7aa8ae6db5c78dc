"""JSON: what the release is, what its columns are, and one object a row."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from commonweal.core.catalog.declaration import STATE_MEANINGS, Dataset, Measure, heading
from commonweal.core.catalog.exports import cells
from commonweal.core.catalog.release import Release
from commonweal.core.database import Database
from commonweal.core.settings import Settings

BATCH = 8192


def write(settings: Settings, database: Database, release: Release, stream: BinaryIO) -> None:
    """Write one object; ``rows`` comes last, a row a line, null where there is no value."""
    opening = json.dumps(described(release), ensure_ascii=False, indent=1)
    stream.write((opening.removesuffix("\n}") + ',\n "rows": [').encode())
    separator = "\n"
    for batch in cells.iso_times(release.table(settings)).to_batches(max_chunksize=BATCH):
        lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in batch.to_pylist())
        stream.write((separator + ",\n".join(lines)).encode())
        separator = ",\n"
    stream.write(b"\n ]\n}\n")


def described(release: Release) -> dict[str, Any]:
    """Return what stands before the rows: title, version, digest, provenance, licence, columns, states."""
    dataset = release.schema
    return {
        "dataset": dataset.name,
        "version": release.version,
        "title": dataset.title,
        "description": dataset.description,
        "licence": dataset.licence,
        "published_at": release.published_at.isoformat(),
        "digest": release.digest,
        "area_set": release.area_set,
        "provenance": release.provenance.record(),
        "certificate": release.certificate.record() if release.certificate else None,
        "key": list(dataset.key),
        "columns": columns(dataset),
        "states": {state.value: meaning for state, meaning in STATE_MEANINGS.items()},
    }


def columns(dataset: Dataset) -> list[dict[str, Any]]:
    """Return name, title, type, unit and description of each column, the states' among them."""
    found: list[dict[str, Any]] = []
    for column in dataset.declared:
        found.append(
            {
                "name": column.name,
                "title": heading(column),
                "type": column.type,
                "unit": column.unit,
                "description": column.description,
            }
        )
        if isinstance(column, Measure):
            found[-1] |= {"kind": column.kind.value, "counts": column.counts, "state": column.state}
    return found
