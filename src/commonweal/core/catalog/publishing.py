"""Publishing: a checked table becomes a release, wholly or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from commonweal.core import audit
from commonweal.core.canonical import canonical
from commonweal.core.catalog import lake
from commonweal.core.catalog.certificate import LEDGER, Certificate, read_public_key, verify
from commonweal.core.catalog.check import conform
from commonweal.core.catalog.declaration import Dataset, Privacy
from commonweal.core.catalog.digest import digest_of_conformed
from commonweal.core.catalog.models import ReleaseRecord
from commonweal.core.catalog.provenance import Input, Provenance, code_version
from commonweal.core.catalog.reading import verified_file
from commonweal.core.catalog.release import RECORD_FILE, TABLE_FILE, Release, parse
from commonweal.core.database import Database
from commonweal.core.errors import Conflict, Refused
from commonweal.core.settings import Settings

ROW_GROUP = 1 << 17
RACES = 100


@dataclass(frozen=True)
class Publication:
    """What came of publishing.

    Parameters
    ----------
    release
        The release that says what was to be published.
    new
        Whether it was made now; otherwise it was there and was found.
    """

    release: Release
    new: bool


def publish(
    settings: Settings,
    database: Database,
    dataset: Dataset,
    table: pa.Table,
    *,
    inputs: Sequence[Input],
    parameters: Mapping[str, Any],
    who: str,
    certificate: Certificate | None = None,
    code: str | None = None,
    area_set: str | None = None,
    started: datetime | None = None,
) -> Publication:
    """Publish a table as the next release of a dataset.

    The files are written and fsynced first; the row in the database, in one transaction with its entry in the audit
    log, is the commit point. A crash leaves the old state or the new one, and what it left half-done is swept by the
    next publisher. Publishing the same content, from the same inputs, with the same parameters and code as any
    release of the dataset, the latest or an earlier one, finds that release.

    Parameters
    ----------
    settings, database
        Where.
    dataset
        The declaration the table must keep to.
    table
        Columns `dataset.columns`, rows in any order.
    inputs
        What it was made from; data about people were made from something.
    parameters
        With what parameters (JSON values); the time zone and the day boundary are among them where there are days.
        Every parameter that the certificate names is among them, with the same value.
    who
        ``"os:NAME"``.
    certificate
        What `commonweal.disclosure` signed when it entered the release in its ledger; a dataset about people is refused
        without.
    code
        Version of the code that made it, from `code_version`; by default that of the whole package.
    area_set
        Name of the area set that the dataset's area codes belong to.
    started
        When the work began; by default now.

    Returns
    -------
    Publication
        The new release, or the one that says the same, and which of the two it is.

    Raises
    ------
    InputError
        If the table breaks its declaration (see `conform`).
    Refused
        If the dataset is about people and there is no input, the certificate does not cover this table, it names
        a parameter that is missing or has another value, or the audit log tells of no release of this table.
    Damaged
        If the release that says the same is there, but its file is gone or is not what its digest says.
    Unavailable
        If the disk is full or cannot be written to; nothing was published and nothing lost.
    """
    started = started or datetime.now(UTC)
    code = code or code_version("commonweal")
    inputs = tuple(sorted(set(inputs)))
    ordered = conform(dataset, table)
    digest = digest_of_conformed(dataset, ordered)
    fingerprint = _fingerprint(dataset, digest, inputs, parameters, code, area_set)
    with lake.locked(settings.lake):
        _admit(settings, database, dataset, digest, inputs, parameters, certificate)
        lake.sweep(settings.lake, lambda place: _is_recorded(database, place), lambda entry: has_begun(database, entry))
        for _ in range(RACES):
            if same := _same(database, dataset.name, fingerprint):
                verified_file(settings, same)
                return Publication(same, new=False)
            latest = _latest(database, dataset.name)
            release = _write_and_record(
                settings,
                database,
                ordered,
                fingerprint,
                {
                    "dataset": dataset.name,
                    "version": latest.version + 1 if latest else 1,
                    "digest": digest,
                    "rows": ordered.num_rows,
                    "schema": dataset,
                    "provenance": Provenance(inputs, dict(parameters), code, who, started, datetime.now(UTC)),
                    "certificate": certificate,
                    "area_set": area_set,
                    "periods": _periods(dataset, ordered),
                },
            )
            if release is not None:
                return Publication(release, new=True)
    raise Conflict("others published it again and again at the same moment", where=dataset.name, expected="try again")


def _write_and_record(
    settings: Settings, database: Database, table: pa.Table, fingerprint: str, fields: dict[str, Any]
) -> Release | None:
    """Write the files, then the row; None when another process took this version meanwhile."""
    written: list[Release] = []

    def write(folder: Path, at: str) -> None:
        file = folder / TABLE_FILE
        pq.write_table(table, file, compression="zstd", version="2.6", row_group_size=ROW_GROUP)
        with file.open("rb") as stream:
            file_digest = hashlib.file_digest(stream, "sha256").hexdigest()
        release = Release(
            **fields,
            path=at,
            file_digest=file_digest,
            file_size=file.stat().st_size,
            published_at=datetime.now(UTC),
        )
        (folder / RECORD_FILE).write_text(json.dumps(release.record(), indent=1) + "\n", encoding="utf-8")
        written.append(release)

    begun = _begin(database, fields)
    placed = lake.place(settings.lake, f"{fields['dataset']}/{fields['version']}-{fields['digest'][:12]}", begun, write)
    release = written[0]
    with database.transaction() as session:
        try:
            _record(session, release, fingerprint)
            committed = True
        except IntegrityError:
            session.rollback()
            committed = False
    if not committed:
        placed.discard()
        return None
    placed.keep()
    return release


def _begin(database: Database, fields: Mapping[str, Any]) -> str:
    """Note in the audit log, committed, that a release is on its way: by this, the database knows it as its own."""
    with database.transaction() as session:
        entry = audit.record(
            session,
            who=fields["provenance"].who,
            action="catalog.begin",
            what=f"{fields['dataset']} {fields['version']}",
            details={"digest": fields["digest"]},
        )
        return f"{entry.sequence} {entry.hash}"


def has_begun(database: Database, begun: str) -> bool:
    """Tell whether a release was begun with this database: its audit log holds the entry that the target names."""
    sequence, told = begun.split()
    with database.reading() as session:
        entry = session.get(audit.AuditEntry, int(sequence))
        return entry is not None and entry.hash == told


def _record(session: Session, release: Release, fingerprint: str) -> None:
    session.add(
        ReleaseRecord(
            dataset=release.dataset,
            version=release.version,
            path=release.path,
            fingerprint=fingerprint,
            published_at=release.published_at,
            record=release.record(),
        )
    )
    session.flush()
    audit.record(
        session,
        who=release.provenance.who,
        action="catalog.publish",
        what=release.label,
        details={"digest": release.digest, "rows": release.rows, "code": release.provenance.code},
    )


def _admit(
    settings: Settings,
    database: Database,
    dataset: Dataset,
    digest: str,
    inputs: Sequence[Input],
    parameters: Mapping[str, Any],
    certificate: Certificate | None,
) -> None:
    """Refuse data about people that `disclosure` has not protected."""
    if dataset.privacy is Privacy.OPEN:
        if certificate is not None:
            raise Refused(
                "open data came with a certificate", where=dataset.name, expected="privacy people in its declaration"
            )
        latest = _latest(database, dataset.name)
        if latest is not None and parse(latest.record).schema.privacy is Privacy.PEOPLE:
            raise Refused(
                "it was published as data about people before", where=dataset.name, expected="privacy people, as before"
            )
        return
    if certificate is None:
        raise Refused(
            "data about people without a certificate",
            where=dataset.name,
            expected="a release by commonweal.disclosure.release",
        )
    verify(certificate, read_public_key(settings.keys), dataset.name, digest, parameters)
    if not inputs:
        raise Refused("data about people from no input", where=dataset.name, expected="what the table was made from")
    require_entry(database, certificate, dataset.name, digest)


def require_entry(database: Database, certificate: Certificate, dataset: str, digest: str) -> None:
    """See that the audit log holds the entry that a certificate names, and that it tells of just this table.

    Raises
    ------
    Refused
        It does not.
    """
    with database.reading() as session:
        entry = session.get(audit.AuditEntry, certificate.ledger_entry.get("sequence"))
        if entry is None or entry.hash != certificate.ledger_entry.get("hash"):
            raise Refused(
                "the audit log does not hold the entry that the certificate names",
                where=dataset,
                expected="a certificate made with this database",
            )
        # Else whoever has a retired key could sign for another table in the name of an old entry.
        released = entry.details.get("tables")
        ledger = {name: entry.details.get(name) for name in ("sequence", "hash")}
        if (
            entry.action != LEDGER
            or ledger != certificate.ledger_entry.get("ledger")
            or not isinstance(released, list)
            or {"dataset": dataset, "digest": digest} not in released
        ):
            raise Refused(
                "the entry that the certificate names tells of no release of this table",
                where=dataset,
                expected="an entry of the ledger, as commonweal.disclosure.release makes it",
            )


def _fingerprint(
    dataset: Dataset, digest: str, inputs: Sequence[Input], parameters: Mapping[str, Any], code: str, areas: str | None
) -> str:
    """Digest of all that makes a release what it is, except who and when."""
    said = {
        "dataset": dataset.record(),
        "digest": digest,
        "inputs": [vars(item) for item in inputs],
        "parameters": dict(parameters),
        "code": code,
        "area_set": areas,
    }
    return hashlib.sha256(canonical(said, where=dataset.name).encode()).hexdigest()


def _periods(dataset: Dataset, table: pa.Table) -> tuple[datetime, datetime] | None:
    for dimension in dataset.dimensions:
        if dimension.type == "timestamp" and table.num_rows:
            bounds = pc.min_max(table.column(dimension.name)).as_py()
            return bounds["min"], bounds["max"]
        if dimension.type == "date" and table.num_rows:
            bounds = pc.min_max(table.column(dimension.name)).as_py()
            first, last = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in bounds.values())
            return first, last
    return None


def _same(database: Database, name: str, fingerprint: str) -> Release | None:
    """Find the release that says the same, whichever version it is; of several, the newest."""
    alike = (
        select(ReleaseRecord)
        .where(ReleaseRecord.dataset == name, ReleaseRecord.fingerprint == fingerprint)
        .order_by(ReleaseRecord.version.desc())
        .limit(1)
    )
    with database.reading() as session:
        record = session.scalar(alike)
    return parse(record.record) if record else None


def _latest(database: Database, name: str) -> ReleaseRecord | None:
    newest = select(ReleaseRecord).where(ReleaseRecord.dataset == name).order_by(ReleaseRecord.version.desc()).limit(1)
    with database.reading() as session:
        return session.scalar(newest)


def _is_recorded(database: Database, place: str) -> bool:
    with database.reading() as session:
        return session.scalar(select(ReleaseRecord.identifier).where(ReleaseRecord.path == place)) is not None
