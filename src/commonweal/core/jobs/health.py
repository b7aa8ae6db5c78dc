"""How the queue is doing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from commonweal.core.database import Database
from commonweal.core.jobs.attendance import workers
from commonweal.core.jobs.models import FAILED, QUEUED, RUNNING, Job

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Health:
    """How the queue is doing.

    Parameters
    ----------
    queued, running
        Jobs that wait, and that are at work.
    failed
        Jobs that failed in the last 24 hours.
    oldest_waiting
        When the job that waits longest was submitted; None if none waits.
    workers
        Processes that work on the queue.
    """

    queued: int
    running: int
    failed: int
    oldest_waiting: datetime | None
    workers: int

    @property
    def is_stuck(self) -> bool:
        """Whether something waits for a worker and there is none."""
        return self.queued > 0 and self.workers == 0


def health(database: Database) -> Health:
    """Say how the queue is doing."""
    with database.reading() as session:
        counts = select(Job.state, func.count()).where(Job.state.in_((QUEUED, RUNNING))).group_by(Job.state)
        counted = {row[0]: row[1] for row in session.execute(counts).all()}
        since = datetime.now(UTC) - DAY
        failed = session.scalar(select(func.count()).where(Job.state == FAILED, Job.finished >= since)) or 0
        oldest = session.scalar(select(func.min(Job.submitted)).where(Job.state == QUEUED))
    return Health(counted.get(QUEUED, 0), counted.get(RUNNING, 0), failed, oldest, workers(database))
