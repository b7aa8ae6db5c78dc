"""How the queue is doing, and whether anybody works on it, on both databases."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from commonweal.core import jobs
from commonweal.core.console import Home
from commonweal.core.database import Database
from commonweal.core.jobs import attendance, service
from commonweal.core.jobs.attendance import attending, workers
from commonweal.core.jobs.health import health
from commonweal.core.jobs.models import WorkerRecord


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def change(database: Database, statement: str, **values: object) -> None:
    with database.transaction() as session:
        session.execute(text(statement), values)


def test_an_empty_queue_that_nobody_works_on_is_not_stuck(database: Database) -> None:
    found = health(database)
    assert (found.queued, found.running, found.failed, found.oldest_waiting, found.workers) == (0, 0, 0, None, 0)
    assert not found.is_stuck


def test_what_waits_runs_and_failed_today_is_counted(database: Database) -> None:
    before = datetime.now(UTC)
    numbers = [jobs.submit(database, "count", {"total": total}, "os:clerk") for total in range(5)]
    change(database, "UPDATE job SET state = 'running' WHERE id = :id", id=numbers[1])
    change(database, "UPDATE job SET state = 'failed', finished = :at WHERE id = :id", at=before, id=numbers[2])
    old = before - timedelta(days=1, minutes=1)
    change(database, "UPDATE job SET state = 'failed', finished = :at WHERE id = :id", at=old, id=numbers[3])
    found = health(database)
    assert (found.queued, found.running, found.failed) == (2, 1, 1)
    assert found.oldest_waiting == service.get(database, numbers[0]).submitted
    assert found.is_stuck


def test_a_worker_is_known_from_its_beginning_to_its_end(database: Database) -> None:
    with attending(database):
        until(lambda: workers(database) == 1)
        jobs.submit(database, "count", {}, "os:clerk")
        assert not health(database).is_stuck
    assert workers(database) == 0


def test_a_worker_that_was_killed_is_no_longer_counted_and_forgotten_by_the_next(database: Database) -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\n"
            "from commonweal.core.database import Database\n"
            "from commonweal.core.jobs.attendance import attending\n"
            "with attending(Database(sys.argv[1])):\n    time.sleep(60)",
            database.url,
        ]
    )
    until(lambda: workers(database) == 1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert workers(database) == 0
    with attending(database), database.reading() as session:
        until(lambda: workers(database) == 1)
        assert len(session.query(WorkerRecord).all()) == 1


@pytest.mark.parametrize(("ago", "counted"), [(30, 1), (300, 0)])
def test_a_worker_on_another_machine_is_there_as_long_as_it_says_so(database: Database, ago: int, counted: int) -> None:
    seen = datetime.now(UTC) - timedelta(seconds=ago)
    with database.transaction() as session:
        session.add(WorkerRecord(id="a" * 32, machine="elsewhere", process=1, process_started=1, began=seen, seen=seen))
    assert workers(database) == counted


def test_a_worker_ends_though_the_database_is_held_by_another(database: Database) -> None:
    began = time.monotonic()
    with database.transaction(), attending(database):
        pass
    assert time.monotonic() - began < attendance.GRACE + 2
    until(lambda: workers(database) == 0)


def test_the_command_that_works_on_the_queue_is_counted_until_it_is_stopped(home: Home) -> None:
    work = "from commonweal.cli import main; main()"
    process = subprocess.Popen([sys.executable, "-c", work, "--data", str(home.settings.data), "jobs", "work"])
    until(lambda: workers(home.database) == 1)
    process.terminate()
    assert process.wait(20) == 0
    assert workers(home.database) == 0
