"""The engines: Ibis on DuckDB for tables, threads or Spark for work over buckets.

Nothing above this module names an engine. Tables are small and plain and live within a memory limit, spilling,
encrypted, beyond it. People's sequences are worked on bucket by bucket: a function of a reference to a bucket gives
keyed counts, and keyed counts are added by key. The same function runs on threads here and on Spark on a cluster.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from commonweal.core.errors import InputError, explain
from commonweal.core.settings import Settings

if TYPE_CHECKING:
    import ibis

Reference = TypeVar("Reference")
Counts = dict[str, pa.Table]
"""Keyed counts: for each measure a table of key columns and of counts named in its metadata."""

COUNTED = b"counted"
FEW_ROWS = 4_000_000
"""Rows of keyed counts that may wait to be added up."""


class Tables:
    """Tables on an engine of their own: in memory, limited, spilling encrypted.

    Parameters
    ----------
    settings
        Give the memory limit, the threads and the folder to spill to.

    Examples
    --------
    >>> import ibis, tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> tables = Tables(Settings(data=folder / "data", keys=folder / "keys"))
    >>> with tables:
    ...     tables.to_arrow(ibis.memtable({"n": [1, 2]}).n.sum())
    <pyarrow.Int64Scalar: 3>
    """

    def __init__(self, settings: Settings) -> None:
        import ibis

        spill = settings.spill / str(os.getpid())
        try:
            _sweep(settings.spill)
            spill.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise explain(error, spill) from error
        self.connection: ibis.backends.duckdb.Backend = ibis.duckdb.connect(
            memory_limit=settings.memory_limit, threads=settings.threads, temp_directory=str(spill)
        )
        # DuckDB encrypts what it spills with a key that never leaves this process. Without its OpenSSL extension,
        # which cannot be had offline, it draws that key from a generator it does not vouch for; docs/security.md.
        self.connection.raw_sql("SET force_mbedtls_unsafe = 'true'")
        self.connection.raw_sql("SET temp_file_encryption = true")
        self.connection.raw_sql("SET autoinstall_known_extensions = false")
        self._spill = spill

    def __enter__(self) -> Tables:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the memory and the spill folder."""
        self.connection.disconnect()
        if self._spill.is_dir() and not any(self._spill.iterdir()):
            self._spill.rmdir()

    def parquet(self, paths: Path | Sequence[Path]) -> ibis.Table:
        """Open Parquet files as one table; nothing is read until it is asked for."""
        files = [paths] if isinstance(paths, Path) else list(paths)
        return self.connection.read_parquet([str(path) for path in files])

    def to_arrow(self, expression: Any) -> Any:
        """Compute an expression.

        Raises
        ------
        Unavailable
            Memory and spill space do not suffice. What an engine's message quotes is not passed on.
        """
        import duckdb

        try:
            return self.connection.to_pyarrow(expression)
        except duckdb.Error as error:
            raise explain(error, "the table engine") from None


def _sweep(folder: Path) -> None:
    """Remove what engines of processes that are no more have left; it cannot be read without their keys."""
    for left in folder.iterdir() if folder.is_dir() else ():
        if left.name.isdigit() and not Path("/proc", left.name).exists():
            shutil.rmtree(left, ignore_errors=True)


def keyed_counts(keys: dict[str, Any], counts: dict[str, Any]) -> pa.Table:
    """Make a table of keyed counts.

    Parameters
    ----------
    keys
        Key columns, integers, shape (n,). Each combination may stand there once or more.
    counts
        Count columns, integers, shape (n,).
    """
    table = pa.table({name: pa.array(values, pa.int64()) for name, values in (keys | counts).items()})
    return table.replace_schema_metadata({COUNTED: ",".join(counts).encode()})


def add(parts: Sequence[pa.Table]) -> pa.Table:
    """Add keyed counts by key; the result is sorted by key, so it is the same in whatever order they came.

    >>> a = keyed_counts({"area": [1, 2]}, {"people": [5, 7]})
    >>> add([a, keyed_counts({"area": [2, 3]}, {"people": [1, 1]})]).to_pydict()
    {'area': [1, 2, 3], 'people': [5, 8, 1]}
    """
    from commonweal.core.grouping import groups, totals

    schema = parts[0].schema
    counts = [name for name in (schema.metadata or {})[COUNTED].decode().split(",") if name]
    keys = [name for name in schema.names if name not in counts]
    table = pa.concat_tables([part.replace_schema_metadata(None) for part in parts])
    columns = {name: table[name].to_numpy() for name in schema.names}
    if keys:
        row, number = groups([columns[name] for name in keys])
        columns = {name: columns[name][row] for name in keys} | {
            name: totals(number, columns[name], len(row)) for name in counts
        }
    return pa.table({name: pa.array(columns[name], schema.field(name).type) for name in schema.names}, schema=schema)


def map_buckets(
    settings: Settings,
    function: Callable[[Reference], Counts],
    references: Sequence[Reference],
    on_done: Callable[[int], None] = lambda done: None,
) -> Counts:
    """Apply a function to every bucket and add what it counts.

    Parameters
    ----------
    function
        Gives, for a reference to a bucket, the keyed counts of each measure. It reads the bucket itself, so that on a
        cluster no event travels.
    references
        One for each bucket.
    on_done
        Told how many buckets are done; it may raise to stop the work.
    """
    if not references:
        raise InputError("there are no buckets to count", expected="imported events in the period")
    if settings.engine == "threads":
        return _on_threads(settings, function, references, on_done)
    from commonweal.core.cluster import Cluster

    with Cluster(settings) as cluster:
        return cluster.reduce(function, references, add_counts, on_done)


def add_counts(parts: Sequence[Counts]) -> Counts:
    """Add what several buckets counted, measure by measure."""
    return {name: add([part[name] for part in parts]) for name in parts[0]}


def _on_threads(
    settings: Settings,
    function: Callable[[Reference], Counts],
    references: Sequence[Reference],
    on_done: Callable[[int], None],
) -> Counts:
    found = _Sum()
    with ThreadPoolExecutor(settings.threads) as pool:
        left = {pool.submit(function, reference) for reference in references}
        try:
            while left:
                finished, left = wait(left, return_when=FIRST_COMPLETED)
                while finished:
                    found.take(finished.pop().result())
                on_done(len(references) - len(left))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found.whole()


class _Sum:
    """Counts of buckets as they come, added up whenever those that wait are as many rows as their sum was."""

    def __init__(self) -> None:
        self._parts: list[Counts] = []
        self._rows = self._waiting = 0

    def take(self, part: Counts) -> None:
        self._parts.append(part)
        self._waiting += _rows(part)
        if self._waiting > max(self._rows, FEW_ROWS):
            self.whole()

    def whole(self) -> Counts:
        """Give what was taken, added up."""
        self._parts = [add_counts(self._parts)]
        self._rows, self._waiting = _rows(self._parts[0]), 0
        return self._parts[0]


def _rows(counts: Counts) -> int:
    return sum(table.num_rows for table in counts.values())
