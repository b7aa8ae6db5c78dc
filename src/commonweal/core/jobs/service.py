"""What people do with jobs: submit, look, cancel, resume."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from commonweal.core import audit
from commonweal.core.canonical import canonical
from commonweal.core.database import Database, take_turns
from commonweal.core.errors import Conflict, NotFound
from commonweal.core.jobs.lease import is_abandoned
from commonweal.core.jobs.models import CANCELLED, FAILED, QUEUED, RUNNING, UNFINISHED, Job, JobLine

READ_AT_ONCE = 500


def submit(database: Database, kind: str, parameters: Mapping[str, Any], who: str) -> int:
    """Queue a job for the next free worker.

    Parameters
    ----------
    kind
        ``ROOM.VERB``, a key of the registry of handlers.
    parameters
        Plain JSON. Everyone who may see jobs sees it: **never a secret, never personal data** — name a file or a
        dataset instead.
    who
        Who asks for it, ``os:NAME`` from `audit.who`.

    Returns
    -------
    int
        The job's number.

    Raises
    ------
    InputError
        The parameters are not plain JSON.
    """
    with database.transaction() as session:
        return _submit(session, kind, parameters, who).id


def submit_or_adopt(database: Database, kind: str, parameters: Mapping[str, Any], who: str) -> int:
    """Give the number of the unfinished job of this kind and these parameters; submit one if there is none.

    A job adopted this way gets its full number of attempts anew: a person asks for it again.
    """
    with database.transaction() as session:
        take_turns(session, b"jobs")
        unfinished = session.scalar(
            select(Job)
            .where(
                Job.fingerprint == _fingerprint(kind, parameters),
                Job.state.in_(UNFINISHED),
                Job.cancel_asked.is_(False),
            )
            .order_by(Job.id)
            .limit(1)
            .with_for_update()
        )
        if unfinished is None:
            return _submit(session, kind, parameters, who).id
        unfinished.deaths = 0
        return unfinished.id


def get(database: Database, number: int) -> Job:
    """Read a job.

    Raises
    ------
    NotFound
        There is none with this number.
    """
    with database.reading() as session:
        return _found(session.get(Job, number), number)


def newest(database: Database, count: int = 20) -> Sequence[Job]:
    """Read the newest jobs, newest first."""
    with database.reading() as session:
        return session.scalars(select(Job).order_by(Job.id.desc()).limit(count)).all()


def chosen(
    database: Database,
    choose: Callable[[str, Mapping[str, Any]], bool],
    count: int,
    skipped: int = 0,
    kinds: Collection[str] | None = None,
) -> list[Job]:
    """Read those of the newest jobs that are chosen, newest first.

    Parameters
    ----------
    choose
        Function of a job's kind and parameters.
    count, skipped
        How many, after how many others.
    kinds
        Only of these kinds.
    """
    numbers: list[int] = []
    with database.reading() as session:
        wanted = select(Job.id, Job.kind, Job.parameters).order_by(Job.id.desc())
        if kinds is not None:
            wanted = wanted.where(Job.kind.in_(kinds))
        with session.execute(wanted.execution_options(yield_per=READ_AT_ONCE)) as rows:
            for number, kind, parameters in rows:
                if choose(kind, parameters):
                    numbers.append(number)
                if len(numbers) == skipped + count:
                    break
        found = session.scalars(select(Job).where(Job.id.in_(numbers[skipped:])).order_by(Job.id.desc()))
        return list(found)


def lines(database: Database, number: int, after: int = 0, newest: int | None = None) -> Sequence[JobLine]:
    """Read what a job logged after a line's number, oldest first; at most so many of the newest if that is said."""
    with database.reading() as session:
        wanted = select(JobLine).where(JobLine.job_id == number, JobLine.number > after)
        if newest is None:
            return session.scalars(wanted.order_by(JobLine.number)).all()
        return session.scalars(wanted.order_by(JobLine.number.desc()).limit(newest)).all()[::-1]


def cancel(database: Database, number: int, who: str, why: str | None = None) -> Job:
    """Ask a job to stop: one that waits is cancelled at once, one that runs at its next check.

    What it saved stays, so that it can be resumed.

    Raises
    ------
    NotFound
        There is no such job.
    Conflict
        It has finished already.
    """
    with database.transaction() as session:
        job = _found(session.get(Job, number, with_for_update=True), number)
        if job.state == QUEUED or (job.state == RUNNING and is_abandoned(job)):
            job.state, job.finished, job.claim = CANCELLED, datetime.now(UTC), None
        elif job.state == RUNNING:
            job.cancel_asked = True
        else:
            raise Conflict(
                f"it has {job.state} already" if job.state != CANCELLED else "it is cancelled already",
                where=f"job {number}",
            )
        audit.record(session, who=who, action="jobs.cancel", what=f"job {number} {job.kind}", why=why)
        return job


def resume(database: Database, number: int, who: str, why: str | None = None) -> Job:
    """Queue a failed or cancelled job again; its handler finds what it had saved.

    Raises
    ------
    NotFound
        There is no such job.
    Conflict
        It has succeeded, or waits or runs already.
    """
    with database.transaction() as session:
        job = _found(session.get(Job, number, with_for_update=True), number)
        if job.state not in (FAILED, CANCELLED):
            raise Conflict(f"it is {job.state}", where=f"job {number}", expected="a failed or cancelled job")
        job.state, job.cancel_asked, job.deaths = QUEUED, False, 0
        job.finished = job.error = None
        audit.record(session, who=who, action="jobs.resume", what=f"job {number} {job.kind}", why=why)
        return job


def _submit(session: Session, kind: str, parameters: Mapping[str, Any], who: str) -> Job:
    job = Job(
        kind=kind,
        parameters=dict(parameters),
        fingerprint=_fingerprint(kind, parameters),
        who=who,
        submitted=datetime.now(UTC),
    )
    session.add(job)
    session.flush()
    return job


def _fingerprint(kind: str, parameters: Mapping[str, Any]) -> str:
    return sha256(canonical([kind, dict(parameters)], where="parameters").encode()).hexdigest()


def _found(job: Job | None, number: int) -> Job:
    if job is None:
        raise NotFound(f"there is no job {number}", expected="a number that commonweal jobs list shows")
    return job
