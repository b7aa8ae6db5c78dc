"""Looks: who saw which release about people, when, in which form and what for.

A look is written before the answer leaves. Looks of many readers at the same moment are written together: whoever comes
first writes for all who wait, so a busy site syncs its disk once for many. Nothing is kept of where a reader is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from sqlalchemy import ColumnElement, Select, delete, select

from commonweal.core.database import Database
from commonweal.core.identity.models import AgreementRecord, LookRecord, PersonRecord, TokenRecord
from commonweal.core.identity.visitor import Visitor

SWEPT_EVERY = timedelta(days=1)


@dataclass(frozen=True)
class Seen:
    """What an answer shows.

    Parameters
    ----------
    dataset, version
        The release.
    form
        What the answer is: ``page``, ``json``, ``brief``, ``figure``, ``csv`` and so on.
    agreement
        Number of the agreement under which it is read.
    """

    dataset: str
    version: int
    form: str
    agreement: int | None = None


@dataclass(frozen=True)
class Look:
    """A look as it was recorded.

    Parameters
    ----------
    number
        Its number.
    at
        When, UTC.
    name, full_name
        Who: what they sign in with and what others see; None for anyone, where reading is open.
    token
        The name of the token that their program showed.
    dataset, version, form
        As `Seen`.
    agreement, purpose
        Number of the agreement under which it was read, and what for; None where a role opened it.
    """

    number: int
    at: datetime
    name: str | None
    full_name: str | None
    token: str | None
    dataset: str
    version: int
    form: str
    agreement: int | None
    purpose: str | None


@dataclass(frozen=True)
class Wanted:
    """Which looks.

    Parameters
    ----------
    person
        Number of who looked; None: anybody, and anyone.
    name
        What who looked signs in with; empty: anybody.
    dataset
        At which dataset; empty: at any.
    up_to
        The newest look that counts; None: the newest there is.
    """

    person: int | None = None
    name: str = ""
    dataset: str = ""
    up_to: int | None = None


class _Batch:
    """Looks that wait to be written, or were; whatever went wrong went wrong for all of them."""

    def __init__(self) -> None:
        self.records: list[LookRecord] = []
        self.written = False
        self.error: Exception | None = None


class Looks:
    """Where a process writes looks.

    Parameters
    ----------
    database
        The records.
    days
        How long looks are kept.
    """

    def __init__(self, database: Database, days: int) -> None:
        self._database, self._days = database, days
        self._adding, self._writing = Lock(), Lock()
        self._waiting = _Batch()
        self._swept = datetime.min.replace(tzinfo=UTC)

    def write(self, visitor: Visitor, seen: Sequence[Seen]) -> None:
        """Write what somebody sees; when this returns, it is on disk.

        Raises
        ------
        Unavailable
            It cannot be written: then nothing may be shown.
        """
        now = datetime.now(UTC)
        records = [
            LookRecord(
                at=now,
                person_id=visitor.person,
                token_id=visitor.token,
                dataset=each.dataset,
                version=each.version,
                form=each.form,
                agreement_id=each.agreement,
            )
            for each in seen
        ]
        with self._adding:
            batch = self._waiting
            batch.records += records
        with self._writing:
            if not batch.written:
                with self._adding:
                    self._waiting = _Batch()
                self._write(batch, now)
        if batch.error is not None:
            raise batch.error

    def _write(self, batch: _Batch, now: datetime) -> None:
        try:
            is_due = now - self._swept >= SWEPT_EVERY
            with self._database.transaction() as session:
                session.add_all(batch.records)
                if is_due:
                    session.execute(delete(LookRecord).where(LookRecord.at < now - timedelta(days=self._days)))
            if is_due:
                self._swept = now
        except Exception as error:
            batch.error = error
        finally:
            batch.written = True


def looks(database: Database, wanted: Wanted, count: int, skipped: int = 0) -> list[Look]:
    """Give looks, the newest first.

    Parameters
    ----------
    count
        At most so many.
    skipped
        After so many that are newer.
    """
    with database.reading() as session:
        rows = session.execute(_chosen(wanted).limit(count).offset(skipped)).all()
    return [
        Look(
            look.id,
            look.at,
            person.name if person else None,
            person.full_name if person else None,
            token,
            look.dataset,
            look.version,
            look.form,
            look.agreement_id,
            purpose,
        )
        for look, person, token, purpose in rows
    ]


def newest(database: Database) -> int:
    """Give the number of the newest look; 0 if there is none."""
    with database.reading() as session:
        return session.scalar(select(LookRecord.id).order_by(LookRecord.id.desc()).limit(1)) or 0


def _chosen(wanted: Wanted) -> Select[LookRecord, PersonRecord, str, str]:
    return (
        select(LookRecord, PersonRecord, TokenRecord.name, AgreementRecord.purpose)
        .outerjoin(PersonRecord, PersonRecord.id == LookRecord.person_id)
        .outerjoin(TokenRecord, TokenRecord.id == LookRecord.token_id)
        .outerjoin(AgreementRecord, AgreementRecord.id == LookRecord.agreement_id)
        .where(*_conditions(wanted))
        .order_by(LookRecord.id.desc())
    )


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.person is not None:
        yield LookRecord.person_id == wanted.person
    if wanted.name:
        yield PersonRecord.name == wanted.name.strip().casefold()
    if wanted.dataset:
        yield LookRecord.dataset == wanted.dataset
    if wanted.up_to is not None:
        yield LookRecord.id <= wanted.up_to
