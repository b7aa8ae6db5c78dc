"""The private store of people's events: encrypted segments, and a manifest whose replacement is the commit.

::

    store/PROJECT/EPOCH/manifest-N.json              what holds; the newest one counts
    store/PROJECT/EPOCH/events/BUCKET/START.DIGEST.parquet

A segment holds the events of one bucket in one span of time, a day or a closed month, sorted by (subscriber, time,
text of the cell's identifier, the rest). Files are written whole and synced before a manifest names them; those that
no manifest names are swept. Segments are encrypted (Parquet modular encryption, AES-GCM) under a data key that lies
wrapped in the manifest, so reading needs the epoch's key.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.parquet import encryption

from commonweal.core.durable import replacing, sweep_unfinished
from commonweal.core.errors import Conflict, Damaged, explain
from commonweal.mobility.keys import EpochKey
from commonweal.mobility.manifest import (
    Manifest,
    Segment,
    manifest_numbers,
    manifest_path,
    read_manifest,
    write_manifest,
)
from commonweal.mobility.pseudonyms import bucket_of

SEGMENT = pa.schema(
    [
        pa.field("subscriber", pa.int64(), nullable=False),
        pa.field("time", pa.int32(), nullable=False),  # seconds from the epoch's start
        pa.field("cell", pa.int32(), nullable=False),
        pa.field("kind", pa.int8(), nullable=False),
        pa.field("direction", pa.int8(), nullable=False),
        pa.field("counterpart", pa.int64()),
        pa.field("duration", pa.int32()),
        pa.field("home_plmn", pa.int32(), nullable=False),
        pa.field("serving_plmn", pa.int32(), nullable=False),
        pa.field("tac", pa.int32()),
        pa.field("flags", pa.int16(), nullable=False),
    ]
)
SEQUENCE = ("subscriber", "time", "cell")
_NEVER_REPEATED = ("time", "line", "counterpart", "duration")


def project_folder(store: Path, project: str) -> Path:
    """Where a project's private data lies."""
    return store / project


class EpochStore:
    """The store of one epoch, opened with its key.

    Parameters
    ----------
    folder
        The epoch's folder.
    key
        Its key.

    Raises
    ------
    NotFound
        Nothing has been stored there.
    Damaged
        It is not this key's store, was altered, or is older than what was committed under this key.
    """

    def __init__(self, folder: Path, key: EpochKey) -> None:
        self.folder = folder
        self._key = key
        self.manifest = read_manifest(folder, key)
        self._data_key = key.unwrap(self.manifest.data_key, folder)

    @classmethod
    def create(cls, folder: Path, manifest: Manifest, key: EpochKey) -> EpochStore:
        """Begin an epoch's store with a data key of its own; one that is there already is opened."""
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise explain(error, folder) from error
        if max(manifest_numbers(folder), default=None) is None and key.committed() is None:
            first = replace(manifest, data_key=key.wrap(os.urandom(32)), fingerprint=key.fingerprint)
            write_manifest(folder, first, key)
        return cls(folder, key)

    def commit(self, manifest: Manifest) -> None:
        """Make a manifest the one that holds, then remove what it no longer names."""
        write_manifest(self.folder, replace(manifest, sequence=self.manifest.sequence + 1), self._key)
        self.manifest = read_manifest(self.folder, self._key)
        self.sweep()

    def shorten(self, ends: int) -> None:
        """End the epoch earlier; its events all lie before."""
        self.commit(replace(self.manifest, ends=ends))

    def sweep(self) -> None:
        """Remove files that the newest manifest does not name, and older manifests."""
        named = {self.folder / segment.file for segment in self.manifest.segments}
        for store in {segment.store for segment in self.manifest.segments} | {"events", "rejects", "objections"}:
            for path in (self.folder / store).rglob("*"):
                if path.is_file() and path not in named:
                    path.unlink(missing_ok=True)
        for number in manifest_numbers(self.folder):
            if number < self.manifest.sequence:
                manifest_path(self.folder, number).unlink(missing_ok=True)

    def write_segment(self, store: str, bucket: int, start: int, end: int, table: pa.Table) -> Segment:
        """Write a segment's file, synced; it holds once a manifest names it."""
        digest = content_digest(table)
        file = f"{store}/{bucket:03}/{datetime.fromtimestamp(start, UTC):%Y-%m-%dT%H%M}.{digest[:12]}.parquet"
        self.write(table, file)
        return Segment(store, bucket, start, end, table.num_rows, digest, file)

    def write(self, table: pa.Table, file: str) -> None:
        """Write a table under a path below the epoch's folder. See `write_groups`."""
        self.write_groups([table], file)

    def write_groups(self, tables: Sequence[pa.Table], file: str) -> None:
        """Write tables as the row groups of one file, encrypted and synced; a crash leaves all or nothing."""
        path = self.folder / file
        columns = tables[0].column_names
        with (
            replacing(path, parents=True) as written,
            pq.ParquetWriter(
                written,
                tables[0].schema,
                compression="lz4",
                write_statistics=False,
                use_dictionary=[name for name in columns if name not in _NEVER_REPEATED],
                encryption_properties=encryption.create_encryption_properties(
                    footer_key=self._data_key, aad_prefix=file.encode(), store_aad_prefix=False
                ),
            ) as writer,
        ):
            for table in tables:
                writer.write_table(table, row_group_size=max(1, table.num_rows))

    def read(self, file: str, columns: Iterable[str] | None = None) -> pa.Table:
        """Read a file written by `write`.

        Raises
        ------
        Damaged
            The file is missing, altered, or another file's content under this name.
        """
        with self._opened(file) as opened:
            return opened.read(None if columns is None else list(columns), use_threads=False)

    def read_group(self, file: str, group: int) -> pa.Table:
        """Read one row group of a file. See `read`."""
        with self._opened(file) as opened:
            return opened.read_row_group(group, use_threads=False)

    @contextmanager
    def _opened(self, file: str) -> Iterator[pq.ParquetFile]:
        path = self.folder / file
        properties = encryption.create_decryption_properties(footer_key=self._data_key, aad_prefix=file.encode())
        try:
            with pq.ParquetFile(path, decryption_properties=properties) as opened:
                yield opened
        except FileNotFoundError:
            raise Damaged("a segment is missing", where=path, expected="the file the manifest names") from None
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno:
                raise explain(error, path) from error
            raise Damaged(
                "a segment cannot be read: it was altered, or damaged on the disk",
                where=path,
                expected="a backup; or the raw files, imported into a new project",
            ) from error

    def sequences(self, segment: Segment, columns: Sequence[str] = ()) -> tuple[np.ndarray, ...]:
        """Read a segment's subscribers, times, cells and further columns, 0 where one is not known.

        Raises
        ------
        Damaged
            It does not hold what the manifest says, in order.
        """
        table = self.read(segment.file, (*SEQUENCE, *columns))
        subscriber, time, cell = (numpy_of(table.column(name)) for name in SEQUENCE)
        ends = bucket_of(subscriber[[0, -1]], self.manifest.bucket_bits) if len(subscriber) else segment.bucket
        if len(subscriber) != segment.rows or not _in_order(subscriber, time) or np.any(ends != segment.bucket):
            raise Damaged(
                "a segment is not in order, or not whole",
                where=self.folder / segment.file,
                expected=f"{segment.rows} sorted rows",
            )
        others = (table.column(name) for name in columns)
        return subscriber, time, cell, *(numpy_of(each.fill_null(0) if each.null_count else each) for each in others)


def numpy_of(column: pa.ChunkedArray) -> np.ndarray:
    """Give a column without nulls as one array."""
    return column.chunk(0).to_numpy() if column.num_chunks == 1 else column.to_numpy()


def _in_order(subscriber: np.ndarray, time: np.ndarray) -> bool:
    from commonweal.mobility.sequences import in_order

    return bool(in_order(subscriber, time))


def content_digest(table: pa.Table) -> str:
    """SHA-256 of a table's names, types and values, whatever its chunks."""
    content = hashlib.sha256()
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        content.update(f"{name}:{column.type}:{len(column)};".encode())
        if column.null_count:
            content.update(np.packbits(column.is_null().to_numpy(zero_copy_only=False)).data)
            column = column.fill_null("" if pa.types.is_string(column.type) else 0)
        if pa.types.is_string(column.type):
            content.update("\0".join(column.to_pylist()).encode())
        else:
            content.update(np.ascontiguousarray(column.to_numpy(zero_copy_only=False)).data)
    return content.hexdigest()


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a project's store against other writers; the system lets go when this process ends, however it ends.

    Raises
    ------
    Conflict
        Another process holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = (folder / ".lock").open("w")
    except OSError as error:
        raise explain(error, folder) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "another import, run or erasure is at work on this project",
                where=folder,
                expected="wait until it has ended; see: commonweal jobs list",
            ) from None
        sweep_unfinished(folder)
        yield
