"""The worker process: takes one job, runs its handler, records how it ended. Started by `launch`."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from commonweal.core.canonical import canonical
from commonweal.core.database import Database, connect
from commonweal.core.domain import load
from commonweal.core.errors import CommonwealError, InputError
from commonweal.core.jobs import failure, lease
from commonweal.core.jobs.models import CANCELLED, FAILED, QUEUED, SUCCEEDED, Job
from commonweal.core.jobs.process import die_with, end_without
from commonweal.core.jobs.reporter import Reporter
from commonweal.core.jobs.running import Cancelled, Interrupted, Running
from commonweal.core.settings import Settings
from commonweal.core.without_pandas import leave_out_pandas

NOTHING_TO_TAKE = 75
NOT_RECORDED = 74


@dataclass(frozen=True)
class Order:
    """What a worker process is told by the process that starts it, through a pipe: settings may hold a password.

    Parameters
    ----------
    settings
        Where to work.
    registry
        Import string of each kind's handler.
    parent
        Process number of the starter; the worker ends with it.
    job
        The job to take; None takes the oldest that is queued.
    hold
        For how long a job is held without a sign of life.
    """

    settings: Settings
    registry: Mapping[str, str]
    parent: int
    job: int | None = None
    hold: timedelta = lease.LEASE


def run(
    settings: Settings,
    database: Database,
    job: Job,
    registry: Mapping[str, str],
    *,
    hold: timedelta = lease.LEASE,
    on_lost: Callable[[], None] | None = None,
    watch: Callable[[], None] | None = None,
    on_start: Callable[[Running], None] | None = None,
) -> None:
    """Run the handler of a claimed job in this process, and record how it ended.

    Parameters
    ----------
    job
        From `lease.claim`.
    registry
        Import string of each kind's handler.
    hold, on_lost, watch
        As `Reporter`.
    on_start
        Called with what the handler is given, before it is.
    """
    running = Running(settings, database, job)
    if on_start:
        on_start(running)
    state, values = FAILED, dict[str, Any]()
    try:
        with Reporter(running, hold, on_lost, watch):
            result = _handler(registry, job.kind)(running)
        if result is not None:
            canonical(result, where=f"job {job.id}, result")
        state, values = SUCCEEDED, {"result": result}
    except Interrupted:
        state = QUEUED
    except Cancelled:
        state = CANCELLED
    except Exception as error:
        values = {"error": failure.describe(error)}
        if settings.debug:
            traceback.print_exc()
    _record_end(running, state, values)


def main() -> int:
    """Carry out one order from standard input."""
    leave_out_pandas()
    # Ctrl-C reaches the whole terminal; the process that started this one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    order = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
    assert isinstance(order, Order)
    die_with(order.parent)
    database = connect(order.settings)
    try:
        job = lease.claim(database, list(order.registry), only=order.job, hold=order.hold)
    except CommonwealError as error:
        print(f"a worker could not begin: {error}", file=sys.stderr)
        return 1
    if job is None:
        return NOTHING_TO_TAKE
    try:
        run(
            order.settings,
            database,
            job,
            order.registry,
            hold=order.hold,
            # Another worker may have the job: end at once, as if killed, which every handler must bear.
            on_lost=partial(os._exit, 1),
            watch=partial(end_without, order.parent),
            on_start=_stop_when_told,
        )
    except CommonwealError:
        # The end could not be written down. Whoever settles the job next finds the same reason and says so, or
        # finds it gone and has the job taken up again.
        return NOT_RECORDED
    return 0


def _stop_when_told(running: Running) -> None:
    signal.signal(signal.SIGTERM, lambda _number, _frame: running.interrupted.set())


def _handler(registry: Mapping[str, str], kind: str) -> Callable[[Running], dict[str, Any] | None]:
    if kind not in registry:
        raise InputError(f"no handler for jobs of kind {kind}", expected=f"one of: {', '.join(sorted(registry))}")
    handler: Callable[[Running], dict[str, Any] | None] = load(registry[kind])
    return handler


def _record_end(running: Running, state: str, values: dict[str, Any]) -> None:
    for wait in (0.2, 1.0, 5.0, None):
        try:
            with running.database.transaction() as session:
                lease.release(session, running.id, running.claim, state, **values)
            return
        except (CommonwealError, SQLAlchemyError):
            if wait is None:
                raise  # the worker ends without having let go, and the job is taken up again
            time.sleep(wait)
