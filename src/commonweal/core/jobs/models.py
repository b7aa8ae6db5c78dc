"""What is recorded of long work: one row a job, the lines it logged, and who works on the queue."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from commonweal.core.database import Base, UtcDateTime

QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED = STATES = ("queued", "running", "succeeded", "failed", "cancelled")
UNFINISHED = (QUEUED, RUNNING)


class Job(Base):
    """A piece of long work.

    `parameters` say what to do and are shown to everyone who may see jobs: never a secret, never personal data.
    `saved` is what the handler wants to find again when it is taken up after a death. The claim is a token only
    the worker that runs the job knows; every write of a worker names it, so one that lost the job changes nothing.
    """

    __tablename__ = "job"
    __table_args__ = (CheckConstraint(f"state IN {STATES}", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    fingerprint: Mapped[str] = mapped_column(String(64), index=True)
    who: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default=QUEUED, index=True)
    submitted: Mapped[datetime] = mapped_column(UtcDateTime)
    started: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_asked: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)
    deaths: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int] = mapped_column(BigInteger, default=0)
    doing: Mapped[str] = mapped_column(Text, default="")
    reached: Mapped[int] = mapped_column(BigInteger, default=0)
    saved: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    claim: Mapped[str | None] = mapped_column(String(32))
    machine: Mapped[str | None] = mapped_column(Text)
    process: Mapped[int | None]
    process_started: Mapped[int | None] = mapped_column(BigInteger)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class JobLine(Base):
    """A line a job logged; the newest `lease.LINES_KEPT` of each job are kept."""

    __tablename__ = "job_line"

    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    text: Mapped[str] = mapped_column(Text)


class WorkerRecord(Base):
    """A process that works on the queue, whether or not there is anything to do."""

    __tablename__ = "job_worker"
    __table_args__ = ({"info": {"backup": False}},)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    machine: Mapped[str] = mapped_column(Text)
    process: Mapped[int]
    process_started: Mapped[int] = mapped_column(BigInteger)
    began: Mapped[datetime] = mapped_column(UtcDateTime)
    seen: Mapped[datetime] = mapped_column(UtcDateTime)
