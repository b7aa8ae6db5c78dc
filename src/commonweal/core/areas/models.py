"""What is stored of areas: sets, and the areas in them with the time they were valid."""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, Date, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from commonweal.core.database import Base


class AreaSet(Base):
    """A named set of areas, of one or several levels."""

    __tablename__ = "area_set"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)


class AreaRecord(Base):
    """An area as it was from `valid_from` up to, not including, `valid_to`; none of either means without end."""

    __tablename__ = "area"
    __table_args__ = (Index("ix_area_set_code", "set_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    set_id: Mapped[int] = mapped_column(ForeignKey("area_set.id"))
    level: Mapped[int]
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    names: Mapped[dict[str, str]] = mapped_column(JSON)
    parent: Mapped[str | None] = mapped_column(Text)
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    outline: Mapped[bytes] = mapped_column(LargeBinary)
