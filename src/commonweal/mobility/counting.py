"""Counting: measures and derivations over the buckets of an epoch's store.

A bucket's counts of a window depend on its segments, the cells, the areas, the calendar and the code. They are `Kept`
under a digest of all these; a run that was killed, or one after new days came in, counts only what is new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pyarrow as pa

from commonweal.core.engine import Counts, map_buckets
from commonweal.core.errors import Damaged
from commonweal.core.settings import Settings
from commonweal.mobility import keys
from commonweal.mobility.cells import ALWAYS, Timeline
from commonweal.mobility.coverage import Meeting
from commonweal.mobility.keeping import Kept
from commonweal.mobility.manifest import Manifest, Segment
from commonweal.mobility.measure import Derivation, Measure, Window, columns_of, measures, sources
from commonweal.mobility.network import Network
from commonweal.mobility.sequences import Events, in_runs, merged, place
from commonweal.mobility.store import EpochStore

LOOKED_AROUND = 10
"""Days before a run's period, and after it, that derivations may look at in all."""
KEPT_EVERY = 60.0
"""Seconds after which the days made of a bucket are kept: a run that is killed has no more than these to repeat."""


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
    hours_around, days_around
        Edges of the period and of `LOOKED_AROUND` days before and after it, UTC seconds.
    wall_around
        What the clock of the place shows at each of `hours_around`, seconds from 1970.
    network
        Where cells stand and which overlap, if what is made needs it.
    meeting
        Which cells' footprints meet which areas, if what is counted needs it.
    columns
        What else is read of each event.
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
    hours_around: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    days_around: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    wall_around: np.ndarray | None = None
    network: Network | None = None
    columns: tuple[str, ...] = ()
    meeting: Meeting | None = None


def count(settings: Settings, buckets: Sequence[Bucket], on_done: Callable[[int], None] = lambda done: None) -> Counts:
    """Count measures over buckets: by name, keyed counts with ``people``."""
    return map_buckets(settings, count_bucket, buckets, on_done)


def count_bucket(bucket: Bucket) -> Counts:
    """Count one bucket's measures. Runs in a thread, or on a worker elsewhere."""
    wanted = [measures()[name] for name in bucket.measures]
    made = _make(bucket, wanted)
    window = window_of(bucket, bucket.starts, bucket.ends)
    rows = {of.name: _in_order(made[of.name].tables()) for measure in wanted if (of := _rows_of(measure))}
    return {
        measure.name: measure.count(rows[of.name], window)
        if (of := _rows_of(measure))
        else pa.concat_tables(made[measure.name].tables())
        for measure in wanted
    }


def derive_bucket(bucket: Bucket, derivation: Derivation) -> pa.Table:
    """Give a derivation's rows of a bucket for the whole period, sorted by subscriber, then by time.

    Those that are not kept are made anew, of what is kept beneath.
    """
    return _in_order(_make(bucket, [derivation])[derivation.name].tables())


def each_window(
    bucket: Bucket, edges: np.ndarray, of: Derivation | None = None, items: Sequence[Measure] = ()
) -> Iterator[tuple[Any, Window]]:
    """Read a bucket's events, or rows of a derivation that is not kept, window by window between edges, UTC seconds.

    Parameters
    ----------
    items
        What is counted of them; what else of events these need is read too.
    """
    source = _Source(bucket, [of] if of else items)
    for start, end in pairwise(edges.tolist()):
        yield source.rows(of, start, end), window_of(bucket, start, end)


def _rows_of(item: Measure | Derivation) -> Derivation | None:
    """Give the derivation of whose rows of the whole run a measure is counted; None if it is counted by windows."""
    return item.of if isinstance(item, Measure) and item.of and item.of.kept else None


def _in_order(tables: Sequence[pa.Table]) -> pa.Table:
    """Put windows' rows together: they are in order of time, and so each subscriber's rows stay."""
    some = [table for table in tables if table.num_rows] or tables[:1]
    table = pa.concat_tables(some)
    if len(some) == 1 or table.column_names[0] != "subscriber":
        return table
    runs = merged(table["subscriber"].to_numpy(), _begins([part.num_rows for part in some]))
    return table.take(pa.array(in_runs(np.arange(table.num_rows), runs)))


def _begins(sizes: Sequence[int]) -> np.ndarray:
    """Where each of some parts begins, and the last one ends."""
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def _make(bucket: Bucket, asked: Sequence[Measure | Derivation]) -> dict[str, Kept]:
    """Make what is not kept, of the measures and derivations that are asked for and of what they are made of."""
    needed = {part.name: part for item in reversed(asked) for part in sources(item)}
    items = [part for part in needed.values() if part in asked or (isinstance(part, Derivation) and part.kept)]
    items = [item for item in items if not _rows_of(item)]
    work: dict[str, Kept] = {}
    for item in sorted(items, key=_depth, reverse=True):  # what is made of something says how far that must reach
        around = (0, 0)
        for other in work.values():
            if _kept_beneath(other.item) is item:
                reach = _reach(other.item)
                around = tuple(max(a, r + o) for a, r, o in zip(around, reach, other.around, strict=True))  # type: ignore[assignment]
        work[item.name] = Kept(item, bucket, around)
    source = _Source(bucket, items, work)
    for depth in sorted({_depth(item) for item in items}):
        source.make([kept for kept in work.values() if _depth(kept.item) == depth])
    return work


def _kept_beneath(item: Measure | Derivation) -> Derivation | None:
    """Give the nearest derivation beneath that is kept."""
    return next((part for part in sources(item)[1:] if isinstance(part, Derivation) and part.kept), None)


def _depth(item: Measure | Derivation) -> int:
    """How many derivations beneath are kept."""
    return sum(isinstance(part, Derivation) and part.kept for part in sources(item)[1:])


def _reach(item: Measure | Derivation) -> tuple[int, int]:
    """How many days back and ahead are looked at, down to what is kept."""
    back = ahead = 0
    for part in sources(item):
        if isinstance(part, Derivation):
            if part is not item and part.kept:
                break
            back, ahead = back + part.lookback, ahead + part.lookahead
    return back, ahead


class _Source:
    """What a bucket's measures and derivations are made of; each segment is read once.

    It stands for the store where events are read, and remembers segments as long as a window may look back on them.
    """

    def __init__(
        self, bucket: Bucket, items: Sequence[Measure | Derivation], work: dict[str, Kept] | None = None
    ) -> None:
        self.bucket = replace(bucket, columns=tuple(sorted({*bucket.columns, *columns_of(items)})))
        self.work = work or {}
        self._store = EpochStore(bucket.folder, keys.open_key(bucket.keys, bucket.project, bucket.epoch))
        self.segments = self._store.manifest.events(bucket.number)
        self._looking = any(_reach(item) != (0, 0) for item in items)
        self._read: dict[str, tuple[np.ndarray, ...]] = {}
        self._rows: dict[tuple[Derivation | None, int, int], Any] = {}
        self._widest: dict[Derivation | None, tuple[int, int]] = {}

    @property
    def folder(self) -> Path:
        """The store's."""
        return self._store.folder

    @property
    def manifest(self) -> Manifest:
        """The store's."""
        return self._store.manifest

    def sequences(self, segment: Segment, columns: Sequence[str] = ()) -> tuple[np.ndarray, ...]:
        """Read a segment, or remember it."""
        if not self._looking:
            return self._store.sequences(segment, columns)
        if segment.file not in self._read:
            self._read[segment.file] = self._store.sequences(segment, columns)
        return self._read[segment.file]

    def rows(self, of: Derivation | None, start: int, end: int) -> Any:
        """Give events, or a derivation's rows, of a time."""
        key = (of, start, end)
        if key not in self._rows:
            first, last = self._widest.get(of, (start, end))
            if (first, last) != (start, end) and isinstance(whole := self.rows(of, first, last), Events):
                window = window_of(self.bucket, first, last)
                own = (start - self.bucket.epoch_starts, end - self.bucket.epoch_starts)
                self._rows[key] = whole.within(own, (window.hours, window.days))
            elif of is None:
                self._rows[key] = read_events(self, self.bucket, self._inside(start, end), start, end)
            elif of.kept:
                self._rows[key] = self._of_kept(of, start, end)
            else:
                self._rows[key] = self._made(of, start, end)
        return self._rows[key]

    def _look_around(self, items: Iterable[Measure | Derivation], start: int, end: int) -> None:
        """Find the widest time of which these need events, or rows that are not kept: what is wider is made once."""
        self._widest.clear()
        for item in items:
            first, last = start, end
            for part in sources(item):
                first, last = self._around(part, first, last)
                if part.of is not None and part.of.kept:
                    break
                widest = self._widest.get(part.of, (first, last))
                self._widest[part.of] = (min(first, widest[0]), max(last, widest[1]))

    def make(self, work: Sequence[Kept]) -> None:
        """Make what is not kept of these, window by window; what they are made of is read once for all."""
        for kept in work if self.bucket.keep else ():
            kept.recall(self._store)
        changed: set[str] = set()
        kept_at = monotonic()
        for start, end in sorted({window for item in work for window in item.windows()}):
            needed = []
            for kept in work:
                if (start, end) in kept.windows():
                    fingerprint = kept.fingerprint(self._depends_on(kept.item, start, end), start, end)
                    if kept.needs(start, fingerprint):
                        needed.append((kept, fingerprint))
            self._look_around((kept.item for kept, _ in needed), start, end)
            for kept, fingerprint in needed:
                kept.made[start] = (fingerprint, self._made(kept.item, start, end))
                changed.add(kept.name)
            self._rows.clear()
            self._forget(start)
            if monotonic() - kept_at > KEPT_EVERY:
                self._keep(work, changed)
                kept_at = monotonic()
        self._keep(work, changed)

    def _keep(self, work: Sequence[Kept], changed: set[str]) -> None:
        """Keep what was made of these since it was last kept."""
        for kept in work if self.bucket.keep else ():
            if kept.name in changed and (isinstance(kept.item, Measure) or kept.item.kept):
                kept.keep(self._store)
        changed.clear()

    def _made(self, item: Measure | Derivation, start: int, end: int) -> Any:
        function = item.derive if isinstance(item, Derivation) else item.count
        first, last = self._around(item, start, end)
        return function(self.rows(item.of, first, last), window_of(self.bucket, first, last, (start, end)))

    def _around(self, item: Measure | Derivation, start: int, end: int) -> tuple[int, int]:
        """Give the time that is looked at for a window."""
        if not isinstance(item, Derivation) or not (item.lookback or item.lookahead):
            return start, end
        days = self.bucket.days_around
        first = int(np.searchsorted(days, start)) - item.lookback
        last = int(np.searchsorted(days, end)) + item.lookahead
        assert first >= 0, "what looks farther back than LOOKED_AROUND days"
        assert last < len(days), "what looks farther ahead than LOOKED_AROUND days"
        return int(days[first]), int(days[last])

    def _depends_on(self, item: Measure | Derivation, start: int, end: int) -> list[str]:
        """Digests of what a window's table is made of."""
        first, last = self._around(item, start, end)
        if item.of is None:
            return [segment.digest for segment in self._inside(first, last)]
        if item.of.kept:
            beneath = self.work[item.of.name]
            return [beneath.made[s][0] for s, e in beneath.windows() if s < last and e > first]
        return self._depends_on(item.of, first, last)

    def _of_kept(self, of: Derivation, start: int, end: int) -> pa.Table:
        beneath = self.work[of.name]
        windows = [(s, e) for s, e in beneath.windows() if s < end and e > start]
        rows = _in_order([beneath.made[s][1] for s, _ in windows])
        if windows[0][0] >= start and windows[-1][1] <= end:
            return rows
        when = rows[of.when].to_numpy() + self.bucket.epoch_starts
        return rows.filter(pa.array((when >= start) & (when < end)))

    def _inside(self, start: int, end: int) -> list[Segment]:
        return [segment for segment in self.segments if segment.start < end and segment.end > start]

    def _forget(self, start: int) -> None:
        """Let go of segments that no later window looks back on."""
        days = self.bucket.days_around
        if self._looking:
            back = int(days[max(0, int(np.searchsorted(days, start)) - LOOKED_AROUND)])
            ended = {segment.file for segment in self.segments if segment.end <= back}
            self._read = {file: read for file, read in self._read.items() if file not in ended}


def read_events(
    store: EpochStore | _Source, bucket: Bucket, segments: Sequence[Segment], start: int, end: int
) -> Events:
    """Read a bucket's events in a window, sorted by (subscriber, time), each with its area."""
    epoch = store.manifest.starts
    parts = []
    for segment in segments:
        read = store.sequences(segment, bucket.columns)
        if segment.start < start or segment.end > end:
            inside = (read[1] >= start - epoch) & (read[1] < end - epoch)
            read = tuple(column[inside] for column in read)
        parts.append(read)
    if len(parts) == 1:
        subscriber, time, cell, *others = parts[0]
    else:
        none = (np.zeros(0, np.int64), *(np.zeros(0, np.int32) for _ in range(2 + len(bucket.columns))))
        subscriber, time, cell, *others = (np.concatenate(part) for part in zip(none, *parts, strict=True))
        runs = merged(subscriber, _begins([len(part[0]) for part in parts]))  # segments are in order of time
        subscriber, time, cell, *others = (in_runs(column, runs) for column in (subscriber, time, cell, *others))
        for column in (subscriber, time, cell):
            column.flags.writeable = False  # as what was read of one segment is
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
    hour, day, area, own_hour, own_day, span = place(subscriber, time, cell, *spans, window.hours, day_of)
    columns = dict(zip(bucket.columns, others, strict=True))
    return Events(subscriber, time, hour, day, area, own_hour, own_day, span, columns)


def window_of(bucket: Bucket, start: int, end: int, own: tuple[int, int] | None = None) -> Window:
    """Give the hours and days of a time, relative to the epoch's start and never beyond it.

    Parameters
    ----------
    own
        The part of it whose rows are asked for, UTC seconds.
    """
    epoch = bucket.epoch_starts
    inside = bucket.starts <= start and end <= bucket.ends

    def edges(whole: np.ndarray) -> np.ndarray:
        return whole[(whole >= start) & (whole <= end)] - epoch

    hours = edges(bucket.hours if inside else bucket.hours_around)
    wall = bucket.wall_around
    return Window(
        epoch,
        hours,
        edges(bucket.days if inside else bucket.days_around),
        bucket.areas,
        bucket.network,
        (own[0] - epoch, own[1] - epoch) if own else None,
        bucket.meeting,
        None if wall is None else wall[np.searchsorted(bucket.hours_around, hours + epoch)],
    )
