"""Import: an operator's files into the private store.

Files stream through in blocks: parsed, judged and pseudonymised on all threads, staged in runs, then merged bucket by
bucket. The new manifest is the commit. An import that is killed goes on where it stopped; one that is run again
changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil, log2
from pathlib import Path

import pyarrow as pa

from commonweal.core.errors import Conflict, InputError, explain
from commonweal.mobility import staging
from commonweal.mobility.cells import CellRegister
from commonweal.mobility.epochs import EpochBook
from commonweal.mobility.laying import Laid, Laying, commit, edges, is_merged, settle
from commonweal.mobility.layout import Layout
from commonweal.mobility.merging import split_buckets
from commonweal.mobility.objecting import objectors, without_objectors
from commonweal.mobility.parsing import Parsed
from commonweal.mobility.projects import MOST_BITS, Project
from commonweal.mobility.reading import Reader, Reading, Turn
from commonweal.mobility.rejecting import READABLE
from commonweal.mobility.staging import FileReport, Staged, of_file
from commonweal.mobility.store import EpochStore, project_folder

RUN_EVENTS = 2_000_000
BUCKET_EVENTS = 2_000_000  # what a measure and merging hold in memory for each thread, about 500 bytes each
HOPELESS = 100_000  # rows after which a file is refused if none of them could be read

Progress = Callable[[int, int, str], None]
Done = tuple[list[FileReport], Callable[[], None]]
"""A report for each file, and what to call once the reports are recorded."""


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


def bucket_bits(project: Project, request: Request) -> int:
    """Give how many bits number the buckets, that a bucket of this import fits into memory."""
    events = sum(estimated_events(path) for path in request.files)
    return max(project.bucket_bits, min(MOST_BITS, ceil(log2(max(1, events / BUCKET_EVENTS)))))


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
    _objectors: dict[int, pa.Array] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where what has been staged is written down."""
        return project_folder(self.book.settings.store, self.book.project.name) / ".staging"

    def run(self) -> Done:
        """Import; give a report for each file, and what to call once the reports are recorded."""
        request = self.request
        staged = Staged.read(self.folder, request.identity)
        if staged is None:
            files = [FileReport(path.name, size=path.stat().st_size) for path in request.files]
            staged = Staged(request.identity, files, period=request.period)
        if staged.engine != "threads":
            if staged.merged:
                raise Conflict(
                    "this import was begun on Spark, and a part of it is committed",
                    where=f"project {self.book.project.name}",
                    expected="the same --engine again, once",
                )
            staged.engine = "threads"
        # An import that is taken up again another day accepts what it accepted when it began.
        self.request = replace(request, period=(staged.period[0], staged.period[1]))
        request = self.request
        reader = Reader(request.layout, request.cells, request.period, self.book.of_times, self.book.pseudonym_key)
        with ThreadPoolExecutor(self.book.settings.threads) as pool:
            try:
                self._stage(staged, reader, pool)
            except InputError:  # a file or the mapping must change first, and then it is another import
                staging.remove(self.folder, self._stores(staged), request.identity)
                raise
            stores = self._merge(staged, pool)
        return staged.files, lambda: staging.remove(self.folder, stores, request.identity)

    # Staging ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _stage(self, staged: Staged, reader: Reader, pool: ThreadPoolExecutor) -> None:
        total = sum(report.size for report in staged.files)
        for number in range(staged.at_file, len(staged.files)):
            before = sum(report.size for report in staged.files[:number])
            told = partial(lambda before, read: self.progress(before + read, total, "reading"), before)
            self._stage_file(staged, number, reader, pool, told)

    def _stage_file(
        self, staged: Staged, number: int, reader: Reader, pool: ThreadPoolExecutor, read: Callable[[int], None]
    ) -> None:
        path, report = self.request.files[number], staged.files[number]
        pending: dict[int, list[pa.Table]] = {}
        rejects: list[pa.Table] = []
        held = 0
        reading = Reading(path)
        for everything, next_line in self._in_turn(reader.blocks(path, staged.at_line, reading), pool):
            parsed = without_objectors(everything, self._objectors_of)
            self.check()
            read(reading.position())
            report.rows += parsed.lines
            for epoch, events in parsed.events.items():
                pending.setdefault(epoch, []).append(of_file(events, number))
                held += events.num_rows
                staged.newest[str(epoch)] = max(
                    staged.newest.get(str(epoch), 0), int(events.column("time").to_numpy().max())
                )
            if parsed.rejects.num_rows:
                rejects.append(of_file(parsed.rejects, number))
                held += parsed.rejects.num_rows
                for reason in parsed.rejects.column("reason").value_counts().to_pylist():
                    report.reject(reason["values"], reason["counts"])
            refuse_unreadable(report, path, HOPELESS, f"the first {report.rows:,}")
            if held >= RUN_EVENTS:
                self._write_run(staged, pending, rejects)
                staged.at_file, staged.at_line = number, next_line
                staged.write(self.folder)
                pending, rejects, held = {}, [], 0
        refuse_unreadable(report, path, 1, "its")
        self._write_run(staged, pending, rejects)
        report.digest = reading.digest()
        staged.at_file, staged.at_line = number + 1, 1
        staged.write(self.folder)

    def _in_turn(self, blocks: Iterator[Turn], pool: ThreadPoolExecutor) -> Iterator[tuple[Parsed, int]]:
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
        return bucket_bits(self.book.project, self.request)

    # Merging ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _merge(self, staged: Staged, pool: ThreadPoolExecutor) -> list[EpochStore]:
        stores = self._stores(staged)
        for place, store in enumerate(stores):
            if not is_merged(staged, store):
                self._merge_epoch(staged, store, pool, place / len(stores), 1 / len(stores))
        settle(staged)
        return stores

    def _stores(self, staged: Staged) -> list[EpochStore]:
        starts = sorted({part["epoch"] for part in (*staged.runs, *staged.rejects)})
        return [self.book.store(self.book.at(start)) for start in starts]

    def _merge_epoch(
        self, staged: Staged, store: EpochStore, pool: ThreadPoolExecutor, done: float, share: float
    ) -> None:
        buckets = 1 << store.manifest.bucket_bits
        laying = Laying.of(self.request.cells, staged)
        spans = edges(self.book.project.calendar, store, staged)

        def one(bucket: int) -> Laid:
            return laying.lay(store, bucket, staging.read_bucket(store, staged.runs, bucket), spans)

        laid = []
        for bucket, part in enumerate(pool.map(one, range(buckets))):
            self.check()
            self.progress(round(1000 * (done + share * (bucket + 1) / buckets)), 1000, "sorting")
            laid.append(part)
        rejects = [
            laying.reject(store, store.read(part["file"]))
            for part in staged.rejects
            if part["epoch"] == store.manifest.starts
        ]
        commit(self.folder, staged, store, laid, rejects, self.request.cells.digest)


def refuse_unreadable(report: FileReport, path: Path, least: int, which: str) -> None:
    """Refuse a file of which so many rows were looked at and none could be read: mapping or cells do not fit it."""
    unreadable = {reason: count for reason, count in report.rejected.items() if reason not in READABLE}
    if sum(unreadable.values()) == report.rows >= least:
        counted = ", ".join(f"{reason} {count:,}" for reason, count in sorted(unreadable.items()))
        raise InputError(
            f"none of {which} rows can be used: {counted}",
            where=path,
            expected="a mapping and cells that fit this file; see: commonweal mobility inspect FILE",
        )


def estimated_events(path: Path) -> float:
    """Events that a file may hold: at 60 bytes a line, compressed eightfold."""
    size = path.stat().st_size
    return size / 60 * (1 if path.suffix in (".csv", ".txt") else 8)
