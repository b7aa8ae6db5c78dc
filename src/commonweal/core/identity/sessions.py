"""Sessions: a browser in which somebody is signed in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from commonweal.core.database import Database
from commonweal.core.identity import agreements, secret
from commonweal.core.identity.models import PersonRecord, SessionRecord
from commonweal.core.identity.people import grants_of
from commonweal.core.identity.visitor import Visitor

SEEN_EVERY = timedelta(minutes=5)


def begin(session: Session, person: int, hours: int) -> str:
    """Begin a session under a new secret, whatever the browser held before; give the secret.

    Sessions that are over are removed.
    """
    made = secret.new()
    now = datetime.now(UTC)
    session.execute(delete(SessionRecord).where(SessionRecord.ends <= now))
    session.add(
        SessionRecord(
            digest=secret.digest(made), person_id=person, begun=now, seen=now, ends=now + timedelta(hours=hours)
        )
    )
    return made


def end(database: Database, held: str) -> None:
    """End a session; one that is over already stays so."""
    with database.transaction() as session:
        session.execute(delete(SessionRecord).where(SessionRecord.digest == secret.digest(held)))


def identify(database: Database, held: str) -> Visitor | None:
    """Say who holds a session; None if it is over, or its person was disabled."""
    now = datetime.now(UTC)
    with database.reading() as session:
        row = session.execute(
            select(SessionRecord, PersonRecord)
            .join(PersonRecord, PersonRecord.id == SessionRecord.person_id)
            .where(SessionRecord.digest == secret.digest(held), SessionRecord.ends > now)
            .where(PersonRecord.disabled.is_(None))
        ).first()
        if row is None:
            return None
        found, person = row
        visitor = Visitor(
            person.id,
            person.full_name,
            grants_of(session, person.id),
            agreements=agreements.in_force(session, person.id, now),
        )
    if now - found.seen > SEEN_EVERY:
        with database.transaction() as session:
            if current := session.get(SessionRecord, found.digest):
                current.seen = now
    return visitor
