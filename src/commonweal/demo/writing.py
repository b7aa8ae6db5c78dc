"""Rows of text: a day's events as an operator's file, written by a kernel straight into bytes."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from commonweal.demo.events import NO_DIRECTION, OUTGOING
from commonweal.demo.faults import (
    BAD_TIMESTAMP,
    DUPLICATE,
    DUPLICATE_LATER,
    LATE,
    MALFORMED,
    NAMES,
    OUT_OF_PERIOD,
    UNKNOWN_CELL,
)
from commonweal.demo.randomness import mix

HEADER = b"msisdn,start_time,cell_id,kind,direction,counterpart,duration,home_plmn,serving_plmn,tac\n"
LONGEST_ROW = 200
CHUNK = 100_000
NEWLINE, BLANK, COMMA, ZERO, COLON, IN, OUT = b"\n ,0:IO"


class Texts(NamedTuple):
    """Texts as one run of bytes; text i is bytes[first[i]:first[i + 1]]."""

    bytes: NDArray[np.uint8]
    first: NDArray[np.int64]


class Rows(NamedTuple):
    """Rows to write, in their order; `second` counts from the start of the period."""

    sim: NDArray[np.int32]
    second: NDArray[np.int64]
    cell: NDArray[np.int32]
    kind: NDArray[np.int8]
    direction: NDArray[np.int8]
    counterpart: NDArray[np.int64]
    duration: NDArray[np.int32]
    serving: NDArray[np.int16]
    fault: NDArray[np.int8]


class Dictionary(NamedTuple):
    """What codes mean in text; `dates` are those of day -1 … of the period, then the dates of a clock gone wrong."""

    number: NDArray[np.int64]
    home: NDArray[np.int16]
    device: NDArray[np.int8]
    cells: Texts
    unknown_cells: Texts
    plmns: Texts
    devices: Texts
    kinds: Texts
    dates: Texts
    wrong_dates: Texts


def texts(values: Sequence[str]) -> Texts:
    """Lay texts out as bytes."""
    encoded = [value.encode() for value in values]
    first = np.concatenate([[0], np.cumsum([len(value) for value in encoded])]).astype(np.int64)
    return Texts(np.frombuffer(b"".join(encoded) or b" ", np.uint8), first)


def select(rows: Rows, which: NDArray[Any] | slice) -> Rows:
    """Give some of the rows, by mask, index or slice."""
    return Rows._make(column[which] for column in rows)


def join(parts: Sequence[Rows]) -> Rows:
    """Give rows one after the other."""
    return Rows._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def arrange(today: Rows, carried: Rows | None, last_day: bool) -> tuple[Rows, Rows]:
    """Order a day's rows by time and plant the faults of delivery.

    Returns
    -------
    The rows of today's file, those carried over from yesterday first, and the rows carried to tomorrow's.
    """
    late = (today.fault == LATE) if not last_day else np.zeros(len(today.sim), bool)
    copies_later = (today.fault == DUPLICATE_LATER) if not last_day else np.zeros(len(today.sim), bool)
    twice = (today.fault == DUPLICATE) | ((today.fault == DUPLICATE_LATER) & last_day)
    carry = select(today, late | copies_later)
    index = np.repeat(np.arange(len(today.sim)), np.where(late, 0, np.where(twice, 2, 1)))
    index = index[np.argsort(today.second[index], kind="stable")]
    rows = select(today, index)
    return (rows if carried is None else join([carried, rows])), carry


def tally(rows: Rows, day_start: int) -> dict[str, int]:
    """Count what is wrong with the rows of a file.

    A duplicate is counted in the file where its second row stands.
    """
    earlier = rows.second < day_start
    counts = {"rows": len(rows.sim)}
    # Within a file both rows of a duplicate carry the code.
    same_file = int((rows.fault == DUPLICATE).sum()) // 2
    later = (rows.fault == DUPLICATE_LATER) & ~earlier
    _, copies = np.unique(np.stack([rows.sim[later], rows.second[later]]), axis=1, return_counts=True)
    counts["duplicate"] = same_file + int((copies - 1).sum())
    counts["duplicate_of_earlier_file"] = int(((rows.fault == DUPLICATE_LATER) & earlier).sum())
    counts["late"] = int(((rows.fault == LATE) & earlier).sum())
    for code in (UNKNOWN_CELL, BAD_TIMESTAMP, OUT_OF_PERIOD, MALFORMED):
        counts[NAMES[code]] = int((rows.fault == code).sum())
    counts["without_cell"] = int(((rows.cell < 0) & (rows.fault <= LATE)).sum())
    return counts


def write(path: Path, rows: Rows, dictionary: Dictionary, compression: str) -> int:
    """Write rows as CSV, with a header; returns the number of bytes before compression."""
    size = len(HEADER)
    with _opened(path, compression) as file:
        file.write(HEADER)
        buffer = np.empty(CHUNK * LONGEST_ROW, np.uint8)
        for start in range(0, len(rows.sim), CHUNK):
            length = format_rows(buffer, select(rows, slice(start, start + CHUNK)), dictionary)
            file.write(buffer[:length].data)
            size += length
    return size


class _Gzip:
    """A gzip stream at level 1 without a time stamp, so that equal content gives equal bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._compress = zlib.compressobj(1, zlib.DEFLATED, 31)

    def write(self, data: Any) -> None:
        self._file.write(self._compress.compress(data))

    def __enter__(self) -> _Gzip:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.write(self._compress.flush())
        self._file.close()


def _opened(path: Path, compression: str) -> Any:
    if compression == "gz":
        return _Gzip(path.open("wb"))
    if compression == "zst":
        return pa.CompressedOutputStream(str(path), "zstd")
    return path.open("wb")


@njit(cache=True, nogil=True)
def _put_text(buffer: NDArray[np.uint8], at: int, source: Texts, index: int) -> int:
    for position in range(source.first[index], source.first[index + 1]):
        buffer[at] = source.bytes[position]
        at += 1
    return at


@njit(cache=True, nogil=True)
def _put_number(buffer: NDArray[np.uint8], at: int, value: int) -> int:
    digits = 1
    rest = value // 10
    while rest > 0:
        digits += 1
        rest //= 10
    for place in range(digits - 1, -1, -1):
        buffer[at + place] = ZERO + value % 10
        value //= 10
    return at + digits


@njit(cache=True, nogil=True)
def _put_clock(buffer: NDArray[np.uint8], at: int, second: int) -> int:
    for place, value in enumerate((second // 3600, second // 60 % 60, second % 60)):
        if place > 0:
            buffer[at] = COLON
            at += 1
        buffer[at] = ZERO + value // 10
        buffer[at + 1] = ZERO + value % 10
        at += 2
    return at


@njit(cache=True, nogil=True)
def format_rows(buffer: NDArray[np.uint8], rows: Rows, dictionary: Dictionary) -> int:
    """Write rows into a buffer as lines of CSV; returns their length in bytes."""
    at = 0
    for i in range(len(rows.sim)):
        sim, fault = rows.sim[i], rows.fault[i]
        draw = mix(np.uint64(rows.second[i]) * np.uint64(1_000_003) + np.uint64(sim))
        day, clock = rows.second[i] // 86_400, rows.second[i] % 86_400
        at = _put_number(buffer, at, dictionary.number[sim])
        buffer[at] = COMMA
        at += 1
        if fault == OUT_OF_PERIOD:
            at = _put_text(buffer, at, dictionary.wrong_dates, int(draw % np.uint64(2)))
        elif fault == BAD_TIMESTAMP and draw % np.uint64(2) == np.uint64(0):
            at = _put_text(buffer, at, dictionary.wrong_dates, 2)
            clock = 0
        else:
            at = _put_text(buffer, at, dictionary.dates, day + 1)
            if fault == BAD_TIMESTAMP:
                clock = 25 * 3600 + clock % 3600
        buffer[at] = BLANK
        at = _put_clock(buffer, at + 1, clock)
        if fault == MALFORMED and draw % np.uint64(2) == np.uint64(0):
            buffer[at] = NEWLINE
            at += 1
            continue
        buffer[at] = COMMA
        at += 1
        if fault == UNKNOWN_CELL:
            unknown = int(draw % np.uint64(len(dictionary.unknown_cells.first) - 1))
            at = _put_text(buffer, at, dictionary.unknown_cells, unknown)
        elif rows.cell[i] >= 0:
            at = _put_text(buffer, at, dictionary.cells, rows.cell[i])
        buffer[at] = COMMA
        at = _put_text(buffer, at + 1, dictionary.kinds, rows.kind[i])
        buffer[at] = COMMA
        at += 1
        if rows.direction[i] != NO_DIRECTION:
            buffer[at] = OUT if rows.direction[i] == OUTGOING else IN
            at += 1
        buffer[at] = COMMA
        at += 1
        if rows.counterpart[i] > 0:
            at = _put_number(buffer, at, rows.counterpart[i])
        buffer[at] = COMMA
        at += 1
        if rows.duration[i] > 0:
            at = _put_number(buffer, at, rows.duration[i])
        buffer[at] = COMMA
        at = _put_text(buffer, at + 1, dictionary.plmns, dictionary.home[sim])
        buffer[at] = COMMA
        at = _put_text(buffer, at + 1, dictionary.plmns, rows.serving[i])
        buffer[at] = COMMA
        at = _put_text(buffer, at + 1, dictionary.devices, dictionary.device[sim])
        if fault == MALFORMED:
            for _ in range(2):
                buffer[at] = COMMA
                buffer[at + 1] = ZERO
                at += 2
        buffer[at] = NEWLINE
        at += 1
    return at
