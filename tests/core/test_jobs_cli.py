"""`commonweal jobs`, as a person at a terminal uses it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.core import jobs
from commonweal.core.audit import who
from commonweal.core.console import Home

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(home: Home, tmp_path: Path) -> Run:
    """Run the whole command line, with one more kind of job among the handlers."""
    program = tmp_path / "program.py"
    program.write_text(
        "import commonweal.cli as cli\n"
        "from commonweal.core.domain import Domain\n"
        "jobs = {'count': 'job_handlers:count'}\n"
        "cli.ROOMS = (*cli.ROOMS, Domain(name='counting', title='', summary='', jobs=jobs))\n"
        "if __name__ == '__main__':\n"
        "    cli.main()\n"
    )
    environment = os.environ | {
        "COMMONWEAL_DATA": str(home.settings.data),
        "PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), os.environ.get("PYTHONPATH", ""))),
    }
    with home.database.transaction() as session:
        session.connection().exec_driver_sql("CREATE TABLE number (value INTEGER, process INTEGER)")
    return lambda *arguments: subprocess.run(
        [sys.executable, str(program), "jobs", *arguments], env=environment, capture_output=True, text=True, timeout=60
    )


def test_a_queued_job_is_listed_worked_off_and_shown(home: Home, run: Run) -> None:
    number = jobs.submit(home.database, "count", {"total": 3}, who())
    assert [job["state"] for job in json.loads(run("list", "--json").stdout)] == ["queued"]
    assert run("work", "--once").returncode == 0
    shown = json.loads(run("show", str(number), "--json").stdout)
    assert (shown["state"], shown["result"], shown["done"]) == ("succeeded", {"counted": 3}, 3)
    assert "succeeded" in run("list").stdout
    assert "succeeded" in run("show", str(number)).stdout


def test_a_cancelled_job_is_resumed_here_and_now(home: Home, run: Run) -> None:
    number = jobs.submit(home.database, "count", {"total": 3}, who())
    assert run("cancel", str(number), "--why", "wrong month").stdout == f"job {number} is cancelled\n"
    result = run("resume", str(number))
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"job {number} has succeeded\n")
    assert "counting" in result.stderr


def test_a_job_that_is_not_there_is_an_error_of_one_line(run: Run) -> None:
    result = run("show", "99")
    assert result.returncode == 3
    assert result.stderr.splitlines() == [
        "error: there is no job 99 (expected: a number that commonweal jobs list shows)"
    ]
