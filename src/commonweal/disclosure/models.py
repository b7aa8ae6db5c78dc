"""What disclosure stores as records: the ledger, and proposals of releases. Neither holds anything about one person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from commonweal.core.database import Base, UtcDateTime


class LedgerRecord(Base):
    """One entry of the ledger; triggers refuse to change or delete it. Its texts are what hash and signature cover."""

    __tablename__ = "disclosure_ledger"

    sequence: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    )
    at: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    said: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(Text)
    signature: Mapped[str] = mapped_column(Text)


class ProposalRecord(Base):
    """Protected tables that wait to become releases, or have; where it differs from what is staged, that counts."""

    __tablename__ = "disclosure_proposal"

    id: Mapped[str] = mapped_column(primary_key=True)  # digest of the request
    state: Mapped[str]
    domain: Mapped[str] = mapped_column(index=True)
    said: Mapped[dict[str, Any]] = mapped_column(JSON)  # the staged record
    evidence: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    proposed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None]
    why: Mapped[str | None]
    entry: Mapped[int | None] = mapped_column(BigInteger)  # of the ledger
    releases: Mapped[list[Any]] = mapped_column(JSON)
