"""What a backup must hold of the private store, and whether a restored store is the newest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from commonweal.core.errors import NotFound
from commonweal.core.settings import Settings
from commonweal.mobility import keys
from commonweal.mobility.cells import REGISTER
from commonweal.mobility.machines import FILE as MACHINES
from commonweal.mobility.manifest import manifest_numbers, manifest_path, read_manifest
from commonweal.mobility.models import EpochRecord, ProjectRecord
from commonweal.mobility.store import project_folder


def files(settings: Settings, session: Session) -> Iterator[Callable[[], list[Path]]]:
    """Give, for each epoch that can be read, its manifest and segments; then each project's cells and device types.

    What is staged or kept for the next run is made again. The cells come last: they are only ever added to, and all
    that an event refers to must be among them.
    """
    readable = select(EpochRecord.project, EpochRecord.name).where(EpochRecord.destroyed_at.is_(None))
    for project, epoch in session.execute(readable.order_by(EpochRecord.project, EpochRecord.name)):
        yield partial(_of_epoch, project_folder(settings.store, project) / epoch)
    for project in session.scalars(select(ProjectRecord.name).order_by(ProjectRecord.name)):
        for name in (REGISTER, MACHINES):
            kept = project_folder(settings.store, project) / name
            yield lambda path=kept: [path] if path.exists() else []  # type: ignore[misc]


def _of_epoch(folder: Path) -> list[Path]:
    try:
        manifest = read_manifest(folder)
    except NotFound:
        return []  # nothing has been stored in it yet
    return [manifest_path(folder, manifest.sequence), *(folder / segment.file for segment in manifest.segments)]


def refuse_older(settings: Settings, _session: Session) -> None:
    """See that each epoch's store is as new as its key knows.

    Raises
    ------
    Damaged
        One is older, or of another key.
    Unavailable
        A key is not there.
    """
    stored = {(path.parent.name, path.name) for path in settings.store.glob("*/*") if list(manifest_numbers(path))}
    for project, epoch in sorted(stored | set(keys.there(settings.keys))):
        key = keys.open_key(settings.keys, project, epoch)
        if (project, epoch) in stored or key.committed() is not None:
            read_manifest(project_folder(settings.store, project) / epoch, key)
