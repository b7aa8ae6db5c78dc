"""The server runs queued jobs, one machine without a second command, and takes them with it when it ends."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from commonweal.core import jobs
from commonweal.core.database import connect
from commonweal.core.identity import Grant, Role
from commonweal.core.jobs.background import Background
from commonweal.core.jobs.process import Process, is_gone
from commonweal.domains import ROOMS
from commonweal.web.access import SESSION

pytestmark = pytest.mark.slow
WHO = "os:clerk"


def until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Wait for something that other processes bring about."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def ended(home: Any, number: int) -> Any:
    return until(lambda: next((job for job in [jobs.get(home.database, number)] if job.finished), None))


def worker_of(home: Any, number: int) -> Process:
    """The process that runs a job."""
    job = until(lambda: next((job for job in [jobs.get(home.database, number)] if job.state == "running"), None))
    return Process(job.machine, job.process, job.process_started)


def submit(home: Any, kind: str, **parameters: Any) -> int:
    return jobs.submit(home.database, kind, parameters, WHO)


def test_what_is_queued_is_run_though_jobs_crash_and_fail(home, server):
    server(home)
    crash, refuse, steps = (
        submit(home, "trial.crash"),
        submit(home, "trial.refuse"),
        submit(home, "trial.steps", steps=1),
    )
    assert ended(home, crash).state == "succeeded"
    assert jobs.get(home.database, crash).attempts == 2
    assert ended(home, refuse).state == "failed"
    assert ended(home, steps).result == {"steps": 1}


def test_jobs_are_left_to_others_if_that_is_set(home, server):
    number = submit(home, "trial.steps", steps=1)
    server(home, worker="false")
    time.sleep(3)
    assert jobs.get(home.database, number).state == "queued"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_is_told_to_end_puts_its_job_back_and_leaves_nothing_running(home, server, number):
    served, job = server(home), submit(home, "trial.wait")
    worker = worker_of(home, job)
    served.process.send_signal(number)
    assert served.process.wait(timeout=10) == 0
    assert served.log.read_text().endswith("stopped\n")
    assert is_gone(worker)
    assert jobs.get(home.database, job).state == "queued"
    assert jobs.get(home.database, job).deaths == 0


def test_a_server_that_is_killed_takes_its_worker_with_it_and_the_next_goes_on(home, server):
    served, job = server(home), submit(home, "trial.steps", steps=40, pause=0.1)
    worker = worker_of(home, job)
    until(lambda: jobs.get(home.database, job).saved.get("next", 0) > 5)
    served.process.kill()
    served.process.wait()
    until(lambda: is_gone(worker), 5)
    assert jobs.get(home.database, job).finished is None
    server(home)
    assert ended(home, job).state == "succeeded"
    said = [line.text for line in jobs.lines(home.database, job)]
    assert "its worker died; queued again" in said
    assert said.count("step 1") == 1


def test_the_work_goes_on_when_the_database_was_away_for_a_while(home, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(Path(__file__).parent), os.environ.get("PYTHONPATH", ""))))
    away = home.settings.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'away.db'}"})
    background = Background(away, {"trial.steps": "trial_work:steps"}, again=0.2)
    background.start()
    time.sleep(1)  # nothing is there: it is not migrated
    database = connect(away)
    database.upgrade(ROOMS)
    number = jobs.submit(database, "trial.steps", {"steps": 1}, WHO)
    try:
        assert until(lambda: jobs.get(database, number).state == "succeeded")
    finally:
        background.stop()
        database.close()
    assert not any(thread.name == "jobs" for thread in threading.enumerate())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_open_stream_does_not_hold_up_the_end_of_the_server(home, server, signed_in, number):
    served, held = server(home, worker="false"), signed_in(home, Grant(Role.ANALYST))
    job = submit(home, "trial.wait")
    cookie = {"cookie": f"{SESSION}={held}"}
    with httpx.stream("GET", f"{served.address}/jobs/{job}/events", headers=cookie, timeout=30) as stream:
        lines = stream.iter_lines()
        until(lambda: next(lines).startswith("event: progress"))
        served.process.send_signal(number)
        served.process.wait(timeout=30)  # the stream would go on for ever
        assert "event: end" not in list(lines)
