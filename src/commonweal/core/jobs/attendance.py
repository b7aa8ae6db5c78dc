"""Who works on the queue: each process says now and then that it is there, so that a queue nobody works on is seen.

A thread says it, since a handler may hold the database for long, and whoever waits for it must still hear a signal.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from commonweal.core.database import Database
from commonweal.core.errors import CommonwealError
from commonweal.core.jobs.models import WorkerRecord
from commonweal.core.jobs.process import Process, is_gone, this_process

EVERY = 20.0  # seconds
GRACE = 5.0
MISSED = timedelta(minutes=2)
"""How long ago a process on another machine must have said that it is there."""


@contextmanager
def attending(database: Database, every: float = EVERY) -> Iterator[None]:
    """Be known to work on the queue as long as the context is open.

    Parameters
    ----------
    every
        Seconds between two signs of life.
    """
    process, now = this_process(), datetime.now(UTC)
    record = WorkerRecord(
        id=uuid4().hex,
        machine=process.machine,
        process=process.number,
        process_started=process.started,
        began=now,
        seen=now,
    )
    ending = threading.Event()

    def tell() -> None:
        _write(database, record, False)
        while not ending.wait(every):
            _write(database, record, False)
        _write(database, record, True)

    thread = threading.Thread(target=tell, name="attendance", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join(GRACE)


def workers(database: Database) -> int:
    """Count the processes that work on the queue now."""
    with database.reading() as session:
        return sum(not _is_over(record) for record in session.scalars(select(WorkerRecord)))


def _write(database: Database, record: WorkerRecord, ends: bool) -> None:
    """Say that a process is there, or goes; forget those that ended without a word."""
    try:
        with database.transaction() as session:
            over = [other.id for other in session.scalars(select(WorkerRecord)) if _is_over(other)]
            session.execute(delete(WorkerRecord).where(WorkerRecord.id.in_([*over, *([record.id] if ends else [])])))
            if not ends:
                record.seen = datetime.now(UTC)
                session.merge(record)
    except (CommonwealError, SQLAlchemyError):
        pass  # the database is busy, or away for a moment: the next sign of life says the same


def _is_over(record: WorkerRecord) -> bool:
    gone = is_gone(Process(record.machine, record.process, record.process_started))
    return datetime.now(UTC) - record.seen > MISSED if gone is None else gone
