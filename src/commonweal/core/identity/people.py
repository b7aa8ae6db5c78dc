"""People: made, given roles, disabled; each operation with its transaction and its entry in the audit log.

The log names people by number, since its entries outlive them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from commonweal.core import audit
from commonweal.core.canonical import JSON
from commonweal.core.database import Database
from commonweal.core.errors import Conflict, InputError, NotFound, Refused
from commonweal.core.identity import links
from commonweal.core.identity.models import GrantRecord, PersonRecord, SessionRecord
from commonweal.core.identity.roles import Grant, Role
from commonweal.core.wording import Wording


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in.

    Parameters
    ----------
    number
        Their number, by which the audit log knows them.
    name
        What they sign in with.
    full_name
        What others see.
    grants
        What they hold.
    has_password
        Whether they have set one.
    single_sign_on
        Whether an identity provider has vouched for them.
    disabled
        When they were disabled; None if they can sign in.
    """

    number: int
    name: str
    full_name: str
    grants: tuple[Grant, ...]
    has_password: bool
    single_sign_on: bool
    disabled: datetime | None


def create(database: Database, name: str, full_name: str, grants: Sequence[Grant], who: str) -> tuple[Person, str]:
    """Make a person; give the secret of the link with which they set their password.

    Raises
    ------
    InputError
        The name is not one.
    Conflict
        Somebody has it.
    """
    with database.transaction() as session:
        record = add(session, name, full_name)
        for grant in grants:
            session.add(GrantRecord(person_id=record.id, role=grant.role, domain=grant.domain, area=grant.area))
        session.flush()
        offered = links.offer(session, record.id)
        _record(session, who, "people.create", record.id, roles=[str(grant) for grant in grants])
        return _person(session, record), offered


def add(session: Session, name: str, full_name: str) -> PersonRecord:
    """Add a person without a role. See `create`."""
    name = sign_in_name(name)
    if not full_name.strip() or len(full_name) > 200:
        raise InputError(
            Wording("the full name is empty or too long"), where="full name", expected=Wording("at most 200 characters")
        )
    if session.scalar(select(PersonRecord.id).where(PersonRecord.name == name)) is not None:
        raise Conflict(
            Wording("there is a person %(name)s already", name=repr(name)),
            where="name",
            expected=Wording("another name"),
        )
    record = PersonRecord(name=name, full_name=" ".join(full_name.split()), made=datetime.now(UTC))
    session.add(record)
    session.flush()
    return record


def sign_in_name(typed: str) -> str:
    """Give a name as it is compared: without regard to capitals and blanks around it.

    Raises
    ------
    InputError
        It is not a name.

    Examples
    --------
    >>> sign_in_name(" Ada.Lovelace@example.org ")
    'ada.lovelace@example.org'
    """
    name = typed.strip().casefold()
    if not re.fullmatch(r"[\w.+@-]{2,100}", name):
        raise InputError(
            Wording("this is not a name to sign in with"),
            where="name",
            expected=Wording("2 to 100 letters, digits, . + @ _ -"),
        )
    return name


def people(database: Database) -> list[Person]:
    """List everyone, by name."""
    with database.reading() as session:
        records = session.scalars(select(PersonRecord).order_by(PersonRecord.name)).all()
        return [_person(session, record) for record in records]


def get(database: Database, name: str) -> Person:
    """Find a person by the name they sign in with.

    Raises
    ------
    NotFound
        There is none.
    """
    with database.reading() as session:
        return _person(session, found_by_name(session, name))


def called(database: Database, named: Collection[str]) -> dict[str, str]:
    """Give what people are called whom jobs and the audit log name by number, such as ``person:7``.

    Returns
    -------
    dict
        Each name with what to show: a person's full name, and anything else as it is.
    """
    whose = {who: int(number) for who in named if (number := who.removeprefix("person:")) != who and number.isdigit()}
    with database.reading() as session:
        known = session.scalars(select(PersonRecord).where(PersonRecord.id.in_(whose.values())))
        names = {person.id: person.full_name for person in known}
    return {who: names.get(whose.get(who, 0), who) for who in named}


def grants_of(session: Session, person: int) -> tuple[Grant, ...]:
    """Give what a person holds, in order."""
    records = session.scalars(select(GrantRecord).where(GrantRecord.person_id == person)).all()
    return tuple(sorted(Grant(Role(record.role), record.domain, record.area) for record in records))


def give(database: Database, name: str, grant: Grant, who: str) -> Person:
    """Give a person a role; one that they hold already stays."""
    with database.transaction() as session:
        record = found_by_name(session, name)
        if grant not in grants_of(session, record.id):
            session.add(GrantRecord(person_id=record.id, role=grant.role, domain=grant.domain, area=grant.area))
            session.flush()
            _record(session, who, "people.grant", record.id, role=str(grant))
        return _person(session, record)


def take(database: Database, name: str, grant: Grant, who: str) -> Person:
    """Take a role from a person.

    Raises
    ------
    NotFound
        They do not hold it.
    Refused
        They are the last administrator.
    """
    with database.transaction() as session:
        record = found_by_name(session, name)
        held = (GrantRecord.role == grant.role, GrantRecord.domain == grant.domain, GrantRecord.area == grant.area)
        found = session.scalar(select(GrantRecord).where(GrantRecord.person_id == record.id, *held))
        if found is None:
            raise NotFound(
                Wording("this person does not hold the role %(grant)s", grant=str(grant)), where=f"person {name}"
            )
        if grant.role == Role.ADMINISTRATOR:
            _refuse_last_administrator(session, record.id)
        session.delete(found)
        session.flush()
        _record(session, who, "people.revoke", record.id, role=str(grant))
        return _person(session, record)


def disable(database: Database, name: str, who: str, why: str | None = None) -> Person:
    """Lock a person out at once: sessions end, tokens and links stop working.

    Raises
    ------
    Refused
        They are the last administrator.
    """
    with database.transaction() as session:
        record = found_by_name(session, name)
        if record.disabled is None:
            if any(grant.role == Role.ADMINISTRATOR for grant in grants_of(session, record.id)):
                _refuse_last_administrator(session, record.id)
            record.disabled = datetime.now(UTC)
            end_sessions(session, record.id)
            links.withdraw(session, record.id)
            _record(session, who, "people.disable", record.id, why=why)
        return _person(session, record)


def enable(database: Database, name: str, who: str) -> Person:
    """Let a person in again."""
    with database.transaction() as session:
        record = found_by_name(session, name)
        if record.disabled is not None:
            record.disabled = None
            _record(session, who, "people.enable", record.id)
        return _person(session, record)


def offer_link(database: Database, name: str, who: str) -> str:
    """Make a link with which a person sets a new password; give its secret.

    Raises
    ------
    Refused
        The person is disabled.
    """
    with database.transaction() as session:
        record = found_by_name(session, name)
        if record.disabled is not None:
            raise Refused(
                Wording("this person is disabled"), where=f"person {name}", expected=Wording("enable them first")
            )
        offered = links.offer(session, record.id)
        _record(session, who, "people.link", record.id)
        return offered


def end_sessions(session: Session, person: int) -> None:
    """End every session of a person."""
    session.execute(delete(SessionRecord).where(SessionRecord.person_id == person))


def administrators(session: Session) -> list[int]:
    """Give the numbers of those who administer and can sign in."""
    return list(
        session.scalars(
            select(GrantRecord.person_id)
            .join(PersonRecord, PersonRecord.id == GrantRecord.person_id)
            .where(GrantRecord.role == Role.ADMINISTRATOR, PersonRecord.disabled.is_(None))
        )
    )


def _refuse_last_administrator(session: Session, person: int) -> None:
    if administrators(session) == [person]:
        raise Refused(Wording("this is the last administrator"), expected=Wording("another administrator first"))


def found_by_name(session: Session, name: str) -> PersonRecord:
    """Find the record of a person by the name they sign in with. See `get`."""
    record = session.scalar(select(PersonRecord).where(PersonRecord.name == name.strip().casefold()))
    if record is None:
        raise NotFound(
            Wording("there is no such person"), where="name", expected=Wording("a name of the list of people")
        )
    return record


def _person(session: Session, record: PersonRecord) -> Person:
    return Person(
        record.id,
        record.name,
        record.full_name,
        grants_of(session, record.id),
        record.password is not None,
        record.subject is not None,
        record.disabled,
    )


def _record(session: Session, who: str, action: str, person: int, why: str | None = None, **details: JSON) -> None:
    audit.record(session, who=who, action=action, what=f"person {person}", why=why, details=details)
