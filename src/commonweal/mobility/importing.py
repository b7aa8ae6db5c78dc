"""Import: an operator's files into the private store.

Files stream through in blocks: parsed, judged and pseudonymised on all threads, staged in runs, then merged bucket by
bucket. The new manifest is the commit. An import that is killed goes on where it stopped; one that is run again
changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from math import ceil, log2
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.errors import InputError, explain
from commonweal.mobility import staging
from commonweal.mobility.blocks import Block, LineReader, file_digest
from commonweal.mobility.cells import CellRegister
from commonweal.mobility.columnar import column_names, column_types, text_batches
from commonweal.mobility.epochs import EpochBook
from commonweal.mobility.layout import Layout, find_columns
from commonweal.mobility.lines import by_role, refuse_line_breaks, split_line
from commonweal.mobility.manifest import Segment
from commonweal.mobility.merging import merge, newest, spans, split_buckets
from commonweal.mobility.objecting import objectors, without_objectors
from commonweal.mobility.parsing import Parsed, Plan, engine, judge, parse_block
from commonweal.mobility.rejecting import READABLE, REJECTS, date_rejects
from commonweal.mobility.remembering import Remembered
from commonweal.mobility.staging import FILE_SHIFT, FileReport, Staged
from commonweal.mobility.store import EpochStore, project_folder

RUN_EVENTS = 2_000_000
BUCKET_EVENTS = 4_000_000  # what merging holds in memory for each thread, about 100 bytes each
HOPELESS = 100_000  # rows after which a file is refused if none of them could be read

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Request:
    """What is to be imported.

    Parameters
    ----------
    files
        In this order.
    layout
        Which column is what.
    cells
        The register, as it is after the cells that came with this import.
    period
        First and last-exclusive UTC second of events that are accepted.
    asked
        The days that were asked for. What is left open moves with the clock, so it says nothing of what is the same.
    """

    files: Sequence[Path]
    layout: Layout
    cells: CellRegister
    period: tuple[int, int]
    asked: tuple[str | None, str | None] = (None, None)

    @property
    def reading(self) -> str:
        """Digest of how files are read: the same file read otherwise is another import."""
        said = json.dumps([self.layout.digest, self.cells.digest, self.asked])
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def identity(self) -> str:
        """Digest of files and reading: two imports with the same identity are one."""
        try:
            files = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in self.files]
        except OSError as error:
            raise explain(error) from error
        return hashlib.sha256(json.dumps([self.reading, files]).encode()).hexdigest()[:32]


@dataclass
class Import:
    """An import at work.

    Parameters
    ----------
    book
        The project's epochs.
    request
        What is to be imported.
    progress
        Told how far it is.
    check
        Called often; raises to stop.
    """

    book: EpochBook
    request: Request
    progress: Progress = lambda done, total, what: None
    check: Callable[[], None] = lambda: None
    _local: threading.local = field(default_factory=threading.local)
    _remembered: Remembered = field(default_factory=Remembered)
    _objectors: dict[int, pa.Array] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where what has been staged is written down."""
        return project_folder(self.book.settings.store, self.book.project.name) / ".staging"

    def run(self) -> tuple[list[FileReport], Callable[[], None]]:
        """Import; give a report for each file, and what to call once the reports are recorded."""
        request = self.request
        staged = Staged.read(self.folder, request.identity)
        if staged is None:
            files = [FileReport(path.name, size=path.stat().st_size) for path in request.files]
            staged = Staged(request.identity, files, period=request.period)
        # An import that is taken up again another day accepts what it accepted when it began.
        self.request = replace(request, period=(staged.period[0], staged.period[1]))
        with ThreadPoolExecutor(self.book.settings.threads) as pool:
            try:
                self._stage(staged, pool)
            except InputError:  # a file or the mapping must change first, and then it is another import
                staging.remove(self.folder, self._stores(staged), request.identity)
                raise
            stores = self._merge(staged, pool)
        return staged.files, lambda: staging.remove(self.folder, stores, request.identity)

    # Staging ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _stage(self, staged: Staged, pool: ThreadPoolExecutor) -> None:
        total = sum(report.size for report in staged.files)
        for number in range(staged.at_file, len(staged.files)):
            before = sum(report.size for report in staged.files[:number])
            self._stage_file(staged, number, pool, lambda read, b=before: self.progress(b + read, total, "reading"))  # type: ignore[misc]

    def _stage_file(self, staged: Staged, number: int, pool: ThreadPoolExecutor, read: Callable[[int], None]) -> None:
        path, report = self.request.files[number], staged.files[number]
        source = self._parquet_blocks if self.request.layout.source.format == "parquet" else self._text_blocks
        pending: dict[int, list[pa.Table]] = {}
        rejects: list[pa.Table] = []
        held = 0
        reader = _Reading(path)
        for everything, next_line in self._in_turn(source(path, staged.at_line, reader), pool):
            parsed = without_objectors(everything, self._objectors_of)
            self.check()
            read(reader.position())
            report.rows += parsed.lines
            for epoch, events in parsed.events.items():
                pending.setdefault(epoch, []).append(_of_file(events, number))
                held += events.num_rows
                staged.newest[str(epoch)] = max(
                    staged.newest.get(str(epoch), 0), int(events.column("time").to_numpy().max())
                )
            if parsed.rejects.num_rows:
                rejects.append(_of_file(parsed.rejects, number))
                held += parsed.rejects.num_rows
                for reason in parsed.rejects.column("reason").value_counts().to_pylist():
                    report.reject(reason["values"], reason["counts"])
            _refuse_unreadable(report, path, HOPELESS, f"the first {report.rows:,}")
            if held >= RUN_EVENTS:
                self._write_run(staged, pending, rejects)
                staged.at_file, staged.at_line = number, next_line
                staged.write(self.folder)
                pending, rejects, held = {}, [], 0
        _refuse_unreadable(report, path, 1, "its")
        self._write_run(staged, pending, rejects)
        report.digest = reader.digest()
        staged.at_file, staged.at_line = number + 1, 1
        staged.write(self.folder)

    def _text_blocks(self, path: Path, from_line: int, reading: _Reading) -> Iterator[tuple[Callable[[], Parsed], int]]:
        """Give, block by block, how to parse it and the line after it."""
        reader = reading.reader = LineReader(path, self.request.layout.source.encoding)
        plan: Plan | None = None
        for block in reader.blocks():
            if block.first_line == 1 and block.content.startswith(b"PAR1"):
                raise InputError(
                    "this is a Parquet file",
                    where=path,
                    expected='format = "parquet" in the section [source] of the mapping',
                )
            if plan is None:
                plan, block = self._plan(path, block)
            block = block.from_line(from_line)
            if block.content:
                yield lambda b=block, p=plan: self._parse(b, p, path), block.first_line + block.lines  # type: ignore[misc]

    def _plan(self, path: Path, first: Block) -> tuple[Plan, Block]:
        layout = self.request.layout
        refuse_line_breaks(first, [first.first_line], layout.source, None, path)
        line, _, rest = first.content.partition(b"\n")
        names = split_line(line.decode(errors="replace"), layout.source)
        positions = find_columns(names if layout.source.header else None, len(names), layout.used, path)
        plan = Plan(layout, positions, len(names), self.request.cells.codes(), self.request.period, self._remembered)
        return plan, Block(rest, first.first_line + 1) if layout.source.header else first

    def _parse(self, block: Block, plan: Plan, path: Path) -> Parsed:
        parsed = parse_block(block, plan, self.book.of_times, self.book.pseudonym_key, self._engine())
        malformed = parsed.rejects.filter(pc.equal(parsed.rejects["reason"], "malformed line"))["line"].to_pylist()
        refuse_line_breaks(block, malformed, plan.layout.source, plan.width, path)
        return parsed

    def _parquet_blocks(
        self, path: Path, from_line: int, reading: _Reading
    ) -> Iterator[tuple[Callable[[], Parsed], int]]:
        """Give, batch by batch, how to judge it and the row after it."""
        layout, names, types = self.request.layout, column_names(path), column_types(path)
        positions = find_columns(names, len(names), layout.used, path)
        if all(pa.types.is_timestamp(types[names[positions[column]]]) for column in layout.time):
            layout = replace(layout, time_format="iso")
        plan = Plan(layout, positions, len(names), self.request.cells.codes(), self.request.period, self._remembered)
        for row, table in text_batches(path, [names[positions[column]] for column in layout.used]):
            if row >= from_line:
                yield lambda t=table, r=row: self._judge(t, r, plan), row + table.num_rows  # type: ignore[misc]
            reading.rows_of_parquet = row + table.num_rows

    def _judge(self, table: pa.Table, first_row: int, plan: Plan) -> Parsed:
        lines = np.arange(first_row, first_row + table.num_rows)
        columns = by_role(table, plan.layout)
        return judge(columns, lines, (), plan, self.book.of_times, self.book.pseudonym_key, self._engine())

    def _engine(self) -> Any:
        if not hasattr(self._local, "engine"):
            self._local.engine = engine()
        return self._local.engine

    def _in_turn(
        self, blocks: Iterator[tuple[Callable[[], Parsed], int]], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[Parsed, int]]:
        """Parse blocks on all threads; give them in the order of their lines, a few ahead at most."""
        ahead: deque[tuple[Future[Parsed], int]] = deque()
        for parse, next_line in blocks:
            ahead.append((pool.submit(parse), next_line))
            if len(ahead) > self.book.settings.threads:
                future, line = ahead.popleft()
                yield future.result(), line
        while ahead:
            future, line = ahead.popleft()
            yield future.result(), line

    def _write_run(self, staged: Staged, pending: dict[int, list[pa.Table]], rejects: list[pa.Table]) -> None:
        number = len(staged.runs) + len(staged.rejects)
        for starts, tables in sorted(pending.items()):
            store = self._store(starts)
            staged.runs.append(staging.write_run(store, staged.identity, number, tables, store.manifest.bucket_bits))
            number += 1
        if rejects:
            starts = max(pending, default=None) or self._some_epoch(staged)
            file = f"{staging.run_folder(staged.identity)}/rejects-{number:05}.parquet"
            self._store(starts).write(pa.concat_tables(rejects), file)
            staged.rejects.append({"epoch": starts, "file": file})

    def _some_epoch(self, staged: Staged) -> int:
        """Give the start of an epoch whose key may guard rejects that belong to none."""
        epochs = [run["epoch"] for run in staged.runs] or [
            epoch.starts for epoch in self.book.epochs if not epoch.destroyed
        ]
        return (
            int(epochs[-1]) if epochs else self.book.at(max(self.request.period[0], self.request.period[1] - 1)).starts
        )

    def _store(self, starts: int) -> EpochStore:
        epoch = self.book.at(starts)
        store = self.book.store(epoch, self._bucket_bits())
        split_buckets(store, self._bucket_bits())
        return store

    def _objectors_of(self, starts: int) -> pa.Array:
        if starts not in self._objectors:
            self._objectors[starts] = objectors(self._store(starts))
        return self._objectors[starts]

    def _bucket_bits(self) -> int:
        """Enough buckets that a bucket of this import fits into memory."""
        events = sum(_estimated_events(path) for path in self.request.files)
        return max(self.book.project.bucket_bits, min(12, ceil(log2(max(1, events / BUCKET_EVENTS)))))

    # Merging ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _merge(self, staged: Staged, pool: ThreadPoolExecutor) -> list[EpochStore]:
        stores = self._stores(staged)
        for report in staged.files:
            report.accepted = 0
            report.rejected.pop("duplicate", None)
        for place, store in enumerate(stores):
            counts = staged.merged.get(str(store.manifest.starts))
            if counts is None or staged.identity not in store.manifest.applied:
                counts = self._merge_epoch(staged, store, pool, place / len(stores), 1 / len(stores))
            for number, (accepted, repeated) in enumerate(counts):
                staged.files[number].accepted += accepted
                staged.files[number].reject("duplicate", repeated)
        return stores

    def _stores(self, staged: Staged) -> list[EpochStore]:
        starts = sorted({part["epoch"] for part in (*staged.runs, *staged.rejects)})
        return [self.book.store(self.book.at(start)) for start in starts]

    def _merge_epoch(
        self, staged: Staged, store: EpochStore, pool: ThreadPoolExecutor, done: float, share: float
    ) -> list[list[int]]:
        rank, identifiers = self.request.cells.rank_of_codes(), self.request.cells.identifiers
        buckets = 1 << store.manifest.bucket_bits
        calendar = self.book.project.calendar
        moments = [newest(calendar, store.manifest), staged.newest.get(str(store.manifest.starts), 0)]
        edges = spans(calendar, store.manifest, max(moments))
        files = len(staged.files)
        counts = np.zeros((files, 2), np.int64)
        segments: list[Segment] = []
        others: list[Segment] = [s for s in store.manifest.segments if s.store != "events"]

        def one(bucket: int) -> tuple[list[Segment], list[Segment], np.ndarray]:
            merged = merge(store, bucket, staging.read_bucket(store, staged.runs, bucket), edges, rank)
            table = staging.rejects_of_repeated(merged.repeated, identifiers)
            kept = [self._reject_segment(staged, store, table)] if table.num_rows else []
            numbers = [
                np.bincount(lines >> FILE_SHIFT, minlength=files)
                for lines in (merged.accepted, merged.repeated["line"].to_numpy())
            ]
            return merged.segments, kept, np.stack(numbers, axis=1)

        for bucket, (kept, repeated, numbers) in enumerate(pool.map(one, range(buckets))):
            self.check()
            self.progress(round(1000 * (done + share * (bucket + 1) / buckets)), 1000, "sorting")
            segments += kept
            others += repeated
            counts += numbers
        for part in staged.rejects:
            if part["epoch"] == store.manifest.starts:
                others.append(self._reject_segment(staged, store, store.read(part["file"])))
        staged.merged[str(store.manifest.starts)] = counts.tolist()
        staged.write(self.folder)
        applied = (*store.manifest.applied, staged.identity)
        everything = tuple(sorted(segments + others))
        store.commit(replace(store.manifest, segments=everything, applied=applied, cells=self.request.cells.digest))
        return staged.merged[str(store.manifest.starts)]

    def _reject_segment(self, staged: Staged, store: EpochStore, table: pa.Table) -> Segment:
        """Write rejects under their file's digest, dated."""
        place = table.column("line").to_numpy()
        digests = np.array([report.digest for report in staged.files])[place >> FILE_SHIFT]
        named = table.set_column(0, REJECTS.field("line"), pa.array(place & ((1 << FILE_SHIFT) - 1)))
        named = named.add_column(0, "file", pa.array(digests, pa.string()))
        dated, start, end = date_rejects(named, int(time.time()))
        return store.write_segment("rejects", 0, start, end, dated)


@dataclass
class _Reading:
    """How far the reading of a file is, and its digest at the end."""

    path: Path
    reader: LineReader | None = None
    rows_of_parquet: int = 0

    def position(self) -> int:
        return self.reader.position if self.reader else min(self.rows_of_parquet * 40, self.path.stat().st_size)

    def digest(self) -> str:
        return self.reader.digest if self.reader else file_digest(self.path)


def _refuse_unreadable(report: FileReport, path: Path, least: int, which: str) -> None:
    """Refuse a file of which so many rows were looked at and none could be read: mapping or cells do not fit it."""
    unreadable = {reason: count for reason, count in report.rejected.items() if reason not in READABLE}
    if sum(unreadable.values()) == report.rows >= least:
        counted = ", ".join(f"{reason} {count:,}" for reason, count in sorted(unreadable.items()))
        raise InputError(
            f"none of {which} rows can be used: {counted}",
            where=path,
            expected="a mapping and cells that fit this file; see: commonweal mobility inspect FILE",
        )


def _of_file(table: pa.Table, number: int) -> pa.Table:
    place = table.schema.get_field_index("line")
    lines = table.column("line").to_numpy() + (number << FILE_SHIFT)
    return table.set_column(place, table.schema.field(place), pa.array(lines))


def _estimated_events(path: Path) -> float:
    """Events that a file may hold: at 60 bytes a line, compressed eightfold."""
    size = path.stat().st_size
    return size / 60 * (1 if path.suffix in (".csv", ".txt") else 8)
