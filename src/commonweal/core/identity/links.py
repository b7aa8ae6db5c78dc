"""Links that work once: to set a first password or a new one, and to become the first administrator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from commonweal.core.errors import NotFound
from commonweal.core.identity import secret
from commonweal.core.identity.models import LinkRecord
from commonweal.core.wording import Wording

LASTS = timedelta(hours=72)


def offer(session: Session, person: int | None) -> str:
    """Make a link for somebody, or for the first administrator; links made for them before stop working.

    Returns
    -------
    The secret that the link's address ends with.
    """
    made = secret.new()
    now = datetime.now(UTC)
    withdraw(session, person)
    session.add(LinkRecord(digest=secret.digest(made), person_id=person, made=now, ends=now + LASTS))
    session.flush()
    return made


def withdraw(session: Session, person: int | None) -> None:
    """Make every link of somebody stop working."""
    session.execute(delete(LinkRecord).where(LinkRecord.person_id == person))


def find(session: Session, offered: str) -> LinkRecord:
    """Find a link that still works.

    Raises
    ------
    NotFound
        It never was one, was used, or is over.
    """
    found = session.scalar(select(LinkRecord).where(LinkRecord.digest == secret.digest(offered)))
    if found is None or found.ends <= datetime.now(UTC):
        raise NotFound(
            Wording("this link does not work, or no longer"), expected=Wording("a new link from an administrator")
        )
    return found
