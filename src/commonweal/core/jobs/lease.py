"""A worker's hold on a job: taken by one, kept alive by its heartbeat, settled when the worker is dead.

On one machine a dead worker is known at once, by its process; from another machine, when its lease has run out.
A lease that ran out while the process is seen alive (a suspended machine, a long write) is not taken from it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from commonweal.core.database import Database
from commonweal.core.jobs.models import CANCELLED, FAILED, QUEUED, RUNNING, Job, JobLine
from commonweal.core.jobs.process import Process, is_gone, this_process

LEASE = timedelta(seconds=30)
LINES_KEPT = 1000
LINE_LENGTH = 500


def claim(
    database: Database,
    kinds: Collection[str],
    *,
    only: int | None = None,
    hold: timedelta = LEASE,
) -> Job | None:
    """Take a queued job for this process: the oldest of these kinds, or the one with this number.

    Returns
    -------
    Job | None
        The job, now running with a claim of its own; None if there is none to take. Of several workers that try
        at once, one gets it.
    """
    process, now = this_process(), datetime.now(UTC)
    with database.transaction() as session:
        queued = select(Job).where(Job.state == QUEUED, Job.kind.in_(kinds))
        if only is not None:
            queued = queued.where(Job.id == only)
        job = session.scalar(queued.order_by(Job.id).limit(1).with_for_update(skip_locked=True))
        if job is None:
            return None
        job.state = RUNNING
        job.claim = uuid4().hex
        job.machine, job.process, job.process_started = process.machine, process.number, process.started
        job.lease_until = now + hold
        job.started = job.started or now
        job.attempts += 1
        return job


def is_abandoned(job: Job) -> bool:
    """Say whether a running job's worker is dead, or away for longer than its lease."""
    if job.machine is None or job.process is None or job.process_started is None or job.lease_until is None:
        return True
    gone = is_gone(Process(job.machine, job.process, job.process_started))
    return job.lease_until < datetime.now(UTC) if gone is None else gone


def settle(database: Database, attempts: int) -> None:
    """Queue again every job whose worker died; fail one that died too often without progress.

    Parameters
    ----------
    attempts
        How many deaths in a row, with nothing saved and no progress between them, are one too many.
    """
    with database.reading() as session:
        abandoned = [job for job in session.scalars(select(Job).where(Job.state == RUNNING)) if is_abandoned(job)]
    for job in abandoned:
        with database.transaction() as session:
            _settle(session, job, attempts)


def _settle(session: Session, seen: Job, attempts: int) -> None:
    # A heartbeat or another settler may have come in between: then this matches no row.
    job = session.scalar(
        select(Job)
        .where(*_held(seen.id, seen.claim), Job.lease_until.is_not_distinct_from(seen.lease_until))
        .with_for_update()
    )
    if job is None:
        return
    job.claim = None
    job.deaths += 1
    if job.cancel_asked:
        job.state, job.finished = CANCELLED, datetime.now(UTC)
        append_lines(session, job.id, ["cancelled; its worker had ended"])
    elif job.deaths >= attempts:
        job.state, job.finished = FAILED, datetime.now(UTC)
        job.error = {
            "class": "CommonwealError",
            "base": "CommonwealError",
            "what": f"its worker died {job.deaths} times without progress",
            "where": f"job {job.id}",
            "expected": "enough memory and disk; then: commonweal jobs resume " + str(job.id),
        }
        append_lines(session, job.id, [f"given up: its worker died {job.deaths} times without progress"])
    else:
        job.state = QUEUED
        append_lines(session, job.id, ["its worker died; queued again"])


def renew(session: Session, job: int, claim: str, hold: timedelta, progress: tuple[int, int, str] | None) -> bool:
    """Extend the hold, and write progress if there is any.

    Returns
    -------
    bool
        False if the job is no longer held by this claim; nothing was written then.
    """
    values: dict[str, Any] = {"lease_until": datetime.now(UTC) + hold}
    if progress:
        values["done"], values["total"], values["doing"] = progress
    if not _write(session, job, claim, values):
        return False
    if progress:
        # Further than any attempt before: the next death is the first one again.
        further = update(Job).where(Job.id == job, Job.reached < progress[0])
        session.execute(further.values(reached=progress[0], deaths=0))
    return True


def save(session: Session, job: int, claim: str, saved: dict[str, Any]) -> bool:
    """Keep what the handler wants to find again; False if the job is no longer held by this claim."""
    return _write(session, job, claim, {"saved": saved, "deaths": 0})


def release(session: Session, job: int, claim: str, state: str, **values: Any) -> bool:
    """End the hold: the job has finished in this state, or is queued again."""
    if state != QUEUED:
        values["finished"] = datetime.now(UTC)
    return _write(session, job, claim, {"state": state, "claim": None, "cancel_asked": False, **values})


def append_lines(session: Session, job: int, lines: Sequence[str]) -> None:
    """Add lines to a job's log, and drop the oldest beyond `LINES_KEPT`."""
    last = session.scalar(select(func.max(JobLine.number)).where(JobLine.job_id == job)) or 0
    now = datetime.now(UTC)
    for number, text in enumerate(lines[-LINES_KEPT:], start=last + 1):
        session.add(JobLine(job_id=job, number=number, at=now, text=text))
    session.flush()
    kept_from = last + len(lines[-LINES_KEPT:]) - LINES_KEPT
    session.execute(delete(JobLine).where(JobLine.job_id == job, JobLine.number <= kept_from))


def _write(session: Session, job: int, claim: str, values: dict[str, Any]) -> bool:
    result = session.execute(update(Job).where(*_held(job, claim)).values(values))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def _held(job: int, claim: str | None) -> tuple[ColumnElement[bool], ...]:
    return Job.id == job, Job.state == RUNNING, Job.claim.is_not_distinct_from(claim)
