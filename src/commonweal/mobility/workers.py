"""What a worker of a cluster does for an import: survey a file, parse a piece of one, lay what belongs to a bucket.

Between the last two, records travel and may lie on disks of the cluster. An event is pseudonymised before its record
is made, and the record is sealed (`transit`). Keys are read where they lie, on every worker at the same path; none
travels.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from commonweal.core.cluster_tasks import Record
from commonweal.core.errors import CommonwealError, NotFound
from commonweal.mobility import blocks, transit
from commonweal.mobility.cells import CellRegister
from commonweal.mobility.epochs import Epoch, key_of
from commonweal.mobility.keys import EpochKey
from commonweal.mobility.laying import Laid, Laying
from commonweal.mobility.layout import Layout
from commonweal.mobility.manifest import Segment
from commonweal.mobility.objecting import objectors, without_objectors
from commonweal.mobility.parsing import EVENTS, Parsed
from commonweal.mobility.pieces import Piece, Survey, survey
from commonweal.mobility.pseudonyms import bucket_of
from commonweal.mobility.reading import Reader, Reading
from commonweal.mobility.rejecting import REJECTS
from commonweal.mobility.staging import FILE_SHIFT, of_file
from commonweal.mobility.store import EpochStore

REPORT, NEW, REJECTED = range(3)
"""What a record holds. Its key is (partition, this, start of the epoch, place in the import)."""
DAY = 86400


class EpochsMissing(Exception):
    """Events fall into epochs that are not made yet."""

    def __init__(self, moments: list[int]) -> None:
        super().__init__(moments)
        self.moments = moments


@dataclass(frozen=True, eq=False)
class Work:
    """What an import needs wherever it is worked on: plain data that travels, and no secret.

    Parameters
    ----------
    identity
        Of the import.
    attempt
        Anything that no other attempt has.
    project, keys
        Where the keys lie.
    folder
        The project's folder in the store.
    layout, cells, period
        As the request has them.
    epochs
        Those that are made.
    bits
        2ᵇⁱᵗˢ partitions hold events; one more holds the reports.
    block_bytes
        Size of a block.
    """

    identity: str
    attempt: str
    project: str
    keys: Path
    folder: Path
    layout: Layout
    cells: CellRegister
    period: tuple[int, int]
    epochs: tuple[Epoch, ...]
    bits: int
    block_bytes: int = field(default_factory=lambda: blocks.BLOCK_BYTES)

    @property
    def reports(self) -> int:
        """The partition that reports are brought to."""
        return 1 << self.bits

    def survey(self, file: Piece) -> tuple[Survey, list[int]]:
        """Survey a file; give also moments of events in it whose epochs are not made yet, as far as they show."""
        found = survey(_opened(self).reader, file)
        return found, [moment for piece in found.pieces for moment in self._probe(piece)]

    def _probe(self, piece: Piece) -> list[int]:
        """Look at a piece's beginning; what is wrong there is found later."""
        for parse, _ in piece.beginning(_opened(self).reader):
            try:
                parse()
            except EpochsMissing as missing:
                return missing.moments
            except CommonwealError:
                pass
            break
        return []

    def scatter(self, piece: Piece) -> Iterator[Record]:
        """Parse a piece; give its events and rejects, sealed, and reports."""
        opened = _opened(self)
        reading = Reading(piece.path)
        place = piece.file << FILE_SHIFT
        for parse, next_line in piece.turns(opened.reader, reading):
            place = (piece.file << FILE_SHIFT) + next_line
            try:
                parsed = without_objectors(parse(), opened.objectors_of)
            except EpochsMissing as missing:
                yield (self.reports, REPORT, 0, place), json.dumps({"missing": missing.moments}).encode()
                continue
            yield (self.reports, REPORT, 0, place), json.dumps(_report(parsed)).encode()
            yield from self._records(parsed, piece.file, place, opened.transit)
        if piece.length is None:
            yield (self.reports, REPORT, 0, place + 1), json.dumps({"digest": reading.digest()}).encode()

    def _records(self, parsed: Parsed, file: int, place: int, sealing: transit.Transit) -> Iterator[Record]:
        for epoch, table in parsed.events.items():
            bucket = bucket_of(table["subscriber"].to_numpy(), self.bits)
            order = np.argsort(bucket, kind="stable")
            grouped = of_file(table, file).take(pa.array(order))
            ends = np.cumsum(np.bincount(bucket, minlength=1 << self.bits))
            for number in np.unique(bucket).tolist():
                first = int(ends[number - 1]) if number else 0
                key = (number, NEW, epoch, place)
                yield key, sealing.seal(grouped.slice(first, int(ends[number]) - first), key)
        if parsed.rejects.num_rows:
            key = (place % self.reports, REJECTED, 0, place)
            yield key, sealing.seal(of_file(parsed.rejects, file), key)


@dataclass(frozen=True, eq=False)
class Gathered:
    """What gathering a partition came to: by the start of each epoch its laid buckets, and segments of rejects."""

    laid: dict[int, list[Laid]]
    rejects: list[Segment]


@dataclass(frozen=True, eq=False)
class Gathering:
    """Lays what a partition holds: a function that travels.

    Parameters
    ----------
    work
        Of which import.
    laying
        What events are laid with.
    edges
        By the start of each epoch that is to be added to, the edges of its spans.
    guarding
        Start of the epoch whose key guards the rejects, if they are to be kept.
    """

    work: Work
    laying: Laying
    edges: Mapping[int, np.ndarray]
    guarding: int | None

    def __call__(self, partition: int, records: Iterator[Record]) -> Gathered:
        """Lay a partition's buckets in each epoch, also those to which nothing new came: months may have closed."""
        opened = _opened(self.work)
        groups = groupby(records, lambda record: record[0][1:3])
        waiting = next(groups, None)
        laid: dict[int, list[Laid]] = {}
        for starts, edges in sorted(self.edges.items()):
            while waiting and waiting[0] < (NEW, starts):
                waiting = next(groups, None)
            tables = [EVENTS.empty_table()]
            if waiting and waiting[0] == (NEW, starts):
                tables += [opened.transit.open(sealed, key) for key, sealed in waiting[1]]
                waiting = next(groups, None)
            laid[starts] = self._lay(opened.store(starts), partition, pa.concat_tables(tables), edges)
        while waiting and waiting[0] < (REJECTED, 0):
            waiting = next(groups, None)
        rejects = [REJECTS.empty_table()]
        if waiting and self.guarding is not None:
            rejects += [opened.transit.open(sealed, key) for key, sealed in waiting[1]]
        whole = pa.concat_tables(rejects)
        kept = [self.laying.reject(opened.store(self.guarding), whole)] if self.guarding and whole.num_rows else []
        return Gathered(laid, kept)

    def _lay(self, store: EpochStore, partition: int, new: pa.Table, edges: np.ndarray) -> list[Laid]:
        finer = store.manifest.bucket_bits - self.work.bits
        bucket = bucket_of(new["subscriber"].to_numpy(), store.manifest.bucket_bits)
        return [
            self.laying.lay(store, number, new.filter(pa.array(bucket == number)) if finer else new, edges)
            for number in range(partition << finer, (partition + 1) << finer)
        ]


def gather_reports(partition: int, records: Iterator[Record]) -> list[tuple[int, dict[str, Any]]]:
    """Give what blocks came to, each with the number of its file, in the order of the import."""
    return [(key[3] >> FILE_SHIFT, json.loads(said)) for key, said in records]


def _report(parsed: Parsed) -> dict[str, Any]:
    reasons: Sequence[dict[str, Any]] = parsed.rejects["reason"].value_counts().to_pylist()
    return {
        "lines": parsed.lines,
        "rejected": {reason["values"]: reason["counts"] for reason in reasons},
        "newest": {str(epoch): int(table["time"].to_numpy().max()) for epoch, table in parsed.events.items()},
    }


@dataclass(eq=False)
class _Opened:
    """What a worker process opens once for an import, and keeps from task to task."""

    work: Work
    _keys: dict[int, EpochKey] = field(default_factory=dict)
    _objectors: dict[int, pa.Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        work = self.work
        keys = (self.of_times, self.pseudonym_key)
        self.reader = Reader(work.layout, work.cells, work.period, *keys, work.block_bytes)
        self.transit = transit.opened(work.keys, work.project, work.identity)

    def of_times(self, times: np.ndarray) -> np.ndarray:
        """Give, for each UTC second, the start of its epoch."""
        starts = np.array([epoch.starts for epoch in self.work.epochs], np.int64)
        ends = np.array([epoch.ends for epoch in self.work.epochs], np.int64)
        place = np.searchsorted(starts, times, side="right") - 1
        known = place >= 0
        known[known] = times[known] < ends[place[known]]
        if not known.all():
            unknown = times[~known]
            raise EpochsMissing(unknown[np.unique(unknown // DAY, return_index=True)[1]].tolist())
        return starts[place]

    def pseudonym_key(self, starts: int) -> bytes:
        """Give the pseudonym key of the epoch that starts at a UTC second."""
        return self.key(starts).pseudonym

    def key(self, starts: int) -> EpochKey:
        """Open an epoch's key."""
        if starts not in self._keys:
            self._keys[starts] = key_of(self.work.keys, self.work.project, self._epoch(starts))
        return self._keys[starts]

    def store(self, starts: int) -> EpochStore:
        """Open an epoch's store as it is now."""
        return EpochStore(self.work.folder / self._epoch(starts).name, self.key(starts))

    def objectors_of(self, starts: int) -> pa.Array:
        """Give the pseudonyms of those who objected in an epoch."""
        if starts not in self._objectors:
            try:
                self._objectors[starts] = objectors(self.store(starts))
            except NotFound:  # nothing is stored yet
                self._objectors[starts] = pa.array([], pa.int64())
        return self._objectors[starts]

    def _epoch(self, starts: int) -> Epoch:
        return next(epoch for epoch in self.work.epochs if epoch.starts == starts)


_kept: list[_Opened] = []


def _opened(work: Work) -> _Opened:
    """Open what an import needs, or give what this process has open of it."""
    known = _kept[0].work if _kept else None
    if known is None or (known.attempt, known.epochs) != (work.attempt, work.epochs):
        _kept[:] = [_Opened(work)]
    return _kept[0]
