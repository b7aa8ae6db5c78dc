"""Laying: new events of a bucket into an epoch's store, and the commit once all of its buckets are laid.

It is done by threads here or by workers elsewhere; either way a bucket's segments are the same.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from commonweal.core.periods import Calendar
from commonweal.mobility import staging
from commonweal.mobility.cells import CellRegister
from commonweal.mobility.manifest import Segment
from commonweal.mobility.merging import merge, newest, spans
from commonweal.mobility.rejecting import REJECTS, date_rejects
from commonweal.mobility.staging import FILE_SHIFT, Staged
from commonweal.mobility.store import EpochStore


@dataclass(frozen=True)
class Laid:
    """What laying a bucket came to.

    Parameters
    ----------
    segments
        All of the bucket's segments of events from now on.
    rejects
        New segments of rejects.
    counts
        For each file, how many of its events are new and how many repeat another, int64, shape (files, 2).
    """

    segments: list[Segment]
    rejects: list[Segment]
    counts: np.ndarray


@dataclass(frozen=True, eq=False)
class Laying:
    """What an import lays events with: plain data that travels to a worker.

    Parameters
    ----------
    rank
        Each cell code's place among the identifiers in order of their text.
    identifiers
        The identifier of each cell code.
    digests
        SHA-256 of each file.
    """

    rank: np.ndarray
    identifiers: Sequence[str]
    digests: Sequence[str]

    @classmethod
    def of(cls, cells: CellRegister, staged: Staged) -> Laying:
        """Give it for files that have been read to their end."""
        return cls(cells.rank_of_codes(), cells.identifiers, [report.digest for report in staged.files])

    def lay(self, store: EpochStore, bucket: int, new: pa.Table, edges: np.ndarray) -> Laid:
        """Lay a bucket's new events, rows of `EVENTS` in the order of their lines, into spans with these edges."""
        merged = merge(store, bucket, new, edges, self.rank)
        table = staging.rejects_of_repeated(merged.repeated, self.identifiers)
        kept = [self.reject(store, table)] if table.num_rows else []
        numbers = [
            np.bincount(lines >> FILE_SHIFT, minlength=len(self.digests))
            for lines in (merged.accepted, merged.repeated["line"].to_numpy())
        ]
        return Laid(merged.segments, kept, np.stack(numbers, axis=1))

    def reject(self, store: EpochStore, table: pa.Table) -> Segment:
        """Write rejects under their file's digest, dated."""
        place = table.column("line").to_numpy()
        digests = np.array(self.digests)[place >> FILE_SHIFT]
        named = table.set_column(0, REJECTS.field("line"), pa.array(place & ((1 << FILE_SHIFT) - 1)))
        named = named.add_column(0, "file", pa.array(digests, pa.string()))
        dated, start, end = date_rejects(named, int(time.time()))
        return store.write_segment("rejects", 0, start, end, dated)


def edges(calendar: Calendar, store: EpochStore, staged: Staged) -> np.ndarray:
    """Give the edges of an epoch's spans once everything staged is in it."""
    moments = [newest(calendar, store.manifest), staged.newest.get(str(store.manifest.starts), 0)]
    return spans(calendar, store.manifest, max(moments))


def is_merged(staged: Staged, store: EpochStore) -> bool:
    """Say whether an epoch holds what was staged already, with a record of what became of it."""
    return str(store.manifest.starts) in staged.merged and staged.identity in store.manifest.applied


def commit(
    folder: Path, staged: Staged, store: EpochStore, laid: Sequence[Laid], rejects: Sequence[Segment], cells: str
) -> None:
    """Make an epoch's laid buckets hold, once, with a record for each file of how many events are new or repeated.

    Parameters
    ----------
    folder
        Where what has been staged is written down.
    laid
        Of every bucket.
    rejects
        Other new segments of rejects.
    cells
        Digest of the cell register.
    """
    kept = [segment for segment in store.manifest.segments if segment.store != "events"]
    segments = [segment for part in laid for segment in (*part.segments, *part.rejects)]
    counts = np.sum([part.counts for part in laid], axis=0).tolist()
    staged.merged[str(store.manifest.starts)] = counts
    staged.write(folder)
    applied = (*store.manifest.applied, staged.identity)
    everything = tuple(sorted([*kept, *segments, *rejects]))
    store.commit(replace(store.manifest, segments=everything, applied=applied, cells=cells))


def settle(staged: Staged) -> None:
    """Add up, file by file, what all epochs made of its events."""
    for report in staged.files:
        report.accepted = 0
        report.rejected.pop("duplicate", None)
    for counts in staged.merged.values():
        for report, (accepted, repeated) in zip(staged.files, counts, strict=True):
            report.accepted += accepted
            report.reject("duplicate", repeated)
