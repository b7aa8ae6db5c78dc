"""Whatever is killed, whenever: the same command again ends in the same contents, and nothing is left behind."""

import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

RUNNING = ("mobility", "run", "--project", "sample")


def test_killed_at_random_moments_it_ends_in_the_same_contents(begun, sample, undisturbed, tmp_path: Path) -> None:
    chance = random.Random(1)
    place = begun.copy(tmp_path)

    def works() -> bool:
        return _is_running(place.data)

    def publishes() -> bool:
        return (place.data / "lake" / ".incoming").exists()

    _kill_and_run_again(place, sample.importing, "everything", chance, works, _lasted(undisturbed, 1))
    _kill_and_run_again(place, RUNNING, "the command", chance, publishes, 1.0)
    undisturbed.equals(place)


def test_killed_before_a_rename_it_ends_in_the_same_contents(begun, sample, undisturbed, tmp_path: Path, need) -> None:
    """The moment before a rename is where most is half-done: every worker is killed at its n-th."""
    at = ("rename", "renameat", "renameat2", "link", "linkat")
    killing = (need("strace"), "-f", "-qq", "-o", "/dev/null", "-e", f"trace={','.join(at)}")
    place = begun.copy(tmp_path, COMMONWEAL_JOB_ATTEMPTS="1")  # else one worker after another would be killed
    for command, call in ((sample.importing, 17), (RUNNING, 2)):
        when = ("-e", f"inject={','.join(at)}:signal=SIGKILL:when={call}")
        assert "its worker died" in place.attempt(*command, prefix=(*killing, *when)).error
        place.run(*command)
    undisturbed.equals(place)


def _kill_and_run_again(place, command, victim: str, chance: random.Random, begins: Callable[[], bool], lasts: float):
    for attempt in range(8):
        process = place.start(*command)
        landed = _kill(process, victim, begins, chance.uniform(0, lasts / 2**attempt))
        _, err = process.communicate(timeout=300)
        assert "Traceback" not in err, err
        if landed:
            break
        assert process.returncode == 0, err
        pytest.fail("it had always finished before it could be killed") if attempt == 7 else None
    place.run(*command)


def _kill(process: subprocess.Popen[str], victim: str, begins: Callable[[], bool], delay: float) -> bool:
    """Kill all of it, or the command alone, a while after the work begins; say whether it was still there."""
    while not begins():
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    time.sleep(delay)
    if process.poll() is not None:
        return False
    try:
        if victim == "everything":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except ProcessLookupError:
        return False
    return True


def _is_running(data: Path) -> bool:
    with closing(sqlite3.connect(f"file:{data / 'commonweal.db'}?mode=ro", uri=True)) as records:
        return bool(records.execute("SELECT count(*) FROM job WHERE state = 'running'").fetchone()[0])


def _lasted(undisturbed, job: int) -> float:
    """Seconds that a job took undisturbed."""
    query = "SELECT (julianday(finished) - julianday(started)) * 86400 FROM job WHERE id = ?"
    with closing(sqlite3.connect(undisturbed.place.data / "commonweal.db")) as records:
        return float(records.execute(query, [job]).fetchone()[0])
