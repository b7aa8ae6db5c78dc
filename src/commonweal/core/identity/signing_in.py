"""Signing in: with a password, with a link that works once, or by word of an identity provider."""

from __future__ import annotations

from unicodedata import normalize

from sqlalchemy import select
from sqlalchemy.orm import Session

from commonweal.core import audit
from commonweal.core.database import Database
from commonweal.core.errors import NotFound, NotSignedIn, Refused
from commonweal.core.identity import attempts, links, passwords, sessions
from commonweal.core.identity.models import GrantRecord, PersonRecord
from commonweal.core.identity.people import add, administrators, end_sessions
from commonweal.core.identity.roles import Role
from commonweal.core.wording import Wording


def with_password(database: Database, name: str, password: str, place: str, hours: int) -> str:
    """Sign in; give the secret of a new session.

    Wrong name, wrong password and disabled person look the same and take the same time.

    Parameters
    ----------
    place
        Where the attempt comes from, such as a network address.
    hours
        How long the session lasts.

    Raises
    ------
    NotSignedIn
        Name and password do not belong together.
    TooManyAttempts
        Somebody tried too often; the password was not looked at.
    """
    typed = name.strip().casefold()
    with database.transaction() as session:
        attempts.begin(session, typed, place)
    with database.reading() as session:
        record = session.scalar(select(PersonRecord).where(PersonRecord.name == typed))
    right = passwords.matches(password, record.password if record else None)  # outside a transaction: it takes long
    if record is None or not right or record.disabled is not None:
        raise NotSignedIn(
            Wording("name and password do not belong together"),
            expected=Wording("both as they were set; capitals matter"),
        )
    with database.transaction() as session:
        attempts.succeed(session, typed, place)
        if record.password and passwords.is_outdated(record.password):
            session.get_one(PersonRecord, record.id).password = passwords.hashed(password)
        held = sessions.begin(session, record.id, hours)
        _record(session, record.id, "people.sign-in", "password")
    return held


def invited_by(database: Database, offered: str) -> str | None:
    """Say whose password a link sets, by the name they sign in with; None for the first administrator's link.

    Raises
    ------
    NotFound
        The link does not work.
    """
    with database.reading() as session:
        person = links.find(session, offered).person_id
        return None if person is None else session.get_one(PersonRecord, person).name


def with_link(database: Database, offered: str, password: str, hours: int) -> str:
    """Set a password by a link that works once, ending every session before; give a new session's secret.

    Raises
    ------
    NotFound
        The link does not work.
    InputError
        The password is easy to guess; the link goes on working.
    """
    with database.transaction() as session:
        link = links.find(session, offered)
        if link.person_id is None:
            raise NotFound(
                Wording("this link makes the first administrator"), expected=Wording("the page it was printed with")
            )
        record = session.get_one(PersonRecord, link.person_id)
        passwords.check(password, record.name)
        record.password = passwords.hashed(password)
        links.withdraw(session, record.id)
        end_sessions(session, record.id)
        held = sessions.begin(session, record.id, hours)
        _record(session, record.id, "people.sign-in", "link")
    return held


def offer_first_link(database: Database) -> str | None:
    """Make the link that makes the first administrator; None if there is one."""
    with database.transaction() as session:
        return None if administrators(session) else links.offer(session, None)


def as_first_administrator(
    database: Database, offered: str, name: str, full_name: str, password: str, hours: int
) -> str:
    """Become the first administrator by a link that works once; give a new session's secret.

    Raises
    ------
    NotFound
        The link does not work.
    Refused
        There is an administrator already.
    InputError, Conflict
        As for any person; the link goes on working.
    """
    with database.transaction() as session:
        if links.find(session, offered).person_id is not None:
            raise NotFound(Wording("this link sets a password"), expected=Wording("the page it was given with"))
        if administrators(session):
            raise Refused(Wording("there is an administrator already"), expected=Wording("a link from them"))
        record = add(session, name, full_name)
        passwords.check(password, record.name)
        record.password = passwords.hashed(password)
        session.add(GrantRecord(person_id=record.id, role=Role.ADMINISTRATOR, domain="", area=""))
        links.withdraw(session, None)
        held = sessions.begin(session, record.id, hours)
        _record(session, record.id, "people.first-administrator", "link")
    return held


def change_password(database: Database, person: int, old: str, new: str, place: str, hours: int) -> str:
    """Change one's own password, ending every session; give a new session's secret.

    Raises
    ------
    NotSignedIn
        The old password is wrong.
    TooManyAttempts
        It was wrong too often.
    InputError
        The new one is easy to guess.
    """
    with database.transaction() as session:
        record = session.get_one(PersonRecord, person)
        attempts.begin(session, record.name, place)
    if not passwords.matches(old, record.password):
        raise NotSignedIn(Wording("the old password is wrong"), where="old password")
    passwords.check(new, record.name)
    with database.transaction() as session:
        attempts.succeed(session, record.name, place)
        session.get_one(PersonRecord, person).password = passwords.hashed(new)
        end_sessions(session, person)
        held = sessions.begin(session, person, hours)
        _record(session, person, "people.password", "password")
    return held


def by_provider(database: Database, issuer: str, subject: str, name: str, hours: int) -> str:
    """Sign in by word of an identity provider; give a new session's secret.

    Who has not come this way before is known by the name that the provider vouches for; from then on by the subject,
    which a provider never gives to another.

    Raises
    ------
    Refused
        Nobody here has that name, or somebody else came with it before; or they are disabled.
    """
    known = f"{issuer}#{subject}"
    with database.transaction() as session:
        record = session.scalar(select(PersonRecord).where(PersonRecord.subject == known))
        if record is None:
            # Not casefolded: a letter that only looks like another, or folds to it, must not be taken for it.
            plain = normalize("NFKC", name) == name
            record = session.scalar(select(PersonRecord).where(PersonRecord.name == name.strip().lower()))
            if not plain or record is None or record.subject is not None:
                raise Refused(
                    Wording("nobody here goes by this account"),
                    expected=Wording("an administrator who makes a person of its name"),
                )
            record.subject = known
            _record(session, record.id, "people.provider", "provider")
        if record.disabled is not None:
            raise Refused(Wording("this person is disabled"), expected=Wording("an administrator who enables them"))
        held = sessions.begin(session, record.id, hours)
        _record(session, record.id, "people.sign-in", "provider")
    return held


def _record(session: Session, person: int, action: str, by: str) -> None:
    audit.record(session, who=f"person:{person}", action=action, what=f"person {person}", details={"by": by})
