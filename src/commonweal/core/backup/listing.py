"""The backups in the folder that the settings name, and what the audit log knows of each."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from commonweal.core.audit import AuditEntry
from commonweal.core.backup import archive
from commonweal.core.backup.service import CREATE, VERIFY, refuse_places
from commonweal.core.database import Database
from commonweal.core.errors import InputError, NotFound, Unavailable, explain
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording

NAME = "%Y-%m-%dT%H%M%SZ"


@dataclass(frozen=True)
class Made:
    """What the audit log knows of how a backup was made.

    Parameters
    ----------
    at, who
        When, and by whom.
    digest
        Of all that it holds.
    keys
        How many keys belong to it.
    """

    at: datetime
    who: str
    digest: str
    keys: int


@dataclass(frozen=True)
class Verdict:
    """What the last verification found.

    Parameters
    ----------
    at
        When.
    is_whole
        Whether all was as it should be.
    with_keys
        Whether the backup of the keys was verified too.
    finding
        What was wrong; empty if nothing was.
    """

    at: datetime
    is_whole: bool
    with_keys: bool
    finding: str = ""


@dataclass(frozen=True)
class Backup:
    """A backup of the data.

    Parameters
    ----------
    path
        The file.
    size
        Its bytes.
    written
        When the file was last written.
    keys_path
        Where the backup of its keys lies; None if it is not there now.
    made
        How it was made; None if this installation's log does not know of it.
    verdict
        What the last verification found; None if there was none since the file was written.
    """

    path: Path
    size: int
    written: datetime
    keys_path: Path | None
    made: Made | None
    verdict: Verdict | None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name


def folders(settings: Settings) -> tuple[Path, Path]:
    """Give where the backups of the data and of the keys go.

    Raises
    ------
    InputError
        The settings name no folder, or only one.
    """
    for name in ("backups", "backup_keys"):
        if getattr(settings, name) is None:
            raise InputError(
                Wording("no folder for backups is named"),
                where=name,
                expected=Wording("the settings `backups` and `backup_keys`, and a new start of the server"),
            )
    assert settings.backups is not None
    assert settings.backup_keys is not None
    return settings.backups, settings.backup_keys


def new_name() -> str:
    """Name a backup that is made now."""
    return datetime.now(UTC).strftime(NAME)


def refuse_unready(settings: Settings) -> None:
    """See that a backup can be made now. Folders are never made: below a mount point, they would be on another disk.

    Raises
    ------
    InputError, Refused
        The settings name no two folders outside of the installation.
    Unavailable
        One is not there, or cannot be written to.
    """
    data, keys = folders(settings)
    refuse_places(settings, data / new_name(), keys / new_name())
    for folder in (data, keys):
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise Unavailable(
                Wording("this folder is not there, or cannot be written to"),
                where=folder,
                expected=Wording("its disk mounted, and the folder made for the user that the server runs as"),
            )


def backups(settings: Settings, database: Database) -> list[Backup]:
    """List the backups in their folder, the newest first; there are none where no folder is named or there.

    Raises
    ------
    Unavailable
        The folder cannot be read.
    """
    if settings.backups is None or not settings.backups.is_dir():
        return []
    try:
        there = [(path, path.lstat()) for path in settings.backups.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise explain(error, settings.backups) from error
    files = [(path, found) for path, found in there if stat.S_ISREG(found.st_mode) and archive.kind_of(path) == "data"]
    known = _known(database, {path.name for path, _ in files})
    listed = [
        _backup(path, found.st_size, found.st_mtime, _keys_of(settings, path.name), known) for path, found in files
    ]
    return sorted(listed, key=lambda backup: (backup.written, backup.name), reverse=True)


def get(settings: Settings, database: Database, name: str) -> Backup:
    """Find a backup by its file's name.

    Raises
    ------
    NotFound
        There is none.
    """
    for backup in backups(settings, database):
        if backup.name == name:
            return backup
    raise NotFound(
        Wording("there is no backup of that name"), where=repr(name), expected=Wording("a name of the list of backups")
    )


def _keys_of(settings: Settings, name: str) -> Path | None:
    if settings.backup_keys is None:
        return None
    path = settings.backup_keys / name
    return path if path.is_file() else None


def _known(database: Database, names: Iterable[str]) -> Mapping[tuple[str, str], AuditEntry]:
    """Give the newest entry of the log about each file's making and verifying."""
    wanted = select(AuditEntry).where(AuditEntry.action.in_((CREATE, VERIFY)), AuditEntry.what.in_(sorted(names)))
    with database.reading() as session:
        entries = session.scalars(wanted.order_by(AuditEntry.sequence)).all()
    return {(entry.action, entry.what): entry for entry in entries}


def _backup(
    path: Path, size: int, written: float, keys_path: Path | None, known: Mapping[tuple[str, str], AuditEntry]
) -> Backup:
    created, verified = known.get((CREATE, path.name)), known.get((VERIFY, path.name))
    at = datetime.fromtimestamp(written, UTC)
    made = verdict = None
    if created is not None:
        said = created.details
        made = Made(created.at, created.who, str(said.get("digest", "")), _number(said.get("keys")))
    if verified is not None and verified.at >= at and verified.details.get("bytes") == size:
        said = verified.details
        finding = str(said.get("finding", ""))
        verdict = Verdict(verified.at, bool(said.get("whole")), bool(said.get("with_keys")), finding)
    return Backup(path, size, at, keys_path, made, verdict)


def _number(said: object) -> int:
    return said if isinstance(said, int) else 0
