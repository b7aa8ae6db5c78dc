"""What mobility stores as records: projects, their epochs, and what has been imported.

No record holds anything about one person; events lie in the private store.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from commonweal.core.database import Base, UtcDateTime


class ProjectRecord(Base):
    """An operator's records and how they are to be read."""

    __tablename__ = "mobility_project"

    name: Mapped[str] = mapped_column(primary_key=True)
    time_zone: Mapped[str]
    day_starts: Mapped[int]  # minutes after local midnight
    epoch_length: Mapped[str]
    area_set: Mapped[str]
    minimum_people: Mapped[int]
    retention_days: Mapped[int | None]
    bucket_bits: Mapped[int]
    country_code: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str]


class EpochRecord(Base):
    """A span of time in which a subscriber keeps one pseudonym."""

    __tablename__ = "mobility_epoch"
    __table_args__ = (UniqueConstraint("project", "starts_at"),)

    project: Mapped[str] = mapped_column(ForeignKey("mobility_project.name"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    fingerprint: Mapped[str]
    destroyed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    destruction: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # the certificate of it


class ImportRecord(Base):
    """A file that has been imported: its digest, and how many of its rows went where."""

    __tablename__ = "mobility_import"

    project: Mapped[str] = mapped_column(ForeignKey("mobility_project.name"), primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    layout: Mapped[str] = mapped_column(primary_key=True)  # digest of mapping, cells and period
    name: Mapped[str]
    country_code: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column(BigInteger)
    accepted: Mapped[int] = mapped_column(BigInteger)
    rejected: Mapped[dict[str, Any]] = mapped_column(JSON)
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    imported_by: Mapped[str]
