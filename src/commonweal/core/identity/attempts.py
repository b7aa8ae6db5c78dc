"""Attempts to sign in, counted before they are made, so that guessing is slow however many try at once.

Few are allowed for a name from one place, more for a name from anywhere: so somebody who guesses is stopped, and locks
out nobody who signs in from elsewhere. Of what was tried only digests are kept, and only for the window.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from commonweal.core.database import take_turns
from commonweal.core.errors import TooManyAttempts
from commonweal.core.identity.models import FailureRecord
from commonweal.core.wording import Wording, counted

WINDOW = timedelta(minutes=15)
FROM_THERE = 5
FOR_A_NAME = 50
FROM_A_PLACE = 50


def begin(session: Session, name: str, place: str) -> None:
    """Count an attempt to sign in as somebody from somewhere, as failed until `succeed` says otherwise.

    Raises
    ------
    TooManyAttempts
        There were too many for this name, or from this place, within the window.
    """
    now = datetime.now(UTC)
    take_turns(session, b"sign")
    session.execute(delete(FailureRecord).where(FailureRecord.at <= now - WINDOW))
    limits = {_both(name, place): FROM_THERE, _key("name", name): FOR_A_NAME, _key("place", place): FROM_A_PLACE}
    for key, most in limits.items():
        count, oldest = session.execute(
            select(func.count(), func.min(FailureRecord.at)).where(FailureRecord.key == key)
        ).one()
        if count >= most:
            minutes = max(1, round((oldest + WINDOW - now).total_seconds() / 60))
            raise TooManyAttempts(
                Wording("there were too many attempts to sign in"),
                expected=counted("wait %(num)s minute", "wait %(num)s minutes", minutes),
            )
        session.add(FailureRecord(key=key, at=now))
    session.flush()


def succeed(session: Session, name: str, place: str) -> None:
    """Forget the failed attempts for a name from a place, and this one wherever it was counted."""
    session.execute(delete(FailureRecord).where(FailureRecord.key == _both(name, place)))
    for key in (_key("name", name), _key("place", place)):
        newest = select(func.max(FailureRecord.id)).where(FailureRecord.key == key).scalar_subquery()
        session.execute(delete(FailureRecord).where(FailureRecord.id == newest))


def _both(name: str, place: str) -> str:
    return _key("name and place", f"{name} {place}")


def _key(kind: str, value: str) -> str:
    return sha256(f"{kind} {value}".encode()).hexdigest()
