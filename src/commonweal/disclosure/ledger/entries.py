"""The entries of the ledger: appended under a lock, chained, signed, and read only while all of it is whole.

    hash(n) = SHA-256( canonical JSON of { sequence, at, who, kind, said, previous = hash(n-1) } )

with ``hash(0)`` = 64 zeros; the signature is Ed25519 by the key of disclosure over a heading and the same text. The
transaction that appends an entry also appends one to the audit log, which names its number and hash. The head in the
key directory follows each commit. So neither can be put back without the other, and neither behind the head.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from commonweal.core import audit
from commonweal.core.append_only import AppendOnly
from commonweal.core.audit import AuditEntry
from commonweal.core.canonical import JSON, canonical
from commonweal.core.catalog.certificate import LEDGER
from commonweal.core.database import Database, take_turns
from commonweal.core.errors import CommonwealError, Damaged
from commonweal.core.heads import EMPTY, Head, HeadFile
from commonweal.core.settings import Settings
from commonweal.disclosure.certificate import is_signed, sign
from commonweal.disclosure.models import LedgerRecord

HEADING = "commonweal disclosure ledger 1"
ACTION = LEDGER
VERIFY = "commonweal disclosure ledger verify"
HEAD = HeadFile("disclosure-ledger", "the ledger", VERIFY)
KEY_FILES = (HEAD.file, HEAD.lock)
TRIGGERS = AppendOnly("disclosure_ledger", "the ledger", VERIFY)
check = TRIGGERS.check

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One entry, as its hash and its signature cover it.

    Parameters
    ----------
    sequence
        1, 2, 3 … without gaps.
    at
        When, UTC.
    who
        Who acted: for a release, whoever approved it, or proposed it under a standing approval.
    kind
        ``release``, ``budget``, ``standing`` or ``withdrawal``.
    said
        What it says, plain JSON.
    previous, hash
        Of the entry before, and its own.
    signature
        By the key of disclosure, hex.
    """

    sequence: int
    at: datetime
    who: str
    kind: str
    said: Mapping[str, Any]
    previous: str
    hash: str
    signature: str

    @property
    def head(self) -> Head:
        """Where the ledger ends with this entry."""
        return Head(self.sequence, self.hash)

    def fields(self) -> dict[str, Any]:
        """Give what hash and signature cover."""
        return {
            "sequence": self.sequence,
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "who": self.who,
            "kind": self.kind,
            "said": dict(self.said),
            "previous": self.previous,
        }


@dataclass(frozen=True)
class Link:
    """An entry as it was found, and what is wrong with it."""

    sequence: int
    entry: Entry | None
    findings: tuple[str, ...]


def append(
    session: Session,
    settings: Settings,
    *,
    who: str,
    kind: str,
    said: Mapping[str, JSON],
    what: str,
    why: str | None = None,
) -> tuple[Entry, AuditEntry]:
    """Append an entry, and the audit entry that names it, inside the caller's transaction.

    The caller has called `locked` before it decided.

    Raises
    ------
    Damaged
        The ledger is not whole, or is older than the key directory knows.
    Unavailable, Conflict
        The signing key cannot be used.
    """
    last = _end(session)
    fields = {
        "sequence": last.sequence + 1,
        "at": datetime.now(UTC).isoformat(timespec="microseconds"),
        "who": who,
        "kind": kind,
        "said": json.loads(canonical(dict(said), where="ledger entry")),
        "previous": last.hash,
    }
    entry = Entry(
        **(fields | {"at": datetime.fromisoformat(fields["at"])}),
        hash=_digest(fields),
        signature=sign(settings, HEADING, fields),
    )
    session.add(
        LedgerRecord(**(fields | {"said": canonical(fields["said"])}), hash=entry.hash, signature=entry.signature)
    )
    session.flush()
    session.info["ledger"] = True
    noted = audit.record(
        session,
        who=who,
        action=ACTION,
        what=what,
        why=why,
        # With its tables, so that the catalog can tell a certificate for one of them from another's without the ledger.
        details={"sequence": entry.sequence, "hash": entry.hash, "kind": kind, **_tables_in(entry.said)},
    )
    return entry, noted


def _tables_in(said: Mapping[str, Any]) -> dict[str, JSON]:
    tables: list[JSON] = [{"dataset": each["dataset"], "digest": each["digest"]} for each in said.get("tables", ())]
    return {"tables": tables} if tables else {}


def locked(session: Session, settings: Settings) -> list[Entry]:
    """Wait for other writers of the ledger, until this transaction ends; give the ledger as it then is. See `read`."""
    take_turns(session, b"ledg")
    return read(session, settings)


def read(session: Session, settings: Settings) -> list[Entry]:
    """Give all entries, if the ledger is whole and no older than the key directory knows.

    Up to the head the chain of hashes proves them; beyond it, the signatures.

    Raises
    ------
    Damaged
        An entry was altered, removed or moved; or the ledger, or the audit log that tells of it, is an older one.
    """
    head = HEAD.read(settings.keys)  # before the ledger, which only grows
    entries = []
    for link in links(session, settings.keys, signed_after=head.sequence):
        if link.findings or link.entry is None:
            raise _damaged(link.findings[0])
        entries.append(link.entry)
    known = EMPTY if head.sequence == 0 else next((e.head for e in entries if e.sequence == head.sequence), None)
    if known != head:
        raise _damaged(
            f"the ledger ends before entry {head.sequence}, which the key directory knows: it was cut off, or an older "
            "one was put back"
            if known is None
            else f"entry {head.sequence} is not the one that the key directory knows"
        )
    noted = select(AuditEntry.details).where(AuditEntry.action == ACTION).order_by(AuditEntry.sequence.desc()).limit(1)
    told = session.scalar(noted)
    last = entries[-1].head if entries else EMPTY
    if (told["sequence"], told["hash"]) != (last.sequence, last.hash) if told else entries:
        raise _damaged("the ledger does not end with the entry that the audit log names last")
    return entries


def links(session: Session, keys: Path, after: Head = EMPTY, signed_after: int = 0) -> Iterator[Link]:
    """Walk the ledger after an entry, comparing each with its hash, the one before and, from a number on, the key."""
    last = after
    for record in session.scalars(
        select(LedgerRecord).where(LedgerRecord.sequence > after.sequence).order_by(LedgerRecord.sequence)
    ):
        findings = []
        number = record.sequence
        if number != last.sequence + 1:
            findings.append(f"{named(last.sequence + 1, number - 1)} missing")
        elif record.previous != last.hash:
            findings.append(f"entry {number} does not follow the one before it: one of the two was altered")
        entry = _parsed(record)
        if entry is None or _digest(entry.fields()) != record.hash:
            entry = None
            findings.append(f"entry {number} was altered")
        # What is newer than the head was signed just now; a retired key may have signed what is older.
        elif number > signed_after and not is_signed(
            keys, HEADING, entry.fields(), entry.signature, retired=not signed_after
        ):
            findings.append(f"entry {number} is not signed by the key of disclosure")
        last = Head(number, record.hash)
        yield Link(number, entry, tuple(findings))


def named(first: int, last: int) -> str:
    """Name the entries from one to another.

    >>> named(3, 3), named(3, 5)
    ('entry 3 is', 'entries 3 to 5 are')
    """
    return f"entry {first} is" if first >= last else f"entries {first} to {last} are"


def keep_head(keys: Path, database: Database) -> Head:
    """Bring the head in the key directory up to the end of the ledger, as far as the ledger is whole.

    Raises
    ------
    Damaged
        The head is missing or unreadable.
    Unavailable
        The key directory cannot be written to.
    """

    def whole(head: Head) -> Iterator[Head | None]:
        with database.reading() as session:
            for link in links(session, keys, head, head.sequence):
                yield None if link.findings or link.entry is None else link.entry.head

    return HEAD.follow(keys, whole)


def prepare(settings: Settings, database: Database) -> None:
    """Write the head of an empty ledger into the key directory, once, when a data directory is made."""
    HEAD.start(settings.keys)


def restore(session: Session) -> list[str]:
    """Put the triggers that keep the ledger append-only back into force; give those that were not, as the log does.

    An installation from before there was a ledger gets the head of an empty one.
    """
    restored = TRIGGERS.restore(session.connection())
    if restored:
        names: list[JSON] = [*restored]
        audit.record(session, who=audit.who(), action="disclosure.guard", what="ledger", details={"triggers": names})
    database = session.info.get("database")
    if isinstance(database, Database) and database.keys is not None and database.keys.is_dir():
        told = session.scalar(select(AuditEntry.sequence).where(AuditEntry.action == ACTION).limit(1))
        if told is None and _end(session) == EMPTY:
            HEAD.start(database.keys)
    return restored


def refuse_older(settings: Settings, session: Session) -> None:
    """See that a restored ledger is as new as the key directory knows, if it knows of one.

    Raises
    ------
    Damaged
        It is older, or another one.
    """
    if (settings.keys / HEAD.file).exists():
        read(session, settings)


def follow(keys: Path, database: Database) -> None:
    """Bring the head up to a restored ledger; a key directory without one begins to know of it."""
    HEAD.start(keys)
    keep_head(keys, database)


@event.listens_for(Session, "after_commit")
def _follow_commit(session: Session) -> None:
    database = session.info.get("database")
    if not session.info.pop("ledger", False) or not isinstance(database, Database) or database.keys is None:
        return
    try:
        keep_head(database.keys, database)
    except CommonwealError as error:
        # The entry is committed; before anything is published under it, the head must follow all the same.
        _log.error("the head of the ledger was not written: %s", error)


def _end(session: Session) -> Head:
    last = select(LedgerRecord.sequence, LedgerRecord.hash).order_by(LedgerRecord.sequence.desc()).limit(1)
    row = session.execute(last).first()
    return Head(*row) if row else EMPTY


def _parsed(record: LedgerRecord) -> Entry | None:
    try:
        said = json.loads(record.said)
        at = datetime.fromisoformat(record.at)
        if canonical(said) != record.said or at.astimezone(UTC).isoformat(timespec="microseconds") != record.at:
            return None  # the same value in another spelling was not written by `append`
    except (ValueError, TypeError, RecursionError, CommonwealError):
        return None
    return Entry(record.sequence, at, record.who, record.kind, said, record.previous, record.hash, record.signature)


def _digest(fields: Mapping[str, Any]) -> str:
    return sha256(canonical(dict(fields), where="ledger entry").encode()).hexdigest()


def _damaged(what: str) -> Damaged:
    return Damaged(what, where="ledger", expected=f"an unbroken chain; run: {VERIFY}")
