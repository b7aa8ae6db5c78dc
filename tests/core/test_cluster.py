"""Work on Spark: the same as on threads, told while it goes on, stopped when told, and honest about what went wrong."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from commonweal.core.cluster import Cluster
from commonweal.core.cluster_tasks import Record
from commonweal.core.console import Home
from commonweal.core.engine import add_counts, keyed_counts, map_buckets
from commonweal.core.errors import CommonwealError, Conflict, InputError, Refused, Unavailable
from commonweal.core.settings import Settings

pytestmark = [
    pytest.mark.slow,
    # Spark's own connections are closed when they are collected.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def cluster(spark: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A connection to Spark."""
    folder = tmp_path_factory.mktemp("cluster")
    with Cluster(Settings(data=folder / "data", keys=folder / "keys", engine=spark)) as made:
        yield made


def test_buckets_count_what_they_count_on_threads(home: Home, spark: str) -> None:
    def counted(reference: int) -> dict[str, pa.Table]:
        return {"n": keyed_counts({"odd": [reference % 2]}, {"people": [reference]})}

    on_spark = map_buckets(home.settings.on_engine(spark), counted, range(10))
    assert on_spark["n"].equals(map_buckets(home.settings, counted, range(10))["n"])


def test_many_results_are_added_by_tasks_before_they_come_here(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commonweal.core.cluster.AT_ONCE", 4)

    def counted(reference: int) -> dict[str, pa.Table]:
        return {"n": keyed_counts({"last": [reference % 7]}, {"people": [reference]})}

    added = cluster.reduce(counted, range(20), add_counts)
    assert added["n"].equals(add_counts([counted(number) for number in range(20)])["n"])


def test_references_may_hold_large_arrays(cluster: Cluster) -> None:
    def size(reference: tuple[int, np.ndarray]) -> int:
        return reference[0] + int(reference[1].sum())

    assert cluster.map(size, [(number, np.ones(300_000, np.int64)) for number in range(3)]) == [300000, 300001, 300002]


def test_it_is_told_how_much_is_done_while_work_goes_on(cluster: Cluster) -> None:
    def slow(reference: int) -> float:
        time.sleep(0.3)
        return time.time()

    told: list[tuple[int, float]] = []
    ended = cluster.map(slow, range(6), lambda done: told.append((done, time.time())))
    numbers = [done for done, _ in told]
    assert numbers == sorted(numbers)
    assert numbers[-1] == 6
    assert any(0 < done < 6 and when < max(ended) for done, when in told)


def test_work_that_is_stopped_stops_in_its_tasks_too(cluster: Cluster, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def slow(reference: int) -> None:
        time.sleep(0.2)
        (tmp_path / str(reference)).touch()

    def stop(done: int) -> None:
        if done:
            raise Stopped

    with pytest.raises(Stopped):
        cluster.map(slow, range(40), stop)
    there = len(list(tmp_path.iterdir()))
    time.sleep(1)
    assert len(list(tmp_path.iterdir())) <= there + 2 < 40


@pytest.mark.parametrize("kind", [Refused, Conflict, InputError])
def test_an_error_in_a_task_keeps_what_where_and_what_would_be_right(
    cluster: Cluster, kind: type[CommonwealError]
) -> None:
    def fails(reference: int) -> None:
        raise kind('a "number"\nis wrong', where="calls.csv, row 3", expected="näher")

    with pytest.raises(kind) as raised:
        cluster.map(fails, [1])
    assert type(raised.value) is kind
    assert (raised.value.what, raised.value.where) == ('a "number"\nis wrong', "calls.csv, row 3")
    assert raised.value.expected == "näher"


def test_another_error_s_message_stays_in_the_task_since_it_may_quote_a_row(cluster: Cluster) -> None:
    def fails(reference: int) -> None:
        raise KeyError("23276123456")

    with pytest.raises(CommonwealError, match="unexpected KeyError") as raised:
        cluster.map(fails, [1])
    assert "23276123456" not in str(raised.value)


def test_records_come_to_their_partition_sorted_and_are_made_once(cluster: Cluster, tmp_path: Path) -> None:
    def records(reference: int) -> Iterator[Record]:
        (tmp_path / f"{reference}-{os.getpid()}-{time.time_ns()}").touch()
        for number in range(50):
            yield (number % 3, -number, reference), b"x" * number

    def gathered(partition: int, found: Iterator[Record]) -> tuple[int, list[tuple[int, ...]], int]:
        everything = list(found)
        return partition, [key for key, _ in everything], sum(len(value) for _, value in everything)

    shuffled = cluster.shuffle(records, [7, 8], 3)
    first = shuffled.map(gathered, [2])
    rest = shuffled.map(gathered, [0, 1])
    assert len(list(tmp_path.iterdir())) == 2
    for partition, keys, size in [*rest, *first]:
        expected = sorted((n % 3, -n, r) for r in (7, 8) for n in range(50) if n % 3 == partition)
        assert keys == expected
        assert size == sum(-key[1] for key in expected)
    assert [partition for partition, _, _ in [*rest, *first]] == [0, 1, 2]


def test_spark_knows_its_parts_and_encrypts_what_it_sends_and_lays_down(cluster: Cluster) -> None:
    conf = dict(cluster._spark.getConf().getAll())
    for name in ("spark.authenticate", "spark.network.crypto.enabled", "spark.io.encryption.enabled"):
        assert conf[name] == "true"
    assert conf["spark.driver.host"] == "127.0.0.1"


# Masters ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def choices(settings: Settings) -> dict[str, str]:
    return Cluster(settings)._choices()


@pytest.mark.parametrize("engine", ["spark", "local[0]", "spark://", "spark://host", "mesos://h:1", "threads ", ""])
def test_what_is_no_engine_is_refused_with_what_would_be_one(home: Home, engine: str) -> None:
    with pytest.raises(InputError, match=r"is no engine \(expected: threads, local\[2\], spark://HOST:PORT"):
        home.settings.on_engine(engine)


@pytest.mark.parametrize("engine", ["threads", "local", "local[*]", "spark://a:7077,b:7077", "yarn", "k8s://https://h"])
def test_an_engine_is_named_for_one_command(home: Home, engine: str) -> None:
    assert home.settings.on_engine(engine).engine == engine
    assert home.settings.on_engine(None) is home.settings


def test_a_master_that_does_not_answer_is_told_at_once(home: Home, spark: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        master = f"spark://127.0.0.1:{unused.getsockname()[1]}"
        begun = time.monotonic()
        with pytest.raises(Unavailable, match=re.escape(f"{master}: no Spark master answers")):
            choices(home.settings.on_engine(master))
    assert time.monotonic() - begun < 6


def test_the_driver_is_reached_where_the_master_sees_it(home: Home, spark: str) -> None:
    with listening() as port:
        chosen = choices(home.settings.on_engine(f"spark://127.0.0.1:{port}"))
    assert chosen["spark.driver.host"] == chosen["spark.driver.bindAddress"] == "127.0.0.1"


def test_a_master_elsewhere_needs_a_secret(
    home: Home, spark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commonweal.core.cluster._own_address", lambda master: ("10.0.0.5", False))
    settings = home.settings.on_engine("spark://10.0.0.4:7077")
    with pytest.raises(Refused, match="Spark has no secret"):
        choices(settings)
    (tmp_path / "spark-defaults.conf").write_text("spark.authenticate true\nspark.authenticate.secret  s\n")
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    chosen = choices(settings)
    assert chosen["spark.driver.host"] == "10.0.0.5"
    assert "spark.driver.bindAddress" not in chosen
    assert "spark.authenticate" not in chosen, "what Spark's own file says stands"
    assert chosen["spark.network.crypto.enabled"] == "true"
    assert not any("secret" in name for name in chosen), "a secret on a command line is seen by everyone"


class listening:  # noqa: N801
    """A port of this machine that takes connections."""

    def __enter__(self) -> int:
        self.socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._take, daemon=True).start()
        return int(self.socket.getsockname()[1])

    def _take(self) -> None:
        with suppress(OSError):
            self.socket.accept()[0].close()

    def __exit__(self, *_: object) -> None:
        self.socket.close()
