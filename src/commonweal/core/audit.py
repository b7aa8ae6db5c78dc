"""The audit log: who did what to what and why, append-only and chained by hashes.

    hash(n) = SHA-256( canonical JSON of { sequence, at, who, action, what, why, details, previous = hash(n-1) } )

with ``hash(0)`` = 64 zeros. Every entry so fixes all entries before it, and the head in the key directory
(`audit_head`) fixes the end. Entries hold no personal data: they outlive what they tell about.
"""

from __future__ import annotations

import json
import logging
import os
import pwd
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, Text, TypeDecorator, event, func, select, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, Session, mapped_column

from commonweal.core import audit_head, audit_triggers
from commonweal.core.audit_head import EMPTY, Head
from commonweal.core.canonical import JSON, canonical
from commonweal.core.database import Base, Database, take_turns
from commonweal.core.errors import CommonwealError, InputError
from commonweal.core.findings import FINDINGS_KEPT, Finding, Report
from commonweal.core.settings import Settings

PAGE = 500


class _TimeText(TypeDecorator[datetime]):
    """A time as the text the hash covers, the same bytes on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else _time_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


class _JsonText(TypeDecorator[dict[str, JSON]]):
    """JSON as the text the hash covers, the same bytes on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, JSON] | None, dialect: Dialect) -> str | None:
        return None if value is None else canonical(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, JSON] | None:
        return None if value is None else json.loads(value)


class AuditEntry(Base):
    """One entry of the log; triggers refuse to change or delete it."""

    __tablename__ = "audit_entry"

    sequence: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    )
    at: Mapped[datetime] = mapped_column(_TimeText)
    who: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    what: Mapped[str] = mapped_column(Text)
    why: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, JSON]] = mapped_column(_JsonText)
    previous: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(Text)

    def fields(self) -> dict[str, JSON]:
        """Give what the hash covers: every field but the hash itself, as plain JSON.

        ``sha256(canonical(entry.fields()))`` is the entry's hash.
        """
        return {
            "sequence": self.sequence,
            "at": _time_text(self.at),
            "who": self.who,
            "action": self.action,
            "what": self.what,
            "why": self.why,
            "details": self.details,
            "previous": self.previous,
        }


def who() -> str:
    """Name the person at work: the login name of the process's effective user, as ``os:NAME``.

    A user without a login name, as in some containers, is ``os:uid-NUMBER``.
    """
    user = os.geteuid()
    try:
        return f"os:{pwd.getpwuid(user).pw_name}"
    except KeyError:
        return f"os:uid-{user}"


def record(
    session: Session,
    *,
    who: str,
    action: str,
    what: str,
    why: str | None = None,
    details: Mapping[str, JSON] | None = None,
) -> AuditEntry:
    """Append an entry inside the caller's transaction: both are committed, or neither.

    Other writers of the log wait until this transaction ends, so record last, just before it does. When it has
    been committed, the head in the key directory follows by itself.

    Parameters
    ----------
    session
        From `Database.transaction`.
    who
        Who acted, ``os:NAME`` from `who`.
    action
        What was done, ``ROOM.VERB`` such as ``catalog.publish``.
    what
        What it was done to, by name: a dataset and version, a job's number, an area set.
    why
        The reason a person gave.
    details
        Plain JSON: counts, digests, parameters. **Never personal data** — no identifier, pseudonym, position or
        free text about a person: an entry can never be erased.

    Returns
    -------
    AuditEntry
        The entry with its sequence and hash.

    Raises
    ------
    InputError
        A name is empty or more than one line, or the details are not plain JSON.
    """
    for field, value in (("who", who), ("action", action), ("what", what)):
        if not value.strip() or len(value.splitlines()) != 1:
            raise InputError("empty, or more than one line", where=f"audit entry, {field}", expected="a short name")
    take_turns(session, b"audi")
    last = end(session)
    entry = AuditEntry(
        sequence=last.sequence + 1,
        at=datetime.now(UTC),
        who=who,
        action=action,
        what=what,
        why=why,
        details=json.loads(canonical(dict(details or {}), where="audit entry, details")),
        previous=last.hash,
    )
    entry.hash = _digest(entry.fields())
    session.add(entry)
    session.flush()
    session.info["audited"] = True
    return entry


def end(session: Session) -> Head:
    """Give where the log ends."""
    row = session.execute(
        select(AuditEntry.sequence, AuditEntry.hash).order_by(AuditEntry.sequence.desc()).limit(1)
    ).first()
    return Head(*row) if row else EMPTY


def newest(database: Database, last: int) -> list[AuditEntry]:
    """Give the newest entries, the newest first."""
    with database.reading() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.sequence.desc()).limit(last)))


def verify(settings: Settings, database: Database) -> Report:
    """Read the whole log and find what was altered, removed, reordered, inserted, cut off or restored.

    Memory stays bounded however long the log. A log longer than the head is accepted, since the machine may stop
    between commit and head; the head is then brought up to date. Entries beyond the head can be proven only
    against each other.

    Returns
    -------
    Report
        Findings with their sequence; `Report.refuse_damage` turns them into an error.
    """
    findings: list[Finding] = []
    found = 0

    def note(sequence: int | None, what: str) -> None:
        nonlocal found
        found += 1
        if len(findings) < FINDINGS_KEPT:
            findings.append(Finding(sequence, what))

    head = None
    try:
        # Read before the log: what is appended meanwhile only makes the log longer.
        head = audit_head.read(settings.keys)
    except CommonwealError as error:
        note(None, str(error))
    last, entries = EMPTY, 0
    with database.reading() as session:
        try:
            before = session.scalar(select(func.min(AuditEntry.sequence)))
            if before is not None and before < 1:
                note(before, f"entry {before} was inserted: the log begins with entry 1")
            for link in _links(session, EMPTY):
                entries += 1
                for sequence, what in link.findings:
                    note(sequence, what)
                last = link.head
                if head and last.sequence == head.sequence and last.hash != head.hash:
                    note(
                        last.sequence,
                        f"entry {last.sequence} is not the one the key directory knows: "
                        "the log up to it was rewritten or replaced",
                    )
        except (DBAPIError, UnicodeDecodeError):
            session.rollback()
            note(last.sequence + 1, f"entry {last.sequence + 1} cannot be read")
    if head and last.sequence < head.sequence:
        missing = _entries(last.sequence + 1, head.sequence)
        note(last.sequence + 1, f"{missing} missing: the end of the log was cut off, or an older log restored")
    if head and not found and last.sequence > head.sequence:
        head = audit_head.advance(settings.keys, lambda _: last)
    return Report("audit log", "docs/audit.md", entries, head, tuple(findings), found)


def keep_head(keys: Path, database: Database) -> Head:
    """Bring the head in the key directory up to the end of the log; `Database` does so after each commit.

    It goes no further than the chain holds from the head on, so that it never vouches for a damaged log.

    Raises
    ------
    Damaged
        The head is missing or unreadable.
    Unavailable
        The key directory cannot be written to.
    """

    def whole(head: Head) -> Iterator[Head | None]:
        with database.reading() as session:
            for link in _links(session, head):
                yield None if link.findings else link.head

    return audit_head.follow(keys, whole)


def restore(session: Session) -> list[str]:
    """Put the triggers that keep the log append-only back into force; give those that were not, as the log does."""
    restored = audit_triggers.restore(session.connection())
    if restored:
        triggers: list[JSON] = [*restored]
        record(session, who=who(), action="audit.protect", what="audit log", details={"triggers": triggers})
    return restored


def prepare(settings: Settings, database: Database) -> None:
    """Write the head of an empty log into the key directory, once, when a data directory is made."""
    audit_head.start(settings.keys)


_log = logging.getLogger(__name__)


@event.listens_for(Session, "after_commit")
def _follow_commit(session: Session) -> None:
    database = session.info.get("database")
    if not session.info.pop("audited", False) or not isinstance(database, Database) or database.keys is None:
        return
    try:
        keep_head(database.keys, database)
    except CommonwealError as error:
        # The entry is committed: failing now would tell the caller the opposite. `verify` speaks up, or catches up.
        _log.error("the head of the audit log was not written: %s", error)


@dataclass(frozen=True)
class _Link:
    head: Head
    findings: list[tuple[int, str]]


def _links(session: Session, last: Head) -> Iterator[_Link]:
    """Walk the log after an entry, page by page, comparing each entry with its hash and the one before."""
    columns = [type_coerce(column, Text).label(column.name) for column in AuditEntry.__table__.columns[1:]]
    page = select(AuditEntry.sequence, *columns).order_by(AuditEntry.sequence).limit(PAGE)
    while rows := session.execute(page.where(AuditEntry.sequence > last.sequence)).all():
        for stored in rows:
            row = stored._asdict()
            sequence, findings = row["sequence"], []
            if sequence != last.sequence + 1:
                findings.append((last.sequence + 1, f"{_entries(last.sequence + 1, sequence - 1)} missing"))
            elif row["previous"] != last.hash:
                findings.append(
                    (sequence, f"entry {sequence} does not follow the one before it: one of the two was altered")
                )
            if _digest_of_stored(row) != row["hash"]:
                findings.append((sequence, f"entry {sequence} was altered"))
            last = Head(sequence, row["hash"])
            yield _Link(last, findings)


def _digest_of_stored(row: Mapping[str, Any]) -> str | None:
    fields = {name: value for name, value in row.items() if name != "hash"}
    try:
        fields["details"] = json.loads(row["details"])
        if canonical(fields["details"]) != row["details"]:
            return None  # the same value in another spelling was not written by `record`
        return _digest(fields)
    except (ValueError, TypeError, RecursionError, CommonwealError):
        return None


def _digest(fields: Mapping[str, Any]) -> str:
    return sha256(canonical(dict(fields), where="audit entry").encode()).hexdigest()


def _time_text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def _entries(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"
