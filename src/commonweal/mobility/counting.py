"""Counting: measures over the buckets of an epoch's store, and what is kept so that nothing is counted twice.

A bucket's counts of a window depend on its segments, the cells, the areas, the calendar and the code. They are kept,
encrypted, under a digest of all these; a run that was killed, or one after new days came in, counts only what is new.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from commonweal.core.engine import Counts, map_buckets
from commonweal.core.errors import Damaged
from commonweal.core.settings import Settings
from commonweal.mobility import keys
from commonweal.mobility.cells import ALWAYS, Timeline
from commonweal.mobility.manifest import Segment
from commonweal.mobility.measure import Derivation, Measure, Window, measures
from commonweal.mobility.sequences import Events, place
from commonweal.mobility.store import EpochStore

_STARTS, _CODE = b"starts", b"code"


@dataclass(frozen=True)
class Bucket:
    """A reference to a bucket, and all that is needed to count it: plain data that travels to a worker.

    Parameters
    ----------
    folder
        The epoch's store.
    keys, project, epoch
        Where its key lies.
    epoch_starts
        UTC second from which times count.
    number
        Which bucket.
    starts, ends
        The run's period, UTC seconds.
    windows
        Edges of the windows that are counted one by one, UTC seconds.
    hours, days
        Edges of the whole period, UTC seconds.
    area_of_span
        For each span of the timeline, the index of its cell's area, or -1.
    timeline
        Which version of a cell holds when.
    areas
        How many areas there are.
    measures
        Which measures to count.
    meaning
        Digest of cells, areas and calendar.
    keep
        Whether to keep the counts for the next time.
    """

    folder: Path
    keys: Path
    project: str
    epoch: str
    epoch_starts: int
    number: int
    starts: int
    ends: int
    windows: np.ndarray
    hours: np.ndarray
    days: np.ndarray
    area_of_span: np.ndarray
    timeline: Timeline
    areas: int
    measures: tuple[str, ...]
    meaning: str
    keep: bool = True


def count(settings: Settings, buckets: Sequence[Bucket], on_done: Callable[[int], None] = lambda done: None) -> Counts:
    """Count measures over buckets: by name, keyed counts with ``people``."""
    return map_buckets(settings, count_bucket, buckets, on_done)


def count_bucket(bucket: Bucket) -> Counts:
    """Count one bucket's measures. Runs in a thread, or on a worker elsewhere."""
    wanted = [measures()[name] for name in bucket.measures]
    derivations = list(dict.fromkeys(measure.of for measure in wanted if measure.of))
    direct = [measure for measure in wanted if measure.of is None]
    counted = {measure.name: _Work(measure.name, measure.count, measure, bucket) for measure in direct}
    derived = {item.name: _Work(item.name, item.derive, item, bucket) for item in derivations}
    _count_windows(bucket, [*counted.values(), *derived.values()])
    rows = {name: _in_order(work.tables()) for name, work in derived.items()}
    window = window_of(bucket, bucket.starts, bucket.ends)
    return {
        measure.name: measure.count(rows[measure.of.name], window)
        if measure.of
        else pa.concat_tables(counted[measure.name].tables())
        for measure in wanted
    }


def derive_bucket(bucket: Bucket, derivation: Derivation) -> pa.Table:
    """Give a derivation's rows of a bucket for the whole period, sorted by subscriber, then by time."""
    work = _Work(derivation.name, derivation.derive, derivation, bucket)
    _count_windows(bucket, [work])
    return _in_order(work.tables())


def _in_order(tables: Sequence[pa.Table]) -> pa.Table:
    """Put windows' rows together: they are in order of time, so a stable sort keeps each subscriber's rows in it."""
    table = pa.concat_tables(tables)
    if len(tables) == 1:
        return table
    return table.take(pa.array(np.argsort(table["subscriber"].to_numpy(), kind="stable")))


class _Work:
    """One measure's or derivation's tables of a bucket, window by window: those that are kept, and those to make."""

    def __init__(
        self,
        name: str,
        make: Callable[[Events, Window], pa.Table],
        of: Measure | Derivation,
        bucket: Bucket,
    ) -> None:
        self.name = name
        self.make = make
        self.window = of.window
        self.code = _code_digest()
        self.made: dict[int, tuple[str, pa.Table]] = {}  # by the window's start: what it depends on, and the table
        self.bucket = bucket

    def file(self) -> str:
        return f"derived/{self.name}/{self.bucket.number:03}.parquet"

    def fingerprint(self, segments: Sequence[Segment], start: int, end: int) -> str:
        said = [self.code, self.bucket.meaning, start, end, [segment.digest for segment in segments]]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]

    def tables(self) -> list[pa.Table]:
        """The period's tables in order of time."""
        return [self.made[start][1] for start, _ in self.windows()]

    def windows(self) -> list[tuple[int, int]]:
        """Start and end of each window that is counted for itself, in order."""
        if self.window == "run":
            return [(self.bucket.starts, self.bucket.ends)]
        return list(pairwise(self.bucket.windows.tolist()))

    def recall(self, store: EpochStore) -> None:
        """Take up what was kept."""
        if not (store.folder / self.file()).exists():
            return
        try:
            kept = store.read(self.file())
        except Damaged:  # what was kept can be made again
            return
        if kept.schema.metadata.get(_CODE) != self.code.encode():
            return
        for start, (fingerprint, first, rows) in json.loads(kept.schema.metadata[_STARTS]).items():
            own = {name: value for name, value in kept.schema.metadata.items() if name not in (_STARTS, _CODE)}
            self.made[int(start)] = (fingerprint, kept.slice(first, rows).replace_schema_metadata(own or None))

    def keep(self, store: EpochStore) -> None:
        """Keep the tables for the next time, but for windows that were cut otherwise within the period."""
        bucket, windows = self.bucket, {start for start, _ in self.windows()}
        kept = {s: made for s, made in self.made.items() if s in windows or not bucket.starts <= s < bucket.ends}
        place, index = 0, {}
        for start, (fingerprint, table) in kept.items():
            index[start] = (fingerprint, place, table.num_rows)
            place += table.num_rows
        whole = pa.concat_tables([table for _, table in kept.values()])
        metadata = (whole.schema.metadata or {}) | {_STARTS: json.dumps(index).encode(), _CODE: self.code.encode()}
        store.write(whole.combine_chunks().replace_schema_metadata(metadata), self.file())


def _count_windows(bucket: Bucket, work: Sequence[_Work]) -> None:
    """Make what is not kept; events of a window are read once for all."""
    key = keys.open_key(bucket.keys, bucket.project, bucket.epoch)
    store = EpochStore(bucket.folder, key)
    segments = store.manifest.events(bucket.number)
    for item in work if bucket.keep else ():
        item.recall(store)
    changed: set[str] = set()
    for start, end in sorted({window for item in work for window in item.windows()}):
        inside = [segment for segment in segments if segment.start < end and segment.end > start]
        events, window = None, None
        for item in work:
            if (start, end) not in item.windows():
                continue
            fingerprint = item.fingerprint(inside, start, end)
            if start in item.made and item.made[start][0] == fingerprint:
                continue
            if events is None or window is None:
                events, window = read_events(store, bucket, inside, start, end), window_of(bucket, start, end)
            item.made[start] = (fingerprint, item.make(events, window))
            changed.add(item.name)
    for item in work:
        if bucket.keep and item.name in changed:
            item.keep(store)


def each_window(bucket: Bucket, edges: np.ndarray) -> Iterator[tuple[Events, Window]]:
    """Read a bucket's events window by window, each between two edges (UTC seconds); nothing is kept."""
    key = keys.open_key(bucket.keys, bucket.project, bucket.epoch)
    store = EpochStore(bucket.folder, key)
    segments = store.manifest.events(bucket.number)
    for start, end in pairwise(edges.tolist()):
        inside = [segment for segment in segments if segment.start < end and segment.end > start]
        yield read_events(store, bucket, inside, start, end), window_of(bucket, start, end)


def read_events(store: EpochStore, bucket: Bucket, segments: Sequence[Segment], start: int, end: int) -> Events:
    """Read a bucket's events in a window, sorted by (subscriber, time), each with its area."""
    epoch = store.manifest.starts
    parts = []
    for segment in segments:
        subscriber, time, cell = store.sequences(segment)
        if segment.start < start or segment.end > end:
            inside = (time >= start - epoch) & (time < end - epoch)
            subscriber, time, cell = subscriber[inside], time[inside], cell[inside]
        parts.append((subscriber, time, cell))
    if len(parts) == 1:
        subscriber, time, cell = parts[0]
    else:
        none = (np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))
        subscriber, time, cell = (np.concatenate(columns) for columns in zip(none, *parts, strict=True))
        order = np.argsort(subscriber, kind="stable")  # segments are in order of time
        subscriber, time, cell = subscriber[order], time[order], cell[order]
    if len(cell) and cell.max() >= len(bucket.timeline.first) - 1:
        raise Damaged(
            "events refer to cells that the register does not have",
            where=store.folder,
            expected="the register they came with",
        )
    starts = np.clip(bucket.timeline.starts - epoch, -(2**31), 2**31 - 1).astype(np.int32)
    starts[bucket.timeline.starts == ALWAYS] = -(2**31)
    window = window_of(bucket, start, end)
    spans = (bucket.timeline.first, starts, bucket.area_of_span)
    day_of = (np.searchsorted(window.days, window.hours[:-1], side="right") - 1).astype(np.int32)
    return Events(subscriber, time, *place(subscriber, time, cell, *spans, window.hours, day_of))


def window_of(bucket: Bucket, start: int, end: int) -> Window:
    """Give the hours and days of a window, relative to the epoch's start and never beyond the window."""
    epoch = bucket.epoch_starts

    def edges(whole: np.ndarray) -> np.ndarray:
        return whole[(whole >= start) & (whole <= end)] - epoch

    return Window(epoch, edges(bucket.hours), edges(bucket.days), bucket.areas)


@cache
def _code_digest() -> str:
    """Digest of the code that counts depend on: every measure, and the kernels beneath them."""
    from commonweal.core import engine
    from commonweal.mobility import measures as folder
    from commonweal.mobility import sequences

    files = [Path(str(module.__file__)) for module in (engine, sequences)]
    files += sorted(Path(folder.__path__[0]).glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
