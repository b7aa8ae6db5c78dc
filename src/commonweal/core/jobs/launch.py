"""Starting workers: one for a command that waits for its result, or one after another for the queue."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import exists, select

from commonweal.core.database import Database
from commonweal.core.errors import Conflict, Unavailable
from commonweal.core.jobs import failure, lease, service
from commonweal.core.jobs.attendance import attending
from commonweal.core.jobs.models import CANCELLED, FAILED, QUEUED, SUCCEEDED, Job
from commonweal.core.jobs.running import Cancelled
from commonweal.core.jobs.worker import Order
from commonweal.core.settings import Settings

LOOK = 0.25  # seconds between looks at a job that is followed
IDLE = 1.0  # seconds between looks at an empty queue, and at jobs of other workers
GRACE = 10.0  # seconds a worker has to stop by itself
FALSE_STARTS = 3


@dataclass(frozen=True)
class Progress:
    """How far a job is, as a follower sees it.

    Parameters
    ----------
    job
        The job's number.
    state
        ``queued``, ``running``, ``succeeded``, ``failed`` or ``cancelled``.
    done, total
        Of anything countable; total 0 means unknown.
    what
        The step.
    attempt
        1 at first; more after a worker died or the job was resumed.
    lines
        What was logged since the last look.
    """

    job: int
    state: str
    done: int
    total: int
    what: str
    attempt: int
    lines: tuple[str, ...]


def run_now(
    settings: Settings,
    database: Database,
    kind: str,
    parameters: Mapping[str, Any],
    who: str,
    registry: Mapping[str, str],
    on_progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any] | None:
    """Run a job in a worker process and wait for it: what commands call.

    If an unfinished job of this kind with these parameters exists — everything was killed, or it waits in the
    queue — that one is taken up where it stopped. If it is running elsewhere, it is followed. Ctrl-C cancels a job
    that runs here (`commonweal jobs resume` takes it up again) and only stops following one that runs elsewhere.

    Parameters
    ----------
    kind, parameters, who
        As `service.submit`.
    registry
        Import string of each kind's handler: the room's own, ``DOMAIN.jobs``.
    on_progress
        Called with each change; `progress.follow` gives one that draws.

    Returns
    -------
    dict | None
        What the handler returned.

    Raises
    ------
    CommonwealError
        The job's own error, as the class it was raised as.
    Cancelled
        It was cancelled.
    Unavailable
        No worker process could be started.
    """
    if kind not in registry:
        raise ValueError(f"no handler is registered for jobs of kind {kind}")
    job = service.submit_or_adopt(database, kind, parameters, who)
    return follow_job(settings, database, job, who, registry, on_progress)


def follow_job(
    settings: Settings,
    database: Database,
    job: int,
    who: str,
    registry: Mapping[str, str],
    on_progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any] | None:
    """Run a queued job in a worker process, or follow one that runs, to its end; as `run_now`."""
    worker = _Worker(Order(settings, dict(registry), os.getpid(), job))
    look = _Look(database, job)
    try:
        settled = 0.0
        while True:
            if not worker.is_running() or time.monotonic() - settled > IDLE:
                lease.settle(database, settings.job_attempts)
                settled = time.monotonic()
            seen = look.again(on_progress)
            if seen.finished:
                return _outcome(seen)
            if seen.state == QUEUED:
                worker.start_unless_running()
            worker.wait(LOOK)
    except KeyboardInterrupt:
        if not worker.is_running():
            raise
        _cancel_here(settings, database, job, who, worker)
        return _outcome(look.again(on_progress))
    finally:
        worker.kill()


def work(
    settings: Settings,
    database: Database,
    registry: Mapping[str, str],
    *,
    once: bool = False,
    stopping: threading.Event | None = None,
) -> None:
    """Run queued jobs one after another, each in a worker process of its own, until told to stop.

    SIGTERM and Ctrl-C stop it, in the main thread: the job that runs is stopped at its next check and queued again,
    its saved state kept. Several such loops, on one machine or on many, share one queue.

    Parameters
    ----------
    registry
        Import string of each kind's handler; other kinds are left to others.
    once
        Return when nothing is queued, instead of waiting for more.
    stopping
        Stops it too, once it is set.

    Raises
    ------
    Unavailable
        No worker process could be started.
    """
    worker = _Worker(Order(settings, dict(registry), os.getpid()))
    with _stop_signals(stopping or threading.Event()) as stopping, attending(database):
        try:
            while not stopping.is_set():
                lease.settle(database, settings.job_attempts)
                if _anything_queued(database, registry):
                    worker.start_unless_running()
                    while worker.is_running() and not stopping.is_set():
                        worker.wait(LOOK)
                elif once:
                    return
                else:
                    stopping.wait(IDLE)
            worker.stop()
        finally:
            worker.kill()
            lease.settle(database, settings.job_attempts)


class _Worker:
    """A worker process, started again and again with one order."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._process: subprocess.Popen[bytes] | None = None
        self._false_starts = 0

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start_unless_running(self) -> None:
        if self.is_running():
            return
        self._count_false_starts()
        # Blocked until the child ignores it: a Ctrl-C meant for this process must not kill a child being born.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "commonweal.core.jobs"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
            )
        except OSError as error:
            raise Unavailable("no worker process could be started", expected="free memory and processes") from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        assert self._process.stdin is not None
        try:
            with self._process.stdin as pipe:
                pickle.dump(self._order, pipe)
        except BrokenPipeError:
            pass  # it died already; the next look sees that

    def _count_false_starts(self) -> None:
        # A worker that fails before it takes a job would else be started for ever.
        failed = self._process is not None and self._process.returncode == 1
        self._false_starts = self._false_starts + 1 if failed else 0
        if self._false_starts >= FALSE_STARTS:
            raise Unavailable(
                "the worker process ends as soon as it is started", expected="its message above, on standard error"
            )

    def wait(self, seconds: float) -> None:
        if self._process is None or not self.is_running():
            time.sleep(seconds)
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def stop(self) -> None:
        if self._process is not None and self.is_running():
            self._process.terminate()
            self.wait(GRACE)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class _Look:
    """What a follower saw of a job last, so that it is told only of changes."""

    def __init__(self, database: Database, job: int) -> None:
        self._database = database
        self._job = job
        self._line = 0
        self._told: Progress | None = None

    def again(self, on_progress: Callable[[Progress], None] | None) -> Job:
        job = service.get(self._database, self._job)
        if on_progress is None:
            return job
        lines = service.lines(self._database, self._job, after=self._line)
        self._line = lines[-1].number if lines else self._line
        progress = Progress(
            job.id, job.state, job.done, job.total, job.doing, job.attempts, tuple(line.text for line in lines)
        )
        if self._told is None or lines or replace(progress, lines=()) != self._told:
            on_progress(progress)
            self._told = replace(progress, lines=())
        return job


def _outcome(job: Job) -> dict[str, Any] | None:
    if job.state == SUCCEEDED:
        return job.result
    if job.state == FAILED:
        assert job.error is not None
        raise failure.restore(job.error)
    assert job.state == CANCELLED
    raise Cancelled(
        "it was cancelled",
        where=f"job {job.id}",
        expected=f"commonweal jobs resume {job.id}, to go on where it stopped",
    )


def _cancel_here(settings: Settings, database: Database, job: int, who: str, worker: _Worker) -> None:
    try:
        service.cancel(database, job, who, why="Ctrl-C")
        deadline = time.monotonic() + GRACE
        while worker.is_running() and time.monotonic() < deadline:
            worker.wait(LOOK)
    except Conflict:
        pass  # it has just finished
    except KeyboardInterrupt:
        pass  # a second Ctrl-C: wait no longer
    worker.kill()
    lease.settle(database, settings.job_attempts)


def _anything_queued(database: Database, registry: Mapping[str, str]) -> bool:
    with database.reading() as session:
        return bool(session.scalar(select(exists().where(Job.state == QUEUED, Job.kind.in_(list(registry))))))


@contextmanager
def _stop_signals(stopping: threading.Event) -> Iterator[threading.Event]:
    if threading.current_thread() is not threading.main_thread():
        yield stopping  # signals reach the main thread only
        return
    before = {
        number: signal.signal(number, lambda _number, _frame: stopping.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
