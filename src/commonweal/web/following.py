"""A job as pages show it: in words, as data, and as something that goes on while it is looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from commonweal.core.domain import Domain
from commonweal.core.errors import CommonwealError
from commonweal.core.jobs import failure
from commonweal.core.jobs.models import CANCELLED, FAILED, QUEUED, RUNNING, SUCCEEDED, UNFINISHED, Job, JobLine
from commonweal.core.wording import Wording
from commonweal.web import words
from commonweal.web.languages import _, translated

STATES: Mapping[str, str] = {
    QUEUED: Wording("waiting"),
    RUNNING: Wording("running"),
    SUCCEEDED: Wording("succeeded"),
    FAILED: Wording("failed"),
    CANCELLED: Wording("cancelled"),
}
STOPPING = Wording("asked to stop")
LINES = 100  # of a job's log that are shown and sent at once


def title_of(rooms: Sequence[Domain], kind: str) -> str:
    """Say what people call a kind of job; the kind itself if no room names it."""
    for room in rooms:
        if kind in room.job_titles:
            return translated(room.job_titles[kind])
    return kind


def state_of(job: Job) -> str:
    """Say how it stands with a job."""
    return translated(STOPPING if job.state == RUNNING and job.cancel_asked else STATES[job.state])


def how_far(job: Job) -> str:
    """Say how much of a job is done, if that is known.

    Examples
    --------
    >>> how_far(Job(done=1200, total=5000)), how_far(Job(done=0, total=0))
    ('1,200 of 5,000 (24%)', '')
    """
    if not job.total:
        return ""
    done, total, share = words.count(job.done), words.count(job.total), words.share(job.done / job.total)
    return _("%(done)s of %(total)s (%(share)s)", done=done, total=total, share=share)


def took(job: Job) -> str:
    """Say how long a job took, or has taken up to now; empty if it has not begun."""
    if job.started is None:
        return ""
    return words.duration(((job.finished or datetime.now(UTC)) - job.started).total_seconds())


def error_of(job: Job) -> CommonwealError | None:
    """Give the error that a job failed with."""
    return failure.restore(job.error) if job.error else None


def summary(job: Job) -> dict[str, Any]:
    """Give a job as JSON values, without what it was asked and what it gave."""
    times = {"submitted": job.submitted, "started": job.started, "finished": job.finished}
    error = error_of(job)
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "cancel_asked": job.cancel_asked,
        "done": job.done,
        "total": job.total,
        "doing": job.doing,
        "who": job.who,
        **{name: time.isoformat() if time else None for name, time in times.items()},
        "attempts": job.attempts,
        "error": error and {"title": error.title, "what": error.what, "where": error.where, "expected": error.expected},
        "address": f"/jobs/{job.id}.json",
    }


def whole(job: Job, lines: Sequence[JobLine]) -> dict[str, Any]:
    """Give a job as JSON values, with lines of its log."""
    logged = [{"number": line.number, "at": line.at.isoformat(), "text": line.text} for line in lines]
    return summary(job) | {"parameters": job.parameters, "result": job.result, "lines": logged}


@dataclass(frozen=True, eq=False)
class Followed:
    """A job that a page follows while it goes on.

    Parameters
    ----------
    job
        Which.
    title
        What people call it.
    zone
        By whose clock times are said.
    line
        Number of the newest line of its log that the page shows.
    streams
        Whether the page is told of changes as they happen; otherwise it asks now and then.
    """

    job: Job
    title: str
    zone: str
    line: int = 0
    streams: bool = True

    @property
    def goes_on(self) -> bool:
        """Whether it will still change."""
        return self.job.state in UNFINISHED

    @property
    def address(self) -> str:
        """Of its page."""
        return f"/jobs/{self.job.id}"

    @property
    def state(self) -> str:
        """How it stands."""
        return state_of(self.job)

    @property
    def count(self) -> str:
        """How much of it is done."""
        return how_far(self.job)

    @property
    def texts(self) -> str:
        """What the page's script says, in the reader's language, as JSON."""
        return json.dumps(
            {
                "states": {name: translated(said) for name, said in STATES.items()},
                "stopping": translated(STOPPING),
                # The script fills these in; the places are its own.
                "count": _("%(done)s of %(total)s (%(share)s)", done="{done}", total="{total}", share="{share}"),
                "lost": _("The connection is lost. What is shown is from %(time)s.", time="{time}"),
                "refused": _("This may no longer be followed. Load the page again."),
                "zone": self.zone,
            },
            ensure_ascii=False,
        )
