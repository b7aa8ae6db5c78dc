"""Making and verifying backups."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeAlias

from sqlalchemy import select
from sqlalchemy.orm import Session

from commonweal import __version__
from commonweal.core import audit
from commonweal.core.audit import AuditEntry
from commonweal.core.backup import archive, key_directory
from commonweal.core.backup.archive import KEYS, Manifest, Overtaken, Together, Writer, whole
from commonweal.core.backup.records import Records, Tally, lasting
from commonweal.core.database import Database, load_models, revisions
from commonweal.core.domain import Domain, load
from commonweal.core.durable import creating
from commonweal.core.errors import Conflict, InputError, Refused, explain
from commonweal.core.settings import CONFIG, PLACES, Settings
from commonweal.core.wording import Wording

FOLDERS = ("lake", "store", "staged")
CREATE, VERIFY = "backup.create", "backup.verify"
Watch: TypeAlias = Callable[[int, int], None]
"""Is told now and then how many bytes are done, and of how many, 0 if that is not known yet; it may raise, to stop."""


def _nobody(done: int, total: int) -> None:
    pass


def create(
    settings: Settings,
    database: Database,
    rooms: Sequence[Domain],
    file: Path,
    keys_file: Path,
    who: str,
    watch: Watch = _nobody,
) -> Manifest:
    """Back up everything but the keys into one file, and the keys into another; what is at work goes on.

    The records are read as of one moment. Then each file is copied that they, or the manifests of the store, name:
    those were written before they were named, and never change. Where one was removed since, as later records tell,
    all is written anew as of a later moment. What was committed to the store meanwhile may be among
    them, and the records do not know of it, as after a crash in between. The head of the audit log is read before the
    records, and the other heads before the store, so that no head is ahead of the data.

    Parameters
    ----------
    file, keys_file
        Two new files, in two folders outside of the installation.
    who
        ``"os:NAME"`` or ``"person:NUMBER"``.
    watch
        Told how far it is; what it raises leaves nothing behind.

    Returns
    -------
    Manifest
        Of the data.

    Raises
    ------
    InputError
        A file lies within the installation.
    Refused
        The two files lie in one folder.
    Conflict
        A file is there already.
    Damaged
        A file that belongs to the data is missing, or the audit log is behind its head.
    Unavailable
        There is no space, or the database is not up to date; nothing is left behind.
    """
    file, keys_file = file.resolve(), keys_file.resolve()
    refuse_places(settings, file, keys_file)
    load_models(rooms)
    with (
        creating(file, mode=0o600) as unfinished,
        creating(keys_file, mode=0o600) as unfinished_keys,  # gets its name first: there is never data without its keys
    ):
        with unfinished.open("wb") as opened:
            manifest, keys = _write_unless_overtaken(opened, settings, database, rooms, watch)
        with unfinished_keys.open("wb") as opened:
            writer = Writer(opened)
            for name, content in keys.items():
                writer.add(f"{KEYS}{name}", content)
            writer.finish(Manifest(kind="keys", version=__version__, made=manifest.made))
    with database.transaction() as session:
        record(session, file, manifest, who)
    return manifest


def record(session: Session, file: Path, manifest: Manifest, who: str) -> None:
    """Tell the audit log of a backup, unless it knows of it."""
    of_that_name = select(AuditEntry).where(AuditEntry.action == CREATE, AuditEntry.what == file.name)
    known = session.scalar(of_that_name.order_by(AuditEntry.sequence.desc()).limit(1))
    if known is not None and known.details.get("digest") == manifest.digest:
        return
    audit.record(
        session,
        who=who,
        action=CREATE,
        what=file.name,
        details={
            "digest": manifest.digest,
            "files": len(manifest.entries),
            "bytes": manifest.size,
            "rows": manifest.rows,
            "keys": len(manifest.keys),
        },
    )


def verify(file: Path, keys_file: Path | None = None, watch: Watch = _nobody) -> Manifest:
    """Read a backup to its end and prove that it is whole; with the keys' backup, that these are its keys.

    Parameters
    ----------
    watch
        Told how far it is, in bytes of the file.

    Raises
    ------
    Damaged
        An entry is damaged, missing or too many: the message names it. Or a key is missing or another.
    Refused
        The keys know of a longer audit log.
    InputError
        It is no backup, or one of the other kind.
    """
    size = _size(file)
    manifest = archive.read(file, "data", watch=lambda done: watch(done, size))
    if keys_file is not None:
        key_directory.refuse_others(manifest, keys_in(keys_file), keys_file)
    return manifest


def keys_in(keys_file: Path) -> dict[str, bytes]:
    """Read the keys from their backup, proven whole."""
    found: dict[str, bytes] = {}
    archive.read(keys_file, "keys", lambda name, content: found.update({name.removeprefix(KEYS): whole(content)}))
    return found


def _write_unless_overtaken(
    file: BinaryIO, settings: Settings, database: Database, rooms: Sequence[Domain], watch: Watch
) -> tuple[Manifest, dict[str, bytes]]:
    missing: Path | None = None
    for _ in range(archive.ATTEMPTS):
        try:
            return _write_data(file, settings, database, rooms, watch)
        except Overtaken as overtaken:
            if overtaken.path == missing:  # records that were read after it was gone name it still
                raise archive.is_missing(missing) from None
            missing = overtaken.path
        file.seek(0)
        file.truncate()
    raise archive.changes_on(missing)


def _write_data(
    file: BinaryIO, settings: Settings, database: Database, rooms: Sequence[Domain], watch: Watch
) -> tuple[Manifest, dict[str, bytes]]:
    total = 0
    writer, tally = Writer(file, lambda done: watch(done, total)), Tally(lasting())
    made = datetime.now(UTC)
    before = key_directory.files(settings.keys)
    with database.reading() as session:
        log = audit.end(session)  # the first look: from here on the session sees this moment
        # A key may have come or been destroyed in between: either way the records may name it.
        keys = key_directory.files(settings.keys) | before
        for part in Records(session.connection(), lasting()).parts():
            writer.add(part.name, part.content)
            tally.add(part)
        stands_at = revisions(session.connection())
        files: list[Together] = [f for room in rooms if room.files for f in load(room.files)(settings, session)]
    writer.add(CONFIG, _settings_of(settings.data))
    total = writer.written + sum(_size(path) for together in files for path in together())
    for together in files:
        writer.copy(together, lambda path: _name_of(settings, path))
    manifest = Manifest(
        kind="data",
        version=__version__,
        made=made,
        revisions=stands_at,
        tables=tally.tables(),
        audit=log,
        keys=key_directory.fingerprints(keys),
    )
    key_directory.refuse_others(manifest, keys, settings.keys)
    return writer.finish(manifest), keys


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # it is said when it is copied


def refuse_places(settings: Settings, file: Path, keys_file: Path) -> None:
    """See that the two files are new, lie outside of the installation, and in two folders.

    Raises
    ------
    Conflict
        One is there already.
    InputError
        One would lie within the installation.
    Refused
        They would lie in one folder.
    """
    for path in (file, keys_file):
        if path.exists():
            raise Conflict(Wording("this is there already"), where=path, expected=Wording("the name of a new file"))
        for folder in (settings.data, settings.lake, settings.store, settings.spill, settings.keys):
            if folder in path.parents:
                raise InputError(
                    Wording("this would lie in %(folder)s, which it is a backup of", folder=str(folder)),
                    where=path,
                    expected=Wording("a place outside, on another disk if there is one"),
                )
    if file.parent == keys_file.parent:
        raise Refused(
            Wording("data and keys would lie in one folder, for one thief to take both"),
            where=keys_file,
            expected=Wording("a place elsewhere for the keys, in other hands if there are any"),
        )


def _name_of(settings: Settings, path: Path) -> str:
    folder = next(name for name in FOLDERS if getattr(settings, name) in path.parents)
    return f"{folder}/{path.relative_to(getattr(settings, folder)).as_posix()}"


def _settings_of(data: Path) -> bytes:
    path = data / CONFIG
    try:
        return portable(path.read_bytes())
    except OSError as error:
        raise explain(error, path) from error


def portable(settings: bytes) -> bytes:
    r"""Write the settings of a file anew, without those that name where something lies on this machine.

    >>> portable(b'keys = "/srv/keys"  # elsewhere\nthreads = 4\n')
    b'threads = 4\n'
    """
    said = tomllib.loads(settings.decode())
    # Every setting is a text, a number or a truth value, and those JSON and TOML write alike.
    lines = (
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in said.items() if name not in PLACES
    )
    return "".join(lines).encode()
