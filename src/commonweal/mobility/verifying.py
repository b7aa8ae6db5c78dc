"""Verifying a project's store: every segment of every readable epoch against its manifest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from commonweal.core.database import Database
from commonweal.core.errors import CommonwealError, Damaged, NotFound
from commonweal.core.settings import Settings
from commonweal.mobility.cells import REGISTER, read_register
from commonweal.mobility.epochs import EpochBook
from commonweal.mobility.manifest import Segment, manifest_path
from commonweal.mobility.projects import Project
from commonweal.mobility.pseudonyms import bucket_of
from commonweal.mobility.sorting import arrange, columns_of
from commonweal.mobility.store import SEGMENT, EpochStore, content_digest, held, project_folder


@dataclass(frozen=True)
class Verified:
    """What was read of a project's store, and what is wrong.

    Parameters
    ----------
    epochs
        Those that can be read.
    segments, rows
        How many are what their manifests say.
    findings
        A line for each manifest or segment that is missing or altered.
    superfluous
        Files that belong to nothing: left by work that was interrupted, or put there by somebody.
    """

    epochs: tuple[str, ...]
    segments: int
    rows: int
    findings: tuple[str, ...]
    superfluous: tuple[str, ...]

    def refuse_damage(self, project: Project) -> None:
        """Do nothing if all is well.

        Raises
        ------
        Damaged
            With the number of findings.
        """
        if self.findings:
            raise Damaged(
                f"{len(self.findings)} segments or manifests are damaged",
                where=f"project {project.name}",
                expected="a backup of the store; or the raw files, imported into a new project",
            )


def verify(settings: Settings, database: Database, project: Project) -> Verified:
    """Read all of a project's store and compare it with its manifests; what is stored is not changed.

    Raises
    ------
    Conflict
        Something is at work on this project.
    Unavailable
        The key of a readable epoch is not there.
    """
    folder = project_folder(settings.store, project.name)
    stores: list[EpochStore] = []
    unread: list[str] = []
    findings: list[str] = []
    whole: list[Segment] = []
    with held(folder):
        book = EpochBook(settings, database, project)
        rank = read_register(folder).rank_of_codes()
        for epoch in book.epochs:
            if epoch.destroyed:
                unread.append(epoch.name)
                continue
            try:
                stores.append(EpochStore(folder / epoch.name, book.key(epoch)))
            except NotFound:
                pass  # nothing has been stored in it yet
            except Damaged as error:
                unread.append(epoch.name)
                findings.append(str(error))
        for store in stores:
            for segment in store.manifest.segments:
                try:
                    _verify_segment(store, segment, rank)
                    whole.append(segment)
                except CommonwealError as error:
                    findings.append(str(error))
        superfluous = tuple(str(path) for path in _superfluous(folder, stores, unread))
    rows = sum(segment.rows for segment in whole)
    epochs = tuple(store.manifest.epoch for store in stores)
    return Verified(epochs, len(whole), rows, tuple(findings), superfluous)


def _superfluous(folder: Path, stores: Sequence[EpochStore], unread: Sequence[str]) -> Iterator[Path]:
    named = {folder / ".lock", folder / REGISTER}
    for store in stores:
        named.add(manifest_path(store.folder, store.manifest.sequence))
        named |= {store.folder / segment.file for segment in store.manifest.segments}
    for path in sorted(folder.rglob("*")):
        first, second, *_ = (*path.relative_to(folder).parts, "")
        unfinished_or_kept = first == ".staging" or second in ("staging", "derived")
        if path.is_file() and path not in named and first not in unread and not unfinished_or_kept:
            yield path


def _verify_segment(store: EpochStore, segment: Segment, rank_of_cell: np.ndarray) -> None:
    table = store.read(segment.file)
    wrong = list(_wrong(store, segment, table, rank_of_cell))
    if wrong:
        raise Damaged("; ".join(wrong), where=store.folder / segment.file, expected="what the manifest says of it")


def _wrong(store: EpochStore, segment: Segment, table: pa.Table, rank_of_cell: np.ndarray) -> Iterator[str]:
    """Say what of a segment is not as the manifest has it."""
    if table.num_rows != segment.rows:
        yield f"it has {table.num_rows:,} rows, the manifest says {segment.rows:,}"
    if content_digest(table) != segment.digest:
        yield "its content is not that of its digest"
    if segment.store == "rejects" and not _within(table["dated"].to_numpy(), segment):
        yield "it holds times outside its span"
    if segment.store != "events":
        return
    if not table.schema.equals(SEGMENT):
        yield "its columns are not those of events"
        return
    columns = columns_of(table)
    if np.any(bucket_of(columns["subscriber"], store.manifest.bucket_bits) != segment.bucket):
        yield f"it holds subscribers of another bucket than {segment.bucket}"
    if not _within(columns["time"].astype(np.int64) + store.manifest.starts, segment):
        yield "it holds times outside its span"
    if np.any((columns["cell"] < 0) | (columns["cell"] >= len(rank_of_cell))):
        yield "it refers to cells that the register does not have"
    elif not np.array_equal(arrange(columns, rank_of_cell)[0], np.arange(table.num_rows)):
        yield "its events are not in order, or not each there once"


def _within(moments: np.ndarray, segment: Segment) -> bool:
    return bool(np.all((moments >= segment.start) & (moments < segment.end)))
