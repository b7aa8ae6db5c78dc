"""Runs of parsed events on their way into the store.

A run is some millions of events, pseudonymised and encrypted, grouped by bucket. What has been staged is written down
after each run, so an import that is killed goes on with the next line.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.durable import replacing
from commonweal.core.errors import Damaged, explain
from commonweal.mobility.layout import DIRECTIONS, KINDS
from commonweal.mobility.parsing import EVENTS
from commonweal.mobility.pseudonyms import bucket_of
from commonweal.mobility.rejecting import REJECTS
from commonweal.mobility.store import EpochStore

FILE_SHIFT = 40  # a line of the import is (file's number << 40) + line


@dataclass
class FileReport:
    """How many of a file's rows went where.

    Parameters
    ----------
    name
        The file's name, without its folder.
    digest
        SHA-256 of the file; empty until it has been read to its end.
    size
        Bytes.
    rows, accepted
        Lines that held something; those that are new events.
    rejected
        How many for each reason.
    """

    name: str
    digest: str = ""
    size: int = 0
    rows: int = 0
    accepted: int = 0
    rejected: dict[str, int] = field(default_factory=dict)

    def reject(self, reason: str, count: int) -> None:
        """Count rejected rows."""
        if count:
            self.rejected[reason] = self.rejected.get(reason, 0) + count


@dataclass
class Staged:
    """What has been staged: written down after each run.

    Parameters
    ----------
    identity
        Of the import: files, layout, cells and the days asked for.
    files
        A report for each file.
    at_file, at_line
        Where to go on: number of the file, and its next line.
    runs
        For each run, epoch by epoch (by its start): the file and the bucket of each of its row groups.
    rejects
        Epoch and file of each part of the rejects.
    newest
        By the epoch's start, the UTC second of its newest event.
    period
        UTC seconds between which events are accepted, as they were when the import began.
    merged
        By the epoch's start, for each file: how many events were new, how many repeated another.
    engine
        ``threads``, or ``spark``, which stages nothing here.
    """

    identity: str
    files: list[FileReport]
    at_file: int = 0
    at_line: int = 1
    runs: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    newest: dict[str, int] = field(default_factory=dict)
    period: Sequence[int] = ()
    merged: dict[str, list[list[int]]] = field(default_factory=dict)
    engine: str = "threads"

    @classmethod
    def read(cls, folder: Path, identity: str) -> Staged | None:
        """Read what was written down for an import; None if it never began."""
        path = folder / f"{identity}.json"
        if not path.exists():
            return None
        try:
            said = json.loads(path.read_text())
            return cls(**(said | {"files": [FileReport(**report) for report in said["files"]]}))
        except OSError as error:
            raise explain(error, path) from error
        except (ValueError, TypeError) as error:
            raise Damaged(
                "the record of what was staged cannot be read", where=path, expected="remove it and import again"
            ) from error

    def write(self, folder: Path) -> None:
        """Write it down, all or nothing."""
        with replacing(folder / f"{self.identity}.json", parents=True) as written:
            written.write_text(json.dumps(asdict(self)))


def of_file(table: pa.Table, number: int) -> pa.Table:
    """Number a file's lines as lines of the import."""
    place = table.schema.get_field_index("line")
    lines = table.column("line").to_numpy() + (number << FILE_SHIFT)
    return table.set_column(place, table.schema.field(place), pa.array(lines))


def run_folder(identity: str) -> str:
    """Where an import's runs lie below each epoch's folder."""
    return f"staging/{identity}"


def write_run(store: EpochStore, identity: str, number: int, tables: Sequence[pa.Table], bits: int) -> dict[str, Any]:
    """Write a run of one epoch: a row group a bucket.

    Parameters
    ----------
    tables
        Rows of `EVENTS`, in the order of their lines.
    bits
        The run has 2ᵇⁱᵗˢ buckets.
    """
    table = pa.concat_tables(tables, promote_options="none")
    bucket = bucket_of(table.column("subscriber").to_numpy(), bits).astype(np.uint16)
    grouped = table.take(pa.array(np.argsort(bucket, kind="stable")))
    sizes = np.bincount(bucket, minlength=1 << bits)
    ends = np.cumsum(sizes)
    groups = [(b, grouped.slice(ends[b] - sizes[b], sizes[b])) for b in np.flatnonzero(sizes).tolist()]
    file = f"{run_folder(identity)}/{number:05}.parquet"
    store.write_groups([group for _, group in groups], file)
    return {"epoch": store.manifest.starts, "file": file, "bits": bits, "buckets": [b for b, _ in groups]}


def read_bucket(store: EpochStore, runs: Sequence[dict[str, Any]], bucket: int) -> pa.Table:
    """Read what all runs of an epoch hold for a bucket, in the order of the lines.

    A run may be older than the store's division into buckets; then a part of one of its own buckets is meant.
    """
    bits = store.manifest.bucket_bits
    tables = [EVENTS.empty_table()]
    for run in runs:
        whole = bucket >> (bits - run["bits"])
        if run["epoch"] == store.manifest.starts and whole in run["buckets"]:
            table = store.read_group(run["file"], run["buckets"].index(whole))
            if run["bits"] != bits:
                own = bucket_of(table.column("subscriber").to_numpy(), bits) == bucket
                table = table.filter(pa.array(own))
            tables.append(table)
    return pa.concat_tables(tables)


def rejects_of_repeated(repeated: pa.Table, identifiers: Sequence[str]) -> pa.Table:
    """Give the rejects of events that repeat another.

    Parameters
    ----------
    repeated
        As `commonweal.mobility.merging.Merged` has them.
    identifiers
        The identifier of each cell code.
    """

    def text(name: str, least: int = 1) -> pa.ChunkedArray:
        column = repeated[name]
        return pc.if_else(pc.greater_equal(column, least), column.cast(pa.string()), pa.scalar(None, pa.string()))

    time = repeated["time"].cast(pa.timestamp("s")).cast(pa.string())
    columns = {
        "line": repeated["line"],
        "reason": pa.array(["duplicate"] * repeated.num_rows, pa.string()),
        "time": pc.binary_join_element_wise(time, "+00:00", ""),
        "cell": pa.array(identifiers, pa.string()).take(repeated["cell"]),
        "kind": pa.array([None, *KINDS]).take(repeated["kind"]),
        "direction": pa.array([None, *DIRECTIONS]).take(repeated["direction"]),
        "duration": text("duration", 0),
        **{name: text(name) for name in ("home_plmn", "serving_plmn", "tac")},
        "dated": repeated["time"],
    }
    return pa.table({name: columns[name] for name in REJECTS.names}, schema=REJECTS)


def age(folder: Path, identity: str) -> float:
    """Give how many seconds ago an import last wrote down what it had staged."""
    return time.time() - (folder / f"{identity}.json").stat().st_mtime


def remove_runs(epochs: Sequence[EpochStore], identity: str) -> None:
    """Remove the runs of an import, not the record of what became of them."""
    for store in epochs:
        shutil.rmtree(store.folder / run_folder(identity), ignore_errors=True)


def remove(folder: Path, epochs: Sequence[EpochStore], identity: str) -> None:
    """Remove all that an import staged, once it is committed."""
    remove_runs(epochs, identity)
    (folder / f"{identity}.json").unlink(missing_ok=True)
