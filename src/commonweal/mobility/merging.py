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
from commonweal.mobility.manifest import Manifest, Segment
from commonweal.mobility.parsing import EVENTS
from commonweal.mobility.pseudonyms import bucket_of
from commonweal.mobility.sorting import NOTHING, arrange, columns_of
from commonweal.mobility.store import SEGMENT, EpochStore

STORED = -1  # the line of an event that is in the store already
_REPEATED = pa.schema(
    [
        (name, pa.int64())
        for name in ("line", "time", "cell", "kind", "direction", "duration", "home_plmn", "serving_plmn", "tac")
    ]
)


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
        Those that repeat another: ``line``, ``time`` (UTC seconds), ``cell`` (code) and what else identifies nobody.
    """

    segments: list[Segment]
    accepted: np.ndarray
    repeated: pa.Table


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
    last = datetime.fromtimestamp(manifest.ends, UTC).date() + timedelta(days=1)
    months = _months(calendar, manifest)
    closed = months[months <= newest]
    open_from = datetime.fromtimestamp(int(closed[-1]) if len(closed) else manifest.starts, UTC)
    days = calendar.edges(min(open_from, datetime.combine(last, datetime.min.time(), UTC)), _after(last), "day")
    edges = np.concatenate([closed, days[days > (closed[-1] if len(closed) else -(2**62))]])
    inside = edges[(edges > manifest.starts) & (edges < manifest.ends)]
    return np.concatenate([[manifest.starts], inside, [manifest.ends]]).astype(np.int64)


def newest(calendar: Calendar, manifest: Manifest) -> int:
    """Give a UTC second in the day of a store's newest event, or later if a month was closed before its time."""
    whole = {manifest.starts, manifest.ends, *_months(calendar, manifest).tolist()}
    ends = (s.end if {s.start, s.end} <= whole else s.end - 1 for s in manifest.events())
    return max(ends, default=manifest.starts)


def _months(calendar: Calendar, manifest: Manifest) -> np.ndarray:
    first = datetime.fromtimestamp(manifest.starts, UTC).date() - timedelta(days=1)
    last = datetime.fromtimestamp(manifest.ends, UTC).date() + timedelta(days=1)
    return calendar.edges(first, last, "month")


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
    whole: dict[int, Segment] = {}
    loose: list[Segment] = []  # not of a whole span: laid anew, so that the store looks the same whatever came first
    for segment in store.manifest.events(bucket):
        span = int(np.searchsorted(edges, segment.start, side="right")) - 1
        if [segment.start, segment.end] == edges[span : span + 2].tolist():
            whole[span] = segment
        else:
            loose.append(segment)
    rows = pa.concat_tables([*(_stored(store, segment) for segment in loose), new]) if loose else new
    span_of_row = np.searchsorted(edges, rows.column("time").to_numpy(), side="right") - 1
    touched = np.unique(span_of_row)
    segments = [segment for span, segment in whole.items() if span not in touched]
    accepted, repeated = [np.zeros(0, np.int64)], [_REPEATED.empty_table()]
    in_span = np.argsort(span_of_row.astype(np.uint16), kind="stable")
    bounds = np.searchsorted(span_of_row[in_span], np.stack([touched, touched + 1]))
    for span, start, end in zip(touched.tolist(), *bounds.tolist(), strict=True):
        own = whole.get(span)
        part = rows if len(touched) == 1 else rows.take(pa.array(in_span[start:end]))
        columns = columns_of(part if own is None else pa.concat_tables([_stored(store, own), part]))
        line = columns.pop("line")
        columns["time"] = (columns["time"] - store.manifest.starts).astype(np.int32)
        order, again = arrange(columns, rank_of_cell)
        again = again[line[again] != STORED]
        said = columns | {"line": line, "time": columns["time"] + np.int64(store.manifest.starts)}
        repeated.append(pa.table({name: said[name][again] for name in _REPEATED.names}, schema=_REPEATED))
        if own is not None and own.rows == len(order):
            segments.append(own)  # nothing is new
            continue
        table = _segment(columns, order)
        segments.append(store.write_segment("events", bucket, int(edges[span]), int(edges[span + 1]), table))
        accepted.append(line[order][line[order] != STORED])
    return Merged(sorted(segments), np.concatenate(accepted), pa.concat_tables(repeated))


def in_order(table: pa.Table, rank_of_cell: np.ndarray) -> pa.Table:
    """Put a segment's rows that were changed into their order again, each once."""
    columns = columns_of(table)
    order, _ = arrange(columns, rank_of_cell)
    return _segment(columns, order)


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


def compact(store: EpochStore, calendar: Calendar, rank_of_cell: np.ndarray, moment: int) -> int:
    """Bring months that ended before a UTC second into one segment a bucket; give how many segments that saved."""
    there: Sequence[Segment] = store.manifest.events()
    if not there:
        return 0
    edges = spans(calendar, store.manifest, max(newest(calendar, store.manifest), moment))
    segments = [s for s in store.manifest.segments if s.store != "events"]
    for bucket in sorted({segment.bucket for segment in there}):
        segments += merge(store, bucket, EVENTS.empty_table(), edges, rank_of_cell).segments
    saved = len(store.manifest.segments) - len(segments)
    if tuple(sorted(segments)) != store.manifest.segments:
        store.commit(replace(store.manifest, segments=tuple(sorted(segments))))
    return saved
