"""A real Spark cluster — a master and two workers, known to one another by a secret — that loses workers on the way."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

RUNNING = ("mobility", "run", "--project", "sample")
PATIENCE = 120.0


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def children(process: int) -> list[int]:
    """Numbers of the processes that a process has begun and that have not ended."""
    found = list[int]()
    with suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            found += [int(number) for number in (task / "children").read_text().split()]
    return [number for number in found if _is_there(number)]


def _is_there(process: int) -> bool:
    with suppress(OSError):
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())  # one that has ended has no more command line
    return False


def within(seconds: float, what: Callable[[], bool], said: str) -> None:
    """Wait until something is so."""
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends, said
        time.sleep(0.02)


@dataclass
class SparkCluster:
    """A master and its workers on this machine, from the package's own scripts."""

    home: Path
    folder: Path
    environment: dict[str, str]
    stack: ExitStack
    port: int = field(default_factory=free_port)
    page: int = field(default_factory=free_port)

    @property
    def master(self) -> str:
        return f"spark://127.0.0.1:{self.port}"

    def begin(self) -> None:
        """Start the master; it is there once its page is."""
        where = ("--host", "127.0.0.1", "--port", str(self.port), "--webui-port", str(self.page))
        self._daemon("master", "org.apache.spark.deploy.master.Master", *where)
        within(PATIENCE, lambda: self.workers() == 0, "the master does not start")

    def worker(self, name: str) -> int:
        """Start a worker of one core; give the number of its process once the master knows it."""
        before = self.workers() or 0
        where = ("--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--work-dir", str(self.folder / name))
        chosen = ("--webui-port", "0", self.master)
        started = self._daemon(name, "org.apache.spark.deploy.worker.Worker", *where, *chosen)
        within(PATIENCE, lambda: (self.workers() or 0) > before, "a worker does not start")
        return started

    def workers(self) -> int | None:
        """How many workers the master counts as alive; None if it does not answer."""
        address = f"http://127.0.0.1:{self.page}/json/"
        with suppress(OSError, ValueError), urllib.request.urlopen(address, timeout=5) as answer:
            return int(json.load(answer)["aliveworkers"])
        return None

    def _daemon(self, name: str, kind: str, *arguments: str) -> int:
        log = self.stack.enter_context((self.folder / f"{name}.log").open("wb"))
        process = subprocess.Popen(
            [self.home / "bin" / "spark-class", kind, *arguments],
            env=os.environ | self.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self.stack.callback(self._end, process)
        return process.pid

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        executors = children(process.pid)
        for one in (process.pid, *executors):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        process.wait()


def works(worker: int) -> list[int]:
    """The executors of a worker in which Python is at work."""
    return [executor for executor in children(worker) if any(children(daemon) for daemon in children(executor))]


def kill(worker: int) -> None:
    """Kill a worker and what it had begun, without a word."""
    for process in (worker, *children(worker)):
        os.kill(process, signal.SIGKILL)


def end(process: subprocess.Popen[str]) -> None:
    """End a command that is still there because the test has failed."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def spark_cluster(need: Callable[..., str], missing: Callable[[str], None], tmp_path: Path) -> Iterator[SparkCluster]:
    """A master that knows its workers, and those who ask for work, by a secret."""
    need("java")
    try:
        import pyspark
    except ImportError:
        missing("the package pyspark is not installed")
    conf = tmp_path / "spark"
    conf.mkdir(mode=0o700)
    lines = ("spark.authenticate true", f"spark.authenticate.secret {secrets.token_hex(16)}")
    (conf / "spark-defaults.conf").write_text("\n".join(lines) + "\n")
    (conf / "spark-defaults.conf").chmod(0o600)
    environment = {"SPARK_CONF_DIR": str(conf), "SPARK_LOCAL_DIRS": str(conf / "local"), "SPARK_NO_DAEMONIZE": "1"}
    with ExitStack() as stack:
        made = SparkCluster(Path(pyspark.__file__).parent, conf, environment, stack)
        made.begin()
        yield made


def test_a_cluster_that_loses_workers_comes_to_what_threads_come_to(
    begun, sample, undisturbed, spark_cluster: SparkCluster, tmp_path: Path
) -> None:
    workers = [spark_cluster.worker("first"), spark_cluster.worker("second")]
    place = begun.copy(tmp_path / "place", **spark_cluster.environment)

    def at_work(*command: object) -> subprocess.Popen[str]:
        """Start a command on the cluster; give it once a task is worked on."""
        process = place.start(*command, "--engine", spark_cluster.master)
        spark_cluster.stack.callback(end, process)
        within(PATIENCE, lambda: bool(working()) or process.poll() is not None, "no task is given to a worker")
        assert process.poll() is None, process.communicate()
        return process

    def working() -> list[int]:
        return [worker for worker in workers if works(worker)]

    def lose_one(process: subprocess.Popen[str]) -> None:
        """Kill a worker in the middle of a command, which must end well all the same."""
        [lost, *_] = working()
        kill(lost)
        workers.remove(lost)
        out, err = process.communicate(timeout=PATIENCE * 2)
        assert process.returncode == 0, f"{out}\n{err}"
        assert "Spark" not in err, err

    killed = at_work(*sample.importing)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert not list((place.data / "store").rglob("events/*")), "something was written"
    within(PATIENCE, lambda: not any(map(children, workers)), "what the killed command had begun does not end")
    lose_one(at_work(*sample.importing))
    workers.append(spark_cluster.worker("third"))
    lose_one(at_work(*RUNNING))
    assert spark_cluster.workers() == len(workers) == 1
    undisturbed.equals(place)
    _nothing_is_told(spark_cluster.folder, place)


def _nothing_is_told(folder: Path, place) -> None:
    """What Spark wrote — logs, shuffled records, what it spilled — names nobody, by number or by pseudonym."""
    from commonweal.mobility.keys import open_key
    from commonweal.mobility.store import EpochStore

    store = EpochStore(place.data / "store" / "sample" / "2026", open_key(place.keys, "sample", "2026"))
    some = store.read(store.manifest.events()[0].file)["subscriber"].to_pylist()[:50]
    forms = [form for one in some for form in (str(one).encode(), one.to_bytes(8, "little", signed=True))]
    secret = (place.keys / "mobility" / "sample" / "2026.key").read_bytes().strip()
    looked_at = 0
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            looked_at += len(content)
            assert not [form for form in (*forms, secret) if form in content], path
    assert looked_at > 1000
