"""The table engine keeps to its memory, spills encrypted and quotes no data; buckets are added by key."""

import threading
from collections.abc import Sequence
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from commonweal.core import engine
from commonweal.core.console import Home
from commonweal.core.engine import Tables, add, keyed_counts, map_buckets
from commonweal.core.errors import CommonwealError, InputError, Refused

SECRET = "23276123456"


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """Some 300 MB of text in which a secret stands again and again."""
    path = tmp_path / "big.parquet"
    rows = 1_500_000
    table = pa.table({"text": [f"{SECRET}-{number % 9973:06}-{'x' * 40}" for number in range(rows)]})
    pq.write_table(table.append_column("n", pa.array(range(rows))), path)
    return path


def test_a_sort_larger_than_the_memory_limit_spills_and_what_it_spills_cannot_be_read(home: Home, big: Path) -> None:
    settings = home.settings.model_copy(update={"memory_limit": "150MB", "threads": 1})
    seen: list[bytes] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.01):
            for file in settings.spill.rglob("*"):
                try:
                    seen.append(file.read_bytes()[:50_000_000])
                except OSError:
                    continue
                if len(seen) > 40:
                    del seen[::2]

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        with Tables(settings) as tables:
            table = tables.parquet(big)
            ordered = table.mutate(place=ibis.row_number().over(order_by=[table.text, table.n.desc()]))
            total = tables.to_arrow(ordered.place.max()).as_py()
    finally:
        done.set()
        watcher.join()
    assert total == 1_499_999
    spilled = [content for content in seen if len(content) > 1_000_000]
    assert spilled, "nothing was spilled, so the test proves nothing"
    assert not any(SECRET.encode() in content for content in spilled)
    assert not any(settings.spill.iterdir()), "the spill folder was left behind"


def test_threads_and_memory_are_the_settings(home: Home) -> None:
    with Tables(home.settings.model_copy(update={"memory_limit": "123MB", "threads": 1})) as tables:
        wanted = ("threads", "memory_limit", "temp_file_encryption")
        said = tables.connection.raw_sql("SELECT " + ", ".join(f"current_setting('{name}')" for name in wanted))
        threads, memory, encrypted = said.fetchone() or (None, None, None)
    assert threads == 1
    assert memory == "117.3 MiB"  # 123 MB of 10^6 bytes
    assert encrypted is True


def test_an_engines_error_does_not_quote_the_data(home: Home) -> None:
    with Tables(home.settings) as tables:
        table = ibis.memtable({"text": [SECRET]})
        with pytest.raises(CommonwealError) as raised:
            tables.to_arrow(table.text.cast("date").max())
    assert SECRET not in str(raised.value)


COUNTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 100)), max_size=30)


@given(st.lists(COUNTS, min_size=1, max_size=5), st.randoms())
@examples(deadline=None)  # kernels may have to be compiled
def test_adding_is_a_sum_by_key_whatever_the_order(parts: list[list[tuple[int, int, int]]], random) -> None:  # type: ignore[no-untyped-def]
    def table(rows: list[tuple[int, int, int]]) -> pa.Table:
        columns = list(zip(*rows, strict=True)) or [(), (), ()]
        return keyed_counts({"area": columns[0], "hour": columns[1]}, {"people": columns[2]})

    expected: dict[tuple[int, int], int] = {}
    for area, hour, people in (row for rows in parts for row in rows):
        expected[area, hour] = expected.get((area, hour), 0) + people
    first = add([table(rows) for rows in parts])
    random.shuffle(parts)
    assert first.equals(add([table(rows) for rows in parts]))
    found = {(row["area"], row["hour"]): row["people"] for row in first.to_pylist()}
    assert found == expected
    assert list(found) == sorted(found)


def counted(reference: int) -> dict[str, pa.Table]:
    if reference == 13:
        raise Refused("bucket 13 is not for counting")
    return {"n": keyed_counts({"odd": [reference % 2]}, {"people": [reference]})}


def test_buckets_are_mapped_and_added(home: Home) -> None:
    done: list[int] = []
    counts = map_buckets(home.settings, counted, list(range(10)), done.append)
    assert counts["n"].to_pydict() == {"odd": [0, 1], "people": [20, 25]}
    assert done[-1] == 10
    assert done == sorted(done)


def test_what_buckets_counted_is_added_up_as_it_comes_and_not_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 40 buckets with 25 keys each, no more wait than their sum has rows, but for the one that comes last."""
    monkeypatch.setattr(engine, "FEW_ROWS", 50)
    added: list[int] = []
    at_once = engine.add_counts

    def add_counts(parts: Sequence[dict[str, pa.Table]]) -> dict[str, pa.Table]:
        added.append(sum(part["people"].num_rows for part in parts))
        return at_once(parts)

    monkeypatch.setattr(engine, "add_counts", add_counts)

    def counted(bucket: int) -> dict[str, pa.Table]:
        return {"people": keyed_counts({"key": [(bucket + n) % 30 for n in range(25)]}, {"people": [bucket] * 25})}

    found = map_buckets(home.settings, counted, list(range(40)))
    assert found == at_once([counted(bucket) for bucket in range(40)])
    assert len(added) > 10
    assert max(added) <= 30 + 50 + 25


def test_a_buckets_error_is_the_works_error(home: Home) -> None:
    with pytest.raises(Refused, match="bucket 13"):
        map_buckets(home.settings, counted, [1, 13, 2])


def test_work_stops_when_told(home: Home) -> None:
    class Stopped(Exception):
        pass

    def stop(done: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        map_buckets(home.settings, counted, [1, 2, 3], stop)


def test_no_buckets_are_an_error_that_says_what_is_missing(home: Home) -> None:
    with pytest.raises(InputError, match="no buckets"):
        map_buckets(home.settings, counted, [])
