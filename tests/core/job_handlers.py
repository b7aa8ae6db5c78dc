"""Handlers the tests of jobs run in worker processes; found through PYTHONPATH."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from sqlalchemy import text

from commonweal.core.errors import Refused
from commonweal.core.jobs import Running


def count(job: Running) -> dict[str, Any]:
    """Append 0, 1, 2, … to the table `number`, each with its checkpoint in one transaction: exactly once each."""
    total = job.parameters["total"]
    for number in range(job.state.get("next", 0), total):
        with job.database.transaction() as session:
            session.execute(
                text("INSERT INTO number (value, process) VALUES (:value, :process)"),
                {"value": number, "process": os.getpid()},
            )
            job.save({"next": number + 1}, session)
        job.progress(number + 1, total, "counting")
        time.sleep(job.parameters.get("pause", 0.0))
    return {"counted": total}


def wait(job: Running) -> None:
    """Work until told to stop, checking now and then."""
    Path(job.parameters["started"]).write_text(str(os.getpid()))
    job.log("waiting")
    while True:
        job.check()
        time.sleep(0.02)


def deaf(job: Running) -> None:
    """Never look whether to stop."""
    Path(job.parameters["started"]).write_text(str(os.getpid()))
    time.sleep(60)


def die(job: Running) -> None:
    """Be killed, every time."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_late(job: Running) -> dict[str, Any]:
    """Be killed after each checkpoint but the last."""
    step = job.state.get("step", 0) + 1
    job.save({"step": step})
    if step < job.parameters["steps"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"steps": step}


def refuse(job: Running) -> None:
    """Fail as a rule makes it."""
    raise Refused("fewer than 15 people", where="mobility.home", expected="larger areas")


def stumble(job: Running) -> None:
    """Fail unexpectedly, with data in the message."""
    raise ValueError("+231770000001")


def return_a_path(job: Running) -> dict[str, Any]:
    """Return what is not JSON."""
    return {"path": Path("x")}


def talk(job: Running) -> None:
    """Log and report much, with a pause in which what was logged first is written."""
    for number in range(job.parameters["lines"]):
        if number == job.parameters["lines"] // 2:
            time.sleep(0.6)
        job.log(f"line {number}\n" + "x" * 1000)
        job.progress(number, job.parameters["lines"], "talking")


def report_inside_a_transaction(job: Running) -> dict[str, Any]:
    """Report while holding the database's write lock, then roll back: the report must not wait, nor be undone."""
    began = time.monotonic()
    try:
        with job.database.transaction() as session:
            session.execute(text("INSERT INTO number (value, process) VALUES (1, 1)"))
            for number in range(100):
                job.progress(number, 100, "inside")
            took = time.monotonic() - began
            time.sleep(0.6)
            raise InterruptedError
    except InterruptedError:
        return {"took": took}


def backwards(job: Running) -> None:
    """Report a smaller number after a larger one."""
    for done in (10, 40, 20, 60):
        job.progress(done, 100, "step")
        time.sleep(0.4)
