"""Looking things up in the audit log: who did what, on which day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, or_, select

from commonweal.core.audit import AuditEntry
from commonweal.core.database import Database


@dataclass(frozen=True)
class Wanted:
    """Which entries.

    Parameters
    ----------
    who
        Who acted, such as ``person:7`` or ``os:ada``; empty: anybody.
    action
        What was done: ``people.sign-in``, or ``people`` for everything of that room; empty: anything.
    day
        On which day, in UTC; None: whenever.
    up_to
        The newest entry that counts; None: the newest there is.
    """

    who: str = ""
    action: str = ""
    day: date | None = None
    up_to: int | None = None


def entries(database: Database, wanted: Wanted, count: int, skipped: int = 0) -> list[AuditEntry]:
    """Give entries, the newest first.

    Parameters
    ----------
    count
        At most so many.
    skipped
        After so many that are newer.
    """
    chosen = select(AuditEntry).where(*_conditions(wanted)).order_by(AuditEntry.sequence.desc())
    with database.reading() as session:
        return list(session.scalars(chosen.limit(count).offset(skipped)))


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.who:
        yield AuditEntry.who == wanted.who
    if wanted.action:
        of_room = AuditEntry.action.startswith(f"{wanted.action}.", autoescape=True)
        yield or_(AuditEntry.action == wanted.action, of_room)
    if wanted.day is not None:
        begin = datetime.combine(wanted.day, time(), UTC)
        # Times are kept as texts of one form, whose order is that of the times.
        yield AuditEntry.at >= begin
        yield AuditEntry.at < (begin + timedelta(days=1) if wanted.day < date.max else datetime.max.replace(tzinfo=UTC))
    if wanted.up_to is not None:
        yield AuditEntry.sequence <= wanted.up_to
