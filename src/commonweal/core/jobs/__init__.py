"""Jobs: long work in worker processes, with progress, log, cancel and resume, recorded in the database.

A handler is ``handler(job: Running) -> dict | None``. A command calls `run_now`; whoever does not want to wait calls
`submit`, and a worker (``commonweal jobs work``) takes the job from the queue. A job whose worker was killed is
taken up again with what its handler saved.
"""

from commonweal.core.jobs.launch import Progress, run_now, work
from commonweal.core.jobs.models import Job, JobLine
from commonweal.core.jobs.running import Cancelled, Interrupted, Running
from commonweal.core.jobs.service import cancel, get, lines, newest, resume, submit

__all__ = [
    "Cancelled",
    "Interrupted",
    "Job",
    "JobLine",
    "Progress",
    "Running",
    "cancel",
    "get",
    "lines",
    "newest",
    "resume",
    "run_now",
    "submit",
    "work",
]
