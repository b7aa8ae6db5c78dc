"""Restoring: an installation as the backup found it, in new directories, proven before anything takes it for ready.

The file of settings is written last, and without it nothing takes a folder for a data directory. Until then a mark
lies in the folder, by which the same command knows what a killed one left: it removes that and begins again. What lies
in the key directory is never changed or removed, unless the same call has just written it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from commonweal.core import audit, audit_head
from commonweal.core.audit import AuditEntry
from commonweal.core.backup import archive, key_directory, records
from commonweal.core.backup.archive import Entry, Manifest, whole
from commonweal.core.backup.records import Records, Tally
from commonweal.core.backup.service import FOLDERS, keys_in, portable, verify
from commonweal.core.database import Database, migrate
from commonweal.core.directories import DATA_FILES, alone, refuse_other_keys, toml
from commonweal.core.domain import Domain, load
from commonweal.core.durable import creating, replacing, sync
from commonweal.core.errors import Conflict, Damaged, InputError, Refused, explain
from commonweal.core.settings import CONFIG, Settings, read
from commonweal.core.settings import FOLDERS as MADE

MARK = ".unfinished-restore"
ACTION = "backup.restore"


def restore(
    file: Path, keys_file: Path | None, data: Path, keys: Path, rooms: Sequence[Domain], who: str
) -> tuple[Settings, Manifest]:
    """Make an installation of a backup; sessions, links and failed attempts to sign in are not in it.

    Parameters
    ----------
    file, keys_file
        The two backups. Without the second, the key directory must be there.
    data
        A new or empty folder, or one that the same command began.
    keys
        A new or empty folder; or the key directory of the lost installation, which is used as it is.
    who
        ``"os:NAME"``.

    Returns
    -------
    Settings, Manifest
        Of the restored installation, and of the backup.

    Raises
    ------
    Damaged
        A backup is damaged, or does not belong to the keys.
    Refused
        The keys know of a longer audit log, or of another.
    Conflict
        A folder or the database holds something else.
    InputError
        What was given is no backup, or the environment names other places.
    Unavailable
        There is no space, or the database was made by a newer version. Nothing is left behind.
    """
    settings = read(data, keys=keys)
    refuse_other_keys(settings)
    for name in MADE:
        if getattr(settings, name) != settings.data / name:
            raise InputError(
                f"COMMONWEAL_{name.upper()} names another folder",
                where=getattr(settings, name),
                expected=f"the variable unset; {name} can be moved when it is restored",
            )
    try:
        there: dict[str, bytes] = {}
        if not _is_ready(settings):
            _left(settings.data)  # what must not be touched is refused before anything is written
            there = key_directory.files(settings.keys)
        manifest = verify(file)
        belonging = {**(keys_in(keys_file) if keys_file else {}), **there}
        if not _is_ready(settings):
            _refuse_other_directory(manifest, there, settings.keys)
            key_directory.refuse_others(manifest, belonging, settings.keys if there or not keys_file else keys_file)
        settings.data.mkdir(parents=True, exist_ok=True)
        with alone(settings.data / MARK):
            if not _is_ready(settings):
                belonging.setdefault(audit_head.FILE, audit_head.content_of(manifest.audit))
                new = {name: content for name, content in belonging.items() if name not in there}
                _make(settings, file, manifest, new, rooms, who)
            database = Database(settings.database_url)
            for room in rooms:
                if room.keep_head:
                    load(room.keep_head)(settings.keys, database)
            database.close()
            (settings.data / MARK).unlink(missing_ok=True)
    except OSError as error:
        raise explain(error) from error
    return settings, manifest


def _is_ready(settings: Settings) -> bool:
    """Tell whether there is nothing left to do but to remove the mark."""
    return (settings.data / CONFIG).exists() and (settings.data / MARK).exists()


def _left(data: Path) -> list[Path]:
    """Give what a killed process left in the folder, the mark aside; refuse anything else."""
    if data.exists() and not data.is_dir():
        raise Conflict("this is there already and is no folder", where=data, expected="a new or empty folder")
    left = [path for path in data.iterdir() if path.name != MARK] if data.exists() else []
    begun = (data / MARK).exists() and not (data / CONFIG).exists()
    if not all(begun and _is_written_here(path) for path in left):
        raise Conflict("this is there already and not empty", where=data, expected="a new or empty folder")
    return left


def _is_written_here(path: Path) -> bool:
    if path.name in (*MADE, *FOLDERS):
        return path.is_dir()
    on_its_way = re.fullmatch(r"\.(.+)\.\d+", path.name)
    return (on_its_way[1] if on_its_way else path.name) in DATA_FILES


def _refuse_other_directory(manifest: Manifest, there: dict[str, bytes], keys: Path) -> None:
    """Refuse a folder that holds something and none of the backup's keys."""
    if there and not key_directory.fingerprints(there).items() & manifest.keys.items():
        raise Conflict(
            "this is there already, not empty and not the key directory of this backup",
            where=keys,
            expected="a new or empty folder, or the key directory of the installation that was backed up",
        )


def _make(
    settings: Settings, file: Path, manifest: Manifest, keys: dict[str, bytes], rooms: Sequence[Domain], who: str
) -> None:
    data = settings.data
    _remove(_left(data))
    # Not followed by the head of the audit log: that must not be ahead of the backup if this is to be done again.
    database = Database(settings.database_url)
    try:
        for folder in (settings.keys, data, *(data / name for name in MADE)):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        for name in sorted(keys, key=lambda name: not name.endswith(".key")):  # by which a killed one's are known again
            with creating(settings.keys / name, mode=0o600, parents=True) as written:
                written.write_bytes(keys[name])
        said = _fill(settings, database, file, manifest, rooms, who)
        with replacing(data / CONFIG) as written:
            written.write_bytes(said)
    except Exception:
        database.close()
        with suppress(OSError):
            _remove([*_left(data), *(settings.keys / name for name in keys), data / MARK])
        raise
    database.close()


def _fill(
    settings: Settings, database: Database, file: Path, manifest: Manifest, rooms: Sequence[Domain], who: str
) -> bytes:
    """Write files and records, and prove that they are those of the backup; give its settings."""
    with database.transaction() as session:
        connection = session.connection()
        fresh = _is_fresh(session, database, manifest)
        if fresh:
            migrate(connection, rooms, manifest.revisions)
        loaded = Records(connection, manifest.tables)
        said = bytearray()

        def take(name: str, content: Iterator[bytes]) -> None:
            if name == CONFIG:
                said.extend(whole(content))
            elif name.startswith(f"{records.FOLDER}/"):
                if fresh:
                    loaded.load(name, whole(content))
            elif name.partition("/")[0] in FOLDERS:
                _write(settings.data / name, content)
            else:
                raise Damaged(f"entry {name} has no place in an installation", where=file)

        if archive.read(file, "data", take).digest != manifest.digest:
            raise Damaged(
                "the backup was changed while it was restored", where=file, expected="one that stays as it is"
            )
        content = _settings_in(bytes(said), settings, file)
        _prove_files(settings.data, manifest)
        if fresh:
            _prove_records(loaded, manifest)
            loaded.continue_numbering()
            migrate(connection, rooms)
        for room in rooms:
            if room.refuse_older:
                load(room.refuse_older)(settings, session)
        _refuse_other_log(session, settings.keys)
        if fresh:
            audit.record(session, who=who, action=ACTION, what=file.name, details={"digest": manifest.digest})
    return content


def _settings_in(said: bytes, settings: Settings, file: Path) -> bytes:
    """Write the settings for their new place, if this version can read them."""
    try:
        kept = portable(said)
        read(settings.data, keys=settings.keys, **tomllib.loads(kept.decode()))
    except (ValueError, TypeError) as error:
        raise Damaged(
            f"its {CONFIG} cannot be read", where=file, expected="what commonweal backup create wrote"
        ) from error
    return f"keys = {toml(settings.keys)}\n".encode() + kept


def _is_fresh(session: Session, database: Database, manifest: Manifest) -> bool:
    """Tell whether there are no records yet; there may be those that the same command restored before it was killed."""
    tables = inspect(session.connection()).get_table_names()
    if not tables:
        return True
    last = session.get(AuditEntry, audit.end(session).sequence) if AuditEntry.__tablename__ in tables else None
    if last is None or (last.action, last.details.get("digest")) != (ACTION, manifest.digest):
        raise Conflict(
            "the database is not empty",
            where=make_url(database.url).render_as_string(hide_password=True),
            expected="COMMONWEAL_DATABASE_URL with the address of an empty one",
        )
    return False


def _write(path: Path, content: Iterator[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("xb") as file:
        for part in content:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def _prove_files(data: Path, manifest: Manifest) -> None:
    """Read each file again, as it is on the disk now."""
    for name, entry in manifest.entries.items():
        if name.partition("/")[0] not in FOLDERS:
            continue
        with (data / name).open("rb") as file:
            found = Entry(size=os.fstat(file.fileno()).st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())
        if found != entry:
            raise Damaged(
                "what was written is not what the backup holds", where=data / name, expected="a disk that works"
            )
    for folder in FOLDERS:
        for path in (data / folder, *(data / folder).rglob("*")):
            if path.is_dir():
                sync(path)


def _prove_records(loaded: Records, manifest: Manifest) -> None:
    """Read all rows again, as the database has them now."""
    tally = Tally(manifest.tables)
    for part in loaded.parts():
        tally.add(part)
    found = tally.tables()
    for name, table in manifest.tables.items():
        if found[name] != table:
            raise Damaged(
                f"the table {name} has {found[name].rows} rows that are not the {table.rows} of the backup",
                where="database",
                expected="a database that gives back what it was given",
            )


def _refuse_other_log(session: Session, keys: Path) -> None:
    head = audit_head.read(keys)
    entry = session.get(AuditEntry, head.sequence)
    if head.sequence and (entry is None or entry.hash != head.hash):
        raise Refused(
            f"entry {head.sequence} of the audit log is not the one that the key directory knows",
            where=keys,
            expected="the key directory of the installation that was backed up",
        )


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
