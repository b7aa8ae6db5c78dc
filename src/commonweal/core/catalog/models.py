"""What the catalog stores: one row a release. The row is the commit point of publishing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from commonweal.core.database import Base, UtcDateTime


class ReleaseRecord(Base):
    """A release: what is searched for in columns, all of it in `record`."""

    __tablename__ = "catalog_releases"
    __table_args__ = (UniqueConstraint("dataset", "version"),)

    identifier: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    dataset: Mapped[str] = mapped_column(String(200))
    version: Mapped[int] = mapped_column(Integer)
    path: Mapped[str] = mapped_column(String(400), unique=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)
    record: Mapped[dict[str, Any]] = mapped_column(JSON)
