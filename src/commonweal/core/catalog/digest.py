"""One digest for one table, however its rows are ordered, chunked, encoded or stored.

The bytes that are hashed are specified in ``docs/catalog.md``, so that anybody can compute the digest again.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.canonical import canonical
from commonweal.core.catalog.check import conform
from commonweal.core.catalog.declaration import Dataset


def canonical_digest(dataset: Dataset, table: pa.Table) -> str:
    """Return the SHA-256 (hex) of a table as a release of a dataset.

    Parameters
    ----------
    dataset
        Its name, and the name, type and unit of its columns, are part of what is hashed.
    table
        Rows in any order and encoding.

    Raises
    ------
    InputError
        If the table is not what the dataset declares.

    Examples
    --------
    >>> from commonweal.core.catalog import Dataset, Dimension, Privacy
    >>> sites = Dataset(name="demo.sites", title="Sites", description="", measures=(), privacy=Privacy.OPEN,
    ...                 dimensions=(Dimension("site", "string", "Its name."),))
    >>> one, other = pa.table({"site": ["a", "b"]}), pa.table({"site": ["b", "a"]})
    >>> canonical_digest(sites, one) == canonical_digest(sites, other)
    True
    """
    return digest_of_conformed(dataset, conform(dataset, table))


def digest_of_conformed(dataset: Dataset, table: pa.Table) -> str:
    """Return the canonical digest of a table that `conform` returned, without checking it again."""
    hashed = hashlib.sha256(b"commonweal table 1\n" + _heading(dataset) + b"\n")
    hashed.update(np.uint64(table.num_rows).astype("<u8").tobytes())
    for name in dataset.columns:
        for part in _column(table.column(name)):
            hashed.update(part)
    return hashed.hexdigest()


def _heading(dataset: Dataset) -> bytes:
    columns: list[list[str | None]] = [[item.name, item.type, item.unit, "key"] for item in dataset.dimensions]
    columns += [[item.name, item.type, item.unit, "measure"] for item in dataset.measures]
    columns += [[item.name, item.type, item.unit, "attribute"] for item in dataset.attributes]
    return canonical({"dataset": dataset.name, "columns": [list(column) for column in columns]}).encode()


def _column(column: pa.ChunkedArray) -> list[Any]:
    """Presence of each value (a byte a row), then the values in little-endian order, zero where there is none."""
    presence = column.is_valid().to_numpy().astype("u1")
    if pa.types.is_string(column.type):
        text = pc.fill_null(column, "").cast(pa.large_string()).combine_chunks()
        if isinstance(text, pa.ChunkedArray):
            text = pa.concat_arrays(text.chunks) if text.num_chunks else pa.array([], pa.large_string())
        lengths = pc.binary_length(text).to_numpy(zero_copy_only=False).astype("<i8")
        _, offsets, content = text.buffers()
        bounds = np.frombuffer(offsets, dtype="<i8")[text.offset : text.offset + len(text) + 1]
        characters = memoryview(content)[int(bounds[0]) : int(bounds[-1])] if content and len(bounds) else b""
        return [presence.tobytes(), lengths.tobytes(), characters]
    if pa.types.is_boolean(column.type):
        return [presence.tobytes(), pc.fill_null(column, False).to_numpy().astype("u1").tobytes()]
    if pa.types.is_floating(column.type):
        # Adding zero turns minus zero into zero: they are equal values.
        return [presence.tobytes(), (pc.fill_null(column, 0.0).to_numpy() + 0.0).astype("<f8").tobytes()]
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    whole = pc.fill_null(column.cast(pa.int64()), 0).to_numpy()
    return [presence.tobytes(), whole.astype("<i8").tobytes()]
