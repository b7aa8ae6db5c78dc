"""The order of rows by their key, found by whole columns at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog.declaration import Dataset

Integers = npt.NDArray[np.int64]


def key_order(dataset: Dataset, table: pa.Table) -> tuple[Integers, Integers]:
    """Return the positions of the rows in key order, and those of the rows that repeat the key before them.

    Parameters
    ----------
    dataset
        Names the key. Strings are ordered by their UTF-8 bytes, numbers and times by size, false before true.
    table
        Columns of canonical type, no nulls in the key.

    Returns
    -------
    order, repeated
        int64[rows]: row positions in key order; int64[m]: positions of rows whose key stands earlier in the table.
    """
    columns = [_ranks(table.column(name)) for name in dataset.key]
    if not columns:
        positions = np.arange(table.num_rows, dtype=np.int64)
        return positions, positions[1:]
    packed = _pack(columns)
    if packed is None:
        order = np.lexsort(columns[::-1]).astype(np.int64)
        same = np.ones(max(len(order) - 1, 0), dtype=bool)
        for column in columns:
            same &= column[order[1:]] == column[order[:-1]]
    else:
        ascending = bool(np.all(packed[1:] > packed[:-1]))
        order = np.arange(len(packed)) if ascending else np.argsort(packed, kind="stable")
        in_order = packed[order]
        same = in_order[1:] == in_order[:-1]
    return order, order[1:][same]


def _ranks(column: pa.ChunkedArray) -> Integers:
    """Whole numbers in the order of the values, equal for equal values."""
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64()).to_numpy()
    if pa.types.is_date(column.type):
        return column.cast(pa.int32()).to_numpy().astype(np.int64)
    if pa.types.is_boolean(column.type):
        return column.cast(pa.int8()).to_numpy().astype(np.int64)
    if pa.types.is_integer(column.type):
        return column.to_numpy().astype(np.int64)
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    by_size = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(by_size), dtype=np.int64)
    rank[by_size] = np.arange(len(by_size))
    return rank[encoded.indices.to_numpy()]


def _pack(columns: list[Integers]) -> Integers | None:
    """One whole number a row that orders like all columns together, if 63 bits hold it."""
    if len(columns) == 1 or len(columns[0]) == 0:
        return columns[0]
    lows = [int(column.min()) for column in columns]
    widths = [int(column.max()) - low + 1 for column, low in zip(columns, lows, strict=True)]
    size = 1
    for width in widths:
        size *= width
    if size >= 2**63:
        return None
    packed = np.zeros(len(columns[0]), dtype=np.int64)
    for column, low, width in zip(columns, lows, widths, strict=True):
        packed = packed * width + (column - low)
    return packed
