"""What the keeper of events owes people: keys rotated and destroyed, nothing kept too long, objections heeded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from commonweal.core import audit
from commonweal.core.canonical import JSON
from commonweal.core.database import Database
from commonweal.core.errors import NotFound, Refused
from commonweal.core.jobs import Running
from commonweal.core.settings import Settings
from commonweal.disclosure.certificate import certify_destruction, require_certification
from commonweal.disclosure.destruction import Destruction, digest_of, parse
from commonweal.mobility import erasing, keys
from commonweal.mobility.cells import read_register
from commonweal.mobility.epochs import Epoch, EpochBook, epochs_of
from commonweal.mobility.manifest import read_manifest
from commonweal.mobility.models import EpochRecord, ImportRecord
from commonweal.mobility.parsing import engine
from commonweal.mobility.projects import Project, get_project
from commonweal.mobility.pseudonyms import are_numbers, pseudonyms
from commonweal.mobility.store import held, project_folder


def rotate_key(settings: Settings, database: Database, project: Project, day: date, who: str) -> Epoch:
    """Begin a new epoch on a day: from then on people have other pseudonyms."""
    folder = project_folder(settings.store, project.name)
    with held(folder):
        erasing.discard_staged(folder)  # staged under the key that is rotated away
        book = EpochBook(settings, database, project)
        epoch = book.begin(int(project.calendar.edges(day, day + timedelta(days=1), "day")[0]))
        with database.transaction() as session:
            audit.record(
                session,
                who=who,
                action="mobility.keys.rotate",
                what=f"project {project.name}",
                details={"epoch": epoch.name},
            )
    return epoch


def destroy_key(
    settings: Settings, database: Database, project: Project, epoch: str, who: str, why: str | None
) -> None:
    """Destroy an epoch's key: its store can never be read again, and no pseudonym made again.

    Raises
    ------
    Refused
        There is no such epoch, or its key is destroyed already.
    """
    with held(project_folder(settings.store, project.name)):
        known = {known.name: known for known in epochs_of(database, project.name)}
        if epoch not in known or known[epoch].destroyed:
            names = ", ".join(name for name, known in known.items() if not known.destroyed) or "none"
            raise Refused(
                f"there is no epoch {epoch!r} with a key", where=f"project {project.name}", expected=f"one of: {names}"
            )
        _destroy(settings, database, project, epoch, who, why)


def _destroy(settings: Settings, database: Database, project: Project, epoch: str, who: str, why: str | None) -> None:
    """Destroy an epoch's key, record it, and have that signed; done again, it completes what was begun."""
    require_certification(settings)  # first: a destroyed key cannot be had back to try again
    folder = project_folder(settings.store, project.name)
    erasing.discard_staged(folder)
    keys.destroy(settings.keys, project.name, epoch)
    with database.transaction() as session:
        record = session.get_one(EpochRecord, (project.name, epoch))
        record.destroyed_at = datetime.now(UTC)
        statement = _statement(folder, record, who, why)
        entry = audit.record(
            session,
            who=who,
            action="mobility.keys.destroy",
            what=f"project {project.name}",
            why=why,
            details={"epoch": epoch, "fingerprint": record.fingerprint, "statement": digest_of(statement)},
        )
        signed_for = {"sequence": entry.sequence, "hash": entry.hash}
        record.destruction = certify_destruction(settings, statement, signed_for).record()


def _statement(folder: Path, epoch: EpochRecord, who: str, why: str | None) -> dict[str, Any]:
    """Say what was destroyed and what became unreadable by it: each segment by its file, what it held, its digest."""
    assert epoch.destroyed_at is not None
    try:
        segments = read_manifest(folder / epoch.name).segments
    except NotFound:  # a key was made and nothing stored
        segments = ()
    return {
        "project": epoch.project,
        "epoch": epoch.name,
        "from": epoch.starts_at.isoformat(),
        "to": epoch.ends_at.isoformat(),
        "key": epoch.fingerprint,
        "destroyed_at": epoch.destroyed_at.isoformat(),
        "destroyed_by": who,
        "why": why,
        "unreadable": [
            {"file": segment.file, "rows": segment.rows, "digest": segment.digest} for segment in sorted(segments)
        ],
    }


def certificate_of(database: Database, project: Project, epoch: str) -> Destruction:
    """Give the certificate that an epoch's key was destroyed.

    Raises
    ------
    NotFound
        There is no such epoch, its key is there, or it was destroyed before certificates were made.
    """
    with database.reading() as session:
        record = session.get(EpochRecord, (project.name, epoch))
    if record is None or record.destruction is None:
        raise NotFound(
            f"there is no certificate for epoch {epoch!r}",
            where=f"project {project.name}",
            expected="an epoch whose key was destroyed; see: commonweal keys list",
        )
    return parse(record.destruction)


def retain_job(job: Running) -> dict[str, Any]:
    """Erase events and rejects older than the project's retention. Parameter of the job: ``project``."""
    project = get_project(job.database, job.parameters["project"])
    if project.retention_days is None:
        raise Refused(
            "this project keeps its events", where=f"project {project.name}", expected="a project with --retention-days"
        )
    with held(project_folder(job.settings.store, project.name)):
        return enforce_retention(job, project, project.retention_days)


def enforce_retention(job: Running, project: Project, retention_days: int) -> dict[str, Any]:
    """Erase what is too old; the store is held."""
    day = datetime.now(UTC).date() - timedelta(days=retention_days)
    before = int(project.calendar.edges(day, day + timedelta(days=1), "day")[0])
    erasing.discard_staged(project_folder(job.settings.store, project.name))
    book = EpochBook(job.settings, job.database, project)
    erased: Counter[str] = Counter()
    kept = [epoch for epoch in book.epochs if not epoch.destroyed]
    for epoch in kept:
        if epoch.ends > before or book.has_key(epoch):
            erased.update(erasing.erase_before(book.store(epoch), before))
    for epoch in kept:  # last: where no certificate can be signed, at least everything is erased
        if epoch.ends <= before:
            _destroy(job.settings, job.database, project, epoch.name, job.who, f"kept {retention_days} days")
    result: dict[str, JSON] = {"before": day.isoformat(), "events": erased["events"], "rejects": erased["rejects"]}
    with job.database.transaction() as session:
        audit.record(
            session,
            who=job.who,
            action="mobility.retain",
            what=f"project {project.name}",
            details=result,
        )
    return result


@dataclass(frozen=True)
class Forgotten:
    """What forgetting came to: no word of whom.

    Parameters
    ----------
    numbers
        How many were asked for.
    no_numbers
        Of these, the lines of those that are neither a telephone number nor an IMSI, counted from 1.
    found
        How many of them had events, or were somebody's counterpart.
    events
        How many events were erased or lost their counterpart.
    """

    numbers: int
    no_numbers: tuple[int, ...]
    found: int
    events: int


def forget(settings: Settings, database: Database, project: Project, numbers: Iterable[str], who: str) -> Forgotten:
    """Erase subscribers from every epoch that can be read and keep their objection; what has been published stands.

    Parameters
    ----------
    numbers
        Lines with an identifier each, as the operator writes them. They are pseudonymised at once and kept nowhere.
    """
    lines = {place: text for place, line in enumerate(numbers, 1) if (text := line.strip())}
    asked = list(lines.values())
    folder = project_folder(settings.store, project.name)
    with held(folder):
        erasing.discard_staged(folder)
        book = EpochBook(settings, database, project)
        book.at(int(datetime.now(UTC).timestamp()))  # an objection counts also before anything has come in
        rank = read_register(folder).rank_of_codes()
        found = np.zeros(len(asked), bool)
        events = 0
        # A leading 0 may have meant several countries, file by file.
        codes = _country_codes(database, project)
        for epoch in [epoch for epoch in book.epochs if not epoch.destroyed]:
            subscribers = np.stack([pseudonyms_in(book, epoch, asked, code) for code in codes])
            erased = erasing.erase_subscribers(book.store(epoch), subscribers.ravel(), rank)
            found |= np.isin(subscribers, erased.met).any(axis=0)
            events += erased.events
        good = are_numbers(engine(), pa.array(asked, pa.string()))
        no_numbers = tuple(place for place, one in zip(lines, good.tolist(), strict=True) if not one)
        forgotten = Forgotten(len(asked), no_numbers, int(found.sum()), events)
        with database.transaction() as session:
            audit.record(
                session,
                who=who,
                action="mobility.forget",
                what=f"project {project.name}",
                details=asdict(forgotten) | {"no_numbers": len(no_numbers)},
            )
    return forgotten


def pseudonyms_in(book: EpochBook, epoch: Epoch, identifiers: Sequence[str], country_code: str) -> np.ndarray:
    """Give identifiers' pseudonyms in an epoch."""
    return pseudonyms(engine(), pa.array(identifiers, pa.string()), book.key(epoch).pseudonym, country_code)


def _country_codes(database: Database, project: Project) -> set[str]:
    """Give the country codes that identifiers of a project's events were completed with."""
    from sqlalchemy import select

    with database.reading() as session:
        said = select(ImportRecord.country_code).where(ImportRecord.project == project.name).distinct()
        return {project.country_code, *session.scalars(said)}
