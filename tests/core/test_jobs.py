"""Jobs: long work in processes that really are killed, on both databases."""

import io
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from commonweal.core import jobs
from commonweal.core.database import Database
from commonweal.core.directories import init
from commonweal.core.errors import CommonwealError, Conflict, InputError, NotFound, Refused, Unavailable
from commonweal.core.jobs import launch, lease, service
from commonweal.core.jobs.models import Job
from commonweal.core.jobs.process import Process, is_gone, this_process
from commonweal.core.jobs.progress import follow
from commonweal.core.settings import Settings

HERE = Path(__file__).parent
HANDLERS = [
    "count",
    "wait",
    "deaf",
    "die",
    "die_late",
    "refuse",
    "stumble",
    "return_a_path",
    "talk",
    "report_inside_a_transaction",
    "backwards",
    "absent",
]
REGISTRY = {name: f"job_handlers:{name}" for name in HANDLERS}


class Workshop:
    """A data directory on one of the databases, and processes that work in it."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.processes: list[subprocess.Popen[str]] = []

    def run(self, kind: str, on_progress: Callable[[jobs.Progress], None] | None = None, **parameters: Any) -> Any:
        return jobs.run_now(self.settings, self.database, kind, parameters, "os:clerk", REGISTRY, on_progress)

    def start(self, kind: str | None, grace: float = 10.0, **parameters: Any) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, str(HERE / "job_parent.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        told = {
            "settings": self.settings,
            "registry": REGISTRY,
            "kind": kind,
            "parameters": parameters,
            "grace": grace,
        }
        assert process.stdin is not None
        process.stdin.buffer.write(pickle.dumps(told))
        process.stdin.close()
        process.stdin = None
        self.processes.append(process)
        return process

    def submit(self, kind: str, **parameters: Any) -> int:
        return jobs.submit(self.database, kind, parameters, "os:clerk")

    def job(self, number: int = 1) -> Job:
        return jobs.get(self.database, number)

    def numbers(self) -> list[int]:
        with self.database.reading() as session:
            return list(session.scalars(text("SELECT value FROM number ORDER BY value")))

    def change(self, statement: str, **values: Any) -> None:
        with self.database.transaction() as session:
            session.execute(text(statement), values)


@pytest.fixture
def workshop(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(HERE), os.environ.get("PYTHONPATH", ""))))
    made = init(tmp_path / "data", tmp_path / "keys")
    settings = made.model_copy(update={"database_url": database.url, "job_attempts": 3})
    workshop = Workshop(settings, database)
    workshop.change("CREATE TABLE number (value INTEGER, process INTEGER)")
    yield workshop
    for process in workshop.processes:
        process.kill()
        process.communicate()


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Wait for something that other processes bring about."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def worker_of(workshop: Workshop) -> Process:
    job = until(lambda: next((job for job in jobs.newest(workshop.database) if job.state == "running"), None))
    return Process(job.machine, job.process, job.process_started)


def lacks(values: list[int], total: int) -> bool:
    return values != list(range(total))


def test_a_job_that_runs_through_gives_its_result_and_its_progress(workshop: Workshop) -> None:
    seen: list[jobs.Progress] = []
    assert workshop.run("count", seen.append, total=30, pause=0.02) == {"counted": 30}
    assert workshop.numbers() == list(range(30))
    assert (seen[-1].state, seen[-1].done, seen[-1].total) == ("succeeded", 30, 30)
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    job = workshop.job()
    assert (job.attempts, job.who, job.parameters) == (1, "os:clerk", {"total": 30, "pause": 0.02})
    assert job.submitted <= job.started <= job.finished  # type: ignore[operator]


def test_a_job_runs_in_a_process_of_its_own(workshop: Workshop) -> None:
    workshop.run("count", total=1)
    with workshop.database.reading() as session:
        assert session.scalar(text("SELECT process FROM number")) != os.getpid()


def test_a_job_killed_at_random_moments_ends_with_exactly_the_right_result(workshop: Workshop) -> None:
    workshop.settings = workshop.settings.model_copy(update={"job_attempts": 50})
    moments = random.Random(20150327)
    kills = 0

    def kill_now_and_then() -> None:
        nonlocal kills
        while kills < 5:
            worker = worker_of(workshop)
            time.sleep(moments.uniform(0.0, 0.4))
            if is_gone(worker) is False:
                os.kill(worker.number, signal.SIGKILL)
                kills += 1
            until(lambda worker=worker: is_gone(worker))

    seen: list[int] = []
    killer = threading.Thread(target=kill_now_and_then, daemon=True)
    killer.start()
    assert workshop.run("count", lambda progress: seen.append(progress.done), total=250, pause=0.01) == {"counted": 250}
    killer.join()
    assert kills == 5
    assert workshop.job().attempts == 6
    assert workshop.numbers() == list(range(250))
    assert seen == sorted(seen), "progress went back"


def test_a_job_that_dies_again_and_again_without_progress_fails_with_the_reason(workshop: Workshop) -> None:
    with pytest.raises(CommonwealError, match="its worker died 3 times without progress"):
        workshop.run("die")
    assert (workshop.job().state, workshop.job().attempts) == ("failed", 3)


def test_deaths_with_progress_between_them_are_not_counted_together(workshop: Workshop) -> None:
    assert workshop.run("die_late", steps=5) == {"steps": 5}
    assert workshop.job().attempts == 5


def test_a_worker_ends_with_the_process_that_waits_for_it_and_a_rerun_goes_on(workshop: Workshop) -> None:
    parent = workshop.start("count", total=120, pause=0.02)
    worker = worker_of(workshop)
    until(lambda: len(workshop.numbers()) > 5)
    parent.kill()
    until(lambda: is_gone(worker), seconds=3.0)
    before = workshop.numbers()
    assert lacks(before, 120)
    assert workshop.run("count", total=120, pause=0.02) == {"counted": 120}
    assert workshop.numbers() == list(range(120))
    assert [job.attempts for job in jobs.newest(workshop.database)] == [2], "the same job was taken up, no second one"


def test_a_rerun_after_the_whole_process_group_was_killed_takes_up_the_same_job(workshop: Workshop) -> None:
    parent = workshop.start("count", total=120, pause=0.02)
    worker_of(workshop)
    until(lambda: len(workshop.numbers()) > 5)
    os.killpg(parent.pid, signal.SIGKILL)
    parent.wait()
    assert workshop.run("count", total=120, pause=0.02) == {"counted": 120}
    assert workshop.numbers() == list(range(120))
    assert len(jobs.newest(workshop.database)) == 1


def test_other_parameters_make_another_job_and_so_does_a_finished_one(workshop: Workshop) -> None:
    workshop.run("count", total=1)
    workshop.run("count", total=2)
    workshop.run("count", total=1)
    assert [job.id for job in jobs.newest(workshop.database)] == [3, 2, 1]


def test_a_job_that_runs_elsewhere_is_followed_not_run_twice(workshop: Workshop) -> None:
    workshop.start("count", total=80, pause=0.02)
    worker_of(workshop)
    assert workshop.run("count", total=80, pause=0.02) == {"counted": 80}
    assert workshop.numbers() == list(range(80))
    assert [job.attempts for job in jobs.newest(workshop.database)] == [1]


def test_cancelling_a_running_job_stops_it_and_resuming_goes_on_where_it_stopped(workshop: Workshop) -> None:
    parent = workshop.start("count", total=100, pause=0.02)
    until(lambda: len(workshop.numbers()) > 5)
    jobs.cancel(workshop.database, 1, "os:clerk", "wrong month")
    assert parent.communicate(timeout=20)[0].strip() == "Cancelled"
    assert workshop.job().state == "cancelled"
    assert lacks(workshop.numbers(), 100)
    jobs.resume(workshop.database, 1, "os:clerk")
    assert launch.follow_job(workshop.settings, workshop.database, 1, "os:clerk", REGISTRY) == {"counted": 100}
    assert workshop.numbers() == list(range(100))


def test_a_job_in_the_queue_is_cancelled_at_once(workshop: Workshop) -> None:
    number = workshop.submit("count", total=1)
    assert jobs.cancel(workshop.database, number, "os:clerk").state == "cancelled"
    launch.work(workshop.settings, workshop.database, REGISTRY, once=True)
    assert workshop.numbers() == []


def test_a_job_whose_worker_is_dead_is_cancelled_at_once(workshop: Workshop) -> None:
    number = workshop.submit("count", total=1)
    assert lease.claim(workshop.database, ["count"])
    workshop.change("UPDATE job SET process_started = 1")  # a process that ended, its number used again
    assert jobs.cancel(workshop.database, number, "os:clerk").state == "cancelled"


def test_what_has_finished_cannot_be_cancelled_and_what_succeeded_not_resumed(workshop: Workshop) -> None:
    workshop.run("count", total=1)
    with pytest.raises(Conflict):
        jobs.cancel(workshop.database, 1, "os:clerk")
    with pytest.raises(Conflict):
        jobs.resume(workshop.database, 1, "os:clerk")
    with pytest.raises(NotFound):
        jobs.cancel(workshop.database, 99, "os:clerk")


def test_ctrl_c_cancels_the_job(workshop: Workshop, tmp_path: Path) -> None:
    parent = workshop.start("wait", started=str(tmp_path / "started"))
    until((tmp_path / "started").exists)
    worker = worker_of(workshop)
    os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: to the command and the worker alike
    assert parent.communicate(timeout=20)[0].strip() == "Cancelled"
    assert workshop.job().state == "cancelled"
    assert is_gone(worker)


def test_ctrl_c_kills_a_worker_that_does_not_listen(workshop: Workshop, tmp_path: Path) -> None:
    parent = workshop.start("deaf", grace=0.5, started=str(tmp_path / "started"))
    until((tmp_path / "started").exists)
    worker = worker_of(workshop)
    parent.send_signal(signal.SIGINT)
    assert parent.communicate(timeout=20)[0].strip() == "Cancelled"
    assert workshop.job().state == "cancelled"
    assert is_gone(worker)


def test_two_workers_at_one_queue_run_each_job_once(workshop: Workshop) -> None:
    for total in range(6):
        workshop.submit("count", total=total, pause=0.01)
    working = [workshop.start(None, once=True) for _ in range(2)]
    for process in working:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert [(job.state, job.attempts) for job in jobs.newest(workshop.database)] == [("succeeded", 1)] * 6
    assert workshop.numbers() == sorted(number for total in range(6) for number in range(total))


def test_of_many_claims_at_once_one_gets_the_job(workshop: Workshop) -> None:
    workshop.submit("count", total=1)
    got: list[Job | None] = []
    barrier = threading.Barrier(6)

    def try_to_claim() -> None:
        barrier.wait()
        got.append(lease.claim(workshop.database, ["count"]))

    threads = [threading.Thread(target=try_to_claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([job for job in got if job is not None]) == 1


def test_a_stopped_queue_worker_leaves_its_job_to_the_next(workshop: Workshop, tmp_path: Path) -> None:
    workshop.submit("count", total=60, pause=0.02)
    working = workshop.start(None, once=False)
    until(lambda: len(workshop.numbers()) > 5)
    working.terminate()
    working.communicate(timeout=20)
    assert (workshop.job().state, workshop.job().deaths) == ("queued", 0)
    launch.work(workshop.settings, workshop.database, REGISTRY, once=True)
    assert workshop.job().state == "succeeded"
    assert workshop.numbers() == list(range(60))


def test_the_queue_leaves_kinds_it_has_no_handler_for_to_others(workshop: Workshop) -> None:
    workshop.submit("unknown")
    launch.work(workshop.settings, workshop.database, REGISTRY, once=True)
    assert workshop.job().state == "queued"


@pytest.mark.parametrize(("seconds", "expected"), [(-1, "queued"), (60, "running")])
def test_a_worker_on_another_machine_is_given_up_only_after_its_lease(
    workshop: Workshop, seconds: int, expected: str
) -> None:
    workshop.submit("count", total=1)
    claimed = lease.claim(workshop.database, ["count"], hold=timedelta(seconds=seconds))
    assert claimed is not None
    workshop.change("UPDATE job SET machine = 'another machine'")
    lease.settle(workshop.database, attempts=3)
    assert workshop.job().state == expected


def test_a_living_worker_keeps_its_job_though_its_lease_ran_out(workshop: Workshop) -> None:
    workshop.submit("count", total=1)
    lease.claim(workshop.database, ["count"], hold=timedelta(seconds=-60))
    lease.settle(workshop.database, attempts=3)
    assert workshop.job().state == "running"


def test_a_worker_that_lost_its_job_changes_nothing_any_more(workshop: Workshop) -> None:
    workshop.submit("count", total=1)
    claimed = lease.claim(workshop.database, ["count"])
    assert claimed is not None
    running = jobs.Running(workshop.settings, workshop.database, claimed)
    running.save({"next": 1})
    workshop.change("UPDATE job SET claim = 'of another worker'")
    with pytest.raises(jobs.Interrupted):
        running.save({"next": 2})
    with workshop.database.transaction() as session:
        assert not lease.release(session, running.id, running.claim, "succeeded")
    assert (workshop.job().state, workshop.job().saved) == ("running", {"next": 1})


def test_a_job_fails_with_the_error_its_handler_raised(workshop: Workshop) -> None:
    with pytest.raises(Refused) as raised:
        workshop.run("refuse")
    assert (raised.value.what, raised.value.where, raised.value.expected) == (
        "fewer than 15 people",
        "mobility.home",
        "larger areas",
    )
    assert workshop.job().attempts == 1


def test_of_an_unexpected_error_type_and_place_are_kept_but_never_its_message(
    workshop: Workshop, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommonwealError, match=r"job_handlers:\d+: unexpected ValueError"):
        workshop.run("stumble")
    with workshop.database.reading() as session:
        stored = str(session.execute(text("SELECT * FROM job")).all())
    assert "231770000001" not in stored + "".join(capfd.readouterr())


def test_the_traceback_is_printed_when_it_is_asked_for(workshop: Workshop, capfd: pytest.CaptureFixture[str]) -> None:
    workshop.settings = workshop.settings.model_copy(update={"debug": True})
    with pytest.raises(CommonwealError):
        workshop.run("stumble")
    assert "Traceback" in capfd.readouterr().err


def test_a_result_that_is_not_plain_json_fails_the_job(workshop: Workshop) -> None:
    with pytest.raises(InputError, match=r"job 1, result\.path"):
        workshop.run("return_a_path")


def test_a_handler_that_cannot_be_imported_fails_the_job_at_once(workshop: Workshop) -> None:
    with pytest.raises(CommonwealError, match="unexpected AttributeError"):
        workshop.run("absent")
    assert workshop.job().attempts == 1


@pytest.mark.parametrize("parameters", [{"at": datetime.now(UTC)}, {"path": Path("x")}, {"share": float("nan")}])
def test_parameters_that_are_not_plain_json_are_refused(workshop: Workshop, parameters: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="parameters"):
        workshop.submit("count", **parameters)
    assert jobs.newest(workshop.database) == []


def test_a_worker_that_cannot_start_is_reported_instead_of_started_for_ever(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Unavailable, match="ends as soon as it is started"):
        workshop.run("count", total=1)


def test_reports_from_inside_a_transaction_neither_wait_for_it_nor_go_with_it(workshop: Workshop) -> None:
    result = workshop.run("report_inside_a_transaction")
    assert result["took"] < 0.2
    assert workshop.job().done == 99
    assert workshop.numbers() == []


def test_progress_of_a_step_never_goes_back(workshop: Workshop) -> None:
    seen: list[int] = []
    workshop.run("backwards", lambda progress: seen.append(progress.done))
    assert set(seen) == {0, 10, 40, 60}
    assert seen == sorted(seen)


def test_progress_is_written_at_most_four_times_a_second(workshop: Workshop) -> None:
    seen: list[int] = []
    began = time.monotonic()
    workshop.run("count", lambda progress: seen.append(progress.done), total=200, pause=0.005)
    assert len(set(seen)) <= 4 * (time.monotonic() - began) + 2


def test_the_newest_lines_are_kept_and_long_ones_cut(workshop: Workshop) -> None:
    workshop.run("talk", lines=lease.LINES_KEPT + 200)
    lines = jobs.lines(workshop.database, 1)
    assert len(lines) == lease.LINES_KEPT
    assert lines[-1].text.startswith(f"line {lease.LINES_KEPT + 199} ")
    assert max(len(line.text) for line in lines) == lease.LINE_LENGTH
    assert not any("\n" in line.text for line in lines)


def test_a_dead_process_that_nobody_has_waited_for_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    status = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    process = Process(this_process().machine, child.pid, int(status[19]))
    assert is_gone(process) is False
    child.kill()
    until(lambda: is_gone(process))
    child.communicate()
    assert is_gone(process)


def test_a_later_process_with_the_same_number_is_not_taken_for_the_worker() -> None:
    this = this_process()
    assert is_gone(Process(this.machine, this.number, this.started - 1)) is True


def test_without_a_terminal_progress_is_a_few_plain_lines() -> None:
    file = io.StringIO()
    with follow("Importing", file) as on_progress:
        for done in range(1001):
            on_progress(jobs.Progress(1, "running", done, 1000, "reading", 1, ()))
    lines = file.getvalue().splitlines()
    assert 10 <= len(lines) <= 13
    assert lines[-1] == "Importing: reading 100 %"


def test_a_person_who_cancels_or_resumes_is_recorded(workshop: Workshop) -> None:
    number = workshop.submit("count", total=1)
    service.cancel(workshop.database, number, "os:clerk", "wrong month")
    service.resume(workshop.database, number, "os:chief")
    with workshop.database.reading() as session:
        entries = session.execute(text("SELECT who, action, what, why FROM audit_entry ORDER BY sequence")).all()
    assert [tuple(entry) for entry in entries] == [
        ("os:clerk", "jobs.cancel", "job 1 count", "wrong month"),
        ("os:chief", "jobs.resume", "job 1 count", None),
    ]
