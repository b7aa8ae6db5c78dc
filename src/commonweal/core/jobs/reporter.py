"""The thread beside a handler: writes its progress and lines, keeps its lease, hears of a cancel.

It has its own connection, so nothing a handler reports waits for, or is rolled back with, the handler's own
transaction.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from commonweal.core.errors import CommonwealError
from commonweal.core.jobs import lease
from commonweal.core.jobs.models import RUNNING, Job
from commonweal.core.jobs.running import Running

TICK = 0.25  # seconds: so progress is written at most four times a second


class Reporter:
    """Report for a running job as long as the context is open.

    Parameters
    ----------
    running
        The job.
    hold
        For how long the job is held without a sign of life.
    on_lost
        Called, in this thread, when another worker may have the job: its claim is gone, or the lease ran out.
    watch
        Called at every tick, in this thread.
    """

    def __init__(
        self,
        running: Running,
        hold: timedelta = lease.LEASE,
        on_lost: Callable[[], None] | None = None,
        watch: Callable[[], None] | None = None,
    ) -> None:
        self._running = running
        self._hold = hold
        self._on_lost = on_lost or running.interrupted.set
        self._watch = watch or (lambda: None)
        self._ending = threading.Event()
        self._renewed = time.monotonic()
        self._thread = threading.Thread(target=self._report, name=f"job {running.id}", daemon=True)

    def __enter__(self) -> Reporter:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()
        self._tick()  # what came since the last one

    def _report(self) -> None:
        while not self._ending.wait(TICK):
            self._watch()
            self._tick()

    def _tick(self) -> None:
        progress, lines = self._running.take_progress(), self._running.take_lines()
        due = time.monotonic() - self._renewed > self._hold.total_seconds() / 3
        try:
            held = self._write(progress, lines) if progress or lines or due else self._read()
        except (CommonwealError, SQLAlchemyError):
            # The database is busy, or away for a moment: try again at the next tick, until the lease runs out.
            self._running.give_back(progress, lines)
            held = self._may_still_hold()
        if not held:
            self._on_lost()

    def _write(self, progress: tuple[int, int, str] | None, lines: list[str]) -> bool:
        began = time.monotonic()
        with self._running.database.transaction() as session:
            held = lease.renew(session, self._running.id, self._running.claim, self._hold, progress)
            if held and lines:
                lease.append_lines(session, self._running.id, lines)
        if held:
            self._renewed = began
        return held and self._read()

    def _read(self) -> bool:
        with self._running.database.reading() as session:
            row = session.execute(
                select(Job.claim, Job.state, Job.cancel_asked).where(Job.id == self._running.id)
            ).first()
        if row is None or row.claim != self._running.claim or row.state != RUNNING:
            return False
        if row.cancel_asked:
            self._running.cancel_asked.set()
        return True

    def _may_still_hold(self) -> bool:
        # SQLite has one machine only, where a living worker is never taken for dead.
        if self._running.database.engine.dialect.name == "sqlite":
            return True
        return time.monotonic() - self._renewed < self._hold.total_seconds()
