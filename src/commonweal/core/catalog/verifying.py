"""Verifying the whole catalog: every file, digest, record and certificate against the database."""

from __future__ import annotations

import json
from dataclasses import dataclass

from commonweal.core.catalog import lake
from commonweal.core.catalog.publishing import has_begun, require_entry
from commonweal.core.catalog.reading import releases, verified_file, verify_rows
from commonweal.core.catalog.release import RECORD_FILE, Release
from commonweal.core.database import Database
from commonweal.core.errors import CommonwealError, Damaged, Unavailable, explain
from commonweal.core.settings import Settings


@dataclass(frozen=True)
class Report:
    """What was verified, and what is wrong.

    Parameters
    ----------
    verified
        Number of releases that are what their records say.
    findings
        One line for each release that is not.
    swept
        Folders that publishers which died had left, now removed.
    unrecorded
        Folders of releases that the database does not know; nothing was done to them.
    """

    verified: int
    findings: tuple[str, ...]
    swept: tuple[str, ...]
    unrecorded: tuple[str, ...]


def verify(settings: Settings, database: Database) -> Report:
    """Compare every release with its record, and sweep what interrupted publishers left.

    Raises
    ------
    Conflict
        If a publisher holds the lake for too long.
    """
    known = releases(database)
    swept: list[str] = []
    try:
        with lake.locked(settings.lake):
            known = releases(database)
            places = {release.path for release in known}
            swept = lake.sweep(settings.lake, lambda place: place in places, lambda entry: has_begun(database, entry))
    except Unavailable:
        pass  # a lake that cannot be written to can still be verified
    findings = []
    for release in known:
        try:
            _verify_release(settings, database, release)
        except CommonwealError as error:
            findings.append(str(error))
    left = lake.unrecorded(settings.lake, {release.path for release in known})
    return Report(len(known) - len(findings), tuple(findings), tuple(swept), tuple(left))


def _verify_release(settings: Settings, database: Database, release: Release) -> None:
    verify_rows(release, verified_file(settings, release))
    if release.certificate is not None:
        require_entry(database, release.certificate, release.dataset, release.digest)
    path = settings.lake / release.path / RECORD_FILE
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Damaged("the record beside the table cannot be read", where=path) from error
    except OSError as error:
        raise explain(error, path) from error
    if kept != release.record():
        raise Damaged("the record beside the table differs from the database", where=path)
