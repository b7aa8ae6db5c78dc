"""What is recorded of people: who they are, what they may do, and digests of every secret they hold.

No secret is stored: passwords as argon2id hashes, everything random as its SHA-256 digest.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, BigInteger, Date, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from commonweal.core.database import Base, UtcDateTime

# In no backup, so that a restored installation lets nobody in whom the backup found at the door.
ENDS_WITH_THE_INSTALLATION = {"info": {"backup": False}}


class PersonRecord(Base):
    """Somebody who can sign in. `subject` is who an identity provider says they are, ``ISSUER#SUBJECT``."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    full_name: Mapped[str] = mapped_column(Text)
    password: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text, unique=True)
    made: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled: Mapped[datetime | None] = mapped_column(UtcDateTime)


class GrantRecord(Base):
    """A role of a person; an empty domain or area means all of them."""

    __tablename__ = "person_grant"
    __table_args__ = (UniqueConstraint("person_id", "role", "domain", "area"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    domain: Mapped[str] = mapped_column(Text, default="")
    area: Mapped[str] = mapped_column(Text, default="")


class SessionRecord(Base):
    """A browser in which somebody is signed in."""

    __tablename__ = "person_session"
    __table_args__ = ENDS_WITH_THE_INSTALLATION

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    begun: Mapped[datetime] = mapped_column(UtcDateTime)
    seen: Mapped[datetime] = mapped_column(UtcDateTime)
    ends: Mapped[datetime] = mapped_column(UtcDateTime)


class TokenRecord(Base):
    """A key for programs: it can do what its person can, and of that only `permissions`."""

    __tablename__ = "person_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    permissions: Mapped[list[str]] = mapped_column(JSON)
    made: Mapped[datetime] = mapped_column(UtcDateTime)
    ends: Mapped[datetime] = mapped_column(UtcDateTime)
    used: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LinkRecord(Base):
    """A link that works once: to set a password, or, without a person, to become the first administrator."""

    __tablename__ = "person_link"
    __table_args__ = ENDS_WITH_THE_INSTALLATION

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    made: Mapped[datetime] = mapped_column(UtcDateTime)
    ends: Mapped[datetime] = mapped_column(UtcDateTime)


class FailureRecord(Base):
    """A failed attempt to sign in, by the digest of what was tried: a name, or where it came from."""

    __tablename__ = "sign_in_failure"
    __table_args__ = ENDS_WITH_THE_INSTALLATION

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class RequestRecord(Base):
    """Somebody on their way to the identity provider and back, and which address of this site they `wanted`."""

    __tablename__ = "sign_in_request"
    __table_args__ = ENDS_WITH_THE_INSTALLATION

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    wanted: Mapped[str] = mapped_column(Text)
    ends: Mapped[datetime] = mapped_column(UtcDateTime)


class AgreementRecord(Base):
    """What a person may read, and what for; those that are over or withdrawn stay, since looks name them."""

    __tablename__ = "person_agreement"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    datasets: Mapped[list[str]] = mapped_column(JSON)
    purpose: Mapped[str] = mapped_column(Text)
    until: Mapped[date] = mapped_column(Date)
    area: Mapped[str] = mapped_column(Text)
    level: Mapped[int | None] = mapped_column(Integer)
    first_day: Mapped[date | None] = mapped_column(Date)
    last_day: Mapped[date | None] = mapped_column(Date)
    given_by: Mapped[str] = mapped_column(Text)
    given: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LookRecord(Base):
    """Somebody looked at a release about people: without a person it was anyone, where reading is open."""

    __tablename__ = "look"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    token_id: Mapped[int | None] = mapped_column(ForeignKey("person_token.id"))
    dataset: Mapped[str] = mapped_column(String(200), index=True)
    version: Mapped[int] = mapped_column(Integer)
    form: Mapped[str] = mapped_column(String(40))
    agreement_id: Mapped[int | None] = mapped_column(ForeignKey("person_agreement.id"))
