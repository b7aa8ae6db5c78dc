"""Tokens: keys for programs, each a person's, each limited to some permissions and to a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from commonweal.core import audit
from commonweal.core.database import Database
from commonweal.core.errors import InputError, NotFound
from commonweal.core.identity import agreements, secret
from commonweal.core.identity.models import PersonRecord, TokenRecord
from commonweal.core.identity.people import grants_of
from commonweal.core.identity.roles import Permission
from commonweal.core.identity.visitor import Visitor
from commonweal.core.wording import Wording, counted

LONGEST_DAYS = 366
USED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class Token:
    """A token as its person sees it: everything but the secret, which is shown once.

    Parameters
    ----------
    number
        Its number.
    name
        What the person calls it.
    permissions
        What it is limited to.
    made, ends
        When it was made and when it stops working.
    used, revoked
        When it was last used, and revoked; None if never.
    """

    number: int
    name: str
    permissions: tuple[str, ...]
    made: datetime
    ends: datetime
    used: datetime | None
    revoked: datetime | None


def issue(database: Database, person: int, name: str, permissions: Sequence[str], days: int, who: str) -> str:
    """Make a token; give the secret, which nobody can be shown again.

    Raises
    ------
    InputError
        It has no name, no permission, one that does not exist, or is to last too long.
    """
    if not name.strip() or len(name) > 100:
        raise InputError(
            Wording("a token needs a name"), where="name", expected=Wording("what will use it, in a few words")
        )
    unknown = set(permissions) - set(Permission)
    if unknown or not permissions:
        raise InputError(
            Wording("there is no permission %(name)s", name=repr(sorted(unknown)[0]))
            if unknown
            else Wording("a token without a permission opens nothing"),
            where="permissions",
            expected=Wording("some of: %(known)s", known=", ".join(Permission)),
        )
    if not 1 <= days <= LONGEST_DAYS:
        raise InputError(
            counted("a token cannot last %(num)s day", "a token cannot last %(num)s days", days),
            where="days",
            expected=Wording("1 to %(most)s", most=LONGEST_DAYS),
        )
    made = secret.PREFIX + secret.new()
    now = datetime.now(UTC)
    with database.transaction() as session:
        record = TokenRecord(
            digest=secret.digest(made),
            person_id=person,
            name=name.strip(),
            permissions=sorted(set(permissions)),
            made=now,
            ends=now + timedelta(days=days),
        )
        session.add(record)
        session.flush()
        audit.record(
            session,
            who=who,
            action="people.token",
            what=f"person {person}",
            details={"token": record.id, "permissions": list(record.permissions), "days": days},
        )
    return made


def revoke(database: Database, person: int, number: int, who: str) -> None:
    """Make a token of a person stop working, at once and for ever.

    Raises
    ------
    NotFound
        The person has no such token.
    """
    with database.transaction() as session:
        record = session.get(TokenRecord, number)
        if record is None or record.person_id != person:
            raise NotFound(Wording("there is no token %(number)s", number=number), where=f"person {person}")
        if record.revoked is None:
            record.revoked = datetime.now(UTC)
            audit.record(
                session, who=who, action="people.token.revoke", what=f"person {person}", details={"token": number}
            )


def tokens_of(database: Database, person: int) -> list[Token]:
    """List a person's tokens, the newest first."""
    with database.reading() as session:
        records = session.scalars(
            select(TokenRecord).where(TokenRecord.person_id == person).order_by(TokenRecord.id.desc())
        ).all()
    return [
        Token(each.id, each.name, tuple(each.permissions), each.made, each.ends, each.used, each.revoked)
        for each in records
    ]


def identify(database: Database, held: str) -> Visitor | None:
    """Say who holds a token; None if it is over, revoked, never was one, or its person was disabled."""
    now = datetime.now(UTC)
    with database.reading() as session:
        row = session.execute(
            select(TokenRecord, PersonRecord)
            .join(PersonRecord, PersonRecord.id == TokenRecord.person_id)
            .where(TokenRecord.digest == secret.digest(held), TokenRecord.ends > now)
            .where(TokenRecord.revoked.is_(None), PersonRecord.disabled.is_(None))
        ).first()
        if row is None:
            return None
        found, person = row
        only = frozenset(Permission(name) for name in found.permissions)
        agreed = agreements.in_force(session, person.id, now)
        grants = grants_of(session, person.id)
        visitor = Visitor(person.id, person.full_name, grants, only, agreed, found.id)
    if found.used is None or now - found.used > USED_EVERY:
        with database.transaction() as session:
            session.get_one(TokenRecord, found.id).used = now
    return visitor
