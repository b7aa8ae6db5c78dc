"""What a handler is given: its parameters, and the ways to report, to save and to notice that it should stop."""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from commonweal.core.canonical import canonical
from commonweal.core.database import Database
from commonweal.core.errors import CommonwealError
from commonweal.core.jobs import lease
from commonweal.core.jobs.models import Job
from commonweal.core.settings import Settings


class Cancelled(CommonwealError):
    """The job was asked to stop. A handler lets it pass, after undoing what must not stay."""

    title = "Cancelled"
    status = 409
    exit_code = 130


class Interrupted(Cancelled):
    """The worker is to stop, not the job: it will be taken up again."""

    title = "Interrupted"


class Running:
    """A job that runs now, in this process.

    A handler is a function ``handler(job: Running) -> dict | None``; what it returns, plain JSON without personal
    data, is the job's result. It may be killed at any moment and is then called again with what it last saved in
    `state`, so every step is either saved with what it did (``save(state, session)``) or may be done twice.

    Attributes
    ----------
    settings, database
        Where the work is done.
    id
        The job's number.
    who
        Who asked for it.
    parameters
        What was asked.
    state
        What the handler saved last, in this attempt or an earlier one; empty at first.
    """

    def __init__(self, settings: Settings, database: Database, job: Job) -> None:
        assert job.claim is not None
        self.settings = settings
        self.database = database
        self.id = job.id
        self.who = job.who
        self.parameters: dict[str, Any] = job.parameters
        self.state: dict[str, Any] = job.saved
        self.claim = job.claim
        self.cancel_asked = threading.Event()
        self.interrupted = threading.Event()
        self._guard = threading.Lock()
        self._progress = (job.done, job.total, job.doing)
        self._progress_is_new = False
        self._lines: deque[str] = deque(maxlen=lease.LINES_KEPT)

    def progress(self, done: int, total: int, what: str = "") -> None:
        """Say how far the work is; cheap enough for an inner loop, shown at most four times a second.

        Parameters
        ----------
        done, total
            Of anything countable: rows, bytes, buckets. Total 0 means unknown.
        what
            The step, such as ``"sorting"``. While it and the total stay the same, `done` never goes back.

        Raises
        ------
        Cancelled
            As `check`.
        """
        self.check()
        with self._guard:
            shown, shown_total, shown_what = self._progress
            if (total, what) == (shown_total, shown_what):
                done = max(done, shown)
            if (done, total, what) != self._progress:
                self._progress, self._progress_is_new = (int(done), int(total), what), True

    def log(self, line: str) -> None:
        """Keep a line for whoever looks at the job later: counts and names, never personal data."""
        with self._guard:
            self._lines.append(" ".join(line.replace("\0", "").split())[: lease.LINE_LENGTH])

    def check(self) -> None:
        """Go on, or stop if that was asked.

        Raises
        ------
        Cancelled
            Somebody cancelled the job, or (`Interrupted`) the worker is to stop.
        """
        if self.interrupted.is_set():
            raise Interrupted("its worker was stopped; the job will be taken up again", where=f"job {self.id}")
        if self.cancel_asked.is_set():
            raise Cancelled("it was cancelled", where=f"job {self.id}")

    def save(self, state: Mapping[str, Any], session: Session | None = None) -> None:
        """Keep what the next attempt needs to go on from here.

        Parameters
        ----------
        state
            Plain JSON, small, without personal data; it replaces what was saved before.
        session
            The handler's own transaction, to commit the state with the work it tells of: then the work is done
            exactly once, whenever the process is killed. Without it, the state is committed at once, in a
            transaction of its own; call it outside any open transaction then, which on SQLite would block it.

        Raises
        ------
        InputError
            The state is not plain JSON.
        Interrupted
            The job was taken from this worker; roll back and end.
        """
        kept = copy.deepcopy(dict(state))
        canonical(kept, where=f"job {self.id}, state")
        if session is not None:
            held = lease.save(session, self.id, self.claim, kept)
        else:
            with self.database.transaction() as own:
                held = lease.save(own, self.id, self.claim, kept)
        if not held:
            self.interrupted.set()
            self.check()
        self.state = kept

    def take_progress(self) -> tuple[int, int, str] | None:
        """Give the progress once, if it is new; for the reporter."""
        with self._guard:
            new, self._progress_is_new = self._progress_is_new, False
            return self._progress if new else None

    def take_lines(self) -> list[str]:
        """Give the lines once; for the reporter."""
        with self._guard:
            lines = list(self._lines)
            self._lines.clear()
            return lines

    def give_back(self, progress: tuple[int, int, str] | None, lines: list[str]) -> None:
        """Take back what could not be written, unless something newer has come."""
        with self._guard:
            self._progress_is_new = self._progress_is_new or progress is not None
            self._lines.extendleft(reversed(lines[: lease.LINES_KEPT - len(self._lines)]))
