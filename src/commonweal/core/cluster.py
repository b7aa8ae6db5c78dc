"""Work on Spark: the same functions as on threads, on this machine or on many.

Two shapes of work. `Cluster.reduce` has each task work on one reference, read what that stands for by itself, and give
a result; results are added. `Cluster.shuffle` has each task give keyed records, which Spark brings together by
partition and sorts by key within each; a second function then works on a partition. Neither knows what it carries.

A task that fails is tried again elsewhere, and what a lost worker had made is made again: functions must give the same
whenever and wherever they are called. What goes wrong in a task is passed on as a `CommonwealError` and nothing more:
messages of other errors may quote a row, and workers write what they are told into their logs.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import uuid4

from commonweal.core.cluster_tasks import (
    Among,
    Pairwise,
    Partition,
    Record,
    References,
    Stream,
    Task,
    Told,
    itself,
    partition_of,
)
from commonweal.core.errors import CommonwealError, Refused, Unavailable
from commonweal.core.settings import LOOPBACK, Settings

if TYPE_CHECKING:
    from pyspark import RDD, SparkContext

Reference = TypeVar("Reference")
Result = TypeVar("Result")
ATTEMPTS = 4
AT_ONCE = 64  # results that are added here; more are first added by tasks
LOOK_SECONDS = 0.1
ANSWER_SECONDS = 5.0
MASTER_SECONDS = 20.0  # between two looks whether the master is there
SILENT = 3  # looks after which it is given up
_GUARD = "_SPARK_AUTH_SECRET"  # the variable by which Spark itself passes its secret to workers

_USUAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",
    "spark.task.maxFailures": str(ATTEMPTS),
    "spark.driver.maxResultSize": "0",
    "spark.network.crypto.enabled": "true",
    "spark.io.encryption.enabled": "true",
    "spark.python.unix.domain.socket.enabled": "true",
}
"""What holds unless Spark's own ``spark-defaults.conf`` says otherwise."""


class Cluster:
    """A connection to Spark, as long as its ``with`` block lasts.

    Parameters
    ----------
    settings
        Whose `engine` is the master.

    Raises
    ------
    Unavailable
        Spark is not installed, or its master does not answer.
    Refused
        The master is on another machine and Spark has no secret by which its parts know one another.
    """

    def __init__(self, settings: Settings) -> None:
        self.master = settings.engine
        self.debug = settings.debug
        self._context: SparkContext | None = None
        self._owned = False

    def __enter__(self) -> Cluster:
        try:
            from pyspark import SparkConf, SparkContext
            from pyspark.java_gateway import launch_gateway
        except ImportError:
            raise Unavailable(
                "Spark is not installed", expected="pip install 'commonweal[spark]' and Java 17 or later"
            ) from None
        if SparkContext._active_spark_context is not None:
            self._context = SparkContext._active_spark_context
            return self
        conf = SparkConf().setMaster(self.master).setAppName("commonweal").setAll(list(self._choices().items()))
        # Workers run this very interpreter; where it lies elsewhere on them, the variable says where.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
        quiet = {} if self.debug else {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        try:
            with warnings.catch_warnings():  # of parts of Spark that are not used here
                warnings.simplefilter("ignore")
                gateway = launch_gateway(conf, quiet)  # type: ignore[no-untyped-call]
                self._context = SparkContext(conf=conf, gateway=gateway)
        except Exception as error:
            _end_java()
            raise Unavailable(
                f"Spark does not start: {type(error).__name__}", where=self.master, expected="Java 17 or later"
            ) from None
        self._owned = True
        return self

    def __exit__(self, *_: object) -> None:
        context, self._context = self._context, None
        if context is None or not self._owned:
            return
        context.stop()
        _end_java()

    @property
    def cores(self) -> int:
        """How many tasks the cluster works on at once."""
        return int(self._spark.defaultParallelism)

    def reduce(
        self,
        function: Callable[[Reference], Result],
        references: Sequence[Reference],
        add: Callable[[Sequence[Result]], Result],
        on_done: Callable[[int], None] = lambda done: None,
    ) -> Result:
        """Apply a function to each reference, one a task, and add what they give.

        Parameters
        ----------
        function
            Of a module that workers have too, and so what it gives.
        references
            Plain data; what many of them hold in common travels once.
        add
            In whatever order and division, with the same result.
        on_done
            Told how many references are done; it may raise to stop the work.
        """
        parts = self._each(function, references)
        several, total = len(references), len(references)
        while several > AT_ONCE:
            several = -(-several // 16)
            parts = parts.mapPartitionsWithIndex(Among(several)).reduceByKey(Pairwise(add), several, itself).values()
        return add(self._follow(parts.collect, total, on_done))

    def map(
        self,
        function: Callable[[Reference], Result],
        references: Sequence[Reference],
        on_done: Callable[[int], None] = lambda done: None,
    ) -> list[Result]:
        """Apply a function to each reference; give the results in their order. As `reduce`."""
        return self._follow(self._each(function, references).collect, len(references), on_done)

    def shuffle(
        self, function: Callable[[Reference], Iterable[Record]], references: Sequence[Reference], partitions: int
    ) -> Shuffled[Reference]:
        """Have each reference's records brought to the partitions that their keys name, sorted by key within each.

        Nothing runs before something is asked of a partition.
        """
        return Shuffled(self, function, references, partitions)

    @property
    def _spark(self) -> SparkContext:
        assert self._context is not None
        return self._context

    def _each(self, function: Callable[[Reference], Result], references: Sequence[Reference]) -> RDD[Result]:
        spread = References.of(self._spark, references)
        return self._spark.parallelize(range(len(references)), len(references)).map(Task(function, spread))

    def _follow(self, action: Callable[[], list[Any]], total: int, on_done: Callable[[int], None]) -> list[Any]:
        """Run an action of Spark beside this thread, which tells how far it is and stops it if it is told to."""
        from pyspark import InheritableThread

        spark, group = self._spark, f"commonweal-{uuid4().hex}"
        outcome: list[Any] = []
        wrong: list[Exception] = []

        def work() -> None:
            try:
                spark.setJobGroup(group, "commonweal", interruptOnCancel=True)
                outcome.extend(action())
            except Exception as error:
                wrong.append(error)

        thread = InheritableThread(target=work, daemon=True)
        thread.start()
        try:
            told, silence = -1, _Silence(self.master)
            while thread.is_alive():
                thread.join(LOOK_SECONDS)
                silence.look()
                done = max(told, min(total, self._done(group)))
                if thread.is_alive() and done != told:
                    on_done(done)
                    told = done
        except BaseException:
            while thread.is_alive():  # more than once: it may not have begun yet
                spark.cancelJobGroup(group)
                thread.join(LOOK_SECONDS)
            raise
        if wrong:
            raise self._explained(wrong[0]) from None
        on_done(total)
        return outcome

    def _done(self, group: str) -> int:
        """Give how many tasks of a group are done."""
        tracker = self._spark.statusTracker()
        done = 0
        for job in tracker.getJobIdsForGroup(group):
            info = tracker.getJobInfo(job)
            stages = [tracker.getStageInfo(stage) for stage in (info.stageIds if info else ())]
            done += sum(stage.numCompletedTasks for stage in stages if stage)
        return done

    def _explained(self, error: Exception) -> CommonwealError:
        said = str(error)
        if found := re.findall(rf"{Told.__name__}: (\{{.*\}})", said):
            from commonweal.core.jobs.failure import restore

            return restore(json.loads(found[-1]))
        if isinstance(error, CommonwealError):
            return error
        lost = re.search(r"ExecutorLostFailure|Python worker exited|OutOfMemoryError", said)
        return Unavailable(
            f"Spark stopped: {f'workers were lost ({lost[0]})' if lost else type(error).__name__}",
            where=self.master,
            expected="Java 17 or later, memory enough and the same environment on every worker; see docs/scale.md",
        )

    def _choices(self) -> dict[str, str]:
        """Give what is chosen for this connection; what Spark's own file says stands."""
        said = _spark_defaults()
        chosen = dict(_USUAL)
        guarded = said.get("spark.authenticate") == "true" or _GUARD in os.environ
        if self.master.startswith("local"):
            chosen |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
        elif self.master.startswith("spark://"):
            own, near = _own_address(self.master)
            if not (guarded or near):
                raise Refused(
                    "the master is on another machine, and Spark has no secret: whoever reaches it could run anything "
                    "where the keys lie",
                    where=self.master,
                    expected="spark.authenticate and a secret in spark-defaults.conf; see docs/scale.md",
                )
            chosen["spark.driver.host"] = own
            if own in LOOPBACK:
                chosen["spark.driver.bindAddress"] = own
        else:  # YARN and Kubernetes make a secret for each application
            guarded = True
        # Without a secret Spark cannot encrypt what it sends; on this machine alone it makes one itself.
        if guarded or self.master.startswith("local"):
            chosen["spark.authenticate"] = "true"
        else:
            del chosen["spark.network.crypto.enabled"]
        return {name: value for name, value in chosen.items() if name not in said}


class Shuffled(Generic[Reference]):
    """Records by partition, sorted by key within each. Made by `Cluster.shuffle`."""

    def __init__(
        self,
        cluster: Cluster,
        function: Callable[[Reference], Iterable[Record]],
        references: Sequence[Reference],
        partitions: int,
    ) -> None:
        self._cluster = cluster
        self._left = len(references)
        spread = References.of(cluster._spark, references)
        made = cluster._spark.parallelize(range(len(references)), max(1, len(references)))
        records = made.flatMap(Stream(function, spread))
        self._sorted = records.repartitionAndSortWithinPartitions(partitions, partition_of)

    def map(
        self,
        function: Callable[[int, Iterator[Record]], Result],
        partitions: Sequence[int],
        on_done: Callable[[int], None] = lambda done: None,
    ) -> list[Result]:
        """Apply a function to the number and the records of each of some partitions; give the results in their order.

        The first call has the records made; later ones find them on the workers' disks, unless a worker was lost with
        what it held: that is made again.

        Parameters
        ----------
        on_done
            Told how many references, in the first call, and partitions are done; it may raise to stop the work.
        """
        action = partial(self._cluster._spark.runJob, self._sorted, Partition(function), list(partitions))
        results = self._cluster._follow(action, self._left + len(partitions), on_done)
        self._left = 0
        return results


# In the tasks ─────────────────────────────────────────────────────────────────────────────────────────────────────


class _Silence:
    """A look, now and then, whether Spark's own master is there: without one Spark would wait for it for ever."""

    def __init__(self, master: str) -> None:
        self.master = master
        self.next = time.monotonic() + MASTER_SECONDS
        self.times = 0

    def look(self) -> None:
        if not self.master.startswith("spark://") or time.monotonic() < self.next:
            return
        self.next = time.monotonic() + MASTER_SECONDS
        try:
            _own_address(self.master)
            self.times = 0
        except Unavailable:
            self.times += 1
            if self.times == SILENT:
                raise


def _end_java() -> None:
    """End Spark's process, which would otherwise stay as long as this one does and keep this connection's choices."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    SparkContext._gateway = SparkContext._jvm = None
    if gateway is not None:
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait()


# Where Spark is ───────────────────────────────────────────────────────────────────────────────────────────────────


def _spark_defaults() -> dict[str, str]:
    """Read Spark's own file: ``spark-defaults.conf`` in ``SPARK_CONF_DIR``, or in ``conf`` of Spark itself."""
    from pyspark.find_spark_home import _find_spark_home

    folder = os.environ.get("SPARK_CONF_DIR") or str(Path(os.environ.get("SPARK_HOME") or _find_spark_home()) / "conf")
    try:
        lines = (Path(folder) / "spark-defaults.conf").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (re.split(r"[\s=:]+", line.strip(), maxsplit=1) for line in lines if re.match(r"\s*spark\.", line))
    return {pair[0]: pair[1].strip() if len(pair) > 1 else "" for pair in pairs}


def _own_address(master: str) -> tuple[str, bool]:
    """Give this machine's address as the master sees it, and whether they are the same machine.

    Raises
    ------
    Unavailable
        No master answers.
    """
    for place in master.removeprefix("spark://").split(","):
        host, _, port = place.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), ANSWER_SECONDS) as connection:
                return connection.getsockname()[0], connection.getsockname()[0] == connection.getpeername()[0]
        except (OSError, ValueError, OverflowError):
            continue
    raise Unavailable(
        "no Spark master answers", where=master, expected="spark://HOST:PORT as the master's log shows it"
    )
