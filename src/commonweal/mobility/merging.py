"""Staged events become segments: sorted, each once, by bucket and span.

A span is a day of the project's calendar, or a whole month once the store holds later events: long windows read
faster from one sorted file than from thirty, and recent days can be added to without rewriting a month. A late event
rewrites the one segment it falls into.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from commonweal.core.periods import Calendar
from commonweal.mobility.parsing import EVENTS
from commonweal.mobility.pseudonyms import bucket_of
from commonweal.mobility.sorting import NOTHING, arrange, columns_of
from commonweal.mobility.store import SEGMENT, EpochStore, Manifest, Segment

STORED = -1  # the line of an event that is in the store already


@dataclass(frozen=True)
class Merged:
    """What merging a bucket came to.

    Parameters
    ----------
    segments
        All of the bucket's segments from now on.
    accepted
        Lines of the new events, int64.
    repeated
        Lines of those that repeat another, int64.
    """

    segments: list[Segment]
    accepted: np.ndarray
    repeated: np.ndarray


def spans(calendar: Calendar, manifest: Manifest, newest: int) -> np.ndarray:
    """Give the edges of an epoch's spans: months that ended before the newest event, days from there on.

    Parameters
    ----------
    newest
        UTC second of the newest event.

    Returns
    -------
    int64, shape (spans + 1,), UTC seconds
    """
    first = datetime.fromtimestamp(manifest.starts, UTC).date() - timedelta(days=1)
    last = datetime.fromtimestamp(manifest.ends, UTC).date() + timedelta(days=1)
    months = calendar.edges(first, last, "month")
    closed = months[months <= newest]
    open_from = datetime.fromtimestamp(int(closed[-1]) if len(closed) else manifest.starts, UTC)
    days = calendar.edges(min(open_from, datetime.combine(last, datetime.min.time(), UTC)), _after(last), "day")
    edges = np.concatenate([closed, days[days > (closed[-1] if len(closed) else -(2**62))]])
    inside = edges[(edges > manifest.starts) & (edges < manifest.ends)]
    return np.concatenate([[manifest.starts], inside, [manifest.ends]]).astype(np.int64)


def _after(day: date) -> date:
    return day + timedelta(days=1)


def merge(store: EpochStore, bucket: int, new: pa.Table, edges: np.ndarray, rank_of_cell: np.ndarray) -> Merged:
    """Merge new events of a bucket with those in the store, span by span.

    Parameters
    ----------
    new
        Rows of `EVENTS`, in the order of their lines.
    edges
        Of the spans.
    rank_of_cell
        Each cell code's place among the identifiers in order of their text.
    """
    there = store.manifest.events(bucket)
    span_of_segment = np.searchsorted(edges, [segment.start for segment in there], side="right") - 1
    span_of_event = np.searchsorted(edges, new.column("time").to_numpy(), side="right") - 1
    crowded = [span for span, count in zip(*np.unique(span_of_segment, return_counts=True), strict=True) if count > 1]
    segments: list[Segment] = []
    accepted, repeated = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    touched = np.union1d(span_of_event, crowded).astype(np.int64)
    for segment, span in zip(there, span_of_segment, strict=True):
        if span not in touched:
            segments.append(segment)
    in_span = np.argsort(span_of_event.astype(np.uint16), kind="stable")
    bounds = np.searchsorted(span_of_event[in_span], np.stack([touched, touched + 1]))
    for span, start, end in zip(touched.tolist(), *bounds.tolist(), strict=True):
        own = [segment for segment, s in zip(there, span_of_segment, strict=True) if s == span]
        everyone = len(touched) == 1
        part = new if everyone else new.take(pa.array(in_span[start:end]))
        rows = pa.concat_tables([*(_stored(store, segment) for segment in own), part])
        columns = columns_of(rows)
        line = columns.pop("line")
        columns["time"] = (columns["time"] - store.manifest.starts).astype(np.int32)
        order, again = arrange(columns, rank_of_cell)
        table = _segment(columns, order)
        segments.append(store.write_segment("events", bucket, int(edges[span]), int(edges[span + 1]), table))
        accepted.append(line[order][line[order] != STORED])
        repeated.append(line[again])
    return Merged(sorted(segments), np.concatenate(accepted), np.concatenate(repeated))


def _stored(store: EpochStore, segment: Segment) -> pa.Table:
    """Read a segment as rows of `EVENTS`."""
    table = store.read(segment.file)
    time = table.column("time").to_numpy().astype(np.int64) + store.manifest.starts
    columns: dict[str, Any] = {name: table.column(name) for name in EVENTS.names if name in table.column_names}
    return pa.table(columns | {"time": time, "line": np.full(len(table), STORED)}, schema=EVENTS)


def _segment(columns: dict[str, np.ndarray], order: np.ndarray) -> pa.Table:
    arrays = []
    for name in SEGMENT.names[:-1]:
        values = columns[name][order]
        arrays.append(pa.array(values, mask=values == NOTHING[name]) if name in NOTHING else pa.array(values))
    return pa.table([*arrays, pa.array(np.zeros(len(order), np.int16))], schema=SEGMENT)


def split_buckets(store: EpochStore, bits: int) -> None:
    """Give a store more buckets: each of its segments is split by the next bits of the pseudonym."""
    if bits <= store.manifest.bucket_bits:
        return
    segments: list[Segment] = [s for s in store.manifest.segments if s.store != "events"]
    for segment in store.manifest.events():
        table = store.read(segment.file)
        bucket = bucket_of(table.column("subscriber").to_numpy(), bits)
        for part in np.unique(bucket).tolist():
            start, end = np.searchsorted(bucket, [part, part + 1]).tolist()
            segments.append(
                store.write_segment("events", part, segment.start, segment.end, table.slice(start, end - start))
            )
    store.commit(replace(store.manifest, bucket_bits=bits, segments=tuple(sorted(segments))))


def compact(store: EpochStore, calendar: Calendar, rank_of_cell: np.ndarray) -> int:
    """Bring closed months into one segment a bucket; give how many segments that saved."""
    there: Sequence[Segment] = store.manifest.events()
    if not there:
        return 0
    edges = spans(calendar, store.manifest, max(segment.end for segment in there))
    segments = [s for s in store.manifest.segments if s.store != "events"]
    for bucket in sorted({segment.bucket for segment in there}):
        segments += merge(store, bucket, EVENTS.empty_table(), edges, rank_of_cell).segments
    saved = len(store.manifest.segments) - len(segments)
    if saved:
        store.commit(replace(store.manifest, segments=tuple(sorted(segments))))
    return saved
