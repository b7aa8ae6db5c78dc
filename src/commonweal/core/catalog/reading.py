"""Finding and opening releases.

Before a file is read it is verified: by its digest and, where it is about people, by the certificate of its rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select
from sqlalchemy.orm import Session

from commonweal.core.catalog.certificate import read_public_key
from commonweal.core.catalog.certificate import verify as verify_certificate
from commonweal.core.catalog.declaration import Dataset, Privacy
from commonweal.core.catalog.digest import canonical_digest
from commonweal.core.catalog.models import ReleaseRecord
from commonweal.core.catalog.release import RECORD_FILE, TABLE_FILE, Release, parse
from commonweal.core.database import Database
from commonweal.core.errors import Damaged, InputError, NotFound, Refused, explain
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording

if TYPE_CHECKING:
    import ibis


def datasets(database: Database) -> list[Release]:
    """Return the latest release of every dataset, by name."""
    with database.reading() as session:
        records = session.scalars(select(ReleaseRecord).order_by(ReleaseRecord.dataset, ReleaseRecord.version)).all()
    newest = {record.dataset: record for record in records}
    return [parse(record.record) for record in newest.values()]


def releases(database: Database, name: str | None = None) -> list[Release]:
    """Return all releases of a dataset, or of every dataset, by name and version."""
    query = select(ReleaseRecord).order_by(ReleaseRecord.dataset, ReleaseRecord.version)
    if name is not None:
        query = query.where(ReleaseRecord.dataset == name)
    with database.reading() as session:
        return [parse(record.record) for record in session.scalars(query)]


def latest(database: Database, name: str) -> Release:
    """Return the newest release of a dataset.

    Raises
    ------
    NotFound
        If nothing was published under that name.
    """
    return get(database, name)


def get(database: Database, name: str, version: int | None = None) -> Release:
    """Return one release of a dataset, the newest if no version is given.

    Raises
    ------
    NotFound
        If there is no such dataset or version.
    """
    query = select(ReleaseRecord).where(ReleaseRecord.dataset == name).order_by(ReleaseRecord.version.desc()).limit(1)
    if version is not None:
        query = query.where(ReleaseRecord.version == version)
    with database.reading() as session:
        record = session.scalar(query)
        if record is not None:
            return parse(record.record)
        names = session.scalars(select(ReleaseRecord.dataset).distinct().order_by(ReleaseRecord.dataset)).all()
        versions = session.scalars(
            select(ReleaseRecord.version).where(ReleaseRecord.dataset == name).order_by(ReleaseRecord.version)
        ).all()
    if versions:
        known = Wording("a version from %(first)s to %(last)s", first=versions[0], last=versions[-1])
        raise NotFound(Wording("there is no version %(version)s", version=version), where=name, expected=known)
    raise NotFound(
        Wording("no dataset %(name)s was published", name=name),
        expected=", ".join(names) or Wording("something to be published first"),
    )


def files(settings: Settings, session: Session) -> list[Callable[[], list[Path]]]:
    """Give the files of all releases, for a backup."""
    places = session.scalars(select(ReleaseRecord.path).order_by(ReleaseRecord.path))
    named = [settings.lake / place / file for place in places for file in (TABLE_FILE, RECORD_FILE)]
    return [lambda: named]


def open(settings: Settings, database: Database, name: str, version: int | None = None) -> ibis.Table:  # noqa: A001
    """Open a release as an Ibis table.

    Parameters
    ----------
    settings, database
        Where.
    name
        ``"domain.thing"``.
    version
        The newest if left out.

    Raises
    ------
    NotFound
        If there is no such release.
    Damaged
        If its file is gone, is not what its digest says, or is about people and not what was certified.
    """
    from commonweal.core.engine import Tables

    return Tables(settings).parquet([verified_file(settings, get(database, name, version))])


def read_table(settings: Settings, release: Release) -> pa.Table:
    """Return all rows of a release in key order, after verifying its file."""
    return _read(verified_file(settings, release))


def verified_file(settings: Settings, release: Release) -> Path:
    """Return the path of a release's Parquet file, after verifying it.

    Its SHA-256 is compared with the record. Whoever can write to the database can put another one there, so of a
    release about people the canonical digest is computed from the rows as well, and the certificate's signature is
    verified over it. A file whose size and time of change are those of the last time is not read again for this.

    Raises
    ------
    Damaged
        If it is gone, if a digest differs (both are named), or if the certificate does not cover it.
    Unavailable
        If it is about people and the key directory does not hold the public key of `disclosure`.
    """
    path = release.file(settings)
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise Damaged("the file of a release is gone", where=path, expected="a backup of the lake") from error
    except OSError as error:
        raise explain(error, path) from error
    digest = _file_digest(path, found.st_size, found.st_mtime_ns, found.st_ino)
    if digest != release.file_digest:
        raise Damaged(
            f"the file of {release.label} has SHA-256 {digest}", where=path, expected=f"SHA-256 {release.file_digest}"
        )
    if release.schema.privacy is Privacy.PEOPLE:
        _verify_certified(settings, release, path)
    return path


def verify_rows(release: Release, path: Path) -> None:
    """Compare the canonical digest of the rows of a release's file, as `verified_file` returned it, with the record.

    Raises
    ------
    Damaged
        If it differs, or the rows are not what the dataset declares.
    """
    try:
        digest = _rows_digest(path, release.file_digest, release.schema)
    except InputError as error:
        raise Damaged(f"the rows of {release.label} are not what it declares: {error}", where=path) from error
    if digest != release.digest:
        raise Damaged(
            f"the rows of {release.label} have digest {digest}", where=path, expected=f"digest {release.digest}"
        )


def _verify_certified(settings: Settings, release: Release, path: Path) -> None:
    verify_rows(release, path)
    if release.certificate is None:
        raise Damaged(f"{release.label} is about people and has no certificate", where=path)
    said = release.provenance.parameters
    try:
        verify_certificate(release.certificate, read_public_key(settings.keys), release.dataset, release.digest, said)
    except Refused as error:
        raise Damaged(
            f"{release.label} is not what was certified: {error.what}",
            where=path,
            expected="a backup of lake and records",
        ) from error


def _read(path: Path) -> pa.Table:
    try:
        # Not read_table, which imports pandas on its way: three seconds for nothing.
        with pq.ParquetFile(path) as file:
            return file.read()
    except (OSError, pa.ArrowException) as error:
        raise explain(error, path) from error


@lru_cache(maxsize=1024)
def _file_digest(path: Path, size: int, changed: int, inode: int) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise explain(error, path) from error


@lru_cache(maxsize=1024)
def _rows_digest(path: Path, file_digest: str, schema: Dataset) -> str:
    """Return the canonical digest of a file's rows; the same bytes, which `file_digest` names, hold the same rows."""
    return canonical_digest(schema, _read(path))
