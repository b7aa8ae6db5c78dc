"""Parquet files as columns of text, batch by batch, so that they are judged by the same rules as text files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from commonweal.core.errors import Damaged, InputError, explain

BATCH_ROWS = 250_000


def column_names(path: Path) -> list[str]:
    """Give a Parquet file's columns."""
    with _opened(path) as file:
        return list(file.schema_arrow.names)


def column_types(path: Path) -> dict[str, pa.DataType]:
    """Give a Parquet file's columns and their types."""
    with _opened(path) as file:
        return {field.name: field.type for field in file.schema_arrow}


def text_batches(path: Path, names: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
    """Give a Parquet file's rows in batches: the number of the first row (from 1), and columns of text.

    Raises
    ------
    Damaged
        The file is no Parquet file, or broken; what came before the break has been given out.
    InputError
        A column is a list or a structure.
    """
    row = 1
    with _opened(path) as file:
        try:
            for batch in file.iter_batches(BATCH_ROWS, columns=list(dict.fromkeys(names))):
                columns = [_text(batch.column(name), name, path) for name in names]
                yield row, pa.table(columns, [str(place) for place in range(len(names))])
                row += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise Damaged(
                f"the file is broken after row {row - 1}", where=path, expected="a file that arrived whole"
            ) from error


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except pa.ArrowException:
        raise Damaged("this is not a readable Parquet file", where=path, expected="a file that arrived whole") from None
    except OSError as error:
        raise explain(error, path) from error


def _text(column: pa.Array, name: str, path: Path) -> pa.Array:
    """Spell a column out; nothing becomes an empty text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind):
        raise InputError(f"column {name!r} holds {kind}", where=path, expected="text, numbers or times")
    if pa.types.is_floating(kind) and pc.all(_is_whole(column)).as_py() is not False:
        column = column.cast(pa.int64())  # whole numbers with gaps are often kept as floats
    return pc.fill_null(column.cast(pa.string()), "")


def _is_whole(numbers: pa.Array) -> pa.Array:
    return pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(pc.abs(numbers), 2**53))
